/*
 * test_counterpart.c - where a down begins that undoes a part of its up, and
 * what keeps it from being cut.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "counterpart.h"

#include "tap.h"

#include "split.h"

#include <string.h>

#define N(a) (sizeof (a) / sizeof *(a))
enum { MOST = 6 };

/* Every statement but settings has no traits here: they do not matter. */
static int add_all(struct counterpart *c, struct counterpart_side *side, const char *const *sql)
{
	for (size_t i = 0; i < MOST && sql[i]; i++) {
		uint32_t traits = strncmp(sql[i], "SET ", 4) == 0 ? DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE : 0;

		if (counterpart_add(c, side, traits, sql[i], strlen(sql[i])) < 0)
			return -1;
	}
	return 0;
}

/* Where the down begins; -1, -2: out of memory. */
static int64_t start(const char *driver, const char *const *up, const char *const *down, int64_t k, char *why)
{
	struct counterpart c = { .dialect = dialect_find(driver) };
	int64_t at = -2;

	if (add_all(&c, &c.up, up) == 0 && add_all(&c, &c.down, down) == 0)
		at = counterpart_start(&c, k, why);
	counterpart_clear(&c);
	return at;
}

/* One statement and the one that is to undo it. */
struct pair { const char *driver, *up, *down; };

static const struct pair opposites[] = {
	{ "mariadb", "CREATE TABLE a (x int)", "DROP TABLE a" },
	{ "mariadb", "create table if not exists `a` (x int)", "-- gone\ndrop table if exists a" },
	{ "mariadb", "CREATE TABLE `A b` (x int)", "DROP TABLE `A b`" },
	{ "mariadb", "CREATE TABLE s.a (x int)", "DROP TABLE `s`.`a`;" },
	{ "mariadb", "DROP TABLE a", "CREATE TABLE a (x int)" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN c int DEFAULT (f(1, 2))", "ALTER TABLE a DROP COLUMN c" },
	{ "mariadb", "ALTER TABLE a ADD c int", "ALTER TABLE a DROP IF EXISTS c" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN c int, ADD INDEX i (c, x), ALGORITHM=INPLACE", "ALTER TABLE a DROP INDEX i, DROP COLUMN c" },
	{ "mariadb", "ALTER TABLE a ADD UNIQUE KEY u (x)", "ALTER TABLE a DROP KEY u" },
	{ "mariadb", "ALTER TABLE a ADD UNIQUE u (x)", "DROP INDEX u ON a" },
	{ "mariadb", "ALTER TABLE a ADD PRIMARY KEY (x)", "ALTER TABLE a DROP PRIMARY KEY" },
	{ "mariadb", "ALTER TABLE a ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES b (x)", "ALTER TABLE a DROP FOREIGN KEY k" },
	{ "mariadb", "RENAME TABLE a TO b", "ALTER TABLE b RENAME TO a" },
	{ "mariadb", "ALTER TABLE a RENAME COLUMN x TO y", "ALTER TABLE a RENAME COLUMN y TO x" },
	{ "mariadb", "CREATE DEFINER=`me`@`%` SQL SECURITY INVOKER VIEW v AS SELECT 1", "DROP VIEW v" },
	{ "mariadb", "CREATE OR REPLACE VIEW v AS SELECT 2", "CREATE OR REPLACE VIEW v AS SELECT 1" },
	{ "mariadb", "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.x = 1", "DROP TRIGGER t" },
	{ "mariadb", "CREATE PROCEDURE p() BEGIN SELECT 1; END", "DROP PROCEDURE p" },
	{ "mariadb", "INSERT IGNORE INTO a VALUES (1), (2)", "DELETE FROM a WHERE x IN (1, 2)" },
	{ "postgresql", "CREATE UNIQUE INDEX CONCURRENTLY i ON a (x)", "DROP INDEX CONCURRENTLY i" },
	{ "postgresql", "CREATE MATERIALIZED VIEW v AS SELECT 1", "DROP MATERIALIZED VIEW v CASCADE" },
	{ "postgresql", "CREATE FUNCTION f(a int, b int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$", "DROP FUNCTION f(int, int)" },
	{ "postgresql", "CREATE TRIGGER t AFTER UPDATE OF x ON s.a FOR EACH ROW EXECUTE FUNCTION f()", "DROP TRIGGER t ON s.a" },
	{ "postgresql", "ALTER TABLE ONLY a ADD CONSTRAINT c CHECK (x > 0)", "ALTER TABLE a DROP CONSTRAINT c" },
	{ "postgresql", "ALTER TABLE a RENAME x TO y", "ALTER TABLE a RENAME COLUMN y TO x" },
	{ "postgresql", "ALTER INDEX i RENAME TO j", "ALTER INDEX j RENAME TO i" },
	{ "postgresql", "CREATE TYPE t AS ENUM ('a')", "DROP TYPE \"t\"" },
	{ "sqlite", "CREATE VIRTUAL TABLE a USING fts5(x)", "DROP TABLE [a]" },
	{ "sqlite", "INSERT OR IGNORE INTO a VALUES (1)", "DELETE FROM a" },
};

static const struct pair others[] = {
	{ "mariadb", "CREATE TABLE a (x int)", "DROP TABLE b" },
	{ "mariadb", "CREATE TABLE a (x int)", "DROP TABLE A" },
	{ "mariadb", "CREATE TABLE a (x int)", "DROP TABLE a, b" },
	{ "mariadb", "CREATE TABLE a (x int)", "DROP VIEW a" },
	{ "mariadb", "CREATE TABLE a (x int)", "DROP TEMPORARY TABLE a" },
	{ "mariadb", "CREATE TABLE a (x int)", "CREATE TABLE a (x int)" },
	{ "mariadb", "CREATE TABLE s.a (x int)", "DROP TABLE a" },
	{ "mariadb", "CREATE TABLE a (x int)", "DELETE FROM a" },
	{ "mariadb", "CREATE TABLE 'a' (x int)", "DROP TABLE 'a'" },
	{ "mariadb", "CREATE OR REPLACE VIEW v AS SELECT 2", "CREATE VIEW v AS SELECT 1" },
	{ "mariadb", "CREATE INDEX i ON a (x)", "DROP INDEX i ON b" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN c int", "ALTER TABLE b DROP COLUMN c" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN c int", "ALTER TABLE a DROP COLUMN d" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN c int, ADD COLUMN d int", "ALTER TABLE a DROP COLUMN c" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN c int", "ALTER TABLE a DROP COLUMN c, DROP COLUMN d" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN c int, MODIFY x bigint", "ALTER TABLE a DROP COLUMN c, MODIFY x int" },
	{ "mariadb", "ALTER TABLE a ADD COLUMN (c int)", "ALTER TABLE a DROP COLUMN c" },
	{ "mariadb", "ALTER TABLE a ADD INDEX (x)", "ALTER TABLE a DROP INDEX x" },
	{ "mariadb", "ALTER TABLE a ADD CONSTRAINT UNIQUE (x)", "ALTER TABLE a DROP CONSTRAINT x" },
	{ "mariadb", "RENAME TABLE a TO b", "RENAME TABLE a TO b" },
	{ "mariadb", "RENAME TABLE a TO b, c TO d", "RENAME TABLE b TO a" },
	{ "mariadb", "UPDATE a SET x = 1", "UPDATE a SET x = 0" },
	{ "mariadb", "INSERT INTO a VALUES (1)", "DELETE a FROM a JOIN b" },
	{ "mariadb", "INSERT INTO a VALUES (1)", "DELETE FROM a, b USING a JOIN b" },
	{ "mariadb", "BEGIN", "COMMIT" },
	{ "mariadb", "", "" },
	{ "postgresql", "CREATE TABLE Foo (x int)", "DROP TABLE \"Foo\"" },
	{ "postgresql", "CREATE INDEX ON a (x)", "DROP INDEX a_x_idx" },
	{ "postgresql", "CREATE TEMP TABLE a (x int)", "DROP TABLE a" },
	{ "postgresql", "ALTER TYPE t ADD VALUE 'b'", "ALTER TYPE t DROP VALUE 'b'" },
	{ "postgresql", "GRANT SELECT ON a TO b", "REVOKE SELECT ON a FROM b" },
};

static void check_pairs(const struct pair *p, size_t n, int64_t want)
{
	for (size_t i = 0; i < n; i++) {
		const char *up[MOST] = { p[i].up }, *down[MOST] = { p[i].down };
		char why[COUNTERPART_WHY] = "";

		if (!TAP_EQ_INT(start(p[i].driver, up, down, 1, why), want))
			tap_note("%s: %s <> %s", p[i].driver, p[i].up, p[i].down);
		TAP_OK((why[0] != '\0') == (want < 0));
	}
}

static void opposites_are_told(void)
{
	check_pairs(opposites, N(opposites), 0);
}

static void what_is_no_opposite_or_not_understood_is_not(void)
{
	check_pairs(others, N(others), -1);
}

static void the_down_begins_where_it_undoes_what_stands(void)
{
	static const struct { const char *up[MOST], *down[MOST]; int64_t k, at; const char *why; } cases[] = {
		{ { "CREATE TABLE a (x int)", "CREATE INDEX i ON a (x)", "INSERT INTO a VALUES (1)" },
		  { "DELETE FROM a", "DROP INDEX i ON a", "DROP TABLE a" }, 1, 2, "" },
		{ { "CREATE TABLE a (x int)", "CREATE INDEX i ON a (x)", "INSERT INTO a VALUES (1)" },
		  { "DELETE FROM a", "DROP INDEX i ON a", "DROP TABLE a" }, 2, 1, "" },
		{ { "CREATE TABLE a (x int)", "CREATE INDEX i ON a (x)" }, { "DROP INDEX i ON a", "DROP TABLE a" }, 2, 0, "" },
		{ { "CREATE TABLE a (x int)", "CREATE INDEX i ON a (x)" }, { "DROP INDEX i ON a", "DROP TABLE a" }, 0, 2, "" },
		/* Settings have no opposite, and count in neither. */
		{ { "SET NAMES utf8", "CREATE TABLE a (x int)", "SET @a = 1", "CREATE VIEW v AS SELECT 1" },
		  { "DROP VIEW v", "SET foreign_key_checks = 0", "DROP TABLE a", "SET foreign_key_checks = 1" }, 3, 2, "" },
		{ { "SET NAMES utf8", "CREATE TABLE a (x int)" }, { "SET NAMES utf8", "DROP TABLE a" }, 1, 2, "" },
		/* Not mirrored. */
		{ { "CREATE TABLE a (x int)", "CREATE TABLE b (x int)" }, { "DROP TABLE a", "DROP TABLE b" }, 1, -1,
		  "statement 2 of its down is not the opposite of statement 1" },
		{ { "CREATE TABLE a (x int)", "CREATE TABLE b (x int)" }, { "DROP TABLE a" }, 1, -1,
		  "its down has 1 statements for the 2 of its up" },
		/* What does not stand has to have its opposite, too: the down might do more. */
		{ { "CREATE TABLE a (x int)", "CREATE TABLE b (x int)" }, { "INSERT INTO old SELECT * FROM a", "DROP TABLE a" }, 1, -1,
		  "statement 1 of its down is not the opposite of statement 2" },
		/* Which of two deletes undoes the first insert? */
		{ { "INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)" },
		  { "DELETE FROM a WHERE x = 1", "DELETE FROM a WHERE x = 2" }, 1, -1,
		  "statements 1 and 2 are undone by the same kind of statement" },
		{ { "DROP VIEW v", "CREATE VIEW v AS SELECT 2" }, { "DROP VIEW v", "CREATE VIEW v AS SELECT 1" }, 1, 1, "" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		char why[COUNTERPART_WHY] = "";

		if (!TAP_EQ_INT(start("mariadb", cases[i].up, cases[i].down, cases[i].k, why), cases[i].at))
			tap_note("case %zu", i);
		TAP_EQ_STR(why, cases[i].why);
	}
}

static void every_failing_allocation_is_told_of(void)
{
	const char *up[MOST] = { "CREATE TABLE `A b`.a (x int)", "ALTER TABLE a ADD c int, ADD d int" };
	const char *down[MOST] = { "ALTER TABLE a DROP c, DROP d", "DROP TABLE `A b`.a" };
	char why[COUNTERPART_WHY] = "";
	int64_t at = -2;
	long n = 0;

	while (at == -2 && n < 1000) {
		mem_fail_at((unsigned long)++n, 1);
		at = start("mariadb", up, down, 1, why);
		mem_fail_at(0, 0);
	}
	TAP_EQ_INT(at, 1);
	TAP_OK(n > 1);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "opposites are told", opposites_are_told },
		{ "what is no opposite or not understood is not", what_is_no_opposite_or_not_understood_is_not },
		{ "the down begins where it undoes what stands", the_down_begins_where_it_undoes_what_stands },
		{ "every failing allocation is told of", every_failing_allocation_is_told_of },
	};

	return tap_main("counterpart", tests, N(tests));
}
