/*
 * inspect.c - who holds the lock, what the schema is, and whether a statement
 * has had its effect.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- words of a statement ---------------------------------------------------- */

static const char *skip(const char *p, const char *end)
{
	while (p < end) {
		if (strchr(" \t\r\n\f", *p)) {
			p++;
		} else if (end - p > 1 && p[0] == '-' && p[1] == '-') {
			while (p < end && *p != '\n')
				p++;
		} else if (end - p > 1 && p[0] == '/' && p[1] == '*') {
			for (p += 2; p < end && !(p[-1] == '*' && p[0] == '/'); p++)
				;
			p += p < end;
		} else {
			break;
		}
	}
	return p;
}

static int is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

int mock_word(const char **p, const char *end, char *out, size_t size)
{
	const char *s = skip(*p, end);
	char close = 0;
	size_t n = 0;

	if (s < end && strchr("\"`[", *s)) {
		close = *s == '[' ? ']' : *s;
		s++;
	}
	for (; s < end && (close ? *s != close : is_word_byte(*s)); s++)
		if (n + 1 < size)
			out[n++] = *s;
	s += close && s < end;
	out[n] = '\0';
	*p = s;
	return n > 0;
}

static int is(const char *word, const char *want)
{
	return sqlite3_stricmp(word, want) == 0;
}

int mock_is_ddl(const char *sql, size_t len)
{
	const char *p = sql, *end = sql + len;
	char verb[32], next[32];

	if (!mock_word(&p, end, verb, sizeof verb))
		return 0;
	mock_word(&p, end, next, sizeof next);
	return (is(verb, "CREATE") && !is(next, "TEMP") && !is(next, "TEMPORARY")) || is(verb, "DROP") ||
	       is(verb, "ALTER");
}

/* --- the lock ------------------------------------------------------------------- */

/* Held within the process by a row here, and by an open transaction on a file
 * beside a database that is a file, which the system ends with its process. */
struct mock_lock {
	struct mock_lock *next;
	char *key;
	struct mock_conn *conn;  /* NULL: its session is gone, it lingers */
	int64_t gone_at;
	sqlite3 *file;
	char holder[256], since[40];
};

static void drop(struct mock_lock **at)
{
	struct mock_lock *l = *at;

	*at = l->next;
	sqlite3_close_v2(l->file);
	mock_free(l->key);
	mock_free(l);
}

void mock_locks_drop(struct mock_conn *c, long linger_ms)
{
	struct mock_lock **at = &c->db->locks;

	while (*at) {
		if ((*at)->conn != c) {
			at = &(*at)->next;
		} else if (linger_ms > 0) {
			(*at)->conn = NULL;
			(*at)->gone_at = mock_now_ms() + linger_ms;
			at = &(*at)->next;
		} else {
			drop(at);
		}
	}
}

static struct mock_lock **find_lock(struct mock_db *db, const char *key)
{
	struct mock_lock **at = &db->locks;

	while (*at) {
		if (!(*at)->conn && mock_now_ms() >= (*at)->gone_at)
			drop(at);
		else if (strcmp((*at)->key, key) == 0)
			break;
		else
			at = &(*at)->next;
	}
	return at;
}

static int keep_holder(void *arg, int n, char **value, char **name)
{
	struct mock_lock *l = arg;

	(void)name;
	if (n == 2) {
		snprintf(l->holder, sizeof l->holder, "%s", value[0] ? value[0] : "");
		snprintf(l->since, sizeof l->since, "%s", value[1] ? value[1] : "");
	}
	return 0;
}

static sqlite3 *open_file(const struct mock_db *db, const char *key)
{
	sqlite3 *file = NULL;
	uint32_t hash = 2166136261u;
	char *path;

	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	path = sqlite3_mprintf("%s-mock-lock-%08x", db->name, hash);
	if (!path || sqlite3_open_v2(path, &file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
		sqlite3_close_v2(file);
		file = NULL;
	}
	sqlite3_free(path);
	return file;
}

/* Who holds the file's lock; 0: nobody. */
static int file_holder(sqlite3 *file, struct mock_lock *who)
{
	int rc = sqlite3_exec(file, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_exec(file, "ROLLBACK", NULL, NULL, NULL);
		return 0;
	}
	sqlite3_exec(file, "SELECT holder, since FROM holder", keep_holder, who, NULL);
	return 1;
}

/* The name is committed before the lock is taken for good, so that others can
 * read it; who slips in between has the lock. */
static int take_file(sqlite3 *file, const struct mock_lock *l)
{
	char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS holder (holder, since);"
	                            "DELETE FROM holder; INSERT INTO holder VALUES (%Q, %Q); COMMIT; BEGIN IMMEDIATE",
	                            l->holder, l->since);
	int rc = sql ? sqlite3_exec(file, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return rc;
}

static int busy(const struct mock_lock *l, struct dunlin_driver_error *err)
{
	mock_fail(err, DUNLIN_CLASS_LOCK, "%s%s%s%s", l->holder[0] ? "held by " : "", l->holder,
	          l->since[0] ? " since " : "", l->since);
	return DUNLIN_EBUSY;
}

static void set_holder(struct mock_lock *l, const char *holder)
{
	time_t now = time(NULL);
	struct tm tm;

	snprintf(l->holder, sizeof l->holder, "%s", holder ? holder : "");
	gmtime_r(&now, &tm);
	strftime(l->since, sizeof l->since, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int take(struct mock_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	struct mock_lock **at = find_lock(c->db, key), *l, who = { 0 };

	if (*at)
		return (*at)->conn == c ? DUNLIN_OK : busy(*at, err);
	l = mock_zalloc(sizeof *l);
	if (!l || !(l->key = mock_strndup(key, strlen(key)))) {
		mock_free(l);
		return DUNLIN_ENOMEM;
	}
	l->conn = c;
	set_holder(l, holder);
	l->next = c->db->locks;
	c->db->locks = l;
	if (c->db->name[0] == ':')
		return DUNLIN_OK;
	l->file = open_file(c->db, key);
	if (!l->file) {
		drop(&c->db->locks);
		return mock_fail(err, DUNLIN_CLASS_UNKNOWN, "the lock's file cannot be opened");
	}
	if (take_file(l->file, l) == SQLITE_OK)
		return DUNLIN_OK;
	file_holder(l->file, &who);
	drop(&c->db->locks);
	return busy(&who, err);
}

int mock_lock(struct mock_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	int rc;

	pthread_mutex_lock(&mock_lock_all);
	rc = take(c, key, holder, err);
	pthread_mutex_unlock(&mock_lock_all);
	return rc;
}

int mock_unlock(struct mock_conn *c, const char *key, struct dunlin_driver_error *err)
{
	struct mock_lock **at;
	int rc = DUNLIN_OK;

	pthread_mutex_lock(&mock_lock_all);
	at = find_lock(c->db, key);
	if (*at && (*at)->conn == c)
		drop(at);
	else
		rc = mock_fail(err, DUNLIN_CLASS_LOCK, "the lock is not held by this connection");
	pthread_mutex_unlock(&mock_lock_all);
	return rc;
}

int mock_lock_info(struct mock_conn *c, const char *key, int32_t *held, char *holder, size_t holder_size,
                   char *since, size_t since_size, struct dunlin_driver_error *err)
{
	struct mock_lock who = { 0 };
	struct mock_lock *l;
	int rc = DUNLIN_OK;

	*held = 0;
	pthread_mutex_lock(&mock_lock_all);
	l = *find_lock(c->db, key);
	if (l) {
		*held = 1;
		who = *l;
	} else if (c->db->name[0] != ':') {
		sqlite3 *file = open_file(c->db, key);

		if (file)
			*held = file_holder(file, &who);
		else
			rc = mock_fail(err, DUNLIN_CLASS_UNKNOWN, "the lock's file cannot be opened");
		sqlite3_close_v2(file);
	}
	pthread_mutex_unlock(&mock_lock_all);
	snprintf(holder, holder_size, "%s", who.holder);
	snprintf(since, since_size, "%s", who.since);
	return rc;
}

/* --- the schema --------------------------------------------------------------------- */

struct answer { char *out; size_t size; };

static int keep_answer(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	struct answer *a = arg;

	(void)ncol;
	(void)len;
	(void)type;
	snprintf(a->out, a->size, "%s", value[0] ? value[0] : "");
	return 0;
}

/* The name of the object that a statement makes, changes or drops. */
static int object_of(const char *sql, size_t len, char *name, size_t size)
{
	static const char *const between[] = {
		"TEMP", "TEMPORARY", "UNIQUE", "TABLE", "INDEX", "VIEW", "TRIGGER", "IF", "NOT", "EXISTS",
	};
	const size_t n = sizeof between / sizeof *between;
	const char *p = sql, *end = sql + len;
	size_t i = 0;

	mock_word(&p, end, name, size);
	while (i < n && mock_word(&p, end, name, size))
		for (i = 0; i < n && !is(name, between[i]); i++)
			;
	return i == n;
}

/* That object as the schema has it. */
int mock_probe(struct mock_conn *c, const char *sql, size_t len, char *answer, size_t size,
               struct dunlin_driver_error *err)
{
	static const char query[] = "SELECT coalesce((SELECT type || ' ' || length(sql) || ' ' || sql FROM sqlite_master "
	                            "WHERE name = ?1 COLLATE NOCASE), 'absent')";
	const struct mock_script *s = c->db->script;
	struct answer a = { answer, size };
	struct dunlin_param name = { 0 };
	char word[128];

	if ((s && s->is_probe_enotsup) || !mock_is_ddl(sql, len) || !object_of(sql, len, word, sizeof word))
		return DUNLIN_ENOTSUP;
	if (s && s->is_probe_same) {
		snprintf(answer, size, "same");
		return DUNLIN_OK;
	}
	if (mock_caps_of(c) & DUNLIN_CAP_PROBE_SQL) { /* by the same expression */
		char select[600] = "SELECT ";

		mock_probe_sql(c, sql, len, select + 7, sizeof select - 7);
		return mock_exec(c, select, strlen(select), NULL, 0, keep_answer, &a, err);
	}
	name.value = word;
	name.len = strlen(word);
	return mock_exec(c, query, sizeof query - 1, &name, 1, keep_answer, &a, err);
}

int mock_probe_sql(struct mock_conn *c, const char *sql, size_t len, char *expr, size_t size)
{
	const struct mock_script *s = c->db->script;
	char word[128];

	if ((s && s->is_probe_enotsup) || !mock_is_ddl(sql, len) || !object_of(sql, len, word, sizeof word))
		return DUNLIN_ENOTSUP;
	if (s && s->is_probe_same)
		sqlite3_snprintf((int)size, expr, "'same'");
	else
		sqlite3_snprintf((int)size, expr, "coalesce((SELECT type || length(sql) || '-' || hex(substr(sql, -60)) "
		                 "FROM main.sqlite_master WHERE name = %Q COLLATE NOCASE), 'absent')", word);
	return DUNLIN_OK;
}

struct facts {
	const char *const *ignore;
	size_t n_ignore;
	dunlin_fact_fn *fact;
	void *arg;
};

static int give_fact(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	const struct facts *f = arg;

	(void)ncol;
	(void)type;
	for (size_t i = 0; i < f->n_ignore; i++)
		if (value[1] && is(value[1], f->ignore[i]))
			return 0;
	return f->fact(f->arg, value[0], len[0]);
}

int mock_snapshot(struct mock_conn *c, const char *const *ignore, size_t n_ignore,
                  dunlin_fact_fn *fact, void *arg, struct dunlin_driver_error *err)
{
	static const char query[] =
		"SELECT type || ' ' || name || CASE WHEN type IN ('index', 'trigger') THEN ' on ' || tbl_name ELSE '' END AS fact,"
		" tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~' "
		"UNION ALL SELECT 'column ' || m.name || '.' || c.name || ' type ' || lower(c.type) ||"
		" CASE WHEN c.\"notnull\" THEN ' not null' ELSE '' END || coalesce(' default ' || c.dflt_value, ''), m.name"
		" FROM sqlite_master m JOIN pragma_table_info(m.name) c"
		" WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY 1";
	struct facts f = { ignore, n_ignore, fact, arg };

	return mock_exec(c, query, sizeof query - 1, NULL, 0, give_fact, &f, err);
}

struct first { char sql[256]; };

static int keep_first(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	struct first *f = arg;

	(void)ncol;
	(void)len;
	(void)type;
	snprintf(f->sql, sizeof f->sql, "%s", value[0]);
	return 0;
}

int mock_drop_objects(struct mock_conn *c, struct dunlin_driver_error *err)
{
	static const char query[] = "SELECT 'DROP ' || type || ' \"' || replace(name, '\"', '\"\"') || '\"' FROM sqlite_master "
	                            "WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' LIMIT 1";

	for (;;) {
		struct first f = { "" };
		int rc = mock_exec(c, query, sizeof query - 1, NULL, 0, keep_first, &f, err);

		if (rc == DUNLIN_OK && f.sql[0])
			rc = mock_run(c, f.sql, err);
		if (rc != DUNLIN_OK || !f.sql[0])
			return rc;
	}
}
