/*
 * sum.h - the text of a dunlin.sum, and the check for a folder that is listed
 * already; see source.h for the rest.
 */
#ifndef DUNLIN_CORE_SUM_H
#define DUNLIN_CORE_SUM_H

#include "buf.h"
#include "scan.h"

#define SUM_HINT "Look at what changed in the folder; if it is right, `dunlin hash` writes dunlin.sum anew."

typedef int sum_line_fn(void *arg, const char *file, size_t file_len, const char *digest, size_t digest_len);

/* sum_parse().  *is_total_wrong: each line is well-formed and was handed to
 * fn, only the first does not go with the others. */
int  sum_parse_lines(const char *text, size_t len, const char *name, sum_line_fn *fn, void *arg,
                     int *is_total_wrong, struct dunlin_error *err);
/* Appends a file's line; the caller keeps the order. */
void sum_add_line(struct buf *lines, const char *path, size_t len, const char *digest);
/* Appends the first line and the lines. */
void sum_add_whole(struct buf *text, const struct buf *lines);

/* Digest of one file's content, as migrations and dunlin.sum have it. */
int  sum_content(const struct input *in, char out[SHA256_TEXT], struct dunlin_error *err);

/* sum_check() without listing the folder again; s is put in order. */
int  sum_check_scan(struct scan *s, struct finding_list *findings, struct dunlin_error *err);

#endif
