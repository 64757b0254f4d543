/*
 * api_connect.c - from a URL to a connection that holds the lock.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "buf.h"
#include "docker.h"
#include "loader.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void handle_log(struct dunlin *d, int level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	if (!d->obs.log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	url_scrub(&d->url, text, sizeof text);
	d->obs.log(d->obs.arg, level, text);
}

const char *handle_option(const struct dunlin *d, const char *name)
{
	return config_get(d->config, name, NULL);
}

static int is_late(const struct dunlin *d)
{
	return d->deadline && now_ms() >= d->deadline;
}

/* What went wrong because time was up comes from the drivers as "interrupted". */
int handle_fail(struct dunlin *d, struct dunlin_error *err)
{
	if (!err)
		return -1;
	if (err->errclass == DUNLIN_CLASS_INTERRUPTED && !d->cancel && is_late(d)) {
		err->errclass = DUNLIN_CLASS_TIMEOUT;
		err->code = DUNLIN_EXIT_TIMEOUT;
	}
	url_scrub_error(&d->url, err);
	return -1;
}

static void log_of_driver(void *arg, int level, const char *text)
{
	handle_log(arg, level, "%s", text);
}

struct loader_log handle_enter(struct dunlin *d)
{
	int64_t ms = config_duration(d->config, "timeout");

	d->deadline = ms > 0 ? now_ms() + ms : 0;
	d->grace = 0;
	return loader_set_log((struct loader_log){ log_of_driver, d });
}

int handle_leave(struct dunlin *d, struct loader_log was, int rc)
{
	if (d->is_adopted) {
		handle_unlock(d);
		session_close(&d->session);
	}
	loader_set_log(was);
	return rc;
}

#define GRACE_MS 5000

void handle_begin_grace(void *arg)
{
	struct dunlin *d = arg;

	if (!d->grace)
		d->grace = now_ms() + GRACE_MS;
}

static int should_stop(void *arg)
{
	struct dunlin *d = arg;

	if (d->grace && (d->cancel >= 2 || is_late(d)))
		return now_ms() >= d->grace;
	return d->cancel >= 2 || is_late(d);
}

static int64_t remaining_ms(void *arg)
{
	struct dunlin *d = arg;
	int64_t left, end = d->deadline;

	if (!end)
		return -1;
	if (d->grace > end)
		end = d->grace;
	left = end - now_ms();
	return left > 0 ? left : 0;
}

/* Who runs this, for the records; asked only when there is something to record. */
const char *handle_actor(struct dunlin *d)
{
	const char *given = handle_option(d, "actor");
	struct passwd pw, *found = NULL;
	char host[128] = "", text[4096];

	if (d->actor[0])
		return d->actor;
	if (given) {
		snprintf(d->actor, sizeof d->actor, "%s", given);
		return d->actor;
	}
	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	if (getpwuid_r(geteuid(), &pw, text, sizeof text, &found) != 0 || !found)
		snprintf(d->actor, sizeof d->actor, "uid%ld@%s", (long)geteuid(), host);
	else
		snprintf(d->actor, sizeof d->actor, "%s@%s", found->pw_name, host);
	return d->actor;
}

/* SCHEMA.TABLE of the ledger.  Where schemas are databases, it is the one that
 * the URL names: a file may go over to another. */
static int init_ledger(struct dunlin *d, const char *table, struct dunlin_error *err)
{
	const char *database = url_get(&d->url, "database");
	struct buf b = BUF_INIT;
	int rc;

	if (d->drv->dialect->default_schema || !(d->drv->flags & DUNLIN_DRIVER_SERVER) || !database || !*database ||
	    strchr(database, '.') || strchr(table, '.'))
		return ledger_init(&d->ledger, d->drv->dialect, table, err);
	buf_addf(&b, "%s.%s", database, table);
	rc = b.is_failed ? error_nomem(err) : ledger_init(&d->ledger, d->drv->dialect, b.p, err);
	buf_clear(&b);
	return rc;
}

static int set_ledger(struct dunlin *d, struct dunlin_error *err)
{
	const char *table = handle_option(d, "table");

	if (d->has_ledger_sql)
		return 0;
	if (init_ledger(d, table ? table : "dunlin_migrations", err) < 0)
		return -1;
	if ((d->drv->flags & DUNLIN_DRIVER_FILE) && d->drv->dialect->default_schema &&
	    strcmp(d->ledger.schema, d->drv->dialect->default_schema) != 0) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s': a database file has no schema '%s' to keep a ledger in",
		          table, d->ledger.schema);
		error_hint(err, "Name the table alone.");
		ledger_clear(&d->ledger);
		return -1;
	}
	d->has_ledger_sql = 1;
	d->ctl = (struct dunlin_control){
		.struct_size = sizeof d->ctl, .arg = d, .should_stop = should_stop, .remaining_ms = remaining_ms,
	};
	return 0;
}

static int is_ended(void *arg)
{
	const struct dunlin *d = arg;

	return d->cancel || is_late(d);
}

#define DOCKER_MS 10000 /* for an answer of docker or podman */

/* A container's database in place of its name. */
static int parse_docker_url(struct dunlin *d, const char *text, struct dunlin_error *err)
{
	const struct command_limits limits = { .ms = DOCKER_MS, .should_stop = is_ended, .arg = d };
	struct buf url = BUF_INIT, origin = BUF_INIT;
	struct docker_found found = { .url = &url, .origin = &origin };
	int rc = docker_find(text, &limits, &found, err);

	if (rc == 0)
		rc = url_parse(url.p, &d->url, err);
	if (rc == 0) {
		d->is_local = found.is_local;
		handle_log(d, DUNLIN_LOG_DEBUG, "url: %s, of %s%s", url_masked(&d->url), origin.p,
		           found.is_local ? "" : " on another machine");
	}
	if (url.p)
		explicit_bzero(url.p, url.len);
	buf_clear(&url);
	buf_clear(&origin);
	return rc < 0 ? handle_fail(d, err) : 0;
}

int handle_driver(struct dunlin *d, struct dunlin_error *err)
{
	const char *text = handle_option(d, "url");

	if (d->drv)
		return set_ledger(d, err);
	if (!text)
		return config_no_url(d->config, err);
	d->is_local = 0;
	if ((docker_is_url(text) ? parse_docker_url(d, text, err) : url_parse(text, &d->url, err)) < 0)
		return -1;
	if (loader_find_scheme(d->url.scheme, handle_option(d, "driver-path"), &d->drv, err) < 0 ||
	    url_bind(&d->url, d->drv->flags, err) < 0 ||
	    url_check_params(&d->url, d->drv->url_params, err) < 0 || set_ledger(d, err) < 0) {
		d->drv = NULL;
		handle_fail(d, err);
		url_clear(&d->url);
		memset(&d->url, 0, sizeof d->url);
		return -1;
	}
	return 0;
}

/* The URL's options and the core's own; *out by mem_alloc, texts of numbers in `text`. */
int handle_options(struct dunlin *d, int create, struct dunlin_kv **out, size_t *n, char *text,
                   size_t text_size, struct dunlin_error *err)
{
	static const struct { const char *option, *key; } durations[] = {
		{ "lock-timeout", "lock_timeout_ms" },
		{ "statement-timeout", "statement_timeout_ms" },
		{ "connect-timeout", "connect_timeout_ms" },
	};
	size_t used = 0, k = d->url.n_opt;
	struct dunlin_kv *kv = mem_zalloc((k + 8) * sizeof *kv);

	if (!kv)
		return error_nomem(err);
	if (k)
		memcpy(kv, d->url.opt, k * sizeof *kv);
	if (create)
		kv[k++] = (struct dunlin_kv){ "create", "1" };
	if (d->is_local)
		kv[k++] = (struct dunlin_kv){ "is_local", "1" };
	if (d->is_own_process)
		kv[k++] = (struct dunlin_kv){ "own_process", "1" };
	kv[k++] = (struct dunlin_kv){ "application_name", "dunlin" };
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		int64_t ms = config_duration(d->config, durations[i].option);
		int len;

		if (ms < 0)
			continue;
		len = snprintf(text + used, text_size - used, "%lld", (long long)ms);
		kv[k++] = (struct dunlin_kv){ durations[i].key, text + used };
		used += (size_t)len + 1;
	}
	*out = kv;
	*n = k;
	return 0;
}

int handle_open(struct dunlin *d, enum open_how how, struct dunlin_error *err)
{
	struct dunlin_kv *kv = NULL;
	char text[96];
	size_t n = 0;
	int rc;

	if (d->session.conn)
		return 0;
	if (d->is_adopted) {
		rc = session_adopt(&d->session, d->drv, d->adopted, &d->ctl, err);
		goto out;
	}
	if (handle_driver(d, err) < 0 || handle_options(d, how == OPEN_CREATE, &kv, &n, text, sizeof text, err) < 0)
		return -1;
	rc = session_open(&d->session, d->drv, kv, n, &d->ctl, err);
	mem_free(kv);
out:
	if (rc == 0)
		return 0;
	/* A value in the URL that the driver cannot take, or a handle. */
	if (err && err->errclass == DUNLIN_CLASS_VALIDATION)
		err->code = DUNLIN_EXIT_USAGE;
	return handle_fail(d, err);
}

void handle_close(struct dunlin *d)
{
	handle_unlock(d);
	session_close(&d->session);
}

static int wait_a_little(struct dunlin *d, int64_t left, struct dunlin_error *err)
{
	session_pause(left);
	if (is_late(d))
		return error_set(err, DUNLIN_EXIT_TIMEOUT, DUNLIN_CLASS_TIMEOUT, "the time that --timeout gives is up");
	if (d->cancel)
		return error_set(err, DUNLIN_EXIT_STOPPED, DUNLIN_CLASS_INTERRUPTED, "interrupted while waiting for the lock");
	return 0;
}

/* What a driver says besides that another run holds the lock. */
static const char *holder_of(const char *message)
{
	static const char held[] = "another run holds the lock";

	if (strncmp(message, held, sizeof held - 1) != 0)
		return message;
	message += sizeof held - 1;
	return message + strspn(message, ": ");
}

int handle_lock(struct dunlin *d, struct dunlin_error *err)
{
	int64_t wait = config_duration(d->config, "lock-wait"), end = now_ms() + (wait >= 0 ? wait : 60000);
	int is_told = 0;

	if (d->is_locked || !session_has(&d->session, DUNLIN_CAP_LOCK))
		return 0;
	for (;;) {
		struct session *s = &d->session;
		const char *who;
		int rc = d->drv->lock(s->conn, d->ledger.key, handle_actor(d), session_error(s));

		if (rc == DUNLIN_OK) {
			d->is_locked = 1;
			return 0;
		}
		if (rc != DUNLIN_EBUSY) {
			session_fail(s, rc, err);
			return handle_fail(d, err);
		}
		who = holder_of(s->de.message);
		if (now_ms() >= end) {
			error_set(err, DUNLIN_EXIT_LOCKED, DUNLIN_CLASS_LOCK, "another run holds the lock%s%s",
			          *who ? ": " : "", who);
			error_hint(err, "Wait for it to end and run the command again, or give it longer by --lock-wait.");
			error_state(err, "nothing was changed");
			return handle_fail(d, err);
		}
		if (!is_told)
			handle_log(d, DUNLIN_LOG_INFO, "waiting for another run%s%s", *who ? ": " : "", who);
		is_told = 1;
		if (wait_a_little(d, end - now_ms(), err) < 0)
			return -1;
	}
}

void handle_unlock(struct dunlin *d)
{
	if (d->is_locked && d->session.conn) {
		int rc = d->drv->unlock(d->session.conn, d->ledger.key, session_error(&d->session));

		if (rc != DUNLIN_OK)
			handle_log(d, DUNLIN_LOG_WARN, "the lock was not ours any more at the end: %s", d->session.de.message);
	}
	d->is_locked = 0;
}

int handle_reconnect(void *arg, struct dunlin_error *err)
{
	struct dunlin *d = arg;
	int64_t wait = config_duration(d->config, "lock-wait"), end = now_ms() + (wait >= 0 ? wait : 60000);
	struct dunlin_error own;

	if (!err)
		err = &own;
	if (d->is_adopted)
		return error_set(err, DUNLIN_EXIT_UNKNOWN, DUNLIN_CLASS_CONNECTION,
		                 "the application's own connection was lost");
	for (;;) {
		session_close(&d->session);
		d->is_locked = 0;
		/* A server that comes back may go again before the lock is ours. */
		if (handle_open(d, OPEN_EXISTING, err) == 0 && handle_lock(d, err) == 0)
			return 0;
		if (err->errclass != DUNLIN_CLASS_CONNECTION)
			return -1;
		if (now_ms() >= end || wait_a_little(d, end - now_ms(), err) < 0)
			return -1;
	}
}
