/*
 * progress.h - the line that moves at the bottom of a terminal.
 *
 * Between progress_start() and progress_end() it is drawn on standard error
 * once the run has taken half a second, by a thread of its own, so that the
 * time goes on while a statement takes long.  Where standard error is no
 * terminal, all of it does nothing.
 */
#ifndef DUNLIN_CLI_PROGRESS_H
#define DUNLIN_CLI_PROGRESS_H

#include "cli.h"

void progress_start(struct cli *c);
void progress_update(struct cli *c, const struct dunlin_progress *p);
/* Around other output on the same terminal. */
void progress_pause(struct cli *c);
void progress_go_on(struct cli *c);
void progress_end(struct cli *c); /* twice, or with none started, is fine */

#endif
