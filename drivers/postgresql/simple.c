/*
 * simple.c - SQL of the driver's own, sent as one text: one round trip, however
 * many statements are in it.  Values in it are quoted by pg_text_literal().
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "pg_driver.h"

int pg_simple(struct dunlin_conn *c, const char *sql, pg_result_fn *fn, void *arg, struct dunlin_driver_error *err)
{
	int status, failed = DUNLIN_OK;
	PGresult *res;

	if (!PQsendQuery(c->pg, sql))
		return pg_lost(c, err);
	status = pg_flush(c, err);
	while (status == DUNLIN_OK) {
		status = pg_next(c, &res, err);
		if (status != DUNLIN_OK || !res)
			break;
		if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
			if (failed == DUNLIN_OK)
				failed = pg_result_error(c, res, NULL, 0, err);
		} else if (fn && failed == DUNLIN_OK && PQresultStatus(res) == PGRES_TUPLES_OK) {
			failed = fn(arg, res);
		}
		PQclear(res);
	}
	return status == DUNLIN_OK ? failed : status;
}

/* E'' means the same whatever standard_conforming_strings is set to. */
void pg_text_literal(struct drv_text *t, const char *value)
{
	drv_text_adds(t, " E'");
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			drv_text_add(t, value, 1);
		drv_text_add(t, value, 1);
	}
	drv_text_adds(t, "'");
}
