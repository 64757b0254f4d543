/*
 * errors.c - what the server says, as the core wants it told.
 *
 * The class comes from the SQLSTATE alone, so that a server that speaks another
 * language is understood; only the words of a hint are picked from the message.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "pg_driver.h"

/* By whole code, or by its class (two characters) where no code stands. */
struct state_class {
	const char *state;
	int errclass;
};

static const struct state_class table[] = {
	{ "08", DUNLIN_CLASS_CONNECTION },
	{ "22", DUNLIN_CLASS_CONSTRAINT }, /* a value does not fit its column's type     */
	{ "22023", DUNLIN_CLASS_SYNTAX },  /* SET x = what it cannot be                  */
	{ "23", DUNLIN_CLASS_CONSTRAINT },
	{ "25001", DUNLIN_CLASS_VALIDATION }, /* cannot run inside a transaction block   */
	{ "25006", DUNLIN_CLASS_PERMISSION }, /* read-only                               */
	{ "25P01", DUNLIN_CLASS_VALIDATION },
	{ "25P02", DUNLIN_CLASS_VALIDATION },
	{ "25P03", DUNLIN_CLASS_CONNECTION }, /* idle in a transaction: the server hung up */
	{ "26000", DUNLIN_CLASS_SCHEMA },
	{ "27", DUNLIN_CLASS_CONSTRAINT },
	{ "28", DUNLIN_CLASS_CONNECTION },
	{ "2B", DUNLIN_CLASS_DEPENDENCY },
	{ "3D", DUNLIN_CLASS_SCHEMA },
	{ "3F", DUNLIN_CLASS_SCHEMA },
	{ "40", DUNLIN_CLASS_LOCK },
	{ "40002", DUNLIN_CLASS_CONSTRAINT },
	{ "40003", DUNLIN_CLASS_CONNECTION },
	{ "42", DUNLIN_CLASS_SYNTAX },
	{ "42501", DUNLIN_CLASS_PERMISSION },
	{ "42701", DUNLIN_CLASS_SCHEMA }, /* duplicate column     */
	{ "42703", DUNLIN_CLASS_SCHEMA }, /* undefined column     */
	{ "42704", DUNLIN_CLASS_SCHEMA }, /* undefined object     */
	{ "42710", DUNLIN_CLASS_SCHEMA }, /* duplicate object     */
	{ "42723", DUNLIN_CLASS_SCHEMA }, /* duplicate function   */
	{ "42809", DUNLIN_CLASS_SCHEMA }, /* wrong kind of object */
	{ "42830", DUNLIN_CLASS_SCHEMA }, /* no unique constraint for a foreign key */
	{ "42883", DUNLIN_CLASS_SCHEMA }, /* undefined function   */
	{ "42P01", DUNLIN_CLASS_SCHEMA }, /* undefined table      */
	{ "42P03", DUNLIN_CLASS_SCHEMA }, /* duplicate cursor     */
	{ "42P04", DUNLIN_CLASS_SCHEMA }, /* duplicate database   */
	{ "42P05", DUNLIN_CLASS_SCHEMA }, /* duplicate prepared   */
	{ "42P06", DUNLIN_CLASS_SCHEMA }, /* duplicate schema     */
	{ "42P07", DUNLIN_CLASS_SCHEMA }, /* duplicate table      */
	{ "42P16", DUNLIN_CLASS_SCHEMA }, /* invalid table        */
	{ "42P17", DUNLIN_CLASS_SCHEMA }, /* invalid object       */
	{ "44", DUNLIN_CLASS_CONSTRAINT },
	{ "53300", DUNLIN_CLASS_CONNECTION }, /* too many connections */
	{ "55006", DUNLIN_CLASS_LOCK },       /* object in use        */
	{ "55P03", DUNLIN_CLASS_LOCK },       /* lock_timeout, NOWAIT */
	{ "55P04", DUNLIN_CLASS_VALIDATION }, /* new enum value used before its commit */
	{ "57014", DUNLIN_CLASS_TIMEOUT },    /* statement_timeout, if nobody cancelled */
	{ "57P", DUNLIN_CLASS_CONNECTION },   /* shutdown, crash, starting up, dropped */
	{ "0L", DUNLIN_CLASS_PERMISSION },
	{ "0P", DUNLIN_CLASS_SCHEMA },
};

int pg_class_of(const char *sqlstate)
{
	int found = DUNLIN_CLASS_UNKNOWN;
	size_t i, n, best = 0;

	for (i = 0; sqlstate && i < sizeof table / sizeof *table; i++) {
		n = strlen(table[i].state);
		if (n > best && strncmp(sqlstate, table[i].state, n) == 0) {
			best = n;
			found = table[i].errclass;
		}
	}
	return found;
}

static int is_one_of(const char *state, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(state, *list) == 0)
			return 1;
	return 0;
}

static int is_retryable(const char *state)
{
	static const char *const list[] = { "55P03", "40P01", "40001", NULL };

	return is_one_of(state, list);
}

int64_t pg_byte_offset(const char *sql, size_t len, const char *characters)
{
	size_t i = 0, n = 0;

	for (; characters && *characters >= '0' && *characters <= '9'; characters++) {
		if (n > SIZE_MAX / 16)
			return -1;
		n = n * 10 + (size_t)(*characters - '0');
	}
	if (n == 0 || !sql)
		return -1;
	for (n--; n > 0 && i < len; n--)
		for (i++; i < len && ((unsigned char)sql[i] & 0xc0) == 0x80; i++)
			;
	return n == 0 ? (int64_t)i : -1;
}

/* --- hints --------------------------------------------------------------------------- */

/* "permission denied for KIND NAME" and the right that is missing.  The verb of
 * the statement narrows those of tables down. */
static const struct {
	const char *kind, *rights, *object;
} grants[] = {
	{ "table ", "SELECT, INSERT, UPDATE, DELETE", "TABLE" },
	{ "view ", "SELECT", "TABLE" },
	{ "materialized view ", "SELECT", "TABLE" },
	{ "column ", NULL, NULL },
	{ "sequence ", "USAGE, SELECT", "SEQUENCE" },
	{ "schema ", "USAGE, CREATE", "SCHEMA" },
	{ "database ", "CREATE", "DATABASE" },
	{ "function ", "EXECUTE", "FUNCTION" },
	{ "procedure ", "EXECUTE", "PROCEDURE" },
	{ "type ", "USAGE", "TYPE" },
	{ "language ", "USAGE", "LANGUAGE" },
	{ "tablespace ", "CREATE", "TABLESPACE" },
	{ "foreign-data wrapper ", "USAGE", "FOREIGN DATA WRAPPER" },
	{ "foreign server ", "USAGE", "FOREIGN SERVER" },
};

/* Rights that no object carries. */
static const struct {
	const char *words, *hint;
} attributes[] = {
	{ "permission denied to create database", "Missing: ALTER ROLE %s CREATEDB." },
	{ "permission denied to create role", "Missing: ALTER ROLE %s CREATEROLE." },
	{ "permission denied to create extension", "Only a superuser may; or, of a trusted extension, a role with CREATE on "
	                                           "the database, which %s has not." },
	{ "permission denied to set parameter", "Only a superuser may; since PostgreSQL 15 also with GRANT SET ON PARAMETER "
	                                        "... TO %s." },
};

static const char *right_of_verb(const char *sql, size_t len, const char *all)
{
	static const char *const verbs[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE" };
	const char *p = sql;
	struct drv_token t;
	size_t i;

	if (!sql || strcmp(all, grants[0].rights) != 0)
		return all;
	t = drv_token_next(PG_LEX, &p, sql + len);
	for (i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (drv_token_is(&t, verbs[i]))
			return verbs[i];
	return all;
}

/* CREATE TABLE in a schema needs CREATE, reading from one USAGE. */
static const char *right_of_schema(const char *sql, size_t len, const char *all)
{
	const char *p = sql;
	struct drv_token t;

	if (!sql || strcmp(all, "USAGE, CREATE") != 0)
		return all;
	t = drv_token_next(PG_LEX, &p, sql + len);
	return drv_token_is(&t, "CREATE") ? all : "USAGE";
}

/* The text up to %s, the role, and the rest. */
static void attribute_hint(struct dunlin_driver_error *err, const char *hint, const char *role)
{
	const char *at = strstr(hint, "%s");

	drv_hint(err, "%.*s%s%s", (int)(at - hint), hint, role, at + 2);
}

void pg_permission_hint(const char *message, const char *role, const char *sql, size_t len,
                        struct dunlin_driver_error *err)
{
	static const char denied[] = "permission denied for ", owner[] = "must be owner of ";
	const char *what = strstr(message, denied), *rights;
	struct drv_text quoted = { 0 };
	size_t i, n;

	drv_text_quote(&quoted, role && *role ? role : "the role");
	if (what && !quoted.is_failed) {
		what += sizeof denied - 1;
		for (i = 0; i < sizeof grants / sizeof *grants; i++) {
			n = strlen(grants[i].kind);
			if (strncmp(what, grants[i].kind, n) != 0 || !grants[i].rights)
				continue;
			rights = right_of_schema(sql, len, right_of_verb(sql, len, grants[i].rights));
			drv_hint(err, "Missing: GRANT %s ON %s %s TO %s.", rights, grants[i].object, what + n, quoted.p);
			goto out;
		}
	}
	for (i = 0; i < sizeof attributes / sizeof *attributes && !quoted.is_failed; i++)
		if (strstr(message, attributes[i].words)) {
			attribute_hint(err, attributes[i].hint, quoted.p);
			goto out;
		}
	what = strstr(message, owner);
	if (what && !quoted.is_failed)
		drv_hint(err, "Only the owner may do this: make %s the owner of %s, or a member of the role that is.", quoted.p,
		         what + sizeof owner - 1);
	else
		drv_hint(err, "The role has not the right to do this; the statement's owner or a superuser can GRANT it.");
out:
	drv_text_clear(&quoted);
}

static const struct {
	const char *state, *hint;
} hints[] = {
	{ "55P03", "Somebody else holds a lock that the statement needs; it is tried again, or raise --lock-timeout." },
	{ "55P04", "A new enum value can only be used after its commit: put ALTER TYPE ... ADD VALUE into a migration of its "
	           "own before this one." },
	{ "25001", "The server runs this outside a transaction only: put '-- dunlin:no-transaction' into the file." },
	{ "25006", "The server takes no writes: connect to the primary, or see default_transaction_read_only." },
	{ "57014", "Raise --statement-timeout, or give the file '-- dunlin:statement-timeout'." },
	{ "40P01", "Two transactions waited for each other and the server ended this one; it can be run again." },
	{ "53300", "The server has no connection to spare: try again, or raise its max_connections." },
	{ "2BP01", "Drop what depends on it first, or say CASCADE." },
};

static void add_hint(struct dunlin_conn *c, const PGresult *res, const char *state, const char *sql, size_t len,
                     struct dunlin_driver_error *err)
{
	const char *theirs = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
	size_t i;

	if (strcmp(state, "42501") == 0 && !theirs) {
		pg_permission_hint(err->message, c->pg ? PQuser(c->pg) : NULL, sql, len, err);
		return;
	}
	for (i = 0; i < sizeof hints / sizeof *hints && !err->hint[0]; i++)
		if (strcmp(state, hints[i].state) == 0)
			drv_hint(err, "%s", hints[i].hint);
	if (theirs && (!err->hint[0] || strcmp(state, "2BP01") != 0))
		drv_hint(err, "%s", theirs);
}

/* --- results --------------------------------------------------------------------------- */

static void add_detail(const PGresult *res, struct dunlin_driver_error *err)
{
	const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	const char *context = PQresultErrorField(res, PG_DIAG_CONTEXT);

	if (detail && context)
		drv_detail(err, "%s\n%s", detail, context);
	else if (detail || context)
		drv_detail(err, "%s", detail ? detail : context);
}

/* After one of these the server closes the line, whatever the code. */
static int is_fatal(const PGresult *res)
{
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

int pg_result_error(struct dunlin_conn *c, const PGresult *res, const char *sql, size_t len,
                    struct dunlin_driver_error *err)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	int class, status;

	if (c->pg && PQstatus(c->pg) != CONNECTION_OK)
		c->is_lost = 1;
	if (!state) {
		/* libpq's own words: the line went, or memory ran out. */
		if (c->is_lost)
			return pg_lost(c, err);
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_UNKNOWN, 0, "%s", PQresultErrorMessage(res));
	}
	if (strcmp(state, "57014") == 0 && c->cause != PG_CAUSE_NONE)
		return pg_stopped(c, err);
	class = pg_class_of(state);
	if (is_fatal(res)) {
		class = DUNLIN_CLASS_CONNECTION;
		c->is_lost = 1;
	}
	status = strcmp(state, "55P03") == 0 ? DUNLIN_EBUSY : DUNLIN_ERROR;
	drv_error(err, status, class, 0, "%s", message ? message : "the server gives no reason");
	if (!err)
		return status;
	snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state);
	err->position = pg_byte_offset(sql, len, PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION));
	err->is_retryable = (uint8_t)is_retryable(state);
	err->is_unsafe = strcmp(state, "25006") == 0;
	add_detail(res, err);
	add_hint(c, res, state, sql, len, err);
	return status;
}

int pg_lost(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	const char *text = c->pg ? PQerrorMessage(c->pg) : "";
	size_t n = strcspn(text, "\n");

	c->is_lost = 1;
	if (n == 0)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "the connection to the server is lost");
	return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_CONNECTION, 0, "the connection to the server is lost: %.*s", (int)n,
	                 text);
}

/* --- notices ----------------------------------------------------------------------------- */

int pg_notice_level(const char *severity)
{
	if (severity && strcmp(severity, "WARNING") == 0)
		return DUNLIN_LOG_WARN;
	if (severity && (strcmp(severity, "NOTICE") == 0 || strcmp(severity, "INFO") == 0))
		return DUNLIN_LOG_INFO;
	return DUNLIN_LOG_DEBUG;
}

void pg_notice(void *arg, const PGresult *res)
{
	struct dunlin_conn *c = arg;
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
	int level = pg_notice_level(PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED));
	struct drv_text t = { 0 };

	if (!message)
		message = PQresultErrorMessage(res);
	drv_text_adds(&t, message);
	if (detail)
		drv_text_addf(&t, " (%s)", detail);
	if (hint)
		drv_text_addf(&t, " (%s)", hint);
	if (t.is_failed)
		goto out;
	if (c->obs && c->obs->notice)
		c->obs->notice(c->obs->arg, c->obs_index, level, t.p);
	else
		drv_log(DUNLIN_LOG_DEBUG, t.p); /* on a statement of our own */
out:
	drv_text_clear(&t);
}
