/*
 * run_statement.c - one statement outside a transaction, and what the ledger is
 * told around it.
 *
 * Where a statement can commit together with its progress, it does: a plain
 * DDL or DML statement where that is transactional, and a BEGIN..COMMIT of the
 * file's own, whose progress is written just before its COMMIT.  Everything
 * else gets an intent first: which statement, its digest, and what the probe
 * says before it runs.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_step.h"

#include <stdio.h>
#include <string.h>

struct dunlin_step *step_add(struct stepping *g, int kind)
{
	struct window_tag tag = { .action = g->a, .statement = -1 };

	return window_add(&g->r->w, kind, &tag, NULL, 0);
}

/* The directives' own, at the step where a driver looks for them. */
static void set_timeouts(const struct stepping *g, struct dunlin_step *s, uint32_t traits)
{
	const struct directives *d = &g->a->section->d;

	s->lock_timeout_ms = d->lock_timeout_ms >= 0 ? d->lock_timeout_ms : traits & DUNLIN_ST_CONCURRENT ? 0 : -1;
	s->statement_timeout_ms = d->statement_timeout_ms;
}

static int add_statement(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                         int64_t index, struct dunlin_error *err)
{
	struct window_tag tag = { .action = g->a, .statement = index, .line = st->line, .column = st->column };
	struct dunlin_step *s = window_add(&g->r->w, DUNLIN_STEP_STATEMENT, &tag, st->text, st->len);

	if (!s)
		return error_nomem(err);
	s->traits = st->traits;
	set_timeouts(g, s, st->traits);
	return st->has_data ? run_add_data(g->r, reader, err) : 0;
}

int step_flush(struct stepping *g, struct dunlin_error *err)
{
	int64_t since = 0;
	size_t failed;
	int rc;

	while ((rc = run_send(g->r, &failed, err)) == RUN_LOCKED &&
	       (rc = run_wait_for_lock(g->r, &since, "the statement", err)) == RUN_OK)
		error_clear(err);
	run_empty(g->r);
	return rc;
}

/* What cannot be sent again by itself: in a transaction what came before it was
 * rolled back with it, and data that was read on the way is gone. */
static int flush_once(struct stepping *g, struct dunlin_error *err)
{
	size_t failed;
	int rc = run_send(g->r, &failed, err);

	run_empty(g->r);
	return rc;
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

void step_set_intent(struct stepping *g)
{
	set_intent(g, 0, NULL, NULL, 0);
}

static void put_progress(struct stepping *g, const char *event, int64_t n)
{
	char extra[32];

	snprintf(extra, sizeof extra, "\"n\":%lld,", (long long)n);
	ledger_put_progress(g->r->l, &g->r->w, &g->row, event, extra);
}

int step_record_progress(struct stepping *g, const char *event, int64_t n, struct dunlin_error *err)
{
	step_add(g, DUNLIN_STEP_BEGIN);
	put_progress(g, event, n);
	step_add(g, DUNLIN_STEP_COMMIT);
	return step_flush(g, err);
}

static int note_done(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	if (step_norm(&g->prefix, g->env.dialect, st->text, st->len, err) < 0)
		return RUN_FAILED;
	g->row.statements_done = index + 1;
	set_intent(g, 0, NULL, NULL, 0);
	return RUN_OK;
}

/* What was noted and did not come to stand. */
static void take_back(struct stepping *g)
{
	g->row.statements_done = g->done_before;
	g->prefix = g->prefix_before;
}

static void remember(struct stepping *g)
{
	g->done_before = g->row.statements_done;
	g->prefix_before = g->prefix;
}

/* A statement that commits together with its progress. */
static int run_together(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                        int64_t index, struct dunlin_error *err)
{
	struct dunlin_step *s;
	int rc, is_sent = 0;

	remember(g);
	s = step_add(g, DUNLIN_STEP_BEGIN);
	if (s)
		set_timeouts(g, s, st->traits);
	put_progress(g, "statement.started", index + 1);
	/* Its data takes the statement's text out of the reader. */
	rc = note_done(g, st, index, err);
	if (rc == RUN_OK && add_statement(g, reader, st, index, err) < 0)
		rc = RUN_FAILED;
	if (rc == RUN_OK && g->r->copy.reader) {
		is_sent = 1;
		rc = flush_once(g, err);
	}
	if (rc == RUN_OK) {
		put_progress(g, "statement.done", index + 1);
		step_add(g, DUNLIN_STEP_COMMIT);
		rc = is_sent ? flush_once(g, err) : step_flush(g, err);
	}
	if (rc != RUN_OK)
		take_back(g);
	return rc;
}

/* A statement whose outcome a crash would leave unknown: intent, run, done. */
static int run_with_intent(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                           int64_t index, struct dunlin_error *err)
{
	struct session *s = g->r->s;
	char sum[SHA256_TEXT], answer[STEP_PROBE_SIZE];
	const char *probe = NULL;
	struct sha256 h;
	int rc;

	sha256_start(&h);
	if (step_norm(&h, g->env.dialect, st->text, st->len, err) < 0)
		return RUN_FAILED;
	sha256_text(&h, sum);
	if (session_has(s, DUNLIN_CAP_PROBE) &&
	    s->drv->probe(s->conn, st->text, st->len, answer, sizeof answer, session_error(s)) == DUNLIN_OK)
		probe = answer;
	set_intent(g, index + 1, sum, probe, (st->traits & DUNLIN_ST_REPEATABLE) != 0);
	if ((rc = step_record_progress(g, "statement.started", index + 1, err)) != RUN_OK)
		return rc;
	remember(g);
	if ((rc = note_done(g, st, index, err)) != RUN_OK)
		return rc;
	if (add_statement(g, reader, st, index, err) < 0)
		rc = RUN_FAILED;
	else
		rc = g->r->copy.reader ? flush_once(g, err) : step_flush(g, err);
	if (rc != RUN_OK) {
		take_back(g);
		return rc;
	}
	return step_record_progress(g, "statement.done", index + 1, err);
}

/* --- transactions of the file's own -------------------------------------------------- */

/* A statement inside of one; the progress of the whole block goes in just
 * before its COMMIT. */
static int run_in_block(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                        int64_t index, struct dunlin_error *err)
{
	int is_end = (st->traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK)) != 0, rc;

	if (st->traits & DUNLIN_ST_TX_OTHER) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "a transaction in a migration without one ends by COMMIT or ROLLBACK, and by nothing else");
		error_at(err, g->a->section->in.name, st->line, st->column);
		error_statement(err, st->text, st->len);
		return RUN_FAILED;
	}
	if ((rc = note_done(g, st, index, err)) != RUN_OK)
		return rc;
	if (st->traits & DUNLIN_ST_COMMIT)
		put_progress(g, "statement.done", index + 1);
	if (add_statement(g, reader, st, index, err) < 0)
		return RUN_FAILED;
	if (!is_end)
		return flush_once(g, err);
	g->r->is_in_block = 0;
	rc = flush_once(g, err);
	if (rc != RUN_OK) {
		g->r->is_in_block = 1; /* it is to be taken back */
		return rc;
	}
	g->lock_since = 0;
	return st->traits & DUNLIN_ST_ROLLBACK ? step_record_progress(g, "statement.done", index + 1, err) : RUN_OK;
}

/* Does the block that begins with statement `index` commit as one?  Where a
 * change of the schema commits by itself or does not roll back, one with such a
 * change does not.  1, 0, or -1. */
static int is_block_whole(struct stepping *g, int64_t index, struct dunlin_error *err)
{
	const uint32_t end = DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK;
	const uint32_t breaks = DUNLIN_ST_DDL | DUNLIN_ST_COMMITS | DUNLIN_ST_NO_TX;
	struct script_statement *at = &g->ahead_at;
	int rc;

	if (!session_has(g->r->s, DUNLIN_CAP_TX))
		return 0;
	if (session_has(g->r->s, DUNLIN_CAP_TX_DDL))
		return 1;
	if (!g->ahead && script_reader_open(&g->ahead, &g->env, g->a->section, err) < 0)
		return -1;
	while ((rc = script_reader_next(g->ahead, at, err)) > 0)
		if (at->index > index && (at->st.traits & (end | breaks)))
			return (at->st.traits & end) != 0;
	return rc < 0 ? -1 : 1;
}

void step_end_block(struct stepping *g)
{
	run_roll_back(g->r);
	if (g->r->is_in_block)
		take_back(g);
	g->r->is_in_block = 0;
	script_reader_close(g->ahead);
	g->ahead = NULL;
}

/* --- statements -------------------------------------------------------------------------- */

static int can_go_together(const struct stepping *g, uint32_t traits)
{
	const uint32_t never = DUNLIN_ST_NO_TX | DUNLIN_ST_SESSION | DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT |
	                       DUNLIN_ST_ROLLBACK | DUNLIN_ST_TX_OTHER | DUNLIN_ST_SAVEPOINT | DUNLIN_ST_EDGE |
	                       DUNLIN_ST_COMMITS;

	if (!session_has(g->r->s, DUNLIN_CAP_TX) || (traits & never))
		return 0;
	return (traits & (DUNLIN_ST_DML | DUNLIN_ST_COPY)) ||
	       ((traits & DUNLIN_ST_DDL) && session_has(g->r->s, DUNLIN_CAP_TX_DDL));
}

/* The BEGIN and COMMIT of a block that cannot be kept: what is between them
 * commits by itself, so they are not sent. */
static int pass_loose(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	int rc = note_done(g, st, index, err);

	if (rc != RUN_OK)
		return rc;
	g->is_loose = (st->traits & DUNLIN_ST_BEGIN) != 0;
	return step_record_progress(g, "statement.done", index + 1, err);
}

int step_run(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                         int64_t index, struct dunlin_error *err)
{
	struct runner *r = g->r;

	if (g->is_loose && (st->traits & (DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK)))
		return pass_loose(g, st, index, err);
	if (!r->is_in_block && !g->is_loose && (st->traits & DUNLIN_ST_BEGIN)) {
		int is_whole = is_block_whole(g, index, err);

		if (is_whole < 0)
			return RUN_FAILED;
		if (!is_whole)
			return pass_loose(g, st, index, err);
		r->is_in_block = 1;
		remember(g);
	}
	if (r->is_in_block)
		return run_in_block(g, reader, st, index, err);
	if (can_go_together(g, st->traits))
		return run_together(g, reader, st, index, err);
	return run_with_intent(g, reader, st, index, err);
}

/* A statement that stands is not run again, but a session that is new lacks
 * what SET and the like did to the one before. */
int step_pass(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                     int64_t index, struct dunlin_error *err)
{
	const uint32_t setting = DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE;

	if (step_norm(&g->prefix, g->env.dialect, st->text, st->len, err) < 0)
		return RUN_FAILED;
	if (!session_has(g->r->s, DUNLIN_CAP_TX_DDL))
		g->is_loose = st->traits & DUNLIN_ST_BEGIN ? 1
			: st->traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK) ? 0 : g->is_loose;
	if ((st->traits & setting) != setting || (uint64_t)g->from == g->a->section->n_split)
		return RUN_OK;
	if (add_statement(g, reader, st, index, err) < 0)
		return RUN_FAILED;
	return step_flush(g, err);
}
