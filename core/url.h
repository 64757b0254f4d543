/*
 * url.h - what a database URL says, and keeping its secrets out of every text.
 *
 *     SCHEME:PATH[?KEY=VALUE&...]                      a file
 *     SCHEME:///PATH[?...]                             a file, absolute
 *     SCHEME://[USER[:PASSWORD]@][HOST[:PORT][,...]][/DATABASE][?...]
 *
 * %XX is decoded in each part; '#' and '+' are plain characters.  The user
 * information ends at the last '@' before the first '/' or '?', so that a raw
 * '@' or ':' works in a password; '/', '?' and '%' must be written as %2F, %3F
 * and %25.  A raw '@' further on may be the rest of a password that was cut
 * there and is refused.  No error quotes anything that could be a secret.
 *
 * Which schemes exist is not known here but for the well-known ones, whose
 * shape is checked at once; the shape of others when their driver is known.
 */
#ifndef DUNLIN_CORE_URL_H
#define DUNLIN_CORE_URL_H

#include <dunlin/dunlin.h>

struct buf;

#define URL_MASK "***"

struct url_secret {
	char *text;
	int   where; /* URL_ANYWHERE, URL_AS_WORD, URL_NOWHERE */
};

struct url {
	char *scheme;          /* in lower case                                        */
	struct dunlin_kv *opt; /* host port user password database path, where given,
	                          then the parameters from n_base on; keys in lower
	                          case.  Several hosts: "a,b", ports "5432,".
	                          A parameter host, port, ... replaces the other.      */
	size_t n_opt, n_base;
	char *masked;          /* the URL, each secret as ***; see url_masked()        */
	/* private */
	char *path;
	char *raw_authority, *raw_path, *raw_query; /* without secrets                 */
	struct url_secret *secret;
	size_t n_secret, cap_opt, cap_secret;
	int has_slashes, has_at_in_path, is_file;
};

/* Fills *out, which need not be initialised; on an error there is nothing to
 * clear.  Errors: USAGE. */
int  url_parse(const char *text, struct url *out, struct dunlin_error *err);
void url_clear(struct url *u); /* wipes what it frees; zeroed or NULL is fine */

/*
 * Settles what the driver's flags (DUNLIN_DRIVER_FILE, _SERVER) say about the
 * shape: whether "x:///a" is the file /a or the database a.  Refuses a host in
 * a file's URL, and a server's URL without "//".
 */
int url_bind(struct url *u, uint32_t driver_flags, struct dunlin_error *err);

/* Value of an option, or NULL. */
const char *url_get(const struct url *u, const char *key);

/* Refuses a parameter that is not in `known` (NULL-ended; NULL: none is) and
 * names the nearest one. */
int url_check_params(const struct url *u, const char *const *known, struct dunlin_error *err);

/* For output: "postgresql://me:***@host/db?sslpassword=***".  Borrowed. */
const char *url_masked(const struct url *u);

/* Appends any text that should be a URL, masked; where it cannot be read, only
 * its scheme is shown. */
int url_add_masked(struct buf *b, const char *text);

/*
 * Replaces each secret of the URL, as it is and percent-encoded, by *** in a
 * text of `size` bytes; what no longer fits is cut.  One that is short, or is
 * part of what the masked URL shows, only where it stands as a word; one that
 * is the user's, host's or database's name too, is no secret.
 */
void url_scrub(const struct url *u, char *text, size_t size);
void url_scrub_error(const struct url *u, struct dunlin_error *err); /* every text in it */

/* Appends s percent-encoded: all but letters, digits and -._~. */
int url_add_encoded(struct buf *b, const char *s);

/* Appends a server's URL of parts in plain text; NULL or "" parts are left out,
 * but for the password, which is there when not NULL.  Wipe b after use. */
int url_add_server(struct buf *b, const char *scheme, const char *user, const char *password,
                   const char *host, const char *port, const char *database);

#endif
