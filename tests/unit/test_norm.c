/*
 * test_norm.c - what of a script the checksum of its statements is made of.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_run.h"

#include "tap.h"

static void digest_of_text(const char *p, size_t n, char out[SHA256_TEXT])
{
	struct sha256 h;

	sha256_start(&h);
	sha256_add(&h, p, n);
	sha256_text(&h, out);
}

static void digest_of_script(const char *dialect, const char *sql, size_t n, size_t chunk, char out[SHA256_TEXT])
{
	struct sha256 h;
	struct split_options o = { .dialect = dialect_find(dialect), .norm = &h };
	struct split_run r;

	sha256_start(&h);
	split_run(&r, &o, sql, n, chunk);
	sha256_text(&h, out);
	buf_clear(&r.out);
}

/* "\x1e" is written as '|'. */
static void comments_and_spacing_leave_no_trace(void)
{
	static const struct { const char *dialect, *sql, *norm; } cases[] = {
		{ "sqlite", "select 1", "select 1|" },
		{ "sqlite", "  select\t\r\n 1 ;; -- c\n /* d */ ; select  2", "select 1|select 2|" },
		{ "sqlite", "select/**/1+/* a */ 2 - 3 , ( a )--x", "select 1+2-3,(a)|" },
		{ "sqlite", "select 'a  b' , \"c \" 'd''e'  \"f\" `g` [h i] x", "select 'a  b',\"c \" 'd''e' \"f\" `g`[h i]x|" },
		{ "sqlite", "select'a'/**/'b' , '\r\n\r' x", "select'a' 'b','\n\r' x|" },
		{ "sqlite", "\xc3\xa9 \xc3\xa9 ; a $ b _ 1", "\xc3\xa9 \xc3\xa9|a $ b _ 1|" },
		{ "sqlite", "-- c", "" },
		{ "sqlite", "a\n-- dunlin:x\nb; -- dunlin:y\n-- dunlin:up\nc", "a b|c|" },
		{ "sqlite", "a\n-- dunlin:only x\nb\n-- dunlin:end\n= c", "a=c|" },
		{ "sqlite", "-- dunlin:statement-begin\n  a  -- b\r\n c;\n-- dunlin:statement-end\nd", "a  -- b\n c;|d|" },
		{ "postgresql", "select $$ a -- b $$ , E'\\'  ' ; \n\\restrict x\n", "select $$ a -- b $$,E'\\'  '|" },
		{ "postgresql", "copy t from stdin;\n1  -- 2\r\n\\.\r\nselect  1", "copy t from stdin|1  -- 2\n|select 1|" },
		{ "mariadb", "delimiter //\nselect  1 // # c\n", "select 1|" },
		{ "mariadb", "/*!40101 set  x = 1 */ ; /*M!999999\\- a  b */", "/*!40101 set x=1*/|/*M!999999\\-a b*/|" },
		{ "mariadb", "create procedure p()  begin select 1 ; end ;", "create procedure p()begin select 1;end|" },
		{ "mariadb", "use  d\nselect 1", "use d|select 1|" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t chunk = 0; chunk < 2; chunk++) {
			char want[SHA256_TEXT], got[SHA256_TEXT], text[256];
			size_t n = strlen(cases[i].norm);

			for (size_t k = 0; k <= n; k++)
				text[k] = (char)(cases[i].norm[k] == '|' ? '\x1e' : cases[i].norm[k]);
			digest_of_text(text, n, want);
			digest_of_script(cases[i].dialect, cases[i].sql, strlen(cases[i].sql), chunk, got);
			if (!TAP_EQ_STR(got, want))
				tap_note("case %zu: %s", i, cases[i].sql);
		}
}

static void long_text_is_squeezed_like_short(void)
{
	struct buf sql = BUF_INIT, norm = BUF_INIT;
	char want[SHA256_TEXT], got[SHA256_TEXT];

	/* Over the edges of every buffer on the way. */
	for (int i = 0; i < 30000; i++) {
		buf_addf(&sql, "insert  into t\n values ( %d , 'a  %d' ) ; -- %d\n", i, i, i);
		buf_addf(&norm, "insert into t values(%d,'a  %d')\x1e", i, i);
	}
	buf_adds(&sql, "'");
	buf_adds(&norm, "'");
	for (int i = 0; i < 70000; i++) {
		buf_adds(&sql, "x\r\n ");
		buf_adds(&norm, "x\n ");
	}
	for (int i = 0; i < 9000; i++) {
		buf_adds(&sql, "yz");
		buf_adds(&norm, "yz");
	}
	buf_adds(&sql, "'  a   b");
	buf_adds(&norm, "' a b");
	for (int i = 0; i < 9000; i++) {
		buf_adds(&sql, " c\t + ");
		buf_adds(&norm, i ? "c+" : " c+");
	}
	buf_adds(&norm, "\x1e");
	digest_of_text(norm.p, norm.len, want);
	digest_of_script("sqlite", sql.p, sql.len, 0, got);
	TAP_EQ_STR(got, want);
	digest_of_script("postgresql", sql.p, sql.len, 4095, got);
	TAP_EQ_STR(got, want);
	buf_clear(&sql);
	buf_clear(&norm);
}

/* The algorithm is in every ledger: this value may never change. */
static void the_digest_is_frozen(void)
{
	static const char sql[] = "-- first\nCREATE TABLE t (\n\tid integer PRIMARY KEY, -- key\r\n\tname text DEFAULT 'a ''b'' \r\n c'\n);\n"
				  "INSERT INTO t VALUES (1, 'x') , (2 , 'y');\n/* end */";
	char got[SHA256_TEXT];

	digest_of_script("sqlite", sql, sizeof sql - 1, 0, got);
	TAP_EQ_STR(got, "sha256:8b049e259f4772a89bdf170100702fe0242173891c2cc950c9b574092c010476");
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "comments_and_spacing_leave_no_trace", comments_and_spacing_leave_no_trace },
		{ "long_text_is_squeezed_like_short", long_text_is_squeezed_like_short },
		{ "the_digest_is_frozen", the_digest_is_frozen },
	};

	return tap_main("norm", tests, sizeof tests / sizeof *tests);
}
