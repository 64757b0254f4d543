/*
 * fk_map.c - which table refers to which, kept up to date through a group.
 *
 * Read once when a group begins, unless the schema is still the one that the
 * last group left; after each DDL statement only the tables that it named are
 * read again, so that a thousand migrations do not read a thousand tables each.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdlib.h>

#include "sqlite_driver.h"

static void pairs_remove(struct sq_fk *fk, const char *child)
{
	size_t i, n = 0;

	for (i = 0; i < fk->n_pair; i++) {
		if (child && sqlite3_stricmp(fk->pair[i].child, child) != 0) {
			fk->pair[n++] = fk->pair[i];
			continue;
		}
		drv_free(fk->pair[i].child);
		drv_free(fk->pair[i].parent);
	}
	fk->n_pair = n;
}

static int add_pair(void *arg, const char *const *value, const size_t *len)
{
	struct sq_fk *fk = arg;
	struct sq_fk_pair pair;

	(void)len;
	if (!value[0] || !value[1])
		return DUNLIN_OK;
	if (drv_grow(&fk->pair, &fk->cap_pair, fk->n_pair + 1, sizeof *fk->pair) < 0)
		return DUNLIN_ENOMEM;
	pair.child = drv_strdup(value[0]);
	pair.parent = drv_strdup(value[1]);
	if (!pair.child || !pair.parent) {
		drv_free(pair.child);
		drv_free(pair.parent);
		return DUNLIN_ENOMEM;
	}
	fk->pair[fk->n_pair++] = pair;
	return DUNLIN_OK;
}

/* lower(): LIKE may be case-sensitive by a PRAGMA of the file's. */
int sq_fk_read_all(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	static const char sql[] =
		"SELECT DISTINCT m.name, f.\"table\" FROM main.sqlite_master m, pragma_foreign_key_list(m.name, 'main') f"
		" WHERE m.type = 'table' AND lower(m.sql) LIKE '%references%'";
	int status;

	pairs_remove(&c->fk, NULL);
	c->fk.is_fresh = 0;
	status = sq_each(c, sql, NULL, add_pair, &c->fk, err);
	c->fk.is_fresh = status == DUNLIN_OK;
	return status;
}

int sq_fk_read_one(struct dunlin_conn *c, const char *child, struct dunlin_driver_error *err)
{
	pairs_remove(&c->fk, child);
	return sq_each(c, "SELECT DISTINCT ?1, \"table\" FROM pragma_foreign_key_list(?1, 'main')", child, add_pair, &c->fk,
	             err);
}

int sq_fk_is_child(const struct sq_fk *fk, const char *name)
{
	size_t i;

	for (i = 0; i < fk->n_pair; i++)
		if (sqlite3_stricmp(fk->pair[i].child, name) == 0)
			return 1;
	return 0;
}

static int schema_version(struct dunlin_conn *c, int64_t *version, struct dunlin_driver_error *err)
{
	char text[24];
	int status = sq_scalar(c, "PRAGMA main.schema_version", text, sizeof text, err);

	*version = strtoll(text, NULL, 10);
	return status;
}

int sq_fk_begin(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int64_t version;
	int status;

	if (c->is_read_only || c->fk.is_checked) /* in the midst of a group */
		return DUNLIN_OK;
	status = schema_version(c, &version, err);
	if (status == DUNLIN_OK && !(c->fk.is_fresh && version == c->fk.schema_version))
		status = sq_fk_read_all(c, err);
	c->fk.schema_version = version;
	c->fk.is_checked = status == DUNLIN_OK;
	return status;
}

void sq_fk_commit(struct dunlin_conn *c)
{
	c->fk.is_noted = c->fk.is_fresh && schema_version(c, &c->fk.schema_version, NULL) == DUNLIN_OK;
}

/* The pairs hold on if sq_fk_commit() noted the schema version they belong to
 * and the commit took place; after a rollback they are not to be trusted. */
void sq_fk_forget(struct dunlin_conn *c)
{
	sq_fk_forget_tables(&c->fk);
	if (!c->fk.is_noted)
		c->fk.is_fresh = 0;
	c->fk.is_noted = c->fk.is_checked = 0;
}

void sq_fk_clear(struct sq_fk *fk)
{
	sq_fk_forget_tables(fk);
	pairs_remove(fk, NULL);
	drv_free(fk->pair);
	drv_free(fk->table);
	*fk = (struct sq_fk){ 0 };
}
