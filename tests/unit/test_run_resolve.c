/*
 * test_run_resolve.c - the line goes while a run is at work: what was sent is
 * learnt from the log, nothing is done twice, and what cannot be learnt is said.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_fixture.h"

#define TABLES "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'dunlin%' ORDER BY name"

static void four_files(void)
{
	file("1.0.0-001-one.sql", "-- dunlin:up\nCREATE TABLE one (x);\nINSERT INTO one VALUES (1);\n-- dunlin:down\nDROP TABLE one;\n");
	file("1.0.0-002-two.sql", "-- dunlin:up\nINSERT INTO one VALUES (2);\n-- dunlin:down\nDELETE FROM one WHERE x = 2;\n");
	file("1.0.0-003-three.sql", "-- dunlin:up\nINSERT INTO one VALUES (3);\n-- dunlin:down\nDELETE FROM one WHERE x = 3;\n");
	file("1.0.0-004-four.sql", "-- dunlin:up\nINSERT INTO one VALUES (4);\n-- dunlin:down\nDELETE FROM one WHERE x = 4;\n");
}

static const char *log_of_run(void)
{
	return ask("SELECT seq || ' ' || event || CASE version WHEN '' THEN '' ELSE ' ' || version END FROM " EVENTS
	           " WHERE run_id = (SELECT run_id FROM " EVENTS " ORDER BY id DESC LIMIT 1) ORDER BY id");
}

static int has_struck(void)
{
	return strstr(W.log, "connection was lost") != NULL;
}

/* --- the line comes back ------------------------------------------------------------------ */

static const char *const points[] = { "begin", "statement", "ledger", "seal", "commit", "rollback", "tx_state", "unlock", "reset" };
#define N_POINTS (sizeof points / sizeof *points)

static int n_runs;

/* 0: the fault does not strike any more. */
static int up_with(const char *caps, const char *point, int n, const char *when, int all)
{
	char how[200];
	int struck;

	begin("mock");
	four_files();
	snprintf(how, sizeof how, "%slost %s %d%s", caps, point, n, when);
	script(how);
	W.n_early = 0;
	if (!TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .transaction = all ? DUNLIN_TX_ALL : DUNLIN_TX_PER_MIGRATION), 0) ||
	    !TAP_EQ_STR(ask("SELECT x FROM one ORDER BY x"), "1\n2\n3\n4\n") ||
	    !TAP_EQ_STR(log_of_run(), W.events) || !TAP_EQ_INT(W.n_early, 0) || !TAP_EQ_STR(W.err.message, "") ||
	    !TAP_EQ_STR(ask("SELECT count(*), max(batch), count(DISTINCT run_id) FROM " TABLE " WHERE state = 'applied'"), "4 1 1\n") ||
	    !TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 4) || !TAP_EQ_INT(W.progress.migrations_done, 4) ||
	    !TAP_EQ_INT(W.progress.statements_done, 5))
		tap_note("%s%s: %s\n%s", how, all ? " (all)" : "", W.err.message, W.log);
	struck = has_struck() || strstr(W.log, "not ours any more");
	n_runs++;
	script("");
	if (!CHECK_LEDGER() || !TAP_EQ_INT(up(), 0) || !TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 0))
		tap_note("%s", how);
	end();
	return struck;
}

static void a_line_lost_at_any_step_of_up_is_resolved(void)
{
	static const char *const caps[] = { "", "caps=-exec_many;" };

	n_runs = 0;
	for (size_t c = 0; c < 2; c++)
		for (size_t p = 0; p < N_POINTS; p++)
			for (int after = 0; after < 2; after++)
				for (int all = 0; all < 2; all++)
					for (int n = 1; up_with(caps[c], points[p], n, after ? " after" : "", all) && n < 60; n++)
						;
	tap_note("%d lost lines", n_runs);
}

static void a_line_lost_at_any_step_of_rollback_is_resolved(void)
{
	n_runs = 0;
	for (size_t p = 0; p < N_POINTS; p++)
		for (int after = 0; after < 2; after++)
			for (int n = 1, struck = 1; struck && n < 60; n++) {
				char how[100];

				begin("mock");
				four_files();
				TAP_EQ_INT(up(), 0);
				snprintf(how, sizeof how, "lost %s %d%s", points[p], n, after ? " after" : "");
				script(how);
				W.n_early = 0;
				if (!TAP_EQ_INT(rollback(), 0) || !TAP_EQ_STR(ask(TABLES), "") || !TAP_EQ_STR(log_of_run(), W.events) ||
				    !TAP_EQ_INT(W.n_early, 0))
					tap_note("%s: %s", how, W.err.message);
				struck = has_struck() || strstr(W.log, "not ours any more");
				n_runs++;
				CHECK_LEDGER();
				end();
			}
	tap_note("%d lost lines", n_runs);
}

static void a_line_lost_while_events_are_read_back_is_no_failure(void)
{
	int n = 3, is_over = 0;

	for (; n < 20 && !is_over; n++) {
		char how[60];

		begin("mock");
		four_files();
		snprintf(how, sizeof how, "lost query %d", n);
		script(how);
		int code = up();

		is_over = code == 0 && !has_struck(); /* it would meet our own questions */
		script("");
		/* the first queries look whether there is anything to do at all */
		if (is_over) {
			TAP_EQ_INT(code, 0);
		} else if (strstr(W.events, "run.started")) {
			TAP_EQ_INT(code, 0);
			TAP_EQ_STR(log_of_run(), W.events);
		} else {
			TAP_EQ_INT(code, DUNLIN_EXIT_CONNECT);
			TAP_EQ_STR(ask(TABLES), "");
		}
		end();
	}
	TAP_OK(n > 4);
}

static void a_failure_is_recorded_although_the_line_goes_meanwhile(void)
{
	for (int n = 1; n < 5; n++)
		for (int after = 0; after < 2; after++) {
			char how[100];

			begin("mock");
			four_files();
			file("1.0.0-003-three.sql", "INSERT INTO nosuch VALUES (3);\n");
			snprintf(how, sizeof how, "lost commit %d%s", n + 3, after ? " after" : "");
			script(how);
			TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
			TAP_EQ_STR(W.err.version, "1.0.0-003");
			TAP_EQ_STR(ask("SELECT version, state FROM " TABLE " ORDER BY 1"), "1.0.0-001 applied\n1.0.0-002 applied\n1.0.0-003 failed\n");
			TAP_EQ_STR(log_of_run(), W.events);
			TAP_EQ_INT(count(W.events, "run.finished"), 1);
			TAP_EQ_INT(count(W.events, "migration.failed"), 1);
			TAP_EQ_INT(has_struck(), n < 3);
			CHECK_LEDGER();
			end();
		}
}

static void an_old_session_that_lingers_is_waited_for(void)
{
	begin("mock");
	four_files();
	script("lost commit 3 after linger=400");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM one ORDER BY x"), "1\n2\n3\n4\n");
	TAP_EQ_INT(count(W.log, "waiting for another run"), 1);
	CHECK_LEDGER();
	end();
}

/* --- it does not ------------------------------------------------------------------------------ */

static void a_line_that_stays_away_is_exit_12_and_nothing_is_done_twice(void)
{
	for (size_t p = 0; p < 5; p++)
		for (int after = 0; after < 2; after++)
			for (int n = 1; n < 8; n++) {
				char how[200];
				int code;

				begin("mock");
				four_files();
				snprintf(how, sizeof how, "lost %s %d%s;fail open 2- class=CONNECTION", points[p], n, after ? " after" : "");
				script(how);
				option("lock-wait", "1ms");
				code = up();
				if (code != 0) {
					TAP_EQ_INT(code, DUNLIN_EXIT_UNKNOWN);
					TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_CONNECTION);
					TAP_EQ_STR(W.err.message, "the connection is lost");
					TAP_OK(strstr(W.err.state, "the outcome is not known") != NULL);
					TAP_OK(strstr(W.err.hint, "applies nothing twice") != NULL);
				}
				script("");
				option("lock-wait", "1s");
				if (!TAP_EQ_INT(up(), 0) || !TAP_EQ_STR(ask("SELECT x FROM one ORDER BY x"), "1\n2\n3\n4\n"))
					tap_note("%s: %s", how, W.err.message);
				CHECK_LEDGER();
				end();
			}
}

static void a_line_lost_with_nothing_on_it_is_exit_3(void)
{
	begin("mock");
	four_files();
	/* single steps: within the transaction nothing can have committed */
	script("caps=-exec_many;lost statement 3;fail open 2- class=CONNECTION");
	option("lock-wait", "1ms");
	TAP_EQ_INT(up(), DUNLIN_EXIT_CONNECT);
	TAP_EQ_STR(W.err.state, "1 of 4 migrations of this run are done; none is half done");
	option("lock-wait", "1s");
	script("");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM one ORDER BY x"), "1\n2\n3\n4\n");
	CHECK_LEDGER();
	end();
}

static void a_server_that_drops_every_connection_is_given_up(void)
{
	begin("mock");
	four_files();
	script("lost commit 2-");
	TAP_EQ_INT(up(), DUNLIN_EXIT_UNKNOWN);
	TAP_EQ_INT(count(W.log, "connecting again"), 5);
	script("");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM one ORDER BY x"), "1\n2\n3\n4\n");
	end();
	/* but one that lets each time a little more through is not */
	begin("mock");
	for (int i = 0; i < 12; i++) {
		static char name[12][40], text[12][60];

		snprintf(name[i], sizeof name[i], "1.0.0-%03d-n.sql", i + 1);
		snprintf(text[i], sizeof text[i], "CREATE TABLE n%d (x);\n", i);
		file(name[i], text[i]);
	}
	script("lost commit 2 after;lost commit 3 after;lost commit 4 after;lost commit 5 after;lost commit 6 after;"
	       "lost commit 7 after;lost commit 8 after;lost commit 9 after;lost commit 10 after");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_INT(count(W.log, "connecting again"), 9);
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "12\n");
	end();
}

/* --- someone else was faster --------------------------------------------------------------------- */

/* Called when the line is lost: another dunlin works before we are back. */
static void another_works(void)
{
	struct dunlin *d = NULL;
	struct dunlin_error err;
	char url[200];

	snprintf(url, sizeof url, "mock:%s", W.path);
	TAP_OK(dunlin_new(&d, &err) == 0 && dunlin_set(d, "url", url, &err) == 0 &&
	       dunlin_add_memory(d, "", W.file, W.n_file, &err) == 0);
	if (!TAP_EQ_INT(dunlin_execute(d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &err), 0))
		tap_note("%s", err.message);
	dunlin_free(d);
}

static int is_seen;

static void log_and_work(void *arg, int level, const char *text)
{
	on_log(arg, level, text);
	if (strstr(text, "connecting again") && !is_seen) {
		is_seen = 1;
		another_works();
	}
}

static void another_run_in_between_ends_this_one(void)
{
	static const struct { const char *how; int n_done; } cases[] = {
		{ "lost statement 3", 1 },  /* some of ours stand */
		{ "lost begin 1", 0 },      /* nothing of ours is recorded */
		{ "lost commit 3", 1 },
		{ "lost commit 2 after", 1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_observer o = { .event = on_event, .progress = on_progress, .log = log_and_work };

		begin("mock");
		four_files();
		script(cases[i].how);
		is_seen = 0;
		if (!TAP_OK(handle() != NULL))
			return;
		dunlin_observe(W.d, &o);
		TAP_OK(dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) < 0);
		TAP_OK(is_seen);
		TAP_EQ_INT(W.err.code, DUNLIN_EXIT_CONNECT);
		TAP_OK(strstr(W.err.message, "another run has worked on this database since") != NULL);
		TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, cases[i].n_done);
		TAP_EQ_STR(ask("SELECT x FROM one ORDER BY x"), "1\n2\n3\n4\n");
		TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE " WHERE state = 'applied'"), "4\n");
		CHECK_LEDGER();
		TAP_EQ_INT(up(), 0);
		TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 0);
		end();
	}
}

static void tables_whose_making_was_cut_short_are_made_again(void)
{
	begin("mock");
	script("caps=-tx_ddl,+ddl_commits");
	tell("CREATE TABLE " TABLE " (component, version)");
	four_files();
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "4\n");
	CHECK_LEDGER();
	end();
	/* one that has rows is not */
	begin("mock");
	script("caps=-tx_ddl,+ddl_commits");
	tell("CREATE TABLE " TABLE " (component, version)");
	tell("INSERT INTO " TABLE " VALUES ('', '1.0.0-001')");
	four_files();
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	TAP_OK(strstr(W.err.message, "only one of the tables") != NULL);
	end();
	/* nor where it cannot have been cut short */
	begin("mock");
	tell("CREATE TABLE " TABLE " (component, version)");
	four_files();
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	TAP_OK(strstr(W.err.message, "only one of the tables") != NULL);
	end();
}

int main(void)
{
#define T(f) { #f, f }
	static const struct tap_test tests[] = {
		T(a_line_lost_at_any_step_of_up_is_resolved),
		T(a_line_lost_at_any_step_of_rollback_is_resolved),
		T(a_line_lost_while_events_are_read_back_is_no_failure),
		T(a_failure_is_recorded_although_the_line_goes_meanwhile),
		T(an_old_session_that_lingers_is_waited_for),
		T(a_line_that_stays_away_is_exit_12_and_nothing_is_done_twice),
		T(a_line_lost_with_nothing_on_it_is_exit_3),
		T(a_server_that_drops_every_connection_is_given_up),
		T(another_run_in_between_ends_this_one),
		T(tables_whose_making_was_cut_short_are_made_again),
	};

	return run_main("run_resolve", tests, sizeof tests / sizeof *tests);
}
