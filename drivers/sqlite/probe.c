/*
 * probe.c - whether the effect of a CREATE, DROP or ALTER is there.
 *
 * The answer is the state of the object that the statement names, as a hash of
 * its text in sqlite_schema: it differs before and after, and that is all that
 * is asked of it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "sqlite_driver.h"

/* The object that a statement is about; of RENAME TO the old name, which goes. */
struct target {
	struct drv_text schema, name;
};

static int skip_words(const char **p, const char *end, struct drv_token *t, const char *const *words)
{
	size_t i;

	for (i = 0; words[i]; i++) {
		if (!drv_token_is(t, words[i]))
			return i > 0 ? -1 : 0;
		*t = drv_token_next(SQ_LEX, p, end);
	}
	return 1;
}

/* [schema.]name; t is its first token, and afterwards the one that follows. */
static int read_name(const char **p, const char *end, struct drv_token *t, struct target *g)
{
	if (t->kind != DRV_TOKEN_WORD && t->kind != DRV_TOKEN_NAME && t->kind != DRV_TOKEN_STRING)
		return -1;
	drv_token_name(t, &g->name);
	*t = drv_token_next(SQ_LEX, p, end);
	if (!drv_token_is(t, "."))
		return 0;
	*t = drv_token_next(SQ_LEX, p, end);
	drv_text_reset(&g->schema);
	drv_text_add(&g->schema, g->name.p, g->name.len);
	drv_token_name(t, &g->name);
	*t = drv_token_next(SQ_LEX, p, end);
	return 0;
}

static int read_target(const char *sql, size_t len, struct target *g)
{
	static const char *const if_not[] = { "IF", "NOT", "EXISTS", NULL }, *const if_is[] = { "IF", "EXISTS", NULL };
	const char *p = sql, *end = sql + len;
	struct drv_token verb = drv_token_next(SQ_LEX, &p, end), t = drv_token_next(SQ_LEX, &p, end);
	int is_create = drv_token_is(&verb, "CREATE");

	if (!is_create && !drv_token_is(&verb, "ALTER") && !drv_token_is(&verb, "DROP"))
		return -1;
	if (drv_token_is(&t, "TEMP") || drv_token_is(&t, "TEMPORARY")) /* gone with its connection */
		return -1;
	if (is_create && (drv_token_is(&t, "UNIQUE") || drv_token_is(&t, "VIRTUAL")))
		t = drv_token_next(SQ_LEX, &p, end);
	if (!drv_token_is(&t, "TABLE") && !drv_token_is(&t, "INDEX") && !drv_token_is(&t, "VIEW") && !drv_token_is(&t, "TRIGGER"))
		return -1;
	t = drv_token_next(SQ_LEX, &p, end);
	if (skip_words(&p, end, &t, is_create ? if_not : if_is) < 0 || read_name(&p, end, &t, g) < 0)
		return -1;
	return g->schema.len && sqlite3_stricmp(g->schema.p, "main") != 0 ? -1 : 0;
}

static int add_object(void *arg, const char *const *value, const size_t *len)
{
	struct drv_text *answer = arg;
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; value[1] && i < len[1]; i++)
		h = (h ^ (unsigned char)value[1][i]) * UINT64_C(0x100000001b3);
	drv_text_addf(answer, "%s%s %016llx", answer->len ? ", " : "", value[0], (unsigned long long)h);
	return DUNLIN_OK;
}

int sq_probe(struct dunlin_conn *c, const char *sql, size_t sql_len, char *answer, size_t answer_size,
             struct dunlin_driver_error *err)
{
	struct target g = { 0 };
	struct drv_text text = { 0 };
	int status = sq_enter(c, err), is_known;

	if (status != DUNLIN_OK)
		return status;
	sq_wait_budget(c, -1);
	is_known = read_target(sql, sql_len, &g) == 0;
	if (g.name.is_failed || g.schema.is_failed) {
		status = drv_nomem(err);
	} else if (!is_known) {
		status = DUNLIN_ENOTSUP;
	} else {
		status = sq_each(c, "SELECT type || ' ' || name, sql FROM main.sqlite_master WHERE name = ?1 COLLATE NOCASE", g.name.p,
		                 add_object, &text, err);
		if (status == DUNLIN_OK && text.is_failed)
			status = drv_nomem(err);
	}
	if (status == DUNLIN_OK)
		snprintf(answer, answer_size, "%s", text.len ? text.p : "absent");
	drv_text_clear(&g.schema);
	drv_text_clear(&g.name);
	drv_text_clear(&text);
	return status;
}
