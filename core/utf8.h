/*
 * utf8.h - is this UTF-8 text?  And if not, the nearest that is.
 */
#ifndef DUNLIN_CORE_UTF8_H
#define DUNLIN_CORE_UTF8_H

#include <stddef.h>

enum utf8_verdict {
	UTF8_OK = 0,
	UTF8_SHORT, /* the last character is cut off, what there is of it is right */
	UTF8_NUL,
	UTF8_BAD    /* overlong, a surrogate, over U+10FFFF, or no UTF-8 at all    */
};

/* How many leading bytes are whole valid characters other than NUL; *why
 * tells about the byte after them. */
size_t utf8_check(const char *p, size_t n, enum utf8_verdict *why);

/* Characters in n bytes of valid UTF-8. */
size_t utf8_count(const char *p, size_t n);

/* Makes NUL-ended text in a buffer of `size` bytes valid: each byte that is none
 * of a character becomes U+FFFD.  What does not fit any more is cut off. */
void utf8_mend(char *text, size_t size);

#endif
