/*
 * fuzz_split.c - any bytes as a script: no crash, the same statements, places,
 * data, errors and digest however the text was cut into reads, and statements
 * that are the bytes they claim to be.
 *
 * The input's first byte chooses the dialect (two bits), whether directives are
 * known (4) and the size of the reads (from 8 on).
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "checksum.h"
#include "split.h"

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
	if (s->chunk && n > s->chunk)
		n = s->chunk;
	if (n > s->n - s->at)
		n = s->n - s->at;
	memcpy(p, s->p + s->at, n);
	s->at += n;
	return (long)n;
}

/* The first letter of a directive decides what it does. */
static int directive(void *arg, const char *text, size_t len, uint64_t off, uint64_t next_off, uint32_t line,
                     struct dunlin_error *err)
{
	static const char letters[] = "uosz";

	must(next_off >= off + strlen("-- dunlin:") + len);
	buf_addf(arg, "@%lu %lu %u %.*s\n", (unsigned long)off, (unsigned long)next_off, (unsigned)line, (int)len, text);
	switch (len ? strchr(letters, *text) - letters : -1) {
	case 0:
		return SPLIT_CUT;
	case 1:
		return SPLIT_SKIP;
	case 2:
		return SPLIT_RAW;
	case 3:
		return SPLIT_END;
	default:
		break;
	}
	if (len && *text == 'x') {
		if (err)
			memset(err, 0, sizeof *err);
		return SPLIT_ERROR;
	}
	return SPLIT_GO_ON;
}

/* Line and column of an offset, counted from the start. */
static void place(const char *p, size_t n, uint32_t *line, uint32_t *column)
{
	size_t i = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	*line = *column = 1;
	for (; i < n; i++) {
		if (p[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)p[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

static size_t newlines(const char *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += p[i] == '\n';
	return count;
}

static void check(const struct split_statement *st, const struct source *from, size_t *end)
{
	uint32_t line, column;

	must(st->len > 0 && st->raw_len >= st->len && st->off >= *end && st->off + st->raw_len <= from->n);
	*end = st->off + st->raw_len;
	if (st->len == st->raw_len)
		must(memcmp(st->text, from->p + st->off, st->len) == 0);
	must(newlines(st->text, st->len) == newlines(from->p + st->off, st->raw_len));
	must(!strchr(" \t\r\n\f", st->text[0]) && !strchr(" \t\r\n\f", st->text[st->len - 1]));
	place(from->p, st->off, &line, &column);
	must(line == st->line && column == st->column);
}

/* Everything that comes out, as text. */
static void split(struct source from, unsigned flags, struct buf *out)
{
	static const struct dunlin_dialect *const dialects[] = {
		&dunlin_dialect_postgresql, &dunlin_dialect_sqlite, &dunlin_dialect_mariadb, &dunlin_dialect_mariadb,
	};
	struct sha256 norm;
	struct split_options o = { .dialect = dialects[flags & 3], .read = source_read, .read_arg = &from,
		                   .directive = flags & 4 ? directive : NULL, .directive_arg = out, .norm = &norm,
		                   .window = from.chunk, /* and small windows with small reads */
		                   .file = "f" };
	struct dunlin_error err = { 0 };
	struct split_statement st;
	struct splitter *s = NULL;
	char digest[SHA256_TEXT];
	size_t end = 0, n;
	const char *p;
	int rc;

	sha256_start(&norm);
	rc = splitter_open(&s, &o, &err);
	while (rc == 0 && (rc = splitter_next(s, &st, &err)) > 0) {
		rc = 0;
		check(&st, &from, &end);
		sha256_text(&norm, digest);
		buf_addf(out, "%lu %lu %x %s ", (unsigned long)st.off, (unsigned long)st.raw_len, (unsigned)st.traits, digest);
		buf_add(out, st.text, st.len);
		/* Every other COPY is left to be skipped. */
		if (!st.has_data || st.off & 1)
			continue;
		buf_adds(out, "\ndata ");
		while ((rc = splitter_copy_data(s, &p, &n, &err)) > 0) {
			must(n > 0);
			buf_add(out, p, n);
		}
	}
	if (rc < 0)
		buf_addf(out, "\nerror %d %d %u:%u %s\n", (int)err.code, (int)err.errclass, (unsigned)err.line,
		         (unsigned)err.column, err.message);
	sha256_text(&norm, digest);
	buf_adds(out, digest);
	splitter_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned flags = size ? data[0] : 0;
	struct source from = { (const char *)data + 1, size ? size - 1 : 0, 0, 0 };
	struct buf whole = BUF_INIT, pieces = BUF_INIT;

	split(from, flags, &whole);
	from.chunk = 1 + (flags >> 3);
	split(from, flags, &pieces);
	must(!whole.is_failed && !pieces.is_failed);
	must(whole.len == pieces.len && memcmp(whole.p, pieces.p, whole.len) == 0);
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
