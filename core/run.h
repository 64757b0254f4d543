/*
 * run.h - carrying a plan out.  A run decides nothing: which migrations, in
 * what order, in which transactions stands in the plan.
 *
 *   run.c         windows of migrations that run in transactions
 *   run_step.c    migrations outside one, statement by statement
 *   run_record.c  what is written for each: rows, events, failures
 *   run_resolve.c the connection went: what became of what was sent
 */
#ifndef DUNLIN_CORE_RUN_H
#define DUNLIN_CORE_RUN_H

#include "ledger.h"
#include "plan.h"

struct runner {
	/* Set by the caller. */
	struct session *s;
	struct ledger  *l;
	const struct history *h;
	const struct dunlin_plan *plan;
	const struct script_env *env;       /* to read the files' sections         */
	const struct dunlin_observer *obs;
	int  (*cancel_level)(void *arg);    /* 0, 1: after what was sent, 2: now   */
	int  (*reconnect)(void *arg, struct dunlin_error *err); /* and regain the lock */
	int  (*is_time_up)(void *arg);
	void *arg;
	const char *command;                /* for run.started                     */
	int64_t lock_retry_ms;              /* how long a lock timeout is retried  */

	/* Its own. */
	struct window w;
	struct run_end { size_t action, step; } *end; /* where each action of the window commits */
	size_t n_end, end_cap;
	size_t *open_action;                /* of the transaction being built      */
	size_t n_open, open_cap;
	int64_t *order;                     /* apply_order of each action          */
	unsigned char *is_done;             /* of each action                      */
	size_t  n_done;
	int64_t emitted_seq;                /* events told up to this one          */
	int     is_begun;                   /* run.started is in the ledger        */
	int     is_open;                    /* a migration is partly sent          */
	int     is_stepping;                /* outside a transaction: no RESOLVE   */
	int     n_resolved;                 /* times the connection went           */
	struct dunlin_progress progress;
};

/* Runs the whole plan.  On failure the ledger tells of it, *err is filled, and
 * what r->is_done says stands. */
int  run_execute(struct runner *r, struct dunlin_error *err);
void run_clear(struct runner *r);

/* --- between the run_*.c files -------------------------------------------------- */

enum { RUN_OK = 0, RUN_FAILED = -1, RUN_RETRY = 1 };

/* run.c */
int  run_flush(struct runner *r, size_t *failed, struct dunlin_error *err);
int  run_emit(struct runner *r, struct dunlin_error *err);
void run_statement_error(struct runner *r, size_t step, struct dunlin_error *err);
int  run_check_stop(struct runner *r, struct dunlin_error *err);
int  run_nomem_check(struct runner *r, struct dunlin_error *err);
void run_log(const struct runner *r, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* run_step.c */
int  run_steps(struct runner *r, size_t action, struct dunlin_error *err);
/* Adds one statement without comments and spacing. */
int  step_norm(struct sha256 *h, const struct dunlin_dialect *d, const char *sql, size_t len, struct dunlin_error *err);
/* Does the section still begin with the statements that the row says have run,
 * and with the one in flight?  1 or 0. */
int  step_unchanged(const struct script_env *env, const struct script_section *sec, const struct ledger_row *row);
/* What became of the statement in flight of a row that its run left: enum plan_settled. */
int  step_settle(struct session *s, const struct script_env *env, const struct script_section *sec,
                 const struct ledger_row *row);

/* run_record.c */
void record_run_started(struct runner *r);
int  record_run_finished(struct runner *r, const struct dunlin_error *failure, struct dunlin_error *err);
void record_row(const struct runner *r, size_t action, struct ledger_row *row);
int  record_started(struct runner *r, size_t action, struct dunlin_error *err);
int  record_done(struct runner *r, size_t action, struct dunlin_error *err);
/* at: the row as it stands half-way, outside a transaction; else NULL. */
int  record_failed(struct runner *r, size_t action, const struct ledger_row *at, const struct dunlin_error *failure);
int  record_down_text(struct runner *r, size_t action, char **out, size_t *len, struct dunlin_error *err);

/* run_resolve.c */
int  run_resolve(struct runner *r, struct dunlin_error *err);

#endif
