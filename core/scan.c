/*
 * scan.c - lists a source's files.
 *
 * A folder may hold very many files, so nothing is asked about one beyond what
 * the listing itself tells (d_type); only links and folders are looked at.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "scan.h"

#include "error.h"
#include "name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How deep forgotten SQL is looked for. */
enum { DEPTH_MAX = 8 };

enum kind { KIND_FILE, KIND_FOLDER, KIND_OTHER, KIND_OUTSIDE, KIND_NOWHERE };

struct walk {
	struct scan *scan;
	struct arena *arena;
	struct finding_list *findings;
	struct dunlin_error *err;
};

const char *scan_show(struct arena *a, const char *dir, const char *path, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t n_dir = dir ? strlen(dir) : 0;
	size_t n = name_text_prefix(path, len);
	char *out, *o;

	while (n_dir > 1 && dir[n_dir - 1] == '/')
		n_dir--;
	/* Four bytes for each that is odd: \xHH. */
	out = o = arena_alloc(a, n_dir + 2 + n + 4 * (len - n));
	if (!out)
		return NULL;
	if (n_dir) {
		memcpy(o, dir, n_dir);
		o += n_dir;
		if (o[-1] != '/')
			*o++ = '/';
	}
	for (size_t i = 0; i < len; i++) {
		n = name_text_prefix(path + i, len - i);
		memcpy(o, path + i, n);
		o += n;
		i += n;
		if (i < len) {
			unsigned char c = (unsigned char)path[i];

			memcpy(o, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
			o += 4;
		}
	}
	return out;
}

/* Adds a finding about a path. */
static int complain(struct walk *w, const char *kind, const char *path, const char *what, const char *hint)
{
	const char *shown = scan_show(w->arena, w->scan->dir, path, strlen(path));
	struct dunlin_finding *f = shown ? finding_add(w->findings, DUNLIN_EXIT_INVALID, kind,
		w->scan->component, NULL, shown, "'%s' %s", shown, what) : NULL;

	if (!f)
		return error_nomem(w->err);
	if (hint)
		finding_hint(w->findings, f, "%s", hint);
	return 0;
}

static int is_sql(const char *name, size_t len)
{
	return len > 4 && memcmp(name + len - 4, ".sql", 4) == 0;
}

static int add(struct walk *w, const char *path, size_t len, const struct dunlin_file *mem)
{
	struct scan *s = w->scan;

	if (!path || mem_grow(&s->file, &s->cap, s->n, sizeof *s->file) < 0)
		return error_nomem(w->err);
	s->file[s->n++] = (struct scan_file){ path, len, mem };
	return 0;
}

/* --- folders --------------------------------------------------------------- */

static enum kind kind_of_mode(mode_t mode)
{
	return S_ISREG(mode) ? KIND_FILE : S_ISDIR(mode) ? KIND_FOLDER : KIND_OTHER;
}

/* A link counts as what it leads to, as long as that is inside the folder. */
static enum kind kind_of_link(const struct walk *w, const char *path)
{
	size_t n_root = strlen(w->scan->root);
	enum kind kind = KIND_NOWHERE;
	char text[PATH_MAX], *real = NULL;
	struct stat st;
	int n = snprintf(text, sizeof text, "%s/%s", w->scan->root, path);

	if (n > 0 && (size_t)n < sizeof text)
		real = realpath(text, NULL);
	if (real && stat(real, &st) == 0) {
		int is_inside = strncmp(real, w->scan->root, n_root) == 0 &&
			(real[n_root] == '/' || n_root == 1);

		kind = kind_of_mode(st.st_mode);
		/* A README may be a link to anywhere. */
		if (!is_inside && (kind == KIND_FOLDER || is_sql(path, strlen(path))))
			kind = KIND_OUTSIDE;
	}
	free(real);
	return kind;
}

static enum kind kind_of(const struct walk *w, const struct dirent *e, const char *path)
{
	struct stat st;

	switch (e->d_type) {
	case DT_REG:
		return KIND_FILE;
	case DT_DIR:
		return KIND_FOLDER;
	case DT_LNK:
		return kind_of_link(w, path);
	case DT_UNKNOWN: /* uncovered: some file systems never tell */
		if (fstatat(w->scan->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return KIND_NOWHERE;
		return S_ISLNK(st.st_mode) ? kind_of_link(w, path) : kind_of_mode(st.st_mode);
	default:
		return KIND_OTHER;
	}
}

/* Opens a folder inside the source; path "." is the source itself. */
static DIR *open_folder(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* Is there a .sql file anywhere below?  Links are not followed here. */
static int holds_sql(const struct walk *w, const char *path, int depth)
{
	DIR *d = depth < DEPTH_MAX ? open_folder(w->scan->dirfd, path) : NULL;
	struct dirent *e;
	int found = 0;

	while (d && !found && (e = readdir(d))) {
		char below[PATH_MAX];
		int n = snprintf(below, sizeof below, "%s/%s", path, e->d_name);

		if (e->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof below)
			continue;
		found = is_sql(e->d_name, strlen(e->d_name)) ||
			(e->d_type != DT_LNK && kind_of(w, e, below) == KIND_FOLDER && holds_sql(w, below, depth + 1));
	}
	if (d)
		closedir(d);
	return found;
}

/* A name that ends in .sql, or a folder: one entry of the listing. */
static int take(struct walk *w, const char *folder, const struct dirent *e);

static int list(struct walk *w, const char *folder)
{
	DIR *d = open_folder(w->scan->dirfd, folder ? folder : ".");
	struct dirent *e;
	int rc = 0;

	if (!d) {
		char what[128];

		snprintf(what, sizeof what, "cannot be read: %s", strerror(errno));
		return complain(w, "file", folder ? folder : ".", what, NULL);
	}
	while (rc == 0 && (errno = 0, e = readdir(d)))
		if (e->d_name[0] != '.')
			rc = take(w, folder, e);
	if (rc == 0 && errno != 0)
		/* uncovered: takes a broken disk */
		rc = error_set(w->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_UNKNOWN,
		               "cannot list folder '%s': %s", w->scan->dir, strerror(errno));
	closedir(d);
	return rc;
}

/* "up.sql", "down.mariadb.sql": what stands in a migration's folder. */
static int is_role_file(const char *name)
{
	static const char *const roles[] = { "up.", "down.", "verify." };

	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (strncmp(name, roles[i], strlen(roles[i])) == 0)
			return is_sql(name, strlen(name));
	return 0;
}

/* A folder named as no migration is, and with nothing in it that belongs to
 * one, is somebody else's: another source's, say. */
static int is_foreign(const struct walk *w, const char *path)
{
	DIR *d = path[0] >= '0' && path[0] <= '9' ? NULL : strncmp(path, "R-", 2) == 0 ? NULL
		: open_folder(w->scan->dirfd, path);
	struct dirent *e;
	int found = 0;

	if (!d)
		return 0;
	while (!found && (e = readdir(d)))
		found = is_role_file(e->d_name);
	closedir(d);
	return !found;
}

static int take_folder(struct walk *w, const char *path, int is_inside_one)
{
	if (!is_inside_one)
		return is_foreign(w, path) ? 0 : list(w, path);
	if (!holds_sql(w, path, 0))
		return 0;
	return complain(w, "name", path, "holds .sql files two folders down, where no migration looks for them",
	                "A migration's folder stands in the source's own folder; add a --dir for another source.");
}

static int take(struct walk *w, const char *folder, const struct dirent *e)
{
	size_t len = strlen(e->d_name);
	int sql = is_sql(e->d_name, len);
	char *path;

	/* Most of what a folder holds besides is of no interest. */
	if (!sql && e->d_type == DT_REG)
		return 0;
	if (folder) {
		path = arena_printf(w->arena, "%s/%s", folder, e->d_name);
		len += strlen(folder) + 1;
	} else {
		path = arena_strndup(w->arena, e->d_name, len);
	}
	if (!path)
		return error_nomem(w->err);
	switch (kind_of(w, e, path)) {
	case KIND_FILE:
		return sql ? add(w, path, len, NULL) : 0;
	case KIND_FOLDER:
		if (sql)
			return complain(w, "file", path, "is a folder, and its name is a file's",
			                "A migration's folder is named without .sql.");
		return take_folder(w, path, folder != NULL);
	case KIND_OTHER:
		return sql ? complain(w, "file", path, "is not a regular file", NULL) : 0;
	case KIND_NOWHERE:
		return sql ? complain(w, "file", path, "is a link that leads nowhere", NULL) : 0;
	case KIND_OUTSIDE:
		return complain(w, "file", path, "is a link that leaves the folder",
		                "Copy the file, or give the other folder as a --dir of its own.");
	}
	return 0;
}

static int open_dir(struct scan *s, struct arena *a, struct dunlin_error *err)
{
	char *real;

	s->dirfd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (s->dirfd < 0 && errno == ENOENT) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "no folder '%s'", s->dir);
		error_hint(err, "`dunlin init` makes it, or name the right one with --dir.");
		return -1;
	}
	if (s->dirfd < 0 && errno == ENOTDIR)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' is not a folder", s->dir);
	if (s->dirfd < 0)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_PERMISSION,
		                 "cannot open folder '%s': %s", s->dir, strerror(errno));
	real = realpath(s->dir, NULL);
	if (!real) /* uncovered: it was just opened */
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_PERMISSION,
		                 "cannot find where folder '%s' is: %s", s->dir, strerror(errno));
	s->root = arena_strdup(a, real);
	free(real);
	return s->root ? 0 : error_nomem(err);
}

/* --- memory ---------------------------------------------------------------- */

static int list_memory(struct walk *w, const struct source *src)
{
	for (size_t i = 0; i < src->n_file; i++) {
		const struct dunlin_file *f = &src->file[i];
		size_t len = strlen(f->name);
		const char *slash = strchr(f->name, '/');
		int rc;

		if (!is_sql(f->name, len) || f->name[0] == '.' || (slash && slash[1] == '.'))
			continue;
		if (slash && (slash == f->name || strchr(slash + 1, '/')))
			rc = complain(w, "name", f->name, "has more than one folder in its name", NULL);
		else
			rc = add(w, f->name, len, f);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int scan_open(struct scan *s, struct arena *a, const struct source *src,
              struct finding_list *findings, struct dunlin_error *err)
{
	struct walk w = { s, a, findings, err };
	int rc;

	*s = (struct scan){ .component = src->component ? src->component : "", .dir = src->dir, .dirfd = -1 };
	if (!src->dir)
		rc = list_memory(&w, src);
	else
		rc = open_dir(s, a, err) < 0 ? -1 : list(&w, NULL);
	if (rc < 0)
		scan_close(s);
	return rc;
}

void scan_close(struct scan *s)
{
	if (s->dirfd >= 0)
		close(s->dirfd);
	s->dirfd = -1;
	mem_free(s->file);
	s->file = NULL;
	s->n = s->cap = 0;
}

static int path_cmp(const void *a, const void *b)
{
	const struct scan_file *fa = a, *fb = b;

	return strcmp(fa->path, fb->path);
}

void scan_sort(struct scan *s)
{
	if (s->n > 1)
		qsort(s->file, s->n, sizeof *s->file, path_cmp);
}

struct input scan_input(const struct scan *s, const struct scan_file *f, const char *name)
{
	if (f->mem)
		return (struct input){ .name = name, .dirfd = AT_FDCWD, .data = f->mem->data, .len = f->mem->len };
	return (struct input){ .name = name, .dirfd = s->dirfd, .path = f->path, .is_listed = 1, .root = s->root };
}
