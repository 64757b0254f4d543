/*
 * postgresql_fixture.h - the PostgreSQL driver's table of functions in a test's
 * hands, and a second look at the server through libpq itself.
 *
 * The driver's objects are linked in.  DUNLIN_TEST_POSTGRESQL_URL names a server
 * and a superuser; a test works in a database of its own there.
 */
#ifndef DUNLIN_TESTS_POSTGRESQL_FIXTURE_H
#define DUNLIN_TESTS_POSTGRESQL_FIXTURE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include <dunlin/driver.h>

#include "tap.h"

dunlin_driver_entry_fn dunlin_driver_entry_v1;

static const struct dunlin_driver *drv;
static struct dunlin_driver_error err;
static const char *server_url;

/* --- the host ------------------------------------------------------------------ */

static unsigned long n_alloc, fail_at; /* the n-th allocation fails; 0: none */
static _Atomic long n_live;
static _Atomic int must_stop;
static char logged[1024], noticed[4096];

static void *fixture_alloc(void *ctx, size_t n)
{
	void *p;

	(void)ctx;
	n_alloc++;
	if (fail_at && n_alloc == fail_at)
		return NULL;
	p = malloc(n);
	n_live += p != NULL;
	return p;
}

static void fixture_free(void *ctx, void *p)
{
	(void)ctx;
	n_live -= p != NULL;
	free(p);
}

static void fixture_log(void *ctx, int level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(logged, sizeof logged, "%s", text);
}

static int fixture_should_stop(void *arg)
{
	(void)arg;
	return must_stop;
}

/* A test that waits for what never comes fails, and the next one runs. */
#define TEST_MS 60000
static int64_t test_end_ms;

static int64_t fixture_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t fixture_remaining(void *arg)
{
	int64_t left = test_end_ms ? test_end_ms - fixture_now_ms() : TEST_MS;

	(void)arg;
	return left > 0 ? left : 0;
}

static const struct dunlin_host host = {
	.struct_size = sizeof host, .alloc = fixture_alloc, .free = fixture_free, .log = fixture_log,
};
static const struct dunlin_control ctl = {
	.struct_size = sizeof ctl, .should_stop = fixture_should_stop, .remaining_ms = fixture_remaining,
};

static inline void die(const char *what, const char *why)
{
	printf("Bail out! %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

/* 0: there is no server to test with. */
static inline int fixture_start(void)
{
	err = (struct dunlin_driver_error){ .struct_size = sizeof err };
	drv = dunlin_driver_entry_v1(&host, &err);
	if (!drv)
		die("no driver", err.message);
	server_url = getenv("DUNLIN_TEST_POSTGRESQL_URL");
	return server_url && *server_url;
}

/* --- libpq's own connections ------------------------------------------------------- */

/* A notice here is nothing that a test looks at. */
static void no_notice(void *arg, const PGresult *res)
{
	(void)arg, (void)res;
}

static inline PGconn *raw_open(const char *database)
{
	const char *const keyword[] = { "dbname", "dbname", "application_name", NULL };
	const char *const value[] = { server_url, database, "raw", NULL };
	PGconn *pg = PQconnectdbParams(keyword, value, 1);

	if (PQstatus(pg) != CONNECTION_OK)
		die("cannot connect", PQerrorMessage(pg));
	PQsetNoticeReceiver(pg, no_notice, NULL);
	return pg;
}

/* Runs them; 1 if all succeeded. */
static inline int raw_try(PGconn *pg, const char *sql)
{
	PGresult *res = PQexec(pg, sql);
	ExecStatusType got = PQresultStatus(res);
	int is_ok = got == PGRES_COMMAND_OK || got == PGRES_TUPLES_OK || got == PGRES_EMPTY_QUERY;

	PQclear(res);
	return is_ok;
}

static inline void raw(PGconn *pg, const char *sql)
{
	if (!raw_try(pg, sql)) {
		printf("# %s\n", sql);
		die("a test's own SQL failed", PQerrorMessage(pg));
	}
}

/* The first column of all rows, with bars between. */
static inline const char *raw_ask(PGconn *pg, const char *sql)
{
	static char value[8192];
	PGresult *res = PQexec(pg, sql);
	size_t at = 0;
	int i;

	if (PQresultStatus(res) != PGRES_TUPLES_OK) {
		printf("# %s\n", sql);
		die("a test's own query failed", PQerrorMessage(pg));
	}
	value[0] = '\0';
	for (i = 0; i < PQntuples(res) && at < sizeof value; i++)
		at += (size_t)snprintf(value + at, sizeof value - at, "%s%s", i ? "|" : "", PQgetvalue(res, i, 0));
	PQclear(res);
	return value;
}

/* --- databases ------------------------------------------------------------------------- */

static PGconn *admin;

static inline const char *db_name(char which)
{
	static char name[8][64];
	static int n;

	n = (n + 1) % 8;
	snprintf(name[n], sizeof name[n], "dunlin_test_%ld_%c", (long)getpid(), which);
	return name[n];
}

static inline void db_drop(char which)
{
	char sql[128];

	snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", db_name(which));
	raw(admin, sql);
}

static inline void db_make(char which)
{
	char sql[128];

	db_drop(which);
	snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0", db_name(which));
	raw(admin, sql);
}

/* --- the driver's connections -------------------------------------------------------------- */

static inline struct dunlin_conn *open_db(char which)
{
	static const char *const keys[][2] = { { "host", "host" }, { "port", "port" }, { "user", "user" }, { "password", "password" } };
	PQconninfoOption *info = PQconninfoParse(server_url, NULL), *o;
	struct dunlin_kv kv[8];
	struct dunlin_conn *c = NULL;
	size_t n = 0, i;

	if (!info)
		die("bad URL", server_url);
	kv[n++] = (struct dunlin_kv){ "database", db_name(which) };
	kv[n++] = (struct dunlin_kv){ "lock_timeout_ms", "5000" };
	for (o = info; o->keyword; o++)
		for (i = 0; i < sizeof keys / sizeof *keys; i++)
			if (strcmp(o->keyword, keys[i][0]) == 0 && o->val)
				kv[n++] = (struct dunlin_kv){ keys[i][1], o->val };
	if (drv->open(kv, n, &ctl, &c, &err) != DUNLIN_OK)
		die("cannot open", err.message);
	PQconninfoFree(info);
	return c;
}

static void on_notice(void *arg, size_t i, int level, const char *text)
{
	size_t at = strlen(noticed);

	(void)arg, (void)i, (void)level;
	snprintf(noticed + at, sizeof noticed - at, "%s\n", text);
}

static const struct dunlin_exec_observer observer = { .struct_size = sizeof observer, .notice = on_notice };

/* One statement of a file outside of a transaction, with this lock timeout. */
static inline int exec_for(struct dunlin_conn *c, const char *sql, int64_t lock_timeout_ms)
{
	struct dunlin_step st = {
		.struct_size = sizeof st, .kind = DUNLIN_STEP_STATEMENT, .sql = sql, .sql_len = strlen(sql), .expect_rows = -1,
		.lock_timeout_ms = lock_timeout_ms, .statement_timeout_ms = -1,
	};
	struct dunlin_exec_result res = { .struct_size = sizeof res };

	noticed[0] = '\0';
	return drv->exec_many(c, &st, 1, &observer, &res, &err);
}

static inline int exec(struct dunlin_conn *c, const char *sql)
{
	return exec_for(c, sql, -1);
}

static inline void must(int status)
{
	if (status != DUNLIN_OK)
		tap_note("status %d: %s (%s) %s", status, err.message, err.detail, err.sqlstate);
	TAP_EQ_INT(status, DUNLIN_OK);
}

#define MUST(what) must(what)

/* --- a test's frame -------------------------------------------------------------------------- */

static struct dunlin_conn *c; /* the connection that it works with */
static PGconn *pg;            /* the same database, by libpq       */

static inline void enter(void)
{
	admin = admin ? admin : raw_open("postgres");
	test_end_ms = fixture_now_ms() + TEST_MS;
	db_make('a');
	pg = raw_open(db_name('a'));
	c = open_db('a');
}

static inline void leave(void)
{
	drv->close(c);
	c = NULL;
	PQfinish(pg);
	pg = NULL;
	db_drop('a');
	must_stop = 0;
	TAP_EQ_INT(n_live, 0);
}

static inline void fixture_end(void)
{
	PQfinish(admin);
}

#endif
