/*
 * test_source.c - folders and bundles as an ordered set: schemes, pairs,
 * per-driver files, duplicates, what is refused.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "source.h"
#include "tap.h"
#include "tree.h"

#include <time.h>

enum { FILES_MAX = 16 };

/* One run of migration_set_load(). */
struct load {
	struct source_options o;
	struct source source[3];
	struct migration_set set;
	struct dunlin_error err;
	int rc;
	struct buf text;
};

static const char *no_placeholder(void *arg, const char *name, size_t len)
{
	(void)arg, (void)name, (void)len;
	return NULL;
}

/* "[COMPONENT@]VERSION NAME FILE [+DOWN] [+VERIFY] [bad]" lines, then the findings. */
static const char *describe(struct load *l)
{
	for (size_t i = 0; i < l->set.n; i++) {
		const struct migration *m = &l->set.m[i];

		buf_addf(&l->text, "%s%s%s %s %s%s%s%s%s%s\n", m->component, *m->component ? "@" : "", m->version,
		         *m->name ? m->name : "-", m->file, m->down_file ? " +" : "", m->down_file ? m->down_file : "",
		         m->verify_file ? " +" : "", m->verify_file ? m->verify_file : "", m->is_bad ? " bad" : "");
	}
	for (size_t i = 0; i < l->set.findings.n; i++) {
		const struct dunlin_finding *f = &l->set.findings.v[i];

		buf_addf(&l->text, "! %s%s %s\n", f->code == 0 ? "(warning) " : "", f->kind, f->message);
	}
	return l->text.p ? l->text.p : "";
}

static void start(struct load *l, const char *driver)
{
	memset(l, 0, sizeof *l);
	l->o.source = l->source;
	l->o.n_source = 1;
	l->o.env.driver = driver;
	l->o.env.dialect = dialect_find(driver);
	l->o.env.placeholder = no_placeholder;
	l->source[0] = (struct source){ .component = "", .dir = "m" };
}

static const char *run(struct load *l)
{
	l->rc = migration_set_load(&l->set, &l->o, &l->err);
	return l->rc == 0 ? describe(l) : l->err.message;
}

static void clear(struct load *l)
{
	migration_set_clear(&l->set);
	buf_clear(&l->text);
}

/* Loads a bundle of files that all hold the same statement. */
static const char *load_names(struct load *l, const char *driver, enum scheme scheme, const char *const *names)
{
	static struct dunlin_file files[FILES_MAX];
	size_t n = 0;

	for (; n < FILES_MAX && names[n]; n++)
		files[n] = (struct dunlin_file){ names[n], "SELECT 1;\n", 10 };
	start(l, driver);
	l->o.scheme = scheme;
	l->source[0] = (struct source){ .component = "", .file = files, .n_file = n };
	return run(l);
}

struct names_case {
	const char *says;
	enum scheme scheme;
	const char *names[FILES_MAX], *want;
	enum scheme found;
};

static void check_cases(const struct names_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct load l;

		if (!TAP_EQ_STR(load_names(&l, "sqlite", c[i].scheme, c[i].names), c[i].want) ||
		    !TAP_EQ_STR(scheme_name(migration_set_scheme(&l.set, "")), scheme_name(c[i].found)))
			tap_note("%s", c[i].says);
		clear(&l);
	}
}

static void the_first_scheme_that_fits_every_file_is_taken(void)
{
	static const struct names_case cases[] = {
		{ "nothing", SCHEME_AUTO, { NULL }, "", SCHEME_SEMVER },
		{ "only repeatables", SCHEME_AUTO, { "R-a.sql", NULL }, "R-a a R-a.sql\n", SCHEME_SEMVER },
		{ "semver, by number", SCHEME_AUTO,
		  { "1.0.10-001-b.sql", "R-z.sql", "1.0.9-002-a.sql", "R-a.sql", "1.0.10-0001000-c.sql", NULL },
		  "1.0.9-002 a 1.0.9-002-a.sql\n1.0.10-001 b 1.0.10-001-b.sql\n"
		  "1.0.10-0001000 c 1.0.10-0001000-c.sql\nR-a a R-a.sql\nR-z z R-z.sql\n", SCHEME_SEMVER },
		{ "numbers beyond 64 bits", SCHEME_AUTO,
		  { "1.0.0-18446744073709551617-b.sql", "1.0.0-2-a.sql", "1.0.0-18446744073709551616-c.sql", NULL },
		  "1.0.0-2 a 1.0.0-2-a.sql\n1.0.0-18446744073709551616 c 1.0.0-18446744073709551616-c.sql\n"
		  "1.0.0-18446744073709551617 b 1.0.0-18446744073709551617-b.sql\n", SCHEME_SEMVER },
		{ "timestamps", SCHEME_AUTO,
		  { "20251120101503_b.sql", "20251120101502_a.sql", "20251120101502123-c.sql", NULL },
		  "20251120101502 a 20251120101502_a.sql\n20251120101503 b 20251120101503_b.sql\n"
		  "20251120101502123 c 20251120101502123-c.sql\n", SCHEME_TIMESTAMP },
		{ "one short of a timestamp", SCHEME_AUTO,
		  { "20251120101503_b.sql", "1_a.sql", NULL },
		  "1 a 1_a.sql\n20251120101503 b 20251120101503_b.sql\n", SCHEME_SEQUENCE },
		{ "a sequence of any length", SCHEME_AUTO,
		  { "10_b.sql", "002_a.sql", "99999999999999999999_c.sql", "00000000000000000003_d.sql", NULL },
		  "002 a 002_a.sql\n00000000000000000003 d 00000000000000000003_d.sql\n10 b 10_b.sql\n"
		  "99999999999999999999 c 99999999999999999999_c.sql\n", SCHEME_SEQUENCE },
		{ "an odd one", SCHEME_AUTO, { "1.0.0-001-a.sql", "1.0.0-002-b.sql", "notes.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sql\n1.0.0-002 b 1.0.0-002-b.sql\n"
		  "! name 'notes.sql' does not fit the scheme 'semver' of the other files\n", SCHEME_SEMVER },
		{ "odd ones among timestamps, folders once", SCHEME_AUTO,
		  { "x/up.sql", "x/down.sql", "20251120101503_b.sql", "20251120101504_b.sql", "20251120101505_b.sql", "a.sql", NULL },
		  "20251120101503 b 20251120101503_b.sql\n20251120101504 b 20251120101504_b.sql\n"
		  "20251120101505 b 20251120101505_b.sql\n"
		  "! name 'a.sql', 'x' do not fit the scheme 'timestamp' of the other files\n", SCHEME_TIMESTAMP },
		{ "dates with dashes are no sequence of years", SCHEME_AUTO,
		  { "20151120101503_b.sql", "20161120101503_c.sql", "2017-08-31-230457_x/up.sql", "2017-09-23-182408_y/up.sql", NULL },
		  "20151120101503 b 20151120101503_b.sql\n20161120101503 c 20161120101503_c.sql\n"
		  "! name '2017-08-31-230457_x', '2017-09-23-182408_y' do not fit the scheme 'timestamp' of the other files\n",
		  SCHEME_TIMESTAMP },
		{ "a sequence with one number twice", SCHEME_AUTO, { "1_a.sql", "2_b.sql", "02_c.up.sql", "02_c.down.sql", "3_d/up.sql",
		  "3_d/down.sql", NULL },
		  "1 a 1_a.sql\n02 c 02_c.up.sql +02_c.down.sql bad\n3 d 3_d/up.sql +3_d/down.sql\n"
		  "! duplicate '02_c.up.sql' and '2_b.sql' have the same version\n", SCHEME_SEQUENCE },
		{ "a sequence of one number", SCHEME_AUTO, { "1_a.sql", "1_b.sql", NULL },
		  "1 a 1_a.sql bad\n! duplicate '1_a.sql' and '1_b.sql' have the same version\n", SCHEME_SEQUENCE },
		{ "nothing fits", SCHEME_AUTO, { "b.sql", "V1.sql", "a.sql", NULL },
		  "! name the names fit none of the schemes semver, timestamp and sequence: 'V1.sql', 'a.sql', 'b.sql'\n",
		  SCHEME_SEMVER },
		{ "many odd ones", SCHEME_AUTO,
		  { "a.sql", "b.sql", "c.sql", "d.sql", "e.sql", "f.sql", "g.sql", "h.sql", "i.sql", "j.sql", "k.sql", "l.sql", NULL },
		  "! name the names fit none of the schemes semver, timestamp and sequence: 'a.sql', 'b.sql', 'c.sql', 'd.sql', "
		  "'e.sql', 'f.sql', 'g.sql', 'h.sql', 'i.sql', 'j.sql' and 2 more\n", SCHEME_SEMVER },
		{ "asked for", SCHEME_SEQUENCE, { "1_a.sql", "x.sql", "1.0.0-001-a.sql", NULL },
		  "1 a 1_a.sql\n! name '1.0.0-001-a.sql' does not fit the scheme 'sequence'\n"
		  "! name 'x.sql' does not fit the scheme 'sequence'\n", SCHEME_SEQUENCE },
		{ "by the bytes of the name", SCHEME_FILENAME,
		  { "003_b.sql", "0003_a.sql", "20251018_c.sql", "V1.2.up.sql", "V1.2.down.sql", NULL },
		  "0003_a - 0003_a.sql\n003_b - 003_b.sql\n20251018_c - 20251018_c.sql\nV1.2 - V1.2.up.sql +V1.2.down.sql\n",
		  SCHEME_FILENAME },
	};

	check_cases(cases, sizeof cases / sizeof *cases);
}

static void the_hint_proposes_the_filename_scheme(void)
{
	static const char *const names[] = { "0003_a.sql", "003_b.sql", "20251018_c.sql", NULL };
	struct load l;

	TAP_EQ_STR(load_names(&l, "sqlite", SCHEME_AUTO, names),
	           "0003 a 0003_a.sql bad\n20251018 c 20251018_c.sql\n"
	           "! duplicate '0003_a.sql' and '003_b.sql' have the same version\n");
	TAP_OK(strstr(l.set.findings.v[0].hint, "--scheme filename") != NULL);
	TAP_EQ_INT(l.set.findings.v[0].code, DUNLIN_EXIT_INVALID);
	TAP_EQ_STR(l.set.findings.v[0].version, "0003");
	TAP_EQ_STR(l.set.findings.v[0].file, "003_b.sql");
	clear(&l);
}

static void duplicates_are_refused_by_both_names(void)
{
	static const struct names_case cases[] = {
		{ "equal numbers", SCHEME_AUTO, { "1.0.6-1-a.sql", "1.0.6-001-a.sql", NULL },
		  "1.0.6-001 a 1.0.6-001-a.sql bad\n! duplicate '1.0.6-001-a.sql' and '1.0.6-1-a.sql' have the same version\n",
		  SCHEME_SEMVER },
		{ "three of them", SCHEME_AUTO, { "1.0.6-001-a.sql", "1.0.6-001-b.sql", "1.0.6-001-c.sql", "1.0.7-001-d.sql", NULL },
		  "1.0.6-001 a 1.0.6-001-a.sql bad\n1.0.7-001 d 1.0.7-001-d.sql\n"
		  "! duplicate '1.0.6-001-a.sql' and '1.0.6-001-b.sql' have the same version\n"
		  "! duplicate '1.0.6-001-a.sql' and '1.0.6-001-c.sql' have the same version\n", SCHEME_SEMVER },
		{ "file and folder", SCHEME_AUTO, { "1.0.6-001-a.sql", "1.0.6-001-a/up.sql", NULL },
		  "1.0.6-001 a 1.0.6-001-a.sql bad\n! duplicate '1.0.6-001-a.sql' and '1.0.6-001-a/up.sql' are one migration, "
		  "and the first of them is whole by itself\n", SCHEME_SEMVER },
		{ "pair and folder", SCHEME_AUTO, { "1.0.6-001-a.up.sql", "1.0.6-001-a/up.sql", NULL },
		  "1.0.6-001 a 1.0.6-001-a/up.sql bad\n! duplicate '1.0.6-001-a.up.sql' and '1.0.6-001-a/up.sql' are the same "
		  "part of one migration\n", SCHEME_SEMVER },
		{ "a whole file and a down", SCHEME_AUTO, { "1.0.6-001-a.sql", "1.0.6-001-a.down.sql", NULL },
		  "1.0.6-001 a 1.0.6-001-a.sql +1.0.6-001-a.down.sql bad\n! duplicate '1.0.6-001-a.sql' and "
		  "'1.0.6-001-a.down.sql' are one migration, and the first of them is whole by itself\n", SCHEME_SEMVER },
		{ "letter case of repeatables", SCHEME_AUTO, { "R-a.sql", "R-A.sql", "R-b.sql", NULL },
		  "R-A A R-A.sql bad\nR-a a R-a.sql bad\nR-b b R-b.sql\n"
		  "! duplicate 'R-A.sql' and 'R-a.sql' have names that differ in letter case alone\n", SCHEME_SEMVER },
		{ "letter case of file names", SCHEME_FILENAME, { "A.sql", "a.sql", NULL },
		  "A - A.sql bad\na - a.sql bad\n! duplicate 'A.sql' and 'a.sql' have names that differ in letter case alone\n",
		  SCHEME_FILENAME },
	};

	check_cases(cases, sizeof cases / sizeof *cases);
}

static void the_drivers_own_file_goes_before_the_common_one(void)
{
	static const struct names_case cases[] = {
		{ "own single", SCHEME_AUTO, { "1.0.0-001-a.sql", "1.0.0-001-a.sqlite.sql", "1.0.0-001-a.mariadb.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sqlite.sql\n", SCHEME_SEMVER },
		{ "another's single", SCHEME_AUTO, { "1.0.0-001-a.sql", "1.0.0-001-a.mariadb.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sql\n", SCHEME_SEMVER },
		{ "own single for a common pair", SCHEME_AUTO,
		  { "1.0.0-001-a.up.sql", "1.0.0-001-a.down.sql", "1.0.0-001-a.sqlite.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sqlite.sql\n", SCHEME_SEMVER },
		{ "own pair for a common single", SCHEME_AUTO,
		  { "1.0.0-001-a.sql", "1.0.0-001-a.sqlite.up.sql", "1.0.0-001-a.sqlite.down.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sqlite.up.sql +1.0.0-001-a.sqlite.down.sql\n", SCHEME_SEMVER },
		{ "own up, common down", SCHEME_AUTO,
		  { "1.0.0-001-a/up.sql", "1.0.0-001-a/down.sql", "1.0.0-001-a/verify.sql", "1.0.0-001-a/up.sqlite.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a/up.sqlite.sql +1.0.0-001-a/down.sql +1.0.0-001-a/verify.sql\n", SCHEME_SEMVER },
		{ "common up, own down", SCHEME_AUTO,
		  { "1.0.0-001-a/up.sql", "1.0.0-001-a/down.sql", "1.0.0-001-a/down.sqlite.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a/up.sql +1.0.0-001-a/down.sqlite.sql\n", SCHEME_SEMVER },
		{ "common single, own down", SCHEME_AUTO, { "1.0.0-001-a.sql", "1.0.0-001-a.sqlite.down.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sql +1.0.0-001-a.sqlite.down.sql\n", SCHEME_SEMVER },
		{ "an up each, one down", SCHEME_AUTO,
		  { "1.0.0-001-a.sqlite.up.sql", "1.0.0-001-a.mariadb.up.sql", "1.0.0-001-a.down.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sqlite.up.sql +1.0.0-001-a.down.sql\n", SCHEME_SEMVER },
		{ "a driver that nobody knows", SCHEME_AUTO, { "1.0.0-001-a.sql", "1.0.0-001-a.oracle.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sql\n", SCHEME_SEMVER },
		{ "a slip is warned about", SCHEME_AUTO, { "1.0.0-001-a.sql", "1.0.0-001-a.sqllite.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sql\n! (warning) driver '1.0.0-001-a.sqllite.sql' is for a driver 'sqllite'; "
		  "'sqlite' may be meant\n", SCHEME_SEMVER },
		{ "repeatables too", SCHEME_AUTO, { "R-v.sqlite.sql", "R-v.postgresql.sql", "R-w/up.sql", NULL },
		  "R-v v R-v.sqlite.sql\nR-w w R-w/up.sql\n", SCHEME_SEMVER },
	};

	check_cases(cases, sizeof cases / sizeof *cases);
}

static void what_has_no_body_is_refused(void)
{
	static const struct names_case cases[] = {
		{ "no body for sqlite", SCHEME_AUTO, { "1.0.0-001-a.mariadb.sql", "1.0.0-001-a.postgresql.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.mariadb.sql bad\n! driver migration '1.0.0-001' has no body for driver 'sqlite'\n",
		  SCHEME_SEMVER },
		{ "a down alone", SCHEME_AUTO, { "1.0.0-001-a.down.sql", "1.0.0-002-b.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.down.sql +1.0.0-001-a.down.sql bad\n1.0.0-002 b 1.0.0-002-b.sql\n"
		  "! name '1.0.0-001-a.down.sql' has no up beside it\n", SCHEME_SEMVER },
		{ "another driver's down alone", SCHEME_AUTO, { "1.0.0-001-a.sqlite.up.sql", "1.0.0-001-a.mariadb.down.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sqlite.up.sql bad\n! name '1.0.0-001-a.mariadb.down.sql' has no up beside it\n",
		  SCHEME_SEMVER },
		{ "an up alone is fine", SCHEME_AUTO, { "1.0.0-001-a.up.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.up.sql\n", SCHEME_SEMVER },
		{ "an alias", SCHEME_AUTO, { "1.0.0-001-a.sql", "1.0.0-001-a.sqlite3.sql", NULL },
		  "1.0.0-001 a 1.0.0-001-a.sql\n! name '1.0.0-001-a.sqlite3.sql': 'sqlite3' is not the name of a driver, "
		  "'sqlite' is\n", SCHEME_SEMVER },
	};

	check_cases(cases, sizeof cases / sizeof *cases);
}

static void the_aliases_that_people_write_are_known(void)
{
	static const char *const aliases[][2] = {
		{ "postgres", "postgresql" }, { "pg", "postgresql" }, { "mysql", "mariadb" }, { "sqlite3", "sqlite" },
	};

	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		char name[64], want[32];
		const char *names[] = { name, NULL };
		struct load l;

		snprintf(name, sizeof name, "1.0.0-001-a.%s.sql", aliases[i][0]);
		snprintf(want, sizeof want, "Write it as '.%s.'.", aliases[i][1]);
		load_names(&l, "sqlite", SCHEME_AUTO, names);
		if (TAP_EQ_INT(l.set.findings.n, 1))
			TAP_EQ_STR(l.set.findings.v[0].hint, want);
		clear(&l);
	}
}

static void a_folder_is_loaded_with_its_scripts(void)
{
	struct load l;
	const struct migration *m;

	tree_enter();
	tree_write("m/1.0.0-001-a.sql", "-- dunlin:up\nCREATE TABLE a(x);\n-- dunlin:down\nDROP TABLE a;\n");
	tree_write("m/1.0.0-002-b/up.sql", "CREATE TABLE b(x);\n");
	tree_write("m/1.0.0-002-b/down.sql", "DROP TABLE b;\n");
	tree_write("m/R-v.sql", "CREATE VIEW v AS SELECT 1;\n");
	start(&l, "sqlite");
	TAP_EQ_STR(run(&l), "1.0.0-001 a m/1.0.0-001-a.sql\n1.0.0-002 b m/1.0.0-002-b/up.sql +m/1.0.0-002-b/down.sql\n"
	           "R-v v m/R-v.sql\n");
	m = migration_set_find(&l.set, "", "1.0.0-2");
	if (TAP_OK(m != NULL)) {
		TAP_EQ_STR(m->version, "1.0.0-002");
		TAP_OK(m->script.section[SECTION_UP].is_present && m->script.section[SECTION_DOWN].is_present);
		TAP_EQ_STR(m->script.section[SECTION_DOWN].in.name, "m/1.0.0-002-b/down.sql");
		TAP_OK(strncmp(m->script.checksum, "sha256:", 7) == 0);
	}
	clear(&l);
	/* A trailing slash is not doubled. */
	start(&l, "sqlite");
	l.source[0].dir = "m/";
	l.o.is_names_only = 1;
	run(&l);
	TAP_EQ_STR(l.set.m[0].file, "m/1.0.0-001-a.sql");
	TAP_EQ_STR(l.set.m[0].script.checksum, "");
	clear(&l);
	tree_leave();
}

static void a_bad_file_is_a_finding_and_the_others_are_loaded(void)
{
	struct load l;

	tree_enter();
	tree_write_bytes("m/1.0.0-001-a.sql", "SELECT \0 1;\n", 12);
	tree_write("m/1.0.0-002-b.sql", "SELECT 2;\n");
	tree_write("m/1.0.0-003-c.sql", "SELECT 3;\n");
	start(&l, "sqlite");
	l.source[0].component = "auth";
	run(&l);
	TAP_EQ_INT(l.rc, 0);
	TAP_EQ_INT(l.set.n, 3);
	TAP_EQ_INT(l.set.m[0].is_bad, 1);
	TAP_EQ_INT(l.set.m[1].is_bad, 0);
	TAP_EQ_INT(l.set.findings.n, 1);
	TAP_EQ_STR(l.set.findings.v[0].kind, "file");
	TAP_EQ_STR(l.set.findings.v[0].file, "m/1.0.0-001-a.sql");
	TAP_EQ_STR(l.set.findings.v[0].version, "1.0.0-001");
	TAP_EQ_STR(l.set.findings.v[0].component, "auth");
	TAP_EQ_INT(l.set.findings.v[0].line, 1);
	TAP_EQ_INT(l.set.findings.v[0].code, DUNLIN_EXIT_INVALID);
	clear(&l);
	tree_leave();
}

static void sources_keep_their_order_and_their_schemes(void)
{
	struct load l;
	const struct migration *m;

	tree_enter();
	tree_write("pkg/001_z.sql", "SELECT 1;\n");
	tree_write("pkg/R-p.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-001-a.sql", "SELECT 1;\n");
	start(&l, "sqlite");
	l.o.n_source = 2;
	l.source[0] = (struct source){ .component = "pkg", .dir = "pkg" };
	l.source[1] = (struct source){ .component = "", .dir = "m" };
	TAP_EQ_STR(run(&l), "pkg@001 z pkg/001_z.sql\npkg@R-p p pkg/R-p.sql\n1.0.0-001 a m/1.0.0-001-a.sql\n");
	TAP_EQ_INT(migration_set_scheme(&l.set, "pkg"), SCHEME_SEQUENCE);
	TAP_EQ_INT(migration_set_scheme(&l.set, ""), SCHEME_SEMVER);
	TAP_EQ_INT(migration_set_scheme(&l.set, "x"), SCHEME_SEMVER);
	TAP_EQ_STR(migration_kind_name(l.set.m[0].kind), "versioned");
	TAP_EQ_STR(migration_kind_name(l.set.m[1].kind), "repeatable");
	TAP_EQ_INT(l.set.m[2].source, 1);
	m = migration_set_find(&l.set, "pkg", "1");
	TAP_OK(m == &l.set.m[0]);
	TAP_OK(migration_set_find(&l.set, "pkg", "R-p") == &l.set.m[1]);
	TAP_OK(migration_set_find(&l.set, "pkg", "1.0.0-001") == NULL);
	TAP_OK(migration_set_find(&l.set, "", "1.0.0-01") == &l.set.m[2]);
	TAP_OK(migration_set_find(&l.set, "", "R-p") == NULL);
	TAP_OK(migration_set_find(&l.set, "x", "1") == NULL);
	clear(&l);
	/* The same component in two folders: the versions must differ. */
	tree_write("n/1.0.0-1-b.sql", "SELECT 1;\n");
	tree_write("n/1.0.0-002-c.sql", "SELECT 1;\n");
	start(&l, "sqlite");
	l.o.n_source = 2;
	l.source[1] = (struct source){ .component = "", .dir = "n" };
	TAP_EQ_STR(run(&l), "1.0.0-001 a m/1.0.0-001-a.sql bad\n1.0.0-1 b n/1.0.0-1-b.sql bad\n1.0.0-002 c n/1.0.0-002-c.sql\n"
	           "! duplicate 'm/1.0.0-001-a.sql' and 'n/1.0.0-1-b.sql' have the same version\n");
	TAP_OK(migration_set_find(&l.set, "", "1.0.0-002") == &l.set.m[2]);
	clear(&l);
	tree_leave();
}

static void every_migration_of_a_large_set_is_found(void)
{
	static char names[FILES_MAX][32];
	const char *list[FILES_MAX + 1] = { NULL };

	for (int n = 1; n <= FILES_MAX; n++) {
		struct load l;

		for (int i = 0; i < n; i++) {
			if (i % 4 == 3)
				snprintf(names[i], sizeof names[i], "R-%02d.sql", i);
			else
				snprintf(names[i], sizeof names[i], "1.0.%d-001-a.sql", 2 * i);
			list[i] = names[i];
		}
		load_names(&l, "sqlite", SCHEME_AUTO, list);
		TAP_EQ_INT(l.set.n, n);
		for (size_t i = 0; i < l.set.n; i++)
			TAP_OK(migration_set_find(&l.set, "", l.set.m[i].version) == &l.set.m[i]);
		for (int i = -1; i <= n; i++) {
			char version[32];

			snprintf(version, sizeof version, "1.0.%d-001", 2 * i + 1);
			TAP_OK(migration_set_find(&l.set, "", version) == NULL);
			snprintf(version, sizeof version, "R-%02d+", i);
			TAP_OK(migration_set_find(&l.set, "", version) == NULL);
		}
		clear(&l);
	}
}

static const char *const *extra(void *arg, const char *component, const char *version)
{
	static const char *const irreversible[] = { "irreversible", NULL };

	(void)component;
	return strcmp(version, arg) == 0 ? irreversible : NULL;
}

static void directives_from_outside_reach_their_migration(void)
{
	struct load l;

	tree_enter();
	tree_write("m/1.0.0-001-a.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-002-b.sql", "SELECT 1;\n");
	start(&l, "sqlite");
	l.o.extra = extra;
	l.o.extra_arg = (char[]){ "1.0.0-002" };
	run(&l);
	if (TAP_EQ_INT(l.set.n, 2)) {
		TAP_EQ_INT(l.set.m[0].script.section[SECTION_UP].d.is_irreversible, 0);
		TAP_EQ_INT(l.set.m[1].script.section[SECTION_UP].d.is_irreversible, 1);
	}
	clear(&l);
	tree_leave();
}

static void a_missing_folder_stops_the_loading(void)
{
	struct load l;

	tree_enter();
	tree_write("m/1.0.0-001-a.sql", "SELECT 1;\n");
	start(&l, "sqlite");
	l.o.n_source = 2;
	l.source[1] = (struct source){ .component = "x", .dir = "gone" };
	TAP_EQ_STR(run(&l), "no folder 'gone'");
	TAP_EQ_INT(l.err.code, DUNLIN_EXIT_USAGE);
	TAP_OK(l.set.m == NULL);
	clear(&l);
	tree_leave();
}

static void every_failed_allocation_stops_the_loading(void)
{
	int done = 0;
	unsigned long i;

	tree_enter();
	tree_write("m/1.0.0-001-a.sql", "-- dunlin:up\nSELECT 1;\n-- dunlin:down\nSELECT 2;\n");
	tree_write("m/1.0.0-002-b/up.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-002-b/down.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-003-c.mariadb.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-004-d.sqllite.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-004-d.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-4-e.sql", "SELECT 1;\n");
	tree_write_bytes("m/1.0.0-005-e.sql", "\0", 1);
	tree_write("m/R-a.sql", "SELECT 1;\n");
	tree_write("m/R-A.sql", "SELECT 1;\n");
	tree_write("m/notes.sql", "SELECT 1;\n");
	for (i = 1; !done && i < 5000; i++) {
		struct load l;

		start(&l, "sqlite");
		mem_fail_at(i, 0);
		l.rc = migration_set_load(&l.set, &l.o, &l.err);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		if (l.rc < 0) {
			if (!TAP_EQ_STR(l.err.message, "out of memory"))
				tap_note("allocation %lu", i);
		} else if (done) {
			TAP_EQ_INT(l.set.n, 7);
			TAP_EQ_INT(l.set.findings.n, 6);
			if (l.set.findings.n != 6)
				tap_note("%s", describe(&l));
		}
		clear(&l);
	}
	TAP_OK(done && i > 20);
	tree_leave();
}

static void every_failed_allocation_stops_the_guessing(void)
{
	static const char *const names[] = { "1_a.sql", "2_b.sql", "x.sql", "R-a.sql", NULL };
	int done = 0;
	unsigned long i;

	for (i = 1; !done && i < 1000; i++) {
		struct load l;

		mem_fail_at(i, 0);
		load_names(&l, "sqlite", SCHEME_AUTO, names);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		if (l.rc < 0)
			TAP_EQ_STR(l.err.message, "out of memory");
		else if (done)
			TAP_EQ_INT(l.set.n, 3);
		clear(&l);
	}
	TAP_OK(done && i > 5);
}

static void a_hundred_thousand_names_take_less_than_a_second(void)
{
	enum { COUNT = 100000 };
	struct dunlin_file *files = calloc(COUNT, sizeof *files);
	char (*names)[32] = calloc(COUNT, sizeof *names);
	struct timespec a, b;
	struct load l;
	double took;

	if (!TAP_OK(files && names))
		goto out;
	for (unsigned i = 0; i < COUNT; i++) {
		/* In no order, each once: 7919 and 100000 have no common divisor. */
		unsigned k = (unsigned)((uint64_t)i * 7919 % COUNT);

		snprintf(names[i], sizeof names[i], "1.%u.%u-%03u-name.sql", k / 10000, k / 100 % 100, k % 100);
		files[i] = (struct dunlin_file){ names[i], "SELECT 1;\n", 10 };
	}
	start(&l, "sqlite");
	l.o.is_names_only = 1;
	l.source[0] = (struct source){ .component = "", .file = files, .n_file = COUNT };
	clock_gettime(CLOCK_MONOTONIC, &a);
	run(&l);
	clock_gettime(CLOCK_MONOTONIC, &b);
	took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	tap_note("%d names in %.3f s", COUNT, took);
	TAP_EQ_INT(l.set.n, COUNT);
	TAP_EQ_INT(l.set.findings.n, 0);
	TAP_EQ_STR(l.set.m[0].version, "1.0.0-000");
	TAP_EQ_STR(l.set.m[COUNT - 1].version, "1.9.99-099");
	/* Sanitizers cost a lot; this only catches what is not linear. */
	TAP_OK(took < 10);
	clear(&l);
out:
	free(files);
	free(names);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "the_first_scheme_that_fits_every_file_is_taken", the_first_scheme_that_fits_every_file_is_taken },
		{ "the_hint_proposes_the_filename_scheme", the_hint_proposes_the_filename_scheme },
		{ "duplicates_are_refused_by_both_names", duplicates_are_refused_by_both_names },
		{ "the_drivers_own_file_goes_before_the_common_one", the_drivers_own_file_goes_before_the_common_one },
		{ "what_has_no_body_is_refused", what_has_no_body_is_refused },
		{ "the_aliases_that_people_write_are_known", the_aliases_that_people_write_are_known },
		{ "a_folder_is_loaded_with_its_scripts", a_folder_is_loaded_with_its_scripts },
		{ "a_bad_file_is_a_finding_and_the_others_are_loaded", a_bad_file_is_a_finding_and_the_others_are_loaded },
		{ "sources_keep_their_order_and_their_schemes", sources_keep_their_order_and_their_schemes },
		{ "every_migration_of_a_large_set_is_found", every_migration_of_a_large_set_is_found },
		{ "directives_from_outside_reach_their_migration", directives_from_outside_reach_their_migration },
		{ "a_missing_folder_stops_the_loading", a_missing_folder_stops_the_loading },
		{ "every_failed_allocation_stops_the_loading", every_failed_allocation_stops_the_loading },
		{ "every_failed_allocation_stops_the_guessing", every_failed_allocation_stops_the_guessing },
		{ "a_hundred_thousand_names_take_less_than_a_second", a_hundred_thousand_names_take_less_than_a_second },
	};

	return tap_main("source", tests, sizeof tests / sizeof *tests);
}
