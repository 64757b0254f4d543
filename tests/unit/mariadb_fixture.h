/*
 * mariadb_fixture.h - the MariaDB driver's table of functions in a test's hands.
 *
 * The driver's objects are linked in.  What needs a server takes the one of
 * DUNLIN_TEST_MARIADB_URL, in a database of its own; without it such a test
 * says SKIP.
 */
#ifndef DUNLIN_TESTS_MARIADB_FIXTURE_H
#define DUNLIN_TESTS_MARIADB_FIXTURE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "my_packet.h"
#include "tap.h"

dunlin_driver_entry_fn dunlin_driver_entry_v1;

static const struct dunlin_driver *drv;
static struct dunlin_driver_error err;
static _Atomic int must_stop;

static void *fixture_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return malloc(n);
}

static void fixture_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static int fixture_should_stop(void *arg)
{
	(void)arg;
	return must_stop;
}

static const struct dunlin_host host = { .struct_size = sizeof host, .alloc = fixture_alloc, .free = fixture_free };
static const struct dunlin_control ctl = { .struct_size = sizeof ctl, .should_stop = fixture_should_stop };

static inline void fixture_start(void)
{
	err = (struct dunlin_driver_error){ .struct_size = sizeof err };
	drv = dunlin_driver_entry_v1(&host, &err);
	if (!drv) {
		printf("Bail out! %s\n", err.message);
		exit(EXIT_FAILURE);
	}
}

/* --- the server ------------------------------------------------------------------ */

static char url_text[512];
static struct dunlin_kv url_kv[10];
static size_t n_url;
static char database_name[64];

static inline void put(const char *key, const char *value)
{
	url_kv[n_url++] = (struct dunlin_kv){ key, value };
}

/* SCHEME://USER[:PASSWORD]@HOST[:PORT]/[?socket=PATH], without % in it. */
static inline int has_server(void)
{
	const char *text = getenv("DUNLIN_TEST_MARIADB_URL");
	char *p, *q, *colon;

	if (!text || !*text || strlen(text) >= sizeof url_text)
		return 0;
	if (n_url)
		return 1;
	memcpy(url_text, text, strlen(text) + 1);
	p = strstr(url_text, "://");
	if (!p)
		return 0;
	p += 3;
	if ((q = strstr(p, "?socket=")) != NULL) {
		*q = '\0';
		put("socket", q + 8);
	}
	if ((q = strchr(p, '/')) != NULL)
		*q = '\0';
	if ((q = strrchr(p, '@')) != NULL) {
		*q = '\0';
		if ((colon = strchr(p, ':')) != NULL) {
			*colon = '\0';
			put("password", colon + 1);
		}
		put("user", p);
		p = q + 1;
	}
	if ((colon = strrchr(p, ':')) != NULL && !strchr(colon, ']')) {
		*colon = '\0';
		put("port", colon + 1);
	}
	put("host", p);
	snprintf(database_name, sizeof database_name, "dunlin_test_%ld", (long)getpid());
	return 1;
}

/* Up to three more "key", "value" pairs, NULL-ended. */
static inline int try_open(struct dunlin_conn **c, const char *database, ...)
{
	struct dunlin_kv kv[16];
	size_t n = n_url;
	va_list ap;

	memcpy(kv, url_kv, sizeof url_kv);
	if (database)
		kv[n++] = (struct dunlin_kv){ "database", database };
	va_start(ap, database);
	while (n < 16 && (kv[n].key = va_arg(ap, const char *)))
		kv[n++].value = va_arg(ap, const char *);
	va_end(ap);
	return drv->open(kv, n, &ctl, c, &err);
}

static inline struct dunlin_conn *open_db(void)
{
	struct dunlin_conn *c = NULL;

	if (try_open(&c, database_name, "lock_timeout_ms", "2000", NULL) != DUNLIN_OK) {
		printf("Bail out! open: %s\n", err.message);
		exit(EXIT_FAILURE);
	}
	return c;
}

static inline void admin(const char *sql)
{
	struct dunlin_conn *c = NULL;

	if (try_open(&c, NULL, NULL) != DUNLIN_OK || my_do(c, sql, &err) != DUNLIN_OK)
		printf("# %s: %s\n", sql, err.message);
	drv->close(c);
}

static inline void fresh_database(void)
{
	char sql[160];

	snprintf(sql, sizeof sql, "CREATE OR REPLACE DATABASE `%s`", database_name);
	admin(sql);
}

static inline void drop_database(void)
{
	char sql[160];

	snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS `%s`", database_name);
	if (n_url)
		admin(sql);
}

/* First value of a query, over a connection of its own. */
static inline const char *one(const char *sql)
{
	static char out[512];
	struct dunlin_conn *c = open_db();

	snprintf(out, sizeof out, "?");
	if (my_scalar(c, sql, NULL, 0, out, sizeof out, &err) != DUNLIN_OK)
		snprintf(out, sizeof out, "%.500s", err.message);
	drv->close(c);
	return out;
}

/* --- steps -------------------------------------------------------------------------- */

static struct dunlin_step step[512];
static size_t n_step;
static struct dunlin_exec_result res;
static char noticed[512];

static inline struct dunlin_step *add(int kind, const char *sql)
{
	step[n_step] = (struct dunlin_step){
		.struct_size = sizeof *step, .kind = kind, .sql = sql, .sql_len = sql ? strlen(sql) : 0,
		.expect_rows = -1, .lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};
	return &step[n_step++];
}

/* A journal write: BEGIN, one row into `journal`, COMMIT. */
static inline void journal(const char *sql)
{
	add(DUNLIN_STEP_BEGIN, NULL);
	add(DUNLIN_STEP_LEDGER, sql)->expect_rows = 1;
	add(DUNLIN_STEP_COMMIT, NULL);
}

static inline void statement(const char *sql, uint32_t traits)
{
	add(DUNLIN_STEP_STATEMENT, sql)->traits = traits;
}

static void on_notice(void *arg, size_t i, int level, const char *text)
{
	(void)arg;
	(void)i;
	(void)level;
	snprintf(noticed, sizeof noticed, "%s", text);
}

static inline int send_all(struct dunlin_conn *c)
{
	struct dunlin_exec_observer obs = { .struct_size = sizeof obs, .notice = on_notice };
	int status;

	noticed[0] = '\0';
	res = (struct dunlin_exec_result){ .struct_size = sizeof res };
	status = drv->exec_many(c, step, n_step, &obs, &res, &err);
	n_step = 0;
	return status;
}

#endif
