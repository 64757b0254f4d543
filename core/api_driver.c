/*
 * api_driver.c - a URL for those who open a driver by themselves.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "mem.h"
#include "url.h"

#include <string.h>

struct dunlin_url { struct url url; };

int dunlin_url_parse(const char *text, const struct dunlin_driver *drv, struct dunlin_url **out, struct dunlin_error *err)
{
	struct dunlin_url *u = mem_zalloc(sizeof *u);
	int is_served = 0;

	*out = NULL;
	error_clear(err);
	if (!u)
		return error_nomem(err);
	if (url_parse(text, &u->url, err) < 0) {
		mem_free(u);
		return -1;
	}
	for (size_t i = 0; drv->schemes && drv->schemes[i]; i++)
		is_served |= strcmp(drv->schemes[i], u->url.scheme) == 0;
	if (!is_served)
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "driver '%s' does not serve '%s' URLs", drv->name,
		          u->url.scheme);
	if (!is_served || url_bind(&u->url, drv->flags, err) < 0 || url_check_params(&u->url, drv->url_params, err) < 0) {
		dunlin_url_free(u);
		return -1;
	}
	*out = u;
	return 0;
}

void dunlin_url_free(struct dunlin_url *u)
{
	if (u)
		url_clear(&u->url);
	mem_free(u);
}

size_t dunlin_url_options(const struct dunlin_url *u, struct dunlin_kv *opt, size_t n)
{
	for (size_t i = 0; i < n && i < u->url.n_opt; i++)
		opt[i] = u->url.opt[i];
	return u->url.n_opt;
}
