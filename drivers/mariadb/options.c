/*
 * options.c - what the URL, the option files and the core ask for, checked.
 *
 * The library's own reading of option files is not used: it happens while it
 * connects and may then turn on what must stay off.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "my_driver.h"

const char *const my_url_params[] = {
	"ssl-mode", "ssl-ca", "ssl-capath", "ssl-cert", "ssl-key", "ssl-cipher", "ssl-crl", "ssl-verify-server-cert",
	"tls-version", "socket", "unix_socket", "charset", "connect_timeout", "connect-timeout",
	"defaults-file", "default-file", "defaults-group", "default-group", NULL
};

#define DEFAULT_LOCK_TIMEOUT_MS    5000
#define DEFAULT_CONNECT_TIMEOUT_MS 10000

static int set_text(char **p, const char *value, struct dunlin_driver_error *err)
{
	char *copy = drv_strdup(value);

	if (!copy)
		return drv_nomem(err);
	drv_free(*p);
	*p = copy;
	return DUNLIN_OK;
}

static int bad_value(const char *value, const char *key, struct dunlin_driver_error *err)
{
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "'%s' is not a value of '%s'", value, key);
}

static int set_mode(struct my_options *o, const char *value, struct dunlin_driver_error *err)
{
	static const struct { const char *name; int mode; } modes[] = {
		{ "disabled", MY_SSL_DISABLED }, { "disable", MY_SSL_DISABLED }, { "preferred", MY_SSL_PREFERRED },
		{ "prefer", MY_SSL_PREFERRED }, { "required", MY_SSL_REQUIRED }, { "require", MY_SSL_REQUIRED },
		{ "verify-ca", MY_SSL_VERIFY_CA }, { "verify_ca", MY_SSL_VERIFY_CA },
		{ "verify-identity", MY_SSL_VERIFY_IDENTITY }, { "verify_identity", MY_SSL_VERIFY_IDENTITY },
		{ "verify-full", MY_SSL_VERIFY_IDENTITY },
	};
	size_t i;

	for (i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strcasecmp(modes[i].name, value) == 0) {
			o->ssl_mode = modes[i].mode;
			return DUNLIN_OK;
		}
	bad_value(value, "ssl-mode", err);
	drv_hint(err, "It is disabled, preferred, required, verify-ca or verify-identity.");
	return DUNLIN_ERROR;
}

static int is_true(const char *value)
{
	return !*value || strcasecmp(value, "on") == 0 || strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0 ||
	       strcmp(value, "1") == 0;
}

static int set_port(struct my_options *o, const char *value, struct dunlin_driver_error *err)
{
	char *end;
	unsigned long port = strtoul(value, &end, 10);

	if (end == value || *end || port == 0 || port > 65535)
		return bad_value(value, "port", err);
	o->port = (unsigned)port;
	return DUNLIN_OK;
}

static int is_key(const char *key, const char *name)
{
	for (; *key && *name; key++, name++)
		if (*key != *name && !(*key == '_' && *name == '-'))
			return 0;
	return *key == *name;
}

/* ssl and ssl-verify-server-cert of option files say what ssl-mode says. */
static int set_ssl(struct my_options *o, const char *key, const char *value)
{
	if (is_key(key, "ssl-verify-server-cert") && is_true(value))
		o->ssl_mode = MY_SSL_VERIFY_IDENTITY;
	else if (is_key(key, "ssl") && o->ssl_mode == MY_SSL_AUTO)
		o->ssl_mode = is_true(value) ? MY_SSL_REQUIRED : MY_SSL_DISABLED;
	else if (is_key(key, "skip-ssl") && o->ssl_mode == MY_SSL_AUTO)
		o->ssl_mode = MY_SSL_DISABLED;
	else
		return is_key(key, "ssl-verify-server-cert") || is_key(key, "ssl") || is_key(key, "skip-ssl");
	return 1;
}

int my_option_set(struct my_options *o, const char *key, const char *value, struct dunlin_driver_error *err)
{
	const struct { const char *name; char **text; } texts[] = {
		{ "host", &o->host }, { "user", &o->user }, { "password", &o->password }, { "database", &o->database },
		{ "socket", &o->socket }, { "unix-socket", &o->socket }, { "ssl-ca", &o->ssl_ca },
		{ "ssl-capath", &o->ssl_capath }, { "ssl-cert", &o->ssl_cert }, { "ssl-key", &o->ssl_key },
		{ "ssl-cipher", &o->ssl_cipher }, { "ssl-crl", &o->ssl_crl }, { "tls-version", &o->tls_version },
	};
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		if (is_key(key, texts[i].name))
			return set_text(texts[i].text, value, err);
	if (is_key(key, "port"))
		return set_port(o, value, err);
	if (is_key(key, "protocol")) {
		o->is_tcp = strcasecmp(value, "tcp") == 0;
		return DUNLIN_OK;
	}
	if (is_key(key, "ssl-mode"))
		return set_mode(o, value, err);
	return set_ssl(o, key, value) ? DUNLIN_OK : DUNLIN_ENOTSUP;
}

/* --- which machine ------------------------------------------------------------------- */

/* By name and address alone: what a name means to the resolver is not trusted. */
static int is_this_machine(const struct my_options *o)
{
	const char *h = o->host;

	if (o->socket || !h || !*h)
		return 1;
	return strcasecmp(h, "localhost") == 0 || strncmp(h, "127.", 4) == 0 || strcmp(h, "::1") == 0 || h[0] == '/';
}

static int read_url(struct my_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int status = kv[i].value ? my_option_set(o, kv[i].key, kv[i].value, err) : DUNLIN_OK;

		if (status != DUNLIN_OK && status != DUNLIN_ENOTSUP)
			return status;
	}
	return DUNLIN_OK;
}

static int read_seconds(const struct dunlin_kv *kv, size_t n, const char *key, int64_t *ms, struct dunlin_driver_error *err)
{
	const char *value = drv_option(kv, n, key);
	char *end;
	unsigned long s;

	if (!value)
		return DUNLIN_OK;
	s = strtoul(value, &end, 10);
	if (end == value || *end || s > 86400)
		return bad_value(value, key, err);
	*ms = (int64_t)s * 1000;
	return DUNLIN_OK;
}

static int read_core(struct my_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	const char *app = drv_option(kv, n, "application_name"), *charset = drv_option(kv, n, "charset");

	if (charset && strncasecmp(charset, "utf8", 4) != 0)
		return bad_value(charset, "charset", err);
	if (read_seconds(kv, n, "connect_timeout", &o->connect_timeout_ms, err) != DUNLIN_OK ||
	    read_seconds(kv, n, "connect-timeout", &o->connect_timeout_ms, err) != DUNLIN_OK ||
	    drv_option_ms(kv, n, "connect_timeout_ms", &o->connect_timeout_ms, err) != DUNLIN_OK ||
	    drv_option_ms(kv, n, "lock_timeout_ms", &o->lock_timeout_ms, err) != DUNLIN_OK ||
	    drv_option_ms(kv, n, "statement_timeout_ms", &o->statement_timeout_ms, err) != DUNLIN_OK)
		return DUNLIN_ERROR;
	return set_text(&o->application_name, app ? app : "dunlin", err);
}

static const char *either(const struct dunlin_kv *kv, size_t n, const char *a, const char *b)
{
	const char *value = drv_option(kv, n, a);

	return value ? value : drv_option(kv, n, b);
}

/* A socket's path may stand in the host's place: mariadb://me@%2Frun%2Fmysqld.sock/db. */
static int settle(struct my_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	const char *local = drv_option(kv, n, "is_local");
	int status;

	if (o->host && o->host[0] == '/' && !o->socket) {
		status = set_text(&o->socket, o->host, err);
		if (status != DUNLIN_OK)
			return status;
	}
	if (o->host && (o->host[0] == '/' || !*o->host)) {
		drv_free(o->host);
		o->host = NULL;
	}
	if (o->host && strchr(o->host, ',')) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the URL names several hosts");
		drv_hint(err, "Name the one that can be written to.");
		return DUNLIN_ERROR;
	}
	o->is_local = (local && strcmp(local, "1") == 0) || is_this_machine(o);
	o->is_ssl_said = o->ssl_mode != MY_SSL_AUTO;
	if (!o->is_ssl_said) /* a CA that is named is there to be asked */
		o->ssl_mode = o->ssl_ca || o->ssl_capath ? MY_SSL_VERIFY_IDENTITY
		              : o->is_local ? MY_SSL_PREFERRED : MY_SSL_REQUIRED;
	if (o->lock_timeout_ms < 0)
		o->lock_timeout_ms = DEFAULT_LOCK_TIMEOUT_MS;
	if (o->statement_timeout_ms < 0)
		o->statement_timeout_ms = 0;
	if (o->connect_timeout_ms < 0)
		o->connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
	return DUNLIN_OK;
}

int my_options_read(struct my_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	struct my_options files = { 0 };
	int status;

	*o = (struct my_options){ .lock_timeout_ms = -1, .statement_timeout_ms = -1, .connect_timeout_ms = -1 };
	/* The URL comes second and replaces what the files say. */
	status = my_optfile_read(&files, either(kv, n, "defaults-file", "default-file"),
	                         either(kv, n, "defaults-group", "default-group"), err);
	if (status == DUNLIN_OK && drv_option(kv, n, "host")) /* another server's is not meant */
		files.port = 0;
	if (status == DUNLIN_OK && (drv_option(kv, n, "host") || files.is_tcp ||
	                            (files.host && strcasecmp(files.host, "localhost") != 0))) {
		drv_free(files.socket);
		files.socket = NULL;
	}
	if (status == DUNLIN_OK)
		status = my_options_copy(o, &files, err);
	o->lock_timeout_ms = o->statement_timeout_ms = o->connect_timeout_ms = -1;
	if (status == DUNLIN_OK)
		status = read_url(o, kv, n, err);
	if (status == DUNLIN_OK)
		status = read_core(o, kv, n, err);
	if (status == DUNLIN_OK)
		status = settle(o, kv, n, err);
	my_options_clear(&files);
	if (status != DUNLIN_OK)
		my_options_clear(o);
	return status;
}

/* --- copies ----------------------------------------------------------------------------- */

/* Each text of the struct, in the order in which it has them. */
static void texts_of(struct my_options *o, char **text[14])
{
	char **all[14] = {
		&o->host, &o->user, &o->password, &o->database, &o->socket, &o->ssl_ca, &o->ssl_capath, &o->ssl_cert,
		&o->ssl_key, &o->ssl_cipher, &o->ssl_crl, &o->tls_version, &o->application_name, NULL,
	};

	memcpy(text, all, sizeof all);
}

int my_options_copy(struct my_options *to, const struct my_options *from, struct dunlin_driver_error *err)
{
	struct my_options own = *from;
	char **src[14], **dst[14];
	int i;

	*to = *from;
	texts_of(&own, src);
	texts_of(to, dst);
	for (i = 0; dst[i]; i++)
		*dst[i] = NULL;
	for (i = 0; dst[i]; i++)
		if (*src[i] && !(*dst[i] = drv_strdup(*src[i]))) {
			my_options_clear(to);
			return drv_nomem(err);
		}
	return DUNLIN_OK;
}

void my_options_clear(struct my_options *o)
{
	char **text[14];
	int i;

	if (o->password)
		explicit_bzero(o->password, strlen(o->password));
	texts_of(o, text);
	for (i = 0; text[i]; i++)
		drv_free(*text[i]);
	*o = (struct my_options){ 0 };
}
