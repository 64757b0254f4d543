/*
 * test_dotenv.c - the variables of a .env file.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "dotenv.h"
#include "tap.h"

#include <string.h>

static void variables_are_read_as_other_readers_do(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "" },
		{ "A=b", "A=b|" },
		{ "A=b\r\nC = d e \r\n", "A=b|C=d e|" },
		{ "export A=b\nexport\tB=c\nexportC=d\n", "A=b|B=c|exportC=d|" },
		{ "# A=b\n\n  B=c # comment\nD=e#f\nG=#h\n", "B=c|D=e#f|G=|" },
		{ "A='b $x \\n # c' # d\n", "A=b $x \\n # c|" },
		{ "A=\"b\\n\\\"c\\\" \\$d # e\"\nF=g\n", "A=b\n\"c\" $d # e|F=g|" },
		{ "A=\"b\nc\"\nD='e\nf'\n", "A=b\nc|D=e\nf|" },
		{ "A=\"open\nB=c\n", "A=\"open|B=c|" },
		{ "A='it\nB=c\n", "A='it|B=c|" },
		{ "not a line\n1A=b\nA-B=c\n=d\nE=f\n", "E=f|" },
		{ "A=\nB=\"\"\n", "A=|B=|" },
		{ "A=p@ss=w:rd\n", "A=p@ss=w:rd|" },
		{ "\xef\xbb\xbf" "A=b\n", "A=b|" },
		{ "A=\"b\\", "A=\"b\\|" },
		{ "export", "" }, { "export ", "" }, { "A", "" },
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dotenv d;

		buf_reset(&b);
		buf_adds(&b, "");
		TAP_EQ_INT(dotenv_parse(&d, cases[i].text, strlen(cases[i].text)), 0);
		for (size_t k = 0; k < d.n; k++)
			buf_addf(&b, "%s=%s|", d.v[k].key, d.v[k].value);
		if (!TAP_EQ_STR(b.p, cases[i].want))
			tap_note("case %zu", i);
		dotenv_clear(&d);
	}
	buf_clear(&b);
}

static void the_last_value_of_a_key_holds(void)
{
	static const char text[] = "A=1\nB=2\nA=3\n";
	struct dotenv d;

	TAP_EQ_INT(dotenv_parse(&d, text, sizeof text - 1), 0);
	TAP_EQ_STR(dotenv_get(&d, "A"), "3");
	TAP_EQ_STR(dotenv_get(&d, "B"), "2");
	TAP_EQ_STR(dotenv_get(&d, "C"), NULL);
	dotenv_clear(&d);
}

static void every_failed_allocation_is_reported(void)
{
	static const char text[] = "A=1\nB=2\n";
	int done = 0;
	unsigned long i;

	for (i = 1; !done && i < 100; i++) {
		struct dotenv d;
		int rc;

		mem_fail_at(i, 0);
		rc = dotenv_parse(&d, text, sizeof text - 1);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		TAP_EQ_INT(rc, done ? 0 : -1);
		dotenv_clear(&d);
	}
	TAP_OK(done && i > 2);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "variables_are_read_as_other_readers_do", variables_are_read_as_other_readers_do },
		{ "the_last_value_of_a_key_holds", the_last_value_of_a_key_holds },
		{ "every_failed_allocation_is_reported", every_failed_allocation_is_reported },
	};

	return tap_main("dotenv", tests, sizeof tests / sizeof *tests);
}
