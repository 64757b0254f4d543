/*
 * test_error.c - struct dunlin_error filled, and which exit code wins.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static void error_set_clears_what_was_there(void)
{
	struct dunlin_error err;

	memset(&err, 'x', sizeof err);
	TAP_EQ_INT(error_set(&err, 4, DUNLIN_CLASS_VALIDATION, "file '%s' is %d", "a", 7), -1);
	TAP_EQ_STR(err.message, "file 'a' is 7");
	TAP_EQ_INT(err.code, 4);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	TAP_EQ_STR(err.hint, "");
	TAP_EQ_STR(err.native, "");
	TAP_EQ_STR(err.state, "");
	TAP_EQ_STR(err.component, "");
	TAP_EQ_STR(err.version, "");
	TAP_EQ_STR(err.file, "");
	TAP_EQ_STR(err.statement, "");
	TAP_EQ_INT(err.line, 0);
	TAP_EQ_INT(err.column, 0);
	TAP_EQ_INT(err.statements_done, -1);
	TAP_EQ_INT(err.statements_total, -1);
}

static void error_parts_are_added_to_what_is_set(void)
{
	struct dunlin_error err;

	error_set(&err, 1, DUNLIN_CLASS_SYNTAX, "message");
	error_hint(&err, "Do %s.", "this");
	error_state(&err, "nothing of %d", 5);
	error_at(&err, "a.sql", 3, 4);
	error_at(&err, NULL, 5, 6);
	error_migration(&err, NULL, "1.0.0-001");
	error_statement(&err, "SELECT 1; \r\nSELECT 2", 20);
	TAP_EQ_STR(err.message, "message");
	TAP_EQ_STR(err.hint, "Do this.");
	TAP_EQ_STR(err.state, "nothing of 5");
	TAP_EQ_STR(err.file, "a.sql");
	TAP_EQ_INT(err.line, 5);
	TAP_EQ_INT(err.column, 6);
	TAP_EQ_STR(err.component, "");
	TAP_EQ_STR(err.version, "1.0.0-001");
	TAP_EQ_STR(err.statement, "SELECT 1;");
	error_migration(&err, "core", NULL);
	TAP_EQ_STR(err.component, "core");
	TAP_EQ_STR(err.version, "");
	error_statement(&err, NULL, 5);
	TAP_EQ_STR(err.statement, "SELECT 1;");
}

static void error_may_be_null_everywhere(void)
{
	static struct dunlin_driver_error de;

	error_clear(NULL);
	TAP_EQ_INT(error_set(NULL, 1, 0, "%s", "x"), -1);
	TAP_EQ_INT(error_nomem(NULL), -1);
	error_hint(NULL, "x");
	error_state(NULL, "x");
	error_at(NULL, "x", 1, 1);
	error_migration(NULL, "x", "y");
	error_statement(NULL, "x", 1);
	TAP_EQ_INT(error_from_driver(NULL, 1, &de), -1);
}

static void error_statement_is_cut_between_characters(void)
{
	struct dunlin_error err;
	char sql[600];

	error_clear(&err);
	/* 511 bytes fit: the 255th two-byte character would end at 512. */
	sql[0] = 'x';
	for (size_t i = 1; i + 1 < sizeof sql; i += 2)
		memcpy(sql + i, "\xc3\xbc", 2);
	error_statement(&err, sql, 599);
	TAP_EQ_INT(strlen(err.statement), 511);
	error_statement(&err, sql + 1, 598);
	TAP_EQ_INT(strlen(err.statement), 510);
	error_statement(&err, sql, 511);
	TAP_EQ_INT(strlen(err.statement), 511);
}

static void error_takes_over_what_a_driver_says(void)
{
	static const struct {
		const char *message, *detail, *hint, *sqlstate;
		int native, is_unsafe;
		const char *want, *want_native;
		int want_code;
	} cases[] = {
		{ "no such table: a", "", "", "", 1, 0, "no such table: a", "1", 1 },
		{ "duplicate key", "Key (a)=(1) exists.", "Look.", "23505", 7, 0, "duplicate key\nKey (a)=(1) exists.", "23505", 1 },
		{ "", "", "", "", 0, 0, "the database gave no message", "", 1 },
		{ "a pooler", "", "", "", 0, 1, "a pooler", "", 11 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_driver_error de = { .struct_size = sizeof de, .errclass = DUNLIN_CLASS_SCHEMA };
		struct dunlin_error err;

		snprintf(de.message, sizeof de.message, "%s", cases[i].message);
		snprintf(de.detail, sizeof de.detail, "%s", cases[i].detail);
		snprintf(de.hint, sizeof de.hint, "%s", cases[i].hint);
		snprintf(de.sqlstate, sizeof de.sqlstate, "%s", cases[i].sqlstate);
		de.native = cases[i].native;
		de.is_unsafe = (uint8_t)cases[i].is_unsafe;
		TAP_EQ_INT(error_from_driver(&err, 1, &de), -1);
		TAP_EQ_STR(err.message, cases[i].want);
		TAP_EQ_STR(err.native, cases[i].want_native);
		TAP_EQ_STR(err.hint, cases[i].hint);
		TAP_EQ_INT(err.code, cases[i].want_code);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_SCHEMA);
	}
}

static void error_class_has_a_name_and_advice(void)
{
	static const struct { int errclass; const char *name; } cases[] = {
		{ DUNLIN_CLASS_UNKNOWN, "UNKNOWN" }, { DUNLIN_CLASS_CONNECTION, "CONNECTION" },
		{ DUNLIN_CLASS_SCHEMA, "SCHEMA" }, { DUNLIN_CLASS_DEPENDENCY, "DEPENDENCY" },
		{ DUNLIN_CLASS_CONSTRAINT, "CONSTRAINT" }, { DUNLIN_CLASS_SYNTAX, "SYNTAX" },
		{ DUNLIN_CLASS_PERMISSION, "PERMISSION" }, { DUNLIN_CLASS_LOCK, "LOCK" },
		{ DUNLIN_CLASS_TIMEOUT, "TIMEOUT" }, { DUNLIN_CLASS_VALIDATION, "VALIDATION" },
		{ DUNLIN_CLASS_DRIVER, "DRIVER" }, { DUNLIN_CLASS_INTERRUPTED, "INTERRUPTED" },
		{ -1, "UNKNOWN" }, { 99, "UNKNOWN" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *advice = dunlin_class_advice(cases[i].errclass);

		TAP_EQ_STR(dunlin_class_name(cases[i].errclass), cases[i].name);
		/* a sentence of its own */
		TAP_OK(strlen(advice) > 20 && advice[strlen(advice) - 1] == '.');
		for (size_t j = 0; j < i && i < 12; j++)
			if (strcmp(advice, dunlin_class_advice(cases[j].errclass)) == 0)
				TAP_EQ_STR(cases[j].name, cases[i].name);
	}
}

static void error_code_follows_the_order_of_the_contract(void)
{
	static const struct { int a, b, want; } cases[] = {
		{ 0, 0, 0 }, { 0, 1, 1 }, { 3, 0, 3 }, { 3, 6, 3 }, { 4, 10, 4 }, { 10, 8, 8 }, { 8, 11, 11 },
		{ 1, 4, 4 }, { 10, 3, 10 }, { 4, 4, 4 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		TAP_EQ_INT(error_code_max(cases[i].a, cases[i].b), cases[i].want);
		if (cases[i].want != 3)
			TAP_EQ_INT(error_code_max(cases[i].b, cases[i].a), cases[i].want);
	}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "error_set_clears_what_was_there", error_set_clears_what_was_there },
		{ "error_parts_are_added_to_what_is_set", error_parts_are_added_to_what_is_set },
		{ "error_may_be_null_everywhere", error_may_be_null_everywhere },
		{ "error_statement_is_cut_between_characters", error_statement_is_cut_between_characters },
		{ "error_takes_over_what_a_driver_says", error_takes_over_what_a_driver_says },
		{ "error_class_has_a_name_and_advice", error_class_has_a_name_and_advice },
		{ "error_code_follows_the_order_of_the_contract", error_code_follows_the_order_of_the_contract },
	};

	return tap_main("error", tests, sizeof tests / sizeof *tests);
}
