/*
 * test_mock.c - the scripted driver does what driver.h says and what its script
 * says, so that a test that uses it tests the core.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "loader.h"
#include "mem.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct dunlin_driver *drv;
static struct dunlin_driver_error de;
static char scratch[] = "/tmp/dunlin-mock-XXXXXX";

/* Cleared for each call, as the core does. */
static struct dunlin_driver_error *clean(void)
{
	memset(&de, 0, sizeof de);
	de.struct_size = sizeof de;
	de.position = -1;
	return &de;
}

static const char *file_of(const char *name)
{
	static char path[4][200];
	static int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof path[0], "%s/%s", scratch, name);
	return p;
}

static int try_open(const char *path, const char *script, const char *trace, struct dunlin_conn **out)
{
	struct dunlin_kv kv[4] = { { "path", path }, { "create", "1" } };
	size_t n = 2;

	if (script)
		kv[n++] = (struct dunlin_kv){ "inline", script };
	if (trace)
		kv[n++] = (struct dunlin_kv){ "trace", trace };
	return drv->open(kv, n, NULL, out, clean());
}

static struct dunlin_conn *open_db(const char *path, const char *script)
{
	struct dunlin_conn *c = NULL;

	if (!TAP_EQ_INT(try_open(path, script, NULL, &c), DUNLIN_OK))
		tap_note("%s", de.message);
	return c;
}

/* --- steps by one letter: b(egin) s(tatement) l(edger) e(nd of statements) c(ommit) --- */

struct run { struct dunlin_exec_result res; int rc; char seen[64]; };

static void step_done(void *arg, size_t i)
{
	struct run *r = arg;
	size_t n = strlen(r->seen);

	snprintf(r->seen + n, sizeof r->seen - n, "%zu ", i);
}

static void notice(void *arg, size_t i, int level, const char *text)
{
	struct run *r = arg;
	size_t n = strlen(r->seen);

	snprintf(r->seen + n, sizeof r->seen - n, "[%zu %d %s] ", i, level, text);
}

static struct run run(struct dunlin_conn *c, const char *const *spec)
{
	struct run r = { .res = { .struct_size = sizeof r.res, .n_done = 99, .n_durable = 99 } };
	struct dunlin_exec_observer obs = { .struct_size = sizeof obs, .arg = &r, .step_done = step_done, .notice = notice };
	struct dunlin_step step[16];
	size_t n = 0;

	for (; spec[n]; n++) {
		int kind = spec[n][0] == 'b' ? DUNLIN_STEP_BEGIN : spec[n][0] == 's' ? DUNLIN_STEP_STATEMENT :
		           spec[n][0] == 'l' ? DUNLIN_STEP_LEDGER : spec[n][0] == 'e' ? DUNLIN_STEP_SEAL : DUNLIN_STEP_COMMIT;

		step[n] = (struct dunlin_step){
			.struct_size = sizeof step[n], .kind = kind, .expect_rows = kind == DUNLIN_STEP_LEDGER ? 1 : -1,
			.lock_timeout_ms = -1, .statement_timeout_ms = -1,
			.sql = spec[n][1] ? spec[n] + 2 : NULL, .sql_len = spec[n][1] ? strlen(spec[n] + 2) : 0,
		};
	}
	r.rc = drv->exec_many(c, step, n, &obs, &r.res, clean());
	return r;
}
#define RUN(c, ...) run(c, (const char *const[]){ __VA_ARGS__, NULL })

static int exec(struct dunlin_conn *c, int kind, const char *sql)
{
	struct dunlin_step st = {
		.struct_size = sizeof st, .kind = kind, .sql = sql, .sql_len = strlen(sql), .expect_rows = -1,
		.lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};

	return drv->exec(c, &st, clean());
}

static int statement(struct dunlin_conn *c, const char *sql)
{
	return exec(c, DUNLIN_STEP_STATEMENT, sql);
}

struct rows { char text[1024]; };

static int add_row(void *arg, int n, const char *const *value, const size_t *len, const int32_t *type)
{
	static const char kind[] = "tnb?0";
	struct rows *r = arg;

	for (int i = 0; i < n; i++) {
		size_t at = strlen(r->text);

		snprintf(r->text + at, sizeof r->text - at, "%c:%.*s%s", kind[type[i]], value[i] ? (int)len[i] : 0,
		         value[i] ? value[i] : "", i + 1 < n ? "," : ";");
	}
	return 0;
}

/* The answer of a query, "t:a,n:1;". */
static const char *ask(struct dunlin_conn *c, const char *sql)
{
	static struct rows r;

	r.text[0] = '\0';
	if (drv->query(c, sql, strlen(sql), NULL, 0, add_row, &r, clean()) != DUNLIN_OK)
		snprintf(r.text, sizeof r.text, "error: %.900s", de.message);
	return r.text;
}

static int state(struct dunlin_conn *c)
{
	int32_t s = -1;

	return drv->tx_state(c, &s, clean()) == DUNLIN_OK ? s : -1;
}

/* --- transactions --------------------------------------------------------------------- */

static void exec_many_commits_each_transaction(void)
{
	struct dunlin_conn *c = open_db(":many", NULL);
	struct run r = RUN(c, "b", "s CREATE TABLE a (x)", "e", "l INSERT INTO a VALUES (1)", "c",
	                   "b BEGIN EXCLUSIVE", "s CREATE TABLE b (x)", "e", "c");

	TAP_EQ_INT(r.rc, DUNLIN_OK);
	TAP_EQ_INT(r.res.n_done, 9);
	TAP_EQ_INT(r.res.n_durable, 9);
	TAP_EQ_STR(r.seen, "0 1 2 3 4 5 6 7 8 ");
	TAP_EQ_STR(ask(c, "SELECT name FROM sqlite_master ORDER BY 1"), "t:a;t:b;");
	drv->close(c);
	/* kept while the process lives */
	c = open_db(":many", NULL);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "n:1;");
	drv->close(c);
	drv->close(NULL);
}

static void exec_many_undoes_the_transaction_that_fails(void)
{
	struct dunlin_conn *c = open_db(":fails", NULL);
	struct run r = RUN(c, "b", "s CREATE TABLE a (x)", "c", "b", "s CREATE TABLE b (x)", "s CREATE TABL c (x)",
	                   "s CREATE TABLE d (x)", "c");

	TAP_EQ_INT(r.rc, DUNLIN_ERROR);
	TAP_EQ_INT(r.res.n_done, 5);
	TAP_EQ_INT(r.res.n_durable, 3);
	TAP_EQ_INT(r.res.is_unknown, 0);
	TAP_EQ_STR(r.seen, "0 1 2 3 4 ");
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_SYNTAX);
	TAP_EQ_INT(de.position, 7);
	TAP_EQ_INT(state(c), DUNLIN_TX_NONE);
	TAP_EQ_STR(ask(c, "SELECT name FROM sqlite_master"), "t:a;");
	drv->close(c);
}

static void exec_many_goes_on_in_the_transaction_of_the_call_before(void)
{
	struct dunlin_conn *c = open_db(":goes-on", NULL);
	struct run r = RUN(c, "b", "s CREATE TABLE a (x)");

	TAP_EQ_INT(r.res.n_done, 2);
	TAP_EQ_INT(r.res.n_durable, 0);
	TAP_EQ_INT(state(c), DUNLIN_TX_OPEN);
	r = RUN(c, "s INSERT INTO a VALUES (1)", "e", "c");
	TAP_EQ_INT(r.res.n_durable, 3);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "n:1;");
	/* and what fails undoes the earlier call's part too */
	RUN(c, "b", "s INSERT INTO a VALUES (2)");
	r = RUN(c, "s INSERT INTO a VALUES (3)", "s INSERT INTO nowhere VALUES (4)", "c");
	TAP_EQ_INT(r.res.n_done, 1);
	TAP_EQ_INT(r.res.n_durable, 0);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_SCHEMA);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "n:1;");
	drv->close(c);
}

static void exec_many_sees_a_statement_that_ends_the_transaction(void)
{
	static const char *const enders[] = { "s COMMIT", "s ROLLBACK", "s INSERT OR ROLLBACK INTO u VALUES (1)" };

	for (size_t i = 0; i < sizeof enders / sizeof *enders; i++) {
		struct dunlin_conn *c = open_db(":ends", "");
		struct run r;

		statement(c, "CREATE TABLE IF NOT EXISTS u (x UNIQUE)");
		statement(c, "INSERT OR IGNORE INTO u VALUES (1)");
		r = RUN(c, "b", "s CREATE TABLE IF NOT EXISTS a (x)", enders[i], "s CREATE TABLE later (x)", "e",
		        "l INSERT INTO u VALUES (2)", "c");
		TAP_EQ_INT(r.rc, DUNLIN_ERROR);
		TAP_EQ_INT(r.res.n_done, 2);
		TAP_EQ_INT(r.res.n_durable, 0);
		TAP_EQ_STR(ask(c, "SELECT x FROM u"), "n:1;");
		TAP_EQ_STR(ask(c, "SELECT name FROM sqlite_master WHERE name = 'later'"), "");
		TAP_EQ_INT(state(c), DUNLIN_TX_NONE);
		drv->close(c);
	}
}

static void exec_many_checks_the_rows_of_a_ledger_step(void)
{
	struct dunlin_conn *c = open_db(":rows", NULL);
	struct run r;

	statement(c, "CREATE TABLE a (x)");
	r = RUN(c, "b", "s INSERT INTO a VALUES (1)", "e", "l UPDATE a SET x = 2 WHERE x = 7", "c");
	TAP_EQ_INT(r.res.n_done, 3);
	TAP_EQ_STR(de.message, "the statement changed 0 rows instead of 1");
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "");
	/* alone it is undone as well */
	r = RUN(c, "l INSERT INTO a VALUES (1)", "l INSERT INTO a VALUES (2), (3)", "l INSERT INTO a VALUES (4)");
	TAP_EQ_INT(r.res.n_done, 1);
	TAP_EQ_INT(r.res.n_durable, 1);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "n:1;");
	drv->close(c);
}

static void steps_outside_a_transaction_commit_by_themselves(void)
{
	struct dunlin_conn *c = open_db(":alone", NULL);
	struct run r = RUN(c, "s CREATE TABLE a (x)", "s INSERT INTO a VALUES (1)", "s oops", "s INSERT INTO a VALUES (2)");

	TAP_EQ_INT(r.res.n_done, 2);
	TAP_EQ_INT(r.res.n_durable, 2);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "n:1;");
	/* the file's own transaction is durable at its COMMIT */
	r = RUN(c, "s BEGIN", "s INSERT INTO a VALUES (2)");
	TAP_EQ_INT(r.res.n_durable, 0);
	r = RUN(c, "s COMMIT");
	TAP_EQ_INT(r.res.n_durable, 1);
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM a"), "n:2;");
	drv->close(c);
}

static void ddl_commits_what_came_before_when_the_script_says_so(void)
{
	struct dunlin_conn *c = open_db(":ddl", "caps=-tx_ddl,+ddl_commits");
	struct run r;

	TAP_EQ_INT(drv->caps(c) & (DUNLIN_CAP_TX_DDL | DUNLIN_CAP_DDL_COMMITS), DUNLIN_CAP_DDL_COMMITS);
	statement(c, "CREATE TABLE a (x)");
	r = RUN(c, "b", "s INSERT INTO a VALUES (1)", "s CREATE TABLE b (x)", "e", "c");
	TAP_EQ_INT(r.rc, DUNLIN_ERROR);
	TAP_EQ_INT(r.res.n_done, 2);
	TAP_EQ_INT(r.res.n_durable, 2);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "n:1;");
	/* the failing one too, but not a temporary table */
	r = RUN(c, "b", "s INSERT INTO a VALUES (2)", "s -- x\n /* y */ ALTER TABLE nowhere ADD x", "c");
	TAP_EQ_INT(r.res.n_durable, 2);
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM a"), "n:2;");
	r = RUN(c, "b", "s INSERT INTO a VALUES (3)", "s CREATE TEMP TABLE t (x)", "s oops", "c");
	TAP_EQ_INT(r.res.n_durable, 0);
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM a"), "n:2;");
	drv->close(c);
}

static void single_slots_do_what_the_steps_do(void)
{
	struct dunlin_conn *c = open_db(":single", "failed_tx");

	TAP_EQ_INT(drv->begin(c, NULL, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "CREATE TABLE a (x)"), DUNLIN_OK);
	TAP_EQ_INT(drv->savepoint(c, DUNLIN_SAVEPOINT_SET, "s \"1", clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "oops"), DUNLIN_ERROR);
	TAP_EQ_INT(state(c), DUNLIN_TX_FAILED);
	TAP_EQ_INT(statement(c, "CREATE TABLE b (x)"), DUNLIN_ERROR);
	TAP_EQ_STR(de.sqlstate, "25P02");
	TAP_EQ_INT(drv->savepoint(c, DUNLIN_SAVEPOINT_ROLLBACK, "s \"1", clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->savepoint(c, DUNLIN_SAVEPOINT_RELEASE, "s \"1", clean()), DUNLIN_OK);
	TAP_EQ_INT(state(c), DUNLIN_TX_OPEN);
	TAP_EQ_INT(drv->commit(c, clean()), DUNLIN_OK);
	TAP_EQ_STR(ask(c, "SELECT name FROM sqlite_master"), "t:a;");
	/* a commit of a failed transaction is a rollback, and says so */
	TAP_EQ_INT(drv->begin(c, NULL, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "INSERT INTO a VALUES (1)"), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "oops"), DUNLIN_ERROR);
	TAP_EQ_INT(drv->commit(c, clean()), DUNLIN_ERROR);
	TAP_EQ_INT(state(c), DUNLIN_TX_NONE);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "");
	TAP_EQ_INT(drv->begin(c, NULL, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "INSERT INTO a VALUES (1)"), DUNLIN_OK);
	TAP_EQ_INT(drv->rollback(c, clean()), DUNLIN_OK);
	TAP_EQ_STR(ask(c, "SELECT x FROM a"), "");
	/* nor does it commit what is not the transaction that it opened */
	TAP_EQ_INT(drv->begin(c, NULL, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "ROLLBACK"), DUNLIN_ERROR);
	TAP_EQ_INT(statement(c, "BEGIN"), DUNLIN_OK);
	TAP_EQ_INT(drv->commit(c, clean()), DUNLIN_ERROR);
	TAP_EQ_STR(de.message, "a statement ended the transaction that it ran in");
	drv->close(c);
}

static void statements_come_one_at_a_time(void)
{
	struct dunlin_conn *c = open_db(":one", NULL);

	TAP_EQ_INT(statement(c, "CREATE TABLE a (x); CREATE TABLE b (x)"), DUNLIN_ERROR);
	TAP_EQ_STR(de.message, "more than one statement in one text");
	TAP_EQ_STR(ask(c, "SELECT name FROM sqlite_master"), "");
	TAP_EQ_INT(statement(c, "CREATE TABLE a (x); -- no more"), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "-- nothing"), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "INSERT INTO a VALUES (?)"), DUNLIN_ERROR);
	TAP_EQ_STR(de.message, "1 parameters instead of 0");
	drv->close(c);
}

static void queries_give_rows_with_their_types(void)
{
	const struct dunlin_param p[] = { { .value = "12", .len = 2, .is_integer = 1 }, { .value = "ab", .len = 2 }, { 0 } };
	struct dunlin_conn *c = open_db(":types", NULL);
	static const char sql[] = "SELECT ?, ?, ?";
	struct rows r = { "" };

	statement(c, "CREATE TABLE a (f BOOLEAN, g INTEGER)");
	statement(c, "INSERT INTO a VALUES (1, 2)");
	TAP_EQ_STR(ask(c, "SELECT f, g, 'x', 1.5, NULL, x'41', f + 1 FROM a"), "b:1,n:2,t:x,n:1.5,0:,?:A,n:2;");
	TAP_EQ_INT(drv->query(c, sql, sizeof sql - 1, p, 3, add_row, &r, clean()), DUNLIN_OK);
	TAP_EQ_STR(r.text, "n:12,t:ab,0:;");
	drv->close(c);
}

/* --- faults -------------------------------------------------------------------------------- */

static void faults_strike_when_the_script_says(void)
{
	static const struct { const char *script, *outcome; } cases[] = {
		{ "fail statement 3", "..X.." }, { "fail statement 2-", ".XXXX" }, { "fail statement 2-3", ".XX.." },
		{ "fail statement *", "XXXXX" }, { "fail statement ~4", "...X." },
		{ "fail statement 1;fail statement 5", "X...X" }, { "# nothing\n\n  ", "....." },
		{ "fail ledger *", "....." },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_conn *c = open_db(":strikes", cases[i].script);
		char got[8] = "";

		for (int n = 1; n <= 5; n++) {
			char sql[32];

			snprintf(sql, sizeof sql, "SELECT 'nr %d'", n);
			got[n - 1] = statement(c, sql) == DUNLIN_OK ? '.' : 'X';
		}
		TAP_EQ_STR(got, cases[i].outcome);
		drv->close(c);
	}
}

static void faults_say_what_the_script_says(void)
{
	struct dunlin_conn *c = open_db(":says", "fail statement 1 status=timeout class=LOCK native=5 sqlstate=55P03 "
	                                         "position=4 retryable unsafe message=\"a \"b\" c\" hint=\"Do it.\"\n"
	                                         "fail statement 2 after;notice statement 3 message=\"look here\"\n"
	                                         "fail query 1;fail tx_state 1; fail probe 1;fail snapshot 1;fail unlock 1;"
	                                         "fail reset 1;fail rollback 1;fail savepoint 1;fail begin 1;fail commit 1;fail seal 1");
	struct run r;

	TAP_EQ_INT(statement(c, "CREATE TABLE a (x)"), DUNLIN_ETIMEOUT);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_INT(de.native, 5);
	TAP_EQ_STR(de.sqlstate, "55P03");
	TAP_EQ_INT(de.position, 4);
	TAP_EQ_INT(de.is_retryable, 1);
	TAP_EQ_INT(de.is_unsafe, 1);
	TAP_EQ_STR(de.message, "a b c");
	TAP_EQ_STR(de.hint, "Do it.");
	/* after: it was done all the same */
	TAP_EQ_INT(statement(c, "CREATE TABLE a (x)"), DUNLIN_ERROR);
	TAP_EQ_STR(de.message, "it fails as its script says");
	TAP_EQ_INT(de.position, -1);
	TAP_EQ_STR(ask(c, "SELECT 1"), "error: it fails as its script says");
	TAP_EQ_STR(ask(c, "SELECT name FROM sqlite_master"), "t:a;");
	r = RUN(c, "s SELECT 1", "s SELECT 2");
	TAP_EQ_STR(r.seen, "[0 1 look here] 0 1 ");
	TAP_EQ_INT(state(c), -1);
	TAP_EQ_INT(drv->reset_session(c, clean()), DUNLIN_ERROR);
	TAP_EQ_INT(drv->rollback(c, clean()), DUNLIN_ERROR);
	TAP_EQ_INT(drv->savepoint(c, DUNLIN_SAVEPOINT_SET, "s", clean()), DUNLIN_ERROR);
	TAP_EQ_INT(drv->begin(c, NULL, clean()), DUNLIN_ERROR);
	r = RUN(c, "b", "c");
	TAP_EQ_INT(r.res.n_done, 1);
	r = RUN(c, "b", "e", "c");
	TAP_EQ_INT(r.res.n_done, 1);
	r = RUN(c, "b", "e", "c");
	TAP_EQ_INT(r.rc, DUNLIN_OK);
	drv->close(c);
}

static void a_lost_connection_stays_lost(void)
{
	static const struct { const char *script; int done, durable; const char *left; } cases[] = {
		{ "lost statement 2", 2, 0, "" },
		{ "lost statement 2 after", 2, 0, "" },
		{ "lost commit 1", 3, 0, "" },
		{ "lost commit 1 after", 3, 0, "n:1;" },
		{ "lost commit 2", 7, 4, "n:1;" },
		{ "lost commit 2 after", 7, 4, "n:1;n:2;" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_conn *c = open_db(":lost", "");
		struct run r;

		statement(c, "DROP TABLE IF EXISTS a");
		statement(c, "CREATE TABLE a (x)");
		drv->close(c);
		tap_note("%s", cases[i].script);
		c = open_db(":lost", cases[i].script);
		r = RUN(c, "b", "s INSERT INTO a VALUES (1)", "s SELECT 1", "c", "b", "s INSERT INTO a VALUES (2)", "e", "c");
		TAP_EQ_INT(r.rc, DUNLIN_ERROR);
		TAP_EQ_INT(de.errclass, DUNLIN_CLASS_CONNECTION);
		TAP_EQ_INT(r.res.is_unknown, 1);
		TAP_EQ_INT(r.res.n_done, cases[i].done);
		TAP_EQ_INT(r.res.n_durable, cases[i].durable);
		TAP_EQ_STR(ask(c, "SELECT 1"), "error: the connection is lost");
		TAP_EQ_INT(state(c), -1);
		drv->close(c);
		/* the same script again goes on counting */
		c = open_db(":lost", cases[i].script);
		TAP_EQ_STR(ask(c, "SELECT x FROM a"), cases[i].left);
		TAP_EQ_INT(statement(c, "SELECT 1"), DUNLIN_OK);
		drv->close(c);
	}
}

static void a_wrong_script_is_refused(void)
{
	static const char *const wrong[] = {
		"fail", "fail nowhere 1", "fail statement", "fail statement x", "fail statement 0", "fail statement 1-x",
		"fail statement 1 whatever", "fail statement 1 class=NONE", "fail statement 1 status=x", "fail statement ~",
		"caps=tx", "caps=-none", "caps=+", "probe", "probe x", "blocker x", "blocker x=1", "hello",
		"fail statement 1 colour=red",
	};
	struct dunlin_kv kv[2] = { { "path", ":wrong" }, { "script", "/nowhere/at all" } };
	struct dunlin_conn *c = NULL;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		TAP_EQ_INT(try_open(":wrong", wrong[i], NULL, &c), DUNLIN_ERROR);
		TAP_EQ_INT(de.errclass, DUNLIN_CLASS_VALIDATION);
		TAP_OK(strstr(de.message, wrong[i]) != NULL);
		TAP_OK(c == NULL);
	}
	TAP_EQ_INT(drv->open(kv, 2, NULL, &c, clean()), DUNLIN_ERROR);
	TAP_OK(strstr(de.message, "cannot be read") != NULL);
	TAP_EQ_INT(try_open(":wrong", "fail open 1 unsafe message=pooler", NULL, &c), DUNLIN_ERROR);
	TAP_EQ_STR(de.message, "pooler");
	TAP_EQ_INT(drv->open(kv, 0, NULL, &c, clean()), DUNLIN_ERROR);
}

static void caps_are_as_the_script_says(void)
{
	struct dunlin_conn *c = open_db(":caps", "caps=-exec_many,-lock,-tx;caps=+read_only");
	uint64_t caps = drv->caps(c);

	TAP_EQ_INT(caps & (DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_LOCK | DUNLIN_CAP_TX), 0);
	TAP_OK(caps & DUNLIN_CAP_READ_ONLY);
	TAP_OK(caps & DUNLIN_CAP_PROBE);
	TAP_EQ_INT(caps & ~drv->possible_caps, 0);
	TAP_EQ_INT(statement(c, "CREATE TABLE a (x)"), DUNLIN_ERROR);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_PERMISSION);
	TAP_EQ_INT(de.is_unsafe, 1);
	TAP_EQ_STR(ask(c, "SELECT 1"), "n:1;");
	drv->close(c);
	c = open_db(":caps", "");
	TAP_EQ_INT(drv->caps(c), drv->possible_caps & ~(DUNLIN_CAP_DDL_COMMITS | DUNLIN_CAP_READ_ONLY | DUNLIN_CAP_PROBE_SQL));
	drv->close(c);
}

static int always(void *arg)
{
	++*(int *)arg;
	return 1;
}

static int64_t no_time(void *arg)
{
	(void)arg;
	return 0;
}

static void *cancel_soon(void *c)
{
	nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
	drv->cancel(c);
	return NULL;
}

static void slow_work_is_stopped(void)
{
	static const char endless[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
	int asked = 0;
	struct dunlin_control ctl = { .struct_size = sizeof ctl, .arg = &asked, .should_stop = always };
	struct dunlin_kv kv[] = { { "path", ":slow" }, { "inline", "slow statement 1-3 ms=60000" }, { "statement_timeout_ms", "30" } };
	struct dunlin_conn *c = open_db(":slow", "slow statement 1-3 ms=60000");
	pthread_t thread;

	pthread_create(&thread, NULL, cancel_soon, c);
	TAP_EQ_INT(statement(c, "SELECT 1"), DUNLIN_ECANCELLED);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_INTERRUPTED);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, cancel_soon, c);
	TAP_EQ_INT(exec(c, DUNLIN_STEP_LEDGER, endless), DUNLIN_ECANCELLED);
	pthread_join(thread, NULL);
	TAP_EQ_STR(ask(c, "SELECT 1"), "n:1;");
	drv->close(c);

	TAP_EQ_INT(drv->open(kv, 2, &ctl, &c, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "SELECT 1"), DUNLIN_ECANCELLED);
	TAP_OK(asked > 0);
	drv->close(c);
	ctl.should_stop = NULL;
	ctl.remaining_ms = no_time;
	TAP_EQ_INT(drv->open(kv, 2, &ctl, &c, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "SELECT 1"), DUNLIN_ETIMEOUT);
	drv->close(c);
	TAP_EQ_INT(drv->open(kv, 3, NULL, &c, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, endless), DUNLIN_ETIMEOUT);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_TIMEOUT);
	drv->close(c);
}

static void a_busy_database_is_a_lock_error(void)
{
	struct dunlin_kv kv[] = { { "path", file_of("busy.db") }, { "create", "1" }, { "lock_timeout_ms", "20" } };
	struct dunlin_conn *a = open_db(kv[0].value, NULL), *b = NULL;

	TAP_EQ_INT(drv->open(kv, 3, NULL, &b, clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->begin(a, NULL, clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->begin(b, NULL, clean()), DUNLIN_ERROR);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_INT(de.is_retryable, 1);
	TAP_EQ_INT(drv->rollback(a, clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->begin(b, NULL, clean()), DUNLIN_OK);
	drv->close(a);
	drv->close(b);
}

/* --- the lock ------------------------------------------------------------------------------------ */

static void check_info(struct dunlin_conn *c, const char *key, int held, const char *by)
{
	char holder[64] = "x", since[64] = "x";
	int32_t is_held = -1;

	TAP_EQ_INT(drv->lock_info(c, key, &is_held, holder, sizeof holder, since, sizeof since, clean()), DUNLIN_OK);
	TAP_EQ_INT(is_held, held);
	TAP_EQ_STR(holder, by);
	TAP_EQ_INT(strlen(since), held ? 20 : 0);
}

static void the_lock_has_one_holder(void)
{
	const char *names[] = { ":lock", file_of("lock.db") };

	for (size_t i = 0; i < 2; i++) {
		struct dunlin_conn *a = open_db(names[i], ""), *b = open_db(names[i], "");

		check_info(b, "k", 0, "");
		TAP_EQ_INT(drv->lock(a, "k", "ann", clean()), DUNLIN_OK);
		TAP_EQ_INT(drv->lock(b, "k", "bob", clean()), DUNLIN_EBUSY);
		TAP_OK(strstr(de.message, "held by ann since 20") != NULL);
		check_info(a, "k", 1, "ann");
		check_info(b, "k", 1, "ann");
		TAP_EQ_INT(drv->lock(b, "other", "bob", clean()), DUNLIN_OK);
		TAP_EQ_INT(drv->unlock(b, "k", clean()), DUNLIN_ERROR);
		TAP_EQ_INT(drv->unlock(a, "k", clean()), DUNLIN_OK);
		TAP_EQ_INT(drv->unlock(a, "k", clean()), DUNLIN_ERROR);
		check_info(b, "k", 0, "");
		TAP_EQ_INT(drv->lock(b, "k", "bob", clean()), DUNLIN_OK);
		/* it goes with its holder */
		drv->close(b);
		TAP_EQ_INT(drv->lock(a, "k", "ann", clean()), DUNLIN_OK);
		drv->close(a);
	}
}

static void the_lock_holds_between_processes_and_ends_with_one(void)
{
	const char *name = file_of("process.db");
	struct dunlin_conn *c;
	int to_parent[2], status = 0;
	char byte;
	pid_t pid;

	if (!TAP_EQ_INT(pipe(to_parent), 0))
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct dunlin_conn *mine = NULL;

		if (try_open(name, NULL, NULL, &mine) == DUNLIN_OK && drv->lock(mine, "k", "child", clean()) == DUNLIN_OK &&
		    write(to_parent[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(to_parent[1]);
	TAP_EQ_INT(read(to_parent[0], &byte, 1), 1);
	c = open_db(name, NULL);
	TAP_EQ_INT(drv->lock(c, "k", "parent", clean()), DUNLIN_EBUSY);
	TAP_OK(strstr(de.message, "held by child") != NULL);
	check_info(c, "k", 1, "child");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	TAP_OK(WIFSIGNALED(status));
	TAP_EQ_INT(drv->lock(c, "k", "parent", clean()), DUNLIN_OK);
	drv->close(c);
	close(to_parent[0]);
}

static void the_lock_may_outlive_a_lost_connection(void)
{
	struct dunlin_conn *c = open_db(":linger", "lost statement 1 linger=80;busy lock 4 holder=robot"), *again;

	TAP_EQ_INT(drv->lock(c, "k", "ann", clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "SELECT 1"), DUNLIN_ERROR);
	drv->close(c);
	again = open_db(":linger", NULL);
	TAP_EQ_INT(drv->lock(again, "k", "bob", clean()), DUNLIN_EBUSY);
	TAP_OK(strstr(de.message, "held by ann") != NULL);
	nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
	TAP_EQ_INT(drv->lock(again, "k", "bob", clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->lock(again, "k", "bob", clean()), DUNLIN_EBUSY);
	TAP_EQ_STR(de.message, "held by robot");
	drv->close(again);
}

/* --- looking -------------------------------------------------------------------------------------- */

static const char *probe(struct dunlin_conn *c, const char *sql)
{
	static char text[256];
	int rc = drv->probe(c, sql, strlen(sql), text, sizeof text, clean());

	return rc == DUNLIN_OK ? text : rc == DUNLIN_ENOTSUP ? "enotsup" : "error";
}

static void the_probe_sees_whether_ddl_had_its_effect(void)
{
	static const char *const ddl[] = {
		"CREATE TABLE a (x)", "CREATE UNIQUE INDEX IF NOT EXISTS i ON a (x)", "ALTER TABLE a ADD COLUMN y",
		"-- c\nCREATE VIEW \"v 1\" AS SELECT 1", "DROP VIEW \"v 1\"", "DROP INDEX i", "DROP TABLE IF EXISTS [a]",
	};
	struct dunlin_conn *c = open_db(":probe", NULL);

	for (size_t i = 0; i < sizeof ddl / sizeof *ddl; i++) {
		char before[256];

		snprintf(before, sizeof before, "%s", probe(c, ddl[i]));
		TAP_EQ_STR(probe(c, ddl[i]), before);
		TAP_EQ_INT(statement(c, ddl[i]), DUNLIN_OK);
		TAP_OK(strcmp(probe(c, ddl[i]), before) != 0);
	}
	TAP_EQ_STR(probe(c, "INSERT INTO a VALUES (1)"), "enotsup");
	TAP_EQ_STR(probe(c, "CREATE TABLE"), "enotsup");
	TAP_EQ_STR(probe(c, ""), "enotsup");
	drv->close(c);
	c = open_db(":probe", "probe enotsup");
	TAP_EQ_STR(probe(c, "CREATE TABLE z (x)"), "enotsup");
	drv->close(c);
	c = open_db(":probe", "probe same");
	TAP_EQ_STR(probe(c, "CREATE TABLE z (x)"), "same");
	drv->close(c);
}

static int add_fact(void *arg, const char *fact, size_t len)
{
	struct rows *r = arg;
	size_t at = strlen(r->text);

	snprintf(r->text + at, sizeof r->text - at, "%.*s|", (int)len, fact);
	return 0;
}

static void the_snapshot_is_sorted_facts(void)
{
	static const char *const ignore[] = { "ledger", NULL };
	struct dunlin_conn *c = open_db(":facts", NULL);
	struct rows r = { "" };

	statement(c, "CREATE TABLE b (x INTEGER NOT NULL, y TEXT DEFAULT 'z')");
	statement(c, "CREATE TABLE ledger (x)");
	statement(c, "CREATE INDEX l ON ledger (x)");
	statement(c, "CREATE INDEX i ON b (x)");
	statement(c, "CREATE VIEW v AS SELECT 1");
	TAP_EQ_INT(drv->snapshot(c, ignore, 1, add_fact, &r, clean()), DUNLIN_OK);
	TAP_EQ_STR(r.text, "column b.x type integer not null|column b.y type text default 'z'|index i on b|table b|view v|");
	TAP_EQ_INT(drv->drop_objects(c, clean()), DUNLIN_OK);
	r.text[0] = '\0';
	TAP_EQ_INT(drv->snapshot(c, NULL, 0, add_fact, &r, clean()), DUNLIN_OK);
	TAP_EQ_STR(r.text, "");
	drv->close(c);
}

static int see_blocker(void *arg, const struct dunlin_blocker *b)
{
	snprintf(arg, 200, "%lld %s %s %s %s", (long long)b->pid, b->user, b->application ? b->application : "-",
	         b->query, b->since ? b->since : "-");
	return 0;
}

static void blockers_are_those_of_the_script(void)
{
	struct dunlin_conn *c = open_db(":blockers", "blocker pid=7 user=app query=\"SELECT 1\" since=now");
	char text[200] = "";

	TAP_EQ_INT(drv->blockers(c, see_blocker, text, clean()), DUNLIN_OK);
	TAP_EQ_STR(text, "7 app - SELECT 1 now");
	drv->close(c);
	c = open_db(":blockers", "");
	text[0] = '\0';
	TAP_EQ_INT(drv->blockers(c, see_blocker, text, clean()), DUNLIN_OK);
	TAP_EQ_STR(text, "");
	drv->close(c);
}

/* --- data, session, clock ------------------------------------------------------------------------------ */

static int copy(struct dunlin_conn *c, const char *sql, const char *data)
{
	struct dunlin_step st = {
		.struct_size = sizeof st, .kind = DUNLIN_STEP_STATEMENT, .sql = sql, .sql_len = strlen(sql),
		.data = data, .data_len = strlen(data), .expect_rows = -1, .lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};

	return drv->exec(c, &st, clean());
}

static void copy_takes_data(void)
{
	struct dunlin_conn *c = open_db(":copy", NULL);

	statement(c, "CREATE TABLE a (x, y)");
	TAP_EQ_INT(copy(c, "COPY a FROM stdin", "1\tone\n2\t\\N\n"), DUNLIN_OK);
	TAP_EQ_INT(copy(c, "COPY a (y) FROM stdin", "t\\tab\\\\\\n!\r\n"), DUNLIN_OK);
	TAP_EQ_STR(ask(c, "SELECT x, y FROM a"), "t:1,t:one;t:2,0:;0:,t:t\tab\\\n!;");
	TAP_EQ_INT(copy(c, "COPY a FROM stdin", ""), DUNLIN_OK);
	TAP_EQ_INT(copy(c, "COPY a FROM stdin", "1\n"), DUNLIN_ERROR);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_INT(copy(c, "COPY a FROM stdin", "1\t2\t3\n"), DUNLIN_ERROR);
	TAP_EQ_INT(copy(c, "COPY nowhere FROM stdin", "1\n"), DUNLIN_ERROR);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_SCHEMA);
	TAP_EQ_INT(copy(c, "COPY", "1\n"), DUNLIN_ERROR);
	drv->close(c);
}

static void a_reset_undoes_what_was_set(void)
{
	static const char settings[] = "SELECT name, value FROM mock_setting";
	struct dunlin_conn *c = open_db(":session", NULL);

	TAP_EQ_INT(statement(c, "SET role = 'admin'"), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "CREATE TEMP TABLE t (x)"), DUNLIN_OK);
	TAP_EQ_STR(ask(c, settings), "t:role,t:'admin';");
	TAP_EQ_INT(drv->lock(c, "k", "me", clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->reset_session(c, clean()), DUNLIN_OK);
	TAP_EQ_STR(ask(c, settings), "");
	TAP_EQ_INT(statement(c, "SELECT * FROM t"), DUNLIN_ERROR);
	check_info(c, "k", 1, "me");
	/* SEAL resets, a rollback undoes it with the rest */
	RUN(c, "b", "s SET a = 1", "e", "c");
	TAP_EQ_STR(ask(c, settings), "");
	RUN(c, "b", "s SET a = 1", "s oops");
	TAP_EQ_STR(ask(c, settings), "");
	TAP_EQ_INT(statement(c, "SET"), DUNLIN_ERROR);
	drv->close(c);
}

static void the_clock_can_stand_still(void)
{
	struct dunlin_conn *c = open_db(":clock", "clock");

	TAP_EQ_STR(ask(c, "SELECT dunlin_now(), dunlin_elapsed_ms()"), "t:2026-01-02T03:04:05.678Z,n:7;");
	drv->close(c);
	c = open_db(":clock", "slow statement 1 ms=20");
	TAP_EQ_STR(ask(c, "SELECT dunlin_now() GLOB '20[0-9][0-9]-[0-9][0-9]-*T*:*:[0-9][0-9].[0-9][0-9][0-9]Z'"), "n:1;");
	RUN(c, "b", "s SELECT 1");
	TAP_EQ_STR(ask(c, "SELECT dunlin_elapsed_ms() BETWEEN 20 AND 5000"), "n:1;");
	drv->close(c);
}

static void the_trace_has_a_line_for_each_round_trip(void)
{
	const char *trace = file_of("trace");
	const struct dunlin_param p[] = { { .value = "a\nb", .len = 3 }, { 0 } };
	static const char sql[] = "SELECT ?, ?";
	static const char want[] =
		"open create\nlock k\nquery SELECT ?, ? [a\\nb, NULL]\nexec_many 3\n\tbegin\n\tstatement CREATE TABLE a (x)\n"
		"\tstatement oops -> error\nstatement SELECT 1\ntx_state\nbegin\ncommit\nprobe oops -> enotsup\nunlock k\nclose\n";
	struct dunlin_conn *c = NULL;
	struct rows r = { "" };
	char got[2048] = "";
	FILE *f;

	TAP_EQ_INT(try_open(":trace", "", trace, &c), DUNLIN_OK);
	drv->lock(c, "k", "me", clean());
	drv->query(c, sql, sizeof sql - 1, p, 2, add_row, &r, clean());
	RUN(c, "b", "s CREATE TABLE a (x)", "s oops");
	statement(c, "SELECT 1");
	state(c);
	drv->begin(c, NULL, clean());
	drv->commit(c, clean());
	probe(c, "oops");
	drv->unlock(c, "k", clean());
	drv->close(c);
	f = fopen(trace, "r");
	if (TAP_OK(f != NULL)) {
		got[fread(got, 1, sizeof got - 1, f)] = '\0';
		fclose(f);
	}
	TAP_EQ_STR(got, want);
}

/* --- databases ---------------------------------------------------------------------------------------------- */

static void databases_are_made_and_dropped(void)
{
	const char *path = file_of("made.db");
	struct dunlin_kv kv[] = { { "path", path } }, memory[] = { { "path", ":made" } };
	struct dunlin_conn *c = NULL;
	char url[100];

	TAP_EQ_INT(drv->open(kv, 1, NULL, &c, clean()), DUNLIN_ERROR);
	TAP_EQ_INT(de.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_OK(access(path, F_OK) < 0);
	TAP_EQ_INT(drv->create_database(kv, 1, NULL, clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->create_database(kv, 1, NULL, clean()), DUNLIN_EBUSY);
	TAP_EQ_INT(drv->open(kv, 1, NULL, &c, clean()), DUNLIN_OK);
	TAP_EQ_INT(statement(c, "CREATE TABLE a (x)"), DUNLIN_OK);
	TAP_EQ_INT(drv->drop_database(kv, 1, NULL, clean()), DUNLIN_EBUSY);
	drv->close(c);
	TAP_EQ_INT(drv->drop_database(kv, 1, NULL, clean()), DUNLIN_OK);
	TAP_EQ_INT(drv->drop_database(kv, 1, NULL, clean()), DUNLIN_ERROR);

	TAP_EQ_INT(drv->create_database(memory, 1, NULL, clean()), DUNLIN_OK);
	c = open_db(":made", NULL);
	statement(c, "CREATE TABLE a (x)");
	drv->close(c);
	TAP_EQ_INT(drv->drop_database(memory, 1, NULL, clean()), DUNLIN_OK);
	c = open_db(":made", NULL);
	TAP_EQ_STR(ask(c, "SELECT name FROM sqlite_master"), "");
	drv->close(c);
	TAP_EQ_INT(drv->scratch(kv, 1, NULL, url, sizeof url, clean()), DUNLIN_OK);
	TAP_OK(strncmp(url, "mock::scratch-", 14) == 0);
}

static void open_survives_every_allocation_that_fails(void)
{
	struct dunlin_conn *c = NULL;
	char name[40];

	for (unsigned long n = 1;; n++) {
		int rc;

		snprintf(name, sizeof name, ":memory-%lu", n);
		mem_fail_at(n, 0);
		rc = try_open(name, "caps=-tx;fail statement 1", file_of("memory-trace"), &c);
		if (mem_count() < n) {
			mem_fail_at(0, 0);
			TAP_EQ_INT(rc, DUNLIN_OK);
			TAP_OK(n > 6);
			drv->close(c);
			return;
		}
		mem_fail_at(0, 0);
		TAP_OK(rc != DUNLIN_OK && c == NULL);
	}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "exec_many_commits_each_transaction", exec_many_commits_each_transaction },
		{ "exec_many_undoes_the_transaction_that_fails", exec_many_undoes_the_transaction_that_fails },
		{ "exec_many_goes_on_in_the_transaction_of_the_call_before", exec_many_goes_on_in_the_transaction_of_the_call_before },
		{ "exec_many_sees_a_statement_that_ends_the_transaction", exec_many_sees_a_statement_that_ends_the_transaction },
		{ "exec_many_checks_the_rows_of_a_ledger_step", exec_many_checks_the_rows_of_a_ledger_step },
		{ "steps_outside_a_transaction_commit_by_themselves", steps_outside_a_transaction_commit_by_themselves },
		{ "ddl_commits_what_came_before_when_the_script_says_so", ddl_commits_what_came_before_when_the_script_says_so },
		{ "single_slots_do_what_the_steps_do", single_slots_do_what_the_steps_do },
		{ "statements_come_one_at_a_time", statements_come_one_at_a_time },
		{ "queries_give_rows_with_their_types", queries_give_rows_with_their_types },
		{ "faults_strike_when_the_script_says", faults_strike_when_the_script_says },
		{ "faults_say_what_the_script_says", faults_say_what_the_script_says },
		{ "a_lost_connection_stays_lost", a_lost_connection_stays_lost },
		{ "a_wrong_script_is_refused", a_wrong_script_is_refused },
		{ "caps_are_as_the_script_says", caps_are_as_the_script_says },
		{ "slow_work_is_stopped", slow_work_is_stopped },
		{ "a_busy_database_is_a_lock_error", a_busy_database_is_a_lock_error },
		{ "the_lock_has_one_holder", the_lock_has_one_holder },
		{ "the_lock_holds_between_processes_and_ends_with_one", the_lock_holds_between_processes_and_ends_with_one },
		{ "the_lock_may_outlive_a_lost_connection", the_lock_may_outlive_a_lost_connection },
		{ "the_probe_sees_whether_ddl_had_its_effect", the_probe_sees_whether_ddl_had_its_effect },
		{ "the_snapshot_is_sorted_facts", the_snapshot_is_sorted_facts },
		{ "blockers_are_those_of_the_script", blockers_are_those_of_the_script },
		{ "copy_takes_data", copy_takes_data },
		{ "a_reset_undoes_what_was_set", a_reset_undoes_what_was_set },
		{ "the_clock_can_stand_still", the_clock_can_stand_still },
		{ "the_trace_has_a_line_for_each_round_trip", the_trace_has_a_line_for_each_round_trip },
		{ "databases_are_made_and_dropped", databases_are_made_and_dropped },
		{ "open_survives_every_allocation_that_fails", open_survives_every_allocation_that_fails },
	};
	char command[sizeof scratch + 20];
	struct dunlin_error err;
	int rc;

	if (loader_find("mock", NULL, &drv, &err) < 0) {
		/* It is built where SQLite's headers are. */
		printf("1..0 # SKIP %s\n", err.message);
		return 0;
	}
	if (!mkdtemp(scratch)) {
		perror(scratch);
		return 1;
	}
	rc = tap_main("mock", tests, sizeof tests / sizeof *tests);
	snprintf(command, sizeof command, "rm -rf '%s'", scratch);
	if (system(command) != 0)
		perror(scratch);
	return rc;
}
