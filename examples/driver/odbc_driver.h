/*
 * odbc_driver.h - what the files of this driver share.
 *
 *   text.c       memory of the host, a growing text, SQL made fit for ODBC
 *   error.c      what the database said -> struct dunlin_driver_error
 *   statement.c  one statement: run, wait, stop, fetch
 *   conn.c       open, close, reset, in a transaction or not
 *   steps.c      transactions, savepoints, exec(), exec_many()
 *   lock.c       one run at a time
 *   snapshot.c   the schema as facts
 *   dialect.c    the database's SQL as data
 *   driver.c     the table that the core gets
 *
 * Every function that takes `err` returns an enum dunlin_status and fills err
 * when it fails; err may be NULL.
 */
#ifndef ODBC_DRIVER_H
#define ODBC_DRIVER_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <sql.h>
#include <sqlext.h>

#include <dunlin/driver.h>

/* The codes that SQLite's ODBC driver hands on as native errors. */
enum { NATIVE_ERROR = 1, NATIVE_BUSY = 5, NATIVE_LOCKED = 6, NATIVE_READONLY = 8, NATIVE_INTERRUPT = 9,
       NATIVE_CANTOPEN = 14, NATIVE_CONSTRAINT = 19, NATIVE_MISMATCH = 20 };

/* --- text.c ---------------------------------------------------------------------- */

extern const struct dunlin_host *the_host;
void *host_alloc(size_t n);
void  host_free(void *p);

struct text {
	char  *p; /* NUL-ended; NULL while empty */
	size_t len, cap;
	int    is_failed; /* memory ran out: all that follows is left out */
};
void text_addn(struct text *t, const char *p, size_t n);
void text_add(struct text *t, const char *s);
void text_quote(struct text *t, const char *name); /* "name" */
void text_clear(struct text *t);
int64_t now_ms(void); /* a clock that never goes back */
/* Hides from the ODBC driver each '?' that is no parameter. */
void hide_marks(char *sql);

/* --- error.c --------------------------------------------------------------------- */

int err_set(struct dunlin_driver_error *err, int status, int errclass, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int err_nomem(struct dunlin_driver_error *err);
/* Of the handle's first diagnostic record; *native may be NULL. */
int err_diag(SQLSMALLINT type, SQLHANDLE handle, int *native, struct dunlin_driver_error *err);

/* --- the connection ---------------------------------------------------------------- */

enum cause { CAUSE_NONE = 0, CAUSE_CANCEL, CAUSE_DEADLINE, CAUSE_STATEMENT };

/* SQLExecute() blocks, and ODBC has no callback to ask the host in.  So it runs
 * in a thread of the connection's, while the caller's thread waits for it and
 * polls the host: the host is asked in no thread but its own. */
struct worker {
	pthread_t       thread;
	pthread_mutex_t mutex;  /* for all below */
	pthread_cond_t  wake, done;
	SQLHSTMT  stmt;         /* to be executed; NULL: nothing to do         */
	SQLRETURN rc;           /* ... and what came of it                     */
	int is_over;            /* the connection closes                       */
	int is_working;         /* between start and end of a slot's statement */
	atomic_int is_cancelled; /* cancel() came meanwhile                    */
};

struct dunlin_conn {
	struct dunlin_control ctl;
	SQLHENV env;
	SQLHDBC dbc;
	int     is_connected, is_read_only;
	char   *driver, path[PATH_MAX];
	int     may_create;
	int64_t lock_timeout_ms, statement_timeout_ms;
	struct worker worker;
	int     is_tx; /* begin() opened a transaction (steps.c); its timeouts */
	int64_t tx_lock_timeout_ms, tx_statement_timeout_ms;
	/* lock.c */
	int  lock_fd;
	char holder[200], since[32];
};

/* --- statement.c ------------------------------------------------------------------- */

struct run {
	const char *sql;
	size_t len;
	const struct dunlin_param *param;
	size_t n_param;
	int64_t lock_timeout_ms, statement_timeout_ms; /* -1: the connection's own, 0: none */
	int must_run;       /* bookkeeping: done although the host wants to stop            */
	dunlin_row_fn *row; /* NULL: rows are thrown away                                   */
	void *arg;
	int64_t n_rows;     /* out: rows that it changed                                    */
	int native;         /* out: the database's code, where it failed                    */
};
int  run_statement(struct dunlin_conn *c, struct run *r, struct dunlin_driver_error *err);
/* One of the driver's own, without parameters or rows. */
int  run_text(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err);
int  worker_start(struct dunlin_conn *c);
void worker_end(struct dunlin_conn *c);
int  odbc_cancel(struct dunlin_conn *c);
int  odbc_query(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param, size_t n_param,
                dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err);

/* --- the other slots ------------------------------------------------------------------ */

int  odbc_open(const struct dunlin_kv *opt, size_t n_opt, const struct dunlin_control *ctl, struct dunlin_conn **out,
               struct dunlin_driver_error *err);
void odbc_close(struct dunlin_conn *c);
int  odbc_reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  odbc_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err);
int  odbc_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  odbc_commit(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  odbc_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  odbc_savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err);
int  odbc_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  odbc_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n, const struct dunlin_exec_observer *obs,
                    struct dunlin_exec_result *res, struct dunlin_driver_error *err);
int  odbc_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err);
int  odbc_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err);
int  odbc_lock_info(struct dunlin_conn *c, const char *key, int32_t *held, char *holder, size_t holder_size, char *since,
                    size_t since_size, struct dunlin_driver_error *err);
int  odbc_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact, void *arg,
                   struct dunlin_driver_error *err);
extern const struct dunlin_dialect odbc_dialect;

#endif
