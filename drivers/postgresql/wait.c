/*
 * wait.c - waiting for the server, and stopping it.
 *
 * Every wait is a poll() of a tenth of a second at most, after which the host is
 * asked whether to go on.  When it is not to, the running statement is cancelled
 * and its end awaited, so that what the server did is known; a server that does
 * not end it within the grace counts as lost.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "pg_driver.h"

#define SLICE_MS        100
#define ASK_EVERY_MS    20   /* while data keeps coming                       */
#define CANCEL_GRACE_MS 8000 /* from the first cancel until the line is given up */
#define CANCEL_AGAIN_MS 1000
#define CANCEL_SEND_MS  2000 /* for the cancel's own connection               */

int pg_enter(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	drv_error_clear(err);
	atomic_store_explicit(&c->is_cancelled, 0, memory_order_relaxed);
	c->cause = PG_CAUSE_NONE;
	c->cancel_since_ms = 0;
	if (c->is_lost || !c->pg || PQstatus(c->pg) != CONNECTION_OK)
		return pg_lost(c, err);
	return DUNLIN_OK;
}

int pg_is_stopped(struct dunlin_conn *c)
{
	const struct dunlin_control *ctl = &c->ctl;

	if (c->is_unstoppable)
		return 0;
	/* The deadline first: a host may say stop for it as well. */
	if (c->probe_end_ms && drv_now_ms() >= c->probe_end_ms)
		c->cause = PG_CAUSE_DEADLINE;
	else if (ctl->remaining_ms && ctl->remaining_ms(ctl->arg) == 0)
		c->cause = PG_CAUSE_DEADLINE;
	else if (atomic_load_explicit(&c->is_cancelled, memory_order_relaxed) ||
	         (ctl->should_stop && ctl->should_stop(ctl->arg)))
		c->cause = PG_CAUSE_CANCEL;
	else
		return 0;
	return 1;
}

int pg_stopped(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	if (c->cause == PG_CAUSE_DEADLINE)
		return drv_error(err, DUNLIN_ETIMEOUT, DUNLIN_CLASS_TIMEOUT, 0, "the time is up");
	return drv_error(err, DUNLIN_ECANCELLED, DUNLIN_CLASS_INTERRUPTED, 0, "interrupted");
}

/* The waking thread only says so: the one that waits looks within SLICE_MS and
 * sends the request itself, so that it can never hit the statement after. */
int pg_cancel(struct dunlin_conn *c)
{
	atomic_store_explicit(&c->is_cancelled, 1, memory_order_relaxed);
	return DUNLIN_OK;
}

/* --- the request ------------------------------------------------------------------- */

/* PQcancel() blocks on a connection of its own, for as long as a dead network or
 * a stopped server pleases; so it runs beside, and whoever of the two ends last
 * clears up. */
struct cancel_job {
	pthread_mutex_t mutex;
	pthread_cond_t  end;
	PGcancel *request;
	int is_done, is_left;
};

static void job_free(struct cancel_job *j)
{
	PQfreeCancel(j->request);
	pthread_cond_destroy(&j->end);
	pthread_mutex_destroy(&j->mutex);
	drv_free(j);
}

static void *job_run(void *arg)
{
	struct cancel_job *j = arg;
	char text[256];
	int is_left;

	/* libpq before 17 never encrypts this request, whatever the sslmode.  It
	 * holds no secret but the key that cancels this very session. */
	PQcancel(j->request, text, sizeof text);
	pthread_mutex_lock(&j->mutex);
	j->is_done = 1;
	is_left = j->is_left;
	pthread_cond_signal(&j->end);
	pthread_mutex_unlock(&j->mutex);
	if (is_left)
		job_free(j);
	return NULL;
}

static struct cancel_job *job_new(struct dunlin_conn *c)
{
	struct cancel_job *j = drv_zalloc(sizeof *j);
	pthread_condattr_t monotonic;

	if (!j)
		return NULL;
	pthread_mutex_init(&j->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&j->end, &monotonic);
	pthread_condattr_destroy(&monotonic);
	j->request = PQgetCancel(c->pg);
	if (!j->request) {
		job_free(j);
		return NULL;
	}
	return j;
}

/* A thread that takes none of the application's signals. */
static int start(struct cancel_job *j)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, &attr, job_run, j);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

static void send_cancel(struct dunlin_conn *c)
{
	struct cancel_job *j = job_new(c);
	struct timespec end;
	int is_done;

	if (!j)
		return;
	if (start(j) != 0) {
		job_free(j);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += CANCEL_SEND_MS / 1000;
	pthread_mutex_lock(&j->mutex);
	while (!j->is_done && pthread_cond_timedwait(&j->end, &j->mutex, &end) == 0)
		;
	is_done = j->is_done;
	j->is_left = !is_done;
	pthread_mutex_unlock(&j->mutex);
	if (is_done)
		job_free(j);
}

/* Stopped: asks the server to end the statement, again each second, and says
 * when it has had its time. */
static int pursue(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int64_t now = drv_now_ms();

	if (c->probe_end_ms) { /* it is closed next, whatever goes on in it */
		c->is_lost = 1;
		return pg_stopped(c, err);
	}
	if (!c->cancel_since_ms)
		c->cancel_since_ms = now;
	else if (now - c->cancel_since_ms >= CANCEL_GRACE_MS) {
		c->is_lost = 1;
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0,
		                 "the server did not end the statement within %d s of being asked to", CANCEL_GRACE_MS / 1000);
	} else if (now - c->cancel_sent_ms < CANCEL_AGAIN_MS) {
		return DUNLIN_OK;
	}
	send_cancel(c);
	c->cancel_sent_ms = drv_now_ms();
	return DUNLIN_OK;
}

/* --- the socket ---------------------------------------------------------------------- */

/* 1: ready, 0: not yet, -1: the socket is no good. */
static int look(PGconn *pg, int events, int ms)
{
	struct pollfd p = { .fd = PQsocket(pg), .events = (short)events };
	int rc;

	if (p.fd < 0)
		return -1;
	rc = poll(&p, 1, ms);
	if (rc < 0)
		return errno == EINTR ? 0 : -1;
	/* Errors too: the next read tells them. */
	return rc > 0;
}

static int ask(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int64_t now = drv_now_ms();

	if (c->is_unstoppable || (now - c->asked_ms < ASK_EVERY_MS && c->asked_ms))
		return DUNLIN_OK;
	c->asked_ms = now;
	return pg_is_stopped(c) ? pursue(c, err) : DUNLIN_OK;
}

static int wait_for(struct dunlin_conn *c, int events, struct dunlin_driver_error *err)
{
	int status, ready;

	for (;;) {
		status = ask(c, err);
		if (status != DUNLIN_OK)
			return status;
		ready = look(c->pg, events, SLICE_MS);
		if (ready > 0) {
			pg_blockers_watch_heard(c);
			return DUNLIN_OK;
		}
		if (ready < 0)
			return pg_lost(c, err);
		pg_blockers_watch_tick(c);
	}
}

int pg_wait(struct dunlin_conn *c, int write, struct dunlin_driver_error *err)
{
	return wait_for(c, write ? POLLIN | POLLOUT : POLLIN, err);
}

int pg_flush(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int rc, status;

	while ((rc = PQflush(c->pg)) > 0) {
		status = wait_for(c, POLLIN | POLLOUT, err);
		if (status != DUNLIN_OK)
			return status;
		if (look(c->pg, POLLIN, 0) > 0 && !PQconsumeInput(c->pg))
			return pg_lost(c, err);
	}
	/* What the server said before it closed is read by the next pg_next(). */
	return rc == 0 || PQstatus(c->pg) == CONNECTION_OK ? DUNLIN_OK : pg_lost(c, err);
}

/* The line went while an answer was due; the server's last words may have come. */
static int last_words(struct dunlin_conn *c, PGresult **res, struct dunlin_driver_error *err)
{
	PGresult *r = PQgetResult(c->pg); /* does not block: the socket is closed */

	if (r && PQresultErrorField(r, PG_DIAG_SQLSTATE)) {
		*res = r;
		return DUNLIN_OK;
	}
	PQclear(r);
	return pg_lost(c, err);
}

int pg_next(struct dunlin_conn *c, PGresult **res, struct dunlin_driver_error *err)
{
	int status;

	*res = NULL;
	while (PQisBusy(c->pg)) {
		/* Answers may be waited for with questions half sent. */
		status = wait_for(c, PQflush(c->pg) > 0 ? POLLIN | POLLOUT : POLLIN, err);
		if (status != DUNLIN_OK)
			return status;
		if (!PQconsumeInput(c->pg))
			return last_words(c, res, err);
	}
	*res = PQgetResult(c->pg);
	if (!*res && PQstatus(c->pg) != CONNECTION_OK)
		return pg_lost(c, err);
	return DUNLIN_OK;
}
