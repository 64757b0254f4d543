# man/ - the manual.

# list: man/*.1 man/*.3 man/*.5 man/*.7
dist_man_MANS += \
	man/dunlin-migrations.5 \
	man/dunlin.1 \
	man/dunlin.ini.5
