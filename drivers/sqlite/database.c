/*
 * database.c - the file as a whole: made, removed, emptied.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_driver.h"

static int in_memory(struct dunlin_driver_error *err)
{
	return drv_error(err, DUNLIN_ENOTSUP, DUNLIN_CLASS_VALIDATION, 0, "a database in memory is not a file");
}

/* The options with create=1, so that a file that is not there is found out
 * where it matters and not while reading them. */
static int read_options(struct sq_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	struct dunlin_kv *with = drv_alloc((n + 1) * sizeof *with);
	int status;

	if (!with)
		return drv_nomem(err);
	if (n)
		memcpy(with, kv, n * sizeof *kv);
	with[n] = (struct dunlin_kv){ "create", "1" };
	status = sq_options_read(o, with, n + 1, err);
	drv_free(with);
	if (status == DUNLIN_OK && !o->file) {
		sq_options_clear(o);
		status = in_memory(err);
	}
	return status;
}

/* --- create ------------------------------------------------------------------------- */

/* Opens it with all that the URL asks for, and has its first page written: an
 * empty file is no sign that somebody meant to make a database. */
static int write_header(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                        struct dunlin_driver_error *err)
{
	struct dunlin_kv *with = drv_alloc((n + 1) * sizeof *with);
	struct dunlin_conn *c = NULL;
	int status;

	if (!with)
		return drv_nomem(err);
	if (n)
		memcpy(with, kv, n * sizeof *kv);
	with[n] = (struct dunlin_kv){ "create", "1" };
	status = sq_open(with, n + 1, ctl, &c, err);
	drv_free(with);
	if (status == DUNLIN_OK)
		status = sq_pragma(c, "PRAGMA main.application_id=0", err);
	sq_close(c);
	return status;
}

int sq_create_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                       struct dunlin_driver_error *err)
{
	struct sq_lock lock = { .fd = -1 };
	struct sq_options o;
	struct stat st;
	int status;

	drv_error_clear(err);
	status = read_options(&o, kv, n, err);
	if (status != DUNLIN_OK)
		return status;
	status = sq_sidecar_take(&lock, o.file, "create", err);
	if (status == DUNLIN_OK && stat(o.file, &st) == 0) {
		status = drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_SCHEMA, EEXIST, "the database file '%s' exists already", o.file);
		drv_hint(err, "Use it as it is, give another path, or delete it by `dunlin drop` first.");
	}
	if (status == DUNLIN_OK)
		status = write_header(kv, n, ctl, err);
	sq_sidecar_drop(&lock, o.file);
	sq_options_clear(&o);
	return status;
}

/* --- drop ------------------------------------------------------------------------------ */

static int remove_file(const char *file, const char *suffix, struct dunlin_driver_error *err)
{
	struct drv_text path = { 0 };
	int status = DUNLIN_OK;

	drv_text_addf(&path, "%s%s", file, suffix);
	if (path.is_failed)
		status = drv_nomem(err);
	else if (unlink(path.p) < 0 && errno != ENOENT)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_PERMISSION, errno, "cannot remove '%s': %s", path.p,
		                  strerror(errno));
	drv_text_clear(&path);
	return status;
}

/* Proves that it is a database and that nobody else is at it. */
static int own_alone(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status;

	sq_wait_budget(c, SQ_NO_WAIT);
	/* In WAL mode an exclusive transaction alone keeps no reader out. */
	status = sq_pragma(c, "PRAGMA main.locking_mode=exclusive", err);
	return status == DUNLIN_OK ? sq_do(c, "BEGIN EXCLUSIVE", err) : status;
}

static int remove_all(const struct sq_options *o, const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                      struct dunlin_driver_error *err)
{
	static const char *const suffixes[] = { "-journal", "-wal", "-shm", "" };
	struct dunlin_conn *c = NULL;
	int status = sq_open(kv, n, ctl, &c, err);
	size_t i;

	if (status == DUNLIN_OK && c->is_read_only)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_PERMISSION, SQLITE_READONLY, "the database is open for reading only");
	if (status == DUNLIN_OK)
		status = own_alone(c, err);
	/* The file last: as long as it is there, drop can be asked for again. */
	for (i = 0; i < sizeof suffixes / sizeof *suffixes && status == DUNLIN_OK; i++)
		status = remove_file(o->file, suffixes[i], err);
	sq_close(c);
	return status;
}

int sq_drop_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                     struct dunlin_driver_error *err)
{
	struct sq_lock lock = { .fd = -1 };
	struct sq_options o;
	int status;

	drv_error_clear(err);
	status = read_options(&o, kv, n, err);
	if (status != DUNLIN_OK)
		return status;
	if (o.is_missing)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, ENOENT, "no such database file '%s'", o.file);
	if (status == DUNLIN_OK)
		status = sq_sidecar_take(&lock, o.file, "drop", err);
	if (status == DUNLIN_OK)
		status = remove_all(&o, kv, n, ctl, err);
	sq_sidecar_drop(&lock, o.file);
	sq_options_clear(&o);
	return status;
}

/* --- scratch ------------------------------------------------------------------------------ */

static void add_encoded(struct drv_text *t, const char *path)
{
	for (; *path; path++)
		if (strchr("%?#", *path) || (unsigned char)*path <= 0x20 || *path == 0x7f)
			drv_text_addf(t, "%%%02X", (unsigned)(unsigned char)*path);
		else
			drv_text_add(t, path, 1);
}

int sq_scratch(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, char *url, size_t url_size,
               struct dunlin_driver_error *err)
{
	const char *folder = getenv("TMPDIR");
	struct drv_text path = { 0 }, text = { 0 };
	int fd, status = DUNLIN_OK;

	(void)kv;
	(void)n;
	(void)ctl;
	drv_error_clear(err);
	drv_text_addf(&path, "%s/dunlin-scratch-XXXXXX", folder && folder[0] == '/' ? folder : "/tmp");
	if (path.is_failed)
		return drv_nomem(err);
	/* An empty file is an empty database; nobody can have opened it yet. */
	fd = mkstemp(path.p);
	if (fd < 0) {
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_PERMISSION, errno, "cannot make a file '%s': %s", path.p,
		                  strerror(errno));
	} else {
		close(fd);
		drv_text_adds(&text, "sqlite:");
		add_encoded(&text, path.p);
		if (text.is_failed)
			status = drv_nomem(err);
		else if (text.len >= url_size)
			status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0, "no room for the URL '%s'", text.p);
		else
			memcpy(url, text.p, text.len + 1);
		if (status != DUNLIN_OK)
			unlink(path.p);
	}
	drv_text_clear(&path);
	drv_text_clear(&text);
	return status;
}

/* --- drop every object ------------------------------------------------------------------------ */

static int take_statement(void *arg, const char *const *value, const size_t *len)
{
	struct drv_text *sql = arg;

	(void)len;
	drv_text_addf(sql, "DROP %s IF EXISTS main.", value[0]);
	drv_text_quote(sql, value[1]);
	drv_text_add(sql, "", 1);
	return sql->is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

/* Triggers and views name tables; a virtual table takes its shadows along. */
static const char drop_sql[] =
	"SELECT type, name FROM main.sqlite_master"
	" WHERE type IN ('trigger', 'view', 'table') AND substr(name, 1, 7) <> 'sqlite_'"
	" ORDER BY CASE type WHEN 'trigger' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, sql NOT LIKE 'CREATE VIRTUAL%', name";

static int drop_each(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 };
	int status = sq_each(c, drop_sql, NULL, take_statement, &sql, err);
	size_t at;

	for (at = 0; status == DUNLIN_OK && at < sql.len; at += strlen(sql.p + at) + 1)
		status = sq_pragma(c, sql.p + at, err);
	drv_text_clear(&sql);
	return status;
}

int sq_drop_objects(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char enforced[8] = "";
	int status = sq_enter(c, err);

	if (status == DUNLIN_OK && (c->tx.is_migration || sq_is_user_tx(c)))
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a transaction is open");
	if (status == DUNLIN_OK && c->tx.is_group)
		status = sq_group_commit(c, err);
	/* Enforced, DROP TABLE deletes the rows first, and minds who refers to them. */
	if (status == DUNLIN_OK)
		status = sq_scalar(c, "PRAGMA foreign_keys", enforced, sizeof enforced, err);
	if (status == DUNLIN_OK)
		status = sq_pragma(c, "PRAGMA foreign_keys=0", err);
	if (status == DUNLIN_OK)
		status = sq_group_begin(c, 0, -1, err);
	if (status == DUNLIN_OK)
		status = drop_each(c, err);
	if (status == DUNLIN_OK)
		status = sq_group_commit(c, err);
	if (status != DUNLIN_OK && c->db && c->tx.is_group)
		sq_group_rollback(c);
	if (c->db && enforced[0] == '1')
		sq_pragma(c, "PRAGMA foreign_keys=1", NULL);
	return status;
}
