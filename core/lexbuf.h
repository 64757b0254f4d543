/*
 * lexbuf.h - a window that slides over text while it is read: checked for
 * UTF-8, and with the line and column of what is in it.
 *
 * Everything is an index into `p`.  lexbuf_more() may move the text, and moves
 * keep, tok, pos, end and mark with it; pointers into p do not survive it.
 */
#ifndef DUNLIN_CORE_LEXBUF_H
#define DUNLIN_CORE_LEXBUF_H

#include "split.h"

struct lexbuf {
	char    *p;
	size_t   keep;     /* what is before it may be dropped                     */
	size_t   tok, pos; /* the lexer's: its token and the next byte             */
	size_t   end;      /* of the text that is checked                          */
	int      is_failed; /* *err is filled; nothing more comes                  */

	size_t   filled, cap;
	size_t   large;    /* what cap grows to first                              */
	uint64_t base;     /* offset in the input of p[0]                          */
	char     before;   /* the byte before p[0]; '\n' at the start              */
	size_t   mark;     /* line and column are known here                       */
	uint32_t line, column;
	split_read_fn *read;
	void    *read_arg;
	const char *file;
	size_t   max;      /* bytes from keep on; 0: no limit                      */
	int      is_eof, verdict;
	struct dunlin_error *err; /* of the call that is on                        */
};

#define LEXBUF_SMALL (16u * 1024u)  /* most migrations fit, and there may be 100,000 */
#define LEXBUF_SIZE  (256u * 1024u) /* from the second piece on                      */

/* Reads the first piece and steps over a byte order mark at offset 0.  Taken
 * from the options: read, read_arg, file, off, line, max_statement, window. */
int  lexbuf_open(struct lexbuf *b, const struct split_options *o, struct dunlin_error *err);
void lexbuf_close(struct lexbuf *b);
/* Over n bytes of memory that are known to be valid; nothing to close. */
void lexbuf_memory(struct lexbuf *b, const char *text, size_t n);

/* 1: end has grown; 0: it is the end, or is_failed. */
int  lexbuf_more(struct lexbuf *b);

/* n bytes from index `at` on are there. */
static inline int lexbuf_has(struct lexbuf *b, size_t *at, size_t n)
{
	while (b->end - *at < n) {
		size_t rel = *at - b->keep; /* keep moves together with the text */

		if (!lexbuf_more(b))
			return 0;
		*at = b->keep + rel;
	}
	return 1;
}

static inline char lexbuf_before(const struct lexbuf *b, size_t at)
{
	return at > 0 ? b->p[at - 1] : b->before;
}

/* Steps line and column (in characters) over n bytes. */
void lexbuf_advance(const char *p, size_t n, uint32_t *line, uint32_t *column);
/* Line and column of an index from mark on. */
void lexbuf_position(const struct lexbuf *b, size_t at, uint32_t *line, uint32_t *column);
/* Moves the mark there, which makes later positions cheap. */
void lexbuf_mark(struct lexbuf *b, size_t at);

#endif
