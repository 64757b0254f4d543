/*
 * run_record.c - what the ledger is told of each migration, and of the run.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run.h"

#include "utf8.h"

#include <stdio.h>
#include <string.h>

static const struct plan_action *action_of(const struct runner *r, size_t i)
{
	return &r->plan->action[i];
}

static int is_revert(const struct plan_action *a)
{
	return a->pub.kind == DUNLIN_ACTION_REVERT;
}

static void add_json_member(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "\"%s\":", name);
	buf_add_json(b, value, strlen(value));
	buf_addc(b, ',');
}

/* The row that says that action i is done. */
void record_row(const struct runner *r, size_t i, struct ledger_row *row)
{
	const struct plan_action *a = action_of(r, i);

	if (a->pub.kind == DUNLIN_ACTION_REVERT || a->pub.kind == DUNLIN_ACTION_FORGET) {
		*row = *a->row;
		return;
	}
	*row = (struct ledger_row){
		.component = a->pub.component, .version = a->pub.version, .name = a->pub.name,
		.kind = a->m ? a->m->kind : MIGRATION_VERSIONED,
		.state = ROW_APPLIED, .direction = DIRECTION_UP,
		.batch = a->pub.batch, .apply_order = r->order[i],
		.checksum = a->m ? a->m->script.checksum : "",
		.statements_checksum = a->m ? a->m->script.statements_checksum : "",
		.statements_done = a->section ? (int64_t)a->section->n_statements : 0,
		.statements_total = a->section ? (int64_t)a->section->n_statements : 0,
		.intent = "", .applied_at = "", .applied_by = r->l->actor, .run_id = r->l->run_id,
		.tool_version = dunlin_version_string(), .error_class = "", .error_message = "",
	};
	if (a->pub.kind == DUNLIN_ACTION_BASELINE) {
		row->kind = MIGRATION_BASELINE;
		row->state = ROW_BASELINE;
		row->batch = 0;
	}
}

int record_down_text(struct runner *r, size_t i, char **out, size_t *len, struct dunlin_error *err)
{
	const struct plan_action *a = action_of(r, i);

	*out = NULL;
	*len = 0;
	if (!a->m || !a->m->script.section[SECTION_DOWN].is_present)
		return 0;
	return script_down_text(r->env, &a->m->script, out, len, err);
}

static void started_extra(struct buf *b, const struct plan_action *a)
{
	buf_addf(b, "\"direction\":\"%s\",\"transaction\":\"%s\",\"statements_total\":%lld,",
	         is_revert(a) ? "down" : "up", a->pub.transaction, (long long)a->pub.statements);
}

/* The event that a migration in a transaction begins with. */
int record_started(struct runner *r, size_t i, struct dunlin_error *err)
{
	const struct plan_action *a = action_of(r, i);
	struct buf b = BUF_INIT;

	if (a->pub.kind != DUNLIN_ACTION_APPLY && a->pub.kind != DUNLIN_ACTION_RESUME && !is_revert(a))
		return 0;
	buf_addc(&b, '{');
	add_json_member(&b, "name", a->pub.name);
	started_extra(&b, a);
	buf_addf(&b, "\"batch\":%lld}", (long long)a->pub.batch);
	if (!b.is_failed)
		ledger_put_event(r->l, &r->w, is_revert(a) ? "revert.started" : "migration.started",
		                 a->pub.component, a->pub.version, b.p);
	else
		r->w.is_failed = 1;
	buf_clear(&b);
	return run_nomem_check(r, err);
}

/* Row and event of a migration that ends in the transaction being built. */
int record_done(struct runner *r, size_t i, struct dunlin_error *err)
{
	const struct plan_action *a = action_of(r, i);
	struct ledger_row row;
	const char *event = "migration.done";
	char *down = NULL;
	size_t len = 0;

	record_row(r, i, &row);
	switch (a->pub.kind) {
	case DUNLIN_ACTION_REVERT:
		ledger_put_delete(r->l, &r->w, &row, "migration.reverted", "");
		return run_nomem_check(r, err);
	case DUNLIN_ACTION_FORGET:
		ledger_put_delete(r->l, &r->w, &row, "migration.reverted", "\"forced\":true,");
		return run_nomem_check(r, err);
	case DUNLIN_ACTION_BASELINE:
		event = "migration.baselined";
		break;
	case DUNLIN_ACTION_SATISFY:
		event = "migration.satisfied";
		break;
	default:
		break;
	}
	if (record_down_text(r, i, &down, &len, err) < 0)
		return -1;
	if (a->row)
		ledger_put_delete(r->l, &r->w, a->row, NULL, "");
	ledger_put_row(r->l, &r->w, &row, a->section ? LEDGER_ELAPSED : LEDGER_GIVEN, down, len, event, "");
	mem_free(down);
	return run_nomem_check(r, err);
}

/* The run's first transaction: the tables where they are missing, and run.started. */
void record_run_started(struct runner *r)
{
	struct buf b = BUF_INIT;

	window_add(&r->w, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	if (!r->has_ledger)
		ledger_put_tables(r->l, &r->w);
	buf_addc(&b, '{');
	add_json_member(&b, "command", r->command);
	buf_addf(&b, "\"batch\":%lld,\"batch_max\":%lld,\"layout\":%d,\"migrations\":%zu,", (long long)r->plan->batch,
	         (long long)r->h->batch_max, LEDGER_LAYOUT, r->plan->n_action);
	add_json_member(&b, "plan", r->plan->digest);
	add_json_member(&b, "driver", r->s->drv->name);
	buf_addf(&b, "\"tool_version\":\"%s\"}", dunlin_version_string());
	if (b.is_failed)
		r->w.is_failed = 1;
	else
		ledger_put_event(r->l, &r->w, "run.started", "", "", b.p);
	buf_clear(&b);
	window_add(&r->w, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
}

static int count_one(void *arg, const struct dunlin_event *e)
{
	(void)e;
	++*(int *)arg;
	return 0;
}

/* Did the last event of the window come through before the line went? */
static int is_recorded(struct runner *r, struct dunlin_error *err)
{
	int n = 0;

	return ledger_events(r->l, r->s, 0, r->l->run_id, r->l->seq - 1, count_one, &n, err) < 0 ? -1 : n > 0;
}

/* Sends bookkeeping by itself: neither a lock nor a lost line keeps it from
 * being written, and it is not written twice. */
static int send(struct runner *r, struct dunlin_error *err)
{
	struct dunlin_exec_result res;
	int64_t since = 0;
	int rc = run_nomem_check(r, err);

	while (rc == 0 && session_exec_many(r->s, r->w.step, r->w.n, NULL, &res, err) != DUNLIN_OK) {
		r->is_unknown = res.is_unknown;
		if (res.is_unknown || r->s->de.errclass == DUNLIN_CLASS_CONNECTION) {
			rc = run_resolve(r, err);
			if (rc == 0 && r->now.has_ledger)
				rc = is_recorded(r, err);
		} else if (!r->s->de.is_retryable || r->s->de.errclass != DUNLIN_CLASS_LOCK ||
		           run_wait_for_lock(r, &since, "to record it", err) != RUN_OK) {
			rc = -1;
		}
	}
	run_empty(r);
	if (rc < 0)
		return -1;
	r->is_begun = r->has_ledger = 1;
	if (run_emit(r, err) == 0)
		return 0;
	/* It is written: whoever listens may still be told. */
	if (r->s->de.errclass != DUNLIN_CLASS_CONNECTION || run_resolve(r, err) < 0)
		return -1;
	return run_emit(r, err);
}

int record_run_finished(struct runner *r, const struct dunlin_error *failure, struct dunlin_error *err)
{
	int64_t batch_max = r->h->batch_max;
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->plan->n_action; i++)
		if (r->is_done[i] && action_of(r, i)->pub.batch > batch_max)
			batch_max = action_of(r, i)->pub.batch;
	window_add(&r->w, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	buf_addc(&b, '{');
	add_json_member(&b, "command", r->command);
	buf_addf(&b, "\"ok\":%s,\"migrations\":%zu,", failure ? "false" : "true", r->n_done);
	if (failure) {
		add_json_member(&b, "error_class", dunlin_class_name(failure->errclass));
		add_json_member(&b, "error_message", failure->message);
	}
	buf_addf(&b, "\"batch_max\":%lld,\"layout\":%d}", (long long)batch_max, LEDGER_LAYOUT);
	if (b.is_failed)
		r->w.is_failed = 1;
	else
		ledger_put_event(r->l, &r->w, "run.finished", "", "", b.p);
	buf_clear(&b);
	window_add(&r->w, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	return send(r, err);
}

static void failed_extra(struct buf *b, const struct plan_action *a, const struct dunlin_error *f)
{
	buf_addf(b, "\"code\":%d,", f->code);
	if (f->native[0])
		add_json_member(b, "native", f->native);
	if (f->file[0])
		add_json_member(b, "file", f->file);
	if (f->line)
		buf_addf(b, "\"line\":%u,\"column\":%u,", f->line, f->column);
	if (f->statement[0])
		add_json_member(b, "statement", f->statement);
	add_json_member(b, "transaction", a->pub.transaction);
}

/* Steps that record a failure: of a half-run migration its row as it stands, of
 * a revert the row that it left alone, else a new one. */
static int put_failed(struct runner *r, size_t i, const struct ledger_row *at, const struct dunlin_error *failure,
                      const char *extra, struct dunlin_error *err)
{
	const struct plan_action *a = action_of(r, i);
	const char *event = is_revert(a) ? "revert.failed" : "migration.failed";
	char message[sizeof failure->message], *down = NULL;
	struct ledger_row row;
	size_t len = 0;

	if (at)
		row = *at;
	else
		record_row(r, i, &row);
	memcpy(message, failure->message, sizeof message);
	utf8_mend(message, sizeof message); /* it may name a file, or be cut */
	row.error_class = dunlin_class_name(failure->errclass);
	row.error_message = message;
	if (!at && record_started(r, i, err) < 0)
		return -1;
	if (!at && is_revert(a)) {
		ledger_put_error(r->l, &r->w, &row, event, extra);
		return 0;
	}
	row.state = ROW_FAILED;
	if (at) {
		ledger_put_update(r->l, &r->w, &row, event, extra);
		return 0;
	}
	row.statements_done = 0;
	if (record_down_text(r, i, &down, &len, err) < 0)
		return -1;
	if (a->row)
		ledger_put_delete(r->l, &r->w, a->row, NULL, "");
	ledger_put_row(r->l, &r->w, &row, LEDGER_GIVEN, down, len, event, extra);
	mem_free(down);
	return 0;
}

int record_failed(struct runner *r, size_t i, const struct ledger_row *at, const struct dunlin_error *failure)
{
	struct dunlin_error own;
	struct buf b = BUF_INIT;
	int rc = -1;

	/* What the migration did to its session must not meet the bookkeeping. */
	if (session_has(r->s, DUNLIN_CAP_RESET_SESSION))
		r->s->drv->reset_session(r->s->conn, session_error(r->s));
	if (!r->is_begun) /* not even the run could be recorded: the next try may */
		record_run_started(r);
	failed_extra(&b, action_of(r, i), failure);
	window_add(&r->w, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	if (b.is_failed)
		error_nomem(&own);
	else
		rc = put_failed(r, i, at, failure, b.p, &own);
	window_add(&r->w, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	if (rc == 0)
		rc = send(r, &own);
	if (rc < 0) {
		r->fail(r->arg, &own);
		run_log(r, DUNLIN_LOG_WARN, "the failure could not be recorded: %s", own.message);
	}
	run_empty(r);
	buf_clear(&b);
	return rc;
}
