/*
 * lock.c - one run at a time.
 *
 * The lock is two things.  A sidecar file, FILE-dunlin.lock, under flock()
 * spans the run, also where transactions end in between and no statement of
 * SQLite's could hold it.  The write transaction, begun at once, keeps other
 * writers from changing the history between its reading and its use.  The
 * kernel lets go of both when the process dies.
 *
 * The holder removes the sidecar while it still holds it; a taker therefore
 * looks whether the name still leads to the file whose lock it got.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sqlite_driver.h"

#define SIDECAR_TRIES 100
#define SIDECAR_MAX   512 /* bytes of "pid holder since\n" */

static char *sidecar_path(const char *file)
{
	struct drv_text t = { 0 };

	drv_text_adds(&t, file);
	drv_text_adds(&t, SQ_LOCK_SUFFIX);
	if (t.is_failed)
		drv_text_clear(&t);
	return t.p;
}

static void utc_now(char *out, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&now, &tm))
		strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* What the file says; empty where it says nothing yet. */
static void read_content(int fd, long *pid, char *holder, size_t holder_size, char *since, size_t since_size)
{
	char text[SIDECAR_MAX + 1], *a, *b;
	ssize_t n = pread(fd, text, SIDECAR_MAX, 0);

	*pid = 0;
	holder[0] = since[0] = '\0';
	if (n <= 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	a = strchr(text, ' ');
	b = strrchr(text, ' ');
	if (!a || a == b || sscanf(text, "%ld", pid) != 1)
		return;
	*b = '\0';
	snprintf(holder, holder_size, "%s", a + 1);
	snprintf(since, since_size, "%s", b + 1);
}

static void write_content(struct sq_lock *l)
{
	char text[SIDECAR_MAX + 1];
	int n = snprintf(text, sizeof text, "%ld %s %s\n", (long)getpid(), l->holder, l->since);

	/* Only for people to read: the lock is held without it too. */
	if (n > 0 && (ftruncate(l->fd, 0) < 0 || pwrite(l->fd, text, (size_t)n, 0) < 0))
		drv_log(DUNLIN_LOG_WARN, "cannot write into the lock file who holds it");
}

static void set_holder(struct sq_lock *l, const char *holder)
{
	char *p;

	snprintf(l->holder, sizeof l->holder, "%s", holder && *holder ? holder : "unknown");
	for (p = l->holder; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	utc_now(l->since, sizeof l->since);
}

static int held(int fd, struct dunlin_driver_error *err)
{
	char holder[200], since[32];
	long pid;

	read_content(fd, &pid, holder, sizeof holder, since, sizeof since);
	if (!pid)
		drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "another run holds the lock");
	else
		drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "another run holds the lock: %s, process %ld, since %s", holder,
		         pid, since);
	if (err)
		err->is_retryable = 1;
	return DUNLIN_EBUSY;
}

static int cannot_open(const char *path, struct dunlin_driver_error *err)
{
	int class = errno == EACCES || errno == EPERM || errno == EROFS ? DUNLIN_CLASS_PERMISSION : DUNLIN_CLASS_CONNECTION;

	return drv_error(err, DUNLIN_ERROR, class, errno, "cannot open the lock file '%s': %s", path, strerror(errno));
}

static int is_same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int sq_sidecar_take(struct sq_lock *l, const char *file, const char *holder, struct dunlin_driver_error *err)
{
	char *path = sidecar_path(file);
	int i, fd = -1, status = DUNLIN_OK;

	if (!path)
		return drv_nomem(err);
	for (i = 0; i < SIDECAR_TRIES; i++) {
		fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0) {
			status = cannot_open(path, err);
			goto out;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			status = errno == EWOULDBLOCK ? held(fd, err) : cannot_open(path, err);
			goto out;
		}
		if (is_same_file(fd, path))
			break;
		close(fd);
		fd = -1;
	}
	if (fd < 0) {
		status = held(fd, err);
		goto out;
	}
	l->fd = fd;
	fd = -1;
	set_holder(l, holder);
	write_content(l);
out:
	if (fd >= 0)
		close(fd);
	drv_free(path);
	return status;
}

void sq_sidecar_drop(struct sq_lock *l, const char *file)
{
	char *path;

	if (l->fd >= 0) {
		path = sidecar_path(file);
		if (path && is_same_file(l->fd, path))
			unlink(path);
		drv_free(path);
		close(l->fd);
	}
	l->fd = -1;
	l->is_held = 0;
}

/* --- slots ------------------------------------------------------------------------ */

/* The file may have been dropped and made anew since it was opened; a lock on
 * the old one protects nothing. */
static int refresh(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int has_moved = 0;
	struct stat st;

	if (c->is_adopted || sqlite3_file_control(c->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) != SQLITE_OK || !has_moved)
		return DUNLIN_OK;
	if (stat(c->opt.file, &st) < 0)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, errno, "the database file '%s' is gone", c->opt.file);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	return sq_reopen(c, err);
}

/* The message is what a waiting run shows. */
static int name_writer(struct dunlin_conn *c, int status, struct dunlin_driver_error *err)
{
	char who[512];

	if (status != DUNLIN_EBUSY || !err || !sq_is_file(c))
		return status;
	sq_blockers_text(c->opt.file, who, sizeof who);
	if (who[0])
		snprintf(err->message, sizeof err->message, "the database is locked by %s", who);
	return status;
}

int sq_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	int status = sq_enter(c, err);

	(void)key; /* one writer at a time is all that a file can have */
	if (status != DUNLIN_OK)
		return status;
	if (c->is_read_only) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_PERMISSION, SQLITE_READONLY, "the database is open for reading only");
		if (err)
			err->is_unsafe = 1;
		return DUNLIN_ERROR;
	}
	if (c->lock.is_held)
		return drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "this connection holds the lock already");
	if (sq_is_user_tx(c))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "a transaction is open");
	if (sq_is_file(c)) {
		status = sq_sidecar_take(&c->lock, c->opt.file, holder, err);
		if (status == DUNLIN_OK)
			status = refresh(c, err);
	} else {
		set_holder(&c->lock, holder);
	}
	if (status == DUNLIN_OK && !c->tx.is_group)
		status = name_writer(c, sq_group_begin(c, 0, SQ_NO_WAIT, err), err);
	if (status != DUNLIN_OK) {
		sq_sidecar_drop(&c->lock, c->opt.file);
		return status;
	}
	c->lock.is_held = 1;
	return DUNLIN_OK;
}

int sq_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK;

	(void)key;
	drv_error_clear(err);
	if (!c->lock.is_held)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "this connection does not hold the lock");
	c->wait.is_stop_ignored = 1; /* what a stopped run has written is to stay */
	if (c->db && c->tx.is_migration)
		sq_migration_undo(c);
	if (c->db && c->tx.is_group) {
		status = sq_group_commit(c, err);
		if (status != DUNLIN_OK)
			sq_group_rollback(c);
	}
	c->wait.is_stop_ignored = 0;
	/* Somebody who replaced the sidecar may have worked beside us. */
	if (status == DUNLIN_OK && c->lock.fd >= 0) {
		char *path = sidecar_path(c->opt.file);

		if (path && !is_same_file(c->lock.fd, path))
			status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "the lock file '%s' was removed during the run", path);
		drv_free(path);
	}
	sq_sidecar_drop(&c->lock, c->opt.file);
	return status;
}

static int info_of(const char *path, int fd, int32_t *is_held, char *holder, size_t holder_size, char *since,
                   size_t since_size, struct dunlin_driver_error *err)
{
	int64_t pid = 0;
	long written;

	if (fd >= 0) {
		if (flock(fd, LOCK_SH | LOCK_NB) == 0)
			return DUNLIN_OK; /* let go of by close() */
		if (errno != EWOULDBLOCK)
			return cannot_open(path, err);
		*is_held = 1;
		read_content(fd, &written, holder, holder_size, since, since_size);
		return DUNLIN_OK;
	}
	if (errno == ENOENT)
		return DUNLIN_OK;
	if (errno != EACCES)
		return cannot_open(path, err);
	/* Another user's: we may not read it, the kernel's list tells. */
	*is_held = sq_blockers_flock(path, &pid);
	if (*is_held && pid > 0)
		snprintf(holder, holder_size, "process %lld", (long long)pid);
	return DUNLIN_OK;
}

int sq_lock_info(struct dunlin_conn *c, const char *key, int32_t *is_held, char *holder, size_t holder_size, char *since,
                 size_t since_size, struct dunlin_driver_error *err)
{
	char *path;
	int fd, status;

	(void)key;
	drv_error_clear(err);
	*is_held = 0;
	if (holder_size)
		holder[0] = '\0';
	if (since_size)
		since[0] = '\0';
	if (c->lock.is_held) {
		*is_held = 1;
		snprintf(holder, holder_size, "%s", c->lock.holder);
		snprintf(since, since_size, "%s", c->lock.since);
		return DUNLIN_OK;
	}
	if (!sq_is_file(c))
		return DUNLIN_OK;
	path = sidecar_path(c->opt.file);
	if (!path)
		return drv_nomem(err);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	status = info_of(path, fd, is_held, holder, holder_size, since, since_size, err);
	if (fd >= 0)
		close(fd);
	drv_free(path);
	return status;
}
