/*
 * exec.c - steps one by one.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "my_driver.h"

int my_exec(struct dunlin_conn *c, const struct dunlin_step *given, struct dunlin_driver_error *err)
{
	struct dunlin_step step = drv_step_load(given);
	struct drv_text t = { 0 };
	int status = my_enter(c, err);

	if (status == DUNLIN_OK)
		status = my_expand(&t, step.sql, step.sql_len, step.param, step.n_param, err);
	if (status == DUNLIN_OK)
		status = my_send_query(c, t.p, t.len) ? my_db_error(c, step.sql, step.sql_len, err) : DUNLIN_OK;
	if (status == DUNLIN_OK)
		status = my_drain(c, err);
	drv_text_clear(&t);
	return status;
}

int my_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	(void)step;
	return my_do(c, "START TRANSACTION READ WRITE", err);
}

int my_commit(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return my_do(c, "COMMIT", err);
}

int my_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return my_do(c, "ROLLBACK", err);
}

/* The client's copy of the flag is wrong after a DDL statement that failed. */
int my_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{
	char answer[8];
	int status = my_enter(c, err);

	*state = DUNLIN_TX_NONE;
	if (status == DUNLIN_OK)
		status = my_scalar(c, "SELECT @@in_transaction", NULL, 0, answer, sizeof answer, err);
	if (status == DUNLIN_OK && strcmp(answer, "1") == 0)
		*state = DUNLIN_TX_OPEN;
	return status;
}

int my_savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err)
{
	static const char *const verbs[] = { NULL, "SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT " };
	struct drv_text sql = { 0 };
	int status = my_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (op < DUNLIN_SAVEPOINT_SET || op > DUNLIN_SAVEPOINT_ROLLBACK)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "'%s' is not possible as a savepoint", name);
	drv_text_adds(&sql, verbs[op]);
	my_name(&sql, name, strlen(name));
	status = sql.is_failed ? drv_nomem(err) : my_do(c, sql.p, err);
	drv_text_clear(&sql);
	return status;
}
