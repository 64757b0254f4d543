/*
 * test_sqlite_adopt.c - a program's own sqlite3 *, with the driver linked in:
 * it stays open, keeps its settings, and nothing connects again.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include <dunlin/dunlin.h>

#include "tap.h"

dunlin_driver_entry_fn dunlin_driver_entry_v1;

static const struct dunlin_file files[] = {
	{ "1.0.0-001-one.sql", "-- dunlin:up\nCREATE TABLE one (x);\nPRAGMA case_sensitive_like = 1;\n-- dunlin:down\nDROP TABLE one;\n", 0 },
	{ "1.0.0-002-two.sql", "-- dunlin:up\n-- dunlin:no-transaction\nCREATE TABLE two (x);\nVACUUM;\n-- dunlin:down\nDROP TABLE two;\n", 0 },
	{ "1.0.0-003-bad.sql", "CREATE TABLE half (x);\nINSERT INTO nosuch VALUES (1);\n", 0 },
};
static struct dunlin_error err;

static struct dunlin *adopt(sqlite3 *db, size_t n_file)
{
	static struct dunlin_file file[3];
	struct dunlin *d = NULL;

	for (size_t i = 0; i < 3; i++)
		file[i] = (struct dunlin_file){ files[i].name, files[i].data, strlen(files[i].data) };
	if (!TAP_EQ_INT(dunlin_new(&d, &err), 0) || !TAP_EQ_INT(dunlin_add_memory(d, "", file, n_file, &err), 0) ||
	    !TAP_EQ_INT(dunlin_adopt(d, "sqlite", db, &err), 0))
		tap_note("%s", err.message);
	return d;
}

static int execute(struct dunlin *d, int op)
{
	return dunlin_execute(d, &(struct dunlin_request){ .op = op }, &err) == 0 ? 0 : err.code;
}

static int keep(void *arg, int n, char **value, char **name)
{
	char *out = arg;

	(void)name;
	for (int i = 0; i < n; i++)
		snprintf(out + strlen(out), 400 - strlen(out), "%s,", value[i] ? value[i] : "NULL");
	return 0;
}

static const char *ask(sqlite3 *db, const char *sql)
{
	static char text[4][400];
	static int next;
	char *out = text[next++ % 4];

	out[0] = '\0';
	if (sqlite3_exec(db, sql, keep, out, NULL) != SQLITE_OK)
		snprintf(out, 400, "error: %s", sqlite3_errmsg(db));
	return out;
}

#define TABLES "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%dunlin%' AND name NOT LIKE 'sqlite%' ORDER BY 1"

static void a_programs_own_handle_is_migrated_and_stays(void)
{
	sqlite3 *db = NULL;
	struct dunlin *d;

	if (!TAP_EQ_INT(sqlite3_open(":memory:", &db), SQLITE_OK))
		return;
	sqlite3_exec(db, "PRAGMA foreign_keys = on; PRAGMA cache_size = 123; CREATE TEMP TABLE mine (x)", NULL, NULL, NULL);
	sqlite3_busy_timeout(db, 77);
	d = adopt(db, 2);
	if (!TAP_EQ_INT(execute(d, DUNLIN_OP_UP), 0))
		tap_note("%s", err.message);
	TAP_EQ_INT(dunlin_last_summary(d)->n_done, 2);
	TAP_EQ_STR(ask(db, TABLES), "one,two,");
	TAP_EQ_STR(ask(db, "SELECT version, state FROM dunlin_migrations ORDER BY 1"), "1.0.0-001,applied,1.0.0-002,applied,");
	TAP_EQ_INT(execute(d, DUNLIN_OP_UP), 0);
	TAP_EQ_INT(dunlin_last_summary(d)->n_done, 0);
	TAP_EQ_STR(ask(db, "SELECT count(*) FROM dunlin_migrations_events WHERE event = 'run.started'"), "1,");
	TAP_EQ_INT(execute(d, DUNLIN_OP_ROLLBACK), 0);
	TAP_EQ_STR(ask(db, TABLES), "");
	TAP_EQ_INT(execute(d, DUNLIN_OP_UP), 0);
	dunlin_free(d);
	/* still open, and as it was */
	TAP_EQ_STR(ask(db, "PRAGMA foreign_keys"), "1,");
	TAP_EQ_STR(ask(db, "PRAGMA cache_size"), "123,");
	TAP_EQ_STR(ask(db, "SELECT 'A' LIKE 'a'"), "1,");
	TAP_EQ_STR(ask(db, "SELECT count(*) FROM mine"), "0,");
	TAP_EQ_STR(ask(db, TABLES), "one,two,");
	TAP_EQ_INT(sqlite3_get_autocommit(db), 1);
	TAP_EQ_INT(sqlite3_close(db), SQLITE_OK);
}

static void a_failure_leaves_the_handle_usable(void)
{
	sqlite3 *db = NULL;
	struct dunlin *d;

	sqlite3_open(":memory:", &db);
	d = adopt(db, 3);
	TAP_EQ_INT(execute(d, DUNLIN_OP_UP), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(err.version, "1.0.0-003");
	TAP_EQ_STR(ask(db, TABLES), "one,two,");
	TAP_EQ_STR(ask(db, "SELECT state FROM dunlin_migrations ORDER BY version"), "applied,applied,failed,");
	dunlin_free(d);
	TAP_EQ_INT(sqlite3_get_autocommit(db), 1);
	TAP_EQ_STR(ask(db, "INSERT INTO one VALUES (1); SELECT count(*) FROM one"), "1,");
	TAP_EQ_INT(sqlite3_close(db), SQLITE_OK);
}

static void a_handle_has_one_database(void)
{
	sqlite3 *db = NULL, *other = NULL;
	struct dunlin *d;

	sqlite3_open(":memory:", &db);
	sqlite3_open(":memory:", &other);
	d = adopt(db, 1);
	TAP_EQ_INT(dunlin_adopt(d, "sqlite", other, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_INT(execute(d, DUNLIN_OP_UP), 0);
	TAP_EQ_STR(ask(db, TABLES), "one,");
	TAP_EQ_STR(ask(other, TABLES), "");
	dunlin_free(d);
	/* a driver that is not there leaves the handle as it was */
	TAP_EQ_INT(dunlin_new(&d, &err), 0);
	TAP_EQ_INT(dunlin_adopt(d, "nosuch", db, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	TAP_EQ_INT(dunlin_adopt(d, "sqlite", db, &err), 0);
	dunlin_free(d);
	sqlite3_close(db);
	sqlite3_close(other);
}

static void an_open_transaction_of_the_programs_own_is_not_touched(void)
{
	struct dunlin_status_report *r = NULL;
	sqlite3 *db = NULL;
	struct dunlin *d;

	sqlite3_open(":memory:", &db);
	sqlite3_exec(db, "CREATE TABLE mine (x); BEGIN; INSERT INTO mine VALUES (1)", NULL, NULL, NULL);
	TAP_EQ_INT(dunlin_new(&d, &err), 0);
	TAP_EQ_INT(dunlin_adopt(d, "sqlite", db, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "the handle is inside a transaction");
	dunlin_free(d);
	TAP_EQ_INT(sqlite3_get_autocommit(db), 0);
	TAP_EQ_STR(ask(db, "COMMIT; SELECT count(*) FROM mine"), "1,");
	/* begun since it was adopted */
	d = adopt(db, 1);
	sqlite3_exec(db, "BEGIN; INSERT INTO mine VALUES (2)", NULL, NULL, NULL);
	TAP_EQ_INT(execute(d, DUNLIN_OP_UP), DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "the handle is inside a transaction");
	TAP_EQ_INT(dunlin_status(d, &r, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_INT(sqlite3_get_autocommit(db), 0);
	TAP_EQ_STR(ask(db, "COMMIT; SELECT count(*) FROM mine"), "2,");
	TAP_EQ_STR(ask(db, TABLES), "mine,");
	dunlin_free(d);
	sqlite3_close(db);
}

/* Between two calls the handle is the program's, not only at the end. */
static void settings_are_the_programs_after_each_call(void)
{
	static const int ops[] = { DUNLIN_OP_UP, DUNLIN_OP_UP, DUNLIN_OP_ROLLBACK };
	struct dunlin_plan *p = NULL;
	sqlite3 *db = NULL;
	struct dunlin *d;

	sqlite3_open(":memory:", &db);
	sqlite3_busy_timeout(db, 77);
	sqlite3_exec(db, "PRAGMA foreign_keys = on", NULL, NULL, NULL);
	d = adopt(db, 2);
	TAP_EQ_STR(ask(db, "PRAGMA busy_timeout"), "77,");
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		TAP_EQ_INT(execute(d, ops[i]), 0);
		TAP_EQ_STR(ask(db, "PRAGMA busy_timeout"), "77,");
		TAP_EQ_STR(ask(db, "PRAGMA foreign_keys"), "1,");
		TAP_EQ_STR(ask(db, "PRAGMA case_sensitive_like = 1; SELECT 'A' LIKE 'a'"), "0,");
		/* ... and our own function has gone */
		TAP_OK(strncmp(ask(db, "SELECT dunlin_elapsed_ms()"), "error: no such function", 23) == 0);
	}
	/* What the program sets in between stays too. */
	sqlite3_busy_timeout(db, 78);
	TAP_EQ_INT(dunlin_plan(d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &p, &err), 0);
	TAP_EQ_INT(dunlin_plan_n_actions(p), 2);
	dunlin_plan_free(p);
	TAP_EQ_STR(ask(db, "PRAGMA busy_timeout"), "78,");
	dunlin_free(d);
	TAP_EQ_STR(ask(db, "PRAGMA busy_timeout"), "78,");
	sqlite3_close(db);
}

static void the_programs_database_is_neither_made_nor_dropped(void)
{
	sqlite3 *db = NULL;
	struct dunlin *d;

	sqlite3_open(":memory:", &db);
	d = adopt(db, 1);
	TAP_EQ_INT(dunlin_create(d, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_INT(dunlin_drop(d, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_INT(dunlin_wait(d, &err), 0);
	dunlin_free(d);
	sqlite3_close(db);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a_programs_own_handle_is_migrated_and_stays", a_programs_own_handle_is_migrated_and_stays },
		{ "a_failure_leaves_the_handle_usable", a_failure_leaves_the_handle_usable },
		{ "a_handle_has_one_database", a_handle_has_one_database },
		{ "an_open_transaction_of_the_programs_own_is_not_touched", an_open_transaction_of_the_programs_own_is_not_touched },
		{ "settings_are_the_programs_after_each_call", settings_are_the_programs_after_each_call },
		{ "the_programs_database_is_neither_made_nor_dropped", the_programs_database_is_neither_made_nor_dropped },
	};

	if (dunlin_driver_register(dunlin_driver_entry_v1, &err) < 0) {
		printf("Bail out! %s\n", err.message);
		return 1;
	}
	return tap_main("sqlite_adopt", tests, sizeof tests / sizeof *tests);
}
