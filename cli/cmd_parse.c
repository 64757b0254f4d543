/*
 * cmd_parse.c - parse: how dunlin reads a file, without a database.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

static const struct { uint32_t bit; const char *name; } traits[] = {
	{ DUNLIN_ST_DDL, "ddl" }, { DUNLIN_ST_NO_TX, "no-transaction" }, { DUNLIN_ST_COMMITS, "commits" },
	{ DUNLIN_ST_SESSION, "session" }, { DUNLIN_ST_COPY, "copy" },
};
#define N_TRAIT (sizeof traits / sizeof *traits)

/* --- JSON ------------------------------------------------------------------------ */

static json_t *statement_to_json(const struct dunlin_parsed_statement *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < N_TRAIT; i++)
		if (s->traits & traits[i].bit)
			json_array_append_new(list, json_string(traits[i].name));
	return json_pack("{s:I, s:I, s:I, s:o}", "offset", (json_int_t)s->offset, "length", (json_int_t)s->length,
	                 "line", (json_int_t)s->line, "traits", list);
}

static json_t *section_to_json(const struct dunlin_parsed_section *s)
{
	json_t *directives, *statements;

	if (!s->is_present)
		return json_null();
	directives = json_array();
	statements = json_array();
	for (size_t i = 0; i < s->n_directive; i++)
		json_array_append_new(directives, json_text(s->directive[i]));
	for (size_t i = 0; i < s->n_statement; i++) {
		if (json_array_append_new(statements, statement_to_json(&s->statement[i])) < 0) {
			json_decref(directives);
			json_decref(statements);
			return NULL;
		}
	}
	return json_pack("{s:o, s:o}", "directives", directives, "statements", statements);
}

static json_t *parsed_to_json(const struct dunlin_parsed *p)
{
	json_t *sections = json_object();

	for (size_t i = 0; i < 3; i++) {
		if (json_object_set_new(sections, p->section[i].name, section_to_json(&p->section[i])) < 0) {
			json_decref(sections);
			return NULL;
		}
	}
	return json_pack("{s:o, s:o}", "file", json_text(p->file), "sections", sections);
}

/* --- text ------------------------------------------------------------------------ */

#define SHOWN 60 /* columns of a statement */

/* The statement's beginning, on one line, with runs of space as one. */
static void print_beginning(struct output *o, FILE *f, const struct dunlin_parsed_statement *s)
{
	char text[4 * SHOWN], piece[16];
	size_t want = s->length < sizeof text ? (size_t)s->length : sizeof text, len, n, width, columns = 0;

	if (!f || fseeko(f, (off_t)s->offset, SEEK_SET) != 0)
		return;
	len = fread(text, 1, want, f);
	for (size_t i = 0; i < len;) {
		if (strchr(" \t\r\n", text[i])) {
			while (i < len && text[i] && strchr(" \t\r\n", text[i]))
				i++;
			out_printf(o, " ");
			columns++;
		} else {
			i += escape_next(text + i, len - i, piece, &n, &width);
			/* A character that was cut in two is not the file's fault. */
			if (columns + width > SHOWN || (len == sizeof text && i + 3 > len))
				break;
			out_raw(o, piece, n);
			columns += width;
			continue;
		}
		if (columns >= SHOWN)
			break;
	}
	if (columns >= SHOWN || s->length > len)
		out_printf(o, "...");
}

static void print_section(struct output *o, FILE *f, const struct dunlin_parsed_section *s)
{
	if (!s->is_present)
		return;
	out_printf(o, "  ");
	out_style(o, STYLE_BOLD);
	out_printf(o, "%s", s->name);
	out_style(o, STYLE_PLAIN);
	for (size_t i = 0; i < s->n_directive; i++) {
		out_printf(o, "%s", i ? ", " : ": ");
		out_safe(o, s->directive[i]);
	}
	out_printf(o, "\n");
	for (size_t i = 0; i < s->n_statement; i++) {
		const struct dunlin_parsed_statement *st = &s->statement[i];
		const char *separator = "  [";

		out_printf(o, "    line %-5" PRIu32 " %8" PRIu64 "+%-7" PRIu64 "  ", st->line, st->offset, st->length);
		print_beginning(o, f, st);
		for (size_t k = 0; k < N_TRAIT; k++) {
			if (st->traits & traits[k].bit) {
				out_printf(o, "%s%s", separator, traits[k].name);
				separator = " ";
			}
		}
		out_printf(o, "%s\n", separator[0] == ' ' && separator[1] == '\0' ? "]" : "");
	}
}

static void print_parsed(struct cli *c, const struct dunlin_parsed *p, const char *path)
{
	FILE *f = fopen(path, "re");

	out_style(&c->out, STYLE_BOLD);
	out_safe(&c->out, p->file);
	out_style(&c->out, STYLE_PLAIN);
	out_printf(&c->out, "\n");
	for (size_t i = 0; i < 3; i++)
		print_section(&c->out, f, &p->section[i]);
	if (f)
		fclose(f);
}

/* --- the command ------------------------------------------------------------------- */

/* Every file is read, whatever the one before it was like; the first error is
 * the document's, and the exit code. */
static int run_parse(struct cli *c)
{
	const char *driver = option_value(c, "driver");
	struct dunlin_error err, first = { 0 };
	json_t *files = NULL, *doc, *failure;
	int code = DUNLIN_EXIT_OK;

	OPEN_OR_RETURN(c);
	files = json_array();
	for (size_t i = 0; i < c->n_operand; i++) {
		struct dunlin_parsed *p = NULL;

		if (dunlin_parse(c->d, c->operand[i], driver, &p, &err) < 0) {
			if (c->format == FORMAT_TEXT) {
				out_flush(&c->out);
				fail(c, &err);
			}
			if (!code) {
				code = err.code ? err.code : DUNLIN_EXIT_FAILED;
				first = err;
			}
			continue;
		}
		if (c->format == FORMAT_JSON)
			json_array_append_new(files, parsed_to_json(p));
		else
			print_parsed(c, p, c->operand[i]);
		dunlin_parsed_free(p);
	}
	if (c->format != FORMAT_JSON) {
		json_decref(files);
		return code;
	}
	doc = json_pack("{s:o}", "files", files);
	if (code) {
		failure = json_error(&first);
		json_object_update(doc, failure);
		json_decref(failure);
	}
	return json_print(c, doc, code);
}

static const struct option_spec options[] = {
	{ "driver", 0, ARG_TEXT, "DRIVER", "whose SQL it is", NULL },
	{ 0 },
};

const struct command cmd_parse = {
	.name = "parse", .group = GROUP_FILES, .options = options, .run = run_parse,
	.operands = "FILE...", .min_operands = 1, .max_operands = -1,
	.summary = "show how dunlin reads a file",
	.description =
		"Shows sections, directives and statements, each with its line, byte offset and length,\n"
		"and traits: ddl, no-transaction, commits, session, copy. Needs no database; --driver\n"
		"names the dialect where no URL does.\n",
	.example =
		"$ dunlin parse --driver sqlite migrations/1.0.6-001-add_inbox_retry.sql\n",
};
