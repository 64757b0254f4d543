/*
 * group_open.c - connecting: what is wrong is an error in good time and without
 * a secret, and nothing is left behind.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <dirent.h>
#include <stdlib.h>

static int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void opens_and_closes(struct suite *s)
{
	struct conn c;
	long live;
	int files;

	if (conn_open(s, &c) < 0) /* a library may keep something of its first time */
		return;
	conn_close(&c);
	live = host_n_live();
	files = count_files();
	for (int i = 0; i < 10; i++) {
		if (conn_open(s, &c) < 0)
			return;
		expect(s, conn_tx_state(&c) == DUNLIN_TX_NONE, "a new connection is in a transaction");
		conn_close(&c);
	}
	expect(s, count_files() <= files, "%d files are open more than before", count_files() - files);
	expect(s, host_n_live() <= live, "%ld blocks of memory are left", host_n_live() - live);
	s->drv->close(NULL);
}

/* Opens with one option changed; it must fail. */
static void fails_with(struct suite *s, const char *key, const char *value, int64_t within_ms)
{
	struct dunlin_kv opt[64];
	size_t n = 0;
	struct conn c = { .s = s };
	char text[STATUS_TEXT_SIZE];
	int64_t start = host_now_ms(), took;
	int rc;

	for (size_t i = 0; i < s->n_opt && n < 60; i++)
		if (strcmp(s->opt[i].key, key) != 0 && !(strcmp(key, "host") == 0 && strcmp(s->opt[i].key, "hostaddr") == 0))
			opt[n++] = s->opt[i];
	opt[n++] = (struct dunlin_kv){ key, value };
	opt[n++] = (struct dunlin_kv){ "connect_timeout_ms", "2000" };
	rc = s->drv->open(opt, n, &s->ctl, &c.c, conn_err(&c));
	took = host_now_ms() - start;
	expect(s, rc != DUNLIN_OK, "it opens with %s '%s'", key, value);
	expect(s, rc == DUNLIN_OK || c.c == NULL, "a connection beside an error");
	expect(s, rc == DUNLIN_OK || c.err.message[0], "an error without a message");
	expect(s, rc == DUNLIN_OK || c.err.errclass == DUNLIN_CLASS_CONNECTION || c.err.errclass == DUNLIN_CLASS_PERMISSION ||
	       c.err.errclass == DUNLIN_CLASS_TIMEOUT || c.err.errclass == DUNLIN_CLASS_SCHEMA ||
	       c.err.errclass == DUNLIN_CLASS_INTERRUPTED || c.err.is_unsafe,
	       "the class is not CONNECTION: %s", status_text(&c, rc, text));
	expect(s, took <= within_ms, "it took %lld ms", (long long)took);
	expect(s, !host_has_leaked(s, c.err.message) && !host_has_leaked(s, c.err.detail) && !host_has_leaked(s, c.err.hint),
	       "the password is in the error");
	expect(s, strcmp(key, "password") != 0 || !strstr(c.err.message, value), "the wrong password is in the error");
	conn_close(&c);
}

static void bad_host(struct suite *s)
{
	fails_with(s, "host", "no-such-host.invalid", 15000);
}

static void closed_port(struct suite *s)
{
	fails_with(s, "port", "1", 15000);
}

/* TEST-NET-1: nobody answers, or a router says so at once. */
static void unreachable(struct suite *s)
{
	fails_with(s, "host", "192.0.2.1", 8000);
}

static void unreachable_at_the_deadline(struct suite *s)
{
	host_set_deadline(500);
	fails_with(s, "host", "192.0.2.1", 5000);
}

static void bad_password(struct suite *s)
{
	fails_with(s, "password", "Wr0ng-9f3c", 15000);
}

static void missing_database(struct suite *s)
{
	fails_with(s, s->drv->flags & DUNLIN_DRIVER_FILE ? "path" : "database",
	           s->drv->flags & DUNLIN_DRIVER_FILE ? "/nonexistent/folder/none.db" : "dunlin_no_such_database", 15000);
}

static void stopped(struct suite *s)
{
	struct conn c = { .s = s };
	int rc;

	host_set_stop(1);
	rc = s->drv->open(s->opt, s->n_opt, &s->ctl, &c.c, conn_err(&c));
	host_set_stop(0);
	expect(s, rc == DUNLIN_OK || c.c == NULL, "a connection beside an error");
	conn_close(&c);
	if (conn_open(s, &c) == 0)
		conn_close(&c);
}

static void no_secret_in_the_log(struct suite *s)
{
	expect(s, !host_log_leaked(), "a line of the log has the password in it");
}

static void open_group(struct suite *s)
{
	int is_server = (s->drv->flags & DUNLIN_DRIVER_SERVER) != 0, has_host = 0;

	for (size_t i = 0; i < s->n_opt; i++)
		has_host |= strcmp(s->opt[i].key, "host") == 0 && s->opt[i].value && s->opt[i].value[0] != '/';
	check(s, "it opens and closes, and nothing is left", opens_and_closes);
	check(s, "a database that is not there is an error", missing_database);
	check(s, "a host that wants to stop is obeyed", stopped);
	if (is_server) {
		check(s, "a host that is not there is an error", bad_host);
		check(s, "a host that does not answer is an error in good time", unreachable);
		check(s, "the deadline holds while connecting", unreachable_at_the_deadline);
	}
	if (is_server && has_host)
		check(s, "a port where nobody listens is an error", closed_port);
	if (s->secret[0])
		check(s, "a wrong password is an error that does not quote it", bad_password);
	check(s, "the log has no secret", no_secret_in_the_log);
}
const struct group group_open = { "open", open_group };
