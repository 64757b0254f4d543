/*
 * prepared.c - which statements of the ledger's own are prepared on a connection.
 *
 * A run writes the same few statements for each migration; parsing and planning
 * them costs the server more than running them.  A file may deallocate what is
 * here behind our back (in a function even), so only what is sent before a
 * file's unusual statement, or after the reset that follows it, goes by name;
 * a name is never used twice.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "pipeline.h"

#define MAX_PREPARED 24

struct entry {
	char    *sql, *text; /* as given, and as it is sent */
	size_t   len;
	int64_t  expect_rows;
	unsigned n_used;
	int      is_there;
	int      is_of_part; /* prepared in the part that is being sent */
	char     name[24];
};

struct pg_prepared {
	struct entry entry[MAX_PREPARED];
	size_t   n;
	unsigned last_name;
};

static int is_write(const char *sql, size_t len)
{
	const char *p = sql;
	struct drv_token t = drv_token_next(PG_LEX, &p, sql + len);

	return drv_token_is(&t, "INSERT") || drv_token_is(&t, "UPDATE") || drv_token_is(&t, "DELETE");
}

/* The COMMIT behind it is under way already when its tag arrives, so the server
 * itself must refuse. */
int pg_expect_rows(struct drv_text *out, const char *sql, size_t len, int64_t n)
{
	drv_text_reset(out);
	if (n < 0 || !is_write(sql, len)) {
		drv_text_add(out, sql, len);
	} else {
		drv_text_adds(out, "WITH written AS (");
		drv_text_add(out, sql, len);
		drv_text_addf(out, " RETURNING 1) SELECT 1 / CASE count(*) WHEN %lld THEN 1 ELSE 0 END FROM written", (long long)n);
	}
	return out->is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

static void entry_clear(struct entry *e)
{
	drv_free(e->sql);
	drv_free(e->text);
	memset(e, 0, sizeof *e);
}

static struct entry *find(struct pg_prepared *s, const char *sql, size_t len, int64_t expect_rows)
{
	for (size_t i = 0; i < s->n; i++) {
		struct entry *e = &s->entry[i];

		if (e->len == len && e->expect_rows == expect_rows && memcmp(e->sql, sql, len) == 0)
			return e;
	}
	return NULL;
}

static struct entry *add(struct pg_prepared *s, const char *sql, size_t len, int64_t expect_rows)
{
	struct entry *e = s->n < MAX_PREPARED ? &s->entry[s->n] : NULL;
	struct drv_text text = { 0 };

	if (!e)
		return NULL;
	e->sql = drv_strndup(sql, len);
	e->len = len;
	e->expect_rows = expect_rows;
	if (!e->sql || pg_expect_rows(&text, sql, len, expect_rows) != DUNLIN_OK) {
		drv_text_clear(&text);
		entry_clear(e);
		return NULL;
	}
	e->text = text.p;
	s->n++;
	return e;
}

const char *pg_prepared_name(struct dunlin_conn *c, const char *sql, size_t len, int64_t expect_rows, int *is_new,
                             const char **text)
{
	struct entry *e;

	*is_new = 0;
	*text = NULL;
	if (c->is_adopted) /* its names are the application's */
		return "";
	if (!c->prepared)
		c->prepared = drv_zalloc(sizeof *c->prepared);
	if (!c->prepared)
		return "";
	e = find(c->prepared, sql, len, expect_rows);
	if (!e)
		e = add(c->prepared, sql, len, expect_rows);
	if (!e || (!e->is_there && ++e->n_used < 2))
		return "";
	if (!e->is_there) {
		snprintf(e->name, sizeof e->name, "dunlin_%u", ++c->prepared->last_name);
		e->is_there = e->is_of_part = *is_new = 1;
	}
	*text = e->text;
	return e->name;
}

void pg_prepared_mark(struct dunlin_conn *c)
{
	for (size_t i = 0; c->prepared && i < c->prepared->n; i++)
		c->prepared->entry[i].is_of_part = 0;
}

void pg_prepared_revert(struct dunlin_conn *c)
{
	for (size_t i = 0; c->prepared && i < c->prepared->n; i++)
		if (c->prepared->entry[i].is_of_part)
			c->prepared->entry[i].is_there = 0;
}

void pg_prepared_forget(struct dunlin_conn *c)
{
	for (size_t i = 0; c->prepared && i < c->prepared->n; i++)
		c->prepared->entry[i].is_there = 0;
}

void pg_prepared_free(struct dunlin_conn *c)
{
	for (size_t i = 0; c->prepared && i < c->prepared->n; i++)
		entry_clear(&c->prepared->entry[i]);
	drv_free(c->prepared);
	c->prepared = NULL;
}
