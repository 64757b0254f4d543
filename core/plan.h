/*
 * plan.h - what a run would do: a pure function of files, history, facts and
 * request.  No file, no connection, no clock; run.c carries a plan out and
 * decides nothing.
 */
#ifndef DUNLIN_CORE_PLAN_H
#define DUNLIN_CORE_PLAN_H

#include "counterpart.h"
#include "finding.h"
#include "history.h"
#include "source.h"

/* What only a connection knows. */
struct plan_facts {
	uint64_t caps;              /* DUNLIN_CAP_*                                      */
	const char *driver;
	uint64_t statement_max;     /* bytes that the server takes at most; 0: not known */
	int is_connected;           /* 0: --from-empty, parse                            */
	int is_lock_held;           /* by another run: a ROW_RUNNING is "running", else "stuck" */
	/* Tables that are neither the ledger's nor an extension's, when there is no
	 * ledger: `up` and `init` refuse. */
	const char *const *foreign_table; size_t n_foreign;
	/* For each row with a statement in flight (row_in_flight()): what became of
	 * it, as the run learnt it from the probe.  NULL function: not asked (status,
	 * plan): the migration plans as a RESUME that says it will be settled. */
	int (*settled)(void *arg, const struct ledger_row *row); /* enum plan_settled */
	void *settled_arg;
	/* Whether the statements of m that stand, those that row counts and the one
	 * in flight, are still what they were: 1, or 0.  The section is that of the
	 * row's direction.  NULL function: the same only where the statements'
	 * checksum did not change. */
	int (*prefix_same)(void *arg, const struct migration *m, const struct ledger_row *row);
	void *prefix_arg;
	/* Where k of the statements of m's up stand: the index of the statement of
	 * `down` (is_kept: the ledger's) from which on it undoes them; -1, and why
	 * tells what is in the way.  NULL function: only the whole down. */
	int64_t (*down_start)(void *arg, const struct migration *m, const struct script_section *down, int is_kept,
	                      int64_t k, char why[COUNTERPART_WHY]);
	void *down_arg;
	/* Nothing is going to be run (status, validate): no finding for what only a
	 * writer needs, a lock or a database that can be written. */
	int is_looking;
};

enum plan_settled { SETTLED_UNKNOWN = 0, SETTLED_RAN, SETTLED_NOT_RUN };

/* State of a migration, as SPEC section 2 names them. */
enum migration_state {
	STATE_PENDING = 0, STATE_APPLIED, STATE_FAILED, STATE_RUNNING, STATE_STUCK,
	STATE_CHANGED, STATE_MISSING, STATE_FUTURE, STATE_OUT_OF_ORDER, STATE_BASELINE
};
const char *migration_state_name(int state);

/* Every migration known to files or history, in the order of `status`. */
struct plan_entry {
	const struct migration  *m;   /* NULL: missing, future                            */
	const struct ledger_row *row; /* NULL: pending                                    */
	int state;
	const char *note;             /* "the file changed since, but not its up statements", or ""       */
};

struct plan_action {
	struct dunlin_action pub;     /* what the public sees; strings in the plan's arena */
	const struct migration  *m;   /* NULL: not in the folder                           */
	const struct ledger_row *row; /* NULL: never recorded                              */
	const struct script_section *section; /* that runs, or NULL                        */
	int is_from_ledger;           /* section is row->down's                            */
	int is_redo;                  /* an APPLY that keeps the batch of the row that the
	                                 REVERT before it removes; its own row is NULL     */
	int64_t resume_index;         /* statements (as split) already done; 0: none.  A
	                                 REVERT may have one too: a half revert goes on   */
	int shared_group;             /* > 0: the same transaction as the neighbours with
	                                 that number                                       */
};

struct dunlin_plan {
	struct arena arena;
	struct dunlin_request req;    /* strings copied                                    */
	struct plan_entry *entry; size_t n_entry;
	struct plan_action *action; size_t n_action, action_cap;
	struct finding_list findings;
	int64_t batch;                /* that applied ones get; 0: none                    */
	const char *current;          /* of the default component now, or ""               */
	char digest[SHA256_TEXT];
	/* Owned by whoever called dunlin_plan(); freed with it. */
	void (*free_owner)(void *owner);
	void *owner;
};

/*
 * Fills *p, which must be zeroed.  set and history are borrowed by the plan.
 * baseline takes its version from req->to.
 * -1 only for usage errors in the request (unknown version, conflicting
 * options) and out of memory; what is wrong with files and history is a
 * finding, with an exit code where the request may not run.
 */
int plan_build(struct dunlin_plan *p, const struct migration_set *set, const struct history *h,
               const struct plan_facts *facts, const struct dunlin_request *req, struct dunlin_error *err);
void plan_clear(struct dunlin_plan *p);

/* The rows whose kept downs are to be read before plan_build(), newest
 * application first: those that a revert request would revert, and, where a
 * migration whose file is gone may require one of them, every row that stands
 * (the kept down tells what it requires).  Pure as well.
 * *out: array by mem_alloc of pointers into h, given away. */
int plan_select_reverts(const struct migration_set *set, const struct history *h,
                        const struct dunlin_request *req,
                        struct ledger_row ***out, size_t *n, struct dunlin_error *err);

#endif
