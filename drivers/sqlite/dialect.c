/*
 * dialect.c - SQLite as data.
 *
 * What fails or does nothing inside a transaction was tried on SQLite 3.40.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <dunlin/dialect.h>

extern const struct dunlin_dialect dunlin_dialect_sqlite;

#define DDL       DUNLIN_ST_DDL
#define NO_TX     DUNLIN_ST_NO_TX
#define COMMITS   DUNLIN_ST_COMMITS
#define SESSION   DUNLIN_ST_SESSION
#define PREAMBLE  DUNLIN_ST_PREAMBLE
#define TWICE     DUNLIN_ST_REPEATABLE
#define SAVEPOINT DUNLIN_ST_SAVEPOINT

static const char *const aliases[] = { "sqlite3", "libsql", "litesql", NULL };

static const struct dunlin_rule rules[] = {
	{ "INSERT|UPDATE|DELETE|REPLACE", DUNLIN_ST_DML },

	/* Transaction control */
	{ "BEGIN", DUNLIN_ST_BEGIN },
	{ "COMMIT|END", DUNLIN_ST_COMMIT | COMMITS },
	{ "ROLLBACK TO", SAVEPOINT },
	{ "ROLLBACK TRANSACTION TO", SAVEPOINT },
	{ "ROLLBACK", DUNLIN_ST_ROLLBACK | COMMITS },
	{ "SAVEPOINT|RELEASE", SAVEPOINT },

	/* PRAGMAs, with and without a schema before the name.  Without a value
	 * they ask. */
	{ "PRAGMA FOREIGN_KEYS =|(", SESSION | PREAMBLE | TWICE | DUNLIN_ST_EDGE },
	{ "PRAGMA ? FOREIGN_KEYS =|(", SESSION | PREAMBLE | TWICE | DUNLIN_ST_EDGE },
	/* refused, or in vain, inside a transaction */
	{ "PRAGMA JOURNAL_MODE|SYNCHRONOUS =|(", NO_TX | SESSION | PREAMBLE | TWICE },
	{ "PRAGMA ? JOURNAL_MODE|SYNCHRONOUS =|(", NO_TX | SESSION | PREAMBLE | TWICE },
	{ "PRAGMA WAL_CHECKPOINT", NO_TX | PREAMBLE | TWICE },
	{ "PRAGMA ? WAL_CHECKPOINT", NO_TX | PREAMBLE | TWICE },
	/* kept in the file, and rolled back with it */
	{ "PRAGMA USER_VERSION|APPLICATION_ID|SCHEMA_VERSION", PREAMBLE | TWICE },
	{ "PRAGMA ? USER_VERSION|APPLICATION_ID|SCHEMA_VERSION", PREAMBLE | TWICE },
	/* ends with the transaction by itself */
	{ "PRAGMA DEFER_FOREIGN_KEYS", PREAMBLE | TWICE },
	{ "PRAGMA FOREIGN_KEY_CHECK|FOREIGN_KEY_LIST|INTEGRITY_CHECK|QUICK_CHECK|TABLE_INFO|TABLE_XINFO|"
	  "TABLE_LIST|INDEX_LIST|INDEX_INFO|INDEX_XINFO|DATABASE_LIST|COLLATION_LIST|COMPILE_OPTIONS",
	  PREAMBLE | TWICE },
	{ "PRAGMA OPTIMIZE|INCREMENTAL_VACUUM", PREAMBLE | TWICE },
	{ "PRAGMA", SESSION | PREAMBLE | TWICE },

	{ "VACUUM INTO", NO_TX }, /* fails when the file is there */
	{ "VACUUM ? INTO", NO_TX },
	{ "VACUUM", NO_TX | TWICE },
	{ "ATTACH|DETACH", NO_TX | SESSION },
	{ "ANALYZE", TWICE },
	{ "REINDEX", DDL | TWICE },

	{ "CREATE TEMP|TEMPORARY ? IF NOT EXISTS", SESSION | TWICE },
	{ "CREATE TEMP|TEMPORARY", SESSION },
	{ "CREATE ? IF NOT EXISTS", DDL | TWICE },
	{ "CREATE UNIQUE|VIRTUAL ? IF NOT EXISTS", DDL | TWICE },
	{ "DROP ? IF EXISTS", DDL | TWICE },
	{ "CREATE|ALTER|DROP", DDL },
	{ NULL, 0 }
};

static const struct dunlin_word vocabulary[] = {
	{ "pk", "INTEGER PRIMARY KEY" },
	{ "bool", "boolean" },
	{ "true", "1" },
	{ "false", "0" },
	{ "int64", "integer" },
	{ "float64", "real" },
	{ "text", "text" },
	{ "varchar", "varchar(%s)" },
	{ "blob", "blob" },
	{ "json", "text" },
	{ "uuid", "text" },
	{ "timestamp", "timestamp" },
	{ "now", "CURRENT_TIMESTAMP" },
	{ NULL, NULL }
};

static const char *const ledger_ddl[] = {
	"CREATE TABLE %M (\n"
	"  component TEXT NOT NULL,\n"
	"  version TEXT NOT NULL,\n"
	"  name TEXT NOT NULL,\n"
	"  kind TEXT NOT NULL,\n"
	"  state TEXT NOT NULL,\n"
	"  direction TEXT NOT NULL,\n"
	"  batch INTEGER NOT NULL,\n"
	"  apply_order INTEGER,\n"
	"  checksum TEXT,\n"
	"  statements_checksum TEXT,\n"
	"  statements_done INTEGER,\n"
	"  statements_total INTEGER,\n"
	"  intent TEXT,\n"
	"  applied_at TEXT,\n"
	"  execution_ms INTEGER,\n"
	"  applied_by TEXT,\n"
	"  run_id TEXT,\n"
	"  seq INTEGER,\n"
	"  tool_version TEXT,\n"
	"  error_class TEXT,\n"
	"  error_message TEXT,\n"
	"  down_sql TEXT,\n"
	"  PRIMARY KEY (component, version)\n"
	")",
	"CREATE TABLE %E (\n"
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"  run_id TEXT NOT NULL,\n"
	"  seq INTEGER NOT NULL,\n"
	"  component TEXT NOT NULL,\n"
	"  version TEXT NOT NULL,\n"
	"  event TEXT NOT NULL,\n"
	"  at TEXT NOT NULL,\n"
	"  actor TEXT NOT NULL,\n"
	"  detail TEXT NOT NULL,\n"
	"  UNIQUE (run_id, seq)\n"
	")",
	NULL
};

const struct dunlin_dialect dunlin_dialect_sqlite = {
	.struct_size = sizeof(struct dunlin_dialect),
	.lex = DUNLIN_LEX_BACKTICK | DUNLIN_LEX_BRACKET | DUNLIN_LEX_TRIGGER_END | DUNLIN_LEX_DOT_COMMAND |
	       DUNLIN_LEX_OPEN_COMMENT,
	.name = "sqlite",
	.aliases = aliases,
	.rules = rules,
	.vocabulary = vocabulary,
	.quote_open = '"',
	.quote_close = '"',
	.param_style = DUNLIN_PARAM_QUESTION,
	.concat_style = DUNLIN_CONCAT_PIPES,
	.default_schema = "main",
	.ledger_ddl = ledger_ddl,
	/* Names of tables compare without case. */
	.ledger_exists = "SELECT 1 FROM main.sqlite_master WHERE type = 'table' "
	                 "AND (name = %m COLLATE NOCASE OR name = %e COLLATE NOCASE)",
	.foreign_tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' "
	                  "AND name <> %m COLLATE NOCASE AND name <> %e COLLATE NOCASE ORDER BY name",
	/* 'now' is one moment for a whole statement; %f is SS.SSS. */
	.now = "date('now') || 'T' || time('now') || substr(strftime('%f', 'now'), 3) || 'Z'",
	.elapsed_ms = "dunlin_elapsed_ms()", /* a function that the driver adds */
};
