/*
 * snapshot.c - the schema as sorted facts: one query does it all.
 *
 * CHECK constraints and collations are in no PRAGMA of SQLite's, and this does
 * not read the text of a table: they are not among the facts.
 */
#include "odbc_driver.h"

#include <string.h>
#include <strings.h>

/* The object that a fact is about, and the fact.  UNION leaves out what is there twice. */
static const char sql[] =
	"WITH o AS (SELECT * FROM main.sqlite_master WHERE substr(name, 1, 7) <> 'sqlite_')"
	" SELECT name AS about, 'table ' || name AS fact FROM o WHERE type = 'table'"
	" UNION SELECT o.name, 'column ' || o.name || '.' || p.name || ' type ' || lower(p.type)"
	"  || CASE WHEN p.\"notnull\" THEN ' not null' ELSE '' END"
	"  || coalesce(' default ' || p.dflt_value, '')"
	"  || CASE p.pk WHEN 0 THEN '' ELSE ' key ' || p.pk END"
	"  || CASE p.hidden WHEN 0 THEN '' ELSE ' generated' END"
	"  FROM o JOIN pragma_table_xinfo(o.name) p WHERE o.type = 'table'"
	" UNION SELECT o.name, 'foreign key ' || o.name || '.' || f.\"from\" || ' to ' || f.\"table\""
	"  || coalesce('.' || f.\"to\", '') || ' on update ' || lower(f.on_update) || ' on delete ' || lower(f.on_delete)"
	"  FROM o JOIN pragma_foreign_key_list(o.name) f WHERE o.type = 'table'"
	" UNION SELECT o.name, 'unique ' || o.name || ' ('"
	"  || (SELECT group_concat(k.name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) k) || ')'"
	"  FROM o JOIN pragma_index_list(o.name) i WHERE o.type = 'table' AND i.origin = 'u'"
	" UNION SELECT tbl_name, type || ' ' || name || ' as ' || sql FROM o WHERE type <> 'table'"
	" ORDER BY fact";

struct take {
	const char *const *ignore;
	size_t n_ignore;
	dunlin_fact_fn *fact;
	void *arg;
};

static int take_fact(void *arg, int n, const char *const *value, const size_t *len, const int32_t *type)
{
	const struct take *t = arg;

	(void)type;
	if (n < 2 || !value[0] || !value[1])
		return 0;
	for (size_t i = 0; i < t->n_ignore; i++)
		if (strcasecmp(t->ignore[i], value[0]) == 0)
			return 0;
	return t->fact(t->arg, value[1], len[1]);
}

int odbc_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact, void *arg,
                  struct dunlin_driver_error *err)
{
	struct take t = { ignore, n_ignore, fact, arg };

	return odbc_query(c, sql, sizeof sql - 1, NULL, 0, take_fact, &t, err);
}
