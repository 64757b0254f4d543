/*
 * group_schema.c - snapshot and probe.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <stdlib.h>

struct facts { char last[2048]; size_t n; uint64_t hash; int is_sorted, is_unique; const char *find; int has; };

static int take(void *arg, const char *fact, size_t len)
{
	struct facts *f = arg;
	char text[2048];
	int order;

	snprintf(text, sizeof text, "%.*s", (int)(len < 2000 ? len : 2000), fact);
	order = strcmp(f->last, text);
	if (f->n && order > 0)
		f->is_sorted = 0;
	if (f->n && order == 0)
		f->is_unique = 0;
	memcpy(f->last, text, sizeof text);
	for (const char *p = text; *p; p++)
		f->hash = (f->hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	if (f->find && strstr(text, f->find))
		f->has = 1;
	f->n++;
	return 0;
}

static struct facts look(struct conn *c, const char *find, const char *ignore)
{
	struct facts f = { .is_sorted = 1, .is_unique = 1, .find = find, .hash = 1 };
	const char *const names[] = { ignore, NULL };
	int rc = c->s->drv->snapshot(c->c, names, ignore ? 1 : 0, take, &f, conn_err(c));

	expect(c->s, rc == DUNLIN_OK, "snapshot: %.300s", c->err.message);
	return f;
}

static void facts_are_sorted(struct suite *s)
{
	struct facts a, b;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	a = look(&c, t, NULL);
	b = look(&c, t, NULL);
	expect(s, a.n > 0 && a.has, "the table is not among %zu facts", a.n);
	expect(s, a.is_sorted, "not sorted by bytes");
	expect(s, a.is_unique, "a fact comes twice");
	expect(s, a.hash == b.hash && a.n == b.n, "two looks see different things");
	must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
	b = look(&c, t, NULL);
	expect(s, a.hash == b.hash, "a row is a fact of the schema");
	b = look(&c, t, t);
	expect(s, !b.has, "what is to be ignored is there");
	conn_close(&c);
}

static void a_change_shows(struct suite *s)
{
	struct facts before, during, after;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	before = look(&c, NULL, NULL);
	must_run(&c, "CREATE INDEX %s_i ON %s (name)", t, t);
	during = look(&c, NULL, NULL);
	expect(s, before.hash != during.hash, "an index does not show");
	must_run(&c, "ALTER TABLE %s ADD COLUMN more integer", t);
	after = look(&c, NULL, NULL);
	expect(s, after.hash != during.hash, "a column does not show");
	conn_close(&c);
}

static void snapshot(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_SNAPSHOT)) {
		without(s, "it tells no facts of the schema");
		return;
	}
	check(s, "facts are sorted, and the same twice", facts_are_sorted);
	check(s, "a change of the schema is a change of the facts", a_change_shows);
}
const struct group group_snapshot = { "snapshot", snapshot };

/* --- probe ---------------------------------------------------------------------------------- */

static int ask(struct conn *c, const char *sql, char answer[512])
{
	answer[0] = '\0';
	return c->s->drv->probe(c->c, sql, strlen(sql), answer, 512, conn_err(c));
}

/* Runs sql; the probe's answer is the same before, and another one after. */
static void proves(struct conn *c, const char *sql)
{
	char a[512], b[512], after[512];
	struct suite *s = c->s;
	int rc = ask(c, sql, a);

	if (rc == DUNLIN_ENOTSUP) /* it may not know */
		return;
	expect(s, rc == DUNLIN_OK, "probe of %.100s: %.300s", sql, c->err.message);
	ask(c, sql, b);
	expect(s, strcmp(a, b) == 0, "%.100s: '%.100s', then '%.100s', and nothing was changed", sql, a, b);
	must_run(c, "%s", sql);
	expect(s, ask(c, sql, after) == DUNLIN_OK, "probe after %.100s: %.300s", sql, c->err.message);
	expect(s, strcmp(a, after) != 0, "%.100s: '%.100s' before and after it", sql, a);
}

static void it_tells_before_from_after(struct suite *s)
{
	char sql[300];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	snprintf(sql, sizeof sql, "CREATE INDEX %s_p ON %s (name)", t, t);
	proves(&c, sql);
	snprintf(sql, sizeof sql, "ALTER TABLE %s ADD COLUMN more integer", t);
	proves(&c, sql);
	snprintf(sql, sizeof sql, "CREATE TABLE %s_made (id integer)", t);
	proves(&c, sql);
	snprintf(sql, sizeof sql, "DROP TABLE %s_made", t);
	proves(&c, sql);
	snprintf(sql, sizeof sql, "CREATE VIEW %s_view AS SELECT id FROM %s", t, t);
	proves(&c, sql);
	snprintf(sql, sizeof sql, "DROP VIEW %s_view", t);
	proves(&c, sql);
	conn_close(&c);
}

static void it_runs_nothing(struct suite *s)
{
	char sql[300], answer[512], other[512];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
	snprintf(sql, sizeof sql, "DROP TABLE %s", t);
	ask(&c, sql, answer);
	snprintf(sql, sizeof sql, "DELETE FROM %s", t);
	ask(&c, sql, other);
	ask(&c, "this is (no SQL", other);
	ask(&c, "", other);
	expect(s, conn_count(&c, t) == 1, "the row is gone");
	/* What is no statement's doing changes no answer. */
	snprintf(sql, sizeof sql, "CREATE INDEX %s_q ON %s (name)", t, t);
	if (ask(&c, sql, answer) == DUNLIN_OK) {
		must_run(&c, "INSERT INTO %s (id) VALUES (2)", t);
		ask(&c, sql, other);
		expect(s, strcmp(answer, other) == 0, "a row changes the answer: '%.100s', '%.100s'", answer, other);
	}
	conn_close(&c);
}

static void probe(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_PROBE)) {
		without(s, "it does not look whether a statement ran");
		return;
	}
	check(s, "its answer changes when the statement has run, and not before", it_tells_before_from_after);
	check(s, "it runs nothing, and takes any text", it_runs_nothing);
}
const struct group group_probe = { "probe", probe };
