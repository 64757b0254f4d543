/*
 * error.c - what the database said, as the core is told it.
 *
 * The native code decides where it can; SQLite's code 1 is everything from a
 * missing table to a typing error, and there its words have to.
 */
#include "odbc_driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Clears all but struct_size, which is the caller's. */
static void clear(struct dunlin_driver_error *err)
{
	uint32_t size = err->struct_size;

	memset(err, 0, sizeof *err);
	err->struct_size = size;
	err->position = -1; /* ODBC does not tell where */
}

int err_set(struct dunlin_driver_error *err, int status, int errclass, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err)
		return status;
	clear(err);
	err->errclass = errclass;
	va_start(ap, fmt);
	n = vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	err->is_truncated = n < 0 || (size_t)n >= sizeof err->message;
	return status;
}

int err_nomem(struct dunlin_driver_error *err)
{
	return err_set(err, DUNLIN_ENOMEM, DUNLIN_CLASS_UNKNOWN, "out of memory");
}

static const struct { const char *words; int errclass; } by_words[] = {
	{ "no such savepoint", DUNLIN_CLASS_VALIDATION },
	{ "within a transaction", DUNLIN_CLASS_VALIDATION }, { "no transaction is active", DUNLIN_CLASS_VALIDATION },
	{ "error in ", DUNLIN_CLASS_DEPENDENCY }, { "cannot drop ", DUNLIN_CLASS_DEPENDENCY },
	{ "no such ", DUNLIN_CLASS_SCHEMA }, { "already exists", DUNLIN_CLASS_SCHEMA },
	{ "there is already ", DUNLIN_CLASS_SCHEMA }, { "duplicate column name", DUNLIN_CLASS_SCHEMA },
	{ "has no column named", DUNLIN_CLASS_SCHEMA }, { "foreign key mismatch", DUNLIN_CLASS_SCHEMA },
	{ "syntax error", DUNLIN_CLASS_SYNTAX }, { "incomplete input", DUNLIN_CLASS_SYNTAX },
	{ "unrecognized token", DUNLIN_CLASS_SYNTAX }, { "parameter marker count", DUNLIN_CLASS_SYNTAX },
	{ "not authorized", DUNLIN_CLASS_PERMISSION }, { "may not be ", DUNLIN_CLASS_PERMISSION },
};

static int class_of(int native, const char *sqlstate, const char *message)
{
	if (strncmp(sqlstate, "08", 2) == 0 || strncmp(sqlstate, "IM", 2) == 0)
		return DUNLIN_CLASS_CONNECTION;
	switch (native & 0xff) {
	case NATIVE_BUSY: case NATIVE_LOCKED:
		return DUNLIN_CLASS_LOCK;
	case NATIVE_READONLY: case NATIVE_CANTOPEN:
		return DUNLIN_CLASS_PERMISSION;
	case NATIVE_INTERRUPT:
		return DUNLIN_CLASS_INTERRUPTED;
	case NATIVE_CONSTRAINT: case NATIVE_MISMATCH:
		return DUNLIN_CLASS_CONSTRAINT;
	case NATIVE_ERROR:
		for (size_t i = 0; i < sizeof by_words / sizeof *by_words; i++)
			if (strstr(message, by_words[i].words))
				return by_words[i].errclass;
	}
	return DUNLIN_CLASS_UNKNOWN;
}

/* "[SQLite]no such table: x (1)" -> "no such table: x" */
static char *own_words(char *message, int native)
{
	char code[16], *end;

	while (*message == '[' && (end = strchr(message, ']')))
		message = end + 1;
	snprintf(code, sizeof code, " (%d)", native);
	end = message + strlen(message);
	if ((size_t)(end - message) > strlen(code) && strcmp(end - strlen(code), code) == 0)
		end[-(ptrdiff_t)strlen(code)] = '\0';
	return message;
}

int err_diag(SQLSMALLINT type, SQLHANDLE handle, int *native_out, struct dunlin_driver_error *err)
{
	SQLCHAR state[8] = "", text[4096] = "";
	SQLINTEGER native = 0;
	SQLSMALLINT len = 0;
	const char *message;
	int errclass;

	if (!SQL_SUCCEEDED(SQLGetDiagRec(type, handle, 1, state, &native, text, sizeof text, &len)))
		return err_set(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, "the ODBC driver gives no reason");
	if (native_out)
		*native_out = (int)native;
	message = own_words((char *)text, (int)native);
	errclass = class_of((int)native, (char *)state, message);
	err_set(err, DUNLIN_ERROR, errclass, "%s", message);
	if (err) {
		err->native = native;
		err->is_truncated = len >= (SQLSMALLINT)sizeof text;
		err->is_retryable = (native & 0xff) == NATIVE_BUSY;
		if (strcmp((char *)state, "HY000") != 0)
			snprintf(err->sqlstate, sizeof err->sqlstate, "%.5s", (char *)state);
	}
	return errclass == DUNLIN_CLASS_LOCK ? DUNLIN_EBUSY : DUNLIN_ERROR;
}
