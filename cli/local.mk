# cli/ - the program.  It sees include/ and libdunlin's public symbols alone.

bin_PROGRAMS += dunlin
# list: cli/*.c cli/*.h
dunlin_SOURCES = \
	cli/cli.h \
	cli/cmd_baseline.c \
	cli/cmd_check.c \
	cli/cmd_completion.c \
	cli/cmd_database.c \
	cli/cmd_driver_check.c \
	cli/cmd_drivers.c \
	cli/cmd_files.c \
	cli/cmd_history.c \
	cli/cmd_init.c \
	cli/cmd_parse.c \
	cli/cmd_plan.c \
	cli/cmd_plan.h \
	cli/cmd_repair.c \
	cli/cmd_revert.c \
	cli/cmd_status.c \
	cli/cmd_up.c \
	cli/commands.c \
	cli/commands.h \
	cli/confirm.c \
	cli/errors.c \
	cli/execute.c \
	cli/execute.h \
	cli/handle.c \
	cli/help.c \
	cli/json.c \
	cli/json.h \
	cli/main.c \
	cli/options.c \
	cli/output.c \
	cli/output.h \
	cli/planfile.c \
	cli/progress.c \
	cli/progress.h \
	cli/request.c \
	cli/request.h \
	cli/secret.c \
	cli/signals.c \
	cli/suggest.c \
	cli/table.c \
	cli/text.c
dunlin_CPPFLAGS = $(INCLUDE_PUBLIC) $(JANSSON_CFLAGS) -DDUNLIN_EXECDIR='"$(dunlinexecdir)"'
dunlin_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
dunlin_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
dunlin_LDADD = libdunlin.la $(JANSSON_LIBS)

# The conformance suite, which `dunlin driver-check` runs.
dunlinexecdir = $(libexecdir)/dunlin
dunlinexec_PROGRAMS = dunlin-driver-check
# list: tests/conformance/*.c tests/conformance/*.h
dunlin_driver_check_SOURCES = \
	tests/conformance/driver_suite.h \
	tests/conformance/group_cancel.c \
	tests/conformance/group_errors.c \
	tests/conformance/group_exec.c \
	tests/conformance/group_ledger.c \
	tests/conformance/group_load.c \
	tests/conformance/group_lock.c \
	tests/conformance/group_many.c \
	tests/conformance/group_memory.c \
	tests/conformance/group_open.c \
	tests/conformance/group_schema.c \
	tests/conformance/group_tx.c \
	tests/conformance/host.c \
	tests/conformance/main.c \
	tests/conformance/quirks.c \
	tests/conformance/suite.c \
	tests/conformance/suite.h \
	tests/conformance/use.c
dunlin_driver_check_CPPFLAGS = $(INCLUDE_PUBLIC) -iquote $(top_srcdir)/tests/conformance
dunlin_driver_check_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
dunlin_driver_check_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
dunlin_driver_check_LDADD = libdunlin.la -lpthread

# What the shells read, printed by the program itself.
if COMPLETIONS
bashcompletion_DATA = cli/completions/dunlin
zshcompletion_DATA = cli/completions/_dunlin
fishcompletion_DATA = cli/completions/dunlin.fish
CLEANFILES += $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA)

print_completion = $(MKDIR_P) cli/completions && ./dunlin$(EXEEXT) completion

# One after another: the script that libtool puts around an uninstalled program
# may link it again when it first runs.
cli/completions/dunlin: dunlin$(EXEEXT)
	$(AM_V_GEN)$(print_completion) bash >$@.new && mv -f $@.new $@
cli/completions/_dunlin: cli/completions/dunlin
	$(AM_V_GEN)$(print_completion) zsh >$@.new && mv -f $@.new $@
cli/completions/dunlin.fish: cli/completions/_dunlin
	$(AM_V_GEN)$(print_completion) fish >$@.new && mv -f $@.new $@
endif
