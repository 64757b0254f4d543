/*
 * group_many.c - exec_many(): which step failed, what stands, and that a
 * migration is still the transaction that it began as; and data (COPY).
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

enum { N_MIGRATIONS = 3, PER = 5, N_STEPS = N_MIGRATIONS * PER };

struct many {
	struct dunlin_step step[N_STEPS + 2];
	char sql[N_STEPS + 2][160];
	size_t n;
	struct dunlin_exec_result res;
	size_t told;    /* step_done calls           */
	int is_ordered; /* ... in order, each once   */
};

static void step_done(void *arg, size_t i)
{
	struct many *m = arg;

	if (m->told && i < m->told)
		m->is_ordered = 0;
	m->told = i + 1;
}

static void add(struct many *m, int kind, const char *fmt, const char *table, int id)
{
	char *sql = m->sql[m->n];

	snprintf(sql, sizeof m->sql[0], fmt ? fmt : "", table, id);
	m->step[m->n++] = step_of(kind, fmt ? sql : NULL);
}

/* Three migrations: a row of the file, a record of the core. */
static void build(struct many *m, const char *table)
{
	*m = (struct many){ .is_ordered = 1 };
	for (int i = 0; i < N_MIGRATIONS; i++) {
		add(m, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
		add(m, DUNLIN_STEP_STATEMENT, "INSERT INTO %s (id) VALUES (%d)", table, 10 * i + 1);
		add(m, DUNLIN_STEP_SEAL, NULL, NULL, 0);
		add(m, DUNLIN_STEP_LEDGER, "INSERT INTO %s (id) VALUES (%d)", table, 10 * i + 2);
		m->step[m->n - 1].expect_rows = 1;
		add(m, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	}
}

static int send(struct conn *c, struct many *m, size_t from, size_t n)
{
	struct dunlin_exec_observer obs = { .struct_size = sizeof obs, .arg = m, .step_done = step_done };

	m->told = 0;
	m->res = (struct dunlin_exec_result){ .struct_size = sizeof m->res };
	return c->s->drv->exec_many(c->c, m->step + from, n, &obs, &m->res, conn_err(c));
}

static void all_run(struct suite *s)
{
	struct many m;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	build(&m, t);
	expect(s, send(&c, &m, 0, m.n) == DUNLIN_OK, "%.300s", c.err.message);
	expect(s, m.res.n_done == m.n && m.res.n_durable == m.n, "n_done %zu, n_durable %zu of %zu", m.res.n_done,
	       m.res.n_durable, m.n);
	expect(s, m.told == m.n && m.is_ordered, "step_done was told up to %zu of %zu, %s", m.told, m.n,
	       m.is_ordered ? "in order" : "not in order");
	expect(s, conn_count(&c, t) == 6, "not six rows");
	expect(s, conn_tx_state(&c) == DUNLIN_TX_NONE, "a transaction is open");
	expect(s, s->drv->exec_many(c.c, m.step, 0, NULL, &m.res, conn_err(&c)) == DUNLIN_OK, "no steps: %.300s", c.err.message);
	conn_close(&c);
}

/* At each step that can fail, in each migration: those before stand, it and what
 * follows do not. */
static void it_stops_at_the_step_that_failed(struct suite *s)
{
	struct many m;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	for (size_t at = 0; at < N_STEPS && s->is_ok; at++) {
		size_t first = at / PER * PER;
		int rc;

		t = make_table(&c);
		build(&m, t);
		if (m.step[at].kind != DUNLIN_STEP_STATEMENT && m.step[at].kind != DUNLIN_STEP_LEDGER)
			continue;
		m.step[at] = step_of(m.step[at].kind, "INSERT INTO dunlin_no_such_table (id) VALUES (1)");
		rc = send(&c, &m, 0, m.n);
		expect(s, rc != DUNLIN_OK, "step %zu is wrong, and it says OK", at);
		expect(s, m.res.n_done == at, "step %zu is wrong, and n_done is %zu", at, m.res.n_done);
		expect(s, m.res.n_durable == first, "step %zu is wrong, and n_durable is %zu, not %zu", at, m.res.n_durable, first);
		expect(s, !m.res.is_unknown, "step %zu is wrong, and the outcome is said to be unknown", at);
		expect(s, conn_count(&c, t) == (int64_t)(first / PER * 2), "step %zu is wrong, and there are %lld rows", at,
		       (long long)conn_count(&c, t));
		expect(s, conn_tx_state(&c) == DUNLIN_TX_NONE, "step %zu is wrong, and a transaction is open", at);
	}
	conn_close(&c);
}

static void a_record_that_hits_no_row_fails(struct suite *s)
{
	struct many m;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	build(&m, t);
	snprintf(m.sql[8], sizeof m.sql[8], "DELETE FROM %s WHERE id = 999", t);
	m.step[8] = step_of(DUNLIN_STEP_LEDGER, m.sql[8]);
	m.step[8].expect_rows = 1;
	expect(s, send(&c, &m, 0, m.n) != DUNLIN_OK, "a record hit no row, and it says OK");
	expect(s, m.res.n_done == 8 && m.res.n_durable == PER, "n_done %zu, n_durable %zu", m.res.n_done, m.res.n_durable);
	expect(s, conn_count(&c, t) == 2, "%lld rows, not the first migration's two", (long long)conn_count(&c, t));
	conn_close(&c);
}

/* A migration that ends its transaction is never recorded. */
static void the_guard_holds(struct suite *s)
{
	struct many m;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	build(&m, t);
	m.step[6] = step_of(DUNLIN_STEP_STATEMENT, quirk(s, QUIRK_COMMIT));
	expect(s, send(&c, &m, 0, m.n) != DUNLIN_OK, "a COMMIT among the statements, and it says OK");
	expect(s, m.res.n_durable == PER, "n_durable is %zu, not %d", m.res.n_durable, PER);
	expect(s, conn_int(&c, "SELECT count(*) FROM %s WHERE id IN (12, 22)", t) == 0, "its record is there");
	conn_close(&c);
}

/* A call may end inside a transaction, and the next go on in it. */
static void a_migration_in_several_calls(struct suite *s)
{
	struct many m;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	build(&m, t);
	expect(s, send(&c, &m, 0, 7) == DUNLIN_OK, "the first half: %.300s", c.err.message);
	expect(s, m.res.n_durable == PER, "n_durable is %zu after the first half", m.res.n_durable);
	expect(s, send(&c, &m, 7, m.n - 7) == DUNLIN_OK, "the second half: %.300s", c.err.message);
	expect(s, conn_count(&c, t) == 6, "not six rows");
	t = make_table(&c);
	build(&m, t);
	m.step[8] = step_of(DUNLIN_STEP_LEDGER, "INSERT INTO dunlin_no_such_table (id) VALUES (1)");
	expect(s, send(&c, &m, 0, 7) == DUNLIN_OK, "the first half: %.300s", c.err.message);
	expect(s, send(&c, &m, 7, m.n - 7) != DUNLIN_OK, "the second half is wrong, and it says OK");
	expect(s, m.res.n_done == 1, "n_done is %zu, not 1", m.res.n_done);
	expect(s, conn_count(&c, t) == 2, "%lld rows: what the earlier call put into the transaction goes, too",
	       (long long)conn_count(&c, t));
	conn_close(&c);
}

/* Three migrations in one transaction: a SEAL after each one's statements, one
 * COMMIT.  The second's stray COMMIT must be found out at its SEAL. */
static void build_shared(struct many *m, const char *table)
{
	struct many each;

	build(&each, table);
	*m = (struct many){ .is_ordered = 1 };
	for (size_t i = 0; i < each.n; i++) {
		if ((each.step[i].kind == DUNLIN_STEP_BEGIN && i > 0) || (each.step[i].kind == DUNLIN_STEP_COMMIT && i + 1 < each.n))
			continue;
		memcpy(m->sql[m->n], each.sql[i], sizeof m->sql[0]);
		m->step[m->n] = step_of(each.step[i].kind, each.step[i].sql ? m->sql[m->n] : NULL);
		m->step[m->n++].expect_rows = each.step[i].expect_rows;
	}
}

static void migrations_share_a_transaction(struct suite *s)
{
	struct many m;
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	build_shared(&m, t);
	expect(s, send(&c, &m, 0, m.n) == DUNLIN_OK, "%.300s", c.err.message);
	expect(s, m.res.n_durable == m.n && conn_count(&c, t) == 6, "n_durable %zu of %zu", m.res.n_durable, m.n);
	t = make_table(&c);
	build_shared(&m, t);
	m.step[7] = step_of(DUNLIN_STEP_STATEMENT, "INSERT INTO dunlin_no_such_table (id) VALUES (1)");
	expect(s, send(&c, &m, 0, m.n) != DUNLIN_OK, "a step is wrong, and it says OK");
	expect(s, m.res.n_done == 7 && m.res.n_durable == 0, "n_done %zu, n_durable %zu", m.res.n_done, m.res.n_durable);
	expect(s, conn_count(&c, t) == 0, "%lld rows: all of one transaction go together", (long long)conn_count(&c, t));
	build_shared(&m, t);
	m.step[4] = step_of(DUNLIN_STEP_STATEMENT, quirk(s, QUIRK_COMMIT));
	expect(s, send(&c, &m, 0, m.n) != DUNLIN_OK, "a COMMIT among the second's statements, and it says OK");
	expect(s, conn_int(&c, "SELECT count(*) FROM %s WHERE id IN (12, 22)", t) == 0, "its record is there");
	conn_close(&c);
}

/* Lone statements commit by themselves, those before a failure stay. */
static void steps_outside_a_transaction(struct suite *s)
{
	struct many m = { .is_ordered = 1 };
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	add(&m, DUNLIN_STEP_STATEMENT, "INSERT INTO %s (id) VALUES (%d)", t, 1);
	add(&m, DUNLIN_STEP_LEDGER, "INSERT INTO %s (id) VALUES (%d)", t, 2);
	add(&m, DUNLIN_STEP_STATEMENT, "INSERT INTO dunlin_no_such_table (id) VALUES (1)", NULL, 0);
	add(&m, DUNLIN_STEP_STATEMENT, "INSERT INTO %s (id) VALUES (%d)", t, 3);
	expect(s, send(&c, &m, 0, m.n) != DUNLIN_OK, "the third is wrong, and it says OK");
	expect(s, m.res.n_done == 2 && m.res.n_durable == 2, "n_done %zu, n_durable %zu", m.res.n_done, m.res.n_durable);
	expect(s, conn_count(&c, t) == 2, "not two rows");
	conn_close(&c);
}

/* A newer core's steps are longer: struct_size is the distance. */
static void longer_steps(struct suite *s)
{
	struct { struct dunlin_step step; char more[40]; } longer[3];
	struct many m = { .is_ordered = 1 };
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	memset(longer, 0x5a, sizeof longer);
	add(&m, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	add(&m, DUNLIN_STEP_STATEMENT, "INSERT INTO %s (id) VALUES (%d)", t, 1);
	add(&m, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	for (int i = 0; i < 3; i++) {
		longer[i].step = m.step[i];
		longer[i].step.struct_size = sizeof longer[i];
	}
	m.res = (struct dunlin_exec_result){ .struct_size = sizeof m.res };
	expect(s, s->drv->exec_many(c.c, &longer[0].step, 3, NULL, &m.res, conn_err(&c)) == DUNLIN_OK, "%.300s", c.err.message);
	expect(s, conn_count(&c, t) == 1, "not one row");
	conn_close(&c);
}

static void exec_many(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_TX)) {
		without(s, "it runs steps one by one");
		return;
	}
	check(s, "all steps run, and are told in order", all_run);
	check(s, "after the first error nothing runs, and what stands is exact", it_stops_at_the_step_that_failed);
	check(s, "a record that does not hit its row fails the migration", a_record_that_hits_no_row_fails);
	check(s, "a migration that ends its own transaction is not recorded", the_guard_holds);
	check(s, "a migration may come in several calls", a_migration_in_several_calls);
	check(s, "several migrations may share a transaction", migrations_share_a_transaction);
	check(s, "steps outside a transaction commit one by one", steps_outside_a_transaction);
	check(s, "steps of a newer core are read by their size", longer_steps);
}
const struct group group_exec_many = { "exec_many", exec_many };

/* --- copy -------------------------------------------------------------------------------- */

static struct dunlin_step copy_step(const struct suite *s, const char *table, char *sql, size_t size)
{
	struct dunlin_step step;
	const char *p = quirk(s, QUIRK_COPY), *at = strstr(p, "%s");

	snprintf(sql, size, "%.*s%s%s", at ? (int)(at - p) : (int)strlen(p), p, at ? table : "", at ? at + 2 : "");
	step = step_of(DUNLIN_STEP_STATEMENT, sql);
	step.traits = DUNLIN_ST_COPY;
	step.data = quirk(s, QUIRK_DATA);
	step.data_len = strlen(step.data);
	return step;
}

static void copy_takes_data(struct suite *s)
{
	struct dunlin_step step;
	char sql[300];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	step = copy_step(s, t, sql, sizeof sql);
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) == DUNLIN_OK, "%.300s", c.err.message);
	expect(s, conn_int(&c, "SELECT sum(id) FROM %s", t) == 3, "not the rows 1 and 2");
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) != DUNLIN_OK, "the same keys again, and it says OK");
	expect(s, conn_count(&c, t) == 2, "the connection is of no use after it");
	step.data = "nonsense";
	step.data_len = 8;
	expect(s, s->drv->exec(c.c, &step, conn_err(&c)) != DUNLIN_OK, "data that is none, and it says OK");
	expect(s, conn_count(&c, t) == 2, "the connection is of no use after it");
	conn_close(&c);
}

static void copy_in_a_migration(struct suite *s)
{
	struct many m;
	char sql[300];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	build(&m, t);
	for (int i = 0; i < N_MIGRATIONS; i++) /* its keys would be the data's */
		snprintf(m.sql[i * PER + 1], sizeof m.sql[0], "INSERT INTO %s (id) VALUES (%d)", t, 100 + i);
	for (int i = 0; i < N_MIGRATIONS; i++)
		snprintf(m.sql[i * PER + 3], sizeof m.sql[0], "INSERT INTO %s (id) VALUES (%d)", t, 200 + i);
	for (size_t i = 0; i < m.n; i++)
		m.step[i].sql_len = m.step[i].sql ? strlen(m.step[i].sql) : 0;
	m.step[6] = copy_step(s, t, sql, sizeof sql);
	expect(s, send(&c, &m, 0, m.n) == DUNLIN_OK, "%.300s", c.err.message);
	expect(s, m.res.n_done == m.n && m.res.n_durable == m.n, "n_done %zu, n_durable %zu", m.res.n_done, m.res.n_durable);
	expect(s, conn_count(&c, t) == 7, "%lld rows, not seven", (long long)conn_count(&c, t));
	conn_close(&c);
}

static void copy(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_COPY_IN)) {
		without(s, "its statements take no data");
		return;
	}
	check(s, "a statement takes its data", copy_takes_data);
	if (can(s, DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_TX))
		check(s, "also among the steps of migrations", copy_in_a_migration);
}
const struct group group_copy = { "copy", copy };
