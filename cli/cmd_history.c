/*
 * cmd_history.c - history: the event log, newest last.
 *
 * Events are printed as they are read; a log has no bound.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct printer {
	struct cli *c;
	size_t n, version_width;
	int is_failed;
};

static void print_text(struct printer *p, const struct dunlin_event *e)
{
	struct output *o = &p->c->out;
	char at[32], time[32], full[512];
	size_t w;

	snprintf(full, sizeof full, "%s%s%s", e->component, *e->component ? "@" : "", e->version);
	w = safe_width(full, strlen(full));
	if (w > p->version_width)
		p->version_width = w;
	out_safe(o, text_time(e->at, at));
	out_printf(o, "  ");
	out_safe(o, e->event);
	out_pad(o, strlen(e->event) < 19 ? 19 - strlen(e->event) : 0);
	out_printf(o, "  ");
	out_safe(o, full);
	out_pad(o, p->version_width - w);
	out_printf(o, "  ");
	out_safe(o, e->actor);
	if (e->execution_ms >= 0)
		out_printf(o, "  %s", text_duration(e->execution_ms, time));
	if (p->c->is_verbose && e->detail && strcmp(e->detail, "{}") != 0) {
		out_printf(o, "\n    ");
		out_safe(o, e->detail);
	}
	out_printf(o, "\n");
}

/* RFC 4180: quoted where a comma, quote or line break stands in it. */
static void print_csv_field(struct output *o, const char *s, char end)
{
	size_t len = strlen(s), from = 0;
	int is_quoted = strpbrk(s, ",\"\r\n") != NULL;

	if (!is_quoted && !o->is_tty) {
		out_raw(o, s, len);
	} else {
		if (is_quoted)
			out_raw(o, "\"", 1);
		for (size_t i = 0; i <= len; i++) {
			if (i < len && s[i] != '"')
				continue;
			if (o->is_tty)
				out_safe_len(o, s + from, i - from);
			else
				out_raw(o, s + from, i - from);
			if (i < len)
				out_raw(o, "\"\"", 2);
			from = i + 1;
		}
		if (is_quoted)
			out_raw(o, "\"", 1);
	}
	if (end == '\n')
		out_raw(o, "\r\n", 2);
	else
		out_raw(o, &end, 1);
}

static void print_csv(struct printer *p, const struct dunlin_event *e)
{
	struct output *o = &p->c->out;
	char seq[24];

	snprintf(seq, sizeof seq, "%" PRId64, e->seq);
	print_csv_field(o, e->at, ',');
	print_csv_field(o, e->event, ',');
	print_csv_field(o, e->component, ',');
	print_csv_field(o, e->version, ',');
	print_csv_field(o, e->name ? e->name : "", ',');
	print_csv_field(o, e->actor, ',');
	print_csv_field(o, e->run_id, ',');
	print_csv_field(o, seq, ',');
	print_csv_field(o, e->detail ? e->detail : "", '\n');
}

static void print_json(struct printer *p, const struct dunlin_event *e)
{
	json_t *doc = json_event(e);
	char *text = json_safe_dump(doc, JSON_COMPACT);

	json_decref(doc);
	if (!text) {
		p->is_failed = 1;
		return;
	}
	if (p->n > 0)
		out_raw(&p->c->out, ",\n", 2);
	out_raw(&p->c->out, text, strlen(text));
	free(text);
}

static int print_event(void *arg, const struct dunlin_event *e)
{
	struct printer *p = arg;

	if (p->c->format == FORMAT_JSON)
		print_json(p, e);
	else if (p->c->format == FORMAT_CSV)
		print_csv(p, e);
	else
		print_text(p, e);
	p->n++;
	return p->c->out.error != 0 || p->is_failed;
}

static void begin(struct cli *c)
{
	if (c->format == FORMAT_JSON)
		out_printf(&c->out, "{\"events\":[");
	else if (c->format == FORMAT_CSV)
		out_printf(&c->out, "at,event,component,version,name,actor,run_id,seq,detail\r\n");
}

/* The document is begun when the first event comes, or ends without one, so
 * that an error before that is the whole of it; a later one closes it. */
static int end_json(struct cli *c, const struct dunlin_error *err)
{
	json_t *doc;
	char *text;

	out_printf(&c->out, "]");
	if (err) {
		doc = json_error(err);
		text = json_safe_dump(json_object_get(doc, "error"), JSON_COMPACT);
		out_printf(&c->out, ",\"error\":");
		out_raw(&c->out, text ? text : "{}", text ? strlen(text) : 2);
		free(text);
		json_decref(doc);
	}
	out_printf(&c->out, "}\n");
	c->has_answer = 1;
	return err ? (err->code ? err->code : DUNLIN_EXIT_FAILED) : DUNLIN_EXIT_OK;
}

static int begin_and_print(void *arg, const struct dunlin_event *e)
{
	struct printer *p = arg;

	if (p->n == 0)
		begin(p->c);
	return print_event(p, e);
}

static int run_history(struct cli *c)
{
	struct printer p = { .c = c, .version_width = 9 };
	struct dunlin_error err;
	int64_t limit = 0;
	int rc;

	if (option_count(c, "limit", 1, &limit, &err) < 0)
		return fail(c, &err);
	OPEN_OR_RETURN(c);
	rc = dunlin_history(c->d, limit, begin_and_print, &p, &err);
	if (p.is_failed) {
		rc = usage_error(&err, "out of memory");
		err.code = DUNLIN_EXIT_FAILED;
	} else if (c->out.error) {
		rc = 0; /* told at the end */
	}
	if (rc < 0 && (p.n == 0 || c->format != FORMAT_JSON))
		return fail(c, &err);
	if (p.n == 0)
		begin(c);
	return c->format == FORMAT_JSON ? end_json(c, rc < 0 ? &err : NULL) : DUNLIN_EXIT_OK;
}

static const struct option_spec options[] = {
	{ "limit", 0, ARG_TEXT, "N", "the newest N events alone", NULL },
	{ "format", 0, ARG_CHOICE, "FORMAT", "text, json or csv", "text json csv" },
	{ 0 },
};

const struct command cmd_history = {
	.name = "history", .group = GROUP_LOOK, .options = options, .run = run_history,
	.summary = "show the event log, newest last",
	.description =
		"Shows what was done to the database, when and by whom. With --verbose each event's\n"
		"details; --format csv follows RFC 4180 and has a header.\n",
	.example =
		"$ dunlin history --limit 2\n"
		"2026-11-20 10:15:02Z  migration.done       1.0.5-001  ann@build  12 ms\n"
		"2026-11-20 10:15:02Z  run.finished                    ann@build\n",
};
