/*
 * session.c - transactions one call at a time, and where they stand.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "pipeline.h"

int pg_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	struct dunlin_step st = {
		.struct_size = sizeof st, .lock_timeout_ms = -1, .statement_timeout_ms = -1, .expect_rows = -1,
	};
	struct dunlin_exec_result res = { .struct_size = sizeof res };

	if (step)
		st = drv_step_load(step);
	st.struct_size = sizeof st;
	st.kind = DUNLIN_STEP_BEGIN;
	return pg_exec_many(c, &st, 1, NULL, &res, err);
}

int pg_commit(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	const struct dunlin_step st = {
		.struct_size = sizeof st, .kind = DUNLIN_STEP_COMMIT, .expect_rows = -1,
		.lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};
	struct dunlin_exec_result res = { .struct_size = sizeof res };
	int status = pg_exec_many(c, &st, 1, NULL, &res, err);

	if (status != DUNLIN_OK && res.is_unknown && err)
		err->errclass = DUNLIN_CLASS_CONNECTION;
	return status;
}

int pg_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = pg_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	c->is_unstoppable = 1;
	status = PQtransactionStatus(c->pg) == PQTRANS_IDLE ? DUNLIN_OK : pg_do(c, "ROLLBACK", err);
	c->is_unstoppable = 0;
	if (status == DUNLIN_OK)
		c->is_guarded = c->is_sealed = 0;
	return status;
}

int pg_savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err)
{
	static const char *const verb[] = {
		[DUNLIN_SAVEPOINT_SET] = "SAVEPOINT ",
		[DUNLIN_SAVEPOINT_RELEASE] = "RELEASE SAVEPOINT ",
		[DUNLIN_SAVEPOINT_ROLLBACK] = "ROLLBACK TO SAVEPOINT ",
	};
	struct drv_text t = { 0 };
	int status = pg_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (op < DUNLIN_SAVEPOINT_SET || op > DUNLIN_SAVEPOINT_ROLLBACK)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "savepoint operation %d is not known", op);
	drv_text_adds(&t, verb[op]);
	drv_text_quote(&t, name);
	status = t.is_failed ? drv_nomem(err) : pg_do(c, t.p, err);
	drv_text_clear(&t);
	return status;
}

/* Outside a pipeline libpq knows it from the last ReadyForQuery. */
int pg_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{
	int status = pg_enter(c, err);

	*state = DUNLIN_TX_NONE;
	if (status != DUNLIN_OK)
		return status;
	switch (PQtransactionStatus(c->pg)) {
	case PQTRANS_IDLE:
		return DUNLIN_OK;
	case PQTRANS_INTRANS:
		*state = DUNLIN_TX_OPEN;
		return DUNLIN_OK;
	case PQTRANS_INERROR:
		*state = DUNLIN_TX_FAILED;
		return DUNLIN_OK;
	default:
		return pg_lost(c, err);
	}
}
