/*
 * fuzz_version.c - versions and file names from anywhere: no crash, and an
 * order that is one.
 *
 * The input's first byte chooses the scheme; the rest are lines, each a version
 * or a file's name.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "name.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 3 };

static void must(int held)
{
	if (!held)
		abort();
}

static int sign(int c)
{
	return (c > 0) - (c < 0);
}

static void check_order(const struct version *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			must(sign(version_cmp(&v[i], &v[k])) == -sign(version_cmp(&v[k], &v[i])));
	if (n == LINES_MAX && version_cmp(&v[0], &v[1]) <= 0 && version_cmp(&v[1], &v[2]) <= 0)
		must(version_cmp(&v[0], &v[2]) <= 0);
}

static int is_inside(struct slice s, const char *p, size_t len)
{
	return s.len == 0 || (s.p >= p && s.p + s.len <= p + len);
}

static void check_name(enum scheme s, const char *text, size_t len)
{
	static const char *const aliases[] = { "postgres", "pg", NULL };
	static const struct dunlin_dialect postgresql = { .name = "postgresql", .aliases = aliases };
	static const struct dunlin_dialect sqlite = { .name = "sqlite" };
	static const struct name_rules rules = { .dialect = { &postgresql, &sqlite }, .n_dialect = 2 };
	struct name_problem why = { "", "" };
	struct name_parts p;
	enum name_fit fit;
	char path[300];
	const char *slash = memchr(text, '/', len);

	/* What scan.c hands over: one '/' at most, and ".sql" after a name. */
	if (len == 0 || len > sizeof path - 5 || memchr(text, 0, len) || text[0] == '/' ||
	    (slash && (slash == text + len - 1 || memchr(slash + 1, '/', (size_t)(text + len - slash - 1)))))
		return;
	memcpy(path, text, len);
	memcpy(path + len, ".sql", 5);
	fit = name_parse(&p, s, &rules, path, len + 4, &why);
	if (fit == NAME_BAD)
		must(why.message[0] != '\0');
	if (fit != NAME_FITS)
		return;
	must(is_inside(p.base, path, len) && is_inside(p.version, path, len) && is_inside(p.name, path, len) &&
	     is_inside(p.driver, path, len));
	must(p.base.len > 0 && p.version.len > 0);
	must(name_text_prefix(path, len + 4) == len + 4);
	if (!p.is_repeatable) {
		struct version v;

		must(version_parse(&v, s, p.version.p, p.version.len) == 0);
		must(version_cmp(&v, &p.key) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct version v[LINES_MAX];
	char component[COMPONENT_MAX + 1], version[64], *whole;
	const char *p = (const char *)data + 1, *end = (const char *)data + size;
	enum scheme s;
	size_t n = 0;

	if (size < 2)
		return 0;
	s = (enum scheme)(1 + data[0] % 4);
	/* The texts of versions end where they are said to end: no NUL follows. */
	for (int i = 0; i < LINES_MAX && p < end; i++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);

		if (version_parse(&v[n], s, p, len) == 0)
			n++;
		check_name(s, p, len);
		p += len + (nl != NULL);
	}
	check_order(v, n);
	whole = malloc(size);
	must(whole != NULL);
	memcpy(whole, data + 1, size - 1);
	whole[size - 1] = '\0';
	if (version_ref(whole, component, sizeof component, version, sizeof version, NULL) == 0)
		must(strlen(version) > 0 && component_check(component, strlen(component)) == 0);
	for (size_t i = 0; i < n; i++)
		version_cmp_release(&v[i], whole);
	free(whole);
	return 0;
}
