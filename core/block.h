/*
 * block.h - does this semicolon end the statement?
 *
 * Follows the words of one statement as far as needed to know: routine bodies
 * of MariaDB, PostgreSQL's BEGIN ATOMIC, SQLite's triggers, parentheses; and on
 * the way whether a COPY takes its data from the script.
 */
#ifndef DUNLIN_CORE_BLOCK_H
#define DUNLIN_CORE_BLOCK_H

#include "lex.h"

#define BLOCK_MAX_DEPTH 200

struct block {
	uint32_t bits;
	int      is_oracle;       /* sql_mode=ORACLE                                    */
	int      wants_words;     /* else only '(' ')' and ';' are looked at            */
	int      is_copy_stdin;   /* COPY .. FROM stdin                                 */
	unsigned paren;
	uint64_t open_off;        /* where the outermost block began, in the input      */
	/* What it looks at, as far as it is known; each rule below uses its own. */
	unsigned char phase, object, trigger_state, atomic_depth;
	unsigned char prev, prev_punct;   /* the token before, as enum keyword or byte  */
	unsigned char is_start;           /* a statement of a body begins here          */
	unsigned char was_start;          /* the token before stood there: a label?     */
	unsigned char first;              /* first keyword of the body's statement      */
	unsigned char handler;            /* DECLARE .. HANDLER FOR <here>              */
	unsigned char is_nested;          /* BEGIN opens a block of its own: a handler's,
	                                     or a routine's in a package                */
	unsigned char has_params, has_returns;
	unsigned n_words, depth, too_deep;
	unsigned char stack[BLOCK_MAX_DEPTH];
};

void block_start(struct block *b, uint32_t bits, int is_oracle);
/* Each token but spaces and comments; off: where it is in the input.  For ';'
 * outside quotes: 1, it ends the statement. */
int  block_token(struct block *b, enum lex_kind kind, const char *text, size_t n, uint64_t off);
/* What is still open at the end: "BEGIN block", or NULL. */
const char *block_unfinished(const struct block *b);

#endif
