/*
 * options.c - what a URL and the core ask for, checked.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_driver.h"

const char *const sq_url_params[] = {
	"mode", "journal_mode", "synchronous", "busy_timeout", "foreign_keys", "vfs", "cache", NULL
};

#define DEFAULT_LOCK_TIMEOUT_MS 5000

/* The words that a parameter may have, NULL-ended. */
static int check_word(const char *value, const char *const *words, const char *key, struct dunlin_driver_error *err)
{
	size_t i;

	for (i = 0; words[i]; i++)
		if (sqlite3_stricmp(value, words[i]) == 0)
			return DUNLIN_OK;
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "'%s' is not a value of the URL parameter '%s'",
	                value, key);
}

static int read_word(const struct dunlin_kv *kv, size_t n, const char *key, const char *const *words, char *out,
                     size_t size, struct dunlin_driver_error *err)
{
	const char *value = drv_option(kv, n, key);

	if (!value)
		return DUNLIN_OK;
	if (check_word(value, words, key, err) != DUNLIN_OK)
		return DUNLIN_ERROR;
	snprintf(out, size, "%s", value);
	return DUNLIN_OK;
}

static int read_flag(const char *value)
{
	return sqlite3_stricmp(value, "on") == 0 || sqlite3_stricmp(value, "yes") == 0 ||
	       sqlite3_stricmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

/* The folder's path with links resolved, and the file's own name after it. */
static int in_folder(const char *path, char **out, struct dunlin_driver_error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? drv_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : drv_strdup(".");
	char *real = folder ? realpath(folder, NULL) : NULL;
	struct drv_text t = { 0 };
	int status = DUNLIN_OK;

	*out = NULL;
	if (!folder) {
		status = drv_nomem(err);
	} else if (!real) {
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, errno, "cannot open the folder '%s': %s", folder,
		                  strerror(errno));
	} else {
		drv_text_addf(&t, "%s%s%s", real, strcmp(real, "/") == 0 ? "" : "/", slash ? slash + 1 : path);
		if (t.is_failed)
			status = drv_nomem(err);
		else
			*out = t.p;
	}
	if (!*out)
		drv_text_clear(&t);
	free(real);
	drv_free(folder);
	return status;
}

/* Where a link to a file that is not there yet leads; depth bounds a circle. */
static int resolve_missing(const char *path, int depth, char **out, struct dunlin_driver_error *err)
{
	char target[4096];
	struct drv_text next = { 0 };
	ssize_t n = readlink(path, target, sizeof target - 1);
	const char *slash;
	int status;

	if (n < 0)
		return in_folder(path, out, err);
	if (depth == 0)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, ELOOP, "'%s' is a link that leads in a circle", path);
	target[n] = '\0';
	slash = strrchr(path, '/');
	if (target[0] != '/' && slash)
		drv_text_add(&next, path, (size_t)(slash - path) + 1);
	drv_text_adds(&next, target);
	status = next.is_failed ? drv_nomem(err) : resolve_missing(next.p, depth - 1, out, err);
	drv_text_clear(&next);
	return status;
}

/* stat() only: opening the file ourselves would drop the locks that SQLite
 * holds on it in this process. */
static int resolve(struct sq_options *o, const char *path, struct dunlin_driver_error *err)
{
	struct stat st;
	char *real;

	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode) && !o->vfs)
			return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "'%s' is not a file", path);
		real = realpath(path, NULL);
		o->file = real ? drv_strdup(real) : NULL;
		free(real);
		return o->file ? DUNLIN_OK : drv_nomem(err);
	}
	if (errno != ENOENT)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, errno, "cannot open the database file '%s': %s",
		                path, strerror(errno));
	o->is_missing = 1;
	return resolve_missing(path, 16, &o->file, err);
}

static int no_such_file(const char *path, struct dunlin_driver_error *err)
{
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, ENOENT, "no such database file '%s'", path);
	drv_hint(err, "`dunlin up` or `dunlin create` makes a new one.");
	return DUNLIN_ERROR;
}

static int read_path(struct sq_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	const char *path = drv_option(kv, n, "path"), *mode = drv_option(kv, n, "mode"), *create = drv_option(kv, n, "create");
	int may_create = create && read_flag(create), status;

	if (!path || !*path)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the URL names no database file");
	/* One thread at a time uses a connection; sqlite3_interrupt() needs no mutex. */
	o->open_flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (strcmp(path, ":memory:") == 0 || (mode && sqlite3_stricmp(mode, "memory") == 0)) {
		o->open_flags |= SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
		o->memory_name = drv_strdup(path);
		return o->memory_name ? DUNLIN_OK : drv_nomem(err);
	}
	if (mode && sqlite3_stricmp(mode, "ro") == 0)
		o->open_flags ^= SQLITE_OPEN_READWRITE | SQLITE_OPEN_READONLY;
	if (mode && sqlite3_stricmp(mode, "rwc") != 0)
		may_create = 0;
	status = resolve(o, path, err);
	if (status == DUNLIN_OK && o->is_missing && !may_create)
		status = no_such_file(path, err);
	if (may_create)
		o->open_flags |= SQLITE_OPEN_CREATE;
	return status;
}

static int read_params(struct sq_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	static const char *const modes[] = { "ro", "rw", "rwc", "memory", NULL };
	static const char *const journals[] = { "delete", "truncate", "persist", "memory", "wal", "off", NULL };
	static const char *const syncs[] = { "off", "normal", "full", "extra", "0", "1", "2", "3", NULL };
	static const char *const flags[] = { "on", "off", "yes", "no", "true", "false", "1", "0", NULL };
	static const char *const caches[] = { "shared", "private", NULL };
	char word[16] = "";
	const char *vfs = drv_option(kv, n, "vfs");

	if (read_word(kv, n, "mode", modes, word, sizeof word, err) != DUNLIN_OK ||
	    read_word(kv, n, "journal_mode", journals, o->journal_mode, sizeof o->journal_mode, err) != DUNLIN_OK ||
	    read_word(kv, n, "synchronous", syncs, o->synchronous, sizeof o->synchronous, err) != DUNLIN_OK ||
	    drv_option_ms(kv, n, "busy_timeout", &o->busy_timeout_ms, err) != DUNLIN_OK ||
	    drv_option_ms(kv, n, "lock_timeout_ms", &o->lock_timeout_ms, err) != DUNLIN_OK ||
	    drv_option_ms(kv, n, "statement_timeout_ms", &o->statement_timeout_ms, err) != DUNLIN_OK)
		return DUNLIN_ERROR;
	word[0] = '\0';
	if (read_word(kv, n, "foreign_keys", flags, word, sizeof word, err) != DUNLIN_OK)
		return DUNLIN_ERROR;
	o->foreign_keys = read_flag(word);
	word[0] = '\0';
	if (read_word(kv, n, "cache", caches, word, sizeof word, err) != DUNLIN_OK)
		return DUNLIN_ERROR;
	if (word[0])
		o->open_flags |= sqlite3_stricmp(word, "shared") == 0 ? SQLITE_OPEN_SHAREDCACHE : SQLITE_OPEN_PRIVATECACHE;
	if (vfs && !sqlite3_vfs_find(vfs))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "no such vfs '%s'", vfs);
	o->vfs = vfs ? drv_strdup(vfs) : NULL;
	return vfs && !o->vfs ? drv_nomem(err) : DUNLIN_OK;
}

int sq_options_read(struct sq_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	int status;

	*o = (struct sq_options){ .busy_timeout_ms = -1, .lock_timeout_ms = DEFAULT_LOCK_TIMEOUT_MS };
	status = read_params(o, kv, n, err);
	if (status == DUNLIN_OK)
		status = read_path(o, kv, n, err);
	if (o->lock_timeout_ms < 0)
		o->lock_timeout_ms = DEFAULT_LOCK_TIMEOUT_MS;
	if (o->statement_timeout_ms < 0)
		o->statement_timeout_ms = 0;
	if (status != DUNLIN_OK)
		sq_options_clear(o);
	return status;
}

void sq_options_clear(struct sq_options *o)
{
	drv_free(o->file);
	drv_free(o->memory_name);
	drv_free(o->vfs);
	*o = (struct sq_options){ 0 };
}
