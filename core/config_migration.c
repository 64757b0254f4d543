/*
 * config_migration.c - directives given from outside, by version.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "config_priv.h"

#include "buf.h"
#include "version.h"

#include <string.h>

/* The scheme of a folder is not known here, but numbers that are equal are
 * equal in each scheme that has numbers. */
static int is_same_version(const char *a, const char *b)
{
	static const enum scheme schemes[] = { SCHEME_SEMVER, SCHEME_SEQUENCE };
	struct version va, vb;

	if (strcmp(a, b) == 0)
		return 1;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (version_parse(&va, schemes[i], a, strlen(a)) == 0 && version_parse(&vb, schemes[i], b, strlen(b)) == 0)
			return version_cmp(&va, &vb) == 0;
	return 0;
}

static struct config_migration_entry *find(const struct config *c, const char *component, const char *version)
{
	for (size_t i = 0; i < c->n_migration; i++) {
		struct config_migration_entry *m = &c->migration[i];

		if (strcmp(m->component, component) == 0 && is_same_version(m->version, version))
			return m;
	}
	return NULL;
}

struct config_migration_entry *config_migration_add(struct config *c, const char *component, const char *version)
{
	struct config_migration_entry *m = find(c, component, version), fresh = { 0 };

	if (m)
		return m;
	if (mem_grow(&c->migration, &c->migration_cap, c->n_migration, sizeof *c->migration) < 0)
		return NULL;
	fresh.component = mem_strdup(component);
	fresh.version = mem_strdup(version);
	if (!fresh.component || !fresh.version) {
		mem_free(fresh.component);
		mem_free(fresh.version);
		return NULL;
	}
	c->migration[c->n_migration] = fresh;
	return &c->migration[c->n_migration++];
}

int config_directive_add(struct config_migration_entry *m, const char *text, size_t len, const char *argument,
                         size_t argument_len)
{
	struct buf b = BUF_INIT;

	/* One more for the NULL at the end. */
	if (mem_grow(&m->directive, &m->cap, m->n + 1, sizeof *m->directive) < 0)
		return -1;
	buf_add(&b, text, len);
	if (argument_len) {
		buf_addc(&b, ' ');
		buf_add(&b, argument, argument_len);
	}
	m->directive[m->n] = buf_take(&b);
	if (!m->directive[m->n])
		return -1;
	m->directive[++m->n] = NULL;
	return 0;
}

void config_migration_clear(struct config *c)
{
	for (size_t i = 0; i < c->n_migration; i++) {
		struct config_migration_entry *m = &c->migration[i];

		for (size_t k = 0; k < m->n; k++)
			mem_free(m->directive[k]);
		mem_free(m->directive);
		mem_free(m->component);
		mem_free(m->version);
	}
	mem_free(c->migration);
	c->migration = NULL;
	c->n_migration = c->migration_cap = 0;
}

const char *const *config_migration(void *arg, const char *component, const char *version)
{
	const struct config *c = arg;
	const struct config_migration_entry *m = c->n_migration ? find(c, component, version) : NULL;

	return m && m->n ? (const char *const *)m->directive : NULL;
}
