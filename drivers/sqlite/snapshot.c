/*
 * snapshot.c - the schema as a sorted list of facts.
 *
 * What a PRAGMA tells is taken from it; checks and generated columns, for
 * which there is none, are read out of the table's own text.  Facts say what a
 * schema does, not how it came to be: names that SQLite makes up, the order of
 * columns, spelling and spacing are left out.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdlib.h>
#include <string.h>

#include "sqlite_driver.h"

struct facts {
	struct dunlin_conn *c;
	const char *const *ignore;
	size_t n_ignore;
	char **fact;
	size_t n, cap;
	struct dunlin_driver_error *err;
	/* What a row callback is about. */
	const char *table;
	struct drv_text line, key; /* being built */
	struct drv_text sql;
	int is_unique, is_partial, n_key;
};

/* --- keeping facts ----------------------------------------------------------------- */

static int keep(struct facts *f)
{
	char *s = f->line.is_failed ? NULL : drv_strndup(f->line.p ? f->line.p : "", f->line.len);

	drv_text_reset(&f->line);
	if (!s || drv_grow(&f->fact, &f->cap, f->n + 1, sizeof *f->fact) < 0) {
		drv_free(s);
		return drv_nomem(f->err);
	}
	f->fact[f->n++] = s;
	return DUNLIN_OK;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_ignored(const struct facts *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n_ignore; i++)
		if (sqlite3_stricmp(f->ignore[i], name) == 0)
			return 1;
	return 0;
}

static int query(struct facts *f, const char *sql, const char *name, sq_row_fn *row)
{
	return sq_each(f->c, sql, name, row, f, f->err);
}

/* --- columns ------------------------------------------------------------------------ */

static void lower_add(struct drv_text *t, const char *s)
{
	char c;

	for (; *s; s++) {
		c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
		drv_text_add(t, &c, 1);
	}
}

static int column_collation(struct facts *f, const char *column)
{
	const char *collation = NULL;

	if (sqlite3_table_column_metadata(f->c->db, "main", f->table, column, NULL, &collation, NULL, NULL, NULL) !=
	        SQLITE_OK ||
	    !collation || sqlite3_stricmp(collation, "BINARY") == 0)
		return DUNLIN_OK;
	drv_text_addf(&f->line, "column %s.%s collate ", f->table, column);
	lower_add(&f->line, collation);
	return keep(f);
}

/* name, type, notnull, default, hidden */
static int column(void *arg, const char *const *v, const size_t *len)
{
	struct facts *f = arg;
	int status;

	drv_text_addf(&f->line, "column %s.%s type ", f->table, v[0]);
	if (v[1])
		lower_add(&f->line, v[1]);
	status = keep(f);
	if (status == DUNLIN_OK && v[2] && *v[2] == '1') {
		drv_text_addf(&f->line, "column %s.%s not null", f->table, v[0]);
		status = keep(f);
	}
	if (status == DUNLIN_OK && v[3]) {
		drv_text_addf(&f->line, "column %s.%s default", f->table, v[0]);
		drv_normalise(SQ_LEX, v[3], len[3], &f->line);
		status = keep(f);
	}
	if (status == DUNLIN_OK && v[4] && *v[4] != '0') {
		drv_text_addf(&f->line, "column %s.%s %s", f->table, v[0],
		             *v[4] == '2' ? "generated virtual" : *v[4] == '3' ? "generated stored" : "hidden");
		status = keep(f);
	}
	return status == DUNLIN_OK ? column_collation(f, v[0]) : status;
}

static int key_column(void *arg, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)len;
	drv_text_addf(&f->key, "%s%s", f->n_key++ ? ", " : "", v[0] ? v[0] : "?");
	return DUNLIN_OK;
}

static int columns(struct facts *f)
{
	int status = query(f, "SELECT name, type, \"notnull\", dflt_value, hidden FROM pragma_table_xinfo(?1, 'main')",
	                   f->table, column);

	f->n_key = 0;
	drv_text_reset(&f->key);
	if (status == DUNLIN_OK)
		status = query(f, "SELECT name FROM pragma_table_info(?1, 'main') WHERE pk > 0 ORDER BY pk", f->table, key_column);
	if (status != DUNLIN_OK || f->n_key == 0)
		return status;
	drv_text_addf(&f->line, "primary-key %s (%s)", f->table, f->key.p ? f->key.p : "");
	f->line.is_failed |= f->key.is_failed;
	return keep(f);
}

/* --- foreign keys: id, table, from, to, on_update, on_delete, match -------------------- */

static int foreign_key(void *arg, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)len;
	drv_text_addf(&f->line, "foreign-key %s (%s) references %s", f->table, v[0], v[1]);
	if (v[2])
		drv_text_addf(&f->line, " (%s)", v[2]);
	drv_text_adds(&f->line, " on update ");
	lower_add(&f->line, v[3]);
	drv_text_adds(&f->line, " on delete ");
	lower_add(&f->line, v[4]);
	return keep(f);
}

static int foreign_keys(struct facts *f)
{
	return query(f,
		"SELECT group_concat(\"from\", ', '), max(\"table\"), group_concat(\"to\", ', '), max(on_update), max(on_delete)"
		" FROM (SELECT * FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq) GROUP BY id",
		f->table, foreign_key);
}

/* --- indexes ------------------------------------------------------------------------------ */

/* name or NULL for an expression, desc, collation */
static int index_column(void *arg, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)len;
	drv_text_addf(&f->key, "%s%s", f->n_key++ ? ", " : "", v[0] ? v[0] : "<expression>");
	if (v[2] && sqlite3_stricmp(v[2], "BINARY") != 0) {
		drv_text_adds(&f->key, " collate ");
		lower_add(&f->key, v[2]);
	}
	if (v[1] && *v[1] == '1')
		drv_text_adds(&f->key, " desc");
	return DUNLIN_OK;
}

/* name, unique, origin, sql */
static int index_fact(void *arg, const char *const *v, const size_t *len)
{
	struct facts *f = arg;
	struct drv_text key = { 0 }, text = { 0 };
	const char *body;
	int status;

	f->n_key = 0;
	drv_text_reset(&f->key);
	status = query(f, "SELECT name, \"desc\", coll FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno", v[0],
	               index_column);
	key = f->key;
	f->key = (struct drv_text){ 0 };
	if (status == DUNLIN_OK && *v[2] == 'u') { /* of a UNIQUE constraint: its name is made up */
		drv_text_addf(&f->line, "unique %s (%s)", f->table, key.p ? key.p : "");
		status = keep(f);
	} else if (status == DUNLIN_OK && *v[2] == 'c') {
		drv_text_addf(&f->line, "index %s on %s (%s)%s", v[0], f->table, key.p ? key.p : "", *v[1] == '1' ? " unique" : "");
		/* Expressions and the condition stand in the text only. */
		if (v[3])
			drv_normalise(SQ_LEX, v[3], len[3], &text);
		body = text.p ? strstr(text.p, " where ") : NULL;
		if (key.p && strstr(key.p, "<expression>") && text.p && strchr(text.p, '('))
			drv_text_addf(&f->line, " as %s", strchr(text.p, '('));
		else if (body)
			drv_text_adds(&f->line, body);
		f->line.is_failed |= text.is_failed | key.is_failed;
		status = keep(f);
	}
	drv_text_clear(&key);
	drv_text_clear(&text);
	return status;
}

static int indexes(struct facts *f)
{
	return query(f,
		"SELECT l.name, l.\"unique\", l.origin, m.sql FROM pragma_index_list(?1, 'main') l"
		" LEFT JOIN main.sqlite_master m ON m.type = 'index' AND m.name = l.name",
		f->table, index_fact);
}

/* --- what only the text tells ---------------------------------------------------------------- */

/* The tokens up to the parenthesis that closes the one just read. */
static void parenthesis(const char **p, const char *end, struct drv_text *out)
{
	struct drv_token t;
	char prev = '(';
	int depth = 1;

	drv_text_add(out, "(", 1);
	while (depth > 0 && (t = drv_token_next(SQ_LEX, p, end)).kind != DRV_TOKEN_END) {
		depth += drv_token_is(&t, "(") - drv_token_is(&t, ")");
		drv_normalise_token(&t, out, &prev);
	}
}

/* CHECK (..) and AS (..) of a CREATE TABLE, and the words after its body. */
static int table_text(struct facts *f, const char *sql, size_t len)
{
	const char *p = sql, *end = sql + len;
	struct drv_token t, before = { 0 };
	struct drv_text column_name = { 0 };
	int depth = 0, is_first = 0, status = DUNLIN_OK;

	while (status == DUNLIN_OK && (t = drv_token_next(SQ_LEX, &p, end)).kind != DRV_TOKEN_END) {
		if (is_first)
			drv_token_name(&t, &column_name);
		is_first = depth < 2 && (drv_token_is(&t, "(") || drv_token_is(&t, ",")) && depth + drv_token_is(&t, "(") == 1;
		if (drv_token_is(&t, "(") && depth == 1 && (drv_token_is(&before, "CHECK") || drv_token_is(&before, "AS"))) {
			if (drv_token_is(&before, "CHECK"))
				drv_text_addf(&f->line, "check %s ", f->table);
			else
				drv_text_addf(&f->line, "column %s.%s as ", f->table, column_name.p ? column_name.p : "");
			parenthesis(&p, end, &f->line);
			status = keep(f);
		} else {
			depth += drv_token_is(&t, "(") - drv_token_is(&t, ")");
		}
		if (status == DUNLIN_OK &&
		    ((depth == 1 && drv_token_is(&t, "AUTOINCREMENT")) || (depth == 0 && drv_token_is(&t, "STRICT")) ||
		     (depth == 0 && drv_token_is(&t, "WITHOUT")))) {
			drv_text_addf(&f->line, "table %s ", f->table);
			lower_add(&f->line, drv_token_is(&t, "WITHOUT") ? "without rowid" : drv_token_is(&t, "STRICT") ? "strict" :
			          "autoincrement");
			status = keep(f);
		}
		if (status == DUNLIN_OK && depth == 1 && drv_token_is(&t, "DEFERRED") && drv_token_is(&before, "INITIALLY")) {
			drv_text_addf(&f->line, "foreign-key %s.%s initially deferred", f->table, column_name.p ? column_name.p : "");
			status = keep(f);
		}
		before = t;
	}
	if (column_name.is_failed)
		status = drv_nomem(f->err);
	drv_text_clear(&column_name);
	return status;
}

/* --- objects ------------------------------------------------------------------------------------ */

static int table(struct facts *f, const char *sql, size_t len)
{
	int status;

	drv_text_addf(&f->line, "table %s", f->table);
	status = keep(f);
	if (status == DUNLIN_OK)
		status = columns(f);
	if (status == DUNLIN_OK)
		status = foreign_keys(f);
	if (status == DUNLIN_OK)
		status = indexes(f);
	return status == DUNLIN_OK ? table_text(f, sql, len) : status;
}

static int by_text(struct facts *f, const char *kind, const char *name, const char *sql, size_t len)
{
	drv_text_addf(&f->line, "%s %s as", kind, name);
	drv_normalise(SQ_LEX, sql, len, &f->line);
	return keep(f);
}

/* type, name, tbl_name, sql; a table's own tbl_name is its name */
static int object(void *arg, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	if (!v[0] || !v[1] || !v[2] || !v[3] || is_ignored(f, v[2]))
		return DUNLIN_OK;
	if (strcmp(v[0], "view") == 0 || strcmp(v[0], "trigger") == 0)
		return by_text(f, v[0], v[1], v[3], len[3]);
	if (sqlite3_strnicmp(v[3], "CREATE VIRTUAL", 14) == 0)
		return by_text(f, "virtual-table", v[1], v[3], len[3]);
	f->table = v[1];
	return table(f, v[3], len[3]);
}

/* Shadow tables belong to a virtual table, which makes them as it likes. */
static const char objects_sql[] =
	"SELECT m.type, m.name, m.tbl_name, m.sql FROM main.sqlite_master m"
	" WHERE m.type IN ('table', 'view', 'trigger') AND substr(m.name, 1, 7) <> 'sqlite_'"
	" AND NOT EXISTS (SELECT 1 FROM pragma_table_list l"
	"                 WHERE l.schema = 'main' AND l.type = 'shadow' AND l.name = m.name)";

static int collect(struct facts *f)
{
	return query(f, objects_sql, NULL, object);
}

int sq_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact, void *arg,
                struct dunlin_driver_error *err)
{
	struct facts f = { .c = c, .ignore = ignore, .n_ignore = n_ignore, .err = err };
	int status = sq_enter(c, err), is_own_tx;
	size_t i;

	if (status != DUNLIN_OK)
		return status;
	sq_wait_budget(c, -1);
	/* One transaction, so that all facts are of one moment. */
	is_own_tx = sqlite3_get_autocommit(c->db);
	if (is_own_tx)
		status = sq_do(c, "BEGIN", err);
	if (status == DUNLIN_OK)
		status = collect(&f);
	if (is_own_tx && !sqlite3_get_autocommit(c->db))
		sq_do(c, "ROLLBACK", NULL);
	if (f.n)
		qsort(f.fact, f.n, sizeof *f.fact, compare);
	for (i = 0; i < f.n; i++) {
		if (status == DUNLIN_OK && (i == 0 || strcmp(f.fact[i - 1], f.fact[i]) != 0))
			status = fact(arg, f.fact[i], strlen(f.fact[i]));
		if (i > 0)
			drv_free(f.fact[i - 1]);
	}
	if (f.n)
		drv_free(f.fact[f.n - 1]);
	drv_free(f.fact);
	drv_text_clear(&f.line);
	drv_text_clear(&f.key);
	return status;
}
