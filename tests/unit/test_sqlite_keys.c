/*
 * test_sqlite_keys.c - no migration leaves a foreign key broken that was whole
 * before, and none is blamed for what was broken already.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sqlite_fixture.h"

/* --- foreign keys ---------------------------------------------------------------------------- */

static void family(const char *rows)
{
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE parent (id INTEGER PRIMARY KEY, name)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE child (id INTEGER PRIMARY KEY,"
	                                    " parent REFERENCES parent (id) ON DELETE CASCADE)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, rows));
}

static void a_new_violation_fails_and_is_named(void)
{
	static const struct { const char *sql, *message; } cases[] = {
		{ "INSERT INTO child VALUES (9, 77)", "foreign key violated: row 9 of 'child' has no parent in 'parent'" },
		{ "DELETE FROM parent WHERE id = 1", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "UPDATE parent SET id = 3 WHERE id = 1", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "DROP TABLE parent", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "CREATE TABLE third (id INTEGER PRIMARY KEY, c REFERENCES child (id)); INSERT INTO third VALUES (1, 99)",
		  "foreign key violated: row 1 of 'third' has no parent in 'child'" },
		{ "CREATE TRIGGER g AFTER INSERT ON parent BEGIN DELETE FROM parent WHERE id = 1; END;"
		  " INSERT INTO parent VALUES (8, 'x')", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "ALTER TABLE child ADD COLUMN other REFERENCES parent (id) DEFAULT 55",
		  "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "DELETE FROM child; INSERT INTO child VALUES (6, 66)",
		  "foreign key violated: row 6 of 'child' has no parent in 'parent'" },
		{ "CREATE TABLE p2 (id INTEGER PRIMARY KEY); DROP TABLE parent; ALTER TABLE p2 RENAME TO parent",
		  "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "INSERT INTO child VALUES (9, 99); ALTER TABLE child RENAME TO kid",
		  "foreign key violated: row 9 of 'kid' has no parent in 'parent'" },
		{ "PRAGMA writable_schema = on; UPDATE sqlite_master SET sql = 'CREATE TABLE child (id INTEGER PRIMARY KEY,"
		  " parent REFERENCES child (id))' WHERE name = 'child'",
		  "foreign key violated: row 5 of 'child' has no parent in 'child'" },
	};
	static const char *const enforced[] = { "off", "on" };
	size_t i, e;

	for (e = 0; e < 2; e++) {
		for (i = 0; i < sizeof cases / sizeof *cases; i++) {
			/* CASCADE makes these right when enforced, or the statement itself fails */
			if (e == 1 && (i == 1 || i == 2 || i == 3 || i == 5 || i == 6 || i == 8))
				continue;
			tree_enter();
			MUST(try_open(&c, "t.db", "create", "1", "foreign_keys", enforced[e], NULL));
			MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
			family("INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (5, 1)");
			migration("CREATE TABLE fine (a)", "INSERT INTO parent VALUES (4, 'd')", "INSERT INTO child VALUES (7, 4)");
			migration(cases[i].sql, NULL, NULL);
			TAP_EQ_INT(run(c), DUNLIN_ERROR);
			TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
			if (e == 0 && !TAP_EQ_STR(err.message, cases[i].message))
				tap_note("%s", cases[i].sql);
			TAP_EQ_INT(res.n_durable, 6 + (e || 1));
			TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "1");
			TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "2");
			leave();
		}
	}
}

static void old_violations_stay_and_are_nobodys_fault(void)
{
	static const char *const cases[] = {
		"INSERT INTO child VALUES (9, 1)",
		"UPDATE child SET parent = parent",
		"DELETE FROM parent WHERE id = 2",
		"DELETE FROM child WHERE id = 6",
		"ALTER TABLE child RENAME TO offspring",
		"ALTER TABLE parent RENAME TO elder",
		"ALTER TABLE child ADD COLUMN note",
		"CREATE TABLE new (id INTEGER PRIMARY KEY, parent REFERENCES parent (id) ON DELETE CASCADE, extra);"
		" INSERT INTO new SELECT id, parent, 1 FROM child; DROP TABLE child; ALTER TABLE new RENAME TO child",
		"CREATE TABLE new (id INTEGER PRIMARY KEY, name, extra); INSERT INTO new SELECT id, name, 1 FROM parent;"
		" DROP TABLE parent; ALTER TABLE new RENAME TO parent",
		"PRAGMA legacy_alter_table = on; ALTER TABLE parent RENAME TO old; CREATE TABLE parent (id INTEGER PRIMARY KEY,"
		" name); INSERT INTO parent SELECT * FROM old; DROP TABLE old",
		/* other rowids: only the number can be compared */
		"CREATE TABLE new (pk, parent REFERENCES parent (id)); INSERT INTO new SELECT id, parent FROM child ORDER BY id DESC;"
		" DROP TABLE child; ALTER TABLE new RENAME TO child",
		"PRAGMA writable_schema = on; UPDATE sqlite_master SET sql = sql || ' ' WHERE name = 'child'",
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		enter();
		family("INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (5, 1), (6, 60), (7, 70)");
		migration("CREATE TABLE fine (a)", NULL, NULL);
		migration(cases[i], NULL, NULL);
		if (!TAP_EQ_INT(run(c), DUNLIN_OK))
			tap_note("%s: %s", cases[i], err.message);
		TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "2");
		leave();
	}
}

static void a_violation_among_old_ones_is_found(void)
{
	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1), (6, 60)");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name); DROP TABLE parent; ALTER TABLE new RENAME TO parent", NULL,
	          NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "foreign key violated: row 5 of 'child' has no parent in 'parent'");
	/* one repaired, one new: still new */
	migration("DELETE FROM child WHERE id = 6", "INSERT INTO child VALUES (8, 80)", NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "foreign key violated: row 8 of 'child' has no parent in 'parent'");
	leave();
}

static void a_grandchild_is_looked_at_too(void)
{
	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE grandchild (id INTEGER PRIMARY KEY, c REFERENCES child (id))"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "INSERT INTO grandchild VALUES (3, 5)"));
	migration("UPDATE parent SET name = 'b'", "DELETE FROM child", NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "foreign key violated: row 3 of 'grandchild' has no parent in 'child'");
	leave();
}

static void a_violation_that_another_writer_made_between_groups_is_not_ours(void)
{
	enter();
	family("INSERT INTO parent VALUES (1, 'a')");
	migration("INSERT INTO child VALUES (5, 1)", NULL, NULL);
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "INSERT INTO child VALUES (6, 60) RETURNING id"), "6");
	migration("INSERT INTO child VALUES (7, 1)", NULL, NULL);
	MUST(run(c));
	leave();
}

static void who_refers_to_whom_is_known_after_every_turn(void)
{
	static const char message[] = "foreign key violated: row 5 of 'child' has no parent in '%s'";
	char want[128];

	/* a table that got another name in the group */
	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	migration("ALTER TABLE parent RENAME TO elder", NULL, NULL);
	migration("DELETE FROM elder", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	snprintf(want, sizeof want, message, "elder");
	TAP_EQ_STR(err.message, want);
	leave();
	/* a DROP that was undone */
	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	migration("DROP TABLE child", "boom", NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	migration("DELETE FROM parent", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	snprintf(want, sizeof want, message, "parent");
	TAP_EQ_STR(err.message, want);
	leave();
	/* a table that somebody else made meanwhile */
	enter();
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE parent (id INTEGER PRIMARY KEY)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "INSERT INTO parent VALUES (1)"));
	migration("CREATE TABLE a (x)", NULL, NULL);
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES parent (id))"), "");
	TAP_EQ_STR(peek("t.db", "INSERT INTO child VALUES (5, 1) RETURNING id"), "5");
	migration("DELETE FROM parent", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, want);
	leave();
}

static void statements_after_a_seal_are_looked_at_too(void)
{
	enter();
	family("INSERT INTO parent VALUES (1, 'a')");
	add(DUNLIN_STEP_BEGIN, NULL);
	add(DUNLIN_STEP_STATEMENT, "INSERT INTO child VALUES (5, 1)");
	add(DUNLIN_STEP_SEAL, NULL);
	add(DUNLIN_STEP_STATEMENT, "INSERT INTO child VALUES (6, 60)");
	add(DUNLIN_STEP_COMMIT, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 4);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
	leave();
}

static void keys_that_cannot_be_checked_are_told_and_not_refused(void)
{
	enter();
	migration("CREATE TABLE p (a)", "CREATE TABLE q (a REFERENCES p (a))", "INSERT INTO q VALUES (1)");
	MUST(run(c));
	TAP_OK(strstr(noticed, "the foreign keys of 'q' cannot be checked") != NULL);
	leave();
}

static void a_rebuild_does_not_cascade(void)
{
	tree_enter();
	MUST(try_open(&c, "t.db", "create", "1", NULL));
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name, more)", "INSERT INTO new SELECT id, name, 0 FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "1");
	leave();
}

/* A file may end by PRAGMA foreign_keys = ON, and an application may have it on. */
static void enforcement_reaches_no_migration_that_did_not_ask(void)
{
	sqlite3 *db;
	int is_on = 0;

	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = off");
	migration("CREATE TABLE a (x)", NULL, NULL);
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = on");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name, more)", "INSERT INTO new SELECT id, name, 0 FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "1");
	drv->close(c);

	sqlite3_open("t.db", &db);
	sqlite3_exec(db, "PRAGMA foreign_keys = on", NULL, NULL, NULL);
	MUST(drv->adopt_handle(db, &ctl, &c, &err));
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name, more)", "INSERT INTO new SELECT id, name, 0 FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "1");
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &is_on);
	TAP_EQ_INT(is_on, 1);
	migration("boom", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	drv->close(c);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &is_on);
	TAP_EQ_INT(is_on, 1);
	sqlite3_close(db);

	/* With ?foreign_keys=on a leading line switches it off for its own file. */
	MUST(try_open(&c, "t.db", "foreign_keys", "on", NULL));
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = off");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name)", "INSERT INTO new SELECT id, name FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	migration("CREATE TABLE b (x)", "DELETE FROM parent", NULL);
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "0"); /* the second cascades */
	leave();
}

/* In the midst of the second migration the first is not committed yet. */
static void look_from_outside(size_t i)
{
	if (i == 8)
		TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "0");
}

static void lines_about_enforcement_at_the_edge_do_not_end_the_group(void)
{
	int i;

	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	for (i = 0; i < 3; i++) {
		add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = off")->traits = DUNLIN_ST_EDGE;
		if (i == 2)
			migration("INSERT OR ROLLBACK INTO parent VALUES (1, 'b')", NULL, NULL);
		else
			migration("INSERT INTO parent (name) VALUES ('c')", NULL, NULL);
		add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = on")->traits = DUNLIN_ST_EDGE;
	}
	when_told = look_from_outside;
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	when_told = NULL;
	TAP_EQ_INT(res.n_done, 16);
	TAP_EQ_INT(res.n_durable, 15);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM parent"), "3");
	TAP_EQ_STR(ask(c, "PRAGMA foreign_keys"), "0");
	/* outside of a migration the line does what it says */
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = on")->traits = DUNLIN_ST_EDGE;
	MUST(run(c));
	TAP_EQ_STR(ask(c, "PRAGMA foreign_keys"), "1");
	MUST(drv->reset_session(c, &err));
	TAP_EQ_STR(ask(c, "PRAGMA foreign_keys"), "0");
	leave();
}

static void a_deferred_key_fails_its_own_migration_when_enforced(void)
{
	tree_enter();
	MUST(try_open(&c, "t.db", "create", "1", "foreign_keys", "on", NULL));
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE p (id INTEGER PRIMARY KEY)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE q (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)"));
	migration("INSERT INTO q VALUES (1)", "INSERT INTO p VALUES (1)", NULL);
	migration("INSERT INTO q VALUES (2)", NULL, NULL);
	migration("INSERT INTO p VALUES (2)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_INT(res.n_done, 8);
	TAP_EQ_INT(res.n_durable, 6);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	/* Where only numbers can be compared SQLite's own count still tells. */
	TAP_EQ_STR(peek("t.db", "INSERT INTO q VALUES (7) RETURNING p"), "7");
	migration("ALTER TABLE q ADD COLUMN x", "DELETE FROM q WHERE p = 7", "INSERT INTO q (p) VALUES (8)");
	migration("CREATE TABLE never (a)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_INT(res.n_done, 4);
	leave();
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a new violation fails and is named", a_new_violation_fails_and_is_named },
		{ "old violations stay and are nobody's fault", old_violations_stay_and_are_nobodys_fault },
		{ "a violation among old ones is found", a_violation_among_old_ones_is_found },
		{ "a grandchild is looked at too", a_grandchild_is_looked_at_too },
		{ "a violation that another writer made between groups is not ours",
		  a_violation_that_another_writer_made_between_groups_is_not_ours },
		{ "who refers to whom is known after every turn", who_refers_to_whom_is_known_after_every_turn },
		{ "statements after a SEAL are looked at too", statements_after_a_seal_are_looked_at_too },
		{ "keys that cannot be checked are told and not refused",
		  keys_that_cannot_be_checked_are_told_and_not_refused },
		{ "a rebuild does not cascade", a_rebuild_does_not_cascade },
		{ "enforcement reaches no migration that did not ask", enforcement_reaches_no_migration_that_did_not_ask },
		{ "lines about enforcement at the edge do not end the group",
		  lines_about_enforcement_at_the_edge_do_not_end_the_group },
		{ "a deferred key fails its own migration when enforced",
		  a_deferred_key_fails_its_own_migration_when_enforced },
	};

	fixture_start();
	return tap_main("sqlite_keys", tests, sizeof tests / sizeof *tests);
}
