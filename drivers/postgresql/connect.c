/*
 * connect.c - from options to an open line, or to words on why not.
 *
 * libpq is driven by PQconnectPoll(), host by host, each with its own time.
 * Only the look-up of a name blocks: libpq does it inside PQconnectStartParams().
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "pg_driver.h"

#define SLICE_MS 50

/* --- what the server or libpq said ------------------------------------------------------ */

/* "FATAL:  28P01: text" is what PQERRORS_VERBOSE makes of a refusal; there is no
 * other way to a SQLSTATE before a session stands. */
static const char *find_state(const char *line, size_t n)
{
	size_t i, k;

	for (i = 0; i + 10 <= n; i++) {
		if (memcmp(line + i, ":  ", 3) != 0 || memcmp(line + i + 8, ": ", 2) != 0)
			continue;
		for (k = 3; k < 8 && strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", line[i + k]); k++)
			;
		if (k == 8)
			return line + i + 3;
	}
	return NULL;
}

/* One line, its SQLSTATE taken out of it. */
static void add_line(struct drv_text *out, const char *line, size_t n, char *state)
{
	const char *found = find_state(line, n);

	if (!found) {
		drv_text_add(out, line, n);
		return;
	}
	if (!state[0])
		snprintf(state, 6, "%.5s", found);
	/* "FATAL:  x" reads better with one space. */
	drv_text_add(out, line, (size_t)(found - line) - 1);
	found += sizeof "28P01: " - 1;
	drv_text_add(out, found, n - (size_t)(found - line));
}

/* libpq's advice is indented, and not ours. */
static int is_noise(const char *line, size_t n)
{
	static const char location[] = "LOCATION:";

	return n == 0 || *line == '\t' || strncmp(line, location, sizeof location - 1) == 0;
}

void pg_connect_words(const char *text, char *state, struct drv_text *out)
{
	static const char attempt[] = "connection to server ";
	size_t n, start = 0, last = 0, last_len = 0;
	const char *line, *next;

	state[0] = '\0';
	for (line = text; *line; line = next) {
		n = strcspn(line, "\n");
		next = line[n] ? line + n + 1 : line + n;
		if (is_noise(line, n))
			continue;
		/* One clause an address or method; the same again, with TLS and without, is one. */
		if (out->len && strncmp(line, attempt, sizeof attempt - 1) == 0) {
			last = start;
			last_len = out->len - start;
			drv_text_adds(out, "; ");
			start = out->len;
		} else if (out->len) {
			drv_text_adds(out, " ");
		}
		add_line(out, line, n, state);
		if (last_len && out->len - start == last_len && memcmp(out->p + last, out->p + start, last_len) == 0) {
			out->len = last + last_len;
			out->p[out->len] = '\0';
			start = last;
			last_len = 0;
		}
	}
}

static const struct {
	const char *state, *hint;
} hints[] = {
	{ "28P01", "Check user and password: in the URL, PGPASSWORD or ~/.pgpass." },
	{ "28000", "The server does not let this user in from here; see its pg_hba.conf, and sslmode." },
	{ "3D000", "Make it with 'dunlin create', or check the name." },
	{ "53300", "The server has no connection to spare: try again, or raise its max_connections." },
	{ "57P03", "The server is starting up or shutting down; 'dunlin wait' waits for it." },
};

static int is_pooler_refusal(const char *text)
{
	return strstr(text, "unsupported startup parameter") != NULL;
}

static int pooler(const char *text, struct dunlin_driver_error *err)
{
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0,
	          "there is a connection pooler between here and the server, which takes no startup options: %s", text);
	drv_hint(err, "Connect to the server itself; or, if the pooler is in session mode, say '?dunlin_pool=session'.");
	if (err)
		err->is_unsafe = 1;
	return DUNLIN_ERROR;
}

static int no_tls(const char *text, int is_default, struct dunlin_driver_error *err)
{
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "%s", text);
	drv_hint(err, "%sSwitch it on in the server (ssl = on), or allow plain text with '?sslmode=disable' or "
	              "'?sslmode=prefer'.", is_default ? "To a server on another machine TLS is required. " : "");
	if (err)
		err->is_unsafe = 1;
	return DUNLIN_ERROR;
}

/* The words are in English: see speak_c(). */
static int is_tls_refusal(const char *text)
{
	return strstr(text, "server does not support SSL, but SSL was required") != NULL;
}

static int refused(struct dunlin_conn *c, const struct pg_attempt *a, struct pg_refusal *why,
                   struct dunlin_driver_error *err)
{
	struct drv_text words = { 0 };
	char state[6];
	int status;
	size_t i;

	pg_connect_words(c->pg ? PQerrorMessage(c->pg) : "", state, &words);
	if (words.is_failed || !c->pg) {
		drv_text_clear(&words);
		return drv_nomem(err);
	}
	if (!words.p)
		drv_text_adds(&words, "cannot connect");
	if (words.p)
		pg_options_scrub(&c->opt, words.p);
	snprintf(why->state, sizeof why->state, "%s", state);
	if (words.p && is_pooler_refusal(words.p) && !c->opt.is_pool_session) {
		status = pooler(words.p, err);
	} else if (words.p && is_tls_refusal(words.p)) {
		status = no_tls(words.p, a->is_tls_due, err);
	} else {
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "%s", words.p ? words.p : "cannot connect");
		for (i = 0; i < sizeof hints / sizeof *hints; i++)
			if (strcmp(hints[i].state, state) == 0)
				drv_hint(err, "%s", hints[i].hint);
	}
	if (err)
		snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state);
	drv_text_clear(&words);
	return status;
}

/* --- polling ------------------------------------------------------------------------------ */

static int too_late(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	const char *host = PQhost(c->pg), *port = PQport(c->pg);

	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, ETIMEDOUT, "no answer from '%s' port %s within %lld ms",
	                 host && *host ? host : "the server", port && *port ? port : "5432",
	                 (long long)c->opt.connect_timeout_ms);
}

static int wait_socket(struct dunlin_conn *c, PostgresPollingStatusType what, int64_t end,
                       struct dunlin_driver_error *err)
{
	struct pollfd p = { .events = what == PGRES_POLLING_READING ? POLLIN : POLLOUT };
	int rc;

	for (;;) {
		if (pg_is_stopped(c))
			return pg_stopped(c, err);
		if (end && drv_now_ms() >= end)
			return too_late(c, err);
		p.fd = PQsocket(c->pg); /* it changes as addresses are tried */
		if (p.fd < 0)
			return DUNLIN_OK; /* PQconnectPoll() says why */
		rc = poll(&p, 1, SLICE_MS);
		if (rc > 0 || (rc < 0 && errno != EINTR))
			return DUNLIN_OK;
	}
}

static int drive(struct dunlin_conn *c, const struct pg_attempt *a, struct pg_refusal *why,
                 struct dunlin_driver_error *err)
{
	int64_t end = c->opt.connect_timeout_ms > 0 ? drv_now_ms() + c->opt.connect_timeout_ms : 0;
	PostgresPollingStatusType what = PGRES_POLLING_WRITING;
	int status;

	c->pg = PQconnectStartParams(a->keyword, a->value, 0);
	if (!c->pg || PQstatus(c->pg) == CONNECTION_BAD)
		return refused(c, a, why, err);
	PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(c->pg, pg_notice, c);
	while (what != PGRES_POLLING_OK) {
		status = wait_socket(c, what, end, err);
		if (status != DUNLIN_OK)
			return status;
		what = PQconnectPoll(c->pg);
		if (what == PGRES_POLLING_FAILED)
			return refused(c, a, why, err);
	}
	PQsetErrorVerbosity(c->pg, PQERRORS_DEFAULT);
	return DUNLIN_OK;
}

/* An application may have set a locale in which libpq speaks another language;
 * its words are all there is on why TLS was not to be had. */
static locale_t speak_c(locale_t *old)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	*old = c ? uselocale(c) : (locale_t)0;
	return c;
}

static void speak_as_before(locale_t c, locale_t old)
{
	if (!c)
		return;
	uselocale(old);
	freelocale(c);
}

int pg_connect(struct dunlin_conn *c, const struct pg_attempt *a, struct pg_refusal *why, struct dunlin_driver_error *err)
{
	locale_t here, old;
	int status;

	*why = (struct pg_refusal){ .state = "" };
	here = speak_c(&old);
	status = drive(c, a, why, err);
	speak_as_before(here, old);
	if (status != DUNLIN_OK)
		pg_disconnect(c);
	return status;
}

void pg_disconnect(struct dunlin_conn *c)
{
	PQfinish(c->pg);
	c->pg = NULL;
}
