/*
 * mem.h - every allocation of the core goes through here, so that tests can
 * make the n-th one fail.  All return NULL when out of memory.
 */
#ifndef DUNLIN_CORE_MEM_H
#define DUNLIN_CORE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);
void *mem_zalloc(size_t n);
void *mem_realloc(void *p, size_t n);
void  mem_free(void *p); /* NULL is fine */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n); /* NUL-ended copy of n bytes */

/* Grows *p to hold n + 1 elements of `size`; *cap is kept.  0 or -1. */
int mem_grow(void *p_ptr, size_t *cap, size_t n, size_t size);

/* Tests only: the nth allocation from now (1 = the next) fails, and with
 * `forever` each one after it too; 0 switches it off.  Not thread-safe. */
void mem_fail_at(unsigned long nth, int forever);
unsigned long mem_count(void); /* allocations since mem_fail_at() */

/* Arena: many small things that die together. */
struct arena { struct arena_block *head; };
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for any type */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void  arena_clear(struct arena *a); /* frees all; the arena may be used again */

#endif
