/*
 * finding.h - a list of what is wrong, so that one command can show it all.
 */
#ifndef DUNLIN_CORE_FINDING_H
#define DUNLIN_CORE_FINDING_H

#include "mem.h"

#include <dunlin/dunlin.h>

struct finding_list {
	struct arena arena;
	struct dunlin_finding *v;
	size_t n, cap;
};

/* Adds a finding; texts are copied, NULL means "".  code 0: a warning.
 * Returns the new element (for hint, line, column), or NULL when out of memory. */
struct dunlin_finding *finding_add(struct finding_list *l, int code, const char *kind,
	const char *component, const char *version, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
/* The same from an error, with its class, place and hint.  0 or -1. */
int finding_add_error(struct finding_list *l, const char *kind, const struct dunlin_error *e);
void finding_hint(struct finding_list *l, struct dunlin_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int  finding_copy(struct finding_list *to, const struct finding_list *from); /* appends; 0 or -1 */
int  finding_code(const struct finding_list *l); /* exit code of the worst, 0: none */
/* Fills err from the first finding of the worst code, with the messages of the
 * others like it; "and N more" in the hint.  Returns -1. */
int  finding_to_error(const struct finding_list *l, struct dunlin_error *err);
void finding_clear(struct finding_list *l);

#endif
