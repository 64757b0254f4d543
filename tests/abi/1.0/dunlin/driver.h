/*
 * dunlin/driver.h - the contract between the core and a driver plugin.
 *
 * A driver is a shared object, dunlin-NAME.so, that exports one function,
 * dunlin_driver_entry_v1.  It links against nothing of ours: what it may call
 * arrives in struct dunlin_host, what the core may call leaves in struct
 * dunlin_driver.
 *
 * What keeps old binaries working
 *   - Structs grow at the end only; no slot is moved, retyped or reused.
 *   - Each struct that crosses the line starts with struct_size, set by the
 *     side that made it.  The reader takes min(theirs, ours) bytes and treats
 *     the rest as zero.  Zero or NULL always means "not provided".
 *   - A change that no old driver survives gets a new entry (.._v2).
 *
 * Threads: one thread at a time per connection, connections are independent.
 * Only cancel() may be called from another thread, any time between open()
 * and close().  No slot is called from a signal handler.  Slots do not exit,
 * print, install signal handlers or longjmp past the core.
 *
 * Text is UTF-8.  Lengths are bytes.  Times are milliseconds.
 */
#ifndef DUNLIN_DRIVER_H
#define DUNLIN_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include <dunlin/dialect.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUNLIN_DRIVER_MAGIC     UINT32_C(0x44554e4c)
#define DUNLIN_DRIVER_ABI_MAJOR 1 /* in the entry's name and the folder's: drivers-1 */
#define DUNLIN_DRIVER_ABI_MINOR 0 /* +1 with each release that adds slots            */
#define DUNLIN_DRIVER_ENTRY     "dunlin_driver_entry_v1"

/* What every int-returning slot returns. */
enum dunlin_status {
	DUNLIN_OK         = 0,
	DUNLIN_ERROR      = -1, /* the error struct says what                     */
	DUNLIN_ENOMEM     = -2,
	DUNLIN_ENOTSUP    = -3, /* this driver or server cannot; nothing happened */
	DUNLIN_EBUSY      = -4, /* someone else holds it; trying again may work   */
	DUNLIN_ETIMEOUT   = -5,
	DUNLIN_ECANCELLED = -6  /* should_stop() said so, or cancel() was called  */
};

/* What went wrong, as people are told it.  Computed by the driver from its
 * native code, never by the core from a message. */
enum dunlin_errclass {
	DUNLIN_CLASS_UNKNOWN = 0,
	DUNLIN_CLASS_CONNECTION,  /* unreachable, lost, authentication               */
	DUNLIN_CLASS_SCHEMA,      /* an object exists already or is missing          */
	DUNLIN_CLASS_DEPENDENCY,  /* other objects depend on it                      */
	DUNLIN_CLASS_CONSTRAINT,  /* unique, foreign key, check, not null            */
	DUNLIN_CLASS_SYNTAX,
	DUNLIN_CLASS_PERMISSION,
	DUNLIN_CLASS_LOCK,        /* lock wait, busy, deadlock                       */
	DUNLIN_CLASS_TIMEOUT,
	DUNLIN_CLASS_VALIDATION,  /* a file or a history is not as it must be        */
	DUNLIN_CLASS_DRIVER,      /* plugin missing, refused, incompatible           */
	DUNLIN_CLASS_INTERRUPTED
};

/* Filled by the driver, owned by the caller; nothing in it needs freeing. */
struct dunlin_driver_error {
	uint32_t struct_size;   /* the caller sets it                                    */
	int32_t  errclass;      /* enum dunlin_errclass                                  */
	int32_t  native;        /* sqlite extended code, mysql_errno, errno; 0: none     */
	char     sqlstate[6];   /* five characters and NUL, or ""                        */
	uint8_t  is_retryable;  /* 1: the same work may succeed if done again            */
	uint8_t  is_truncated;  /* 1: some text below did not fit                        */
	uint8_t  is_unsafe;     /* 1: unsafe surroundings: pooler, read-only, no TLS     */
	uint8_t  reserved[3];
	int64_t  position;      /* byte offset in the statement from 0; -1: not known    */
	char     message[4096]; /* the database's own words, whole                       */
	char     detail[1024];
	char     hint[512];
};

/* What the host lends.  Valid from the entry call until the process exits.
 * Callable from any thread. */
struct dunlin_host {
	uint32_t struct_size;
	uint32_t abi_minor;
	void    *ctx; /* first argument of each call of this table */
	void   *(*alloc)(void *ctx, size_t n); /* NULL: out of memory */
	void    (*free)(void *ctx, void *p);   /* NULL is fine        */
	/* Hands a line to the program's log.  Never pass a secret. */
	void    (*log)(void *ctx, int level, const char *text);
};

#define DUNLIN_LOG_ERROR 0
#define DUNLIN_LOG_WARN  1
#define DUNLIN_LOG_INFO  2
#define DUNLIN_LOG_DEBUG 3

/* Capabilities: true of this connection (version, settings), not of the brand. */
#define DUNLIN_CAP_TX              (UINT64_C(1) << 0)  /* begin, commit, rollback              */
#define DUNLIN_CAP_TX_DDL          (UINT64_C(1) << 1)  /* DDL rolls back with its transaction  */
#define DUNLIN_CAP_DDL_COMMITS     (UINT64_C(1) << 2)  /* DDL commits what came before it      */
#define DUNLIN_CAP_SAVEPOINT       (UINT64_C(1) << 3)
#define DUNLIN_CAP_LOCK            (UINT64_C(1) << 4)  /* lock() goes away with its holder     */
#define DUNLIN_CAP_COPY_IN         (UINT64_C(1) << 5)  /* statements may carry data            */
#define DUNLIN_CAP_EXEC_MANY       (UINT64_C(1) << 6)
#define DUNLIN_CAP_RESET_SESSION   (UINT64_C(1) << 7)
#define DUNLIN_CAP_CANCEL          (UINT64_C(1) << 8)
#define DUNLIN_CAP_SNAPSHOT        (UINT64_C(1) << 9)
#define DUNLIN_CAP_PROBE           (UINT64_C(1) << 10)
#define DUNLIN_CAP_BLOCKERS        (UINT64_C(1) << 11)
#define DUNLIN_CAP_CREATE_DATABASE (UINT64_C(1) << 12)
#define DUNLIN_CAP_DROP_DATABASE   (UINT64_C(1) << 13)
#define DUNLIN_CAP_SCRATCH         (UINT64_C(1) << 14)
#define DUNLIN_CAP_LINT            (UINT64_C(1) << 15)
#define DUNLIN_CAP_ADOPT           (UINT64_C(1) << 16)
#define DUNLIN_CAP_READ_ONLY       (UINT64_C(1) << 17) /* nothing can be written here          */
#define DUNLIN_CAP_MIXED_TABLES    (UINT64_C(1) << 18) /* rows of some tables do not roll back */
#define DUNLIN_CAP_PROBE_SQL       (UINT64_C(1) << 19) /* probe_sql(): evidence as an expression */

enum dunlin_tx_state {
	DUNLIN_TX_NONE   = 0,
	DUNLIN_TX_OPEN   = 1,
	DUNLIN_TX_FAILED = 2 /* open, and only a rollback is possible */
};

struct dunlin_conn;                           /* the driver's own, opaque to the core */
struct dunlin_kv { const char *key, *value; };

/*
 * Options of open(), keys in lower case:
 *   from the URL   host port user password database path, and each ?key=value
 *   from the core  create ("1": make a missing file), lock_timeout_ms,
 *                  statement_timeout_ms, connect_timeout_ms, application_name,
 *                  is_local ("1": whatever its address, the server counts as
 *                  this machine, and TLS is not required),
 *                  own_process ("1": nobody else in this process uses the
 *                  client library, which may be set up as a whole)
 * An unknown key from the core is ignored; a URL parameter that is not in
 * dunlin_driver.url_params never arrives.
 *
 * The control block is how a connection asks its host; it is the caller's, and
 * lives until close().
 */
struct dunlin_control {
	uint32_t struct_size;
	uint32_t reserved;
	void    *arg;
	int     (*should_stop)(void *arg);  /* poll in every wait loop; non-zero: give up */
	int64_t (*remaining_ms)(void *arg); /* till the deadline; -1: none                */
};

struct dunlin_param {
	const char *value; /* NULL: SQL NULL; else text, NUL-ended too */
	size_t      len;
	int32_t     is_integer; /* 1: value is a decimal integer, bind it as one */
	int32_t     reserved;
};

/*
 * One step of exec_many().  A migration in a transaction is
 *
 *   BEGIN  STATEMENT...  SEAL  LEDGER...  COMMIT
 *
 * (with TX_DDL several may share one: STATEMENT... SEAL LEDGER... comes again
 * before the COMMIT) and, outside of one, STATEMENT or LEDGER steps that each commit by
 * themselves, or BEGIN ... COMMIT without SEAL around such a statement and its
 * bookkeeping: the session stays as the file has made it until reset_session().
 */
enum dunlin_step_kind {
	/* Opens a transaction with a guard in it.  sql: the file's own BEGIN with
	 * its options, or NULL. */
	DUNLIN_STEP_BEGIN = 1,
	/* A statement of the file, alone in sql. */
	DUNLIN_STEP_STATEMENT,
	/* The file's statements are over: make deferred constraints immediate,
	 * prove that the transaction is still the one that BEGIN opened, and undo
	 * what the statements did to the session. */
	DUNLIN_STEP_SEAL,
	/* A statement of the core's own, with parameters. */
	DUNLIN_STEP_LEDGER,
	/* Commits what BEGIN opened; succeeds only if it committed. */
	DUNLIN_STEP_COMMIT
};

struct dunlin_step {
	uint32_t    struct_size; /* also the distance to the next step of an array */
	int32_t     kind;        /* enum dunlin_step_kind                          */
	uint32_t    traits;      /* DUNLIN_ST_* of a STATEMENT                     */
	uint32_t    reserved;
	const char *sql;         /* borrowed for the call, not NUL-ended           */
	size_t      sql_len;
	const char *data;        /* COPY data, or its beginning, or NULL           */
	size_t      data_len;
	const struct dunlin_param *param;
	size_t      n_param;
	int64_t     expect_rows; /* LEDGER: rows it must affect, else it fails; -1: any */
	int64_t     lock_timeout_ms;      /* BEGIN, or a lone STATEMENT: -1 the        */
	int64_t     statement_timeout_ms; /* connection's own, 0 none                  */
	/* The COPY data that follows `data`, whole lines piece by piece, each valid
	 * until the next call: 1 a piece, 0 the end, -1 it cannot be read, and the
	 * statement must fail.  Only of the last step of an array; NULL: no more. */
	int       (*read_data)(void *arg, const char **p, size_t *n);
	void       *read_arg;
};

#define DUNLIN_STEP_AT(steps, i) \
	((const struct dunlin_step *)(const void *)((const char *)(steps) + (i) * (steps)->struct_size))

struct dunlin_exec_result {
	uint32_t struct_size;
	int32_t  is_unknown; /* 1: the line went while steps were in flight; whether
	                        the steps from n_durable on took effect is not known */
	size_t   n_done;     /* steps whose success was received, from the first on;
	                        on failure the step that failed                      */
	size_t   n_durable;  /* of them, those that no failure can undo any more     */
};

/* Told while exec_many() runs; any member may be NULL. */
struct dunlin_exec_observer {
	uint32_t struct_size;
	uint32_t reserved;
	void    *arg;
	void   (*step_done)(void *arg, size_t index); /* received, not yet durable */
	void   (*notice)(void *arg, size_t index, int level, const char *text);
};

/* What a value is, for verify sections: those of numbers and booleans are judged. */
enum dunlin_type { DUNLIN_TYPE_TEXT = 0, DUNLIN_TYPE_NUMBER, DUNLIN_TYPE_BOOLEAN, DUNLIN_TYPE_BLOB, DUNLIN_TYPE_NULL };

/* One row.  value[i] is text, NULL for SQL NULL; a boolean is "1" or "0";
 * type[i] is enum dunlin_type.  Return 0 to go on; anything else stops the
 * query, which then returns that value. */
typedef int dunlin_row_fn(void *arg, int ncol, const char *const *value, const size_t *len,
                          const int32_t *type);

/* One fact of a schema snapshot, as "column users.email type varchar(255)". */
typedef int dunlin_fact_fn(void *arg, const char *fact, size_t len);

/* Who stands in the way; NULL where not known. */
struct dunlin_blocker {
	uint32_t    struct_size;
	uint32_t    reserved;
	int64_t     pid;
	const char *user, *application, *query, *since; /* since: RFC 3339 UTC */
};
typedef int dunlin_blocker_fn(void *arg, const struct dunlin_blocker *b);

enum dunlin_savepoint_op { DUNLIN_SAVEPOINT_SET = 1, DUNLIN_SAVEPOINT_RELEASE, DUNLIN_SAVEPOINT_ROLLBACK };

/* dunlin_driver.flags */
#define DUNLIN_DRIVER_FILE   (UINT32_C(1) << 0) /* the URL is SCHEME:PATH, a local file     */
#define DUNLIN_DRIVER_SERVER (UINT32_C(1) << 1) /* the URL is SCHEME://user:pw@host:port/db */

struct dunlin_driver {
	uint32_t magic;       /* DUNLIN_DRIVER_MAGIC              */
	uint32_t struct_size;
	uint32_t abi_minor;
	uint32_t flags;       /* DUNLIN_DRIVER_FILE, ..._SERVER   */
	const char *name;     /* the file's: dunlin-NAME.so       */
	const char *version;
	const char *client;   /* client library and its version   */
	const char *const *schemes;    /* URL schemes it serves, NULL-ended          */
	const char *const *url_params; /* ?key= it understands, NULL-ended; NULL: none */
	uint64_t possible_caps;        /* every bit that caps() can ever return      */
	const struct dunlin_dialect *dialect;

	/* --- required ------------------------------------------------------- */

	/* Connects.  On failure *out is NULL and there is nothing to close; the
	 * error never quotes a secret. */
	int (*open)(const struct dunlin_kv *opt, size_t n_opt, const struct dunlin_control *ctl,
	            struct dunlin_conn **out, struct dunlin_driver_error *err);
	/* Rolls back what is open, lets go of every lock.  NULL is fine. */
	void (*close)(struct dunlin_conn *c);
	uint64_t (*caps)(struct dunlin_conn *c);
	/* Runs one STATEMENT or LEDGER step by itself. */
	int (*exec)(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
	/* Runs a query of the core's own or of a verify section. */
	int (*query)(struct dunlin_conn *c, const char *sql, size_t sql_len,
	             const struct dunlin_param *param, size_t n_param,
	             dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err);
	/* The server's truth, at the cost of a round trip where the client's copy can be stale. */
	int (*tx_state)(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err);

	/* --- optional: NULL where the capability bit is never set ------------- */

	int (*begin)(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err);
	/* DUNLIN_OK only if it committed: not if the server turned it into a rollback. */
	int (*commit)(struct dunlin_conn *c, struct dunlin_driver_error *err);
	int (*rollback)(struct dunlin_conn *c, struct dunlin_driver_error *err);
	int (*savepoint)(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err);
	/* One try that never blocks in the server; DUNLIN_EBUSY if held, and then
	 * err->message names the holder where it is known.  key: text that names
	 * database and ledger.  holder: who we are, for others to see. */
	int (*lock)(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err);
	int (*unlock)(struct dunlin_conn *c, const char *key, struct dunlin_driver_error *err);
	/* Who holds the lock: DUNLIN_OK and *held 0 or 1, with the holder's text and
	 * the time since when (RFC 3339) where known, "" otherwise.  Takes nothing. */
	int (*lock_info)(struct dunlin_conn *c, const char *key, int32_t *held,
	                 char *holder, size_t holder_size, char *since, size_t since_size,
	                 struct dunlin_driver_error *err);
	/* The fast path: runs the steps in order; after the first error nothing of
	 * them runs.  On an error inside a transaction that transaction is rolled
	 * back whole, also what earlier calls put into it; those before it stay
	 * committed.  A call may end inside a transaction, and the next goes on in
	 * it.  obs may be NULL. */
	int (*exec_many)(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step,
	                 const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
	                 struct dunlin_driver_error *err);
	/* Settings and temporary objects go, held locks stay. */
	int (*reset_session)(struct dunlin_conn *c, struct dunlin_driver_error *err);
	int (*cancel)(struct dunlin_conn *c); /* any thread, best effort */
	/* Sorted facts of the schema, without the ledger's own tables. */
	int (*snapshot)(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore,
	                dunlin_fact_fn *fact, void *arg, struct dunlin_driver_error *err);
	/* Looks whether the effect of a statement is there, without running it:
	 * writes a short text that is different before and after.  It may begin
	 * with a context, of letters and digits, and a colon (the search path, the
	 * role it was seen under): answers of different contexts prove nothing.
	 * ENOTSUP: it cannot tell. */
	int (*probe)(struct dunlin_conn *c, const char *sql, size_t sql_len,
	             char *answer, size_t answer_size, struct dunlin_driver_error *err);
	int (*blockers)(struct dunlin_conn *c, dunlin_blocker_fn *fn, void *arg, struct dunlin_driver_error *err);
	/* The database that the options name, created or dropped; EBUSY: it exists / is in use. */
	int (*create_database)(const struct dunlin_kv *opt, size_t n_opt, const struct dunlin_control *ctl,
	                       struct dunlin_driver_error *err);
	int (*drop_database)(const struct dunlin_kv *opt, size_t n_opt, const struct dunlin_control *ctl,
	                     struct dunlin_driver_error *err);
	/* A temporary empty database of the same kind: writes its URL without password. */
	int (*scratch)(const struct dunlin_kv *opt, size_t n_opt, const struct dunlin_control *ctl,
	               char *url, size_t url_size, struct dunlin_driver_error *err);
	int (*lint)(struct dunlin_conn *c, const char *sql, size_t sql_len,
	            dunlin_fact_fn *finding, void *arg, struct dunlin_driver_error *err);
	/* Replaces the core's splitter: bytes of the first statement with its
	 * terminator, 0: more text is needed. */
	size_t (*split)(const char *sql, size_t len, int is_last);
	/* The application's own handle (sqlite3 *, PGconn *, MYSQL *): close() leaves it open. */
	int (*adopt_handle)(void *handle, const struct dunlin_control *ctl,
	                    struct dunlin_conn **out, struct dunlin_driver_error *err);
	/* Wipes every object of the schema, the ledger too (reset --drop). */
	int (*drop_objects)(struct dunlin_conn *c, struct dunlin_driver_error *err);

	/* Writes a scalar SQL expression, NUL-ended, that the server evaluates in
	 * place and whose value is what probe() would answer; so the evidence, the
	 * intent and the statement travel in one exec_many().  The value is never
	 * NULL, has at most 200 bytes, and consists of letters, digits and -_.:+
	 * alone; empty: it turned out that it cannot tell.
	 * ENOTSUP: it cannot tell.  Needs the dialect's probe_set and probe_get. */
	int (*probe_sql)(struct dunlin_conn *c, const char *sql, size_t sql_len,
	                 char *expr, size_t expr_size, struct dunlin_driver_error *err);
	/* Called for each statement outside of a transaction, in order, before it
	 * is sent: 1 where it may commit together with its progress, since all that
	 * it changes rolls back; 0: it gets an intent.  NULL: what its traits say. */
	int (*goes_together)(struct dunlin_conn *c, const char *sql, size_t sql_len, uint32_t traits);
	/* Bytes of the longest statement that the server takes over this connection;
	 * 0: no limit, or not known.  A plan with a longer one is refused. */
	uint64_t (*statement_max)(struct dunlin_conn *c);
};

/* The one exported function.  NULL: err says why. */
typedef const struct dunlin_driver *
dunlin_driver_entry_fn(const struct dunlin_host *host, struct dunlin_driver_error *err);

#if defined __GNUC__
#define DUNLIN_DRIVER_EXPORT __attribute__((visibility("default")))
#else
#define DUNLIN_DRIVER_EXPORT
#endif

#ifdef __cplusplus
}
#endif
#endif
