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

#define PROBE_SQL_SIZE 32768

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
	g->r->n_step_statements++;
	return st->has_data ? run_add_data(g->r, reader, err) : 0;
}

/* --- what the ledger is told ---------------------------------------------------------- */

/* The intent, or its part before and after the probe's answer. */
struct intent { const char *hash, *probe; int64_t n; int is_repeatable; };

static void add_head(struct buf *b, const struct intent *t)
{
	buf_addc(b, '{');
	if (t->hash)
		buf_addf(b, "\"n\":%lld,\"hash\":\"%s\",", (long long)t->n, t->hash);
}

static void add_tail(struct buf *b, const struct intent *t, const struct sha256 *prefix)
{
	char sum[SHA256_TEXT];

	sha256_text(prefix, sum);
	if (t->hash && t->is_repeatable)
		buf_adds(b, "\"repeatable\":true,");
	buf_addf(b, "\"prefix\":\"%s\"}", sum);
}

static void set_intent(struct stepping *g, const struct intent *t)
{
	struct buf b = { .max = sizeof g->intent - 1 };

	add_head(&b, t);
	if (t->hash && t->probe) {
		buf_adds(&b, "\"probe\":");
		buf_add_json(&b, t->probe, strlen(t->probe));
		buf_addc(&b, ',');
	}
	add_tail(&b, t, &g->prefix);
	if (b.is_failed)
		g->r->w.is_failed = 1;
	else
		memcpy(g->intent, b.p, b.len + 1);
	buf_clear(&b);
	g->row.intent = g->intent;
}

void step_set_intent(struct stepping *g)
{
	set_intent(g, &(struct intent){ 0 });
}

static void put_progress(struct stepping *g, const char *event, int64_t n)
{
	char extra[32];

	snprintf(extra, sizeof extra, "\"n\":%lld,", (long long)n);
	ledger_put_progress(g->r->l, &g->r->w, &g->row, event, extra);
}

void step_put_done(struct stepping *g)
{
	if (g->told == g->row.statements_done)
		return;
	step_set_intent(g);
	put_progress(g, "statement.done", g->row.statements_done);
	g->told = g->row.statements_done;
}

int step_tell_done(struct stepping *g, struct dunlin_error *err)
{
	if (g->told == g->row.statements_done)
		return RUN_OK;
	step_add(g, DUNLIN_STEP_BEGIN);
	step_put_done(g);
	step_add(g, DUNLIN_STEP_COMMIT);
	step_mark(g, g->row.statements_done);
	return step_flush(g, err);
}

static int note_done(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	if (step_norm(&g->prefix, g->env.dialect, st->text, st->len, err) < 0)
		return RUN_FAILED;
	g->row.statements_done = index + 1;
	return RUN_OK;
}

/* A statement that commits together with its progress. */
static int run_together(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                        int64_t index, struct dunlin_error *err)
{
	struct dunlin_step *s;
	int rc = step_tell_done(g, err); /* by itself: this one may be rolled back */

	if (rc != RUN_OK)
		return rc;
	s = step_add(g, DUNLIN_STEP_BEGIN);
	if (s)
		set_timeouts(g, s, st->traits);
	step_set_intent(g);
	put_progress(g, "statement.started", index + 1);
	/* Its data takes the statement's text out of the reader. */
	if (note_done(g, st, index, err) != RUN_OK || add_statement(g, reader, st, index, err) < 0)
		return RUN_FAILED;
	if (g->r->copy.reader && (rc = step_flush_now(g, err)) != RUN_OK)
		return rc;
	step_put_done(g);
	step_add(g, DUNLIN_STEP_COMMIT);
	step_mark(g, index + 1);
	return step_flush(g, err);
}

/* --- intent, run, done --------------------------------------------------------------- */

/* Expands the dialect's probe_set; in the window's memory.  NULL: out of memory. */
static const char *probe_statement(struct stepping *g, const char *expr)
{
	const char *form = g->env.dialect->probe_set, *at = strstr(form, "%s");

	return at ? arena_printf(&g->r->w.arena, "%.*s%s%s", (int)(at - form), form, expr, at + 2) : NULL;
}

/* The evidence is taken by the server, in the transaction that commits the
 * intent, just before the statement. */
static int put_windowed_intent(struct stepping *g, const struct split_statement *st, const struct intent *t,
                               struct dunlin_error *err)
{
	struct session *s = g->r->s;
	struct buf head = BUF_INIT, tail = BUF_INIT, after = BUF_INIT;
	char *expr = mem_alloc(PROBE_SQL_SIZE);
	const char *sql = NULL;
	int64_t done = g->row.statements_done;
	int rc;

	if (!expr)
		return error_nomem(err);
	rc = s->drv->probe_sql(s->conn, st->text, st->len, expr, PROBE_SQL_SIZE, session_error(s));
	if (rc == DUNLIN_OK && !(sql = probe_statement(g, expr)))
		g->r->w.is_failed = 1;
	mem_free(expr);
	if (rc == DUNLIN_ENOMEM)
		return error_nomem(err);
	if (rc != DUNLIN_OK) { /* nothing will tell */
		step_put_done(g);
		set_intent(g, t);
		put_progress(g, "statement.started", t->n);
		return RUN_OK;
	}
	add_head(&after, &(struct intent){ 0 });
	add_tail(&after, &(struct intent){ 0 }, &g->prefix);
	add_head(&head, t);
	buf_adds(&head, "\"probe\":\"");
	buf_adds(&tail, "\",");
	add_tail(&tail, t, &g->prefix);
	if (after.is_failed || head.is_failed || tail.is_failed || !sql) {
		g->r->w.is_failed = 1;
	} else {
		window_ledger(&g->r->w, sql, -1);
		ledger_put_intent(g->r->l, &g->r->w, &g->row, g->told != done ? after.p : NULL, done, head.p, tail.p, t->n);
		g->told = done;
	}
	buf_clear(&after);
	buf_clear(&head);
	buf_clear(&tail);
	return run_nomem_check(g->r, err) < 0 ? RUN_FAILED : RUN_OK;
}

static int put_intent(struct stepping *g, const struct split_statement *st, struct intent *t, struct dunlin_error *err)
{
	struct session *s = g->r->s;
	char answer[STEP_PROBE_SIZE];

	if (g->is_windowed && !t->is_repeatable)
		return put_windowed_intent(g, st, t, err);
	if (!g->is_windowed && session_has(s, DUNLIN_CAP_PROBE) &&
	    s->drv->probe(s->conn, st->text, st->len, answer, sizeof answer, session_error(s)) == DUNLIN_OK)
		t->probe = answer;
	step_put_done(g);
	set_intent(g, t);
	put_progress(g, "statement.started", t->n);
	return RUN_OK;
}

/* Of these nothing reaches beyond themselves. */
static int is_tame(uint32_t traits)
{
	const uint32_t wild = DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE | DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT |
	                      DUNLIN_ST_ROLLBACK | DUNLIN_ST_TX_OTHER | DUNLIN_ST_SAVEPOINT | DUNLIN_ST_COPY |
	                      DUNLIN_ST_NO_TX | DUNLIN_ST_CONCURRENT;
	const uint32_t known = DUNLIN_ST_DDL | DUNLIN_ST_DML | DUNLIN_ST_REPEATABLE;

	return (traits & known) && !(traits & wild);
}

/* A statement whose outcome a crash would leave unknown: intent, run, done. */
static int run_with_intent(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
                           int64_t index, struct dunlin_error *err)
{
	struct intent t = { .n = index + 1, .is_repeatable = (st->traits & DUNLIN_ST_REPEATABLE) != 0 };
	char sum[SHA256_TEXT];
	struct sha256 h;
	int rc;

	sha256_start(&h);
	if (step_norm(&h, g->env.dialect, st->text, st->len, err) < 0)
		return RUN_FAILED;
	sha256_text(&h, sum);
	t.hash = sum;
	step_add(g, DUNLIN_STEP_BEGIN);
	if ((rc = put_intent(g, st, &t, err)) != RUN_OK)
		return rc;
	step_add(g, DUNLIN_STEP_COMMIT);
	step_mark(g, g->row.statements_done);
	if ((rc = step_flush(g, err)) != RUN_OK)
		return rc;
	if (note_done(g, st, index, err) != RUN_OK || add_statement(g, reader, st, index, err) < 0)
		return RUN_FAILED;
	step_mark(g, index + 1);
	rc = is_tame(st->traits) ? step_flush(g, err) : step_flush_now(g, err);
	/* Where all waits for the rest, it is told with what comes next. */
	return rc == RUN_OK && !g->is_windowed ? step_tell_done(g, err) : rc;
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
		step_put_done(g);
	if (add_statement(g, reader, st, index, err) < 0)
		return RUN_FAILED;
	if (!is_end)
		return step_flush_now(g, err);
	step_mark(g, index + 1);
	g->r->is_in_block = 0;
	rc = step_flush_now(g, err);
	if (rc != RUN_OK) {
		g->r->is_in_block = 1; /* it is to be taken back */
		return rc;
	}
	return step_tell_done(g, err);
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

/* --- statements -------------------------------------------------------------------------- */

static int can_go_together(const struct stepping *g, const struct split_statement *st)
{
	const uint32_t never = DUNLIN_ST_NO_TX | DUNLIN_ST_SESSION | DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT |
	                       DUNLIN_ST_ROLLBACK | DUNLIN_ST_TX_OTHER | DUNLIN_ST_SAVEPOINT | DUNLIN_ST_EDGE |
	                       DUNLIN_ST_COMMITS;
	struct session *s = g->r->s;

	/* The driver hears of each, also of those that cannot. */
	if (s->drv->goes_together && !s->drv->goes_together(s->conn, st->text, st->len, st->traits))
		return 0;
	if (!session_has(s, DUNLIN_CAP_TX) || (st->traits & never))
		return 0;
	return (st->traits & (DUNLIN_ST_DML | DUNLIN_ST_COPY)) ||
	       ((st->traits & DUNLIN_ST_DDL) && session_has(s, DUNLIN_CAP_TX_DDL));
}

/* The BEGIN and COMMIT of a block that cannot be kept: what is between them
 * commits by itself, so they are not sent. */
static int pass_loose(struct stepping *g, const struct split_statement *st, int64_t index, struct dunlin_error *err)
{
	int rc = note_done(g, st, index, err);

	if (rc != RUN_OK)
		return rc;
	g->is_loose = (st->traits & DUNLIN_ST_BEGIN) != 0;
	return step_tell_done(g, err);
}

/* A block of the file's own, or none. */
static int begin_block(struct stepping *g, int64_t index, int *is_whole, struct dunlin_error *err)
{
	int rc;

	*is_whole = is_block_whole(g, index, err);
	if (*is_whole < 0)
		return RUN_FAILED;
	if ((rc = step_tell_done(g, err)) != RUN_OK)
		return rc;
	if (!*is_whole)
		return RUN_OK;
	if ((rc = step_flush_now(g, err)) == RUN_OK)
		g->r->is_in_block = 1;
	return rc;
}

int step_run(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
             int64_t index, struct dunlin_error *err)
{
	const uint32_t edges = DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK;
	int is_together = can_go_together(g, st), is_whole, rc;

	if (g->r->place.action == g->action)
		g->r->place.is_new_session = 0; /* what was set is set again */
	if (!is_tame(st->traits))
		g->is_wild = 1;
	if (g->is_loose && (st->traits & edges))
		return (rc = step_tell_done(g, err)) != RUN_OK ? rc : pass_loose(g, st, index, err);
	if (!g->r->is_in_block && !g->is_loose && (st->traits & DUNLIN_ST_BEGIN)) {
		if ((rc = begin_block(g, index, &is_whole, err)) != RUN_OK)
			return rc;
		if (!is_whole)
			return pass_loose(g, st, index, err);
	}
	if (g->r->is_in_block)
		return run_in_block(g, reader, st, index, err);
	return is_together ? run_together(g, reader, st, index, err) : run_with_intent(g, reader, st, index, err);
}

/* A statement that stands is not run again, but a session that is new lacks
 * what SET and the like did to the one before. */
int step_pass(struct stepping *g, struct script_reader *reader, const struct split_statement *st,
              int64_t index, struct dunlin_error *err)
{
	const uint32_t setting = DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE;
	const struct run_place *at = &g->r->place;

	if (step_norm(&g->prefix, g->env.dialect, st->text, st->len, err) < 0)
		return RUN_FAILED;
	if (!session_has(g->r->s, DUNLIN_CAP_TX_DDL))
		g->is_loose = st->traits & DUNLIN_ST_BEGIN ? 1
			: st->traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK) ? 0 : g->is_loose;
	if ((st->traits & setting) != setting)
		return RUN_OK;
	g->is_wild = 1;
	if ((uint64_t)g->from == g->a->section->n_split || (at->action == g->action && !at->is_new_session))
		return RUN_OK;
	if (add_statement(g, reader, st, index, err) < 0)
		return RUN_FAILED;
	return step_flush_now(g, err);
}
