/*
 * lex_skip.c - to the end of quotes and comments.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "lex_priv.h"

#include <string.h>

/* Steps pos to the next byte c; 0: there is none. */
static int skip_to(struct lex *lx, char c)
{
	struct lexbuf *b = lx->b;

	do {
		const char *p = memchr(b->p + b->pos, c, b->end - b->pos);

		if (p) {
			b->pos = (size_t)(p - b->p);
			return 1;
		}
		b->pos = b->end;
	} while (lexbuf_more(b));
	return 0;
}

static enum lex_kind unterminated(struct lex *lx, enum lex_bad what)
{
	lx->bad = what;
	return LEX_BAD;
}

/* --- comments ------------------------------------------------------------------- */

enum lex_kind lex_line_comment(struct lex *lx)
{
	struct lexbuf *b = lx->b;

	if (!(lx->t->bits & DUNLIN_LEX_PSQL)) {
		skip_to(lx, '\n');
		return LEX_LINE_COMMENT;
	}
	/* PostgreSQL ends a line at a carriage return, too. */
	do {
		while (b->pos < b->end && b->p[b->pos] != '\n' && b->p[b->pos] != '\r')
			b->pos++;
	} while (b->pos == b->end && lexbuf_more(b));
	return LEX_LINE_COMMENT;
}

/* pos is behind the opening; depth 1 and not nesting is plain SQL. */
static int skip_comment(struct lex *lx, unsigned max_depth)
{
	struct lexbuf *b = lx->b;
	unsigned depth = 1;

	while (depth > 0) {
		int c;

		if (max_depth == 1) {
			if (!skip_to(lx, '*'))
				return 0;
		} else {
			do {
				while (b->pos < b->end && b->p[b->pos] != '*' && b->p[b->pos] != '/')
					b->pos++;
			} while (b->pos == b->end && lexbuf_more(b));
			if (b->pos == b->end)
				return 0;
		}
		c = b->p[b->pos++];
		if (lex_peek(lx, 0) < 0)
			return 0;
		if (c == '*' && b->p[b->pos] == '/') {
			b->pos++;
			depth--;
		} else if (c == '/' && b->p[b->pos] == '*' && depth < max_depth) {
			b->pos++;
			depth++;
		}
	}
	return 1;
}

/*
 * MariaDB's executable comments: slash-star-bang or -M-bang with an optional
 * version of 5 or 6 digits.  Those of MySQL 5.7 to 9.9 and of versions that
 * don't exist (mariadb-dump's sandbox line has 999999) are never code there, and
 * hold whatever they like.
 */
static enum lex_kind cond_comment(struct lex *lx, int is_m)
{
	struct lexbuf *b = lx->b;
	unsigned long version = 0;
	unsigned n = 0;
	int c;

	b->pos += is_m ? 4 : 3;
	while (n < 6 && (c = lex_peek(lx, n)) >= '0' && c <= '9') {
		version = version * 10 + (unsigned long)(c - '0');
		n++;
	}
	if (n < 5)
		n = 0;
	b->pos += n;
	if (n && (version >= 900000 || (!is_m && version >= 50700 && version <= 99999)))
		return skip_comment(lx, 2) ? LEX_COND_SKIP : unterminated(lx, LEX_BAD_COMMENT);
	lx->in_cond = 1;
	lx->cond_off = b->base + b->tok;
	return LEX_COND_OPEN;
}

enum lex_kind lex_block_comment(struct lex *lx)
{
	uint32_t bits = lx->t->bits;

	if (bits & DUNLIN_LEX_COND_COMMENT) {
		int c = lex_peek(lx, 2);

		if (c == '!')
			return cond_comment(lx, 0);
		if (c == 'M' && lex_peek(lx, 3) == '!')
			return cond_comment(lx, 1);
	}
	lx->b->pos += 2;
	if (!skip_comment(lx, bits & DUNLIN_LEX_NEST_COMMENT ? ~0u : 1))
		return unterminated(lx, LEX_BAD_COMMENT);
	return LEX_COMMENT;
}

/* --- quotes ----------------------------------------------------------------------- */

/* pos is behind the opening quote.  Doubled quotes go on. */
static int skip_plain(struct lex *lx, char quote)
{
	struct lexbuf *b = lx->b;

	for (;;) {
		/* Most literals are short: look a little before calling memchr(). */
		size_t stop = b->end - b->pos < 24 ? b->end : b->pos + 24;

		while (b->pos < stop && b->p[b->pos] != quote)
			b->pos++;
		if (b->pos == stop && !skip_to(lx, quote))
			return 0;
		b->pos++;
		if (lex_peek(lx, 0) != (unsigned char)quote)
			return 1;
		b->pos++;
	}
}

static int skip_escaped(struct lex *lx, char quote)
{
	struct lexbuf *b = lx->b;

	for (;;) {
		do {
			while (b->pos < b->end && b->p[b->pos] != quote && b->p[b->pos] != '\\')
				b->pos++;
		} while (b->pos == b->end && lexbuf_more(b));
		if (b->pos == b->end)
			return 0;
		if (b->p[b->pos++] == '\\') {
			if (lex_peek(lx, 0) < 0)
				return 0;
			b->pos++;
		} else if (lex_peek(lx, 0) != (unsigned char)quote) {
			return 1;
		} else {
			b->pos++;
		}
	}
}

#define JOIN_PLAIN   1
#define JOIN_ESCAPED 2

enum lex_kind lex_single_quoted(struct lex *lx)
{
	int is_escaped = lx->is_single_escaped;
	unsigned char prefix = lx->prefix, joined = lx->has_newline ? lx->joined : 0;

	lx->prefix = lx->joined = 0;
	if (lx->t->bits & DUNLIN_LEX_E_STRING) {
		/* A string after a newline goes on in the manner of the one before it. */
		if (prefix == 'e')
			is_escaped = 1;
		else if (prefix)
			is_escaped = 0;
		else if (joined)
			is_escaped = joined == JOIN_ESCAPED;
	}
	lx->b->pos++;
	if (!(is_escaped ? skip_escaped(lx, '\'') : skip_plain(lx, '\'')))
		return unterminated(lx, LEX_BAD_STRING);
	if (lx->t->bits & DUNLIN_LEX_E_STRING) {
		lx->joined = is_escaped ? JOIN_ESCAPED : JOIN_PLAIN;
		lx->has_newline = 0;
	}
	return LEX_STRING;
}

enum lex_kind lex_double_quoted(struct lex *lx)
{
	lx->b->pos++;
	if (!(lx->is_double_escaped ? skip_escaped(lx, '"') : skip_plain(lx, '"')))
		return unterminated(lx, lx->t->bits & DUNLIN_LEX_BACKSLASH ? LEX_BAD_STRING : LEX_BAD_NAME);
	return LEX_STRING;
}

enum lex_kind lex_backticked(struct lex *lx)
{
	lx->b->pos++;
	return skip_plain(lx, '`') ? LEX_STRING : unterminated(lx, LEX_BAD_NAME);
}

enum lex_kind lex_bracketed(struct lex *lx)
{
	lx->b->pos++;
	if (!skip_to(lx, ']'))
		return unterminated(lx, LEX_BAD_NAME);
	lx->b->pos++;
	return LEX_STRING;
}

enum lex_kind lex_dollar(struct lex *lx)
{
	struct lexbuf *b = lx->b;
	size_t n = 1;
	int c = lex_peek(lx, 1);

	if (c >= '0' && c <= '9') {
		b->pos++;
		return lex_word(lx, LEX_NUMBER);
	}
	while (c >= 0 && c != '$' && lx->t->byte[c] & LEX_IS_WORD)
		c = lex_peek(lx, ++n);
	if (c != '$') {
		b->pos++;
		return LEX_PUNCT;
	}
	b->pos += ++n; /* behind the opening $tag$, which is n bytes from tok on */
	for (;;) {
		size_t at;

		if (!skip_to(lx, '$'))
			return unterminated(lx, LEX_BAD_DOLLAR);
		at = b->pos;
		if (!lexbuf_has(b, &at, n)) {
			b->pos = b->end;
			return unterminated(lx, LEX_BAD_DOLLAR);
		}
		if (memcmp(b->p + b->pos, b->p + b->tok, n) == 0) {
			b->pos += n;
			return LEX_STRING;
		}
		b->pos++;
	}
}
