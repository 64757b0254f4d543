/*
 * ledger.c - the SQL of the two tables.  It is the part of SQL on which all
 * databases agree; what differs (types, "now", quoting, parameters) comes from
 * the dialect.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "ledger.h"

#include <string.h>
#include <sys/random.h>

/* Columns that an insert sets by parameter, in this order; then applied_at and
 * execution_ms, and down_sql. */
static const char *const columns[] = {
	"component", "version", "name", "kind", "state", "direction", "batch", "apply_order",
	"checksum", "statements_checksum", "statements_done", "statements_total", "intent",
	"applied_by", "run_id", "seq", "tool_version", "error_class", "error_message",
};
#define N_COLUMNS (sizeof columns / sizeof *columns)

/* Appends fmt with "?" as the dialect writes its parameters; *n counts them. */
static void add_sql(struct buf *b, const struct dunlin_dialect *d, int *n, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p != '?')
			buf_addc(b, *p);
		else if (d->param_style == DUNLIN_PARAM_DOLLAR)
			buf_addf(b, "$%d", ++*n);
		else
			buf_addc(b, '?');
	}
}

static void add_quoted(struct buf *b, char open, char close, const char *s)
{
	buf_addc(b, open);
	for (; *s; s++) {
		if (*s == close)
			buf_addc(b, close);
		buf_addc(b, *s);
	}
	buf_addc(b, close);
}

/* Expands %M %E %S %m %e (identifiers) or, as literals, %m %e; %s is one always. */
static const char *expand(struct ledger *l, const char *text, int as_literals)
{
	const struct dunlin_dialect *d = l->dialect;
	struct buf b = BUF_INIT;
	const char *out;

	for (const char *p = text; *p; p++) {
		const char *name = NULL;
		int is_qualified = 0;

		if (*p == '%') {
			switch (p[1]) {
			case 'M': name = l->name; is_qualified = 1; break;
			case 'E': name = l->events; is_qualified = 1; break;
			case 'm': name = l->name; break;
			case 'e': name = l->events; break;
			case 'S': case 's': name = l->schema; break;
			default: break;
			}
		}
		if (!name) {
			buf_addc(&b, *p);
			continue;
		}
		p++;
		if (as_literals || *p == 's') {
			add_quoted(&b, '\'', '\'', name);
			continue;
		}
		if (is_qualified && l->schema[0]) {
			add_quoted(&b, d->quote_open, d->quote_close, l->schema);
			buf_addc(&b, '.');
		}
		add_quoted(&b, d->quote_open, d->quote_close, name);
	}
	out = b.is_failed || !b.p ? NULL : arena_strdup(&l->arena, b.p);
	buf_clear(&b);
	return out;
}

/* Expands a statement of ours: parameters first, for a name may have a "?". */
static const char *statement(struct ledger *l, const char *text)
{
	struct buf b = BUF_INIT;
	const char *out;
	int n = 0;

	add_sql(&b, l->dialect, &n, text);
	out = b.is_failed || !b.p ? NULL : expand(l, b.p, 0);
	buf_clear(&b);
	return out;
}

static const char *insert_statement(struct ledger *l, int is_elapsed)
{
	struct buf b = BUF_INIT;
	const char *out;

	buf_adds(&b, "INSERT INTO %M (");
	for (size_t i = 0; i < N_COLUMNS; i++)
		buf_addf(&b, "%s, ", columns[i]);
	buf_adds(&b, "applied_at, execution_ms, down_sql) VALUES (");
	for (size_t i = 0; i < N_COLUMNS; i++)
		buf_adds(&b, "?, ");
	buf_addf(&b, "%s, %s, ?)", l->dialect->now, is_elapsed ? l->dialect->elapsed_ms : "?");
	out = b.is_failed ? NULL : statement(l, b.p);
	buf_clear(&b);
	return out;
}

/* ms: execution_ms; it is set before applied_at, which it may be reckoned from,
 * for MariaDB assigns from left to right. */
static const char *update_statement(struct ledger *l, const char *ms)
{
	struct buf b = BUF_INIT;
	const char *out;

	buf_adds(&b, "UPDATE %M SET ");
	for (size_t i = 2; i < N_COLUMNS; i++)
		buf_addf(&b, "%s = ?, ", columns[i]);
	buf_addf(&b, "execution_ms = %s, applied_at = %s WHERE component = ? AND version = ?", ms, l->dialect->now);
	out = b.is_failed ? NULL : statement(l, b.p);
	buf_clear(&b);
	return out;
}

/* The event takes time, actor and duration from the row just written, so that
 * log and table cannot differ. */
static const char *event_of_row_statement(struct ledger *l)
{
	struct buf b = BUF_INIT;
	const char *out;

	buf_adds(&b, "INSERT INTO %E (run_id, seq, component, version, event, at, actor, detail) "
	             "SELECT run_id, seq, component, version, ");
	if (l->dialect->concat_style == DUNLIN_CONCAT_FUNCTION)
		buf_adds(&b, "?, applied_at, applied_by, concat(?, execution_ms, ?)");
	else
		buf_adds(&b, "CAST(? AS text), applied_at, applied_by, CAST(? AS text) || execution_ms || CAST(? AS text)");
	buf_adds(&b, " FROM %M WHERE component = ? AND version = ?");
	out = b.is_failed ? NULL : statement(l, b.p);
	buf_clear(&b);
	return out;
}

static const char *event_statement(struct ledger *l)
{
	struct buf b = BUF_INIT;
	const char *out;

	buf_addf(&b, "INSERT INTO %%E (run_id, seq, component, version, event, at, actor, detail) "
	             "VALUES (?, ?, ?, ?, ?, %s, ?, ?)", l->dialect->now);
	out = b.is_failed ? NULL : statement(l, b.p);
	buf_clear(&b);
	return out;
}

/* The same, with the time that the database measured at the detail's end. */
static const char *event_elapsed_statement(struct ledger *l)
{
	struct buf b = BUF_INIT;
	const char *out, *ms = l->dialect->elapsed_ms;

	buf_addf(&b, "INSERT INTO %%E (run_id, seq, component, version, event, at, actor, detail) "
	             "VALUES (?, ?, ?, ?, ?, %s, ?, ", l->dialect->now);
	if (l->dialect->concat_style == DUNLIN_CONCAT_FUNCTION)
		buf_addf(&b, "concat(?, %s, '}'))", ms);
	else
		buf_addf(&b, "CAST(? AS text) || %s || '}')", ms);
	out = b.is_failed ? NULL : statement(l, b.p);
	buf_clear(&b);
	return out;
}

/* a, the probe's answer, b */
static void add_probed(struct buf *b, const struct dunlin_dialect *d)
{
	if (d->concat_style == DUNLIN_CONCAT_FUNCTION)
		buf_addf(b, "concat(?, %s, ?)", d->probe_get);
	else
		buf_addf(b, "CAST(? AS text) || %s || CAST(? AS text)", d->probe_get);
}

/* Row and event of a statement that is about to run, with the evidence that the
 * server has just taken. */
static int make_probed(struct ledger *l)
{
	struct buf b = BUF_INIT;

	if (!l->dialect->probe_get)
		return 0;
	buf_adds(&b, "UPDATE %M SET statements_done = ?, intent = ");
	add_probed(&b, l->dialect);
	buf_adds(&b, ", run_id = ?, seq = ? WHERE component = ? AND version = ?");
	l->update_probed = b.is_failed ? NULL : statement(l, b.p);
	buf_clear(&b);
	buf_addf(&b, "INSERT INTO %%E (run_id, seq, component, version, event, at, actor, detail) "
	             "VALUES (?, ?, ?, ?, ?, %s, ?, ", l->dialect->now);
	add_probed(&b, l->dialect);
	buf_addc(&b, ')');
	l->event_probed = b.is_failed ? NULL : statement(l, b.p);
	buf_clear(&b);
	return l->update_probed && l->event_probed ? 0 : -1;
}

/* Both questions in one round trip; the second costs nothing where the ledger is. */
static const char *look_statement(struct ledger *l)
{
	const char *exists = l->dialect->ledger_exists;
	struct buf b = BUF_INIT;
	const char *out;

	buf_addf(&b, "SELECT 1, NULL FROM (%s) dunlin_ledger UNION ALL "
	             "SELECT 2, dunlin_other.* FROM (%s) dunlin_other WHERE NOT EXISTS (%s) ORDER BY 1, 2",
	         exists, l->dialect->foreign_tables, exists);
	out = b.is_failed ? NULL : expand(l, b.p, 1);
	buf_clear(&b);
	return out;
}

static const char *others_statement(struct ledger *l)
{
	struct buf b = BUF_INIT;
	const char *out;

	buf_addf(&b, "SELECT 2, dunlin_other.* FROM (%s) dunlin_other ORDER BY 2", l->dialect->foreign_tables);
	out = b.is_failed ? NULL : expand(l, b.p, 1);
	buf_clear(&b);
	return out;
}

#define EVENT_COLUMNS "run_id, seq, component, version, event, at, actor, detail"

static int make_statements(struct ledger *l)
{
	size_t n = 0;

	l->insert_tx = insert_statement(l, 1);
	l->insert_row = insert_statement(l, 0);
	l->update_row = update_statement(l, "?");
	l->update_end = l->dialect->row_ms ? update_statement(l, l->dialect->row_ms) : l->update_row;
	l->insert_event = event_statement(l);
	l->event_of_row = event_of_row_statement(l);
	l->event_elapsed = event_elapsed_statement(l);
	l->update_progress = statement(l, "UPDATE %M SET statements_done = ?, intent = ?, run_id = ?, seq = ? "
	                                  "WHERE component = ? AND version = ?");
	l->update_error = statement(l, "UPDATE %M SET error_class = ?, error_message = ?, run_id = ?, seq = ? "
	                               "WHERE component = ? AND version = ?");
	l->update_sums = statement(l, "UPDATE %M SET checksum = ?, statements_checksum = ?, down_sql = ?, "
	                              "run_id = ?, seq = ? WHERE component = ? AND version = ?");
	l->delete_row = statement(l, "DELETE FROM %M WHERE component = ? AND version = ?");
	l->select_rows = statement(l, "SELECT component, version, name, kind, state, direction, batch, apply_order, "
	                              "checksum, statements_checksum, statements_done, statements_total, intent, "
	                              "applied_by, run_id, seq, tool_version, error_class, error_message, applied_at, "
	                              "execution_ms, CASE WHEN down_sql IS NULL THEN 0 ELSE 1 END FROM %M");
	l->select_last = statement(l, "SELECT (SELECT max(id) FROM %E), detail FROM %E WHERE event IN "
	                              "('run.started', 'run.finished', 'ledger.layout') ORDER BY id DESC LIMIT 1");
	l->select_down = statement(l, "SELECT down_sql FROM %M WHERE component = ? AND version = ?");
	l->select_events = statement(l, "SELECT " EVENT_COLUMNS " FROM %E ORDER BY id");
	l->select_newest = statement(l, "SELECT " EVENT_COLUMNS " FROM (SELECT id, " EVENT_COLUMNS
	                                " FROM %E ORDER BY id DESC LIMIT ?) newest ORDER BY id");
	l->select_run = statement(l, "SELECT " EVENT_COLUMNS " FROM %E WHERE run_id = ? AND seq > ? ORDER BY seq");
	l->count_rows = statement(l, "SELECT count(*) FROM %M");
	l->drop_rows = statement(l, "DROP TABLE %M");
	l->look = look_statement(l);
	l->exists = expand(l, l->dialect->ledger_exists, 1);
	l->others = others_statement(l);
	while (l->dialect->ledger_ddl[n])
		n++;
	l->ddl = arena_alloc(&l->arena, (n + 1) * sizeof *l->ddl);
	for (size_t i = 0; l->ddl && i < n; i++) {
		l->ddl[i] = expand(l, l->dialect->ledger_ddl[i], 0);
		if (!l->ddl[i])
			return -1;
	}
	return make_probed(l) == 0 && l->update_end && l->insert_tx && l->insert_row && l->update_row && l->insert_event && l->event_of_row && l->event_elapsed &&
	       l->update_progress && l->update_error && l->update_sums && l->delete_row && l->select_rows &&
	       l->select_last && l->select_down && l->select_events && l->select_newest && l->select_run &&
	       l->count_rows && l->drop_rows && l->look && l->exists && l->others && l->ddl ? 0 : -1;
}

int ledger_init(struct ledger *l, const struct dunlin_dialect *d, const char *table, struct dunlin_error *err)
{
	const char *dot = strchr(table, '.');

	memset(l, 0, sizeof *l);
	if (!d->ledger_ddl || !d->ledger_exists || !d->foreign_tables || !d->now || !d->elapsed_ms)
		return error_set(err, DUNLIN_EXIT_DRIVER, DUNLIN_CLASS_DRIVER,
		                 "the driver's dialect has no tables for the ledger");
	if (!*table || dot == table || (dot && (!dot[1] || strchr(dot + 1, '.'))))
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		                 "'%s' is not the name of a table: [SCHEMA.]NAME is", table);
	l->dialect = d;
	l->schema = dot ? arena_strndup(&l->arena, table, (size_t)(dot - table))
	                : arena_strdup(&l->arena, d->default_schema ? d->default_schema : "");
	l->name = arena_strdup(&l->arena, dot ? dot + 1 : table);
	if (l->schema && l->name) {
		l->events = arena_printf(&l->arena, "%s_events", l->name);
		l->key = arena_printf(&l->arena, "%s.%s", l->schema, l->name);
	}
	if (!l->schema || !l->name || !l->events || !l->key || make_statements(l) < 0) {
		ledger_clear(l);
		return error_nomem(err);
	}
	return 0;
}

void ledger_clear(struct ledger *l)
{
	arena_clear(&l->arena);
	memset(l, 0, sizeof *l);
}

int ledger_new_run(struct ledger *l, const char *actor, struct dunlin_error *err)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[16];

	if (getrandom(raw, sizeof raw, 0) != (long)sizeof raw)
		return error_set(err, DUNLIN_EXIT_FAILED, DUNLIN_CLASS_UNKNOWN, "the system gives no random numbers");
	for (size_t i = 0; i < sizeof raw; i++) {
		l->run_id[2 * i] = hex[raw[i] >> 4];
		l->run_id[2 * i + 1] = hex[raw[i] & 15];
	}
	l->run_id[32] = '\0';
	l->seq = 0;
	l->actor = arena_strdup(&l->arena, actor);
	return l->actor ? 0 : error_nomem(err);
}

/* --- writing ------------------------------------------------------------------- */

static void put_event(struct ledger *l, struct window *w, const char *sql, const char *event,
                      const char *component, const char *version, const char *detail)
{
	if (!window_ledger(w, sql, 1))
		return;
	window_text(w, l->run_id);
	window_int(w, ++l->seq);
	window_text(w, component);
	window_text(w, version);
	window_text(w, event);
	window_text(w, l->actor);
	window_text(w, detail);
}

void ledger_put_event(struct ledger *l, struct window *w, const char *event, const char *component,
                      const char *version, const char *detail)
{
	put_event(l, w, l->insert_event, event, component, version, detail);
}

void ledger_put_tables(struct ledger *l, struct window *w)
{
	struct buf b = BUF_INIT;

	if (l->is_half_made)
		window_ledger(w, l->drop_rows, -1);
	for (size_t i = 0; l->ddl[i]; i++)
		window_ledger(w, l->ddl[i], -1);
	buf_addf(&b, "{\"layout\":%d,\"batch_max\":0,\"tool_version\":\"%s\"}", LEDGER_LAYOUT, dunlin_version_string());
	if (b.is_failed)
		w->is_failed = 1;
	else
		ledger_put_event(l, w, "ledger.layout", "", "", b.p);
	buf_clear(&b);
}

static const char *direction_name(int direction)
{
	return direction == DIRECTION_DOWN ? "down" : "up";
}

static void put_key(struct window *w, const struct ledger_row *row)
{
	window_text(w, row->component);
	window_text(w, row->version);
}

/* From name on, as `columns` has them. */
static void put_columns(struct ledger *l, struct window *w, const struct ledger_row *row)
{
	window_text(w, row->name);
	window_text(w, migration_kind_name(row->kind));
	window_text(w, row_state_name(row->state));
	window_text(w, direction_name(row->direction));
	window_int(w, row->batch);
	window_int(w, row->apply_order);
	window_text(w, row->checksum);
	window_text(w, row->statements_checksum);
	window_int(w, row->statements_done);
	window_int(w, row->statements_total);
	window_text(w, row->intent);
	window_text(w, l->actor);
	window_text(w, l->run_id);
	window_int(w, ++l->seq);
	window_text(w, row->tool_version);
	window_text(w, row->error_class);
	window_text(w, row->error_message);
}

static void add_member(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "\"%s\":", name);
	buf_add_json(b, value, strlen(value));
	buf_addc(b, ',');
}

/* The detail up to the number of execution_ms, which the database fills in. */
static void row_detail(struct buf *b, const struct ledger_row *row, const char *extra)
{
	buf_adds(b, "{");
	add_member(b, "name", row->name);
	buf_adds(b, extra);
	buf_adds(b, "\"row\":{");
	add_member(b, "name", row->name);
	add_member(b, "kind", migration_kind_name(row->kind));
	add_member(b, "state", row_state_name(row->state));
	add_member(b, "direction", direction_name(row->direction));
	buf_addf(b, "\"batch\":%lld,\"apply_order\":%lld,", (long long)row->batch, (long long)row->apply_order);
	add_member(b, "checksum", row->checksum);
	add_member(b, "statements_checksum", row->statements_checksum);
	buf_addf(b, "\"statements_done\":%lld,\"statements_total\":%lld,",
	         (long long)row->statements_done, (long long)row->statements_total);
	add_member(b, "intent", row->intent);
	add_member(b, "tool_version", row->tool_version);
	add_member(b, "error_class", row->error_class);
	add_member(b, "error_message", row->error_message);
	buf_adds(b, "\"applied_at\":true,\"applied_by\":true,\"execution_ms\":");
}

static void put_event_of_row(struct ledger *l, struct window *w, const struct ledger_row *row,
                             const char *event, const char *extra)
{
	struct buf b = BUF_INIT;

	row_detail(&b, row, extra);
	if (b.is_failed) {
		w->is_failed = 1;
	} else if (window_ledger(w, l->event_of_row, 1)) {
		window_text(w, event);
		window_textn(w, b.p, b.len);
		window_text(w, "}}");
		put_key(w, row);
	}
	buf_clear(&b);
}

void ledger_put_row(struct ledger *l, struct window *w, const struct ledger_row *row, enum ledger_time t,
                    const char *down, size_t down_len, const char *event, const char *extra)
{
	if (!window_ledger(w, t == LEDGER_ELAPSED ? l->insert_tx : l->insert_row, 1))
		return;
	put_key(w, row);
	put_columns(l, w, row);
	if (t == LEDGER_GIVEN)
		window_int(w, row->execution_ms);
	window_textn(w, down, down_len);
	put_event_of_row(l, w, row, event, extra);
}

void ledger_put_update(struct ledger *l, struct window *w, const struct ledger_row *row,
                       const char *event, const char *extra)
{
	if (!window_ledger(w, l->update_row, 1))
		return;
	put_columns(l, w, row);
	window_int(w, row->execution_ms);
	put_key(w, row);
	put_event_of_row(l, w, row, event, extra);
}

void ledger_put_end(struct ledger *l, struct window *w, const struct ledger_row *row,
                    const char *event, const char *extra)
{
	if (!window_ledger(w, l->update_end, 1))
		return;
	put_columns(l, w, row);
	if (!l->dialect->row_ms)
		window_int(w, row->execution_ms);
	put_key(w, row);
	put_event_of_row(l, w, row, event, extra);
}

/* An event whose detail is {"name":..,EXTRA "row":{MEMBERS}}, after the row's own update took its seq. */
static void put_small_event(struct ledger *l, struct window *w, const struct ledger_row *row,
                            const char *event, const char *extra, struct buf *members)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "{");
	add_member(&b, "name", row->name);
	buf_adds(&b, extra);
	buf_adds(&b, "\"row\":");
	buf_add(&b, members->p, members->len);
	buf_adds(&b, "}");
	if (b.is_failed || members->is_failed)
		w->is_failed = 1;
	else
		ledger_put_event(l, w, event, row->component, row->version, b.p);
	buf_clear(&b);
	buf_clear(members);
}

void ledger_put_progress(struct ledger *l, struct window *w, const struct ledger_row *row,
                         const char *event, const char *extra)
{
	struct buf m = BUF_INIT;

	if (!window_ledger(w, l->update_progress, 1))
		return;
	window_int(w, row->statements_done);
	window_text(w, row->intent);
	window_text(w, l->run_id);
	window_int(w, l->seq + 1);
	put_key(w, row);
	buf_addf(&m, "{\"statements_done\":%lld,\"intent\":", (long long)row->statements_done);
	buf_add_json(&m, row->intent, strlen(row->intent));
	buf_adds(&m, "}");
	put_small_event(l, w, row, event, extra, &m);
}

/* Members of the detail up to those of the row. */
static void step_detail(struct buf *b, const struct ledger_row *row, int64_t n)
{
	buf_adds(b, "{");
	add_member(b, "name", row->name);
	buf_addf(b, "\"n\":%lld,\"row\":{\"statements_done\":%lld,\"intent\":", (long long)n, (long long)row->statements_done);
}

/* The event that takes the probe's answer into its detail: inside the text of
 * the intent, so head and tail are quoted there once more. */
static void put_probed_event(struct ledger *l, struct window *w, const struct ledger_row *row,
                             const char *head, const char *tail, int64_t n)
{
	struct buf b = BUF_INIT, e = BUF_INIT;

	step_detail(&b, row, n);
	buf_add_json(&b, head, strlen(head));
	buf_add_json(&e, tail, strlen(tail));
	buf_adds(&e, "}}");
	if (b.is_failed || e.is_failed) {
		w->is_failed = 1;
	} else if (window_ledger(w, l->event_probed, 1)) {
		window_text(w, l->run_id);
		window_int(w, ++l->seq);
		put_key(w, row);
		window_text(w, "statement.started");
		window_text(w, l->actor);
		window_textn(w, b.p, b.len - 1); /* without the closing quote */
		window_textn(w, e.p + 1, e.len - 1);
	}
	buf_clear(&b);
	buf_clear(&e);
}

void ledger_put_intent(struct ledger *l, struct window *w, const struct ledger_row *row, const char *after,
                       int64_t n_done, const char *head, const char *tail, int64_t n)
{
	struct buf b = BUF_INIT;

	if (!window_ledger(w, l->update_probed, 1))
		return;
	window_int(w, row->statements_done);
	window_text(w, head);
	window_text(w, tail);
	window_text(w, l->run_id);
	window_int(w, l->seq + (after ? 2 : 1));
	put_key(w, row);
	if (after) {
		step_detail(&b, row, n_done);
		buf_add_json(&b, after, strlen(after));
		buf_adds(&b, "}}");
		if (b.is_failed)
			w->is_failed = 1;
		else
			ledger_put_event(l, w, "statement.done", row->component, row->version, b.p);
		buf_clear(&b);
	}
	put_probed_event(l, w, row, head, tail, n);
}

void ledger_put_error(struct ledger *l, struct window *w, const struct ledger_row *row,
                      const char *event, const char *extra)
{
	struct buf m = BUF_INIT;

	if (!window_ledger(w, l->update_error, 1))
		return;
	window_text(w, row->error_class);
	window_text(w, row->error_message);
	window_text(w, l->run_id);
	window_int(w, l->seq + 1);
	put_key(w, row);
	buf_adds(&m, "{\"error_class\":");
	buf_add_json(&m, row->error_class, strlen(row->error_class));
	buf_adds(&m, ",\"error_message\":");
	buf_add_json(&m, row->error_message, strlen(row->error_message));
	buf_adds(&m, "}");
	put_small_event(l, w, row, event, extra, &m);
}

void ledger_put_sums(struct ledger *l, struct window *w, const struct ledger_row *row,
                     const char *down, size_t down_len, const char *event, const char *extra)
{
	struct buf m = BUF_INIT;

	if (!window_ledger(w, l->update_sums, 1))
		return;
	window_text(w, row->checksum);
	window_text(w, row->statements_checksum);
	window_textn(w, down, down_len);
	window_text(w, l->run_id);
	window_int(w, l->seq + 1);
	put_key(w, row);
	buf_addf(&m, "{\"checksum\":\"%s\",\"statements_checksum\":\"%s\"}", row->checksum, row->statements_checksum);
	put_small_event(l, w, row, event, extra, &m);
}

void ledger_put_delete(struct ledger *l, struct window *w, const struct ledger_row *row,
                       const char *event, const char *extra)
{
	struct buf b = BUF_INIT;

	if (!window_ledger(w, l->delete_row, event ? 1 : -1))
		return;
	put_key(w, row);
	if (!event)
		return;
	buf_adds(&b, "{");
	add_member(&b, "name", row->name);
	buf_adds(&b, extra);
	buf_adds(&b, "\"row\":null,\"execution_ms\":");
	if (b.is_failed)
		w->is_failed = 1;
	else
		put_event(l, w, l->event_elapsed, event, row->component, row->version, b.p);
	buf_clear(&b);
}
