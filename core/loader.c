/*
 * loader.c - loading plugins by dlopen(), and the registry of drivers.
 *
 * Nothing is ever unloaded: client libraries leave exit and fork handlers and
 * thread keys behind that point into themselves.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "loader.h"

#include "buf.h"
#include "driver_check.h"
#include "error.h"
#include "mem.h"
#include "plugin_file.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef DUNLIN_DRIVERDIR
#define DUNLIN_DRIVERDIR "/usr/local/lib/dunlin/drivers-1"
#endif

#define PREFIX "dunlin-"
#define SUFFIX ".so"

#define refuse(err, ...) error_set(err, DUNLIN_EXIT_DRIVER, DUNLIN_CLASS_DRIVER, __VA_ARGS__)

struct entry {
	struct entry *next;
	struct dunlin_driver drv;
	struct dunlin_dialect dialect;
	dunlin_driver_entry_fn *fn;
	char path[]; /* "": linked in */
};

/* Grows at its end and never shrinks. */
static struct entry *registry;
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- what drivers may call --------------------------------------------------- */

static _Thread_local struct loader_log thread_log;

struct loader_log loader_set_log(struct loader_log log)
{
	struct loader_log was = thread_log;

	thread_log = log;
	return was;
}

static void *host_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return mem_alloc(n);
}

static void host_free(void *ctx, void *p)
{
	(void)ctx;
	mem_free(p);
}

static void host_log(void *ctx, int level, const char *text)
{
	(void)ctx;
	if (thread_log.log)
		thread_log.log(thread_log.arg, level, text);
}

static const struct dunlin_host host = {
	.struct_size = sizeof host,
	.abi_minor = DUNLIN_DRIVER_ABI_MINOR,
	.alloc = host_alloc,
	.free = host_free,
	.log = host_log,
};

/* --- the registry ------------------------------------------------------------- */

static struct entry *find_name(const char *name)
{
	struct entry *e = registry;

	while (e && strcmp(e->drv.name, name) != 0)
		e = e->next;
	return e;
}

static int serves(const struct dunlin_driver *d, const char *scheme)
{
	for (const char *const *s = d->schemes; *s; s++)
		if (strcmp(*s, scheme) == 0)
			return 1;
	return 0;
}

/* Asks the entry and, if the driver is sound, adds it.  Under the lock. */
/* Calls the entry and takes over what it returns; name: of its file, or NULL. */
static int start(dunlin_driver_entry_fn *fn, const struct dunlin_host *lent, const char *name, struct dunlin_driver *drv,
                 struct dunlin_dialect *dialect, struct dunlin_error *err)
{
	struct dunlin_driver_error de = { .struct_size = sizeof de, .position = -1 };
	const struct dunlin_driver *theirs = fn(lent, &de);

	if (theirs)
		return driver_check(theirs, name, drv, dialect, err);
	de.message[sizeof de.message - 1] = '\0';
	de.hint[sizeof de.hint - 1] = '\0';
	refuse(err, "the driver does not start: %s", de.message[0] ? de.message : "it gives no reason");
	error_hint(err, "%s", de.hint);
	return -1;
}

static struct entry *admit(dunlin_driver_entry_fn *fn, const char *name, const char *path, struct dunlin_error *err)
{
	struct entry *e, **end = &registry;
	size_t n = strlen(path) + 1;

	/* Before the entry runs, which has effects that are not to be repeated. */
	e = mem_zalloc(sizeof *e + n);
	if (!e) {
		error_nomem(err);
		return NULL;
	}
	if (start(fn, &host, name, &e->drv, &e->dialect, err) < 0) {
		mem_free(e);
		return NULL;
	}
	e->fn = fn;
	memcpy(e->path, path, n);
	while (*end)
		end = &(*end)->next;
	*end = e;
	return e;
}

int dunlin_driver_register(dunlin_driver_entry_fn *fn, struct dunlin_error *err)
{
	struct entry *e;
	int rc = -1;

	pthread_mutex_lock(&registry_lock);
	for (e = registry; e && e->fn != fn; e = e->next)
		;
	if (e) {
		rc = 0;
		goto out;
	}
	e = admit(fn, NULL, "", err);
	if (!e)
		goto out;
	if (find_name(e->drv.name) != e) {
		struct entry **end = &registry;

		refuse(err, "a driver '%s' is there already", e->drv.name);
		error_hint(err, "Register a driver once, before the first URL is opened.");
		while (*end != e)
			end = &(*end)->next;
		*end = NULL;
		mem_free(e);
		goto out;
	}
	rc = 0;
out:
	pthread_mutex_unlock(&registry_lock);
	return rc;
}

/* --- the path ------------------------------------------------------------------- */

const char *loader_path(const char *given)
{
	const char *env;

	if (given)
		return given;
	env = secure_getenv("DUNLIN_DRIVER_PATH");
	return env && *env ? env : DUNLIN_DRIVERDIR;
}

/* The next part of a path, or NULL; *n is its length. */
static const char *next_part(const char **rest, size_t *n)
{
	const char *part = *rest;

	if (!part)
		return NULL;
	*n = strcspn(part, ":");
	*rest = part[*n] ? part + *n + 1 : NULL;
	return part;
}

int loader_path_check(const char *path, struct dunlin_error *err)
{
	const char *rest = path, *part;
	size_t n;

	while ((part = next_part(&rest, &n)) != NULL) {
		if (n == 0)
			refuse(err, "the driver path '%s' has an empty part", path);
		else if (*part != '/')
			refuse(err, "'%.*s' in the driver path is not an absolute path", (int)n, part);
		else if (n + sizeof "/" PREFIX SUFFIX + 64 > PATH_MAX)
			refuse(err, "a part of the driver path is too long");
		else
			continue;
		error_hint(err, "A driver path is a list of absolute folders with ':' between them; "
		                "plugins are never looked for in the working directory.");
		return -1;
	}
	return 0;
}

/* --- loading ---------------------------------------------------------------------- */

static int refuse_symbol(void *handle, struct dunlin_error *err)
{
	char name[] = "dunlin_driver_entry_v0";

	error_set(err, DUNLIN_EXIT_DRIVER, DUNLIN_CLASS_DRIVER, "it has no function '%s' of its own", DUNLIN_DRIVER_ENTRY);
	error_hint(err, "It is not a driver of dunlin.");
	for (int v = 0; v <= 9; v++) {
		name[sizeof name - 2] = (char)('0' + v);
		if (v == DUNLIN_DRIVER_ABI_MAJOR || !dlsym(handle, name))
			continue;
		refuse(err, "it is built for driver ABI %d, and this dunlin has %d", v, DUNLIN_DRIVER_ABI_MAJOR);
		error_hint(err, "Install the driver that belongs to this version of dunlin.");
		break;
	}
	return -1;
}

/* dlsym() looks into the libraries that a plugin depends on, too: the symbol
 * counts only if it is the plugin's own. */
static dunlin_driver_entry_fn *find_symbol(void *handle, const struct stat *file, struct dunlin_error *err)
{
	void *symbol = dlsym(handle, DUNLIN_DRIVER_ENTRY);
	dunlin_driver_entry_fn *fn;
	struct stat st;
	Dl_info info;

	if (!symbol || !dladdr(symbol, &info) || !info.dli_fname || stat(info.dli_fname, &st) < 0 ||
	    st.st_dev != file->st_dev || st.st_ino != file->st_ino) {
		refuse_symbol(handle, err);
		return NULL;
	}
	/* POSIX: a pointer from dlsym() is good for a function. */
	memcpy(&fn, &symbol, sizeof fn);
	return fn;
}

static int refuse_dlopen(const char *path, struct dunlin_error *err)
{
	const char *why = dlerror();
	size_t n = strlen(path);

	why = why ? why : "no reason is given";
	if (strncmp(why, path, n) == 0 && strncmp(why + n, ": ", 2) == 0)
		why += n + 2;
	refuse(err, "it cannot be loaded: %s", why);
	if (strstr(why, "undefined symbol"))
		error_hint(err, "It was built for other versions of the libraries that it uses; install it again.");
	else
		error_hint(err, "Install the library that is named; `ldd` shows what the plugin needs.");
	return -1;
}

/* The entry of a plugin that may be loaded.  0, 1: there is no such file, -1;
 * err says nothing of the path. */
static int open_plugin(const char *folder, const char *name, const char *path, dunlin_driver_entry_fn **fn,
                       struct dunlin_error *err)
{
	struct stat st;
	void *handle;
	int rc = plugin_file_check(folder, path + strlen(folder) + 1, &st, err);

	if (rc != 0)
		return rc;
	if (!driver_name_is_valid(name)) {
		refuse(err, "its name is not of the form [a-z][a-z0-9_]*");
		return -1;
	}
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return refuse_dlopen(path, err);
	*fn = find_symbol(handle, &st, err);
	return *fn ? 0 : -1;
}

/* The same, and admits it.  Under the lock. */
static int load(const char *folder, const char *name, const char *path, struct entry **out, struct dunlin_error *err)
{
	dunlin_driver_entry_fn *fn;
	int rc = open_plugin(folder, name, path, &fn, err);

	if (rc != 0)
		return rc;
	*out = admit(fn, name, path, err);
	return *out ? 0 : -1;
}

static int is_out_of_memory(const struct dunlin_error *err)
{
	return err->code != DUNLIN_EXIT_DRIVER;
}

/* Looks through the folders of a path.  0, 1: not there, -1. */
static int search(const char *name, const char *path, const struct dunlin_driver **out, struct dunlin_error *err)
{
	struct dunlin_error why;
	const char *rest = path, *part;
	struct entry *e;
	size_t n;
	int rc = 1;

	pthread_mutex_lock(&registry_lock);
	e = find_name(name);
	if (e)
		rc = 0;
	while (rc == 1 && (part = next_part(&rest, &n)) != NULL) {
		char folder[PATH_MAX], file[PATH_MAX + sizeof "/" PREFIX SUFFIX + 64];

		snprintf(folder, sizeof folder, "%.*s", (int)n, part);
		snprintf(file, sizeof file, "%s/" PREFIX "%s" SUFFIX, folder, name);
		rc = load(folder, name, file, &e, &why);
		if (rc < 0 && is_out_of_memory(&why)) {
			error_nomem(err);
		} else if (rc < 0) {
			refuse(err, "driver plugin '%s' is refused: %s", file, why.message);
			error_hint(err, "%s", why.hint);
		}
	}
	pthread_mutex_unlock(&registry_lock);
	if (rc == 0)
		*out = &e->drv;
	return rc;
}

/* What dunlin_driver_load() has given out. */
static struct made { struct made *next; struct dunlin_driver drv; struct dunlin_dialect dialect; } *all_made;

int dunlin_driver_load(const char *path, const struct dunlin_host *lent, const struct dunlin_driver **out,
                       struct dunlin_error *err)
{
	static const char prefix[] = PREFIX, suffix[] = SUFFIX;
	char folder[PATH_MAX], name[80];
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	struct made *made;
	dunlin_driver_entry_fn *fn = NULL;
	struct dunlin_error why;
	size_t n = strlen(file);
	int rc;

	error_clear(err);
	if (path[0] != '/' || strlen(path) >= sizeof folder)
		return refuse(err, "'%.300s' is not the absolute path of a plugin", path);
	if (n <= sizeof prefix + sizeof suffix - 2 || n - (sizeof prefix + sizeof suffix - 2) >= sizeof name ||
	    strncmp(file, prefix, sizeof prefix - 1) != 0 || strcmp(file + n - (sizeof suffix - 1), suffix) != 0)
		return refuse(err, "'%s' is not named " PREFIX "NAME" SUFFIX, path);
	snprintf(name, sizeof name, "%.*s", (int)(n - (sizeof prefix + sizeof suffix - 2)), file + sizeof prefix - 1);
	snprintf(folder, sizeof folder, "%.*s", (int)(slash == path ? 1 : slash - path), path);
	made = mem_zalloc(sizeof *made);
	if (!made)
		return error_nomem(err);
	rc = open_plugin(folder, name, path, &fn, &why);
	if (rc == 0)
		rc = start(fn, lent, name, &made->drv, &made->dialect, &why);
	if (rc == 0) {
		pthread_mutex_lock(&registry_lock);
		made->next = all_made;
		all_made = made;
		pthread_mutex_unlock(&registry_lock);
		*out = &made->drv;
		return 0;
	}
	mem_free(made);
	if (rc > 0)
		return refuse(err, "there is no plugin '%s'", path);
	if (is_out_of_memory(&why))
		return error_nomem(err);
	refuse(err, "driver plugin '%s' is refused: %s", path, why.message);
	error_hint(err, "%s", why.hint);
	return -1;
}

/* The package is named with '-', as Debian has no '_' in names. */
static void hint_install(struct dunlin_error *err, const char *name, const char *path)
{
	char package[80];

	snprintf(package, sizeof package, "%s", name);
	for (char *p = package; *p; p++)
		if (*p == '_')
			*p = '-';
	error_hint(err, "Install the package dunlin-driver-%s, or name the folder that has " PREFIX "%s" SUFFIX
	           " with --driver-path; looked in '%s'.", package, name, path);
}

static int check_name(const char *name, struct dunlin_error *err)
{
	if (driver_name_is_valid(name) && strlen(name) <= 64)
		return 0;
	refuse(err, "'%.64s' is not the name of a driver", name);
	error_hint(err, "A name has small letters, digits and '_', and begins with a letter.");
	return -1;
}

int loader_find(const char *name, const char *path, const struct dunlin_driver **out, struct dunlin_error *err)
{
	int rc;

	path = loader_path(path);
	if (check_name(name, err) < 0 || loader_path_check(path, err) < 0)
		return -1;
	rc = search(name, path, out, err);
	if (rc <= 0)
		return rc;
	refuse(err, "driver '%s' is not installed", name);
	hint_install(err, name, path);
	return -1;
}

/* --- by scheme ----------------------------------------------------------------------- */

const char *loader_driver_of_scheme(const char *scheme)
{
	static const char *const known[][2] = {
		{ "postgres", "postgresql" }, { "mysql", "mariadb" }, { "sqlite3", "sqlite" },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(scheme, known[i][0]) == 0)
			return known[i][1];
	return scheme;
}

static const struct dunlin_driver *find_loaded(const char *scheme)
{
	const struct dunlin_driver *found = NULL;

	pthread_mutex_lock(&registry_lock);
	for (struct entry *e = registry; e && !found; e = e->next)
		if (serves(&e->drv, scheme))
			found = &e->drv;
	pthread_mutex_unlock(&registry_lock);
	return found;
}

struct asking {
	const char *scheme;
	const struct dunlin_driver *found;
	int n_refused;
};

static int ask(void *arg, const struct dunlin_driver_info *info)
{
	struct asking *a = arg;

	a->n_refused += info->refused != NULL;
	a->found = find_loaded(a->scheme);
	return a->found != NULL;
}

int loader_find_scheme(const char *scheme, const char *path, const struct dunlin_driver **out,
                       struct dunlin_error *err)
{
	const char *name = loader_driver_of_scheme(scheme);
	struct asking a = { .scheme = scheme };
	int rc;

	path = loader_path(path);
	if (loader_path_check(path, err) < 0)
		return -1;
	*out = find_loaded(scheme);
	if (*out)
		return 0;
	if (driver_name_is_valid(name) && strlen(name) <= 64) {
		rc = search(name, path, out, err);
		if (rc < 0 || (rc == 0 && serves(*out, scheme)))
			return rc;
	}
	rc = loader_each(path, ask, &a, err);
	if (rc < 0)
		return -1;
	*out = a.found;
	if (a.found)
		return 0;
	refuse(err, "no driver serves '%.64s:' URLs", scheme);
	if (a.n_refused > 0)
		error_hint(err, "%d of the plugins found were refused; `dunlin drivers` says why.", a.n_refused);
	else if (driver_name_is_valid(name) && strlen(name) <= 64)
		hint_install(err, name, path);
	else
		error_hint(err, "`dunlin drivers` shows which there are.");
	return -1;
}

/* --- listing -------------------------------------------------------------------------- */

static int call(const struct entry *e, int (*fn)(void *, const struct dunlin_driver_info *), void *arg)
{
	struct dunlin_driver_info info = {
		.name = e->drv.name, .path = e->path, .version = e->drv.version, .client = e->drv.client,
		.abi_major = DUNLIN_DRIVER_ABI_MAJOR, .abi_minor = (int32_t)e->drv.abi_minor,
		.caps = e->drv.possible_caps,
	};

	return fn(arg, &info);
}

static const struct entry *linked_in(size_t nth)
{
	struct entry *e;

	pthread_mutex_lock(&registry_lock);
	for (e = registry; e; e = e->next)
		if (e->path[0] == '\0' && nth-- == 0)
			break;
	pthread_mutex_unlock(&registry_lock);
	return e;
}

static int each_plugin(const char *folder, const char *name,
                       int (*fn)(void *, const struct dunlin_driver_info *), void *arg, struct dunlin_error *err)
{
	char file[PATH_MAX + NAME_MAX + 2];
	struct dunlin_driver_info info = { .name = name, .path = file, .version = "", .client = "" };
	struct dunlin_error why;
	struct entry *e;
	int rc = 0;

	snprintf(file, sizeof file, "%s/" PREFIX "%s" SUFFIX, folder, name);
	pthread_mutex_lock(&registry_lock);
	e = find_name(name);
	if (!e)
		rc = load(folder, name, file, &e, &why);
	pthread_mutex_unlock(&registry_lock);
	if (rc < 0 && is_out_of_memory(&why))
		return error_nomem(err);
	if (rc == 0 && strcmp(e->path, file) == 0)
		return call(e, fn, arg);
	if (rc > 0) /* gone since the folder was read */
		return 0;
	if (rc == 0)
		refuse(&why, "the driver '%s' %s%s%s is used instead", name,
		       e->path[0] ? "in '" : "that is linked in", e->path, e->path[0] ? "'" : "");
	info.refused = why.message;
	return fn(arg, &info);
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* The NAMEs of a folder's dunlin-NAME.so. */
static int list_names(const char *folder, struct arena *arena, char ***names, size_t *n, struct dunlin_error *err)
{
	const size_t prefix = strlen(PREFIX), suffix = strlen(SUFFIX);
	DIR *dir = opendir(folder);
	struct dirent *d;
	size_t cap = 0;

	*n = 0;
	*names = NULL;
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return refuse(err, "the driver folder '%s' cannot be read: %s", folder, strerror(errno));
	while ((d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name);

		if (len <= prefix + suffix || strncmp(d->d_name, PREFIX, prefix) != 0 ||
		    strcmp(d->d_name + len - suffix, SUFFIX) != 0)
			continue;
		if (mem_grow(names, &cap, *n, sizeof **names) < 0 ||
		    !((*names)[*n] = arena_strndup(arena, d->d_name + prefix, len - prefix - suffix))) {
			closedir(dir);
			return error_nomem(err);
		}
		++*n;
	}
	closedir(dir);
	if (*n > 0)
		qsort(*names, *n, sizeof **names, by_name);
	return 0;
}

static int each_of_folder(const char *folder, int (*fn)(void *, const struct dunlin_driver_info *), void *arg,
                          struct dunlin_error *err)
{
	struct arena arena = { 0 };
	char **names;
	size_t n;
	int rc = list_names(folder, &arena, &names, &n, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = each_plugin(folder, names[i], fn, arg, err);
	mem_free(names);
	arena_clear(&arena);
	return rc;
}

int loader_each(const char *path, int (*fn)(void *arg, const struct dunlin_driver_info *info), void *arg,
                struct dunlin_error *err)
{
	const char *rest, *part;
	const struct entry *e;
	size_t n;
	int rc = 0;

	rest = path = loader_path(path);
	if (loader_path_check(path, err) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && (e = linked_in(i)) != NULL; i++)
		rc = call(e, fn, arg);
	while (rc == 0 && (part = next_part(&rest, &n)) != NULL) {
		char folder[PATH_MAX];

		snprintf(folder, sizeof folder, "%.*s", (int)n, part);
		rc = each_of_folder(folder, fn, arg, err);
	}
	return rc;
}
