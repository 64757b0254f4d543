/*
 * api_execute.c - a run from end to end: look, lock, look again, run, unlock,
 * with the hooks around it.
 *
 * The first look, without the lock, may end a run that has nothing to do or
 * that may not start; it never starts one.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "hooks.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

static const char *command_name(const struct dunlin_request *req)
{
	static const char *const names[] = {
		[DUNLIN_OP_UP] = "up", [DUNLIN_OP_ROLLBACK] = "rollback", [DUNLIN_OP_DOWN] = "down",
		[DUNLIN_OP_REDO] = "redo", [DUNLIN_OP_RESET] = "reset", [DUNLIN_OP_BASELINE] = "baseline",
	};

	return req->op >= DUNLIN_OP_UP && req->op <= DUNLIN_OP_BASELINE ? names[req->op] : "?";
}

static int cancel_level(void *arg)
{
	return ((struct dunlin *)arg)->cancel;
}

static int is_time_up(void *arg)
{
	struct dunlin *d = arg;

	return d->deadline && now_ms() >= d->deadline;
}

static int fail(void *arg, struct dunlin_error *err)
{
	return handle_fail(arg, err);
}

static void log_line(void *arg, int level, const char *text)
{
	handle_log(arg, level, "%s", text);
}

/* Plans on the history that was read; *p must be cleared or zeroed before. */
static int judge(struct dunlin *d, struct work *w, const struct dunlin_request *req, enum work_for purpose,
                 struct dunlin_plan *p, struct dunlin_error *err)
{
	plan_clear(p);
	memset(p, 0, sizeof *p);
	if (work_load_downs(d, w, req, err) < 0 || work_plan(d, w, req, purpose, p, err) < 0)
		return -1;
	if (finding_code(&p->findings))
		return finding_to_error(&p->findings, err);
	if (req->digest && strcmp(req->digest, p->digest) != 0) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "the plan is not the same any more");
		error_hint(err, "Files or history have changed since: make a new plan by `dunlin plan --out FILE` and look at it.");
		error_state(err, "nothing was changed");
		return -1;
	}
	return 0;
}

/* Reads the ledger again, and plans. */
static int look_again(struct dunlin *d, struct work *w, const struct dunlin_request *req, struct dunlin_plan *p,
                      struct dunlin_error *err)
{
	plan_clear(p);
	memset(p, 0, sizeof *p);
	if (ledger_is_unchanged(&d->ledger, &d->session, &w->history)) {
		work_forget_downs(w);
		return judge(d, w, req, WORK_RUN, p, err);
	}
	work_forget_history(w);
	if (ledger_read(&d->ledger, &d->session, &w->history, err) < 0 || work_reread_files(d, w, err) < 0)
		return -1;
	return judge(d, w, req, WORK_RUN, p, err);
}

/*
 * Connects, and reads ledger and files.  `up` needs to parse only what is not
 * applied as it is, so the ledger comes first; but a database that is not there
 * is made only when the files are good and the hook has agreed: *is_missing.
 */
static int open_and_read(struct dunlin *d, struct work *w, const struct dunlin_request *req, int *is_missing,
                         struct dunlin_error *err)
{
	int is_up = req->op == DUNLIN_OP_UP;

	w->is_folder_optional = request_is_from_ledger(req);
	if (handle_driver(d, err) < 0 || work_env(d, w, d->drv->dialect, d->drv->name, err) < 0 ||
	    work_check_folders(d, w, err) < 0)
		return -1;
	if (handle_open(d, OPEN_EXISTING, err) < 0) {
		if (!is_up || err->errclass != DUNLIN_CLASS_CONNECTION || !(d->drv->flags & DUNLIN_DRIVER_FILE) ||
		    work_load_files(d, w, FILES_ALL, err) < 0)
			return -1;
		if (w->set.findings.n && finding_code(&w->set.findings))
			return finding_to_error(&w->set.findings, err);
		*is_missing = 1;
		return 0;
	}
	if (ledger_read(&d->ledger, &d->session, &w->history, err) < 0)
		return -1;
	return work_load_files(d, w, is_up ? FILES_NEW : FILES_ALL, err);
}

static void tell_findings(struct dunlin *d, const struct dunlin_plan *p)
{
	for (size_t i = 0; i < p->findings.n; i++)
		if (p->findings.v[i].code == 0 && p->findings.v[i].line)
			handle_log(d, DUNLIN_LOG_WARN, "%s (%s:%u)", p->findings.v[i].message, p->findings.v[i].file,
			           p->findings.v[i].line);
		else if (p->findings.v[i].code == 0)
			handle_log(d, DUNLIN_LOG_WARN, "%s", p->findings.v[i].message);
}

static int run_hook(struct dunlin *d, const char *name, const struct runner *r, const struct dunlin_plan *p,
                    const struct dunlin_error *failure, struct dunlin_error *err)
{
	const char *command = config_hook(d->config, name);
	const char *env_name = handle_option(d, "env");
	struct arena a = { 0 };
	const char *env[9] = { NULL };
	int rc;

	if (!command)
		return 0;
	env[0] = arena_printf(&a, "DUNLIN_HOOK=%s", name);
	env[1] = arena_printf(&a, "DUNLIN_DRIVER=%s", d->drv->name);
	env[2] = arena_printf(&a, "DUNLIN_DATABASE=%s", d->url.masked ? url_masked(&d->url) : "");
	env[3] = arena_printf(&a, "DUNLIN_ENV=%s", env_name ? env_name : "");
	env[4] = arena_printf(&a, "DUNLIN_BATCH=%lld", (long long)p->batch);
	env[5] = arena_printf(&a, "DUNLIN_COUNT=%zu", r ? r->n_done : p->n_action);
	env[6] = arena_printf(&a, "DUNLIN_RUN_ID=%s", d->ledger.run_id);
	env[7] = arena_printf(&a, "DUNLIN_ERROR=%s", failure ? failure->message : "");
	rc = 0;
	for (int i = 0; i < 8; i++)
		if (!env[i])
			rc = error_nomem(err);
	if (rc == 0)
		rc = hook_run(name, command, env, err);
	arena_clear(&a);
	return rc;
}

/* Counts what is applied now, and the newest of the default component. */
static int summarize(struct dunlin *d, const struct work *w, const struct dunlin_plan *p, const struct runner *r)
{
	const struct history *h = &w->history;
	enum scheme scheme = migration_set_scheme(&w->set, "");
	struct dunlin_summary *s = &d->summary;
	unsigned char *is_gone = mem_zalloc(h->n + 1);
	const char *current = "";

	if (!is_gone)
		return -1;
	s->n_done = r ? (int64_t)r->n_done : 0;
	s->n_applied = 0;
	for (size_t i = 0; r && i < p->n_action; i++)
		if (r->is_done[i] && p->action[i].row)
			is_gone[p->action[i].row - h->row] = 1;
	for (size_t i = 0; i < h->n; i++) {
		const struct ledger_row *row = &h->row[i];

		if (is_gone[i] || (row->state != ROW_APPLIED && row->state != ROW_BASELINE))
			continue;
		s->n_applied++;
		if (!row->component[0] && row->kind != MIGRATION_REPEATABLE &&
		    (!*current || version_cmp_text(scheme, row->version, current) > 0))
			current = row->version;
	}
	for (size_t i = 0; r && i < p->n_action; i++) {
		const struct plan_action *a = &p->action[i];

		if (!r->is_done[i] || a->pub.kind == DUNLIN_ACTION_REVERT || a->pub.kind == DUNLIN_ACTION_FORGET ||
		    (a->pub.kind == DUNLIN_ACTION_RESUME && a->row && a->row->direction == DIRECTION_DOWN))
			continue;
		s->n_applied++;
		if (a->pub.kind != DUNLIN_ACTION_BASELINE && a->pub.batch > 0)
			s->batch = a->pub.batch;
		if (!a->pub.component[0] && (!a->m || a->m->kind != MIGRATION_REPEATABLE) &&
		    (!*current || version_cmp_text(scheme, a->pub.version, current) > 0))
			current = a->pub.version;
	}
	snprintf(s->current, sizeof s->current, "%s", current);
	mem_free(is_gone);
	return 0;
}

static int run_plan(struct dunlin *d, struct work *w, const struct dunlin_request *req, struct dunlin_plan *p,
                    struct dunlin_error *err)
{
	int64_t retry = config_duration(d->config, "lock-timeout");
	struct runner r = {
		.s = &d->session, .l = &d->ledger, .h = &w->history, .plan = p, .env = &w->env, .obs = &d->obs,
		.cancel_level = cancel_level, .reconnect = d->is_adopted ? NULL : handle_reconnect,
		.is_time_up = is_time_up, .begin_grace = handle_begin_grace, .fail = fail, .log = log_line,
		.arg = d, .command = command_name(req),
		.lock_retry_ms = retry == 0 ? 0 : d->lock_retry_ms,
	};
	struct dunlin_error hook;
	int rc = run_execute(&r, err);

	if (rc < 0)
		handle_fail(d, err);
	if (r.is_done)
		summarize(d, w, p, &r);
	handle_unlock(d);
	if (rc < 0) {
		if (run_hook(d, "on-failure", &r, p, err, &hook) < 0)
			handle_log(d, DUNLIN_LOG_WARN, "%s", hook.message);
	} else if (req->op == DUNLIN_OP_UP) {
		if (run_hook(d, "after-up", &r, p, NULL, &hook) < 0)
			handle_log(d, DUNLIN_LOG_WARN, "%s", hook.message);
	}
	run_clear(&r);
	return rc;
}

/* reset --drop: wipes the schema, and goes on as `up` on an empty database. */
static int drop_everything(struct dunlin *d, struct work *w, struct dunlin_plan *p, struct dunlin_error *err)
{
	const struct dunlin_request up = { .op = DUNLIN_OP_UP };
	int rc;

	if (!d->drv->drop_objects)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_DRIVER,
		                 "driver '%s' cannot drop every object of a schema", d->drv->name);
	rc = d->drv->drop_objects(d->session.conn, session_error(&d->session));
	if (rc != DUNLIN_OK)
		return session_fail(&d->session, rc, err);
	return look_again(d, w, &up, p, err);
}

static int execute(struct dunlin *d, struct work *w, const struct dunlin_request *req, struct dunlin_plan *p,
                   struct dunlin_error *err)
{
	struct dunlin_request first = *req;
	int is_missing = 0;

	if (open_and_read(d, w, req, &is_missing, err) < 0)
		return -1;
	if (is_missing) /* what it can do is not known yet: under the lock the digest counts */
		first.digest = NULL;
	if (!d->is_adopted && judge(d, w, &first, WORK_PLAN, p, err) < 0)
		return -1;
	if (!d->is_adopted && p->n_action == 0 && !(req->op == DUNLIN_OP_RESET && req->drop)) {
		tell_findings(d, p);
		return summarize(d, w, p, NULL) < 0 ? error_nomem(err) : 0;
	}
	if (ledger_new_run(&d->ledger, handle_actor(d), err) < 0)
		return -1;
	if (req->op == DUNLIN_OP_UP && run_hook(d, "before-up", NULL, p, NULL, err) < 0)
		return -1;
	if (is_missing && handle_open(d, OPEN_CREATE, err) < 0)
		return -1;
	if (handle_lock(d, err) < 0 || look_again(d, w, req, p, err) < 0)
		return -1;
	tell_findings(d, p);
	if (req->op == DUNLIN_OP_RESET && req->drop && drop_everything(d, w, p, err) < 0)
		return -1;
	if (p->n_action == 0)
		return summarize(d, w, p, NULL) < 0 ? error_nomem(err) : 0;
	return run_plan(d, w, req, p, err);
}

int dunlin_execute(struct dunlin *d, const struct dunlin_request *req, struct dunlin_error *err)
{
	struct dunlin_plan p = { 0 };
	struct work w = { 0 };
	struct dunlin_error own;
	struct loader_log was = handle_enter(d);
	int64_t start = now_ms();
	int rc;

	if (!err)
		err = &own;
	error_clear(err);
	memset(&d->summary, 0, sizeof d->summary);
	rc = execute(d, &w, req, &p, err);
	if (rc < 0)
		handle_fail(d, err);
	handle_unlock(d);
	plan_clear(&p);
	work_clear(&w);
	d->summary.elapsed_ms = now_ms() - start;
	return handle_leave(d, was, rc);
}
