/*
 * conn.c - a connection: opened, made anew between two migrations, closed.
 *
 * The database file is never opened but by SQLite: closing any other
 * descriptor of it would drop the locks that this process holds on it.
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

/* Virtual machine steps between two looks at the clock: some 50 us. */
#define PROGRESS_STEPS 2000

int sq_is_file(const struct dunlin_conn *c)
{
	return c->opt.file != NULL;
}

/* What makes a handle ours; the authorizer stays for good. */
static int equip(struct dunlin_conn *c, sqlite3 *db)
{
	int rc;

	sqlite3_busy_handler(db, sq_on_busy, c);
	sqlite3_progress_handler(db, PROGRESS_STEPS, sq_on_progress, c);
	rc = sqlite3_set_authorizer(db, sq_authorize, c);
	if (rc == SQLITE_OK)
		/* DIRECTONLY: no view or trigger of the database may call it. */
		rc = sqlite3_create_function_v2(db, "dunlin_elapsed_ms", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, c,
		                                sq_elapsed_ms, NULL, NULL, NULL);
	return rc;
}

static void unequip(sqlite3 *db)
{
	sqlite3_create_function_v2(db, "dunlin_elapsed_ms", 0, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
	sqlite3_set_authorizer(db, NULL, NULL);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	sqlite3_busy_handler(db, NULL, NULL);
}

static void set_db(struct dunlin_conn *c, sqlite3 *db)
{
	pthread_mutex_lock(&c->mutex);
	c->db = db;
	pthread_mutex_unlock(&c->mutex);
}

/* Only what the file says now decides: changing the mode needs the file alone. */
static int try_journal_mode(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char now[16], sql[64];
	int status = sq_scalar(c, "PRAGMA main.journal_mode", now, sizeof now, err);

	if (status != DUNLIN_OK || sqlite3_stricmp(now, c->opt.journal_mode) == 0)
		return status;
	snprintf(sql, sizeof sql, "PRAGMA main.journal_mode=%s", c->opt.journal_mode);
	status = sq_scalar(c, sql, now, sizeof now, err);
	if (status == DUNLIN_OK && sq_is_file(c) && sqlite3_stricmp(now, c->opt.journal_mode) != 0)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "journal mode '%s' is not possible here: it is '%s'",
		                  c->opt.journal_mode, now);
	return status;
}

/* SQLite answers BUSY to this without asking the busy handler when two at once
 * want the file alone. */
static int set_journal_mode(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int64_t end;
	int status;

	if (!c->opt.journal_mode[0] || c->is_read_only)
		return DUNLIN_OK;
	sq_wait_budget(c, -1);
	end = drv_now_ms() + c->wait.budget_ms;
	while ((status = try_journal_mode(c, err)) == DUNLIN_EBUSY && drv_now_ms() < end && !sq_is_stopped(c))
		drv_sleep_ms(sq_jitter(c, 20));
	return status;
}

static int set_up(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char sql[64];
	int status;

	snprintf(sql, sizeof sql, "PRAGMA foreign_keys=%d", c->opt.foreign_keys);
	status = sq_pragma(c, sql, err);
	if (status == DUNLIN_OK && c->opt.synchronous[0]) {
		snprintf(sql, sizeof sql, "PRAGMA synchronous=%s", c->opt.synchronous);
		status = sq_pragma(c, sql, err);
	}
	return status;
}

/* Reads the file's first page, so that one which is no database is told at
 * once.  Somebody who writes just now is no reason to fail. */
static int look(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char version[24];
	int status;

	c->wait.budget_ms = 0;
	status = sq_scalar(c, "PRAGMA schema_version", version, sizeof version, err);
	if (status == DUNLIN_EBUSY) {
		drv_error_clear(err);
		return DUNLIN_OK;
	}
	if (status == DUNLIN_ERROR && err)
		err->errclass = DUNLIN_CLASS_CONNECTION;
	return status;
}

/* 1 and errno where no file can be made under that name. */
static int cannot_make(const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (!slash || n >= sizeof folder)
		return 0;
	memcpy(folder, n ? path : "/", n ? n : 1);
	folder[n ? n : 1] = '\0';
	return access(folder, W_OK | X_OK) < 0;
}

static int cannot_open(struct dunlin_conn *c, sqlite3 *db, int rc, struct dunlin_driver_error *err)
{
	const char *name = sq_is_file(c) ? c->opt.file : c->opt.memory_name;
	int sys = db ? sqlite3_system_errno(db) : 0;

	if (!db || rc == SQLITE_NOMEM)
		return drv_nomem(err);
	/* Where it could not be made, SQLite has tried to read it, and says that it is not there. */
	if (sys == ENOENT && sq_is_file(c) && (c->opt.open_flags & SQLITE_OPEN_CREATE) && cannot_make(name))
		sys = errno;
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, sqlite3_extended_errcode(db),
	                "cannot open the database file '%s': %s", name, sys ? strerror(sys) : sqlite3_errmsg(db));
}

static int connect(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	const char *name = sq_is_file(c) ? c->opt.file : c->opt.memory_name;
	sqlite3 *db = NULL;
	int rc, status;

	/* An absolute path: "file:..." as a name would be read as a URI. */
	rc = sqlite3_open_v2(name, &db, c->opt.open_flags, c->opt.vfs);
	if (rc != SQLITE_OK) {
		status = cannot_open(c, db, rc, err);
		sqlite3_close(db);
		return status;
	}
	sqlite3_extended_result_codes(db, 1);
	rc = equip(c, db);
	set_db(c, db);
	c->is_read_only = sqlite3_db_readonly(db, "main") == 1;
	status = rc == SQLITE_OK ? look(c, err) : sq_db_error(c, rc, 0, err);
	sq_wait_budget(c, -1);
	if (status == DUNLIN_OK)
		status = set_up(c, err);
	return status;
}

static void disconnect(struct dunlin_conn *c)
{
	sqlite3 *db = c->db;

	sq_cache_clear(c);
	set_db(c, NULL);
	if (c->is_adopted && db)
		unequip(db);
	else
		sqlite3_close(db);
}

/* Remembers which file it is, or finds that it is another one by now. */
static int identify(struct dunlin_conn *c, int is_first, struct dunlin_driver_error *err)
{
	struct stat st;

	if (!sq_is_file(c))
		return DUNLIN_OK;
	if (stat(c->opt.file, &st) < 0)
		return c->opt.vfs ? DUNLIN_OK
		                  : drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, errno,
		                             "the database file '%s' is gone", c->opt.file);
	if (!is_first && (st.st_dev != c->dev || st.st_ino != c->ino))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "the database file '%s' was replaced", c->opt.file);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	return DUNLIN_OK;
}

static struct dunlin_conn *conn_new(const struct dunlin_control *ctl)
{
	struct dunlin_conn *c = drv_zalloc(sizeof *c);
	size_t size;

	if (!c)
		return NULL;
	size = ctl ? ctl->struct_size : 0;
	if (size)
		memcpy(&c->ctl, ctl, size < sizeof c->ctl ? size : sizeof c->ctl);
	pthread_mutex_init(&c->mutex, NULL);
	atomic_init(&c->is_cancelled, 0);
	c->lock.fd = -1;
	return c;
}

/* SQLite counts what it allocates, under a lock, for whoever may ask: a sixth of
 * a long run's time.  That can be switched off for a whole process only, and
 * before SQLite is used in it; later SQLite refuses, and all stays as it was. */
static void spare_counting(const struct dunlin_kv *kv, size_t n)
{
	const char *own = drv_option(kv, n, "own_process");

	if (own && strcmp(own, "1") == 0)
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int sq_open(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
            struct dunlin_driver_error *err)
{
	struct dunlin_conn *c = conn_new(ctl);
	int status;

	*out = NULL;
	drv_error_clear(err);
	if (!c)
		return drv_nomem(err);
	spare_counting(kv, n);
	status = sq_options_read(&c->opt, kv, n, err);
	if (status == DUNLIN_OK)
		status = connect(c, err);
	if (status == DUNLIN_OK)
		status = identify(c, 1, err);
	if (status == DUNLIN_OK)
		status = set_journal_mode(c, err);
	if (status != DUNLIN_OK) {
		sq_close(c);
		return status;
	}
	*out = c;
	return DUNLIN_OK;
}

static int text_from_rows(void *arg, const char *const *value, const size_t *len)
{
	struct drv_text *t = arg;

	drv_text_add(t, value[0], len[0] + 1);
	return t->is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

/* What is the application's own on its handle, and is to be left there. */
static int note_application(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	static const char temp[] = "SELECT name FROM sqlite_temp_master WHERE name IS NOT NULL";
	static const char attached[] = "SELECT name FROM pragma_database_list WHERE name IS NOT NULL";
	char timeout[24];
	int status = sq_session_note(c, err);

	if (status == DUNLIN_OK)
		status = sq_each(c, temp, NULL, text_from_rows, &c->session.keep_temp, err);
	if (status == DUNLIN_OK)
		status = sq_each(c, attached, NULL, text_from_rows, &c->session.keep_attached, err);
	if (status == DUNLIN_OK)
		status = sq_scalar(c, "PRAGMA busy_timeout", timeout, sizeof timeout, err);
	if (status == DUNLIN_OK)
		c->session.busy_timeout = (int)strtol(timeout, NULL, 10);
	return status;
}

int sq_adopt(void *handle, const struct dunlin_control *ctl, struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct dunlin_conn *c;
	sqlite3 *db = handle;
	const char *file;
	struct stat st;
	int rc, status;

	*out = NULL;
	drv_error_clear(err);
	if (!sqlite3_get_autocommit(db))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the handle is inside a transaction");
	c = conn_new(ctl);
	if (!c)
		return drv_nomem(err);
	c->is_adopted = 1;
	c->opt.busy_timeout_ms = -1;
	c->opt.lock_timeout_ms = 5000;
	c->is_read_only = sqlite3_db_readonly(db, "main") == 1;
	set_db(c, db);
	status = note_application(c, err);
	/* A name that is a real file gets the sidecar lock, whatever VFS it has. */
	file = sqlite3_db_filename(db, "main");
	if (status == DUNLIN_OK && file && *file && stat(file, &st) == 0 && S_ISREG(st.st_mode)) {
		c->opt.file = drv_strdup(file);
		status = c->opt.file ? identify(c, 1, err) : drv_nomem(err);
	}
	if (status == DUNLIN_OK) {
		rc = equip(c, db);
		status = rc == SQLITE_OK ? DUNLIN_OK : sq_db_error(c, rc, 0, err);
	}
	if (status != DUNLIN_OK) {
		sq_close(c);
		return status;
	}
	*out = c;
	return DUNLIN_OK;
}

void sq_close(struct dunlin_conn *c)
{
	sqlite3 *db;
	int timeout;

	if (!c)
		return;
	db = c->db;
	timeout = c->session.busy_timeout;
	c->wait.is_stop_ignored = 1;
	c->wait.budget_ms = 0;
	if (c->db && (c->tx.is_group || sq_is_user_tx(c)))
		sq_group_rollback(c);
	if (c->is_adopted && db)
		sq_session_reset(c, NULL);
	disconnect(c);
	if (c->is_adopted && db)
		sqlite3_busy_timeout(db, timeout);
	/* After the transaction: who takes the lock next must find it free. */
	sq_sidecar_drop(&c->lock, c->opt.file);
	sq_fk_clear(&c->fk);
	sq_session_clear(&c->session);
	drv_text_clear(&c->seen.tables);
	sq_options_clear(&c->opt);
	pthread_mutex_destroy(&c->mutex);
	drv_free(c);
}

int sq_reopen(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = identify(c, 0, err);

	if (status != DUNLIN_OK)
		return status;
	disconnect(c);
	c->opt.open_flags &= ~SQLITE_OPEN_CREATE;
	status = connect(c, err);
	if (status != DUNLIN_OK)
		disconnect(c);
	return status;
}

int sq_cancel(struct dunlin_conn *c)
{
	pthread_mutex_lock(&c->mutex);
	atomic_store(&c->is_cancelled, 1);
	if (c->db)
		sqlite3_interrupt(c->db);
	pthread_mutex_unlock(&c->mutex);
	return DUNLIN_OK;
}

int sq_enter(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	drv_error_clear(err);
	atomic_store(&c->is_cancelled, 0);
	c->wait.cause = SQ_CAUSE_NONE;
	c->rc = SQLITE_OK;
	return c->db ? DUNLIN_OK : sq_reopen(c, err);
}

void sq_notice(struct dunlin_conn *c, int level, const char *text)
{
	if (c->obs && c->obs->notice)
		c->obs->notice(c->obs->arg, c->obs_index, level, text);
	else
		drv_log(level, text);
}
