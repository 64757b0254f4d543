/*
 * mock.h - what the files of the mock driver share.
 *
 * The mock is a database for tests.  Its tables are SQLite's, so that any SQL
 * of a test runs; how it behaves (capabilities, faults, lost connections, who
 * holds the lock) stands in a script, and every call it got in a trace.
 *
 *   mock:PATH     a file, so that several processes can share it
 *   mock::NAME    in memory, kept until the process ends
 *   ?script=FILE  the script; ?inline=LINES gives it in the URL, ';' between lines
 *   ?trace=FILE   a line per call is appended; a step of exec_many() is a line
 *                 that begins with a tab, so that the others are round trips
 *
 * Lines of a script ('#' comments):
 *
 *   caps=-tx_ddl,+ddl_commits     capabilities taken away and given; probe_sql is
 *                                 there only where it is given
 *   failed_tx                     an error in a transaction leaves it good for
 *                                 nothing but a rollback
 *   clock                         time stands still at MOCK_NOW
 *   probe enotsup | probe same    the probe cannot tell, or never sees a change
 *   blocker pid=7 user=app application=x query="..." since=...
 *   fail POINT WHICH [after] [status=busy] [class=LOCK] [native=5] [sqlstate=40001]
 *        [position=4] [message="..."] [hint="..."] [retryable] [unsafe]
 *   lost POINT WHICH [after] [linger=MS]   the connection goes, before or after
 *                                 the server did what was asked; its lock may
 *                                 stay for a while
 *   slow POINT WHICH ms=MS
 *   notice POINT WHICH message="..."
 *   busy lock WHICH [holder=TEXT]
 *
 * POINT: open begin statement ledger seal commit rollback savepoint query lock
 * unlock tx_state reset probe snapshot.  WHICH: 3 the third time, 3- from then
 * on, 1-3, * each time, ~TEXT each time that the SQL contains TEXT.  Times are
 * counted per database, over all its connections.
 */
#ifndef DUNLIN_MOCK_H
#define DUNLIN_MOCK_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include <dunlin/driver.h>

#define MOCK_NOW     "2026-01-02T03:04:05.678Z"
#define MOCK_ELAPSED 7
#define MOCK_GUARD   "dunlin_guard"

extern const struct dunlin_host *mock_host;
extern const struct dunlin_dialect mock_dialect;

/* --- scripts (script.c) ---------------------------------------------------- */

enum mock_point {
	MOCK_OPEN, MOCK_BEGIN, MOCK_STATEMENT, MOCK_LEDGER, MOCK_SEAL, MOCK_COMMIT, MOCK_ROLLBACK,
	MOCK_SAVEPOINT, MOCK_QUERY, MOCK_LOCK, MOCK_UNLOCK, MOCK_TX_STATE, MOCK_RESET, MOCK_PROBE,
	MOCK_SNAPSHOT, MOCK_N_POINTS
};

struct mock_fault;

struct mock_script {
	uint64_t caps_off, caps_on;
	int is_failed_tx, is_clock_still, is_probe_enotsup, is_probe_same;
	int has_blocker;
	int64_t blocker_pid;
	char blocker_user[64], blocker_application[64], blocker_query[256], blocker_since[40];
	struct mock_fault *fault; /* a list */
	struct mock_script *older; /* that a connection may still use */
};

struct mock_conn;

/* Reads a script; NULL with *err filled where it is wrong. */
struct mock_script *mock_script_read(const char *text, struct dunlin_driver_error *err);
void mock_script_free(struct mock_script *s);

/* One passing of a point. */
struct mock_pass { enum mock_point at; long n; const char *sql; size_t len; };

/* What the script has for this passing, before the work and after it.  Not
 * DUNLIN_OK: the call fails with it, *err is filled. */
int mock_before(struct mock_conn *c, struct mock_pass *p, enum mock_point at, const char *sql, size_t len,
                const struct dunlin_exec_observer *obs, size_t index, struct dunlin_driver_error *err);
int mock_after(struct mock_conn *c, const struct mock_pass *p, struct dunlin_driver_error *err);

/* A line of the trace; is_step: of an exec_many(). */
void mock_trace(struct mock_conn *c, int is_step, int status, const char *what, const char *sql, size_t len,
                const struct dunlin_param *param, size_t n_param);

/* --- databases and connections (store.c) -------------------------------------- */

struct mock_db {
	struct mock_db *next;
	char *name;              /* as in the URL: a path, or ":NAME"               */
	char *uri;               /* what SQLite gets                                */
	sqlite3 *anchor;         /* keeps one in memory alive                       */
	char *script_text;
	struct mock_script *script;
	long passes[MOCK_N_POINTS];
	struct mock_lock *locks;
	int n_conn;
};

struct mock_conn {
	struct mock_db *db;
	sqlite3 *sql;
	const struct dunlin_control *ctl;
	char *trace;
	int64_t lock_timeout_ms, statement_timeout_ms; /* the connection's own      */
	int64_t lock_ms, statement_ms;                 /* of what runs; 0: none     */
	int64_t lock_deadline, statement_deadline;     /* monotonic; 0: none        */
	int64_t began_ms;        /* the transaction, or the lone statement          */
	atomic_int is_cancelled;
	int is_adopted, is_dead;
	int is_guarded;          /* BEGIN's transaction, and MOCK_GUARD is set      */
	int is_sealed;           /* ... and released                                */
	int is_tx_failed;
};

extern pthread_mutex_t mock_lock_all; /* databases, scripts, counters, locks */

void *mock_zalloc(size_t n);
char *mock_strndup(const char *s, size_t n);
void  mock_free(void *p);
int64_t mock_now_ms(void);
void  mock_sleep_ms(long ms);

/* Fills *err and returns DUNLIN_ERROR. */
int mock_fail(struct dunlin_driver_error *err, int errclass, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* From what SQLite says of the last call. */
int mock_sql_error(struct mock_conn *c, struct dunlin_driver_error *err);
/* Someone wants us to stop, or time is up: not DUNLIN_OK, *err is filled. */
int mock_check_stop(struct mock_conn *c, struct dunlin_driver_error *err);

/* The database of a URL; made if it is not known.  Under mock_lock_all. */
struct mock_db *mock_db_find(const char *name);
int  mock_db_exists(const struct mock_db *db);
int  mock_connect(struct mock_conn *c, int create, struct dunlin_driver_error *err);
/* The session is over: rolled back, its locks gone, or staying for linger_ms. */
void mock_disconnect(struct mock_conn *c, long linger_ms);

int  mock_run(struct mock_conn *c, const char *sql, struct dunlin_driver_error *err); /* of our own */
/* One statement with parameters; rows go to `row`, or nowhere. */
int  mock_exec(struct mock_conn *c, const char *sql, size_t len, const struct dunlin_param *param, size_t n_param,
               dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err);
int  mock_copy(struct mock_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  mock_reset(struct mock_conn *c, struct dunlin_driver_error *err);

/* --- steps (steps.c) --------------------------------------------------------------- */

struct mock_conn *mock_conn_of(struct dunlin_conn *c);
uint64_t mock_caps_of(const struct mock_conn *c);
int  mock_is_in_tx(const struct mock_conn *c);
int  mock_refuse_in_failed_tx(struct mock_conn *c, struct dunlin_driver_error *err);
/* Something is about to run; st: outside of a transaction, its own timeouts. */
void mock_start_clocks(struct mock_conn *c, const struct dunlin_step *st);

/* As in struct dunlin_driver. */
int mock_single(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err);
int mock_begin(struct dunlin_conn *c, const struct dunlin_step *st, struct dunlin_driver_error *err);
int mock_commit(struct dunlin_conn *c, struct dunlin_driver_error *err);
int mock_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err);
int mock_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n,
                   const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                   struct dunlin_driver_error *err);

/* --- what can be asked of it (inspect.c) ---------------------------------------- */

int  mock_lock(struct mock_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err);
int  mock_unlock(struct mock_conn *c, const char *key, struct dunlin_driver_error *err);
int  mock_lock_info(struct mock_conn *c, const char *key, int32_t *held, char *holder, size_t holder_size,
                    char *since, size_t since_size, struct dunlin_driver_error *err);
void mock_locks_drop(struct mock_conn *c, long linger_ms); /* under mock_lock_all */
int  mock_probe(struct mock_conn *c, const char *sql, size_t len, char *answer, size_t size,
                struct dunlin_driver_error *err);
int  mock_probe_sql(struct mock_conn *c, const char *sql, size_t len, char *expr, size_t size);
int  mock_snapshot(struct mock_conn *c, const char *const *ignore, size_t n_ignore,
                   dunlin_fact_fn *fact, void *arg, struct dunlin_driver_error *err);
int  mock_drop_objects(struct mock_conn *c, struct dunlin_driver_error *err);

/* Skips white space and comments, then reads a word or quoted name into out
 * (cut to size); 0: there is none. */
int  mock_word(const char **p, const char *end, char *out, size_t size);
int  mock_is_ddl(const char *sql, size_t len);

#endif
