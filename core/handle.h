/*
 * handle.h - struct dunlin, and what the api_*.c files share.
 */
#ifndef DUNLIN_CORE_HANDLE_H
#define DUNLIN_CORE_HANDLE_H

#include "config.h"
#include "ledger.h"
#include "loader.h"
#include "plan.h"
#include "session.h"
#include "url.h"

#include <signal.h>

struct dunlin {
	struct config *config;
	struct source *source; size_t n_source, source_cap;
	struct arena arena;              /* of sources added by calls             */
	struct dunlin_observer obs;
	struct url url;
	const struct dunlin_driver *drv; /* NULL: not looked up yet               */
	struct dunlin_control ctl;
	struct session session;
	struct ledger ledger;
	int has_ledger_sql, is_locked;
	int is_adopted; void *adopted;   /* by the program; ours during a call only  */
	int is_local;                    /* a container of this machine was found      */
	int is_own_process;              /* ... of the client library, too: driver.h   */
	volatile sig_atomic_t cancel;    /* 0, 1: after what was sent, 2: now     */
	int64_t deadline;                /* monotonic ms, 0: none                 */
	int64_t grace;                   /* until then neither counts, 0: none    */
	int64_t lock_retry_ms;           /* how long a lock timeout is retried    */
	char actor[256];
	struct dunlin_summary summary;
};

/* Set and history of one look at the world; the owner of a plan. */
struct work {
	struct migration_set set;
	struct history history;
	struct script *downs;           /* parsed kept downs, and their texts      */
	char **down_text; size_t n_down;
	struct arena arena;
	struct script_env env;
	int is_folder_optional;         /* the ledger has all that is needed       */
};

enum open_how {
	OPEN_EXISTING = 0,
	OPEN_CREATE  /* a missing SQLite file is made */
};

int64_t now_ms(void); /* monotonic */

/* api_connect.c */
int  handle_driver(struct dunlin *d, struct dunlin_error *err);   /* url, driver, ledger's SQL */
/* api_files.c: the dialect of the driver named, else of --driver, else of the
 * URL's, else SQLite's; NULL: error. */
const struct dunlin_dialect *handle_dialect(struct dunlin *d, const char *driver, struct dunlin_error *err);
int  handle_open(struct dunlin *d, enum open_how how, struct dunlin_error *err);
void handle_close(struct dunlin *d);
int  handle_lock(struct dunlin *d, struct dunlin_error *err);     /* waits up to --lock-wait */
void handle_unlock(struct dunlin *d);
int  handle_reconnect(void *arg, struct dunlin_error *err);       /* and lock again */
int  handle_options(struct dunlin *d, int create, struct dunlin_kv **out, size_t *n, char *text,
                    size_t text_size, struct dunlin_error *err);
const char *handle_actor(struct dunlin *d);                       /* user@host */
/*
 * Around each call that talks to a driver: --timeout starts to run, what the
 * driver logs reaches the observer without passwords, and a handle that was
 * adopted is as the program left it when the call is over.
 *
 *     struct loader_log was = handle_enter(d);
 *     int rc = ...;
 *
 *     return handle_leave(d, was, rc);
 */
struct loader_log handle_enter(struct dunlin *d);
int  handle_leave(struct dunlin *d, struct loader_log was, int rc); /* rc */
void handle_begin_grace(void *arg); /* what is left is bookkeeping: neither cancel nor deadline stops it for a moment */
void handle_log(struct dunlin *d, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *handle_option(const struct dunlin *d, const char *name); /* config_get */
/* No password leaves in an error. */
int  handle_fail(struct dunlin *d, struct dunlin_error *err);     /* scrubs; returns -1 */

/* api_work.c */
int  work_env(struct dunlin *d, struct work *w, const struct dunlin_dialect *dialect, const char *driver,
              struct dunlin_error *err);
enum work_files { FILES_ALL, FILES_NEW }; /* parse all; not those applied as they are */
int  work_load_files(struct dunlin *d, struct work *w, enum work_files which, struct dunlin_error *err);
/* Files that were left unread and are not applied any more are read after all. */
int  work_reread_files(struct dunlin *d, struct work *w, struct dunlin_error *err);
int  work_check_sum(const struct work *w, struct dunlin_error *err); /* is a folder as its dunlin.sum says? */
int  work_check_folders(struct dunlin *d, const struct work *w, struct dunlin_error *err); /* are they there at all? */
/* Reverting takes its downs from the ledger and can do without the folders. */
int  request_is_from_ledger(const struct dunlin_request *req);
int  work_load_downs(struct dunlin *d, struct work *w, const struct dunlin_request *req, struct dunlin_error *err);
enum work_for { WORK_LOOK, WORK_PLAN, WORK_RUN }; /* nothing will run; it may; under the lock it will */
int  work_plan(struct dunlin *d, struct work *w, const struct dunlin_request *req, enum work_for purpose,
               struct dunlin_plan *p, struct dunlin_error *err);
void work_clear(struct work *w);
void work_forget_downs(struct work *w);
void work_forget_history(struct work *w); /* before it is read again */
int  work_lock_info(struct dunlin *d, int *held, char *holder, size_t holder_size, char *since, size_t since_size);

/* Findings as the caller gets them; freed by dunlin_findings_free(). */
struct findings_box { struct dunlin_findings pub; struct finding_list list; };
struct findings_box *findings_box_new(struct dunlin_error *err);
struct dunlin_findings *findings_box_close(struct findings_box *b); /* the list as an array */

/* Files and history as one: for status, validate, health. */
int  work_open_all(struct dunlin *d, struct work *w, enum work_files which, struct dunlin_error *err);

#endif
