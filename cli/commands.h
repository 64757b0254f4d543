/*
 * commands.h - one row a command, each in its cmd_*.c.
 */
#ifndef DUNLIN_CLI_COMMANDS_H
#define DUNLIN_CLI_COMMANDS_H

#include "cli.h"

extern const struct command cmd_init, cmd_new, cmd_status, cmd_version, cmd_parse, cmd_plan, cmd_up,
	cmd_rollback, cmd_down, cmd_redo, cmd_reset, cmd_baseline, cmd_validate, cmd_verify, cmd_repair,
	cmd_history, cmd_hash, cmd_create, cmd_drop, cmd_wait, cmd_health, cmd_drivers, cmd_completion,
	cmd_driver_check, cmd_help;

#endif
