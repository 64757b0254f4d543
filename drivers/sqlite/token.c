/*
 * token.c - SQLite's tokens, as far as names and a canonical text need them.
 *
 * Not a splitter: it reads one statement that SQLite has accepted or will
 * judge.  An unterminated quote or comment runs to the end.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "sqlite_driver.h"

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

static const char *skip_space(const char *p, const char *end)
{
	while (p < end) {
		if (is_space(*p)) {
			p++;
		} else if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
			while (p < end && *p != '\n')
				p++;
		} else if (end - p >= 2 && p[0] == '/' && p[1] == '*') {
			for (p += 2; p < end && !(end - p >= 2 && p[0] == '*' && p[1] == '/'); p++)
				;
			p = end - p >= 2 ? p + 2 : end;
		} else {
			break;
		}
	}
	return p;
}

static const char *skip_quoted(const char *p, const char *end, char close)
{
	for (; p < end; p++)
		if (*p == close) {
			if (close == ']' || end - p < 2 || p[1] != close)
				return p + 1;
			p++;
		}
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

struct sq_token sq_token_next(const char **pp, const char *end)
{
	const char *p = skip_space(*pp, end);
	struct sq_token t = { SQ_TOKEN_END, p, 0 };

	if (p == end) {
		*pp = p;
		return t;
	}
	if (*p == '\'') {
		t.kind = SQ_TOKEN_STRING;
		p = skip_quoted(p + 1, end, '\'');
	} else if (lower(*p) == 'x' && end - p >= 2 && p[1] == '\'') {
		t.kind = SQ_TOKEN_STRING;
		p = skip_quoted(p + 2, end, '\'');
	} else if (*p == '"' || *p == '`' || *p == '[') {
		t.kind = SQ_TOKEN_NAME;
		p = skip_quoted(p + 1, end, *p == '[' ? ']' : *p);
	} else if (is_word(*p)) {
		t.kind = SQ_TOKEN_WORD;
		p = skip_word(p, end);
	} else {
		t.kind = SQ_TOKEN_PUNCT;
		p += punct_len(p, end);
	}
	t.len = (size_t)(p - t.p);
	*pp = p;
	return t;
}

int sq_token_is(const struct sq_token *t, const char *word)
{
	size_t i;

	if (t->kind != SQ_TOKEN_WORD && t->kind != SQ_TOKEN_PUNCT)
		return 0;
	for (i = 0; i < t->len; i++)
		if (!word[i] || lower(t->p[i]) != lower(word[i]))
			return 0;
	return word[i] == '\0';
}

void sq_token_name(const struct sq_token *t, struct sq_text *out)
{
	char close;
	size_t i;

	sq_text_reset(out);
	if (t->kind != SQ_TOKEN_NAME && t->kind != SQ_TOKEN_STRING) {
		sq_text_add(out, t->p, t->len);
		return;
	}
	close = t->p[0] == '[' ? ']' : t->p[0];
	for (i = 1; i + 1 < t->len; i++) {
		sq_text_add(out, t->p + i, 1);
		if (t->p[i] == close)
			i++;
	}
	if (!out->p)
		sq_text_add(out, "", 0);
}

static void add_lower(struct sq_text *out, const char *p, size_t n)
{
	char c;

	for (; n; p++, n--) {
		c = lower(*p);
		sq_text_add(out, &c, 1);
	}
}

/* A quoted name that needs no quotes is the same name without them; SQLite
 * itself adds them when it renames a table. */
static void add_name(struct sq_text *out, const struct sq_token *t)
{
	struct sq_text name = { 0 };
	size_t i;
	int is_plain;

	sq_token_name(t, &name);
	is_plain = name.len > 0 && !(name.p[0] >= '0' && name.p[0] <= '9');
	for (i = 0; i < name.len; i++)
		is_plain = is_plain && is_word(name.p[i]);
	if (name.is_failed)
		out->is_failed = 1;
	else if (is_plain)
		add_lower(out, name.p, name.len);
	else
		sq_text_quote(out, name.p);
	sq_text_clear(&name);
}

void sq_normalise_token(const struct sq_token *t, struct sq_text *out, char *prev)
{
	char first = t->p[0];
	int is_tight = t->kind == SQ_TOKEN_PUNCT && strchr(",);.(", first);

	if (out->len && !is_tight && *prev != '(' && *prev != '.')
		sq_text_add(out, " ", 1);
	if (t->kind == SQ_TOKEN_NAME)
		add_name(out, t);
	else if (t->kind == SQ_TOKEN_WORD)
		add_lower(out, t->p, t->len);
	else
		sq_text_add(out, t->p, t->len);
	*prev = t->kind == SQ_TOKEN_PUNCT && t->len == 1 ? first : 'a';
}

void sq_normalise(const char *sql, size_t len, struct sq_text *out)
{
	const char *p = sql, *end = sql + len;
	struct sq_token t;
	char prev = 0;

	while ((t = sq_token_next(&p, end)).kind != SQ_TOKEN_END)
		sq_normalise_token(&t, out, &prev);
}

int sq_contains_word(const char *sql, size_t len, const char *word)
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
