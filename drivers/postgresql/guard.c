/*
 * guard.c - what stands around a migration's statements, within the server.
 *
 * The whole of it travels in one pipeline with its COMMIT, so whether the
 * transaction is still ours must be found out by the server: a savepoint that
 * nobody can name is set behind BEGIN and released before the ledger is
 * written.  Where the file ended the transaction, the savepoint is gone with it.
 *
 * The session is reset in there too: after a SET ROLE the ledger's rows would be
 * refused, and a reset sent between COMMIT and BEGIN would be undone by the next
 * rollback.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "pipeline.h"

void guard_load(struct guard *g, const struct dunlin_conn *c)
{
	*g = (struct guard){
		.is_open = c->is_guarded || PQtransactionStatus(c->pg) == PQTRANS_INTRANS,
		.is_own = c->is_guarded,
		.is_armed = c->is_guarded && !c->is_sealed,
		.is_dirty = c->is_dirty,
	};
}

void guard_store(const struct guard *g, struct dunlin_conn *c)
{
	c->is_guarded = g->is_open && g->is_own;
	c->is_sealed = !g->is_armed;
	c->is_dirty = g->is_dirty;
}

/* --- the beginning ---------------------------------------------------------------------- */

static int name_guard(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	unsigned char raw[16];
	int n = snprintf(c->guard, sizeof c->guard, "dunlin_");

	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
		c->guard[0] = '\0';
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0, "the system gives no random numbers");
	}
	for (size_t i = 0; i < sizeof raw; i++)
		n += snprintf(c->guard + n, sizeof c->guard - (size_t)n, "%02x", raw[i]);
	return DUNLIN_OK;
}

static int arm(struct part *p, struct guard *g, size_t step)
{
	char sql[80];

	if (!p->c->guard[0] && name_guard(p->c, p->err) != DUNLIN_OK)
		return DUNLIN_ERROR;
	g->is_armed = 1;
	snprintf(sql, sizeof sql, "SAVEPOINT %s", p->c->guard);
	return part_adds(p, PG_OP_OWN, step, sql);
}

/* The file's own BEGIN, and what it says nothing of: a database whose default is
 * read-only or serializable is none of its doing. */
static void begin_text(struct drv_text *t, const struct dunlin_step *st)
{
	const char *p = st->sql, *end = p ? p + st->sql_len : NULL;
	int has_level = 0, has_access = 0;
	struct drv_token token;

	while (p && (token = drv_token_next(PG_LEX, &p, end)).kind != DRV_TOKEN_END) {
		has_level |= drv_token_is(&token, "ISOLATION");
		has_access |= drv_token_is(&token, "ONLY") || drv_token_is(&token, "WRITE");
	}
	if (st->sql)
		drv_text_add(t, st->sql, st->sql_len);
	else
		drv_text_adds(t, "BEGIN");
	/* On a line of its own: the file's may end in a comment. */
	drv_text_adds(t, st->sql ? "\n" : " ");
	if (!has_level)
		drv_text_adds(t, "ISOLATION LEVEL READ COMMITTED ");
	if (!has_access)
		drv_text_adds(t, "READ WRITE");
}

static int set_local(struct part *p, size_t step, const char *name, int64_t ms)
{
	char sql[80];

	if (ms < 0)
		return DUNLIN_OK;
	snprintf(sql, sizeof sql, "SET LOCAL %s = %lld", name, (long long)ms);
	return part_adds(p, PG_OP_OWN, step, sql);
}

int guard_begin(struct part *p, struct guard *g, size_t step, const struct dunlin_step *st, int has_statements)
{
	struct drv_text t = { 0 };
	int status;

	if (g->is_open)
		return drv_error(p->err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a transaction is open already");
	begin_text(&t, st);
	status = t.is_failed ? drv_nomem(p->err) : part_add(p, PG_OP_BEGIN, step, t.p, t.len);
	drv_text_clear(&t);
	pg_blockers_watch_begin(p->c, st->lock_timeout_ms);
	g->is_open = g->is_own = 1;
	g->is_armed = g->is_shielded = 0;
	if (status == DUNLIN_OK)
		status = set_local(p, step, "statement_timeout", st->statement_timeout_ms);
	if (status == DUNLIN_OK)
		status = set_local(p, step, "lock_timeout", st->lock_timeout_ms);
	return status == DUNLIN_OK && has_statements ? arm(p, g, step) : status;
}

/* --- a session that is the file's for the moment ------------------------------------------- */

static int add_all(struct part *p, size_t step, const char *const *sql)
{
	int status = DUNLIN_OK;

	for (; *sql && status == DUNLIN_OK; sql++)
		status = part_adds(p, PG_OP_OWN, step, *sql);
	return status;
}

#define SAVE(name) "set_config('dunlin.saved_" name "', current_setting('" name "'), true)"
#define LOAD(name) "set_config('" name "', current_setting('dunlin.saved_" name "'), true)"

/* Outside a transaction the session stays as the file has made it until its end,
 * but the ledger is written meanwhile: by the role that connected, in UTF-8, in
 * whatever time that takes.  For this transaction only. */
static int shield(struct part *p, struct guard *g, size_t step)
{
	static const char *const sql[] = {
		"SELECT " SAVE("session_authorization") ", " SAVE("role") ", " SAVE("client_encoding") ", "
		SAVE("statement_timeout"),
		"SET LOCAL SESSION AUTHORIZATION DEFAULT", "SET LOCAL role TO DEFAULT", "SET LOCAL client_encoding TO 'UTF8'",
		"SET LOCAL statement_timeout TO DEFAULT", NULL
	};

	g->is_shielded = 1;
	return add_all(p, step, sql);
}

static int unshield(struct part *p, struct guard *g, size_t step)
{
	g->is_shielded = 0;
	return part_adds(p, PG_OP_OWN, step, "SELECT " LOAD("session_authorization") ", " LOAD("role") ", "
	                 LOAD("client_encoding") ", " LOAD("statement_timeout"));
}

int guard_statement(struct part *p, struct guard *g, size_t step, unsigned kind)
{
	int status = DUNLIN_OK;

	if (g->is_shielded)
		status = unshield(p, g, step);
	/* A transaction that several migrations share is guarded anew for each. */
	if (status == DUNLIN_OK && g->is_own && !g->is_armed)
		status = arm(p, g, step);
	if (!(kind & PG_KIND_PLAIN))
		g->is_dirty = 1;
	return status;
}

int guard_ledger(struct part *p, struct guard *g, size_t step)
{
	return g->is_dirty && !g->is_shielded ? shield(p, g, step) : DUNLIN_OK;
}

/* --- the end ------------------------------------------------------------------------------ */

static int release(struct part *p, struct guard *g, size_t step)
{
	char sql[80];

	if (!g->is_armed)
		return DUNLIN_OK;
	g->is_armed = 0;
	snprintf(sql, sizeof sql, "RELEASE SAVEPOINT %s", p->c->guard);
	return part_adds(p, PG_OP_RELEASE, step, sql);
}

/* Deferred constraints are looked at where their failure still has the
 * migration's name.  In a transaction that goes on, what follows must find them
 * deferred again: the rollback to a savepoint brings that about. */
static int check_constraints(struct part *p, size_t step, int is_last)
{
	static const char *const sql[] = {
		"SAVEPOINT dunlin_constraints", "SET CONSTRAINTS ALL IMMEDIATE",
		"ROLLBACK TO SAVEPOINT dunlin_constraints", "RELEASE SAVEPOINT dunlin_constraints", NULL
	};

	return is_last ? part_adds(p, PG_OP_OWN, step, sql[1]) : add_all(p, step, sql);
}

/* --- the session ---------------------------------------------------------------------------- */

/* Never DISCARD ALL: it lets go of the lock. */
static const char *const always[] = { "RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", NULL };
static const char deallocate[] = "DEALLOCATE ALL";
static const char utf8[] = "SET client_encoding TO 'UTF8'";

static int add_settings(struct part *p, size_t step)
{
	struct drv_text t = { 0 };
	int status;

	if (!p->c->is_set_later)
		return DUNLIN_OK;
	if (p->c->is_adopted) { /* its own may be another */
		status = part_adds(p, PG_OP_OWN, step, utf8);
		if (status != DUNLIN_OK)
			return status;
	}
	pg_settings_query(&p->c->opt, &t);
	status = t.is_failed ? drv_nomem(p->err) : part_adds(p, PG_OP_OWN, step, t.p);
	drv_text_clear(&t);
	return status;
}

/* An application's own temporary tables stay. */
static int discards_temp(const struct dunlin_conn *c)
{
	const char *const *s = pg_leftovers(c);

	while (*s && strcmp(*s, PG_DISCARD_TEMP) != 0)
		s++;
	return *s != NULL;
}

static int reset(struct part *p, struct guard *g, size_t step)
{
	int status = add_all(p, step, always);

	if (status == DUNLIN_OK)
		status = add_settings(p, step);
	if (status != DUNLIN_OK)
		return status;
	if (!g->is_dirty) /* as far as its words go; but what its triggers make may hide a table */
		return discards_temp(p->c) ? part_adds(p, PG_OP_OWN, step, PG_DISCARD_TEMP) : status;
	status = add_all(p, step, pg_leftovers(p->c));
	if (status == DUNLIN_OK && !p->c->is_adopted) {
		status = part_adds(p, PG_OP_OWN, step, deallocate);
		pg_prepared_forget(p->c);
	}
	return status;
}

int guard_seal(struct part *p, struct guard *g, size_t step, int is_last)
{
	const char *lock = pg_lock_check(p->c);
	int status;

	if (!g->is_own)
		return drv_error(p->err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "there is no transaction to seal");
	if (!g->is_armed && (status = arm(p, g, step)) != DUNLIN_OK)
		return status;
	status = check_constraints(p, step, is_last);
	if (status == DUNLIN_OK)
		status = release(p, g, step);
	if (status == DUNLIN_OK)
		status = reset(p, g, step);
	if (status == DUNLIN_OK && lock)
		status = part_adds(p, PG_OP_LOCK, step, lock);
	if (status == DUNLIN_OK)
		g->is_dirty = 0; /* it counts if it commits */
	return status;
}

int guard_commit(struct part *p, struct guard *g, size_t step)
{
	int status = release(p, g, step);

	if (status == DUNLIN_OK)
		status = part_adds(p, PG_OP_COMMIT, step, "COMMIT");
	g->is_open = g->is_own = g->is_shielded = 0;
	return status;
}

static int lock_lost(struct dunlin_driver_error *err)
{
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the lock was lost during the migration");
	drv_hint(err, "Something in it lets go of every advisory lock (pg_advisory_unlock_all, DISCARD ALL): take that out.");
	return DUNLIN_ERROR;
}

int guard_error(int kind, const char *sqlstate, struct dunlin_driver_error *err)
{
	if (kind == PG_OP_LOCK && strcmp(sqlstate, "22P02") == 0)
		return lock_lost(err);
	if (kind != PG_OP_RELEASE || (strcmp(sqlstate, "3B001") != 0 && strcmp(sqlstate, "25P01") != 0))
		return DUNLIN_OK;
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0,
	          "the migration ended the transaction that it ran in, and what it had done by then is committed");
	drv_hint(err, "Run it outside a transaction, with '-- dunlin:no-transaction' in the file.");
	return DUNLIN_ERROR;
}

int pg_reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	const char *lock = pg_lock_check(c);
	struct drv_text t = { 0 };
	int status = pg_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	for (const char *const *s = always; *s; s++)
		drv_text_addf(&t, "%s;", *s);
	for (const char *const *s = pg_leftovers(c); *s; s++)
		drv_text_addf(&t, "%s;", *s);
	if (!c->is_adopted)
		drv_text_addf(&t, "%s;", deallocate);
	if (c->is_adopted)
		drv_text_addf(&t, "%s;", utf8);
	if (c->is_set_later) {
		pg_settings_query(&c->opt, &t);
		drv_text_adds(&t, ";");
	}
	status = t.is_failed ? drv_nomem(err) : pg_do(c, t.p, err);
	drv_text_clear(&t);
	if (status != DUNLIN_OK)
		return status;
	c->is_dirty = c->has_temp = 0;
	pg_prepared_forget(c);
	status = lock ? pg_do(c, lock, err) : DUNLIN_OK;
	return status != DUNLIN_OK && err && strcmp(err->sqlstate, "22P02") == 0 ? lock_lost(err) : status;
}
