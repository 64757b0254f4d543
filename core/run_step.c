/*
 * run_step.c - a migration outside a transaction, statement by statement.
 *
 * Where a statement can commit together with its progress, it does: a plain
 * DDL or DML statement where that is transactional, and a BEGIN..COMMIT of the
 * file's own, whose progress is written just before its COMMIT.  Everything
 * else gets an intent first: which statement, its digest, and what the probe
 * says before it runs.  After a crash the intent without "done" is settled by
 * asking the probe again.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROBE_SIZE 512

struct memory { const char *p; size_t len, at; };

static long read_memory(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	struct memory *m = arg;
	size_t left = m->len - m->at;

	(void)err;
	if (n > left)
		n = left;
	if (n)
		memcpy(p, m->p + m->at, n);
	m->at += n;
	return (long)n;
}

int step_norm(struct sha256 *h, const struct dunlin_dialect *d, const char *sql, size_t len, struct dunlin_error *err)
{
	struct memory m = { sql, len, 0 };
	struct split_options o = { .dialect = d, .read = read_memory, .read_arg = &m, .norm = h, .file = "" };
	struct splitter *s = NULL;
	struct split_statement st;
	int rc = splitter_open(&s, &o, err);

	if (rc == 0)
		while ((rc = splitter_next(s, &st, err)) > 0)
			;
	splitter_close(s);
	return rc;
}

/* Are the statements that have run, and the one in flight, still what they were? */
int step_unchanged(const struct script_env *env, const struct script_section *sec, const struct ledger_row *row)
{
	json_t *intent = json_loads(row->intent, 0, NULL);
	const char *want = json_string_value(json_object_get(intent, "prefix"));
	const char *hash = json_string_value(json_object_get(intent, "hash"));
	int64_t n = json_integer_value(json_object_get(intent, "n"));
	struct script_reader *reader = NULL;
	struct script_statement st;
	char sum[SHA256_TEXT];
	struct sha256 h, one;
	int rc = want ? script_reader_open(&reader, env, sec, NULL) : -1;
	int is_same = rc == 0;

	if (json_is_true(json_object_get(intent, "repeatable")))
		hash = NULL; /* it runs again, as the file has it now */
	sha256_start(&h);
	while (is_same && (rc = script_reader_next(reader, &st, NULL)) > 0 &&
	       (st.index < row->statements_done || (hash && st.index < n))) {
		if (st.index < row->statements_done) {
			is_same = step_norm(&h, env->dialect, st.st.text, st.st.len, NULL) == 0;
		} else if (st.index == n - 1) {
			sha256_start(&one);
			is_same = step_norm(&one, env->dialect, st.st.text, st.st.len, NULL) == 0;
			sha256_text(&one, sum);
			is_same = is_same && strcmp(sum, hash) == 0;
		}
	}
	sha256_text(&h, sum);
	is_same = is_same && rc >= 0 && strcmp(sum, want) == 0;
	script_reader_close(reader);
	json_decref(intent);
	return is_same;
}

int step_settle(struct session *s, const struct script_env *env, const struct script_section *sec,
                const struct ledger_row *row)
{
	json_t *intent = json_loads(row->intent, 0, NULL);
	int64_t n = json_integer_value(json_object_get(intent, "n"));
	const char *hash = json_string_value(json_object_get(intent, "hash"));
	const char *before = json_string_value(json_object_get(intent, "probe"));
	int is_repeatable = json_is_true(json_object_get(intent, "repeatable"));
	struct script_reader *reader = NULL;
	struct script_statement st;
	char sum[SHA256_TEXT], answer[PROBE_SIZE];
	struct sha256 h;
	int rc, out = SETTLED_UNKNOWN;

	if (!hash)
		out = SETTLED_NOT_RUN; /* nothing was in flight */
	else if (is_repeatable)
		out = SETTLED_NOT_RUN; /* running it twice is running it once */
	if (!hash || is_repeatable || !before || !session_has(s, DUNLIN_CAP_PROBE) ||
	    script_reader_open(&reader, env, sec, NULL) < 0)
		goto out;
	while ((rc = script_reader_next(reader, &st, NULL)) > 0 && st.index + 1 < n)
		;
	if (rc <= 0)
		goto out;
	sha256_start(&h);
	if (step_norm(&h, env->dialect, st.st.text, st.st.len, NULL) < 0)
		goto out;
	sha256_text(&h, sum);
	if (strcmp(sum, hash) != 0)
		goto out;
	if (s->drv->probe(s->conn, st.st.text, st.st.len, answer, sizeof answer, session_error(s)) == DUNLIN_OK)
		out = strcmp(answer, before) == 0 ? SETTLED_NOT_RUN : SETTLED_RAN;
out:
	script_reader_close(reader);
	json_decref(intent);
	return out;
}

/* --- running --------------------------------------------------------------------- */

struct stepping {
	struct runner *r;
	size_t action;
	const struct plan_action *a;
	struct ledger_row row;       /* as it stands now                     */
	struct sha256 prefix;        /* over the statements done             */
	char   intent[PROBE_SIZE * 6 + 512];
	int    is_block;             /* inside a BEGIN of the file's own     */
	struct timespec start;
	int64_t done_before;         /* row.statements_done before the block */
	struct sha256 prefix_before;
};

static int64_t elapsed_ms(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void begin(struct runner *r)
{
	window_add(&r->w, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
}

static void commit(struct runner *r)
{
	window_add(&r->w, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
}

static void add_statement(struct stepping *g, const struct split_statement *st, int64_t index)
{
	const struct directives *d = &g->a->section->d;
	struct window_tag tag = { .action = g->a, .statement = index, .line = st->line, .column = st->column };
	struct dunlin_step *s = window_add(&g->r->w, DUNLIN_STEP_STATEMENT, &tag, st->text, st->len);

	if (!s)
		return;
	s->traits = st->traits;
	s->lock_timeout_ms = d->lock_timeout_ms >= 0 ? d->lock_timeout_ms : st->traits & DUNLIN_ST_CONCURRENT ? 0 : -1;
	s->statement_timeout_ms = d->statement_timeout_ms;
}

/* Sends the window; a lock not got in time is tried again, the statement alone. */
static int flush(struct stepping *g, struct dunlin_error *err)
{
	size_t failed;
	int rc = run_flush(g->r, &failed, err);

	return rc == RUN_OK ? 0 : -1;
}

static void set_intent(struct stepping *g, int64_t n, const char *hash, const char *probe, int is_repeatable)
{
	char sum[SHA256_TEXT];
	struct buf b = { .max = sizeof g->intent - 1 };

	sha256_text(&g->prefix, sum);
	buf_addc(&b, '{');
	if (hash) {
		buf_addf(&b, "\"n\":%lld,\"hash\":\"%s\",", (long long)n, hash);
		if (probe) {
			buf_adds(&b, "\"probe\":");
			buf_add_json(&b, probe, strlen(probe));
			buf_addc(&b, ',');
		}
		if (is_repeatable)
			buf_adds(&b, "\"repeatable\":true,");
	}
	buf_addf(&b, "\"prefix\":\"%s\"}", sum);
	if (b.is_failed)
		g->r->w.is_failed = 1;
	else
		memcpy(g->intent, b.p, b.len + 1);
	buf_clear(&b);
	g->row.intent = g->intent;
}

static void put_progress(struct stepping *g, const char *event, int64_t n)
{
	char extra[32];

	snprintf(extra, sizeof extra, "\"n\":%lld,", (long long)n);
	ledger_put_progress(g->r->l, &g->r->w, &g->row, event, extra);
}

static int note_done(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	if (step_norm(&g->prefix, g->r->env->dialect, st->text, st->len, err) < 0)
		return -1;
	g->row.statements_done = index + 1;
	set_intent(g, 0, NULL, NULL, 0);
	return 0;
}

/* A statement that commits together with its progress. */
static int run_together(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	struct sha256 prefix = g->prefix;
	int64_t done = g->row.statements_done;

	begin(g->r);
	put_progress(g, "statement.started", index + 1);
	add_statement(g, st, index);
	if (note_done(g, st, index, err) < 0)
		return -1;
	put_progress(g, "statement.done", index + 1);
	commit(g->r);
	if (flush(g, err) == 0)
		return 0;
	g->prefix = prefix;
	g->row.statements_done = done;
	return -1;
}

/* A statement whose outcome a crash would leave unknown: intent, run, done. */
static int run_with_intent(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	struct session *s = g->r->s;
	char sum[SHA256_TEXT], answer[PROBE_SIZE];
	const char *probe = NULL;
	struct sha256 h;

	sha256_start(&h);
	if (step_norm(&h, g->r->env->dialect, st->text, st->len, err) < 0)
		return -1;
	sha256_text(&h, sum);
	if (session_has(s, DUNLIN_CAP_PROBE) &&
	    s->drv->probe(s->conn, st->text, st->len, answer, sizeof answer, session_error(s)) == DUNLIN_OK)
		probe = answer;
	begin(g->r);
	set_intent(g, index + 1, sum, probe, (st->traits & DUNLIN_ST_REPEATABLE) != 0);
	put_progress(g, "statement.started", index + 1);
	commit(g->r);
	if (flush(g, err) < 0)
		return -1;
	add_statement(g, st, index);
	if (flush(g, err) < 0)
		return -1;
	if (note_done(g, st, index, err) < 0)
		return -1;
	begin(g->r);
	put_progress(g, "statement.done", index + 1);
	commit(g->r);
	return flush(g, err);
}

/* A statement inside a BEGIN..COMMIT of the file's own; the progress of the
 * whole block goes in just before its COMMIT. */
static int run_in_block(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	if (note_done(g, st, index, err) < 0)
		return -1;
	if (st->traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK)) {
		if (st->traits & DUNLIN_ST_COMMIT)
			put_progress(g, "statement.done", index + 1);
		add_statement(g, st, index);
		if (flush(g, err) < 0)
			return -1;
		g->is_block = 0;
		if (st->traits & DUNLIN_ST_COMMIT)
			return 0;
		begin(g->r);
		put_progress(g, "statement.done", index + 1);
		commit(g->r);
		return flush(g, err);
	}
	add_statement(g, st, index);
	return flush(g, err);
}

static int can_go_together(const struct stepping *g, uint32_t traits)
{
	const uint32_t never = DUNLIN_ST_NO_TX | DUNLIN_ST_SESSION | DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT |
	                       DUNLIN_ST_ROLLBACK | DUNLIN_ST_TX_OTHER | DUNLIN_ST_SAVEPOINT | DUNLIN_ST_EDGE |
	                       DUNLIN_ST_COMMITS | DUNLIN_ST_COPY;

	if (!session_has(g->r->s, DUNLIN_CAP_TX) || (traits & never))
		return 0;
	return (traits & DUNLIN_ST_DML) ||
	       ((traits & DUNLIN_ST_DDL) && session_has(g->r->s, DUNLIN_CAP_TX_DDL));
}

static int run_statement(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	if (!g->is_block && (st->traits & DUNLIN_ST_BEGIN) && session_has(g->r->s, DUNLIN_CAP_TX_DDL)) {
		g->is_block = 1;
		g->done_before = g->row.statements_done;
		g->prefix_before = g->prefix;
	}
	if (g->is_block)
		return run_in_block(g, st, index, err);
	if (can_go_together(g, st->traits))
		return run_together(g, st, index, err);
	return run_with_intent(g, st, index, err);
}

/* The row that says that it has begun, committed before anything runs. */
static int record_begin(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;
	const char *event = g->a->pub.kind == DUNLIN_ACTION_REVERT || g->row.direction == DIRECTION_DOWN
	                    ? "revert.started" : "migration.started";
	struct buf extra = BUF_INIT;
	char *down = NULL;
	size_t len = 0;
	int rc = -1;

	buf_addf(&extra, "\"transaction\":\"none\",\"resume_at\":%lld,", (long long)g->row.statements_done + 1);
	if (extra.is_failed) {
		error_nomem(err);
		goto out;
	}
	begin(r);
	if (g->row.direction == DIRECTION_DOWN || (g->a->row && g->a->resume_index > 0)) {
		ledger_put_update(r->l, &r->w, &g->row, event, extra.p);
	} else {
		if (record_down_text(r, g->action, &down, &len, err) < 0)
			goto out;
		if (g->a->row)
			ledger_put_delete(r->l, &r->w, g->a->row, NULL, "");
		ledger_put_row(r->l, &r->w, &g->row, LEDGER_GIVEN, down, len, event, extra.p);
	}
	commit(r);
	rc = flush(g, err);
out:
	buf_clear(&extra);
	mem_free(down);
	return rc;
}

static int record_end(struct stepping *g, struct dunlin_error *err)
{
	struct runner *r = g->r;
	struct ledger_row row = g->row;

	row.state = ROW_APPLIED;
	row.intent = "";
	row.execution_ms = elapsed_ms(&g->start);
	begin(r);
	if (row.direction == DIRECTION_DOWN)
		ledger_put_delete(r->l, &r->w, &row, "migration.reverted", "");
	else
		ledger_put_update(r->l, &r->w, &row, "migration.done", "");
	commit(r);
	return flush(g, err);
}

static int run_section(struct stepping *g, struct dunlin_error *err)
{
	struct script_env env = *g->r->env;
	struct script_reader *reader = NULL;
	struct script_statement st;
	int rc;

	env.is_from_ledger = g->a->is_from_ledger;
	if (script_reader_open(&reader, &env, g->a->section, err) < 0)
		return -1;
	while ((rc = script_reader_next(reader, &st, err)) > 0) {
		if (st.index < g->a->resume_index) {
			rc = step_norm(&g->prefix, env.dialect, st.st.text, st.st.len, err);
		} else {
			if (!g->is_block && run_check_stop(g->r, err) < 0)
				rc = -1;
			else
				rc = run_statement(g, &st.st, st.index, err);
		}
		if (rc < 0)
			break;
	}
	script_reader_close(reader);
	if (rc == 0 && g->is_block) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "the file opens a transaction and does not end it");
		rc = -1;
	}
	return rc;
}

/* Ends a transaction that the file opened and did not get to the end of. */
static void roll_back_block(struct stepping *g)
{
	struct session *s = g->r->s;
	struct dunlin_driver_error keep = s->de;
	int32_t state = DUNLIN_TX_NONE;

	if (s->conn && s->drv->rollback && s->drv->tx_state(s->conn, &state, session_error(s)) == DUNLIN_OK &&
	    state != DUNLIN_TX_NONE)
		s->drv->rollback(s->conn, session_error(s));
	s->de = keep;
	if (g->is_block) {
		g->row.statements_done = g->done_before;
		g->prefix = g->prefix_before;
	}
	g->is_block = 0;
}

static void tell_state(const struct stepping *g, struct dunlin_error *err)
{
	int64_t k = g->row.statements_done, n = g->row.statements_total;
	const char *what = g->row.direction == DIRECTION_DOWN ? "of its down have run" : "are applied";

	if (!err)
		return;
	err->statements_done = k;
	err->statements_total = n;
	error_migration(err, g->a->pub.component, g->a->pub.version);
	if (k == 0)
		error_state(err, "none of its %lld statements %s", (long long)n, what);
	else if (k == 1)
		error_state(err, "statement 1 of %lld %s", (long long)n, g->row.direction == DIRECTION_DOWN ? "of its down has run" : "is applied");
	else
		error_state(err, "statements 1\xe2\x80\x93%lld of %lld %s", (long long)k, (long long)n, what);
	if (!err->hint[0])
		error_hint(err, "Mend the file from that statement on and run `dunlin %s` again: it goes on at statement %lld.",
		           g->row.direction == DIRECTION_DOWN ? "rollback" : "up", (long long)k + 1);
}

int run_steps(struct runner *r, size_t i, struct dunlin_error *err)
{
	struct stepping g = { .r = r, .action = i, .a = &r->plan->action[i] };
	struct dunlin_error own;
	int is_recorded = 0, rc = -1;

	if (!err)
		err = &own;
	clock_gettime(CLOCK_MONOTONIC, &g.start);
	sha256_start(&g.prefix);
	record_row(r, i, &g.row);
	if (!g.a->section) { /* forget, baseline: records only */
		begin(r);
		if (record_done(r, i, err) < 0)
			return RUN_FAILED;
		commit(r);
		return flush(&g, err) == 0 ? RUN_OK : RUN_FAILED;
	}
	r->is_stepping = 1;
	/* A half-reverted row that a rollback goes on with is a revert, too. */
	g.row.direction = g.a->section == (g.a->m ? &g.a->m->script.section[SECTION_UP] : NULL) ? DIRECTION_UP : DIRECTION_DOWN;
	g.row.state = ROW_RUNNING;
	g.row.statements_done = g.a->resume_index;
	g.row.statements_total = (int64_t)g.a->section->n_split;
	g.row.execution_ms = 0;
	g.row.error_class = g.row.error_message = "";
	if (g.a->resume_index == 0)
		g.row.intent = "";
	else if (g.a->row)
		g.row.intent = g.a->row->intent;
	if (!r->is_begun)
		record_run_started(r);
	if (record_begin(&g, err) < 0)
		goto out;
	is_recorded = 1;
	if (run_section(&g, err) < 0 || record_end(&g, err) < 0)
		goto out;
	rc = RUN_OK;
	if (session_has(r->s, DUNLIN_CAP_RESET_SESSION) &&
	    r->s->drv->reset_session(r->s->conn, session_error(r->s)) != DUNLIN_OK)
		rc = session_fail(r->s, DUNLIN_ERROR, err);
out:
	if (rc != RUN_OK) {
		struct dunlin_driver_error keep = r->s->de;

		window_reset(&r->w);
		roll_back_block(&g);
		tell_state(&g, err);
		if (is_recorded && r->s->conn && keep.errclass != DUNLIN_CLASS_CONNECTION) {
			set_intent(&g, 0, NULL, NULL, 0);
			record_failed(r, i, &g.row, err);
		}
		r->s->de = keep;
	}
	r->is_stepping = 0;
	return rc == RUN_OK ? RUN_OK : RUN_FAILED;
}
