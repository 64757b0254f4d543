/*
 * textfile.h - a small text file of somebody's settings, read whole.
 */
#ifndef DUNLIN_CORE_TEXTFILE_H
#define DUNLIN_CORE_TEXTFILE_H

#include "buf.h"

#include <dunlin/dunlin.h>

#include <sys/stat.h>

/*
 * Appends the file to *out, which the caller wipes, and tells whose it is.
 * Returns 1, 0 if there is no such file, -1 with err: USAGE for what is not a
 * regular file of at most a megabyte of UTF-8 text.
 */
int text_file_read(const char *path, struct buf *out, struct stat *st, struct dunlin_error *err);

/* For a file that holds a password: refuses (UNSAFE) one that is another
 * user's, or that others may read. */
int text_file_check_private(const char *path, const struct stat *st, struct dunlin_error *err);

#endif
