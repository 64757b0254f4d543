/*
 * mock_dialect.c - the mock's SQL: SQLite's, with COPY and SET beside it so that
 * tests meet data and sessions.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mock.h"

static const char *const aliases[] = { "fake", NULL };

static const struct dunlin_rule rules[] = {
	{ "CREATE TEMP|TEMPORARY", DUNLIN_ST_SESSION },
	{ "CREATE|DROP|ALTER", DUNLIN_ST_DDL },
	{ "VACUUM", DUNLIN_ST_NO_TX | DUNLIN_ST_REPEATABLE },
	{ "COPY", DUNLIN_ST_COPY },
	{ "SET", DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE },
	{ "PRAGMA FOREIGN_KEYS", DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE | DUNLIN_ST_EDGE },
	{ "PRAGMA", DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE },
	{ "BEGIN", DUNLIN_ST_BEGIN },
	{ "ROLLBACK TO", DUNLIN_ST_SAVEPOINT },
	{ "ROLLBACK TRANSACTION TO", DUNLIN_ST_SAVEPOINT },
	{ "SAVEPOINT|RELEASE", DUNLIN_ST_SAVEPOINT },
	{ "COMMIT|END", DUNLIN_ST_COMMIT | DUNLIN_ST_COMMITS },
	{ "ROLLBACK", DUNLIN_ST_ROLLBACK | DUNLIN_ST_COMMITS },
	{ "INSERT|UPDATE|DELETE|REPLACE", DUNLIN_ST_DML },
	{ NULL, 0 },
};

static const struct dunlin_word vocabulary[] = {
	{ "pk", "INTEGER PRIMARY KEY" }, { "bool", "BOOLEAN" }, { "true", "1" }, { "false", "0" },
	{ "int64", "INTEGER" }, { "float64", "REAL" }, { "text", "TEXT" }, { "varchar", "VARCHAR(%s)" },
	{ "blob", "BLOB" }, { "json", "TEXT" }, { "uuid", "TEXT" }, { "timestamp", "TEXT" },
	{ "now", "dunlin_now()" }, { NULL, NULL },
};

static const char *const ledger_ddl[] = {
	"CREATE TABLE %M (component TEXT NOT NULL, version TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, "
	"state TEXT NOT NULL, direction TEXT NOT NULL, batch INTEGER NOT NULL, apply_order INTEGER NOT NULL, "
	"checksum TEXT, statements_checksum TEXT, statements_done INTEGER, statements_total INTEGER, intent TEXT, "
	"applied_at TEXT, execution_ms INTEGER, applied_by TEXT, run_id TEXT, seq INTEGER, tool_version TEXT, "
	"error_class TEXT, error_message TEXT, down_sql TEXT, PRIMARY KEY (component, version))",
	"CREATE TABLE %E (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, seq INTEGER NOT NULL, "
	"component TEXT NOT NULL, version TEXT NOT NULL, event TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL, "
	"detail TEXT NOT NULL, UNIQUE (run_id, seq))",
	NULL,
};

const struct dunlin_dialect mock_dialect = {
	.struct_size = sizeof mock_dialect,
	.lex = DUNLIN_LEX_BACKTICK | DUNLIN_LEX_BRACKET | DUNLIN_LEX_TRIGGER_END | DUNLIN_LEX_COPY_STDIN,
	.name = "mock",
	.aliases = aliases,
	.rules = rules,
	.vocabulary = vocabulary,
	.quote_open = '"',
	.quote_close = '"',
	.param_style = DUNLIN_PARAM_QUESTION,
	.concat_style = DUNLIN_CONCAT_PIPES,
	.ledger_ddl = ledger_ddl,
	.ledger_exists = "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (%m, %e)",
	.foreign_tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN (%m, %e) "
	                  "AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name",
	.now = "dunlin_now()",
	.elapsed_ms = "dunlin_elapsed_ms()",
	.probe_set = "REPLACE INTO temp.mock_evidence VALUES (1, (%s))",
	.probe_get = "(SELECT answer FROM temp.mock_evidence)",
	.row_ms = "dunlin_elapsed_ms()",
};
