/*
 * pg_driver.h - what the files of this driver share.
 *
 * A run's work goes through pipelines (pipeline.c): steps in, results out, one
 * Sync at the end of a call.  What must stand alone (COPY, CONCURRENTLY, VACUUM)
 * leaves the pipeline (exec.c, copy.c).  A migration's transaction carries a
 * guard inside the server (guard.c): a savepoint that is released before the
 * ledger is written, so that one that is no longer ours fails there.
 *
 * Every function that takes `err` fills it when it fails and returns an enum
 * dunlin_status; err may be NULL.  libpq is used in its non-blocking way only,
 * so that each wait asks the host whether to go on (wait.c).
 */
#ifndef DUNLIN_POSTGRESQL_DRIVER_H
#define DUNLIN_POSTGRESQL_DRIVER_H

#include <stdatomic.h>

#include <libpq-fe.h>

#include "common/common.h"

#define PG_LEX (DUNLIN_LEX_DOLLAR | DUNLIN_LEX_NEST_COMMENT | DUNLIN_LEX_E_STRING)

/* --- options (options.c) -------------------------------------------------------- */

/* How a setting gets to the server: all in the startup packet, there without
 * those that a server before 14 does not know, or by set_config() afterwards. */
enum pg_settings_way { PG_SETTINGS_STARTUP = 0, PG_SETTINGS_OLD, PG_SETTINGS_LATER };

/* Which server will do, as libpq's target_session_attrs has it. */
enum pg_attrs { PG_ATTRS_READ_WRITE = 0, PG_ATTRS_ANY, PG_ATTRS_READ_ONLY, PG_ATTRS_PRIMARY, PG_ATTRS_STANDBY, PG_ATTRS_PREFER_STANDBY };

/* What the URL and the core ask for.  The texts are wiped when freed. */
struct pg_options {
	char  **keyword, **value;   /* libpq's, but for the hosts             */
	size_t  n, cap;
	char   *host, *hostaddr, *port; /* comma-separated lists, or NULL     */
	size_t  n_target;           /* hosts to try in turn; 1 if none named  */
	int     is_elsewhere;       /* a service file may name host and mode  */
	int     is_local;           /* the core says: this machine            */
	int     has_sslmode;        /* by URL or PGSSLMODE                    */
	int     has_options;        /* startup options, by URL                */
	int     attrs;              /* enum pg_attrs                          */
	int     is_pool_session;    /* ?dunlin_pool=session                   */
	int64_t lock_timeout_ms;    /* 0, -1: the database's own              */
	int64_t statement_timeout_ms;
	int64_t connect_timeout_ms; /* of one host; 0: none                   */
};

/* One attempt: what PQconnectStartParams() takes.  Borrows from the options. */
struct pg_attempt {
	const char *keyword[64], *value[64];
	int   n;
	char *host, *hostaddr, *port, *settings; /* own */
	int   is_tls_due;           /* in plain text it is to be refused      */
};

enum pg_cause { PG_CAUSE_NONE = 0, PG_CAUSE_CANCEL, PG_CAUSE_DEADLINE };

struct dunlin_conn {
	PGconn *pg;
	struct dunlin_control ctl;
	struct pg_options opt;
	unsigned is_adopted : 1;
	unsigned is_read_only : 1;
	unsigned is_standby : 1;
	unsigned is_guarded : 1;      /* a BEGIN step's transaction is open           */
	unsigned is_sealed : 1;
	unsigned is_begun_earlier : 1; /* ... since an earlier call                   */
	unsigned is_dirty : 1;        /* a file's statement ran since the last reset  */
	unsigned is_lost : 1;         /* the line is gone                             */
	unsigned has_temp : 1;        /* temporary objects may be there               */
	unsigned is_set_later : 1;    /* RESET ALL loses our settings, see pg_settings_query() */
	char     guard[48];           /* the savepoint's name                         */
	int      server_version;      /* PQserverVersion                              */
	int64_t  lock_key;            /* what lock() took; valid while is_locked      */
	int      is_locked;
	char     lock_text[256];      /* the key it stands for                        */
	atomic_int is_cancelled;
	int      cause;               /* why a wait ended, enum pg_cause              */
	/* Set while a slot runs, for notices. */
	const struct dunlin_exec_observer *obs;
	size_t   obs_index;
	/* wait.c */
	int64_t  probe_end_ms;        /* a deadline of the driver's own; 0: none          */
	int      server_pid;          /* pg_backend_pid()                                 */
	int64_t  asked_ms, cancel_since_ms, cancel_sent_ms;
	struct pg_adopted *adopted;   /* what to put back; NULL: the connection is ours   */
	char     lock_sql[512];       /* pg_lock_check()                                  */
	struct pg_prepared *prepared; /* prepared.c                                       */
	struct pg_watch *watch;       /* blockers.c                                       */
	int      is_unstoppable;      /* a rollback is under way: nobody is asked         */
};

/* --- conn.c, connect.c, surroundings.c, settings.c  -------------------------------------------- */

int  pg_open(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
             struct dunlin_driver_error *err);
/* The same, to another database of the same server (create, drop, scratch). */
int  pg_open_database(const struct dunlin_kv *kv, size_t n, const char *database, const struct dunlin_control *ctl,
                      struct dunlin_conn **out, struct dunlin_driver_error *err);
int  pg_adopt(void *handle, const struct dunlin_control *ctl, struct dunlin_conn **out, struct dunlin_driver_error *err);
void pg_close(struct dunlin_conn *c);
struct dunlin_conn *pg_conn_new(const struct dunlin_control *ctl);
/* What a reset throws away beside settings; NULL-ended.  DEALLOCATE ALL is in it
 * for an adopted handle only, where it is due. */
#define PG_DISCARD_TEMP "DISCARD TEMP"
const char *const *pg_leftovers(const struct dunlin_conn *c);
void pg_adopted_end(struct dunlin_conn *c); /* adopt.c: puts back what was there */
uint64_t pg_caps(struct dunlin_conn *c);

/* One attempt; on failure there is no line. */
struct pg_refusal {
	char state[6]; /* the server's SQLSTATE, or "" */
};
int  pg_connect(struct dunlin_conn *c, const struct pg_attempt *a, struct pg_refusal *why,
                struct dunlin_driver_error *err);
void pg_disconnect(struct dunlin_conn *c);
/* libpq's text of several lines as one, without the SQLSTATE that goes to state[6]. */
void pg_connect_words(const char *text, char *state, struct drv_text *out);
/* ~/.pgpass or what stands in its place, where it would be read: refused with
 * is_unsafe if others may read it too. */
int  pg_check_passfile(const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err);
/* TLS, pooler, standby: refused with is_unsafe. */
int  pg_refuse_mode(struct dunlin_driver_error *err); /* dunlin_pool=session, and it is not */
int  pg_check_surroundings(struct dunlin_conn *c, struct dunlin_driver_error *err);

int  pg_options_read(struct pg_options *o, const struct dunlin_kv *kv, size_t n, const char *database,
                     struct dunlin_driver_error *err);
void pg_options_clear(struct pg_options *o);
/* For the target'th host; way: enum pg_settings_way. */
int  pg_attempt_make(const struct pg_options *o, size_t target, int way, struct pg_attempt *a,
                     struct dunlin_driver_error *err);
void pg_attempt_clear(struct pg_attempt *a);
/* Replaces what is secret in a text of libpq's. */
void pg_options_scrub(const struct pg_options *o, char *text);
/* Is a host name, address or socket folder this machine? */
int  pg_is_local_host(const char *host);
/* URL parameters that this libpq takes; NULL-ended. */
const char *const *pg_url_params(void);
/* The settings of every session of ours, as startup options, and as a query of
 * one row: for a session with c->is_set_later, where a reset would lose them. */
void pg_settings_startup(const struct pg_options *o, int way, struct drv_text *t);
void pg_settings_query(const struct pg_options *o, struct drv_text *t);

/* --- wait.c: libpq without blocking -------------------------------------------------- */

/* At the start of each slot: the line is there, and no old cancel stands. */
int  pg_enter(struct dunlin_conn *c, struct dunlin_driver_error *err);
/* Non-zero when the host wants to stop or the deadline passed; sets c->cause. */
int  pg_is_stopped(struct dunlin_conn *c);
/* Waits until the socket can be read (or, if `write`, written), asking the host
 * meanwhile; when it wants to stop, the running statement is cancelled once
 * (PQcancel) and the wait goes on for its end, bounded.  A lost line: ERROR. */
int  pg_wait(struct dunlin_conn *c, int write, struct dunlin_driver_error *err);
/* Flushes what is queued, reading what comes so that neither side blocks. */
int  pg_flush(struct dunlin_conn *c, struct dunlin_driver_error *err);
/* The next result, NULL at the end of one command; *res is the caller's. */
int  pg_next(struct dunlin_conn *c, PGresult **res, struct dunlin_driver_error *err);
int  pg_cancel(struct dunlin_conn *c); /* the slot */

/* --- simple.c: our own SQL, any number of statements in one round trip ----------------- */

/* Gets each result that has rows; anything but DUNLIN_OK ends it, once all is read. */
typedef int pg_result_fn(void *arg, const PGresult *res);
int  pg_simple(struct dunlin_conn *c, const char *sql, pg_result_fn *fn, void *arg, struct dunlin_driver_error *err);
void pg_text_literal(struct drv_text *t, const char *value); /* E'value' */

/* --- blockers.c: who stands in the way ---------------------------------------------------- */

/* A statement may wait that long for a lock; -1: the connection's own, 0: for
 * ever, and nobody is asked about.  Called before it is sent. */
void pg_blockers_watch_begin(struct dunlin_conn *c, int64_t lock_timeout_ms);
/* By the wait loop: nothing came in this slice; something came. */
void pg_blockers_watch_tick(struct dunlin_conn *c);
void pg_blockers_watch_heard(struct dunlin_conn *c);
void pg_blockers_watch_end(struct dunlin_conn *c);

/* --- errors.c ------------------------------------------------------------------------ */

/* What the server said in a failed result; sql: the statement as sent, for the
 * position (characters from 1 -> bytes from 0), or NULL. */
int  pg_result_error(struct dunlin_conn *c, const PGresult *res, const char *sql, size_t len,
                     struct dunlin_driver_error *err);
/* The line is gone: class CONNECTION; sets c->is_lost. */
int  pg_lost(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  pg_stopped(struct dunlin_conn *c, struct dunlin_driver_error *err); /* as c->cause says */
int  pg_class_of(const char *sqlstate);
/* libpq's position, characters from 1 as text, as bytes from 0; -1: none. */
int64_t pg_byte_offset(const char *sql, size_t len, const char *characters);
/* Names the GRANT that is missing. */
void pg_permission_hint(const char *message, const char *role, const char *sql, size_t len,
                        struct dunlin_driver_error *err);
int  pg_notice_level(const char *severity); /* DUNLIN_LOG_* */
void pg_notice(void *arg, const PGresult *res); /* PQsetNoticeReceiver, arg: the connection */

/* --- query.c: one command, all of its results ----------------------------------------- */

/* Runs one of our own, without parameters or rows. */
int  pg_do(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err);
/* A query of ours: rows as text; param may be NULL. */
typedef int pg_row_fn(void *arg, int ncol, const char *const *value, const size_t *len);
int  pg_each(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, pg_row_fn *row, void *arg,
             struct dunlin_driver_error *err);
/* First column of the first row, "" if there is none. */
int  pg_scalar(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, char *out, size_t size,
               struct dunlin_driver_error *err);
/* The slot: types told, row by row, memory bounded. */
int  pg_query(struct dunlin_conn *c, const char *sql, size_t sql_len, const struct dunlin_param *param, size_t n_param,
              dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err);

/* --- exec.c, pipeline.c, copy.c, guard.c ----------------------------------------------- */

int  pg_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  pg_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step,
                  const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                  struct dunlin_driver_error *err);
int  pg_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  pg_commit(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  pg_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  pg_savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err);
int  pg_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err);
/* Settings, role, cursors, temporary and prepared things go; locks stay. */
int  pg_reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err);

void pg_prepared_free(struct dunlin_conn *c); /* prepared.c */

/* --- lock.c ------------------------------------------------------------------------------ */

int  pg_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err);
int  pg_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err);
int  pg_lock_info(struct dunlin_conn *c, const char *key, int32_t *held, char *holder, size_t holder_size, char *since,
                  size_t since_size, struct dunlin_driver_error *err);
/* SQL that fails in the server unless this session holds the lock; NULL when
 * none was taken.  Borrowed, changes with lock(). */
int64_t pg_lock_key(const char *text);
const char *pg_lock_check(struct dunlin_conn *c);

/* --- concurrent.c: what CONCURRENTLY leaves behind ----------------------------------------- */

/* Before a CREATE INDEX CONCURRENTLY, REINDEX CONCURRENTLY: drops the invalid
 * leftover that stands in its way.  Nothing for other statements.
 * PG_CONCURRENT_DONE: what was left of an earlier try is done now, and the
 * statement with it: it is not to be sent. */
#define PG_CONCURRENT_DONE 1
int  pg_concurrent_before(struct dunlin_conn *c, const char *sql, size_t len, struct dunlin_driver_error *err);
/* After it: is the index valid?  Not: an error, and the leftover is dropped. */
int  pg_concurrent_after(struct dunlin_conn *c, const char *sql, size_t len, int status, struct dunlin_driver_error *err);

/* --- snapshot.c, probe.c, blockers.c, database.c, objects.c ---------------------------------- */

int  pg_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact, void *arg,
                 struct dunlin_driver_error *err);
int  pg_probe(struct dunlin_conn *c, const char *sql, size_t sql_len, char *answer, size_t answer_size,
              struct dunlin_driver_error *err);
int  pg_blockers(struct dunlin_conn *c, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err);
int  pg_create_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                        struct dunlin_driver_error *err);
int  pg_drop_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                      struct dunlin_driver_error *err);
int  pg_scratch(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, char *url, size_t url_size,
                struct dunlin_driver_error *err);
int  pg_drop_objects(struct dunlin_conn *c, struct dunlin_driver_error *err);

#endif
