/*
 * test_sqlite_faults.c - the SQLite driver when it is stopped, when time, disk
 * or memory runs out, and that it never opens the file a second time.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pthread.h>
#include <sys/resource.h>

#include "sqlite_fixture.h"

/* --- stop, time, cancel -------------------------------------------------------------- */

static const char endless[] =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t SELECT count(*) FROM n";

static void a_statement_ends_at_its_timeout_and_those_before_stay(void)
{
	int64_t start = now_ms();

	enter();
	migration("CREATE TABLE t (a)", NULL, NULL);
	migration("INSERT INTO t VALUES (1)", endless, NULL);
	step[5].statement_timeout_ms = 150;
	TAP_EQ_INT(run(c), DUNLIN_ETIMEOUT);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_TIMEOUT);
	TAP_OK(now_ms() - start < 2000);
	TAP_EQ_INT(res.n_done, 7);
	TAP_EQ_INT(res.n_durable, 5);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "1");
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM t"), "0");
	leave();
}

static void the_deadline_of_the_command_ends_a_statement(void)
{
	enter();
	migration("CREATE TABLE t (a)", endless, NULL);
	time_left = 0;
	TAP_EQ_INT(run(c), DUNLIN_ETIMEOUT);
	TAP_EQ_STR(err.message, "the time for the whole command is over");
	leave();
}

static void *cancel_soon(void *arg)
{
	sleep_ms(100);
	drv->cancel(arg);
	return NULL;
}

static void cancel_from_another_thread_ends_a_statement(void)
{
	pthread_t t;

	enter();
	drv->cancel(c); /* before: means nothing for what comes after */
	migration("CREATE TABLE t (a)", NULL, NULL);
	MUST(run(c));
	migration("INSERT INTO t VALUES (5)", NULL, NULL);
	migration(endless, NULL, NULL);
	pthread_create(&t, NULL, cancel_soon, c);
	TAP_EQ_INT(run(c), DUNLIN_ECANCELLED);
	pthread_join(t, NULL);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_INTERRUPTED);
	TAP_EQ_INT(res.n_durable, 5);
	TAP_EQ_STR(ask(c, "SELECT group_concat(a) FROM t"), "5"); /* usable, and the one before stays */
	leave();
}

static void *stop_soon(void *arg)
{
	(void)arg;
	sleep_ms(100);
	must_stop = 1;
	return NULL;
}

static void a_stop_ends_the_running_statement(void)
{
	pthread_t t;

	enter();
	migration("CREATE TABLE t (a)", NULL, NULL);
	migration(endless, NULL, NULL);
	pthread_create(&t, NULL, stop_soon, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ECANCELLED);
	pthread_join(t, NULL);
	TAP_EQ_INT(res.n_done, 6);
	TAP_EQ_INT(res.n_durable, 5); /* saved although it is time to go */
	leave();
}

static void bookkeeping_is_written_although_a_stop_is_wanted(void)
{
	int i;

	enter();
	MUST(drv->lock(c, "k", "me", &err));
	must_stop = 1;
	migration("CREATE TABLE t (a)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ECANCELLED);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (99, 0)");
	MUST(run(c));
	MUST(exec(c, DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (100, 0)"));
	for (i = 0; i < 1000; i++) /* enough to meet the progress handler */
		add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (99, 0)");
	MUST(run(c));
	MUST(drv->unlock(c, "k", &err));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "1002");
	leave();
}

/* --- no room ---------------------------------------------------------------------------- */

#define BIG "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) " \
            "INSERT INTO t SELECT zeroblob(2000) FROM n"

static void a_full_database_undoes_one_migration(void)
{
	enter();
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE t (a)"));
	migration("CREATE TABLE one (a)", NULL, NULL);
	migration("CREATE TABLE two (a)", NULL, NULL);
	migration("PRAGMA max_page_count = 20", BIG, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.native, SQLITE_FULL);
	TAP_OK(strstr(err.hint, "Free space") != NULL);
	TAP_EQ_INT(res.n_done, 12);
	TAP_EQ_INT(res.n_durable, 10);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "2");
	TAP_EQ_STR(peek("t.db", "PRAGMA integrity_check"), "ok");
	migration(BIG, NULL, NULL);
	MUST(run(c));
	leave();
}

/* The file may not grow beyond this: write() fails with EFBIG, as ENOSPC does
 * on a full disk (SQLite gives SQLITE_IOERR for the one, SQLITE_FULL for the other). */
static void a_failing_write_undoes_what_did_not_fit(void)
{
	struct rlimit before, limit;
	int status;

	enter();
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE t (a)"));
	migration("CREATE TABLE one (a)", NULL, NULL);
	migration("CREATE TABLE two (a)", NULL, NULL);
	migration(BIG, NULL, NULL);
	migration("CREATE TABLE four (a)", NULL, NULL);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 100000;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	status = run(c);
	setrlimit(RLIMIT_FSIZE, &before);
	TAP_EQ_INT(status, DUNLIN_ERROR);
	tap_note("status %d, native %d, done %zu, durable %zu, unknown %d: %s", status, (int)err.native, res.n_done,
	         res.n_durable, (int)res.is_unknown, err.message);
	TAP_EQ_STR(peek("t.db", "PRAGMA integrity_check"), "ok");
	/* What it says is what the file says. */
	{
		char rows[24];

		snprintf(rows, sizeof rows, "%zu", res.n_durable / 5);
		if (!res.is_unknown)
			TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), rows);
	}
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM t"), "0");
	MUST(exec(c, DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (7, 7)")); /* works again */
	leave();
}

static void a_tiny_disk_keeps_what_was_durable(void)
{
	char path[64];
	struct dunlin_conn *small;
	int status;

	tree_enter();
	mkdir("disk", 0700);
	if (system("mount -t tmpfs -o size=200k tmpfs disk 2>/dev/null") != 0) {
		tree_leave();
		tap_skip("cannot mount a small tmpfs here");
		return;
	}
	snprintf(path, sizeof path, "disk/t.db");
	small = open_db(path);
	MUST(exec(small, DUNLIN_STEP_LEDGER, ledger));
	MUST(exec(small, DUNLIN_STEP_STATEMENT, "CREATE TABLE t (a)"));
	migration("CREATE TABLE one (a)", NULL, NULL);
	migration("CREATE TABLE two (a)", NULL, NULL);
	migration(BIG, NULL, NULL);
	migration("CREATE TABLE four (a)", NULL, NULL);
	status = run(small);
	tap_note("status %d, native %d, done %zu, durable %zu: %s", status, (int)err.native, res.n_done, res.n_durable,
	         err.message);
	TAP_EQ_INT(status, DUNLIN_ERROR);
	TAP_EQ_INT(err.native & 0xff, SQLITE_FULL);
	TAP_EQ_INT(res.is_unknown, 0);
	TAP_EQ_INT(res.n_durable, 10);
	TAP_EQ_STR(peek(path, "SELECT count(*) FROM ledger"), "2");
	TAP_EQ_STR(peek(path, "PRAGMA integrity_check"), "ok");
	migration("CREATE TABLE four (a)", NULL, NULL);
	MUST(run(small));
	drv->close(small);
	TAP_EQ_INT(system("umount disk"), 0);
	tree_leave();
}

/* --- the file is opened once ------------------------------------------------------------------ */

static int n_descriptors(const char *name)
{
	char path[64], target[4096];
	ssize_t len;
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof target - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		n += strlen(target) >= strlen(name) && strcmp(target + strlen(target) - strlen(name), name) == 0;
	}
	return n;
}

static int ignore_blocker(void *arg, const struct dunlin_blocker *b)
{
	(void)arg;
	(void)b;
	return 0;
}

static int seen_descriptors;

static int look_at_descriptors(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	(void)arg;
	(void)ncol;
	(void)v;
	(void)len;
	(void)type;
	seen_descriptors = n_descriptors("/t.db");
	return 0;
}

static int ignore_fact(void *arg, const char *fact, size_t len)
{
	(void)arg;
	(void)fact;
	(void)len;
	return 0;
}

static void the_file_is_never_opened_a_second_time(void)
{
	char holder[64], since[64];
	int32_t held;

	enter();
	if (n_descriptors("/t.db") == 0) {
		leave();
		tap_skip("no /proc/self/fd here");
		return;
	}
	TAP_EQ_INT(n_descriptors("/t.db"), 1);
	MUST(drv->lock(c, "k", "me", &err));
	drv->lock_info(c, "k", &held, holder, sizeof holder, since, sizeof since, &err);
	drv->blockers(c, ignore_blocker, NULL, &err);
	drv->snapshot(c, NULL, 0, ignore_fact, NULL, &err);
	MUST(drv->query(c, "SELECT 1", 8, NULL, 0, look_at_descriptors, NULL, &err));
	TAP_EQ_INT(seen_descriptors, 1);
	/* after a dirty session: closed, and opened anew */
	migration("CREATE TEMP TABLE x (a)", NULL, NULL);
	MUST(run(c));
	TAP_EQ_INT(n_descriptors("/t.db"), 1);
	/* Our lock still stands, which a second descriptor closed would have dropped. */
	MUST(drv->begin(c, NULL, &err));
	{
		struct helper h = start_helper("try", "t.db", "BEGIN IMMEDIATE");

		TAP_EQ_INT(end_helper(h), SQLITE_BUSY);
	}
	MUST(drv->rollback(c, &err));
	leave();
}

/* --- memory ------------------------------------------------------------------------------------- */

/* What the steps below have to leave: all or nothing of each migration. */
static void check_history(size_t durable)
{
	char rows[24];

	snprintf(rows, sizeof rows, "%zu", durable);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), rows);
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM sqlite_master WHERE name IN ('child', 'next')"), rows);
}

static void every_allocation_of_ours_may_fail(void)
{
	static const char *const ignore[] = { "ledger" };
	unsigned long n;
	char answer[64];
	int status, is_through = 0;

	for (n = 1; !is_through && n < 2000; n++) {
		tree_enter();
		c = open_db("t.db");
		MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
		MUST(exec(c, DUNLIN_STEP_LEDGER, "CREATE TABLE parent (id INTEGER PRIMARY KEY)"));
		drv->close(c);
		n_alloc = 0;
		fail_at = n;
		status = try_open(&c, "t.db", NULL);
		if (status == DUNLIN_OK)
			status = drv->lock(c, "k", "me", &err);
		if (status == DUNLIN_OK) {
			migration("CREATE TABLE child (id REFERENCES parent (id))", "INSERT INTO child VALUES (NULL)",
			          "CREATE TEMP TABLE scratch (a)");
			migration("CREATE TABLE next (id REFERENCES child (id))", "ALTER TABLE next RENAME TO last",
			          "ALTER TABLE last RENAME TO next");
			status = run(c);
			fail_at = status == DUNLIN_OK ? fail_at : 0;
			check_history(res.n_durable / 6);
		}
		if (status == DUNLIN_OK)
			status = drv->probe(c, "CREATE TABLE next (a)", 21, answer, sizeof answer, &err);
		if (status == DUNLIN_OK)
			status = drv->snapshot(c, ignore, 1, ignore_fact, NULL, &err);
		if (status == DUNLIN_OK)
			status = drv->unlock(c, "k", &err);
		is_through = n_alloc < n;
		fail_at = 0;
		if (status != DUNLIN_OK && status != DUNLIN_ENOMEM) {
			tap_note("allocation %lu: status %d: %s", n, status, err.message);
			TAP_EQ_INT(status, DUNLIN_ENOMEM);
		}
		drv->close(c);
		c = NULL;
		tree_leave();
		TAP_EQ_INT(n_live, 0);
	}
	TAP_OK(is_through);
	tap_note("%lu allocations", n - 2);
}

/* The same for what SQLite allocates itself, in samples. */

static sqlite3_mem_methods real_memory;
static unsigned long n_sqlite, fail_sqlite_at;

static void *failing_malloc(int n)
{
	n_sqlite++;
	return fail_sqlite_at && n_sqlite >= fail_sqlite_at && n_sqlite < fail_sqlite_at + 3 ? NULL : real_memory.xMalloc(n);
}

static void hook_sqlite_memory(void)
{
	sqlite3_mem_methods hooked;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
	hooked = real_memory;
	hooked.xMalloc = failing_malloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked);
}

static void every_allocation_of_sqlites_may_fail(void)
{
	unsigned long n, n_failed = 0;
	int status, is_through = 0;

	for (n = 1; !is_through && n < 100000; n += 1 + n / 30) {
		enter();
		MUST(exec(c, DUNLIN_STEP_LEDGER, "CREATE TABLE parent (id INTEGER PRIMARY KEY)"));
		migration("CREATE TABLE child (id REFERENCES parent (id))", "INSERT INTO child VALUES (NULL)",
		          "PRAGMA recursive_triggers = off");
		migration("CREATE TABLE next (id REFERENCES child (id))", "ALTER TABLE next RENAME TO last",
		          "ALTER TABLE last RENAME TO next");
		n_sqlite = 0;
		fail_sqlite_at = n;
		status = run(c);
		is_through = n_sqlite < n;
		fail_sqlite_at = 0;
		n_failed += status != DUNLIN_OK;
		if (status == DUNLIN_OK)
			TAP_EQ_INT(res.n_durable, 14);
		if (!res.is_unknown)
			check_history(res.n_durable / 7);
		if (status == DUNLIN_OK) /* and it can be used */
			TAP_EQ_STR(ask(c, "SELECT count(*) FROM main.ledger"), "2");
		else
			MUST(exec(c, DUNLIN_STEP_LEDGER, "DELETE FROM ledger"));
		leave();
	}
	TAP_OK(is_through);
	tap_note("%lu runs failed, up to allocation %lu", n_failed, n);
}

/* --- helpers --------------------------------------------------------------------- */

/* What the SQL answers to a stranger. */
static int helper_try(const char *path, const char *sql)
{
	sqlite3 *db;
	int rc;

	sqlite3_open(path, &db);
	rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	helper_ready();
	sqlite3_close(db);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "a statement ends at its timeout and those before stay",
		  a_statement_ends_at_its_timeout_and_those_before_stay },
		{ "the deadline of the command ends a statement", the_deadline_of_the_command_ends_a_statement },
		{ "cancel from another thread ends a statement", cancel_from_another_thread_ends_a_statement },
		{ "a stop ends the running statement", a_stop_ends_the_running_statement },
		{ "bookkeeping is written although a stop is wanted", bookkeeping_is_written_although_a_stop_is_wanted },
		{ "a full database undoes one migration", a_full_database_undoes_one_migration },
		{ "a failing write undoes what did not fit", a_failing_write_undoes_what_did_not_fit },
		{ "a tiny disk keeps what was durable", a_tiny_disk_keeps_what_was_durable },
		{ "the file is never opened a second time", the_file_is_never_opened_a_second_time },
		{ "every allocation of ours may fail", every_allocation_of_ours_may_fail },
		{ "every allocation of SQLite's may fail", every_allocation_of_sqlites_may_fail },
	};

	if (argc == 4)
		return helper_try(argv[2], argv[3]);
	hook_sqlite_memory();
	fixture_start();
	return tap_main("sqlite_faults", tests, sizeof tests / sizeof *tests);
}
