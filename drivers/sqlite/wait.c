/*
 * wait.c - time: how long to wait for a lock, when to stop a statement.
 *
 * SQLite asks the busy handler between two tries of a lock and the progress
 * handler while a statement runs; both ask the host whether to go on.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sqlite_driver.h"

int64_t sq_jitter(struct dunlin_conn *c, int64_t ms)
{
	uint32_t x = c->wait.random ? c->wait.random : (uint32_t)drv_now_ms() | 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	c->wait.random = x;
	return ms / 2 + x % (ms - ms / 2 + 1);
}

int sq_is_stopped(struct dunlin_conn *c)
{
	const struct dunlin_control *ctl = &c->ctl;

	if (c->wait.is_stop_ignored)
		return 0;
	/* The deadline first: a host may say stop for it as well. */
	if (ctl->remaining_ms && ctl->remaining_ms(ctl->arg) == 0)
		c->wait.cause = SQ_CAUSE_DEADLINE;
	else if (atomic_load_explicit(&c->is_cancelled, memory_order_relaxed) ||
	         (ctl->should_stop && ctl->should_stop(ctl->arg)))
		c->wait.cause = SQ_CAUSE_CANCEL;
	else
		return 0;
	return 1;
}

static int is_over(struct dunlin_conn *c)
{
	if (sq_is_stopped(c))
		return 1;
	if (c->wait.statement_deadline_ms && drv_now_ms() >= c->wait.statement_deadline_ms) {
		c->wait.cause = SQ_CAUSE_STATEMENT;
		return 1;
	}
	return 0;
}

/* Bookkeeping is short, and what stops a run wants it written. */
int sq_on_progress(void *arg)
{
	struct dunlin_conn *c = arg;

	return !c->wait.is_bookkeeping && is_over(c);
}

int sq_on_busy(void *arg, int n)
{
	static const int64_t delay[] = { 1, 2, 5, 10, 15, 20, 25, 50 };
	struct dunlin_conn *c = arg;
	int64_t start, ms;

	if (c->wait.budget_ms <= 0 || is_over(c))
		return 0;
	ms = sq_jitter(c, delay[n < 8 ? n : 7]);
	if (ms > c->wait.budget_ms)
		ms = c->wait.budget_ms;
	start = drv_now_ms();
	drv_sleep_ms(ms);
	/* At least what was asked for, or a coarse clock would never run out. */
	start = drv_now_ms() - start;
	c->wait.budget_ms -= start > ms ? start : ms;
	return 1;
}

void sq_wait_budget(struct dunlin_conn *c, int64_t lock_timeout_ms)
{
	if (lock_timeout_ms == SQ_NO_WAIT) {
		c->wait.budget_ms = 0;
		return;
	}
	if (lock_timeout_ms < 0)
		lock_timeout_ms = c->opt.busy_timeout_ms >= 0 ? c->opt.busy_timeout_ms : c->opt.lock_timeout_ms;
	if (lock_timeout_ms <= 0)
		lock_timeout_ms = c->opt.busy_timeout_ms > 0 ? c->opt.busy_timeout_ms : 0;
	c->wait.budget_ms = lock_timeout_ms;
}

void sq_wait_statement(struct dunlin_conn *c, int64_t timeout_ms)
{
	if (timeout_ms < 0)
		timeout_ms = c->opt.statement_timeout_ms;
	c->wait.statement_deadline_ms = timeout_ms > 0 ? drv_now_ms() + timeout_ms : 0;
}

void sq_wait_statement_end(struct dunlin_conn *c)
{
	c->wait.statement_deadline_ms = 0;
}
