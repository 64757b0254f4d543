/*
 * run_step.c - a migration outside a transaction, statement by statement: how it
 * begins and ends, and where it goes on after the line was lost.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_step.h"

#include <stdio.h>
#include <string.h>

static int64_t elapsed_ms(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* --- the section ----------------------------------------------------------------------------- */

/* Are the bytes still those that were planned with?  Nothing takes back what
 * has run when that shows at the end.  Fills the intent of what stands. */
static int check_section(struct stepping *g, struct dunlin_error *err)
{
	struct script_reader *reader = NULL;
	struct script_statement st;
	int rc;

	sha256_start(&g->prefix);
	if (script_reader_open(&reader, &g->env, g->a->section, err) < 0)
		return RUN_FAILED;
	while ((rc = script_reader_next(reader, &st, err)) > 0)
		if (st.index < g->from && (rc = step_norm(&g->prefix, g->env.dialect, st.st.text, st.st.len, err)) < 0)
			break;
	script_reader_close(reader);
	if (rc < 0)
		return RUN_FAILED;
	step_set_intent(g);
	return run_nomem_check(g->r, err);
}

/* The row that says that it has begun, committed before anything runs. */
static int record_begin(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;
	int is_down = g->row.direction == DIRECTION_DOWN;
	char extra[80];
	char *down = NULL;
	size_t len = 0;

	snprintf(extra, sizeof extra, "\"transaction\":\"none\",\"resume_at\":%lld,", (long long)g->from + 1);
	step_add(g, DUNLIN_STEP_BEGIN);
	if (is_down || (g->a->row && g->from > 0)) {
		ledger_put_update(r->l, &r->w, &g->row, is_down ? "revert.started" : "migration.started", extra);
	} else {
		if (record_down_text(r, g->action, &down, &len, err) < 0)
			return RUN_FAILED;
		if (g->a->row)
			ledger_put_delete(r->l, &r->w, g->a->row, NULL, "");
		ledger_put_row(r->l, &r->w, &g->row, LEDGER_GIVEN, down, len, "migration.started", extra);
		mem_free(down);
	}
	step_add(g, DUNLIN_STEP_COMMIT);
	return step_flush(g, err);
}

static int record_end(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;
	struct ledger_row row = g->row;

	row.state = ROW_APPLIED;
	row.intent = "";
	row.execution_ms = elapsed_ms(&g->start);
	step_add(g, DUNLIN_STEP_BEGIN);
	if (row.direction == DIRECTION_DOWN)
		ledger_put_delete(r->l, &r->w, &row, "migration.reverted", "");
	else
		ledger_put_update(r->l, &r->w, &row, "migration.done", "");
	step_add(g, DUNLIN_STEP_COMMIT);
	return step_flush(g, err);
}

static int run_section(struct stepping *g, struct dunlin_error *err)
{
	struct script_reader *reader = NULL;
	struct script_statement st;
	int rc;

	sha256_start(&g->prefix);
	g->is_loose = 0;
	if (script_reader_open(&reader, &g->env, g->a->section, err) < 0)
		return RUN_FAILED;
	while ((rc = script_reader_next(reader, &st, err)) > 0) {
		if (st.index < g->from)
			rc = step_pass(g, reader, &st.st, st.index, err);
		else if (!g->r->is_in_block && run_check_stop(g->r, err) < 0)
			rc = RUN_FAILED;
		else
			rc = step_run(g, reader, &st.st, st.index, err);
		if (rc != RUN_OK)
			break;
	}
	script_reader_close(reader);
	if (rc == RUN_OK && g->r->is_in_block)
		rc = error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		               "the file opens a transaction and does not end it");
	return rc;
}

/* What the file did to its session must not meet the ledger.  A session that
 * cannot be reset is left for a new one. */
static int reset_session(struct stepping *g, struct dunlin_error *err)
{
	struct session *s = g->r->s;
	int rc = session_has(s, DUNLIN_CAP_RESET_SESSION) ? s->drv->reset_session(s->conn, session_error(s)) : DUNLIN_OK;

	if (rc == DUNLIN_OK)
		return RUN_OK;
	session_fail(s, rc, err);
	g->r->is_unknown = 0;
	/* What the file did is wrong, and would be in a new one too. */
	return s->de.errclass == DUNLIN_CLASS_VALIDATION ? RUN_FAILED : RUN_LOST;
}

static int run_all(struct stepping *g, struct dunlin_error *err)
{
	int rc;

	g->row.statements_done = g->from;
	if ((rc = check_section(g, err)) != RUN_OK)
		return rc;
	if (!g->is_recorded && (rc = record_begin(g, err)) != RUN_OK)
		return rc;
	g->is_recorded = 1;
	if (g->is_settled && (rc = step_record_progress(g, "statement.done", g->from, err)) != RUN_OK)
		return rc;
	g->is_settled = 0;
	if ((rc = run_section(g, err)) != RUN_OK || (rc = reset_session(g, err)) != RUN_OK)
		return rc;
	return record_end(g, err);
}

/* --- when it fails ---------------------------------------------------------------------------- */

static int find_undecided(const struct stepping *g, int64_t n, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_REPAIR, DUNLIN_CLASS_CONNECTION,
	          "statement %lld was in flight when the connection was lost, and the database does not tell whether it ran",
	          (long long)n);
	error_at(err, g->a->section->in.name, 0, 0);
	error_hint(err, "Look whether it ran, then decide: `dunlin repair --mark-applied`, `--mark-reverted` or `--retry`.");
	return RUN_FAILED;
}

/* The line went and is back: where does the migration stand?  RUN_AGAIN: go on
 * from g->from; RUN_OK: it is done. */
static int find_place(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;
	const struct ledger_row *row;
	int64_t n = 0, last = 0;

	if (run_resolve(r, err) < 0)
		return RUN_FAILED;
	if (r->is_done[g->action])
		return RUN_OK;
	row = history_find(&r->now, g->a->pub.component, g->a->pub.version);
	g->is_recorded = row && strcmp(row->run_id, r->l->run_id) == 0;
	if (!g->is_recorded) {
		g->from = g->a->resume_index;
		return RUN_AGAIN;
	}
	g->from = g->row.statements_done = row->statements_done;
	g->is_settled = 0;
	if (row_in_flight(row, &n, &last) == 0)
		return RUN_AGAIN;
	switch (step_settle(r->s, &g->env, g->a->section, row)) {
	case SETTLED_RAN:
		g->from = last;
		g->is_settled = 1;
		return RUN_AGAIN;
	case SETTLED_NOT_RUN:
		return RUN_AGAIN;
	default:
		return r->s->de.errclass == DUNLIN_CLASS_CONNECTION ? RUN_LOST : find_undecided(g, n, err);
	}
}

static void tell_state(const struct stepping *g, struct dunlin_error *err)
{
	int64_t k = g->row.statements_done, n = g->row.statements_total;
	int is_down = g->row.direction == DIRECTION_DOWN, is_of_file;
	const char *what = is_down ? "of its down have run" : "are applied";
	const char *unknown = err->code == DUNLIN_EXIT_UNKNOWN || err->code == DUNLIN_EXIT_REPAIR
	                      ? "; of the next the outcome is not known" : "";

	err->statements_done = k;
	err->statements_total = n;
	error_migration(err, g->a->pub.component, g->a->pub.version);
	if (k == 0 && n == 1)
		error_state(err, "its only statement %s%s", is_down ? "has not run" : "is not applied", unknown);
	else if (k == 0)
		error_state(err, "none of %s%lld statements %s%s", is_down ? "the " : "its ", (long long)n, what, unknown);
	else if (k == 1)
		error_state(err, "statement 1 of %lld %s%s", (long long)n, is_down ? "of its down has run" : "is applied", unknown);
	else
		error_state(err, "statements 1\xe2\x80\x93%lld of %lld %s%s", (long long)k, (long long)n, what, unknown);
	if (err->hint[0])
		return;
	is_of_file = err->errclass != DUNLIN_CLASS_LOCK && err->errclass != DUNLIN_CLASS_TIMEOUT &&
	             err->errclass != DUNLIN_CLASS_INTERRUPTED && err->errclass != DUNLIN_CLASS_CONNECTION;
	if (is_of_file && g->a->is_from_ledger)
		error_hint(err, "It is the down that was kept when it was applied: mend the folder's from that statement on and run "
		           "`dunlin rollback --down-from files`: it goes on at statement %lld.", (long long)k + 1);
	else
		error_hint(err, "%s `dunlin %s` again: it goes on at statement %lld.",
		           is_of_file ? "Mend the file from that statement on and run" : "Run",
		           is_down ? "rollback" : "up", (long long)k + 1);
}

/* The row tells how far it got, unless only the database knows. */
static void fail(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;

	r->begin_grace(r->arg);
	r->fail(r->arg, err);
	tell_state(g, err);
	if (!r->s->conn || err->code == DUNLIN_EXIT_UNKNOWN || err->code == DUNLIN_EXIT_REPAIR)
		return;
	if (g->is_recorded) {
		step_set_intent(g);
		record_failed(r, g->action, &g->row, err);
	} else { /* what another run left half done stays as it is */
		record_failed(r, g->action, g->a->resume_index > 0 ? g->a->row : NULL, err);
	}
}

/* Forget, baseline: records only. */
static int record_only(struct runner *r, size_t i, struct dunlin_error *err)
{
	struct window_tag tag = { .action = &r->plan->action[i], .statement = -1 };
	size_t failed;
	int rc;

	window_add(&r->w, DUNLIN_STEP_BEGIN, &tag, NULL, 0);
	if (record_done(r, i, err) < 0)
		return RUN_FAILED;
	window_add(&r->w, DUNLIN_STEP_COMMIT, &tag, NULL, 0);
	rc = run_flush(r, &failed, err);
	if (rc == RUN_OK)
		run_mark_done(r, i);
	return rc;
}

static void start(struct stepping *g)
{
	const struct plan_action *a = g->a;

	clock_gettime(CLOCK_MONOTONIC, &g->start);
	g->env = *g->r->env;
	g->env.is_from_ledger = a->is_from_ledger;
	g->from = a->resume_index;
	record_row(g->r, g->action, &g->row);
	/* A half-reverted row that a rollback goes on with is a revert, too. */
	g->row.direction = a->section == (a->m ? &a->m->script.section[SECTION_UP] : NULL) ? DIRECTION_UP : DIRECTION_DOWN;
	g->row.state = ROW_RUNNING;
	g->row.statements_total = (int64_t)a->section->n_split;
	g->row.execution_ms = 0;
	g->row.error_class = g->row.error_message = "";
}

int run_steps(struct runner *r, size_t i, struct dunlin_error *err)
{
	struct stepping g = { .r = r, .action = i, .a = &r->plan->action[i] };
	struct dunlin_error own;
	int rc;

	if (!g.a->section)
		return record_only(r, i, err);
	if (!err)
		err = &own;
	start(&g);
	r->is_stepping = 1;
	do {
		rc = run_all(&g, err);
		run_empty(r);
		if (rc != RUN_OK)
			step_end_block(&g);
		while (rc == RUN_LOST)
			rc = find_place(&g, err);
		if (rc == RUN_LOCKED) { /* a block goes again from its BEGIN */
			g.from = g.row.statements_done;
			if ((rc = run_wait_for_lock(r, &g.lock_since, "the transaction", err)) == RUN_OK)
				rc = RUN_AGAIN;
		}
	} while (rc == RUN_AGAIN);
	if (rc == RUN_OK) {
		run_mark_done(r, i);
		run_count_done(r);
	} else {
		fail(&g, err);
	}
	script_reader_close(g.ahead);
	r->is_stepping = 0;
	return rc == RUN_OK ? RUN_OK : RUN_FAILED;
}
