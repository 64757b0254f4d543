/*
 * session.c - what a file's statements do to their session, and who writes the
 * journal meanwhile.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "my_driver.h"

int my_reset_session(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	return my_enter(c, err);
}

void my_side_close(struct dunlin_conn *c)
{
	my_close(c->side);
	c->side = NULL;
}
