/*
 * api_plan.c - plans as values for the caller: made without a lock, run nothing.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include <string.h>

static void free_work(void *owner)
{
	work_clear(owner);
	mem_free(owner);
}

/* Without a connection: the dialect of the URL's driver, or of --driver. */
static int offline_env(struct dunlin *d, struct work *w, struct dunlin_error *err)
{
	const char *name = handle_option(d, "driver");
	const struct dunlin_dialect *dialect;

	if (name) {
		dialect = handle_dialect(d, name, err);
		return dialect ? work_env(d, w, dialect, name, err) : -1;
	}
	if (handle_driver(d, err) < 0)
		return -1;
	return work_env(d, w, d->drv->dialect, d->drv->name, err);
}

static int look(struct dunlin *d, struct work *w, const struct dunlin_request *req, struct dunlin_error *err)
{
	if (req->from_empty)
		return offline_env(d, w, err) < 0 ? -1 : work_load_files(d, w, FILES_ALL, err);
	w->is_folder_optional = request_is_from_ledger(req);
	if (work_open_all(d, w, FILES_ALL, err) < 0)
		return -1;
	return work_load_downs(d, w, req, err);
}

int dunlin_plan(struct dunlin *d, const struct dunlin_request *req, struct dunlin_plan **out, struct dunlin_error *err)
{
	struct dunlin_plan *p = mem_zalloc(sizeof *p);
	struct work *w = mem_zalloc(sizeof *w);
	struct loader_log was;

	*out = NULL;
	if (!p || !w) {
		mem_free(p);
		mem_free(w);
		return error_nomem(err);
	}
	was = handle_enter(d);
	if (look(d, w, req, err) < 0 || work_plan(d, w, req, WORK_PLAN, p, err) < 0) {
		plan_clear(p);
		mem_free(p);
		free_work(w);
		return handle_leave(d, was, handle_fail(d, err));
	}
	p->owner = w;
	p->free_owner = free_work;
	*out = p;
	return handle_leave(d, was, 0);
}

void dunlin_plan_free(struct dunlin_plan *p)
{
	void (*free_owner)(void *owner);
	void *owner;

	if (!p)
		return;
	free_owner = p->free_owner;
	owner = p->owner;
	plan_clear(p);
	mem_free(p);
	if (free_owner)
		free_owner(owner);
}

size_t dunlin_plan_n_actions(const struct dunlin_plan *p)
{
	return p->n_action;
}

const struct dunlin_action *dunlin_plan_action(const struct dunlin_plan *p, size_t i)
{
	return &p->action[i].pub;
}

size_t dunlin_plan_n_findings(const struct dunlin_plan *p)
{
	return p->findings.n;
}

const struct dunlin_finding *dunlin_plan_finding(const struct dunlin_plan *p, size_t i)
{
	return &p->findings.v[i];
}

const char *dunlin_plan_digest(const struct dunlin_plan *p)
{
	return p->digest;
}

int dunlin_plan_code(const struct dunlin_plan *p)
{
	return finding_code(&p->findings);
}

int dunlin_plan_sql(struct dunlin *d, const struct dunlin_plan *p,
	int (*fn)(void *arg, const struct dunlin_action *a, const char *sql, size_t len), void *arg,
	struct dunlin_error *err)
{
	const struct work *w = p->owner;

	for (size_t i = 0; i < p->n_action; i++) {
		const struct plan_action *a = &p->action[i];
		struct script_env env = w->env;
		struct script_reader *r = NULL;
		struct script_statement st;
		int rc;

		env.is_from_ledger = a->is_from_ledger;
		if (!a->section) {
			if ((rc = fn(arg, &a->pub, "", 0)) != 0)
				return rc;
			continue;
		}
		if (script_reader_open(&r, &env, a->section, err) < 0)
			return handle_fail(d, err);
		while ((rc = script_reader_next(r, &st, err)) > 0)
			if (!st.is_own_tx && st.index >= a->resume_index && (rc = fn(arg, &a->pub, st.st.text, st.st.len)) != 0)
				break;
		script_reader_close(r);
		if (rc < 0)
			return handle_fail(d, err);
		if (rc > 0)
			return rc;
	}
	return 0;
}
