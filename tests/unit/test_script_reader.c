/*
 * test_script_reader.c - a section's statements again, and the proof that the
 * bytes are those that were loaded.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "script_text.h"
#include "tree.h"

#define N(a) (sizeof (a) / sizeof *(a))

struct loaded {
	struct script s;
	struct arena a;
};

static int load(struct loaded *l, const struct script_env *env, const struct input *in, enum script_role role)
{
	struct dunlin_error err = { 0 };
	int rc;

	memset(l, 0, sizeof *l);
	rc = script_load(&l->s, &l->a, env, in, role, &err);
	if (!TAP_EQ_INT(rc, 0))
		tap_note("%u:%u: %s", err.line, err.column, err.message);
	return rc;
}

static void check(const char *driver, enum section_kind kind, int is_raw, const char *text, const char *want)
{
	struct script_env env = script_env_of(driver);
	struct input in = script_input(text, strlen(text));
	struct buf got = BUF_INIT;
	struct loaded l;

	env.is_kept_raw = is_raw;
	if (load(&l, &env, &in, SCRIPT_SINGLE) == 0) {
		script_statements_text(&got, &env, &l.s.section[kind], 1);
		if (!TAP_EQ_STR(got.p ? got.p : "", want))
			tap_note("of: %s", text);
	}
	buf_clear(&got);
	arena_clear(&l.a);
}

static void statements_come_as_the_driver_sees_them(void)
{
	static const struct { const char *driver; enum section_kind kind; const char *text, *want; } cases[] = {
		{ "sqlite", SECTION_UP, "", "" },
		{ "sqlite", SECTION_UP, "\xef\xbb\xbfSELECT 1;\r\n  SELECT\r\n 2", "3+8 1:1 [SELECT 1]\n16+10 2:3 [SELECT\r\n 2]\n" },
		{ "sqlite", SECTION_DOWN, "-- dunlin:up\nx;\n-- dunlin:down\ny; -- after\nz", "31+1 4:1 [y]\n34+10 4:4 [-- after\nz]\n" },
		{ "sqlite", SECTION_UP, "PRAGMA foreign_keys=OFF;\nBEGIN;\nPRAGMA x=1;\nSELECT 1;\nCOMMIT;\nPRAGMA foreign_keys=ON;\n",
		  "0+23 1:1 edge [PRAGMA foreign_keys=OFF]\n25+5 2:1 own [BEGIN]\n32+10 3:1 [PRAGMA x=1]\n44+8 4:1 [SELECT 1]\n"
		  "54+6 5:1 own [COMMIT]\n62+22 6:1 edge [PRAGMA foreign_keys=ON]\n" },
		{ "sqlite", SECTION_UP, "-- dunlin:no-transaction\nPRAGMA foreign_keys=OFF;\nBEGIN;\nCOMMIT;\n",
		  "25+23 2:1 [PRAGMA foreign_keys=OFF]\n50+5 3:1 [BEGIN]\n57+6 4:1 [COMMIT]\n" },
		/* Lines for others go, and leave their place. */
		{ "sqlite", SECTION_UP, "CREATE TABLE t (\n-- dunlin:only sqlite\n a INT,\n-- dunlin:end\n-- dunlin:except sqlite\n"
		  " a BIGINT, '\n-- dunlin:end\n b TEXT\n);\n",
		  "0+39 1:1 [CREATE TABLE t (\n\n a INT,\n\n\n\n\n b TEXT\n)]\n" },
		{ "postgresql", SECTION_UP, "CREATE TABLE t (\n-- dunlin:only sqlite\n a INT,\n-- dunlin:end\n-- dunlin:except sqlite\n"
		  " a BIGINT,\n-- dunlin:end\n b TEXT\n);\n",
		  "0+42 1:1 [CREATE TABLE t (\n\n\n\n\n a BIGINT,\n\n b TEXT\n)]\n" },
		{ "sqlite", SECTION_UP, "-- dunlin:only mariadb\n'\n-- dunlin:end\nSELECT 1;", "39+8 4:1 [SELECT 1]\n" },
		{ "sqlite", SECTION_UP, "-- dunlin:only mariadb\n-- dunlin:nonsense\n-- dunlin:only sqlite\n-- dunlin:end", "" },
		{ "sqlite", SECTION_UP, "-- dunlin:statement-begin\nSELECT 1; SELECT 2;\n-- dunlin:statement-end\nSELECT 3;",
		  "26+19 2:1 [SELECT 1; SELECT 2;]\n70+8 4:1 [SELECT 3]\n" },
		{ "postgresql", SECTION_UP, "COPY t FROM stdin;\n1\ta\n-- dunlin:down\n\\.\nSELECT 1;\n",
		  "0+17 1:1 [COPY t FROM stdin] data [1\ta\n-- dunlin:down\n]\n41+8 5:1 [SELECT 1]\n" },
		{ "postgresql", SECTION_UP, "-- dunlin:placeholders\nSELECT '${owner}', '$${owner}';\n  SELECT ${bool}",
		  "23+25 2:1 [SELECT 'anna', '${owner}']\n52+14 3:3 [SELECT boolean]\n" },
		{ "sqlite", SECTION_UP, "-- dunlin:placeholders\n${two};", "23+8 2:1 [SELECT 1]\n33+8 2:11 [SELECT 2]\n" },
		{ "sqlite", SECTION_UP, "-- dunlin:placeholders\nSELECT '${looks} ${env.HOME}';", "23+23 2:1 [SELECT '${owner} /home']\n" },
		{ "mariadb", SECTION_DOWN, "-- dunlin:up\nDELIMITER //\nSELECT 1//\n-- dunlin:down\nSELECT 1//\nSELECT 2;",
		  "52+19 5:1 [SELECT 1//\nSELECT 2]\n" },
	};

	for (size_t i = 0; i < N(cases); i++)
		check(cases[i].driver, cases[i].kind, 0, cases[i].text, cases[i].want);
}

static void looking_shows_placeholders_as_they_stand(void)
{
	static const char text[] = "-- dunlin:placeholders\nSELECT '${who}', '$${x}', ${y};\nSELECT ${two};\nCOMMIT;\n";

	check("postgresql", SECTION_UP, 1, text,
	      "23+30 2:1 [SELECT '${who}', '$${x}', ${y}]\n55+13 3:1 [SELECT ${two}]\n70+6 4:1 own [COMMIT]\n");
}

/* --- files that change ------------------------------------------------------------- */

static struct input file(const char *path)
{
	return (struct input){ .name = path, .dirfd = AT_FDCWD, .path = path };
}

static void bytes_that_change_after_loading_are_noticed(void)
{
	static const struct { const char *before, *after; enum section_kind kind; int is_noticed; } cases[] = {
		{ "SELECT 1;\n", "SELECT 1;\n", SECTION_UP, 0 },
		{ "SELECT 1;\n", "SELECT 2;\n", SECTION_UP, 1 },
		{ "SELECT 1;\n", "SELECT 1; \n", SECTION_UP, 1 },
		{ "SELECT 1;\n", "SELECT 1;", SECTION_UP, 1 },
		{ "SELECT 1;\n", "", SECTION_UP, 1 },
		{ "SELECT 1;\n", "SELECT 1;\r\n", SECTION_UP, 1 },
		{ "SELECT 1;\n-- a\n", "SELECT 1;\n-- b\n", SECTION_UP, 1 },
		{ "SELECT 1;\n", "SELECT '\n", SECTION_UP, 1 },                 /* not: unterminated */
		{ "SELECT 1;\n-- x\n", "SELECT 1;\n-- dunlin:nonsense\n", SECTION_UP, 1 },
		{ "SELECT 1;\n-- longer than that\n", "SELECT 1;\n-- dunlin:down    \n", SECTION_UP, 1 },
		/* What is not in the section is not its business. */
		{ "-- dunlin:up\nx;\n-- dunlin:down\ny;\n", "-- dunlin:up\nx;\n-- dunlin:down\nz;\n", SECTION_UP, 0 },
		{ "-- dunlin:up\nx;\n-- dunlin:down\ny;\n", "-- dunlin:up\nx;\n-- dunlin:down\nz;\n", SECTION_DOWN, 1 },
		{ "-- dunlin:up\nx;\n-- dunlin:down\ny;\n", "-- dunlin:up\nx;x;\n-- dunlin:down\ny;\n", SECTION_DOWN, 1 },
	};
	struct script_env env = script_env_of("sqlite");

	tree_enter();
	for (size_t i = 0; i < N(cases); i++) {
		struct input in = file("a.sql");
		struct buf got = BUF_INIT;
		struct loaded l;

		tree_write("a.sql", cases[i].before);
		if (load(&l, &env, &in, SCRIPT_SINGLE) == 0) {
			tree_write("a.sql", cases[i].after);
			if (!TAP_EQ_INT(script_statements_text(&got, &env, &l.s.section[cases[i].kind], 0), cases[i].is_noticed ? -1 : 0) ||
			    !TAP_EQ_INT(got.p && strstr(got.p, "0:0: 'a.sql' changed while it was being applied") != NULL, cases[i].is_noticed))
				tap_note("case %zu: %s", i, got.p ? got.p : "");
		}
		buf_clear(&got);
		arena_clear(&l.a);
	}
	tree_leave();
}

/* The bytes are the same, and what they mean is not. */
static void values_that_make_other_statements_are_noticed(void)
{
	static const char text[] = "-- dunlin:placeholders\n${two};\n";
	struct script_env env = script_env_of("sqlite");
	struct input in = script_input(text, sizeof text - 1);
	struct buf got = BUF_INIT;
	const char *value = script_values[1].value;
	struct loaded l;

	if (load(&l, &env, &in, SCRIPT_SINGLE) == 0) {
		script_values[1].value = "SELECT 1";
		TAP_EQ_INT(script_statements_text(&got, &env, &l.s.section[SECTION_UP], 0), -1);
		TAP_EQ_STR(got.p, "[SELECT 1]\n0:0: 'a.sql' changed while it was being applied");
		script_values[1].value = value;
	}
	buf_clear(&got);
	arena_clear(&l.a);
}

static void an_environment_that_is_not_there_is_told_when_it_runs(void)
{
	static const char text[] = "-- dunlin:placeholders\nSELECT 1;\nSELECT '${env.NONE}';\n";
	struct script_env env = script_env_of("sqlite");
	struct input in = script_input(text, sizeof text - 1);
	struct buf got = BUF_INIT;
	struct loaded l;

	if (load(&l, &env, &in, SCRIPT_DOWN) == 0) {
		TAP_EQ_INT(script_statements_text(&got, &env, &l.s.section[SECTION_DOWN], 0), -1);
		TAP_EQ_STR(got.p, "3:9: unknown placeholder '${env.NONE}'");
	}
	buf_clear(&got);
	arena_clear(&l.a);
}

static void a_file_that_is_gone_is_told(void)
{
	struct script_env env = script_env_of("sqlite");
	struct input in = file("a.sql");
	struct buf got = BUF_INIT;
	struct loaded l;

	tree_enter();
	tree_write("a.sql", "SELECT 1;");
	if (load(&l, &env, &in, SCRIPT_SINGLE) == 0) {
		unlink("a.sql");
		TAP_EQ_INT(script_statements_text(&got, &env, &l.s.section[SECTION_UP], 0), -1);
		TAP_EQ_STR(got.p, "0:0: cannot open 'a.sql': No such file or directory");
	}
	buf_clear(&got);
	arena_clear(&l.a);
	tree_leave();
}

/* --- large files ---------------------------------------------------------------------- */

/* Longer than what is read at once, with sections whose borders fall anywhere. */
static void large_files_stream_whatever_their_sections(void)
{
	static const char *const heads[] = { "", "-- dunlin:up\n", "\xef\xbb\xbf", "-- dunlin:placeholders\n-- dunlin:up\n" };
	struct script_env env = script_env_of("sqlite");

	tree_enter();
	for (size_t i = 0; i < N(heads); i++) {
		int has_down = heads[i][0] == '-';
		struct input in = file("big.sql");
		struct buf text = BUF_INIT, down = BUF_INIT;
		struct script_reader *r = NULL;
		struct script_statement st;
		struct dunlin_error err = { 0 };
		struct content_hash h;
		char want[SHA256_TEXT];
		struct loaded l;
		int rc = -1;
		int64_t n = 0;

		buf_adds(&text, heads[i]);
		for (int k = 0; k < 20000; k++)
			buf_addf(&text, "INSERT INTO t VALUES (%d, '%.*s');\n", k, k % 40, "ssssssssssssssssssssssssssssssssssssssss");
		if (has_down)
			buf_adds(&text, "-- dunlin:down\nDELETE FROM t;\n");
		if (!TAP_OK(text.len > 800000))
			break;
		tree_write("big.sql", text.p);
		content_hash_start(&h);
		content_hash_add(&h, text.p, text.len);
		content_hash_text(&h, want);
		if (load(&l, &env, &in, SCRIPT_SINGLE) == 0) {
			TAP_EQ_STR(l.s.checksum, want);
			TAP_EQ_INT(l.s.section[SECTION_UP].n_statements, 20000);
			rc = script_reader_open(&r, &env, &l.s.section[SECTION_UP], &err);
			while (rc >= 0 && (rc = script_reader_next(r, &st, &err)) > 0) {
				if (st.index == 19999) {
					TAP_EQ_MEM(st.st.text, 27, "INSERT INTO t VALUES (19999", 27);
					TAP_EQ_INT(st.st.line, 20000 + has_down + (i == 3));
				}
				n++;
			}
			TAP_EQ_INT(rc, 0);
			TAP_EQ_INT(n, 20000);
			script_reader_close(r);
			if (has_down) {
				script_statements_text(&down, &env, &l.s.section[SECTION_DOWN], 0);
				TAP_EQ_STR(down.p, "[DELETE FROM t]\n");
			}
		}
		buf_clear(&text);
		buf_clear(&down);
		arena_clear(&l.a);
	}
	tree_leave();
}

/* --- the part that has run ----------------------------------------------------------------- */

static void prefix_of(const char *text, int64_t k, char out[SHA256_TEXT])
{
	struct script_env env = script_env_of("sqlite");
	struct input in = script_input(text, strlen(text));
	struct dunlin_error err = { 0 };
	struct loaded l;

	memset(out, 0, SHA256_TEXT);
	if (load(&l, &env, &in, SCRIPT_SINGLE) == 0)
		TAP_EQ_INT(script_prefix_sum(&env, &l.s.section[SECTION_UP], k, out, &err), 0);
	arena_clear(&l.a);
}

static void a_prefix_holds_while_its_statements_do(void)
{
#define THREE "CREATE TABLE a (x);\nCREATE TABLE b (x);\nCREATE TABLE c (x);\n"
	static const struct { const char *a, *b; int64_t k; int is_same; } cases[] = {
		{ THREE, "-- more\nCREATE TABLE a  (x) ;\r\nCREATE TABLE b (x);\nDROP TABLE c;\n", 2, 1 },
		{ THREE, "CREATE TABLE a (x);\nCREATE TABLE b (x);\n", 2, 1 },
		{ THREE, "CREATE TABLE a (x);\nCREATE TABLE b (x);\n", 3, 0 },
		{ THREE, "CREATE TABLE a (y);\nCREATE TABLE b (x);\n", 2, 0 },
		{ THREE, "CREATE TABLE z (y);\n", 0, 1 },
		{ THREE, "CREATE TABLE b (x);\nCREATE TABLE a (x);\n", 2, 0 },
		{ "-- dunlin:placeholders\nSELECT '${owner}';", "SELECT 'anna';", 1, 1 },
	};

	for (size_t i = 0; i < N(cases); i++) {
		char a[SHA256_TEXT], b[SHA256_TEXT];

		prefix_of(cases[i].a, cases[i].k, a);
		prefix_of(cases[i].b, cases[i].k, b);
		if (!TAP_EQ_INT(strcmp(a, b) == 0, cases[i].is_same))
			tap_note("case %zu", i);
	}
}

/* --- memory ------------------------------------------------------------------------------ */

static void every_failing_allocation_is_told(void)
{
	static const char text[] =
		"-- dunlin:placeholders\n-- dunlin:only mariadb\nx\n-- dunlin:end\nCREATE TABLE t (\n-- dunlin:allow x\nid ${pk});\nSELECT 1;\n";

	for (int is_raw = 0; is_raw < 2; is_raw++) {
		struct script_env env = script_env_of("sqlite");
		struct input in = script_input(text, sizeof text - 1);
		struct loaded l;
		int rc = -1;
		unsigned long n;

		env.is_kept_raw = is_raw;
		if (load(&l, &env, &in, SCRIPT_SINGLE) < 0)
			return;
		for (n = 1; rc < 0 && n < 1000; n++) {
			struct script_reader *r = NULL;
			struct script_statement st;
			struct dunlin_error err = { 0 };
			char sum[SHA256_TEXT];

			mem_fail_at(n, 1);
			rc = script_reader_open(&r, &env, &l.s.section[SECTION_UP], &err);
			while (rc >= 0 && (rc = script_reader_next(r, &st, &err)) > 0)
				;
			mem_fail_at(0, 0);
			if (rc < 0)
				TAP_EQ_STR(err.message, "out of memory");
			script_reader_close(r);
			mem_fail_at(n, 1);
			if (script_prefix_sum(&env, &l.s.section[SECTION_UP], 2, sum, &err) < 0)
				TAP_EQ_STR(err.message, "out of memory");
			mem_fail_at(0, 0);
		}
		TAP_EQ_INT(rc, 0);
		TAP_OK(n > 5);
		arena_clear(&l.a);
	}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "statements come as the driver sees them", statements_come_as_the_driver_sees_them },
		{ "looking shows placeholders as they stand", looking_shows_placeholders_as_they_stand },
		{ "bytes that change after loading are noticed", bytes_that_change_after_loading_are_noticed },
		{ "values that make other statements are noticed", values_that_make_other_statements_are_noticed },
		{ "an environment that is not there is told when it runs", an_environment_that_is_not_there_is_told_when_it_runs },
		{ "a file that is gone is told", a_file_that_is_gone_is_told },
		{ "large files stream whatever their sections", large_files_stream_whatever_their_sections },
		{ "a prefix holds while its statements do", a_prefix_holds_while_its_statements_do },
		{ "every failing allocation is told", every_failing_allocation_is_told },
	};

	return tap_main("script_reader", tests, N(tests));
}
