/*
 * buf.c - the growing buffer, and JSON string quoting into it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"

#include "mem.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

int buf_reserve(struct buf *b, size_t more)
{
	size_t max = b->max ? b->max : SIZE_MAX / 2;
	size_t want = b->cap ? b->cap : 64;
	char *p;

	if (b->is_failed)
		return -1;
	if (more > max || b->len > max - more) {
		b->is_failed = 1;
		return -1;
	}
	if (b->p && b->len + more < b->cap)
		return 0;
	while (want <= b->len + more)
		want *= 2;
	p = mem_realloc(b->p, want);
	if (!p) {
		b->is_failed = 1;
		return -1;
	}
	b->p = p;
	b->cap = want;
	b->p[b->len] = '\0';
	return 0;
}

int buf_add(struct buf *b, const char *s, size_t n)
{
	if (buf_reserve(b, n) < 0)
		return -1;
	if (n)
		memcpy(b->p + b->len, s, n);
	b->len += n;
	b->p[b->len] = '\0';
	return 0;
}

int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || buf_reserve(b, (size_t)n) < 0)
		return -1;
	vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_addv(b, fmt, ap);
	va_end(ap);
	return rc;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->is_failed = 0;
	if (b->p)
		b->p[0] = '\0';
}

void buf_clear(struct buf *b)
{
	size_t max = b->max;

	mem_free(b->p);
	*b = (struct buf){ .max = max };
}

char *buf_take(struct buf *b)
{
	char *p = NULL;

	if (!b->is_failed && buf_reserve(b, 0) == 0) {
		p = b->p;
		b->p = NULL;
	}
	buf_clear(b);
	return p;
}

int buf_add_json(struct buf *b, const char *s, size_t n)
{
	size_t start = 0, valid;
	enum utf8_verdict why;

	buf_addc(b, '"');
	valid = utf8_check(s, n, &why);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		int is_bad = i == valid && c != 0;

		if (i == valid)
			valid += 1 + utf8_check(s + i + 1, n - i - 1, &why);
		if (!is_bad && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_add(b, s + start, i - start);
		start = i + 1;
		if (is_bad) { /* no reader would take it */
			buf_adds(b, "\\ufffd");
			continue;
		}
		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_adds(b, "\\n");
		else if (c == '\t')
			buf_adds(b, "\\t");
		else
			buf_addf(b, "\\u%04x", c);
	}
	buf_add(b, s + start, n - start);
	return buf_addc(b, '"');
}
