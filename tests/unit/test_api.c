/*
 * test_api.c - the public calls as a program makes them: several handles and
 * threads at once, what the observer gets, and memory that runs out anywhere.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static void two_files(void)
{
	file("1.0.0-001-one.sql", "-- dunlin:up\nCREATE TABLE one (x);\n-- dunlin:down\nDROP TABLE one;\n-- dunlin:verify\nSELECT count(*) = 0 FROM one;\n");
	file("1.0.0-002-two.sql", "-- dunlin:up\nCREATE TABLE two (x);\n-- dunlin:down\nDROP TABLE two;\n");
}

/* --- handles ---------------------------------------------------------------------------- */

static void a_handle_can_be_used_for_one_call_after_the_other(void)
{
	struct dunlin_status_report *r = NULL;
	struct dunlin_plan *p = NULL;
	struct dunlin_findings *f = NULL;
	int64_t n = 0;
	const struct dunlin_request req = { .op = DUNLIN_OP_UP }, back = { .op = DUNLIN_OP_ROLLBACK };

	begin("sqlite");
	two_files();
	tell("CREATE TABLE gone (x)");
	tell("DROP TABLE gone");
	if (!TAP_OK(handle() != NULL))
		return;
	TAP_EQ_INT(dunlin_plan(W.d, &req, &p, &W.err), 0);
	TAP_EQ_INT(dunlin_plan_n_actions(p), 2);
	dunlin_plan_free(p);
	TAP_EQ_INT(dunlin_execute(W.d, &req, &W.err), 0);
	TAP_EQ_INT(dunlin_execute(W.d, &req, &W.err), 0);
	TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 0);
	TAP_EQ_INT(dunlin_verify(W.d, &n, &f, &W.err), 0);
	TAP_EQ_INT(n, 1);
	TAP_EQ_INT(f->n, 0);
	dunlin_findings_free(f);
	TAP_EQ_INT(dunlin_status(W.d, &r, &W.err), 0);
	TAP_EQ_INT(r->applied, 2);
	TAP_EQ_STR(r->current, "1.0.0-002");
	dunlin_status_free(r);
	TAP_EQ_INT(dunlin_validate(W.d, &f, &W.err), 0);
	TAP_EQ_INT(f->n, 0);
	dunlin_findings_free(f);
	TAP_EQ_INT(dunlin_execute(W.d, &back, &W.err), 0);
	TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 2);
	TAP_EQ_INT(dunlin_last_summary(W.d)->n_applied, 0);
	TAP_EQ_INT(dunlin_execute(W.d, &req, NULL), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "2\n");
	end();
}

static void a_plan_outlives_what_was_done_since(void)
{
	struct dunlin_plan *p = NULL;
	const struct dunlin_request req = { .op = DUNLIN_OP_UP };

	begin("mock");
	two_files();
	if (!TAP_OK(handle() != NULL))
		return;
	TAP_EQ_INT(dunlin_plan(W.d, &req, &p, &W.err), 0);
	TAP_EQ_INT(dunlin_execute(W.d, &req, &W.err), 0);
	TAP_EQ_STR(dunlin_plan_action(p, 1)->version, "1.0.0-002");
	dunlin_plan_free(p);
	end();
}

static int stop_at_2(void *arg, const struct dunlin_event *e)
{
	(void)e;
	return ++*(int *)arg == 2 ? 5 : 0;
}

static void history_ends_when_told(void)
{
	int n = 0;

	begin("mock");
	two_files();
	TAP_EQ_INT(up(), 0);
	TAP_EQ_INT(dunlin_history(W.d, 0, stop_at_2, &n, &W.err), 5);
	TAP_EQ_INT(n, 2);
	n = -100;
	TAP_EQ_INT(dunlin_history(W.d, 3, stop_at_2, &n, &W.err), 0);
	TAP_EQ_INT(n, -97);
	end();
}

static void a_cancelled_handle_starts_nothing(void)
{
	begin("mock");
	two_files();
	if (!TAP_OK(handle() != NULL))
		return;
	dunlin_cancel(W.d, 0);
	TAP_OK(dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) < 0);
	TAP_EQ_INT(W.err.code, DUNLIN_EXIT_STOPPED);
	TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE type = 'table'"), "0\n");
	end();
}

static void a_cancel_ends_the_wait_for_the_lock(void)
{
	int64_t start = clock_ms();

	begin("mock");
	two_files();
	script("busy lock * holder=\"you@there\"");
	option("lock-wait", "300ms");
	TAP_EQ_INT(up(), DUNLIN_EXIT_LOCKED);
	TAP_OK(strstr(W.err.message, "you@there") != NULL);
	TAP_EQ_INT(count(W.log, "waiting for another run"), 1);
	option("lock-wait", "60s");
	option("timeout", "300ms");
	TAP_EQ_INT(up(), DUNLIN_EXIT_TIMEOUT);
	TAP_OK(clock_ms() - start < 5000);
	end();
}

/* --- logs and passwords ------------------------------------------------------------------------ */

static void what_a_driver_logs_reaches_the_observer(void)
{
	begin("mock");
	two_files();
	make_url();
	if (!TAP_OK(handle() != NULL))
		return;
	add_text(W.url, sizeof W.url, "&trace=/dev/full");
	TAP_EQ_INT(dunlin_set(W.d, "url", W.url, &W.err), 0);
	TAP_EQ_INT(dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err), 0);
	TAP_OK(count(W.log, "1 the mock cannot write its trace") > 5);
	end();
}

static const struct dunlin_host *host;
static const struct dunlin_driver *real;

static int leak_open(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
                     struct dunlin_driver_error *err)
{
	(void)ctl, (void)out;
	for (size_t i = 0; i < n; i++)
		if (strcmp(opt[i].key, "password") == 0) {
			char text[200];

			snprintf(text, sizeof text, "using the password %s", opt[i].value);
			host->log(host->ctx, DUNLIN_LOG_WARN, text);
			err->errclass = DUNLIN_CLASS_CONNECTION;
			snprintf(err->message, sizeof err->message, "no access with %s", opt[i].value);
		}
	return DUNLIN_ERROR;
}

static const struct dunlin_driver *leak_entry(const struct dunlin_host *h, struct dunlin_driver_error *err)
{
	static const char *const schemes[] = { "leak", NULL };
	static struct dunlin_driver drv;
	static struct dunlin_dialect dialect;

	(void)err;
	host = h;
	drv = *real;
	dialect = *real->dialect;
	dialect.name = "leak";
	dialect.aliases = NULL;
	drv.name = "leak";
	drv.schemes = schemes;
	drv.flags = DUNLIN_DRIVER_SERVER;
	drv.dialect = &dialect;
	drv.open = leak_open;
	return &drv;
}

static void a_password_is_in_no_log_and_no_error(void)
{
	begin("mock");
	two_files();
	if (!TAP_OK(loader_find("mock", NULL, &real, &W.err) == 0) || !TAP_EQ_INT(dunlin_driver_register(leak_entry, &W.err), 0) ||
	    !TAP_OK(handle() != NULL)) {
		tap_note("%s", W.err.message);
		end();
		return;
	}
	dunlin_set(W.d, "url", "leak://me:s3cr%40t@there/db", &W.err);
	TAP_OK(dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) < 0);
	TAP_EQ_INT(W.err.code, DUNLIN_EXIT_CONNECT);
	TAP_OK(strstr(W.err.message, "no access with") != NULL && strstr(W.err.message, "s3cr") == NULL);
	TAP_OK(strstr(W.log, "using the password") != NULL && strstr(W.log, "s3cr") == NULL);
	end();
}

/* --- threads --------------------------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	const char *url;
	int code;
	int64_t n_done;
	struct dunlin_error err;
};

static atomic_int n_ready;

static void *work(void *arg)
{
	struct worker *k = arg;
	struct dunlin *d = NULL;

	if (dunlin_new(&d, &k->err) < 0 || dunlin_set(d, "url", k->url, &k->err) < 0 ||
	    dunlin_add_memory(d, "", W.file, W.n_file, &k->err) < 0)
		return NULL;
	atomic_fetch_add(&n_ready, 1);
	k->code = dunlin_execute(d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &k->err) == 0 ? 0 : k->err.code;
	k->n_done = dunlin_last_summary(d)->n_done;
	dunlin_free(d);
	return NULL;
}

static void of_many_threads_one_applies(const char *driver, int n)
{
	static struct worker k[10];
	static char url[100];
	int64_t n_done = 0;

	begin(driver);
	two_files();
	for (int i = 3; i < 12; i++) {
		static char name[12][40], text[12][200];

		snprintf(name[i], sizeof name[i], "1.0.0-%03d-t.sql", i);
		snprintf(text[i], sizeof text[i], "%sCREATE TABLE t%d (x);\nINSERT INTO t%d VALUES (1);\n",
		         i % 4 == 0 ? "-- dunlin:no-transaction\n" : "", i, i);
		file(name[i], text[i]);
	}
	snprintf(url, sizeof url, "%s:%s", driver, W.path);
	for (int i = 0; i < n; i++) {
		k[i] = (struct worker){ .url = url, .code = -1 };
		if (pthread_create(&k[i].thread, NULL, work, &k[i]) != 0)
			tree_die("cannot start", "a thread");
	}
	for (int i = 0; i < n; i++) {
		pthread_join(k[i].thread, NULL);
		if (!TAP_EQ_INT(k[i].code, 0))
			tap_note("%s", k[i].err.message);
		TAP_OK(k[i].n_done == 0 || k[i].n_done == 11);
		n_done += k[i].n_done;
	}
	TAP_EQ_INT(n_done, 11);
	TAP_EQ_STR(ask("SELECT count(*), max(batch), count(DISTINCT run_id) FROM " TABLE), "11 1 1\n");
	TAP_EQ_STR(ask("SELECT count(*) FROM t3"), "1\n");
	TAP_EQ_STR(ask("SELECT count(*) FROM t4"), "1\n");
	CHECK_LEDGER();
	end();
}

static void of_two_threads_one_applies(void)
{
	of_many_threads_one_applies("sqlite", 2);
	of_many_threads_one_applies("mock", 2);
}

static void of_ten_threads_one_applies(void)
{
	of_many_threads_one_applies("sqlite", 10);
	of_many_threads_one_applies("mock", 10);
}

/* --- no memory ---------------------------------------------------------------------------------------- */

static const char failing[] = "CREATE TABLE half (x);\nINSERT INTO nosuch VALUES (1);\n";

static void files_of_all_kinds(void)
{
	two_files();
	file("1.0.0-002-two.sql", "-- dunlin:up\n-- dunlin:no-transaction\nCREATE TABLE two (x);\nVACUUM;\nBEGIN;\nINSERT INTO two VALUES (1);\nCOMMIT;\n"
	     "-- dunlin:down\n-- dunlin:no-transaction\nDROP TABLE two;\nVACUUM;\n");
	file("1.0.0-003-three.sql", failing);
}


#define STATE "SELECT version, state, direction, statements_done FROM " TABLE " ORDER BY version"
#define OBJECTS "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'dunlin%' AND name NOT LIKE 'sqlite%' ORDER BY 1"

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
                                   const char *state, const char *objects)
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
	for (n = 1;; n++) {
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
			if (access(db, F_OK) == 0 && strncmp(ask("SELECT 1 FROM " EVENTS), "error", 5) != 0)
				is_bad |= !CHECK_LEDGER();
			handle();
			is_bad |= !TAP_EQ_INT(call(), code);
			is_bad |= !TAP_EQ_STR(ask(STATE), state);
			is_bad |= !TAP_EQ_STR(ask(OBJECTS), objects);
			is_bad |= !CHECK_LEDGER();
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
	                       "1.0.0-001 applied up 1\n1.0.0-002 applied up 5\n1.0.0-003 failed up 0\n", "one\ntwo\n");
}

static void up_survives_memory_that_runs_out_for_good(void)
{
	is_for_good = 1;
	up_survives_every_allocation_that_fails();
	is_for_good = 0;
}

static void rollback_survives_every_allocation_that_fails(void)
{
	every_allocation_fails("rollback", end_of_up, call_rollback, 0, "", "1.0.0-003 failed up 0\n", "");
}

static void repair_survives_every_allocation_that_fails(void)
{
	every_allocation_fails("repair", end_of_up, call_repair, 0, "",
	                       "1.0.0-001 applied up 1\n1.0.0-002 applied up 5\n1.0.0-003 failed up 0\n", "one\ntwo\n");
	every_allocation_fails("retry", end_of_up, call_retry, 0, "",
	                       "1.0.0-001 applied up 1\n1.0.0-002 applied up 5\n", "one\ntwo\n");
}

static void looking_survives_every_allocation_that_fails(void)
{
	every_allocation_fails("plan", end_of_up, call_plan, 0, "", NULL, NULL);
	every_allocation_fails("status, validate, verify", end_of_up, call_looks, 0, "", NULL, NULL);
	every_allocation_fails("new", NULL, call_new, 0, "", NULL, NULL);
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
		T(a_handle_can_be_used_for_one_call_after_the_other),
		T(a_plan_outlives_what_was_done_since),
		T(history_ends_when_told),
		T(a_cancelled_handle_starts_nothing),
		T(a_cancel_ends_the_wait_for_the_lock),
		T(what_a_driver_logs_reaches_the_observer),
		T(a_password_is_in_no_log_and_no_error),
		T(of_two_threads_one_applies),
		T(of_ten_threads_one_applies),
		T(up_survives_every_allocation_that_fails),
		T(up_survives_memory_that_runs_out_for_good),
		T(rollback_survives_every_allocation_that_fails),
		T(repair_survives_every_allocation_that_fails),
		T(looking_survives_every_allocation_that_fails),
		T(files_survive_every_allocation_that_fails),
	};

	return run_main("api", tests, sizeof tests / sizeof *tests);
}
