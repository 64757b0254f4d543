/*
 * session.h - one connection of a driver as the core uses it: capabilities
 * read once, steps run whether or not the driver has the fast path, every
 * failure as a struct dunlin_error.
 */
#ifndef DUNLIN_CORE_SESSION_H
#define DUNLIN_CORE_SESSION_H

#include "error.h"

struct session {
	const struct dunlin_driver *drv;
	struct dunlin_conn *conn;
	uint64_t caps;
	struct dunlin_driver_error de; /* of the last failure */
	int is_guarded;                /* a BEGIN step's transaction is open; used
	                                  where the driver has no exec_many */
};

/* opt is borrowed for the call, ctl for the session's life. */
int  session_open(struct session *s, const struct dunlin_driver *drv, const struct dunlin_kv *opt,
                  size_t n_opt, const struct dunlin_control *ctl, struct dunlin_error *err);
int  session_adopt(struct session *s, const struct dunlin_driver *drv, void *handle,
                   const struct dunlin_control *ctl, struct dunlin_error *err);
void session_close(struct session *s);
int  session_has(const struct session *s, uint64_t cap);

/* What `row` returns other than 0 ends the query and is returned as it is, *err
 * untouched; so it is negative only with *err filled by `row` itself. */
int session_query(struct session *s, const char *sql, size_t len, const struct dunlin_param *param,
                  size_t n_param, dunlin_row_fn *row, void *arg, struct dunlin_error *err);

/* Runs steps as driver.h's exec_many does, by the driver's own or one by one.
 * Returns a dunlin_status; on failure s->de tells and *err is filled. */
int session_exec_many(struct session *s, const struct dunlin_step *step, size_t n,
                      const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                      struct dunlin_error *err);

/* Waits 50 to 500 ms, by chance so that those who poll together part, but not
 * longer than max_ms. */
void session_pause(int64_t max_ms);

/* Clears s->de and hands it out, ready for a slot. */
struct dunlin_driver_error *session_error(struct session *s);
/* Turns a slot's status and s->de into *err; the code follows from both.  Returns -1. */
int session_fail(struct session *s, int status, struct dunlin_error *err);

#endif
