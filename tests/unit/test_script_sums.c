/*
 * test_script_sums.c - the digests that ledgers keep: what changes them and what
 * does not.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "script_text.h"

#define N(a) (sizeof (a) / sizeof *(a))

struct sums { char content[SHA256_TEXT], statements[SHA256_TEXT]; };

static struct sums sums_of(const struct script_env *env, const char *text)
{
	struct input in = script_input(text, strlen(text));
	struct dunlin_error err = { 0 };
	struct script s = { 0 };
	struct arena a = { 0 };
	struct sums out = { "", "" };

	if (TAP_EQ_INT(script_load(&s, &a, env, &in, SCRIPT_SINGLE, &err), 0)) {
		memcpy(out.content, s.checksum, sizeof out.content);
		memcpy(out.statements, s.statements_checksum, sizeof out.statements);
	} else {
		tap_note("%s", err.message);
	}
	arena_clear(&a);
	return out;
}

static void sums_hold_where_nothing_changed_that_counts(void)
{
#define BODY "CREATE TABLE t (a INT);\nINSERT INTO t VALUES (1);\n"
	static const struct { const char *a, *b; int same_content, same_statements; } cases[] = {
		{ BODY, "CREATE TABLE t (a INT);\r\nINSERT INTO t VALUES (1);\r\n", 1, 1 },
		{ BODY, "\xef\xbb\xbf" BODY, 1, 1 },
		{ BODY, "\xef\xbb\xbf" "CREATE TABLE t (a INT);\r\nINSERT INTO t VALUES (1);\r\n", 1, 1 },
		{ BODY, "-- more\n" BODY, 0, 1 },
		{ BODY, "CREATE  TABLE\n t (a /* it */ INT) ;\nINSERT INTO t VALUES (1)", 0, 1 },
		{ BODY, "INSERT INTO t VALUES (1);\nCREATE TABLE t (a INT);\n", 0, 0 },
		{ BODY, "CREATE TABLE t (a INT)\nINSERT INTO t VALUES (1);\n", 0, 0 },
		{ BODY, "CREATE TABLE t (a INT);\nINSERT INTO t VALUES (2);\n", 0, 0 },
		{ BODY, "CREATE TABLE t (a INT);\nINSERT INTO t VALUES ('1');\n", 0, 0 },
		{ "SELECT 'a b';", "SELECT 'a  b';", 0, 0 },
		{ "SELECT 'a -- b';", "SELECT 'a -- c';", 0, 0 },
		{ "SELECT 'a\nb';", "SELECT 'a\r\nb';", 1, 1 },
		/* Sections: the up alone counts for the statements. */
		{ BODY, "-- dunlin:up\n" BODY, 0, 1 },
		{ "-- dunlin:up\n" BODY "-- dunlin:down\nDROP TABLE t;\n", "-- dunlin:up\n" BODY "-- dunlin:down\nDROP TABLE IF EXISTS t;\n", 0, 1 },
		{ "-- dunlin:up\n" BODY "-- dunlin:down\nDROP TABLE t;\n", "-- dunlin:down\nDROP TABLE t;\n-- dunlin:up\n" BODY, 0, 1 },
		{ "-- dunlin:up\n" BODY, "-- dunlin:up\n" BODY "-- dunlin:verify\nSELECT 1;\n", 0, 1 },
		{ "-- dunlin:up\n" BODY "-- dunlin:down\nx;\n", "-- dunlin:up\n" BODY "-- dunlin:down\n-- dunlin:no-transaction\nx;\n", 0, 1 },
		/* Directives. */
		{ BODY, "-- dunlin:no-transaction\n" BODY, 0, 0 },
		{ BODY, "-- dunlin:allow x\n" BODY, 0, 1 },
		{ "-- dunlin:no-transaction\n-- dunlin:requires 1\n" BODY, BODY "-- dunlin:requires   1\n-- dunlin:no-transaction\n", 0, 1 },
		{ "-- dunlin:requires 1\n-- dunlin:up\n" BODY, "-- dunlin:up\n-- dunlin:requires 1\n" BODY, 0, 1 },
		{ "-- dunlin:requires 1\n" BODY, "-- dunlin:requires 2\n" BODY, 0, 0 },
		/* Other drivers' lines. */
		{ BODY, BODY "-- dunlin:only mariadb\nSELECT 1;\n-- dunlin:end\n", 0, 1 },
		{ BODY, BODY "-- dunlin:only sqlite\nSELECT 1;\n-- dunlin:end\n", 0, 0 },
		{ BODY, "CREATE TABLE t (a\n-- dunlin:only mariadb\nBIGINT\n-- dunlin:end\n-- dunlin:only sqlite\nINT\n-- dunlin:end\n);\nINSERT INTO t VALUES (1);\n", 0, 1 },
		/* BEGIN and COMMIT are statements like others here. */
		{ BODY, "BEGIN;\n" BODY "COMMIT;\n", 0, 0 },
	};
	struct script_env env = script_env_of("sqlite");

	for (size_t i = 0; i < N(cases); i++) {
		struct sums a = sums_of(&env, cases[i].a), b = sums_of(&env, cases[i].b);

		if (!TAP_EQ_INT(strcmp(a.content, b.content) == 0, cases[i].same_content) ||
		    !TAP_EQ_INT(strcmp(a.statements, b.statements) == 0, cases[i].same_statements))
			tap_note("case %zu: %s", i, cases[i].b);
		TAP_OK(strncmp(a.content, "sha256:", 7) == 0 && strncmp(a.statements, "sha256:", 7) == 0);
	}
}

/* Frozen: these stand in databases. */
static void sums_are_what_they_have_always_been(void)
{
	struct script_env env = script_env_of("sqlite");
	struct sums s = sums_of(&env, "-- dunlin:no-transaction\n-- dunlin:allow x\n-- dunlin:requires 1.0.0-001\n" BODY);

	TAP_EQ_STR(s.content, "sha256:713a428888c33e4ae6d7ceec6a30cea1bef3dd98ba1786822d31da8e0ae19532");
	TAP_EQ_STR(s.statements, "sha256:1cca3276ab396a72d6aebd001aeeb30836d3fd55fe7b05ec7f8f6d99bc76549c");
}

static void content_of(const char *text, char out[SHA256_TEXT])
{
	struct content_hash h;

	content_hash_start(&h);
	content_hash_add(&h, text, strlen(text));
	content_hash_text(&h, out);
}

static void values_count_for_repeatables_alone(void)
{
	static const char text[] = "-- dunlin:placeholders\nGRANT x TO ${owner};\n";
	struct script_env env = script_env_of("sqlite");
	struct sums before[2], after[2];
	char want[SHA256_TEXT];
	const char *owner = script_values[0].value;

	for (int r = 0; r < 2; r++) {
		env.is_repeatable = r;
		script_values[0].value = "anna";
		before[r] = sums_of(&env, text);
		script_values[0].value = "berta";
		after[r] = sums_of(&env, text);
		script_values[0].value = owner;
	}
	TAP_EQ_STR(after[0].content, before[0].content);
	TAP_EQ_STR(after[0].statements, before[0].statements);
	TAP_OK(strcmp(after[1].content, before[1].content) != 0);
	TAP_OK(strcmp(after[1].statements, before[1].statements) != 0);
	/* The content is the text with its values. */
	content_of("-- dunlin:placeholders\nGRANT x TO anna;\n", want);
	TAP_EQ_STR(before[1].content, want);
}

/* Placeholders in one of several sections: the others' text stays. */
static void a_repeatables_sections_are_summed_one_by_one(void)
{
	static const char text[] = "-- x ${a}\n-- dunlin:up\n-- dunlin:placeholders\nGRANT x TO ${owner};\n-- dunlin:down\nx '${owner}';\n";
	static const char content[] = "-- x ${a}\n-- dunlin:up\n-- dunlin:placeholders\nGRANT x TO anna;\n-- dunlin:down\nx '${owner}';\n";
	struct script_env env = script_env_of("sqlite");
	char want[SHA256_TEXT];
	struct sums s;

	env.is_repeatable = 1;
	s = sums_of(&env, text);
	content_of(content, want);
	TAP_EQ_STR(s.content, want);
}

/* The digest of a section is over its bytes as they are. */
static void bodies_are_summed_as_they_are(void)
{
	static const struct { const char *text; size_t off, end; int kind; } cases[] = {
		{ "SELECT 1;\n", 0, 10, SECTION_UP },
		{ "S", 0, 1, SECTION_UP },
		{ "", 0, 0, SECTION_UP },
		{ "SELECT\r\n1;\r\n", 0, 12, SECTION_UP },
		{ "\xef\xbb\xbfSELECT 1;\n", 0, 13, SECTION_UP },
		{ "\xef\xbb\xbf", 0, 3, SECTION_UP },
		{ "x\r", 0, 2, SECTION_UP },
		{ "-- dunlin:up\r\nx;\r\n-- dunlin:down\ny;\r\n", 14, 18, SECTION_UP },
		{ "-- dunlin:up\r\nx;\r\n-- dunlin:down\ny;\r\n", 33, 37, SECTION_DOWN },
	};
	struct script_env env = script_env_of("sqlite");

	for (size_t i = 0; i < N(cases); i++) {
		struct input in = script_input(cases[i].text, strlen(cases[i].text));
		struct dunlin_error err = { 0 };
		struct script s = { 0 };
		struct arena a = { 0 };
		struct sha256 h;
		char want[SHA256_TEXT];

		sha256_start(&h);
		sha256_add(&h, cases[i].text + cases[i].off, cases[i].end - cases[i].off);
		sha256_text(&h, want);
		TAP_EQ_INT(script_load(&s, &a, &env, &in, SCRIPT_SINGLE, &err), 0);
		TAP_EQ_INT(s.section[cases[i].kind].off, cases[i].off);
		TAP_EQ_INT(s.section[cases[i].kind].end, cases[i].end);
		TAP_EQ_STR(s.section[cases[i].kind].body_sum, want);
		arena_clear(&a);
	}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "sums hold where nothing changed that counts", sums_hold_where_nothing_changed_that_counts },
		{ "sums are what they have always been", sums_are_what_they_have_always_been },
		{ "values count for repeatables alone", values_count_for_repeatables_alone },
		{ "a repeatable's sections are summed one by one", a_repeatables_sections_are_summed_one_by_one },
		{ "bodies are summed as they are", bodies_are_summed_as_they_are },
	};

	return tap_main("script_sums", tests, N(tests));
}
