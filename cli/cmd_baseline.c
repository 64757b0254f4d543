/*
 * cmd_baseline.c - baseline: for a database that existed before dunlin did.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "execute.h"
#include "json.h"
#include "request.h"

#include <inttypes.h>
#include <string.h>

struct listener {
	struct cli *c;
	json_t *list;
	int64_t n;
};

static void on_event(void *arg, const struct dunlin_event *e)
{
	struct listener *l = arg;

	if (strcmp(e->event, "migration.baselined") != 0)
		return;
	l->n++;
	if (l->c->format == FORMAT_JSON)
		json_array_append_new(l->list, json_pack("{s:o, s:o, s:o}", "component", json_text(e->component),
		                                         "version", json_text(e->version), "name", json_text(e->name)));
	else if (!l->c->is_quiet)
		print_migration_line(l->c, STYLE_GOOD, "baseline", e->component, e->version, e->name ? e->name : "", -1);
}

static void on_log(void *arg, int level, const char *text)
{
	log_line(((struct listener *)arg)->c, level, text);
}

static int print_end(struct cli *c, struct listener *l)
{
	const struct dunlin_summary *s = dunlin_last_summary(c->d);

	if (c->format == FORMAT_JSON)
		return json_print(c, json_pack("{s:O, s:o}", "baselined", l->list, "current", json_text_or_null(s->current)),
		                  DUNLIN_EXIT_OK);
	if (c->is_quiet)
		return DUNLIN_EXIT_OK;
	out_printf(&c->out, "Marked %" PRId64 " migrations as applied, ran nothing", l->n);
	print_now_at(c, s);
	out_printf(&c->out, "\n");
	return DUNLIN_EXIT_OK;
}

static int run_baseline(struct cli *c)
{
	struct listener l = { .c = c, .list = json_array() };
	struct dunlin_request req;
	struct dunlin_error err;
	int code;

	if (open_handle(c, &err) < 0 || request_fill(c, DUNLIN_OP_BASELINE, &req, &err) < 0) {
		json_decref(l.list);
		return fail(c, &err);
	}
	req.to = c->operand[0];
	dunlin_observe(c->d, &(struct dunlin_observer){ .arg = &l, .event = on_event, .log = on_log });
	code = dunlin_execute(c->d, &req, &err) < 0 ? fail(c, &err) : print_end(c, &l);
	observe_log(c);
	json_decref(l.list);
	return code;
}

static const struct option_spec options[] = { OPTION_NO_LOCK, { 0 } };

const struct command cmd_baseline = {
	.name = "baseline", .group = GROUP_RUN, .options = options, .run = run_baseline, .is_run = 1,
	.operands = "VERSION", .min_operands = 1, .max_operands = 1,
	.summary = "mark everything up to VERSION as applied, running nothing",
	.description = "For a database that existed before: records all migrations up to VERSION as applied, in\nbatch 0, without running them.\n",
	.example =
		"$ dunlin baseline 1.0.5-002\n"
		"baseline  1.0.5-001  initial_schema\n"
		"baseline  1.0.5-002  add_users\n"
		"Marked 2 migrations as applied, ran nothing; now at 1.0.5-002\n",
};
