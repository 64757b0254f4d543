/*
 * ledger_read.c - the two tables into memory.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "ledger.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct ledger *l;
	struct history *h;
	struct dunlin_error *err;
	int n_table;       /* of the ledger's two */
	size_t foreign_cap;
};

static const char *keep(struct history *h, const char *s, size_t len)
{
	return s && len ? arena_strndup(&h->arena, s, len) : "";
}

/* A text that is mostly that of the row before. */
static const char *keep_again(struct history *h, const char *before, const char *s, size_t len)
{
	return s && strcmp(before, s) == 0 ? before : keep(h, s, len);
}

static int64_t number(const char *s)
{
	return s ? strtoll(s, NULL, 10) : 0;
}

static int kind_parse(const char *s)
{
	for (int k = MIGRATION_VERSIONED; k <= MIGRATION_BASELINE; k++)
		if (strcmp(s, migration_kind_name(k)) == 0)
			return k;
	return -1;
}

static int add_row(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	struct reading *r = arg;
	struct history *h = r->h;
	const struct ledger_row *before;
	struct ledger_row *row;

	(void)type;
	if (ncol != 22 || !v[0] || !v[1] || !v[3] || !v[4])
		return error_set(r->err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		                 "the table '%s' is not as dunlin made it", r->l->name);
	row = history_add(h);
	if (!row)
		return error_nomem(r->err);
	before = h->n > 1 ? row - 1 : row;
	row->component = keep_again(h, before->component, v[0], len[0]);
	row->version = keep(h, v[1], len[1]);
	row->name = keep(h, v[2], len[2]);
	row->kind = kind_parse(v[3]);
	row->state = row_state_parse(v[4]);
	row->direction = v[5] && strcmp(v[5], "down") == 0 ? DIRECTION_DOWN : DIRECTION_UP;
	row->batch = number(v[6]);
	row->apply_order = number(v[7]);
	row->checksum = keep(h, v[8], len[8]);
	row->statements_checksum = keep(h, v[9], len[9]);
	row->statements_done = number(v[10]);
	row->statements_total = number(v[11]);
	row->intent = keep(h, v[12], len[12]);
	row->applied_by = keep_again(h, before->applied_by, v[13], len[13]);
	row->run_id = keep_again(h, before->run_id, v[14], len[14]);
	row->seq = number(v[15]);
	row->tool_version = keep_again(h, before->tool_version, v[16], len[16]);
	row->error_class = keep(h, v[17], len[17]);
	row->error_message = keep(h, v[18], len[18]);
	row->applied_at = keep(h, v[19], len[19]);
	row->execution_ms = number(v[20]);
	row->has_down = number(v[21]) != 0;
	if (!row->component || !row->version || !row->name || !row->checksum || !row->statements_checksum ||
	    !row->intent || !row->applied_by || !row->run_id || !row->tool_version || !row->error_class ||
	    !row->error_message || !row->applied_at)
		return error_nomem(r->err);
	if (row->kind < 0 || row->state < 0) {
		error_set(r->err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "the ledger has a row of kind '%s' and state '%s', which this version does not know", v[3], v[4]);
		error_hint(r->err, "A newer dunlin wrote it: use that version.");
		error_migration(r->err, row->component, row->version);
		return -1;
	}
	if (row->batch > h->batch_max)
		h->batch_max = row->batch;
	if (row->apply_order > h->apply_order_max)
		h->apply_order_max = row->apply_order;
	return 0;
}

/* The last event that speaks of them tells the layout and the highest batch
 * ever used; with it comes the number of the newest event of all. */
static int read_last(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	struct reading *r = arg;
	json_t *detail, *layout, *batch;

	(void)type;
	if (ncol != 2 || !v[1])
		return 0;
	r->h->last_event = number(v[0]);
	detail = json_loadb(v[1], len[1], 0, NULL);
	layout = json_object_get(detail, "layout");
	batch = json_object_get(detail, "batch_max");
	if (json_is_integer(layout))
		r->h->layout = json_integer_value(layout);
	if (json_is_integer(batch) && json_integer_value(batch) > r->h->batch_max)
		r->h->batch_max = json_integer_value(batch);
	json_decref(detail);
	return 0;
}

static int read_number(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	(void)len, (void)type;
	*(int64_t *)arg = ncol == 1 ? number(v[0]) : -1;
	return 0;
}

/* Where each CREATE TABLE commits by itself, a run may die between the two: the
 * first is there and empty. */
static int is_half_made(struct ledger *l, struct session *s)
{
	int64_t n = -1;

	if (!session_has(s, DUNLIN_CAP_DDL_COMMITS) ||
	    session_query(s, l->count_rows, strlen(l->count_rows), NULL, 0, read_number, &n, NULL) < 0)
		return 0;
	l->is_half_made = n == 0;
	return l->is_half_made;
}

/* A table of the ledger, or one that is none. */
static int see_table(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	struct reading *r = arg;
	struct history *h = r->h;

	(void)type;
	if (ncol != 2 || number(v[0]) == 1) {
		r->n_table++;
		return 0;
	}
	if (!v[1])
		return 0;
	if (mem_grow(&h->foreign, &r->foreign_cap, h->n_foreign, sizeof *h->foreign) < 0)
		return error_nomem(r->err);
	h->foreign[h->n_foreign] = arena_strndup(&h->arena, v[1], len[1]);
	return h->foreign[h->n_foreign++] ? 0 : error_nomem(r->err);
}

static int look(struct ledger *l, struct session *s, struct reading *r)
{
	if (!(s->drv->flags & DUNLIN_DRIVER_FILE))
		return session_query(s, l->look, strlen(l->look), NULL, 0, see_table, r, r->err);
	if (session_query(s, l->exists, strlen(l->exists), NULL, 0, see_table, r, r->err) < 0)
		return -1;
	if (r->n_table || session_query(s, l->others, strlen(l->others), NULL, 0, see_table, r, r->err) < 0)
		return r->n_table ? 0 : -1;
	/* Another run may have made ledger and tables between the two. */
	if (r->h->n_foreign == 0)
		return 0;
	r->h->n_foreign = 0;
	return session_query(s, l->look, strlen(l->look), NULL, 0, see_table, r, r->err);
}

int ledger_read(struct ledger *l, struct session *s, struct history *h, struct dunlin_error *err)
{
	struct dunlin_error own;
	struct reading r = { .l = l, .h = h, .err = err ? err : &own };

	l->is_half_made = 0;
	if (look(l, s, &r) < 0)
		return -1;
	if (r.n_table == 0 || (r.n_table == 1 && is_half_made(l, s)))
		return 0;
	if (r.n_table != 2) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "only one of the tables '%s' and '%s' is there", l->name, l->events);
		error_hint(err, "Restore the missing one from a backup, or name another ledger by --table.");
		return -1;
	}
	h->has_ledger = 1;
	h->layout = LEDGER_LAYOUT;
	if (session_query(s, l->select_last, strlen(l->select_last), NULL, 0, read_last, &r, r.err) < 0)
		return -1;
	if (h->layout > LEDGER_LAYOUT) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "the ledger has layout %lld, and this dunlin %s knows %d", (long long)h->layout,
		          dunlin_version_string(), LEDGER_LAYOUT);
		error_hint(err, "A newer dunlin has upgraded the tables: use that version.");
		return -1;
	}
	return session_query(s, l->select_rows, strlen(l->select_rows), NULL, 0, add_row, &r, r.err);
}

static int count_own(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	(void)ncol, (void)len, (void)type;
	*(int *)arg += number(v[0]) == 1;
	return 0;
}

int ledger_is_unchanged(struct ledger *l, struct session *s, const struct history *h)
{
	struct history now = { 0 };
	struct reading r = { .l = l, .h = &now };
	int n = 0;

	/* Where there was none, there still is none. */
	if (!h->has_ledger)
		return !l->is_half_made && session_query(s, l->look, strlen(l->look), NULL, 0, count_own, &n, NULL) == 0 && n == 0;
	return h->last_event > 0 &&
	       session_query(s, l->select_last, strlen(l->select_last), NULL, 0, read_last, &r, NULL) == 0 &&
	       now.last_event == h->last_event;
}

struct down_reading { char *text; size_t len; int is_nomem; };

static int read_down(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	struct down_reading *d = arg;

	(void)type;
	if (ncol == 1 && v[0] && !d->text) {
		d->text = mem_strndup(v[0], len[0]);
		d->len = len[0];
		d->is_nomem = !d->text;
	}
	return 0;
}

int ledger_read_down(struct ledger *l, struct session *s, const struct ledger_row *row,
                     char **out, size_t *len, struct dunlin_error *err)
{
	struct dunlin_param key[] = {
		{ .value = row->component, .len = strlen(row->component) },
		{ .value = row->version, .len = strlen(row->version) },
	};
	struct down_reading d = { 0 };

	*out = NULL;
	if (session_query(s, l->select_down, strlen(l->select_down), key, 2, read_down, &d, err) < 0) {
		mem_free(d.text);
		return -1;
	}
	if (d.is_nomem)
		return error_nomem(err);
	*out = d.text;
	*len = d.len;
	return 0;
}

struct event_reading {
	int (*fn)(void *arg, const struct dunlin_event *e);
	void *arg;
};

static int read_event(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	struct event_reading *r = arg;
	struct dunlin_event e = { .name = "", .execution_ms = -1 };
	json_t *detail, *row, *ms, *name;
	int rc;

	(void)type;
	if (ncol != 8 || !v[7])
		return 0;
	e.run_id = v[0] ? v[0] : "";
	e.seq = number(v[1]);
	e.component = v[2] ? v[2] : "";
	e.version = v[3] ? v[3] : "";
	e.event = v[4] ? v[4] : "";
	e.at = v[5] ? v[5] : "";
	e.actor = v[6] ? v[6] : "";
	e.detail = v[7];
	detail = json_loadb(v[7], len[7], 0, NULL);
	row = json_object_get(detail, "row");
	ms = json_object_get(row, "execution_ms");
	if (!ms)
		ms = json_object_get(detail, "execution_ms");
	name = json_object_get(detail, "name");
	if (json_is_integer(ms))
		e.execution_ms = json_integer_value(ms);
	if (json_is_string(name))
		e.name = json_string_value(name);
	rc = r->fn(r->arg, &e);
	json_decref(detail);
	return rc;
}

int ledger_events(struct ledger *l, struct session *s, int64_t limit, const char *run_id, int64_t after,
                  int (*fn)(void *arg, const struct dunlin_event *e), void *arg, struct dunlin_error *err)
{
	struct event_reading r = { fn, arg };
	struct dunlin_param p[2] = { { 0 } };
	char text[24];
	const char *sql = l->select_events;
	size_t n = 0;

	snprintf(text, sizeof text, "%lld", (long long)(run_id ? after : limit));
	if (run_id) {
		sql = l->select_run;
		p[n++] = (struct dunlin_param){ .value = run_id, .len = strlen(run_id) };
		p[n++] = (struct dunlin_param){ .value = text, .len = strlen(text), .is_integer = 1 };
	} else if (limit > 0) {
		sql = l->select_newest;
		p[n++] = (struct dunlin_param){ .value = text, .len = strlen(text), .is_integer = 1 };
	}
	return session_query(s, sql, strlen(sql), p, n, read_event, &r, err);
}
