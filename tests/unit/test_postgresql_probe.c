/*
 * test_postgresql_probe.c - whether a statement's effect is there.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "postgresql_fixture.h"

static char answer[512];

static int probe(const char *sql)
{
	answer[0] = '\0';
	return drv->probe(c, sql, strlen(sql), answer, sizeof answer, &err);
}

static void wipe(void)
{
	MUST(drv->drop_objects(c, &err));
}

/* What each needs, and a statement whose answer is another one after it ran. */
static const struct { const char *setup, *sql; } told[] = {
	{ "", "CREATE TABLE t (a int)" },
	{ "", "create table if not exists \"T x\" as select 1 as a" },
	{ "CREATE SCHEMA s", "CREATE UNLOGGED TABLE s.t (a int)" },
	{ "CREATE TABLE t (a int)", "DROP TABLE t" },
	{ "CREATE TABLE t (a int); CREATE TABLE \"U\" (a int)", "DROP TABLE IF EXISTS public.\"U\", t CASCADE" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t ADD COLUMN b int" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE ONLY public.t ADD IF NOT EXISTS \"B b\" int DEFAULT (1 + 2), ADD d text" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t DROP a" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE IF EXISTS t DROP COLUMN IF EXISTS a CASCADE" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t ALTER a TYPE bigint" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t ALTER COLUMN a SET DEFAULT 5" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t ALTER a SET NOT NULL" },
	{ "CREATE TABLE t (a text)", "ALTER TABLE t ALTER a SET STORAGE external" },
	{ "CREATE TABLE t (a text)", "ALTER TABLE t ALTER a SET (n_distinct = 5)" },
	{ "CREATE TABLE t (a int NOT NULL)", "ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY" },
	{ "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY)", "ALTER TABLE t ALTER a SET INCREMENT 7" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t RENAME a TO b" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t RENAME TO u" },
	{ "CREATE TABLE t (a int CONSTRAINT k CHECK (a > 1))", "ALTER TABLE t RENAME CONSTRAINT k TO l" },
	{ "CREATE TABLE t (a int); CREATE SCHEMA s", "ALTER TABLE t SET SCHEMA s" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t OWNER TO pg_monitor" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t SET (fillfactor = 50)" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t SET UNLOGGED" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t ENABLE ROW LEVEL SECURITY" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t REPLICA IDENTITY FULL" },
	{ "CREATE TABLE t (a int PRIMARY KEY)", "ALTER TABLE t CLUSTER ON t_pkey" },
	{ "CREATE TABLE p (a int); CREATE TABLE t (a int)", "ALTER TABLE t INHERIT p" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1)" },
	{ "CREATE TABLE t (a int)", "ALTER TABLE t ADD UNIQUE (a)" },
	{ "CREATE TABLE t (a int CONSTRAINT k UNIQUE)", "ALTER TABLE t DROP CONSTRAINT k" },
	{ "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT k" },
	{ "CREATE TABLE p (a int PRIMARY KEY); CREATE TABLE t (a int CONSTRAINT k REFERENCES p)", "ALTER TABLE t ALTER CONSTRAINT k DEFERRABLE" },
	{ "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()",
	  "ALTER TABLE t DISABLE TRIGGER g" },
	{ "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE p (a int)", "ALTER TABLE t ATTACH PARTITION p FOR VALUES IN (1)" },
	{ "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE p PARTITION OF t FOR VALUES IN (1)", "ALTER TABLE t DETACH PARTITION p" },
	{ "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE p PARTITION OF t FOR VALUES IN (1)", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY" },
	{ "CREATE TABLE t (a int)", "CREATE INDEX i ON t (a)" },
	{ "CREATE TABLE t (a int)", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)" },
	{ "CREATE TABLE t (a int); CREATE INDEX ON t (a)", "CREATE INDEX CONCURRENTLY ON t USING btree (a)" },
	{ "CREATE TABLE t (a int)", "CREATE INDEX CONCURRENTLY ON t ((a + 1), a DESC)" },
	{ "CREATE TABLE t (a text)", "CREATE INDEX CONCURRENTLY ON t (a text_pattern_ops, lower(a))" },
	{ "CREATE TABLE a_table_with_a_name_that_is_quite_long_and_longer_than_that (a_column_with_a_name_that_is_quite_long_and_longer_than_that int)",
	  "CREATE INDEX CONCURRENTLY ON a_table_with_a_name_that_is_quite_long_and_longer_than_that (a_column_with_a_name_that_is_quite_long_and_longer_than_that)" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "DROP INDEX CONCURRENTLY i" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "ALTER INDEX i RENAME TO j" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "ALTER INDEX i SET (fillfactor = 50)" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t ((a + 1))", "ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 5" },
	{ "", "CREATE VIEW v AS SELECT 1 AS a" },
	{ "CREATE VIEW v AS SELECT 1 AS a", "CREATE OR REPLACE VIEW v AS SELECT 2 AS a" },
	{ "CREATE VIEW v AS SELECT 1 AS a", "ALTER VIEW v SET (security_barrier)" },
	{ "CREATE VIEW v AS SELECT 1 AS a", "DROP VIEW v" },
	{ "", "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a" },
	{ "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a", "DROP MATERIALIZED VIEW v" },
	{ "", "CREATE SEQUENCE s" },
	{ "CREATE SEQUENCE s", "ALTER SEQUENCE s INCREMENT 5" },
	{ "CREATE TABLE t (a int); CREATE SEQUENCE s", "ALTER SEQUENCE s OWNED BY t.a" },
	{ "CREATE SEQUENCE s", "DROP SEQUENCE s" },
	{ "", "CREATE FUNCTION f(a int, b text DEFAULT (1)) RETURNS int LANGUAGE sql AS 'SELECT 1'" },
	{ "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 2'" },
	{ "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f(int)" },
	{ "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "ALTER FUNCTION public.f(int) STABLE" },
	{ "", "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'" },
	{ "CREATE AGGREGATE g (int) (sfunc = int4pl, stype = int)", "DROP AGGREGATE g (int)" },
	{ "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
	  "CREATE TRIGGER g AFTER INSERT OR UPDATE ON t FOR EACH ROW WHEN (NEW.a > (1)) EXECUTE FUNCTION f()" },
	{ "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()",
	  "DROP TRIGGER IF EXISTS g ON public.t" },
	{ "CREATE TABLE t (a int)", "CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING" },
	{ "CREATE TABLE t (a int)", "CREATE POLICY p ON t USING (a > 1)" },
	{ "CREATE TABLE t (a int); CREATE POLICY p ON t USING (a > 1)", "ALTER POLICY p ON t USING (a > 2)" },
	{ "CREATE TABLE t (a int); CREATE POLICY p ON t USING (a > 1)", "DROP POLICY p ON t" },
	{ "", "CREATE TYPE m AS ENUM ('a')" },
	{ "CREATE TYPE m AS ENUM ('a')", "ALTER TYPE m ADD VALUE 'b' BEFORE 'a'" },
	{ "CREATE TYPE m AS (a int)", "ALTER TYPE m ADD ATTRIBUTE b int" },
	{ "CREATE TYPE m AS ENUM ('a')", "DROP TYPE m" },
	{ "", "CREATE DOMAIN d AS int" },
	{ "CREATE DOMAIN d AS int", "ALTER DOMAIN d ADD CHECK (VALUE > 1)" },
	{ "CREATE DOMAIN d AS int", "DROP DOMAIN d" },
	{ "", "CREATE SCHEMA s" },
	{ "CREATE SCHEMA s", "ALTER SCHEMA s RENAME TO r" },
	{ "CREATE SCHEMA s", "DROP SCHEMA s" },
	{ "", "CREATE EXTENSION citext" },
	{ "CREATE EXTENSION citext; CREATE SCHEMA s", "ALTER EXTENSION citext SET SCHEMA s" },
	{ "CREATE EXTENSION citext", "DROP EXTENSION citext" },
	{ "", "CREATE PUBLICATION p" },
	{ "CREATE TABLE t (a int); CREATE PUBLICATION p", "ALTER PUBLICATION p ADD TABLE t" },
	{ "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", "CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f()" },
	{ "CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER w" },
	{ "CREATE FOREIGN DATA WRAPPER w", "DROP FOREIGN DATA WRAPPER w" },
	{ "CREATE TABLE t (a int, b int)", "CREATE STATISTICS s ON a, b FROM t" },
	{ "", "CREATE COLLATION k (locale = 'C')" },
};

static void each_statement_shows_once_it_ran(void)
{
	char before[sizeof answer];
	size_t i;

	enter();
	for (i = 0; i < sizeof told / sizeof *told; i++) {
		raw(pg, told[i].setup);
		if (!TAP_EQ_INT(probe(told[i].sql), DUNLIN_OK)) {
			tap_note("%s: %s", told[i].sql, err.message);
			wipe();
			continue;
		}
		snprintf(before, sizeof before, "%s", answer);
		MUST(probe(told[i].sql));
		TAP_EQ_STR(answer, before);
		raw(pg, told[i].sql);
		MUST(probe(told[i].sql));
		if (!TAP_OK(strcmp(answer, before) != 0))
			tap_note("%s: %s before and after", told[i].sql, before);
		wipe();
	}
	leave();
}

static void databases_roles_and_the_like(void)
{
	static const char *const sql[] = {
		"CREATE DATABASE %s", "ALTER DATABASE %s CONNECTION LIMIT 5", "ALTER DATABASE %s SET work_mem = '5MB'", "DROP DATABASE %s",
		"CREATE ROLE %s", "ALTER ROLE %s LOGIN", "ALTER USER %s SET work_mem = '5MB'", "DROP ROLE %s",
		"CREATE SUBSCRIPTION %s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)", "ALTER SUBSCRIPTION %s ADD PUBLICATION q WITH (refresh = false)",
		"ALTER SUBSCRIPTION %s SET (slot_name = NONE)", "DROP SUBSCRIPTION %s",
	};
	char before[sizeof answer], text[256];
	size_t i;

	enter();
	db_drop('x');
	for (i = 0; i < sizeof sql / sizeof *sql; i++) {
		snprintf(text, sizeof text, sql[i], db_name('x'));
		MUST(probe(text));
		snprintf(before, sizeof before, "%s", answer);
		raw(pg, text);
		MUST(probe(text));
		if (!TAP_OK(strcmp(answer, before) != 0))
			tap_note("%s: %s before and after", text, before);
	}
	leave();
}

/* What others do meanwhile is not taken for the statement. */
static void what_others_do_proves_nothing(void)
{
	static const struct { const char *setup, *sql, *others; } cases[] = {
		{ "CREATE TABLE t (a int, b int)", "CREATE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX j ON t (a)" },
		{ "CREATE TABLE t (a int, b int)", "CREATE INDEX CONCURRENTLY ON t (a)", "CREATE INDEX j ON t (a); CREATE INDEX ON t (b); CREATE INDEX ON t (a, b)" },
		{ "CREATE TABLE t (a int, b int)", "CREATE INDEX CONCURRENTLY i ON t (a)",
		  "CREATE INDEX i ON t (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass" },
		{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "DROP INDEX CONCURRENTLY i", "UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'i'::regclass" },
		{ "CREATE TABLE t (a int)", "ALTER TABLE t ADD b int", "ALTER TABLE t ADD d int; CREATE INDEX ON t (a); ALTER TABLE t ADD CHECK (a > 1)" },
		{ "CREATE TABLE t (a int, b int)", "ALTER TABLE t ALTER a SET NOT NULL", "ALTER TABLE t ALTER b SET NOT NULL, SET (fillfactor = 50)" },
		{ "CREATE TABLE t (a int)", "DROP TABLE t", "ALTER TABLE t ADD d int; INSERT INTO t VALUES (1); ANALYZE t; TRUNCATE t; GRANT SELECT ON t TO PUBLIC" },
		{ "CREATE TABLE t (a int)", "ALTER TABLE t SET (fillfactor = 50)", "INSERT INTO t VALUES (1); ANALYZE t; TRUNCATE t; COMMENT ON TABLE t IS 'x'" },
		{ "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE p PARTITION OF t FOR VALUES IN (1)", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
		  "CREATE TABLE q PARTITION OF t FOR VALUES IN (2); UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'p'::regclass" },
		{ "CREATE SCHEMA s", "CREATE TABLE t (a int)", "CREATE TABLE s.t (a int)" },
		{ "CREATE SEQUENCE s", "ALTER SEQUENCE s INCREMENT 5", "SELECT nextval('s')" },
		{ "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a", "DROP MATERIALIZED VIEW v", "REFRESH MATERIALIZED VIEW v" },
	};
	char before[sizeof answer];
	size_t i;

	enter();
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		raw(pg, cases[i].setup);
		MUST(probe(cases[i].sql));
		snprintf(before, sizeof before, "%s", answer);
		raw(pg, cases[i].others);
		MUST(probe(cases[i].sql));
		if (!TAP_EQ_STR(answer, before))
			tap_note("%s; %s", cases[i].sql, cases[i].others);
		wipe();
	}
	leave();
}

static void one_of_the_same_name_is_another(void)
{
	char before[sizeof answer];

	enter();
	raw(pg, "CREATE TABLE t (a int); CREATE INDEX i ON t (a)");
	MUST(probe("DROP INDEX CONCURRENTLY i"));
	snprintf(before, sizeof before, "%s", answer);
	raw(pg, "DROP INDEX i; CREATE INDEX i ON t (a)");
	MUST(probe("DROP INDEX CONCURRENTLY i"));
	TAP_OK(strcmp(answer, before) != 0);
	leave();
}

static void what_cannot_be_told_is_not_told(void)
{
	static const char *const sql[] = {
		"", ";", "SELECT 1", "INSERT INTO t VALUES (1)", "VACUUM t", "VACUUM", "REINDEX TABLE CONCURRENTLY t", "REFRESH MATERIALIZED VIEW v", "CLUSTER",
		"ALTER SYSTEM SET work_mem = 5", "DO 'BEGIN END'", "CALL p()", "CREATE TEMP TABLE x (a int)", "CREATE TEMPORARY VIEW x AS SELECT 1",
		"CREATE INDEX CONCURRENTLY i ON no_such_table (a)", "ALTER TABLE no_such_table ADD a int", "CREATE INDEX ON tmp (a)", "DROP TABLE tmp",
		"ALTER ROLE postgres PASSWORD 'x'", "CREATE", "CREATE TABLE", "CREATE TABLE .", "CREATE INDEX CONCURRENTLY", "CREATE INDEX CONCURRENTLY i", "ALTER TABLE",
		"DROP", "DROP OWNED BY x", "CREATE TABLE U&\"t\" (a int)", "GRANT SELECT ON t TO PUBLIC", "ALTER TABLE ALL IN TABLESPACE x SET TABLESPACE y",
		"CREATE SCHEMA AUTHORIZATION x", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "ALTER TABLE t ADD", "CREATE INDEX CONCURRENTLY ON t (",
	};
	size_t i;

	enter();
	MUST(exec(c, "CREATE TEMP TABLE tmp (a int)"));
	for (i = 0; i < sizeof sql / sizeof *sql; i++) {
		if (!TAP_EQ_INT(probe(sql[i]), DUNLIN_ENOTSUP))
			tap_note("%s: %s", sql[i], answer);
	}
	leave();
}

/* What an unqualified name means depends on the search path, which is told first. */
static int is_same_context(const char *a, const char *b)
{
	size_t n = strcspn(a, ":");

	return a[n] == ':' && n == strcspn(b, ":") && memcmp(a, b, n) == 0;
}

static void a_name_is_seen_under_the_path_of_the_session(void)
{
	static const char cic[] = "CREATE INDEX CONCURRENTLY i ON t (a)", qualified[] = "CREATE INDEX CONCURRENTLY i ON s.t (a)";
	char before[sizeof answer], other[sizeof answer];

	enter();
	raw(pg, "CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE TABLE t (a int)");
	MUST(probe(qualified));
	snprintf(other, sizeof other, "%s", answer);
	MUST(probe(cic));
	snprintf(before, sizeof before, "%s", answer);
	TAP_OK(strchr(before, ':') != NULL);
	MUST(exec(c, "SET search_path = s"));
	MUST(probe(cic));
	TAP_OK(!is_same_context(answer, before));
	MUST(probe("DROP TABLE t"));
	TAP_OK(!is_same_context(answer, before));
	MUST(probe(qualified));
	TAP_EQ_STR(answer, other);
	MUST(exec(c, "RESET search_path"));
	MUST(probe(cic));
	TAP_EQ_STR(answer, before);
	MUST(drv->reset_session(c, &err));
	MUST(probe(cic));
	TAP_EQ_STR(answer, before);
	leave();
}

static void a_small_room_is_no_answer(void)
{
	char small[4];

	enter();
	raw(pg, "CREATE TABLE t (a int)");
	TAP_EQ_INT(drv->probe(c, "DROP TABLE t", 12, small, sizeof small, &err), DUNLIN_ENOTSUP);
	leave();
}

static void without_memory_nothing_leaks(void)
{
	static const char *const sql[] = {
		"CREATE INDEX CONCURRENTLY ON t (a, (b + 1))", "ALTER TABLE t ADD d int, DROP COLUMN b, SET (fillfactor = 50)", "DROP TRIGGER x ON t",
	};
	unsigned long k;
	size_t i;

	enter();
	raw(pg, "CREATE TABLE t (a int, b int)");
	for (i = 0; i < sizeof sql / sizeof *sql; i++) {
		int status = DUNLIN_ENOMEM;

		for (k = 1; status != DUNLIN_OK && k < 300; k++) {
			n_alloc = 0;
			fail_at = k;
			status = probe(sql[i]);
			if (status != DUNLIN_OK)
				TAP_EQ_INT(status, DUNLIN_ENOMEM);
		}
		fail_at = 0;
		TAP_EQ_INT(status, DUNLIN_OK);
		TAP_OK(k > 3);
	}
	leave();
}

static const struct tap_test tests[] = {
	{ "each statement shows once it ran", each_statement_shows_once_it_ran },
	{ "databases, roles and the like", databases_roles_and_the_like },
	{ "what others do proves nothing", what_others_do_proves_nothing },
	{ "one of the same name is another", one_of_the_same_name_is_another },
	{ "what cannot be told is not told", what_cannot_be_told_is_not_told },
	{ "a name is seen under the path of the session", a_name_is_seen_under_the_path_of_the_session },
	{ "a small room is no answer", a_small_room_is_no_answer },
	{ "without memory nothing leaks", without_memory_nothing_leaks },
};

int main(void)
{
	int rc;

	if (!fixture_start()) {
		printf("1..0 # SKIP DUNLIN_TEST_POSTGRESQL_URL is not set\n");
		return 0;
	}
	rc = tap_main("postgresql_probe", tests, sizeof tests / sizeof *tests);
	fixture_end();
	return rc;
}
