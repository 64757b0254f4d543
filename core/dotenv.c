/*
 * dotenv.c - reads a .env file the way that its other readers agree on.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "dotenv.h"

#include <string.h>

struct cursor { const char *p, *end; };

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int is_key(char c, int is_first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

static void skip_blanks(struct cursor *c)
{
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
}

static void skip_line(struct cursor *c)
{
	const char *nl = memchr(c->p, '\n', (size_t)(c->end - c->p));

	c->p = nl ? nl + 1 : c->end;
}

static char unescape(char c)
{
	return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

/* Writes the value to out, which has room for the rest of the text; returns its
 * length. */
static size_t take_value(struct cursor *c, char *out)
{
	char quote = c->p < c->end && (*c->p == '"' || *c->p == '\'') ? *c->p : '\0';
	const char *from;
	size_t n = 0;

	if (!quote || !memchr(c->p + 1, quote, (size_t)(c->end - c->p - 1))) {
		from = c->p;
		while (c->p < c->end && *c->p != '\n' && !(*c->p == '#' && (c->p == from || is_blank(c->p[-1]))))
			out[n++] = *c->p++;
		while (n > 0 && is_blank(out[n - 1]))
			n--;
		return n;
	}
	for (c->p++; c->p < c->end && *c->p != quote; c->p++) {
		if (quote == '"' && *c->p == '\\' && c->p + 1 < c->end)
			out[n++] = unescape(*++c->p);
		else
			out[n++] = *c->p;
	}
	return n;
}

/* The key with its '='; 0: the line is something else. */
static size_t take_key(struct cursor *c, const char **key)
{
	size_t n = 0;

	skip_blanks(c);
	if (c->end - c->p > 7 && memcmp(c->p, "export", 6) == 0 && is_blank(c->p[6])) {
		c->p += 6;
		skip_blanks(c);
	}
	*key = c->p;
	while (c->p < c->end && is_key(*c->p, n == 0))
		c->p++, n++;
	skip_blanks(c);
	if (n == 0 || c->p == c->end || *c->p != '=')
		return 0;
	c->p++;
	skip_blanks(c);
	return n;
}

static int add(struct dotenv *d, const char *key, size_t key_len, const char *value, size_t value_len)
{
	if (mem_grow(&d->v, &d->cap, d->n, sizeof *d->v) < 0)
		return -1;
	d->v[d->n].key = arena_strndup(&d->arena, key, key_len);
	d->v[d->n].value = arena_strndup(&d->arena, value, value_len);
	if (!d->v[d->n].key || !d->v[d->n].value)
		return -1;
	d->n++;
	return 0;
}

int dotenv_parse(struct dotenv *d, const char *text, size_t len)
{
	struct cursor c = { text, text + len };
	char *value = mem_alloc(len);
	int rc = value ? 0 : -1;

	*d = (struct dotenv){ 0 };
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		c.p += 3;
	while (rc == 0 && c.p < c.end) {
		const char *key;
		size_t n = take_key(&c, &key);

		if (n > 0)
			rc = add(d, key, n, value, take_value(&c, value));
		skip_line(&c);
	}
	if (value)
		explicit_bzero(value, len);
	mem_free(value);
	if (rc < 0)
		dotenv_clear(d);
	return rc;
}

const char *dotenv_get(const struct dotenv *d, const char *key)
{
	for (size_t i = d->n; i > 0; i--)
		if (strcmp(d->v[i - 1].key, key) == 0)
			return d->v[i - 1].value;
	return NULL;
}

void dotenv_clear(struct dotenv *d)
{
	for (size_t i = 0; i < d->n; i++)
		explicit_bzero(d->v[i].value, strlen(d->v[i].value));
	mem_free(d->v);
	arena_clear(&d->arena);
	*d = (struct dotenv){ 0 };
}
