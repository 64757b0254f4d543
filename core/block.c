/*
 * block.c - statements that hold semicolons of their own: SQLite's triggers by
 * the state table of sqlite3_complete(), PostgreSQL's bodies (psql counts BEGIN,
 * CASE and END in CREATE FUNCTION; here BEGIN counts with ATOMIC behind it only),
 * and COPY.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "block_priv.h"

#include <string.h>

static const char *const words[] = { /* in the order of the enum, which is alphabetical */
	"", "AGGREGATE", "ALTER", "AS", "ATOMIC", "BEGIN", "BODY", "CASE", "COMMENT",
	"CONTAINS", "CONTINUE", "COPY", "CREATE", "CURRENT_ROLE", "CURRENT_USER", "DATA", "DECLARE",
	"DEFINER", "DELETE", "DETERMINISTIC", "DO", "EACH", "ELSE", "END", "EVENT", "EXCEPTION",
	"EXISTS", "EXIT", "EXPLAIN", "FOLLOWS", "FOR", "FOUND", "FROM", "FUNCTION", "HANDLER", "IF",
	"INSERT", "INVOKER", "IS", "LANGUAGE", "LOOP", "MODIFIES", "NO", "NOT", "OR", "PACKAGE",
	"PRECEDES", "PROCEDURE", "READS", "REPEAT", "REPLACE", "RETURN", "RETURNS", "ROW", "SECURITY",
	"SELECT", "SET", "SQL", "SQLSTATE", "STDIN", "TEMP", "TEMPORARY", "THEN", "TO", "TRIGGER",
	"UNDO", "UNTIL", "UPDATE", "VALUE", "WHEN", "WHILE", "WORK",
};
_Static_assert(sizeof words / sizeof *words == K_WORD, "a word for each keyword");

static enum keyword keyword_of(const char *p, size_t n)
{
	char up[16];
	size_t lo = 1, hi = K_WORD;

	if (n >= sizeof up)
		return K_WORD;
	for (size_t i = 0; i < n; i++)
		up[i] = (char)(p[i] >= 'a' && p[i] <= 'z' ? p[i] - 'a' + 'A' : p[i]);
	up[n] = '\0';
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(up, words[mid]);

		if (c == 0)
			return (enum keyword)mid;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return K_WORD;
}

/* --- SQLite's triggers ------------------------------------------------------------ */

enum { TR_START = 0, TR_NORMAL, TR_EXPLAIN, TR_CREATE, TR_TRIGGER, TR_SEMI, TR_END };

static unsigned trigger_next(unsigned state, enum keyword k, int is_semicolon)
{
	switch (state) {
	case TR_START:
		return k == K_EXPLAIN ? TR_EXPLAIN : k == K_CREATE ? TR_CREATE : TR_NORMAL;
	case TR_EXPLAIN: /* QUERY PLAN may stand between */
		if (k == K_CREATE)
			return TR_CREATE;
		return k == K_EXPLAIN || k == K_TEMP || k == K_TEMPORARY || k == K_TRIGGER || k == K_END ? TR_NORMAL :
		                                                                                   TR_EXPLAIN;
	case TR_CREATE:
		return k == K_TRIGGER ? TR_TRIGGER : k == K_TEMP || k == K_TEMPORARY ? TR_CREATE : TR_NORMAL;
	case TR_TRIGGER:
		return is_semicolon ? TR_SEMI : TR_TRIGGER;
	case TR_SEMI:
		return is_semicolon ? TR_SEMI : k == K_END ? TR_END : TR_TRIGGER;
	case TR_END:
		return is_semicolon ? TR_END : TR_TRIGGER;
	default:
		return TR_NORMAL;
	}
}

/* --- PostgreSQL's SQL-standard bodies, and COPY --------------------------------------- */

enum { PG_START = 0, PG_CREATE, PG_ROUTINE, PG_COPY, PG_PLAIN };

static void postgresql_token(struct block *b, enum keyword k, uint64_t off)
{
	switch (b->phase) {
	case PG_START:
		b->phase = k == K_CREATE ? PG_CREATE : k == K_COPY ? PG_COPY : PG_PLAIN;
		return;
	case PG_CREATE:
		if (k == K_FUNCTION || k == K_PROCEDURE)
			b->phase = PG_ROUTINE;
		else if (k != K_OR && k != K_REPLACE)
			b->phase = PG_PLAIN;
		return;
	case PG_COPY:
		if (b->paren)
			return;
		if (k == K_STDIN && b->prev == K_FROM)
			b->is_copy_stdin = 1;
		if (k == K_TO || b->prev == K_FROM)
			b->phase = PG_PLAIN;
		return;
	case PG_ROUTINE:
		/* t.case and AS end are names. */
		if (b->prev_punct == '.' || b->prev == K_AS)
			return;
		if (b->atomic_depth == 0) {
			if (k == K_ATOMIC && b->prev == K_BEGIN && b->paren == 0) {
				b->atomic_depth = 1;
				b->open_off = off;
			}
		} else if (k == K_CASE) {
			if (b->atomic_depth == BLOCK_MAX_DEPTH)
				b->too_deep = 1;
			else
				b->atomic_depth++;
		} else if (k == K_END) {
			b->atomic_depth--;
		}
		return;
	default:
		return;
	}
}

/* --- the whole ------------------------------------------------------------------------ */

void block_start(struct block *b, uint32_t bits, int is_oracle)
{
	memset(b, 0, offsetof(struct block, stack));
	b->bits = bits;
	b->is_oracle = is_oracle;
	b->wants_words = (bits & (DUNLIN_LEX_STORED_BLOCK | DUNLIN_LEX_BEGIN_ATOMIC | DUNLIN_LEX_TRIGGER_END |
	                          DUNLIN_LEX_COPY_STDIN)) != 0;
}

static void paren(struct block *b, char c)
{
	if (c == '(')
		b->paren++;
	else if (c == ')' && b->paren)
		b->paren--;
}

static void decide_words(struct block *b)
{
	b->wants_words = 0;
	if (b->bits & DUNLIN_LEX_STORED_BLOCK)
		b->wants_words |= !block_mariadb_is_plain(b);
	else if (b->bits & (DUNLIN_LEX_BEGIN_ATOMIC | DUNLIN_LEX_COPY_STDIN))
		b->wants_words |= b->phase != PG_PLAIN;
	if (b->bits & DUNLIN_LEX_TRIGGER_END)
		b->wants_words |= b->trigger_state != TR_NORMAL;
}

static int semicolon(struct block *b)
{
	int ends = 1;

	if (b->bits & DUNLIN_LEX_PAREN && b->paren)
		return 0;
	if (b->atomic_depth)
		ends = 0;
	if (b->bits & DUNLIN_LEX_STORED_BLOCK && !block_mariadb_semicolon(b))
		ends = 0;
	if (b->bits & DUNLIN_LEX_TRIGGER_END && b->wants_words) {
		if (b->trigger_state == TR_TRIGGER || b->trigger_state == TR_SEMI)
			ends = 0;
		b->trigger_state = (unsigned char)trigger_next(b->trigger_state, K_PUNCT, 1);
	}
	b->prev = K_PUNCT;
	b->prev_punct = ';';
	return ends;
}

int block_token(struct block *b, enum lex_kind kind, const char *text, size_t n, uint64_t off)
{
	enum keyword k;

	if (kind == LEX_PUNCT && *text == ';')
		return semicolon(b);
	if (kind == LEX_PUNCT)
		paren(b, *text);
	if (!b->wants_words || kind == LEX_COND_OPEN || kind == LEX_COND_CLOSE || kind == LEX_COND_SKIP)
		return 0;
	k = kind == LEX_PUNCT ? K_PUNCT : kind == LEX_WORD ? keyword_of(text, n) : K_QUOTED;
	if (k != K_PUNCT)
		b->n_words++;
	if (b->bits & DUNLIN_LEX_STORED_BLOCK)
		block_mariadb_token(b, k, text, off);
	else if (b->bits & (DUNLIN_LEX_BEGIN_ATOMIC | DUNLIN_LEX_COPY_STDIN))
		postgresql_token(b, k, off);
	if (b->bits & DUNLIN_LEX_TRIGGER_END) {
		unsigned next = trigger_next(b->trigger_state, k, 0);

		if (next == TR_TRIGGER && b->trigger_state == TR_CREATE)
			b->open_off = off;
		b->trigger_state = (unsigned char)next;
	}
	b->prev = (unsigned char)k;
	b->prev_punct = kind == LEX_PUNCT ? (unsigned char)*text : 0;
	decide_words(b);
	return 0;
}

const char *block_unfinished(const struct block *b)
{
	if (b->atomic_depth)
		return "BEGIN ATOMIC body";
	if (b->trigger_state == TR_TRIGGER || b->trigger_state == TR_SEMI)
		return "trigger body";
	if (b->bits & DUNLIN_LEX_STORED_BLOCK && block_mariadb_is_open(b))
		return "compound statement";
	return NULL;
}
