/*
 * driver_suite.h - the conformance suite as the program calls it.
 */
#ifndef DUNLIN_TESTS_DRIVER_SUITE_H
#define DUNLIN_TESTS_DRIVER_SUITE_H

#include <stdio.h>

#include <dunlin/dunlin.h>

/*
 * Runs every group on the plugin (an absolute path) against the database of
 * the URL, in which it makes tables named dunlin_check_... and drops them.
 * quirks: a file, or NULL; group: only that one, or NULL.  Writes TAP to out.  Returns 0 with *n_failed, or
 * -1 where it could not begin.
 */
int driver_suite(const char *plugin, const char *url, const char *quirks, const char *group, FILE *out,
                 int *n_failed, struct dunlin_error *err);

#endif
