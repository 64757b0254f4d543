/*
 * run.c - migrations that run in transactions, many of them in one window.
 *
 * A window is filled with whole migrations (begin, statements, seal, records,
 * commit) until it is large enough and then handed to the driver in one call.
 * Only a migration larger than a window is sent in several, on its own.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WINDOW_BYTES (1024 * 1024)
#define WINDOW_STEPS 4096

void run_log(const struct runner *r, int level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!r->obs->log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->obs->log(r->obs->arg, level, text);
}

int run_check_stop(struct runner *r, struct dunlin_error *err)
{
	if (r->is_time_up(r->arg)) {
		error_set(err, DUNLIN_EXIT_TIMEOUT, DUNLIN_CLASS_TIMEOUT, "the time that --timeout gives is up");
		error_state(err, "%zu of %zu migrations of this run are done; none is half done", r->n_done, r->plan->n_action);
		return -1;
	}
	if (r->cancel_level(r->arg) == 0)
		return 0;
	error_set(err, DUNLIN_EXIT_STOPPED, DUNLIN_CLASS_INTERRUPTED, "interrupted");
	error_state(err, "%zu of %zu migrations of this run are done; none is half done", r->n_done, r->plan->n_action);
	return -1;
}

int run_nomem_check(struct runner *r, struct dunlin_error *err)
{
	return r->w.is_failed ? error_nomem(err) : 0;
}

static void mark_done(struct runner *r, size_t action)
{
	if (!r->is_done[action]) {
		r->is_done[action] = 1;
		r->n_done++;
	}
}

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
	if (!r->obs->event)
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

static void step_done(void *arg, size_t i)
{
	struct runner *r = arg;
	const struct window_tag *tag = &r->w.tag[i];

	if (!tag->action || tag->statement < 0)
		return;
	r->progress.statements_done++;
	r->progress.bytes_done += (int64_t)r->w.step[i].sql_len;
	tell_progress(r, tag->action);
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

/* Adds to *err where in which file the step stands that failed. */
void run_statement_error(struct runner *r, size_t i, struct dunlin_error *err)
{
	const struct window_tag *tag;
	const struct dunlin_step *st;

	if (i >= r->w.n)
		return;
	tag = &r->w.tag[i];
	st = &r->w.step[i];
	if (!tag->action)
		return;
	error_migration(err, tag->action->pub.component, tag->action->pub.version);
	error_at(err, tag->action->section ? tag->action->section->in.name : tag->action->pub.file, 0, 0);
	err->statements_total = tag->action->pub.statements;
	if (tag->statement < 0)
		return;
	err->line = tag->line;
	err->column = tag->column;
	if (r->s->de.position >= 0 && (size_t)r->s->de.position <= st->sql_len) {
		struct split_statement at = { .text = st->sql, .len = st->sql_len, .line = tag->line, .column = tag->column };

		split_position(&at, (size_t)r->s->de.position, &err->line, &err->column);
	}
	error_statement(err, st->sql, st->sql_len);
	err->statements_done = tag->statement;
}

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

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

/* A lock was not got in time.  1: waited, try again; 0: no more time. */
static int wait_to_retry(struct runner *r, const char *why, int64_t *left)
{
	long ms = 50 + random() % 450;
	struct dunlin_driver_error keep = r->s->de;

	if (*left <= 0 || r->cancel_level(r->arg) || r->is_time_up(r->arg))
		return 0;
	run_log(r, DUNLIN_LOG_WARN, "waiting for a lock: %s; trying the whole migration again", why);
	if (session_has(r->s, DUNLIN_CAP_BLOCKERS))
		r->s->drv->blockers(r->s->conn, tell_blocker, r, session_error(r->s));
	r->s->de = keep;
	sleep_ms(ms);
	return 1;
}

static size_t action_index(const struct runner *r, size_t step)
{
	const struct plan_action *a = step < r->w.n ? r->w.tag[step].action : NULL;

	return a ? (size_t)(a - r->plan->action) : SIZE_MAX;
}

/*
 * Hands the window to the driver.  RUN_FAILED: *failed is the action at fault,
 * SIZE_MAX where it was none.  RUN_RETRY: the same again may work; what is done
 * is marked.  The window is empty afterwards in any case.
 */
int run_flush(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	struct dunlin_exec_observer obs = {
		.struct_size = sizeof obs, .arg = r, .step_done = step_done, .notice = notice,
	};
	struct dunlin_exec_result res;
	struct dunlin_error emit_error;
	int rc, status = RUN_OK;

	*failed = SIZE_MAX;
	if (run_nomem_check(r, err) < 0) {
		status = RUN_FAILED;
		goto out;
	}
	if (r->w.n == 0)
		return RUN_OK;
	rc = session_exec_many(r->s, r->w.step, r->w.n, &obs, &res, err);
	for (size_t i = 0; i < r->n_end; i++)
		if (r->end[i].step < res.n_durable)
			mark_done(r, r->end[i].action);
	if (res.n_durable > 0)
		r->is_begun = 1;
	tell_progress(r, NULL);
	if (rc != DUNLIN_OK) {
		struct dunlin_driver_error keep = r->s->de;

		status = RUN_FAILED;
		*failed = action_index(r, res.n_done);
		run_statement_error(r, res.n_done, err);
		if (!r->is_stepping && (res.is_unknown || keep.errclass == DUNLIN_CLASS_CONNECTION)) {
			status = run_resolve(r, err) == 0 ? RUN_RETRY : RUN_FAILED;
			*failed = SIZE_MAX;
		} else if (keep.is_retryable && keep.errclass == DUNLIN_CLASS_LOCK) {
			status = RUN_RETRY;
		}
		r->s->de = keep;
	}
	if (r->s->conn && res.n_durable > 0) {
		struct dunlin_driver_error keep = r->s->de;

		if (run_emit(r, &emit_error) < 0 && status == RUN_OK) {
			if (err)
				*err = emit_error;
			status = RUN_FAILED;
		}
		r->s->de = keep;
	}
out:
	if (status != RUN_OK)
		r->is_open = 0;
	window_reset(&r->w);
	r->n_end = 0;
	return status;
}

static int end_transaction(struct runner *r)
{
	struct window_tag tag = { .statement = -1 };

	if (r->n_open)
		tag.action = &r->plan->action[r->open_action[r->n_open - 1]];
	window_add(&r->w, DUNLIN_STEP_COMMIT, &tag, NULL, 0);
	for (size_t i = 0; i < r->n_open; i++) {
		if (mem_grow(&r->end, &r->end_cap, r->n_end, sizeof *r->end) < 0) {
			r->w.is_failed = 1;
			break;
		}
		r->end[r->n_end++] = (struct run_end){ r->open_action[i], r->w.n ? r->w.n - 1 : 0 };
	}
	r->n_open = 0;
	r->is_open = 0;
	return 0;
}

static void add_statement(struct runner *r, const struct plan_action *a, const struct split_statement *st,
                          int64_t ordinal)
{
	struct window_tag tag = { .action = a, .statement = ordinal, .line = st->line, .column = st->column };
	struct dunlin_step *s = window_add(&r->w, DUNLIN_STEP_STATEMENT, &tag, st->text, st->len);

	if (s)
		s->traits = st->traits;
}

/* COPY data of one statement travels with it. */
static int add_data(struct runner *r, struct script_reader *reader, struct dunlin_error *err)
{
	struct buf b = BUF_INIT;
	const char *p;
	size_t n;
	int rc;

	while ((rc = script_reader_copy_data(reader, &p, &n, err)) > 0)
		buf_add(&b, p, n);
	if (rc == 0 && b.is_failed)
		rc = error_nomem(err);
	if (rc == 0 && r->w.n) {
		struct dunlin_step *s = &r->w.step[r->w.n - 1];

		s->data = arena_strndup(&r->w.arena, b.p ? b.p : "", b.len);
		s->data_len = b.len;
		r->w.bytes += b.len;
		if (!s->data)
			rc = error_nomem(err);
	}
	buf_clear(&b);
	return rc;
}

enum { LEADING = 1, INSIDE = 2, TRAILING = 4 };

/* Adds those statements of a section that stand `where`.  A window that gets
 * too large is sent on the way, if it holds nothing but this migration. */
static int add_statements(struct runner *r, const struct plan_action *a, int where, struct dunlin_error *err)
{
	struct script_env env = *r->env;
	struct script_reader *reader = NULL;
	struct script_statement st;
	int64_t ordinal = 0;
	size_t failed;
	int rc;

	env.is_from_ledger = a->is_from_ledger;
	if (script_reader_open(&reader, &env, a->section, err) < 0)
		return -1;
	while ((rc = script_reader_next(reader, &st, err)) > 0) {
		int at = !st.is_edge ? INSIDE : st.index < a->section->lead_end ? LEADING : TRAILING;

		if (st.is_own_tx)
			continue;
		if (at & where) {
			add_statement(r, a, &st.st, ordinal);
			if (st.st.has_data && add_data(r, reader, err) < 0) {
				rc = -1;
				break;
			}
		}
		ordinal++;
		if (where == INSIDE && (r->w.bytes > WINDOW_BYTES || r->w.n > WINDOW_STEPS)) {
			r->is_open = 1;
			rc = run_flush(r, &failed, err);
			if (rc != RUN_OK) {
				script_reader_close(reader);
				return rc == RUN_RETRY ? RUN_RETRY : RUN_FAILED;
			}
			r->is_open = 1;
		}
	}
	script_reader_close(reader);
	return rc;
}

static int is_last_of_transaction(const struct runner *r, size_t i)
{
	const struct plan_action *a = &r->plan->action[i];

	return a->shared_group == 0 || i + 1 == r->plan->n_action ||
	       r->plan->action[i + 1].shared_group != a->shared_group;
}

static void begin_transaction(struct runner *r, const struct plan_action *a)
{
	struct window_tag tag = { .action = a, .statement = -1 };
	const struct script_section *sec = a->section;
	const char *own = sec ? sec->begin_sql : NULL;
	struct dunlin_step *s = window_add(&r->w, DUNLIN_STEP_BEGIN, &tag, own, own ? strlen(own) : 0);

	if (s && sec) {
		s->lock_timeout_ms = sec->d.lock_timeout_ms;
		s->statement_timeout_ms = sec->d.statement_timeout_ms;
	}
}

/* Adds one migration to the window. */
static int add_action(struct runner *r, size_t i, struct dunlin_error *err)
{
	const struct plan_action *a = &r->plan->action[i];
	const struct script_section *sec = a->section;
	struct window_tag tag = { .action = a, .statement = -1 };
	int has_edges = sec && (sec->traits & DUNLIN_ST_EDGE) && !a->shared_group;
	int rc;

	if (has_edges && (rc = add_statements(r, a, LEADING, err)) != RUN_OK)
		return rc;
	if (r->n_open == 0)
		begin_transaction(r, a);
	if (mem_grow(&r->open_action, &r->open_cap, r->n_open, sizeof *r->open_action) < 0)
		return error_nomem(err);
	r->open_action[r->n_open++] = i;
	if (record_started(r, i, err) < 0)
		return -1;
	if (sec) {
		if ((rc = add_statements(r, a, INSIDE, err)) != RUN_OK)
			return rc;
		window_add(&r->w, DUNLIN_STEP_SEAL, &tag, NULL, 0);
	}
	if (record_done(r, i, err) < 0)
		return -1;
	if (is_last_of_transaction(r, i))
		end_transaction(r);
	if (has_edges && (rc = add_statements(r, a, TRAILING, err)) != RUN_OK)
		return rc;
	return run_nomem_check(r, err);
}

static size_t first_undone(const struct runner *r)
{
	size_t i = 0;

	while (i < r->plan->n_action && r->is_done[i])
		i++;
	return i;
}

/* What is left of a migration that could not be built: nothing. */
static void drop_open(struct runner *r, size_t mark)
{
	if (r->is_open && r->s->conn && r->s->drv->rollback) {
		struct dunlin_driver_error keep = r->s->de;

		r->s->drv->rollback(r->s->conn, session_error(r->s));
		r->s->de = keep;
		window_reset(&r->w);
	} else if (mark <= r->w.n) {
		window_cut(&r->w, mark);
	}
	r->is_open = 0;
	r->n_open = 0;
}

/* Adds or runs action i, or sends what has been added.  RUN_OK: go on with the
 * next; otherwise *failed is the action at fault. */
static int advance(struct runner *r, size_t i, size_t *failed, struct dunlin_error *err)
{
	const struct plan_action *a = i < r->plan->n_action ? &r->plan->action[i] : NULL;
	size_t mark;
	int is_single = !a || strcmp(a->pub.transaction, "none") == 0, rc;

	if (r->n_open == 0 && r->w.n &&
	    (is_single || r->w.bytes > WINDOW_BYTES || r->w.n > WINDOW_STEPS ||
	     (a->section && a->section->bytes > WINDOW_BYTES)) &&
	    (rc = run_flush(r, failed, err)) != RUN_OK)
		return rc;
	*failed = SIZE_MAX;
	if (!a)
		return RUN_OK;
	if (r->n_open == 0 && r->w.n == 0 && run_check_stop(r, err) < 0)
		return RUN_FAILED;
	if (!r->is_begun && r->w.n == 0)
		record_run_started(r);
	*failed = i;
	mark = r->w.n;
	if (is_single) {
		if ((rc = run_flush(r, failed, err)) != RUN_OK)
			return rc;
		*failed = i;
		rc = run_steps(r, i, err);
		if (rc == RUN_OK)
			mark_done(r, i);
		return rc;
	}
	rc = add_action(r, i, err);
	if (rc == RUN_FAILED) {
		struct dunlin_error sent;
		size_t other;

		/* Those before it in the window are whole: they still go. */
		r->w.is_failed = 0;
		drop_open(r, mark);
		if (run_flush(r, &other, &sent) != RUN_OK && err)
			*err = sent;
	}
	return rc;
}

static int run_all(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	int64_t left = r->lock_retry_ms;
	struct timespec start = { 0 }, now;
	size_t i = 0;

	while (i <= r->plan->n_action) {
		size_t done = r->n_done;
		int rc = advance(r, i, failed, err);

		if (rc == RUN_OK) {
			i++;
			continue;
		}
		r->n_open = 0;
		if (rc == RUN_FAILED)
			return -1;
		if (r->s->de.errclass == DUNLIN_CLASS_LOCK) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			if (r->n_done > done || left == r->lock_retry_ms)
				start = now;
			left = r->lock_retry_ms - ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000) - 1;
			if (!wait_to_retry(r, err ? err->message : "busy", &left))
				return -1;
		}
		i = first_undone(r);
	}
	return 0;
}

static int prepare(struct runner *r, struct dunlin_error *err)
{
	size_t n = r->plan->n_action;
	int64_t next = r->h->apply_order_max;

	r->order = mem_zalloc(n * sizeof *r->order);
	r->is_done = mem_zalloc(n);
	if (!r->order || !r->is_done)
		return error_nomem(err);
	r->progress.migrations_total = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		const struct plan_action *a = &r->plan->action[i];

		if (a->pub.kind != DUNLIN_ACTION_REVERT && a->pub.kind != DUNLIN_ACTION_FORGET)
			r->order[i] = ++next;
		if (a->section)
			r->progress.bytes_total += (int64_t)a->section->bytes;
	}
	return 0;
}

/* Completes what the user is told: what stands, and what does not. */
static void tell_state(const struct runner *r, size_t failed, struct dunlin_error *err)
{
	const struct plan_action *a = failed < r->plan->n_action ? &r->plan->action[failed] : NULL;

	if (!err || err->state[0])
		return;
	if (a && strcmp(a->pub.transaction, "shared") == 0)
		error_state(err, "nothing of this run was %s", a->pub.kind == DUNLIN_ACTION_REVERT ? "reverted" : "applied");
	else if (a)
		error_state(err, "nothing of this migration was %s; %zu before it in this run %s",
		            a->pub.kind == DUNLIN_ACTION_REVERT ? "reverted" : "applied", r->n_done,
		            r->n_done == 1 ? "is done" : "are done");
	else
		error_state(err, "%zu of %zu migrations of this run are done", r->n_done, r->plan->n_action);
}

int run_execute(struct runner *r, struct dunlin_error *err)
{
	struct dunlin_error own, ignored;
	size_t failed = SIZE_MAX;
	int rc;

	if (!err)
		err = &own;
	if (prepare(r, err) < 0)
		return -1;
	rc = run_all(r, &failed, err);
	if (rc < 0) {
		if (err->errclass == DUNLIN_CLASS_INTERRUPTED)
			err->code = DUNLIN_EXIT_STOPPED;
		tell_state(r, failed, err);
		window_reset(&r->w);
		r->n_end = r->n_open = 0;
		if (r->s->conn && failed < r->plan->n_action && err->code != DUNLIN_EXIT_STOPPED &&
		    strcmp(r->plan->action[failed].pub.transaction, "none") != 0)
			record_failed(r, failed, NULL, err);
	}
	if (r->s->conn && r->is_begun && record_run_finished(r, rc < 0 ? err : NULL, &ignored) < 0 && rc == 0) {
		*err = ignored;
		rc = -1;
	}
	return rc;
}

void run_clear(struct runner *r)
{
	window_clear(&r->w);
	mem_free(r->end);
	mem_free(r->open_action);
	mem_free(r->order);
	mem_free(r->is_done);
}
