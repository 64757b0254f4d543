/*
 * words.c - reading a statement word by word.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "words.h"

void pg_words_start(struct pg_words *w, const char *sql, size_t len)
{
	w->p = sql;
	w->end = sql + len;
	pg_words_next(w);
}

void pg_words_next(struct pg_words *w)
{
	w->t = drv_token_next(PG_LEX, &w->p, w->end);
}

int pg_words_is(const struct pg_words *w, const char *word)
{
	return drv_token_is(&w->t, word);
}

int pg_words_is_end(const struct pg_words *w)
{
	return w->t.kind == DRV_TOKEN_END || pg_words_is(w, ";");
}

int pg_words_take(struct pg_words *w, const char *words)
{
	struct pg_words at = *w;
	char word[32];
	size_t n;

	for (; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		if (n >= sizeof word)
			return 0;
		memcpy(word, words, n);
		word[n] = '\0';
		if (!pg_words_is(&at, word))
			return 0;
		pg_words_next(&at);
	}
	*w = at;
	return 1;
}

/* U&"d\0061t" is two tokens and a quoted name more; nobody but the server reads it. */
static int is_name(const struct pg_words *w)
{
	if (w->t.kind == DRV_TOKEN_NAME)
		return 1;
	return w->t.kind == DRV_TOKEN_WORD && !(w->t.p[0] >= '0' && w->t.p[0] <= '9') &&
	       !(w->t.len == 1 && (w->t.p[0] | 0x20) == 'u' && w->p < w->end && *w->p == '&');
}

int pg_words_bare_name(struct pg_words *w, struct drv_text *out)
{
	if (!is_name(w))
		return 0;
	drv_text_add(out, w->t.p, w->t.len);
	pg_words_next(w);
	return 1;
}

int pg_words_name(struct pg_words *w, struct drv_text *out)
{
	drv_text_reset(out);
	for (;;) {
		if (!pg_words_bare_name(w, out))
			return 0;
		if (!pg_words_is(w, "."))
			return 1;
		drv_text_add(out, ".", 1);
		pg_words_next(w);
	}
}

int pg_words_parens(struct pg_words *w, const char **from, const char **to)
{
	int depth = 0;

	if (!pg_words_is(w, "("))
		return 0;
	if (from)
		*from = w->p;
	do {
		depth += pg_words_is(w, "(") - pg_words_is(w, ")");
		if (depth == 0 && to)
			*to = w->t.p;
		pg_words_next(w);
	} while (depth > 0 && w->t.kind != DRV_TOKEN_END);
	return depth == 0;
}

void pg_words_to_comma(struct pg_words *w)
{
	while (!pg_words_is_end(w) && !pg_words_is(w, ","))
		if (!pg_words_parens(w, NULL, NULL))
			pg_words_next(w);
}

int pg_words_is_qualified(const struct drv_text *name)
{
	const char *p = name->p, *end = name->p + name->len;

	drv_token_next(PG_LEX, &p, end);
	return p < end;
}

void pg_array_item(struct drv_text *t, const char *item, size_t len)
{
	drv_text_adds(t, t->len ? ",\"" : "{\"");
	for (; len; item++, len--) {
		if (*item == '"' || *item == '\\')
			drv_text_add(t, "\\", 1);
		drv_text_add(t, item, 1);
	}
	drv_text_add(t, "\"", 1);
}
