/*
 * test_script_down.c - a down section as the ledger keeps it, and read again.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "script_text.h"
#include "tree.h"

#define N(a) (sizeof (a) / sizeof *(a))

/* The kept text of a file, by mem_alloc; NULL: no down, or an error in *b. */
static char *kept_of(const struct script_env *env, enum script_role role, const char *text, size_t *len, struct buf *b)
{
	struct input in = script_input(text, strlen(text));
	struct dunlin_error err = { 0 };
	struct script s = { 0 };
	struct arena a = { 0 };
	char *kept = NULL;

	*len = 0;
	if (script_load(&s, &a, env, &in, role, &err) < 0 || script_down_text(env, &s, &kept, len, &err) < 0)
		script_error_text(b, &err);
	arena_clear(&a);
	return kept;
}

static void what_is_kept_is_directives_and_what_was_meant(void)
{
	static const struct { const char *driver, *text, *want; enum script_role role; } cases[] = {
		{ "sqlite", "SELECT 1;\n", NULL, SCRIPT_SINGLE },
		{ "sqlite", "-- dunlin:up\nx;\n-- dunlin:down\n", "", SCRIPT_SINGLE },
		{ "sqlite", "DROP TABLE t; -- gone\n", "DROP TABLE t; -- gone\n", SCRIPT_DOWN },
		{ "sqlite", "\xef\xbb\xbf" "DROP TABLE t;\r\n", "DROP TABLE t;\r\n", SCRIPT_DOWN },
		{ "sqlite", "-- dunlin:no-transaction\n-- dunlin:up\nx;\n-- dunlin:down\n-- dunlin:lock-timeout  2s\nDROP TABLE t;\n-- dunlin:verify\ny;\n",
		  "-- dunlin:no-transaction\n-- dunlin:lock-timeout 2s\n\nDROP TABLE t;\n", SCRIPT_SINGLE },
		{ "sqlite", "\xef\xbb\xbf-- dunlin:allow x\r\nDROP TABLE t;\r\n", "-- dunlin:allow x\n\nDROP TABLE t;\r\n", SCRIPT_DOWN },
		{ "sqlite", "\xef\xbb\xbf\xef\xbb\xbfx;\n", "\n\xef\xbb\xbfx;\n", SCRIPT_DOWN },
		{ "sqlite", "-- dunlin:up\nx;\n-- dunlin:down\n\xef\xbb\xbfx;\n", "\n\xef\xbb\xbfx;\n", SCRIPT_SINGLE },
		/* Lines for others go, and so do the lines that say so. */
		{ "sqlite", "a;\n-- dunlin:only mariadb\nb;\n-- dunlin:allow x\n-- dunlin:end\n-- dunlin:only sqlite\nc;\n-- dunlin:end\nd\n-- dunlin:except sqlite\n'\n-- dunlin:end",
		  "a;\n\n\n\n\n\nc;\n\nd\n\n\n", SCRIPT_DOWN },
		{ "mariadb", "a\n-- dunlin:only mariadb\n, b\n-- dunlin:end\n-- dunlin:only sqlite\n, c\n-- dunlin:end\n;\n", "a\n\n, b\n\n\n\n\n;\n", SCRIPT_DOWN },
		{ "postgresql", "-- dunlin:statement-begin\na; b;\n-- dunlin:only sqlite\n-- dunlin:statement-end\nc;\n",
		  "-- dunlin:statement-begin\na; b;\n-- dunlin:only sqlite\n-- dunlin:statement-end\nc;\n", SCRIPT_DOWN },
		{ "postgresql", "SELECT '\n-- dunlin:down\n';\n", "SELECT '\n-- dunlin:down\n';\n", SCRIPT_DOWN },
		{ "postgresql", "COPY t FROM stdin;\n1\t-- dunlin:end\n-- x\n\\.\nSELECT 1;\n", "COPY t FROM stdin;\n1\t-- dunlin:end\n-- x\n\\.\nSELECT 1;\n", SCRIPT_DOWN },
		/* Placeholders are replaced but for the environment's. */
		{ "sqlite", "-- dunlin:placeholders\nSELECT '${owner}', '${env.HOME}', '${env.NONE}', '$${x}', '${looks}';\n",
		  "-- dunlin:placeholders\n\nSELECT 'anna', '${env.HOME}', '${env.NONE}', '$${x}', '$${owner}';\n", SCRIPT_DOWN },
		{ "sqlite", "SELECT '${owner}';\n", "SELECT '${owner}';\n", SCRIPT_DOWN },
		{ "sqlite", "-- dunlin:placeholders\n-- dunlin:only mariadb\n${who}\n-- dunlin:end\n${two};\n",
		  "-- dunlin:placeholders\n\n\n\n\nSELECT 1; SELECT 2;\n", SCRIPT_DOWN },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct script_env env = script_env_of(cases[i].driver);
		struct buf error = BUF_INIT;
		size_t len;
		char *kept = kept_of(&env, cases[i].role, cases[i].text, &len, &error);

		if (!TAP_EQ_STR(kept, cases[i].want) || !TAP_EQ_STR(error.p, NULL))
			tap_note("of: %s", cases[i].text);
		TAP_EQ_INT(len, kept ? strlen(kept) : 0);
		buf_clear(&error);
		mem_free(kept);
	}
}

static void dunlin_inis_directives_are_kept_too(void)
{
	static const char *const extra[] = { "no-transaction", NULL };
	struct script_env env = script_env_of("sqlite");
	struct buf error = BUF_INIT;
	size_t len;
	char *kept;

	env.extra = extra;
	kept = kept_of(&env, SCRIPT_DOWN, "VACUUM;\n", &len, &error);
	TAP_EQ_STR(kept, "-- dunlin:no-transaction\nVACUUM;\n");
	mem_free(kept);
	buf_clear(&error);
}

/* Everything that the runner would see: statements, marks, COPY data, directives. */
static void describe(struct buf *b, const struct script_env *env, const struct script_section *sec)
{
	for (size_t i = 0; i < sec->d.n_text; i++)
		buf_addf(b, "%s\n", sec->d.text[i]);
	buf_addf(b, "%llu of %llu, begin %lld commit %lld lead %lld trail %lld %s\n", (unsigned long long)sec->n_statements,
	         (unsigned long long)sec->n_split, (long long)sec->begin_index, (long long)sec->commit_index,
	         (long long)sec->lead_end, (long long)sec->trail_start, sec->begin_sql ? sec->begin_sql : "");
	script_statements_text(b, env, sec, 0);
}

static void what_is_kept_reads_as_it_was(void)
{
	static const char *const texts[] = {
		"", "\n", "DROP TABLE t", "\xef\xbb\xbf\xef\xbb\xbfx;\n", "\xef\xbb\xbf" "DROP TABLE t;\r\nDROP TABLE u;\r\n",
		"-- dunlin:no-transaction\n-- dunlin:lock-timeout 1s\nVACUUM;\n",
		"DROP TABLE a;\n-- dunlin:requires 1\nDROP TABLE b\n-- dunlin:allow x,y\n, c;\n",
		"BEGIN;\nDROP TABLE t;\nCOMMIT;\n",
		"-- dunlin:only postgresql\nSET x = 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE;\n-- dunlin:end\n"
		"-- dunlin:only sqlite\nPRAGMA foreign_keys = 0;\nBEGIN IMMEDIATE;\n-- dunlin:end\nDROP TABLE t;\nCOMMIT;\n",
		"CREATE TABLE t (\n-- dunlin:only sqlite\n a INT\n-- dunlin:end\n-- dunlin:only postgresql, mariadb\n b INT\n-- dunlin:end\n);\n",
		"CREATE TABLE t (\r\n-- dunlin:only sqlite\r\n a INT\r\n-- dunlin:end\r\n-- dunlin:except sqlite\r\n b INT\r\n-- dunlin:end\r\n);\r\n",
		"-- dunlin:only mariadb\nx\n-- dunlin:end\n-- dunlin:only sqlite\ny\n-- dunlin:end\n-- dunlin:only postgresql\nz\n-- dunlin:end\n",
		"-- dunlin:only other\n'\n-- dunlin:only sqlite\n-- dunlin:end trailing words\nx;\n",
		"-- dunlin:statement-begin\nSELECT 1; SELECT 2;\n\n-- dunlin:nonsense\n-- dunlin:end\n-- dunlin:statement-end\nSELECT 3;\n",
		"-- dunlin:placeholders\nSELECT '${owner}' -- ${bool}\n, '${env.HOME}', '$${owner}', '${looks}', '$$${a';\n${two};\n",
		"SELECT 1;\n-- dunlin:placeholders\nSELECT ${varchar:3} $${ $;\n-- dunlin:except sqlite, postgresql, mariadb\n${who}\n-- dunlin:end\n",
		"-- dunlin:placeholders\n-- dunlin:statement-begin\nSELECT '${env.HOME}'; $${x};\n-- dunlin:statement-end\n",
		"/* ; */ DROP TABLE t -- ;\n; -- last\n",
		"SELECT '\n-- dunlin:only sqlite\n', \"\n-- dunlin:end\n\";\n",
	};
	static const char *const copy =
		"DELETE FROM t;\nCOPY t (a, b) FROM stdin;\n1\t-- dunlin:end\n-- dunlin 2\t\\N\n\\.\n\nCOPY u FROM stdin;\n\\.\nSELECT 1;\n";
	static const char *const drivers[] = { "sqlite", "postgresql", "mariadb" };

	for (size_t i = 0; i < (N(texts) + 1) * N(drivers); i++) {
		const char *driver = drivers[i % N(drivers)];
		const char *text = i / N(drivers) < N(texts) ? texts[i / N(drivers)] : copy;
		struct script_env env = script_env_of(driver), again = env;
		struct input in = script_input(text, strlen(text));
		struct dunlin_error err = { 0 };
		struct script s = { 0 }, reread = { 0 };
		struct arena a = { 0 };
		struct buf want = BUF_INIT, got = BUF_INIT;
		char *kept = NULL;
		size_t len = 0;

		if (text == copy && strcmp(driver, "postgresql") != 0)
			continue;
		again.is_from_ledger = 1;
		if (!TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_DOWN, &err), 0) ||
		    !TAP_EQ_INT(script_down_text(&env, &s, &kept, &len, &err), 0))
			tap_note("%s: %s, of: %s", driver, err.message, text);
		in = script_input(kept, len);
		if (kept && !TAP_EQ_INT(script_load(&reread, &a, &again, &in, SCRIPT_SINGLE, &err), 0))
			tap_note("%s: %s, of: %s", driver, err.message, kept);
		if (s.section[SECTION_DOWN].is_present && reread.section[SECTION_DOWN].is_present) {
			describe(&want, &env, &s.section[SECTION_DOWN]);
			describe(&got, &again, &reread.section[SECTION_DOWN]);
		}
		if (!TAP_EQ_STR(got.p, want.p) || !TAP_OK(want.p != NULL))
			tap_note("%s, of: %s\nkept: %s", driver, text, kept);
		mem_free(kept);
		buf_clear(&want);
		buf_clear(&got);
		arena_clear(&a);
	}
}

/* A value that is not there now, and is when it runs. */
static void the_environment_is_asked_when_it_runs(void)
{
	static const char text[] = "-- dunlin:placeholders\nSELECT '${env.NONE}', '${owner}';";
	struct script_env env = script_env_of("sqlite");
	struct dunlin_error err = { 0 };
	struct script s = { 0 };
	struct arena a = { 0 };
	struct buf got = BUF_INIT, error = BUF_INIT;
	size_t len;
	char *kept = kept_of(&env, SCRIPT_DOWN, text, &len, &error);
	struct input in;
	const char *owner = script_values[0].value, *name = script_values[3].name;

	if (!TAP_EQ_STR(kept, "-- dunlin:placeholders\n\nSELECT '${env.NONE}', 'anna';"))
		return;
	in = script_input(kept, len);
	env.is_from_ledger = 1;
	/* It is found out before anything runs. */
	TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_DOWN, &err), -1);
	TAP_EQ_STR(err.message, "unknown placeholder '${env.NONE}'");
	TAP_EQ_INT(err.line, 3);
	script_values[0].value = "berta";
	script_values[3].name = "env.NONE";
	if (TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_DOWN, &err), 0))
		script_statements_text(&got, &env, &s.section[SECTION_DOWN], 0);
	TAP_EQ_STR(got.p, "[SELECT '/home', 'anna']\n");
	script_values[0].value = owner;
	script_values[3].name = name;
	mem_free(kept);
	buf_clear(&got);
	buf_clear(&error);
	arena_clear(&a);
}

static void bytes_that_changed_are_not_kept(void)
{
	struct input in = { .name = "a.sql", .dirfd = AT_FDCWD, .path = "a.sql" };
	static const char *const changed[] = { "DROP TABLE u;\n", "DROP TABLE t;\n\n", "DROP TABLE t;", "DROP TABLE t;\r\n" };
	struct script_env env = script_env_of("sqlite");

	tree_enter();
	for (size_t i = 0; i < N(changed); i++) {
		struct dunlin_error err = { 0 };
		struct script s = { 0 };
		struct arena a = { 0 };
		char *kept = NULL;
		size_t len;

		tree_write("a.sql", "DROP TABLE t;\n");
		TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_DOWN, &err), 0);
		tree_write("a.sql", changed[i]);
		/* What was added behind the section does not belong to it. */
		if (i == 1) {
			TAP_EQ_INT(script_down_text(&env, &s, &kept, &len, &err), 0);
			TAP_EQ_STR(kept, "DROP TABLE t;\n");
		} else {
			TAP_EQ_INT(script_down_text(&env, &s, &kept, &len, &err), -1);
			TAP_EQ_STR(err.message, "'a.sql' changed while it was being read");
		}
		mem_free(kept);
		arena_clear(&a);
	}
	tree_leave();
}

static void every_failing_allocation_is_told(void)
{
	static const char text[] =
		"-- dunlin:placeholders\nSELECT 1\n-- dunlin:only mariadb\nx\n-- dunlin:end\n, '${env.HOME}', '$${x}';\n";
	struct script_env env = script_env_of("sqlite");
	struct input in = script_input(text, sizeof text - 1);
	struct dunlin_error err = { 0 };
	struct script s = { 0 };
	struct arena a = { 0 };
	int rc = -1;
	unsigned long n;

	TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_DOWN, &err), 0);
	for (n = 1; rc < 0 && n < 1000; n++) {
		char *kept = NULL;
		size_t len;

		memset(&err, 0, sizeof err);
		mem_fail_at(n, 1);
		rc = script_down_text(&env, &s, &kept, &len, &err);
		mem_fail_at(0, 0);
		if (rc < 0) {
			TAP_EQ_STR(err.message, "out of memory");
			TAP_OK(kept == NULL && len == 0);
		}
		mem_free(kept);
	}
	TAP_EQ_INT(rc, 0);
	TAP_OK(n > 6);
	arena_clear(&a);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "what is kept is directives and what was meant", what_is_kept_is_directives_and_what_was_meant },
		{ "dunlin.ini's directives are kept too", dunlin_inis_directives_are_kept_too },
		{ "what is kept reads as it was", what_is_kept_reads_as_it_was },
		{ "the environment is asked when it runs", the_environment_is_asked_when_it_runs },
		{ "bytes that changed are not kept", bytes_that_changed_are_not_kept },
		{ "every failing allocation is told", every_failing_allocation_is_told },
	};

	return tap_main("script_down", tests, N(tests));
}
