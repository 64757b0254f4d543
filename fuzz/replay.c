/*
 * replay.c - main() for a fuzz target that is built without libFuzzer.
 *
 * Runs the target on each file named, and on each file of each folder named.
 * Arguments that begin with '-' are libFuzzer's and mean nothing here, so one
 * command line serves both builds.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int complain(const char *path)
{
	fprintf(stderr, "cannot read '%s': %s\n", path, strerror(errno));
	return -1;
}

/* The buffer has exactly the input's size, so that the address sanitizer sees
 * the first byte read past it. */
static int replay_file(const char *path, size_t size, unsigned long *n)
{
	uint8_t *data = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");
	int rc = -1;

	if (!f || !data || fread(data, 1, size, f) != size) {
		complain(path);
		goto out;
	}
	/* Named before it runs: the last name is the input that crashed. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	++*n;
	rc = 0;
out:
	if (f)
		fclose(f);
	free(data);
	return rc;
}

static int is_not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int replay(const char *path, unsigned long *n);

static int replay_folder(const char *path, unsigned long *n)
{
	struct dirent **entry = NULL;
	char name[4096];
	int i, n_entry = scandir(path, &entry, is_not_hidden, alphasort), rc = 0;

	if (n_entry < 0)
		return complain(path);
	for (i = 0; i < n_entry; i++) {
		int len = snprintf(name, sizeof name, "%s/%s", path, entry[i]->d_name);

		if (len < 0 || (size_t)len >= sizeof name) {
			errno = ENAMETOOLONG;
			rc = complain(path);
		} else if (replay(name, n) != 0) {
			rc = -1;
		}
		free(entry[i]);
	}
	free(entry);
	return rc;
}

static int replay(const char *path, unsigned long *n)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return complain(path);
	if (S_ISDIR(st.st_mode))
		return replay_folder(path, n);
	return replay_file(path, (size_t)st.st_size, n);
}

int main(int argc, char **argv)
{
	unsigned long n = 0;
	int i, rc = EXIT_SUCCESS;

	for (i = 1; i < argc; i++)
		if (argv[i][0] != '-' && replay(argv[i], &n) != 0)
			rc = EXIT_FAILURE;
	if (n == 0) {
		fprintf(stderr, "usage: %s FILE-OR-FOLDER...\nno input was run\n", argv[0]);
		return EXIT_FAILURE;
	}
	printf("%lu inputs\n", n);
	return rc;
}
