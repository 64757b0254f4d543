/*
 * driver.c - the table that the core gets.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pthread.h>
#include <stdio.h>

#include "pg_driver.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

extern const struct dunlin_dialect dunlin_dialect_postgresql;

static char client[48];

static const char *const schemes[] = { "postgresql", "postgres", NULL };

static struct dunlin_driver driver = {
	.magic = DUNLIN_DRIVER_MAGIC,
	.struct_size = sizeof driver,
	.abi_minor = DUNLIN_DRIVER_ABI_MINOR,
	.flags = DUNLIN_DRIVER_SERVER,
	.name = "postgresql",
	.version = PACKAGE_VERSION,
	.client = client,
	.schemes = schemes,
	.dialect = &dunlin_dialect_postgresql,
	.open = pg_open,
	.close = pg_close,
	.caps = pg_caps,
	.exec = pg_exec,
	.query = pg_query,
	.tx_state = pg_tx_state,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.savepoint = pg_savepoint,
	.exec_many = pg_exec_many,
	.reset_session = pg_reset_session,
	.lock = pg_lock,
	.unlock = pg_unlock,
	.lock_info = pg_lock_info,
	.cancel = pg_cancel,
	.snapshot = pg_snapshot,
	.probe = pg_probe,
	.blockers = pg_blockers,
	.drop_objects = pg_drop_objects,
	.create_database = pg_create_database,
	.drop_database = pg_drop_database,
	.scratch = pg_scratch,
	.adopt_handle = pg_adopt,
};

/* A slot that is there is a capability. */
static uint64_t possible_caps(void)
{
	const struct {
		int is_there;
		uint64_t caps;
	} slots[] = {
		{ driver.begin && driver.commit && driver.rollback, DUNLIN_CAP_TX | DUNLIN_CAP_TX_DDL },
		{ driver.savepoint != NULL, DUNLIN_CAP_SAVEPOINT },
		{ driver.lock && driver.unlock, DUNLIN_CAP_LOCK | DUNLIN_CAP_READ_ONLY },
		{ driver.exec_many != NULL, DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_COPY_IN },
		{ driver.reset_session != NULL, DUNLIN_CAP_RESET_SESSION },
		{ driver.cancel != NULL, DUNLIN_CAP_CANCEL },
		{ driver.snapshot != NULL, DUNLIN_CAP_SNAPSHOT },
		{ driver.probe != NULL, DUNLIN_CAP_PROBE },
		{ driver.blockers != NULL, DUNLIN_CAP_BLOCKERS },
		{ driver.create_database != NULL, DUNLIN_CAP_CREATE_DATABASE },
		{ driver.drop_database != NULL, DUNLIN_CAP_DROP_DATABASE },
		{ driver.scratch != NULL, DUNLIN_CAP_SCRATCH },
		{ driver.adopt_handle != NULL, DUNLIN_CAP_ADOPT },
	};
	uint64_t caps = 0;
	size_t i;

	for (i = 0; i < sizeof slots / sizeof *slots; i++)
		if (slots[i].is_there)
			caps |= slots[i].caps;
	return caps;
}

uint64_t pg_caps(struct dunlin_conn *c)
{
	return driver.possible_caps & ~(c->is_read_only ? DUNLIN_CAP_LOCK : DUNLIN_CAP_READ_ONLY);
}

static void fill_in(void)
{
	int v = PQlibVersion();

	snprintf(client, sizeof client, "libpq %d.%d", v / 10000, v % 10000);
	driver.url_params = pg_url_params();
	driver.possible_caps = possible_caps();
}

/* A program that links several drivers in gives each entry another name. */
#ifndef DUNLIN_POSTGRESQL_ENTRY
#define DUNLIN_POSTGRESQL_ENTRY dunlin_driver_entry_v1
#endif

DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn DUNLIN_POSTGRESQL_ENTRY;

const struct dunlin_driver *DUNLIN_POSTGRESQL_ENTRY(const struct dunlin_host *host, struct dunlin_driver_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!host || host->struct_size < sizeof *host) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "the host is too old for this driver");
		return NULL;
	}
	if (!PQisthreadsafe()) {
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "libpq was built without threads");
		return NULL;
	}
	drv_set_host(host);
	pthread_once(&once, fill_in);
	return &driver;
}
