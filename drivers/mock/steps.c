/*
 * steps.c - a transaction and what runs in it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mock.h"

#include <stdio.h>
#include <string.h>

int mock_is_in_tx(const struct mock_conn *c)
{
	return c->sql && !sqlite3_get_autocommit(c->sql);
}

void mock_start_clocks(struct mock_conn *c, const struct dunlin_step *st)
{
	if (!mock_is_in_tx(c)) {
		c->lock_ms = st && st->lock_timeout_ms >= 0 ? st->lock_timeout_ms : c->lock_timeout_ms;
		c->statement_ms = st && st->statement_timeout_ms >= 0 ? st->statement_timeout_ms : c->statement_timeout_ms;
		c->began_ms = mock_now_ms();
	}
	c->lock_deadline = c->lock_ms > 0 ? mock_now_ms() + c->lock_ms : 0;
	c->statement_deadline = c->statement_ms > 0 ? mock_now_ms() + c->statement_ms : 0;
}

static void end_tx(struct mock_conn *c)
{
	if (mock_is_in_tx(c))
		sqlite3_exec(c->sql, "ROLLBACK", NULL, NULL, NULL);
	c->is_guarded = c->is_sealed = c->is_tx_failed = 0;
}

int mock_refuse_in_failed_tx(struct mock_conn *c, struct dunlin_driver_error *err)
{
	if (!c->is_tx_failed)
		return DUNLIN_OK;
	mock_fail(err, DUNLIN_CLASS_UNKNOWN, "the transaction has failed, and only a rollback is possible");
	if (err)
		snprintf(err->sqlstate, sizeof err->sqlstate, "25P02");
	return DUNLIN_ERROR;
}

static int begin(struct mock_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	int rc;

	if (st->sql)
		rc = mock_exec(c, st->sql, st->sql_len, NULL, 0, NULL, NULL, err);
	else
		rc = mock_run(c, "BEGIN IMMEDIATE", err);
	if (rc == DUNLIN_OK)
		rc = mock_run(c, "SAVEPOINT " MOCK_GUARD, err);
	if (rc != DUNLIN_OK)
		return rc;
	c->is_guarded = 1;
	c->is_sealed = c->is_tx_failed = 0;
	return DUNLIN_OK;
}

/* The guard is there only in the transaction that BEGIN opened. */
static int release_guard(struct mock_conn *c, struct dunlin_driver_error *err)
{
	if (!c->is_guarded || c->is_sealed)
		return DUNLIN_OK;
	if (mock_is_in_tx(c) && mock_run(c, "RELEASE " MOCK_GUARD, NULL) == DUNLIN_OK) {
		c->is_sealed = 1;
		return DUNLIN_OK;
	}
	return mock_fail(err, DUNLIN_CLASS_VALIDATION, "a statement ended the transaction that it ran in");
}

static int commit(struct mock_conn *c, struct dunlin_driver_error *err)
{
	int rc = mock_refuse_in_failed_tx(c, err);

	if (rc == DUNLIN_OK)
		rc = release_guard(c, err);
	if (rc == DUNLIN_OK)
		rc = mock_run(c, "COMMIT", err);
	end_tx(c);
	return rc;
}

/* "SET name = value": a setting of the session, in its own table. */
static int set(struct mock_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	static const char sql[] = "INSERT OR REPLACE INTO temp.mock_setting VALUES (?, ?)";
	const char *p = st->sql, *end = p + st->sql_len;
	char word[64], value[256];
	struct dunlin_param param[2] = { { .value = word }, { .value = value } };

	mock_word(&p, end, word, sizeof word);
	if (!mock_word(&p, end, word, sizeof word) || !(p = memchr(p, '=', (size_t)(end - p))))
		return mock_fail(err, DUNLIN_CLASS_SYNTAX, "SET has the form SET name = value");
	for (p++; p < end && *p == ' '; p++)
		;
	snprintf(value, sizeof value, "%.*s", (int)(end - p), p);
	param[0].len = strlen(word);
	param[1].len = strlen(value);
	return mock_exec(c, sql, sizeof sql - 1, param, 2, NULL, NULL, err);
}

static int is_set(const struct dunlin_step *st)
{
	const char *p = st->sql;
	char word[8];

	return mock_word(&p, p + st->sql_len, word, sizeof word) && sqlite3_stricmp(word, "SET") == 0;
}

static int commits(const struct mock_conn *c, const struct dunlin_step *st)
{
	return (mock_caps_of(c) & DUNLIN_CAP_DDL_COMMITS) && st->kind == DUNLIN_STEP_STATEMENT &&
	       mock_is_ddl(st->sql, st->sql_len);
}

static int statement(struct mock_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	int rc = mock_refuse_in_failed_tx(c, err), is_guarded;

	if (rc == DUNLIN_OK && c->is_sealed && mock_is_in_tx(c)) { /* of the next migration in this transaction */
		rc = mock_run(c, "SAVEPOINT " MOCK_GUARD, err);
		c->is_sealed = rc != DUNLIN_OK;
	}
	if (rc != DUNLIN_OK)
		return rc;
	is_guarded = c->is_guarded && !c->is_sealed;
	if (mock_is_in_tx(c) && commits(c, st))
		rc = mock_run(c, "COMMIT", err);
	if (rc != DUNLIN_OK)
		return rc;
	if (st->data)
		rc = mock_copy(c, st, err);
	else if (is_set(st))
		rc = set(c, st, err);
	else
		rc = mock_exec(c, st->sql, st->sql_len, st->param, st->n_param, NULL, NULL, err);
	if (rc == DUNLIN_OK && is_guarded && !mock_is_in_tx(c))
		rc = mock_fail(err, DUNLIN_CLASS_VALIDATION, "the statement ended the transaction that it ran in");
	return rc;
}

static int ledger(struct mock_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	int is_alone = !mock_is_in_tx(c), rc = mock_refuse_in_failed_tx(c, err);

	if (rc != DUNLIN_OK)
		return rc;
	if (is_alone)
		rc = mock_run(c, "BEGIN IMMEDIATE", err);
	if (rc == DUNLIN_OK)
		rc = mock_exec(c, st->sql, st->sql_len, st->param, st->n_param, NULL, NULL, err);
	if (rc == DUNLIN_OK && st->expect_rows >= 0 && sqlite3_changes64(c->sql) != st->expect_rows)
		rc = mock_fail(err, DUNLIN_CLASS_VALIDATION, "the statement changed %lld rows instead of %lld",
		               (long long)sqlite3_changes64(c->sql), (long long)st->expect_rows);
	if (rc == DUNLIN_OK && is_alone)
		rc = mock_run(c, "COMMIT", err);
	if (rc != DUNLIN_OK && is_alone)
		end_tx(c);
	return rc;
}

static int seal(struct mock_conn *c, struct dunlin_driver_error *err)
{
	int rc = c->is_guarded ? release_guard(c, err)
	                       : mock_fail(err, DUNLIN_CLASS_VALIDATION, "no transaction is open");

	return rc == DUNLIN_OK ? mock_reset(c, err) : rc;
}

static const struct { enum mock_point point; const char *name; } kinds[] = {
	[DUNLIN_STEP_BEGIN] = { MOCK_BEGIN, "begin" },
	[DUNLIN_STEP_STATEMENT] = { MOCK_STATEMENT, "statement" },
	[DUNLIN_STEP_SEAL] = { MOCK_SEAL, "seal" },
	[DUNLIN_STEP_LEDGER] = { MOCK_LEDGER, "ledger" },
	[DUNLIN_STEP_COMMIT] = { MOCK_COMMIT, "commit" },
};

static int do_step(struct mock_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	switch (st->kind) {
	case DUNLIN_STEP_BEGIN:
		return begin(c, st, err);
	case DUNLIN_STEP_STATEMENT:
		return statement(c, st, err);
	case DUNLIN_STEP_SEAL:
		return seal(c, err);
	case DUNLIN_STEP_LEDGER:
		return ledger(c, st, err);
	default:
		return commit(c, err);
	}
}

static int step(struct mock_conn *c, const struct dunlin_step *st, int is_one_of_many,
                const struct dunlin_exec_observer *obs, size_t index, struct dunlin_driver_error *err)
{
	struct mock_pass pass;
	int rc;

	if (st->kind < DUNLIN_STEP_BEGIN || st->kind > DUNLIN_STEP_COMMIT)
		return mock_fail(err, DUNLIN_CLASS_UNKNOWN, "a step of kind %d is not known", (int)st->kind);
	mock_start_clocks(c, st);
	rc = mock_before(c, &pass, kinds[st->kind].point, st->sql, st->sql_len, obs, index, err);
	if (rc == DUNLIN_OK)
		rc = do_step(c, st, err);
	if (rc == DUNLIN_OK)
		rc = mock_after(c, &pass, err);
	if (rc != DUNLIN_OK && mock_is_in_tx(c) && c->db->script && c->db->script->is_failed_tx)
		c->is_tx_failed = 1;
	mock_trace(c, is_one_of_many, rc, kinds[st->kind].name, st->sql, st->sql_len, st->param, st->n_param);
	return rc;
}

int mock_single(struct dunlin_conn *dc, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	struct mock_conn *c = mock_conn_of(dc);

	atomic_store(&c->is_cancelled, 0);
	return step(c, st, 0, NULL, 0, err);
}

int mock_begin(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	const struct dunlin_step plain = {
		.struct_size = sizeof plain, .kind = DUNLIN_STEP_BEGIN, .lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};

	return mock_single(c, st ? st : &plain, err);
}

int mock_commit(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	const struct dunlin_step st = { .struct_size = sizeof st, .kind = DUNLIN_STEP_COMMIT };

	return mock_single(c, &st, err);
}

int mock_rollback(struct dunlin_conn *dc, struct dunlin_driver_error *err)
{
	struct mock_conn *c = mock_conn_of(dc);
	struct mock_pass pass;
	int rc = mock_before(c, &pass, MOCK_ROLLBACK, NULL, 0, NULL, 0, err);

	if (rc == DUNLIN_OK) {
		end_tx(c);
		rc = mock_after(c, &pass, err);
	}
	mock_trace(c, 0, rc, "rollback", NULL, 0, NULL, 0);
	return rc;
}

int mock_exec_many(struct dunlin_conn *dc, const struct dunlin_step *steps, size_t n,
                          const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                          struct dunlin_driver_error *err)
{
	struct mock_conn *c = mock_conn_of(dc);
	char what[40];
	int rc;

	res->is_unknown = 0;
	res->n_done = res->n_durable = 0;
	atomic_store(&c->is_cancelled, 0);
	snprintf(what, sizeof what, "exec_many %zu", n);
	mock_trace(c, 0, 0, what, NULL, 0, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		const struct dunlin_step *st = DUNLIN_STEP_AT(steps, i);
		int was_in_tx = mock_is_in_tx(c);

		rc = step(c, st, 1, obs, i, err);
		if (rc != DUNLIN_OK) {
			/* A DDL statement commits what came before it, also when it fails. */
			if (was_in_tx && !c->is_dead && commits(c, st))
				res->n_durable = i;
			res->is_unknown = c->is_dead;
			end_tx(c);
			return rc;
		}
		res->n_done = i + 1;
		if (!mock_is_in_tx(c))
			res->n_durable = i + 1;
		if (obs && obs->step_done)
			obs->step_done(obs->arg, i);
	}
	return DUNLIN_OK;
}
