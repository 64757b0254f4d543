/*
 * test_newfile.c - the version that `new` takes next.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mem.h"
#include "source.h"
#include "tap.h"

#include <string.h>

enum { FILES_MAX = 8 };

/* 2025-11-20 10:15:02 UTC */
static const int64_t now = 1763633702;

/* A set of empty files with these names, of component "c". */
static void load(struct migration_set *set, enum scheme scheme, const char *const *names)
{
	static struct dunlin_file files[FILES_MAX];
	static struct source src;
	struct source_options o = { .source = &src, .n_source = 1, .scheme = scheme, .is_names_only = 1 };
	size_t n = 0;

	for (; n < FILES_MAX && names[n]; n++)
		files[n] = (struct dunlin_file){ names[n], "", 0 };
	src = (struct source){ .component = "c", .file = files, .n_file = n };
	TAP_EQ_INT(migration_set_load(set, &o, NULL), 0);
}

static void the_next_version_goes_on_with_the_scheme(void)
{
	static const struct { enum scheme scheme; const char *names[FILES_MAX], *bump, *want; } cases[] = {
		{ SCHEME_AUTO, { NULL }, NULL, "1.0.0-001" },
		{ SCHEME_AUTO, { NULL }, "patch", "0.0.1-001" },
		{ SCHEME_AUTO, { NULL }, "minor", "0.1.0-001" },
		{ SCHEME_AUTO, { NULL }, "major", "1.0.0-001" },
		{ SCHEME_AUTO, { "1.0.5-001-a.sql", "1.0.6-002-b.sql", "1.0.6-001-b.sql", "R-x.sql" }, NULL, "1.0.6-003" },
		{ SCHEME_AUTO, { "1.0.6-002-b.sql" }, "patch", "1.0.7-001" },
		{ SCHEME_AUTO, { "1.0.6-002-b.sql" }, "minor", "1.1.0-001" },
		{ SCHEME_AUTO, { "1.9.6-002-b.sql" }, "minor", "1.10.0-001" },
		{ SCHEME_AUTO, { "9.9.9-002-b.sql" }, "major", "10.0.0-001" },
		{ SCHEME_AUTO, { "1.0.6-9-b.sql" }, NULL, "1.0.6-10" },
		{ SCHEME_AUTO, { "1.0.6-9-b.sql" }, "patch", "1.0.7-1" },
		{ SCHEME_AUTO, { "1.0.6-0999-b.sql" }, NULL, "1.0.6-1000" },
		{ SCHEME_AUTO, { "1.0.6-999-b.sql" }, NULL, "1.0.6-1000" },
		{ SCHEME_AUTO, { "1.0.6-18446744073709551615-b.sql" }, NULL, "1.0.6-18446744073709551616" },
		{ SCHEME_AUTO, { "1.0.6-001-b.mariadb.sql" }, NULL, "1.0.6-002" },
		{ SCHEME_TIMESTAMP, { NULL }, NULL, "20251120101502" },
		{ SCHEME_AUTO, { "20251120101501_a.sql" }, NULL, "20251120101502" },
		{ SCHEME_AUTO, { "20251120101502_a.sql" }, NULL, "20251120101503" },
		{ SCHEME_AUTO, { "20991231235959_a.sql" }, NULL, "20991231235960" },
		{ SCHEME_AUTO, { "20251120101501123_a.sql" }, NULL, "20251120101502000" },
		{ SCHEME_AUTO, { "20251120101502123_a.sql" }, NULL, "20251120101502124" },
		{ SCHEME_SEQUENCE, { NULL }, NULL, "001" },
		{ SCHEME_AUTO, { "1_a.sql", "9_b.sql" }, NULL, "10" },
		{ SCHEME_AUTO, { "0009_b.sql" }, NULL, "0010" },
		{ SCHEME_AUTO, { "99999999999999999999_b.sql", "1_a.sql" }, NULL, "100000000000000000000" },
		{ SCHEME_FILENAME, { "0003_a.sql" }, NULL, "20251120" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct migration_set set;
		char got[64] = "";

		load(&set, cases[i].scheme, cases[i].names);
		TAP_EQ_INT(version_next(&set, "c", cases[i].bump, now, got, sizeof got, NULL), 0);
		if (!TAP_EQ_STR(got, cases[i].want))
			tap_note("after %s", cases[i].names[0] ? cases[i].names[0] : "nothing");
		migration_set_clear(&set);
	}
}

static void only_semver_has_releases_to_bump(void)
{
	static const char *const sequence[] = { "1_a.sql", NULL }, *const semver[] = { "1.0.0-001-a.sql", NULL };
	struct migration_set set;
	struct dunlin_error err;
	char got[64];

	load(&set, SCHEME_AUTO, sequence);
	TAP_EQ_INT(version_next(&set, "c", "minor", now, got, sizeof got, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "--minor needs the scheme 'semver', and the folder's is 'sequence'");
	migration_set_clear(&set);
	load(&set, SCHEME_AUTO, semver);
	TAP_EQ_INT(version_next(&set, "c", "huge", now, got, sizeof got, &err), -1);
	TAP_EQ_STR(err.message, "'huge' is none of patch, minor and major");
	migration_set_clear(&set);
}

static void a_version_that_does_not_fit_is_an_error(void)
{
	static const char *const semver[] = { "1.0.0-001-a.sql", NULL };
	struct migration_set set;
	struct dunlin_error err;
	char got[10];

	load(&set, SCHEME_AUTO, semver);
	TAP_EQ_INT(version_next(&set, "c", NULL, now, got, 9, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_INT(version_next(&set, "c", NULL, now, got, 10, &err), 0);
	TAP_EQ_STR(got, "1.0.0-002");
	mem_fail_at(1, 1);
	TAP_EQ_INT(version_next(&set, "c", NULL, now, got, 10, &err), -1);
	mem_fail_at(0, 0);
	TAP_EQ_STR(err.message, "out of memory");
	migration_set_clear(&set);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "the_next_version_goes_on_with_the_scheme", the_next_version_goes_on_with_the_scheme },
		{ "only_semver_has_releases_to_bump", only_semver_has_releases_to_bump },
		{ "a_version_that_does_not_fit_is_an_error", a_version_that_does_not_fit_is_an_error },
	};

	return tap_main("newfile", tests, sizeof tests / sizeof *tests);
}
