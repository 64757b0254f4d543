/*
 * lexbuf.c - reading text in large pieces, checking it, and keeping no more of
 * it than from `keep` on.
 *
 * A bad byte ends the checked text; it becomes an error when the lexer asks
 * for what is behind it, so that the result does not depend on how the input
 * was cut into reads.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "lexbuf.h"

#include "error.h"
#include "mem.h"
#include "utf8.h"

#include <string.h>

static int fail(struct lexbuf *b)
{
	b->is_failed = 1;
	return 0;
}

/* Room behind `filled`: by moving what is kept to the front while that is the
 * smaller half, else by growing too, so that each byte moves O(1) times. */
static int make_room(struct lexbuf *b)
{
	size_t used;

	if (b->filled < b->cap)
		return 1;
	if (b->mark < b->keep)
		lexbuf_mark(b, b->keep);
	used = b->filled - b->keep;
	if (b->keep > 0) {
		b->before = b->p[b->keep - 1];
		memmove(b->p, b->p + b->keep, used);
		b->base += b->keep;
		b->tok -= b->keep;
		b->pos -= b->keep;
		b->end -= b->keep;
		b->mark -= b->keep;
		b->filled = used;
		b->keep = 0;
	}
	if (b->cap < b->large || used > b->cap / 2) {
		size_t cap = b->cap < b->large ? b->large : b->cap * 2;
		char *p = cap > b->cap ? mem_realloc(b->p, cap) : NULL;

		if (!p) {
			error_nomem(b->err);
			return fail(b);
		}
		b->p = p;
		b->cap = cap;
	}
	return 1;
}

/* 1: bytes came; 0: the end, or failed. */
static int read_piece(struct lexbuf *b)
{
	long n;

	if (b->is_eof || !make_room(b))
		return 0;
	n = b->read(b->read_arg, b->p + b->filled, b->cap - b->filled, b->err);
	if (n < 0)
		return fail(b);
	if (n == 0)
		b->is_eof = 1;
	b->filled += (size_t)n;
	return n > 0;
}

/* UTF-16 looks like a bad byte or a NUL, whichever it starts with. */
static int looks_like_utf16(struct lexbuf *b)
{
	const unsigned char *p;

	if (b->base != 0)
		return 0;
	while (b->filled < 2 && read_piece(b))
		;
	if (b->filled < 2)
		return 0;
	p = (const unsigned char *)b->p;
	return (p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff) || !p[0] != !p[1];
}

static int refuse(struct lexbuf *b)
{
	unsigned bad = b->end < b->filled ? (unsigned char)b->p[b->end] : 0;
	uint32_t line, column;

	lexbuf_position(b, b->end, &line, &column);
	if (b->end <= 1 && looks_like_utf16(b)) {
		if (b->is_failed)
			return 0;
		error_set(b->err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "the file is UTF-16, not UTF-8");
		error_hint(b->err, "Save it as UTF-8.");
	} else if (b->verdict == UTF8_NUL) {
		error_set(b->err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "NUL byte in SQL text");
		error_hint(b->err, "Databases take a NUL byte for the end of the text; remove it.");
	} else {
		error_set(b->err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "invalid UTF-8: byte 0x%02x", bad);
		error_hint(b->err, "Save the file as UTF-8.");
	}
	error_at(b->err, b->file, line, column);
	return fail(b);
}

int lexbuf_more(struct lexbuf *b)
{
	if (b->is_failed)
		return 0;
	if (b->verdict == UTF8_NUL || b->verdict == UTF8_BAD)
		return refuse(b);
	/* The splitter checks the exact length; this keeps a longer one out of
	 * memory, with room for what is read ahead. */
	if (b->max && b->end - b->keep > LEXBUF_SIZE && b->end - b->keep - LEXBUF_SIZE > b->max) {
		uint32_t line, column;

		lexbuf_position(b, b->keep, &line, &column);
		error_set(b->err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "statement of more than %zu bytes", b->max);
		error_hint(b->err, "Split it into smaller ones.");
		error_at(b->err, b->file, line, column);
		return fail(b);
	}
	for (;;) {
		enum utf8_verdict why;
		size_t n;

		if (!read_piece(b)) {
			if (!b->is_failed && b->end < b->filled)
				return refuse(b);
			return 0;
		}
		n = utf8_check(b->p + b->end, b->filled - b->end, &why);
		b->verdict = (int)why;
		b->end += n;
		if (n > 0)
			return 1;
		if (why != UTF8_SHORT)
			return refuse(b);
	}
}

int lexbuf_open(struct lexbuf *b, const struct split_options *o, struct dunlin_error *err)
{
	size_t at = 0;

	memset(b, 0, sizeof *b);
	b->err = err;
	b->read = o->read;
	b->read_arg = o->read_arg;
	b->file = o->file;
	b->base = o->off;
	b->before = '\n';
	b->line = o->line ? o->line : 1;
	b->column = 1;
	b->max = o->max_statement;
	b->cap = o->window ? o->window : LEXBUF_SMALL;
	b->large = o->window ? o->window : LEXBUF_SIZE;
	b->p = mem_alloc(b->cap);
	if (!b->p)
		return error_nomem(err);
	if (o->off == 0 && lexbuf_has(b, &at, 3) && memcmp(b->p, "\xef\xbb\xbf", 3) == 0) {
		b->filled -= 3;
		b->end -= 3;
		b->base = 3;
		memmove(b->p, b->p + 3, b->filled);
	}
	return b->is_failed ? -1 : 0;
}

void lexbuf_close(struct lexbuf *b)
{
	mem_free(b->p);
	b->p = NULL;
}

void lexbuf_memory(struct lexbuf *b, const char *text, size_t n)
{
	memset(b, 0, sizeof *b);
	b->p = (char *)text; /* never written: all is there, nothing moves */
	b->end = b->filled = b->cap = n;
	b->before = '\n';
	b->line = b->column = 1;
	b->is_eof = 1;
}

void lexbuf_advance(const char *p, size_t n, uint32_t *line, uint32_t *column)
{
	const char *end = p + n, *nl;

	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
		++*line;
		*column = 1;
		p = nl + 1;
	}
	*column += (uint32_t)utf8_count(p, (size_t)(end - p));
}

void lexbuf_position(const struct lexbuf *b, size_t at, uint32_t *line, uint32_t *column)
{
	*line = b->line;
	*column = b->column;
	lexbuf_advance(b->p + b->mark, at - b->mark, line, column);
}

void lexbuf_mark(struct lexbuf *b, size_t at)
{
	lexbuf_position(b, at, &b->line, &b->column);
	b->mark = at;
}
