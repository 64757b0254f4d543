/*
 * test_sqlite_lock.c - the SQLite driver among other processes: the lock of a
 * run, writers and readers in its way.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <sched.h>

#include "sqlite_fixture.h"

/* --- locks ---------------------------------------------------------------------- */

static void only_one_process_holds_the_lock_and_the_others_see_who(void)
{
	struct helper h;
	char holder[200], since[40], text[64];
	int32_t held;

	enter();
	MUST(drv->lock_info(c, "k", &held, holder, sizeof holder, since, sizeof since, &err));
	TAP_EQ_INT(held, 0);
	h = start_helper("lock", "t.db", "ann@host");
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_EBUSY);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_INT(err.is_retryable, 1);
	snprintf(text, sizeof text, "ann@host, process %ld", (long)h.pid);
	if (!TAP_OK(strstr(err.message, text) != NULL))
		tap_note("%s", err.message);
	MUST(drv->lock_info(c, "k", &held, holder, sizeof holder, since, sizeof since, &err));
	TAP_EQ_INT(held, 1);
	TAP_EQ_STR(holder, "ann@host");
	TAP_EQ_INT(strlen(since), 20);
	TAP_EQ_INT(end_helper(h), 0);
	MUST(drv->lock(c, "k", "me", &err));
	MUST(drv->lock_info(c, "k", &held, holder, sizeof holder, since, sizeof since, &err));
	TAP_EQ_STR(holder, "me");
	MUST(drv->unlock(c, "k", &err));
	TAP_EQ_INT(access("t.db-dunlin.lock", F_OK), -1);
	TAP_EQ_INT(drv->unlock(c, "k", &err), DUNLIN_ERROR);
	leave();
}

static void kill_minus_nine_frees_the_lock(void)
{
	struct helper h;

	enter();
	h = start_helper("lock", "t.db", "bob@host");
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_EBUSY);
	kill_helper(h);
	TAP_EQ_INT(access("t.db-dunlin.lock", F_OK), 0); /* left behind, and no obstacle */
	MUST(drv->lock(c, "k", "me", &err));
	MUST(drv->unlock(c, "k", &err));
	leave();
}

static void close_frees_the_lock_and_rolls_back(void)
{
	struct dunlin_conn *other;

	enter();
	MUST(drv->lock(c, "k", "me", &err));
	MUST(exec(c, DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (1, 1)"));
	other = open_db("t.db");
	TAP_EQ_INT(drv->lock(other, "k", "you", &err), DUNLIN_EBUSY);
	drv->close(c);
	c = other;
	MUST(drv->lock(c, "k", "you", &err));
	TAP_EQ_STR(ask(c, "SELECT count(*) FROM ledger"), "0");
	leave();
}

static void a_writer_that_is_not_dunlin_is_named(void)
{
	struct helper h;
	char text[64];
	int64_t start = now_ms();

	enter();
	h = start_helper("hold", "t.db", "BEGIN IMMEDIATE");
	snprintf(text, sizeof text, "the database is locked by process %ld (", (long)h.pid);
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_EBUSY);
	if (access("/proc/locks", R_OK) == 0 && !TAP_OK(strncmp(err.message, text, strlen(text)) == 0))
		tap_note("%s", err.message);
	TAP_OK(now_ms() - start < 1500); /* one try, no waiting */
	/* and the sidecar was let go of */
	TAP_EQ_INT(access("t.db-dunlin.lock", F_OK), -1);
	TAP_EQ_INT(end_helper(h), 0);
	MUST(drv->lock(c, "k", "me", &err));
	leave();
}

static int count_blockers(void *arg, const struct dunlin_blocker *b)
{
	*(int64_t *)arg = b->pid;
	return 0;
}

static void a_writer_in_wal_mode_is_named_too(void)
{
	struct helper reader, h;
	int64_t pid = 0;

	enter();
	if (access("/proc/locks", R_OK) != 0) {
		leave();
		tap_skip("no /proc/locks here");
		return;
	}
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "PRAGMA journal_mode = wal"));
	reader = start_helper("hold", "t.db", "BEGIN; SELECT * FROM ledger");
	MUST(drv->blockers(c, count_blockers, &pid, &err));
	TAP_EQ_INT(pid, 0); /* readers are in nobody's way */
	h = start_helper("hold", "t.db", "BEGIN IMMEDIATE; INSERT INTO ledger VALUES (1, 1)");
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_EBUSY);
	MUST(drv->blockers(c, count_blockers, &pid, &err));
	TAP_EQ_INT(pid, h.pid);
	TAP_EQ_INT(end_helper(h), 0);
	TAP_EQ_INT(end_helper(reader), 0);
	leave();
}

static void a_replaced_file_is_noticed_when_locking(void)
{
	enter();
	unlink("t.db");
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONNECTION);
	{
		struct dunlin_conn *other = open_db("t.db");

		MUST(exec(other, DUNLIN_STEP_LEDGER, "CREATE TABLE newer (a)"));
		drv->close(other);
	}
	MUST(drv->lock(c, "k", "me", &err));
	TAP_EQ_STR(ask(c, "SELECT group_concat(name) FROM sqlite_master"), "newer");
	leave();
}

static void a_link_in_place_of_the_lock_file_is_refused(void)
{
	enter();
	tree_write("victim", "text");
	TAP_EQ_INT(symlink("victim", "t.db-dunlin.lock"), 0);
	TAP_EQ_INT(drv->lock(c, "k", "me", &err), DUNLIN_ERROR);
	leave();
}

/* Ten processes on a file that is not there yet: each applies what is missing. */
static void ten_processes_apply_each_migration_once(void)
{
	static const char *const modes[] = { "delete", "wal" };
	struct helper h[10];
	size_t i, m;

	for (m = 0; m < 2; m++) {
		tree_enter();
		for (i = 0; i < 10; i++)
			h[i] = start_helper("up", "fresh.db", modes[m]);
		for (i = 0; i < 10; i++)
			close(h[i].in);
		for (i = 0; i < 10; i++) {
			int status;

			waitpid(h[i].pid, &status, 0);
			TAP_EQ_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
		}
		TAP_EQ_STR(peek("fresh.db", "SELECT count(*) FROM ledger"), "20");
		TAP_EQ_STR(peek("fresh.db", "SELECT count(*) FROM sqlite_master WHERE name LIKE 't%'"), "20");
		TAP_EQ_STR(peek("fresh.db", "PRAGMA journal_mode"), modes[m]);
		tree_leave();
	}
}

/* Between groups only the sidecar keeps the others out; it comes and goes, and
 * each time somebody waits at the name of a file that is gone. */
static void the_lock_holds_where_no_transaction_is_open(void)
{
	struct helper h[6];
	size_t i;

	enter();
	for (i = 0; i < 6; i++)
		h[i] = start_helper("alone", "t.db", "");
	for (i = 0; i < 6; i++)
		close(h[i].in);
	for (i = 0; i < 6; i++) {
		int status;

		waitpid(h[i].pid, &status, 0);
		TAP_EQ_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
	}
	leave();
}

/* --- busy ------------------------------------------------------------------------- */

static void a_reader_that_goes_in_time_only_delays_the_commit(void)
{
	struct helper h;
	int64_t start;

	enter();
	h = start_helper("hold", "t.db", "for:300 BEGIN; SELECT * FROM ledger");
	start = now_ms();
	migration("CREATE TABLE a (x)", "PRAGMA busy_timeout = 1", NULL); /* not the file's to say */
	MUST(run(c));
	TAP_EQ_INT(res.n_durable, 6);
	TAP_OK(now_ms() - start >= 200);
	TAP_EQ_INT(end_helper(h), 0);
	leave();
}

static void a_reader_that_stays_ends_in_lock_and_nothing_applied(void)
{
	struct helper h;
	int64_t start;
	char text[64];

	enter();
	h = start_helper("hold", "t.db", "BEGIN; SELECT * FROM ledger");
	add(DUNLIN_STEP_BEGIN, NULL)->lock_timeout_ms = 200;
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x)");
	add(DUNLIN_STEP_COMMIT, NULL);
	start = now_ms();
	TAP_EQ_INT(run(c), DUNLIN_EBUSY);
	TAP_OK(now_ms() - start >= 150);
	TAP_OK(now_ms() - start < 1500);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_LOCK);
	TAP_EQ_INT(err.is_retryable, 1);
	snprintf(text, sizeof text, "locked by process %ld (", (long)h.pid);
	if (access("/proc/locks", R_OK) == 0 && !TAP_OK(strncmp(err.detail, text, strlen(text)) == 0))
		tap_note("%s", err.detail);
	TAP_EQ_INT(res.n_done, 2);
	TAP_EQ_INT(res.n_durable, 0);
	TAP_EQ_INT(res.is_unknown, 0);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	TAP_EQ_INT(end_helper(h), 0);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM sqlite_master WHERE name = 'a'"), "0");
	migration("CREATE TABLE a (x)", NULL, NULL); /* as the core tries again */
	MUST(run(c));
	leave();
}

static void a_reader_delays_a_big_migration_once_and_not_at_each_page(void)
{
	struct helper h;
	int64_t start;

	enter();
	h = start_helper("hold", "t.db", "BEGIN; SELECT * FROM ledger");
	add(DUNLIN_STEP_BEGIN, NULL)->lock_timeout_ms = 300;
	add(DUNLIN_STEP_STATEMENT, "PRAGMA cache_size = 10");
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE big (x)");
	add(DUNLIN_STEP_STATEMENT, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
	                           " INSERT INTO big SELECT zeroblob(2000) FROM n");
	add(DUNLIN_STEP_COMMIT, NULL);
	start = now_ms();
	TAP_EQ_INT(run(c), DUNLIN_EBUSY);
	TAP_OK(now_ms() - start < 3000);
	TAP_EQ_INT(end_helper(h), 0);
	leave();
}

static void a_writer_delays_begin_no_longer_than_the_lock_timeout(void)
{
	struct helper h;
	int64_t start;

	enter();
	h = start_helper("hold", "t.db", "BEGIN IMMEDIATE");
	migration("CREATE TABLE a (x)", NULL, NULL);
	step[0].lock_timeout_ms = 150;
	start = now_ms();
	TAP_EQ_INT(run(c), DUNLIN_EBUSY);
	TAP_OK(now_ms() - start >= 100);
	TAP_OK(now_ms() - start < 1200);
	TAP_EQ_INT(res.n_done, 0);
	must_stop = 1; /* a stop ends the wait at once */
	migration("CREATE TABLE a (x)", NULL, NULL);
	start = now_ms();
	TAP_EQ_INT(run(c), DUNLIN_ECANCELLED);
	TAP_OK(now_ms() - start < 100);
	must_stop = 0;
	/* a lone statement and a query have their own time */
	add(DUNLIN_STEP_STATEMENT, "CREATE TABLE a (x)")->lock_timeout_ms = 100;
	TAP_EQ_INT(run(c), DUNLIN_EBUSY);
	TAP_EQ_INT(end_helper(h), 0);
	leave();
}

static void busy_at_the_commit_of_earlier_bookkeeping_keeps_it(void)
{
	struct helper h;

	tree_enter();
	MUST(try_open(&c, "t.db", "create", "1", "lock_timeout_ms", "150", NULL));
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
	MUST(drv->lock(c, "k", "me", &err));
	MUST(exec(c, DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (1, 1)"));
	h = start_helper("hold", "t.db", "BEGIN; SELECT * FROM ledger");
	migration("CREATE TABLE a (x)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_EBUSY);
	TAP_EQ_INT(res.n_done, 0);
	TAP_EQ_INT(end_helper(h), 0);
	migration("CREATE TABLE a (x)", NULL, NULL);
	MUST(run(c));
	MUST(drv->unlock(c, "k", &err));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "2");
	leave();
}

/* --- helpers --------------------------------------------------------------------- */

static int helper_lock(const char *path, const char *holder)
{
	c = open_db(path);
	if (drv->lock(c, "k", holder, &err) != DUNLIN_OK)
		return 6;
	helper_ready();
	if (drv->unlock(c, "k", &err) != DUNLIN_OK)
		return 7;
	drv->close(c);
	return 0;
}

static int complain(const char *what)
{
	fprintf(stderr, "# %s: %s (%s)\n", what, err.message, err.detail);
	return 8;
}

/* What `dunlin up` does: waits for the lock, reads, applies what is missing. */
static int helper_up(const char *path, const char *journal_mode)
{
	char sql[20][64];
	int i, first, status, tries = 0;

	helper_ready();
	if (try_open(&c, path, "create", "1", "journal_mode", journal_mode, NULL) != DUNLIN_OK)
		return complain("open");
	while ((status = drv->lock(c, "k", "up", &err)) == DUNLIN_EBUSY && tries++ < 3000)
		sleep_ms(5 + getpid() % 7);
	if (status != DUNLIN_OK)
		return complain("lock");
	if (exec(c, DUNLIN_STEP_LEDGER, "CREATE TABLE IF NOT EXISTS ledger (version INTEGER, ms INTEGER)") != DUNLIN_OK)
		return complain("ledger");
	first = (int)strtol(ask(c, "SELECT count(*) FROM ledger"), NULL, 10);
	for (i = first; i < 20; i++) {
		snprintf(sql[i], sizeof sql[i], "CREATE TABLE t%d (a)", i);
		migration(sql[i], NULL, NULL);
		if (i % 5 == 4 && run(c) != DUNLIN_OK) /* a window */
			return complain("run");
	}
	if (drv->unlock(c, "k", &err) != DUNLIN_OK)
		return complain("unlock");
	drv->close(c);
	return 0;
}

/* Takes the lock again and again and looks whether it is alone. */
static int helper_alone(const char *path)
{
	int i, fd, status;

	helper_ready();
	c = open_db(path);
	for (i = 0; i < 300; i++) {
		while ((status = drv->lock(c, "k", "alone", &err)) == DUNLIN_EBUSY)
			sched_yield();
		if (status != DUNLIN_OK)
			return complain("lock");
		if (run(c) != DUNLIN_OK) /* no steps: ends the group */
			return complain("run");
		fd = open("marker", O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return 9;
		close(fd);
		sched_yield();
		unlink("marker");
		if (drv->unlock(c, "k", &err) != DUNLIN_OK)
			return complain("unlock");
	}
	drv->close(c);
	return 0;
}

static int helper_main(const char *what, const char *a, const char *b)
{
	fixture_start();
	if (strcmp(what, "hold") == 0)
		return helper_hold(a, b);
	if (strcmp(what, "lock") == 0)
		return helper_lock(a, b);
	if (strcmp(what, "up") == 0)
		return helper_up(a, b);
	return helper_alone(a);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "only one process holds the lock and the others see who",
		  only_one_process_holds_the_lock_and_the_others_see_who },
		{ "kill -9 frees the lock", kill_minus_nine_frees_the_lock },
		{ "close frees the lock and rolls back", close_frees_the_lock_and_rolls_back },
		{ "a writer that is not dunlin is named", a_writer_that_is_not_dunlin_is_named },
		{ "a writer in WAL mode is named too", a_writer_in_wal_mode_is_named_too },
		{ "a replaced file is noticed when locking", a_replaced_file_is_noticed_when_locking },
		{ "a link in place of the lock file is refused", a_link_in_place_of_the_lock_file_is_refused },
		{ "ten processes apply each migration once", ten_processes_apply_each_migration_once },
		{ "the lock holds where no transaction is open", the_lock_holds_where_no_transaction_is_open },
		{ "a reader that goes in time only delays the COMMIT", a_reader_that_goes_in_time_only_delays_the_commit },
		{ "a reader that stays ends in LOCK and nothing applied",
		  a_reader_that_stays_ends_in_lock_and_nothing_applied },
		{ "a reader delays a big migration once and not at each page",
		  a_reader_delays_a_big_migration_once_and_not_at_each_page },
		{ "a writer delays BEGIN no longer than the lock timeout",
		  a_writer_delays_begin_no_longer_than_the_lock_timeout },
		{ "busy at the COMMIT of earlier bookkeeping keeps it", busy_at_the_commit_of_earlier_bookkeeping_keeps_it },
	};

	if (argc == 4)
		return helper_main(argv[1], argv[2], argv[3]);
	fixture_start();
	return tap_main("sqlite_lock", tests, sizeof tests / sizeof *tests);
}
