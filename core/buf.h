/*
 * buf.h - a growing byte buffer with a maximum from birth.
 *
 * A failed append sets `is_failed` and later appends do nothing, so that a
 * caller may check once at the end.  `p` is NUL-ended whenever it is not NULL.
 */
#ifndef DUNLIN_CORE_BUF_H
#define DUNLIN_CORE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char  *p;
	size_t len, cap;
	size_t max;       /* 0: SIZE_MAX / 2                */
	int    is_failed; /* out of memory, or over `max`   */
};

#define BUF_INIT { 0 }

int  buf_add(struct buf *b, const char *s, size_t n);        /* 0 or -1 */
int  buf_adds(struct buf *b, const char *s);
int  buf_addc(struct buf *b, char c);
int  buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int  buf_addv(struct buf *b, const char *fmt, va_list ap);
int  buf_reserve(struct buf *b, size_t more);
void buf_reset(struct buf *b); /* empty, keeps its memory, clears is_failed */
void buf_clear(struct buf *b); /* frees */
char *buf_take(struct buf *b); /* given away, "" at least; NULL if failed */

/* Appends s as a JSON string with its quotes. */
int buf_add_json(struct buf *b, const char *s, size_t n);

#endif
