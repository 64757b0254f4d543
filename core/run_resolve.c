/*
 * run_resolve.c - the connection went while steps were in flight.
 *
 * Reconnect and regain the lock, which proves that the old session is gone;
 * then the log says for certain which of this run's migrations are done, by
 * their own events.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run.h"

#include <string.h>

#define MAX_RESOLVES 5 /* a server that drops each new connection is down */

/* Statements of an action that were sent, and whose outcome was not heard. */
static int64_t unheard(const struct runner *r, const struct plan_action *a)
{
	int64_t n = 0;

	for (size_t i = r->n_durable; i < r->w.n; i++)
		n += r->w.tag[i].action == a && r->w.tag[i].statement >= 0;
	return n;
}

static int find_done(void *arg, const struct dunlin_event *e)
{
	struct runner *r = arg;
	int is_revert = strcmp(e->event, "migration.reverted") == 0;

	r->is_begun = 1;
	if (!is_revert && strcmp(e->event, "migration.done") != 0 && strcmp(e->event, "migration.baselined") != 0 &&
	    strcmp(e->event, "migration.satisfied") != 0)
		return 0;
	for (size_t i = 0; i < r->plan->n_action; i++) {
		const struct dunlin_action *a = &r->plan->action[i].pub;
		int reverts = a->kind == DUNLIN_ACTION_REVERT || a->kind == DUNLIN_ACTION_FORGET;

		if (!r->is_done[i] && reverts == is_revert && strcmp(a->component, e->component) == 0 &&
		    strcmp(a->version, e->version) == 0) {
			r->statements_sure += r->n_mark ? unheard(r, &r->plan->action[i]) : a->statements;
			run_mark_done(r, i);
			break;
		}
	}
	return 0;
}

static int newest(void *arg, const struct dunlin_event *e)
{
	struct runner *r = arg;

	/* Whoever waited for the lock may have got it before us. */
	return strcmp(e->run_id, r->l->run_id) == 0 ? 0 : 1;
}

/* Has another run written to the ledger since ours did, or since it was read?
 * -1: it cannot be learnt. */
static int has_stranger(struct runner *r, struct dunlin_error *err)
{
	if (!r->is_begun)
		return r->now.last_event != r->h->last_event;
	return ledger_events(r->l, r->s, 1, NULL, 0, newest, r, err);
}

static int look_again(struct runner *r, struct dunlin_error *err)
{
	int rc;

	history_clear(&r->now);
	if (ledger_read(r->l, r->s, &r->now, err) < 0)
		return -1;
	r->has_ledger = r->now.has_ledger;
	if (!r->has_ledger)
		return 0;
	if (ledger_events(r->l, r->s, 0, r->l->run_id, 0, find_done, r, err) < 0)
		return -1;
	rc = has_stranger(r, err);
	if (rc > 0) {
		error_set(err, DUNLIN_EXIT_CONNECT, DUNLIN_CLASS_CONNECTION,
		          "the connection was lost, and another run has worked on this database since");
		error_hint(err, "Run the command again: it starts from what is there now.");
		return -1;
	}
	return rc;
}

/* The line is gone for good, or drops again and again. */
static int give_up(struct runner *r, const struct dunlin_error *lost, struct dunlin_error *err)
{
	if (!err)
		return -1;
	*err = *lost;
	err->errclass = DUNLIN_CLASS_CONNECTION;
	err->code = r->is_unknown ? DUNLIN_EXIT_UNKNOWN : DUNLIN_EXIT_CONNECT;
	if (r->is_unknown)
		error_state(err, "%zu of %zu migrations of this run are known to be done; of those after them the outcome is not known",
		            r->n_done, r->plan->n_action);
	else
		error_state(err, "%zu of %zu migrations of this run are done; none is half done", r->n_done, r->plan->n_action);
	error_hint(err, "Run the command again once the database answers: it looks first and applies nothing twice.");
	return -1;
}

int run_resolve(struct runner *r, struct dunlin_error *err)
{
	struct dunlin_error lost = { 0 }, again;

	if (err)
		lost = *err;
	r->n_open = 0;
	r->is_open = 0;
	if (r->n_done > r->done_at_resolve)
		r->n_resolved = 0;
	r->done_at_resolve = r->n_done;
	while (r->reconnect && r->n_resolved++ < MAX_RESOLVES) {
		run_log(r, DUNLIN_LOG_WARN, "the connection was lost (%s); connecting again to see what became of what was sent",
		        lost.message);
		if (r->reconnect(r->arg, &again) < 0)
			break;
		if (look_again(r, &again) == 0) {
			r->progress.statements_done = r->statements_sure;
			run_count_done(r);
			return 0;
		}
		if (r->s->de.errclass == DUNLIN_CLASS_CONNECTION && again.code == DUNLIN_EXIT_CONNECT)
			continue;
		if (err)
			*err = again;
		return -1;
	}
	return give_up(r, &lost, err);
}
