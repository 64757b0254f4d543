/*
 * main.c - from the command line to a command, and its exit code.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int dispatch(struct cli *c)
{
	if (option_given(c, "help")) {
		if (c->command)
			help_command(c, c->command);
		else
			help_program(c);
		return DUNLIN_EXIT_OK;
	}
	if (!c->command && option_given(c, "version")) {
		print_version(c);
		return DUNLIN_EXIT_OK;
	}
	if (!c->command)
		return fail_usage(c, "`dunlin help` lists the commands.", "no command given");
	if (option_given(c, "version") && !option_value(c, "version"))
		return fail_usage(c, "`dunlin --version` prints the program's version, `dunlin version` the database's.",
		                  "'--version' goes with no command");
	return c->command->run(c);
}

/* What was written but could not be read is an error of its own, except that
 * a reader who has seen enough is none, and that a run's outcome is not
 * changed by who watches it. */
static int finish_output(struct cli *c, int code)
{
	if (out_flush(&c->out) == 0 || c->out.error == EPIPE)
		return code;
	out_printf(&c->err, "dunlin: can't write standard output: %s\n", strerror(c->out.error));
	out_flush(&c->err);
	return code == DUNLIN_EXIT_OK && !(c->command && c->command->is_run) ? DUNLIN_EXIT_USAGE : code;
}

static void set_up_output(struct cli *c)
{
	out_init(&c->out, stdout);
	out_init(&c->err, stderr);
	out_set_color(&c->out, NULL);
	out_set_color(&c->err, NULL);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	/* One write a line: what two programs tell doesn't mix. */
	setvbuf(stderr, NULL, _IOFBF, 1 << 12);
}

int main(int argc, char **argv)
{
	static struct cli cli; /* zeroed; the progress thread may look at it to the end */
	struct cli *c = &cli;
	struct dunlin_error err;
	const char *color;
	int code;

	signals_early();
	set_up_output(c);
	if (options_parse(c, argc, argv, &err) < 0)
		code = fail(c, &err);
	else {
		color = option_value(c, "color");
		if (color) {
			out_set_color(&c->out, color);
			out_set_color(&c->err, color);
		}
		c->is_quiet = option_given(c, "quiet");
		c->is_verbose = option_given(c, "verbose");
		code = dispatch(c);
	}
	signals_remove();
	dunlin_free(c->d);
	code = finish_output(c, code);
	out_flush(&c->err);
	if (c->url)
		explicit_bzero(c->url, strlen(c->url));
	free(c->url);
	for (size_t i = 0; i < sizeof c->url_operand / sizeof *c->url_operand; i++) {
		if (c->url_operand[i])
			explicit_bzero(c->url_operand[i], strlen(c->url_operand[i]));
		free(c->url_operand[i]);
	}
	free(c->given);
	free(c->operand);
	return code;
}
