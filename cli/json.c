/*
 * json.c - the library's structs as the JSON that is promised.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- values ------------------------------------------------------------------- */

static json_t *mended_text(const char *s, size_t len)
{
	char *copy = malloc(3 * len + 1);
	size_t at = 0;
	json_t *text;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = utf8_next(s + i, len - i, &cp);
		const char *from = cp == UINT32_MAX ? "\xef\xbf\xbd" : s + i;
		size_t bytes = cp == UINT32_MAX ? 3 : n;

		memcpy(copy + at, from, bytes);
		at += bytes;
		i += n;
	}
	text = json_stringn_nocheck(copy, at);
	free(copy);
	return text;
}

json_t *json_text(const char *s)
{
	json_t *text = json_string(s ? s : "");

	return text ? text : mended_text(s ? s : "", s ? strlen(s) : 0);
}

json_t *json_text_or_null(const char *s)
{
	return s && *s ? json_text(s) : json_null();
}

json_t *json_count(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

/* --- structs ------------------------------------------------------------------- */

static json_t *json_segments(const struct dunlin_action *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->n_segment; i++)
		json_array_append_new(list, json_pack("{s:I, s:I, s:s}", "from", (json_int_t)a->segment[i].first,
		                                      "to", (json_int_t)a->segment[i].last, "commits", a->segment[i].commits));
	return list;
}

json_t *json_action(const struct dunlin_action *a)
{
	json_t *out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}",
		"action", json_text(a->kind_name),
		"component", json_text(a->component),
		"version", json_text(a->version),
		"name", json_text(a->name),
		"batch", json_count(a->batch),
		"statements", (json_int_t)a->statements,
		"transaction", json_text(a->transaction),
		"reason", json_text(a->reason));

	if (out && a->n_segment)
		json_object_set_new(out, "segments", json_segments(a));
	return out;
}

json_t *json_finding(const struct dunlin_finding *f)
{
	return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"class", json_text(dunlin_class_name(f->errclass)),
		"kind", json_text(f->kind),
		"code", (int)f->code,
		"component", json_text(f->component),
		"version", json_text_or_null(f->version),
		"file", json_text_or_null(f->file),
		"line", json_count(f->line ? (int64_t)f->line : -1),
		"column", json_count(f->column ? (int64_t)f->column : -1),
		"message", json_text(f->message),
		"hint", json_text_or_null(f->hint));
}

json_t *json_findings(const struct dunlin_finding *f, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(list, json_finding(&f[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *json_plan(const struct dunlin_plan *p)
{
	json_t *actions = json_array(), *findings = json_array();

	for (size_t i = 0; i < dunlin_plan_n_actions(p); i++)
		if (json_array_append_new(actions, json_action(dunlin_plan_action(p, i))) < 0)
			goto nomem;
	for (size_t i = 0; i < dunlin_plan_n_findings(p); i++)
		if (json_array_append_new(findings, json_finding(dunlin_plan_finding(p, i))) < 0)
			goto nomem;
	return json_pack("{s:o, s:o, s:o}", "actions", actions, "findings", findings,
	                 "digest", json_text(dunlin_plan_digest(p)));
nomem:
	json_decref(actions);
	json_decref(findings);
	return NULL;
}

json_t *json_event(const struct dunlin_event *e)
{
	json_t *detail = json_loads(e->detail && *e->detail ? e->detail : "{}", JSON_DECODE_ANY, NULL);
	json_t *doc;

	if (!detail)
		detail = json_text(e->detail);
	/* As large as the schema; who wants it reads the log. */
	if (json_is_object(detail))
		json_object_del(detail, "snapshot");
	doc = json_pack("{s:o, s:o, s:o, s:I, s:o, s:o}",
		"event", json_text(e->event),
		"at", json_text(e->at),
		"run_id", json_text(e->run_id),
		"seq", (json_int_t)e->seq,
		"component", json_text(e->component),
		"version", json_text_or_null(e->version));
	if (doc && e->name && *e->name)
		json_object_set_new(doc, "name", json_text(e->name));
	if (json_object_set_new(doc, "actor", json_text(e->actor)) < 0 ||
	    json_object_set(doc, "detail", detail) < 0) {
		json_decref(doc);
		doc = NULL;
	}
	json_decref(detail);
	return doc;
}

static json_t *place(uint32_t n)
{
	return json_count(n ? (int64_t)n : -1);
}

json_t *json_error(const struct dunlin_error *e)
{
	const char *hint = e->hint;

	if (!*hint && e->code != DUNLIN_EXIT_USAGE)
		hint = dunlin_class_advice(e->errclass);
	return json_pack("{s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}}", "error",
		"class", json_text(dunlin_class_name(e->errclass)),
		"code", json_text_or_null(e->native),
		"message", json_text(e->message),
		"hint", json_text_or_null(hint),
		"component", *e->version ? json_text(e->component) : json_text_or_null(e->component),
		"version", json_text_or_null(e->version),
		"file", json_text_or_null(e->file),
		"line", place(e->line),
		"column", place(e->column),
		"statement", json_text_or_null(e->statement),
		"statements_done", json_count(e->statements_done),
		"statements_total", json_count(e->statements_total),
		"state", json_text_or_null(e->state));
}

/* --- printing -------------------------------------------------------------------- */

/* jansson escapes C0 alone.  DEL, C1 and bidi controls can only stand inside a
 * string of the text, where \u is as good. */
char *json_safe_dump(const json_t *doc, size_t flags)
{
	char *text = doc ? json_dumps(doc, flags) : NULL;
	size_t len, extra = 0, at = 0;
	uint32_t cp;
	char *safe;

	if (!text)
		return NULL;
	len = strlen(text);
	for (size_t i = 0; i < len;) {
		i += utf8_next(text + i, len - i, &cp);
		if (cp >= 0x7f && cp != UINT32_MAX && is_control(cp))
			extra += 6;
	}
	if (extra == 0)
		return text;
	safe = malloc(len + extra + 1);
	for (size_t i = 0; safe && i < len;) {
		size_t n = utf8_next(text + i, len - i, &cp);

		if (cp >= 0x7f && cp != UINT32_MAX && is_control(cp)) {
			at += (size_t)snprintf(safe + at, len + extra + 1 - at, "\\u%04x", (unsigned)cp);
		} else {
			memcpy(safe + at, text + i, n);
			at += n;
		}
		i += n;
	}
	if (safe)
		safe[at] = '\0';
	free(text);
	return safe;
}

static int print(struct cli *c, json_t *doc, size_t flags)
{
	char *text = json_safe_dump(doc, flags);

	json_decref(doc);
	if (!text)
		return -1;
	out_raw(&c->out, text, strlen(text));
	out_raw(&c->out, "\n", 1);
	free(text);
	return 0;
}

int json_print(struct cli *c, json_t *doc, int code)
{
	if (print(c, doc, c->out.is_tty ? JSON_INDENT(2) : JSON_COMPACT) < 0)
		return fail_nomem(c);
	c->has_answer = 1;
	return code;
}

void json_print_line(struct cli *c, json_t *doc)
{
	/* A line that there is no memory for is lost; the run goes on. */
	if (print(c, doc, JSON_COMPACT) < 0 && !c->out.error)
		c->out.error = ENOMEM;
	out_flush(&c->out);
}

void json_print_error(struct cli *c, const struct dunlin_error *err)
{
	static const char nomem[] = "{\"error\":{\"class\":\"UNKNOWN\",\"message\":\"out of memory\"}}\n";

	if (c->has_answer)
		return;
	c->has_answer = 1;
	if (print(c, json_error(err), c->out.is_tty && !(c->command && c->command->is_run) ? JSON_INDENT(2) : JSON_COMPACT) < 0)
		out_raw(&c->out, nomem, sizeof nomem - 1);
	out_flush(&c->out);
}
