/*
 * hooks.c - runs one command in a shell that knows no password of ours.
 *
 * A hook prints to standard error: standard output may be JSON for a program.
 * It reads nothing: what stands on standard input is not for it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "hooks.h"

#include "error.h"
#include "mem.h"
#include "config_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Does a variable hold a password?  var: "NAME=value". */
static int is_secret(const char *var)
{
	static const char *const names[] = {
		"PGPASSWORD", "POSTGRES_PASSWORD", "MYSQL_PWD", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD",
		"MARIADB_PASSWORD", "MARIADB_ROOT_PASSWORD",
	};
	static const char *const urls[] = { "DUNLIN_URL", "DATABASE_URL" };
	size_t n = strcspn(var, "=");

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == n && memcmp(names[i], var, n) == 0)
			return 1;
	for (size_t i = 0; i < 2; i++)
		if (strlen(urls[i]) == n && memcmp(urls[i], var, n) == 0 && var[n] == '=')
			return config_url_has_password(var + n + 1);
	return 0;
}

static int is_replaced(const char *var, const char *const *env)
{
	size_t n = strcspn(var, "=");

	for (; *env; env++)
		if (strncmp(*env, var, n) == 0 && (*env)[n] == '=')
			return 1;
	return 0;
}

/* The texts stay their owners'.  NULL: out of memory. */
static char **make_environment(const char *const *env)
{
	size_t n = 0, k = 0;
	char **out;

	for (char **e = environ; e && *e; e++)
		n++;
	for (const char *const *e = env; *e; e++)
		n++;
	out = mem_alloc((n + 1) * sizeof *out);
	if (!out)
		return NULL;
	for (char **e = environ; e && *e; e++)
		if (!is_secret(*e) && !is_replaced(*e, env))
			out[k++] = *e;
	for (const char *const *e = env; *e; e++)
		out[k++] = (char *)*e;
	out[k] = NULL;
	return out;
}

/* 0 or an errno. */
static int set_attributes(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files)
{
	sigset_t none, defaults;
	int e;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	sigaddset(&defaults, SIGCHLD);
	/* What the program blocks or ignores is its own affair. */
	if ((e = posix_spawnattr_setsigmask(attr, &none)) || (e = posix_spawnattr_setsigdefault(attr, &defaults)) ||
	    (e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) ||
	    (e = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) ||
	    (e = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO)))
		return e;
	return 0;
}

static int spawn(pid_t *pid, const char *command, char **env)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char *)command, NULL };
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
	e = set_attributes(&attr, &files);
	if (!e)
		e = posix_spawn(pid, "/bin/sh", &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e;
}

/* Waits for the shell; *status is waitpid()'s.  0 or an errno. */
static int wait_for(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, 0);
	while (got < 0 && errno == EINTR);
	return got < 0 ? errno : 0;
}

int hook_run(const char *name, const char *command, const char *const *env, struct dunlin_error *err)
{
	char **environment = make_environment(env);
	int status = 0, e;
	pid_t pid;

	if (!environment)
		return error_nomem(err);
	e = spawn(&pid, command, environment);
	mem_free(environment);
	if (e)
		return error_set(err, DUNLIN_EXIT_FAILED, DUNLIN_CLASS_UNKNOWN, "hook '%s' cannot be run: %s", name, strerror(e));
	e = wait_for(pid, &status);
	if (e) /* a program that ignores SIGCHLD never learns it */
		return error_set(err, DUNLIN_EXIT_FAILED, DUNLIN_CLASS_UNKNOWN,
		                 "how hook '%s' ended cannot be known: %s", name, strerror(e));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		error_set(err, DUNLIN_EXIT_FAILED, DUNLIN_CLASS_UNKNOWN, "hook '%s' failed with exit status %d", name,
		          WEXITSTATUS(status));
	else
		error_set(err, DUNLIN_EXIT_FAILED, DUNLIN_CLASS_UNKNOWN, "hook '%s' was ended by signal %d", name,
		          WTERMSIG(status));
	error_hint(err, "What it printed stands above; its command is '%s' in the section [hooks] of the configuration.", name);
	return -1;
}
