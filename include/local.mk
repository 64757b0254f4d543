# include/dunlin - all that is public.

dunlinincludedir = $(includedir)/dunlin
dunlininclude_HEADERS = \
	%reldir%/dunlin/dialect.h \
	%reldir%/dunlin/driver.h \
	%reldir%/dunlin/dunlin.h
