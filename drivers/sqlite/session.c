/*
 * session.c - nothing of one migration's session reaches the next.
 *
 * Temporary objects, attached databases and PRAGMAs belong to a connection and
 * survive ROLLBACK.  What can hurt the bookkeeping is undone inside the
 * transaction, before the ledger is written (seal); the rest afterwards
 * (reset): a file gets a fresh connection, a database in memory and a handle
 * of the application's get every setting back that can be read.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "sqlite_driver.h"

/* Settings of a connection that can be read and set again.  The first ones
 * stand in the way of setting others. */
static const struct {
	const char *name;
	int         is_possible_in_tx;
} pragmas[] = {
	{ "query_only", 1 },           { "writable_schema", 1 },
	{ "ignore_check_constraints", 1 }, { "recursive_triggers", 1 },
	{ "defer_foreign_keys", 1 },   { "legacy_alter_table", 1 },
	{ "trusted_schema", 1 },       { "reverse_unordered_selects", 1 },
	{ "automatic_index", 1 },      { "cell_size_check", 1 },
	{ "count_changes", 1 },        { "empty_result_callbacks", 1 },
	{ "full_column_names", 1 },    { "short_column_names", 1 },
	{ "read_uncommitted", 1 },     { "checkpoint_fullfsync", 1 },
	{ "fullfsync", 1 },            { "cache_size", 1 },
	{ "cache_spill", 1 },          { "secure_delete", 1 },
	{ "journal_size_limit", 1 },   { "max_page_count", 1 },
	{ "mmap_size", 1 },            { "threads", 1 },
	{ "analysis_limit", 1 },       { "wal_autocheckpoint", 1 },
	{ "foreign_keys", 0 },         { "synchronous", 0 },
	{ "temp_store", 0 },           { "locking_mode", 0 },
};
#define N_PRAGMAS (sizeof pragmas / sizeof *pragmas)
_Static_assert(N_PRAGMAS <= SQ_N_PRAGMA, "room for each value");

static int read_pragma(struct dunlin_conn *c, size_t i, char *out, size_t size, struct dunlin_driver_error *err)
{
	char sql[64];

	snprintf(sql, sizeof sql, "PRAGMA %s", pragmas[i].name);
	return sq_scalar(c, sql, out, size, err);
}

/* Takes the values as they are before a file's first statement. */
int sq_session_note(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct sq_session *s = &c->session;
	int status = DUNLIN_OK;
	size_t i;

	if (s->has_values)
		return DUNLIN_OK;
	for (i = 0; i < N_PRAGMAS && status == DUNLIN_OK; i++)
		status = read_pragma(c, i, s->value[i], sizeof s->value[i], err);
	s->has_values = status == DUNLIN_OK;
	return status;
}

void sq_session_seen(struct dunlin_conn *c)
{
	struct sq_session *s = &c->session;

	s->is_pragma_dirty |= c->seen.has_pragma;
	s->is_like_dirty |= c->seen.has_like_pragma;
	s->is_temp_dirty |= c->seen.has_temp;
	s->is_attach_dirty |= c->seen.has_attach;
	/* CREATE, DROP and ALTER write sqlite_schema too, in SQLite's own name. */
	s->is_schema_dirty |= c->seen.has_schema_write && !c->seen.has_ddl;
}

int sq_session_is_dirty(const struct dunlin_conn *c)
{
	const struct sq_session *s = &c->session;

	return s->is_pragma_dirty || s->is_temp_dirty || s->is_attach_dirty || s->is_schema_dirty || s->is_broken;
}

static int restore_pragmas(struct dunlin_conn *c, int is_in_tx, struct dunlin_driver_error *err)
{
	char now[24], sql[96];
	const char *value;
	int status = DUNLIN_OK;
	size_t i;

	if (!c->session.has_values)
		return DUNLIN_OK;
	for (i = 0; i < N_PRAGMAS && status == DUNLIN_OK; i++) {
		if (is_in_tx && !pragmas[i].is_possible_in_tx)
			continue;
		status = read_pragma(c, i, now, sizeof now, err);
		value = c->session.value[i];
		if (status != DUNLIN_OK || strcmp(now, value) == 0 || !*value)
			continue;
		if (strcmp(pragmas[i].name, "secure_delete") == 0 && strcmp(value, "2") == 0)
			value = "fast"; /* read as 2, but 2 would set it to 1 */
		snprintf(sql, sizeof sql, "PRAGMA %s=%s", pragmas[i].name, value);
		status = sq_pragma(c, sql, err);
	}
	/* It cannot be read; this is what a connection starts with. */
	if (status == DUNLIN_OK && c->session.is_like_dirty)
		status = sq_pragma(c, "PRAGMA case_sensitive_like=0", err);
	return status;
}

static int has_name(const struct drv_text *names, const char *name)
{
	size_t at;

	for (at = 0; at < names->len; at += strlen(names->p + at) + 1)
		if (sqlite3_stricmp(names->p + at, name) == 0)
			return 1;
	return 0;
}

/* --- temporary objects and attached databases ------------------------------------ */

struct collect {
	struct drv_text        sql; /* statements, NUL-ended each */
	const struct drv_text *keep;
};

static int collect_drop(void *arg, const char *const *value, const size_t *len)
{
	struct collect *k = arg;

	(void)len;
	if (!value[0] || !value[1] || has_name(k->keep, value[1]))
		return DUNLIN_OK;
	drv_text_addf(&k->sql, "%s", value[0]);
	drv_text_quote(&k->sql, value[1]);
	drv_text_add(&k->sql, "", 1);
	return k->sql.is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

/* Runs a statement built of column 0 and the quoted name in column 1, for each row. */
static int for_each_name(struct dunlin_conn *c, const char *query, const struct drv_text *keep,
                         struct dunlin_driver_error *err)
{
	struct collect k = { .keep = keep };
	int status = sq_each(c, query, NULL, collect_drop, &k, err);
	size_t at;

	for (at = 0; status == DUNLIN_OK && at < k.sql.len; at += strlen(k.sql.p + at) + 1)
		status = sq_pragma(c, k.sql.p + at, err);
	drv_text_clear(&k.sql);
	return status;
}

/* Triggers and views first: they name the tables. */
static int drop_temp(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return for_each_name(c,
		"SELECT 'DROP ' || type || ' IF EXISTS temp.', name FROM sqlite_temp_master"
		" WHERE type IN ('trigger', 'view', 'table') AND substr(name, 1, 7) <> 'sqlite_'"
		" ORDER BY CASE type WHEN 'trigger' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, name",
		&c->session.keep_temp, err);
}

static int detach_all(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return for_each_name(c,
		"SELECT 'DETACH ', name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')",
		&c->session.keep_attached, err);
}

/* Reads the schema anew from what now stands in the file, so that a wrong hand
 * in sqlite_schema fails here and not after the commit. */
static int reload_schema(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char n[24];
	int status = sq_pragma(c, "PRAGMA writable_schema=RESET", err);

	return status == DUNLIN_OK ? sq_scalar(c, "SELECT count(*) FROM main.sqlite_master", n, sizeof n, err) : status;
}

int sq_session_seal(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct sq_session *s = &c->session;
	int status = DUNLIN_OK;

	if (s->is_pragma_dirty)
		status = restore_pragmas(c, 1, err);
	if (status == DUNLIN_OK && s->is_schema_dirty)
		status = reload_schema(c, err);
	if (status == DUNLIN_OK && s->is_temp_dirty)
		status = drop_temp(c, err);
	return status;
}

static int clean(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct sq_session *s = &c->session;
	int status = DUNLIN_OK;

	if (s->is_pragma_dirty)
		status = restore_pragmas(c, 0, err);
	if (status == DUNLIN_OK && s->is_schema_dirty)
		status = reload_schema(c, err);
	if (status == DUNLIN_OK && s->is_temp_dirty)
		status = drop_temp(c, err);
	if (status == DUNLIN_OK && s->is_attach_dirty)
		status = detach_all(c, err);
	return status;
}

int sq_session_reset(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct sq_session *s = &c->session;
	int status;

	if (!sq_session_is_dirty(c))
		return DUNLIN_OK;
	status = sq_is_file(c) && !c->is_adopted ? sq_reopen(c, err) : clean(c, err);
	if (status == DUNLIN_OK) {
		s->is_pragma_dirty = s->is_temp_dirty = s->is_attach_dirty = 0;
		s->is_schema_dirty = s->is_like_dirty = s->is_broken = 0;
	}
	return status;
}

void sq_session_clear(struct sq_session *s)
{
	drv_text_clear(&s->keep_temp);
	drv_text_clear(&s->keep_attached);
	*s = (struct sq_session){ 0 };
}
