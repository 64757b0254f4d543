/*
 * test_duration.c - durations read and written.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "duration.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static void duration_reads_a_number_with_its_unit(void)
{
	static const struct { const char *text; int64_t ms; } cases[] = {
		{ "0", 0 }, { "0s", 0 }, { "0.0", 0 }, { "1ms", 1 }, { "500ms", 500 }, { "5s", 5000 },
		{ "10min", 600000 }, { "1h", 3600000 }, { "1.5s", 1500 }, { "0.5min", 30000 }, { "0.0019s", 1 },
		{ "1.9ms", 1 }, { "0.1234567891234s", 123 }, { "007s", 7000 }, { "24h", 86400000 },
		{ "2562047788014h", INT64_C(9223372036850400000) },
		{ "9223372036854775799ms", INT64_C(9223372036854775799) },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err = { 0 };
		int64_t ms = -1;

		tap_note("%s", cases[i].text);
		TAP_EQ_INT(duration_parse(cases[i].text, "--timeout", &ms, &err), 0);
		TAP_EQ_INT(ms, cases[i].ms);
	}
}

static void duration_refuses_what_is_not_one_and_says_why(void)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "5", "--timeout: '5' has no unit" },
		{ "0.5", "--timeout: '0.5' has no unit" },
		{ "-1s", "--timeout: '-1s' is negative" },
		{ "", "--timeout: '' is not a duration" },
		{ "s", "--timeout: 's' is not a duration" },
		{ "1.s", "--timeout: '1.s' is not a duration" },
		{ ".5s", "--timeout: '.5s' is not a duration" },
		{ "+5s", "--timeout: '+5s' is not a duration" },
		{ " 5s", "--timeout: ' 5s' is not a duration" },
		{ "5m", "--timeout: '5m' has a unit that is not ms, s, min or h" },
		{ "5S", "--timeout: '5S' has a unit that is not ms, s, min or h" },
		{ "5s ", "--timeout: '5s ' has a unit that is not ms, s, min or h" },
		{ "1h30min", "--timeout: '1h30min' has a unit that is not ms, s, min or h" },
		{ "9223372036854775807ms", "--timeout: '9223372036854775807ms' is too long" },
		{ "99999999999999999999s", "--timeout: '99999999999999999999s' is too long" },
		{ "2562047788016h", "--timeout: '2562047788016h' is too long" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err = { 0 };
		int64_t ms = -1;

		TAP_EQ_INT(duration_parse(cases[i].text, "--timeout", &ms, &err), -1);
		TAP_EQ_STR(err.message, cases[i].why);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		TAP_OK(strstr(err.hint, "500ms") != NULL);
		TAP_EQ_INT(ms, -1);
		TAP_EQ_INT(duration_parse(cases[i].text, "--timeout", &ms, NULL), -1);
	}
}

static void duration_takes_a_plain_number_as_milliseconds_where_asked(void)
{
	int64_t ms = -1;

	TAP_EQ_INT(duration_parse_ms("1500", "MIGRATION_TIMEOUT", &ms, NULL), 0);
	TAP_EQ_INT(ms, 1500);
	TAP_EQ_INT(duration_parse_ms("2s", "MIGRATION_TIMEOUT", &ms, NULL), 0);
	TAP_EQ_INT(ms, 2000);
	TAP_EQ_INT(duration_parse_ms("soon", "MIGRATION_TIMEOUT", &ms, NULL), -1);
}

static void duration_is_written_as_people_read_it(void)
{
	static const struct { int64_t ms; const char *text; } cases[] = {
		{ -1, "" }, { 0, "0 ms" }, { 12, "12 ms" }, { 999, "999 ms" }, { 1000, "1.0 s" }, { 1249, "1.2 s" },
		{ 1250, "1.3 s" }, { 59949, "59.9 s" }, { 59950, "1 min 00 s" }, { 60000, "1 min 00 s" },
		{ 184000, "3 min 04 s" }, { 3599499, "59 min 59 s" }, { 3599500, "1 h 00 min" },
		{ 7500000, "2 h 05 min" }, { INT64_MAX, "2562047788015 h 12 min" },
	};
	char text[DURATION_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		TAP_EQ_STR(duration_format(cases[i].ms, text), cases[i].text);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "duration_reads_a_number_with_its_unit", duration_reads_a_number_with_its_unit },
		{ "duration_refuses_what_is_not_one_and_says_why", duration_refuses_what_is_not_one_and_says_why },
		{ "duration_takes_a_plain_number_as_milliseconds_where_asked",
		  duration_takes_a_plain_number_as_milliseconds_where_asked },
		{ "duration_is_written_as_people_read_it", duration_is_written_as_people_read_it },
	};

	return tap_main("duration", tests, sizeof tests / sizeof *tests);
}
