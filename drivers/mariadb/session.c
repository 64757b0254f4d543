/*
 * session.c - what a file's statements do to their session, and who writes the
 * journal meanwhile.
 *
 * mysql_reset_connection() keeps the database in use and the role, and drops the
 * lock: only a new connection is a new session.  While the file's own goes on,
 * the journal has a second connection, the side: no SET, no temporary table, no
 * role of the file's gets there.  What it writes counts only while the first
 * connection holds the lock, which is checked in the server.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "my_driver.h"

/* A connection like c. */
static int open_like(struct dunlin_conn *c, struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct dunlin_conn *n = drv_zalloc(sizeof *n);
	int status;

	*out = NULL;
	if (!n)
		return drv_nomem(err);
	n->ctl = c->ctl;
	n->is_ignoring_stop = c->is_ignoring_stop;
	status = my_options_copy(&n->opt, &c->opt, err);
	if (status == DUNLIN_OK)
		status = my_connect(n, err);
	if (status != DUNLIN_OK) {
		my_close(n);
		return status;
	}
	*out = n;
	return DUNLIN_OK;
}

void my_side_close(struct dunlin_conn *c)
{
	my_close(c->side);
	c->side = NULL;
}

/* --- the journal ----------------------------------------------------------------------- */

/* A global lock of the file's would keep the journal out. */
static int end_global_locks(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK;

	if (c->session.has_read_lock) {
		my_notice(c, c->obs_index, DUNLIN_LOG_WARN, "the global read lock ends with its statement: the journal is written next");
		status = my_do(c, "UNLOCK TABLES", err);
		c->session.has_read_lock = 0;
	}
	if (c->session.has_backup && status == DUNLIN_OK) {
		my_do(c, "BACKUP STAGE END", NULL); /* an error where none is on */
		my_do(c, "BACKUP UNLOCK", NULL);
		c->session.has_backup = 0;
	}
	return status;
}

int my_journal(struct dunlin_conn *c, struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	int status;

	*out = c;
	if (!c->session.is_dirty || c->is_adopted)
		return DUNLIN_OK;
	status = end_global_locks(c, err);
	if (status == DUNLIN_OK && (!c->side || c->side->is_lost)) {
		my_side_close(c);
		c->is_ignoring_stop++;
		status = open_like(c, &c->side, err);
		c->is_ignoring_stop--;
		if (status == DUNLIN_OK)
			c->side->is_side = 1;
	}
	if (status == DUNLIN_OK)
		*out = c->side;
	return status;
}

/* --- a new session ------------------------------------------------------------------------ */

/* On the application's own connection: what can be put back is. */
static int renew_in_place(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct drv_text t = { 0 };
	int status;

	drv_text_adds(&t, "UNLOCK TABLES;");
	my_settings(c, &t);
	drv_text_adds(&t, ", sql_mode=DEFAULT, sql_select_limit=DEFAULT;SET NAMES utf8mb4");
	if (c->session.has_role) {
		drv_text_adds(&t, ";SET ROLE ");
		if (c->server.role[0])
			my_name(&t, c->server.role, strlen(c->server.role));
		else
			drv_text_adds(&t, "NONE");
	}
	if (c->server.database[0]) {
		drv_text_adds(&t, ";USE ");
		my_name(&t, c->server.database, strlen(c->server.database));
	}
	status = t.is_failed ? drv_nomem(err) : my_multi(c, 1, err);
	if (status == DUNLIN_OK)
		status = my_do(c, t.p, err);
	drv_text_clear(&t);
	if (status == DUNLIN_OK)
		c->session = (struct my_session){ 0 };
	return status;
}

/* n's line becomes c's. */
static void exchange(struct dunlin_conn *c, struct dunlin_conn *n)
{
	MYSQL *old = c->my;

	c->my = n->my;
	n->my = old;
	c->server = n->server;
	c->thread_id = n->thread_id;
	c->is_multi = n->is_multi;
	c->is_locked = n->is_locked;
	c->is_lost = 0;
	c->is_killing = 0;
	c->session = (struct my_session){ 0 };
	my_side_close(c);
}

int my_renew(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct dunlin_conn *n = NULL;
	int status;

	if (c->is_adopted)
		return renew_in_place(c, err);
	c->is_ignoring_stop++;
	status = open_like(c, &n, err);
	if (status == DUNLIN_OK)
		status = my_lock_take_over(c, n, err);
	if (status == DUNLIN_OK)
		exchange(c, n);
	c->is_ignoring_stop--;
	my_close(n);
	/* A session that cannot be exchanged is of no use any more. */
	if (status != DUNLIN_OK && err && err->errclass != DUNLIN_CLASS_LOCK)
		err->errclass = DUNLIN_CLASS_CONNECTION;
	return status;
}

int my_reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = my_enter(c, err);

	if (status != DUNLIN_OK || !c->session.is_dirty)
		return status;
	if (c->is_begun || c->is_user_tx)
		my_rollback(c, NULL);
	return my_renew(c, err);
}
