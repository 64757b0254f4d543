/*
 * group_ledger.c - the whole of it: the core keeps its ledger with the driver's
 * dialect, applies, fails, rolls back, in tables of odd names.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

struct run {
	struct dunlin *d;
	struct dunlin_error err;
	char dir[PATH_MAX], table[120], prefix[60];
	char text[4][600];
	struct dunlin_file file[4];
	size_t n_file;
};

static int n_runs;

static void add_file(struct run *r, const char *name, const char *fmt)
{
	char *text = r->text[r->n_file];
	const char *p = fmt;
	size_t n = 0;

	for (; *p && n + 80 < sizeof r->text[0]; p++) /* % is the prefix of the table's name */
		if (*p == '%')
			n += (size_t)snprintf(text + n, sizeof r->text[0] - n, "%s", r->prefix);
		else
			text[n++] = *p;
	text[n] = '\0';
	r->file[r->n_file++] = (struct dunlin_file){ name, text, n };
}

static int set(struct suite *s, struct run *r, const char *name, const char *value)
{
	return expect(s, dunlin_set(r->d, name, value, &r->err) == 0, "%s: %.300s", name, r->err.message) ? 0 : -1;
}

static int begin(struct suite *s, struct run *r, const char *table)
{
	char *slash;

	snprintf(r->dir, sizeof r->dir, "%s", s->plugin);
	slash = strrchr(r->dir, '/');
	if (slash)
		*slash = '\0';
	snprintf(r->prefix, sizeof r->prefix, "dunlin_check_%ld_%c", (long)getpid(), 'a' + n_runs++ % 26);
	snprintf(r->table, sizeof r->table, "%s%s", r->prefix, table);
	if (!expect(s, dunlin_new(&r->d, &r->err) == 0, "%.300s", r->err.message))
		return -1;
	return set(s, r, "driver-path", r->dir) < 0 || set(s, r, "url", s->url) < 0 || set(s, r, "table", r->table) < 0 ? -1 : 0;
}

static int execute(const struct suite *s, struct run *r, int op)
{
	struct dunlin_request req = { .op = op, .existing_schema = 1, .all = op == DUNLIN_OP_ROLLBACK,
		.no_lock = !can(s, DUNLIN_CAP_LOCK) };

	return dunlin_execute(r->d, &req, &r->err) == 0 ? 0 : r->err.code;
}

/* The core lends the driver its own host: back to ours. */
static void end(struct suite *s, struct run *r)
{
	const char q[] = { s->drv->dialect->quote_open, '\0' }, e[] = { s->drv->dialect->quote_close, '\0' };
	struct dunlin_error err;
	struct conn c;

	dunlin_free(r->d);
	expect(s, dunlin_driver_load(s->plugin, &s->host, &s->drv, &err) == 0, "%.300s", err.message);
	if (conn_open(s, &c) == 0) {
		conn_runf(&c, "DROP TABLE %s%s%s", q, r->table, e);
		conn_runf(&c, "DROP TABLE %s%s_events%s", q, r->table, e);
	}
	conn_close(&c);
}

static void applies_and_reverts(struct suite *s, const char *table)
{
	struct run r = { 0 };

	if (begin(s, &r, table) < 0)
		return;
	add_file(&r, "1.0.0-001-one.sql", "-- dunlin:up\nCREATE TABLE %_one (id integer);\nINSERT INTO %_one (id) VALUES (1);\n"
	                                  "-- dunlin:down\nDROP TABLE %_one;\n");
	add_file(&r, "1.0.0-002-two.sql", "-- dunlin:up\nINSERT INTO %_one (id) VALUES (2);\n"
	                                  "-- dunlin:down\nDELETE FROM %_one WHERE id = 2;\n");
	expect(s, dunlin_add_memory(r.d, "", r.file, r.n_file, &r.err) == 0, "%.300s", r.err.message);
	expect(s, execute(s, &r, DUNLIN_OP_UP) == 0, "up: %.300s", r.err.message);
	expect(s, dunlin_last_summary(r.d)->n_done == 2, "%lld applied", (long long)dunlin_last_summary(r.d)->n_done);
	expect(s, execute(s, &r, DUNLIN_OP_UP) == 0, "up again: %.300s", r.err.message);
	expect(s, dunlin_last_summary(r.d)->n_done == 0, "applied again");
	expect(s, execute(s, &r, DUNLIN_OP_ROLLBACK) == 0, "rollback: %.300s", r.err.message);
	expect(s, dunlin_last_summary(r.d)->n_done == 2, "%lld reverted", (long long)dunlin_last_summary(r.d)->n_done);
	expect(s, execute(s, &r, DUNLIN_OP_UP) == 0, "up after the rollback: %.300s", r.err.message);
	expect(s, execute(s, &r, DUNLIN_OP_ROLLBACK) == 0, "rollback: %.300s", r.err.message);
	end(s, &r);
}

static void plain(struct suite *s)
{
	applies_and_reverts(s, "_ledger");
}

static void odd(struct suite *s)
{
	applies_and_reverts(s, " Odd 'name' ?");
}

static void a_failure_is_recorded(struct suite *s)
{
	struct run r = { 0 }, again;

	if (begin(s, &r, "_failed") < 0)
		return;
	add_file(&r, "1.0.0-001-one.sql", "-- dunlin:up\nCREATE TABLE %_one (id integer);\n-- dunlin:down\nDROP TABLE %_one;\n");
	add_file(&r, "1.0.0-002-two.sql", "INSERT INTO %_one (id) VALUES (2);\nINSERT INTO %_none (id) VALUES (1);\n");
	add_file(&r, "1.0.0-003-three.sql", "INSERT INTO %_one (id) VALUES (3);\n");
	expect(s, dunlin_add_memory(r.d, "", r.file, r.n_file, &r.err) == 0, "%.300s", r.err.message);
	expect(s, execute(s, &r, DUNLIN_OP_UP) == DUNLIN_EXIT_FAILED, "up: %.300s", r.err.message);
	expect(s, r.err.errclass == DUNLIN_CLASS_SCHEMA, "class %s", dunlin_class_name(r.err.errclass));
	expect(s, strcmp(r.err.version, "1.0.0-002") == 0, "of migration '%s'", r.err.version);
	expect(s, r.err.line == 2, "at line %u", r.err.line);
	/* Mended, it goes on; nothing of the second had stayed, or just what was recorded. */
	dunlin_free(r.d);
	again = r;
	again.n_file = 0;
	if (!expect(s, dunlin_new(&again.d, &again.err) == 0, "%.300s", again.err.message))
		return;
	set(s, &again, "driver-path", again.dir);
	set(s, &again, "url", s->url);
	set(s, &again, "table", again.table);
	add_file(&again, "1.0.0-001-one.sql", "-- dunlin:up\nCREATE TABLE %_one (id integer);\n-- dunlin:down\nDROP TABLE %_one;\n");
	add_file(&again, "1.0.0-002-two.sql", "-- dunlin:up\nINSERT INTO %_one (id) VALUES (2);\nINSERT INTO %_one (id) VALUES (1);\n"
	                                      "-- dunlin:down\nDELETE FROM %_one WHERE id < 3;\n");
	expect(s, dunlin_add_memory(again.d, "", again.file, again.n_file, &again.err) == 0, "%.300s", again.err.message);
	expect(s, execute(s, &again, DUNLIN_OP_UP) == 0, "up, mended: %.300s", again.err.message);
	expect(s, execute(s, &again, DUNLIN_OP_ROLLBACK) == 0, "rollback: %.300s", again.err.message);
	end(s, &again);
}

static void ledger(struct suite *s)
{
	check(s, "migrations are applied, recorded and reverted", plain);
	check(s, "also with a ledger of an odd name", odd);
	check(s, "a failure is recorded, and goes on once it is mended", a_failure_is_recorded);
}
const struct group group_ledger = { "ledger", ledger };
