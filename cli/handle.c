/*
 * handle.c - the library's handle with what the command line says, and the
 * settings that the program itself obeys read back from it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Options of the commands that may stand in dunlin.ini too, and are read back
 * from the handle; the others are told in requests. */
static const char *const settings[] = {
	"allow-out-of-order", "down-from", "driver", "no-lock", "strict", "transaction",
};

static int is_for_library(const struct option_spec *o)
{
	for (const struct option_spec *k = common_options; k->name; k++)
		if (k == o)
			return strcmp(o->name, "help") != 0 && strcmp(o->name, "version") != 0;
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (strcmp(o->name, settings[i]) == 0)
			return 1;
	return 0;
}

static int pass_on(struct cli *c, struct dunlin_error *err)
{
	for (size_t i = 0; i < c->n_given; i++) {
		const struct given_option *g = &c->given[i];

		if (is_for_library(g->spec) && dunlin_set(c->d, g->spec->name, g->value ? g->value : "yes", err) < 0)
			return -1;
	}
	return 0;
}

int setting_is_true(struct cli *c, const char *name)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	const char *value = dunlin_get(c->d, name, NULL);

	for (size_t i = 0; value && i < sizeof yes / sizeof *yes; i++)
		if (strcasecmp(value, yes[i]) == 0)
			return 1;
	return 0;
}

static void read_back(struct cli *c)
{
	const char *format = dunlin_get(c->d, "format", NULL);
	const char *origin = NULL, *color = dunlin_get(c->d, "color", &origin);
	const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE");

	if (format && !option_given(c, "format"))
		c->format = strcmp(format, "json") == 0 ? FORMAT_JSON : FORMAT_TEXT;
	c->is_quiet = setting_is_true(c, "quiet");
	c->is_verbose = setting_is_true(c, "verbose");
	c->is_debug = setting_is_true(c, "debug");
	/* Of a configured colour the environment is the master. */
	if (!option_given(c, "color") && ((no && *no) || (force && *force)))
		color = NULL;
	out_set_color(&c->out, color);
	out_set_color(&c->err, color);
}

static int print_origin(void *arg, const char *name, const char *value, const char *origin)
{
	struct cli *c = arg;
	struct output *o = &c->err;

	out_printf(o, "debug: ");
	out_safe(o, name);
	out_printf(o, " = ");
	out_safe(o, value ? value : "");
	out_printf(o, "  (");
	out_safe(o, origin ? origin : "");
	out_printf(o, ")\n");
	return 0;
}

void log_line(struct cli *c, int level, const char *text)
{
	if (level <= DUNLIN_LOG_WARN)
		tell(c, level == DUNLIN_LOG_ERROR ? STYLE_BAD : STYLE_WARN,
		     level == DUNLIN_LOG_ERROR ? "error" : "warning", text);
	else if (level == DUNLIN_LOG_INFO ? !c->is_quiet : c->is_debug)
		tell(c, STYLE_DIM, level == DUNLIN_LOG_INFO ? NULL : "debug", text);
}

static void on_log(void *arg, int level, const char *text)
{
	log_line(arg, level, text);
}

void observe_log(struct cli *c)
{
	dunlin_observe(c->d, &(struct dunlin_observer){ .arg = c, .log = on_log });
}

int open_handle(struct cli *c, struct dunlin_error *err)
{
	if (dunlin_new(&c->d, err) < 0)
		return -1;
	dunlin_own_process(c->d);
	if (pass_on(c, err) < 0 || dunlin_configure(c->d, err) < 0)
		return -1;
	read_back(c);
	observe_log(c);
	signals_install(c->d, c->command->is_run);
	if (c->is_debug)
		return dunlin_each_option(c->d, print_origin, c) < 0 ? usage_error(err, "out of memory") : 0;
	return 0;
}
