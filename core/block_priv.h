/*
 * block_priv.h - what block.c and block_mariadb.c share.
 */
#ifndef DUNLIN_CORE_BLOCK_PRIV_H
#define DUNLIN_CORE_BLOCK_PRIV_H

#include "block.h"

/* Alphabetical, as the table of their names in block.c. */
enum keyword {
	K_NONE = 0, K_AGGREGATE, K_ALTER, K_AS, K_ATOMIC, K_BEGIN, K_BODY, K_CASE, K_COMMENT,
	K_CONTAINS, K_CONTINUE, K_COPY, K_CREATE, K_CURRENT_ROLE, K_CURRENT_USER, K_DATA, K_DECLARE,
	K_DEFINER, K_DELETE, K_DETERMINISTIC, K_DO, K_EACH, K_ELSE, K_END, K_EVENT, K_EXCEPTION,
	K_EXISTS, K_EXIT, K_EXPLAIN, K_FOLLOWS, K_FOR, K_FOUND, K_FROM, K_FUNCTION, K_HANDLER, K_IF,
	K_INSERT, K_INVOKER, K_IS, K_LANGUAGE, K_LOOP, K_MODIFIES, K_NO, K_NOT, K_OR, K_PACKAGE,
	K_PRECEDES, K_PROCEDURE, K_READS, K_REPEAT, K_REPLACE, K_RETURN, K_RETURNS, K_ROW, K_SECURITY,
	K_SELECT, K_SET, K_SQL, K_SQLSTATE, K_STDIN, K_TEMP, K_TEMPORARY, K_THEN, K_TO, K_TRIGGER,
	K_UNDO, K_UNTIL, K_UPDATE, K_VALUE, K_WHEN, K_WHILE, K_WORK,
	K_WORD,   /* any other                    */
	K_QUOTED, /* string, quoted name, number  */
	K_PUNCT
};

/* One token but ';'. */
void block_mariadb_token(struct block *b, enum keyword k, const char *text, uint64_t off);
/* 1: the statement ends. */
int  block_mariadb_semicolon(struct block *b);
/* Does nothing that may come change where the statement ends? */
int  block_mariadb_is_plain(const struct block *b);
int  block_mariadb_is_open(const struct block *b);

#endif
