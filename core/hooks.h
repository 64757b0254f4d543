/*
 * hooks.h - commands that run before and after.
 */
#ifndef DUNLIN_CORE_HOOKS_H
#define DUNLIN_CORE_HOOKS_H

#include <dunlin/dunlin.h>

/*
 * Runs `command` by /bin/sh -c, with the environment of this process, less
 * what holds a password (PGPASSWORD, MYSQL_PWD, DUNLIN_URL, ...), and with
 * `env`, "NAME=value" pairs, NULL-ended.  What it prints goes to standard
 * error.  Errors: FAILED with the hook's name and exit status.
 */
int hook_run(const char *name, const char *command, const char *const *env, struct dunlin_error *err);

#endif
