/*
 * ledger.h - the two tables in the database: reading them, and the steps that
 * write them.  Each writer adds steps to a window, so that the records travel
 * in the same transaction as the migration that they tell of.
 *
 * An event that changes a row carries the changed columns in its detail, as
 * the member "row" (null: the row is removed; applied_at and applied_by true:
 * the event's own time and actor), so that folding the log gives the table.
 */
#ifndef DUNLIN_CORE_LEDGER_H
#define DUNLIN_CORE_LEDGER_H

#include "buf.h"
#include "history.h"
#include "session.h"
#include "window.h"

struct ledger {
	struct arena arena;
	const struct dunlin_dialect *dialect;
	const char *schema, *name, *events; /* bare; schema "" where there is none */
	const char *key;                    /* of the lock: "schema.name"          */
	const char **ddl;                   /* NULL-ended                          */
	const char *look;                   /* for the ledger, and where there is none, for tables */
	const char *exists, *others;        /* the same in two questions: a file is near, and its schema long to read */
	const char *insert_tx, *insert_row, *update_row, *update_end, *update_progress, *update_probed, *event_probed, *update_error,
	           *update_sums, *delete_row, *insert_event, *event_of_row, *event_elapsed,
	           *select_rows, *select_last, *select_down, *select_events, *select_newest, *select_run,
	           *count_rows, *drop_rows;
	int     is_half_made;               /* the making of the tables was cut short */
	/* Of the run that writes. */
	char    run_id[33];
	const char *actor;
	int64_t seq;                        /* of the last event written           */
};

/* table: "[SCHEMA.]NAME". */
int  ledger_init(struct ledger *l, const struct dunlin_dialect *d, const char *table, struct dunlin_error *err);
void ledger_clear(struct ledger *l);
int  ledger_new_run(struct ledger *l, const char *actor, struct dunlin_error *err); /* a random run_id */

/* --- reading ------------------------------------------------------------------ */

/* Both tables; or h->foreign, the tables that are neither the ledger's nor an
 * extension's. */
int ledger_read(struct ledger *l, struct session *s, struct history *h, struct dunlin_error *err);
/* Has nothing been written since h was read?  1, or 0: it has, or who knows. */
int ledger_is_unchanged(struct ledger *l, struct session *s, const struct history *h);
/* The kept down of a row, by mem_alloc, given away; NULL: none. */
int ledger_read_down(struct ledger *l, struct session *s, const struct ledger_row *row,
                     char **out, size_t *len, struct dunlin_error *err);
/* Events, oldest first.  limit 0: all.  run_id NULL: of all runs; else those of
 * that run after seq.  What fn returns other than 0 ends it and is returned,
 * *err untouched. */
int ledger_events(struct ledger *l, struct session *s, int64_t limit, const char *run_id, int64_t after,
                  int (*fn)(void *arg, const struct dunlin_event *e), void *arg, struct dunlin_error *err);

/* --- writing: all within a window ------------------------------------------------- */

void ledger_put_tables(struct ledger *l, struct window *w); /* creates them, records the layout */

/* An event that changes no row; detail is a JSON object. */
void ledger_put_event(struct ledger *l, struct window *w, const char *event, const char *component,
                      const char *version, const char *detail);

enum ledger_time {
	LEDGER_ELAPSED,  /* execution_ms as the database measures it since BEGIN */
	LEDGER_GIVEN     /* row->execution_ms                                    */
};
/* Inserts the row and the event that tells of it.  extra: further members of
 * the detail, as in "\"direction\":\"up\",", or "". */
void ledger_put_row(struct ledger *l, struct window *w, const struct ledger_row *row, enum ledger_time t,
                    const char *down, size_t down_len, const char *event, const char *extra);
/* Updates every column but down_sql, and tells of it. */
void ledger_put_update(struct ledger *l, struct window *w, const struct ledger_row *row,
                       const char *event, const char *extra);
/* Only how far it got; extra: members of the detail. */
void ledger_put_progress(struct ledger *l, struct window *w, const struct ledger_row *row,
                         const char *event, const char *extra);
/* The same for a statement that is about to run: its intent is head, what the
 * dialect's probe_get gives, and tail, together JSON.  Where the statement
 * before it is not yet told to be done, after is its intent, and n_done its
 * number; else NULL. */
void ledger_put_intent(struct ledger *l, struct window *w, const struct ledger_row *row, const char *after,
                       int64_t n_done, const char *head, const char *tail, int64_t n);
/* As ledger_put_update(), with execution_ms as the database measures it since
 * the row's applied_at, where it can. */
void ledger_put_end(struct ledger *l, struct window *w, const struct ledger_row *row,
                    const char *event, const char *extra);
/* Only the error of a revert that left the row as it was. */
void ledger_put_error(struct ledger *l, struct window *w, const struct ledger_row *row,
                      const char *event, const char *extra);
/* Only the checksums and the kept down. */
void ledger_put_sums(struct ledger *l, struct window *w, const struct ledger_row *row,
                     const char *down, size_t down_len, const char *event, const char *extra);
/* Removes the row; event NULL: it is about to be written anew. */
void ledger_put_delete(struct ledger *l, struct window *w, const struct ledger_row *row,
                       const char *event, const char *extra);

#endif
