/*
 * token.c - SQL tokens, as far as names and a canonical text need them.
 *
 * Not a splitter: it reads one statement that the database has accepted or
 * will judge.  An unterminated quote or comment runs to the end.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "common/common.h"

static int is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Letters, digits, _ $ and every byte of a multi-byte character. */
static int is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static const char *skip_line(const char *p, const char *end)
{
	while (p < end && *p != '\n')
		p++;
	return p;
}

static const char *skip_comment(uint32_t lex, const char *p, const char *end)
{
	int depth = 1;

	for (p += 2; p < end; p++) {
		if (end - p >= 2 && p[0] == '*' && p[1] == '/') {
			p++;
			if (--depth == 0)
				return p + 1;
		} else if ((lex & DUNLIN_LEX_NEST_COMMENT) && end - p >= 2 && p[0] == '/' && p[1] == '*') {
			depth++;
			p++;
		}
	}
	return end;
}

/* Does the code of a conditional comment begin at p?  Its marks are then passed
 * as white space: what stands between them is SQL. */
static size_t conditional_len(uint32_t lex, const char *p, const char *end)
{
	const char *from = p;

	if (!(lex & DUNLIN_LEX_COND_COMMENT) || end - p < 3 || p[0] != '/' || p[1] != '*')
		return 0;
	if (p[2] == '!')
		p += 3;
	else if (end - p >= 4 && p[2] == 'M' && p[3] == '!')
		p += 4;
	else
		return 0;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (size_t)(p - from);
}

static const char *skip_space(uint32_t lex, const char *p, const char *end)
{
	size_t n;

	while (p < end) {
		if (is_space(*p))
			p++;
		else if (end - p >= 2 && p[0] == '-' && p[1] == '-' &&
		         (!(lex & DUNLIN_LEX_DASH_SPACE) || end - p == 2 || (unsigned char)p[2] <= ' '))
			p = skip_line(p, end);
		else if (*p == '#' && (lex & DUNLIN_LEX_HASH_COMMENT))
			p = skip_line(p, end);
		else if ((n = conditional_len(lex, p, end)) > 0)
			p += n;
		else if ((lex & DUNLIN_LEX_COND_COMMENT) && end - p >= 2 && p[0] == '*' && p[1] == '/')
			p += 2;
		else if (end - p >= 2 && p[0] == '/' && p[1] == '*')
			p = skip_comment(lex, p, end);
		else
			break;
	}
	return p;
}

static const char *skip_quoted(const char *p, const char *end, char close, int has_backslash)
{
	for (; p < end; p++)
		if (*p == '\\' && has_backslash && end - p >= 2) {
			p++;
		} else if (*p == close) {
			if (close == ']' || end - p < 2 || p[1] != close)
				return p + 1;
			p++;
		}
	return end;
}

/* $tag$ ... $tag$; p where it does not begin here. */
static const char *skip_dollar(const char *p, const char *end)
{
	const char *tag = p, *q = p + 1;
	size_t n;

	if (q < end && *q >= '0' && *q <= '9')
		return p;
	while (q < end && *q != '$' && is_word(*q))
		q++;
	if (q == end || *q != '$')
		return p;
	n = (size_t)(++q - tag);
	for (; (size_t)(end - q) >= n; q++)
		if (memcmp(q, tag, n) == 0)
			return q + n;
	return end;
}

static const char *skip_word(const char *p, const char *end)
{
	int is_number = *p >= '0' && *p <= '9';

	while (p < end && (is_word(*p) || (is_number && *p == '.') ||
	                   /* the exponent's sign in 1e-5 */
	                   (is_number && (*p == '+' || *p == '-') && lower(p[-1]) == 'e')))
		p++;
	return p;
}

static size_t punct_len(const char *p, const char *end)
{
	static const char *const longer[] = { "->>", "||", "<=", ">=", "<>", "!=", "==", "<<", ">>", "->" };
	size_t i, n;

	for (i = 0; i < sizeof longer / sizeof *longer; i++) {
		n = strlen(longer[i]);
		if ((size_t)(end - p) >= n && memcmp(p, longer[i], n) == 0)
			return n;
	}
	return 1;
}

/* The quote that a string with a letter before it begins with: x'..', E'..'. */
static int prefix_len(uint32_t lex, const char *p, const char *end)
{
	char c = lower(*p);

	if (end - p < 2 || p[1] != '\'')
		return 0;
	return c == 'x' || (c == 'e' && (lex & DUNLIN_LEX_E_STRING)) ||
	       ((c == 'b' || c == 'n') && (lex & (DUNLIN_LEX_E_STRING | DUNLIN_LEX_BACKSLASH)));
}

static int is_name_quote(uint32_t lex, char c)
{
	return c == '"' || (c == '`' && (lex & DUNLIN_LEX_BACKTICK)) || (c == '[' && (lex & DUNLIN_LEX_BRACKET));
}

struct drv_token drv_token_next(uint32_t lex, const char **pp, const char *end)
{
	const char *p = skip_space(lex, *pp, end), *q;
	struct drv_token t = { DRV_TOKEN_END, p, 0 };
	int backslash = (lex & DUNLIN_LEX_BACKSLASH) != 0;

	if (p == end) {
		*pp = p;
		return t;
	}
	if (*p == '\'') {
		t.kind = DRV_TOKEN_STRING;
		p = skip_quoted(p + 1, end, '\'', backslash);
	} else if (prefix_len(lex, p, end)) {
		t.kind = DRV_TOKEN_STRING;
		p = skip_quoted(p + 2, end, '\'', backslash || lower(*p) == 'e');
	} else if (*p == '$' && (lex & DUNLIN_LEX_DOLLAR) && (q = skip_dollar(p, end)) > p) {
		t.kind = DRV_TOKEN_STRING;
		p = q;
	} else if (is_name_quote(lex, *p)) {
		t.kind = DRV_TOKEN_NAME;
		p = skip_quoted(p + 1, end, *p == '[' ? ']' : *p, 0);
	} else if (is_word(*p)) {
		t.kind = DRV_TOKEN_WORD;
		p = skip_word(p, end);
	} else {
		t.kind = DRV_TOKEN_PUNCT;
		p += punct_len(p, end);
	}
	t.len = (size_t)(p - t.p);
	*pp = p;
	return t;
}

int drv_token_is(const struct drv_token *t, const char *word)
{
	size_t i;

	if (t->kind != DRV_TOKEN_WORD && t->kind != DRV_TOKEN_PUNCT)
		return 0;
	for (i = 0; i < t->len; i++)
		if (!word[i] || lower(t->p[i]) != lower(word[i]))
			return 0;
	return word[i] == '\0';
}

void drv_token_name(const struct drv_token *t, struct drv_text *out)
{
	char close;
	size_t i;

	drv_text_reset(out);
	if (t->kind != DRV_TOKEN_NAME && t->kind != DRV_TOKEN_STRING) {
		drv_text_add(out, t->p, t->len);
		return;
	}
	close = t->p[0] == '[' ? ']' : t->p[0];
	for (i = 1; i + 1 < t->len; i++) {
		drv_text_add(out, t->p + i, 1);
		if (t->p[i] == close)
			i++;
	}
	if (!out->p)
		drv_text_add(out, "", 0);
}

static void add_lower(struct drv_text *out, const char *p, size_t n)
{
	char c;

	for (; n; p++, n--) {
		c = lower(*p);
		drv_text_add(out, &c, 1);
	}
}

/* A quoted name that needs no quotes is the same name without them; some
 * databases add them when they rename a table. */
static void add_name(struct drv_text *out, const struct drv_token *t)
{
	struct drv_text name = { 0 };
	size_t i;
	int is_plain;

	drv_token_name(t, &name);
	is_plain = name.len > 0 && !(name.p[0] >= '0' && name.p[0] <= '9');
	for (i = 0; i < name.len; i++)
		is_plain = is_plain && is_word(name.p[i]);
	if (name.is_failed)
		out->is_failed = 1;
	else if (is_plain)
		add_lower(out, name.p, name.len);
	else
		drv_text_quote(out, name.p);
	drv_text_clear(&name);
}

void drv_normalise_token(const struct drv_token *t, struct drv_text *out, char *prev)
{
	char first = t->p[0];
	int is_tight = t->kind == DRV_TOKEN_PUNCT && strchr(",);.(", first);

	if (out->len && !is_tight && *prev != '(' && *prev != '.')
		drv_text_add(out, " ", 1);
	if (t->kind == DRV_TOKEN_NAME)
		add_name(out, t);
	else if (t->kind == DRV_TOKEN_WORD)
		add_lower(out, t->p, t->len);
	else
		drv_text_add(out, t->p, t->len);
	*prev = t->kind == DRV_TOKEN_PUNCT && t->len == 1 ? first : 'a';
}

void drv_normalise(uint32_t lex, const char *sql, size_t len, struct drv_text *out)
{
	const char *p = sql, *end = sql + len;
	struct drv_token t;
	char prev = 0;

	while ((t = drv_token_next(lex, &p, end)).kind != DRV_TOKEN_END)
		drv_normalise_token(&t, out, &prev);
}

int drv_contains_word(const char *sql, size_t len, const char *word)
{
	size_t n = strlen(word), i, j;

	for (i = 0; i + n <= len; i++) {
		for (j = 0; j < n && lower(sql[i + j]) == word[j]; j++)
			;
		if (j == n)
			return 1;
	}
	return 0;
}
