/*
 * probe.c - whether the effect of a statement is there.
 *
 * The answer is what the catalog says about just what the statement names: the
 * oid of an object that is made or dropped, the definition of a column that is
 * altered.  Not rows as a whole and never xmin or relfilenode, which change by
 * what others do: a changed answer must prove that this statement ran.  An index
 * that is not valid is not there yet, a partition that is detached by half is
 * still attached: both statements have to be sent again.
 *
 * It is asked again in another session, maybe days later, so the answer for a
 * name without a schema begins with the search path that it was looked for in.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "probe.h"

/* What the questions answer where the object cannot be told. */
#define UNKNOWN '!'

struct probe {
	struct dunlin_conn *c;
	struct drv_text text;      /* the answer                               */
	struct drv_text name, on;  /* as written                               */
	int is_unqualified;        /* the search path decided                  */
	struct dunlin_driver_error *err;
};

static int look(struct probe *b, const char *sql, const char *p1, const char *p2, const char *p3)
{
	const char *param[3] = { p1, p2, p3 };
	int n = p3 ? 3 : p2 ? 2 : 1, status;
	char value[PG_PROBE_VALUE] = "";

	if (b->name.is_failed || b->on.is_failed)
		return drv_nomem(b->err);
	status = pg_scalar(b->c, sql, param, n, value, sizeof value, b->err);
	if (status != DUNLIN_OK)
		return status;
	if (value[0] == UNKNOWN)
		return DUNLIN_ENOTSUP;
	drv_text_addf(&b->text, "%s%s", b->text.len ? ", " : "", value[0] ? value : "absent");
	return DUNLIN_OK;
}

static void note_path(struct probe *b, const struct drv_text *name)
{
	if (name->p && !pg_words_is_qualified(name))
		b->is_unqualified = 1;
}

static int read_name(struct probe *b, struct pg_words *w, struct drv_text *out)
{
	if (!pg_words_name(w, out))
		return 0;
	note_path(b, out);
	return 1;
}

static const char *word_of(const struct drv_text *t)
{
	return t->p ? t->p : "";
}

/* --- CREATE and DROP ------------------------------------------------------------------- */

static const struct pg_probe_kind *read_kind(struct pg_words *w)
{
	const struct pg_probe_kind *k;

	for (k = pg_probe_kinds; k->words; k++)
		if (pg_words_take(w, k->words))
			return k;
	return NULL;
}

/* One object: its name, what it is on, arguments passed over. */
static int one(struct probe *b, struct pg_words *w, const struct pg_probe_kind *k, const char *sql)
{
	if (!pg_words_name(w, &b->name))
		return DUNLIN_ENOTSUP;
	if (!(k->flags & (PG_PROBE_GLOBAL | PG_PROBE_ON)))
		note_path(b, &b->name);
	pg_words_parens(w, NULL, NULL);
	if (!(k->flags & PG_PROBE_ON))
		return look(b, sql, word_of(&b->name), NULL, NULL);
	/* CREATE TRIGGER has its table far behind; nobody names a column ON. */
	while (!pg_words_is_end(w) && !pg_words_is(w, "ON") && !pg_words_is(w, "TO"))
		if (!pg_words_parens(w, NULL, NULL))
			pg_words_next(w);
	if (pg_words_take(w, "ON SELECT") || pg_words_take(w, "ON INSERT") || pg_words_take(w, "ON UPDATE") ||
	    pg_words_take(w, "ON DELETE")) { /* of a rule */
		if (!pg_words_take(w, "TO"))
			return DUNLIN_ENOTSUP;
	} else if (!pg_words_take(w, "ON")) {
		return DUNLIN_ENOTSUP;
	}
	if (!read_name(b, w, &b->on))
		return DUNLIN_ENOTSUP;
	return look(b, sql, word_of(&b->name), word_of(&b->on), NULL);
}

static int probe_create_index(struct probe *b, const struct pg_words *at)
{
	struct pg_index_words x = { 0 };
	struct pg_words w = *at;
	int status = DUNLIN_ENOTSUP;

	if (pg_words_create_index(&w, &x)) {
		note_path(b, &x.table);
		status = pg_index_words_failed(&x) ? drv_nomem(b->err)
			: x.name.len ? look(b, pg_probe_index_sql, x.name.p, x.table.p, NULL)
			: look(b, pg_probe_unnamed_index_sql, x.keys.p, x.table.p, NULL);
	}
	pg_index_words_clear(&x);
	return status;
}

static int probe_create(struct probe *b, struct pg_words *w)
{
	const struct pg_probe_kind *k;

	pg_words_take(w, "OR REPLACE");
	if (pg_words_is(w, "INDEX") || pg_words_is(w, "UNIQUE"))
		return probe_create_index(b, w);
	if (pg_words_is(w, "TEMP") || pg_words_is(w, "TEMPORARY") || pg_words_is(w, "LOCAL") || pg_words_is(w, "GLOBAL"))
		return DUNLIN_ENOTSUP; /* gone with its connection */
	if (!pg_words_take(w, "UNLOGGED") && !pg_words_take(w, "RECURSIVE"))
		pg_words_take(w, "CONSTRAINT"); /* TRIGGER */
	k = read_kind(w);
	if (!k || (k->flags & PG_PROBE_NO_CREATE))
		return DUNLIN_ENOTSUP;
	pg_words_take(w, "IF NOT EXISTS");
	if (pg_words_is(w, "AUTHORIZATION")) /* CREATE SCHEMA without a name */
		return DUNLIN_ENOTSUP;
	return one(b, w, k, k->state);
}

static int probe_drop(struct probe *b, struct pg_words *w)
{
	const struct pg_probe_kind *k;
	int status;

	if (pg_words_is(w, "OWNED"))
		return DUNLIN_ENOTSUP;
	k = read_kind(w);
	if (!k)
		return DUNLIN_ENOTSUP;
	pg_words_take(w, "CONCURRENTLY");
	pg_words_take(w, "IF EXISTS");
	while ((status = one(b, w, k, k->exists)) == DUNLIN_OK && pg_words_is(w, ","))
		pg_words_next(w);
	return status;
}

/* --- ALTER TABLE: each of its actions --------------------------------------------------- */

static int on_relation(struct probe *b, struct pg_words *w, const char *sql)
{
	if (!pg_words_name(w, &b->on))
		return DUNLIN_ENOTSUP;
	return look(b, sql, word_of(&b->name), word_of(&b->on), NULL);
}

static int is_constraint_word(const struct pg_words *w)
{
	return pg_words_is(w, "CHECK") || pg_words_is(w, "UNIQUE") || pg_words_is(w, "PRIMARY") || pg_words_is(w, "FOREIGN") ||
	       pg_words_is(w, "EXCLUDE");
}

static int action_add(struct probe *b, struct pg_words *w)
{
	if (pg_words_take(w, "CONSTRAINT"))
		return on_relation(b, w, pg_probe_constraint_sql);
	if (is_constraint_word(w)) /* its name is made up */
		return look(b, pg_probe_constraints_sql, word_of(&b->name), NULL, NULL);
	pg_words_take(w, "COLUMN");
	pg_words_take(w, "IF NOT EXISTS");
	return on_relation(b, w, pg_probe_column_sql);
}

static int action_drop(struct probe *b, struct pg_words *w)
{
	int is_constraint = pg_words_take(w, "CONSTRAINT");

	if (!is_constraint)
		pg_words_take(w, "COLUMN");
	pg_words_take(w, "IF EXISTS");
	return on_relation(b, w, is_constraint ? pg_probe_constraint_sql : pg_probe_column_sql);
}

static int action_rename(struct probe *b, struct pg_words *w)
{
	if (pg_words_is(w, "TO"))
		return look(b, pg_probe_relation_sql, word_of(&b->name), NULL, NULL);
	if (pg_words_take(w, "CONSTRAINT"))
		return on_relation(b, w, pg_probe_constraint_sql);
	pg_words_take(w, "COLUMN");
	return on_relation(b, w, pg_probe_column_sql);
}

static int action(struct probe *b, struct pg_words *w)
{
	if (pg_words_take(w, "ATTACH PARTITION") || pg_words_take(w, "DETACH PARTITION")) {
		if (!read_name(b, w, &b->on))
			return DUNLIN_ENOTSUP;
		return look(b, pg_probe_partition_sql, word_of(&b->name), word_of(&b->on), NULL);
	}
	if (pg_words_take(w, "ADD"))
		return action_add(b, w);
	if (pg_words_take(w, "DROP"))
		return action_drop(b, w);
	if (pg_words_take(w, "RENAME"))
		return action_rename(b, w);
	if (pg_words_take(w, "VALIDATE CONSTRAINT") || pg_words_take(w, "ALTER CONSTRAINT"))
		return on_relation(b, w, pg_probe_constraint_sql);
	if (pg_words_take(w, "ALTER")) {
		pg_words_take(w, "COLUMN");
		if (w->t.kind == DRV_TOKEN_WORD && w->t.p[0] >= '0' && w->t.p[0] <= '9') /* of an index */
			return look(b, pg_probe_relation_sql, word_of(&b->name), NULL, NULL);
		return on_relation(b, w, pg_probe_column_sql);
	}
	if (pg_words_is(w, "ENABLE") || pg_words_is(w, "DISABLE")) {
		struct pg_words at = *w;

		pg_words_next(&at);
		if (!pg_words_is(&at, "ROW"))
			return look(b, pg_probe_switches_sql, word_of(&b->name), NULL, NULL);
	}
	/* OWNER, SET, RESET, ROW SECURITY, REPLICA, INHERIT, OF, CLUSTER ... */
	return look(b, pg_probe_relation_sql, word_of(&b->name), NULL, NULL);
}

static int probe_alter_relation(struct probe *b, struct pg_words *w)
{
	int status;

	if (pg_words_is(w, "ALL")) /* IN TABLESPACE */
		return DUNLIN_ENOTSUP;
	pg_words_take(w, "IF EXISTS");
	pg_words_take(w, "ONLY");
	if (!read_name(b, w, &b->name))
		return DUNLIN_ENOTSUP;
	if (pg_words_is(w, "*"))
		pg_words_next(w);
	do {
		status = action(b, w);
		pg_words_to_comma(w);
		if (!pg_words_is(w, ","))
			break;
		pg_words_next(w);
	} while (status == DUNLIN_OK);
	return status;
}

static int has_password(struct pg_words w)
{
	for (; !pg_words_is_end(&w); pg_words_next(&w))
		if (pg_words_is(&w, "PASSWORD"))
			return 1;
	return 0;
}

static int probe_alter(struct probe *b, struct pg_words *w)
{
	const struct pg_probe_kind *k = read_kind(w);

	if (!k || !k->state || (k->flags & PG_PROBE_NO_ALTER))
		return DUNLIN_ENOTSUP;
	if (k->flags & PG_PROBE_RELATION)
		return probe_alter_relation(b, w);
	if ((k->flags & PG_PROBE_ROLE) && has_password(*w)) /* nobody may read it */
		return DUNLIN_ENOTSUP;
	return one(b, w, k, k->state);
}

/* --- the slot ----------------------------------------------------------------------------- */

/* What a file sets, or the role that it becomes, decides what a name stands for:
 * answers of different paths do not compare. */
static int add_path(struct dunlin_conn *c, struct drv_text *out, struct dunlin_driver_error *err)
{
	static const char sql[] = "SELECT pg_catalog.left(pg_catalog.md5(pg_catalog.current_schemas(false)::pg_catalog.text), 12)";
	char value[16] = "";
	int status = pg_scalar(c, sql, NULL, 0, value, sizeof value, err);

	if (status == DUNLIN_OK)
		drv_text_addf(out, "%s: ", value);
	return status;
}

static int probe(struct probe *b, const char *sql, size_t len)
{
	struct pg_words w;

	pg_words_start(&w, sql, len);
	if (pg_words_take(&w, "CREATE"))
		return probe_create(b, &w);
	if (pg_words_take(&w, "DROP"))
		return probe_drop(b, &w);
	if (pg_words_take(&w, "ALTER"))
		return probe_alter(b, &w);
	/* REINDEX, REFRESH, CLUSTER, VACUUM: done twice is done once, and what
	 * shows of them others change as well. */
	return DUNLIN_ENOTSUP;
}

int pg_probe(struct dunlin_conn *c, const char *sql, size_t sql_len, char *answer, size_t answer_size,
             struct dunlin_driver_error *err)
{
	struct probe b = { .c = c, .err = err };
	struct drv_text whole = { 0 };
	int status = pg_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	status = probe(&b, sql, sql_len);
	if (status == DUNLIN_OK && b.is_unqualified)
		status = add_path(c, &whole, err);
	drv_text_add(&whole, b.text.p ? b.text.p : "", b.text.len);
	if (status == DUNLIN_OK && (b.text.is_failed || whole.is_failed))
		status = drv_nomem(err);
	if (status == DUNLIN_OK && (!b.text.len || whole.len >= answer_size))
		status = DUNLIN_ENOTSUP;
	if (status == DUNLIN_OK)
		memcpy(answer, whole.p, whole.len + 1);
	drv_text_clear(&whole);
	drv_text_clear(&b.text);
	drv_text_clear(&b.name);
	drv_text_clear(&b.on);
	return status;
}
