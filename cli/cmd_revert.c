/*
 * cmd_revert.c - rollback, down, redo and reset.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "execute.h"
#include "request.h"

#include <inttypes.h>
#include <string.h>

/* --- endings ------------------------------------------------------------------------ */

static void print_reverted(struct cli *c, const struct tally *t)
{
	const struct dunlin_summary *s = dunlin_last_summary(c->d);
	char time[32];

	(void)t;
	if (s->n_done == 0) {
		out_printf(&c->out, "Nothing to revert (%" PRId64 " applied)\n", s->n_applied);
		return;
	}
	out_printf(&c->out, "Reverted %" PRId64 " migrations in %s", s->n_done, text_duration(s->elapsed_ms, time));
	print_now_at(c, s);
	out_printf(&c->out, "\n");
}

static void print_both(struct cli *c, const struct tally *t)
{
	const struct dunlin_summary *s = dunlin_last_summary(c->d);
	char time[32];

	if (t->n_applied + t->n_reverted == 0 && s->n_done == 0) {
		out_printf(&c->out, "Nothing to do (%" PRId64 " applied)\n", s->n_applied);
		return;
	}
	out_printf(&c->out, "Reverted %" PRId64 " and applied %" PRId64 " migrations in %s", t->n_reverted, t->n_applied,
	           text_duration(s->elapsed_ms, time));
	print_now_at(c, s);
	out_printf(&c->out, "\n");
}

/* --- running -------------------------------------------------------------------------- */

static int run_request(struct cli *c, const struct dunlin_request *req, enum danger danger, const char *what,
                       void (*end)(struct cli *c, const struct tally *t))
{
	struct dunlin_error err;
	struct tally tally;

	if (confirm(c, danger, what, &err) < 0)
		return fail(c, &err);
	if (execute(c, req, &tally, &err) < 0)
		return fail(c, &err);
	if (c->format == FORMAT_TEXT && !c->is_quiet)
		end(c, &tally);
	return DUNLIN_EXIT_OK;
}

static enum danger danger_of(const struct dunlin_request *req)
{
	return req->force ? DANGER_FORCE : DANGER_REVERT;
}

static const char *question(const struct dunlin_request *req)
{
	return req->force ? "--force drops the record of migrations that have no down, and leaves their objects."
	                  : "`dunlin plan --rollback` shows what a rollback would revert.";
}

/* --- rollback -------------------------------------------------------------------------- */

static void print_intent(struct cli *c, const struct dunlin_plan *p)
{
	struct output *o = &c->out;
	size_t n = dunlin_plan_n_actions(p);

	out_printf(o, "Reverting %zu migrations:\n", n);
	for (size_t i = 0; i < n; i++) {
		const struct dunlin_action *a = dunlin_plan_action(p, i);

		out_printf(o, "  ");
		out_safe(o, a->component);
		out_printf(o, "%s", *a->component ? "@" : "");
		out_safe(o, a->version);
		out_printf(o, "  ");
		out_safe(o, a->name);
		if (a->kind == DUNLIN_ACTION_FORGET)
			out_printf(o, "  (the record only, its objects stay)");
		out_printf(o, "\n");
	}
	if (n > 1)
		out_printf(o, "`dunlin down` reverts just the last one.\n");
	out_flush(o);
}

/*
 * What was shown is what runs: the digest of the plan goes with the request,
 * so that of two rollbacks at once the second does not take one batch more.
 */
static int run_rollback(struct cli *c)
{
	const char *file = option_value(c, "plan");
	struct dunlin_plan *p = NULL;
	struct dunlin_request req;
	struct dunlin_error err;
	json_t *owner = NULL;
	int code, rc;

	OPEN_OR_RETURN(c);
	rc = file ? plan_file_read(file, DUNLIN_OP_ROLLBACK, &req, &owner, &err)
	          : request_fill(c, DUNLIN_OP_ROLLBACK, &req, &err);
	req.no_lock = setting_is_true(c, "no-lock");
	if (rc < 0 || dunlin_plan(c->d, &req, &p, &err) < 0) {
		code = fail(c, &err);
		goto out;
	}
	if (dunlin_plan_code(p) == 0 && dunlin_plan_n_actions(p) > 0) {
		if (!file)
			req.digest = dunlin_plan_digest(p);
		if (c->format == FORMAT_TEXT && !c->is_quiet)
			print_intent(c, p);
	}
	code = run_request(c, &req, danger_of(&req), question(&req), print_reverted);
out:
	dunlin_plan_free(p);
	json_decref(owner);
	return code;
}

static const struct option_spec rollback_options[] = {
	{ "count", 0, ARG_TEXT, "N", "revert the last N migrations", NULL },
	{ "to", 0, ARG_VERSION, "VERSION", "revert what was applied after it; it stays", NULL },
	{ "release", 0, ARG_TEXT, "X.Y.Z", "leave the database at that release", NULL },
	OPTIONS_ROLLBACK,
	{ "plan", 0, ARG_FILE, "FILE", "run the plan that `plan --rollback --out` wrote", NULL },
	OPTION_NO_LOCK,
	{ 0 },
};

const struct command cmd_rollback = {
	.name = "rollback", .group = GROUP_RUN, .options = rollback_options, .run = run_rollback, .is_run = 1,
	.summary = "revert the last batch",
	.description =
		"Reverts the last batch (one `up` run), newest application first. The down SQL is what\n"
		"the ledger kept when the migration was applied. `down` reverts just one migration.\n",
	.example =
		"$ dunlin rollback --to 1.0.5-001\n"
		"Reverting 1 migrations:\n"
		"  1.0.6-001  add_inbox_retry\n"
		"reverted  1.0.6-001  add_inbox_retry  8 ms\n"
		"Reverted 1 migrations in 9 ms; now at 1.0.5-001\n",
};

/* --- down -------------------------------------------------------------------------------- */

static int run_down(struct cli *c)
{
	struct dunlin_request req;
	struct dunlin_error err;
	int64_t n = 1;

	if (c->n_operand && parse_count("the number", c->operand[0], 1, &n, &err) < 0)
		return fail(c, &err);
	OPEN_OR_RETURN(c);
	if (request_fill(c, DUNLIN_OP_DOWN, &req, &err) < 0)
		return fail(c, &err);
	req.count = n;
	return run_request(c, &req, danger_of(&req), question(&req), print_reverted);
}

static const struct option_spec down_options[] = { OPTIONS_DOWN, OPTION_NO_LOCK, { 0 } };

const struct command cmd_down = {
	.name = "down", .group = GROUP_RUN, .options = down_options, .run = run_down, .is_run = 1,
	.operands = "[N]", .max_operands = 1,
	.summary = "revert the last N migrations (default 1)",
	.description = "Reverts the N migrations that were applied last, whatever their batch.\n",
	.example =
		"$ dunlin down\n"
		"reverted  1.0.6-001  add_inbox_retry  8 ms\n"
		"Reverted 1 migrations in 9 ms; now at 1.0.5-001\n",
};

/* --- redo --------------------------------------------------------------------------------- */

static int run_redo(struct cli *c)
{
	struct dunlin_request req;
	struct dunlin_error err;

	OPEN_OR_RETURN(c);
	if (request_fill(c, DUNLIN_OP_REDO, &req, &err) < 0)
		return fail(c, &err);
	return run_request(c, &req, danger_of(&req), question(&req), print_both);
}

const struct command cmd_redo = {
	.name = "redo", .group = GROUP_RUN, .options = down_options, .run = run_redo, .is_run = 1,
	.summary = "revert and reapply the last migration",
	.description = "Reverts the migration that was applied last and applies it again, in its batch: for a\nfile that is being written.\n",
	.example =
		"$ dunlin redo\n"
		"reverted  1.0.6-001  add_inbox_retry  8 ms\n"
		"applied   1.0.6-001  add_inbox_retry  12 ms\n"
		"Reverted 1 and applied 1 migrations in 21 ms; now at 1.0.6-001\n",
};

/* --- reset -------------------------------------------------------------------------------- */

static int run_reset(struct cli *c)
{
	struct dunlin_request req;
	struct dunlin_error err;
	const char *url;
	char what[600];

	OPEN_OR_RETURN(c);
	if (request_fill(c, DUNLIN_OP_RESET, &req, &err) < 0)
		return fail(c, &err);
	url = dunlin_get(c->d, "url", NULL);
	snprintf(what, sizeof what, "reset %s of '%.400s' and applies all migrations again.",
	         req.drop ? "drops every object" : "reverts every migration", url ? url : "");
	return run_request(c, &req, DANGER_DESTROY, what, print_both);
}

static const struct option_spec reset_options[] = {
	{ "drop", 0, ARG_NONE, NULL, "drop every object of the schema instead of running downs", NULL },
	OPTIONS_DOWN,
	OPTION_NO_LOCK,
	{ 0 },
};

const struct command cmd_reset = {
	.name = "reset", .group = GROUP_RUN, .options = reset_options, .run = run_reset, .is_run = 1,
	.summary = "revert everything and apply it all again",
	.description =
		"Reverts every migration, or with --drop drops every object of the schema, and applies\n"
		"all of them. Asks first, and is refused where the environment is protected.\n",
	.example = "$ dunlin reset --drop --yes\n",
};
