/*
 * counterpart.h - where the down of a migration that is applied in part has to
 * begin, so that it undoes what stands and nothing else.
 *
 * Nothing is guessed: each statement of the up must have its opposite in the
 * down, at the same place counted from the other end, and both must be of a
 * kind whose heads say what they make and what they take away.
 */
#ifndef DUNLIN_CORE_COUNTERPART_H
#define DUNLIN_CORE_COUNTERPART_H

#include "mem.h"

#include <dunlin/dialect.h>

struct counterpart_statement {
	int64_t index;          /* in its section, as split                      */
	struct effect *effect;
	size_t n_effect;        /* 0: it is not known what it does               */
};

struct counterpart_side {
	struct counterpart_statement *v; size_t n, cap;
	int64_t n_split;        /* statements as split, settings among them      */
};

struct counterpart {
	struct arena arena;
	const struct dunlin_dialect *dialect;
	struct counterpart_side up, down;
};

enum { COUNTERPART_WHY = 200 };

/* Adds a section's next statement.  -1: out of memory. */
int  counterpart_add(struct counterpart *c, struct counterpart_side *side, uint32_t traits, const char *sql, size_t len);
/* Of the up, the first k statements as split stand.  The index of the down's
 * first statement that is to run, its n_split where there is none; or -1, and
 * why tells what is in the way. */
int64_t counterpart_start(const struct counterpart *c, int64_t k, char why[COUNTERPART_WHY]);
void counterpart_clear(struct counterpart *c);

#endif
