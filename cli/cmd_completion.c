/*
 * cmd_completion.c - completion: scripts for three shells, from the tables.
 *
 * Versions are asked of `dunlin status` when they are needed, so the script
 * knows the folder and database of the moment.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static const char versions_of[] =
	" status --format json --timeout 2s 2>/dev/null | grep -o '\"version\":\"[^\"]*\"' | cut -d '\"' -f 4";

enum operand { OPERAND_NONE, OPERAND_FILE, OPERAND_VERSION, OPERAND_COMMAND, OPERAND_SHELL };

static enum operand operand_of(const struct command *cmd)
{
	const char *s = cmd->operands ? cmd->operands : "";

	if (strstr(s, "FILE"))
		return OPERAND_FILE;
	if (strstr(s, "VERSION"))
		return OPERAND_VERSION;
	if (strstr(s, "COMMAND"))
		return OPERAND_COMMAND;
	return strstr(s, "SHELL") ? OPERAND_SHELL : OPERAND_NONE;
}

/* The n-th option of all, the common ones first; several commands may have one
 * of a name. */
static const struct option_spec *nth_of_all(size_t n)
{
	for (const struct option_spec *o = common_options; o->name; o++)
		if (n-- == 0)
			return o;
	for (size_t i = 0; commands[i]; i++)
		for (const struct option_spec *o = commands[i]->options; o && o->name; o++)
			if (n-- == 0)
				return o;
	return NULL;
}

/* Calls fn once for every name of an option of that kind. */
static void each_option(void (*fn)(FILE *f, const struct option_spec *o), FILE *f, enum arg_kind kind)
{
	const struct option_spec *o, *before;

	for (size_t n = 0; (o = nth_of_all(n)) != NULL; n++) {
		size_t i = 0;

		while ((before = nth_of_all(i)) != o && (before->arg != kind || strcmp(before->name, o->name) != 0))
			i++;
		if (before == o && o->arg == kind)
			fn(f, o);
	}
}

/* --- bash -------------------------------------------------------------------------- */

static void bash_pattern(FILE *f, const struct option_spec *o)
{
	if (o->letter)
		fprintf(f, "|-%c", o->letter);
	fprintf(f, "|--%s", o->name);
}

static void bash_names(FILE *f, const struct option_spec *list)
{
	for (const struct option_spec *o = list; o && o->name; o++)
		fprintf(f, "%s--%s", o == list ? "" : " ", o->name);
}

static void bash_choices(FILE *f, const struct option_spec *o)
{
	if (strcmp(o->name, "format") == 0)
		return;
	fprintf(f, "\t--%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", o->name, o->choices);
}

static void bash_action(FILE *f, enum arg_kind kind, const char *action)
{
	fprintf(f, "\t''");
	each_option(bash_pattern, f, kind);
	fprintf(f, ") %s; return ;;\n", action);
}

static void bash_command(FILE *f, const struct command *cmd)
{
	static const char *const words[] = {
		[OPERAND_NONE] = "", [OPERAND_FILE] = "\tCOMPREPLY+=($(compgen -f -- \"$cur\"))\n",
		[OPERAND_VERSION] = "\tCOMPREPLY+=($(compgen -W \"$(_dunlin_versions)\" -- \"$cur\"))\n",
		[OPERAND_COMMAND] = "\tCOMPREPLY+=($(compgen -W \"$commands\" -- \"$cur\"))\n",
		[OPERAND_SHELL] = "\tCOMPREPLY+=($(compgen -W 'bash zsh fish' -- \"$cur\"))\n",
	};

	fprintf(f, "\t%s) options='", cmd->name);
	bash_names(f, cmd->options);
	fprintf(f, "'\n");
	if (operand_of(cmd) != OPERAND_NONE)
		fprintf(f, "\t\t[[ $cur == -* ]] || %s", words[operand_of(cmd)] + 1);
	fprintf(f, "\t\t;;\n");
}

static void write_bash(FILE *f)
{
	fprintf(f,
		"# dunlin completion for bash: source <(dunlin completion bash)\n"
		"_dunlin_versions() {\n\t\"${COMP_WORDS[0]}\"%s\n}\n\n"
		"_dunlin() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= options= common i\n"
		"\tlocal commands='", versions_of);
	for (size_t i = 0; commands[i]; i++)
		fprintf(f, "%s%s", i ? " " : "", commands[i]->name);
	fprintf(f, "'\n\tcommon='");
	bash_names(f, common_options);
	fprintf(f,
		"'\n\tCOMPREPLY=()\n"
		"\t# --option=value comes as three words\n"
		"\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tcase ${COMP_WORDS[i]} in\n"
		"\t\t''");
	for (int kind = ARG_TEXT; kind <= ARG_CHOICE; kind++)
		each_option(bash_pattern, f, (enum arg_kind)kind);
	fprintf(f,
		") i=$((i + 1)) ;;\n"
		"\t\t-*|=) ;;\n"
		"\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
		"\t\tesac\n"
		"\tdone\n"
		"\tcase $prev in\n");
	/* --format's choices differ with the command. */
	each_option(bash_choices, f, ARG_CHOICE);
	fprintf(f,
		"\t--format)\n"
		"\t\toptions='text json'\n"
		"\t\t[[ $command == history ]] && options+=' csv'\n"
		"\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\")); return ;;\n");
	bash_action(f, ARG_FILE, "COMPREPLY=($(compgen -f -- \"$cur\"))");
	bash_action(f, ARG_DIR, "COMPREPLY=($(compgen -d -- \"$cur\"))");
	bash_action(f, ARG_VERSION, "COMPREPLY=($(compgen -W \"$(_dunlin_versions)\" -- \"$cur\"))");
	bash_action(f, ARG_TEXT, "COMPREPLY=()");
	fprintf(f,
		"\tesac\n"
		"\tcase $command in\n"
		"\t'') options=$commands ;;\n");
	for (size_t i = 0; commands[i]; i++)
		bash_command(f, commands[i]);
	fprintf(f,
		"\tesac\n"
		"\tif [[ $cur == -* ]]; then\n"
		"\t\t[[ $command ]] || options=\n"
		"\t\tCOMPREPLY=($(compgen -W \"$options $common\" -- \"$cur\"))\n"
		"\telif [[ ! $command ]]; then\n"
		"\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
		"\tfi\n"
		"}\n"
		"complete -F _dunlin dunlin\n");
}

/* --- zsh --------------------------------------------------------------------------- */

/* Inside '...[...]': what zsh would read as its own syntax gets a backslash. */
static void zsh_text(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else if (strchr("[]:\\", *s))
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	}
}

static void zsh_option(FILE *f, const struct option_spec *o)
{
	static const char *const actions[] = {
		[ARG_TEXT] = " ", [ARG_FILE] = "_files", [ARG_DIR] = "_files -/", [ARG_VERSION] = "_dunlin_versions",
	};

	fprintf(f, " \\\n\t\t\t");
	if (o->letter)
		fprintf(f, "'(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter, o->name);
	else
		fprintf(f, "'--%s[", o->name);
	zsh_text(f, o->help);
	fputc(']', f);
	if (o->arg == ARG_CHOICE)
		fprintf(f, ":%s:(%s)", o->arg_name, o->choices);
	else if (o->arg != ARG_NONE) {
		fputc(':', f);
		zsh_text(f, o->arg_name);
		fprintf(f, ":%s", actions[o->arg]);
	}
	fputc('\'', f);
}

static int is_overridden(const struct command *cmd, const char *name)
{
	for (const struct option_spec *o = cmd->options; o && o->name; o++)
		if (strcmp(o->name, name) == 0)
			return 1;
	return 0;
}

static void zsh_command(FILE *f, const struct command *cmd)
{
	static const char *const operands[] = {
		[OPERAND_NONE] = "", [OPERAND_FILE] = " \\\n\t\t\t'*:file:_files'",
		[OPERAND_VERSION] = " \\\n\t\t\t'1:version:_dunlin_versions'",
		[OPERAND_COMMAND] = " \\\n\t\t\t'1:command:_dunlin_commands'",
		[OPERAND_SHELL] = " \\\n\t\t\t'1:shell:(bash zsh fish)'",
	};

	fprintf(f, "\t\t%s) _arguments -S", cmd->name);
	for (const struct option_spec *o = common_options; o->name; o++)
		if (!is_overridden(cmd, o->name))
			zsh_option(f, o);
	for (const struct option_spec *o = cmd->options; o && o->name; o++)
		zsh_option(f, o);
	fprintf(f, "%s ;;\n", operands[operand_of(cmd)]);
}

static void write_zsh(FILE *f)
{
	fprintf(f,
		"#compdef dunlin\n"
		"# dunlin completion for zsh: source <(dunlin completion zsh)\n"
		"_dunlin_versions() {\n\tlocal -a list\n\tlist=(${(f)\"$(dunlin%s)\"})\n\tcompadd -a list\n}\n\n"
		"_dunlin_commands() {\n\tlocal -a list\n\tlist=(\n", versions_of);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "\t\t'%s:", commands[i]->name);
		zsh_text(f, commands[i]->summary);
		fprintf(f, "'\n");
	}
	fprintf(f,
		"\t)\n\t_describe command list\n}\n\n"
		"_dunlin() {\n"
		"\tlocal context state state_descr line\n"
		"\ttypeset -A opt_args\n"
		"\t_arguments -C -S");
	for (const struct option_spec *o = common_options; o->name; o++)
		zsh_option(f, o);
	fprintf(f,
		" \\\n\t\t\t'1:command:_dunlin_commands' '*::argument:->arguments'\n"
		"\t[[ $state == arguments ]] || return\n"
		"\tcase $words[1] in\n");
	for (size_t i = 0; commands[i]; i++)
		zsh_command(f, commands[i]);
	fprintf(f,
		"\tesac\n"
		"}\n\n"
		"if [[ $funcstack[1] == _dunlin ]]; then _dunlin \"$@\"; else compdef _dunlin dunlin; fi\n");
}

/* --- fish -------------------------------------------------------------------------- */

static void fish_text(FILE *f, const char *s)
{
	fputc('\'', f);
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('\'', f);
}

static void fish_option(FILE *f, const char *command, const struct option_spec *o)
{
	fprintf(f, "complete -c dunlin");
	if (command)
		fprintf(f, " -n '__fish_seen_subcommand_from %s'", command);
	if (o->letter)
		fprintf(f, " -s %c", o->letter);
	fprintf(f, " -l %s", o->name);
	switch (o->arg) {
	case ARG_NONE:
		break;
	case ARG_FILE:
	case ARG_DIR:
		fprintf(f, " -r -F");
		break;
	case ARG_TEXT:
		fprintf(f, " -x");
		break;
	case ARG_VERSION:
		fprintf(f, " -x -a '(__dunlin_versions)'");
		break;
	case ARG_CHOICE:
		fprintf(f, " -x -a '%s'", o->choices);
		break;
	}
	fprintf(f, " -d ");
	fish_text(f, o->help);
	fputc('\n', f);
}

static void fish_command(FILE *f, const struct command *cmd)
{
	static const char *const operands[] = {
		[OPERAND_NONE] = NULL, [OPERAND_FILE] = " -F\n", [OPERAND_VERSION] = " -a '(__dunlin_versions)'\n",
		[OPERAND_COMMAND] = NULL, [OPERAND_SHELL] = " -a 'bash zsh fish'\n",
	};
	enum operand kind = operand_of(cmd);

	fprintf(f, "complete -c dunlin -n __fish_use_subcommand -a %s -d ", cmd->name);
	fish_text(f, cmd->summary);
	fputc('\n', f);
	if (operands[kind])
		fprintf(f, "complete -c dunlin -n '__fish_seen_subcommand_from %s'%s", cmd->name, operands[kind]);
	if (kind == OPERAND_COMMAND) {
		fprintf(f, "complete -c dunlin -n '__fish_seen_subcommand_from %s' -a '", cmd->name);
		for (size_t i = 0; commands[i]; i++)
			fprintf(f, "%s%s", i ? " " : "", commands[i]->name);
		fprintf(f, "'\n");
	}
	for (const struct option_spec *o = cmd->options; o && o->name; o++)
		fish_option(f, cmd->name, o);
}

static void write_fish(FILE *f)
{
	fprintf(f,
		"# dunlin completion for fish: dunlin completion fish | source\n"
		"function __dunlin_versions\n\tdunlin%s\nend\n\n"
		"complete -c dunlin -f\n", versions_of);
	for (const struct option_spec *o = common_options; o->name; o++)
		fish_option(f, NULL, o);
	for (size_t i = 0; commands[i]; i++)
		fish_command(f, commands[i]);
}

/* --- the command ------------------------------------------------------------------- */

static const struct { const char *name; void (*write)(FILE *f); } shells[] = {
	{ "bash", write_bash }, { "zsh", write_zsh }, { "fish", write_fish },
};

static int run_completion(struct cli *c)
{
	FILE *f;
	char *text = NULL;
	size_t len = 0;
	int code = DUNLIN_EXIT_OK;

	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
		if (strcmp(c->operand[0], shells[i].name) != 0)
			continue;
		f = open_memstream(&text, &len);
		if (!f)
			return fail_nomem(c);
		shells[i].write(f);
		if (fclose(f) != 0) {
			free(text);
			return fail_nomem(c);
		}
		if (c->format == FORMAT_JSON)
			code = json_print(c, json_pack("{s:s, s:o}", "shell", shells[i].name, "script", json_text(text)), code);
		else
			out_raw(&c->out, text, len);
		free(text);
		return code;
	}
	return fail_usage(c, "One of: bash zsh fish.", "no completion for '%.60s'", c->operand[0]);
}

const struct command cmd_completion = {
	.name = "completion", .group = GROUP_OTHER, .run = run_completion,
	.operands = "SHELL", .min_operands = 1, .max_operands = 1,
	.summary = "print a completion script",
	.description = "Prints a script for bash, zsh or fish that completes commands, options, their values and\nversions.\n",
	.example = "$ source <(dunlin completion bash)\n",
};
