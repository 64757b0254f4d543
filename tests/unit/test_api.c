/*
 * test_api.c - the public calls as a program makes them: several handles and
 * threads at once, and what the observer gets.
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
	};

	return run_main("api", tests, sizeof tests / sizeof *tests);
}
