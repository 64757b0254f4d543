/*
 * conn.c - a connection: opened on the first server that will do, closed.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdlib.h>
#include <string.h>

#include "pg_driver.h"

#define PROBE_MS 1000

struct dunlin_conn *pg_conn_new(const struct dunlin_control *ctl)
{
	struct dunlin_conn *c = drv_zalloc(sizeof *c);
	size_t size = ctl ? ctl->struct_size : 0;

	if (!c)
		return NULL;
	if (size)
		memcpy(&c->ctl, ctl, size < sizeof c->ctl ? size : sizeof c->ctl);
	atomic_init(&c->is_cancelled, 0);
	return c;
}

/* A startup packet that the server would have taken without some setting. */
static int is_about_settings(const struct pg_refusal *why)
{
	return strcmp(why->state, "42704") == 0 || strcmp(why->state, "22023") == 0 || strcmp(why->state, "42602") == 0;
}

static int try_way(struct dunlin_conn *c, size_t target, int way, struct pg_refusal *why,
                   struct dunlin_driver_error *err)
{
	struct pg_attempt a;
	int status = pg_attempt_make(&c->opt, target, way, &a, err);

	if (status == DUNLIN_OK)
		status = pg_connect(c, &a, why, err);
	pg_attempt_clear(&a);
	return status;
}

/* A pooler is declared to be in session mode.  One that is not gives a second
 * client the server process that the first has just used; in session mode it
 * gives another, or none until the first leaves. */
static int check_pooling(struct dunlin_conn *c, size_t target, struct dunlin_driver_error *err)
{
	struct pg_refusal why;
	struct dunlin_conn *second;
	int status = DUNLIN_OK;

	if (!c->opt.is_pool_session || c->server_pid == PQbackendPID(c->pg))
		return DUNLIN_OK;
	second = pg_conn_new(&c->ctl);
	if (!second)
		return drv_nomem(err);
	second->opt = c->opt; /* borrowed */
	second->opt.connect_timeout_ms = PROBE_MS;
	second->is_set_later = 1;
	if (try_way(second, target, PG_SETTINGS_LATER, &why, NULL) == DUNLIN_OK) {
		second->probe_end_ms = drv_now_ms() + PROBE_MS;
		if (PQsetnonblocking(second->pg, 1) == 0 && pg_check_surroundings(second, NULL) == DUNLIN_OK &&
		    second->server_pid == c->server_pid)
			status = pg_refuse_mode(err);
		pg_disconnect(second);
	}
	drv_free(second);
	return status;
}

static int try_target(struct dunlin_conn *c, size_t target, struct dunlin_driver_error *err)
{
	struct pg_refusal why = { .state = "" };
	/* A service file's own startup options are not to be replaced by ours. */
	int way = c->opt.is_pool_session || (c->opt.is_elsewhere && !c->opt.has_options) ? PG_SETTINGS_LATER : PG_SETTINGS_STARTUP;
	int status = try_way(c, target, way, &why, err);

	/* An older server, or one that is PostgreSQL in part. */
	while (status != DUNLIN_OK && way < PG_SETTINGS_LATER && is_about_settings(&why))
		status = try_way(c, target, ++way, &why, err);
	if (status != DUNLIN_OK)
		return status;
	c->is_set_later = way == PG_SETTINGS_LATER;
	if (PQsetnonblocking(c->pg, 1) != 0)
		status = pg_lost(c, err);
	if (status == DUNLIN_OK)
		status = pg_check_surroundings(c, err);
	if (status == DUNLIN_OK)
		status = check_pooling(c, target, err);
	if (status != DUNLIN_OK)
		pg_disconnect(c);
	return status;
}

/* May another host do better?  Not after being told to stop. */
static int is_final(int status)
{
	return status == DUNLIN_OK || status == DUNLIN_ENOMEM || status == DUNLIN_ETIMEOUT || status == DUNLIN_ECANCELLED;
}

/* The first server that will do.  If there is none, what was wrong with one
 * that answered is told rather than that another did not. */
static int try_all(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error this = { .struct_size = sizeof this }, told = { .struct_size = sizeof told };
	int status = DUNLIN_ERROR, told_status = DUNLIN_ERROR;
	size_t i;

	if (c->opt.attrs == PG_ATTRS_PREFER_STANDBY && c->opt.n_target > 1) {
		c->opt.attrs = PG_ATTRS_STANDBY;
		status = try_all(c, err);
		c->opt.attrs = PG_ATTRS_ANY;
		if (is_final(status))
			return status;
		drv_error_clear(err);
	}
	for (i = 0; i < c->opt.n_target; i++) {
		c->is_lost = 0;
		status = try_target(c, i, &this);
		if (is_final(status)) {
			told = this;
			told_status = status;
			break;
		}
		if (i == 0 || (this.is_unsafe && !told.is_unsafe)) {
			told = this;
			told_status = status;
		}
	}
	if (err && status != DUNLIN_OK) {
		told.struct_size = err->struct_size;
		*err = told;
	}
	return status == DUNLIN_OK ? DUNLIN_OK : told_status;
}

int pg_open_database(const struct dunlin_kv *kv, size_t n, const char *database, const struct dunlin_control *ctl,
                     struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct dunlin_conn *c = pg_conn_new(ctl);
	int status;

	*out = NULL;
	drv_error_clear(err);
	if (!c)
		return drv_nomem(err);
	status = pg_options_read(&c->opt, kv, n, database, err);
	if (status == DUNLIN_OK)
		status = pg_check_passfile(kv, n, err);
	if (status == DUNLIN_OK)
		status = try_all(c, err);
	if (status != DUNLIN_OK) {
		pg_close(c);
		return status;
	}
	c->server_version = PQserverVersion(c->pg);
	*out = c;
	return DUNLIN_OK;
}

int pg_open(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
            struct dunlin_driver_error *err)
{
	return pg_open_database(kv, n, NULL, ctl, out, err);
}

void pg_close(struct dunlin_conn *c)
{
	if (!c)
		return;
	if (c->adopted)
		pg_adopted_end(c);
	else
		PQfinish(c->pg); /* the server rolls back and lets go of every lock */
	pg_options_clear(&c->opt);
	pg_blockers_watch_end(c);
	pg_prepared_free(c);
	drv_free(c);
}
