/*
 * execute.h - running a request while telling what happens: a line for each
 * migration, or each event as JSON.
 */
#ifndef DUNLIN_CLI_EXECUTE_H
#define DUNLIN_CLI_EXECUTE_H

#include "cli.h"

/* What the events told. */
struct tally {
	int64_t n_applied, n_reverted;
};

/* 0, or -1 with err.  Afterwards dunlin_last_summary() tells the rest. */
int execute(struct cli *c, const struct dunlin_request *req, struct tally *tally, struct dunlin_error *err);

/* "applied  1.0.6-001  add_inbox_retry  12 ms"; ms -1: none. */
void print_migration_line(struct cli *c, enum style style, const char *word, const char *component,
                          const char *version, const char *name, int64_t ms);
/* "; now at 1.0.6-001", or nothing. */
void print_now_at(struct cli *c, const struct dunlin_summary *s);

#endif
