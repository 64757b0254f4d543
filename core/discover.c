/*
 * discover.c - a table of variables a database, and the URL made of them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "discover.h"

#include "error.h"
#include "url.h"

#include <string.h>

enum { NAMES_MAX = 4, PARTS_MAX = 12 };

/* One part of a URL, and the variables that give it, the first set one wins.
 * The first five are those of url_add_server(), the others parameters. */
struct part {
	const char *key;
	int names_database; /* a password or a mode alone names none */
	const char *names[NAMES_MAX + 1];
};

enum { PART_USER, PART_PASSWORD, PART_HOST, PART_PORT, PART_DATABASE, PART_PARAMS };

struct family {
	const char *title, *scheme;
	struct part part[PARTS_MAX];
};

static const struct family families[] = {
	{ "PostgreSQL", "postgresql", {
		[PART_USER]     = { "user", 1, { "POSTGRES_USER", "PGUSER" } },
		[PART_PASSWORD] = { "password", 0, { "POSTGRES_PASSWORD", "PGPASSWORD" } },
		[PART_HOST]     = { "host", 1, { "POSTGRES_HOST", "PGHOST" } },
		[PART_PORT]     = { "port", 1, { "POSTGRES_PORT", "PGPORT" } },
		[PART_DATABASE] = { "database", 1, { "POSTGRES_DB", "PGDATABASE" } },
		{ "service", 1, { "PGSERVICE" } },
		{ "hostaddr", 1, { "PGHOSTADDR" } },
		{ "sslmode", 0, { "PGSSLMODE" } },
		{ "sslrootcert", 0, { "PGSSLROOTCERT" } },
		{ "passfile", 0, { "PGPASSFILE" } },
		{ "options", 0, { "PGOPTIONS" } } } },
	{ "MariaDB", "mariadb", {
		[PART_USER]     = { "user", 1, { "MARIADB_USER", "MYSQL_USER" } },
		[PART_PASSWORD] = { "password", 0, { "MARIADB_PASSWORD", "MYSQL_PASSWORD" } },
		[PART_HOST]     = { "host", 1, { "MARIADB_HOST", "MYSQL_HOST" } },
		[PART_PORT]     = { "port", 1, { "MARIADB_PORT", "MARIADB_TCP_PORT", "MYSQL_PORT", "MYSQL_TCP_PORT" } },
		[PART_DATABASE] = { "database", 1, { "MARIADB_DATABASE", "MYSQL_DATABASE" } } } },
};

enum { N_FAMILIES = sizeof families / sizeof *families };

/* What the variables say about one database. */
struct found {
	const char *value[PARTS_MAX], *name[PARTS_MAX];
	int is_named;
};

static void look(const struct family *f, discover_get_fn *get, void *arg, struct found *out)
{
	*out = (struct found){ .is_named = 0 };
	for (size_t i = 0; i < PARTS_MAX && f->part[i].key; i++)
		for (size_t k = 0; f->part[i].names[k] && !out->value[i]; k++) {
			const char *value = get(arg, f->part[i].names[k]);

			if (!value || !*value)
				continue;
			out->value[i] = value;
			out->name[i] = f->part[i].names[k];
			out->is_named |= f->part[i].names_database;
		}
}

static void add_names(struct buf *b, const struct found *f, int all)
{
	const char *comma = "";

	for (size_t i = 0; i < PARTS_MAX; i++) {
		if (!f->name[i] || (!all && i == PART_PASSWORD))
			continue;
		buf_addf(b, "%s%s", comma, f->name[i]);
		comma = ", ";
	}
}

static int refuse_both(const struct found *f, struct dunlin_error *err)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	add_names(&a, &f[0], 0);
	add_names(&b, &f[1], 0);
	if (a.is_failed || b.is_failed) {
		error_nomem(err);
	} else {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the environment names two databases: %s by %s, and %s by %s",
		          families[0].title, a.p, families[1].title, b.p);
		error_hint(err, "Unset those of one, or name the database by --url, DUNLIN_URL or url in dunlin.ini.");
	}
	buf_clear(&a);
	buf_clear(&b);
	return -1;
}

/* Docker's links of old set POSTGRES_PORT to "tcp://172.17.0.2:5432". */
static int check_port(const struct found *f, struct dunlin_error *err)
{
	const char *port = f->value[PART_PORT];

	if (!port || strspn(port, "0123456789,") == strlen(port))
		return 0;
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' in %s is not a port", port, f->name[PART_PORT]);
	error_hint(err, "Set it to a number, or name the database by --url or DUNLIN_URL.");
	return -1;
}

static void add_param(struct buf *url, char *separator, const char *key, const char *value)
{
	if (!value)
		return;
	buf_addf(url, "%c%s=", *separator, key);
	url_add_encoded(url, value);
	*separator = '&';
}

static int build(const struct family *family, const struct found *f, struct buf *url, struct dunlin_error *err)
{
	const char *host = f->value[PART_HOST], *port = f->value[PART_PORT];
	/* libpq's lists of hosts and of ports do not stand in pairs as a URL's do. */
	int is_list = (host && strchr(host, ',')) || (port && strchr(port, ','));
	char separator = '?';

	if (check_port(f, err) < 0)
		return -1;
	url_add_server(url, family->scheme, f->value[PART_USER], f->value[PART_PASSWORD], is_list ? NULL : host,
	               is_list ? NULL : port, f->value[PART_DATABASE]);
	if (is_list) {
		add_param(url, &separator, "host", host);
		add_param(url, &separator, "port", port);
	}
	for (size_t i = PART_PARAMS; i < PARTS_MAX && family->part[i].key; i++)
		add_param(url, &separator, family->part[i].key, f->value[i]);
	return 1;
}

int discover_url(discover_get_fn *get, void *arg, struct buf *url, struct buf *names, struct dunlin_error *err)
{
	struct found found[N_FAMILIES];
	int which = -1, rc;

	for (int i = 0; i < N_FAMILIES; i++) {
		look(&families[i], get, arg, &found[i]);
		if (found[i].is_named && which >= 0)
			return refuse_both(found, err);
		if (found[i].is_named)
			which = i;
	}
	if (which < 0)
		return 0;
	rc = build(&families[which], &found[which], url, err);
	add_names(names, &found[which], 1);
	if (rc > 0 && (url->is_failed || names->is_failed))
		return error_nomem(err);
	return rc;
}
