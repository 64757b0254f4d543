# man/ - the manual.

# list: man/*.1 man/*.3 man/*.5 man/*.7
dist_man_MANS += \
	man/dunlin-mariadb.7 \
	man/dunlin-migrations.5 \
	man/dunlin-postgresql.7 \
	man/dunlin-sqlite.7 \
	man/dunlin.1 \
	man/dunlin.ini.5
