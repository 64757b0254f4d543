/*
 * test_discover.c - a URL from the variables that people have set anyway.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "discover.h"
#include "mem.h"
#include "tap.h"

#include <string.h>

/* "NAME=value" texts, NULL-ended. */
static const char *from_list(void *arg, const char *name)
{
	size_t n = strlen(name);

	for (const char *const *v = arg; *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

static void a_url_is_made_of_the_parts_that_are_set(void)
{
	static const struct { const char *vars[8], *url, *names; } cases[] = {
		{ { "POSTGRES_HOST=db", "POSTGRES_PORT=5433", "POSTGRES_USER=me", "POSTGRES_PASSWORD=pw", "POSTGRES_DB=app" },
		  "postgresql://me:pw@db:5433/app", "POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DB" },
		{ { "PGHOST=db", "PGDATABASE=app", "PGSSLMODE=require" },
		  "postgresql://db/app?sslmode=require", "PGHOST, PGDATABASE, PGSSLMODE" },
		{ { "PGSERVICE=prod" }, "postgresql://?service=prod", "PGSERVICE" },
		{ { "POSTGRES_DB=app", "PGHOST=db", "PGDATABASE=other" }, "postgresql://db/app", "PGHOST, POSTGRES_DB" },
		{ { "PGHOST=/var/run/postgresql", "PGUSER=a b" }, "postgresql://a%20b@%2Fvar%2Frun%2Fpostgresql", "PGUSER, PGHOST" },
		{ { "PGHOST=::1", "PGPORT=5432" }, "postgresql://[::1]:5432", "PGHOST, PGPORT" },
		{ { "PGHOST=a,b", "PGPORT=1,2", "PGDATABASE=x" }, "postgresql:///x?host=a%2Cb&port=1%2C2", "PGHOST, PGPORT, PGDATABASE" },
		{ { "POSTGRES_USER=u", "POSTGRES_PASSWORD=a@b:c/d?e#f%" }, "postgresql://u:a%40b%3Ac%2Fd%3Fe%23f%25@",
		  "POSTGRES_USER, POSTGRES_PASSWORD" },
		{ { "MARIADB_HOST=db", "MARIADB_USER=me", "MARIADB_PASSWORD=pw", "MARIADB_DATABASE=app" },
		  "mariadb://me:pw@db/app", "MARIADB_USER, MARIADB_PASSWORD, MARIADB_HOST, MARIADB_DATABASE" },
		{ { "MYSQL_HOST=db", "MYSQL_TCP_PORT=3307", "MYSQL_DATABASE=app" }, "mariadb://db:3307/app",
		  "MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_DATABASE" },
		{ { "MARIADB_HOST=a", "MYSQL_HOST=b" }, "mariadb://a", "MARIADB_HOST" },
		/* What names no database. */
		{ { NULL }, "", "" },
		{ { "PGPASSWORD=pw" }, "", "" },
		{ { "PGSSLMODE=require" }, "", "" },
		{ { "POSTGRES_HOST=", "MYSQL_HOST=" }, "", "" },
		{ { "PGPASSWORD=pw", "MYSQL_HOST=db" }, "mariadb://db", "MYSQL_HOST" },
		{ { "HOST=db", "MYSQL_ROOT_PASSWORD=pw" }, "", "" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf url = BUF_INIT, names = BUF_INIT;
		struct dunlin_error err = { 0 };
		int rc = discover_url(from_list, (void *)cases[i].vars, &url, &names, &err);

		if (!TAP_EQ_STR(url.p ? url.p : "", cases[i].url) || !TAP_EQ_STR(names.p ? names.p : "", cases[i].names) ||
		    !TAP_EQ_INT(rc, *cases[i].url ? 1 : 0))
			tap_note("case %zu: %s", i, err.message);
		buf_clear(&url);
		buf_clear(&names);
	}
}

static void two_databases_at_once_are_refused(void)
{
	static const char *const vars[] = {
		"POSTGRES_HOST=db", "POSTGRES_PASSWORD=secret", "MYSQL_HOST=db", "MYSQL_PASSWORD=secret", NULL
	};
	struct buf url = BUF_INIT, names = BUF_INIT;
	struct dunlin_error err;

	TAP_EQ_INT(discover_url(from_list, (void *)vars, &url, &names, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "the environment names two databases: PostgreSQL by POSTGRES_HOST, and MariaDB by MYSQL_HOST");
	buf_clear(&url);
	buf_clear(&names);
}

static void a_port_that_is_none_is_refused(void)
{
	static const char *const vars[] = { "POSTGRES_HOST=db", "POSTGRES_PORT=tcp://172.17.0.2:5432", NULL };
	struct buf url = BUF_INIT, names = BUF_INIT;
	struct dunlin_error err;

	TAP_EQ_INT(discover_url(from_list, (void *)vars, &url, &names, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "'tcp://172.17.0.2:5432' in POSTGRES_PORT is not a port");
	buf_clear(&url);
	buf_clear(&names);
}

static void every_failed_allocation_is_reported(void)
{
	static const char *const one[] = { "PGHOST=db", "PGUSER=me", NULL };
	static const char *const both[] = { "PGHOST=db", "MYSQL_HOST=db", NULL };

	for (int k = 0; k < 2; k++)
		for (unsigned long i = 1; i <= 2; i++) {
			struct buf url = BUF_INIT, names = BUF_INIT;
			struct dunlin_error err;

			mem_fail_at(i, 0);
			TAP_EQ_INT(discover_url(from_list, (void *)(k ? both : one), &url, &names, &err), -1);
			mem_fail_at(0, 0);
			TAP_EQ_STR(err.message, "out of memory");
			buf_clear(&url);
			buf_clear(&names);
		}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a_url_is_made_of_the_parts_that_are_set", a_url_is_made_of_the_parts_that_are_set },
		{ "two_databases_at_once_are_refused", two_databases_at_once_are_refused },
		{ "a_port_that_is_none_is_refused", a_port_that_is_none_is_refused },
		{ "every_failed_allocation_is_reported", every_failed_allocation_is_reported },
	};

	return tap_main("discover", tests, sizeof tests / sizeof *tests);
}
