/*
 * config_file.c - what the sections and keys of a dunlin.ini mean.
 *
 *     the keys before the first section, and in [env.NAME]: options
 *     [placeholders]         name = value
 *     [hooks]                before-up, after-up, on-failure = command
 *     [migration VERSION]    directives for a file that cannot be edited
 *
 * All of it is checked, the environments that are not in use too.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "config_priv.h"

#include "buf.h"
#include "duration.h"
#include "error.h"
#include "nearest.h"
#include "version.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PLACE_MAX = 1100 };

struct applying {
	struct config *c;
	const struct ini_file *ini;
	const char *env;     /* the environment in use, or NULL          */
	int is_env_there;    /* its section is                           */
	int has_password;
	const struct ini_entry *at;
	char origin[PLACE_MAX]; /* "dunlin.ini:4"                        */
	struct dunlin_error *err;
};

/* Adds the place to an error that is set. */
static int here(struct applying *a)
{
	error_at(a->err, a->c->file, a->at->line, 0);
	return -1;
}

static int refuse(struct applying *a, const char *what)
{
	error_set(a->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s", what);
	return here(a);
}

/* The word is none of the list's; hints at the nearest. */
static int refuse_word(struct applying *a, const char *kind, const char *word, const char *const *known)
{
	const char *meant = nearest(word, known);

	error_set(a->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "unknown %s '%s'", kind, word);
	if (meant)
		error_hint(a->err, "Did you mean '%s'?", meant);
	return here(a);
}

static void set_place(struct applying *a, const struct ini_entry *e)
{
	a->at = e;
	snprintf(a->origin, sizeof a->origin, "%.1000s:%u", a->c->file, (unsigned)e->line);
}

/* "env.NAME" and the like: what follows the prefix, or NULL. */
static const char *after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* --- options ------------------------------------------------------------------- */

static int put_url(struct applying *a, int option, enum config_rank rank, int is_used)
{
	char *url;
	int rc;

	a->has_password |= config_url_has_password(a->at->value);
	if (!is_used)
		return 0;
	url = config_place_url(a->c->folder, a->at->value);
	rc = url ? config_put(a->c, option, url, rank, a->origin, a->at->key, a->err) : error_nomem(a->err);
	config_wipe(url);
	return rc;
}

/* "migrations", or several with commas between them. */
static int put_dirs(struct applying *a, enum config_rank rank)
{
	const char *p = a->at->value;
	int rc = 0;

	do {
		size_t n = strcspn(p, ","), skip = n + (p[n] == ',');
		char *text;

		while (n > 0 && (*p == ' ' || *p == '\t'))
			p++, n--, skip--;
		while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
			n--;
		text = mem_strndup(p, n);
		rc = text ? config_put_source(a->c, text, a->c->folder, rank, a->origin, a->at->key, a->err)
		          : error_nomem(a->err);
		mem_free(text);
		p += skip;
	} while (rc == 0 && *p);
	return rc;
}

static int check_allowed(struct applying *a, const struct option_def *o, int is_in_env)
{
	if (is_in_env && (o->flags & OPTION_NOT_IN_ENV))
		return refuse(a, "'env' cannot stand in the section of an environment");
	if (!(o->flags & OPTION_NOT_IN_FILE))
		return 0;
	error_set(a->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' may not stand in a file of the project", o->name);
	if (strcmp(o->name, "driver-path") == 0)
		error_hint(a->err, "It says which code is loaded: give it by --driver-path or DUNLIN_DRIVER_PATH.");
	else if (strcmp(o->name, "set") == 0)
		error_hint(a->err, "Placeholders stand in the section [placeholders], as name = value.");
	else
		error_hint(a->err, "Give it on the command line, as --%s.", o->name);
	return here(a);
}

/* A value of the same rank is from a line before this one. */
static int check_once(struct applying *a, int option, enum config_rank rank)
{
	const struct config_value *v = &a->c->value[option];

	if (v->rank != rank)
		return 0;
	error_set(a->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' is set twice, at %s too", a->at->key, v->origin);
	return here(a);
}

/* A value that is checked and not kept: of an environment not in use. */
static int check_only(struct applying *a, int option)
{
	struct config_value none = { 0 }, kept = a->c->value[option];
	int rc;

	a->c->value[option] = none;
	rc = config_put(a->c, option, a->at->value, RANK_FILE, a->origin, a->at->key, a->err);
	config_wipe(a->c->value[option].text);
	mem_free(a->c->value[option].origin);
	a->c->value[option] = kept;
	return rc;
}

static int apply_option(struct applying *a, const char *env)
{
	const struct ini_entry *e = a->at;
	int is_used = !env || (a->env && strcmp(env, a->env) == 0);
	enum config_rank rank = env ? RANK_FILE_ENV : RANK_FILE;
	int i = config_option_find(e->key, a->err), rc;

	if (i < 0)
		return here(a);
	if (check_allowed(a, &config_options[i], env != NULL) < 0)
		return -1;
	if (strcmp(e->key, "dir") == 0)
		rc = is_used ? put_dirs(a, rank) : 0;
	else if (is_used && check_once(a, i, rank) < 0)
		return -1;
	else if (strcmp(e->key, "url") == 0)
		rc = put_url(a, i, rank, is_used);
	else if (!is_used)
		rc = check_only(a, i);
	else
		rc = config_put(a->c, i, e->value, rank, a->origin, a->at->key, a->err);
	return rc < 0 ? here(a) : 0;
}

/* --- hooks and migrations --------------------------------------------------------- */

static int apply_hook(struct applying *a)
{
	const char *known[N_HOOKS + 1] = { NULL };
	const struct ini_entry *e = a->at;

	for (size_t i = 0; i < N_HOOKS; i++) {
		known[i] = config_hook_names[i];
		if (strcmp(e->key, config_hook_names[i]) != 0)
			continue;
		if (a->c->hook[i])
			return refuse(a, "the hook is set twice");
		if (!*e->value)
			return refuse(a, "the hook has no command");
		/* Half a command is another command. */
		if (e->is_cut) {
			refuse(a, "' ;' starts a comment here and would cut the command short");
			error_hint(a->err, "Write ';' right behind the word before it, or use && or a script.");
			return -1;
		}
		a->c->hook[i] = mem_strdup(e->value);
		return a->c->hook[i] ? 0 : error_nomem(a->err);
	}
	return refuse_word(a, "hook", e->key, known);
}

/* How a directive is written as a key. */
static const struct { const char *name; enum { WRITTEN_YES, WRITTEN_TEXT, WRITTEN_DURATION, WRITTEN_LIST } as; } directives[] = {
	{ "no-transaction", WRITTEN_YES }, { "irreversible", WRITTEN_YES }, { "placeholders", WRITTEN_YES },
	{ "lock-timeout", WRITTEN_DURATION }, { "statement-timeout", WRITTEN_DURATION },
	{ "requires", WRITTEN_LIST }, { "allow", WRITTEN_TEXT },
};

enum { N_DIRECTIVES = sizeof directives / sizeof *directives };

static int add_list(struct applying *a, struct config_migration_entry *m)
{
	const char *p = a->at->value;

	while (*p) {
		size_t n = strcspn(p, ", \t");

		if (n > 0 && config_directive_add(m, a->at->key, strlen(a->at->key), p, n) < 0)
			return error_nomem(a->err);
		p += n + (p[n] != '\0');
	}
	return 0;
}

static int is_yes(struct applying *a, int *yes)
{
	static const char *const words[] = { "yes", "true", "on", "1", "no", "false", "off", "0" };

	for (size_t i = 0; i < 8; i++)
		if (strcasecmp(a->at->value, words[i]) == 0) {
			*yes = i < 4;
			return 0;
		}
	return refuse(a, "the directive takes yes or no");
}

static int apply_directive(struct applying *a, struct config_migration_entry *m)
{
	const char *known[N_DIRECTIVES + 1] = { NULL };
	const struct ini_entry *e = a->at;
	int64_t ms;
	int yes = 0, as = -1;

	for (size_t i = 0; i < N_DIRECTIVES; i++) {
		known[i] = directives[i].name;
		if (strcmp(e->key, known[i]) == 0)
			as = directives[i].as;
	}
	if (as < 0)
		return refuse_word(a, "directive", e->key, known);
	if (as != WRITTEN_YES && !*e->value)
		return refuse(a, "the directive needs a value");
	if (as == WRITTEN_LIST)
		return add_list(a, m);
	if (as == WRITTEN_YES) {
		if (is_yes(a, &yes) < 0)
			return -1;
		return yes && config_directive_add(m, e->key, strlen(e->key), "", 0) < 0 ? error_nomem(a->err) : 0;
	}
	if (as == WRITTEN_DURATION && duration_parse(e->value, a->at->key, &ms, a->err) < 0)
		return here(a);
	return config_directive_add(m, e->key, strlen(e->key), e->value, strlen(e->value)) < 0 ? error_nomem(a->err) : 0;
}

static int apply_migration(struct applying *a, const char *ref)
{
	char component[COMPONENT_MAX + 1], version[256];
	struct config_migration_entry *m;

	while (*ref == ' ' || *ref == '\t')
		ref++;
	if (version_ref(ref, component, sizeof component, version, sizeof version, a->err) < 0)
		return here(a);
	m = config_migration_add(a->c, component, version);
	if (!m)
		return error_nomem(a->err);
	return a->at->key ? apply_directive(a, m) : 0;
}

/* --- sections ----------------------------------------------------------------------- */

static int apply_env(struct applying *a, const char *name)
{
	if (!*name)
		return refuse(a, "the environment has no name");
	if (a->env && strcmp(name, a->env) == 0)
		a->is_env_there = 1;
	return a->at->key ? apply_option(a, name) : 0;
}

static int apply_entry(struct applying *a)
{
	static const char *const sections[] = { "env.NAME", "placeholders", "hooks", "migration VERSION", NULL };
	const struct ini_entry *e = a->at;
	const char *rest;

	if (!*e->section)
		return apply_option(a, NULL);
	if ((rest = after(e->section, "env.")))
		return apply_env(a, rest);
	if ((rest = after(e->section, "migration ")) || (rest = after(e->section, "migration\t")))
		return apply_migration(a, rest);
	if (strcmp(e->section, "placeholders") == 0)
		return e->key && config_put_placeholder(a->c, e->key, strlen(e->key), e->value, RANK_FILE, a->origin,
		                                        "[placeholders]", a->err) < 0 ? here(a) : 0;
	if (strcmp(e->section, "hooks") == 0)
		return e->key ? apply_hook(a) : 0;
	if (strcmp(e->section, "migration") == 0)
		return refuse(a, "the section names no version: it is [migration VERSION]");
	refuse_word(a, "section", e->section, sections);
	if (a->err && !a->err->hint[0])
		error_hint(a->err, "There are [env.NAME], [placeholders], [hooks] and [migration VERSION].");
	return -1;
}

/* `env` of the file itself, if nothing above says one. */
static int find_env(struct applying *a)
{
	int i = config_option_find("env", NULL);

	for (size_t k = 0; k < a->ini->n; k++) {
		const struct ini_entry *e = &a->ini->v[k];

		if (*e->section || !e->key || strcmp(e->key, "env") != 0)
			continue;
		set_place(a, e);
		if (check_once(a, i, RANK_FILE) < 0 ||
		    config_put(a->c, i, e->value, RANK_FILE, a->origin, a->at->key, a->err) < 0)
			return -1;
	}
	a->env = config_get(a->c, "env", NULL);
	return 0;
}

static int refuse_env(struct applying *a)
{
	struct buf b = BUF_INIT;
	const char *origin;

	config_get(a->c, "env", &origin);
	for (size_t i = 0; i < a->ini->n; i++) {
		const char *name = a->ini->v[i].key ? NULL : after(a->ini->v[i].section, "env.");

		if (name)
			buf_addf(&b, "%s%s", b.len ? ", " : "", name);
	}
	error_set(a->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "no environment '%s' (from %s) in '%s'",
	          a->env, origin, a->c->file);
	if (b.len && !b.is_failed)
		error_hint(a->err, "It has: %s.", b.p);
	else
		error_hint(a->err, "Add a section [env.%s].", a->env);
	buf_clear(&b);
	return -1;
}

int config_apply_file(struct config *c, const struct ini_file *f, int *has_password, struct dunlin_error *err)
{
	struct applying a = { .c = c, .ini = f, .err = err };

	if (find_env(&a) < 0)
		return -1;
	for (size_t i = 0; i < f->n; i++) {
		set_place(&a, &f->v[i]);
		if (!*f->v[i].section && strcmp(f->v[i].key, "env") == 0)
			continue;
		if (apply_entry(&a) < 0)
			return -1;
	}
	*has_password = a.has_password;
	return a.env && !a.is_env_there ? refuse_env(&a) : 0;
}
