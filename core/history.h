/*
 * history.h - what the ledger says, in memory: the state table's rows, and the
 * same rows folded from the event log.
 */
#ifndef DUNLIN_CORE_HISTORY_H
#define DUNLIN_CORE_HISTORY_H

#include "source.h"

#define LEDGER_LAYOUT 1

enum row_state { ROW_APPLIED = 0, ROW_FAILED, ROW_RUNNING, ROW_BASELINE };
const char *row_state_name(int state); /* "applied", "failed", "running", "baseline" */
int row_state_parse(const char *s);    /* -1: unknown */

enum direction { DIRECTION_UP = 0, DIRECTION_DOWN };

struct history_index;

/* A row of dunlin_migrations.  Strings are never NULL. */
struct ledger_row {
	const char *component, *version, *name;
	int         kind;       /* enum migration_kind                                 */
	int         state;      /* enum row_state                                      */
	int         direction;  /* enum direction: of what it did last                 */
	int64_t     batch, apply_order;
	const char *checksum, *statements_checksum;
	int64_t     statements_done, statements_total;
	const char *intent;     /* JSON, or ""                                         */
	const char *applied_at;
	int64_t     execution_ms;
	const char *applied_by, *run_id;
	int64_t     seq;
	const char *tool_version, *error_class, *error_message;
	int         has_down;   /* the ledger keeps a down for it                      */
	/* Set before a rollback is planned, for the rows it may revert (borrowed):
	 * the kept down parsed (only SECTION_DOWN present), and whether the folder's
	 * differs from it. */
	const struct script *down;
	int         is_down_different;
	const char *down_error; /* why it could not be parsed, or NULL                 */
};

struct history {
	struct arena arena;
	struct ledger_row *row; size_t n, cap;
	int     has_ledger;
	const char **foreign; size_t n_foreign; /* where it is not there: other tables */
	int64_t layout;
	int64_t batch_max;      /* highest ever used                                   */
	int64_t apply_order_max;
	int64_t last_event;     /* id of the newest event, 0: none                     */
	struct history_index *index; /* of history_find()                              */
};

void history_clear(struct history *h);
/* Zeroed but for "" strings; NULL: no memory.  Moves the rows that are there.
 * Component and version are set before the next history_find(), and stay. */
struct ledger_row *history_add(struct history *h);
/* Key columns compare by bytes.  NULL: none. */
struct ledger_row *history_find(const struct history *h, const char *component, const char *version);
void history_remove(struct history *h, struct ledger_row *row); /* another row takes its place */

/*
 * The statement that was sent and not heard of, from row->intent, a JSON object:
 * "n" is its number from 1 (of a BEGIN..COMMIT step, its first), "last" that of
 * the step's last (absent: n).  An intent without "n" has nothing in flight.
 * 1 with *n and *last (either may be NULL); 0: none; -1: it cannot be read.
 */
int row_in_flight(const struct ledger_row *row, int64_t *n, int64_t *last);

/*
 * One event folded into the rows, exactly as the writer changed the table.  The
 * detail's member "row" says how: an object holds the changed columns by their
 * names, in the table's text forms (applied_at and applied_by may be true: the
 * event's time and actor), null removes the row, without it nothing changes.
 * run_id and seq become the event's.  A row that is new starts as an applied
 * versioned one, all else empty.
 * 0, or -1 with err: VALIDATION for an event that makes no sense.
 */
int history_fold(struct history *h, const struct dunlin_event *e, struct dunlin_error *err);
/* Adds a finding (kind "ledger") for each difference of two states. */
int history_compare(const struct history *table, const struct history *folded, struct finding_list *out);

#endif
