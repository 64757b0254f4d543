/*
 * dotenv.h - the variables of a .env file's text.  Pure.
 */
#ifndef DUNLIN_CORE_DOTENV_H
#define DUNLIN_CORE_DOTENV_H

#include "mem.h"

#include <stddef.h>

struct dotenv {
	struct arena arena;
	struct { const char *key; char *value; } *v;
	size_t n, cap;
};

/*
 * Lines "[export] KEY=VALUE".  A value is plain, up to white space and '#'; or
 * in single quotes, as it stands; or in double quotes, where \n, \r, \t and \
 * before any other character are escapes.  Quoted ones may go over several
 * lines.  Nothing is expanded, and lines that are something else are left out:
 * the file is other programs' too.  0, or -1: out of memory.
 */
int  dotenv_parse(struct dotenv *d, const char *text, size_t len);
/* The last value of a key, or NULL. */
const char *dotenv_get(const struct dotenv *d, const char *key);
void dotenv_clear(struct dotenv *d); /* wipes the values */

#endif
