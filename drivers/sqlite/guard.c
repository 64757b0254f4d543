/*
 * guard.c - the authorizer: what a file's statement may do, and what it does.
 *
 * One authorizer for the life of a connection, because setting one expires
 * every prepared statement; it goes by c->mode.  It is asked while a statement
 * is prepared, so a refusal comes before anything runs, and it sees through
 * spelling, triggers and views, as no reader of the text could.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "sqlite_driver.h"

enum pragma_kind {
	PRAGMA_PLAIN = 0, /* the argument is a question, or what it sets is in the file and rolls back */
	PRAGMA_SETS,      /* with a value it changes the connection                                     */
	PRAGMA_NO_TX,     /* ... and does nothing or harm inside a transaction                          */
	PRAGMA_PROCESS    /* ... of the whole process                                                   */
};

/* Those that are not listed set something if they have a value. */
static const struct {
	const char *name;
	int         kind;
} pragmas[] = {
	{ "application_id", PRAGMA_PLAIN },    { "auto_vacuum", PRAGMA_PLAIN },
	{ "data_store_directory", PRAGMA_PROCESS },
	{ "encoding", PRAGMA_PLAIN },          { "foreign_key_check", PRAGMA_PLAIN },
	{ "foreign_key_list", PRAGMA_PLAIN },  { "foreign_keys", PRAGMA_NO_TX },
	{ "hard_heap_limit", PRAGMA_PROCESS }, { "incremental_vacuum", PRAGMA_PLAIN },
	{ "index_info", PRAGMA_PLAIN },        { "index_list", PRAGMA_PLAIN },
	{ "index_xinfo", PRAGMA_PLAIN },       { "integrity_check", PRAGMA_PLAIN },
	{ "journal_mode", PRAGMA_NO_TX },      { "optimize", PRAGMA_PLAIN },
	{ "page_size", PRAGMA_PLAIN },         { "quick_check", PRAGMA_PLAIN },
	{ "schema_version", PRAGMA_PLAIN },    { "soft_heap_limit", PRAGMA_PROCESS },
	{ "table_info", PRAGMA_PLAIN },        { "table_list", PRAGMA_PLAIN },
	{ "table_xinfo", PRAGMA_PLAIN },       { "temp_store_directory", PRAGMA_PROCESS },
	{ "user_version", PRAGMA_PLAIN },      { "wal_checkpoint", PRAGMA_PLAIN },
};

static int pragma_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof pragmas / sizeof *pragmas; i++)
		if (sqlite3_stricmp(name, pragmas[i].name) == 0)
			return pragmas[i].kind;
	return PRAGMA_SETS;
}

static int deny(struct dunlin_conn *c, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int deny(struct dunlin_conn *c, const char *hint, const char *fmt, ...)
{
	va_list ap;

	if (c->seen.denied[0])
		return SQLITE_DENY;
	va_start(ap, fmt);
	vsnprintf(c->seen.denied, sizeof c->seen.denied, fmt, ap);
	va_end(ap);
	snprintf(c->seen.hint, sizeof c->seen.hint, "%s", hint);
	return SQLITE_DENY;
}

static const char no_transaction_hint[] =
	"Put the statement into a migration of its own with `-- dunlin:no-transaction`.";

static int authorize_pragma(struct dunlin_conn *c, const char *name, const char *value)
{
	int kind = value ? pragma_kind(name) : PRAGMA_PLAIN;

	if (kind == PRAGMA_PROCESS)
		return deny(c, "Set it in the program's environment instead.",
		            "'PRAGMA %s' would change the whole process", name);
	if (kind == PRAGMA_NO_TX && c->mode == SQ_GUARDED)
		return deny(c, no_transaction_hint, "'PRAGMA %s' has no effect inside a transaction", name);
	if (kind != PRAGMA_PLAIN) {
		c->seen.has_pragma = 1;
		c->seen.has_busy_pragma |= sqlite3_stricmp(name, "busy_timeout") == 0;
		c->seen.has_like_pragma |= sqlite3_stricmp(name, "case_sensitive_like") == 0;
	}
	return SQLITE_OK;
}

/* Notes a table that the statement writes; an UPDATE names it once a column. */
static void note_table(struct sq_seen *s, const char *name)
{
	if (s->tables.len > s->last && strcmp(s->tables.p + s->last, name) == 0)
		return;
	s->last = s->tables.len;
	drv_text_add(&s->tables, name, strlen(name) + 1);
	s->is_failed |= (unsigned)s->tables.is_failed;
}

static void note_write(struct dunlin_conn *c, const char *name, const char *db)
{
	if (!name || !db || strcmp(db, "main") != 0)
		return;
	if (strcmp(name, "sqlite_master") == 0)
		c->seen.has_schema_write = 1;
	else if (sqlite3_strnicmp(name, "sqlite_", 7) != 0)
		note_table(&c->seen, name);
}

static void note_ddl(struct dunlin_conn *c, const char *name, const char *db)
{
	c->seen.has_ddl = 1;
	note_write(c, name, db);
}

int sq_authorize(void *arg, int code, const char *a, const char *b, const char *db, const char *trigger)
{
	struct dunlin_conn *c = arg;

	(void)trigger;
	if (c->mode == SQ_OWN)
		return SQLITE_OK;
	switch (code) {
	case SQLITE_FUNCTION:
		if (sqlite3_stricmp(b, "load_extension") == 0)
			return deny(c, "", "'load_extension()' is not available to migrations");
		break;
	case SQLITE_TRANSACTION:
		if (c->mode == SQ_GUARDED)
			return deny(c, no_transaction_hint, "the file's own '%s' would interfere with dunlin's transaction", a);
		break;
	case SQLITE_SAVEPOINT:
		if (sqlite3_stricmp(b, SQ_GUARD) == 0)
			return deny(c, "Give the savepoint another name.", "savepoint '%s' is dunlin's own", b);
		break;
	case SQLITE_ATTACH: case SQLITE_DETACH:
		if (c->mode == SQ_GUARDED)
			return deny(c, no_transaction_hint, "'%s' is not possible inside a transaction",
			            code == SQLITE_ATTACH ? "ATTACH" : "DETACH");
		c->seen.has_attach = 1;
		break;
	case SQLITE_PRAGMA:
		return authorize_pragma(c, a, b);
	case SQLITE_CREATE_TEMP_TABLE: case SQLITE_CREATE_TEMP_INDEX:
	case SQLITE_CREATE_TEMP_TRIGGER: case SQLITE_CREATE_TEMP_VIEW:
		c->seen.has_temp = 1;
		break;
	case SQLITE_CREATE_TABLE:
		c->seen.has_create_table = 1;
		c->seen.has_temp |= db && strcmp(db, "temp") == 0;
		note_ddl(c, a, db);
		break;
	case SQLITE_DROP_TABLE:
		note_ddl(c, a, db);
		break;
	case SQLITE_ALTER_TABLE: /* (database, table) */
		c->seen.has_alter_table = c->seen.has_create_table = 1;
		note_ddl(c, b, a);
		break;
	case SQLITE_CREATE_INDEX: case SQLITE_CREATE_VIEW: case SQLITE_CREATE_TRIGGER:
	case SQLITE_CREATE_VTABLE:
		c->seen.has_temp |= db && strcmp(db, "temp") == 0;
		c->seen.has_ddl = 1;
		break;
	case SQLITE_DROP_INDEX: case SQLITE_DROP_VIEW: case SQLITE_DROP_TRIGGER: case SQLITE_DROP_VTABLE:
	case SQLITE_DROP_TEMP_INDEX: case SQLITE_DROP_TEMP_TABLE: case SQLITE_DROP_TEMP_TRIGGER:
	case SQLITE_DROP_TEMP_VIEW: case SQLITE_REINDEX: case SQLITE_ANALYZE:
		c->seen.has_ddl = 1;
		break;
	case SQLITE_INSERT: case SQLITE_UPDATE: case SQLITE_DELETE:
		note_write(c, a, db);
		break;
	default:
		break;
	}
	return SQLITE_OK;
}

void sq_seen_reset(struct sq_seen *s)
{
	struct drv_text tables = s->tables;

	tables.len = 0;
	tables.is_failed = 0;
	s->has_pragma = s->has_busy_pragma = s->has_like_pragma = s->has_temp = s->has_attach = s->has_ddl = 0;
	s->has_create_table = s->has_alter_table = s->has_schema_write = s->is_failed = 0;
	s->tables = tables;
	s->last = 0;
	s->denied[0] = s->hint[0] = '\0';
}
