/*
 * stmt.c - running SQL: a file's statements one by one as SQLite itself cuts
 * them, and the core's own through a cache of prepared ones.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_driver.h"

static int prepare(struct dunlin_conn *c, const char *sql, size_t len, unsigned flags, sqlite3_stmt **st,
                   const char **tail, size_t off, struct dunlin_driver_error *err)
{
	int rc;

	*st = NULL;
	if (len > INT_MAX)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, SQLITE_TOOBIG, "the statement is longer than 2 GB");
	rc = sqlite3_prepare_v3(c->db, sql, (int)len, flags, st, tail);
	return rc == SQLITE_OK ? DUNLIN_OK : sq_db_error(c, rc, off, err);
}

/* SQLite would take a NUL for the end and leave the rest out without a word. */
static int check_nul(const char *sql, size_t len, struct dunlin_driver_error *err)
{
	if (len && memchr(sql, '\0', len))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_SYNTAX, 0, "the statement has a NUL byte in it");
	return DUNLIN_OK;
}

/* --- a file's statements ------------------------------------------------------ */

/* What was learnt while preparing has to be looked at before the first step. */
static int before_step(struct dunlin_conn *c, sqlite3_stmt *st, const char *sql, size_t len, size_t off,
                       struct dunlin_driver_error *err)
{
	if (sqlite3_bind_parameter_count(st) > 0) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_SYNTAX, 0, "the statement has a parameter, '%s', and nothing to fill it",
		         sqlite3_bind_parameter_name(st, 1) ? sqlite3_bind_parameter_name(st, 1) : "?");
		if (err)
			err->position = (int64_t)off;
		return DUNLIN_ERROR;
	}
	if (c->seen.is_failed)
		return drv_nomem(err);
	sq_session_seen(c);
	return c->mode == SQ_GUARDED ? sq_fk_before(c, sql, len, err) : DUNLIN_OK;
}

static int step_all(struct dunlin_conn *c, sqlite3_stmt *st, size_t off, struct dunlin_driver_error *err)
{
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		;
	return rc == SQLITE_DONE ? DUNLIN_OK : sq_db_error(c, rc, off, err);
}

static int after_step(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	if (c->seen.has_busy_pragma)
		sqlite3_busy_handler(c->db, sq_on_busy, c);
	if (c->mode != SQ_GUARDED)
		return DUNLIN_OK;
	if (sqlite3_get_autocommit(c->db)) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the statement ended the transaction");
		drv_hint(err, "Transaction control belongs into a migration with `-- dunlin:no-transaction`.");
		return DUNLIN_ERROR;
	}
	return sq_fk_after(c, err);
}

static int run_one(struct dunlin_conn *c, const char *sql, size_t len, size_t off, const char **tail,
                   struct dunlin_driver_error *err)
{
	sqlite3_stmt *st;
	int status;

	sq_seen_reset(&c->seen);
	status = prepare(c, sql, len, 0, &st, tail, off, err);
	if (status != DUNLIN_OK || !st) /* only white space and comments */
		return status;
	status = before_step(c, st, sql, (size_t)(*tail - sql), off, err);
	if (status == DUNLIN_OK)
		status = step_all(c, st, off, err);
	sqlite3_finalize(st);
	/* Some settings take place while preparing, so also after an error. */
	sq_session_seen(c);
	return status == DUNLIN_OK ? after_step(c, err) : status;
}

int sq_run(struct dunlin_conn *c, const char *sql, size_t len, int mode, struct dunlin_driver_error *err)
{
	const char *p = sql, *end = sql + len, *tail;
	int status;

	status = check_nul(sql, len, err);
	if (status == DUNLIN_OK)
		status = sq_session_note(c, err);
	for (; status == DUNLIN_OK && p < end; p = tail) {
		tail = end;
		/* fk.c and session.c run statements of their own meanwhile and switch to
		 * SQ_OWN and back. */
		c->mode = mode;
		status = run_one(c, p, (size_t)(end - p), (size_t)(p - sql), &tail, err);
	}
	c->mode = SQ_OWN;
	return status;
}

/* --- our own statements -------------------------------------------------------- */

static void cached_clear(struct sq_cached *e)
{
	sqlite3_finalize(e->stmt);
	drv_free(e->sql);
	*e = (struct sq_cached){ 0 };
}

void sq_cache_clear(struct dunlin_conn *c)
{
	size_t i;

	for (i = 0; i < SQ_N_CACHED; i++)
		cached_clear(&c->cached[i]);
}

static int cached_get(struct dunlin_conn *c, const char *sql, size_t len, sqlite3_stmt **st,
                      struct dunlin_driver_error *err)
{
	struct sq_cached *e = c->cached, *oldest = c->cached;
	size_t i;
	int status;

	for (i = 0; i < SQ_N_CACHED; i++, e++) {
		if (e->stmt && e->len == len && memcmp(e->sql, sql, len) == 0) {
			e->used = ++c->n_used;
			*st = e->stmt;
			return DUNLIN_OK;
		}
		if (e->used < oldest->used)
			oldest = e;
	}
	cached_clear(oldest);
	status = prepare(c, sql, len, SQLITE_PREPARE_PERSISTENT, st, NULL, 0, err);
	if (status != DUNLIN_OK)
		return status;
	if (!*st)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_SYNTAX, 0, "there is no statement in the text");
	oldest->sql = drv_strndup(sql, len);
	if (!oldest->sql) {
		sqlite3_finalize(*st);
		return drv_nomem(err);
	}
	oldest->stmt = *st;
	oldest->len = len;
	oldest->used = ++c->n_used;
	return DUNLIN_OK;
}

static int bind_one(sqlite3_stmt *st, int i, const struct dunlin_param *p)
{
	char digits[24], *end;
	long long v;

	if (!p->value)
		return sqlite3_bind_null(st, i);
	if (!p->is_integer)
		return sqlite3_bind_text64(st, i, p->value, p->len, SQLITE_STATIC, SQLITE_UTF8);
	if (p->len >= sizeof digits)
		return SQLITE_RANGE;
	memcpy(digits, p->value, p->len);
	digits[p->len] = '\0';
	errno = 0;
	v = strtoll(digits, &end, 10);
	return errno || *end || end == digits ? SQLITE_RANGE : sqlite3_bind_int64(st, i, v);
}

/* Values are borrowed for the call: whoever binds clears. */
static int bind_all(struct dunlin_conn *c, sqlite3_stmt *st, const struct dunlin_param *param, size_t n,
                    struct dunlin_driver_error *err)
{
	size_t i;
	int rc;

	if ((size_t)sqlite3_bind_parameter_count(st) != n)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the statement wants %d parameters and got %zu",
		                sqlite3_bind_parameter_count(st), n);
	for (i = 0; i < n; i++) {
		rc = bind_one(st, (int)i + 1, &param[i]);
		if (rc == SQLITE_RANGE)
			return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, rc, "parameter %zu is no integer", i + 1);
		if (rc != SQLITE_OK)
			return sq_db_error(c, rc, 0, err);
	}
	return DUNLIN_OK;
}

int sq_run_own(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param, size_t n_param,
               int64_t expect, struct dunlin_driver_error *err)
{
	sqlite3_stmt *st;
	int status, mode = c->mode;

	c->mode = SQ_OWN;
	c->wait.is_bookkeeping = 1;
	status = cached_get(c, sql, len, &st, err);
	if (status == DUNLIN_OK) {
		status = bind_all(c, st, param, n_param, err);
		if (status == DUNLIN_OK)
			status = step_all(c, st, 0, err);
		if (status == DUNLIN_OK && expect >= 0 && sqlite3_changes(c->db) != expect)
			status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0,
			                  "the bookkeeping changed %d rows where %lld were due", sqlite3_changes(c->db),
			                  (long long)expect);
		sqlite3_reset(st);
		if (n_param)
			sqlite3_clear_bindings(st);
	}
	c->wait.is_bookkeeping = 0;
	c->mode = mode;
	return status;
}

int sq_do(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err)
{
	return sq_run_own(c, sql, strlen(sql), NULL, 0, -1, err);
}

/* --- queries --------------------------------------------------------------------- */

#define N_COLUMNS_ON_STACK 64

static int32_t type_of(int sqlite_type)
{
	switch (sqlite_type) {
	case SQLITE_INTEGER: case SQLITE_FLOAT:
		return DUNLIN_TYPE_NUMBER;
	case SQLITE_BLOB:
		return DUNLIN_TYPE_BLOB;
	case SQLITE_NULL:
		return DUNLIN_TYPE_NULL;
	default:
		return DUNLIN_TYPE_TEXT;
	}
}

/* Returns what `row` returned if it stopped, which may be any number.  Values
 * are asked themselves, which is half the work of asking by column; SQLite
 * allows that as long as no other thread is at the statement. */
static int give_row(struct dunlin_conn *c, sqlite3_stmt *st, dunlin_row_fn *row, void *arg,
                    struct dunlin_driver_error *err)
{
	const char *few_values[N_COLUMNS_ON_STACK], **value = few_values;
	size_t few_lens[N_COLUMNS_ON_STACK], *len = few_lens;
	int32_t few_types[N_COLUMNS_ON_STACK], *type = few_types;
	int n = sqlite3_column_count(st), i, status = DUNLIN_OK, mode = c->mode;

	if (n > N_COLUMNS_ON_STACK) {
		value = drv_alloc((size_t)n * sizeof *value);
		len = drv_alloc((size_t)n * sizeof *len);
		type = drv_alloc((size_t)n * sizeof *type);
	}
	for (i = 0; value && len && type && i < n; i++) {
		sqlite3_value *v = sqlite3_column_value(st, i);

		type[i] = type_of(sqlite3_value_type(v)); /* before text makes it one */
		value[i] = (const char *)sqlite3_value_text(v);
		len[i] = (size_t)sqlite3_value_bytes(v);
		if (!value[i] && type[i] != DUNLIN_TYPE_NULL) {
			value[i] = ""; /* an empty blob */
			if (sqlite3_errcode(c->db) == SQLITE_NOMEM)
				status = drv_nomem(err);
		}
	}
	if (!value || !len || !type)
		status = drv_nomem(err);
	c->mode = SQ_OWN;
	if (status == DUNLIN_OK)
		status = row(arg, n, value, len, type);
	c->mode = mode;
	if (n > N_COLUMNS_ON_STACK) {
		drv_free(value);
		drv_free(len);
		drv_free(type);
	}
	return status;
}

static int query_one(struct dunlin_conn *c, sqlite3_stmt *st, dunlin_row_fn *row, void *arg, size_t off,
                     struct dunlin_driver_error *err)
{
	int rc, status = DUNLIN_OK;

	while (status == DUNLIN_OK && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			return sq_db_error(c, rc, off, err);
		if (row)
			status = give_row(c, st, row, arg, err);
	}
	return status;
}

int sq_query(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param, size_t n_param,
             int mode, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	const char *p = sql, *end = sql + len, *tail;
	sqlite3_stmt *st;
	int status = check_nul(sql, len, err), mode_before = c->mode;

	for (; status == DUNLIN_OK && p < end; p = tail) {
		tail = end;
		c->mode = mode;
		if (mode != SQ_OWN) /* a file's statement may be at work around us */
			sq_seen_reset(&c->seen);
		status = prepare(c, p, (size_t)(end - p), 0, &st, &tail, (size_t)(p - sql), err);
		if (status != DUNLIN_OK || !st)
			continue;
		if (mode != SQ_OWN)
			sq_session_seen(c);
		status = bind_all(c, st, param, n_param, err);
		if (status == DUNLIN_OK)
			status = query_one(c, st, row, arg, (size_t)(p - sql), err);
		sqlite3_finalize(st);
	}
	c->mode = mode_before;
	return status;
}

struct each {
	sq_row_fn *row;
	void      *arg;
};

static int each_row(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	const struct each *e = arg;

	(void)ncol;
	(void)type;
	return e->row(e->arg, value, len);
}

int sq_each(struct dunlin_conn *c, const char *sql, const char *param, sq_row_fn *row, void *arg,
            struct dunlin_driver_error *err)
{
	struct dunlin_param p = { .value = param, .len = param ? strlen(param) : 0 };
	struct each e = { row, arg };
	int status = sq_query(c, sql, strlen(sql), &p, param ? 1 : 0, SQ_OWN, row ? each_row : NULL, &e, err);

	return status == DUNLIN_ENOMEM ? drv_nomem(err) : status;
}

struct scalar {
	char  *out;
	size_t size;
};

static int take_scalar(void *arg, const char *const *value, const size_t *len)
{
	struct scalar *s = arg;

	(void)len;
	if (value[0] && !s->out[0])
		snprintf(s->out, s->size, "%s", value[0]);
	return DUNLIN_OK;
}

int sq_scalar(struct dunlin_conn *c, const char *sql, char *out, size_t size, struct dunlin_driver_error *err)
{
	struct scalar s = { out, size };

	out[0] = '\0';
	return sq_each(c, sql, NULL, take_scalar, &s, err);
}

int sq_pragma(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err)
{
	return sq_each(c, sql, NULL, NULL, NULL, err);
}
