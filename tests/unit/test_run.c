/*
 * test_run.c - migrations in transactions, from the plan to the ledger: windows,
 * failures, locks, stopping, and what the observer is told.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_fixture.h"

#include <pthread.h>

static const char one[] = "-- dunlin:up\nCREATE TABLE one (x);\n-- dunlin:down\nDROP TABLE one;\n";
static const char two[] = "-- dunlin:up\nCREATE TABLE two (x);\n-- dunlin:down\nDROP TABLE two;\n";
static const char three[] = "-- dunlin:up\nCREATE TABLE three (x);\n-- dunlin:down\nDROP TABLE three;\n";

#define TABLES "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%dunlin%' AND name NOT LIKE 'sqlite_%' ORDER BY name"

static void three_files(void)
{
	file("1.0.0-001-one.sql", one);
	file("1.0.0-002-two.sql", two);
	file("1.0.0-003-three.sql", three);
}

/* Events of the log as the fixture writes those that were told. */
static const char *log_of_run(void)
{
	return ask("SELECT seq || ' ' || event || CASE version WHEN '' THEN '' ELSE ' ' || version END FROM " EVENTS
	           " WHERE run_id = (SELECT run_id FROM " EVENTS " ORDER BY id DESC LIMIT 1) ORDER BY id");
}

/* --- what is recorded and told --------------------------------------------------------- */

static void up_applies_records_and_tells(void)
{
	static const char *const drivers[] = { "mock", "sqlite" };

	for (size_t i = 0; i < 2; i++) {
		begin(drivers[i]);
		script("clock");
		three_files();
		W.n_early = 0;
		TAP_EQ_INT(up(), 0);
		TAP_EQ_STR(ask(TABLES), "one\nthree\ntwo\n");
		TAP_EQ_STR(ask("SELECT component, version, name, kind, state, direction, batch, apply_order, statements_done, "
		               "statements_total, intent, applied_by, tool_version <> '', error_class, error_message FROM " TABLE
		               " ORDER BY apply_order LIMIT 2"),
		           " 1.0.0-001 one versioned applied up 1 1 1 1  me@here 1  \n"
		           " 1.0.0-002 two versioned applied up 1 2 1 1  me@here 1  \n");
		TAP_EQ_STR(W.events, "1 ledger.layout\n2 run.started\n3 migration.started 1.0.0-001\n4 migration.done 1.0.0-001\n"
		                     "5 migration.started 1.0.0-002\n6 migration.done 1.0.0-002\n7 migration.started 1.0.0-003\n"
		                     "8 migration.done 1.0.0-003\n9 run.finished\n");
		TAP_EQ_STR(log_of_run(), W.events);
		TAP_EQ_INT(W.n_early, 0);
		TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 3);
		TAP_EQ_INT(dunlin_last_summary(W.d)->n_applied, 3);
		TAP_EQ_INT(dunlin_last_summary(W.d)->batch, 1);
		TAP_EQ_STR(dunlin_last_summary(W.d)->current, "1.0.0-003");
		TAP_EQ_STR(W.err.message, "");
		CHECK_LEDGER();
		end();
	}
}

static void a_run_with_nothing_to_do_takes_no_lock_and_writes_nothing(void)
{
	begin("mock");
	three_files();
	TAP_EQ_INT(up(), 0);
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	const char *t = trace();
	TAP_OK(*t != '\0');
	TAP_EQ_INT(count(t, "\nlock "), 0);
	TAP_EQ_INT(count(t, "exec_many"), 0);
	TAP_EQ_INT(count(t, "\tledger") + count(t, "\nledger"), 0);
	TAP_EQ_STR(W.events, "");
	TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 0);
	TAP_EQ_INT(dunlin_last_summary(W.d)->n_applied, 3);
	end();
}

static char text_of[320][96], name_of[320][64];

static void many_files(int n)
{
	for (int i = 0; i < n; i++) {
		snprintf(name_of[i], sizeof name_of[i], "1.0.0-%03d-t%d.sql", i + 1, i);
		snprintf(text_of[i], sizeof text_of[i], "CREATE TABLE t%d (x);\n", i);
		file(name_of[i], text_of[i]);
	}
}

static void a_hundred_migrations_cost_a_handful_of_round_trips(void)
{
	int n;

	begin("mock");
	many_files(100);
	W.has_trace = W.is_events_untold = 1;
	TAP_EQ_INT(up(), 0);
	dunlin_free(W.d);
	W.d = NULL;
	n = round_trips(trace());
	tap_note("%d round trips for the first 100", n);
	TAP_OK(n <= 12);
	many_files(200);
	TAP_EQ_INT(up(), 0);
	dunlin_free(W.d);
	W.d = NULL;
	n = round_trips(trace());
	tap_note("%d for the next 100", n);
	TAP_OK(n <= 12);
	TAP_EQ_STR(ask("SELECT count(*), max(batch) FROM " TABLE), "200 2\n");
	end();
}

/* --- windows -------------------------------------------------------------------------------- */

static char large[1600 * 1024];

/* About a megabyte and a half of INSERTs of a kilobyte. */
static void fill_large(void)
{
	char *p = large;

	p += sprintf(p, "CREATE TABLE large (x);\n");
	for (int i = 0; i < 1400; i++) {
		p += sprintf(p, "INSERT INTO large VALUES ('%04d", i);
		memset(p, 'x', 1000);
		p += 1000;
		p += sprintf(p, "');\n");
	}
}

static void a_migration_larger_than_a_window_goes_in_several_and_is_atomic(void)
{
	const char *t;

	begin("mock");
	fill_large();
	file("1.0.0-001-one.sql", one);
	file("1.0.0-002-large.sql", large);
	file("1.0.0-003-three.sql", three);
	W.has_trace = 1;
	W.n_early = 0;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM large"), "1400\n");
	TAP_EQ_STR(ask(TABLES), "large\none\nthree\n");
	t = trace();
	/* one with run.started, large in two, three, run.finished */
	TAP_EQ_INT(count(t, "\nexec_many "), 5);
	TAP_EQ_INT(count(t, "\tbegin"), 5);
	TAP_EQ_INT(count(t, "\tcommit"), 5);
	TAP_EQ_INT(W.n_early, 0);
	TAP_EQ_STR(log_of_run(), W.events);
	TAP_EQ_INT(W.progress.statements_done, 1403);
	TAP_EQ_INT(W.progress.migrations_done, 3);
	TAP_EQ_INT(W.progress.bytes_done, W.progress.bytes_total);
	CHECK_LEDGER();
	end();
}

static void a_large_migration_that_fails_leaves_nothing(void)
{
	begin("mock");
	fill_large();
	strcat(large, "INSERT INTO nosuch VALUES (1);\n");
	file("1.0.0-001-one.sql", one);
	file("1.0.0-002-large.sql", large);
	file("1.0.0-003-three.sql", three);
	W.n_early = 0;
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(ask(TABLES), "one\n");
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n1.0.0-002 failed 0\n");
	TAP_EQ_INT(W.err.line, 1402);
	TAP_EQ_INT(W.err.statements_done, 1401);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_EQ_INT(W.n_early, 0);
	TAP_EQ_STR(log_of_run(), W.events);
	TAP_EQ_INT(W.progress.statements_done, 1); /* what was rolled back counts no more */
	TAP_OK(W.most_statements > 1000);
	CHECK_LEDGER();
	/* once its file is mended it goes on there */
	fill_large();
	file("1.0.0-002-large.sql", large);
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask(TABLES), "large\none\nthree\n");
	CHECK_LEDGER();
	end();
}

/* --- failing ---------------------------------------------------------------------------------- */

static void when_one_of_ten_fails_those_before_it_stand(void)
{
	static const char *const drivers[] = { "mock", "sqlite" };

	for (size_t i = 0; i < 2; i++)
		for (int k = 1; k <= 10; k += i == 0 ? 1 : 4) {
			char want[64];

			begin(drivers[i]);
			many_files(10);
			file(name_of[k - 1], "CREATE TABLE half (x);\nINSERT INTO nosuch VALUES (1);\n");
			W.n_early = 0;
			TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
			TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_SCHEMA);
			TAP_OK(strstr(W.err.message, "nosuch") != NULL);
			snprintf(want, sizeof want, "1.0.0-%03d", k);
			TAP_EQ_STR(W.err.version, want);
			TAP_EQ_INT(W.err.line, 2);
			TAP_OK(strstr(W.err.state, "nothing of this migration was applied") != NULL);
			snprintf(want, sizeof want, "applied %d\nfailed 1\n", k - 1);
			TAP_EQ_STR(ask("SELECT state, count(*) FROM " TABLE " GROUP BY state ORDER BY state"), k > 1 ? want : "failed 1\n");
			TAP_EQ_STR(ask("SELECT error_class, error_message LIKE '%nosuch%', statements_done, statements_total FROM " TABLE
			               " WHERE state = 'failed'"), "SCHEMA 1 0 2\n");
			snprintf(want, sizeof want, "%d\n", k - 1);
			TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE name LIKE 't_'"), want);
			TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE name = 'half'"), "0\n");
			TAP_EQ_STR(log_of_run(), W.events);
			TAP_EQ_INT(count(W.events, "migration.failed"), 1);
			TAP_EQ_INT(count(W.events, "run.finished"), 1);
			TAP_EQ_INT(W.n_early, 0);
			TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, k - 1);
			CHECK_LEDGER();
			many_files(10);
			TAP_EQ_INT(up(), 0);
			TAP_EQ_STR(ask("SELECT state, count(*) FROM " TABLE " GROUP BY state"), "applied 10\n");
			CHECK_LEDGER();
			end();
		}
}

static void an_error_stands_at_its_line_and_column(void)
{
	static const struct { const char *text; uint32_t line, column; const char *statement; } cases[] = {
		{ "SELECT * FROM nosuch;\n", 1, 0, "SELECT * FROM nosuch" },
		{ "CREATE TABLE a (x);\n\n-- why\nINSERT INTO a\n  SELECT 1\n  FROM nosuch;\n", 4, 0, "INSERT INTO a" },
		{ "CREATE TABLE a (x);\nINSERT INTO a\n  VALUES (nosuch);\n", 3, 11, "INSERT INTO a" },
		{ "CREATE TABLE a (x);\r\nINSERT INTO a\r\n  VALUES (nosuch);\r\n", 3, 11, "INSERT INTO a" },
		{ "-- dunlin:up\nCREATE TABLE a (x); INSERT INTO a VALUES (nosuch);\n", 2, 43, "INSERT INTO a VALUES (nosuch)" },
		{ "CREATE TABLE a (x);\nINSERT INTO a VALUES ('\xc3\xa9', nosuch);\n", 2, 28, "INSERT INTO a VALUES ('\xc3\xa9', nosuch)" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin("mock");
		file("1.0.0-001-a.sql", cases[i].text);
		TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
		TAP_EQ_STR(W.err.file, "1.0.0-001-a.sql");
		TAP_EQ_INT(W.err.line, cases[i].line);
		if (cases[i].column)
			TAP_EQ_INT(W.err.column, cases[i].column);
		TAP_EQ_STR(W.err.statement, cases[i].statement);
		end();
	}
}

static void a_record_that_cannot_be_written_is_the_migrations_fault(void)
{
	begin("mock");
	file("1.0.0-001-one.sql", one);
	file("1.0.0-002-bad.sql", "CREATE TABLE bad (x);\nCREATE TRIGGER no BEFORE INSERT ON " TABLE
	     " WHEN NEW.state = 'applied' BEGIN SELECT RAISE(ABORT, 'no'); END;\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_EQ_STR(W.err.message, "no");
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n1.0.0-002 failed 0\n");
	CHECK_LEDGER();
	end();
}

static void a_statement_that_ends_the_transaction_fails_it(void)
{
	begin("mock");
	script("caps=-exec_many");
	file("1.0.0-001-a.sql", "CREATE TABLE a (x);\n-- dunlin:statement-begin\nROLLBACK /* hidden */\n-- dunlin:statement-end\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID); /* the file's reader sees it already */
	end();
}

/* --- locks ---------------------------------------------------------------------------------------- */

static void a_lock_error_is_retried_until_it_works(void)
{
	begin("mock");
	three_files();
	script("fail statement 2-3 class=LOCK retryable message=\"busy here\";"
	       "blocker pid=7 user=app query=\"SELECT 1\" since=2026-01-01T00:00:00Z");
	W.n_early = 0;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n1.0.0-002 applied 1\n1.0.0-003 applied 1\n");
	TAP_EQ_INT(count(W.log, "waiting for a lock: busy here; trying the whole migration again"), 2);
	TAP_EQ_INT(count(W.log, "blocked by pid 7, user app, since 2026-01-01T00:00:00Z: SELECT 1"), 2);
	TAP_EQ_STR(log_of_run(), W.events);
	TAP_EQ_INT(count(W.events, "migration.started 1.0.0-002"), 1); /* those of the tries are gone */
	TAP_EQ_INT(W.n_early, 0);
	TAP_EQ_INT(W.progress.statements_done, 3);
	CHECK_LEDGER();
	end();
}

static void a_lock_that_stays_is_exit_6_within_its_time(void)
{
	int64_t start;

	begin("mock");
	three_files();
	script("fail statement ~two class=LOCK retryable native=5");
	W.lock_retry_ms = 300;
	start = clock_ms();
	TAP_EQ_INT(up(), DUNLIN_EXIT_TIMEOUT);
	start = clock_ms() - start;
	TAP_OK(start >= 200 && start < 2000);
	TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_EQ_STR(W.err.native, "5");
	TAP_EQ_STR(ask("SELECT version, state, error_class FROM " TABLE), "1.0.0-001 applied \n1.0.0-002 failed LOCK\n");
	CHECK_LEDGER();
	/* 0: the database's own, so it is not tried again */
	option("lock-timeout", "0s");
	W.lock_retry_ms = 60000;
	script("fail statement ~two class=LOCK retryable native=5");
	start = clock_ms();
	TAP_EQ_INT(up(), DUNLIN_EXIT_TIMEOUT);
	TAP_OK(clock_ms() - start < 2000);
	end();
}

static void a_lock_on_the_first_record_is_waited_for_too(void)
{
	begin("mock");
	three_files();
	script("fail begin 1 class=LOCK retryable;fail commit 2 class=LOCK retryable");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "3\n");
	CHECK_LEDGER();
	end();
}

static void the_runs_end_is_recorded_although_it_is_locked_for_a_while(void)
{
	begin("mock");
	file("1.0.0-001-one.sql", one);
	/* begin 3 is that of run.finished */
	script("fail begin 3-4 class=LOCK retryable");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE event = 'run.finished'"), "1\n");
	TAP_EQ_INT(count(W.log, "waiting for a lock"), 2);
	CHECK_LEDGER();
	end();
}

/* --- one transaction for all ------------------------------------------------------------------------ */

static void transaction_all_is_all_or_nothing(void)
{
	static const struct { const char *script; int code; const char *tables; } cases[] = {
		{ "", 0, "one\nthree\ntwo\n" },
		{ "fail statement ~three class=SCHEMA", DUNLIN_EXIT_FAILED, "" },
		{ "fail statement ~one class=SCHEMA", DUNLIN_EXIT_FAILED, "" },
		{ "fail commit 2 class=CONSTRAINT", DUNLIN_EXIT_FAILED, "" },
		{ "caps=-exec_many;fail statement ~three class=SCHEMA", DUNLIN_EXIT_FAILED, "" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin("mock");
		three_files();
		script(cases[i].script);
		TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .transaction = DUNLIN_TX_ALL), cases[i].code);
		TAP_EQ_STR(ask(TABLES), cases[i].tables);
		TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, cases[i].code ? 0 : 3);
		if (cases[i].code) {
			TAP_EQ_STR(W.err.state, "nothing of this run was applied");
			TAP_EQ_STR(ask("SELECT state, count(*) FROM " TABLE " GROUP BY 1"), "failed 1\n");
		}
		TAP_EQ_STR(log_of_run(), W.events);
		CHECK_LEDGER();
		end();
	}
}

/* --- files that change ------------------------------------------------------------------------------- */

static char changing[64];

static void change_under_way(const struct dunlin_progress *p)
{
	if (p->statements_done > 10)
		memcpy(changing, "CREATE TABLE too", 16);
}

static void a_file_that_changes_meanwhile_stops_before_it_commits(void)
{
	begin("mock");
	strcpy(changing, "CREATE TABLE two (x);\n");
	file("1.0.0-002-two.sql", changing);
	file("1.0.0-003-three.sql", three);
	W.on_progress = change_under_way;
	fill_large();
	file("1.0.0-001-one.sql", large);
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_OK(strstr(W.err.message, "changed") != NULL);
	TAP_EQ_STR(ask(TABLES), "large\n");
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1401\n1.0.0-002 failed 0\n");
	W.on_progress = NULL;
	CHECK_LEDGER();
	end();
}

static void change_when_told(const char *text)
{
	if (strstr(text, "left nothing"))
		memcpy(changing, "CREATE TABLE too", 16);
}

/* The change falls between the plan and the reading of both. */
static void those_before_a_file_that_changes_still_go(void)
{
	for (int all = 0; all < 2; all++) {
		begin("mock");
		file("1.0.0-000-bad.sql", "SELECT * FROM nosuch;\n");
		TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
		no_file("1.0.0-000-bad.sql"); /* of which a warning tells from now on */
		file("1.0.0-001-one.sql", one);
		strcpy(changing, "CREATE TABLE two (x);\n");
		file("1.0.0-002-two.sql", changing);
		file("1.0.0-003-three.sql", three);
		W.on_log = change_when_told;
		TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .transaction = all ? DUNLIN_TX_ALL : 0), DUNLIN_EXIT_INVALID);
		W.on_log = NULL;
		TAP_EQ_STR(W.err.version, "1.0.0-002");
		TAP_EQ_STR(ask(TABLES), all ? "" : "one\n");
		TAP_EQ_STR(ask("SELECT version, state FROM " TABLE " WHERE version > '1.0.0-000' ORDER BY 1"),
		           all ? "1.0.0-002 failed\n" : "1.0.0-001 applied\n1.0.0-002 failed\n");
		TAP_EQ_STR(log_of_run(), W.events);
		CHECK_LEDGER();
		end();
	}
}

static void a_file_that_changes_meanwhile_undoes_the_transaction_of_all(void)
{
	begin("mock");
	fill_large();
	strcpy(changing, "CREATE TABLE two (x);\n");
	file("1.0.0-001-large.sql", large);
	file("1.0.0-002-two.sql", changing);
	W.on_progress = change_under_way;
	TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .transaction = DUNLIN_TX_ALL), DUNLIN_EXIT_INVALID);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_EQ_STR(ask(TABLES), "");
	TAP_EQ_STR(ask(STATES), "1.0.0-002 failed 0\n");
	TAP_EQ_STR(log_of_run(), W.events);
	W.on_progress = NULL;
	CHECK_LEDGER();
	end();
}

/* --- back ------------------------------------------------------------------------------------------------ */

static void a_rollback_is_one_transaction_where_it_can_be(void)
{
	begin("mock");
	three_files();
	TAP_EQ_INT(up(), 0);
	script("fail statement ~one class=DEPENDENCY");
	TAP_EQ_INT(rollback(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(W.err.state, "nothing of this run was reverted");
	TAP_EQ_STR(W.err.version, "1.0.0-001");
	TAP_EQ_STR(ask(TABLES), "one\nthree\ntwo\n");
	TAP_EQ_STR(ask("SELECT version, state, error_class FROM " TABLE " ORDER BY version"),
	           "1.0.0-001 applied DEPENDENCY\n1.0.0-002 applied \n1.0.0-003 applied \n");
	TAP_EQ_STR(log_of_run(), W.events);
	TAP_EQ_INT(count(W.events, "revert.failed 1.0.0-001"), 1);
	CHECK_LEDGER();
	script("");
	W.n_early = 0;
	TAP_EQ_INT(rollback(), 0);
	TAP_EQ_STR(W.events, "1 run.started\n2 revert.started 1.0.0-003\n3 migration.reverted 1.0.0-003\n4 revert.started 1.0.0-002\n"
	                     "5 migration.reverted 1.0.0-002\n6 revert.started 1.0.0-001\n7 migration.reverted 1.0.0-001\n8 run.finished\n");
	TAP_EQ_INT(W.n_early, 0);
	TAP_EQ_STR(ask(TABLES), "");
	TAP_EQ_STR(ask(STATES), "");
	CHECK_LEDGER();
	end();
}

/* --- lines at the edge --------------------------------------------------------------------------------------- */

static void what_has_no_effect_in_a_transaction_runs_around_it(void)
{
	const char *t;

	begin("mock");
	file("1.0.0-001-a.sql", "PRAGMA foreign_keys = off;\nCREATE TABLE a (x);\nPRAGMA foreign_keys = on;\n");
	file("1.0.0-002-b.sql", "BEGIN EXCLUSIVE;\nCREATE TABLE b (x);\nCOMMIT;\n");
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	t = trace();
	const char *off = strstr(t, "foreign_keys = off"), *create = strstr(t, "CREATE TABLE a"), *on = strstr(t, "foreign_keys = on");
	TAP_OK(off && create && on && off < create && create < on);
	if (off && create && on) {
		/* one begins between the first and the statement, and commits before the last */
		TAP_OK(memmem(off, (size_t)(create - off), "\tbegin", 6) != NULL);
		TAP_OK(memmem(create, (size_t)(on - create), "\tcommit", 7) != NULL);
	}
	TAP_OK(strstr(t, "\tbegin BEGIN EXCLUSIVE") != NULL);
	TAP_EQ_INT(count(t, "statement COMMIT"), 0);
	TAP_EQ_STR(ask("SELECT version, statements_total FROM " TABLE " ORDER BY 1"), "1.0.0-001 3\n1.0.0-002 1\n");
	end();
}

static void a_failing_line_at_the_end_leaves_the_migration_applied(void)
{
	begin("mock");
	file("1.0.0-001-a.sql", "CREATE TABLE a (x);\nPRAGMA foreign_keys = on;\n");
	file("1.0.0-002-two.sql", two);
	script("fail statement ~PRAGMA class=PERMISSION");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(W.err.version, "1.0.0-001");
	TAP_EQ_INT(W.err.line, 2);
	TAP_EQ_STR(W.err.state, "this migration is applied; a statement that follows its transaction failed");
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 2\n");
	TAP_EQ_INT(count(W.log, "could not be recorded"), 0);
	TAP_EQ_STR(log_of_run(), W.events);
	CHECK_LEDGER();
	script("");
	TAP_EQ_INT(up(), 0);
	end();
}

static void a_session_setting_reaches_no_other_migration(void)
{
	begin("mock");
	file("1.0.0-001-a.sql", "SET role = x;\nCREATE TABLE a AS SELECT count(*) AS n FROM temp.mock_setting;\n");
	file("1.0.0-002-b.sql", "CREATE TABLE b AS SELECT count(*) AS n FROM temp.mock_setting;\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT a.n, b.n FROM a, b"), "1 0\n");
	end();
	/* and without the fast path */
	begin("mock");
	script("caps=-exec_many");
	file("1.0.0-001-a.sql", "SET role = x;\nCREATE TABLE a AS SELECT count(*) AS n FROM temp.mock_setting;\n");
	file("1.0.0-002-b.sql", "CREATE TABLE b AS SELECT count(*) AS n FROM temp.mock_setting;\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT a.n, b.n FROM a, b"), "1 0\n");
	end();
}

/* --- stopping ---------------------------------------------------------------------------------------------------- */

static int cancel_now;

static void cancel_at_once(const struct dunlin_progress *p)
{
	if (p->statements_done >= 1)
		dunlin_cancel(W.d, cancel_now);
}

static void cancel_1_lets_what_was_sent_end(void)
{
	begin("mock");
	fill_large();
	file("1.0.0-001-one.sql", one);
	file("1.0.0-002-large.sql", large);
	file("1.0.0-003-three.sql", three);
	cancel_now = 0;
	W.on_progress = cancel_at_once; /* when the first has been done */
	W.n_early = 0;
	TAP_EQ_INT(up(), DUNLIN_EXIT_STOPPED);
	TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_INTERRUPTED);
	TAP_EQ_STR(W.err.state, "1 of 3 migrations of this run are done; none is half done");
	TAP_EQ_STR(ask(TABLES), "one\n");
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n");
	TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE event = 'run.finished' AND detail LIKE '%INTERRUPTED%'"), "1\n");
	TAP_EQ_STR(log_of_run(), W.events);
	TAP_EQ_INT(W.n_early, 0);
	W.on_progress = NULL;
	CHECK_LEDGER();
	TAP_EQ_INT(up(), 0);
	end();
}

static void cancel_1_within_a_large_migration_lets_it_end(void)
{
	begin("mock");
	fill_large();
	file("1.0.0-001-large.sql", large);
	file("1.0.0-002-two.sql", two);
	cancel_now = 0;
	W.on_progress = cancel_at_once;
	TAP_EQ_INT(up(), DUNLIN_EXIT_STOPPED);
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1401\n");
	TAP_EQ_STR(W.err.state, "1 of 2 migrations of this run are done; none is half done");
	TAP_EQ_INT(W.most_sent, 1);
	W.on_progress = NULL;
	CHECK_LEDGER();
	end();
}

static void *cancel_later(void *arg)
{
	struct timespec t = { 0, 150 * 1000000 };

	nanosleep(&t, NULL);
	dunlin_cancel(arg, 1);
	return NULL;
}

/* up() with a thread that cancels it after 150 ms. */
static int up_and_cancel(void)
{
	pthread_t thread = pthread_self();
	int rc;

	if (!handle() || pthread_create(&thread, NULL, cancel_later, W.d) != 0)
		tree_die("cannot start", "a thread");
	rc = dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) == 0 ? 0 : W.err.code;
	pthread_join(thread, NULL);
	return rc;
}

static void cancel_2_stops_the_running_statement(void)
{
	int64_t start;

	begin("mock");
	three_files();
	script("slow statement ~two ms=20000");
	start = clock_ms();
	TAP_EQ_INT(up_and_cancel(), DUNLIN_EXIT_STOPPED);
	TAP_OK(clock_ms() - start < 5000);
	TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_INTERRUPTED);
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n");
	TAP_EQ_STR(ask(TABLES), "one\n");
	TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE event = 'run.finished' AND detail LIKE '%INTERRUPTED%'"), "1\n");
	CHECK_LEDGER();
	end();
}

static void the_timeout_is_an_error_of_its_own(void)
{
	static const char *const drivers[] = { "mock", "sqlite" };
	int64_t start;

	for (size_t i = 0; i < 2; i++) {
		begin(drivers[i]);
		three_files();
		file("1.0.0-002-two.sql", "CREATE TABLE two AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
		     "SELECT x FROM c WHERE x < 0;\n");
		option("timeout", "300ms");
		start = clock_ms();
		TAP_EQ_INT(up(), DUNLIN_EXIT_TIMEOUT);
		TAP_OK(clock_ms() - start < 5000);
		TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_TIMEOUT);
		TAP_EQ_STR(W.err.version, "1.0.0-002");
		TAP_EQ_STR(ask("SELECT version, state, error_class FROM " TABLE " ORDER BY 1"), "1.0.0-001 applied \n1.0.0-002 failed TIMEOUT\n");
		TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE event = 'run.finished' AND detail LIKE '%TIMEOUT%'"), "1\n");
		TAP_EQ_STR(log_of_run(), W.events);
		option("timeout", "60s");
		CHECK_LEDGER();
		end();
	}
}

/* --- other capabilities --------------------------------------------------------------------------------------------- */

static void without_exec_many_it_is_the_same_run(void)
{
	begin("mock");
	script("caps=-exec_many;clock");
	three_files();
	file("1.0.0-002-two.sql", "CREATE TABLE two (x);\nINSERT INTO two VALUES (1), (2);\n");
	W.n_early = 0;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask(TABLES), "one\nthree\ntwo\n");
	TAP_EQ_STR(log_of_run(), W.events);
	TAP_EQ_INT(W.n_early, 0);
	TAP_EQ_INT(W.progress.migrations_done, 3);
	TAP_EQ_INT(W.progress.statements_done, 4);
	CHECK_LEDGER();
	script("caps=-exec_many;fail statement 2 class=DEPENDENCY");
	TAP_EQ_INT(RUN(.op = DUNLIN_OP_DOWN, .count = 1), 0);
	TAP_EQ_INT(RUN(.op = DUNLIN_OP_DOWN, .count = 1, .force = 1), 0); /* it has no down */
	TAP_EQ_STR(ask(TABLES), "one\ntwo\n");
	TAP_EQ_INT(RUN(.op = DUNLIN_OP_DOWN, .count = 1), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(ask(TABLES), "one\ntwo\n");
	CHECK_LEDGER();
	end();

	begin("mock");
	script("caps=-exec_many");
	three_files();
	file("1.0.0-003-three.sql", "CREATE TABLE three (x);\nINSERT INTO nosuch VALUES (1);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(ask(TABLES), "one\ntwo\n");
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n1.0.0-002 applied 1\n1.0.0-003 failed 0\n");
	CHECK_LEDGER();
	end();
}

static void without_transactional_ddl_it_goes_statement_by_statement(void)
{
	static const char *const caps[] = { "caps=-tx_ddl,+ddl_commits", "caps=-tx_ddl,+ddl_commits,-exec_many" };

	for (size_t i = 0; i < 2; i++) {
		begin("mock");
		script(caps[i]);
		file("1.0.0-001-one.sql", one);
		file("1.0.0-002-data.sql", "INSERT INTO one VALUES (1);\nINSERT INTO one VALUES (2);\n");
		file("1.0.0-003-bad.sql", "CREATE TABLE three (x);\nINSERT INTO three VALUES (1);\nINSERT INTO nosuch VALUES (1);\n");
		W.n_early = 0;
		TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
		TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n1.0.0-002 applied 2\n1.0.0-003 failed 2\n");
		TAP_EQ_STR(ask("SELECT count(*) FROM three"), "1\n");
		TAP_EQ_STR(W.err.state, "statements 1\xe2\x80\x93" "2 of 3 are applied");
		TAP_EQ_INT(W.err.line, 3);
		TAP_EQ_INT(W.n_early, 0);
		TAP_EQ_STR(log_of_run(), W.events);
		CHECK_LEDGER();
		/* a data migration alone is still atomic */
		file("1.0.0-003-bad.sql", "CREATE TABLE three (x);\nINSERT INTO three VALUES (1);\nINSERT INTO one VALUES (3);\n");
		file("1.0.0-004-data.sql", "INSERT INTO one VALUES (4);\nINSERT INTO nosuch VALUES (5);\n");
		TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
		TAP_EQ_STR(ask("SELECT x FROM one"), "1\n2\n3\n");
		TAP_EQ_STR(ask("SELECT count(*) FROM three"), "1\n");
		TAP_EQ_STR(ask("SELECT state, statements_done FROM " TABLE " ORDER BY version"), "applied 1\napplied 2\napplied 3\nfailed 0\n");
		CHECK_LEDGER();
		end();
	}
}

static void without_transactions_each_record_stands_alone(void)
{
	begin("mock");
	script("caps=-tx,-tx_ddl");
	three_files();
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask(STATES), "1.0.0-001 applied 1\n1.0.0-002 applied 1\n1.0.0-003 applied 1\n");
	CHECK_LEDGER();
	TAP_EQ_INT(rollback(), 0);
	TAP_EQ_STR(ask(TABLES), "");
	CHECK_LEDGER();
	end();
}

/* --- hooks and plans ---------------------------------------------------------------------------------------------------- */

static const char *contents(const char *path)
{
	static char text[1 << 18];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return f ? text : "(none)";
}

/* A handle that reads dunlin.ini of the folder. */
static int up_with_hooks(void)
{
	setenv("DUNLIN_URL", "postgresql://me:secret@there/db", 1);
	setenv("PGPASSWORD", "secret", 1);
	if (!handle() || dunlin_configure(W.d, &W.err) < 0)
		return W.err.code;
	return dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) == 0 ? 0 : W.err.code;
}

static void hooks_run_around_and_know_no_password(void)
{
	begin("sqlite");
	three_files();
	tree_write("dunlin.ini", "[hooks]\nbefore-up = env > before\nafter-up = env > after; exit 3\non-failure = env > failure\n");
	TAP_EQ_INT(up_with_hooks(), 0); /* what a hook afterwards says is only told */
	TAP_EQ_INT(count(W.log, "hook 'after-up' failed with exit status 3"), 1);
	TAP_OK(strstr(contents("before"), "DUNLIN_COUNT=3") != NULL);
	TAP_OK(strstr(contents("before"), "DUNLIN_DRIVER=sqlite") != NULL);
	TAP_OK(strstr(contents("before"), "secret") == NULL);
	TAP_OK(strstr(contents("after"), "DUNLIN_COUNT=3") != NULL);
	TAP_OK(strstr(contents("after"), "DUNLIN_BATCH=1") != NULL);
	TAP_EQ_STR(contents("failure"), "(none)");
	unlink("before");
	unlink("after");
	TAP_EQ_INT(up_with_hooks(), 0); /* nothing to do */
	TAP_EQ_STR(contents("before"), "(none)");
	TAP_EQ_STR(contents("after"), "(none)");
	file("1.0.0-004-bad.sql", "SELECT * FROM nosuch;\n");
	TAP_EQ_INT(up_with_hooks(), DUNLIN_EXIT_FAILED);
	TAP_OK(strstr(contents("failure"), "DUNLIN_ERROR=no such table: nosuch") != NULL);
	TAP_EQ_STR(contents("after"), "(none)");
	end();
}

static void a_failing_hook_before_stops_before_anything_is_touched(void)
{
	struct stat st;

	begin("sqlite");
	three_files();
	tree_write("dunlin.ini", "[hooks]\nbefore-up = exit 1\non-failure = env > failure\n");
	TAP_EQ_INT(up_with_hooks(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(W.err.message, "hook 'before-up' failed with exit status 1");
	TAP_EQ_INT(stat(W.path, &st), -1);
	TAP_EQ_STR(W.events, "");
	end();
	begin("mock");
	three_files();
	tree_write("dunlin.ini", "[hooks]\nbefore-up = exit 1\n");
	W.has_trace = 1;
	TAP_EQ_INT(up_with_hooks(), DUNLIN_EXIT_FAILED);
	const char *t = trace();
	TAP_EQ_INT(count(t, "exec_many") + count(t, "\nlock "), 0);
	end();
	unsetenv("DUNLIN_URL");
	unsetenv("PGPASSWORD");
}

static void a_plan_that_is_not_the_same_any_more_is_refused(void)
{
	struct dunlin_plan *p = NULL;
	char digest[128];
	const struct dunlin_request req = { .op = DUNLIN_OP_UP };

	begin("mock");
	three_files();
	if (!TAP_OK(handle() && dunlin_plan(W.d, &req, &p, &W.err) == 0))
		return;
	snprintf(digest, sizeof digest, "%s", dunlin_plan_digest(p));
	dunlin_plan_free(p);
	file("1.0.0-004-late.sql", "CREATE TABLE late (x);\n");
	TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .digest = digest), DUNLIN_EXIT_INVALID);
	TAP_EQ_STR(ask(TABLES), "");
	TAP_EQ_STR(W.err.state, "nothing was changed");
	no_file("1.0.0-004-late.sql");
	TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .digest = digest), 0);
	TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .digest = digest), DUNLIN_EXIT_INVALID); /* it is done */
	end();
}

static void copy_data_travels_with_its_statement(void)
{
	begin("mock");
	file("1.0.0-001-a.sql", "CREATE TABLE a (x, y);\nCOPY a (x, y) FROM stdin;\n1\tone\n2\t\\N\n\\.\nINSERT INTO a VALUES (3, 'three');\n");
	file("1.0.0-002-b.sql", "-- dunlin:no-transaction\nCREATE TABLE b (x, y);\nCOPY b (x, y) FROM stdin;\n1\tone\n2\t\\N\n\\.\nVACUUM;\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x, y FROM a"), "1 one\n2 NULL\n3 three\n");
	TAP_EQ_STR(ask("SELECT x, y FROM b"), "1 one\n2 NULL\n");
	CHECK_LEDGER();
	end();
}

int main(void)
{
#define T(f) { #f, f }
	static const struct tap_test tests[] = {
		T(up_applies_records_and_tells),
		T(a_run_with_nothing_to_do_takes_no_lock_and_writes_nothing),
		T(a_hundred_migrations_cost_a_handful_of_round_trips),
		T(a_migration_larger_than_a_window_goes_in_several_and_is_atomic),
		T(a_large_migration_that_fails_leaves_nothing),
		T(when_one_of_ten_fails_those_before_it_stand),
		T(an_error_stands_at_its_line_and_column),
		T(a_record_that_cannot_be_written_is_the_migrations_fault),
		T(a_statement_that_ends_the_transaction_fails_it),
		T(a_lock_error_is_retried_until_it_works),
		T(a_lock_that_stays_is_exit_6_within_its_time),
		T(a_lock_on_the_first_record_is_waited_for_too),
		T(the_runs_end_is_recorded_although_it_is_locked_for_a_while),
		T(transaction_all_is_all_or_nothing),
		T(a_file_that_changes_meanwhile_stops_before_it_commits),
		T(those_before_a_file_that_changes_still_go),
		T(a_file_that_changes_meanwhile_undoes_the_transaction_of_all),
		T(a_rollback_is_one_transaction_where_it_can_be),
		T(what_has_no_effect_in_a_transaction_runs_around_it),
		T(a_failing_line_at_the_end_leaves_the_migration_applied),
		T(a_session_setting_reaches_no_other_migration),
		T(cancel_1_lets_what_was_sent_end),
		T(cancel_1_within_a_large_migration_lets_it_end),
		T(cancel_2_stops_the_running_statement),
		T(the_timeout_is_an_error_of_its_own),
		T(without_exec_many_it_is_the_same_run),
		T(without_transactional_ddl_it_goes_statement_by_statement),
		T(without_transactions_each_record_stands_alone),
		T(hooks_run_around_and_know_no_password),
		T(a_failing_hook_before_stops_before_anything_is_touched),
		T(a_plan_that_is_not_the_same_any_more_is_refused),
		T(copy_data_travels_with_its_statement),
	};

	return run_main("run", tests, sizeof tests / sizeof *tests);
}
