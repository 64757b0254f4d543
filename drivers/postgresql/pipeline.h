/*
 * pipeline.h - what exec.c, pipeline.c, guard.c, copy.c and kind.c share.
 *
 * A part is what goes through the pipeline in one go: commands are queued by
 * part_add() and its kin, part_run() sends them with one Sync and reads their
 * results.  Each command remembers the step that it belongs to.
 */
#ifndef DUNLIN_POSTGRESQL_PIPELINE_H
#define DUNLIN_POSTGRESQL_PIPELINE_H

#include "pg_driver.h"

/* --- kind.c: what a statement is, by its first words -------------------------------- */

#define PG_KIND_PLAIN  (1u << 0) /* plain DDL or DML: leaves nothing in the session but settings */
#define PG_KIND_COPY   (1u << 1) /* may speak the COPY protocol: not in a pipeline */
#define PG_KIND_COMMIT (1u << 2) /* COMMIT or END: its command tag is to be looked at */
#define PG_KIND_TX     (1u << 3) /* transaction control */
#define PG_KIND_SET    (1u << 4) /* SET, RESET, DISCARD: settings of its own */

unsigned pg_kind_of(const char *sql, size_t len);
int pg_is_single(const char *sql, size_t len); /* no second statement behind a ';' */

/* --- prepared.c: statements of our own that come again and again ----------------------- */

struct pg_prepared;
/* The text that fails in the server unless n rows are affected; NULL: sql as
 * it is does, and the tag is looked at.  *out is the caller's text. */
int  pg_expect_rows(struct drv_text *out, const char *sql, size_t len, int64_t n);
/* The name under which sql is prepared, "" where it is not, yet.  *is_new: it
 * must be prepared now, from *text. */
const char *pg_prepared_name(struct dunlin_conn *c, const char *sql, size_t len, int64_t expect_rows, int *is_new,
                             const char **text);
void pg_prepared_mark(struct dunlin_conn *c);   /* a part begins                        */
void pg_prepared_revert(struct dunlin_conn *c); /* it failed: what it prepared is not there */
void pg_prepared_forget(struct dunlin_conn *c); /* DEALLOCATE ALL                        */

/* --- pipeline.c -------------------------------------------------------------------------- */

enum pg_op_kind {
	PG_OP_OWN = 0,    /* of the driver's own; a failure is told in the server's words */
	PG_OP_BEGIN,
	PG_OP_STATEMENT,
	PG_OP_RELEASE,    /* of the guard                                    */
	PG_OP_LOCK,       /* pg_lock_check()                                 */
	PG_OP_LEDGER,
	PG_OP_COMMIT,
	PG_OP_STEP_END = 0x100 /* or-ed: with it the step is done            */
};

struct pg_op {
	size_t  step;
	int     kind;
	int64_t expect_rows; /* the tag must say so; -1: any                 */
};

struct part {
	struct dunlin_conn *c;
	const struct dunlin_step *steps; /* for the text of what failed          */
	struct pg_op *op;
	size_t n, cap;
	struct drv_text text;            /* NUL-ended copy of what is being sent */
	size_t n_done;                   /* steps done, from the array's first on */
	size_t n_durable;
	int    is_unknown;
	struct dunlin_driver_error *err;
};

int  part_begin(struct part *p);
/* Queues one command.  All return a status; on failure nothing can be said of
 * the connection but that it is lost. */
int  part_add(struct part *p, int kind, size_t step, const char *sql, size_t len);
int  part_adds(struct part *p, int kind, size_t step, const char *sql);
int  part_add_ledger(struct part *p, int kind, size_t step, const struct dunlin_step *st, int is_prepared);
/* Sends, reads, leaves the pipeline.  On failure p->n_done is the step that failed. */
int  part_run(struct part *p);
void part_clear(struct part *p);

/* One command outside of a pipeline, all of its results; tag: of the last. */
int  pg_alone(struct dunlin_conn *c, const struct dunlin_step *st, const char *sql, char *tag, size_t tag_size,
              struct dunlin_driver_error *err);
/* Types and values of parameters as libpq wants them. */
#define PG_MAX_PARAMS 64
struct pg_values {
	Oid type[PG_MAX_PARAMS];
	const char *value[PG_MAX_PARAMS];
};
int  pg_values_set(struct pg_values *v, const struct dunlin_param *param, size_t n, struct dunlin_driver_error *err);

/* --- copy.c ------------------------------------------------------------------------------- */

/* A COPY statement, with the data of its step. */
int  pg_copy(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err);
/* Ends a COPY that nobody asked for. */
int  pg_copy_refuse(struct dunlin_conn *c, const PGresult *res, struct dunlin_driver_error *err);

/* --- guard.c: what stands around a migration's statements ------------------------------------ */

/* Where a transaction stands while its commands are queued. */
struct guard {
	unsigned is_open : 1;     /* a BEGIN step's transaction, or the file's own block */
	unsigned is_own : 1;      /* a BEGIN step's                                     */
	unsigned is_armed : 1;    /* the savepoint is set                               */
	unsigned is_dirty : 1;    /* the session may be as a file has made it            */
	unsigned is_shielded : 1; /* ... and is ours for the moment, in this transaction */
};

/* The session of who connected, for the open transaction only. */
#define PG_SHIELD \
	"SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL role TO DEFAULT; SET LOCAL client_encoding TO 'UTF8'; " \
	"SET LOCAL statement_timeout TO DEFAULT"

void guard_load(struct guard *g, const struct dunlin_conn *c);
void guard_store(const struct guard *g, struct dunlin_conn *c);
int  guard_begin(struct part *p, struct guard *g, size_t step, const struct dunlin_step *st, int has_statements);
/* Before a statement of the file. */
int  guard_statement(struct part *p, struct guard *g, size_t step, unsigned kind);
/* is_last: the transaction has no statements behind it. */
int  guard_seal(struct part *p, struct guard *g, size_t step, int is_last);
int  guard_ledger(struct part *p, struct guard *g, size_t step);
int  guard_commit(struct part *p, struct guard *g, size_t step);
/* What a failed command of the guard means; OK: it is not one. */
int  guard_error(int kind, const char *sqlstate, struct dunlin_driver_error *err);

#endif
