/*
 * config_list.c - what may be given several times: sources and placeholders.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "config_priv.h"

#include "buf.h"
#include "error.h"
#include "url.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>

/* --- sources --------------------------------------------------------------------- */

void config_sources_clear(struct config *c)
{
	for (size_t i = 0; i < c->n_source; i++) {
		mem_free((char *)c->source[i].component);
		mem_free((char *)c->source[i].path);
		mem_free((char *)c->source[i].origin);
	}
	c->n_source = 0;
	mem_free(c->source_text);
	c->source_text = NULL;
}

/* NAME of "NAME=PATH"; 0: there is none.  A '/' before the '=' makes it a path. */
static size_t component_length(const char *text)
{
	size_t n = strcspn(text, "=/");

	return text[n] == '=' ? n : 0;
}

static char *join(const char *folder, const char *path)
{
	struct buf b = BUF_INIT;

	if (*folder && path[0] != '/')
		buf_addf(&b, "%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/");
	buf_adds(&b, path);
	return buf_take(&b);
}

/* The first source as "dir" shows it: "[NAME=]PATH". */
static int name_first(struct config *c, const struct config_source *s)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s%s%s", s->component, *s->component ? "=" : "", s->path);
	mem_free(c->source_text);
	c->source_text = buf_take(&b);
	return c->source_text ? 0 : -1;
}

int config_put_source(struct config *c, const char *text, const char *folder, enum config_rank rank,
                      const char *origin, const char *what, struct dunlin_error *err)
{
	size_t n = component_length(text);
	const char *path = text[n] == '=' ? text + n + 1 : text;
	struct config_source *s;

	if (!*path)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s: no folder in '%s'", what, text);
	if (component_check(text, n) < 0) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s: '%.*s' is not a component's name", what,
		          (int)(n < 200 ? n : 200), text);
		error_hint(err, "A component's name has letters, digits, '_', '-' and '.'; for a path with '=' in it write ./PATH.");
		return -1;
	}
	if (rank < c->source_rank)
		return 0;
	if (rank > c->source_rank)
		config_sources_clear(c);
	c->source_rank = rank;
	if (mem_grow(&c->source, &c->source_cap, c->n_source, sizeof *c->source) < 0)
		return error_nomem(err);
	s = &c->source[c->n_source];
	*s = (struct config_source){ mem_strndup(text, n), join(folder, path), mem_strdup(origin) };
	if (s->component && s->path && s->origin && (c->n_source > 0 || name_first(c, s) == 0)) {
		c->n_source++;
		return 0;
	}
	mem_free((char *)s->component);
	mem_free((char *)s->path);
	mem_free((char *)s->origin);
	return error_nomem(err);
}

size_t config_n_sources(const struct config *c)
{
	return c->n_source;
}

const struct config_source *config_source(const struct config *c, size_t i)
{
	return &c->source[i];
}

int config_each_source(const struct config *c, config_option_fn *fn, void *arg)
{
	int rc = 0;

	for (size_t i = 0; i < c->n_source && rc == 0; i++) {
		const struct config_source *s = &c->source[i];
		struct buf b = BUF_INIT;

		buf_addf(&b, "%s%s%s", s->component, *s->component ? "=" : "", s->path);
		rc = b.is_failed ? -1 : fn(arg, "dir", b.p, s->origin);
		buf_clear(&b);
	}
	return rc;
}

/* --- placeholders ------------------------------------------------------------------ */

static struct config_pair *find_placeholder(const struct config *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->n_placeholder; i++)
		if (strlen(c->placeholder[i].name) == len && memcmp(c->placeholder[i].name, name, len) == 0)
			return &c->placeholder[i];
	return NULL;
}

static int is_placeholder_name(const char *s, size_t len)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";

	for (size_t i = 0; i < len; i++)
		if (!memchr(allowed, s[i], sizeof allowed - 1))
			return 0;
	return len > 0 && !(len > 4 && memcmp(s, "env.", 4) == 0);
}

int config_put_placeholder(struct config *c, const char *name, size_t name_len, const char *value,
                           enum config_rank rank, const char *origin, const char *what, struct dunlin_error *err)
{
	struct config_pair *p = find_placeholder(c, name, name_len);
	struct config_pair fresh = { .rank = rank };

	if (!is_placeholder_name(name, name_len)) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s: '%.*s' is not a placeholder's name", what,
		          (int)(name_len < 200 ? name_len : 200), name);
		error_hint(err, "A name has letters, digits, '_', '-' and '.', and does not begin with 'env.'.");
		return -1;
	}
	if (p && p->rank > rank)
		return 0;
	fresh.name = mem_strndup(name, name_len);
	fresh.value = mem_strdup(value);
	fresh.origin = mem_strdup(origin);
	if (!fresh.name || !fresh.value || !fresh.origin ||
	    (!p && mem_grow(&c->placeholder, &c->placeholder_cap, c->n_placeholder, sizeof *c->placeholder) < 0)) {
		mem_free(fresh.name);
		config_wipe(fresh.value);
		mem_free(fresh.origin);
		return error_nomem(err);
	}
	if (p) {
		mem_free(p->name);
		config_wipe(p->value);
		mem_free(p->origin);
	} else {
		p = &c->placeholder[c->n_placeholder++];
	}
	*p = fresh;
	return 0;
}

void config_placeholders_forget(struct config *c, enum config_rank rank)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n_placeholder; i++) {
		struct config_pair *p = &c->placeholder[i];

		if (p->rank > rank) {
			c->placeholder[kept++] = *p;
			continue;
		}
		mem_free(p->name);
		config_wipe(p->value);
		mem_free(p->origin);
	}
	c->n_placeholder = kept;
}

/* A placeholder may well be a password: only its name is told. */
int config_each_placeholder(const struct config *c, config_option_fn *fn, void *arg)
{
	int rc = 0;

	for (size_t i = 0; i < c->n_placeholder && rc == 0; i++) {
		struct buf b = BUF_INIT;

		buf_addf(&b, "%s=" URL_MASK, c->placeholder[i].name);
		rc = b.is_failed ? -1 : fn(arg, "set", b.p, c->placeholder[i].origin);
		buf_clear(&b);
	}
	return rc;
}

const char *config_placeholder(void *arg, const char *name, size_t len)
{
	const struct config *c = arg;
	const struct config_pair *p = find_placeholder(c, name, len);
	char variable[256];

	if (p)
		return p->value;
	if (len <= 4 || len - 4 >= sizeof variable || memcmp(name, "env.", 4) != 0)
		return NULL;
	memcpy(variable, name + 4, len - 4);
	variable[len - 4] = '\0';
	return getenv(variable);
}
