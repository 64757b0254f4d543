/*
 * test_session.c - the same steps come to the same end with a driver's fast path
 * and without it, and every failure arrives as an error with its exit code.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "loader.h"
#include "session.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct dunlin_driver *drv;
static struct dunlin_error err;
static char path[40];

static void open_script(struct session *s, const char *script)
{
	static int number;
	struct dunlin_kv kv[] = { { "path", path }, { "create", "1" }, { "inline", script } };

	snprintf(path, sizeof path, ":session-%d", number++);
	memset(s, 0, sizeof *s);
	if (session_open(s, drv, kv, 3, NULL, &err) < 0) {
		printf("Bail out! %s\n", err.message);
		exit(EXIT_FAILURE);
	}
}

/* --- steps, one word each: b(egin) c(ommit) e(nd), else SQL; l:SQL a record ------------- */

static int seen;

static void step_done(void *arg, size_t i)
{
	(void)arg;
	seen = (int)i + 1;
}

struct outcome { int rc, n_done, n_durable, is_unknown; };

static struct outcome run(struct session *s, const char *const *spec)
{
	struct dunlin_exec_observer obs = { .struct_size = sizeof obs, .step_done = step_done };
	struct dunlin_exec_result res;
	struct dunlin_step step[16];
	size_t n = 0;
	struct outcome o;

	for (; spec[n]; n++) {
		int is_record = strncmp(spec[n], "l:", 2) == 0;
		int kind = strcmp(spec[n], "b") == 0 ? DUNLIN_STEP_BEGIN : strcmp(spec[n], "c") == 0 ? DUNLIN_STEP_COMMIT :
		           strcmp(spec[n], "e") == 0 ? DUNLIN_STEP_SEAL : is_record ? DUNLIN_STEP_LEDGER : DUNLIN_STEP_STATEMENT;
		const char *sql = kind == DUNLIN_STEP_STATEMENT ? spec[n] : is_record ? spec[n] + 2 : NULL;

		step[n] = (struct dunlin_step){
			.struct_size = sizeof *step, .kind = kind, .sql = sql, .sql_len = sql ? strlen(sql) : 0,
			.expect_rows = is_record ? 1 : -1, .lock_timeout_ms = -1, .statement_timeout_ms = -1,
		};
	}
	seen = 0;
	error_clear(&err);
	o.rc = session_exec_many(s, step, n, &obs, &res, &err);
	o.n_done = (int)res.n_done;
	o.n_durable = (int)res.n_durable;
	o.is_unknown = res.is_unknown;
	return o;
}
#define STEPS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int add_row(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	char *out = arg;
	size_t n = strlen(out);

	(void)len, (void)type;
	for (int i = 0; i < ncol; i++)
		n += (size_t)snprintf(out + n, 400 - n, "%s,", value[i] ? value[i] : "NULL");
	return 0;
}

static const char *ask(const char *sql)
{
	static char text[400];
	struct dunlin_kv kv[] = { { "path", path } };
	struct session s = { 0 };

	text[0] = '\0';
	if (session_open(&s, drv, kv, 1, NULL, NULL) < 0 ||
	    session_query(&s, sql, strlen(sql), NULL, 0, add_row, text, NULL) < 0)
		snprintf(text, sizeof text, "error");
	session_close(&s);
	return text;
}

static const struct {
	const char *what;
	const char *const *step;
	const char *script;
	int rc, n_done, n_durable, is_unknown, code, errclass;
	const char *tables;
} cases[] = {
	{ "a migration", STEPS("b", "CREATE TABLE a (x)", "e", "l:INSERT INTO a VALUES (1)", "c"), "", 0, 5, 5, 0, 0, 0, "a," },
	{ "two, the second fails", STEPS("b", "CREATE TABLE a (x)", "c", "b", "CREATE TABLE b (x)", "CREATE TABL c", "c"), "",
	  -1, 5, 3, 0, 1, DUNLIN_CLASS_SYNTAX, "a," },
	{ "a call that ends within", STEPS("b", "CREATE TABLE a (x)"), "", 0, 2, 0, 0, 0, 0, "" },
	{ "statements by themselves", STEPS("CREATE TABLE a (x)", "CREATE TABLE b (x)", "nonsense"), "", -1, 2, 2, 0, 1,
	  DUNLIN_CLASS_SYNTAX, "a,b," },
	{ "a record that changes no row", STEPS("CREATE TABLE a (x)", "b", "l:DELETE FROM a", "c"), "", -1, 2, 1, 0, 1,
	  DUNLIN_CLASS_VALIDATION, "a," },
	{ "a statement that ends the transaction", STEPS("b", "CREATE TABLE a (x)", "COMMIT", "CREATE TABLE b (x)", "c"), "",
	  -1, 2, 0, 0, 1, DUNLIN_CLASS_VALIDATION, "a," },
	{ "a transaction of the file's own", STEPS("BEGIN", "CREATE TABLE a (x)", "l:INSERT INTO a VALUES (1)", "COMMIT"), "",
	  0, 4, 4, 0, 0, 0, "a," },
	{ "one that is left open", STEPS("CREATE TABLE a (x)", "BEGIN", "CREATE TABLE b (x)"), "", 0, 3, 1, 0, 0, 0, "a," },
	{ "one that fails", STEPS("CREATE TABLE a (x)", "BEGIN", "CREATE TABLE b (x)", "nonsense"), "", -1, 3, 1, 0, 1,
	  DUNLIN_CLASS_SYNTAX, "a," },
	{ "a lock", STEPS("b", "CREATE TABLE a (x)", "c"), "fail statement 1 class=LOCK retryable", -1, 1, 0, 0, 6,
	  DUNLIN_CLASS_LOCK, "" },
	{ "a commit that fails", STEPS("b", "CREATE TABLE a (x)", "c"), "fail commit 1 class=CONSTRAINT", -1, 2, 0, 0, 1,
	  DUNLIN_CLASS_CONSTRAINT, "" },
	{ "a line lost at commit", STEPS("b", "CREATE TABLE a (x)", "c"), "lost commit 1 after", -1, 2, 0, 1, 3,
	  DUNLIN_CLASS_CONNECTION, "a," },
	{ "a line lost at a lone statement", STEPS("CREATE TABLE a (x)", "CREATE TABLE b (x)"), "lost statement 2 after", -1, 1, 1, 1, 3,
	  DUNLIN_CLASS_CONNECTION, "a,b," },
	{ "unsafe surroundings", STEPS("CREATE TABLE a (x)"), "fail statement 1 class=PERMISSION unsafe", -1, 0, 0, 0, 11,
	  DUNLIN_CLASS_PERMISSION, "" },
	{ "time", STEPS("CREATE TABLE a (x)"), "fail statement 1 class=TIMEOUT status=timeout", -5, 0, 0, 0, 6, DUNLIN_CLASS_TIMEOUT, "" },
	{ "a cancel", STEPS("CREATE TABLE a (x)"), "fail statement 1 class=INTERRUPTED status=cancelled", -6, 0, 0, 0, 7,
	  DUNLIN_CLASS_INTERRUPTED, "" },
	{ "memory", STEPS("CREATE TABLE a (x)"), "fail statement 1 status=nomem", -2, 0, 0, 0, 1, DUNLIN_CLASS_UNKNOWN, "" },
};

static void steps_end_the_same_with_the_fast_path_and_without(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int slow = 0; slow < 2; slow++) {
			struct session s;
			struct outcome o;
			char script[200];
			int held;

			snprintf(script, sizeof script, "%s;%s", slow ? "caps=-exec_many" : "", cases[i].script);
			open_script(&s, script);
			o = run(&s, cases[i].step);
			held = TAP_EQ_INT(o.rc, cases[i].rc) & TAP_EQ_INT(o.n_done, cases[i].n_done) &
			       TAP_EQ_INT(o.n_durable, cases[i].n_durable) & TAP_EQ_INT(o.is_unknown, cases[i].is_unknown) &
			       TAP_EQ_INT(err.code, cases[i].code) & TAP_EQ_INT(err.errclass, cases[i].errclass) &
			       TAP_EQ_INT(seen, o.n_done);
			session_close(&s);
			held &= TAP_EQ_STR(ask("SELECT name FROM sqlite_master ORDER BY 1"), cases[i].tables);
			if (!held)
				tap_note("%s%s: %s", cases[i].what, slow ? " (one by one)" : "", err.message);
		}
}

static void a_transaction_goes_on_in_the_next_call(void)
{
	for (int slow = 0; slow < 2; slow++) {
		struct session s;

		open_script(&s, slow ? "caps=-exec_many" : "clock");
		TAP_EQ_INT(run(&s, STEPS("b", "CREATE TABLE a (x)")).n_durable, 0);
		TAP_EQ_INT(run(&s, STEPS("CREATE TABLE b (x)")).n_durable, 0);
		TAP_EQ_INT(run(&s, STEPS("e", "c", "CREATE TABLE c (x)")).n_durable, 3);
		TAP_EQ_STR(ask("SELECT name FROM sqlite_master ORDER BY 1"), "a,b,c,");
		/* and a failure takes all of it back */
		run(&s, STEPS("b", "CREATE TABLE d (x)"));
		TAP_EQ_INT(run(&s, STEPS("CREATE TABLE e (x)", "nonsense")).n_durable, 0);
		TAP_EQ_INT(run(&s, STEPS("b", "CREATE TABLE f (x)", "c")).rc, 0);
		TAP_EQ_STR(ask("SELECT name FROM sqlite_master ORDER BY 1"), "a,b,c,f,");
		session_close(&s);
	}
}

static void the_end_of_a_migrations_statements_resets_the_session(void)
{
	for (int slow = 0; slow < 2; slow++) {
		struct session s;

		open_script(&s, slow ? "caps=-exec_many" : "clock");
		TAP_EQ_INT(run(&s, STEPS("b", "SET role = x", "CREATE TABLE a AS SELECT count(*) AS n FROM temp.mock_setting", "e",
		                         "l:INSERT INTO a SELECT count(*) FROM temp.mock_setting", "c")).rc, 0);
		TAP_EQ_STR(ask("SELECT n FROM a"), "1,0,");
		session_close(&s);
	}
}

/* --- queries ---------------------------------------------------------------------------------- */

static int stop_at_2(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	(void)ncol, (void)value, (void)len, (void)type;
	return ++*(int *)arg == 2 ? 7 : 0;
}

static int fail_itself(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	(void)ncol, (void)value, (void)len, (void)type;
	return error_set(arg, DUNLIN_EXIT_REPAIR, DUNLIN_CLASS_VALIDATION, "mine");
}

static void what_a_row_function_says_comes_back(void)
{
	static const char sql[] = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
	struct session s;
	int n = 0;

	open_script(&s, "fail query 3 class=PERMISSION");
	TAP_EQ_INT(session_query(&s, sql, sizeof sql - 1, NULL, 0, stop_at_2, &n, &err), 7);
	TAP_EQ_INT(n, 2);
	TAP_EQ_INT(err.code, 0);
	TAP_EQ_INT(session_query(&s, sql, sizeof sql - 1, NULL, 0, fail_itself, &err, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_REPAIR);
	TAP_EQ_STR(err.message, "mine");
	TAP_EQ_INT(session_query(&s, sql, sizeof sql - 1, NULL, 0, stop_at_2, &n, &err), -1);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_PERMISSION);
	TAP_EQ_INT(session_query(&s, "nonsense", 8, NULL, 0, stop_at_2, &n, NULL), -1);
	session_close(&s);
	session_close(&s);
	TAP_OK(!session_has(&s, DUNLIN_CAP_TX));
}

static void an_error_says_what_the_driver_said(void)
{
	struct session s;

	open_script(&s, "fail statement 1 class=SCHEMA sqlstate=42P01 native=9 message=\"no such thing\" hint=\"make it\";"
	            "fail statement 2 class=SCHEMA native=9;fail statement 3 status=enotsup message=never;fail open 2 class=CONNECTION");
	run(&s, STEPS("x"));
	TAP_EQ_STR(err.native, "42P01");
	TAP_EQ_STR(err.message, "no such thing");
	TAP_EQ_STR(err.hint, "make it");
	run(&s, STEPS("x"));
	TAP_EQ_STR(err.native, "9");
	run(&s, STEPS("x"));
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "driver 'mock' cannot do this: never");
	session_close(&s);
	TAP_EQ_STR(ask("SELECT 1"), "error"); /* open fails: there is nothing to close */
}

static void a_pause_ends_within_its_time(void)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	session_pause(0);
	session_pause(-5);
	session_pause(20);
	clock_gettime(CLOCK_MONOTONIC, &b);
	int64_t ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	TAP_OK(ms >= 19 && ms < 2000);
}

int main(void)
{
#define T(f) { #f, f }
	static const struct tap_test tests[] = {
		T(steps_end_the_same_with_the_fast_path_and_without),
		T(a_transaction_goes_on_in_the_next_call),
		T(the_end_of_a_migrations_statements_resets_the_session),
		T(what_a_row_function_says_comes_back),
		T(an_error_says_what_the_driver_said),
		T(a_pause_ends_within_its_time),
	};

	if (loader_find("mock", NULL, &drv, &err) < 0) {
		printf("1..0 # SKIP %s\n", err.message);
		return 0;
	}
	return tap_main("session", tests, sizeof tests / sizeof *tests);
}
