/*
 * group_exec.c - statements and queries: texts of any size, parameters, types.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <stdlib.h>

static void runs_statements(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	must_run(&c, "INSERT INTO %s (id, name) VALUES (1, 'one')", t);
	must_run(&c, "INSERT INTO %s (id, name) VALUES (2, 'it''s \xe2\x82\xac')", t);
	expect(s, conn_count(&c, t) == 2, "not two rows");
	must_run(&c, "DELETE FROM %s WHERE id = 1 -- comment", t);
	expect(s, conn_count(&c, t) == 1, "not one row");
	conn_close(&c);
	if (conn_open(s, &c) == 0)
		expect(s, conn_count(&c, t) == 1, "not there for a second connection");
	conn_close(&c);
}

/* The length counts, not a NUL behind it. */
static void obeys_the_length(struct suite *s)
{
	struct conn c;
	struct dunlin_step step;
	char sql[200];
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	snprintf(sql, sizeof sql, "INSERT INTO %s (id) VALUES (1)", t);
	step = step_of(DUNLIN_STEP_STATEMENT, sql);
	snprintf(sql, sizeof sql, "INSERT INTO %s (id) VALUES (1)GARBAGE", t);
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) == DUNLIN_OK, "it reads past the end: %.300s", c.err.message);
	expect(s, conn_count(&c, t) == 1, "not one row");
	conn_close(&c);
}

static void takes_a_long_text(struct suite *s)
{
	enum { SIZE = 1 << 20 };
	char *sql = malloc(SIZE + 200);
	struct conn c;
	const char *t;
	size_t n;

	if (!sql || conn_open(s, &c) < 0) {
		free(sql);
		return;
	}
	t = make_table(&c);
	n = (size_t)snprintf(sql, 200, "INSERT INTO %s (id, name) VALUES (1, 'x') /* ", t);
	memset(sql + n, 'y', SIZE);
	snprintf(sql + n + SIZE, 10, " */");
	expect(s, conn_run(&c, sql) == DUNLIN_OK, "%.300s", c.err.message);
	expect(s, conn_count(&c, t) == 1, "not one row");
	conn_close(&c);
	free(sql);
}

static void survives_no_statement(struct suite *s)
{
	static const char *const texts[] = { "", "  \n", "-- nothing", "/* nothing */" };
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		conn_run(&c, texts[i]);
		expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "after '%s' the connection is of no use", texts[i]);
	}
	conn_close(&c);
}

static void throws_rows_away(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	fill_table(&c, t);
	must_run(&c, "SELECT * FROM %s", t);
	expect(s, conn_count(&c, t) == 200, "not 200 rows");
	conn_close(&c);
}

static void placeholder(const struct suite *s, int n, char out[8])
{
	snprintf(out, 8, s->drv->dialect->param_style == DUNLIN_PARAM_DOLLAR ? "$%d" : "?", n);
}

static void binds_parameters(struct suite *s)
{
	static const char odd[] = "it's \"odd\" \\ ; -- \xe2\x82\xac";
	struct dunlin_param p[2] = { { .value = "7", .len = 1, .is_integer = 1 }, { .value = odd, .len = sizeof odd - 1 } };
	struct dunlin_step step;
	char sql[300], a[8], b[8], got[200] = "";
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	placeholder(s, 1, a);
	placeholder(s, 2, b);
	snprintf(sql, sizeof sql, "INSERT INTO %s (id, name) VALUES (%s, %s)", t, a, b);
	step = step_of(DUNLIN_STEP_LEDGER, sql);
	step.param = p;
	step.n_param = 2;
	step.expect_rows = 1;
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) == DUNLIN_OK, "%.300s", c.err.message);
	conn_text(&c, got, sizeof got, "SELECT name FROM %s WHERE id = 7", t);
	expect(s, strcmp(got, odd) == 0, "got '%s'", got);
	p[0].value = "8";
	p[1] = (struct dunlin_param){ .value = NULL };
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) == DUNLIN_OK, "with NULL: %.300s", c.err.message);
	expect(s, conn_int(&c, "SELECT count(*) FROM %s WHERE name IS NULL", t) == 1, "NULL is not NULL");
	p[0].value = "9";
	p[1] = (struct dunlin_param){ .value = "" };
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) == DUNLIN_OK, "with '': %.300s", c.err.message);
	expect(s, conn_int(&c, "SELECT count(*) FROM %s WHERE name = ''", t) == 1, "'' is not ''");
	conn_close(&c);
}

static void rows_that_must_be_hit(struct suite *s)
{
	struct dunlin_step step;
	char sql[200];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	must_run(&c, "INSERT INTO %s (id, name) VALUES (1, 'a')", t);
	snprintf(sql, sizeof sql, "UPDATE %s SET name = 'b' WHERE id = 2", t);
	step = step_of(DUNLIN_STEP_LEDGER, sql);
	step.expect_rows = 1;
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) != DUNLIN_OK, "no row was hit, one was to be, and it says OK");
	expect(s, conn_count(&c, t) == 1, "the connection is of no use after it");
	/* A row that has the value already is hit as well. */
	snprintf(sql, sizeof sql, "UPDATE %s SET name = 'a' WHERE id = 1", t);
	step = step_of(DUNLIN_STEP_LEDGER, sql);
	step.expect_rows = 1;
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) == DUNLIN_OK, "a row that stays as it was does not count: %.300s",
	       c.err.message);
	conn_close(&c);
}

static void exec_group(struct suite *s)
{
	check(s, "statements run and commit by themselves", runs_statements);
	check(s, "the length of a text counts", obeys_the_length);
	check(s, "a text of 1 MiB runs", takes_a_long_text);
	check(s, "a text without a statement harms nobody", survives_no_statement);
	check(s, "rows of a statement are thrown away", throws_rows_away);
	check(s, "parameters are bound as they are", binds_parameters);
	check(s, "expect_rows is obeyed", rows_that_must_be_hit);
}
const struct group group_exec = { "exec", exec_group };

/* --- query ---------------------------------------------------------------------------- */

struct seen { int n, ncol; int32_t type[8]; char value[8][80]; int is_null[8]; int stop_at; };

static int see(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	struct seen *v = arg;

	v->ncol = ncol;
	for (int i = 0; i < ncol && i < 8; i++) {
		v->type[i] = type ? type[i] : -1;
		v->is_null[i] = value[i] == NULL;
		snprintf(v->value[i], sizeof v->value[i], "%.*s", value[i] ? (int)len[i] : 0, value[i] ? value[i] : "");
	}
	return ++v->n == v->stop_at ? 7 : 0;
}

static int ask(struct conn *c, struct seen *v, const char *sql)
{
	return c->s->drv->query(c->c, sql, strlen(sql), NULL, 0, see, v, conn_err(c));
}

static void tells_types(struct suite *s)
{
	struct seen v = { 0 };
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	expect(s, ask(&c, &v, "SELECT 42, 'text', NULL, 1.5, 1 = 1, 1 = 2") == DUNLIN_OK, "%.300s", c.err.message);
	expect(s, v.n == 1 && v.ncol == 6, "%d rows of %d columns", v.n, v.ncol);
	expect(s, v.type[0] == DUNLIN_TYPE_NUMBER && strcmp(v.value[0], "42") == 0, "42 is '%s' of type %d", v.value[0], (int)v.type[0]);
	expect(s, v.type[1] == DUNLIN_TYPE_TEXT && strcmp(v.value[1], "text") == 0, "'text' is '%s' of type %d", v.value[1], (int)v.type[1]);
	expect(s, v.type[2] == DUNLIN_TYPE_NULL && v.is_null[2], "NULL has type %d", (int)v.type[2]);
	expect(s, v.type[3] == DUNLIN_TYPE_NUMBER, "1.5 has type %d", (int)v.type[3]);
	expect(s, (v.type[4] == DUNLIN_TYPE_BOOLEAN || v.type[4] == DUNLIN_TYPE_NUMBER) && strcmp(v.value[4], "1") == 0,
	       "true is '%s' of type %d", v.value[4], (int)v.type[4]);
	expect(s, strcmp(v.value[5], "0") == 0, "false is '%s'", v.value[5]);
	conn_close(&c);
}

static void stops_when_told(struct suite *s)
{
	struct seen v = { .stop_at = 3 };
	char sql[100];
	struct conn c;
	const char *t;
	int rc;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	fill_table(&c, t);
	snprintf(sql, sizeof sql, "SELECT id FROM %s ORDER BY id", t);
	rc = ask(&c, &v, sql);
	expect(s, rc == 7, "what `row` returned does not come back: %d", rc);
	expect(s, v.n == 3 && strcmp(v.value[0], "3") == 0, "%d rows, the last is %s", v.n, v.value[0]);
	expect(s, conn_count(&c, t) == 200, "the next query does not work");
	v = (struct seen){ 0 };
	snprintf(sql, sizeof sql, "SELECT id FROM %s WHERE id < 0", t);
	expect(s, ask(&c, &v, sql) == DUNLIN_OK && v.n == 0, "no rows are %d rows", v.n);
	conn_close(&c);
}

static void a_wrong_query_is_an_error(struct suite *s)
{
	struct seen v = { 0 };
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	expect(s, ask(&c, &v, "SELECT nothing FROM dunlin_no_such_table") != DUNLIN_OK, "a table that is not there is no error");
	expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "the next query does not work");
	conn_close(&c);
}

static void query_group(struct suite *s)
{
	check(s, "values come with their types", tells_types);
	check(s, "it stops when it is told, and tells why", stops_when_told);
	check(s, "a wrong query is an error", a_wrong_query_is_an_error);
}
const struct group group_query = { "query", query_group };
