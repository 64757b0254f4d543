/*
 * fuzz_lex.c - any bytes as SQL: no crash, tokens that cover the text without
 * a gap, and the same ones however it was cut into reads.
 *
 * The input's first byte chooses the dialect (two bits), bulk mode (4), a
 * delimiter (8) and the session's quoting (16, 32).
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "lex.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int held)
{
	if (!held)
		abort();
}

struct source { const char *p; size_t n, at, chunk; };

static long source_read(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	struct source *s = arg;

	(void)err;
	if (n > s->chunk)
		n = s->chunk;
	if (n > s->n - s->at)
		n = s->n - s->at;
	memcpy(p, s->p + s->at, n);
	s->at += n;
	return (long)n;
}

static void set_up(struct lex *lx, const struct lex_table *t, struct lexbuf *b, unsigned flags)
{
	lex_init(lx, t, b);
	if (flags & 8) {
		lx->n_delim = 2;
		memcpy(lx->delim, flags & 4 ? "//" : "$$", 2);
	} else {
		lx->is_bulk = (flags & 4) != 0;
	}
	if (flags & 16)
		lx->is_single_escaped = !lx->is_single_escaped;
	if (flags & 32)
		lx->is_double_escaped = !lx->is_double_escaped;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dunlin_dialect *const dialects[] = {
		&dunlin_dialect_postgresql, &dunlin_dialect_sqlite, &dunlin_dialect_mariadb, &dunlin_dialect_mariadb,
	};
	unsigned flags = size ? data[0] : 0;
	struct source from = { (const char *)data + 1, size ? size - 1 : 0, 0, 1 + (flags >> 6) };
	struct lexbuf whole, pieces;
	struct lex a, b;
	struct lex_table t;
	struct dunlin_error err;
	enum utf8_verdict why;
	enum lex_kind kind;
	size_t end = 0, bom = 0;

	if (utf8_check(from.p, from.n, &why) != from.n)
		return 0;
	if (from.n >= 3 && memcmp(from.p, "\xef\xbb\xbf", 3) == 0)
		bom = 3;
	lex_table_init(&t, dialects[flags & 3]->lex);
	lexbuf_memory(&whole, from.p + bom, from.n - bom);
	must(lexbuf_open(&pieces, &(struct split_options){ .read = source_read, .read_arg = &from, .window = 1 },
	                 &err) == 0);
	set_up(&a, &t, &whole, flags);
	set_up(&b, &t, &pieces, flags);
	do {
		kind = lex_next(&a);
		must(lex_next(&b) == kind);
		must(whole.tok == end && whole.pos <= from.n - bom);
		must(kind == LEX_END ? whole.pos == end : whole.pos > end);
		must(pieces.base + pieces.tok == whole.tok + bom && pieces.base + pieces.pos == whole.pos + bom);
		must(memcmp(pieces.p + pieces.tok, whole.p + whole.tok, whole.pos - whole.tok) == 0);
		if (kind == LEX_BAD)
			must(whole.pos == from.n - bom && a.bad == b.bad);
		end = whole.pos;
		pieces.keep = pieces.pos;
	} while (kind != LEX_END);
	must(end == from.n - bom && !pieces.is_failed);
	lexbuf_close(&pieces);
	return 0;
}
