/*
 * input.c - migration files opened without following anybody out of the folder
 * and without waiting for a FIFO's writer; small ones are read whole at once.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "input.h"

#include "error.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h> /* realpath */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
/* Files below this are read by one call into memory: a folder of a hundred
 * thousand small files then costs open, fstat, read, close each. */
#define SMALL ((size_t)64 * 1024)
#define TINY  8192 /* bytes: read at once, without asking for the size */

struct input_stream {
	const char *name;
	int         fd;     /* -1: all of it is in data          */
	const char *data;
	size_t      len, at;
	struct stat st;     /* as it was opened; only with an fd */
	char        own[];  /* a small file                      */
};

static int refuse(const struct input *in, struct dunlin_error *err, const char *what)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%s' is %s, not a file", in->name, what);
	error_at(err, in->name, 0, 0);
	return -1;
}

static int fail(const char *name, struct dunlin_error *err, const char *doing, int e)
{
	error_set(err, DUNLIN_EXIT_INVALID,
	          e == EACCES || e == EPERM ? DUNLIN_CLASS_PERMISSION : DUNLIN_CLASS_VALIDATION,
	          "cannot %s '%s': %s", doing, name, strerror(e));
	error_at(err, name, 0, 0);
	return -1;
}

/* What a thing that is no regular file is called; NULL: it is one. */
static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:  return NULL;
	case S_IFDIR:  return "a folder";
	case S_IFIFO:  return "a FIFO";
	case S_IFSOCK: return "a socket";
	default:       return "a device";
	}
}

static int leaves_folder(const struct input *in, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
	          "'%s' is a link that leaves the folder of the migrations", in->name);
	error_hint(err, "Put the file itself there, or give the folder it is in as a source of its own with --dir.");
	error_at(err, in->name, 0, 0);
	return -1;
}

/* Does the folder part of the path go through a link?  The last name is looked
 * at by O_NOFOLLOW. */
static int has_linked_folder(const struct input *in)
{
	char part[PATH_MAX];
	size_t n = strlen(in->path);

	if (in->path[0] == '/' || in->dirfd == AT_FDCWD || n >= sizeof part)
		return strchr(in->path, '/') != NULL;
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (in->path[i] == '/') {
			part[i] = '\0';
			if (fstatat(in->dirfd, part, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(st.st_mode))
				return 1;
		}
		part[i] = in->path[i];
	}
	return 0;
}

/* The path behind all links into real[PATH_MAX]; 0, or -1 with errno. */
static int real_path(const struct input *in, char *real)
{
	char path[PATH_MAX];
	int n;

	if (in->path[0] == '/' || in->dirfd == AT_FDCWD)
		return realpath(in->path, real) ? 0 : -1;
	n = snprintf(path, sizeof path, "/proc/self/fd/%d/%s", in->dirfd, in->path);
	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (realpath(path, real))
		return 0;
	if (access("/proc/self/fd", F_OK) == 0)
		return -1;
	/* uncovered: no /proc.  The folder behind dirfd is then taken to be root. */
	n = snprintf(path, sizeof path, "%s/%s", in->root, in->path);
	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return realpath(path, real) ? 0 : -1;
}

static int is_inside(const char *real, const char *root)
{
	size_t n = strlen(root);

	while (n > 0 && root[n - 1] == '/')
		n--;
	return strncmp(real, root, n) == 0 && real[n] == '/';
}

/* Opens by the path behind the links once that is known to be inside root. */
static int open_linked(const struct input *in, struct dunlin_error *err)
{
	char real[PATH_MAX];
	int fd;

	if (real_path(in, real) < 0)
		return fail(in->name, err, "follow the link", errno);
	if (!is_inside(real, in->root))
		return leaves_folder(in, err);
	fd = open(real, OPEN_FLAGS | O_NOFOLLOW);
	if (fd < 0)
		return fail(in->name, err, "open", errno);
	return fd;
}

static int open_file(const struct input *in, struct dunlin_error *err)
{
	struct stat st;
	const char *kind;
	int fd, e;

	if (in->root && has_linked_folder(in))
		return open_linked(in, err);
	fd = openat(in->dirfd, in->path, OPEN_FLAGS | (in->root ? O_NOFOLLOW : 0));
	if (fd >= 0)
		return fd;
	e = errno;
	if (e == ELOOP && in->root)
		return open_linked(in, err);
	/* Sockets and devices without a driver cannot be opened at all. */
	if (e == ENXIO && fstatat(in->dirfd, in->path, &st, 0) == 0 && (kind = kind_of(st.st_mode)))
		return refuse(in, err, kind);
	return fail(in->name, err, "open", e);
}

static ssize_t read_some(int fd, char *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Reads a small file whole; where it grew meanwhile, s->fd stays open and it is
 * streamed like a large one. */
static int read_whole(struct input_stream *s, size_t size, struct dunlin_error *err)
{
	while (s->len <= size) {
		ssize_t got = read_some(s->fd, s->own + s->len, size + 1 - s->len);

		if (got < 0)
			return fail(s->name, err, "read", errno);
		s->len += (size_t)got;
		if (got == 0 || s->len == size) {
			close(s->fd);
			s->fd = -1;
			s->data = s->own;
			return 0;
		}
	}
	return input_seek(s, 0, err);
}

/* What the listing had as a regular file and is tiny is read without another
 * look at it: most migrations are.  1: done; 0: the long way; -1: error. */
static int read_tiny(const struct input *in, int fd, struct input_stream **out, struct dunlin_error *err)
{
	char p[TINY];
	ssize_t got = in->is_listed ? read_some(fd, p, sizeof p) : 0;
	struct input_stream *s;

	if (got <= 0 || got == (ssize_t)sizeof p)
		return got > 0 && lseek(fd, 0, SEEK_SET) != 0 ? fail(in->name, err, "read", errno) : 0;
	s = mem_alloc(sizeof *s + (size_t)got);
	if (!s)
		return error_nomem(err);
	*s = (struct input_stream){ .name = in->name, .fd = -1, .data = s->own, .len = (size_t)got };
	memcpy(s->own, p, (size_t)got);
	close(fd);
	*out = s;
	return 1;
}

static int open_stream(const struct input *in, struct input_stream **out, struct dunlin_error *err)
{
	struct input_stream *s = NULL;
	const char *kind;
	struct stat st;
	size_t room = 0;
	int fd = open_file(in, err), rc;

	if (fd < 0)
		return -1;
	rc = read_tiny(in, fd, out, err);
	if (rc > 0)
		return 0;
	if (rc < 0)
		goto fail;
	if (fstat(fd, &st) < 0) {
		fail(in->name, err, "look at", errno);
		goto fail;
	}
	kind = kind_of(st.st_mode);
	if (kind) {
		refuse(in, err, kind);
		goto fail;
	}
	if (st.st_size < (off_t)SMALL)
		room = (size_t)st.st_size + 1;
	s = mem_alloc(sizeof *s + room);
	if (!s) {
		error_nomem(err);
		goto fail;
	}
	*s = (struct input_stream){ .name = in->name, .fd = fd, .st = st };
	if (room && read_whole(s, room - 1, err) < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	mem_free(s);
	close(fd);
	return -1;
}

int input_open(const struct input *in, uint64_t off, struct input_stream **out,
               uint64_t *size, struct dunlin_error *err)
{
	struct input_stream *s;

	*out = NULL;
	if (in->path) {
		if (open_stream(in, &s, err) < 0)
			return -1;
	} else {
		s = mem_alloc(sizeof *s);
		if (!s)
			return error_nomem(err);
		*s = (struct input_stream){ .name = in->name, .fd = -1, .data = in->data, .len = in->len };
	}
	if (off > 0 && input_seek(s, off, err) < 0) {
		input_close(s);
		return -1;
	}
	if (size)
		*size = s->fd < 0 ? s->len : (uint64_t)s->st.st_size;
	*out = s;
	return 0;
}

int input_seek(struct input_stream *s, uint64_t off, struct dunlin_error *err)
{
	if (s->fd < 0) {
		/* The file may have shrunk since the offset was taken. */
		s->at = off < s->len ? (size_t)off : s->len;
		return 0;
	}
	if (lseek(s->fd, (off_t)off, SEEK_SET) < 0)
		return fail(s->name, err, "read", errno);
	return 0;
}

long input_read(void *stream, char *p, size_t n, struct dunlin_error *err)
{
	struct input_stream *s = stream;
	ssize_t got;

	if (n > (size_t)1 << 30)
		n = (size_t)1 << 30;
	if (s->fd < 0) {
		if (n > s->len - s->at)
			n = s->len - s->at;
		if (n)
			memcpy(p, s->data + s->at, n);
		s->at += n;
		return (long)n;
	}
	got = read_some(s->fd, p, n);
	if (got < 0)
		return fail(s->name, err, "read", errno);
	return (long)got;
}

int input_is_changed(const struct input_stream *s)
{
	struct stat now;

	if (s->fd < 0)
		return 0;
	return fstat(s->fd, &now) < 0 || now.st_size != s->st.st_size ||
	       now.st_mtim.tv_sec != s->st.st_mtim.tv_sec || now.st_mtim.tv_nsec != s->st.st_mtim.tv_nsec;
}

void input_close(struct input_stream *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	mem_free(s);
}
