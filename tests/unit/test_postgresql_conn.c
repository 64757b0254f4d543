/*
 * test_postgresql_conn.c - a connection that is stopped, cancelled, lost or the
 * application's own; and the lock.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pthread.h>

#include "postgresql_fixture.h"

#include "postgresql/pg_driver.h"

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int query(const char *sql)
{
	return drv->query(c, sql, strlen(sql), NULL, 0, NULL, NULL, &err);
}

/* Waits until the server runs such a statement. */
static int is_running(PGconn *by, const char *like)
{
	char sql[256];
	int i;

	snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%s' "
	         "AND pid <> pg_backend_pid()", like);
	for (i = 0; i < 500; i++) {
		if (strcmp(raw_ask(by, sql), "0") != 0)
			return 1;
		usleep(10000);
	}
	return 0;
}

/* --- stopping ------------------------------------------------------------------------- */

enum deed { DEED_STOP, DEED_CANCEL, DEED_TERMINATE };

struct saboteur {
	PGconn *by;
	enum deed deed;
	int64_t at;
};

static void *sabotage(void *arg)
{
	struct saboteur *s = arg;

	if (!is_running(s->by, "SELECT pg_sleep(30)%"))
		return NULL;
	s->at = now_ms();
	switch (s->deed) {
	case DEED_STOP:
		must_stop = 1;
		break;
	case DEED_CANCEL:
		drv->cancel(c);
		break;
	case DEED_TERMINATE:
		raw(s->by, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%' "
		           "AND pid <> pg_backend_pid()");
		break;
	}
	return NULL;
}

static int sleep_until(enum deed deed, int64_t *took)
{
	struct saboteur s = { .by = pg, .deed = deed };
	pthread_t thread;
	int status;

	pthread_create(&thread, NULL, sabotage, &s);
	status = query("SELECT pg_sleep(30)");
	pthread_join(thread, NULL);
	*took = now_ms() - s.at;
	return status;
}

static void a_stop_ends_the_statement_in_the_server(void)
{
	int64_t took;

	enter();
	TAP_EQ_INT(sleep_until(DEED_STOP, &took), DUNLIN_ECANCELLED);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_INTERRUPTED);
	TAP_OK(took < 1000);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
	           "AND query LIKE 'SELECT pg_sleep%'"), "0");
	must_stop = 0;
	MUST(query("SELECT 1"));
	leave();
}

static void cancel_from_another_thread_does(void)
{
	int64_t took;

	enter();
	TAP_EQ_INT(sleep_until(DEED_CANCEL, &took), DUNLIN_ECANCELLED);
	TAP_OK(took < 1000);
	MUST(query("SELECT 1"));
	/* Between two calls it is nobody's. */
	drv->cancel(c);
	MUST(query("SELECT 1"));
	leave();
}

static void a_terminated_session_is_a_lost_line(void)
{
	int64_t took;
	int32_t state;

	enter();
	TAP_EQ_INT(sleep_until(DEED_TERMINATE, &took), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_STR(err.sqlstate, "57P01");
	TAP_EQ_INT(query("SELECT 1"), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_INT(drv->tx_state(c, &state, &err), DUNLIN_ERROR);
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	leave();
}

static void a_server_that_ends_in_between_is_a_lost_line(void)
{
	char sql[128];

	enter();
	snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d)", c->server_pid);
	raw(pg, sql);
	snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE pid = %d", c->server_pid);
	while (strcmp(raw_ask(pg, sql), "0") != 0)
		usleep(10000);
	TAP_EQ_INT(query("SELECT 1"), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_INT(c->is_lost, 1);
	leave();
}

static void errors_have_code_position_detail_and_hint(void)
{
	enter();
	TAP_EQ_INT(query("SELECT '\xc3\xbc\xc3\xbc', nothing FROM pg_class"), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "42703");
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_SCHEMA);
	TAP_EQ_INT(err.position, 15);
	MUST(exec(c, "CREATE TABLE u (id int PRIMARY KEY)"));
	TAP_EQ_INT(exec(c, "INSERT INTO u VALUES (1), (1)"), DUNLIN_ERROR);
	TAP_EQ_STR(err.sqlstate, "23505");
	TAP_OK(strstr(err.detail, "(id)=(1)") != NULL);
	TAP_EQ_INT(err.is_retryable, 0);
	TAP_EQ_INT(exec(c, "DO $$ BEGIN PERFORM 1/0; END $$"), DUNLIN_ERROR);
	TAP_EQ_INT(err.position, -1); /* in the function, not in the file */
	TAP_OK(strstr(err.detail, "PL/pgSQL") != NULL);
	TAP_EQ_INT(exec(c, "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_retryable, 1);
	TAP_EQ_INT(exec(c, "SELECT FROM u; SELECT foo"), DUNLIN_ERROR);
	leave();
}

/* --- the lock ---------------------------------------------------------------------------- */

static int is_check_passed(void)
{
	const char *sql = pg_lock_check(c);

	return sql && query(sql) == DUNLIN_OK;
}

static void one_holds_the_lock_and_is_named(void)
{
	struct dunlin_conn *first, *second;
	char holder[200], since[40];
	int32_t held;

	enter();
	first = c;
	second = open_db('a');
	MUST(drv->lock(first, "s.t", "me@here", &err));
	TAP_EQ_INT(drv->lock(first, "s.t", "me@here", &err), DUNLIN_EBUSY);
	TAP_EQ_INT(drv->lock(second, "s.t", "you@there", &err), DUNLIN_EBUSY);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_INT(err.is_retryable, 1);
	TAP_OK(strstr(err.message, "another run holds the lock: dunlin ") != NULL);
	snprintf(holder, sizeof holder, "process %d,", first->server_pid);
	TAP_OK(strstr(err.message, holder) != NULL);
	MUST(drv->lock_info(second, "s.t", &held, holder, sizeof holder, since, sizeof since, &err));
	TAP_EQ_INT(held, 1);
	TAP_OK(strncmp(holder, "dunlin ", 7) == 0);
	TAP_EQ_INT(strlen(since), strlen("2026-01-01T00:00:00Z"));
	MUST(drv->lock_info(second, "s.other", &held, holder, sizeof holder, since, sizeof since, &err));
	TAP_EQ_INT(held, 0);
	TAP_EQ_STR(holder, "");
	MUST(drv->lock(second, "s.other", "you@there", &err));
	MUST(drv->unlock(first, "s.t", &err));
	TAP_EQ_INT(drv->unlock(first, "s.t", &err), DUNLIN_ERROR);
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
	                            "database = (SELECT oid FROM pg_database WHERE datname = current_database())"), "1");
	drv->close(second);
	while (strcmp(raw_ask(pg, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
	                            "database = (SELECT oid FROM pg_database WHERE datname = current_database())"), "0") != 0)
		usleep(10000);
	MUST(drv->lock(first, "s.t", "me@here", &err));
	leave();
}

static void the_check_fails_in_the_server_once_the_lock_is_lost(void)
{
	enter();
	TAP_OK(pg_lock_check(c) == NULL);
	MUST(drv->lock(c, "s.t", "me", &err));
	TAP_OK(is_check_passed());
	TAP_OK(is_check_passed());
	MUST(exec(c, "BEGIN"));
	TAP_OK(is_check_passed());
	MUST(exec(c, "ROLLBACK"));
	TAP_OK(is_check_passed());
	MUST(query("SELECT pg_advisory_unlock_all()"));
	TAP_OK(!is_check_passed());
	TAP_EQ_STR(err.sqlstate, "22P02");
	TAP_OK(strstr(err.message, "the lock of this run was lost") != NULL);
	TAP_OK(!is_check_passed());
	/* The failed check must not have taken it. */
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
	                            "database = (SELECT oid FROM pg_database WHERE datname = current_database())"), "0");
	TAP_EQ_INT(drv->unlock(c, "s.t", &err), DUNLIN_ERROR);
	TAP_OK(strstr(err.message, "lost") != NULL);
	leave();
}

/* --- the application's own ------------------------------------------------------------------- */

static void an_applications_handle_is_given_back_as_it_was(void)
{
	struct dunlin_conn *mine = NULL;

	enter();
	raw(pg, "CREATE SCHEMA app; SET search_path TO app, public; SET lock_timeout TO '123ms'; SET application_name TO 'o''x\\y'; "
	        "SET client_encoding TO 'LATIN1'");
	raw(pg, "CREATE TEMP TABLE keep (i int); PREPARE p AS SELECT 42");
	raw(admin, "DROP ROLE IF EXISTS dunlin_test_role");
	raw(admin, "CREATE ROLE dunlin_test_role");
	raw(pg, "SET ROLE dunlin_test_role");
	TAP_EQ_INT(PQisnonblocking(pg), 0);
	MUST(drv->adopt_handle(pg, &ctl, &mine, &err));
	if (!mine) {
		leave();
		return;
	}
	drv->close(c);
	c = mine;
	TAP_OK(drv->caps(c) & DUNLIN_CAP_LOCK);
	MUST(drv->lock(c, "s.t", "me", &err));
	MUST(exec(c, "CREATE TABLE made (i int)"));
	MUST(exec(c, "SET work_mem TO '77MB'"));
	MUST(drv->reset_session(c, &err));
	MUST(drv->begin(c, NULL, &err));
	drv->close(c); /* in the middle of it */
	c = NULL;
	TAP_EQ_INT(PQtransactionStatus(pg), PQTRANS_IDLE);
	TAP_EQ_INT(PQisnonblocking(pg), 0);
	TAP_EQ_INT(PQpipelineStatus(pg), PQ_PIPELINE_OFF);
	TAP_EQ_STR(raw_ask(pg, "SELECT current_setting('search_path') UNION ALL SELECT current_setting('lock_timeout') UNION ALL "
	                       "SELECT current_setting('application_name') UNION ALL SELECT current_setting('client_encoding') "
	                       "UNION ALL SELECT current_setting('work_mem') UNION ALL SELECT current_user::text"),
	           "app, public|123ms|o'x\\y|LATIN1|4MB|dunlin_test_role");
	TAP_EQ_INT(PQclientEncoding(pg), pg_char_to_encoding("LATIN1"));
	raw(pg, "RESET ROLE");
	TAP_EQ_STR(raw_ask(pg, "SELECT to_regclass('public.made') IS NOT NULL"), "t");
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM keep"), "0");
	TAP_EQ_STR(raw_ask(pg, "EXECUTE p"), "42");
	TAP_EQ_STR(raw_ask(pg, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
	                            "database = (SELECT oid FROM pg_database WHERE datname = current_database())"), "0");
	leave();
	raw(admin, "DROP ROLE dunlin_test_role");
}

/* With nothing of its own on the handle there is nothing to spare. */
static void what_migrations_leave_on_a_handle_goes(void)
{
	struct dunlin_conn *mine = NULL;

	enter();
	MUST(drv->adopt_handle(pg, &ctl, &mine, &err));
	drv->close(c);
	c = mine;
	MUST(exec(c, "CREATE TEMP TABLE left_behind (i int)"));
	MUST(exec(c, "PREPARE left_behind AS SELECT 1"));
	MUST(drv->reset_session(c, &err));
	MUST(exec(c, "CREATE TEMP TABLE left_behind (i int)"));
	MUST(exec(c, "PREPARE left_behind AS SELECT 1"));
	leave();
}

static void a_handle_at_work_is_refused(void)
{
	struct dunlin_conn *mine = NULL;
	PGresult *res;

	enter();
	raw(pg, "BEGIN");
	TAP_EQ_INT(drv->adopt_handle(pg, &ctl, &mine, &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	TAP_OK(strstr(err.message, "inside a transaction") != NULL);
	TAP_EQ_INT(PQtransactionStatus(pg), PQTRANS_INTRANS);
	raw(pg, "ROLLBACK");
	PQenterPipelineMode(pg);
	TAP_EQ_INT(drv->adopt_handle(pg, &ctl, &mine, &err), DUNLIN_ERROR);
	TAP_OK(strstr(err.message, "pipeline") != NULL);
	PQexitPipelineMode(pg);
	PQsendQuery(pg, "SELECT 1");
	TAP_EQ_INT(drv->adopt_handle(pg, &ctl, &mine, &err), DUNLIN_ERROR);
	TAP_OK(strstr(err.message, "middle of a statement") != NULL);
	while ((res = PQgetResult(pg)) != NULL)
		PQclear(res);
	TAP_OK(mine == NULL);
	leave();
}

/* --- databases ----------------------------------------------------------------------------------- */

static void a_scratch_database_has_a_url_without_password(void)
{
	const struct dunlin_kv bad[] = { { "user", "x y" }, { "password", "secret" }, { "host", "/nonexistent" }, { "sslmode", "allow" } };
	PQconninfoOption *info = PQconninfoParse(server_url, NULL), *o;
	char url[1024] = "", name[128], sql[256];
	struct dunlin_kv kv[6];
	size_t n = 0;
	PGconn *look;

	enter();
	TAP_EQ_INT(drv->scratch(bad, 4, &ctl, url, sizeof url, &err), DUNLIN_ERROR);
	TAP_EQ_STR(url, "");
	for (o = info; o && o->keyword; o++)
		if (o->val && (strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "port") == 0 ||
		               strcmp(o->keyword, "user") == 0 || strcmp(o->keyword, "password") == 0))
			kv[n++] = (struct dunlin_kv){ o->keyword, o->val };
	MUST(drv->scratch(kv, n, &ctl, url, sizeof url, &err));
	TAP_OK(strncmp(url, "postgresql://", 13) == 0 && strstr(url, "/dunlin_scratch_") != NULL);
	TAP_OK(strstr(url, "password") == NULL);
	for (size_t i = 0; i < n; i++) /* the URL has none, the server may want one */
		if (strcmp(kv[i].key, "password") == 0)
			setenv("PGPASSWORD", kv[i].value, 1);
	look = PQconnectdb(url);
	unsetenv("PGPASSWORD");
	if (TAP_EQ_INT(PQstatus(look), CONNECTION_OK)) {
		snprintf(name, sizeof name, "%s", PQdb(look));
		TAP_EQ_STR(raw_ask(look, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
		kv[n] = (struct dunlin_kv){ "database", name };
		TAP_EQ_INT(drv->drop_database(kv, n + 1, &ctl, &err), DUNLIN_EBUSY);
		PQfinish(look);
		look = NULL;
		MUST(drv->drop_database(kv, n + 1, &ctl, &err));
		snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_database WHERE datname = '%s'", name);
		TAP_EQ_STR(raw_ask(pg, sql), "0");
	}
	PQfinish(look);
	PQconninfoFree(info);
	leave();
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a stop ends the statement in the server", a_stop_ends_the_statement_in_the_server },
		{ "cancel from another thread does", cancel_from_another_thread_does },
		{ "a terminated session is a lost line", a_terminated_session_is_a_lost_line },
		{ "a server that ends in between is a lost line", a_server_that_ends_in_between_is_a_lost_line },
		{ "errors have code position detail and hint", errors_have_code_position_detail_and_hint },
		{ "one holds the lock and is named", one_holds_the_lock_and_is_named },
		{ "the check fails in the server once the lock is lost", the_check_fails_in_the_server_once_the_lock_is_lost },
		{ "an applications handle is given back as it was", an_applications_handle_is_given_back_as_it_was },
		{ "what migrations leave on a handle goes", what_migrations_leave_on_a_handle_goes },
		{ "a handle at work is refused", a_handle_at_work_is_refused },
		{ "a scratch database has a url without password", a_scratch_database_has_a_url_without_password },
	};
	int rc;

	if (!fixture_start()) {
		puts("1..0 # SKIP DUNLIN_TEST_POSTGRESQL_URL is not set");
		return EXIT_SUCCESS;
	}
	rc = tap_main("postgresql_conn", tests, sizeof tests / sizeof *tests);
	fixture_end();
	return rc;
}
