/*
 * checksum.h - SHA-256 (nettle), and a digest as "sha256:" and 64 hex digits.
 */
#ifndef DUNLIN_CORE_CHECKSUM_H
#define DUNLIN_CORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>

#define SHA256_TEXT 72 /* "sha256:" + 64 + NUL */

struct sha256 { struct sha256_ctx ctx; };

void sha256_start(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *p, size_t n);
void sha256_text(const struct sha256 *h, char out[SHA256_TEXT]); /* h goes on: prefix digests */

/* Content hash: CRLF read as LF, one leading UTF-8 BOM left out; streamed. */
struct content_hash { struct sha256 h; uint64_t n; unsigned char held[3]; unsigned n_held; int has_cr; };
void content_hash_start(struct content_hash *h);
void content_hash_add(struct content_hash *h, const void *p, size_t n);
void content_hash_text(struct content_hash *h, char out[SHA256_TEXT]);

#endif
