# tests/abi/ - the mock once more, compiled with the headers of ABI 1.0.

if DRIVER_MOCK
check_LTLIBRARIES += tests/abi/dunlin-mock.la
endif
tests_abi_dunlin_mock_la_SOURCES = $(dunlin_mock_la_SOURCES)
tests_abi_dunlin_mock_la_CPPFLAGS = -I$(top_srcdir)/tests/abi/1.0 -I$(top_builddir) $(HARDENING_CPPFLAGS) $(MOCK_CFLAGS)
tests_abi_dunlin_mock_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
tests_abi_dunlin_mock_la_LIBADD = $(MOCK_LIBS)
