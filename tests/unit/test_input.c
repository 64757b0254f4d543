/*
 * test_input.c - what may be opened as a migration, and how its bytes come.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "input.h"
#include "mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A folder of its own for each test, entered by fd; gone at the end. */
struct place {
	char dir[64];
	char real[4096];
	int  fd;
};

static int place_open(struct place *p)
{
	snprintf(p->dir, sizeof p->dir, "/tmp/dunlin-input-XXXXXX");
	if (!TAP_OK(mkdtemp(p->dir) != NULL) || !TAP_OK(realpath(p->dir, p->real) != NULL))
		return -1;
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return TAP_OK(p->fd >= 0) ? 0 : -1;
}

static void place_close(struct place *p)
{
	char command[128];

	close(p->fd);
	snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
	TAP_EQ_INT(system(command), 0);
}

static void put(const struct place *p, const char *name, const char *data, size_t len)
{
	int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (!TAP_OK(fd >= 0))
		return;
	TAP_EQ_INT(write(fd, data, len), (long)len);
	close(fd);
}

/* Reads all of it in pieces of `piece`; -1: an error. */
static long slurp(const struct input *in, uint64_t off, size_t piece, char *out, size_t size,
                  struct dunlin_error *err)
{
	struct input_stream *s;
	size_t n = 0;
	long got = -1;

	if (input_open(in, off, &s, NULL, err) < 0)
		return -1;
	while (n < size && (got = input_read(s, out + n, piece < size - n ? piece : size - n, err)) > 0)
		n += (size_t)got;
	input_close(s);
	return got < 0 ? -1 : (long)n;
}

static struct input file_input(const struct place *p, const char *path)
{
	return (struct input){ .name = path, .dirfd = p->fd, .path = path, .root = p->real };
}

static void reads_files_of_every_size_from_any_offset(void)
{
	static const size_t sizes[] = { 0, 1, 4095, 65535, 65536, 65537, 300000 };
	static char data[300000], got[300001];
	struct place p;

	if (place_open(&p) < 0)
		return;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct input in = file_input(&p, "a.sql");
		struct input memory = { .name = "a.sql", .data = data, .len = sizes[i] };
		size_t off = sizes[i] / 3;
		struct dunlin_error err;
		struct input_stream *s;
		uint64_t size = 0;

		put(&p, "a.sql", data, sizes[i]);
		TAP_EQ_MEM(got, (size_t)slurp(&in, 0, 7000, got, sizeof got, &err), data, sizes[i]);
		TAP_EQ_MEM(got, (size_t)slurp(&in, off, 7000, got, sizeof got, &err), data + off, sizes[i] - off);
		TAP_EQ_MEM(got, (size_t)slurp(&memory, off, 7000, got, sizeof got, &err), data + off, sizes[i] - off);
		TAP_EQ_INT(slurp(&in, sizes[i], 7000, got, sizeof got, &err), 0);
		if (!TAP_EQ_INT(input_open(&in, 0, &s, &size, &err), 0))
			continue;
		TAP_EQ_INT(size, sizes[i]);
		TAP_EQ_INT(input_seek(s, off, &err), 0);
		TAP_EQ_INT(input_read(s, got, 1, &err), off < sizes[i]);
		TAP_EQ_INT(input_seek(s, 0, &err), 0);
		TAP_EQ_INT(input_read(s, got, 1, &err), sizes[i] > 0);
		input_close(s);
	}
	place_close(&p);
}

/* A FIFO without a writer must not hold anybody up. */
static void refuses_what_is_no_file_and_says_what_it_is(void)
{
	struct place p;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	static const struct { const char *path, *message; int errclass; } cases[] = {
		{ "folder.sql", "'folder.sql' is a folder, not a file", DUNLIN_CLASS_VALIDATION },
		{ "fifo.sql", "'fifo.sql' is a FIFO, not a file", DUNLIN_CLASS_VALIDATION },
		{ "socket.sql", "'socket.sql' is a socket, not a file", DUNLIN_CLASS_VALIDATION },
		{ "/dev/null", "'/dev/null' is a device, not a file", DUNLIN_CLASS_VALIDATION },
		{ "none.sql", "cannot open 'none.sql': No such file or directory", DUNLIN_CLASS_VALIDATION },
	};

	if (place_open(&p) < 0)
		return;
	TAP_EQ_INT(mkdirat(p.fd, "folder.sql", 0700), 0);
	TAP_EQ_INT(mkfifoat(p.fd, "fifo.sql", 0600), 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/socket.sql", p.dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	TAP_EQ_INT(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct input in = file_input(&p, cases[i].path);
		struct dunlin_error err = { 0 };
		struct input_stream *s;

		if (cases[i].path[0] == '/')
			in.root = NULL;
		TAP_EQ_INT(input_open(&in, 0, &s, NULL, &err), -1);
		TAP_OK(s == NULL);
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_EQ_STR(err.file, cases[i].path);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
		TAP_EQ_INT(err.errclass, cases[i].errclass);
	}
	close(fd);
	place_close(&p);
}

static void says_that_permission_is_missing(void)
{
	struct place p;
	struct dunlin_error err = { 0 };
	struct input_stream *s;
	struct input in;

	int is_root = geteuid() == 0;

	if (place_open(&p) < 0)
		return;
	put(&p, "a.sql", "x", 1);
	TAP_EQ_INT(fchmod(p.fd, 0755), 0);
	TAP_EQ_INT(fchmodat(p.fd, "a.sql", 0, 0), 0);
	in = file_input(&p, "a.sql");
	/* Root may read everything. */
	if (is_root && !TAP_EQ_INT(seteuid(65534), 0))
		return;
	TAP_EQ_INT(input_open(&in, 0, &s, NULL, &err), -1);
	if (is_root)
		TAP_EQ_INT(seteuid(0), 0);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_PERMISSION);
	TAP_EQ_STR(err.message, "cannot open 'a.sql': Permission denied");
	place_close(&p);
}

/* As Kubernetes mounts a ConfigMap: a.sql -> ..data/a.sql, ..data -> ..2024. */
static void follows_links_that_stay_inside_and_no_others(void)
{
	struct place p, outside;
	char target[256], got[16];
	static const struct { const char *path; int is_fine; } cases[] = {
		{ "a.sql", 1 },           /* a link in a linked folder  */
		{ "..data/a.sql", 1 },    /* through a linked folder    */
		{ "..2024/a.sql", 1 },    /* no link at all             */
		{ "absolute.sql", 1 },    /* inside, by its whole path  */
		{ "out.sql", 0 },
		{ "up.sql", 0 },          /* by ..                      */
		{ "outdir/b.sql", 0 },    /* the folder leaves          */
		{ "sibling.sql", 0 },     /* a folder whose name begins like ours */
	};

	if (place_open(&p) < 0)
		return;
	if (place_open(&outside) < 0) {
		place_close(&p);
		return;
	}
	TAP_EQ_INT(mkdirat(p.fd, "..2024", 0700), 0);
	put(&p, "..2024/a.sql", "in", 2);
	put(&outside, "b.sql", "out", 3);
	TAP_EQ_INT(symlinkat("..2024", p.fd, "..data"), 0);
	TAP_EQ_INT(symlinkat("..data/a.sql", p.fd, "a.sql"), 0);
	snprintf(target, sizeof target, "%s/..2024/a.sql", p.dir);
	TAP_EQ_INT(symlinkat(target, p.fd, "absolute.sql"), 0);
	snprintf(target, sizeof target, "%s/b.sql", outside.dir);
	TAP_EQ_INT(symlinkat(target, p.fd, "out.sql"), 0);
	snprintf(target, sizeof target, "../%s/b.sql", strrchr(outside.dir, '/') + 1);
	TAP_EQ_INT(symlinkat(target, p.fd, "up.sql"), 0);
	TAP_EQ_INT(symlinkat(outside.dir, p.fd, "outdir"), 0);
	snprintf(target, sizeof target, "%s-more", p.dir);
	TAP_EQ_INT(mkdir(target, 0700), 0);
	snprintf(target, sizeof target, "%s-more/c.sql", p.dir);
	TAP_EQ_INT(symlinkat(target, p.fd, "sibling.sql"), 0);
	put(&p, target, "out", 3);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct input in = file_input(&p, cases[i].path);
		struct dunlin_error err = { 0 };
		char path[512], want[600];
		long n = slurp(&in, 0, 16, got, sizeof got, &err);

		if (!TAP_EQ_INT(n, cases[i].is_fine ? 2 : -1))
			tap_note("%s: %s", cases[i].path, err.message);
		snprintf(want, sizeof want, "'%s' is a link that leaves the folder of the migrations", cases[i].path);
		if (!cases[i].is_fine) {
			TAP_EQ_STR(err.message, want);
			TAP_OK(err.hint[0] != '\0');
		}
		/* The same by a path from the working directory. */
		snprintf(path, sizeof path, "%s/%s", p.dir, cases[i].path);
		in = (struct input){ .name = path, .dirfd = AT_FDCWD, .path = path, .root = p.real };
		TAP_EQ_INT(slurp(&in, 0, 16, got, sizeof got, &err), cases[i].is_fine ? 2 : -1);
		/* Without a root nobody looks. */
		in.root = NULL;
		TAP_OK(slurp(&in, 0, 16, got, sizeof got, &err) > 0);
	}
	snprintf(target, sizeof target, "%s-more/c.sql", p.dir);
	unlink(target);
	snprintf(target, sizeof target, "%s-more", p.dir);
	rmdir(target);
	place_close(&outside);
	place_close(&p);
}

static void says_that_a_link_leads_nowhere(void)
{
	struct place p;
	struct dunlin_error err = { 0 };
	struct input_stream *s;
	struct input in;

	if (place_open(&p) < 0)
		return;
	TAP_EQ_INT(symlinkat("gone.sql", p.fd, "a.sql"), 0);
	in = file_input(&p, "a.sql");
	TAP_EQ_INT(input_open(&in, 0, &s, NULL, &err), -1);
	TAP_EQ_STR(err.message, "cannot follow the link 'a.sql': No such file or directory");
	TAP_EQ_INT(symlinkat("circle.sql", p.fd, "circle.sql"), 0);
	in = file_input(&p, "circle.sql");
	TAP_EQ_INT(input_open(&in, 0, &s, NULL, &err), -1);
	TAP_EQ_STR(err.message, "cannot follow the link 'circle.sql': Too many levels of symbolic links");
	place_close(&p);
}

static void notices_that_a_large_file_was_written_to(void)
{
	static const struct timespec other_time[2] = { { 1000000000, 5 }, { 1000000000, 5 } };
	static char data[100000];
	struct place p;
	struct dunlin_error err;
	struct input_stream *s;
	struct input in;

	if (place_open(&p) < 0)
		return;
	memset(data, 'x', sizeof data);
	put(&p, "a.sql", data, sizeof data);
	in = file_input(&p, "a.sql");
	if (TAP_EQ_INT(input_open(&in, 0, &s, NULL, &err), 0)) {
		TAP_EQ_INT(input_is_changed(s), 0);
		TAP_EQ_INT(utimensat(p.fd, "a.sql", other_time, 0), 0);
		TAP_EQ_INT(input_is_changed(s), 1);
		input_close(s);
	}
	/* Longer within one tick of the clock. */
	if (TAP_EQ_INT(input_open(&in, 0, &s, NULL, &err), 0)) {
		TAP_EQ_INT(input_is_changed(s), 0);
		put(&p, "a.sql", data, sizeof data - 1);
		TAP_EQ_INT(utimensat(p.fd, "a.sql", other_time, 0), 0);
		TAP_EQ_INT(input_is_changed(s), 1);
		input_close(s);
	}
	/* A small one was read whole before. */
	put(&p, "a.sql", "abc", 3);
	if (TAP_EQ_INT(input_open(&in, 0, &s, NULL, &err), 0)) {
		put(&p, "a.sql", "xyz", 3);
		TAP_EQ_INT(input_is_changed(s), 0);
		TAP_EQ_INT(input_read(s, data, 10, &err), 3);
		TAP_EQ_MEM(data, 3, "abc", 3);
		input_close(s);
	}
	place_close(&p);
}

static void survives_every_failing_allocation(void)
{
	static const struct { const char *path; size_t len; } cases[] = { { "a.sql", 10 }, { "b.sql", 70000 }, { NULL, 5 } };
	static char data[70000];
	struct place p;

	if (place_open(&p) < 0)
		return;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct input in = file_input(&p, cases[i].path);
		struct dunlin_error err = { 0 };
		struct input_stream *s;
		int rc = -1;
		unsigned long n;

		in.name = "x";
		in.data = data;
		in.len = cases[i].len;
		if (cases[i].path)
			put(&p, cases[i].path, data, cases[i].len);
		for (n = 1; rc < 0 && n < 100; n++) {
			mem_fail_at(n, 1);
			rc = input_open(&in, 0, &s, NULL, &err);
			mem_fail_at(0, 0);
			if (rc < 0)
				TAP_EQ_STR(err.message, "out of memory");
		}
		TAP_EQ_INT(n, 3); /* the first failed, the second was not needed */
		input_close(s);
	}
	place_close(&p);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "reads files of every size from any offset", reads_files_of_every_size_from_any_offset },
		{ "refuses what is no file and says what it is", refuses_what_is_no_file_and_says_what_it_is },
		{ "says that permission is missing", says_that_permission_is_missing },
		{ "follows links that stay inside and no others", follows_links_that_stay_inside_and_no_others },
		{ "says that a link leads nowhere", says_that_a_link_leads_nowhere },
		{ "notices that a large file was written to", notices_that_a_large_file_was_written_to },
		{ "survives every failing allocation", survives_every_failing_allocation },
	};

	return tap_main("input", tests, sizeof tests / sizeof *tests);
}
