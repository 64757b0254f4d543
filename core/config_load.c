/*
 * config_load.c - fills what nobody set yet: from the environment, from the
 * dunlin.ini that is found, and with a database that is named around us.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "config_priv.h"

#include "buf.h"
#include "discover.h"
#include "dotenv.h"
#include "duration.h"
#include "error.h"
#include "textfile.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INI_NAME "dunlin.ini"

/* A program that runs with more rights than its caller listens to no variable. */
static const char *variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

/* --- the environment ---------------------------------------------------------- */

static int put_dirs(struct config *c, const char *name, const char *value, struct dunlin_error *err)
{
	return config_put_source(c, value, "", RANK_ENVIRONMENT, name, name, err);
}

static int put(struct config *c, const char *option, const char *value, const char *name, struct dunlin_error *err)
{
	return config_put(c, config_option_find(option, NULL), value, RANK_ENVIRONMENT, name, name, err);
}

/* Variables whose value is not the option's. */
static int load_special(struct config *c, struct dunlin_error *err)
{
	const char *value = variable("MIGRATION_TIMEOUT");
	char text[40];
	int64_t ms;

	if (value) {
		if (duration_parse_ms(value, "MIGRATION_TIMEOUT", &ms, err) < 0)
			return -1;
		snprintf(text, sizeof text, "%lldms", (long long)ms);
		if (put(c, "timeout", text, "MIGRATION_TIMEOUT", err) < 0)
			return -1;
	}
	value = variable("DEBUG");
	if (value && strcmp(value, "migration") == 0 && put(c, "debug", "yes", "DEBUG", err) < 0)
		return -1;
	value = variable("CLICOLOR_FORCE");
	if (value && strcmp(value, "0") != 0 && put(c, "color", "always", "CLICOLOR_FORCE", err) < 0)
		return -1;
	return variable("NO_COLOR") ? put(c, "color", "never", "NO_COLOR", err) : 0;
}

static int load_environment(struct config *c, struct dunlin_error *err)
{
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *o = &config_options[i];

		for (size_t k = 0; o->env[k]; k++) {
			const char *value = variable(o->env[k]);

			if (!value)
				continue;
			if (strcmp(o->name, "dir") == 0 ? put_dirs(c, o->env[k], value, err) < 0
			                                : put(c, o->name, value, o->env[k], err) < 0)
				return -1;
			break;
		}
	}
	return load_special(c, err);
}

/* --- dunlin.ini --------------------------------------------------------------- */

/* A path's folder as a prefix: "" for the working directory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return mem_strndup(path, !slash ? 0 : slash == path ? 1 : (size_t)(slash - path));
}

static int is_root(const struct stat *st)
{
	struct stat root;

	return stat("/", &root) == 0 && root.st_ino == st->st_ino && root.st_dev == st->st_dev;
}

/*
 * A configuration can run commands (hooks), so one that another user left in a
 * folder above is not simply obeyed.  The owner of the working directory may.
 */
static int check_owner(const char *path, struct dunlin_error *err)
{
	struct stat file, here;

	if (stat(path, &file) < 0 || stat(".", &here) < 0 || file.st_uid == 0 || file.st_uid == geteuid() ||
	    file.st_uid == here.st_uid)
		return 0;
	error_set(err, DUNLIN_EXIT_UNSAFE, DUNLIN_CLASS_PERMISSION, "'%s' belongs to another user", path);
	error_at(err, path, 0, 0);
	error_hint(err, "It could run commands as you: if it is the one you mean, name it by --config.");
	return -1;
}

/* Here, or in a parent folder.  1 with the path, 0: there is none. */
static int search(char path[PATH_MAX], struct dunlin_error *err)
{
	size_t n = 0;
	struct stat st;

	for (;;) {
		snprintf(path + n, PATH_MAX - n, "%s", INI_NAME);
		if (stat(path, &st) == 0)
			return n > 0 && check_owner(path, err) < 0 ? -1 : 1;
		snprintf(path + n, PATH_MAX - n, ".");
		if (stat(path, &st) < 0 || is_root(&st) || n + 3 + sizeof INI_NAME >= PATH_MAX)
			return 0;
		memcpy(path + n, "../", 4);
		n += 3;
	}
}

static int apply_text(struct config *c, const struct buf *text, const struct stat *st, struct dunlin_error *err)
{
	struct ini_file ini;
	int has_password = 0, rc;

	if (ini_file_parse(&ini, text->p ? text->p : "", text->len, c->file, err) < 0)
		return -1;
	rc = config_apply_file(c, &ini, &has_password, err);
	ini_file_clear(&ini);
	return rc == 0 && has_password ? text_file_check_private(c->file, st, err) : rc;
}

static void wipe_buf(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->len);
	buf_clear(b);
}

static int read_config(struct config *c, const char *path, struct dunlin_error *err)
{
	struct buf text = BUF_INIT;
	struct stat st;
	int rc;

	c->file = mem_strdup(path);
	c->folder = folder_of(path);
	if (!c->file || !c->folder)
		return error_nomem(err);
	rc = text_file_read(path, &text, &st, err);
	if (rc > 0)
		rc = apply_text(c, &text, &st, err);
	else if (rc == 0)
		rc = error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "no configuration file '%s'", path);
	wipe_buf(&text);
	return rc;
}

static int refuse_env(const char *env, const char *origin, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
	          "no environment '%s' (from %s): there is no " INI_NAME " here or in a parent folder", env, origin);
	error_hint(err, "`dunlin init` writes one; an environment is its section [env.%s].", env);
	return -1;
}

static int load_file(struct config *c, struct dunlin_error *err)
{
	const char *path = config_get(c, "config", NULL), *origin;
	const char *env = config_get(c, "env", &origin);
	char found[PATH_MAX];
	int rc;

	if (path)
		return read_config(c, path, err);
	rc = search(found, err);
	if (rc > 0)
		rc = config_put(c, config_option_find("config", NULL), found, RANK_DEFAULT, "found", "config", err) < 0
			? -1 : read_config(c, found, err);
	else if (rc == 0 && env)
		rc = refuse_env(env, origin, err);
	return rc;
}

/* --- the database --------------------------------------------------------------- */

static const char *from_environment(void *arg, const char *name)
{
	(void)arg;
	return variable(name);
}

static const char *from_dotenv(void *arg, const char *name)
{
	return dotenv_get(arg, name);
}

/* prefix: of the origin, as in "../.env: POSTGRES_HOST". */
static int put_discovered(struct config *c, discover_get_fn *get, void *arg, const char *prefix, struct dunlin_error *err)
{
	struct buf url = BUF_INIT, names = BUF_INIT;
	int rc;

	buf_adds(&names, prefix);
	rc = discover_url(get, arg, &url, &names, err);
	if (rc > 0 && config_put(c, config_option_find("url", NULL), url.p, RANK_DOTENV, names.p, "url", err) < 0)
		rc = -1;
	wipe_buf(&url);
	buf_clear(&names);
	return rc;
}

static int put_dotenv(struct config *c, const struct dotenv *d, const char *path, struct dunlin_error *err)
{
	static const char *const urls[] = { "DUNLIN_URL", "DATABASE_URL" };
	char prefix[PATH_MAX + 32];

	for (size_t i = 0; i < 2; i++) {
		const char *value = dotenv_get(d, urls[i]);
		char *url;
		int rc;

		if (!value || !*value)
			continue;
		snprintf(prefix, sizeof prefix, "%s: %s", path, urls[i]);
		url = config_place_url(c->folder ? c->folder : "", value);
		if (!url)
			return error_nomem(err);
		rc = config_put(c, config_option_find("url", NULL), url, RANK_DOTENV, prefix, urls[i], err);
		config_wipe(url);
		return rc < 0 ? -1 : 1;
	}
	snprintf(prefix, sizeof prefix, "%s: ", path);
	return put_discovered(c, from_dotenv, (void *)d, prefix, err);
}

static int load_dotenv(struct config *c, struct dunlin_error *err)
{
	struct buf text = BUF_INIT;
	struct dotenv d = { 0 };
	const char *folder = c->folder ? c->folder : "";
	char path[PATH_MAX];
	struct stat st;
	int rc;

	snprintf(path, sizeof path, "%s%s.env", folder, *folder && folder[strlen(folder) - 1] != '/' ? "/" : "");
	rc = text_file_read(path, &text, &st, err);
	if (rc > 0)
		rc = dotenv_parse(&d, text.p ? text.p : "", text.len) < 0 ? error_nomem(err) : put_dotenv(c, &d, path, err);
	if (rc > 0 && config_url_has_password(config_get(c, "url", NULL)) && text_file_check_private(path, &st, err) < 0) {
		config_forget(c, RANK_DOTENV);
		rc = -1;
	}
	dotenv_clear(&d);
	wipe_buf(&text);
	return rc;
}

/* What goes wrong here stops only those who need a database. */
static int load_database(struct config *c, struct dunlin_error *err)
{
	struct dunlin_error why;
	int rc;

	if (config_get(c, "url", NULL))
		return 0;
	rc = put_discovered(c, from_environment, NULL, "", &why);
	if (rc == 0)
		rc = load_dotenv(c, &why);
	if (rc >= 0)
		return 0;
	c->no_url = mem_alloc(sizeof *c->no_url);
	if (!c->no_url)
		return error_nomem(err);
	*c->no_url = why;
	return 0;
}

int config_no_url(const struct config *c, struct dunlin_error *err)
{
	if (c->no_url) {
		if (err)
			*err = *c->no_url;
		return -1;
	}
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "no database is named");
	error_hint(err, "Give one by --url sqlite:app.db, DUNLIN_URL or DATABASE_URL, url = ... in dunlin.ini, or the "
	           "variables POSTGRES_HOST, PGHOST, MARIADB_HOST or MYSQL_HOST and those that go with them.");
	return -1;
}

int config_load(struct config *c, struct dunlin_error *err)
{
	config_forget(c, RANK_ENVIRONMENT);
	if (load_environment(c, err) < 0 || load_file(c, err) < 0 || load_database(c, err) < 0)
		return -1;
	/* The project is where its configuration is. */
	return c->n_source == 0 ? config_put_source(c, "migrations", c->folder ? c->folder : "", RANK_DEFAULT,
	                                            "default", "dir", err) : 0;
}
