/*
 * plugin_file.h - is a plugin's file one that may be loaded?  Everything here
 * is found out by reading: dlopen() runs a library's constructors before
 * anything of it can be asked, and kills the process where it is cut short.
 */
#ifndef DUNLIN_CORE_PLUGIN_FILE_H
#define DUNLIN_CORE_PLUGIN_FILE_H

#include <dunlin/dunlin.h>

#include <sys/stat.h>

/*
 * Checks FOLDER/FILE: that neither it nor its folder (for a link, also the
 * folder of what it points at) belongs to anybody but root and the caller or
 * is writable by all, and that it is a whole ELF shared object for this
 * machine.  Returns 0 with *st filled, 1: there is no such file, -1: refused,
 * *err (class DRIVER) says why, without the path.
 */
int plugin_file_check(const char *folder, const char *file, struct stat *st, struct dunlin_error *err);

#endif
