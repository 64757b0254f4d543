/*
 * test_postgresql_server.c - connecting to servers that are hard to come by: old
 * ones, half ones, and ones that hang up.  A thread speaks the protocol.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "postgresql/pg_driver.h"

#include "tap.h"

/* --- the host --------------------------------------------------------------------------- */

static _Atomic long n_live;
static unsigned long n_alloc, fail_at;

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

static void test_log(void *ctx, int level, const char *text)
{
	(void)ctx, (void)level, (void)text;
}

static const struct dunlin_host host = {
	.struct_size = sizeof host, .alloc = test_alloc, .free = test_free, .log = test_log,
};

/* --- the server ---------------------------------------------------------------------------- */

struct server {
	int listener, port;
	pthread_t thread;
	/* What it is like. */
	const char *unknown;     /* a setting that it does not know; NULL: none         */
	int no_options;          /* it takes no startup options at all, as a pooler     */
	int pid_told, pid;       /* by BackendKeyData; by pg_backend_pid()              */
	const char *is_standby;  /* "t", "f"                                            */
	const char *is_read_only;
	int n_columns;           /* of its answer                                       */
	int hang_up_at;          /* 1: at the startup packet, 2: at the query; 0: never */
	/* What was seen. */
	_Atomic int n_startup, n_query;
	char query[4096];
};

static int get(int fd, void *p, size_t n)
{
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

struct out {
	char p[2048];
	size_t n, start;
};

static void open_message(struct out *o, char type)
{
	o->p[o->n++] = type;
	o->start = o->n;
	o->n += 4;
}

static void add_int(struct out *o, uint32_t v, size_t size)
{
	uint32_t net = htonl(v);

	memcpy(o->p + o->n, (const char *)&net + 4 - size, size);
	o->n += size;
}

static void add_text(struct out *o, const char *s)
{
	memcpy(o->p + o->n, s, strlen(s) + 1);
	o->n += strlen(s) + 1;
}

static void close_message(struct out *o)
{
	uint32_t net = htonl((uint32_t)(o->n - o->start));

	memcpy(o->p + o->start, &net, 4);
}

static void add_parameter(struct out *o, const char *name, const char *value)
{
	open_message(o, 'S');
	add_text(o, name);
	add_text(o, value);
	close_message(o);
}

static void add_error(struct out *o, const char *state, const char *message)
{
	open_message(o, 'E');
	add_text(o, "SFATAL");
	add_text(o, "VFATAL");
	o->p[o->n++] = 'C';
	add_text(o, state);
	o->p[o->n++] = 'M';
	add_text(o, message);
	o->p[o->n++] = '\0';
	close_message(o);
}

static void add_ready(struct out *o)
{
	open_message(o, 'Z');
	o->p[o->n++] = 'I';
	close_message(o);
}

static void say(int fd, struct out *o)
{
	if (send(fd, o->p, o->n, MSG_NOSIGNAL) < 0)
		tap_note("the fake server cannot send");
	o->n = 0;
}

static void add_answer(struct server *s, struct out *o)
{
	const char *value[3];
	char pid[16];
	int i;

	snprintf(pid, sizeof pid, "%d", s->pid);
	value[0] = pid;
	value[1] = s->is_standby;
	value[2] = s->is_read_only;
	open_message(o, 'T');
	add_int(o, (uint32_t)s->n_columns, 2);
	for (i = 0; i < s->n_columns; i++) {
		add_text(o, "x");
		add_int(o, 0, 4);
		add_int(o, 0, 2);
		add_int(o, 25, 4);
		add_int(o, UINT32_MAX, 2);
		add_int(o, UINT32_MAX, 4);
		add_int(o, 0, 2);
	}
	close_message(o);
	open_message(o, 'D');
	add_int(o, (uint32_t)s->n_columns, 2);
	for (i = 0; i < s->n_columns; i++) {
		add_int(o, (uint32_t)strlen(value[i]), 4);
		memcpy(o->p + o->n, value[i], strlen(value[i]));
		o->n += strlen(value[i]);
	}
	close_message(o);
	open_message(o, 'C');
	add_text(o, "SELECT 1");
	close_message(o);
	add_ready(o);
}

/* The startup packet; 0: nothing more to do with this one. */
static int greet(struct server *s, int fd, char *packet, size_t size)
{
	struct out o = { .n = 0 };
	uint32_t head[2], n;

	do { /* neither TLS nor GSS */
		if (!get(fd, head, sizeof head))
			return 0;
		n = ntohl(head[0]) - 8;
		if (n == 0)
			send(fd, "N", 1, MSG_NOSIGNAL);
	} while (n == 0);
	if (n > size || !get(fd, packet, n))
		return 0;
	s->n_startup++;
	if (s->hang_up_at == 1)
		return 0;
	if (s->no_options && memmem(packet, n, "options", 7))
		add_error(&o, "08P01", "unsupported startup parameter: options");
	else if (s->unknown && memmem(packet, n, s->unknown, strlen(s->unknown)))
		add_error(&o, "42704", "unrecognized configuration parameter");
	if (o.n) {
		say(fd, &o);
		return 0;
	}
	open_message(&o, 'R');
	add_int(&o, 0, 4);
	close_message(&o);
	add_parameter(&o, "server_version", "9.6.24");
	add_parameter(&o, "client_encoding", "UTF8");
	open_message(&o, 'K');
	add_int(&o, (uint32_t)s->pid_told, 4);
	add_int(&o, 99, 4);
	close_message(&o);
	add_ready(&o);
	say(fd, &o);
	return 1;
}

static void converse(struct server *s, int fd)
{
	struct out o = { .n = 0 };
	char packet[8192], type;
	uint32_t n;

	if (!greet(s, fd, packet, sizeof packet))
		return;
	while (get(fd, &type, 1) && get(fd, &n, 4)) {
		n = ntohl(n) - 4;
		if (type != 'Q' || n >= sizeof packet || !get(fd, packet, n))
			return;
		s->n_query++;
		snprintf(s->query, sizeof s->query, "%s", packet);
		if (s->hang_up_at == 2)
			return;
		add_answer(s, &o);
		say(fd, &o);
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		converse(s, fd);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;

	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(s->listener, 8) < 0 ||
	    getsockname(s->listener, (struct sockaddr *)&a, &size) < 0 || pthread_create(&s->thread, NULL, serve, s) != 0)
		abort();
	s->port = ntohs(a.sin_port);
}

static struct dunlin_conn *c;

static void leave(void)
{
	pg_close(c);
	c = NULL;
}

static void server_stop(struct server *s)
{
	leave(); /* or the server would wait for more of it */
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	TAP_EQ_INT(n_live, 0);
}

#define NORMAL .pid_told = 7, .pid = 7, .is_standby = "f", .is_read_only = "off", .n_columns = 3

/* --- the tests ------------------------------------------------------------------------------ */

static struct dunlin_driver_error err = { .struct_size = sizeof err };

static int open_server(const struct server *s, const char *pool)
{
	char port[16];
	const struct dunlin_kv kv[] = {
		{ "host", "127.0.0.1" }, { "port", port }, { "user", "u" }, { "password", "x" }, { "database", "d" },
		{ "lock_timeout_ms", "1234" }, { "connect_timeout", "10" }, { "dunlin_pool", pool },
	};

	leave();
	snprintf(port, sizeof port, "%d", s->port);
	return pg_open(kv, sizeof kv / sizeof *kv, NULL, &c, &err);
}

static void an_old_server_gets_the_settings_that_it_knows(void)
{
	struct server s = { NORMAL, .unknown = "idle_session_timeout" };

	server_start(&s);
	if (TAP_EQ_INT(open_server(&s, NULL), DUNLIN_OK)) {
		TAP_EQ_INT(c->server_version, 90624);
		TAP_EQ_INT(c->is_set_later, 0);
	}
	TAP_EQ_INT(s.n_startup, 2);
	TAP_EQ_INT(s.n_query, 1);
	server_stop(&s);
}

static void one_that_knows_few_gets_them_by_a_query(void)
{
	struct server s = { NORMAL, .unknown = "standard_conforming_strings" };

	server_start(&s);
	if (TAP_EQ_INT(open_server(&s, NULL), DUNLIN_OK)) {
		TAP_EQ_INT(c->is_set_later, 1);
		TAP_OK(strstr(s.query, "('lock_timeout', '1234')") != NULL);
	}
	TAP_EQ_INT(s.n_startup, 3);
	TAP_EQ_INT(s.n_query, 1);
	server_stop(&s);
}

static void what_stands_in_between_is_refused(void)
{
	struct server s = { NORMAL, .no_options = 1 };

	server_start(&s);
	TAP_EQ_INT(open_server(&s, NULL), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_unsafe, 1);
	TAP_EQ_STR(err.sqlstate, "08P01");
	TAP_OK(c == NULL);
	TAP_EQ_INT(open_server(&s, "session"), DUNLIN_OK);
	s.no_options = 0;
	s.pid = 8;
	TAP_EQ_INT(open_server(&s, NULL), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_unsafe, 1);
	TAP_OK(strstr(err.message, "pooler") != NULL);
	server_stop(&s);
}

static void one_that_takes_no_writes_is_refused(void)
{
	struct server s = { NORMAL };

	s.is_standby = "t";
	server_start(&s);
	TAP_EQ_INT(open_server(&s, NULL), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_unsafe, 1);
	TAP_OK(strstr(err.message, "standby") != NULL);
	s.is_standby = "f";
	s.is_read_only = "on";
	TAP_EQ_INT(open_server(&s, NULL), DUNLIN_ERROR);
	TAP_EQ_INT(err.is_unsafe, 1);
	TAP_OK(strstr(err.message, "read-only") != NULL);
	server_stop(&s);
}

static void one_that_hangs_up_or_talks_nonsense_is_an_error(void)
{
	struct server s = { NORMAL };
	int i;

	server_start(&s);
	for (i = 1; i <= 2; i++) {
		s.hang_up_at = i;
		TAP_EQ_INT(open_server(&s, NULL), DUNLIN_ERROR);
		TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
		TAP_EQ_INT(err.is_unsafe, 0);
		TAP_OK(err.message[0] != '\0');
	}
	s.hang_up_at = 0;
	s.n_columns = 2;
	TAP_EQ_INT(open_server(&s, NULL), DUNLIN_ERROR);
	TAP_OK(strstr(err.message, "does not answer as PostgreSQL does") != NULL);
	server_stop(&s);
}

static void memory_may_run_out_at_every_step(void)
{
	struct server s = { NORMAL };
	unsigned long n;
	int status = DUNLIN_ERROR;

	server_start(&s);
	for (n = 1; n < 300 && status != DUNLIN_OK; n++) {
		n_alloc = 0;
		fail_at = n;
		status = open_server(&s, NULL);
		fail_at = 0;
		if (status != DUNLIN_OK)
			TAP_EQ_INT(status, DUNLIN_ENOMEM);
		leave();
		TAP_EQ_INT(n_live, 0);
	}
	TAP_OK(n > 20);
	TAP_EQ_INT(status, DUNLIN_OK);
	server_stop(&s);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "an old server gets the settings that it knows", an_old_server_gets_the_settings_that_it_knows },
		{ "one that knows few gets them by a query", one_that_knows_few_gets_them_by_a_query },
		{ "what stands in between is refused", what_stands_in_between_is_refused },
		{ "one that takes no writes is refused", one_that_takes_no_writes_is_refused },
		{ "one that hangs up or talks nonsense is an error", one_that_hangs_up_or_talks_nonsense_is_an_error },
		{ "memory may run out at every step", memory_may_run_out_at_every_step },
	};
	static const char *const names[] = { "PGHOST", "PGHOSTADDR", "PGPORT", "PGSSLMODE", "PGSERVICE", "PGOPTIONS",
		                                 "PGTARGETSESSIONATTRS", "PGAPPNAME", "PGGSSENCMODE" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	drv_set_host(&host);
	return tap_main("postgresql_server", tests, sizeof tests / sizeof *tests);
}
