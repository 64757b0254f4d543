/*
 * fuzz_url.c - any text as a URL: it is read or refused, and a password that
 * was read is neither in the masked URL nor in a scrubbed text.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond) do { if (!(cond)) { fprintf(stderr, "not true: %s\n", #cond); abort(); } } while (0)

static int count(const char *text, const char *part)
{
	int n = 0;

	while ((text = strstr(text, part)) != NULL) {
		text++;
		n++;
	}
	return n;
}

static int is_public(const struct url *u, const char *s)
{
	static const char *const key[] = { "user", "host", "database", "path" };

	for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
		const char *value = url_get(u, key[i]);

		if (value && strcmp(value, s) == 0)
			return 1;
	}
	return strcmp(u->scheme, s) == 0;
}

static void check_password(const struct url *u, const char *input)
{
	const char *password = url_get(u, "password");
	char text[256];

	/* One with a '*' may be found again in what the mask and its neighbours make up. */
	if (!password || strlen(password) < 4 || strlen(password) > 100 || strchr(password, '*') ||
	    is_public(u, password))
		return;
	/* What is there once less is the password itself, where nothing is encoded. */
	if (!strchr(input, '%') || count(input, password) == 0)
		MUST(count(u->masked, password) <= (count(input, password) > 0 ? count(input, password) - 1 : 0));
	snprintf(text, sizeof text, "at '%s' it failed", password);
	url_scrub(u, text, sizeof text);
	MUST(!strstr(text, password) || strstr("at '***' it failed", password));
}

static void check_masked_again(const struct url *u)
{
	struct url again;

	/* Its key and the mask are all that is left of a parameter. */
	MUST(url_parse(u->masked, &again, NULL) == 0);
	MUST(strcmp(again.masked, u->masked) == 0);
	url_clear(&again);
}

static void check_options(const struct url *u)
{
	MUST(u->n_base <= u->n_opt);
	for (size_t i = 0; i < u->n_opt; i++) {
		MUST(u->opt[i].key && u->opt[i].value);
		for (size_t j = 0; j < i; j++)
			MUST(strcmp(u->opt[i].key, u->opt[j].key) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = { "mode", "sslmode", "host", NULL };
	static const uint32_t flags[] = { 0, DUNLIN_DRIVER_FILE, DUNLIN_DRIVER_SERVER, DUNLIN_DRIVER_FILE };
	struct dunlin_error err = { 0 };
	struct url u;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (url_parse(text, &u, &err) < 0) {
		MUST(err.message[0] && err.code == DUNLIN_EXIT_USAGE);
		free(text);
		return 0;
	}
	check_options(&u);
	check_password(&u, text);
	check_masked_again(&u);
	url_check_params(&u, known, &err);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (url_bind(&u, flags[i], &err) < 0)
			MUST(err.message[0]);
		check_options(&u);
	}
	url_clear(&u);
	free(text);
	return 0;
}
