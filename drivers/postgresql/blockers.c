/*
 * blockers.c - who stands in the way of a statement that waits for a lock.
 *
 * Once lock_timeout has struck nobody blocks us any more, and our own connection
 * is busy until then.  So the question is asked from a second connection while
 * the wait goes on: when the server has said nothing for the better part of the
 * timeout, and again each time as long, so that no wait of the whole timeout
 * passes unseen.  A run that never waits that long never opens it.
 *
 * All of it is done in steps between two looks at the working connection, none
 * of which blocks.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_driver.h"

#define STEP_MS     60   /* given to it between two looks                       */
#define GIVE_UP_MS  4000 /* a second connection that takes this long helps nobody */
#define SHORTEST_MS 100
#define FRESH_MS    2000 /* beyond the timeout: what was seen then is still about it */
#define N_BLOCKERS  8

enum state { IDLE = 0, CONNECTING, ASKING };

struct pg_watch {
	int64_t every_ms;            /* from the timeout; 0: nobody is waited for so long */
	int64_t silent_since_ms, asked_ms, begun_ms, seen_ms;
	int     state;               /* enum state */
	PGconn *pg;
	int     is_writing;          /* the handshake waits to write */
	struct seen {
		int64_t pid;
		char user[64], application[64], query[512], since[32];
	} seen[N_BLOCKERS];
	size_t n_seen;
};

/* --- the second connection ------------------------------------------------------------- */

static void hang_up(struct pg_watch *w)
{
	PQfinish(w->pg);
	w->pg = NULL;
	w->state = IDLE;
}

static int is_left_out(const char *keyword)
{
	/* Settings of a run, and what would send us to another server. */
	static const char *const out[] = { "options", "host", "hostaddr", "port", "target_session_attrs", "load_balance_hosts",
		"connect_timeout", "application_name", "fallback_application_name", "service", "replication" };
	size_t i;

	for (i = 0; i < sizeof out / sizeof *out; i++)
		if (strcmp(out[i], keyword) == 0)
			return 1;
	return 0;
}

/* As the working connection was made, to the very server that it got to.  An
 * address that is known needs no resolver, which would block. */
static void dial(struct dunlin_conn *c, struct pg_watch *w)
{
	PQconninfoOption *info = PQconninfo(c->pg), *o;
	const char *keyword[96], *value[96];
	int n = 0;

	for (o = info; o && o->keyword && n < 90; o++) {
		if (!o->val || !o->val[0] || is_left_out(o->keyword))
			continue;
		keyword[n] = o->keyword;
		value[n++] = o->val;
	}
	keyword[n] = "host", value[n++] = PQhost(c->pg);
	if (PQhostaddr(c->pg) && PQhostaddr(c->pg)[0])
		keyword[n] = "hostaddr", value[n++] = PQhostaddr(c->pg);
	keyword[n] = "port", value[n++] = PQport(c->pg);
	keyword[n] = "application_name", value[n++] = "dunlin (who blocks?)";
	keyword[n] = NULL, value[n] = NULL;
	w->pg = info ? PQconnectStartParams(keyword, value, 0) : NULL;
	PQconninfoFree(info);
	w->begun_ms = drv_now_ms();
	w->state = CONNECTING;
	w->is_writing = 1;
	if (!w->pg || PQstatus(w->pg) == CONNECTION_BAD)
		hang_up(w);
}

static int is_ready(const struct pg_watch *w, int64_t until_ms)
{
	struct pollfd p = { .fd = PQsocket(w->pg), .events = w->is_writing ? POLLOUT : POLLIN };
	int64_t left = until_ms - drv_now_ms();

	return p.fd >= 0 && poll(&p, 1, left > 0 ? (int)left : 0) > 0;
}

/* --- what it says ------------------------------------------------------------------------- */

static void ask(struct dunlin_conn *c, struct pg_watch *w)
{
	char sql[900];

	/* A pid of 0 is a prepared transaction. */
	snprintf(sql, sizeof sql,
	         "SELECT b.pid, a.usename, a.application_name, CASE WHEN b.pid = 0 THEN 'a prepared transaction'"
	         " WHEN a.state LIKE 'idle in transaction%%' THEN a.state || ', last: ' || a.query ELSE a.query END,"
	         " pg_catalog.to_char(COALESCE(a.xact_start, a.query_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
	         " FROM (SELECT DISTINCT u FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(%d)) AS u) AS b(pid)"
	         " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid ORDER BY a.xact_start NULLS LAST, b.pid LIMIT %d",
	         c->server_pid, N_BLOCKERS);
	w->state = PQsendQuery(w->pg, sql) ? ASKING : IDLE;
	w->is_writing = 0;
	if (w->state == IDLE)
		hang_up(w);
}

static void copy(char *out, size_t size, const PGresult *res, int row, int column)
{
	snprintf(out, size, "%s", PQgetisnull(res, row, column) ? "" : PQgetvalue(res, row, column));
}

static void take(struct pg_watch *w, const PGresult *res)
{
	int n = PQresultStatus(res) == PGRES_TUPLES_OK ? PQntuples(res) : 0, i;

	if (n == 0) /* a statement that works, and does not wait */
		return;
	w->n_seen = 0;
	w->seen_ms = drv_now_ms();
	for (i = 0; i < n && i < N_BLOCKERS; i++) {
		struct seen *s = &w->seen[w->n_seen++];

		s->pid = strtol(PQgetvalue(res, i, 0), NULL, 10);
		copy(s->user, sizeof s->user, res, i, 1);
		copy(s->application, sizeof s->application, res, i, 2);
		copy(s->query, sizeof s->query, res, i, 3);
		copy(s->since, sizeof s->since, res, i, 4);
	}
}

static void read_answer(struct pg_watch *w)
{
	PGresult *res;

	if (!PQconsumeInput(w->pg)) {
		hang_up(w);
		return;
	}
	while (!PQisBusy(w->pg)) {
		res = PQgetResult(w->pg);
		if (!res) {
			hang_up(w);
			return;
		}
		take(w, res);
		PQclear(res);
	}
}

static void advance(struct dunlin_conn *c, struct pg_watch *w)
{
	if (w->state == ASKING) {
		read_answer(w);
		return;
	}
	switch (PQconnectPoll(w->pg)) {
	case PGRES_POLLING_OK:
		ask(c, w);
		break;
	case PGRES_POLLING_READING:
		w->is_writing = 0;
		break;
	case PGRES_POLLING_WRITING:
		w->is_writing = 1;
		break;
	default:
		hang_up(w);
	}
}

/* --- the watch ------------------------------------------------------------------------------ */

static struct pg_watch *watch_of(struct dunlin_conn *c)
{
	if (!c->watch)
		c->watch = drv_zalloc(sizeof *c->watch);
	return c->watch;
}

void pg_blockers_watch_begin(struct dunlin_conn *c, int64_t lock_timeout_ms)
{
	struct pg_watch *w = watch_of(c);

	if (!w) /* out of memory: nobody is named */
		return;
	if (lock_timeout_ms < 0)
		lock_timeout_ms = c->opt.lock_timeout_ms;
	w->every_ms = lock_timeout_ms > 0 ? lock_timeout_ms * 6 / 10 : 0;
	if (w->every_ms && w->every_ms < SHORTEST_MS)
		w->every_ms = SHORTEST_MS;
}

void pg_blockers_watch_heard(struct dunlin_conn *c)
{
	struct pg_watch *w = c->watch;

	if (!w)
		return;
	w->silent_since_ms = 0;
	if (w->state != IDLE)
		hang_up(w);
}

void pg_blockers_watch_tick(struct dunlin_conn *c)
{
	struct pg_watch *w = c->watch;
	int64_t now = drv_now_ms();

	if (!w || !w->every_ms || c->server_pid <= 0)
		return;
	if (!w->silent_since_ms) {
		w->silent_since_ms = w->asked_ms = now;
		return;
	}
	if (w->state == IDLE) {
		if (now - w->asked_ms < w->every_ms)
			return;
		w->asked_ms = now;
		dial(c, w);
	}
	while (w->state != IDLE && is_ready(w, now + STEP_MS))
		advance(c, w);
	if (w->state != IDLE && drv_now_ms() - w->begun_ms > GIVE_UP_MS)
		hang_up(w);
}

void pg_blockers_watch_end(struct dunlin_conn *c)
{
	if (c->watch)
		PQfinish(c->watch->pg);
	drv_free(c->watch);
	c->watch = NULL;
}

/* --- the slot ------------------------------------------------------------------------------- */

static const char *or_null(const char *s)
{
	return s[0] ? s : NULL;
}

int pg_blockers(struct dunlin_conn *c, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err)
{
	const struct pg_watch *w = c->watch;
	int status = DUNLIN_OK;
	size_t i;

	drv_error_clear(err);
	if (!w || !w->n_seen || drv_now_ms() - w->seen_ms > w->every_ms * 2 + FRESH_MS)
		return DUNLIN_OK;
	for (i = 0; i < w->n_seen && status == DUNLIN_OK; i++) {
		const struct seen *s = &w->seen[i];
		struct dunlin_blocker b = {
			.struct_size = sizeof b, .pid = s->pid, .user = or_null(s->user), .application = or_null(s->application),
			.query = or_null(s->query), .since = or_null(s->since),
		};

		status = fn(arg, &b);
	}
	return status;
}
