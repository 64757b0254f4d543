/*
 * lex.h - SQL text cut into tokens, for any dialect.
 *
 * Tokens are what a splitter must tell apart, no more: an operator is a PUNCT
 * per byte.  In bulk mode runs of words, spaces and operators come as one CODE.
 */
#ifndef DUNLIN_CORE_LEX_H
#define DUNLIN_CORE_LEX_H

#include "lexbuf.h"

enum lex_kind {
	LEX_END = 0,    /* of the input, or lexbuf.is_failed                          */
	LEX_SPACE,
	LEX_LINE_COMMENT, /* without the line's end                                   */
	LEX_COMMENT,
	LEX_WORD,       /* an identifier or keyword that is not quoted                */
	LEX_NUMBER,     /* begins with a digit                                        */
	LEX_STRING,     /* '..' "..", dollar quotes, and quoted identifiers           */
	LEX_PUNCT,      /* one byte                                                   */
	LEX_CODE,       /* bulk mode                                                  */
	LEX_COND_OPEN,  /* the head of an executable comment, its content is code     */
	LEX_COND_CLOSE,
	LEX_COND_SKIP,  /* a whole one, of a version that no MariaDB executes         */
	LEX_BACKSLASH,  /* outside quotes, where that is a client's command           */
	LEX_DELIM,      /* the delimiter, when it is not ';'                          */
	LEX_BAD         /* unterminated: see lex.bad; reaches to the end of the input */
};

enum lex_bad { LEX_BAD_STRING = 1, LEX_BAD_NAME, LEX_BAD_DOLLAR, LEX_BAD_COMMENT };

#define LEX_MAX_DELIM 16

/* What each byte can mean in a dialect. */
struct lex_table {
	uint32_t bits;            /* DUNLIN_LEX_*   */
	unsigned char byte[256];  /* LEX_IS_*       */
};
#define LEX_IS_WORD  1  /* within a word                     */
#define LEX_IS_START 2  /* at its start                      */
#define LEX_IS_DIGIT 4
#define LEX_IS_SPACE 8
#define LEX_IS_STOP  16 /* needs a look even in bulk mode    */

struct lex {
	struct lexbuf *b;
	const struct lex_table *t;
	/* What the session makes of the text; see sqlmode.h. */
	unsigned char is_single_escaped, is_double_escaped; /* backslashes in '..', ".." */
	unsigned char is_bulk;
	unsigned char in_cond;     /* within an executable comment               */
	uint64_t cond_off;         /* where it began, in the input               */
	enum lex_bad bad;
	unsigned char prefix;      /* the letter right before a string: e b x    */
	unsigned char joined;      /* after a string: how one after a newline goes on */
	unsigned char has_newline; /* since that string                          */
	size_t n_delim;            /* 0: ';', which is a PUNCT                   */
	char   delim[LEX_MAX_DELIM];
};

void lex_table_init(struct lex_table *t, uint32_t bits);
void lex_init(struct lex *lx, const struct lex_table *t, struct lexbuf *b);
/* The token is the bytes from b->tok up to b->pos. */
enum lex_kind lex_next(struct lex *lx);

static inline int lex_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

/* Does the word equal this upper-case one? */
int lex_word_is(const char *p, size_t n, const char *upper);

#endif
