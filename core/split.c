/*
 * split.c - tokens put together to statements.
 *
 * The window keeps the text from the statement's first token on; lines taken
 * out of it are remembered and squeezed out once the statement is whole.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_priv.h"

#include "error.h"
#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int fail_at(struct splitter *s, int errclass, uint32_t line, uint32_t column, const char *hint,
                   const char *fmt, va_list ap)
{
	char message[512];

	s->is_failed = 1;
	vsnprintf(message, sizeof message, fmt, ap);
	error_set(s->b.err, DUNLIN_EXIT_INVALID, errclass, "%s", message);
	error_hint(s->b.err, "%s", hint);
	error_at(s->b.err, s->o.file, line, column);
	return -1;
}

int split_fail(struct splitter *s, int errclass, size_t at, const char *hint, const char *fmt, ...)
{
	uint32_t line, column;
	va_list ap;

	lexbuf_position(&s->b, at, &line, &column);
	va_start(ap, fmt);
	fail_at(s, errclass, line, column, hint, fmt, ap);
	va_end(ap);
	return -1;
}

int split_fail_line(struct splitter *s, int errclass, uint32_t line, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_at(s, errclass, line, 1, hint, fmt, ap);
	va_end(ap);
	return -1;
}

static int failed(struct splitter *s)
{
	s->is_failed = 1;
	return -1;
}

/* --- the statement under way ------------------------------------------------------- */

static void apply_mode(struct splitter *s)
{
	s->lx.is_single_escaped = s->mode.is_single_escaped;
	s->lx.is_double_escaped = s->mode.is_double_escaped;
}

/* As at the beginning of the input. */
static void start_afresh(struct splitter *s)
{
	sqlmode_default(&s->mode, &s->table);
	s->lx.n_delim = 0;
	s->lx.in_cond = 0;
	s->lx.joined = s->lx.prefix = 0;
	apply_mode(s);
}

static void start_statement(struct splitter *s)
{
	uint32_t bits = s->table.bits;

	/* With a delimiter of its own a script says where statements end. */
	if (s->lx.n_delim)
		bits &= ~(DUNLIN_LEX_STORED_BLOCK | DUNLIN_LEX_PAREN);
	block_start(&s->blk, bits, s->mode.is_oracle);
	s->b.keep = s->b.pos;
	s->has_text = s->has_code = 0;
	s->n_removed = 0;
	if (s->o.norm)
		norm_start(&s->norm, s->o.norm);
}

void split_begin_text(struct splitter *s)
{
	if (s->has_text)
		return;
	s->has_text = 1;
	s->b.keep = s->b.tok;
	lexbuf_mark(&s->b, s->b.tok);
	s->line = s->seen_line = s->b.line;
	s->column = s->seen_column = s->b.column;
	s->seen = 0;
}

int split_take_out(struct splitter *s, size_t from)
{
	if (s->o.norm)
		norm_gap(&s->norm);
	if (!s->has_code) {
		s->b.keep = s->b.pos;
		s->has_text = 0;
		s->is_line_start = 1;
		return 0;
	}
	if (mem_grow(&s->removed, &s->cap_removed, s->n_removed, sizeof *s->removed) < 0) {
		error_nomem(s->b.err);
		return failed(s);
	}
	s->removed[s->n_removed++] = (struct removed){ from - s->b.keep, s->b.pos - from };
	return 0;
}

int split_to_next_line(struct splitter *s)
{
	struct lexbuf *b = &s->b;

	do {
		const char *nl = memchr(b->p + b->pos, '\n', b->end - b->pos);

		if (nl) {
			b->pos = (size_t)(nl - b->p) + 1;
			return 0;
		}
		b->pos = b->end;
	} while (lexbuf_more(b));
	return b->is_failed ? failed(s) : 0;
}

/* Squeezes the removed lines out of n bytes at p, but for their newlines. */
static size_t squeeze(char *p, size_t n, const struct removed *r, size_t n_removed)
{
	size_t in = 0, out = 0;

	for (size_t i = 0; i < n_removed; i++) {
		size_t len = r[i].at - in;
		const char *q = p + r[i].at, *end = q + r[i].len;

		memmove(p + out, p + in, len);
		out += len;
		in = r[i].at + r[i].len;
		while ((q = memchr(q, '\n', (size_t)(end - q)))) {
			p[out++] = '\n';
			if (++q == end)
				break;
		}
	}
	memmove(p + out, p + in, n - in);
	return out + n - in;
}

static size_t trim(const char *p, size_t n)
{
	while (n > 0 && lex_is_space(p[n - 1]))
		n--;
	return n;
}

/* The statement's text ends at index `end`.  1: *st is filled; 0: only
 * comments; -1. */
static int give(struct splitter *s, struct split_statement *st, size_t end)
{
	struct lexbuf *b = &s->b;
	char *text = b->p + b->keep;
	size_t n = end - b->keep;

	if (!s->has_code)
		return 0;
	n = trim(text, n);
	while (s->n_removed && s->removed[s->n_removed - 1].at + s->removed[s->n_removed - 1].len >= n)
		n = trim(text, s->removed[--s->n_removed].at);
	st->off = b->base + b->keep;
	st->raw_len = n;
	st->line = s->line;
	st->column = s->column;
	if (s->n_removed) {
		lexbuf_mark(b, b->pos); /* counts lines in the text as it was */
		n = squeeze(text, n, s->removed, s->n_removed);
	}
	if (s->o.max_statement && n > s->o.max_statement)
		return split_fail_line(s, DUNLIN_CLASS_VALIDATION, st->line, "Split it into smaller ones.",
		                       "statement of more than %zu bytes", s->o.max_statement);
	st->text = text;
	st->len = n;
	st->traits = s->o.is_traitless ? 0 : traits_of(s->traits, &s->mode, text, n);
	st->has_data = s->blk.is_copy_stdin;
	if (st->has_data) {
		st->traits |= DUNLIN_ST_COPY;
		s->copy = s->after == AFTER_NOTHING ? COPY_LINE : COPY_NONE;
	}
	if (s->o.norm)
		norm_end(&s->norm);
	sqlmode_statement(&s->mode, &s->table, text, n);
	apply_mode(s);
	return 1;
}

/* --- errors of the text -------------------------------------------------------------- */

static int unterminated(struct splitter *s)
{
	static const struct { const char *what, *hint; } bad[] = {
		[LEX_BAD_STRING]  = { "unterminated quoted string", "The quote that opens here is never closed." },
		[LEX_BAD_NAME]    = { "unterminated quoted identifier", "The quote that opens here is never closed." },
		[LEX_BAD_DOLLAR]  = { "unterminated dollar-quoted string",
		                      "The dollar quote that opens here is never closed by the same tag." },
		[LEX_BAD_COMMENT] = { "unterminated comment", "The comment that opens here is never closed." },
	};

	return split_fail(s, DUNLIN_CLASS_SYNTAX, s->b.tok, bad[s->lx.bad].hint, "%s", bad[s->lx.bad].what);
}

/* Is anything open that must be closed before the text ends here? */
static int check_closed(struct splitter *s)
{
	const char *what = s->has_code ? block_unfinished(&s->blk) : NULL;

	if (s->lx.in_cond)
		return split_fail(s, DUNLIN_CLASS_SYNTAX, (size_t)(s->lx.cond_off - s->b.base),
		                  "The executable comment that opens here is never closed.", "unterminated comment");
	if (what)
		return split_fail(s, DUNLIN_CLASS_SYNTAX, (size_t)(s->blk.open_off - s->b.base),
		                  "Close it with END;, or put the statement between '-- dunlin:statement-begin' and "
		                  "'-- dunlin:statement-end'.", "unterminated %s", what);
	return 0;
}

/* --- from tokens to statements --------------------------------------------------------- */

static void note_norm(struct splitter *s, enum lex_kind kind)
{
	const char *p = s->b.p + s->b.tok;

	if (kind == LEX_STRING)
		norm_quoted(&s->norm, p, token_len(s));
	else
		norm_code(&s->norm, p, token_len(s));
}

/* One token of code; 1: it ends the statement. */
static int take_code(struct splitter *s, enum lex_kind kind)
{
	struct lexbuf *b = &s->b;

	/* CODE, and strings that no block looks at, need no such look. */
	if (kind != LEX_CODE && (kind != LEX_STRING || s->blk.wants_words) &&
	    block_token(&s->blk, kind, b->p + b->tok, token_len(s), b->base + b->tok) && !s->lx.in_cond &&
	    !s->lx.n_delim)
		return 1;
	split_begin_text(s);
	s->has_code = 1;
	if (s->o.norm)
		note_norm(s, kind);
	return 0;
}

/* A LINE_* result for a token that may be something else than SQL. */
static int look_at(struct splitter *s, enum lex_kind kind)
{
	switch (kind) {
	case LEX_LINE_COMMENT:
		return split_is_directive(s) ? split_directive(s) : LINE_SQL;
	case LEX_BACKSLASH:
		return split_client_backslash(s);
	case LEX_WORD:
		return s->has_code ? LINE_SQL : split_client_word(s);
	case LEX_PUNCT:
		return s->has_code ? LINE_SQL : split_client_punct(s);
	default:
		return LINE_SQL;
	}
}

/* Reads one statement.  1: *st is filled; 0: there was only a comment; -1.
 * At the end of the input is_done is set. */
static int read_statement(struct splitter *s, struct split_statement *st)
{
	struct lexbuf *b = &s->b;

	start_statement(s);
	for (;;) {
		enum lex_kind kind;
		int rc;

		s->lx.is_bulk = s->has_code && !s->blk.wants_words && !s->lx.n_delim && !s->lx.in_cond;
		kind = lex_next(&s->lx);
		if (b->is_failed)
			return failed(s);
		if (kind == LEX_CODE || kind == LEX_STRING) {
			take_code(s, kind);
			continue;
		}
		if (kind == LEX_SPACE) {
			if (!s->has_code && memchr(b->p + b->tok, '\n', token_len(s)))
				s->is_line_start = 1;
			if (!s->has_text)
				b->keep = b->pos;
			else if (s->o.norm)
				norm_gap(&s->norm);
			continue;
		}
		rc = look_at(s, kind);
		if (rc == LINE_ERROR)
			return failed(s);
		if (rc == LINE_TAKEN)
			continue;
		if (rc == LINE_ENDS_STATEMENT)
			return check_closed(s) < 0 ? -1 : give(s, st, b->tok);
		s->is_line_start = 0;
		switch (kind) {
		case LEX_END:
			s->is_done = 1;
			return check_closed(s) < 0 ? -1 : give(s, st, b->pos);
		case LEX_BAD:
			if (s->lx.bad == LEX_BAD_COMMENT && s->table.bits & DUNLIN_LEX_OPEN_COMMENT && !s->has_code &&
			    !s->o.is_strict) {
				s->is_done = 1;
				return 0;
			}
			return unterminated(s);
		case LEX_COMMENT:
		case LEX_LINE_COMMENT:
			split_begin_text(s);
			if (s->o.norm)
				norm_gap(&s->norm);
			break;
		case LEX_DELIM:
			if (s->lx.in_cond) {
				take_code(s, LEX_CODE);
				break;
			}
			return give(s, st, b->tok);
		default:
			if (take_code(s, kind))
				return give(s, st, b->tok);
			if (s->blk.too_deep)
				return split_fail(s, DUNLIN_CLASS_SYNTAX, b->tok, "Make routines of the inner blocks.",
				                  "blocks nested more than %d deep", BLOCK_MAX_DEPTH);
			break;
		}
	}
}

/* The lines up to statement-end, verbatim; same result. */
static int read_raw(struct splitter *s, struct split_statement *st)
{
	struct lexbuf *b = &s->b;
	size_t end;

	start_statement(s);
	if (split_raw_lines(s, &end) < 0)
		return failed(s);
	while (b->keep < end && lex_is_space(b->p[b->keep]))
		b->keep++;
	if (b->keep == end)
		return 0;
	b->tok = b->keep;
	split_begin_text(s);
	s->has_code = 1;
	if (s->o.norm)
		norm_text(&s->norm, b->p + b->keep, trim(b->p + b->keep, end - b->keep));
	return give(s, st, end);
}

static int skip_copy(struct splitter *s)
{
	const char *p;
	size_t n;
	int rc;

	while ((rc = split_copy_piece(s, &p, &n)) > 0)
		;
	return rc;
}

int splitter_next(struct splitter *s, struct split_statement *st, struct dunlin_error *err)
{
	s->b.err = err;
	if (s->is_failed)
		return error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_SYNTAX, "the text could not be read before");
	if (s->copy != COPY_NONE && skip_copy(s) < 0)
		return failed(s);
	for (;;) {
		enum split_after after = s->after;
		int rc;

		s->after = AFTER_NOTHING;
		if (after == AFTER_END)
			s->is_done = 1;
		if (s->is_done)
			return 0;
		if (after == AFTER_CUT)
			start_afresh(s);
		rc = after == AFTER_RAW ? read_raw(s, st) : read_statement(s, st);
		if (rc != 0)
			return rc;
	}
}

int splitter_copy_data(struct splitter *s, const char **p, size_t *n, struct dunlin_error *err)
{
	int rc;

	s->b.err = err;
	rc = s->copy == COPY_NONE ? 0 : split_copy_piece(s, p, n);
	return rc < 0 ? failed(s) : rc;
}

/* --- life ------------------------------------------------------------------------------- */

int splitter_open(struct splitter **out, const struct split_options *o, struct dunlin_error *err)
{
	struct splitter *s = mem_zalloc(sizeof *s);

	*out = NULL;
	if (!s)
		return error_nomem(err);
	s->o = *o;
	lex_table_init(&s->table, o->dialect->lex);
	lex_init(&s->lx, &s->table, &s->b);
	start_afresh(s);
	s->is_line_start = 1;
	s->traits = traits_new(o->dialect, &s->table);
	if (!s->traits) {
		error_nomem(err);
		goto fail;
	}
	if (lexbuf_open(&s->b, o, err) < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	splitter_close(s);
	return -1;
}

void splitter_close(struct splitter *s)
{
	if (!s)
		return;
	lexbuf_close(&s->b);
	traits_free(s->traits);
	mem_free(s->removed);
	mem_free(s);
}

void split_position(const struct split_statement *st, size_t pos, uint32_t *line, uint32_t *column)
{
	*line = st->line;
	*column = st->column;
	lexbuf_advance(st->text, pos < st->len ? pos : st->len, line, column);
}
