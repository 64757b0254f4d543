/*
 * dialect.c - the dialects that the library carries; their data stands with
 * the drivers.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split.h"

#include <string.h>

const struct dunlin_dialect *dialect_find(const char *name)
{
	static const struct dunlin_dialect *const all[] = {
		&dunlin_dialect_postgresql, &dunlin_dialect_sqlite, &dunlin_dialect_mariadb,
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}
