/*
 * group_lock.c - the lock of a run: one holder, who can be seen, and from whom
 * it goes whatever becomes of him.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "dunlin check.\"odd\" key"

static int take(struct conn *c, const char *key)
{
	return c->s->drv->lock(c->c, key, "checker@here", conn_err(c));
}

static void must_take(struct conn *c, const char *key)
{
	char text[STATUS_TEXT_SIZE];
	int rc = take(c, key);

	expect(c->s, rc == DUNLIN_OK, "lock: %s", status_text(c, rc, text));
}

/* A session's end may take a moment to be known. */
static void must_take_soon(struct conn *c, const char *key)
{
	int64_t end = host_now_ms() + 5000;
	char text[STATUS_TEXT_SIZE];
	int rc;

	while ((rc = take(c, key)) == DUNLIN_EBUSY && host_now_ms() < end)
		host_sleep_ms(20);
	expect(c->s, rc == DUNLIN_OK, "lock: %s", status_text(c, rc, text));
}

static void must_drop(struct conn *c, const char *key)
{
	expect(c->s, c->s->drv->unlock(c->c, key, conn_err(c)) == DUNLIN_OK, "unlock: %.300s", c->err.message);
}

static void one_has_it(struct suite *s)
{
	struct conn a, b;
	int64_t start;
	int rc;

	if (conn_open(s, &a) < 0)
		return;
	if (conn_open(s, &b) == 0) {
		must_take(&a, KEY);
		start = host_now_ms();
		rc = take(&b, KEY);
		expect(s, rc == DUNLIN_EBUSY, "a second one gets %d, not EBUSY", rc);
		expect(s, host_now_ms() - start < 1500, "a try takes %lld ms: it must not wait", (long long)(host_now_ms() - start));
		must_drop(&a, KEY);
		must_take_soon(&b, KEY);
		must_drop(&b, KEY);
		expect(s, s->drv->unlock(b.c, KEY, conn_err(&b)) != DUNLIN_OK, "unlock of what is not held says OK");
	}
	conn_close(&b);
	conn_close(&a);
}

static void others_see_it(struct suite *s)
{
	char holder[300] = "", since[64] = "";
	struct conn a, b;
	int32_t held = -1;

	if (!s->drv->lock_info || conn_open(s, &a) < 0)
		return;
	if (conn_open(s, &b) == 0) {
		s->drv->lock_info(b.c, KEY, &held, holder, sizeof holder, since, sizeof since, conn_err(&b));
		expect(s, held == 0, "held is %d before anybody took it", (int)held);
		must_take(&a, KEY);
		expect(s, s->drv->lock_info(b.c, KEY, &held, holder, sizeof holder, since, sizeof since, conn_err(&b)) == DUNLIN_OK,
		       "lock_info: %.300s", b.err.message);
		expect(s, held == 1, "held is %d while somebody has it", (int)held);
		expect(s, !since[0] || (strlen(since) >= 20 && since[10] == 'T'), "since is '%s'", since);
		expect(s, take(&b, KEY) == DUNLIN_EBUSY, "lock_info has taken it");
		must_drop(&a, KEY);
	}
	conn_close(&b);
	conn_close(&a);
}

static void it_goes_with_close(struct suite *s)
{
	struct conn a, b;

	if (conn_open(s, &a) < 0)
		return;
	must_take(&a, KEY);
	conn_close(&a);
	if (conn_open(s, &b) == 0) {
		must_take_soon(&b, KEY);
		must_drop(&b, KEY);
	}
	conn_close(&b);
}

/* In a process of its own, which connects by itself: client libraries do not
 * like to be forked. */
static pid_t holder(struct suite *s, int *ready)
{
	struct conn c;
	int pipe_fd[2];
	pid_t pid;

	if (pipe(pipe_fd) < 0)
		return -1;
	fflush(s->out);
	pid = fork();
	if (pid == 0) {
		char yes = 'n';

		close(pipe_fd[0]);
		if (conn_open(s, &c) == 0 && take(&c, KEY) == DUNLIN_OK)
			yes = 'y';
		if (write(pipe_fd[1], &yes, 1) == 1)
			pause();
		_exit(1);
	}
	close(pipe_fd[1]);
	*ready = pipe_fd[0];
	return pid;
}

static void it_goes_with_its_holder(struct suite *s)
{
	char yes = 'n';
	struct conn c;
	int ready;
	pid_t pid = holder(s, &ready);

	if (!expect(s, pid > 0, "cannot fork"))
		return;
	expect(s, read(ready, &yes, 1) == 1 && yes == 'y', "the other process did not get it");
	if (conn_open(s, &c) == 0) {
		expect(s, take(&c, KEY) == DUNLIN_EBUSY, "two processes have it");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = 0;
		must_take_soon(&c, KEY);
		must_drop(&c, KEY);
	}
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(ready);
	conn_close(&c);
}

static void it_survives(struct suite *s)
{
	struct conn a, b;
	const char *t;

	if (conn_open(s, &a) < 0)
		return;
	if (conn_open(s, &b) == 0) {
		t = make_table(&a);
		must_take(&a, KEY);
		conn_run(&a, "INSERT INTO dunlin_no_such_table (id) VALUES (1)");
		expect(s, take(&b, KEY) == DUNLIN_EBUSY, "a failed statement lets go of it");
		must_run(&a, "INSERT INTO %s (id) VALUES (1)", t);
		if (can(s, DUNLIN_CAP_TX)) {
			expect(s, s->drv->begin(a.c, NULL, conn_err(&a)) == DUNLIN_OK, "begin: %.300s", a.err.message);
			must_run(&a, "INSERT INTO %s (id) VALUES (2)", t);
			expect(s, s->drv->rollback(a.c, conn_err(&a)) == DUNLIN_OK, "rollback: %.300s", a.err.message);
			expect(s, take(&b, KEY) == DUNLIN_EBUSY, "a rollback lets go of it");
		}
		if (can(s, DUNLIN_CAP_RESET_SESSION)) {
			expect(s, s->drv->reset_session(a.c, conn_err(&a)) == DUNLIN_OK, "reset_session: %.300s", a.err.message);
			expect(s, take(&b, KEY) == DUNLIN_EBUSY, "reset_session lets go of it");
		}
		must_drop(&a, KEY);
	}
	conn_close(&b);
	conn_close(&a);
}

static void keys_are_independent(struct suite *s)
{
	struct conn a, b;

	if (conn_open(s, &a) < 0)
		return;
	if (conn_open(s, &b) == 0) {
		must_take(&a, "dunlin_check.one");
		must_take(&b, "dunlin_check.two");
		must_drop(&b, "dunlin_check.two");
		must_drop(&a, "dunlin_check.one");
	}
	conn_close(&b);
	conn_close(&a);
}

static void lock(struct suite *s)
{
	if (!can(s, DUNLIN_CAP_LOCK)) {
		without(s, "it has no lock");
		return;
	}
	check(s, "one has it, and a try never waits", one_has_it);
	check(s, "others see that it is held", others_see_it);
	check(s, "it goes with its connection", it_goes_with_close);
	check(s, "it goes with its holder, killed", it_goes_with_its_holder);
	check(s, "it survives failures, rollbacks and a reset of the session", it_survives);
	if (!(s->drv->flags & DUNLIN_DRIVER_FILE)) /* a file has one lock for all */
		check(s, "keys are independent", keys_are_independent);
}
const struct group group_lock = { "lock", lock };
