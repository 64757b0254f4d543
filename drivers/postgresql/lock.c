/*
 * lock.c - one run at a time: an advisory lock of the session that does the work.
 *
 * It goes with the session and not before: who gets it knows that the run before
 * is over, in the server too.  It is tried, never waited for, since a session
 * that waits in the server and CREATE INDEX CONCURRENTLY wait for each other.
 *
 * It is taken twice.  The check in the server then gives one back and takes it
 * again, which fails if the session does not hold it, in the session's own table
 * of locks, where pg_locks would visit everybody's.
 *
 * Advisory locks that a migration takes for itself and does not give back are
 * held until the session ends, as in psql.  To let go of all but ours, pg_locks
 * would have to be searched for each migration, and on a handle of the
 * application's its own would go too.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_driver.h"

/* FNV-1a of 64 bits without the sign.  Frozen: runs of every version of the
 * program must mean the same lock. */
int64_t pg_lock_key(const char *text)
{
	static const char prefix[] = "dunlin:";
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < sizeof prefix - 1; i++)
		h = (h ^ (unsigned char)prefix[i]) * UINT64_C(0x100000001b3);
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (int64_t)(h & INT64_MAX);
}

/* The rows of pg_locks that are this key's: two halves, and 1 for "one bigint". */
static void add_holder(struct drv_text *t, int64_t key)
{
	drv_text_addf(t,
	              "SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted "
	              "AND l.classid = %lu AND l.objid = %lu AND l.objsubid = 1 AND l.database = "
	              "(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) "
	              "LIMIT 1",
	              (unsigned long)((uint64_t)key >> 32), (unsigned long)((uint64_t)key & UINT32_MAX));
}

#define RFC3339 "pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

struct holder {
	int  is_taken, n, pid;
	char user[128], application[128], since[32];
};

static void take(char *out, size_t size, const PGresult *res, int column)
{
	char *p;

	snprintf(out, size, "%s", PQgetvalue(res, 0, column));
	for (p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

static int read_holder(void *arg, const PGresult *res)
{
	struct holder *h = arg;

	if (PQntuples(res) != 1 || PQnfields(res) != 5)
		return DUNLIN_OK;
	h->n++;
	h->is_taken = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
	if (PQgetisnull(res, 0, 1))
		return DUNLIN_OK;
	h->pid = (int)strtol(PQgetvalue(res, 0, 1), NULL, 10);
	take(h->user, sizeof h->user, res, 2);
	take(h->application, sizeof h->application, res, 3);
	take(h->since, sizeof h->since, res, 4);
	return DUNLIN_OK;
}

/* "dunlin me@host, process 123": an application's name says more than its role. */
static void describe(const struct holder *h, char *out, size_t size)
{
	if (h->application[0])
		snprintf(out, size, "%s, process %d, user %s", h->application, h->pid, h->user[0] ? h->user : "unknown");
	else
		snprintf(out, size, "process %d, user %s", h->pid, h->user[0] ? h->user : "unknown");
}

static int held(const struct holder *h, struct dunlin_driver_error *err)
{
	char who[320];

	if (!h->pid) {
		drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "another run holds the lock");
	} else {
		describe(h, who, sizeof who);
		drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "another run holds the lock: %s%s%s", who,
		          h->since[0] ? ", connected since " : "", h->since);
	}
	if (err)
		err->is_retryable = 1;
	return DUNLIN_EBUSY;
}

static int refuse_read_only(struct dunlin_driver_error *err)
{
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_PERMISSION, 0, "the server takes no writes");
	if (err)
		err->is_unsafe = 1;
	return DUNLIN_ERROR;
}

static int make_check(struct dunlin_conn *c)
{
	int n = snprintf(c->lock_sql, sizeof c->lock_sql,
	                 "SELECT CAST(CASE WHEN CASE WHEN pg_catalog.pg_advisory_unlock(%lld) "
	                 "THEN pg_catalog.pg_try_advisory_lock(%lld) ELSE false END "
	                 "THEN 'true'::text ELSE 'the lock of this run was lost'::text END AS boolean)",
	                 (long long)c->lock_key, (long long)c->lock_key);

	return n > 0 && (size_t)n < sizeof c->lock_sql;
}

int pg_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	int status = pg_enter(c, err);
	struct holder h = { .n = 0 };
	struct drv_text sql = { 0 };

	(void)holder; /* others see application_name */
	if (status != DUNLIN_OK)
		return status;
	if (c->is_read_only)
		return refuse_read_only(err);
	if (c->is_locked)
		return drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "this connection holds the lock already");
	c->lock_key = pg_lock_key(key);
	/* The second try comes after the first got it: true then. */
	drv_text_addf(&sql,
	              "SELECT t.ok, h.pid, a.usename, a.application_name, " RFC3339
	              " FROM (SELECT CASE WHEN pg_catalog.pg_try_advisory_lock(%lld) "
	              "THEN pg_catalog.pg_try_advisory_lock(%lld) ELSE false END AS ok OFFSET 0) t "
	              "LEFT JOIN LATERAL (SELECT l.pid FROM (",
	              (long long)c->lock_key, (long long)c->lock_key);
	add_holder(&sql, c->lock_key);
	drv_text_adds(&sql, ") l WHERE NOT t.ok) h ON true LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = h.pid");
	status = sql.is_failed || !make_check(c) ? drv_nomem(err) : pg_simple(c, sql.p, read_holder, &h, err);
	drv_text_clear(&sql);
	if (status != DUNLIN_OK)
		return status;
	if (h.n != 1)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "the server does not say whether the lock was got");
	if (!h.is_taken)
		return held(&h, err);
	c->is_locked = 1;
	return DUNLIN_OK;
}

static int read_true(void *arg, const PGresult *res)
{
	int *is_true = arg;

	if (PQntuples(res) == 1 && PQnfields(res) == 1)
		*is_true = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
	return DUNLIN_OK;
}

int pg_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err)
{
	char sql[256];
	int status, is_true = 0;

	(void)key;
	if (!c->is_locked) {
		drv_error_clear(err);
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "this connection does not hold the lock");
	}
	c->is_locked = 0;
	status = pg_enter(c, err);
	if (status != DUNLIN_OK)
		return status;
	/* Both must have been there, and both are to go. */
	snprintf(sql, sizeof sql,
	         "SELECT pg_catalog.bool_and(pg_catalog.pg_advisory_unlock(%lld)) FROM pg_catalog.generate_series(1, 2)",
	         (long long)c->lock_key);
	status = pg_simple(c, sql, read_true, &is_true, err);
	if (status == DUNLIN_OK && !is_true)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "the lock was lost during the run");
	return status;
}

int pg_lock_info(struct dunlin_conn *c, const char *key, int32_t *is_held, char *holder, size_t holder_size, char *since,
                 size_t since_size, struct dunlin_driver_error *err)
{
	int status = pg_enter(c, err);
	struct holder h = { .n = 0 };
	struct drv_text sql = { 0 };

	*is_held = 0;
	if (holder_size)
		holder[0] = '\0';
	if (since_size)
		since[0] = '\0';
	if (status != DUNLIN_OK)
		return status;
	drv_text_adds(&sql, "SELECT false, h.pid, a.usename, a.application_name, " RFC3339 " FROM (");
	add_holder(&sql, pg_lock_key(key));
	drv_text_adds(&sql, ") h LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = h.pid");
	status = sql.is_failed ? drv_nomem(err) : pg_simple(c, sql.p, read_holder, &h, err);
	drv_text_clear(&sql);
	if (status != DUNLIN_OK || !h.pid)
		return status;
	*is_held = 1;
	if (holder_size)
		describe(&h, holder, holder_size);
	if (since_size)
		snprintf(since, since_size, "%s", h.since);
	return DUNLIN_OK;
}

const char *pg_lock_check(struct dunlin_conn *c)
{
	return c->is_locked ? c->lock_sql : NULL;
}
