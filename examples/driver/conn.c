/*
 * conn.c - opening, closing, a session made new, in a transaction or not.
 */
#include "odbc_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 5000

static const char *option(const struct dunlin_kv *opt, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(opt[i].key, key) == 0)
			return opt[i].value;
	return NULL;
}

static int64_t option_ms(const struct dunlin_kv *opt, size_t n, const char *key, int64_t otherwise)
{
	const char *value = option(opt, n, key);

	return value && *value ? strtoll(value, NULL, 10) : otherwise;
}

static void disconnect(struct dunlin_conn *c)
{
	if (c->is_connected)
		SQLDisconnect(c->dbc);
	c->is_connected = 0;
	if (c->dbc)
		SQLFreeHandle(SQL_HANDLE_DBC, c->dbc);
	if (c->env)
		SQLFreeHandle(SQL_HANDLE_ENV, c->env);
	c->dbc = NULL;
	c->env = NULL;
}

static int connect(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char text[PATH_MAX + 300];
	SQLCHAR name[64] = "";

	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &c->env)) ||
	    !SQL_SUCCEEDED(SQLSetEnvAttr(c->env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0)) ||
	    !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, c->env, &c->dbc)))
		return err_nomem(err);
	/* Timeout=0: it is statement.c that waits.  Without StepAPI all the work is
	 * done, and can be cancelled, in SQLExecute(); with it, in each SQLFetch(). */
	snprintf(text, sizeof text, "DRIVER=%s;Database=%s;NoCreat=%d;Timeout=0", c->driver, c->path,
	         !c->may_create);
	if (!SQL_SUCCEEDED(SQLDriverConnect(c->dbc, NULL, (SQLCHAR *)text, SQL_NTS, NULL, 0, NULL, SQL_DRIVER_NOPROMPT)))
		return err_diag(SQL_HANDLE_DBC, c->dbc, NULL, err);
	c->is_connected = 1;
	/* The dialect is one database's, so another one behind the name will not do. */
	SQLGetInfo(c->dbc, SQL_DBMS_NAME, name, sizeof name, NULL);
	if (strcmp((char *)name, "SQLite") != 0)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, "'%s' leads to %s, and this driver speaks SQLite",
		               c->driver, *name ? (char *)name : "an unknown database");
	return DUNLIN_OK;
}

/* SQLite opens the file when it is first read.  The clock is for the dialect's
 * elapsed_ms: begin() sets it, and nothing rolls it back. */
static int first_look(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct run look = { .sql = "SELECT count(*) FROM sqlite_master", .lock_timeout_ms = -1 };
	int status;

	look.len = strlen(look.sql);
	status = run_statement(c, &look, err);
	return status == DUNLIN_OK ? run_text(c, "CREATE TEMP TABLE dunlin_clock (id INTEGER PRIMARY KEY, at REAL)", err) : status;
}

static int read_options(struct dunlin_conn *c, const struct dunlin_kv *opt, size_t n, struct dunlin_driver_error *err)
{
	const char *path = option(opt, n, "path"), *driver = option(opt, n, "driver"), *create = option(opt, n, "create");
	char whole[PATH_MAX];

	driver = driver && *driver ? driver : "SQLite3";
	c->may_create = create && strcmp(create, "1") == 0;
	c->lock_timeout_ms = option_ms(opt, n, "lock_timeout_ms", LOCK_TIMEOUT_MS);
	c->statement_timeout_ms = option_ms(opt, n, "statement_timeout_ms", 0);
	if (!path || !*path || strlen(path) >= sizeof c->path)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, "the URL names no file");
	/* They would end the value in the connection string; what follows could set anything. */
	if (strpbrk(path, ";{}") || strpbrk(driver, ";{}=[]"))
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, "ODBC cannot be told of a path with ';', '{' or '}'");
	if (!c->may_create && access(path, F_OK) < 0)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, "the database file '%s' does not exist", path);
	/* Without links, so that all who open it agree on the lock's name. */
	snprintf(c->path, sizeof c->path, "%s", realpath(path, whole) ? whole : path);
	c->driver = host_alloc(strlen(driver) + 1);
	if (!c->driver)
		return err_nomem(err);
	memcpy(c->driver, driver, strlen(driver) + 1);
	return DUNLIN_OK;
}

int odbc_open(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
              struct dunlin_driver_error *err)
{
	struct dunlin_conn *c = host_alloc(sizeof *c);
	char whole[PATH_MAX];
	int status;

	*out = NULL;
	if (!c)
		return err_nomem(err);
	memset(c, 0, sizeof *c);
	c->lock_fd = -1;
	if (ctl) /* an older host's is shorter */
		memcpy(&c->ctl, ctl, ctl->struct_size < sizeof c->ctl ? ctl->struct_size : sizeof c->ctl);
	if (worker_start(c) != 0) {
		host_free(c);
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, "the system gives no thread");
	}
	status = read_options(c, opt, n, err);
	if (status == DUNLIN_OK)
		status = connect(c, err);
	if (status == DUNLIN_OK)
		status = first_look(c, err);
	if (status != DUNLIN_OK) {
		if (err && (err->errclass == DUNLIN_CLASS_UNKNOWN || err->errclass == DUNLIN_CLASS_PERMISSION) && status == DUNLIN_ERROR)
			err->errclass = DUNLIN_CLASS_CONNECTION;
		odbc_close(c);
		return status;
	}
	if (realpath(c->path, whole)) /* it may have been made just now */
		snprintf(c->path, sizeof c->path, "%s", whole);
	c->is_read_only = access(c->path, W_OK) < 0;
	*out = c;
	return DUNLIN_OK;
}

void odbc_close(struct dunlin_conn *c)
{
	if (!c)
		return;
	if (c->is_tx)
		odbc_rollback(c, NULL);
	if (c->lock_fd >= 0)
		odbc_unlock(c, "", NULL);
	worker_end(c);
	disconnect(c); /* which rolls back whatever a file left open */
	host_free(c->driver);
	host_free(c);
}

/* Settings, temporary tables and attached databases end with the connection, and
 * nothing else ends them all.  The lock is a file's, and stays. */
int odbc_reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status;

	disconnect(c);
	c->is_tx = 0;
	status = connect(c, err);
	if (status == DUNLIN_OK)
		status = first_look(c, err);
	if (status != DUNLIN_OK)
		disconnect(c);
	return status;
}

/* ODBC knows of a transaction only what it began itself.  SQLite is asked: it
 * refuses a BEGIN inside of one, and one that is rolled back at once takes no
 * lock and leaves no trace. */
int odbc_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error why = { .struct_size = sizeof why };
	int status = run_text(c, "BEGIN", &why);

	*state = DUNLIN_TX_NONE;
	if (status == DUNLIN_OK)
		return run_text(c, "ROLLBACK", err);
	if (why.errclass == DUNLIN_CLASS_VALIDATION) {
		*state = DUNLIN_TX_OPEN;
		return DUNLIN_OK;
	}
	return err_set(err, status, why.errclass, "%s", why.message);
}
