/*
 * plan_revert.c - how what was picked is reverted: by which down, from which
 * statement, in whose transaction; and what redo and reset apply afterwards.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "plan_priv.h"

#include <string.h>

/* --- the down ---------------------------------------------------------------------- */

enum down { DOWN_FOUND, DOWN_NONE, DOWN_REFUSED };

/* -1, or DOWN_REFUSED once the finding is there. */
static int refuse(int rc)
{
	return rc < 0 ? -1 : DOWN_REFUSED;
}

static int ledger_down(struct planner *pl, const struct plan_entry *e, struct plan_action *a)
{
	const struct ledger_row *row = e->row;

	if (row->down && row->down->section[SECTION_DOWN].is_present) {
		a->section = &row->down->section[SECTION_DOWN];
		a->is_from_ledger = 1;
		return DOWN_FOUND;
	}
	if (row->down_error)
		return refuse(plan_find(pl, DUNLIN_EXIT_INVALID, "ledger", e,
		                        "--down-from files uses the folder's.",
		                        "the down that the ledger keeps for '%s' cannot be used: %s",
		                        entry_label(pl, e), row->down_error));
	if (row->has_down && !row->down)
		return refuse(plan_find(pl, DUNLIN_EXIT_INVALID, "ledger", e, "--down-from files uses the folder's.",
		                        "the down that the ledger keeps for '%s' was not read", entry_label(pl, e)));
	return DOWN_NONE;
}

static int file_down(struct planner *pl, const struct plan_entry *e, struct plan_action *a)
{
	const struct migration *m = e->m;

	if (!m && pl->req->down_from_files)
		return refuse(plan_find(pl, DUNLIN_EXIT_INVALID, "missing", e, "Without --down-from files the ledger's down is used.",
		                        "'%s' has no file to take the down from", entry_label(pl, e)));
	if (m && m->is_bad)
		return refuse(plan_find(pl, DUNLIN_EXIT_INVALID, "down", e, "`dunlin validate` says what is wrong with it.",
		                        "the down of '%s' cannot be read from its file", entry_label(pl, e)));
	if (!m || !m->script.section[SECTION_DOWN].is_present)
		return DOWN_NONE;
	a->section = &m->script.section[SECTION_DOWN];
	a->pub.file = m->down_file ? m->down_file : m->file;
	return DOWN_FOUND;
}

/* The down could not run as it is written. */
static int find_refused(struct planner *pl, const struct plan_entry *e, const struct plan_action *a)
{
	struct finding_list *out = &pl->p->findings;
	struct dunlin_error why = *a->section->refused;

	error_migration(&why, entry_component(e), entry_version(e));
	if (finding_add_error(out, "down", &why) < 0)
		return error_nomem(pl->err);
	if (a->is_from_ledger)
		finding_hint(out, &out->v[out->n - 1], "%s The ledger keeps the down as it was: mend the folder's, "
		             "and --down-from files uses that.", why.hint);
	return 0;
}

static int choose_down(struct planner *pl, const struct plan_entry *e, struct plan_action *a)
{
	int rc = pl->req->down_from_files ? DOWN_NONE : ledger_down(pl, e, a);

	if (rc == DOWN_NONE)
		rc = file_down(pl, e, a);
	return rc == DOWN_FOUND && a->section->refused ? refuse(find_refused(pl, e, a)) : rc;
}

static int is_declared_irreversible(const struct migration *m)
{
	return m && (m->script.section[SECTION_UP].d.is_irreversible || m->script.section[SECTION_DOWN].d.is_irreversible);
}

/* --- one migration -------------------------------------------------------------------- */

/* Only the record goes. */
static int add_forget(struct planner *pl, const struct plan_entry *e, const char *reason)
{
	struct plan_action a = {
		.pub = { .kind = DUNLIN_ACTION_FORGET, .reason = reason, .batch = e->row->batch },
		.m = e->m, .row = e->row,
	};

	return plan_add_action(pl, e, &a);
}

static int without_down(struct planner *pl, const struct plan_entry *e)
{
	if (e->row->kind == MIGRATION_REPEATABLE)
		return add_forget(pl, e, "a repeatable without a down: only its record goes");
	if (pl->req->force)
		return add_forget(pl, e, "forced: only its record goes, its objects stay");
	return plan_find(pl, DUNLIN_EXIT_INVALID, "irreversible", e,
	                 "--force drops its record and leaves its objects.",
	                 is_declared_irreversible(e->m) ? "'%s' is irreversible"
	                 : e->m ? "'%s' has no down" : "'%s' has no down in the ledger, and its file is gone",
	                 entry_label(pl, e));
}

/* Begun forward, outside a transaction, and not ended: its down was written for
 * all of it. */
static int is_half_applied(const struct ledger_row *row)
{
	return !row_is_applied(row) && row->direction == DIRECTION_UP &&
	       (row->statements_done > 0 || row_in_flight(row, NULL, NULL) != 0);
}

static int find_half_applied(struct planner *pl, const struct plan_entry *e, const char *why)
{
	return plan_find(pl, DUNLIN_EXIT_REPAIR, e->state == STATE_FAILED ? "failed" : "stuck", e,
	                 "`dunlin up` goes on with it, `dunlin repair` decides what it counts as, "
	                 "and --force runs its whole down.",
	                 "'%s' is applied in part: %lld of %lld statements have run%s%s", entry_label(pl, e),
	                 (long long)e->row->statements_done, (long long)e->row->statements_total,
	                 why[0] ? ", and just these cannot be reverted: " : "", why);
}

static const char *half_reason(struct planner *pl, const struct plan_entry *e, const struct resume *r, int64_t n)
{
	struct arena *arena = &pl->p->arena;

	if (r->is_unsettled) /* how much stands, too */
		return r->reason;
	if (r->index == 0)
		return "nothing of it stands: only its record goes";
	if (r->index >= n)
		return arena_printf(arena, "all its statements stand, and its whole down runs");
	return arena_printf(arena, "%s: reverts what stands, %lld of %lld statements",
	                    e->row->state == ROW_FAILED ? "failed" : "stuck", (long long)r->index, (long long)n);
}

/* Its down begins where it undoes what stands, if it is the mirror of its up. */
static int start_half(struct planner *pl, const struct plan_entry *e, struct plan_action *a)
{
	const struct script_section *up = e->m && !e->m->is_bad ? &e->m->script.section[SECTION_UP] : NULL;
	size_t n_before = pl->p->findings.n;
	char why[COUNTERPART_WHY] = "";
	struct resume r;
	int64_t start;

	if (!up || !pl->facts->down_start || e->row->kind == MIGRATION_REPEATABLE)
		return find_half_applied(pl, e, up ? "" : "its file is gone");
	if (resume_point(pl, e, up, 0, &r) < 0)
		return -1;
	if (pl->p->findings.n > n_before)
		return 0;
	start = r.index >= (int64_t)up->n_split && !r.is_unsettled ? 0
		: pl->facts->down_start(pl->facts->down_arg, e->m, a->section, a->is_from_ledger, r.index, why);
	if (start < 0)
		return find_half_applied(pl, e, why);
	a->resume_index = start;
	if (start > 0 || r.is_unsettled)
		a->pub.transaction = "none";
	a->pub.reason = half_reason(pl, e, &r, (int64_t)up->n_split);
	return a->pub.reason ? 0 : error_nomem(pl->err);
}

/* A half revert goes on where it ended. */
static int go_on(struct planner *pl, const struct plan_entry *e, struct plan_action *a)
{
	struct resume r;

	if (resume_point(pl, e, a->section, a->is_from_ledger, &r) < 0)
		return -1;
	if (r.index == 0 && !r.is_unsettled)
		return 0;
	a->resume_index = r.index;
	a->pub.transaction = "none";
	a->pub.reason = r.reason;
	return 0;
}

static int add_revert(struct planner *pl, const struct plan_entry *e, const char *reason)
{
	struct plan_action a = {
		.pub = { .kind = DUNLIN_ACTION_REVERT, .reason = reason, .batch = e->row->batch },
		.m = e->m, .row = e->row,
	};
	int is_half, rc;

	if (row_is_nothing(e->row))
		return add_forget(pl, e, "failed and left nothing: only its record goes");
	is_half = is_half_applied(e->row) && e->state != STATE_RUNNING;
	if (is_half && pl->req->force)
		a.pub.reason = "forced: it is applied in part, and its whole down runs";
	is_half = is_half && !pl->req->force;
	rc = choose_down(pl, e, &a);
	if (is_half && (rc == DOWN_FOUND ? start_half(pl, e, &a) : rc == DOWN_NONE ? find_half_applied(pl, e, "") : 0) < 0)
		return -1;
	if (rc != DOWN_FOUND)
		return rc == DOWN_NONE ? without_down(pl, e) : rc == DOWN_REFUSED ? 0 : -1;
	if (row_is_half_reverted(e->row) && go_on(pl, e, &a) < 0)
		return -1;
	if (a.is_from_ledger && e->row->is_down_different) {
		a.pub.reason = arena_printf(&pl->p->arena, "%s; the folder's down differs, the ledger's is used", a.pub.reason);
		if (!a.pub.reason)
			return error_nomem(pl->err);
		if (plan_find(pl, 0, "down", e, "--down-from files uses the folder's.",
		              "the folder's down of '%s' differs from the one kept when it was applied, which is used",
		              entry_label(pl, e)) < 0)
			return -1;
	}
	return plan_add_action(pl, e, &a);
}

/* --- one transaction for all ------------------------------------------------------------ */

static const char *not_shareable(const struct planner *pl, const struct plan_action *a)
{
	const char *why = plan_outside(pl, a->section);

	if (why)
		return why;
	if (!a->pub.is_in_transaction)
		return "it has run in part";
	if (a->section && (a->section->traits & DUNLIN_ST_EDGE))
		return "a statement at its edge has no effect in a transaction";
	return pl->facts->caps & DUNLIN_CAP_TX_DDL ? NULL : "this database cannot take a change of the schema back";
}

/* Reverts share a transaction where each of them can: all or none. */
static int share(struct planner *pl)
{
	struct dunlin_plan *p = pl->p;
	int must = pl->req->transaction == DUNLIN_TX_ALL;
	const char *why = NULL;

	for (size_t i = 0; i < p->n_action; i++) {
		const struct plan_action *a = &p->action[i];
		struct plan_entry e = { .m = a->m, .row = a->row };
		const char *own = not_shareable(pl, a);

		if (own && must &&
		    plan_find(pl, DUNLIN_EXIT_INVALID, "transaction", &e, "Leave out --transaction all.",
		              "'%s' must be reverted outside a transaction (%s), so not all can share one",
		              entry_label(pl, &e), own) < 0)
			return -1;
		if (own)
			why = own;
	}
	if (why || (p->n_action < 2 && !must))
		return 0;
	for (size_t i = 0; i < p->n_action; i++) {
		p->action[i].pub.transaction = "shared";
		p->action[i].shared_group = 1;
	}
	return 0;
}

/* --- the second half ---------------------------------------------------------------------- */

/* Files and history as they are after the reverts. */
static int after_reverts(struct planner *pl, const struct selection *s, struct view *after)
{
	unsigned char *is_gone = arena_alloc(&pl->scratch, pl->h->n + 1);

	if (!is_gone)
		return error_nomem(pl->err);
	if (pl->req->drop)
		memset(is_gone, 1, pl->h->n);
	for (size_t i = 0; i < s->n; i++)
		is_gone[pl->now.entry[s->pick[i].entry].row - pl->h->row] = 1;
	return view_build(pl, after, is_gone) < 0 ? -1 : state_set(pl, after);
}

static int redo(struct planner *pl, const struct view *after, const struct plan_entry *e)
{
	size_t i = view_find(after, view_line(after, entry_component(e)), entry_version(e));

	if (i == NO_ENTRY || !after->entry[i].m)
		return plan_find(pl, DUNLIN_EXIT_INVALID, "missing", e, "`dunlin down` only reverts it.",
		                 "'%s' cannot be applied again: its file is gone", entry_label(pl, e));
	return plan_again(pl, after, i, e->row);
}

int plan_revert(struct planner *pl)
{
	struct selection s;
	struct view after;

	if (select_reverts(pl, &s) < 0)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		if (add_revert(pl, &pl->now.entry[s.pick[i].entry], s.pick[i].reason) < 0)
			return -1;
	if (share(pl) < 0)
		return -1;
	if (pl->req->op == DUNLIN_OP_RESET)
		return after_reverts(pl, &s, &after) < 0 ? -1 : plan_up(pl, &after);
	if (pl->req->op == DUNLIN_OP_REDO && s.n > 0)
		return after_reverts(pl, &s, &after) < 0 ? -1 : redo(pl, &after, &pl->now.entry[s.pick[0].entry]);
	return 0;
}
