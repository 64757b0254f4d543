/*
 * text.c - memory of the host, and growing text.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/common.h"

static const struct dunlin_host *the_host;

void drv_set_host(const struct dunlin_host *host)
{
	the_host = host;
}

void drv_log(int level, const char *text)
{
	if (the_host->log)
		the_host->log(the_host->ctx, level, text);
}

void *drv_alloc(size_t n)
{
	return the_host->alloc(the_host->ctx, n ? n : 1);
}

void *drv_zalloc(size_t n)
{
	void *p = drv_alloc(n);

	if (p)
		memset(p, 0, n);
	return p;
}

void drv_free(void *p)
{
	if (p)
		the_host->free(the_host->ctx, p);
}

char *drv_strndup(const char *s, size_t n)
{
	char *p = n < SIZE_MAX ? drv_alloc(n + 1) : NULL;

	if (p) {
		memcpy(p, s, n);
		p[n] = '\0';
	}
	return p;
}

char *drv_strdup(const char *s)
{
	return drv_strndup(s, strlen(s));
}

int drv_grow(void *p_ptr, size_t *cap, size_t n, size_t size)
{
	void **p = p_ptr, *bigger;
	size_t want;

	if (n <= *cap)
		return 0;
	want = *cap ? *cap * 2 : 8;
	if (want < n)
		want = n;
	if (want > SIZE_MAX / 2 / size)
		return -1;
	bigger = drv_alloc(want * size);
	if (!bigger)
		return -1;
	if (*p)
		memcpy(bigger, *p, *cap * size);
	drv_free(*p);
	*p = bigger;
	*cap = want;
	return 0;
}

static int reserve(struct drv_text *t, size_t more)
{
	if (!t->is_failed && (more > SIZE_MAX - t->len - 1 || drv_grow(&t->p, &t->cap, t->len + more + 1, 1) < 0))
		t->is_failed = 1;
	return t->is_failed ? -1 : 0;
}

void drv_text_add(struct drv_text *t, const char *s, size_t n)
{
	if (reserve(t, n) < 0)
		return;
	memcpy(t->p + t->len, s, n);
	t->len += n;
	t->p[t->len] = '\0';
}

void drv_text_adds(struct drv_text *t, const char *s)
{
	drv_text_add(t, s, strlen(s));
}

void drv_text_addf(struct drv_text *t, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && reserve(t, (size_t)n) == 0) {
		vsnprintf(t->p + t->len, (size_t)n + 1, fmt, again);
		t->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void drv_text_quote(struct drv_text *t, const char *name)
{
	drv_text_add(t, "\"", 1);
	for (; *name; name++) {
		if (*name == '"')
			drv_text_add(t, "\"", 1);
		drv_text_add(t, name, 1);
	}
	drv_text_add(t, "\"", 1);
}

void drv_text_reset(struct drv_text *t)
{
	t->len = 0;
	t->is_failed = 0;
	if (t->p)
		t->p[0] = '\0';
}

void drv_text_clear(struct drv_text *t)
{
	drv_free(t->p);
	*t = (struct drv_text){ 0 };
}
