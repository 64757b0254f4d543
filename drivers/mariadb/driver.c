/*
 * driver.c - the driver's table.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pthread.h>
#include <stdio.h>

#include "my_catalog.h"

static char client[64];
static int  is_ready;

static const char *const schemes[] = { "mariadb", "mysql", NULL };

static const struct dunlin_driver driver = {
	.magic = DUNLIN_DRIVER_MAGIC,
	.struct_size = sizeof driver,
	.abi_minor = DUNLIN_DRIVER_ABI_MINOR,
	.flags = DUNLIN_DRIVER_SERVER,
	.name = "mariadb",
	.version = PACKAGE_VERSION,
	.client = client,
	.schemes = schemes,
	.url_params = my_url_params,
	.possible_caps = MY_CAPS | DUNLIN_CAP_READ_ONLY | DUNLIN_CAP_MIXED_TABLES,
	.dialect = &dunlin_dialect_mariadb,
	.open = my_open,
	.close = my_close,
	.caps = my_caps,
	.exec = my_exec,
	.query = my_query,
	.tx_state = my_tx_state,
	.begin = my_begin,
	.commit = my_commit,
	.rollback = my_rollback,
	.savepoint = my_savepoint,
	.lock = my_lock,
	.unlock = my_unlock,
	.lock_info = my_lock_info,
	.exec_many = my_exec_many,
	.reset_session = my_reset_session,
	.cancel = my_cancel,
	.adopt_handle = my_adopt,
	.probe = my_probe,
	.probe_sql = my_probe_sql,
	.goes_together = my_goes_together,
	.statement_max = my_statement_max,
	.snapshot = my_snapshot,
	.blockers = my_blockers,
	.create_database = my_create_database,
	.drop_database = my_drop_database,
	.scratch = my_scratch,
	.drop_objects = my_drop_objects,
};

/* The library's own start is not safe from several threads at once. */
static void start(void)
{
	is_ready = mysql_library_init(0, NULL, NULL) == 0;
	snprintf(client, sizeof client, "MariaDB Connector/C %s", mysql_get_client_info());
}

/* A program that links several drivers in gives each entry another name. */
#ifndef DUNLIN_MARIADB_ENTRY
#define DUNLIN_MARIADB_ENTRY dunlin_driver_entry_v1
#endif

DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn DUNLIN_MARIADB_ENTRY;

const struct dunlin_driver *DUNLIN_MARIADB_ENTRY(const struct dunlin_host *host, struct dunlin_driver_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!host || host->struct_size < sizeof *host) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the host is too old for this driver");
		return NULL;
	}
	drv_set_host(host);
	pthread_once(&once, start);
	if (!is_ready) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the MariaDB client library does not start");
		return NULL;
	}
	return &driver;
}
