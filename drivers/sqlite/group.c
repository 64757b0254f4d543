/*
 * group.c - the transaction that carries many migrations, and the savepoint
 * that makes each of them atomic by itself.
 *
 * SQLite may end the whole transaction on its own: ON CONFLICT ROLLBACK,
 * RAISE(ROLLBACK), a full disk, an interrupt.  sqlite3_get_autocommit() is the
 * truth; the flags here are what we meant.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "sqlite_driver.h"

/* A group ends at the first COMMIT step after any of these. */
#define GROUP_MS      250
#define GROUP_BYTES   (UINT64_C(16) << 20) /* of SQL text   */
#define GROUP_CHANGES 500000               /* rows changed  */

int sq_is_user_tx(struct dunlin_conn *c)
{
	return c->db && !c->tx.is_group && !sqlite3_get_autocommit(c->db);
}

/* Foreign keys are not enforced during a migration unless the URL asks for it:
 * a table that is rebuilt would take its children along.  What says otherwise
 * is the last line of the file before, or the application that lent its handle,
 * which gets its setting back.  Inside a transaction it could not be changed. */
static void suspend_foreign_keys(struct dunlin_conn *c)
{
	int is_on = 0;

	sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &is_on);
	if (!is_on || c->opt.foreign_keys)
		return;
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	c->is_fk_suspended = c->is_adopted;
}

static void tx_clear(struct dunlin_conn *c)
{
	unsigned is_unknown = c->tx.is_unknown;

	c->tx = (struct sq_tx){ .is_unknown = is_unknown };
	sq_fk_forget(c);
	if (c->is_fk_suspended)
		sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	c->is_fk_suspended = 0;
}

int sq_group_is_lost(struct dunlin_conn *c)
{
	if (!c->tx.is_group || !sqlite3_get_autocommit(c->db))
		return 0;
	tx_clear(c);
	return 1;
}

int sq_group_begin(struct dunlin_conn *c, int is_exclusive, int64_t lock_timeout_ms, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK;

	sq_wait_budget(c, lock_timeout_ms);
	suspend_foreign_keys(c);
	/* A file outside a transaction may have set it, and then not even BEGIN
	 * IMMEDIATE is possible. */
	if (c->session.is_pragma_dirty)
		status = sq_pragma(c, "PRAGMA query_only=0", err);
	if (status == DUNLIN_OK)
		status = sq_do(c, c->is_read_only ? "BEGIN" : is_exclusive ? "BEGIN EXCLUSIVE" : "BEGIN IMMEDIATE", err);
	if (status != DUNLIN_OK) {
		tx_clear(c);
		return status;
	}
	c->tx = (struct sq_tx){
		.is_group = 1, .is_exclusive = is_exclusive != 0,
		.lock_timeout_ms = lock_timeout_ms == SQ_NO_WAIT ? -1 : lock_timeout_ms,
		.group_ms = drv_now_ms(), .changes = sqlite3_total_changes(c->db),
	};
	return DUNLIN_OK;
}

void sq_group_rollback(struct dunlin_conn *c)
{
	int was_ignored = c->wait.is_stop_ignored;

	c->wait.is_stop_ignored = 1;
	if (!sqlite3_get_autocommit(c->db) && sq_do(c, "ROLLBACK", NULL) != DUNLIN_OK) {
		/* Out of memory for one small statement: this needs none. */
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	}
	c->wait.is_stop_ignored = was_ignored;
	tx_clear(c);
}

/* Whether a failed COMMIT can have committed all the same: the journal may be
 * gone although the last sync of the folder failed. */
static int is_doubtful(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_IOERR: case SQLITE_NOMEM: case SQLITE_CORRUPT: case SQLITE_INTERNAL:
		return 1;
	default:
		return 0;
	}
}

int sq_group_commit(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status;

	c->tx.is_unknown = 0;
	sq_fk_commit(c);
	sq_wait_budget(c, c->tx.lock_timeout_ms);
	c->rc = SQLITE_OK;
	status = sq_do(c, "COMMIT", err);
	if (status == DUNLIN_OK && sqlite3_get_autocommit(c->db)) {
		tx_clear(c);
		return DUNLIN_OK;
	}
	if (status == DUNLIN_OK)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0, "COMMIT did not end the transaction");
	c->fk.is_noted = 0;
	/* Still open: it can be tried again, and has not committed for sure. */
	if (((c->rc & 0xff) == SQLITE_BUSY || status == DUNLIN_ECANCELLED || status == DUNLIN_ETIMEOUT) &&
	    !sqlite3_get_autocommit(c->db))
		return status;
	if (is_doubtful(c->rc) && sqlite3_get_autocommit(c->db))
		c->tx.is_unknown = c->session.is_broken = 1;
	sq_group_rollback(c);
	return status;
}

int sq_group_is_full(struct dunlin_conn *c)
{
	return drv_now_ms() - c->tx.group_ms >= GROUP_MS || c->tx.bytes >= GROUP_BYTES ||
	       sqlite3_total_changes(c->db) - c->tx.changes >= GROUP_CHANGES;
}

int sq_begin_is_exclusive(const char *sql, size_t len)
{
	const char *p = sql, *end = sql + len;
	struct drv_token t;

	if (!sql)
		return 0;
	while ((t = drv_token_next(SQ_LEX, &p, end)).kind != DRV_TOKEN_END)
		if (drv_token_is(&t, "EXCLUSIVE"))
			return 1;
	return 0;
}

/* --- a migration ------------------------------------------------------------------- */

int sq_migration_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK, is_group_own = !c->tx.is_group;

	if (c->tx.is_migration)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a migration's transaction is open already");
	if (sq_is_user_tx(c))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0,
		                "a transaction that a migration without transaction began is still open");
	if (is_group_own)
		status = sq_group_begin(c, step && sq_begin_is_exclusive(step->sql, step->sql_len),
		                        step ? step->lock_timeout_ms : -1, err);
	if (status == DUNLIN_OK)
		status = sq_fk_begin(c, err);
	if (status == DUNLIN_OK)
		status = sq_do(c, "SAVEPOINT " SQ_GUARD, err);
	if (status != DUNLIN_OK) {
		if (is_group_own && c->tx.is_group)
			sq_group_rollback(c);
		return status;
	}
	c->tx.is_migration = 1;
	c->tx.is_group_own = is_group_own != 0;
	c->tx.is_sealed = c->tx.is_continued = c->tx.keeps_session = 0;
	c->tx.lock_timeout_ms = step ? step->lock_timeout_ms : -1;
	c->tx.statement_timeout_ms = step ? step->statement_timeout_ms : -1;
	c->tx.begun_ms = drv_now_ms();
	c->tx.sealed_ms = 0;
	/* For all its statements together: with a reader in the way, each page that
	 * the cache has to spill would wait in full again. */
	sq_wait_budget(c, c->tx.lock_timeout_ms);
	return DUNLIN_OK;
}

int sq_migration_statement(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int status;

	if (c->tx.is_sealed) { /* the next one of several in one transaction */
		c->tx.is_sealed = 0;
		c->tx.begun_ms = drv_now_ms();
		c->tx.sealed_ms = 0;
	}
	c->tx.bytes += step->sql_len;
	sq_wait_statement(c, c->tx.statement_timeout_ms);
	status = sq_run(c, step->sql, step->sql_len, SQ_GUARDED, err);
	sq_wait_statement_end(c);
	return status;
}

/* With enforcement on, COMMIT would refuse, and nobody could tell which of the
 * group's migrations is to blame. */
static int check_deferred(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int now = 0, highest = 0;

	sqlite3_db_status(c->db, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &highest, 0);
	if (now == 0)
		return DUNLIN_OK;
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONSTRAINT, SQLITE_CONSTRAINT_FOREIGNKEY,
	                "FOREIGN KEY constraint failed");
}

int sq_migration_seal(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status;

	if (!c->tx.is_migration)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "no migration's transaction is open");
	status = c->tx.keeps_session ? DUNLIN_OK
	                             : sq_session_seal(c, err); /* first: the schema may have been written by hand */
	if (status == DUNLIN_OK)
		status = sq_fk_verify(c, err);
	if (status == DUNLIN_OK)
		status = check_deferred(c, err);
	if (status != DUNLIN_OK)
		return status;
	c->tx.is_sealed = 1;
	c->tx.sealed_ms = drv_now_ms();
	return DUNLIN_OK;
}

int sq_migration_release(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = DUNLIN_OK;

	if (!c->tx.is_migration)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "no migration's transaction is open");
	if (!c->tx.is_sealed)
		status = sq_migration_seal(c, err);
	/* The proof that this is still the transaction that BEGIN opened. */
	if (status == DUNLIN_OK)
		status = sq_do(c, "RELEASE " SQ_GUARD, err);
	if (status == DUNLIN_OK)
		c->tx.is_migration = 0;
	return status;
}

void sq_migration_undo(struct dunlin_conn *c)
{
	int was_ignored = c->wait.is_stop_ignored;

	c->tx.is_migration = 0;
	if (sq_group_is_lost(c))
		return;
	sq_fk_forget(c);
	c->wait.is_stop_ignored = 1; /* this is part of stopping */
	if (sq_do(c, "ROLLBACK TO " SQ_GUARD, NULL) != DUNLIN_OK || sq_do(c, "RELEASE " SQ_GUARD, NULL) != DUNLIN_OK)
		sq_group_rollback(c);
	c->wait.is_stop_ignored = was_ignored;
}

/* dunlin_elapsed_ms(): of the migration at work, until its statements ended. */
void sq_elapsed_ms(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	struct dunlin_conn *c = sqlite3_user_data(ctx);
	int64_t end = c->tx.sealed_ms ? c->tx.sealed_ms : drv_now_ms();

	(void)n;
	(void)v;
	sqlite3_result_int64(ctx, c->tx.begun_ms ? end - c->tx.begun_ms : 0);
}
