/*
 * window.c - building the array of steps.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "window.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_PARAMS 24 /* the ledger's row has 22 columns */

void window_reset(struct window *w)
{
	arena_clear(&w->arena);
	w->n = w->bytes = 0;
	w->is_failed = 0;
}

void window_cut(struct window *w, size_t n)
{
	assert(n <= w->n);
	w->n = n;
}

void window_clear(struct window *w)
{
	window_reset(w);
	mem_free(w->step);
	mem_free(w->tag);
	memset(w, 0, sizeof *w);
}

static struct dunlin_step *add(struct window *w, int kind, const struct window_tag *tag)
{
	struct dunlin_step *s;

	if (w->is_failed)
		return NULL;
	if (mem_grow(&w->step, &w->cap, w->n, sizeof *w->step) < 0 ||
	    mem_grow(&w->tag, &w->tag_cap, w->n, sizeof *w->tag) < 0) {
		w->is_failed = 1;
		return NULL;
	}
	s = &w->step[w->n];
	*s = (struct dunlin_step){
		.struct_size = sizeof *s, .kind = kind, .expect_rows = -1,
		.lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};
	w->tag[w->n] = tag ? *tag : (struct window_tag){ .statement = -1 };
	w->n++;
	return s;
}

struct dunlin_step *window_add(struct window *w, int kind, const struct window_tag *tag,
                               const char *sql, size_t len)
{
	struct dunlin_step *s = add(w, kind, tag);

	if (s && sql) {
		s->sql = arena_strndup(&w->arena, sql, len);
		s->sql_len = len;
		w->bytes += len;
		if (!s->sql) {
			w->is_failed = 1;
			return NULL;
		}
	}
	return s;
}

struct dunlin_step *window_ledger(struct window *w, const char *sql, int64_t expect_rows)
{
	struct dunlin_step *s = add(w, DUNLIN_STEP_LEDGER, NULL);

	if (!s)
		return NULL;
	s->sql = sql;
	s->sql_len = strlen(sql);
	s->expect_rows = expect_rows;
	s->param = arena_alloc(&w->arena, MAX_PARAMS * sizeof *s->param);
	if (!s->param) {
		w->is_failed = 1;
		return NULL;
	}
	return s;
}

static void param(struct window *w, const char *value, size_t len, int is_integer)
{
	struct dunlin_step *s;
	struct dunlin_param *p;

	if (w->is_failed)
		return;
	s = &w->step[w->n - 1];
	if (s->n_param == MAX_PARAMS) {
		w->is_failed = 1;
		return;
	}
	p = (struct dunlin_param *)(uintptr_t)&s->param[s->n_param];
	*p = (struct dunlin_param){ .len = len, .is_integer = is_integer };
	if (value) {
		p->value = arena_strndup(&w->arena, value, len);
		if (!p->value)
			w->is_failed = 1;
	}
	w->bytes += len;
	s->n_param++;
}

void window_textn(struct window *w, const char *value, size_t len)
{
	param(w, value, len, 0);
}

void window_text(struct window *w, const char *value)
{
	param(w, value, value ? strlen(value) : 0, 0);
}

void window_int(struct window *w, int64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRId64, value);

	param(w, text, (size_t)n, 1);
}
