/*
 * tree.h - a folder of its own for a test, which works inside it.
 *
 *     tree_enter();
 *     tree_write("migrations/1.0.0-001-a.sql", "SELECT 1;\n");
 *     ...
 *     tree_leave();
 */
#ifndef DUNLIN_TESTS_TREE_H
#define DUNLIN_TESTS_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int tree_before = -1; /* the working directory outside */
static char tree_root[4096];

/* A test without its folder proves nothing. */
static inline void tree_die(const char *what, const char *path)
{
	printf("Bail out! %s '%s': %s\n", what, path, strerror(errno));
	exit(EXIT_FAILURE);
}

static inline void tree_enter(void)
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(tree_root, sizeof tree_root, "%s/dunlin-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	tree_before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (n < 0 || (size_t)n >= sizeof tree_root || tree_before < 0 || !mkdtemp(tree_root) || chdir(tree_root) < 0)
		tree_die("cannot work in", tree_root);
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void tree_leave(void)
{
	if (fchdir(tree_before) < 0)
		tree_die("cannot leave", tree_root);
	close(tree_before);
	if (nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		tree_die("cannot remove", tree_root);
}

/* Makes the folders before the last name of the path. */
static inline void tree_folders(const char *path)
{
	char part[4096];

	for (size_t i = 0; path[i] && i < sizeof part - 1; i++) {
		part[i] = path[i];
		part[i + 1] = '\0';
		if (path[i + 1] == '/' && mkdir(part, 0755) < 0 && errno != EEXIST)
			tree_die("cannot make folder", part);
	}
}

static inline void tree_write_bytes(const char *path, const void *p, size_t len)
{
	FILE *f;

	tree_folders(path);
	f = fopen(path, "wb");
	if (!f || fwrite(p, 1, len, f) != len || fclose(f) != 0)
		tree_die("cannot write", path);
}

static inline void tree_write(const char *path, const char *text)
{
	tree_write_bytes(path, text, strlen(text));
}

static inline void tree_link(const char *to, const char *path)
{
	tree_folders(path);
	if (symlink(to, path) < 0)
		tree_die("cannot link", path);
}

/* As a user whom modes bind: root becomes nobody.  Until tree_as_before(). */
static inline void tree_as_nobody(void)
{
	if (chmod(tree_root, 0755) < 0 || (geteuid() == 0 && seteuid(65534) < 0))
		tree_die("cannot become nobody in", tree_root);
}

static inline void tree_as_before(void)
{
	if (geteuid() != getuid() && seteuid(getuid()) < 0)
		tree_die("cannot become oneself in", tree_root);
}

static inline void tree_mode(const char *path, mode_t mode)
{
	if (chmod(path, mode) < 0)
		tree_die("cannot change the mode of", path);
}

#endif
