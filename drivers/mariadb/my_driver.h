/*
 * my_driver.h - what the files of this driver share.
 *
 * A run's work travels in packets of several statements (packet.c): the server
 * stops at the first error, so what follows a failed check never runs.  What
 * cannot be told from its results (CALL, compound statements, what the driver
 * cannot prove to be one statement) goes alone, with several statements in a
 * packet forbidden by the server.
 *
 * DDL commits, so a migration with DDL is journalled statement by statement.
 * Between its statements the session is the file's: once a statement may have
 * changed it (struct my_session), the journal is written over a second
 * connection, the side (session.c), and at the end the session is exchanged for
 * a new one that takes the lock over.
 *
 * Every function that takes `err` fills it when it fails and returns an enum
 * dunlin_status; err may be NULL.  libmariadb is used in its non-blocking way
 * only, so that each wait asks the host whether to go on (wait.c).
 */
#ifndef DUNLIN_MARIADB_DRIVER_H
#define DUNLIN_MARIADB_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include <mysql.h>

#include "common/common.h"

#define MY_LEX (DUNLIN_LEX_BACKSLASH | DUNLIN_LEX_BACKTICK | DUNLIN_LEX_HASH_COMMENT | DUNLIN_LEX_COND_COMMENT | \
                DUNLIN_LEX_DASH_SPACE)

extern const struct dunlin_dialect dunlin_dialect_mariadb;

/* --- options (options.c, optfile.c) ------------------------------------------------ */

enum my_ssl_mode {
	MY_SSL_AUTO = 0, /* not said: as the host is */
	MY_SSL_DISABLED,
	MY_SSL_PREFERRED,
	MY_SSL_REQUIRED,
	MY_SSL_VERIFY_CA,
	MY_SSL_VERIFY_IDENTITY
};

/* What the URL, the option files and the core ask for. */
struct my_options {
	char   *host, *user, *password, *database, *socket; /* NULL: not said */
	char   *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key, *ssl_cipher, *ssl_crl, *tls_version;
	char   *application_name;
	unsigned port;              /* 0: not said                                      */
	int     ssl_mode;           /* enum my_ssl_mode; never AUTO once read           */
	int     is_ssl_said;
	int     is_tcp;             /* protocol=tcp: also on this machine               */
	int     is_local;           /* the host is this machine                         */
	int64_t lock_timeout_ms;    /* -1: not said, 0: the database's own              */
	int64_t statement_timeout_ms;
	int64_t connect_timeout_ms; /* 0: none                                          */
};
int  my_options_read(struct my_options *o, const struct dunlin_kv *kv, size_t n, struct dunlin_driver_error *err);
int  my_options_copy(struct my_options *to, const struct my_options *from, struct dunlin_driver_error *err);
void my_options_clear(struct my_options *o); /* wipes the password */
extern const char *const my_url_params[];

/* Adds what the option files say of what is not said yet.  file: instead of the
 * usual ones, or NULL; group: read after [client], or NULL. */
int  my_optfile_read(struct my_options *o, const char *file, const char *group, struct dunlin_driver_error *err);
/* One option of a file or URL; DUNLIN_ENOTSUP: not one that matters here. */
int  my_option_set(struct my_options *o, const char *key, const char *value, struct dunlin_driver_error *err);

/* --- the connection ------------------------------------------------------------------ */

enum my_cause { MY_CAUSE_NONE = 0, MY_CAUSE_CANCEL, MY_CAUSE_DEADLINE };

/* What the file's statements may have done to the session. */
struct my_session {
	unsigned is_dirty : 1;       /* anything: it is to be exchanged              */
	unsigned has_role : 1;       /* SET ROLE, perhaps                            */
	unsigned has_ledger_name : 1; /* a statement named the ledger                */
	unsigned has_read_lock : 1;  /* FLUSH .. WITH READ LOCK, FOR EXPORT          */
	unsigned has_backup : 1;     /* BACKUP STAGE                                 */
	unsigned has_timeouts : 1;   /* a step's own, to be put back                 */
	unsigned has_temp : 1;       /* temporary tables may be there                */
};

/* Facts of the server, read once a connection. */
struct my_server {
	char     version[64];
	char     database[196];      /* in use after connecting; "" for none         */
	char     user[400];          /* current_user()                               */
	char     role[400];          /* current_role(), "" for none                  */
	uint64_t max_packet;         /* max_allowed_packet                           */
	unsigned number;             /* 101119 for 10.11.19                          */
	unsigned is_wsrep : 1;       /* a node of a Galera cluster                   */
	unsigned is_read_only : 1;   /* nothing can be written here                  */
	unsigned is_all_innodb : 1;  /* each base table of the database; together.c  */
	unsigned is_all_known : 1;
};

#define MY_MULTI_UNKNOWN (-1)

struct dunlin_conn {
	MYSQL *my;
	struct dunlin_control ctl;
	struct my_options opt;
	struct my_server server;
	struct my_session session;
	unsigned long thread_id;      /* CONNECTION_ID()                              */
	unsigned is_adopted : 1;
	unsigned is_lost : 1;         /* the line is gone                             */
	int      is_multi;            /* the server takes several statements a packet */
	unsigned is_begun : 1;        /* a BEGIN step's transaction is open           */
	unsigned is_guarded : 1;      /* ... with the guard's savepoint in it         */
	unsigned is_sealed : 1;
	unsigned is_user_tx : 1;      /* a BEGIN of the file's own is open            */
	int      is_ignoring_stop;    /* while tidying up, a count                     */
	unsigned is_killing : 1;      /* KILL QUERY was sent for what runs            */
	unsigned is_locked : 1;       /* by lock()                                    */
	unsigned is_side : 1;         /* this is another connection's side            */
	int      cause;               /* why a wait ended, enum my_cause              */
	int64_t  wait_end_ms;         /* monotonic; a wait is given up then; 0: never */
	int64_t  kill_again_ms;       /* monotonic, while is_killing; 0: never        */
	char     lock_name[65], gate_name[65];
	char     lock_table[400], lock_events[400]; /* the key's tables, quoted; "" if not known */
	char     lock_bare[200];      /* its bare name in lower case                  */
	int      all_innodb;          /* together.c: 1, -1, 0 not looked yet           */
	int64_t note_at_ms;           /* when a wait is long enough to ask who blocks */
	struct my_waited *waited;     /* blockers.c: for whom a statement waited       */
	char     lock_cluster[400];   /* the table of cluster.c                       */
	char     token[64], node[64], node_name[200]; /* on a cluster: of this run; "" where it has none */
	struct dunlin_conn *side;     /* for the journal while the session is dirty   */
	struct drv_text restore;      /* adopted: what puts the settings back         */
	atomic_int is_cancelled;
	/* Set while exec_many() runs. */
	const struct dunlin_exec_observer *obs;
	size_t   obs_index;
};

/* --- conn.c, tls.c (connecting) ------------------------------------------------------- */

int  my_open(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
             struct dunlin_driver_error *err);
/* The same, without a database in use, writable or not (create, drop, scratch). */
int  my_open_server(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, struct dunlin_conn **out,
                    struct dunlin_driver_error *err);
int  my_adopt(void *handle, const struct dunlin_control *ctl, struct dunlin_conn **out, struct dunlin_driver_error *err);
void my_close(struct dunlin_conn *c);
uint64_t my_caps(struct dunlin_conn *c);
/* The contract's capabilities that every connection has. */
#define MY_CAPS (DUNLIN_CAP_TX | DUNLIN_CAP_DDL_COMMITS | DUNLIN_CAP_SAVEPOINT | DUNLIN_CAP_LOCK | DUNLIN_CAP_EXEC_MANY | \
                 DUNLIN_CAP_RESET_SESSION | DUNLIN_CAP_CANCEL | DUNLIN_CAP_ADOPT | \
                 DUNLIN_CAP_PROBE | DUNLIN_CAP_PROBE_SQL | DUNLIN_CAP_SNAPSHOT | DUNLIN_CAP_BLOCKERS | \
                 DUNLIN_CAP_CREATE_DATABASE | DUNLIN_CAP_DROP_DATABASE | DUNLIN_CAP_SCRATCH)
void my_give_back(struct dunlin_conn *c); /* an adopted handle, as it came */
/* Connects as c's options say: c->my and the facts; used for new sessions, too. */
int  my_connect(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  my_set_up(struct dunlin_conn *c, struct dunlin_driver_error *err); /* of it, facts and settings */
/* The statement that gives a session our settings. */
void my_settings(const struct dunlin_conn *c, struct drv_text *out);
/* The one that gives it other timeouts; -1: its own again. */
void my_timeouts(const struct dunlin_conn *c, int64_t lock_ms, int64_t statement_ms, struct drv_text *out);
/* What the client library must not do, and TLS, before connecting. */
int  my_tls_prepare(struct dunlin_conn *c, MYSQL *my, struct dunlin_driver_error *err);
/* After it: is the line as safe as was asked for? */
int  my_tls_check(struct dunlin_conn *c, MYSQL *my, struct dunlin_driver_error *err);
int  my_tls_is_failure(unsigned native, const char *message);
void my_tls_hint(const struct my_options *o, struct dunlin_driver_error *err);

/* --- wait.c: libmariadb without blocking ------------------------------------------------ */

/* At the start of each slot: the line is there, and no old cancel stands. */
int  my_enter(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  my_alive(struct dunlin_conn *c, struct dunlin_driver_error *err);
/* Non-zero when the host wants to stop or the deadline passed; sets c->cause. */
int  my_is_stopped(struct dunlin_conn *c);
/* Waits for what a _start or _cont call asked for, for the next _cont.  When
 * the host wants to stop, the running statement is killed (KILL QUERY, by
 * another connection) and the wait goes on for its end, bounded. */
int  my_wait(struct dunlin_conn *c, int events);
int  my_send_query(struct dunlin_conn *c, const char *sql, size_t len); /* 0 or not, as mysql_real_query() */
int  my_next_result(struct dunlin_conn *c);                            /* as mysql_next_result() */
MYSQL_ROW my_fetch(struct dunlin_conn *c, MYSQL_RES *res);
void my_free_result(struct dunlin_conn *c, MYSQL_RES *res);
/* Whether the server takes several statements in a packet. */
int  my_multi(struct dunlin_conn *c, int is_on, struct dunlin_driver_error *err);
int  my_cancel(struct dunlin_conn *c); /* the slot */

/* --- errors.c ----------------------------------------------------------------------------- */

/* What libmariadb says last; sql: the statement as sent, for the position, or NULL. */
int  my_db_error(struct dunlin_conn *c, const char *sql, size_t len, struct dunlin_driver_error *err);
int  my_class_of(unsigned native, const char *sqlstate);
int  my_is_line_error(unsigned native);
int64_t my_error_position(const char *message, const char *sql, size_t len);
int  my_stopped(struct dunlin_conn *c, struct dunlin_driver_error *err); /* as c->cause says */
/* A warning of the server, to the observer of the step at work. */
void my_notice(struct dunlin_conn *c, size_t index, int level, const char *text);

/* --- query.c -------------------------------------------------------------------------------- */

/* Runs one of our own, without parameters or rows. */
int  my_do(struct dunlin_conn *c, const char *sql, struct dunlin_driver_error *err);
/* A query of ours, "?" replaced by texts; rows as text; param may be NULL. */
typedef int my_row_fn(void *arg, int ncol, const char *const *value, const size_t *len);
int  my_each(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, my_row_fn *row, void *arg,
             struct dunlin_driver_error *err);
/* First column of the first row, "" if there is none or it is NULL. */
int  my_scalar(struct dunlin_conn *c, const char *sql, const char *const *param, int n_param, char *out, size_t size,
               struct dunlin_driver_error *err);
int  my_query(struct dunlin_conn *c, const char *sql, size_t sql_len, const struct dunlin_param *param, size_t n_param,
              dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err); /* the slot */
/* The statement with its "?" replaced by literals that mean the same under
 * every sql_mode and character set. */
int  my_expand(struct drv_text *out, const char *sql, size_t len, const struct dunlin_param *param, size_t n,
               struct dunlin_driver_error *err);
void my_literal(struct drv_text *out, const char *text, size_t len); /* as one of them */
void my_name(struct drv_text *out, const char *name, size_t len);    /* `name` */
/* Reads what is left of the results of the last query; the first error of them. */
int  my_drain(struct dunlin_conn *c, struct dunlin_driver_error *err);

/* --- exec.c, packet.c, statement.c -------------------------------------------------------------- */

int  my_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  my_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step,
                  const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                  struct dunlin_driver_error *err);
int  my_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
int  my_commit(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  my_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  my_savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err);
uint64_t my_statement_max(struct dunlin_conn *c); /* the slot */
int  my_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err);

/* --- session.c ------------------------------------------------------------------------------------ */

/* A new session where statements may have changed this one; the lock is taken over. */
int  my_renew(struct dunlin_conn *c, struct dunlin_driver_error *err);
int  my_reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err);
/* The connection that writes the journal: c itself while its session is clean. */
int  my_journal(struct dunlin_conn *c, struct dunlin_conn **out, struct dunlin_driver_error *err);
void my_side_close(struct dunlin_conn *c);

/* --- lock.c ------------------------------------------------------------------------------------------ */

int  my_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err);
int  my_unlock(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err);
int  my_lock_info(struct dunlin_conn *c, const char *key, int32_t *held, char *holder, size_t holder_size, char *since,
                  size_t since_size, struct dunlin_driver_error *err);
/* Takes the lock that `from` holds over to the new connection `to`, so that
 * nobody else gets it in between. */
int  my_lock_take_over(struct dunlin_conn *from, struct dunlin_conn *to, struct dunlin_driver_error *err);
/* SQL, true while the session `owner` holds its lock; "true" when none was taken. */
void my_lock_check(const struct dunlin_conn *owner, struct drv_text *out);

/* --- snapshot.c, probe.c, blockers.c, database.c, objects.c ---------------------------------------------- */

int  my_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact, void *arg,
                 struct dunlin_driver_error *err);
int  my_probe(struct dunlin_conn *c, const char *sql, size_t sql_len, char *answer, size_t answer_size,
              struct dunlin_driver_error *err);
int  my_blockers(struct dunlin_conn *c, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err);
int  my_create_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                        struct dunlin_driver_error *err);
int  my_drop_database(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl,
                      struct dunlin_driver_error *err);
int  my_scratch(const struct dunlin_kv *kv, size_t n, const struct dunlin_control *ctl, char *url, size_t url_size,
                struct dunlin_driver_error *err);
int  my_drop_objects(struct dunlin_conn *c, struct dunlin_driver_error *err);

#endif
