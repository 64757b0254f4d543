/*
 * help.c - help, --help and --version, made from the command table.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <string.h>

/* --- text ------------------------------------------------------------------------- */

static void title(struct output *o, const char *s)
{
	out_printf(o, "\n");
	out_style(o, STYLE_BOLD);
	out_printf(o, "%s", s);
	out_style(o, STYLE_PLAIN);
	out_printf(o, "\n");
}

#define OPTION_WIDTH 30

static void print_options(struct output *o, const struct option_spec *list)
{
	for (const struct option_spec *s = list; s && s->name; s++) {
		char left[128], letter[] = "-?, ";

		letter[1] = s->letter;
		snprintf(left, sizeof left, "%s--%s%s%s", s->letter ? letter : "    ", s->name,
		         s->arg_name ? " " : "", s->arg_name ? s->arg_name : "");
		out_printf(o, "  %-*s  %s\n", OPTION_WIDTH, left, s->help);
	}
}

static void print_usage(struct output *o, const struct command *cmd)
{
	out_printf(o, "usage: dunlin [options] %s%s%s\n", cmd->name, cmd->operands ? " " : "",
	           cmd->operands ? cmd->operands : "");
}

static void print_commands(struct output *o)
{
	static const char *const titles[N_COMMAND_GROUP] = {
		[GROUP_RUN] = "Run", [GROUP_LOOK] = "Look", [GROUP_MEND] = "Mend, and the database itself",
		[GROUP_FILES] = "Files", [GROUP_OTHER] = "More",
	};

	for (int g = 0; g < N_COMMAND_GROUP; g++) {
		title(o, titles[g]);
		for (size_t i = 0; commands[i]; i++) {
			const struct command *cmd = commands[i];
			char left[64];

			if ((int)cmd->group != g)
				continue;
			snprintf(left, sizeof left, "%s%s%s", cmd->name, cmd->operands ? " " : "", cmd->operands ? cmd->operands : "");
			out_printf(o, "  %-16s  %s\n", left, cmd->summary);
		}
	}
}

static const struct { const char *command, *question, *how; } questions[] = {
	{ "validate", "Do the files still fit what was applied?", "files against history; runs no SQL of yours" },
	{ "verify", "Does what was applied still hold?", "the verify sections, rolled back afterwards" },
	{ "health", "Can the application use the database now?", "connects, reads the ledger; for probes" },
};

static void print_questions(struct output *o)
{
	title(o, "Which one answers which question");
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
		out_printf(o, "  %-9s %-42s %s\n", questions[i].command, questions[i].question, questions[i].how);
}

static void print_program_help(struct output *o)
{
	out_printf(o, "dunlin migrates database schemas.\n\nusage: dunlin [options] COMMAND [arguments]\n");
	print_commands(o);
	title(o, "Options of every command, before or after its name");
	print_options(o, common_options);
	out_printf(o, "\nA duration D is a number with ms, s, min or h. `dunlin help COMMAND` tells more.\n");
	print_questions(o);
	title(o, "Example");
	out_printf(o,
		"  $ dunlin init -u sqlite:app.db\n"
		"  $ dunlin new create_users\n"
		"  $ dunlin up -u sqlite:app.db\n");
}

static void print_command_help(struct output *o, const struct command *cmd)
{
	print_usage(o, cmd);
	out_printf(o, "\n%s", cmd->description);
	if (cmd->options && cmd->options->name) {
		title(o, "Options");
		print_options(o, cmd->options);
	}
	out_printf(o, "\nOptions of every command: `dunlin help`.\n");
	title(o, "Example");
	for (const char *p = cmd->example; *p;) {
		size_t n = strcspn(p, "\n");

		out_printf(o, "%s%.*s\n", n ? "  " : "", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

/* --- JSON -------------------------------------------------------------------------- */

static json_t *options_to_json(const struct option_spec *list)
{
	json_t *out = json_array();

	for (const struct option_spec *s = list; s && s->name; s++)
		json_array_append_new(out, json_pack("{s:s, s:o, s:o, s:s}", "name", s->name,
			"short", s->letter ? json_stringn(&s->letter, 1) : json_null(),
			"argument", json_text_or_null(s->arg_name), "help", s->help));
	return out;
}

static json_t *command_to_json(const struct command *cmd)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:o}", "name", cmd->name, "summary", cmd->summary,
		"operands", json_text_or_null(cmd->operands), "description", cmd->description, "example", cmd->example,
		"options", options_to_json(cmd->options));
}

static json_t *program_to_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; commands[i]; i++)
		json_array_append_new(list, command_to_json(commands[i]));
	return json_pack("{s:o, s:o}", "commands", list, "options", options_to_json(common_options));
}

/* --- entry points ------------------------------------------------------------------- */

void help_program(struct cli *c)
{
	if (c->format == FORMAT_JSON)
		json_print(c, program_to_json(), 0);
	else
		print_program_help(&c->out);
}

void help_command(struct cli *c, const struct command *cmd)
{
	if (c->format == FORMAT_JSON)
		json_print(c, command_to_json(cmd), 0);
	else
		print_command_help(&c->out, cmd);
}

static int run_help(struct cli *c)
{
	const struct command *cmd = NULL;
	struct dunlin_error err;

	if (c->n_operand) {
		cmd = command_find(c->operand[0]);
		if (!cmd) {
			unknown_command(c->operand[0], &err);
			return fail(c, &err);
		}
	}
	if (cmd)
		help_command(c, cmd);
	else
		help_program(c);
	return DUNLIN_EXIT_OK;
}

const struct command cmd_help = {
	.name = "help", .group = GROUP_OTHER, .run = run_help,
	.operands = "[COMMAND]", .max_operands = 1,
	.summary = "show help of the program or a command",
	.description = "Shows what the program or a command does, with its options and an example.\n",
	.example = "$ dunlin help rollback\n",
};

/* --- version ------------------------------------------------------------------------ */

static const struct { const char *name, *value; } facts[] = {
#ifdef DUNLIN_BUILD_COMPILER
	{ "compiler", DUNLIN_BUILD_COMPILER },
#endif
#ifdef DUNLIN_BUILD_HOST
	{ "host", DUNLIN_BUILD_HOST },
#endif
#ifdef DUNLIN_BUILD_SANITIZERS
	{ "sanitizers", DUNLIN_BUILD_SANITIZERS },
#endif
#ifdef DUNLIN_BUILD_DRIVERS
	{ "drivers", DUNLIN_BUILD_DRIVERS },
#endif
#ifdef DUNLIN_BUILD_NETTLE
	{ "nettle", DUNLIN_BUILD_NETTLE },
#endif
#ifdef DUNLIN_BUILD_JANSSON
	{ "jansson", DUNLIN_BUILD_JANSSON },
#endif
#ifdef DUNLIN_BUILD_INIH
	{ "inih", DUNLIN_BUILD_INIH },
#endif
	{ NULL, NULL },
};

void print_version(struct cli *c)
{
	struct output *o = &c->out;
	char abi[32];
	json_t *doc;

	snprintf(abi, sizeof abi, "%d.%d", DUNLIN_DRIVER_ABI_MAJOR, DUNLIN_DRIVER_ABI_MINOR);
	if (c->format == FORMAT_JSON) {
		doc = json_pack("{s:s, s:s}", "dunlin", dunlin_version_string(), "driver_abi", abi);
		for (size_t i = 0; c->is_verbose && facts[i].name; i++)
			json_object_set_new(doc, facts[i].name, json_text(facts[i].value));
		json_print(c, doc, 0);
		return;
	}
	out_printf(o, "dunlin %s\n", dunlin_version_string());
	if (!c->is_verbose)
		return;
	out_printf(o, "driver ABI  %s\n", abi);
	for (size_t i = 0; facts[i].name; i++)
		out_printf(o, "%-10s  %s\n", facts[i].name, facts[i].value);
}
