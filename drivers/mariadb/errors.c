/*
 * errors.c - what the server and libmariadb say, as the contract wants it told.
 *
 * Classes go by number: the server's messages come in many languages.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errmsg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "my_driver.h"

static const struct {
	uint16_t native;
	uint8_t  errclass;
} classes[] = {
	/* who, and what one may */
	{ 1040, DUNLIN_CLASS_CONNECTION }, /* too many connections            */
	{ 1044, DUNLIN_CLASS_PERMISSION }, /* access to the database denied   */
	{ 1045, DUNLIN_CLASS_CONNECTION }, /* wrong password                  */
	{ 1047, DUNLIN_CLASS_CONNECTION }, /* the node has left its cluster   */
	{ 1053, DUNLIN_CLASS_CONNECTION }, /* shutdown                        */
	{ 1129, DUNLIN_CLASS_CONNECTION }, { 1130, DUNLIN_CLASS_CONNECTION }, /* the host is not allowed */
	{ 1095, DUNLIN_CLASS_PERMISSION }, { 1141, DUNLIN_CLASS_PERMISSION }, { 1142, DUNLIN_CLASS_PERMISSION },
	{ 1143, DUNLIN_CLASS_PERMISSION }, { 1227, DUNLIN_CLASS_PERMISSION }, { 1290, DUNLIN_CLASS_PERMISSION },
	{ 1370, DUNLIN_CLASS_PERMISSION }, { 1410, DUNLIN_CLASS_PERMISSION }, { 1419, DUNLIN_CLASS_PERMISSION },
	{ 1698, DUNLIN_CLASS_CONNECTION }, { 1792, DUNLIN_CLASS_PERMISSION }, { 1836, DUNLIN_CLASS_PERMISSION },
	{ 1820, DUNLIN_CLASS_CONNECTION }, { 4151, DUNLIN_CLASS_CONNECTION }, /* the password has expired, the account is locked */
	{ 1959, DUNLIN_CLASS_PERMISSION },
	/* exists already, or is missing */
	{ 1007, DUNLIN_CLASS_SCHEMA }, { 1008, DUNLIN_CLASS_SCHEMA }, { 1046, DUNLIN_CLASS_SCHEMA },
	{ 1049, DUNLIN_CLASS_SCHEMA }, { 1050, DUNLIN_CLASS_SCHEMA }, { 1051, DUNLIN_CLASS_SCHEMA },
	{ 1054, DUNLIN_CLASS_SCHEMA }, { 1060, DUNLIN_CLASS_SCHEMA }, { 1061, DUNLIN_CLASS_SCHEMA },
	{ 1068, DUNLIN_CLASS_SCHEMA }, { 1072, DUNLIN_CLASS_SCHEMA }, { 1082, DUNLIN_CLASS_SCHEMA },
	{ 1091, DUNLIN_CLASS_SCHEMA }, { 1109, DUNLIN_CLASS_SCHEMA }, { 1112, DUNLIN_CLASS_SCHEMA },
	{ 1146, DUNLIN_CLASS_SCHEMA }, { 1147, DUNLIN_CLASS_SCHEMA }, { 1176, DUNLIN_CLASS_SCHEMA },
	{ 1193, DUNLIN_CLASS_SCHEMA }, { 1304, DUNLIN_CLASS_SCHEMA }, { 1305, DUNLIN_CLASS_SCHEMA },
	{ 1347, DUNLIN_CLASS_SCHEMA }, { 1359, DUNLIN_CLASS_SCHEMA }, { 1360, DUNLIN_CLASS_SCHEMA },
	{ 1396, DUNLIN_CLASS_SCHEMA }, { 1507, DUNLIN_CLASS_SCHEMA }, { 1517, DUNLIN_CLASS_SCHEMA },
	{ 1537, DUNLIN_CLASS_SCHEMA }, { 1539, DUNLIN_CLASS_SCHEMA }, { 1826, DUNLIN_CLASS_SCHEMA },
	{ 4091, DUNLIN_CLASS_SCHEMA }, { 4092, DUNLIN_CLASS_SCHEMA },
	/* others depend on it */
	{ 1217, DUNLIN_CLASS_DEPENDENCY }, { 1451, DUNLIN_CLASS_DEPENDENCY }, { 1553, DUNLIN_CLASS_DEPENDENCY },
	{ 1828, DUNLIN_CLASS_DEPENDENCY }, { 1829, DUNLIN_CLASS_DEPENDENCY }, { 1832, DUNLIN_CLASS_DEPENDENCY },
	{ 1833, DUNLIN_CLASS_DEPENDENCY }, { 1834, DUNLIN_CLASS_DEPENDENCY }, { 3730, DUNLIN_CLASS_DEPENDENCY },
	{ 1356, DUNLIN_CLASS_DEPENDENCY },
	/* the data do not fit */
	{ 1022, DUNLIN_CLASS_CONSTRAINT }, { 1048, DUNLIN_CLASS_CONSTRAINT }, { 1062, DUNLIN_CLASS_CONSTRAINT },
	{ 1169, DUNLIN_CLASS_CONSTRAINT }, { 1215, DUNLIN_CLASS_CONSTRAINT }, { 1216, DUNLIN_CLASS_CONSTRAINT },
	{ 1264, DUNLIN_CLASS_CONSTRAINT }, { 1265, DUNLIN_CLASS_CONSTRAINT }, { 1292, DUNLIN_CLASS_CONSTRAINT },
	{ 1364, DUNLIN_CLASS_CONSTRAINT }, { 1366, DUNLIN_CLASS_CONSTRAINT }, { 1367, DUNLIN_CLASS_CONSTRAINT },
	{ 1406, DUNLIN_CLASS_CONSTRAINT }, { 1452, DUNLIN_CLASS_CONSTRAINT }, { 1557, DUNLIN_CLASS_CONSTRAINT },
	{ 1586, DUNLIN_CLASS_CONSTRAINT }, { 1761, DUNLIN_CLASS_CONSTRAINT }, { 1762, DUNLIN_CLASS_CONSTRAINT },
	{ 4025, DUNLIN_CLASS_CONSTRAINT }, { 3819, DUNLIN_CLASS_CONSTRAINT },
	/* what it says */
	{ 1064, DUNLIN_CLASS_SYNTAX }, { 1065, DUNLIN_CLASS_SYNTAX }, { 1149, DUNLIN_CLASS_SYNTAX },
	{ 1052, DUNLIN_CLASS_SYNTAX }, { 1128, DUNLIN_CLASS_SYNTAX }, { 1136, DUNLIN_CLASS_SYNTAX },
	{ 1318, DUNLIN_CLASS_SYNTAX }, { 1582, DUNLIN_CLASS_SYNTAX }, { 1583, DUNLIN_CLASS_SYNTAX },
	{ 1327, DUNLIN_CLASS_SYNTAX }, { 1324, DUNLIN_CLASS_SYNTAX },
	{ 1153, DUNLIN_CLASS_VALIDATION }, /* larger than max_allowed_packet  */
	/* waiting */
	{ 1100, DUNLIN_CLASS_LOCK }, { 1099, DUNLIN_CLASS_LOCK }, { 1223, DUNLIN_CLASS_LOCK }, /* LOCK TABLES, FLUSH .. */
	{ 1205, DUNLIN_CLASS_LOCK }, { 1206, DUNLIN_CLASS_LOCK }, { 1213, DUNLIN_CLASS_LOCK },
	{ 1568, DUNLIN_CLASS_VALIDATION }, { 3058, DUNLIN_CLASS_LOCK },
	{ 1317, DUNLIN_CLASS_INTERRUPTED },
	{ 1907, DUNLIN_CLASS_TIMEOUT }, { 1969, DUNLIN_CLASS_TIMEOUT }, { 3024, DUNLIN_CLASS_TIMEOUT },
	{ 1927, DUNLIN_CLASS_CONNECTION }, /* the connection was killed       */
};

int my_class_of(unsigned native, const char *sqlstate)
{
	size_t i;

	if (native >= CR_MIN_ERROR && native < 3000)
		return DUNLIN_CLASS_CONNECTION;
	for (i = 0; i < sizeof classes / sizeof *classes; i++)
		if (classes[i].native == native)
			return classes[i].errclass;
	if (strncmp(sqlstate, "08", 2) == 0)
		return DUNLIN_CLASS_CONNECTION;
	if (strncmp(sqlstate, "23", 2) == 0 || strncmp(sqlstate, "22", 2) == 0)
		return DUNLIN_CLASS_CONSTRAINT;
	if (strncmp(sqlstate, "28", 2) == 0)
		return DUNLIN_CLASS_PERMISSION;
	if (strncmp(sqlstate, "42S", 3) == 0)
		return DUNLIN_CLASS_SCHEMA;
	return DUNLIN_CLASS_UNKNOWN;
}

/* Errors after which nothing more comes over the line. */
int my_is_line_error(unsigned native)
{
	/* 1053 and 1927 are the server's last word. */
	return (native >= CR_MIN_ERROR && native < 3000 && native != CR_OUT_OF_MEMORY &&
	        native != CR_COMMANDS_OUT_OF_SYNC) || native == 1053 || native == 1927 || native == 1152 ||
	       native == 1158 || native == 1159 || native == 1160 || native == 1161 || native == 1184 || native == 4031;
}

/* --- where ---------------------------------------------------------------------------- */

/* The server quotes the statement from the error on, 80 characters of it, and
 * what stands behind it in the packet: "... near 'TEXT' at line N". */
struct near {
	const char *text;
	size_t      len;
	size_t      line;  /* from 1, of the statement */
};

static int find_near(const char *message, struct near *out)
{
	const char *p = strstr(message, "near '"), *end = NULL;

	if (!p)
		return 0;
	out->text = p + 6;
	for (p = strstr(out->text, "' at line "); p; p = strstr(p + 1, "' at line "))
		end = p;
	if (!end)
		return 0;
	out->len = (size_t)(end - out->text);
	out->line = strtoul(end + 10, NULL, 10);
	return 1;
}

/* The server cuts TEXT with "..." in some versions. */
static size_t quoted_len(const struct near *n)
{
	return n->len >= 3 && memcmp(n->text + n->len - 3, "...", 3) == 0 ? n->len - 3 : n->len;
}

static int is_separator(const char *s, size_t n)
{
	while (n && (*s == '\n' || *s == ' ')) {
		s++;
		n--;
	}
	return n == 0 || *s == ';';
}

/* Could the error stand at offset `at`? */
static int matches(const struct near *n, const char *sql, size_t len, size_t at)
{
	size_t m = quoted_len(n), left = len - at;

	if (m <= left)
		return memcmp(sql + at, n->text, m) == 0 && (n->len != m || m >= 80 || m == left);
	return memcmp(sql + at, n->text, left) == 0 && is_separator(n->text + left, m - left);
}

int64_t my_error_position(const char *message, const char *sql, size_t len)
{
	struct near n;
	size_t at, line = 1;
	int64_t found = -1;

	if (!sql || !find_near(message, &n))
		return -1;
	for (at = 0; at <= len; at++) {
		/* The first on the line that is named, else the nearest before it. */
		if (matches(&n, sql, len, at) && (found < 0 || line <= n.line)) {
			found = (int64_t)at;
			if (line == n.line)
				break;
		}
		line += at < len && sql[at] == '\n';
	}
	return found;
}

/* The message without what is not the statement's. */
static void cut_near(struct dunlin_driver_error *err, const char *message, size_t len)
{
	struct near n;
	size_t left = len - (size_t)err->position;

	if (find_near(message, &n) && quoted_len(&n) > left)
		snprintf(err->message, sizeof err->message, "%.*s%.*s%s", (int)(n.text - message), message, (int)left, n.text,
		         n.text + n.len);
}

/* --- filling the struct -------------------------------------------------------------------- */

static int status_of(unsigned native)
{
	switch (native) {
	case 1205: case 1213:
		return DUNLIN_EBUSY;
	case 1969: case 3024:
		return DUNLIN_ETIMEOUT;
	case CR_OUT_OF_MEMORY:
		return DUNLIN_ENOMEM;
	default:
		return DUNLIN_ERROR;
	}
}

static const struct {
	unsigned    native;
	const char *hint;
} hints[] = {
	{ 1045, "Look at user and password, and whether the user may come from this host." },
	{ 1698, "Look at user and password; an account that goes by the system's user needs the socket, and that user." },
	{ 1040, "Wait, or raise max_connections on the server." },
	{ 1836, "Connect to the primary: this server is read-only." },
	{ 1049, "`dunlin create` makes the database." },
	{ 1046, "Name the database in the URL: mariadb://USER@HOST/DATABASE." },
	{ 1223, "The file holds a global read lock: end it by UNLOCK TABLES first." },
	{ 1419, "The server logs in binary: set log_bin_trust_function_creators there, or grant the right." },
	{ 1047, "The node has left its cluster: wait until it is back, or use another node." },
};

int my_stopped(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	if (c->cause == MY_CAUSE_DEADLINE)
		return drv_error(err, DUNLIN_ETIMEOUT, DUNLIN_CLASS_TIMEOUT, 0, "the time for the whole command is over");
	return drv_error(err, DUNLIN_ECANCELLED, DUNLIN_CLASS_INTERRUPTED, 1317, "interrupted");
}

/* 1290 names the option that stands in the way, in every language. */
static int is_read_only(const char *message)
{
	return strstr(message, "read-only") || strstr(message, "read_only");
}

int my_db_error(struct dunlin_conn *c, const char *sql, size_t len, struct dunlin_driver_error *err)
{
	unsigned native = mysql_errno(c->my);
	const char *message = mysql_error(c->my), *sqlstate = mysql_sqlstate(c->my);
	size_t i;

	if (native == CR_OUT_OF_MEMORY)
		return drv_nomem(err);
	if (my_is_line_error(native))
		c->is_lost = 1;
	if (native == 1317 && c->cause)
		return my_stopped(c, err);
	drv_error(err, status_of(native), my_class_of(native, sqlstate), (int)native, "%s",
	          *message ? message : "the server said nothing");
	for (i = 0; i < sizeof hints / sizeof *hints; i++)
		if (hints[i].native == native)
			drv_hint(err, "%s", hints[i].hint);
	if (err) {
		if (strcmp(sqlstate, "HY000") != 0 && strcmp(sqlstate, "00000") != 0)
			snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
		if (native == 1290 && is_read_only(message))
			drv_hint(err, "Connect to the primary: this server is read-only.");
		err->is_retryable = native == 1205 || native == 1213;
		err->is_unsafe = native == 1836 || (native == 1290 && is_read_only(message));
		if (native == 1064)
			err->position = my_error_position(message, sql, len);
		if (err->position >= 0)
			cut_near(err, message, len);
	}
	return status_of(native);
}

void my_notice(struct dunlin_conn *c, size_t index, int level, const char *text)
{
	if (c->obs && c->obs->notice)
		c->obs->notice(c->obs->arg, index, level, text);
}
