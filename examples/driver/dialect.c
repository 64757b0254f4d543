/*
 * dialect.c - SQLite's SQL as data: how its files are split, which statements
 * may stand in a transaction, its words for the portable vocabulary, its ledger.
 */
#include "odbc_driver.h"

#define SESSION  DUNLIN_ST_SESSION
#define PREAMBLE DUNLIN_ST_PREAMBLE
#define TWICE    DUNLIN_ST_REPEATABLE

/* The first that matches decides: the particular before the general. */
static const struct dunlin_rule rules[] = {
	{ "INSERT|UPDATE|DELETE|REPLACE", DUNLIN_ST_DML },
	{ "BEGIN", DUNLIN_ST_BEGIN },
	{ "COMMIT|END", DUNLIN_ST_COMMIT | DUNLIN_ST_COMMITS },
	{ "ROLLBACK TO", DUNLIN_ST_SAVEPOINT },
	{ "ROLLBACK TRANSACTION TO", DUNLIN_ST_SAVEPOINT },
	{ "ROLLBACK", DUNLIN_ST_ROLLBACK | DUNLIN_ST_COMMITS },
	{ "SAVEPOINT|RELEASE", DUNLIN_ST_SAVEPOINT },
	/* without effect inside a transaction, though nobody says so */
	{ "PRAGMA FOREIGN_KEYS =|(", SESSION | PREAMBLE | TWICE | DUNLIN_ST_EDGE },
	{ "PRAGMA JOURNAL_MODE|SYNCHRONOUS =|(", DUNLIN_ST_NO_TX | SESSION | PREAMBLE | TWICE },
	{ "PRAGMA WAL_CHECKPOINT", DUNLIN_ST_NO_TX | PREAMBLE | TWICE },
	/* in the file, and rolled back with it */
	{ "PRAGMA USER_VERSION|APPLICATION_ID", PREAMBLE | TWICE },
	{ "PRAGMA", SESSION | PREAMBLE | TWICE },
	{ "VACUUM INTO", DUNLIN_ST_NO_TX },
	{ "VACUUM", DUNLIN_ST_NO_TX | TWICE },
	{ "ATTACH|DETACH", DUNLIN_ST_NO_TX | SESSION },
	{ "ANALYZE", TWICE },
	{ "REINDEX", DUNLIN_ST_DDL | TWICE },
	{ "CREATE TEMP|TEMPORARY", SESSION },
	{ "CREATE ? IF NOT EXISTS", DUNLIN_ST_DDL | TWICE },
	{ "CREATE UNIQUE|VIRTUAL ? IF NOT EXISTS", DUNLIN_ST_DDL | TWICE },
	{ "DROP ? IF EXISTS", DUNLIN_ST_DDL | TWICE },
	{ "CREATE|ALTER|DROP", DUNLIN_ST_DDL },
	{ NULL, 0 }
};

static const struct dunlin_word vocabulary[] = {
	{ "pk", "INTEGER PRIMARY KEY" }, { "bool", "boolean" }, { "true", "1" }, { "false", "0" },
	{ "int64", "integer" }, { "float64", "real" }, { "text", "text" }, { "varchar", "varchar(%s)" },
	{ "blob", "blob" }, { "json", "text" }, { "uuid", "text" }, { "timestamp", "timestamp" },
	{ "now", "CURRENT_TIMESTAMP" }, { NULL, NULL }
};

/* Names and order of the columns are the core's; the types are ours. */
static const char *const ledger_ddl[] = {
	"CREATE TABLE %M (component TEXT NOT NULL, version TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,"
	" state TEXT NOT NULL, direction TEXT NOT NULL, batch INTEGER NOT NULL, apply_order INTEGER, checksum TEXT,"
	" statements_checksum TEXT, statements_done INTEGER, statements_total INTEGER, intent TEXT, applied_at TEXT,"
	" execution_ms INTEGER, applied_by TEXT, run_id TEXT, seq INTEGER, tool_version TEXT, error_class TEXT,"
	" error_message TEXT, down_sql TEXT, PRIMARY KEY (component, version))",
	"CREATE TABLE %E (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, seq INTEGER NOT NULL,"
	" component TEXT NOT NULL, version TEXT NOT NULL, event TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL,"
	" detail TEXT NOT NULL, UNIQUE (run_id, seq))",
	NULL
};

const struct dunlin_dialect odbc_dialect = {
	.struct_size = sizeof(struct dunlin_dialect),
	.lex = DUNLIN_LEX_BACKTICK | DUNLIN_LEX_BRACKET | DUNLIN_LEX_TRIGGER_END | DUNLIN_LEX_DOT_COMMAND |
	       DUNLIN_LEX_OPEN_COMMENT,
	.name = "odbc",
	.rules = rules,
	.vocabulary = vocabulary,
	.quote_open = '"',
	.quote_close = '"',
	.param_style = DUNLIN_PARAM_QUESTION,
	.concat_style = DUNLIN_CONCAT_PIPES,
	.default_schema = "main",
	.ledger_ddl = ledger_ddl,
	.ledger_exists = "SELECT 1 FROM main.sqlite_master WHERE type = 'table'"
	                 " AND (name = %m COLLATE NOCASE OR name = %e COLLATE NOCASE)",
	.foreign_tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
	                  " AND name <> %m COLLATE NOCASE AND name <> %e COLLATE NOCASE ORDER BY name",
	/* Not one strftime(): %m and %M would be filled in like those above.  %f is SS.SSS. */
	.now = "date('now') || 'T' || time('now') || substr(strftime('%f', 'now'), 3) || 'Z'",
	.elapsed_ms = "coalesce((SELECT max(0, CAST(round((julianday('now') - at) * 86400000) AS integer))"
	              " FROM temp.dunlin_clock), 0)",
	.row_ms = "coalesce(max(0, CAST(round((julianday('now') - julianday(applied_at)) * 86400000) AS integer)), 0)",
};
