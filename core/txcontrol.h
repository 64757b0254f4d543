/*
 * txcontrol.h - the transaction that a file brings along: which BEGIN and COMMIT
 * are dunlin's own, what runs outside of it, and what may not stand in it.
 *
 * It is told the statements of a section one by one, and gives its verdict at
 * the end, since a `no-transaction` may stand in any line of the section.
 */
#ifndef DUNLIN_CORE_TXCONTROL_H
#define DUNLIN_CORE_TXCONTROL_H

#include "script.h"

/* The first line of a statement that may turn out to be wrong. */
struct tx_place {
	uint32_t line, column;
	char     text[160];
};

struct txcontrol {
	const struct dunlin_dialect *dialect;
	int64_t  n;                          /* statements so far                    */
	int64_t  begin_index, commit_index;  /* of the file's own transaction, or -1 */
	int64_t  lead_end, trail_start;      /* lead_end -1: still leading           */
	char    *begin_sql;                  /* by mem_alloc, or NULL                */
	uint32_t traits, body_traits;
	struct script_run *run; size_t n_run, run_cap;
	int      is_failed;                  /* out of memory                        */
	struct tx_place begin, commit;
	struct tx_place edge;                /* line 0: no late EDGE statement       */
	int      problem;                    /* the first; 0: none                   */
	struct tx_place at;
	struct tx_place loses_lock;          /* line 0: none                         */
	struct tx_place longest;             /* of all statements ...               */
	uint64_t longest_len; int64_t longest_index; /* ... its bytes, and which it is */
	struct tx_place open;                /* a BEGIN that nothing has ended yet   */
};

void txcontrol_init(struct txcontrol *t, const struct dunlin_dialect *dialect);
void txcontrol_add(struct txcontrol *t, const struct split_statement *st);
/* Fills sec->begin_index and all that goes with it.  is_checked 0: refuses
 * nothing (parse).  Errors: VALIDATION with the place in sec->in. */
int  txcontrol_finish(struct txcontrol *t, struct script_section *sec, struct arena *a,
                      int is_checked, struct dunlin_error *err);
void txcontrol_clear(struct txcontrol *t);

/* Bytes of white space and comments that a statement begins with. */
size_t statement_lead(const struct dunlin_dialect *dialect, const char *sql, size_t len);

#endif
