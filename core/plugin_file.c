/*
 * plugin_file.c - owner, mode and shape of a plugin's file.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "plugin_file.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define refuse(err, ...) error_set(err, DUNLIN_EXIT_DRIVER, DUNLIN_CLASS_DRIVER, __VA_ARGS__)

/* The header of the object this code is linked into, put there by the linker:
 * a plugin has the same class, byte order and machine. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* what: "the file" or "its folder '...'". */
static int check_owner(const struct stat *st, const char *what, struct dunlin_error *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		refuse(err, "%s belongs to user %lu, who is neither root nor the caller", what, (unsigned long)st->st_uid);
		error_hint(err, "Give it to root, or to the user who runs dunlin, with chown.");
		return -1;
	}
	if (st->st_mode & S_IWOTH) {
		refuse(err, "%s is writable by everybody", what);
		error_hint(err, "Take that right away with chmod o-w, and see that it is what it should be.");
		return -1;
	}
	return 0;
}

static int check_folder(int fd, const char *folder, struct dunlin_error *err)
{
	char what[PATH_MAX + 32];
	struct stat st;

	snprintf(what, sizeof what, "its folder '%s'", folder);
	if (fstat(fd, &st) < 0)
		return refuse(err, "%s cannot be read: %s", what, strerror(errno));
	return check_owner(&st, what, err);
}

static int cut_short(struct dunlin_error *err)
{
	refuse(err, "the file is cut short or damaged");
	error_hint(err, "Install the driver again.");
	return -1;
}

static int has_range(uint64_t size, uint64_t off, uint64_t len)
{
	return off <= size && len <= size - off;
}

static int check_segments(int fd, const ElfW(Ehdr) *h, uint64_t size, struct dunlin_error *err)
{
	int has_load = 0, has_dynamic = 0;

	for (unsigned i = 0; i < h->e_phnum; i++) {
		ElfW(Phdr) p;

		if (pread(fd, &p, sizeof p, (off_t)(h->e_phoff + i * sizeof p)) != (ssize_t)sizeof p)
			return cut_short(err);
		if (p.p_type != PT_LOAD && p.p_type != PT_DYNAMIC)
			continue;
		if (!has_range(size, p.p_offset, p.p_filesz))
			return cut_short(err);
		has_load |= p.p_type == PT_LOAD;
		has_dynamic |= p.p_type == PT_DYNAMIC;
	}
	return has_load && has_dynamic ? 0 : cut_short(err);
}

static int check_elf(int fd, uint64_t size, struct dunlin_error *err)
{
	const ElfW(Ehdr) *own = &__ehdr_start;
	ElfW(Ehdr) h;
	ssize_t n = pread(fd, &h, sizeof h, 0);

	if (n < SELFMAG || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0) {
		refuse(err, "the file is not an ELF shared object");
		error_hint(err, "A driver is a compiled plugin; install its package.");
		return -1;
	}
	if (n != (ssize_t)sizeof h)
		return cut_short(err);
	if (h.e_ident[EI_CLASS] != own->e_ident[EI_CLASS] || h.e_ident[EI_DATA] != own->e_ident[EI_DATA] ||
	    h.e_machine != own->e_machine) {
		refuse(err, "the file is for another kind of machine (ELF machine %u, this is %u)",
		       (unsigned)h.e_machine, (unsigned)own->e_machine);
		error_hint(err, "Install the driver for this machine's architecture.");
		return -1;
	}
	if (h.e_type != ET_DYN) {
		refuse(err, "the file is an ELF file, but not a shared object");
		error_hint(err, "A driver is linked with -shared.");
		return -1;
	}
	if (h.e_phentsize != sizeof(ElfW(Phdr)) ||
	    !has_range(size, h.e_phoff, (uint64_t)h.e_phnum * sizeof(ElfW(Phdr))) ||
	    (h.e_shoff && !has_range(size, h.e_shoff, (uint64_t)h.e_shnum * h.e_shentsize)))
		return cut_short(err);
	return check_segments(fd, &h, size, err);
}

/* For a link: what it points at could be exchanged in its own folder. */
static int check_real_folder(const char *folder, const char *file, struct dunlin_error *err)
{
	char path[PATH_MAX], real[PATH_MAX], *slash;
	int n = snprintf(path, sizeof path, "%s/%s", folder, file), fd, rc;

	if (n < 0 || (size_t)n >= sizeof path)
		return refuse(err, "its path is too long");
	if (!realpath(path, real))
		return refuse(err, "its real path cannot be found: %s", strerror(errno));
	slash = strrchr(real, '/');
	slash[slash == real] = '\0';
	fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse(err, "its folder '%s' cannot be opened: %s", real, strerror(errno));
	rc = check_folder(fd, real, err);
	close(fd);
	return rc;
}

/* The file, open for reading; -1: refused, -2: there is none. */
static int open_file(int dir, const char *file, struct stat *st, struct dunlin_error *err)
{
	/* O_NONBLOCK: a FIFO of that name must not stop us. */
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT) {
		if (fstatat(dir, file, st, AT_SYMLINK_NOFOLLOW) < 0)
			return -2;
		return refuse(err, "it is a link that leads nowhere");
	}
	if (fd < 0)
		return refuse(err, "the file cannot be opened: %s", strerror(errno));
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return refuse(err, "it is not a regular file");
}

int plugin_file_check(const char *folder, const char *file, struct stat *st, struct dunlin_error *err)
{
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, rc = -1;

	if (dir < 0)
		return errno == ENOENT ? 1 : refuse(err, "its folder '%s' cannot be opened: %s", folder, strerror(errno));
	fd = open_file(dir, file, st, err);
	if (fd == -2)
		rc = 1;
	else if (fd >= 0 && check_folder(dir, folder, err) == 0 && check_owner(st, "the file", err) == 0 &&
	         check_real_folder(folder, file, err) == 0)
		rc = check_elf(fd, (uint64_t)st->st_size, err);
	if (fd >= 0)
		close(fd);
	close(dir);
	return rc;
}
