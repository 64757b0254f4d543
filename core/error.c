/*
 * error.c - filling struct dunlin_error, the classes' names and their advice.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct { const char *name, *advice; } classes[] = {
	[DUNLIN_CLASS_UNKNOWN]     = { "UNKNOWN", "Read the database's message above; `dunlin status` shows what is applied." },
	[DUNLIN_CLASS_CONNECTION]  = { "CONNECTION", "Check that the database runs and that host, port, user and password are right, then run the command again." },
	[DUNLIN_CLASS_SCHEMA]      = { "SCHEMA", "An object exists already or is missing: compare the migration with the live schema, mend the file and run `dunlin up` again." },
	[DUNLIN_CLASS_DEPENDENCY]  = { "DEPENDENCY", "Other objects depend on this one: change or drop them first, in this or an earlier migration." },
	[DUNLIN_CLASS_CONSTRAINT]  = { "CONSTRAINT", "The data breaks a constraint: clean the rows up in the migration before the statement that fails." },
	[DUNLIN_CLASS_SYNTAX]      = { "SYNTAX", "Mend the statement at the line shown and run `dunlin up` again; `dunlin parse FILE` shows how the file is read." },
	[DUNLIN_CLASS_PERMISSION]  = { "PERMISSION", "Grant the user the right that is missing, or connect as one who has it." },
	[DUNLIN_CLASS_LOCK]        = { "LOCK", "Someone else holds a lock: let it finish or end it, then run the command again; --lock-timeout sets how long to wait." },
	[DUNLIN_CLASS_TIMEOUT]     = { "TIMEOUT", "It took longer than allowed: raise --timeout or --statement-timeout, or make the step smaller." },
	[DUNLIN_CLASS_VALIDATION]  = { "VALIDATION", "Mend the files named above; `dunlin validate` shows all findings at once." },
	[DUNLIN_CLASS_DRIVER]      = { "DRIVER", "`dunlin drivers` lists the plugins found and why one was refused." },
	[DUNLIN_CLASS_INTERRUPTED] = { "INTERRUPTED", "Nothing is half done beyond what is said above; run the command again to go on." },
};

static size_t class_index(int errclass)
{
	size_t n = sizeof classes / sizeof *classes;

	return errclass >= 0 && (size_t)errclass < n ? (size_t)errclass : 0;
}

const char *dunlin_class_name(int errclass)
{
	return classes[class_index(errclass)].name;
}

const char *dunlin_class_advice(int errclass)
{
	return classes[class_index(errclass)].advice;
}

void error_clear(struct dunlin_error *err)
{
	if (!err)
		return;
	memset(err, 0, sizeof *err);
	err->statements_done = err->statements_total = -1;
}

int error_set(struct dunlin_error *err, int code, int errclass, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	error_clear(err);
	err->code = code;
	err->errclass = errclass;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	return -1;
}

int error_nomem(struct dunlin_error *err)
{
	return error_set(err, DUNLIN_EXIT_FAILED, DUNLIN_CLASS_UNKNOWN, "out of memory");
}

void error_hint(struct dunlin_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof err->hint, fmt, ap);
	va_end(ap);
}

void error_state(struct dunlin_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->state, sizeof err->state, fmt, ap);
	va_end(ap);
}

void error_at(struct dunlin_error *err, const char *file, uint32_t line, uint32_t column)
{
	if (!err)
		return;
	if (file)
		snprintf(err->file, sizeof err->file, "%s", file);
	err->line = line;
	err->column = column;
}

void error_migration(struct dunlin_error *err, const char *component, const char *version)
{
	if (!err)
		return;
	snprintf(err->component, sizeof err->component, "%s", component ? component : "");
	snprintf(err->version, sizeof err->version, "%s", version ? version : "");
}

/* Cuts at `size` without leaving half a UTF-8 character behind. */
static void copy_cut(char *out, size_t size, const char *s, size_t len)
{
	if (len >= size) {
		len = size - 1;
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, s, len);
	out[len] = '\0';
}

/* Where the SQL begins, past white space and comments before it. */
static size_t skip_comments(const char *sql, size_t len)
{
	size_t i = 0;

	for (;;) {
		const char *end = NULL;

		while (i < len && strchr(" \t\r\n\f", sql[i]) && sql[i])
			i++;
		if (len - i < 2)
			return i;
		if (sql[i] == '-' && sql[i + 1] == '-')
			end = memchr(sql + i, '\n', len - i);
		else if (sql[i] == '/' && sql[i + 1] == '*')
			end = memmem(sql + i + 2, len - i - 2, "*/", 2);
		if (!end)
			return i;
		i = (size_t)(end - sql) + (*end == '*' ? 2 : 1);
	}
}

void error_statement(struct dunlin_error *err, const char *sql, size_t len)
{
	const char *nl;
	size_t start;

	if (!err || !sql)
		return;
	start = skip_comments(sql, len);
	if (start == len)
		start = 0; /* nothing but comments, as MariaDB executes them */
	sql += start;
	len -= start;
	nl = memchr(sql, '\n', len);
	if (nl)
		len = (size_t)(nl - sql);
	while (len > 0 && (sql[len - 1] == '\r' || sql[len - 1] == ' '))
		len--;
	copy_cut(err->statement, sizeof err->statement, sql, len);
}

int error_from_driver(struct dunlin_error *err, int code, const struct dunlin_driver_error *de)
{
	if (!err)
		return -1;
	error_set(err, de->is_unsafe ? DUNLIN_EXIT_UNSAFE : code, de->errclass, "%s%s%s",
	          de->message[0] ? de->message : "the database gave no message",
	          de->detail[0] ? "\n" : "", de->detail);
	if (de->sqlstate[0])
		snprintf(err->native, sizeof err->native, "%s", de->sqlstate);
	else if (de->native)
		snprintf(err->native, sizeof err->native, "%d", de->native);
	if (de->hint[0])
		snprintf(err->hint, sizeof err->hint, "%s", de->hint);
	return -1;
}

int error_code_max(int a, int b)
{
	static const int order[] = { DUNLIN_EXIT_UNSAFE, DUNLIN_EXIT_REPAIR, DUNLIN_EXIT_INVALID, DUNLIN_EXIT_PENDING };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a ? a : b;
}
