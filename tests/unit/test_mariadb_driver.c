/* test_mariadb_driver.c - the MariaDB driver on a server: packets, the lock, sessions. */
#include "mariadb_fixture.h"

#include <pthread.h>

#define NEEDS_SERVER \
	do { \
		if (!has_server()) { \
			tap_skip("DUNLIN_TEST_MARIADB_URL names no server"); \
			return; \
		} \
		fresh_database(); \
	} while (0)

static struct dunlin_conn *ready(void)
{
	struct dunlin_conn *c = open_db();

	my_do(c, "CREATE OR REPLACE TABLE journal (id int PRIMARY KEY, at int DEFAULT 0)", &err);
	TAP_EQ_INT(drv->lock(c, ".dunlin_migrations", "me", &err), DUNLIN_OK);
	return c;
}

static unsigned long questions(struct dunlin_conn *c)
{
	char text[32];

	/* Packets, not statements: Com_* would count each. */
	my_scalar(c, "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Bytes_received'", NULL, 0,
	          text, sizeof text, &err);
	return strtoul(text, NULL, 10);
}

static void a_window_with_ddl_travels_and_each_step_is_told(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	journal("INSERT INTO journal VALUES (1, 0)");
	statement("CREATE TABLE a (i int)", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	journal("INSERT INTO journal VALUES (2, 0)");
	statement("CREATE INDEX x ON a (i)", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	journal("INSERT INTO journal VALUES (3, 0)");
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	TAP_EQ_INT(res.n_done, 11);
	TAP_EQ_INT(res.n_durable, 11);
	TAP_EQ_STR(one("SELECT group_concat(id ORDER BY id) FROM journal"), "1,2,3");
	TAP_OK(questions(c) > 0);
	drv->close(c);
}

static void nothing_runs_after_a_failing_statement(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	journal("INSERT INTO journal VALUES (1, 0)");
	statement("CREATE TABLE journal (i int)", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	journal("INSERT INTO journal VALUES (2, 0)");
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_SCHEMA);
	TAP_EQ_INT(err.native, 1050);
	TAP_EQ_INT(res.n_done, 3);
	TAP_EQ_INT(res.n_durable, 3);
	TAP_EQ_INT(res.is_unknown, 0);
	TAP_EQ_STR(one("SELECT group_concat(id) FROM journal"), "1");
	drv->close(c);
}

static void a_failure_rolls_its_transaction_back_whole(void)
{
	struct dunlin_conn *c;
	int32_t state = 9;

	NEEDS_SERVER;
	c = ready();
	add(DUNLIN_STEP_BEGIN, NULL);
	statement("INSERT INTO journal VALUES (5, 0)", DUNLIN_ST_DML);
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	TAP_EQ_INT(res.n_durable, 0);
	/* The call after it goes on in that transaction. */
	statement("INSERT INTO journal VALUES (5, 0)", DUNLIN_ST_DML);
	add(DUNLIN_STEP_SEAL, NULL);
	add(DUNLIN_STEP_COMMIT, NULL);
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_INT(res.n_done, 0);
	TAP_EQ_INT(drv->tx_state(c, &state, &err), DUNLIN_OK);
	TAP_EQ_INT(state, DUNLIN_TX_NONE);
	TAP_EQ_STR(one("SELECT count(*) FROM journal"), "0");
	drv->close(c);
}

static void rows_that_were_not_written_stop_what_follows(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	journal("INSERT INTO journal VALUES (1, 0)");
	add(DUNLIN_STEP_BEGIN, NULL);
	add(DUNLIN_STEP_LEDGER, "UPDATE journal SET at = 1 WHERE id = 1")->expect_rows = 1;
	add(DUNLIN_STEP_LEDGER, "UPDATE journal SET at = 1 WHERE id = 7")->expect_rows = 1;
	add(DUNLIN_STEP_COMMIT, NULL);
	statement("CREATE TABLE never (i int)", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	TAP_EQ_INT(res.n_done, 5);
	TAP_EQ_INT(res.n_durable, 3);
	TAP_EQ_STR(one("SELECT at FROM journal"), "0");
	TAP_EQ_STR(one("SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = 'never'"), "0");
	drv->close(c);
}

static void a_statement_that_ends_the_transaction_is_found_out(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	my_do(c, "CREATE PROCEDURE sneak() BEGIN CREATE TABLE b (i int); END", &err);
	add(DUNLIN_STEP_BEGIN, NULL);
	statement("CALL sneak()", 0);
	add(DUNLIN_STEP_SEAL, NULL);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO journal VALUES (1, 0)")->expect_rows = 1;
	add(DUNLIN_STEP_COMMIT, NULL);
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.native, 1305);
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_STR(one("SELECT count(*) FROM journal"), "0");
	drv->close(c);
}

static void a_lock_that_was_lost_stops_the_journal(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	my_do(c, "DO release_all_locks()", &err);
	statement("CREATE TABLE b (i int)", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	journal("INSERT INTO journal VALUES (1, 0)");
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_INT(res.n_done, 1);
	TAP_EQ_STR(one("SELECT count(*) FROM journal"), "0");
	drv->close(c);
}

static void a_text_that_is_two_statements_runs_as_none(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	statement("INSERT INTO journal VALUES (1, 0); INSERT INTO journal VALUES (2, 0)", DUNLIN_ST_DML);
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_SYNTAX);
	TAP_EQ_STR(one("SELECT count(*) FROM journal"), "0");
	drv->close(c);
}

static void an_error_in_the_second_result_of_a_call_is_seen(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	my_do(c, "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; INSERT INTO nowhere VALUES (1); SELECT 3; END", &err);
	my_do(c, "CREATE PROCEDURE q() BEGIN SELECT 1; SELECT 2; SELECT 3; END", &err);
	statement("CALL q()", 0);
	statement("CALL p()", 0);
	statement("CREATE TABLE never (i int)", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.native, 1146);
	TAP_EQ_INT(res.n_done, 1);
	TAP_EQ_INT(res.n_durable, 1);
	drv->close(c);
}

static void warnings_are_shown_with_their_statement(void)
{
	struct dunlin_conn *c;

	NEEDS_SERVER;
	c = ready();
	statement("DROP TABLE IF EXISTS nowhere", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	journal("INSERT INTO journal VALUES (1, 0)");
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	TAP_OK(strstr(noticed, "Unknown table") != NULL);
	statement("SET sql_mode = ''", DUNLIN_ST_SESSION);
	statement("INSERT INTO journal (id, at) VALUES (7, 99999999999)", DUNLIN_ST_DML);
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	TAP_OK(strstr(noticed, "Out of range") != NULL);
	drv->close(c);
}

/* --- sessions ------------------------------------------------------------------------- */

static void a_reset_gives_a_new_session_and_keeps_the_lock(void)
{
	static const char *const dirt[] = {
		"SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", "USE mysql", "SET NAMES latin1", "SET sql_select_limit = 1",
		"CREATE TEMPORARY TABLE journal (x int)", "LOCK TABLES other READ", "FLUSH TABLES WITH READ LOCK",
		"BACKUP STAGE START", "SET SESSION TRANSACTION READ ONLY", "SET timestamp = 1", "SET max_statement_time = 0.001",
		"SET autocommit = 0", "SET foreign_key_checks = 0",
	};
	struct dunlin_conn *c;
	unsigned long was;
	char held[8];
	size_t i;

	NEEDS_SERVER;
	c = ready();
	my_do(c, "CREATE TABLE other (i int)", &err);
	for (i = 0; i < sizeof dirt / sizeof *dirt; i++) {
		was = c->thread_id;
		statement(dirt[i], DUNLIN_ST_SESSION);
		journal("INSERT INTO journal SELECT coalesce(max(id), 0) + 1, 0 FROM journal");
		if (!TAP_EQ_INT(send_all(c), DUNLIN_OK) || !TAP_EQ_INT(drv->reset_session(c, &err), DUNLIN_OK))
			tap_note("%s: %s", dirt[i], err.message);
		TAP_OK(c->thread_id != was);
		journal("INSERT INTO journal SELECT coalesce(max(id), 0) + 1, 0 FROM journal");
		if (!TAP_EQ_INT(send_all(c), DUNLIN_OK))
			tap_note("after %s: %s", dirt[i], err.message);
		my_scalar(c, "SELECT count(*) FROM journal", NULL, 0, held, sizeof held, &err);
		TAP_EQ_INT(atoi(held), (int)(2 * i + 2));
	}
	was = c->thread_id;
	statement("CREATE TABLE clean (i int)", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	TAP_EQ_INT(drv->reset_session(c, &err), DUNLIN_OK);
	TAP_OK(c->thread_id == was);
	TAP_EQ_INT(drv->unlock(c, ".dunlin_migrations", &err), DUNLIN_OK);
	drv->close(c);
}

static _Atomic int is_over;
static _Atomic long n_tries;
static long n_got;

static void *take_it(void *arg)
{
	struct dunlin_driver_error own = { .struct_size = sizeof own };
	struct dunlin_conn *c = arg;

	while (!is_over) {
		n_tries++;
		if (drv->lock(c, ".dunlin_migrations", "other", &own) == DUNLIN_OK) {
			n_got++;
			drv->unlock(c, ".dunlin_migrations", &own);
		}
	}
	return NULL;
}

/* The gate: without it the other gets in between release and take-over. */
static void nobody_gets_the_lock_while_it_moves_to_a_new_session(void)
{
	struct dunlin_conn *c, *other;
	pthread_t thread;
	int i, failed = 0;

	NEEDS_SERVER;
	c = ready();
	other = open_db();
	is_over = 0;
	n_tries = 0;
	n_got = 0;
	if (!TAP_EQ_INT(pthread_create(&thread, NULL, take_it, other), 0))
		return;
	/* On a busy machine the other may not come in as often as we move. */
	for (i = 0; i < 60 || (n_tries <= 20 && i < 3000); i++) {
		statement("SET @x = 1", DUNLIN_ST_SESSION);
		failed += send_all(c) != DUNLIN_OK || drv->reset_session(c, &err) != DUNLIN_OK;
	}
	is_over = 1;
	pthread_join(thread, NULL);
	TAP_EQ_INT(failed, 0);
	TAP_EQ_INT(n_got, 0);
	TAP_OK(n_tries > 20);
	drv->close(other);
	drv->close(c);
}

static void the_holder_of_the_lock_is_named(void)
{
	struct dunlin_conn *c, *other;
	char holder[256], since[64], want[64];
	int32_t held = 9;

	NEEDS_SERVER;
	c = ready();
	other = open_db();
	snprintf(want, sizeof want, "connection %lu", c->thread_id);
	TAP_EQ_INT(drv->lock(other, ".dunlin_migrations", "you", &err), DUNLIN_EBUSY);
	TAP_OK(strstr(err.message, want) != NULL);
	TAP_EQ_INT(drv->lock_info(other, ".dunlin_migrations", &held, holder, sizeof holder, since, sizeof since, &err), DUNLIN_OK);
	TAP_EQ_INT(held, 1);
	TAP_OK(strstr(holder, want) != NULL);
	TAP_EQ_INT(strlen(since) > 18, 1);
	/* Another database's ledger has another lock; a schema in the key is that schema's. */
	TAP_EQ_INT(drv->lock(other, "elsewhere.dunlin_migrations", "you", &err), DUNLIN_OK);
	drv->close(c);
	drv->close(other);
}

/* --- stopping --------------------------------------------------------------------------- */

static void *stop_soon(void *arg)
{
	drv_sleep_ms(300);
	if (arg)
		drv->cancel(arg);
	else
		must_stop = 1;
	return NULL;
}

static void stopping_kills_the_statement_and_keeps_the_line(void)
{
	struct dunlin_conn *c;
	pthread_t thread;
	int64_t start;
	int i;

	NEEDS_SERVER;
	c = ready();
	for (i = 0; i < 2; i++) {
		start = drv_now_ms();
		if (!TAP_EQ_INT(pthread_create(&thread, NULL, stop_soon, i ? c : NULL), 0))
			return;
		statement("CREATE TABLE slow AS SELECT sleep(20) AS s", DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
		journal("INSERT INTO journal VALUES (1, 0)");
		TAP_EQ_INT(send_all(c), DUNLIN_ECANCELLED);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_INTERRUPTED);
		TAP_EQ_INT(res.n_done, 0);
		TAP_EQ_INT(res.is_unknown, 0);
		TAP_OK(drv_now_ms() - start < 5000);
		pthread_join(thread, NULL);
		must_stop = 0;
		journal(i ? "INSERT INTO journal VALUES (11, 0)" : "INSERT INTO journal VALUES (10, 0)");
		TAP_EQ_INT(send_all(c), DUNLIN_OK);
	}
	TAP_EQ_STR(one("SELECT group_concat(id ORDER BY id) FROM journal"), "10,11");
	drv->close(c);
}

static void a_killed_connection_leaves_the_outcome_unknown(void)
{
	struct dunlin_conn *c, *killer;
	char sql[64];

	NEEDS_SERVER;
	c = ready();
	killer = open_db();
	journal("INSERT INTO journal VALUES (1, 0)");
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	snprintf(sql, sizeof sql, "KILL %lu", c->thread_id);
	TAP_EQ_INT(my_do(killer, sql, &err), DUNLIN_OK);
	journal("INSERT INTO journal VALUES (2, 0)");
	TAP_EQ_INT(send_all(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_INT(res.is_unknown, 1);
	TAP_EQ_INT(res.n_durable, 0);
	drv->close(killer);
	drv->close(c);
}

/* --- an application's handle ----------------------------------------------------------------- */

static void an_adopted_handle_is_given_back_as_it_was(void)
{
	struct dunlin_conn *c = NULL, *app;
	char before[256], after[256];
	static const char ask[] = "SELECT concat_ws('|', @@sql_mode, @@lock_wait_timeout, @@time_zone, @@character_set_client, "
	                          "@@autocommit, @@foreign_key_checks, @@max_statement_time)";

	NEEDS_SERVER;
	app = open_db();
	my_do(app, "SET sql_mode = 'ANSI_QUOTES', lock_wait_timeout = 77, time_zone = '+03:00', foreign_key_checks = 0", &err);
	my_do(app, "SET NAMES latin1", &err);
	my_do(app, "CREATE OR REPLACE TABLE journal (id int PRIMARY KEY, at int DEFAULT 0)", &err);
	my_scalar(app, ask, NULL, 0, before, sizeof before, &err);
	if (!TAP_EQ_INT(drv->adopt_handle(app->my, &ctl, &c, &err), DUNLIN_OK)) {
		tap_note("%s", err.message);
		return;
	}
	TAP_EQ_INT(drv->lock(c, ".dunlin_migrations", "me", &err), DUNLIN_OK);
	journal("INSERT INTO journal VALUES (1, 0)");
	statement("SET sql_select_limit = 3", DUNLIN_ST_SESSION);
	statement("INSERT INTO journal VALUES (2, 0)", DUNLIN_ST_DML);
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	TAP_EQ_INT(drv->reset_session(c, &err), DUNLIN_OK);
	TAP_EQ_INT(drv->unlock(c, ".dunlin_migrations", &err), DUNLIN_OK);
	drv->close(c);
	TAP_EQ_INT(my_scalar(app, ask, NULL, 0, after, sizeof after, &err), DUNLIN_OK);
	TAP_EQ_STR(after, before);
	TAP_EQ_STR(one("SELECT count(*) FROM journal"), "2");
	drv->close(app);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a window with DDL travels and each step is told", a_window_with_ddl_travels_and_each_step_is_told },
		{ "nothing runs after a failing statement", nothing_runs_after_a_failing_statement },
		{ "a failure rolls its transaction back whole", a_failure_rolls_its_transaction_back_whole },
		{ "rows that were not written stop what follows", rows_that_were_not_written_stop_what_follows },
		{ "a statement that ends the transaction is found out", a_statement_that_ends_the_transaction_is_found_out },
		{ "a lock that was lost stops the journal", a_lock_that_was_lost_stops_the_journal },
		{ "a text that is two statements runs as none", a_text_that_is_two_statements_runs_as_none },
		{ "an error in the second result of a CALL is seen", an_error_in_the_second_result_of_a_call_is_seen },
		{ "warnings are shown with their statement", warnings_are_shown_with_their_statement },
		{ "a reset gives a new session and keeps the lock", a_reset_gives_a_new_session_and_keeps_the_lock },
		{ "nobody gets the lock while it moves to a new session", nobody_gets_the_lock_while_it_moves_to_a_new_session },
		{ "the holder of the lock is named", the_holder_of_the_lock_is_named },
		{ "stopping kills the statement and keeps the line", stopping_kills_the_statement_and_keeps_the_line },
		{ "a killed connection leaves the outcome unknown", a_killed_connection_leaves_the_outcome_unknown },
		{ "an adopted handle is given back as it was", an_adopted_handle_is_given_back_as_it_was },
	};
	int rc;

	fixture_start();
	rc = tap_main("mariadb_driver", tests, sizeof tests / sizeof *tests);
	drop_database();
	return rc;
}
