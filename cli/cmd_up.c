/*
 * cmd_up.c - up: apply what is pending.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "execute.h"
#include "cmd_plan.h"
#include "request.h"

#include <inttypes.h>
#include <string.h>

static void print_end(struct cli *c)
{
	const struct dunlin_summary *s = dunlin_last_summary(c->d);
	char time[32];

	if (c->format == FORMAT_JSON || c->is_quiet)
		return;
	if (s->n_done == 0) {
		out_printf(&c->out, "Up to date (%" PRId64 " applied)\n", s->n_applied);
		return;
	}
	out_printf(&c->out, "Applied %" PRId64 " migrations in %s (batch %" PRId64 ")", s->n_done,
	           text_duration(s->elapsed_ms, time), s->batch);
	print_now_at(c, s);
	out_printf(&c->out, "\n");
}

/* Nothing but the file says what a written plan runs. */
static int check_alone(struct cli *c, struct dunlin_error *err)
{
	for (const struct option_spec *o = c->command->options; o->name; o++)
		if (strcmp(o->name, "plan") != 0 && strcmp(o->name, "no-lock") != 0 && option_given(c, o->name))
			return usage_error(err, "'--%s' and '--plan' don't go together", o->name);
	return 0;
}

static int run_up(struct cli *c)
{
	const char *file = option_value(c, "plan");
	struct dunlin_request req;
	struct dunlin_error err;
	struct tally tally = { 0 };
	json_t *owner = NULL;
	int code = DUNLIN_EXIT_OK, rc;

	if (file && check_alone(c, &err) < 0)
		return fail(c, &err);
	OPEN_OR_RETURN(c);
	if (file)
		rc = plan_file_read(file, DUNLIN_OP_UP, &req, &owner, &err);
	else
		rc = request_fill(c, DUNLIN_OP_UP, &req, &err);
	if (rc < 0) {
		code = fail(c, &err);
		goto out;
	}
	req.no_lock = setting_is_true(c, "no-lock");
	if (option_given(c, "dry-run")) {
		code = show_plan(c, &req);
		goto out;
	}
	if (execute(c, &req, &tally, &err) < 0)
		code = fail(c, &err);
	else
		print_end(c);
out:
	json_decref(owner);
	return code;
}

static const struct option_spec options[] = {
	OPTIONS_UP,
	{ "dry-run", 0, ARG_NONE, NULL, "show the plan, run nothing", NULL },
	{ "plan", 0, ARG_FILE, "FILE", "run the plan that `plan --out` wrote, if it still is the plan", NULL },
	OPTION_NO_LOCK,
	{ 0 },
};

const struct command cmd_up = {
	.name = "up", .group = GROUP_RUN, .options = options, .run = run_up, .is_run = 1,
	.summary = "apply what is pending",
	.description =
		"Applies the pending migrations in order and stops at the first failure; each one is\n"
		"atomic where the database can. Where nothing is pending it says so and succeeds.\n",
	.example =
		"$ dunlin up --release 1.0.6\n"
		"applied   1.0.6-001  add_inbox_retry  12 ms\n"
		"Applied 1 migrations in 14 ms (batch 2); now at 1.0.6-001\n",
};
