/*
 * split_priv.h - what split.c, split_line.c and split_copy.c share.
 */
#ifndef DUNLIN_CORE_SPLIT_PRIV_H
#define DUNLIN_CORE_SPLIT_PRIV_H

#include "block.h"
#include "norm.h"
#include "split.h"
#include "sqlmode.h"
#include "traits.h"

/* What comes once the statement that is under way has been given out. */
enum split_after { AFTER_NOTHING = 0, AFTER_CUT, AFTER_RAW, AFTER_END };

/* COPY's data: none, to be looked for behind the rest of the line, or here. */
enum split_copy { COPY_NONE = 0, COPY_LINE, COPY_DATA };

struct removed { size_t at, len; }; /* bytes taken out, counted from lexbuf.keep */

struct splitter {
	struct split_options o;
	struct lexbuf   b;
	struct lex_table table;
	struct lex      lx;
	struct block    blk;
	struct sqlmode  mode;
	struct norm     norm;
	struct traits  *traits;
	struct removed *removed;
	size_t n_removed, cap_removed;
	int has_text;           /* a comment or code has begun at lexbuf.keep         */
	int has_code;
	int is_line_start;      /* only spaces stand before pos on its line; kept up
	                           to date until has_code                             */
	int is_done, is_failed;
	enum split_after after;
	enum split_copy copy;
	uint32_t line, column;  /* of lexbuf.keep                                     */
	/* Of the last directive in this statement: where counting goes on. */
	size_t   seen;          /* from lexbuf.keep                                   */
	uint32_t seen_line, seen_column;
	/* Of the directive that opened SPLIT_SKIP or SPLIT_RAW. */
	uint32_t open_line;
	/* Of a line of COPY data that looks like a directive; 0: none. */
	uint32_t suspect_line;
};

static inline size_t token_len(const struct splitter *s)
{
	return s->b.pos - s->b.tok;
}

/* Fills *err with code, class and the place of index `at`.  Returns -1. */
int split_fail(struct splitter *s, int errclass, size_t at, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The same at a line's start. */
int split_fail_line(struct splitter *s, int errclass, uint32_t line, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Text begins at the token, if it has not begun yet. */
void split_begin_text(struct splitter *s);
/* Takes the bytes from `from` up to pos out of the statement.  0 or -1. */
int  split_take_out(struct splitter *s, size_t from);
/* Steps pos over the rest of the line and its newline.  0, or -1: is_failed. */
int  split_to_next_line(struct splitter *s);

/* --- split_line.c: lines that are not SQL ------------------------------------ */

enum line_result { LINE_ERROR = -1, LINE_SQL = 0, LINE_TAKEN, LINE_ENDS_STATEMENT };

/* Is the line comment at the token a directive? */
int split_is_directive(const struct splitter *s);
/* Asks the callback and does what can be done at once; LINE_ENDS_STATEMENT
 * leaves tok at the line's start, pos behind it, and `after` set. */
int split_directive(struct splitter *s);
/* The lines of SPLIT_RAW from pos on: *end is the index of the closing line,
 * pos behind it.  0 or -1. */
int split_raw_lines(struct splitter *s, size_t *end);
/* The first token of a statement may be a client's command. */
int split_client_word(struct splitter *s);
int split_client_punct(struct splitter *s);
int split_client_backslash(struct splitter *s);

/* --- split_copy.c -------------------------------------------------------------- */

int split_copy_piece(struct splitter *s, const char **p, size_t *n);

#endif
