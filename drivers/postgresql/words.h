/*
 * words.h - reading a statement word by word, as far as it takes to know what
 * it is about.
 */
#ifndef DUNLIN_POSTGRESQL_WORDS_H
#define DUNLIN_POSTGRESQL_WORDS_H

#include "pg_driver.h"

/* On a token; END past the last. */
struct pg_words {
	const char *p, *end; /* behind the token */
	struct drv_token t;
};

void pg_words_start(struct pg_words *w, const char *sql, size_t len);
void pg_words_next(struct pg_words *w);
/* Passes these words, separated by spaces, if all of them stand here; 1 or 0. */
int  pg_words_take(struct pg_words *w, const char *words);
int  pg_words_is(const struct pg_words *w, const char *word);
int  pg_words_is_end(const struct pg_words *w); /* or a semicolon */
/* Passes a name, [a.]b.c; out gets it as it is written, for to_regclass(), or
 * for parse_ident().  0: there is none here. */
int  pg_words_name(struct pg_words *w, struct drv_text *out);
/* Passes one name without dots. */
int  pg_words_bare_name(struct pg_words *w, struct drv_text *out);
/* Passes a parenthesis with all that is in it; 0: none here, or it never ends.
 * From and to of what is inside may be NULL. */
int  pg_words_parens(struct pg_words *w, const char **from, const char **to);
/* Passes to the next comma or end outside of parentheses. */
void pg_words_to_comma(struct pg_words *w);
/* Is the name, as it is written, one with a schema? */
int  pg_words_is_qualified(const struct drv_text *name);

/* --- words_index.c ------------------------------------------------------------------- */

/* CREATE INDEX, as far as it says which index it makes. */
struct pg_index_words {
	struct drv_text name;  /* as written; "" where the server makes one up          */
	struct drv_text table;
	struct drv_text keys;  /* of an unnamed one: its columns as an array, "" for an expression */
	int is_concurrent;
};
/* Behind CREATE; 0: it is none. */
int  pg_words_create_index(struct pg_words *w, struct pg_index_words *x);
int  pg_index_words_failed(const struct pg_index_words *x);
void pg_index_words_clear(struct pg_index_words *x);

/* Is it an index whose name the server made up for these columns?  TABLE_COLUMN_idx,
 * cut to 63 bytes, with a number behind if it was taken.  c: its pg_class, i: its
 * pg_index, t: its table's pg_class; keys: the columns as an array's text. */
#define PG_INDEX_IS_LIKE(c, i, t, keys) \
	"(" c ".relname::pg_catalog.text ~ '_idx[0-9]*$'" \
	" AND pg_catalog.left(" c ".relname::pg_catalog.text, 24) = pg_catalog.left(pg_catalog.concat(" t ".relname, '_'," \
	"  pg_catalog.substr(" c ".relname::pg_catalog.text, pg_catalog.length(" t ".relname::pg_catalog.text) + 2)), 24)" \
	" AND ARRAY(SELECT (pg_catalog.parse_ident(e))[1]::pg_catalog.name FROM pg_catalog.unnest(" keys "::pg_catalog.text[])" \
	"   WITH ORDINALITY AS x(e, pos) WHERE e <> '' ORDER BY pos)" \
	"  = ARRAY(SELECT ka.attname FROM pg_catalog.unnest(" i ".indkey) WITH ORDINALITY AS k(num, pos)" \
	"   JOIN pg_catalog.pg_attribute ka ON ka.attrelid = " t ".oid AND ka.attnum = k.num" \
	"   WHERE k.pos <= " i ".indnkeyatts AND k.num <> 0 ORDER BY k.pos)" \
	" AND pg_catalog.cardinality(" keys "::pg_catalog.text[]) = " i ".indnkeyatts)"

/* One more item of an array's text; the caller adds the last "}". */
void pg_array_item(struct drv_text *t, const char *item, size_t len);

#endif
