/*
 * run_fixture.h - runs from end to end in a test's hands: files in memory, a
 * database of the scripted mock or of SQLite, and what came of it.
 *
 *     begin("mock");
 *     file("1.0.0-001-a.sql", "CREATE TABLE a (x);");
 *     script("fail statement 2 class=SYNTAX");
 *     TAP_EQ_INT(up(), DUNLIN_EXIT_FAILED);
 *     TAP_EQ_STR(ask("SELECT version, state FROM dunlin_migrations"), "1.0.0-001 applied\n");
 *     end();
 *
 * Each command gets a handle of its own, as each call of the program does.  A
 * test works in a folder of its own (tree.h).
 */
#ifndef DUNLIN_TESTS_RUN_FIXTURE_H
#define DUNLIN_TESTS_RUN_FIXTURE_H

#include <stdarg.h>
#include <time.h>

#include "handle.h"
#include "loader.h"
#include "tap.h"
#include "tree.h"

#define TABLE  "dunlin_migrations"
#define EVENTS "dunlin_migrations_events"
#define STATES "SELECT version, state, statements_done FROM dunlin_migrations ORDER BY apply_order"

static struct {
	const char *driver;
	char path[64];
	char url[8192];
	char script[2048];
	int  has_trace;
	struct dunlin_file file[320];
	size_t n_file;
	struct { const char *name, *value; } option[8];
	size_t n_option;
	int64_t lock_retry_ms;
	int  is_events_untold;       /* no observer of events: nothing is read back */
	/* The handle at work, and what it came to. */
	struct dunlin *d;
	struct dunlin_error err;
	char   log[65536];
	char   events[65536];        /* "seq event version", a line each            */
	int    n_early;              /* events told before another could see them   */
	void (*on_event)(const struct dunlin_event *e);
	void (*on_progress)(const struct dunlin_progress *p);
	void (*on_log)(const char *text);
	struct dunlin_progress progress;
	int64_t most_sent, most_statements;
} W;

static inline int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the database as another sees it ---------------------------------------------- */

struct answer { char text[65536]; size_t n; };

static inline int answer_row(void *arg, int ncol, const char *const *value, const size_t *len, const int32_t *type)
{
	struct answer *a = arg;

	(void)type;
	for (int i = 0; i < ncol && a->n + 64 < sizeof a->text; i++) {
		int width = len[i] > 4000 ? 4000 : (int)len[i];

		a->n += (size_t)snprintf(a->text + a->n, sizeof a->text - a->n, "%s%.*s", i ? " " : "", value[i] ? width : 4,
		                         value[i] ? value[i] : "NULL");
	}
	a->n += (size_t)snprintf(a->text + a->n, sizeof a->text - a->n, "\n");
	return 0;
}

/* Rows of a query, a line each, columns with a space between. */
static inline const char *ask(const char *sql)
{
	static struct answer keep[16];
	static int next;
	struct answer *a = &keep[next++ % 16];
	struct dunlin_kv kv[] = { { "path", W.path } };
	struct session s = { 0 };
	struct dunlin_error bad;
	const struct dunlin_driver *drv;

	a->n = 0;
	a->text[0] = '\0';
	if (loader_find(W.driver, NULL, &drv, &bad) < 0 || session_open(&s, drv, kv, 1, NULL, &bad) < 0 ||
	    session_query(&s, sql, strlen(sql), NULL, 0, answer_row, a, &bad) < 0)
		snprintf(a->text, sizeof a->text, "error: %s\n", bad.message);
	session_close(&s);
	return a->text;
}

/* Does something to the database behind dunlin's back. */
static inline void tell(const char *sql)
{
	struct dunlin_kv kv[] = { { "path", W.path }, { "create", "1" } };
	struct dunlin_step st = {
		.struct_size = sizeof st, .kind = DUNLIN_STEP_STATEMENT, .sql = sql, .sql_len = strlen(sql), .expect_rows = -1,
		.lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};
	struct dunlin_exec_result res;
	struct session s = { 0 };
	struct dunlin_error bad;
	const struct dunlin_driver *drv;

	error_clear(&bad);
	if (loader_find(W.driver, NULL, &drv, &bad) < 0 || session_open(&s, drv, kv, 2, NULL, &bad) < 0 ||
	    session_exec_many(&s, &st, 1, NULL, &res, &bad) != DUNLIN_OK)
		tree_die(bad.message, sql);
	session_close(&s);
}

/* --- observing -------------------------------------------------------------------------- */

static inline void add_text(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static inline void add_text(char *out, size_t size, const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out + n, size - n, fmt, ap);
	va_end(ap);
}

static inline void on_event(void *arg, const struct dunlin_event *e)
{
	char sql[200];

	(void)arg;
	add_text(W.events, sizeof W.events, "%lld %s%s%s\n", (long long)e->seq, e->event, *e->version ? " " : "", e->version);
	if (W.n_early >= 0) {
		snprintf(sql, sizeof sql, "SELECT 1 FROM " EVENTS " WHERE run_id = '%s' AND seq = %lld", e->run_id, (long long)e->seq);
		W.n_early += strcmp(ask(sql), "1\n") != 0;
	}
	if (W.on_event)
		W.on_event(e);
}

static inline void on_progress(void *arg, const struct dunlin_progress *p)
{
	(void)arg;
	W.progress = *p;
	if (p->migrations_sent > W.most_sent)
		W.most_sent = p->migrations_sent;
	if (p->statements_done > W.most_statements)
		W.most_statements = p->statements_done;
	if (W.on_progress)
		W.on_progress(p);
}

static inline void on_log(void *arg, int level, const char *text)
{
	(void)arg;
	add_text(W.log, sizeof W.log, "%d %s\n", level, text);
	if (W.on_log)
		W.on_log(text);
}

static inline int count(const char *text, const char *part)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

/* --- setting up ----------------------------------------------------------------------------- */

static inline void begin(const char *driver)
{
	static int number;

	memset(&W, 0, sizeof W);
	W.driver = driver;
	W.n_early = -1; /* not asked */
	snprintf(W.path, sizeof W.path, strcmp(driver, "mock") == 0 ? ":world-%d" : "t%d.db", number++);
	tree_enter();
}

static inline void end(void)
{
	dunlin_free(W.d);
	W.d = NULL;
	tree_leave();
}

static inline void file(const char *name, const char *text)
{
	for (size_t i = 0; i < W.n_file; i++)
		if (strcmp(W.file[i].name, name) == 0) {
			W.file[i] = (struct dunlin_file){ name, text, strlen(text) };
			return;
		}
	if (W.n_file == sizeof W.file / sizeof *W.file)
		tree_die("no room for", name);
	W.file[W.n_file++] = (struct dunlin_file){ name, text, strlen(text) };
}

static inline void no_file(const char *name)
{
	size_t i = 0;

	while (i < W.n_file && strcmp(W.file[i].name, name) != 0)
		i++;
	if (i < W.n_file)
		W.file[i] = W.file[--W.n_file];
}

static inline void option(const char *name, const char *value)
{
	for (size_t i = 0; i < W.n_option; i++)
		if (strcmp(W.option[i].name, name) == 0) {
			W.option[i].value = value;
			return;
		}
	W.option[W.n_option].name = name;
	W.option[W.n_option++].value = value;
}

/* The mock's script from now on, counted from nothing; lines end with ";". */
static inline void script(const char *text)
{
	static int number;

	snprintf(W.script, sizeof W.script, "#%d;%s", number++, text);
}

static inline void add_encoded(char *out, size_t size, const char *text)
{
	for (; *text; text++)
		add_text(out, size, "%%%02x", (unsigned char)*text);
}

static inline void make_url(void)
{
	snprintf(W.url, sizeof W.url, "%s:%s", W.driver, W.path);
	if (strcmp(W.driver, "mock") != 0) {
		add_text(W.url, sizeof W.url, "?synchronous=off"); /* no power is lost here */
		return;
	}
	add_text(W.url, sizeof W.url, "?inline=");
	add_encoded(W.url, sizeof W.url, W.script);
	if (W.has_trace)
		add_text(W.url, sizeof W.url, "&trace=trace");
}

/* A new handle in W.d, or NULL with W.err. */
static inline struct dunlin *handle(void)
{
	struct dunlin_observer o = { .event = W.is_events_untold ? NULL : on_event, .progress = on_progress, .log = on_log };

	dunlin_free(W.d);
	W.d = NULL;
	make_url();
	W.log[0] = W.events[0] = '\0';
	memset(&W.progress, 0, sizeof W.progress);
	W.most_sent = W.most_statements = 0;
	if (dunlin_new(&W.d, &W.err) < 0)
		return NULL;
	if (dunlin_set(W.d, "url", W.url, &W.err) < 0 || dunlin_set(W.d, "actor", "me@here", &W.err) < 0 ||
	    dunlin_add_memory(W.d, "", W.file, W.n_file, &W.err) < 0)
		goto fail;
	for (size_t i = 0; i < W.n_option; i++)
		if (dunlin_set(W.d, W.option[i].name, W.option[i].value, &W.err) < 0)
			goto fail;
	dunlin_observe(W.d, &o);
	if (W.lock_retry_ms)
		W.d->lock_retry_ms = W.lock_retry_ms;
	return W.d;
fail:
	dunlin_free(W.d);
	W.d = NULL;
	return NULL;
}

/* --- commands: the exit code, what is wrong in W.err ------------------------------------------ */

static inline int run(const struct dunlin_request *req)
{
	if (!handle())
		return W.err.code;
	return dunlin_execute(W.d, req, &W.err) == 0 ? 0 : W.err.code;
}

#define RUN(...) run(&(struct dunlin_request){ __VA_ARGS__ })

static inline int up(void)
{
	return RUN(.op = DUNLIN_OP_UP);
}

static inline int rollback(void)
{
	return RUN(.op = DUNLIN_OP_ROLLBACK);
}

/* The findings of `validate` of a kind (NULL: all), a line each; "" is good. */
static inline const char *validate(const char *kind)
{
	static char text[8192];
	struct dunlin_findings *f = NULL;

	text[0] = '\0';
	if (!handle() || dunlin_validate(W.d, &f, &W.err) < 0) {
		snprintf(text, sizeof text, "error: %.4000s", W.err.message);
		return text;
	}
	for (size_t i = 0; i < f->n; i++)
		if (!kind || strcmp(f->finding[i].kind, kind) == 0)
			add_text(text, sizeof text, "%s: %s\n", f->finding[i].kind, f->finding[i].message);
	dunlin_findings_free(f);
	return text;
}

static inline int repair(int op, const char *version)
{
	struct dunlin_findings *f = NULL;

	if (!handle() || dunlin_repair(W.d, op, version, &f, &W.err) < 0)
		return W.err.code;
	dunlin_findings_free(f);
	return 0;
}

/* Log and table agree, and the observer was told what the log has of the last run. */
#define CHECK_LEDGER() TAP_EQ_STR(validate("ledger"), "")

static inline int fold_event(void *arg, const struct dunlin_event *e)
{
	return history_fold(arg, e, &W.err);
}

/* What the table has otherwise than its log tells, over an open session; "" is good. */
static inline const char *differences(struct ledger *l, struct session *s)
{
	static char text[2000];
	struct history table = { 0 }, folded = { 0 };
	struct finding_list out = { 0 };

	text[0] = '\0';
	if (ledger_read(l, s, &table, &W.err) < 0 ||
	    (table.has_ledger && ledger_events(l, s, 0, NULL, 0, fold_event, &folded, &W.err) < 0) ||
	    history_compare(&table, &folded, &out) < 0)
		snprintf(text, sizeof text, "error: %.1900s", W.err.message);
	for (size_t i = 0; i < out.n; i++)
		add_text(text, sizeof text, "%s\n", out.v[i].message);
	history_clear(&table);
	history_clear(&folded);
	finding_clear(&out);
	return text;
}

/* The mock's trace so far; it is emptied. */
static inline const char *trace(void)
{
	static char text[4 << 20];
	FILE *f = fopen("trace", "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	unlink("trace");
	return text;
}

/* Calls of a driver that went over the line: those that are no step of another. */
static inline int round_trips(const char *text)
{
	int n = 0;

	for (const char *p = text; *p; p = strchr(p, '\n') + 1)
		n += *p != '\t';
	return n;
}

/* Runs `tests` where both drivers are there; else everything is skipped. */
static inline int run_main(const char *suite, const struct tap_test *tests, size_t n)
{
	static const char *const drivers[] = { "mock", "sqlite" };
	const struct dunlin_driver *drv;
	struct dunlin_error err;

	for (size_t i = 0; i < 2; i++)
		if (loader_find(drivers[i], NULL, &drv, &err) < 0) {
			printf("1..0 # SKIP %s\n", err.message);
			return 0;
		}
	/* Many files, none for long: in memory where that is to be had. */
	if (access("/dev/shm", W_OK | X_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	return tap_main(suite, tests, n);
}

#endif
