/*
 * test_postgresql_concurrent.c - what CONCURRENTLY leaves behind, and who stands
 * in the way.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <poll.h>

#include "postgresql_fixture.h"

static const char *invalid(void)
{
	return raw_ask(pg, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 1");
}

static const char *indexes(void)
{
	return raw_ask(pg, "SELECT c.relname || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END FROM pg_index i"
	               " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 't'::regclass ORDER BY 1");
}

/* The table t has a twice. */
static void enter_with_duplicates(void)
{
	enter();
	raw(pg, "CREATE TABLE t (a int, b int, \"Odd Col\" int); INSERT INTO t VALUES (1, 1), (1, 2)");
}

static void an_index_that_fails_is_dropped(void)
{
	enter_with_duplicates();
	TAP_EQ_INT(exec(c, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)"), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "23505");
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_STR(indexes(), "");
	TAP_OK(strstr(noticed, "dropped the invalid index public.i") != NULL);
	leave();
}

static void an_unnamed_one_too_and_only_that(void)
{
	enter_with_duplicates();
	raw(pg, "CREATE INDEX t_a_idx ON t (a)");
	TAP_OK(!raw_try(pg, "CREATE UNIQUE INDEX CONCURRENTLY mine ON t (a)"));
	TAP_EQ_INT(exec(c, "CREATE UNIQUE INDEX CONCURRENTLY ON public.t USING btree (a)"), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "23505");
	TAP_EQ_STR(indexes(), "mine (invalid)|t_a_idx");
	TAP_EQ_INT(exec(c, "CREATE UNIQUE INDEX CONCURRENTLY ON t (\"Odd Col\", a, (b / b))"), DUNLIN_OK);
	TAP_EQ_STR(indexes(), "mine (invalid)|t_Odd Col_a_expr_idx|t_a_idx");
	leave();
}

static void a_leftover_is_dropped_before_it_is_tried_again(void)
{
	static const char *const cases[] = {
		"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
		"CREATE INDEX CONCURRENTLY i ON t (a)",
		"create /* so */ index concurrently \"i\" on only public.\"t\" using btree (a)",
	};
	size_t k;

	for (k = 0; k < sizeof cases / sizeof *cases; k++) {
		enter_with_duplicates();
		TAP_OK(!raw_try(pg, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)"));
		TAP_EQ_STR(invalid(), "i");
		MUST(exec(c, cases[k]));
		TAP_EQ_STR(indexes(), "i");
		TAP_OK(strstr(noticed, "dropped the invalid index public.i") != NULL);
		leave();
	}
}

static void names_that_need_quotes(void)
{
	enter_with_duplicates();
	raw(pg, "CREATE SCHEMA \"My s\"; CREATE TABLE \"My s\".\"T\" (a int); INSERT INTO \"My s\".\"T\" VALUES (1), (1)");
	TAP_OK(!raw_try(pg, "CREATE UNIQUE INDEX CONCURRENTLY \"I \"\"x\" ON \"My s\".\"T\" (a)"));
	MUST(exec(c, "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"I \"\"x\" ON \"My s\".\"T\" (a)"));
	TAP_EQ_STR(invalid(), "");
	leave();
}

static void others_and_valid_ones_stay(void)
{
	enter_with_duplicates();
	raw(pg, "CREATE TABLE u (a int); INSERT INTO u VALUES (1), (1); CREATE INDEX good ON t (b)");
	TAP_OK(!raw_try(pg, "CREATE UNIQUE INDEX CONCURRENTLY other ON t (a)"));
	TAP_OK(!raw_try(pg, "CREATE UNIQUE INDEX CONCURRENTLY elsewhere ON u (a)"));
	MUST(exec(c, "CREATE INDEX CONCURRENTLY IF NOT EXISTS good ON t (b)"));
	TAP_EQ_INT(exec(c, "CREATE INDEX CONCURRENTLY good ON t (a)"), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "42P07");
	TAP_EQ_STR(invalid(), "other|elsewhere");
	leave();
}

/* Sends it and lets it run into what keeps it waiting. */
static void raw_send(PGconn *other, const char *sql)
{
	char ask[128];
	int i;

	if (!PQsendQuery(other, sql))
		die("cannot send", PQerrorMessage(other));
	snprintf(ask, sizeof ask, "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Lock'", PQbackendPID(other));
	for (i = 0; i < 1000 && strcmp(raw_ask(admin, ask), "1") != 0; i++)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	TAP_OK(i < 1000);
}

static void raw_end(PGconn *other)
{
	PGresult *res;

	while ((res = PQgetResult(other)))
		PQclear(res);
	PQfinish(other);
}

static void an_index_that_somebody_builds_is_left_alone(void)
{
	PGconn *reader, *builder;
	char text[64];

	enter_with_duplicates();
	reader = raw_open(db_name('a'));
	builder = raw_open(db_name('a'));
	raw(reader, "BEGIN; SELECT * FROM t");
	raw(reader, "INSERT INTO t VALUES (7, 7)");
	raw_send(builder, "CREATE INDEX CONCURRENTLY i ON t (a)");
	TAP_EQ_STR(invalid(), "i");
	TAP_EQ_INT(exec(c, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"), DUNLIN_EBUSY);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_LOCK);
	snprintf(text, sizeof text, "process %d is building index public.i", PQbackendPID(builder));
	TAP_EQ_STR(err.message, text);
	TAP_EQ_STR(invalid(), "i");
	raw(reader, "COMMIT");
	raw_end(builder);
	TAP_EQ_STR(indexes(), "i");
	MUST(exec(c, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"));
	PQfinish(reader);
	leave();
}

static void what_a_lock_timeout_leaves_is_dropped(void)
{
	PGconn *writer;

	enter_with_duplicates();
	writer = raw_open(db_name('a'));
	raw(writer, "BEGIN; INSERT INTO t VALUES (9, 9)");
	TAP_EQ_INT(exec_for(c, "CREATE INDEX CONCURRENTLY i ON t (a)", 300), DUNLIN_EBUSY);
	TAP_EQ_STR(err.sqlstate, "55P03");
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_LOCK);
	/* The writer is still there, so even the drop may have had to give up;
	 * then the hint says who will. */
	TAP_OK(strcmp(invalid(), "") == 0 || strstr(err.hint, "public.i") != NULL);
	raw(writer, "COMMIT");
	MUST(exec(c, "CREATE INDEX CONCURRENTLY i ON t (a)"));
	TAP_EQ_STR(indexes(), "i");
	TAP_EQ_STR(raw_ask(pg, "SELECT 1"), "1");
	PQfinish(writer);
	leave();
}

static void timeouts_of_the_file_stand_afterwards(void)
{
	enter_with_duplicates();
	MUST(exec(c, "SET lock_timeout = '1234ms'"));
	MUST(exec(c, "SET statement_timeout = '4321ms'"));
	TAP_EQ_INT(exec(c, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)"), DUNLIN_ERROR);
	MUST(exec(c, "DO $$ BEGIN IF current_setting('lock_timeout') <> '1234ms' OR current_setting('statement_timeout') <> '4321ms'"
	          " THEN RAISE 'they are % and %', current_setting('lock_timeout'), current_setting('statement_timeout'); END IF; END $$"));
	leave();
}

static void what_reindex_leaves_goes(void)
{
	static const char *const cases[] = {
		"REINDEX TABLE CONCURRENTLY t", "REINDEX (VERBOSE, CONCURRENTLY) TABLE t", "REINDEX INDEX CONCURRENTLY i",
		"REINDEX SCHEMA CONCURRENTLY public", "REINDEX (CONCURRENTLY true) DATABASE %s",
	};
	char sql[160];
	size_t k;

	for (k = 0; k < sizeof cases / sizeof *cases; k++) {
		PGconn *writer;

		enter();
		raw(pg, "CREATE TABLE t (a int, b text); CREATE INDEX i ON t (a)");
		writer = raw_open(db_name('a'));
		raw(writer, "BEGIN; INSERT INTO t VALUES (1)");
		raw(pg, "SET lock_timeout = '200ms'");
		TAP_OK(!raw_try(pg, "REINDEX TABLE CONCURRENTLY t"));
		raw(writer, "COMMIT");
		TAP_OK(strstr(invalid(), "i_ccnew") != NULL);
		snprintf(sql, sizeof sql, cases[k], db_name('a'));
		MUST(exec(c, sql));
		TAP_EQ_STR(invalid(), "");
		TAP_EQ_STR(indexes(), "i");
		PQfinish(writer);
		leave();
	}
}

static void a_partition_that_is_detached_by_half_gets_detached(void)
{
	static const char detach[] = "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY";
	PGconn *reader;

	enter();
	raw(pg, "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
	        " CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)");
	reader = raw_open(db_name('a'));
	raw(reader, "BEGIN; SELECT * FROM p");
	TAP_EQ_INT(exec_for(c, detach, 300), DUNLIN_EBUSY);
	TAP_EQ_STR(err.sqlstate, "55P03");
	TAP_EQ_STR(raw_ask(pg, "SELECT inhdetachpending FROM pg_inherits ORDER BY inhrelid"), "t|f");
	TAP_OK(strstr(err.hint, "FINALIZE") != NULL);
	raw(reader, "COMMIT");
	MUST(exec(c, detach));
	TAP_EQ_STR(raw_ask(pg, "SELECT inhrelid::regclass FROM pg_inherits"), "p2");
	PQfinish(reader);
	leave();
}

/* --- blockers --------------------------------------------------------------------------- */

static struct dunlin_blocker blocker;
static char blocker_text[1024];
static int n_blocker;

static int take_blocker(void *arg, const struct dunlin_blocker *b)
{
	(void)arg;
	blocker = *b;
	snprintf(blocker_text, sizeof blocker_text, "%s|%s|%s|%s", b->user ? b->user : "", b->application ? b->application : "",
	         b->query ? b->query : "", b->since ? b->since : "");
	n_blocker++;
	return 0;
}

static void ask_blockers(void)
{
	n_blocker = 0;
	blocker_text[0] = '\0';
	MUST(drv->blockers(c, take_blocker, NULL, &err));
}

static long long clients(void)
{
	return atoll(raw_ask(admin, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dunlin (who%'"));
}

static void who_holds_the_lock_is_named(void)
{
	PGconn *holder;
	char text[256];

	enter();
	raw(pg, "CREATE TABLE t (a int)");
	holder = raw_open(db_name('a'));
	raw(holder, "BEGIN; LOCK TABLE t; SELECT 'the last'");
	TAP_EQ_INT(exec_for(c, "ALTER TABLE t ADD b int", 1000), DUNLIN_EBUSY);
	TAP_EQ_STR(err.sqlstate, "55P03");
	ask_blockers();
	TAP_EQ_INT(n_blocker, 1);
	TAP_EQ_INT(blocker.pid, PQbackendPID(holder));
	snprintf(text, sizeof text, "%s|raw|idle in transaction, last: BEGIN; LOCK TABLE t; SELECT 'the last'|20", PQuser(holder));
	TAP_EQ_INT(strncmp(blocker_text, text, strlen(text)), 0);
	tap_note("%s", blocker_text);
	TAP_EQ_INT(clients(), 0);
	PQfinish(holder);
	leave();
}

static void in_a_transaction_too(void)
{
	struct dunlin_step st[3] = {
		{ .struct_size = sizeof *st, .kind = DUNLIN_STEP_BEGIN, .lock_timeout_ms = 800, .statement_timeout_ms = -1, .expect_rows = -1 },
		{ .struct_size = sizeof *st, .kind = DUNLIN_STEP_STATEMENT, .sql = "CREATE TABLE other (a int)", .sql_len = 26,
		  .lock_timeout_ms = -1, .statement_timeout_ms = -1, .expect_rows = -1 },
		{ .struct_size = sizeof *st, .kind = DUNLIN_STEP_STATEMENT, .sql = "ALTER TABLE t ADD b int", .sql_len = 23,
		  .lock_timeout_ms = -1, .statement_timeout_ms = -1, .expect_rows = -1 },
	};
	struct dunlin_exec_result res = { .struct_size = sizeof res };
	PGconn *holder;

	enter();
	raw(pg, "CREATE TABLE t (a int)");
	holder = raw_open(db_name('a'));
	raw(holder, "BEGIN; SELECT * FROM t");
	TAP_EQ_INT(drv->exec_many(c, st, 3, &observer, &res, &err), DUNLIN_EBUSY);
	TAP_EQ_STR(err.sqlstate, "55P03");
	ask_blockers();
	TAP_EQ_INT(n_blocker, 1);
	TAP_EQ_INT(blocker.pid, PQbackendPID(holder));
	PQfinish(holder);
	leave();
}

static void a_run_that_waits_for_nobody_asks_nobody(void)
{
	enter();
	MUST(exec_for(c, "SELECT pg_sleep(0.3)", 5000));
	ask_blockers();
	TAP_EQ_INT(n_blocker, 0);
	/* One that works for long is asked about, and has nobody in its way. */
	MUST(exec_for(c, "SELECT pg_sleep(0.5)", 200));
	ask_blockers();
	TAP_EQ_INT(n_blocker, 0);
	leave();
}

/* --- dropping everything ------------------------------------------------------------------ */

static void drop_objects_leaves_an_empty_database(void)
{
	enter();
	raw(pg, "CREATE SCHEMA s; CREATE EXTENSION citext SCHEMA s; CREATE TABLE s.t (a s.citext); CREATE TABLE dunlin_migrations (a int);"
	        "CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN d AS mood; CREATE TABLE t (id serial PRIMARY KEY, m mood, d d);"
	        "CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW mv AS SELECT * FROM v;"
	        "CREATE FUNCTION f(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';"
	        "CREATE AGGREGATE agg (int) (sfunc = int4pl, stype = int); CREATE OPERATOR === (rightarg = mood, function = f);"
	        "CREATE COLLATION co (locale = 'C'); CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple); CREATE STATISTICS st ON id, m FROM t;"
	        "CREATE PUBLICATION pub FOR TABLE t; CREATE SEQUENCE sq; CREATE TABLE p1 (a int) PARTITION BY LIST (a);"
	        "CREATE TABLE p2 PARTITION OF p1 FOR VALUES IN (1); CREATE TYPE c AS (a int); CREATE TABLE \"Odd \"\"x\" (a c);"
	        "CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';"
	        "GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION et()");
	MUST(drv->drop_objects(c, &err));
	TAP_EQ_STR(raw_ask(pg, "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
	                   " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
	                   " UNION ALL SELECT typname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace"
	                   " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
	                   " UNION ALL SELECT proname FROM pg_proc t JOIN pg_namespace n ON n.oid = pronamespace"
	                   " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
	                   " UNION ALL SELECT collname FROM pg_collation WHERE oid >= 16384"
	                   " UNION ALL SELECT cfgname FROM pg_ts_config WHERE oid >= 16384"
	                   " UNION ALL SELECT oprname FROM pg_operator WHERE oid >= 16384"
	                   " UNION ALL SELECT pubname FROM pg_publication UNION ALL SELECT evtname FROM pg_event_trigger"
	                   " UNION ALL SELECT extname FROM pg_extension"), "plpgsql");
	TAP_EQ_STR(raw_ask(pg, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1"), "information_schema|public");
	TAP_EQ_STR(raw_ask(pg, "SELECT has_schema_privilege('public', 'public', 'CREATE')"), "t");
	leave();
}

static void drop_objects_as_a_plain_role(void)
{
	char sql[256];
	struct dunlin_conn *super;

	enter();
	super = c;
	snprintf(sql, sizeof sql, "DROP ROLE IF EXISTS dunlin_test_%ld", (long)getpid());
	raw(admin, sql);
	snprintf(sql, sizeof sql, "CREATE ROLE dunlin_test_%ld; GRANT CREATE ON SCHEMA public TO dunlin_test_%ld;"
	         " CREATE EXTENSION pg_trgm; CREATE SCHEMA others; CREATE TABLE others.kept (a int); CREATE SCHEMA mine AUTHORIZATION dunlin_test_%ld",
	         (long)getpid(), (long)getpid(), (long)getpid());
	raw(pg, sql);
	snprintf(sql, sizeof sql, "SET SESSION AUTHORIZATION dunlin_test_%ld", (long)getpid());
	raw(pg, sql);
	raw(pg, "CREATE TABLE public.t (a int); CREATE TABLE mine.t (a text); CREATE INDEX ON mine.t USING gin (a gin_trgm_ops)");
	MUST(exec(c, sql));
	MUST(drv->drop_objects(c, &err));
	raw(pg, "RESET SESSION AUTHORIZATION");
	TAP_EQ_STR(raw_ask(pg, "SELECT oid::regclass FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'i')"
	                   " AND relnamespace <> 'pg_toast'::regnamespace"), "others.kept");
	TAP_EQ_STR(raw_ask(pg, "SELECT extname FROM pg_extension ORDER BY 1"), "pg_trgm|plpgsql");
	TAP_EQ_STR(raw_ask(pg, "SELECT similarity('a', 'a')"), "1");
	c = super;
	leave();
	snprintf(sql, sizeof sql, "DROP ROLE dunlin_test_%ld", (long)getpid());
	raw(admin, sql);
}

/* --- no memory ------------------------------------------------------------------------------ */

static void without_memory_nothing_leaks_and_nothing_is_skipped(void)
{
	int status = DUNLIN_ENOMEM;

	enter_with_duplicates();
	raw(pg, "CREATE INDEX CONCURRENTLY i ON t (b)");
	for (n_alloc = 0, fail_at = 1; status != DUNLIN_OK && fail_at < 500; fail_at++) {
		raw(pg, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass('i')");
		n_alloc = 0;
		status = exec(c, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (b)");
		if (status == DUNLIN_OK)
			TAP_EQ_STR(indexes(), "i");
	}
	fail_at = 0;
	TAP_EQ_INT(status, DUNLIN_OK);
	leave();
}

static const struct tap_test tests[] = {
	{ "an index that fails is dropped", an_index_that_fails_is_dropped },
	{ "an unnamed one too, and only that", an_unnamed_one_too_and_only_that },
	{ "a leftover is dropped before it is tried again", a_leftover_is_dropped_before_it_is_tried_again },
	{ "names that need quotes", names_that_need_quotes },
	{ "others' leftovers and valid indexes stay", others_and_valid_ones_stay },
	{ "an index that somebody builds is left alone", an_index_that_somebody_builds_is_left_alone },
	{ "what a lock timeout leaves is dropped", what_a_lock_timeout_leaves_is_dropped },
	{ "timeouts of the file stand afterwards", timeouts_of_the_file_stand_afterwards },
	{ "what REINDEX CONCURRENTLY leaves goes", what_reindex_leaves_goes },
	{ "a partition that is detached by half gets detached", a_partition_that_is_detached_by_half_gets_detached },
	{ "who holds the lock is named", who_holds_the_lock_is_named },
	{ "in a transaction too", in_a_transaction_too },
	{ "a run that waits for nobody asks nobody", a_run_that_waits_for_nobody_asks_nobody },
	{ "drop_objects leaves an empty database", drop_objects_leaves_an_empty_database },
	{ "drop_objects as a plain role keeps what is others'", drop_objects_as_a_plain_role },
	{ "without memory nothing leaks and nothing is skipped", without_memory_nothing_leaks_and_nothing_is_skipped },
};

int main(void)
{
	int rc;

	if (!fixture_start()) {
		printf("1..0 # SKIP DUNLIN_TEST_POSTGRESQL_URL is not set\n");
		return 0;
	}
	rc = tap_main("postgresql_concurrent", tests, sizeof tests / sizeof *tests);
	fixture_end();
	return rc;
}
