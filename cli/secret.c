/*
 * secret.c - a URL in the process list, without its password.
 *
 * The bytes are overwritten where the kernel shows them, so the length stays.
 * It errs on the side of covering too much: a password may hold '@', ':' and
 * '/' unencoded, so all from the first ':' of the user information to the last
 * '@' of the text goes.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"

#include <string.h>
#include <strings.h>

static int is_secret_key(const char *key, size_t len)
{
	static const char *const part[] = { "pass", "pwd", "secret", "token", "key" };
	char name[64];

	if (len >= sizeof name)
		return 1;
	for (size_t i = 0; i < len; i++)
		name[i] = key[i] == '%' ? '\0' : key[i];
	name[len] = '\0';
	/* An encoded name could spell anything. */
	if (strlen(name) != len)
		return 1;
	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		if (strcasestr(name, part[i]))
			return 1;
	return 0;
}

void secret_mask(char *url)
{
	char *authority = strstr(url, "://");
	char *at, *colon, *p;

	authority = authority ? authority + 3 : url;
	at = strrchr(authority, '@');
	colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
	if (colon)
		memset(colon + 1, 'x', (size_t)(at - colon - 1));
	for (p = strchr(authority, '?'); p; p = strchr(p, '&')) {
		char *value = strpbrk(++p, "=&");

		if (!value || *value == '&' || !is_secret_key(p, (size_t)(value - p)))
			continue;
		value++;
		memset(value, 'x', strcspn(value, "&"));
	}
}
