/*
 * utf8.c - well-formed UTF-8 as Unicode's table 3-7 has it, eight ASCII bytes
 * at a time where it can.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the character at p, 0: malformed, -1: cut off by the end. */
static int char_len(const unsigned char *p, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	int len;

	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		if (p[0] == 0xe0)
			lo = 0xa0; /* shorter forms exist */
		else if (p[0] == 0xed)
			hi = 0x9f; /* surrogates */
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		if (p[0] == 0xf0)
			lo = 0x90;
		else if (p[0] == 0xf4)
			hi = 0x8f; /* over U+10FFFF */
	} else {
		return 0;
	}
	for (int i = 1; i < len; i++) {
		if ((size_t)i == n)
			return -1;
		if (p[i] < lo || p[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
	}
	return len;
}

size_t utf8_check(const char *text, size_t n, enum utf8_verdict *why)
{
	const unsigned char *p = (const unsigned char *)text;
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	size_t i = 0;

	*why = UTF8_OK;
	while (i < n) {
		int len;

		/* A byte of 0 borrows in the subtraction and shows its high bit;
		 * a byte behind it may too, which only costs the slow path. */
		while (n - i >= 32) {
			uint64_t w[4];

			memcpy(w, p + i, sizeof w);
			if (((w[0] | (w[0] - ones)) | (w[1] | (w[1] - ones)) |
			     (w[2] | (w[2] - ones)) | (w[3] | (w[3] - ones))) & high)
				break;
			i += 32;
		}
		if (i == n)
			break;
		len = char_len(p + i, n - i);
		if (len <= 0) {
			*why = len < 0 ? UTF8_SHORT : p[i] == 0 ? UTF8_NUL : UTF8_BAD;
			break;
		}
		i += (size_t)len;
		/* Text in other scripts: stay here while it lasts. */
		while (i < n && p[i] >= 0x80 && (len = char_len(p + i, n - i)) > 0)
			i += (size_t)len;
		/* Up to the next non-ASCII byte without asking the words again. */
		for (size_t stop = n - i < 32 ? n : i + 32; i < stop && p[i] - 1u < 0x7f; i++)
			;
	}
	return i;
}

size_t utf8_count(const char *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)p[i] & 0xc0) != 0x80;
	return count;
}

void utf8_mend(char *text, size_t size)
{
	static const char other[] = "\xef\xbf\xbd";
	enum utf8_verdict why;
	size_t n = strlen(text), at = utf8_check(text, n, &why);

	while (at < n) {
		/* The character takes two bytes more than the one that it replaces. */
		size_t room = size - 1 - at, tail = n - at - 1;

		if (room < 3) {
			n = at;
			break;
		}
		if (tail > room - 3)
			tail = room - 3;
		memmove(text + at + 3, text + at + 1, tail);
		memcpy(text + at, other, 3);
		n = at + 3 + tail;
		at += 3;
		at += utf8_check(text + at, n - at, &why);
	}
	text[n] = '\0';
}
