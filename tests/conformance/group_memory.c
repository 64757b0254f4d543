/*
 * group_memory.c - memory that runs out, many threads, a fork.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static int any_row(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	(void)arg, (void)ncol, (void)value, (void)len, (void)type;
	return 0;
}

/* One of each slot; whatever fails, nothing may break. */
static int do_everything(struct suite *s, const char *table)
{
	struct conn c = { .s = s };
	struct dunlin_step many[4] = { step_of(DUNLIN_STEP_BEGIN, NULL), step_of(DUNLIN_STEP_STATEMENT, NULL),
	                               step_of(DUNLIN_STEP_SEAL, NULL), step_of(DUNLIN_STEP_COMMIT, NULL) };
	struct dunlin_exec_result res = { .struct_size = sizeof res };
	char sql[200], answer[512];
	int rc = s->drv->open(s->opt, s->n_opt, &s->ctl, &c.c, conn_err(&c)), again;

	if (rc != DUNLIN_OK) {
		expect(s, c.c == NULL, "a connection beside an error");
		return rc;
	}
	snprintf(sql, sizeof sql, "DELETE FROM %s WHERE id < 0", table);
	rc = conn_run(&c, sql);
	if (rc == DUNLIN_OK)
		rc = s->drv->query(c.c, "SELECT 1", 8, NULL, 0, any_row, NULL, conn_err(&c));
	if (can(s, DUNLIN_CAP_LOCK)) {
		again = s->drv->lock(c.c, "dunlin_check.memory", "checker", conn_err(&c));
		if (again == DUNLIN_OK)
			s->drv->unlock(c.c, "dunlin_check.memory", conn_err(&c));
		rc = rc == DUNLIN_OK ? again : rc;
	}
	if (can(s, DUNLIN_CAP_EXEC_MANY | DUNLIN_CAP_TX)) {
		many[1].sql = sql;
		many[1].sql_len = strlen(sql);
		again = s->drv->exec_many(c.c, many, 4, NULL, &res, conn_err(&c));
		rc = rc == DUNLIN_OK ? again : rc;
	}
	if (can(s, DUNLIN_CAP_PROBE))
		s->drv->probe(c.c, "CREATE INDEX dunlin_check_none ON dunlin_check_none (id)", 55, answer, sizeof answer, conn_err(&c));
	if (can(s, DUNLIN_CAP_RESET_SESSION)) {
		again = s->drv->reset_session(c.c, conn_err(&c));
		rc = rc == DUNLIN_OK ? again : rc;
	}
	conn_close(&c);
	return rc;
}

static void any_allocation_may_fail(struct suite *s)
{
	struct conn c;
	const char *t;
	long live, n;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	conn_close(&c);
	do_everything(s, t); /* what is kept from the first time on */
	live = host_n_live();
	for (n = 1; n < 3000 && s->is_ok; n++) {
		int rc, failed;

		host_fail_at(n);
		rc = do_everything(s, t);
		failed = host_has_failed();
		host_fail_at(0);
		if (!failed)
			break;
		expect(s, host_n_live() <= live, "after failure %ld there are %ld blocks more", n, host_n_live() - live);
		(void)rc;
	}
	expect(s, do_everything(s, t) == DUNLIN_OK, "with memory again it does not work");
	expect(s, host_n_live() <= live, "%ld blocks of memory are left", host_n_live() - live);
}

static void memory(struct suite *s)
{
	check(s, "any allocation may fail, and nothing is left behind", any_allocation_may_fail);
}
const struct group group_memory = { "memory", memory };

/* --- threads ------------------------------------------------------------------------------- */

enum { N_THREADS = 4, N_ROWS = 20 };
struct worker { struct suite s; pthread_t thread; const char *table; int base; };

static void *work(void *arg)
{
	struct worker *w = arg;
	struct conn c;

	if (conn_open(&w->s, &c) < 0)
		return NULL;
	for (int i = 0; i < N_ROWS && w->s.is_ok; i++) {
		int rc = DUNLIN_ERROR;

		for (int try = 0; try < 50 && rc != DUNLIN_OK; try++) { /* a lock may be in the way */
			rc = conn_runf(&c, "INSERT INTO %s (id) VALUES (%d)", w->table, w->base + i);
			if (rc != DUNLIN_OK && c.err.errclass != DUNLIN_CLASS_LOCK)
				break;
		}
		expect(&w->s, rc == DUNLIN_OK, "row %d: %.300s", w->base + i, c.err.message);
		conn_run(&c, "INSERT INTO dunlin_no_such_table (id) VALUES (1)");
	}
	conn_close(&c);
	return NULL;
}

static void connections_are_independent(struct suite *s)
{
	struct worker w[N_THREADS];
	struct conn c;
	const char *t;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	for (int i = 0; i < N_THREADS; i++) {
		w[i] = (struct worker){ .s = *s, .table = t, .base = i * 1000 + 1 };
		expect(s, pthread_create(&w[i].thread, NULL, work, &w[i]) == 0, "no thread");
	}
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		expect(s, w[i].s.is_ok, "%s", w[i].s.why);
	}
	expect(s, conn_count(&c, t) == N_THREADS * N_ROWS, "%lld rows", (long long)conn_count(&c, t));
	conn_close(&c);
}

static void threads(struct suite *s)
{
	check(s, "connections work side by side", connections_are_independent);
}
const struct group group_threads = { "threads", threads };

/* --- fork ------------------------------------------------------------------------------------ */

static void a_child_harms_nobody(struct suite *s)
{
	struct conn c;
	const char *t;
	int status = 0;
	pid_t pid;

	if (conn_open(s, &c) < 0)
		return;
	t = make_table(&c);
	must_run(&c, "INSERT INTO %s (id) VALUES (1)", t);
	fflush(s->out);
	pid = fork();
	if (pid == 0)
		_exit(0);
	expect(s, pid > 0 && waitpid(pid, &status, 0) == pid, "no child");
	must_run(&c, "INSERT INTO %s (id) VALUES (2)", t);
	expect(s, conn_count(&c, t) == 2, "not two rows");
	conn_close(&c);
}

static void fork_group(struct suite *s)
{
	check(s, "a child that ends leaves the connection alone", a_child_harms_nobody);
}
const struct group group_fork = { "fork", fork_group };
