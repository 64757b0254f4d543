/*
 * run_step.h - a migration outside a transaction, while it is added to the
 * window.
 *
 * Where the driver can write the probe as SQL, what follows in the file, and
 * even the next such migrations, travel in one window:
 *
 *     [row running]  [intent 1] statement 1  [done 1, intent 2] statement 2 ...
 *
 * each [..] in a transaction of its own.  The server stops at the first error,
 * and the row says how far it got.  Elsewhere each piece is sent by itself.
 */
#ifndef DUNLIN_CORE_RUN_STEP_H
#define DUNLIN_CORE_RUN_STEP_H

#include "run.h"

#include <time.h>

struct stepping {
	struct runner *r;
	size_t action;
	const struct plan_action *a;
	struct script_env env;
	struct ledger_row row;       /* as the window will have left it           */
	int64_t told;                /* of row.statements_done, what is in the ledger then */
	struct sha256 prefix;        /* over the statements done                  */
	char   intent[STEP_PROBE_SIZE * 6 + 512];
	int64_t from;                /* statements that stand, to begin with      */
	size_t window_from;          /* its first step in the window              */
	int    is_windowed;          /* pieces wait for one another               */
	int    is_recorded;          /* the row says that it has begun            */
	int    is_wild;              /* it may have changed its session           */
	int    is_loose;             /* inside a BEGIN that cannot be kept        */
	int    has_sent;             /* what went wrong did so at the server, and */
	size_t failed;               /* ... with this action                      */
	struct script_reader *ahead; /* reads on to where a block ends            */
	struct script_statement ahead_at;
	struct timespec start;
};

/* --- run_place.c ----------------------------------------------------------------- */

/* Once the step added last is durable, so many statements stand. */
void step_mark(struct stepping *g, int64_t stand);
/* Sends the window and learns what stands.  RUN_*; err says what went wrong,
 * *failed where. */
int  step_send(struct runner *r, size_t *failed, struct dunlin_error *err);
/* After RUN_LOST: RUN_AGAIN, with r->place; or RUN_FAILED. */
int  step_find_place(struct runner *r, size_t *failed, struct dunlin_error *err);
/* After RUN_LOCKED: RUN_AGAIN once it is to be tried again. */
int  step_wait(struct runner *r, struct dunlin_error *err);

/* --- run_step.c ------------------------------------------------------------------ */

/* Where pieces do not wait for one another, sends. */
int  step_flush(struct stepping *g, struct dunlin_error *err);
int  step_flush_now(struct stepping *g, struct dunlin_error *err);

/* --- run_statement.c ------------------------------------------------------------- */

/* A step of the core's own, without text; NULL when out of memory. */
struct dunlin_step *step_add(struct stepping *g, int kind);
/* The intent that has nothing in flight. */
void step_set_intent(struct stepping *g);
/* What stands and is not told so: an event, in a transaction of its own. */
int  step_tell_done(struct stepping *g, struct dunlin_error *err);
/* The same within the transaction being built. */
void step_put_done(struct stepping *g);
/* Adds one statement, and what the ledger is told around it. */
int  step_run(struct stepping *g, struct script_reader *reader, const struct split_statement *st, int64_t index,
              struct dunlin_error *err);
/* Passes one that stands. */
int  step_pass(struct stepping *g, struct script_reader *reader, const struct split_statement *st, int64_t index,
               struct dunlin_error *err);

#endif
