/*
 * plan_up.c - which migrations run forward, in what order, and why: for `up`,
 * for `baseline`, and for the second half of `redo` and `reset`.
 *
 * Each component is a line with a cursor that only moves forward.  A required
 * migration moves its own line up to it first; a line that is asked to move
 * while it stands at a migration that waits for others is a cycle.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "error.h"
#include "plan_priv.h"

#include <string.h>

/* A migration that waits for what it requires. */
struct frame {
	const struct frame *below;
	size_t entry, line;  /* line NO_ENTRY: a repeatable */
	size_t want;         /* the entry that it requires  */
};

struct track { size_t cursor; int is_busy; };
enum { MARK_NEW = 0, MARK_BUSY, MARK_DONE };

struct up {
	struct planner *pl;
	const struct view *v;
	int kind;              /* DUNLIN_ACTION_APPLY or _BASELINE               */
	int64_t left;          /* how many more actions; -1: any number          */
	int64_t batch;
	const struct ledger_row *was; /* redo: the row that its revert removes   */
	const char *reason;    /* of what is not required by another, or NULL    */
	struct track *track;   /* of each line                                   */
	unsigned char *mark;   /* of each repeatable                             */
	const struct frame *top;
	size_t depth;
	char component[COMPONENT_MAX + 1], version[256]; /* of the reference in hand */
};

/* Deeper nesting of requirements is an accident, and would use up the stack. */
enum { MAX_DEPTH = 1000 };

static int up_init(struct up *u, struct planner *pl, const struct view *v, int kind)
{
	*u = (struct up){ .pl = pl, .v = v, .kind = kind, .left = -1 };
	u->batch = pl->req->from_empty || pl->req->drop ? 1 : pl->h->batch_max + 1;
	u->track = arena_alloc(&pl->scratch, (v->n_line + 1) * sizeof *u->track);
	u->mark = arena_alloc(&pl->scratch, v->n - v->n_versioned + 1);
	if (!u->track || !u->mark)
		return error_nomem(pl->err);
	for (size_t i = 0; i < v->n_line; i++)
		u->track[i].cursor = v->line[i].first;
	return 0;
}

/* Whether `up` has work with an entry: pending, or begun and not done. */
static int must_run(const struct plan_entry *e)
{
	switch (e->state) {
	case STATE_PENDING:
	case STATE_OUT_OF_ORDER:
		return 1;
	case STATE_FAILED:
	case STATE_RUNNING:
	case STATE_STUCK:
		return e->m && e->row->direction == DIRECTION_UP;
	default:
		return 0;
	}
}

/* --- one migration ------------------------------------------------------------------- */

static const char *reason_of(struct up *u, size_t i)
{
	const struct plan_entry *e = &u->v->entry[i];
	const struct frame *f = u->top ? u->top->below : NULL;
	const char *s;

	if (!f) {
		if (u->reason)
			return u->reason;
		return e->state == STATE_OUT_OF_ORDER ? "out of order" : e->row ? "changed" : "pending";
	}
	if (f->want == i)
		s = arena_printf(&u->pl->p->arena, "required by %s", entry_label(u->pl, &u->v->entry[f->entry]));
	else
		s = arena_printf(&u->pl->p->arena, "comes before %s, which %s requires",
		                 entry_label(u->pl, &u->v->entry[f->want]), entry_label(u->pl, &u->v->entry[f->entry]));
	if (!s)
		u->pl->is_nomem = 1;
	return s ? s : "";
}

/* --transaction all: whatever cannot be in it is refused. */
static int share(struct planner *pl, const struct plan_entry *e, struct plan_action *a)
{
	const char *why = plan_outside(pl, a->section);

	if (!why && a->section && (a->section->traits & DUNLIN_ST_EDGE))
		why = "a statement at its edge has no effect in a transaction";
	if (!why && a->pub.kind == DUNLIN_ACTION_RESUME)
		why = "it has run in part";
	a->pub.transaction = "shared";
	a->shared_group = 1;
	return !why ? 0
		: plan_find(pl, DUNLIN_EXIT_INVALID, "transaction", e,
		            "Run it with the default, --transaction migration.",
		            "'%s' must run outside a transaction (%s), so not all can share one", entry_label(pl, e), why);
}

static int add_apply(struct up *u, size_t i)
{
	const struct plan_entry *e = &u->v->entry[i];
	struct planner *pl = u->pl;
	struct plan_action a = {
		.pub = { .kind = DUNLIN_ACTION_APPLY, .reason = "", .file = e->m->file, .batch = u->batch },
		.m = e->m, .row = e->row, .section = &e->m->script.section[SECTION_UP],
	};

	if (e->row && e->state != STATE_PENDING) {
		struct resume r;

		if (resume_point(pl, e, a.section, 0, &r) < 0)
			return -1;
		a.pub.reason = r.reason;
		if (r.index > 0 || r.is_unsettled) {
			a.pub.kind = DUNLIN_ACTION_RESUME;
			a.pub.transaction = "none";
			a.resume_index = r.index;
		}
	} else {
		a.pub.reason = reason_of(u, i);
	}
	if (u->was && !u->top->below) {
		a.pub.batch = u->was->batch;
		a.is_redo = 1;
	}
	if (pl->req->transaction == DUNLIN_TX_ALL && share(pl, e, &a) < 0)
		return -1;
	pl->p->batch = a.pub.batch;
	return plan_add_action(pl, e, &a);
}

static int add_baseline(struct up *u, size_t i)
{
	const struct plan_entry *e = &u->v->entry[i];
	struct plan_action a = {
		.pub = { .kind = DUNLIN_ACTION_BASELINE, .reason = reason_of(u, i), .file = e->m->file },
		.m = e->m, .row = e->row,
	};

	if (e->row && !row_is_nothing(e->row) &&
	    plan_find(u->pl, DUNLIN_EXIT_REPAIR, e->state == STATE_FAILED ? "failed" : "stuck", e,
	              "`dunlin up` goes on with it; `dunlin repair` decides what it counts as.",
	              "'%s' has run in part, and cannot be marked as there before", entry_label(u->pl, e)) < 0)
		return -1;
	return plan_add_action(u->pl, e, &a);
}

/* --- requirements ----------------------------------------------------------------------- */

static int up_line(struct up *u, size_t line, size_t end);
static int up_repeatable(struct up *u, size_t i);

/* Line of the file where the directive stands; 0: from outside the file. */
static uint32_t require_line(const struct directives *d, const char *ref)
{
	static const char word[] = "requires ";

	for (size_t i = 0; i < d->n_text; i++)
		if (strncmp(d->text[i], word, sizeof word - 1) == 0 && strcmp(d->text[i] + sizeof word - 1, ref) == 0)
			return d->line ? d->line[i] : 0;
	return 0;
}

static int find_requires(struct up *u, size_t i, const char *ref, const char *hint, const char *what)
{
	const struct plan_entry *e = &u->v->entry[i];
	struct finding_list *l = &u->pl->p->findings;

	if (plan_find(u->pl, DUNLIN_EXIT_INVALID, "requires", e, hint, "'%s' requires '%s', %s",
	              entry_label(u->pl, e), ref, what) < 0)
		return -1;
	if (e->m) {
		l->v[l->n - 1].line = require_line(&e->m->script.section[SECTION_UP].d, ref);
		l->v[l->n - 1].column = l->v[l->n - 1].line ? 1 : 0; /* where each directive begins */
	}
	return 0;
}

static void add_chain(struct up *u, struct buf *b, const struct frame *f, const struct frame *last, size_t next)
{
	const struct view *v = u->v;

	if (f != last)
		add_chain(u, b, f->below, last, f->entry);
	buf_addf(b, "%s'%s' requires '%s'", b->len ? "; " : "", entry_label(u->pl, &v->entry[f->entry]),
	         entry_label(u->pl, &v->entry[f->want]));
	if (f->want != next)
		buf_addf(b, ", which comes after '%s'", entry_label(u->pl, &v->entry[next]));
}

/* The line (or repeatable) that the top frame wants waits itself. */
static int find_cycle(struct up *u)
{
	size_t want = u->top->want, line = u->v->key[want].v ? u->v->key[want].line : NO_ENTRY;
	const struct frame *last = u->top;
	struct buf b = BUF_INIT;
	int rc;

	while (line == NO_ENTRY ? last->entry != want : last->line != line)
		last = last->below;
	add_chain(u, &b, u->top, last, last->entry);
	rc = b.is_failed ? error_nomem(u->pl->err)
		: plan_find(u->pl, DUNLIN_EXIT_INVALID, "requires", &u->v->entry[u->top->entry],
		            "Take one of the requirements out.", "the requirements go in a circle: %s", b.p);
	buf_clear(&b);
	return rc;
}

static int require(struct up *u, struct frame *f, const char *ref)
{
	const struct view *v = u->v;
	const struct plan_entry *e;
	size_t j;

	if (version_ref(ref, u->component, sizeof u->component, u->version, sizeof u->version, NULL) < 0)
		return find_requires(u, f->entry, ref, NULL, "which is not a version");
	j = view_find(v, view_line(v, u->component), u->version);
	if (j == NO_ENTRY)
		return find_requires(u, f->entry, ref, plan_near(u->pl, v, u->component, u->version, f->entry),
		                     "which is neither in a folder nor applied");
	e = &v->entry[j];
	if (e->row && (row_is_applied(e->row) || row_is_half_reverted(e->row)))
		return 0;
	if (!must_run(e))
		return find_requires(u, f->entry, ref, "Put its file back.", "which is not applied, and its file is gone");
	if (!v->key[j].v && f->line != NO_ENTRY)
		return find_requires(u, f->entry, ref, "Let the repeatable require the versioned one.",
		                     "which runs after all versioned ones");
	if (u->depth > MAX_DEPTH)
		return find_requires(u, f->entry, ref, NULL, "and requirements nest too deep there");
	f->want = j;
	return v->key[j].v ? up_line(u, v->key[j].line, j + 1) : up_repeatable(u, j);
}

/* What it requires, then the migration itself.  1: the count ended before it. */
static int up_one(struct up *u, size_t i)
{
	const struct plan_entry *e = &u->v->entry[i];
	const struct directives *d = &e->m->script.section[SECTION_UP].d;
	struct frame f = { .below = u->top, .entry = i, .line = u->v->key[i].v ? u->v->key[i].line : NO_ENTRY };
	int rc = 0;

	u->top = &f;
	u->depth++;
	for (size_t r = 0; r < d->n_require && rc == 0 && !e->m->is_bad; r++)
		rc = require(u, &f, d->require[r]);
	if (rc == 0 && u->left == 0) {
		rc = 1;
	} else if (rc == 0 && !e->m->is_bad) { /* of a bad file its finding tells */
		rc = u->kind == DUNLIN_ACTION_BASELINE ? add_baseline(u, i) : add_apply(u, i);
		if (u->left > 0)
			u->left--;
	}
	u->depth--;
	u->top = f.below;
	return rc;
}

/* Runs what a line has to run before `end`. */
static int up_line(struct up *u, size_t line, size_t end)
{
	struct track *t = &u->track[line];

	if (t->cursor >= end)
		return 0;
	if (t->is_busy)
		return find_cycle(u);
	for (; t->cursor < end && u->left != 0; t->cursor++) {
		int rc;

		if (!must_run(&u->v->entry[t->cursor]))
			continue;
		t->is_busy = 1;
		rc = up_one(u, t->cursor);
		t->is_busy = 0;
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return 0;
}

static int up_repeatable(struct up *u, size_t i)
{
	unsigned char *mark = &u->mark[i - u->v->n_versioned];
	int rc;

	if (*mark == MARK_DONE || u->left == 0 || !must_run(&u->v->entry[i]))
		return 0;
	if (*mark == MARK_BUSY)
		return find_cycle(u);
	*mark = MARK_BUSY;
	rc = up_one(u, i);
	*mark = MARK_DONE;
	return rc < 0 ? -1 : 0;
}

static int has_versioned_left(const struct up *u)
{
	for (size_t l = 0; l < u->v->n_line; l++)
		for (size_t i = u->track[l].cursor; i < u->v->line[l].end; i++)
			if (must_run(&u->v->entry[i]))
				return 1;
	return 0;
}

static int up_repeatables(struct up *u)
{
	if (has_versioned_left(u))
		return 0;
	for (size_t i = u->v->n_versioned; i < u->v->n; i++)
		if (up_repeatable(u, i) < 0)
			return -1;
	return 0;
}

/* --- the commands -------------------------------------------------------------------------- */

/* Entry of a request's version, which must have a place in the order. */
static int resolve_versioned(struct planner *pl, const struct view *v, const char *option, size_t *i)
{
	if (plan_resolve(pl, v, option, pl->req->to, i) < 0)
		return -1;
	return v->key[*i].v ? 0 : plan_usage(pl, "%s: '%s' is a repeatable, which has no place in the order",
	                                     option, pl->req->to);
}

static int up_release(struct up *u)
{
	const struct view *v = u->v;
	size_t line = view_line(v, ""), end;

	if (plan_check_release(u->pl, v) < 0)
		return -1;
	if (line == NO_ENTRY)
		return 0;
	end = v->line[line].first;
	while (end < v->line[line].end && version_cmp_release(v->key[end].v, u->pl->req->release) <= 0)
		end++;
	return up_line(u, line, end);
}

int plan_up(struct planner *pl, const struct view *v)
{
	struct up u;
	size_t i;

	if (up_init(&u, pl, v, DUNLIN_ACTION_APPLY) < 0)
		return -1;
	if (pl->req->op == DUNLIN_OP_UP && pl->req->count > 0)
		u.left = pl->req->count;
	if (pl->req->op == DUNLIN_OP_UP && pl->req->to) {
		if (resolve_versioned(pl, v, "--to", &i) < 0 || up_line(&u, v->key[i].line, i + 1) < 0)
			return -1;
	} else if (pl->req->op == DUNLIN_OP_UP && pl->req->release) {
		if (up_release(&u) < 0)
			return -1;
	} else {
		for (size_t l = 0; l < v->n_line; l++)
			if (up_line(&u, l, v->line[l].end) < 0)
				return -1;
	}
	return up_repeatables(&u);
}

int plan_again(struct planner *pl, const struct view *v, size_t i, const struct ledger_row *was)
{
	struct up u;

	if (up_init(&u, pl, v, DUNLIN_ACTION_APPLY) < 0)
		return -1;
	u.was = was;
	u.reason = "redo";
	if (!v->key[i].v)
		return up_repeatable(&u, i);
	u.track[v->key[i].line] = (struct track){ .cursor = i, .is_busy = 1 };
	return up_one(&u, i) < 0 ? -1 : 0;
}

int plan_baseline(struct planner *pl, const struct view *v)
{
	const struct line *l;
	struct up u;
	size_t i;

	if (up_init(&u, pl, v, DUNLIN_ACTION_BASELINE) < 0 || resolve_versioned(pl, v, "baseline", &i) < 0)
		return -1;
	u.reason = arena_printf(&pl->p->arena, "up to %s", entry_label(pl, &v->entry[i]));
	if (!u.reason)
		return error_nomem(pl->err);
	l = &v->line[v->key[i].line];
	if (up_line(&u, v->key[i].line, i + 1) < 0)
		return -1;
	if (pl->p->n_action == 0 || l->newest_applied == NO_ENTRY || l->newest_applied <= i)
		return 0;
	return plan_find(pl, DUNLIN_EXIT_INVALID, "baseline", &v->entry[i],
	                 "Mark single migrations by `dunlin repair --mark-applied VERSION`.",
	                 "'%s' is applied already, which is newer than '%s'",
	                 entry_label(pl, &v->entry[l->newest_applied]), entry_label(pl, &v->entry[i]));
}
