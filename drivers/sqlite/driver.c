/*
 * driver.c - the table that the core gets, and the slots that are short.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "sqlite_driver.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

extern const struct dunlin_dialect dunlin_dialect_sqlite;

#define CAPS_ALWAYS                                                                                              \
	(DUNLIN_CAP_TX | DUNLIN_CAP_TX_DDL | DUNLIN_CAP_SAVEPOINT | DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_RESET_SESSION |  \
	 DUNLIN_CAP_CANCEL | DUNLIN_CAP_SNAPSHOT | DUNLIN_CAP_PROBE | DUNLIN_CAP_CREATE_DATABASE |                    \
	 DUNLIN_CAP_DROP_DATABASE | DUNLIN_CAP_SCRATCH | DUNLIN_CAP_ADOPT)

static uint64_t caps(struct dunlin_conn *c)
{
	uint64_t caps = CAPS_ALWAYS;

	caps |= c->is_read_only ? DUNLIN_CAP_READ_ONLY : DUNLIN_CAP_LOCK;
	if (sq_is_file(c) && sq_blockers_can())
		caps |= DUNLIN_CAP_BLOCKERS;
	return caps;
}

static int query(struct dunlin_conn *c, const char *sql, size_t sql_len, const struct dunlin_param *param,
                 size_t n_param, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	int status = sq_enter(c, err), is_guarded;

	if (status != DUNLIN_OK)
		return status;
	is_guarded = c->tx.is_migration;
	if (is_guarded) /* a verify section's: the guard holds for it too */
		status = sq_session_note(c, err);
	else
		sq_wait_budget(c, -1);
	sq_wait_statement(c, is_guarded ? c->tx.statement_timeout_ms : -1);
	if (status == DUNLIN_OK)
		status = sq_query(c, sql, sql_len, param, n_param, is_guarded ? SQ_GUARDED : SQ_OWN, row, arg, err);
	sq_wait_statement_end(c);
	sq_group_is_lost(c);
	return status;
}

static int tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{
	int status = sq_enter(c, err);

	*state = DUNLIN_TX_NONE;
	if (status != DUNLIN_OK)
		return status;
	sq_group_is_lost(c);
	/* A group without a migration is our own affair. */
	if (c->tx.is_migration || sq_is_user_tx(c))
		*state = DUNLIN_TX_OPEN;
	return DUNLIN_OK;
}

static int begin(struct dunlin_conn *c, const struct dunlin_step *given, struct dunlin_driver_error *err)
{
	struct dunlin_step step = { .lock_timeout_ms = -1, .statement_timeout_ms = -1 };
	int status = sq_enter(c, err);

	if (given)
		step = drv_step_load(given);
	if (status == DUNLIN_OK)
		status = sq_commit_earlier(c, err);
	if (status == DUNLIN_OK && c->tx.is_group && !c->tx.is_migration && !c->tx.is_exclusive &&
	    sq_begin_is_exclusive(step.sql, step.sql_len))
		status = sq_group_commit(c, err);
	return status == DUNLIN_OK ? sq_migration_begin(c, &step, err) : status;
}

static int commit(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = sq_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (sq_group_is_lost(c) || (!c->tx.is_group && !sq_is_user_tx(c)))
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "there is no transaction to commit");
	if (c->tx.is_migration)
		status = sq_migration_release(c, err);
	if (status == DUNLIN_OK)
		status = sq_group_commit(c, err);
	if (status != DUNLIN_OK)
		sq_group_rollback(c);
	sq_session_reset(c, NULL); /* if it fails the next call says so */
	return status;
}

static int rollback(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = sq_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (c->tx.is_migration && !c->tx.is_group_own)
		sq_migration_undo(c);
	else if (c->tx.is_migration || sq_is_user_tx(c))
		sq_group_rollback(c);
	if (!sq_session_is_dirty(c))
		return DUNLIN_OK;
	if (c->tx.is_group)
		status = sq_group_commit(c, err);
	return status == DUNLIN_OK ? sq_session_reset(c, err) : status;
}

static int reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = sq_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (c->tx.is_migration)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a migration's transaction is open");
	if (sq_is_user_tx(c))
		sq_group_rollback(c);
	if (!sq_session_is_dirty(c))
		return DUNLIN_OK;
	if (c->tx.is_group)
		status = sq_group_commit(c, err);
	return status == DUNLIN_OK ? sq_session_reset(c, err) : status;
}

static int savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err)
{
	static const char *const verbs[] = { NULL, "SAVEPOINT ", "RELEASE ", "ROLLBACK TO " };
	struct drv_text sql = { 0 };
	int status = sq_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (op < DUNLIN_SAVEPOINT_SET || op > DUNLIN_SAVEPOINT_ROLLBACK || sqlite3_stricmp(name, SQ_GUARD) == 0)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "'%s' is not possible as a savepoint", name);
	if (!c->tx.is_migration && !sq_is_user_tx(c)) /* it would open a transaction */
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "no transaction is open for savepoint '%s'", name);
	drv_text_adds(&sql, verbs[op]);
	drv_text_quote(&sql, name);
	status = sql.is_failed ? drv_nomem(err) : sq_do(c, sql.p, err);
	drv_text_clear(&sql);
	return status;
}

static char client[48];

static const char *const schemes[] = { "sqlite", "sqlite3", NULL };

static const struct dunlin_driver driver = {
	.magic = DUNLIN_DRIVER_MAGIC,
	.struct_size = sizeof driver,
	.abi_minor = DUNLIN_DRIVER_ABI_MINOR,
	.flags = DUNLIN_DRIVER_FILE,
	.name = "sqlite",
	.version = PACKAGE_VERSION,
	.client = client,
	.schemes = schemes,
	.url_params = sq_url_params,
	.possible_caps = CAPS_ALWAYS | DUNLIN_CAP_LOCK | DUNLIN_CAP_READ_ONLY | DUNLIN_CAP_BLOCKERS,
	.dialect = &dunlin_dialect_sqlite,
	.open = sq_open,
	.close = sq_close,
	.caps = caps,
	.exec = sq_exec,
	.query = query,
	.tx_state = tx_state,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.savepoint = savepoint,
	.lock = sq_lock,
	.unlock = sq_unlock,
	.lock_info = sq_lock_info,
	.exec_many = sq_exec_many,
	.reset_session = reset_session,
	.cancel = sq_cancel,
	.snapshot = sq_snapshot,
	.probe = sq_probe,
	.blockers = sq_blockers,
	.create_database = sq_create_database,
	.drop_database = sq_drop_database,
	.scratch = sq_scratch,
	.adopt_handle = sq_adopt,
	.drop_objects = sq_drop_objects,
};

static void name_client(void)
{
	snprintf(client, sizeof client, "SQLite %s", sqlite3_libversion());
}

/* A program that links several drivers in gives each entry another name. */
#ifndef DUNLIN_SQLITE_ENTRY
#define DUNLIN_SQLITE_ENTRY dunlin_driver_entry_v1
#endif

DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn DUNLIN_SQLITE_ENTRY;

const struct dunlin_driver *DUNLIN_SQLITE_ENTRY(const struct dunlin_host *host, struct dunlin_driver_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!host || host->struct_size < sizeof *host) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the host is too old for this driver");
		return NULL;
	}
	if (!sqlite3_threadsafe()) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the SQLite library was built without threads");
		return NULL;
	}
	drv_set_host(host);
	pthread_once(&once, name_client);
	return &driver;
}
