/*
 * adopt.c - the application's own PGconn, worked on and given back as it was.
 *
 * Its session's settings and role are noted, reset while we work, so that every
 * migration meets the same session, and put back at the end.  Where it has
 * temporary objects, cursors, prepared statements or channels that it listens
 * to, those of a migration stay beside them.
 *
 * Two things cannot be put back, since nobody lists them.  Custom settings
 * ("app.user") of the session are lost.  Its notice receiver therefore stays in
 * place: libpq does not tell the receiver's argument.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "pg_driver.h"

#define GIVE_BACK_MS 10000

enum { LEFTOVERS_MAX = 8 };

struct pg_adopted {
	int is_nonblocking;
	const char *leftovers[LEFTOVERS_MAX]; /* what a reset may throw away; NULL-ended */
	struct drv_text restore; /* SQL */
	int64_t end_ms;
};

static int refuse(struct dunlin_driver_error *err, const char *why)
{
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the connection %s", why);
}

static int check(PGconn *pg, struct dunlin_driver_error *err)
{
	if (PQstatus(pg) != CONNECTION_OK)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "the connection is not open");
	if (PQpipelineStatus(pg) != PQ_PIPELINE_OFF)
		return refuse(err, "is in pipeline mode");
	switch (PQtransactionStatus(pg)) {
	case PQTRANS_IDLE:
		return DUNLIN_OK;
	case PQTRANS_ACTIVE:
		return refuse(err, "is in the middle of a statement");
	default:
		return refuse(err, "is inside a transaction");
	}
}

/* A row (name, value) for each setting that the session made itself. */
static int note_setting(void *arg, const PGresult *res)
{
	struct drv_text *t = arg;
	int i;

	if (PQnfields(res) != 2)
		return DUNLIN_OK;
	for (i = 0; i < PQntuples(res); i++) {
		drv_text_adds(t, t->len ? ", pg_catalog.set_config(" : "SELECT pg_catalog.set_config(");
		pg_text_literal(t, PQgetvalue(res, i, 0));
		drv_text_adds(t, ",");
		pg_text_literal(t, PQgetvalue(res, i, 1));
		drv_text_adds(t, ", false)");
	}
	return t->is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

/* The role last: it may be one that could not set the others. */
#define NOTE                                                                                                \
	"SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings WHERE source = 'session' "   \
	"AND context IN ('user', 'superuser') AND name NOT IN ('session_authorization', 'role') "               \
	"UNION ALL SELECT 'role', pg_catalog.current_setting('role')"
#define CLEAN "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET client_encoding TO 'UTF8'"

/* A row of four booleans: has it such things? */
#define NOTE_LEFTOVERS                                                                                       \
	"SELECT EXISTS (SELECT FROM pg_catalog.pg_cursors), "                                                   \
	"EXISTS (SELECT FROM pg_catalog.pg_listening_channels()), "                                             \
	"EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema()), "        \
	"EXISTS (SELECT FROM pg_catalog.pg_prepared_statements)"

static int note_leftovers(void *arg, const PGresult *res)
{
	static const char *const ends[] = { "CLOSE ALL", "UNLISTEN *", PG_DISCARD_TEMP, "DEALLOCATE ALL" };
	const char **out = arg;
	int i;

	if (PQnfields(res) != 4 || PQntuples(res) != 1)
		return DUNLIN_OK;
	for (i = 0; i < 4; i++)
		if (strcmp(PQgetvalue(res, 0, i), "f") == 0)
			*out++ = ends[i];
	*out++ = "DISCARD PLANS";
	*out = NULL;
	return DUNLIN_OK;
}

const char *const *pg_leftovers(const struct dunlin_conn *c)
{
	static const char *const all[] = { "CLOSE ALL", "UNLISTEN *", PG_DISCARD_TEMP, "DISCARD SEQUENCES", "DISCARD PLANS", NULL };

	return c->adopted ? c->adopted->leftovers : all;
}

static int take_over(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = pg_simple(c, NOTE, note_setting, &c->adopted->restore, err);

	if (status == DUNLIN_OK)
		status = pg_simple(c, NOTE_LEFTOVERS, note_leftovers, c->adopted->leftovers, err);
	if (status == DUNLIN_OK)
		status = pg_simple(c, CLEAN, NULL, NULL, err);
	if (status == DUNLIN_OK)
		status = pg_check_surroundings(c, err);
	return status;
}

int pg_adopt(void *handle, const struct dunlin_control *ctl, struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct dunlin_conn *c;
	PGconn *pg = handle;
	int status;

	*out = NULL;
	drv_error_clear(err);
	status = check(pg, err);
	if (status != DUNLIN_OK)
		return status;
	c = pg_conn_new(ctl);
	if (!c)
		return drv_nomem(err);
	c->adopted = drv_zalloc(sizeof *c->adopted);
	if (!c->adopted) {
		drv_free(c);
		return drv_nomem(err);
	}
	c->is_adopted = 1;
	c->pg = pg;
	c->is_set_later = 1;
	c->server_version = PQserverVersion(pg);
	c->opt.lock_timeout_ms = 5000;
	c->opt.statement_timeout_ms = -1;
	c->opt.has_sslmode = 1; /* the application's own affair */
	c->adopted->is_nonblocking = PQisnonblocking(pg);
	status = PQsetnonblocking(pg, 1) == 0 ? take_over(c, err) : pg_lost(c, err);
	if (status != DUNLIN_OK) {
		pg_close(c);
		return status;
	}
	*out = c;
	return DUNLIN_OK;
}

/* --- giving it back --------------------------------------------------------------------- */

static int64_t time_left(void *arg)
{
	struct dunlin_conn *c = arg;
	int64_t left = c->adopted->end_ms - drv_now_ms();

	return left > 0 ? left : 0;
}

static void give_back(struct dunlin_conn *c)
{
	struct pg_adopted *a = c->adopted;

	/* A host that wants to stop still wants this done. */
	a->end_ms = drv_now_ms() + GIVE_BACK_MS;
	c->ctl = (struct dunlin_control){ .struct_size = sizeof c->ctl, .arg = c, .remaining_ms = time_left };
	c->obs = NULL;
	if (pg_enter(c, NULL) != DUNLIN_OK)
		return;
	if (PQtransactionStatus(c->pg) != PQTRANS_IDLE)
		pg_simple(c, "ROLLBACK", NULL, NULL, NULL);
	if (c->is_locked)
		pg_unlock(c, "", NULL);
	pg_simple(c, CLEAN, NULL, NULL, NULL);
	if (a->restore.p)
		pg_simple(c, a->restore.p, NULL, NULL, NULL);
	PQsetnonblocking(c->pg, a->is_nonblocking);
}

void pg_adopted_end(struct dunlin_conn *c)
{
	if (!c->is_lost && PQpipelineStatus(c->pg) == PQ_PIPELINE_OFF)
		give_back(c);
	drv_text_clear(&c->adopted->restore);
	drv_free(c->adopted);
}
