/*
 * confirm.c - what may not happen by accident.
 *
 *                        terminal   elsewhere   protected
 *     rollback down redo    -           -         --yes
 *     --force repair       asks       --yes       --yes
 *     reset drop           asks       --yes      refused
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* One line from standard input; -1 at its end or when a signal came. */
static int read_answer(char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		char ch;

		/* poll() is never restarted, so Ctrl-C at the question is an answer. */
		if (signals_seen() || poll(&p, 1, -1) < 0)
			return -1;
		if (read(STDIN_FILENO, &ch, 1) != 1)
			return -1;
		if (ch == '\n')
			break;
		if (n + 1 < size)
			line[n++] = ch;
	}
	line[n] = '\0';
	return 0;
}

static int ask(struct cli *c, const char *what, struct dunlin_error *err)
{
	char line[16];
	int rc;

	out_printf(&c->err, "dunlin: ");
	out_safe(&c->err, what);
	out_printf(&c->err, "\nGo on? [y/N] ");
	out_flush(&c->err);
	rc = read_answer(line, sizeof line);
	if (rc < 0)
		out_printf(&c->err, "\n");
	if (rc == 0 && (strcmp(line, "y") == 0 || strcmp(line, "Y") == 0 || strcmp(line, "yes") == 0))
		return 0;
	usage_error(err, "not confirmed, nothing was done");
	if (signals_seen()) {
		err->code = DUNLIN_EXIT_STOPPED;
		err->errclass = DUNLIN_CLASS_INTERRUPTED;
	}
	return -1;
}

int confirm(struct cli *c, enum danger danger, const char *what, struct dunlin_error *err)
{
	int is_protected = setting_is_true(c, "protected");
	int has_yes = setting_is_true(c, "yes");
	const char *env = dunlin_get(c->d, "env", NULL);

	/* Where no database is named there is nothing to ask about, and an error to come. */
	if (!dunlin_get(c->d, "url", NULL))
		return 0;
	if (is_protected && danger == DANGER_DESTROY) {
		usage_error(err, "refused: the environment '%s' is protected", env ? env : "");
		usage_hint(err, "Its section of dunlin.ini says 'protected = yes'.");
		return -1;
	}
	if (has_yes || (danger == DANGER_REVERT && !is_protected))
		return 0;
	if (is_protected) {
		usage_error(err, "the environment '%s' is protected: this needs --yes", env ? env : "");
		usage_hint(err, "%s", what);
		return -1;
	}
	if (isatty(STDIN_FILENO))
		return ask(c, what, err);
	usage_error(err, "this needs a confirmation, and there is no terminal to ask on");
	usage_hint(err, "%s Give --yes to go on.", what);
	return -1;
}
