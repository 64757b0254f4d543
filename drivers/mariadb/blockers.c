/*
 * blockers.c - who stands in the way of a statement that waits for a lock.
 *
 * After the timeout nobody waits any more and nobody blocks, so the evidence is
 * taken while the statement waits, over a connection of its own, and kept until
 * it is asked for.  Row locks are told by InnoDB.  Of metadata locks the server
 * tells who waits, and only a plugin who holds them; without it, those are
 * named that can: who has a transaction open, or a statement at work.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "my_catalog.h"

#define MAX_BLOCKERS 8
#define WATCH_MS     3000 /* for the connection that looks */

struct my_waited {
	size_t n;
	struct blocker {
		int64_t pid;
		char user[320], query[400], since[40];
	} b[MAX_BLOCKERS];
};

static void copy(char *out, size_t size, const char *value)
{
	snprintf(out, size, "%s", value ? value : "");
}

/* pid, user, query or NULL, since */
static int add(void *arg, int n, const char *const *v, const size_t *len)
{
	struct my_waited *w = arg;
	struct blocker *b;

	(void)n;
	(void)len;
	if (w->n == MAX_BLOCKERS || !v[0])
		return DUNLIN_OK;
	b = &w->b[w->n++];
	b->pid = strtoll(v[0], NULL, 10);
	copy(b->user, sizeof b->user, v[1]);
	copy(b->query, sizeof b->query, v[2]);
	copy(b->since, sizeof b->since, v[3]);
	return DUNLIN_OK;
}

#define UTC(expr) "concat(replace(convert_tz(" expr ", @@session.time_zone, '+00:00'), ' ', 'T'), 'Z')"
#define WHO       "concat(p.user, '@', p.host), p.info, "

/* Transactions that hold the row that thread ? waits for. */
static const char row_locks[] =
	"SELECT DISTINCT b.trx_mysql_thread_id, " WHO UTC("b.trx_started")
	" FROM information_schema.innodb_lock_waits w"
	" JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id"
	" JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id"
	" LEFT JOIN information_schema.processlist p ON p.id = b.trx_mysql_thread_id"
	" WHERE r.trx_mysql_thread_id = ?";

/* The state of thread ?, where it waits for a metadata or table lock. */
static const char waits[] =
	"SELECT state FROM information_schema.processlist WHERE id = ? AND state LIKE 'Waiting for % lock'";

/* Who may hold it: an open transaction, or a statement that began before it. */
static const char meta_locks[] =
	"SELECT p.id, " WHO "coalesce((SELECT " UTC("min(t.trx_started)") " FROM information_schema.innodb_trx t"
	" WHERE t.trx_mysql_thread_id = p.id), " UTC("now() - INTERVAL p.time SECOND") ")"
	" FROM information_schema.processlist p, (SELECT db, time_ms FROM information_schema.processlist WHERE id = ?) me"
	" WHERE p.id NOT IN (?, connection_id()) AND coalesce(p.state, '') NOT LIKE 'Waiting for % lock'"
	" AND (p.id IN (SELECT trx_mysql_thread_id FROM information_schema.innodb_trx)"
	" OR (p.command = 'Query' AND p.time_ms >= me.time_ms AND p.db <=> me.db))"
	" ORDER BY p.time_ms DESC LIMIT 8";

/* The same, proven, where the plugin is there. */
static const char held_locks[] =
	"SELECT DISTINCT p.id, " WHO UTC("now() - INTERVAL p.time SECOND")
	" FROM information_schema.metadata_lock_info m JOIN information_schema.processlist p ON p.id = m.thread_id"
	" JOIN information_schema.processlist me ON me.id = ?"
	" WHERE p.id NOT IN (?, connection_id()) AND (m.table_schema = me.db OR m.table_schema = '')"
	" AND (m.table_name = '' OR me.info LIKE concat('%', m.table_name, '%'))";

static void look(struct dunlin_conn *k, unsigned long thread, struct my_waited *w)
{
	char id[24], state[80] = "";
	const char *param[2] = { id, id };

	snprintf(id, sizeof id, "%lu", thread);
	my_each(k, row_locks, param, 1, add, w, NULL); /* without the privilege: nothing */
	if (w->n || my_scalar(k, waits, param, 1, state, sizeof state, NULL) != DUNLIN_OK || !state[0])
		return;
	if (my_each(k, held_locks, param, 2, add, w, NULL) != DUNLIN_OK || w->n == 0) {
		w->n = 0;
		my_each(k, meta_locks, param, 2, add, w, NULL);
	}
}

void my_blockers_note(struct dunlin_conn *c)
{
	struct dunlin_conn *k;
	struct my_waited *w;

	c->note_at_ms = 0; /* once in a wait */
	if (c->is_adopted || c->is_ignoring_stop || !c->thread_id)
		return;
	k = drv_zalloc(sizeof *k);
	w = drv_zalloc(sizeof *w);
	if (k && w) {
		k->is_ignoring_stop = 1;
		k->wait_end_ms = drv_now_ms() + WATCH_MS;
		if (my_options_copy(&k->opt, &c->opt, NULL) == DUNLIN_OK) {
			k->opt.connect_timeout_ms = WATCH_MS;
			if (my_connect(k, NULL) == DUNLIN_OK) {
				k->wait_end_ms = drv_now_ms() + WATCH_MS;
				look(k, c->thread_id, w);
			}
		}
	}
	if (w && w->n) {
		drv_free(c->waited);
		c->waited = w;
		w = NULL;
	}
	my_close(k);
	drv_free(w);
}

void my_blockers_clear(struct dunlin_conn *c)
{
	drv_free(c->waited);
	c->waited = NULL;
}

int my_blockers(struct dunlin_conn *c, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err)
{
	struct my_waited *w = c->waited;
	int status = DUNLIN_OK;
	size_t i;

	drv_error_clear(err);
	c->waited = NULL; /* it is told once */
	for (i = 0; w && i < w->n && status == DUNLIN_OK; i++) {
		const struct blocker *b = &w->b[i];
		struct dunlin_blocker out = {
			.struct_size = sizeof out, .pid = b->pid, .user = b->user[0] ? b->user : NULL,
			.query = b->query[0] ? b->query : NULL, .since = b->since[0] ? b->since : NULL,
		};

		status = fn(arg, &out);
	}
	drv_free(w);
	return status;
}
