/*
 * test_version.c - versions: what is one, and which comes first.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"
#include "version.h"

#include <string.h>

#define N(a) (sizeof (a) / sizeof *(a))

static int sign(int c)
{
	return (c > 0) - (c < 0);
}

static void names_of_schemes_are_read_back(void)
{
	static const char *const names[] = { "auto", "semver", "timestamp", "sequence", "filename" };
	enum scheme s;

	for (size_t i = 0; i < N(names); i++)
		if (TAP_EQ_INT(scheme_parse(names[i], &s), 0))
			TAP_EQ_STR(scheme_name(s), names[i]);
	TAP_EQ_INT(scheme_parse("Semver", &s), -1);
	TAP_EQ_INT(scheme_parse("", &s), -1);
}

static void a_version_is_told_from_other_text(void)
{
	static const struct { enum scheme s; const char *text; int is_one; } cases[] = {
		{ SCHEME_SEMVER, "1.0.6-001", 1 }, { SCHEME_SEMVER, "0.0.0-0", 1 },
		{ SCHEME_SEMVER, "4294967296.0.0-18446744073709551616", 1 },
		{ SCHEME_SEMVER, "123456789012345678901234567890.0.0-1", 1 },
		{ SCHEME_SEMVER, "1.0.6", 0 }, { SCHEME_SEMVER, "1.0.6-", 0 }, { SCHEME_SEMVER, "1.0-001", 0 },
		{ SCHEME_SEMVER, "v1.0.6-001", 0 }, { SCHEME_SEMVER, "V1", 0 }, { SCHEME_SEMVER, "1.0.6--1", 0 },
		{ SCHEME_SEMVER, "-1.0.6-1", 0 }, { SCHEME_SEMVER, "1.0.6-001x", 0 }, { SCHEME_SEMVER, " 1.0.6-001", 0 },
		{ SCHEME_SEMVER, "1..6-001", 0 }, { SCHEME_SEMVER, "1.0.6-+1", 0 }, { SCHEME_SEMVER, "1.0.6-0x1", 0 },
		{ SCHEME_SEMVER, "1.0.6_001", 0 }, { SCHEME_SEMVER, "", 0 }, { SCHEME_SEMVER, "1.0.0-1_a", 0 },
		{ SCHEME_TIMESTAMP, "20251120101502", 1 }, { SCHEME_TIMESTAMP, "20251120101502123", 1 },
		{ SCHEME_TIMESTAMP, "2025112010150", 0 }, { SCHEME_TIMESTAMP, "2025-11-20101502", 0 },
		{ SCHEME_SEQUENCE, "1", 1 }, { SCHEME_SEQUENCE, "00000000000000000001", 1 },
		{ SCHEME_SEQUENCE, "99999999999999999999", 1 }, { SCHEME_SEQUENCE, "-0", 0 }, { SCHEME_SEQUENCE, "", 0 },
		{ SCHEME_SEQUENCE, "1a", 0 },
		{ SCHEME_FILENAME, "anything at all", 1 }, { SCHEME_FILENAME, "", 0 },
		{ SCHEME_AUTO, "1.0.6-001", 0 },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct version v;
		int got = version_parse(&v, cases[i].s, cases[i].text, strlen(cases[i].text)) == 0;

		if (!TAP_EQ_INT(got, cases[i].is_one))
			tap_note("%s as %s", cases[i].text, scheme_name(cases[i].s));
	}
}

static void the_length_ends_a_version(void)
{
	struct version v;

	TAP_EQ_INT(version_parse(&v, SCHEME_SEMVER, "1.0.6-0019", 9), 0);
	TAP_EQ_MEM(v.part[3].p, v.part[3].len, "001", 3);
	TAP_EQ_INT(version_prefix(&v, SCHEME_SEMVER, "1.0.6-001-add_x.sql", 19), 9);
	TAP_EQ_INT(version_prefix(&v, SCHEME_SEQUENCE, "12_x", 4), 2);
	TAP_EQ_INT(version_prefix(&v, SCHEME_SEMVER, "1.0.6-x", 7), 0);
}

static void versions_order_by_their_numbers(void)
{
	static const struct { enum scheme s; const char *a, *b; int order; } cases[] = {
		{ SCHEME_SEMVER, "1.0.10-001", "1.0.9-002", 1 },
		{ SCHEME_SEMVER, "1.0.6-1", "1.0.6-001", 0 },
		{ SCHEME_SEMVER, "01.00.06-1", "1.0.6-1", 0 },
		{ SCHEME_SEMVER, "1.0.6-2", "1.0.6-10", -1 },
		{ SCHEME_SEMVER, "2.0.0-001", "1.99.99-999", 1 },
		{ SCHEME_SEMVER, "4294967296.0.0-1", "0.0.0-1", 1 },
		{ SCHEME_SEMVER, "1.0.0-18446744073709551616", "1.0.0-0", 1 },
		{ SCHEME_SEMVER, "1.0.0-123456789012345678901234567890", "1.0.0-123456789012345678901234567891", -1 },
		{ SCHEME_SEMVER, "0.0.0-0", "0.0.0-000", 0 },
		{ SCHEME_TIMESTAMP, "20251120101502", "20251120101503", -1 },
		{ SCHEME_TIMESTAMP, "20251120101502123", "20261120101502", 1 },
		{ SCHEME_SEQUENCE, "002", "10", -1 },
		{ SCHEME_SEQUENCE, "0003", "003", 0 },
		{ SCHEME_FILENAME, "0003_a", "003_b", -1 },
		{ SCHEME_FILENAME, "a", "B", 1 },
		{ SCHEME_FILENAME, "a", "a1", -1 },
		{ SCHEME_FILENAME, "\xc3\xbc", "z", 1 },
		/* Texts that are none compare by bytes. */
		{ SCHEME_SEMVER, "x", "y", -1 },
		{ SCHEME_SEMVER, "1.0.10-001", "R-a", -1 },
	};

	for (size_t i = 0; i < N(cases); i++) {
		int there = sign(version_cmp_text(cases[i].s, cases[i].a, cases[i].b));
		int back = sign(version_cmp_text(cases[i].s, cases[i].b, cases[i].a));

		if (!TAP_EQ_INT(there, cases[i].order) || !TAP_EQ_INT(back, -cases[i].order))
			tap_note("%s and %s", cases[i].a, cases[i].b);
	}
}

static void a_release_is_compared_with_three_numbers(void)
{
	static const struct { const char *version, *release; int want; } cases[] = {
		{ "1.0.6-001", "1.0.6", 0 }, { "1.0.6-999", "1.0.6", 0 }, { "1.0.6-001", "1.0.06", 0 },
		{ "1.0.5-001", "1.0.6", -1 }, { "1.0.10-001", "1.0.9", 1 }, { "2.0.0-001", "1.9.9", 1 },
		{ "1.0.6-001", "1.0", -2 }, { "1.0.6-001", "1.0.6-001", -2 }, { "1.0.6-001", "", -2 },
		{ "1.0.6-001", "1.0.6 ", -2 }, { "1.0.6-001", "v1.0.6", -2 },
	};
	struct version v;

	for (size_t i = 0; i < N(cases); i++) {
		version_parse(&v, SCHEME_SEMVER, cases[i].version, strlen(cases[i].version));
		if (!TAP_EQ_INT(version_cmp_release(&v, cases[i].release), cases[i].want))
			tap_note("%s and release '%s'", cases[i].version, cases[i].release);
	}
	version_parse(&v, SCHEME_SEQUENCE, "001", 3);
	TAP_EQ_INT(version_cmp_release(&v, "1.0.6"), -2);
}

static void a_reference_is_split_at_its_first_at(void)
{
	static const struct { const char *text, *component, *version; } cases[] = {
		{ "1.0.6-001", "", "1.0.6-001" },
		{ "auth@1.0.6-001", "auth", "1.0.6-001" },
		{ "@a@b", "", "a@b" },
		{ "x@R-refresh", "x", "R-refresh" },
		{ "", NULL, NULL }, { "auth@", NULL, NULL }, { "@", NULL, NULL },
		{ "a b@1", NULL, NULL }, { "a/b@1", NULL, NULL },
		{ "component-of-33-bytes-is-too-long@1", NULL, NULL },
		{ "v@version-that-is-as-long-as-32-bytes", NULL, NULL },
	};
	char component[32], version[32];
	struct dunlin_error err;

	for (size_t i = 0; i < N(cases); i++) {
		int rc = version_ref(cases[i].text, component, sizeof component, version, sizeof version, &err);

		if (!TAP_EQ_INT(rc, cases[i].version ? 0 : -1))
			tap_note("'%s'", cases[i].text);
		if (rc < 0) {
			TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		} else {
			TAP_EQ_STR(component, cases[i].component);
			TAP_EQ_STR(version, cases[i].version);
		}
	}
	TAP_EQ_INT(version_ref("", component, sizeof component, version, sizeof version, NULL), -1);
}

static void a_components_name_is_plain(void)
{
	char longest[COMPONENT_MAX + 2];

	memset(longest, 'a', sizeof longest);
	TAP_EQ_INT(component_check("", 0), 0);
	TAP_EQ_INT(component_check("my-pkg_2.0", 10), 0);
	TAP_EQ_INT(component_check("a@b", 3), -1);
	TAP_EQ_INT(component_check("a=b", 3), -1);
	TAP_EQ_INT(component_check("a\0b", 3), -1);
	TAP_EQ_INT(component_check(longest, COMPONENT_MAX), 0);
	TAP_EQ_INT(component_check(longest, COMPONENT_MAX + 1), -1);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "names_of_schemes_are_read_back", names_of_schemes_are_read_back },
		{ "a_version_is_told_from_other_text", a_version_is_told_from_other_text },
		{ "the_length_ends_a_version", the_length_ends_a_version },
		{ "versions_order_by_their_numbers", versions_order_by_their_numbers },
		{ "a_release_is_compared_with_three_numbers", a_release_is_compared_with_three_numbers },
		{ "a_reference_is_split_at_its_first_at", a_reference_is_split_at_its_first_at },
		{ "a_components_name_is_plain", a_components_name_is_plain },
	};

	return tap_main("version", tests, sizeof tests / sizeof *tests);
}
