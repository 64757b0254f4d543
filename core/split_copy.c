/*
 * split_copy.c - the data that stands in a script behind COPY .. FROM stdin,
 * piece by piece.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_priv.h"

#include "error.h"

#include <string.h>

static const char directive[] = "-- dunlin:";

/* The rest of COPY's own line: the data begins on the next. */
static int to_data(struct splitter *s)
{
	struct lexbuf *b = &s->b;

	b->keep = b->pos;
	s->suspect_line = 0;
	for (;;) {
		enum lex_kind kind;

		s->lx.is_bulk = 0;
		b->keep = b->pos;
		if (b->pos == b->end && !lexbuf_more(b))
			break;
		if (b->p[b->pos] == '\n') {
			b->pos++;
			s->copy = COPY_DATA;
			return 1;
		}
		if (lex_is_space(b->p[b->pos])) {
			b->pos++;
			continue;
		}
		kind = lex_next(&s->lx);
		if (b->is_failed)
			break;
		if (kind != LEX_LINE_COMMENT)
			return split_fail(s, DUNLIN_CLASS_SYNTAX, b->tok, "Start a new line behind the COPY statement.",
			                  "COPY data must start on a line of its own");
	}
	s->copy = COPY_NONE;
	return b->is_failed ? -1 : 0;
}

static int is_end_line(const char *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (n > 0 && p[n - 1] == '\r')
		n--;
	return n == 2 && p[0] == '\\' && p[1] == '.';
}

/* A section behind data that has no end would be taken for data. */
static void note_suspect(struct splitter *s, size_t at, size_t n)
{
	uint32_t column;

	if (s->o.directive && !s->suspect_line && n >= sizeof directive - 1 &&
	    memcmp(s->b.p + at, directive, sizeof directive - 1) == 0)
		lexbuf_position(&s->b, at, &s->suspect_line, &column);
}

static int end_of_data(struct splitter *s)
{
	s->copy = COPY_NONE;
	s->is_line_start = 1;
	if (s->o.norm)
		norm_end(&s->norm);
	return 0;
}

static int piece(struct splitter *s, size_t end, const char **p, size_t *n)
{
	struct lexbuf *b = &s->b;

	*p = b->p + b->pos;
	*n = end - b->pos;
	b->pos = end;
	if (s->o.norm)
		norm_text(&s->norm, *p, *n);
	return 1;
}

/* 1: whole lines; 0: the end; -1. */
int split_copy_piece(struct splitter *s, const char **p, size_t *n)
{
	struct lexbuf *b = &s->b;
	size_t line = 0, scanned = 0; /* from pos on */

	if (s->copy == COPY_LINE) {
		int rc = to_data(s);

		if (rc <= 0)
			return rc;
		if (s->o.norm)
			norm_start(&s->norm, s->o.norm);
	}
	b->keep = b->tok = b->pos;
	for (;;) {
		const char *from = b->p + b->pos + scanned;
		const char *nl = memchr(from, '\n', b->end - b->pos - scanned);
		size_t len;

		if (!nl) {
			scanned = b->end - b->pos;
			if (line > 0)
				return piece(s, b->pos + line, p, n);
			if (lexbuf_more(b))
				continue;
			if (b->is_failed)
				return -1;
			break;
		}
		scanned = (size_t)(nl - (b->p + b->pos)) + 1;
		len = scanned - line;
		if (b->p[b->pos + line] == '\\' && is_end_line(b->p + b->pos + line, len)) {
			if (line > 0)
				return piece(s, b->pos + line, p, n);
			b->pos += len;
			return end_of_data(s);
		}
		if (b->p[b->pos + line] == '-')
			note_suspect(s, b->pos + line, len);
		line = scanned;
	}
	/* The end of the input ends the data too, as psql has it. */
	if (scanned > 0 && !is_end_line(b->p + b->pos, scanned)) {
		note_suspect(s, b->pos, scanned);
		return piece(s, b->end, p, n);
	}
	b->pos = b->end;
	if (scanned == 0 && s->suspect_line)
		return split_fail_line(s, DUNLIN_CLASS_SYNTAX, s->suspect_line,
		                       "End the data with a line that holds only '\\.'.",
		                       "directive within COPY data that has no end");
	return end_of_data(s);
}
