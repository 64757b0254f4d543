/*
 * target.c - which objects a statement makes, changes, drops or renames.
 *
 * It need not know all of SQL: of what it does not understand it says so, and
 * then nothing is proven by looking.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "my_catalog.h"

struct cursor {
	const char *p, *end;
	struct drv_token t;      /* the token at hand */
};

static void next(struct cursor *c)
{
	c->t = drv_token_next(MY_LEX, &c->p, c->end);
}

static int is(const struct cursor *c, const char *word)
{
	return drv_token_is(&c->t, word);
}

static int take(struct cursor *c, const char *word)
{
	if (!is(c, word))
		return 0;
	next(c);
	return 1;
}

static int is_name(const struct cursor *c)
{
	return c->t.kind == DRV_TOKEN_WORD || c->t.kind == DRV_TOKEN_NAME;
}

/* IF EXISTS, IF NOT EXISTS */
static void skip_if(struct cursor *c)
{
	if (!take(c, "IF"))
		return;
	take(c, "NOT");
	take(c, "EXISTS");
}

/* --- names --------------------------------------------------------------------------- */

static struct my_object *add(struct my_target *t, int kind)
{
	struct my_object *o;

	if (drv_grow(&t->object, &t->cap, t->n + 1, sizeof *t->object) < 0)
		return NULL;
	o = &t->object[t->n++];
	memset(o, 0, sizeof *o);
	o->kind = kind;
	return o;
}

static int read_name(struct my_target *t, struct cursor *c, int kind)
{
	struct my_object *o;

	if (!is_name(c))
		return DUNLIN_ENOTSUP;
	o = add(t, kind);
	if (!o)
		return DUNLIN_ENOMEM;
	drv_token_name(&c->t, &o->name);
	next(c);
	if (take(c, ".")) {
		struct drv_text first = o->name;

		if (!is_name(c) || kind == MY_DATABASE)
			return DUNLIN_ENOTSUP;
		o->name = o->schema;
		o->schema = first;
		drv_token_name(&c->t, &o->name);
		next(c);
	}
	return o->name.is_failed || o->schema.is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

static int read_list(struct my_target *t, struct cursor *c, int kind)
{
	int rc;

	do
		rc = read_name(t, c, kind);
	while (rc == DUNLIN_OK && take(c, ","));
	return rc;
}

/* --- statements ---------------------------------------------------------------------- */

/* ALTER TABLE of which nothing can be seen, or less than it does.  The counter
 * AUTO_INCREMENT = n goes on by itself, and proves nothing. */
static int is_unseen(const struct cursor *from)
{
	static const char *const pairs[][2] = {
		{ "EXCHANGE", "PARTITION" }, { "TRUNCATE", "PARTITION" }, { "DISCARD", "TABLESPACE" },
		{ "DISCARD", "PARTITION" }, { "IMPORT", "TABLESPACE" }, { "IMPORT", "PARTITION" },
		{ "PERIOD", "FOR" }, { "AUTO_INCREMENT", "=" },
	};
	struct cursor c = *from;
	size_t i;

	while (c.t.kind != DRV_TOKEN_END) {
		struct drv_token before = c.t;

		next(&c);
		for (i = 0; i < sizeof pairs / sizeof *pairs; i++)
			if (drv_token_is(&before, pairs[i][0]) && is(&c, pairs[i][1]))
				return 1;
		if (drv_token_is(&before, "AUTO_INCREMENT") && c.t.kind == DRV_TOKEN_WORD && c.t.p[0] >= '0' && c.t.p[0] <= '9')
			return 1;
	}
	return 0;
}

/* ON SCHEDULE AT: such an event goes away by itself. */
static int is_passing(const struct cursor *from)
{
	struct cursor c = *from;

	for (; c.t.kind != DRV_TOKEN_END; next(&c))
		if (is(&c, "SCHEDULE")) {
			next(&c);
			return is(&c, "AT");
		}
	return 0;
}

/* .. RENAME [TO | AS | =] name, which is not RENAME COLUMN, INDEX or KEY */
static int find_rename(struct my_target *t, const struct cursor *from, int kind)
{
	struct cursor c = *from;
	int depth = 0;

	for (; c.t.kind != DRV_TOKEN_END; next(&c)) {
		depth += is(&c, "(") - is(&c, ")");
		if (depth > 0 || !is(&c, "RENAME"))
			continue;
		next(&c);
		if (is(&c, "COLUMN") || is(&c, "INDEX") || is(&c, "KEY"))
			continue;
		if (!take(&c, "TO") && !take(&c, "AS"))
			take(&c, "=");
		return read_name(t, &c, kind);
	}
	return DUNLIN_OK;
}

static int alter_table(struct my_target *t, struct cursor *c)
{
	int rc;

	skip_if(c);
	rc = read_name(t, c, MY_TABLE);
	t->facet = MY_WHOLE;
	t->is_temporary_possible = 1;
	if (rc == DUNLIN_OK && is_unseen(c))
		rc = DUNLIN_ENOTSUP;
	return rc == DUNLIN_OK ? find_rename(t, c, MY_TABLE) : rc;
}

static int rename_tables(struct my_target *t, struct cursor *c)
{
	int rc;

	t->is_temporary_possible = 1;
	t->is_rename = 1;
	do {
		skip_if(c);
		rc = read_name(t, c, MY_TABLE);
		if (rc == DUNLIN_OK && (take(c, "WAIT") || take(c, "NOWAIT")) && !is(c, "TO"))
			next(c);
		if (rc == DUNLIN_OK && !take(c, "TO"))
			rc = DUNLIN_ENOTSUP;
		if (rc == DUNLIN_OK)
			rc = read_name(t, c, MY_TABLE);
	} while (rc == DUNLIN_OK && take(c, ","));
	/* Two tables may change places: what they are tells more than that they are. */
	t->facet = MY_WHOLE;
	return rc;
}

/* CREATE [UNIQUE ..] INDEX i .. ON t (, DROP INDEX i ON t */
static int index_of(struct my_target *t, struct cursor *c)
{
	while (c->t.kind != DRV_TOKEN_END && !is(c, "ON") && !is(c, "("))
		next(c);
	t->facet = MY_INDEXES;
	t->is_temporary_possible = 1;
	return take(c, "ON") ? read_name(t, c, MY_TABLE) : DUNLIN_ENOTSUP;
}

/* user@host, 'user'@'host', role */
static int read_users(struct my_target *t, struct cursor *c)
{
	do {
		struct my_object *o;

		if (!is_name(c) && c->t.kind != DRV_TOKEN_STRING)
			return DUNLIN_ENOTSUP;
		o = add(t, MY_USER);
		if (!o)
			return DUNLIN_ENOMEM;
		drv_token_name(&c->t, &o->name);
		next(c);
		if (take(c, "@")) {
			drv_token_name(&c->t, &o->schema);
			next(c);
		} else {
			drv_text_add(&o->schema, "%", 1);
		}
		if (o->name.is_failed || o->schema.is_failed)
			return DUNLIN_ENOMEM;
		if (drv_token_is(&c->t, "(")) /* CURRENT_USER() */
			return DUNLIN_ENOTSUP;
	} while (take(c, ","));
	/* What follows a name (its password) ends the list, and is not looked at. */
	return c->t.kind == DRV_TOKEN_END || t->n == 1 ? DUNLIN_OK : DUNLIN_ENOTSUP;
}

/* Between CREATE and the kind of object stand words with values. */
static void skip_options(struct cursor *c)
{
	for (;;) {
		if (take(c, "OR")) {
			take(c, "REPLACE");
		} else if (take(c, "DEFINER")) {
			take(c, "=");
			next(c);
			if (take(c, "@"))
				next(c);
			if (take(c, "("))
				take(c, ")");
		} else if (take(c, "ALGORITHM")) {
			take(c, "=");
			next(c);
		} else if (take(c, "SQL")) {
			take(c, "SECURITY");
			next(c);
		} else if (!take(c, "UNIQUE") && !take(c, "FULLTEXT") && !take(c, "SPATIAL") && !take(c, "AGGREGATE") &&
		           !take(c, "ONLINE") && !take(c, "OFFLINE") && !take(c, "IGNORE")) {
			return;
		}
	}
}

enum verb { CREATE, ALTER, DROP };

static int one_or_list(struct my_target *t, struct cursor *c, enum verb verb, int kind)
{
	int rc;

	skip_if(c);
	if (verb != DROP)
		return read_name(t, c, kind);
	rc = read_list(t, c, kind);
	t->is_list = t->n > 1;
	return rc;
}

static int of_kind(struct my_target *t, struct cursor *c, enum verb verb)
{
	if (take(c, "TABLE") || take(c, "TABLES")) {
		if (verb == ALTER)
			return alter_table(t, c);
		t->is_temporary_possible = verb == DROP;
		return one_or_list(t, c, verb, MY_TABLE);
	}
	if (take(c, "INDEX"))
		return index_of(t, c);
	if (take(c, "SEQUENCE")) /* its numbers are not in the catalog */
		return verb == ALTER ? DUNLIN_ENOTSUP : one_or_list(t, c, verb, MY_TABLE);
	if (take(c, "VIEW"))
		return one_or_list(t, c, verb, MY_VIEW);
	if (take(c, "TRIGGER"))
		return one_or_list(t, c, verb, MY_TRIGGER);
	if (take(c, "PROCEDURE"))
		return one_or_list(t, c, verb, MY_PROCEDURE);
	if (take(c, "FUNCTION"))
		return one_or_list(t, c, verb, MY_FUNCTION);
	if (take(c, "PACKAGE"))
		return one_or_list(t, c, verb, take(c, "BODY") ? MY_PACKAGE_BODY : MY_PACKAGE);
	if (take(c, "EVENT")) {
		int rc = one_or_list(t, c, verb, MY_EVENT);

		if (rc == DUNLIN_OK && verb != DROP && is_passing(c))
			rc = DUNLIN_ENOTSUP;
		return rc == DUNLIN_OK && verb == ALTER ? find_rename(t, c, MY_EVENT) : rc;
	}
	if (take(c, "DATABASE") || take(c, "SCHEMA"))
		return one_or_list(t, c, verb, MY_DATABASE);
	if (verb != ALTER && take(c, "USER")) { /* a role is not seen by all who may make it */
		int rc;

		skip_if(c);
		rc = read_users(t, c);
		t->is_list = t->n > 1;
		return rc;
	}
	return DUNLIN_ENOTSUP;
}

/* A loadable function is not in the catalog of routines. */
static int is_loadable(const struct cursor *from)
{
	struct cursor c = *from;

	for (; c.t.kind != DRV_TOKEN_END; next(&c))
		if (is(&c, "SONAME"))
			return 1;
	return 0;
}

int my_target_read(struct my_target *t, const char *sql, size_t len)
{
	struct cursor c = { sql, sql + len, { 0 } };
	int rc = DUNLIN_ENOTSUP;

	memset(t, 0, sizeof *t);
	next(&c);
	if (take(&c, "SET") && take(&c, "STATEMENT"))
		while (c.t.kind != DRV_TOKEN_END && !take(&c, "FOR"))
			next(&c);
	if (take(&c, "RENAME")) {
		if (take(&c, "TABLE") || take(&c, "TABLES"))
			rc = rename_tables(t, &c);
	} else {
		enum verb verb = is(&c, "ALTER") ? ALTER : is(&c, "DROP") ? DROP : CREATE;

		if (take(&c, "CREATE") || take(&c, "ALTER") || take(&c, "DROP")) {
			skip_options(&c);
			if (!is(&c, "TEMPORARY") && !(is(&c, "FUNCTION") && is_loadable(&c)))
				rc = of_kind(t, &c, verb);
		}
	}
	if (rc == DUNLIN_OK && t->n == 0)
		rc = DUNLIN_ENOTSUP;
	if (rc != DUNLIN_OK)
		my_target_clear(t);
	return rc;
}

void my_target_clear(struct my_target *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		drv_text_clear(&t->object[i].schema);
		drv_text_clear(&t->object[i].name);
	}
	drv_free(t->object);
	memset(t, 0, sizeof *t);
}
