/*
 * cmd_drivers.c - drivers: the plugins found, and why one was refused.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

static char *abi_text(const struct dunlin_driver_info *d, char buf[32])
{
	buf[0] = '\0';
	if (d->abi_major > 0)
		snprintf(buf, 32, "%" PRId32 ".%" PRId32, d->abi_major, d->abi_minor);
	return buf;
}

static int add_json(void *arg, const struct dunlin_driver_info *d)
{
	json_t *caps = json_array();
	char abi[32];

	for (unsigned bit = 0; bit < 64; bit++)
		if (d->caps >> bit & 1 && dunlin_cap_name(bit))
			json_array_append_new(caps, json_string(dunlin_cap_name(bit)));
	return json_array_append_new(arg, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}",
		"name", json_text(d->name),
		"path", json_text_or_null(d->path),
		"version", json_text_or_null(d->version),
		"abi", json_text_or_null(abi_text(d, abi)),
		"capabilities", caps,
		"refused", json_text_or_null(d->refused)));
}

struct printer {
	struct output *out;
	size_t n;
};

static void print_caps(struct output *o, uint64_t caps)
{
	size_t column = 0;

	out_printf(o, "  can ");
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = caps >> bit & 1 ? dunlin_cap_name(bit) : NULL;

		if (!name)
			continue;
		if (column > 60) {
			out_printf(o, "\n      ");
			column = 0;
		}
		out_printf(o, "%s%s", column ? " " : "", name);
		column += strlen(name) + 1;
	}
	out_printf(o, "\n");
}

static int print_driver(void *arg, const struct dunlin_driver_info *d)
{
	struct printer *p = arg;
	struct output *o = p->out;
	char abi[32];

	p->n++;
	out_style(o, d->refused ? STYLE_BAD : STYLE_GOOD);
	out_safe(o, d->name);
	out_style(o, STYLE_PLAIN);
	if (d->version && *d->version) {
		out_printf(o, "  ");
		out_safe(o, d->version);
	}
	if (*abi_text(d, abi))
		out_printf(o, "  ABI %s", abi);
	if (d->client && *d->client) {
		out_printf(o, "  ");
		out_safe(o, d->client);
	}
	out_printf(o, "\n");
	if (d->path && *d->path) {
		out_printf(o, "  at ");
		out_safe(o, d->path);
		out_printf(o, "\n");
	}
	if (d->refused) {
		out_printf(o, "  refused: ");
		out_safe_lines(o, d->refused, strlen(d->refused), 4);
		out_printf(o, "\n");
	} else {
		print_caps(o, d->caps);
	}
	return 0;
}

static int run_drivers(struct cli *c)
{
	struct printer p = { .out = &c->out };
	json_t *list;
	struct dunlin_error err;
	int rc;

	OPEN_OR_RETURN(c);
	if (c->format != FORMAT_JSON) {
		if (dunlin_each_driver(c->d, print_driver, &p, &err) < 0)
			return fail(c, &err);
		if (p.n == 0)
			out_printf(&c->out, "No driver plugins found\n");
		return DUNLIN_EXIT_OK;
	}
	list = json_array();
	rc = dunlin_each_driver(c->d, add_json, list, &err);
	if (rc < 0) {
		json_decref(list);
		return fail(c, &err);
	}
	return json_print(c, json_pack("{s:o}", "drivers", list), DUNLIN_EXIT_OK);
}

const struct command cmd_drivers = {
	.name = "drivers", .group = GROUP_OTHER, .run = run_drivers,
	.summary = "list the driver plugins",
	.description = "Lists the plugins that the driver path holds: version, ABI, path and capabilities, or why\none was refused.\n",
	.example = "$ dunlin drivers\n",
};
