/*
 * query.c - queries of the core's and of the driver's own, with their parameters
 * as literals.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "my_driver.h"

/* --- literals -------------------------------------------------------------------------- */

static int is_plain(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] > '~' || s[i] == '\\')
			return 0;
	return n > 0; /* '' is NULL under EMPTY_STRING_IS_NULL */
}

/* Quotes where no sql_mode and no character set can read them otherwise, else
 * hexadecimal digits. */
void my_literal(struct drv_text *out, const char *text, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char pair[2];
	size_t i, from = 0;

	if (!is_plain(text, len)) {
		drv_text_adds(out, "_utf8mb4 x'");
		for (i = 0; i < len; i++) {
			pair[0] = digits[(unsigned char)text[i] >> 4];
			pair[1] = digits[(unsigned char)text[i] & 15];
			drv_text_add(out, pair, 2);
		}
		drv_text_add(out, "'", 1);
		return;
	}
	drv_text_adds(out, "_utf8mb4'");
	for (i = 0; i < len; i++)
		if (text[i] == '\'') {
			drv_text_add(out, text + from, i + 1 - from);
			from = i; /* and once more */
		}
	drv_text_add(out, text + from, len - from);
	drv_text_add(out, "'", 1);
}

void my_name(struct drv_text *out, const char *name, size_t len)
{
	size_t i;

	drv_text_add(out, "`", 1);
	for (i = 0; i < len; i++) {
		if (name[i] == '`')
			drv_text_add(out, "`", 1);
		drv_text_add(out, name + i, 1);
	}
	drv_text_add(out, "`", 1);
}

static int is_number(const char *s, size_t n)
{
	size_t i = n && s[0] == '-';

	if (i == n || n > 20)
		return 0;
	for (; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return 0;
	return 1;
}

static void add_param(struct drv_text *out, const struct dunlin_param *p)
{
	if (!p->value)
		drv_text_adds(out, "NULL");
	else if (p->is_integer && is_number(p->value, p->len))
		drv_text_add(out, p->value, p->len);
	else
		my_literal(out, p->value, p->len);
}

int my_expand(struct drv_text *out, const char *sql, size_t len, const struct dunlin_param *param, size_t n,
              struct dunlin_driver_error *err)
{
	const char *p = sql, *from = sql, *end = sql + len;
	struct drv_token t;
	size_t i = 0;

	while (n && (t = drv_token_next(MY_LEX, &p, end)).kind != DRV_TOKEN_END) {
		if (t.kind != DRV_TOKEN_PUNCT || t.p[0] != '?')
			continue;
		if (i == n)
			break;
		drv_text_add(out, from, (size_t)(t.p - from));
		add_param(out, &param[i++]);
		from = t.p + 1;
	}
	drv_text_add(out, from, (size_t)(end - from));
	if (out->is_failed)
		return drv_nomem(err);
	return i == n ? DUNLIN_OK
	              : drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a statement with %zu parameters got %zu", i, n);
}

/* --- results ------------------------------------------------------------------------------ */

int my_drain(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	MYSQL_RES *res;
	int rc;

	for (;;) {
		if (mysql_field_count(c->my)) {
			res = mysql_use_result(c->my);
			if (!res)
				return my_db_error(c, NULL, 0, err);
			while (my_fetch(c, res))
				;
			if (mysql_errno(c->my)) {
				rc = my_db_error(c, NULL, 0, err);
				my_free_result(c, res);
				return rc;
			}
			my_free_result(c, res);
		}
		rc = my_next_result(c);
		if (rc > 0)
			return my_db_error(c, NULL, 0, err);
		if (rc < 0)
			return DUNLIN_OK;
	}
}

int my_do(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err)
{
	if (my_send_query(c, sql, strlen(sql)))
		return my_db_error(c, NULL, 0, err);
	return my_drain(c, err);
}

static int32_t type_of(const MYSQL_FIELD *f)
{
	switch (f->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT: case MYSQL_TYPE_LONG: case MYSQL_TYPE_INT24: case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_DECIMAL: case MYSQL_TYPE_NEWDECIMAL: case MYSQL_TYPE_FLOAT: case MYSQL_TYPE_DOUBLE:
	case MYSQL_TYPE_YEAR:
		return DUNLIN_TYPE_NUMBER;
	case MYSQL_TYPE_BIT:
		return f->length == 1 ? DUNLIN_TYPE_BOOLEAN : DUNLIN_TYPE_BLOB;
	case MYSQL_TYPE_TINY_BLOB: case MYSQL_TYPE_MEDIUM_BLOB: case MYSQL_TYPE_LONG_BLOB: case MYSQL_TYPE_BLOB:
	case MYSQL_TYPE_STRING: case MYSQL_TYPE_VAR_STRING: case MYSQL_TYPE_VARCHAR:
		return f->charsetnr == 63 ? DUNLIN_TYPE_BLOB : DUNLIN_TYPE_TEXT;
	default:
		return DUNLIN_TYPE_TEXT;
	}
}

/* Rows of the result at hand, one by one. */
static int each_row(struct dunlin_conn *c, MYSQL_RES *res, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	unsigned n = mysql_num_fields(res), i;
	const MYSQL_FIELD *field = mysql_fetch_fields(res);
	const char **value = drv_alloc(n * sizeof *value);
	size_t *len = drv_alloc(n * sizeof *len);
	int32_t *type = drv_alloc(n * sizeof *type);
	unsigned long *lengths;
	MYSQL_ROW r;
	int rc = value && len && type ? DUNLIN_OK : drv_nomem(err);

	while (rc == DUNLIN_OK && (r = my_fetch(c, res))) {
		lengths = mysql_fetch_lengths(res);
		for (i = 0; i < n; i++) {
			value[i] = r[i];
			len[i] = r[i] ? lengths[i] : 0;
			type[i] = r[i] ? type_of(&field[i]) : DUNLIN_TYPE_NULL;
			if (r[i] && type[i] == DUNLIN_TYPE_BOOLEAN) {
				value[i] = lengths[i] && r[i][0] ? "1" : "0";
				len[i] = 1;
			}
		}
		rc = row ? row(arg, (int)n, value, len, type) : 0;
	}
	if (rc == DUNLIN_OK && mysql_errno(c->my))
		rc = my_db_error(c, NULL, 0, err);
	drv_free(value);
	drv_free(len);
	drv_free(type);
	return rc;
}

static int run_query(struct dunlin_conn *c, const char *sql, size_t len, dunlin_row_fn *row, void *arg,
                     struct dunlin_driver_error *err)
{
	MYSQL_RES *res;
	int rc = DUNLIN_OK, drained;

	if (my_send_query(c, sql, len))
		return my_db_error(c, sql, len, err);
	if (mysql_field_count(c->my)) {
		res = mysql_use_result(c->my);
		if (!res)
			return my_db_error(c, sql, len, err);
		rc = each_row(c, res, row, arg, err);
		my_free_result(c, res);
	}
	if (c->is_lost)
		return rc;
	/* What follows the first result is not looked at, but for its errors. */
	drained = my_next_result(c);
	if (drained == 0)
		drained = my_drain(c, rc == DUNLIN_OK ? err : NULL);
	else
		drained = drained > 0 ? my_db_error(c, sql, len, rc == DUNLIN_OK ? err : NULL) : DUNLIN_OK;
	return rc == DUNLIN_OK ? drained : rc;
}

/* The text may be a verify section's: the server is to refuse two statements in it. */
int my_query(struct dunlin_conn *c, const char *sql, size_t sql_len, const struct dunlin_param *param, size_t n_param,
             dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	struct drv_text text = { 0 };
	int status = my_enter(c, err);

	/* The ledger is not read through the file's settings. */
	if (status == DUNLIN_OK && c->session.is_dirty && !c->is_begun && !c->is_user_tx)
		status = my_journal(c, &c, err);
	if (status == DUNLIN_OK && memchr(sql, ';', sql_len))
		status = my_multi(c, 0, err);
	if (status != DUNLIN_OK)
		return status;
	if (my_is_stopped(c))
		return my_stopped(c, err);
	if (!n_param)
		return run_query(c, sql, sql_len, row, arg, err);
	status = my_expand(&text, sql, sql_len, param, n_param, err);
	if (status == DUNLIN_OK)
		status = run_query(c, text.p, text.len, row, arg, err);
	drv_text_clear(&text);
	return status;
}

/* --- queries of ours ------------------------------------------------------------------------- */

struct each {
	my_row_fn *row;
	void      *arg;
};

static int each_untyped(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	const struct each *e = arg;

	(void)type;
	return !e->row ? 0 : e->row(e->arg, ncol, value, len);
}

int my_each(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, my_row_fn *row, void *arg,
            struct dunlin_driver_error *err)
{
	struct each e = { row, arg };
	struct dunlin_param p[8] = { { 0 } };
	struct drv_text text = { 0 };
	int i, status;

	for (i = 0; i < n_param && i < 8; i++) {
		p[i].value = param[i];
		p[i].len = param[i] ? strlen(param[i]) : 0;
	}
	status = my_expand(&text, sql, strlen(sql), p, (size_t)i, err);
	if (status == DUNLIN_OK)
		status = run_query(c, text.p, text.len, each_untyped, &e, err);
	drv_text_clear(&text);
	return status;
}

struct scalar {
	char  *out;
	size_t size;
	int    is_first;
};

static int take_scalar(void *arg, int ncol, const char *const *value, const size_t *len)
{
	struct scalar *s = arg;

	(void)len;
	if (s->is_first && ncol > 0 && value[0])
		snprintf(s->out, s->size, "%s", value[0]);
	s->is_first = 0;
	return 0;
}

int my_scalar(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, char *out, size_t size,
              struct dunlin_driver_error *err)
{
	struct scalar s = { out, size, 1 };

	if (size)
		out[0] = '\0';
	return my_each(c, sql, param, n_param, take_scalar, &s, err);
}
