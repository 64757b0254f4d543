/*
 * cmd_repair.c - repair: what is failed or stuck, and decisions about it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <string.h>

static const struct { const char *option; int op; } writes[] = {
	{ "retry", DUNLIN_REPAIR_RETRY },
	{ "mark-applied", DUNLIN_REPAIR_MARK_APPLIED },
	{ "mark-reverted", DUNLIN_REPAIR_MARK_REVERTED },
	{ "accept-checksums", DUNLIN_REPAIR_ACCEPT_CHECKSUMS },
};

/* One decision at a time, each with what it is about. */
static int choose(struct cli *c, int *op, const char **version, struct dunlin_error *err)
{
	const char *chosen = NULL;

	*op = DUNLIN_REPAIR_SHOW;
	*version = c->n_operand ? c->operand[0] : NULL;
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
		if (!option_given(c, writes[i].option))
			continue;
		if (chosen)
			return usage_error(err, "'--%s' and '--%s' don't go together", chosen, writes[i].option);
		chosen = writes[i].option;
		*op = writes[i].op;
		if (option_value(c, chosen)) {
			if (*version)
				return usage_error(err, "'--%s' names its version already", chosen);
			*version = option_value(c, chosen);
		}
	}
	if (!chosen && *version) {
		usage_error(err, "a version goes with --retry or --accept-checksums");
		return -1;
	}
	return 0;
}

static void print_repair(struct cli *c, int op, const struct dunlin_findings *f)
{
	print_findings(c, f->finding, f->n);
	if (f->n == 0 && !c->is_quiet)
		out_printf(&c->out, op == DUNLIN_REPAIR_SHOW ? "Nothing is failed or stuck\n" : "Nothing to repair\n");
}

static int run_repair(struct cli *c)
{
	struct dunlin_findings *f = NULL;
	struct dunlin_error err;
	const char *version;
	int op, code;

	if (choose(c, &op, &version, &err) < 0)
		return fail(c, &err);
	OPEN_OR_RETURN(c);
	if ((op != DUNLIN_REPAIR_SHOW &&
	     confirm(c, DANGER_FORCE, "repair changes the ledger; it is recorded with who did it.", &err) < 0) ||
	    dunlin_repair(c->d, op, version, &f, &err) < 0)
		return fail(c, &err);
	code = f->code;
	if (c->format == FORMAT_JSON)
		code = json_print(c, json_pack("{s:o, s:b}", "findings", json_findings(f->finding, f->n), "ok", code == 0), code);
	else
		print_repair(c, op, f);
	dunlin_findings_free(f);
	return code;
}

static const struct option_spec options[] = {
	{ "retry", 0, ARG_NONE, NULL, "let the next run try what is failed or stuck again", NULL },
	{ "mark-applied", 0, ARG_VERSION, "VERSION", "record it as applied", NULL },
	{ "mark-reverted", 0, ARG_VERSION, "VERSION", "record it as not applied", NULL },
	{ "accept-checksums", 0, ARG_NONE, NULL, "take the folder's files as what was applied", NULL },
	{ 0 },
};

const struct command cmd_repair = {
	.name = "repair", .group = GROUP_MEND, .options = options, .run = run_repair,
	.operands = "[VERSION]", .max_operands = 1,
	.summary = "show what is failed or stuck, or decide about it",
	.description =
		"Without an option it shows what is failed or stuck and what can be done. The options do\n"
		"it; they ask first, and are recorded with who did it. VERSION narrows --retry and\n"
		"--accept-checksums to one migration. --accept-checksums also takes what has run of a\n"
		"half migration as the file has it now.\n",
	.example = "$ dunlin repair --mark-applied 1.0.6-001\n",
};
