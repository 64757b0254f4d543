/*
 * test_split_line.c - directives, and what the splitter does at their word.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_run.h"

#include "tap.h"

struct line_case {
	const char *dialect, *sql, *want;
};

static void check(const struct line_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t chunk = 0; chunk < 2; chunk++) {
			struct split_options o = { .dialect = dialect_find(cases[i].dialect) };
			struct split_run r;

			split_run(&r, &o, cases[i].sql, strlen(cases[i].sql), chunk);
			if (!TAP_EQ_STR(r.out.p, cases[i].want))
				tap_note("case %zu: %s", i, cases[i].sql);
			if (strstr(cases[i].want, "error"))
				TAP_EQ_INT(r.err.code, strstr(cases[i].want, "refused by") ? 0 : DUNLIN_EXIT_INVALID);
			buf_clear(&r.out);
		}
}
#define CHECK(cases) check((cases), sizeof (cases) / sizeof *(cases))

static void a_directive_is_a_line_that_begins_with_its_mark(void)
{
	static const struct line_case cases[] = {
		{ "sqlite", "-- dunlin:a  b \t\r\nselect 1", "directive 1 0..18 [a  b]\n18+8 2:1 [select 1]\n" },
		{ "sqlite", "-- dunlin:a", "directive 1 0..11 [a]\n" },
		{ "sqlite", "-- dunlin:", "directive 1 0..10 []\n" },
		{ "sqlite", "\xef\xbb\xbf-- dunlin:a\nb", "directive 1 3..15 [a]\n15+1 2:1 [b]\n" },
		{ "postgresql", "-- dunlin:a\r\nb", "directive 1 0..13 [a]\n13+1 2:1 [b]\n" },
		{ "mariadb", "-- dunlin:a\ndelimiter //\n-- dunlin:b\nc//", "directive 1 0..12 [a]\ndirective 3 25..37 [b]\n37+1 4:1 [c]\n" },
		/* these are comments, or no line of their own */
		{ "sqlite", " -- dunlin:a\nb", "1+13 1:2 [-- dunlin:a\nb]\n" },
		{ "sqlite", "--dunlin:a\nb", "0+12 1:1 [--dunlin:a\nb]\n" },
		{ "sqlite", "--  dunlin:a\nb", "0+14 1:1 [--  dunlin:a\nb]\n" },
		{ "sqlite", "-- Dunlin:a\nb", "0+13 1:1 [-- Dunlin:a\nb]\n" },
		{ "sqlite", "a; -- dunlin:a\nb", "0+1 1:1 [a]\n3+13 1:4 [-- dunlin:a\nb]\n" },
		{ "sqlite", "/*\n-- dunlin:a\n*/ b", "0+19 1:1 [/*\n-- dunlin:a\n*/ b]\n" },
		{ "sqlite", "'\n-- dunlin:a\n'", "0+15 1:1 ['\n-- dunlin:a\n']\n" },
		{ "postgresql", "select $$\n-- dunlin:a\n$$", "0+24 1:1 [select $$\n-- dunlin:a\n$$]\n" },
		{ "mariadb", "/*! a\n-- dunlin:a\n*/", "0+20 1:1 [/*! a\n-- dunlin:a\n*/]\n" },
	};

	CHECK(cases);
}

static void a_line_within_a_statement_is_taken_out_and_leaves_it_empty(void)
{
	static const struct line_case cases[] = {
		{ "sqlite", "select 1,\n-- dunlin:a\n2;\n3", "directive 2 10..22 [a]\n0+23 1:1 [select 1,\n\n2]\n25+1 4:1 [3]\n" },
		{ "sqlite", "a\n-- dunlin:x\n-- dunlin:y\n;b", "directive 2 2..14 [x]\ndirective 3 14..26 [y]\n0+1 1:1 [a]\n27+1 4:2 [b]\n" },
		{ "sqlite", "create trigger t after insert on u begin\n-- dunlin:a\nselect 1; end;b",
		  "directive 2 41..53 [a]\n0+66 1:1 [create trigger t after insert on u begin\n\nselect 1; end]\n67+1 3:15 [b]\n" },
		/* before the first token, comments count for nothing */
		{ "sqlite", "-- c\n-- dunlin:a\nb", "directive 2 5..17 [a]\n17+1 3:1 [b]\n" },
		{ "postgresql", "a\n\\restrict x\nb\n  \\unrestrict x\n;c", "0+15 1:1 [a\n\nb]\n33+1 5:2 [c]\n" },
		{ "mariadb", "-- c\ndelimiter //\na//", "18+1 3:1 [a]\n" },
	};

	CHECK(cases);
}

static void a_section_cuts_the_statement_before_it(void)
{
	static const struct line_case cases[] = {
		{ "sqlite", "-- dunlin:up\na\n-- dunlin:down\nb", "directive 1 0..13 [up]\ndirective 3 15..30 [down]\n13+1 2:1 [a]\n30+1 4:1 [b]\n" },
		{ "sqlite", "a;\n-- c\n-- dunlin:up\n", "0+1 1:1 [a]\ndirective 3 8..21 [up]\n" },
		/* and starts with everything as it was at the beginning */
		{ "mariadb", "delimiter //\na//\n-- dunlin:up\nb;c", "13+1 2:1 [a]\ndirective 3 17..30 [up]\n30+1 4:1 [b]\n32+1 4:3 [c]\n" },
		{ "mariadb", "set sql_mode='NO_BACKSLASH_ESCAPES';'\\';\n-- dunlin:up\n'\\';'",
		  "0+35 1:1 [set sql_mode='NO_BACKSLASH_ESCAPES']\n36+3 1:37 ['\\']\ndirective 2 41..54 [up]\n54+5 3:1 ['\\';']\n" },
		{ "sqlite", "create trigger t after insert on u begin a;\n-- dunlin:up\nend;",
		  "directive 2 44..57 [up]\nerror 1:8 SYNTAX unterminated trigger body\n" },
		{ "mariadb", "begin not atomic\n-- dunlin:up\nend;", "directive 2 17..30 [up]\nerror 1:1 SYNTAX unterminated compound statement\n" },
	};

	CHECK(cases);
}

static void the_callback_may_end_the_input(void)
{
	static const struct line_case cases[] = {
		{ "sqlite", "a\n-- dunlin:stop\n' \xff", "directive 2 2..17 [stop]\nerror 3:3 VALIDATION invalid UTF-8: byte 0xff\n" },
		{ "sqlite", "a\n-- dunlin:stop\n' b", "directive 2 2..17 [stop]\n0+1 1:1 [a]\n" },
		{ "sqlite", "-- dunlin:stop\nb", "directive 1 0..15 [stop]\n" },
		{ "sqlite", "a;\n-- dunlin:bad\nb", "0+1 1:1 [a]\ndirective 2 3..17 [bad]\nerror 0:0 UNKNOWN refused by the callback\n" },
	};

	/* Bytes in a read that was asked for before the end are checked like
	 * others; with small reads they are never seen. */
	check(cases + 1, sizeof cases / sizeof *cases - 1);
}

static void lines_for_other_drivers_are_skipped_unread(void)
{
	static const struct line_case cases[] = {
		{ "sqlite", "a;\n-- dunlin:only x\n' /* $$ \\ \n-- dunlin:allow\n-- dunlin:end\nb",
		  "0+1 1:1 [a]\ndirective 2 3..20 [only x]\n61+1 6:1 [b]\n" },
		{ "sqlite", "create t (\n-- dunlin:only x\na '\n-- dunlin:end y\nb);\nc",
		  "directive 2 11..28 [only x]\n0+50 1:1 [create t (\n\n\n\nb)]\n52+1 6:1 [c]\n" },
		{ "sqlite", "a\n-- dunlin:only x\n'\n-- dunlin:end", "directive 2 2..19 [only x]\n0+1 1:1 [a]\n" },
		{ "sqlite", "-- dunlin:only x\n-- dunlin:end\n-- dunlin:only y\n-- dunlin:end\na",
		  "directive 1 0..17 [only x]\ndirective 3 31..48 [only y]\n62+1 5:1 [a]\n" },
		{ "sqlite", "a;\n-- dunlin:only x\nb", "0+1 1:1 [a]\ndirective 2 3..20 [only x]\nerror 2:1 SYNTAX 'only' without '-- dunlin:end'\n" },
		{ "sqlite", "-- dunlin:only x\n -- dunlin:end", "directive 1 0..17 [only x]\nerror 1:1 SYNTAX 'only' without '-- dunlin:end'\n" },
		{ "sqlite", "-- dunlin:only x\nb\n-- dunlin:down\n-- dunlin:end\n",
		  "directive 1 0..17 [only x]\nerror 3:1 SYNTAX section 'down' starts before '-- dunlin:end' has closed 'only' of line 1\n" },
		{ "sqlite", "-- dunlin:x\xff\n", "error 1:12 VALIDATION invalid UTF-8: byte 0xff\n" },
		{ "sqlite", "-- dunlin:statement-begin\n\xff\n", "directive 1 0..26 [statement-begin]\nerror 2:1 VALIDATION invalid UTF-8: byte 0xff\n" },
		{ "sqlite", "-- dunlin:only x\n\xff\n-- dunlin:end\n", "directive 1 0..17 [only x]\nerror 2:1 VALIDATION invalid UTF-8: byte 0xff\n" },
	};

	CHECK(cases);
}

static void lines_of_a_raw_statement_are_one_whatever_they_hold(void)
{
	static const struct line_case cases[] = {
		{ "sqlite", "a\n-- dunlin:statement-begin\r\n\n  b; '; /* \r\n-- dunlin:x\n c;\n\n-- dunlin:statement-end\nd",
		  "directive 2 2..29 [statement-begin]\n0+1 1:1 [a]\n32+26 4:3 [b; '; /* \r\n-- dunlin:x\n c;]\n84+1 9:1 [d]\n" },
		{ "sqlite", "-- dunlin:statement-begin\n \n-- dunlin:statement-end\na", "directive 1 0..26 [statement-begin]\n52+1 4:1 [a]\n" },
		{ "sqlite", "-- dunlin:statement-begin\na\n-- dunlin:statement-end", "directive 1 0..26 [statement-begin]\n26+1 2:1 [a]\n" },
		{ "sqlite", "-- dunlin:statement-begin\na", "directive 1 0..26 [statement-begin]\nerror 1:1 SYNTAX 'statement-begin' without '-- dunlin:statement-end'\n" },
		{ "sqlite", "-- dunlin:statement-begin\na\n-- dunlin:up\n", "directive 1 0..26 [statement-begin]\n"
		  "error 3:1 SYNTAX section 'up' starts before '-- dunlin:statement-end' has closed 'statement-begin' of line 1\n" },
		{ "mariadb", "-- dunlin:statement-begin\nset sql_mode='NO_BACKSLASH_ESCAPES'\n-- dunlin:statement-end\n'\\'; b",
		  "directive 1 0..26 [statement-begin]\n26+35 2:1 [set sql_mode='NO_BACKSLASH_ESCAPES']\n86+3 4:1 ['\\']\n91+1 4:6 [b]\n" },
	};

	CHECK(cases);
}

static void without_a_callback_directives_are_comments(void)
{
	static const char sql[] = "-- dunlin:up\na;\n-- dunlin:nonsense\nb";
	struct text_reader reader = { sql, sizeof sql - 1, 0, 0 };
	struct split_options o = { .dialect = &dunlin_dialect_sqlite, .read = text_read, .read_arg = &reader };
	struct split_statement st;
	struct splitter *s;
	struct dunlin_error err;

	if (!TAP_EQ_INT(splitter_open(&s, &o, &err), 0))
		return;
	TAP_EQ_INT(splitter_next(s, &st, &err), 1);
	TAP_EQ_MEM(st.text, st.len, "-- dunlin:up\na", 14);
	TAP_EQ_INT(splitter_next(s, &st, &err), 1);
	TAP_EQ_MEM(st.text, st.len, "-- dunlin:nonsense\nb", 20);
	TAP_EQ_INT(splitter_next(s, &st, &err), 0);
	splitter_close(s);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a_directive_is_a_line_that_begins_with_its_mark", a_directive_is_a_line_that_begins_with_its_mark },
		{ "a_line_within_a_statement_is_taken_out_and_leaves_it_empty",
		  a_line_within_a_statement_is_taken_out_and_leaves_it_empty },
		{ "a_section_cuts_the_statement_before_it", a_section_cuts_the_statement_before_it },
		{ "the_callback_may_end_the_input", the_callback_may_end_the_input },
		{ "lines_for_other_drivers_are_skipped_unread", lines_for_other_drivers_are_skipped_unread },
		{ "lines_of_a_raw_statement_are_one_whatever_they_hold", lines_of_a_raw_statement_are_one_whatever_they_hold },
		{ "without_a_callback_directives_are_comments", without_a_callback_directives_are_comments },
	};

	return tap_main("split_line", tests, sizeof tests / sizeof *tests);
}
