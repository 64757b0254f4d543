/*
 * suite.c - checks, counted and told as TAP.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "driver_suite.h"
#include "suite.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK_SECONDS 90

static const struct group *const groups[] = {
	&group_load, &group_open, &group_exec, &group_query, &group_errors, &group_transactions, &group_savepoints,
	&group_lock, &group_cancel, &group_deadlines, &group_copy, &group_exec_many, &group_ledger, &group_dialect,
	&group_snapshot, &group_probe, &group_memory, &group_threads, &group_fork,
};

int expect(struct suite *s, int is_ok, const char *fmt, ...)
{
	va_list ap;

	if (is_ok || !s->is_ok)
		return is_ok;
	s->is_ok = 0;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof s->why, fmt, ap);
	va_end(ap);
	return 0;
}

/* What a database says may have any character in it. */
static void print_safe(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text, out);
}

static void it_hangs(int signal)
{
	static const char text[] = "Bail out! this check does not end\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof text - 1) < 0)
		_exit(DUNLIN_EXIT_TIMEOUT);
	_exit(DUNLIN_EXIT_TIMEOUT);
}

void check(struct suite *s, const char *sentence, void (*run)(struct suite *s))
{
	s->is_ok = 1;
	s->why[0] = '\0';
	host_fail_at(0);
	host_set_stop(0);
	host_set_deadline(-1);
	signal(SIGALRM, it_hangs);
	alarm(CHECK_SECONDS);
	run(s);
	alarm(0);
	s->n++;
	fprintf(s->out, "%s %d - %s: %s\n", s->is_ok ? "ok" : "not ok", s->n, s->group, sentence);
	if (!s->is_ok) {
		s->n_failed++;
		fputs("# ", s->out);
		print_safe(s->out, s->why);
		fputc('\n', s->out);
	}
	fflush(s->out);
}

void without(struct suite *s, const char *why)
{
	fprintf(s->out, "ok %d - %s # SKIP %s\n", ++s->n, s->group, why);
	fflush(s->out);
}

int can(const struct suite *s, uint64_t cap)
{
	return (s->caps & cap) == cap;
}

/* The parts of a URL that say who one is. */
static void find_secret(struct suite *s)
{
	for (size_t i = 0; i < s->n_opt; i++)
		if (strcmp(s->opt[i].key, "password") == 0 && s->opt[i].value)
			snprintf(s->secret, sizeof s->secret, "%s", s->opt[i].value);
}

static int ask_caps(struct suite *s, struct dunlin_error *err)
{
	struct conn c;

	s->is_ok = 1;
	if (conn_open(s, &c) < 0) {
		memset(err, 0, sizeof *err);
		err->code = DUNLIN_EXIT_CONNECT;
		err->errclass = c.err.errclass;
		snprintf(err->message, sizeof err->message, "%s", c.err.message);
		snprintf(err->hint, sizeof err->hint, "The suite needs a database that it may create tables in.");
		return -1;
	}
	s->caps = s->drv->caps(c.c);
	conn_close(&c);
	return 0;
}

static int wrong_group(const char *group, struct dunlin_error *err)
{
	memset(err, 0, sizeof *err);
	err->code = DUNLIN_EXIT_USAGE;
	err->errclass = DUNLIN_CLASS_VALIDATION;
	snprintf(err->message, sizeof err->message, "there is no group '%s'", group);
	snprintf(err->hint, sizeof err->hint, "The groups are");
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		size_t n = strlen(err->hint);

		snprintf(err->hint + n, sizeof err->hint - n, "%s%s", i ? ", " : " ", groups[i]->name);
	}
	return -1;
}

/* The group of that name, or all of them; how many. */
static size_t run_groups(struct suite *s, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		if (name && strcmp(groups[i]->name, name) != 0)
			continue;
		s->group = groups[i]->name;
		groups[i]->run(s);
		n++;
	}
	return n;
}

int driver_suite(const char *plugin, const char *url, const char *quirks, const char *group, FILE *out,
                 int *n_failed, struct dunlin_error *err)
{
	struct suite s = { .plugin = plugin, .url = url, .out = out };
	struct dunlin_url *parsed = NULL;
	int rc = -1;

	host_init(&s);
	if (dunlin_driver_load(plugin, &s.host, &s.drv, err) < 0 ||
	    dunlin_url_parse(url, s.drv, &parsed, err) < 0)
		goto out;
	s.n_opt = dunlin_url_options(parsed, NULL, 0);
	s.opt = calloc(s.n_opt + 1, sizeof *s.opt);
	if (!s.opt) {
		memset(err, 0, sizeof *err);
		err->code = DUNLIN_EXIT_FAILED;
		snprintf(err->message, sizeof err->message, "out of memory");
		goto out;
	}
	dunlin_url_options(parsed, s.opt, s.n_opt);
	if (s.drv->flags & DUNLIN_DRIVER_FILE)
		s.opt[s.n_opt++] = (struct dunlin_kv){ "create", "1" };
	find_secret(&s);
	if (quirks_read(&s, quirks, err) < 0 || ask_caps(&s, err) < 0)
		goto out;
	if (run_groups(&s, group) == 0) {
		wrong_group(group, err);
		goto out;
	}
	drop_tables(&s);
	fprintf(out, "1..%d\n", s.n);
	if (s.n_failed)
		fprintf(out, "# %d of %d checks failed\n", s.n_failed, s.n);
	*n_failed = s.n_failed;
	rc = 0;
out:
	quirks_clear(&s);
	free(s.opt);
	dunlin_url_free(parsed);
	return rc;
}
