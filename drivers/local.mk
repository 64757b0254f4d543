# drivers/ - a folder a plugin.  They see include/ and their client library.

# What each of them has a copy of: it links against nothing of ours.
noinst_LTLIBRARIES += libdrivercommon.la
# list: drivers/common/*.c drivers/common/*.h
libdrivercommon_la_SOURCES = \
	drivers/common/common.h \
	drivers/common/error.c \
	drivers/common/text.c \
	drivers/common/token.c \
	drivers/common/util.c
libdrivercommon_la_CPPFLAGS = $(INCLUDE_DRIVERS)

if DRIVER_SQLITE
driverexec_LTLIBRARIES += dunlin-sqlite.la
endif
# list: drivers/sqlite/*.c drivers/sqlite/*.h
dunlin_sqlite_la_SOURCES = \
	drivers/sqlite/blockers.c \
	drivers/sqlite/conn.c \
	drivers/sqlite/database.c \
	drivers/sqlite/dialect.c \
	drivers/sqlite/driver.c \
	drivers/sqlite/errors.c \
	drivers/sqlite/exec.c \
	drivers/sqlite/fk.c \
	drivers/sqlite/fk_map.c \
	drivers/sqlite/group.c \
	drivers/sqlite/guard.c \
	drivers/sqlite/lock.c \
	drivers/sqlite/options.c \
	drivers/sqlite/probe.c \
	drivers/sqlite/session.c \
	drivers/sqlite/snapshot.c \
	drivers/sqlite/sqlite_driver.h \
	drivers/sqlite/stmt.c \
	drivers/sqlite/wait.c
dunlin_sqlite_la_CPPFLAGS = $(INCLUDE_DRIVERS) $(DRIVER_SQLITE_CFLAGS)
dunlin_sqlite_la_LDFLAGS = $(PLUGIN_LDFLAGS)
dunlin_sqlite_la_LIBADD = libdrivercommon.la $(DRIVER_SQLITE_LIBS)

if DRIVER_POSTGRESQL
driverexec_LTLIBRARIES += dunlin-postgresql.la
endif
# list: drivers/postgresql/*.c drivers/postgresql/*.h
dunlin_postgresql_la_SOURCES = \
	drivers/postgresql/adopt.c \
	drivers/postgresql/blockers.c \
	drivers/postgresql/concurrent.c \
	drivers/postgresql/conn.c \
	drivers/postgresql/connect.c \
	drivers/postgresql/copy.c \
	drivers/postgresql/database.c \
	drivers/postgresql/dialect.c \
	drivers/postgresql/driver.c \
	drivers/postgresql/errors.c \
	drivers/postgresql/exec.c \
	drivers/postgresql/guard.c \
	drivers/postgresql/kind.c \
	drivers/postgresql/lock.c \
	drivers/postgresql/objects.c \
	drivers/postgresql/options.c \
	drivers/postgresql/passfile.c \
	drivers/postgresql/pg_driver.h \
	drivers/postgresql/pipeline.c \
	drivers/postgresql/pipeline.h \
	drivers/postgresql/prepared.c \
	drivers/postgresql/probe.c \
	drivers/postgresql/probe.h \
	drivers/postgresql/probe_sql.c \
	drivers/postgresql/query.c \
	drivers/postgresql/session.c \
	drivers/postgresql/settings.c \
	drivers/postgresql/simple.c \
	drivers/postgresql/snapshot.c \
	drivers/postgresql/snapshot.h \
	drivers/postgresql/snapshot_sql.c \
	drivers/postgresql/snapshot_text.c \
	drivers/postgresql/surroundings.c \
	drivers/postgresql/wait.c \
	drivers/postgresql/words.c \
	drivers/postgresql/words.h \
	drivers/postgresql/words_index.c
dunlin_postgresql_la_CPPFLAGS = $(INCLUDE_DRIVERS) $(DRIVER_POSTGRESQL_CFLAGS)
dunlin_postgresql_la_LDFLAGS = $(PLUGIN_LDFLAGS)
dunlin_postgresql_la_LIBADD = libdrivercommon.la $(DRIVER_POSTGRESQL_LIBS)

if DRIVER_MARIADB
driverexec_LTLIBRARIES += dunlin-mariadb.la
endif
# list: drivers/mariadb/*.c drivers/mariadb/*.h
dunlin_mariadb_la_SOURCES = \
	drivers/mariadb/adopt.c \
	drivers/mariadb/blockers.c \
	drivers/mariadb/cluster.c \
	drivers/mariadb/conn.c \
	drivers/mariadb/database.c \
	drivers/mariadb/dialect.c \
	drivers/mariadb/driver.c \
	drivers/mariadb/errors.c \
	drivers/mariadb/exec.c \
	drivers/mariadb/lock.c \
	drivers/mariadb/my_catalog.h \
	drivers/mariadb/my_driver.h \
	drivers/mariadb/my_packet.h \
	drivers/mariadb/objects.c \
	drivers/mariadb/optfile.c \
	drivers/mariadb/options.c \
	drivers/mariadb/packet.c \
	drivers/mariadb/probe.c \
	drivers/mariadb/query.c \
	drivers/mariadb/session.c \
	drivers/mariadb/snapshot.c \
	drivers/mariadb/statement.c \
	drivers/mariadb/target.c \
	drivers/mariadb/tls.c \
	drivers/mariadb/together.c \
	drivers/mariadb/wait.c
dunlin_mariadb_la_CPPFLAGS = $(INCLUDE_DRIVERS) $(DRIVER_MARIADB_CFLAGS)
dunlin_mariadb_la_LDFLAGS = $(PLUGIN_LDFLAGS)
dunlin_mariadb_la_LIBADD = libdrivercommon.la $(DRIVER_MARIADB_LIBS)

# The scripted fake, for the tests.  Without an -rpath libtool would make an
# archive of what is not installed.
if DRIVER_MOCK
check_LTLIBRARIES += dunlin-mock.la
endif
# list: drivers/mock/*.c drivers/mock/*.h
dunlin_mock_la_SOURCES = \
	drivers/mock/inspect.c \
	drivers/mock/mock.c \
	drivers/mock/mock.h \
	drivers/mock/mock_dialect.c \
	drivers/mock/script.c \
	drivers/mock/steps.c \
	drivers/mock/store.c
dunlin_mock_la_CPPFLAGS = $(INCLUDE_PUBLIC) $(MOCK_CFLAGS)
dunlin_mock_la_LDFLAGS = $(PLUGIN_LDFLAGS) -rpath /nowhere
dunlin_mock_la_LIBADD = $(MOCK_LIBS)
