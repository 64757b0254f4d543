/*
 * cmd_database.c - create, drop and wait: the database itself.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <time.h>

/* {"KEY":true,"url":...} or a sentence. */
static int print_done(struct cli *c, const char *key, const char *sentence)
{
	const char *url = dunlin_get(c->d, "url", NULL);

	if (c->format == FORMAT_JSON)
		return json_print(c, json_pack("{s:b, s:o}", key, 1, "url", json_text_or_null(url)), DUNLIN_EXIT_OK);
	if (c->is_quiet)
		return DUNLIN_EXIT_OK;
	out_printf(&c->out, "%s ", sentence);
	out_safe(&c->out, url ? url : "the database");
	out_printf(&c->out, "\n");
	return DUNLIN_EXIT_OK;
}

static int run_create(struct cli *c)
{
	struct dunlin_error err;

	OPEN_OR_RETURN(c);
	if (dunlin_create(c->d, &err) < 0)
		return fail(c, &err);
	return print_done(c, "created", "Created");
}

static int run_drop(struct cli *c)
{
	struct dunlin_error err;
	const char *url;
	char what[600];

	OPEN_OR_RETURN(c);
	url = dunlin_get(c->d, "url", NULL);
	snprintf(what, sizeof what, "drop deletes the database '%.500s' with all that is in it.", url ? url : "");
	if (confirm(c, DANGER_DESTROY, what, &err) < 0 || dunlin_drop(c->d, &err) < 0)
		return fail(c, &err);
	return print_done(c, "dropped", "Dropped");
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int run_wait(struct cli *c)
{
	struct dunlin_error err;
	int64_t begin = now_ms();
	char time[32];

	OPEN_OR_RETURN(c);
	if (dunlin_wait(c->d, &err) < 0)
		return fail(c, &err);
	if (c->format == FORMAT_JSON)
		return json_print(c, json_pack("{s:b, s:I}", "ok", 1, "waited_ms", (json_int_t)(now_ms() - begin)), DUNLIN_EXIT_OK);
	if (!c->is_quiet)
		out_printf(&c->out, "The database answers (after %s)\n", text_duration(now_ms() - begin, time));
	return DUNLIN_EXIT_OK;
}

const struct command cmd_create = {
	.name = "create", .group = GROUP_MEND, .run = run_create,
	.summary = "create the database itself",
	.description = "Creates the database that the URL names; without its tracking tables, which `init` and\n`up` create.\n",
	.example = "$ dunlin create -u sqlite:app.db\n",
};

const struct command cmd_drop = {
	.name = "drop", .group = GROUP_MEND, .run = run_drop,
	.summary = "delete the database itself",
	.description = "Deletes the database that the URL names. Asks first, and is refused where the\nenvironment is protected.\n",
	.example = "$ dunlin drop --yes -u sqlite:app.db\n",
};

const struct command cmd_wait = {
	.name = "wait", .group = GROUP_MEND, .run = run_wait,
	.summary = "wait until the database answers",
	.description = "Tries to connect until the database answers, or exits 6 when --timeout is up.\n",
	.example = "$ dunlin wait --timeout 30s && dunlin up\n",
};
