/*
 * test_sqlite_faults.c - the SQLite driver when something goes wrong around
 * it: other processes, locks, a full disk, foreign keys, kill -9, stop and time.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "sqlite_fixture.h"

static struct dunlin_conn *c;

static const char ledger[] = "CREATE TABLE ledger (version INTEGER, ms INTEGER)";

static void enter(void)
{
	tree_enter();
	c = open_db("t.db");
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
}

static void leave(void)
{
	drv->close(c);
	c = NULL;
	must_stop = 0;
	time_left = -1;
	tree_leave();
	TAP_EQ_INT(n_live, 0);
}

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
	migration("CREATE TABLE a (x)", NULL, NULL);
	MUST(run(c));
	TAP_EQ_INT(res.n_durable, 5);
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

static void bookkeeping_is_written_although_a_stop_is_wanted(void)
{
	enter();
	MUST(drv->lock(c, "k", "me", &err));
	must_stop = 1;
	migration("CREATE TABLE t (a)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ECANCELLED);
	add(DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (99, 0)");
	MUST(run(c));
	MUST(exec(c, DUNLIN_STEP_LEDGER, "INSERT INTO ledger VALUES (100, 0)"));
	MUST(drv->unlock(c, "k", &err));
	TAP_EQ_STR(peek("t.db", "SELECT group_concat(version) FROM ledger"), "99,100");
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

/* --- foreign keys ---------------------------------------------------------------------------- */

static void family(const char *rows)
{
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE parent (id INTEGER PRIMARY KEY, name)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE child (id INTEGER PRIMARY KEY,"
	                                    " parent REFERENCES parent (id) ON DELETE CASCADE)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, rows));
}

static void a_new_violation_fails_and_is_named(void)
{
	static const struct { const char *sql, *message; } cases[] = {
		{ "INSERT INTO child VALUES (9, 77)", "foreign key violated: row 9 of 'child' has no parent in 'parent'" },
		{ "DELETE FROM parent WHERE id = 1", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "UPDATE parent SET id = 3 WHERE id = 1", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "DROP TABLE parent", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "CREATE TABLE third (id INTEGER PRIMARY KEY, c REFERENCES child (id)); INSERT INTO third VALUES (1, 99)",
		  "foreign key violated: row 1 of 'third' has no parent in 'child'" },
		{ "CREATE TRIGGER g AFTER INSERT ON parent BEGIN DELETE FROM parent WHERE id = 1; END;"
		  " INSERT INTO parent VALUES (8, 'x')", "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "ALTER TABLE child ADD COLUMN other REFERENCES parent (id) DEFAULT 55",
		  "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "DELETE FROM child; INSERT INTO child VALUES (6, 66)",
		  "foreign key violated: row 6 of 'child' has no parent in 'parent'" },
		{ "CREATE TABLE p2 (id INTEGER PRIMARY KEY); DROP TABLE parent; ALTER TABLE p2 RENAME TO parent",
		  "foreign key violated: row 5 of 'child' has no parent in 'parent'" },
		{ "PRAGMA writable_schema = on; UPDATE sqlite_master SET sql = 'CREATE TABLE child (id INTEGER PRIMARY KEY,"
		  " parent REFERENCES child (id))' WHERE name = 'child'",
		  "foreign key violated: row 5 of 'child' has no parent in 'child'" },
	};
	static const char *const enforced[] = { "off", "on" };
	size_t i, e;

	for (e = 0; e < 2; e++) {
		for (i = 0; i < sizeof cases / sizeof *cases; i++) {
			/* CASCADE makes these right when enforced, or the statement itself fails */
			if (e == 1 && (i == 1 || i == 2 || i == 3 || i == 5 || i == 6 || i == 8))
				continue;
			tree_enter();
			MUST(try_open(&c, "t.db", "create", "1", "foreign_keys", enforced[e], NULL));
			MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
			family("INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (5, 1)");
			migration("CREATE TABLE fine (a)", "INSERT INTO parent VALUES (4, 'd')", "INSERT INTO child VALUES (7, 4)");
			migration(cases[i].sql, NULL, NULL);
			TAP_EQ_INT(run(c), DUNLIN_ERROR);
			TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
			if (e == 0 && !TAP_EQ_STR(err.message, cases[i].message))
				tap_note("%s", cases[i].sql);
			TAP_EQ_INT(res.n_durable, 6 + (e || 1));
			TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "1");
			TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "2");
			leave();
		}
	}
}

static void old_violations_stay_and_are_nobodys_fault(void)
{
	static const char *const cases[] = {
		"INSERT INTO child VALUES (9, 1)",
		"UPDATE child SET parent = parent",
		"DELETE FROM parent WHERE id = 2",
		"DELETE FROM child WHERE id = 6",
		"ALTER TABLE child RENAME TO offspring",
		"ALTER TABLE parent RENAME TO elder",
		"ALTER TABLE child ADD COLUMN note",
		"CREATE TABLE new (id INTEGER PRIMARY KEY, parent REFERENCES parent (id) ON DELETE CASCADE, extra);"
		" INSERT INTO new SELECT id, parent, 1 FROM child; DROP TABLE child; ALTER TABLE new RENAME TO child",
		"CREATE TABLE new (id INTEGER PRIMARY KEY, name, extra); INSERT INTO new SELECT id, name, 1 FROM parent;"
		" DROP TABLE parent; ALTER TABLE new RENAME TO parent",
		"PRAGMA legacy_alter_table = on; ALTER TABLE parent RENAME TO old; CREATE TABLE parent (id INTEGER PRIMARY KEY,"
		" name); INSERT INTO parent SELECT * FROM old; DROP TABLE old",
		/* other rowids: only the number can be compared */
		"CREATE TABLE new (pk, parent REFERENCES parent (id)); INSERT INTO new SELECT id, parent FROM child ORDER BY id DESC;"
		" DROP TABLE child; ALTER TABLE new RENAME TO child",
		"PRAGMA writable_schema = on; UPDATE sqlite_master SET sql = sql || ' ' WHERE name = 'child'",
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		enter();
		family("INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (5, 1), (6, 60), (7, 70)");
		migration("CREATE TABLE fine (a)", NULL, NULL);
		migration(cases[i], NULL, NULL);
		if (!TAP_EQ_INT(run(c), DUNLIN_OK))
			tap_note("%s: %s", cases[i], err.message);
		TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM ledger"), "2");
		leave();
	}
}

static void a_violation_among_old_ones_is_found(void)
{
	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1), (6, 60)");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name); DROP TABLE parent; ALTER TABLE new RENAME TO parent", NULL,
	          NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "foreign key violated: row 5 of 'child' has no parent in 'parent'");
	/* one repaired, one new: still new */
	migration("DELETE FROM child WHERE id = 6", "INSERT INTO child VALUES (8, 80)", NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "foreign key violated: row 8 of 'child' has no parent in 'parent'");
	leave();
}

static void a_grandchild_is_looked_at_too(void)
{
	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE grandchild (id INTEGER PRIMARY KEY, c REFERENCES child (id))"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "INSERT INTO grandchild VALUES (3, 5)"));
	migration("UPDATE parent SET name = 'b'", "DELETE FROM child", NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_STR(err.message, "foreign key violated: row 3 of 'grandchild' has no parent in 'child'");
	leave();
}

static void a_violation_that_another_writer_made_between_groups_is_not_ours(void)
{
	enter();
	family("INSERT INTO parent VALUES (1, 'a')");
	migration("INSERT INTO child VALUES (5, 1)", NULL, NULL);
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "INSERT INTO child VALUES (6, 60) RETURNING id"), "6");
	migration("INSERT INTO child VALUES (7, 1)", NULL, NULL);
	MUST(run(c));
	leave();
}

static void keys_that_cannot_be_checked_are_told_and_not_refused(void)
{
	enter();
	migration("CREATE TABLE p (a)", "CREATE TABLE q (a REFERENCES p (a))", "INSERT INTO q VALUES (1)");
	MUST(run(c));
	TAP_OK(strstr(noticed, "the foreign keys of 'q' cannot be checked") != NULL);
	leave();
}

static void a_rebuild_does_not_cascade(void)
{
	tree_enter();
	MUST(try_open(&c, "t.db", "create", "1", NULL));
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name, more)", "INSERT INTO new SELECT id, name, 0 FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "1");
	leave();
}

/* A file may end by PRAGMA foreign_keys = ON, and an application may have it on. */
static void enforcement_reaches_no_migration_that_did_not_ask(void)
{
	sqlite3 *db;
	int is_on = 0;

	enter();
	family("INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (5, 1)");
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = off");
	migration("CREATE TABLE a (x)", NULL, NULL);
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = on");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name, more)", "INSERT INTO new SELECT id, name, 0 FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "1");
	drv->close(c);

	sqlite3_open("t.db", &db);
	sqlite3_exec(db, "PRAGMA foreign_keys = on", NULL, NULL, NULL);
	MUST(drv->adopt_handle(db, &ctl, &c, &err));
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name, more)", "INSERT INTO new SELECT id, name, 0 FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "1");
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &is_on);
	TAP_EQ_INT(is_on, 1);
	migration("boom", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	drv->close(c);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &is_on);
	TAP_EQ_INT(is_on, 1);
	sqlite3_close(db);

	/* With ?foreign_keys=on a leading line switches it off for its own file. */
	MUST(try_open(&c, "t.db", "foreign_keys", "on", NULL));
	add(DUNLIN_STEP_STATEMENT, "PRAGMA foreign_keys = off");
	migration("CREATE TABLE new (id INTEGER PRIMARY KEY, name)", "INSERT INTO new SELECT id, name FROM parent",
	          "DROP TABLE parent; ALTER TABLE new RENAME TO parent");
	migration("CREATE TABLE b (x)", "DELETE FROM parent", NULL);
	MUST(run(c));
	TAP_EQ_STR(peek("t.db", "SELECT count(*) FROM child"), "0"); /* the second cascades */
	leave();
}

static void a_deferred_key_fails_its_own_migration_when_enforced(void)
{
	tree_enter();
	MUST(try_open(&c, "t.db", "create", "1", "foreign_keys", "on", NULL));
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE p (id INTEGER PRIMARY KEY)"));
	MUST(exec(c, DUNLIN_STEP_STATEMENT, "CREATE TABLE q (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)"));
	migration("INSERT INTO q VALUES (1)", "INSERT INTO p VALUES (1)", NULL);
	migration("INSERT INTO q VALUES (2)", NULL, NULL);
	migration("INSERT INTO p VALUES (2)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_INT(res.n_done, 8);
	TAP_EQ_INT(res.n_durable, 6);
	TAP_EQ_INT(tx_state(c), DUNLIN_TX_NONE);
	/* Where only numbers can be compared SQLite's own count still tells. */
	TAP_EQ_STR(peek("t.db", "INSERT INTO q VALUES (7) RETURNING p"), "7");
	migration("ALTER TABLE q ADD COLUMN x", "DELETE FROM q WHERE p = 7", "INSERT INTO q (p) VALUES (8)");
	migration("CREATE TABLE never (a)", NULL, NULL);
	TAP_EQ_INT(run(c), DUNLIN_ERROR);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_CONSTRAINT);
	TAP_EQ_INT(res.n_done, 4);
	leave();
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
	int64_t pid;
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
	drv->blockers(c, count_blockers, &pid, &err);
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

/* --- helpers ---------------------------------------------------------------------------------------- */

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
	if (strcmp(what, "alone") == 0)
		return helper_alone(a);
	return helper_try(a, b);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "only one process holds the lock and the others see who", only_one_process_holds_the_lock_and_the_others_see_who },
		{ "kill -9 frees the lock", kill_minus_nine_frees_the_lock },
		{ "close frees the lock and rolls back", close_frees_the_lock_and_rolls_back },
		{ "a writer that is not dunlin is named", a_writer_that_is_not_dunlin_is_named },
		{ "a writer in WAL mode is named too", a_writer_in_wal_mode_is_named_too },
		{ "a replaced file is noticed when locking", a_replaced_file_is_noticed_when_locking },
		{ "a link in place of the lock file is refused", a_link_in_place_of_the_lock_file_is_refused },
		{ "ten processes apply each migration once", ten_processes_apply_each_migration_once },
		{ "the lock holds where no transaction is open", the_lock_holds_where_no_transaction_is_open },
		{ "a reader that goes in time only delays the COMMIT", a_reader_that_goes_in_time_only_delays_the_commit },
		{ "a reader that stays ends in LOCK and nothing applied", a_reader_that_stays_ends_in_lock_and_nothing_applied },
		{ "a reader delays a big migration once and not at each page",
		  a_reader_delays_a_big_migration_once_and_not_at_each_page },
		{ "a writer delays BEGIN no longer than the lock timeout", a_writer_delays_begin_no_longer_than_the_lock_timeout },
		{ "busy at the COMMIT of earlier bookkeeping keeps it", busy_at_the_commit_of_earlier_bookkeeping_keeps_it },
		{ "a statement ends at its timeout and those before stay", a_statement_ends_at_its_timeout_and_those_before_stay },
		{ "the deadline of the command ends a statement", the_deadline_of_the_command_ends_a_statement },
		{ "cancel from another thread ends a statement", cancel_from_another_thread_ends_a_statement },
		{ "bookkeeping is written although a stop is wanted", bookkeeping_is_written_although_a_stop_is_wanted },
		{ "a full database undoes one migration", a_full_database_undoes_one_migration },
		{ "a failing write undoes what did not fit", a_failing_write_undoes_what_did_not_fit },
		{ "a tiny disk keeps what was durable", a_tiny_disk_keeps_what_was_durable },
		{ "a new violation fails and is named", a_new_violation_fails_and_is_named },
		{ "old violations stay and are nobody's fault", old_violations_stay_and_are_nobodys_fault },
		{ "a violation among old ones is found", a_violation_among_old_ones_is_found },
		{ "a grandchild is looked at too", a_grandchild_is_looked_at_too },
		{ "a violation that another writer made between groups is not ours",
		  a_violation_that_another_writer_made_between_groups_is_not_ours },
		{ "keys that cannot be checked are told and not refused", keys_that_cannot_be_checked_are_told_and_not_refused },
		{ "a rebuild does not cascade", a_rebuild_does_not_cascade },
		{ "enforcement reaches no migration that did not ask", enforcement_reaches_no_migration_that_did_not_ask },
		{ "a deferred key fails its own migration when enforced", a_deferred_key_fails_its_own_migration_when_enforced },
		{ "the file is never opened a second time", the_file_is_never_opened_a_second_time },
		{ "every allocation of ours may fail", every_allocation_of_ours_may_fail },
		{ "every allocation of SQLite's may fail", every_allocation_of_sqlites_may_fail },
	};

	if (argc == 4)
		return helper_main(argv[1], argv[2], argv[3]);
	hook_sqlite_memory();
	fixture_start();
	return tap_main("sqlite_faults", tests, sizeof tests / sizeof *tests);
}
