/*
 * test_name.c - file names, scheme by scheme.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "name.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define N(a) (sizeof (a) / sizeof *(a))

static const char *const postgresql_aliases[] = { "postgres", "pg", NULL };
static const char *const sqlite_aliases[] = { "sqlite3", NULL };
static const char *const mariadb_aliases[] = { "mysql", NULL };
static const struct dunlin_dialect postgresql = { .name = "postgresql", .aliases = postgresql_aliases };
static const struct dunlin_dialect sqlite = { .name = "sqlite", .aliases = sqlite_aliases };
static const struct dunlin_dialect mariadb = { .name = "mariadb", .aliases = mariadb_aliases };
static const struct dunlin_dialect duckdb = { .name = "duckdb" };
static const struct name_rules rules = { .dialect = { &postgresql, &sqlite, &mariadb, &duckdb }, .n_dialect = 4 };

/* "KIND BASE VERSION NAME DRIVER ROLE", or "unfit", or "bad: MESSAGE | HINT". */
static const char *describe(enum scheme s, const char *path)
{
	static const char *const roles[] = { "single", "up", "down", "verify" };
	static char text[1200];
	struct name_problem why = { "", "" };
	struct name_parts p;

	switch (name_parse(&p, s, &rules, path, strlen(path), &why)) {
	case NAME_FITS:
		snprintf(text, sizeof text, "%s base=%.*s version=%.*s name=%.*s driver=%.*s %s",
		         p.is_repeatable ? "R" : "V", (int)p.base.len, p.base.p, (int)p.version.len, p.version.p,
		         (int)p.name.len, p.name.p, (int)p.driver.len, p.driver.len ? p.driver.p : "", roles[p.role]);
		break;
	case NAME_UNFIT:
		snprintf(text, sizeof text, "unfit");
		break;
	case NAME_BAD:
		snprintf(text, sizeof text, "bad: %s | %s", why.message, why.hint);
		break;
	}
	return text;
}

struct name_case { const char *path, *want; };

static void check(enum scheme s, const struct name_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!TAP_EQ_STR(describe(s, c[i].path), c[i].want))
			tap_note("%s as %s", c[i].path, scheme_name(s));
}

static void a_semver_name_is_taken_apart(void)
{
	static const struct name_case cases[] = {
		{ "1.0.6-001-add_inbox_retry.sql",
		  "V base=1.0.6-001-add_inbox_retry version=1.0.6-001 name=add_inbox_retry driver= single" },
		{ "1.0.6-001-add.up.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver= up" },
		{ "1.0.6-001-add.down.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver= down" },
		{ "1.0.6-001-add.verify.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver= verify" },
		{ "1.0.6-001-add.sqlite.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver=sqlite single" },
		{ "1.0.6-001-add.postgresql.up.sql",
		  "V base=1.0.6-001-add version=1.0.6-001 name=add driver=postgresql up" },
		{ "1.0.6-001-add.oracle.down.sql",
		  "V base=1.0.6-001-add version=1.0.6-001 name=add driver=oracle down" },
		{ "1.0.6-001-add/up.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver= up" },
		{ "1.0.6-001-add/down.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver= down" },
		{ "1.0.6-001-add/verify.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver= verify" },
		{ "1.0.6-001-add/up.mariadb.sql", "V base=1.0.6-001-add version=1.0.6-001 name=add driver=mariadb up" },
		{ "1.0.6-001-a b-c.sql", "V base=1.0.6-001-a b-c version=1.0.6-001 name=a b-c driver= single" },
		{ "1.0.6-001-\xc3\xbc.sql", "V base=1.0.6-001-\xc3\xbc version=1.0.6-001 name=\xc3\xbc driver= single" },
		{ "1.0.6-001-up.sql", "V base=1.0.6-001-up version=1.0.6-001 name=up driver= single" },
		{ "R-refresh_views.sql", "R base=R-refresh_views version=R-refresh_views name=refresh_views driver= single" },
		{ "R-x.sqlite.down.sql", "R base=R-x version=R-x name=x driver=sqlite down" },
		{ "R-x/up.sql", "R base=R-x version=R-x name=x driver= up" },
		{ "1.0.6_001-a.sql", "unfit" }, { "1.0.6-001_a.sql", "unfit" }, { "v1.0.6-001-a.sql", "unfit" },
		{ "1.0.0-1_a.sql", "unfit" }, { "V1.sql", "unfit" }, { "1.0-001-a.sql", "unfit" },
		{ "001_a.sql", "unfit" }, { "notes.sql", "unfit" }, { "1.0.6-001a-x.sql", "unfit" },
		{ "r-x.sql", "unfit" }, { "up.sql", "unfit" }, { "archive/up.sql", "unfit" },
	};

	check(SCHEME_SEMVER, cases, N(cases));
}

static void a_wrong_word_after_a_names_dot_is_explained(void)
{
	static const char no_dots[] =
		"A name has no dots; after one stand a driver's name, then up, down or verify.";
	static const struct { const char *path, *message, *hint; } cases[] = {
		{ "1.0.6-001-a.postgres.sql", "'postgres' is not the name of a driver, 'postgresql' is", "Write it as '.postgresql.'." },
		{ "1.0.6-001-a.pg.up.sql", "'pg' is not the name of a driver, 'postgresql' is", "Write it as '.postgresql.'." },
		{ "1.0.6-001-a.mysql.sql", "'mysql' is not the name of a driver, 'mariadb' is", "Write it as '.mariadb.'." },
		{ "1.0.6-001-a.sqlite3.sql", "'sqlite3' is not the name of a driver, 'sqlite' is", "Write it as '.sqlite.'." },
		{ "1.0.6-001-a.SQLite.sql", "'SQLite' is not the name of a driver, 'sqlite' is", "Write it as '.sqlite.'." },
		{ "1.0.6-001-a/up.mysql.sql", "'mysql' is not the name of a driver, 'mariadb' is", "Write it as '.mariadb.'." },
		{ "R-a.pg.sql", "'pg' is not the name of a driver, 'postgresql' is", "Write it as '.postgresql.'." },
		{ "1.0.6-001-a.up.sqlite.sql", "the role stands before the driver's name", "Write it as '.sqlite.up.sql'." },
		{ "1.0.6-001-a.sqlite.up.x.sql", "the words after the name's dot are not a driver's name and a role", no_dots },
		{ "1.0.6-001-a.b.c.sql", "the words after the name's dot are not a driver's name and a role", no_dots },
		{ "1.0.6-001-a.up.down.x.sql", "the words after the name's dot are not a driver's name and a role", no_dots },
		{ "1.0.6-001-a..sql", "what follows the name's dot is not a driver's name",
		  "A name has no dots; a word after a dot is a driver's name, then up, down or verify." },
		{ "1.0.6-001-a.b c.sql", "what follows the name's dot is not a driver's name",
		  "A name has no dots; a word after a dot is a driver's name, then up, down or verify." },
		{ "1.0.6-001.sql", "a name is missing after the version", "Write it as MAJOR.MINOR.PATCH-SEQUENCE-name.sql." },
		{ "1.0.6-001.up.sql", "a name is missing after the version", "Write it as MAJOR.MINOR.PATCH-SEQUENCE-name.sql." },
		{ "1.0.6-001-.sql", "a name is missing", "Write it as MAJOR.MINOR.PATCH-SEQUENCE-name.sql." },
		{ "R-.sql", "a name is missing", "Write it as R-name.sql." },
		{ "1.0.6-001-a/sqlite.up.sql", "a file in a migration's folder is named for none of its roles",
		  "There are up.sql, down.sql and verify.sql, and for one driver up.DRIVER.sql and so on." },
		{ "1.0.6-001-a.sqlite/up.sql", "the name of a migration's folder has a dot in it",
		  "A folder is for all drivers; one driver's files are up.DRIVER.sql and so on inside it." },
		{ "1.0.6-001-a.sqlite..sql", "two dots stand before 'sql'", "Leave one out." },
		{ "1.0.6-001-a/up..sql", "two dots stand before 'sql'", "Leave one out." },
		{ "1.0.6-001-a\nb.sql", "the name holds a control character or is not valid UTF-8", "Rename the file." },
		{ "1.0.6-001-a\x1b[1m.sql", "the name holds a control character or is not valid UTF-8", "Rename the file." },
		{ "1.0.6-001-\xff.sql", "the name holds a control character or is not valid UTF-8", "Rename the file." },
		{ "1.0.6-001-\xc2\x9b.sql", "the name holds a control character or is not valid UTF-8", "Rename the file." },
	};

	for (size_t i = 0; i < N(cases); i++) {
		char want[1000];

		snprintf(want, sizeof want, "bad: %s | %s", cases[i].message, cases[i].hint);
		if (!TAP_EQ_STR(describe(SCHEME_SEMVER, cases[i].path), want))
			tap_note("%s", cases[i].path);
	}
}

static void numbered_names_take_either_separator(void)
{
	static const struct name_case timestamps[] = {
		{ "20251120101502_add.sql", "V base=20251120101502_add version=20251120101502 name=add driver= single" },
		{ "20251120101502-add.sqlite.up.sql", "V base=20251120101502-add version=20251120101502 name=add driver=sqlite up" },
		{ "20251120101502_add/down.sql", "V base=20251120101502_add version=20251120101502 name=add driver= down" },
		{ "2025112010150_add.sql", "unfit" }, { "20251120101502.sql", "unfit" }, { "20251120101502add.sql", "unfit" },
		{ "R-x.sql", "R base=R-x version=R-x name=x driver= single" },
	};
	static const struct name_case sequences[] = {
		{ "001_a.sql", "V base=001_a version=001 name=a driver= single" },
		{ "1-a.up.sql", "V base=1-a version=1 name=a driver= up" },
		{ "99999999999999999999_a.sql", "V base=99999999999999999999_a version=99999999999999999999 name=a driver= single" },
		{ "001.sql", "unfit" }, { "1.0.6-001-a.sql", "unfit" }, { "a_001.sql", "unfit" }, { "-0_a.sql", "unfit" },
	};

	check(SCHEME_TIMESTAMP, timestamps, N(timestamps));
	check(SCHEME_SEQUENCE, sequences, N(sequences));
}

static void the_filename_scheme_takes_only_what_it_knows_off_the_end(void)
{
	static const struct name_case cases[] = {
		{ "0003_a.sql", "V base=0003_a version=0003_a name= driver= single" },
		{ "V0001.Initial_Schema.up.sql", "V base=V0001.Initial_Schema version=V0001.Initial_Schema name= driver= up" },
		{ "V1.2__x.sqlite.sql", "V base=V1.2__x version=V1.2__x name= driver=sqlite single" },
		{ "a.sqlite.down.sql", "V base=a version=a name= driver=sqlite down" },
		{ "a.oracle.sql", "V base=a.oracle version=a.oracle name= driver= single" },
		{ "a/up.mariadb.sql", "V base=a version=a name= driver=mariadb up" },
		{ "a.b/up.sql", "V base=a.b version=a.b name= driver= up" },
		{ "up.sql", "V base=up version=up name= driver= single" },
		{ "R-x.up.sql", "R base=R-x version=R-x name=x driver= up" },
		{ "a.pg.sql", "bad: 'pg' is not the name of a driver, 'postgresql' is | Write it as '.postgresql.'." },
		{ "a/x.sql", "bad: a file in a migration's folder is named for none of its roles | There are up.sql, "
		  "down.sql and verify.sql, and for one driver up.DRIVER.sql and so on." },
	};

	check(SCHEME_FILENAME, cases, N(cases));
}

static void a_misspelt_driver_is_guessed(void)
{
	static const struct { const char *word, *want; } cases[] = {
		{ "sqllite", "sqlite" }, { "postgersql", "postgresql" }, { "mariabd", "mariadb" },
		{ "sqlite", NULL }, { "oracle", NULL }, { "mysql", NULL }, { "", NULL },
	};

	for (size_t i = 0; i < N(cases); i++)
		TAP_EQ_STR(name_misspelt_driver(&rules, (struct slice){ cases[i].word, strlen(cases[i].word) }), cases[i].want);
}

static void text_ends_at_the_first_odd_byte(void)
{
	static const struct { const char *s; size_t want; } cases[] = {
		{ "plain", 5 }, { "", 0 }, { "a\tb", 1 }, { "a\x7f", 1 }, { "\xc3\xbc", 2 }, { "a\xc3", 1 },
		{ "a\xc2\x85", 1 }, { "\xc2\xa0z", 3 }, { "\xc0\xaf", 0 }, { "\xed\xa0\x80", 0 },
		{ "\xf0\x9f\x8d\xb0", 4 }, { "\xf4\x90\x80\x80", 0 },
	};

	for (size_t i = 0; i < N(cases); i++)
		if (!TAP_EQ_INT(name_text_prefix(cases[i].s, strlen(cases[i].s)), cases[i].want))
			tap_note("case %zu", i);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a_semver_name_is_taken_apart", a_semver_name_is_taken_apart },
		{ "a_wrong_word_after_a_names_dot_is_explained", a_wrong_word_after_a_names_dot_is_explained },
		{ "numbered_names_take_either_separator", numbered_names_take_either_separator },
		{ "the_filename_scheme_takes_only_what_it_knows_off_the_end",
		  the_filename_scheme_takes_only_what_it_knows_off_the_end },
		{ "a_misspelt_driver_is_guessed", a_misspelt_driver_is_guessed },
		{ "text_ends_at_the_first_odd_byte", text_ends_at_the_first_odd_byte },
	};

	return tap_main("name", tests, sizeof tests / sizeof *tests);
}
