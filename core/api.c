/*
 * api.c - the handle: options, sources, observer, cancel.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "buf.h"
#include "loader.h"

#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

const char *dunlin_version_string(void)
{
	return PACKAGE_VERSION;
}

int dunlin_new(struct dunlin **out, struct dunlin_error *err)
{
	struct dunlin *d = mem_zalloc(sizeof *d);

	*out = NULL;
	if (!d)
		return error_nomem(err);
	if (config_new(&d->config, err) < 0) {
		mem_free(d);
		return -1;
	}
	d->lock_retry_ms = 60000;
	*out = d;
	return 0;
}

void dunlin_free(struct dunlin *d)
{
	struct loader_log was;

	if (!d)
		return;
	was = handle_enter(d);
	handle_close(d);
	handle_leave(d, was, 0);
	if (d->has_ledger_sql)
		ledger_clear(&d->ledger);
	url_clear(&d->url);
	config_free(d->config);
	mem_free(d->source);
	arena_clear(&d->arena);
	mem_free(d);
}

static int add_source(struct dunlin *d, const char *component, const char *dir, const struct dunlin_file *file,
                      size_t n, struct dunlin_error *err)
{
	struct source s = { .file = file, .n_file = n };

	s.component = arena_strdup(&d->arena, component ? component : "");
	s.dir = dir ? arena_strdup(&d->arena, dir) : NULL;
	if (!s.component || (dir && !s.dir) || mem_grow(&d->source, &d->source_cap, d->n_source, sizeof *d->source) < 0)
		return error_nomem(err);
	for (size_t i = 0; i < d->n_source; i++)
		if (strcmp(d->source[i].component, s.component) == 0)
			return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
			                 s.component[0] ? "two sources are named '%s'" : "two sources have no name%s", s.component);
	d->source[d->n_source++] = s;
	return 0;
}

int dunlin_add_dir(struct dunlin *d, const char *component, const char *path, struct dunlin_error *err)
{
	return add_source(d, component, path, NULL, 0, err);
}

int dunlin_add_memory(struct dunlin *d, const char *component, const struct dunlin_file *file, size_t n,
                      struct dunlin_error *err)
{
	return add_source(d, component, NULL, file, n, err);
}

int dunlin_set(struct dunlin *d, const char *name, const char *value, struct dunlin_error *err)
{
	return config_set(d->config, name, value, "option", err);
}

int dunlin_configure(struct dunlin *d, struct dunlin_error *err)
{
	int had_sources = d->n_source > 0;

	if (config_load(d->config, err) < 0)
		return -1;
	for (size_t i = 0; !had_sources && i < config_n_sources(d->config); i++) {
		const struct config_source *s = config_source(d->config, i);

		if (add_source(d, s->component, s->path, NULL, 0, err) < 0)
			return -1;
	}
	return 0;
}

const char *dunlin_get(struct dunlin *d, const char *name, const char **origin)
{
	const char *value = config_get(d->config, name, origin);
	struct buf b = BUF_INIT;
	char *masked;

	if (!value || strcmp(name, "url") != 0)
		return value;
	if (d->url.masked)
		return url_masked(&d->url);
	url_add_masked(&b, value);
	masked = b.is_failed || !b.p ? NULL : arena_strdup(&d->arena, b.p);
	buf_clear(&b);
	return masked;
}

int dunlin_each_option(struct dunlin *d,
	int (*fn)(void *arg, const char *name, const char *value, const char *origin), void *arg)
{
	return config_each(d->config, fn, arg);
}

void dunlin_observe(struct dunlin *d, const struct dunlin_observer *o)
{
	d->obs = o ? *o : (struct dunlin_observer){ 0 };
}

void dunlin_cancel(struct dunlin *d, int now)
{
	d->cancel = now || d->cancel ? 2 : 1;
}

int dunlin_adopt(struct dunlin *d, const char *driver, void *handle, struct dunlin_error *err)
{
	struct loader_log was;
	int rc;

	if (d->session.conn || d->drv)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the handle has a database already");
	was = handle_enter(d);
	rc = loader_find(driver, handle_option(d, "driver-path"), &d->drv, err);
	if (rc == 0 && (rc = handle_driver(d, err)) == 0) {
		d->is_adopted = 1;
		d->adopted = handle;
		rc = handle_open(d, OPEN_EXISTING, err);
	}
	handle_leave(d, was, rc);
	if (rc == 0)
		return 0;
	if (d->has_ledger_sql)
		ledger_clear(&d->ledger);
	d->has_ledger_sql = d->is_adopted = 0;
	d->drv = NULL;
	return -1;
}

void dunlin_own_process(struct dunlin *d)
{
	d->is_own_process = 1;
}

const struct dunlin_summary *dunlin_last_summary(struct dunlin *d)
{
	return &d->summary;
}

const char *dunlin_cap_name(unsigned bit)
{
	static const char *const names[] = {
		"transactions", "transactional-ddl", "ddl-commits", "savepoints", "lock", "copy", "pipeline",
		"reset-session", "cancel", "snapshot", "probe", "blockers", "create-database", "drop-database",
		"scratch", "lint", "adopt", "read-only", "mixed-tables", "probe-sql",
	};

	return bit < sizeof names / sizeof *names ? names[bit] : NULL;
}

int dunlin_each_driver(struct dunlin *d,
	int (*fn)(void *arg, const struct dunlin_driver_info *info), void *arg, struct dunlin_error *err)
{
	return loader_each(handle_option(d, "driver-path"), fn, arg, err);
}
