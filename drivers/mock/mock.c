/*
 * mock.c - the mock's functions as driver.h has them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Linked into a program it is registered under another name. */
#ifndef DUNLIN_DRIVER_ENTRY_NAME
#define DUNLIN_DRIVER_ENTRY_NAME dunlin_driver_entry_v1
#endif

#define CAPS (DUNLIN_CAP_TX | DUNLIN_CAP_TX_DDL | DUNLIN_CAP_SAVEPOINT | DUNLIN_CAP_LOCK | DUNLIN_CAP_COPY_IN | \
	DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_RESET_SESSION | DUNLIN_CAP_CANCEL | DUNLIN_CAP_SNAPSHOT | \
	DUNLIN_CAP_PROBE | DUNLIN_CAP_CREATE_DATABASE | DUNLIN_CAP_DROP_DATABASE | DUNLIN_CAP_SCRATCH | \
	DUNLIN_CAP_BLOCKERS | DUNLIN_CAP_ADOPT)

/* --- opening --------------------------------------------------------------------- */

static const char *option(const struct dunlin_kv *opt, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(opt[i].key, key) == 0)
			return opt[i].value;
	return NULL;
}

static int64_t number(const struct dunlin_kv *opt, size_t n, const char *key, int64_t otherwise)
{
	const char *value = option(opt, n, key);

	return value ? strtoll(value, NULL, 10) : otherwise;
}

static char *read_script(const char *path)
{
	char text[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

	if (fd >= 0)
		close(fd);
	return n < 0 ? NULL : mock_strndup(text, (size_t)n);
}

/* The same text again keeps what was counted.  Under mock_lock_all. */
static int use_script(struct mock_db *db, const char *text, struct dunlin_driver_error *err)
{
	struct mock_script *s;
	char *copy;

	if (db->script_text && strcmp(db->script_text, text) == 0)
		return DUNLIN_OK;
	s = mock_script_read(text, err);
	if (!s)
		return DUNLIN_ERROR;
	copy = mock_strndup(text, strlen(text));
	if (!copy) {
		mock_script_free(s);
		return DUNLIN_ENOMEM;
	}
	mock_free(db->script_text);
	db->script_text = copy;
	s->older = db->script;
	db->script = s;
	memset(db->passes, 0, sizeof db->passes);
	return DUNLIN_OK;
}

static int load_script(struct mock_db *db, const struct dunlin_kv *opt, size_t n, struct dunlin_driver_error *err)
{
	const char *path = option(opt, n, "script"), *text = option(opt, n, "inline");
	char *read = NULL;
	int rc;

	if (path && !(read = read_script(path)))
		return mock_fail(err, DUNLIN_CLASS_CONNECTION, "the script '%s' cannot be read: %s", path, strerror(errno));
	text = read ? read : text;
	rc = text ? use_script(db, text, err) : DUNLIN_OK;
	mock_free(read);
	return rc;
}

static int open_by_name(struct mock_conn *c, const char *name, const struct dunlin_kv *opt, size_t n,
                        struct dunlin_driver_error *err)
{
	int create = option(opt, n, "create") != NULL, rc;
	struct mock_pass pass;

	pthread_mutex_lock(&mock_lock_all);
	c->db = mock_db_find(name);
	rc = c->db ? load_script(c->db, opt, n, err) : DUNLIN_ENOMEM;
	pthread_mutex_unlock(&mock_lock_all);
	if (rc == DUNLIN_OK)
		rc = mock_before(c, &pass, MOCK_OPEN, NULL, 0, NULL, 0, err);
	if (rc == DUNLIN_OK) {
		/* It may wait for a writer, who may want to count: not under the lock. */
		mock_start_clocks(c, NULL);
		rc = mock_connect(c, create, err);
		pthread_mutex_lock(&mock_lock_all);
		c->db->n_conn++;
		pthread_mutex_unlock(&mock_lock_all);
		if (rc != DUNLIN_OK)
			mock_disconnect(c, 0);
	}
	mock_trace(c, 0, rc, create ? "open create" : "open", NULL, 0, NULL, 0);
	return rc;
}

static void free_conn(struct mock_conn *c)
{
	mock_free(c->trace);
	mock_free(c);
}

static int mock_open(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
                     struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	const char *path = option(opt, n, "path"), *trace = option(opt, n, "trace");
	struct mock_conn *c;
	int rc;

	*out = NULL;
	if (!path)
		return mock_fail(err, DUNLIN_CLASS_CONNECTION, "the URL names no database");
	c = mock_zalloc(sizeof *c);
	if (!c || (trace && !(c->trace = mock_strndup(trace, strlen(trace))))) {
		mock_free(c);
		return DUNLIN_ENOMEM;
	}
	c->ctl = ctl;
	c->lock_timeout_ms = number(opt, n, "lock_timeout_ms", 5000);
	c->statement_timeout_ms = number(opt, n, "statement_timeout_ms", 0);
	rc = open_by_name(c, path, opt, n, err);
	if (rc == DUNLIN_OK)
		*out = (struct dunlin_conn *)c;
	else
		free_conn(c);
	return rc;
}

static int mock_adopt(void *handle, const struct dunlin_control *ctl, struct dunlin_conn **out,
                      struct dunlin_driver_error *err)
{
	struct mock_conn *c = mock_zalloc(sizeof *c);
	const char *file = sqlite3_db_filename(handle, "main");
	char name[64];
	int rc;

	*out = NULL;
	if (!c)
		return DUNLIN_ENOMEM;
	c->sql = handle;
	c->is_adopted = 1;
	c->ctl = ctl;
	c->lock_timeout_ms = 5000;
	snprintf(name, sizeof name, ":adopted-%p", handle);
	rc = open_by_name(c, file && *file ? file : name, NULL, 0, err);
	if (rc == DUNLIN_OK)
		*out = (struct dunlin_conn *)c;
	else
		free_conn(c);
	return rc;
}

struct mock_conn *mock_conn_of(struct dunlin_conn *c)
{
	return (struct mock_conn *)c;
}

static void mock_close(struct dunlin_conn *dc)
{
	struct mock_conn *c = mock_conn_of(dc);

	if (!c)
		return;
	mock_trace(c, 0, 0, "close", NULL, 0, NULL, 0);
	mock_disconnect(c, 0);
	free_conn(c);
}

uint64_t mock_caps_of(const struct mock_conn *c)
{
	const struct mock_script *s = c->db->script;

	return s ? (CAPS & ~s->caps_off) | s->caps_on : CAPS;
}

static uint64_t mock_caps(struct dunlin_conn *c)
{
	return mock_caps_of(mock_conn_of(c));
}

/* --- the rest ---------------------------------------------------------------------------- */

static int mock_query(struct dunlin_conn *dc, const char *sql, size_t len, const struct dunlin_param *param,
                      size_t n_param, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	struct mock_conn *c = mock_conn_of(dc);
	struct mock_pass pass;
	int rc;

	atomic_store(&c->is_cancelled, 0);
	mock_start_clocks(c, NULL);
	rc = mock_before(c, &pass, MOCK_QUERY, sql, len, NULL, 0, err);
	if (rc == DUNLIN_OK)
		rc = mock_refuse_in_failed_tx(c, err);
	if (rc == DUNLIN_OK)
		rc = mock_exec(c, sql, len, param, n_param, row, arg, err);
	if (rc == DUNLIN_OK)
		rc = mock_after(c, &pass, err);
	mock_trace(c, 0, rc, "query", sql, len, param, n_param);
	return rc;
}

static int mock_tx_state(struct dunlin_conn *dc, int32_t *state, struct dunlin_driver_error *err)
{
	struct mock_conn *c = mock_conn_of(dc);
	struct mock_pass pass;
	int rc = mock_before(c, &pass, MOCK_TX_STATE, NULL, 0, NULL, 0, err);

	if (rc == DUNLIN_OK)
		*state = !mock_is_in_tx(c) ? DUNLIN_TX_NONE : c->is_tx_failed ? DUNLIN_TX_FAILED : DUNLIN_TX_OPEN;
	mock_trace(c, 0, rc, "tx_state", NULL, 0, NULL, 0);
	return rc;
}

static int mock_savepoint(struct dunlin_conn *dc, int op, const char *name, struct dunlin_driver_error *err)
{
	static const char *const verb[] = { "", "SAVEPOINT", "RELEASE", "ROLLBACK TO" };
	struct mock_conn *c = mock_conn_of(dc);
	struct mock_pass pass;
	char *sql = sqlite3_mprintf("%s \"%w\"", verb[op & 3], name);
	int rc = sql ? mock_before(c, &pass, MOCK_SAVEPOINT, sql, strlen(sql), NULL, 0, err) : DUNLIN_ENOMEM;

	if (rc == DUNLIN_OK)
		rc = mock_run(c, sql, err);
	if (rc == DUNLIN_OK && op == DUNLIN_SAVEPOINT_ROLLBACK)
		c->is_tx_failed = 0;
	mock_trace(c, 0, rc, "savepoint", sql, sql ? strlen(sql) : 0, NULL, 0);
	sqlite3_free(sql);
	return rc;
}

/* Around what has no SQL: faults before, then (by the caller) after, and the trace. */
#define CALL(dc, point, what, text, text_len, work) do { \
	struct mock_conn *c = mock_conn_of(dc); \
	struct mock_pass pass; \
	int rc = mock_before(c, &pass, point, text, text_len, NULL, 0, err); \
	if (rc == DUNLIN_OK) \
		rc = work; \
	if (rc == DUNLIN_OK) \
		rc = mock_after(c, &pass, err); \
	mock_trace(c, 0, rc, what, text, text_len, NULL, 0); \
	return rc; \
} while (0)

static int mock_take_lock(struct dunlin_conn *dc, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	CALL(dc, MOCK_LOCK, "lock", key, strlen(key), mock_lock(c, key, holder, err));
}

static int mock_give_lock(struct dunlin_conn *dc, const char *key, struct dunlin_driver_error *err)
{
	CALL(dc, MOCK_UNLOCK, "unlock", key, strlen(key), mock_unlock(c, key, err));
}

static int mock_see_lock(struct dunlin_conn *dc, const char *key, int32_t *held, char *holder, size_t holder_size,
                         char *since, size_t since_size, struct dunlin_driver_error *err)
{
	CALL(dc, MOCK_QUERY, "lock_info", key, strlen(key),
	     mock_lock_info(c, key, held, holder, holder_size, since, since_size, err));
}

static int mock_reset_session(struct dunlin_conn *dc, struct dunlin_driver_error *err)
{
	CALL(dc, MOCK_RESET, "reset", NULL, 0, mock_reset(c, err));
}

static int mock_take_snapshot(struct dunlin_conn *dc, const char *const *ignore, size_t n_ignore,
                              dunlin_fact_fn *fact, void *arg, struct dunlin_driver_error *err)
{
	CALL(dc, MOCK_SNAPSHOT, "snapshot", NULL, 0, mock_snapshot(c, ignore, n_ignore, fact, arg, err));
}

static int mock_wipe(struct dunlin_conn *dc, struct dunlin_driver_error *err)
{
	CALL(dc, MOCK_STATEMENT, "drop_objects", NULL, 0, mock_drop_objects(c, err));
}

static int mock_ask_probe(struct dunlin_conn *dc, const char *sql, size_t len, char *answer, size_t size,
                          struct dunlin_driver_error *err)
{
	struct mock_conn *c = mock_conn_of(dc);
	struct mock_pass pass;
	int rc = mock_before(c, &pass, MOCK_PROBE, sql, len, NULL, 0, err);

	if (rc == DUNLIN_OK)
		rc = mock_probe(c, sql, len, answer, size, err);
	mock_trace(c, 0, rc, "probe", sql, len, NULL, 0);
	return rc;
}

static int mock_cancel(struct dunlin_conn *c)
{
	atomic_store(&mock_conn_of(c)->is_cancelled, 1);
	return DUNLIN_OK;
}

static int mock_blockers(struct dunlin_conn *dc, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err)
{
	const struct mock_script *s = mock_conn_of(dc)->db->script;
	struct dunlin_blocker b = { .struct_size = sizeof b };

	(void)err;
	mock_trace(mock_conn_of(dc), 0, 0, "blockers", NULL, 0, NULL, 0);
	if (!s || !s->has_blocker)
		return DUNLIN_OK;
	b.pid = s->blocker_pid;
	b.user = s->blocker_user[0] ? s->blocker_user : NULL;
	b.application = s->blocker_application[0] ? s->blocker_application : NULL;
	b.query = s->blocker_query[0] ? s->blocker_query : NULL;
	b.since = s->blocker_since[0] ? s->blocker_since : NULL;
	return fn(arg, &b);
}

static int mock_create_database(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
                                struct dunlin_driver_error *err)
{
	const char *path = option(opt, n, "path");
	int fd;

	(void)ctl;
	if (!path || path[0] == ':')
		return path ? DUNLIN_OK : mock_fail(err, DUNLIN_CLASS_CONNECTION, "the URL names no database");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		mock_fail(err, DUNLIN_CLASS_SCHEMA, "'%s' cannot be made: %s", path, strerror(errno));
		return errno == EEXIST ? DUNLIN_EBUSY : DUNLIN_ERROR;
	}
	close(fd);
	return DUNLIN_OK;
}

static int mock_drop_database(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
                              struct dunlin_driver_error *err)
{
	const char *path = option(opt, n, "path");
	struct mock_db *db;
	int rc = DUNLIN_OK;

	(void)ctl;
	if (!path)
		return mock_fail(err, DUNLIN_CLASS_CONNECTION, "the URL names no database");
	pthread_mutex_lock(&mock_lock_all);
	db = mock_db_find(path);
	if (!db) {
		rc = DUNLIN_ENOMEM;
	} else if (db->n_conn > 0) {
		mock_fail(err, DUNLIN_CLASS_LOCK, "'%s' is in use", path);
		rc = DUNLIN_EBUSY;
	} else {
		sqlite3_close_v2(db->anchor);
		db->anchor = NULL;
		if (path[0] != ':' && unlink(path) < 0)
			rc = mock_fail(err, DUNLIN_CLASS_SCHEMA, "'%s' cannot be dropped: %s", path, strerror(errno));
	}
	pthread_mutex_unlock(&mock_lock_all);
	return rc;
}

static int mock_write_probe(struct dunlin_conn *dc, const char *sql, size_t len, char *expr, size_t size,
                            struct dunlin_driver_error *err)
{
	(void)err;
	return mock_probe_sql(mock_conn_of(dc), sql, len, expr, size);
}

static int mock_scratch(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
                        char *url, size_t url_size, struct dunlin_driver_error *err)
{
	static atomic_int number_of;

	(void)opt;
	(void)n;
	(void)ctl;
	(void)err;
	snprintf(url, url_size, "mock::scratch-%ld-%d", (long)getpid(), atomic_fetch_add(&number_of, 1));
	return DUNLIN_OK;
}

static const char *const schemes[] = { "mock", NULL };
static const char *const url_params[] = { "script", "inline", "trace", NULL };
static char client[40];

static const struct dunlin_driver driver = {
	.magic = DUNLIN_DRIVER_MAGIC,
	.struct_size = sizeof driver,
	.abi_minor = DUNLIN_DRIVER_ABI_MINOR,
	.flags = DUNLIN_DRIVER_FILE,
	.name = "mock",
	.version = "1",
	.client = client,
	.schemes = schemes,
	.url_params = url_params,
	.possible_caps = CAPS | DUNLIN_CAP_DDL_COMMITS | DUNLIN_CAP_READ_ONLY | DUNLIN_CAP_PROBE_SQL,
	.dialect = &mock_dialect,
	.open = mock_open,
	.close = mock_close,
	.caps = mock_caps,
	.exec = mock_single,
	.query = mock_query,
	.tx_state = mock_tx_state,
	.begin = mock_begin,
	.commit = mock_commit,
	.rollback = mock_rollback,
	.savepoint = mock_savepoint,
	.lock = mock_take_lock,
	.unlock = mock_give_lock,
	.lock_info = mock_see_lock,
	.exec_many = mock_exec_many,
	.reset_session = mock_reset_session,
	.cancel = mock_cancel,
	.snapshot = mock_take_snapshot,
	.probe = mock_ask_probe,
	.blockers = mock_blockers,
	.create_database = mock_create_database,
	.drop_database = mock_drop_database,
	.scratch = mock_scratch,
	.adopt_handle = mock_adopt,
	.drop_objects = mock_wipe,
	.probe_sql = mock_write_probe,
};

DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn DUNLIN_DRIVER_ENTRY_NAME;

const struct dunlin_driver *DUNLIN_DRIVER_ENTRY_NAME(const struct dunlin_host *host, struct dunlin_driver_error *err)
{
	(void)err;
	mock_host = host;
	snprintf(client, sizeof client, "SQLite %s", sqlite3_libversion());
	return &driver;
}
