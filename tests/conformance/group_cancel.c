/*
 * group_cancel.c - cancel() from another thread, and the deadline.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <pthread.h>
#include <time.h>

static void *cancel_later(void *arg)
{
	struct conn *c = arg;

	host_sleep_ms(300);
	c->s->drv->cancel(c->c);
	return NULL;
}

/* A driver that does not hear is helped out in the end, so that the suite ends. */
struct rescue { struct conn *c; pthread_mutex_t mutex; pthread_cond_t over; int is_over; };

static void *rescue_later(void *arg)
{
	struct rescue *r = arg;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	pthread_mutex_lock(&r->mutex);
	while (!r->is_over && pthread_cond_timedwait(&r->over, &r->mutex, &end) == 0)
		;
	if (!r->is_over && can(r->c->s, DUNLIN_CAP_CANCEL))
		r->c->s->drv->cancel(r->c->c);
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

static int run_slow(struct conn *c, const struct dunlin_step *step)
{
	struct rescue r = { .c = c, .mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER };
	pthread_t thread;
	int has_thread = pthread_create(&thread, NULL, rescue_later, &r) == 0;
	int rc = c->s->drv->exec(c->c, step, conn_err(c));

	pthread_mutex_lock(&r.mutex);
	r.is_over = 1;
	pthread_cond_signal(&r.over);
	pthread_mutex_unlock(&r.mutex);
	if (has_thread)
		pthread_join(thread, NULL);
	return rc;
}

static int run_slow_text(struct conn *c, const char *sql)
{
	struct dunlin_step step = step_of(DUNLIN_STEP_STATEMENT, sql);

	return run_slow(c, &step);
}

static int open_slow(struct suite *s, struct conn *c, char *sql, size_t size)
{
	const char *t;

	if (conn_open(s, c) < 0)
		return -1;
	t = make_table(c);
	slow_sql(s, t, sql, size);
	return fill_table(c, t);
}

static void stops_what_runs(struct suite *s)
{
	char sql[2048], text[STATUS_TEXT_SIZE];
	struct conn c;
	pthread_t thread;
	int64_t start;
	int rc;

	if (open_slow(s, &c, sql, sizeof sql) == 0) {
		expect(s, pthread_create(&thread, NULL, cancel_later, &c) == 0, "no thread");
		start = host_now_ms();
		rc = run_slow_text(&c, sql);
		pthread_join(thread, NULL);
		expect(s, rc != DUNLIN_OK, "the statement ran to its end");
		expect(s, host_now_ms() - start < 8000, "it took %lld ms", (long long)(host_now_ms() - start));
		expect(s, rc == DUNLIN_ECANCELLED || c.err.errclass == DUNLIN_CLASS_INTERRUPTED, "not as cancelled: %s",
		       status_text(&c, rc, text));
		expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "the connection is of no use after it");
	}
	conn_close(&c);
}

static void an_old_one_does_not_stand(struct suite *s)
{
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	s->drv->cancel(c.c);
	s->drv->cancel(c.c);
	expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "what comes after a cancel of nothing is cancelled");
	expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "the second after a cancel of nothing is cancelled");
	conn_close(&c);
}

static void cancel(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_CANCEL)) {
		without(s, "it cannot cancel");
		return;
	}
	check(s, "it stops what runs, and the connection goes on", stops_what_runs);
	check(s, "a cancel of nothing stops nothing", an_old_one_does_not_stand);
}
const struct group group_cancel = { "cancel", cancel };

/* --- deadlines ------------------------------------------------------------------------ */

static void the_deadline_stops(struct suite *s)
{
	char sql[2048], text[STATUS_TEXT_SIZE];
	struct conn c;
	int64_t start;
	int rc;

	if (open_slow(s, &c, sql, sizeof sql) == 0) {
		host_set_deadline(400);
		start = host_now_ms();
		rc = run_slow_text(&c, sql);
		host_set_deadline(-1);
		expect(s, rc != DUNLIN_OK, "the statement ran past the deadline");
		expect(s, host_now_ms() - start < 8000, "it took %lld ms", (long long)(host_now_ms() - start));
		expect(s, rc == DUNLIN_ETIMEOUT || rc == DUNLIN_ECANCELLED || c.err.errclass == DUNLIN_CLASS_TIMEOUT ||
		       c.err.errclass == DUNLIN_CLASS_INTERRUPTED, "not as timed out: %s", status_text(&c, rc, text));
		expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "the connection is of no use after it");
	}
	conn_close(&c);
}

static void *stop_later(void *arg)
{
	(void)arg;
	host_sleep_ms(300);
	host_set_stop(1);
	return NULL;
}

static void the_host_stops(struct suite *s)
{
	char sql[2048];
	struct conn c;
	pthread_t thread;
	int64_t start;
	int rc;

	if (open_slow(s, &c, sql, sizeof sql) == 0) {
		expect(s, pthread_create(&thread, NULL, stop_later, NULL) == 0, "no thread");
		start = host_now_ms();
		rc = run_slow_text(&c, sql);
		pthread_join(thread, NULL);
		host_set_stop(0);
		expect(s, rc != DUNLIN_OK, "the statement ran although the host wanted to stop");
		expect(s, host_now_ms() - start < 8000, "it took %lld ms", (long long)(host_now_ms() - start));
		expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "the connection is of no use after it");
	}
	conn_close(&c);
}

static void the_statement_timeout_stops(struct suite *s)
{
	struct dunlin_step step;
	char sql[2048];
	struct conn c;
	int64_t start;
	int rc;

	if (open_slow(s, &c, sql, sizeof sql) == 0) {
		step = step_of(DUNLIN_STEP_STATEMENT, sql);
		step.statement_timeout_ms = 400;
		start = host_now_ms();
		rc = run_slow(&c, &step);
		expect(s, rc != DUNLIN_OK, "the statement ran past its own timeout");
		expect(s, rc == DUNLIN_OK || c.err.errclass == DUNLIN_CLASS_TIMEOUT, "the class is %s: %.300s",
		       dunlin_class_name(c.err.errclass), c.err.message);
		expect(s, host_now_ms() - start < 8000, "it took %lld ms", (long long)(host_now_ms() - start));
		expect(s, conn_int(&c, "SELECT 40 + 2") == 42, "the connection is of no use after it");
	}
	conn_close(&c);
}

static void deadlines(struct suite *s)
{
	check(s, "remaining_ms() is obeyed while a statement runs", the_deadline_stops);
	check(s, "should_stop() is obeyed while a statement runs", the_host_stops);
	check(s, "a statement's own timeout is obeyed", the_statement_timeout_stops);
}
const struct group group_deadlines = { "deadlines", deadlines };
