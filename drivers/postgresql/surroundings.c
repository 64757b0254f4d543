/*
 * surroundings.c - what must hold of a line before anything is done on it: it is
 * encrypted where it leaves this machine, it leads to one server process and not
 * to a pooler's, and that server takes writes.
 *
 * All of it is asked in one query; where the settings could not travel in the
 * startup packet they are set by the same.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_driver.h"

static int unsafe(struct dunlin_driver_error *err, const char *message, const char *hint)
{
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "%s", message);
	drv_hint(err, "%s", hint);
	if (err)
		err->is_unsafe = 1;
	return DUNLIN_ERROR;
}

/* What libpq came to use, also from a service file. */
static void effective_sslmode(PGconn *pg, char *out, size_t size)
{
	PQconninfoOption *all = PQconninfo(pg), *o;

	out[0] = '\0';
	for (o = all; o && o->keyword; o++)
		if (strcmp(o->keyword, "sslmode") == 0 && o->val)
			snprintf(out, size, "%s", o->val);
	PQconninfoFree(all);
}

static int check_tls(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	static const char hint[] = "Switch TLS on in the server (ssl = on), or allow plain text with '?sslmode=disable' or "
	                           "'?sslmode=prefer'.";
	const char *address = PQhostaddr(c->pg);
	int is_local = c->opt.is_local || pg_is_local_host(address && *address ? address : PQhost(c->pg));
	char mode[16];

	if (PQsslInUse(c->pg) || PQgssEncInUse(c->pg))
		return DUNLIN_OK;
	effective_sslmode(c->pg, mode, sizeof mode);
	if (strcmp(mode, "require") == 0 || strncmp(mode, "verify-", 7) == 0) {
		/* A socket of this machine is never encrypted. */
		if (address && *address)
			return unsafe(err, "the connection is not encrypted, though sslmode says that it must be", hint);
		return DUNLIN_OK;
	}
	if (is_local || c->opt.has_sslmode || strcmp(mode, "disable") == 0 || strcmp(mode, "allow") == 0)
		return DUNLIN_OK;
	return unsafe(err, "the server is on another machine, and the connection is not encrypted", hint);
}

struct facts {
	int n, pid, is_standby, is_read_only;
};

/* What the next transaction will be: this one may be older than the settings. */
#define FACTS                                                                                              \
	"SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), "                                 \
	"pg_catalog.current_setting('default_transaction_read_only')"

static int read_facts(void *arg, const PGresult *res)
{
	struct facts *f = arg;

	if (PQntuples(res) != 1 || PQnfields(res) != 3)
		return DUNLIN_OK;
	f->n++;
	f->pid = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
	f->is_standby = strcmp(PQgetvalue(res, 0, 1), "t") == 0;
	f->is_read_only = strcmp(PQgetvalue(res, 0, 2), "on") == 0;
	return DUNLIN_OK;
}

int pg_refuse_mode(struct dunlin_driver_error *err)
{
	return unsafe(err, "the pooler between here and the server is in transaction mode, though 'dunlin_pool=session' says "
	                   "otherwise", "Connect to the server itself, or to a pool of the pooler's that is in session mode.");
}

static int check_kind(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char text[256];

	switch (c->opt.attrs) {
	case PG_ATTRS_ANY:
	case PG_ATTRS_PREFER_STANDBY: /* see conn.c */
		return DUNLIN_OK;
	case PG_ATTRS_READ_ONLY:
	case PG_ATTRS_STANDBY:
		if (c->opt.attrs == PG_ATTRS_STANDBY ? c->is_standby : c->is_read_only)
			return DUNLIN_OK;
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "the server '%s' port %s is not %s", PQhost(c->pg),
		                 PQport(c->pg), c->opt.attrs == PG_ATTRS_STANDBY ? "a standby" : "read-only");
	case PG_ATTRS_PRIMARY:
		if (!c->is_standby)
			return DUNLIN_OK;
		break;
	default:
		if (!c->is_read_only)
			return DUNLIN_OK;
		break;
	}
	snprintf(text, sizeof text, "the server '%s' port %s is %s", PQhost(c->pg), PQport(c->pg),
	         c->is_standby ? "a standby, which is read-only" : "set to read-only");
	return unsafe(err, text, c->is_standby ? "Connect to the primary, or name all servers: the one that takes writes is found."
	                                       : "See default_transaction_read_only in the URL's options and PGOPTIONS.");
}

static int check_server(struct dunlin_conn *c, const struct facts *f, struct dunlin_driver_error *err)
{
	c->server_pid = f->pid;
	if (f->pid != PQbackendPID(c->pg) && !c->opt.is_pool_session)
		return unsafe(err, "there is a connection pooler between here and the server, which may change the server's "
		                   "process under a run: a lock would protect nothing",
		              "Connect to the server itself; or, if the pooler is in session mode, say '?dunlin_pool=session'.");
	c->is_standby = f->is_standby != 0;
	c->is_read_only = f->is_standby || f->is_read_only;
	return check_kind(c, err);
}

int pg_check_surroundings(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct facts facts = { .n = 0 };
	struct drv_text sql = { 0 };
	int status = check_tls(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (c->is_set_later) {
		pg_settings_query(&c->opt, &sql);
		drv_text_adds(&sql, "; ");
	}
	drv_text_adds(&sql, FACTS);
	status = sql.is_failed ? drv_nomem(err) : pg_simple(c, sql.p, read_facts, &facts, err);
	drv_text_clear(&sql);
	if (status == DUNLIN_OK && facts.n != 1)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "the server does not answer as PostgreSQL does");
	return status == DUNLIN_OK ? check_server(c, &facts, err) : status;
}
