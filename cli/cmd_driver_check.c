/*
 * cmd_driver_check.c - driver-check: the conformance suite on any driver.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "dunlin-driver-check"

struct search { const char *name; char *path; };

static int is_it(void *arg, const struct dunlin_driver_info *info)
{
	struct search *s = arg;

	if (!info->path[0] || strcmp(info->name, s->name) != 0)
		return 0;
	s->path = strdup(info->path);
	return 1;
}

/* A path, or the name of an installed driver; malloc'd, NULL with err. */
static char *find_plugin(struct cli *c, const char *operand, struct dunlin_error *err)
{
	struct search s = { .name = operand };

	if (strchr(operand, '/')) {
		s.path = realpath(operand, NULL);
		if (!s.path)
			usage_error(err, "there is no plugin '%s'", operand);
		return s.path;
	}
	if (open_handle(c, err) < 0 || dunlin_each_driver(c->d, is_it, &s, err) < 0)
		return NULL;
	if (!s.path) {
		usage_error(err, "there is no driver '%s'", operand);
		usage_hint(err, "Give the path of a plugin, as in ./dunlin-NAME.so, or a name that `dunlin drivers` shows.");
	}
	return s.path;
}

/* The suite is a program of its own, which nobody needs to have in memory who
 * migrates: beside this one where it is not installed yet. */
static void find_program(char *path, size_t size)
{
	const char *folder = secure_getenv("DUNLIN_EXEC_PATH");
	char *slash;
	ssize_t n;

	if (folder) {
		snprintf(path, size, "%s/" PROGRAM, folder);
		return;
	}
	n = readlink("/proc/self/exe", path, size - sizeof PROGRAM - 1);
	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
	if (!slash || access(path, X_OK) < 0)
		snprintf(path, size, "%s/" PROGRAM, DUNLIN_EXECDIR);
}

static int run(struct cli *c)
{
	char program[PATH_MAX];
	const char *quirks = option_value(c, "quirks"), *group = option_value(c, "group");
	struct dunlin_error err;
	char *plugin = find_plugin(c, c->operand[0], &err);
	const char *args[] = { PROGRAM, plugin, quirks ? quirks : "", group ? group : "", NULL };

	if (!plugin)
		return fail(c, &err);
	find_program(program, sizeof program);
	/* Not as an argument, which everybody may read. */
	if (setenv("DUNLIN_CHECK_URL", c->operand[1], 1) == 0)
		execv(program, (char *const *)(uintptr_t)args);
	memset(&err, 0, sizeof err);
	err.code = DUNLIN_EXIT_FAILED;
	snprintf(err.message, sizeof err.message, "cannot run '%s': %s", program, strerror(errno));
	snprintf(err.hint, sizeof err.hint, "It is installed together with dunlin.");
	free(plugin);
	return fail(c, &err);
}

static const struct option_spec options[] = {
	{ "group", 0, ARG_TEXT, "GROUP", "one group of checks alone, while a driver is written", NULL },
	{ "quirks", 0, ARG_FILE, "FILE", "what the database wants said otherwise", NULL },
	{ 0 },
};

const struct command cmd_driver_check = {
	.name = "driver-check", .group = GROUP_OTHER, .options = options, .run = run,
	.has_url_operand = 1, .operands = "PLUGIN URL", .min_operands = 2, .max_operands = 2,
	.summary = "run the conformance suite on a driver",
	.description =
		"Tries what a driver promises on a database of yours, in which it makes tables named\n"
		"dunlin_check_... and drops them. Prints TAP; exits 0 only if all passes. PLUGIN is the\n"
		"path of a plugin or the name of an installed driver. What a driver cannot do follows from\n"
		"its capabilities; a file of quirks (KEY = VALUE) gives other words where the database\n"
		"wants them: create_table, syntax_error, slow, copy, copy_data, commit.\n",
	.example =
		"$ dunlin driver-check ./dunlin-mydb.so mydb://localhost/test\n",
};
