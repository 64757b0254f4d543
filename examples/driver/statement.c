/*
 * statement.c - one statement: run it, wait for it, stop it, fetch its rows.
 */
#include "odbc_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define POLL_MS 50 /* between two questions to the host */
#define BUSY_MS 10 /* between two tries of a lock       */

/* --- the thread that blocks ---------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&w->mutex);
	while (!w->is_over) {
		if (!w->stmt) {
			pthread_cond_wait(&w->wake, &w->mutex);
			continue;
		}
		pthread_mutex_unlock(&w->mutex);
		w->rc = SQLExecute(w->stmt);
		pthread_mutex_lock(&w->mutex);
		w->stmt = NULL;
		pthread_cond_broadcast(&w->done);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

int worker_start(struct dunlin_conn *c)
{
	struct worker *w = &c->worker;
	pthread_condattr_t attr;

	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* a deadline must not move with the date */
	pthread_cond_init(&w->wake, &attr);
	pthread_cond_init(&w->done, &attr);
	pthread_condattr_destroy(&attr);
	return pthread_create(&w->thread, NULL, work, w);
}

void worker_end(struct dunlin_conn *c)
{
	struct worker *w = &c->worker;

	pthread_mutex_lock(&w->mutex);
	w->is_over = 1;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->done);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->mutex);
}

/* Any thread.  One that comes while nothing runs is for nothing: what follows
 * was not meant. */
int odbc_cancel(struct dunlin_conn *c)
{
	pthread_mutex_lock(&c->worker.mutex);
	if (c->worker.is_working)
		c->worker.is_cancelled = 1;
	pthread_cond_broadcast(&c->worker.done);
	pthread_mutex_unlock(&c->worker.mutex);
	return DUNLIN_OK;
}

static void wait_done(struct worker *w, int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	t.tv_sec += (time_t)(ms / 1000) + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&w->done, &w->mutex, &t);
}

static int cause_to_stop(struct dunlin_conn *c, const struct run *r, int64_t deadline)
{
	if (!r->must_run) {
		if (c->ctl.remaining_ms && c->ctl.remaining_ms(c->ctl.arg) == 0)
			return CAUSE_DEADLINE;
		if (c->worker.is_cancelled || (c->ctl.should_stop && c->ctl.should_stop(c->ctl.arg)))
			return CAUSE_CANCEL;
	}
	return deadline && now_ms() >= deadline ? CAUSE_STATEMENT : CAUSE_NONE;
}

static int stopped(int cause, struct dunlin_driver_error *err)
{
	if (cause == CAUSE_STATEMENT)
		return err_set(err, DUNLIN_ETIMEOUT, DUNLIN_CLASS_TIMEOUT, "the statement ran longer than the statement timeout");
	if (cause == CAUSE_DEADLINE)
		return err_set(err, DUNLIN_ETIMEOUT, DUNLIN_CLASS_TIMEOUT, "the time for the whole command is over");
	return err_set(err, DUNLIN_ECANCELLED, DUNLIN_CLASS_INTERRUPTED, "interrupted");
}

/* SQLCancel() is called while SQLExecute() is under way and at no other time: it
 * would close the rows that are being fetched. */
static SQLRETURN execute(struct dunlin_conn *c, SQLHSTMT stmt, const struct run *r, int64_t deadline, int *cause)
{
	struct worker *w = &c->worker;

	pthread_mutex_lock(&w->mutex);
	w->stmt = stmt;
	pthread_cond_signal(&w->wake);
	while (w->stmt) {
		int why;

		wait_done(w, POLL_MS);
		if (w->stmt && (why = cause_to_stop(c, r, deadline)) != CAUSE_NONE) {
			*cause = why;
			SQLCancel(stmt);
		}
	}
	pthread_mutex_unlock(&w->mutex);
	return w->rc;
}

/* --- parameters and rows ---------------------------------------------------------------- */

struct bound { SQLLEN len; SQLBIGINT number; };

static int bind(SQLHSTMT stmt, const struct run *r, struct bound *b, struct dunlin_driver_error *err)
{
	for (size_t i = 0; i < r->n_param; i++) {
		const struct dunlin_param *p = &r->param[i];
		SQLRETURN rc;

		b[i].len = p->value ? (SQLLEN)p->len : SQL_NULL_DATA;
		if (p->value && p->is_integer) {
			b[i].number = strtoll(p->value, NULL, 10);
			b[i].len = sizeof b[i].number;
			rc = SQLBindParameter(stmt, (SQLUSMALLINT)(i + 1), SQL_PARAM_INPUT, SQL_C_SBIGINT, SQL_BIGINT, 0, 0,
			                      &b[i].number, 0, &b[i].len);
		} else {
			rc = SQLBindParameter(stmt, (SQLUSMALLINT)(i + 1), SQL_PARAM_INPUT, SQL_C_CHAR, SQL_LONGVARCHAR,
			                      p->len ? p->len : 1, 0, (SQLPOINTER)(uintptr_t)(p->value ? p->value : ""),
			                      (SQLLEN)p->len, &b[i].len);
		}
		if (!SQL_SUCCEEDED(rc))
			return err_diag(SQL_HANDLE_STMT, stmt, NULL, err);
	}
	return DUNLIN_OK;
}

/* One value, whole, appended to t with a NUL; *len -1: NULL. */
static int get_value(SQLHSTMT stmt, int column, struct text *t, SQLLEN *len, struct dunlin_driver_error *err)
{
	char piece[4096];
	size_t start = t->len;
	SQLLEN left = 0;
	SQLRETURN rc;

	do {
		rc = SQLGetData(stmt, (SQLUSMALLINT)column, SQL_C_CHAR, piece, sizeof piece, &left);
		if (rc == SQL_NO_DATA)
			break;
		if (!SQL_SUCCEEDED(rc))
			return err_diag(SQL_HANDLE_STMT, stmt, NULL, err);
		if (left == SQL_NULL_DATA) {
			*len = -1;
			return DUNLIN_OK;
		}
		text_add(t, piece);
	} while (rc == SQL_SUCCESS_WITH_INFO);
	*len = (SQLLEN)(t->len - start);
	text_addn(t, "", 1);
	return t->is_failed ? err_nomem(err) : DUNLIN_OK;
}

static int32_t type_of(const char *name)
{
	if (!name)
		return DUNLIN_TYPE_TEXT;
	return strcmp(name, "integer") == 0 || strcmp(name, "real") == 0 ? DUNLIN_TYPE_NUMBER
	     : strcmp(name, "blob") == 0 ? DUNLIN_TYPE_BLOB : DUNLIN_TYPE_TEXT;
}

/* The columns of a row: values, or with is_typed each value and its type's name. */
struct row {
	int n_col, is_typed;
	struct text text;
	SQLLEN *got;        /* of each column fetched: its length or -1 */
	const char **value; /* ... of each column handed on             */
	size_t *len;
	int32_t *type;
};

static int fetch_row(SQLHSTMT stmt, struct row *w, struct dunlin_driver_error *err)
{
	int per = w->is_typed ? 2 : 1, status;
	const char *p;

	w->text.len = 0;
	for (int i = 0; i < w->n_col * per; i++)
		if ((status = get_value(stmt, i + 1, &w->text, &w->got[i], err)) != DUNLIN_OK)
			return status;
	p = w->text.p; /* now that it moves no more */
	for (int i = 0; i < w->n_col * per; i++) {
		const char *value = w->got[i] < 0 ? NULL : p;

		p += w->got[i] < 0 ? 0 : w->got[i] + 1;
		if (i % per == 0) {
			w->value[i / per] = value;
			w->len[i / per] = value ? (size_t)w->got[i] : 0;
			w->type[i / per] = value ? DUNLIN_TYPE_TEXT : DUNLIN_TYPE_NULL;
		} else if (w->value[i / per]) {
			w->type[i / per] = type_of(value);
		}
	}
	return DUNLIN_OK;
}

static int fetch_rows(struct dunlin_conn *c, SQLHSTMT stmt, const struct run *r, int is_typed, int64_t deadline,
                      struct dunlin_driver_error *err)
{
	struct row w = { .is_typed = is_typed };
	SQLSMALLINT n = 0;
	SQLRETURN rc;
	int status = DUNLIN_OK, cause;
	char *memory;

	SQLNumResultCols(stmt, &n);
	if (n < 1)
		return DUNLIN_OK;
	w.n_col = is_typed ? n / 2 : n;
	memory = host_alloc((size_t)n * (sizeof *w.got + sizeof *w.value + sizeof *w.len + sizeof *w.type));
	if (!memory)
		return err_nomem(err);
	w.got = (SQLLEN *)(void *)memory;
	w.value = (const char **)(void *)(w.got + n);
	w.len = (size_t *)(void *)(w.value + n);
	w.type = (int32_t *)(void *)(w.len + n);
	while (status == DUNLIN_OK && SQL_SUCCEEDED(rc = SQLFetch(stmt))) {
		if ((cause = cause_to_stop(c, r, deadline)) != CAUSE_NONE)
			status = stopped(cause, err);
		else if (r->row && (status = fetch_row(stmt, &w, err)) == DUNLIN_OK)
			status = r->row(r->arg, w.n_col, w.value, w.len, w.type);
	}
	if (status == DUNLIN_OK && rc != SQL_NO_DATA)
		status = err_diag(SQL_HANDLE_STMT, stmt, NULL, err);
	text_clear(&w.text);
	host_free(memory);
	return status;
}

/* --- running ------------------------------------------------------------------------------ */

static int prepare(SQLHSTMT stmt, struct text *sql, int *native, struct dunlin_driver_error *err)
{
	if (sql->is_failed)
		return err_nomem(err);
	hide_marks(sql->p);
	if (!SQL_SUCCEEDED(SQLPrepare(stmt, (SQLCHAR *)sql->p, SQL_NTS)))
		return err_diag(SQL_HANDLE_STMT, stmt, native, err);
	return DUNLIN_OK;
}

/* What the text begins with, comments left out. */
static int begins_a_query(const char *p)
{
	const char *end;

	for (;; p = end) {
		p += strspn(p, " \t\r\n\f(");
		if (strncmp(p, "--", 2) == 0)
			end = p + strcspn(p, "\n");
		else if (strncmp(p, "/*", 2) == 0 && (end = strstr(p + 2, "*/")))
			end += 2;
		else
			break;
	}
	return strncasecmp(p, "SELECT", 6) == 0 || strncasecmp(p, "WITH", 4) == 0 || strncasecmp(p, "VALUES", 6) == 0;
}

/* A value of an expression has a type of its own here, and ODBC says "varchar"
 * of all of them: so the query is asked inside another, which asks typeof() too. */
static int prepare_typed(SQLHSTMT stmt, const struct run *r, int *native, struct dunlin_driver_error *err)
{
	struct text sql = { 0 };
	SQLSMALLINT n = 0;
	size_t len = r->len;
	char name[48];
	int status;

	SQLNumResultCols(stmt, &n);
	if (n < 1)
		return DUNLIN_OK;
	while (len && strchr("; \t\r\n", r->sql[len - 1]))
		len--;
	text_add(&sql, "WITH dunlin_query(");
	for (int i = 1; i <= n; i++) {
		snprintf(name, sizeof name, "%sc%d", i > 1 ? ", " : "", i);
		text_add(&sql, name);
	}
	text_add(&sql, ") AS (");
	text_addn(&sql, r->sql, len);
	text_add(&sql, "\n) SELECT "); /* a new line: it may end in a comment */
	for (int i = 1; i <= n; i++) {
		snprintf(name, sizeof name, "%sc%d, typeof(c%d)", i > 1 ? ", " : "", i, i);
		text_add(&sql, name);
	}
	text_add(&sql, " FROM dunlin_query");
	SQLFreeStmt(stmt, SQL_CLOSE);
	status = prepare(stmt, &sql, native, err);
	text_clear(&sql);
	return status;
}

/* Runs it, again while somebody else has the database locked.  SQLite could wait
 * by itself, but would not ask the host meanwhile. */
static int execute_patiently(struct dunlin_conn *c, SQLHSTMT stmt, struct run *r, int64_t deadline,
                             struct dunlin_driver_error *err)
{
	int64_t lock_ms = r->lock_timeout_ms < 0 ? c->lock_timeout_ms : r->lock_timeout_ms;
	int64_t give_up = lock_ms > 0 ? now_ms() + lock_ms : INT64_MAX;

	for (;;) {
		int cause = cause_to_stop(c, r, 0), status;
		SQLRETURN rc;

		if (cause == CAUSE_NONE)
			rc = execute(c, stmt, r, deadline, &cause);
		else
			return stopped(cause, err);
		if (SQL_SUCCEEDED(rc) || rc == SQL_NO_DATA) /* NO_DATA: it ran, and hit no row */
			return cause != CAUSE_NONE && r->row ? stopped(cause, err) : DUNLIN_OK;
		if (cause != CAUSE_NONE)
			return stopped(cause, err);
		status = err_diag(SQL_HANDLE_STMT, stmt, &r->native, err);
		if ((r->native & 0xff) != NATIVE_BUSY || now_ms() >= give_up)
			return status;
		SQLFreeStmt(stmt, SQL_CLOSE);
		pthread_mutex_lock(&c->worker.mutex);
		wait_done(&c->worker, BUSY_MS);
		pthread_mutex_unlock(&c->worker.mutex);
	}
}

static int run_in(struct dunlin_conn *c, SQLHSTMT stmt, struct run *r, struct dunlin_driver_error *err)
{
	int64_t limit = r->statement_timeout_ms < 0 ? c->statement_timeout_ms : r->statement_timeout_ms;
	int64_t deadline = limit > 0 ? now_ms() + limit : 0;
	struct bound *bound = r->n_param ? host_alloc(r->n_param * sizeof *bound) : NULL;
	struct text sql = { 0 };
	int is_typed, status;
	SQLLEN n = 0;

	text_addn(&sql, r->sql, r->len);
	if (r->n_param && !bound)
		sql.is_failed = 1;
	is_typed = r->row && sql.p && begins_a_query(sql.p);
	status = prepare(stmt, &sql, &r->native, err);
	if (status == DUNLIN_OK && is_typed)
		status = prepare_typed(stmt, r, &r->native, err);
	if (status == DUNLIN_OK)
		status = bind(stmt, r, bound, err);
	if (status == DUNLIN_OK)
		status = execute_patiently(c, stmt, r, deadline, err);
	if (status == DUNLIN_OK && SQL_SUCCEEDED(SQLRowCount(stmt, &n)))
		r->n_rows = n;
	if (status == DUNLIN_OK)
		status = fetch_rows(c, stmt, r, is_typed, deadline, err);
	text_clear(&sql);
	host_free(bound);
	return status;
}

int run_statement(struct dunlin_conn *c, struct run *r, struct dunlin_driver_error *err)
{
	struct worker *w = &c->worker;
	SQLHSTMT stmt = NULL;
	int status;

	if (!c->is_connected)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, "the connection is gone");
	pthread_mutex_lock(&w->mutex);
	w->is_working = 1;
	w->is_cancelled = 0;
	pthread_mutex_unlock(&w->mutex);
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, c->dbc, &stmt))) {
		status = err_diag(SQL_HANDLE_DBC, c->dbc, NULL, err);
	} else {
		status = run_in(c, stmt, r, err);
		SQLFreeHandle(SQL_HANDLE_STMT, stmt);
	}
	pthread_mutex_lock(&w->mutex);
	w->is_working = 0;
	pthread_mutex_unlock(&w->mutex);
	return status;
}

int run_text(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err)
{
	struct run r = { .sql = sql, .len = strlen(sql), .lock_timeout_ms = -1, .must_run = 1 };

	return run_statement(c, &r, err);
}

int odbc_query(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param, size_t n_param,
               dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	struct run r = { .sql = sql, .len = len, .param = param, .n_param = n_param, .lock_timeout_ms = -1,
	                 .statement_timeout_ms = c->is_tx ? c->tx_statement_timeout_ms : -1, .row = row, .arg = arg };

	return run_statement(c, &r, err);
}
