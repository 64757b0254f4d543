/*
 * command.c - one program with pipes at its ends, and a clock beside it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "command.h"

#include "buf.h"
#include "error.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { TICK_MS = 50 };

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A group of its own, so that what the program starts ends with it.  0 or an errno. */
static int set_attributes(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files, const int pipe_out[2],
                          const int pipe_err[2])
{
	sigset_t none, defaults;
	int e;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGCHLD);
	if ((e = posix_spawnattr_setsigmask(attr, &none)) || (e = posix_spawnattr_setsigdefault(attr, &defaults)) ||
	    (e = posix_spawnattr_setpgroup(attr, 0)) ||
	    (e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)) ||
	    (e = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) ||
	    (e = posix_spawn_file_actions_adddup2(files, pipe_out[1], STDOUT_FILENO)) ||
	    (e = posix_spawn_file_actions_adddup2(files, pipe_err[1], STDERR_FILENO)))
		return e;
	return 0;
}

/* 0 or an errno. */
static int spawn(pid_t *pid, const char *const *argv, const int pipe_out[2], const int pipe_err[2])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int e = posix_spawn_file_actions_init(&files);

	if (e) /* uncovered: out of memory in libc, here and below */
		return e;
	e = posix_spawnattr_init(&attr);
	if (e) {
		posix_spawn_file_actions_destroy(&files);
		return e;
	}
	e = set_attributes(&attr, &files, pipe_out, pipe_err);
	if (!e)
		e = posix_spawnp(pid, argv[0], &files, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Is there still time?  -1: no, and the error says so. */
static int check_time(const char *name, const struct command_limits *limits, int64_t end, struct dunlin_error *err)
{
	if (limits->should_stop && limits->should_stop(limits->arg))
		return error_set(err, DUNLIN_EXIT_STOPPED, DUNLIN_CLASS_INTERRUPTED, "interrupted while waiting for the program '%s'",
		                 name);
	if (clock_ms() >= end)
		return error_set(err, DUNLIN_EXIT_TIMEOUT, DUNLIN_CLASS_TIMEOUT, "the program '%s' did not answer within %lld ms", name,
		                 (long long)limits->ms);
	return 0;
}

/* Takes what is there.  0, or -1 with the error set. */
static int take(const char *name, int *fd, struct buf *b, int is_needed, struct dunlin_error *err)
{
	char text[16384];
	ssize_t n = read(*fd, text, sizeof text);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0
			: error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_UNKNOWN, "what the program '%s' says cannot be read: %s", name,
			            strerror(errno));
	if (n == 0) {
		close_fd(fd);
		return 0;
	}
	if (buf_add(b, text, (size_t)n) < 0 && is_needed)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the program '%s' says more than can be taken in", name);
	return 0;
}

static int listen_to(const char *name, const struct command_limits *limits, int64_t end, int *out_fd, int *err_fd,
                     struct buf *out, struct buf *errors, struct dunlin_error *err)
{
	while (*out_fd >= 0 || *err_fd >= 0) {
		struct pollfd fds[] = { { .fd = *out_fd, .events = POLLIN }, { .fd = *err_fd, .events = POLLIN } };

		if (check_time(name, limits, end, err) < 0)
			return -1;
		if (poll(fds, 2, TICK_MS) <= 0)
			continue;
		if (fds[0].revents && take(name, out_fd, out, 1, err) < 0)
			return -1;
		if (fds[1].revents && take(name, err_fd, errors, 0, err) < 0)
			return -1;
	}
	return 0;
}

/* Its streams are closed, so its end is near. */
static int wait_for(const char *name, const struct command_limits *limits, int64_t end, pid_t pid, int *status,
                    struct dunlin_error *err)
{
	const struct timespec little = { .tv_nsec = 2000000 };
	int raw = 0;

	for (;;) {
		pid_t got = waitpid(pid, &raw, WNOHANG);

		if (got == pid)
			break;
		if (got < 0 && errno != EINTR) {
			/* A program that ignores SIGCHLD never learns it: its answer counts. */
			*status = 0;
			return 0;
		}
		if (check_time(name, limits, end, err) < 0)
			return -1;
		nanosleep(&little, NULL);
	}
	*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
	return 0;
}

int command_run(const char *const *argv, const struct command_limits *limits, struct buf *out, struct buf *errors,
                int *status, struct dunlin_error *err)
{
	int64_t end = clock_ms() + limits->ms;
	int pipe_out[2] = { -1, -1 }, pipe_err[2] = { -1, -1 }, rc = COMMAND_FAILED, e;
	pid_t pid = -1;

	*status = -1;
	if (pipe2(pipe_out, O_CLOEXEC) < 0 || pipe2(pipe_err, O_CLOEXEC) < 0) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_UNKNOWN, "the program '%s' cannot be run: %s", argv[0], strerror(errno));
		goto out;
	}
	e = spawn(&pid, argv, pipe_out, pipe_err);
	if (e == ENOENT || e == EACCES || e == ENOTDIR) {
		rc = COMMAND_ABSENT;
		goto out;
	}
	if (e) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_UNKNOWN, "the program '%s' cannot be run: %s", argv[0], strerror(e));
		goto out;
	}
	close_fd(&pipe_out[1]);
	close_fd(&pipe_err[1]);
	if (listen_to(argv[0], limits, end, &pipe_out[0], &pipe_err[0], out, errors, err) < 0 ||
	    wait_for(argv[0], limits, end, pid, status, err) < 0) {
		kill(-pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		goto out;
	}
	rc = COMMAND_RAN;
out:
	close_fd(&pipe_out[0]);
	close_fd(&pipe_out[1]);
	close_fd(&pipe_err[0]);
	close_fd(&pipe_err[1]);
	return rc;
}
