/*
 * test_txcontrol.c - which BEGIN and COMMIT are dunlin's own, and what is
 * refused.  A case is a list of statements, a letter each:
 *
 *     x  some statement          p  SET or PRAGMA          e  PRAGMA foreign_keys
 *     B  BEGIN                   I  BEGIN IMMEDIATE        C  COMMIT
 *     R  ROLLBACK                s  SAVEPOINT              o  COMMIT AND CHAIN
 *     v  VACUUM                  l  a statement that loses the lock
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include "buf.h"
#include "mem.h"
#include "txcontrol.h"

#include <stdio.h>
#include <string.h>

#define N(a) (sizeof (a) / sizeof *(a))

static const struct dunlin_dialect plain = { .struct_size = sizeof plain, .name = "plain" };
static const struct dunlin_dialect rich = {
	.struct_size = sizeof rich, .name = "rich",
	.lex = DUNLIN_LEX_NEST_COMMENT | DUNLIN_LEX_HASH_COMMENT | DUNLIN_LEX_COND_COMMENT,
};

static struct split_statement statement(char letter, uint32_t line)
{
	static const struct { char letter; const char *text; uint32_t traits; } all[] = {
		{ 'x', "CREATE TABLE t (a)", DUNLIN_ST_DDL },
		{ 'p', "PRAGMA x = 1", DUNLIN_ST_PREAMBLE | DUNLIN_ST_SESSION },
		{ 'e', "PRAGMA foreign_keys = OFF", DUNLIN_ST_PREAMBLE | DUNLIN_ST_EDGE },
		{ 'B', "BEGIN", DUNLIN_ST_BEGIN },
		{ 'I', "BEGIN IMMEDIATE", DUNLIN_ST_BEGIN },
		{ 'C', "COMMIT", DUNLIN_ST_COMMIT | DUNLIN_ST_COMMITS },
		{ 'R', "ROLLBACK", DUNLIN_ST_ROLLBACK },
		{ 's', "SAVEPOINT a", DUNLIN_ST_SAVEPOINT },
		{ 'o', "COMMIT AND CHAIN", DUNLIN_ST_TX_OTHER | DUNLIN_ST_COMMIT },
		{ 'v', "VACUUM", DUNLIN_ST_NO_TX },
		{ 'l', "SELECT pg_advisory_unlock_all()", DUNLIN_ST_LOSES_LOCK },
	};
	struct split_statement st = { 0 };

	for (size_t i = 0; i < N(all); i++)
		if (all[i].letter == letter)
			st = (struct split_statement){ .text = all[i].text, .len = strlen(all[i].text), .raw_len = strlen(all[i].text),
				.line = line, .column = 1, .traits = all[i].traits };
	return st;
}

/* "n=2 begin=0 ..." or "LINE: MESSAGE". */
static char *verdict(const char *letters, int is_no_transaction, int is_checked)
{
	struct script_section sec = { .in = { .name = "a.sql" }, .d = { .is_no_transaction = is_no_transaction } };
	struct dunlin_error err = { 0 };
	struct arena a = { 0 };
	struct buf out = BUF_INIT;
	struct txcontrol t;

	txcontrol_init(&t, &plain);
	for (size_t i = 0; letters[i]; i++) {
		struct split_statement st = statement(letters[i], (uint32_t)i + 1);

		txcontrol_add(&t, &st);
	}
	if (txcontrol_finish(&t, &sec, &a, is_checked, &err) < 0) {
		buf_addf(&out, "%u: %s", err.line, err.message);
		TAP_EQ_INT(err.column, 1);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
		TAP_OK(err.hint[0] && err.statement[0]);
		TAP_EQ_STR(err.file, "a.sql");
	} else {
		TAP_EQ_INT(sec.n_split, strlen(letters));
		buf_addf(&out, "n=%llu begin=%lld commit=%lld lead=%lld trail=%lld%s%s", (unsigned long long)sec.n_statements,
		         (long long)sec.begin_index, (long long)sec.commit_index, (long long)sec.lead_end,
		         (long long)sec.trail_start, sec.begin_sql ? " " : "", sec.begin_sql ? sec.begin_sql : "");
	}
	txcontrol_clear(&t);
	arena_clear(&a);
	return buf_take(&out);
}

static void check(const char *letters, int is_no_transaction, int is_checked, const char *want)
{
	char *got = verdict(letters, is_no_transaction, is_checked);

	if (!TAP_EQ_STR(got, want))
		tap_note("case %s", letters);
	mem_free(got);
}

#define MIDDLE_BEGIN ": a transaction is opened in the middle of the migration, which runs in one"
#define MIDDLE_COMMIT ": a commit in the middle of the migration would end its transaction"
#define OPEN ": the transaction that is opened here is never committed"
#define ROLLS ": a rollback would undo the migration that is to be recorded as applied"
#define OTHER ": this transaction control would end the migration's transaction"
#define EDGE ": this has no effect inside the migration's transaction"
#define NO_TX ": this statement cannot run inside a transaction"
#define LOSES ": this would let go of the lock that keeps two runs apart"

static void a_files_own_transaction_is_recognised_and_others_refused(void)
{
	static const struct { const char *letters, *want; } cases[] = {
		{ "", "n=0 begin=-1 commit=-1 lead=0 trail=0" },
		{ "xx", "n=2 begin=-1 commit=-1 lead=0 trail=2" },
		{ "BxxC", "n=2 begin=0 commit=3 lead=1 trail=3" },
		{ "IxC", "n=1 begin=0 commit=2 lead=1 trail=2 BEGIN IMMEDIATE" },
		{ "ppBxCpp", "n=5 begin=2 commit=4 lead=3 trail=4" },
		{ "BpxpC", "n=3 begin=0 commit=4 lead=2 trail=3" },
		{ "BC", "n=0 begin=0 commit=1 lead=1 trail=1" },
		{ "xC", "n=1 begin=-1 commit=1 lead=0 trail=1" },
		{ "xCp", "n=2 begin=-1 commit=1 lead=0 trail=1" },
		{ "C", "n=0 begin=-1 commit=0 lead=0 trail=0" },
		{ "pp", "n=2 begin=-1 commit=-1 lead=2 trail=2" },
		{ "xsxs", "n=4 begin=-1 commit=-1 lead=0 trail=4" },
		{ "BsxC", "n=2 begin=0 commit=3 lead=1 trail=3" },
		{ "xB", "2" MIDDLE_BEGIN },
		{ "xBxC", "2" MIDDLE_BEGIN },
		{ "BBxC", "2" MIDDLE_BEGIN },
		{ "BxCx", "3" MIDDLE_COMMIT },
		{ "BxCBxC", "3" MIDDLE_COMMIT },
		{ "xCx", "2" MIDDLE_COMMIT },
		{ "xCC", "2" MIDDLE_COMMIT },
		{ "CpB", "1" MIDDLE_COMMIT },
		{ "Bx", "1" OPEN },
		{ "pB", "2" OPEN },
		{ "xR", "2" ROLLS },
		{ "BxR", "3" ROLLS },
		{ "RBxC", "1" ROLLS },
		{ "xo", "2" OTHER },
		{ "Bxo", "3" OTHER },
		{ "xv", "2" NO_TX },
		{ "pv", "2" NO_TX },
		{ "BvC", "2" NO_TX },
		{ "xRv", "2" ROLLS },
		{ "l", "1" LOSES },
		{ "xRl", "3" LOSES },
	};

	for (size_t i = 0; i < N(cases); i++)
		check(cases[i].letters, 0, 1, cases[i].want);
}

static void what_works_only_outside_may_lead_or_trail(void)
{
	static const struct { const char *letters, *want; } cases[] = {
		{ "exe", "n=3 begin=-1 commit=-1 lead=1 trail=2" },
		{ "eBxCe", "n=3 begin=1 commit=3 lead=2 trail=3" },
		{ "BexeC", "n=3 begin=0 commit=4 lead=2 trail=3" },
		{ "pepxpep", "n=7 begin=-1 commit=-1 lead=3 trail=4" },
		{ "e", "n=1 begin=-1 commit=-1 lead=1 trail=1" },
		{ "xex", "2" EDGE },
		{ "xepx", "2" EDGE },
		{ "xeCx", "2" EDGE },
		{ "xCex", "2" MIDDLE_COMMIT },
		{ "eseCex", "3" EDGE },
	};

	for (size_t i = 0; i < N(cases); i++)
		check(cases[i].letters, 0, 1, cases[i].want);
}

static void outside_a_transaction_all_is_sent_as_it_is(void)
{
	static const char *const letters[] = { "BxC", "xCx", "xex", "v", "RRR", "o", "IxRBxC", "xBxo", "BBC" };

	for (size_t i = 0; i < N(letters); i++) {
		char want[80];
		size_t n = strlen(letters[i]);

		snprintf(want, sizeof want, "n=%zu begin=-1 commit=-1 lead=0 trail=%zu", n, n);
		check(letters[i], 1, 1, want);
	}
	check("xl", 1, 1, "2" LOSES);
}

static void a_transaction_that_is_never_ended_is_refused_before_it_runs(void)
{
	check("Bx", 1, 1, "1" OPEN);
	check("xxBx", 1, 1, "3" OPEN);
	check("BxCvBxRxBx", 1, 1, "9" OPEN);
	check("BBx", 1, 1, "1" OPEN);
	check("Bx", 1, 0, "n=2 begin=-1 commit=-1 lead=0 trail=2");
}

static void looking_refuses_nothing(void)
{
	check("xCxl", 0, 0, "n=4 begin=-1 commit=-1 lead=0 trail=4");
	check("BxC", 0, 0, "n=1 begin=0 commit=2 lead=1 trail=2");
	check("Bx", 0, 0, "n=2 begin=-1 commit=-1 lead=0 trail=2");
}

static void a_begin_is_kept_where_it_says_more(void)
{
	static const struct { const char *text; int is_kept; } cases[] = {
		{ "BEGIN", 0 }, { "begin transaction", 0 }, { "Begin Work", 0 }, { "START TRANSACTION", 0 },
		{ "-- mine\nBEGIN /* a /* nested */ one */ TRANSACTION -- x", 0 },
		{ "# mine\nBEGIN", 0 },
		{ "BEGIN IMMEDIATE", 1 }, { "BEGIN EXCLUSIVE TRANSACTION", 1 }, { "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE", 1 },
		{ "START TRANSACTION READ ONLY", 1 }, { "BEGIN/**/IMMEDIATE", 1 }, { "BEGIN TRANSACTION TRANSACTION", 1 },
		{ "/*! BEGIN */", 1 }, { "BEGIN -", 1 }, { "BEGIN /* no end", 0 },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct split_statement st = { .text = cases[i].text, .len = strlen(cases[i].text), .line = 1, .column = 1,
			.traits = DUNLIN_ST_BEGIN };
		struct txcontrol t;

		txcontrol_init(&t, &rich);
		txcontrol_add(&t, &st);
		if (!TAP_EQ_INT(t.begin_sql != NULL, cases[i].is_kept))
			tap_note("%s", cases[i].text);
		if (t.begin_sql)
			TAP_EQ_STR(t.begin_sql, cases[i].text);
		txcontrol_clear(&t);
	}
}

/* Comments before a statement are part of it, and not what is wrong. */
static void the_place_is_that_of_the_first_word(void)
{
	static const char text[] = "-- the end\n/* of\n it */  COMMIT -- now\n AND CHAIN";
	struct split_statement st = { .text = text, .len = sizeof text - 1, .raw_len = sizeof text - 1,
		.line = 10, .column = 5, .traits = DUNLIN_ST_TX_OTHER };
	struct script_section sec = { .in = { .name = "a.sql" } };
	struct dunlin_error err = { 0 };
	struct arena a = { 0 };
	struct txcontrol t;

	txcontrol_init(&t, &rich);
	txcontrol_add(&t, &st);
	TAP_EQ_INT(txcontrol_finish(&t, &sec, &a, 1, &err), -1);
	TAP_EQ_INT(err.line, 12);
	TAP_EQ_INT(err.column, 9);
	TAP_EQ_STR(err.statement, "COMMIT -- now");
	txcontrol_clear(&t);
	arena_clear(&a);
}

/* The place keeps a piece of the text, and no half of a character. */
static void a_long_first_line_is_cut_between_characters(void)
{
	static const char x[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	struct script_section sec = { .in = { .name = "a.sql" } };
	struct arena a = { 0 };

	for (size_t pad = 0; pad < 4; pad++) {
		struct dunlin_error err = { 0 };
		struct split_statement st = { .line = 1, .column = 1, .traits = DUNLIN_ST_ROLLBACK };
		struct buf text = BUF_INIT;
		struct txcontrol t;

		buf_add(&text, x, pad);
		for (int i = 0; i < 100; i++)
			buf_adds(&text, "\xe2\x82\xac");
		st.text = text.p;
		st.len = text.len;
		txcontrol_init(&t, &plain);
		txcontrol_add(&t, &st);
		TAP_EQ_INT(txcontrol_finish(&t, &sec, &a, 1, &err), -1);
		TAP_EQ_INT(strlen(err.statement), (sizeof ((struct tx_place *)0)->text - 1 - pad) / 3 * 3 + pad);
		txcontrol_clear(&t);
		buf_clear(&text);
	}
	arena_clear(&a);
}

static void a_failing_allocation_is_told(void)
{
	struct split_statement st = statement('I', 1);
	struct script_section sec = { .in = { .name = "a.sql" } };
	struct dunlin_error err = { 0 };
	struct arena a = { 0 };
	struct txcontrol t;

	for (unsigned long n = 1; n <= 3; n++) {
		struct split_statement end = statement('C', 2);

		txcontrol_init(&t, &plain);
		mem_fail_at(n, 0);
		txcontrol_add(&t, &st);
		txcontrol_add(&t, &end);
		TAP_EQ_INT(txcontrol_finish(&t, &sec, &a, 1, &err), -1);
		mem_fail_at(0, 0);
		TAP_EQ_STR(err.message, "out of memory");
		txcontrol_clear(&t);
		arena_clear(&a);
	}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a file's own transaction is recognised and others refused", a_files_own_transaction_is_recognised_and_others_refused },
		{ "what works only outside may lead or trail", what_works_only_outside_may_lead_or_trail },
		{ "outside a transaction all is sent as it is", outside_a_transaction_all_is_sent_as_it_is },
		{ "a transaction that is never ended is refused before it runs", a_transaction_that_is_never_ended_is_refused_before_it_runs },
		{ "looking refuses nothing", looking_refuses_nothing },
		{ "a begin is kept where it says more", a_begin_is_kept_where_it_says_more },
		{ "the place is that of the first word", the_place_is_that_of_the_first_word },
		{ "a long first line is cut between characters", a_long_first_line_is_cut_between_characters },
		{ "a failing allocation is told", a_failing_allocation_is_told },
	};

	return tap_main("txcontrol", tests, N(tests));
}
