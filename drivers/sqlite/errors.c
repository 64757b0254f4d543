/*
 * errors.c - what SQLite says, as the contract wants it told.
 *
 * SQLite has fine codes for I/O, locks and constraints, and one code,
 * SQLITE_ERROR, for nearly everything about SQL text.  There only the fixed
 * beginnings of its own messages tell a missing table from a syntax error.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "sqlite_driver.h"

static const struct {
	const char *text;
	int         is_prefix, errclass;
} by_message[] = {
	{ "error in ",                   1, DUNLIN_CLASS_DEPENDENCY }, /* .. view v after drop column: .. */
	{ "cannot drop ",                1, DUNLIN_CLASS_DEPENDENCY },
	{ "no such ",                    1, DUNLIN_CLASS_SCHEMA },
	{ "duplicate column name",       1, DUNLIN_CLASS_SCHEMA },
	{ "there is already ",           1, DUNLIN_CLASS_SCHEMA },
	{ "unknown database",            1, DUNLIN_CLASS_SCHEMA },
	{ " already exists",             0, DUNLIN_CLASS_SCHEMA },
	{ " has no column named ",       0, DUNLIN_CLASS_SCHEMA },
	{ "foreign key mismatch",        1, DUNLIN_CLASS_SCHEMA },
	{ "incomplete input",            1, DUNLIN_CLASS_SYNTAX },
	{ "unrecognized token",          1, DUNLIN_CLASS_SYNTAX },
	{ "syntax error",                0, DUNLIN_CLASS_SYNTAX },
	{ "wrong number of arguments",   1, DUNLIN_CLASS_SYNTAX },
	{ "ambiguous column name",       1, DUNLIN_CLASS_SYNTAX },
	{ "not authorized",              1, DUNLIN_CLASS_PERMISSION },
	{ " may not be modified",        0, DUNLIN_CLASS_PERMISSION }, /* table sqlite_master .. */
	{ " may not be altered",         0, DUNLIN_CLASS_PERMISSION },
	{ " may not be dropped",         0, DUNLIN_CLASS_PERMISSION },
	{ " from within a transaction",  0, DUNLIN_CLASS_VALIDATION },
	{ " within a transaction",       0, DUNLIN_CLASS_VALIDATION },
	{ " inside a transaction",       0, DUNLIN_CLASS_VALIDATION },
	{ " no transaction is active",   0, DUNLIN_CLASS_VALIDATION }, /* cannot commit - .. */
	{ "interrupted",                 1, DUNLIN_CLASS_INTERRUPTED },
};

static int class_of_text(const char *message)
{
	size_t i;
	const char *at;

	for (i = 0; i < sizeof by_message / sizeof *by_message; i++) {
		at = strstr(message, by_message[i].text);
		if (at && (!by_message[i].is_prefix || at == message))
			return by_message[i].errclass;
	}
	return DUNLIN_CLASS_UNKNOWN;
}

int sq_class_of(int rc, const char *message)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_PROTOCOL:
		return DUNLIN_CLASS_LOCK;
	case SQLITE_CONSTRAINT: case SQLITE_MISMATCH:
		return DUNLIN_CLASS_CONSTRAINT;
	case SQLITE_READONLY: case SQLITE_PERM: case SQLITE_AUTH:
	case SQLITE_CANTOPEN: /* the file is open: a journal or an attached one cannot be */
		return DUNLIN_CLASS_PERMISSION;
	case SQLITE_INTERRUPT:
		return DUNLIN_CLASS_INTERRUPTED;
	case SQLITE_ERROR:
		return class_of_text(message);
	default:
		return DUNLIN_CLASS_UNKNOWN;
	}
}

static const struct {
	int         rc;
	const char *hint;
} hints[] = {
	{ SQLITE_FULL,    "Free space on the disk, or raise max_page_count, and run it again." },
	{ SQLITE_IOERR,   "Look at the disk and the system's log before running it again." },
	{ SQLITE_CORRUPT, "Restore the database from a backup, or rescue it with the .recover command of sqlite3." },
	{ SQLITE_NOTADB,  "Look at the path: the file holds something else, or is encrypted." },
};

int sq_stopped(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	switch (c->wait.cause) {
	case SQ_CAUSE_STATEMENT:
		return drv_error(err, DUNLIN_ETIMEOUT, DUNLIN_CLASS_TIMEOUT, SQLITE_INTERRUPT,
		                "the statement ran longer than the statement timeout");
	case SQ_CAUSE_DEADLINE:
		return drv_error(err, DUNLIN_ETIMEOUT, DUNLIN_CLASS_TIMEOUT, SQLITE_INTERRUPT,
		                "the time for the whole command is over");
	default:
		return drv_error(err, DUNLIN_ECANCELLED, DUNLIN_CLASS_INTERRUPTED, SQLITE_INTERRUPT, "interrupted");
	}
}

static int status_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_PROTOCOL:
		return DUNLIN_EBUSY;
	case SQLITE_NOMEM:
		return DUNLIN_ENOMEM;
	default:
		return DUNLIN_ERROR;
	}
}

/* A lock that another transaction holds may be free later; a table locked by
 * a statement of this very connection stays locked. */
static int is_retryable(int rc)
{
	return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_PROTOCOL || rc == SQLITE_LOCKED_SHAREDCACHE;
}

static void add_blockers(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	char who[512];

	if (!err || !c->opt.file)
		return;
	sq_blockers_text(c->opt.file, who, sizeof who);
	if (who[0])
		drv_detail(err, "locked by %s", who);
}

int sq_db_error(struct dunlin_conn *c, int rc, size_t off, struct dunlin_driver_error *err)
{
	int ext = sqlite3_extended_errcode(c->db), pos = -1;
	const char *message = sqlite3_errmsg(c->db);
	size_t i;

	if ((ext & 0xff) == (rc & 0xff))
		rc = ext;
	c->rc = rc;
	if ((rc & 0xff) == SQLITE_NOMEM)
		return drv_nomem(err);
	if ((rc & 0xff) == SQLITE_INTERRUPT || ((rc & 0xff) == SQLITE_BUSY && c->wait.cause))
		return sq_stopped(c, err);
	if (c->mode != SQ_OWN && c->seen.denied[0]) { /* SQLITE_AUTH, or SQLITE_ERROR for a function */
		drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, rc, "%s", c->seen.denied);
		drv_hint(err, "%s", c->seen.hint);
	} else {
		drv_error(err, DUNLIN_ERROR, sq_class_of(rc, message), rc, "%s", message);
	}
#if SQLITE_VERSION_NUMBER >= 3038000
	pos = sqlite3_error_offset(c->db);
#endif
	if (err) {
		if (pos >= 0 || off > 0)
			err->position = (int64_t)off + (pos > 0 ? pos : 0);
		err->is_retryable = (uint8_t)is_retryable(rc);
		err->is_unsafe = (rc & 0xff) == SQLITE_READONLY && c->is_read_only;
	}
	for (i = 0; i < sizeof hints / sizeof *hints; i++)
		if (hints[i].rc == (rc & 0xff))
			drv_hint(err, "%s", hints[i].hint);
	if ((rc & 0xff) == SQLITE_BUSY)
		add_blockers(c, err);
	return status_of(rc);
}
