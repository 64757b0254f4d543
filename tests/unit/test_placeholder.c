/*
 * test_placeholder.c - ${name} on its way from the file to the splitter.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "buf.h"
#include "mem.h"
#include "placeholder.h"

#include <stdio.h>
#include <string.h>

#define N(a) (sizeof (a) / sizeof *(a))

static const struct dunlin_word vocabulary[] = {
	{ "pk", "INTEGER PRIMARY KEY" }, { "varchar", "varchar(%s)" }, { "bool", "boolean" }, { NULL, NULL },
};
static const struct dunlin_dialect dialect = {
	.struct_size = sizeof dialect, .name = "postgresql", .vocabulary = vocabulary,
};

static const char *value_of(void *arg, const char *name, size_t len)
{
	static const struct { const char *name, *value; } values[] = {
		{ "owner", "anna" }, { "empty", "" }, { "dollar", "$" }, { "brace", "{" }, { "looks", "${owner}" },
		{ "lines", "a\nb" }, { "return", "a\rb" }, { "env.HOME", "/home" }, { "directive", "-- dunlin:down" },
		{ "dashes", "--" }, { "a:b", "colon" }, { "umlaut", "\xc3\xa4" }, { "env.", "no name" },
	};

	(void)arg;
	for (size_t i = 0; i < N(values); i++)
		if (strlen(values[i].name) == len && memcmp(values[i].name, name, len) == 0)
			return values[i].value;
	return NULL;
}

static const struct script_env env = { .dialect = &dialect, .driver = "postgresql", .placeholder = value_of };

struct text { const char *p; size_t len, piece; };

static long read_text(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	struct text *t = arg;

	(void)err;
	if (n > t->piece)
		n = t->piece;
	if (n > t->len)
		n = t->len;
	if (n)
		memcpy(p, t->p, n);
	t->p += n;
	t->len -= n;
	return (long)n;
}

/* The text as the filter gives it, by mem_alloc, or "LINE:COLUMN: MESSAGE". */
static char *through(const char *p, size_t len, int mode, size_t piece, size_t *n_skips, struct dunlin_error *err)
{
	struct text text = { p, len, piece };
	struct placeholder_filter *f;
	struct buf out = BUF_INIT;
	char room[100];
	long got = -1;
	uint32_t line;

	if (placeholder_filter_open(&f, &(struct placeholder_options){
		.env = &env, .mode = (enum placeholder_mode)mode, .file = "a.sql", .line = 1,
		.read = read_text, .read_arg = &text }, err) == 0) {
		while ((got = placeholder_filter_read(f, room, piece < sizeof room ? piece : sizeof room, err)) > 0)
			buf_add(&out, room, (size_t)got);
		if (n_skips)
			*n_skips = placeholder_filter_skips(f, &line);
	}
	placeholder_filter_close(f);
	if (got < 0) {
		buf_reset(&out);
		buf_addf(&out, "%u:%u: %s", err->line, err->column, err->message);
	}
	return buf_take(&out);
}

static void check(const char *in, int mode, const char *want)
{
	static const size_t pieces[] = { 1, 2, 7, 4096 };

	for (size_t i = 0; i < N(pieces); i++) {
		struct dunlin_error err = { 0 };
		char *got = through(in, strlen(in), mode, pieces[i], NULL, &err);

		if (!TAP_EQ_STR(got, want))
			tap_note("of: %s", in);
		mem_free(got);
	}
}

static void values_stand_where_their_names_stood(void)
{
	static const struct { const char *in, *want; } cases[] = {
		{ "", "" },
		{ "SELECT 1;\n", "SELECT 1;\n" },
		{ "${pk}", "INTEGER PRIMARY KEY" },
		{ "a ${varchar:80} b", "a varchar(80) b" },
		{ "${owner}${owner}", "annaanna" },
		{ "'${owner}'\n-- ${owner}\n", "'anna'\n-- anna\n" },
		{ "x${empty}y", "xy" },
		{ "${a:b}", "colon" },
		{ "${env.HOME}", "/home" },
		{ "$1 $tag$ $$ { $", "$1 $tag$ $$ { $" },
		{ "$${owner}", "${owner}" },
		{ "$$${owner}", "$${owner}" },
		{ "$$${owner} ${owner}", "$${owner} anna" },
		{ "${dollar}{owner}", "${owner}" },
		{ "${looks}", "${owner}" },
		{ "a\r\n${owner}\r\n", "a\r\nanna\r\n" },
		{ "\xef\xbb\xbf${owner}", "\xef\xbb\xbf" "anna" },
		{ "\xef\xbb\xbf-- dunlin:allow ${x}\n${owner}", "\xef\xbb\xbf-- dunlin:allow ${x}\nanna" },
		/* Directive lines stay, indented ones are comments. */
		{ "-- dunlin:allow ${owner}\n -- dunlin:allow ${owner}\n", "-- dunlin:allow ${owner}\n -- dunlin:allow anna\n" },
		/* Lines for others are not looked at, up to the end of the block. */
		{ "-- dunlin:only sqlite\n${who}\n-- dunlin:allow x\n-- dunlin:only postgresql\n${who}\n-- dunlin:end\n${owner}\n",
		  "-- dunlin:only sqlite\n${who}\n-- dunlin:allow x\n-- dunlin:only postgresql\n${who}\n-- dunlin:end\nanna\n" },
		{ "-- dunlin:only postgresql\n${owner}\n-- dunlin:end", "-- dunlin:only postgresql\nanna\n-- dunlin:end" },
		{ "-- dunlin:except postgresql, sqlite\n${who}\n", "-- dunlin:except postgresql, sqlite\n${who}\n" },
		/* Only a line's very start can make a directive of it. */
		{ " ${directive}\n", " -- dunlin:down\n" },
		{ "${dashes} dun\n", "-- dun\n" },
	};

	for (size_t i = 0; i < N(cases); i++)
		check(cases[i].in, PLACEHOLDER_REPLACE, cases[i].want);
}

static void what_cannot_be_replaced_is_an_error_with_its_place(void)
{
	static const struct { const char *in, *want; } cases[] = {
		{ "a\nbc ${who}", "2:4: unknown placeholder '${who}'" },
		{ "\xc3\xa4\xc3\xa4 ${who}", "1:4: unknown placeholder '${who}'" },
		{ "\xef\xbb\xbf${who}", "1:1: unknown placeholder '${who}'" },
		{ "a\r\n${umlaut}${who}", "2:10: unknown placeholder '${who}'" },
		{ "-- ${who}", "1:4: unknown placeholder '${who}'" },
		{ "${env.NONE}", "1:1: unknown placeholder '${env.NONE}'" },
		{ "${PK}", "1:1: unknown placeholder '${PK}'" },
		{ "${varchar}", "1:1: '${varchar}' needs an argument" },
		{ "${varchar:}", "1:1: '${varchar}' needs an argument" },
		{ "${pk:4}", "1:1: '${pk}' takes no argument" },
		{ "x ${}", "1:3: '${}' names no placeholder" },
		{ "x ${owner", "1:3: '${' without a '}' in reach" },
		{ "x ${owner\n}", "1:3: '${' without a '}' in reach" },
		{ "x ${", "1:3: '${' without a '}' in reach" },
		{ "${lines}", "1:1: the value of '${lines}' has a line break in it" },
		{ "${return}", "1:1: the value of '${return}' has a line break in it" },
		{ "${directive}\n", "1:1: the value of a placeholder makes this line a directive" },
		{ "a\n${dashes} dunlin:up\n", "2:10: the value of a placeholder makes this line a directive" },
		{ "${dollar}${env.HOME}", "1:10: a value that ends in '$' cannot stand right before '${env.HOME}'" },
	};
	char name[300], text[320], want[320];

	for (size_t i = 0; i < N(cases); i++)
		check(cases[i].in, PLACEHOLDER_REPLACE, cases[i].want);
	memset(name, 'n', sizeof name);
	snprintf(text, sizeof text, "${%.*s}", PLACEHOLDER_NAME_MAX, name);
	snprintf(want, sizeof want, "1:1: unknown placeholder '${%.*s}'", PLACEHOLDER_NAME_MAX, name);
	check(text, PLACEHOLDER_REPLACE, want);
	snprintf(text, sizeof text, "${%.*s}", PLACEHOLDER_NAME_MAX + 1, name);
	check(text, PLACEHOLDER_REPLACE, "1:1: '${' without a '}' in reach");
}

static void an_unknown_name_gets_a_hint(void)
{
	static const struct { const char *in, *hint; } cases[] = {
		{ "${bol}", "Did you mean '${bool}'? Your own are given with --set bol=VALUE or in [placeholders] of dunlin.ini; '$${' is a literal '${'." },
		{ "${varcha:80}", "Did you mean '${varchar}'? Your own are given with --set varcha=VALUE or in [placeholders] of dunlin.ini; '$${' is a literal '${'." },
		{ "${somebody}", "Give it with --set somebody=VALUE or in [placeholders] of dunlin.ini; '$${' is a literal '${'." },
		{ "${env.NONE}", "Set the environment variable NONE." },
		{ "${varchar}", "Write it as in '${varchar:80}'." },
		{ "${pk:1}", "Write '${pk}'." },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct dunlin_error err = { 0 };

		mem_free(through(cases[i].in, strlen(cases[i].in), PLACEHOLDER_REPLACE, 4096, NULL, &err));
		TAP_EQ_STR(err.hint, cases[i].hint);
		TAP_EQ_STR(err.file, "a.sql");
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	}
}

static void a_down_for_later_keeps_the_environment_open(void)
{
	check("${env.NONE} ${env.HOME} ${owner}", PLACEHOLDER_REPLACE_KNOWN, "${env.NONE} /home anna");
	check("${who}", PLACEHOLDER_REPLACE_KNOWN, "1:1: unknown placeholder '${who}'");
	check("${env.}", PLACEHOLDER_REPLACE_KNOWN, "no name");
}

/* Keeping a text and replacing what is left gives what replacing at once gives. */
static void what_is_kept_reads_as_what_was_meant(void)
{
	static const struct { const char *in, *kept; } cases[] = {
		{ "${owner} ${env.HOME}", "anna ${env.HOME}" },
		{ "${env.HOME}", "${env.HOME}" },
		{ "$${owner}", "$${owner}" },
		{ "$$${owner}", "$$${owner}" },
		{ "${looks}", "$${owner}" },
		{ "$${looks}", "$${looks}" },
		{ "${dollar}{x}", "$${x}" },
		{ "${dollar}${brace}x}", "$${x}" },
		{ "${dollar}${dollar}${brace}x}", "$$${x}" },
		{ "$ {a} { $ ${pk}", "$ {a} { $ INTEGER PRIMARY KEY" },
		{ "${dollar}\n{", "$\n{" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct dunlin_error err = { 0 };
		char *once = through(cases[i].in, strlen(cases[i].in), PLACEHOLDER_REPLACE, 4096, NULL, &err);

		check(cases[i].in, PLACEHOLDER_KEEP_ENV, cases[i].kept);
		if (TAP_OK(once != NULL))
			check(cases[i].kept, PLACEHOLDER_REPLACE, once);
		mem_free(once);
	}
	check("${env.NONE}", PLACEHOLDER_KEEP_ENV, "${env.NONE}");
	check("${dollar}${env.NONE}", PLACEHOLDER_KEEP_ENV,
	      "1:10: a value that ends in '$' cannot stand right before '${env.NONE}'");
}

static void masked_text_keeps_every_offset_and_comes_back(void)
{
	static const char text[] = "a ${who} $${x} $$${y} $1 $$ ${\n-- dunlin:only sqlite\n${z}\n-- dunlin:end\n${w";
	static const char want[] = "a \1{who} $\1{x} $$\1{y} $1 $$ \1{\n-- dunlin:only sqlite\n${z}\n-- dunlin:end\n\1{w";
	struct dunlin_error err = { 0 };
	char *got = through(text, sizeof text - 1, PLACEHOLDER_MASK, 3, NULL, &err);

	TAP_EQ_STR(got, want);
	if (got) {
		placeholder_unmask(got, strlen(got));
		TAP_EQ_STR(got, text);
	}
	mem_free(got);
}

static void blocks_for_others_are_counted(void)
{
	static const struct { const char *in; size_t n; } cases[] = {
		{ "${pk}\n", 0 },
		{ "-- dunlin:only sqlite\n-- dunlin:only mariadb\n-- dunlin:end\n", 1 },
		{ "-- dunlin:only sqlite\n-- dunlin:end\n-- dunlin:except postgresql\n-- dunlin:end\n", 2 },
		{ "-- dunlin:only postgresql\n-- dunlin:end\n", 0 },
		{ "-- dunlin:only pg\n", 0 }, /* an error elsewhere */
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct dunlin_error err = { 0 };
		size_t n = 99;

		mem_free(through(cases[i].in, strlen(cases[i].in), PLACEHOLDER_REPLACE, 5, &n, &err));
		TAP_EQ_INT(n, cases[i].n);
	}
}

/* Longer than any buffer, placeholders across every border of one. */
static void long_texts_come_through_whole(void)
{
	struct buf in = BUF_INIT, want = BUF_INIT;

	for (int i = 0; i < 20000; i++) {
		if (i % 1000 == 0) {
			buf_addf(&in, "%*s\n", i, "x");
			buf_addf(&want, "%*s\n", i, "x");
		}
		buf_addf(&in, "%.*s${owner}", i % 5, "-----");
		buf_addf(&want, "%.*sanna", i % 5, "-----");
	}
	if (TAP_OK(!in.is_failed && !want.is_failed))
		check(in.p, PLACEHOLDER_REPLACE, want.p);
	buf_clear(&in);
	buf_clear(&want);
}

static void every_failing_allocation_is_told(void)
{
	static const char text[] = "${owner} ${varchar:8} $${x}\n-- dunlin:only sqlite\nx\n-- dunlin:end\n";
	struct dunlin_error err;
	unsigned long n = 0, total;

	mem_fail_at(1000000, 0);
	mem_free(through(text, sizeof text - 1, PLACEHOLDER_KEEP_ENV, 8, NULL, &err));
	total = mem_count();
	TAP_OK(total > 2);
	for (unsigned long at = 1; at <= total; at++) {
		struct text source = { text, sizeof text - 1, 8 };
		struct placeholder_filter *f;
		char room[64];
		long got = -1;

		memset(&err, 0, sizeof err);
		mem_fail_at(at, 0);
		if (placeholder_filter_open(&f, &(struct placeholder_options){
			.env = &env, .mode = PLACEHOLDER_KEEP_ENV, .file = "a.sql", .line = 1,
			.read = read_text, .read_arg = &source }, &err) == 0)
			while ((got = placeholder_filter_read(f, room, sizeof room, &err)) > 0)
				;
		mem_fail_at(0, 0);
		placeholder_filter_close(f);
		if (got < 0) {
			n++;
			TAP_EQ_STR(err.message, "out of memory");
		}
	}
	TAP_OK(n >= 2);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "values stand where their names stood", values_stand_where_their_names_stood },
		{ "what cannot be replaced is an error with its place", what_cannot_be_replaced_is_an_error_with_its_place },
		{ "an unknown name gets a hint", an_unknown_name_gets_a_hint },
		{ "a down for later keeps the environment open", a_down_for_later_keeps_the_environment_open },
		{ "what is kept reads as what was meant", what_is_kept_reads_as_what_was_meant },
		{ "masked text keeps every offset and comes back", masked_text_keeps_every_offset_and_comes_back },
		{ "blocks for others are counted", blocks_for_others_are_counted },
		{ "long texts come through whole", long_texts_come_through_whole },
		{ "every failing allocation is told", every_failing_allocation_is_told },
	};

	return tap_main("placeholder", tests, N(tests));
}
