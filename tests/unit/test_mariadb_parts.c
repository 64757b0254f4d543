/* test_mariadb_parts.c - what the MariaDB driver knows without a server. */
#include "mariadb_fixture.h"

#include <sys/stat.h>

static void one_statement_is_told_from_two(void)
{
	static const struct { const char *sql; unsigned status; int want; } cases[] = {
		{ "INSERT INTO t VALUES (1)", 0, 1 },
		{ "INSERT INTO t VALUES (';')", 0, 1 },
		{ "INSERT INTO t VALUES ('it''s;')", 0, 1 },
		{ "INSERT INTO t VALUES ('\\';')", 0, 1 },
		{ "INSERT INTO t VALUES ('\\'; DROP TABLE t; -- ')", 0, 1 },
		{ "INSERT INTO t VALUES ('\\'); DROP TABLE t; -- ')", SERVER_STATUS_NO_BACKSLASH_ESCAPES, 0 },
		{ "SELECT \"\\\";\"", 0, 1 },
		{ "SELECT \"\\\"; DROP TABLE t; -- \"", SERVER_STATUS_ANSI_QUOTES, 0 },
		{ "SELECT `;`", 0, 1 },
		{ "SELECT 1 -- ;\n", 0, 1 },
		{ "SELECT 1 --;\n", 0, 0 },
		{ "SELECT 1 # ;", 0, 1 },
		{ "SELECT 1 /* ; */", 0, 1 },
		{ "SELECT 1 /*! + 1 */", 0, 0 },
		{ "SELECT 1 /*M!100100 + 1 */", 0, 0 },
		{ "SELECT 1; SELECT 2", 0, 0 },
		{ "CREATE PROCEDURE p() BEGIN SELECT 1; END", 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		if (!TAP_EQ_INT(my_is_single(cases[i].sql, strlen(cases[i].sql), cases[i].status), cases[i].want))
			tap_note("%s", cases[i].sql);
}

static void what_may_change_the_session_is_noticed(void)
{
	static const struct { const char *sql; uint32_t traits; int is_dirty, is_alone; } cases[] = {
		{ "CREATE TABLE t (a int)", DUNLIN_ST_DDL, 0, 0 },
		{ "insert into t values (1)", DUNLIN_ST_DML, 0, 0 },
		{ "(SELECT 1)", 0, 0, 0 },
		{ "-- first\n UPDATE t SET a = 1", DUNLIN_ST_DML, 0, 0 },
		{ "BEGIN", DUNLIN_ST_BEGIN, 0, 0 },
		{ "BEGIN NOT ATOMIC SET @x = 1", 0, 1, 1 },
		{ "CALL p()", 0, 1, 1 },
		{ "SET foreign_key_checks = 0", DUNLIN_ST_SESSION, 1, 1 },
		{ "SET autocommit = 0", DUNLIN_ST_TX_OTHER, 1, 1 },
		{ "SET STATEMENT max_statement_time = 1 FOR SELECT 1", 0, 0, 1 },
		{ "SET GLOBAL max_connections = 9", DUNLIN_ST_PREAMBLE, 0, 1 },
		{ "CREATE TEMPORARY TABLE t (a int)", DUNLIN_ST_SESSION, 1, 1 },
		{ "EXECUTE IMMEDIATE 'SET @x = 1'", 0, 1, 1 },
		{ "IF 1 THEN SELECT 1", 0, 1, 1 },
		{ "SELECT @x := 1", 0, 1, 1 },
		{ "SELECT 1 INTO @x", 0, 1, 1 },
		{ "SELECT get_lock('a', 1)", 0, 1, 1 },
		{ "LOCK TABLES t WRITE", DUNLIN_ST_SESSION, 1, 1 },
	};
	struct my_statement s;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		my_statement_read(&s, cases[i].sql, strlen(cases[i].sql), cases[i].traits, 0);
		if (!TAP_EQ_INT(s.is_dirty, cases[i].is_dirty) || !TAP_EQ_INT(s.is_alone, cases[i].is_alone))
			tap_note("%s", cases[i].sql);
	}
}

#define NEAR(text, line) "You have an error in your SQL syntax; check the manual near '" text "' at line " line

static void the_place_of_a_syntax_error_is_found(void)
{
	static const struct { const char *message, *sql; int64_t want; } cases[] = {
		{ NEAR("valuez (3)", "1"), "insert into a valuez (3)", 14 },
		{ NEAR("valuez (3);\nSHOW WARNINGS LIMIT 20;\nSET @dunlin_check = 1 +...", "1"), "insert into a valuez (3)", 14 },
		{ NEAR(";\nSHOW WARNINGS LIMIT 20", "2"), "create table a(\n i int", 22 },
		{ NEAR("", "1"), "select (1", 9 },
		{ NEAR("x)", "2"), "select (x)\n, (x x)", 16 },
		{ NEAR("'a' 'b'c", "1"), "select 'a' 'b'c", 7 },
		{ "something else", "select", -1 },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		if (!TAP_EQ_INT(my_error_position(cases[i].message, cases[i].sql, strlen(cases[i].sql)), cases[i].want))
			tap_note("%s", cases[i].message);
}

static void a_literal_means_the_same_under_every_sql_mode(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "plain", "_utf8mb4'plain'" },
		{ "it's", "_utf8mb4'it''s'" },
		{ "''", "_utf8mb4''''''" },
		{ "", "_utf8mb4 x''" },
		{ "a\\b", "_utf8mb4 x'615c62'" },
		{ "\n", "_utf8mb4 x'0a'" },
		{ "\xc3\xbc", "_utf8mb4 x'c3bc'" },
	};
	struct drv_text t = { 0 };
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		drv_text_reset(&t);
		my_literal(&t, cases[i].text, strlen(cases[i].text));
		TAP_EQ_STR(t.p, cases[i].want);
	}
	drv_text_clear(&t);
}

static void a_question_mark_in_quotes_is_no_parameter(void)
{
	static const char sql[] = "INSERT INTO `t?` VALUES (?, '?', ?) -- ?";
	struct dunlin_param p[2] = { { .value = "7", .len = 1, .is_integer = 1 }, { .value = NULL } };
	struct drv_text t = { 0 };

	TAP_EQ_INT(my_expand(&t, sql, sizeof sql - 1, p, 2, &err), DUNLIN_OK);
	TAP_EQ_STR(t.p, "INSERT INTO `t?` VALUES (7, '?', NULL) -- ?");
	drv_text_reset(&t);
	TAP_EQ_INT(my_expand(&t, "SELECT 1", 8, p, 1, &err), DUNLIN_ERROR);
	drv_text_clear(&t);
}

static void numbers_of_errors_have_classes(void)
{
	static const struct { unsigned native; const char *state; int want; } cases[] = {
		{ 1064, "42000", DUNLIN_CLASS_SYNTAX }, { 1050, "42S01", DUNLIN_CLASS_SCHEMA }, { 1146, "42S02", DUNLIN_CLASS_SCHEMA },
		{ 1062, "23000", DUNLIN_CLASS_CONSTRAINT }, { 1451, "23000", DUNLIN_CLASS_DEPENDENCY },
		{ 1205, "HY000", DUNLIN_CLASS_LOCK }, { 1213, "40001", DUNLIN_CLASS_LOCK }, { 1969, "70100", DUNLIN_CLASS_TIMEOUT },
		{ 1142, "42000", DUNLIN_CLASS_PERMISSION }, { 1045, "28000", DUNLIN_CLASS_CONNECTION },
		{ 2013, "HY000", DUNLIN_CLASS_CONNECTION }, { 1317, "70100", DUNLIN_CLASS_INTERRUPTED },
		{ 4025, "23000", DUNLIN_CLASS_CONSTRAINT }, { 9999, "23001", DUNLIN_CLASS_CONSTRAINT }, { 9999, "HY000", DUNLIN_CLASS_UNKNOWN },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		if (!TAP_EQ_INT(my_class_of(cases[i].native, cases[i].state), cases[i].want))
			tap_note("%u", cases[i].native);
}

/* --- options ------------------------------------------------------------------------ */

static char folder[] = "/tmp/dunlin-optfile.XXXXXX";
static char option_file[64];

static void write_file(mode_t mode, const char *text)
{
	FILE *f = fopen(option_file, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
		chmod(option_file, mode);
	}
}

static int read_options(struct my_options *o, const char *host_name, const char *mode)
{
	struct dunlin_kv kv[] = { { "defaults-file", option_file }, { "host", host_name }, { "ssl-mode", mode } };

	return my_options_read(o, kv, 3, &err);
}

static void option_files_say_where_and_who_and_nothing_else(void)
{
	struct my_options o;

	write_file(0600, "# a comment\n[mysqld]\nuser=server\n[client]\nuser = 'me' # and me\npassword=\"a#b\\\\c\"\nport=3310\n"
	                 "socket=/s\nlocal-infile=1\ninit-command=DROP DATABASE x\nssl_ca=/ca.pem\n[mysql]\nuser=other\n");
	if (!TAP_EQ_INT(read_options(&o, NULL, NULL), DUNLIN_OK))
		return;
	TAP_EQ_STR(o.user, "me");
	TAP_EQ_STR(o.password, "a#b\\c");
	TAP_EQ_INT(o.port, 3310);
	TAP_EQ_STR(o.socket, "/s");
	TAP_EQ_STR(o.ssl_ca, "/ca.pem");
	TAP_EQ_INT(o.is_local, 1);
	TAP_EQ_INT(o.ssl_mode, MY_SSL_VERIFY_IDENTITY);
	my_options_clear(&o);
	/* The URL's host is another server: socket and port are not its. */
	if (!TAP_EQ_INT(read_options(&o, "db.example", "required"), DUNLIN_OK))
		return;
	TAP_OK(o.socket == NULL);
	TAP_EQ_INT(o.port, 0);
	TAP_EQ_STR(o.user, "me");
	TAP_EQ_INT(o.ssl_mode, MY_SSL_REQUIRED);
	TAP_EQ_INT(o.is_local, 0);
	my_options_clear(&o);
}

static void a_password_that_others_may_read_is_refused(void)
{
	struct my_options o;

	write_file(0644, "[client]\npassword=secret\n");
	TAP_EQ_INT(read_options(&o, NULL, NULL), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_unsafe, 1);
	TAP_OK(strstr(err.message, "secret") == NULL);
	write_file(0644, "[client]\nuser=me\n");
	if (TAP_EQ_INT(read_options(&o, NULL, NULL), DUNLIN_OK))
		my_options_clear(&o);
}

static void tls_is_asked_of_other_hosts(void)
{
	static const struct { const char *host, *mode; int want, is_local; } cases[] = {
		{ "db.example", NULL, MY_SSL_REQUIRED, 0 }, { "db.example", "disabled", MY_SSL_DISABLED, 0 },
		{ "db.example", "preferred", MY_SSL_PREFERRED, 0 }, { "localhost", NULL, MY_SSL_PREFERRED, 1 },
		{ "127.0.0.1", NULL, MY_SSL_PREFERRED, 1 }, { "::1", NULL, MY_SSL_PREFERRED, 1 },
		{ "/run/x.sock", NULL, MY_SSL_PREFERRED, 1 }, { "10.0.0.1", "verify-ca", MY_SSL_VERIFY_CA, 0 },
	};
	struct my_options o;
	size_t i;

	write_file(0600, "");
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (!TAP_EQ_INT(read_options(&o, cases[i].host, cases[i].mode), DUNLIN_OK))
			continue;
		TAP_EQ_INT(o.ssl_mode, cases[i].want);
		TAP_EQ_INT(o.is_local, cases[i].is_local);
		my_options_clear(&o);
	}
	TAP_EQ_INT(read_options(&o, "db.example", "sometimes"), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "one statement is told from two", one_statement_is_told_from_two },
		{ "what may change the session is noticed", what_may_change_the_session_is_noticed },
		{ "the place of a syntax error is found", the_place_of_a_syntax_error_is_found },
		{ "a literal means the same under every sql_mode", a_literal_means_the_same_under_every_sql_mode },
		{ "a question mark in quotes is no parameter", a_question_mark_in_quotes_is_no_parameter },
		{ "numbers of errors have classes", numbers_of_errors_have_classes },
		{ "option files say where and who and nothing else", option_files_say_where_and_who_and_nothing_else },
		{ "a password that others may read is refused", a_password_that_others_may_read_is_refused },
		{ "TLS is asked of other hosts", tls_is_asked_of_other_hosts },
	};
	int rc;

	fixture_start();
	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	snprintf(option_file, sizeof option_file, "%s/my.cnf", folder);
	rc = tap_main("mariadb_parts", tests, sizeof tests / sizeof *tests);
	unlink(option_file);
	rmdir(folder);
	return rc;
}
