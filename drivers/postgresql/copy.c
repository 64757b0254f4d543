/*
 * copy.c - COPY with the client: data from the file into the server, piece by
 * piece, so that no more of it is in memory than is under way.
 *
 * By the simple protocol: a COPY that fails in the extended one waits for a
 * Sync that libpq does not send.  That protocol takes several statements in a
 * text, so that it is one is looked at here.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "pipeline.h"

#define PIECE (64 * 1024)

/* What became clear while data was sent: the server's own error comes as a result. */
enum put { PUT_OK = 0, PUT_OVER, PUT_LOST };

struct feed {
	struct dunlin_conn *c;
	struct dunlin_driver_error *err;
	int    status;
	size_t n_put; /* bytes since the last look at the line */
};

/* Sends what is queued, so that it does not pile up. */
static int drain(struct feed *f)
{
	struct dunlin_conn *c = f->c;
	int rc;

	while ((rc = PQflush(c->pg)) > 0) {
		f->status = pg_wait(c, 1, f->err);
		if (f->status != DUNLIN_OK)
			return PUT_LOST;
		if (!PQconsumeInput(c->pg))
			break;
	}
	/* Notices.  Of an error libpq tells only at the end of the data; a server that
	 * has failed takes the rest, and throws it away. */
	PQconsumeInput(c->pg);
	f->n_put = 0;
	return PUT_OK; /* a broken line shows with the result */
}

static int put(struct feed *f, const char *p, size_t n)
{
	while (n > 0) {
		size_t len = n < PIECE ? n : PIECE;
		int rc = PQputCopyData(f->c->pg, p, (int)len), done;

		if (rc < 0)
			return PUT_OVER;
		f->n_put += len;
		if ((rc == 0 || f->n_put >= PIECE) && (done = drain(f)) != PUT_OK)
			return done;
		if (rc > 0) {
			p += len;
			n -= len;
		}
	}
	return PUT_OK;
}

static int finish(struct feed *f, const char *reason)
{
	int rc, done;

	while ((rc = PQputCopyEnd(f->c->pg, reason)) == 0)
		if ((done = drain(f)) != PUT_OK)
			return done;
	return rc < 0 ? PUT_OVER : drain(f);
}

/* A status; the statement's own success or failure is in the results to come. */
static int feed(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	struct feed f = { .c = c, .err = err };
	int rc = put(&f, st->data, st->data_len), more = 0;
	const char *p;
	size_t n;

	while (rc == PUT_OK && st->read_data && (more = st->read_data(st->read_arg, &p, &n)) > 0)
		rc = put(&f, p, n);
	if (rc == PUT_OK)
		rc = finish(&f, more < 0 ? "the data cannot be read any further" : NULL);
	return rc == PUT_LOST ? f.status : DUNLIN_OK;
}

/* COPY .. TO stdout: nobody wants it. */
static int swallow(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char *row;
	int n, status;

	while ((n = PQgetCopyData(c->pg, &row, 1)) >= 0) {
		if (n > 0) {
			PQfreemem(row);
			continue;
		}
		status = pg_wait(c, 0, err);
		if (status != DUNLIN_OK)
			return status;
		if (!PQconsumeInput(c->pg))
			return DUNLIN_OK; /* the result tells */
	}
	return DUNLIN_OK;
}

int pg_copy_refuse(struct dunlin_conn *c, const PGresult *res, struct dunlin_driver_error *err)
{
	struct feed f = { .c = c, .err = err };

	if (PQresultStatus(res) == PGRES_COPY_OUT)
		return swallow(c, err);
	return finish(&f, "no data for COPY") == PUT_LOST ? f.status : DUNLIN_OK;
}

static int take(struct dunlin_conn *c, const struct dunlin_step *st, PGresult *res, struct dunlin_driver_error *err)
{
	switch (PQresultStatus(res)) {
	case PGRES_COPY_IN:
		return feed(c, st, err);
	case PGRES_COPY_OUT:
		return swallow(c, err);
	case PGRES_FATAL_ERROR:
		if (PQresultErrorField(res, PG_DIAG_SQLSTATE))
			return pg_result_error(c, res, st->sql, st->sql_len, err);
		return pg_lost(c, err);
	default:
		return DUNLIN_OK;
	}
}

int pg_copy(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err)
{
	char *sql;
	PGresult *res;
	int status = DUNLIN_OK, rc;

	if (!pg_is_single(st->sql, st->sql_len))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_SYNTAX, 0, "a statement stands behind COPY on its line");
	sql = drv_strndup(st->sql, st->sql_len);
	if (!sql)
		return drv_nomem(err);
	rc = PQsendQuery(c->pg, sql);
	drv_free(sql);
	if (!rc)
		return PQstatus(c->pg) == CONNECTION_OK ? drv_nomem(err) : pg_lost(c, err);
	while ((rc = pg_next(c, &res, status == DUNLIN_OK ? err : NULL)) == DUNLIN_OK && res) {
		if (status == DUNLIN_OK)
			status = take(c, st, res, err);
		PQclear(res);
		if (c->is_lost)
			return status != DUNLIN_OK ? status : pg_lost(c, err);
	}
	return status != DUNLIN_OK ? status : rc;
}
