/*
 * test_sqlite_driver.c - opening, steps and groups of the SQLite driver, when
 * nothing but the files' own mistakes goes wrong.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sqlite_fixture.h"

/* --- open ------------------------------------------------------------------------- */

static void open_refuses_a_file_that_is_not_there(void)
{
	tree_enter();
	TAP_EQ_INT(try_open(&c, "none.db", NULL), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_STR(err.message, "no such database file 'none.db'");
	TAP_OK(strstr(err.hint, "dunlin create") != NULL);
	TAP_OK(c == NULL);
	TAP_EQ_INT(access("none.db", F_OK), -1);
	TAP_EQ_INT(try_open(&c, "none.db", "create", "1", "mode", "rw", NULL), DUNLIN_ERROR);
	TAP_EQ_INT(try_open(&c, "folder/none.db", "create", "1", NULL), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "cannot open the folder 'folder': No such file or directory");
	TAP_EQ_INT(access("none.db", F_OK), -1);
	tree_leave();
	TAP_EQ_INT(n_live, 0);
}

static void open_creates_a_file_only_when_told(void)
{
	tree_enter();
	MUST(try_open(&c, "new.db", "create", "1", NULL));
	TAP_EQ_INT(access("new.db", F_OK), 0);
	drv->close(c);
	MUST(try_open(&c, "new.db", NULL));
	drv->close(c);
	tree_leave();
}

static void open_refuses_what_is_no_database(void)
{
	tree_enter();
	tree_write("text.db", "this is not a database, but long enough to look like a file\n"
	                      "this is not a database, but long enough to look like a file\n");
	TAP_EQ_INT(try_open(&c, "text.db", "create", "1", NULL), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_INT(err.native, SQLITE_NOTADB);
	mkdir("folder", 0700);
	TAP_EQ_INT(try_open(&c, "folder", NULL), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "'folder' is not a file");
	tree_leave();
}

static void open_checks_every_parameter(void)
{
	static const struct { const char *key, *value, *message; } cases[] = {
		{ "journal_mode", "fast",  "'fast' is not a value of the URL parameter 'journal_mode'" },
		{ "synchronous",  "maybe", "'maybe' is not a value of the URL parameter 'synchronous'" },
		{ "mode",         "r",     "'r' is not a value of the URL parameter 'mode'" },
		{ "foreign_keys", "2",     "'2' is not a value of the URL parameter 'foreign_keys'" },
		{ "cache",        "none",  "'none' is not a value of the URL parameter 'cache'" },
		{ "busy_timeout", "5s",    "'5s' is not a number of milliseconds for 'busy_timeout'" },
		{ "vfs",          "nosuch", "no such vfs 'nosuch'" },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		TAP_EQ_INT(try_open(&c, ":memory:", cases[i].key, cases[i].value, NULL), DUNLIN_ERROR);
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_OK(c == NULL);
	}
	TAP_EQ_INT(n_live, 0);
}

static void parameters_reach_the_connection(void)
{
	tree_enter();
	MUST(try_open(&c, "p.db", "create", "1", "journal_mode", "wal", "synchronous", "normal", "foreign_keys", "on", NULL));
	TAP_EQ_STR(ask(c, "PRAGMA journal_mode"), "wal");
	TAP_EQ_STR(ask(c, "PRAGMA synchronous"), "1");
	TAP_EQ_STR(ask(c, "PRAGMA foreign_keys"), "1");
	drv->close(c);
	MUST(try_open(&c, "p.db", NULL));
	TAP_EQ_STR(ask(c, "PRAGMA journal_mode"), "wal"); /* left alone */
	TAP_EQ_STR(ask(c, "PRAGMA foreign_keys"), "0");
	drv->close(c);
	tree_leave();
}

static void a_link_leads_to_the_file_and_one_lock(void)
{
	struct dunlin_conn *other;

	tree_enter();
	mkdir("data", 0700);
	TAP_EQ_INT(symlink("data/real.db", "link.db"), 0);
	c = open_db("link.db"); /* it does not exist yet */
	other = open_db("data/real.db");
	MUST(drv->lock(c, "k", "me", &err));
	TAP_EQ_INT(access("data/real.db-dunlin.lock", F_OK), 0);
	TAP_EQ_INT(drv->lock(other, "k", "you", &err), DUNLIN_EBUSY);
	MUST(drv->unlock(c, "k", &err));
	drv->close(c);
	drv->close(other);
	tree_leave();
}

static void a_name_is_never_read_as_a_uri(void)
{
	tree_enter();
	c = open_db("file:x?mode=memory");
	TAP_EQ_INT(access("file:x?mode=memory", F_OK), 0);
	drv->close(c);
	tree_leave();
}

static void read_only_is_a_capability_and_refuses_the_lock(void)
{
	enter();
	drv->close(c);
	MUST(try_open(&c, "t.db", "mode", "ro", NULL));
	TAP_OK(drv->caps(c) & DUNLIN_CAP_READ_ONLY);
	TAP_OK(!(drv->caps(c) & DUNLIN_CAP_LOCK));
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM ledger"), "0");
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_unsafe, 1);
	TAP_EQ_INT(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE x (a)"), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_PERMISSION);
	/* verify sections still run in a transaction */
	MUST(drv->begin(c, NULL, &err));
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM ledger"), "0");
	MUST(drv->rollback(c, &err));
	leave();
}

static void the_table_keeps_the_contract(void)
{
	TAP_EQ_INT(drv->magic, DUNLIN_DRIVER_MAGIC);
	TAP_EQ_STR(drv->name, "sqlite");
	TAP_EQ_STR(drv->schemes[1], "sqlite3");
	TAP_EQ_INT(drv->flags, DUNLIN_DRIVER_FILE);
	TAP_OK(strncmp(drv->client, "SQLite 3", 8) == 0);
	c = open_db(":memory:");
	TAP_EQ_INT(drv->caps(c) & ~drv->possible_caps, 0);
	drv->close(c);
	TAP_OK(dunlin_driver_entry_v1(NULL, &err) == NULL);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_DRIVER);
}

/* --- groups ------------------------------------------------------------------------------ */

static void many_migrations_commit_together(void)
{
	int i;

	enter();
	MUST(drv->lock(c, "k", "me", &err));
	for (i = 0; i < 50; i++)
		migration(i == 0 ? "CREATE TABLE t (a)" : "INSERT INTO t VALUES (1)", NULL, NULL);
	MUST(run(c));
	TAP_EQ_INT(res.n_done, 250);
	TAP_EQ_INT(res.n_durable, 250);
	TAP_EQ_INT(n_told, 250);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "50");
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	MUST(drv->unlock(c, "k", &err));
	leave();
}

static void a_failing_migration_leaves_those_before_it(void)
{
	static const struct { const char *bad; int errclass; } cases[] = {
		{ "INSERT INTO t VALUES (2), (1)",             DUNLIN_CLASS_CONSTRAINT },
		{ "INSERT OR ROLLBACK INTO t VALUES (1)",      DUNLIN_CLASS_CONSTRAINT }, /* ends the whole group */
		{ "INSERT INTO r VALUES (1)",                  DUNLIN_CLASS_CONSTRAINT }, /* RAISE(ROLLBACK)      */
		{ "CREATE TABLE t (a)",                        DUNLIN_CLASS_SCHEMA },
		{ "INSERT INTO nosuch VALUES (1)",             DUNLIN_CLASS_SCHEMA },
		{ "SELEC 1",                                   DUNLIN_CLASS_SYNTAX },
		{ "CREATE TABLE x (",                          DUNLIN_CLASS_SYNTAX },
		{ "COMMIT",                                    DUNLIN_CLASS_VALIDATION },
		{ "INSERT INTO t VALUES (?)",                  DUNLIN_CLASS_SYNTAX },
		{ "SELECT load_extension('x')",                DUNLIN_CLASS_VALIDATION },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		enter();
		MUST(drv->lock(c, "k", "me", &err));
		migration("CREATE TABLE t (a UNIQUE)", "INSERT INTO t VALUES (1)", NULL);
		migration("CREATE TABLE r (a)",
		          "CREATE TRIGGER g BEFORE INSERT ON r BEGIN SELECT RAISE(ROLLBACK, 'no'); END", NULL);
		migration("CREATE TABLE three (a)", NULL, NULL);
		migration("CREATE TABLE four (a)", cases[i].bad, "CREATE TABLE after (a)");
		migration("CREATE TABLE five (a)", NULL, NULL);
		TAP_EQ_INT(run(c), DUNLIN_ERROR);
		tap_note("%s: %s", cases[i].bad, err.message);
		TAP_EQ_INT(err.errclass, cases[i].errclass);
		TAP_EQ_INT(res.n_done, 6 + 6 + 5 + 2);
		TAP_EQ_INT(res.n_durable, 6 + 6 + 5);
		TAP_EQ_INT(n_told, 6 + 6 + 5 + 2); /* nobody is told twice */
		TAP_EQ_STR(peek("t.db", "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master"
		                        " WHERE type = 'table' ORDER BY name)"), "ledger,r,t,three");
		TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "3");
		TAP_EQ_STR(peek("t.db", "SELECT group_concat(a) FROM t"), "1");
		TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
		/* and the run goes on where it stopped */
		migration("CREATE TABLE four (a)", NULL, NULL);
		MUST(run(c));
		MUST(drv->unlock(c, "k", &err));
		TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "4");
		leave();
	}
}

static void the_first_failure_undoes_nothing_else(void)
{
	enter();
	migration("CREATE TABLE t (a)", "boom", NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_INT(res.n_durable, 0);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM sqlite_master"), "1");
	leave();
}

static void a_migration_goes_on_in_the_next_call(void)
{
	enter();
	migration("CREATE TABLE before (a)", NULL, NULL);
	add(DUNLIN_STEP_BEGIN, NULL);
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE big (a UNIQUE)");
	MUST(run(c));
	TAP_EQ_INT(res.n_done, 7);
	TAP_EQ_INT(res.n_durable, 5);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_OPEN);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM sqlite_master WHERE name = 'before'"), "1");
	add(DUNLIN_STEP_STATEMENT, "INSERT INTO big VALUES (1)");
	MUST(run(c));
	TAP_EQ_INT(res.n_durable, 0);
	add(DUNLIN_STEP_SEAL, NULL);
	add(DUNLIN_STEP_COMMIT, NULL);
	migration("CREATE TABLE next (a)", NULL, NULL);
	migration("INSERT OR ROLLBACK INTO big VALUES (1)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 7);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM big"), "1");
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM sqlite_master WHERE name = 'next'"), "1");
	leave();
}

static void a_failure_undoes_what_earlier_calls_put_into_the_migration(void)
{
	enter();
	migration("CREATE TABLE before (a UNIQUE)", "INSERT INTO before VALUES (1)", NULL);
	add(DUNLIN_STEP_BEGIN, NULL);
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE big (a)");
	MUST(run(c));
	add(DUNLIN_STEP_STATEMENT, "INSERT INTO big VALUES (1)");
	add(DUNLIN_STEP_STATEMENT, "INSERT OR ROLLBACK INTO before VALUES (1)");
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 1);
	TAP_EQ_INT(res.n_durable, 0);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	TAP_EQ_STR(peek("t.db", "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table'"), "ledger,before");
	leave();
}

static void what_exec_reported_survives_a_group_that_sqlite_ends(void)
{
	tree_enter();
	c = open_db("t.db");
	MUST(drv->lock(c, "k", "me", &err));
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
	MUST(exec(c, DUNLIN_STEP_LEDGER, "CREATE TABLE u (a UNIQUE)"));
	MUST(exec(c, DUNLIN_STEP_LEDGER, "INSERT INTO u VALUES (1)"));
	migration("INSERT OR ROLLBACK INTO u VALUES (1)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM u"), "1");
	MUST(drv->unlock(c, "k", &err));
	leave();
}

static void ledger_steps_of_their_own_commit_together_and_survive_a_failing_one(void)
{
	enter();
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (1, 0)");
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (2, 0)");
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (3, 0)")->expect_rows = 2;
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_INT(res.n_durable, 2);
	leave();
}

static void parameters_are_bound_as_what_they_are(void)
{
	static const struct dunlin_param p[] = {
		{ .value = "9223372036854775807", .len = 19, .is_integer = 1 },
		{ .value = "9223372036854775807", .len = 19 },
		{ .value = NULL },
	};
	struct dunlin_step *s;

	enter();
	exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE p (a, b, c)");
	s = add(DUNLIN_STEP_LEDGER, "INSERT INTO p VALUES (?, ?, ?)");
	s->param = p;
	s->n_param = 3;
	n_step = 0;
	MUST(drv->exec(c, s, &err));
	TAP_EQ_STR(ask(c, "SELECT typeof(a), a, typeof(b), b, c IS NULL FROM p"),
	           "integer|9223372036854775807|text|9223372036854775807|1");
	s->n_param = 2;
	TAP_EQ_INT(drv->exec(c, s, &err), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "the statement wants 3 parameters and got 2");
	leave();
}

static void positions_count_bytes_of_the_step(void)
{
	enter();
	add(DUNLIN_STEP_STATEMENT, "SELECT 'é'; SELECT 'é', nosuch FROM ledger");
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "no such column: nosuch");
	TAP_EQ_INT(err.position, 26);
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x); INSERT INTO a VALUES (1); INSERT INTO a SELEC 1");
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.position, 60);
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM a"), "1"); /* each in its turn */
	leave();
}

static void an_exclusive_begin_starts_a_group_of_its_own(void)
{
	enter();
	MUST(drv->lock(c, "k", "me", &err));
	migration("CREATE TABLE a (x)", NULL, NULL);
	add(DUNLIN_STEP_BEGIN, "BEGIN /* all of it */ EXCLUSIVE TRANSACTION");
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE b (x)");
	MUST(run(c));
	TAP_EQ_INT(res.n_durable, 5);
	/* Exclusive keeps readers out too. */
	{
		sqlite3 *db;

		sqlite3_open("t.db", &db);
		TAP_EQ_INT(sqlite3_exec(db, "SELECT * FROM a", NULL, NULL, NULL), SQLITE_BUSY);
		sqlite3_close(db);
	}
	add(DUNLIN_STEP_COMMIT, NULL);
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM b"), "0");
	leave();
}

static void several_sealed_parts_share_one_transaction(void)
{
	enter();
	add(DUNLIN_STEP_BEGIN, NULL);
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x)");
	add(DUNLIN_STEP_SEAL, NULL);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO main.ledger VALUES (1, 0)");
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE b (x)");
	add(DUNLIN_STEP_SEAL, NULL);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO main.ledger VALUES (2, 0)");
	add(DUNLIN_STEP_STATEMENT, "boom");
	add(DUNLIN_STEP_COMMIT, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 0);
	TAP_EQ_STR(peek("t.db", "SELECT group_concat(name) FROM sqlite_master"), "ledger");
	leave();
}

/* --- outside a transaction ----------------------------------------------------------------- */

static void lone_statements_run_without_a_transaction_and_keep_the_lock(void)
{
	struct dunlin_conn *other;

	enter();
	other = open_db("t.db");
	MUST(drv->lock(c, "k", "me", &err));
	migration("CREATE TABLE a (x)", NULL, NULL);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (7, 0)");
	add(DUNLIN_STEP_STATEMENT, "VACUUM");
	add(DUNLIN_STEP_STATEMENT, "PRAGMA journal_mode = wal");
	add(DUNLIN_STEP_STATEMENT, "ATTACH ':memory:' AS m");
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE m.x (a)");
	MUST(run(c));
	TAP_EQ_INT(res.n_durable, 10);
	TAP_EQ_STR(peek("t.db", "PRAGMA journal_mode"), "wal");
	TAP_EQ_INT(drv->lock(other, "k", "you", &err), DUNLIN_EBUSY);
	MUST(drv->reset_session(c, &err));
	TAP_EQ_STR(ask(c, "SELECT group_concat(name) FROM pragma_database_list"), "main");
	TAP_EQ_INT(drv->lock(other, "k", "you", &err), DUNLIN_EBUSY); /* the lock stays */
	MUST(drv->unlock(c, "k", &err));
	MUST(drv->lock(other, "k", "you", &err));
	drv->close(other);
	leave();
}

static void a_begin_of_the_files_own_takes_ledger_steps_along(void)
{
	enter();
	MUST(drv->lock(c, "k", "me", &err));
	add(DUNLIN_STEP_STATEMENT, "BEGIN");
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x)");
	MUST(run(c));
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_OPEN);
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_INT(res.n_durable, 0);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (1, 0)");
	MUST(run(c));
	TAP_EQ_INT(res.n_durable, 0);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "0");
	add(DUNLIN_STEP_STATEMENT, "COMMIT");
	MUST(run(c));
	TAP_EQ_INT(res.n_durable, 1);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "1");
	add(DUNLIN_STEP_STATEMENT, "BEGIN");
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (2, 0)");
	add(DUNLIN_STEP_STATEMENT, "boom");
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 0);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "1");
	MUST(drv->unlock(c, "k", &err));
	leave();
}

static void a_stray_commit_outside_is_told(void)
{
	enter();
	add(DUNLIN_STEP_STATEMENT, "COMMIT");
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	leave();
}

/* --- the single slots --------------------------------------------------------------------------- */

static void begin_and_rollback_leave_nothing(void)
{
	enter();
	MUST(drv->begin(c, NULL, &err));
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_OPEN);
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x)"));
	MUST(drv->savepoint(c, DUNLIN_SAVEPOINT_SET, "a \"b", &err));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE b (x)"));
	MUST(drv->savepoint(c, DUNLIN_SAVEPOINT_ROLLBACK, "a \"b", &err));
	MUST(drv->savepoint(c, DUNLIN_SAVEPOINT_RELEASE, "a \"b", &err));
	TAP_EQ_STR(ask(c, "SELECT group_concat(name) FROM sqlite_master"), "ledger,a");
	MUST(drv->rollback(c, &err));
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	TAP_EQ_STR(peek("t.db", "SELECT group_concat(name) FROM sqlite_master"), "ledger");
	TAP_EQ_INT(drv->savepoint(c, DUNLIN_SAVEPOINT_SET, "a", &err), DUNLIN_ERROR); /* would open a transaction */
	leave();
}

static void commit_succeeds_only_if_it_committed(void)
{
	enter();
	TAP_EQ_INT(drv->commit(c, &err), DUNLIN_ERROR);
	MUST(drv->begin(c, NULL, &err));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x UNIQUE)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "INSERT INTO a VALUES (1)"));
	TAP_EQ_INT(exec(c, DUNLIN_STEP_STATEMENT, "INSERT OR ROLLBACK INTO a VALUES (1)"), DUNLIN_ERROR);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	TAP_EQ_INT(drv->commit(c, &err), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "there is no transaction to commit");
	MUST(drv->begin(c, NULL, &err));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x UNIQUE)"));
	MUST(drv->commit(c, &err));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM a"), "0");
	leave();
}

static int stop_with_seven(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	*(int *)arg += 1;
	(void)ncol;
	(void)v;
	(void)len;
	(void)type;
	return 7;
}

static char kinds[64];

static int take_kinds(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	int i;

	(void)arg;
	for (i = 0; i < ncol; i++)
		snprintf(kinds + strlen(kinds), sizeof kinds - strlen(kinds), "%d:%zu%s ", (int)type[i], len[i], v[i] ? "" : "-");
	return 0;
}

static void a_query_tells_types_and_stops_when_told(void)
{
	static const char types[] = "SELECT 1, 1.5, 'ab', x'00', x'', NULL";
	static const char many[] = "SELECT 1 UNION ALL SELECT 2";
	int n = 0;

	enter();
	kinds[0] = '\0';
	MUST(drv->query(c, types, sizeof types - 1, NULL, 0, take_kinds, NULL, &err));
	TAP_EQ_STR(kinds, "1:1 1:3 0:2 3:1 3:0 4:0- ");
	TAP_EQ_INT(drv->query(c, many, sizeof many - 1, NULL, 0, stop_with_seven, &n, &err), 7);
	TAP_EQ_INT(n, 1);
	TAP_EQ_STR(err.message, "");
	leave();
}

/* SQLite must not be in use yet: its settings for the process come before. */
static int counted_bytes(const char *own_process)
{
	int counted;

	sqlite3_shutdown();
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1);
	tree_enter();
	MUST(try_open(&c, ":memory:", "own_process", own_process, NULL));
	counted = (int)sqlite3_memory_used();
	drv->close(c);
	tree_leave();
	return counted;
}

static void what_holds_for_the_process_is_set_only_where_it_is_our_own(void)
{
	TAP_OK(counted_bytes("0") > 0);
	TAP_EQ_INT(counted_bytes("1"), 0);
	TAP_OK(counted_bytes("0") > 0);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "open refuses a file that is not there", open_refuses_a_file_that_is_not_there },
		{ "open creates a file only when told", open_creates_a_file_only_when_told },
		{ "open refuses what is no database", open_refuses_what_is_no_database },
		{ "open checks every parameter", open_checks_every_parameter },
		{ "parameters reach the connection", parameters_reach_the_connection },
		{ "a link leads to the file and one lock", a_link_leads_to_the_file_and_one_lock },
		{ "a name is never read as a URI", a_name_is_never_read_as_a_uri },
		{ "read-only is a capability and refuses the lock", read_only_is_a_capability_and_refuses_the_lock },
		{ "the table keeps the contract", the_table_keeps_the_contract },
		{ "many migrations commit together", many_migrations_commit_together },
		{ "a failing migration leaves those before it", a_failing_migration_leaves_those_before_it },
		{ "the first failure undoes nothing else", the_first_failure_undoes_nothing_else },
		{ "a migration goes on in the next call", a_migration_goes_on_in_the_next_call },
		{ "a failure undoes what earlier calls put into the migration",
		  a_failure_undoes_what_earlier_calls_put_into_the_migration },
		{ "what exec reported survives a group that SQLite ends",
		  what_exec_reported_survives_a_group_that_sqlite_ends },
		{ "ledger steps of their own commit together and survive a failing one",
		  ledger_steps_of_their_own_commit_together_and_survive_a_failing_one },
		{ "parameters are bound as what they are", parameters_are_bound_as_what_they_are },
		{ "positions count bytes of the step", positions_count_bytes_of_the_step },
		{ "an exclusive BEGIN starts a group of its own", an_exclusive_begin_starts_a_group_of_its_own },
		{ "several sealed parts share one transaction", several_sealed_parts_share_one_transaction },
		{ "lone statements run without a transaction and keep the lock",
		  lone_statements_run_without_a_transaction_and_keep_the_lock },
		{ "a BEGIN of the file's own takes ledger steps along", a_begin_of_the_files_own_takes_ledger_steps_along },
		{ "a stray COMMIT outside is told", a_stray_commit_outside_is_told },
		{ "begin and rollback leave nothing", begin_and_rollback_leave_nothing },
		{ "commit succeeds only if it committed", commit_succeeds_only_if_it_committed },
		{ "a query tells types and stops when told", a_query_tells_types_and_stops_when_told },
		{ "what holds for the process is set only where it is our own",
		  what_holds_for_the_process_is_set_only_where_it_is_our_own },
	};

	fixture_start();
	return tap_main("sqlite_driver", tests, sizeof tests / sizeof *tests);
}
