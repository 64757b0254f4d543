/*
 * cli.h - what the files of the program share: the command table's row, the
 * options of one invocation, and the context that a command runs in.
 *
 * The program sees the library through <dunlin/dunlin.h> alone.
 */
#ifndef DUNLIN_CLI_H
#define DUNLIN_CLI_H

#include <dunlin/dunlin.h>

#include <stddef.h>
#include <stdint.h>

#include "output.h"

struct cli;

/* What an option's value is; the completion scripts go by it. */
enum arg_kind { ARG_NONE = 0, ARG_TEXT, ARG_FILE, ARG_DIR, ARG_VERSION, ARG_CHOICE };

struct option_spec {
	const char *name;     /* long name, without dashes                    */
	char letter;          /* or 0                                         */
	enum arg_kind arg;
	const char *arg_name; /* "VERSION"                                    */
	const char *help;     /* one line                                     */
	const char *choices;  /* ARG_CHOICE: "text json"                      */
};

enum command_group { GROUP_RUN = 0, GROUP_LOOK, GROUP_MEND, GROUP_FILES, GROUP_OTHER, N_COMMAND_GROUP };

/* Ended by an option without a name. */
struct command {
	const char *name;
	enum command_group group;
	const char *summary;                /* one line, lower case               */
	const char *operands;               /* as usage shows them, or NULL       */
	int min_operands, max_operands;     /* max -1: any number                 */
	const struct option_spec *options;  /* its own, or NULL                   */
	const char *description;            /* for help COMMAND, whole lines      */
	const char *example;                /* whole lines, each with its prompt  */
	int (*run)(struct cli *c);          /* returns the exit code              */
	int has_url_operand;                /* an operand may be a URL            */
	int is_run;                         /* runs migrations: signals and output
	                                       errors are treated accordingly     */
};

enum format { FORMAT_TEXT = 0, FORMAT_JSON, FORMAT_CSV };

struct given_option {
	const struct option_spec *spec;
	const char *value; /* NULL for a flag */
};

struct cli {
	const struct command *command;
	struct given_option *given; size_t n_given;
	const char **operand;       size_t n_operand; /* after the command word   */
	char *url;            /* copy of --url: argv's is overwritten             */
	char *url_operand[2]; /* ... and of operands that are URLs                */

	enum format format;
	int is_quiet, is_verbose, is_debug;
	int has_answer;       /* the JSON document or error is out already        */

	struct output out, err;
	struct dunlin *d;     /* open_handle()                                    */
};

/* --- commands.c --- */
extern const struct command *const commands[]; /* NULL-ended, in the order of `help` */
const struct command *command_find(const char *name);

/* --- options.c --- */
extern const struct option_spec common_options[];
/* Fills given, operand and command; sensitive parts of argv are overwritten.
 * 0, or -1 with a usage error. */
int options_parse(struct cli *c, int argc, char **argv, struct dunlin_error *err);
const char *option_value(const struct cli *c, const char *name); /* last given, or NULL */
int option_given(const struct cli *c, const char *name);
/* Value of a counting option: *out stays where it is not given. */
int option_count(const struct cli *c, const char *name, int64_t min, int64_t *out, struct dunlin_error *err);
/* A usage error that names the nearest command; returns -1. */
int unknown_command(const char *word, struct dunlin_error *err);
int parse_count(const char *what, const char *text, int64_t min, int64_t *out, struct dunlin_error *err);

/* --- secret.c --- */
/* Overwrites the password of a URL in place with 'x'. */
void secret_mask(char *url);

/* --- suggest.c --- */
/* The candidate nearest to `word`, or NULL where none is near. */
const char *suggest(const char *word, const char *(*next)(void *arg, size_t i), void *arg);

/* --- handle.c --- */
/* Opens the library with what was given, and reads the settings back that
 * the program itself obeys.  0, or -1 with err. */
int open_handle(struct cli *c, struct dunlin_error *err);
int setting_is_true(struct cli *c, const char *name);
void observe_log(struct cli *c); /* the library's log lines, and nothing else */
void log_line(struct cli *c, int level, const char *text);
/* open_handle() and, on failure, report: for the first line of a command. */
#define OPEN_OR_RETURN(c) \
	do { \
		struct dunlin_error open_err_; \
		if (open_handle((c), &open_err_) < 0) \
			return fail((c), &open_err_); \
	} while (0)

/* --- errors.c --- */
/* Reports as text or JSON; returns the exit code. */
int fail(struct cli *c, const struct dunlin_error *err);
/* Fills a usage error; returns -1. */
int usage_error(struct dunlin_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void usage_hint(struct dunlin_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* usage_error() and fail(). */
int fail_usage(struct cli *c, const char *hint, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int fail_nomem(struct cli *c);
/* A line on standard error: "dunlin: warning: TEXT". */
void tell(struct cli *c, enum style style, const char *word, const char *text);
void print_findings(struct cli *c, const struct dunlin_finding *f, size_t n);

/* --- confirm.c --- */
enum danger {
	DANGER_REVERT = 0, /* rollback, down, redo: asks nothing                  */
	DANGER_FORCE,      /* --force, repair's writes: asks                      */
	DANGER_DESTROY     /* reset, drop: asks; refused where protected          */
};
/* 0: go on; -1 with err. */
int confirm(struct cli *c, enum danger danger, const char *what, struct dunlin_error *err);

/* --- signals.c --- */
void signals_early(void);                           /* SIGPIPE, and the three streams   */
void signals_install(struct dunlin *d, int is_run); /* SIGINT, SIGTERM -> dunlin_cancel */
void signals_remove(void);                          /* before the handle goes           */
void signals_in_flight(int64_t n);                  /* for what the first Ctrl-C says   */
int  signals_seen(void);

/* --- help.c --- */
void help_program(struct cli *c);
void help_command(struct cli *c, const struct command *cmd);
void print_version(struct cli *c);

#endif
