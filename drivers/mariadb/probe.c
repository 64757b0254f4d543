/*
 * probe.c - whether the effect of a statement is there: an expression over
 * information_schema that the server evaluates, in place or for a query.
 *
 * The answer is a digest of the objects that the statement names, as far as the
 * statement can change them.  What changes by itself (counters, sizes, when an
 * event ran last) is left out: it would prove what did not happen.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "my_catalog.h"

struct writing {
	struct dunlin_conn *c;
	struct drv_text out;
	const char *schema; /* in use; "" for none */
};

/* A name as a literal of the catalog's own character set, so that the server
 * goes to that object and does not read them all. */
static void literal(struct drv_text *out, const char *s, size_t n)
{
	size_t i;

	drv_text_adds(out, "_utf8mb3 x'");
	for (i = 0; i < n; i++)
		drv_text_addf(out, "%02x", (unsigned char)s[i]);
	drv_text_add(out, "'", 1);
}

static void text(struct drv_text *out, const struct drv_text *t)
{
	literal(out, t->p ? t->p : "", t->len);
}

static void schema_of(struct writing *w, const struct my_object *o)
{
	if (o->schema.len)
		text(&w->out, &o->schema);
	else
		literal(&w->out, w->schema, strlen(w->schema));
}

/* WHERE .. of an object whose schema and name stand in these columns. */
static void where(struct writing *w, const struct my_object *o, const char *schema, const char *name)
{
	drv_text_addf(&w->out, " WHERE %s = ", schema);
	schema_of(w, o);
	drv_text_addf(&w->out, " AND %s = ", name);
	text(&w->out, &o->name);
}

static void exists(struct writing *w, const struct my_object *o, const char *table, const char *schema, const char *name)
{
	drv_text_addf(&w->out, "(SELECT count(*) FROM information_schema.%s", table);
	where(w, o, schema, name);
	drv_text_add(&w->out, ")", 1);
}

/* Rows in any order: their number, and their digests together.  group_concat()
 * would be cut where a setting says so. */
static void rows(struct writing *w, const struct my_object *o, const char *columns, const char *table,
                 const char *schema, const char *name)
{
	drv_text_addf(&w->out, "(SELECT concat(count(*), '.', hex(coalesce(bit_xor(cast(conv(left(md5(concat_ws(',', %s)), 16), "
	              "16, 10) AS unsigned)), 0))) FROM information_schema.%s", columns, table);
	where(w, o, schema, name);
	drv_text_add(&w->out, ")", 1);
}

static void indexes(struct writing *w, const struct my_object *o)
{
	rows(w, o, w->c->server.number >= 100600
	     ? "quote(index_name), non_unique, seq_in_index, quote(column_name), quote(collation), quote(sub_part), index_type, "
	       "quote(index_comment), ignored"
	     : "quote(index_name), non_unique, seq_in_index, quote(column_name), quote(collation), quote(sub_part), index_type, "
	       "quote(index_comment)", "statistics", "table_schema", "table_name");
}

static void whole_table(struct writing *w, const struct my_object *o)
{
	rows(w, o, "quote(table_type), quote(engine), quote(row_format), quote(table_collation), quote(create_options), "
	     "quote(table_comment)", "tables", "table_schema", "table_name");
	drv_text_adds(&w->out, ", ");
	rows(w, o, "quote(column_name), ordinal_position, quote(column_default), is_nullable, quote(column_type), "
	     "quote(character_set_name), quote(collation_name), quote(extra), quote(column_comment), quote(is_generated), "
	     "quote(generation_expression)", "columns", "table_schema", "table_name");
	drv_text_adds(&w->out, ", ");
	indexes(w, o);
	drv_text_adds(&w->out, ", ");
	rows(w, o, "quote(constraint_name), quote(column_name), ordinal_position, quote(referenced_table_schema), "
	     "quote(referenced_table_name), quote(referenced_column_name)", "key_column_usage", "table_schema", "table_name");
	drv_text_adds(&w->out, ", ");
	rows(w, o, "quote(constraint_name), update_rule, delete_rule, match_option", "referential_constraints",
	     "constraint_schema", "table_name");
	drv_text_adds(&w->out, ", ");
	rows(w, o, "quote(constraint_name), quote(check_clause)", "check_constraints", "constraint_schema", "table_name");
	drv_text_adds(&w->out, ", ");
	rows(w, o, "quote(partition_name), quote(subpartition_name), quote(partition_ordinal_position), quote(partition_method), "
	     "quote(subpartition_method), quote(partition_expression), quote(partition_description), quote(partition_comment)",
	     "partitions", "table_schema", "table_name");
}

/* Only who may read mysql.* sees other users; then there are some. */
static void user(struct writing *w, const struct my_object *o)
{
	struct drv_text name = { 0 };

	drv_text_addf(&name, "'%s'@'%s'", o->name.p ? o->name.p : "", o->schema.p ? o->schema.p : "");
	drv_text_adds(&w->out, "(SELECT if(count(DISTINCT grantee) < 2, NULL, max(grantee = ");
	text(&w->out, &name);
	drv_text_adds(&w->out, ")) FROM information_schema.user_privileges)");
	w->out.is_failed |= name.is_failed;
	drv_text_clear(&name);
}

static void routine(struct writing *w, const struct my_object *o, const char *type)
{
	drv_text_addf(&w->out, "(SELECT coalesce(max(md5(concat_ws(',', quote(dtd_identifier), quote(routine_definition), "
	              "is_deterministic, sql_data_access, security_type, quote(sql_mode), quote(routine_comment), quote(definer)))), "
	              "'-') FROM information_schema.routines");
	where(w, o, "routine_schema", "routine_name");
	drv_text_addf(&w->out, " AND routine_type = '%s')", type);
}

/* One object: an expression, or several with commas between. */
static void object(struct writing *w, const struct my_object *o, int facet)
{
	switch (o->kind) {
	case MY_TABLE:
		if (facet == MY_IS_THERE)
			exists(w, o, "tables", "table_schema", "table_name");
		else if (facet == MY_INDEXES)
			indexes(w, o);
		else
			whole_table(w, o);
		break;
	case MY_VIEW:
		rows(w, o, "quote(view_definition), check_option, quote(definer), security_type, algorithm", "views", "table_schema",
		     "table_name");
		break;
	case MY_TRIGGER:
		exists(w, o, "triggers", "event_object_schema", "trigger_name");
		break;
	case MY_PROCEDURE:
		routine(w, o, "PROCEDURE");
		break;
	case MY_FUNCTION:
		routine(w, o, "FUNCTION");
		break;
	case MY_PACKAGE:
		routine(w, o, "PACKAGE");
		break;
	case MY_PACKAGE_BODY:
		routine(w, o, "PACKAGE BODY");
		break;
	case MY_EVENT:
		rows(w, o, "quote(definer), quote(time_zone), quote(event_definition), event_type, quote(execute_at), "
		     "quote(interval_value), quote(interval_field), quote(starts), quote(ends), status, on_completion, "
		     "quote(event_comment)", "events", "event_schema", "event_name");
		break;
	case MY_DATABASE:
		drv_text_adds(&w->out, "(SELECT coalesce(max(concat_ws(',', default_character_set_name, default_collation_name)), '-') "
		              "FROM information_schema.schemata WHERE schema_name = ");
		text(&w->out, &o->name);
		drv_text_add(&w->out, ")", 1);
		break;
	default:
		user(w, o);
		break;
	}
}

/* 1 where it is there, else 0. */
static void presence(struct writing *w, const struct my_object *o)
{
	switch (o->kind) {
	case MY_TABLE:
	case MY_VIEW:
		exists(w, o, "tables", "table_schema", "table_name");
		break;
	case MY_USER:
		user(w, o);
		break;
	default: /* of the others DROP takes one */
		drv_text_adds(&w->out, "NULL");
		break;
	}
}

/* Answers under another default schema, user or role do not compare. */
static void context(struct writing *w)
{
	drv_text_adds(&w->out, "left(md5(concat_ws(',', ");
	literal(&w->out, w->schema, strlen(w->schema));
	drv_text_adds(&w->out, ", current_user(), current_role())), 12)");
}

static const char *schema_text(const struct writing *w, const struct my_object *o)
{
	return o->schema.len ? o->schema.p : w->schema;
}

/* As the server compares them where it compares loosest: names that it takes
 * for different ones are looked at together then, which is safe. */
static int is_same_name(const struct writing *w, const struct my_object *a, const struct my_object *b)
{
	return a->kind == b->kind && strcasecmp(a->name.p, b->name.p) == 0 &&
	       strcasecmp(schema_text(w, a), schema_text(w, b)) == 0;
}

/* RENAME names a table that changes its place several times. */
static int is_repeated(const struct writing *w, const struct my_target *t, size_t i)
{
	const struct my_object *o = &t->object[i];
	size_t k;

	for (k = 0; k < i; k++)
		if (t->object[k].kind == o->kind && strcmp(t->object[k].name.p, o->name.p) == 0 &&
		    strcmp(schema_text(w, &t->object[k]), schema_text(w, o)) == 0)
			return 1;
	return 0;
}

/* Tables that change places among themselves: the same names are there before
 * and after. */
static int is_exchange(const struct writing *w, const struct my_target *t)
{
	size_t i, k;

	if (!t->is_rename)
		return 0;
	for (i = 0; i < t->n; i++) {
		size_t first = i, last = i;

		for (k = 0; k < t->n; k++)
			if (is_same_name(w, &t->object[k], &t->object[i])) {
				if (k < first)
					first = k;
				last = k;
			}
		/* Even: an old name, which is there and goes; odd: a new one. */
		if ((first % 2 == 0) != (last % 2 == 1))
			return 0;
	}
	return 1;
}

/* Tables that look the same may have changed places, and nobody would see it. */
static void exchange(struct writing *w, const struct my_target *t)
{
	size_t i;
	int n = 0;

	drv_text_adds(&w->out, "(SELECT if(count(DISTINCT f) < count(*), NULL, "
	              "hex(bit_xor(cast(conv(left(md5(concat(k, ':', f)), 16), 16, 10) AS unsigned)))) FROM (");
	for (i = 0; i < t->n; i++) {
		if (i % 2 != 0 || is_repeated(w, t, i)) /* each table that moves is an old name somewhere */
			continue;
		drv_text_addf(&w->out, "%sSELECT %zu AS k, concat_ws(',', ", n++ ? " UNION ALL " : "", i);
		object(w, &t->object[i], t->facet);
		drv_text_adds(&w->out, ") AS f");
	}
	drv_text_adds(&w->out, ") AS t)");
}

static void write(struct writing *w, const struct my_target *t)
{
	size_t i;

	/* What turns out to be NULL cannot be told. */
	drv_text_adds(&w->out, "coalesce(concat(");
	context(w);
	drv_text_adds(&w->out, ", ':', ");
	if (t->is_list) {
		/* Several are not dropped as one: in between nobody knows. */
		drv_text_adds(&w->out, "elt(field(");
		for (i = 0; i < t->n; i++) {
			drv_text_adds(&w->out, i ? " + " : "");
			presence(w, &t->object[i]);
		}
		drv_text_addf(&w->out, ", 0, %zu), 'none', 'all')", t->n);
	} else if (is_exchange(w, t)) {
		exchange(w, t);
	} else {
		drv_text_adds(&w->out, "md5(concat(");
		for (i = 0; i < t->n; i++) {
			if (is_repeated(w, t, i))
				continue;
			drv_text_adds(&w->out, i ? ", ',', " : "");
			/* Several expressions are one row of a concat of their own. */
			drv_text_adds(&w->out, "concat('', ");
			object(w, &t->object[i], t->facet);
			drv_text_add(&w->out, ")", 1);
		}
		drv_text_adds(&w->out, "))");
	}
	drv_text_adds(&w->out, "), '')");
}

/* The schema that unqualified names mean in the file's session. */
static int schema_in_use(struct dunlin_conn *c, char *out, size_t size, struct dunlin_driver_error *err)
{
	if (c->session.is_dirty)
		return my_scalar(c, "SELECT database()", NULL, 0, out, size, err);
	snprintf(out, size, "%s", c->server.database);
	return DUNLIN_OK;
}

int my_probe_sql(struct dunlin_conn *c, const char *sql, size_t sql_len, char *expr, size_t expr_size,
                 struct dunlin_driver_error *err)
{
	char schema[sizeof c->server.database] = "";
	struct writing w = { .c = c, .schema = schema };
	struct my_target t;
	int status = my_target_read(&t, sql, sql_len);

	drv_error_clear(err);
	if (status == DUNLIN_ENOMEM)
		return drv_nomem(err);
	if (status != DUNLIN_OK)
		return status;
	if (t.is_temporary_possible && c->session.has_temp)
		status = DUNLIN_ENOTSUP; /* the catalog does not show those, and they would be meant */
	else
		status = schema_in_use(c, schema, sizeof schema, err);
	if (status == DUNLIN_OK) {
		write(&w, &t);
		if (w.out.is_failed)
			status = drv_nomem(err);
		else if (w.out.len >= expr_size)
			status = DUNLIN_ENOTSUP;
		else
			memcpy(expr, w.out.p, w.out.len + 1);
	}
	drv_text_clear(&w.out);
	my_target_clear(&t);
	return status;
}

int my_probe(struct dunlin_conn *c, const char *sql, size_t sql_len, char *answer, size_t answer_size,
             struct dunlin_driver_error *err)
{
	static const char verb[] = "SELECT ";
	const size_t size = 32768;
	char *query;
	int status = my_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	query = drv_alloc(size);
	if (!query)
		return drv_nomem(err);
	memcpy(query, verb, sizeof verb);
	status = my_probe_sql(c, sql, sql_len, query + sizeof verb - 1, size - sizeof verb, err);
	if (status == DUNLIN_OK)
		status = my_scalar(c, query, NULL, 0, answer, answer_size, err);
	if (status == DUNLIN_OK && !answer[0])
		status = DUNLIN_ENOTSUP;
	drv_free(query);
	return status;
}
