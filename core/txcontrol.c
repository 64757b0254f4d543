/*
 * txcontrol.c - a state machine over the traits of a section's statements:
 *
 *     leading       SET, PRAGMA and the BEGIN, until the first other statement
 *     body          whatever else; a COMMIT, SET or PRAGMA here may be the end
 *     trailing      is only known once nothing else follows
 *
 * What would be wrong in the middle is therefore kept until a statement of the
 * body proves that it stood there.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "txcontrol.h"

#include "error.h"

#include <string.h>

enum { LATE_BEGIN = 1, EARLY_COMMIT, NO_COMMIT, ROLLS_BACK, OTHER_CONTROL, MIDDLE_EDGE, NOT_IN_TRANSACTION, NEVER_ENDED };

#define AT_THE_TOP "Put '-- dunlin:no-transaction' into the file: it then runs statement by statement, outside a transaction."

static const struct { const char *message, *hint; } problems[] = {
	[LATE_BEGIN] = {
		"a transaction is opened in the middle of the migration, which runs in one",
		"Take it out, or split the file; or put '-- dunlin:no-transaction' into it: it then runs statement by statement, outside a transaction." },
	[EARLY_COMMIT] = {
		"a commit in the middle of the migration would end its transaction",
		"Take it out, or split the file; or put '-- dunlin:no-transaction' into it: it then runs statement by statement, outside a transaction." },
	[NO_COMMIT] = {
		"the transaction that is opened here is never committed",
		"Add COMMIT as the last statement, or take this out: dunlin opens the transaction itself. With '-- dunlin:no-transaction' the file runs outside of one." },
	[ROLLS_BACK] = {
		"a rollback would undo the migration that is to be recorded as applied",
		"Take it out, or use ROLLBACK TO a savepoint. " AT_THE_TOP },
	[OTHER_CONTROL] = {
		"this transaction control would end the migration's transaction",
		AT_THE_TOP },
	[MIDDLE_EDGE] = {
		"this has no effect inside the migration's transaction",
		"Move it before or behind all other statements: it is then taken out of the transaction. Or put '-- dunlin:no-transaction' into the file." },
	[NOT_IN_TRANSACTION] = {
		"this statement cannot run inside a transaction",
		AT_THE_TOP },
	[NEVER_ENDED] = {
		"the transaction that is opened here is never committed",
		"Add COMMIT behind the last of its statements." },
};

/* --- reading a little SQL ------------------------------------------------------ */

static size_t skip_block_comment(const char *p, size_t len, int is_nesting)
{
	size_t i = 2, depth = 1;

	while (i + 1 < len && depth > 0) {
		if (p[i] == '*' && p[i + 1] == '/') {
			depth--;
			i += 2;
		} else if (is_nesting && p[i] == '/' && p[i + 1] == '*') {
			depth++;
			i += 2;
		} else {
			i++;
		}
	}
	return depth > 0 ? len : i;
}

size_t statement_lead(const struct dunlin_dialect *dialect, const char *p, size_t len)
{
	uint32_t lex = dialect ? dialect->lex : 0;
	size_t i = 0;

	while (i < len) {
		const char *q = p + i;
		size_t left = len - i;

		if (memchr(" \t\r\n\f", *q, 5)) {
			i++;
		} else if ((left > 1 && q[0] == '-' && q[1] == '-') || (q[0] == '#' && (lex & DUNLIN_LEX_HASH_COMMENT))) {
			const char *nl = memchr(q, '\n', left);

			i = nl ? (size_t)(nl - p) + 1 : len;
		} else if (left > 2 && q[0] == '/' && q[1] == '*' && !(q[2] == '!' && (lex & DUNLIN_LEX_COND_COMMENT))) {
			i += skip_block_comment(q, left, (lex & DUNLIN_LEX_NEST_COMMENT) != 0);
		} else {
			break;
		}
	}
	return i;
}

static int is_word(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	if (len != n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((p[i] | 0x20) != word[i])
			return 0;
	return 1;
}

/* Is there more to it than BEGIN [WORK | TRANSACTION] or START TRANSACTION? */
static int has_options(const struct txcontrol *t, const char *p, size_t len)
{
	for (int n = 0;; n++) {
		size_t blank = statement_lead(t->dialect, p, len), word = 0;

		p += blank;
		len -= blank;
		if (len == 0)
			return 0;
		while (word < len && !memchr(" \t\r\n\f-/#", p[word], 8))
			word++;
		if (n == 0 ? !is_word(p, word, "begin") && !is_word(p, word, "start")
		           : n > 1 || (!is_word(p, word, "transaction") && !is_word(p, word, "work")))
			return 1;
		p += word;
		len -= word;
	}
}

/* --- the machine ------------------------------------------------------------------ */

void txcontrol_init(struct txcontrol *t, const struct dunlin_dialect *dialect)
{
	memset(t, 0, sizeof *t);
	t->dialect = dialect;
	t->begin_index = t->commit_index = t->lead_end = -1;
}

/* Where the statement's first word is, and the rest of that line. */
static void take_place(const struct txcontrol *t, struct tx_place *at, const struct split_statement *st)
{
	size_t skip = statement_lead(t->dialect, st->text, st->len), len;
	const char *nl;

	if (skip == st->len)
		skip = 0;
	split_position(st, skip, &at->line, &at->column);
	len = st->len - skip;
	nl = memchr(st->text + skip, '\n', len);
	if (nl)
		len = (size_t)(nl - st->text) - skip;
	if (len >= sizeof at->text) {
		/* Not half a UTF-8 character. */
		len = sizeof at->text - 1;
		while (len > 0 && ((unsigned char)st->text[skip + len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(at->text, st->text + skip, len);
	at->text[len] = '\0';
}

static int is_before(const struct tx_place *a, const struct tx_place *b)
{
	return a->line < b->line || (a->line == b->line && a->column < b->column);
}

static void note(struct txcontrol *t, int problem, const struct tx_place *at)
{
	if (t->problem && !is_before(at, &t->at))
		return;
	t->problem = problem;
	t->at = *at;
}

static void note_statement(struct txcontrol *t, int problem, const struct split_statement *st)
{
	struct tx_place at;

	if (t->problem)
		return;
	take_place(t, &at, st);
	note(t, problem, &at);
}

/* A statement that does something: what waited to be the end was not. */
static void add_body(struct txcontrol *t, int64_t index)
{
	if (t->lead_end < 0)
		t->lead_end = index;
	t->trail_start = index + 1;
	if (t->commit_index >= 0)
		note(t, EARLY_COMMIT, &t->commit);
	if (t->edge.line)
		note(t, MIDDLE_EDGE, &t->edge);
	t->commit_index = -1;
	t->edge.line = 0;
}

static void add_begin(struct txcontrol *t, const struct split_statement *st, int64_t index)
{
	if (t->lead_end >= 0 || t->begin_index >= 0) {
		note_statement(t, LATE_BEGIN, st);
		add_body(t, index);
		return;
	}
	t->begin_index = index;
	take_place(t, &t->begin, st);
	if (has_options(t, st->text, st->len)) {
		t->begin_sql = mem_strndup(st->text, st->len);
		t->is_failed |= !t->begin_sql;
	}
}

static void add_commit(struct txcontrol *t, const struct split_statement *st, int64_t index)
{
	if (t->commit_index >= 0)
		add_body(t, index);
	if (t->lead_end < 0)
		t->lead_end = t->trail_start = index;
	t->commit_index = index;
	take_place(t, &t->commit, st);
}

static int kind_of(uint32_t traits)
{
	if (traits & (DUNLIN_ST_NO_TX | DUNLIN_ST_TX_OTHER))
		return TX_KIND_OTHER;
	if (traits & DUNLIN_ST_BEGIN)
		return TX_KIND_BEGIN;
	if (traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK))
		return TX_KIND_END;
	if (traits & DUNLIN_ST_DDL)
		return TX_KIND_DDL;
	if (traits & DUNLIN_ST_COMMITS)
		return TX_KIND_OTHER;
	if (traits & (DUNLIN_ST_DML | DUNLIN_ST_COPY))
		return TX_KIND_DML;
	return traits & (DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE | DUNLIN_ST_SAVEPOINT) ? TX_KIND_SETTING : TX_KIND_OTHER;
}

static void add_run(struct txcontrol *t, int kind)
{
	if (t->n_run && t->run[t->n_run - 1].kind == kind) {
		t->run[t->n_run - 1].n++;
		return;
	}
	if (mem_grow(&t->run, &t->run_cap, t->n_run, sizeof *t->run) < 0)
		t->is_failed = 1;
	else
		t->run[t->n_run++] = (struct script_run){ 1, kind };
}

void txcontrol_add(struct txcontrol *t, const struct split_statement *st)
{
	const uint32_t control = DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK | DUNLIN_ST_TX_OTHER |
	                         DUNLIN_ST_EDGE | DUNLIN_ST_PREAMBLE | DUNLIN_ST_NO_TX | DUNLIN_ST_LOSES_LOCK;
	int64_t index = t->n++;
	uint32_t traits = st->traits;

	t->traits |= traits;
	if (st->len > t->longest_len) {
		t->longest_len = st->len;
		t->longest_index = index;
		take_place(t, &t->longest, st);
	}
	if (traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK | DUNLIN_ST_TX_OTHER))
		t->open.line = 0;
	else if ((traits & DUNLIN_ST_BEGIN) && !t->open.line)
		take_place(t, &t->open, st);
	if (!(traits & (DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT)))
		t->body_traits |= traits;
	add_run(t, kind_of(traits));
	if (!(traits & control)) {
		add_body(t, index);
		return;
	}
	if ((traits & DUNLIN_ST_LOSES_LOCK) && !t->loses_lock.line)
		take_place(t, &t->loses_lock, st);
	if (traits & DUNLIN_ST_NO_TX)
		note_statement(t, NOT_IN_TRANSACTION, st);
	if (traits & (DUNLIN_ST_ROLLBACK | DUNLIN_ST_TX_OTHER)) {
		note_statement(t, traits & DUNLIN_ST_TX_OTHER ? OTHER_CONTROL : ROLLS_BACK, st);
		add_body(t, index);
	} else if (traits & DUNLIN_ST_BEGIN) {
		add_begin(t, st, index);
	} else if (traits & DUNLIN_ST_COMMIT) {
		add_commit(t, st, index);
	} else if (!(traits & (DUNLIN_ST_EDGE | DUNLIN_ST_PREAMBLE))) {
		add_body(t, index);
	} else if ((traits & DUNLIN_ST_EDGE) && t->lead_end >= 0 && !t->edge.line) {
		take_place(t, &t->edge, st);
	}
}

static int refuse(const struct script_section *sec, const struct tx_place *at,
                  const char *message, const char *hint, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "%s", message);
	error_hint(err, "%s", hint);
	error_at(err, sec->in.name, at->line, at->column);
	error_statement(err, at->text, strlen(at->text));
	return -1;
}

static int keep_own(struct txcontrol *t, struct script_section *sec, struct arena *a, struct dunlin_error *err)
{
	sec->begin_index = t->begin_index;
	sec->commit_index = t->commit_index;
	sec->lead_end = t->lead_end < 0 ? t->n : t->lead_end;
	sec->trail_start = t->lead_end < 0 ? t->n : t->trail_start;
	sec->n_statements -= (uint64_t)(t->begin_index >= 0) + (uint64_t)(t->commit_index >= 0);
	if (t->begin_sql) {
		sec->begin_sql = arena_strdup(a, t->begin_sql);
		if (!sec->begin_sql)
			return error_nomem(err);
	}
	return 0;
}

int txcontrol_finish(struct txcontrol *t, struct script_section *sec, struct arena *a,
                     int is_checked, struct dunlin_error *err)
{
	if (t->is_failed)
		return error_nomem(err);
	sec->traits = t->traits;
	sec->longest = t->longest_len;
	sec->longest_index = t->longest_index;
	sec->longest_line = t->longest.line;
	sec->longest_column = t->longest.column;
	sec->body_traits = t->body_traits;
	sec->n_run = 0;
	sec->run = NULL;
	if (t->n_run) {
		struct script_run *run = arena_alloc(a, t->n_run * sizeof *run);

		if (!run)
			return error_nomem(err);
		memcpy(run, t->run, t->n_run * sizeof *run);
		sec->run = run;
		sec->n_run = t->n_run;
	}
	sec->n_split = sec->n_statements = (uint64_t)t->n;
	sec->begin_index = sec->commit_index = -1;
	sec->begin_sql = NULL;
	sec->lead_end = 0;
	sec->trail_start = t->n;
	if (is_checked && t->loses_lock.line)
		return refuse(sec, &t->loses_lock, "this would let go of the lock that keeps two runs apart",
		              "Take it out, or run it by hand after the migration.", err);
	if (sec->d.is_no_transaction && is_checked && t->open.line)
		return refuse(sec, &t->open, problems[NEVER_ENDED].message, problems[NEVER_ENDED].hint, err);
	if (sec->d.is_no_transaction)
		return 0;
	if (t->begin_index >= 0 && t->commit_index < 0)
		if (!t->problem)
			note(t, NO_COMMIT, &t->begin);
	if (!t->problem)
		return keep_own(t, sec, a, err);
	if (!is_checked)
		return 0;
	return refuse(sec, &t->at, problems[t->problem].message, problems[t->problem].hint, err);
}

void txcontrol_clear(struct txcontrol *t)
{
	mem_free(t->begin_sql);
	t->begin_sql = NULL;
	mem_free(t->run);
	t->run = NULL;
	t->n_run = t->run_cap = 0;
}
