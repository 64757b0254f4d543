/*
 * lock.c - one run at a time.
 *
 * The lock is flock() on a file beside the database: it spans transactions,
 * which no statement of SQLite's could, and the kernel lets go of it whatever
 * becomes of the process.  Name and contents are those of dunlin's own SQLite
 * driver, "PID HOLDER SINCE", so that the two keep out of each other's way.
 *
 * The holder removes the file while it still holds it; whoever takes it looks
 * whether the name still leads to the file whose lock it got.
 */
#include "odbc_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX    "-dunlin.lock"
#define PATH_SIZE (PATH_MAX + sizeof SUFFIX)
#define TRIES     100

static void lock_path(const struct dunlin_conn *c, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "%s%s", c->path, SUFFIX);
}

static int is_same(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int no_file(const char *path, struct dunlin_driver_error *err)
{
	return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_PERMISSION, "the lock file '%s': %s", path, strerror(errno));
}

/* Who holds it; the file may not say so yet. */
static void read_holder(int fd, char *holder, size_t holder_size, char *since, size_t since_size)
{
	char text[400], *name, *when;
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	name = strchr(text, ' ');
	when = strrchr(text, ' ');
	if (!name || name == when)
		return;
	*when = '\0';
	snprintf(holder, holder_size, "%s", name + 1);
	snprintf(since, since_size, "%s", when + 1);
}

static int held(int fd, struct dunlin_driver_error *err)
{
	char holder[200] = "somebody", since[32] = "a moment ago";

	read_holder(fd, holder, sizeof holder, since, sizeof since);
	err_set(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, "another run holds the lock: %s, since %s", holder, since);
	if (err)
		err->is_retryable = 1;
	return DUNLIN_EBUSY;
}

static void write_holder(struct dunlin_conn *c, int fd, const char *holder)
{
	char text[300];
	time_t now = time(NULL);
	struct tm tm;

	snprintf(c->holder, sizeof c->holder, "%s", holder && *holder ? holder : "unknown");
	for (char *p = c->holder; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = '?';
	if (!gmtime_r(&now, &tm) || !strftime(c->since, sizeof c->since, "%Y-%m-%dT%H:%M:%SZ", &tm))
		c->since[0] = '\0';
	snprintf(text, sizeof text, "%ld %s %s\n", (long)getpid(), c->holder, c->since);
	/* Only for people to read: it is held all the same. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
		the_host->log(the_host->ctx, DUNLIN_LOG_WARN, "the lock file does not say who holds it");
}

int odbc_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	char path[PATH_SIZE];

	(void)key; /* a file has one writer, so there is one lock for all ledgers in it */
	lock_path(c, path);
	for (int i = 0; i < TRIES; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), status;

		if (fd < 0)
			return no_file(path, err);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			status = errno == EWOULDBLOCK ? held(fd, err) : no_file(path, err);
			close(fd);
			return status;
		}
		if (is_same(fd, path)) {
			c->lock_fd = fd;
			write_holder(c, fd, holder);
			return DUNLIN_OK;
		}
		close(fd); /* its holder was just removing it */
	}
	return err_set(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, "others take the lock again and again");
}

int odbc_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err)
{
	char path[PATH_SIZE];
	int is_ours;

	(void)key;
	if (c->lock_fd < 0)
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, "this connection does not hold the lock");
	lock_path(c, path);
	is_ours = is_same(c->lock_fd, path);
	if (is_ours)
		unlink(path);
	close(c->lock_fd);
	c->lock_fd = -1;
	if (!is_ours) /* somebody may have worked beside us */
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, "the lock file '%s' was removed during the run", path);
	return DUNLIN_OK;
}

int odbc_lock_info(struct dunlin_conn *c, const char *key, int32_t *is_held, char *holder, size_t holder_size, char *since,
                   size_t since_size, struct dunlin_driver_error *err)
{
	char path[PATH_SIZE];
	int fd;

	(void)key;
	*is_held = 0;
	if (holder_size)
		holder[0] = '\0';
	if (since_size)
		since[0] = '\0';
	lock_path(c, path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? DUNLIN_OK : no_file(path, err);
	/* A shared lock that is not to be had means that somebody has the other kind. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		*is_held = 1;
		read_holder(fd, holder, holder_size, since, since_size);
	}
	close(fd);
	return DUNLIN_OK;
}
