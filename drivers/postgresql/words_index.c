/*
 * words_index.c - reading CREATE INDEX, as far as it says which index it makes.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "words.h"

/* A column stands alone, or with words behind it; anything else is an expression. */
static void read_key(struct pg_words *w, struct drv_text *keys)
{
	struct pg_words at = *w;
	struct drv_text name = { 0 };
	int is_column = pg_words_bare_name(&at, &name) &&
	                (pg_words_is_end(&at) || pg_words_is(&at, ",") || at.t.kind == DRV_TOKEN_WORD || at.t.kind == DRV_TOKEN_NAME);

	pg_array_item(keys, is_column && name.p ? name.p : "", is_column ? name.len : 0);
	keys->is_failed |= name.is_failed;
	drv_text_clear(&name);
	pg_words_to_comma(w);
}

static int read_keys(struct pg_words *w, struct drv_text *keys)
{
	const char *from = NULL, *to = NULL;
	struct pg_words in;

	if (!pg_words_parens(w, &from, &to))
		return 0;
	pg_words_start(&in, from, (size_t)(to - from));
	while (!pg_words_is_end(&in)) {
		read_key(&in, keys);
		if (pg_words_is(&in, ","))
			pg_words_next(&in);
		else
			break;
	}
	drv_text_adds(keys, keys->len ? "}" : "{}");
	return 1;
}

int pg_words_create_index(struct pg_words *w, struct pg_index_words *x)
{
	struct drv_text method = { 0 };
	int is_read;

	pg_words_take(w, "UNIQUE");
	if (!pg_words_take(w, "INDEX"))
		return 0;
	x->is_concurrent = pg_words_take(w, "CONCURRENTLY");
	pg_words_take(w, "IF NOT EXISTS");
	if (!pg_words_is(w, "ON") && !pg_words_name(w, &x->name))
		return 0;
	if (!pg_words_take(w, "ON"))
		return 0;
	pg_words_take(w, "ONLY");
	if (!pg_words_name(w, &x->table))
		return 0;
	if (x->name.len)
		return 1;
	is_read = (!pg_words_take(w, "USING") || pg_words_bare_name(w, &method)) && read_keys(w, &x->keys);
	drv_text_clear(&method);
	return is_read;
}

int pg_index_words_failed(const struct pg_index_words *x)
{
	return x->name.is_failed || x->table.is_failed || x->keys.is_failed;
}

void pg_index_words_clear(struct pg_index_words *x)
{
	drv_text_clear(&x->name);
	drv_text_clear(&x->table);
	drv_text_clear(&x->keys);
}
