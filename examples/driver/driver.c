/*
 * driver.c - the table that the core gets.
 */
#include "odbc_driver.h"

#define CAPS_ALWAYS                                                                                     \
	(DUNLIN_CAP_TX | DUNLIN_CAP_TX_DDL | DUNLIN_CAP_SAVEPOINT | DUNLIN_CAP_EXEC_MANY |                    \
	 DUNLIN_CAP_RESET_SESSION | DUNLIN_CAP_CANCEL | DUNLIN_CAP_SNAPSHOT)

/* Of this connection: nobody needs a lock where nothing can be written. */
static uint64_t caps(struct dunlin_conn *c)
{
	return CAPS_ALWAYS | (c->is_read_only ? DUNLIN_CAP_READ_ONLY : DUNLIN_CAP_LOCK);
}

static const char *const schemes[] = { "odbc", NULL };
static const char *const url_params[] = { "driver", NULL };

static const struct dunlin_driver driver = {
	.magic = DUNLIN_DRIVER_MAGIC,
	.struct_size = sizeof driver, /* of the header that this was compiled with */
	.abi_minor = DUNLIN_DRIVER_ABI_MINOR,
	.flags = DUNLIN_DRIVER_FILE,
	.name = "odbc",
	.version = "1.0.0",
	.client = "unixODBC, driver manager of ODBC 3",
	.schemes = schemes,
	.url_params = url_params,
	.possible_caps = CAPS_ALWAYS | DUNLIN_CAP_LOCK | DUNLIN_CAP_READ_ONLY,
	.dialect = &odbc_dialect,
	.open = odbc_open,
	.close = odbc_close,
	.caps = caps,
	.exec = odbc_exec,
	.query = odbc_query,
	.tx_state = odbc_tx_state,
	.begin = odbc_begin,
	.commit = odbc_commit,
	.rollback = odbc_rollback,
	.savepoint = odbc_savepoint,
	.lock = odbc_lock,
	.unlock = odbc_unlock,
	.lock_info = odbc_lock_info,
	.exec_many = odbc_exec_many,
	.reset_session = odbc_reset_session,
	.cancel = odbc_cancel,
	.snapshot = odbc_snapshot,
};

/* The one symbol that the file exports.  It is called anew for each program that
 * loads the driver, and perhaps more often: it must not mind. */
DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn dunlin_driver_entry_v1;

const struct dunlin_driver *dunlin_driver_entry_v1(const struct dunlin_host *host, struct dunlin_driver_error *err)
{
	if (!host || host->struct_size < sizeof *host) {
		err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, "the host is too old for this driver");
		return NULL;
	}
	the_host = host;
	return &driver;
}
