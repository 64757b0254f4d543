/*
 * sqlmode.h - settings of a session that change how the text after them is to
 * be cut: standard_conforming_strings, and sql_mode.
 *
 * A script that sets one gets what the client would do: from the statement
 * after the SET on.  Seen are a SET, RESET, set_config() and DISCARD ALL of the
 * script itself, not one inside a function, a string or a saved variable (that
 * counts as a return to what it was at the start).
 */
#ifndef DUNLIN_CORE_SQLMODE_H
#define DUNLIN_CORE_SQLMODE_H

#include "lex.h"

struct sqlmode {
	unsigned char is_single_escaped; /* backslashes in '..' */
	unsigned char is_double_escaped; /* and in ".."         */
	unsigned char is_oracle;
	unsigned char is_ansi;           /* ANSI_QUOTES          */
};

void sqlmode_default(struct sqlmode *m, const struct lex_table *t);
/* Takes in one statement that was run. */
void sqlmode_statement(struct sqlmode *m, const struct lex_table *t, const char *sql, size_t len);

#endif
