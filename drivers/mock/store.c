/*
 * store.c - the mock's databases, which are SQLite's.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct dunlin_host *mock_host;
pthread_mutex_t mock_lock_all = PTHREAD_MUTEX_INITIALIZER;

/* Kept until the process ends: so databases in memory outlive a connection. */
static struct mock_db *databases;

void *mock_zalloc(size_t n)
{
	void *p = mock_host->alloc(mock_host->ctx, n);

	if (p)
		memset(p, 0, n);
	return p;
}

char *mock_strndup(const char *s, size_t n)
{
	char *p = mock_zalloc(n + 1);

	if (p && n)
		memcpy(p, s, n);
	return p;
}

void mock_free(void *p)
{
	mock_host->free(mock_host->ctx, p);
}

int64_t mock_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void mock_sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* --- errors --------------------------------------------------------------------- */

int mock_fail(struct dunlin_driver_error *err, int errclass, const char *fmt, ...)
{
	uint32_t size;
	va_list ap;

	if (!err)
		return DUNLIN_ERROR;
	size = err->struct_size;
	memset(err, 0, sizeof *err);
	err->struct_size = size;
	err->errclass = errclass;
	err->position = -1;
	va_start(ap, fmt);
	err->is_truncated = vsnprintf(err->message, sizeof err->message, fmt, ap) >= (int)sizeof err->message;
	va_end(ap);
	return DUNLIN_ERROR;
}

static int class_of(int code, const char *message)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return DUNLIN_CLASS_CONSTRAINT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return DUNLIN_CLASS_LOCK;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return DUNLIN_CLASS_PERMISSION;
	case SQLITE_CANTOPEN:
	case SQLITE_NOTADB:
		return DUNLIN_CLASS_CONNECTION;
	case SQLITE_ERROR:
		/* The fake has no native codes of its own to go by. */
		if (strstr(message, "syntax error") || strstr(message, "incomplete input"))
			return DUNLIN_CLASS_SYNTAX;
		if (strstr(message, "no such") || strstr(message, "already exists") ||
		    strstr(message, " has no column named "))
			return DUNLIN_CLASS_SCHEMA;
		return DUNLIN_CLASS_UNKNOWN;
	default:
		return DUNLIN_CLASS_UNKNOWN;
	}
}

int mock_sql_error(struct mock_conn *c, struct dunlin_driver_error *err)
{
	int code = sqlite3_extended_errcode(c->sql), rc;

	if ((code & 0xff) == SQLITE_INTERRUPT && (rc = mock_check_stop(c, err)) != DUNLIN_OK)
		return rc;
	mock_fail(err, class_of(code, sqlite3_errmsg(c->sql)), "%s", sqlite3_errmsg(c->sql));
	if (err) {
		err->native = code;
		err->position = sqlite3_error_offset(c->sql);
		err->is_retryable = err->errclass == DUNLIN_CLASS_LOCK;
	}
	return (code & 0xff) == SQLITE_NOMEM ? DUNLIN_ENOMEM : DUNLIN_ERROR;
}

/* --- stopping ---------------------------------------------------------------------- */

static int must_stop(struct mock_conn *c)
{
	return atomic_load(&c->is_cancelled) || (c->ctl && c->ctl->should_stop && c->ctl->should_stop(c->ctl->arg));
}

static int is_late(struct mock_conn *c)
{
	return (c->statement_deadline && mock_now_ms() >= c->statement_deadline) ||
	       (c->ctl && c->ctl->remaining_ms && c->ctl->remaining_ms(c->ctl->arg) == 0);
}

int mock_check_stop(struct mock_conn *c, struct dunlin_driver_error *err)
{
	if (must_stop(c)) {
		mock_fail(err, DUNLIN_CLASS_INTERRUPTED, "interrupted");
		return DUNLIN_ECANCELLED;
	}
	if (is_late(c)) {
		mock_fail(err, DUNLIN_CLASS_TIMEOUT, "the statement took too long");
		return DUNLIN_ETIMEOUT;
	}
	return DUNLIN_OK;
}

static int on_progress(void *arg)
{
	return must_stop(arg) || is_late(arg);
}

static int on_busy(void *arg, int n)
{
	struct mock_conn *c = arg;

	(void)n;
	if (must_stop(c) || is_late(c) || (c->lock_deadline && mock_now_ms() >= c->lock_deadline))
		return 0;
	mock_sleep_ms(2);
	return 1;
}

/* --- databases --------------------------------------------------------------------------- */

/* What SQLite takes as a file or a shared database in memory. */
static char *make_uri(const char *name)
{
	static const char hex[] = "0123456789abcdef", plain[] = "/._-";
	static const char before[] = "file:", memory[] = "file:/dunlin-mock-", after[] = "?vfs=memdb";
	int is_memory = name[0] == ':';
	char *uri = mock_zalloc(3 * strlen(name) + 64), *p = uri;

	if (!uri)
		return NULL;
	p += snprintf(p, 32, "%s", is_memory ? memory : before);
	for (const char *s = name + is_memory; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(plain, *s)) {
			*p++ = *s;
		} else {
			*p++ = '%';
			*p++ = hex[c >> 4];
			*p++ = hex[c & 15];
		}
	}
	if (is_memory)
		memcpy(p, after, sizeof after);
	return uri;
}

struct mock_db *mock_db_find(const char *name)
{
	struct mock_db *db = databases;

	while (db && strcmp(db->name, name) != 0)
		db = db->next;
	if (db)
		return db;
	db = mock_zalloc(sizeof *db);
	if (!db)
		return NULL;
	db->name = mock_strndup(name, strlen(name));
	db->uri = make_uri(name);
	if (!db->name || !db->uri) {
		mock_free(db->name);
		mock_free(db->uri);
		mock_free(db);
		return NULL;
	}
	db->next = databases;
	databases = db;
	return db;
}

int mock_db_exists(const struct mock_db *db)
{
	return db->name[0] == ':' || access(db->name, F_OK) == 0;
}

static void sql_now(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const struct mock_conn *c = sqlite3_user_data(ctx);
	const struct mock_script *s = c->db->script;
	char text[64] = MOCK_NOW, date[32];
	struct timespec t;
	struct tm tm;

	(void)n;
	(void)v;
	if (!s || !s->is_clock_still) {
		clock_gettime(CLOCK_REALTIME, &t);
		gmtime_r(&t.tv_sec, &tm);
		strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(text, sizeof text, "%s.%03dZ", date, (int)(t.tv_nsec / 1000000));
	}
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void sql_elapsed(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	struct mock_conn *c = sqlite3_user_data(ctx);
	const struct mock_script *s = c->db->script;

	(void)n;
	(void)v;
	sqlite3_result_int64(ctx, s && s->is_clock_still ? MOCK_ELAPSED : mock_now_ms() - c->began_ms);
}

static int keep_alive(struct mock_db *db, int flags)
{
	int rc = SQLITE_OK;

	pthread_mutex_lock(&mock_lock_all);
	if (db->name[0] == ':' && !db->anchor)
		rc = sqlite3_open_v2(db->uri, &db->anchor, flags, NULL);
	pthread_mutex_unlock(&mock_lock_all);
	return rc;
}

int mock_connect(struct mock_conn *c, int create, struct dunlin_driver_error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX;
	struct mock_db *db = c->db;

	if (!c->is_adopted) {
		if (!create && !mock_db_exists(db))
			return mock_fail(err, DUNLIN_CLASS_CONNECTION, "the database '%s' does not exist", db->name);
		if (create || db->name[0] == ':')
			flags |= SQLITE_OPEN_CREATE;
		if (sqlite3_open_v2(db->uri, &c->sql, flags, NULL) != SQLITE_OK)
			return mock_sql_error(c, err);
		if (keep_alive(db, flags) != SQLITE_OK)
			return mock_fail(err, DUNLIN_CLASS_CONNECTION, "no memory for the database '%s'", db->name);
	}
	sqlite3_extended_result_codes(c->sql, 1);
	sqlite3_busy_handler(c->sql, on_busy, c);
	sqlite3_progress_handler(c->sql, 1000, on_progress, c);
	if (sqlite3_create_function(c->sql, "dunlin_now", 0, SQLITE_UTF8, c, sql_now, NULL, NULL) != SQLITE_OK ||
	    sqlite3_create_function(c->sql, "dunlin_elapsed_ms", 0, SQLITE_UTF8, c, sql_elapsed, NULL, NULL) != SQLITE_OK)
		return mock_sql_error(c, err);
	/* What SET does is kept here, so that a test can see what a session has. */
	return mock_run(c, "CREATE TEMP TABLE IF NOT EXISTS mock_setting (name TEXT PRIMARY KEY, value TEXT);"
	                   "CREATE TEMP TABLE IF NOT EXISTS mock_evidence (one INTEGER PRIMARY KEY, answer TEXT)", err);
}

void mock_disconnect(struct mock_conn *c, long linger_ms)
{
	if (c->sql && !c->is_adopted) {
		sqlite3_close_v2(c->sql);
		c->sql = NULL;
	} else if (c->sql) {
		/* The application's own: left as it was. */
		if (c->is_guarded && !sqlite3_get_autocommit(c->sql))
			sqlite3_exec(c->sql, "ROLLBACK", NULL, NULL, NULL);
		sqlite3_exec(c->sql, "DROP TABLE IF EXISTS temp.mock_setting; DROP TABLE IF EXISTS temp.mock_evidence",
		             NULL, NULL, NULL);
		sqlite3_create_function(c->sql, "dunlin_now", 0, SQLITE_UTF8, NULL, NULL, NULL, NULL);
		sqlite3_create_function(c->sql, "dunlin_elapsed_ms", 0, SQLITE_UTF8, NULL, NULL, NULL, NULL);
		sqlite3_busy_handler(c->sql, NULL, NULL);
		sqlite3_progress_handler(c->sql, 0, NULL, NULL);
		c->sql = NULL;
	}
	c->is_guarded = 0;
	pthread_mutex_lock(&mock_lock_all);
	mock_locks_drop(c, linger_ms);
	if (!c->is_dead)
		c->db->n_conn--;
	pthread_mutex_unlock(&mock_lock_all);
}

/* --- statements ---------------------------------------------------------------------------- */

int mock_run(struct mock_conn *c, const char *sql, struct dunlin_driver_error *err)
{
	return sqlite3_exec(c->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? DUNLIN_OK : mock_sql_error(c, err);
}

static int bind(sqlite3_stmt *st, const struct dunlin_param *param, size_t n)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
		if (!param[i].value)
			rc = sqlite3_bind_null(st, (int)i + 1);
		else if (param[i].is_integer)
			rc = sqlite3_bind_int64(st, (int)i + 1, strtoll(param[i].value, NULL, 10));
		else
			rc = sqlite3_bind_text64(st, (int)i + 1, param[i].value, param[i].len, SQLITE_STATIC, SQLITE_UTF8);
	}
	return rc;
}

static int32_t type_of(sqlite3_stmt *st, int i)
{
	const char *declared = sqlite3_column_decltype(st, i);

	switch (sqlite3_column_type(st, i)) {
	case SQLITE_NULL:
		return DUNLIN_TYPE_NULL;
	case SQLITE_BLOB:
		return DUNLIN_TYPE_BLOB;
	case SQLITE_TEXT:
		return DUNLIN_TYPE_TEXT;
	default:
		return declared && sqlite3_strlike("%bool%", declared, 0) == 0 ? DUNLIN_TYPE_BOOLEAN : DUNLIN_TYPE_NUMBER;
	}
}

#define MAX_COLUMNS 100

static int give_row(sqlite3_stmt *st, dunlin_row_fn *row, void *arg)
{
	const char *value[MAX_COLUMNS];
	size_t len[MAX_COLUMNS];
	int32_t type[MAX_COLUMNS];
	int n = sqlite3_column_count(st);

	n = n < MAX_COLUMNS ? n : MAX_COLUMNS;
	for (int i = 0; i < n; i++) {
		type[i] = type_of(st, i);
		value[i] = (const char *)sqlite3_column_text(st, i);
		len[i] = (size_t)sqlite3_column_bytes(st, i);
	}
	return row(arg, n, value, len, type);
}

static int is_read_only(const struct mock_conn *c)
{
	const struct mock_script *s = c->db->script;

	return s && (s->caps_on & DUNLIN_CAP_READ_ONLY);
}

/* A server refuses a text that holds more than it was told. */
static int has_more(struct mock_conn *c, const char *tail, const char *end)
{
	sqlite3_stmt *second = NULL;
	int rc = tail < end ? sqlite3_prepare_v2(c->sql, tail, (int)(end - tail), &second, NULL) : SQLITE_OK;

	sqlite3_finalize(second);
	return rc != SQLITE_OK || second != NULL;
}

int mock_exec(struct mock_conn *c, const char *sql, size_t len, const struct dunlin_param *param, size_t n_param,
              dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	sqlite3_stmt *st = NULL;
	const char *tail;
	int rc = DUNLIN_OK, step;

	if (sqlite3_prepare_v2(c->sql, sql, (int)len, &st, &tail) != SQLITE_OK)
		return mock_sql_error(c, err);
	if (!st)
		return DUNLIN_OK;
	if (has_more(c, tail, sql + len)) {
		rc = mock_fail(err, DUNLIN_CLASS_SYNTAX, "more than one statement in one text");
		goto out;
	}
	if (is_read_only(c) && !sqlite3_stmt_readonly(st)) {
		rc = mock_fail(err, DUNLIN_CLASS_PERMISSION, "nothing can be written here");
		if (err)
			err->is_unsafe = 1;
		goto out;
	}
	if (sqlite3_bind_parameter_count(st) != (int)n_param) {
		rc = mock_fail(err, DUNLIN_CLASS_SYNTAX, "%d parameters instead of %zu", sqlite3_bind_parameter_count(st), n_param);
		goto out;
	}
	if (bind(st, param, n_param) != SQLITE_OK) {
		rc = mock_sql_error(c, err);
		goto out;
	}
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		if (row && (rc = give_row(st, row, arg)) != 0)
			goto out;
	if (step != SQLITE_DONE)
		rc = mock_sql_error(c, err);
out:
	sqlite3_finalize(st);
	return rc;
}

/* COPY data of PostgreSQL's text format: columns by tab, \N for NULL. */
static int copy_line(struct mock_conn *c, sqlite3_stmt *st, char *line, struct dunlin_driver_error *err)
{
	int column = 0, want = sqlite3_bind_parameter_count(st);

	for (char *p = line; p; column++) {
		char *tab = strchr(p, '\t'), *out = p;

		if (tab)
			*tab = '\0';
		if (strcmp(p, "\\N") == 0) {
			sqlite3_bind_null(st, column + 1);
		} else {
			for (char *s = p; *s; s++) {
				if (*s == '\\' && s[1]) {
					s++;
					*out++ = *s == 't' ? '\t' : *s == 'n' ? '\n' : *s;
				} else {
					*out++ = *s;
				}
			}
			*out = '\0';
			sqlite3_bind_text(st, column + 1, p, -1, SQLITE_TRANSIENT);
		}
		p = tab ? tab + 1 : NULL;
	}
	if (column != want)
		return mock_fail(err, DUNLIN_CLASS_CONSTRAINT, "a line of data has %d columns instead of %d", column, want);
	if (sqlite3_step(st) != SQLITE_DONE) {
		mock_sql_error(c, err);
		sqlite3_reset(st);
		return DUNLIN_ERROR;
	}
	sqlite3_reset(st);
	return DUNLIN_OK;
}

static int copy_lines(struct mock_conn *c, sqlite3_stmt *st, const char *p, size_t len, struct dunlin_driver_error *err)
{
	const char *end = p + len;
	int rc = DUNLIN_OK;

	while (p < end && rc == DUNLIN_OK) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		char *line = mock_strndup(p, (size_t)(stop - p - (stop > p && stop[-1] == '\r')));

		rc = line ? copy_line(c, st, line, err) : DUNLIN_ENOMEM;
		mock_free(line);
		p = nl ? nl + 1 : end;
	}
	return rc;
}

static int copy_all(struct mock_conn *c, sqlite3_stmt *st, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int rc = copy_lines(c, st, step->data, step->data_len, err), more = 0;
	const char *p;
	size_t n;

	while (rc == DUNLIN_OK && step->read_data && (more = step->read_data(step->read_arg, &p, &n)) > 0)
		rc = copy_lines(c, st, p, n, err);
	return more < 0 ? mock_fail(err, DUNLIN_CLASS_VALIDATION, "the data cannot be read any further") : rc;
}

/* "COPY name [(column, ...)] FROM stdin ...": becomes an INSERT a line. */
int mock_copy(struct mock_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	const char *p = step->sql, *end = p + step->sql_len, *columns, *stop;
	sqlite3_stmt *st = NULL, *count = NULL;
	char word[128], *sql = NULL;
	int rc, n;

	mock_word(&p, end, word, sizeof word);
	if (!mock_word(&p, end, word, sizeof word))
		return mock_fail(err, DUNLIN_CLASS_SYNTAX, "COPY names no table");
	columns = memchr(p, '(', (size_t)(end - p));
	stop = columns ? memchr(columns, ')', (size_t)(end - columns)) : NULL;
	sql = sqlite3_mprintf("SELECT %.*s FROM \"%w\"", columns && stop ? (int)(stop - columns - 1) : 1,
	                      columns && stop ? columns + 1 : "*", word);
	rc = sql && sqlite3_prepare_v2(c->sql, sql, -1, &count, NULL) == SQLITE_OK ? DUNLIN_OK : mock_sql_error(c, err);
	sqlite3_free(sql);
	n = count ? sqlite3_column_count(count) : 0;
	sqlite3_finalize(count);
	if (rc != DUNLIN_OK)
		return rc;
	sql = sqlite3_mprintf("INSERT INTO \"%w\"%.*s VALUES (?%.*s)", word,
	                      columns && stop ? (int)(stop + 1 - columns) : 0, columns ? columns : "", 2 * (n - 1),
	                      ",?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?");
	if (sql && sqlite3_prepare_v2(c->sql, sql, -1, &st, NULL) == SQLITE_OK)
		rc = copy_all(c, st, step, err);
	else
		rc = mock_sql_error(c, err);
	sqlite3_free(sql);
	sqlite3_finalize(st);
	return rc;
}

struct names { char name[50][128]; int n; };

static int add_name(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	struct names *l = arg;

	(void)ncol;
	(void)len;
	(void)type;
	if (l->n < 50)
		snprintf(l->name[l->n++], sizeof l->name[0], "%s", value[0]);
	return 0;
}

/* Temporary tables go, and what SET did. */
int mock_reset(struct mock_conn *c, struct dunlin_driver_error *err)
{
	static const char list[] = "SELECT name FROM sqlite_temp_master WHERE type = 'table' AND name NOT IN ('mock_setting', 'mock_evidence') "
	                           "AND name NOT LIKE 'sqlite~_%' ESCAPE '~'";
	struct names temp = { .n = 0 };
	int rc = mock_exec(c, list, sizeof list - 1, NULL, 0, add_name, &temp, err);

	for (int i = 0; i < temp.n && rc == DUNLIN_OK; i++) {
		char *sql = sqlite3_mprintf("DROP TABLE temp.\"%w\"", temp.name[i]);

		rc = sql ? mock_run(c, sql, err) : DUNLIN_ENOMEM;
		sqlite3_free(sql);
	}
	return rc == DUNLIN_OK ? mock_run(c, "DELETE FROM temp.mock_setting", err) : rc;
}
