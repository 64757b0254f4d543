/*
 * config.h - the options of a handle: names, values, and where each came from.
 *
 * Precedence: option, environment, dunlin.ini's [env.NAME], dunlin.ini, .env
 * (database names only), default.
 */
#ifndef DUNLIN_CORE_CONFIG_H
#define DUNLIN_CORE_CONFIG_H

#include "mem.h"

#include <dunlin/dunlin.h>

/* Options by their long names; "set", "dir" and the sections' keys are kept
 * apart below. */
struct config;

int  config_new(struct config **out, struct dunlin_error *err);
void config_free(struct config *c); /* wipes secrets; NULL is fine */

/* An option as the command line gives it; replaces what was loaded.  "set"
 * takes name=value and adds a placeholder; "dir" takes [NAME=]PATH and adds a
 * source.  origin: "--url", "the program".  Errors: USAGE. */
int config_set(struct config *c, const char *name, const char *value, const char *origin,
               struct dunlin_error *err);
/* Value in force or the default; NULL: none.  A URL comes as it was written,
 * password included: mask it before it is shown.  origin may be NULL. */
const char *config_get(const struct config *c, const char *name, const char **origin);
int     config_is_on(const struct config *c, const char *name);      /* yes, true, on, 1 */
int64_t config_duration(const struct config *c, const char *name);   /* ms; -1: not set   */
/* Each option that has a value, by name; values that hold secrets are masked. */
int config_each(const struct config *c,
	int (*fn)(void *arg, const char *name, const char *value, const char *origin), void *arg);

/* Environment, dunlin.ini, .env, discovery of the database; then, where no
 * source was given at all, the folder "migrations". */
int config_load(struct config *c, struct dunlin_error *err);
/* Why there is no URL: what stopped the search for a database (two of them
 * named, a .env open to others), or that none is named.  Returns -1. */
int config_no_url(const struct config *c, struct dunlin_error *err);

/* Sources in order. */
struct config_source { const char *component, *path, *origin; };
size_t config_n_sources(const struct config *c);
const struct config_source *config_source(const struct config *c, size_t i);

/* Placeholder by name: --set, then [placeholders], then the environment for
 * "env.NAME".  The signature is script_env.placeholder's; arg is the config. */
const char *config_placeholder(void *arg, const char *name, size_t len);

/* [migration VERSION] as directives, NULL-ended; NULL: none.  Versions compare
 * as texts of equal numbers.  The signature is migration_extra_fn's. */
const char *const *config_migration(void *arg, const char *component, const char *version);
/* The file that they stand in, for errors; or "". */
const char *config_file(const struct config *c);

/* [hooks]: "before-up", "after-up", "on-failure"; NULL: none. */
const char *config_hook(const struct config *c, const char *name);

#endif
