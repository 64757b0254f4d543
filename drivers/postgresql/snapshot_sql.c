/*
 * snapshot_sql.c - the catalog as facts: one query, a part for each kind of them.
 *
 * A row is head, def, mode, tail; pg_snapshot() puts a fact together of them
 * (PG_FACT_*).  The search path is empty while it runs, so that functions and
 * operators are the system's, and names inside of expressions are qualified.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "snapshot.h"

/* A name as facts have it: quoted only where it would be misread.  Words of the
 * language stay bare, or one table would have two names in two databases. */
#define ODD "E'[\\\\x01-\\\\x23\\\\x25-\\\\x2f\\\\x3a-\\\\x40\\\\x5b-\\\\x5e\\\\x60\\\\x7b-\\\\x7f]'"
#define NAME(x) "(CASE WHEN " x " ~ " ODD " THEN quote_ident(" x ") ELSE " x "::text END)"
#define USER_NAME(oid) NAME("pg_get_userbyid(" oid ")")
#define NOT_EXT(class, oid) \
	"NOT EXISTS (SELECT FROM ext WHERE ext.classid = '" class "'::regclass AND ext.objid = " oid ")"
#define FACT(head) "SELECT " head ", NULL, NULL, NULL"
/* attnums as a list of names, in their order. */
#define COLUMNS(rel, keys) \
	"(SELECT string_agg(" NAME("ka.attname") ", ', ' ORDER BY k.pos) FROM unnest(" keys ") WITH ORDINALITY AS k(num, pos)" \
	" JOIN pg_attribute ka ON ka.attrelid = " rel " AND ka.attnum = k.num)"
#define QUALIFIED(schema, name) \
	"(CASE WHEN " schema " IN ('public', 'pg_catalog') THEN '' ELSE " NAME(schema) " || '.' END || " NAME(name) ")"
/* key=value words; what could be a secret is not shown. */
#define OPTION(o) \
	"(CASE WHEN split_part(" o ", '=', 1) ~* 'pass|secret|token|key|cred' THEN split_part(" o ", '=', 1) || '=(hidden)' ELSE " o " END)"

/* Newer minor releases keep books of their own among a column's options, as
 * pg_attver=36575976; pg_dump leaves them out as well. */
#define COLUMN_OPTIONS(a) "unnest(" a ") AS o WHERE left(o, 3) <> 'pg_'"

/* ign: the ledger's names, from pg_snapshot().  ig: its tables.  rel: what has columns, and sequences. */
const char pg_snapshot_with[] =
	", ig AS MATERIALIZED (SELECT c.oid, c.relnamespace FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, ign"
	"  WHERE c.relkind IN ('r', 'p') AND (n.nspname || '.' || c.relname = ANY (ign.names)"
	"   OR n.nspname = 'public' AND c.relname::text = ANY (ign.names))),"
	/* What an extension brings, and what a range type brings. */
	" ext AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'"
	"  OR deptype = 'i' AND classid IN ('pg_proc'::regclass, 'pg_cast'::regclass)),"
	" ns AS MATERIALIZED (SELECT n.oid, n.nspname, n.nspowner, n.nspacl,"
	"   CASE n.nspname WHEN 'public' THEN '' ELSE " NAME("n.nspname") " || '.' END AS q"
	"  FROM pg_namespace n WHERE n.nspname <> 'information_schema' AND left(n.nspname::text, 3) <> 'pg_'"
	"   AND " NOT_EXT("pg_namespace", "n.oid") "),"
	" own AS MATERIALIZED (SELECT d.objid, d.refobjid, d.refobjsubid FROM pg_depend d JOIN pg_class c ON c.oid = d.objid"
	"  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')"
	"   AND c.relkind = 'S'),"
	" rel AS MATERIALIZED (SELECT c.oid, c.relname, c.relkind, c.relnamespace, c.relowner, c.relacl, c.reloptions,"
	"   c.relpersistence, c.relam, c.reltablespace, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloftype,"
	"   c.relispartition, c.relpartbound, c.reltoastrelid, ns.q || " NAME("c.relname") " AS n,"
	"   CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized-view' WHEN 'f' THEN 'foreign-table'"
	"    WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END AS kind"
	"  FROM pg_class c JOIN ns ON ns.oid = c.relnamespace"
	"  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND c.oid NOT IN (SELECT oid FROM ig)"
	"   AND " NOT_EXT("pg_class", "c.oid")
	"   AND NOT EXISTS (SELECT FROM own WHERE own.objid = c.oid AND own.refobjid IN (SELECT oid FROM ig))),"
	" col AS MATERIALIZED (SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated, a.attidentity,"
	"   a.attcollation, a.attstorage, a.attstattarget, a.attoptions, a.attfdwoptions, a.attacl, rel.relkind, rel.relowner,"
	"   rel.n || '.' || " NAME("a.attname") " AS n"
	"  FROM pg_attribute a JOIN rel ON rel.oid = a.attrelid"
	"  WHERE a.attnum > 0 AND NOT a.attisdropped AND rel.relkind IN ('r', 'p', 'f', 'v', 'm')),"
	" typ AS MATERIALIZED (SELECT t.oid, t.typname, t.typtype, t.typowner, t.typacl, t.typrelid, t.typbasetype, t.typtypmod,"
	"   t.typnotnull, t.typdefaultbin, t.typcollation, t.typlen, t.typinput, t.typoutput, t.typelem, ns.q || " NAME("t.typname") " AS n,"
	"   CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS kind"
	"  FROM pg_type t JOIN ns ON ns.oid = t.typnamespace"
	"  WHERE (t.typtype IN ('e', 'd', 'r', 'p') OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type b WHERE b.typarray = t.oid)"
	"    OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))"
	"   AND " NOT_EXT("pg_type", "t.oid") "),"
	" fn AS MATERIALIZED (SELECT p.oid, p.prokind, p.proowner, p.proacl,"
	"   CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,"
	"   ns.q || " NAME("p.proname") " || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS n"
	"  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace WHERE " NOT_EXT("pg_proc", "p.oid") "),"
	" ix AS MATERIALIZED (SELECT i.indexrelid, i.indrelid, i.indisunique, i.indisvalid, i.indisclustered, i.indisreplident,"
	"   i.indkey, i.indnatts, i.indnkeyatts, i.indclass, i.indcollation, i.indoption, i.indpred,"
	"   COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_same,"
	"   c.relkind, c.relam, c.reloptions, c.reltablespace, rel.n AS tn, ns.q || " NAME("c.relname") " AS n,"
	"   EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS is_con"
	"  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN rel ON rel.oid = i.indrelid JOIN ns ON ns.oid = c.relnamespace),"
	/* A constraint that a partition has from its parent is the parent's. */
	" con AS MATERIALIZED (SELECT k.oid, k.conname, k.contype, k.conrelid, k.contypid, k.conkey, k.confkey, k.confrelid, k.conindid,"
	"   k.condeferred, k.confupdtype, k.confdeltype, k.confmatchtype, k.connoinherit, k.conbin, rel.n AS tn,"
	"   rel.n || '.' || " NAME("k.conname") " AS n"
	"  FROM pg_constraint k JOIN rel ON rel.oid = k.conrelid"
	"  WHERE k.contype IN ('p', 'u', 'x', 'c') OR k.contype = 'f' AND k.conparentid = 0) ";

const struct pg_snapshot_part pg_snapshot_parts[] = {
/* --- schemas; one that is there for the ledger alone is not told ------------------- */
{ 0,
	FACT("'schema ' || " NAME("ns.nspname")) " FROM ns WHERE ns.nspname <> 'public'"
	" AND NOT (EXISTS (SELECT FROM ig WHERE ig.relnamespace = ns.oid)"
	"  AND NOT EXISTS (SELECT FROM rel WHERE rel.relnamespace = ns.oid)"
	"  AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = ns.oid))" },

/* --- tables ------------------------------------------------------------------------ */
{ 0, FACT("kind || ' ' || n") " FROM rel WHERE relkind IN ('r', 'p', 'f')" },
{ 0, FACT("kind || ' ' || n || ' unlogged'") " FROM rel WHERE relpersistence = 'u'" },
{ 0, "SELECT 'table ' || n || ' partition by ', pg_get_partkeydef(oid), 'e', NULL FROM rel WHERE relkind = 'p'" },
{ 0,
	"SELECT c.kind || ' ' || c.n || ' partition of ' || p.n || ' ', pg_get_expr(c.relpartbound, c.oid), 'e', NULL"
	" FROM rel c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN rel p ON p.oid = i.inhparent WHERE c.relispartition" },
{ 0,
	"SELECT c.kind || ' ' || c.n || ' inherits ' || string_agg(p.n, ', ' ORDER BY i.inhseqno), NULL, NULL, NULL"
	" FROM rel c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN rel p ON p.oid = i.inhparent WHERE NOT c.relispartition"
	" GROUP BY c.kind, c.n" },
{ 0, FACT("kind || ' ' || n || ' option ' || o") " FROM rel, unnest(reloptions) AS o" },
{ 0,
	FACT("rel.kind || ' ' || rel.n || ' option toast.' || o")
	" FROM rel JOIN pg_class t ON t.oid = rel.reltoastrelid, unnest(t.reloptions) AS o" },
{ 0,
	FACT("'table ' || n || ' of ' || " QUALIFIED("tn.nspname", "t.typname"))
	" FROM rel JOIN pg_type t ON t.oid = rel.reloftype JOIN pg_namespace tn ON tn.oid = t.typnamespace WHERE rel.reloftype <> 0" },
{ 0, FACT("'table ' || n || ' row security'") " FROM rel WHERE relrowsecurity" },
{ 0, FACT("'table ' || n || ' row security forced'") " FROM rel WHERE relforcerowsecurity" },
{ 0,
	FACT("kind || ' ' || n || ' using ' || " NAME("am.amname"))
	" FROM rel JOIN pg_am am ON am.oid = rel.relam WHERE am.amname <> 'heap'" },
{ 0,
	FACT("kind || ' ' || n || ' tablespace ' || " NAME("s.spcname"))
	" FROM rel JOIN pg_tablespace s ON s.oid = rel.reltablespace" },
{ 0,
	FACT("'table ' || n || ' replica identity ' || CASE relreplident WHEN 'f' THEN 'full' ELSE 'nothing' END")
	" FROM rel WHERE relreplident IN ('f', 'n') AND relkind IN ('r', 'p')" },
{ 0, FACT("'table ' || tn || ' replica identity index ' || n") " FROM ix WHERE indisreplident" },
{ 0, FACT("'table ' || tn || ' clustered on ' || n") " FROM ix WHERE indisclustered" },
{ 0,
	FACT("'foreign-table ' || rel.n || ' server ' || " NAME("s.srvname"))
	" FROM rel JOIN pg_foreign_table f ON f.ftrelid = rel.oid JOIN pg_foreign_server s ON s.oid = f.ftserver" },
{ 0,
	FACT("'foreign-table ' || rel.n || ' option ' || " OPTION("o"))
	" FROM rel JOIN pg_foreign_table f ON f.ftrelid = rel.oid, unnest(f.ftoptions) AS o" },

/* --- columns ----------------------------------------------------------------------- */
{ 0,
	"SELECT 'column ' || n || ' type ', format_type(atttypid, atttypmod), 't', NULL FROM col WHERE relkind IN ('r', 'p', 'f')" },
{ 0, FACT("'column ' || n || ' not null'") " FROM col WHERE attnotnull" },
{ 0,
	"SELECT 'column ' || n || CASE WHEN attgenerated = '' THEN ' default ' ELSE ' as ' END, pg_get_expr(d.adbin, d.adrelid),"
	" CASE WHEN attgenerated = '' THEN 's' ELSE 'p' END, NULL"
	" FROM col JOIN pg_attrdef d ON d.adrelid = col.attrelid AND d.adnum = col.attnum" },
{ 0,
	FACT("'column ' || n || CASE attgenerated WHEN 's' THEN ' generated stored' ELSE ' generated virtual' END")
	" FROM col WHERE attgenerated <> ''" },
{ 0,
	FACT("'column ' || n || CASE attidentity WHEN 'a' THEN ' identity always' ELSE ' identity by default' END")
	" FROM col WHERE attidentity <> ''" },
{ 0,
	FACT("'column ' || col.n || ' collate ' || " QUALIFIED("cn.nspname", "co.collname"))
	" FROM col JOIN pg_type t ON t.oid = col.atttypid JOIN pg_collation co ON co.oid = col.attcollation"
	" JOIN pg_namespace cn ON cn.oid = co.collnamespace"
	" WHERE col.attcollation <> t.typcollation AND col.relkind IN ('r', 'p', 'f')" },
{ 0,
	FACT("'column ' || n || ' storage ' || CASE attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'"
	     " WHEN 'm' THEN 'main' ELSE 'extended' END")
	" FROM col JOIN pg_type t ON t.oid = col.atttypid WHERE attstorage <> t.typstorage AND relkind IN ('r', 'p', 'f', 'm')" },
{ 140000,
	FACT("'column ' || n || ' compression ' || CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE a.attcompression::text END")
	" FROM col JOIN pg_attribute a ON a.attrelid = col.attrelid AND a.attnum = col.attnum WHERE a.attcompression <> ''" },
{ 0, FACT("'column ' || n || ' statistics ' || attstattarget") " FROM col WHERE attstattarget >= 0" },
{ 0, FACT("'column ' || n || ' option ' || o") " FROM col, " COLUMN_OPTIONS("attoptions") },
{ 0, FACT("'column ' || n || ' option ' || " OPTION("o")) " FROM col, unnest(attfdwoptions) AS o" },

/* --- constraints: what they do, in words that all databases share; then by name --------- */
{ 0, "SELECT 'constraint ' || n || ' ', pg_get_constraintdef(oid), 'e', NULL FROM con" },
{ 0,
	FACT("CASE contype WHEN 'p' THEN 'primary-key ' ELSE 'unique ' END || con.tn || ' ('"
	     " || " COLUMNS("conrelid", "con.conkey") " || ')' || CASE WHEN ix.nulls_same THEN ' nulls not distinct' ELSE '' END")
	" FROM con JOIN ix ON ix.indexrelid = con.conindid WHERE contype IN ('p', 'u')" },
{ 0,
	FACT("'foreign-key ' || con.tn || ' (' || " COLUMNS("con.conrelid", "con.conkey") " || ') references ' ||"
	     " COALESCE(p.n, con.confrelid::regclass::text) || ' (' || " COLUMNS("con.confrelid", "con.confkey") " || ')'"
	     " || CASE con.confmatchtype WHEN 'f' THEN ' match full' WHEN 'p' THEN ' match partial' ELSE '' END"
	     " || ' on update ' || CASE con.confupdtype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'"
	     " WHEN 'r' THEN 'restrict' ELSE 'no action' END"
	     " || ' on delete ' || CASE con.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'"
	     " WHEN 'r' THEN 'restrict' ELSE 'no action' END")
	" FROM con LEFT JOIN rel p ON p.oid = con.confrelid WHERE con.contype = 'f'" },
{ 0,
	FACT("'foreign-key ' || tn || CASE WHEN cardinality(conkey) = 1 THEN '.' || " COLUMNS("conrelid", "conkey")
	     " ELSE ' (' || " COLUMNS("conrelid", "conkey") " || ')' END || ' initially deferred'")
	" FROM con WHERE contype = 'f' AND condeferred" },
{ 0,
	"SELECT 'check ' || tn || ' ', pg_get_expr(conbin, conrelid), 'p', CASE WHEN connoinherit THEN ' no inherit' END"
	" FROM con WHERE contype = 'c'" },
{ 0, "SELECT 'exclude ' || tn || ' ', substr(pg_get_constraintdef(oid), 9), 'e', NULL FROM con WHERE contype = 'x'" },

/* --- indexes ----------------------------------------------------------------------- */
{ 0,
	"SELECT 'index ' || ix.n || ' on ' || tn || ' ', '(' || (SELECT string_agg(pg_get_indexdef(indexrelid, k, false)"
	"   || CASE WHEN indcollation[k - 1] NOT IN (0, COALESCE(a.attcollation, 0), 100)"
	"      THEN COALESCE((SELECT ' collate ' || " QUALIFIED("cn.nspname", "co.collname") " FROM pg_collation co"
	"       JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = indcollation[k - 1]), '') ELSE '' END"
	"   || CASE WHEN oc.opcdefault THEN '' ELSE ' ' || " QUALIFIED("ocn.nspname", "oc.opcname") " END"
	"   || CASE indoption[k - 1] & 3 WHEN 1 THEN ' desc nulls last' WHEN 2 THEN ' nulls first' WHEN 3 THEN ' desc' ELSE '' END,"
	"   ', ' ORDER BY k)"
	"  FROM generate_series(1, indnkeyatts) AS k"
	"  LEFT JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = indkey[k - 1] AND a.attnum > 0"
	"  JOIN pg_opclass oc ON oc.oid = indclass[k - 1] JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace) || ')'"
	" || CASE WHEN indnatts > indnkeyatts THEN ' include (' || (SELECT string_agg(pg_get_indexdef(indexrelid, k, false), ', ' ORDER BY k)"
	"  FROM generate_series(indnkeyatts + 1, indnatts) AS k) || ')' ELSE '' END"
	" || CASE WHEN am.amname = 'btree' THEN '' ELSE ' using ' || " NAME("am.amname") " END"
	" || CASE WHEN indisunique THEN ' unique' ELSE '' END"
	" || CASE WHEN nulls_same THEN ' nulls not distinct' ELSE '' END, 'w', pg_get_expr(indpred, indrelid)"
	" FROM ix JOIN pg_am am ON am.oid = ix.relam WHERE NOT is_con" },
/* What a class was told, as in (a gin_trgm_ops (siglen=32)). */
{ 0,
	FACT("'index ' || ix.n || ' column ' || a.attnum || ' option ' || o")
	" FROM ix JOIN pg_attribute a ON a.attrelid = ix.indexrelid, " COLUMN_OPTIONS("a.attoptions") },
{ 0,
	FACT("'index ' || ix.n || ' column ' || a.attnum || ' statistics ' || a.attstattarget")
	" FROM ix JOIN pg_attribute a ON a.attrelid = ix.indexrelid WHERE a.attstattarget >= 0" },
{ 0, FACT("'index ' || n || ' option ' || o") " FROM ix, unnest(reloptions) AS o" },
{ 0,
	FACT("'index ' || n || ' tablespace ' || " NAME("s.spcname")) " FROM ix JOIN pg_tablespace s ON s.oid = ix.reltablespace" },
{ 0, FACT("'index ' || n || ' invalid'") " FROM ix WHERE NOT indisvalid" },
{ 0,
	FACT("'index ' || c.n || ' partition of ' || p.n")
	" FROM pg_inherits i JOIN ix c ON c.indexrelid = i.inhrelid JOIN ix p ON p.indexrelid = i.inhparent" },

/* --- sequences --------------------------------------------------------------------- */
{ 0,
	FACT("'sequence ' || n || ' type ' || format_type(s.seqtypid, NULL) || ' start ' || seqstart || ' increment ' || seqincrement"
	     " || ' min ' || seqmin || ' max ' || seqmax || ' cache ' || seqcache || CASE WHEN seqcycle THEN ' cycle' ELSE '' END")
	" FROM rel JOIN pg_sequence s ON s.seqrelid = rel.oid" },
{ 0,
	FACT("'sequence ' || rel.n || ' owned by ' || col.n")
	" FROM rel JOIN own ON own.objid = rel.oid JOIN col ON col.attrelid = own.refobjid AND col.attnum = own.refobjsubid" },

/* --- views, rules ------------------------------------------------------------------- */
{ 0, "SELECT kind || ' ' || n || ' as ', rtrim(pg_get_viewdef(oid), '; '), 'e', NULL FROM rel WHERE relkind IN ('v', 'm')" },
{ 0,
	"SELECT 'rule ' || " NAME("r.rulename") " || ' on ' || rel.n || ' as ', pg_get_ruledef(r.oid), 'e', NULL"
	" FROM pg_rewrite r JOIN rel ON rel.oid = r.ev_class WHERE r.rulename <> '_RETURN'" },
{ 0,
	FACT("'rule ' || " NAME("r.rulename") " || ' on ' || rel.n || CASE r.ev_enabled WHEN 'D' THEN ' disabled' WHEN 'R' THEN ' replica' ELSE ' always' END")
	" FROM pg_rewrite r JOIN rel ON rel.oid = r.ev_class WHERE r.ev_enabled <> 'O'" },

/* --- functions, triggers -------------------------------------------------------------- */
{ 0, "SELECT kind || ' ' || n || ' as ', pg_get_functiondef(oid), 'e', NULL FROM fn WHERE prokind <> 'a'" },
{ 0,
	"SELECT 'aggregate ' || fn.n || ' as ', concat_ws(' ', 'sfunc', a.aggtransfn::regproc, 'stype', format_type(a.aggtranstype, NULL),"
	"  'sspace ' || NULLIF(a.aggtransspace, 0), 'initcond ' || quote_literal(a.agginitval),"
	"  CASE WHEN a.aggfinalfn <> 0 THEN 'finalfunc ' || a.aggfinalfn::regproc END, CASE WHEN a.aggfinalextra THEN 'finalfunc_extra' END,"
	"  CASE WHEN a.aggcombinefn <> 0 THEN 'combinefunc ' || a.aggcombinefn::regproc END,"
	"  CASE WHEN a.aggserialfn <> 0 THEN 'serialfunc ' || a.aggserialfn::regproc END,"
	"  CASE WHEN a.aggdeserialfn <> 0 THEN 'deserialfunc ' || a.aggdeserialfn::regproc END,"
	"  CASE WHEN a.aggmtransfn <> 0 THEN 'msfunc ' || a.aggmtransfn::regproc END,"
	"  CASE WHEN a.aggminvtransfn <> 0 THEN 'minvfunc ' || a.aggminvtransfn::regproc END,"
	"  CASE WHEN a.aggmfinalfn <> 0 THEN 'mfinalfunc ' || a.aggmfinalfn::regproc END,"
	"  CASE WHEN a.aggmtranstype <> 0 THEN 'mstype ' || format_type(a.aggmtranstype, NULL) END,"
	"  'minitcond ' || quote_literal(a.aggminitval), CASE WHEN a.aggsortop <> 0 THEN 'sortop ' || a.aggsortop::regoperator END,"
	"  CASE a.aggkind WHEN 'h' THEN 'hypothetical' WHEN 'o' THEN 'ordered' END,"
	"  CASE p.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' END), 'r', NULL"
	" FROM fn JOIN pg_aggregate a ON a.aggfnoid = fn.oid JOIN pg_proc p ON p.oid = fn.oid" },
{ 0,
	"SELECT 'trigger ' || " NAME("t.tgname") " || ' on ' || rel.n || ' as ', pg_get_triggerdef(t.oid), 'e', NULL"
	" FROM pg_trigger t JOIN rel ON rel.oid = t.tgrelid WHERE NOT t.tgisinternal"
	" AND COALESCE((to_jsonb(t) ->> 'tgparentid'), '0') = '0'" },
{ 0,
	FACT("'trigger ' || " NAME("t.tgname") " || ' on ' || rel.n || CASE t.tgenabled WHEN 'D' THEN ' disabled' WHEN 'R' THEN ' replica' ELSE ' always' END")
	" FROM pg_trigger t JOIN rel ON rel.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled <> 'O'"
	" AND COALESCE((to_jsonb(t) ->> 'tgparentid'), '0') = '0'" },
{ 0,
	FACT("'event-trigger ' || " NAME("e.evtname") " || ' on ' || e.evtevent"
	     " || COALESCE(' tags ' || (SELECT string_agg(g, ', ' ORDER BY g) FROM unnest(e.evttags) AS g), '')"
	     " || ' execute ' || e.evtfoid::regprocedure || CASE e.evtenabled WHEN 'D' THEN ' disabled' WHEN 'R' THEN ' replica'"
	     " WHEN 'A' THEN ' always' ELSE '' END")
	" FROM pg_event_trigger e WHERE " NOT_EXT("pg_event_trigger", "e.oid") },

/* --- types, domains -------------------------------------------------------------------- */
{ 0,
	FACT("'type ' || n || ' enum (' || COALESCE((SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)"
	     " FROM pg_enum WHERE enumtypid = typ.oid), '') || ')'")
	" FROM typ WHERE typtype = 'e'" },
{ 0,
	FACT("'type ' || typ.n || ' as (' || COALESCE((SELECT string_agg(" NAME("a.attname") " || ' ' || format_type(a.atttypid, a.atttypmod)"
	     "  || COALESCE((SELECT ' collate ' || " QUALIFIED("cn.nspname", "co.collname") " FROM pg_type bt, pg_collation co"
	     "   JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation AND bt.oid = a.atttypid"
	     "   AND bt.typcollation <> a.attcollation), ''), ', ' ORDER BY a.attnum)"
	     " FROM pg_attribute a WHERE a.attrelid = typ.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'")
	" FROM typ WHERE typtype = 'c'" },
{ 0,
	FACT("'type ' || typ.n || ' range (' || concat_ws(', ', 'subtype ' || format_type(r.rngsubtype, NULL),"
	     " CASE WHEN oc.opcdefault THEN NULL ELSE 'subtype_opclass ' || " NAME("oc.opcname") " END,"
	     " CASE WHEN r.rngcollation NOT IN (0, st.typcollation) THEN 'collation ' || r.rngcollation::regcollation END,"
	     " CASE WHEN r.rngcanonical <> 0 THEN 'canonical ' || r.rngcanonical::regproc END,"
	     " CASE WHEN r.rngsubdiff <> 0 THEN 'subtype_diff ' || r.rngsubdiff::regproc END) || ')'")
	" FROM typ JOIN pg_range r ON r.rngtypid = typ.oid JOIN pg_opclass oc ON oc.oid = r.rngsubopc"
	" JOIN pg_type st ON st.oid = r.rngsubtype WHERE typ.typtype = 'r'" },
{ 0,
	FACT("'type ' || n || ' base (input ' || typinput::regproc || ', output ' || typoutput::regproc || ', length ' || typlen || ')'")
	" FROM typ WHERE typtype = 'b'" },
{ 0, FACT("'type ' || n || ' shell'") " FROM typ WHERE typtype = 'p'" },
{ 0, "SELECT 'domain ' || n || ' type ', format_type(typbasetype, typtypmod), 't', NULL FROM typ WHERE typtype = 'd'" },
{ 0, FACT("'domain ' || n || ' not null'") " FROM typ WHERE typtype = 'd' AND typnotnull" },
{ 0, "SELECT 'domain ' || n || ' default ', pg_get_expr(typdefaultbin, 'pg_type'::regclass), 'e', NULL FROM typ"
	" WHERE typtype = 'd' AND typdefaultbin IS NOT NULL" },
{ 0,
	FACT("'domain ' || typ.n || ' collate ' || " QUALIFIED("cn.nspname", "co.collname"))
	" FROM typ JOIN pg_type b ON b.oid = typ.typbasetype JOIN pg_collation co ON co.oid = typ.typcollation"
	" JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE typ.typtype = 'd' AND typ.typcollation <> b.typcollation" },
{ 0,
	"SELECT 'domain ' || typ.n || ' constraint ' || " NAME("k.conname") " || ' ', pg_get_constraintdef(k.oid), 'e', NULL"
	" FROM typ JOIN pg_constraint k ON k.contypid = typ.oid WHERE k.contype = 'c'" },

/* --- extensions, policies ----------------------------------------------------------------- */
{ 0,
	FACT("'extension ' || " NAME("e.extname") " || ' schema ' || " NAME("n.nspname"))
	" FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace" },
{ 0,
	"SELECT 'policy ' || " NAME("p.polname") " || ' on ' || rel.n || CASE WHEN p.polpermissive THEN ' permissive' ELSE ' restrictive' END"
	" || ' for ' || CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END"
	" || ' to ' || (SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE " USER_NAME("o") " END, ', ' ORDER BY o = 0,"
	"  pg_get_userbyid(o)::text COLLATE \"C\") FROM unnest(p.polroles) AS o)"
	" || ' ', concat_ws(' ', 'using (' || pg_get_expr(p.polqual, p.polrelid) || ')', 'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),"
	" 'e', NULL FROM pg_policy p JOIN rel ON rel.oid = p.polrelid" },

/* --- replication, statistics, foreign data ---------------------------------------------- */
{ 0,
	FACT("'publication ' || " NAME("p.pubname") " || CASE WHEN p.puballtables THEN ' for all tables' ELSE '' END || ' publish '"
	     " || concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,"
	     " CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)"
	     " || CASE WHEN (to_jsonb(p) ->> 'pubviaroot')::boolean THEN ' via root' ELSE '' END")
	" FROM pg_publication p" },
{ 0,
	FACT("'publication ' || " NAME("p.pubname") " || ' table ' || rel.n")
	" FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN rel ON rel.oid = r.prrelid" },
{ 150000,
	FACT("'publication ' || " NAME("p.pubname") " || ' table ' || rel.n || ' (' || " COLUMNS("rel.oid", "r.prattrs::int2[]") " || ')'")
	" FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN rel ON rel.oid = r.prrelid WHERE r.prattrs IS NOT NULL" },
{ 150000,
	"SELECT 'publication ' || " NAME("p.pubname") " || ' table ' || rel.n, '', 'w', pg_get_expr(r.prqual, rel.oid)"
	" FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN rel ON rel.oid = r.prrelid WHERE r.prqual IS NOT NULL" },
{ 150000,
	FACT("'publication ' || " NAME("p.pubname") " || ' schema ' || " NAME("n.nspname"))
	" FROM pg_publication_namespace s JOIN pg_publication p ON p.oid = s.pnpubid JOIN pg_namespace n ON n.oid = s.pnnspid" },
{ 0,
	FACT("'subscription ' || " NAME("s.subname") " || ' publications ' || (SELECT string_agg(" NAME("b") ", ', ' ORDER BY b COLLATE \"C\")"
	     " FROM unnest(s.subpublications) AS b) || CASE WHEN s.subenabled THEN '' ELSE ' disabled' END")
	" FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())" },
{ 0,
	"SELECT 'statistics ' || ns.q || " NAME("s.stxname") " || ' as ', pg_get_statisticsobjdef(s.oid), 'e',"
	" CASE WHEN s.stxstattarget >= 0 THEN ' statistics ' || s.stxstattarget END"
	" FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace JOIN rel ON rel.oid = s.stxrelid"
	" WHERE " NOT_EXT("pg_statistic_ext", "s.oid") },
{ 0,
	FACT("'foreign-data-wrapper ' || " NAME("f.fdwname") " || CASE WHEN f.fdwhandler <> 0 THEN ' handler ' || f.fdwhandler::regproc ELSE '' END"
	     " || CASE WHEN f.fdwvalidator <> 0 THEN ' validator ' || f.fdwvalidator::regproc ELSE '' END")
	" FROM pg_foreign_data_wrapper f WHERE " NOT_EXT("pg_foreign_data_wrapper", "f.oid") },
{ 0,
	FACT("'foreign-data-wrapper ' || " NAME("f.fdwname") " || ' option ' || " OPTION("o"))
	" FROM pg_foreign_data_wrapper f, unnest(f.fdwoptions) AS o WHERE " NOT_EXT("pg_foreign_data_wrapper", "f.oid") },
{ 0,
	FACT("'server ' || " NAME("s.srvname") " || ' wrapper ' || " NAME("f.fdwname") " || COALESCE(' type ' || quote_literal(s.srvtype), '')"
	     " || COALESCE(' version ' || quote_literal(s.srvversion), '')")
	" FROM pg_foreign_server s JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw WHERE " NOT_EXT("pg_foreign_server", "s.oid") },
{ 0,
	FACT("'server ' || " NAME("s.srvname") " || ' option ' || " OPTION("o"))
	" FROM pg_foreign_server s, unnest(s.srvoptions) AS o WHERE " NOT_EXT("pg_foreign_server", "s.oid") },
/* Their options hold passwords. */
{ 0,
	FACT("'user-mapping ' || CASE WHEN u.umuser = 0 THEN 'PUBLIC' ELSE " USER_NAME("u.umuser") " END || ' server ' || " NAME("s.srvname"))
	" FROM pg_user_mappings u JOIN pg_foreign_server s ON s.oid = u.srvid" },

/* --- the rarer ones ------------------------------------------------------------------------ */
{ 0,
	FACT("'collation ' || ns.q || " NAME("c.collname") " || concat(' provider ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc'"
	     " WHEN 'b' THEN 'builtin' ELSE 'default' END, ' lc_collate ' || quote_literal(c.collcollate), ' lc_ctype ' || quote_literal(c.collctype),"
	     " ' locale ' || quote_literal(COALESCE(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale')),"
	     " CASE WHEN c.collisdeterministic THEN '' ELSE ' nondeterministic' END)")
	" FROM pg_collation c JOIN ns ON ns.oid = c.collnamespace WHERE " NOT_EXT("pg_collation", "c.oid") },
{ 0,
	FACT("'cast (' || format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL) || ')'"
	     " || CASE c.castmethod WHEN 'f' THEN ' with ' || c.castfunc::regprocedure WHEN 'i' THEN ' with inout' ELSE ' without function' END"
	     " || CASE c.castcontext WHEN 'a' THEN ' as assignment' WHEN 'i' THEN ' as implicit' ELSE '' END")
	" FROM pg_cast c WHERE c.oid >= 16384 AND " NOT_EXT("pg_cast", "c.oid") },
{ 0,
	FACT("'operator ' || ns.q || o.oprname || ' (' || concat_ws(', ', CASE WHEN o.oprleft = 0 THEN 'none' ELSE format_type(o.oprleft, NULL) END,"
	     " format_type(o.oprright, NULL)) || ') function ' || o.oprcode::regprocedure"
	     " || CASE WHEN o.oprcom <> 0 THEN ' commutator ' || o.oprcom::regoperator ELSE '' END"
	     " || CASE WHEN o.oprnegate <> 0 THEN ' negator ' || o.oprnegate::regoperator ELSE '' END"
	     " || CASE WHEN o.oprrest <> 0 THEN ' restrict ' || o.oprrest::regproc ELSE '' END"
	     " || CASE WHEN o.oprjoin <> 0 THEN ' join ' || o.oprjoin::regproc ELSE '' END"
	     " || CASE WHEN o.oprcanhash THEN ' hashes' ELSE '' END || CASE WHEN o.oprcanmerge THEN ' merges' ELSE '' END")
	" FROM pg_operator o JOIN ns ON ns.oid = o.oprnamespace WHERE o.oprcode <> 0 AND " NOT_EXT("pg_operator", "o.oid") },
{ 0,
	FACT("'operator-family ' || ns.q || " NAME("f.opfname") " || ' using ' || " NAME("am.amname"))
	" FROM pg_opfamily f JOIN ns ON ns.oid = f.opfnamespace JOIN pg_am am ON am.oid = f.opfmethod WHERE " NOT_EXT("pg_opfamily", "f.oid") },
{ 0,
	FACT("'operator-family ' || ns.q || " NAME("f.opfname") " || ' using ' || " NAME("am.amname") " || ' operator ' || a.amopstrategy || ' '"
	     " || a.amopopr::regoperator || CASE a.amoppurpose WHEN 'o' THEN ' for order by' ELSE '' END")
	" FROM pg_amop a JOIN pg_opfamily f ON f.oid = a.amopfamily JOIN ns ON ns.oid = f.opfnamespace JOIN pg_am am ON am.oid = f.opfmethod"
	" WHERE " NOT_EXT("pg_opfamily", "f.oid") },
{ 0,
	FACT("'operator-family ' || ns.q || " NAME("f.opfname") " || ' using ' || " NAME("am.amname") " || ' function ' || a.amprocnum || ' ('"
	     " || format_type(a.amproclefttype, NULL) || ', ' || format_type(a.amprocrighttype, NULL) || ') ' || a.amproc::regprocedure")
	" FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily JOIN ns ON ns.oid = f.opfnamespace JOIN pg_am am ON am.oid = f.opfmethod"
	" WHERE " NOT_EXT("pg_opfamily", "f.oid") },
{ 0,
	FACT("'operator-class ' || ns.q || " NAME("o.opcname") " || CASE WHEN o.opcdefault THEN ' default' ELSE '' END || ' for '"
	     " || format_type(o.opcintype, NULL) || ' using ' || " NAME("am.amname"))
	" FROM pg_opclass o JOIN ns ON ns.oid = o.opcnamespace JOIN pg_am am ON am.oid = o.opcmethod WHERE " NOT_EXT("pg_opclass", "o.oid") },
{ 0,
	FACT("'conversion ' || ns.q || " NAME("c.conname") " || ' for ' || pg_encoding_to_char(c.conforencoding) || ' to '"
	     " || pg_encoding_to_char(c.contoencoding) || ' from ' || c.conproc::regproc || CASE WHEN c.condefault THEN ' default' ELSE '' END")
	" FROM pg_conversion c JOIN ns ON ns.oid = c.connamespace WHERE " NOT_EXT("pg_conversion", "c.oid") },
{ 0,
	FACT("'text-search-configuration ' || ns.q || " NAME("c.cfgname") " || ' parser ' || " NAME("p.prsname"))
	" FROM pg_ts_config c JOIN ns ON ns.oid = c.cfgnamespace JOIN pg_ts_parser p ON p.oid = c.cfgparser WHERE " NOT_EXT("pg_ts_config", "c.oid") },
{ 0,
	FACT("'text-search-configuration ' || ns.q || " NAME("c.cfgname") " || ' token ' || (SELECT t.alias FROM ts_token_type(c.cfgparser) t"
	     " WHERE t.tokid = m.maptokentype) || ' dictionaries ' || string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno)")
	" FROM pg_ts_config c JOIN ns ON ns.oid = c.cfgnamespace JOIN pg_ts_config_map m ON m.mapcfg = c.oid"
	" WHERE " NOT_EXT("pg_ts_config", "c.oid") " GROUP BY ns.q, c.cfgname, c.cfgparser, m.maptokentype" },
{ 0,
	FACT("'text-search-dictionary ' || ns.q || " NAME("d.dictname") " || ' template ' || " NAME("t.tmplname") " || COALESCE(' ' || d.dictinitoption, '')")
	" FROM pg_ts_dict d JOIN ns ON ns.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate WHERE " NOT_EXT("pg_ts_dict", "d.oid") },
{ 0,
	FACT("'language ' || " NAME("l.lanname") " || CASE WHEN l.lanpltrusted THEN ' trusted' ELSE '' END")
	" FROM pg_language l WHERE l.oid >= 16384 AND " NOT_EXT("pg_language", "l.oid") },

/* --- owners, grants ---------------------------------------------------------------------------- */
{ 0,
	FACT("'owner ' || o.what || ' ' || " USER_NAME("o.owner"))
	" FROM (SELECT 'schema ' || " NAME("nspname") ", nspowner FROM ns WHERE NOT EXISTS (SELECT FROM ig WHERE ig.relnamespace = ns.oid) OR nspname = 'public'"
	" UNION ALL SELECT kind || ' ' || n, relowner FROM rel WHERE oid NOT IN (SELECT objid FROM own) AND relkind <> 'c'"
	" UNION ALL SELECT kind || ' ' || n, typowner FROM typ"
	" UNION ALL SELECT kind || ' ' || n, proowner FROM fn"
	" UNION ALL SELECT 'publication ' || " NAME("pubname") ", pubowner FROM pg_publication"
	" UNION ALL SELECT 'event-trigger ' || " NAME("evtname") ", evtowner FROM pg_event_trigger e WHERE " NOT_EXT("pg_event_trigger", "e.oid")
	" UNION ALL SELECT 'server ' || " NAME("srvname") ", srvowner FROM pg_foreign_server s WHERE " NOT_EXT("pg_foreign_server", "s.oid")
	" UNION ALL SELECT 'statistics ' || ns.q || " NAME("stxname") ", stxowner FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace"
	"  JOIN rel ON rel.oid = s.stxrelid"
	" UNION ALL SELECT 'collation ' || ns.q || " NAME("collname") ", collowner FROM pg_collation c JOIN ns ON ns.oid = c.collnamespace"
	"  WHERE " NOT_EXT("pg_collation", "c.oid") ") AS o(what, owner)" },
/* Against what an object has when nothing was ever granted on it. */
{ 0,
	FACT("x.word || lower(x.privilege_type) || ' on ' || x.what || x.prep || CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE " USER_NAME("x.grantee") " END"
	     " || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END")
	" FROM (SELECT kind || ' ' || n AS what, relacl AS acl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner) AS def FROM rel"
	"  UNION ALL SELECT 'column ' || n, attacl, NULL::aclitem[] FROM col"
	"  UNION ALL SELECT 'schema ' || " NAME("nspname") ", nspacl, acldefault('n', nspowner) FROM ns"
	"  UNION ALL SELECT kind || ' ' || n, proacl, acldefault('f', proowner) FROM fn"
	"  UNION ALL SELECT kind || ' ' || n, typacl, acldefault('T', typowner) FROM typ"
	"  UNION ALL SELECT 'server ' || " NAME("srvname") ", srvacl, acldefault('S', srvowner) FROM pg_foreign_server s WHERE " NOT_EXT("pg_foreign_server", "s.oid")
	"  UNION ALL SELECT 'foreign-data-wrapper ' || " NAME("fdwname") ", fdwacl, acldefault('F', fdwowner) FROM pg_foreign_data_wrapper f"
	"   WHERE " NOT_EXT("pg_foreign_data_wrapper", "f.oid")
	" ) AS o, LATERAL (SELECT 'grant ' AS word, ' to ' AS prep, o.what, g.* FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode(o.acl)"
	"   EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(o.def)) AS g"
	"  UNION ALL SELECT 'revoke ', ' from ', o.what, g.grantee, g.privilege_type, false FROM (SELECT grantee, privilege_type FROM aclexplode(o.def)"
	"   EXCEPT SELECT grantee, privilege_type FROM aclexplode(o.acl)) AS g) AS x WHERE o.acl IS NOT NULL" },
{ 0,
	FACT("'default-privileges for ' || " USER_NAME("d.defaclrole") " || COALESCE(' in schema ' || " NAME("n.nspname") ", '') || ' ' || x.word"
	     " || lower(x.privilege_type) || ' on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'"
	     " WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END || x.prep"
	     " || CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE " USER_NAME("x.grantee") " END || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END")
	" FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,"
	" LATERAL (SELECT CASE WHEN d.defaclnamespace <> 0 THEN NULL::aclitem[]"
	"  ELSE acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END AS def) AS b,"
	" LATERAL (SELECT 'grant ' AS word, ' to ' AS prep, g.* FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode(d.defaclacl)"
	"   EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(b.def)) AS g"
	"  UNION ALL SELECT 'revoke ', ' from ', g.grantee, g.privilege_type, false FROM (SELECT grantee, privilege_type FROM aclexplode(b.def)"
	"   EXCEPT SELECT grantee, privilege_type FROM aclexplode(d.defaclacl)) AS g) AS x" },

/* --- comments: of what was made here (the system's own oids end at 16383) -------------------------- */
{ 0,
	FACT("'comment on ' || replace(regexp_replace(i.type, '^.* (column|constraint)$', E'\\\\1'), ' ', '-') || ' ' || regexp_replace(i.identity, '(^|[ (,])public[.]', E'\\\\1', 'g') || ' is '"
	     " || quote_literal(d.description)")
	" FROM pg_description d, LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i"
	" WHERE d.objoid >= 16384 AND NOT EXISTS (SELECT FROM ext WHERE ext.classid = d.classoid AND ext.objid = d.objoid)"
	" AND NOT (d.classoid = 'pg_class'::regclass AND d.objoid IN (SELECT oid FROM ig)) AND d.classoid <> 'pg_extension'::regclass"
	" AND i.identity IS NOT NULL" },
{ 0,
	FACT("'comment on schema public is ' || quote_literal(d.description)")
	" FROM pg_description d JOIN ns ON ns.oid = d.objoid WHERE d.classoid = 'pg_namespace'::regclass AND ns.nspname = 'public'"
	" AND d.objoid < 16384 AND d.description <> 'standard public schema'" },
};
const size_t pg_snapshot_n_part = sizeof pg_snapshot_parts / sizeof *pg_snapshot_parts;
