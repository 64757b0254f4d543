/*
 * suite.h - the conformance suite: what a driver promises in dunlin/driver.h,
 * tried on a real database.  Part of the program (`dunlin driver-check`), so it
 * sees the public headers alone; each file is one or two groups of checks.
 *
 * The suite speaks portable SQL, made of the dialect's own vocabulary; where a
 * database wants other words, the quirks file gives them.  What a driver cannot
 * do follows from its capability bits.
 */
#ifndef DUNLIN_TESTS_SUITE_H
#define DUNLIN_TESTS_SUITE_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <dunlin/dunlin.h>

/* --- what the database wants said otherwise (quirks.c) ------------------------- */

enum quirk {
	QUIRK_CREATE,  /* CREATE TABLE of two columns, id integer and name text; %s: the table  */
	QUIRK_SYNTAX,  /* a statement with a syntax error                                       */
	QUIRK_SLOW,    /* a statement that runs for a minute at least; %s: a table of 200 rows  */
	QUIRK_COPY,    /* a statement that takes data; %s: the table                            */
	QUIRK_DATA,    /* ... two lines of data, for id 1 and 2                                 */
	QUIRK_COMMIT,  /* ends a transaction                                                    */
	N_QUIRKS
};

/* --- the suite (suite.c) ---------------------------------------------------------- */

struct suite {
	const struct dunlin_driver *drv;
	const char *plugin;             /* its path                                     */
	const char *url;
	struct dunlin_kv *opt;          /* of the URL; with room for some more          */
	size_t n_opt;
	uint64_t caps;                  /* of a connection to that URL                  */
	char *quirk[N_QUIRKS];
	FILE *out;
	const char *group;
	int n, n_failed, n_tables;
	int is_ok;                      /* the check that runs                          */
	char why[1024];                 /* ... what was wrong first                     */
	/* the host that it lends (host.c) */
	struct dunlin_host host;
	struct dunlin_control ctl;
	char secret[256];               /* the password, "" if there is none            */
};

struct group {
	const char *name;
	void (*run)(struct suite *s);
};
extern const struct group group_load, group_open, group_exec, group_query, group_errors, group_transactions,
	group_savepoints, group_lock, group_cancel, group_deadlines, group_copy, group_exec_many, group_ledger,
	group_dialect, group_snapshot, group_probe, group_memory, group_threads, group_fork;

/* One check: `run` calls expect(); the first that fails tells why. */
void check(struct suite *s, const char *sentence, void (*run)(struct suite *s));
/* A group without a capability: one line that says so. */
void without(struct suite *s, const char *why);
/* Returns is_ok; fmt tells what was there instead. */
int  expect(struct suite *s, int is_ok, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int  can(const struct suite *s, uint64_t cap);
const char *quirk(const struct suite *s, enum quirk q);
int  quirks_read(struct suite *s, const char *file, struct dunlin_error *err);
void quirks_clear(struct suite *s);

/* --- the host (host.c) --------------------------------------------------------------- */

void host_init(struct suite *s);
/* The n-th allocation from now on fails, and all after it; 0: none does. */
void host_fail_at(long n);
int  host_has_failed(void);
long host_n_live(void); /* blocks that the driver has not given back */
/* What should_stop() and remaining_ms() say; -1: no deadline. */
void host_set_stop(int stop);
void host_set_deadline(int64_t ms);
int64_t host_now_ms(void);
void host_sleep_ms(int64_t ms);
/* Has a line been logged, or an error been told, with the secret in it? */
int  host_has_leaked(const struct suite *s, const char *text);
int  host_log_leaked(void);

/* --- using the driver (use.c): each tells what failed through expect() ------------------ */

struct conn {
	struct suite *s;
	struct dunlin_conn *c;
	struct dunlin_driver_error err;
};
#define STATUS_TEXT_SIZE 600
const char *status_text(const struct conn *c, int status, char text[STATUS_TEXT_SIZE]);

int  conn_open(struct suite *s, struct conn *c); /* 0 or -1 */
void conn_close(struct conn *c);
/* Clears the error, ready for a slot. */
struct dunlin_driver_error *conn_err(struct conn *c);
struct dunlin_step step_of(int kind, const char *sql);
int  conn_run(struct conn *c, const char *sql);         /* as one STATEMENT; a dunlin_status      */
int  conn_runf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int  must_run(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* 0 or -1 */
/* First value of the first row; -1 where the query failed. */
int64_t conn_int(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int  conn_text(struct conn *c, char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int64_t conn_count(struct conn *c, const char *table);
int  conn_tx_state(struct conn *c); /* -1: it failed */

/* A table with the columns id and name that the suite drops at the end; its
 * name, valid for the check. */
const char *make_table(struct conn *c);
void drop_tables(struct suite *s);
/* 200 rows in it. */
int  fill_table(struct conn *c, const char *table);
void slow_sql(const struct suite *s, const char *table, char *out, size_t size);

#endif
