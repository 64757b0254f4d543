/*
 * options.c - what a URL and the core ask for, as libpq's keywords.
 *
 * The URL was parsed by the core; libpq gets keywords and never a connection
 * string, which it would quote in its errors, password and all.  What neither
 * gives libpq takes from PG* variables, a service file and .pgpass by itself.
 * Several hosts are tried one by one by conn.c, each in its own time: libpq
 * applies connect_timeout only where it may block.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg_driver.h"

/* The newest at the end, behind those that a libpq of 15 has. */
static const char *url_params[] = {
	"user", "password", "host", "port", "dbname", "hostaddr", "passfile", "service", "options", "application_name", "connect_timeout",
	"target_session_attrs", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir",
	"sslcompression", "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding",
	"gssencmode", "krbsrvname", "gsslib", "requirepeer", "keepalives", "keepalives_idle", "keepalives_interval",
	"keepalives_count", "tcp_user_timeout", "dunlin_pool",
#define N_PARAMS_15 34
	"require_auth", "sslcertmode", "load_balance_hosts", /* 16 */
	"gssdelegation", "sslnegotiation",                   /* 17 */
	NULL
};
_Static_assert(sizeof url_params / sizeof *url_params == N_PARAMS_15 + 6, "the lists are of these lengths");

const char *const *pg_url_params(void)
{
	int version = PQlibVersion();

	/* Written by the entry's call only, later ones find it done. */
	if (version < 160000 && url_params[N_PARAMS_15])
		url_params[N_PARAMS_15] = NULL;
	else if (version >= 160000 && version < 170000 && url_params[N_PARAMS_15 + 3])
		url_params[N_PARAMS_15 + 3] = NULL;
	return url_params;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	drv_free(text);
}

static int add(struct pg_options *o, const char *keyword, const char *value, struct dunlin_driver_error *err)
{
	size_t cap = o->cap;
	char *k, *v;

	if (drv_grow(&o->keyword, &cap, o->n + 1, sizeof *o->keyword) < 0)
		return drv_nomem(err);
	cap = o->cap;
	if (drv_grow(&o->value, &cap, o->n + 1, sizeof *o->value) < 0)
		return drv_nomem(err);
	o->cap = cap;
	k = drv_strdup(keyword);
	v = drv_strdup(value);
	if (!k || !v) {
		drv_free(k);
		wipe(v);
		return drv_nomem(err);
	}
	o->keyword[o->n] = k;
	o->value[o->n++] = v;
	return DUNLIN_OK;
}

static const char *get(const struct pg_options *o, const char *keyword)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (strcmp(o->keyword[i], keyword) == 0)
			return o->value[i];
	return NULL;
}

void pg_options_clear(struct pg_options *o)
{
	size_t i;

	for (i = 0; i < o->n; i++) {
		drv_free(o->keyword[i]);
		wipe(o->value[i]);
	}
	drv_free(o->keyword);
	drv_free(o->value);
	drv_free(o->host);
	drv_free(o->hostaddr);
	drv_free(o->port);
	*o = (struct pg_options){ .n = 0 };
}

/* --- values that libpq would refuse, refused as what they are ---------------------------- */

static const struct {
	const char *key, *words[8];
} words[] = {
	{ "sslmode", { "disable", "allow", "prefer", "require", "verify-ca", "verify-full" } },
	{ "gssencmode", { "disable", "prefer", "require" } },
	{ "channel_binding", { "disable", "prefer", "require" } },
	{ "target_session_attrs", { "any", "read-write", "read-only", "primary", "standby", "prefer-standby" } },
	{ "dunlin_pool", { "session" } },
};

static const char *const numbers[] = { "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval",
	                                   "keepalives_count", "tcp_user_timeout" };

static int bad_value(const char *key, const char *value, struct dunlin_driver_error *err)
{
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "'%s' is not a value of the URL parameter '%s'", value,
	                 key);
}

static int check_value(const char *key, const char *value, struct dunlin_driver_error *err)
{
	size_t i, k, n;

	for (i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(key, words[i].key) != 0)
			continue;
		for (k = 0; words[i].words[k]; k++)
			if (strcmp(value, words[i].words[k]) == 0)
				return DUNLIN_OK;
		return bad_value(key, value, err);
	}
	for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(key, numbers[i]) == 0) {
			n = strspn(value, "0123456789");
			if (n == 0 || n > 9 || value[n])
				return bad_value(key, value, err);
		}
	return DUNLIN_OK;
}

/* --- lists of hosts ------------------------------------------------------------------------- */

static size_t list_n(const char *list)
{
	size_t n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

/* The i'th of a list, or its only one; NULL: out of memory. */
static char *list_item(const char *list, size_t i)
{
	if (list_n(list) > 1)
		for (; i > 0; i--)
			list += strcspn(list, ",") + 1;
	return drv_strndup(list, strcspn(list, ","));
}

static int keep(char **to, const char *text, struct dunlin_driver_error *err)
{
	if (!text || !*text)
		return DUNLIN_OK;
	*to = drv_strdup(text);
	return *to ? DUNLIN_OK : drv_nomem(err);
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Where the URL names no server, PG* may; where a service may, libpq decides. */
static int read_hosts(struct pg_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	const char *host = drv_option(kv, n, "host"), *hostaddr = drv_option(kv, n, "hostaddr");
	const char *port = drv_option(kv, n, "port");
	size_t n_port;
	int status;

	o->is_elsewhere = get(o, "service") || env("PGSERVICE");
	if (!o->is_elsewhere && !(host && *host) && !(hostaddr && *hostaddr)) {
		host = env("PGHOST");
		hostaddr = env("PGHOSTADDR");
	}
	if (!o->is_elsewhere && !(port && *port))
		port = env("PGPORT");
	status = keep(&o->host, host, err);
	if (status == DUNLIN_OK)
		status = keep(&o->hostaddr, hostaddr, err);
	if (status == DUNLIN_OK)
		status = keep(&o->port, port, err);
	if (status != DUNLIN_OK)
		return status;
	o->n_target = o->hostaddr ? list_n(o->hostaddr) : o->host ? list_n(o->host) : 1;
	if (o->host && o->hostaddr && list_n(o->host) != o->n_target)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "there are %zu hosts, but %zu addresses",
		                 list_n(o->host), o->n_target);
	n_port = o->port ? list_n(o->port) : 1;
	if (n_port != 1 && n_port != o->n_target)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "there are %zu ports, but %zu hosts", n_port,
		                 o->n_target);
	return DUNLIN_OK;
}

int pg_is_local_host(const char *host)
{
	if (!host || !*host || *host == '/' || *host == '@')
		return 1;
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strncmp(host, "::ffff:127.", 11) == 0;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* "dunlin me@host" in pg_stat_activity, for whoever asks who holds a lock. */
static int name_us(struct pg_options *o, const char *name, struct dunlin_driver_error *err)
{
	char host[64] = "", text[4096], full[64];
	struct passwd pw, *found = NULL;

	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	if (getpwuid_r(geteuid(), &pw, text, sizeof text, &found) != 0 || !found)
		snprintf(full, sizeof full, "%s uid%ld@%s", name, (long)geteuid(), host);
	else
		snprintf(full, sizeof full, "%s %s@%s", name, found->pw_name, host);
	return add(o, "fallback_application_name", full, err);
}

static int read_name(struct pg_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	const char *first = NULL;
	size_t i, k = 0;

	/* The core's own comes after the URL's. */
	for (i = 0; i < n; i++)
		if (strcmp(kv[i].key, "application_name") == 0 && kv[i].value && *kv[i].value && k++ == 0)
			first = kv[i].value;
	if (!first || strcmp(first, "dunlin") == 0)
		return name_us(o, "dunlin", err);
	return add(o, "application_name", first, err);
}

static int read_params(struct pg_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err)
{
	static const char *const apart[] = { "user", "password", "host", "port", "hostaddr", "application_name", "dunlin_pool",
		                                 "dbname", "target_session_attrs", "connect_timeout", NULL };
	const char *const *p = pg_url_params();
	const char *value;
	int status = DUNLIN_OK, i;

	for (; *p && status == DUNLIN_OK; p++) {
		value = drv_option(kv, n, *p);
		if (!value || !*value)
			continue;
		status = check_value(*p, value, err);
		for (i = 0; apart[i] && strcmp(apart[i], *p) != 0; i++)
			;
		if (status == DUNLIN_OK && !apart[i])
			status = add(o, *p, value, err);
	}
	return status;
}

static int add_given(struct pg_options *o, const char *keyword, const char *value, struct dunlin_driver_error *err)
{
	return value && *value ? add(o, keyword, value, err) : DUNLIN_OK;
}

#define DEFAULT_TIMEOUT_MS 30000 /* the kernel's would be two minutes */

static void read_timeout(struct pg_options *o, const struct dunlin_kv *kv, size_t n)
{
	const char *seconds = drv_option(kv, n, "connect_timeout");

	if ((!seconds || !*seconds) && o->connect_timeout_ms <= 0)
		seconds = env("PGCONNECT_TIMEOUT");
	if (seconds && *seconds)
		o->connect_timeout_ms = strtoll(seconds, NULL, 10) * 1000;
	else if (o->connect_timeout_ms <= 0)
		o->connect_timeout_ms = DEFAULT_TIMEOUT_MS;
}

static int read_attrs(struct pg_options *o, const char *text, struct dunlin_driver_error *err)
{
	static const char *const names[] = { "read-write", "any", "read-only", "primary", "standby", "prefer-standby" };
	size_t i;

	if (!text || !*text)
		text = env("PGTARGETSESSIONATTRS");
	for (i = 0; text && i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], text) == 0) {
			o->attrs = (int)i; /* in the order of enum pg_attrs */
			return DUNLIN_OK;
		}
	return text ? drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "'%s' is not a value of PGTARGETSESSIONATTRS", text)
	            : DUNLIN_OK;
}

int pg_options_read(struct pg_options *o, const struct dunlin_kv *kv, size_t n, const char *database,
                    struct dunlin_driver_error *err)
{
	const char *value;
	int status;

	*o = (struct pg_options){ .lock_timeout_ms = -1, .statement_timeout_ms = -1 };
	status = drv_option_ms(kv, n, "lock_timeout_ms", &o->lock_timeout_ms, err);
	if (status == DUNLIN_OK)
		status = drv_option_ms(kv, n, "statement_timeout_ms", &o->statement_timeout_ms, err);
	if (status == DUNLIN_OK)
		status = drv_option_ms(kv, n, "connect_timeout_ms", &o->connect_timeout_ms, err);
	if (status == DUNLIN_OK)
		status = read_params(o, kv, n, err);
	if (status == DUNLIN_OK)
		status = add_given(o, "user", drv_option(kv, n, "user"), err);
	if (status == DUNLIN_OK)
		status = add_given(o, "password", drv_option(kv, n, "password"), err);
	if (!database && !(database = drv_option(kv, n, "dbname")))
		database = drv_option(kv, n, "database");
	if (status == DUNLIN_OK)
		status = add_given(o, "dbname", database, err);
	if (status == DUNLIN_OK)
		status = read_name(o, kv, n, err);
	if (status == DUNLIN_OK)
		status = read_hosts(o, kv, n, err);
	if (status != DUNLIN_OK)
		return status;
	read_timeout(o, kv, n);
	o->is_pool_session = drv_option(kv, n, "dunlin_pool") != NULL;
	value = drv_option(kv, n, "is_local");
	o->is_local = value && strcmp(value, "1") == 0;
	o->has_sslmode = get(o, "sslmode") || env("PGSSLMODE");
	o->has_options = get(o, "options") != NULL;
	return read_attrs(o, drv_option(kv, n, "target_session_attrs"), err);
}

/* --- an attempt ------------------------------------------------------------------------------------ */

static void put(struct pg_attempt *a, const char *keyword, const char *value)
{
	if (value && *value && a->n < (int)(sizeof a->keyword / sizeof *a->keyword) - 1) {
		a->keyword[a->n] = keyword;
		a->value[a->n++] = value;
	}
}

/* So that a line that is dead is found dead within half a minute. */
static const struct {
	const char *keyword, *value;
} defaults[] = {
	{ "keepalives_idle", "15" },
	{ "keepalives_interval", "5" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "30000" },
};

/* Ours first: what the user says then wins. */
static int make_settings(const struct pg_options *o, int way, struct pg_attempt *a, struct dunlin_driver_error *err)
{
	const char *theirs = get(o, "options");
	struct drv_text t = { 0 };

	if (!theirs && !o->is_elsewhere)
		theirs = env("PGOPTIONS");
	if (way != PG_SETTINGS_LATER)
		pg_settings_startup(o, way, &t);
	if (theirs)
		drv_text_addf(&t, "%s%s", t.len ? " " : "", theirs);
	if (t.is_failed) {
		drv_text_clear(&t);
		return drv_nomem(err);
	}
	a->settings = t.p;
	return DUNLIN_OK;
}

static int take_item(const char *list, size_t i, char **out, struct dunlin_driver_error *err)
{
	*out = list ? list_item(list, i) : NULL;
	return list && !*out ? drv_nomem(err) : DUNLIN_OK;
}

int pg_attempt_make(const struct pg_options *o, size_t target, int way, struct pg_attempt *a,
                    struct dunlin_driver_error *err)
{
	size_t i;
	int status, is_local;

	*a = (struct pg_attempt){ .n = 0 };
	status = take_item(o->host, target, &a->host, err);
	if (status == DUNLIN_OK)
		status = take_item(o->hostaddr, target, &a->hostaddr, err);
	if (status == DUNLIN_OK)
		status = take_item(o->port, target, &a->port, err);
	if (status == DUNLIN_OK)
		status = make_settings(o, way, a, err);
	if (status != DUNLIN_OK)
		return status;
	for (i = 0; i < o->n; i++)
		if (strcmp(o->keyword[i], "options") != 0)
			put(a, o->keyword[i], o->value[i]);
	put(a, "host", a->host);
	put(a, "hostaddr", a->hostaddr);
	put(a, "port", a->port);
	put(a, "options", a->settings);
	put(a, "client_encoding", "UTF8");
	for (i = 0; i < sizeof defaults / sizeof *defaults; i++)
		if (!get(o, defaults[i].keyword))
			put(a, defaults[i].keyword, defaults[i].value);
	/* Which server will do is for us to say, after one query; but for several
	 * that a service names. */
	put(a, "target_session_attrs",
	    o->is_elsewhere && !o->host && o->attrs == PG_ATTRS_READ_WRITE ? "read-write" : "any");
	is_local = o->is_local || pg_is_local_host(a->hostaddr && *a->hostaddr ? a->hostaddr : a->host);
	a->is_tls_due = !o->has_sslmode && !is_local;
	if (a->is_tls_due && !o->is_elsewhere)
		put(a, "sslmode", "require");
	return DUNLIN_OK;
}

void pg_attempt_clear(struct pg_attempt *a)
{
	drv_free(a->host);
	drv_free(a->hostaddr);
	drv_free(a->port);
	drv_free(a->settings);
	*a = (struct pg_attempt){ .n = 0 };
}

/* --- secrets ------------------------------------------------------------------------------------- */

#define SHORTEST_SECRET 4 /* a shorter one may be part of any word */

void pg_options_scrub(const struct pg_options *o, char *text)
{
	static const char *const secret[] = { "password", "sslpassword" };
	const char *value;
	size_t i, n;
	char *p;

	for (i = 0; i < sizeof secret / sizeof *secret; i++) {
		value = get(o, secret[i]);
		n = value ? strlen(value) : 0;
		if (n < SHORTEST_SECRET)
			continue;
		while ((p = strstr(text, value)) != NULL) {
			memcpy(p, "***", 3);
			memmove(p + 3, p + n, strlen(p + n) + 1);
		}
	}
}
