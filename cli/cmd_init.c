/*
 * cmd_init.c - init: a configuration, a folder, and the tracking tables.
 *
 * What is there already is left as it is, so that it may be run again.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char template[] =
	"; dunlin.ini - configuration of dunlin(1), see dunlin.ini(5).\n"
	"; Keys are the long names of the options; relative paths start at this file's\n"
	"; folder.  An option and the environment go before it.\n"
	"\n"
	"; The database.  A password is better kept in DUNLIN_URL or a .env file.\n"
	"; url = sqlite:app.db\n"
	"; dir = migrations\n"
	"; lock-timeout = 5s\n"
	"\n"
	"; `dunlin -e production` takes these instead.\n"
	"; [env.production]\n"
	"; url = postgresql://app@db.example.org/app\n"
	"; protected = yes\n"
	"\n"
	"; Values of ${name} in files that say \"-- dunlin:placeholders\".\n"
	"; [placeholders]\n"
	"; tenant = main\n"
	"\n"
	"; Directives for a file that can't be edited.\n"
	"; [migration 1.0.5-001]\n"
	"; no-transaction = yes\n"
	"\n"
	"; [hooks]\n"
	"; before-up = ./backup.sh\n";

struct report {
	char config[4096];
	int is_config_new;
	json_t *created;  /* paths, for both formats */
	int has_tables;
};

static int cannot(const char *what, const char *path, struct dunlin_error *err)
{
	return usage_error(err, "can't %s '%.500s': %s", what, path, strerror(errno));
}

/* 1: written, 0: it was there, -1: err. */
static int write_config(const char *path, struct dunlin_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return errno == EEXIST ? 0 : cannot("create", path, err);
	n = write(fd, template, sizeof template - 1);
	if (close(fd) < 0 || n != (ssize_t)sizeof template - 1) {
		unlink(path);
		return cannot("write", path, err);
	}
	return 1;
}

/* Like mkdir -p.  1: made, 0: it was there, -1: err. */
static int make_folder(const char *path, struct dunlin_error *err)
{
	char part[4096];
	int is_made = 0;

	for (const char *p = path;; p++) {
		if (*p && (*p != '/' || p == path))
			continue;
		if ((size_t)snprintf(part, sizeof part, "%.*s", (int)(p - path), path) >= sizeof part) {
			errno = ENAMETOOLONG;
			return cannot("create", path, err);
		}
		if (mkdir(part, 0777) == 0)
			is_made = 1;
		else if (errno != EEXIST)
			return cannot("create", path, err);
		if (!*p)
			break;
	}
	return is_made;
}

static int note_created(struct report *r, const char *path)
{
	return json_array_append_new(r->created, json_text(path));
}

/* A configuration that was asked for by name must be there before the library
 * looks for it; another one is written only where none is found. */
static int named_config(struct cli *c, struct report *r, struct dunlin_error *err)
{
	const char *path = option_value(c, "config");

	if (!path)
		path = getenv("DUNLIN_CONFIG");
	if (!path || !*path)
		return 0;
	snprintf(r->config, sizeof r->config, "%s", path);
	r->is_config_new = write_config(path, err);
	return r->is_config_new < 0 ? -1 : 0;
}

static int found_config(struct cli *c, struct report *r, struct dunlin_error *err)
{
	const char *path = dunlin_get(c->d, "config", NULL);

	if (r->config[0])
		return 0;
	snprintf(r->config, sizeof r->config, "%s", path && *path ? path : "dunlin.ini");
	if (path && *path)
		return 0;
	r->is_config_new = write_config(r->config, err);
	return r->is_config_new < 0 ? -1 : 0;
}

static int folder(struct report *r, const char *path, struct dunlin_error *err)
{
	int made = make_folder(path, err);

	if (made > 0 && note_created(r, path) < 0)
		return usage_error(err, "out of memory");
	return made < 0 ? -1 : 0;
}

/* [NAME=]DIR */
static const char *path_of(const char *dir)
{
	size_t n = strcspn(dir, "=/");

	return dir[n] == '=' ? dir + n + 1 : dir;
}

struct folder_maker {
	struct report *r;
	struct dunlin_error *err;
	int rc;
};

static int make_each(void *arg, const char *name, const char *value, const char *origin)
{
	struct folder_maker *m = arg;

	(void)origin;
	if (strcmp(name, "dir") == 0)
		m->rc = folder(m->r, path_of(value), m->err);
	return m->rc;
}

/* Those in force: of the command line, the environment, a configuration that
 * was there already, or the default. */
static int folders(struct cli *c, struct report *r, struct dunlin_error *err)
{
	struct folder_maker m = { r, err, 0 };

	if (dunlin_each_option(c->d, make_each, &m) < 0 && m.rc == 0)
		return usage_error(err, "out of memory");
	return m.rc;
}

static int print_report(struct cli *c, const struct report *r)
{
	struct output *o = &c->out;
	const char *url = dunlin_get(c->d, "url", NULL);

	if (c->format == FORMAT_JSON)
		return json_print(c, json_pack("{s:o, s:O, s:b, s:o}", "config", json_text(r->config), "created", r->created,
		                               "tables", r->has_tables, "url", json_text_or_null(url)), DUNLIN_EXIT_OK);
	if (c->is_quiet)
		return DUNLIN_EXIT_OK;
	for (size_t i = 0; i < json_array_size(r->created); i++) {
		out_printf(o, "Created ");
		out_safe(o, json_string_value(json_array_get(r->created, i)));
		out_printf(o, "\n");
	}
	if (r->has_tables) {
		out_printf(o, "The tracking tables are in ");
		out_safe(o, url ? url : "the database");
		out_printf(o, "\n");
	} else {
		out_printf(o, "No database is known yet: set url in ");
		out_safe(o, r->config);
		out_printf(o, ", DUNLIN_URL, or give --url, and run `dunlin init` again or `dunlin up`\n");
	}
	return DUNLIN_EXIT_OK;
}

/* The database first: where it is refused, nothing is written. */
static int do_init(struct cli *c, struct report *r, struct dunlin_error *err)
{
	if (named_config(c, r, err) < 0 || open_handle(c, err) < 0)
		return -1;
	if (dunlin_get(c->d, "url", NULL)) {
		if (dunlin_init(c->d, option_given(c, "existing-schema"), err) < 0)
			return -1;
		r->has_tables = 1;
	}
	if (found_config(c, r, err) < 0)
		return -1;
	if (r->is_config_new && note_created(r, r->config) < 0)
		return usage_error(err, "out of memory");
	return folders(c, r, err);
}

static int run_init(struct cli *c)
{
	struct report r = { .created = json_array() };
	struct dunlin_error err;
	int code;

	if (!r.created)
		return fail_nomem(c);
	if (do_init(c, &r, &err) == 0) {
		code = print_report(c, &r);
	} else {
		code = fail(c, &err);
		if (r.is_config_new > 0 && !r.has_tables)
			unlink(r.config);
	}
	json_decref(r.created);
	return code;
}

static const struct option_spec options[] = {
	{ "existing-schema", 0, ARG_NONE, NULL, "accept a database that has tables and no ledger", NULL },
	{ 0 },
};

const struct command cmd_init = {
	.name = "init", .group = GROUP_FILES, .options = options, .run = run_init,
	.summary = "write dunlin.ini and the folder, create the tracking tables",
	.description =
		"Writes dunlin.ini and the migrations folder where absent and, if a database is known,\n"
		"creates the tracking tables in it. What is there stays as it is.\n",
	.example =
		"$ dunlin init -u sqlite:app.db\n"
		"Created dunlin.ini\n"
		"Created migrations\n"
		"The tracking tables are in sqlite:app.db\n",
};
