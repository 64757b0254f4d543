/*
 * errors.c - what went wrong, told to people and to programs.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"
#include "json.h"
#include "progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

int usage_error(struct dunlin_error *err, const char *fmt, ...)
{
	va_list ap;

	memset(err, 0, sizeof *err);
	err->code = DUNLIN_EXIT_USAGE;
	err->errclass = DUNLIN_CLASS_VALIDATION;
	err->statements_done = err->statements_total = -1;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	return -1;
}

void usage_hint(struct dunlin_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof err->hint, fmt, ap);
	va_end(ap);
}

int fail_usage(struct cli *c, const char *hint, const char *fmt, ...)
{
	struct dunlin_error err;
	va_list ap;

	usage_error(&err, "%s", "");
	va_start(ap, fmt);
	vsnprintf(err.message, sizeof err.message, fmt, ap);
	va_end(ap);
	usage_hint(&err, "%s", hint ? hint : "");
	return fail(c, &err);
}

int fail_nomem(struct cli *c)
{
	struct dunlin_error err;

	usage_error(&err, "out of memory");
	err.code = DUNLIN_EXIT_FAILED;
	return fail(c, &err);
}

void tell(struct cli *c, enum style style, const char *word, const char *text)
{
	struct output *o = &c->err;

	progress_pause(c);
	out_printf(o, "dunlin: ");
	if (word) {
		out_style(o, style);
		out_printf(o, "%s:", word);
		out_style(o, STYLE_PLAIN);
		out_printf(o, " ");
	}
	out_safe_lines(o, text, strlen(text), 2);
	out_printf(o, "\n");
	out_flush(o);
	progress_go_on(c);
}

#define LABEL_WIDTH 12

static void label(struct output *o, const char *name)
{
	out_style(o, STYLE_DIM);
	out_printf(o, "  %s", name);
	out_style(o, STYLE_PLAIN);
	out_pad(o, LABEL_WIDTH - 2 - strlen(name));
}

static void labelled(struct output *o, const char *name, const char *text)
{
	if (!*text)
		return;
	label(o, name);
	out_safe_lines(o, text, strlen(text), LABEL_WIDTH);
	out_printf(o, "\n");
}

static void print_place(struct output *o, const char *name, const char *file, uint32_t line, uint32_t column)
{
	if (!*file)
		return;
	label(o, name);
	out_safe(o, file);
	if (line)
		out_printf(o, ":%" PRIu32, line);
	if (line && column)
		out_printf(o, ":%" PRIu32, column);
	out_printf(o, "\n");
}

static void print_migration(struct output *o, const char *component, const char *version)
{
	if (!*version)
		return;
	label(o, "migration");
	if (*component) {
		out_safe(o, component);
		out_printf(o, "@");
	}
	out_safe(o, version);
	out_printf(o, "\n");
}

/* For a mistake on the command line the class and its advice tell nothing more. */
static int has_class(const struct dunlin_error *e)
{
	return e->code != DUNLIN_EXIT_USAGE || e->file[0];
}

static void print_error(struct cli *c, const struct dunlin_error *e)
{
	struct output *o = &c->err;
	const char *advice = has_class(e) ? dunlin_class_advice(e->errclass) : "";

	out_printf(o, "dunlin: ");
	out_style(o, STYLE_BAD);
	out_printf(o, "error:");
	out_style(o, STYLE_PLAIN);
	if (has_class(e))
		out_printf(o, " %s:", dunlin_class_name(e->errclass));
	out_printf(o, " ");
	out_safe_lines(o, e->message, strlen(e->message), 2);
	if (e->native[0]) {
		out_printf(o, " (");
		out_safe(o, e->native);
		out_printf(o, ")");
	}
	out_printf(o, "\n");
	print_migration(o, e->component, e->version);
	print_place(o, "at", e->file, e->line, e->column);
	labelled(o, "statement", e->statement);
	labelled(o, "state", e->state);
	labelled(o, "hint", e->hint);
	if (strcmp(advice, e->hint) != 0)
		labelled(o, e->hint[0] ? "also" : "hint", advice);
	out_flush(o);
}

int fail(struct cli *c, const struct dunlin_error *err)
{
	progress_end(c);
	if (c->format == FORMAT_JSON)
		json_print_error(c, err);
	else
		print_error(c, err);
	return err->code ? err->code : DUNLIN_EXIT_FAILED;
}

static void print_finding(struct cli *c, const struct dunlin_finding *f)
{
	struct output *o = &c->out;

	out_style(o, f->code ? STYLE_BAD : STYLE_WARN);
	out_printf(o, "%s", f->code ? "error" : "warning");
	out_style(o, STYLE_PLAIN);
	out_printf(o, " ");
	out_safe(o, f->kind);
	out_printf(o, ": ");
	out_safe_lines(o, f->message, strlen(f->message), 2);
	out_printf(o, "\n");
	print_migration(o, f->component, f->version);
	print_place(o, "at", f->file, f->line, f->column);
	labelled(o, "hint", f->hint);
}

void print_findings(struct cli *c, const struct dunlin_finding *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		print_finding(c, &f[i]);
}
