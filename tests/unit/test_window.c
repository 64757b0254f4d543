/*
 * test_window.c - steps keep what was given to them, in order, and a window
 * that could not grow says so once.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "window.h"

#include "tap.h"

#include <string.h>

static void steps_come_in_order_with_what_they_stand_for(void)
{
	const struct plan_action *a = (const struct plan_action *)(const void *)"x"; /* only kept */
	struct window_tag tag = { .action = a, .statement = 3, .line = 7, .column = 2 };
	struct window w = { 0 };
	char sql[] = "SELECT 1;";
	struct dunlin_step *s;

	window_add(&w, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	s = window_add(&w, DUNLIN_STEP_STATEMENT, &tag, sql, 8);
	memset(sql, '?', sizeof sql - 1); /* it was copied */
	if (!TAP_OK(s != NULL))
		return;
	TAP_EQ_INT(w.n, 2);
	TAP_EQ_INT(w.bytes, 8);
	TAP_EQ_INT(w.step[0].kind, DUNLIN_STEP_BEGIN);
	TAP_OK(w.step[0].sql == NULL && w.tag[0].action == NULL && w.tag[0].statement == -1);
	TAP_EQ_INT(w.step[1].struct_size, sizeof *s);
	TAP_EQ_STR(w.step[1].sql, "SELECT 1");
	TAP_EQ_INT(w.step[1].sql_len, 8);
	TAP_EQ_INT(w.step[1].expect_rows, -1);
	TAP_EQ_INT(w.step[1].lock_timeout_ms, -1);
	TAP_EQ_INT(w.step[1].statement_timeout_ms, -1);
	TAP_OK(w.tag[1].action == a);
	TAP_EQ_INT(w.tag[1].statement, 3);
	TAP_EQ_INT(w.tag[1].line, 7);
	window_clear(&w);
	TAP_OK(w.n == 0 && w.step == NULL);
}

static void parameters_are_copied_and_typed(void)
{
	struct window w = { 0 };
	char text[] = "value";
	const struct dunlin_param *p;

	window_ledger(&w, "INSERT INTO t VALUES (?, ?, ?, ?, ?)", 1);
	window_text(&w, text);
	window_text(&w, NULL);
	window_textn(&w, "a\0b", 3);
	window_int(&w, INT64_MIN);
	window_text(&w, "");
	memset(text, '?', sizeof text - 1);
	TAP_EQ_INT(w.step[0].kind, DUNLIN_STEP_LEDGER);
	TAP_EQ_INT(w.step[0].expect_rows, 1);
	if (!TAP_EQ_INT(w.step[0].n_param, 5))
		return;
	p = w.step[0].param;
	TAP_EQ_MEM(p[0].value, p[0].len, "value", 5);
	TAP_OK(p[1].value == NULL && p[1].len == 0);
	TAP_EQ_MEM(p[2].value, p[2].len, "a\0b", 3);
	TAP_EQ_STR(p[3].value, "-9223372036854775808");
	TAP_OK(p[3].is_integer && !p[0].is_integer);
	TAP_OK(p[4].value != NULL && p[4].len == 0); /* empty is not NULL */
	window_clear(&w);
}

static void a_parameter_too_many_fails_the_window(void)
{
	struct window w = { 0 };

	window_ledger(&w, "x", -1);
	for (int i = 0; i < 24; i++)
		window_int(&w, i);
	TAP_OK(!w.is_failed);
	TAP_EQ_INT(w.step[0].n_param, 24);
	window_int(&w, 24);
	TAP_OK(w.is_failed);
	window_clear(&w);
}

static void cutting_drops_what_came_last_and_resetting_all(void)
{
	struct window w = { 0 };

	for (int i = 0; i < 100; i++)
		window_add(&w, i % 2 ? DUNLIN_STEP_STATEMENT : DUNLIN_STEP_BEGIN, NULL, "x", 1);
	window_cut(&w, 40);
	TAP_EQ_INT(w.n, 40);
	window_add(&w, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	TAP_EQ_INT(w.n, 41);
	TAP_EQ_INT(w.step[40].kind, DUNLIN_STEP_COMMIT);
	TAP_EQ_INT(w.step[39].kind, DUNLIN_STEP_STATEMENT);
	w.is_failed = 1;
	window_reset(&w);
	TAP_OK(w.n == 0 && w.bytes == 0 && !w.is_failed);
	window_clear(&w);
}

static void fill(struct window *w)
{
	for (int i = 0; i < 40; i++) {
		window_add(w, DUNLIN_STEP_STATEMENT, NULL, "SELECT 1", 8);
		if (window_ledger(w, "INSERT", 1))
			window_text(w, "value");
	}
}

static void out_of_memory_is_kept_till_the_end(void)
{
	unsigned long n;

	for (n = 1;; n++) {
		struct window w = { 0 };
		size_t after;

		mem_fail_at(n, 0);
		fill(&w);
		mem_fail_at(0, 0);
		if (!w.is_failed) {
			TAP_EQ_INT(w.n, 80);
			window_clear(&w);
			break;
		}
		after = w.n;
		window_add(&w, DUNLIN_STEP_COMMIT, NULL, NULL, 0); /* does nothing any more */
		TAP_EQ_INT(w.n, after);
		window_clear(&w);
	}
	TAP_OK(n > 5);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "steps_come_in_order_with_what_they_stand_for", steps_come_in_order_with_what_they_stand_for },
		{ "parameters_are_copied_and_typed", parameters_are_copied_and_typed },
		{ "a_parameter_too_many_fails_the_window", a_parameter_too_many_fails_the_window },
		{ "cutting_drops_what_came_last_and_resetting_all", cutting_drops_what_came_last_and_resetting_all },
		{ "out_of_memory_is_kept_till_the_end", out_of_memory_is_kept_till_the_end },
	};

	return tap_main("window", tests, sizeof tests / sizeof *tests);
}
