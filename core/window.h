/*
 * window.h - an ordered array of steps on its way to the driver, with what
 * each of them stands for.  A window is what is sent in one go.
 */
#ifndef DUNLIN_CORE_WINDOW_H
#define DUNLIN_CORE_WINDOW_H

#include "mem.h"

#include <dunlin/driver.h>

struct plan_action;

/* What a step is, for errors and progress. */
struct window_tag {
	const struct plan_action *action; /* NULL: the run's own bookkeeping          */
	int64_t  statement;               /* of those that run, from 0; -1: none      */
	uint32_t line, column;            /* of the statement in its file             */
};

struct window {
	struct arena arena;
	struct dunlin_step *step;
	struct window_tag *tag;
	size_t n, cap, tag_cap;
	size_t bytes;
	int    is_failed;                 /* out of memory: later additions do nothing */
};

void window_reset(struct window *w);  /* empties it */
void window_cut(struct window *w, size_t n); /* drops the steps from n on */
void window_clear(struct window *w);

/* Each returns the step to fill further, or NULL when out of memory.  Text is copied. */
struct dunlin_step *window_add(struct window *w, int kind, const struct window_tag *tag,
                               const char *sql, size_t len);
/* A LEDGER step; sql is borrowed until the window is reset.  Parameters are
 * added one by one in order. */
struct dunlin_step *window_ledger(struct window *w, const char *sql, int64_t expect_rows);
void window_text(struct window *w, const char *value); /* NULL: SQL NULL */
void window_textn(struct window *w, const char *value, size_t len);
void window_int(struct window *w, int64_t value);

#endif
