/*
 * test_sqlite_session.c - what a migration may not do to the SQLite driver's
 * connection, and what is undone behind it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sqlite_fixture.h"

/* --- guards ----------------------------------------------------------------------------------------- */

static void the_guard_refuses_what_would_break_the_transaction(void)
{
	static const struct { const char *sql, *message; } cases[] = {
		{ "COMMIT", "the file's own 'COMMIT' would interfere with dunlin's transaction" },
		{ "END", "the file's own 'COMMIT' would interfere with dunlin's transaction" },
		{ "ROLLBACK", "the file's own 'ROLLBACK' would interfere with dunlin's transaction" },
		{ "BEGIN", "the file's own 'BEGIN' would interfere with dunlin's transaction" },
		{ "RELEASE DUNLIN_GUARD", "savepoint 'DUNLIN_GUARD' is dunlin's own" },
		{ "ROLLBACK TO dunlin_guard", "savepoint 'dunlin_guard' is dunlin's own" },
		{ "ATTACH ':memory:' AS x", "'ATTACH' is not possible inside a transaction" },
		{ "DETACH x", "'DETACH' is not possible inside a transaction" },
		{ "PRAGMA foreign_keys = off", "'PRAGMA foreign_keys' has no effect inside a transaction" },
		{ "PRAGMA journal_mode(wal)", "'PRAGMA journal_mode' has no effect inside a transaction" },
		{ "PRAGMA temp_store_directory = '/'", "'PRAGMA temp_store_directory' would change the whole process" },
		{ "SELECT load_extension('x')", "'load_extension()' is not available to migrations" },
	};
	size_t i;

	enter();
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		add(DUNLIN_STEP_BEGIN, NULL);
		add(DUNLIN_STEP_STATEMENT, cases[i].sql);
		add(DUNLIN_STEP_COMMIT, NULL);
		TAP_EQ_INT(run(c), DUNLIN_ERROR);
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	}
	TAP_EQ_INT(exec(c, DUNLIN_STEP_LEDGER, "INSERT INTO nosuch VALUES (1)"), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "no such table: nosuch"); /* and not what was refused before */
	migration("SAVEPOINT mine", "CREATE TABLE a (x)", "ROLLBACK TO mine");
	migration("SAVEPOINT left_open", "PRAGMA foreign_keys", NULL);
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT group_concat(name) FROM sqlite_master"), "ledger");
	leave();
}

static void nul_bytes_are_refused(void)
{
	enter();
	add(DUNLIN_STEP_STATEMENT, "SELECT 1;;")->sql = "SELECT 1\0;";
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_SYNTAX);
	TAP_EQ_INT(drv->query(c, "SELECT 1\0;", 10, NULL, 0, take_value, NULL, &err), DUNLIN_ERROR);
	leave();
}

/* --- the session --------------------------------------------------------------------------------------- */

static const char *const settings[] = {
	"PRAGMA query_only = on", "PRAGMA ignore_check_constraints = on", "PRAGMA recursive_triggers = off",
	"PRAGMA writable_schema = on", "PRAGMA locking_mode = exclusive", "PRAGMA max_page_count = 10",
	"PRAGMA defer_foreign_keys = on", "PRAGMA case_sensitive_like = on", "PRAGMA busy_timeout = 1",
	"PRAGMA legacy_alter_table = on", "PRAGMA trusted_schema = off", "PRAGMA cache_size = 3",
	"PRAGMA secure_delete = fast", "CREATE TEMP TABLE ledger (version, ms)", "CREATE TEMP VIEW v AS SELECT 1",
	"CREATE TEMP TRIGGER tr BEFORE INSERT ON main.ledger BEGIN SELECT RAISE(ABORT, 'no'); END",
	"CREATE TABLE temp.other (a)",
};

static void settings_reach_neither_the_ledger_nor_the_next_migration(void)
{
	static const char all[] =
		"SELECT group_concat(v, ',') FROM (SELECT query_only AS v FROM pragma_query_only"
		" UNION ALL SELECT * FROM pragma_ignore_check_constraints UNION ALL SELECT * FROM pragma_recursive_triggers"
		" UNION ALL SELECT * FROM pragma_writable_schema UNION ALL SELECT 'a' LIKE 'A'"
		" UNION ALL SELECT * FROM pragma_legacy_alter_table UNION ALL SELECT * FROM pragma_trusted_schema"
		" UNION ALL SELECT * FROM pragma_cache_size UNION ALL SELECT * FROM pragma_defer_foreign_keys"
		" UNION ALL SELECT * FROM pragma_locking_mode UNION ALL SELECT * FROM pragma_secure_delete"
		" UNION ALL SELECT * FROM pragma_max_page_count"
		" UNION ALL SELECT count(*) FROM sqlite_temp_master)";
	char before[256];
	size_t i;
	int is_memory;

	for (is_memory = 0; is_memory < 2; is_memory++) {
		for (i = 0; i < sizeof settings / sizeof *settings; i++) {
			tree_enter();
			c = open_db(is_memory ? ":memory:" : "t.db");
			MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
			snprintf(before, sizeof before, "%s", ask(c, all));
			migration("CREATE TABLE one (x)", settings[i], NULL);
			migration("CREATE TABLE two (x)", NULL, NULL);
			MUST(run(c));
			if (!TAP_EQ_STR(ask(c, all), before))
				tap_note("%s", settings[i]);
			TAP_EQ_STR(ask(c, "SELECT count(*) FROM main.ledger"), "2");
			/* and after one that fails */
			migration(settings[i], "boom", NULL);
			TAP_EQ_INT(run(c), DUNLIN_ERROR);
			if (!TAP_EQ_STR(ask(c, all), before))
				tap_note("failed: %s", settings[i]);
			migration("CREATE TABLE three (x)", NULL, NULL);
			MUST(run(c));
			leave();
		}
	}
}

/* Its progress is written by transactions of their own, without SEAL. */
static void a_migration_outside_a_transaction_keeps_its_session_to_its_end(void)
{
	int is_memory;

	for (is_memory = 0; is_memory < 2; is_memory++) {
		tree_enter();
		c = open_db(is_memory ? ":memory:" : "t.db");
		MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
		MUST(drv->lock(c, "k", "me", &err));
		add(DUNLIN_STEP_STATEMENT, "CREATE TEMP TABLE mine (a)");
		add(DUNLIN_STEP_STATEMENT, "ATTACH ':memory:' AS other");
		add(DUNLIN_STEP_STATEMENT, "PRAGMA query_only = on");
		MUST(run(c));
		add(DUNLIN_STEP_BEGIN, NULL);
		add(DUNLIN_STEP_LEDGER, "INSERT INTO main.ledger VALUES (1, 0)");
		add(DUNLIN_STEP_COMMIT, NULL);
		MUST(run(c));
		add(DUNLIN_STEP_STATEMENT, "INSERT INTO mine VALUES (1)");
		add(DUNLIN_STEP_STATEMENT, "CREATE TABLE other.x (a)");
		MUST(run(c));
		MUST(drv->reset_session(c, &err));
		TAP_EQ_STR(ask(c, "SELECT count(*) FROM sqlite_temp_master"), "0");
		TAP_EQ_STR(ask(c, "SELECT group_concat(name) FROM pragma_database_list WHERE name <> 'temp'"), "main");
		TAP_EQ_STR(ask(c, "SELECT count(*) FROM main.ledger"), "1");
		MUST(drv->unlock(c, "k", &err));
		leave();
	}
}

static void settings_do_not_spoil_what_has_to_run_again(void)
{
	enter();
	migration("CREATE TABLE u (a UNIQUE CHECK (a < 5))", "INSERT OR IGNORE INTO u VALUES (1), (9)", NULL);
	migration("PRAGMA ignore_check_constraints = on", "INSERT OR ROLLBACK INTO u VALUES (1)", NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 6);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "1");
	TAP_EQ_STR(peek("t.db", "SELECT group_concat(a) FROM u"), "1");
	leave();
}

static void a_wrong_hand_in_the_schema_fails_before_the_commit(void)
{
	int is_memory;

	for (is_memory = 0; is_memory < 2; is_memory++) {
		tree_enter();
		c = open_db(is_memory ? ":memory:" : "t.db");
		MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
		migration("CREATE TABLE good (a)", NULL, NULL);
		migration("PRAGMA writable_schema = on", "UPDATE sqlite_master SET sql = 'CREATE TABLE good (' WHERE name = 'good'",
		          NULL);
		TAP_EQ_INT(run(c), DUNLIN_ERROR);
		tap_note("%s", err.message);
		TAP_EQ_INT(res.n_durable, 5);
		migration("PRAGMA writable_schema = on",
		          "UPDATE sqlite_master SET sql = 'CREATE TABLE good (a, b DEFAULT 5)' WHERE name = 'good'", NULL);
		migration("INSERT INTO good (a) VALUES (1)", NULL, NULL);
		MUST(run(c));
		TAP_EQ_STR(ask(c, "SELECT b FROM good"), "5");
		leave();
	}
}

static void the_clock_starts_at_begin_and_stops_at_seal(void)
{
	enter();
	add(DUNLIN_STEP_BEGIN, NULL);
	MUST(run(c));
	sleep_ms(30);
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x)");
	add(DUNLIN_STEP_SEAL, NULL);
	MUST(run(c));
	sleep_ms(300);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (1, dunlin_elapsed_ms())");
	add(DUNLIN_STEP_COMMIT, NULL);
	MUST(run(c));
	TAP_EQ_STR(ask(c, "SELECT ms BETWEEN 30 AND 250 FROM ledger"), "1");
	/* No view of the database may call it. */
	TAP_EQ_INT(exec(c, DUNLIN_STEP_STATEMENT, "CREATE VIEW v AS SELECT dunlin_elapsed_ms() AS x"), DUNLIN_OK);
	TAP_EQ_STR(ask(c, "SELECT * FROM v"), "error: unsafe use of dunlin_elapsed_ms()");
	leave();
}

/* --- the application's own handle -------------------------------------------------------------------------- */

static void an_adopted_handle_gets_its_settings_back_and_stays_open(void)
{
	sqlite3 *db;

	tree_enter();
	sqlite3_open("t.db", &db);
	sqlite3_busy_timeout(db, 1234);
	sqlite3_exec(db, "PRAGMA foreign_keys = on; PRAGMA cache_size = 77; CREATE TEMP TABLE mine (a); ATTACH ':memory:' AS app",
	             NULL, NULL, NULL);
	MUST(drv->adopt_handle(db, &ctl, &c, &err));
	MUST(drv->lock(c, "k", "me", &err));
	TAP_EQ_INT(access("t.db-dunlin.lock", F_OK), 0);
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
	migration("CREATE TABLE a (x)", "PRAGMA cache_size = 5", "CREATE TEMP TABLE theirs (a)");
	add(DUNLIN_STEP_STATEMENT, "ATTACH ':memory:' AS file");
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = off");
	MUST(run(c));
	MUST(drv->unlock(c, "k", &err));
	drv->close(c);
	MUST(drv->adopt_handle(db, &ctl, &c, &err));
	TAP_EQ_STR(ask(c, "SELECT group_concat(name) FROM pragma_database_list"), "main,temp,app");
	TAP_EQ_STR(ask(c, "SELECT group_concat(name) FROM sqlite_temp_master"), "mine");
	TAP_EQ_STR(ask(c, "PRAGMA cache_size"), "77");
	TAP_EQ_STR(ask(c, "PRAGMA foreign_keys"), "1");
	drv->close(c);
	TAP_EQ_INT(sqlite3_exec(db, "SELECT dunlin_elapsed_ms()", NULL, NULL, NULL), SQLITE_ERROR);
	{
		sqlite3_stmt *st;

		sqlite3_prepare_v2(db, "PRAGMA busy_timeout", -1, &st, NULL);
		sqlite3_step(st);
		TAP_EQ_INT(sqlite3_column_int(st, 0), 1234);
		sqlite3_finalize(st);
	}
	sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	TAP_EQ_INT(drv->adopt_handle(db, &ctl, &c, &err), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "the handle is inside a transaction");
	TAP_EQ_INT(sqlite3_close(db), SQLITE_OK);
	tree_leave();
	TAP_EQ_INT(n_live, 0);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "the guard refuses what would break the transaction", the_guard_refuses_what_would_break_the_transaction },
		{ "NUL bytes are refused", nul_bytes_are_refused },
		{ "settings reach neither the ledger nor the next migration",
		  settings_reach_neither_the_ledger_nor_the_next_migration },
		{ "a migration outside a transaction keeps its session to its end",
		  a_migration_outside_a_transaction_keeps_its_session_to_its_end },
		{ "settings do not spoil what has to run again", settings_do_not_spoil_what_has_to_run_again },
		{ "a wrong hand in the schema fails before the commit", a_wrong_hand_in_the_schema_fails_before_the_commit },
		{ "the clock starts at BEGIN and stops at SEAL", the_clock_starts_at_begin_and_stops_at_seal },
		{ "an adopted handle gets its settings back and stays open",
		  an_adopted_handle_gets_its_settings_back_and_stays_open },
	};

	fixture_start();
	return tap_main("sqlite_session", tests, sizeof tests / sizeof *tests);
}
