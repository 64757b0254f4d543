/*
 * exec.c - the steps of a run, carried out in groups.
 *
 * exec_many() promises more than SQLite's transactions give: when a migration
 * fails, those before it stay, although they share its transaction.  Three
 * ways lead there:
 *
 *   the group lives      the failing migration's savepoint is rolled back and
 *                        the group committed
 *   SQLite ended it      the steps of the migrations before it are still in
 *                        the array: they run once more, each committed by
 *                        itself
 *   COMMIT was refused   rolled back and told as what it is; a lock is worth
 *                        another try of the whole, a full disk another run
 *                        of the steps one by one
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "sqlite_driver.h"

/* Between two groups of a long run other writers get their turn. */
#define PAUSE_MS 10

struct run {
	struct dunlin_conn *c;
	const struct dunlin_step *steps;
	size_t n;
	size_t group;     /* first step of the open group, of those in the array */
	size_t migration; /* BEGIN step of the open migration                    */
	size_t failed;    /* the step that failed                                */
	size_t durable;
	int is_each;      /* commits after each migration                        */
	int is_quiet;     /* steps that were told already                        */
	int is_outside;   /* the step at work is of a migration outside a transaction */
	int is_commit_failure;
	size_t commit_upto; /* the steps that the failed COMMIT was to make durable end here */
	struct dunlin_driver_error *err;
};

static struct dunlin_step step_at(const struct run *r, size_t i)
{
	return drv_step_load(DUNLIN_STEP_AT(r->steps, i));
}

/* --- groups -------------------------------------------------------------------------- */

/* Commits the open group; the steps before `upto` are durable then. */
static int end_group(struct run *r, size_t upto)
{
	int status = sq_group_commit(r->c, r->err);

	if (status == DUNLIN_OK) {
		r->durable = r->group = upto;
	} else {
		r->is_commit_failure = 1;
		r->commit_upto = upto;
		r->failed = upto > 0 ? upto - 1 : 0;
	}
	return status;
}

/* Whether the migration that begins at i ends in this call too. */
static int is_whole(const struct run *r, size_t i)
{
	for (i++; i < r->n; i++)
		if (DUNLIN_STEP_AT(r->steps, i)->kind == DUNLIN_STEP_COMMIT)
			return 1;
	return 0;
}

/* Whether the transaction that begins at i ends without SEAL: of a migration
 * that runs outside of one, and whose session is not over. */
static int is_unsealed(const struct run *r, size_t i)
{
	for (i++; i < r->n; i++) {
		int32_t kind = DUNLIN_STEP_AT(r->steps, i)->kind;

		if (kind == DUNLIN_STEP_SEAL || kind == DUNLIN_STEP_COMMIT)
			return kind == DUNLIN_STEP_COMMIT;
	}
	return 0;
}

static int do_begin(struct run *r, const struct dunlin_step *step, size_t i)
{
	struct dunlin_conn *c = r->c;
	int is_exclusive = sq_begin_is_exclusive(step->sql, step->sql_len);
	int status = DUNLIN_OK;

	if (c->tx.is_migration)
		return sq_migration_begin(c, step, r->err); /* says no */
	/* What spans calls stands alone in its group: it could not be run again. */
	if (c->tx.is_group && ((is_exclusive && !c->tx.is_exclusive) || !is_whole(r, i)))
		status = end_group(r, i);
	r->is_outside = is_unsealed(r, i);
	if (status == DUNLIN_OK)
		status = sq_migration_begin(c, step, r->err);
	if (status == DUNLIN_OK) {
		c->tx.keeps_session = r->is_outside != 0;
		r->migration = i;
	}
	return status;
}

static int do_commit(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;
	int is_continued = c->tx.is_continued, keeps_session = c->tx.keeps_session, is_full;
	int status = sq_migration_release(c, r->err);

	if (status != DUNLIN_OK)
		return status;
	is_full = sq_group_is_full(c);
	if (!is_full && !is_continued && !r->is_each && (keeps_session || !sq_session_is_dirty(c)))
		return DUNLIN_OK;
	status = end_group(r, i + 1);
	if (status != DUNLIN_OK)
		return status;
	if (is_full && i + 1 < r->n)
		drv_sleep_ms(PAUSE_MS);
	/* It is committed, whatever becomes of the connection: the next step finds
	 * out.  sq_enter() tries to open it once more. */
	if (!keeps_session)
		sq_session_reset(c, NULL);
	return DUNLIN_OK;
}

/* --- steps outside a migration --------------------------------------------------------- */

static int run_lone(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int status;

	sq_wait_budget(c, step->lock_timeout_ms);
	sq_wait_statement(c, step->statement_timeout_ms);
	status = sq_run(c, step->sql, step->sql_len, SQ_LONE, err);
	sq_wait_statement_end(c);
	return status;
}

static int is_edge(const struct run *r, size_t i)
{
	const struct dunlin_step *s = DUNLIN_STEP_AT(r->steps, i);

	return s->kind == DUNLIN_STEP_STATEMENT && (s->traits & DUNLIN_ST_EDGE);
}

/* PRAGMA foreign_keys just before a migration's BEGIN or just after its COMMIT:
 * unless the URL asks for enforcement a group never has it, so that the line
 * changes nothing, and need not end the group. */
static int is_moot(const struct run *r, size_t i)
{
	size_t first = i, next = i + 1;

	if (r->c->opt.foreign_keys || !is_edge(r, i) || sq_is_user_tx(r->c))
		return 0;
	while (first > 0 && is_edge(r, first - 1))
		first--;
	if (first > 0 && DUNLIN_STEP_AT(r->steps, first - 1)->kind == DUNLIN_STEP_COMMIT)
		return 1;
	while (next < r->n && is_edge(r, next))
		next++;
	return next < r->n && DUNLIN_STEP_AT(r->steps, next)->kind == DUNLIN_STEP_BEGIN;
}

/* VACUUM, ATTACH and the file's own BEGIN want no transaction of ours. */
static int do_lone_statement(struct run *r, const struct dunlin_step *step, size_t i)
{
	int status = DUNLIN_OK, is_open = r->c->tx.is_group;

	if (is_moot(r, i)) {
		if (!is_open)
			r->durable = r->group = i + 1;
		return DUNLIN_OK;
	}
	r->is_outside = 1;
	if (is_open)
		status = end_group(r, i);
	if (status == DUNLIN_OK)
		status = run_lone(r->c, step, r->err);
	if (status == DUNLIN_OK && !sq_is_user_tx(r->c))
		r->durable = r->group = i + 1;
	return status;
}

/* Several in a row share a transaction: each alone would cost a sync. */
static int do_lone_ledger(struct run *r, const struct dunlin_step *step)
{
	struct dunlin_conn *c = r->c;
	int status = DUNLIN_OK;

	if (!c->tx.is_group && !sq_is_user_tx(c))
		status = sq_group_begin(c, 0, -1, r->err);
	return status == DUNLIN_OK
	       ? sq_run_own(c, step->sql, step->sql_len, step->param, step->n_param, step->expect_rows, r->err)
	       : status;
}

/* --- the loop ----------------------------------------------------------------------------- */

static int do_step(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;
	struct dunlin_step step = step_at(r, i);
	int status;

	if (!c->db && (status = sq_reopen(c, r->err)) != DUNLIN_OK)
		return status;
	if ((step.kind == DUNLIN_STEP_BEGIN || step.kind == DUNLIN_STEP_STATEMENT) && sq_is_stopped(c))
		return sq_stopped(c, r->err);
	switch (step.kind) {
	case DUNLIN_STEP_BEGIN:
		return do_begin(r, &step, i);
	case DUNLIN_STEP_STATEMENT:
		return c->tx.is_migration ? sq_migration_statement(c, &step, r->err) : do_lone_statement(r, &step, i);
	case DUNLIN_STEP_SEAL:
		return sq_migration_seal(c, r->err);
	case DUNLIN_STEP_LEDGER:
		c->tx.bytes += step.sql_len;
		if (!c->tx.is_migration)
			return do_lone_ledger(r, &step);
		return sq_run_own(c, step.sql, step.sql_len, step.param, step.n_param, step.expect_rows, r->err);
	case DUNLIN_STEP_COMMIT:
		return do_commit(r, i);
	default:
		return drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "step %zu is of unknown kind %d", i, (int)step.kind);
	}
}

static int run_steps(struct run *r, size_t from, size_t to)
{
	struct dunlin_conn *c = r->c;
	int status;
	size_t i;

	for (i = from; i < to; i++) {
		c->obs_index = i;
		status = do_step(r, i);
		if (status != DUNLIN_OK) {
			if (!r->is_commit_failure)
				r->failed = i;
			return status;
		}
		if (!r->is_quiet && c->obs && c->obs->step_done)
			c->obs->step_done(c->obs->arg, i);
	}
	if (c->tx.is_migration)
		return DUNLIN_OK;
	return c->tx.is_group ? end_group(r, to) : DUNLIN_OK;
}

/* --- failing -------------------------------------------------------------------------------- */

/* Runs the steps of the lost group once more, up to the migration that failed,
 * each committed by itself.  A failure on the way takes the place of the first. */
static int run_again(struct run *r, size_t to, int status)
{
	struct dunlin_conn *c = r->c;
	struct dunlin_driver_error err = { .struct_size = sizeof err };
	struct run again = *r;
	int cause = c->wait.cause, status_again;

	again.is_each = again.is_quiet = 1;
	again.is_commit_failure = 0;
	again.err = &err;
	c->wait.is_stop_ignored = 1;
	c->wait.cause = SQ_CAUSE_NONE;
	/* The one that failed may have left query_only or the like behind. */
	status_again = sq_session_reset(c, &err);
	if (status_again == DUNLIN_OK)
		status_again = run_steps(&again, r->group, to);
	else
		again.failed = r->group;
	if (status_again != DUNLIN_OK && c->tx.is_group)
		sq_group_rollback(c);
	c->wait.is_stop_ignored = 0;
	c->wait.cause = cause;
	r->durable = r->group = again.durable;
	if (status_again == DUNLIN_OK)
		return status;
	r->failed = again.failed;
	if (r->err) {
		err.struct_size = r->err->struct_size;
		*r->err = err;
	}
	return status_again;
}

/* What was done before the migration that failed is kept. */
static int keep_before(struct run *r, size_t upto, int status)
{
	struct dunlin_conn *c = r->c;
	struct dunlin_driver_error first = { 0 };
	int commit_status;

	if (!c->tx.is_group) /* SQLite ended it */
		return r->group < upto ? run_again(r, upto, status) : status;
	if (r->err)
		first = *r->err;
	c->wait.is_stop_ignored = 1;
	c->wait.cause = SQ_CAUSE_NONE;
	commit_status = end_group(r, upto);
	c->wait.is_stop_ignored = 0;
	if (commit_status == DUNLIN_OK) {
		if (r->err)
			*r->err = first;
		return status;
	}
	return commit_status;
}

/* COMMIT itself failed: nothing of the group stands, or nobody knows. */
static int commit_failed(struct run *r, int status)
{
	struct dunlin_conn *c = r->c;
	int primary = c->rc & 0xff;

	if (c->tx.is_group) { /* busy, or told to stop while it waited */
		sq_group_rollback(c);
		return status;
	}
	if (c->tx.is_unknown || (primary != SQLITE_FULL && primary != SQLITE_CONSTRAINT))
		return status;
	return run_again(r, r->commit_upto, status);
}

static int is_io_error(int rc)
{
	rc &= 0xff;
	return rc == SQLITE_IOERR || rc == SQLITE_NOMEM || rc == SQLITE_CORRUPT;
}

static int fail(struct run *r, int status)
{
	struct dunlin_conn *c = r->c;
	size_t at = r->failed, before;

	if (is_io_error(c->rc))
		c->session.is_broken = 1;
	if (r->is_commit_failure)
		return commit_failed(r, status);
	if (c->tx.is_migration) {
		before = c->tx.is_continued ? 0 : r->migration;
		sq_migration_undo(c);
		status = keep_before(r, before, status);
	} else if (sq_is_user_tx(c)) {
		sq_group_rollback(c);
		r->group = r->durable;
	} else if (c->tx.is_group) {
		sq_group_is_lost(c);
		status = keep_before(r, at, status);
	}
	return r->is_commit_failure ? commit_failed(r, status) : status;
}

/* keeps_session: the same steps may come again. */
static void clean_up(struct dunlin_conn *c, int keeps_session)
{
	c->wait.is_stop_ignored = 1;
	if (!keeps_session && !c->tx.is_group && !sq_is_user_tx(c))
		sq_session_reset(c, NULL); /* if it fails the next call says so */
	c->wait.is_stop_ignored = 0;
}

/* What exec() reported as done stays, whatever the group meets from now on. */
int sq_commit_earlier(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	if (c->tx.is_group && !c->tx.is_migration && c->tx.has_earlier)
		return sq_group_commit(c, err);
	return DUNLIN_OK;
}

int sq_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step,
                 const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res, struct dunlin_driver_error *err)
{
	struct run r = { .c = c, .steps = steps, .n = n_step, .err = err };
	int status = sq_enter(c, err);

	res->is_unknown = 0;
	res->n_done = res->n_durable = 0;
	if (status == DUNLIN_OK)
		status = sq_commit_earlier(c, err);
	if (status != DUNLIN_OK)
		return status;
	c->tx.is_unknown = 0;
	c->tx.is_continued = c->tx.is_migration;
	c->obs = obs;
	status = run_steps(&r, 0, n_step);
	if (status != DUNLIN_OK) {
		status = fail(&r, status);
		clean_up(c, r.is_outside && status == DUNLIN_EBUSY);
		res->n_done = r.failed;
	} else {
		res->n_done = n_step;
	}
	c->obs = NULL;
	res->n_durable = r.durable < res->n_done ? r.durable : res->n_done;
	res->is_unknown = (int32_t)c->tx.is_unknown;
	return status;
}

/* --- one step by itself ------------------------------------------------------------------------ */

static int exec_statement(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int status;

	if (c->tx.is_migration)
		return sq_migration_statement(c, step, err);
	if (c->tx.is_group) {
		status = sq_group_commit(c, err);
		if (status != DUNLIN_OK)
			return status; /* a group that is still open keeps what was done */
	}
	return run_lone(c, step, err);
}

static int exec_ledger(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int status;

	if (!c->tx.is_group)
		sq_wait_budget(c, -1);
	status = sq_run_own(c, step->sql, step->sql_len, step->param, step->n_param, step->expect_rows, err);
	if (status == DUNLIN_OK && c->tx.is_group && !c->tx.is_migration)
		c->tx.has_earlier = 1;
	return status;
}

int sq_exec(struct dunlin_conn *c, const struct dunlin_step *given, struct dunlin_driver_error *err)
{
	struct dunlin_step step = drv_step_load(given);
	int status = sq_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	switch (step.kind) {
	case DUNLIN_STEP_STATEMENT:
		status = exec_statement(c, &step, err);
		break;
	case DUNLIN_STEP_LEDGER:
		status = exec_ledger(c, &step, err);
		break;
	case DUNLIN_STEP_SEAL:
		status = sq_migration_seal(c, err);
		break;
	default:
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a step of kind %d does not stand alone", (int)step.kind);
	}
	sq_group_is_lost(c);
	return status;
}
