/*
 * pipeline.c - commands in, results out, with one Sync at the end.
 *
 * Sending and reading go on at the same time, so neither side can block on full
 * buffers.  After the first error the server skips everything up to the Sync;
 * what a transaction left open needs is the caller's business.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"

#define OID_INT8 20
#define KEEP_TEXT (256 * 1024) /* a larger copy of a statement is not kept */

/* --- queueing ---------------------------------------------------------------------------- */

int part_begin(struct part *p)
{
	p->n = 0;
	pg_prepared_mark(p->c);
	return PQenterPipelineMode(p->c->pg) ? DUNLIN_OK : pg_lost(p->c, p->err);
}

void part_clear(struct part *p)
{
	drv_free(p->op);
	drv_text_clear(&p->text);
}

static int add_op(struct part *p, int kind, size_t step, int64_t expect_rows)
{
	if (drv_grow(&p->op, &p->cap, p->n + 1, sizeof *p->op) < 0)
		return drv_nomem(p->err);
	p->op[p->n++] = (struct pg_op){ .step = step, .kind = kind, .expect_rows = expect_rows };
	return DUNLIN_OK;
}

/* libpq wants its texts NUL-ended. */
static const char *ended(struct part *p, const char *sql, size_t len)
{
	if (p->text.cap > KEEP_TEXT)
		drv_text_clear(&p->text);
	drv_text_reset(&p->text);
	drv_text_add(&p->text, sql, len);
	if (p->text.is_failed)
		drv_text_clear(&p->text);
	return p->text.p;
}

/* libpq says no: memory, or the line. */
static int refused(struct part *p)
{
	if (PQstatus(p->c->pg) == CONNECTION_OK)
		return drv_error(p->err, DUNLIN_ENOMEM, DUNLIN_CLASS_UNKNOWN, 0, "out of memory");
	return pg_lost(p->c, p->err);
}

int part_add(struct part *p, int kind, size_t step, const char *sql, size_t len)
{
	const char *text = ended(p, sql, len);

	if (!text || add_op(p, kind, step, -1) != DUNLIN_OK)
		return drv_nomem(p->err);
	if (!PQsendQueryParams(p->c->pg, text, 0, NULL, NULL, NULL, NULL, 0)) {
		p->n--;
		return refused(p);
	}
	return DUNLIN_OK;
}

int part_adds(struct part *p, int kind, size_t step, const char *sql)
{
	return part_add(p, kind, step, sql, strlen(sql));
}

int pg_values_set(struct pg_values *v, const struct dunlin_param *param, size_t n, struct dunlin_driver_error *err)
{
	if (n > PG_MAX_PARAMS)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "%zu parameters are more than %d", n, PG_MAX_PARAMS);
	for (size_t i = 0; i < n; i++) {
		v->type[i] = param[i].is_integer ? OID_INT8 : 0;
		v->value[i] = param[i].value;
	}
	return DUNLIN_OK;
}

int part_add_ledger(struct part *p, int kind, size_t step, const struct dunlin_step *st, int is_prepared)
{
	PGconn *pg = p->c->pg;
	struct pg_values v;
	const char *name = "", *text = NULL;
	int is_new = 0, n = (int)st->n_param, ok;
	int status = pg_values_set(&v, st->param, st->n_param, p->err);

	if (status != DUNLIN_OK)
		return status;
	if (is_prepared && n > 0)
		name = pg_prepared_name(p->c, st->sql, st->sql_len, st->expect_rows, &is_new, &text);
	if (is_new) {
		if (add_op(p, PG_OP_LEDGER, step, -1) != DUNLIN_OK)
			return drv_nomem(p->err);
		if (!PQsendPrepare(pg, name, text, n, v.type)) {
			p->n--;
			return refused(p);
		}
	}
	if (add_op(p, kind, step, st->expect_rows) != DUNLIN_OK)
		return drv_nomem(p->err);
	if (*name) {
		ok = PQsendQueryPrepared(pg, name, n, v.value, NULL, NULL, 0);
	} else {
		if (pg_expect_rows(&p->text, st->sql, st->sql_len, st->expect_rows) != DUNLIN_OK) {
			drv_text_clear(&p->text);
			p->n--;
			return drv_nomem(p->err);
		}
		ok = PQsendQueryParams(pg, p->text.p, n, v.type, v.value, NULL, NULL, 0);
	}
	if (ok)
		return DUNLIN_OK;
	p->n--;
	return refused(p);
}

/* --- results ------------------------------------------------------------------------------- */

static int64_t rows_of(PGresult *res)
{
	const char *n = PQcmdTuples(res);

	return *n ? strtoll(n, NULL, 10) : 0;
}

static int ledger_failed(const char *state, int64_t want, struct dunlin_driver_error *err)
{
	/* 1 / 0, as pg_expect_rows() has it. */
	if (strcmp(state, "22012") != 0 || want < 0)
		return 0;
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0,
	          "the ledger is not as this run knows it: a statement of its own did not affect %lld row%s",
	          (long long)want, want == 1 ? "" : "s");
	drv_hint(err, "Somebody has changed dunlin's table by hand, or another run has worked in between: run the command again.");
	return 1;
}

/* What a failed result means.  Returns the status. */
static int explain(struct part *p, const struct pg_op *op, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	int kind = op->kind & ~PG_OP_STEP_END, status;
	struct dunlin_step st = drv_step_load(DUNLIN_STEP_AT(p->steps, op->step));
	int is_of_file = kind == PG_OP_STATEMENT;

	status = pg_result_error(p->c, res, is_of_file ? st.sql : NULL, is_of_file ? st.sql_len : 0, p->err);
	if (!state)
		return status;
	if (kind == PG_OP_LEDGER && ledger_failed(state, st.expect_rows, p->err))
		return DUNLIN_ERROR;
	return guard_error(kind, state, p->err) == DUNLIN_OK ? status : DUNLIN_ERROR;
}

/* COMMIT answers ROLLBACK, and that it went well, where the transaction had failed. */
static int check_tag(struct part *p, const struct pg_op *op, PGresult *res)
{
	int kind = op->kind & ~PG_OP_STEP_END;

	if (kind == PG_OP_COMMIT && strcmp(PQcmdStatus(res), "COMMIT") != 0)
		return drv_error(p->err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0,
		                 "the server answered COMMIT with %s: the transaction had failed", PQcmdStatus(res));
	if (kind == PG_OP_LEDGER && op->expect_rows >= 0 && PQresultStatus(res) == PGRES_COMMAND_OK &&
	    rows_of(res) != op->expect_rows)
		return drv_error(p->err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0,
		                 "a statement of the ledger's own affected %lld rows instead of %lld",
		                 (long long)rows_of(res), (long long)op->expect_rows);
	return DUNLIN_OK;
}

/* Libpq's own failure, out of memory say: whatever was read of the answer is
 * gone, and with it what the server did. */
static int is_answer_lost(const PGresult *res)
{
	return PQresultStatus(res) == PGRES_FATAL_ERROR && !PQresultErrorField(res, PG_DIAG_SQLSTATE);
}

/* Judges one result; *is_failed once something has. */
static int take(struct part *p, const struct pg_op *op, PGresult *res, int *is_skipped)
{
	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		return check_tag(p, op, res);
	case PGRES_SINGLE_TUPLE:
		return DUNLIN_OK;
	case PGRES_PIPELINE_ABORTED:
		*is_skipped = 1;
		return DUNLIN_OK;
	case PGRES_FATAL_ERROR:
		if (!is_answer_lost(res))
			return explain(p, op, res);
		p->c->is_lost = 1;
		return drv_error(p->err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "the server's answer is lost: %s",
		                 PQresultErrorMessage(res));
	default: /* COPY within a pipeline cannot be got out of */
		p->c->is_lost = 1;
		return drv_error(p->err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0,
		                 "the server answered with %s where no such answer is due", PQresStatus(PQresultStatus(res)));
	}
}

/* All results of one command. */
static int read_op(struct part *p, const struct pg_op *op, int *is_skipped)
{
	PGresult *res;
	int status = DUNLIN_OK, rc;

	/* Rows that nobody looks at are dropped one by one. */
	if ((op->kind & ~PG_OP_STEP_END) == PG_OP_STATEMENT)
		PQsetSingleRowMode(p->c->pg);
	while ((rc = pg_next(p->c, &res, status == DUNLIN_OK ? p->err : NULL)) == DUNLIN_OK && res) {
		if (status == DUNLIN_OK)
			status = take(p, op, res, is_skipped);
		PQclear(res);
		if (p->c->is_lost)
			return status != DUNLIN_OK ? status : pg_lost(p->c, p->err);
	}
	return status != DUNLIN_OK ? status : rc;
}

static void told(struct part *p, const struct pg_op *op)
{
	const struct dunlin_exec_observer *obs = p->c->obs;

	if (op->kind & PG_OP_STEP_END) {
		p->n_done = op->step + 1;
		if (obs && obs->step_done)
			obs->step_done(obs->arg, op->step);
	}
	if ((op->kind & ~PG_OP_STEP_END) == PG_OP_COMMIT)
		p->n_durable = op->step + 1;
}

/* Is a COMMIT among the commands from `from` on? */
static int has_commit(const struct part *p, size_t from)
{
	for (size_t i = from; i < p->n; i++)
		if ((p->op[i].kind & ~PG_OP_STEP_END) == PG_OP_COMMIT)
			return 1;
	return 0;
}

/* Behind the last command stands the Sync, and the pipeline can be left. */
static int read_sync(struct part *p, int status)
{
	PGresult *res;
	int rc, is_sync = 0, n_nothing = 0;

	while (!is_sync && n_nothing < 2) {
		rc = pg_next(p->c, &res, status == DUNLIN_OK ? p->err : NULL);
		if (rc != DUNLIN_OK)
			return status == DUNLIN_OK ? rc : status;
		n_nothing += !res;
		is_sync = res && PQresultStatus(res) == PGRES_PIPELINE_SYNC;
		PQclear(res);
	}
	if (!PQexitPipelineMode(p->c->pg) && status == DUNLIN_OK)
		status = pg_lost(p->c, p->err);
	return status;
}

static int read_all(struct part *p)
{
	int status = DUNLIN_OK, rc, is_skipped = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct pg_op *op = &p->op[i];

		p->c->obs_index = op->step;
		rc = read_op(p, op, &is_skipped);
		if (p->c->is_lost) {
			/* What was told as failed by the server did not happen, and nothing after it. */
			if (status == DUNLIN_OK && (!p->err || !p->err->sqlstate[0]))
				p->is_unknown = has_commit(p, i);
			return status == DUNLIN_OK ? rc : status;
		}
		if (status != DUNLIN_OK || is_skipped)
			continue;
		if (rc == DUNLIN_OK) {
			told(p, op);
		} else {
			status = rc;
			p->n_done = op->step;
		}
	}
	return read_sync(p, status);
}

int part_run(struct part *p)
{
	int status;

	if (!PQpipelineSync(p->c->pg))
		status = refused(p);
	else
		status = read_all(p);
	if (status != DUNLIN_OK)
		pg_prepared_revert(p->c);
	return status;
}

/* --- one by itself -------------------------------------------------------------------------- */

int pg_alone(struct dunlin_conn *c, const struct dunlin_step *st, const char *sql, char *tag, size_t tag_size,
             struct dunlin_driver_error *err)
{
	struct pg_values v;
	PGresult *res;
	int status = pg_values_set(&v, st->param, st->n_param, err), rc;

	if (tag)
		*tag = '\0';
	if (status != DUNLIN_OK)
		return status;
	if (!PQsendQueryParams(c->pg, sql, (int)st->n_param, v.type, v.value, NULL, NULL, 0))
		return PQstatus(c->pg) == CONNECTION_OK ? drv_nomem(err) : pg_lost(c, err);
	PQsetSingleRowMode(c->pg);
	while ((rc = pg_next(c, &res, status == DUNLIN_OK ? err : NULL)) == DUNLIN_OK && res) {
		ExecStatusType kind = PQresultStatus(res);

		if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT || kind == PGRES_COPY_BOTH) {
			rc = pg_copy_refuse(c, res, err);
			if (status == DUNLIN_OK)
				status = rc;
		} else if (kind == PGRES_FATAL_ERROR && status == DUNLIN_OK) {
			if (is_answer_lost(res))
				c->is_lost = 1;
			status = pg_result_error(c, res, st->sql, st->sql_len, err);
			if (is_answer_lost(res) && err)
				err->errclass = DUNLIN_CLASS_CONNECTION;
		} else if (tag && (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK)) {
			snprintf(tag, tag_size, "%s", PQcmdStatus(res));
		}
		PQclear(res);
		if (c->is_lost)
			break;
	}
	return status != DUNLIN_OK ? status : rc;
}
