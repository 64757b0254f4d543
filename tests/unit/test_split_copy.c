/*
 * test_split_copy.c - COPY's data in a script.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_run.h"

#include "mem.h"
#include "tap.h"

static void data_is_the_lines_up_to_the_dot(void)
{
	static const struct { const char *sql, *want; } cases[] = {
		{ "copy t from stdin;\n1\t'\n2;\\N\n\\.\nselect 1;", "0+17 1:1 [copy t from stdin]\ndata [1\t'\n2;\\N\n]\n31+8 5:1 [select 1]\n" },
		{ "COPY t (a, \"from\") FROM /* c */ STDIN WITH (FORMAT csv);\r\n1\r\n\\.\r\nselect 1;",
		  "0+55 1:1 [COPY t (a, \"from\") FROM /* c */ STDIN WITH (FORMAT csv)]\ndata [1\r\n]\n65+8 4:1 [select 1]\n" },
		{ "copy t from stdin;  -- c\n\\.\na", "0+17 1:1 [copy t from stdin]\ndata []\n28+1 3:1 [a]\n" },
		{ "copy t from stdin;\n\n\\.x\n\\..\n \\.\n-- dunlin:up\n\\.\na",
		  "0+17 1:1 [copy t from stdin]\ndata [\n\\.x\n\\..\n \\.\n-- dunlin:up\n]\n48+1 8:1 [a]\n" },
		{ "copy t from stdin;\n1\n\\.", "0+17 1:1 [copy t from stdin]\ndata [1\n]\n" },
		{ "copy t from stdin;\n1", "0+17 1:1 [copy t from stdin]\ndata [1]\n" },
		{ "copy t from stdin;\n", "0+17 1:1 [copy t from stdin]\ndata []\n" },
		{ "copy t from stdin;", "0+17 1:1 [copy t from stdin]\ndata []\n" },
		{ "copy t from stdin\n-- dunlin:up\n1;", "directive 2 18..31 [up]\n0+17 1:1 [copy t from stdin]\ndata []\n31+1 3:1 [1]\n" },
		{ "copy t from stdin;\n1\n\\.\ncopy u from stdin;\n2\n\\.\n",
		  "0+17 1:1 [copy t from stdin]\ndata [1\n]\n24+17 4:1 [copy u from stdin]\ndata [2\n]\n" },
		/* no data for these */
		{ "copy t from stdout;1;", "0+18 1:1 [copy t from stdout]\n19+1 1:20 [1]\n" },
		{ "copy t from 'stdin';1;", "0+19 1:1 [copy t from 'stdin']\n20+1 1:21 [1]\n" },
		{ "copy t to stdin;1;", "0+15 1:1 [copy t to stdin]\n16+1 1:17 [1]\n" },
		{ "copy (select a from stdin) to stdout;1;", "0+36 1:1 [copy (select a from stdin) to stdout]\n37+1 1:38 [1]\n" },
		{ "select copy from stdin;1;", "0+22 1:1 [select copy from stdin]\n23+1 1:24 [1]\n" },
	};
	struct split_options o = { .dialect = &dunlin_dialect_postgresql };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t chunk = 0; chunk < 3; chunk++) {
			struct split_run r;

			split_run(&r, &o, cases[i].sql, strlen(cases[i].sql), chunk);
			if (!TAP_EQ_STR(r.out.p, cases[i].want))
				tap_note("case %zu: %s", i, cases[i].sql);
			buf_clear(&r.out);
		}
}

/* Takes each COPY's data or leaves it; returns the last result. */
static int run(const char *sql, size_t n, int is_read, size_t *n_statements, size_t *n_data, struct dunlin_error *err)
{
	struct text_reader reader = { sql, n, 0, 0 };
	struct split_run unused = { .out = BUF_INIT };
	struct split_options o = { .dialect = &dunlin_dialect_postgresql, .read = text_read, .read_arg = &reader,
		                   .directive = run_directive, .directive_arg = &unused };
	struct split_statement st;
	struct splitter *s;
	int rc = splitter_open(&s, &o, err);

	*n_statements = *n_data = 0;
	while (rc == 0 && (rc = splitter_next(s, &st, err)) > 0) {
		const char *p;
		size_t len;

		rc = 0;
		++*n_statements;
		TAP_EQ_INT(!!st.has_data, !!(st.traits & DUNLIN_ST_COPY));
		while (is_read && st.has_data && (rc = splitter_copy_data(s, &p, &len, err)) > 0) {
			*n_data += len;
			TAP_OK(p[len - 1] == '\n'); /* whole lines */
		}
	}
	splitter_close(s);
	buf_clear(&unused.out);
	return rc;
}

static void data_that_nobody_reads_is_skipped(void)
{
	struct buf sql = BUF_INIT;
	size_t n_statements, n_data, size = 0;
	struct dunlin_error err;

	buf_adds(&sql, "copy t from stdin;\n");
	while (size < 2000000) {
		buf_adds(&sql, "1\tsome text; '\n");
		size += 15;
	}
	buf_adds(&sql, "\\.\nselect 1;");
	TAP_EQ_INT(run(sql.p, sql.len, 0, &n_statements, &n_data, &err), 0);
	TAP_EQ_INT(n_statements, 2);
	TAP_EQ_INT(run(sql.p, sql.len, 1, &n_statements, &n_data, &err), 0);
	TAP_EQ_INT(n_statements, 2);
	TAP_EQ_INT(n_data, size);
	buf_clear(&sql);
}

static void a_line_longer_than_the_window_arrives_whole(void)
{
	struct buf sql = BUF_INIT;
	size_t n_statements, n_data;
	struct dunlin_error err;

	buf_adds(&sql, "copy t from stdin;\n");
	for (int i = 0; i < 100000; i++)
		buf_adds(&sql, "0123456789");
	buf_adds(&sql, "\n\\.\nselect 1;");
	TAP_EQ_INT(run(sql.p, sql.len, 1, &n_statements, &n_data, &err), 0);
	TAP_EQ_INT(n_data, 1000001);
	TAP_EQ_INT(n_statements, 2);
	/* and without the memory for it is an error */
	mem_fail_at(5, 1);
	TAP_EQ_INT(run(sql.p, sql.len, 1, &n_statements, &n_data, &err), -1);
	mem_fail_at(0, 0);
	TAP_EQ_STR(err.message, "out of memory");
	buf_clear(&sql);
}

static void bad_data_has_its_line(void)
{
	static const struct { const char *sql, *message; uint32_t line, column; } cases[] = {
		{ "copy t from stdin; select 1;\n\\.\n", "COPY data must start on a line of its own", 1, 20 },
		{ "copy t from stdin;\n1\n2\xff\n\\.\n", "invalid UTF-8: byte 0xff", 3, 2 },
		{ "copy t from stdin;\n1\n-- dunlin:down\ndrop table t;\n", "directive within COPY data that has no end", 3, 1 },
		{ "copy t from stdin;\n1\n-- dunlin:down", "directive within COPY data that has no end", 3, 1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int is_read = 0; is_read < 2; is_read++) {
			struct dunlin_error err = { 0 };
			struct text_reader reader = { cases[i].sql, strlen(cases[i].sql), 0, 1 };
			struct split_run unused = { .out = BUF_INIT };
			struct split_options o = { .dialect = &dunlin_dialect_postgresql, .read = text_read,
				                   .read_arg = &reader, .window = 1, .directive = run_directive,
				                   .directive_arg = &unused };
			struct split_statement st;
			struct splitter *s;
			const char *p;
			size_t n;
			int rc;

			TAP_EQ_INT(splitter_open(&s, &o, &err), 0);
			TAP_EQ_INT(splitter_next(s, &st, &err), 1);
			while (is_read && (rc = splitter_copy_data(s, &p, &n, &err)) > 0)
				;
			if (!is_read)
				rc = splitter_next(s, &st, &err);
			TAP_EQ_INT(rc, -1);
			TAP_EQ_STR(err.message, cases[i].message);
			TAP_EQ_INT(err.line, cases[i].line);
			TAP_EQ_INT(err.column, cases[i].column);
			splitter_close(s);
			buf_clear(&unused.out);
		}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "data_is_the_lines_up_to_the_dot", data_is_the_lines_up_to_the_dot },
		{ "data_that_nobody_reads_is_skipped", data_that_nobody_reads_is_skipped },
		{ "a_line_longer_than_the_window_arrives_whole", a_line_longer_than_the_window_arrives_whole },
		{ "bad_data_has_its_line", bad_data_has_its_line },
	};

	return tap_main("split_copy", tests, sizeof tests / sizeof *tests);
}
