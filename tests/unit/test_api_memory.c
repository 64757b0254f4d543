/*
 * test_api_memory.c - memory that runs out at any allocation of a public call.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_fixture.h"

static const char failing[] = "CREATE TABLE half (x);\nINSERT INTO nosuch VALUES (1);\n";

static void files_of_all_kinds(void)
{
	file("1.0.0-001-one.sql", "-- dunlin:up\nCREATE TABLE one (x);\n-- dunlin:down\nDROP TABLE one;\n-- dunlin:verify\nSELECT count(*) = 0 FROM one;\n");
	file("1.0.0-002-two.sql", "-- dunlin:up\n-- dunlin:no-transaction\nCREATE TABLE two (x);\nVACUUM;\nBEGIN;\nINSERT INTO two VALUES (1);\nCOMMIT;\n"
	     "-- dunlin:down\n-- dunlin:no-transaction\nDROP TABLE two;\nVACUUM;\n");
	file("1.0.0-003-three.sql", failing);
}

/* Rows and tables. */
#define STATE "SELECT version || ' ' || state || ' ' || direction || ' ' || statements_done FROM " TABLE " UNION ALL SELECT name " \
	"FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'dunlin%' AND name NOT LIKE 'sqlite%' ORDER BY 1"

/* The database's state, and that log and table agree; over one session, since
 * this is done for each allocation of each call.  NULL: any state. */
static int is_sound(const char *state)
{
	struct dunlin_kv kv[] = { { "path", W.path } };
	struct session s = { 0 };
	struct ledger l = { 0 };
	static struct answer got;
	const struct dunlin_driver *drv;
	struct dunlin_error bad;
	int is_good = 0;

	got.n = 0;
	if (loader_find(W.driver, NULL, &drv, &bad) == 0 && session_open(&s, drv, kv, 1, NULL, &bad) == 0 &&
	    ledger_init(&l, drv->dialect, TABLE, &bad) == 0) {
		is_good = TAP_EQ_STR(differences(&l, &s), "");
		if (state)
			is_good &= TAP_OK(session_query(&s, STATE, strlen(STATE), NULL, 0, answer_row, &got, &bad) == 0) &&
			           TAP_EQ_STR(got.text, state);
	}
	session_close(&s);
	ledger_clear(&l);
	return is_good;
}

static int fail_left; /* the call had fewer allocations than that */

static int is_for_good; /* ... and so do all after it */

/* The code of a call of which the n-th allocation fails. */
static int with_failure(unsigned long n, int (*call)(void))
{
	int code;

	mem_fail_at(n, is_for_good);
	code = call();
	fail_left = mem_count() < n;
	mem_fail_at(0, 0);
	return code;
}

static int call_up(void)
{
	return dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) == 0 ? 0 : W.err.code;
}

static int call_rollback(void)
{
	return dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_ROLLBACK }, &W.err) == 0 ? 0 : W.err.code;
}

static int call_repair(void)
{
	struct dunlin_findings *f = NULL;

	if (dunlin_repair(W.d, DUNLIN_REPAIR_ACCEPT_CHECKSUMS, NULL, &f, &W.err) < 0)
		return W.err.code;
	dunlin_findings_free(f);
	return 0;
}

static int call_retry(void)
{
	struct dunlin_findings *f = NULL;

	if (dunlin_repair(W.d, DUNLIN_REPAIR_RETRY, NULL, &f, &W.err) < 0)
		return W.err.code;
	dunlin_findings_free(f);
	return 0;
}

static int call_plan(void)
{
	struct dunlin_plan *p = NULL;

	if (dunlin_plan(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_ROLLBACK }, &p, &W.err) < 0)
		return W.err.code;
	dunlin_plan_free(p);
	return 0;
}

static int call_looks(void)
{
	struct dunlin_status_report *r = NULL;
	struct dunlin_findings *f = NULL;

	if (dunlin_status(W.d, &r, &W.err) < 0)
		return W.err.code;
	dunlin_status_free(r);
	if (dunlin_validate(W.d, &f, &W.err) < 0)
		return W.err.code;
	dunlin_findings_free(f);
	if (dunlin_verify(W.d, NULL, &f, &W.err) < 0)
		return W.err.code;
	dunlin_findings_free(f);
	return 0;
}

static int call_files(void)
{
	const struct dunlin_new_request req = { .name = "new" };
	struct dunlin_parsed *p = NULL;
	char path[200];

	if (dunlin_parse(W.d, "a.sql", "sqlite", &p, &W.err) < 0)
		return W.err.code;
	dunlin_parsed_free(p);
	if (dunlin_new_migration(W.d, &req, path, sizeof path, &W.err) < 0)
		return W.err.code;
	unlink(path);
	return 0;
}

static int call_new(void)
{
	struct dunlin *d = handle();

	return d ? 0 : W.err.code;
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 20];
	FILE *f = fopen(from, "rb");
	size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;

	if (f)
		fclose(f);
	unlink(to);
	if (n)
		tree_write_bytes(to, bytes, n);
}

static int end_of_up(void)
{
	return up();
}

/*
 * Each allocation of a call fails in turn.  It says so or goes on without, the
 * ledger stays sound, and the same call on a new handle comes to the end that
 * the call would have come to.
 */
static void every_allocation_fails(const char *what, int (*prepare)(void), int (*call)(void), int code, const char *message,
                                   const char *state)
{
	unsigned long n;
	char db[80];

	begin("sqlite");
	snprintf(db, sizeof db, "%s", W.path);
	files_of_all_kinds();
	W.is_events_untold = 0;
	if (prepare)
		prepare();
	dunlin_free(W.d);
	W.d = NULL;
	copy_file(db, "before.db");
	/* Where it stays away from there on, every third place will do. */
	for (n = 1;; n += is_for_good ? 3 : 1) {
		int got, is_bad = 0;

		copy_file("before.db", db);
		if (call != call_new && !handle())
			tree_die("no handle", db);
		got = with_failure(n, call);
		if (fail_left) {
			is_bad |= !TAP_EQ_INT(got, code);
		} else if (got != code || (got && strstr(W.err.message, message) == NULL)) {
			is_bad |= !TAP_EQ_STR(W.err.message, "out of memory");
			is_bad |= !TAP_EQ_INT(got, DUNLIN_EXIT_FAILED);
		}
		dunlin_free(W.d);
		W.d = NULL;
		if (state) {
			is_bad |= access(db, F_OK) == 0 && !is_sound(NULL);
			handle();
			is_bad |= !TAP_EQ_INT(call(), code);
			is_bad |= !is_sound(state);
		}
		if (is_bad)
			tap_note("%s: allocation %lu", what, n);
		if (fail_left || is_bad)
			break;
	}
	tap_note("%s: %lu allocations", what, n - 1);
	TAP_OK(n > 20 || call == call_new);
	end();
}

static void up_survives_every_allocation_that_fails(void)
{
	every_allocation_fails("up", NULL, call_up, DUNLIN_EXIT_FAILED, "nosuch",
	                       "1.0.0-001 applied up 1\n1.0.0-002 applied up 5\n1.0.0-003 failed up 0\none\ntwo\n");
}

static void up_survives_memory_that_runs_out_for_good(void)
{
	is_for_good = 1;
	up_survives_every_allocation_that_fails();
	is_for_good = 0;
}

static void rollback_survives_every_allocation_that_fails(void)
{
	every_allocation_fails("rollback", end_of_up, call_rollback, 0, "", "1.0.0-003 failed up 0\n");
}

static void repair_survives_every_allocation_that_fails(void)
{
	every_allocation_fails("repair", end_of_up, call_repair, 0, "",
	                       "1.0.0-001 applied up 1\n1.0.0-002 applied up 5\n1.0.0-003 failed up 0\none\ntwo\n");
	every_allocation_fails("retry", end_of_up, call_retry, 0, "",
	                       "1.0.0-001 applied up 1\n1.0.0-002 applied up 5\none\ntwo\n");
}

static void looking_survives_every_allocation_that_fails(void)
{
	every_allocation_fails("plan", end_of_up, call_plan, 0, "", NULL);
	every_allocation_fails("status, validate, verify", end_of_up, call_looks, 0, "", NULL);
	every_allocation_fails("new", NULL, call_new, 0, "", NULL);
}

static void files_survive_every_allocation_that_fails(void)
{
	unsigned long n;

	begin("sqlite");
	tree_write("a.sql", "-- dunlin:up\n-- dunlin:requires 1.0.0-001\nCREATE TABLE a (x);\n-- dunlin:down\nDROP TABLE a;\n");
	tree_write("m/1.0.0-001-a.sql", "CREATE TABLE a (x);\n");
	for (n = 1;; n++) {
		int got;

		dunlin_free(W.d);
		if (dunlin_new(&W.d, &W.err) < 0 || dunlin_add_dir(W.d, "", "m", &W.err) < 0)
			tree_die(W.err.message, "m");
		got = with_failure(n, call_files);
		if (fail_left)
			TAP_EQ_INT(got, 0);
		else if (got && (!TAP_EQ_STR(W.err.message, "out of memory") || !TAP_EQ_INT(got, DUNLIN_EXIT_FAILED)))
			tap_note("allocation %lu", n);
		if (fail_left)
			break;
	}
	tap_note("parse, new: %lu allocations", n - 1);
	TAP_OK(n > 20);
	end();
}

int main(void)
{
#define T(f) { #f, f }
	static const struct tap_test tests[] = {
		T(up_survives_every_allocation_that_fails),
		T(up_survives_memory_that_runs_out_for_good),
		T(rollback_survives_every_allocation_that_fails),
		T(repair_survives_every_allocation_that_fails),
		T(looking_survives_every_allocation_that_fails),
		T(files_survive_every_allocation_that_fails),
	};

	return run_main("api_memory", tests, sizeof tests / sizeof *tests);
}
