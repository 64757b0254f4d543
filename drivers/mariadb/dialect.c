/*
 * dialect.c - MariaDB as data.
 *
 * What commits the open transaction was tried on MariaDB 10.11, each statement
 * between BEGIN; INSERT and ROLLBACK.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <dunlin/dialect.h>

extern const struct dunlin_dialect dunlin_dialect_mariadb;

#define COMMITS   DUNLIN_ST_COMMITS
#define DDL       (DUNLIN_ST_DDL | DUNLIN_ST_COMMITS)
#define SESSION   DUNLIN_ST_SESSION
#define PREAMBLE  DUNLIN_ST_PREAMBLE
#define TWICE     DUNLIN_ST_REPEATABLE
#define SAVEPOINT DUNLIN_ST_SAVEPOINT
#define TX_OTHER  DUNLIN_ST_TX_OTHER

static const char *const aliases[] = { "mysql", "maria", "percona", NULL };

static const struct dunlin_rule rules[] = {
	{ "INSERT|UPDATE|DELETE|REPLACE", DUNLIN_ST_DML },

	/* Transaction control.  AND NO CHAIN and NO RELEASE are the default. */
	{ "BEGIN NOT ATOMIC", 0 },
	{ "BEGIN", DUNLIN_ST_BEGIN | COMMITS },
	{ "START TRANSACTION", DUNLIN_ST_BEGIN | COMMITS },
	{ "ROLLBACK TO", SAVEPOINT },
	{ "ROLLBACK WORK TO", SAVEPOINT },
	{ "COMMIT|ROLLBACK AND CHAIN", TX_OTHER | COMMITS },
	{ "COMMIT|ROLLBACK WORK AND CHAIN", TX_OTHER | COMMITS },
	{ "COMMIT|ROLLBACK RELEASE", TX_OTHER | COMMITS },
	{ "COMMIT|ROLLBACK WORK RELEASE", TX_OTHER | COMMITS },
	{ "COMMIT|ROLLBACK AND NO CHAIN RELEASE", TX_OTHER | COMMITS },
	{ "COMMIT|ROLLBACK WORK AND NO CHAIN RELEASE", TX_OTHER | COMMITS },
	{ "COMMIT", DUNLIN_ST_COMMIT | COMMITS },
	{ "ROLLBACK", DUNLIN_ST_ROLLBACK | COMMITS },
	{ "SAVEPOINT", SAVEPOINT },
	{ "RELEASE SAVEPOINT", SAVEPOINT },
	{ "XA", TX_OTHER },

	/* SET, to all of which a list may belong */
	{ "SET AUTOCOMMIT", TX_OTHER },
	{ "SET SESSION|LOCAL AUTOCOMMIT", TX_OTHER },
	{ "SET * , AUTOCOMMIT", TX_OTHER },
	{ "SET * , SESSION|LOCAL AUTOCOMMIT", TX_OTHER },
	{ "SET TRANSACTION", TX_OTHER },
	{ "SET PASSWORD", DDL },
	{ "SET DEFAULT ROLE", DDL },
	{ "SET STATEMENT * FOR INSERT|UPDATE|DELETE|REPLACE", DUNLIN_ST_DML },
	{ "SET STATEMENT * FOR CREATE|DROP TEMPORARY", SESSION },
	{ "SET STATEMENT * FOR CREATE|ALTER|DROP|RENAME|TRUNCATE|GRANT|REVOKE", DDL },
	{ "SET STATEMENT * FOR ANALYZE|OPTIMIZE|CHECK|REPAIR", COMMITS | TWICE },
	{ "SET STATEMENT", 0 },
	{ "SET GLOBAL", PREAMBLE | TWICE },
	{ "SET", SESSION | PREAMBLE | TWICE },
	{ "USE", SESSION | PREAMBLE | TWICE },
	{ "PREPARE|DEALLOCATE", SESSION },
	{ "DROP PREPARE", SESSION },
	{ "HANDLER", SESSION },
	{ "SELECT|DO * RELEASE_ALL_LOCKS (", SESSION | DUNLIN_ST_LOSES_LOCK },

	/* Commit without changing the schema */
	{ "LOCK TABLE|TABLES", COMMITS | SESSION },
	{ "UNLOCK TABLE|TABLES", COMMITS | SESSION }, /* where tables are locked */
	{ "ANALYZE|OPTIMIZE|REPAIR LOCAL|NO_WRITE_TO_BINLOG TABLE|TABLES", COMMITS | TWICE },
	{ "ANALYZE|OPTIMIZE|CHECK|REPAIR TABLE|TABLES", COMMITS | TWICE },
	{ "CHECK|REPAIR VIEW", COMMITS | TWICE },
	{ "FLUSH * WITH READ LOCK", COMMITS | SESSION },
	{ "FLUSH * FOR EXPORT", COMMITS | SESSION },
	{ "FLUSH", COMMITS | TWICE },
	{ "RESET", COMMITS },
	{ "INSTALL|UNINSTALL", COMMITS },
	{ "BACKUP", COMMITS | SESSION },

	/* The schema */
	{ "CREATE|DROP TEMPORARY", SESSION },
	{ "CREATE OR REPLACE TEMPORARY", SESSION | TWICE },
	{ "CREATE OR REPLACE", DDL | TWICE },
	{ "CREATE ? IF NOT EXISTS", DDL | TWICE },
	{ "CREATE UNIQUE|FULLTEXT|SPATIAL|AGGREGATE|PACKAGE ? IF NOT EXISTS", DDL | TWICE },
	{ "DROP ? IF EXISTS", DDL | TWICE },
	{ "DROP PACKAGE BODY IF EXISTS", DDL | TWICE },
	{ "GRANT", DDL | TWICE },
	{ "CREATE|ALTER|DROP|RENAME|TRUNCATE|REVOKE", DDL },
	{ NULL, 0 }
};

static const struct dunlin_word vocabulary[] = {
	{ "pk", "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY" },
	{ "bool", "boolean" },
	{ "true", "true" },
	{ "false", "false" },
	{ "int64", "bigint" },
	{ "float64", "double" },
	{ "text", "longtext" },
	{ "varchar", "varchar(%s)" },
	{ "blob", "longblob" },
	{ "json", "json" },
	{ "uuid", "uuid" },
	{ "timestamp", "datetime(6)" },
	{ "now", "CURRENT_TIMESTAMP(6)" },
	{ NULL, NULL }
};

/* utf8mb4_nopad_bin: bytes, and trailing spaces count.  The keys' lengths fit
 * InnoDB's 3072 bytes. */
#define BYTEWISE " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

static const char *const ledger_ddl[] = {
	/* IF NOT EXISTS asks for the right to create one before it looks. */
	"BEGIN NOT ATOMIC IF NOT %s IN ('', (SELECT coalesce(max(schema_name), '') FROM information_schema.schemata"
	" WHERE schema_name = %s)) THEN CREATE DATABASE %S; END IF; END",
	"CREATE TABLE %M (\n"
	"  component varchar(128)" BYTEWISE " NOT NULL,\n"
	"  version varchar(255)" BYTEWISE " NOT NULL,\n"
	"  name text NOT NULL,\n"
	"  kind varchar(32) NOT NULL,\n"
	"  state varchar(32) NOT NULL,\n"
	"  direction varchar(8) NOT NULL,\n"
	"  batch bigint NOT NULL,\n"
	"  apply_order bigint,\n"
	"  checksum varchar(128),\n"
	"  statements_checksum varchar(128),\n"
	"  statements_done bigint,\n"
	"  statements_total bigint,\n"
	"  intent longtext,\n"
	"  applied_at varchar(32),\n"
	"  execution_ms bigint,\n"
	"  applied_by text,\n"
	"  run_id varchar(64),\n"
	"  seq bigint,\n"
	"  tool_version varchar(64),\n"
	"  error_class varchar(32),\n"
	"  error_message longtext,\n"
	"  down_sql longtext,\n"
	"  PRIMARY KEY (component, version)\n"
	") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
	"CREATE TABLE %E (\n"
	"  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,\n"
	"  run_id varchar(64)" BYTEWISE " NOT NULL,\n"
	"  seq bigint NOT NULL,\n"
	"  component varchar(128) NOT NULL,\n"
	"  version varchar(255) NOT NULL,\n"
	"  event varchar(64) NOT NULL,\n"
	"  at varchar(32) NOT NULL,\n"
	"  actor text NOT NULL,\n"
	"  detail longtext NOT NULL,\n"
	"  UNIQUE (run_id, seq)\n"
	") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
	NULL
};

const struct dunlin_dialect dunlin_dialect_mariadb = {
	.struct_size = sizeof(struct dunlin_dialect),
	.lex = DUNLIN_LEX_BACKSLASH | DUNLIN_LEX_BACKTICK | DUNLIN_LEX_HASH_COMMENT | DUNLIN_LEX_COND_COMMENT |
	       DUNLIN_LEX_DASH_SPACE | DUNLIN_LEX_DELIMITER | DUNLIN_LEX_STORED_BLOCK,
	.name = "mariadb",
	.aliases = aliases,
	.rules = rules,
	.vocabulary = vocabulary,
	.quote_open = '`',
	.quote_close = '`',
	.param_style = DUNLIN_PARAM_QUESTION,
	.concat_style = DUNLIN_CONCAT_FUNCTION,
	/* The schema is the database in use: %s is NULL where --table names none. */
	.ledger_ddl = ledger_ddl,
	.ledger_exists = "SELECT 1 FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
	                 "AND table_schema = coalesce(nullif(%s, ''), database()) AND table_name IN (%m, %e)",
	.foreign_tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() "
	                  "AND table_type = 'BASE TABLE' AND NOT (table_schema = coalesce(nullif(%s, ''), database()) "
	                  "AND table_name IN (%m, %e, concat(%m, '_cluster'))) ORDER BY table_name",
	/* SYSDATE(): NOW() and UTC_TIMESTAMP() obey SET timestamp. */
	.now = "concat(replace(convert_tz(sysdate(3), @@session.time_zone, '+00:00'), ' ', 'T'), 'Z')",
	/* The driver sets the variable with BEGIN. */
	.elapsed_ms = "coalesce(timestampdiff(MICROSECOND, @dunlin_begin, sysdate(6)) DIV 1000, 0)",
	.probe_set = "SET @dunlin_probe = (%s)",
	.probe_get = "@dunlin_probe",
	/* applied_at is UTC; so is what it is compared with. */
	.row_ms = "coalesce(greatest(timestampdiff(MICROSECOND, replace(left(applied_at, 23), 'T', ' '), "
	          "convert_tz(sysdate(6), @@session.time_zone, '+00:00')) DIV 1000, 0), 0)",
};
