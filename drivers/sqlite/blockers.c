/*
 * blockers.c - who holds a lock on a database file, as /proc/locks tells.
 *
 * SQLite says "database is locked" and never by whom.  Linux lists every POSIX
 * lock with the process that has it; SQLite's own stand at fixed bytes: in a
 * rollback journal mode on the database file, in WAL mode on FILE-shm.  The
 * file itself is only asked for its number, never opened.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sqlite_driver.h"

#define PENDING_BYTE  INT64_C(0x40000000)
#define SHARED_END    (PENDING_BYTE + 2 + 510)
#define WAL_WRITE     120 /* byte in FILE-shm; 121 checkpoint, 122 recover, 123.. readers */
#define WAL_END       128 /* the dead man's switch: held by everyone who has it open     */

struct entry {
	char      kind[16], access[16]; /* POSIX, FLOCK, OFDLCK; READ, WRITE */
	long long pid;
	unsigned  major, minor;
	unsigned long long ino;
	long long start, end;
};

int sq_blockers_can(void)
{
	return access("/proc/locks", R_OK) == 0;
}

/* "1: POSIX  ADVISORY  WRITE 4242 fe:00:1234 1073741824 1073742335"; a line with
 * "->" is one who waits. */
static int parse(const char *line, struct entry *e)
{
	char end[32];

	if (strstr(line, "->") ||
	    sscanf(line, "%*d: %15s %*s %15s %lld %x:%x:%llu %lld %31s", e->kind, e->access, &e->pid, &e->major, &e->minor,
	           &e->ino, &e->start, end) != 8)
		return -1;
	if (strcmp(end, "EOF") == 0)
		e->end = INT64_MAX;
	else if (sscanf(end, "%lld", &e->end) != 1)
		return -1;
	return 0;
}

static int each_lock(const char *path, int (*fn)(void *arg, const struct entry *e), void *arg)
{
	char line[256];
	struct stat st;
	struct entry e;
	FILE *f;
	int stop = 0;

	if (stat(path, &st) < 0 || !(f = fopen("/proc/locks", "re")))
		return 0;
	while (!stop && fgets(line, sizeof line, f))
		if (parse(line, &e) == 0 && e.ino == st.st_ino && e.major == major(st.st_dev) && e.minor == minor(st.st_dev))
			stop = fn(arg, &e);
	fclose(f);
	return stop;
}

static void name_of(int64_t pid, char *out, size_t size)
{
	char path[64];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof path, "/proc/%lld/comm", (long long)pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(out, (int)size, f))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

#define N_PIDS 32

struct holders {
	int64_t pid[N_PIDS];
	size_t  n;
	int     is_wal;
};

/* Locks that stand in a writer's way, other processes' only: ours are our own. */
static int add_holder(void *arg, const struct entry *e)
{
	struct holders *h = arg;
	long long first = h->is_wal ? WAL_WRITE : PENDING_BYTE, end = h->is_wal ? WAL_END - 1 : SHARED_END;
	size_t i;

	if (strcmp(e->kind, "POSIX") != 0 || e->pid <= 0 || e->pid == getpid() || e->end < first || e->start > end)
		return 0;
	if (h->is_wal && strcmp(e->access, "WRITE") != 0) /* readers are in nobody's way */
		return 0;
	for (i = 0; i < h->n; i++)
		if (h->pid[i] == e->pid)
			return 0;
	h->pid[h->n++] = e->pid;
	return h->n == N_PIDS;
}

static void find(const char *file, struct holders *h)
{
	struct drv_text shm = { 0 };

	each_lock(file, add_holder, h);
	drv_text_addf(&shm, "%s-shm", file);
	h->is_wal = 1;
	/* In WAL mode everybody holds a shared lock on the database file itself. */
	if (!shm.is_failed && access(shm.p, F_OK) == 0) {
		h->n = 0;
		each_lock(shm.p, add_holder, h);
	}
	drv_text_clear(&shm);
}

void sq_blockers_text(const char *file, char *out, size_t size)
{
	struct holders h = { 0 };
	char name[64];
	size_t i, len = 0;
	int n;

	out[0] = '\0';
	find(file, &h);
	for (i = 0; i < h.n && len < size; i++) {
		name_of(h.pid[i], name, sizeof name);
		n = snprintf(out + len, size - len, "%sprocess %lld%s%s%s", i ? ", " : "", (long long)h.pid[i], name[0] ? " (" : "",
		             name, name[0] ? ")" : "");
		len += n > 0 ? (size_t)n : 0;
	}
}

int sq_blockers(struct dunlin_conn *c, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err)
{
	struct holders h = { 0 };
	struct dunlin_blocker b;
	char name[64];
	size_t i;
	int status = DUNLIN_OK;

	drv_error_clear(err);
	if (!sq_is_file(c) || !sq_blockers_can())
		return DUNLIN_ENOTSUP;
	find(c->opt.file, &h);
	for (i = 0; i < h.n && status == DUNLIN_OK; i++) {
		name_of(h.pid[i], name, sizeof name);
		b = (struct dunlin_blocker){ .struct_size = sizeof b, .pid = h.pid[i], .application = name[0] ? name : NULL };
		status = fn(arg, &b);
	}
	return status;
}

static int take_flock(void *arg, const struct entry *e)
{
	if (strcmp(e->kind, "FLOCK") != 0)
		return 0;
	*(int64_t *)arg = e->pid;
	return 1;
}

int sq_blockers_flock(const char *path, int64_t *pid)
{
	return each_lock(path, take_flock, pid);
}
