/*
 * progress.c - drawing it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 500
#define EVERY_MS 100
#define BAR      20

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	int is_started, is_over, is_shown;
	int is_paused;
	struct cli *c;
	struct timespec begin;
	struct dunlin_progress p; /* its strings are the copies below */
	char component[128], version[256], name[256];
} bar = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t elapsed_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - bar.begin.tv_sec) * 1000 + (now.tv_nsec - bar.begin.tv_nsec) / 1000000;
}

static size_t terminal_width(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return 80;
}

/* "12/40 migrations  345 statements  1.2 MB/8.0 MB  3.4 s  1.0.6-001 add_inbox" */
static void describe(char *line, size_t size)
{
	const struct dunlin_progress *p = &bar.p;
	char done[32], total[32], time[32];
	size_t n;

	n = (size_t)snprintf(line, size, "%" PRId64 "/%" PRId64 " migrations  %" PRId64 " statements  ",
	                     p->migrations_done, p->migrations_total, p->statements_done);
	if (p->bytes_total > 0 && n < size)
		n += (size_t)snprintf(line + n, size - n, "%s/%s  ", text_bytes(p->bytes_done, done),
		                      text_bytes(p->bytes_total, total));
	if (n < size)
		snprintf(line + n, size - n, "%s  %s%s%s %s", text_duration(elapsed_ms(), time),
		         bar.component, bar.component[0] ? "@" : "", bar.version, bar.name);
}

static int filled(void)
{
	const struct dunlin_progress *p = &bar.p;
	int64_t done = p->bytes_total > 0 ? p->bytes_done : p->migrations_done;
	int64_t total = p->bytes_total > 0 ? p->bytes_total : p->migrations_total;

	if (total <= 0 || done < 0)
		return 0;
	return done >= total ? BAR : (int)((double)done * BAR / (double)total);
}

static void draw(void)
{
	struct output *o = &bar.c->err;
	char line[1024], piece[16];
	size_t room = terminal_width() - 1, n, width;
	int full = filled();

	out_printf(o, "\r");
	if (room > 60) {
		out_style(o, STYLE_GOOD);
		for (int i = 0; i < BAR; i++)
			out_printf(o, "%s", i < full ? "#" : "-");
		out_style(o, STYLE_PLAIN);
		out_printf(o, "  ");
		room -= BAR + 2;
	}
	describe(line, sizeof line);
	for (size_t i = 0, len = strlen(line); i < len;) {
		i += escape_next(line + i, len - i, piece, &n, &width);
		if (width > room)
			break;
		out_raw(o, piece, n);
		room -= width;
	}
	out_printf(o, "\x1b[K");
	out_flush(o);
	bar.is_shown = 1;
}

static void erase(void)
{
	if (!bar.is_shown)
		return;
	out_printf(&bar.c->err, "\r\x1b[K");
	out_flush(&bar.c->err);
	bar.is_shown = 0;
}

static void *ticker(void *arg)
{
	struct timespec at;
	int64_t wait_ms = FIRST_MS;

	(void)arg;
	pthread_mutex_lock(&bar.lock);
	while (!bar.is_over) {
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += wait_ms * 1000000;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&bar.wake, &bar.lock, &at);
		if (!bar.is_over && !bar.is_paused && elapsed_ms() >= FIRST_MS && bar.p.migrations_total > 0) {
			draw();
			wait_ms = EVERY_MS;
		}
	}
	pthread_mutex_unlock(&bar.lock);
	return NULL;
}

void progress_start(struct cli *c)
{
	sigset_t all, old;

	if (bar.is_started || !c->err.is_tty || c->is_quiet)
		return;
	bar.c = c;
	bar.is_over = bar.is_shown = bar.is_paused = 0;
	memset(&bar.p, 0, sizeof bar.p);
	clock_gettime(CLOCK_MONOTONIC, &bar.begin);
	pthread_cond_init(&bar.wake, NULL);
	/* Signals are for the thread that runs the migrations. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	bar.is_started = pthread_create(&bar.thread, NULL, ticker, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void progress_update(struct cli *c, const struct dunlin_progress *p)
{
	(void)c;
	if (!bar.is_started)
		return;
	pthread_mutex_lock(&bar.lock);
	bar.p = *p;
	snprintf(bar.component, sizeof bar.component, "%s", p->component ? p->component : "");
	snprintf(bar.version, sizeof bar.version, "%s", p->version ? p->version : "");
	snprintf(bar.name, sizeof bar.name, "%s", p->name ? p->name : "");
	pthread_mutex_unlock(&bar.lock);
}

void progress_pause(struct cli *c)
{
	(void)c;
	if (!bar.is_started)
		return;
	pthread_mutex_lock(&bar.lock);
	bar.is_paused++;
	erase();
	pthread_mutex_unlock(&bar.lock);
}

void progress_go_on(struct cli *c)
{
	(void)c;
	if (!bar.is_started)
		return;
	pthread_mutex_lock(&bar.lock);
	bar.is_paused--;
	pthread_mutex_unlock(&bar.lock);
}

void progress_end(struct cli *c)
{
	(void)c;
	if (!bar.is_started)
		return;
	pthread_mutex_lock(&bar.lock);
	bar.is_over = 1;
	erase();
	pthread_cond_signal(&bar.wake);
	pthread_mutex_unlock(&bar.lock);
	pthread_join(bar.thread, NULL);
	pthread_cond_destroy(&bar.wake);
	bar.is_started = 0;
}
