/*
 * query.c - one command, all of its results, row by row.
 *
 * Also the driver's own questions (pg_do, pg_each, pg_scalar).
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "pipeline.h"

/* What pg_type.dat has them as. */
enum {
	OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_OID = 26,
	OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_NUMERIC = 1700,
};


struct reader {
	struct dunlin_conn *c;
	const char *sql; /* for positions; NULL: one of our own */
	size_t len;
	int  (*row)(struct reader *r, const PGresult *res, int i, struct dunlin_driver_error *err);
	dunlin_row_fn *typed;
	pg_row_fn *plain;
	void *arg;
	struct cells { const char **value; size_t *len; int32_t *type; unsigned char **raw; size_t n; } cells;
	int stopped; /* what a row function ended it with */
};

/* --- results ------------------------------------------------------------------------------- */

static int rows(struct reader *r, const PGresult *res, struct dunlin_driver_error *err)
{
	int n = PQntuples(res), status = DUNLIN_OK;

	for (int i = 0; r->row && i < n && status == DUNLIN_OK && !r->stopped; i++)
		status = r->row(r, res, i, err);
	return status;
}

static int take(struct reader *r, const PGresult *res, struct dunlin_driver_error *err)
{
	switch (PQresultStatus(res)) {
	case PGRES_SINGLE_TUPLE:
	case PGRES_TUPLES_OK:
		return rows(r, res, err);
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		return DUNLIN_OK;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH: {
		int status = pg_copy_refuse(r->c, res, err);

		return status != DUNLIN_OK ? status
			: drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "COPY with the client is no query");
	}
	default:
		if (!PQresultErrorField(res, PG_DIAG_SQLSTATE))
			return pg_lost(r->c, err);
		return pg_result_error(r->c, res, r->sql, r->len, err);
	}
}

/* To the end, whatever becomes of it, so that the next command finds the line clear. */
static int read_all(struct reader *r, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK, rc;
	PGresult *res;

	while ((rc = pg_next(r->c, &res, status == DUNLIN_OK ? err : NULL)) == DUNLIN_OK && res) {
		if (status == DUNLIN_OK)
			status = take(r, res, err);
		PQclear(res);
		if (r->c->is_lost)
			break;
	}
	return status != DUNLIN_OK ? status : rc;
}

static int refused(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return PQstatus(c->pg) == CONNECTION_OK ? drv_nomem(err) : pg_lost(c, err);
}

/* --- our own --------------------------------------------------------------------------------- */

int pg_do(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err)
{
	struct reader r = { .c = c };

	return PQsendQuery(c->pg, sql) ? read_all(&r, err) : refused(c, err);
}

static int need(struct cells *k, size_t n, struct dunlin_driver_error *err)
{
	if (k->n >= n)
		return DUNLIN_OK;
	drv_free(k->value);
	drv_free(k->len);
	drv_free(k->type);
	drv_free(k->raw);
	k->value = drv_zalloc(n * sizeof *k->value);
	k->len = drv_zalloc(n * sizeof *k->len);
	k->type = drv_zalloc(n * sizeof *k->type);
	k->raw = drv_zalloc(n * sizeof *k->raw);
	k->n = n;
	if (k->value && k->len && k->type && k->raw)
		return DUNLIN_OK;
	k->n = 0;
	return drv_nomem(err);
}

static void clear(struct cells *k)
{
	drv_free(k->value);
	drv_free(k->len);
	drv_free(k->type);
	drv_free(k->raw);
}

static void fill(struct cells *k, const PGresult *res, int i, int n)
{
	for (int j = 0; j < n; j++) {
		k->value[j] = PQgetisnull(res, i, j) ? NULL : PQgetvalue(res, i, j);
		k->len[j] = k->value[j] ? (size_t)PQgetlength(res, i, j) : 0;
	}
}

static int plain_row(struct reader *r, const PGresult *res, int i, struct dunlin_driver_error *err)
{
	int n = PQnfields(res), status = need(&r->cells, (size_t)(n > 0 ? n : 1), err);

	if (status != DUNLIN_OK)
		return status;
	fill(&r->cells, res, i, n);
	r->stopped = r->plain(r->arg, n, r->cells.value, r->cells.len);
	return DUNLIN_OK;
}

int pg_each(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, pg_row_fn *row, void *arg,
            struct dunlin_driver_error *err)
{
	struct reader r = { .c = c, .row = row ? plain_row : NULL, .plain = row, .arg = arg };
	int status;

	if (!PQsendQueryParams(c->pg, sql, n_param, NULL, param, NULL, NULL, 0))
		return refused(c, err);
	PQsetSingleRowMode(c->pg);
	status = read_all(&r, err);
	clear(&r.cells);
	return status == DUNLIN_OK ? r.stopped : status;
}

struct scalar { char *out; size_t size; int has_row; };

static int first(void *arg, int ncol, const char *const *value, const size_t *len)
{
	struct scalar *s = arg;

	(void)len;
	if (!s->has_row && ncol > 0)
		snprintf(s->out, s->size, "%s", value[0] ? value[0] : "");
	s->has_row = 1;
	return 0;
}

int pg_scalar(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, char *out, size_t size,
              struct dunlin_driver_error *err)
{
	struct scalar s = { out, size, 0 };

	*out = '\0';
	return pg_each(c, sql, param, n_param, first, &s, err);
}

/* --- the slot ---------------------------------------------------------------------------------- */

static int32_t type_of(Oid oid)
{
	switch (oid) {
	case OID_BOOL:
		return DUNLIN_TYPE_BOOLEAN;
	case OID_BYTEA:
		return DUNLIN_TYPE_BLOB;
	case OID_INT2: case OID_INT4: case OID_INT8: case OID_OID: case OID_FLOAT4: case OID_FLOAT8: case OID_NUMERIC:
		return DUNLIN_TYPE_NUMBER;
	default:
		return DUNLIN_TYPE_TEXT;
	}
}

static int typed_row(struct reader *r, const PGresult *res, int i, struct dunlin_driver_error *err)
{
	struct cells *k = &r->cells;
	int n = PQnfields(res), status = need(k, (size_t)(n > 0 ? n : 1), err);

	if (status != DUNLIN_OK)
		return status;
	fill(k, res, i, n);
	memset(k->raw, 0, k->n * sizeof *k->raw);
	for (int j = 0; j < n && status == DUNLIN_OK; j++) {
		k->type[j] = k->value[j] ? type_of(PQftype(res, j)) : DUNLIN_TYPE_NULL;
		if (k->type[j] == DUNLIN_TYPE_BOOLEAN) {
			k->value[j] = k->value[j][0] == 't' ? "1" : "0";
		} else if (k->type[j] == DUNLIN_TYPE_BLOB) {
			k->raw[j] = PQunescapeBytea((const unsigned char *)k->value[j], &k->len[j]);
			k->value[j] = (const char *)k->raw[j];
			if (!k->raw[j])
				status = drv_nomem(err);
		}
	}
	if (status == DUNLIN_OK)
		r->stopped = r->typed(r->arg, n, k->value, k->len, k->type);
	for (int j = 0; j < n; j++)
		PQfreemem(k->raw[j]);
	return status;
}

static int ask(struct reader *r, const struct dunlin_param *param, size_t n_param, struct dunlin_driver_error *err)
{
	struct pg_values v;
	char *text;
	int status = pg_values_set(&v, param, n_param, err), rc;

	if (status != DUNLIN_OK)
		return status;
	text = drv_strndup(r->sql, r->len);
	if (!text)
		return drv_nomem(err);
	rc = PQsendQueryParams(r->c->pg, text, (int)n_param, v.type, v.value, NULL, NULL, 0);
	drv_free(text);
	if (!rc)
		return refused(r->c, err);
	PQsetSingleRowMode(r->c->pg);
	return read_all(r, err);
}

int pg_query(struct dunlin_conn *c, const char *sql, size_t sql_len, const struct dunlin_param *param, size_t n_param,
             dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	struct reader r = { .c = c, .sql = sql, .len = sql_len, .row = row ? typed_row : NULL, .typed = row, .arg = arg };
	int status = pg_enter(c, err), is_shielded;

	if (status != DUNLIN_OK)
		return status;
	/* In the middle of a file that runs outside a transaction it is the core that asks. */
	is_shielded = c->is_dirty && PQtransactionStatus(c->pg) == PQTRANS_IDLE;
	if (is_shielded)
		status = pg_do(c, "BEGIN READ WRITE; " PG_SHIELD, err);
	if (status == DUNLIN_OK)
		status = ask(&r, param, n_param, err);
	clear(&r.cells);
	if (is_shielded && !c->is_lost) {
		int rc = pg_do(c, "COMMIT", status == DUNLIN_OK ? err : NULL);

		if (status == DUNLIN_OK)
			status = rc;
	}
	return status == DUNLIN_OK ? r.stopped : status;
}
