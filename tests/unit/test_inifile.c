/*
 * test_inifile.c - lines of an INI file, whatever their length.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "inifile.h"
#include "tap.h"

#include <string.h>

/* "LINE [SECTION] KEY=VALUE" lines, or the error with its line. */
static const char *read_ini(struct buf *out, const char *text)
{
	struct ini_file f;
	struct dunlin_error err;

	buf_reset(out);
	buf_adds(out, "");
	if (ini_file_parse(&f, text, strlen(text), "x.ini", &err) < 0) {
		TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		TAP_EQ_STR(err.file, "x.ini");
		buf_addf(out, "error at %u: %s", (unsigned)err.line, err.message);
		return out->p;
	}
	for (size_t i = 0; i < f.n; i++) {
		const struct ini_entry *e = &f.v[i];

		buf_addf(out, "%u [%s]", (unsigned)e->line, e->section);
		if (e->key)
			buf_addf(out, " %s=%s%s", e->key, e->value, e->is_cut ? " (cut)" : "");
		buf_addc(out, '\n');
	}
	ini_file_clear(&f);
	return out->p;
}

static void lines_are_read_with_their_numbers(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "" },
		{ "a = b", "1 [] a=b\n" },
		{ "\xef\xbb\xbf" "a=b\r\n\r\n; no\r\n# no\r\nc: d e \r\n", "1 [] a=b\n5 [] c=d e\n" },
		{ "[s]\na=b\n[ t u ] ; comment\n", "1 [s]\n2 [s] a=b\n3 [t u]\n" },
		{ "a = b ; comment\nc = d;e\nf = g # h\n", "1 [] a=b (cut)\n2 [] c=d;e\n3 [] f=g # h\n" },
		{ "a =\nb = = c\n", "1 [] a=\n2 [] b== c\n" },
		{ "url = sqlite:a.db\n", "1 [] url=sqlite:a.db\n" },
		/* An indented line is a line of its own. */
		{ "[s]\n\ta = b\n    c = d\n", "1 [s]\n2 [s] a=b\n3 [s] c=d\n" },
		{ "a = b\n  more\n", "error at 2: the line is neither '[section]' nor 'key = value'" },
		{ "a\n", "error at 1: the line is neither '[section]' nor 'key = value'" },
		{ "\n[s\n", "error at 2: the section's name has no ']' after it" },
		{ "[s] x\n", "error at 1: text stands after the section's name" },
		{ "[]\n", "error at 1: the section has no name" },
		{ "= b\n", "error at 1: a key is missing before '='" },
		{ "a = b\nx\n[s\n", "error at 3: the section's name has no ']' after it" },
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (!TAP_EQ_STR(read_ini(&b, cases[i].text), cases[i].want))
			tap_note("case %zu", i);
	buf_clear(&b);
}

static void a_long_value_is_kept_whole(void)
{
	static const size_t lengths[] = { 90, 99, 100, 101, 195, 196, 197, 198, 199, 200, 201, 400, 5000 };
	struct buf b = BUF_INIT, text = BUF_INIT, want = BUF_INIT;

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		buf_reset(&text);
		buf_reset(&want);
		buf_adds(&text, "  k = ");
		buf_adds(&want, "1 [] k=");
		for (size_t n = 0; n < lengths[i]; n++) {
			buf_addc(&text, (char)('a' + n % 26));
			buf_addc(&want, (char)('a' + n % 26));
		}
		buf_adds(&text, " ; comment = x\nz = 1\n");
		buf_adds(&want, " (cut)\n2 [] z=1\n");
		if (!TAP_EQ_STR(read_ini(&b, text.p), want.p))
			tap_note("%zu bytes", lengths[i]);
	}
	buf_clear(&b);
	buf_clear(&text);
	buf_clear(&want);
}

static void a_long_section_is_kept_whole(void)
{
	static const char text[] =
		"[migration component-with-a-long-name@a-version-that-is-longer-than-fifty-bytes]\nirreversible = yes\n";
	struct buf b = BUF_INIT;

	TAP_EQ_STR(read_ini(&b, text),
	           "1 [migration component-with-a-long-name@a-version-that-is-longer-than-fifty-bytes]\n"
	           "2 [migration component-with-a-long-name@a-version-that-is-longer-than-fifty-bytes] irreversible=yes\n");
	buf_clear(&b);
}

static void a_long_line_without_a_value_is_an_error(void)
{
	struct buf b = BUF_INIT, text = BUF_INIT;

	buf_adds(&text, "a = b\n");
	for (int i = 0; i < 300; i++)
		buf_addc(&text, 'x');
	TAP_EQ_STR(read_ini(&b, text.p), "error at 2: the line is not 'key = value'");
	buf_adds(&text, " = y");
	TAP_EQ_STR(read_ini(&b, text.p), "error at 2: the line is not 'key = value'");
	buf_clear(&b);
	buf_clear(&text);
}

static void every_failed_allocation_is_reported(void)
{
	static const char text[] = "a = b\n[s]\nc = d\n[t]\ne = f\ng = h\ni = j\nk = l\nm = n\n";
	int done = 0;
	unsigned long i;

	for (i = 1; !done && i < 100; i++) {
		struct ini_file f;
		struct dunlin_error err;
		int rc;

		mem_fail_at(i, 0);
		rc = ini_file_parse(&f, text, sizeof text - 1, "x", &err);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		TAP_EQ_INT(rc, done ? 0 : -1);
		if (rc < 0)
			TAP_EQ_STR(err.message, "out of memory");
		else
			TAP_EQ_INT(f.n, 9);
		ini_file_clear(&f);
	}
	TAP_OK(done && i > 2);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "lines_are_read_with_their_numbers", lines_are_read_with_their_numbers },
		{ "a_long_value_is_kept_whole", a_long_value_is_kept_whole },
		{ "a_long_section_is_kept_whole", a_long_section_is_kept_whole },
		{ "a_long_line_without_a_value_is_an_error", a_long_line_without_a_value_is_an_error },
		{ "every_failed_allocation_is_reported", every_failed_allocation_is_reported },
	};

	return tap_main("inifile", tests, sizeof tests / sizeof *tests);
}
