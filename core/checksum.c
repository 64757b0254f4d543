/*
 * checksum.c - SHA-256 (FIPS 180-4, by nettle) over content that a checkout on
 * another system may have given other line ends or a byte order mark.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "checksum.h"

#include <string.h>

void sha256_start(struct sha256 *h)
{
	sha256_init(&h->ctx);
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
	sha256_update(&h->ctx, n, p);
}

void sha256_text(const struct sha256 *h, char out[SHA256_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	struct sha256_ctx copy = h->ctx;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&copy, sizeof digest, digest);
	memcpy(out, "sha256:", 7);
	for (size_t i = 0; i < sizeof digest; i++) {
		out[7 + 2 * i] = hex[digest[i] >> 4];
		out[8 + 2 * i] = hex[digest[i] & 15];
	}
	out[7 + 2 * sizeof digest] = '\0';
}

static const unsigned char bom[3] = { 0xef, 0xbb, 0xbf };

void content_hash_start(struct content_hash *h)
{
	memset(h, 0, sizeof *h);
	sha256_start(&h->h);
}

/* Adds bytes with CRLF folded; a CR at the end waits for what follows it. */
static void add_folded(struct content_hash *h, const unsigned char *p, size_t n)
{
	size_t start = 0;

	if (n == 0)
		return;
	if (h->has_cr) {
		h->has_cr = 0;
		if (p[0] != '\n')
			sha256_add(&h->h, "\r", 1);
	}
	for (;;) {
		const unsigned char *cr = memchr(p + start, '\r', n - start);
		size_t at = cr ? (size_t)(cr - p) : n;

		sha256_add(&h->h, p + start, at - start);
		if (!cr)
			return;
		start = at + 1;
		if (start == n) {
			h->has_cr = 1;
			return;
		}
		if (p[start] != '\n')
			sha256_add(&h->h, "\r", 1);
	}
}

void content_hash_add(struct content_hash *h, const void *data, size_t n)
{
	const unsigned char *p = data;

	/* The first three bytes wait until it is clear whether they are a mark. */
	while (h->n < 3 && n > 0) {
		h->held[h->n_held++] = *p++;
		h->n++;
		n--;
		if (h->n == 3) {
			if (memcmp(h->held, bom, 3) != 0)
				add_folded(h, h->held, 3);
			h->n_held = 0;
		}
	}
	h->n += n;
	add_folded(h, p, n);
}

void content_hash_text(struct content_hash *h, char out[SHA256_TEXT])
{
	if (h->n_held) {
		add_folded(h, h->held, h->n_held);
		h->n_held = 0;
	}
	if (h->has_cr) {
		sha256_add(&h->h, "\r", 1);
		h->has_cr = 0;
	}
	sha256_text(&h->h, out);
}
