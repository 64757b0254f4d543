/*
 * test_postgresql_snapshot.c - the schema of a PostgreSQL database as facts.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "drivers/postgresql/snapshot.h"
#include "postgresql_fixture.h"

/* --- taking one ------------------------------------------------------------------------ */

static char facts[65536];
static size_t n_fact;

static int take_fact(void *arg, const char *fact, size_t len)
{
	size_t at = strlen(facts);

	(void)arg;
	n_fact++;
	snprintf(facts + at, sizeof facts - at, "%.*s\n", (int)len, fact);
	return 0;
}

static const char *snapshot(struct dunlin_conn *conn)
{
	static const char *const ignore[] = { "dunlin_migrations", "dunlin_migrations_events", "kb.ledger" };

	facts[0] = '\0';
	n_fact = 0;
	MUST(drv->snapshot(conn, ignore, 3, take_fact, NULL, &err));
	return facts;
}

static const char *snapshot_of(const char *sql)
{
	raw(pg, sql);
	return snapshot(c);
}

/* The database as it was made, but for default privileges. */
static void wipe(void)
{
	MUST(drv->drop_objects(c, &err));
	raw(pg, "COMMENT ON SCHEMA public IS 'standard public schema'");
}

/* Is this line among them? */
static int has(const char *line)
{
	size_t len = strlen(line);
	const char *p;

	for (p = facts; (p = strstr(p, line)); p++)
		if ((p == facts || p[-1] == '\n') && p[len] == '\n')
			return 1;
	return 0;
}

/* Without what every database has. */
static const char *without_owners(void)
{
	static char kept[sizeof facts];
	const char *p, *end;
	size_t n = 0;

	for (p = facts; (end = strchr(p, '\n')); p = end + 1) {
		if (strncmp(p, "owner ", 6) == 0 || strncmp(p, "extension plpgsql", 17) == 0 || strncmp(p, "grant usage on schema public", 28) == 0)
			continue;
		memcpy(kept + n, p, (size_t)(end - p) + 1);
		n += (size_t)(end - p) + 1;
	}
	kept[n] = '\0';
	return kept;
}

/* --- what they say ---------------------------------------------------------------------- */

static void a_snapshot_is_a_sorted_list_of_facts(void)
{
	enter();
	snapshot_of(
		"CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL UNIQUE COLLATE \"C\","
		"  age int DEFAULT (1+2) CHECK (age > 0), up text GENERATED ALWAYS AS (upper(email)) STORED);"
		"CREATE TABLE posts (a text, b int, author bigint REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,"
		"  PRIMARY KEY (b, a), CHECK (a <> 'x, (' OR b IN (1, 2)));"
		"CREATE UNIQUE INDEX by_author ON posts (author DESC, a COLLATE \"POSIX\") WHERE b > 0;"
		"CREATE INDEX by_lower ON posts (lower(a));"
		"CREATE VIEW v AS SELECT count(*) AS n FROM  users -- comment\n;"
		"CREATE TYPE mood AS ENUM ('sad', 'it''s'); ALTER TABLE posts ADD m mood DEFAULT 'sad';"
		"CREATE TABLE dunlin_migrations (id serial PRIMARY KEY); COMMENT ON TABLE dunlin_migrations IS 'x';"
		"CREATE INDEX lm ON dunlin_migrations (id); CREATE SCHEMA kb; CREATE TABLE kb.ledger (id bigint GENERATED ALWAYS AS IDENTITY)");
	TAP_EQ_STR(without_owners(),
		"check posts ((a <> 'x, ('::text) OR (b = ANY (ARRAY[1, 2])))\n"
		"check users (age > 0)\n"
		"column posts.a not null\n"
		"column posts.a type text\n"
		"column posts.author type bigint\n"
		"column posts.b not null\n"
		"column posts.b type integer\n"
		"column posts.m default 'sad'::public.mood\n"
		"column posts.m type mood\n"
		"column users.age default 1 + 2\n"
		"column users.age type integer\n"
		"column users.email collate C\n"
		"column users.email not null\n"
		"column users.email type character varying(255)\n"
		"column users.id identity always\n"
		"column users.id not null\n"
		"column users.id type bigint\n"
		"column users.up as (upper((email)::text))\n"
		"column users.up generated stored\n"
		"column users.up type text\n"
		"constraint posts.posts_author_fkey FOREIGN KEY (author) REFERENCES public.users(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED\n"
		"constraint posts.posts_check CHECK (((a <> 'x, ('::text) OR (b = ANY (ARRAY[1, 2]))))\n"
		"constraint posts.posts_pkey PRIMARY KEY (b, a)\n"
		"constraint users.users_age_check CHECK ((age > 0))\n"
		"constraint users.users_email_key UNIQUE (email)\n"
		"constraint users.users_pkey PRIMARY KEY (id)\n"
		"foreign-key posts (author) references users (id) on update no action on delete cascade\n"
		"foreign-key posts.author initially deferred\n"
		"index by_author on posts (author desc, a collate POSIX) unique where b > 0\n"
		"index by_lower on posts (lower(a))\n"
		"primary-key posts (b, a)\n"
		"primary-key users (id)\n"
		"sequence users_id_seq owned by users.id\n"
		"sequence users_id_seq type bigint start 1 increment 1 min 1 max 9223372036854775807 cache 1\n"
		"table posts\n"
		"table users\n"
		"type mood enum ('sad', 'it''s')\n"
		"unique users (email)\n"
		"view v as SELECT count(*) AS n FROM public.users\n");
	leave();
}

/* Each kind of object, and a fact that tells it. */
static const struct { const char *sql, *fact; } kinds[] = {
	{ "CREATE SCHEMA app", "schema app" },
	{ "CREATE SCHEMA app; CREATE TABLE app.\"T x\" (\"a.b\" int)", "column app.\"T x\".\"a.b\" type integer" },
	{ "CREATE TABLE \"order\" (\"user\" int)", "column order.user type integer" },
	{ "CREATE TABLE \"Grünes\" (\"Überhang\" int)", "column Grünes.Überhang type integer" },
	{ "CREATE UNLOGGED TABLE t ()", "table t unlogged" },
	{ "CREATE TABLE t () WITH (fillfactor=70, toast.autovacuum_enabled=off); ALTER TABLE t ADD x text", "table t option fillfactor=70" },
	{ "CREATE TABLE t (x text) WITH (toast.autovacuum_enabled=off)", "table t option toast.autovacuum_enabled=off" },
	{ "CREATE TABLE t (a int) PARTITION BY RANGE (a)", "table t partition by RANGE (a)" },
	{ "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2)",
	  "table t1 partition of t FOR VALUES IN (1, 2)" },
	{ "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t DEFAULT; CREATE INDEX i ON t (a)",
	  "index t1_a_idx partition of i" },
	{ "CREATE TABLE a (x int); CREATE TABLE b (y int); CREATE TABLE t () INHERITS (b, a)", "table t inherits b, a" },
	{ "CREATE TYPE c AS (a int); CREATE TABLE t OF c", "table t of c" },
	{ "CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", "table t row security forced" },
	{ "CREATE TABLE t (a int); ALTER TABLE t REPLICA IDENTITY FULL", "table t replica identity full" },
	{ "CREATE TABLE t (a int PRIMARY KEY); ALTER TABLE t CLUSTER ON t_pkey", "table t clustered on t_pkey" },
	{ "CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY)", "column t.a identity by default" },
	{ "CREATE TABLE t (a timestamptz DEFAULT '2020-01-01 00:00+02')", "column t.a default '2019-12-31 22:00:00+00'::timestamp with time zone" },
	{ "CREATE TABLE t (a text); ALTER TABLE t ALTER a SET STORAGE EXTERNAL", "column t.a storage external" },
	{ "CREATE TABLE t (a text COMPRESSION pglz)", "column t.a compression pglz" },
	{ "CREATE TABLE t (a text); ALTER TABLE t ALTER a SET STATISTICS 7", "column t.a statistics 7" },
	{ "CREATE TABLE t (a text); ALTER TABLE t ALTER a SET (n_distinct=-0.5)", "column t.a option n_distinct=-0.5" },
	{ "CREATE TABLE t (a int, b int, UNIQUE NULLS NOT DISTINCT (b, a))", "unique t (b, a) nulls not distinct" },
	{ "CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 1) NO INHERIT)", "check t (a > 1) no inherit" },
	{ "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1) NOT VALID", "constraint t.k CHECK ((a > 1)) NOT VALID" },
	{ "CREATE TABLE t (a int UNIQUE DEFERRABLE)", "constraint t.t_a_key UNIQUE (a) DEFERRABLE" },
	{ "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE t (x int, y int, FOREIGN KEY (y, x) REFERENCES p MATCH FULL ON UPDATE SET NULL)",
	  "foreign-key t (y, x) references p (a, b) match full on update set null on delete no action" },
	{ "CREATE TABLE t (r int4range, EXCLUDE USING gist (r WITH &&))", "exclude t USING gist (r WITH &&)" },
	{ "CREATE TABLE t (a text, b int); CREATE INDEX i ON t (b NULLS FIRST, a text_pattern_ops DESC NULLS LAST) INCLUDE (b) WITH (fillfactor=50)",
	  "index i on t (b nulls first, a text_pattern_ops desc nulls last) include (b)" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t USING hash (a) WITH (fillfactor=50)", "index i option fillfactor=50" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t USING hash (a)", "index i on t (a) using hash" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t ((a + 1)); ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 9", "index i column 1 statistics 9" },
	{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass", "index i invalid" },
	{ "CREATE SEQUENCE s AS int START 5 INCREMENT -2 MINVALUE -9 MAXVALUE 10 CYCLE CACHE 3",
	  "sequence s type integer start 5 increment -2 min -9 max 10 cache 3 cycle" },
	{ "CREATE TABLE t (a serial)", "sequence t_a_seq owned by t.a" },
	{ "CREATE VIEW v WITH (security_barrier) AS SELECT 1 AS a", "view v option security_barrier=true" },
	{ "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a", "materialized-view v as SELECT 1 AS a" },
	{ "CREATE VIEW v AS SELECT 1 AS a; CREATE RULE r AS ON INSERT TO v DO INSTEAD NOTHING",
	  "rule r on v as CREATE RULE r AS ON INSERT TO public.v DO INSTEAD NOTHING;" },
	{ "CREATE FUNCTION f(a int, b text DEFAULT 'x') RETURNS text LANGUAGE plpgsql STABLE AS E'\nBEGIN\n\t-- a \\\\ b\n\tRETURN 1;\nEND'",
	  "function f(a integer, b text) as CREATE OR REPLACE FUNCTION public.f(a integer, b text DEFAULT 'x'::text) RETURNS text LANGUAGE plpgsql"
	  " STABLE AS $function$\\nBEGIN\\n\\t-- a \\\\ b\\n\\tRETURN 1;\\nEND$function$" },
	{ "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x + 1; END",
	  "function f(x integer) as CREATE OR REPLACE FUNCTION public.f(x integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT (x + 1); END" },
	{ "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'",
	  "procedure p() as CREATE OR REPLACE PROCEDURE public.p() LANGUAGE sql AS $procedure$SELECT 1$procedure$" },
	{ "CREATE AGGREGATE a (int) (sfunc = int4pl, stype = int, initcond = '0')", "aggregate a(integer) as sfunc int4pl stype integer initcond '0'" },
	{ "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';"
	  "CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION f('x')",
	  "trigger g on t as CREATE TRIGGER g BEFORE UPDATE OF a ON public.t FOR EACH ROW WHEN ((new.a > 1)) EXECUTE FUNCTION public.f('x')" },
	{ "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';"
	  "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER g", "trigger g on t disabled" },
	{ "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
	  "CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'ALTER TABLE') EXECUTE FUNCTION f()",
	  "event-trigger e on ddl_command_end tags ALTER TABLE, DROP TABLE execute public.f()" },
	{ "CREATE TYPE m AS ENUM ('b', 'c'); ALTER TYPE m ADD VALUE 'a' BEFORE 'b'", "type m enum ('a', 'b', 'c')" },
	{ "CREATE TYPE m AS (b text COLLATE \"C\", a varchar(3))", "type m as (b text collate C, a character varying(3))" },
	{ "CREATE TYPE m AS RANGE (subtype = float8, subtype_diff = float8mi)", "type m range (subtype double precision, subtype_diff float8mi)" },
	{ "CREATE TYPE m", "type m shell" },
	{ "CREATE DOMAIN d AS text NOT NULL DEFAULT 'x' CONSTRAINT k CHECK (VALUE <> '')", "domain d constraint k CHECK ((VALUE <> ''::text))" },
	{ "CREATE DOMAIN d AS text NOT NULL DEFAULT 'x'", "domain d default 'x'::text" },
	{ "CREATE DOMAIN d AS varchar(3) NOT NULL", "domain d type character varying(3)" },
	{ "CREATE EXTENSION citext", "extension citext schema public" },
	{ "CREATE TABLE t (a int); CREATE POLICY p ON t AS RESTRICTIVE FOR UPDATE USING (a > 1) WITH CHECK (a > 2)",
	  "policy p on t restrictive for update to PUBLIC using ((a > 1)) with check ((a > 2))" },
	{ "CREATE TABLE t (a int); GRANT SELECT ON t TO PUBLIC", "grant select on table t to PUBLIC" },
	{ "CREATE TABLE t (a int); GRANT UPDATE (a) ON t TO pg_monitor WITH GRANT OPTION", "grant update on column t.a to pg_monitor with grant option" },
	{ "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f() FROM PUBLIC", "revoke execute on function f() from PUBLIC" },
	{ "CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO pg_monitor", "grant usage on schema s to pg_monitor" },
	{ "CREATE SEQUENCE s; GRANT USAGE ON SEQUENCE s TO pg_monitor", "grant usage on sequence s to pg_monitor" },
	{ "CREATE TYPE m AS ENUM (); REVOKE USAGE ON TYPE m FROM PUBLIC", "revoke usage on type m from PUBLIC" },
	{ "CREATE TABLE t (a int); ALTER TABLE t OWNER TO pg_monitor", "owner table t pg_monitor" },
	{ "CREATE TABLE t (a int); COMMENT ON COLUMN t.a IS E'two\nlines'", "comment on column t.a is 'two\\nlines'" },
	{ "CREATE TABLE t (a int CONSTRAINT k CHECK (a > 1)); COMMENT ON CONSTRAINT k ON t IS 'c'", "comment on constraint k on t is 'c'" },
	{ "COMMENT ON SCHEMA public IS 'ours'", "comment on schema public is 'ours'" },
	{ "CREATE TABLE t (a int); CREATE PUBLICATION p FOR TABLE t (a) WHERE (a > 1) WITH (publish = 'insert')", "publication p table t (a)" },
	{ "CREATE TABLE t (a int); CREATE PUBLICATION p FOR TABLE t (a) WHERE (a > 1) WITH (publish = 'insert')", "publication p table t where a > 1" },
	{ "CREATE PUBLICATION p FOR ALL TABLES", "publication p for all tables publish insert, update, delete, truncate" },
	{ "CREATE SCHEMA s; CREATE PUBLICATION p FOR TABLES IN SCHEMA s", "publication p schema s" },
	{ "CREATE TABLE t (a int, b int); CREATE STATISTICS s (dependencies) ON a, b FROM t",
	  "statistics s as CREATE STATISTICS public.s (dependencies) ON a, b FROM public.t" },
	{ "CREATE FOREIGN DATA WRAPPER w OPTIONS (x '1'); CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password 'hunter2')", "server s option password=(hidden)" },
	{ "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s VERSION '3' FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'hunter2')",
	  "user-mapping PUBLIC server s" },
	{ "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE ft (a int OPTIONS (k 'v')) SERVER s OPTIONS (t 'u')",
	  "foreign-table ft option t=u" },
	{ "CREATE COLLATION k (provider = libc, locale = 'C')", "collation k provider libc lc_collate 'C' lc_ctype 'C'" },
	{ "CREATE TYPE m AS ENUM (); CREATE CAST (m AS int) WITH INOUT AS ASSIGNMENT", "cast (public.m as integer) with inout as assignment" },
	{ "CREATE FUNCTION f(int, text) RETURNS bool LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR === (leftarg = int, rightarg = text, function = f)",
	  "operator === (integer, text) function public.f(integer,text)" },
	{ "CREATE OPERATOR FAMILY x USING btree; CREATE OPERATOR CLASS x FOR TYPE int USING btree FAMILY x AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)",
	  "operator-family x using btree function 1 (integer, integer) btint4cmp(integer,integer)" },
	{ "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, stopwords = english)", "text-search-dictionary d template simple stopwords = 'english'" },
	{ "CREATE TEXT SEARCH CONFIGURATION k (COPY = simple)", "text-search-configuration k token word dictionaries simple" },
	{ "CREATE SCHEMA s; ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO pg_monitor",
	  "default-privileges for CURRENT in schema s grant select on tables to pg_monitor" },
	{ "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC", "default-privileges for CURRENT revoke execute on functions from PUBLIC" },
};

static void each_kind_of_object_is_told(void)
{
	char want[512];
	const char *current;
	size_t i;

	enter();
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		snapshot_of(kinds[i].sql);
		current = strstr(kinds[i].fact, "CURRENT");
		if (current)
			snprintf(want, sizeof want, "%.*s%s%s", (int)(current - kinds[i].fact), kinds[i].fact, PQuser(pg), current + 7);
		else
			snprintf(want, sizeof want, "%s", kinds[i].fact);
		if (!has(want)) {
			tap_note("%s: no '%s' in:\n%s", kinds[i].sql, want, without_owners());
			TAP_OK(!"the fact is there");
		}
		TAP_OK(!strstr(facts, "hunter2"));
		wipe();
		if (!strstr(kinds[i].sql, "DEFAULT PRIVILEGES"))
			TAP_EQ_STR((snapshot(c), without_owners()), "");
	}
	leave();
}

static void subscriptions_without_their_password(void)
{
	enter();
	snapshot_of("CREATE SUBSCRIPTION s CONNECTION 'dbname=x password=hunter2' PUBLICATION b, a WITH (connect = false)");
	TAP_OK(has("subscription s publications a, b disabled"));
	TAP_OK(!strstr(facts, "hunter2"));
	raw(pg, "ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s");
	leave();
}

/* --- what they leave out ------------------------------------------------------------------ */

static void what_an_extension_brings_is_left_out(void)
{
	enter();
	snapshot_of("CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION pg_stat_statements");
	TAP_EQ_STR(without_owners(), "extension citext schema public\nextension hstore schema public\nextension pg_stat_statements schema public\n");
	leave();
}

static void the_way_there_leaves_no_trace(void)
{
	static const struct { const char *a, *b; } cases[] = {
		{ "CREATE TABLE t (a text, b int DEFAULT 5)", "CREATE TABLE t (b int); ALTER TABLE t ALTER b SET DEFAULT 5, ADD x int, ADD a text; ALTER TABLE t DROP x" },
		{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a); CREATE TABLE u (a int)",
		  "CREATE TABLE u (a int); CREATE TABLE t (z int); CREATE INDEX j ON t (z); ALTER INDEX j RENAME TO i; ALTER TABLE t RENAME z TO a" },
		{ "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 100)",
		  "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 100); ANALYZE t; TRUNCATE t" },
		{ "CREATE SEQUENCE s; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
		  "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a WITH NO DATA; CREATE SEQUENCE s; SELECT nextval('s')" },
		{ "CREATE TABLE t (a int); GRANT SELECT, INSERT ON t TO pg_monitor",
		  "CREATE TABLE t (a int); GRANT INSERT ON t TO PUBLIC; GRANT INSERT ON t TO pg_monitor; GRANT SELECT ON t TO pg_monitor; REVOKE INSERT ON t FROM PUBLIC" },
		{ "CREATE TABLE t (a int)", "CREATE TABLE t (a int); GRANT SELECT ON t TO pg_monitor; REVOKE SELECT ON t FROM pg_monitor" },
		{ "CREATE TYPE m AS ENUM ('a', 'b')", "CREATE TYPE m AS ENUM ('x'); ALTER TYPE m ADD VALUE 'b'; ALTER TYPE m RENAME VALUE 'x' TO 'a'" },
		{ "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE p PARTITION OF t FOR VALUES IN (1)",
		  "CREATE TABLE p (a int); CREATE TABLE t (a int) PARTITION BY LIST (a); ALTER TABLE t ATTACH PARTITION p FOR VALUES IN (1)" },
		{ "CREATE TABLE t (a varchar(9) CONSTRAINT k CHECK (a IN ('x', 'y')))",
		  "CREATE TABLE t (a varchar(9) CONSTRAINT k CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text]))))" },
		{ "CREATE TABLE t (a int)", "CREATE TEMP TABLE x (b int); CREATE TABLE public.t (a int)" },
	};
	char first[sizeof facts];
	size_t i;

	enter();
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(first, sizeof first, "%s", snapshot_of(cases[i].a));
		wipe();
		TAP_EQ_STR(snapshot_of(cases[i].b), first);
		wipe();
	}
	leave();
}

static void every_difference_that_counts_shows(void)
{
	static const struct { const char *a, *b; } cases[] = {
		{ "CREATE TABLE t (a text)", "CREATE TABLE t (a int)" },
		{ "CREATE TABLE t (a varchar(3))", "CREATE TABLE t (a varchar(4))" },
		{ "CREATE TABLE t (a int)", "CREATE TABLE t (a int NOT NULL)" },
		{ "CREATE TABLE t (a int)", "CREATE TABLE t (\"A\" int)" },
		{ "CREATE TABLE t (a int DEFAULT 1)", "CREATE TABLE t (a int DEFAULT 2)" },
		{ "CREATE TABLE t (a text DEFAULT 'a b')", "CREATE TABLE t (a text DEFAULT 'a  b')" },
		{ "CREATE TABLE t (a int CONSTRAINT x UNIQUE)", "CREATE TABLE t (a int CONSTRAINT y UNIQUE)" },
		{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a)" },
		{ "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (a, b)", "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (b, a)" },
		{ "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE a > 1", "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE a > 2" },
		{ "CREATE VIEW v AS SELECT 1 AS a", "CREATE VIEW v AS SELECT 2 AS a" },
		{ "CREATE VIEW v AS SELECT 1 AS a", "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a" },
		{ "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT  1'" },
		{ "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION f() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'" },
		{ "CREATE TYPE m AS ENUM ('a', 'b')", "CREATE TYPE m AS ENUM ('b', 'a')" },
		{ "CREATE TYPE m AS (a int, b int)", "CREATE TYPE m AS (b int, a int)" },
		{ "CREATE TABLE t (a int)", "CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY" },
		{ "CREATE TABLE t (a varchar(9) CONSTRAINT k CHECK (a IN ('x', 'y')))", "CREATE TABLE t (a varchar(9) CONSTRAINT k CHECK (a IN ('x', 'z')))" },
		{ "CREATE TABLE t (a varchar(9) CONSTRAINT k CHECK (a IN ('x', 'y')))", "CREATE TABLE t (a varchar(9) CONSTRAINT k CHECK (a IN ('x, y')))" },
	};
	char first[sizeof facts];
	size_t i;

	enter();
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(first, sizeof first, "%s", snapshot_of(cases[i].a));
		wipe();
		snapshot_of(cases[i].b);
		if (!TAP_OK(strcmp(facts, first) != 0))
			tap_note("%s: the same as %s", cases[i].a, cases[i].b);
		wipe();
	}
	leave();
}

/* --- a dump and restore --------------------------------------------------------------------- */

static void a_dump_and_restore_leaves_no_trace(void)
{
	static const char rich[] =
		"CREATE SCHEMA app; CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN d AS citext DEFAULT 'x@y' CHECK (VALUE ~ '@');"
		"CREATE TABLE t (id serial PRIMARY KEY, s varchar(9) DEFAULT 'a' CHECK (s IN ('a', 'b')), m mood[] DEFAULT '{sad}', d d,"
		"  at timestamptz DEFAULT now() - '1 day'::interval, n numeric(5,2) CHECK (n BETWEEN 1 AND 2), e text COLLATE \"C\", j jsonb DEFAULT '{\"a\": 1}');"
		"ALTER TABLE t ADD x int; ALTER TABLE t DROP x; ALTER TABLE t ADD i bigint GENERATED ALWAYS AS IDENTITY;"
		"CREATE TABLE app.u (t int REFERENCES t ON DELETE SET NULL, g int GENERATED ALWAYS AS (t * 2) STORED, CHECK (g IS DISTINCT FROM 5));"
		"CREATE INDEX i ON t (lower(s), id DESC) WHERE s IN ('a', 'b') AND m IS NOT NULL; CREATE INDEX ON app.u (g);"
		"CREATE VIEW v AS SELECT t.id, u.g, CASE WHEN s LIKE 'a%' THEN 1 ELSE NULL END AS k FROM t LEFT JOIN app.u ON u.t = t.id"
		"  WHERE s IN ('c', 'd') OR EXISTS (SELECT 1 FROM app.u WHERE u.g = t.id) ORDER BY 1;"
		"CREATE MATERIALIZED VIEW mv AS SELECT id, count(*) FROM v GROUP BY id; CREATE UNIQUE INDEX ON mv (id);"
		"CREATE FUNCTION f(a int, VARIADIC b text[] DEFAULT '{}') RETURNS SETOF t LANGUAGE sql STABLE AS $$ SELECT * FROM t -- \n $$;"
		"CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x + id FROM t WHERE s IN ('a', 'b'); END;"
		"CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
		"CREATE TABLE p (a int, at date, ref int REFERENCES t) PARTITION BY RANGE (at); CREATE INDEX ON p (a);"
		"CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01'); CREATE TABLE pd PARTITION OF p DEFAULT;"
		"CREATE TABLE px (at date, ref int, a int); ALTER TABLE p ATTACH PARTITION px FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');"
		"CREATE TRIGGER tr AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION tf(); CREATE TABLE par (a int CHECK (a > 1)); CREATE TABLE ch (b int) INHERITS (par);"
		"CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW WHEN (OLD.s IS DISTINCT FROM NEW.s AND NEW.s IN ('a', 'b')) EXECUTE FUNCTION tf();"
		"ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY po ON t TO pg_monitor USING (s IN ('a', 'b'));"
		"GRANT SELECT ON t TO pg_monitor; REVOKE ALL ON FUNCTION tf() FROM PUBLIC; GRANT UPDATE (s) ON t TO PUBLIC;"
		"ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO pg_monitor; ALTER TABLE app.u OWNER TO pg_monitor;"
		"COMMENT ON COLUMN t.s IS E'a\n''b'; COMMENT ON TRIGGER tr ON t IS 'x'; CREATE PUBLICATION pub FOR TABLE t WHERE (id > 1);"
		"CREATE STATISTICS st ON s, (lower(s)) FROM t";
	char first[sizeof facts], command[2048];
	struct dunlin_conn *other;
	int rc;

	enter();
	snprintf(first, sizeof first, "%s", snapshot_of(rich));
	TAP_OK(strlen(first) > 4000);
	db_make('b');
	snprintf(command, sizeof command,
	         "export PGHOST='%s' PGPORT='%s' PGUSER='%s'; pg_dump -s '%s' | psql -XqAt -v ON_ERROR_STOP=1 '%s' >/dev/null",
	         PQhost(pg), PQport(pg), PQuser(pg), db_name('a'), db_name('b'));
	if (PQpass(pg))
		setenv("PGPASSWORD", PQpass(pg), 1);
	rc = system(command);
	if (rc == 0) {
		other = open_db('b');
		TAP_EQ_STR(snapshot(other), first);
		drv->close(other);
	}
	db_drop('b');
	leave();
	if (rc != 0)
		tap_skip("pg_dump and psql of the server's version are needed");
}

/* --- where it is asked --------------------------------------------------------------------------- */

static void inside_a_transaction_it_leaves_no_trace(void)
{
	char outside[sizeof facts];

	enter();
	raw(pg, "CREATE SCHEMA s");
	snprintf(outside, sizeof outside, "%s", snapshot_of("CREATE TABLE t (a timestamptz DEFAULT '2020-01-01 00:00+00')"));
	MUST(exec(c, "BEGIN"));
	MUST(exec(c, "SET LOCAL search_path = s"));
	MUST(exec(c, "SET LOCAL standard_conforming_strings = off"));
	MUST(exec(c, "SET LOCAL TimeZone = 'Asia/Tokyo'"));
	TAP_EQ_STR(snapshot(c), outside);
	MUST(exec(c, "CREATE TABLE inside (a int)"));
	snapshot(c);
	TAP_OK(has("table s.inside"));
	MUST(exec(c, "DO 'BEGIN IF current_setting(''search_path'') <> ''s'' OR current_setting(''TimeZone'') <> ''Asia/Tokyo''"
	          " THEN RAISE ''%'', current_setting(''search_path''); END IF; END'"));
	MUST(exec(c, "ROLLBACK"));
	TAP_EQ_STR(snapshot(c), outside);
	leave();
}

static void a_failed_transaction_is_an_error(void)
{
	enter();
	MUST(exec(c, "BEGIN"));
	TAP_EQ_INT(drv->query(c, "SELECT 1 / 0", 12, NULL, 0, NULL, NULL, &err), DUNLIN_ERROR);
	TAP_EQ_INT(drv->snapshot(c, NULL, 0, take_fact, NULL, &err), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "25P02");
	MUST(exec(c, "ROLLBACK"));
	TAP_EQ_INT(drv->snapshot(c, NULL, 0, take_fact, NULL, &err), DUNLIN_OK);
	leave();
}

static int stop_at_once(void *arg, const char *fact, size_t len)
{
	(void)fact, (void)len;
	++*(int *)arg;
	return 77;
}

static void who_takes_them_may_stop(void)
{
	int n = 0;

	enter();
	TAP_EQ_INT(drv->snapshot(c, NULL, 0, stop_at_once, &n, &err), 77);
	TAP_EQ_INT(n, 1);
	leave();
}

static void a_plain_role_may_ask(void)
{
	enter();
	raw(pg, "CREATE TABLE t (a int); CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
	        "CREATE USER MAPPING FOR PUBLIC SERVER s; REVOKE ALL ON SCHEMA public FROM PUBLIC");
	MUST(exec(c, "SET ROLE pg_monitor"));
	snapshot(c);
	TAP_OK(has("column t.a type integer"));
	TAP_OK(has("user-mapping PUBLIC server s"));
	leave();
}

static void without_memory_nothing_leaks(void)
{
	int status = DUNLIN_ENOMEM;
	unsigned long k;

	enter();
	raw(pg, "CREATE TABLE t (a varchar(9) CHECK (a IN ('x', 'y')))");
	for (k = 1; status != DUNLIN_OK && k < 2000; k++) {
		n_alloc = 0;
		fail_at = k;
		facts[0] = '\0';
		n_fact = 0;
		status = drv->snapshot(c, NULL, 0, take_fact, NULL, &err);
		if (status != DUNLIN_OK) {
			TAP_EQ_INT(status, DUNLIN_ENOMEM);
			TAP_EQ_INT(n_fact, 0);
		}
	}
	fail_at = 0;
	TAP_EQ_INT(status, DUNLIN_OK);
	TAP_OK(k > 5);
	TAP_OK(has("column t.a type character varying(9)"));
	leave();
}

/* --- the text of an expression -------------------------------------------------------------------- */

static void one_text_for_what_is_the_same(void)
{
	static const struct { const char *sql, *want; } cases[] = {
		{ "", "" },
		{ " SELECT a,\n    b\n   FROM t", "SELECT a, b FROM t" },
		{ "'a  b' || \"c  d\" /* x */ + 1", "'a  b' || \"c  d\" + 1" },
		{ "(a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])",
		  "(a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])" },
		{ "(a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])",
		  "(a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])" },
		{ "(ARRAY['a, b', f(1, 2), ARRAY[1, 2][1]])::public.\"T x\"[]",
		  "ARRAY[('a, b')::public.\"T x\", (f(1, 2))::public.\"T x\", (ARRAY[1, 2][1])::public.\"T x\"]" },
		{ "(ARRAY[1])::numeric(10,2)[]", "ARRAY[(1)::numeric(10,2)]" },
		{ "(ARRAY[(ARRAY[1, 2])::int[]])::text[]", "ARRAY[(ARRAY[(1)::int, (2)::int])::text]" },
		{ "f((ARRAY[1]))", "f((ARRAY[1]))" },
		{ "(ARRAY[1])::text", "(ARRAY[1])::text" },
		{ "(ARRAY[1])", "(ARRAY[1])" },
		{ "(ARRAY[1]", "(ARRAY[1]" },
		{ "(ARRAY[", "(ARRAY[" },
		{ "(ARRAY[1])::", "(ARRAY[1])::" },
		{ "(ARRAY[1])::text[", "(ARRAY[1])::text[" },
		{ "(ARRAY[])::text[]", "ARRAY[]" },
		{ "'(ARRAY[1])::text[]'", "'(ARRAY[1])::text[]'" },
	};
	struct drv_text t = { 0 };
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		drv_text_reset(&t);
		pg_fact_canonical(cases[i].sql, strlen(cases[i].sql), &t);
		TAP_EQ_STR(t.p ? t.p : "", cases[i].want);
	}
	drv_text_clear(&t);
}

static void parentheses_around_all_of_it(void)
{
	static const struct { const char *sql; int want; } cases[] = {
		{ "(a)", 1 }, { "(a) + (b)", 0 }, { "((a) + (b))", 1 }, { "a", 0 }, { "", 0 }, { "(a", 0 }, { "(')')", 1 }, { "(\")\") x", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		TAP_EQ_INT(pg_fact_is_enclosed(cases[i].sql, strlen(cases[i].sql)), cases[i].want);
}

static void a_fact_is_one_line(void)
{
	struct drv_text t = { 0 };

	pg_fact_escape("a\nb\tc\rd\\e\001f\177", 12, &t);
	TAP_EQ_STR(t.p, "a\\nb\\tc\\rd\\\\e\\x01f\\x7f");
	drv_text_clear(&t);
}

static const struct tap_test tests[] = {
	{ "one text for what is the same", one_text_for_what_is_the_same },
	{ "parentheses around all of it", parentheses_around_all_of_it },
	{ "a fact is one line", a_fact_is_one_line },
	{ "a snapshot is a sorted list of facts", a_snapshot_is_a_sorted_list_of_facts },
	{ "each kind of object is told", each_kind_of_object_is_told },
	{ "subscriptions without their password", subscriptions_without_their_password },
	{ "what an extension brings is left out", what_an_extension_brings_is_left_out },
	{ "the way there leaves no trace", the_way_there_leaves_no_trace },
	{ "every difference that counts shows", every_difference_that_counts_shows },
	{ "a dump and restore leaves no trace", a_dump_and_restore_leaves_no_trace },
	{ "inside a transaction it leaves no trace", inside_a_transaction_it_leaves_no_trace },
	{ "a failed transaction is an error", a_failed_transaction_is_an_error },
	{ "who takes them may stop", who_takes_them_may_stop },
	{ "a plain role may ask", a_plain_role_may_ask },
	{ "without memory nothing leaks", without_memory_nothing_leaks },
};

int main(void)
{
	int rc;

	if (!fixture_start()) {
		printf("1..0 # SKIP DUNLIN_TEST_POSTGRESQL_URL is not set\n");
		return 0;
	}
	rc = tap_main("postgresql_snapshot", tests, sizeof tests / sizeof *tests);
	fixture_end();
	return rc;
}
