/*
 * exec.c - the steps of a run: what goes through the pipeline together, what
 * alone, and what is left of it all when something fails.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "pipeline.h"

struct run {
	struct part part;
	struct guard g;
	struct dunlin_conn *c;
	const struct dunlin_step *steps;
	size_t n;
	int was_dirty; /* a statement that was sent may have changed the session */
	int is_single; /* one step by itself: its failure is for the caller to undo */
	struct dunlin_driver_error *err;
};

static struct dunlin_step step_at(const struct run *r, size_t i)
{
	return drv_step_load(DUNLIN_STEP_AT(r->steps, i));
}

/* --- what stands where ------------------------------------------------------------------- */

static int kind_at(const struct run *r, size_t i)
{
	return DUNLIN_STEP_AT(r->steps, i)->kind;
}

/* Has the transaction statements of a file from step i on?  Where it goes on in
 * a later call, it may. */
static int has_statements(const struct run *r, size_t i)
{
	for (; i < r->n && kind_at(r, i) != DUNLIN_STEP_COMMIT; i++)
		if (kind_at(r, i) == DUNLIN_STEP_STATEMENT || kind_at(r, i) == DUNLIN_STEP_SEAL)
			return 1;
	return i == r->n;
}

/* In the pipeline there are transactions only: what fails outside of one would
 * take what stands before it along. */
static int goes_alone(const struct run *r, const struct dunlin_step *st, unsigned kind)
{
	if (st->kind == DUNLIN_STEP_STATEMENT)
		return !r->g.is_own || (kind & PG_KIND_COPY);
	return st->kind == DUNLIN_STEP_LEDGER && !r->g.is_open;
}

/* --- in the pipeline ---------------------------------------------------------------------- */

static int queue(struct run *r, size_t i, const struct dunlin_step *st, unsigned kind)
{
	struct part *p = &r->part;
	int status;

	switch (st->kind) {
	case DUNLIN_STEP_BEGIN:
		status = guard_begin(p, &r->g, i, st, has_statements(r, i + 1));
		break;
	case DUNLIN_STEP_STATEMENT:
		status = guard_statement(p, &r->g, i, kind);
		r->was_dirty |= r->g.is_dirty;
		if (status == DUNLIN_OK)
			status = part_add(p, PG_OP_STATEMENT, i, st->sql, st->sql_len);
		break;
	case DUNLIN_STEP_SEAL:
		status = guard_seal(p, &r->g, i, !has_statements(r, i + 1));
		break;
	case DUNLIN_STEP_LEDGER:
		status = guard_ledger(p, &r->g, i);
		if (status == DUNLIN_OK)
			status = part_add_ledger(p, PG_OP_LEDGER, i, st, !r->g.is_dirty);
		break;
	case DUNLIN_STEP_COMMIT:
		status = guard_commit(p, &r->g, i);
		/* What is done is told as it gets done. */
		if (status == DUNLIN_OK)
			PQsendFlushRequest(r->c->pg);
		break;
	default:
		return drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "step %zu is of unknown kind %d", i, (int)st->kind);
	}
	if (status == DUNLIN_OK)
		p->op[p->n - 1].kind |= PG_OP_STEP_END;
	return status;
}

/* Sends what is queued; `status` other than OK: queueing failed at step i. */
static int send_queued(struct run *r, size_t i, int status)
{
	struct dunlin_driver_error keep = { 0 };
	int rc;

	if (status != DUNLIN_OK && r->c->is_lost)
		return status;
	if (r->err)
		keep = *r->err;
	rc = part_run(&r->part);
	if (rc != DUNLIN_OK || status == DUNLIN_OK)
		return rc;
	r->part.n_done = i;
	if (r->err)
		*r->err = keep;
	return status;
}

/* The steps from *i on as far as they go together. */
static int run_part(struct run *r, size_t *i)
{
	int status = part_begin(&r->part);
	size_t at = *i;

	if (status != DUNLIN_OK)
		return status;
	for (; at < r->n; at++) {
		struct dunlin_step st = step_at(r, at);
		unsigned kind = st.kind == DUNLIN_STEP_STATEMENT ? pg_kind_of(st.sql, st.sql_len) : 0;

		if (goes_alone(r, &st, kind))
			break;
		status = queue(r, at, &st, kind);
		if (status != DUNLIN_OK)
			break;
	}
	*i = at;
	return send_queued(r, at, status);
}

/* --- by itself ------------------------------------------------------------------------------ */

/* The guard's and the shield's commands before a COPY within a transaction. */
static int prepare_alone(struct run *r, size_t i, unsigned kind)
{
	int status = part_begin(&r->part);

	if (status != DUNLIN_OK)
		return status;
	status = guard_statement(&r->part, &r->g, i, kind);
	r->was_dirty |= r->g.is_dirty;
	return send_queued(r, i, status);
}

static int set_timeouts(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	struct drv_text t = { 0 };
	int status;

	drv_text_adds(&t, "SELECT set_config('dunlin.own_lock_timeout', current_setting('lock_timeout'), false), "
	                  "set_config('dunlin.own_statement_timeout', current_setting('statement_timeout'), false)");
	if (st->lock_timeout_ms >= 0)
		drv_text_addf(&t, ", set_config('lock_timeout', '%lld', false)", (long long)st->lock_timeout_ms);
	if (st->statement_timeout_ms >= 0)
		drv_text_addf(&t, ", set_config('statement_timeout', '%lld', false)", (long long)st->statement_timeout_ms);
	status = t.is_failed ? drv_nomem(err) : pg_do(c, t.p, err);
	drv_text_clear(&t);
	return status;
}

/* What the file itself has set holds again. */
static int restore_timeouts(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return pg_do(c, "SELECT set_config('lock_timeout', current_setting('dunlin.own_lock_timeout'), false), "
	             "set_config('statement_timeout', current_setting('dunlin.own_statement_timeout'), false)", err);
}

static int send_alone(struct dunlin_conn *c, const struct dunlin_step *st, unsigned kind, struct dunlin_driver_error *err)
{
	char tag[32], *sql;
	int status;

	if (kind & PG_KIND_COPY)
		return pg_copy(c, st, err);
	sql = drv_strndup(st->sql, st->sql_len);
	if (!sql)
		return drv_nomem(err);
	status = pg_alone(c, st, sql, tag, sizeof tag, err);
	drv_free(sql);
	if (status == DUNLIN_OK && (kind & PG_KIND_COMMIT) && strcmp(tag, "ROLLBACK") == 0)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0,
		                   "the server answered COMMIT with ROLLBACK: the transaction had failed");
	return status;
}

static int is_in_tx(const struct dunlin_conn *c)
{
	return PQtransactionStatus(c->pg) != PQTRANS_IDLE;
}

static int run_statement(struct dunlin_conn *c, const struct dunlin_step *st, unsigned kind, struct dunlin_driver_error *err)
{
	int has_timeouts = (st->lock_timeout_ms >= 0 || st->statement_timeout_ms >= 0) &&
	                   !(kind & (PG_KIND_TX | PG_KIND_SET));
	int status = DUNLIN_OK, was_in_tx = is_in_tx(c);

	if (!(kind & PG_KIND_PLAIN))
		c->is_dirty = 1;
	if (!was_in_tx)
		status = pg_concurrent_before(c, st->sql, st->sql_len, err);
	if (status == PG_CONCURRENT_DONE)
		return DUNLIN_OK;
	if (status == DUNLIN_OK && has_timeouts)
		status = set_timeouts(c, st, err);
	if (status != DUNLIN_OK)
		return status;
	pg_blockers_watch_begin(c, st->lock_timeout_ms);
	status = send_alone(c, st, kind, err);
	if (has_timeouts && !c->is_lost && !(was_in_tx && status != DUNLIN_OK)) {
		int rc = restore_timeouts(c, status == DUNLIN_OK ? err : NULL);

		if (status == DUNLIN_OK)
			status = rc;
	}
	return was_in_tx ? status : pg_concurrent_after(c, st->sql, st->sql_len, status, err);
}

static int run_ledger(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	struct drv_text t = { 0 };
	int status = pg_expect_rows(&t, st->sql, st->sql_len, st->expect_rows);

	status = status == DUNLIN_OK ? pg_alone(c, st, t.p, NULL, 0, err) : drv_nomem(err);
	drv_text_clear(&t);
	if (status != DUNLIN_OK && err && strcmp(err->sqlstate, "22012") == 0 && st->expect_rows >= 0)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the statement did not affect %lld rows",
		                 (long long)st->expect_rows);
	return status;
}

static int run_alone(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;
	struct dunlin_step st = step_at(r, i);
	unsigned kind = st.kind == DUNLIN_STEP_STATEMENT ? pg_kind_of(st.sql, st.sql_len) : 0;
	int status, is_own = r->g.is_own, is_undone = is_in_tx(c) && !(kind & PG_KIND_COMMIT);

	c->obs_index = i;
	if (st.kind == DUNLIN_STEP_LEDGER) {
		status = run_ledger(c, &st, r->err);
	} else if (is_own) {
		status = prepare_alone(r, i, kind);
		if (status == DUNLIN_OK)
			status = send_alone(c, &st, kind, r->err);
	} else {
		status = run_statement(c, &st, kind, r->err);
	}
	if (status != DUNLIN_OK) {
		r->part.n_done = i;
		/* Without a transaction, or as its end, it may have run. */
		if (c->is_lost && !is_undone && (!r->err || !r->err->sqlstate[0]))
			r->part.is_unknown = 1;
		return status;
	}
	r->part.n_done = i + 1;
	if (c->obs && c->obs->step_done)
		c->obs->step_done(c->obs->arg, i);
	if (is_own)
		return DUNLIN_OK;
	guard_load(&r->g, c);
	if (!is_in_tx(c))
		r->part.n_durable = i + 1;
	return DUNLIN_OK;
}

/* --- all of it ------------------------------------------------------------------------------- */

static int run_steps(struct run *r)
{
	size_t i = 0;
	int status = DUNLIN_OK;

	while (i < r->n && status == DUNLIN_OK) {
		struct dunlin_step st = step_at(r, i);
		unsigned kind = st.kind == DUNLIN_STEP_STATEMENT ? pg_kind_of(st.sql, st.sql_len) : 0;

		if (pg_is_stopped(r->c))
			status = pg_stopped(r->c, r->err);
		else if (goes_alone(r, &st, kind))
			status = run_alone(r, i++);
		else
			status = run_part(r, &i);
	}
	return status;
}

/* Nobody is asked whether to go on: half a rollback helps nobody. */
static void roll_back(struct dunlin_conn *c)
{
	if (c->is_lost || !is_in_tx(c))
		return;
	c->is_unstoppable = 1;
	c->cancel_since_ms = 0;
	if (pg_do(c, "ROLLBACK", NULL) != DUNLIN_OK)
		c->is_lost = 1; /* the connection is left to itself, and the server rolls back */
	c->is_unstoppable = 0;
}

static int finish(struct run *r, int status)
{
	struct dunlin_conn *c = r->c;

	if (status == DUNLIN_OK) {
		guard_store(&r->g, c);
	} else {
		if (!r->is_single)
			roll_back(c);
		if (c->is_lost || !is_in_tx(c))
			c->is_guarded = c->is_sealed = 0;
		c->is_dirty |= (unsigned)r->was_dirty & 1;
	}
	return status;
}

static int run_all(struct run *r, const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res)
{
	int status = pg_enter(r->c, r->err);

	res->is_unknown = 0;
	res->n_done = res->n_durable = 0;
	if (status != DUNLIN_OK)
		return status;
	r->part.c = r->c;
	r->part.steps = r->steps;
	r->part.err = r->err;
	r->c->obs = obs;
	guard_load(&r->g, r->c);
	status = finish(r, run_steps(r));
	r->c->obs = NULL;
	res->n_done = r->part.n_done;
	res->n_durable = r->part.n_durable < r->part.n_done ? r->part.n_durable : r->part.n_done;
	res->is_unknown = r->part.is_unknown;
	part_clear(&r->part);
	return status;
}

int pg_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step,
                 const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                 struct dunlin_driver_error *err)
{
	struct run r = { .c = c, .steps = steps, .n = n_step, .err = err };

	return run_all(&r, obs, res);
}

int pg_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	struct run r = { .c = c, .steps = step, .n = 1, .err = err, .is_single = 1 };
	struct dunlin_exec_result res = { .struct_size = sizeof res };

	return run_all(&r, NULL, &res);
}
