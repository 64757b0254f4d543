/*
 * wrong.c - the mock with one fault, which the conformance suite must catch.
 * The environment variable DUNLIN_WRONG names the group that is to catch it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dunlin/driver.h>

dunlin_driver_entry_fn dunlin_mock_entry;
DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn dunlin_driver_entry_v1;

static const struct dunlin_driver *real;
static const struct dunlin_host *host;
static struct dunlin_driver driver;
static struct dunlin_dialect dialect;
static atomic_int flag;

/* --- one fault a group ---------------------------------------------------------------- */

static int open_leaks_a_file(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
                             struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	return open("/dev/null", O_RDONLY) < 0 ? DUNLIN_ERROR : real->open(opt, n, ctl, out, err);
}

/* Where a leak checker finds it, since the suite is to notice by itself. */
struct kept { struct kept *next; };
static struct kept *all_kept;

static int open_keeps_memory_when_it_fails(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
                                           struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct kept *k = host->alloc(host->ctx, sizeof *k);
	int rc = k ? real->open(opt, n, ctl, out, err) : DUNLIN_ENOMEM;

	if (!k) {
		*out = NULL;
	} else if (rc == DUNLIN_OK) {
		host->free(host->ctx, k);
	} else {
		k->next = all_kept;
		all_kept = k;
	}
	return rc;
}

static int open_is_deaf(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
                        struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	static struct dunlin_control nobody = { .struct_size = sizeof nobody };

	(void)ctl;
	return real->open(opt, n, &nobody, out, err);
}

static int exec_reads_to_the_nul(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	struct dunlin_step longer = *step;

	longer.sql_len = strlen(step->sql);
	return real->exec(c, &longer, err);
}

static int query_has_text_only(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param,
                               size_t n, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	(void)row, (void)arg;
	return real->query(c, sql, len, param, n, NULL, NULL, err); /* and no rows */
}

static int exec_knows_no_classes(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	int rc = real->exec(c, step, err);

	if (rc != DUNLIN_OK && err)
		err->errclass = DUNLIN_CLASS_UNKNOWN;
	return rc;
}

static int commit_rolls_back(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return real->rollback(c, err);
}

static int savepoint_does_nothing(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err)
{
	(void)c, (void)op, (void)name, (void)err;
	return DUNLIN_OK;
}

static int everybody_gets_the_lock(struct dunlin_conn *c, const char *key, const char *holder,
                                   struct dunlin_driver_error *err)
{
	(void)c, (void)key, (void)holder, (void)err;
	return DUNLIN_OK;
}

static int cancel_stands(struct dunlin_conn *c)
{
	atomic_store(&flag, 1);
	return real->cancel(c);
}

static int query_is_cancelled(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param,
                              size_t n, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	if (atomic_exchange(&flag, 0))
		return DUNLIN_ECANCELLED;
	return real->query(c, sql, len, param, n, row, arg, err);
}

static int copy_loses_a_line(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	struct dunlin_step less = *step;

	if (less.data_len > 6)
		less.data_len = 6;
	return real->exec(c, &less, err);
}

static int many_counts_one_too_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n,
                                    const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res,
                                    struct dunlin_driver_error *err)
{
	int rc = real->exec_many(c, steps, n, obs, res, err);

	if (rc != DUNLIN_OK)
		res->n_done++;
	return rc;
}

static int query_forgets_the_ledger(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *param,
                                    size_t n, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	if (len > 20 && memmem(sql, len, "apply_order", 11))
		return DUNLIN_OK;
	return real->query(c, sql, len, param, n, row, arg, err);
}

static int facts_come_as_they_like(struct dunlin_conn *c, const char *const *ignore, size_t n, dunlin_fact_fn *fact,
                                   void *arg, struct dunlin_driver_error *err)
{
	fact(arg, "zzz", 3);
	return real->snapshot(c, ignore, n, fact, arg, err);
}

static int probe_never_sees(struct dunlin_conn *c, const char *sql, size_t len, char *answer, size_t size,
                            struct dunlin_driver_error *err)
{
	(void)c, (void)sql, (void)len, (void)err;
	if (size < 3)
		return DUNLIN_ENOTSUP;
	memcpy(answer, "no", 3);
	return DUNLIN_OK;
}

/* One for all connections. */
static int exec_stands_alone(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	struct timespec t = { 0, 3000000 };
	int rc = DUNLIN_ERROR;

	if (atomic_fetch_add(&flag, 1) == 0) {
		nanosleep(&t, NULL);
		rc = real->exec(c, step, err);
	}
	atomic_fetch_sub(&flag, 1);
	return rc;
}

static void a_child_was_born(void)
{
	atomic_store(&flag, 1);
}

static int exec_minds_children(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	return atomic_load(&flag) ? DUNLIN_ERROR : real->exec(c, step, err);
}

/* --- choosing ---------------------------------------------------------------------------- */

static void spoil(const char *group)
{
	static const struct dunlin_word no_words[] = { { "pk", "INTEGER PRIMARY KEY" }, { NULL, NULL } };

	if (strcmp(group, "load") == 0)
		driver.client = "";
	else if (strcmp(group, "open") == 0)
		driver.open = open_leaks_a_file;
	else if (strcmp(group, "memory") == 0)
		driver.open = open_keeps_memory_when_it_fails;
	else if (strcmp(group, "deadlines") == 0)
		driver.open = open_is_deaf;
	else if (strcmp(group, "exec") == 0)
		driver.exec = exec_reads_to_the_nul;
	else if (strcmp(group, "query") == 0)
		driver.query = query_has_text_only;
	else if (strcmp(group, "errors") == 0)
		driver.exec = exec_knows_no_classes;
	else if (strcmp(group, "transactions") == 0)
		driver.commit = commit_rolls_back;
	else if (strcmp(group, "savepoints") == 0)
		driver.savepoint = savepoint_does_nothing;
	else if (strcmp(group, "lock") == 0)
		driver.lock = everybody_gets_the_lock;
	else if (strcmp(group, "copy") == 0)
		driver.exec = copy_loses_a_line;
	else if (strcmp(group, "exec_many") == 0)
		driver.exec_many = many_counts_one_too_many;
	else if (strcmp(group, "ledger") == 0)
		driver.query = query_forgets_the_ledger;
	else if (strcmp(group, "dialect") == 0)
		dialect.vocabulary = no_words;
	else if (strcmp(group, "snapshot") == 0)
		driver.snapshot = facts_come_as_they_like;
	else if (strcmp(group, "probe") == 0)
		driver.probe = probe_never_sees;
	else if (strcmp(group, "threads") == 0)
		driver.exec = exec_stands_alone;
	if (strcmp(group, "cancel") == 0) {
		driver.cancel = cancel_stands;
		driver.query = query_is_cancelled;
	}
	if (strcmp(group, "fork") == 0) {
		pthread_atfork(NULL, a_child_was_born, NULL);
		driver.exec = exec_minds_children;
	}
}

const struct dunlin_driver *dunlin_driver_entry_v1(const struct dunlin_host *h, struct dunlin_driver_error *err)
{
	static const char *const schemes[] = { "wrong", NULL };
	const char *group = getenv("DUNLIN_WRONG");

	host = h;
	real = dunlin_mock_entry(h, err);
	if (!real || driver.name)
		return real ? &driver : NULL;
	driver = *real;
	dialect = *real->dialect;
	driver.name = dialect.name = "wrong";
	driver.schemes = schemes;
	driver.dialect = &dialect;
	spoil(group ? group : "");
	return &driver;
}
