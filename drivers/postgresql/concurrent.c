/*
 * concurrent.c - what CONCURRENTLY leaves behind when it does not get to its end.
 *
 * CREATE INDEX CONCURRENTLY that fails leaves an invalid index, which writers
 * keep up, which no query uses, and which IF NOT EXISTS takes for the real one.
 * REINDEX CONCURRENTLY leaves NAME_ccnew or NAME_ccold; DETACH PARTITION
 * CONCURRENTLY a partition that is detached by half, and refuses to begin again.
 *
 * An index that somebody is building looks the same as a leftover: it is known by
 * its builder, who holds the table's lock and reports progress.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

#define AFTER_LOCK_TIMEOUT "3s" /* after a failure somebody waits for us to end */
#define AFTER_TIMEOUT      "10s"

enum kind { OTHER = 0, CREATE_INDEX, REINDEX, DETACH };

struct about {
	int kind;
	const char *scope;               /* of REINDEX: index, table, schema, database */
	struct pg_index_words index;     /* of CREATE INDEX                            */
	struct drv_text name;            /* what REINDEX names; the partition          */
	struct drv_text table;           /* that it is of                              */
};

struct leftovers {
	struct drv_text names; /* quoted, NUL-ended each */
	size_t n;
	char builder[32];      /* pid of who is at work on one */
	char of[300];          /* ... and on which             */
};

static void about_clear(struct about *a)
{
	drv_text_clear(&a->name);
	drv_text_clear(&a->table);
	pg_index_words_clear(&a->index);
}

static int is_failed(const struct about *a)
{
	return a->name.is_failed || a->table.is_failed || pg_index_words_failed(&a->index);
}

/* --- reading the statement ---------------------------------------------------------- */

static int read_create(struct pg_words *w, struct about *a)
{
	a->kind = CREATE_INDEX;
	return pg_words_create_index(w, &a->index) && a->index.is_concurrent;
}

/* Is CONCURRENTLY among the options, and not switched off? */
static int read_options(struct pg_words *w)
{
	const char *from = NULL, *to = NULL;
	struct pg_words in;
	int is_on = 0;

	if (!pg_words_parens(w, &from, &to))
		return 0;
	pg_words_start(&in, from, (size_t)(to - from));
	for (; !pg_words_is_end(&in); pg_words_next(&in)) {
		int is_it = pg_words_take(&in, "CONCURRENTLY");

		if (is_it)
			is_on = !pg_words_is(&in, "FALSE") && !pg_words_is(&in, "OFF") && !pg_words_is(&in, "0");
		pg_words_to_comma(&in);
		if (pg_words_is_end(&in))
			break;
	}
	return is_on;
}

static int read_reindex(struct pg_words *w, struct about *a)
{
	static const char *const scopes[] = { "index", "table", "schema", "database", "system" };
	int is_concurrent = read_options(w);
	size_t i;

	for (i = 0; i < sizeof scopes / sizeof *scopes; i++)
		if (pg_words_take(w, scopes[i]))
			a->scope = scopes[i];
	if (!a->scope || !(pg_words_take(w, "CONCURRENTLY") | is_concurrent))
		return 0;
	a->kind = REINDEX;
	/* A database is the one that we are in. */
	return pg_words_name(w, &a->name) || strcmp(a->scope, "database") == 0 || strcmp(a->scope, "system") == 0;
}

static int read_detach(struct pg_words *w, struct about *a)
{
	if (!pg_words_take(w, "TABLE"))
		return 0;
	pg_words_take(w, "IF EXISTS");
	pg_words_take(w, "ONLY");
	if (!pg_words_name(w, &a->table) || !pg_words_take(w, "DETACH PARTITION") || !pg_words_name(w, &a->name))
		return 0;
	a->kind = DETACH;
	return pg_words_is(w, "CONCURRENTLY");
}

/* 1: it is one of those. */
static int read_statement(const char *sql, size_t len, struct about *a)
{
	struct pg_words w;

	pg_words_start(&w, sql, len);
	return (pg_words_take(&w, "CREATE") && read_create(&w, a)) || (pg_words_take(&w, "REINDEX") && read_reindex(&w, a)) ||
	       (pg_words_take(&w, "ALTER") && read_detach(&w, a));
}

/* --- finding leftovers ---------------------------------------------------------------- */

#define INVALID \
	"SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), (SELECT l.pid FROM pg_catalog.pg_locks l" \
	"  JOIN pg_catalog.pg_stat_progress_create_index b ON b.pid = l.pid" \
	"  WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted" \
	"   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())" \
	"   AND l.pid <> pg_catalog.pg_backend_pid() LIMIT 1)" \
	" FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid" \
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_class t ON t.oid = i.indrelid" \
	" WHERE NOT i.indisvalid AND c.relkind = 'i' "

static const char named_sql[] = INVALID
	"AND t.oid = pg_catalog.to_regclass($2) AND c.relname = (pg_catalog.parse_ident($1))[1]::pg_catalog.name";

static const char unnamed_sql[] = INVALID "AND t.oid = pg_catalog.to_regclass($2) AND " PG_INDEX_IS_LIKE("c", "i", "t", "$1");

#define LEFT_BY_REINDEX INVALID "AND c.relname::pg_catalog.text ~ '_cc(new|old)[0-9]*$' "
/* Of a table, of its partitions, and of what they have out of line. */
#define OF_TABLE(t) \
	"AND EXISTS (SELECT FROM pg_catalog.pg_class r LEFT JOIN pg_catalog.pg_partition_tree(" t ") p ON true" \
	" WHERE r.oid IN (" t ", p.relid) AND t.oid IN (r.oid, r.reltoastrelid))"

static const char of_table_sql[] = LEFT_BY_REINDEX OF_TABLE("pg_catalog.to_regclass($1)");
static const char of_index_sql[] = LEFT_BY_REINDEX
	OF_TABLE("(SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = pg_catalog.to_regclass($1))");
static const char of_schema_sql[] = LEFT_BY_REINDEX
	"AND EXISTS (SELECT FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace"
	" WHERE rn.nspname = (pg_catalog.parse_ident($1))[1]::pg_catalog.name AND t.oid IN (r.oid, r.reltoastrelid))";
static const char of_database_sql[] = LEFT_BY_REINDEX "AND $1 = $1";

static const char *leftovers_sql(const struct about *a)
{
	if (a->kind == CREATE_INDEX)
		return a->index.name.len ? named_sql : unnamed_sql;
	switch (a->scope[0]) {
	case 'i':
		return of_index_sql;
	case 't':
		return of_table_sql;
	case 's':
		return a->scope[1] == 'c' ? of_schema_sql : of_database_sql;
	default:
		return of_database_sql;
	}
}

static int take_leftover(void *arg, int ncol, const char *const *v, const size_t *len)
{
	struct leftovers *l = arg;

	(void)ncol;
	if (!v[0])
		return DUNLIN_OK;
	if (v[1]) {
		snprintf(l->builder, sizeof l->builder, "%s", v[1]);
		snprintf(l->of, sizeof l->of, "%s", v[0]);
	}
	drv_text_add(&l->names, v[0], len[0] + 1);
	l->n++;
	return l->names.is_failed ? DUNLIN_ENOMEM : DUNLIN_OK;
}

static int find_leftovers(struct dunlin_conn *c, const struct about *a, struct leftovers *l, struct dunlin_driver_error *err)
{
	const struct pg_index_words *x = &a->index;
	const char *param[2] = { a->name.len ? a->name.p : "", NULL };

	if (a->kind == CREATE_INDEX) {
		param[0] = x->name.len ? x->name.p : x->keys.p;
		param[1] = x->table.p;
	}
	return pg_each(c, leftovers_sql(a), param, a->kind == CREATE_INDEX ? 2 : 1, take_leftover, l, err);
}

/* --- dropping them -------------------------------------------------------------------------- */

static void tell(struct dunlin_conn *c, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void tell(struct dunlin_conn *c, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (c->obs && c->obs->notice)
		c->obs->notice(c->obs->arg, c->obs_index, level, text);
	else
		drv_log(level, text);
}

static int set_timeout(struct dunlin_conn *c, const char *name, const char *value, struct dunlin_driver_error *err)
{
	const char *param[2] = { name, value };
	char was[32];

	return pg_scalar(c, "SELECT pg_catalog.set_config($1, $2, false)", param, 2, was, sizeof was, err);
}

static int drop_each(struct dunlin_conn *c, const struct leftovers *l, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 };
	int status = DUNLIN_OK;
	size_t at;

	for (at = 0; at < l->names.len && status == DUNLIN_OK; at += strlen(l->names.p + at) + 1) {
		drv_text_reset(&sql);
		drv_text_addf(&sql, "DROP INDEX CONCURRENTLY IF EXISTS %s", l->names.p + at);
		status = sql.is_failed ? drv_nomem(err) : pg_do(c, sql.p, err);
		if (status == DUNLIN_OK)
			tell(c, DUNLIN_LOG_WARN, "dropped the invalid index %s", l->names.p + at);
	}
	drv_text_clear(&sql);
	return status;
}

/* The file's own timeouts stand again afterwards. */
static int drop_leftovers(struct dunlin_conn *c, const struct leftovers *l, const char *lock_timeout, const char *timeout,
                          struct dunlin_driver_error *err)
{
	char own_lock[32], own[32];
	int status = pg_scalar(c, "SELECT pg_catalog.current_setting('lock_timeout')", NULL, 0, own_lock, sizeof own_lock, err);

	if (status == DUNLIN_OK)
		status = pg_scalar(c, "SELECT pg_catalog.current_setting('statement_timeout')", NULL, 0, own, sizeof own, err);
	if (status != DUNLIN_OK)
		return status;
	status = set_timeout(c, "lock_timeout", lock_timeout, err);
	if (status == DUNLIN_OK && timeout)
		status = set_timeout(c, "statement_timeout", timeout, err);
	if (status == DUNLIN_OK)
		status = drop_each(c, l, err);
	if (!c->is_lost) {
		set_timeout(c, "lock_timeout", own_lock, NULL);
		set_timeout(c, "statement_timeout", own, NULL);
	}
	return status;
}

/* --- before ------------------------------------------------------------------------------------ */

static int clear_way(struct dunlin_conn *c, const struct about *a, struct dunlin_driver_error *err)
{
	struct leftovers l = { 0 };
	int status = find_leftovers(c, a, &l, err);

	if (status == DUNLIN_OK && l.names.is_failed) {
		status = drv_nomem(err);
	} else if (status == DUNLIN_OK && l.builder[0]) {
		status = drv_error(err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, 0, "process %s is building index %s", l.builder, l.of);
		if (err)
			err->is_retryable = 1;
	} else if (status == DUNLIN_OK && l.n) {
		/* As the statement itself: it waits for whoever is at work on the table. */
		status = drop_leftovers(c, &l, "0", NULL, err);
	}
	drv_text_clear(&l.names);
	return status;
}

static const char pending_sql[] =
	"SELECT inhdetachpending FROM pg_catalog.pg_inherits"
	" WHERE inhparent = pg_catalog.to_regclass($1) AND inhrelid = pg_catalog.to_regclass($2)";

static int is_pending(struct dunlin_conn *c, const struct about *a, int *answer, struct dunlin_driver_error *err)
{
	const char *param[2] = { a->table.p, a->name.p };
	char value[8] = "";
	int status = pg_scalar(c, pending_sql, param, 2, value, sizeof value, err);

	*answer = status == DUNLIN_OK && value[0] == 't';
	return status;
}

/* An earlier one got half way: FINALIZE is what is left of it. */
static int finish_detach(struct dunlin_conn *c, const struct about *a, struct dunlin_driver_error *err)
{
	struct drv_text sql = { 0 };
	int is_half = 0, status = is_pending(c, a, &is_half, err);

	if (status != DUNLIN_OK || !is_half)
		return status;
	drv_text_addf(&sql, "ALTER TABLE %s DETACH PARTITION %s FINALIZE", a->table.p, a->name.p);
	status = sql.is_failed ? drv_nomem(err) : pg_do(c, sql.p, err);
	drv_text_clear(&sql);
	if (status != DUNLIN_OK)
		return status;
	tell(c, DUNLIN_LOG_WARN, "partition %s was detached by half: that is finished now", a->name.p);
	return PG_CONCURRENT_DONE;
}

int pg_concurrent_before(struct dunlin_conn *c, const char *sql, size_t len, struct dunlin_driver_error *err)
{
	struct about a = { 0 };
	int is_it = read_statement(sql, len, &a), status = DUNLIN_OK;

	if (is_failed(&a))
		status = drv_nomem(err);
	else if (is_it && a.kind == DETACH)
		status = c->server_version >= 140000 ? finish_detach(c, &a, err) : DUNLIN_OK;
	else if (is_it)
		status = clear_way(c, &a, err);
	about_clear(&a);
	return status;
}

/* Behind what the hint says already. */
static void add_hint(struct dunlin_driver_error *err, const char *fmt, const char *name)
{
	char was[sizeof err->hint], more[sizeof err->hint];

	if (!err)
		return;
	snprintf(was, sizeof was, "%s", err->hint);
	snprintf(more, sizeof more, fmt, name);
	drv_hint(err, "%s%s%s", was, was[0] ? " " : "", more);
}

/* --- after ---------------------------------------------------------------------------------------- */

/* What a failure has left goes, if it goes soon; else the next run sees to it. */
static void clean_up(struct dunlin_conn *c, const struct about *a, struct dunlin_driver_error *err)
{
	struct leftovers l = { 0 };
	int was = c->is_unstoppable;

	c->is_unstoppable = 1;
	if (find_leftovers(c, a, &l, NULL) == DUNLIN_OK && l.n && !l.builder[0] &&
	    drop_leftovers(c, &l, AFTER_LOCK_TIMEOUT, AFTER_TIMEOUT, NULL) != DUNLIN_OK)
		add_hint(err, "It left the invalid index %s, which the next try drops.", l.names.p);
	c->is_unstoppable = was;
	drv_text_clear(&l.names);
}

/* The server said that it is done. */
static int check(struct dunlin_conn *c, const struct about *a, struct dunlin_driver_error *err)
{
	struct leftovers l = { 0 };
	int status = find_leftovers(c, a, &l, err);

	if (status == DUNLIN_OK && l.names.is_failed) {
		status = drv_nomem(err);
	} else if (status == DUNLIN_OK && l.n) {
		status = drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_SCHEMA, 0, "the statement succeeded, and index %s is invalid", l.names.p);
		drv_hint(err, "Run it again: the invalid index is dropped first.");
		clean_up(c, a, NULL);
	}
	drv_text_clear(&l.names);
	return status;
}

int pg_concurrent_after(struct dunlin_conn *c, const char *sql, size_t len, int status, struct dunlin_driver_error *err)
{
	struct about a = { 0 };
	int is_it = read_statement(sql, len, &a), is_half = 0;

	if (!is_it || is_failed(&a) || c->is_lost ||
	    PQtransactionStatus(c->pg) != PQTRANS_IDLE)
		goto out;
	if (status == DUNLIN_OK && a.kind == CREATE_INDEX)
		status = check(c, &a, err);
	else if (status != DUNLIN_OK && a.kind != DETACH)
		clean_up(c, &a, err);
	else if (status != DUNLIN_OK && c->server_version >= 140000 && is_pending(c, &a, &is_half, NULL) == DUNLIN_OK &&
	         is_half)
		add_hint(err, "The partition %s is detached by half: the next try finishes it by DETACH PARTITION ... FINALIZE.", a.name.p);
out:
	about_clear(&a);
	return status;
}
