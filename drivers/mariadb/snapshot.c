/*
 * snapshot.c - the schema as a sorted list of facts, in the words that the other
 * drivers use.
 *
 * Facts say what a schema does, not how it came to be: names that the server
 * makes up, the order of columns, counters, who defined it, and the database's
 * own name are left out.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "my_catalog.h"

struct facts {
	struct dunlin_conn *c;
	const char *const *ignore;
	size_t n_ignore;
	char **fact;
	size_t n, cap;
	struct drv_text line;
	struct drv_text body;  /* an expression or a text, normalised */
	struct drv_text names; /* of sequences, each ended by NUL     */
	struct dunlin_driver_error *err;
};

static int keep(struct facts *f)
{
	char *s = f->line.is_failed ? NULL : drv_strndup(f->line.p ? f->line.p : "", f->line.len);

	drv_text_reset(&f->line);
	if (!s || drv_grow(&f->fact, &f->cap, f->n + 1, sizeof *f->fact) < 0) {
		drv_free(s);
		return drv_nomem(f->err);
	}
	f->fact[f->n++] = s;
	return DUNLIN_OK;
}

static int is_ignored(const struct facts *f, const char *name)
{
	size_t i, n;

	for (i = 0; i < f->n_ignore; i++) {
		n = strlen(f->ignore[i]);
		/* The ledger's companion on a cluster goes with it (cluster.c). */
		if (strncasecmp(f->ignore[i], name, n) == 0 && (!name[n] || strcmp(name + n, "_cluster") == 0))
			return 1;
	}
	return 0;
}

static void lower_add(struct drv_text *t, const char *s)
{
	char c;

	for (; s && *s; s++) {
		c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
		drv_text_add(t, &c, 1);
	}
}

/* SQL text as it means, without the database's own name before a table's. */
static void sql_add(struct facts *f, const char *sql)
{
	const char *p = sql, *end = sql + strlen(sql), *ahead;
	struct drv_token t, dot;
	struct drv_text name = { 0 };
	char prev = 0;

	drv_text_reset(&f->body);
	while ((t = drv_token_next(MY_LEX, &p, end)).kind != DRV_TOKEN_END) {
		ahead = p;
		dot = drv_token_next(MY_LEX, &ahead, end);
		if (t.kind == DRV_TOKEN_NAME && t.p[0] == '`' && drv_token_is(&dot, ".")) {
			drv_token_name(&t, &name);
			if (name.p && strcmp(name.p, f->c->server.database) == 0) {
				p = ahead;
				continue;
			}
		}
		drv_normalise_token(&t, &f->body, &prev);
	}
	f->line.is_failed |= f->body.is_failed | name.is_failed;
	if (f->body.len)
		drv_text_addf(&f->line, "%s%s", f->line.len && f->line.p[f->line.len - 1] == '(' ? "" : " ", f->body.p);
	drv_text_clear(&name);
}

static int each(struct facts *f, const char *sql, my_row_fn *row)
{
	return my_each(f->c, sql, NULL, 0, row, f, f->err);
}

/* --- tables ------------------------------------------------------------------------------ */

static int option(struct facts *f, const char *table, const char *what, const char *value)
{
	if (!value || !*value)
		return DUNLIN_OK;
	drv_text_addf(&f->line, "table %s %s ", table, what);
	lower_add(&f->line, value);
	return keep(f);
}

/* name, type, engine, collation, create_options, comment */
static int table(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;
	int status;

	(void)n;
	(void)len;
	if (is_ignored(f, v[0]) || strstr(v[1], "VIEW"))
		return DUNLIN_OK;
	if (strcmp(v[1], "SEQUENCE") == 0) {
		drv_text_add(&f->names, v[0], strlen(v[0]) + 1);
		return f->names.is_failed ? drv_nomem(f->err) : DUNLIN_OK;
	}
	drv_text_addf(&f->line, "table %s", v[0]);
	status = keep(f);
	if (status == DUNLIN_OK)
		status = option(f, v[0], "engine", v[2]);
	if (status == DUNLIN_OK)
		status = option(f, v[0], "collate", v[3]);
	if (status == DUNLIN_OK)
		status = option(f, v[0], "with", v[4]);
	if (status == DUNLIN_OK && strcmp(v[1], "SYSTEM VERSIONED") == 0)
		status = option(f, v[0], "system", "versioned");
	if (status == DUNLIN_OK && v[5] && *v[5]) {
		drv_text_addf(&f->line, "table %s comment '%s'", v[0], v[5]);
		status = keep(f);
	}
	return status;
}

/* table, column, type, nullable, default, collation or NULL, extra, expression, comment */
static int column(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;
	int status;

	(void)n;
	(void)len;
	if (is_ignored(f, v[0]))
		return DUNLIN_OK;
	drv_text_addf(&f->line, "column %s.%s type ", v[0], v[1]);
	lower_add(&f->line, v[2]);
	status = keep(f);
	if (status == DUNLIN_OK && strcmp(v[3], "NO") == 0) {
		drv_text_addf(&f->line, "column %s.%s not null", v[0], v[1]);
		status = keep(f);
	}
	if (status == DUNLIN_OK && v[4] && strcmp(v[4], "NULL") != 0) {
		drv_text_addf(&f->line, "column %s.%s default", v[0], v[1]);
		sql_add(f, v[4]);
		status = keep(f);
	}
	if (status == DUNLIN_OK && v[5]) {
		drv_text_addf(&f->line, "column %s.%s collate %s", v[0], v[1], v[5]);
		status = keep(f);
	}
	if (status == DUNLIN_OK && v[6] && *v[6]) {
		drv_text_addf(&f->line, "column %s.%s ", v[0], v[1]);
		lower_add(&f->line, v[6]);
		status = keep(f);
	}
	if (status == DUNLIN_OK && v[7]) {
		drv_text_addf(&f->line, "column %s.%s as (", v[0], v[1]);
		sql_add(f, v[7]);
		drv_text_adds(&f->line, ")");
		status = keep(f);
	}
	if (status == DUNLIN_OK && v[8] && *v[8]) {
		drv_text_addf(&f->line, "column %s.%s comment '%s'", v[0], v[1], v[8]);
		status = keep(f);
	}
	return status;
}

/* table, index, columns, non_unique, type, comment, ignored */
static int index_fact(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	if (is_ignored(f, v[0]))
		return DUNLIN_OK;
	if (strcmp(v[1], "PRIMARY") == 0) {
		drv_text_addf(&f->line, "primary-key %s (%s)", v[0], v[2]);
		return keep(f);
	}
	drv_text_addf(&f->line, "index %s on %s (%s)", v[1], v[0], v[2]);
	if (strcmp(v[3], "0") == 0)
		drv_text_adds(&f->line, " unique");
	if (strcmp(v[4], "BTREE") != 0) {
		drv_text_adds(&f->line, " ");
		lower_add(&f->line, v[4]);
	}
	if (v[6] && strcmp(v[6], "YES") == 0)
		drv_text_adds(&f->line, " ignored");
	if (v[5] && *v[5])
		drv_text_addf(&f->line, " comment '%s'", v[5]);
	return keep(f);
}

/* table, columns, referenced schema or NULL, table, columns, update, delete */
static int foreign_key(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	if (is_ignored(f, v[0]))
		return DUNLIN_OK;
	drv_text_addf(&f->line, "foreign-key %s (%s) references %s%s%s (%s) on update ", v[0], v[1], v[2] ? v[2] : "",
	              v[2] ? "." : "", v[3], v[4]);
	lower_add(&f->line, v[5]);
	drv_text_adds(&f->line, " on delete ");
	lower_add(&f->line, v[6]);
	return keep(f);
}

/* table, clause */
static int check(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	if (is_ignored(f, v[0]))
		return DUNLIN_OK;
	drv_text_addf(&f->line, "check %s (", v[0]);
	sql_add(f, v[1]);
	drv_text_adds(&f->line, ")");
	return keep(f);
}

/* table, partition, method, expression, description, subpartition */
static int partition(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	if (is_ignored(f, v[0]))
		return DUNLIN_OK;
	drv_text_addf(&f->line, "partition %s.%s%s%s by ", v[0], v[1], v[5] ? "." : "", v[5] ? v[5] : "");
	lower_add(&f->line, v[2]);
	drv_text_adds(&f->line, " (");
	sql_add(f, v[3] ? v[3] : "");
	drv_text_addf(&f->line, ")%s%s", v[4] ? " values " : "", v[4] ? v[4] : "");
	return keep(f);
}

/* --- the rest ------------------------------------------------------------------------------- */

/* name, definition, check option, security, algorithm */
static int view(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	if (is_ignored(f, v[0]))
		return DUNLIN_OK;
	drv_text_addf(&f->line, "view %s", v[0]);
	if (v[3] && strcmp(v[3], "INVOKER") == 0)
		drv_text_adds(&f->line, " security invoker");
	if (v[4] && strcmp(v[4], "UNDEFINED") != 0) {
		drv_text_adds(&f->line, " algorithm ");
		lower_add(&f->line, v[4]);
	}
	drv_text_adds(&f->line, " as");
	sql_add(f, v[1] ? v[1] : "");
	if (v[2] && strcmp(v[2], "NONE") != 0) {
		drv_text_adds(&f->line, " with check option ");
		lower_add(&f->line, v[2]);
	}
	return keep(f);
}

/* name, timing, event, table, statement; order matters where several stand at one point */
static int trigger(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	if (is_ignored(f, v[3]))
		return DUNLIN_OK;
	drv_text_addf(&f->line, "trigger %s ", v[0]);
	lower_add(&f->line, v[1]);
	drv_text_adds(&f->line, " ");
	lower_add(&f->line, v[2]);
	drv_text_addf(&f->line, " on %s%s%s as", v[3], v[5] ? " order " : "", v[5] ? v[5] : "");
	sql_add(f, v[4] ? v[4] : "");
	return keep(f);
}

/* kind, name, parameters, returns, characteristics, body */
static int routine(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	lower_add(&f->line, v[0]);
	drv_text_addf(&f->line, " %s (%s)", v[1], v[2] ? v[2] : "");
	if (v[3] && *v[3])
		drv_text_addf(&f->line, " returns %s", v[3]);
	if (v[4] && *v[4]) {
		drv_text_adds(&f->line, " ");
		lower_add(&f->line, v[4]);
	}
	drv_text_adds(&f->line, " as");
	sql_add(f, v[5] ? v[5] : "");
	return keep(f);
}

/* name, schedule, status, completion, definition */
static int event(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	drv_text_addf(&f->line, "event %s ", v[0]);
	lower_add(&f->line, v[1]);
	drv_text_adds(&f->line, " ");
	lower_add(&f->line, v[2]);
	drv_text_adds(&f->line, " on completion ");
	lower_add(&f->line, v[3]);
	drv_text_adds(&f->line, " as");
	sql_add(f, v[4] ? v[4] : "");
	return keep(f);
}

static int sequence(void *arg, int n, const char *const *v, const size_t *len)
{
	struct facts *f = arg;

	(void)n;
	(void)len;
	drv_text_adds(&f->line, v[0]);
	return keep(f);
}

static int sequences(struct facts *f)
{
	struct drv_text sql = { 0 };
	int status = DUNLIN_OK;
	size_t at;

	for (at = 0; status == DUNLIN_OK && at < f->names.len; at += strlen(f->names.p + at) + 1) {
		drv_text_reset(&sql);
		drv_text_adds(&sql, "SELECT concat('sequence ', ");
		my_literal(&sql, f->names.p + at, strlen(f->names.p + at));
		drv_text_adds(&sql, ", ' start ', start_value, ' increment ', increment, ' minimum ', minimum_value, ' maximum ', "
		              "maximum_value, ' cache ', cache_size, if(cycle_option, ' cycle', '')) FROM ");
		my_name(&sql, f->names.p + at, strlen(f->names.p + at));
		status = sql.is_failed ? drv_nomem(f->err) : each(f, sql.p, sequence);
	}
	drv_text_clear(&sql);
	return status;
}

/* --- all of it --------------------------------------------------------------------------------- */

static const struct { my_row_fn *row; const char *sql; } queries[] = {
	{ table, "SELECT table_name, table_type, engine, table_collation, "
	         "trim(replace(create_options, 'partitioned', '')), table_comment "
	         "FROM information_schema.tables WHERE table_schema = database()" },
	{ column, "SELECT c.table_name, c.column_name, c.column_type, c.is_nullable, c.column_default, "
	          "if(c.collation_name <> t.table_collation, c.collation_name, NULL), c.extra, c.generation_expression, "
	          "c.column_comment FROM information_schema.columns c JOIN information_schema.tables t "
	          "ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
	          "WHERE c.table_schema = database() AND t.table_schema = database() "
	          "AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')" },
	{ index_fact, "SELECT table_name, index_name, group_concat(concat(coalesce(column_name, '?'), "
	              "if(sub_part IS NULL, '', concat('(', sub_part, ')')), if(collation = 'D', ' desc', '')) "
	              "ORDER BY seq_in_index SEPARATOR ', '), max(non_unique), max(index_type), max(index_comment), max(%s) "
	              "FROM information_schema.statistics WHERE table_schema = database() GROUP BY table_name, index_name" },
	{ foreign_key, "SELECT k.table_name, group_concat(k.column_name ORDER BY k.ordinal_position SEPARATOR ', '), "
	               "nullif(max(k.referenced_table_schema), database()), max(k.referenced_table_name), "
	               "group_concat(k.referenced_column_name ORDER BY k.ordinal_position SEPARATOR ', '), max(r.update_rule), "
	               "max(r.delete_rule) FROM information_schema.key_column_usage k "
	               "JOIN information_schema.referential_constraints r ON r.constraint_schema = k.table_schema "
	               "AND r.table_name = k.table_name AND r.constraint_name = k.constraint_name "
	               "WHERE k.table_schema = database() AND r.constraint_schema = database() "
	               "GROUP BY k.table_name, k.constraint_name" },
	{ check, "SELECT table_name, check_clause FROM information_schema.check_constraints "
	         "WHERE constraint_schema = database()" },
	{ partition, "SELECT table_name, partition_name, partition_method, partition_expression, partition_description, "
	             "subpartition_name FROM information_schema.partitions "
	             "WHERE table_schema = database() AND partition_name IS NOT NULL" },
	{ view, "SELECT table_name, view_definition, check_option, security_type, algorithm FROM information_schema.views "
	        "WHERE table_schema = database()" },
	{ trigger, "SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_statement, "
	           "if(action_order > 1, action_order, NULL) FROM information_schema.triggers "
	           "WHERE event_object_schema = database()" },
	{ routine, "SELECT r.routine_type, r.routine_name, (SELECT group_concat(concat_ws(' ', lower(p.parameter_mode), "
	           "p.parameter_name, p.dtd_identifier) ORDER BY p.ordinal_position SEPARATOR ', ') "
	           "FROM information_schema.parameters p WHERE p.specific_schema = r.routine_schema "
	           "AND p.specific_name = r.specific_name AND p.routine_type = r.routine_type AND p.ordinal_position > 0), "
	           "r.dtd_identifier, concat_ws(' ', if(r.is_deterministic = 'YES', 'deterministic', NULL), "
	           "nullif(r.sql_data_access, 'CONTAINS SQL'), if(r.security_type = 'INVOKER', 'security invoker', NULL)), "
	           "r.routine_definition FROM information_schema.routines r WHERE r.routine_schema = database()" },
	{ event, "SELECT event_name, if(event_type = 'RECURRING', concat_ws(' ', 'every', interval_value, interval_field), "
	         "concat_ws(' ', 'at', execute_at)), status, on_completion, event_definition FROM information_schema.events "
	         "WHERE event_schema = database()" },
};

static int collect(struct facts *f)
{
	struct drv_text sql = { 0 };
	int status = DUNLIN_OK;
	size_t i;

	for (i = 0; i < sizeof queries / sizeof *queries && status == DUNLIN_OK; i++) {
		const char *at = strstr(queries[i].sql, "%s"); /* a column of newer servers */

		drv_text_reset(&sql);
		drv_text_adds(&sql, "SET STATEMENT group_concat_max_len = 1048576 FOR "); /* no list is cut */
		drv_text_add(&sql, queries[i].sql, at ? (size_t)(at - queries[i].sql) : strlen(queries[i].sql));
		if (at)
			drv_text_adds(&sql, f->c->server.number >= 100600 ? "ignored" : "'NO'");
		if (at)
			drv_text_adds(&sql, at + 2);
		status = sql.is_failed ? drv_nomem(f->err) : each(f, sql.p, queries[i].row);
	}
	drv_text_clear(&sql);
	return status == DUNLIN_OK ? sequences(f) : status;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int my_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact, void *arg,
                struct dunlin_driver_error *err)
{
	struct facts f = { .c = c, .ignore = ignore, .n_ignore = n_ignore, .err = err };
	int status = my_enter(c, err);
	size_t i;

	if (status == DUNLIN_OK)
		status = collect(&f);
	if (f.n > 1)
		qsort(f.fact, f.n, sizeof *f.fact, compare);
	for (i = 0; i < f.n && status == DUNLIN_OK; i++)
		if (i == 0 || strcmp(f.fact[i - 1], f.fact[i]) != 0)
			status = fact(arg, f.fact[i], strlen(f.fact[i]));
	for (i = 0; i < f.n; i++)
		drv_free(f.fact[i]);
	drv_free(f.fact);
	drv_text_clear(&f.line);
	drv_text_clear(&f.body);
	drv_text_clear(&f.names);
	return status;
}
