/*
 * conn.c - connecting, the session's settings, the facts of the server.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errmsg.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "my_catalog.h"
#include "my_packet.h"

#define OLDEST 100300 /* MariaDB 10.3 */

/* --- before connecting ---------------------------------------------------------------- */

/* A server that asks for a file of ours gets none, whatever was negotiated. */
static int infile_init(void **ptr, const char *name, void *arg)
{
	(void)name;
	(void)arg;
	*ptr = NULL;
	return 1;
}

static int infile_read(void *ptr, char *buf, unsigned len)
{
	(void)ptr;
	(void)buf;
	(void)len;
	return -1;
}

static void infile_end(void *ptr)
{
	(void)ptr;
}

static int infile_error(void *ptr, char *text, unsigned size)
{
	(void)ptr;
	snprintf(text, size, "LOCAL INFILE is off");
	return CR_UNKNOWN_ERROR;
}

static int prepare(struct dunlin_conn *c, MYSQL *my, struct dunlin_driver_error *err)
{
	const struct my_options *o = &c->opt;
	unsigned off = 0, tcp = MYSQL_PROTOCOL_TCP;
	my_bool no = 0;

	if (mysql_options(my, MYSQL_OPT_NONBLOCK, 0) ||
	    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4") ||
	    mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &off) ||
	    mysql_options(my, MYSQL_OPT_RECONNECT, &no) ||
	    mysql_options4(my, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", o->application_name ? o->application_name : "dunlin"))
		return drv_nomem(err);
	mysql_set_local_infile_handler(my, infile_init, infile_read, infile_end, infile_error, NULL);
	/* The library takes localhost for the socket; who names a port means TCP. */
	if (!o->socket && o->host && (o->port || o->is_tcp || strcasecmp(o->host, "localhost") != 0))
		mysql_options(my, MYSQL_OPT_PROTOCOL, &tcp);
	return my_tls_prepare(c, my, err);
}

/* A line that is cut without a word is noticed. */
static void keep_alive(MYSQL *my)
{
	int fd = mysql_get_socket(my), on = 1, idle = 15, interval = 5, count = 4;
	unsigned unheard_ms = 40000; /* of what was sent */

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof unheard_ms);
	}
}

/* --- connecting ----------------------------------------------------------------------------- */

static int connect_failed(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	unsigned native = mysql_errno(c->my);
	const char *message = mysql_error(c->my);
	const struct my_options *o = &c->opt;
	int is_tls = my_tls_is_failure(native, message) && o->ssl_mode >= MY_SSL_PREFERRED;

	if (c->cause)
		return my_stopped(c, err);
	if (c->wait_end_ms && drv_now_ms() >= c->wait_end_ms) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, (int)native, "the server at '%s' did not answer in time",
		          o->socket ? o->socket : o->host ? o->host : "localhost");
		return DUNLIN_ERROR;
	}
	my_db_error(c, NULL, 0, err);
	if (err && err->errclass != DUNLIN_CLASS_PERMISSION && err->errclass != DUNLIN_CLASS_SCHEMA)
		err->errclass = DUNLIN_CLASS_CONNECTION;
	if (is_tls) {
		my_tls_hint(o, err);
		if (err)
			err->is_unsafe = 1;
	}
	return DUNLIN_ERROR;
}

static int dial(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	const struct my_options *o = &c->opt;
	MYSQL *ret = NULL;
	int status;

	status = mysql_real_connect_start(&ret, c->my, o->socket ? NULL : o->host ? o->host : "localhost", o->user,
	                                  o->password, o->database, o->port, o->socket,
	                                  CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS | CLIENT_FOUND_ROWS);
	while (status)
		status = mysql_real_connect_cont(&ret, c->my, my_wait(c, status));
	if (!ret)
		return connect_failed(c, err);
	c->is_multi = 1;
	keep_alive(c->my);
	return my_tls_check(c, c->my, err);
}

/* --- settings and facts ---------------------------------------------------------------------- */

static void add_seconds(struct drv_text *t, const char *name, int64_t ms)
{
	if (ms > 0)
		drv_text_addf(t, "%s=%lld", name, (long long)((ms + 999) / 1000));
	else
		drv_text_addf(t, "%s=DEFAULT", name);
}

/* InnoDB and the metadata locks count whole seconds. */
static void add_timeouts(struct drv_text *t, int64_t lock_ms, int64_t statement_ms)
{
	add_seconds(t, "lock_wait_timeout", lock_ms);
	drv_text_adds(t, ", ");
	add_seconds(t, "innodb_lock_wait_timeout", lock_ms);
	drv_text_addf(t, ", max_statement_time=%lld.%03lld", (long long)(statement_ms / 1000),
	              (long long)(statement_ms % 1000));
}

void my_timeouts(const struct dunlin_conn *c, int64_t lock_ms, int64_t statement_ms, struct drv_text *t)
{
	drv_text_adds(t, "SET SESSION ");
	add_timeouts(t, lock_ms >= 0 ? lock_ms : c->opt.lock_timeout_ms,
	             statement_ms >= 0 ? statement_ms : c->opt.statement_timeout_ms);
}

void my_settings(const struct dunlin_conn *c, struct drv_text *t)
{
	drv_text_adds(t, "SET SESSION autocommit=1, foreign_key_checks=1, unique_checks=1, wait_timeout=28800, "
	                 "time_zone='+00:00', ");
	add_timeouts(t, c->opt.lock_timeout_ms, c->opt.statement_timeout_ms);
	if (c->server.is_wsrep) /* what another node committed is read */
		drv_text_adds(t, ", wsrep_sync_wait=15");
}

static int take_facts(void *arg, int ncol, const char *const *value, const size_t *len)
{
	struct dunlin_conn *c = arg;
	struct my_server *s = &c->server;

	(void)len;
	if (ncol < 7)
		return 0;
	c->thread_id = value[0] ? strtoul(value[0], NULL, 10) : 0;
	snprintf(s->database, sizeof s->database, "%s", value[1] ? value[1] : "");
	snprintf(s->user, sizeof s->user, "%s", value[2] ? value[2] : "");
	snprintf(s->role, sizeof s->role, "%s", value[3] ? value[3] : "");
	s->is_read_only = value[4] && strcmp(value[4], "0") != 0;
	s->max_packet = value[5] ? strtoull(value[5], NULL, 10) : 0;
	s->is_wsrep = value[6] && strcmp(value[6], "1") == 0;
	return 0;
}

/* SUPER and READ ONLY ADMIN write to a server that is read-only for others. */
static int ask_read_only(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char answer[8];
	int status = my_scalar(c, "SELECT @@innodb_read_only = 0 AND EXISTS (SELECT 1 FROM information_schema.user_privileges "
	                          "WHERE privilege_type IN ('SUPER', 'READ ONLY ADMIN', 'READ_ONLY ADMIN') AND "
	                          "grantee = concat('''', replace(current_user(), '@', '''@'''), ''''))", NULL, 0, answer,
	                       sizeof answer, err);

	if (status == DUNLIN_OK)
		c->server.is_read_only = strcmp(answer, "1") != 0;
	return status;
}

#define FACTS "SELECT connection_id(), database(), current_user(), current_role(), " \
              "@@global.read_only OR @@global.innodb_read_only, @@session.max_allowed_packet, "

static int ask_facts(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error own = { .struct_size = sizeof own };
	struct my_server *s = &c->server;
	int status;

	snprintf(s->version, sizeof s->version, "%s", mysql_get_server_info(c->my));
	s->number = (unsigned)mysql_get_server_version(c->my);
	if (!mariadb_connection(c->my) || s->number < OLDEST) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the server is '%s', not a MariaDB from 10.3 on", s->version);
		return DUNLIN_ERROR;
	}
	status = my_each(c, FACTS "@@wsrep_on AND @@global.wsrep_provider <> 'none'", NULL, 0, take_facts, c, &own);
	if (status != DUNLIN_OK && own.native == 1193) /* built without it */
		status = my_each(c, FACTS "0", NULL, 0, take_facts, c, &own);
	if (status == DUNLIN_OK && s->is_read_only)
		status = ask_read_only(c, &own);
	if (status != DUNLIN_OK && err) {
		own.struct_size = err->struct_size;
		*err = own;
	}
	return status;
}

int my_set_up(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct drv_text t = { 0 };
	int status = ask_facts(c, err);

	if (status == DUNLIN_OK) {
		my_settings(c, &t);
		status = t.is_failed ? drv_nomem(err) : my_do(c, t.p, err);
	}
	drv_text_clear(&t);
	return status;
}

int my_connect(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int64_t end = c->wait_end_ms;
	int status;

	c->my = mysql_init(NULL);
	if (!c->my)
		return drv_nomem(err);
	c->thread_id = 0;
	c->is_lost = 0;
	c->is_killing = 0;
	if (c->opt.connect_timeout_ms > 0 && (!end || drv_now_ms() + c->opt.connect_timeout_ms < end))
		c->wait_end_ms = drv_now_ms() + c->opt.connect_timeout_ms;
	status = prepare(c, c->my, err);
	if (status == DUNLIN_OK)
		status = dial(c, err);
	if (status == DUNLIN_OK)
		status = my_set_up(c, err);
	c->wait_end_ms = end;
	if (status != DUNLIN_OK) {
		mysql_close(c->my);
		c->my = NULL;
	}
	return status;
}

/* --- the slots ------------------------------------------------------------------------------------ */

static int open_as(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, int is_server_only,
                   struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct dunlin_conn *c = drv_zalloc(sizeof *c);
	int status;

	*out = NULL;
	if (!c)
		return drv_nomem(err);
	if (ctl)
		memcpy(&c->ctl, ctl, ctl->struct_size < sizeof c->ctl ? ctl->struct_size : sizeof c->ctl);
	status = my_options_read(&c->opt, kv, n, err);
	if (status == DUNLIN_OK && is_server_only) {
		drv_free(c->opt.database);
		c->opt.database = NULL;
	}
	if (status == DUNLIN_OK)
		status = my_connect(c, err);
	if (status != DUNLIN_OK) {
		my_close(c);
		return status;
	}
	*out = c;
	return DUNLIN_OK;
}

static int refuse_read_only(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 1290, "the server at '%s' is read-only",
	          c->opt.socket ? c->opt.socket : c->opt.host ? c->opt.host : "localhost");
	drv_hint(err, "Connect to the primary.");
	if (err)
		err->is_unsafe = 1;
	return DUNLIN_ERROR;
}

int my_open(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
            struct dunlin_driver_error *err)
{
	int status = open_as(kv, n, ctl, 0, out, err);

	if (status == DUNLIN_OK && (*out)->server.is_read_only)
		status = refuse_read_only(*out, err);
	if (status != DUNLIN_OK) {
		my_close(*out);
		*out = NULL;
	}
	return status;
}

int my_open_server(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
                   struct dunlin_driver_error *err)
{
	return open_as(kv, n, ctl, 1, out, err);
}

void my_close(struct dunlin_conn *c)
{
	if (!c)
		return;
	my_side_close(c);
	if (c->my && !c->is_lost)
		my_cluster_let_go(c);
	if (c->my && c->is_adopted)
		my_give_back(c);
	else if (c->my)
		mysql_close(c->my);
	my_options_clear(&c->opt);
	my_blockers_clear(c);
	drv_text_clear(&c->restore);
	drv_free(c);
}

uint64_t my_caps(struct dunlin_conn *c)
{
	return MY_CAPS | (c->server.is_read_only ? DUNLIN_CAP_READ_ONLY : 0) | (my_is_mixed(c) ? DUNLIN_CAP_MIXED_TABLES : 0);
}
