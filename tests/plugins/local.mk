# tests/plugins/ - plugins for test_loader: some that it must take, and one for
# each way in which it must refuse one.  Each is plugin.c with a macro; without
# an -rpath libtool would make archives of them.

TEST_PLUGIN_LDFLAGS = $(SANITIZER_FLAGS) $(COVERAGE_FLAGS) -module -avoid-version -shared -rpath /nowhere
TEST_PLUGIN_CPPFLAGS = $(INCLUDE_PUBLIC)

check_LTLIBRARIES += \
	tests/plugins/dunlin-abi.la \
	tests/plugins/dunlin-borrowed.la \
	tests/plugins/dunlin-caps.la \
	tests/plugins/dunlin-entry.la \
	tests/plugins/dunlin-fourth.la \
	tests/plugins/dunlin-good.la \
	tests/plugins/dunlin-link.la \
	tests/plugins/dunlin-magic.la \
	tests/plugins/dunlin-name.la \
	tests/plugins/dunlin-newer.la \
	tests/plugins/dunlin-older.la \
	tests/plugins/dunlin-second.la \
	tests/plugins/dunlin-size.la \
	tests/plugins/dunlin-slot.la \
	tests/plugins/dunlin-symbol.la \
	tests/plugins/dunlin-third.la \
	tests/plugins/libdunlintestlender.la

tests_plugins_dunlin_abi_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_abi_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=abi -DWRONG_ABI
tests_plugins_dunlin_abi_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_caps_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_caps_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=caps -DWRONG_CAPS
tests_plugins_dunlin_caps_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_entry_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_entry_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=entry -DWRONG_ENTRY
tests_plugins_dunlin_entry_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_fourth_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_fourth_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=fourth
tests_plugins_dunlin_fourth_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_good_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_good_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=good
tests_plugins_dunlin_good_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_link_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_link_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=link -DWRONG_LINK
tests_plugins_dunlin_link_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_magic_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_magic_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=magic -DWRONG_MAGIC
tests_plugins_dunlin_magic_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_name_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_name_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=name -DWRONG_NAME
tests_plugins_dunlin_name_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_newer_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_newer_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=newer -DNEWER
tests_plugins_dunlin_newer_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_older_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_older_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=older -DOLDER
tests_plugins_dunlin_older_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_second_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_second_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=second
tests_plugins_dunlin_second_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_size_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_size_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=size -DWRONG_SIZE
tests_plugins_dunlin_size_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_slot_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_slot_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=slot -DWRONG_SLOT
tests_plugins_dunlin_slot_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_symbol_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_symbol_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=symbol -DWRONG_SYMBOL
tests_plugins_dunlin_symbol_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_third_la_SOURCES = tests/plugins/plugin.c
tests_plugins_dunlin_third_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=third
tests_plugins_dunlin_third_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)

# A plugin without an entry of its own, and the library that would lend it one:
# no module, so that it may be linked with.
tests_plugins_libdunlintestlender_la_SOURCES = tests/plugins/plugin.c
tests_plugins_libdunlintestlender_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS) -DPLUGIN=borrowed
tests_plugins_libdunlintestlender_la_LDFLAGS = $(SANITIZER_FLAGS) $(COVERAGE_FLAGS) -avoid-version -shared -rpath /nowhere
tests_plugins_dunlin_borrowed_la_SOURCES = tests/plugins/borrowed.c
tests_plugins_dunlin_borrowed_la_CPPFLAGS = $(TEST_PLUGIN_CPPFLAGS)
tests_plugins_dunlin_borrowed_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_borrowed_la_LIBADD = tests/plugins/libdunlintestlender.la

# The mock with a fault, for the conformance suite.
if DRIVER_MOCK
check_LTLIBRARIES += tests/plugins/dunlin-wrong.la
endif
tests_plugins_dunlin_wrong_la_SOURCES = tests/plugins/wrong.c $(dunlin_mock_la_SOURCES)
tests_plugins_dunlin_wrong_la_CPPFLAGS = $(INCLUDE_PUBLIC) $(MOCK_CFLAGS) -DDUNLIN_DRIVER_ENTRY_NAME=dunlin_mock_entry
tests_plugins_dunlin_wrong_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_plugins_dunlin_wrong_la_LIBADD = $(MOCK_LIBS)
