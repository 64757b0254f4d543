# core/ - libdunlin.
#
# libdunlincore.la holds the code with all its symbols, for the unit tests;
# libdunlin.la is the same with those of the public header only.

noinst_LTLIBRARIES += libdunlincore.la libdunlindialects.la
# list: core/*.c core/*.h
libdunlincore_la_SOURCES = \
	core/api.c \
	core/api_connect.c \
	core/api_database.c \
	core/api_driver.c \
	core/api_execute.c \
	core/api_files.c \
	core/api_look.c \
	core/api_plan.c \
	core/api_repair.c \
	core/api_work.c \
	core/block.c \
	core/block.h \
	core/block_mariadb.c \
	core/block_priv.h \
	core/buf.c \
	core/buf.h \
	core/checksum.c \
	core/checksum.h \
	core/command.c \
	core/command.h \
	core/config.c \
	core/config.h \
	core/config_file.c \
	core/config_list.c \
	core/config_load.c \
	core/config_migration.c \
	core/config_priv.h \
	core/config_url.c \
	core/counterpart.c \
	core/counterpart.h \
	core/dialect.c \
	core/directive.c \
	core/directive.h \
	core/discover.c \
	core/discover.h \
	core/docker.c \
	core/docker.h \
	core/docker_read.c \
	core/dotenv.c \
	core/dotenv.h \
	core/driver_check.c \
	core/driver_check.h \
	core/duration.c \
	core/duration.h \
	core/entry.c \
	core/entry.h \
	core/error.c \
	core/error.h \
	core/feed.c \
	core/feed.h \
	core/finding.c \
	core/finding.h \
	core/handle.h \
	core/history.c \
	core/history.h \
	core/history_fold.c \
	core/hooks.c \
	core/hooks.h \
	core/inifile.c \
	core/inifile.h \
	core/input.c \
	core/input.h \
	core/ledger.c \
	core/ledger.h \
	core/ledger_read.c \
	core/lex.c \
	core/lex.h \
	core/lex_priv.h \
	core/lex_skip.c \
	core/lexbuf.c \
	core/lexbuf.h \
	core/loader.c \
	core/loader.h \
	core/mem.c \
	core/mem.h \
	core/name.c \
	core/name.h \
	core/nearest.c \
	core/nearest.h \
	core/newfile.c \
	core/norm.c \
	core/norm.h \
	core/pick.c \
	core/pick.h \
	core/placeholder.c \
	core/placeholder.h \
	core/plan.c \
	core/plan.h \
	core/plan_around.c \
	core/plan_cut.c \
	core/plan_digest.c \
	core/plan_priv.h \
	core/plan_request.c \
	core/plan_resume.c \
	core/plan_revert.c \
	core/plan_select.c \
	core/plan_state.c \
	core/plan_up.c \
	core/plan_view.c \
	core/plugin_file.c \
	core/plugin_file.h \
	core/run.c \
	core/run.h \
	core/run_counterpart.c \
	core/run_place.c \
	core/run_record.c \
	core/run_resolve.c \
	core/run_send.c \
	core/run_settle.c \
	core/run_statement.c \
	core/run_step.c \
	core/run_step.h \
	core/scan.c \
	core/scan.h \
	core/script.c \
	core/script.h \
	core/script_down.c \
	core/script_reader.c \
	core/section.c \
	core/section.h \
	core/session.c \
	core/session.h \
	core/source.c \
	core/source.h \
	core/split.c \
	core/split.h \
	core/split_copy.c \
	core/split_line.c \
	core/split_priv.h \
	core/sqlmode.c \
	core/sqlmode.h \
	core/sum.c \
	core/sum.h \
	core/sum_folder.c \
	core/textfile.c \
	core/textfile.h \
	core/traits.c \
	core/traits.h \
	core/txcontrol.c \
	core/txcontrol.h \
	core/url.c \
	core/url.h \
	core/url_mask.c \
	core/url_priv.h \
	core/utf8.c \
	core/utf8.h \
	core/version.c \
	core/version.h \
	core/window.c \
	core/window.h
libdunlincore_la_CPPFLAGS = $(INCLUDE_CORE) $(NETTLE_CFLAGS) $(JANSSON_CFLAGS) $(INIH_CFLAGS) \
	-DDUNLIN_DRIVERDIR='"$(driverdir)"'
libdunlincore_la_LIBADD = libdunlindialects.la $(NETTLE_LIBS) $(JANSSON_LIBS) $(INIH_LIBS)

# The dialects of our own drivers are built in, so that a file can be parsed
# without its plugin.  They are data, and see include/ alone like the plugins.
# list: drivers/*/dialect.c drivers/*/dialect.h
libdunlindialects_la_SOURCES = \
	drivers/mariadb/dialect.c \
	drivers/postgresql/dialect.c \
	drivers/sqlite/dialect.c
libdunlindialects_la_CPPFLAGS = $(INCLUDE_PUBLIC)

lib_LTLIBRARIES += libdunlin.la
libdunlin_la_SOURCES =
libdunlin_la_LIBADD = libdunlincore.la
# current:revision:age, changed at a release by libtool's rules.
libdunlin_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0
