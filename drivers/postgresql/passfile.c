/*
 * passfile.c - the file of passwords that libpq reads by itself.
 *
 * libpq passes over one that others may read, with a warning on standard error
 * and then a password that is missing; here that is an error by its own name.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg_driver.h"

static const char *given(const char *text)
{
	return text && *text ? text : NULL;
}

static void default_path(struct drv_text *out)
{
	const char *home = given(getenv("HOME"));
	struct passwd pw, *found = NULL;
	char text[4096];

	if (!home && getpwuid_r(geteuid(), &pw, text, sizeof text, &found) == 0 && found)
		home = found->pw_dir;
	if (home)
		drv_text_addf(out, "%s/.pgpass", home);
}

static int look(const char *path, struct dunlin_driver_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return DUNLIN_OK;
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0,
	          "the password file '%s' is open to others than its owner (mode %04o)", path, (unsigned)(st.st_mode & 07777));
	drv_hint(err, "chmod 600 it.");
	if (err)
		err->is_unsafe = 1;
	return DUNLIN_ERROR;
}

int pg_check_passfile(const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	const char *path = given(drv_option(kv, n, "passfile"));
	struct drv_text t = { 0 };
	int status;

	if (given(drv_option(kv, n, "password")) || given(getenv("PGPASSWORD")))
		return DUNLIN_OK;
	if (!path)
		path = given(getenv("PGPASSFILE"));
	if (path)
		drv_text_adds(&t, path);
	else
		default_path(&t);
	status = t.is_failed ? drv_nomem(err) : t.p ? look(t.p, err) : DUNLIN_OK;
	drv_text_clear(&t);
	return status;
}
