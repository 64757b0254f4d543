/*
 * use.c - a connection under test, and the tables that the suite makes.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <stdlib.h>
#include <unistd.h>

#define TABLES_MAX 400
static char *names[TABLES_MAX]; /* of the suite's tables, for the end */

struct dunlin_driver_error *conn_err(struct conn *c)
{
	memset(&c->err, 0, sizeof c->err);
	c->err.struct_size = sizeof c->err;
	c->err.position = -1;
	return &c->err;
}

const char *status_text(const struct conn *c, int status, char text[STATUS_TEXT_SIZE])
{
	static const char *const known[] = { "OK", "ERROR", "ENOMEM", "ENOTSUP", "EBUSY", "ETIMEOUT", "ECANCELLED" };

	if (status <= 0 && status >= DUNLIN_ECANCELLED)
		snprintf(text, STATUS_TEXT_SIZE, "%s %s: %.400s", known[-status],
		         status ? dunlin_class_name(c->err.errclass) : "", status ? c->err.message : "");
	else
		snprintf(text, STATUS_TEXT_SIZE, "%d, which is no status", status);
	return text;
}

int conn_open(struct suite *s, struct conn *c)
{
	char text[STATUS_TEXT_SIZE];
	int rc;

	*c = (struct conn){ .s = s };
	rc = s->drv->open(s->opt, s->n_opt, &s->ctl, &c->c, conn_err(c));
	if (!expect(s, rc == DUNLIN_OK && c->c, "open: %s", status_text(c, rc, text)))
		return -1;
	return 0;
}

void conn_close(struct conn *c)
{
	if (c->c)
		c->s->drv->close(c->c);
	c->c = NULL;
}

struct dunlin_step step_of(int kind, const char *sql)
{
	return (struct dunlin_step){
		.struct_size = sizeof(struct dunlin_step), .kind = kind, .sql = sql, .sql_len = sql ? strlen(sql) : 0,
		.expect_rows = -1, .lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};
}

int conn_run(struct conn *c, const char *sql)
{
	struct dunlin_step step = step_of(DUNLIN_STEP_STATEMENT, sql);

	return c->s->drv->exec(c->c, &step, conn_err(c));
}

int conn_runf(struct conn *c, const char *fmt, ...)
{
	char sql[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof sql, fmt, ap);
	va_end(ap);
	return conn_run(c, sql);
}

int must_run(struct conn *c, const char *fmt, ...)
{
	char sql[4096], text[STATUS_TEXT_SIZE];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof sql, fmt, ap);
	va_end(ap);
	rc = conn_run(c, sql);
	return expect(c->s, rc == DUNLIN_OK, "%.200s: %s", sql, status_text(c, rc, text)) ? 0 : -1;
}

struct first { char *out; size_t size; int n; };

static int take_first(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	struct first *f = arg;

	(void)type, (void)len;
	if (f->n++ == 0)
		snprintf(f->out, f->size, "%s", ncol > 0 && value[0] ? value[0] : "");
	return 0;
}

static int ask(struct conn *c, const char *sql, char *out, size_t size)
{
	struct first f = { out, size, 0 };
	char text[STATUS_TEXT_SIZE];
	int rc = c->s->drv->query(c->c, sql, strlen(sql), NULL, 0, take_first, &f, conn_err(c));

	out[f.n ? strlen(out) : 0] = '\0';
	return expect(c->s, rc == DUNLIN_OK, "%.200s: %s", sql, status_text(c, rc, text)) ? 0 : -1;
}

int conn_text(struct conn *c, char *out, size_t size, const char *fmt, ...)
{
	char sql[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof sql, fmt, ap);
	va_end(ap);
	return ask(c, sql, out, size);
}

int64_t conn_int(struct conn *c, const char *fmt, ...)
{
	char sql[4096], value[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof sql, fmt, ap);
	va_end(ap);
	return ask(c, sql, value, sizeof value) < 0 ? -1 : strtoll(value, NULL, 10);
}

int64_t conn_count(struct conn *c, const char *table)
{
	return conn_int(c, "SELECT count(*) FROM %s", table);
}

int conn_tx_state(struct conn *c)
{
	int32_t state = -1;

	return c->s->drv->tx_state(c->c, &state, conn_err(c)) == DUNLIN_OK ? state : -1;
}

/* %s of a quirk is the table, however often it stands there. */
static void fill_in(const char *text, const char *table, char *out, size_t size)
{
	size_t n = 0, len = strlen(table);

	while (*text && n + 1 < size) {
		if (text[0] == '%' && text[1] == 's') {
			if (n + len + 1 > size)
				break;
			memcpy(out + n, table, len);
			n += len;
			text += 2;
		} else {
			out[n++] = *text++;
		}
	}
	out[n] = '\0';
}

const char *make_table(struct conn *c)
{
	struct suite *s = c->s;
	char name[60], sql[4096], text[STATUS_TEXT_SIZE];
	int rc;

	snprintf(name, sizeof name, "dunlin_check_%ld_%d", (long)getpid(), s->n_tables);
	fill_in(quirk(s, QUIRK_CREATE), name, sql, sizeof sql);
	if (s->n_tables == TABLES_MAX || !(names[s->n_tables] = strdup(name))) {
		expect(s, 0, "too many tables");
		return "none";
	}
	rc = conn_run(c, sql);
	expect(s, rc == DUNLIN_OK, "%.200s: %s", sql, status_text(c, rc, text));
	return names[s->n_tables++];
}

void drop_tables(struct suite *s)
{
	struct conn c;

	if (conn_open(s, &c) == 0)
		for (int i = s->n_tables; i-- > 0;)
			conn_runf(&c, "DROP TABLE %s", names[i]);
	conn_close(&c);
	for (int i = 0; i < s->n_tables; i++)
		free(names[i]);
	s->n_tables = 0;
}

int fill_table(struct conn *c, const char *table)
{
	char sql[8192] = "";
	size_t n = (size_t)snprintf(sql, sizeof sql, "INSERT INTO %s (id, name) VALUES", table);

	for (int i = 1; i <= 200 && n < sizeof sql - 40; i++)
		n += (size_t)snprintf(sql + n, sizeof sql - n, "%s (%d, 'row %d')", i == 1 ? "" : ",", i, i);
	return expect(c->s, conn_run(c, sql) == DUNLIN_OK, "200 rows: %.300s", c->err.message) ? 0 : -1;
}

void slow_sql(const struct suite *s, const char *table, char *out, size_t size)
{
	fill_in(quirk(s, QUIRK_SLOW), table, out, size);
}
