/*
 * norm.c - squeezing SQL for the checksum that an edited comment leaves alone.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "norm.h"

#include <string.h>

#define SPACE 1
#define WORD  2

#define S1 SPACE
#define W1 WORD
#define W2 W1, W1
#define W4 W2, W2
#define W8 W4, W4
#define W16 W8, W8
static const unsigned char class[256] = {
	['\t'] = S1, ['\n'] = S1, ['\f'] = S1, ['\r'] = S1, [' '] = S1,
	['$'] = W1, ['_'] = W1, ['\''] = W1, ['"'] = W1, ['`'] = W1,
	['0'] = W8, W2,
	['A'] = W16, W8, W2,
	['a'] = W16, W8, W2,
	[0x80] = W16, W16, W16, W16, W16, W16, W16, W16,
};

void norm_start(struct norm *m, struct sha256 *h)
{
	m->h = h;
	m->has_gap = m->last_word = 0;
	m->n = 0;
}

static void flush(struct norm *m)
{
	sha256_add(m->h, m->buf, m->n);
	m->n = 0;
}

static void add(struct norm *m, const char *p, size_t n)
{
	if (n > sizeof m->buf - m->n)
		flush(m);
	if (n > sizeof m->buf) {
		sha256_add(m->h, p, n);
		return;
	}
	memcpy(m->buf + m->n, p, n);
	m->n += n;
}

/* The space that must stay before a byte of this class. */
static void join(struct norm *m, int is_word)
{
	if (m->has_gap && is_word && m->last_word)
		add(m, " ", 1);
	m->has_gap = 0;
}

void norm_gap(struct norm *m)
{
	m->has_gap = 1;
}

/* Most of what is hashed passes here, so bytes are looked at and copied in one go. */
void norm_code(struct norm *m, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		size_t room = sizeof m->buf - m->n;
		const char *stop;
		char *out;

		if (room < 64) {
			flush(m);
			room = sizeof m->buf;
		}
		/* A space may be added before the first byte of each run. */
		stop = (size_t)(end - p) < room / 2 ? end : p + room / 2;
		out = m->buf + m->n;
		while (p < stop) {
			if (class[(unsigned char)*p] & SPACE) {
				m->has_gap = 1;
				p++;
				continue;
			}
			if (m->has_gap && m->last_word && class[(unsigned char)*p] & WORD)
				*out++ = ' ';
			m->has_gap = 0;
			do
				*out++ = *p++;
			while (p < stop && !(class[(unsigned char)*p] & SPACE));
			m->last_word = class[(unsigned char)p[-1]] & WORD;
		}
		m->n = (size_t)(out - m->buf);
	}
}

void norm_text(struct norm *m, const char *p, size_t n)
{
	const char *cr;

	while ((cr = memchr(p, '\r', n))) {
		size_t len = (size_t)(cr - p);

		add(m, p, len + 1 < n && cr[1] == '\n' ? len : len + 1);
		p = cr + 1;
		n -= len + 1;
	}
	add(m, p, n);
}

void norm_quoted(struct norm *m, const char *p, size_t n)
{
	join(m, class[(unsigned char)p[0]] & WORD);
	norm_text(m, p, n);
	m->last_word = class[(unsigned char)p[n - 1]] & WORD;
}

void norm_end(struct norm *m)
{
	add(m, "\x1e", 1);
	flush(m);
}
