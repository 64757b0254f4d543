/*
 * database.c - the database as a whole: made, removed, made for a while.
 *
 * All of it is done from the server's maintenance database, as 'postgres' is
 * meant to be, or from template1 where somebody dropped that.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "pg_driver.h"

static int open_maintenance(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                            struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error own = { .struct_size = sizeof own };
	int status;

	if (!err)
		err = &own;
	status = pg_open_database(kv, n, "postgres", ctl, out, err);
	/* It is not there, or not for everybody. */
	if (status == DUNLIN_ERROR && (strcmp(err->sqlstate, "3D000") == 0 || strcmp(err->sqlstate, "42501") == 0))
		status = pg_open_database(kv, n, "template1", ctl, out, err);
	return status;
}

static int name_of(const struct dunlin_kv *kv, size_t n, const char **name, struct dunlin_driver_error *err)
{
	*name = drv_option(kv, n, "dbname");
	if (!*name || !**name)
		*name = drv_option(kv, n, "database");
	if (*name && **name)
		return DUNLIN_OK;
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the URL does not name the database");
}

/* --- create -------------------------------------------------------------------------------- */

static int read_flag(void *arg, const PGresult *res)
{
	int *is_true = arg;

	if (PQntuples(res) == 1 && PQnfields(res) == 1)
		*is_true = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
	return DUNLIN_OK;
}

/* What a site keeps in template1 is wanted; only an encoding that does not hold
 * all text is not. */
static int create(struct dunlin_conn *c, const char *name, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 };
	int is_utf8 = 1;
	int status = pg_simple(c, "SELECT encoding OPERATOR(pg_catalog.=) pg_catalog.pg_char_to_encoding('UTF8') "
	                          "FROM pg_catalog.pg_database WHERE datname = 'template1'", read_flag, &is_utf8, err);

	if (status != DUNLIN_OK)
		return status;
	drv_text_adds(&sql, "CREATE DATABASE ");
	drv_text_quote(&sql, name);
	if (!is_utf8)
		drv_text_adds(&sql, " TEMPLATE template0 ENCODING 'UTF8'");
	status = sql.is_failed ? drv_nomem(err) : pg_simple(c, sql.p, NULL, NULL, err);
	drv_text_clear(&sql);
	if (status != DUNLIN_OK && err && strcmp(err->sqlstate, "42P04") == 0) {
		status = DUNLIN_EBUSY;
		drv_hint(err, "There is nothing to make: `dunlin status` tells what is in it.");
	}
	return status;
}

int pg_create_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                       struct dunlin_driver_error *err)
{
	struct dunlin_conn *c = NULL;
	const char *name;
	int status;

	drv_error_clear(err);
	status = name_of(kv, n, &name, err);
	if (status == DUNLIN_OK)
		status = open_maintenance(kv, n, ctl, &c, err);
	if (status == DUNLIN_OK)
		status = create(c, name, err);
	pg_close(c);
	return status;
}

/* --- drop ------------------------------------------------------------------------------------ */

static int read_sessions(void *arg, const PGresult *res)
{
	struct drv_text *t = arg;
	int i;

	for (i = 0; i < PQntuples(res) && PQnfields(res) == 3; i++)
		drv_text_addf(t, "%s%s, process %s, user %s", t->len ? "; " : "",
		              PQgetisnull(res, i, 1) || !*PQgetvalue(res, i, 1) ? "a session" : PQgetvalue(res, i, 1),
		              PQgetvalue(res, i, 0), PQgetvalue(res, i, 2));
	return t->is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

/* Who is in it, while the refusal in *err stays. */
static void name_sessions(struct dunlin_conn *c, const char *name, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 }, who = { 0 };

	drv_text_adds(&sql, "SELECT pid, application_name, usename FROM pg_catalog.pg_stat_activity WHERE datname =");
	pg_text_literal(&sql, name);
	drv_text_adds(&sql, " ORDER BY pid LIMIT 10");
	if (!sql.is_failed && pg_simple(c, sql.p, read_sessions, &who, NULL) == DUNLIN_OK && who.p)
		drv_detail(err, "in use by %s", who.p);
	drv_hint(err, "End those sessions first; they are not thrown out.");
	drv_text_clear(&who);
	drv_text_clear(&sql);
}

static int drop(struct dunlin_conn *c, const char *name, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 };
	int status;

	drv_text_adds(&sql, "DROP DATABASE ");
	drv_text_quote(&sql, name);
	status = sql.is_failed ? drv_nomem(err) : pg_simple(c, sql.p, NULL, NULL, err);
	drv_text_clear(&sql);
	if (status == DUNLIN_OK || !err)
		return status;
	if (strcmp(err->sqlstate, "55006") == 0) {
		name_sessions(c, name, err);
		return DUNLIN_EBUSY;
	}
	if (strcmp(err->sqlstate, "3D000") == 0) {
		err->errclass = DUNLIN_CLASS_CONNECTION;
		drv_hint(err, "There is nothing to drop, or the name is another.");
	}
	return status;
}

int pg_drop_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                     struct dunlin_driver_error *err)
{
	struct dunlin_driver_error own = { .struct_size = sizeof own };
	struct dunlin_conn *c = NULL;
	const char *name;
	int status;

	if (!err)
		err = &own;
	drv_error_clear(err);
	status = name_of(kv, n, &name, err);
	if (status == DUNLIN_OK)
		status = open_maintenance(kv, n, ctl, &c, err);
	if (status == DUNLIN_OK)
		status = drop(c, name, err);
	pg_close(c);
	return status;
}

/* --- scratch ----------------------------------------------------------------------------------- */

static void add_encoded(struct drv_text *t, const char *text)
{
	for (; *text; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') ||
		    strchr("-._~", *text))
			drv_text_add(t, text, 1);
		else
			drv_text_addf(t, "%%%02X", (unsigned)(unsigned char)*text);
}

static void add_param(struct drv_text *t, char *separator, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	drv_text_addf(t, "%c%s=", *separator, key);
	add_encoded(t, value);
	*separator = '&';
}

/* The way here with another database's name; hosts as parameters, where lists
 * and folders need no thought. */
static void write_url(struct drv_text *t, const struct dunlin_kv *kv, size_t n, const char *name)
{
	static const char *const left_out[] = { "user", "password", "sslpassword", "dbname", "application_name", NULL };
	const char *user = drv_option(kv, n, "user"), *const *p, *local = drv_option(kv, n, "is_local");
	char separator = '?';
	size_t i;

	drv_text_adds(t, "postgresql://");
	if (user && *user) {
		add_encoded(t, user);
		drv_text_adds(t, "@");
	}
	drv_text_adds(t, "/");
	add_encoded(t, name);
	for (p = pg_url_params(); *p; p++) {
		for (i = 0; left_out[i] && strcmp(*p, left_out[i]) != 0; i++)
			;
		if (!left_out[i])
			add_param(t, &separator, *p, drv_option(kv, n, *p));
	}
	/* Whoever opens it does not know that the host is this machine. */
	if (local && strcmp(local, "1") == 0 && !drv_option(kv, n, "sslmode"))
		add_param(t, &separator, "sslmode", "prefer");
}

static int new_name(char *out, size_t size, struct dunlin_driver_error *err)
{
	unsigned char raw[8];
	size_t i, used;

	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0, "the system gives no random numbers");
	used = (size_t)snprintf(out, size, "dunlin_scratch_");
	for (i = 0; i < sizeof raw; i++)
		used += (size_t)snprintf(out + used, size - used, "%02x", raw[i]);
	return DUNLIN_OK;
}

int pg_scratch(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, char *url, size_t url_size,
               struct dunlin_driver_error *err)
{
	struct drv_text text = { 0 };
	struct dunlin_conn *c = NULL;
	char name[64];
	int status;

	drv_error_clear(err);
	status = new_name(name, sizeof name, err);
	if (status != DUNLIN_OK)
		return status;
	write_url(&text, kv, n, name);
	if (text.is_failed)
		status = drv_nomem(err);
	else if (text.len >= url_size)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the URL of the scratch database is too long");
	if (status == DUNLIN_OK)
		status = open_maintenance(kv, n, ctl, &c, err);
	if (status == DUNLIN_OK)
		status = create(c, name, err);
	if (status == DUNLIN_OK)
		memcpy(url, text.p, text.len + 1);
	pg_close(c);
	drv_text_clear(&text);
	return status;
}
