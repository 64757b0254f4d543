/*
 * test_postgresql_options.c - what a URL and the core ask for, as libpq gets it.
 * Without a server.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postgresql/pg_driver.h"

#include "tap.h"

static unsigned long n_alloc, fail_at;
static long n_live;

static void *test_alloc(void *ctx, size_t n)
{
	void *p;

	(void)ctx;
	if (++n_alloc == fail_at)
		return NULL;
	p = malloc(n);
	n_live += p != NULL;
	return p;
}

static void test_free(void *ctx, void *p)
{
	(void)ctx;
	n_live -= p != NULL;
	free(p);
}

static const struct dunlin_host host = { .struct_size = sizeof host, .alloc = test_alloc, .free = test_free };
static struct dunlin_driver_error err = { .struct_size = sizeof err };
static struct pg_options o;
static struct pg_attempt a;

#define KV(...) (const struct dunlin_kv[]){ __VA_ARGS__ }, sizeof((const struct dunlin_kv[]){ __VA_ARGS__ }) / sizeof(struct dunlin_kv)

static const char *value(const char *keyword)
{
	int i;

	for (i = 0; i < a.n; i++)
		if (strcmp(a.keyword[i], keyword) == 0)
			return a.value[i];
	return "(none)";
}

static void done(void)
{
	pg_attempt_clear(&a);
	pg_options_clear(&o);
	TAP_EQ_INT(n_live, 0);
}

static void a_url_becomes_keywords(void)
{
	TAP_EQ_INT(pg_options_read(&o, KV({ "host", "db.example" }, { "port", "6432" }, { "user", "me" }, { "password", "s3c" },
	                                  { "database", "app" }, { "sslmode", "verify-full" }, { "sslrootcert", "/ca" },
	                                  { "application_name", "mine" }, { "application_name", "dunlin" },
	                                  { "keepalives_idle", "7" }, { "lock_timeout_ms", "5000" },
	                                  { "connect_timeout", "3" }),
	                           NULL, &err), DUNLIN_OK);
	TAP_EQ_INT(pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err), DUNLIN_OK);
	TAP_EQ_STR(value("host"), "db.example");
	TAP_EQ_STR(value("port"), "6432");
	TAP_EQ_STR(value("user"), "me");
	TAP_EQ_STR(value("password"), "s3c");
	TAP_EQ_STR(value("dbname"), "app");
	TAP_EQ_STR(value("sslmode"), "verify-full");
	TAP_EQ_STR(value("sslrootcert"), "/ca");
	TAP_EQ_STR(value("application_name"), "mine");
	TAP_EQ_STR(value("keepalives_idle"), "7");
	TAP_EQ_STR(value("tcp_user_timeout"), "30000");
	TAP_EQ_STR(value("client_encoding"), "UTF8");
	TAP_EQ_STR(value("target_session_attrs"), "any");
	TAP_OK(strstr(value("options"), "-c lock_timeout=5000") != NULL);
	TAP_EQ_INT(o.connect_timeout_ms, 3000);
	TAP_EQ_INT(o.attrs, PG_ATTRS_READ_WRITE);
	TAP_OK(a.keyword[a.n] == NULL && a.value[a.n] == NULL);
	done();
}

static void tls_is_required_where_nobody_says_otherwise(void)
{
	static const struct {
		const char *host, *hostaddr, *sslmode, *local, *want;
	} t[] = {
		{ "db.example", NULL, NULL, NULL, "require" },    { "192.0.2.7", NULL, NULL, NULL, "require" },
		{ "db.example", NULL, "prefer", NULL, "prefer" }, { "localhost", NULL, NULL, NULL, "(none)" },
		{ "127.0.0.1", NULL, NULL, NULL, "(none)" },      { "127.8.8.8", NULL, NULL, NULL, "(none)" },
		{ "::1", NULL, NULL, NULL, "(none)" },            { "/tmp", NULL, NULL, NULL, "(none)" },
		{ "@abstract", NULL, NULL, NULL, "(none)" },      { "", NULL, NULL, NULL, "(none)" },
		{ "db", "127.0.0.1", NULL, NULL, "(none)" },      { "localhost", "192.0.2.7", NULL, NULL, "require" },
		{ "172.17.0.2", NULL, NULL, "1", "(none)" },      { "localhost.example", NULL, NULL, NULL, "require" },
		{ "1270.0.0.1", NULL, NULL, NULL, "require" },    { "db.example", NULL, NULL, "0", "require" },
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		TAP_EQ_INT(pg_options_read(&o, KV({ "host", t[i].host }, { "hostaddr", t[i].hostaddr }, { "sslmode", t[i].sslmode },
		                                  { "is_local", t[i].local }), NULL, &err), DUNLIN_OK);
		TAP_EQ_INT(pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err), DUNLIN_OK);
		if (!TAP_EQ_STR(value("sslmode"), t[i].want))
			tap_note("of host '%s' at '%s'", t[i].host, t[i].hostaddr ? t[i].hostaddr : "");
		done();
	}
	setenv("PGSSLMODE", "allow", 1);
	pg_options_read(&o, KV({ "host", "db.example" }), NULL, &err);
	pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err);
	TAP_EQ_STR(value("sslmode"), "(none)");
	unsetenv("PGSSLMODE");
	done();
	/* A service file may say it. */
	pg_options_read(&o, KV({ "host", "db.example" }, { "service", "x" }), NULL, &err);
	pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err);
	TAP_EQ_STR(value("sslmode"), "(none)");
	TAP_OK(a.is_tls_due);
	done();
}

static void hosts_are_tried_one_by_one(void)
{
	static const char *const want[][2] = { { "a", "(none)" }, { "::1", "6000" }, { "/run", "5433" } };
	size_t i;

	TAP_EQ_INT(pg_options_read(&o, KV({ "host", "a,::1,/run" }, { "port", ",6000,5433" }), NULL, &err), DUNLIN_OK);
	TAP_EQ_INT(o.n_target, 3);
	for (i = 0; i < 3; i++) {
		TAP_EQ_INT(pg_attempt_make(&o, i, PG_SETTINGS_STARTUP, &a, &err), DUNLIN_OK);
		TAP_EQ_STR(value("host"), want[i][0]);
		TAP_EQ_STR(value("port"), want[i][1]);
		TAP_EQ_STR(value("sslmode"), i == 0 ? "require" : "(none)");
		pg_attempt_clear(&a);
	}
	done();
	TAP_EQ_INT(pg_options_read(&o, KV({ "host", "a,b" }, { "port", "7" }), NULL, &err), DUNLIN_OK);
	TAP_EQ_INT(pg_attempt_make(&o, 1, PG_SETTINGS_STARTUP, &a, &err), DUNLIN_OK);
	TAP_EQ_STR(value("host"), "b");
	TAP_EQ_STR(value("port"), "7");
	done();
	TAP_EQ_INT(pg_options_read(&o, KV({ "host", "a,b" }, { "port", "1,2,3" }), NULL, &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
	done();
	TAP_EQ_INT(pg_options_read(&o, KV({ "host", "a,b" }, { "hostaddr", "127.0.0.1" }), NULL, &err), DUNLIN_ERROR);
	done();
}

static void the_environment_names_a_server_where_the_url_does_not(void)
{
	setenv("PGHOST", "env.example", 1);
	setenv("PGPORT", "7777", 1);
	pg_options_read(&o, KV({ "database", "d" }), NULL, &err);
	pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err);
	TAP_EQ_STR(value("host"), "env.example");
	TAP_EQ_STR(value("port"), "7777");
	TAP_EQ_STR(value("sslmode"), "require");
	done();
	pg_options_read(&o, KV({ "host", "localhost" }), NULL, &err);
	pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err);
	TAP_EQ_STR(value("host"), "localhost");
	TAP_EQ_STR(value("sslmode"), "(none)");
	done();
	unsetenv("PGHOST");
	unsetenv("PGPORT");
}

static void what_the_user_sets_comes_after_ours(void)
{
	const char *ours, *theirs;

	setenv("PGOPTIONS", "-c work_mem=9MB", 1);
	pg_options_read(&o, KV({ "host", "localhost" }), NULL, &err);
	pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err);
	TAP_OK(strstr(value("options"), "-c work_mem=9MB") != NULL);
	done();
	pg_options_read(&o, KV({ "host", "localhost" }, { "options", "-c lock_timeout=1" }, { "lock_timeout_ms", "5000" }), NULL, &err);
	pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err);
	ours = strstr(value("options"), "lock_timeout=5000");
	theirs = strstr(value("options"), "-c lock_timeout=1");
	TAP_OK(ours && theirs && ours < theirs);
	TAP_OK(strstr(value("options"), "work_mem") == NULL);
	TAP_OK(strstr(value("options"), "idle_session_timeout=0") != NULL);
	pg_attempt_clear(&a);
	pg_attempt_make(&o, 0, PG_SETTINGS_OLD, &a, &err);
	TAP_OK(strstr(value("options"), "idle_session_timeout") == NULL);
	TAP_OK(strstr(value("options"), "lock_timeout=5000") != NULL);
	pg_attempt_clear(&a);
	pg_attempt_make(&o, 0, PG_SETTINGS_LATER, &a, &err);
	TAP_EQ_STR(value("options"), "-c lock_timeout=1");
	done();
	unsetenv("PGOPTIONS");
	/* 0 is the database's own. */
	pg_options_read(&o, KV({ "host", "localhost" }, { "lock_timeout_ms", "0" }), NULL, &err);
	pg_attempt_make(&o, 0, PG_SETTINGS_STARTUP, &a, &err);
	TAP_OK(strstr(value("options"), "lock_timeout") == NULL && strstr(value("options"), "statement_timeout") == NULL);
	done();
}

static void the_kind_of_server_is_read(void)
{
	static const char *const names[] = { "read-write", "any", "read-only", "primary", "standby", "prefer-standby" };
	static const int want[] = { PG_ATTRS_READ_WRITE, PG_ATTRS_ANY, PG_ATTRS_READ_ONLY, PG_ATTRS_PRIMARY, PG_ATTRS_STANDBY,
		                        PG_ATTRS_PREFER_STANDBY };
	size_t i;

	for (i = 0; i < 6; i++) {
		TAP_EQ_INT(pg_options_read(&o, KV({ "target_session_attrs", names[i] }), NULL, &err), DUNLIN_OK);
		TAP_EQ_INT(o.attrs, want[i]);
		done();
		setenv("PGTARGETSESSIONATTRS", names[i], 1);
		TAP_EQ_INT(pg_options_read(&o, KV({ "host", "x" }), NULL, &err), DUNLIN_OK);
		TAP_EQ_INT(o.attrs, want[i]);
		done();
	}
	setenv("PGTARGETSESSIONATTRS", "best", 1);
	TAP_EQ_INT(pg_options_read(&o, KV({ "host", "x" }), NULL, &err), DUNLIN_ERROR);
	unsetenv("PGTARGETSESSIONATTRS");
	done();
}

static void values_that_libpq_would_refuse_are_told_at_once(void)
{
	static const char *const bad[][2] = {
		{ "sslmode", "on" }, { "target_session_attrs", "master" }, { "keepalives", "yes" }, { "connect_timeout", "-1" },
		{ "connect_timeout", "5s" }, { "dunlin_pool", "statement" }, { "gssencmode", "x" }, { "tcp_user_timeout", "9999999999" },
	};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		TAP_EQ_INT(pg_options_read(&o, KV({ bad[i][0], bad[i][1] }), NULL, &err), DUNLIN_ERROR);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_VALIDATION);
		TAP_OK(strstr(err.message, bad[i][0]) != NULL);
		done();
	}
}

static void secrets_are_scrubbed(void)
{
	char text[] = "says S3c%r3t and S3c%r3t, certpass; S3c";

	pg_options_read(&o, KV({ "password", "S3c%r3t" }, { "sslpassword", "certpass" }), NULL, &err);
	pg_options_scrub(&o, text);
	TAP_EQ_STR(text, "says *** and ***, ***; S3c");
	done();
}

static void every_parameter_is_one_of_libpq(void)
{
	PQconninfoOption *all = PQconndefaults(), *k;
	const char *const *p;

	for (p = pg_url_params(); *p; p++) {
		for (k = all; k->keyword && strcmp(k->keyword, *p) != 0; k++)
			;
		if (strcmp(*p, "dunlin_pool") != 0 && !TAP_OK(k->keyword != NULL))
			tap_note("'%s' is none", *p);
	}
	PQconninfoFree(all);
}

static void a_password_file_is_ones_own(void)
{
	char path[] = "/tmp/dunlin-passfile-XXXXXX";
	int fd = mkstemp(path);

	if (!TAP_OK(fd >= 0))
		return;
	fchmod(fd, 0600);
	TAP_EQ_INT(pg_check_passfile(KV({ "passfile", path }), &err), DUNLIN_OK);
	fchmod(fd, 0640);
	err.is_unsafe = 0;
	TAP_EQ_INT(pg_check_passfile(KV({ "passfile", path }), &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_unsafe, 1);
	TAP_OK(strstr(err.message, "0640") != NULL);
	TAP_EQ_INT(pg_check_passfile(KV({ "passfile", path }, { "password", "x" }), &err), DUNLIN_OK);
	TAP_EQ_INT(pg_check_passfile(KV({ "passfile", "/nonexistent" }), &err), DUNLIN_OK);
	TAP_EQ_INT(pg_check_passfile(KV({ "passfile", "/dev/null" }), &err), DUNLIN_OK);
	close(fd);
	unlink(path);
	TAP_EQ_INT(n_live, 0);
}

static void memory_that_runs_out_is_told_and_nothing_leaks(void)
{
	unsigned long n;
	int status, made;

	for (n = 1; n < 500; n++) {
		n_alloc = 0;
		fail_at = n;
		made = DUNLIN_OK;
		status = pg_options_read(&o, KV({ "host", "a,b" }, { "port", "1,2" }, { "user", "u" }, { "password", "pppp" },
		                                { "options", "-c x=1" }, { "sslrootcert", "/x" }), NULL, &err);
		if (status == DUNLIN_OK)
			made = pg_attempt_make(&o, 1, PG_SETTINGS_STARTUP, &a, &err);
		TAP_OK(status == DUNLIN_OK || status == DUNLIN_ENOMEM);
		TAP_OK(made == DUNLIN_OK || made == DUNLIN_ENOMEM);
		if (status == DUNLIN_OK && made == DUNLIN_OK)
			TAP_EQ_STR(value("host"), "b");
		fail_at = 0;
		done();
		if (n_alloc < n)
			break;
	}
	TAP_OK(n > 10 && n < 500);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a url becomes keywords", a_url_becomes_keywords },
		{ "tls is required where nobody says otherwise", tls_is_required_where_nobody_says_otherwise },
		{ "hosts are tried one by one", hosts_are_tried_one_by_one },
		{ "the environment names a server where the url does not", the_environment_names_a_server_where_the_url_does_not },
		{ "what the user sets comes after ours", what_the_user_sets_comes_after_ours },
		{ "the kind of server is read", the_kind_of_server_is_read },
		{ "values that libpq would refuse are told at once", values_that_libpq_would_refuse_are_told_at_once },
		{ "secrets are scrubbed", secrets_are_scrubbed },
		{ "every parameter is one of libpq", every_parameter_is_one_of_libpq },
		{ "a password file is ones own", a_password_file_is_ones_own },
		{ "memory that runs out is told and nothing leaks", memory_that_runs_out_is_told_and_nothing_leaks },
	};
	static const char *const names[] = { "PGHOST", "PGHOSTADDR", "PGPORT", "PGSSLMODE", "PGSERVICE", "PGOPTIONS", "PGPASSWORD",
		                                 "PGTARGETSESSIONATTRS", "PGCONNECT_TIMEOUT" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	drv_set_host(&host);
	return tap_main("postgresql_options", tests, sizeof tests / sizeof *tests);
}
