/*
 * run_send.c - handing a window to the driver: what became of it, what the
 * observer is told, and where in which file an error stands.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run.h"

#include "txcontrol.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void run_log(const struct runner *r, int level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->log(r->arg, level, text);
}

int run_check_stop(struct runner *r, struct dunlin_error *err)
{
	if (r->cancel_level(r->arg))
		error_set(err, DUNLIN_EXIT_STOPPED, DUNLIN_CLASS_INTERRUPTED, "interrupted");
	else if (r->is_time_up(r->arg))
		error_set(err, DUNLIN_EXIT_TIMEOUT, DUNLIN_CLASS_TIMEOUT, "the time that --timeout gives is up");
	else
		return 0;
	error_state(err, "%zu of %zu migrations of this run are done; none is half done", r->n_done, r->plan->n_action);
	return -1;
}

int run_nomem_check(struct runner *r, struct dunlin_error *err)
{
	return r->w.is_failed ? error_nomem(err) : 0;
}

/* --- telling ----------------------------------------------------------------------- */

static int emit_one(void *arg, const struct dunlin_event *e)
{
	struct runner *r = arg;

	r->emitted_seq = e->seq;
	r->obs->event(r->obs->arg, e);
	return 0;
}

/* Tells the observer what the log has got since: read back from the database,
 * so that what is told is what is there. */
int run_emit(struct runner *r, struct dunlin_error *err)
{
	if (!r->obs->event || r->emitted_seq == r->l->seq)
		return 0;
	return ledger_events(r->l, r->s, 0, r->l->run_id, r->emitted_seq, emit_one, r, err);
}

static void tell_progress(struct runner *r, const struct plan_action *a)
{
	if (a) {
		r->progress.component = a->pub.component;
		r->progress.version = a->pub.version;
		r->progress.name = a->pub.name;
	}
	r->progress.migrations_done = (int64_t)r->n_done;
	if (r->obs->progress)
		r->obs->progress(r->obs->arg, &r->progress);
}

void run_mark_done(struct runner *r, size_t action)
{
	const struct script_section *sec = r->plan->action[action].section;

	if (r->is_done[action])
		return;
	r->is_done[action] = 1;
	r->n_done++;
	if (sec)
		r->bytes_of_done += (int64_t)sec->bytes;
}

static int is_counted(const struct window_tag *tag)
{
	return tag->action && tag->statement >= 0;
}

static void step_done(void *arg, size_t i)
{
	struct runner *r = arg;
	const struct window_tag *tag = &r->w.tag[i];

	if (!is_counted(tag))
		return;
	r->progress.statements_done++;
	r->progress.bytes_done += (int64_t)(r->w.step[i].sql_len + r->w.step[i].data_len);
	tell_progress(r, tag->action);
}

void run_count_bytes(struct runner *r, size_t n)
{
	r->progress.bytes_done += (int64_t)n;
	tell_progress(r, r->w.tag[r->w.n - 1].action);
}

/* Does the window end inside a transaction? */
static int ends_open(const struct runner *r)
{
	return r->n_open > 0 || r->is_in_block;
}

/* What was rolled back counts no more.  n: steps of the window that stand. */
static void recount(struct runner *r, size_t n, int is_ok)
{
	int is_half = 0;

	if (is_ok && ends_open(r)) /* the transaction's end tells */
		return;
	for (size_t i = 0; i < n; i++) {
		const struct window_tag *tag = &r->w.tag[i];

		if (!is_ok && is_counted(tag))
			r->statements_sure++;
		if (tag->action && !r->is_done[tag->action - r->plan->action])
			is_half = 1;
	}
	if (is_ok) {
		r->statements_sure = r->progress.statements_done;
		r->bytes_sure = is_half ? r->progress.bytes_done : 0;
	}
	if (r->bytes_sure < r->bytes_of_done)
		r->bytes_sure = r->bytes_of_done;
	r->progress.statements_done = r->statements_sure;
	r->progress.bytes_done = r->bytes_sure;
}

void run_count_done(struct runner *r)
{
	recount(r, 0, 1);
	tell_progress(r, NULL);
}

static void notice(void *arg, size_t i, int level, const char *text)
{
	struct runner *r = arg;
	const struct plan_action *a = i < r->w.n ? r->w.tag[i].action : NULL;

	if (a)
		run_log(r, level, "%s: %s", a->pub.version, text);
	else
		run_log(r, level, "%s", text);
}

/* --- errors -------------------------------------------------------------------------- */

/* The step that a failure is told with: that of the file which is nearest before
 * it in the same transaction, for the core's own records name none. */
static const struct window_tag *culprit(const struct runner *r, size_t *i)
{
	if (*i >= r->w.n)
		return NULL;
	for (;; --*i) {
		const struct window_tag *tag = &r->w.tag[*i];

		/* Outside a transaction a record stands for itself. */
		if (tag->action && (tag->statement >= 0 || r->n_mark == 0 || r->w.step[*i].kind == DUNLIN_STEP_BEGIN))
			return tag;
		if (*i == 0 || r->w.step[*i].kind == DUNLIN_STEP_BEGIN)
			return NULL;
	}
}

/* Adds to *err where in which file the step stands that failed; its action, or SIZE_MAX. */
static size_t tell_where(const struct runner *r, size_t step, struct dunlin_error *err)
{
	size_t i = step;
	const struct window_tag *tag = culprit(r, &i);
	const struct plan_action *a = tag ? tag->action : NULL;
	const struct dunlin_step *st = &r->w.step[i];

	if (!a)
		return SIZE_MAX;
	if (err) {
		error_migration(err, a->pub.component, a->pub.version);
		error_at(err, a->section ? a->section->in.name : a->pub.file, 0, 0);
		err->statements_total = a->pub.statements;
	}
	if (err && tag->statement >= 0) {
		struct split_statement at = { .text = st->sql, .len = st->sql_len, .line = tag->line, .column = tag->column };
		int is_known = i == step && r->s->de.position >= 0 && (size_t)r->s->de.position <= st->sql_len;

		split_position(&at, is_known ? (size_t)r->s->de.position : statement_lead(r->env->dialect, st->sql, st->sql_len),
		               &err->line, &err->column);
		error_statement(err, st->sql, st->sql_len);
		err->statements_done = tag->statement;
	}
	return (size_t)(a - r->plan->action);
}

/* --- sending -------------------------------------------------------------------------- */

static int is_lost(const struct runner *r, const struct dunlin_exec_result *res)
{
	return res->is_unknown || r->s->de.errclass == DUNLIN_CLASS_CONNECTION;
}

static int is_locked(const struct runner *r)
{
	return r->s->de.is_retryable && r->s->de.errclass == DUNLIN_CLASS_LOCK;
}

/* Tells the events of what is durable.  They are told later where the line has
 * gone, none of them while a transaction is open that may yet fail, and those of
 * the last window together with the run's end. */
static int emit(struct runner *r, int status, const struct dunlin_exec_result *res, struct dunlin_error *err)
{
	struct dunlin_driver_error keep = r->s->de;
	struct dunlin_error own;

	if (res->n_durable == 0 || (status == RUN_OK && ends_open(r)) || status == RUN_LOST ||
	    (status == RUN_OK && !r->is_stepping && r->n_done == r->plan->n_action))
		return status;
	if (run_emit(r, &own) == 0) {
		r->s->de = keep;
		return status;
	}
	if (status != RUN_OK) {
		r->s->de = keep;
		return status;
	}
	if (err)
		*err = own;
	r->is_unknown = 0;
	return r->s->de.errclass == DUNLIN_CLASS_CONNECTION ? RUN_LOST : RUN_FAILED;
}

int run_send(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	struct dunlin_exec_observer obs = {
		.struct_size = sizeof obs, .arg = r, .step_done = step_done, .notice = notice,
	};
	struct dunlin_exec_result res;
	int rc, status = RUN_OK;

	*failed = SIZE_MAX;
	if (run_nomem_check(r, err) < 0)
		return RUN_FAILED;
	if (r->w.n == 0)
		return RUN_OK;
	r->progress.migrations_sent = (int64_t)(r->n_done + r->n_end + r->n_open) + r->is_stepping;
	tell_progress(r, NULL);
	rc = session_exec_many(r->s, r->w.step, r->w.n, &obs, &res, err);
	r->n_durable = res.n_durable;
	for (size_t i = 0; i < r->n_end; i++)
		if (r->end[i].step < res.n_durable)
			run_mark_done(r, r->end[i].action);
	if (res.n_durable > 0)
		r->is_begun = r->has_ledger = 1;
	recount(r, res.n_durable, rc == DUNLIN_OK);
	tell_progress(r, NULL);
	if (rc != DUNLIN_OK) {
		r->is_unknown = res.is_unknown;
		status = is_lost(r, &res) ? RUN_LOST : is_locked(r) ? RUN_LOCKED : RUN_FAILED;
		*failed = tell_where(r, res.n_done, err);
		/* What the database says of data that ended early is no news. */
		if (status != RUN_LOST && r->copy.is_failed && err) {
			*err = r->copy.err;
			status = RUN_FAILED;
		}
	}
	return emit(r, status, &res, err);
}

void run_empty(struct runner *r)
{
	window_reset(&r->w);
	r->n_end = r->n_mark = 0;
	r->n_step_statements = 0;
	r->copy.reader = NULL;
	r->copy.is_failed = 0;
}

void run_roll_back(struct runner *r)
{
	struct dunlin_driver_error keep = r->s->de;
	int32_t state = DUNLIN_TX_NONE;

	r->is_open = 0;
	if (r->s->conn && r->s->drv->rollback &&
	    r->s->drv->tx_state(r->s->conn, &state, session_error(r->s)) == DUNLIN_OK && state != DUNLIN_TX_NONE)
		r->s->drv->rollback(r->s->conn, session_error(r->s));
	r->s->de = keep;
}

int run_flush(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	int status;

	*failed = SIZE_MAX;
	if (r->w.n && !r->is_open && run_check_stop(r, err) < 0)
		status = RUN_FAILED;
	else
		status = run_send(r, failed, err);
	if (status == RUN_OK)
		r->is_open = r->w.n ? ends_open(r) : r->is_open;
	else if (r->is_open)
		run_roll_back(r);
	if (status == RUN_LOST) {
		*failed = SIZE_MAX;
		status = run_resolve(r, err) == 0 ? RUN_AGAIN : RUN_FAILED;
	}
	run_empty(r);
	return status;
}

/* --- waiting --------------------------------------------------------------------------- */

static int tell_blocker(void *arg, const struct dunlin_blocker *b)
{
	struct runner *r = arg;

	run_log(r, DUNLIN_LOG_WARN, "blocked by pid %lld%s%s%s%s%s%s%s%s", (long long)b->pid,
	        b->user ? ", user " : "", b->user ? b->user : "",
	        b->application ? ", " : "", b->application ? b->application : "",
	        b->since ? ", since " : "", b->since ? b->since : "",
	        b->query ? ": " : "", b->query ? b->query : "");
	return 0;
}

static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int run_wait_for_lock(struct runner *r, int64_t *since, const char *what, struct dunlin_error *err)
{
	struct dunlin_driver_error keep = r->s->de;
	int64_t now = monotonic_ms(), left;

	if (*since == 0)
		*since = now;
	left = r->lock_retry_ms - (now - *since);
	if (left <= 0)
		return RUN_FAILED;
	run_log(r, DUNLIN_LOG_WARN, "waiting for a lock: %s; trying %s again", err ? err->message : "busy", what);
	if (session_has(r->s, DUNLIN_CAP_BLOCKERS))
		r->s->drv->blockers(r->s->conn, tell_blocker, r, session_error(r->s));
	session_pause(left);
	r->s->de = keep;
	return run_check_stop(r, err) < 0 ? RUN_FAILED : RUN_OK;
}
