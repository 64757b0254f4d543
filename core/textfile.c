/*
 * textfile.c - reads a settings file, and says who else can.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "textfile.h"

#include "error.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_FILE_MAX = 1 << 20 };

static int fail(struct dunlin_error *err, const char *path, int e)
{
	return error_set(err, DUNLIN_EXIT_USAGE,
	                 e == EACCES || e == EPERM ? DUNLIN_CLASS_PERMISSION : DUNLIN_CLASS_VALIDATION,
	                 "cannot read '%s': %s", path, strerror(e));
}

static int refuse(struct dunlin_error *err, const char *path, const char *what)
{
	return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' %s", path, what);
}

static int read_all(int fd, const char *path, struct buf *out, struct dunlin_error *err)
{
	enum utf8_verdict why;
	ssize_t n;

	do {
		if (buf_reserve(out, 4096) < 0)
			return error_nomem(err);
		n = read(fd, out->p + out->len, 4096);
		if (n < 0 && errno != EINTR) /* uncovered: takes a broken disk */
			return fail(err, path, errno);
		if (n > 0)
			out->len += (size_t)n;
		if (out->len > TEXT_FILE_MAX)
			return refuse(err, path, "is larger than a megabyte");
	} while (n != 0);
	out->p[out->len] = '\0';
	utf8_check(out->p, out->len, &why);
	return why == UTF8_OK ? 1 : refuse(err, path, "is not UTF-8 text");
}

int text_file_read(const char *path, struct buf *out, struct stat *st, struct dunlin_error *err)
{
	/* A FIFO must not be waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail(err, path, errno);
	if (fstat(fd, st) < 0)
		rc = fail(err, path, errno);
	else if (!S_ISREG(st->st_mode))
		rc = refuse(err, path, "is not a file");
	else
		rc = read_all(fd, path, out, err);
	close(fd);
	return rc;
}

int text_file_check_private(const char *path, const struct stat *st, struct dunlin_error *err)
{
	int is_foreign = st->st_uid != geteuid() && st->st_uid != 0;

	if (!is_foreign && (st->st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	error_set(err, DUNLIN_EXIT_UNSAFE, DUNLIN_CLASS_PERMISSION, is_foreign
		? "'%s' holds a password and belongs to another user"
		: "'%s' holds a password and is open to other users", path);
	error_at(err, path, 0, 0);
	error_hint(err, is_foreign
		? "Make the file your own, or keep the password out of it: in the environment, .pgpass or an option file."
		: "Run `chmod 600 %s`, or keep the password out of it: in the environment, .pgpass or an option file.", path);
	return -1;
}
