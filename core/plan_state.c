/*
 * plan_state.c - the state of each migration, as SPEC section 2 names them,
 * and the findings that states give rise to.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "plan_priv.h"

#include <string.h>

static const char *const state_names[] = {
	[STATE_PENDING] = "pending",
	[STATE_APPLIED] = "applied",
	[STATE_FAILED] = "failed",
	[STATE_RUNNING] = "running",
	[STATE_STUCK] = "stuck",
	[STATE_CHANGED] = "changed",
	[STATE_MISSING] = "missing",
	[STATE_FUTURE] = "future",
	[STATE_OUT_OF_ORDER] = "out-of-order",
	[STATE_BASELINE] = "baseline",
};

const char *migration_state_name(int state)
{
	return state_names[state];
}

int row_is_applied(const struct ledger_row *row)
{
	return row->state == ROW_APPLIED || row->state == ROW_BASELINE;
}

int row_is_half_reverted(const struct ledger_row *row)
{
	return !row_is_applied(row) && row->direction == DIRECTION_DOWN;
}

/* Of a repeatable that failed, what it did the time before may stand. */
int row_is_nothing(const struct ledger_row *row)
{
	return !row_is_applied(row) && row->direction == DIRECTION_UP && row->statements_done == 0 &&
	       row->kind != MIGRATION_REPEATABLE && row_in_flight(row, NULL, NULL) == 0;
}

/* A checksum that either side does not have proves no change: an import may
 * have none, and neither has a file that could not be read. */
static int differs(const char *file, const char *row)
{
	return file[0] && row[0] && strcmp(file, row) != 0;
}

static int applied_state(const struct migration *m, const struct ledger_row *row, const char **note)
{
	if (row->state == ROW_BASELINE)
		return STATE_BASELINE;
	if (m->is_bad || !differs(m->script.checksum, row->checksum))
		return STATE_APPLIED;
	if (m->kind == MIGRATION_REPEATABLE) {
		*note = "changed since it was applied";
		return STATE_PENDING;
	}
	if (differs(m->script.statements_checksum, row->statements_checksum))
		return STATE_CHANGED;
	*note = "the file changed since, but not its up statements";
	return STATE_APPLIED;
}

/* A file that is gone: newer than every file here only where there is one. */
static int gone_state(const struct view *v, size_t i)
{
	const struct view_key *key = &v->key[i];
	const struct line *l = &v->line[key->line];

	if (!l->has_source)
		return STATE_FUTURE;
	if (!key->v || key->v->scheme == SCHEME_AUTO || i < l->newest_file) /* NO_ENTRY is above all */
		return STATE_MISSING;
	return STATE_FUTURE;
}

static const char *half_note(struct planner *pl, const struct ledger_row *row)
{
	long long k = (long long)row->statements_done, n = (long long)row->statements_total;

	if (row->direction == DIRECTION_DOWN)
		return arena_printf(&pl->p->arena, "%lld of %lld statements of its down have run", k, n);
	return k == 0 ? "" : arena_printf(&pl->p->arena, "%lld of %lld statements have run", k, n);
}

static int set_one(struct planner *pl, struct view *v, size_t i)
{
	struct plan_entry *e = &v->entry[i];
	const struct line *l = &v->line[v->key[i].line];

	if (!e->row) {
		e->state = v->key[i].v && l->newest_applied != NO_ENTRY && i < l->newest_applied
			? STATE_OUT_OF_ORDER : STATE_PENDING;
	} else if (!row_is_applied(e->row)) {
		e->state = e->row->state == ROW_FAILED ? STATE_FAILED
			: pl->facts->is_lock_held ? STATE_RUNNING : STATE_STUCK;
		e->note = half_note(pl, e->row);
	} else if (e->m) {
		e->state = applied_state(e->m, e->row, &e->note);
	} else {
		e->state = gone_state(v, i);
		if (!l->has_source)
			e->note = "no source of its component is given";
	}
	return e->note ? 0 : error_nomem(pl->err);
}

int state_set(struct planner *pl, struct view *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (set_one(pl, v, i) < 0)
			return -1;
	return 0;
}

static int find_half_reverted(struct planner *pl, const struct plan_entry *e)
{
	return plan_find(pl, DUNLIN_EXIT_REPAIR, "half-reverted", e,
	                 "`dunlin rollback` goes on with its revert; `dunlin repair` can mark it applied or reverted.",
	                 "'%s' is half reverted: %lld of %lld statements of its down have run", entry_label(pl, e),
	                 (long long)e->row->statements_done, (long long)e->row->statements_total);
}

/* A migration that began and whose file is gone cannot go on. */
static int find_gone(struct planner *pl, const struct plan_entry *e)
{
	if (row_is_nothing(e->row))
		return plan_find(pl, 0, "failed", e,
		                 "`dunlin repair --mark-reverted` removes its record.",
		                 "'%s' failed and left nothing, and its file is gone", entry_label(pl, e));
	return plan_find(pl, DUNLIN_EXIT_REPAIR, e->state == STATE_FAILED ? "failed" : "stuck", e,
	                 "Put the file back, or decide by `dunlin repair`.",
	                 "'%s' has run in part (%lld of %lld statements), and its file is gone", entry_label(pl, e),
	                 (long long)e->row->statements_done, (long long)e->row->statements_total);
}

static int find_state(struct planner *pl, const struct view *v, size_t i)
{
	const struct plan_entry *e = &v->entry[i];
	const struct line *l = &v->line[v->key[i].line];

	if (e->row && row_is_half_reverted(e->row) && e->state != STATE_RUNNING)
		return find_half_reverted(pl, e);
	switch (e->state) {
	case STATE_CHANGED:
		return plan_find(pl, DUNLIN_EXIT_INVALID, "changed", e,
		                 "Put the file back and write a new migration; "
		                 "`dunlin repair --accept-checksums` takes it as it is now.",
		                 "'%s' was changed after it was applied", entry_label(pl, e));
	case STATE_MISSING:
		return plan_find(pl, DUNLIN_EXIT_INVALID, "missing", e,
		                 "Put the file back, or revert it by `dunlin rollback --only`.",
		                 "'%s' is applied, and its file is gone", entry_label(pl, e));
	case STATE_FUTURE:
		return plan_find(pl, 0, "future", e,
		                 l->has_source ? "An older build stands beside a newer database."
		                               : "Name its source by --dir NAME=PATH.",
		                 l->has_source ? "'%s' is applied, and newer than every file here"
		                               : "'%s' is applied, and no source of its component is given",
		                 entry_label(pl, e));
	case STATE_OUT_OF_ORDER:
		if (pl->req->allow_out_of_order)
			return 0;
		return plan_find(pl, DUNLIN_EXIT_INVALID, "out-of-order", e,
		                 "Give it a newer version, or run `dunlin up --allow-out-of-order`.",
		                 "'%s' is pending, but older than '%s', which is applied", entry_label(pl, e),
		                 entry_label(pl, &v->entry[l->newest_applied]));
	case STATE_RUNNING:
		return plan_find(pl, 0, "running", e, NULL, "'%s' is being %s by another run", entry_label(pl, e),
		                 e->row->direction == DIRECTION_DOWN ? "reverted" : "applied");
	case STATE_FAILED:
	case STATE_STUCK:
		return e->m ? 0 : find_gone(pl, e);
	default:
		return 0;
	}
}

int state_findings(struct planner *pl, const struct view *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (find_state(pl, v, i) < 0)
			return -1;
	return 0;
}
