/*
 * probe.h - what probe.c asks, and about which kinds of objects.
 */
#ifndef DUNLIN_POSTGRESQL_PROBE_H
#define DUNLIN_POSTGRESQL_PROBE_H

#include "words.h"

#define PG_PROBE_VALUE 200 /* of one answer */

enum {
	PG_PROBE_GLOBAL    = 1,  /* its name has no schema                     */
	PG_PROBE_ON        = 2,  /* it is on a table, which is $2              */
	PG_PROBE_RELATION  = 4,  /* altered by a list of actions               */
	PG_PROBE_ROLE      = 8,
	PG_PROBE_NO_CREATE = 16,
	PG_PROBE_NO_ALTER  = 32
};

/* $1: the name as written.  exists: which object that is; state: that, and what
 * an ALTER or an OR REPLACE can change of it.  '!': it cannot be told. */
struct pg_probe_kind {
	const char *words;
	int         flags;
	const char *exists, *state;
};
extern const struct pg_probe_kind pg_probe_kinds[]; /* ends with words NULL */

/* $1: the index, or the keys of an unnamed one; $2: its table. */
extern const char pg_probe_index_sql[], pg_probe_unnamed_index_sql[];
/* $1: the relation; $2: its column, constraint, partition. */
extern const char pg_probe_relation_sql[], pg_probe_column_sql[], pg_probe_constraint_sql[], pg_probe_constraints_sql[],
	pg_probe_partition_sql[], pg_probe_switches_sql[];

#endif
