/*
 * norm.h - SQL without comments and spacing, into a digest.
 *
 * White space goes, but for one space where two word characters (letters,
 * digits, _ $, bytes from 0x80, and quotes) would otherwise meet.  Text in
 * quotes stays as it is, with CRLF read as LF.  This is frozen: ledgers hold
 * checksums made of it.
 */
#ifndef DUNLIN_CORE_NORM_H
#define DUNLIN_CORE_NORM_H

#include "checksum.h"

struct norm {
	struct sha256 *h;
	int    has_gap;   /* white space since `last`   */
	int    last_word; /* the last byte was a word's */
	size_t n;
	char   buf[4096];
};

void norm_start(struct norm *m, struct sha256 *h); /* of a statement; keeps nothing of an earlier one */
void norm_code(struct norm *m, const char *p, size_t n);
void norm_quoted(struct norm *m, const char *p, size_t n); /* one whole quoted token */
void norm_gap(struct norm *m);                             /* a comment              */
void norm_text(struct norm *m, const char *p, size_t n);   /* verbatim but for CRLF; whole lines */
void norm_end(struct norm *m);                             /* adds "\x1e" and flushes */

#endif
