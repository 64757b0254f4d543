/*
 * name.h - what the name of a migration file says: version, name, driver and
 * role.  Pure: no file is looked at.
 */
#ifndef DUNLIN_CORE_NAME_H
#define DUNLIN_CORE_NAME_H

#include "script.h"
#include "version.h"

struct slice { const char *p; size_t len; };

/* All slices are of the path that was parsed. */
struct name_parts {
	int is_repeatable;
	struct version key;     /* not for repeatables                                */
	struct slice base;      /* "1.0.6-001-add_x", "R-x": equal for all the files
	                           of one migration                                   */
	struct slice version;   /* "1.0.6-001", "R-x"                                 */
	struct slice name;      /* "add_x", "x"; "" in the filename scheme            */
	struct slice driver;    /* "sqlite"; len 0: the common file                   */
	enum script_role role;
};

/* Whose names and aliases are known.  Any other word is taken for a driver
 * that is not known here. */
struct name_rules {
	const struct dunlin_dialect *dialect[4];
	size_t n_dialect;
};

enum name_fit {
	NAME_FITS = 0,
	NAME_UNFIT, /* no version of this scheme and a name after it  */
	NAME_BAD    /* of this scheme, but wrong: *why says how       */
};

struct name_problem { char message[400], hint[400]; };

/*
 * path: "NAME.sql", or "FOLDER/NAME.sql" with one '/'.  The problem is filled
 * for NAME_BAD only; its message quotes no part of the path but words of
 * letters, digits, '_' and '-'.
 */
enum name_fit name_parse(struct name_parts *p, enum scheme s, const struct name_rules *rules,
                         const char *path, size_t len, struct name_problem *why);

/* The known driver that a word, which is not one, may have been meant for; or NULL. */
const char *name_misspelt_driver(const struct name_rules *rules, struct slice word);

/* The pattern of a scheme, for hints: "MAJOR.MINOR.PATCH-SEQUENCE-name.sql". */
const char *name_pattern(enum scheme s);

/* How many leading bytes are valid UTF-8 without control characters. */
size_t name_text_prefix(const char *s, size_t len);

#endif
