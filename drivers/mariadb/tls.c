/*
 * tls.c - how safe the line must be, and whether it is.
 *
 * Connector/C 3.3 without verification connects in plain text where the server
 * has no TLS, whatever MYSQL_OPT_SSL_ENFORCE says.  So the cipher is looked at
 * after connecting, and until then no way to log in is allowed that would show
 * the password.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errmsg.h>
#include <string.h>

#include "my_driver.h"

/* All of them prove that the password is known without sending it. */
#define PROOFS "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,auth_gssapi_client,parsec"

static int set_files(const struct my_options *o, MYSQL *my)
{
	const struct { enum mysql_option option; const char *value; } files[] = {
		{ MYSQL_OPT_SSL_CA, o->ssl_ca }, { MYSQL_OPT_SSL_CAPATH, o->ssl_capath }, { MYSQL_OPT_SSL_CERT, o->ssl_cert },
		{ MYSQL_OPT_SSL_KEY, o->ssl_key }, { MYSQL_OPT_SSL_CIPHER, o->ssl_cipher }, { MYSQL_OPT_SSL_CRL, o->ssl_crl },
		{ MYSQL_OPT_TLS_VERSION, o->tls_version },
	};
	size_t i;

	for (i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i].value && mysql_options(my, files[i].option, files[i].value))
			return -1;
	return 0;
}

int my_tls_prepare(struct dunlin_conn *c, MYSQL *my, struct dunlin_driver_error *err)
{
	const struct my_options *o = &c->opt;
	my_bool on = 1, off = 0;

	if (o->ssl_mode == MY_SSL_DISABLED || (o->ssl_mode == MY_SSL_PREFERRED && o->is_local && !o->is_ssl_said)) {
		mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &off);
		return DUNLIN_OK;
	}
	/* Without one the library takes any certificate. */
	if (o->ssl_mode == MY_SSL_VERIFY_CA && !o->ssl_ca && !o->ssl_capath) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "ssl-mode=verify-ca needs to know the authority");
		drv_hint(err, "Name its certificate: ?ssl-mode=verify-ca&ssl-ca=FILE.");
		return DUNLIN_ERROR;
	}
	if (set_files(o, my) < 0)
		return drv_nomem(err);
	mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &on);
	if (o->ssl_mode == MY_SSL_VERIFY_IDENTITY)
		mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
	else
		mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &off);
	if (o->ssl_mode == MY_SSL_REQUIRED || o->ssl_mode == MY_SSL_VERIFY_CA)
		mysql_options(my, MARIADB_OPT_RESTRICTED_AUTH, PROOFS);
	return DUNLIN_OK;
}

int my_tls_is_failure(unsigned native, const char *message)
{
	return native == CR_SSL_CONNECTION_ERROR || strstr(message, "SSL") || strstr(message, "TLS");
}

void my_tls_hint(const struct my_options *o, struct dunlin_driver_error *err)
{
	if (o->ssl_mode >= MY_SSL_VERIFY_CA)
		drv_hint(err, "Name the authority by ?ssl-ca=FILE, or do without a proof of who the server is: ?ssl-mode=required.");
	else
		drv_hint(err, "Where the network is safe, allow it in the URL: ?ssl-mode=preferred, or ?ssl-mode=disabled.");
}

int my_tls_check(struct dunlin_conn *c, MYSQL *my, struct dunlin_driver_error *err)
{
	const char *cipher;

	if (c->opt.ssl_mode < MY_SSL_REQUIRED || c->opt.socket)
		return DUNLIN_OK;
	cipher = mysql_get_ssl_cipher(my);
	if (cipher && *cipher)
		return DUNLIN_OK;
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, CR_SSL_CONNECTION_ERROR,
	          "the server at '%s' offers no TLS", c->opt.host ? c->opt.host : "localhost");
	drv_hint(err, "Where the network is safe, allow it in the URL: ?ssl-mode=preferred, or ?ssl-mode=disabled.");
	if (err)
		err->is_unsafe = 1;
	return DUNLIN_ERROR;
}
