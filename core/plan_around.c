/*
 * plan_around.c - whether this database may be worked on: it can be written, has
 * a lock, and is not somebody else's.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "plan_priv.h"

#include <string.h>

/* The history tables of other tools, as they are named by default. */
static const struct { const char *table, *tool; } other_tools[] = {
	{ "schema_migrations", "golang-migrate, dbmate or Rails" },
	{ "goose_db_version", "goose" },
	{ "flyway_schema_history", "Flyway" },
	{ "schema_version", "Flyway or tern" },
	{ "databasechangelog", "Liquibase" },
	{ "_sqlx_migrations", "sqlx" },
	{ "__diesel_schema_migrations", "Diesel" },
	{ "alembic_version", "Alembic" },
	{ "knex_migrations", "Knex" },
	{ "_prisma_migrations", "Prisma" },
	{ "atlas_schema_revisions", "Atlas" },
	{ "refinery_schema_history", "refinery" },
	{ "sequelizemeta", "Sequelize" },
	{ "django_migrations", "Django" },
	{ "doctrine_migration_versions", "Doctrine" },
	{ "pgmigrations", "node-pg-migrate" },
	{ "__drizzle_migrations", "Drizzle" },
	{ "mikro_orm_migrations", "MikroORM" },
	{ "__efmigrationshistory", "Entity Framework" },
	{ "gorp_migrations", "sql-migrate" },
	{ "migrations", "Laravel or TypeORM" },
};

static int equals_folded(const char *a, const char *lower)
{
	for (; *a && *lower; a++, lower++)
		if ((*a >= 'A' && *a <= 'Z' ? *a - 'A' + 'a' : *a) != *lower)
			return 0;
	return *a == *lower;
}

/* The tool that a table (maybe "schema.table") is the history of, or NULL. */
static const char *tool_of(const char *table)
{
	const char *dot = strrchr(table, '.');

	for (size_t i = 0; i < sizeof other_tools / sizeof *other_tools; i++)
		if (equals_folded(dot ? dot + 1 : table, other_tools[i].table))
			return other_tools[i].tool;
	return NULL;
}

static int find_existing_schema(struct planner *pl)
{
	const struct plan_facts *f = pl->facts;
	const char *tool = NULL, *table = NULL;

	for (size_t i = 0; i < f->n_foreign && !tool; i++) {
		table = f->foreign_table[i];
		tool = tool_of(table);
	}
	if (tool)
		return plan_find(pl, DUNLIN_EXIT_INVALID, "existing-schema", NULL,
		                 "Adopt that history by `dunlin import`, or mark what is there by `dunlin baseline VERSION`; "
		                 "--existing-schema starts beside it.",
		                 "the database has tables, but no ledger of dunlin's: '%s' is the history of %s", table, tool);
	return plan_find(pl, DUNLIN_EXIT_INVALID, "existing-schema", NULL,
	                 "Mark what is there by `dunlin baseline VERSION`, adopt another tool's history by "
	                 "`dunlin import`, or start beside it by --existing-schema.",
	                 "the database has tables ('%s'%s), but no ledger of dunlin's", f->foreign_table[0],
	                 f->n_foreign > 1 ? " and others" : "");
}

static int set_class(struct planner *pl, int rc, int errclass)
{
	if (rc == 0)
		pl->p->findings.v[pl->p->findings.n - 1].errclass = errclass;
	return rc;
}

int plan_check_surroundings(struct planner *pl)
{
	const struct plan_facts *f = pl->facts;
	const struct dunlin_request *r = pl->req;
	int starts = r->op == DUNLIN_OP_UP || (r->op == DUNLIN_OP_RESET && !r->drop);

	if (!f->is_connected || r->from_empty)
		return 0;
	if (!f->is_looking && (f->caps & DUNLIN_CAP_READ_ONLY) &&
	    set_class(pl, plan_find(pl, DUNLIN_EXIT_UNSAFE, "read-only", NULL,
	                            "Connect to the server that takes writes, or open the file without mode=ro.",
	                            "nothing can be written in this database"), DUNLIN_CLASS_PERMISSION) < 0)
		return -1;
	if (!f->is_looking && !(f->caps & (DUNLIN_CAP_LOCK | DUNLIN_CAP_READ_ONLY)) && !r->no_lock &&
	    set_class(pl, plan_find(pl, DUNLIN_EXIT_UNSAFE, "lock", NULL,
	                            "Make sure that no other run is on, then give --no-lock.",
	                            "the driver '%s' has no lock that keeps two runs apart", f->driver ? f->driver : ""),
	              DUNLIN_CLASS_DRIVER) < 0)
		return -1;
	if (starts && !pl->h->has_ledger && f->n_foreign > 0 && !r->existing_schema)
		return find_existing_schema(pl);
	return 0;
}
