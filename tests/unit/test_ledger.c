/*
 * test_ledger.c - what each writer puts into the two tables of a real database,
 * and that replaying the log gives the table, whatever was done.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_fixture.h"

#include <jansson.h>

/* --- writers ------------------------------------------------------------------------ */

static struct ledger l;
static struct session s;
static struct window w;
static struct dunlin_error err;

static void open_ledger(const char *driver, const char *table)
{
	struct dunlin_kv kv[] = { { "path", W.path }, { "create", "1" }, { "inline", "clock" } };
	const struct dunlin_driver *drv;

	if (loader_find(driver, NULL, &drv, &err) < 0 || ledger_init(&l, drv->dialect, table, &err) < 0 ||
	    session_open(&s, drv, kv, strcmp(driver, "mock") == 0 ? 3 : 2, NULL, &err) < 0 ||
	    ledger_new_run(&l, "me@here", &err) < 0)
		tree_die(err.message, table);
}

static void close_ledger(void)
{
	window_clear(&w);
	session_close(&s);
	ledger_clear(&l);
}

/* Sends what was put, in a transaction. */
static int send(void)
{
	struct window whole = { 0 };
	struct dunlin_exec_result res;
	int rc;

	if (w.is_failed)
		return -99;
	window_add(&whole, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	rc = session_exec_many(&s, whole.step, whole.n, NULL, &res, &err);
	if (rc == 0)
		rc = session_exec_many(&s, w.step, w.n, NULL, &res, &err);
	window_reset(&whole);
	window_add(&whole, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	if (rc == 0)
		rc = session_exec_many(&s, whole.step, whole.n, NULL, &res, &err);
	window_clear(&whole);
	window_reset(&w);
	return rc;
}

static int keep_last(void *arg, const struct dunlin_event *e)
{
	snprintf(arg, 4096, "%s|%s|%s|%lld|%s|%s|%s", e->event, e->component, e->version, (long long)e->execution_ms, e->name,
	         e->actor, e->detail);
	return 0;
}

/* The newest event: "event|component|version|ms|name|actor|detail". */
static const char *newest(void)
{
	static char text[4][4096];
	static int next;
	char *out = text[next++ % 4];

	out[0] = '\0';
	ledger_events(&l, &s, 1, NULL, 0, keep_last, out, &err);
	return out;
}

static const struct ledger_row a_row = {
	.component = "core", .version = "1.0.0-001", .name = "it's \"one\"", .kind = MIGRATION_VERSIONED, .state = ROW_APPLIED,
	.direction = DIRECTION_UP, .batch = 3, .apply_order = 7, .checksum = "sha256:aa", .statements_checksum = "sha256:bb",
	.statements_done = 4, .statements_total = 5, .intent = "{\"prefix\":\"x\"}", .applied_at = "", .execution_ms = 12,
	.applied_by = "", .run_id = "", .tool_version = "9.9", .error_class = "", .error_message = "",
};

#define ALL "component, version, name, kind, state, direction, batch, apply_order, checksum, statements_checksum, " \
	"statements_done, statements_total, intent, execution_ms, applied_by, seq, tool_version, error_class, error_message, down_sql"

static void writers_put_row_and_event(const char *driver)
{
	static const char a_down[] = "DROP TABLE \"x\"; -- \xc3\xa9\n";
	struct ledger_row row = a_row;
	char *down = NULL;
	size_t len = 0;

	begin(driver);
	open_ledger(driver, TABLE);
	ledger_put_tables(&l, &w);
	TAP_EQ_INT(send(), 0);
	TAP_OK(strstr(newest(), "ledger.layout|||-1||me@here|{\"layout\":1,\"batch_max\":0,\"tool_version\":") != NULL);
	TAP_EQ_STR(differences(&l, &s), "");

	ledger_put_row(&l, &w, &row, LEDGER_GIVEN, a_down, sizeof a_down - 1, "migration.done", "\"n\":1,");
	TAP_EQ_INT(send(), 0);
	TAP_EQ_STR(ask("SELECT " ALL " FROM " TABLE),
	           "core 1.0.0-001 it's \"one\" versioned applied up 3 7 sha256:aa sha256:bb 4 5 {\"prefix\":\"x\"} 12 me@here 2 9.9   "
	           "DROP TABLE \"x\"; -- \xc3\xa9\n\n");
	TAP_EQ_STR(newest(), "migration.done|core|1.0.0-001|12|it's \"one\"|me@here|{\"name\":\"it's \\\"one\\\"\",\"n\":1,\"row\":{"
	           "\"name\":\"it's \\\"one\\\"\",\"kind\":\"versioned\",\"state\":\"applied\",\"direction\":\"up\",\"batch\":3,"
	           "\"apply_order\":7,\"checksum\":\"sha256:aa\",\"statements_checksum\":\"sha256:bb\",\"statements_done\":4,"
	           "\"statements_total\":5,\"intent\":\"{\\\"prefix\\\":\\\"x\\\"}\",\"tool_version\":\"9.9\",\"error_class\":\"\","
	           "\"error_message\":\"\",\"applied_at\":true,\"applied_by\":true,\"execution_ms\":12}}");
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE " m JOIN " EVENTS " e ON e.run_id = m.run_id AND e.seq = m.seq AND e.at = m.applied_at "
	               "WHERE m.applied_at LIKE '20__-__-__T__:__:__.___Z'"), "1\n");
	TAP_EQ_STR(differences(&l, &s), "");
	TAP_EQ_INT(ledger_read_down(&l, &s, &row, &down, &len, &err), 0);
	TAP_EQ_MEM(down, len, a_down, sizeof a_down - 1);
	mem_free(down);
	/* the same again breaks the key, and leaves nothing */
	ledger_put_row(&l, &w, &row, LEDGER_GIVEN, NULL, 0, "migration.done", "");
	TAP_OK(send() != 0);
	TAP_EQ_STR(differences(&l, &s), "");

	row.state = ROW_FAILED;
	row.statements_done = 2;
	row.error_class = "SYNTAX";
	row.error_message = "near \"x\": \t\x01\n";
	ledger_put_update(&l, &w, &row, "migration.failed", "");
	TAP_EQ_INT(send(), 0);
	TAP_EQ_STR(ask("SELECT state, statements_done, error_class, error_message, down_sql IS NOT NULL FROM " TABLE),
	           "failed 2 SYNTAX near \"x\": \t\x01\n 1\n");
	TAP_OK(strncmp(newest(), "migration.failed|core|1.0.0-001|12|", 35) == 0);
	TAP_EQ_STR(differences(&l, &s), "");

	row.statements_done = 3;
	row.intent = "{\"n\":4}";
	ledger_put_progress(&l, &w, &row, "statement.started", "\"n\":4,");
	TAP_EQ_INT(send(), 0);
	TAP_EQ_STR(ask("SELECT statements_done, intent, state FROM " TABLE), "3 {\"n\":4} failed\n");
	TAP_EQ_STR(newest(), "statement.started|core|1.0.0-001|-1|it's \"one\"|me@here|{\"name\":\"it's \\\"one\\\"\",\"n\":4,"
	           "\"row\":{\"statements_done\":3,\"intent\":\"{\\\"n\\\":4}\"}}");
	TAP_EQ_STR(differences(&l, &s), "");

	row.error_class = "LOCK";
	row.error_message = "busy";
	ledger_put_error(&l, &w, &row, "revert.failed", "");
	TAP_EQ_INT(send(), 0);
	TAP_EQ_STR(ask("SELECT error_class, error_message, statements_done FROM " TABLE), "LOCK busy 3\n");
	TAP_OK(strstr(newest(), "\"row\":{\"error_class\":\"LOCK\",\"error_message\":\"busy\"}}") != NULL);
	TAP_EQ_STR(differences(&l, &s), "");

	row.checksum = "sha256:cc";
	row.statements_checksum = "sha256:dd";
	ledger_put_sums(&l, &w, &row, NULL, 0, "migration.repaired", "");
	TAP_EQ_INT(send(), 0);
	TAP_EQ_STR(ask("SELECT checksum, statements_checksum, down_sql FROM " TABLE), "sha256:cc sha256:dd NULL\n");
	TAP_EQ_STR(differences(&l, &s), "");

	/* another one, whose time the database measures */
	row = a_row;
	row.version = "1.0.0-002";
	row.component = "";
	ledger_put_row(&l, &w, &row, LEDGER_ELAPSED, "", 0, "migration.done", "");
	TAP_EQ_INT(send(), 0);
	TAP_EQ_STR(ask("SELECT execution_ms >= 0, '[' || down_sql || ']' FROM " TABLE " WHERE component = ''"), "1 []\n");
	TAP_EQ_STR(differences(&l, &s), "");

	/* rows that are not there */
	row.version = "1.0.0-003";
	ledger_put_progress(&l, &w, &row, "statement.done", "");
	TAP_OK(send() != 0);
	ledger_put_delete(&l, &w, &row, "migration.reverted", "");
	TAP_OK(send() != 0);
	ledger_put_delete(&l, &w, &row, NULL, "");
	TAP_EQ_INT(send(), 0);

	row.version = "1.0.0-002";
	ledger_put_delete(&l, &w, &row, "migration.reverted", "\"forced\":true,");
	TAP_EQ_INT(send(), 0);
	TAP_EQ_STR(ask("SELECT version FROM " TABLE), "1.0.0-001\n");
	TAP_OK(strstr(newest(), "\"forced\":true,\"row\":null,\"execution_ms\":") != NULL);
	TAP_EQ_STR(differences(&l, &s), "");
	TAP_EQ_STR(ask("SELECT count(*) - count(DISTINCT seq), min(seq), count(DISTINCT run_id) FROM " EVENTS), "0 1 1\n");
	close_ledger();
	end();
}

static void each_writer_puts_row_and_event_on_sqlite(void)
{
	writers_put_row_and_event("sqlite");
}

static void each_writer_puts_row_and_event_on_the_mock(void)
{
	writers_put_row_and_event("mock");
}

/* A database's message may be of any encoding, and cut anywhere. */
static void an_error_of_any_bytes_is_recorded(void)
{
	static const struct { const char *message, *want; } cases[] = {
		{ "\xe9t\xe9", "\xef\xbf\xbdt\xef\xbf\xbd" },
		{ "\xc3\xa9t\xc3", "\xc3\xa9t\xef\xbf\xbd" },
		{ "a\x01\x1b[31m\x7f", "a\x01\x1b[31m\x7f" },
		{ "\xf0\x9f\x90\xa6", "\xf0\x9f\x90\xa6" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char how[200], want[200];

		begin("mock");
		snprintf(how, sizeof how, "fail statement 1 class=SCHEMA message=\"%s\"", cases[i].message);
		script(how);
		file("1.0.0-001-a.sql", "CREATE TABLE a (x);\n");
		TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
		TAP_EQ_STR(W.err.message, cases[i].want);
		snprintf(want, sizeof want, "%s\n", cases[i].want);
		TAP_EQ_STR(ask("SELECT error_message FROM " TABLE), want);
		TAP_EQ_STR(ask("SELECT json_extract(detail, '$.row.error_message') FROM " EVENTS " WHERE event = 'migration.failed'"), want);
		CHECK_LEDGER();
		end();
	}
}

/* --- names ----------------------------------------------------------------------------------- */

static void names_of_any_kind_are_quoted(void)
{
	static const char *const names[] = {
		"plain", "with space", "quo\"te", "it's", "a?b", "100%M", "%E", "se;mi--colon", "SELECT", "\xc3\xa9t\xc3\xa9", "main.other",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		begin("sqlite");
		file("1.0.0-001-a.sql", "-- dunlin:up\nCREATE TABLE a (x);\n-- dunlin:down\nDROP TABLE a;\n");
		option("table", names[i]);
		if (!TAP_EQ_INT(up(), 0) || !TAP_EQ_STR(validate(NULL), "") || !TAP_EQ_INT(up(), 0) ||
		    !TAP_EQ_INT(dunlin_last_summary(W.d)->n_done, 0) || !TAP_EQ_INT(rollback(), 0) || !CHECK_LEDGER())
			tap_note("%s: %s", names[i], W.err.message);
		end();
	}
}

static void names_that_are_none_are_refused(void)
{
	static const char *const names[] = { "", ".a", "a.", "a.b.c", "." };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		begin("sqlite");
		option("table", names[i]);
		TAP_EQ_INT(up(), DUNLIN_EXIT_USAGE);
		end();
	}
}

static void parameters_are_numbered_where_the_dialect_wants_it(void)
{
	static const char *const ddl[] = { "CREATE TABLE %M (a)", "CREATE INDEX %m ON %E (%S)", NULL };
	struct dunlin_dialect d = {
		.struct_size = sizeof d, .quote_open = '"', .quote_close = '"', .param_style = DUNLIN_PARAM_DOLLAR,
		.concat_style = DUNLIN_CONCAT_FUNCTION, .ledger_ddl = ddl, .ledger_exists = "EXISTS %s %m %e", .foreign_tables = "F %m",
		.now = "now()", .elapsed_ms = "ms()", .default_schema = "public",
	};

	TAP_EQ_INT(ledger_init(&l, &d, "a?b", &err), 0);
	TAP_EQ_STR(l.delete_row, "DELETE FROM \"public\".\"a?b\" WHERE component = $1 AND version = $2");
	TAP_EQ_STR(l.insert_event, "INSERT INTO \"public\".\"a?b_events\" (run_id, seq, component, version, event, at, actor, detail) "
	           "VALUES ($1, $2, $3, $4, $5, now(), $6, $7)");
	TAP_EQ_STR(l.event_elapsed, "INSERT INTO \"public\".\"a?b_events\" (run_id, seq, component, version, event, at, actor, detail) "
	           "VALUES ($1, $2, $3, $4, $5, now(), $6, concat($7, ms(), '}'))");
	TAP_OK(strstr(l.event_of_row, "$1, applied_at, applied_by, concat($2, execution_ms, $3) FROM \"public\".\"a?b\" WHERE component = $4") != NULL);
	TAP_OK(strstr(l.insert_tx, "$19, now(), ms(), $20)") != NULL);
	TAP_OK(strstr(l.insert_row, "$19, now(), $20, $21)") != NULL);
	TAP_OK(strstr(l.look, "FROM (EXISTS 'public' 'a?b' 'a?b_events') dunlin_ledger UNION ALL ") != NULL);
	TAP_OK(strstr(l.look, "NOT EXISTS (EXISTS 'public' 'a?b' 'a?b_events')") != NULL);
	TAP_EQ_STR(l.ddl[1], "CREATE INDEX \"a?b\" ON \"public\".\"a?b_events\" (\"public\")");
	TAP_EQ_STR(l.key, "public.a?b");
	ledger_clear(&l);
	d.ledger_ddl = NULL;
	TAP_EQ_INT(ledger_init(&l, &d, "a", &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	ledger_clear(&l);
}

/* --- reading --------------------------------------------------------------------------------- */

static void a_newer_layout_is_refused(void)
{
	begin("sqlite");
	file("1.0.0-001-a.sql", "CREATE TABLE a (x);\n");
	TAP_EQ_INT(up(), 0);
	tell("INSERT INTO " EVENTS " (run_id, seq, component, version, event, at, actor, detail) "
	     "VALUES ('x', 1, '', '', 'ledger.layout', '2030-01-01T00:00:00.000Z', 'me', '{\"layout\":2}')");
	file("1.0.0-002-b.sql", "CREATE TABLE b (x);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	TAP_OK(strstr(W.err.message, "layout 2") != NULL);
	TAP_OK(strstr(W.err.hint, "newer dunlin") != NULL);
	TAP_EQ_STR(ask("SELECT count(*) FROM " EVENTS " WHERE run_id <> 'x'"), "5\n");
	end();
}

static void a_table_that_is_missing_is_said(void)
{
	for (int i = 0; i < 2; i++) {
		begin("sqlite");
		file("1.0.0-001-a.sql", "CREATE TABLE a (x);\n");
		TAP_EQ_INT(up(), 0);
		tell(i ? "DROP TABLE " EVENTS : "DROP TABLE " TABLE);
		TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
		TAP_OK(strstr(W.err.message, "only one of the tables '" TABLE "' and '" EVENTS "' is there") != NULL);
		TAP_OK(strncmp(validate(NULL), "error: only one", 15) == 0);
		end();
	}
}

static void a_row_that_is_not_ours_is_refused(void)
{
	begin("sqlite");
	file("1.0.0-001-a.sql", "CREATE TABLE a (x);\n");
	TAP_EQ_INT(up(), 0);
	tell("UPDATE " TABLE " SET state = 'shiny'");
	file("1.0.0-002-b.sql", "CREATE TABLE b (x);\n");
	TAP_EQ_INT(up(), DUNLIN_EXIT_INVALID);
	TAP_OK(strstr(W.err.message, "'shiny'") != NULL);
	TAP_EQ_STR(W.err.version, "1.0.0-001");
	end();
}

static void what_was_done_by_hand_is_found(void)
{
	static const char *const by_hand[] = {
		"UPDATE " TABLE " SET batch = 9", "DELETE FROM " TABLE " WHERE version = '1.0.0-001'",
		"UPDATE " TABLE " SET intent = 'x'", "UPDATE " TABLE " SET execution_ms = execution_ms + 1",
		"DELETE FROM " EVENTS " WHERE event = 'migration.done'", "UPDATE " TABLE " SET run_id = 'x'",
		"UPDATE " EVENTS " SET detail = '{' WHERE event = 'migration.done'",
	};

	for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
		begin("sqlite");
		file("1.0.0-001-a.sql", "CREATE TABLE a (x);\n");
		TAP_EQ_INT(up(), 0);
		CHECK_LEDGER();
		tell(by_hand[i]);
		if (!TAP_OK(strstr(validate("ledger"), "ledger: ") != NULL))
			tap_note("%s", by_hand[i]);
		end();
	}
}

static int is_enough;

static int add_seq(void *arg, const struct dunlin_event *e)
{
	add_text(arg, 4096, "%lld ", (long long)e->seq);
	return is_enough ? 5 : 0;
}

static void events_come_as_many_as_asked_for(void)
{
	char text[4096];

	begin("mock");
	open_ledger("mock", TABLE);
	ledger_put_tables(&l, &w);
	for (int i = 0; i < 5; i++)
		ledger_put_event(&l, &w, "run.started", "", "", "{}");
	TAP_EQ_INT(send(), 0);
	text[0] = '\0';
	TAP_EQ_INT(ledger_events(&l, &s, 0, NULL, 0, add_seq, text, &err), 0);
	TAP_EQ_STR(text, "1 2 3 4 5 6 ");
	text[0] = '\0';
	TAP_EQ_INT(ledger_events(&l, &s, 2, NULL, 0, add_seq, text, &err), 0);
	TAP_EQ_STR(text, "5 6 ");
	text[0] = '\0';
	TAP_EQ_INT(ledger_events(&l, &s, 0, l.run_id, 3, add_seq, text, &err), 0);
	TAP_EQ_STR(text, "4 5 6 ");
	text[0] = '\0';
	TAP_EQ_INT(ledger_events(&l, &s, 0, "no such run", 0, add_seq, text, &err), 0);
	TAP_EQ_STR(text, "");
	/* whoever listens may end it */
	is_enough = 1;
	TAP_EQ_INT(ledger_events(&l, &s, 0, NULL, 0, add_seq, text, &err), 5);
	TAP_EQ_STR(text, "1 ");
	TAP_EQ_INT(err.code, 0);
	is_enough = 0;
	close_ledger();
	end();
}

/* --- log and table, whatever happens ------------------------------------------------------------ */

static uint32_t dice = 1;

static uint32_t roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % n;
}

#define N_FILES 9
static char names[N_FILES + 1][40], texts[N_FILES + 1][300];

/* Writes file i anew: sound or broken, in a transaction or not, with a down or not. */
static void write_file(int i)
{
	int is_broken = roll(5) == 0, is_outside = roll(3) == 0, has_down = roll(5) != 0, is_down_broken = roll(6) == 0;

	if (i == N_FILES) {
		snprintf(names[i], sizeof names[i], "R-view.sql");
		snprintf(texts[i], sizeof texts[i], "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT %u AS n%s;\n", roll(1000),
		         is_broken ? " FRM x" : "");
	} else {
		snprintf(names[i], sizeof names[i], "1.0.%d-001-m%d.sql", i, i);
		snprintf(texts[i], sizeof texts[i], "-- dunlin:up\n%s-- %u\nCREATE TABLE m%d (x);\n%s%s-- dunlin:down\n%s%sDROP TABLE m%d;\n",
		         is_outside ? "-- dunlin:no-transaction\n" : "", roll(1000), i,
		         is_outside && is_broken ? "INSERT INTO m0x VALUES (1);\n" : "",
		         is_broken ? "INSERT INTO nosuch VALUES (1);\n" : "", is_outside ? "-- dunlin:no-transaction\n" : "",
		         is_down_broken ? "DELETE FROM nosuch;\n" : "", i);
		if (!has_down)
			*strstr(texts[i], "-- dunlin:down") = '\0';
	}
	file(names[i], texts[i]);
}

static const char *version_of(char *out, size_t size)
{
	snprintf(out, size, "1.0.%u-001", roll(N_FILES));
	return out;
}

static int any_command(char *what, size_t size)
{
	static const char *const ops[] = { "", "up", "rollback", "down", "redo", "reset", "baseline" };
	char version[32];
	struct dunlin_request req = { .op = DUNLIN_OP_UP };
	uint32_t pick = roll(20);

	if (pick >= 16) {
		static const int ops_of_repair[] = { DUNLIN_REPAIR_RETRY, DUNLIN_REPAIR_MARK_APPLIED, DUNLIN_REPAIR_MARK_REVERTED, DUNLIN_REPAIR_ACCEPT_CHECKSUMS };
		int op = ops_of_repair[pick - 16];

		snprintf(what, size, "repair %d", op);
		return repair(op, op == DUNLIN_REPAIR_RETRY || op == DUNLIN_REPAIR_ACCEPT_CHECKSUMS ? NULL : version_of(version, sizeof version));
	}
	req.op = pick < 7 ? DUNLIN_OP_UP : pick < 10 ? DUNLIN_OP_ROLLBACK : pick < 12 ? DUNLIN_OP_DOWN
		: pick == 12 ? DUNLIN_OP_REDO : pick == 13 ? DUNLIN_OP_RESET : pick == 14 ? DUNLIN_OP_BASELINE : DUNLIN_OP_UP;
	req.existing_schema = 1;
	req.force = req.op != DUNLIN_OP_UP && req.op != DUNLIN_OP_BASELINE && roll(2);
	req.allow_out_of_order = req.op == DUNLIN_OP_UP;
	if (req.op == DUNLIN_OP_BASELINE || (req.op == DUNLIN_OP_UP && roll(3) == 0))
		req.to = version_of(version, sizeof version);
	else if (req.op == DUNLIN_OP_UP || req.op == DUNLIN_OP_DOWN || req.op == DUNLIN_OP_ROLLBACK)
		req.count = roll(4);
	if (req.op == DUNLIN_OP_UP)
		req.transaction = roll(8) == 0 ? DUNLIN_TX_ALL : roll(8) == 0 ? DUNLIN_TX_OFF : 0;
	snprintf(what, size, "%s to=%s count=%lld tx=%d force=%d", ops[req.op], req.to ? req.to : "", (long long)req.count,
	         req.transaction, req.force);
	return run(&req);
}

static void replaying_the_log_gives_the_table(const char *driver, uint32_t seed, int n)
{
	int code, n_done = 0, n_failed = 0, n_refused = 0, is_changed = 0;
	char what[200];

	dice = seed;
	begin(driver);
	script("");
	for (int i = 0; i <= N_FILES; i++)
		write_file(i);
	for (int i = 0; i < n; i++) {
		if (roll(4) == 0)
			write_file((int)roll(N_FILES + 1));
		if (is_changed && roll(2)) { /* else it would be refused till the end */
			snprintf(what, sizeof what, "accept");
			code = repair(DUNLIN_REPAIR_ACCEPT_CHECKSUMS, NULL);
		} else {
			code = any_command(what, sizeof what);
		}
		is_changed = code == DUNLIN_EXIT_INVALID;
		n_done += code == 0;
		n_failed += code == DUNLIN_EXIT_FAILED;
		n_refused += code > DUNLIN_EXIT_FAILED;
		if (*W.events && !TAP_EQ_STR(ask("SELECT seq || ' ' || event || CASE version WHEN '' THEN '' ELSE ' ' || version END FROM " EVENTS
		                                 " WHERE run_id = (SELECT run_id FROM " EVENTS " ORDER BY id DESC LIMIT 1) ORDER BY id"), W.events))
			tap_note("%d: %s: %d %s", i, what, code, W.err.message);
		if (strstr(W.log, "could not be recorded") && !TAP_EQ_STR(W.log, ""))
			tap_note("%d: %s: %d %s", i, what, code, W.err.message);
		if (strncmp(ask("SELECT 1 FROM " EVENTS), "error", 5) != 0 && !CHECK_LEDGER()) {
			tap_note("after %d: %s: %d %s", i, what, code, W.err.message);
			break;
		}
	}
	tap_note("%s: %d done, %d failed, %d refused", driver, n_done, n_failed, n_refused);
	TAP_OK(n_done > n / 5 && n_failed > n / 20 && n_refused > n / 20);
	end();
}

static void replaying_the_log_gives_the_table_on_sqlite(void)
{
	replaying_the_log_gives_the_table("sqlite", 20261120, 200);
}

static void replaying_the_log_gives_the_table_on_the_mock(void)
{
	replaying_the_log_gives_the_table("mock", 7, 200);
}

static void the_highest_batch_ever_is_remembered(void)
{
	begin("sqlite");
	file("1.0.0-001-a.sql", "-- dunlin:up\nCREATE TABLE a (x);\n-- dunlin:down\nDROP TABLE a;\n");
	TAP_EQ_INT(up(), 0);
	file("1.0.0-002-b.sql", "-- dunlin:up\nCREATE TABLE b (x);\n-- dunlin:down\nDROP TABLE b;\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT version, batch FROM " TABLE " ORDER BY 1"), "1.0.0-001 1\n1.0.0-002 2\n");
	TAP_EQ_INT(rollback(), 0);
	TAP_EQ_INT(rollback(), 0);
	TAP_EQ_STR(ask("SELECT count(*) FROM " TABLE), "0\n");
	TAP_EQ_INT(up(), 0);
	TAP_EQ_STR(ask("SELECT version, batch FROM " TABLE " ORDER BY 1"), "1.0.0-001 3\n1.0.0-002 3\n");
	end();
}

int main(void)
{
#define T(f) { #f, f }
	static const struct tap_test tests[] = {
		T(each_writer_puts_row_and_event_on_sqlite),
		T(each_writer_puts_row_and_event_on_the_mock),
		T(an_error_of_any_bytes_is_recorded),
		T(names_of_any_kind_are_quoted),
		T(names_that_are_none_are_refused),
		T(parameters_are_numbered_where_the_dialect_wants_it),
		T(a_newer_layout_is_refused),
		T(a_table_that_is_missing_is_said),
		T(a_row_that_is_not_ours_is_refused),
		T(what_was_done_by_hand_is_found),
		T(events_come_as_many_as_asked_for),
		T(replaying_the_log_gives_the_table_on_sqlite),
		T(replaying_the_log_gives_the_table_on_the_mock),
		T(the_highest_batch_ever_is_remembered),
	};

	return run_main("ledger", tests, sizeof tests / sizeof *tests);
}
