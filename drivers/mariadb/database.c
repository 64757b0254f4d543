/*
 * database.c - the database as a whole: made, dropped, made for a moment.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "my_catalog.h"

#define ER_DB_CREATE_EXISTS 1007
#define ER_DB_DROP_EXISTS   1008

static int no_name(struct dunlin_driver_error *err)
{
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the URL names no database");
}

/* verb `name` rest, on the server that the options name. */
static int run(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, const char *verb,
               const char *name, const char *rest, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 };
	struct dunlin_conn *c = NULL;
	int status = my_open_server(kv, n, ctl, &c, err);

	drv_text_addf(&sql, "%s ", verb);
	if (!name)
		name = drv_option(kv, n, "database");
	if (status == DUNLIN_OK && (!name || !*name))
		status = no_name(err);
	if (status == DUNLIN_OK) {
		my_name(&sql, name, strlen(name));
		drv_text_adds(&sql, rest);
		status = sql.is_failed ? drv_nomem(err) : my_do(c, sql.p, err);
	}
	drv_text_clear(&sql);
	my_close(c);
	return status;
}

int my_create_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                       struct dunlin_driver_error *err)
{
	int status = run(kv, n, ctl, "CREATE DATABASE", NULL, " CHARACTER SET utf8mb4", err);

	return status == DUNLIN_ERROR && err && err->native == ER_DB_CREATE_EXISTS ? DUNLIN_EBUSY : status;
}

int my_drop_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                     struct dunlin_driver_error *err)
{
	int status = run(kv, n, ctl, "DROP DATABASE", NULL, "", err);

	if (status == DUNLIN_ERROR && err && err->native == ER_DB_DROP_EXISTS)
		err->errclass = DUNLIN_CLASS_CONNECTION; /* there is no such place */
	return status;
}

/* --- scratch ------------------------------------------------------------------------------ */

static void add_encoded(struct drv_text *t, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *s; s++)
		if (strchr(plain, *s))
			drv_text_add(t, s, 1);
		else
			drv_text_addf(t, "%%%02X", (unsigned)(unsigned char)*s);
}

/* The options as a URL, but for the password and the database's name. */
static void add_url(struct drv_text *t, const struct dunlin_kv *kv, size_t n, const char *name)
{
	const char *host = drv_option(kv, n, "host"), *user = drv_option(kv, n, "user"), *port = drv_option(kv, n, "port");
	char before = '?';
	size_t i, j;

	drv_text_adds(t, "mariadb://");
	if (user && *user) {
		add_encoded(t, user);
		drv_text_add(t, "@", 1);
	}
	if (host && strchr(host, ':'))
		drv_text_addf(t, "[%s]", host);
	else if (host)
		add_encoded(t, host);
	if (port && *port)
		drv_text_addf(t, ":%s", port);
	drv_text_addf(t, "/%s", name);
	for (i = 0; i < n; i++)
		for (j = 0; my_url_params[j]; j++)
			if (strcmp(kv[i].key, my_url_params[j]) == 0 && kv[i].value) {
				drv_text_addf(t, "%c%s=", before, kv[i].key);
				add_encoded(t, kv[i].value);
				before = '&';
			}
}

int my_scratch(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, char *url, size_t url_size,
               struct dunlin_driver_error *err)
{
	struct drv_text text = { 0 };
	unsigned char raw[8];
	char name[40] = "dunlin_scratch_";
	size_t i;
	int status = DUNLIN_OK;

	drv_error_clear(err);
	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0, "the system gives no random numbers");
	for (i = 0; i < sizeof raw; i++)
		snprintf(name + strlen(name), 3, "%02x", raw[i]);
	add_url(&text, kv, n, name);
	if (text.is_failed)
		status = drv_nomem(err);
	else if (text.len >= url_size)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0, "no room for the URL of '%s'", name);
	else
		status = run(kv, n, ctl, "CREATE DATABASE", name, " CHARACTER SET utf8mb4", err);
	if (status == DUNLIN_OK)
		memcpy(url, text.p, text.len + 1);
	drv_text_clear(&text);
	return status;
}
