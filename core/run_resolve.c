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
			r->is_done[i] = 1;
			r->n_done++;
			break;
		}
	}
	return 0;
}

int run_resolve(struct runner *r, struct dunlin_error *err)
{
	struct dunlin_error lost = { 0 }, again;
	int64_t seq = r->l->seq;

	if (err)
		lost = *err;
	r->n_open = 0;
	if (!r->reconnect || ++r->n_resolved > MAX_RESOLVES)
		goto unknown;
	run_log(r, DUNLIN_LOG_WARN, "the connection was lost (%s); connecting again to see what became of what was sent",
	        lost.message);
	if (r->reconnect(r->arg, &again) < 0)
		goto unknown;
	if (ledger_events(r->l, r->s, 0, r->l->run_id, 0, find_done, r, &again) < 0)
		goto unknown;
	r->l->seq = seq; /* numbers that may be taken are not used again */
	return 0;
unknown:
	if (err) {
		*err = lost;
		err->code = DUNLIN_EXIT_UNKNOWN;
		error_state(err, "%zu of %zu migrations of this run are known to be done; of those after them the outcome is not known",
		            r->n_done, r->plan->n_action);
		error_hint(err, "Run the command again once the database answers: it looks first and applies nothing twice.");
	}
	return -1;
}
