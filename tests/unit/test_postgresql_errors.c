/*
 * test_postgresql_errors.c - SQLSTATEs, positions and the words of refusals: the
 * driver's tables, without a server.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdlib.h>
#include <string.h>

#include "postgresql/pg_driver.h"

#include "tap.h"

static void *test_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return malloc(n);
}

static void test_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static const struct dunlin_host host = { .struct_size = sizeof host, .alloc = test_alloc, .free = test_free };

static void every_sqlstate_has_its_class(void)
{
	static const struct {
		const char *state;
		int errclass;
	} t[] = {
		{ "08006", DUNLIN_CLASS_CONNECTION },  { "28P01", DUNLIN_CLASS_CONNECTION }, { "57P01", DUNLIN_CLASS_CONNECTION },
		{ "57P03", DUNLIN_CLASS_CONNECTION },  { "53300", DUNLIN_CLASS_CONNECTION }, { "25P03", DUNLIN_CLASS_CONNECTION },
		{ "40003", DUNLIN_CLASS_CONNECTION },  { "42P01", DUNLIN_CLASS_SCHEMA },     { "42P07", DUNLIN_CLASS_SCHEMA },
		{ "42703", DUNLIN_CLASS_SCHEMA },      { "42883", DUNLIN_CLASS_SCHEMA },     { "3F000", DUNLIN_CLASS_SCHEMA },
		{ "3D000", DUNLIN_CLASS_SCHEMA },      { "42710", DUNLIN_CLASS_SCHEMA },     { "2BP01", DUNLIN_CLASS_DEPENDENCY },
		{ "23505", DUNLIN_CLASS_CONSTRAINT },  { "23503", DUNLIN_CLASS_CONSTRAINT }, { "23502", DUNLIN_CLASS_CONSTRAINT },
		{ "22001", DUNLIN_CLASS_CONSTRAINT },  { "22023", DUNLIN_CLASS_SYNTAX },     { "44000", DUNLIN_CLASS_CONSTRAINT },
		{ "42601", DUNLIN_CLASS_SYNTAX },      { "42804", DUNLIN_CLASS_SYNTAX },     { "42501", DUNLIN_CLASS_PERMISSION },
		{ "25006", DUNLIN_CLASS_PERMISSION },  { "55P03", DUNLIN_CLASS_LOCK },       { "40P01", DUNLIN_CLASS_LOCK },
		{ "40001", DUNLIN_CLASS_LOCK },        { "55006", DUNLIN_CLASS_LOCK },       { "57014", DUNLIN_CLASS_TIMEOUT },
		{ "55P04", DUNLIN_CLASS_VALIDATION },  { "25001", DUNLIN_CLASS_VALIDATION }, { "P0001", DUNLIN_CLASS_UNKNOWN },
		{ "XX000", DUNLIN_CLASS_UNKNOWN },     { "53100", DUNLIN_CLASS_UNKNOWN },    { "", DUNLIN_CLASS_UNKNOWN },
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		TAP_EQ_INT(pg_class_of(t[i].state), t[i].errclass);
		if (pg_class_of(t[i].state) != t[i].errclass)
			tap_note("of SQLSTATE '%s'", t[i].state);
	}
	TAP_EQ_INT(pg_class_of(NULL), DUNLIN_CLASS_UNKNOWN);
}

static void positions_become_bytes_from_0(void)
{
	static const char sql[] = "SELECT '\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xa6', x";
	const size_t len = sizeof sql - 1;

	TAP_EQ_INT(pg_byte_offset(sql, len, "1"), 0);
	TAP_EQ_INT(pg_byte_offset(sql, len, "9"), 8);
	TAP_EQ_INT(pg_byte_offset(sql, len, "10"), 10);
	TAP_EQ_INT(pg_byte_offset(sql, len, "11"), 13);
	TAP_EQ_INT(pg_byte_offset(sql, len, "12"), 17);
	TAP_EQ_INT(pg_byte_offset(sql, len, "15"), 20); /* x */
	TAP_EQ_INT(pg_byte_offset(sql, len, "16"), 21); /* the end */
	TAP_EQ_INT(pg_byte_offset(sql, len, "17"), -1);
	TAP_EQ_INT(pg_byte_offset(sql, len, "0"), -1);
	TAP_EQ_INT(pg_byte_offset(sql, len, NULL), -1);
	TAP_EQ_INT(pg_byte_offset(sql, len, "x"), -1);
	TAP_EQ_INT(pg_byte_offset(sql, len, "99999999999999999999999999"), -1);
	TAP_EQ_INT(pg_byte_offset(NULL, 0, "3"), -1);
}

static void the_missing_grant_is_named(void)
{
	static const struct {
		const char *message, *sql, *hint;
	} t[] = {
		{ "permission denied for table users", NULL, "Missing: GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE users TO \"me\"." },
		{ "permission denied for table users", "/* x */ insert INTO users VALUES (1)",
		  "Missing: GRANT INSERT ON TABLE users TO \"me\"." },
		{ "permission denied for table users", "TRUNCATE users", "Missing: GRANT TRUNCATE ON TABLE users TO \"me\"." },
		{ "permission denied for view v", "SELECT 1", "Missing: GRANT SELECT ON TABLE v TO \"me\"." },
		{ "permission denied for schema kb", "SELECT * FROM kb.t", "Missing: GRANT USAGE ON SCHEMA kb TO \"me\"." },
		{ "permission denied for schema kb", "CREATE TABLE kb.t (i int)", "Missing: GRANT USAGE, CREATE ON SCHEMA kb TO \"me\"." },
		{ "permission denied for database d", "CREATE SCHEMA x", "Missing: GRANT CREATE ON DATABASE d TO \"me\"." },
		{ "permission denied for sequence s", NULL, "Missing: GRANT USAGE, SELECT ON SEQUENCE s TO \"me\"." },
		{ "permission denied for function f", NULL, "Missing: GRANT EXECUTE ON FUNCTION f TO \"me\"." },
		{ "permission denied to create database", NULL, "Missing: ALTER ROLE \"me\" CREATEDB." },
		{ "must be owner of table users", NULL,
		  "Only the owner may do this: make \"me\" the owner of table users, or a member of the role that is." },
		{ "keine Berechtigung", NULL,
		  "The role has not the right to do this; the statement's owner or a superuser can GRANT it." },
	};
	struct dunlin_driver_error err = { .struct_size = sizeof err };
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		drv_error_clear(&err);
		pg_permission_hint(t[i].message, "me", t[i].sql, t[i].sql ? strlen(t[i].sql) : 0, &err);
		TAP_EQ_STR(err.hint, t[i].hint);
	}
	pg_permission_hint("permission denied for table a", "odd\"name", NULL, 0, &err);
	TAP_OK(strstr(err.hint, "TO \"odd\"\"name\".") != NULL);
	pg_permission_hint("permission denied for table a", NULL, NULL, 0, NULL);
}

static void refusals_at_connecting_lose_noise_and_tell_the_sqlstate(void)
{
	static const struct {
		const char *text, *state, *words;
	} t[] = {
		{ "connection to server at \"h\", port 1 failed: FATAL:  28P01: password authentication failed for user \"x\"\n"
		  "LOCATION:  auth_failed, auth.c:335\n", "28P01",
		  "connection to server at \"h\", port 1 failed: FATAL: password authentication failed for user \"x\"" },
		{ "connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server running on that host and "
		  "accepting TCP/IP connections?\n", "", "connection to server at \"h\", port 1 failed: Connection refused" },
		{ "connection to server at \"h\", port 1 failed: FATAL:  42704: no\nLOCATION:  f, f.c:1\n"
		  "connection to server at \"h\", port 1 failed: FATAL:  42704: no\nLOCATION:  f, f.c:1\n", "42704",
		  "connection to server at \"h\", port 1 failed: FATAL: no" },
		{ "connection to server at \"a\" failed: no\nconnection to server at \"b\" failed: no\n", "",
		  "connection to server at \"a\" failed: no; connection to server at \"b\" failed: no" },
		{ "connection to server at \"a\" failed: FATAL:  3D000: x\nDETAIL:  why\n", "3D000",
		  "connection to server at \"a\" failed: FATAL: x DETAIL:  why" },
		{ "plain", "", "plain" },
		{ "a:  lower: b", "", "a:  lower: b" },
	};
	struct drv_text words = { 0 };
	char state[6];
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		drv_text_reset(&words);
		pg_connect_words(t[i].text, state, &words);
		TAP_EQ_STR(words.p, t[i].words);
		TAP_EQ_STR(state, t[i].state);
	}
	drv_text_clear(&words);
	pg_connect_words("", state, &words);
	TAP_OK(words.p == NULL);
}

static void the_lock_of_a_ledger_never_changes(void)
{
	/* Runs of every version of the program must mean the same lock. */
	TAP_OK(pg_lock_key("public.dunlin_migrations") == INT64_C(8577385647387347338));
	TAP_OK(pg_lock_key("a") != pg_lock_key("b"));
	TAP_OK(pg_lock_key("") >= 0 && pg_lock_key("public.x") >= 0);
}

static void notices_have_a_level(void)
{
	TAP_EQ_INT(pg_notice_level("WARNING"), DUNLIN_LOG_WARN);
	TAP_EQ_INT(pg_notice_level("NOTICE"), DUNLIN_LOG_INFO);
	TAP_EQ_INT(pg_notice_level("INFO"), DUNLIN_LOG_INFO);
	TAP_EQ_INT(pg_notice_level("LOG"), DUNLIN_LOG_DEBUG);
	TAP_EQ_INT(pg_notice_level(NULL), DUNLIN_LOG_DEBUG);
}

static void literals_are_quoted_whatever_the_setting(void)
{
	struct drv_text t = { 0 };

	pg_text_literal(&t, "a'b\\c");
	TAP_EQ_STR(t.p, " E'a''b\\\\c'");
	drv_text_clear(&t);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "every sqlstate has its class", every_sqlstate_has_its_class },
		{ "positions become bytes from 0", positions_become_bytes_from_0 },
		{ "the missing grant is named", the_missing_grant_is_named },
		{ "refusals at connecting lose noise and tell the sqlstate", refusals_at_connecting_lose_noise_and_tell_the_sqlstate },
		{ "the lock of a ledger never changes", the_lock_of_a_ledger_never_changes },
		{ "notices have a level", notices_have_a_level },
		{ "literals are quoted whatever the setting", literals_are_quoted_whatever_the_setting },
	};

	drv_set_host(&host);
	return tap_main("postgresql_errors", tests, sizeof tests / sizeof *tests);
}
