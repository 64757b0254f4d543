/*
 * error.h - filling struct dunlin_error.  Set once, where the cause is known;
 * upper layers add only what they alone know.  err may always be NULL.
 */
#ifndef DUNLIN_CORE_ERROR_H
#define DUNLIN_CORE_ERROR_H

#include <dunlin/dunlin.h>

/* Clears *err and sets code, class and message.  Returns -1. */
int error_set(struct dunlin_error *err, int code, int errclass, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int error_nomem(struct dunlin_error *err);
/* Adds to what is set.  Each keeps an earlier value unless `fmt` is new. */
void error_hint(struct dunlin_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void error_state(struct dunlin_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void error_at(struct dunlin_error *err, const char *file, uint32_t line, uint32_t column);
void error_migration(struct dunlin_error *err, const char *component, const char *version);
void error_statement(struct dunlin_error *err, const char *sql, size_t len); /* keeps the first line */
void error_clear(struct dunlin_error *err);

/* Takes over a driver's error: class, native code, message with its detail. */
int error_from_driver(struct dunlin_error *err, int code, const struct dunlin_driver_error *de);

/* The first of 11, 8, 4, 10 that is among the two, else the first non-zero. */
int error_code_max(int a, int b);

#endif
