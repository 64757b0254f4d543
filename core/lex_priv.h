/*
 * lex_priv.h - what lex.c and lex_skip.c share.
 */
#ifndef DUNLIN_CORE_LEX_PRIV_H
#define DUNLIN_CORE_LEX_PRIV_H

#include "lex.h"

static inline unsigned char lex_class_at(const struct lex *lx, size_t at)
{
	return lx->t->byte[(unsigned char)lx->b->p[at]];
}

int lex_peek_further(struct lex *lx, size_t n);

/* The byte n after pos, -1 at the end. */
static inline int lex_peek(struct lex *lx, size_t n)
{
	const struct lexbuf *b = lx->b;

	return b->end - b->pos > n ? (unsigned char)b->p[b->pos + n] : lex_peek_further(lx, n);
}

/* lex.c: a word or number at pos. */
enum lex_kind lex_word(struct lex *lx, enum lex_kind kind);

/* lex_skip.c: what begins at pos, to its end or LEX_BAD. */
enum lex_kind lex_line_comment(struct lex *lx);
enum lex_kind lex_block_comment(struct lex *lx);
enum lex_kind lex_single_quoted(struct lex *lx);
enum lex_kind lex_double_quoted(struct lex *lx);
enum lex_kind lex_backticked(struct lex *lx);
enum lex_kind lex_bracketed(struct lex *lx);
/* At a $ that is not within a word: a parameter, a dollar quote, or just that. */
enum lex_kind lex_dollar(struct lex *lx);

#endif
