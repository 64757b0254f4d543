/*
 * plan_select.c - which migrations a revert takes, newest application first.
 *
 * Two families: by count (the last batch, --count, down, redo) goes back in the
 * order of application over what stands; by set (--to, --release, --batch,
 * --only, --all, reset) takes the records of failed attempts along.  Baselined
 * and imported migrations are batch 0, and only --force reverts them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "plan_priv.h"

#include <stdlib.h>
#include <string.h>

struct select {
	struct planner *pl;
	const struct view *v;
	struct selection *out;
	const char **reason;  /* by entry; NULL: not picked */
};

const struct directives *entry_directives(const struct plan_entry *e)
{
	if (e->m && !e->m->is_bad)
		return &e->m->script.section[SECTION_UP].d;
	if (e->row && e->row->down)
		return &e->row->down->section[SECTION_DOWN].d;
	return NULL;
}

/* --- the order of application -------------------------------------------------------- */

struct place { int64_t order; int is_begun; size_t entry; };

static int place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	/* What was begun and has no place yet was begun last. */
	if (x->is_begun != y->is_begun)
		return x->is_begun ? -1 : 1;
	if (x->order != y->order)
		return x->order > y->order ? -1 : 1;
	return x->entry > y->entry ? -1 : x->entry < y->entry;
}

static int make_order(struct select *s)
{
	const struct view *v = s->v;
	struct place *place = arena_alloc(&s->pl->scratch, (v->n + 1) * sizeof *place);
	size_t n = 0;

	s->out->order = arena_alloc(&s->pl->scratch, (v->n + 1) * sizeof *s->out->order);
	if (!place || !s->out->order)
		return error_nomem(s->pl->err);
	for (size_t i = 0; i < v->n; i++) {
		const struct ledger_row *row = v->entry[i].row;

		if (row)
			place[n++] = (struct place){
				.order = row->apply_order, .entry = i,
				.is_begun = row->apply_order == 0 && !row_is_applied(row),
			};
	}
	qsort(place, n, sizeof *place, place_cmp);
	for (size_t i = 0; i < n; i++)
		s->out->order[i] = place[i].entry;
	s->out->n_order = n;
	return 0;
}

/* --- picking ----------------------------------------------------------------------------- */

/* Baselined or imported: dunlin did not make it. */
static int is_guarded(const struct select *s, size_t i)
{
	const struct ledger_row *row = s->v->entry[i].row;

	return !s->pl->req->force && row->batch == 0 && row_is_applied(row);
}

static int stands(const struct select *s, size_t i)
{
	return s->v->entry[i].row && !row_is_nothing(s->v->entry[i].row);
}

static void pick(struct select *s, size_t i, const char *reason)
{
	if (!s->reason[i])
		s->reason[i] = reason;
	s->out->is_picked[i] = 1;
}

static const char *say(struct select *s, const char *what, const char *text)
{
	const char *r = arena_printf(&s->pl->p->arena, "%s %s", what, text);

	if (!r)
		s->pl->is_nomem = 1;
	return r ? r : "";
}

static int find_guarded(struct select *s, int code, size_t i)
{
	return plan_find(s->pl, code, "baseline", &s->v->entry[i], "--force reverts it.",
	                 "'%s' was there before dunlin (batch 0), and is reverted only with --force",
	                 entry_label(s->pl, &s->v->entry[i]));
}

/* The n last that stand; what is guarded ends it. */
static int pick_last(struct select *s, int64_t n, const char *reason)
{
	for (size_t k = 0; k < s->out->n_order && n > 0; k++) {
		size_t i = s->out->order[k];

		if (!stands(s, i))
			continue;
		if (is_guarded(s, i))
			return find_guarded(s, 0, i);
		pick(s, i, reason);
		n--;
	}
	return 0;
}

static int pick_last_batch(struct select *s)
{
	const struct selection *o = s->out;
	const char *reason;
	int64_t last = -1;
	size_t n_half = 0;

	for (size_t k = 0; k < o->n_order; k++) {
		const struct ledger_row *row = s->v->entry[o->order[k]].row;

		if (stands(s, o->order[k]) && row->batch > last)
			last = row->batch;
	}
	/* A half revert outside the last batch was begun by --only or --batch: it
	 * alone goes on. */
	for (size_t k = 0; k < o->n_order; k++) {
		const struct ledger_row *row = s->v->entry[o->order[k]].row;

		if (row_is_half_reverted(row) && row->batch == last) {
			n_half = 0;
			break;
		}
		n_half += row_is_half_reverted(row) != 0;
	}
	reason = n_half ? "its revert goes on" : arena_printf(&s->pl->p->arena, "last batch (%lld)", (long long)last);
	if (!reason)
		return error_nomem(s->pl->err);
	for (size_t k = 0; k < o->n_order; k++) {
		size_t i = o->order[k];
		const struct ledger_row *row = s->v->entry[i].row;

		if (n_half ? !row_is_half_reverted(row) : !stands(s, i) || row->batch != last)
			continue;
		if (is_guarded(s, i))
			return find_guarded(s, 0, i);
		pick(s, i, reason);
	}
	return 0;
}

static int pick_batch(struct select *s, int64_t batch)
{
	const char *reason = arena_printf(&s->pl->p->arena, "batch %lld", (long long)batch);

	if (!reason)
		return error_nomem(s->pl->err);
	if (batch > s->pl->h->batch_max) {
		plan_usage(s->pl, "--batch: there is no batch %lld", (long long)batch);
		error_hint(s->pl->err, "The last one is %lld.", (long long)s->pl->h->batch_max);
		return -1;
	}
	for (size_t k = 0; k < s->out->n_order; k++)
		if (s->v->entry[s->out->order[k]].row->batch == batch)
			pick(s, s->out->order[k], reason);
	return 0;
}

static int pick_only(struct select *s)
{
	size_t i;

	if (plan_resolve(s->pl, s->v, "--only", s->pl->req->only, &i) < 0)
		return -1;
	if (s->v->entry[i].row) {
		pick(s, i, "only this");
		return 0;
	}
	return plan_find(s->pl, 0, "not-applied", &s->v->entry[i], NULL, "'%s' is not applied: there is nothing to revert",
	                 entry_label(s->pl, &s->v->entry[i]));
}

/* Versioned ones of a line from an entry on. */
static void pick_line(struct select *s, size_t from, const char *reason)
{
	for (size_t i = from; i < s->v->line[s->v->key[from].line].end; i++)
		if (s->v->entry[i].row)
			pick(s, i, reason);
}

static int pick_to(struct select *s)
{
	const struct view *v = s->v;
	size_t i;

	if (plan_resolve(s->pl, v, "--to", s->pl->req->to, &i) < 0)
		return -1;
	if (!v->key[i].v)
		return plan_usage(s->pl, "--to: '%s' is a repeatable, which has no place in the order", s->pl->req->to);
	if (!v->entry[i].row || !row_is_applied(v->entry[i].row)) {
		plan_usage(s->pl, "--to: '%s' is not applied, so nothing can be rolled back to it", s->pl->req->to);
		error_hint(s->pl->err, "`dunlin status` shows what is.");
		return -1;
	}
	if (i + 1 < v->line[v->key[i].line].end)
		pick_line(s, i + 1, say(s, "newer than", entry_label(s->pl, &v->entry[i])));
	return 0;
}

static int pick_release(struct select *s)
{
	const struct view *v = s->v;
	size_t line = view_line(v, ""), i;

	if (plan_check_release(s->pl, v) < 0)
		return -1;
	if (line == NO_ENTRY)
		return 0;
	i = v->line[line].first;
	while (i < v->line[line].end && version_cmp_release(v->key[i].v, s->pl->req->release) <= 0)
		i++;
	if (i < v->line[line].end)
		pick_line(s, i, say(s, "newer than release", s->pl->req->release));
	return 0;
}

static void pick_all(struct select *s, const char *reason)
{
	for (size_t k = 0; k < s->out->n_order; k++)
		pick(s, s->out->order[k], reason);
}

/* --- requirements ---------------------------------------------------------------------------- */

/* A picked entry that the i-th requires, or NO_ENTRY. */
static size_t picked_requirement(struct select *s, size_t i)
{
	const struct directives *d = entry_directives(&s->v->entry[i]);
	char component[COMPONENT_MAX + 1], version[256];

	for (size_t r = 0; d && r < d->n_require; r++) {
		size_t j;

		if (version_ref(d->require[r], component, sizeof component, version, sizeof version, NULL) < 0)
			continue;
		j = view_find(s->v, view_line(s->v, component), version);
		if (j != NO_ENTRY && s->out->is_picked[j] && stands(s, j))
			return j;
	}
	return NO_ENTRY;
}

/* Other components move as far as required: whoever needs what is reverted
 * goes too, and what comes after it in its line. */
static void pick_dependants(struct select *s)
{
	int is_moving;

	do {
		is_moving = 0;
		for (size_t k = 0; k < s->out->n_order; k++) {
			size_t i = s->out->order[k], j;

			if (s->out->is_picked[i] || !stands(s, i) || (j = picked_requirement(s, i)) == NO_ENTRY)
				continue;
			is_moving = 1;
			pick(s, i, say(s, "requires", entry_label(s->pl, &s->v->entry[j])));
			if (s->v->key[i].v)
				pick_line(s, i, say(s, "comes after", entry_label(s->pl, &s->v->entry[i])));
		}
	} while (is_moving);
}

static int check_dependants(struct select *s)
{
	for (size_t k = 0; k < s->out->n_order; k++) {
		size_t i = s->out->order[k], j;

		if (s->out->is_picked[i] || !stands(s, i) || (j = picked_requirement(s, i)) == NO_ENTRY)
			continue;
		if (plan_find(s->pl, DUNLIN_EXIT_INVALID, "requires", &s->v->entry[i], "Revert it first, or with it.",
		              "'%s' is applied and requires '%s'", entry_label(s->pl, &s->v->entry[i]),
		              entry_label(s->pl, &s->v->entry[j])) < 0)
			return -1;
	}
	return 0;
}

/* --- the request --------------------------------------------------------------------------------- */

static int pick_by_request(struct select *s)
{
	const struct dunlin_request *r = s->pl->req;

	if (r->op == DUNLIN_OP_RESET) {
		if (!r->drop)
			pick_all(s, "reset");
		return 0;
	}
	if (r->op == DUNLIN_OP_REDO)
		return pick_last(s, 1, "redo");
	if (r->op == DUNLIN_OP_DOWN)
		return pick_last(s, r->count ? r->count : 1, "last applied");
	if (r->count)
		return pick_last(s, r->count, "last applied");
	if (r->has_batch || r->batch)
		return pick_batch(s, r->batch);
	if (r->only)
		return pick_only(s);
	if (r->to)
		return pick_to(s);
	if (r->release)
		return pick_release(s);
	if (r->all) {
		pick_all(s, "all");
		return 0;
	}
	return pick_last_batch(s);
}

/* --all leaves what was there before; the others would not do what they say. */
static int drop_guarded(struct select *s)
{
	int code = s->pl->req->all ? 0 : DUNLIN_EXIT_INVALID;

	for (size_t k = 0; k < s->out->n_order; k++) {
		size_t i = s->out->order[k];

		if (!s->out->is_picked[i] || !is_guarded(s, i))
			continue;
		s->out->is_picked[i] = 0;
		if (find_guarded(s, code, i) < 0)
			return -1;
	}
	return 0;
}

int select_reverts(struct planner *pl, struct selection *out)
{
	struct select s = { .pl = pl, .v = &pl->now, .out = out };

	*out = (struct selection){ 0 };
	s.reason = arena_alloc(&pl->scratch, (s.v->n + 1) * sizeof *s.reason);
	out->is_picked = arena_alloc(&pl->scratch, s.v->n + 1);
	out->pick = arena_alloc(&pl->scratch, (s.v->n + 1) * sizeof *out->pick);
	if (!s.reason || !out->is_picked || !out->pick)
		return error_nomem(pl->err);
	if (make_order(&s) < 0 || pick_by_request(&s) < 0)
		return -1;
	if (pl->req->to || pl->req->release)
		pick_dependants(&s);
	if (drop_guarded(&s) < 0 || check_dependants(&s) < 0)
		return -1;
	for (size_t k = 0; k < out->n_order; k++)
		if (out->is_picked[out->order[k]])
			out->pick[out->n++] = (struct pick){ out->order[k], s.reason[out->order[k]] };
	return 0;
}
