/*
 * plan_resume.c - where a section goes on that ran in part, outside a
 * transaction: after the statements that stand, if they are still the same.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "plan_priv.h"

#include <string.h>

static int find_undecided(struct planner *pl, const struct plan_entry *e, int64_t n)
{
	return plan_find(pl, DUNLIN_EXIT_REPAIR, "stuck", e,
	                 "Look whether it ran, then decide: `dunlin repair --mark-applied`, `--mark-reverted` or `--retry`.",
	                 "statement %lld of '%s' was in flight when its run ended, "
	                 "and the database does not tell whether it ran", (long long)n, entry_label(pl, e));
}

static int find_changed(struct planner *pl, const struct plan_entry *e, int64_t k)
{
	return plan_find(pl, DUNLIN_EXIT_REPAIR, "changed", e,
	                 "Put the statements that have run back as they were, or decide by `dunlin repair`.",
	                 "'%s' has run up to statement %lld, and what has run was changed since: "
	                 "changed within the applied part of a half migration", entry_label(pl, e), (long long)k);
}

/* Lets the facts decide about the statement in flight; *k counts what stands. */
static int settle(struct planner *pl, const struct plan_entry *e, int64_t *k, int *is_unsettled)
{
	int64_t n = *k + 1, last = *k + 1;
	int flight = row_in_flight(e->row, &n, &last), answer;

	if (flight == 0)
		return 0;
	if (!pl->facts->settled) {
		*is_unsettled = 1;
		return 0;
	}
	answer = flight < 0 ? SETTLED_UNKNOWN : pl->facts->settled(pl->facts->settled_arg, e->row);
	switch (answer) {
	case SETTLED_RAN:
		if (last > *k)
			*k = last;
		return 0;
	case SETTLED_NOT_RUN:
		return 0;
	default:
		return find_undecided(pl, e, n);
	}
}

static int is_same(const struct planner *pl, const struct plan_entry *e)
{
	if (pl->facts->prefix_same)
		return pl->facts->prefix_same(pl->facts->prefix_arg, e->m, e->row) == 1;
	return strcmp(e->m->script.statements_checksum, e->row->statements_checksum) == 0;
}

static const char *reason(struct planner *pl, const struct plan_entry *e, const struct script_section *sec,
                          const struct resume *r)
{
	struct arena *a = &pl->p->arena;
	const char *state = e->row->state == ROW_FAILED ? "failed" : "stuck";
	long long k = (long long)r->index, n = (long long)sec->n_split;

	if (e->state == STATE_RUNNING)
		return arena_printf(a, "running in another run, at statement %lld of %lld", k < n ? k + 1 : n, n);
	if (r->is_unsettled)
		return arena_printf(a, "%s: will be settled by looking at the database", state);
	if (k == 0)
		return arena_printf(a, "%s before: nothing of it stands", state);
	if (k >= n)
		return "all its statements have run, which is to be recorded";
	return arena_printf(a, "resume at statement %lld of %lld", k + 1, n);
}

int resume_point(struct planner *pl, const struct plan_entry *e, const struct script_section *sec,
                 int is_kept, struct resume *out)
{
	int64_t k = e->row->statements_done;

	*out = (struct resume){ 0 };
	if (e->state == STATE_RUNNING) { /* its run knows; under the lock there is none */
		out->index = k;
		out->is_unsettled = 1;
		out->reason = reason(pl, e, sec, out);
		return out->reason ? 0 : error_nomem(pl->err);
	}
	if (settle(pl, e, &k, &out->is_unsettled) < 0)
		return -1;
	if (k > 0 && ((uint64_t)k > sec->n_split || (!is_kept && !is_same(pl, e)))) {
		/* A repeatable may run any number of times: it starts again. */
		if (e->row->kind == MIGRATION_REPEATABLE && e->row->direction == DIRECTION_UP) {
			*out = (struct resume){ .reason = "changed" };
			return 0;
		}
		if (find_changed(pl, e, k) < 0)
			return -1;
	}
	out->index = k;
	out->reason = reason(pl, e, sec, out);
	return out->reason ? 0 : error_nomem(pl->err);
}
