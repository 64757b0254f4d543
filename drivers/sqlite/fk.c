/*
 * fk.c - no migration leaves a foreign key broken that was whole before.
 *
 * SQLite does not enforce foreign keys unless told to, and a table rebuilt in
 * twelve steps, or a DELETE too many, leaves children without parents.  So
 * before a statement first writes to a table, the violations of that table and
 * of those that refer to it are noted; when the migration is sealed they are
 * looked up again, and what is new is an error.  Only tables that were touched
 * are looked at: a check of everything would read the whole database.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_driver.h"

/* --- violations -------------------------------------------------------------------- */

static uint64_t hash_link(const char *parent, const char *number)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *parent; parent++)
		h = (h ^ (unsigned char)(*parent >= 'A' && *parent <= 'Z' ? *parent + 32 : *parent)) *
		    UINT64_C(0x100000001b3);
	for (; *number; number++)
		h = (h ^ (unsigned char)*number) * UINT64_C(0x100000001b3);
	return h;
}

static int compare_rows(const void *a, const void *b)
{
	const struct sq_fk_row *x = a, *y = b;

	if (x->rowid != y->rowid)
		return x->rowid < y->rowid ? -1 : 1;
	return x->link < y->link ? -1 : x->link > y->link;
}

static struct sq_fk_row row_of(const char *const *value)
{
	return (struct sq_fk_row){ .rowid = value[0] ? strtoll(value[0], NULL, 10) : 0,
	                           .link = hash_link(value[1] ? value[1] : "", value[2] ? value[2] : "") };
}

static int add_row(void *arg, const char *const *value, const size_t *len)
{
	struct sq_fk_table *t = arg;

	(void)len;
	if (drv_grow(&t->row, &t->cap_row, t->n_row + 1, sizeof *t->row) < 0)
		return DUNLIN_ENOMEM;
	t->row[t->n_row++] = row_of(value);
	return DUNLIN_OK;
}

static const char check_sql[] =
	"SELECT rowid, parent, fkid FROM pragma_foreign_key_check(?1, 'main')";

/* A key whose parent has no unique index over it cannot be checked: SQLite
 * calls that a mismatch and gives an error instead of rows. */
static int read_violations(struct dunlin_conn *c, struct sq_fk_table *t, struct dunlin_driver_error *err)
{
	int status;

	t->n_row = 0;
	t->is_mismatch = 0;
	c->rc = SQLITE_OK;
	status = sq_each(c, check_sql, t->name, add_row, t, err);
	if (status == DUNLIN_ERROR && (c->rc & 0xff) == SQLITE_ERROR) {
		drv_error_clear(err);
		t->is_mismatch = 1;
		t->n_row = 0;
		status = DUNLIN_OK;
	}
	if (t->n_row)
		qsort(t->row, t->n_row, sizeof *t->row, compare_rows);
	return status;
}

static struct sq_fk_table *find_table(struct sq_fk *fk, const char *name)
{
	size_t i;

	for (i = fk->n_table; i > 0; i--) /* the last ones are asked for most */
		if (sqlite3_stricmp(fk->table[i - 1].name, name) == 0)
			return &fk->table[i - 1];
	return NULL;
}

static struct sq_fk_table *add_table(struct sq_fk *fk, const char *name)
{
	struct sq_fk_table *t;

	if (drv_grow(&fk->table, &fk->cap_table, fk->n_table + 1, sizeof *fk->table) < 0)
		return NULL;
	t = &fk->table[fk->n_table];
	*t = (struct sq_fk_table){ .name = drv_strdup(name) };
	if (!t->name)
		return NULL;
	fk->n_table++;
	return t;
}

/* --- touching ----------------------------------------------------------------------- */

static int touch_one(struct dunlin_conn *c, const char *name, int is_reshaped, struct dunlin_driver_error *err)
{
	struct sq_fk_table *t = find_table(&c->fk, name);
	int status = DUNLIN_OK;

	if (!t)
		t = add_table(&c->fk, name);
	if (!t)
		return drv_nomem(err);
	if (!t->is_known && sq_fk_is_child(&c->fk, name))
		status = read_violations(c, t, err);
	t->is_known = status == DUNLIN_OK;
	t->is_touched = 1;
	t->is_reshaped |= is_reshaped != 0;
	return status;
}

static int touch(struct dunlin_conn *c, const char *name, int is_reshaped, struct dunlin_driver_error *err)
{
	struct sq_fk_table *t = find_table(&c->fk, name);
	int status;
	size_t i;

	if (t && t->level > is_reshaped)
		return DUNLIN_OK;
	for (i = 0; i < c->fk.n_pair; i++) {
		if (sqlite3_stricmp(c->fk.pair[i].parent, name) != 0)
			continue;
		status = touch_one(c, c->fk.pair[i].child, is_reshaped, err);
		if (status != DUNLIN_OK)
			return status;
	}
	status = touch_one(c, name, is_reshaped, err);
	if (status == DUNLIN_OK)
		find_table(&c->fk, name)->level = (uint8_t)(is_reshaped + 1);
	return status;
}

static int touch_all(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK;
	size_t i;

	for (i = 0; i < c->fk.n_pair && status == DUNLIN_OK; i++)
		status = touch_one(c, c->fk.pair[i].child, 1, err);
	return status;
}

static int for_tables(struct dunlin_conn *c, struct dunlin_driver_error *err,
                      int (*fn)(struct dunlin_conn *, const char *, struct dunlin_driver_error *))
{
	const struct drv_text *t = &c->seen.tables;
	int status = DUNLIN_OK;
	size_t at;

	for (at = 0; at < t->len && status == DUNLIN_OK; at += strlen(t->p + at) + 1)
		status = fn(c, t->p + at, err);
	return status;
}

static int touch_seen(struct dunlin_conn *c, const char *name, struct dunlin_driver_error *err)
{
	return touch(c, name, c->seen.has_ddl, err);
}

static int root_of(struct dunlin_conn *c, const char *name, struct dunlin_driver_error *err);

int sq_fk_before(struct dunlin_conn *c, const char *sql, size_t len, struct dunlin_driver_error *err)
{
	struct sq_fk *fk = &c->fk;
	int is_edited = c->seen.has_schema_write && !c->seen.has_ddl;
	int status;

	if (c->seen.tables.len == 0 && !is_edited)
		return DUNLIN_OK;
	if (fk->n_pair == 0 && !is_edited &&
	    (!c->seen.has_create_table || !drv_contains_word(sql, len, "references")))
		return DUNLIN_OK;
	if (is_edited) {
		fk->is_all = 1;
		status = touch_all(c, err);
		if (status != DUNLIN_OK)
			return status;
	}
	fk->altered_root = 0;
	status = for_tables(c, err, touch_seen);
	if (status == DUNLIN_OK && c->seen.has_alter_table)
		status = for_tables(c, err, root_of);
	return status;
}

/* --- tables that change their name ---------------------------------------------------- */

static int take_root(void *arg, const char *const *value, const size_t *len)
{
	(void)len;
	*(int64_t *)arg = value[0] ? strtoll(value[0], NULL, 10) : 0;
	return DUNLIN_OK;
}

static int root_of(struct dunlin_conn *c, const char *name, struct dunlin_driver_error *err)
{
	return sq_each(c, "SELECT rootpage FROM main.sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE", name,
	             take_root, &c->fk.altered_root, err);
}

static int take_name(void *arg, const char *const *value, const size_t *len)
{
	char **name = arg;

	(void)len;
	if (!*name && value[0]) {
		*name = drv_strdup(value[0]);
		return *name ? DUNLIN_OK : DUNLIN_ENOMEM;
	}
	return DUNLIN_OK;
}

/* What was noted for the old name goes over to the new one; where a table of
 * that name was dropped before, as in a rebuild, both count. */
static int move_rows(struct sq_fk *fk, const char *from, const char *to)
{
	struct sq_fk_table *a = find_table(fk, from), *b = find_table(fk, to);
	size_t i;

	if (!a)
		return DUNLIN_OK;
	if (!b)
		b = add_table(fk, to);
	a = find_table(fk, from); /* the array may have moved */
	if (!b)
		return DUNLIN_ENOMEM;
	b->is_known = b->is_touched = b->is_reshaped = 1;
	if (drv_grow(&b->row, &b->cap_row, b->n_row + a->n_row + 1, sizeof *b->row) < 0)
		return DUNLIN_ENOMEM;
	for (i = 0; i < a->n_row; i++)
		b->row[b->n_row++] = a->row[i];
	b->is_mismatch |= a->is_mismatch;
	qsort(b->row, b->n_row, sizeof *b->row, compare_rows);
	return DUNLIN_OK;
}

static int after_alter(struct dunlin_conn *c, const char *old, struct dunlin_driver_error *err)
{
	static const char sql[] =
		"SELECT name FROM main.sqlite_master WHERE type = 'table' AND rootpage = CAST(?1 AS INTEGER)";
	char digits[24], *name = NULL;
	int status;

	if (c->fk.altered_root == 0) /* a virtual table */
		return DUNLIN_OK;
	snprintf(digits, sizeof digits, "%lld", (long long)c->fk.altered_root);
	status = sq_each(c, sql, digits, take_name, &name, err);
	if (status == DUNLIN_OK && name && strcmp(name, old) != 0) {
		if (sqlite3_stricmp(name, old) != 0 && move_rows(&c->fk, old, name) != DUNLIN_OK)
			status = drv_nomem(err);
		if (status == DUNLIN_OK)
			status = sq_fk_read_all(c, err);
		if (status == DUNLIN_OK)
			status = touch(c, name, 1, err);
	}
	drv_free(name);
	return status;
}

int sq_fk_after(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK;

	if (!c->seen.has_ddl || c->fk.n_table == 0)
		return DUNLIN_OK;
	status = for_tables(c, err, sq_fk_read_one);
	if (status == DUNLIN_OK && c->seen.has_alter_table)
		status = for_tables(c, err, after_alter);
	return status;
}

/* --- sealing ---------------------------------------------------------------------------- */

/* The first row of `now` that was not there before, and how many there are. */
static size_t count_new(const struct sq_fk_table *before, const struct sq_fk_table *now, struct sq_fk_row *first)
{
	size_t i = 0, j = 0, n_new = 0, n_gone = 0;
	int d;

	while (j < now->n_row) {
		d = i < before->n_row ? compare_rows(&before->row[i], &now->row[j]) : 1;
		if (d < 0) {
			n_gone++;
			i++;
		} else if (d > 0) {
			if (n_new++ == 0)
				*first = now->row[j];
			j++;
		} else {
			i++;
			j++;
		}
	}
	n_gone += before->n_row - i;
	/* A rebuilt table has other rowids and key numbers: there only more than
	 * before is new. */
	if (before->is_reshaped)
		return n_new > n_gone ? n_new - n_gone : 0;
	return n_new;
}

struct name_row {
	struct sq_fk_row want;
	char             rowid[24], parent[256];
	int              is_found;
};

static int name_row(void *arg, const char *const *value, const size_t *len)
{
	struct name_row *n = arg;
	struct sq_fk_row row = row_of(value);

	(void)len;
	if (n->is_found || compare_rows(&row, &n->want) != 0)
		return DUNLIN_OK;
	n->is_found = 1;
	snprintf(n->rowid, sizeof n->rowid, "%s", value[0] ? value[0] : "");
	snprintf(n->parent, sizeof n->parent, "%s", value[1] ? value[1] : "");
	return DUNLIN_OK;
}

static int violated(struct dunlin_conn *c, const char *child, struct sq_fk_row first, size_t n,
                    struct dunlin_driver_error *err)
{
	struct name_row row = { .want = first };

	sq_each(c, check_sql, child, name_row, &row, NULL);
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONSTRAINT, SQLITE_CONSTRAINT_FOREIGNKEY,
	         "foreign key violated: row %s of '%s' has no parent in '%s'", row.rowid[0] ? row.rowid : "(without rowid)",
	         child, row.parent);
	if (n > 1)
		drv_detail(err, "and %zu more rows of '%s'", n - 1, child);
	drv_hint(err, "`PRAGMA foreign_key_check` lists such rows.");
	return DUNLIN_ERROR;
}

static int verify_table(struct dunlin_conn *c, struct sq_fk_table *t, struct dunlin_driver_error *err)
{
	struct sq_fk_table now = { .name = t->name };
	struct sq_fk_row first = { 0 };
	char text[300];
	size_t n;
	int status = DUNLIN_OK;

	if (sq_fk_is_child(&c->fk, t->name))
		status = read_violations(c, &now, err);
	n = status == DUNLIN_OK && !t->is_mismatch ? count_new(t, &now, &first) : 0;
	if (n)
		status = violated(c, t->name, first, n, err);
	if (status != DUNLIN_OK) {
		drv_free(now.row);
		return status;
	}
	if (now.is_mismatch && !t->is_mismatch) {
		snprintf(text, sizeof text, "the foreign keys of '%.200s' cannot be checked: a parent has no unique index over them",
		         t->name);
		sq_notice(c, DUNLIN_LOG_WARN, text);
	}
	drv_free(t->row);
	*t = now;
	t->is_known = 1;
	return DUNLIN_OK;
}

int sq_fk_verify(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct sq_fk *fk = &c->fk;
	int status = DUNLIN_OK;
	size_t i;

	if (fk->is_all) {
		status = sq_fk_read_all(c, err);
		if (status == DUNLIN_OK)
			status = touch_all(c, err);
	}
	for (i = 0; i < fk->n_table && status == DUNLIN_OK; i++)
		if (fk->table[i].is_touched)
			status = verify_table(c, &fk->table[i], err);
	if (status == DUNLIN_OK)
		fk->is_all = 0;
	return status;
}

void sq_fk_forget_tables(struct sq_fk *fk)
{
	while (fk->n_table > 0) {
		fk->n_table--;
		drv_free(fk->table[fk->n_table].name);
		drv_free(fk->table[fk->n_table].row);
	}
	fk->is_all = 0;
}
