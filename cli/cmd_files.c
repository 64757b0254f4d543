/*
 * cmd_files.c - new and hash: writing into the migrations folder.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

/* --- new -------------------------------------------------------------------------- */

/* "Add Users!" -> "add_users": what is safe in every shell and file system. */
static int sanitise(const char *name, char *out, size_t size, struct dunlin_error *err)
{
	size_t n = 0;

	for (; *name; name++) {
		char ch = *name;

		if (ch >= 'A' && ch <= 'Z')
			ch = (char)(ch - 'A' + 'a');
		if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-'))
			ch = '_';
		/* One for several, none at the ends. */
		if (ch == '_' && (n == 0 || out[n - 1] == '_'))
			continue;
		if (n + 1 >= size)
			return usage_error(err, "the name is too long");
		out[n++] = ch;
	}
	while (n > 0 && (out[n - 1] == '_' || out[n - 1] == '-'))
		n--;
	out[n] = '\0';
	if (n == 0 || out[0] == '-') {
		usage_error(err, "the name has no letter or digit to begin with");
		usage_hint(err, "A name such as add_users says what the migration does.");
		return -1;
	}
	return 0;
}

static int choose_version(struct cli *c, struct dunlin_new_request *req, struct dunlin_error *err)
{
	static const char *const names[] = { "patch", "minor", "major" };
	const char *chosen = NULL;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!option_given(c, names[i]))
			continue;
		if (chosen)
			return usage_error(err, "'--%s' and '--%s' don't go together", chosen, names[i]);
		chosen = names[i];
	}
	req->bump = chosen;
	return 0;
}

static int run_new(struct cli *c)
{
	char name[200], path[4096];
	struct dunlin_new_request req = {
		.name = name,
		.version = option_value(c, "version"),
		.driver = option_value(c, "driver"),
		.revert = option_value(c, "revert"),
		.is_pair = option_given(c, "pair"),
	};
	struct dunlin_error err;

	if (sanitise(c->operand[0], name, sizeof name, &err) < 0 || choose_version(c, &req, &err) < 0)
		return fail(c, &err);
	if (req.bump && req.version)
		return fail_usage(c, "Give one of them.", "'--%s' and '--version' don't go together", req.bump);
	OPEN_OR_RETURN(c);
	if (dunlin_new_migration(c->d, &req, path, sizeof path, &err) < 0)
		return fail(c, &err);
	if (c->format == FORMAT_JSON)
		return json_print(c, json_pack("{s:o}", "path", json_text(path)), DUNLIN_EXIT_OK);
	/* As it is for a script, safe for a person. */
	if (c->out.is_tty)
		out_safe(&c->out, path);
	else
		out_raw(&c->out, path, strlen(path));
	out_raw(&c->out, "\n", 1);
	return DUNLIN_EXIT_OK;
}

static const struct option_spec new_options[] = {
	{ "patch", 0, ARG_NONE, NULL, "first sequence of the next patch release", NULL },
	{ "minor", 0, ARG_NONE, NULL, "first sequence of the next minor release", NULL },
	{ "major", 0, ARG_NONE, NULL, "first sequence of the next major release", NULL },
	{ "version", 0, ARG_TEXT, "VERSION", "exactly this version", NULL },
	{ "pair", 0, ARG_NONE, NULL, "an .up.sql and a .down.sql instead of one file", NULL },
	{ "driver", 0, ARG_TEXT, "DRIVER", "a file for that driver alone", NULL },
	{ "revert", 0, ARG_VERSION, "VERSION", "fill it with that migration's down", NULL },
	{ 0 },
};

const struct command cmd_new = {
	.name = "new", .group = GROUP_FILES, .options = new_options, .run = run_new,
	.operands = "NAME", .min_operands = 1, .max_operands = 1,
	.summary = "create the next migration and print its path",
	.description =
		"Creates a migration with the next sequence of the newest version, or as the options say,\n"
		"and keeps dunlin.sum current where there is one. NAME becomes lower case, with _ for\n"
		"what is neither a letter nor a digit.\n",
	.example =
		"$ dunlin new 'add inbox retry' --patch\n"
		"migrations/1.0.6-001-add_inbox_retry.sql\n",
};

/* --- hash ------------------------------------------------------------------------- */

static int run_hash(struct cli *c)
{
	struct dunlin_error err;
	int64_t n = 0;

	OPEN_OR_RETURN(c);
	if (dunlin_hash(c->d, &n, &err) < 0)
		return fail(c, &err);
	if (c->format == FORMAT_JSON)
		return json_print(c, json_pack("{s:I}", "files", (json_int_t)n), DUNLIN_EXIT_OK);
	if (!c->is_quiet)
		out_printf(&c->out, "Wrote dunlin.sum (%" PRId64 " files)\n", n);
	return DUNLIN_EXIT_OK;
}

const struct command cmd_hash = {
	.name = "hash", .group = GROUP_FILES, .run = run_hash,
	.summary = "write dunlin.sum",
	.description =
		"Writes dunlin.sum into the migrations folder. Where it exists, every command that reads\n"
		"the folder checks it first.\n",
	.example =
		"$ dunlin hash\n"
		"Wrote dunlin.sum (12 files)\n",
};
