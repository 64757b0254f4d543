/*
 * my_catalog.h - what this driver reads out of the catalog: which objects a
 * statement is about, whether its effect is there, who stands in the way, the
 * schema as facts.
 */
#ifndef DUNLIN_MARIADB_CATALOG_H
#define DUNLIN_MARIADB_CATALOG_H

#include "my_driver.h"

/* --- target.c: the objects of a statement --------------------------------------------- */

enum my_kind {
	MY_TABLE = 1, /* a view, or a sequence, too */
	MY_VIEW, MY_TRIGGER, MY_PROCEDURE, MY_FUNCTION, MY_PACKAGE, MY_PACKAGE_BODY, MY_EVENT, MY_DATABASE, MY_USER
};

/* How much of a table is looked at. */
enum my_facet { MY_IS_THERE = 0, MY_INDEXES, MY_WHOLE };

struct my_object {
	int kind;
	struct drv_text schema, name; /* schema "": the one in use; of a user: host */
};

struct my_target {
	struct my_object *object;
	size_t n, cap;
	int facet;
	int is_list;  /* a DROP of several, which is not atomic: all gone, or all there, or who knows */
	int is_rename; /* RENAME TABLE: old and new names in turn */
	int is_temporary_possible; /* a temporary table of that name would be meant */
};
/* DUNLIN_OK, ENOTSUP: not a statement whose effect shows, or ENOMEM. */
int  my_target_read(struct my_target *t, const char *sql, size_t len);
void my_target_clear(struct my_target *t);

/* --- probe.c ------------------------------------------------------------------------------ */

/* As in struct dunlin_driver. */
int  my_probe_sql(struct dunlin_conn *c, const char *sql, size_t sql_len, char *expr, size_t expr_size,
                  struct dunlin_driver_error *err);

/* --- together.c ---------------------------------------------------------------------------- */

/* As in struct dunlin_driver. */
int  my_goes_together(struct dunlin_conn *c, const char *sql, size_t sql_len, uint32_t traits);
/* May there be tables whose rows do not roll back?  Asked once a connection. */
int  my_is_mixed(struct dunlin_conn *c);
/* Do all base tables of the database in use roll back, and new ones by default? */
int  my_all_innodb(struct dunlin_conn *c, int *is_all, struct dunlin_driver_error *err);

/* --- blockers.c ------------------------------------------------------------------------------ */

/* While c's statement waits and its lock timeout is near: asks over another
 * connection who holds what it waits for; my_blockers() tells it afterwards. */
void my_blockers_note(struct dunlin_conn *c);
void my_blockers_clear(struct dunlin_conn *c);

#endif
