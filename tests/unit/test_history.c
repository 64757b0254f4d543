/*
 * test_history.c - rows in memory, folded from events, and compared.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "history.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- rows -------------------------------------------------------------------------- */

static void names(void)
{
	static const char *const states[] = { "applied", "failed", "running", "baseline" };

	for (int i = 0; i < 4; i++) {
		TAP_EQ_STR(row_state_name(i), states[i]);
		TAP_EQ_INT(row_state_parse(states[i]), i);
	}
	TAP_EQ_INT(row_state_parse("stuck"), -1);
	TAP_EQ_INT(row_state_parse(""), -1);
}

static struct ledger_row *add(struct history *h, const char *component, const char *version)
{
	struct ledger_row *row = history_add(h);

	if (row) {
		row->component = component;
		row->version = version;
	}
	return row;
}

static void new_rows(void)
{
	struct history h = { 0 };
	struct ledger_row *row = history_add(&h);

	if (!TAP_OK(row != NULL))
		return;
	TAP_EQ_STR(row->component, "");
	TAP_EQ_STR(row->intent, "");
	TAP_EQ_STR(row->error_message, "");
	TAP_EQ_INT(row->state, ROW_APPLIED);
	TAP_EQ_INT(row->kind, MIGRATION_VERSIONED);
	TAP_EQ_INT(row->direction, DIRECTION_UP);
	TAP_EQ_INT(row->batch, 0);
	history_clear(&h);
	TAP_EQ_INT(h.n, 0);
	history_clear(&h); /* an empty one is fine */
}

static void finds_by_bytes(void)
{
	struct history h = { 0 };

	TAP_OK(history_find(&h, "", "1") == NULL);
	add(&h, "", "1.0.5-001");
	add(&h, "pkg", "1.0.5-001");
	add(&h, "", "1.0.5-1");
	TAP_OK(history_find(&h, "", "1.0.5-001") == &h.row[0]);
	TAP_OK(history_find(&h, "pkg", "1.0.5-001") == &h.row[1]);
	TAP_OK(history_find(&h, "", "1.0.5-1") == &h.row[2]);
	TAP_OK(history_find(&h, "PKG", "1.0.5-001") == NULL);
	TAP_OK(history_find(&h, "", "1.0.5-0001") == NULL);
	history_clear(&h);
}

/* A row is removed, and each other one is still found. */
static void removes(void)
{
	enum { N = 500 };
	static char version[N][16];
	struct history h = { 0 };
	size_t n = N;

	for (size_t i = 0; i < N; i++) {
		snprintf(version[i], sizeof version[i], "%zu", i);
		add(&h, i % 2 ? "odd" : "", version[i]);
		if (i == 100) /* in the middle of growing */
			TAP_OK(history_find(&h, "", "0") != NULL);
	}
	for (size_t i = 0; i < N; i += 3, n--)
		history_remove(&h, history_find(&h, i % 2 ? "odd" : "", version[i]));
	TAP_EQ_INT(h.n, n);
	for (size_t i = 0; i < N; i++) {
		const struct ledger_row *row = history_find(&h, i % 2 ? "odd" : "", version[i]);

		if (!TAP_EQ_INT(row != NULL, i % 3 != 0) ||
		    (row && (!TAP_EQ_STR(row->version, version[i]) || !TAP_OK(row < h.row + h.n))))
			break;
	}
	for (size_t i = 0; i < N; i += 3) /* and back */
		add(&h, i % 2 ? "odd" : "", version[i]);
	TAP_EQ_INT(h.n, N);
	TAP_OK(history_find(&h, "odd", "99") != NULL);
	while (h.n)
		history_remove(&h, &h.row[0]);
	TAP_OK(history_find(&h, "odd", "99") == NULL);
	history_clear(&h);
}

static void finds_without_memory(void)
{
	struct history h = { 0 };

	add(&h, "", "1");
	add(&h, "", "2");
	add(&h, "", "3");
	mem_fail_at(1, 1);
	TAP_OK(history_find(&h, "", "2") == &h.row[1]);
	history_remove(&h, &h.row[0]);
	mem_fail_at(0, 0);
	TAP_EQ_INT(h.n, 2);
	TAP_OK(history_find(&h, "", "1") == NULL);
	TAP_OK(history_find(&h, "", "3") == &h.row[0]);
	mem_fail_at(1, 1);
	TAP_OK(history_add(&(struct history){ 0 }) == NULL);
	mem_fail_at(0, 0);
	history_clear(&h);
}

static void in_flight(void)
{
	static const struct { const char *intent; int rc; int64_t n, last; } cases[] = {
		{ "", 0, 0, 0 },
		{ "{}", 0, 0, 0 },
		{ "{\"prefix\":\"sha256:00\"}", 0, 0, 0 },
		{ "{\"n\":3,\"hash\":\"sha256:00\",\"prefix\":\"sha256:01\"}", 1, 3, 3 },
		{ "{\"n\":3,\"last\":7}", 1, 3, 7 },
		{ "{\"n\":\"3\"}", -1, 0, 0 },
		{ "{\"n\":3,\"last\":null}", -1, 0, 0 },
		{ "[3]", -1, 0, 0 },
		{ "{\"n\":3", -1, 0, 0 },
		{ "3", -1, 0, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ledger_row row = { .intent = cases[i].intent };
		int64_t n = 0, last = 0;

		TAP_EQ_INT(row_in_flight(&row, &n, &last), cases[i].rc);
		TAP_EQ_INT(n, cases[i].n);
		if (!TAP_EQ_INT(last, cases[i].last))
			tap_note("intent %s", cases[i].intent);
		TAP_EQ_INT(row_in_flight(&row, NULL, NULL), cases[i].rc);
	}
}

/* --- folding -------------------------------------------------------------------------- */

struct told { const char *version, *event, *detail; };

static int fold(struct history *h, int64_t seq, const struct told *t, struct dunlin_error *err)
{
	const struct dunlin_event e = {
		.run_id = "run", .seq = seq, .component = "pkg", .version = t->version, .event = t->event,
		.at = "2026-11-20T10:15:02Z", .actor = "me@here", .detail = t->detail, .name = "",
	};

	return history_fold(h, &e, err);
}

/* Every column of every row, a line each row. */
static void show(const struct history *h, struct buf *out)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct ledger_row *r = &h->row[i];

		buf_addf(out, "%s@%s %s kind=%d state=%s dir=%d batch=%lld order=%lld sums=%s,%s done=%lld/%lld intent=%s "
		         "at=%s ms=%lld by=%s run=%s seq=%lld tool=%s error=%s,%s\n",
		         r->component, r->version, r->name, r->kind, row_state_name(r->state), r->direction,
		         (long long)r->batch, (long long)r->apply_order, r->checksum, r->statements_checksum,
		         (long long)r->statements_done, (long long)r->statements_total, r->intent, r->applied_at,
		         (long long)r->execution_ms, r->applied_by, r->run_id, (long long)r->seq, r->tool_version,
		         r->error_class, r->error_message);
	}
}

#define WHOLE "\"name\":\"a\",\"kind\":\"versioned\",\"direction\":\"up\",\"batch\":2,\"apply_order\":5," \
	"\"checksum\":\"sha256:c\",\"statements_checksum\":\"sha256:s\",\"statements_total\":3," \
	"\"tool_version\":\"0.1.0\",\"applied_at\":true,\"applied_by\":true,"

/* A migration outside a transaction: begun, one statement, a failure, resumed,
 * done; then half reverted, and repaired. */
static const struct told life[] = {
	{ "", "run.started", "{\"batch_max\":1}" },
	{ "1", "migration.started", "{\"transaction\":\"none\",\"row\":{" WHOLE
	  "\"state\":\"running\",\"statements_done\":0,\"intent\":\"\",\"execution_ms\":0,\"error_class\":\"\",\"error_message\":\"\"}}" },
	{ "1", "statement.started", "{\"n\":1,\"row\":{\"statements_done\":0,\"intent\":\"{\\\"n\\\":1}\"}}" },
	{ "1", "statement.done", "{\"n\":1,\"row\":{\"statements_done\":1,\"intent\":\"{\\\"prefix\\\":\\\"p\\\"}\"}}" },
	{ "1", "migration.failed", "{\"code\":1,\"row\":{\"state\":\"failed\",\"error_class\":\"SCHEMA\",\"error_message\":\"table \\\"x\\\" exists\"}}" },
	{ "", "run.finished", "{\"ok\":false,\"batch_max\":2}" },
	{ "1", "migration.done", "{\"row\":{\"state\":\"applied\",\"statements_done\":3,\"intent\":\"\",\"execution_ms\":12,"
	  "\"batch\":3,\"error_class\":\"\",\"error_message\":\"\"}}" },
	{ "2", "migration.done", "{\"name\":\"b\",\"row\":{\"name\":\"b\",\"kind\":\"repeatable\"}}" },
	{ "3", "migration.baselined", "{\"row\":{\"name\":\"c\",\"kind\":\"baseline\",\"state\":\"baseline\",\"applied_at\":\"2020-01-01T00:00:00Z\",\"applied_by\":\"them\"}}" },
	{ "1", "revert.started", "{\"row\":{\"state\":\"running\",\"direction\":\"down\",\"statements_done\":0}}" },
	{ "1", "revert.failed", "{\"row\":{\"state\":\"failed\",\"statements_done\":2}}" },
	{ "2", "migration.reverted", "{\"row\":null,\"execution_ms\":3}" },
	{ "1", "migration.repaired", "{\"op\":\"mark-applied\",\"row\":{\"state\":\"applied\",\"direction\":\"up\",\"statements_done\":3}}" },
};
enum { N_LIFE = sizeof life / sizeof *life };

static int fold_life(struct history *h, size_t n, struct dunlin_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (fold(h, (int64_t)i + 1, &life[i], err) < 0)
			return -1;
	return 0;
}

static void folds(void)
{
	static const struct { size_t n; const char *want; } cases[] = {
		{ 1, NULL },
		{ 2, "pkg@1 a kind=0 state=running dir=0 batch=2 order=5 sums=sha256:c,sha256:s done=0/3 intent= "
		     "at=2026-11-20T10:15:02Z ms=0 by=me@here run=run seq=2 tool=0.1.0 error=,\n" },
		{ 3, "pkg@1 a kind=0 state=running dir=0 batch=2 order=5 sums=sha256:c,sha256:s done=0/3 intent={\"n\":1} "
		     "at=2026-11-20T10:15:02Z ms=0 by=me@here run=run seq=3 tool=0.1.0 error=,\n" },
		{ 6, "pkg@1 a kind=0 state=failed dir=0 batch=2 order=5 sums=sha256:c,sha256:s done=1/3 intent={\"prefix\":\"p\"} "
		     "at=2026-11-20T10:15:02Z ms=0 by=me@here run=run seq=5 tool=0.1.0 error=SCHEMA,table \"x\" exists\n" },
		{ 9, "pkg@1 a kind=0 state=applied dir=0 batch=3 order=5 sums=sha256:c,sha256:s done=3/3 intent= "
		     "at=2026-11-20T10:15:02Z ms=12 by=me@here run=run seq=7 tool=0.1.0 error=,\n"
		     "pkg@2 b kind=1 state=applied dir=0 batch=0 order=0 sums=, done=0/0 intent= "
		     "at= ms=0 by= run=run seq=8 tool= error=,\n"
		     "pkg@3 c kind=2 state=baseline dir=0 batch=0 order=0 sums=, done=0/0 intent= "
		     "at=2020-01-01T00:00:00Z ms=0 by=them run=run seq=9 tool= error=,\n" },
		{ N_LIFE, "pkg@1 a kind=0 state=applied dir=0 batch=3 order=5 sums=sha256:c,sha256:s done=3/3 intent= "
		     "at=2026-11-20T10:15:02Z ms=12 by=me@here run=run seq=13 tool=0.1.0 error=,\n"
		     "pkg@3 c kind=2 state=baseline dir=0 batch=0 order=0 sums=, done=0/0 intent= "
		     "at=2020-01-01T00:00:00Z ms=0 by=them run=run seq=9 tool= error=,\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct history h = { 0 };
		struct buf got = BUF_INIT;
		struct dunlin_error err;

		if (!TAP_EQ_INT(fold_life(&h, cases[i].n, &err), 0))
			tap_note("%s", err.message);
		show(&h, &got);
		TAP_EQ_STR(got.p, cases[i].want);
		buf_clear(&got);
		history_clear(&h);
	}
}

static void folds_maxima(void)
{
	struct history h = { 0 };

	fold_life(&h, 1, NULL);
	TAP_EQ_INT(h.batch_max, 1);
	fold_life(&h, N_LIFE, NULL);
	TAP_EQ_INT(h.batch_max, 3);
	TAP_EQ_INT(h.apply_order_max, 5);
	history_clear(&h);
}

static void refuses_nonsense(void)
{
	static const struct { struct told t; const char *want; } cases[] = {
		{ { "1", "migration.done", "{" }, "event 7 of run 'run' (migration.done) has a detail that is not a JSON object" },
		{ { "1", "migration.done", "[]" }, "event 7 of run 'run' (migration.done) has a detail that is not a JSON object" },
		{ { "1", "migration.done", "" }, "event 7 of run 'run' (migration.done) has a detail that is not a JSON object" },
		{ { "1", "x", "{\"row\":1}" }, "event 7 of run 'run' (x) has a row that is neither an object nor null" },
		{ { "1", "x", "{\"row\":null}" }, "event 7 of run 'run' (x) removes a row that is not there" },
		{ { "", "x", "{\"row\":{}}" }, "event 7 of run 'run' (x) changes a row and names no migration" },
		{ { "", "x", "{\"row\":null}" }, "event 7 of run 'run' (x) changes a row and names no migration" },
		{ { "1", "x", "{\"row\":{\"colour\":1}}" }, "event 7 of run 'run' (x) names an unknown column 'colour'" },
		{ { "1", "x", "{\"row\":{\"seq\":1}}" }, "event 7 of run 'run' (x) names an unknown column 'seq'" },
		{ { "1", "x", "{\"row\":{\"batch\":\"1\"}}" }, "event 7 of run 'run' (x) has no number for the column 'batch'" },
		{ { "1", "x", "{\"row\":{\"name\":1}}" }, "event 7 of run 'run' (x) has no text for the column 'name'" },
		{ { "1", "x", "{\"row\":{\"name\":true}}" }, "event 7 of run 'run' (x) has no text for the column 'name'" },
		{ { "1", "x", "{\"row\":{\"applied_at\":false}}" }, "event 7 of run 'run' (x) has no text for the column 'applied_at'" },
		{ { "1", "x", "{\"row\":{\"state\":\"stuck\"}}" }, "event 7 of run 'run' (x) has an unknown value for the column 'state'" },
		{ { "1", "x", "{\"row\":{\"kind\":\"x\"}}" }, "event 7 of run 'run' (x) has an unknown value for the column 'kind'" },
		{ { "1", "x", "{\"row\":{\"direction\":0}}" }, "event 7 of run 'run' (x) has an unknown value for the column 'direction'" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct history h = { 0 };
		struct dunlin_error err = { 0 };

		TAP_EQ_INT(fold(&h, 7, &cases[i].t, &err), -1);
		TAP_EQ_STR(err.message, cases[i].want);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
		TAP_EQ_STR(err.version, cases[i].t.version);
		history_clear(&h);
	}
}

static void folds_without_memory(void)
{
	for (int forever = 0; forever < 2; forever++) {
		unsigned long k = 1, used;
		int rc;

		do {
			struct history h = { 0 };
			struct dunlin_error err = { 0 };

			mem_fail_at(k, forever);
			rc = fold_life(&h, N_LIFE, &err);
			used = mem_count();
			mem_fail_at(0, 0);
			/* The index is a help that a search one by one replaces. */
			if (rc < 0)
				TAP_EQ_STR(err.message, "out of memory");
			else
				TAP_EQ_INT(h.n, 2);
			for (size_t i = 0; i < h.n; i++)
				TAP_EQ_STR(h.row[i].component, "pkg");
			history_clear(&h);
		} while (used >= k++);
		TAP_EQ_INT(rc, 0);
		TAP_OK(k > 5);
	}
}

/* --- comparing -------------------------------------------------------------------------- */

static void compare(struct history *table, struct history *folded, const char *want)
{
	struct finding_list found = { 0 };
	struct buf got = BUF_INIT;

	TAP_EQ_INT(history_compare(table, folded, &found), 0);
	buf_reserve(&got, 1);
	for (size_t i = 0; i < found.n; i++) {
		TAP_EQ_STR(found.v[i].kind, "ledger");
		TAP_EQ_INT(found.v[i].code, DUNLIN_EXIT_INVALID);
		TAP_OK(found.v[i].hint[0] != '\0');
		buf_addf(&got, "%s@%s: %s\n", found.v[i].component, found.v[i].version, found.v[i].message);
	}
	TAP_EQ_STR(got.p, want);
	buf_clear(&got);
	finding_clear(&found);
}

static void compares(void)
{
	struct history a = { 0 }, b = { 0 };
	struct ledger_row *row;

	fold_life(&a, N_LIFE, NULL);
	fold_life(&b, N_LIFE, NULL);
	compare(&a, &b, "");
	row = history_find(&a, "pkg", "1");
	row->batch = 9;
	row->state = ROW_FAILED;
	row->kind = MIGRATION_REPEATABLE;
	row->direction = DIRECTION_DOWN;
	row->intent = "{}";
	row->run_id = "other";
	compare(&a, &b,
	        "pkg@1: the ledger's row 'pkg@1' has kind 'repeatable', and by its events 'versioned'\n"
	        "pkg@1: the ledger's row 'pkg@1' has state 'failed', and by its events 'applied'\n"
	        "pkg@1: the ledger's row 'pkg@1' has direction 'down', and by its events 'up'\n"
	        "pkg@1: the ledger's row 'pkg@1' has batch '9', and by its events '3'\n"
	        "pkg@1: the ledger's row 'pkg@1' has intent '{}', and by its events ''\n"
	        "pkg@1: the ledger's row 'pkg@1' has run_id 'other', and by its events 'run'\n");
	history_remove(&a, row);
	add(&a, "", "7");
	compare(&a, &b,
	        "@7: the ledger's row '7' is in the table, and not by its events\n"
	        "pkg@1: the ledger's row 'pkg@1' is missing in the table, and there by its events\n");
	history_clear(&a);
	compare(&a, &a, "");
	history_clear(&b);
}

/* Each column of the table is compared, and each but run_id and seq can be
 * told by an event: one that differs is found. */
static void compares_every_column(void)
{
	static const char *const changes[] = {
		"\"name\":\"z\"", "\"kind\":\"repeatable\"", "\"state\":\"failed\"", "\"direction\":\"down\"", "\"batch\":8",
		"\"apply_order\":8", "\"checksum\":\"z\"", "\"statements_checksum\":\"z\"", "\"statements_done\":8",
		"\"statements_total\":8", "\"intent\":\"z\"", "\"applied_at\":\"z\"", "\"execution_ms\":8",
		"\"applied_by\":\"z\"", "\"tool_version\":\"z\"", "\"error_class\":\"z\"", "\"error_message\":\"z\"",
	};

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct history a = { 0 }, b = { 0 };
		struct finding_list found = { 0 };
		char detail[128];
		struct told t = { "1", "x", detail };

		fold_life(&a, N_LIFE, NULL);
		fold_life(&b, N_LIFE, NULL);
		snprintf(detail, sizeof detail, "{\"row\":{%s}}", changes[i]);
		TAP_EQ_INT(fold(&a, N_LIFE, &t, NULL), 0);
		TAP_EQ_INT(history_compare(&a, &b, &found), 0);
		if (!TAP_EQ_INT(found.n, 1))
			tap_note("after %s", detail);
		finding_clear(&found);
		history_clear(&a);
		history_clear(&b);
	}
}

static void compares_without_memory(void)
{
	struct history a = { 0 }, b = { 0 };
	unsigned long k = 1, used;
	int rc;

	fold_life(&a, N_LIFE, NULL);
	add(&b, "", "7");
	do {
		struct finding_list found = { 0 };

		mem_fail_at(k, 0);
		rc = history_compare(&a, &b, &found);
		used = mem_count();
		mem_fail_at(0, 0);
		TAP_OK(rc < 0 || found.n == 3);
		finding_clear(&found);
	} while (used >= k++);
	TAP_EQ_INT(rc, 0);
	history_clear(&a);
	history_clear(&b);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void folds_many(void)
{
	enum { N = 20000 };
	struct history h = { 0 };
	char version[24];
	struct told done = { version, "migration.done", "{\"row\":{" WHOLE "\"state\":\"applied\",\"statements_done\":3}}" };
	struct told reverted = { version, "migration.reverted", "{\"row\":null}" };
	double start = seconds(), took;
	int rc = 0;

	for (int i = 0; i < N && rc == 0; i++) {
		snprintf(version, sizeof version, "1.0.0-%d", i);
		rc = fold(&h, i, &done, NULL);
	}
	TAP_EQ_INT(h.n, N);
	for (int i = 0; i < N && rc == 0; i++) {
		snprintf(version, sizeof version, "1.0.0-%d", i);
		rc = fold(&h, i, &reverted, NULL);
	}
	took = seconds() - start;
	TAP_EQ_INT(rc, 0);
	TAP_EQ_INT(h.n, 0);
	tap_note("%d events in %.0f ms", 2 * N, took * 1000);
	TAP_OK(took < 5);
	history_clear(&h);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "row_states_have_names", names },
		{ "a_new_row_is_an_applied_versioned_one", new_rows },
		{ "rows_are_found_by_the_bytes_of_their_key", finds_by_bytes },
		{ "a_removed_row_takes_no_other_with_it", removes },
		{ "rows_are_found_without_memory_for_the_index", finds_without_memory },
		{ "an_intent_tells_which_statement_is_in_flight", in_flight },
		{ "folding_events_gives_the_rows", folds },
		{ "folding_keeps_the_highest_batch_and_order", folds_maxima },
		{ "folding_refuses_events_that_make_no_sense", refuses_nonsense },
		{ "folding_bears_every_failed_allocation", folds_without_memory },
		{ "comparing_names_each_difference", compares },
		{ "comparing_looks_at_every_column", compares_every_column },
		{ "comparing_bears_every_failed_allocation", compares_without_memory },
		{ "folding_many_events_needs_no_search", folds_many },
	};

	return tap_main("history", tests, sizeof tests / sizeof *tests);
}
