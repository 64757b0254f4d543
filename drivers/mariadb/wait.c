/*
 * wait.c - libmariadb without blocking: each wait asks the host whether to go
 * on, and has an end.
 *
 * The library runs its calls on a stack of their own and comes back for each
 * wait.  A call that has begun must be seen to its end: one that is given up
 * gets its socket shut, and then fails by itself.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "my_catalog.h"

#define ASK_MS       50    /* between two questions to the host          */
#define KILL_WAIT_MS 15000 /* for the end of a statement that was killed */
#define KILL_AGAIN_MS 400  /* a KILL that comes between two statements of a packet is forgotten */
#define KILL_MS      5000  /* for the connection that kills it           */

int my_is_stopped(struct dunlin_conn *c)
{
	const struct dunlin_control *ctl = &c->ctl;

	if (c->is_ignoring_stop)
		return 0;
	/* The deadline first: a host may say stop for it as well. */
	if (ctl->remaining_ms && ctl->remaining_ms(ctl->arg) == 0)
		c->cause = MY_CAUSE_DEADLINE;
	else if (atomic_load_explicit(&c->is_cancelled, memory_order_relaxed) ||
	         (ctl->should_stop && ctl->should_stop(ctl->arg)))
		c->cause = MY_CAUSE_CANCEL;
	else
		return 0;
	return 1;
}

int my_cancel(struct dunlin_conn *c)
{
	atomic_store_explicit(&c->is_cancelled, 1, memory_order_relaxed);
	return DUNLIN_OK;
}

int my_enter(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	c->cause = MY_CAUSE_NONE;
	c->wait_end_ms = 0;
	atomic_store_explicit(&c->is_cancelled, 0, memory_order_relaxed);
	return my_alive(c, err);
}

int my_alive(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	if (c->my && !c->is_lost)
		return DUNLIN_OK;
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 2006, "the connection to the server is gone");
}

/* --- stopping what runs ------------------------------------------------------------ */

/* KILL QUERY over a connection of its own; what comes of it shows in the
 * statement's result. */
static void kill_query(struct dunlin_conn *c)
{
	struct dunlin_conn *k = drv_zalloc(sizeof *k);
	char sql[48];

	if (!k)
		return;
	k->is_ignoring_stop = 1;
	k->wait_end_ms = drv_now_ms() + KILL_MS;
	if (my_options_copy(&k->opt, &c->opt, NULL) == DUNLIN_OK) {
		drv_free(k->opt.database);
		k->opt.database = NULL;
		k->opt.connect_timeout_ms = KILL_MS;
		snprintf(sql, sizeof sql, "KILL QUERY %lu", c->thread_id);
		if (my_connect(k, NULL) == DUNLIN_OK) {
			k->wait_end_ms = drv_now_ms() + KILL_MS;
			my_do(k, sql, NULL);
		}
	}
	my_close(k);
}

/* A KILL may be lost on its way, too: my_wait() sends it again. */
static void stop_statement(struct dunlin_conn *c)
{
	int64_t end = drv_now_ms() + KILL_WAIT_MS;

	c->is_killing = 1;
	c->kill_again_ms = 0;
	if (c->is_adopted) /* the line is the application's: it is not cut */
		return;
	if (c->thread_id) {
		kill_query(c);
		c->kill_again_ms = drv_now_ms() + KILL_AGAIN_MS;
	} else {
		end = drv_now_ms(); /* it is connecting */
	}
	if (!c->wait_end_ms || end < c->wait_end_ms)
		c->wait_end_ms = end;
}

/* --- waiting --------------------------------------------------------------------------- */

static short events_of(int events)
{
	return (short)((events & MYSQL_WAIT_READ ? POLLIN : 0) | (events & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
	               (events & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
}

static int status_of(short revents)
{
	int status = (revents & POLLIN ? MYSQL_WAIT_READ : 0) | (revents & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
	             (revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);

	return status ? status : MYSQL_WAIT_READ | MYSQL_WAIT_WRITE; /* an error: the call will see it */
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the lock timeout of what is waited for is near. */
static void set_note(struct dunlin_conn *c)
{
	int64_t timeout = c->opt.lock_timeout_ms;

	c->note_at_ms = timeout > 0 ? drv_now_ms() + (timeout < 1000 ? 500 : timeout / 5 * 3) : 0;
}

int my_wait(struct dunlin_conn *c, int events)
{
	struct pollfd p = { .fd = mysql_get_socket(c->my), .events = events_of(events) };
	int64_t timeout_end = events & MYSQL_WAIT_TIMEOUT
	                      ? drv_now_ms() + (int64_t)mysql_get_timeout_value_ms(c->my) : INT64_MAX;

	set_note(c);
	for (;;) {
		int64_t now = drv_now_ms(), wait = earlier(ASK_MS, timeout_end - now);
		int n;

		if (c->wait_end_ms) {
			if (now >= c->wait_end_ms) {
				shutdown(p.fd, SHUT_RDWR);
				return MYSQL_WAIT_READ | MYSQL_WAIT_WRITE;
			}
			wait = earlier(wait, c->wait_end_ms - now);
		}
		n = poll(&p, 1, wait > 0 ? (int)wait : 0);
		if (n > 0)
			return status_of(p.revents);
		if (n < 0 && errno != EINTR)
			return MYSQL_WAIT_READ | MYSQL_WAIT_WRITE;
		if (drv_now_ms() >= timeout_end)
			return MYSQL_WAIT_TIMEOUT;
		if (!c->is_killing && my_is_stopped(c)) {
			stop_statement(c);
		} else if (c->is_killing && c->kill_again_ms && drv_now_ms() >= c->kill_again_ms) {
			kill_query(c);
			c->kill_again_ms = drv_now_ms() + KILL_AGAIN_MS;
		} else if (c->note_at_ms && drv_now_ms() >= c->note_at_ms) {
			my_blockers_note(c); /* before nobody waits any more */
		}
	}
}

/* --- the library's calls ------------------------------------------------------------------ */

/* The server takes a KILL QUERY that comes after the end for the next statement. */
static void end_of_killed(struct dunlin_conn *c)
{
	int ret, status;

	c->is_killing = 0;
	c->is_ignoring_stop++;
	status = mysql_real_query_start(&ret, c->my, "DO 0", 4);
	while (status)
		status = mysql_real_query_cont(&ret, c->my, my_wait(c, status));
	c->is_ignoring_stop--;
}

int my_send_query(struct dunlin_conn *c, const char *sql, size_t len)
{
	int ret = 1, status;

	if (c->is_killing && !c->is_lost)
		end_of_killed(c);
	status = mysql_real_query_start(&ret, c->my, sql, len);
	while (status)
		status = mysql_real_query_cont(&ret, c->my, my_wait(c, status));
	return ret;
}

int my_next_result(struct dunlin_conn *c)
{
	int ret = 1, status = mysql_next_result_start(&ret, c->my);

	while (status)
		status = mysql_next_result_cont(&ret, c->my, my_wait(c, status));
	/* -1 is not only "no more": also a line that went within a result's columns. */
	return ret < 0 && mysql_errno(c->my) ? 1 : ret;
}

MYSQL_ROW my_fetch(struct dunlin_conn *c, MYSQL_RES *res)
{
	MYSQL_ROW row = NULL;
	int status = mysql_fetch_row_start(&row, res);

	while (status)
		status = mysql_fetch_row_cont(&row, res, my_wait(c, status));
	return row;
}

void my_free_result(struct dunlin_conn *c, MYSQL_RES *res)
{
	int status = mysql_free_result_start(res);

	while (status)
		status = mysql_free_result_cont(res, my_wait(c, status));
}

int my_multi(struct dunlin_conn *c, int is_on, struct dunlin_driver_error *err)
{
	int ret = 1, status;

	if (c->is_multi == is_on)
		return DUNLIN_OK;
	status = mysql_set_server_option_start(&ret, c->my, is_on ? MYSQL_OPTION_MULTI_STATEMENTS_ON
	                                                          : MYSQL_OPTION_MULTI_STATEMENTS_OFF);
	while (status)
		status = mysql_set_server_option_cont(&ret, c->my, my_wait(c, status));
	if (ret)
		return my_db_error(c, NULL, 0, err);
	c->is_multi = is_on != 0;
	return DUNLIN_OK;
}
