/*
 * test_finding.c - the list of findings and the error made of it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "finding.h"
#include "tap.h"

#include <string.h>

static void a_finding_keeps_copies_of_its_texts(void)
{
	struct finding_list l = { 0 };
	char file[] = "a.sql";
	struct dunlin_finding *f = finding_add(&l, DUNLIN_EXIT_INVALID, "name", NULL, "1", file, "'%s' is %d", file, 7);

	file[0] = 'X';
	if (!TAP_OK(f != NULL))
		return;
	finding_hint(&l, f, "Do %s.", "this");
	TAP_EQ_INT(l.n, 1);
	TAP_EQ_STR(l.v[0].file, "a.sql");
	TAP_EQ_STR(l.v[0].message, "'a.sql' is 7");
	TAP_EQ_STR(l.v[0].hint, "Do this.");
	TAP_EQ_STR(l.v[0].component, "");
	TAP_EQ_STR(l.v[0].version, "1");
	TAP_EQ_STR(l.v[0].kind, "name");
	TAP_EQ_INT(l.v[0].errclass, DUNLIN_CLASS_VALIDATION);
	TAP_EQ_INT(l.v[0].code, DUNLIN_EXIT_INVALID);
	finding_clear(&l);
	TAP_OK(l.v == NULL);
}

static void a_long_message_is_kept_whole(void)
{
	struct finding_list l = { 0 };
	char text[9000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	if (TAP_OK(finding_add(&l, 4, "name", "", "", "", "%s", text) != NULL))
		TAP_EQ_STR(l.v[0].message, text);
	finding_clear(&l);
}

static void an_error_becomes_a_finding_with_its_place(void)
{
	struct finding_list l = { 0 };
	struct dunlin_error e;

	error_set(&e, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_SYNTAX, "no end");
	error_at(&e, "m/a.sql", 3, 9);
	error_migration(&e, "auth", "1.0.0-001");
	error_hint(&e, "End it.");
	TAP_EQ_INT(finding_add_error(&l, "file", &e), 0);
	TAP_EQ_INT(l.v[0].errclass, DUNLIN_CLASS_SYNTAX);
	TAP_EQ_INT(l.v[0].line, 3);
	TAP_EQ_INT(l.v[0].column, 9);
	TAP_EQ_STR(l.v[0].file, "m/a.sql");
	TAP_EQ_STR(l.v[0].component, "auth");
	TAP_EQ_STR(l.v[0].version, "1.0.0-001");
	TAP_EQ_STR(l.v[0].message, "no end");
	TAP_EQ_STR(l.v[0].hint, "End it.");
	finding_clear(&l);
}

static void the_worst_code_is_the_one_that_goes_first(void)
{
	struct finding_list l = { 0 };

	TAP_EQ_INT(finding_code(&l), 0);
	finding_add(&l, 0, "future", "", "", "", "a warning");
	TAP_EQ_INT(finding_code(&l), 0);
	finding_add(&l, DUNLIN_EXIT_USAGE, "a", "", "", "", "usage");
	TAP_EQ_INT(finding_code(&l), DUNLIN_EXIT_USAGE);
	finding_add(&l, DUNLIN_EXIT_INVALID, "a", "", "", "", "invalid");
	TAP_EQ_INT(finding_code(&l), DUNLIN_EXIT_INVALID);
	finding_add(&l, DUNLIN_EXIT_REPAIR, "a", "", "", "", "repair");
	finding_add(&l, DUNLIN_EXIT_INVALID, "a", "", "", "", "invalid");
	TAP_EQ_INT(finding_code(&l), DUNLIN_EXIT_REPAIR);
	finding_add(&l, DUNLIN_EXIT_UNSAFE, "a", "", "", "", "unsafe");
	TAP_EQ_INT(finding_code(&l), DUNLIN_EXIT_UNSAFE);
	finding_clear(&l);
}

static void an_error_tells_the_first_of_the_worst_and_counts_the_rest(void)
{
	struct finding_list l = { 0 };
	struct dunlin_error e;
	struct dunlin_finding *f;

	finding_add(&l, 0, "future", "", "", "", "a warning");
	TAP_EQ_INT(finding_to_error(&l, &e), -1);
	TAP_EQ_STR(e.message, "nothing is known to be wrong");
	finding_add(&l, DUNLIN_EXIT_INVALID, "a", "c", "1", "x.sql", "first");
	l.v[1].line = 5;
	TAP_EQ_INT(finding_to_error(&l, &e), -1);
	TAP_EQ_STR(e.message, "first");
	TAP_EQ_STR(e.hint, "");
	TAP_EQ_STR(e.file, "x.sql");
	TAP_EQ_INT(e.line, 5);
	TAP_EQ_STR(e.component, "c");
	f = finding_add(&l, DUNLIN_EXIT_REPAIR, "b", "", "2", "", "second");
	finding_hint(&l, f, "Repair it.");
	TAP_EQ_INT(finding_to_error(&l, &e), -1);
	TAP_EQ_INT(e.code, DUNLIN_EXIT_REPAIR);
	TAP_EQ_STR(e.message, "second");
	TAP_EQ_STR(e.hint, "Repair it. There is 1 more: `dunlin validate` shows all.");
	finding_add(&l, DUNLIN_EXIT_INVALID, "b", "", "", "", "third");
	TAP_EQ_INT(finding_to_error(&l, &e), -1);
	TAP_EQ_STR(e.hint, "Repair it. There are 2 more: `dunlin validate` shows all.");
	TAP_EQ_INT(finding_to_error(&l, NULL), -1);
	finding_clear(&l);
}

static void an_error_names_what_is_wrong_alike(void)
{
	struct finding_list l = { 0 };
	struct dunlin_error e;
	char name[400];

	finding_add(&l, DUNLIN_EXIT_INVALID, "sum", "", "", "m/a.sql", "'m/a.sql' was changed");
	finding_add(&l, 0, "sum", "", "", "", "a warning");
	finding_add(&l, DUNLIN_EXIT_INVALID, "name", "", "", "", "another kind");
	finding_add(&l, DUNLIN_EXIT_INVALID, "sum", "", "", "m/b.sql", "'m/b.sql' was added");
	TAP_EQ_INT(finding_to_error(&l, &e), -1);
	TAP_EQ_STR(e.message, "'m/a.sql' was changed; 'm/b.sql' was added");
	TAP_EQ_STR(e.file, "m/a.sql");
	TAP_EQ_STR(e.hint, "There is 1 more: `dunlin validate` shows all.");
	/* One with a line of its own is not told without it. */
	l.v[3].line = 7;
	TAP_EQ_INT(finding_to_error(&l, &e), -1);
	TAP_EQ_STR(e.message, "'m/a.sql' was changed");
	TAP_EQ_STR(e.hint, "There are 2 more: `dunlin validate` shows all.");
	/* Nor one that does not fit. */
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (int i = 0; i < 20; i++)
		finding_add(&l, DUNLIN_EXIT_INVALID, "sum", "", "", "", "%s", name);
	TAP_EQ_INT(finding_to_error(&l, &e), -1);
	TAP_OK(strlen(e.message) < sizeof e.message && strlen(e.message) > sizeof e.message - 2 * sizeof name);
	TAP_OK(strstr(e.hint, "There are 12 more") != NULL);
	TAP_EQ_INT(finding_to_error(&l, NULL), -1);
	finding_clear(&l);
}

static void a_copy_outlives_its_origin(void)
{
	struct finding_list a = { 0 }, b = { 0 };
	struct dunlin_finding *f = finding_add(&a, 4, "name", "c", "v", "f", "message");

	finding_hint(&a, f, "hint");
	f->line = 2;
	finding_add(&b, 0, "x", "", "", "", "own");
	TAP_EQ_INT(finding_copy(&b, &a), 0);
	finding_clear(&a);
	TAP_EQ_INT(b.n, 2);
	TAP_EQ_STR(b.v[1].message, "message");
	TAP_EQ_STR(b.v[1].hint, "hint");
	TAP_EQ_INT(b.v[1].line, 2);
	finding_clear(&b);
}

static void every_failed_allocation_leaves_the_list_whole(void)
{
	struct dunlin_error e;
	int done = 0;
	unsigned long i;

	error_set(&e, 4, DUNLIN_CLASS_SYNTAX, "no end");
	error_at(&e, "a.sql", 1, 1);
	for (i = 1; !done && i < 1000; i++) {
		struct finding_list l = { 0 }, copy = { 0 };
		size_t n = 0;

		mem_fail_at(i, 0);
		for (int k = 0; k < 20; k++) {
			struct dunlin_finding *f = finding_add(&l, 4, "name", "c", "v", "f", "%0600d", k);

			n += f != NULL;
			finding_hint(&l, f, "%0600d", k);
			n += finding_add_error(&l, "file", &e) == 0;
		}
		finding_copy(&copy, &l);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		if (!TAP_EQ_INT(l.n, n))
			tap_note("allocation %lu", i);
		for (size_t k = 0; k < l.n; k++)
			if (!l.v[k].message[0] || !l.v[k].hint)
				TAP_OK(!"a finding without its text");
		finding_clear(&l);
		finding_clear(&copy);
	}
	TAP_OK(done && i > 5);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a_finding_keeps_copies_of_its_texts", a_finding_keeps_copies_of_its_texts },
		{ "a_long_message_is_kept_whole", a_long_message_is_kept_whole },
		{ "an_error_becomes_a_finding_with_its_place", an_error_becomes_a_finding_with_its_place },
		{ "the_worst_code_is_the_one_that_goes_first", the_worst_code_is_the_one_that_goes_first },
		{ "an_error_tells_the_first_of_the_worst_and_counts_the_rest",
		  an_error_tells_the_first_of_the_worst_and_counts_the_rest },
		{ "an_error_names_what_is_wrong_alike", an_error_names_what_is_wrong_alike },
		{ "a_copy_outlives_its_origin", a_copy_outlives_its_origin },
		{ "every_failed_allocation_leaves_the_list_whole", every_failed_allocation_leaves_the_list_whole },
	};

	return tap_main("finding", tests, sizeof tests / sizeof *tests);
}
