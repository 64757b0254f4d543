/*
 * plan.c - puts a plan together: states, findings, then the actions that the
 * parts add, and the digest over them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "error.h"
#include "plan_priv.h"

#include <string.h>

/* --- names ---------------------------------------------------------------------- */

const char *entry_component(const struct plan_entry *e)
{
	return e->m ? e->m->component : e->row->component;
}

const char *entry_version(const struct plan_entry *e)
{
	return e->m ? e->m->version : e->row->version;
}

const char *entry_name(const struct plan_entry *e)
{
	return e->m ? e->m->name : e->row->name;
}

const char *entry_file(const struct plan_entry *e)
{
	return e->m && e->m->file ? e->m->file : "";
}

const char *plan_label(struct planner *pl, const char *component, const char *version)
{
	const char *s;

	if (!component[0])
		return version;
	s = arena_printf(&pl->p->arena, "%s@%s", component, version);
	if (!s)
		pl->is_nomem = 1;
	return s ? s : "";
}

const char *entry_label(struct planner *pl, const struct plan_entry *e)
{
	return plan_label(pl, entry_component(e), entry_version(e));
}

int plan_find(struct planner *pl, int code, const char *kind, const struct plan_entry *e,
              const char *hint, const char *fmt, ...)
{
	struct finding_list *l = &pl->p->findings;
	struct dunlin_finding *f = NULL;
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	if (!b.is_failed)
		f = finding_add(l, code, kind, e ? entry_component(e) : "", e ? entry_version(e) : "",
		                e ? entry_file(e) : "", "%s", b.p);
	if (f && hint)
		finding_hint(l, f, "%s", hint);
	buf_clear(&b);
	return f ? 0 : error_nomem(pl->err);
}

/* --- actions ------------------------------------------------------------------------ */

static int has_kind(const struct script_section *sec, int kind)
{
	for (size_t i = 0; i < sec->n_run; i++)
		if (sec->run[i].kind == kind)
			return 1;
	return 0;
}

const char *plan_outside(const struct planner *pl, const struct script_section *sec)
{
	uint64_t caps = pl->facts->caps;

	if (pl->req->transaction == DUNLIN_TX_OFF)
		return "--transaction none";
	if (!(caps & DUNLIN_CAP_TX))
		return "this database has no transactions";
	if (!sec)
		return NULL;
	if (sec->d.is_no_transaction)
		return "no-transaction";
	if (!(caps & DUNLIN_CAP_DDL_COMMITS))
		return NULL;
	if (sec->body_traits & (DUNLIN_ST_DDL | DUNLIN_ST_COMMITS))
		return "this database commits at each change of the schema";
	if (has_kind(sec, TX_KIND_OTHER))
		return "a statement may commit, or change what does not roll back";
	if ((caps & DUNLIN_CAP_MIXED_TABLES) && (sec->traits & DUNLIN_ST_DML))
		return "rows of some tables of this database do not roll back";
	return NULL;
}

static const char *const kind_names[] = {
	[DUNLIN_ACTION_APPLY] = "apply",
	[DUNLIN_ACTION_RESUME] = "resume",
	[DUNLIN_ACTION_REVERT] = "revert",
	[DUNLIN_ACTION_FORGET] = "forget",
	[DUNLIN_ACTION_BASELINE] = "baseline",
	[DUNLIN_ACTION_SATISFY] = "satisfy",
};

/* Statements of a section that reach the server from the k-th on. */
static int64_t statements_left(const struct script_section *sec, int64_t k)
{
	int64_t n = (int64_t)sec->n_statements - k;

	/* Its own BEGIN and COMMIT count among the k, but never reach the server. */
	n += sec->begin_index >= 0 && sec->begin_index < k;
	n += sec->commit_index >= 0 && sec->commit_index < k;
	return n > 0 ? n : 0;
}

static int find_copy(struct planner *pl, const struct plan_entry *e)
{
	return plan_find(pl, DUNLIN_EXIT_INVALID, "copy", e,
	                 "Write INSERT statements, or keep the lines for the drivers that can by `-- dunlin:only`.",
	                 "'%s' has COPY data, which the driver '%s' cannot take", entry_label(pl, e),
	                 pl->facts->driver ? pl->facts->driver : "");
}

/* The server would refuse it in the middle, if not hang up. */
static int find_too_long(struct planner *pl, const struct plan_entry *e, const struct plan_action *a)
{
	const struct script_section *sec = a->section;
	struct finding_list *l = &pl->p->findings;

	if (plan_find(pl, DUNLIN_EXIT_INVALID, "too-long", e,
	              "Cut the statement into several, or raise the server's limit (MariaDB: max_allowed_packet).",
	              "'%s' has a statement of %llu bytes, and the server takes at most %llu", entry_label(pl, e),
	              (unsigned long long)sec->longest, (unsigned long long)pl->facts->statement_max) < 0)
		return -1;
	if (!a->is_from_ledger) {
		l->v[l->n - 1].line = sec->longest_line;
		l->v[l->n - 1].column = sec->longest_column;
	}
	return 0;
}

int plan_add_action(struct planner *pl, const struct plan_entry *e, struct plan_action *a)
{
	struct dunlin_plan *p = pl->p;
	const struct script_section *sec = a->section;

	a->pub.kind_name = kind_names[a->pub.kind];
	a->pub.component = entry_component(e);
	a->pub.version = entry_version(e);
	a->pub.name = entry_name(e);
	a->pub.resume_at = a->resume_index + 1;
	a->pub.statements = sec ? statements_left(sec, a->resume_index) : 0;
	if (!a->pub.transaction)
		a->pub.transaction = plan_outside(pl, sec) ? "none" : "own";
	a->pub.is_in_transaction = strcmp(a->pub.transaction, "none") != 0;
	if (plan_cut(pl, a) < 0)
		return -1;
	if (!a->pub.file)
		a->pub.file = "";
	if (sec && (sec->traits & DUNLIN_ST_COPY) && !(pl->facts->caps & DUNLIN_CAP_COPY_IN) && find_copy(pl, e) < 0)
		return -1;
	if (sec && pl->facts->statement_max && sec->longest > pl->facts->statement_max &&
	    sec->longest_index >= a->resume_index && find_too_long(pl, e, a) < 0)
		return -1;
	if (mem_grow(&p->action, &p->action_cap, p->n_action, sizeof *p->action) < 0)
		return error_nomem(pl->err);
	p->action[p->n_action++] = *a;
	return 0;
}

/* --- building -------------------------------------------------------------------------- */

static void set_current(struct planner *pl)
{
	const struct view *v = &pl->now;
	size_t line = view_line(v, "");

	pl->p->current = "";
	if (line == NO_ENTRY)
		return;
	for (size_t i = v->line[line].end; i > v->line[line].first; i--)
		if (v->entry[i - 1].row && row_is_applied(v->entry[i - 1].row)) {
			pl->p->current = v->entry[i - 1].row->version;
			return;
		}
}

static int build_actions(struct planner *pl)
{
	switch (pl->req->op) {
	case DUNLIN_OP_UP:
		return state_findings(pl, &pl->now) < 0 ? -1 : plan_up(pl, &pl->now);
	case DUNLIN_OP_BASELINE:
		return plan_baseline(pl, &pl->now);
	default:
		return plan_revert(pl);
	}
}

/* Reverts do not look at the folder: an older checkout or none can roll back. */
static int reads_folder(const struct dunlin_request *r)
{
	return r->op != DUNLIN_OP_ROLLBACK && r->op != DUNLIN_OP_DOWN;
}

static int build(struct planner *pl, const struct dunlin_request *req)
{
	struct dunlin_plan *p = pl->p;

	p->current = "";
	if (plan_copy_request(pl, req) < 0 || plan_check_request(pl) < 0 || view_build(pl, &pl->now, NULL) < 0 ||
	    state_set(pl, &pl->now) < 0)
		return -1;
	p->entry = pl->now.entry;
	p->n_entry = pl->now.n;
	set_current(pl);
	if (reads_folder(pl->req) && finding_copy(&p->findings, &pl->set->findings) < 0)
		return error_nomem(pl->err);
	if (plan_check_surroundings(pl) < 0 || build_actions(pl) < 0)
		return -1;
	return pl->is_nomem || plan_digest(p) < 0 ? error_nomem(pl->err) : 0;
}

int plan_build(struct dunlin_plan *p, const struct migration_set *set, const struct history *h,
               const struct plan_facts *facts, const struct dunlin_request *req, struct dunlin_error *err)
{
	struct planner pl = { .p = p, .set = set, .h = h, .facts = facts, .err = err };
	int rc = build(&pl, req);

	arena_clear(&pl.scratch);
	if (rc < 0)
		plan_clear(p);
	return rc;
}

void plan_clear(struct dunlin_plan *p)
{
	mem_free(p->action);
	finding_clear(&p->findings);
	arena_clear(&p->arena);
	*p = (struct dunlin_plan){ 0 };
}

/* --- which downs to read ------------------------------------------------------------------ */

static int is_by_set(const struct dunlin_request *r)
{
	return r->to || r->release || r->only || r->has_batch || r->batch;
}

static int pick_rows(struct planner *pl, struct ledger_row ***out, size_t *n)
{
	const struct view *v = &pl->now;
	struct selection s;
	size_t n_unknown = 0;

	if (select_reverts(pl, &s) < 0)
		return -1;
	for (size_t i = 0; i < s.n_order && is_by_set(pl->req); i++)
		if (!entry_directives(&v->entry[s.order[i]]))
			n_unknown++;
	*out = mem_alloc((s.n_order + 1) * sizeof **out);
	if (!*out)
		return error_nomem(pl->err);
	for (size_t i = 0; i < s.n_order; i++)
		if (s.is_picked[s.order[i]] || n_unknown)
			(*out)[(*n)++] = &pl->h->row[v->entry[s.order[i]].row - pl->h->row];
	return 0;
}

int plan_select_reverts(const struct migration_set *set, const struct history *h,
                        const struct dunlin_request *req,
                        struct ledger_row ***out, size_t *n, struct dunlin_error *err)
{
	static const struct plan_facts none;
	struct dunlin_plan p = { 0 };
	struct planner pl = { .p = &p, .set = set, .h = h, .facts = &none, .err = err };
	int rc = -1;

	*out = NULL;
	*n = 0;
	if (plan_copy_request(&pl, req) == 0 && plan_check_request(&pl) == 0 && view_build(&pl, &pl.now, NULL) == 0 &&
	    state_set(&pl, &pl.now) == 0)
		rc = req->op == DUNLIN_OP_UP || req->op == DUNLIN_OP_BASELINE ? 0 : pick_rows(&pl, out, n);
	if (rc == 0 && pl.is_nomem)
		rc = error_nomem(err);
	if (rc < 0) {
		mem_free(*out);
		*out = NULL;
		*n = 0;
	}
	arena_clear(&pl.scratch);
	plan_clear(&p);
	return rc;
}
