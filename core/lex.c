/*
 * lex.c - the token rules of PostgreSQL, MariaDB and SQLite, chosen by lexer
 * bits.  Sources: psqlscan.l and scan.l, the mariadb client's add_line() and
 * the server's lexer, SQLite's tokenizer; the cases that they disagree about
 * are in the tests.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "lex_priv.h"

#include <string.h>

/* What each byte is before a dialect has its say. */
#define W (LEX_IS_WORD | LEX_IS_START)
#define D (LEX_IS_WORD | LEX_IS_DIGIT)
#define S LEX_IS_SPACE
static const unsigned char plain[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, S, S, 0, S, S, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	S, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	D, D, D, D, D, D, D, D, D, D, 0, 0, 0, 0, 0, 0,
	0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, W,
	0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, 0,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
};
#undef W
#undef D
#undef S

void lex_table_init(struct lex_table *t, uint32_t bits)
{
	t->bits = bits;
	memcpy(t->byte, plain, sizeof t->byte);
	/* PostgreSQL's identifiers hold a $ but don't begin with one. */
	t->byte['$'] = LEX_IS_WORD | (bits & DUNLIN_LEX_DOLLAR ? LEX_IS_STOP : LEX_IS_START);
	for (const char *p = "'\"-/;"; *p; p++)
		t->byte[(unsigned char)*p] |= LEX_IS_STOP;
	if (bits & DUNLIN_LEX_BACKTICK)
		t->byte['`'] |= LEX_IS_STOP;
	if (bits & DUNLIN_LEX_BRACKET)
		t->byte['['] |= LEX_IS_STOP;
	if (bits & DUNLIN_LEX_HASH_COMMENT)
		t->byte['#'] |= LEX_IS_STOP;
	if (bits & (DUNLIN_LEX_PSQL | DUNLIN_LEX_DELIMITER))
		t->byte['\\'] |= LEX_IS_STOP;
	if (bits & DUNLIN_LEX_PAREN)
		t->byte['('] = t->byte[')'] = LEX_IS_STOP;
}

void lex_init(struct lex *lx, const struct lex_table *t, struct lexbuf *b)
{
	memset(lx, 0, sizeof *lx);
	lx->b = b;
	lx->t = t;
	lx->is_single_escaped = lx->is_double_escaped = (t->bits & DUNLIN_LEX_BACKSLASH) != 0;
}

static int upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : (unsigned char)c;
}

int lex_word_is(const char *p, size_t n, const char *want)
{
	for (size_t i = 0; i < n; i++)
		if (!want[i] || upper(p[i]) != (unsigned char)want[i])
			return 0;
	return want[n] == '\0';
}

int lex_peek_further(struct lex *lx, size_t n)
{
	struct lexbuf *b = lx->b;
	size_t at = b->pos;

	return lexbuf_has(b, &at, n + 1) ? (unsigned char)b->p[b->pos + n] : -1;
}

/* Steps pos over all bytes of a class. */
static void skip_class(struct lex *lx, unsigned char is)
{
	struct lexbuf *b = lx->b;

	do {
		while (b->pos < b->end && lex_class_at(lx, b->pos) & is)
			b->pos++;
	} while (b->pos == b->end && lexbuf_more(b));
}

/* --- words -------------------------------------------------------------------------- */

static int is_plain_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Is the delimiter at `at`?  One that is a word is not looked for inside words
 * (the client does, and so cuts "category" at "go"). */
static int delim_at(struct lex *lx, size_t at)
{
	struct lexbuf *b = lx->b;

	if (b->p[at] != lx->delim[0])
		return 0;
	if (is_plain_word(lx->delim[0]) && is_plain_word(lexbuf_before(b, at)))
		return 0;
	if (!lexbuf_has(b, &at, lx->n_delim) || memcmp(b->p + at, lx->delim, lx->n_delim) != 0)
		return 0;
	return !is_plain_word(lx->delim[lx->n_delim - 1]) || !lexbuf_has(b, &at, lx->n_delim + 1) ||
	       !is_plain_word(b->p[at + lx->n_delim]);
}

/* The letter that a string's opening quote would follow right away. */
static void note_prefix(struct lex *lx, char c)
{
	static const char known[] = "eEbBxX";

	lx->prefix = 0;
	if (lex_peek(lx, 0) == '\'' && memchr(known, c, 6))
		lx->prefix = (unsigned char)(c | 0x20);
}

enum lex_kind lex_word(struct lex *lx, enum lex_kind kind)
{
	struct lexbuf *b = lx->b;
	uint32_t bits = lx->t->bits;

	b->pos++;
	if (kind == LEX_NUMBER && bits & DUNLIN_LEX_DOLLAR) {
		/* $ ends a number: 1$$..$$ */
		do {
			while (b->pos < b->end && b->p[b->pos] != '$' && lex_class_at(lx, b->pos) & LEX_IS_WORD)
				b->pos++;
		} while (b->pos == b->end && lexbuf_more(b));
	} else {
		skip_class(lx, LEX_IS_WORD);
	}
	if (lx->n_delim && lx->t->byte[(unsigned char)lx->delim[0]] & LEX_IS_WORD &&
	    !is_plain_word(lx->delim[0])) {
		size_t rel = 1, n = b->pos - b->tok; /* end$$ */

		while (rel < n && !delim_at(lx, b->tok + rel))
			rel++;
		b->pos = b->tok + rel;
	}
	if (bits & DUNLIN_LEX_E_STRING && b->pos - b->tok == 1)
		note_prefix(lx, b->p[b->tok]);
	return kind;
}

/* Bulk mode: up to the next byte that needs a look. */
static enum lex_kind code(struct lex *lx)
{
	struct lexbuf *b = lx->b;
	const unsigned char *class = lx->t->byte;
	size_t n;

	for (;;) {
		const char *p = b->p + b->pos, *end = b->p + b->end;

		while (end - p >= 4) {
			if (class[(unsigned char)p[0]] & LEX_IS_STOP)
				goto stop;
			if (class[(unsigned char)p[1]] & LEX_IS_STOP) {
				p++;
				goto stop;
			}
			if (class[(unsigned char)p[2]] & LEX_IS_STOP) {
				p += 2;
				goto stop;
			}
			if (class[(unsigned char)p[3]] & LEX_IS_STOP) {
				p += 3;
				goto stop;
			}
			p += 4;
		}
		while (p < end && !(class[(unsigned char)*p] & LEX_IS_STOP))
			p++;
stop:
		b->pos = (size_t)(p - b->p);
		if (b->pos == b->end) {
			if (lexbuf_more(b))
				continue;
			break;
		}
		if (*p != '$' || !(lx->t->bits & DUNLIN_LEX_DOLLAR))
			break;
		/* A word may hold dollars, a number ends at one. */
		n = b->pos;
		while (n > b->tok && class[(unsigned char)b->p[n - 1]] & LEX_IS_WORD)
			n--;
		if (n == b->pos || !(class[(unsigned char)b->p[n]] & LEX_IS_START))
			break;
		skip_class(lx, LEX_IS_WORD);
	}
	n = b->pos - b->tok;
	if (lx->t->bits & DUNLIN_LEX_E_STRING && n > 0 &&
	    (n == 1 || !(lex_class_at(lx, b->pos - 2) & LEX_IS_WORD)))
		note_prefix(lx, b->p[b->pos - 1]);
	return LEX_CODE;
}

/* --- the whole ------------------------------------------------------------------------ */

static enum lex_kind punct(struct lex *lx)
{
	lx->b->pos++;
	return LEX_PUNCT;
}

static enum lex_kind minus(struct lex *lx)
{
	if (lex_peek(lx, 1) != '-')
		return punct(lx);
	if (lx->t->bits & DUNLIN_LEX_DASH_SPACE) {
		int c = lex_peek(lx, 2);

		if (c > ' ' && c != 0x7f)
			return punct(lx);
	}
	return lex_line_comment(lx);
}

static enum lex_kind special(struct lex *lx)
{
	struct lexbuf *b = lx->b;
	uint32_t bits = lx->t->bits;

	switch (b->p[b->pos]) {
	case '\'':
		return lex_single_quoted(lx);
	case '"':
		return lex_double_quoted(lx);
	case '-':
		return minus(lx);
	case '/':
		return lex_peek(lx, 1) == '*' ? lex_block_comment(lx) : punct(lx);
	case '#':
		return bits & DUNLIN_LEX_HASH_COMMENT ? lex_line_comment(lx) : punct(lx);
	case '`':
		if (!(bits & DUNLIN_LEX_BACKTICK))
			return punct(lx);
		return lex_backticked(lx);
	case '[':
		return bits & DUNLIN_LEX_BRACKET ? lex_bracketed(lx) : punct(lx);
	case '$':
		return lex_dollar(lx);
	case '\\':
		b->pos++;
		return bits & (DUNLIN_LEX_PSQL | DUNLIN_LEX_DELIMITER) ? LEX_BACKSLASH : LEX_PUNCT;
	case '*':
		if (lx->in_cond && lex_peek(lx, 1) == '/') {
			b->pos += 2;
			lx->in_cond = 0;
			return LEX_COND_CLOSE;
		}
		return punct(lx);
	default:
		return punct(lx);
	}
}

/* Does the string before it reach over this token to a string after it? */
static void note_joined(struct lex *lx, enum lex_kind kind)
{
	const struct lexbuf *b = lx->b;
	size_t i = b->tok;

	if (kind == LEX_STRING || kind == LEX_LINE_COMMENT)
		return;
	if (kind == LEX_SPACE || kind == LEX_CODE)
		while (i < b->pos && lex_is_space(b->p[i])) {
			lx->has_newline |= b->p[i] == '\n' || b->p[i] == '\r';
			i++;
		}
	if (i < b->pos)
		lx->joined = 0;
}

enum lex_kind lex_next(struct lex *lx)
{
	struct lexbuf *b = lx->b;
	enum lex_kind kind;
	unsigned char class;

	b->tok = b->pos;
	if (b->pos == b->end && !lexbuf_more(b))
		return LEX_END;
	if (lx->n_delim && delim_at(lx, b->pos)) {
		b->pos += lx->n_delim;
		return LEX_DELIM;
	}
	class = lex_class_at(lx, b->pos);
	if (lx->is_bulk && !(class & LEX_IS_STOP)) {
		kind = code(lx);
	} else if (class & LEX_IS_SPACE) {
		skip_class(lx, LEX_IS_SPACE);
		kind = LEX_SPACE;
	} else if (class & LEX_IS_START) {
		kind = lex_word(lx, LEX_WORD);
	} else if (class & LEX_IS_DIGIT) {
		kind = lex_word(lx, LEX_NUMBER);
	} else {
		kind = special(lx);
	}
	if (lx->joined)
		note_joined(lx, kind);
	return kind;
}
