/*
 * cluster.c - Galera: GET_LOCK() is known to one node only.
 *
 * On a cluster a table beside the ledger, NAME_cluster, has one row: the token of
 * the run that works, and its node.
 *
 *   taking the lock   with this node's GET_LOCK() held, the row is written over:
 *                     if nobody's token stands there, or one of this very node
 *                     (its run is dead, or it would have GET_LOCK()), or one of a
 *                     node that has left the cluster.  Otherwise another run works,
 *                     or nobody here can tell that it does not.
 *   each journal      first counts the row up where the token is still ours.  Of
 *   transaction       two that do so at the same time, on two nodes, the cluster
 *                     refuses one at its COMMIT.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "my_packet.h"

static int run(struct dunlin_conn *c, struct drv_text *t, struct dunlin_driver_error *err)
{
	int status = t->is_failed ? drv_nomem(err) : my_do(c, t->p, err);

	drv_text_reset(t);
	return status;
}

static int make_table(struct dunlin_conn *c, struct drv_text *t, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error own = { .struct_size = sizeof own };
	char answer[8];
	int status;

	drv_text_addf(t, "SELECT count(*) FROM %s WHERE id = 1", c->lock_cluster);
	status = t->is_failed ? drv_nomem(&own) : my_scalar(c, t->p, NULL, 0, answer, sizeof answer, &own);
	drv_text_reset(t);
	if (status == DUNLIN_OK && strcmp(answer, "1") == 0)
		return DUNLIN_OK;
	if (status != DUNLIN_OK && own.native != 1146)
		return drv_error(err, status, own.errclass, own.native, "%s", own.message);
	drv_text_addf(t, "CREATE TABLE IF NOT EXISTS %s (id int NOT NULL PRIMARY KEY, token varchar(64) NOT NULL, "
	              "node varchar(64) NOT NULL, node_name varchar(255) NOT NULL, n bigint NOT NULL) ENGINE=InnoDB", c->lock_cluster);
	status = run(c, t, err);
	if (status == DUNLIN_OK) {
		drv_text_addf(t, "INSERT IGNORE INTO %s VALUES (1, '', '', '', 0)", c->lock_cluster);
		status = run(c, t, err);
	}
	return status;
}

/* Which incarnation of which node this is, and a token for the run. */
static int take_self(void *arg, int ncol, const char *const *value, const size_t *len)
{
	struct dunlin_conn *c = arg;

	(void)len;
	if (ncol == 3 && value[0] && value[1]) {
		snprintf(c->node, sizeof c->node, "%s", value[0]);
		snprintf(c->token, sizeof c->token, "%s", value[1]);
		snprintf(c->node_name, sizeof c->node_name, "%s", value[2] ? value[2] : "");
	}
	return 0;
}

static int busy(struct dunlin_conn *c, struct drv_text *t, struct dunlin_driver_error *err)
{
	char name[256] = "";

	drv_text_addf(t, "SELECT node_name FROM %s WHERE id = 1", c->lock_cluster);
	if (!t->is_failed)
		my_scalar(c, t->p, NULL, 0, name, sizeof name, NULL);
	drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "another run holds the lock: it works on the cluster's node '%s', or died, which only that node can tell", name);
	drv_hint(err, "If it is dead, connect to that node: only there it can be seen.");
	return DUNLIN_EBUSY;
}

#define GONE " OR node NOT IN (SELECT node_uuid FROM mysql.wsrep_cluster_members)"

/* Who may not read the list of members takes every other node for alive. */
static int write_over(struct dunlin_conn *c, struct drv_text *t, struct dunlin_driver_error *err)
{
	struct dunlin_driver_error own = { .struct_size = sizeof own };
	const char *param[4] = { c->token, c->node, c->node_name, c->node }, *gone[2] = { GONE, "" };
	int status = DUNLIN_OK, i;

	for (i = 0; i < 2; i++) {
		drv_text_addf(t, "UPDATE %s SET token = ?, node = ?, node_name = ?, n = n + 1 WHERE id = 1 AND (token = '' OR "
		              "node = ?%s)", c->lock_cluster, gone[i]);
		status = t->is_failed ? drv_nomem(&own) : my_each(c, t->p, param, 4, NULL, NULL, &own);
		drv_text_reset(t);
		if (status == DUNLIN_OK || own.errclass != DUNLIN_CLASS_PERMISSION)
			break;
	}
	if (status != DUNLIN_OK)
		drv_error(err, status, own.errclass, own.native, "%s", own.message);
	return status; /* EBUSY: another node's run at the same time */
}

static int claim(struct dunlin_conn *c, struct drv_text *t, struct dunlin_driver_error *err)
{
	const char *param[1] = { c->token };
	char answer[8];
	int status = write_over(c, t, err);

	if (status != DUNLIN_OK)
		return status;
	drv_text_addf(t, "SELECT count(*) FROM %s WHERE token = ?", c->lock_cluster);
	status = t->is_failed ? drv_nomem(err) : my_scalar(c, t->p, param, 1, answer, sizeof answer, err);
	drv_text_reset(t);
	return status != DUNLIN_OK ? status : strcmp(answer, "1") == 0 ? DUNLIN_OK : busy(c, t, err);
}

int my_cluster_take(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct drv_text t = { 0 };
	int status = DUNLIN_OK;

	c->token[0] = '\0';
	if (!c->server.is_wsrep)
		return DUNLIN_OK;
	if (!c->lock_cluster[0])
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "on a cluster the ledger's name may have no quotes in it");
	status = my_each(c, "SELECT variable_value, uuid(), @@wsrep_node_name FROM information_schema.global_status "
	                    "WHERE variable_name = 'wsrep_gcomm_uuid'", NULL, 0, take_self, c, err);
	if (status == DUNLIN_OK && !c->token[0])
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 1047, "the node does not say who it is: wsrep_gcomm_uuid is not there");
	if (status == DUNLIN_OK)
		status = make_table(c, &t, err);
	if (status == DUNLIN_OK)
		status = claim(c, &t, err);
	drv_text_clear(&t);
	if (status != DUNLIN_OK)
		c->token[0] = '\0';
	return status;
}

void my_cluster_let_go(struct dunlin_conn *c)
{
	struct drv_text t = { 0 };

	if (!c->token[0])
		return;
	c->is_ignoring_stop++;
	if (c->is_begun || c->is_user_tx)
		my_do(c, "ROLLBACK", NULL);
	drv_text_addf(&t, "UPDATE %s SET token = '', n = n + 1 WHERE token = '%s'", c->lock_cluster, c->token);
	run(c, &t, NULL);
	c->is_ignoring_stop--;
	drv_text_clear(&t);
	c->token[0] = '\0';
}

int my_cluster_again(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return c->is_locked ? my_cluster_take(c, err) : DUNLIN_OK;
}

void my_cluster_check(const struct dunlin_conn *owner, struct my_packet *p, size_t step)
{
	if (!owner->token[0])
		return;
	if (my_packet_add(p, MY_OP_OWN, step))
		drv_text_addf(&p->sql, "UPDATE %s SET n = n + 1 WHERE token = '%s'", owner->lock_cluster, owner->token);
	my_packet_adds(p, MY_OP_CLUSTER, step, MY_FAILS_IF "(row_count() <> 1)");
}
