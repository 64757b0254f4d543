/*
 * test_loader.c - plugins found, loaded and refused.
 *
 * Each test copies what it needs from tests/plugins into a folder of its own,
 * so that owners and modes are known and files can be damaged.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "loader.h"
#include "mem.h"
#include "tap.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[] = "/tmp/dunlin-loader-XXXXXX";
static struct dunlin_error err;

/* --- files -------------------------------------------------------------------- */

static const char *built(const char *file)
{
	static char path[PATH_MAX];
	const char *dir = getenv("DUNLIN_TEST_PLUGINS"), *top = getenv("top_builddir");

	if (dir)
		snprintf(path, sizeof path, "%s/%s", dir, file);
	else
		snprintf(path, sizeof path, "%s/tests/plugins/.libs/%s", top ? top : ".", file);
	return path;
}

/* Paths of this test's folder; a few at a time. */
static const char *in(const char *name)
{
	static char path[32][PATH_MAX];
	static int next;
	char *p = path[next++ % 32];

	snprintf(p, PATH_MAX, "%s/%s", scratch, name);
	return p;
}

static const char *folder(const char *name)
{
	const char *path = in(name);

	TAP_EQ_INT(mkdir(path, 0755), 0);
	return path;
}

/* The whole file, from malloc(). */
static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p = NULL;
	long size;

	if (f && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0 &&
	    (p = malloc((size_t)size + 1)) != NULL)
		*n = fread(p, 1, (size_t)size, f);
	if (f)
		fclose(f);
	if (!p)
		tap_note("cannot read '%s'", path);
	return p;
}

static void spit(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (!TAP_OK(f != NULL))
		return;
	TAP_EQ_INT(fwrite(data, 1, n, f), n);
	fclose(f);
	TAP_EQ_INT(chmod(path, 0644), 0);
}

/* Copies a plugin into a folder, under its name. */
static const char *install(const char *name, const char *dir)
{
	static char to[PATH_MAX];
	char file[64];
	size_t n = 0;
	char *data;

	snprintf(file, sizeof file, "dunlin-%s.so", name);
	data = slurp(built(file), &n);
	snprintf(to, sizeof to, "%s/%s", dir, file);
	if (TAP_OK(data != NULL))
		spit(to, data, n);
	free(data);
	return to;
}

static int find(const char *name, const char *path)
{
	const struct dunlin_driver *d = NULL;

	memset(&err, 0, sizeof err);
	return loader_find(name, path, &d, &err);
}

/* Refused, with the plugin's path, this reason, and a hint. */
static void refused(const char *name, const char *dir, const char *reason)
{
	char want[2 * PATH_MAX];

	TAP_EQ_INT(find(name, dir), -1);
	snprintf(want, sizeof want, "driver plugin '%s/dunlin-%s.so' is refused: %s", dir, name, reason);
	TAP_EQ_STR(err.message, want);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_DRIVER);
}

/* --- what is right -------------------------------------------------------------- */

static void loader_loads_a_plugin_once(void)
{
	const struct dunlin_driver *d = NULL, *again = NULL;
	const char *dir = folder("once"), *other = folder("once-other");
	char path[2 * PATH_MAX];

	install("good", dir);
	install("good", other);
	snprintf(path, sizeof path, "%s:%s:%s", in("nowhere"), dir, other);
	if (!TAP_EQ_INT(loader_find("good", path, &d, &err), 0)) {
		tap_note("%s", err.message);
		return;
	}
	TAP_EQ_STR(d->name, "good");
	TAP_EQ_STR(d->version, "1.2.3");
	TAP_EQ_STR(d->dialect->name, "good");
	TAP_EQ_INT(d->struct_size, sizeof *d);
	TAP_OK(d->open && d->tx_state && !d->begin && !d->exec_many);
	/* the first stays, wherever it is looked for */
	TAP_EQ_INT(loader_find("good", other, &again, &err), 0);
	TAP_OK(again == d);
	TAP_EQ_STR(d->client, "1");
}

static void *find_in_thread(void *arg)
{
	const struct dunlin_driver *d = NULL;

	return loader_find("third", arg, &d, NULL) == 0 ? (void *)(uintptr_t)d : NULL;
}

static void loader_loads_a_plugin_once_for_many_threads(void)
{
	const char *dir = folder("threads");
	pthread_t thread[8];
	void *got[8];

	install("third", dir);
	for (size_t i = 0; i < 8; i++)
		TAP_EQ_INT(pthread_create(&thread[i], NULL, find_in_thread, (void *)(uintptr_t)dir), 0);
	for (size_t i = 0; i < 8; i++) {
		pthread_join(thread[i], &got[i]);
		TAP_OK(got[i] != NULL && got[i] == got[0]);
	}
	if (got[0])
		TAP_EQ_STR(((const struct dunlin_driver *)got[0])->client, "1");
}

static void loader_takes_an_older_and_a_newer_driver(void)
{
	const char *dir = folder("ages");
	const struct dunlin_driver *d = NULL;

	install("older", dir);
	install("newer", dir);
	if (TAP_EQ_INT(loader_find("older", dir, &d, &err), 0))
		TAP_OK(d->lock == NULL);
	if (TAP_EQ_INT(loader_find("newer", dir, &d, &err), 0)) {
		TAP_EQ_INT(d->abi_minor, DUNLIN_DRIVER_ABI_MINOR + 7);
		TAP_OK(d->possible_caps == DUNLIN_CAP_READ_ONLY);
	}
}

static void loader_follows_a_link_to_a_trusted_place(void)
{
	const char *dir = folder("link"), *real = folder("link-real");
	const struct dunlin_driver *d = NULL;

	install("second", real);
	TAP_EQ_INT(symlink(in("link-real/dunlin-second.so"), in("link/dunlin-second.so")), 0);
	if (!TAP_EQ_INT(loader_find("second", dir, &d, &err), 0))
		tap_note("%s", err.message);
}

/* --- names and paths --------------------------------------------------------------- */

static void loader_refuses_what_is_no_name(void)
{
	static const char *const names[] = {
		"", "Good", "../good", "/tmp/good", "a/b", "1a", "_a", "a-b", "a.b", "a b",
		"a23456789012345678901234567890123456789012345678901234567890123456",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char want[200];

		TAP_EQ_INT(find(names[i], "/"), -1);
		snprintf(want, sizeof want, "'%.64s' is not the name of a driver", names[i]);
		TAP_EQ_STR(err.message, want);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	}
}

static void loader_refuses_a_path_that_is_not_absolute(void)
{
	static const struct { const char *path, *message; } cases[] = {
		{ "", "the driver path '' has an empty part" },
		{ ":/a", "the driver path ':/a' has an empty part" },
		{ "/a:", "the driver path '/a:' has an empty part" },
		{ "/a::/b", "the driver path '/a::/b' has an empty part" },
		{ ".", "'.' in the driver path is not an absolute path" },
		{ "drivers", "'drivers' in the driver path is not an absolute path" },
		{ "/a:../b:/c", "'../b' in the driver path is not an absolute path" },
		{ "~/a", "'~/a' in the driver path is not an absolute path" },
		{ "/a", NULL }, { "/a:/b", NULL }, { "/", NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct dunlin_driver *d = NULL;

		memset(&err, 0, sizeof err);
		TAP_EQ_INT(loader_path_check(cases[i].path, &err), cases[i].message ? -1 : 0);
		if (!cases[i].message)
			continue;
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
		TAP_OK(strstr(err.hint, "absolute") != NULL);
		TAP_EQ_INT(loader_find("fourth", cases[i].path, &d, NULL), -1);
		TAP_EQ_INT(loader_find_scheme("fourth", cases[i].path, &d, NULL), -1);
	}
}

static void loader_refuses_a_part_that_is_too_long(void)
{
	char path[PATH_MAX + 10];

	memset(path, 'a', sizeof path - 1);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	TAP_EQ_INT(loader_path_check(path, &err), -1);
	TAP_EQ_STR(err.message, "a part of the driver path is too long");
}

static void loader_never_looks_into_the_working_directory(void)
{
	const char *dir = folder("cwd"), *empty = folder("cwd-empty");
	char was[PATH_MAX];

	install("fourth", dir);
	if (!TAP_OK(getcwd(was, sizeof was) != NULL) || !TAP_EQ_INT(chdir(dir), 0))
		return;
	TAP_EQ_INT(find("fourth", empty), -1);
	TAP_EQ_STR(err.message, "driver 'fourth' is not installed");
	TAP_EQ_INT(setenv("LD_LIBRARY_PATH", dir, 1), 0);
	TAP_EQ_INT(find("fourth", empty), -1);
	TAP_EQ_INT(unsetenv("LD_LIBRARY_PATH"), 0);
	TAP_EQ_INT(chdir(was), 0);
}

static void loader_says_what_to_install(void)
{
	char want[1024];

	TAP_EQ_INT(find("my_db", "/nowhere/a:/nowhere/b"), -1);
	TAP_EQ_STR(err.message, "driver 'my_db' is not installed");
	TAP_EQ_STR(err.hint, "Install the package dunlin-driver-my-db, or name the folder that has dunlin-my_db.so "
	                     "with --driver-path; looked in '/nowhere/a:/nowhere/b'.");
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_DRIVER);
	snprintf(want, sizeof want, "its folder '%s' cannot be opened: Not a directory", built("dunlin-good.so"));
	TAP_EQ_INT(find("my_db", built("dunlin-good.so")), -1);
	TAP_OK(strstr(err.message, want) != NULL);
}

static void loader_takes_the_path_from_option_environment_and_build(void)
{
	char *was = getenv("DUNLIN_DRIVER_PATH");

	was = was ? strdup(was) : NULL;
	setenv("DUNLIN_DRIVER_PATH", "/from/env", 1);
	TAP_EQ_STR(loader_path("/given"), "/given");
	TAP_EQ_STR(loader_path(NULL), "/from/env");
	setenv("DUNLIN_DRIVER_PATH", "", 1);
	TAP_EQ_INT(loader_path(NULL)[0], '/');
	unsetenv("DUNLIN_DRIVER_PATH");
	TAP_EQ_INT(loader_path(NULL)[0], '/');
	TAP_OK(strstr(loader_path(NULL), "/drivers-1") != NULL);
	if (was)
		setenv("DUNLIN_DRIVER_PATH", was, 1);
	free(was);
}

/* --- refusals ------------------------------------------------------------------------ */

static void loader_refuses_each_wrong_plugin_by_its_reason(void)
{
	static const struct { const char *name, *reason; } cases[] = {
		{ "symbol", "it has no function 'dunlin_driver_entry_v1' of its own" },
		{ "borrowed", "it has no function 'dunlin_driver_entry_v1' of its own" },
		{ "abi", "it is built for driver ABI 2, and this dunlin has 1" },
		{ "link", "it cannot be loaded: undefined symbol: dunlin_test_no_such_function" },
		{ "entry", "the driver does not start: the client library is too old" },
		{ "magic", "what its entry returned is not a driver: magic number 44554e4d instead of 44554e4c" },
		{ "name", "the driver calls itself 'somebody', which is not the file's name" },
		{ "slot", "the driver has no function 'close', which is required" },
		{ "caps", "the driver promises 'lock' and has no function 'unlock'" },
	};
	const char *dir = folder("wrong");

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		install(cases[i].name, dir);
		refused(cases[i].name, dir, cases[i].reason);
		TAP_OK(err.hint[0] != '\0');
		/* and again: nothing of it was kept */
		refused(cases[i].name, dir, cases[i].reason);
	}
	install("size", dir);
	TAP_EQ_INT(find("size", dir), -1);
	TAP_OK(strstr(err.message, "is refused: the driver's struct has ") != NULL);
	TAP_EQ_INT(find("entry", dir), -1);
	TAP_EQ_STR(err.hint, "Update it.");
}

static void loader_names_a_library_that_is_missing(void)
{
	static const char lender[] = "libdunlintestlender";
	const char *dir = folder("needs");
	const char *path = install("borrowed", dir);
	size_t n = 0, patched = 0;
	char *data = slurp(path, &n);

	if (!data)
		return;
	for (size_t i = 0; i + sizeof lender <= n; i++) {
		if (memcmp(data + i, lender, sizeof lender - 1) == 0) {
			data[i + sizeof lender - 2] = '7';
			patched++;
		}
	}
	TAP_OK(patched > 0);
	spit(path, data, n);
	free(data);
	TAP_EQ_INT(find("borrowed", dir), -1);
	TAP_OK(strstr(err.message, "is refused: it cannot be loaded: libdunlintestlende7.so") != NULL);
	TAP_OK(strstr(err.hint, "Install the library that is named") != NULL);
}

static void loader_refuses_a_file_under_another_name(void)
{
	const char *dir = folder("renamed");

	install("fourth", dir);
	TAP_EQ_INT(rename(in("renamed/dunlin-fourth.so"), in("renamed/dunlin-fifth.so")), 0);
	refused("fifth", dir, "the driver calls itself 'fourth', which is not the file's name");
	/* nor through a link */
	TAP_EQ_INT(symlink("dunlin-fifth.so", in("renamed/dunlin-sixth.so")), 0);
	refused("sixth", dir, "the driver calls itself 'fourth', which is not the file's name");
}

static void loader_refuses_what_all_may_write(void)
{
	const char *dir = folder("mode"), *open_dir = folder("mode-open");
	char reason[PATH_MAX + 64];

	TAP_EQ_INT(chmod(install("fourth", dir), 0646), 0);
	refused("fourth", dir, "the file is writable by everybody");
	TAP_OK(strstr(err.hint, "chmod o-w") != NULL);

	install("fourth", open_dir);
	TAP_EQ_INT(chmod(open_dir, 0757), 0);
	snprintf(reason, sizeof reason, "its folder '%s' is writable by everybody", open_dir);
	refused("fourth", open_dir, reason);
	/* a sticky bit does not help: the file's owner is another matter */
	TAP_EQ_INT(chmod(open_dir, 01777), 0);
	refused("fourth", open_dir, reason);
	/* such a folder is no hindrance where it does not have the plugin */
	TAP_EQ_INT(find("my_db", open_dir), -1);
	TAP_EQ_STR(err.message, "driver 'my_db' is not installed");
	/* nor may a link in it lead to a trusted place */
	TAP_EQ_INT(symlink(in("mode/dunlin-seventh.so"), in("mode-open/dunlin-eighth.so")), 0);
	install("fourth", in("mode"));
	TAP_EQ_INT(chmod(in("mode/dunlin-fourth.so"), 0644), 0);
	TAP_EQ_INT(rename(in("mode/dunlin-fourth.so"), in("mode/dunlin-seventh.so")), 0);
	refused("eighth", open_dir, reason);
	TAP_EQ_INT(unlink(in("mode/dunlin-seventh.so")), 0);
	/* a trusted link into it */
	TAP_EQ_INT(symlink(in("mode-open/dunlin-fourth.so"), in("mode/dunlin-seventh.so")), 0);
	refused("seventh", dir, reason);
}

static void loader_refuses_what_belongs_to_another_user(void)
{
	const uid_t other = 65534;
	const char *dir = folder("owner"), *their = folder("owner-their");
	char reason[PATH_MAX + 128];

	if (geteuid() != 0) {
		tap_skip("only root can give files away");
		return;
	}
	TAP_EQ_INT(chown(install("fourth", dir), other, (gid_t)-1), 0);
	refused("fourth", dir, "the file belongs to user 65534, who is neither root nor the caller");
	TAP_OK(strstr(err.hint, "chown") != NULL);

	install("fourth", their);
	TAP_EQ_INT(chown(their, other, (gid_t)-1), 0);
	snprintf(reason, sizeof reason, "its folder '%s' belongs to user 65534, who is neither root nor the caller", their);
	refused("fourth", their, reason);
	/* a trusted link into it */
	TAP_EQ_INT(symlink(in("owner-their/dunlin-fourth.so"), in("owner/dunlin-seventh.so")), 0);
	refused("seventh", dir, reason);
}

static void loader_refuses_what_is_not_a_plain_file(void)
{
	const char *dir = folder("kinds");

	TAP_EQ_INT(mkdir(in("kinds/dunlin-folder.so"), 0755), 0);
	refused("folder", dir, "it is not a regular file");
	TAP_EQ_INT(mkfifo(in("kinds/dunlin-fifo.so"), 0644), 0);
	refused("fifo", dir, "it is not a regular file");
	TAP_EQ_INT(symlink("nothing", in("kinds/dunlin-dangling.so")), 0);
	refused("dangling", dir, "it is a link that leads nowhere");
	TAP_EQ_INT(symlink("dunlin-loop.so", in("kinds/dunlin-loop.so")), 0);
	refused("loop", dir, "the file cannot be opened: Too many levels of symbolic links");
	spit(in("kinds/dunlin-text.so"), "#!/bin/sh\nexit 0\n", 17);
	refused("text", dir, "the file is not an ELF shared object");
	spit(in("kinds/dunlin-empty.so"), "", 0);
	refused("empty", dir, "the file is not an ELF shared object");
}

static void loader_refuses_a_file_cut_at_any_size(void)
{
	const char *dir = folder("cut");
	const char *path = install("fourth", dir);
	size_t n = 0;
	char *data = slurp(path, &n);
	size_t step;

	if (!data)
		return;
	/* every size of the headers, then steps, then the last bytes */
	for (size_t size = 0; size < n; size += step) {
		step = size < 1100 || n - size < 70 ? 1 : 1009;
		if (n - size > 70 && size + step > n - 70)
			step = n - 70 - size;
		if (truncate(path, (off_t)size) < 0) {
			TAP_EQ_STR("truncate", path);
			break;
		}
		if (find("fourth", dir) != -1 || (strstr(err.message, "cut short") == NULL && size >= 4) ||
		    (strstr(err.message, "not an ELF") == NULL && size < 4)) {
			tap_note("cut at %zu of %zu: %s", size, n, err.message);
			TAP_OK(!"refused");
			break;
		}
		spit(path, data, n);
	}
	spit(path, data, n);
	free(data);
}

static void patched(const char *path, const char *data, size_t n, size_t off, const void *bytes, size_t len,
                    const char *dir, const char *reason)
{
	char *copy = malloc(n);

	if (!TAP_OK(copy != NULL))
		return;
	memcpy(copy, data, n);
	memcpy(copy + off, bytes, len);
	spit(path, copy, n);
	free(copy);
	refused("fourth", dir, reason);
}

#define PATCH(member, type, value, reason) do { \
	type v = (value); \
	patched(path, data, n, offsetof(ElfW(Ehdr), member), &v, sizeof v, dir, reason); \
} while (0)

static void loader_refuses_a_damaged_header(void)
{
	static const char damaged[] = "the file is cut short or damaged";
	const char *dir = folder("header");
	const char *path = install("fourth", dir);
	size_t n = 0;
	char *data = slurp(path, &n), machine[128];
	ElfW(Ehdr) h;
	ElfW(Phdr) p;
	uint8_t ident;

	if (!data || !TAP_OK(n > sizeof h))
		return;
	memcpy(&h, data, sizeof h);
	ident = h.e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
	snprintf(machine, sizeof machine, "the file is for another kind of machine (ELF machine %u, this is %u)",
	         (unsigned)h.e_machine, (unsigned)h.e_machine);
	patched(path, data, n, EI_CLASS, &ident, 1, dir, machine);
	ident = h.e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	patched(path, data, n, EI_DATA, &ident, 1, dir, machine);
	snprintf(machine, sizeof machine, "the file is for another kind of machine (ELF machine 999, this is %u)",
	         (unsigned)h.e_machine);
	PATCH(e_machine, uint16_t, 999, machine);
	PATCH(e_type, uint16_t, ET_EXEC, "the file is an ELF file, but not a shared object");
	PATCH(e_phentsize, uint16_t, 7, damaged);
	PATCH(e_phoff, ElfW(Off), n - 1, damaged);
	PATCH(e_phoff, ElfW(Off), (ElfW(Off))-1, damaged);
	PATCH(e_shoff, ElfW(Off), n, damaged);
	PATCH(e_phnum, uint16_t, 0xffff, damaged);
	PATCH(e_phnum, uint16_t, 0, damaged);
	for (size_t i = 0; i < h.e_phnum; i++) {
		size_t off = h.e_phoff + i * sizeof p;

		memcpy(&p, data + off, sizeof p);
		if (p.p_type != PT_LOAD && p.p_type != PT_DYNAMIC)
			continue;
		p.p_filesz = n;
		p.p_offset = 1;
		patched(path, data, n, off, &p, sizeof p, dir, damaged);
	}
	free(data);
}

/* --- registering --------------------------------------------------------------------------- */

static struct dunlin_driver linked;
static struct dunlin_dialect linked_dialect;
static const char *const linked_schemes[] = { "linked", "postgres", NULL };

/* A driver made of a loaded one's functions. */
static const struct dunlin_driver *linked_entry(const struct dunlin_host *host, struct dunlin_driver_error *e)
{
	(void)host;
	(void)e;
	return &linked;
}

static const struct dunlin_driver *other_entry(const struct dunlin_host *host, struct dunlin_driver_error *e)
{
	return linked_entry(host, e);
}

static const struct dunlin_driver *failing_entry(const struct dunlin_host *host, struct dunlin_driver_error *e)
{
	(void)host;
	memcpy(e->message, "no client", sizeof "no client");
	return NULL;
}

static const struct dunlin_driver *silent_entry(const struct dunlin_host *host, struct dunlin_driver_error *e)
{
	(void)host;
	(void)e;
	return NULL;
}

static void loader_serves_a_driver_that_is_linked_in(void)
{
	const struct dunlin_driver *d = NULL, *good = NULL;

	if (!TAP_EQ_INT(loader_find("good", "/nowhere", &good, &err), 0))
		return;
	linked = *good;
	linked_dialect = *good->dialect;
	linked.dialect = &linked_dialect;
	/* its name is taken already */
	TAP_EQ_INT(dunlin_driver_register(linked_entry, &err), -1);
	TAP_EQ_STR(err.message, "a driver 'good' is there already");
	TAP_EQ_INT(loader_find("good", "/nowhere", &d, &err), 0);
	TAP_OK(d == good);

	linked.name = linked_dialect.name = "linked";
	linked.schemes = linked_schemes;
	TAP_EQ_INT(dunlin_driver_register(linked_entry, &err), 0);
	TAP_EQ_INT(dunlin_driver_register(linked_entry, &err), 0);
	TAP_EQ_INT(dunlin_driver_register(other_entry, &err), -1);
	TAP_EQ_STR(err.message, "a driver 'linked' is there already");
	TAP_EQ_INT(loader_find("linked", "/nowhere", &d, &err), 0);
	TAP_EQ_STR(d->name, "linked");
	/* it goes before the plugins of a scheme's name */
	TAP_EQ_INT(loader_find_scheme("postgres", "/nowhere", &d, &err), 0);
	TAP_EQ_STR(d->name, "linked");
}

static void loader_says_why_a_driver_does_not_register(void)
{
	TAP_EQ_INT(dunlin_driver_register(failing_entry, &err), -1);
	TAP_EQ_STR(err.message, "the driver does not start: no client");
	TAP_EQ_INT(dunlin_driver_register(silent_entry, &err), -1);
	TAP_EQ_STR(err.message, "the driver does not start: it gives no reason");
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	linked.name = "Wrong";
	TAP_EQ_INT(dunlin_driver_register(other_entry, &err), -1);
	TAP_EQ_STR(err.message, "the driver has no name of the form [a-z][a-z0-9_]*");
	linked.name = "linked";
}

/* --- schemes -------------------------------------------------------------------------------- */

static void loader_finds_a_driver_by_its_scheme(void)
{
	const char *dir = folder("schemes");
	const struct dunlin_driver *d = NULL;

	install("fourth", dir);
	install("magic", dir);
	/* by asking each plugin, as no file has the scheme's name */
	if (TAP_EQ_INT(loader_find_scheme("fourth+other", dir, &d, &err), 0))
		TAP_EQ_STR(d->name, "fourth");
	/* by one that is loaded */
	if (TAP_EQ_INT(loader_find_scheme("fourth", "/nowhere", &d, &err), 0))
		TAP_EQ_STR(d->name, "fourth");
	TAP_EQ_INT(loader_find_scheme("localhost", dir, &d, &err), -1);
	TAP_EQ_STR(err.message, "no driver serves 'localhost:' URLs");
	TAP_EQ_STR(err.hint, "1 of the plugins found were refused; `dunlin drivers` says why.");
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	TAP_OK(d == NULL);
}

static void loader_knows_the_drivers_of_the_common_schemes(void)
{
	static const struct { const char *scheme, *package; } cases[] = {
		{ "postgresql", "dunlin-driver-postgresql," },
		{ "mysql", "dunlin-driver-mariadb," }, { "mariadb", "dunlin-driver-mariadb," },
		{ "sqlite3", "dunlin-driver-sqlite," }, { "sqlite", "dunlin-driver-sqlite," },
		{ "duckdb", "dunlin-driver-duckdb," },
	};
	const struct dunlin_driver *d = NULL;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		TAP_EQ_INT(loader_find_scheme(cases[i].scheme, "/nowhere", &d, &err), -1);
		TAP_OK(strstr(err.hint, cases[i].package) != NULL);
	}
	TAP_EQ_STR(loader_driver_of_scheme("postgres"), "postgresql");
	TAP_EQ_STR(loader_driver_of_scheme("other"), "other");
	TAP_EQ_INT(loader_find_scheme("a+b", "/nowhere", &d, &err), -1);
	TAP_EQ_STR(err.hint, "`dunlin drivers` shows which there are.");
}

static void loader_does_not_pass_over_a_refused_plugin_of_the_schemes_name(void)
{
	const char *dir = folder("refused-scheme");
	const struct dunlin_driver *d = NULL;
	char want[PATH_MAX + 100];

	spit(in("refused-scheme/dunlin-mariadb.so"), "junk", 4);
	snprintf(want, sizeof want, "driver plugin '%s/dunlin-mariadb.so' is refused: the file is not an ELF shared object", dir);
	TAP_EQ_INT(loader_find_scheme("mysql", dir, &d, &err), -1);
	TAP_EQ_STR(err.message, want);
}

/* --- listing ---------------------------------------------------------------------------------- */

struct list { char text[8192]; int stop_at, n; };

static int add_info(void *arg, const struct dunlin_driver_info *i)
{
	struct list *l = arg;
	size_t len = strlen(l->text);
	const char *file = strrchr(i->path, '/');

	snprintf(l->text + len, sizeof l->text - len, "%s %s %s %d.%d %s|", i->name, file ? file + 1 : i->path,
	         i->version, i->abi_major, i->abi_minor, i->refused ? i->refused : "ok");
	return ++l->n == l->stop_at ? 42 : 0;
}

static void loader_lists_all_that_it_finds(void)
{
	const char *dir = folder("list"), *second = folder("list-second");
	struct list l = { .stop_at = -1 };
	char path[3 * PATH_MAX], want[4096];

	install("magic", dir);
	install("good", dir); /* loaded from elsewhere before */
	install("newer", second);
	spit(in("list/dunlin-Bad.so"), "x", 1);
	spit(in("list/dunlin-.so"), "x", 1);
	spit(in("list/other-x.so"), "x", 1);
	spit(in("list/dunlin-x.so.bak"), "x", 1);
	spit(in("list-second/dunlin-aaa.so"), "x", 1);
	snprintf(path, sizeof path, "%s:%s:%s", dir, in("nowhere"), second);
	TAP_EQ_INT(loader_each(path, add_info, &l, &err), 0);
	snprintf(want, sizeof want,
	         "linked  1.2.3 1.0 ok|"
	         "Bad dunlin-Bad.so  0.0 the file is not an ELF shared object|"
	         "good dunlin-good.so  0.0 the driver 'good' in '%s' is used instead|"
	         "magic dunlin-magic.so  0.0 what its entry returned is not a driver: magic number 44554e4d instead of 44554e4c|"
	         "aaa dunlin-aaa.so  0.0 the file is not an ELF shared object|"
	         "newer dunlin-newer.so  0.0 the driver 'newer' in '%s' is used instead|",
	         in("once/dunlin-good.so"), in("ages/dunlin-newer.so"));
	TAP_EQ_STR(l.text, want);

	/* from where it was loaded */
	l = (struct list){ .stop_at = -1 };
	TAP_EQ_INT(loader_each(in("ages"), add_info, &l, &err), 0);
	TAP_EQ_STR(l.text, "linked  1.2.3 1.0 ok|newer dunlin-newer.so 1.2.3 1.7 ok|older dunlin-older.so 1.2.3 1.0 ok|");

	/* and stops when told to */
	l = (struct list){ .stop_at = 2 };
	TAP_EQ_INT(loader_each(path, add_info, &l, &err), 42);
	TAP_EQ_INT(l.n, 2);
	TAP_EQ_INT(loader_each("relative", add_info, &l, &err), -1);
}

/* A path that is no folder is an error, not an empty list. */
static void loader_says_that_a_folder_cannot_be_read(void)
{
	struct list l = { .stop_at = -1 };

	spit(in("a-file"), "x", 1);
	TAP_EQ_INT(loader_each(in("a-file"), add_info, &l, &err), -1);
	TAP_OK(strstr(err.message, "cannot be read: Not a directory") != NULL);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
}

/* --- the host, and memory ------------------------------------------------------------------------ */

static void keep_log(void *arg, int level, const char *text)
{
	snprintf(arg, 64, "%d %s", level, text);
}

static void loader_hands_a_drivers_log_to_the_calling_thread(void)
{
	struct dunlin_driver_error de = { .struct_size = sizeof de };
	const struct dunlin_driver *d = NULL;
	struct dunlin_conn *c = NULL;
	char text[64] = "";
	struct loader_log was, log = { keep_log, text };

	if (!TAP_EQ_INT(loader_find("good", "/nowhere", &d, &err), 0))
		return;
	was = loader_set_log(log);
	TAP_OK(was.log == NULL);
	TAP_EQ_INT(d->open(NULL, 0, NULL, &c, &de), DUNLIN_ERROR);
	TAP_EQ_STR(text, "2 open of good");
	log = loader_set_log(was);
	TAP_OK(log.log == keep_log && log.arg == text);
	text[0] = '\0';
	TAP_EQ_INT(d->open(NULL, 0, NULL, &c, &de), DUNLIN_ERROR);
	TAP_EQ_STR(text, "");
}

static void loader_survives_every_allocation_that_fails(void)
{
	static const char *const names[] = { "fifth_of_all", "good", "magic" };
	const char *dir = folder("memory");
	struct list l;
	int rc;

	install("magic", dir);
	install("older", dir);
	for (unsigned long n = 1;; n++) {
		l = (struct list){ .stop_at = -1 };
		mem_fail_at(n, 0);
		rc = loader_each(dir, add_info, &l, &err);
		if (mem_count() < n)
			break;
		mem_fail_at(0, 0);
		TAP_EQ_INT(rc, -1);
		TAP_EQ_STR(err.message, "out of memory");
	}
	mem_fail_at(0, 0);
	TAP_EQ_INT(rc, 0);
	TAP_EQ_INT(l.n, 3);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		mem_fail_at(1, 1);
		rc = find(names[i], dir);
		mem_fail_at(0, 0);
		TAP_EQ_INT(rc, strcmp(names[i], "good") == 0 ? 0 : -1);
	}
	mem_fail_at(1, 1);
	TAP_EQ_INT(dunlin_driver_register(silent_entry, &err), -1);
	mem_fail_at(0, 0);
	TAP_EQ_STR(err.message, "out of memory");
}

static void remove_scratch(void)
{
	char command[sizeof scratch + 20];

	snprintf(command, sizeof command, "rm -rf '%s'", scratch);
	if (system(command) != 0)
		tap_note("cannot remove %s", scratch);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "loader_loads_a_plugin_once", loader_loads_a_plugin_once },
		{ "loader_loads_a_plugin_once_for_many_threads", loader_loads_a_plugin_once_for_many_threads },
		{ "loader_takes_an_older_and_a_newer_driver", loader_takes_an_older_and_a_newer_driver },
		{ "loader_follows_a_link_to_a_trusted_place", loader_follows_a_link_to_a_trusted_place },
		{ "loader_refuses_what_is_no_name", loader_refuses_what_is_no_name },
		{ "loader_refuses_a_path_that_is_not_absolute", loader_refuses_a_path_that_is_not_absolute },
		{ "loader_refuses_a_part_that_is_too_long", loader_refuses_a_part_that_is_too_long },
		{ "loader_never_looks_into_the_working_directory", loader_never_looks_into_the_working_directory },
		{ "loader_says_what_to_install", loader_says_what_to_install },
		{ "loader_takes_the_path_from_option_environment_and_build",
		  loader_takes_the_path_from_option_environment_and_build },
		{ "loader_refuses_each_wrong_plugin_by_its_reason", loader_refuses_each_wrong_plugin_by_its_reason },
		{ "loader_names_a_library_that_is_missing", loader_names_a_library_that_is_missing },
		{ "loader_refuses_a_file_under_another_name", loader_refuses_a_file_under_another_name },
		{ "loader_refuses_what_all_may_write", loader_refuses_what_all_may_write },
		{ "loader_refuses_what_belongs_to_another_user", loader_refuses_what_belongs_to_another_user },
		{ "loader_refuses_what_is_not_a_plain_file", loader_refuses_what_is_not_a_plain_file },
		{ "loader_refuses_a_file_cut_at_any_size", loader_refuses_a_file_cut_at_any_size },
		{ "loader_refuses_a_damaged_header", loader_refuses_a_damaged_header },
		{ "loader_serves_a_driver_that_is_linked_in", loader_serves_a_driver_that_is_linked_in },
		{ "loader_says_why_a_driver_does_not_register", loader_says_why_a_driver_does_not_register },
		{ "loader_finds_a_driver_by_its_scheme", loader_finds_a_driver_by_its_scheme },
		{ "loader_knows_the_drivers_of_the_common_schemes", loader_knows_the_drivers_of_the_common_schemes },
		{ "loader_does_not_pass_over_a_refused_plugin_of_the_schemes_name",
		  loader_does_not_pass_over_a_refused_plugin_of_the_schemes_name },
		{ "loader_lists_all_that_it_finds", loader_lists_all_that_it_finds },
		{ "loader_says_that_a_folder_cannot_be_read", loader_says_that_a_folder_cannot_be_read },
		{ "loader_hands_a_drivers_log_to_the_calling_thread", loader_hands_a_drivers_log_to_the_calling_thread },
		{ "loader_survives_every_allocation_that_fails", loader_survives_every_allocation_that_fails },
	};
	int rc;

	umask(022);
	if (!mkdtemp(scratch)) {
		perror(scratch);
		return 1;
	}
	rc = tap_main("loader", tests, sizeof tests / sizeof *tests);
	remove_scratch();
	return rc;
}
