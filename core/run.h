/*
 * run.h - carrying a plan out.  A run decides nothing: which migrations, in
 * what order, in which transactions stands in the plan.
 *
 *   run.c         windows of migrations that run in transactions
 *   run_send.c    handing a window to the driver: errors, progress, waiting
 *   run_step.c    migrations outside one, statement by statement
 *   run_statement.c one such statement, and its progress
 *   run_place.c   how far such a migration has come, and where it goes on
 *   run_settle.c  what became of a statement that was in flight
 *   run_counterpart.c where the down of such a migration begins, when only a part stands
 *   run_record.c  what is written for each: rows, events, failures
 *   run_resolve.c the connection went: what became of what was sent
 */
#ifndef DUNLIN_CORE_RUN_H
#define DUNLIN_CORE_RUN_H

#include "counterpart.h"
#include "ledger.h"
#include "plan.h"

/* Once its step is durable, so many statements of an action stand, and so many
 * are told to. */
struct run_mark {
	size_t  step, action;
	int64_t stand, told;
	struct sha256 prefix;      /* over those that stand */
};

/* How far a migration outside a transaction is known to have come. */
struct run_place {
	size_t  action;            /* SIZE_MAX: none begun                          */
	int64_t stand, told;
	struct sha256 prefix;
	int     is_new_session;    /* what was set in the one before is to be again */
	int64_t lock_since;        /* since when it waits for a lock at this place  */
};

struct runner {
	/* Set by the caller. */
	struct session *s;
	struct ledger  *l;
	const struct history *h;
	const struct dunlin_plan *plan;
	const struct script_env *env;       /* to read the files' sections         */
	const struct dunlin_observer *obs;  /* its log is not used                 */
	int  (*cancel_level)(void *arg);    /* 0, 1: after what was sent, 2: now   */
	int  (*reconnect)(void *arg, struct dunlin_error *err); /* and regain the lock; or NULL */
	int  (*is_time_up)(void *arg);
	void (*begin_grace)(void *arg);     /* what is left is bookkeeping, which neither
	                                       cancel nor deadline stops for a moment */
	int  (*fail)(void *arg, struct dunlin_error *err); /* makes *err fit to be told; -1 */
	void (*log)(void *arg, int level, const char *text);
	void *arg;
	const char *command;                /* for run.started                     */
	int64_t lock_retry_ms;              /* how long a lock timeout is retried  */

	/* Its own. */
	struct window w;
	struct run_end { size_t action, step; } *end; /* where each action of the window commits */
	size_t n_end, end_cap;
	size_t *open_action;                /* of the transaction being built      */
	size_t n_open, open_cap;
	size_t open_mark;                   /* its BEGIN in the window             */
	int64_t *order;                     /* apply_order of each action          */
	unsigned char *is_done;             /* of each action                      */
	size_t  n_done;
	int64_t emitted_seq;                /* events told up to this one          */
	int     has_ledger;                 /* the tables are there                */
	int     is_begun;                   /* run.started is in the ledger        */
	/* COPY data that is read while it is sent: of the window's last step. */
	struct { struct script_reader *reader; int is_failed; struct dunlin_error err; } copy;
	int     is_open;                    /* a transaction is partly sent        */
	struct run_mark *mark;              /* of the window, in the order of steps: */
	size_t n_mark, mark_cap;            /* none: it holds no migration outside a transaction */
	struct run_place place;
	size_t  n_durable;                  /* of the steps that were sent last      */
	int64_t n_step_statements;          /* of the window's steps                 */
	int     is_stepping;                /* a migration outside one is begun, and its
	                                       end is not yet in the window          */
	int     is_in_block;                /* ... in a transaction of the file's own */
	int     is_unknown;                 /* the line went, and what became of what was
	                                       sent only the database knows          */
	int     n_resolved;                 /* times the connection went since ... */
	size_t  done_at_resolve;            /* ... so much was done                */
	struct history now;                 /* the ledger as the last RESOLVE found it */
	struct dunlin_progress progress;
	int64_t statements_sure, bytes_sure; /* of the progress, what cannot be undone */
	int64_t bytes_of_done;              /* the whole sections of what is done  */
};

/* Runs the whole plan.  On failure the ledger tells of it, *err is filled, and
 * what r->is_done says stands. */
int  run_execute(struct runner *r, struct dunlin_error *err);
void run_clear(struct runner *r);

/* --- between the run_*.c files -------------------------------------------------- */

enum {
	RUN_OK     = 0,
	RUN_FAILED = -1,
	RUN_LOCKED = 1,  /* a lock was not got in time; nothing of it stands           */
	RUN_AGAIN  = 2,  /* the connection went and is back: go on from what is done   */
	RUN_LOST   = 3   /* the connection went                                        */
};

/* run_send.c */

/*
 * Hands the window to the driver; what is durable is marked done, and its
 * events are told.  On anything but RUN_OK *err is filled, and *failed is the
 * action at fault, SIZE_MAX where it was none.  The window stays as it is.
 */
int  run_send(struct runner *r, size_t *failed, struct dunlin_error *err);
/* The same for migrations in transactions: resolves a lost connection, and
 * leaves the window empty.  Never RUN_LOST. */
int  run_flush(struct runner *r, size_t *failed, struct dunlin_error *err);
void run_empty(struct runner *r);  /* the window */
void run_roll_back(struct runner *r); /* what is open, if anything is; nothing is partly sent then */
/* Waits a moment after RUN_LOCKED.  *since is 0 before the first time.
 * RUN_OK: try again; RUN_FAILED: the time is over, or someone wants it to stop. */
int  run_wait_for_lock(struct runner *r, int64_t *since, const char *what, struct dunlin_error *err);
int  run_emit(struct runner *r, struct dunlin_error *err);
int  run_check_stop(struct runner *r, struct dunlin_error *err);
int  run_nomem_check(struct runner *r, struct dunlin_error *err);
void run_mark_done(struct runner *r, size_t action);
void run_count_done(struct runner *r); /* tells the progress after it */
void run_count_bytes(struct runner *r, size_t n); /* of the window's last step, on their way */
void run_log(const struct runner *r, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* run.c */

/* COPY data of the statement that was just added to the window.  Where there is
 * much of it the rest stays in the reader, as r->copy: then the window ends here
 * and is to be sent, once. */
int  run_add_data(struct runner *r, struct script_reader *reader, struct dunlin_error *err);

/* run_step.c */

/* Adds a migration to the window, sending what cannot wait.  RUN_OK, RUN_AGAIN
 * or RUN_FAILED with *failed the action at fault, whose failure is recorded. */
int  run_steps(struct runner *r, size_t action, size_t *failed, struct dunlin_error *err);
/* Sends what such migrations have left in the window; the same answers. */
int  run_steps_left(struct runner *r, size_t *failed, struct dunlin_error *err);
int  run_steps_full(const struct runner *r); /* is there enough of them to be sent? */

/* run_settle.c */

#define STEP_PROBE_SIZE 512 /* of a probe's answer, as the intent keeps it */
/* Adds one statement without comments and spacing. */
int  step_norm(struct sha256 *h, const struct dunlin_dialect *d, const char *sql, size_t len, struct dunlin_error *err);
/* The digest of its first n statements. */
int  step_prefix(const struct script_env *env, const struct script_section *sec, int64_t n, char out[SHA256_TEXT],
                 struct dunlin_error *err);
/* Does the section still begin with the statements that the row says have run,
 * and with the one in flight?  1 or 0. */
int  step_unchanged(const struct script_env *env, const struct script_section *sec, const struct ledger_row *row);
/* What became of the statement in flight of a row that its run left: enum plan_settled. */
int  step_settle(struct session *s, const struct script_env *env, const struct script_section *sec,
                 const struct ledger_row *row);

/* run_counterpart.c */

/* Of the up, k statements stand: the index of the down's first that is to run
 * to undo them; -1, and why tells what is in the way. */
int64_t step_down_start(const struct script_env *env, const struct script_section *up, const struct script_section *down,
                        int is_kept, int64_t k, char why[COUNTERPART_WHY]);

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

/* Connects again, regains the lock and learns what is done.  r->now is the
 * ledger as it is.  -1: it could not, or another run has worked since. */
int  run_resolve(struct runner *r, struct dunlin_error *err);

#endif
