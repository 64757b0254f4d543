/*
 * history_fold.c - the rows as the event log tells them, and the comparison of
 * two states of them.  What a column is stands in one table, for both.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "history.h"

#include "error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* --- columns ------------------------------------------------------------------------------ */

enum column_type { COLUMN_TEXT, COLUMN_AT, COLUMN_ACTOR, COLUMN_NUMBER, COLUMN_KIND, COLUMN_STATE, COLUMN_DIRECTION };

static const struct column {
	const char *name;
	enum column_type type;
	size_t off;
	int is_implied; /* by the event itself: not in "row" */
} columns[] = {
	{ "name", COLUMN_TEXT, offsetof(struct ledger_row, name), 0 },
	{ "kind", COLUMN_KIND, offsetof(struct ledger_row, kind), 0 },
	{ "state", COLUMN_STATE, offsetof(struct ledger_row, state), 0 },
	{ "direction", COLUMN_DIRECTION, offsetof(struct ledger_row, direction), 0 },
	{ "batch", COLUMN_NUMBER, offsetof(struct ledger_row, batch), 0 },
	{ "apply_order", COLUMN_NUMBER, offsetof(struct ledger_row, apply_order), 0 },
	{ "checksum", COLUMN_TEXT, offsetof(struct ledger_row, checksum), 0 },
	{ "statements_checksum", COLUMN_TEXT, offsetof(struct ledger_row, statements_checksum), 0 },
	{ "statements_done", COLUMN_NUMBER, offsetof(struct ledger_row, statements_done), 0 },
	{ "statements_total", COLUMN_NUMBER, offsetof(struct ledger_row, statements_total), 0 },
	{ "intent", COLUMN_TEXT, offsetof(struct ledger_row, intent), 0 },
	{ "applied_at", COLUMN_AT, offsetof(struct ledger_row, applied_at), 0 },
	{ "execution_ms", COLUMN_NUMBER, offsetof(struct ledger_row, execution_ms), 0 },
	{ "applied_by", COLUMN_ACTOR, offsetof(struct ledger_row, applied_by), 0 },
	{ "tool_version", COLUMN_TEXT, offsetof(struct ledger_row, tool_version), 0 },
	{ "error_class", COLUMN_TEXT, offsetof(struct ledger_row, error_class), 0 },
	{ "error_message", COLUMN_TEXT, offsetof(struct ledger_row, error_message), 0 },
	{ "run_id", COLUMN_TEXT, offsetof(struct ledger_row, run_id), 1 },
	{ "seq", COLUMN_NUMBER, offsetof(struct ledger_row, seq), 1 },
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static const char **text_of(struct ledger_row *row, const struct column *c)
{
	return (const char **)(void *)((char *)row + c->off);
}

static int64_t *number_of(struct ledger_row *row, const struct column *c)
{
	return (int64_t *)(void *)((char *)row + c->off);
}

static int *code_of(struct ledger_row *row, const struct column *c)
{
	return (int *)(void *)((char *)row + c->off);
}

static const char *const direction_names[] = { [DIRECTION_UP] = "up", [DIRECTION_DOWN] = "down" };

static int kind_parse(const char *s)
{
	for (int k = MIGRATION_VERSIONED; k <= MIGRATION_BASELINE; k++)
		if (strcmp(s, migration_kind_name(k)) == 0)
			return k;
	return -1;
}

static int direction_parse(const char *s)
{
	return strcmp(s, "up") == 0 ? DIRECTION_UP : strcmp(s, "down") == 0 ? DIRECTION_DOWN : -1;
}

static int parse_code(enum column_type type, const char *s)
{
	switch (type) {
	case COLUMN_KIND:
		return kind_parse(s);
	case COLUMN_STATE:
		return row_state_parse(s);
	default:
		return direction_parse(s);
	}
}

/* --- folding ----------------------------------------------------------------------------------- */

static int senseless(const struct dunlin_event *e, struct dunlin_error *err, const char *what, const char *name)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "event %lld of run '%s' (%s) %s%s%s%s",
	          (long long)e->seq, e->run_id, e->event, what, name ? " '" : "", name ? name : "", name ? "'" : "");
	error_migration(err, e->component, e->version);
	return -1;
}

/* Keeps a text in the history's arena. */
static int keep(struct history *h, const char **out, const char *s)
{
	if (strcmp(*out, s) == 0)
		return 0;
	*out = *s ? arena_strdup(&h->arena, s) : "";
	if (*out)
		return 0;
	*out = "";
	return -1;
}

static int set_text(struct history *h, const struct dunlin_event *e, struct ledger_row *row,
                    const struct column *c, const json_t *value, struct dunlin_error *err)
{
	const char *s = json_string_value(value);

	if (json_is_true(value) && c->type == COLUMN_AT)
		s = e->at;
	else if (json_is_true(value) && c->type == COLUMN_ACTOR)
		s = e->actor;
	if (!s)
		return senseless(e, err, "has no text for the column", c->name);
	return keep(h, text_of(row, c), s) < 0 ? error_nomem(err) : 0;
}

static int set_column(struct history *h, const struct dunlin_event *e, struct ledger_row *row,
                      const struct column *c, const json_t *value, struct dunlin_error *err)
{
	int code;

	switch (c->type) {
	case COLUMN_TEXT:
	case COLUMN_AT:
	case COLUMN_ACTOR:
		return set_text(h, e, row, c, value, err);
	case COLUMN_NUMBER:
		if (!json_is_integer(value))
			return senseless(e, err, "has no number for the column", c->name);
		*number_of(row, c) = json_integer_value(value);
		return 0;
	default:
		code = json_is_string(value) ? parse_code(c->type, json_string_value(value)) : -1;
		if (code < 0)
			return senseless(e, err, "has an unknown value for the column", c->name);
		*code_of(row, c) = code;
		return 0;
	}
}

static const struct column *column_find(const char *name)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		if (!columns[i].is_implied && strcmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

static struct ledger_row *row_of_event(struct history *h, const struct dunlin_event *e, struct dunlin_error *err)
{
	struct ledger_row *row = history_find(h, e->component, e->version);

	if (row)
		return row;
	row = history_add(h);
	if (!row || keep(h, &row->component, e->component) < 0 || keep(h, &row->version, e->version) < 0) {
		/* Without its key it must not stay; it was never found, so no index knows it. */
		if (row)
			h->n--;
		error_nomem(err);
		return NULL;
	}
	return row;
}

static int change_row(struct history *h, const struct dunlin_event *e, json_t *change, struct dunlin_error *err)
{
	struct ledger_row *row = row_of_event(h, e, err);
	const char *name;
	json_t *value;

	if (!row)
		return -1;
	json_object_foreach(change, name, value) {
		const struct column *c = column_find(name);

		if (!c)
			return senseless(e, err, "names an unknown column", name);
		if (set_column(h, e, row, c, value, err) < 0)
			return -1;
	}
	if (keep(h, &row->run_id, e->run_id) < 0)
		return error_nomem(err);
	row->seq = e->seq;
	if (row->batch > h->batch_max)
		h->batch_max = row->batch;
	if (row->apply_order > h->apply_order_max)
		h->apply_order_max = row->apply_order;
	return 0;
}

static int fold_detail(struct history *h, const struct dunlin_event *e, json_t *detail, struct dunlin_error *err)
{
	json_t *change = json_object_get(detail, "row");
	json_int_t batch_max = json_integer_value(json_object_get(detail, "batch_max"));
	struct ledger_row *row;

	if (batch_max > h->batch_max)
		h->batch_max = batch_max;
	if (!change)
		return 0;
	if (!e->version[0])
		return senseless(e, err, "changes a row and names no migration", NULL);
	if (json_is_object(change))
		return change_row(h, e, change, err);
	if (!json_is_null(change))
		return senseless(e, err, "has a row that is neither an object nor null", NULL);
	row = history_find(h, e->component, e->version);
	if (!row)
		return senseless(e, err, "removes a row that is not there", NULL);
	history_remove(h, row);
	return 0;
}

int history_fold(struct history *h, const struct dunlin_event *e, struct dunlin_error *err)
{
	json_error_t je;
	json_t *detail = json_loads(e->detail, 0, &je);
	int rc;

	if (!detail && json_error_code(&je) == json_error_out_of_memory)
		return error_nomem(err);
	rc = json_is_object(detail) ? fold_detail(h, e, detail, err)
		: senseless(e, err, "has a detail that is not a JSON object", NULL);
	json_decref(detail);
	return rc;
}

/* --- comparing ------------------------------------------------------------------------------------ */

static const char edited[] = "One of the two tables was changed by hand, or restored without the other.";

static int find_difference(struct finding_list *out, const struct ledger_row *row, const char *what)
{
	struct dunlin_finding *f = finding_add(out, DUNLIN_EXIT_INVALID, "ledger", row->component, row->version, "",
	                                       "the ledger's row '%s%s%s' %s", row->component,
	                                       row->component[0] ? "@" : "", row->version, what);

	finding_hint(out, f, "%s", edited);
	return f ? 0 : -1;
}

static int find_column(struct finding_list *out, struct ledger_row *t, struct ledger_row *f, const struct column *c)
{
	char number[2][24];
	const char *a = NULL, *b = NULL;
	struct dunlin_finding *found;

	switch (c->type) {
	case COLUMN_TEXT:
	case COLUMN_AT:
	case COLUMN_ACTOR:
		a = *text_of(t, c);
		b = *text_of(f, c);
		break;
	case COLUMN_NUMBER:
		snprintf(number[0], sizeof number[0], "%lld", (long long)*number_of(t, c));
		snprintf(number[1], sizeof number[1], "%lld", (long long)*number_of(f, c));
		a = number[0];
		b = number[1];
		break;
	case COLUMN_KIND:
		a = migration_kind_name(*code_of(t, c));
		b = migration_kind_name(*code_of(f, c));
		break;
	case COLUMN_STATE:
		a = row_state_name(*code_of(t, c));
		b = row_state_name(*code_of(f, c));
		break;
	case COLUMN_DIRECTION:
		a = direction_names[*code_of(t, c)];
		b = direction_names[*code_of(f, c)];
		break;
	}
	if (strcmp(a, b) == 0)
		return 0;
	found = finding_add(out, DUNLIN_EXIT_INVALID, "ledger", t->component, t->version, "",
	                    "the ledger's row '%s%s%s' has %s '%s', and by its events '%s'", t->component,
	                    t->component[0] ? "@" : "", t->version, c->name, a, b);
	finding_hint(out, found, "%s", edited);
	return found ? 0 : -1;
}

int history_compare(const struct history *table, const struct history *folded, struct finding_list *out)
{
	for (size_t i = 0; i < table->n; i++) {
		struct ledger_row *t = &table->row[i];
		struct ledger_row *f = history_find(folded, t->component, t->version);

		if (!f && find_difference(out, t, "is in the table, and not by its events") < 0)
			return -1;
		for (size_t c = 0; f && c < N_COLUMNS; c++)
			if (find_column(out, t, f, &columns[c]) < 0)
				return -1;
	}
	for (size_t i = 0; i < folded->n; i++)
		if (!history_find(table, folded->row[i].component, folded->row[i].version) &&
		    find_difference(out, &folded->row[i], "is missing in the table, and there by its events") < 0)
			return -1;
	return 0;
}
