/*
 * lock.c - GET_LOCK, as the lock of a run.
 *
 * Two names: the lock itself, and a gate that every taker passes.  Who moves
 * the lock to a new connection holds the gate meanwhile, so that nobody gets in
 * between.
 *
 *     taker                     holder, old session      its new session
 *     GET_LOCK(gate)                                     GET_LOCK(gate), waits
 *     GET_LOCK(lock): no                                 .
 *     RELEASE_LOCK(gate)                                 has it
 *     GET_LOCK(gate): no        RELEASE_LOCK(lock)
 *     GET_LOCK(gate): no                                 GET_LOCK(lock)
 *     GET_LOCK(gate)                                     RELEASE_LOCK(gate)
 *     GET_LOCK(lock): no
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "my_packet.h"

#define GATE_WAIT_MS 30000 /* takers pass it in one statement */

static uint64_t fnv(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

/* The names of the locks that stand for a key, which is SCHEMA.TABLE.  Locks
 * are the server's, ledgers a database's: where the key names no schema, the
 * database in use does. */
static void names_of(const struct dunlin_conn *c, const char *key, char *lock, char *gate, size_t size)
{
	uint64_t a = UINT64_C(0xcbf29ce484222325), b = UINT64_C(0x9e3779b97f4a7c15);

	if (key[0] == '.') {
		a = fnv(a, c->server.database);
		b = fnv(b, c->server.database);
	}
	a = fnv(a, key);
	b = fnv(b, key);
	snprintf(lock, size, "dunlin:%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
	snprintf(gate, size, "dunlin-gate:%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
}

/* The ledger's tables as SQL names them. */
static void tables_of(struct dunlin_conn *c, const char *key)
{
	const char *dot = strchr(key, '.'), *suffix[3] = { "", "_events", "_cluster" };
	char *out[3] = { c->lock_table, c->lock_events, c->lock_cluster };
	struct drv_text t = { 0 };
	int i;

	for (i = 0; i < 3; i++) {
		drv_text_reset(&t);
		if (dot > key) {
			my_name(&t, key, (size_t)(dot - key));
			drv_text_adds(&t, ".");
		} else if (c->server.database[0]) {
			my_name(&t, c->server.database, strlen(c->server.database));
			drv_text_adds(&t, ".");
		}
		drv_text_addf(&t, "`%s%s`", dot ? dot + 1 : key, suffix[i]);
		snprintf(out[i], sizeof c->lock_table, "%s", t.p && !t.is_failed && !strchr(dot ? dot : key, '`') ? t.p : "");
	}
	drv_text_clear(&t);
	snprintf(c->lock_bare, sizeof c->lock_bare, "%s", dot ? dot + 1 : key);
	for (i = 0; c->lock_bare[i]; i++)
		if (c->lock_bare[i] >= 'A' && c->lock_bare[i] <= 'Z')
			c->lock_bare[i] = (char)(c->lock_bare[i] + 'a' - 'A');
	if (!c->lock_table[0] || !c->lock_events[0])
		c->lock_table[0] = c->lock_events[0] = '\0';
}

/* --- who holds it ---------------------------------------------------------------------- */

struct holder {
	char id[24], text[512], since[40];
};

static int take_holder(void *arg, int ncol, const char *const *value, const size_t *len)
{
	struct holder *h = arg;

	(void)len;
	if (ncol < 4)
		return 0;
	snprintf(h->id, sizeof h->id, "%s", value[0] ? value[0] : "");
	if (value[1])
		snprintf(h->text, sizeof h->text, "connection %s, %s@%s", h->id, value[1], value[2] ? value[2] : "?");
	else
		snprintf(h->text, sizeof h->text, "connection %s", h->id);
	snprintf(h->since, sizeof h->since, "%s", value[3] ? value[3] : "");
	return 0;
}

/* Without the PROCESS privilege only one's own connections show more than their
 * number. */
static int find_holder(struct dunlin_conn *c, const char *name, struct holder *h, struct dunlin_driver_error *err)
{
	const char *param[1] = { name };

	memset(h, 0, sizeof *h);
	return my_each(c, "SELECT l.id, p.user, p.host, concat(replace(utc_timestamp() - INTERVAL p.time_ms / 1000 SECOND, ' ', 'T'), 'Z') "
	                  "FROM (SELECT is_used_lock(?) AS id) l LEFT JOIN information_schema.processlist p ON p.id = l.id "
	                  "WHERE l.id IS NOT NULL", param, 1, take_holder, h, err);
}

int my_lock_info(struct dunlin_conn *c, const char *key, int32_t *held, char *holder, size_t holder_size, char *since,
                 size_t since_size, struct dunlin_driver_error *err)
{
	char lock[65], gate[65];
	struct holder h;
	int status = my_enter(c, err);

	*held = 0;
	if (holder_size)
		holder[0] = '\0';
	if (since_size)
		since[0] = '\0';
	if (status != DUNLIN_OK)
		return status;
	names_of(c, key, lock, gate, sizeof lock);
	status = find_holder(c, lock, &h, err);
	if (status == DUNLIN_OK && !h.id[0])
		status = find_holder(c, gate, &h, err);
	if (status != DUNLIN_OK)
		return status;
	*held = h.id[0] != '\0';
	if (holder_size)
		snprintf(holder, holder_size, "%s", h.text);
	if (since_size)
		snprintf(since, since_size, "%s", h.since);
	return DUNLIN_OK;
}

/* --- taking it ---------------------------------------------------------------------------- */

static int busy(struct dunlin_conn *c, const char *lock, struct dunlin_driver_error *err)
{
	struct holder h;

	if (find_holder(c, lock, &h, NULL) != DUNLIN_OK)
		h.text[0] = '\0';
	drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "another run holds the lock%s%s", h.text[0] ? ": " : "", h.text);
	if (err)
		err->is_retryable = 1;
	return DUNLIN_EBUSY;
}

static int no_lock(struct dunlin_driver_error *err)
{
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "the server gives no locks: GET_LOCK() answers NULL");
}

int my_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	char lock[65], gate[65], answer[8];
	const char *param[3] = { gate, lock, gate };
	int status = my_enter(c, err);

	(void)holder;
	if (status != DUNLIN_OK)
		return status;
	names_of(c, key, lock, gate, sizeof lock);
	if (c->is_locked && strcmp(lock, c->lock_name) == 0)
		return DUNLIN_OK;
	/* -1: the gate is shut.  RELEASE_LOCK of what is not ours does nothing. */
	status = my_scalar(c, "SELECT concat(coalesce(if(get_lock(?, 0) = 1, get_lock(?, 0), -1), 'none'), "
	                      "left(coalesce(release_lock(?), ''), 0))", param, 3, answer, sizeof answer, err);
	if (status != DUNLIN_OK)
		return status;
	if (strcmp(answer, "none") == 0)
		return no_lock(err);
	if (strcmp(answer, "1") != 0)
		return busy(c, lock, err);
	snprintf(c->lock_name, sizeof c->lock_name, "%s", lock);
	snprintf(c->gate_name, sizeof c->gate_name, "%s", gate);
	c->is_locked = 1;
	tables_of(c, key);
	status = my_cluster_take(c, err);
	if (status != DUNLIN_OK) {
		my_scalar(c, "SELECT release_lock(?)", param + 1, 1, answer, sizeof answer, NULL);
		c->is_locked = 0;
	}
	return status;
}

int my_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err)
{
	char lock[65], gate[65], answer[8];
	const char *param[1] = { lock };
	int status = my_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	names_of(c, key, lock, gate, sizeof lock);
	my_cluster_let_go(c);
	status = my_scalar(c, "SELECT release_lock(?)", param, 1, answer, sizeof answer, err);
	c->is_locked = 0;
	if (status == DUNLIN_OK && strcmp(answer, "1") != 0)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "the lock was lost during the run");
	return status;
}

/* --- keeping it ------------------------------------------------------------------------------ */

void my_lock_check(const struct dunlin_conn *owner, struct drv_text *out)
{
	if (!owner->is_locked)
		drv_text_adds(out, "true");
	else
		drv_text_addf(out, "is_used_lock('%s') <=> %lu", owner->lock_name, owner->thread_id);
}

static int wait_for(struct dunlin_conn *c, const char *name, int64_t end, struct dunlin_driver_error *err)
{
	const char *param[1] = { name };
	char answer[8];
	int status;

	for (;;) {
		status = my_scalar(c, "SELECT get_lock(?, 0.2)", param, 1, answer, sizeof answer, err);
		if (status != DUNLIN_OK)
			return status;
		if (strcmp(answer, "1") == 0)
			return DUNLIN_OK;
		if (!answer[0])
			return no_lock(err);
		if (my_is_stopped(c))
			return my_stopped(c, err);
		if (drv_now_ms() >= end)
			return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0,
			                 "the lock could not be taken over to a new session");
	}
}

int my_lock_take_over(struct dunlin_conn *from, struct dunlin_conn *to, struct dunlin_driver_error *err)
{
	const char *param[1] = { from->lock_name };
	int64_t end = drv_now_ms() + GATE_WAIT_MS;
	char answer[8];
	int status;

	if (!from->is_locked)
		return DUNLIN_OK;
	memcpy(to->lock_name, from->lock_name, sizeof to->lock_name);
	memcpy(to->gate_name, from->gate_name, sizeof to->gate_name);
	status = wait_for(to, from->gate_name, end, err);
	if (status != DUNLIN_OK)
		return status;
	/* The session is the file's: its answer is to be read. */
	status = my_do(from, "SET SESSION character_set_results = utf8mb4, sql_select_limit = DEFAULT, max_statement_time = 0", err);
	if (status != DUNLIN_OK)
		return status;
	/* A lock that the file let go of must be noticed: somebody else may have worked. */
	status = my_scalar(from, "SELECT release_lock(?)", param, 1, answer, sizeof answer, err);
	if (status == DUNLIN_OK && strcmp(answer, "1") != 0)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_LOCK, 0, "the lock was lost during the run");
	if (status == DUNLIN_OK)
		status = wait_for(to, from->lock_name, end, err);
	param[0] = from->gate_name;
	if (status == DUNLIN_OK)
		status = my_scalar(to, "SELECT release_lock(?)", param, 1, answer, sizeof answer, err);
	to->is_locked = status == DUNLIN_OK;
	return status;
}
