/*
 * commands.c - the table of commands, in the order of `dunlin help`.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"

#include <string.h>

const struct command *const commands[] = {
	&cmd_up, &cmd_plan, &cmd_rollback, &cmd_down, &cmd_redo, &cmd_reset, &cmd_baseline,
	&cmd_status, &cmd_version, &cmd_history, &cmd_validate, &cmd_verify, &cmd_health,
	&cmd_repair, &cmd_create, &cmd_drop, &cmd_wait,
	&cmd_init, &cmd_new, &cmd_parse, &cmd_hash,
	&cmd_drivers, &cmd_driver_check, &cmd_completion, &cmd_help,
	NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}
