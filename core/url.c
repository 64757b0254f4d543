/*
 * url.c - reads a database URL into options (RFC 3986, but for what url.h
 * lists).  Whatever follows the scheme may hold a secret, also where it should
 * not, so errors describe the place and never quote it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "url.h"

#include "buf.h"
#include "error.h"
#include "mem.h"
#include "nearest.h"
#include "url_priv.h"

#include <stdio.h>
#include <string.h>

static const char encode_hint[] =
	"Write '@', ':', '/', '?', '#' and '%' in a user name or password as %40, %3A, %2F, %3F, %23 and %25.";

/* A piece of the URL's text. */
struct span { const char *p; size_t n; };

static struct span span(const char *from, const char *to)
{
	return (struct span){ from, (size_t)(to - from) };
}

static const char *find(struct span s, char c)
{
	return s.n ? memchr(s.p, c, s.n) : NULL;
}

static const char *find_last(struct span s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return s.p + i - 1;
	return NULL;
}

static int refuse(struct dunlin_error *err, const char *message, const char *hint)
{
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s", message);
	error_hint(err, "%s", hint);
	return -1;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* NULL with *err filled where a % is not one of an encoded byte. */
static char *decode(struct span s, struct dunlin_error *err)
{
	char *out = mem_alloc(s.n + 1), *o = out;

	if (!out) {
		error_nomem(err);
		return NULL;
	}
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			*o++ = s.p[i];
			continue;
		}
		high = i + 1 < s.n ? hex(s.p[i + 1]) : -1;
		low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
		if (high < 0 || low < 0 || (high | low) == 0) {
			*o = '\0';
			url_wipe(out);
			refuse(err, "the URL has a '%' that is not followed by the two hexadecimal digits of a byte",
			       "Write a '%' that stands for itself as %25.");
			return NULL;
		}
		*o++ = (char)(high << 4 | low);
		i += 2;
	}
	*o = '\0';
	return out;
}

/* --- options --------------------------------------------------------------- */

static size_t find_opt(const struct url *u, size_t from, size_t to, const char *key)
{
	while (from < to && strcmp(u->opt[from].key, key) != 0)
		from++;
	return from;
}

const char *url_get(const struct url *u, const char *key)
{
	size_t i = find_opt(u, 0, u->n_opt, key);

	return i < u->n_opt ? u->opt[i].value : NULL;
}

static void drop_base(struct url *u, const char *key)
{
	size_t i = find_opt(u, 0, u->n_base, key);

	if (i == u->n_base)
		return;
	url_wipe((char *)u->opt[i].key);
	url_wipe((char *)u->opt[i].value);
	memmove(u->opt + i, u->opt + i + 1, (u->n_opt - i - 1) * sizeof *u->opt);
	u->n_base--;
	u->n_opt--;
}

/* Takes value over, also when it fails. */
static int insert(struct url *u, size_t at, char *key, char *value, struct dunlin_error *err)
{
	if (!key || !value || mem_grow(&u->opt, &u->cap_opt, u->n_opt, sizeof *u->opt) < 0) {
		url_wipe(key);
		url_wipe(value);
		return error_nomem(err);
	}
	memmove(u->opt + at + 1, u->opt + at, (u->n_opt - at) * sizeof *u->opt);
	u->opt[at] = (struct dunlin_kv){ key, value };
	u->n_opt++;
	return 0;
}

/* A parameter of the same name goes before what the URL's body says. */
static int set_base(struct url *u, const char *key, char *value, struct dunlin_error *err)
{
	if (!value)
		return error_nomem(err);
	drop_base(u, key);
	if (url_get(u, key)) {
		url_wipe(value);
		return 0;
	}
	if (insert(u, u->n_base, mem_strdup(key), value, err) < 0)
		return -1;
	u->n_base++;
	return 0;
}

/* --- the part between // and the path ---------------------------------------- */

static int is_port(struct span s)
{
	unsigned long n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || n > 65535)
			return 0;
		n = n * 10 + (unsigned long)(s.p[i] - '0');
	}
	return n >= 1 && n <= 65535;
}

/* Splits "[::1]:5432" or "host:5432"; no port: n is 0. */
static int split_host(struct span s, struct span *host, struct span *port, struct dunlin_error *err)
{
	const char *end = s.p + s.n, *colon;

	if (s.n > 0 && s.p[0] == '[') {
		const char *close = find(s, ']');

		if (!close || close == s.p + 1 || (close + 1 < end && close[1] != ':'))
			return refuse(err, "the URL's host has a '[' that is not part of [ADDRESS] or [ADDRESS]:PORT", encode_hint);
		*host = span(s.p + 1, close);
		colon = close + 1 < end ? close + 1 : NULL;
	} else {
		colon = find(s, ':');
		if (colon && find(span(colon + 1, end), ':'))
			return refuse(err, "the URL's host has more than one ':'",
			              "An IPv6 address stands in brackets, as in //[::1]:5432/db; "
			              "':' and '@' in a user name or password can be written as %3A and %40.");
		*host = span(s.p, colon ? colon : end);
	}
	*port = colon ? span(colon + 1, end) : span(end, end);
	if (port->n > 0 && !is_port(*port))
		return refuse(err, "the URL's port is not a number from 1 to 65535", encode_hint);
	return 0;
}

static int parse_hosts(struct url *u, struct span s, struct dunlin_error *err)
{
	const char *p = s.p, *end = s.p + s.n;
	struct buf hosts = BUF_INIT, ports = BUF_INIT;
	int n = 0, has_port = 0, rc = -1;

	for (;; p++, n++) {
		struct span host, port;
		const char *comma = find(span(p, end), ',');
		const char *stop = comma ? comma : end;
		char *text;

		if (split_host(span(p, stop), &host, &port, err) < 0)
			goto out;
		text = decode(host, err);
		if (!text)
			goto out;
		if (strchr(text, ',')) {
			refuse(err, "the URL has a host name with a comma in it", encode_hint);
			url_wipe(text);
			goto out;
		}
		if (n > 0) {
			buf_addc(&hosts, ',');
			buf_addc(&ports, ',');
		}
		buf_adds(&hosts, text);
		buf_add(&ports, port.p, port.n);
		has_port |= port.n > 0;
		url_wipe(text);
		p = stop;
		if (!comma)
			break;
	}
	if (hosts.is_failed || ports.is_failed) {
		error_nomem(err);
		goto out;
	}
	if (hosts.len > 0 && set_base(u, "host", buf_take(&hosts), err) < 0)
		goto out;
	if (has_port && set_base(u, "port", buf_take(&ports), err) < 0)
		goto out;
	rc = 0;
out:
	buf_clear(&hosts);
	buf_clear(&ports);
	return rc;
}

static int parse_authority(struct url *u, struct span s, struct dunlin_error *err)
{
	const char *end = s.p + s.n, *at = find_last(s, '@'), *colon;
	struct buf masked = BUF_INIT;

	if (at) {
		struct span info = span(s.p, at);

		colon = find(info, ':');
		if (colon != info.p && info.n > 0) {
			char *user = decode(span(s.p, colon ? colon : at), err);

			if (!user || set_base(u, "user", user, err) < 0)
				return -1;
		}
		buf_add(&masked, s.p, (size_t)((colon ? colon : at) - s.p));
		if (colon) {
			struct span raw = span(colon + 1, at);
			char *password = decode(raw, err);

			buf_adds(&masked, ":" URL_MASK);
			if (!password || url_add_secret(u, password, raw.p, raw.n, err) < 0) {
				url_wipe(password);
				buf_clear(&masked);
				return -1;
			}
			if (set_base(u, "password", password, err) < 0) {
				buf_clear(&masked);
				return -1;
			}
		}
		buf_addc(&masked, '@');
		s = span(at + 1, end);
	}
	buf_add(&masked, s.p, s.n);
	u->raw_authority = buf_take(&masked);
	if (!u->raw_authority)
		return error_nomem(err);
	return parse_hosts(u, s, err);
}

/* --- the part after ? ---------------------------------------------------------- */

static int parse_param(struct url *u, struct span s, size_t number, struct buf *masked, struct dunlin_error *err)
{
	const char *from = s.p, *eq = find(s, '=');
	char *key, *value = NULL;

	/* The text is not quoted: it may be the rest of a password with a '?'. */
	if (!eq || eq == s.p) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		          "parameter %zu of the URL is not of the form KEY=VALUE", number);
		error_hint(err, "%s", encode_hint);
		return -1;
	}
	key = decode(span(from, eq), err);
	if (!key)
		return -1;
	for (char *k = key; *k; k++)
		*k = lower(*k);
	s = span(eq + 1, s.p + s.n);
	value = decode(s, err);
	if (!value)
		goto fail;
	if (find_opt(u, u->n_base, u->n_opt, key) < u->n_opt) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the URL has the parameter '%.64s' twice", key);
		goto fail;
	}
	if (masked->len > 0)
		buf_addc(masked, '&');
	buf_add(masked, from, (size_t)(eq + 1 - from));
	if (url_is_secret_key(key)) {
		buf_adds(masked, URL_MASK);
		if (url_add_secret(u, value, s.p, s.n, err) < 0)
			goto fail;
	} else {
		buf_add(masked, s.p, s.n);
	}
	drop_base(u, key);
	return insert(u, u->n_opt, key, value, err);
fail:
	url_wipe(key);
	url_wipe(value);
	return -1;
}

static int parse_query(struct url *u, struct span s, struct dunlin_error *err)
{
	const char *p = s.p, *end = s.p + s.n;
	struct buf masked = BUF_INIT;
	size_t number = 0;

	while (p < end) {
		const char *amp = find(span(p, end), '&');
		const char *stop = amp ? amp : end;

		number++;
		if (stop > p && parse_param(u, span(p, stop), number, &masked, err) < 0) {
			buf_clear(&masked);
			return -1;
		}
		p = amp ? amp + 1 : end;
	}
	u->raw_query = buf_take(&masked);
	return u->raw_query ? 0 : error_nomem(err);
}

/* --- the whole ------------------------------------------------------------------- */

static int parse_scheme(const char *text, struct url *u, const char **rest, struct dunlin_error *err)
{
	size_t n = url_scheme_length(text);

	if (n == 0) {
		/* Quoted only if it is so plain that it can hold no secret. */
		size_t plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-");

		if (*text == '\0')
			return refuse(err, "the URL is empty", "Write one as in sqlite:app.db or postgresql://user@host/database.");
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the URL does not begin with a scheme");
		if (text[plain] == '\0' && plain <= 200)
			error_hint(err, "For the SQLite file of that name write sqlite:%s.", text);
		else
			error_hint(err, "Write one as in sqlite:app.db or postgresql://user@host/database.");
		return -1;
	}
	u->scheme = mem_strndup(text, n);
	if (!u->scheme)
		return error_nomem(err);
	for (char *p = u->scheme; *p; p++)
		*p = lower(*p);
	*rest = text + n + 1;
	return 0;
}

static int parse_rest(const char *p, struct url *u, struct dunlin_error *err)
{
	const char *end = p + strlen(p), *stop, *query;
	struct span authority = { p, 0 }, path;

	if (strncmp(p, "//", 2) == 0) {
		u->has_slashes = 1;
		p += 2;
		stop = p + strcspn(p, "/?");
		authority = span(p, stop);
		p = stop;
	}
	query = find(span(p, end), '?');
	path = span(p, query ? query : end);
	u->has_at_in_path = find(path, '@') != NULL;

	/* A password with a raw / or ? ends the authority too early; the rest,
	 * with the '@' that was to end it, must not be taken for something that
	 * may be shown. */
	if ((authority.n > 0 && u->has_at_in_path) ||
	    (query && find(authority, ':') && find(span(query, end), '@')))
		return refuse(err, "the URL has an '@' after its host", encode_hint);
	if (parse_authority(u, authority, err) < 0)
		return -1;
	u->path = decode(path, err);
	if (!u->path)
		return -1;
	u->raw_path = mem_strndup(path.p, path.n);
	if (!u->raw_path)
		return error_nomem(err);
	return parse_query(u, query ? span(query + 1, end) : span(end, end), err);
}

static uint32_t known_flags(const char *scheme)
{
	static const struct { const char *scheme; uint32_t flags; } known[] = {
		{ "sqlite", DUNLIN_DRIVER_FILE },         { "sqlite3", DUNLIN_DRIVER_FILE },
		{ "postgresql", DUNLIN_DRIVER_SERVER },   { "postgres", DUNLIN_DRIVER_SERVER },
		{ "mariadb", DUNLIN_DRIVER_SERVER },      { "mysql", DUNLIN_DRIVER_SERVER },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(scheme, known[i].scheme) == 0)
			return known[i].flags;
	return 0;
}

int url_parse(const char *text, struct url *out, struct dunlin_error *err)
{
	struct url u = { 0 };
	const char *rest = text;

	memset(out, 0, sizeof *out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return refuse(err, "the URL has a control character in it", "Write it percent-encoded, a line feed as %0A.");
	if (parse_scheme(text, &u, &rest, err) < 0 ||
	    parse_rest(rest, &u, err) < 0 ||
	    url_bind(&u, known_flags(u.scheme), err) < 0) {
		url_clear(&u);
		return -1;
	}
	*out = u;
	return 0;
}

static int bind_file(struct url *u, struct dunlin_error *err)
{
	if (u->raw_authority[0]) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		          "'%s://' is followed by a host, and a file has none", u->scheme);
		error_hint(err, "Write %s:PATH, or %s:///PATH for an absolute path.", u->scheme, u->scheme);
		return -1;
	}
	if (u->path[0] == '\0') {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the '%s:' URL names no file", u->scheme);
		error_hint(err, "Write %s:PATH, or %s:///PATH for an absolute path.", u->scheme, u->scheme);
		return -1;
	}
	u->is_file = 1;
	drop_base(u, "database");
	return set_base(u, "path", mem_strdup(u->path), err);
}

static int bind_server(struct url *u, struct dunlin_error *err)
{
	if (!u->has_slashes) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the '%s:' URL has no '//' after its scheme", u->scheme);
		error_hint(err, "Write %s://USER@HOST/DATABASE.", u->scheme);
		return -1;
	}
	if (u->has_at_in_path)
		return refuse(err, "the URL has an '@' after its host", encode_hint);
	drop_base(u, "path");
	drop_base(u, "database");
	if (u->path[0] == '\0' || u->path[1] == '\0')
		return 0;
	return set_base(u, "database", mem_strdup(u->path + 1), err);
}

int url_bind(struct url *u, uint32_t driver_flags, struct dunlin_error *err)
{
	uint32_t kind = driver_flags & (DUNLIN_DRIVER_FILE | DUNLIN_DRIVER_SERVER);
	int rc = 0;

	u->is_file = 0;
	if (kind == DUNLIN_DRIVER_FILE)
		rc = bind_file(u, err);
	else if (kind == DUNLIN_DRIVER_SERVER || u->raw_authority[0])
		rc = bind_server(u, err);
	else if (u->path[0])
		rc = set_base(u, "path", mem_strdup(u->path), err);
	return rc < 0 ? -1 : url_mask_whole(u, err);
}

int url_check_params(const struct url *u, const char *const *known, struct dunlin_error *err)
{
	for (size_t i = u->n_base; i < u->n_opt; i++) {
		const char *key = u->opt[i].key, *meant;
		const char *const *k = known;

		while (k && *k && strcmp(*k, key) != 0)
			k++;
		if (k && *k)
			continue;
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		          "'%.64s' is not a parameter of '%s:' URLs", key, u->scheme);
		meant = nearest(key, known);
		if (meant) {
			error_hint(err, "Did you mean '%s'?", meant);
		} else if (known && *known) {
			struct buf list = { .max = 800 };

			for (k = known; *k && buf_addf(&list, "%s%s", k == known ? "" : ", ", *k) == 0; k++)
				;
			error_hint(err, "It takes %s.", list.p ? list.p : "others");
			buf_clear(&list);
		}
		return -1;
	}
	return 0;
}

void url_clear(struct url *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n_opt; i++) {
		url_wipe((char *)u->opt[i].key);
		url_wipe((char *)u->opt[i].value);
	}
	for (size_t i = 0; i < u->n_secret; i++)
		url_wipe(u->secret[i].text);
	mem_free(u->opt);
	mem_free(u->secret);
	mem_free(u->scheme);
	mem_free(u->masked);
	mem_free(u->path);
	mem_free(u->raw_authority);
	mem_free(u->raw_path);
	mem_free(u->raw_query);
	memset(u, 0, sizeof *u);
}
