/*
 * history.c - the ledger's rows in memory: adding, finding and removing them,
 * and reading their intent.
 *
 * Rows are found through a hash of their key, which follows lazily: a reader
 * adds a row first and fills its key in afterwards.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "history.h"

#include <jansson.h>
#include <string.h>

/* --- names --------------------------------------------------------------------------- */

static const char *const state_names[] = {
	[ROW_APPLIED] = "applied", [ROW_FAILED] = "failed", [ROW_RUNNING] = "running", [ROW_BASELINE] = "baseline",
};

const char *row_state_name(int state)
{
	return state_names[state];
}

int row_state_parse(const char *s)
{
	for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++)
		if (strcmp(state_names[i], s) == 0)
			return (int)i;
	return -1;
}

/* --- finding rows ---------------------------------------------------------------------- */

struct history_index {
	size_t *slot;     /* row index + 1; 0: empty, TOMB: removed */
	size_t n_slot;    /* a power of two                         */
	size_t n_used;    /* slots that are not empty               */
	size_t n_indexed; /* of the rows, the first so many         */
};
#define TOMB SIZE_MAX

static size_t hash_text(size_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return (h ^ 0xff) * 16777619u;
}

static size_t hash_key(const char *component, const char *version)
{
	size_t h = hash_text(hash_text(2166136261u, component), version);

	return h ^ h >> 15;
}

static void put(struct history_index *x, const struct ledger_row *row, size_t i)
{
	size_t at = hash_key(row->component, row->version);

	while (x->slot[at & (x->n_slot - 1)] != 0)
		at++;
	x->slot[at & (x->n_slot - 1)] = i + 1;
	x->n_used++;
}

static int rebuild(const struct history *h, size_t n_slot)
{
	struct history_index *x = h->index;
	size_t *slot = mem_zalloc(n_slot * sizeof *slot);

	if (!slot)
		return -1;
	mem_free(x->slot);
	x->slot = slot;
	x->n_slot = n_slot;
	x->n_used = 0;
	for (size_t i = 0; i < x->n_indexed; i++)
		put(x, &h->row[i], i);
	return 0;
}

/* Follows the rows that were added.  -1: out of memory, so search one by one. */
static int index_all(const struct history *h)
{
	struct history_index *x = h->index;

	for (; x->n_indexed < h->n; x->n_indexed++) {
		if (2 * (x->n_used + 1) > x->n_slot) {
			size_t want = 64;

			while (want < 4 * (x->n_indexed + 1))
				want *= 2;
			if (rebuild(h, want) < 0)
				return -1;
		}
		put(x, &h->row[x->n_indexed], x->n_indexed);
	}
	return 0;
}

static int has_key(const struct ledger_row *row, const char *component, const char *version)
{
	return strcmp(row->version, version) == 0 && strcmp(row->component, component) == 0;
}

/* The slot of an indexed key, or NULL.  There is a row, so there are slots. */
static size_t *find_slot(const struct history *h, const char *component, const char *version)
{
	struct history_index *x = h->index;
	size_t at = hash_key(component, version);

	for (;; at++) {
		size_t *s = &x->slot[at & (x->n_slot - 1)];

		if (*s == 0)
			return NULL;
		if (*s != TOMB && has_key(&h->row[*s - 1], component, version))
			return s;
	}
}

void history_clear(struct history *h)
{
	if (h->index)
		mem_free(h->index->slot);
	mem_free(h->index);
	mem_free(h->row);
	mem_free(h->foreign);
	arena_clear(&h->arena);
	*h = (struct history){ 0 };
}

struct ledger_row *history_add(struct history *h)
{
	if (!h->index && !(h->index = mem_zalloc(sizeof *h->index)))
		return NULL;
	if (mem_grow(&h->row, &h->cap, h->n, sizeof *h->row) < 0)
		return NULL;
	h->row[h->n] = (struct ledger_row){
		.component = "", .version = "", .name = "", .checksum = "", .statements_checksum = "", .intent = "",
		.applied_at = "", .applied_by = "", .run_id = "", .tool_version = "", .error_class = "",
		.error_message = "",
	};
	return &h->row[h->n++];
}

struct ledger_row *history_find(const struct history *h, const char *component, const char *version)
{
	size_t *slot;

	if (h->n == 0)
		return NULL;
	if (index_all(h) == 0) {
		slot = find_slot(h, component, version);
		return slot ? &h->row[*slot - 1] : NULL;
	}
	for (size_t i = 0; i < h->n; i++)
		if (has_key(&h->row[i], component, version))
			return &h->row[i];
	return NULL;
}

void history_remove(struct history *h, struct ledger_row *row)
{
	size_t i = (size_t)(row - h->row), last = h->n - 1;

	if (index_all(h) == 0) {
		size_t *own = find_slot(h, row->component, row->version);
		size_t *moved = find_slot(h, h->row[last].component, h->row[last].version);

		*moved = i + 1;
		*own = TOMB; /* last: they are one where the row is the last */
		h->index->n_indexed--;
	} else {
		/* Starts anew, with the next that finds memory. */
		mem_free(h->index->slot);
		*h->index = (struct history_index){ 0 };
	}
	h->row[i] = h->row[last];
	h->n--;
}

/* --- the intent ------------------------------------------------------------------------------ */

int row_in_flight(const struct ledger_row *row, int64_t *n, int64_t *last)
{
	json_t *intent, *number, *end;
	int rc = 0;

	if (!row->intent[0])
		return 0;
	intent = json_loads(row->intent, 0, NULL);
	if (!json_is_object(intent)) {
		json_decref(intent);
		return -1;
	}
	number = json_object_get(intent, "n");
	end = json_object_get(intent, "last");
	if (number) {
		rc = json_is_integer(number) && (!end || json_is_integer(end)) ? 1 : -1;
		if (rc == 1 && n)
			*n = json_integer_value(number);
		if (rc == 1 && last)
			*last = json_integer_value(end ? end : number);
	}
	json_decref(intent);
	return rc;
}
