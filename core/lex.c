/*
 * lex.c - the token rules of PostgreSQL, MariaDB and SQLite, chosen by lexer
 * bits.  Sources: psqlscan.l and scan.l, the mariadb client's add_line() and
 * the server's lexer, SQLite's tokenizer; the cases that they disagree about
 * are in the tests.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "lex.h"

#include <string.h>

void lex_table_init(struct lex_table *t, uint32_t bits)
{
	t->bits = bits;
	for (int c = 0; c < 256; c++) {
		unsigned char f = 0;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80)
			f = LEX_IS_WORD | LEX_IS_START;
		else if (c >= '0' && c <= '9')
			f = LEX_IS_WORD | LEX_IS_DIGIT;
		else if (lex_is_space((char)c))
			f = LEX_IS_SPACE;
		t->byte[c] = f;
	}
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

static unsigned char class_at(const struct lex *lx, size_t at)
{
	return lx->t->byte[(unsigned char)lx->b->p[at]];
}

static int peek_further(struct lex *lx, size_t n)
{
	struct lexbuf *b = lx->b;
	size_t at = b->pos;

	return lexbuf_has(b, &at, n + 1) ? (unsigned char)b->p[b->pos + n] : -1;
}

/* The byte n after pos, -1 at the end. */
static inline int peek(struct lex *lx, size_t n)
{
	const struct lexbuf *b = lx->b;

	return b->end - b->pos > n ? (unsigned char)b->p[b->pos + n] : peek_further(lx, n);
}

/* Steps pos over all bytes of a class. */
static void skip_class(struct lex *lx, unsigned char is)
{
	struct lexbuf *b = lx->b;

	do {
		while (b->pos < b->end && class_at(lx, b->pos) & is)
			b->pos++;
	} while (b->pos == b->end && lexbuf_more(b));
}

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

static enum lex_kind line_comment(struct lex *lx)
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
		if (peek(lx, 0) < 0)
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
	while (n < 6 && (c = peek(lx, n)) >= '0' && c <= '9') {
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

static enum lex_kind block_comment(struct lex *lx)
{
	uint32_t bits = lx->t->bits;

	if (bits & DUNLIN_LEX_COND_COMMENT) {
		int c = peek(lx, 2);

		if (c == '!')
			return cond_comment(lx, 0);
		if (c == 'M' && peek(lx, 3) == '!')
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
		if (peek(lx, 0) != (unsigned char)quote)
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
			if (peek(lx, 0) < 0)
				return 0;
			b->pos++;
		} else if (peek(lx, 0) != (unsigned char)quote) {
			return 1;
		} else {
			b->pos++;
		}
	}
}

#define JOIN_PLAIN   1
#define JOIN_ESCAPED 2

static enum lex_kind single_quoted(struct lex *lx)
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

static enum lex_kind double_quoted(struct lex *lx)
{
	lx->b->pos++;
	if (!(lx->is_double_escaped ? skip_escaped(lx, '"') : skip_plain(lx, '"')))
		return unterminated(lx, lx->t->bits & DUNLIN_LEX_BACKSLASH ? LEX_BAD_STRING : LEX_BAD_NAME);
	return LEX_STRING;
}

static enum lex_kind bracketed(struct lex *lx)
{
	lx->b->pos++;
	if (!skip_to(lx, ']'))
		return unterminated(lx, LEX_BAD_NAME);
	lx->b->pos++;
	return LEX_STRING;
}

static enum lex_kind word(struct lex *lx, enum lex_kind kind);

/* At a $ that is not within a word: a parameter, a dollar quote, or just that. */
static enum lex_kind dollar(struct lex *lx)
{
	struct lexbuf *b = lx->b;
	size_t n = 1;
	int c = peek(lx, 1);

	if (c >= '0' && c <= '9') {
		b->pos++;
		return word(lx, LEX_NUMBER);
	}
	while (c >= 0 && c != '$' && lx->t->byte[c] & LEX_IS_WORD)
		c = peek(lx, ++n);
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
	if (peek(lx, 0) == '\'' && memchr(known, c, 6))
		lx->prefix = (unsigned char)(c | 0x20);
}

static enum lex_kind word(struct lex *lx, enum lex_kind kind)
{
	struct lexbuf *b = lx->b;
	uint32_t bits = lx->t->bits;

	b->pos++;
	if (kind == LEX_NUMBER && bits & DUNLIN_LEX_DOLLAR) {
		/* $ ends a number: 1$$..$$ */
		do {
			while (b->pos < b->end && b->p[b->pos] != '$' && class_at(lx, b->pos) & LEX_IS_WORD)
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
	    (n == 1 || !(class_at(lx, b->pos - 2) & LEX_IS_WORD)))
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
	if (peek(lx, 1) != '-')
		return punct(lx);
	if (lx->t->bits & DUNLIN_LEX_DASH_SPACE) {
		int c = peek(lx, 2);

		if (c > ' ' && c != 0x7f)
			return punct(lx);
	}
	return line_comment(lx);
}

static enum lex_kind special(struct lex *lx)
{
	struct lexbuf *b = lx->b;
	uint32_t bits = lx->t->bits;

	switch (b->p[b->pos]) {
	case '\'':
		return single_quoted(lx);
	case '"':
		return double_quoted(lx);
	case '-':
		return minus(lx);
	case '/':
		return peek(lx, 1) == '*' ? block_comment(lx) : punct(lx);
	case '#':
		return bits & DUNLIN_LEX_HASH_COMMENT ? line_comment(lx) : punct(lx);
	case '`':
		if (!(bits & DUNLIN_LEX_BACKTICK))
			return punct(lx);
		b->pos++;
		return skip_plain(lx, '`') ? LEX_STRING : unterminated(lx, LEX_BAD_NAME);
	case '[':
		return bits & DUNLIN_LEX_BRACKET ? bracketed(lx) : punct(lx);
	case '$':
		return dollar(lx);
	case '\\':
		b->pos++;
		return bits & (DUNLIN_LEX_PSQL | DUNLIN_LEX_DELIMITER) ? LEX_BACKSLASH : LEX_PUNCT;
	case '*':
		if (lx->in_cond && peek(lx, 1) == '/') {
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
	class = class_at(lx, b->pos);
	if (lx->is_bulk && !(class & LEX_IS_STOP)) {
		kind = code(lx);
	} else if (class & LEX_IS_SPACE) {
		skip_class(lx, LEX_IS_SPACE);
		kind = LEX_SPACE;
	} else if (class & LEX_IS_START) {
		kind = word(lx, LEX_WORD);
	} else if (class & LEX_IS_DIGIT) {
		kind = word(lx, LEX_NUMBER);
	} else {
		kind = special(lx);
	}
	if (lx->joined)
		note_joined(lx, kind);
	return kind;
}
