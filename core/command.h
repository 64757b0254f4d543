/*
 * command.h - asks another program and hears its answer, within bounds.
 */
#ifndef DUNLIN_CORE_COMMAND_H
#define DUNLIN_CORE_COMMAND_H

#include <dunlin/dunlin.h>

#include <stdint.h>

struct buf;

struct command_limits {
	int64_t ms;                   /* for the whole answer                          */
	int   (*should_stop)(void *); /* asked often; non-zero: give up.  May be NULL. */
	void   *arg;
};

enum command_result {
	COMMAND_RAN = 0,
	COMMAND_ABSENT,     /* there is no such program on PATH */
	COMMAND_FAILED = -1 /* the error says why               */
};

/*
 * Runs the program argv[0], looked up on PATH, without a shell and with nothing
 * on its standard input.  out and errors get what it prints, up to their
 * maximum: more is an error for out, and dropped for errors.  *status: its exit
 * status, 128 and more after a signal.  A program that takes too long or says
 * too much is killed, with what it started.
 * Errors: TIMEOUT, STOPPED, USAGE.
 */
int command_run(const char *const *argv, const struct command_limits *limits, struct buf *out, struct buf *errors,
                int *status, struct dunlin_error *err);

#endif
