/*
 * main.c - the suite as the program that `dunlin driver-check` runs:
 *
 *     DUNLIN_CHECK_URL=URL dunlin-driver-check PLUGIN QUIRKS GROUP
 *
 * PLUGIN is an absolute path; QUIRKS and GROUP may be empty.  The URL is no
 * argument, since everybody may read those.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "driver_suite.h"

#include <stdlib.h>
#include <string.h>

static int fail(const struct dunlin_error *err)
{
	fprintf(stderr, "dunlin: error: %s: %s\n", dunlin_class_name(err->errclass), err->message);
	if (err->file[0])
		fprintf(stderr, "  at        %s:%u\n", err->file, (unsigned)err->line);
	if (err->hint[0])
		fprintf(stderr, "  hint      %s\n", err->hint);
	return err->code ? err->code : DUNLIN_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const char *given = getenv("DUNLIN_CHECK_URL");
	char *url = given ? strdup(given) : NULL;
	struct dunlin_error err;
	int n_failed = 0, rc;

	if (argc != 4 || !url) {
		fprintf(stderr, "usage: dunlin driver-check PLUGIN URL\n");
		free(url);
		return DUNLIN_EXIT_USAGE;
	}
	unsetenv("DUNLIN_CHECK_URL");
	rc = driver_suite(argv[1], url, argv[2][0] ? argv[2] : NULL, argv[3][0] ? argv[3] : NULL, stdout, &n_failed, &err);
	free(url);
	if (rc < 0)
		return fail(&err);
	return n_failed ? DUNLIN_EXIT_INVALID : DUNLIN_EXIT_OK;
}
