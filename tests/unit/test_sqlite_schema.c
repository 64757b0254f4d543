/*
 * test_sqlite_schema.c - what the SQLite driver says about a schema, and what
 * it does to a database as a whole.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sqlite_fixture.h"

/* --- snapshot ---------------------------------------------------------------- */

static char facts[8192];

static int take_fact(void *arg, const char *fact, size_t len)
{
	size_t at = strlen(facts);

	(void)arg;
	snprintf(facts + at, sizeof facts - at, "%.*s\n", (int)len, fact);
	return 0;
}

static const char *snapshot_of(const char *sql)
{
	static const char *const ignore[] = { "LEDGER", "ledger_events" };

	facts[0] = '\0';
	if (sql)
		MUST(exec(c, DUNLIN_STEP_STATEMENT, sql));
	MUST(drv->snapshot(c, ignore, 2, take_fact, NULL, &err));
	return facts;
}

static void a_snapshot_is_a_sorted_list_of_facts(void)
{
	enter();
	TAP_EQ_STR(snapshot_of(
		"CREATE INDEX ledger_i ON ledger (version);"
		"CREATE TABLE ledger_events (id INTEGER PRIMARY KEY AUTOINCREMENT);"
		"CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email VARCHAR(255) NOT NULL UNIQUE COLLATE nocase,"
		"  age INT DEFAULT (1+2) CHECK (age > 0), up AS (upper(email)) STORED);"
		"CREATE TABLE posts (a TEXT, b INT, author REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,"
		"  PRIMARY KEY (b, a), CHECK (a <> 'x, (' OR b IN (1, 2))) WITHOUT ROWID;"
		"CREATE UNIQUE INDEX by_author ON posts (author DESC, a COLLATE nocase) WHERE b > 0;"
		"CREATE INDEX by_lower ON posts (lower(a));"
		"CREATE VIEW v AS SELECT * FROM  users -- comment\n;"
		"CREATE TRIGGER t AFTER INSERT ON posts BEGIN UPDATE users SET age = age + 1; END;"
		"CREATE VIRTUAL TABLE ft USING fts5(body)"),
		"check posts (a <> 'x, (' or b in(1, 2))\n"
		"check users (age > 0)\n"
		"column posts.a not null\n"
		"column posts.a type text\n"
		"column posts.author type \n"
		"column posts.b not null\n"
		"column posts.b type int\n"
		"column users.age default 1 + 2\n"
		"column users.age type int\n"
		"column users.email collate nocase\n"
		"column users.email not null\n"
		"column users.email type varchar(255)\n"
		"column users.id type integer\n"
		"column users.up as (upper(email))\n"
		"column users.up generated stored\n"
		"column users.up type \n"
		"foreign-key posts (author) references users (id) on update no action on delete cascade\n"
		"foreign-key posts.author initially deferred\n"
		"index by_author on posts (author desc, a collate nocase) unique where b > 0\n"
		"index by_lower on posts (<expression>) as (lower(a))\n"
		"primary-key posts (b, a)\n"
		"primary-key users (id)\n"
		"table posts\n"
		"table posts without rowid\n"
		"table users\n"
		"table users autoincrement\n"
		"trigger t as create trigger t after insert on posts begin update users set age = age + 1; end\n"
		"unique users (email collate nocase)\n"
		"view v as create view v as select * from users\n"
		"virtual-table ft as create virtual table ft using fts5(body)\n");
	leave();
}

static void a_fact_is_told_once(void)
{
	enter();
	TAP_EQ_STR(snapshot_of("CREATE TABLE t (a, CHECK (a), CHECK (a))"),
	           "check t (a)\ncolumn t.a type \ntable t\n");
	leave();
}

static void spelling_and_the_way_there_leave_no_trace(void)
{
	static const struct { const char *a, *b; } cases[] = {
		{ "CREATE TABLE t (a TEXT, b INT DEFAULT 5)", "create table \"t\"(a text); alter table t add column [b] int default 5" },
		{ "CREATE TABLE t (a CHECK (a > 0))", "CREATE TABLE x (a check(\"a\">0)) /* */; ALTER TABLE x RENAME TO t" },
		{ "CREATE TABLE t (a, b); CREATE INDEX i ON t (b)", "CREATE TABLE t (x, b); CREATE INDEX i ON \"t\"(  `b` );"
		  " ALTER TABLE t RENAME COLUMN x TO a" },
		{ "CREATE VIEW v AS SELECT 1 AS a", "CREATE VIEW IF NOT EXISTS v AS\n\tSELECT 1 AS \"a\"" },
	};
	char first[8192];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		enter();
		snprintf(first, sizeof first, "%s", snapshot_of(cases[i].a));
		leave();
		enter();
		TAP_EQ_STR(snapshot_of(cases[i].b), first);
		leave();
	}
}

static void every_difference_that_counts_shows(void)
{
	static const struct { const char *a, *b; } cases[] = {
		{ "CREATE TABLE t (a TEXT)", "CREATE TABLE t (a INT)" },
		{ "CREATE TABLE t (a)", "CREATE TABLE t (a NOT NULL)" },
		{ "CREATE TABLE t (a)", "CREATE TABLE t (a UNIQUE)" },
		{ "CREATE TABLE t (a)", "CREATE TABLE t (a COLLATE nocase)" },
		{ "CREATE TABLE t (a)", "CREATE TABLE t (a CHECK (a))" },
		{ "CREATE TABLE t (a DEFAULT 'X')", "CREATE TABLE t (a DEFAULT 'x')" },
		{ "CREATE TABLE t (a)", "CREATE TABLE t (a); CREATE INDEX i ON t (a)" },
		{ "CREATE TABLE t (a); CREATE INDEX i ON t (a)", "CREATE TABLE t (a); CREATE INDEX i ON t (a DESC)" },
		{ "CREATE TABLE t (a); CREATE INDEX i ON t (a)", "CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE a > 1" },
		{ "CREATE TABLE t (a); CREATE INDEX i ON t (a + 1)", "CREATE TABLE t (a); CREATE INDEX i ON t (a + 2)" },
		{ "CREATE TABLE t (a REFERENCES t)", "CREATE TABLE t (a REFERENCES t ON DELETE SET NULL)" },
		{ "CREATE TABLE t (a INT PRIMARY KEY)", "CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID" },
		{ "CREATE TABLE t (a INT)", "CREATE TABLE t (a INT) STRICT" },
		{ "CREATE TABLE t (a, b AS (a))", "CREATE TABLE t (a, b AS (a) STORED)" },
		{ "CREATE VIEW v AS SELECT 1", "CREATE VIEW v AS SELECT 2" },
	};
	char first[8192];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		enter();
		snprintf(first, sizeof first, "%s", snapshot_of(cases[i].a));
		leave();
		enter();
		if (!TAP_OK(strcmp(snapshot_of(cases[i].b), first) != 0))
			tap_note("%s", cases[i].b);
		leave();
	}
}

/* --- probe ----------------------------------------------------------------------- */

static void a_probe_changes_exactly_when_the_statement_has_run(void)
{
	static const char *const cases[] = {
		"CREATE TABLE new (a)", "create /* x */ table if not exists main.\"new\" (a)", "CREATE TABLE [new] AS SELECT 1 AS a",
		"CREATE INDEX i ON t (a)", "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a)", "CREATE VIEW w AS SELECT 1",
		"CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", "CREATE VIRTUAL TABLE f USING fts5(a)",
		"DROP TABLE t", "DROP TABLE IF EXISTS main.t", "DROP VIEW v", "DROP INDEX ti",
		"ALTER TABLE t ADD COLUMN b", "ALTER TABLE T RENAME TO u", "ALTER TABLE t RENAME COLUMN a TO z",
		"-- comment\nALTER TABLE 't' DROP COLUMN c",
	};
	static const char *const unknown[] = {
		"VACUUM", "REINDEX", "INSERT INTO t VALUES (1)", "PRAGMA journal_mode = wal", "CREATE TEMP TABLE x (a)",
		"CREATE TABLE other.x (a)", "", "CREATE", "ANALYZE", "CREATE TABLE IF x",
	};
	char before[128], again[128], after[128];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		enter();
		MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE t (a, c); CREATE VIEW v AS SELECT 1; CREATE INDEX ti ON t (a)"));
		MUST(drv->probe(c, cases[i], strlen(cases[i]), before, sizeof before, &err));
		MUST(drv->probe(c, cases[i], strlen(cases[i]), again, sizeof again, &err));
		TAP_EQ_STR(again, before);
		MUST(exec(c, DUNLIN_STEP_STATEMENT, cases[i]));
		MUST(drv->probe(c, cases[i], strlen(cases[i]), after, sizeof after, &err));
		if (!TAP_OK(strcmp(before, after) != 0))
			tap_note("%s: '%s'", cases[i], after);
		leave();
	}
	enter();
	for (i = 0; i < sizeof unknown / sizeof *unknown; i++)
		TAP_EQ_INT(drv->probe(c, unknown[i], strlen(unknown[i]), before, sizeof before, &err), DUNLIN_ENOTSUP);
	leave();
}

/* --- the database as a whole --------------------------------------------------------- */

static int with_path(int (*slot)(const struct dunlin_kv *, size_t, const struct dunlin_control *,
                                 struct dunlin_driver_error *), const char *path, const char *key, const char *v)
{
	struct dunlin_kv kv[] = { { "path", path }, { key, v } };

	return slot(kv, key ? 2 : 1, &ctl, &err);
}

static void create_makes_a_database_once(void)
{
	struct stat st;

	tree_enter();
	MUST(with_path(drv->create_database, "n.db", "journal_mode", "wal"));
	TAP_EQ_INT(stat("n.db", &st), 0);
	TAP_OK(st.st_size > 0);
	TAP_EQ_STR(peek("n.db", "PRAGMA journal_mode"), "wal");
	TAP_EQ_INT(with_path(drv->create_database, "n.db", NULL, NULL), DUNLIN_EBUSY);
	TAP_EQ_INT(with_path(drv->create_database, ":memory:", NULL, NULL), DUNLIN_ENOTSUP);
	TAP_EQ_INT(with_path(drv->create_database, "no/n.db", NULL, NULL), DUNLIN_ERROR);
	TAP_EQ_INT(access("n.db-dunlin.lock", F_OK), -1);
	tree_leave();
	TAP_EQ_INT(n_live, 0);
}

static void drop_removes_all_files_of_it(void)
{
	static const char *const modes[] = { "delete", "wal" };
	size_t i;

	for (i = 0; i < 2; i++) {
		tree_enter();
		MUST(try_open(&c, "t.db", "create", "1", "journal_mode", modes[i], NULL));
		MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE t (a)"));
		drv->close(c);
		MUST(with_path(drv->drop_database, "t.db", NULL, NULL));
		TAP_EQ_INT(access("t.db", F_OK), -1);
		TAP_EQ_INT(access("t.db-wal", F_OK), -1);
		TAP_EQ_INT(access("t.db-shm", F_OK), -1);
		TAP_EQ_INT(access("t.db-journal", F_OK), -1);
		TAP_EQ_INT(access("t.db-dunlin.lock", F_OK), -1);
		TAP_EQ_INT(with_path(drv->drop_database, "t.db", NULL, NULL), DUNLIN_ERROR);
		TAP_OK(strstr(err.message, "no such database file") != NULL);
		tree_leave();
	}
	c = NULL;
	TAP_EQ_INT(n_live, 0);
}

static void drop_refuses_what_is_in_use_or_no_database(void)
{
	struct helper h;

	enter();
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE t (a)"));
	MUST(drv->lock(c, "k", "me", &err));
	TAP_EQ_INT(with_path(drv->drop_database, "t.db", NULL, NULL), DUNLIN_EBUSY);
	TAP_OK(strstr(err.message, "me, process") != NULL);
	MUST(drv->unlock(c, "k", &err));
	h = start_helper("hold", "t.db", "BEGIN; SELECT * FROM t");
	TAP_EQ_INT(with_path(drv->drop_database, "t.db", NULL, NULL), DUNLIN_EBUSY);
	TAP_EQ_INT(end_helper(h), 0);
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "PRAGMA journal_mode = wal"));
	h = start_helper("hold", "t.db", "BEGIN; SELECT * FROM t");
	TAP_EQ_INT(with_path(drv->drop_database, "t.db", NULL, NULL), DUNLIN_EBUSY);
	TAP_EQ_INT(end_helper(h), 0);
	TAP_EQ_INT(access("t.db", F_OK), 0);
	tree_write("text", "a file that somebody named by mistake, and that is to stay as it is\n");
	TAP_EQ_INT(with_path(drv->drop_database, "text", NULL, NULL), DUNLIN_ERROR);
	TAP_EQ_INT(access("text", F_OK), 0);
	leave();
}

static void scratch_is_empty_and_can_be_dropped(void)
{
	char url[256], tiny[8], folder[200];

	tree_enter();
	TAP_OK(getcwd(folder, sizeof folder) != NULL);
	setenv("TMPDIR", folder, 1);
	MUST(drv->scratch(NULL, 0, &ctl, url, sizeof url, &err));
	TAP_OK(strncmp(url, "sqlite:/", 8) == 0);
	MUST(try_open(&c, url + 7, NULL));
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM sqlite_master"), "0");
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE t (a)"));
	drv->close(c);
	MUST(with_path(drv->drop_database, url + 7, NULL, NULL));
	TAP_EQ_INT(drv->scratch(NULL, 0, &ctl, tiny, sizeof tiny, &err), DUNLIN_ERROR);
	unsetenv("TMPDIR");
	c = NULL;
	leave();
}

static void drop_objects_empties_the_schema(void)
{
	tree_enter();
	MUST(try_open(&c, "t.db", "create", "1", "foreign_keys", "on", NULL));
	MUST(exec(c, DUNLIN_STEP_STATEMENT,
	          "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE q (p REFERENCES p (id));"
	          "INSERT INTO p VALUES (1); INSERT INTO q VALUES (1);"
	          "CREATE VIEW \"a \"\"view\" AS SELECT * FROM p; CREATE INDEX i ON q (p);"
	          "CREATE TRIGGER g AFTER INSERT ON p BEGIN SELECT 1; END; CREATE VIRTUAL TABLE f USING fts5(a);"
	          "CREATE TABLE ledger (a)"));
	MUST(drv->lock(c, "k", "me", &err));
	MUST(drv->drop_objects(c, &err));
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"), "0");
	TAP_EQ_STR(ask(c, "PRAGMA foreign_keys"), "1");
	MUST(drv->unlock(c, "k", &err));
	leave();
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "a snapshot is a sorted list of facts", a_snapshot_is_a_sorted_list_of_facts },
		{ "a fact is told once", a_fact_is_told_once },
		{ "spelling and the way there leave no trace", spelling_and_the_way_there_leave_no_trace },
		{ "every difference that counts shows", every_difference_that_counts_shows },
		{ "a probe changes exactly when the statement has run", a_probe_changes_exactly_when_the_statement_has_run },
		{ "create makes a database once", create_makes_a_database_once },
		{ "drop removes all files of it", drop_removes_all_files_of_it },
		{ "drop refuses what is in use or no database", drop_refuses_what_is_in_use_or_no_database },
		{ "scratch is empty and can be dropped", scratch_is_empty_and_can_be_dropped },
		{ "drop_objects empties the schema", drop_objects_empties_the_schema },
	};

	if (argc == 4)
		return helper_hold(argv[2], argv[3]);
	fixture_start();
	return tap_main("sqlite_schema", tests, sizeof tests / sizeof *tests);
}
