/*
 * dunlin/dunlin.h - migrate a database's schema from a program.
 *
 * Everything that the commands of dunlin(1) do is a call here.  The library
 * prints nothing, exits never, installs no signal handler and keeps no global
 * state but the loaded drivers.
 *
 *     struct dunlin *d;
 *     struct dunlin_error err;
 *     if (dunlin_new(&d, &err) == 0 &&
 *         dunlin_set(d, "url", "sqlite:app.db", &err) == 0 &&
 *         dunlin_add_dir(d, "", "migrations", &err) == 0 &&
 *         dunlin_execute(d, &(struct dunlin_request){ .op = DUNLIN_OP_UP }, &err) == 0)
 *             puts("up to date");
 *     dunlin_free(d);
 *
 * Status: functions return 0, or a negative value with *err filled; err may be
 * NULL.  err->code is what dunlin(1) would exit with.
 *
 * Threads: one thread at a time per handle; handles are independent.  Only
 * dunlin_cancel() may be called from another thread or a signal handler.
 *
 * Ownership: "const char *" in a result is borrowed from the object that the
 * result belongs to.  Text is UTF-8.  Times are RFC 3339 in UTC, durations
 * milliseconds, sizes and offsets bytes, lines and columns count from 1.
 */
#ifndef DUNLIN_DUNLIN_H
#define DUNLIN_DUNLIN_H

#include <stddef.h>
#include <stdint.h>

#include <dunlin/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUNLIN_API DUNLIN_DRIVER_EXPORT

struct dunlin;
struct dunlin_plan;

/* --- errors ------------------------------------------------------------------ */

/* What dunlin(1) exits with; dunlin_error.code. */
enum dunlin_code {
	DUNLIN_EXIT_OK          = 0,
	DUNLIN_EXIT_FAILED      = 1,  /* a migration failed                               */
	DUNLIN_EXIT_USAGE       = 2,  /* usage or configuration                           */
	DUNLIN_EXIT_CONNECT     = 3,  /* can't connect, or lost with the outcome known    */
	DUNLIN_EXIT_INVALID     = 4,  /* validation                                       */
	DUNLIN_EXIT_LOCKED      = 5,  /* another run holds the lock                       */
	DUNLIN_EXIT_TIMEOUT     = 6,
	DUNLIN_EXIT_STOPPED     = 7,  /* cancelled, in a clean state                      */
	DUNLIN_EXIT_REPAIR      = 8,  /* repair is needed                                 */
	DUNLIN_EXIT_DRIVER      = 9,  /* plugin missing, refused or incompatible          */
	DUNLIN_EXIT_PENDING     = 10, /* status --exit-code                               */
	DUNLIN_EXIT_UNSAFE      = 11, /* unsafe surroundings refused                      */
	DUNLIN_EXIT_UNKNOWN     = 12  /* lost at COMMIT, and the outcome not learnt       */
};

/* Caller-owned, fixed buffers, nothing to free.  Unset text is "", unset
 * numbers 0, and statements_done and statements_total -1. */
struct dunlin_error {
	int32_t  code;            /* enum dunlin_code                              */
	int32_t  errclass;        /* enum dunlin_errclass                          */
	char     native[32];      /* SQLSTATE or the database's number, as text    */
	char     message[4096];   /* cause first, lower case, no full stop         */
	char     hint[1024];      /* what to do next, a sentence                   */
	char     state[512];      /* what state the database is in now             */
	char     component[128];
	char     version[256];
	char     file[1024];
	uint32_t line, column;
	char     statement[512];  /* its first line                                */
	int64_t  statements_done, statements_total;
};

DUNLIN_API const char *dunlin_class_name(int errclass);   /* "SCHEMA"; static       */
DUNLIN_API const char *dunlin_class_advice(int errclass); /* one sentence; static   */
DUNLIN_API const char *dunlin_version_string(void);       /* "0.1.0"; static        */

/* --- a handle and its options -------------------------------------------------- */

DUNLIN_API int  dunlin_new(struct dunlin **out, struct dunlin_error *err);
DUNLIN_API void dunlin_free(struct dunlin *d); /* closes the connection; NULL is fine */

/*
 * Sets an option by the long name it has on the command line, without dashes:
 * url env config table scheme timeout statement-timeout lock-timeout lock-wait
 * driver-path transaction set ("name=value", repeatable) down-from actor ...
 * Durations are text as in "5s".  Errors: USAGE for an unknown name or value.
 */
DUNLIN_API int dunlin_set(struct dunlin *d, const char *name, const char *value, struct dunlin_error *err);

/* The value in force, or NULL; *origin (may be NULL) tells where it came from,
 * as in "DATABASE_URL" or "dunlin.ini:4".  A URL comes without its password. */
DUNLIN_API const char *dunlin_get(struct dunlin *d, const char *name, const char **origin);

/* Calls fn for each option that has a value, in alphabetical order. */
DUNLIN_API int dunlin_each_option(struct dunlin *d,
	int (*fn)(void *arg, const char *name, const char *value, const char *origin), void *arg);

/*
 * Fills what dunlin_set() left open from the environment, dunlin.ini (here or
 * in a parent folder) and .env beside it, in that order, and adds the folders
 * that they name; then the defaults.  Without this call a handle knows only
 * what it was told.
 */
DUNLIN_API int dunlin_configure(struct dunlin *d, struct dunlin_error *err);

/* Sources, in the order in which they run.  component: "" for the default. */
DUNLIN_API int dunlin_add_dir(struct dunlin *d, const char *component, const char *path,
                              struct dunlin_error *err);
/* A file of a source in memory; the name may have one folder in it.  Data is
 * borrowed until dunlin_free(). */
struct dunlin_file { const char *name; const char *data; size_t len; };
DUNLIN_API int dunlin_add_memory(struct dunlin *d, const char *component,
                                 const struct dunlin_file *file, size_t n, struct dunlin_error *err);

/*
 * Works on the application's own sqlite3 *, PGconn * or MYSQL *, which stays
 * open and is the application's again, its settings as they were, when a call
 * is over.  It must not be inside a transaction when a call begins
 * (DUNLIN_EXIT_USAGE).
 */
DUNLIN_API int dunlin_adopt(struct dunlin *d, const char *driver, void *handle, struct dunlin_error *err);

/* Says that nothing else in this process uses the database's client library, as
 * in a program that only migrates: the driver may then set it up for the whole
 * process.  Before anything connects. */
DUNLIN_API void dunlin_own_process(struct dunlin *d);

/* Any thread, async-signal-safe.  The first call lets what was sent end; the
 * second, or now != 0 at once, cancels the running statement. */
DUNLIN_API void dunlin_cancel(struct dunlin *d, int now);

/* --- observing ----------------------------------------------------------------- */

/* An event as the log keeps it, told once nothing can undo it any more. */
struct dunlin_event {
	const char *run_id;
	int64_t     seq;
	const char *component, *version; /* "" for the events of a run          */
	const char *event;               /* "migration.done"                    */
	const char *at, *actor;
	const char *detail;              /* a JSON object                       */
	const char *name;                /* the migration's name, or ""         */
	int64_t     execution_ms;        /* -1: none                            */
};

struct dunlin_progress {
	int64_t migrations_done, migrations_total;
	int64_t statements_done;         /* in the run so far                   */
	int64_t bytes_done, bytes_total; /* of migration files                  */
	const char *component, *version, *name; /* the one at work              */
	int64_t migrations_sent;         /* done, or in what the database was given:
	                                    what ends after dunlin_cancel(d, 0) */
};

struct dunlin_observer {
	void  *arg;
	void (*event)(void *arg, const struct dunlin_event *e);
	void (*progress)(void *arg, const struct dunlin_progress *p);
	void (*log)(void *arg, int level, const char *text); /* DUNLIN_LOG_* */
};
DUNLIN_API void dunlin_observe(struct dunlin *d, const struct dunlin_observer *o); /* copied */

/* --- planning and running ------------------------------------------------------- */

enum dunlin_op {
	DUNLIN_OP_UP = 1, DUNLIN_OP_ROLLBACK, DUNLIN_OP_DOWN, DUNLIN_OP_REDO,
	DUNLIN_OP_RESET, DUNLIN_OP_BASELINE
};
enum dunlin_tx { DUNLIN_TX_PER_MIGRATION = 0, DUNLIN_TX_ALL, DUNLIN_TX_OFF };

/* All zero but op is the plain command. */
struct dunlin_request {
	int32_t op;             /* enum dunlin_op                                     */
	int32_t transaction;    /* enum dunlin_tx                                     */
	const char *to;         /* [COMPONENT@]VERSION                                */
	const char *release;    /* X.Y.Z                                              */
	const char *only;       /* rollback --only                                    */
	int64_t count;          /* --count, down N; 0: not given                      */
	int64_t batch;          /* rollback --batch; 0: not given                     */
	unsigned has_batch : 1; /* batch 0 can be asked for                           */
	unsigned all : 1, force : 1, allow_out_of_order : 1, existing_schema : 1, strict : 1;
	unsigned from_empty : 1;      /* as for a new database, without connecting    */
	unsigned down_from_files : 1;
	unsigned drop : 1;            /* reset --drop                                 */
	unsigned no_lock : 1;
	const char *digest;     /* run only if the plan still has this digest, or NULL */
};

enum dunlin_action_kind {
	DUNLIN_ACTION_APPLY = 1, /* run the up section                               */
	DUNLIN_ACTION_RESUME,    /* go on at statement resume_at                     */
	DUNLIN_ACTION_REVERT,    /* run the down section                             */
	DUNLIN_ACTION_FORGET,    /* drop the record, run nothing (--force)           */
	DUNLIN_ACTION_BASELINE,  /* record as applied, run nothing                   */
	DUNLIN_ACTION_SATISFY    /* a squash whose range is applied                  */
};

/* Of a migration outside a transaction: statements, numbered from 1 as in its
 * file, and how they commit: "together" (each with the record of it), "alone"
 * (each by itself, after its intent was recorded), "block" (all of them, with
 * the record: a BEGIN..COMMIT of the file's own), "session" (settings). */
struct dunlin_segment {
	int64_t first, last;
	const char *commits;
};

struct dunlin_action {
	int32_t kind;
	int32_t is_in_transaction;
	const char *kind_name;   /* "apply", "resume", "revert", "forget", "baseline", "satisfy" */
	const char *component, *version, *name;
	const char *transaction; /* "own", "shared" (--transaction all, a rollback in one),
	                            "none": as JSON prints it                             */
	const char *reason;      /* "pending", "required by 1.0.6-002", "changed", ...    */
	const char *file;        /* or "" where the ledger's down is used                 */
	int64_t batch;
	int64_t statements;      /* that will run                                         */
	int64_t resume_at;       /* 1-based first statement of a RESUME, else 1           */
	const struct dunlin_segment *segment; /* what will run, outside a transaction      */
	size_t  n_segment;       /* 0: it commits as one                                  */
};

struct dunlin_finding {
	int32_t errclass;        /* enum dunlin_errclass; VALIDATION for most             */
	int32_t code;            /* exit code it leads to; 0: a warning                   */
	const char *kind;        /* "changed", "missing", "duplicate", "out-of-order",
	                            "future", "requires", "sum", "directive", "stuck",
	                            "ledger", "existing-schema", ...                      */
	const char *component, *version, *file;
	uint32_t line, column;
	const char *message, *hint;
};

/* Runs nothing, writes nothing.  Findings with a code other than 0 don't make
 * it fail; executing such a plan does. */
DUNLIN_API int  dunlin_plan(struct dunlin *d, const struct dunlin_request *req,
                            struct dunlin_plan **out, struct dunlin_error *err);
DUNLIN_API void dunlin_plan_free(struct dunlin_plan *p);
DUNLIN_API size_t dunlin_plan_n_actions(const struct dunlin_plan *p);
DUNLIN_API const struct dunlin_action *dunlin_plan_action(const struct dunlin_plan *p, size_t i);
DUNLIN_API size_t dunlin_plan_n_findings(const struct dunlin_plan *p);
DUNLIN_API const struct dunlin_finding *dunlin_plan_finding(const struct dunlin_plan *p, size_t i);
/* "sha256:" and hex over all that the plan will do. */
DUNLIN_API const char *dunlin_plan_digest(const struct dunlin_plan *p);
/* The exit code that executing it would end with before anything runs; 0: it would run. */
DUNLIN_API int dunlin_plan_code(const struct dunlin_plan *p);
/* The SQL that would run, a piece at a time; fn returns non-zero to stop. */
DUNLIN_API int dunlin_plan_sql(struct dunlin *d, const struct dunlin_plan *p,
	int (*fn)(void *arg, const struct dunlin_action *a, const char *sql, size_t len), void *arg,
	struct dunlin_error *err);

struct dunlin_summary {
	int64_t n_done;          /* migrations applied or reverted by this call  */
	int64_t n_applied;       /* applied ones after it, all components        */
	int64_t batch;           /* of this run, 0: none                         */
	int64_t elapsed_ms;
	char    current[256];    /* version of the default component, or ""      */
};

/* Locks, plans under the lock, runs, unlocks.  Nothing to do is success. */
DUNLIN_API int dunlin_execute(struct dunlin *d, const struct dunlin_request *req, struct dunlin_error *err);
/* Of the last dunlin_execute(), also of one that failed. */
DUNLIN_API const struct dunlin_summary *dunlin_last_summary(struct dunlin *d);

/* --- looking ---------------------------------------------------------------------- */

struct dunlin_migration_status {
	const char *component, *version, *name;
	const char *kind;        /* "versioned", "repeatable", "baseline"        */
	const char *state;       /* as SPEC: "pending", "applied", ...           */
	const char *applied_at;  /* or ""                                        */
	const char *checksum;    /* of the file; where it is gone, the ledger's  */
	const char *applied_by, *note, *error, *file;
	int64_t batch;           /* -1: none                                     */
	int64_t execution_ms;    /* -1: none                                     */
	int64_t statements_done, statements_total; /* -1: none                   */
};

struct dunlin_status_report {
	const char *driver, *url;      /* without password                       */
	const char *current;           /* newest applied of the default component, or "" */
	int64_t     batch;             /* highest in the ledger, 0: none         */
	int32_t     is_locked, has_ledger;
	const char *lock_holder, *lock_since; /* or ""                           */
	size_t      n;
	const struct dunlin_migration_status *migration;
	int64_t total, applied, pending, failed, stuck, changed, missing, future, out_of_order;
	int32_t code;                  /* 0, or the first of 11, 8, 4 that applies */
	size_t  n_finding;
	const struct dunlin_finding *finding;
};
DUNLIN_API int  dunlin_status(struct dunlin *d, struct dunlin_status_report **out, struct dunlin_error *err);
DUNLIN_API void dunlin_status_free(struct dunlin_status_report *r);

/* Events oldest first; limit 0: all, else the newest `limit`. */
DUNLIN_API int dunlin_history(struct dunlin *d, int64_t limit,
	int (*fn)(void *arg, const struct dunlin_event *e), void *arg, struct dunlin_error *err);

struct dunlin_findings {
	size_t n;
	struct dunlin_finding *finding;
	int32_t code; /* exit code of the worst, 0: none */
};
DUNLIN_API void dunlin_findings_free(struct dunlin_findings *f);
/* Files against history, dunlin.sum, directives, and the ledger against its own events. */
DUNLIN_API int dunlin_validate(struct dunlin *d, struct dunlin_findings **out, struct dunlin_error *err);
/* The verify sections of what is applied; *n_checked may be NULL. */
DUNLIN_API int dunlin_verify(struct dunlin *d, int64_t *n_checked, struct dunlin_findings **out,
                             struct dunlin_error *err);

/* The newest applied version of the default component as the ledger says, ""
 * where there is none; the sources are not looked at. */
DUNLIN_API int dunlin_current(struct dunlin *d, char *out, size_t size, struct dunlin_error *err);

struct dunlin_health {
	const char *status; /* "ok", "degraded", "down" */
	int32_t code;       /* 0, 4, 3                  */
	char database[1024], current[256], timestamp[32];
	int64_t pending;    /* -1: not known            */
	size_t n_reason;
	char reason[8][512];
};
/* Fails only for usage errors: a database that is down is an answer. */
DUNLIN_API int dunlin_health_check(struct dunlin *d, struct dunlin_health *out, struct dunlin_error *err);

/* --- repairing ----------------------------------------------------------------------- */

enum dunlin_repair_op {
	DUNLIN_REPAIR_SHOW = 0, DUNLIN_REPAIR_RETRY, DUNLIN_REPAIR_MARK_APPLIED,
	DUNLIN_REPAIR_MARK_REVERTED, DUNLIN_REPAIR_ACCEPT_CHECKSUMS
};
/* What is (SHOW) or was repaired, as findings of kind "failed", "stuck",
 * "changed", "repaired".  version: [COMPONENT@]VERSION for the MARK ones, and
 * may narrow RETRY and ACCEPT_CHECKSUMS; NULL: all. */
DUNLIN_API int dunlin_repair(struct dunlin *d, int op, const char *version,
                             struct dunlin_findings **out, struct dunlin_error *err);

/* --- files ------------------------------------------------------------------------- */

struct dunlin_new_request {
	const char *name;
	const char *bump;     /* NULL: next sequence; "patch", "minor", "major" */
	const char *version;  /* exactly this one, or NULL                      */
	const char *driver;   /* a file for one driver, or NULL                 */
	const char *revert;   /* [COMPONENT@]VERSION whose down it is filled with, or NULL */
	unsigned is_pair : 1;
};
/* Creates the file(s); path (path_size bytes) gets the first one's. */
DUNLIN_API int dunlin_new_migration(struct dunlin *d, const struct dunlin_new_request *req,
                                    char *path, size_t path_size, struct dunlin_error *err);
/* Writes dunlin.sum in every folder; *n_files may be NULL. */
DUNLIN_API int dunlin_hash(struct dunlin *d, int64_t *n_files, struct dunlin_error *err);

struct dunlin_parsed_statement {
	uint64_t offset, length; /* bytes in the file             */
	uint32_t line, column;
	uint32_t traits;         /* DUNLIN_ST_*                   */
};
struct dunlin_parsed_section {
	const char *name;        /* "up", "down", "verify"        */
	int32_t is_present;
	size_t n_directive; const char *const *directive; /* "requires 1.0.5-002" */
	size_t n_statement; const struct dunlin_parsed_statement *statement;
};
struct dunlin_parsed {
	const char *file;
	struct dunlin_parsed_section section[3];
};
/* How a file is read, without a database; driver: the dialect, NULL: the
 * handle's.  Placeholders are left as they stand. */
DUNLIN_API int  dunlin_parse(struct dunlin *d, const char *path, const char *driver,
                             struct dunlin_parsed **out, struct dunlin_error *err);
DUNLIN_API void dunlin_parsed_free(struct dunlin_parsed *p);

/* --- the database itself --------------------------------------------------------------- */

DUNLIN_API int dunlin_init(struct dunlin *d, int existing_schema, struct dunlin_error *err); /* the tables */
DUNLIN_API int dunlin_create(struct dunlin *d, struct dunlin_error *err);
DUNLIN_API int dunlin_drop(struct dunlin *d, struct dunlin_error *err);
DUNLIN_API int dunlin_wait(struct dunlin *d, struct dunlin_error *err); /* till it answers or the timeout */

/* --- drivers ---------------------------------------------------------------------------- */

struct dunlin_driver_info {
	const char *name, *path, *version, *client; /* "" where not known */
	int32_t abi_major, abi_minor;
	uint64_t caps;               /* DUNLIN_CAP_*                       */
	const char *refused;         /* why, or NULL                       */
};
/* All that the driver path holds, refused ones too. */
DUNLIN_API int dunlin_each_driver(struct dunlin *d,
	int (*fn)(void *arg, const struct dunlin_driver_info *info), void *arg, struct dunlin_error *err);
/* Name of a capability bit, or NULL: "transactional-ddl". */
DUNLIN_API const char *dunlin_cap_name(unsigned bit);
/* Links a driver in: serves its schemes without a plugin.  Once, before use. */
DUNLIN_API int dunlin_driver_register(dunlin_driver_entry_fn *entry, struct dunlin_error *err);

/*
 * For tools that try a driver by themselves.  Loads the plugin of an absolute
 * path after the checks that every plugin passes, and calls its entry with the
 * tool's own host, which must stay.  *out is a copy of the size that this
 * library knows, and stays until the process ends.  The plugin is not among
 * those that serve URLs.  Errors: DRIVER.
 */
DUNLIN_API int dunlin_driver_load(const char *path, const struct dunlin_host *host,
                                  const struct dunlin_driver **out, struct dunlin_error *err);
/* A URL as the options that open() of this driver takes.  Errors: USAGE; none
 * quotes a secret. */
struct dunlin_url;
DUNLIN_API int  dunlin_url_parse(const char *text, const struct dunlin_driver *drv, struct dunlin_url **out,
                                 struct dunlin_error *err);
DUNLIN_API void dunlin_url_free(struct dunlin_url *u); /* wipes it; NULL is fine */
/* Their number; the first n of them are copied to opt, borrowed from u. */
DUNLIN_API size_t dunlin_url_options(const struct dunlin_url *u, struct dunlin_kv *opt, size_t n);

#ifdef __cplusplus
}
#endif
#endif
