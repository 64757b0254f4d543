/*
 * test_plan.c - plans against the golden cases of tests/golden/plan/.
 *
 * With DUNLIN_GOLDEN_PRINT set, each file is printed as it should read; look at
 * every line of the difference before it goes into the file.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "plan_case.h"
#include "tap.h"

#include <string.h>

static char *read_golden(const char *name)
{
	struct buf b = BUF_INIT;
	char path[1024], chunk[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/golden/plan/%s", tap_srcdir(), name);
	f = fopen(path, "r");
	if (!TAP_OK(f != NULL)) {
		tap_note("cannot open %s", path);
		return NULL;
	}
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_take(&b);
}

static void print_case(const char *from, const char *to, const struct plan_case *c, const char *got)
{
	const char *expect = c->expect.p;

	/* The input lines, without those that were expected, then what came. */
	while (from < to) {
		size_t len = strcspn(from, "\n"), skip = strspn(from, " \t"), e = strcspn(expect, "\n");

		if (*expect && len - skip == e && strncmp(from + skip, expect, e) == 0)
			expect += e + (expect[e] == '\n');
		else if (len)
			printf("#: %.*s\n", (int)len, from);
		from += len + (from[len] == '\n');
	}
	while (*got) {
		size_t len = strcspn(got, "\n");

		printf("#:     %.*s\n", (int)len, got);
		got += len + (got[len] == '\n');
	}
	printf("#:\n");
}

static void run_golden(const char *name)
{
	char *text = read_golden(name);
	const char *at = text, *from = text;
	struct plan_case c;
	size_t n = 0;

	while (text && plan_case_read(&c, &at)) {
		struct buf got = BUF_INIT;

		plan_case_run(&c, &got);
		if (!TAP_EQ_STR(got.p, c.expect.p))
			tap_note("in case '%s'", c.name);
		if (getenv("DUNLIN_GOLDEN_PRINT"))
			print_case(from, at, &c, got.p);
		from = at;
		n++;
		buf_clear(&got);
		plan_case_clear(&c);
	}
	TAP_OK(n > 0);
	mem_free(text);
}

static void states(void) { run_golden("states.txt"); }
static void order(void) { run_golden("order.txt"); }
static void requires(void) { run_golden("requires.txt"); }
static void limits(void) { run_golden("limits.txt"); }
static void repeatables(void) { run_golden("repeatables.txt"); }
static void resumes(void) { run_golden("resume.txt"); }
static void transactions(void) { run_golden("transactions.txt"); }
static void surroundings(void) { run_golden("surroundings.txt"); }
static void baselines(void) { run_golden("baseline.txt"); }
static void rollbacks(void) { run_golden("rollback.txt"); }
static void downs(void) { run_golden("downs.txt"); }
static void redo_resets(void) { run_golden("redo-reset.txt"); }
static void usages(void) { run_golden("usage.txt"); }

int main(void)
{
	static const struct tap_test tests[] = {
		{ "plan_gives_each_migration_its_state", states },
		{ "plan_orders_by_component_and_version", order },
		{ "plan_runs_what_is_required_first_and_refuses_cycles", requires },
		{ "plan_stops_where_the_request_says", limits },
		{ "plan_runs_repeatables_last_and_when_they_changed", repeatables },
		{ "plan_goes_on_where_a_half_migration_ended", resumes },
		{ "plan_says_in_whose_transaction_each_runs", transactions },
		{ "plan_refuses_a_database_that_is_not_to_be_touched", surroundings },
		{ "plan_marks_what_was_there_before", baselines },
		{ "plan_picks_what_a_rollback_reverts", rollbacks },
		{ "plan_takes_the_down_from_the_ledger_first", downs },
		{ "plan_reverts_and_applies_again_for_redo_and_reset", redo_resets },
		{ "plan_refuses_requests_that_make_no_sense", usages },
	};

	return tap_main("plan", tests, sizeof tests / sizeof *tests);
}
