/*
 * loader.h - drivers by name and by URL scheme: plugins, and those that the
 * program linked in.
 *
 * A plugin is DIR/dunlin-NAME.so in a folder of the driver path.  Whatever is
 * wrong with it is an error of class DRIVER with the plugin's path, what is
 * wrong, and a hint.  What is loaded stays until the process ends.
 *
 * Threads: any; a driver is loaded once.  `path` is a list of absolute
 * folders with ':' between them; NULL is loader_path(NULL).
 */
#ifndef DUNLIN_CORE_LOADER_H
#define DUNLIN_CORE_LOADER_H

#include <dunlin/dunlin.h>

/* The driver path in force: what was given, else DUNLIN_DRIVER_PATH (which a
 * privileged program ignores), else the folder it was built for. */
const char *loader_path(const char *given);

/* Every part of it must be an absolute path. */
int loader_path_check(const char *path, struct dunlin_error *err);

/* The driver of that name.  *out is the core's own copy of the driver's
 * struct, dialect included, both of the size that this core knows. */
int loader_find(const char *name, const char *path, const struct dunlin_driver **out, struct dunlin_error *err);

/* The driver that serves URLs of a scheme (in lower case). */
int loader_find_scheme(const char *scheme, const char *path, const struct dunlin_driver **out,
                       struct dunlin_error *err);

/* Name of the driver to which a scheme belongs by convention ("postgres" is
 * postgresql's), else the scheme itself. */
const char *loader_driver_of_scheme(const char *scheme);

/*
 * Calls fn for each driver that is linked in, then for each plugin of each
 * folder in order, by name, loading it; refused ones too, with the reason.
 * What fn returns other than 0 ends it and is returned.
 */
int loader_each(const char *path, int (*fn)(void *arg, const struct dunlin_driver_info *info), void *arg,
                struct dunlin_error *err);

/* Where the calling thread's drivers write their log lines; returns what it
 * was, so that it can be put back.  No function: they are dropped. */
struct loader_log {
	void (*log)(void *arg, int level, const char *text);
	void *arg;
};
struct loader_log loader_set_log(struct loader_log log);

#endif
