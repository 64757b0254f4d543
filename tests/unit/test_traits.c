/*
 * test_traits.c - what kind of statement it is, by each dialect's rules.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_run.h"

#include "mem.h"
#include "tap.h"
#include "traits.h"

#include <stdlib.h>

/* Bits by short names, in the order of dialect.h. */
static const char *const names[] = {
	"ddl", "notx", "commits", "session", "copy", "begin", "commit", "rollback", "savepoint", "other",
	"preamble", "edge", "twice", "dml", "concurrent", "unlocks",
};

static void to_text(uint32_t traits, struct buf *out)
{
	buf_reset(out);
	buf_adds(out, "");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (traits & UINT32_C(1) << i)
			buf_addf(out, "%s%s", out->len ? " " : "", names[i]);
}

/* Through the splitter, whose rules are sorted only after a while. */
static uint32_t as_split(const struct dunlin_dialect *d, const char *sql, int n_before)
{
	struct buf text = BUF_INIT;
	struct split_options o = { .dialect = d, .read = text_read };
	struct text_reader reader = { 0 };
	struct split_statement st = { .traits = 0 };
	struct splitter *s;
	uint32_t traits = 0;

	for (int i = 0; i < n_before; i++)
		buf_adds(&text, "select 1;");
	buf_adds(&text, sql);
	reader = (struct text_reader){ text.p, text.len, 0, 0 };
	o.read_arg = &reader;
	if (splitter_open(&s, &o, NULL) == 0) {
		while (splitter_next(s, &st, NULL) > 0)
			traits = st.traits;
		splitter_close(s);
	}
	buf_clear(&text);
	return traits;
}

static const struct trait_case {
	const char *dialect, *sql, *want;
} cases[] = {
	/* the pattern language */
	{ "sqlite", "/* c */ Create\n-- d\n Table t(a)", "ddl" },
	{ "sqlite", "\"create\" table t(a)", "" },
	{ "sqlite", "'create' table t(a)", "" },
	{ "sqlite", "created table t", "" },
	{ "sqlite", "", "" },
	{ "sqlite", "(create table t)", "" },
	{ "sqlite", "pragma \"main\".foreign_keys=on", "session preamble edge twice" },
	/* SQLite */
	{ "sqlite", "insert into t values(1)", "dml" },
	{ "sqlite", "replace into t values(1)", "dml" },
	{ "sqlite", "with x as (select 1) insert into t select * from x", "" },
	{ "sqlite", "select 1", "" },
	{ "sqlite", "begin", "begin" },
	{ "sqlite", "begin immediate transaction", "begin" },
	{ "sqlite", "commit", "commits commit" },
	{ "sqlite", "end transaction", "commits commit" },
	{ "sqlite", "rollback", "commits rollback" },
	{ "sqlite", "rollback to a", "savepoint" },
	{ "sqlite", "rollback transaction to savepoint a", "savepoint" },
	{ "sqlite", "savepoint a", "savepoint" },
	{ "sqlite", "release a", "savepoint" },
	{ "sqlite", "pragma foreign_keys = off", "session preamble edge twice" },
	{ "sqlite", "pragma foreign_keys(0)", "session preamble edge twice" },
	{ "sqlite", "PRAGMA main.foreign_keys='off'", "session preamble edge twice" },
	{ "sqlite", "pragma foreign_keys", "session preamble twice" },
	{ "sqlite", "pragma table_info(foreign_keys)", "preamble twice" },
	{ "sqlite", "pragma foreign_key_check", "preamble twice" },
	{ "sqlite", "pragma defer_foreign_keys=on", "preamble twice" },
	{ "sqlite", "pragma journal_mode=wal", "notx session preamble twice" },
	{ "sqlite", "pragma main.synchronous(off)", "notx session preamble twice" },
	{ "sqlite", "pragma journal_mode", "session preamble twice" },
	{ "sqlite", "pragma temp_store = memory", "session preamble twice" },
	{ "sqlite", "pragma wal_checkpoint(truncate)", "notx preamble twice" },
	{ "sqlite", "pragma user_version = 3", "preamble twice" },
	{ "sqlite", "pragma writable_schema = true", "session preamble twice" },
	{ "sqlite", "pragma page_size=4096", "session preamble twice" },
	{ "sqlite", "vacuum", "notx twice" },
	{ "sqlite", "vacuum main", "notx twice" },
	{ "sqlite", "vacuum into 'x.db'", "notx" },
	{ "sqlite", "vacuum main into 'x.db'", "notx" },
	{ "sqlite", "attach 'a.db' as a", "notx session" },
	{ "sqlite", "detach a", "notx session" },
	{ "sqlite", "analyze", "twice" },
	{ "sqlite", "reindex t", "ddl twice" },
	{ "sqlite", "create virtual table t using fts5(a)", "ddl" },
	{ "sqlite", "create table if not exists t(a)", "ddl twice" },
	{ "sqlite", "create unique index if not exists i on t(a)", "ddl twice" },
	{ "sqlite", "create trigger t after insert on u begin drop table if exists v; end", "ddl" },
	{ "sqlite", "create temp table t(a)", "session" },
	{ "sqlite", "create temporary table if not exists t(a)", "session twice" },
	{ "sqlite", "alter table t rename to u", "ddl" },
	{ "sqlite", "drop view if exists v", "ddl twice" },
	{ "sqlite", "drop index i", "ddl" },
	/* PostgreSQL */
	{ "postgresql", "merge into t using u on true when matched then delete", "dml" },
	{ "postgresql", "BEGIN ISOLATION LEVEL SERIALIZABLE", "begin" },
	{ "postgresql", "start transaction read only", "begin" },
	{ "postgresql", "commit", "commits commit" },
	{ "postgresql", "end work and no chain", "commits commit" },
	{ "postgresql", "commit and chain", "commits other" },
	{ "postgresql", "rollback transaction and chain", "commits other" },
	{ "postgresql", "abort", "commits rollback" },
	{ "postgresql", "rollback to savepoint a", "savepoint" },
	{ "postgresql", "rollback work to a", "savepoint" },
	{ "postgresql", "release savepoint a", "savepoint" },
	{ "postgresql", "prepare transaction 'a'", "commits other" },
	{ "postgresql", "commit prepared 'a'", "notx other" },
	{ "postgresql", "prepare a as select 1", "session" },
	{ "postgresql", "set transaction isolation level serializable", "other" },
	{ "postgresql", "set session characteristics as transaction read only", "session preamble twice" },
	{ "postgresql", "set search_path = a", "session preamble twice" },
	{ "postgresql", "set role a", "session preamble twice" },
	{ "postgresql", "set local search_path = a", "preamble" },
	{ "postgresql", "set constraints all deferred", "" },
	{ "postgresql", "reset all", "session preamble twice" },
	{ "postgresql", "select pg_catalog.set_config('search_path', '', false)", "session preamble twice" },
	{ "postgresql", "select set_config from t", "" },
	{ "postgresql", "select pg_advisory_unlock_all()", "session unlocks" },
	{ "postgresql", "discard all", "notx session unlocks" },
	{ "postgresql", "discard temp", "session twice" },
	{ "postgresql", "listen a", "session twice" },
	{ "postgresql", "declare c cursor with hold for select 1", "session" },
	{ "postgresql", "declare c cursor for select 1", "" },
	{ "postgresql", "create index concurrently i on t(a)", "ddl notx concurrent" },
	{ "postgresql", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t(a)", "ddl notx concurrent" },
	{ "postgresql", "create index \"concurrently\" on t(a)", "ddl" },
	{ "postgresql", "drop index concurrently i", "ddl notx concurrent" },
	{ "postgresql", "drop index concurrently if exists i", "ddl notx twice concurrent" },
	{ "postgresql", "reindex index concurrently i", "ddl notx twice concurrent" },
	{ "postgresql", "reindex (verbose, concurrently) table t", "ddl notx twice concurrent" },
	{ "postgresql", "reindex (concurrently off) table t", "ddl twice" },
	{ "postgresql", "reindex table t", "ddl twice" },
	{ "postgresql", "reindex database d", "ddl notx twice" },
	{ "postgresql", "reindex (verbose) system d", "ddl notx twice" },
	{ "postgresql", "alter table only a.t detach partition a.p concurrently", "ddl notx concurrent" },
	{ "postgresql", "alter table t detach partition p", "ddl" },
	{ "postgresql", "vacuum (analyze) t", "notx twice" },
	{ "postgresql", "analyze t", "twice" },
	{ "postgresql", "create database d", "ddl notx" },
	{ "postgresql", "drop tablespace t", "ddl notx" },
	{ "postgresql", "alter system set a = 1", "notx twice" },
	{ "postgresql", "alter database d set tablespace t", "ddl notx" },
	{ "postgresql", "alter database d set a = 1", "ddl" },
	{ "postgresql", "create subscription s connection 'x' publication p", "ddl notx" },
	{ "postgresql", "create subscription s connection 'x' publication p with (connect = false)", "ddl" },
	{ "postgresql", "alter subscription s refresh publication", "ddl notx" },
	{ "postgresql", "alter subscription s disable", "ddl" },
	{ "postgresql", "cluster", "notx twice" },
	{ "postgresql", "cluster verbose", "notx twice" },
	{ "postgresql", "cluster t using i", "twice" },
	{ "postgresql", "refresh materialized view concurrently v", "twice" },
	{ "postgresql", "alter type t add value 'x'", "ddl" },
	{ "postgresql", "create temp table t(a int)", "session" },
	{ "postgresql", "create table if not exists t(a int)", "ddl twice" },
	{ "postgresql", "create materialized view if not exists v as select 1", "ddl twice" },
	{ "postgresql", "create or replace function f() returns int language sql as 'select 1'", "ddl twice" },
	{ "postgresql", "create function f() returns int language sql begin atomic select 1; end", "ddl" },
	{ "postgresql", "grant select on t to a", "ddl" },
	{ "postgresql", "comment on table t is 'x'", "ddl twice" },
	{ "postgresql", "truncate t", "" },
	{ "postgresql", "do $$ begin end $$", "" },
	{ "postgresql", "copy t from stdin", "copy" },
	{ "postgresql", "-- c\ncopy t (a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r) from stdin with (format csv)", "copy" },
	{ "postgresql", "copy t to stdout", "" },
	{ "postgresql", "copy t from 'file'", "" },
	{ "postgresql", "copy (select 1 from stdin) to stdout", "" },
	/* MariaDB */
	{ "mariadb", "delete from t", "dml" },
	{ "mariadb", "begin", "commits begin" },
	{ "mariadb", "begin work", "commits begin" },
	{ "mariadb", "start transaction", "commits begin" },
	{ "mariadb", "start slave", "" },
	{ "mariadb", "begin not atomic select 1; end", "" },
	{ "mariadb", "commit work and no chain no release", "commits commit" },
	{ "mariadb", "commit and chain", "commits other" },
	{ "mariadb", "rollback work release", "commits other" },
	{ "mariadb", "rollback", "commits rollback" },
	{ "mariadb", "rollback to savepoint a", "savepoint" },
	{ "mariadb", "release savepoint a", "savepoint" },
	{ "mariadb", "xa start 'a'", "other" },
	{ "mariadb", "set autocommit=0", "other" },
	{ "mariadb", "set @@session.autocommit=0", "other" },
	{ "mariadb", "set names utf8, autocommit = 0", "other" },
	{ "mariadb", "set @autocommit=@@autocommit", "session preamble twice" },
	{ "mariadb", "/*!40101 SET NAMES utf8 */", "session preamble twice" },
	{ "mariadb", "/*!50003 create*/ /*!50017 definer=`a`@`b`*/ /*!50003 trigger t before insert on u for each row set @a=1 */", "ddl commits" },
	{ "mariadb", "/*!99999 create table t */", "" },
	{ "mariadb", "set transaction read only", "other" },
	{ "mariadb", "set session transaction read only", "session preamble twice" },
	{ "mariadb", "set password = 'x'", "ddl commits" },
	{ "mariadb", "set global a = 1", "preamble twice" },
	{ "mariadb", "set statement max_statement_time=1 for alter table t add a int", "ddl commits" },
	{ "mariadb", "set statement max_statement_time=1 for delete from t", "dml" },
	{ "mariadb", "set statement max_statement_time=1 for select 1", "" },
	{ "mariadb", "use d", "session preamble twice" },
	{ "mariadb", "create table t(a int)", "ddl commits" },
	{ "mariadb", "create definer=a@b procedure if not exists p() begin create table if not exists t(a int); end", "ddl commits" },
	{ "mariadb", "create procedure if not exists p() select 1", "ddl commits twice" },
	{ "mariadb", "create procedure p() begin create table if not exists t(a int); end", "ddl commits" },
	{ "mariadb", "create or replace table t(a int)", "ddl commits twice" },
	{ "mariadb", "create temporary table t(a int)", "session" },
	{ "mariadb", "drop temporary table t", "session" },
	{ "mariadb", "create or replace temporary table t(a int)", "session twice" },
	{ "mariadb", "alter table t add a int", "ddl commits" },
	{ "mariadb", "drop table if exists t, u", "ddl commits twice" },
	{ "mariadb", "rename table t to u", "ddl commits" },
	{ "mariadb", "truncate t", "ddl commits" },
	{ "mariadb", "grant all on *.* to a", "ddl commits twice" },
	{ "mariadb", "drop prepare s", "session" },
	{ "mariadb", "lock tables t write", "commits session" },
	{ "mariadb", "unlock tables", "commits session" },
	{ "mariadb", "analyze table t", "commits twice" },
	{ "mariadb", "analyze select 1", "" },
	{ "mariadb", "optimize no_write_to_binlog table t", "commits twice" },
	{ "mariadb", "flush privileges", "commits twice" },
	{ "mariadb", "flush tables t with read lock", "commits session" },
	{ "mariadb", "reset query cache", "commits" },
	{ "mariadb", "install soname 'x'", "commits" },
	{ "mariadb", "backup stage start", "commits session" },
	{ "mariadb", "select release_all_locks()", "session unlocks" },
	{ "mariadb", "do sleep(1), release_all_locks()", "session unlocks" },
	{ "mariadb", "call p()", "" },
	{ "mariadb", "prepare s from 'x'", "session" },
	{ "mariadb", "load data local infile 'x' into table t", "" },
	{ "mariadb", "handler t open", "session" },
};

static void each_statement_has_the_traits_of_its_leading_words(void)
{
	struct buf got = BUF_INIT;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct dunlin_dialect *d = dialect_find(cases[i].dialect);

		to_text(split_traits(d, cases[i].sql, strlen(cases[i].sql)), &got);
		if (!TAP_EQ_STR(got.p, cases[i].want))
			tap_note("%s: %s", cases[i].dialect, cases[i].sql);
		for (int n_before = 0; n_before < 200; n_before += 100) {
			if (!*cases[i].sql)
				continue;
			to_text(as_split(d, cases[i].sql, n_before), &got);
			if (!TAP_EQ_STR(got.p, cases[i].want))
				tap_note("%s, as split after %d others: %s", cases[i].dialect, n_before, cases[i].sql);
		}
	}
	buf_clear(&got);
}

static const struct dunlin_rule own_rules[] = {
	{ "A|B C|D * E", 1 }, { "A ? ?", 2 }, { "A * ( * )", 4 }, { "A = ,", 8 }, { "? X", 16 }, { "* Y Z", 32 }, { NULL, 0 },
};

static void patterns_match_as_the_header_says(void)
{
	static const struct { const char *sql; uint32_t want; } texts[] = {
		{ "a c e", 1 },        { "b d x y e f", 1 }, { "a c x", 2 },      { "a 'c' e", 2 },
		{ "a 1 2 ", 2 },       { "a ()", 2 },        { "a )", 0 },        { "a = , b", 2 },
		{ "a =,", 2 },         { "b x", 16 },        { "'b' x", 16 },     { "b @x", 0 },
		{ "b @@x", 16 },       { "b . x", 16 },      { "y z", 32 },       { "y y y z", 32 },
		{ "b y", 0 },          { "ab", 0 },          { "", 0 },
		{ "b 1 2 3 4 5 6 7 8 9 10 11 12 13 y z", 32 }, { "b 1 2 3 4 5 6 7 8 9 10 11 12 13 14 y z", 0 },
	};
	const struct dunlin_dialect d = { .struct_size = sizeof d, .name = "x", .rules = own_rules };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct lex_table t;
		struct traits *tr;

		if (!TAP_EQ_INT(split_traits(&d, texts[i].sql, strlen(texts[i].sql)), texts[i].want))
			tap_note("%s", texts[i].sql);
		lex_table_init(&t, d.lex);
		tr = traits_new(&d, &t);
		for (int n = 0; tr && n < 100; n++)
			traits_of(tr, NULL, "q", 1);
		if (!TAP_EQ_INT(traits_of(tr, NULL, texts[i].sql, strlen(texts[i].sql)), texts[i].want))
			tap_note("sorted: %s", texts[i].sql);
		traits_free(tr);
	}
}

static void a_dialect_without_rules_gives_no_traits(void)
{
	const struct dunlin_dialect d = { .struct_size = sizeof d, .name = "x" };

	TAP_EQ_INT(split_traits(&d, "create", 6), 0);
	TAP_EQ_INT(as_split(&d, "create", 200), 0);
}

/* A pattern that is misspelt would silently never match. */
static void every_rule_and_word_is_well_formed(void)
{
	static const char *const dialects[] = { "sqlite", "postgresql", "mariadb" };
	static const char *const words[] = { "pk", "bool", "true", "false", "int64", "float64", "text", "varchar",
		                             "blob", "json", "uuid", "timestamp", "now" };

	for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
		const struct dunlin_dialect *d = dialect_find(dialects[i]);
		size_t n = 0;

		TAP_EQ_INT(d->struct_size, sizeof *d);
		TAP_EQ_STR(d->name, dialects[i]);
		for (const struct dunlin_rule *r = d->rules; r->pattern; r++) {
			size_t len = strlen(r->pattern);

			if (!TAP_EQ_INT(strspn(r->pattern, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_|?*(),= "), len) ||
			    !TAP_OK(len > 0 && r->pattern[0] != ' ' && r->pattern[len - 1] != ' ' &&
			            !strstr(r->pattern, "  ")))
				tap_note("%s: '%s'", d->name, r->pattern);
			/* A later rule that begins with an earlier one is never reached. */
			for (const struct dunlin_rule *e = d->rules; e < r; e++) {
				size_t e_len = strlen(e->pattern);

				if (!TAP_OK(!(len >= e_len && memcmp(r->pattern, e->pattern, e_len) == 0 &&
				              (len == e_len || r->pattern[e_len] == ' '))))
					tap_note("%s: '%s' hides '%s'", d->name, e->pattern, r->pattern);
			}
		}
		for (const struct dunlin_word *w = d->vocabulary; w->name; w++, n++) {
			TAP_EQ_STR(w->name, words[n]);
			TAP_EQ_INT(strstr(w->text, "%s") != NULL, strcmp(w->name, "varchar") == 0);
		}
		TAP_EQ_INT(n, sizeof words / sizeof *words);
		/* The ledger expands these % names, and ? stands for parameters. */
		for (const char *p = d->now; *p; p++)
			TAP_OK(!(p[0] == '%' && p[1] && strchr("MESmes", p[1])));
		TAP_OK(!strchr(d->now, '?') && !strpbrk(d->elapsed_ms, "%?"));
		TAP_OK(strstr(d->ledger_exists, "%m") && strstr(d->foreign_tables, "%m"));
	}
}

static void rules_that_cannot_be_sorted_still_hold(void)
{
	struct lex_table t;
	struct traits *tr;

	lex_table_init(&t, dunlin_dialect_sqlite.lex);
	mem_fail_at(1, 1);
	TAP_OK(traits_new(&dunlin_dialect_sqlite, &t) == NULL);
	mem_fail_at(0, 0);
	tr = traits_new(&dunlin_dialect_sqlite, &t);
	mem_fail_at(1, 1);
	for (int i = 0; i < 200; i++)
		if (!TAP_EQ_INT(traits_of(tr, NULL, "vacuum", 6), DUNLIN_ST_NO_TX | DUNLIN_ST_REPEATABLE))
			break;
	mem_fail_at(0, 0);
	traits_free(tr);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "each_statement_has_the_traits_of_its_leading_words", each_statement_has_the_traits_of_its_leading_words },
		{ "patterns_match_as_the_header_says", patterns_match_as_the_header_says },
		{ "a_dialect_without_rules_gives_no_traits", a_dialect_without_rules_gives_no_traits },
		{ "every_rule_and_word_is_well_formed", every_rule_and_word_is_well_formed },
		{ "rules_that_cannot_be_sorted_still_hold", rules_that_cannot_be_sorted_still_hold },
	};

	return tap_main("traits", tests, sizeof tests / sizeof *tests);
}
