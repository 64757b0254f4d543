/*
 * test_hooks.c - a command that is run, what it is told, and what it is not.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "hooks.h"
#include "mem.h"
#include "tap.h"
#include "tree.h"

#include <signal.h>

static const char *const no_env[] = { NULL };

static const char *read_text(const char *path)
{
	static char text[8192];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}

static void a_hook_is_told_what_its_run_is(void)
{
	static const char *const env[] = { "DUNLIN_HOOK=before-up", "DUNLIN_BATCH=3", "DUNLIN_TEST_OWN=new", NULL };
	struct dunlin_error err;

	tree_enter();
	setenv("DUNLIN_TEST_OWN", "old", 1);
	setenv("DUNLIN_TEST_OTHER", "kept", 1);
	TAP_EQ_INT(hook_run("before-up", "echo \"$DUNLIN_HOOK $DUNLIN_BATCH $DUNLIN_TEST_OWN $DUNLIN_TEST_OTHER\" > out",
	                    env, &err), 0);
	TAP_EQ_STR(read_text("out"), "before-up 3 new kept\n");
	TAP_EQ_INT(hook_run("x", "tr '\\0' '\\n' < /proc/$$/environ | grep -c '^DUNLIN_TEST_OWN=' > out", env, &err), 0);
	TAP_EQ_STR(read_text("out"), "1\n");
	unsetenv("DUNLIN_TEST_OWN");
	unsetenv("DUNLIN_TEST_OTHER");
	tree_leave();
}

static void a_hook_learns_no_password(void)
{
	static const char *const secret[] = {
		"PGPASSWORD", "POSTGRES_PASSWORD", "MYSQL_PWD", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "MARIADB_PASSWORD",
		"MARIADB_ROOT_PASSWORD",
	};
	struct dunlin_error err;

	tree_enter();
	for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
		setenv(secret[i], "S3cret", 1);
	setenv("DUNLIN_URL", "postgresql://me:S3cret@db/app", 1);
	setenv("DATABASE_URL", "mariadb://me@db/app?password=S3cret", 1);
	TAP_EQ_INT(hook_run("x", "env > out", no_env, &err), 0);
	TAP_OK(strstr(read_text("out"), "PATH=") != NULL);
	TAP_OK(strstr(read_text("out"), "S3cret") == NULL);
	TAP_OK(strstr(read_text("out"), "DATABASE_URL") == NULL);
	setenv("DATABASE_URL", "sqlite:app.db", 1);
	TAP_EQ_INT(hook_run("x", "env > out", no_env, &err), 0);
	TAP_OK(strstr(read_text("out"), "DATABASE_URL=sqlite:app.db\n") != NULL);
	for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
		unsetenv(secret[i]);
	unsetenv("DUNLIN_URL");
	unsetenv("DATABASE_URL");
	tree_leave();
}

/* Runs with standard output and error in files. */
static void what_a_hook_prints_goes_to_standard_error(void)
{
	struct dunlin_error err;
	int out, other, saved_out, saved_err, rc;

	tree_enter();
	fflush(stdout);
	saved_out = dup(STDOUT_FILENO);
	saved_err = dup(STDERR_FILENO);
	out = open("out", O_WRONLY | O_CREAT, 0600);
	other = open("err", O_WRONLY | O_CREAT, 0600);
	dup2(out, STDOUT_FILENO);
	dup2(other, STDERR_FILENO);
	rc = hook_run("x", "echo to out; echo to err >&2; cat", no_env, &err);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(out);
	close(other);
	close(saved_out);
	close(saved_err);
	TAP_EQ_INT(rc, 0);
	TAP_EQ_STR(read_text("out"), "");
	TAP_EQ_STR(read_text("err"), "to out\nto err\n");
	tree_leave();
}

static void a_hook_that_fails_is_an_error(void)
{
	static const struct { const char *command, *message; } cases[] = {
		{ "exit 3", "hook 'after-up' failed with exit status 3" },
		{ "false", "hook 'after-up' failed with exit status 1" },
		{ "/nonexistent/program 2>/dev/null", "hook 'after-up' failed with exit status 127" },
		{ "kill -9 $$", "hook 'after-up' was ended by signal 9" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err;

		TAP_EQ_INT(hook_run("after-up", cases[i].command, no_env, &err), -1);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_FAILED);
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_EQ_STR(err.hint, "What it printed stands above; its command is 'after-up' in the section [hooks] of the configuration.");
	}
	TAP_EQ_INT(hook_run("after-up", "false", no_env, NULL), -1);
}

static void blocked_signals_reach_a_hook(void)
{
	struct dunlin_error err;
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	rc = hook_run("x", "kill -TERM $$; exit 0", no_env, &err);
	TAP_EQ_STR(err.message, "hook 'x' was ended by signal 15");
	TAP_EQ_INT(rc, -1);
	hook_run("x", "kill -PIPE $$; exit 0", no_env, &err);
	TAP_EQ_STR(err.message, "hook 'x' was ended by signal 13");
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void a_program_that_ignores_its_children_is_told_so(void)
{
	struct dunlin_error err;

	signal(SIGCHLD, SIG_IGN);
	TAP_EQ_INT(hook_run("x", "true", no_env, &err), -1);
	TAP_OK(strncmp(err.message, "how hook 'x' ended cannot be known: ", 36) == 0);
	signal(SIGCHLD, SIG_DFL);
}

static void a_failed_allocation_is_reported(void)
{
	struct dunlin_error err;

	mem_fail_at(1, 1);
	TAP_EQ_INT(hook_run("x", "true", no_env, &err), -1);
	mem_fail_at(0, 0);
	TAP_EQ_STR(err.message, "out of memory");
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a_hook_is_told_what_its_run_is", a_hook_is_told_what_its_run_is },
		{ "a_hook_learns_no_password", a_hook_learns_no_password },
		{ "what_a_hook_prints_goes_to_standard_error", what_a_hook_prints_goes_to_standard_error },
		{ "a_hook_that_fails_is_an_error", a_hook_that_fails_is_an_error },
		{ "blocked_signals_reach_a_hook", blocked_signals_reach_a_hook },
		{ "a_program_that_ignores_its_children_is_told_so", a_program_that_ignores_its_children_is_told_so },
		{ "a_failed_allocation_is_reported", a_failed_allocation_is_reported },
	};

	return tap_main("hooks", tests, sizeof tests / sizeof *tests);
}
