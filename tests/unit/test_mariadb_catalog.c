/*
 * test_mariadb_catalog.c - which statements leave something to be seen and
 * which do not, what goes together with its record, the schema as facts, and
 * databases made and dropped.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mariadb_fixture.h"
#include "my_catalog.h"

#define NEEDS_SERVER() \
	do { \
		if (!has_server()) { \
			tap_skip("DUNLIN_TEST_MARIADB_URL names no server"); \
			return; \
		} \
	} while (0)

static int ddl(struct dunlin_conn *c, const char *sql)
{
	int status;

	statement(sql, DUNLIN_ST_DDL | DUNLIN_ST_COMMITS);
	status = send_all(c);
	if (status != DUNLIN_OK)
		tap_note("%s: %s", sql, err.message);
	return status;
}

static const char *probe(struct dunlin_conn *c, const char *sql)
{
	static char answer[4][512];
	static int next;
	char *out = answer[next++ % 4];
	int status = drv->probe(c, sql, strlen(sql), out, sizeof answer[0], &err);

	if (status != DUNLIN_OK)
		snprintf(out, sizeof answer[0], "%s", status == DUNLIN_ENOTSUP ? "cannot tell" : err.message);
	return out;
}

/* --- the parser alone ------------------------------------------------------------------ */

static void the_objects_of_a_statement(void)
{
	static const struct { const char *sql, *objects; } cases[] = {
		{ "CREATE TABLE a (x int)", "1 .a" },
		{ "create or replace table `a``b`.`c d` (x int)", "1 a`b.c d" },
		{ "CREATE TABLE IF NOT EXISTS a LIKE b", "1 .a" },
		{ "/*!50001 CREATE*/ /*!50013 DEFINER=`r`@`%` SQL SECURITY DEFINER */ VIEW v AS SELECT 1", "2 .v" },
		{ "CREATE DEFINER = CURRENT_USER() TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @x = 1", "3 .t" },
		{ "CREATE UNIQUE INDEX i USING BTREE ON d.a (x)", "1 d.a" },
		{ "DROP INDEX i ON a", "1 .a" },
		{ "ALTER ONLINE TABLE a ADD x int, RENAME TO d.b", "1 .a 1 d.b" },
		{ "ALTER TABLE a RENAME COLUMN x TO y", "1 .a" },
		{ "RENAME TABLE a TO b, c TO a", "1 .a 1 .b 1 .c 1 .a" },
		{ "DROP TABLE a, d.b", "1 .a 1 d.b list" },
		{ "SET STATEMENT max_statement_time = 5 FOR ALTER TABLE a DROP x", "1 .a" },
		{ "CREATE FUNCTION f() RETURNS int RETURN 1", "5 .f" },
		{ "DROP PACKAGE BODY p", "7 .p" },
		{ "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "8 .e" },
		{ "ALTER EVENT e RENAME TO f", "8 .e 8 .f" },
		{ "DROP DATABASE d", "9 .d" },
		{ "CREATE USER 'u'@'h' IDENTIFIED BY 'x'", "10 h.u" },
		{ "DROP SEQUENCE s", "1 .s" },
		/* of these nothing can be seen, or not by us */
		{ "CREATE TEMPORARY TABLE a (x int)", "-" },
		{ "CREATE EVENT e ON SCHEDULE AT now() DO SELECT 1", "-" },
		{ "CREATE FUNCTION f RETURNS STRING SONAME 'x.so'", "-" },
		{ "ALTER TABLE a AUTO_INCREMENT = 5", "-" },
		{ "ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b", "-" },
		{ "ALTER SEQUENCE s RESTART 5", "-" },
		{ "TRUNCATE TABLE a", "-" },
		{ "INSERT INTO a VALUES (1)", "-" },
		{ "GRANT ALL ON *.* TO a", "-" },
		{ "CREATE", "-" },
		{ "", "-" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char got[256] = "";
		struct my_target t;

		if (my_target_read(&t, cases[i].sql, strlen(cases[i].sql)) != DUNLIN_OK) {
			strcpy(got, "-");
		} else {
			for (size_t k = 0; k < t.n; k++)
				snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d %s.%s", k ? " " : "", t.object[k].kind,
				         t.object[k].schema.p ? t.object[k].schema.p : "", t.object[k].name.p);
			if (t.is_list)
				strcat(got, " list");
			my_target_clear(&t);
		}
		if (!TAP_EQ_STR(got, cases[i].objects))
			tap_note("%s", cases[i].sql);
	}
}

/* --- with a server ---------------------------------------------------------------------- */

static void what_each_statement_does_is_seen(void)
{
	static const char *const cases[] = {
		"CREATE TABLE a (id int NOT NULL PRIMARY KEY, n int, t varchar(20)) CHARACTER SET latin1",
		"CREATE TABLE b (id int) SELECT 1 AS x",
		"ALTER TABLE a ADD COLUMN m int",
		"ALTER TABLE a MODIFY m bigint",
		"ALTER TABLE a ALTER m SET DEFAULT 4",
		"ALTER TABLE a RENAME COLUMN m TO k",
		"ALTER TABLE a ADD INDEX (n)",
		"ALTER TABLE a ADD INDEX (n)",
		"ALTER TABLE a ALTER INDEX n IGNORED",
		"ALTER TABLE a ADD CHECK (n > 1)",
		"ALTER TABLE a ADD CHECK (n > 1)",
		"ALTER TABLE a ADD FOREIGN KEY (n) REFERENCES a (id)",
		"ALTER TABLE a COMMENT = 'x'",
		"ALTER TABLE a CONVERT TO CHARACTER SET utf16",
		"ALTER TABLE a MODIFY t varchar(20) COMMENT 'y'",
		"ALTER TABLE a ADD g int AS (n + 1)",
		"ALTER TABLE b PARTITION BY HASH (x) PARTITIONS 2",
		"ALTER TABLE b ADD PARTITION PARTITIONS 1",
		"CREATE UNIQUE INDEX u ON a (t, id)",
		"DROP INDEX u ON a",
		"RENAME TABLE a TO x, b TO a, x TO b",
		"RENAME TABLE a TO x, b TO a, x TO b",
		"ALTER TABLE b RENAME TO c",
		"CREATE VIEW v AS SELECT id FROM a",
		"ALTER VIEW v AS SELECT id, n FROM a",
		"DROP VIEW v",
		"CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW SET NEW.n = 5",
		"DROP TRIGGER tr",
		"CREATE PROCEDURE p() SELECT 1",
		"ALTER PROCEDURE p COMMENT 'z'",
		"DROP PROCEDURE p",
		"CREATE FUNCTION f() RETURNS int RETURN 1",
		"DROP FUNCTION f",
		"CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO SELECT 1",
		"ALTER EVENT e COMMENT 'w'",
		"ALTER EVENT e RENAME TO e2",
		"DROP EVENT e2",
		"CREATE SEQUENCE s",
		"DROP SEQUENCE s",
		"DROP TABLE c, a",
	};
	struct dunlin_conn *c;

	NEEDS_SERVER();
	fresh_database();
	c = open_db();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char before[512];

		snprintf(before, sizeof before, "%s", probe(c, cases[i]));
		TAP_OK(strchr(before, ':') != NULL); /* with its context */
		TAP_EQ_STR(probe(c, cases[i]), before);
		TAP_EQ_INT(ddl(c, cases[i]), DUNLIN_OK);
		if (!TAP_OK(strcmp(probe(c, cases[i]), before) != 0))
			tap_note("%s: %s", cases[i], before);
	}
	drv->close(c);
}

static void what_proves_nothing_is_not_seen(void)
{
	static const char *const cases[] = { "ALTER TABLE a ADD x int", "CREATE INDEX i ON a (n)", "DROP TABLE a", "RENAME TABLE a TO b" };
	struct dunlin_conn *c;
	char before[4][512];

	NEEDS_SERVER();
	fresh_database();
	c = open_db();
	ddl(c, "CREATE TABLE a (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, n int)");
	ddl(c, "CREATE TABLE b (id int)");
	for (size_t i = 0; i < 4; i++)
		snprintf(before[i], sizeof before[i], "%s", probe(c, cases[i]));
	/* rows, counters, and what is done to another */
	statement("INSERT INTO a (n) VALUES (1), (2), (3)", DUNLIN_ST_DML);
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	ddl(c, "ANALYZE TABLE a");
	ddl(c, "CREATE TABLE other (id int)");
	for (size_t i = 0; i < 4; i++)
		TAP_EQ_STR(probe(c, cases[i]), before[i]);
	/* a list that is dropped in part: nobody knows */
	TAP_OK(strcmp(probe(c, "DROP TABLE a, b"), "cannot tell") != 0);
	ddl(c, "DROP TABLE b");
	TAP_EQ_STR(probe(c, "DROP TABLE a, b"), "cannot tell");
	/* in another database the same words mean another table */
	statement("USE mysql", DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE);
	TAP_EQ_INT(send_all(c), DUNLIN_OK);
	TAP_OK(strncmp(probe(c, cases[2]), before[2], strcspn(before[2], ":")) != 0);
	drv->close(c);
}

static void rows_go_with_their_record_where_all_tables_do(void)
{
	const uint32_t d = DUNLIN_ST_DDL | DUNLIN_ST_COMMITS;
	struct dunlin_conn *c;
#define GOES(sql, traits) drv->goes_together(c, sql, strlen(sql), traits)

	NEEDS_SERVER();
	fresh_database();
	c = open_db();
	ddl(c, "CREATE TABLE a (n int) ENGINE=InnoDB");
	TAP_EQ_INT(drv->caps(c) & DUNLIN_CAP_MIXED_TABLES, 0);
	TAP_EQ_INT(GOES("INSERT INTO a VALUES (1)", DUNLIN_ST_DML), 1);
	TAP_EQ_INT(GOES("INSERT INTO mysql.x VALUES (1)", DUNLIN_ST_DML), 0);
	TAP_EQ_INT(GOES("CREATE TABLE b (n int) ENGINE = InnoDB", d), 0);
	TAP_EQ_INT(GOES("RENAME TABLE b TO e", d), 0);
	TAP_EQ_INT(GOES("UPDATE a SET a.n = 1", DUNLIN_ST_DML), 1);
	/* seen, though not yet run */
	TAP_EQ_INT(GOES("CREATE TABLE m (n int) ENGINE=MyISAM", d), 0);
	TAP_EQ_INT(GOES("INSERT INTO a VALUES (1)", DUNLIN_ST_DML), 0);
	TAP_OK(drv->caps(c) & DUNLIN_CAP_MIXED_TABLES);
	drv->close(c);
	c = open_db();
	TAP_EQ_INT(GOES("CALL p()", 0), 0);
	TAP_EQ_INT(GOES("INSERT INTO a VALUES (1)", DUNLIN_ST_DML), 0);
	ddl(c, "CREATE TABLE m (n int) ENGINE=MyISAM");
	drv->close(c);
	c = open_db();
	TAP_OK(drv->caps(c) & DUNLIN_CAP_MIXED_TABLES);
	TAP_EQ_INT(GOES("INSERT INTO a VALUES (1)", DUNLIN_ST_DML), 0);
	drv->close(c);
}

static char facts[8192];

static int add_fact(void *arg, const char *fact, size_t len)
{
	(void)arg;
	snprintf(facts + strlen(facts), sizeof facts - strlen(facts), "%.*s\n", (int)len, fact);
	return 0;
}

static void the_schema_is_told_as_sorted_facts(void)
{
	static const char *const ignored[] = { "ledger" };
	struct dunlin_conn *c;

	NEEDS_SERVER();
	fresh_database();
	c = open_db();
	ddl(c, "CREATE TABLE ledger (x int)");
	ddl(c, "CREATE TABLE p (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, u varchar(9) DEFAULT 'x' COLLATE utf8mb4_bin, "
	       "g int AS (length(u) + 1) STORED, UNIQUE KEY pu (u(4)), CHECK (g > 0)) ENGINE=InnoDB DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci");
	ddl(c, "CREATE TABLE k (p int, KEY kp (p), FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE) "
	       "ENGINE=InnoDB DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci COMMENT 'kids'");
	ddl(c, "CREATE VIEW v AS SELECT id FROM p");
	ddl(c, "CREATE TRIGGER t BEFORE INSERT ON k FOR EACH ROW SET NEW.p = 1");
	ddl(c, "CREATE FUNCTION f(a int) RETURNS int DETERMINISTIC RETURN a + 1");
	ddl(c, "CREATE SEQUENCE s START 5");
	facts[0] = '\0';
	TAP_EQ_INT(drv->snapshot(c, ignored, 1, add_fact, NULL, &err), DUNLIN_OK);
	TAP_EQ_STR(facts,
		"check p (g > 0)\n"
		"column k.p type int(11)\n"
		"column p.g as (octet_length(u) + 1)\n"
		"column p.g stored generated\n"
		"column p.g type int(11)\n"
		"column p.id auto_increment\n"
		"column p.id not null\n"
		"column p.id type int(11)\n"
		"column p.u collate utf8mb4_bin\n"
		"column p.u default 'x'\n"
		"column p.u type varchar(9)\n"
		"foreign-key k (p) references p (id) on update restrict on delete cascade\n"
		"function f (in a int(11)) returns int(11) deterministic as return a + 1\n"
		"index kp on k (p)\n"
		"index pu on p (u(4)) unique\n"
		"primary-key p (id)\n"
		"sequence s start 5 increment 1 minimum 1 maximum 9223372036854775806 cache 1000\n"
		"table k\n"
		"table k collate utf8mb4_general_ci\n"
		"table k comment 'kids'\n"
		"table k engine innodb\n"
		"table p\n"
		"table p collate utf8mb4_general_ci\n"
		"table p engine innodb\n"
		"trigger t before insert on k as set new.p = 1\n"
		"view v as select p.id as id from p\n");
	TAP_EQ_INT(drv->drop_objects(c, &err), DUNLIN_OK);
	facts[0] = '\0';
	TAP_EQ_INT(drv->snapshot(c, NULL, 0, add_fact, NULL, &err), DUNLIN_OK);
	TAP_EQ_STR(facts, "");
	drv->close(c);
}

static void databases_are_made_and_dropped(void)
{
	struct dunlin_kv kv[16];
	size_t n;
	char url[512] = "", name[80];

	NEEDS_SERVER();
	drop_database();
	n = n_url;
	memcpy(kv, url_kv, sizeof url_kv);
	kv[n++] = (struct dunlin_kv){ "database", database_name };
	TAP_EQ_INT(drv->create_database(kv, n, &ctl, &err), DUNLIN_OK);
	TAP_EQ_INT(drv->create_database(kv, n, &ctl, &err), DUNLIN_EBUSY);
	TAP_EQ_INT(drv->drop_database(kv, n, &ctl, &err), DUNLIN_OK);
	TAP_EQ_INT(drv->drop_database(kv, n, &ctl, &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	TAP_EQ_INT(drv->create_database(kv, n_url, &ctl, &err), DUNLIN_ERROR); /* no name */
	TAP_EQ_INT(drv->scratch(kv, n, &ctl, url, sizeof url, &err), DUNLIN_OK);
	TAP_OK(strncmp(url, "mariadb://", 10) == 0 && strstr(url, "/dunlin_scratch_") != NULL);
	for (size_t i = 0; i < n_url; i++)
		if (strcmp(url_kv[i].key, "password") == 0)
			TAP_OK(strlen(url_kv[i].value) < 3 || strstr(url, url_kv[i].value) == NULL);
	snprintf(name, sizeof name, "%.31s", strstr(url, "/dunlin_scratch_") + 1);
	name[strcspn(name, "?")] = '\0';
	kv[n - 1].value = name;
	TAP_EQ_INT(drv->drop_database(kv, n, &ctl, &err), DUNLIN_OK);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "the objects of a statement", the_objects_of_a_statement },
		{ "what each statement does is seen", what_each_statement_does_is_seen },
		{ "what proves nothing is not seen", what_proves_nothing_is_not_seen },
		{ "rows go with their record where all tables do", rows_go_with_their_record_where_all_tables_do },
		{ "the schema is told as sorted facts", the_schema_is_told_as_sorted_facts },
		{ "databases are made and dropped", databases_are_made_and_dropped },
	};
	int rc;

	fixture_start();
	rc = tap_main("mariadb_catalog", tests, sizeof tests / sizeof *tests);
	drop_database();
	return rc;
}
