/*
 * request.h - what to run, from options, and as a file that `plan --out` writes
 * and `up --plan` reads.
 */
#ifndef DUNLIN_CLI_REQUEST_H
#define DUNLIN_CLI_REQUEST_H

#include "cli.h"

#include <jansson.h>

/* Rows of several commands' option tables. */
#define OPTIONS_UP \
	{ "to", 0, ARG_VERSION, "VERSION", "apply up to this version", NULL }, \
	{ "release", 0, ARG_TEXT, "X.Y.Z", "apply all sequences up to that release", NULL }, \
	{ "count", 0, ARG_TEXT, "N", "apply at most N", NULL }, \
	{ "transaction", 0, ARG_CHOICE, "HOW", "a transaction each, one for all, or none", "migration all none" }, \
	{ "allow-out-of-order", 0, ARG_NONE, NULL, "also apply what is older than the newest applied one", NULL }, \
	{ "existing-schema", 0, ARG_NONE, NULL, "accept a database that has tables and no ledger", NULL }

#define OPTIONS_ROLLBACK \
	{ "batch", 0, ARG_TEXT, "N", "revert that batch alone", NULL }, \
	{ "only", 0, ARG_VERSION, "VERSION", "revert that migration alone", NULL }, \
	{ "all", 0, ARG_NONE, NULL, "revert everything", NULL }, \
	OPTIONS_DOWN

#define OPTIONS_DOWN \
	{ "force", 0, ARG_NONE, NULL, "drop the record of irreversible and baselined ones", NULL }, \
	{ "down-from", 0, ARG_CHOICE, "WHERE", "take the down SQL from the ledger or the files", "ledger files" }

#define OPTION_NO_LOCK \
	{ "no-lock", 0, ARG_NONE, NULL, "run with a driver that has no lock", NULL }

/* The request that the options describe.  Strings are borrowed from c; needs
 * an open handle.  0, or -1 with a usage error. */
int request_fill(struct cli *c, int op, struct dunlin_request *req, struct dunlin_error *err);

/* Writes the file whole or not at all. */
int plan_file_write(const char *path, const struct dunlin_request *req, const struct dunlin_plan *p,
                    struct dunlin_error *err);
/* Reads one for `op`.  The request's strings live until json_decref(*owner). */
int plan_file_read(const char *path, int op, struct dunlin_request *req, json_t **owner, struct dunlin_error *err);

#endif
