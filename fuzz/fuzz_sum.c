/*
 * fuzz_sum.c - a dunlin.sum from anywhere: no crash, and what is accepted is
 * written again as the same lines.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sum.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found { struct buf lines, plain; };

static int take(void *arg, const char *file, size_t file_len, const char *digest, size_t digest_len)
{
	struct found *f = arg;
	char text[SHA256_TEXT] = "";

	if (digest_len != SHA256_TEXT - 1 || file_len == 0 || memchr(file, 0, file_len))
		abort();
	memcpy(text, digest, digest_len);
	sum_add_line(&f->lines, file, file_len, text);
	buf_addf(&f->plain, "%s %zu ", text, file_len);
	return buf_add(&f->plain, file, file_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found first = { BUF_INIT, BUF_INIT }, second = { BUF_INIT, BUF_INIT };
	struct buf whole = BUF_INIT;
	int is_total_wrong = 0;

	/* The search cannot guess a digest, so a wrong total counts as right. */
	if (sum_parse_lines((const char *)data, size, "dunlin.sum", take, &first, &is_total_wrong, NULL) == 0 ||
	    is_total_wrong) {
		sum_add_whole(&whole, &first.lines);
		if (sum_parse(whole.p, whole.len, "dunlin.sum", take, &second, NULL) < 0)
			abort();
		if (first.plain.len != second.plain.len || first.lines.len != second.lines.len ||
		    (first.plain.len && memcmp(first.plain.p, second.plain.p, first.plain.len) != 0) ||
		    (first.lines.len && memcmp(first.lines.p, second.lines.p, first.lines.len) != 0))
			abort();
	}
	buf_clear(&first.lines);
	buf_clear(&first.plain);
	buf_clear(&second.lines);
	buf_clear(&second.plain);
	buf_clear(&whole);
	return 0;
}
