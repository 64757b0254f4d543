/*
 * snapshot.h - what the files of the schema snapshot share.
 */
#ifndef DUNLIN_POSTGRESQL_SNAPSHOT_H
#define DUNLIN_POSTGRESQL_SNAPSHOT_H

#include "pg_driver.h"

/* How the second column of a row becomes part of a fact: head, def, tail. */
enum pg_fact_mode {
	PG_FACT_EXPR   = 'e', /* spacing made one                                  */
	PG_FACT_PARENS = 'p', /* ... and put in parentheses, if it is not in some  */
	PG_FACT_STRIP  = 's', /* ... and taken out of them                         */
	PG_FACT_TYPE   = 't', /* a type: without the default schema's name         */
	PG_FACT_RAW    = 'r',
	PG_FACT_WHERE  = 'w'  /* EXPR; the tail is a condition, and goes after "where" */
};

struct pg_snapshot_part {
	int         min_version; /* PQserverVersion() from which on it is asked */
	const char *sql;
};
extern const char pg_snapshot_with[];
extern const struct pg_snapshot_part pg_snapshot_parts[];
extern const size_t pg_snapshot_n_part;

/* The server's text of an expression or a definition, the same however it was
 * stored: one space where white space was, and a cast of an array constructor
 * moved to its elements, as a dump and restore does it. */
void pg_fact_canonical(const char *sql, size_t len, struct drv_text *out);
/* Does one pair of parentheses hold all of it? */
int  pg_fact_is_enclosed(const char *sql, size_t len);
/* A fact is one line: control characters and \ are escaped. */
void pg_fact_escape(const char *s, size_t len, struct drv_text *out);

#endif
