/*
 * test_directive.c - the lines "-- dunlin:NAME ARGUMENT", one by one and added up.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "directive.h"
#include "mem.h"

#include <string.h>

#define N(a) (sizeof (a) / sizeof *(a))

static const char *const sqlite_aliases[] = { "sqlite3", "lite", NULL };
static const struct dunlin_dialect sqlite_like = { .struct_size = sizeof sqlite_like, .name = "sqlite", .aliases = sqlite_aliases };

static void each_directive_takes_what_it_needs(void)
{
	static const struct { const char *text; enum directive_kind kind; const char *arg; int64_t ms; } cases[] = {
		{ "up", DIRECTIVE_UP, "", 0 },
		{ "down", DIRECTIVE_DOWN, "", 0 },
		{ "  verify\t\r", DIRECTIVE_VERIFY, "", 0 },
		{ "only sqlite", DIRECTIVE_ONLY, "sqlite", 0 },
		{ "except \t sqlite ,my-driver_2 ", DIRECTIVE_EXCEPT, "sqlite ,my-driver_2", 0 },
		{ "end", DIRECTIVE_END, "", 0 },
		{ "statement-begin", DIRECTIVE_STATEMENT_BEGIN, "", 0 },
		{ "statement-end", DIRECTIVE_STATEMENT_END, "", 0 },
		{ "no-transaction", DIRECTIVE_NO_TRANSACTION, "", 0 },
		{ "requires 1.0.5-002", DIRECTIVE_REQUIRES, "1.0.5-002", 0 },
		{ "requires auth@0003  add users", DIRECTIVE_REQUIRES, "auth@0003  add users", 0 },
		{ "irreversible", DIRECTIVE_IRREVERSIBLE, "", 0 },
		{ "lock-timeout 5s", DIRECTIVE_LOCK_TIMEOUT, "5s", 5000 },
		{ "lock-timeout 0", DIRECTIVE_LOCK_TIMEOUT, "0", 0 },
		{ "statement-timeout 10min", DIRECTIVE_STATEMENT_TIMEOUT, "10min", 600000 },
		{ "placeholders", DIRECTIVE_PLACEHOLDERS, "", 0 },
		{ "allow drop-column,rename", DIRECTIVE_ALLOW, "drop-column,rename", 0 },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct dunlin_error err = { 0 };
		struct directive d;

		if (!TAP_EQ_INT(directive_parse(&d, cases[i].text, strlen(cases[i].text), &err), 0)) {
			tap_note("%s: %s", cases[i].text, err.message);
			continue;
		}
		TAP_EQ_INT(d.kind, cases[i].kind);
		TAP_EQ_MEM(d.arg, d.len, cases[i].arg, strlen(cases[i].arg));
		TAP_EQ_INT(d.ms, cases[i].ms);
	}
}

static void a_wrong_directive_says_what_would_be_right(void)
{
	static const char all[] =
		"The directives are up, down, verify, no-transaction, only, except, end, requires, irreversible, "
		"statement-begin, statement-end, lock-timeout, statement-timeout, placeholders, allow.";
	static const struct { const char *text, *message, *hint; } cases[] = {
		{ "", "unknown directive ''", all },
		{ "migrate", "unknown directive 'migrate'", all },
		{ "UP", "unknown directive 'UP'", "Did you mean '-- dunlin:up'?" },
		{ "no_transaction", "unknown directive 'no_transaction'", "Did you mean '-- dunlin:no-transaction'?" },
		{ "notransaction x", "unknown directive 'notransaction'", "Did you mean '-- dunlin:no-transaction'?" },
		{ "require 1", "unknown directive 'require'", "Did you mean '-- dunlin:requires'?" },
		{ "statement-start", "unknown directive 'statement-start'", "Did you mean '-- dunlin:statement-begin'?" },
		{ "up now", "'up' takes nothing after it, here is 'now'", "Write the line as '-- dunlin:up'." },
		{ "only", "'only' needs a name after it", "Write it as in '-- dunlin:only postgresql, mariadb'." },
		{ "allow ", "'allow' needs a name after it", "Write it as in '-- dunlin:allow drop-column'." },
		{ "requires", "'requires' needs a version after it", "Write it as in '-- dunlin:requires 1.0.5-002'." },
		{ "lock-timeout", "'lock-timeout' needs a duration after it", "Write it as in '-- dunlin:lock-timeout 5s'." },
		{ "lock-timeout soon", "lock-timeout: 'soon' is not a duration", "Write a number with its unit: 500ms, 5s, 10min or 1h." },
		{ "statement-timeout 5", "statement-timeout: '5' has no unit", "Write a number with its unit: 500ms, 5s, 10min or 1h." },
		{ "lock-timeout 0000000000000000000000000000000000000000000000000s", "the duration of 'lock-timeout' is too long", NULL },
		{ "only a b", "'a b' is not a name, in 'only'", "Names have letters, digits, '-' and '_', and a comma stands between two." },
		{ "only a,", "'' is not a name, in 'only'", "Names have letters, digits, '-' and '_', and a comma stands between two." },
		{ "allow ,a", "'' is not a name, in 'allow'", "Names have letters, digits, '-' and '_', and a comma stands between two." },
		{ "replaces 1.0.0-001..1.0.0-009", "'replaces' is not supported yet",
		  "Leave the replaced migrations in the folder as they are, and take this one out." },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct dunlin_error err = { 0 };
		struct directive d;

		TAP_EQ_INT(directive_parse(&d, cases[i].text, strlen(cases[i].text), &err), -1);
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
		if (cases[i].hint)
			TAP_EQ_STR(err.hint, cases[i].hint);
		TAP_EQ_INT(directive_parse(&d, cases[i].text, strlen(cases[i].text), NULL), -1);
	}
}

static void only_and_except_choose_by_the_drivers_name(void)
{
	static const struct { const char *text, *driver; int want; const char *hint; } cases[] = {
		{ "only sqlite", "sqlite", 1, NULL },
		{ "only postgresql", "sqlite", 0, NULL },
		{ "only postgresql, sqlite", "sqlite", 1, NULL },
		{ "except sqlite", "sqlite", 0, NULL },
		{ "except mariadb,postgresql", "sqlite", 1, NULL },
		{ "only duckdb", "sqlite", 0, NULL },
		{ "only sqlit", "sqlite", 0, NULL },
		{ "only postgres", "sqlite", -1, "Write 'postgresql'." },
		{ "except pg", "sqlite", -1, "Write 'postgresql'." },
		{ "only mysql", "sqlite", -1, "Write 'mariadb'." },
		{ "only sqlite3", "sqlite", -1, "Write 'sqlite'." },
		{ "only sqlite, lite", "sqlite", -1, "Write 'sqlite'." },
		{ "only SQLite", "sqlite", -1, "Write 'sqlite'." },
		{ "only PostgreSQL", "sqlite", -1, "Write 'postgresql'." },
		{ "except MySQL", "sqlite", -1, "Write 'mariadb'." },
		{ "only Duck", "duck", -1, "Write 'duck'." },
		{ "only mysql", "mysql", 1, NULL }, /* somebody's own driver of that name */
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct script_env env = { .dialect = &sqlite_like, .driver = cases[i].driver };
		struct dunlin_error err = { 0 };
		struct directive d;

		TAP_EQ_INT(directive_parse(&d, cases[i].text, strlen(cases[i].text), &err), 0);
		if (!TAP_EQ_INT(directive_selects(&d, &env, &err), cases[i].want))
			tap_note("%s", cases[i].text);
		if (cases[i].hint)
			TAP_EQ_STR(err.hint, cases[i].hint);
	}
}

static int add(struct directive_list *l, struct arena *a, const char *text, uint32_t line)
{
	struct dunlin_error err = { 0 };
	struct directive d;

	if (!TAP_EQ_INT(directive_parse(&d, text, strlen(text), &err), 0))
		return -1;
	return directive_list_add(l, a, &d, line, &err);
}

static void lists_add_up_in_their_order(void)
{
	struct arena a = { 0 };
	struct directive_list outer, inner;
	const struct directive_list *const lists[] = { &outer, &inner };
	static const char *const texts[] = {
		"lock-timeout 5s", "requires 1.0.0-001", "allow a, b", "no-transaction", "lock-timeout 7s",
		"requires core@2", "allow c", "irreversible", "statement-timeout 1min", "placeholders",
	};
	struct dunlin_error err;
	struct directives d;

	directive_list_init(&outer);
	directive_list_init(&inner);
	add(&outer, &a, "lock-timeout  5s", 1);
	add(&outer, &a, "requires \t1.0.0-001 ", 2);
	add(&outer, &a, "allow a,b", 3);
	add(&inner, &a, "no-transaction", 14);
	for (size_t i = 4; i < N(texts); i++)
		add(&inner, &a, texts[i], (uint32_t)(11 + i));
	if (TAP_EQ_INT(directives_collect(&d, &a, lists, 2, &err), 0) && TAP_EQ_INT(d.n_text, N(texts))) {
		for (size_t i = 0; i < N(texts); i++) {
			TAP_EQ_STR(d.text[i], texts[i]);
			TAP_EQ_INT(d.line[i], i < 3 ? i + 1 : i + 11);
		}
		TAP_EQ_INT(d.is_no_transaction + d.is_irreversible + d.has_placeholders, 3);
		TAP_EQ_INT(d.lock_timeout_ms, 7000);
		TAP_EQ_INT(d.statement_timeout_ms, 60000);
		if (TAP_EQ_INT(d.n_require, 2)) {
			TAP_EQ_STR(d.require[0], "1.0.0-001");
			TAP_EQ_STR(d.require[1], "core@2");
		}
		if (TAP_EQ_INT(d.n_allow, 3)) {
			TAP_EQ_STR(d.allow[0], "a");
			TAP_EQ_STR(d.allow[1], "b");
			TAP_EQ_STR(d.allow[2], "c");
		}
	}
	arena_clear(&a);
}

static void nothing_given_is_nothing_in_force(void)
{
	struct arena a = { 0 };
	struct directive_list none;
	const struct directive_list *const lists[] = { &none };
	struct dunlin_error err;
	struct directives d;

	directive_list_init(&none);
	TAP_EQ_INT(directives_collect(&d, &a, lists, 1, &err), 0);
	TAP_EQ_INT(d.n_text, 0);
	TAP_EQ_INT(d.lock_timeout_ms, -1);
	TAP_EQ_INT(d.statement_timeout_ms, -1);
	TAP_EQ_INT(d.is_no_transaction + d.is_irreversible + d.has_placeholders, 0);
	TAP_OK(a.head == NULL); /* a hundred thousand files have none */
	arena_clear(&a);
}

static void hash_of(struct arena *a, const char *const *texts, char out[SHA256_TEXT])
{
	struct directive_list l;
	const struct directive_list *const lists[] = { &l };
	struct dunlin_error err;
	struct directives d;
	struct sha256 h;

	directive_list_init(&l);
	for (; *texts; texts++)
		add(&l, a, *texts, 1);
	sha256_start(&h);
	TAP_EQ_INT(directives_collect(&d, a, lists, 1, &err), 0);
	TAP_EQ_INT(directives_hash(&d, &h, &err), 0);
	sha256_text(&h, out);
}

static void the_hash_goes_by_what_is_in_force(void)
{
	static const struct { const char *a[5], *b[5]; int is_same; } cases[] = {
		{ { "no-transaction", "requires 1", NULL }, { "requires  1", "no-transaction", NULL }, 1 },
		{ { "requires 1", "requires 1", NULL }, { "requires 1", NULL }, 1 },
		{ { "allow x", NULL }, { NULL }, 1 },
		{ { "lock-timeout 1s", "lock-timeout 2s", NULL }, { "lock-timeout 2s", NULL }, 1 },
		{ { "lock-timeout 1s", "statement-timeout 2s", NULL }, { "lock-timeout 1s", NULL }, 0 },
		{ { "lock-timeout 1s", NULL }, { "lock-timeout 2s", NULL }, 0 },
		{ { "no-transaction", NULL }, { NULL }, 0 },
		{ { "requires 1", NULL }, { "requires 2", NULL }, 0 },
		{ { "irreversible", NULL }, { "placeholders", NULL }, 0 },
	};
	struct arena a = { 0 };

	for (size_t i = 0; i < N(cases); i++) {
		char first[SHA256_TEXT], second[SHA256_TEXT];

		hash_of(&a, cases[i].a, first);
		hash_of(&a, cases[i].b, second);
		if (!TAP_EQ_INT(strcmp(first, second) == 0, cases[i].is_same))
			tap_note("case %zu", i);
	}
	arena_clear(&a);
}

static int collect_all(struct arena *a)
{
	static const char *const texts[] = { "allow a,b,c", "requires 1", "lock-timeout 1s" };
	struct directive_list l;
	const struct directive_list *const lists[] = { &l };
	struct dunlin_error err;
	struct directives out;
	struct sha256 h;

	directive_list_init(&l);
	sha256_start(&h);
	for (size_t i = 0; i < N(texts); i++) {
		struct directive d;

		if (directive_parse(&d, texts[i], strlen(texts[i]), &err) < 0 || directive_list_add(&l, a, &d, 1, &err) < 0)
			return -1;
	}
	return directives_collect(&out, a, lists, 1, &err) < 0 ? -1 : directives_hash(&out, &h, &err);
}

static void every_failing_allocation_is_told(void)
{
	int rc = -1;
	unsigned long n;

	for (n = 1; rc < 0 && n < 100; n++) {
		struct arena a = { 0 };

		mem_fail_at(n, 1);
		rc = collect_all(&a);
		mem_fail_at(0, 0);
		arena_clear(&a);
	}
	TAP_EQ_INT(rc, 0);
	TAP_OK(n > 4);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "each directive takes what it needs", each_directive_takes_what_it_needs },
		{ "a wrong directive says what would be right", a_wrong_directive_says_what_would_be_right },
		{ "only and except choose by the drivers name", only_and_except_choose_by_the_drivers_name },
		{ "lists add up in their order", lists_add_up_in_their_order },
		{ "nothing given is nothing in force", nothing_given_is_nothing_in_force },
		{ "the hash goes by what is in force", the_hash_goes_by_what_is_in_force },
		{ "every failing allocation is told", every_failing_allocation_is_told },
	};

	return tap_main("directive", tests, N(tests));
}
