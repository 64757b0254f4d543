/*
 * group_errors.c - what the database says no to, by class, with its place.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

/* Runs what must fail. */
static void fails(struct conn *c, int errclass, const char *sql)
{
	char text[STATUS_TEXT_SIZE];
	int rc = conn_run(c, sql);

	expect(c->s, rc != DUNLIN_OK, "it ran: %.200s", sql);
	expect(c->s, c->err.errclass == errclass, "%.100s: class %s, not %s: %s", sql, dunlin_class_name(c->err.errclass),
	       dunlin_class_name(errclass), status_text(c, rc, text));
	expect(c->s, c->err.message[0], "%.200s: no message", sql);
	expect(c->s, conn_int(c, "SELECT 40 + 2") == 42, "the connection is of no use after it");
}

static void syntax(struct suite *s)
{
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	fails(&c, DUNLIN_CLASS_SYNTAX, quirk(s, QUIRK_SYNTAX));
	conn_close(&c);
}

static void missing(struct suite *s)
{
	char sql[200];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	fails(&c, DUNLIN_CLASS_SCHEMA, "INSERT INTO dunlin_no_such_table (id) VALUES (1)");
	fails(&c, DUNLIN_CLASS_SCHEMA, "DROP TABLE dunlin_no_such_table");
	snprintf(sql, sizeof sql, "INSERT INTO %s (no_such_column) VALUES (1)", t);
	fails(&c, DUNLIN_CLASS_SCHEMA, sql);
	conn_close(&c);
}

static void duplicate(struct suite *s)
{
	char sql[200];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	snprintf(sql, sizeof sql, "CREATE TABLE %s (id integer)", t);
	fails(&c, DUNLIN_CLASS_SCHEMA, sql);
	conn_close(&c);
}

static void constraint(struct suite *s)
{
	char sql[200];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
	snprintf(sql, sizeof sql, "INSERT INTO %s (id) VALUES (1)", t);
	fails(&c, DUNLIN_CLASS_CONSTRAINT, sql);
	snprintf(sql, sizeof sql, "INSERT INTO %s (id) VALUES (NULL)", t);
	if (conn_int(&c, "SELECT 1") == 1 && conn_run(&c, sql) != DUNLIN_OK) /* some take NULL for the next number */
		expect(s, c.err.errclass == DUNLIN_CLASS_CONSTRAINT, "NULL: class %s", dunlin_class_name(c.err.errclass));
	conn_close(&c);
}

/* A position is a byte in the text from 0, past characters of several bytes. */
static void position(struct suite *s)
{
	static const char sql[] = "SELECT '\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac', dunlin_no_such_column";
	int64_t want = (int64_t)(strstr(sql, "dunlin_no") - sql);
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	expect(s, conn_run(&c, sql) != DUNLIN_OK, "it ran");
	expect(s, c.err.position == -1 || c.err.position == want, "position %lld, not %lld (or -1)",
	       (long long)c.err.position, (long long)want);
	conn_close(&c);
}

/* Nothing of the first in the second. */
static void second(struct suite *s)
{
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	conn_run(&c, "INSERT INTO dunlin_first_missing (id) VALUES (1)");
	conn_run(&c, "INSERT INTO dunlin_second_missing (id) VALUES (1)");
	expect(s, !strstr(c.err.message, "first_missing"), "the second error speaks of the first: %.300s", c.err.message);
	expect(s, strstr(c.err.message, "second_missing") != NULL, "the message is not the database's: %.300s", c.err.message);
	conn_close(&c);
}

/* A message that does not fit is cut, says so, and ends. */
static void long_message(struct suite *s)
{
	char sql[9000];
	struct conn c;
	size_t n;

	if (conn_open(s, &c) < 0)
		return;
	n = (size_t)snprintf(sql, sizeof sql, "SELECT 1 FROM dunlin_none WHERE '");
	memset(sql + n, 'x', 8000);
	snprintf(sql + n + 8000, 20, "' = nix");
	expect(s, conn_run(&c, sql) != DUNLIN_OK, "it ran");
	expect(s, memchr(c.err.message, '\0', sizeof c.err.message) != NULL, "the message has no end");
	expect(s, memchr(c.err.detail, '\0', sizeof c.err.detail) != NULL, "the detail has no end");
	conn_close(&c);
}

/* Without an error struct it works, too. */
static void no_struct(struct suite *s)
{
	struct dunlin_step step = step_of(DUNLIN_STEP_STATEMENT, "INSERT INTO dunlin_no_such_table (id) VALUES (1)");
	struct conn c;

	if (conn_open(s, &c) < 0)
		return;
	expect(s, s->drv->exec(c.c, &step, NULL) != DUNLIN_OK, "it ran");
	conn_close(&c);
}

static void errors(struct suite *s)
{
	check(s, "SYNTAX: what is no SQL", syntax);
	check(s, "SCHEMA: what is not there", missing);
	check(s, "SCHEMA: what is there already", duplicate);
	check(s, "CONSTRAINT: a key twice", constraint);
	check(s, "the position is a byte in the text, if there is one", position);
	check(s, "a second error has nothing of the first", second);
	check(s, "a message that does not fit ends all the same", long_message);
	check(s, "nobody has to want the error", no_struct);
}
const struct group group_errors = { "errors", errors };
