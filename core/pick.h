/*
 * pick.h - which of one migration's files serve the driver in use.
 */
#ifndef DUNLIN_CORE_PICK_H
#define DUNLIN_CORE_PICK_H

#include "entry.h"

enum { PICK_ROLES = SCRIPT_VERIFY + 1 };

struct pick {
	const struct entry *first, *end; /* the migration's files, as entry.h sorts them */
	const char *version;             /* for messages                                 */
	/* By role.  Without a body for the driver use[] holds the first file, so that
	 * the migration has a name, and is_bad is set. */
	const struct entry *use[PICK_ROLES];
	int is_bad;                      /* a finding says why                           */
};

/* What picking depends on, and where it complains.  All borrowed. */
struct pick_context {
	const struct scan *scan;
	const struct name_rules *rules;
	const char *driver;              /* NULL or "": any will do                      */
	struct arena *arena;
	struct finding_list *findings;
	struct dunlin_error *err;
};

/*
 * Each role is served by the driver's own file, else the common one; the
 * driver's own single file takes the place of all the common ones, and so does
 * its own up of a common single file.  Findings: two files for one part, a
 * down or verify without an up (kinds "duplicate", "name"), no body for the
 * driver (kind "driver").  -1: out of memory.
 */
int pick_files(const struct pick_context *c, struct pick *p);

/* Adds a finding about b's file: "'A' and 'B' WHAT", or "'B' WHAT" where a is NULL. */
int pick_complain(const struct pick_context *c, const char *kind, const char *version,
                  const struct entry *a, const struct entry *b, const char *what, const char *hint);

#endif
