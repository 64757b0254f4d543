/*
 * cmd_plan.h - showing a plan, for `plan` and `up --dry-run`.
 */
#ifndef DUNLIN_CLI_CMD_PLAN_H
#define DUNLIN_CLI_CMD_PLAN_H

#include "cli.h"

/* Prints what the request would do; returns the exit code. */
int show_plan(struct cli *c, const struct dunlin_request *req);

#endif
