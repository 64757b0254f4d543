/*
 * inifile.h - the lines of an INI file with their numbers, by inih.
 */
#ifndef DUNLIN_CORE_INIFILE_H
#define DUNLIN_CORE_INIFILE_H

#include "mem.h"

#include <dunlin/dunlin.h>

struct ini_entry {
	const char *section; /* "" before the first                                 */
	const char *key;     /* NULL: the section's own line                        */
	char       *value;
	uint32_t    line;
	int         is_cut;  /* a comment (" ;") stood after the value              */
};

struct ini_file {
	struct arena arena;
	struct ini_entry *v;
	size_t n, cap;
};

/*
 * A line is "[SECTION]", "KEY = VALUE" or "KEY: VALUE", empty, or a comment
 * that begins with ';' or '#'; white space and ';' start a comment after a
 * value too.  Lines may be of any length and indented; none goes on on the
 * next.  name is for errors.  Errors: USAGE, with the line.
 */
int  ini_file_parse(struct ini_file *f, const char *text, size_t len, const char *name, struct dunlin_error *err);
void ini_file_clear(struct ini_file *f); /* wipes the values */

#endif
