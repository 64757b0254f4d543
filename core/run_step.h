/*
 * run_step.h - a migration outside a transaction, while it runs.
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
	struct ledger_row row;       /* as it stands now                      */
	struct sha256 prefix;        /* over the statements done              */
	char   intent[STEP_PROBE_SIZE * 6 + 512];
	int64_t from;                /* statements that stand, to begin with  */
	int    is_recorded;          /* the row says that it has begun        */
	int    is_settled;           /* ... and not yet of the last that stands */
	int    is_loose;             /* inside a BEGIN that cannot be kept    */
	int64_t done_before;         /* row.statements_done before the block  */
	struct sha256 prefix_before;
	struct script_reader *ahead; /* reads on to where a block ends        */
	struct script_statement ahead_at;
	int64_t lock_since;          /* of a block that waits for a lock      */
	struct timespec start;
};

/* A step of the core's own, without text; NULL when out of memory. */
struct dunlin_step *step_add(struct stepping *g, int kind);
/* Sends the window and empties it; RUN_*.  A lock that is not got in time is
 * waited for, and the window sent again. */
int  step_flush(struct stepping *g, struct dunlin_error *err);
/* The intent that has nothing in flight. */
void step_set_intent(struct stepping *g);
/* Row and event that tell how far it got, in a transaction of their own. */
int  step_record_progress(struct stepping *g, const char *event, int64_t n, struct dunlin_error *err);
/* Runs one statement; what is done is noted in the row and in the ledger. */
int  step_run(struct stepping *g, struct script_reader *reader, const struct split_statement *st, int64_t index,
              struct dunlin_error *err);
/* Passes one that stands. */
int  step_pass(struct stepping *g, struct script_reader *reader, const struct split_statement *st, int64_t index,
               struct dunlin_error *err);
/* Nothing of a transaction that the file opened is left, and of what was noted in it. */
void step_end_block(struct stepping *g);

#endif
