/*
 * url_priv.h - what url.c (reading) and url_mask.c (hiding) share.
 */
#ifndef DUNLIN_CORE_URL_PRIV_H
#define DUNLIN_CORE_URL_PRIV_H

#include "url.h"

/* Where in a text a secret is hidden. */
enum { URL_ANYWHERE, URL_AS_WORD, URL_NOWHERE };

/* Length of the scheme before its ':', 0: there is none. */
size_t url_scheme_length(const char *text);

/* Overwrites and frees; NULL is fine. */
void url_wipe(char *s);

/* Is a parameter's value a secret, to judge by its key? */
int url_is_secret_key(const char *key);

/* Remembers a secret: decoded, and as it stood in the URL. */
int url_add_secret(struct url *u, const char *decoded, const char *raw, size_t raw_len, struct dunlin_error *err);

/* Builds u->masked, and decides which secrets are hidden where. */
int url_mask_whole(struct url *u, struct dunlin_error *err);

#endif
