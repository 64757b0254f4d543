/*
 * run_step.c - a migration outside a transaction, statement by statement: how it
 * begins and ends, and what is said of one that failed.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_step.h"

#include <stdio.h>
#include <string.h>

/* A first Ctrl-C lets a window end that was sent: not too many at a time. */
#define WINDOW_STATEMENTS 40
#define WINDOW_BYTES      (1024 * 1024)

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
	if (g->r->place.action == g->action)
		g->r->place.prefix = g->prefix;
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
	g->told = g->from;
	step_mark(g, g->from);
	return step_flush(g, err);
}

/* The action is done once the step added last is durable. */
static int add_end(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;

	if (mem_grow(&r->end, &r->end_cap, r->n_end, sizeof *r->end) < 0)
		return error_nomem(err);
	r->end[r->n_end++] = (struct run_end){ g->action, r->w.n ? r->w.n - 1 : 0 };
	r->is_stepping = 0;
	return RUN_OK;
}

static int record_end(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;
	struct ledger_row row;
	int rc;

	step_add(g, DUNLIN_STEP_BEGIN);
	step_put_done(g);
	row = g->row;
	row.state = ROW_APPLIED;
	row.intent = "";
	row.execution_ms = elapsed_ms(&g->start);
	if (row.direction == DIRECTION_DOWN)
		ledger_put_delete(r->l, &r->w, &row, "migration.reverted", "");
	else if (g->is_windowed)
		ledger_put_end(r->l, &r->w, &row, "migration.done", "");
	else
		ledger_put_update(r->l, &r->w, &row, "migration.done", "");
	step_add(g, DUNLIN_STEP_COMMIT);
	step_mark(g, g->row.statements_done);
	rc = add_end(g, err);
	return rc == RUN_OK ? step_flush(g, err) : rc;
}

/* --- sending ----------------------------------------------------------------------------------- */

int run_steps_full(const struct runner *r)
{
	return r->n_step_statements >= WINDOW_STATEMENTS || r->w.bytes > WINDOW_BYTES;
}

int step_flush_now(struct stepping *g, struct dunlin_error *err)
{
	int rc;

	if (run_nomem_check(g->r, err) < 0)
		return RUN_FAILED;
	rc = step_send(g->r, &g->failed, err);
	g->has_sent = rc != RUN_OK;
	g->window_from = 0;
	return rc;
}

int step_flush(struct stepping *g, struct dunlin_error *err)
{
	if (!g->is_windowed || run_steps_full(g->r))
		return step_flush_now(g, err);
	return run_nomem_check(g->r, err) < 0 ? RUN_FAILED : RUN_OK;
}

/* --- from beginning to end ------------------------------------------------------------------------ */

static int run_section(struct stepping *g, struct dunlin_error *err)
{
	struct script_reader *reader = NULL;
	struct script_statement st;
	int rc;

	sha256_start(&g->prefix);
	if (script_reader_open(&reader, &g->env, g->a->section, err) < 0)
		return RUN_FAILED;
	while ((rc = script_reader_next(reader, &st, err)) > 0) {
		if (st.index < g->from)
			rc = step_pass(g, reader, &st.st, st.index, err);
		else if (!g->r->is_in_block && g->r->w.n == 0 && run_check_stop(g->r, err) < 0)
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
	int rc;

	if (g->is_windowed && !g->is_wild) /* it did nothing to it, and nothing need be sent */
		return RUN_OK;
	if (g->r->w.n && (rc = step_flush_now(g, err)) != RUN_OK)
		return rc;
	rc = session_has(s, DUNLIN_CAP_RESET_SESSION) ? s->drv->reset_session(s->conn, session_error(s)) : DUNLIN_OK;
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

	if ((rc = check_section(g, err)) != RUN_OK)
		return rc;
	if (!g->is_recorded && (rc = record_begin(g, err)) != RUN_OK)
		return rc;
	if ((rc = step_tell_done(g, err)) != RUN_OK || (rc = run_section(g, err)) != RUN_OK ||
	    (rc = reset_session(g, err)) != RUN_OK)
		return rc;
	return record_end(g, err);
}

static int is_windowed(const struct session *s)
{
	const struct dunlin_dialect *d = s->drv->dialect;

	return d->probe_set && d->probe_get && session_has(s, DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_PROBE_SQL);
}

/* Where it begins, or goes on. */
static void start(struct stepping *g)
{
	const struct plan_action *a = g->a;
	const struct run_place *at = &g->r->place;

	clock_gettime(CLOCK_MONOTONIC, &g->start);
	g->env = *g->r->env;
	g->env.is_from_ledger = a->is_from_ledger;
	g->failed = SIZE_MAX;
	g->window_from = g->r->w.n;
	g->is_windowed = is_windowed(g->r->s);
	g->is_recorded = at->action == g->action;
	g->from = g->is_recorded ? at->stand : a->resume_index;
	record_row(g->r, g->action, &g->row);
	/* A half-reverted row that a rollback goes on with is a revert, too. */
	g->row.direction = a->section == (a->m ? &a->m->script.section[SECTION_UP] : NULL) ? DIRECTION_UP : DIRECTION_DOWN;
	g->row.state = ROW_RUNNING;
	g->row.statements_done = g->from;
	g->told = g->is_recorded ? at->told : g->from;
	g->row.statements_total = (int64_t)a->section->n_split;
	g->row.execution_ms = 0;
	g->row.error_class = g->row.error_message = "";
}

/* --- when it fails ---------------------------------------------------------------------------- */

static int is_undoable(const struct stepping *g)
{
	const struct migration *m = g->a->m;
	char why[COUNTERPART_WHY];

	return m && m->kind != MIGRATION_REPEATABLE && m->script.section[SECTION_DOWN].is_present &&
	       step_down_start(&g->env, g->a->section, &m->script.section[SECTION_DOWN], 0, g->row.statements_done, why) >= 0;
}

static void tell_state(const struct stepping *g, struct dunlin_error *err)
{
	int64_t k = g->row.statements_done, n = g->row.statements_total;
	int is_down = g->row.direction == DIRECTION_DOWN, is_of_file;
	const char *what = is_down ? "of its down have run" : "are applied";
	char skipped[64] = "";
	const char *unknown = err->code == DUNLIN_EXIT_UNKNOWN || err->code == DUNLIN_EXIT_REPAIR
	                      ? "; of the next the outcome is not known" : "";

	if (is_down && g->a->resume_index > 0 && k >= g->a->resume_index && g->a->row && g->a->row->direction == DIRECTION_UP)
		snprintf(skipped, sizeof skipped, "; the first %lld had nothing to undo", (long long)g->a->resume_index);
	err->statements_done = k;
	err->statements_total = n;
	error_migration(err, g->a->pub.component, g->a->pub.version);
	if (k == 0 && n == 1)
		error_state(err, "its only statement %s%s", is_down ? "has not run" : "is not applied", unknown);
	else if (k == 0)
		error_state(err, "none of %s%lld statements %s%s", is_down ? "the " : "its ", (long long)n, what, unknown);
	else if (k == 1)
		error_state(err, "statement 1 of %lld %s%s%s", (long long)n, is_down ? "of its down has run" : "is applied", skipped, unknown);
	else
		error_state(err, "statements 1\xe2\x80\x93%lld of %lld %s%s%s", (long long)k, (long long)n, what, skipped, unknown);
	if (err->hint[0])
		return;
	is_of_file = err->errclass != DUNLIN_CLASS_LOCK && err->errclass != DUNLIN_CLASS_TIMEOUT &&
	             err->errclass != DUNLIN_CLASS_INTERRUPTED && err->errclass != DUNLIN_CLASS_CONNECTION;
	if (is_of_file && g->a->is_from_ledger)
		error_hint(err, "It is the down that was kept when it was applied: mend the folder's from that statement on and run "
		           "`dunlin rollback --down-from files`: it goes on at statement %lld.", (long long)k + 1);
	else
		error_hint(err, "%s `dunlin %s` again: it goes on at statement %lld%s.",
		           is_of_file ? "Mend the file from that statement on and run" : "Run",
		           is_down ? "rollback" : "up", (long long)k + 1,
		           !is_down && k > 0 && is_undoable(g) ? "; or `dunlin rollback` reverts what stands" : "");
}

/* The row tells how far it got, unless only the database knows. */
static void fail(struct runner *r, size_t i, struct dunlin_error *err)
{
	struct stepping g = { .r = r, .action = i, .a = &r->plan->action[i] };

	r->begin_grace(r->arg);
	r->fail(r->arg, err);
	start(&g);
	g.prefix = r->place.prefix;
	tell_state(&g, err);
	if (!r->s->conn || err->code == DUNLIN_EXIT_UNKNOWN || err->code == DUNLIN_EXIT_REPAIR)
		return;
	if (g.is_recorded) {
		step_set_intent(&g);
		record_failed(r, i, &g.row, err);
	} else { /* what another run left half done stays as it is */
		record_failed(r, i, g.a->resume_index > 0 ? g.a->row : NULL, err);
	}
}

static size_t first_undone(const struct runner *r)
{
	size_t i = 0;

	while (i + 1 < r->plan->n_action && r->is_done[i])
		i++;
	return i;
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

/* A window was not sent, or not all of it: *failed is the action at fault. */
static int give_way(struct runner *r, int rc, size_t *failed, struct dunlin_error *err)
{
	if (rc != RUN_LOST) /* what is open of a file's own transaction */
		run_roll_back(r);
	if (rc == RUN_LOCKED)
		rc = step_wait(r, err);
	else if (rc == RUN_LOST)
		rc = step_find_place(r, failed, err);
	r->is_in_block = 0;
	run_empty(r);
	if (rc == RUN_FAILED) {
		if (*failed == SIZE_MAX)
			*failed = first_undone(r);
		if (!r->is_done[*failed])
			fail(r, *failed, err);
	}
	r->is_stepping = 0;
	return rc;
}

/* The window without what was added since step n. */
static void cut(struct runner *r, size_t n)
{
	r->w.is_failed = 0;
	window_cut(&r->w, n);
	while (r->n_mark && r->mark[r->n_mark - 1].step >= n)
		r->n_mark--;
	while (r->n_end && r->end[r->n_end - 1].step >= n)
		r->n_end--;
}

int run_steps_left(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	int rc = step_send(r, failed, err);

	return rc == RUN_OK ? rc : give_way(r, rc, failed, err);
}

int run_steps(struct runner *r, size_t i, size_t *failed, struct dunlin_error *err)
{
	struct stepping g = { .r = r, .action = i, .a = &r->plan->action[i] };
	struct dunlin_error own, sent;
	int rc;

	if (!g.a->section)
		return (rc = run_steps_left(r, failed, err)) != RUN_OK ? rc : record_only(r, i, err);
	if (!err)
		err = &own;
	start(&g);
	r->is_stepping = 1;
	rc = run_all(&g, err);
	script_reader_close(g.ahead);
	if (rc == RUN_OK) {
		r->is_stepping = 0;
		return RUN_OK;
	}
	*failed = g.failed;
	if (rc == RUN_FAILED && !g.has_sent) {
		/* It could not be built: those before it still go. */
		*failed = i;
		cut(r, g.window_from);
		if (r->w.n && (rc = step_send(r, failed, &sent)) != RUN_OK)
			*err = sent;
		else
			rc = RUN_FAILED, *failed = i;
	}
	return give_way(r, rc, failed, err);
}
