/*
 * test_postgresql_exec.c - the steps of a run on a server: what is done, what is
 * durable, what a failure undoes, and what the session is like afterwards.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <sys/socket.h>

#include "postgresql/pg_driver.h"

#include "postgresql_fixture.h"

static struct dunlin_exec_result res;
static size_t n_told, notice_index, cut_at = SIZE_MAX;

static void on_done(void *arg, size_t i)
{
	(void)arg;
	TAP_EQ_INT(i, n_told);
	n_told = i + 1;
	if (i == cut_at)
		shutdown(PQsocket(c->pg), SHUT_RDWR);
}

static void on_notice_of(void *arg, size_t i, int level, const char *text)
{
	(void)arg;
	notice_index = i;
	snprintf(noticed, sizeof noticed, "%d %s", level, text);
}

static const struct dunlin_exec_observer watching = {
	.struct_size = sizeof watching, .step_done = on_done, .notice = on_notice_of,
};

static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

#define STEP(k, text) \
	{ .struct_size = sizeof(struct dunlin_step), .kind = (k), .sql = (text), .sql_len = length(text), \
	  .expect_rows = -1, .lock_timeout_ms = -1, .statement_timeout_ms = -1 }
#define BEGIN        STEP(DUNLIN_STEP_BEGIN, NULL)
#define BEGIN_AS(t)  STEP(DUNLIN_STEP_BEGIN, t)
#define RUN(t)       STEP(DUNLIN_STEP_STATEMENT, t)
#define SEAL         STEP(DUNLIN_STEP_SEAL, NULL)
#define LEDGER(t)    STEP(DUNLIN_STEP_LEDGER, t)
#define COMMIT       STEP(DUNLIN_STEP_COMMIT, NULL)

static int many(const struct dunlin_step *steps, size_t n)
{
	memset(&res, 0, sizeof res);
	res.struct_size = sizeof res;
	n_told = 0;
	notice_index = SIZE_MAX;
	noticed[0] = '\0';
	return drv->exec_many(c, steps, n, &watching, &res, &err);
}

#define MANY(...) many((const struct dunlin_step[]){ __VA_ARGS__ }, \
                       sizeof((const struct dunlin_step[]){ __VA_ARGS__ }) / sizeof(struct dunlin_step))

static int32_t state(void)
{
	int32_t s = -1;

	MUST(drv->tx_state(c, &s, &err));
	return s;
}

/* --- what is done ------------------------------------------------------------------------- */

static void many_migrations_go_in_one_call(void)
{
	enter();
	raw(pg, "CREATE TABLE ledger (v text)");
	MUST(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), RUN("INSERT INTO a VALUES (1)"), SEAL, LEDGER("INSERT INTO ledger VALUES ('a')"), COMMIT,
	          BEGIN, RUN("CREATE TABLE b (id int)"), SEAL, LEDGER("INSERT INTO ledger VALUES ('b')"), COMMIT));
	TAP_EQ_INT(res.n_done, 11);
	TAP_EQ_INT(res.n_durable, 11);
	TAP_EQ_INT(n_told, 11);
	TAP_EQ_STR(raw_ask(pg, "SELECT v FROM ledger ORDER BY v"), "a|b");
	TAP_EQ_INT(state(), DUNLIN_TX_NONE);
	leave();
}

static void a_failure_undoes_its_own_transaction_alone(void)
{
	enter();
	TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), SEAL, COMMIT,
	                BEGIN, RUN("CREATE TABLE b (id int)"), RUN("SELECT nosuch"), RUN("CREATE TABLE c (id int)"), SEAL, COMMIT,
	                BEGIN, RUN("CREATE TABLE d (id int)"), SEAL, COMMIT), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 6);
	TAP_EQ_INT(res.n_durable, 4);
	TAP_EQ_INT(n_told, 6);
	TAP_EQ_INT(res.is_unknown, 0);
	TAP_EQ_STR(err.sqlstate, "42703");
	TAP_EQ_INT(err.position, 7);
	TAP_EQ_STR(raw_ask(pg, "SELECT relname FROM pg_class WHERE relname IN ('a', 'b', 'c', 'd')"), "a");
	TAP_EQ_INT(state(), DUNLIN_TX_NONE);
	MUST(MANY(BEGIN, RUN("CREATE TABLE b (id int)"), SEAL, COMMIT));
	leave();
}

static void a_transaction_goes_on_in_the_next_call(void)
{
	enter();
	MUST(MANY(BEGIN, RUN("CREATE TABLE a (id int)")));
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_INT(res.n_durable, 0);
	TAP_EQ_INT(state(), DUNLIN_TX_OPEN);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_class WHERE relname = 'a'"), "0");
	MUST(MANY(RUN("INSERT INTO a VALUES (1)"), SEAL, COMMIT));
	TAP_EQ_INT(res.n_durable, 3);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM a"), "1");
	MUST(MANY(BEGIN, RUN("INSERT INTO a VALUES (2)")));
	TAP_EQ_INT(MANY(RUN("SELECT 1 / 0"), SEAL, COMMIT), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 0);
	TAP_EQ_INT(state(), DUNLIN_TX_NONE);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM a"), "1");
	leave();
}

static void a_statement_is_one(void)
{
	enter();
	TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE a (id int); COMMIT; BEGIN"), SEAL, COMMIT), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "42601");
	TAP_EQ_INT(MANY(RUN("CREATE TABLE a (id int); SELECT 1")), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "42601");
	TAP_EQ_INT(MANY(RUN("COPY pg_class TO stdout; CREATE TABLE a (id int)")), DUNLIN_ERROR);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_class WHERE relname = 'a'"), "0");
	leave();
}

/* --- the guard ------------------------------------------------------------------------------ */

static void who_ends_the_transaction_is_found_out(void)
{
	static const char *const texts[] = { "COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		enter();
		raw(pg, "CREATE TABLE ledger (v text)");
		TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), RUN(texts[i]), RUN("BEGIN"), SEAL,
		                LEDGER("INSERT INTO ledger VALUES ('a')"), COMMIT), DUNLIN_ERROR);
		TAP_EQ_INT(res.n_done, 4);
		TAP_EQ_INT(res.n_durable, 0);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
		TAP_OK(strstr(err.message, "ended the transaction") != NULL);
		TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM ledger"), "0");
		TAP_EQ_INT(state(), DUNLIN_TX_NONE);
		leave();
	}
}

static void a_lost_lock_is_found_out_before_the_ledger(void)
{
	enter();
	raw(pg, "CREATE TABLE ledger (v text)");
	MUST(drv->lock(c, "key", "me", &err));
	MUST(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), SEAL, LEDGER("INSERT INTO ledger VALUES ('a')"), COMMIT));
	TAP_EQ_INT(MANY(BEGIN, RUN("SELECT pg_advisory_unlock_all()"), SEAL, LEDGER("INSERT INTO ledger VALUES ('b')"), COMMIT), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 2);
	TAP_OK(strstr(err.message, "lock was lost") != NULL);
	TAP_EQ_STR(raw_ask(pg, "SELECT v FROM ledger"), "a");
	leave();
}

static void deferred_constraints_fail_at_the_seal(void)
{
	enter();
	raw(pg, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
	TAP_EQ_INT(MANY(BEGIN, RUN("INSERT INTO c VALUES (1)"), SEAL, COMMIT), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_STR(err.sqlstate, "23503");
	/* In a transaction that goes on they are deferred again behind it. */
	MUST(MANY(BEGIN, RUN("INSERT INTO c VALUES (1)"), RUN("INSERT INTO p VALUES (1)"), SEAL,
	          RUN("INSERT INTO c VALUES (2)"), RUN("INSERT INTO p VALUES (2)"), SEAL, COMMIT));
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM c"), "2");
	leave();
}

static void a_commit_that_rolls_back_is_a_failure(void)
{
	enter();
	MUST(drv->begin(c, NULL, &err));
	TAP_EQ_INT(drv->exec(c, &(struct dunlin_step)RUN("SELECT 1 / 0"), &err), DUNLIN_ERROR);
	TAP_EQ_INT(state(), DUNLIN_TX_FAILED);
	TAP_EQ_INT(drv->commit(c, &err), DUNLIN_ERROR);
	TAP_EQ_INT(state(), DUNLIN_TX_NONE);
	/* Behind the seal nothing but the command tag tells. */
	MUST(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), SEAL));
	TAP_EQ_INT(drv->exec(c, &(struct dunlin_step)LEDGER("SELECT 1 / 0"), &err), DUNLIN_ERROR);
	TAP_EQ_INT(MANY(COMMIT), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 0);
	TAP_OK(strstr(err.message, "ROLLBACK") != NULL);
	/* The file's own, too. */
	MUST(exec(c, "BEGIN"));
	TAP_EQ_INT(drv->exec(c, &(struct dunlin_step)RUN("SELECT 1 / 0"), &err), DUNLIN_ERROR);
	TAP_EQ_INT(exec(c, "COMMIT"), DUNLIN_ERROR);
	TAP_OK(strstr(err.message, "ROLLBACK") != NULL);
	leave();
}

static void begin_keeps_what_the_file_says(void)
{
	static const struct { const char *begin, *want; } cases[] = {
		{ NULL, "read committed off" },
		{ "BEGIN", "read committed off" },
		{ "BEGIN -- here", "read committed off" },
		{ "START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "serializable off" },
		{ "BEGIN WORK READ ONLY", "read committed on" },
		{ "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE", "repeatable read off" },
	};

	enter();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		MUST(exec(c, "SET default_transaction_read_only = on"));
		MUST(exec(c, "SET default_transaction_isolation = 'serializable'"));
		MUST(MANY(BEGIN_AS(cases[i].begin), RUN("DO $$ BEGIN RAISE NOTICE '% %', current_setting('transaction_isolation'), "
		          "current_setting('transaction_read_only'); END $$"), SEAL, COMMIT));
		TAP_EQ_STR(noticed[0] ? noticed + 2 : "", cases[i].want);
	}
	leave();
}

/* --- ledger ------------------------------------------------------------------------------------- */

static void rows_are_counted_in_the_server(void)
{
	struct dunlin_step one = LEDGER("UPDATE ledger SET v = v || '!' WHERE id = $1");
	struct dunlin_param param = { .value = "1", .len = 1, .is_integer = 1 };

	one.param = &param;
	one.n_param = 1;
	one.expect_rows = 1;
	enter();
	raw(pg, "CREATE TABLE ledger (id bigint, v text); INSERT INTO ledger VALUES (1, 'a')");
	for (int i = 0; i < 4; i++) /* unprepared, prepared, again */
		MUST(MANY(BEGIN, one, COMMIT));
	TAP_EQ_STR(raw_ask(pg, "SELECT v FROM ledger"), "a!!!!");
	param.value = "2";
	for (int i = 0; i < 2; i++) {
		TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE x (id int)"), SEAL, one, COMMIT), DUNLIN_ERROR);
		TAP_EQ_INT(res.n_done, 3);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	}
	TAP_EQ_INT(MANY(one), DUNLIN_ERROR);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_class WHERE relname = 'x'"), "0");
	raw(pg, "INSERT INTO ledger VALUES (2, 'b'), (2, 'c')");
	TAP_EQ_INT(MANY(BEGIN, one, COMMIT), DUNLIN_ERROR);
	TAP_EQ_STR(raw_ask(pg, "SELECT v FROM ledger ORDER BY v"), "a!!!!|b|c");
	leave();
}

static void prepared_statements_may_vanish(void)
{
	struct dunlin_step one = LEDGER("INSERT INTO ledger VALUES ($1, $2)");
	struct dunlin_param param[2] = { { .value = "7", .len = 1, .is_integer = 1 }, { .value = NULL } };

	one.param = param;
	one.n_param = 2;
	one.expect_rows = 1;
	enter();
	raw(pg, "CREATE TABLE ledger (id bigint, v text)");
	for (int i = 0; i < 3; i++)
		MUST(MANY(BEGIN, RUN("CREATE TABLE IF NOT EXISTS x (id int)"), SEAL, one, COMMIT));
	MUST(MANY(BEGIN, one, RUN("DEALLOCATE ALL"), SEAL, one, COMMIT, BEGIN, one, COMMIT));
	MUST(MANY(BEGIN, RUN("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"), SEAL, one, COMMIT, BEGIN, one, COMMIT));
	TAP_EQ_INT(MANY(BEGIN, RUN("DEALLOCATE ALL"), RUN("SELECT 1 / 0"), SEAL, one, COMMIT), DUNLIN_ERROR);
	MUST(drv->reset_session(c, &err));
	for (int i = 0; i < 3; i++)
		MUST(MANY(BEGIN, one, COMMIT));
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM ledger WHERE id = 7 AND v IS NULL"), "11");
	leave();
}

/* --- COPY --------------------------------------------------------------------------------------- */

struct source { int left, ends_badly; };

static int next_piece(void *arg, const char **p, size_t *n)
{
	static const char lines[] = "1\ta\n2\tb\n";
	struct source *s = arg;

	if (s->left == 0)
		return s->ends_badly ? -1 : 0;
	s->left--;
	*p = lines;
	*n = sizeof lines - 1;
	return 1;
}

static void data_is_pulled(void)
{
	struct dunlin_step copy = RUN("COPY t FROM stdin");
	struct source s = { .left = 50000 };

	copy.data = "0\tz\n";
	copy.data_len = 4;
	copy.read_data = next_piece;
	copy.read_arg = &s;
	enter();
	raw(pg, "CREATE TABLE t (id int, v text)");
	MUST(MANY(BEGIN, RUN("CREATE TABLE x (id int)"), copy));
	MUST(MANY(RUN("INSERT INTO t VALUES (3, 'c')"), SEAL, COMMIT));
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM t"), "100002");
	s = (struct source){ .left = 1000, .ends_badly = 1 };
	TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE y (id int)"), copy), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_INT(state(), DUNLIN_TX_NONE);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM t"), "100002");
	s = (struct source){ .left = 100000 }; /* the server fails at once, and takes the rest */
	copy.data = "x\n";
	copy.data_len = 2;
	TAP_EQ_INT(MANY(BEGIN, copy), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "22P02");
	MUST(MANY(BEGIN, RUN("INSERT INTO t VALUES (3, 'c')"), SEAL, COMMIT));
	leave();
}

/* --- sessions -------------------------------------------------------------------------------------- */

static void what_is_sealed_is_as_new(void)
{
	enter();
	MUST(MANY(BEGIN, RUN("SET search_path = pg_catalog"), RUN("CREATE TEMP TABLE x (id int)"), RUN("PREPARE q AS SELECT 1"),
	          RUN("DECLARE k CURSOR WITH HOLD FOR SELECT 1"), RUN("LISTEN l"), SEAL,
	          LEDGER("CREATE TABLE public.seen AS SELECT current_setting('search_path') || pg_my_temp_schema()::text AS a"), COMMIT));
	MUST(MANY(BEGIN, RUN("INSERT INTO public.seen SELECT count(*)::text FROM pg_cursors WHERE name = 'k'"),
	          RUN("INSERT INTO public.seen SELECT count(*)::text FROM pg_prepared_statements WHERE name = 'q'"),
	          RUN("INSERT INTO public.seen SELECT count(*)::text FROM pg_class WHERE relname = 'x'"), SEAL, COMMIT));
	TAP_OK(strstr(raw_ask(pg, "SELECT a FROM seen"), "\"$user\", public") != NULL);
	TAP_OK(strstr(raw_ask(pg, "SELECT a FROM seen"), "|0|0|0") != NULL);
	leave();
}

static void timeouts_of_a_step_are_its_own(void)
{
	struct dunlin_step begin = BEGIN, lone = RUN("CREATE TABLE b AS SELECT current_setting('lock_timeout') AS l, current_setting('statement_timeout') AS s");

	begin.lock_timeout_ms = lone.lock_timeout_ms = 1500;
	begin.statement_timeout_ms = lone.statement_timeout_ms = 2500;
	enter();
	MUST(MANY(begin, RUN("CREATE TABLE a AS SELECT current_setting('lock_timeout') AS l, current_setting('statement_timeout') AS s"), SEAL,
	          LEDGER("INSERT INTO a SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"), COMMIT));
	TAP_EQ_STR(raw_ask(pg, "SELECT l || ' ' || s FROM a"), "1500ms 2500ms|5s 0");
	MUST(exec(c, "SET lock_timeout = '77ms'"));
	MUST(many(&lone, 1));
	MUST(exec(c, "INSERT INTO b SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"));
	TAP_EQ_STR(raw_ask(pg, "SELECT l || ' ' || s FROM b"), "1500ms 2500ms|77ms 0");
	leave();
}

static void notices_have_their_step(void)
{
	enter();
	MUST(MANY(BEGIN, RUN("SELECT 1"), RUN("DROP TABLE IF EXISTS nosuch"), RUN("SELECT 1"), SEAL, COMMIT));
	TAP_EQ_INT(notice_index, 2);
	TAP_OK(strstr(noticed, "nosuch") != NULL);
	leave();
}

/* --- the line ------------------------------------------------------------------------------------------- */

static void a_lost_line_says_what_is_unknown(void)
{
	enter();
	/* Before the COMMIT was reached: it did not happen. */
	TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), SEAL, COMMIT,
	                BEGIN, RUN("SELECT pg_terminate_backend(pg_backend_pid())"), SEAL, COMMIT), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 4);
	TAP_EQ_INT(res.is_unknown, 0);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_INT(drv->query(c, "SELECT 1", 8, NULL, 0, NULL, NULL, &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_class WHERE relname = 'a'"), "1");
	leave();
	/* Without a word: whether the COMMIT behind it came through nobody knows. */
	enter();
	cut_at = 3;
	TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), SEAL, COMMIT,
	                BEGIN, RUN("SELECT pg_sleep(0.5)"), SEAL, COMMIT), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 4);
	TAP_EQ_INT(res.is_unknown, 1);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	leave();
	/* With no COMMIT on its way all is known. */
	enter();
	TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), SEAL, COMMIT, BEGIN, RUN("SELECT pg_sleep(0.5)")), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 4);
	TAP_EQ_INT(res.is_unknown, 0);
	leave();
	/* Outside a transaction a statement may have run. */
	enter();
	MUST(exec(c, "SELECT 1"));
	cut_at = 0;
	TAP_EQ_INT(MANY(RUN("CREATE TABLE a (id int)"), RUN("CREATE TABLE b (id int)")), DUNLIN_ERROR);
	TAP_EQ_INT(res.n_durable, 1);
	TAP_EQ_INT(res.n_done, 1);
	cut_at = SIZE_MAX;
	leave();
}

static void it_stops_when_told(void)
{
	enter();
	must_stop = 1;
	TAP_EQ_INT(MANY(BEGIN, RUN("CREATE TABLE a (id int)"), RUN("SELECT pg_sleep(30)"), SEAL, COMMIT), DUNLIN_ECANCELLED);
	must_stop = 0;
	TAP_EQ_INT(state(), DUNLIN_TX_NONE);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_class WHERE relname = 'a'"), "0");
	leave();
}

/* --- memory ---------------------------------------------------------------------------------------------- */

static void every_allocation_may_fail(void)
{
	struct dunlin_step one = LEDGER("INSERT INTO ledger VALUES ($1)");
	struct dunlin_param param = { .value = "7", .len = 1, .is_integer = 1 };
	unsigned long n = 0, from;
	int status = DUNLIN_ENOMEM;

	one.param = &param;
	one.n_param = 1;
	one.expect_rows = 1;
	enter();
	raw(pg, "CREATE TABLE ledger (id bigint)");
	while (status != DUNLIN_OK && n++ < 200) {
		from = n_alloc;
		fail_at = from + n;
		status = MANY(BEGIN, RUN("CREATE TABLE a (id int)"), SEAL, one, COMMIT, BEGIN, one, RUN("DROP TABLE a"), SEAL, one, COMMIT);
		fail_at = 0;
		if (!TAP_EQ_INT(state(), DUNLIN_TX_NONE))
			break;
		if (res.n_durable == 5) {
			raw(pg, "DROP TABLE a; TRUNCATE ledger");
		} else if (status != DUNLIN_OK) {
			TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM ledger"), "0");
			TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_class WHERE relname = 'a'"), "0");
		}
	}
	TAP_EQ_INT(status, DUNLIN_OK);
	TAP_OK(n > 5);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM ledger"), "3");
	leave();
}

/* --- queries ------------------------------------------------------------------------------------------------ */

static char row_text[256];

static int on_row(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	size_t at = strlen(row_text);

	for (int i = 0; i < ncol; i++)
		at += (size_t)snprintf(row_text + at, sizeof row_text - at, "%d:%.*s ", (int)type[i], value[i] ? (int)len[i] : 4,
		                       value[i] ? value[i] : "null");
	return *(int *)arg;
}

static int query(const char *sql, int stop)
{
	row_text[0] = '\0';
	return drv->query(c, sql, strlen(sql), NULL, 0, on_row, &stop, &err);
}

static void a_query_tells_types(void)
{
	enter();
	MUST(query("SELECT true, false, 1::int2, 2::int8, 1.5::numeric, 2.5::float8, 't', '\\x6162'::bytea, NULL, now() - now()", 0));
	TAP_EQ_STR(row_text, "2:1 2:0 1:1 1:2 1:1.5 1:2.5 0:t 3:ab 4:null 0:00:00:00 ");
	TAP_EQ_INT(query("SELECT generate_series(1, 100000)", 5), 5);
	TAP_EQ_STR(row_text, "1:1 ");
	TAP_EQ_INT(query("SELECT 1; SELECT 2", 0), DUNLIN_ERROR);
	TAP_EQ_INT(query("COPY pg_class TO stdout", 0), DUNLIN_ERROR);
	MUST(query("SELECT 1", 0));
	MUST(drv->begin(c, NULL, &err));
	MUST(query("SELECT 1", 0));
	TAP_EQ_INT(state(), DUNLIN_TX_OPEN);
	MUST(drv->rollback(c, &err));
	leave();
}

#define T(name) { #name, name }

int main(void)
{
	static const struct tap_test tests[] = {
		T(many_migrations_go_in_one_call),
		T(a_failure_undoes_its_own_transaction_alone),
		T(a_transaction_goes_on_in_the_next_call),
		T(a_statement_is_one),
		T(who_ends_the_transaction_is_found_out),
		T(a_lost_lock_is_found_out_before_the_ledger),
		T(deferred_constraints_fail_at_the_seal),
		T(a_commit_that_rolls_back_is_a_failure),
		T(begin_keeps_what_the_file_says),
		T(rows_are_counted_in_the_server),
		T(prepared_statements_may_vanish),
		T(data_is_pulled),
		T(what_is_sealed_is_as_new),
		T(timeouts_of_a_step_are_its_own),
		T(notices_have_their_step),
		T(a_lost_line_says_what_is_unknown),
		T(it_stops_when_told),
		T(every_allocation_may_fail),
		T(a_query_tells_types),
	};
	int rc;

	if (!fixture_start()) {
		printf("1..0 # SKIP DUNLIN_TEST_POSTGRESQL_URL is not set\n");
		return 0;
	}
	rc = tap_main("postgresql_exec", tests, sizeof tests / sizeof *tests);
	fixture_end();
	return rc;
}
