/*
 * text.c - memory of the host, a growing text, SQL made fit for ODBC.
 */
#include "odbc_driver.h"

#include <string.h>
#include <time.h>

const struct dunlin_host *the_host;

/* The host counts what is given out, and may have no more: ask it, not malloc(). */
void *host_alloc(size_t n)
{
	return the_host->alloc(the_host->ctx, n);
}

void host_free(void *p)
{
	the_host->free(the_host->ctx, p);
}

void text_addn(struct text *t, const char *p, size_t n)
{
	if (t->is_failed)
		return;
	if (t->len + n + 1 > t->cap) {
		size_t cap = (t->len + n + 1) * 2;
		char *bigger = host_alloc(cap);

		if (!bigger) {
			t->is_failed = 1;
			return;
		}
		if (t->p)
			memcpy(bigger, t->p, t->len);
		host_free(t->p);
		t->p = bigger;
		t->cap = cap;
	}
	if (n)
		memcpy(t->p + t->len, p, n);
	t->len += n;
	t->p[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void text_quote(struct text *t, const char *name)
{
	text_add(t, "\"");
	for (; *name; name++)
		text_addn(t, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
	text_add(t, "\"");
}

void text_clear(struct text *t)
{
	host_free(t->p);
	*t = (struct text){ 0 };
}

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A name between other quotes than "": given those, if that changes nothing. */
static char *requote(char *open, char close)
{
	char *end = strchr(open + 1, close);

	if (!end)
		return open + strlen(open);
	if (memchr(open, '?', (size_t)(end - open)) && !memchr(open, '"', (size_t)(end - open)))
		*open = *end = '"';
	return end + 1;
}

/* The ODBC driver counts parameters by itself, and takes a '?' in a comment, in
 * [a?] or in `a?` for one; those in '..' and ".." it knows.  Nothing moves. */
void hide_marks(char *sql)
{
	char *p = sql, quote;

	while (*p) {
		if (*p == '-' && p[1] == '-') {
			for (; *p && *p != '\n'; p++)
				if (*p == '?')
					*p = '.';
		} else if (*p == '/' && p[1] == '*') {
			for (p += 2; *p && !(*p == '*' && p[1] == '/'); p++)
				if (*p == '?')
					*p = '.';
			p += *p ? 2 : 0;
		} else if (*p == '\'' || *p == '"') {
			for (quote = *p++; *p && *p != quote; p++)
				;
			p += *p ? 1 : 0;
		} else if (*p == '[' || *p == '`') {
			p = requote(p, *p == '[' ? ']' : '`');
		} else {
			p++;
		}
	}
}
