/*
 * probe_sql.c - what the catalog says about one object, in a few bytes.
 *
 * No row: it is not there.  Each answer begins with the oid: one of the same name
 * that somebody made since is another.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "probe.h"

#define C "pg_catalog."
#define NAME1 "(" C "parse_ident($1))[1]::" C "name"
#define NAME2 "(" C "parse_ident($2))[1]::" C "name"
#define REL1 C "to_regclass($1)"
#define REL2 C "to_regclass($2)"
#define HASH(what) C "md5(" C "concat_ws('|', " what "))"
/* A temporary one hides the one that is meant. */
#define TEMP(c) "CASE WHEN " c ".relpersistence = 't' THEN '!' ELSE "
#define COLLECT(what, order) "(SELECT " C "string_agg(" what ", ',' ORDER BY " order ") FROM "

/* --- relations --------------------------------------------------------------------- */

#define RELATION_EXISTS "SELECT " TEMP("c") "c.oid::" C "text END FROM " C "pg_class c WHERE c.oid = " REL1

const char pg_probe_relation_sql[] =
	"SELECT " TEMP("c") "c.oid || ' ' || " HASH("c.relname, c.relnamespace, c.relowner, c.reloptions, c.relpersistence, c.reltablespace,"
	" c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloftype, c.relam, c.relispartition,"
	" (SELECT t.reloptions FROM " C "pg_class t WHERE t.oid = c.reltoastrelid),"
	" " COLLECT("i.inhparent::" C "text", "i.inhseqno") C "pg_inherits i WHERE i.inhrelid = c.oid),"
	" " COLLECT("x.indexrelid || ':' || x.indisclustered || x.indisreplident", "x.indexrelid") C "pg_index x"
	"   WHERE x.indrelid = c.oid AND (x.indisclustered OR x.indisreplident)),"
	" (SELECT " C "concat_ws(',', s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)"
	"   FROM " C "pg_sequence s WHERE s.seqrelid = c.oid),"
	" " COLLECT("d.refobjid || '.' || d.refobjsubid", "1") C "pg_depend d WHERE c.relkind = 'S' AND d.objid = c.oid"
	"   AND d.classid = 'pg_catalog.pg_class'::" C "regclass AND d.deptype = 'a'),"
	" " COLLECT("a.attnum || ':' || a.attstattarget", "a.attnum") C "pg_attribute a"
	"   WHERE c.relkind IN ('i', 'I') AND a.attrelid = c.oid AND a.attstattarget >= 0),"
	" CASE WHEN c.relkind IN ('v', 'm') THEN " C "pg_get_viewdef(c.oid) END") " END"
	" FROM " C "pg_class c WHERE c.oid = " REL1;

const char pg_probe_column_sql[] =
	"SELECT CASE WHEN " REL1 " IS NULL THEN '!' ELSE (SELECT " TEMP("c") "a.attrelid || ' ' || a.attnum || ' ' ||"
	" " HASH("a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attcollation, a.attstorage,"
	" a.attstattarget, a.attfdwoptions, to_jsonb(a) ->> 'attcompression', " C "pg_get_expr(d.adbin, d.adrelid),"
	" " COLLECT("o", "o") C "unnest(a.attoptions) AS o WHERE " C "left(o, 3) <> 'pg_'),"
	" (SELECT " C "concat_ws(',', s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)"
	"   FROM " C "pg_depend p JOIN " C "pg_sequence s ON s.seqrelid = p.objid WHERE a.attidentity <> '' AND p.deptype = 'i'"
	"   AND p.refclassid = 'pg_catalog.pg_class'::" C "regclass AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum LIMIT 1)") " END"
	" FROM " C "pg_attribute a JOIN " C "pg_class c ON c.oid = a.attrelid LEFT JOIN " C "pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" WHERE a.attrelid = " REL1 " AND a.attname = " NAME2 " AND a.attnum > 0 AND NOT a.attisdropped) END";

const char pg_probe_constraint_sql[] =
	"SELECT CASE WHEN " REL1 " IS NULL THEN '!' ELSE (SELECT k.oid || ' ' || " C "md5(" C "pg_get_constraintdef(k.oid))"
	" FROM " C "pg_constraint k WHERE k.conrelid = " REL1 " AND k.conname = " NAME2 ") END";

const char pg_probe_constraints_sql[] =
	"SELECT CASE WHEN " REL1 " IS NULL THEN '!' ELSE (SELECT " C "count(*) || ' ' || " C "md5(" C "string_agg(k.oid::" C "text, ',' ORDER BY k.oid))"
	" FROM " C "pg_constraint k WHERE k.conrelid = " REL1 ") END";

/* Detached by half is attached: it has to be sent again. */
const char pg_probe_partition_sql[] =
	"SELECT CASE WHEN " REL1 " IS NULL OR " REL2 " IS NULL THEN '!' ELSE COALESCE((SELECT 'attached ' || i.inhrelid FROM " C "pg_inherits i"
	" WHERE i.inhparent = " REL1 " AND i.inhrelid = " REL2 "), 'apart') END";

/* Triggers and rules that are on or off. */
const char pg_probe_switches_sql[] =
	"SELECT CASE WHEN " REL1 " IS NULL THEN '!' ELSE " HASH(
	COLLECT("t.oid || ':' || t.tgenabled::" C "text", "t.oid") C "pg_trigger t WHERE t.tgrelid = " REL1 "),"
	COLLECT("r.oid || ':' || r.ev_enabled::" C "text", "r.oid") C "pg_rewrite r WHERE r.ev_class = " REL1 ")") " END";

/* --- indexes: one that is not valid is not there ------------------------------------- */

#define VALID "(i.indisvalid OR c.relkind = 'I')"

const char pg_probe_index_sql[] =
	"SELECT CASE WHEN t.relpersistence = 't' OR t.oid IS NULL THEN '!' ELSE COALESCE((SELECT c.oid::" C "text FROM " C "pg_index i"
	"  JOIN " C "pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = t.oid AND c.relname = " NAME1 " AND " VALID "), 'absent') END"
	" FROM (SELECT " REL2 " AS r) AS x LEFT JOIN " C "pg_class t ON t.oid = x.r";

const char pg_probe_unnamed_index_sql[] =
	"SELECT CASE WHEN t.relpersistence = 't' OR t.oid IS NULL THEN '!' ELSE COALESCE((SELECT " C "count(*) || ' ' || "
	"  " C "md5(" C "string_agg(c.oid::" C "text, ',' ORDER BY c.oid)) FROM " C "pg_index i"
	"  JOIN " C "pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = t.oid AND " VALID
	"  AND " PG_INDEX_IS_LIKE("c", "i", "t", "$1") "), 'absent') END"
	" FROM (SELECT " REL2 " AS r) AS x LEFT JOIN " C "pg_class t ON t.oid = x.r";

/* --- the others ------------------------------------------------------------------------- */

/* In the schema that is named, or else wherever the path looks. */
#define WHERE_NAMED(name, namespace) \
	" WHERE " name " = (" C "parse_ident($1))[" C "cardinality(" C "parse_ident($1))]::" C "name" \
	" AND CASE " C "cardinality(" C "parse_ident($1)) WHEN 1 THEN " namespace " IN (SELECT s.oid FROM " C "pg_namespace s" \
	"   WHERE s.nspname = ANY (" C "current_schemas(false)))" \
	"  ELSE " namespace " = (SELECT s.oid FROM " C "pg_namespace s WHERE s.nspname = " NAME1 ") END"
#define ALL(what, from) "SELECT " C "string_agg(" what ", ',' ORDER BY o.oid) FROM " from

#define ROUTINE_EXISTS ALL("o.oid::" C "text", C "pg_proc o") WHERE_NAMED("o.proname", "o.pronamespace")
#define ROUTINE_STATE \
	"SELECT " C "md5(" C "string_agg(" C "concat_ws('|', o.oid, o.proowner, CASE WHEN o.prokind <> 'a' THEN " C "pg_get_functiondef(o.oid) END)," \
	" ',' ORDER BY o.oid)) FROM " C "pg_proc o" WHERE_NAMED("o.proname", "o.pronamespace")

#define TYPE_EXISTS "SELECT t.oid FROM " C "pg_type t WHERE t.oid = " C "to_regtype($1)"
#define TYPE_STATE \
	"SELECT t.oid || ' ' || " HASH("t.typname, t.typnamespace, t.typowner, t.typdefault, t.typnotnull, t.typtype," \
	COLLECT("e.enumlabel", "e.enumsortorder") C "pg_enum e WHERE e.enumtypid = t.oid)," \
	COLLECT("a.attname || ':' || a.atttypid || ':' || a.atttypmod", "a.attnum") C "pg_attribute a WHERE a.attrelid = t.typrelid" \
	"  AND a.attnum > 0 AND NOT a.attisdropped)," \
	COLLECT("k.conname || ':' || k.convalidated", "k.oid") C "pg_constraint k WHERE k.contypid = t.oid)") \
	" FROM " C "pg_type t WHERE t.oid = " C "to_regtype($1)"

#define BY_NAME(catalog, column) " FROM " C catalog " o WHERE o." column " = " NAME1
#define OID(catalog, column) "SELECT o.oid" BY_NAME(catalog, column)
#define STATE(catalog, column, what) "SELECT o.oid || ' ' || " HASH(what) BY_NAME(catalog, column)
#define ON_TABLE(catalog, name, rel, answer) \
	"SELECT CASE WHEN " REL2 " IS NULL THEN '!' ELSE (SELECT " answer " FROM " C catalog " o WHERE o." name " = " NAME1 " AND o." rel " = " REL2 ") END"

#define DATABASE \
	STATE("pg_database", "datname", "o.datdba, o.dattablespace, o.datallowconn, o.datconnlimit, o.datistemplate," \
	COLLECT("s.setrole || ':' || s.setconfig::" C "text", "s.setrole") C "pg_db_role_setting s WHERE s.setdatabase = o.oid)")
#define ROLE \
	STATE("pg_roles", "rolname", "o.rolsuper, o.rolinherit, o.rolcreaterole, o.rolcreatedb, o.rolcanlogin, o.rolreplication," \
	" o.rolbypassrls, o.rolconnlimit, o.rolvaliduntil, o.rolconfig," \
	COLLECT("m.member::" C "text", "m.member") C "pg_auth_members m WHERE m.roleid = o.oid)")
#define PUBLICATION \
	STATE("pg_publication", "pubname", "o.pubowner, o.puballtables, o.pubinsert, o.pubupdate, o.pubdelete, o.pubtruncate," \
	COLLECT("r.prrelid || ':' || " C "md5(r::" C "text)", "r.prrelid") C "pg_publication_rel r WHERE r.prpubid = o.oid)")
/* What its tables are at, its worker changes. */
#define SUBSCRIPTION \
	"SELECT o.oid || ' ' || " HASH("o.subowner, o.subenabled, o.subslotname, o.subpublications, o.subsynccommit, o.subbinary," \
	COLLECT("r.srrelid::" C "text", "r.srrelid") C "pg_subscription_rel r WHERE r.srsubid = o.oid)") \
	" FROM " C "pg_subscription o WHERE o.subname = " NAME1 " AND o.subdbid = (SELECT d.oid FROM " C "pg_database d WHERE d.datname = " C "current_database())"

#define REL PG_PROBE_RELATION
#define GLOBAL PG_PROBE_GLOBAL
#define NO_ALTER PG_PROBE_NO_ALTER

const struct pg_probe_kind pg_probe_kinds[] = {
	{ "FOREIGN TABLE", REL, RELATION_EXISTS, RELATION_EXISTS },
	{ "TABLE", REL, RELATION_EXISTS, RELATION_EXISTS },
	{ "MATERIALIZED VIEW", REL, RELATION_EXISTS, pg_probe_relation_sql },
	{ "VIEW", REL, RELATION_EXISTS, pg_probe_relation_sql },
	{ "SEQUENCE", REL, RELATION_EXISTS, RELATION_EXISTS },
	{ "INDEX", REL | PG_PROBE_NO_CREATE, RELATION_EXISTS, RELATION_EXISTS },
	{ "FUNCTION", 0, ROUTINE_EXISTS, ROUTINE_STATE },
	{ "PROCEDURE", 0, ROUTINE_EXISTS, ROUTINE_STATE },
	{ "ROUTINE", 0, ROUTINE_EXISTS, ROUTINE_STATE },
	{ "AGGREGATE", NO_ALTER, ROUTINE_EXISTS, ROUTINE_STATE },
	{ "TYPE", 0, TYPE_EXISTS, TYPE_STATE },
	{ "DOMAIN", 0, TYPE_EXISTS, TYPE_STATE },
	{ "SCHEMA", GLOBAL, OID("pg_namespace", "nspname"), STATE("pg_namespace", "nspname", "o.nspowner") },
	{ "EXTENSION", GLOBAL, OID("pg_extension", "extname"), STATE("pg_extension", "extname", "o.extversion, o.extnamespace, "
	  COLLECT("d.classid || ':' || d.objid", "d.classid, d.objid") C "pg_depend d WHERE d.deptype = 'e' AND d.refobjid = o.oid)") },
	{ "EVENT TRIGGER", GLOBAL, OID("pg_event_trigger", "evtname"), STATE("pg_event_trigger", "evtname", "o.evtenabled, o.evtowner, o.evtfoid") },
	{ "TRIGGER", PG_PROBE_ON, ON_TABLE("pg_trigger", "tgname", "tgrelid", "o.oid::" C "text"),
	  ON_TABLE("pg_trigger", "tgname", "tgrelid", "o.oid || ' ' || " C "md5(" C "pg_get_triggerdef(o.oid))") },
	{ "RULE", PG_PROBE_ON, ON_TABLE("pg_rewrite", "rulename", "ev_class", "o.oid::" C "text"),
	  ON_TABLE("pg_rewrite", "rulename", "ev_class", "o.oid || ' ' || " C "md5(" C "pg_get_ruledef(o.oid))") },
	{ "POLICY", PG_PROBE_ON, ON_TABLE("pg_policy", "polname", "polrelid", "o.oid::" C "text"),
	  ON_TABLE("pg_policy", "polname", "polrelid", "o.oid || ' ' || " HASH("o.polcmd, o.polroles, " C "pg_get_expr(o.polqual, o.polrelid), '/', "
	   C "pg_get_expr(o.polwithcheck, o.polrelid)")) },
	{ "DATABASE", GLOBAL, OID("pg_database", "datname"), DATABASE },
	{ "TABLESPACE", GLOBAL, OID("pg_tablespace", "spcname"), STATE("pg_tablespace", "spcname", "o.spcowner, o.spcoptions") },
	{ "ROLE", GLOBAL | PG_PROBE_ROLE, OID("pg_roles", "rolname"), ROLE },
	{ "USER MAPPING", PG_PROBE_NO_CREATE | NO_ALTER, "SELECT '!' WHERE $1 = $1", "SELECT '!' WHERE $1 = $1" },
	{ "USER", GLOBAL | PG_PROBE_ROLE, OID("pg_roles", "rolname"), ROLE },
	{ "GROUP", GLOBAL | PG_PROBE_ROLE, OID("pg_roles", "rolname"), ROLE },
	{ "PUBLICATION", GLOBAL, OID("pg_publication", "pubname"), PUBLICATION },
	{ "SUBSCRIPTION", GLOBAL, OID("pg_subscription", "subname"), SUBSCRIPTION },
	{ "SERVER", GLOBAL, OID("pg_foreign_server", "srvname"),
	  STATE("pg_foreign_server", "srvname", "o.srvowner, o.srvversion, " C "md5(o.srvoptions::" C "text)") },
	{ "FOREIGN DATA WRAPPER", GLOBAL, OID("pg_foreign_data_wrapper", "fdwname"),
	  STATE("pg_foreign_data_wrapper", "fdwname", "o.fdwowner, o.fdwhandler, o.fdwvalidator, " C "md5(o.fdwoptions::" C "text)") },
	{ "STATISTICS", NO_ALTER, ALL("o.oid::" C "text", C "pg_statistic_ext o") WHERE_NAMED("o.stxname", "o.stxnamespace"),
	  ALL("o.oid::" C "text", C "pg_statistic_ext o") WHERE_NAMED("o.stxname", "o.stxnamespace") },
	{ "COLLATION", NO_ALTER, ALL("o.oid::" C "text", C "pg_collation o") WHERE_NAMED("o.collname", "o.collnamespace"),
	  ALL("o.oid::" C "text", C "pg_collation o") WHERE_NAMED("o.collname", "o.collnamespace") },
	{ NULL, 0, NULL, NULL }
};
