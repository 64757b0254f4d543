/*
 * discover.h - the database that well-known environment variables name, as a
 * URL.  Pure: the variables come from a function.
 */
#ifndef DUNLIN_CORE_DISCOVER_H
#define DUNLIN_CORE_DISCOVER_H

#include "buf.h"

#include <dunlin/dunlin.h>

/* Value of a variable, or NULL. */
typedef const char *discover_get_fn(void *arg, const char *name);

/*
 * POSTGRES_HOST, _PORT, _USER, _PASSWORD, _DB or what libpq reads (PGHOST, ...);
 * MARIADB_ or MYSQL_ with HOST, PORT or TCP_PORT, USER, PASSWORD, DATABASE.  An
 * empty one counts as not set; a password alone names no database.
 *
 * Returns 1 with the URL, password included, appended to *url (wipe it) and the
 * variables used to *names ("POSTGRES_HOST, POSTGRES_DB"); 0: none is named;
 * -1: both databases are, or a value cannot be, err: USAGE.
 */
int discover_url(discover_get_fn *get, void *arg, struct buf *url, struct buf *names, struct dunlin_error *err);

#endif
