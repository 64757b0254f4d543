/*
 * entry.h - a source's files by what their names say: the scheme that fits
 * them, and the files in the order of their migrations.
 */
#ifndef DUNLIN_CORE_ENTRY_H
#define DUNLIN_CORE_ENTRY_H

#include "name.h"
#include "scan.h"

struct entry {
	struct name_parts p;
	const struct scan_file *file;
	/* The numbers of the version, where they fit: comparing texts is slow. */
	uint64_t num[4];
	int is_big;
};

struct entry_list {
	struct entry *v;
	size_t n;
	enum scheme scheme;
	int is_guessed; /* the scheme was not asked for */
};

/*
 * scheme: SCHEME_AUTO tries.  Files that fit no scheme, or are named wrongly,
 * become findings (kind "name") and are not in the list.  s may be reordered,
 * and must live as long as the list.
 */
int  entry_list_fill(struct entry_list *l, struct scan *s, struct arena *a, enum scheme scheme,
                     const struct name_rules *rules, struct finding_list *findings,
                     struct dunlin_error *err);
void entry_list_clear(struct entry_list *l);

/* Same migration: kind and base are equal. */
int entry_is_same(const struct entry *a, const struct entry *b);
/* Same version (or the same repeatable), whatever the names. */
int entry_is_equal_version(const struct entry *a, const struct entry *b);

#endif
