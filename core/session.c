/*
 * session.c - the thin layer between the core and a driver's slots.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "session.h"

#include "utf8.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

struct dunlin_driver_error *session_error(struct session *s)
{
	memset(&s->de, 0, sizeof s->de);
	s->de.struct_size = sizeof s->de;
	s->de.position = -1;
	return &s->de;
}

int session_fail(struct session *s, int status, struct dunlin_error *err)
{
	int code = DUNLIN_EXIT_FAILED;

	switch (status) {
	case DUNLIN_ENOMEM:
		return error_nomem(err);
	case DUNLIN_ETIMEOUT:
		s->de.errclass = DUNLIN_CLASS_TIMEOUT;
		break;
	case DUNLIN_ECANCELLED:
		s->de.errclass = DUNLIN_CLASS_INTERRUPTED;
		break;
	case DUNLIN_ENOTSUP:
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_DRIVER, "driver '%s' cannot do this: %s",
		                 s->drv->name, s->de.message[0] ? s->de.message : "not supported");
	default:
		break;
	}
	if (status == DUNLIN_EBUSY && s->de.errclass == DUNLIN_CLASS_LOCK && !s->de.is_retryable)
		code = DUNLIN_EXIT_LOCKED; /* another run's, not a table's */
	else if (s->de.errclass == DUNLIN_CLASS_CONNECTION)
		code = DUNLIN_EXIT_CONNECT;
	else if (s->de.errclass == DUNLIN_CLASS_TIMEOUT || s->de.errclass == DUNLIN_CLASS_LOCK)
		code = DUNLIN_EXIT_TIMEOUT;
	else if (s->de.errclass == DUNLIN_CLASS_INTERRUPTED)
		code = DUNLIN_EXIT_STOPPED;
	if (!s->de.message[0] && s->de.errclass == DUNLIN_CLASS_TIMEOUT)
		memcpy(s->de.message, "time is up", sizeof "time is up");
	if (!s->de.message[0] && s->de.errclass == DUNLIN_CLASS_INTERRUPTED)
		memcpy(s->de.message, "interrupted", sizeof "interrupted");
	error_from_driver(err, code, &s->de);
	if (err) { /* what the database says may be of any encoding, or cut */
		utf8_mend(err->message, sizeof err->message);
		utf8_mend(err->hint, sizeof err->hint);
	}
	return -1;
}

static int opened(struct session *s, int rc, struct dunlin_error *err)
{
	if (rc != DUNLIN_OK) {
		s->conn = NULL;
		return session_fail(s, rc, err);
	}
	s->caps = s->drv->caps(s->conn);
	return 0;
}

int session_open(struct session *s, const struct dunlin_driver *drv, const struct dunlin_kv *opt,
                 size_t n_opt, const struct dunlin_control *ctl, struct dunlin_error *err)
{
	s->drv = drv;
	s->conn = NULL;
	s->is_guarded = 0;
	return opened(s, drv->open(opt, n_opt, ctl, &s->conn, session_error(s)), err);
}

int session_adopt(struct session *s, const struct dunlin_driver *drv, void *handle,
                  const struct dunlin_control *ctl, struct dunlin_error *err)
{
	s->drv = drv;
	s->conn = NULL;
	s->is_guarded = 0;
	if (!drv->adopt_handle)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_DRIVER,
		                 "driver '%s' cannot work on an application's own handle", drv->name);
	return opened(s, drv->adopt_handle(handle, ctl, &s->conn, session_error(s)), err);
}

void session_close(struct session *s)
{
	if (s->conn)
		s->drv->close(s->conn);
	s->conn = NULL;
}

int session_has(const struct session *s, uint64_t cap)
{
	return s->conn && (s->caps & cap) == cap;
}

struct relay {
	dunlin_row_fn *row;
	void *arg;
	int stopped; /* what row() ended the query with */
};

static int relay_row(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	struct relay *r = arg;

	r->stopped = r->row(r->arg, ncol, value, len, type);
	return r->stopped;
}

int session_query(struct session *s, const char *sql, size_t len, const struct dunlin_param *param,
                  size_t n_param, dunlin_row_fn *row, void *arg, struct dunlin_error *err)
{
	struct relay r = { row, arg, 0 };
	int rc;

	error_clear(err);
	rc = s->drv->query(s->conn, sql, len, param, n_param, relay_row, &r, session_error(s));
	if (r.stopped)
		return r.stopped;
	return rc == DUNLIN_OK ? 0 : session_fail(s, rc, err);
}

/* --- steps, one by one ------------------------------------------------------------- */

static int tx_state(struct session *s, int32_t *state)
{
	*state = DUNLIN_TX_NONE;
	return s->drv->tx_state(s->conn, state, session_error(s));
}

static int left_transaction(struct session *s)
{
	static const char text[] = "the statement ended the transaction that it ran in";
	struct dunlin_driver_error *de = session_error(s);

	memcpy(de->message, text, sizeof text);
	de->errclass = DUNLIN_CLASS_VALIDATION;
	return DUNLIN_ERROR;
}

static int exec_one(struct session *s, const struct dunlin_step *st)
{
	struct dunlin_driver_error *de = session_error(s);
	const struct dunlin_driver *drv = s->drv;
	int rc;

	switch (st->kind) {
	case DUNLIN_STEP_BEGIN:
		rc = session_has(s, DUNLIN_CAP_TX) ? drv->begin(s->conn, st, de) : DUNLIN_OK;
		s->is_guarded = rc == DUNLIN_OK && session_has(s, DUNLIN_CAP_TX);
		return rc;
	case DUNLIN_STEP_COMMIT:
		return session_has(s, DUNLIN_CAP_TX) ? drv->commit(s->conn, de) : DUNLIN_OK;
	case DUNLIN_STEP_SEAL:
		return session_has(s, DUNLIN_CAP_RESET_SESSION) ? drv->reset_session(s->conn, de) : DUNLIN_OK;
	default:
		return drv->exec(s->conn, st, de);
	}
}

/* What a failed step leaves behind; s->de stays.  The line may have gone with
 * work on it that commits by itself. */
static int failed_each(struct session *s, const struct dunlin_step *st, int is_open, struct dunlin_exec_result *res,
                       int rc)
{
	struct dunlin_driver_error keep = s->de;

	res->is_unknown = keep.errclass == DUNLIN_CLASS_CONNECTION && (!is_open || st->kind == DUNLIN_STEP_COMMIT);
	if (is_open && s->drv->rollback)
		s->drv->rollback(s->conn, session_error(s));
	s->is_guarded = 0;
	s->de = keep;
	return rc;
}

static int exec_each(struct session *s, const struct dunlin_step *step, size_t n,
                     const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res)
{
	int32_t state;
	int rc = tx_state(s, &state);

	for (size_t i = 0; rc == DUNLIN_OK && i < n; i++) {
		const struct dunlin_step *st = DUNLIN_STEP_AT(step, i);
		int was_open = state != DUNLIN_TX_NONE;

		rc = exec_one(s, st);
		/* Only a file's own statement changes it behind our back. */
		if (rc == DUNLIN_OK && (st->kind == DUNLIN_STEP_STATEMENT || st->kind == DUNLIN_STEP_SEAL)) {
			rc = tx_state(s, &state);
			if (rc == DUNLIN_OK && s->is_guarded && state != DUNLIN_TX_OPEN)
				rc = left_transaction(s);
		} else if (st->kind == DUNLIN_STEP_BEGIN || st->kind == DUNLIN_STEP_COMMIT) {
			state = st->kind == DUNLIN_STEP_BEGIN && s->is_guarded ? DUNLIN_TX_OPEN : DUNLIN_TX_NONE;
		}
		if (rc != DUNLIN_OK)
			return failed_each(s, st, was_open || state != DUNLIN_TX_NONE, res, rc);
		if (st->kind == DUNLIN_STEP_COMMIT)
			s->is_guarded = 0;
		res->n_done = i + 1;
		if (state == DUNLIN_TX_NONE)
			res->n_durable = i + 1;
		if (obs && obs->step_done)
			obs->step_done(obs->arg, i);
	}
	return rc;
}

int session_exec_many(struct session *s, const struct dunlin_step *step, size_t n,
                      const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                      struct dunlin_error *err)
{
	int rc;

	memset(res, 0, sizeof *res);
	res->struct_size = sizeof *res;
	if (n == 0)
		return DUNLIN_OK;
	if (session_has(s, DUNLIN_CAP_EXEC_MANY))
		rc = s->drv->exec_many(s->conn, step, n, obs, res, session_error(s));
	else
		rc = exec_each(s, step, n, obs, res);
	if (rc != DUNLIN_OK)
		session_fail(s, rc, err);
	return rc;
}

void session_pause(int64_t max_ms)
{
	uint32_t chance = 0;
	int64_t ms = 50;
	struct timespec t;

	if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) == (ssize_t)sizeof chance)
		ms += chance % 450;
	if (ms > max_ms)
		ms = max_ms > 0 ? max_ms : 0;
	t = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}
