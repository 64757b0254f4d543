/*
 * tap.c - CUnit's callbacks turned into TAP lines.
 *
 * CUnit's own console runner returns 0 when tests fail and prints no values,
 * so each test is reported as it completes, and the plan is printed first: a
 * program that dies half-way is seen by its missing lines.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "tap.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned number;          /* of the test that runs            */
static unsigned asserts_before;  /* CUnit's count when it started    */
static int is_skipped;
static char skip_reason[256];

void tap_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, sizeof skip_reason, fmt, ap);
	va_end(ap);
	is_skipped = 1;
}

/* Each line of the text becomes a comment: it may be SQL, and what is not a
 * comment is read as TAP. */
void tap_note(const char *fmt, ...)
{
	va_list ap;
	char text[4096];
	const char *line = text;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	do {
		size_t len = strcspn(line, "\n");

		printf("# %.*s\n", (int)len, line);
		line += len;
	} while (*line && *++line);
}

const char *tap_srcdir(void)
{
	const char *s = getenv("top_srcdir");

	return s && *s ? s : ".";
}

const char *tap_shared(void)
{
	static char path[4096];
	const char *s = getenv("DUNLIN_SHARED");
	struct stat st;
	int n;

	if (s && *s)
		n = snprintf(path, sizeof path, "%s", s);
	else
		n = snprintf(path, sizeof path, "%s/../shared", tap_srcdir());
	if (n < 0 || (size_t)n >= sizeof path)
		return NULL;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

/* On one line, whatever the bytes: a line break would end the comment. */
static void print_bytes(const char *label, const void *p, size_t len)
{
	const unsigned char *s = p;
	size_t i;

	printf("#   %s: ", label);
	if (!p) {
		puts("NULL");
		return;
	}
	putchar('"');
	for (i = 0; i < len && i < 4000; i++) {
		if (s[i] == '\n')
			fputs("\\n", stdout);
		else if (s[i] == '\t')
			fputs("\\t", stdout);
		else if (s[i] == '"' || s[i] == '\\')
			printf("\\%c", s[i]);
		else if (s[i] < 0x20 || s[i] == 0x7f)
			printf("\\x%02x", s[i]);
		else
			putchar(s[i]);
	}
	printf("\"%s (%zu bytes)\n", i < len ? "..." : "", len);
}

static void print_place(const char *file, unsigned line, const char *expr)
{
	printf("# %s:%u: %s\n", file, line, expr);
}

/* Counts the check in CUnit.  The condition is empty for a check that has been
 * printed already; see test_complete(). */
static int record(const char *file, unsigned line, int held)
{
	CU_assertImplementation(held ? CU_TRUE : CU_FALSE, line, "", file, "", CU_FALSE);
	return held;
}

int tap_ok(const char *file, unsigned line, const char *expr, int held)
{
	if (!held)
		print_place(file, line, expr);
	return record(file, line, held);
}

int tap_eq_int(const char *file, unsigned line, const char *expr, intmax_t got, intmax_t want)
{
	if (got != want) {
		print_place(file, line, expr);
		printf("#   got:  %jd\n#   want: %jd\n", got, want);
	}
	return record(file, line, got == want);
}

int tap_eq_mem(const char *file, unsigned line, const char *expr,
               const void *got, size_t got_len, const void *want, size_t want_len)
{
	int held;

	if (!got || !want)
		held = !got && !want;
	else
		held = got_len == want_len && (got_len == 0 || memcmp(got, want, got_len) == 0);
	if (!held) {
		print_place(file, line, expr);
		print_bytes("got ", got, got_len);
		print_bytes("want", want, want_len);
	}
	return record(file, line, held);
}

int tap_eq_str(const char *file, unsigned line, const char *expr, const char *got, const char *want)
{
	return tap_eq_mem(file, line, expr, got, got ? strlen(got) : 0, want, want ? strlen(want) : 0);
}

static void test_start(const CU_pTest test, const CU_pSuite suite)
{
	(void)test;
	(void)suite;
	is_skipped = 0;
	asserts_before = CU_get_number_of_asserts();
}

static void test_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	const char *name = test->pName;
	CU_pFailureRecord f;

	(void)suite;
	number++;
	for (f = failures; f; f = f->pNext)
		if (f->strCondition && *f->strCondition)
			print_place(f->strFileName ? f->strFileName : "?", f->uiLineNumber, f->strCondition);
	if (failures) {
		printf("not ok %u - %s\n", number, name);
	} else if (is_skipped) {
		printf("ok %u - %s # SKIP %s\n", number, name, skip_reason);
	} else if (CU_get_number_of_asserts() == asserts_before) {
		printf("# %s checked nothing\nnot ok %u - %s\n", name, number, name);
	} else {
		printf("ok %u - %s\n", number, name);
	}
	fflush(stdout);
}

static int bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, CU_get_error_msg());
	CU_cleanup_registry();
	return EXIT_FAILURE;
}

int tap_main(const char *suite, const struct tap_test *tests, size_t n)
{
	CU_pSuite s;
	size_t i;
	unsigned n_run;

	/* A crash must not take lines with it that are still in a buffer, and a
	 * child must not print them again. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	number = 0;
	if (CU_initialize_registry() != CUE_SUCCESS)
		return bail_out(suite);
	s = CU_add_suite(suite, NULL, NULL);
	if (!s)
		return bail_out(suite);
	for (i = 0; i < n; i++)
		/* The second of two equal names is added all the same, and said. */
		if (!CU_add_test(s, tests[i].name, tests[i].run) || CU_get_error() != CUE_SUCCESS)
			return bail_out(tests[i].name);
	CU_set_test_start_handler(test_start);
	CU_set_test_complete_handler(test_complete);

	printf("1..%u\n", CU_get_registry()->uiNumberOfTests);
	fflush(stdout);
	if (CU_run_all_tests() != CUE_SUCCESS)
		return bail_out(suite);
	/* Read before the registry goes: it takes the counters with it. */
	n_run = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	return n_run == n && number == n ? EXIT_SUCCESS : EXIT_FAILURE;
}
