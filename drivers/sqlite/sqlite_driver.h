/*
 * sqlite_driver.h - what the files of this driver share.
 *
 * Three things nest.  The sidecar lock (lock.c) spans a run.  The group
 * (group.c) is one SQLite transaction that carries many migrations, because a
 * sync is what costs.  A migration is a savepoint in the group, SQ_GUARD.
 *
 *     sidecar lock   [--------------------------------------------]
 *     group             [----------------]   [----------------]
 *     migration          [--] [--] [--]       [--] [---------]
 *
 * Every function that takes `err` fills it when it fails and returns an enum
 * dunlin_status; err may be NULL.
 */
#ifndef DUNLIN_SQLITE_DRIVER_H
#define DUNLIN_SQLITE_DRIVER_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "common/common.h"

#define SQ_GUARD "dunlin_guard"
#define SQ_LOCK_SUFFIX "-dunlin.lock"

/* How SQLite's text is read by drv_token_next(). */
#define SQ_LEX (DUNLIN_LEX_BACKTICK | DUNLIN_LEX_BRACKET)

/* --- options (options.c) -------------------------------------------------------- */

struct sq_options {
	char   *file;        /* absolute, links resolved; NULL: in memory or adopted */
	char   *memory_name; /* what sqlite3_open gets for a database in memory      */
	char   *vfs;
	char    journal_mode[12], synchronous[8]; /* "": left alone                  */
	int     foreign_keys;                     /* 1: enforced                     */
	int     open_flags;                       /* SQLITE_OPEN_*                   */
	int     is_missing;                       /* no such file when we looked     */
	int64_t lock_timeout_ms;                  /* the connection's own            */
	int64_t busy_timeout_ms;                  /* of the URL; -1: not given       */
	int64_t statement_timeout_ms;             /* 0: none                         */
};
int  sq_options_read(struct sq_options *o, const struct dunlin_kv *kv, size_t n,
                     struct dunlin_driver_error *err);
void sq_options_clear(struct sq_options *o);
extern const char *const sq_url_params[];

/* --- the connection --------------------------------------------------------------- */

/* Whose statement is being prepared: what the authorizer goes by. */
enum sq_mode {
	SQ_OWN = 0, /* the driver's, or the core's bookkeeping          */
	SQ_GUARDED, /* a file's, inside a migration's transaction       */
	SQ_LONE     /* a file's, outside                                */
};

/* What the authorizer saw in the statement just prepared. */
struct sq_seen {
	unsigned has_pragma : 1;       /* sets something of the connection          */
	unsigned has_busy_pragma : 1;  /* and replaces our busy handler             */
	unsigned has_like_pragma : 1;  /* ... or LIKE                               */
	unsigned has_temp : 1;         /* creates a temporary object                */
	unsigned has_attach : 1;
	unsigned has_ddl : 1;
	unsigned has_create_table : 1; /* or ALTER TABLE: may bring a foreign key   */
	unsigned has_alter_table : 1;
	unsigned has_schema_write : 1; /* writes sqlite_schema                      */
	unsigned is_failed : 1;        /* out of memory while noting                */
	struct drv_text tables;         /* tables of main that it writes, NUL-ended each */
	size_t last;                   /* where the last of them starts             */
	char denied[256];              /* why it was refused, "" if it was not      */
	char hint[256];
};

/* Waiting: for locks, for the deadline, for someone who stops us. */
enum sq_cause { SQ_CAUSE_NONE = 0, SQ_CAUSE_CANCEL, SQ_CAUSE_DEADLINE, SQ_CAUSE_STATEMENT };
struct sq_wait {
	int64_t  budget_ms;             /* lock waits left in this phase   */
	int64_t  statement_deadline_ms; /* monotonic; 0: none              */
	int      cause;                 /* enum sq_cause                   */
	int      is_stop_ignored;       /* while saving what was done      */
	int      is_bookkeeping;        /* runs to its end once it started */
	uint32_t random;
};

struct sq_tx {
	unsigned is_group : 1;        /* our BEGIN is open                            */
	unsigned is_exclusive : 1;    /* and it was BEGIN EXCLUSIVE                   */
	unsigned has_earlier : 1;     /* it holds work that an earlier call reported  */
	unsigned is_migration : 1;    /* SQ_GUARD is set                              */
	unsigned is_group_own : 1;    /* the group was opened for this migration      */
	unsigned is_sealed : 1;
	unsigned is_continued : 1;    /* the migration was begun in an earlier call   */
	unsigned keeps_session : 1;   /* bookkeeping of one that runs outside: no SEAL, its
	                                 settings, ATTACH and TEMP tables stay     */
	unsigned is_unknown : 1;      /* the last COMMIT may have committed           */
	int64_t  lock_timeout_ms, statement_timeout_ms; /* of the migration           */
	int64_t  group_ms;            /* when the group began                         */
	int64_t  begun_ms, sealed_ms; /* the migration's clock; sealed 0: it runs     */
	uint64_t bytes;               /* of SQL text run in the group                 */
	int      changes;             /* sqlite3_total_changes() at its start         */
};

#define SQ_N_CACHED 16
struct sq_cached {
	sqlite3_stmt *stmt;
	char         *sql;
	size_t        len;
	uint64_t      used;
};

/* Foreign keys: fk_map.c knows the pairs, fk.c the tables. */
struct sq_fk_pair {
	char *child, *parent;
};
struct sq_fk_row {
	int64_t  rowid;
	uint64_t link; /* hash of parent and key number */
};
struct sq_fk_table {
	char             *name;
	struct sq_fk_row *row; /* violations that were there before, sorted */
	size_t            n_row, cap_row;
	unsigned is_known : 1;    /* row is filled                            */
	unsigned is_touched : 1;  /* by the migration at work                 */
	unsigned is_reshaped : 1; /* dropped, created, altered: rowids and key
	                             numbers may be others now                */
	unsigned is_mismatch : 1; /* SQLite cannot check it                   */
	uint8_t  level;           /* 1: its children are noted, 2: as reshaped */
};
struct sq_fk {
	struct sq_fk_pair *pair;
	size_t n_pair, cap_pair;
	struct sq_fk_table *table;
	size_t n_table, cap_table;
	int64_t schema_version; /* that `pair` belongs to                     */
	int64_t altered_root;   /* root page of the table being altered       */
	unsigned is_fresh : 1;  /* `pair` holds                               */
	unsigned is_checked : 1; /* ... as this group found                   */
	unsigned is_noted : 1;  /* schema_version is what COMMIT will leave   */
	unsigned is_all : 1;    /* the schema was edited by hand: check all   */
};

#define SQ_N_PRAGMA 32
struct sq_session {
	unsigned is_pragma_dirty : 1;
	unsigned is_like_dirty : 1;
	unsigned is_temp_dirty : 1;
	unsigned is_attach_dirty : 1;
	unsigned is_schema_dirty : 1; /* sqlite_schema was written by hand    */
	unsigned is_broken : 1;       /* an I/O error: want a fresh connection */
	unsigned has_values : 1;
	char value[SQ_N_PRAGMA][24];
	struct drv_text keep_temp;     /* temporary objects of an adopted handle, NUL-ended each */
	struct drv_text keep_attached;
	int busy_timeout;             /* of an adopted handle                 */
};

struct sq_lock {
	int  fd;                      /* of the sidecar, -1: none             */
	int  is_held;
	char holder[200], since[32];
};

struct dunlin_conn {
	sqlite3 *db; /* NULL only after a reopen that failed */
	struct dunlin_control ctl;
	struct sq_options opt;
	int is_adopted, is_read_only;
	int is_fk_suspended; /* an adopted handle enforces foreign keys outside our groups */
	dev_t dev; /* of the file, to notice when it is another one */
	ino_t ino;
	pthread_mutex_t mutex; /* guards db against cancel() */
	atomic_int is_cancelled;
	int mode; /* enum sq_mode */
	int rc;   /* extended code of the last failure */
	struct sq_seen seen;
	struct sq_wait wait;
	struct sq_tx tx;
	struct sq_session session;
	struct sq_fk fk;
	struct sq_lock lock;
	struct sq_cached cached[SQ_N_CACHED];
	uint64_t n_used;
	/* Set while exec_many() runs. */
	const struct dunlin_exec_observer *obs;
	size_t obs_index;
};

/* --- conn.c --------------------------------------------------------------------------- */

int  sq_open(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
             struct dunlin_conn **out, struct dunlin_driver_error *err);
int  sq_adopt(void *handle, const struct dunlin_control *ctl, struct dunlin_conn **out,
              struct dunlin_driver_error *err);
void sq_close(struct dunlin_conn *c);
int  sq_cancel(struct dunlin_conn *c);
int  sq_reopen(struct dunlin_conn *c, struct dunlin_driver_error *err); /* no transaction is open */
int  sq_is_file(const struct dunlin_conn *c);
/* At the start of each slot: a connection is there, and no old cancel stands. */
int  sq_enter(struct dunlin_conn *c, struct dunlin_driver_error *err);
void sq_notice(struct dunlin_conn *c, int level, const char *text);

/* --- errors.c ------------------------------------------------------------------------- */

/* What SQLite says about rc; off: where the failing text begins in the step's. */
int  sq_db_error(struct dunlin_conn *c, int rc, size_t off, struct dunlin_driver_error *err);
int  sq_stopped(struct dunlin_conn *c, struct dunlin_driver_error *err); /* as wait.cause says */
int  sq_class_of(int rc, const char *message);

/* --- wait.c --------------------------------------------------------------------------- */

int  sq_on_busy(void *arg, int n);     /* sqlite3_busy_handler     */
int  sq_on_progress(void *arg);        /* sqlite3_progress_handler */
int  sq_is_stopped(struct dunlin_conn *c); /* sets wait.cause      */
#define SQ_NO_WAIT INT64_MIN
void sq_wait_budget(struct dunlin_conn *c, int64_t lock_timeout_ms); /* -1: own, 0: the database's own */
void sq_wait_statement(struct dunlin_conn *c, int64_t timeout_ms);   /* -1: own, 0: none           */
void sq_wait_statement_end(struct dunlin_conn *c);
int64_t sq_jitter(struct dunlin_conn *c, int64_t ms);                /* between ms / 2 and ms      */

/* --- guard.c -------------------------------------------------------------------------- */

int  sq_authorize(void *arg, int code, const char *a, const char *b, const char *db, const char *trigger);
void sq_seen_reset(struct sq_seen *s);

/* --- stmt.c --------------------------------------------------------------------------- */

/* Runs a file's statement, or more of them in one slice. */
int  sq_run(struct dunlin_conn *c, const char *sql, size_t len, int mode, struct dunlin_driver_error *err);
/* Runs one of ours through the cache of prepared statements; expect: rows, -1 any. */
int  sq_run_own(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param,
                size_t n_param, int64_t expect, struct dunlin_driver_error *err);
int  sq_do(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err);
int  sq_query(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param,
              size_t n_param, int mode, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err);
/* A query of ours with at most one parameter, a text; NULL: none.  A row that
 * returns DUNLIN_ENOMEM ends in that error. */
typedef int sq_row_fn(void *arg, const char *const *value, const size_t *len);
int  sq_each(struct dunlin_conn *c, const char *sql, const char *param, sq_row_fn *row, void *arg,
             struct dunlin_driver_error *err);
/* Not through the cache: many PRAGMAs act while they are prepared. */
int  sq_pragma(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err);
/* First column of the first row, "" if there is none. */
int  sq_scalar(struct dunlin_conn *c, const char *sql, char *out, size_t size, struct dunlin_driver_error *err);
void sq_cache_clear(struct dunlin_conn *c);

/* --- group.c -------------------------------------------------------------------------- */

int  sq_group_begin(struct dunlin_conn *c, int is_exclusive, int64_t lock_timeout_ms,
                    struct dunlin_driver_error *err);
/* COMMIT for good.  DUNLIN_EBUSY leaves the group open; any other failure ends it. */
int  sq_group_commit(struct dunlin_conn *c, struct dunlin_driver_error *err);
void sq_group_rollback(struct dunlin_conn *c);
int  sq_group_is_full(struct dunlin_conn *c);
int  sq_group_is_lost(struct dunlin_conn *c); /* SQLite ended it; then the flags are cleared */
int  sq_begin_is_exclusive(const char *sql, size_t len);
int  sq_migration_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  sq_migration_statement(struct dunlin_conn *c, const struct dunlin_step *step,
                            struct dunlin_driver_error *err);
int  sq_migration_seal(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  sq_migration_release(struct dunlin_conn *c, struct dunlin_driver_error *err);
void sq_migration_undo(struct dunlin_conn *c); /* may end in a lost group */
int  sq_is_user_tx(struct dunlin_conn *c);     /* the file's own BEGIN is open */
void sq_elapsed_ms(sqlite3_context *ctx, int n, sqlite3_value **v);

/* --- fk_map.c, fk.c ------------------------------------------------------------------- */

int  sq_fk_begin(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  sq_fk_read_all(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  sq_fk_read_one(struct dunlin_conn *c, const char *child, struct dunlin_driver_error *err);
int  sq_fk_is_child(const struct sq_fk *fk, const char *name);
int  sq_fk_before(struct dunlin_conn *c, const char *sql, size_t len, struct dunlin_driver_error *err);
int  sq_fk_after(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  sq_fk_verify(struct dunlin_conn *c, struct dunlin_driver_error *err);
void sq_fk_commit(struct dunlin_conn *c);  /* just before the group's COMMIT    */
void sq_fk_forget(struct dunlin_conn *c);  /* the group is over, or was undone  */
void sq_fk_clear(struct sq_fk *fk);
void sq_fk_forget_tables(struct sq_fk *fk);

/* --- session.c ------------------------------------------------------------------------ */

int  sq_session_note(struct dunlin_conn *c, struct dunlin_driver_error *err); /* before a file's statement */
void sq_session_seen(struct dunlin_conn *c);                                  /* after it was prepared     */
int  sq_session_seal(struct dunlin_conn *c, struct dunlin_driver_error *err); /* inside the transaction    */
int  sq_session_is_dirty(const struct dunlin_conn *c);
int  sq_session_reset(struct dunlin_conn *c, struct dunlin_driver_error *err); /* outside */
void sq_session_clear(struct sq_session *s);

/* --- lock.c, blockers.c --------------------------------------------------------------- */

int  sq_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err);
int  sq_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err);
int  sq_lock_info(struct dunlin_conn *c, const char *key, int32_t *held, char *holder, size_t holder_size,
                  char *since, size_t since_size, struct dunlin_driver_error *err);
/* The sidecar alone.  Takes: DUNLIN_EBUSY names the holder. */
int  sq_sidecar_take(struct sq_lock *l, const char *file, const char *holder, struct dunlin_driver_error *err);
void sq_sidecar_drop(struct sq_lock *l, const char *file);

int  sq_blockers(struct dunlin_conn *c, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err);
/* "process 12 (name)" for each that holds a lock on the file, "" if not known. */
void sq_blockers_text(const char *file, char *out, size_t size);
int  sq_blockers_flock(const char *path, int64_t *pid); /* 1: somebody holds a flock on it */
int  sq_blockers_can(void);

/* --- exec.c, schema ------------------------------------------------------------------- */

int  sq_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  sq_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step,
                  const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                  struct dunlin_driver_error *err);
int  sq_commit_earlier(struct dunlin_conn *c, struct dunlin_driver_error *err);

int  sq_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact,
                 void *arg, struct dunlin_driver_error *err);
int  sq_probe(struct dunlin_conn *c, const char *sql, size_t sql_len, char *answer, size_t answer_size,
              struct dunlin_driver_error *err);
int  sq_create_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                        struct dunlin_driver_error *err);
int  sq_drop_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                      struct dunlin_driver_error *err);
int  sq_scratch(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, char *url,
                size_t url_size, struct dunlin_driver_error *err);
int  sq_drop_objects(struct dunlin_conn *c, struct dunlin_driver_error *err);

#endif
