/*
 * sum_folder.c - compares a folder with its dunlin.sum, and writes it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sum.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUM_FILE "dunlin.sum"

enum { SUM_MAX = 256 << 20 };

struct sum_line { const char *path; size_t len; char digest[SHA256_TEXT]; };

struct lines {
	struct arena *arena;
	struct sum_line *v;
	size_t n, cap;
};

static int add_line(void *arg, const char *file, size_t file_len, const char *digest, size_t digest_len)
{
	struct lines *l = arg;
	struct sum_line *line;

	if (mem_grow(&l->v, &l->cap, l->n, sizeof *l->v) < 0)
		return -1;
	line = &l->v[l->n];
	*line = (struct sum_line){ .path = arena_strndup(l->arena, file, file_len), .len = file_len };
	if (!line->path)
		return -1;
	memcpy(line->digest, digest, digest_len);
	l->n++;
	return 0;
}

int sum_content(const struct input *in, char out[SHA256_TEXT], struct dunlin_error *err)
{
	struct input_stream *stream;
	struct content_hash h;
	char piece[16384];
	long n;

	if (input_open(in, 0, &stream, NULL, err) < 0)
		return -1;
	content_hash_start(&h);
	while ((n = input_read(stream, piece, sizeof piece, err)) > 0)
		content_hash_add(&h, piece, (size_t)n);
	input_close(stream);
	content_hash_text(&h, out);
	return n < 0 ? -1 : 0;
}

static int digest_file(const struct scan *s, struct arena *a, const struct scan_file *f,
                       char out[SHA256_TEXT], struct dunlin_error *err)
{
	const char *name = scan_show(a, s->dir, f->path, f->len);
	struct input in = scan_input(s, f, name);

	return name ? sum_content(&in, out, err) : error_nomem(err);
}

/* --- checking --------------------------------------------------------------- */

struct checking {
	struct scan *scan;
	struct arena arena;
	struct finding_list *findings;
	struct dunlin_error *err;
	const char *name; /* of the dunlin.sum, for people */
};

static int complain(struct checking *c, const char *path, size_t len, const char *what)
{
	const char *shown = scan_show(&c->arena, c->scan->dir, path, len);
	struct dunlin_finding *f = shown ? finding_add(c->findings, DUNLIN_EXIT_INVALID, "sum",
		c->scan->component, NULL, shown, "'%s' %s", shown, what) : NULL;

	if (!f)
		return error_nomem(c->err);
	finding_hint(c->findings, f, "%s", SUM_HINT);
	return 0;
}

static int read_whole(const struct input *in, struct buf *out, struct dunlin_error *err)
{
	struct input_stream *stream;
	char piece[16384];
	long n;

	if (input_open(in, 0, &stream, NULL, err) < 0)
		return -1;
	while ((n = input_read(stream, piece, sizeof piece, err)) > 0 && buf_add(out, piece, (size_t)n) == 0)
		;
	input_close(stream);
	return n < 0 ? -1 : out->is_failed ? error_nomem(err) : 0;
}

/* What is wrong with a file is a finding; what went wrong around it is not. */
static int take_error(struct checking *c, struct dunlin_error *e)
{
	error_migration(e, c->scan->component, NULL);
	if (e->errclass != DUNLIN_CLASS_UNKNOWN)
		return finding_add_error(c->findings, "sum", e) < 0 ? error_nomem(c->err) : 0;
	if (c->err)
		*c->err = *e;
	return -1;
}

static int compare_file(struct checking *c, const struct scan_file *f, const struct sum_line *line)
{
	struct dunlin_error e;
	char now[SHA256_TEXT];

	if (digest_file(c->scan, &c->arena, f, now, &e) == 0)
		return strcmp(now, line->digest) == 0 ? 0
			: complain(c, f->path, f->len, "was changed since dunlin.sum was written");
	return take_error(c, &e);
}

/* Both are sorted. */
static int compare(struct checking *c, const struct lines *l)
{
	size_t i = 0, k = 0;

	while (i < c->scan->n || k < l->n) {
		const struct scan_file *f = i < c->scan->n ? &c->scan->file[i] : NULL;
		const struct sum_line *line = k < l->n ? &l->v[k] : NULL;
		int order = !f ? 1 : !line ? -1 : bytes_cmp(f->path, f->len, line->path, line->len);
		int rc;

		if (order < 0)
			rc = complain(c, f->path, f->len, "was added since dunlin.sum was written");
		else if (order > 0)
			rc = complain(c, line->path, line->len, "is in dunlin.sum and not in the folder");
		else
			rc = compare_file(c, f, line);
		if (rc < 0)
			return -1;
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}

static int check_text(struct checking *c, const struct buf *text)
{
	struct lines lines = { .arena = &c->arena };
	struct dunlin_error e;
	int is_total_wrong, is_read, rc;

	rc = sum_parse_lines(text->p ? text->p : "", text->len, c->name, add_line, &lines, &is_total_wrong, &e);
	is_read = rc == 0 || is_total_wrong;
	if (rc < 0)
		rc = take_error(c, &e);
	/* Lines that were read in good order still tell which files differ. */
	if (rc == 0 && is_read) {
		scan_sort(c->scan);
		rc = compare(c, &lines);
	}
	mem_free(lines.v);
	return rc;
}

/* Is DIR/dunlin.sum there, whatever it is? */
static int is_there(int dirfd)
{
	struct stat st;

	return fstatat(dirfd, SUM_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int sum_check_scan(struct scan *s, struct finding_list *findings, struct dunlin_error *err)
{
	struct checking c = { .scan = s, .findings = findings, .err = err };
	struct input in = { .dirfd = s->dirfd, .path = SUM_FILE, .root = s->root };
	struct buf text = { .max = SUM_MAX };
	struct dunlin_error e;
	int rc = 0;

	if (!s->dir || !is_there(s->dirfd))
		return 0;
	c.name = in.name = scan_show(&c.arena, s->dir, SUM_FILE, strlen(SUM_FILE));
	if (!c.name)
		rc = error_nomem(err);
	else if (read_whole(&in, &text, &e) == 0)
		rc = check_text(&c, &text);
	else
		rc = take_error(&c, &e);
	buf_clear(&text);
	arena_clear(&c.arena);
	return rc;
}

int sum_check(const struct source *src, struct finding_list *findings, struct dunlin_error *err)
{
	struct finding_list ignored = { 0 }; /* of the listing: loading the set tells them */
	struct arena arena = { 0 };
	struct scan s;
	int rc;

	if (!src->dir || !sum_exists(src->dir))
		return 0;
	rc = scan_open(&s, &arena, src, &ignored, err);
	if (rc == 0) {
		rc = sum_check_scan(&s, findings, err);
		scan_close(&s);
	}
	finding_clear(&ignored);
	arena_clear(&arena);
	return rc;
}

/* --- writing ---------------------------------------------------------------- */

static int system_error(struct dunlin_error *err, const char *dir, const char *what)
{
	return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_PERMISSION, "cannot %s '%s/" SUM_FILE "': %s",
	                 what, dir, strerror(errno));
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno != EINTR)
			return -1;
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
	return 0;
}

/* A new file beside it takes its place only once it is whole on disk. */
static int replace(const struct scan *s, const struct buf *text, struct dunlin_error *err)
{
	char name[64];
	int fd, rc = -1;

	snprintf(name, sizeof name, "." SUM_FILE ".%ld", (long)getpid());
	/* One of that name was left by a process that died. */
	unlinkat(s->dirfd, name, 0);
	fd = openat(s->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return system_error(err, s->dir, "write");
	if (write_all(fd, text->p, text->len) < 0 || fsync(fd) < 0) {
		system_error(err, s->dir, "write");
	} else if (renameat(s->dirfd, name, s->dirfd, SUM_FILE) < 0) {
		system_error(err, s->dir, "replace");
	} else {
		fsync(s->dirfd);
		rc = 0;
	}
	close(fd);
	if (rc < 0)
		unlinkat(s->dirfd, name, 0);
	return rc;
}

/* The whole text, from the files as they are. */
static int build(const struct scan *s, struct arena *a, struct buf *text, struct dunlin_error *err)
{
	struct buf lines = BUF_INIT;
	char sum[SHA256_TEXT];
	int rc = 0;

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		rc = digest_file(s, a, &s->file[i], sum, err);
		if (rc == 0)
			sum_add_line(&lines, s->file[i].path, s->file[i].len, sum);
	}
	if (rc == 0) {
		sum_add_whole(text, &lines);
		rc = lines.is_failed || text->is_failed ? error_nomem(err) : 0;
	}
	buf_clear(&lines);
	return rc;
}

int sum_write(const char *dir, int64_t *n_files, struct dunlin_error *err)
{
	struct finding_list bad = { 0 };
	struct arena arena = { 0 };
	struct buf text = BUF_INIT;
	struct scan s;
	int rc;

	rc = scan_open(&s, &arena, &(struct source){ .component = "", .dir = dir }, &bad, err);
	if (rc < 0)
		goto out;
	/* What cannot be read cannot be vouched for. */
	rc = bad.n > 0 ? finding_to_error(&bad, err) : 0;
	if (rc == 0) {
		scan_sort(&s);
		rc = build(&s, &arena, &text, err);
	}
	if (rc == 0)
		rc = replace(&s, &text, err);
	if (rc == 0 && n_files)
		*n_files = (int64_t)s.n;
	scan_close(&s);
out:
	buf_clear(&text);
	finding_clear(&bad);
	arena_clear(&arena);
	return rc;
}

int sum_exists(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	int found = fd >= 0 && is_there(fd);

	if (fd >= 0)
		close(fd);
	return found;
}
