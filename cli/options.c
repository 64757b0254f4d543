/*
 * options.c - the command line: which command, which options, which operands.
 *
 * Options may stand before and after the command word.  So the word is looked
 * for first, with the names of all commands' options; then getopt_long reads
 * the whole line with the common ones and that command's.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct option_spec common_options[] = {
	{ "url", 'u', ARG_TEXT, "URL", "the database", NULL },
	{ "env", 'e', ARG_TEXT, "NAME", "take the section [env.NAME] of the configuration", NULL },
	{ "config", 'c', ARG_FILE, "FILE", "configuration (default: dunlin.ini, here or in a parent folder)", NULL },
	{ "dir", 'd', ARG_DIR, "[NAME=]DIR", "migrations folder, of component NAME; may be repeated", NULL },
	{ "scheme", 0, ARG_CHOICE, "SCHEME", "how files are named", "semver timestamp sequence filename" },
	{ "set", 0, ARG_TEXT, "NAME=VALUE", "value of the placeholder ${NAME}; may be repeated", NULL },
	{ "table", 0, ARG_TEXT, "[SCHEMA.]NAME", "ledger table (default: dunlin_migrations)", NULL },
	{ "format", 0, ARG_CHOICE, "FORMAT", "text or json", "text json" },
	{ "color", 0, ARG_CHOICE, "WHEN", "auto, always or never", "auto always never" },
	{ "quiet", 'q', ARG_NONE, NULL, "print errors and what was asked for, nothing else", NULL },
	{ "verbose", 'v', ARG_NONE, NULL, "print more", NULL },
	{ "debug", 0, ARG_NONE, NULL, "print where each setting came from, and what happens", NULL },
	{ "timeout", 0, ARG_TEXT, "D", "for the whole command (default: none)", NULL },
	{ "statement-timeout", 0, ARG_TEXT, "D", "for one statement (default: the database's own)", NULL },
	{ "lock-timeout", 0, ARG_TEXT, "D", "for a lock inside a migration (default: 5s)", NULL },
	{ "lock-wait", 0, ARG_TEXT, "D", "for another dunlin to finish (default: 60s)", NULL },
	{ "driver-path", 0, ARG_DIR, "DIR[:DIR]", "where driver plugins are", NULL },
	{ "yes", 0, ARG_NONE, NULL, "don't ask", NULL },
	{ "help", 'h', ARG_NONE, NULL, "show help of the program or a command", NULL },
	{ "version", 0, ARG_NONE, NULL, "show the program's version; with --verbose what is in it", NULL },
	{ 0 },
};

#define LONG_BASE 256 /* getopt values: LONG_BASE + index */

/* --- looking options up -------------------------------------------------------- */

static int has_own(const struct command *cmd, const char *name)
{
	for (const struct option_spec *o = cmd ? cmd->options : NULL; o && o->name; o++)
		if (strcmp(o->name, name) == 0)
			return 1;
	return 0;
}

/* The i-th option of cmd, then of the common ones that it has none of its own
 * for (new --version); where cmd is NULL, common ones and all commands'. */
static const struct option_spec *nth_option(const struct command *cmd, size_t i)
{
	for (const struct option_spec *o = cmd ? cmd->options : NULL; o && o->name; o++)
		if (i-- == 0)
			return o;
	for (const struct option_spec *o = common_options; o->name; o++)
		if (!has_own(cmd, o->name) && i-- == 0)
			return o;
	for (const struct command *const *c = commands; !cmd && *c; c++)
		for (const struct option_spec *o = (*c)->options; o && o->name; o++)
			if (i-- == 0)
				return o;
	return NULL;
}

static const struct option_spec *find_long(const struct command *cmd, const char *name, size_t len)
{
	const struct option_spec *o;

	for (size_t i = 0; (o = nth_option(cmd, i)) != NULL; i++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct option_spec *find_short(const struct command *cmd, char letter)
{
	const struct option_spec *o;

	for (size_t i = 0; (o = nth_option(cmd, i)) != NULL; i++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

/* --- the command word ------------------------------------------------------------ */

/* How many arguments after this one are its value: 0 or 1. */
static int takes_next(const char *arg)
{
	const struct option_spec *o;

	if (arg[1] == '-') {
		if (strchr(arg, '='))
			return 0;
		o = find_long(NULL, arg + 2, strlen(arg + 2));
		return o && o->arg != ARG_NONE;
	}
	for (const char *p = arg + 1; *p; p++) {
		o = find_short(NULL, *p);
		if (!o)
			return 0;
		if (o->arg != ARG_NONE)
			return p[1] == '\0';
	}
	return 0;
}

/* The first argument that is neither an option nor one's value; NULL: none. */
static const char *command_word(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1 < argc ? argv[i + 1] : NULL;
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			return argv[i];
		i += takes_next(argv[i]);
	}
	return NULL;
}

/* --- errors ------------------------------------------------------------------------ */

/* Of an argument that may be a URL in the wrong place. */
static char *shown(const char *arg, char buf[200])
{
	snprintf(buf, 200, "%s", arg);
	secret_mask(buf);
	return buf;
}

static const char *next_option_name(void *arg, size_t i)
{
	const struct option_spec *o = nth_option(arg, i);

	return o ? o->name : NULL;
}

static int unknown_option(struct cli *c, const char *arg, struct dunlin_error *err)
{
	char name[64];
	const char *near;
	void *cmd = (void *)(uintptr_t)c->command;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	if (c->command)
		usage_error(err, "unknown option '--%s' of '%s'", name, c->command->name);
	else
		usage_error(err, "unknown option '--%s'", name);
	near = suggest(name, next_option_name, cmd);
	if (near)
		usage_hint(err, "Did you mean '--%s'?", near);
	else if (c->command)
		usage_hint(err, "`dunlin help %s` lists its options.", c->command->name);
	else
		usage_hint(err, "`dunlin help` lists the options.");
	return -1;
}

static const char *next_command_name(void *arg, size_t i)
{
	(void)arg;
	return commands[i] ? commands[i]->name : NULL;
}

int unknown_command(const char *word, struct dunlin_error *err)
{
	const char *near = suggest(word, next_command_name, NULL);
	char buf[200];

	usage_error(err, "unknown command '%s'", shown(word, buf));
	if (near)
		usage_hint(err, "Did you mean '%s'?", near);
	else
		usage_hint(err, "`dunlin help` lists the commands.");
	return -1;
}

/* --- getopt ------------------------------------------------------------------------- */

static int is_choice(const struct option_spec *o, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = o->choices; n > 0 && *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (len == n && memcmp(p, value, n) == 0)
			return 1;
		p += len;
	}
	return 0;
}

static int give(struct cli *c, const struct option_spec *o, char *value, struct dunlin_error *err)
{
	struct given_option *g = &c->given[c->n_given];

	if (!value && option_given(c, o->name))
		return 0;
	if (value && strcmp(o->name, "url") == 0) {
		free(c->url);
		c->url = strdup(value);
		if (!c->url)
			return usage_error(err, "out of memory");
		secret_mask(value);
		value = c->url;
		/* An earlier --url is overruled, and its text is gone. */
		for (size_t i = 0; i < c->n_given; i++)
			if (c->given[i].spec == o)
				c->given[i].value = c->url;
	}
	if (o->arg == ARG_CHOICE && !is_choice(o, value)) {
		char buf[200];

		usage_error(err, "'%s' is no value of '--%s'", shown(value, buf), o->name);
		usage_hint(err, "One of: %s.", o->choices);
		return -1;
	}
	*g = (struct given_option){ o, value };
	c->n_given++;
	return 0;
}

struct getopt_tables {
	struct option *longs;
	char letters[128];
};

static int build_tables(struct getopt_tables *t, const struct command *cmd)
{
	const struct option_spec *o;
	size_t n = 0, at = 0;

	while (nth_option(cmd, n))
		n++;
	t->longs = calloc(n + 1, sizeof *t->longs);
	if (!t->longs)
		return -1;
	/* '-': operands in their order, whatever POSIXLY_CORRECT says; ':': no messages. */
	t->letters[at++] = '-';
	t->letters[at++] = ':';
	for (size_t i = 0; (o = nth_option(cmd, i)) != NULL; i++) {
		t->longs[i] = (struct option){
			.name = o->name,
			.has_arg = o->arg == ARG_NONE ? no_argument : required_argument,
			.val = LONG_BASE + (int)i,
		};
		if (o->letter && at + 3 < sizeof t->letters) {
			t->letters[at++] = o->letter;
			if (o->arg != ARG_NONE)
				t->letters[at++] = ':';
		}
	}
	t->letters[at] = '\0';
	return 0;
}

static int bad_option(struct cli *c, int result, const char *arg, struct dunlin_error *err)
{
	const struct option_spec *o = optopt >= LONG_BASE ? nth_option(c->command, (size_t)(optopt - LONG_BASE))
	                                                  : find_short(c->command, (char)optopt);

	/* A shortened name that getopt took for the whole one. */
	if (o && optopt >= LONG_BASE && strcspn(arg + 2, "=") != strlen(o->name))
		return unknown_option(c, arg, err);
	if (result == ':' && o)
		return usage_error(err, "option '--%s' needs a value: %s", o->name, o->arg_name);
	if (o && optopt >= LONG_BASE)
		return usage_error(err, "option '--%s' takes no value", o->name);
	if (optopt == 0)
		return unknown_option(c, arg, err);
	usage_error(err, "unknown option '-%c'", optopt);
	usage_hint(err, "`dunlin help` lists the options.");
	return -1;
}

static int read_line(struct cli *c, int argc, char **argv, const struct getopt_tables *t, struct dunlin_error *err)
{
	int result, index = 0;

	optind = 0; /* glibc: start anew, and look at the letters' '-' */
	opterr = 0;
	for (;;) {
		char *arg = argv[optind ? optind : 1];

		result = getopt_long(argc, argv, t->letters, t->longs, &index);
		if (result == -1)
			break;
		if (result == 1) {
			c->operand[c->n_operand++] = optarg;
			continue;
		}
		if (result == '?' || result == ':') {
			secret_mask(arg); /* it may be a URL all the same */
			return bad_option(c, result, arg, err);
		}
		/* getopt takes shortened names; a script must not depend on no longer
		 * option being added, nor --for mean --force. */
		if (result >= LONG_BASE && strcspn(arg + 2, "=") != strlen(t->longs[index].name))
			return unknown_option(c, arg, err);
		if (give(c, result >= LONG_BASE ? nth_option(c->command, (size_t)(result - LONG_BASE))
		                                : find_short(c->command, (char)result), optarg, err) < 0)
			return -1;
	}
	while (optind < argc)
		c->operand[c->n_operand++] = argv[optind++];
	return 0;
}

/* Before anything can fail: an error is told in the format that was asked for. */
static void find_format(struct cli *c, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *value = NULL;

		if (strncmp(argv[i], "--format=", 9) == 0)
			value = argv[i] + 9;
		else if (strcmp(argv[i], "--format") == 0 && i + 1 < argc)
			value = argv[++i];
		if (value)
			c->format = strcmp(value, "json") == 0 ? FORMAT_JSON
			          : strcmp(value, "csv") == 0 ? FORMAT_CSV : FORMAT_TEXT;
	}
}

static int check_operands(struct cli *c, struct dunlin_error *err)
{
	const struct command *cmd = c->command;
	char buf[200];

	if (c->n_operand < (size_t)cmd->min_operands) {
		usage_error(err, "'%s' needs %s", cmd->name, cmd->operands);
		usage_hint(err, "`dunlin help %s` shows an example.", cmd->name);
		return -1;
	}
	if (cmd->max_operands >= 0 && c->n_operand > (size_t)cmd->max_operands) {
		usage_error(err, "unexpected argument '%s' of '%s'", shown(c->operand[cmd->max_operands], buf), cmd->name);
		if (strstr(c->operand[cmd->max_operands], "://"))
			usage_hint(err, "A database is given with --url.");
		else
			usage_hint(err, "`dunlin help %s` shows its usage.", cmd->name);
		return -1;
	}
	return 0;
}

/* A URL among the operands is copied where the command takes one, and is
 * misplaced elsewhere, whatever it says. */
static int mask_operands(struct cli *c, struct dunlin_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_operand; i++) {
		char *text = (char *)(uintptr_t)c->operand[i];

		if (!strstr(text, "://"))
			continue;
		if (i > 0 && c->command && c->command->has_url_operand && n < sizeof c->url_operand / sizeof *c->url_operand) {
			c->operand[i] = c->url_operand[n++] = strdup(text);
			if (!c->operand[i]) {
				c->operand[i] = "";
				return usage_error(err, "out of memory");
			}
		}
		secret_mask(text);
	}
	return 0;
}

int options_parse(struct cli *c, int argc, char **argv, struct dunlin_error *err)
{
	struct getopt_tables t = { 0 };
	const char *word = command_word(argc, argv);
	size_t n_option = 0;
	int rc;

	find_format(c, argc, argv);
	/* Flags count once, values take an argument's end each. */
	while (nth_option(NULL, n_option))
		n_option++;
	c->given = calloc((size_t)argc + n_option, sizeof *c->given);
	c->operand = calloc((size_t)argc + 1, sizeof *c->operand);
	c->command = word ? command_find(word) : NULL;
	if (!c->given || !c->operand || build_tables(&t, c->command) < 0)
		return usage_error(err, "out of memory");
	rc = read_line(c, argc, argv, &t, err);
	free(t.longs);
	if (mask_operands(c, err) < 0)
		return -1;
	if (word && !c->command)
		return unknown_command(word, err);
	if (rc < 0)
		return -1;
	if (!c->command)
		return 0;
	memmove(c->operand, c->operand + 1, --c->n_operand * sizeof *c->operand);
	if (option_given(c, "help"))
		return 0;
	return check_operands(c, err);
}

/* --- what was given -------------------------------------------------------------------- */

static const struct given_option *last_given(const struct cli *c, const char *name)
{
	for (size_t i = c->n_given; i-- > 0;)
		if (strcmp(c->given[i].spec->name, name) == 0)
			return &c->given[i];
	return NULL;
}

const char *option_value(const struct cli *c, const char *name)
{
	const struct given_option *g = last_given(c, name);

	return g ? g->value : NULL;
}

int option_given(const struct cli *c, const char *name)
{
	return last_given(c, name) != NULL;
}

int parse_count(const char *what, const char *text, int64_t min, int64_t *out, struct dunlin_error *err)
{
	char *end;
	intmax_t n;

	errno = 0;
	n = strtoimax(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n < min || n > INT32_MAX) {
		usage_error(err, "%s '%.60s' is no number from %" PRId64 " on", what, text, min);
		return -1;
	}
	*out = n;
	return 0;
}

int option_count(const struct cli *c, const char *name, int64_t min, int64_t *out, struct dunlin_error *err)
{
	const char *value = option_value(c, name);
	char what[64];

	if (!value)
		return 0;
	snprintf(what, sizeof what, "--%s", name);
	return parse_count(what, value, min, out, err);
}
