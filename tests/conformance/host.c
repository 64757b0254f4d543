/*
 * host.c - the host that the suite lends to a driver: memory that can be made
 * to fail and is counted, a log that is searched for secrets, a deadline.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_long n_live, countdown, has_failed, log_leaks;
static atomic_int stop;
static atomic_llong deadline; /* monotonic ms; -1: none */
static const struct suite *the_suite;

static void *host_alloc(void *ctx, size_t n)
{
	void *p;

	(void)ctx;
	if (atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) <= 1) {
		atomic_store(&countdown, 1); /* and all after it */
		atomic_store(&has_failed, 1);
		return NULL;
	}
	p = malloc(n ? n : 1);
	if (p)
		atomic_fetch_add(&n_live, 1);
	return p;
}

static void host_free(void *ctx, void *p)
{
	(void)ctx;
	if (p)
		atomic_fetch_sub(&n_live, 1);
	free(p);
}

static void host_log(void *ctx, int level, const char *text)
{
	(void)ctx, (void)level;
	if (the_suite && host_has_leaked(the_suite, text))
		atomic_fetch_add(&log_leaks, 1);
}

int64_t host_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void host_sleep_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static int should_stop(void *arg)
{
	(void)arg;
	return atomic_load(&stop);
}

static int64_t remaining_ms(void *arg)
{
	int64_t end = atomic_load(&deadline), left = end - host_now_ms();

	(void)arg;
	return end < 0 ? -1 : left > 0 ? left : 0;
}

void host_init(struct suite *s)
{
	s->host = (struct dunlin_host){
		.struct_size = sizeof s->host, .abi_minor = DUNLIN_DRIVER_ABI_MINOR,
		.alloc = host_alloc, .free = host_free, .log = host_log,
	};
	s->ctl = (struct dunlin_control){
		.struct_size = sizeof s->ctl, .should_stop = should_stop, .remaining_ms = remaining_ms,
	};
	atomic_store(&deadline, -1);
	the_suite = s;
}

void host_fail_at(long n)
{
	atomic_store(&has_failed, 0);
	atomic_store(&countdown, n);
}

int host_has_failed(void)
{
	return atomic_load(&has_failed) != 0;
}

long host_n_live(void)
{
	return atomic_load(&n_live);
}

void host_set_stop(int value)
{
	atomic_store(&stop, value);
}

void host_set_deadline(int64_t ms)
{
	atomic_store(&deadline, ms < 0 ? -1 : host_now_ms() + ms);
}

/* A password of one or two letters would be found everywhere. */
int host_has_leaked(const struct suite *s, const char *text)
{
	return strlen(s->secret) > 2 && strstr(text, s->secret) != NULL;
}

int host_log_leaked(void)
{
	return atomic_load(&log_leaks) != 0;
}
