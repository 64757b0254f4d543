/*
 * version.h - versions in the four naming schemes, and their order.
 *
 * Numbers may have any number of digits: they compare as decimal numbers
 * without conversion, so leading zeros do not count and nothing overflows.
 */
#ifndef DUNLIN_CORE_VERSION_H
#define DUNLIN_CORE_VERSION_H

#include <stddef.h>

#include <dunlin/dunlin.h>

enum scheme {
	SCHEME_AUTO = 0, /* not decided yet                                      */
	SCHEME_SEMVER,   /* 1.0.6-001                                            */
	SCHEME_TIMESTAMP,/* 20251120101502: 14 digits or more                    */
	SCHEME_SEQUENCE, /* 001: digits                                          */
	SCHEME_FILENAME  /* the file name without .sql, ordered by bytes         */
};

const char *scheme_name(enum scheme s);              /* "semver", ...; "auto"             */
int scheme_parse(const char *text, enum scheme *out); /* 0, or -1: not a scheme's name     */

/* A version split into slices of its own text. */
struct version {
	enum scheme scheme;
	struct { const char *p; size_t len; } part[4]; /* semver: 4, else 1 */
};

/* Parses exactly len bytes; 0, or -1: not a version of this scheme. */
int version_parse(struct version *v, enum scheme s, const char *text, size_t len);
/* Parses the version that text begins with; returns its bytes, 0: none.  In the
 * filename scheme it is all of them. */
size_t version_prefix(struct version *v, enum scheme s, const char *text, size_t len);
/* <0, 0, >0.  Both of the same scheme. */
int version_cmp(const struct version *a, const struct version *b);
/* Compares texts of one scheme; texts that do not parse compare by bytes. */
int version_cmp_text(enum scheme s, const char *a, const char *b);
/* Decimal strings of any length. */
int decimal_cmp(const char *a, size_t alen, const char *b, size_t blen);
int bytes_cmp(const char *a, size_t alen, const char *b, size_t blen);

/* semver only: is this version of release "1.0.6", or before it?  -1, 0, 1 as
 * the version's release compares with `release`; -2: release does not parse. */
int version_cmp_release(const struct version *v, const char *release);

/* A component's name: letters, digits, "_", "-", "."; at most COMPONENT_MAX
 * bytes; "" is the default component.  0, or -1: not one. */
#define COMPONENT_MAX 100
int component_check(const char *name, size_t len);

/* Splits "[COMPONENT@]VERSION" at the first "@"; component "" when there is
 * none.  Both are copied into caller's buffers.  0, or -1 with err: USAGE. */
int version_ref(const char *text, char *component, size_t component_size,
                char *version, size_t version_size, struct dunlin_error *err);

#endif
