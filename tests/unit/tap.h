/*
 * tap.h - runs a file of CUnit tests and reports them as TAP.
 *
 * A test is a sentence and a function.  It fails when an assertion fails, and
 * also when it made none: a test that checks nothing cannot pass.  The TAP_
 * checks print what they got and what they wanted, and tell whether they held,
 * so that a test may stop early:
 *
 *     if (!TAP_OK(p != NULL))
 *             return;
 *
 * The macros of CUnit itself may be used beside them.
 */
#ifndef DUNLIN_TESTS_TAP_H
#define DUNLIN_TESTS_TAP_H

#include <stddef.h>
#include <stdint.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

/* Runs the tests in order and prints TAP to standard output.  Returns the exit
 * status for main(): 0 once every test has its line, passed or not, because
 * the reader of TAP counts; anything else means that the run itself broke. */
int tap_main(const char *suite, const struct tap_test *tests, size_t n);

/* Reports the current test as skipped for this reason, unless a check failed;
 * the caller returns after it. */
void tap_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Lines of explanation in the log ("# ..."). */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* $top_srcdir, or ".". */
const char *tap_srcdir(void);

/* Folder of the shared cases: $DUNLIN_SHARED, or "../shared" beside the source
 * tree; NULL where there is none. */
const char *tap_shared(void);

#define TAP_OK(cond) tap_ok(__FILE__, __LINE__, #cond, !!(cond))
#define TAP_EQ_INT(got, want) \
	tap_eq_int(__FILE__, __LINE__, #got, (intmax_t)(got), (intmax_t)(want))
/* NULL equals NULL only. */
#define TAP_EQ_STR(got, want) tap_eq_str(__FILE__, __LINE__, #got, (got), (want))
#define TAP_EQ_MEM(got, gotlen, want, wantlen) \
	tap_eq_mem(__FILE__, __LINE__, #got, (got), (gotlen), (want), (wantlen))

/* Behind the macros; each returns 1 if the check held. */
int tap_ok(const char *file, unsigned line, const char *expr, int held);
int tap_eq_int(const char *file, unsigned line, const char *expr, intmax_t got, intmax_t want);
int tap_eq_str(const char *file, unsigned line, const char *expr, const char *got, const char *want);
int tap_eq_mem(const char *file, unsigned line, const char *expr,
               const void *got, size_t got_len, const void *want, size_t want_len);

#endif
