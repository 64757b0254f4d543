/*
 * config_url.c - a URL that stands in a file: where its relative path starts,
 * and whether the file holds a password by it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "config_priv.h"

#include "buf.h"
#include "url.h"

#include <string.h>
#include <strings.h>

static int is_relative_sqlite(const char *path)
{
	return *path && *path != '/' && strncmp(path, ":memory:", 8) != 0 && strncmp(path, "file:", 5) != 0;
}

char *config_place_url(const char *folder, const char *url)
{
	const char *colon = strchr(url, ':');
	struct buf b = BUF_INIT;
	size_t n = colon ? (size_t)(colon - url) : 0;
	int is_sqlite = (n == 6 && strncasecmp(url, "sqlite", 6) == 0) || (n == 7 && strncasecmp(url, "sqlite3", 7) == 0);

	if (!is_sqlite || !*folder || !is_relative_sqlite(colon + 1))
		return mem_strdup(url);
	buf_add(&b, url, n + 1);
	for (const char *p = folder; *p; p++) {
		if (*p == '%' || *p == '?')
			buf_addf(&b, "%%%02X", (unsigned)(unsigned char)*p);
		else
			buf_addc(&b, *p);
	}
	if (folder[strlen(folder) - 1] != '/')
		buf_addc(&b, '/');
	buf_adds(&b, colon + 1);
	return buf_take(&b);
}

int config_url_has_password(const char *text)
{
	struct url u;
	int has;

	/* What is wrong with it may be the password. */
	if (url_parse(text, &u, NULL) < 0)
		return strchr(text, '@') != NULL;
	has = u.n_secret > 0 || url_get(&u, "password");
	url_clear(&u);
	return has;
}
