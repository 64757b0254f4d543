/*
 * config.c - the options there are, and the values in force.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "config_priv.h"

#include "buf.h"
#include "duration.h"
#include "error.h"
#include "nearest.h"
#include "url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct option_def config_options[] = {
	{ "actor", OPTION_TEXT, 0, NULL, { NULL }, { NULL } },
	{ "allow-out-of-order", OPTION_BOOL, 0, NULL, { NULL }, { NULL } },
	{ "color", OPTION_CHOICE, 0, "auto", { NULL }, { "auto", "always", "never" } },
	{ "config", OPTION_TEXT, OPTION_NOT_IN_FILE, NULL, { "DUNLIN_CONFIG" }, { NULL } },
	{ "connect-timeout", OPTION_DURATION, 0, NULL, { NULL }, { NULL } },
	{ "debug", OPTION_BOOL, 0, NULL, { NULL }, { NULL } },
	{ "dir", OPTION_TEXT, OPTION_LIST, NULL, { "DUNLIN_DIR" }, { NULL } },
	{ "down-from", OPTION_CHOICE, 0, NULL, { NULL }, { "ledger", "files" } },
	{ "driver", OPTION_TEXT, OPTION_NOT_IN_FILE, NULL, { NULL }, { NULL } },
	{ "driver-path", OPTION_TEXT, OPTION_NOT_IN_FILE, NULL, { "DUNLIN_DRIVER_PATH" }, { NULL } },
	{ "env", OPTION_TEXT, OPTION_NOT_IN_ENV, NULL, { "DUNLIN_ENV" }, { NULL } },
	{ "format", OPTION_CHOICE, 0, "text", { NULL }, { "text", "json", "csv" } },
	{ "lock-timeout", OPTION_DURATION, 0, "5s", { NULL }, { NULL } },
	{ "lock-wait", OPTION_DURATION, 0, "60s", { NULL }, { NULL } },
	{ "no-lock", OPTION_BOOL, 0, NULL, { NULL }, { NULL } },
	{ "protected", OPTION_BOOL, 0, NULL, { NULL }, { NULL } },
	{ "quiet", OPTION_BOOL, 0, NULL, { NULL }, { NULL } },
	{ "scheme", OPTION_CHOICE, 0, NULL, { NULL }, { "auto", "semver", "timestamp", "sequence", "filename" } },
	{ "set", OPTION_TEXT, OPTION_LIST | OPTION_NOT_IN_FILE, NULL, { NULL }, { NULL } },
	{ "statement-timeout", OPTION_DURATION, 0, NULL, { NULL }, { NULL } },
	{ "strict", OPTION_BOOL, 0, NULL, { NULL }, { NULL } },
	{ "table", OPTION_TEXT, 0, "dunlin_migrations", { NULL }, { NULL } },
	{ "timeout", OPTION_DURATION, 0, NULL, { NULL }, { NULL } },
	{ "transaction", OPTION_CHOICE, 0, NULL, { NULL }, { "migration", "all", "none" } },
	{ "url", OPTION_TEXT, OPTION_SECRET, NULL, { "DUNLIN_URL", "DATABASE_URL" }, { NULL } },
	{ "verbose", OPTION_BOOL, 0, NULL, { NULL }, { NULL } },
	{ "yes", OPTION_BOOL, OPTION_NOT_IN_FILE, NULL, { NULL }, { NULL } },
};

const size_t config_n_options = sizeof config_options / sizeof *config_options;

const char *const config_hook_names[N_HOOKS] = {
	[HOOK_BEFORE_UP] = "before-up", [HOOK_AFTER_UP] = "after-up", [HOOK_ON_FAILURE] = "on-failure",
};

static int find(const char *name)
{
	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].name, name) == 0)
			return (int)i;
	return -1;
}

int config_option_find(const char *name, struct dunlin_error *err)
{
	const char *names[sizeof config_options / sizeof *config_options + 1] = { NULL };
	const char *meant;
	int i = find(name);

	if (i >= 0)
		return i;
	for (size_t k = 0; k < config_n_options; k++)
		names[k] = config_options[k].name;
	meant = nearest(name, names);
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "there is no option '%s'", name);
	if (meant)
		error_hint(err, "Did you mean '%s'?", meant);
	return -1;
}

void config_wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	mem_free(s);
}

/* --- values ------------------------------------------------------------------ */

static const char *const true_words[] = { "yes", "true", "on", "1" };
static const char *const false_words[] = { "no", "false", "off", "0" };

static int is_one_of(const char *s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(s, words[i]) == 0)
			return 1;
	return 0;
}

static int check_choice(const struct option_def *o, const char *value, const char *what, struct dunlin_error *err)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; o->choices[i]; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			buf_clear(&b);
			return 0;
		}
		buf_addf(&b, "%s%s", i == 0 ? "" : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
	}
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s: '%s' is not a value it can have", what, value);
	if (!b.is_failed)
		error_hint(err, "It is %s.", b.p);
	buf_clear(&b);
	return -1;
}

static int check_value(const struct option_def *o, const char *value, const char *what, struct dunlin_error *err)
{
	int64_t ms;

	if (o->kind == OPTION_DURATION)
		return duration_parse(value, what, &ms, err);
	if (o->kind == OPTION_CHOICE)
		return check_choice(o, value, what, err);
	if (o->kind == OPTION_BOOL && !is_one_of(value, true_words, 4) && !is_one_of(value, false_words, 4)) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s: '%s' is neither yes nor no", what, value);
		return -1;
	}
	if (o->kind == OPTION_TEXT && !*value)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s: it has no value", what);
	return 0;
}

int config_put(struct config *c, int option, const char *value, enum config_rank rank,
               const char *origin, const char *what, struct dunlin_error *err)
{
	struct config_value *v = &c->value[option];
	char *text, *from;

	if (check_value(&config_options[option], value, what, err) < 0)
		return -1;
	if (v->rank > rank)
		return 0;
	text = mem_strdup(value);
	from = mem_strdup(origin);
	if (!text || !from) {
		config_wipe(text);
		mem_free(from);
		return error_nomem(err);
	}
	config_wipe(v->text);
	mem_free(v->origin);
	*v = (struct config_value){ text, from, rank };
	return 0;
}

/* --- the handle's side ---------------------------------------------------------- */

int config_new(struct config **out, struct dunlin_error *err)
{
	struct config *c = mem_zalloc(sizeof *c);

	*out = NULL;
	if (c)
		c->value = mem_zalloc(config_n_options * sizeof *c->value);
	if (!c || !c->value) {
		mem_free(c);
		return error_nomem(err);
	}
	*out = c;
	return 0;
}

void config_forget(struct config *c, enum config_rank rank)
{
	for (size_t i = 0; i < config_n_options; i++) {
		if (c->value[i].rank > rank)
			continue;
		config_wipe(c->value[i].text);
		mem_free(c->value[i].origin);
		c->value[i] = (struct config_value){ 0 };
	}
	if (c->source_rank <= rank) {
		config_sources_clear(c);
		c->source_rank = RANK_NONE;
	}
	config_placeholders_forget(c, rank);
	mem_free(c->no_url);
	c->no_url = NULL;
	if (rank < RANK_FILE)
		return;
	for (size_t i = 0; i < N_HOOKS; i++) {
		config_wipe(c->hook[i]);
		c->hook[i] = NULL;
	}
	config_migration_clear(c);
	mem_free(c->file);
	mem_free(c->folder);
	c->file = c->folder = NULL;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	config_forget(c, RANK_OPTION);
	mem_free(c->value);
	mem_free(c->source);
	mem_free(c->placeholder);
	mem_free(c);
}

int config_set(struct config *c, const char *name, const char *value, const char *origin,
               struct dunlin_error *err)
{
	int i = config_option_find(name, err);
	const char *sep;
	char what[64];

	if (i < 0)
		return -1;
	snprintf(what, sizeof what, "--%s", name);
	if (strcmp(name, "dir") == 0)
		return config_put_source(c, value, "", RANK_OPTION, origin, what, err);
	if (strcmp(name, "set") != 0)
		return config_put(c, i, value, RANK_OPTION, origin, what, err);
	sep = strchr(value, '=');
	if (!sep) {
		/* What stands there may be meant to be a secret. */
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "--set: its value has no '='");
		error_hint(err, "Write it as --set NAME=VALUE.");
		return -1;
	}
	return config_put_placeholder(c, value, (size_t)(sep - value), sep + 1, RANK_OPTION, origin, what, err);
}

const char *config_get(const struct config *c, const char *name, const char **origin)
{
	int i = find(name);
	const char *text = NULL, *from = NULL;

	if (i >= 0 && strcmp(name, "dir") == 0 && c->n_source > 0) {
		text = c->source_text;
		from = c->source[0].origin;
	} else if (i >= 0 && c->value[i].rank != RANK_NONE) {
		text = c->value[i].text;
		from = c->value[i].origin;
	} else if (i >= 0 && config_options[i].fallback) {
		text = config_options[i].fallback;
		from = "default";
	}
	if (origin)
		*origin = from;
	return text;
}

int config_is_on(const struct config *c, const char *name)
{
	const char *value = config_get(c, name, NULL);

	return value && is_one_of(value, true_words, 4);
}

int64_t config_duration(const struct config *c, const char *name)
{
	const char *value = config_get(c, name, NULL);
	int64_t ms;

	return value && duration_parse(value, name, &ms, NULL) == 0 ? ms : -1;
}

static int each_masked(const char *name, const char *value, const char *origin, config_option_fn *fn, void *arg)
{
	struct buf b = BUF_INIT;
	int rc;

	url_add_masked(&b, value);
	rc = b.is_failed ? -1 : fn(arg, name, b.p ? b.p : "", origin);
	buf_clear(&b);
	return rc;
}

int config_each(const struct config *c, config_option_fn *fn, void *arg)
{
	int rc = 0;

	for (size_t i = 0; i < config_n_options && rc == 0; i++) {
		const struct option_def *o = &config_options[i];
		const char *origin, *value = config_get(c, o->name, &origin);

		if (strcmp(o->name, "dir") == 0)
			rc = config_each_source(c, fn, arg);
		else if (strcmp(o->name, "set") == 0)
			rc = config_each_placeholder(c, fn, arg);
		else if (value && (o->flags & OPTION_SECRET))
			rc = each_masked(o->name, value, origin, fn, arg);
		else if (value)
			rc = fn(arg, o->name, value, origin);
	}
	return rc;
}

const char *config_file(const struct config *c)
{
	return c->file ? c->file : "";
}

const char *config_hook(const struct config *c, const char *name)
{
	for (size_t i = 0; i < N_HOOKS; i++)
		if (strcmp(config_hook_names[i], name) == 0)
			return c->hook[i];
	return NULL;
}
