/*
 * objects.c - `reset --drop`: every object goes, the ledger too.
 *
 * In one transaction: what the database has beside its schemas (publications,
 * event triggers, servers), extensions that the role may drop, the role's own
 * schemas, and what is in "public", which itself stays, with its owner and its
 * grants.  Schemas of others stay, and so do extensions of others with all that
 * is theirs.  Subscriptions stay: each has a slot on another server.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "pg_driver.h"

#define MINE(owner) "pg_catalog.pg_has_role(" owner ", 'USAGE')"
#define IS_MEMBER(class, oid) \
	"EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog." class "'::pg_catalog.regclass" \
	" AND e.objid = " oid " AND e.deptype = 'e')"

/* In the order in which they go.  A schema that an extension of somebody else's
 * has something in is emptied, not dropped: kept has those. */
static const char drop_sql[] =
	"WITH kept AS (SELECT x.oid, x.extnamespace FROM pg_catalog.pg_extension x WHERE NOT " MINE("x.extowner") " OR x.extname = 'plpgsql'),"
	" ns AS (SELECT n.oid, n.nspname, n.nspname <> 'public' AND NOT EXISTS (SELECT FROM kept WHERE kept.extnamespace = n.oid)"
	"   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_depend e ON e.classid = d.classid AND e.objid = d.objid"
	"    AND e.deptype = 'e' JOIN kept ON kept.oid = e.refobjid"
	"    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid) AS goes"
	"  FROM pg_catalog.pg_namespace n WHERE n.nspname <> 'information_schema' AND pg_catalog.left(n.nspname::pg_catalog.text, 3) <> 'pg_'"
	"   AND (n.nspname = 'public' OR " MINE("n.nspowner") ") AND NOT " IS_MEMBER("pg_namespace", "n.oid") ")"
	" SELECT s FROM ("
	/* One that is left would see all the others go. */
	" SELECT 1 AS rank, evtname::pg_catalog.text AS name, pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I CASCADE', evtname) AS s"
	"  FROM pg_catalog.pg_event_trigger t WHERE " MINE("evtowner") " AND NOT " IS_MEMBER("pg_event_trigger", "t.oid")
	" UNION ALL SELECT 2, pubname, pg_catalog.format('DROP PUBLICATION IF EXISTS %I CASCADE', pubname) FROM pg_catalog.pg_publication"
	"  WHERE " MINE("pubowner")
	" UNION ALL SELECT 3, srvname, pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', srvname) FROM pg_catalog.pg_foreign_server s"
	"  WHERE " MINE("srvowner") " AND NOT " IS_MEMBER("pg_foreign_server", "s.oid")
	" UNION ALL SELECT 4, fdwname, pg_catalog.format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', fdwname)"
	"  FROM pg_catalog.pg_foreign_data_wrapper f WHERE " MINE("fdwowner") " AND NOT " IS_MEMBER("pg_foreign_data_wrapper", "f.oid")
	" UNION ALL SELECT 5, nspname, pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM ns WHERE goes"
	" UNION ALL SELECT 6, i.identity, pg_catalog.format('DROP %s IF EXISTS %s CASCADE', CASE i.type WHEN 'statistics object' THEN 'statistics'"
	"   WHEN 'composite type' THEN 'type' ELSE i.type END, i.identity)"
	"  FROM ns JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = ns.oid,"
	"   LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS i"
	"  WHERE NOT ns.goes AND d.deptype = 'n' AND i.identity IS NOT NULL"
	"   AND d.classid <> ALL ('{pg_catalog.pg_extension,pg_catalog.pg_default_acl,pg_catalog.pg_publication_rel}'::pg_catalog.regclass[])"
	"   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')"
	" UNION ALL SELECT 7, extname, pg_catalog.format('DROP EXTENSION IF EXISTS %I CASCADE', extname) FROM pg_catalog.pg_extension x"
	"  WHERE x.oid NOT IN (SELECT oid FROM kept)"
	" ) AS o ORDER BY rank, name COLLATE \"C\", s COLLATE \"C\"";

static int take(void *arg, int ncol, const char *const *v, const size_t *len)
{
	struct drv_text *sql = arg;

	(void)ncol;
	if (v[0]) {
		drv_text_add(sql, v[0], len[0]);
		drv_text_adds(sql, "; ");
	}
	return sql->is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

int pg_drop_objects(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 };
	int status = pg_enter(c, err);

	if (status == DUNLIN_OK && PQtransactionStatus(c->pg) != PQTRANS_IDLE)
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a transaction is open");
	if (status != DUNLIN_OK)
		return status;
	/* What is listed must be what is dropped: the lock keeps other runs away,
	 * and IF EXISTS passes what went with something before it. */
	status = pg_each(c, drop_sql, NULL, 0, take, &sql, err);
	if (sql.is_failed)
		status = drv_nomem(err);
	/* A message of several statements is one transaction. */
	if (status == DUNLIN_OK && sql.len)
		status = pg_do(c, sql.p, err);
	drv_text_clear(&sql);
	return status;
}
