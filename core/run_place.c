/*
 * run_place.c - how far a migration outside a transaction has come: what stands
 * after a window was sent, whole or in part; and where it goes on after a lock
 * was not got or the line was lost.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run_step.h"

#include <string.h>

void step_mark(struct stepping *g, int64_t stand)
{
	struct runner *r = g->r;

	if (mem_grow(&r->mark, &r->mark_cap, r->n_mark, sizeof *r->mark) < 0) {
		r->w.is_failed = 1;
		return;
	}
	r->mark[r->n_mark++] = (struct run_mark){
		.step = r->w.n ? r->w.n - 1 : 0, .action = g->action, .stand = stand, .told = g->told, .prefix = g->prefix,
	};
}

/* What is durable has moved the place. */
static void move(struct runner *r)
{
	struct run_place *at = &r->place;

	for (size_t i = 0; i < r->n_mark && r->mark[i].step < r->n_durable; i++) {
		const struct run_mark *m = &r->mark[i];

		if (at->action != m->action || at->stand != m->stand)
			at->lock_since = 0;
		if (at->action != m->action)
			at->is_new_session = 1; /* to it: it may go on after another run */
		at->action = m->action;
		at->stand = m->stand;
		at->told = m->told;
		at->prefix = m->prefix;
	}
}

int step_send(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	int rc;

	*failed = SIZE_MAX;
	r->n_durable = 0;
	rc = run_send(r, failed, err);
	move(r);
	if (rc == RUN_OK)
		run_empty(r);
	return rc;
}

static size_t first_undone(const struct runner *r)
{
	size_t i = 0;

	while (i < r->plan->n_action && r->is_done[i])
		i++;
	return i;
}

static int find_undecided(const struct plan_action *a, int64_t n, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_REPAIR, DUNLIN_CLASS_CONNECTION,
	          "statement %lld was in flight when the connection was lost, and the database does not tell whether it ran",
	          (long long)n);
	error_at(err, a->section->in.name, 0, 0);
	error_hint(err, "Look whether it ran, then decide: `dunlin repair --mark-applied`, `--mark-reverted` or `--retry`.");
	return RUN_FAILED;
}

/* The ledger as it was read again: where does the first migration stand that is
 * not done? */
static int look(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	size_t i = first_undone(r);
	const struct plan_action *a = &r->plan->action[i];
	struct script_env env = *r->env;
	const struct ledger_row *row;
	int64_t n = 0, last = 0;

	r->place = (struct run_place){ .action = SIZE_MAX };
	if (i == r->plan->n_action || !a->section || strcmp(a->pub.transaction, "none") != 0)
		return RUN_AGAIN;
	row = history_find(&r->now, a->pub.component, a->pub.version);
	if (!row || strcmp(row->run_id, r->l->run_id) != 0)
		return RUN_AGAIN;
	*failed = i;
	env.is_from_ledger = a->is_from_ledger;
	r->place = (struct run_place){
		.action = i, .stand = row->statements_done, .told = row->statements_done, .is_new_session = 1,
	};
	if (row_in_flight(row, &n, &last) == 0)
		return RUN_AGAIN;
	switch (step_settle(r->s, &env, a->section, row)) {
	case SETTLED_RAN:
		r->place.stand = last;
		return RUN_AGAIN;
	case SETTLED_NOT_RUN:
		return RUN_AGAIN;
	default:
		return r->s->de.errclass == DUNLIN_CLASS_CONNECTION ? RUN_LOST : find_undecided(a, n, err);
	}
}

int step_find_place(struct runner *r, size_t *failed, struct dunlin_error *err)
{
	int rc;

	do {
		*failed = SIZE_MAX;
		if (run_resolve(r, err) < 0)
			return RUN_FAILED;
		rc = look(r, failed, err);
		run_empty(r); /* its statements were counted */
	} while (rc == RUN_LOST);
	return rc;
}

int step_wait(struct runner *r, struct dunlin_error *err)
{
	const char *what = r->is_in_block ? "the transaction" : "the statement";
	int rc;

	r->is_in_block = 0;
	run_empty(r);
	rc = run_wait_for_lock(r, &r->place.lock_since, what, err);
	if (rc != RUN_OK)
		return RUN_FAILED;
	error_clear(err);
	return RUN_AGAIN;
}
