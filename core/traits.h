/*
 * traits.h - a dialect's rules, sorted, once it pays, so that a statement meets
 * only those that its first letter allows.
 */
#ifndef DUNLIN_CORE_TRAITS_H
#define DUNLIN_CORE_TRAITS_H

#include "lex.h"

struct traits;

/* The table is borrowed.  NULL: out of memory. */
struct traits *traits_new(const struct dunlin_dialect *d, const struct lex_table *t);
void traits_free(struct traits *tr);
/* DUNLIN_ST_* of one statement; m: how the session quotes, NULL: by default. */
struct sqlmode;
uint32_t traits_of(struct traits *tr, const struct sqlmode *m, const char *sql, size_t len);

#endif
