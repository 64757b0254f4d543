# tests/ - what `make check` runs; all of it speaks TAP.
#
#   tests/unit/test_*.c   CUnit, one program for a file of the core
#   tests/cli/*.test      the built program
#   tests/live/*.test     the same, while something goes wrong around it
#   tests/*.test          the build itself: headers, exported symbols, lists
#   tests/tools/          programs that the tests use, and their own tests
#   tests/abi/            what was released, and must keep working
#   tests/plugins/        drivers that test_loader loads or sees refused

include tests/plugins/local.mk
include tests/abi/local.mk

if HAVE_CUNIT
# list: tests/unit/test_*.c except tests/unit/test_sqlite*.c tests/unit/test_postgresql*.c tests/unit/test_mariadb*.c without .c
unit_tests = \
	tests/unit/test_api \
	tests/unit/test_api_memory \
	tests/unit/test_buf \
	tests/unit/test_checksum \
	tests/unit/test_config \
	tests/unit/test_counterpart \
	tests/unit/test_directive \
	tests/unit/test_discover \
	tests/unit/test_docker \
	tests/unit/test_dotenv \
	tests/unit/test_driver_check \
	tests/unit/test_duration \
	tests/unit/test_error \
	tests/unit/test_finding \
	tests/unit/test_history \
	tests/unit/test_hooks \
	tests/unit/test_inifile \
	tests/unit/test_input \
	tests/unit/test_ledger \
	tests/unit/test_loader \
	tests/unit/test_mem \
	tests/unit/test_mock \
	tests/unit/test_name \
	tests/unit/test_nearest \
	tests/unit/test_newfile \
	tests/unit/test_norm \
	tests/unit/test_placeholder \
	tests/unit/test_plan \
	tests/unit/test_plan_limits \
	tests/unit/test_run \
	tests/unit/test_run_resolve \
	tests/unit/test_run_step \
	tests/unit/test_scan \
	tests/unit/test_script \
	tests/unit/test_script_down \
	tests/unit/test_script_reader \
	tests/unit/test_script_sums \
	tests/unit/test_session \
	tests/unit/test_source \
	tests/unit/test_split \
	tests/unit/test_split_copy \
	tests/unit/test_split_line \
	tests/unit/test_sum \
	tests/unit/test_traits \
	tests/unit/test_txcontrol \
	tests/unit/test_url \
	tests/unit/test_version \
	tests/unit/test_window
check_LTLIBRARIES += tests/unit/libtap.la
if DRIVER_SQLITE
# list: tests/unit/test_sqlite*.c without .c
sqlite_tests = \
	tests/unit/test_sqlite_adopt \
	tests/unit/test_sqlite_driver \
	tests/unit/test_sqlite_faults \
	tests/unit/test_sqlite_keys \
	tests/unit/test_sqlite_lock \
	tests/unit/test_sqlite_schema \
	tests/unit/test_sqlite_session
else
sqlite_tests =
endif
if DRIVER_POSTGRESQL
# list: tests/unit/test_postgresql*.c without .c
postgresql_tests = \
	tests/unit/test_postgresql_concurrent \
	tests/unit/test_postgresql_conn \
	tests/unit/test_postgresql_errors \
	tests/unit/test_postgresql_exec \
	tests/unit/test_postgresql_options \
	tests/unit/test_postgresql_probe \
	tests/unit/test_postgresql_server \
	tests/unit/test_postgresql_snapshot
else
postgresql_tests =
endif
if DRIVER_MARIADB
# list: tests/unit/test_mariadb*.c without .c
mariadb_tests = \
	tests/unit/test_mariadb_catalog \
	tests/unit/test_mariadb_driver \
	tests/unit/test_mariadb_parts
else
mariadb_tests =
endif
else
unit_tests =
sqlite_tests =
postgresql_tests =
mariadb_tests =
endif
# Those have the driver's own objects in them.
sqlite_ldadd = $(dunlin_sqlite_la_OBJECTS) libdrivercommon.la $(LDADD) $(DRIVER_SQLITE_LIBS)
# each: tests/unit/test_sqlite*.c: tests_unit_@_LDADD = $(sqlite_ldadd)
tests_unit_test_sqlite_adopt_LDADD = $(sqlite_ldadd)
tests_unit_test_sqlite_driver_LDADD = $(sqlite_ldadd)
tests_unit_test_sqlite_faults_LDADD = $(sqlite_ldadd)
tests_unit_test_sqlite_keys_LDADD = $(sqlite_ldadd)
tests_unit_test_sqlite_lock_LDADD = $(sqlite_ldadd)
tests_unit_test_sqlite_schema_LDADD = $(sqlite_ldadd)
tests_unit_test_sqlite_session_LDADD = $(sqlite_ldadd)

postgresql_ldadd = $(dunlin_postgresql_la_OBJECTS) libdrivercommon.la $(LDADD) $(DRIVER_POSTGRESQL_LIBS)
# each: tests/unit/test_postgresql*.c: tests_unit_@_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_concurrent_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_conn_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_errors_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_exec_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_options_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_probe_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_server_LDADD = $(postgresql_ldadd)
tests_unit_test_postgresql_snapshot_LDADD = $(postgresql_ldadd)

# each: tests/unit/test_postgresql*.c: tests_unit_@_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_concurrent_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_conn_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_errors_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_exec_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_options_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_probe_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_server_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)
tests_unit_test_postgresql_snapshot_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers $(DRIVER_POSTGRESQL_CFLAGS)

mariadb_ldadd = $(dunlin_mariadb_la_OBJECTS) libdrivercommon.la $(LDADD) $(DRIVER_MARIADB_LIBS)
mariadb_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/drivers -I$(top_srcdir)/drivers/mariadb $(DRIVER_MARIADB_CFLAGS)
# each: tests/unit/test_mariadb*.c: tests_unit_@_LDADD = $(mariadb_ldadd)
tests_unit_test_mariadb_catalog_LDADD = $(mariadb_ldadd)
tests_unit_test_mariadb_driver_LDADD = $(mariadb_ldadd)
tests_unit_test_mariadb_parts_LDADD = $(mariadb_ldadd)

# each: tests/unit/test_mariadb*.c: tests_unit_@_CPPFLAGS = $(mariadb_cppflags)
tests_unit_test_mariadb_catalog_CPPFLAGS = $(mariadb_cppflags)
tests_unit_test_mariadb_driver_CPPFLAGS = $(mariadb_cppflags)
tests_unit_test_mariadb_parts_CPPFLAGS = $(mariadb_cppflags)

check_PROGRAMS += $(unit_tests) $(sqlite_tests) $(postgresql_tests) $(mariadb_tests)
tests_unit_libtap_la_SOURCES = tests/unit/tap.c tests/unit/tap.h

# list: tests/*.test tests/cli/*.test tests/live/*.test tests/tools/*.test
shell_tests = \
	tests/abi.test \
	tests/cli/check.test \
	tests/cli/completion.test \
	tests/cli/confirm.test \
	tests/cli/database.test \
	tests/cli/docker.test \
	tests/cli/files.test \
	tests/cli/help.test \
	tests/cli/options.test \
	tests/cli/output.test \
	tests/cli/plan.test \
	tests/cli/run.test \
	tests/cli/status.test \
	tests/conformance.test \
	tests/documents.test \
	tests/exports.test \
	tests/headers.test \
	tests/lists.test \
	tests/live/atomic.test \
	tests/live/busy.test \
	tests/live/corpora.test \
	tests/live/disk.test \
	tests/live/downs.test \
	tests/live/half.test \
	tests/live/input.test \
	tests/live/kill.test \
	tests/live/many.test \
	tests/live/my_connect.test \
	tests/live/my_corpora.test \
	tests/live/my_faults.test \
	tests/live/my_galera.test \
	tests/live/my_half.test \
	tests/live/my_kill.test \
	tests/live/my_run.test \
	tests/live/my_session.test \
	tests/live/my_settle.test \
	tests/live/pg_catalog.test \
	tests/live/pg_connect.test \
	tests/live/pg_copy.test \
	tests/live/pg_corpora.test \
	tests/live/pg_faults.test \
	tests/live/pg_half.test \
	tests/live/pg_many.test \
	tests/live/pg_notx.test \
	tests/live/pg_run.test \
	tests/live/pg_session.test \
	tests/live/resume.test \
	tests/live/session.test \
	tests/live/signals.test \
	tests/pkgconfig.test \
	tests/servers.test \
	tests/tools/proxy.test
TESTS += $(unit_tests) $(sqlite_tests) $(postgresql_tests) $(mariadb_tests) $(shell_tests)
# What tests read, and the scripts themselves.
# list: tests/*.test tests/*.sh tests/abi/** tests/cli/** tests/golden/** tests/live/** tests/tools/*.test tests/unit/*.h
EXTRA_DIST += \
	tests/abi.test \
	tests/abi/1.0/dunlin/dialect.h \
	tests/abi/1.0/dunlin/driver.h \
	tests/abi/layout-x86_64.txt \
	tests/abi/layout.c \
	tests/abi/libdunlin.exports \
	tests/cli/check.test \
	tests/cli/completion.test \
	tests/cli/confirm.test \
	tests/cli/database.test \
	tests/cli/docker.test \
	tests/cli/files.test \
	tests/cli/help.test \
	tests/cli/lib.sh \
	tests/cli/options.test \
	tests/cli/output.test \
	tests/cli/plan.test \
	tests/cli/run.test \
	tests/cli/status.test \
	tests/conformance.test \
	tests/documents.test \
	tests/exports.test \
	tests/golden/plan/README.md \
	tests/golden/plan/baseline.txt \
	tests/golden/plan/downs.txt \
	tests/golden/plan/limits.txt \
	tests/golden/plan/order.txt \
	tests/golden/plan/redo-reset.txt \
	tests/golden/plan/repeatables.txt \
	tests/golden/plan/requires.txt \
	tests/golden/plan/resume.txt \
	tests/golden/plan/rollback.txt \
	tests/golden/plan/states.txt \
	tests/golden/plan/surroundings.txt \
	tests/golden/plan/transactions.txt \
	tests/golden/plan/usage.txt \
	tests/headers.test \
	tests/installcheck.sh \
	tests/lists.test \
	tests/live/atomic.test \
	tests/live/busy.test \
	tests/live/corpora.test \
	tests/live/disk.test \
	tests/live/downs.test \
	tests/live/half.test \
	tests/live/input.test \
	tests/live/kill.test \
	tests/live/lib.sh \
	tests/live/many.test \
	tests/live/my_connect.test \
	tests/live/my_corpora.test \
	tests/live/my_faults.test \
	tests/live/my_galera.test \
	tests/live/my_half.test \
	tests/live/my_kill.test \
	tests/live/my_lib.sh \
	tests/live/my_run.test \
	tests/live/my_session.test \
	tests/live/my_settle.test \
	tests/live/pg_catalog.test \
	tests/live/pg_connect.test \
	tests/live/pg_copy.test \
	tests/live/pg_corpora.test \
	tests/live/pg_faults.test \
	tests/live/pg_half.test \
	tests/live/pg_lib.sh \
	tests/live/pg_many.test \
	tests/live/pg_notx.test \
	tests/live/pg_run.test \
	tests/live/pg_session.test \
	tests/live/resume.test \
	tests/live/session.test \
	tests/live/signals.test \
	tests/packaging.sh \
	tests/pkgconfig.test \
	tests/servers.test \
	tests/tools/proxy.test \
	tests/unit/mariadb_fixture.h \
	tests/unit/plan_case.h \
	tests/unit/postgresql_fixture.h \
	tests/unit/run_fixture.h \
	tests/unit/script_text.h \
	tests/unit/split_run.h \
	tests/unit/sqlite_fixture.h \
	tests/unit/tap.h \
	tests/unit/tree.h

check_PROGRAMS += tests/tools/proxy
# list: tests/tools/*.c tests/tools/*.h
tests_tools_proxy_SOURCES = \
	tests/tools/proxy.c \
	tests/tools/sockets.c \
	tests/tools/sockets.h
tests_tools_proxy_LDADD =

TEST_EXTENSIONS = .test
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
TEST_LOG_DRIVER = $(TAP_DRIVER)
TEST_LOG_COMPILER = $(BASH_PATH)

# The program under test: the objects of dunlin, linked to the library in the
# build tree.  The one that gets installed is hidden behind a script of libtool's
# until then, where strace and kill would meet a shell.
check_PROGRAMS += tests/dunlin
tests_dunlin_SOURCES =
tests_dunlin_CFLAGS = $(dunlin_CFLAGS)
tests_dunlin_LDFLAGS = $(dunlin_LDFLAGS) -no-install
tests_dunlin_LDADD = $(dunlin_OBJECTS) $(dunlin_LDADD)

AM_TESTS_ENVIRONMENT = \
	LC_ALL=C; export LC_ALL; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	DUNLIN_DRIVER_PATH='$(abs_top_builddir)/.libs'; export DUNLIN_DRIVER_PATH; \
	DUNLIN_EXEC_PATH='$(abs_top_builddir)'; export DUNLIN_EXEC_PATH; \
	DUNLIN_TEST_PROGRAM='$(abs_top_builddir)/tests/dunlin'; export DUNLIN_TEST_PROGRAM; \
	DUNLIN_TEST_SANITIZERS='$(dunlin_sanitizers)'; export DUNLIN_TEST_SANITIZERS; \
	DUNLIN_TEST_COVERAGE='$(COVERAGE_FLAGS)'; export DUNLIN_TEST_COVERAGE; \
	DUNLIN_SHARED="$${DUNLIN_SHARED-$(abs_top_srcdir)/../shared}"; export DUNLIN_SHARED; \
	DUNLIN_TEST_CPPFLAGS='$(HARDENING_CPPFLAGS)'; export DUNLIN_TEST_CPPFLAGS; \
	CC='$(CC)'; export CC; \
	PKG_CONFIG='$(PKG_CONFIG)'; export PKG_CONFIG; \
	NM='$(NM)'; export NM; \
	STRIP='$(STRIP)'; export STRIP;

# On the tree that `make install` left behind.
installcheck-local:
	@CC='$(CC)' PKG_CONFIG='$(PKG_CONFIG)' bindir='$(bindir)' libdir='$(libdir)' \
	srcdir='$(abs_top_srcdir)' NM='$(NM)' pkgconfigdir='$(pkgconfigdir)' driverdir='$(driverdir)' drivers='$(driverexec_LTLIBRARIES)' \
	$(BASH_PATH) $(srcdir)/tests/installcheck.sh
