/*
 * plan_priv.h - what the parts of the planner share.
 *
 *   plan.c         puts a plan together
 *   plan_request.c the request, and what its references mean
 *   plan_around.c  whether this database may be worked on
 *   plan_view.c    files and history as one ordered list
 *   plan_state.c   the state of each entry, and the findings of states
 *   plan_resume.c  where a half-run section goes on
 *   plan_up.c      what up, baseline and the second half of reset and redo run
 *   plan_select.c  which migrations a revert takes
 *   plan_revert.c  how they are reverted
 *   plan_cut.c     the parts of a migration that commit by themselves
 *   plan_digest.c  the digest over what will run
 */
#ifndef DUNLIN_CORE_PLAN_PRIV_H
#define DUNLIN_CORE_PLAN_PRIV_H

#include "plan.h"

#define NO_ENTRY SIZE_MAX

/* A component's versioned entries. */
struct line {
	const char *component;
	enum scheme scheme;
	int has_source;
	size_t first, end;     /* its versioned entries in the view               */
	size_t newest_applied; /* entry, or NO_ENTRY; a half reverted one counts  */
	size_t newest_file;    /* entry, or NO_ENTRY                              */
};

struct view_key {
	size_t line;
	const struct version *v; /* scheme AUTO: it does not parse; NULL: repeatable */
	const char *version;
};

/* Files and history merged: versioned entries by component (in the order of
 * sources, then those of no source), then version; then the repeatables. */
struct view {
	struct plan_entry *entry;
	struct view_key *key;    /* of each entry */
	size_t n, n_versioned;
	struct line *line; size_t n_line;
};

struct planner {
	struct dunlin_plan *p;
	const struct migration_set *set;
	const struct history *h;
	const struct plan_facts *facts;
	const struct dunlin_request *req;
	struct arena scratch;    /* dies when the plan is built */
	struct view now;
	int is_nomem;            /* a label could not be made   */
	struct dunlin_error *err;
};

/* --- plan.c ------------------------------------------------------------------- */

/* "VERSION", or "COMPONENT@VERSION" in the plan's arena; "" and is_nomem when
 * out of memory. */
const char *plan_label(struct planner *pl, const char *component, const char *version);
const char *entry_component(const struct plan_entry *e);
const char *entry_version(const struct plan_entry *e);
const char *entry_name(const struct plan_entry *e);
const char *entry_file(const struct plan_entry *e); /* "" where it is gone */
const char *entry_label(struct planner *pl, const struct plan_entry *e);
/* Adds a finding about an entry (or NULL) with its hint (or NULL). */
int  plan_find(struct planner *pl, int code, const char *kind, const struct plan_entry *e,
               const char *hint, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Completes `pub` from the rest and appends the action. */
int  plan_add_action(struct planner *pl, const struct plan_entry *e, struct plan_action *a);
/* Why a section must run outside a transaction, or NULL. */
const char *plan_outside(const struct planner *pl, const struct script_section *sec);

/* --- plan_request.c, plan_around.c ---------------------------------------------- */

int  plan_copy_request(struct planner *pl, const struct dunlin_request *req);
int  plan_check_request(struct planner *pl);
int  plan_check_surroundings(struct planner *pl);
int  plan_usage(struct planner *pl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The entry that "[COMPONENT@]VERSION" of an option names; -1: USAGE. */
int  plan_resolve(struct planner *pl, const struct view *v, const char *option, const char *text, size_t *out);
/* The component's name and version nearest to a reference, for a hint. */
const char *plan_near(struct planner *pl, const struct view *v, const char *component, const char *version,
                      size_t but); /* an entry that is not meant, or NO_ENTRY */
/* The default component's scheme if it has releases; else -1 with USAGE. */
int  plan_check_release(struct planner *pl, const struct view *v);

/* --- plan_view.c --------------------------------------------------------------- */

/* Rows whose is_gone byte (by their index in the history) is set are left out;
 * is_gone may be NULL. */
int  view_build(struct planner *pl, struct view *v, const unsigned char *is_gone);
size_t view_line(const struct view *v, const char *component);  /* index, or NO_ENTRY */
size_t view_find(const struct view *v, size_t line, const char *version); /* entry, or NO_ENTRY */
/* First versioned entry of a line that is not before `version`. */
size_t view_lower(const struct view *v, size_t line, const char *version);

/* --- plan_state.c ---------------------------------------------------------------- */

int  state_set(struct planner *pl, struct view *v);
int  state_findings(struct planner *pl, const struct view *v);
int  row_is_applied(const struct ledger_row *row);        /* whole and forward          */
int  row_is_half_reverted(const struct ledger_row *row);
int  row_is_nothing(const struct ledger_row *row);        /* a failed attempt that left nothing */

/* --- plan_resume.c ----------------------------------------------------------------- */

struct resume {
	int64_t index;      /* statements that stand                           */
	int is_unsettled;   /* whether one more stands will be looked at       */
	const char *reason;
};
/* Where the section of a failed or running row goes on; adds a finding where
 * only repair can tell.  is_kept: the section is the ledger's own copy. */
int  resume_point(struct planner *pl, const struct plan_entry *e, const struct script_section *sec,
                  int is_kept, struct resume *out);

/* --- plan_up.c ------------------------------------------------------------------------ */

int  plan_up(struct planner *pl, const struct view *v);
int  plan_baseline(struct planner *pl, const struct view *v);
/* The one entry of `v`, after its revert: redo. */
int  plan_again(struct planner *pl, const struct view *v, size_t i, const struct ledger_row *was);

/* --- plan_select.c, plan_revert.c ------------------------------------------------------ */

struct pick { size_t entry; const char *reason; };
struct selection {
	struct pick *pick; size_t n;   /* newest application first */
	size_t *order; size_t n_order; /* every entry that has a row, newest application first */
	unsigned char *is_picked;      /* by entry */
};
int  select_reverts(struct planner *pl, struct selection *s);
/* What an applied migration requires, as its file has it, or else its kept down. */
const struct directives *entry_directives(const struct plan_entry *e);
int  plan_revert(struct planner *pl);

/* --- plan_cut.c -------------------------------------------------------------------------- */

/* Fills the segments of an action outside a transaction. */
int  plan_cut(struct planner *pl, struct plan_action *a);

/* --- plan_digest.c ----------------------------------------------------------------------- */

int  plan_digest(struct dunlin_plan *p);

#endif
