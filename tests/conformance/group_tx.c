/*
 * group_tx.c - transactions and savepoints.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

static int do_begin(struct conn *c)
{
	int rc = c->s->drv->begin(c->c, NULL, conn_err(c));

	return expect(c->s, rc == DUNLIN_OK, "begin: %.300s", c->err.message) ? 0 : -1;
}

static int do_commit(struct conn *c)
{
	int rc = c->s->drv->commit(c->c, conn_err(c));

	return expect(c->s, rc == DUNLIN_OK, "commit: %.300s", c->err.message) ? 0 : -1;
}

static int do_rollback(struct conn *c)
{
	int rc = c->s->drv->rollback(c->c, conn_err(c));

	return expect(c->s, rc == DUNLIN_OK, "rollback: %.300s", c->err.message) ? 0 : -1;
}

static void commits(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	if (do_begin(&c) == 0) {
		expect(s, conn_tx_state(&c) == DUNLIN_TX_OPEN, "tx_state is not OPEN after begin");
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
		do_commit(&c);
		expect(s, conn_tx_state(&c) == DUNLIN_TX_NONE, "tx_state is not NONE after commit");
	}
	conn_close(&c);
	if (conn_open(s, &c) == 0)
		expect(s, conn_count(&c, t) == 1, "what was committed is not there");
	conn_close(&c);
}

static void rolls_back(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	if (do_begin(&c) == 0) {
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
		do_rollback(&c);
		expect(s, conn_tx_state(&c) == DUNLIN_TX_NONE, "tx_state is not NONE after rollback");
		expect(s, conn_count(&c, t) == 0, "what was rolled back is there");
	}
	conn_close(&c);
}

static void close_rolls_back(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	if (do_begin(&c) == 0)
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
	conn_close(&c);
	if (conn_open(s, &c) == 0)
		expect(s, conn_count(&c, t) == 0, "what nobody committed is there");
	conn_close(&c);
}

static void schema_changes(struct suite *s)
{
	char name[80], sql[200];
	struct conn c;
	const char *t;
	int is_there;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	snprintf(name, sizeof name, "%s_ddl", t);
	if (do_begin(&c) == 0) {
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
		snprintf(sql, sizeof sql, "CREATE TABLE %s (id integer)", name);
		must_run(&c, "%s", sql);
		if (can(s, DUNLIN_CAP_DDL_COMMITS))
			expect(s, conn_tx_state(&c) == DUNLIN_TX_NONE, "DDL_COMMITS, and the transaction is open after DDL");
		s->drv->rollback(c.c, conn_err(&c));
		is_there = conn_runf(&c, "DROP TABLE %s", name) == DUNLIN_OK;
		if (can(s, DUNLIN_CAP_TX_DDL)) {
			expect(s, !is_there, "TX_DDL, and the table is there after a rollback");
			expect(s, conn_count(&c, t) == 0, "TX_DDL, and the row is there after a rollback");
		} else if (can(s, DUNLIN_CAP_DDL_COMMITS)) {
			expect(s, is_there, "DDL_COMMITS, and the table went with a rollback");
			expect(s, conn_count(&c, t) == 1, "DDL_COMMITS, and the row before it went with a rollback");
		}
	}
	conn_close(&c);
}

/* A COMMIT that rolls back is no success. */
static void a_failed_one_does_not_commit(struct suite *s)
{
	struct conn c;
	const char *t;
	int state, rc;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	if (do_begin(&c) == 0) {
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
		expect(s, conn_runf(&c, "INSERT INTO %s (id) VALUES (1)", t) != DUNLIN_OK, "the same key twice");
		state = conn_tx_state(&c);
		rc = s->drv->commit(c.c, conn_err(&c));
		if (state == DUNLIN_TX_FAILED)
			expect(s, rc != DUNLIN_OK, "commit of a failed transaction says OK");
		expect(s, conn_count(&c, t) == (rc == DUNLIN_OK), "commit said %d, and there are %lld rows", rc,
		       (long long)conn_count(&c, t));
		if (rc != DUNLIN_OK && conn_tx_state(&c) != DUNLIN_TX_NONE)
			do_rollback(&c);
	}
	conn_close(&c);
}

/* tx_state is the server's truth: a COMMIT that a file has in it shows. */
static void a_stray_commit_shows(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	if (do_begin(&c) == 0) {
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
		if (conn_run(&c, quirk(s, QUIRK_COMMIT)) == DUNLIN_OK) /* else it was refused, which is as good */
			expect(s, conn_tx_state(&c) == DUNLIN_TX_NONE, "after COMMIT tx_state still says that one is open");
		s->drv->rollback(c.c, conn_err(&c));
		conn_count(&c, t);
	}
	conn_close(&c);
}

static void transactions(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_TX)) {
		without(s, "it has no transactions");
		return;
	}
	check(s, "what is committed stays", commits);
	check(s, "what is rolled back goes", rolls_back);
	check(s, "close rolls back", close_rolls_back);
	check(s, "schema changes roll back or commit, as the capabilities say", schema_changes);
	check(s, "a commit that did not commit is an error", a_failed_one_does_not_commit);
	check(s, "a stray COMMIT shows", a_stray_commit_shows);
}
const struct group group_transactions = { "transactions", transactions };

/* --- savepoints ------------------------------------------------------------------------- */

static int savepoint(struct conn *c, int op, const char *name)
{
	int rc = c->s->drv->savepoint(c->c, op, name, conn_err(c));

	return expect(c->s, rc == DUNLIN_OK, "savepoint %s: %.300s", name, c->err.message) ? 0 : -1;
}

static void savepoints_nest(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	if (do_begin(&c) == 0) {
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
		savepoint(&c, DUNLIN_SAVEPOINT_SET, "outer");
		must_run(&c, "INSERT INTO %s (id) VALUES (2)", t);
		savepoint(&c, DUNLIN_SAVEPOINT_SET, "odd \"name\"");
		must_run(&c, "INSERT INTO %s (id) VALUES (3)", t);
		savepoint(&c, DUNLIN_SAVEPOINT_ROLLBACK, "odd \"name\"");
		savepoint(&c, DUNLIN_SAVEPOINT_RELEASE, "outer");
		do_commit(&c);
		expect(s, conn_int(&c, "SELECT sum(id) FROM %s", t) == 3, "not the rows 1 and 2");
	}
	conn_close(&c);
}

static void savepoints_heal(struct suite *s)
{
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	if (do_begin(&c) == 0) {
		must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
		savepoint(&c, DUNLIN_SAVEPOINT_SET, "before");
		expect(s, conn_runf(&c, "INSERT INTO %s (id) VALUES (1)", t) != DUNLIN_OK, "the same key twice");
		savepoint(&c, DUNLIN_SAVEPOINT_ROLLBACK, "before");
		must_run(&c, "INSERT INTO %s (id) VALUES (2)", t);
		do_commit(&c);
		expect(s, conn_count(&c, t) == 2, "not two rows");
	}
	expect(s, s->drv->savepoint(c.c, DUNLIN_SAVEPOINT_RELEASE, "never_set", conn_err(&c)) != DUNLIN_OK,
	       "one that was never set is released");
	conn_close(&c);
}

static void savepoints(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_SAVEPOINT)) {
		without(s, "it has no savepoints");
		return;
	}
	check(s, "they nest, under any name", savepoints_nest);
	check(s, "after one a failed transaction goes on", savepoints_heal);
}
const struct group group_savepoints = { "savepoints", savepoints };
