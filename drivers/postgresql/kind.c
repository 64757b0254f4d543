/*
 * kind.c - what a statement is, as far as sending it goes, by its first words.
 *
 * Not a parser: where it is not sure a statement is not plain, which costs a
 * few commands more when the session is reset.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "pipeline.h"

static int is_one_of(const struct drv_token *t, const char *const *words)
{
	for (; *words; words++)
		if (drv_token_is(t, *words))
			return 1;
	return 0;
}

/* CREATE TEMP TABLE, CREATE TABLE pg_temp.x: the name stands within so many tokens. */
static int is_temporary(const char *p, const char *end)
{
	static const char *const words[] = { "TEMP", "TEMPORARY", "pg_temp", NULL };

	for (int i = 0; i < 12; i++) {
		struct drv_token t = drv_token_next(PG_LEX, &p, end);

		if (t.kind == DRV_TOKEN_END || (t.kind == DRV_TOKEN_PUNCT && *t.p == '('))
			break;
		if (is_one_of(&t, words) || (t.kind == DRV_TOKEN_NAME && t.len == 9 && memcmp(t.p, "\"pg_temp\"", 9) == 0))
			return 1;
	}
	return 0;
}

unsigned pg_kind_of(const char *sql, size_t len)
{
	static const char *const plain[] = { "INSERT", "UPDATE", "DELETE", "MERGE", "ALTER", "DROP", "COMMENT", "GRANT",
	                                     "REVOKE", "TRUNCATE", "REINDEX", "ANALYZE", "VACUUM", "REFRESH", NULL };
	static const char *const control[] = { "BEGIN", "START", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", NULL };
	static const char *const set[] = { "SET", "RESET", "DISCARD", NULL };
	const char *p = sql, *end = sql + len;
	struct drv_token t = drv_token_next(PG_LEX, &p, end);

	if (drv_token_is(&t, "CREATE"))
		return is_temporary(p, end) ? 0 : PG_KIND_PLAIN;
	if (is_one_of(&t, plain))
		return PG_KIND_PLAIN;
	if (drv_token_is(&t, "COPY"))
		return PG_KIND_COPY | PG_KIND_PLAIN;
	if (drv_token_is(&t, "COMMIT") || drv_token_is(&t, "END"))
		return PG_KIND_COMMIT | PG_KIND_TX | PG_KIND_PLAIN;
	if (is_one_of(&t, control))
		return PG_KIND_TX | PG_KIND_PLAIN;
	return is_one_of(&t, set) ? PG_KIND_SET : 0;
}

int pg_is_single(const char *sql, size_t len)
{
	const char *p = sql, *end = sql + len;
	struct drv_token t;
	int is_over = 0;

	while ((t = drv_token_next(PG_LEX, &p, end)).kind != DRV_TOKEN_END) {
		if (is_over)
			return 0;
		is_over = t.kind == DRV_TOKEN_PUNCT && *t.p == ';';
	}
	return 1;
}
