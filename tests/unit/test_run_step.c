/*
 * test_run_step.c - migrations outside a transaction: progress, intents, what is
 * settled by the probe, blocks of the file's own, and going on after a death at
 * any point.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_fixture.h"

#include <jansson.h>
#include <pthread.h>

#define DDL_COMMITS "caps=-tx_ddl,+ddl_commits;"
#define WINDOWS "caps=-tx_ddl,+ddl_commits,+probe_sql;"
#define FILE1 "1.0.0-001-steps.sql"
#define NO_TX "-- dunlin:no-transaction\n"
#define ROW "SELECT state, direction, statements_done, statements_total FROM " TABLE " WHERE version = '1.0.0-001'"

/* A member of the intent that the row has now, or "". */
static const char *intent(const char *member)
{
	static char text[8][600];
	static int next;
	char *out = text[next++ % 8];
	json_t *j = json_loads(ask("SELECT intent FROM " TABLE), JSON_DISABLE_EOF_CHECK, NULL), *v = json_object_get(j, member);

	out[0] = '\0';
	if (json_is_integer(v))
		snprintf(out, sizeof text[0], "%lld", (long long)json_integer_value(v));
	else if (v)
		snprintf(out, sizeof text[0], "%s", json_is_true(v) ? "true" : json_string_value(v));
	json_decref(j);
	return out;
}

/* --- progress ----------------------------------------------------------------------- */

static char seen[4096];

static void look_at_row(const struct dunlin_event *e)
{
	if (strncmp(e->event, "statement.", 10) == 0)
		add_text(seen, sizeof seen, "%s n=%s probe=%s repeatable=%s hash=%d prefix=%d done=%s", e->event, intent("n"),
		         intent("probe"), intent("repeatable"), *intent("hash") != '\0', *intent("prefix") != '\0',
		         ask("SELECT statements_done FROM " TABLE));
}

static void progress_and_intents_are_recorded(void)
{
	begin("mock");
	script(DDL_COMMITS);
	file(FILE1, NO_TX "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nVACUUM;\nPRAGMA user_version = 3;\n");
	seen[0] = '\0';
	W.on_event = look_at_row;
	W.n_early = 0;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(seen, "statement.started n=1 probe=absent repeatable= hash=1 prefix=1 done=0\n"
	                 "statement.done n= probe= repeatable= hash=0 prefix=1 done=1\n"
	                 /* these two come together, when the INSERT has committed */
	                 "statement.started n= probe= repeatable= hash=0 prefix=1 done=2\n"
	                 "statement.done n= probe= repeatable= hash=0 prefix=1 done=2\n"
	                 "statement.started n=3 probe= repeatable=true hash=1 prefix=1 done=2\n"
	                 "statement.done n= probe= repeatable= hash=0 prefix=1 done=3\n"
	                 "statement.started n=4 probe= repeatable= hash=1 prefix=1 done=3\n"
	                 "statement.done n= probe= repeatable= hash=0 prefix=1 done=4\n");
	TAP_EQ_INT(W.n_early, 0);
	TAP_EQ_STR(W.events, "1 ledger.layout\n2 run.started\n3 migration.started 1.0.0-001\n"
	                     "4 statement.started 1.0.0-001\n5 statement.done 1.0.0-001\n6 statement.started 1.0.0-001\n"
	                     "7 statement.done 1.0.0-001\n8 statement.started 1.0.0-001\n9 statement.done 1.0.0-001\n"
	                     "10 statement.started 1.0.0-001\n11 statement.done 1.0.0-001\n12 migration.done 1.0.0-001\n13 run.finished\n");
	TAP_EQ_STR(ask(ROW), "applied up 4 4\n");
	TAP_EQ_STR(ask("SELECT '[' || intent || ']' FROM " TABLE), "[]\n");
	TAP_EQ_INT(W.progress.statements_done, 4);
	TAP_EQ_INT(W.progress.bytes_done, W.progress.bytes_total);
	CHECK_LEDGER();
	end();
}

static void the_session_is_reset_before_the_end_is_recorded(void)
{
	const char *t, *reset;

	begin("mock");
	file(FILE1, NO_TX "SET role = x;\nCREATE TABLE a AS SELECT count(*) AS n FROM temp.mock_setting;\n");
	file("1.0.0-002-b.sql", "CREATE TABLE b AS SELECT count(*) AS n FROM temp.mock_setting;\n");
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT a.n, b.n FROM a, b"), "1 0\n");
	t = trace();
	reset = strstr(t, "\nreset");
	TAP_OK(reset != NULL && strstr(reset, "migration.done") != NULL);
	TAP_OK(reset == NULL || memmem(t, (size_t)(reset - t), "migration.done", 14) == NULL);
	end();
}

/* --- settled by the probe -------------------------------------------------------------- */

/* A run that dies: the line goes and does not come back. */
static int die(const char *how)
{
	char text[600];

	snprintf(text, sizeof text, "%s;fail open 2- class=CONNECTION", how);
	script(text);
	option("lock-wait", "1ms");
	return up();
}

static void a_death_is_settled_by_what_the_probe_says(void)
{
	static const struct { const char *what, *how, *later; int code; const char *row; } cases[] = {
		{ "it did not run: it runs now", DDL_COMMITS "lost statement 2", DDL_COMMITS, 0, "applied up 3 3\n" },
		{ "it ran: it does not run again", DDL_COMMITS "lost statement 2 after", DDL_COMMITS, 0, "applied up 3 3\n" },
		{ "the probe cannot tell", DDL_COMMITS "lost statement 2 after;probe enotsup", DDL_COMMITS "probe enotsup", 8, "running up 1 3\n" },
		{ "the probe told before, and cannot now", DDL_COMMITS "lost statement 2 after", DDL_COMMITS "probe enotsup", 8, "running up 1 3\n" },
		{ "the probe could not tell before", DDL_COMMITS "lost statement 2;probe enotsup", DDL_COMMITS, 8, "running up 1 3\n" },
		{ "there is no probe any more", DDL_COMMITS "lost statement 2", "caps=-tx_ddl,+ddl_commits,-probe", 8, "running up 1 3\n" },
		{ "the intent was not written", DDL_COMMITS "lost ledger 11", DDL_COMMITS, 0, "applied up 3 3\n" },
		{ "the row that says so was not written", DDL_COMMITS "lost ledger 5", DDL_COMMITS, 0, "applied up 3 3\n" },
		{ "done was not written", DDL_COMMITS "lost ledger 13", DDL_COMMITS, 0, "applied up 3 3\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin("mock");
		file(FILE1, "CREATE TABLE a (x);\nCREATE TABLE b (x);\nINSERT INTO a VALUES (1);\n");
		TAP_EQ_INT(die(cases[i].how), DUNLIN_EXIT_UNKNOWN);
		TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_CONNECTION);
		TAP_OK(strstr(W.err.hint, "applies nothing twice") != NULL);
		option("lock-wait", "1s");
		script(cases[i].later);
		TAP_EQ_STR(validate("stuck"), ""); /* looking says that it will be settled */
		if (!TAP_EQ_INT(up(), cases[i].code))
			tap_note("%s: %s", cases[i].what, W.err.message);
		TAP_EQ_STR(ask(ROW), cases[i].row);
		if (cases[i].code == 0)
			TAP_EQ_STR(ask("SELECT count(*) FROM a UNION ALL SELECT count(*) FROM b"), "1\n0\n");
		else
			TAP_OK(strstr(W.err.message, "statement 2") != NULL);
		CHECK_LEDGER();
		end();
	}
}

static void what_is_stuck_is_decided_by_repair(void)
{
	for (int op = 0; op < 3; op++) {
		begin("mock");
		file(FILE1, "-- dunlin:up\nCREATE TABLE a (x);\nCREATE TABLE b (x);\nINSERT INTO a VALUES (1);\n");
		TAP_EQ_INT(die(DDL_COMMITS "probe enotsup;lost statement 2"), DUNLIN_EXIT_UNKNOWN);
		option("lock-wait", "1s");
		script(DDL_COMMITS "probe enotsup");
		TAP_EQ_INT(up(), DUNLIN_EXIT_REPAIR);
		CHECK_LEDGER();
		switch (op) {
		case 0:
			TAP_EQ_INT(repair(DUNLIN_REPAIR_RETRY, NULL), 0);
			CHECK_LEDGER();
			TAP_EQ_INT(up(), 0);
			TAP_EQ_STR(ask("SELECT count(*) FROM a UNION ALL SELECT count(*) FROM b"), "1\n0\n");
			break;
		case 1:
			TAP_EQ_INT(repair(DUNLIN_REPAIR_MARK_APPLIED, "1.0.0-001"), 0);
			CHECK_LEDGER();
			TAP_EQ_INT(up(), 0);
			TAP_EQ_STR(ask("SELECT count(*) FROM a"), "0\n");
			break;
		default:
			TAP_EQ_INT(repair(DUNLIN_REPAIR_MARK_REVERTED, "1.0.0-001"), 0);
			CHECK_LEDGER();
			TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "0\n");
			break;
		}
		if (op < 2)
			TAP_EQ_STR(ask("SELECT state, statements_done FROM " TABLE), "applied 3\n");
		CHECK_LEDGER();
		end();
	}
}

static void a_statement_that_may_run_twice_is_never_stuck(void)
{
	for (int after = 0; after < 2; after++) {
		begin("mock");
		file(FILE1, NO_TX "CREATE TABLE a (x);\nVACUUM;\nINSERT INTO a VALUES (1);\n");
		TAP_EQ_INT(die(after ? "lost statement 2 after" : "lost statement 2"), DUNLIN_EXIT_UNKNOWN);
		option("lock-wait", "1s");
		script("");
		TAP_EQ_INT(up(), 0);
		TAP_EQ_STR(ask("SELECT count(*) FROM a"), "1\n");
		TAP_EQ_STR(ask(ROW), "applied up 3 3\n");
		CHECK_LEDGER();
		end();
	}
}

/* --- the line goes and comes back: in the same run -------------------------------------- */

static void a_lost_line_is_settled_in_the_same_run(void)
{
	static const struct { const char *how; int code; } cases[] = {
		{ DDL_COMMITS "lost statement 2", 0 },
		{ DDL_COMMITS "lost statement 2 after", 0 },
		{ DDL_COMMITS "lost statement 2 after;lost probe 3", 0 },
		{ DDL_COMMITS "lost statement 2;lost statement 3;lost statement 4", 0 },
		{ DDL_COMMITS "lost statement 3 after", 0 },
		{ DDL_COMMITS "lost commit 2 after", 0 },
		{ DDL_COMMITS "lost ledger 19", 0 },
		{ DDL_COMMITS "lost commit 8 after", 0 },
		{ DDL_COMMITS "lost reset 1", 0 },
		{ DDL_COMMITS "fail reset 1 class=UNKNOWN", 0 },
		{ DDL_COMMITS "probe enotsup;lost statement 2 after", DUNLIN_EXIT_REPAIR },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin("mock");
		file(FILE1, "CREATE TABLE a (x);\nCREATE TABLE b (x);\nINSERT INTO a VALUES (1);\n");
		file("1.0.0-002-c.sql", "CREATE TABLE c (x);\n");
		script(cases[i].how);
		W.n_early = 0;
		if (!TAP_EQ_INT(up(), cases[i].code))
			tap_note("%s: %s (%s)", cases[i].how, W.err.message, W.log);
		TAP_OK(strstr(W.log, "connecting again") != NULL);
		TAP_EQ_INT(W.n_early, 0);
		TAP_EQ_STR(ask("SELECT seq || ' ' || event || CASE version WHEN '' THEN '' ELSE ' ' || version END FROM " EVENTS " ORDER BY id"), W.events);
		if (cases[i].code == 0) {
			TAP_EQ_STR(ask("SELECT count(*) FROM a UNION ALL SELECT count(*) FROM b UNION ALL SELECT count(*) FROM c"), "1\n0\n0\n");
			TAP_EQ_STR(ask("SELECT state, statements_done FROM " TABLE " ORDER BY version"), "applied 3\napplied 1\n");
			TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 2);
		} else {
			TAP_EQ_STR(ask(ROW), "running up 1 3\n");
			TAP_OK(strstr(W.err.hint, "dunlin repair") != NULL);
			TAP_EQ_STR(W.err.state, "statement 1 of 3 is applied; of the next the outcome is not known");
		}
		CHECK_LEDGER();
		end();
	}
}

/* --- a death at any point ------------------------------------------------------------------ */

static const char body[] =
	"-- dunlin:up\n"
	NO_TX
	"CREATE TABLE a (x);\n"
	"INSERT INTO a VALUES (1);\n"
	"CREATE INDEX i ON a (x);\n"
	"VACUUM;\n"
	"BEGIN;\n"
	"INSERT INTO a VALUES (2);\n"
	"INSERT INTO a VALUES (3);\n"
	"COMMIT;\n"
	"INSERT INTO a VALUES (4);\n"
	"-- dunlin:down\n"
	NO_TX
	"DELETE FROM a WHERE x = 4;\n"
	"DROP INDEX i;\n"
	"DROP TABLE a;\n";

static int n_runs;

/* One run with the fault, then one without.  0: the fault did not strike any more. */
static int die_and_go_on(const char *caps, const char *point, int n, const char *when, int is_back)
{
	char how[200], header[200];
	int code, has_struck;

	begin("mock");
	snprintf(header, sizeof header, "%slost %s %d%s (%s)", caps, point, n, when, is_back ? "comes back" : "dies");
	file(FILE1, body);
	snprintf(how, sizeof how, "%slost %s %d%s", caps, point, n, when);
	if (is_back) {
		script(how);
		code = up();
	} else {
		code = die(how);
	}
	has_struck = code != 0 || strstr(W.log, "the connection was lost") || strstr(W.log, "not ours any more");
	n_runs++;
	if (has_struck && is_back && strcmp(point, "open") != 0 && strcmp(point, "lock") != 0 && strcmp(point, "query") != 0 &&
	    !TAP_OK(code == 0))
		tap_note("%s: %d %s", header, code, W.err.message);
	option("lock-wait", "1s");
	script(caps);
	code = up();
	if (!TAP_EQ_INT(code, 0))
		tap_note("%s: %s", header, W.err.message);
	if (!TAP_EQ_STR(ask("SELECT x FROM a ORDER BY x"), "1\n2\n3\n4\n") || !TAP_EQ_STR(ask(ROW), "applied up 9 9\n") ||
	    !CHECK_LEDGER())
		tap_note("%s", header);
	end();
	return has_struck;
}

static void a_death_at_any_point_is_gone_on_from(void)
{
	static const char *const caps[] = { "", DDL_COMMITS, WINDOWS, "caps=-exec_many;", "caps=-tx_ddl,+ddl_commits,-exec_many;" };
	static const char *const points[] = { "begin", "statement", "ledger", "commit", "query", "probe", "reset", "tx_state", "lock", "unlock", "open" };

	n_runs = 0;
	for (size_t c = 0; c < sizeof caps / sizeof *caps; c++)
		for (size_t p = 0; p < sizeof points / sizeof *points; p++)
			for (int after = 0; after < 2; after++)
				for (int back = 0; back < 2; back++) {
					int step = c < 3 ? 1 : 3; /* the slow path is sampled */

					for (int n = 1; die_and_go_on(caps[c], points[p], n, after ? " after" : "", back) && n < 60; n += step)
						;
				}
	tap_note("%d deaths", n_runs);
}

/* --- blocks of the file's own ------------------------------------------------------------------ */

static void a_block_is_one_step(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nBEGIN;\nINSERT INTO a VALUES (1);\nINSERT INTO nosuch VALUES (2);\nCOMMIT;\nINSERT INTO a VALUES (3);\n");
	W.n_early = 0;
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(ask("SELECT count(*) FROM a"), "0\n");
	TAP_EQ_STR(ask(ROW), "failed up 1 6\n");
	TAP_EQ_INT(W.err.line, 5);
	TAP_EQ_INT(W.err.statements_done, 1);
	TAP_EQ_INT(W.n_early, 0);
	CHECK_LEDGER();
	/* mended, it goes on at its BEGIN */
	file(FILE1, NO_TX "CREATE TABLE a (x);\nBEGIN;\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nCOMMIT;\nINSERT INTO a VALUES (3);\n");
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM a"), "1\n2\n3\n");
	TAP_EQ_STR(ask(ROW), "applied up 6 6\n");
	const char *t = trace();
	TAP_EQ_INT(count(t, "statement CREATE TABLE a"), 0);
	TAP_EQ_INT(count(t, "statement BEGIN"), 1);
	TAP_EQ_INT(count(t, "statement COMMIT"), 1);
	CHECK_LEDGER();
	end();
}

static void a_block_that_rolls_back_counts_as_done(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nBEGIN;\nINSERT INTO a VALUES (1);\nROLLBACK;\nINSERT INTO a VALUES (2);\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM a"), "2\n");
	TAP_EQ_STR(ask(ROW), "applied up 5 5\n");
	CHECK_LEDGER();
	end();
}

static void a_block_without_an_end_is_refused_before_anything_runs(void)
{
	begin("mock");
	file("1.0.0-000-before.sql", "CREATE TABLE b (x);\n");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nBEGIN;\nINSERT INTO a VALUES (1);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	TAP_EQ_STR(W.err.message, "the transaction that is opened here is never committed");
	TAP_EQ_STR(W.err.file, FILE1);
	TAP_EQ_INT(W.err.line, 3);
	TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE type = 'table'"), "0\n");
	end();
}

static void a_block_whose_commit_fails_is_undone(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE p (x PRIMARY KEY);\nCREATE TABLE a (x REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
	     "PRAGMA foreign_keys = on;\nBEGIN;\nINSERT INTO a VALUES (1);\nCOMMIT;\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_INT(W.err.line, 7);
	TAP_EQ_STR(ask("SELECT count(*) FROM a"), "0\n");
	TAP_EQ_STR(ask(ROW), "failed up 3 6\n");
	CHECK_LEDGER();
	end();
}

static void a_commit_without_a_begin_is_sent_as_it_is(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nCOMMIT;\nINSERT INTO a VALUES (1);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED); /* SQLite's answer to it */
	TAP_OK(strstr(W.err.message, "no transaction is active") != NULL);
	TAP_EQ_INT(W.err.line, 3);
	TAP_EQ_STR(ask(ROW), "failed up 1 3\n");
	CHECK_LEDGER();
	end();
}

static void a_block_that_cannot_be_kept_goes_statement_by_statement(void)
{
	begin("mock");
	script(DDL_COMMITS);
	file(FILE1, NO_TX "BEGIN;\nCREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nCOMMIT;\n"
	     "BEGIN;\nINSERT INTO a VALUES (2);\nINSERT INTO nosuch VALUES (3);\nCOMMIT;\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(ask(ROW), "failed up 4 8\n"); /* the second can be kept */
	TAP_EQ_STR(ask("SELECT x FROM a"), "1\n");
	CHECK_LEDGER();
	file(FILE1, NO_TX "BEGIN;\nCREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nCOMMIT;\n"
	     "BEGIN;\nINSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3);\nCOMMIT;\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM a"), "1\n2\n3\n");
	CHECK_LEDGER();
	end();
	/* it dies within the first, and goes on there */
	begin("mock");
	file(FILE1, NO_TX "BEGIN;\nCREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nCOMMIT;\n");
	TAP_EQ_INT(die(DDL_COMMITS "lost statement 3"), DUNLIN_EXIT_UNKNOWN);
	option("lock-wait", "1s");
	script(DDL_COMMITS);
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM a"), "1\n2\n");
	TAP_EQ_STR(ask(ROW), "applied up 5 5\n");
	CHECK_LEDGER();
	end();
}

/* --- going on ------------------------------------------------------------------------------------- */

static void what_has_run_must_not_change(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nCREATE TABLE b (x);\nINSERT INTO nosuch VALUES (1);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_OK(strstr(W.err.hint, "goes on at statement 3") != NULL);
	TAP_OK(strstr(W.err.hint, "Mend the file") != NULL);
	file(FILE1, NO_TX "CREATE TABLE a (x, y);\nCREATE TABLE b (x);\nINSERT INTO a VALUES (1);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_REPAIR);
	TAP_OK(strstr(W.err.message, "changed within the applied part") != NULL);
	TAP_EQ_STR(ask(ROW), "failed up 2 3\n");
	/* fewer statements than have run */
	file(FILE1, NO_TX "CREATE TABLE a (x);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_REPAIR);
	/* only spacing and comments */
	file(FILE1, NO_TX "-- why\nCREATE  TABLE a (x); /* so */\n\nCREATE TABLE b\n(x);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM a"), "1\n2\n");
	TAP_EQ_STR(ask(ROW), "applied up 4 4\n");
	CHECK_LEDGER();
	end();
}

static void what_was_set_is_set_again_before_it_goes_on(void)
{
	begin("mock");
	file(FILE1, NO_TX "SET role = x;\nCREATE TABLE a (n);\nINSERT INTO nosuch VALUES (1);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	file(FILE1, NO_TX "SET role = x;\nCREATE TABLE a (n);\nINSERT INTO a SELECT count(*) FROM temp.mock_setting;\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT n FROM a"), "1\n");
	CHECK_LEDGER();
	end();
}

static void a_half_revert_goes_on_by_rollback(void)
{
	begin("mock");
	file(FILE1, body);
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask(ROW), "applied up 9 9\n");
	script("fail statement ~DROP class=DEPENDENCY");
	TAP_EQ_INT(rollback(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(ask(ROW), "failed down 1 3\n");
	TAP_EQ_STR(W.err.state, "statement 1 of 3 of its down has run");
	TAP_OK(strstr(W.err.hint, "`dunlin rollback") != NULL);
	CHECK_LEDGER();
	TAP_EQ_INT(up(), DUNLIN_EXIT_REPAIR);
	script("");
	W.has_trace = 1;
	TAP_EQ_INT(rollback(), 0);
	TAP_EQ_INT(count(trace(), "statement DELETE"), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE name IN ('a', 'i')"), "0\n");
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "0\n");
	CHECK_LEDGER();
	TAP_EQ_INT(up(), 0);
	CHECK_LEDGER();
	end();
}

static void a_revert_that_dies_is_settled_too(void)
{
	for (int back = 0; back < 2; back++)
		for (int n = 1; n <= 3; n++)
			for (int after = 0; after < 2; after++) {
				char how[200];

				begin("mock");
				script(DDL_COMMITS);
				file(FILE1, body);
				TAP_EQ_INT(up(), 0);
				snprintf(how, sizeof how, DDL_COMMITS "lost statement %d%s;%s", n, after ? " after" : "",
				         back ? "" : "fail open 2- class=CONNECTION");
				script(how);
				option("lock-wait", "1ms");
				TAP_EQ_INT(rollback(), back ? 0 : DUNLIN_EXIT_UNKNOWN);
				option("lock-wait", "1s");
				script(DDL_COMMITS);
				TAP_EQ_INT(rollback(), 0);
				TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE name IN ('a', 'i')"), "0\n");
				TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "0\n");
				CHECK_LEDGER();
				end();
			}
}

/* --- locks, stopping ------------------------------------------------------------------------------------ */

static void a_lock_error_is_retried_for_the_statement_alone(void)
{
	const char *t;

	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nVACUUM;\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n");
	script("fail statement 2-3 class=LOCK retryable message=busy;fail statement 5 class=LOCK retryable message=busy");
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	t = trace();
	TAP_EQ_INT(count(t, "statement CREATE"), 1);
	TAP_EQ_INT(count(t, "statement VACUUM"), 3);
	TAP_EQ_INT(count(t, "statement INSERT"), 3);
	TAP_EQ_INT(count(W.log, "waiting for a lock: busy; trying the statement again"), 3);
	TAP_EQ_STR(ask("SELECT x FROM a"), "1\n2\n");
	TAP_EQ_INT(W.progress.statements_done, 4);
	CHECK_LEDGER();
	end();
}

static void a_lock_error_in_a_block_takes_it_from_its_begin(void)
{
	const char *t;

	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nBEGIN;\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nCOMMIT;\n");
	script("fail statement 4 class=LOCK retryable message=busy;fail statement 8 class=LOCK retryable message=busy");
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	t = trace();
	TAP_EQ_INT(count(t, "statement CREATE"), 1);
	TAP_EQ_INT(count(t, "statement BEGIN"), 3);
	TAP_EQ_STR(ask("SELECT x FROM a"), "1\n2\n");
	TAP_EQ_INT(count(W.log, "trying the transaction again"), 2);
	CHECK_LEDGER();
	end();
}

static void a_lock_that_stays_leaves_it_half_done(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nVACUUM;\n");
	script("fail statement ~VACUUM class=LOCK retryable message=busy");
	W.lock_retry_ms = 200;
	TAP_EQ_INT(up(), DUNLIN_EXIT_TIMEOUT);
	TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_STR(ask(ROW), "failed up 1 2\n");
	TAP_EQ_STR(W.err.hint, "Run `dunlin up` again: it goes on at statement 2.");
	TAP_EQ_STR(ask("SELECT error_class FROM " TABLE), "LOCK\n");
	CHECK_LEDGER();
	end();
}

static void cancel_after_the_first(const struct dunlin_event *e)
{
	if (strcmp(e->event, "statement.done") == 0)
		dunlin_cancel(W.d, 0);
}

static void cancel_1_stops_before_the_next_statement(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nCREATE TABLE b (x);\n");
	W.on_event = cancel_after_the_first;
	TAP_EQ_INT(up(), DUNLIN_EXIT_STOPPED);
	W.on_event = NULL;
	TAP_EQ_STR(ask(ROW), "failed up 1 2\n");
	TAP_EQ_STR(W.err.state, "statement 1 of 2 is applied");
	TAP_EQ_STR(W.err.hint, "Run `dunlin up` again: it goes on at statement 2.");
	TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE event = 'run.finished'"), "1\n");
	CHECK_LEDGER();
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask(ROW), "applied up 2 2\n");
	CHECK_LEDGER();
	end();
}

static void sleep_after_the_first(const struct dunlin_event *e)
{
	struct timespec t = { 0, 400 * 1000000 };

	if (strcmp(e->event, "statement.done") == 0)
		nanosleep(&t, NULL);
}

static void the_timeout_stops_before_the_next_statement(void)
{
	begin("mock");
	file(FILE1, NO_TX "CREATE TABLE a (x);\nCREATE TABLE b (x);\n");
	option("timeout", "300ms");
	W.on_event = sleep_after_the_first;
	TAP_EQ_INT(up(), DUNLIN_EXIT_TIMEOUT);
	W.on_event = NULL;
	TAP_EQ_INT(W.err.errclass, DUNLIN_CLASS_TIMEOUT);
	TAP_EQ_STR(W.err.message, "the time that --timeout gives is up");
	TAP_EQ_STR(ask("SELECT state, statements_done, error_class FROM " TABLE), "failed 1 TIMEOUT\n");
	TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE event = 'run.finished'"), "1\n");
	option("timeout", "60s");
	CHECK_LEDGER();
	end();
}

static void *cancel_later(void *arg)
{
	struct timespec t = { 0, 150 * 1000000 };

	nanosleep(&t, NULL);
	dunlin_cancel(arg, 1);
	return NULL;
}

static void cancel_2_and_the_timeout_stop_the_running_statement(void)
{
	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		int64_t start;

		begin("mock");
		file(FILE1, NO_TX "CREATE TABLE a (x);\nVACUUM;\n");
		script("slow statement ~VACUUM ms=20000");
		if (i)
			option("timeout", "200ms");
		start = clock_ms();
		if (!TAP_OK(handle() != NULL))
			return;
		if (!i)
			pthread_create(&thread, NULL, cancel_later, W.d);
		TAP_OK(dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) < 0);
		TAP_EQ_INT(W.err.code, i ? DUNLIN_EXIT_TIMEOUT : DUNLIN_EXIT_STOPPED);
		if (!i)
			pthread_join(thread, NULL);
		TAP_OK(clock_ms() - start < 5000);
		TAP_EQ_STR(ask(ROW), "failed up 1 2\n");
		TAP_EQ_STR(ask("SELECT error_class FROM " TABLE), i ? "TIMEOUT\n" : "INTERRUPTED\n");
		TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE event = 'run.finished'"), "1\n");
		option("timeout", "60s");
		CHECK_LEDGER();
		script("");
		TAP_EQ_INT(up(), 0);
		end();
	}
}

static char changing[64];

static void change_now(const struct dunlin_event *e)
{
	if (strcmp(e->event, "migration.done") == 0)
		memcpy(strstr(changing, "two"), "too", 3);
}

static void a_file_that_changes_meanwhile_does_not_begin(void)
{
	begin("mock");
	strcpy(changing, NO_TX "CREATE TABLE two (x);\n");
	file(FILE1, NO_TX "CREATE TABLE one (x);\n");
	file("1.0.0-002-two.sql", changing);
	W.on_event = change_now;
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	TAP_OK(strstr(W.err.message, "changed") != NULL);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE name LIKE 't_o'"), "0\n");
	TAP_EQ_STR(ask("SELECT version, state, statements_done FROM " TABLE " ORDER BY 1"), "1.0.0-001 applied 1\n1.0.0-002 failed 0\n");
	W.on_event = NULL;
	CHECK_LEDGER();
	end();
}

static void sqlite_takes_the_same_steps(void)
{
	begin("sqlite");
	file(FILE1, body);
	W.n_early = 0;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT x FROM a ORDER BY x"), "1\n2\n3\n4\n");
	TAP_EQ_STR(ask(ROW), "applied up 9 9\n");
	TAP_EQ_INT(W.n_early, 0);
	CHECK_LEDGER();
	TAP_EQ_INT(rollback(), 0);
	CHECK_LEDGER();
	file(FILE1, NO_TX "CREATE TABLE a (x);\nBEGIN;\nINSERT INTO a VALUES (1);\nINSERT INTO nosuch VALUES (2);\nCOMMIT;\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(ask("SELECT count(*) FROM a"), "0\n");
	TAP_EQ_STR(ask(ROW), "failed up 1 5\n");
	CHECK_LEDGER();
	end();
}

/* --- windows: the evidence is taken by the server ----------------------------------------------- */

static const char four[] = "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nCREATE INDEX i ON a (x);\nALTER TABLE a ADD COLUMN y;\n";

static void a_window_holds_it_all(void)
{
	const char *t;

	begin("mock");
	script(WINDOWS);
	file(FILE1, four);
	file("1.0.0-002-b.sql", "CREATE TABLE b (x);\nINSERT INTO b VALUES (1);\nCREATE TABLE c (x);\n");
	seen[0] = '\0';
	W.n_early = 0;
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	t = trace();
	TAP_EQ_INT(count(t, "\nexec_many"), 3); /* the run begins, all of it, the run ends */
	TAP_EQ_INT(count(t, "reset"), 0);
	TAP_EQ_INT(W.n_early, 0);
	TAP_EQ_STR(W.events, "1 ledger.layout\n2 run.started\n3 migration.started 1.0.0-001\n"
	                     "4 statement.started 1.0.0-001\n5 statement.done 1.0.0-001\n6 statement.started 1.0.0-001\n"
	                     "7 statement.done 1.0.0-001\n8 statement.started 1.0.0-001\n9 statement.done 1.0.0-001\n"
	                     "10 statement.started 1.0.0-001\n11 statement.done 1.0.0-001\n12 migration.done 1.0.0-001\n"
	                     "13 migration.started 1.0.0-002\n14 statement.started 1.0.0-002\n15 statement.done 1.0.0-002\n"
	                     "16 statement.started 1.0.0-002\n17 statement.done 1.0.0-002\n18 statement.started 1.0.0-002\n"
	                     "19 statement.done 1.0.0-002\n20 migration.done 1.0.0-002\n21 run.finished\n");
	TAP_EQ_STR(ask("SELECT version, state, statements_done, '[' || intent || ']' FROM " TABLE " ORDER BY 1"),
	           "1.0.0-001 applied 4 []\n1.0.0-002 applied 3 []\n");
	TAP_EQ_INT(W.progress.statements_done, 7);
	TAP_EQ_INT(W.progress.bytes_done, W.progress.bytes_total);
	TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 2);
	/* each intent with what the server saw before: nothing, the table, the table without y */
	TAP_EQ_STR(ask("SELECT group_concat(json_extract(json_extract(detail, '$.row.intent'), '$.probe'), ' ') FROM "
	               "(SELECT detail FROM " EVENTS " WHERE event = 'statement.started' AND version = '1.0.0-001' ORDER BY id)"),
	           ask("SELECT 'absent absent table18-' || hex('CREATE TABLE a (x)')"));
	CHECK_LEDGER();
	end();
}

static void a_window_ends_where_a_statement_fails(void)
{
	static const struct { const char *how; int done; const char *state; } cases[] = {
		{ "fail statement 1", 0, "none of its 4 statements are applied" },
		{ "fail statement 2", 1, "statement 1 of 4 is applied" },
		{ "fail statement 3", 2, "statements 1\xe2\x80\x93""2 of 4 are applied" },
		{ "fail statement 4", 3, "statements 1\xe2\x80\x93""3 of 4 are applied" },
		/* a record of ours that fails: what stands, stands */
		{ "fail ledger ~REPLACE", 0, "none of its 4 statements are applied" },
		{ "fail commit 5", 1, "statement 1 of 4 is applied" },
		{ "fail commit 6", 2, "statements 1\xe2\x80\x93""2 of 4 are applied" },
		{ "fail commit 7", 3, "statements 1\xe2\x80\x93""3 of 4 are applied" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char row[80], how[200];

		begin("mock");
		file("0.9.0-001-first.sql", "CREATE TABLE first (x);\n");
		file(FILE1, four);
		file("1.0.0-002-b.sql", "CREATE TABLE b (x);\n");
		script(WINDOWS);
		TAP_EQ_INT(RUN(.op = DUNLIN_OP_UP, .count = 1), 0);
		snprintf(how, sizeof how, WINDOWS "%s", cases[i].how);
		script(how);
		W.n_early = 0;
		W.has_trace = 1;
		TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
		if (!TAP_EQ_STR(W.err.state, cases[i].state))
			tap_note("%s: %s", cases[i].how, trace());
		TAP_EQ_INT(W.n_early, 0);
		snprintf(row, sizeof row, "failed up %d 4\n", cases[i].done);
		if (!TAP_EQ_STR(ask(ROW), row))
			tap_note("%s", cases[i].how);
		TAP_EQ_STR(ask("SELECT json_extract(intent, '$.n') FROM " TABLE " WHERE version = '1.0.0-001'"), "NULL\n");
		TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE " WHERE version = '1.0.0-002'"), "0\n");
		CHECK_LEDGER();
		script(WINDOWS);
		TAP_EQ_INT(up(), 0);
		TAP_EQ_STR(ask("SELECT x, y FROM a"), "1 NULL\n");
		TAP_EQ_STR(ask("SELECT state, statements_done FROM " TABLE " ORDER BY version"), "applied 1\napplied 4\napplied 1\n");
		CHECK_LEDGER();
		end();
	}
}

/* The second of two migrations in a window fails: the first is applied. */
static void what_is_before_a_failure_in_its_window_stands(void)
{
	begin("mock");
	script(WINDOWS);
	file(FILE1, four);
	file("1.0.0-002-b.sql", "CREATE TABLE b (x);\nINSERT INTO nosuch VALUES (1);\n");
	file("1.0.0-003-c.sql", "CREATE TABLE c (x);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_EQ_INT(W.err.line, 2);
	TAP_EQ_STR(W.err.state, "statement 1 of 2 is applied");
	TAP_OK(strstr(W.err.hint, "goes on at statement 2") != NULL);
	TAP_EQ_STR(ask("SELECT version, state, statements_done FROM " TABLE " ORDER BY 1"), "1.0.0-001 applied 4\n1.0.0-002 failed 1\n");
	TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 1);
	CHECK_LEDGER();
	file("1.0.0-002-b.sql", "CREATE TABLE b (x);\nINSERT INTO b VALUES (1);\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE " WHERE state = 'applied'"), "3\n");
	CHECK_LEDGER();
	end();
}

static void change_at_the_start(const struct dunlin_event *e)
{
	if (strcmp(e->event, "run.started") == 0)
		memcpy(strstr(changing, "two"), "too", 3);
}

static void what_is_before_one_that_cannot_be_read_still_goes(void)
{
	begin("mock");
	script(WINDOWS);
	strcpy(changing, "CREATE TABLE two (x);\n");
	file(FILE1, four);
	file("1.0.0-002-two.sql", changing);
	W.on_event = change_at_the_start;
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	W.on_event = NULL;
	TAP_OK(strstr(W.err.message, "changed") != NULL);
	TAP_EQ_STR(W.err.version, "1.0.0-002");
	TAP_EQ_STR(ask("SELECT version, state, statements_done FROM " TABLE " ORDER BY 1"), "1.0.0-001 applied 4\n1.0.0-002 failed 0\n");
	TAP_EQ_STR(ask("SELECT count(*) FROM sqlite_master WHERE name LIKE 't_o'"), "0\n");
	CHECK_LEDGER();
	end();
}

static void a_death_in_a_window_is_settled(void)
{
	static const struct { const char *what, *how, *later; int code; const char *row; } cases[] = {
		{ "it did not run: it runs now", "lost statement 3", "", 0, "applied up 4 4\n" },
		{ "it ran: it does not run again", "lost statement 3 after", "", 0, "applied up 4 4\n" },
		{ "the probe cannot tell", "lost statement 3 after;probe enotsup", "probe enotsup", 8, "running up 2 4\n" },
		{ "the probe told before, and cannot now", "lost statement 3 after", "probe enotsup", 8, "running up 2 4\n" },
		{ "the probe could not tell before", "lost statement 3;probe enotsup", "", 8, "running up 2 4\n" },
		{ "a change that leaves nothing to be seen is taken for not run", "lost statement 3;probe same", "probe same", 0, "applied up 4 4\n" },
		{ "rows go with their record", "lost statement 2 after", "", 0, "applied up 4 4\n" },
		{ "rows go with their record, at the commit", "lost commit 4 after", "", 0, "applied up 4 4\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char how[200];

		begin("mock");
		file(FILE1, four);
		snprintf(how, sizeof how, WINDOWS "%s", cases[i].how);
		TAP_EQ_INT(die(how), DUNLIN_EXIT_UNKNOWN);
		option("lock-wait", "1s");
		snprintf(how, sizeof how, WINDOWS "%s", cases[i].later);
		script(how);
		TAP_EQ_STR(validate("stuck"), "");
		if (!TAP_EQ_INT(up(), cases[i].code))
			tap_note("%s: %s", cases[i].what, W.err.message);
		if (!TAP_EQ_STR(ask(ROW), cases[i].row))
			tap_note("%s", cases[i].what);
		if (cases[i].code == 0)
			TAP_EQ_STR(ask("SELECT x, y FROM a"), "1 NULL\n");
		CHECK_LEDGER();
		end();
	}
}

/* A line that goes in the middle of several migrations, and comes back. */
static void a_window_of_several_goes_on_where_the_line_went(void)
{
	static const char *const points[] = { "statement", "ledger", "commit", "begin" };
	int n_lost = 0;

	for (size_t p = 0; p < sizeof points / sizeof *points; p++)
		for (int after = 0; after < 2; after++)
			for (int n = 1; n < 40; n++) {
				char how[200];
				int has_struck;

				begin("mock");
				file(FILE1, four);
				file("1.0.0-002-b.sql", "CREATE TABLE b (x);\nINSERT INTO b VALUES (1);\nCREATE TABLE c (x);\n");
				file("1.0.0-003-d.sql", "INSERT INTO b VALUES (2);\n");
				snprintf(how, sizeof how, WINDOWS "lost %s %d%s", points[p], n, after ? " after" : "");
				script(how);
				W.n_early = 0;
				if (!TAP_EQ_INT(up(), 0))
					tap_note("%s: %s", how, W.err.message);
				has_struck = strstr(W.log, "connecting again") != NULL;
				n_lost += has_struck;
				TAP_EQ_INT(W.n_early, 0);
				TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 3);
				TAP_EQ_STR(ask("SELECT seq || ' ' || event || CASE version WHEN '' THEN '' ELSE ' ' || version END FROM " EVENTS " ORDER BY id"), W.events);
				TAP_EQ_STR(ask("SELECT x, NULL FROM a UNION ALL SELECT x, NULL FROM b UNION ALL SELECT count(*), NULL FROM c"),
				           "1 NULL\n1 NULL\n2 NULL\n0 NULL\n");
				TAP_EQ_STR(ask("SELECT state, statements_done FROM " TABLE " ORDER BY version"), "applied 4\napplied 3\napplied 1\n");
				if (!CHECK_LEDGER())
					tap_note("%s", how);
				end();
				if (!has_struck)
					break;
			}
	tap_note("%d lost lines", n_lost);
}

static void a_lock_in_a_window_is_waited_for_by_its_statement(void)
{
	const char *t;

	begin("mock");
	file(FILE1, four);
	script(WINDOWS "fail statement 2-3 class=LOCK retryable message=busy;fail statement 5 class=LOCK retryable message=busy");
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	t = trace();
	TAP_EQ_INT(count(t, "statement CREATE TABLE a"), 1);
	TAP_EQ_INT(count(t, "statement INSERT"), 3);
	TAP_EQ_INT(count(t, "statement CREATE INDEX"), 2);
	TAP_EQ_INT(count(W.log, "waiting for a lock: busy; trying the statement again"), 3);
	TAP_EQ_STR(ask("SELECT x, y FROM a"), "1 NULL\n");
	TAP_EQ_INT(W.progress.statements_done, 4);
	CHECK_LEDGER();
	end();
	begin("mock");
	file(FILE1, four);
	script(WINDOWS "fail statement 3- class=LOCK retryable message=busy");
	W.lock_retry_ms = 200;
	TAP_EQ_INT(up(), DUNLIN_EXIT_TIMEOUT);
	TAP_EQ_STR(ask(ROW), "failed up 2 4\n");
	TAP_EQ_STR(W.err.hint, "Run `dunlin up` again: it goes on at statement 3.");
	CHECK_LEDGER();
	end();
}

static void what_touches_the_session_ends_the_window(void)
{
	const char *t, *reset;

	begin("mock");
	script(WINDOWS);
	file(FILE1, "SET role = x;\nCREATE TABLE a AS SELECT count(*) AS n FROM temp.mock_setting;\nINSERT INTO a VALUES (7);\n");
	file("1.0.0-002-b.sql", "CREATE TABLE b AS SELECT count(*) AS n FROM temp.mock_setting;\n");
	W.has_trace = 1;
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT a.n, b.n FROM a, b ORDER BY 1"), "1 0\n7 0\n");
	t = trace();
	reset = strstr(t, "\nreset");
	TAP_OK(reset != NULL && strstr(reset, "migration.done") != NULL);
	TAP_OK(reset == NULL || memmem(t, (size_t)(reset - t), "migration.done", 14) == NULL);
	TAP_EQ_INT(count(t, "\nreset"), 1);
	CHECK_LEDGER();
	end();
	/* what was set is set again, in the same run and in the next */
	for (int back = 0; back < 2; back++) {
		begin("mock");
		file(FILE1, "SET role = x;\nCREATE TABLE a (n);\nCREATE TABLE b AS SELECT count(*) AS n FROM temp.mock_setting;\n");
		if (back) {
			script(WINDOWS "lost statement 3");
		} else {
			TAP_EQ_INT(die(WINDOWS "lost statement 3"), DUNLIN_EXIT_UNKNOWN);
			option("lock-wait", "1s");
			script(WINDOWS);
		}
		TAP_EQ_INT(up(), 0);
		TAP_EQ_STR(ask("SELECT n FROM b"), "1\n");
		CHECK_LEDGER();
		end();
	}
}

/* --- a driver that watches what it is given, with a few more rules ---------------------------- */

static const struct dunlin_driver *real;
static char steps[4096];

static int watch(struct dunlin_conn *c, const struct dunlin_step *step, size_t n, const struct dunlin_exec_observer *obs,
                 struct dunlin_exec_result *res, struct dunlin_driver_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct dunlin_step *st = DUNLIN_STEP_AT(step, i);

		if (st->kind == DUNLIN_STEP_BEGIN || st->kind == DUNLIN_STEP_STATEMENT)
			add_text(steps, sizeof steps, "%s lock=%lld statement=%lld\n", st->kind == DUNLIN_STEP_BEGIN ? "begin" : "run",
			         (long long)st->lock_timeout_ms, (long long)st->statement_timeout_ms);
	}
	return real->exec_many(c, step, n, obs, res, err);
}

static const struct dunlin_driver *watch_entry(const struct dunlin_host *host, struct dunlin_driver_error *err)
{
	static const char *const schemes[] = { "watch", NULL };
	static const struct dunlin_rule rules[] = {
		{ "CREATE UNIQUE INDEX", DUNLIN_ST_DDL | DUNLIN_ST_NO_TX | DUNLIN_ST_CONCURRENT },
		{ "CREATE|DROP", DUNLIN_ST_DDL },
		{ "BEGIN", DUNLIN_ST_BEGIN },
		{ "COMMIT PREPARED", DUNLIN_ST_TX_OTHER },
		{ "COMMIT", DUNLIN_ST_COMMIT | DUNLIN_ST_COMMITS },
		{ "INSERT", DUNLIN_ST_DML },
		{ NULL, 0 },
	};
	static struct dunlin_driver drv;
	static struct dunlin_dialect dialect;

	(void)host, (void)err;
	drv = *real;
	dialect = *real->dialect;
	dialect.name = drv.name = "watch";
	dialect.rules = rules;
	drv.schemes = schemes;
	drv.dialect = &dialect;
	drv.exec_many = watch;
	return &drv;
}

static int begin_watching(void)
{
	begin("mock");
	steps[0] = '\0';
	if (!real && (!TAP_OK(loader_find("mock", NULL, &real, &W.err) == 0) ||
	              !TAP_EQ_INT(dunlin_driver_register(watch_entry, &W.err), 0))) {
		tap_note("%s", W.err.message);
		return -1;
	}
	return 0;
}

/* up() through the watching driver. */
static int up_watched(void)
{
	char url[120];

	snprintf(url, sizeof url, "watch:%s", W.path);
	if (!handle())
		return W.err.code;
	dunlin_set(W.d, "url", url, &W.err);
	return dunlin_execute(W.d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &W.err) == 0 ? 0 : W.err.code;
}

static void timeouts_travel_with_their_steps(void)
{
	if (begin_watching() < 0)
		return;
	file(FILE1, "-- dunlin:lock-timeout 2s\n-- dunlin:statement-timeout 1min\nCREATE TABLE a (x);\n");
	TAP_EQ_INT(up_watched(), 0);
	TAP_EQ_STR(steps, "begin lock=-1 statement=-1\nbegin lock=2000 statement=60000\nrun lock=-1 statement=-1\nbegin lock=-1 statement=-1\n");
	steps[0] = '\0';
	/* outside one: a record, the statement that waits for ever by nature, one with its progress, records */
	file("1.0.0-002-b.sql", NO_TX "CREATE UNIQUE INDEX i ON a (x);\nINSERT INTO a VALUES (1);\n");
	TAP_EQ_INT(up_watched(), 0);
	TAP_OK(strstr(steps, "run lock=0 statement=-1\n") != NULL);
	steps[0] = '\0';
	file("1.0.0-003-c.sql", NO_TX "-- dunlin:lock-timeout 3s\nCREATE UNIQUE INDEX j ON a (x);\nINSERT INTO a VALUES (2);\n");
	TAP_EQ_INT(up_watched(), 0);
	TAP_OK(strstr(steps, "\nrun lock=3000 statement=-1\n") != NULL);
	TAP_OK(strstr(steps, "begin lock=3000 statement=-1\nrun lock=3000 statement=-1\n") != NULL);
	end();
}

static void a_block_ends_by_commit_or_rollback_alone(void)
{
	if (begin_watching() < 0)
		return;
	file(FILE1, NO_TX "CREATE TABLE a (x);\nBEGIN;\nINSERT INTO a VALUES (1);\n  COMMIT PREPARED 'x';\nCOMMIT;\n");
	TAP_EQ_INT(up_watched(), DUNLIN_EXIT_INVALID);
	TAP_EQ_INT(W.err.line, 5);
	TAP_EQ_STR(W.err.version, "1.0.0-001");
	TAP_EQ_STR(ask("SELECT count(*) FROM a"), "0\n");
	TAP_EQ_STR(ask(ROW), "failed up 1 5\n");
	end();
}

int main(void)
{
#define T(f) { #f, f }
	static const struct tap_test tests[] = {
		T(progress_and_intents_are_recorded),
		T(the_session_is_reset_before_the_end_is_recorded),
		T(a_death_is_settled_by_what_the_probe_says),
		T(what_is_stuck_is_decided_by_repair),
		T(a_statement_that_may_run_twice_is_never_stuck),
		T(a_lost_line_is_settled_in_the_same_run),
		T(a_death_at_any_point_is_gone_on_from),
		T(a_block_is_one_step),
		T(a_block_that_rolls_back_counts_as_done),
		T(a_block_without_an_end_is_refused_before_anything_runs),
		T(a_block_whose_commit_fails_is_undone),
		T(a_commit_without_a_begin_is_sent_as_it_is),
		T(a_block_that_cannot_be_kept_goes_statement_by_statement),
		T(what_has_run_must_not_change),
		T(what_was_set_is_set_again_before_it_goes_on),
		T(a_half_revert_goes_on_by_rollback),
		T(a_revert_that_dies_is_settled_too),
		T(a_lock_error_is_retried_for_the_statement_alone),
		T(a_lock_error_in_a_block_takes_it_from_its_begin),
		T(a_lock_that_stays_leaves_it_half_done),
		T(cancel_1_stops_before_the_next_statement),
		T(the_timeout_stops_before_the_next_statement),
		T(cancel_2_and_the_timeout_stop_the_running_statement),
		T(a_file_that_changes_meanwhile_does_not_begin),
		T(sqlite_takes_the_same_steps),
		T(a_window_holds_it_all),
		T(a_window_ends_where_a_statement_fails),
		T(what_is_before_a_failure_in_its_window_stands),
		T(what_is_before_one_that_cannot_be_read_still_goes),
		T(a_death_in_a_window_is_settled),
		T(a_window_of_several_goes_on_where_the_line_went),
		T(a_lock_in_a_window_is_waited_for_by_its_statement),
		T(what_touches_the_session_ends_the_window),
		T(timeouts_travel_with_their_steps),
		T(a_block_ends_by_commit_or_rollback_alone),
	};

	return run_main("run_step", tests, sizeof tests / sizeof *tests);
}
