/*
 * test_script.c - files as sections, directives, transactions and sums.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "script_text.h"
#include "tree.h"

#include <stdio.h>

#define N(a) (sizeof (a) / sizeof *(a))

/* What script_load() makes of a text, or "LINE:COLUMN: MESSAGE". */
static char *loaded(const struct script_env *env, enum script_role role, const char *text, size_t len,
                    struct dunlin_error *err)
{
	struct input in = script_input(text, len);
	struct script s = { 0 };
	struct arena a = { 0 };
	struct buf out = BUF_INIT;

	if (script_load(&s, &a, env, &in, role, err) < 0)
		script_error_text(&out, err);
	else
		script_all_text(&out, &s);
	arena_clear(&a);
	return buf_take(&out);
}

static void check(const struct script_env *env, enum script_role role, const char *text, const char *want)
{
	struct dunlin_error err = { 0 };
	char *got = loaded(env, role, text, strlen(text), &err);

	if (!TAP_EQ_STR(got, want))
		tap_note("of: %s", text);
	mem_free(got);
}

static void a_file_falls_into_its_sections(void)
{
	static const struct { const char *text, *want; enum script_role role; } cases[] = {
		{ "", "up 0..0 line 1: | 0\n", SCRIPT_SINGLE },
		{ "-- nothing to do here\n", "up 0..22 line 1: | 0\n", SCRIPT_SINGLE },
		{ "SELECT 1;\nSELECT 2", "up 0..18 line 1: | 2\n", SCRIPT_SINGLE },
		{ "SELECT 1;", "down 0..9 line 1: | 1\n", SCRIPT_DOWN },
		{ "SELECT 1;", "verify 0..9 line 1: | 1\n", SCRIPT_VERIFY },
		{ "SELECT 1;", "up 0..9 line 1: | 1\n", SCRIPT_UP },
		{ "-- dunlin:up\nSELECT 1;\n-- dunlin:down\nSELECT 2;\nSELECT 3;\n",
		  "up 13..23 line 2: | 1\ndown 38..58 line 4: | 2\n", SCRIPT_SINGLE },
		{ "-- dunlin:up\nSELECT 1\n-- dunlin:down\nSELECT 2",
		  "up 13..22 line 2: | 1\ndown 37..45 line 4: | 1\n", SCRIPT_SINGLE },
		/* Any order; the splitter starts afresh in each. */
		{ "-- about it\n\n-- dunlin:down\nDROP TABLE t;\n-- dunlin:verify\n-- dunlin:up\nCREATE TABLE t (a);",
		  "up 72..91 line 7: | 1\ndown 28..42 line 4: | 1\nverify 59..59 line 6: | 0\n", SCRIPT_SINGLE },
		{ "-- dunlin:up\n", "up 13..13 line 2: | 0\n", SCRIPT_SINGLE },
		{ "-- dunlin:up", "up 12..12 line 2: | 0\n", SCRIPT_SINGLE },
		{ "-- dunlin:down\nDROP TABLE t;", "down 15..28 line 2: | 1\n", SCRIPT_DOWN },
		{ "\xef\xbb\xbf-- dunlin:up\r\nSELECT 1;\r\n-- dunlin:down\r\nSELECT 2;\r\n",
		  "up 17..28 line 2: | 1\ndown 44..55 line 4: | 1\n", SCRIPT_SINGLE },
		/* Where SQL quotes it or it is indented, it is no directive. */
		{ "SELECT '\n-- dunlin:down\n';\n -- dunlin:down\n/*\n-- dunlin:down\n*/ SELECT 1;", "up 0..73 line 1: | 2\n", SCRIPT_SINGLE },
	};
	struct script_env env = script_env_of("sqlite");

	for (size_t i = 0; i < N(cases); i++)
		check(&env, cases[i].role, cases[i].text, cases[i].want);
}

static void directives_are_in_force_for_all_or_for_their_section(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "-- dunlin:no-transaction\nVACUUM;", "up 0..32 line 1: no-transaction | 1\n" },
		{ "VACUUM;\n-- dunlin:no-transaction\n", "up 0..33 line 1: no-transaction | 1\n" },
		{ "VACUUM\n-- dunlin:no-transaction\n", "up 0..32 line 1: no-transaction | 1\n" },
		{ "-- dunlin:requires  core@1.0.0-001 \n-- dunlin:up\n-- dunlin:allow  a,b\nSELECT 1;\n"
		  "-- dunlin:down\n-- dunlin:lock-timeout 2s\n-- dunlin:statement-timeout 10min\n",
		  "up 49..80 line 3: requires core@1.0.0-001; allow a, b | 1\n"
		  "down 95..155 line 6: requires core@1.0.0-001; lock-timeout 2s; statement-timeout 10min | 0\n" },
		{ "-- dunlin:up\nSELECT 1;\n-- dunlin:irreversible\n", "up 13..46 line 2: irreversible | 1\n" },
		/* One for this driver alone. */
		{ "-- dunlin:only sqlite\n-- dunlin:no-transaction\n-- dunlin:end\n"
		  "-- dunlin:except sqlite\n-- dunlin:irreversible\n-- dunlin:nonsense\n-- dunlin:end\nSELECT 1;",
		  "up 0..150 line 1: no-transaction | 1\n" },
	};
	struct script_env env = script_env_of("sqlite");

	for (size_t i = 0; i < N(cases); i++)
		check(&env, SCRIPT_SINGLE, cases[i].text, cases[i].want);
}

static int load_quietly(const struct script_env *env, enum script_role role, const char *text)
{
	struct input in = script_input(text, strlen(text));
	struct script s = { 0 };
	struct arena a = { 0 };
	int rc = script_load(&s, &a, env, &in, role, NULL);

	arena_clear(&a);
	return rc;
}

static void errors_have_their_place(void)
{
	static const struct { const char *text, *want; enum script_role role; } cases[] = {
		{ "SELECT 1;\n-- dunlin:nonsense\n", "2:1: unknown directive 'nonsense'", SCRIPT_SINGLE },
		{ "-- dunlin:up\n\n-- dunlin:\n", "3:1: unknown directive ''", SCRIPT_SINGLE },
		{ "-- dunlin:lock-timeout never\n", "1:1: lock-timeout: 'never' is not a duration", SCRIPT_SINGLE },
		{ "-- dunlin:replaces 1..2\n", "1:1: 'replaces' is not supported yet", SCRIPT_SINGLE },
		{ "  -- first\n  SELECT 1;\n-- dunlin:up\n", "2:3: SQL before the first section belongs to none and would never run", SCRIPT_SINGLE },
		{ "SELECT 1\n-- dunlin:up\n", "1:1: SQL before the first section belongs to none and would never run", SCRIPT_SINGLE },
		{ "-- dunlin:up\n-- dunlin:down\nx;\n-- dunlin:up\n", "4:1: a second section 'up'", SCRIPT_SINGLE },
		{ "-- dunlin:down\n", "1:1: a section 'down' in a file that is all 'up'", SCRIPT_UP },
		{ "SELECT 1;\n-- dunlin:down\n", "1:1: SQL before the first section belongs to none and would never run", SCRIPT_UP },
		{ "-- dunlin:down\nSELECT 1;\n-- dunlin:verify\n", "3:1: a section 'verify' in a file that is all 'down'", SCRIPT_DOWN },
		{ "\n\n-- dunlin:down\nDROP TABLE t;\n", "3:1: a file with sections and no section 'up'", SCRIPT_SINGLE },
		{ "SELECT 1;\n-- dunlin:end\n", "2:1: 'end' without an 'only' or 'except' before it", SCRIPT_SINGLE },
		{ "-- dunlin:statement-end\n", "1:1: 'statement-end' without a 'statement-begin' before it", SCRIPT_SINGLE },
		{ "\n-- dunlin:only sqlite\nSELECT 1;\n", "2:1: 'only' has no 'end'", SCRIPT_SINGLE },
		{ "-- dunlin:up\n-- dunlin:except mariadb\nSELECT 1;\n-- dunlin:down\n", "2:1: 'except' has no 'end'", SCRIPT_SINGLE },
		{ "-- dunlin:only sqlite\n-- dunlin:only sqlite\n-- dunlin:end\n-- dunlin:end\n",
		  "2:1: 'only' inside the 'only' of line 1", SCRIPT_SINGLE },
		{ "-- dunlin:only sqlite\n\n-- dunlin:except mariadb\n-- dunlin:end\n",
		  "3:1: 'except' inside the 'only' of line 1", SCRIPT_SINGLE },
		{ "-- dunlin:only postgres\n-- dunlin:end\n", "1:1: 'postgres' is not the name of a driver", SCRIPT_SINGLE },
		{ "-- dunlin:except sqlite3\n-- dunlin:end\n", "1:1: 'sqlite3' is not the name of a driver", SCRIPT_SINGLE },
		{ "SELECT 1;\nCREATE TABLE t (a);\n  COMMIT;\nSELECT 2;\n",
		  "3:3: a commit in the middle of the migration would end its transaction", SCRIPT_SINGLE },
		{ "CREATE TABLE t (a);\n-- now\nVACUUM;\n", "3:1: this statement cannot run inside a transaction", SCRIPT_SINGLE },
		{ "SELECT 1;\nPRAGMA foreign_keys = OFF;\nSELECT 2;\n",
		  "2:1: this has no effect inside the migration's transaction", SCRIPT_SINGLE },
	};
	struct script_env env = script_env_of("sqlite");

	for (size_t i = 0; i < N(cases); i++) {
		struct dunlin_error err = { 0 };
		char *got = loaded(&env, cases[i].role, cases[i].text, strlen(cases[i].text), &err);

		if (!TAP_EQ_STR(got, cases[i].want))
			tap_note("of: %s", cases[i].text);
		TAP_EQ_STR(err.file, "a.sql");
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
		TAP_OK(err.hint[0] != '\0');
		TAP_OK(err.errclass == DUNLIN_CLASS_VALIDATION || err.errclass == DUNLIN_CLASS_SYNTAX);
		mem_free(got);
		/* Who asks for no error gets the same answer. */
		TAP_EQ_INT(load_quietly(&env, cases[i].role, cases[i].text), -1);
	}
}

static void what_is_wrong_with_a_downs_transaction_is_kept_for_who_runs_it(void)
{
	static const struct { const char *text, *want; int is_from_ledger; } cases[] = {
		{ "-- dunlin:up\nSELECT 1;\n-- dunlin:down\nSELECT 1;\nROLLBACK;\n",
		  "5:1: a rollback would undo the migration that is to be recorded as applied", 0 },
		{ "-- dunlin:up\nSELECT 1;\n-- dunlin:down\n  VACUUM;\n", "4:3: this statement cannot run inside a transaction", 0 },
		{ "-- dunlin:placeholders\n-- dunlin:up\nSELECT 1;\n-- dunlin:down\nVACUUM ${owner};\n",
		  "5:1: this statement cannot run inside a transaction", 0 },
		{ "DROP TABLE t;\nVACUUM;\n", "2:1: this statement cannot run inside a transaction", 1 },
		{ "-- dunlin:up\nSELECT 1;\n-- dunlin:down\n-- dunlin:no-transaction\nVACUUM;\n", "", 0 },
	};
	struct script_env env = script_env_of("sqlite");

	for (size_t i = 0; i < N(cases); i++) {
		struct input in = script_input(cases[i].text, strlen(cases[i].text));
		const struct dunlin_error *refused;
		struct dunlin_error err = { 0 };
		struct buf got = BUF_INIT;
		struct script s = { 0 };
		struct arena a = { 0 };

		buf_reserve(&got, 1);
		env.is_from_ledger = cases[i].is_from_ledger;
		TAP_EQ_INT(script_load(&s, &a, &env, &in, env.is_from_ledger ? SCRIPT_DOWN : SCRIPT_SINGLE, &err), 0);
		refused = s.section ? s.section[SECTION_DOWN].refused : NULL;
		if (refused) {
			script_error_text(&got, refused);
			TAP_EQ_STR(refused->file, "a.sql");
			TAP_EQ_INT(refused->code, DUNLIN_EXIT_INVALID);
			TAP_OK(refused->hint[0] && refused->statement[0]);
		}
		TAP_EQ_STR(got.p, cases[i].want);
		buf_clear(&got);
		arena_clear(&a);
	}
}

/* The words are the splitter's, the line is that of the file. */
static void errors_of_the_text_have_their_place_in_the_file(void)
{
	static const struct { const char *text, *place; } cases[] = {
		{ "SELECT 1;\n/* never closed", "2:1: " },
		{ "-- dunlin:up\nSELECT 1;\n-- dunlin:down\nSELECT '\n", "4:8: " },
		{ "-- dunlin:up\nSELECT 1;\n-- dunlin:down\n\nSELECT 1; .read x\n", "5:11: " },
		{ "-- dunlin:only mariadb\n-- dunlin:down\n", "2:1: " },
		{ "\n-- dunlin:except sqlite\nx", "2:1: " },
		{ "-- dunlin:statement-begin\nSELECT 1;", "1:1: " },
		{ "-- dunlin:up\n\xff", "2:1: " },
		{ "-- dunlin:placeholders\n-- dunlin:up\n${bool} '", "3:9: " },
	};
	struct script_env env = script_env_of("sqlite");

	for (size_t i = 0; i < N(cases); i++) {
		struct dunlin_error err = { 0 };
		char *got = loaded(&env, SCRIPT_SINGLE, cases[i].text, strlen(cases[i].text), &err);

		if (!TAP_OK(got && strncmp(got, cases[i].place, strlen(cases[i].place)) == 0))
			tap_note("%s, of: %s", got ? got : "", cases[i].text);
		TAP_EQ_STR(err.file, "a.sql");
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
		mem_free(got);
	}
}

static void what_failed_leaves_what_was_there(void)
{
	static const char up[] = "SELECT 1;", bad[] = "-- dunlin:down\nSELECT 1;\n-- dunlin:nonsense\n";
	struct script_env env = script_env_of("sqlite");
	struct input in = script_input(up, sizeof up - 1), in_bad = script_input(bad, sizeof bad - 1);
	struct dunlin_error err = { 0 };
	struct script s = { 0 }, before;
	struct arena a = { 0 };

	TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_UP, &err), 0);
	before = s;
	TAP_EQ_INT(script_load(&s, &a, &env, &in_bad, SCRIPT_DOWN, &err), -1);
	TAP_OK(memcmp(&before, &s, sizeof s) == 0);
	arena_clear(&a);
}

static void a_pair_is_loaded_file_by_file(void)
{
	static const char up[] = "-- dunlin:requires 1\nCREATE TABLE t (a);\n", down[] = "DROP TABLE t;\n", verify[] = "SELECT 1";
	struct script_env env = script_env_of("sqlite");
	struct input in_up = script_input(up, sizeof up - 1), in_down = script_input(down, sizeof down - 1),
		in_verify = script_input(verify, sizeof verify - 1);
	struct dunlin_error err = { 0 };
	struct script s = { 0 }, alone = { 0 };
	struct arena a = { 0 };
	struct buf out = BUF_INIT;
	char want[SHA256_TEXT];
	struct content_hash h;

	in_down.name = "d.sql";
	TAP_EQ_INT(script_load(&alone, &a, &env, &in_up, SCRIPT_UP, &err), 0);
	TAP_EQ_INT(script_load(&s, &a, &env, &in_up, SCRIPT_UP, &err), 0);
	TAP_EQ_INT(script_load(&s, &a, &env, &in_down, SCRIPT_DOWN, &err), 0);
	TAP_EQ_INT(script_load(&s, &a, &env, &in_verify, SCRIPT_VERIFY, &err), 0);
	script_all_text(&out, &s);
	TAP_EQ_STR(out.p, "up 0..41 line 1: requires 1 | 1\ndown 0..14 line 1: | 1\nverify 0..8 line 1: | 1\n");
	TAP_EQ_STR(s.section[SECTION_DOWN].in.name, "d.sql");
	TAP_EQ_STR(s.checksum, alone.checksum);
	TAP_EQ_STR(s.statements_checksum, alone.statements_checksum);
	content_hash_start(&h);
	content_hash_add(&h, up, sizeof up - 1);
	content_hash_text(&h, want);
	TAP_EQ_STR(s.checksum, want);
	buf_clear(&out);
	arena_clear(&a);
}

static void dunlin_ini_gives_directives_as_if_they_stood_first(void)
{
	static const char *const extra[] = { "no-transaction", "lock-timeout 2s", "requires  1.0.5-002", NULL };
	static const struct { const char *directive, *want; } wrong[] = {
		{ "nonsense", "unknown directive 'nonsense'" },
		{ "only sqlite", "'only' can only stand in the migration itself" },
		{ "up", "'up' can only stand in the migration itself" },
		{ "statement-begin", "'statement-begin' can only stand in the migration itself" },
		{ "lock-timeout x", "lock-timeout: 'x' is not a duration" },
		{ "replaces 1..2", "'replaces' is not supported yet" },
	};
	struct script_env env = script_env_of("sqlite");

	env.extra = extra;
	env.extra_file = "dunlin.ini";
	check(&env, SCRIPT_SINGLE, "-- dunlin:up\n-- dunlin:lock-timeout 9s\nVACUUM;\n-- dunlin:down\n",
	      "up 13..47 line 2: no-transaction; lock-timeout 2s; requires 1.0.5-002; lock-timeout 9s | 1\n"
	      "down 62..62 line 5: no-transaction; lock-timeout 2s; requires 1.0.5-002 | 0\n");
	/* A kept down has them in its own text. */
	env.is_from_ledger = 1;
	check(&env, SCRIPT_SINGLE, "SELECT 1;", "down 0..9 line 1: | 1\n");
	env.is_from_ledger = 0;
	for (size_t i = 0; i < N(wrong); i++) {
		const char *const one[] = { wrong[i].directive, NULL };
		struct dunlin_error err = { 0 };

		env.extra = one;
		mem_free(loaded(&env, SCRIPT_SINGLE, "SELECT 1;", 9, &err));
		TAP_EQ_STR(err.message, wrong[i].want);
		TAP_EQ_STR(err.file, "dunlin.ini");
		TAP_EQ_INT(err.line, 0);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
	}
}

static void the_transaction_of_the_file_is_found(void)
{
	static const struct { const char *driver, *text, *want; } cases[] = {
		{ "sqlite", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (a);\nCOMMIT;\n",
		  "up 0..72 line 1: | 2 of 4 begin 1 commit 3 lead 2 trail 3\n" },
		{ "sqlite", "BEGIN EXCLUSIVE;\nSELECT 1;\nEND;", "up 0..31 line 1: | 1 of 3 begin 0 commit 2 lead 1 trail 2 sql BEGIN EXCLUSIVE\n" },
		{ "postgresql", "SET x = 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\nCOMMIT;\n",
		  "up 0..65 line 1: | 2 of 4 begin 1 commit 3 lead 2 trail 3 sql BEGIN ISOLATION LEVEL SERIALIZABLE\n" },
		{ "postgresql", "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\nSELECT 1;\n",
		  "up 0..83 line 1: | 2\n" },
		{ "postgresql", "CREATE INDEX CONCURRENTLY i ON t (a);\n", "1:1: this statement cannot run inside a transaction" },
		{ "postgresql", "-- dunlin:no-transaction\nBEGIN;\nSELECT 1;\nCOMMIT;\nVACUUM;\n",
		  "up 0..58 line 1: no-transaction | 4\n" },
		{ "mariadb", "START TRANSACTION;\nINSERT INTO t VALUES (1);\nCOMMIT;\n",
		  "up 0..53 line 1: | 1 of 3 begin 0 commit 2 lead 1 trail 2\n" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct script_env env = script_env_of(cases[i].driver);

		check(&env, SCRIPT_SINGLE, cases[i].text, cases[i].want);
	}
}

static void a_section_does_not_inherit_the_splitters_state(void)
{
	struct script_env env = script_env_of("mariadb");

	check(&env, SCRIPT_SINGLE,
	      "-- dunlin:up\nDELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END //\n-- dunlin:down\nSELECT 1; SELECT 2;\n",
	      "up 13..70 line 2: | 1\ndown 85..105 line 5: | 2\n");
}

static void placeholders_are_replaced_before_statements_are_counted(void)
{
	static const struct { const char *driver, *text, *want; enum script_role role; } cases[] = {
		{ "sqlite", "-- dunlin:placeholders\nCREATE TABLE t (id ${pk}, o ${varchar:20});\n${two};\n", "up 0..75 line 1: placeholders | 3\n", SCRIPT_SINGLE },
		{ "sqlite", "${two};\n-- dunlin:placeholders\n", "up 0..31 line 1: placeholders | 2\n", SCRIPT_SINGLE },
		{ "sqlite", "SELECT '${who}';\n", "up 0..17 line 1: | 1\n", SCRIPT_SINGLE },
		/* In one section alone. */
		{ "sqlite", "-- dunlin:up\n-- dunlin:placeholders\n${two};\n-- dunlin:down\nSELECT '${two}';",
		  "up 13..44 line 2: placeholders | 2\ndown 59..75 line 5: | 1\n", SCRIPT_SINGLE },
		{ "sqlite", "-- dunlin:placeholders\n\nSELECT\n '${who}';\n", "4:3: unknown placeholder '${who}'", SCRIPT_SINGLE },
		{ "sqlite", "-- dunlin:placeholders\n-- ${who}\n", "2:4: unknown placeholder '${who}'", SCRIPT_SINGLE },
		{ "sqlite", "-- dunlin:placeholders\nSELECT '${env.NONE}';\n", "2:9: unknown placeholder '${env.NONE}'", SCRIPT_SINGLE },
		{ "sqlite", "-- dunlin:placeholders\nSELECT ${quote};\n", "2:8: unterminated quoted string", SCRIPT_SINGLE },
		/* A down may run elsewhere. */
		{ "sqlite", "-- dunlin:placeholders\nSELECT '${env.NONE}';\n", "down 0..45 line 1: placeholders | 1\n", SCRIPT_DOWN },
		{ "sqlite", "-- dunlin:placeholders\nSELECT '${none}';\n", "2:9: unknown placeholder '${none}'", SCRIPT_DOWN },
		/* Skipped unread. */
		{ "sqlite", "-- dunlin:placeholders\n-- dunlin:only postgresql\n${who}\n-- dunlin:end\nSELECT 1;", "up 0..79 line 1: placeholders | 1\n", SCRIPT_SINGLE },
		/* What only looks like a block would be replaced wrongly. */
		{ "sqlite", "-- dunlin:placeholders\nSELECT '\n-- dunlin:only postgresql\n${owner}\n';\n",
		  "3:1: a line that looks like a directive stands inside a quote, comment or block", SCRIPT_SINGLE },
		{ "sqlite", "-- dunlin:placeholders\nSELECT ${quote}\n-- dunlin:allow x\n${quote};\n",
		  "1:1: a line that looks like a directive stands inside a quote, comment or block", SCRIPT_SINGLE },
		{ "sqlite", "-- dunlin:placeholders\n-- dunlin:up\nSELECT ${quote}\n-- dunlin:down\n${quote};\n", "3:8: unterminated quoted string", SCRIPT_SINGLE },
		/* "$${" opens no dollar quote. */
		{ "postgresql", "-- dunlin:placeholders\nDO $x$ BEGIN PERFORM '$${a}'; END $x$;\nSELECT '$${b}', 1 AS $${c;\nSELECT 2;\n",
		  "up 0..99 line 1: placeholders | 3\n", SCRIPT_SINGLE },
		{ "postgresql", "-- dunlin:placeholders\n-- dunlin:up\nSELECT $${c;\nSELECT 2;\n-- dunlin:down\nSELECT 3;\n",
		  "up 36..59 line 3: placeholders | 2\ndown 74..84 line 6: placeholders | 1\n", SCRIPT_SINGLE },
		/* But where no placeholders are in force it does. */
		{ "postgresql", "SELECT $${a;}$$;\nSELECT 2;\n", "up 0..27 line 1: | 2\n", SCRIPT_SINGLE },
		/* Sections are found in the text as it stands. */
		{ "sqlite", "-- dunlin:placeholders\n-- dunlin:up\nSELECT '$${b}';\n-- dunlin:down\n${two}",
		  "up 36..52 line 3: placeholders | 1\ndown 67..73 line 5: placeholders | 2\n", SCRIPT_SINGLE },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct script_env env = script_env_of(cases[i].driver);

		check(&env, cases[i].role, cases[i].text, cases[i].want);
	}
}

static void looking_leaves_placeholders_and_transactions_alone(void)
{
	struct script_env env = script_env_of("sqlite");

	env.is_kept_raw = 1;
	check(&env, SCRIPT_SINGLE, "-- dunlin:placeholders\n${who};\nCOMMIT;\nSELECT ${;\n", "up 0..50 line 1: placeholders | 3\n");
	check(&env, SCRIPT_SINGLE, "-- dunlin:down\nSELECT 1;\n", "down 15..25 line 2: | 1\n");
	check(&env, SCRIPT_SINGLE, "SELECT 1; /* never closed", "up 0..25 line 1: | 1\n");
}

/* A large file with placeholders is read twice, and somebody writes in between. */
static const char *write_meanwhile(void *arg, const char *name, size_t len)
{
	(void)name;
	(void)len;
	tree_write("big.sql", arg);
	return "";
}

static void a_file_that_changes_while_it_is_read_is_refused(void)
{
	struct script_env env = script_env_of("sqlite");
	struct input in = { .name = "big.sql", .dirfd = AT_FDCWD, .path = "big.sql" };
	struct dunlin_error err = { 0 };
	struct script s = { 0 };
	struct arena a = { 0 };
	struct buf text = BUF_INIT;

	tree_enter();
	buf_adds(&text, "-- dunlin:placeholders\nSELECT 1${x};\n");
	while (text.len < 70000)
		buf_adds(&text, "SELECT 2;\n");
	tree_write("big.sql", text.p);
	buf_adds(&text, "SELECT 3;\n");
	env.placeholder = write_meanwhile;
	env.placeholder_arg = text.p;
	TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_SINGLE, &err), -1);
	TAP_EQ_STR(err.message, "'big.sql' changed while it was being read");
	buf_clear(&text);
	arena_clear(&a);
	tree_leave();
}

/* --- memory --------------------------------------------------------------------------- */

static void every_failing_allocation_is_told(void)
{
	static const char text[] =
		"-- dunlin:requires 1\n-- dunlin:allow a, b\n-- dunlin:up\nBEGIN IMMEDIATE;\n"
		"-- dunlin:only mariadb\nx\n-- dunlin:end\nCREATE TABLE t (id ${pk});\nCOMMIT;\n"
		"-- dunlin:placeholders\n-- dunlin:down\nDROP TABLE t;\n";
	static const char *const extra[] = { "lock-timeout 1s", NULL };
	struct script_env env = script_env_of("sqlite");
	int rc = -1;
	unsigned long n;

	env.extra = extra;
	env.is_repeatable = 1;
	for (n = 1; rc < 0 && n < 1000; n++) {
		struct input in = script_input(text, sizeof text - 1);
		struct dunlin_error err = { 0 };
		struct script s = { 0 };
		struct arena a = { 0 };

		mem_fail_at(n, 1);
		rc = script_load(&s, &a, &env, &in, SCRIPT_SINGLE, &err);
		mem_fail_at(0, 0);
		if (rc < 0 && !TAP_EQ_STR(err.message, "out of memory"))
			tap_note("allocation %lu", n);
		arena_clear(&a);
		/* And one alone. */
		memset(&s, 0, sizeof s);
		mem_fail_at(n, 0);
		script_load(&s, &a, &env, &in, SCRIPT_SINGLE, NULL);
		mem_fail_at(0, 0);
		arena_clear(&a);
	}
	TAP_EQ_INT(rc, 0);
	TAP_OK(n > 10);
}

/* What names the file is copied; the caller may reuse its own. */
static void names_live_in_the_arena(void)
{
	char name[] = "migrations/a.sql";
	struct input in = { .name = name, .data = "SELECT 1", .len = 8 };
	struct script_env env = script_env_of("sqlite");
	struct dunlin_error err = { 0 };
	struct script s = { 0 };
	struct arena a = { 0 };

	TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_SINGLE, &err), 0);
	memset(name, 'x', sizeof name - 1);
	TAP_EQ_STR(s.section[SECTION_UP].in.name, "migrations/a.sql");
	arena_clear(&a);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a file falls into its sections", a_file_falls_into_its_sections },
		{ "directives are in force for all or for their section", directives_are_in_force_for_all_or_for_their_section },
		{ "errors have their place", errors_have_their_place },
		{ "what is wrong with a down's transaction is kept for who runs it",
		  what_is_wrong_with_a_downs_transaction_is_kept_for_who_runs_it },
		{ "errors of the text have their place in the file", errors_of_the_text_have_their_place_in_the_file },
		{ "what failed leaves what was there", what_failed_leaves_what_was_there },
		{ "a pair is loaded file by file", a_pair_is_loaded_file_by_file },
		{ "dunlin.ini gives directives as if they stood first", dunlin_ini_gives_directives_as_if_they_stood_first },
		{ "the transaction of the file is found", the_transaction_of_the_file_is_found },
		{ "a section does not inherit the splitter's state", a_section_does_not_inherit_the_splitters_state },
		{ "placeholders are replaced before statements are counted", placeholders_are_replaced_before_statements_are_counted },
		{ "looking leaves placeholders and transactions alone", looking_leaves_placeholders_and_transactions_alone },
		{ "a file that changes while it is read is refused", a_file_that_changes_while_it_is_read_is_refused },
		{ "every failing allocation is told", every_failing_allocation_is_told },
		{ "names live in the arena", names_live_in_the_arena },
	};

	return tap_main("script", tests, N(tests));
}
