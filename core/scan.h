/*
 * scan.h - which .sql files a source has: a folder's, and those one folder
 * further down, or a bundle's.
 */
#ifndef DUNLIN_CORE_SCAN_H
#define DUNLIN_CORE_SCAN_H

#include "source.h"

struct scan_file {
	const char *path;             /* "a.sql" or "folder/up.sql", in the arena    */
	size_t len;
	const struct dunlin_file *mem; /* NULL: in the folder                        */
};

struct scan {
	const char *component, *dir;  /* dir: NULL for memory                        */
	int   dirfd;                  /* open until scan_close(); -1: memory         */
	char *root;                   /* real path of dir, in the arena              */
	struct scan_file *file;       /* in no order; given away by mem_alloc        */
	size_t n, cap;
};

/*
 * Names starting with '.' and what does not end in ".sql" are left out, and so
 * are folders that are named as no migration is (a digit or "R-" first) and
 * hold no up, down or verify file: they may be other sources.  What cannot be
 * used becomes a finding: a link that leaves the folder, a folder or
 * device in place of a file, SQL in a folder where no migration looks for it.
 * Errors: USAGE where the folder itself cannot be read.
 */
int  scan_open(struct scan *s, struct arena *a, const struct source *src,
               struct finding_list *findings, struct dunlin_error *err);
void scan_close(struct scan *s);

/* Orders by the bytes of the path. */
void scan_sort(struct scan *s);

/* What script_load() and the checksum read.  name: for messages, as scan_show()
 * makes it; borrowed like the scan's own texts. */
struct input scan_input(const struct scan *s, const struct scan_file *f, const char *name);

/* "DIR/path" for people, odd bytes as \xHH; NULL: out of memory. */
const char *scan_show(struct arena *a, const char *dir, const char *path, size_t len);

#endif
