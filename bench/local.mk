# bench/ - measurements, run by hand: `make bench`, or with PARTS="apply idle".

EXTRA_PROGRAMS = bench/measure
# list: bench/*.c
bench_measure_SOURCES = \
	bench/measure.c
bench_measure_LDADD =
CLEANFILES += bench/measure$(EXEEXT)

# The program itself, not libtool's script around it.
bench: all bench/measure$(EXEEXT) tests/tools/proxy$(EXEEXT)
	PROXY='$(abs_top_builddir)/tests/tools/proxy' \
	DUNLIN='$(abs_top_builddir)/.libs/dunlin' MEASURE='$(abs_top_builddir)/bench/measure' \
	LD_LIBRARY_PATH='$(abs_top_builddir)/.libs' DUNLIN_DRIVER_PATH='$(abs_top_builddir)/.libs' \
	$(BASH_PATH) $(srcdir)/bench/bench $(PARTS)

# list: bench/bench* bench/*.sh
EXTRA_DIST += \
	bench/bench \
	bench/bench-mariadb \
	bench/bench-postgresql \
	bench/lib.sh
