/*
 * sqlite_fixture.h - the SQLite driver's table of functions in a test's hands.
 *
 * The driver's objects are linked in.  A test works in a folder of its own
 * (tree.h) on "t.db".  What another process does to the file is done by
 * another process: the program starts itself again as a helper, because
 * SQLite's knowledge of its own locks does not survive fork().
 */
#ifndef DUNLIN_TESTS_SQLITE_FIXTURE_H
#define DUNLIN_TESTS_SQLITE_FIXTURE_H

#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>

#include <sqlite3.h>

#include <dunlin/driver.h>

#include "tap.h"
#include "tree.h"

dunlin_driver_entry_fn dunlin_driver_entry_v1;

static const struct dunlin_driver *drv;
static struct dunlin_driver_error err;

/* --- the host ------------------------------------------------------------------ */

static unsigned long n_alloc, fail_at; /* the n-th allocation fails; 0: none */
static long n_live;
static _Atomic int must_stop;          /* what should_stop() says           */
static int64_t time_left = -1;
static char logged[512];

static void *fixture_alloc(void *ctx, size_t n)
{
	void *p;

	(void)ctx;
	n_alloc++;
	if (fail_at && n_alloc == fail_at)
		return NULL;
	p = malloc(n);
	n_live += p != NULL;
	return p;
}

static void fixture_free(void *ctx, void *p)
{
	(void)ctx;
	n_live -= p != NULL;
	free(p);
}

static void fixture_log(void *ctx, int level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(logged, sizeof logged, "%s", text);
}

static int fixture_should_stop(void *arg)
{
	(void)arg;
	return must_stop;
}

static int64_t fixture_remaining(void *arg)
{
	(void)arg;
	return time_left;
}

static const struct dunlin_host host = {
	.struct_size = sizeof host, .alloc = fixture_alloc, .free = fixture_free, .log = fixture_log,
};
static const struct dunlin_control ctl = {
	.struct_size = sizeof ctl, .should_stop = fixture_should_stop, .remaining_ms = fixture_remaining,
};

static inline void fixture_start(void)
{
	err = (struct dunlin_driver_error){ .struct_size = sizeof err };
	drv = dunlin_driver_entry_v1(&host, &err);
	if (!drv) {
		printf("Bail out! %s\n", err.message);
		exit(EXIT_FAILURE);
	}
}

/* --- connections ----------------------------------------------------------------- */

/* Up to four "key", "value" pairs after the path, NULL-ended. */
static inline int try_open(struct dunlin_conn **c, const char *path, ...)
{
	struct dunlin_kv kv[6] = { { "path", path } };
	size_t n = 1;
	va_list ap;

	va_start(ap, path);
	while (n < 6 && (kv[n].key = va_arg(ap, const char *)))
		kv[n++].value = va_arg(ap, const char *);
	va_end(ap);
	return drv->open(kv, n, &ctl, c, &err);
}

static inline struct dunlin_conn *open_db(const char *path)
{
	struct dunlin_conn *c = NULL;

	if (try_open(&c, path, "create", "1", "lock_timeout_ms", "2000", NULL) != DUNLIN_OK) {
		printf("Bail out! open '%s': %s\n", path, err.message);
		exit(EXIT_FAILURE);
	}
	return c;
}

/* --- steps -------------------------------------------------------------------------- */

static struct dunlin_step step[4096];
static size_t n_step;
static struct dunlin_exec_result res;
static size_t n_told;

static inline struct dunlin_step *add(int kind, const char *sql)
{
	step[n_step] = (struct dunlin_step){
		.struct_size = sizeof *step, .kind = kind, .sql = sql, .sql_len = sql ? strlen(sql) : 0,
		.expect_rows = -1, .lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};
	return &step[n_step++];
}

/* A migration with up to three statements and its row in `ledger`. */
static inline void migration(const char *a, const char *b, const char *c)
{
	struct dunlin_step *s;

	add(DUNLIN_STEP_BEGIN, NULL);
	if (a)
		add(DUNLIN_STEP_STATEMENT, a);
	if (b)
		add(DUNLIN_STEP_STATEMENT, b);
	if (c)
		add(DUNLIN_STEP_STATEMENT, c);
	add(DUNLIN_STEP_SEAL, NULL);
	s = add(DUNLIN_STEP_LEDGER, "INSERT INTO main.ledger VALUES (?, dunlin_elapsed_ms())");
	s->expect_rows = 1;
	s->param = &(const struct dunlin_param){ .value = NULL };
	s->n_param = 1;
	add(DUNLIN_STEP_COMMIT, NULL);
}

static void (*when_told)(size_t i); /* a test's own look in between, or NULL */

static void on_step_done(void *arg, size_t i)
{
	(void)arg;
	n_told++;
	if (when_told)
		when_told(i);
}

static char noticed[512];

static void on_notice(void *arg, size_t i, int level, const char *text)
{
	(void)arg;
	(void)i;
	(void)level;
	snprintf(noticed, sizeof noticed, "%s", text);
}

static const struct dunlin_exec_observer observer = {
	.struct_size = sizeof observer, .step_done = on_step_done, .notice = on_notice,
};

/* Numbers each ledger row, runs what was added and empties the array. */
static inline int run(struct dunlin_conn *c)
{
	static struct dunlin_param param[4096];
	static char text[4096][24];
	size_t i;
	int status;

	for (i = 0; i < n_step; i++) {
		if (step[i].n_param != 1)
			continue;
		snprintf(text[i], sizeof text[i], "%zu", i);
		param[i] = (struct dunlin_param){ .value = text[i], .len = strlen(text[i]), .is_integer = 1 };
		step[i].param = &param[i];
	}
	res = (struct dunlin_exec_result){ .struct_size = sizeof res };
	n_told = 0;
	noticed[0] = '\0';
	status = drv->exec_many(c, step, n_step, &observer, &res, &err);
	n_step = 0;
	return status;
}

static inline int exec(struct dunlin_conn *c, int kind, const char *sql)
{
	struct dunlin_step *s = add(kind, sql);

	n_step--;
	return drv->exec(c, s, &err);
}

static inline void must(int status)
{
	if (status != DUNLIN_OK)
		tap_note("status %d: %s (%s)", status, err.message, err.detail);
	TAP_EQ_INT(status, DUNLIN_OK);
}

#define MUST(what) must(what)

/* --- looking ------------------------------------------------------------------------- */

static char value[8192];

static int take_value(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	size_t at = strlen(value);
	int i;

	(void)arg;
	(void)len;
	(void)type;
	for (i = 0; i < ncol; i++) {
		snprintf(value + at, sizeof value - at, "%s%s", at ? "|" : "", v[i] ? v[i] : "NULL");
		at = strlen(value);
	}
	return 0;
}

/* All rows and columns with bars between. */
static inline const char *ask(struct dunlin_conn *c, const char *sql)
{
	value[0] = '\0';
	if (drv->query(c, sql, strlen(sql), NULL, 0, take_value, NULL, &err) != DUNLIN_OK)
		snprintf(value, sizeof value, "error: %s", err.message);
	return value;
}

/* The same by a connection that is not the driver's. */
static inline const char *peek(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	size_t at;

	value[0] = '\0';
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, 5000);
		sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	}
	while (st && sqlite3_step(st) == SQLITE_ROW) {
		const char *v = (const char *)sqlite3_column_text(st, 0);

		at = strlen(value);
		snprintf(value + at, sizeof value - at, "%s%s", at ? "|" : "", v ? v : "NULL");
	}
	if (!st || sqlite3_errcode(db) != SQLITE_DONE)
		snprintf(value, sizeof value, "error: %s", sqlite3_errmsg(db));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return value;
}

static inline int tx_state(struct dunlin_conn *c)
{
	int32_t state = -1;

	drv->tx_state(c, &state, &err);
	return state;
}

static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* --- a test's frame --------------------------------------------------------------------- */

static struct dunlin_conn *c; /* the connection that it works with */

static const char ledger[] = "CREATE TABLE ledger (version INTEGER, ms INTEGER)";

static inline void enter(void)
{
	tree_enter();
	c = open_db("t.db");
	MUST(exec(c, DUNLIN_STEP_LEDGER, ledger));
}

static inline void leave(void)
{
	drv->close(c);
	c = NULL;
	must_stop = 0;
	time_left = -1;
	tree_leave();
	TAP_EQ_INT(n_live, 0);
}

/* --- helpers: this program in another process --------------------------------------------- */

struct helper {
	pid_t pid;
	int   in; /* closing it lets the helper go on */
};

/* Starts this program with these arguments and waits until it says that it is ready. */
static inline struct helper start_helper(const char *what, const char *a, const char *b)
{
	struct helper h = { .in = -1 };
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	int to[2], from[2];
	char byte;

	/* By its name: under valgrind the link itself leads elsewhere. */
	if (len < 0)
		tree_die("cannot find", "myself");
	self[len] = '\0';

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0 || (h.pid = fork()) < 0)
		tree_die("cannot start", what);
	if (h.pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl(self, "helper", what, a, b, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	h.in = to[1];
	if (read(from[0], &byte, 1) != 1)
		tree_die("no answer from", what);
	close(from[0]);
	return h;
}

/* Lets it end; its exit status. */
static inline int end_helper(struct helper h)
{
	int status = 0;

	close(h.in);
	waitpid(h.pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void kill_helper(struct helper h)
{
	kill(h.pid, SIGKILL);
	waitpid(h.pid, NULL, 0);
	close(h.in);
}

/* In the helper: tells that it is ready, waits until it may go on. */
static inline void helper_ready(void)
{
	char byte;

	if (write(1, "r", 1) != 1)
		_exit(3);
	while (read(0, &byte, 1) > 0)
		;
}

/* "hold DB SQL": runs the SQL, keeps the transaction until told; "for:MS" ahead
 * of the SQL keeps it that long instead. */
static inline int helper_hold(const char *path, const char *sql)
{
	sqlite3 *db;
	long ms = 0;
	int rc;

	if (strncmp(sql, "for:", 4) == 0) {
		ms = strtol(sql + 4, NULL, 10);
		sql = strchr(sql, ' ') + 1;
	}
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		return 4;
	sqlite3_busy_timeout(db, 5000);
	rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (ms) {
		if (write(1, "r", 1) != 1)
			return 3;
		sleep_ms(ms);
	} else {
		helper_ready();
	}
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : 5;
}

#endif
