/*
 * version.c - versions as texts of decimal numbers, and their order.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "version.h"

#include "error.h"

#include <string.h>

static const char *const scheme_names[] = {
	[SCHEME_AUTO]      = "auto",
	[SCHEME_SEMVER]    = "semver",
	[SCHEME_TIMESTAMP] = "timestamp",
	[SCHEME_SEQUENCE]  = "sequence",
	[SCHEME_FILENAME]  = "filename",
};

enum { TIMESTAMP_DIGITS = 14 };

const char *scheme_name(enum scheme s)
{
	return scheme_names[s];
}

int scheme_parse(const char *text, enum scheme *out)
{
	for (size_t i = 0; i < sizeof scheme_names / sizeof *scheme_names; i++)
		if (strcmp(text, scheme_names[i]) == 0) {
			*out = (enum scheme)i;
			return 0;
		}
	return -1;
}

/* How many digits text begins with.  isdigit() would ask the locale. */
static size_t digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

/* Takes n numbers with the separators of `seps` between them from the front of
 * text; returns the bytes taken, 0: it does not begin so. */
static size_t take_numbers(struct version *v, size_t n, const char *seps, const char *text, size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		size_t d;

		if (i > 0 && (at == len || text[at++] != seps[i - 1]))
			return 0;
		d = digits(text + at, len - at);
		if (d == 0)
			return 0;
		v->part[i].p = text + at;
		v->part[i].len = d;
		at += d;
	}
	return at;
}

size_t version_prefix(struct version *v, enum scheme s, const char *text, size_t len)
{
	size_t n = 0;

	memset(v, 0, sizeof *v);
	v->scheme = s;
	switch (s) {
	case SCHEME_SEMVER:
		n = take_numbers(v, 4, "..-", text, len);
		break;
	case SCHEME_TIMESTAMP:
		n = take_numbers(v, 1, "", text, len);
		if (n < TIMESTAMP_DIGITS)
			n = 0;
		break;
	case SCHEME_SEQUENCE:
		n = take_numbers(v, 1, "", text, len);
		break;
	case SCHEME_FILENAME:
		v->part[0].p = text;
		v->part[0].len = n = len;
		break;
	case SCHEME_AUTO:
		break;
	}
	return n;
}

int version_parse(struct version *v, enum scheme s, const char *text, size_t len)
{
	return len > 0 && version_prefix(v, s, text, len) == len ? 0 : -1;
}

int decimal_cmp(const char *a, size_t alen, const char *b, size_t blen)
{
	while (alen > 0 && *a == '0')
		a++, alen--;
	while (blen > 0 && *b == '0')
		b++, blen--;
	if (alen != blen)
		return alen < blen ? -1 : 1;
	return alen ? memcmp(a, b, alen) : 0;
}

int bytes_cmp(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t n = alen < blen ? alen : blen;
	int c = n ? memcmp(a, b, n) : 0;

	return c ? c : (alen > blen) - (alen < blen);
}

int version_cmp(const struct version *a, const struct version *b)
{
	size_t n = a->scheme == SCHEME_SEMVER ? 4 : 1;

	if (a->scheme == SCHEME_FILENAME)
		return bytes_cmp(a->part[0].p, a->part[0].len, b->part[0].p, b->part[0].len);
	for (size_t i = 0; i < n; i++) {
		int c = decimal_cmp(a->part[i].p, a->part[i].len, b->part[i].p, b->part[i].len);

		if (c)
			return c;
	}
	return 0;
}

int version_cmp_text(enum scheme s, const char *a, const char *b)
{
	struct version va, vb;

	if (version_parse(&va, s, a, strlen(a)) < 0 || version_parse(&vb, s, b, strlen(b)) < 0)
		return strcmp(a, b);
	return version_cmp(&va, &vb);
}

int version_cmp_release(const struct version *v, const char *release)
{
	struct version r = { .scheme = SCHEME_SEMVER };
	size_t len = strlen(release);

	if (v->scheme != SCHEME_SEMVER || len == 0 || take_numbers(&r, 3, "..", release, len) != len)
		return -2;
	for (size_t i = 0; i < 3; i++) {
		int c = decimal_cmp(v->part[i].p, v->part[i].len, r.part[i].p, r.part[i].len);

		if (c)
			return c < 0 ? -1 : 1;
	}
	return 0;
}

int component_check(const char *name, size_t len)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

	if (len > COMPONENT_MAX)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (!memchr(allowed, name[i], sizeof allowed - 1))
			return -1;
	return 0;
}

int version_ref(const char *text, char *component, size_t component_size,
                char *version, size_t version_size, struct dunlin_error *err)
{
	const char *at = strchr(text, '@');
	size_t clen = at ? (size_t)(at - text) : 0;
	const char *v = at ? at + 1 : text;
	size_t vlen = strlen(v);

	if (vlen == 0) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "no version in '%s'", text);
		error_hint(err, "Give it as VERSION or COMPONENT@VERSION, for example 1.0.6-001.");
		return -1;
	}
	if (clen >= component_size || component_check(text, clen) < 0)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		                 "'%.*s' is not a component's name", (int)(clen < 200 ? clen : 200), text);
	if (vlen >= version_size)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		                 "the version in '%.200s...' is longer than %zu bytes", text, version_size - 1);
	memcpy(component, text, clen);
	component[clen] = '\0';
	memcpy(version, v, vlen + 1);
	return 0;
}
