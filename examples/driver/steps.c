/*
 * steps.c - transactions, savepoints, and the steps of a run.
 *
 * A migration is a transaction with a savepoint in it, the guard.  COMMIT and
 * ROLLBACK take the guard away, so that a file that ends its own transaction is
 * found out when the guard is to be released, before anything is recorded.
 */
#include "odbc_driver.h"

#include <stdio.h>
#include <string.h>

#define GUARD "dunlin_guard"

/* An older core's step is shorter: what it does not have is zero. */
static struct dunlin_step load(const struct dunlin_step *given)
{
	struct dunlin_step step = { 0 };

	memcpy(&step, given, given->struct_size < sizeof step ? given->struct_size : sizeof step);
	return step;
}

/* Whether the transaction is still the one that BEGIN opened. */
static int release_guard(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error why = { .struct_size = sizeof why };
	int status;

	if (!c->is_tx)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, "no transaction is open");
	status = run_text(c, "RELEASE " GUARD, &why);
	if (status == DUNLIN_OK)
		return DUNLIN_OK;
	if (why.errclass == DUNLIN_CLASS_VALIDATION)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, "the file ended the transaction that it runs in");
	return err_set(err, status, why.errclass, "%s", why.message);
}

/* More statements may follow, of a migration that shares the transaction: the
 * guard is set again. */
static int seal(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = release_guard(c, err);

	return status == DUNLIN_OK ? run_text(c, "SAVEPOINT " GUARD, err) : status;
}

int odbc_begin(struct dunlin_conn *c, const struct dunlin_step *given, struct dunlin_driver_error *err)
{
	struct dunlin_step step = { .lock_timeout_ms = -1, .statement_timeout_ms = -1 };
	/* IMMEDIATE: a transaction that begins by reading may find at its first
	 * write that somebody was faster, and then no waiting helps. */
	struct run r = { .sql = "BEGIN IMMEDIATE", .len = 15 };
	int status;

	if (given)
		step = load(given);
	if (step.sql && step.sql_len) {
		r.sql = step.sql;
		r.len = step.sql_len;
	}
	r.lock_timeout_ms = step.lock_timeout_ms;
	status = run_text(c, "REPLACE INTO temp.dunlin_clock (id, at) VALUES (1, julianday('now'))", err);
	if (status == DUNLIN_OK)
		status = run_statement(c, &r, err);
	if (status != DUNLIN_OK)
		return status;
	c->is_tx = 1;
	c->tx_lock_timeout_ms = step.lock_timeout_ms;
	c->tx_statement_timeout_ms = step.statement_timeout_ms;
	status = run_text(c, "SAVEPOINT " GUARD, err);
	if (status != DUNLIN_OK)
		odbc_rollback(c, NULL);
	return status;
}

int odbc_commit(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = release_guard(c, err);

	if (status == DUNLIN_OK)
		status = run_text(c, "COMMIT", err);
	if (status != DUNLIN_OK) /* a COMMIT that was refused leaves the transaction open */
		odbc_rollback(c, NULL);
	c->is_tx = 0;
	return status;
}

int odbc_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error why = { .struct_size = sizeof why };
	int status = run_text(c, "ROLLBACK", &why);

	c->is_tx = 0;
	if (status == DUNLIN_OK || why.errclass == DUNLIN_CLASS_VALIDATION) /* it was over already */
		return DUNLIN_OK;
	return err_set(err, status, why.errclass, "%s", why.message);
}

int odbc_savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err)
{
	static const char *const verb[] = { NULL, "SAVEPOINT ", "RELEASE ", "ROLLBACK TO " };
	struct text sql = { 0 };
	int32_t state;
	int status;

	if (op < DUNLIN_SAVEPOINT_SET || op > DUNLIN_SAVEPOINT_ROLLBACK || strcmp(name, GUARD) == 0)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, "'%s' is not possible as a savepoint", name);
	status = odbc_tx_state(c, &state, err);
	if (status != DUNLIN_OK)
		return status;
	if (state == DUNLIN_TX_NONE) /* SQLite would open one */
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, "no transaction is open for savepoint '%s'", name);
	text_add(&sql, verb[op]);
	text_quote(&sql, name);
	status = sql.is_failed ? err_nomem(err) : run_text(c, sql.p, err);
	text_clear(&sql);
	return status;
}

static int run_step(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int is_ledger = step->kind == DUNLIN_STEP_LEDGER, status;
	struct run r = {
		.sql = step->sql, .len = step->sql_len, .param = step->param, .n_param = step->n_param,
		.lock_timeout_ms = c->is_tx ? c->tx_lock_timeout_ms : step->lock_timeout_ms,
		.statement_timeout_ms = is_ledger ? 0 : c->is_tx ? c->tx_statement_timeout_ms : step->statement_timeout_ms,
		/* Bookkeeping is short, and what stops a run wants it written. */
		.must_run = is_ledger,
	};

	if (!r.sql || !r.len)
		return DUNLIN_OK;
	status = run_statement(c, &r, err);
	if (status == DUNLIN_OK && is_ledger && step->expect_rows >= 0 && r.n_rows != step->expect_rows)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, "%lld rows were changed, not %lld",
		               (long long)r.n_rows, (long long)step->expect_rows);
	return status;
}

static int do_step(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	switch (step->kind) {
	case DUNLIN_STEP_BEGIN:
		return odbc_begin(c, step, err);
	case DUNLIN_STEP_STATEMENT:
	case DUNLIN_STEP_LEDGER:
		return run_step(c, step, err);
	case DUNLIN_STEP_SEAL:
		return seal(c, err);
	case DUNLIN_STEP_COMMIT:
		return odbc_commit(c, err);
	default: /* of a newer core, which asked for what it should not */
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, "a step of unknown kind %d", (int)step->kind);
	}
}

int odbc_exec(struct dunlin_conn *c, const struct dunlin_step *given, struct dunlin_driver_error *err)
{
	struct dunlin_step step = load(given);

	return do_step(c, &step, err);
}

int odbc_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n, const struct dunlin_exec_observer *obs,
                   struct dunlin_exec_result *res, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK;

	res->is_unknown = 0; /* it is a file: there is no line that could go */
	res->n_done = res->n_durable = 0;
	for (size_t i = 0; i < n; i++) {
		struct dunlin_step step = load(DUNLIN_STEP_AT(steps, i));

		status = do_step(c, &step, err);
		if (status != DUNLIN_OK)
			break;
		res->n_done = i + 1;
		if (!c->is_tx)
			res->n_durable = i + 1;
		if (obs && obs->step_done)
			obs->step_done(obs->arg, i);
	}
	if (status != DUNLIN_OK && c->is_tx)
		odbc_rollback(c, NULL);
	return status;
}
