/*
 * objects.c - every object of the database dropped; the database stays, and who
 * may do what in it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "my_catalog.h"
#include "my_packet.h"

struct list { struct drv_text sql; }; /* statements, each ended by NUL */

/* kind, name */
static int add(void *arg, int n, const char *const *v, const size_t *len)
{
	struct list *l = arg;

	(void)n;
	drv_text_addf(&l->sql, "DROP %s IF EXISTS ", v[0]);
	my_name(&l->sql, v[1], len[1]);
	drv_text_add(&l->sql, "", 1);
	return l->sql.is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

/* Triggers go with their tables, bodies with their packages; views first, for
 * they name the others. */
static const char objects[] =
	"SELECT CASE table_type WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, table_name"
	" FROM information_schema.tables WHERE table_schema = database()"
	" UNION ALL SELECT routine_type, routine_name FROM information_schema.routines"
	" WHERE routine_schema = database() AND routine_type <> 'PACKAGE BODY'"
	" UNION ALL SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = database()"
	" ORDER BY kind = 'VIEW' DESC, kind = 'EVENT' DESC, kind = 'TABLE' DESC";

int my_drop_objects(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct list l = { { 0 } };
	int status = my_enter(c, err);
	size_t at;

	if (status == DUNLIN_OK && (c->is_begun || c->is_user_tx))
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a transaction is open");
	if (status == DUNLIN_OK)
		status = my_each(c, objects, NULL, 0, add, &l, err);
	/* Enforced, a table that others refer to is not dropped before them. */
	if (status == DUNLIN_OK)
		status = my_do(c, "SET @dunlin_keys = @@foreign_key_checks, foreign_key_checks = 0", err);
	for (at = 0; status == DUNLIN_OK && at < l.sql.len; at += strlen(l.sql.p + at) + 1)
		status = my_do(c, l.sql.p + at, err);
	if (c->my && !c->is_lost)
		my_do(c, "SET foreign_key_checks = @dunlin_keys", NULL);
	if (status == DUNLIN_OK)
		status = my_cluster_again(c, err);
	drv_text_clear(&l.sql);
	return status;
}
