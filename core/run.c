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

#include <string.h>

#define WINDOW_BYTES (1024 * 1024)
#define WINDOW_STEPS 4096
#define INLINE_BYTES (256 * 1024) /* of COPY data; what follows is read as it is sent */

static void end_transaction(struct runner *r)
{
	struct window_tag tag = { .action = &r->plan->action[r->open_action[r->n_open - 1]], .statement = -1 };

	window_add(&r->w, DUNLIN_STEP_COMMIT, &tag, NULL, 0);
	for (size_t i = 0; i < r->n_open; i++) {
		if (mem_grow(&r->end, &r->end_cap, r->n_end, sizeof *r->end) < 0) {
			r->w.is_failed = 1;
			break;
		}
		r->end[r->n_end++] = (struct run_end){ r->open_action[i], r->w.n ? r->w.n - 1 : 0 };
	}
	r->n_open = 0;
}

static void add_statement(struct runner *r, const struct plan_action *a, const struct split_statement *st,
                          int64_t ordinal)
{
	struct window_tag tag = { .action = a, .statement = ordinal, .line = st->line, .column = st->column };
	struct dunlin_step *s = window_add(&r->w, DUNLIN_STEP_STATEMENT, &tag, st->text, st->len);

	if (s)
		s->traits = st->traits;
}

/* The driver asks for the next piece.  1, 0 at the end, -1: r->copy.err says why. */
static int read_data(void *arg, const char **p, size_t *n)
{
	struct runner *r = arg;
	int rc = script_reader_copy_data(r->copy.reader, p, n, &r->copy.err);

	if (rc < 0)
		r->copy.is_failed = 1;
	else if (rc > 0)
		run_count_bytes(r, *n);
	return rc;
}

int run_add_data(struct runner *r, struct script_reader *reader, struct dunlin_error *err)
{
	struct buf b = BUF_INIT;
	const char *p;
	size_t n;
	int rc = 0;

	while (b.len < INLINE_BYTES && (rc = script_reader_copy_data(reader, &p, &n, err)) > 0)
		buf_add(&b, p, n);
	if (b.len >= INLINE_BYTES)
		rc = 0;
	if (rc == 0 && (b.is_failed || !r->w.n))
		rc = error_nomem(err);
	if (rc == 0) {
		struct dunlin_step *s = &r->w.step[r->w.n - 1];

		s->data = arena_strndup(&r->w.arena, b.p ? b.p : "", b.len);
		s->data_len = b.len;
		r->w.bytes += b.len;
		if (!s->data)
			rc = error_nomem(err);
		if (rc == 0 && b.len >= INLINE_BYTES) {
			r->copy.reader = reader;
			s->read_data = read_data;
			s->read_arg = r;
		}
	}
	buf_clear(&b);
	return rc;
}

enum { LEADING = 1, INSIDE = 2, TRAILING = 4 };

/* Adds those statements of a section that stand `where`.  A window that gets
 * too large is sent on the way; then *failed is the action at fault. */
static int add_statements(struct runner *r, const struct plan_action *a, int where, size_t *failed,
                          struct dunlin_error *err)
{
	struct script_env env = *r->env;
	struct script_reader *reader = NULL;
	struct script_statement st;
	int64_t ordinal = 0;
	int rc;

	env.is_from_ledger = a->is_from_ledger;
	env.is_plain_untold = 1;
	if (script_reader_open(&reader, &env, a->section, err) < 0)
		return RUN_FAILED;
	while ((rc = script_reader_next(reader, &st, err)) > 0) {
		int at = !st.is_edge ? INSIDE : st.index < a->section->lead_end ? LEADING : TRAILING;

		if (st.is_own_tx)
			continue;
		if (at & where) {
			add_statement(r, a, &st.st, ordinal);
			if (st.st.has_data && (rc = run_add_data(r, reader, err)) < 0)
				break;
		}
		ordinal++;
		if (where == INSIDE && (r->copy.reader || r->w.bytes > WINDOW_BYTES || r->w.n > WINDOW_STEPS)) {
			rc = run_flush(r, failed, err);
			if (rc != RUN_OK)
				break;
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
	struct dunlin_step *s;

	r->open_mark = r->w.n;
	s = window_add(&r->w, DUNLIN_STEP_BEGIN, &tag, own, own ? strlen(own) : 0);
	if (s && sec) {
		s->lock_timeout_ms = sec->d.lock_timeout_ms;
		s->statement_timeout_ms = sec->d.statement_timeout_ms;
	}
}

/* Adds one migration to the window. */
static int add_action(struct runner *r, size_t i, size_t *failed, struct dunlin_error *err)
{
	const struct plan_action *a = &r->plan->action[i];
	const struct script_section *sec = a->section;
	struct window_tag tag = { .action = a, .statement = -1 };
	int has_edges = sec && (sec->traits & DUNLIN_ST_EDGE) && !a->shared_group;
	int rc;

	if (has_edges && (rc = add_statements(r, a, LEADING, failed, err)) != RUN_OK)
		return rc;
	if (r->n_open == 0)
		begin_transaction(r, a);
	if (mem_grow(&r->open_action, &r->open_cap, r->n_open, sizeof *r->open_action) < 0)
		return error_nomem(err);
	r->open_action[r->n_open++] = i;
	if (record_started(r, i, err) < 0)
		return RUN_FAILED;
	if (sec) {
		if ((rc = add_statements(r, a, INSIDE, failed, err)) != RUN_OK)
			return rc;
		window_add(&r->w, DUNLIN_STEP_SEAL, &tag, NULL, 0);
	}
	if (record_done(r, i, err) < 0)
		return RUN_FAILED;
	if (is_last_of_transaction(r, i))
		end_transaction(r);
	if (has_edges && (rc = add_statements(r, a, TRAILING, failed, err)) != RUN_OK)
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

/* A migration could not be built: nothing of its transaction is sent.  mark:
 * where it began in the window. */
static void drop_open(struct runner *r, size_t mark)
{
	if (r->n_open && r->open_mark < mark)
		mark = r->open_mark;
	if (r->is_open) {
		run_roll_back(r);
		run_empty(r);
	} else if (mark < r->w.n) {
		window_cut(&r->w, mark);
	}
	r->n_open = 0;
}

/* Adds action i to the window; where that fails, those before it still go. */
static int build(struct runner *r, size_t i, size_t *failed, struct dunlin_error *err)
{
	size_t mark = r->w.n, other;
	struct dunlin_error sent;
	int rc = add_action(r, i, failed, err), status;

	if (rc != RUN_FAILED)
		return rc;
	if (err && !err->version[0] && *failed == i)
		error_migration(err, r->plan->action[i].pub.component, r->plan->action[i].pub.version);
	r->w.is_failed = 0;
	drop_open(r, mark);
	status = run_flush(r, &other, &sent);
	if (status == RUN_OK)
		return RUN_FAILED;
	*failed = other;
	if (err)
		*err = sent;
	return status;
}

static int is_window_full(const struct runner *r)
{
	return r->w.bytes > WINDOW_BYTES || r->w.n > WINDOW_STEPS;
}

/* The plan has it in a transaction; since then there may be tables that do not
 * roll back. */
static int is_out_of_date(struct runner *r, const struct plan_action *a, struct dunlin_error *err)
{
	if (!a->section || !(a->section->traits & DUNLIN_ST_DML) || !session_has(r->s, DUNLIN_CAP_DDL_COMMITS) ||
	    session_has(r->s, DUNLIN_CAP_MIXED_TABLES) || !(r->s->drv->caps(r->s->conn) & DUNLIN_CAP_MIXED_TABLES))
		return 0;
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
	          "this run has made a table that does not roll back, so '%s' cannot run in a transaction as planned", a->pub.version);
	error_hint(err, "Run the command again: it is planned anew.");
	return 1;
}

/* Adds or runs action i, or sends what has been added.  RUN_OK: go on with the
 * next; otherwise *failed is the action at fault, SIZE_MAX where it is none. */
static int advance(struct runner *r, size_t i, size_t *failed, struct dunlin_error *err)
{
	const struct plan_action *a = i < r->plan->n_action ? &r->plan->action[i] : NULL;
	int is_single = !a || strcmp(a->pub.transaction, "none") == 0, rc;

	*failed = SIZE_MAX;
	if (r->n_mark && (!a || !is_single || run_steps_full(r)) && (rc = run_steps_left(r, failed, err)) != RUN_OK)
		return rc;
	/* What was partly sent ends on its own. */
	if (r->n_open == 0 && r->w.n && r->n_mark == 0 &&
	    (is_single || r->is_open || is_window_full(r) || (a->section && a->section->bytes > WINDOW_BYTES)) &&
	    (rc = run_flush(r, failed, err)) != RUN_OK)
		return rc;
	if (!a)
		return RUN_OK;
	if (r->n_open == 0 && r->w.n == 0 && run_check_stop(r, err) < 0)
		return RUN_FAILED;
	if (!r->is_begun && r->w.n == 0) {
		record_run_started(r);
		if (run_nomem_check(r, err) < 0) {
			run_empty(r);
			return RUN_FAILED;
		}
	}
	if (is_single && r->n_mark == 0 && (rc = run_flush(r, failed, err)) != RUN_OK)
		return rc;
	*failed = i;
	if (!is_single && is_out_of_date(r, a, err))
		return RUN_FAILED;
	return is_single ? run_steps(r, i, failed, err) : build(r, i, failed, err);
}

static int run_all(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	int64_t since = 0;
	size_t i = 0, done = 0;

	while (i <= r->plan->n_action) {
		int rc = advance(r, i, failed, err);

		if (rc == RUN_OK) {
			i++;
			continue;
		}
		r->n_open = 0;
		if (r->n_done > done)
			since = 0;
		done = r->n_done;
		if (rc == RUN_LOCKED) {
			rc = run_wait_for_lock(r, &since, "the whole migration", err);
			/* What a rollback leaves behind must not meet the second try. */
			if (rc == RUN_OK && session_has(r->s, DUNLIN_CAP_RESET_SESSION))
				r->s->drv->reset_session(r->s->conn, session_error(r->s));
		}
		if (rc == RUN_FAILED)
			return -1;
		i = first_undone(r);
	}
	return 0;
}

static int prepare(struct runner *r, struct dunlin_error *err)
{
	size_t n = r->plan->n_action;
	int64_t next = r->h->apply_order_max;

	r->has_ledger = r->h->has_ledger;
	r->place.action = SIZE_MAX;
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

	if (a && a->is_from_ledger && !err->hint[0])
		error_hint(err, "This down was kept when the migration was applied: mend the folder's, "
		           "and run the command again with --down-from files.");
	if (err->state[0])
		return;
	if (a && r->is_done[failed])
		error_state(err, "this migration is %s; a statement that follows its transaction failed",
		            a->pub.kind == DUNLIN_ACTION_REVERT ? "reverted" : "applied");
	else if (a && strcmp(a->pub.transaction, "shared") == 0)
		error_state(err, "nothing of this run was %s", a->pub.kind == DUNLIN_ACTION_REVERT ? "reverted" : "applied");
	else if (a)
		error_state(err, "nothing of this migration was %s; %zu before it in this run %s",
		            a->pub.kind == DUNLIN_ACTION_REVERT ? "reverted" : "applied", r->n_done,
		            r->n_done == 1 ? "is done" : "are done");
	else
		error_state(err, "%zu of %zu migrations of this run are done", r->n_done, r->plan->n_action);
}

/* Does the failure belong into the migration's row?  One that was stopped left
 * nothing, and one outside a transaction has recorded it already. */
static int is_to_record(const struct runner *r, size_t failed, const struct dunlin_error *err)
{
	const struct plan_action *a = failed < r->plan->n_action ? &r->plan->action[failed] : NULL;

	return a && a->section && !r->is_done[failed] && err->code != DUNLIN_EXIT_STOPPED &&
	       strcmp(a->pub.transaction, "none") != 0;
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
	/* Where all had been sent when it was asked to stop, it stopped all the same. */
	if (rc == 0 && r->cancel_level(r->arg) > 0)
		rc = error_set(err, DUNLIN_EXIT_STOPPED, DUNLIN_CLASS_INTERRUPTED, "interrupted");
	r->begin_grace(r->arg);
	if (rc < 0) {
		r->fail(r->arg, err);
		tell_state(r, failed, err);
		run_empty(r);
		r->n_open = 0;
		if (r->s->conn && is_to_record(r, failed, err))
			record_failed(r, failed, NULL, err);
	}
	if (r->s->conn && r->is_begun && record_run_finished(r, rc < 0 ? err : NULL, &ignored) < 0 && rc == 0) {
		*err = ignored;
		if (r->s->conn)
			run_emit(r, &ignored); /* what is there all the same */
		r->fail(r->arg, err);
		tell_state(r, SIZE_MAX, err);
		rc = -1;
	} else if (rc == 0) {
		error_clear(err); /* of what was overcome */
	}
	return rc;
}

void run_clear(struct runner *r)
{
	window_clear(&r->w);
	mem_free(r->end);
	mem_free(r->mark);
	mem_free(r->open_action);
	mem_free(r->order);
	mem_free(r->is_done);
	history_clear(&r->now);
}
