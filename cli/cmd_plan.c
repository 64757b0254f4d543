/*
 * cmd_plan.c - plan: what up or rollback would do, and why.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cmd_plan.h"
#include "commands.h"
#include "json.h"
#include "request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------ */

static int print_actions(struct cli *c, const struct dunlin_plan *p)
{
	static const struct column columns[] = {
		{ "Action", 0, 0 }, { "Version", 0, 0 }, { "Name", 18, 0 }, { "Batch", 0, 1 },
		{ "Statements", 0, 1 }, { "Transaction", 0, 0 }, { "Reason", 0, 0 },
	};
	struct table *t = table_new(columns, sizeof columns / sizeof *columns);
	int rc = t ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < dunlin_plan_n_actions(p); i++) {
		const struct dunlin_action *a = dunlin_plan_action(p, i);
		char version[512], batch[24] = "", statements[64];

		snprintf(version, sizeof version, "%s%s%s", a->component, *a->component ? "@" : "", a->version);
		if (a->batch > 0)
			snprintf(batch, sizeof batch, "%" PRId64, a->batch);
		if (a->resume_at > 1)
			snprintf(statements, sizeof statements, "%" PRId64 " from %" PRId64, a->statements, a->resume_at);
		else
			snprintf(statements, sizeof statements, "%" PRId64, a->statements);
		rc = table_row(t, a->kind == DUNLIN_ACTION_REVERT || a->kind == DUNLIN_ACTION_FORGET ? STYLE_WARN : STYLE_GOOD,
		               (const char *const[]){ a->kind_name, version, a->name, batch, statements, a->transaction, a->reason });
	}
	if (rc == 0)
		table_print(t, &c->out);
	table_free(t);
	return rc;
}

/* How a migration outside a transaction is cut. */
static int print_segments(struct cli *c, const struct dunlin_action *a, int is_first)
{
	static const struct { const char *word, *told; } words[] = {
		{ "together", "with the record" }, { "alone", "alone" }, { "block", "as one" }, { "session", "settings" },
	};
	const size_t most = 12; /* the rest is in the JSON */

	if (a->n_segment == 0)
		return 0;
	out_printf(&c->out, "%s%s%s%s commits in steps: ", is_first ? "\n" : "", a->component, *a->component ? "@" : "", a->version);
	for (size_t i = 0; i < a->n_segment && i < most; i++) {
		const struct dunlin_segment *s = &a->segment[i];
		const char *told = s->commits;

		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			if (strcmp(words[w].word, s->commits) == 0)
				told = words[w].told;
		out_printf(&c->out, "%s%" PRId64, i ? ", " : "", s->first);
		if (s->last > s->first)
			out_printf(&c->out, "-%" PRId64, s->last);
		out_printf(&c->out, " %s", told);
	}
	out_printf(&c->out, a->n_segment > most ? ", ...\n" : "\n");
	return 1;
}

static int print_plan(struct cli *c, const struct dunlin_plan *p)
{
	size_t n = dunlin_plan_n_actions(p), n_cut = 0;

	if (n == 0 && dunlin_plan_code(p) == 0)
		out_printf(&c->out, "Nothing to do\n");
	if (n > 0 && print_actions(c, p) < 0)
		return fail_nomem(c);
	for (size_t i = 0; i < n; i++)
		n_cut += (size_t)print_segments(c, dunlin_plan_action(p, i), n_cut == 0);
	if (n > 0)
		out_printf(&c->out, "\nDigest: %s\n", dunlin_plan_digest(p));
	for (size_t i = 0; i < dunlin_plan_n_findings(p); i++)
		print_findings(c, dunlin_plan_finding(p, i), 1);
	return dunlin_plan_code(p);
}

/* --- SQL -------------------------------------------------------------------------- */

struct sql_sink {
	struct cli *c;
	const struct dunlin_action *now;
	json_t *list;    /* JSON: one text an action, by index of the plan */
	char *text; size_t len, cap;
	int is_failed;
};

/* A comment must stay one: a name could hold a line break. */
static void print_header(struct sql_sink *s, const struct dunlin_action *a)
{
	struct output *o = &s->c->out;

	out_printf(o, "%s-- ", s->now ? "\n" : "");
	out_safe(o, a->kind_name);
	out_printf(o, " ");
	out_safe(o, a->component);
	out_printf(o, "%s", *a->component ? "@" : "");
	out_safe(o, a->version);
	out_printf(o, " ");
	out_safe(o, a->name);
	out_printf(o, " (transaction: ");
	out_safe(o, a->transaction);
	out_printf(o, ")\n");
	s->now = a;
}

/* A comment on the last line would swallow the terminator. */
static const char *terminator(const char *sql, size_t len)
{
	const char *nl = len ? memrchr(sql, '\n', len) : NULL;
	const char *line = nl ? nl + 1 : sql;
	size_t n = len - (size_t)(line - sql);

	if (len == 0)
		return "";
	return memmem(line, n, "--", 2) || memchr(line, '#', n) ? "\n;\n" : ";\n";
}

/* Byte for byte into a pipe or file, since it is to be run; made safe where
 * a terminal would obey it. */
static int print_sql(void *arg, const struct dunlin_action *a, const char *sql, size_t len)
{
	struct sql_sink *s = arg;
	struct output *o = &s->c->out;
	const char *end = terminator(sql, len);

	if (a != s->now)
		print_header(s, a);
	if (o->is_tty)
		out_safe_lines(o, sql, len, 0);
	else
		out_raw(o, sql, len);
	out_raw(o, end, strlen(end));
	return o->error != 0;
}

static int flush_text(struct sql_sink *s)
{
	json_t *text;

	if (!s->now)
		return 0;
	text = json_pack("{s:o, s:o, s:o}", "component", json_text(s->now->component), "version",
	                 json_text(s->now->version), "sql", json_text(s->text ? s->text : ""));
	s->len = 0;
	if (s->text)
		s->text[0] = '\0';
	return json_array_append_new(s->list, text);
}

static int keep_sql(void *arg, const struct dunlin_action *a, const char *sql, size_t len)
{
	struct sql_sink *s = arg;
	const char *end = terminator(sql, len);

	if (a != s->now) {
		s->is_failed |= flush_text(s) < 0;
		s->now = a;
	}
	if (s->len + len + 4 > s->cap) {
		size_t cap = 2 * (s->len + len + 4);
		char *grown = realloc(s->text, cap);

		if (!grown) {
			s->is_failed = 1;
			return 1;
		}
		s->text = grown;
		s->cap = cap;
	}
	memcpy(s->text + s->len, sql, len);
	s->len += len;
	memcpy(s->text + s->len, end, strlen(end) + 1);
	s->len += strlen(end);
	return s->is_failed;
}

/* The texts beside the actions, as "sql". */
static int add_sql(struct cli *c, const struct dunlin_plan *p, json_t *doc, struct dunlin_error *err)
{
	struct sql_sink s = { .c = c, .list = json_array() };
	int rc = s.list ? dunlin_plan_sql(c->d, p, keep_sql, &s, err) : -1;

	if (s.is_failed || !s.list || (rc == 0 && flush_text(&s) < 0))
		rc = usage_error(err, "out of memory");
	if (rc == 0)
		rc = json_object_set(doc, "sql", s.list);
	json_decref(s.list);
	free(s.text);
	return rc;
}

static int print_plan_sql(struct cli *c, const struct dunlin_plan *p)
{
	struct sql_sink s = { .c = c };
	struct dunlin_error err;

	if (dunlin_plan_sql(c->d, p, print_sql, &s, &err) < 0 && !c->out.error)
		return fail(c, &err);
	/* Standard output is SQL; what is wrong is told beside it. */
	for (size_t i = 0; i < dunlin_plan_n_findings(p); i++) {
		const struct dunlin_finding *f = dunlin_plan_finding(p, i);

		tell(c, f->code ? STYLE_BAD : STYLE_WARN, f->code ? "error" : "warning", f->message);
	}
	return dunlin_plan_code(p);
}

static int print_plan_json(struct cli *c, const struct dunlin_plan *p)
{
	struct dunlin_error err;
	json_t *doc = json_plan(p);

	if (doc && option_given(c, "sql") && add_sql(c, p, doc, &err) < 0) {
		json_decref(doc);
		return fail(c, &err);
	}
	return json_print(c, doc, dunlin_plan_code(p));
}

/* --- the command ------------------------------------------------------------------- */

int show_plan(struct cli *c, const struct dunlin_request *req)
{
	const char *file = option_value(c, "out");
	struct dunlin_plan *p = NULL;
	struct dunlin_error err;
	int code;

	if (dunlin_plan(c->d, req, &p, &err) < 0)
		return fail(c, &err);
	/* A plan that would be refused is not worth keeping. */
	if (file && dunlin_plan_code(p) == 0 && plan_file_write(file, req, p, &err) < 0)
		code = fail(c, &err);
	else if (c->format == FORMAT_JSON)
		code = print_plan_json(c, p);
	else if (option_given(c, "sql"))
		code = print_plan_sql(c, p);
	else
		code = print_plan(c, p);
	dunlin_plan_free(p);
	return code;
}

/* Options of the other direction would be ignored, so they are refused. */
static int check_direction(struct cli *c, struct dunlin_error *err)
{
	static const char *const up[] = { "transaction", "allow-out-of-order", "existing-schema", "from-empty" };
	static const char *const back[] = { "batch", "only", "all", "force", "down-from" };
	int is_back = option_given(c, "rollback");

	for (size_t i = 0; i < sizeof up / sizeof *up; i++)
		if (option_given(c, is_back ? up[i] : back[i]))
			return usage_error(err, is_back ? "'--%s' doesn't go with '--rollback'" : "'--%s' goes with '--rollback' only",
			                   is_back ? up[i] : back[i]);
	return 0;
}

static int run_plan(struct cli *c)
{
	struct dunlin_request req;
	struct dunlin_error err;

	if (check_direction(c, &err) < 0)
		return fail(c, &err);
	OPEN_OR_RETURN(c);
	if (request_fill(c, option_given(c, "rollback") ? DUNLIN_OP_ROLLBACK : DUNLIN_OP_UP, &req, &err) < 0)
		return fail(c, &err);
	return show_plan(c, &req);
}

static const struct option_spec options[] = {
	OPTIONS_UP,
	{ "rollback", 0, ARG_NONE, NULL, "plan a rollback instead, with its options", NULL },
	OPTIONS_ROLLBACK,
	{ "sql", 0, ARG_NONE, NULL, "print the SQL that would run", NULL },
	{ "from-empty", 0, ARG_NONE, NULL, "as for a new database, without connecting", NULL },
	{ "driver", 0, ARG_TEXT, "DRIVER", "whose SQL it is, with --from-empty and no URL", NULL },
	{ "out", 0, ARG_FILE, "FILE", "also write the plan, for `up --plan FILE`", NULL },
	{ 0 },
};

const struct command cmd_plan = {
	.name = "plan", .group = GROUP_RUN, .options = options, .run = run_plan,
	.summary = "show what up or rollback would do, running nothing",
	.description =
		"Shows what would run, in which order and transaction, and why. Exits as the run would\n"
		"if it is refused before anything runs. With --format json and --sql the document has a\n"
		"member 'sql' besides.\n",
	.example =
		"$ dunlin plan --out release.plan\n"
		"$ dunlin up --plan release.plan\n",
};
