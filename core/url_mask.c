/*
 * url_mask.c - a URL without its secrets, and texts without them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "url_priv.h"

#include "buf.h"
#include "error.h"
#include "mem.h"

#include <string.h>

static int is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

size_t url_scheme_length(const char *text)
{
	size_t n = 0;

	if (!is_alnum(text[0]) || (text[0] >= '0' && text[0] <= '9'))
		return 0;
	while (is_alnum(text[n]) || (text[n] && strchr("+._-", text[n])))
		n++;
	return text[n] == ':' ? n : 0;
}

void url_wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	mem_free(s);
}

/* Key names hold no file names here: passfile and sslkey point at a secret and
 * may be shown. */
int url_is_secret_key(const char *key)
{
	static const char *const part[] = { "password", "passwd", "passphrase", "secret", "token" };
	static const char *const whole[] = { "pass", "pwd", "key", "hexkey", "textkey" };

	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		if (strstr(key, part[i]))
			return 1;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		if (strcmp(key, whole[i]) == 0)
			return 1;
	return 0;
}

const char *url_masked(const struct url *u)
{
	return u->masked;
}

int url_add_masked(struct buf *b, const char *text)
{
	struct url u;
	size_t n;
	int rc;

	if (url_parse(text, &u, NULL) == 0) {
		rc = buf_adds(b, u.masked);
		url_clear(&u);
		return rc;
	}
	n = url_scheme_length(text);
	if (n > 0)
		buf_add(b, text, n + 1);
	return buf_adds(b, URL_MASK);
}

/* --- encoding --------------------------------------------------------------- */

static int add_encoded(struct buf *b, const char *s, const char *digits)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_alnum(*s) || strchr("-._~", *s)) {
			buf_addc(b, *s);
		} else {
			buf_addc(b, '%');
			buf_addc(b, digits[c >> 4]);
			buf_addc(b, digits[c & 15]);
		}
	}
	return b->is_failed ? -1 : 0;
}

int url_add_encoded(struct buf *b, const char *s)
{
	return add_encoded(b, s, "0123456789ABCDEF");
}

int url_add_server(struct buf *b, const char *scheme, const char *user, const char *password,
                   const char *host, const char *port, const char *database)
{
	int has_user = (user && *user) || password;

	buf_adds(b, scheme);
	buf_adds(b, "://");
	if (user)
		url_add_encoded(b, user);
	if (password) {
		buf_addc(b, ':');
		url_add_encoded(b, password);
	}
	if (has_user)
		buf_addc(b, '@');
	/* A ':' in a host is an IPv6 address; a socket's folder begins with '/'. */
	if (host && strchr(host, ':') && host[0] != '/')
		buf_addf(b, "[%s]", host);
	else if (host)
		url_add_encoded(b, host);
	if (port && *port)
		buf_addf(b, ":%s", port);
	if (database && *database) {
		buf_addc(b, '/');
		url_add_encoded(b, database);
	}
	return b->is_failed ? -1 : 0;
}

/* --- secrets ------------------------------------------------------------------ */

static int add_form(struct url *u, char *text, struct dunlin_error *err)
{
	if (!text || mem_grow(&u->secret, &u->cap_secret, u->n_secret, sizeof *u->secret) < 0) {
		url_wipe(text);
		return error_nomem(err);
	}
	for (size_t i = 0; i < u->n_secret; i++) {
		if (strcmp(u->secret[i].text, text) == 0) {
			url_wipe(text);
			return 0;
		}
	}
	u->secret[u->n_secret++] = (struct url_secret){ .text = text };
	return 0;
}

/* As others may write it: each way of writing the digits. */
static int add_encoded_form(struct url *u, const char *s, const char *digits, struct dunlin_error *err)
{
	struct buf b = BUF_INIT;

	/* Reserved whole, so that growing leaves no copy behind unwiped. */
	if (buf_reserve(&b, 3 * strlen(s)) < 0)
		return error_nomem(err);
	add_encoded(&b, s, digits);
	return add_form(u, buf_take(&b), err);
}

int url_add_secret(struct url *u, const char *decoded, const char *raw, size_t raw_len, struct dunlin_error *err)
{
	if (raw_len == 0)
		return 0;
	if (add_form(u, mem_strdup(decoded), err) < 0 ||
	    add_form(u, mem_strndup(raw, raw_len), err) < 0 ||
	    add_encoded_form(u, decoded, "0123456789ABCDEF", err) < 0 ||
	    add_encoded_form(u, decoded, "0123456789abcdef", err) < 0)
		return -1;
	return 0;
}

/* A password like the user's name is shown with the user; hiding it would make
 * every message about that user unreadable and protect nothing. */
static int is_public(const struct url *u, const char *text)
{
	static const char *const key[] = { "user", "host", "database", "path" };

	for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
		const char *value = url_get(u, key[i]);

		if (value && strcmp(value, text) == 0)
			return 1;
	}
	return strcmp(u->scheme, text) == 0;
}

static void judge(struct url *u)
{
	for (size_t i = 0; i < u->n_secret; i++) {
		struct url_secret s = u->secret[i];
		size_t n = strlen(s.text), j;

		if (n < 2 || is_public(u, s.text))
			s.where = URL_NOWHERE;
		else if (n < 4 || strstr(u->masked, s.text))
			s.where = URL_AS_WORD;
		else
			s.where = URL_ANYWHERE;
		/* Longest first: one may be a part of another. */
		for (j = i; j > 0 && strlen(u->secret[j - 1].text) < n; j--)
			u->secret[j] = u->secret[j - 1];
		u->secret[j] = s;
	}
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Does the part of a URL say this text, decoded? */
static int is_encoded_text(const char *p, size_t n, const char *text)
{
	size_t i = 0;

	while (i < n) {
		char c = p[i++];

		if (c == '%' && n - i >= 2 && hex_digit(p[i]) >= 0 && hex_digit(p[i + 1]) >= 0) {
			c = (char)(hex_digit(p[i]) * 16 + hex_digit(p[i + 1]));
			i += 2;
		}
		if (*text++ != c)
			return 0;
	}
	return *text == '\0';
}

static int is_secret_value(const struct url *u, const char *p, size_t n)
{
	for (size_t i = 0; i < u->n_secret; i++)
		if (is_encoded_text(p, n, u->secret[i].text) && !is_public(u, u->secret[i].text))
			return 1;
	return 0;
}

/* A value that is the password is not shown, whatever its key says. */
static void add_query(struct buf *b, const struct url *u)
{
	char before = '?';

	for (const char *p = u->raw_query; *p; before = '&') {
		size_t n = strcspn(p, "&"), eq = strcspn(p, "=&");

		buf_addc(b, before);
		if (eq < n && is_secret_value(u, p + eq + 1, n - eq - 1)) {
			buf_add(b, p, eq + 1);
			buf_adds(b, URL_MASK);
		} else {
			buf_add(b, p, n);
		}
		p += n + (p[n] == '&');
	}
}

int url_mask_whole(struct url *u, struct dunlin_error *err)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s:%s%s", u->scheme, u->has_slashes ? "//" : "", u->raw_authority);
	/* "root:pw@tcp(host)/db" is no URL of ours, and reads as one. */
	buf_adds(&b, u->has_at_in_path && !u->is_file ? URL_MASK : u->raw_path);
	add_query(&b, u);
	mem_free(u->masked);
	u->masked = buf_take(&b);
	if (!u->masked)
		return error_nomem(err);
	judge(u);
	return 0;
}

/* --- texts ---------------------------------------------------------------------- */

static int is_word_byte(char c)
{
	return is_alnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

static int stands_as_word(const char *text, const char *at, size_t n)
{
	return (at == text || !is_word_byte(at[-1])) && !is_word_byte(at[n]);
}

/* Replaces n bytes at `at` by the mask and returns what follows it. */
static char *put_mask(char *text, size_t size, char *at, size_t n)
{
	const size_t mask = strlen(URL_MASK);
	size_t room = size - 1 - (size_t)(at - text);
	size_t tail = strlen(at + n);

	if (room < mask) {
		explicit_bzero(at, room);
		return at;
	}
	if (tail > room - mask) {
		tail = room - mask;
		while (tail > 0 && ((unsigned char)at[n + tail] & 0xc0) == 0x80)
			tail--;
	}
	memmove(at + mask, at + n, tail);
	memcpy(at, URL_MASK, mask);
	at[mask + tail] = '\0';
	return at + mask;
}

/* A text that fills its buffer may have been cut in the middle of a secret. */
static void cut_beginning(char *text, size_t len, const char *secret)
{
	size_t n = strlen(secret);

	for (size_t i = n < len ? n : len; i > 0; i--) {
		if (memcmp(text + len - i, secret, i) == 0) {
			text[len - i] = '\0';
			return;
		}
	}
}

void url_scrub(const struct url *u, char *text, size_t size)
{
	int is_full = strlen(text) + 4 >= size;

	for (size_t i = 0; i < u->n_secret; i++) {
		const struct url_secret *s = &u->secret[i];
		size_t n = strlen(s->text);
		char *p = text;

		if (s->where == URL_NOWHERE)
			continue;
		while ((p = strstr(p, s->text)) != NULL) {
			if (s->where == URL_ANYWHERE || stands_as_word(text, p, n))
				p = put_mask(text, size, p, n);
			else
				p++;
		}
		if (is_full)
			cut_beginning(text, strlen(text), s->text);
	}
}

void url_scrub_error(const struct url *u, struct dunlin_error *err)
{
	if (!err)
		return;
	url_scrub(u, err->message, sizeof err->message);
	url_scrub(u, err->hint, sizeof err->hint);
	url_scrub(u, err->state, sizeof err->state);
	url_scrub(u, err->statement, sizeof err->statement);
	url_scrub(u, err->file, sizeof err->file);
}
