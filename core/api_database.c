/*
 * api_database.c - the database itself: its tables for the ledger, creating,
 * dropping, waiting for it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "run.h"

#include <string.h>
#include <time.h>

static int make_tables(struct dunlin *d, struct dunlin_error *err)
{
	struct dunlin_exec_result res;
	struct window w = { 0 };
	int rc;

	if (ledger_new_run(&d->ledger, handle_actor(d), err) < 0)
		return -1;
	window_add(&w, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	ledger_put_tables(&d->ledger, &w);
	window_add(&w, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	if (w.is_failed)
		rc = error_nomem(err);
	else
		rc = session_exec_many(&d->session, w.step, w.n, NULL, &res, err) == DUNLIN_OK ? 0 : -1;
	window_clear(&w);
	return rc;
}

/* What `init` and `up` refuse alike: the planner's finding on a plan of nothing. */
static int refuse_existing(struct dunlin *d, struct work *w, struct dunlin_error *err)
{
	const struct dunlin_request up = { .op = DUNLIN_OP_UP };
	struct dunlin_plan p = { 0 };
	int rc = work_plan(d, w, &up, WORK_LOOK, &p, err);

	for (size_t i = 0; rc == 0 && i < p.findings.n; i++) {
		const struct dunlin_finding *f = &p.findings.v[i];

		if (strcmp(f->kind, "existing-schema") == 0) {
			rc = error_set(err, f->code, f->errclass, "%s", f->message);
			error_hint(err, "%s", f->hint);
		}
	}
	plan_clear(&p);
	return rc;
}

static int init(struct dunlin *d, int existing_schema, struct dunlin_error *err)
{
	struct work w = { 0 };
	int rc = -1;

	if (handle_driver(d, err) < 0 || handle_open(d, OPEN_CREATE, err) < 0)
		return handle_fail(d, err);
	work_env(d, &w, d->drv->dialect, d->drv->name, err);
	if (handle_lock(d, err) == 0 && ledger_read(&d->ledger, &d->session, &w.history, err) == 0) {
		if (w.history.has_ledger)
			rc = 0;
		else if (existing_schema || refuse_existing(d, &w, err) == 0)
			rc = make_tables(d, err);
	}
	handle_unlock(d);
	work_clear(&w);
	return rc < 0 ? handle_fail(d, err) : 0;
}

int dunlin_init(struct dunlin *d, int existing_schema, struct dunlin_error *err)
{
	struct loader_log was = handle_enter(d);

	return handle_leave(d, was, init(d, existing_schema, err));
}

/* create_database or drop_database, which work without a connection. */
static int without_connection(struct dunlin *d, const char *verb,
	int (*slot)(const struct dunlin_kv *, size_t, const struct dunlin_control *, struct dunlin_driver_error *),
	struct dunlin_error *err)
{
	struct dunlin_kv *kv = NULL;
	char text[96];
	size_t n = 0;
	int rc;

	if (!slot)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_DRIVER, "driver '%s' cannot %s a database",
		                 d->drv->name, verb);
	if (d->is_adopted)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		                 "cannot %s the database of the application's own handle", verb);
	handle_close(d);
	if (handle_options(d, 1, &kv, &n, text, sizeof text, err) < 0)
		return -1;
	rc = slot(kv, n, &d->ctl, session_error(&d->session));
	mem_free(kv);
	if (rc == DUNLIN_OK)
		return 0;
	d->session.drv = d->drv;
	session_fail(&d->session, rc, err);
	if (err && rc == DUNLIN_EBUSY && err->errclass == DUNLIN_CLASS_LOCK)
		err->code = DUNLIN_EXIT_LOCKED;
	return handle_fail(d, err);
}

int dunlin_create(struct dunlin *d, struct dunlin_error *err)
{
	struct loader_log was = handle_enter(d);
	int rc = handle_driver(d, err);

	return handle_leave(d, was, rc < 0 ? rc : without_connection(d, "create", d->drv->create_database, err));
}

int dunlin_drop(struct dunlin *d, struct dunlin_error *err)
{
	struct loader_log was = handle_enter(d);
	int rc = handle_driver(d, err);

	return handle_leave(d, was, rc < 0 ? rc : without_connection(d, "drop", d->drv->drop_database, err));
}

static int wait_for_answer(struct dunlin *d, struct dunlin_error *err)
{
	struct dunlin_error last = { 0 };

	if (handle_driver(d, err) < 0)
		return -1;
	for (;;) {
		struct timespec t = { 0, 200 * 1000000L };

		if (handle_open(d, OPEN_EXISTING, err) == 0)
			return 0;
		if ((err->errclass != DUNLIN_CLASS_CONNECTION && err->errclass != DUNLIN_CLASS_TIMEOUT) ||
		    err->code == DUNLIN_EXIT_UNSAFE) /* it answers, and time does not mend it */
			return -1;
		/* That the time is up says nothing about the database. */
		if (!last.message[0] || err->errclass == DUNLIN_CLASS_CONNECTION)
			last = *err;
		if (d->cancel)
			return error_set(err, DUNLIN_EXIT_STOPPED, DUNLIN_CLASS_INTERRUPTED, "interrupted while waiting for the database");
		if (d->deadline && now_ms() >= d->deadline)
			return error_set(err, DUNLIN_EXIT_TIMEOUT, DUNLIN_CLASS_TIMEOUT,
			                 "the database does not answer: %s", last.message);
		nanosleep(&t, NULL);
	}
}

int dunlin_wait(struct dunlin *d, struct dunlin_error *err)
{
	struct loader_log was = handle_enter(d);
	struct dunlin_error own;

	return handle_leave(d, was, wait_for_answer(d, err ? err : &own));
}
