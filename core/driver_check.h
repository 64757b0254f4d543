/*
 * driver_check.h - is what a driver's entry returned a driver this core can
 * work with?  Pure: looks at the struct, loads nothing.
 */
#ifndef DUNLIN_CORE_DRIVER_CHECK_H
#define DUNLIN_CORE_DRIVER_CHECK_H

#include <dunlin/dunlin.h>

/* [a-z][a-z0-9_]* */
int driver_name_is_valid(const char *name);

/*
 * Checks *theirs and copies it into *out and its dialect into *dialect, both
 * as large as this core knows them: what an older driver does not have is
 * zero, what a newer one has more is left out.  Text and tables stay the
 * driver's.  file_name: the name that the plugin's file has, NULL: any.
 * Errors (class DRIVER) say what is wrong, without the plugin's path.
 */
int driver_check(const struct dunlin_driver *theirs, const char *file_name, struct dunlin_driver *out,
                 struct dunlin_dialect *dialect, struct dunlin_error *err);

#endif
