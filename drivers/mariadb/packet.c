/*
 * packet.c - several statements that travel together, and their results.
 *
 * The server runs them in order and stops at the first error, so a result that
 * came proves its statement, and what follows a failed one never ran.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "my_packet.h"


void my_packet_clear(struct my_packet *p)
{
	drv_text_clear(&p->sql);
	drv_free(p->op);
	*p = (struct my_packet){ 0 };
}

void my_packet_reset(struct my_packet *p)
{
	drv_text_reset(&p->sql);
	p->n = 0;
	p->has_statement = 0;
	p->is_failed = 0;
}

/* A statement may end in a line comment. */
static int may_end_in_comment(const struct drv_text *sql, size_t from)
{
	size_t i;

	for (i = sql->len; i > from && sql->p[i - 1] != '\n'; i--)
		if (sql->p[i - 1] == '#' || (sql->p[i - 1] == '-' && i < sql->len && sql->p[i] == '-'))
			return 1;
	return 0;
}

struct my_op *my_packet_add(struct my_packet *p, enum my_op_kind kind, size_t step)
{
	struct my_op *op;

	if (drv_grow(&p->op, &p->cap, p->n + 1, sizeof *p->op) < 0) {
		p->is_failed = 1;
		return NULL;
	}
	if (p->n)
		drv_text_adds(&p->sql, may_end_in_comment(&p->sql, p->op[p->n - 1].at) ? "\n;\n" : ";\n");
	op = &p->op[p->n++];
	*op = (struct my_op){ .kind = kind, .step = step, .at = p->sql.len };
	if (kind == MY_OP_STATEMENT)
		p->has_statement = 1;
	return op;
}

void my_packet_adds(struct my_packet *p, enum my_op_kind kind, size_t step, const char *sql)
{
	if (my_packet_add(p, kind, step))
		drv_text_adds(&p->sql, sql);
}

/* --- results --------------------------------------------------------------------------- */

static int level_of(const char *level)
{
	return strcmp(level, "Note") == 0 ? DUNLIN_LOG_INFO : DUNLIN_LOG_WARN;
}

static void tell_warning(struct dunlin_conn *c, size_t index, const char *const *row, unsigned n)
{
	char text[1024];

	if (n < 3 || !row[0] || !row[1] || !row[2])
		return;
	snprintf(text, sizeof text, "%s: %s (%s)", strcmp(row[0], "Note") == 0 ? "note" : "warning", row[2], row[1]);
	my_notice(c, index, level_of(row[0]), text);
}

/* The rows of the result at hand: passed over, but for warnings.  conn: which
 * connection they come from; c: whose observer is told.  0, or -1 with the
 * library's error. */
static int read_rows(struct dunlin_conn *conn, struct dunlin_conn *c, enum my_op_kind kind, size_t index)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	int rc;

	if (!mysql_field_count(conn->my))
		return 0;
	res = mysql_use_result(conn->my);
	if (!res)
		return -1;
	while ((row = my_fetch(conn, res)))
		if (kind == MY_OP_WARNINGS)
			tell_warning(c, index, (const char *const *)row, mysql_num_fields(res));

	rc = mysql_errno(conn->my) ? -1 : 0;
	if (rc == 0)
		my_free_result(conn, res);
	else
		mysql_free_result(res); /* nothing more comes */
	return rc;
}

/* `next`: 0 a result is at hand, -1 there is none, > 0 an error. */
static int take_result(struct dunlin_conn *conn, struct dunlin_conn *c, const struct my_op *op, int next)
{
	if (next != 0)
		return next;
	return read_rows(conn, c, op->kind, op->step) < 0 ? 1 : 0;
}

int my_packet_send(struct my_packet *p, struct dunlin_conn *conn, struct dunlin_conn *c, my_done_fn *done, void *arg,
                   size_t *failed, struct dunlin_driver_error *err)
{
	int status, next;
	size_t i;

	*failed = 0;
	if (p->is_failed || p->sql.is_failed)
		return drv_nomem(err);
	if (p->n > 1 && (status = my_multi(conn, 1, err)) != DUNLIN_OK)
		return status;
	next = my_send_query(conn, p->sql.p, p->sql.len) ? 1 : 0;
	for (i = 0; i < p->n; i++) {
		*failed = i;
		if (i > 0)
			next = my_next_result(conn);
		next = take_result(conn, c, &p->op[i], next);
		if (next > 0)
			return MY_SAID; /* the caller asks the library what */
		if (next < 0)
			return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0,
			                 "the server gave %zu results for %zu statements", i, p->n);
		done(arg, &p->op[i]);
	}
	if (!mysql_more_results(conn->my))
		return DUNLIN_OK;
	*failed = p->n - 1;
	while ((next = my_next_result(conn)) == 0 && read_rows(conn, c, MY_OP_OWN, 0) == 0)
		;
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the server gave more than %zu results for %zu statements",
	                 p->n, p->n);
}

int my_alone_send(struct dunlin_conn *c, const char *sql, size_t len, int is_single, size_t index,
                  struct dunlin_driver_error *err)
{
	int status = is_single ? DUNLIN_OK : my_multi(c, 0, err), next;

	if (status != DUNLIN_OK)
		return status;
	next = my_send_query(c, sql, len) ? 1 : 0;
	while (next == 0) {
		if (read_rows(c, c, MY_OP_STATEMENT, index) < 0)
			return MY_SAID;
		next = my_next_result(c);
	}
	return next > 0 ? MY_SAID : DUNLIN_OK;
}

int my_alone_warnings(struct dunlin_conn *c, size_t index, struct dunlin_driver_error *err)
{
	if (!mysql_warning_count(c->my) || !c->obs || !c->obs->notice)
		return DUNLIN_OK;
	if (my_send_query(c, MY_SHOW_WARNINGS, sizeof MY_SHOW_WARNINGS - 1) || read_rows(c, c, MY_OP_WARNINGS, index) < 0)
		return my_db_error(c, NULL, 0, err);
	return DUNLIN_OK;
}
