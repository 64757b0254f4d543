/*
 * signals.c - Ctrl-C and its kin, turned into dunlin_cancel().
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct dunlin *volatile target;
static volatile sig_atomic_t is_run_command, n_seen;
static atomic_llong in_flight;

void signals_early(void)
{
	/* A database opened as descriptor 1 would take our output for its pages. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", O_RDWR);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk, not a death */
}

/* Async-signal-safe: no stdio. */
static void say(const char *s)
{
	(void)!write(STDERR_FILENO, s, strlen(s));
}

static void say_number(long long n)
{
	char digits[24], *p = digits + sizeof digits;

	*--p = '\0';
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	say(p);
}

static void say_stopping(void)
{
	long long n = atomic_load(&in_flight);

	if (n <= 0) {
		say("\ndunlin: stopping before the next migration; Ctrl-C again cancels at once\n");
		return;
	}
	say("\ndunlin: stopping; what was already sent will end: ");
	say_number(n);
	say(n == 1 ? " migration" : " migrations");
	say("; Ctrl-C again cancels it\n");
}

static void on_signal(int sig)
{
	int first = n_seen == 0;
	int now = sig != SIGINT || !first || !is_run_command;
	int saved = errno;

	n_seen = n_seen + 1;
	if (target)
		dunlin_cancel(target, now);
	if (is_run_command && !now)
		say_stopping();
	else if (is_run_command && n_seen <= 2)
		say("\ndunlin: cancelling the running statement\n");
	errno = saved;
}

void signals_install(struct dunlin *d, int is_run)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	target = d;
	is_run_command = is_run;
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGINT);
	sigaddset(&sa.sa_mask, SIGTERM);
	/* A shell's "&" hands SIGINT down ignored; it stays so. */
	for (int i = 0; i < 2; i++) {
		struct sigaction old;
		int sig = i ? SIGTERM : SIGINT;

		if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(sig, &sa, NULL);
	}
}

void signals_remove(void)
{
	target = NULL;
}

void signals_in_flight(int64_t n)
{
	atomic_store(&in_flight, n);
}

int signals_seen(void)
{
	return n_seen > 0;
}
