/*
 * adopt.c - an application's own connection: taken as it is, given back as it
 * was.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "my_driver.h"

/* Settings that a run changes, and that are put back. */
static int keep_settings(void *arg, int ncol, const char *const *value, const size_t *len)
{
	static const char *const name[] = {
		"autocommit", "foreign_key_checks", "unique_checks", "wait_timeout", "time_zone", "lock_wait_timeout",
		"innodb_lock_wait_timeout", "max_statement_time", "sql_mode", "sql_select_limit",
	};
	static const char is_text[] = "0000100010";
	struct drv_text *out = arg;
	int i;

	drv_text_adds(out, "SET SESSION ");
	for (i = 0; i < ncol && i < 10; i++) {
		if (!value[i])
			continue;
		drv_text_addf(out, "%s%s=", i ? ", " : "", name[i]);
		if (is_text[i] == '1')
			my_literal(out, value[i], len[i]);
		else
			drv_text_add(out, value[i], len[i]);
	}
	return 0;
}

static int keep_charset(void *arg, int ncol, const char *const *value, const size_t *len)
{
	struct drv_text *out = arg;

	(void)len;
	if (ncol == 4 && value[0] && value[1] && value[2])
		drv_text_addf(out, ";SET character_set_client=%s, character_set_connection=%s, collation_connection=%s, "
		              "character_set_results=%s", value[0], value[1], value[2], value[3] ? value[3] : "NULL");
	return 0;
}

static int keep(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = my_each(c, "SELECT @@autocommit, @@foreign_key_checks, @@unique_checks, @@wait_timeout, @@time_zone, "
	                        "@@lock_wait_timeout, @@innodb_lock_wait_timeout, @@max_statement_time, @@sql_mode, "
	                        "@@sql_select_limit", NULL, 0, keep_settings, &c->restore, err);

	if (status == DUNLIN_OK)
		status = my_each(c, "SELECT @@character_set_client, @@character_set_connection, @@collation_connection, "
		                    "@@character_set_results", NULL, 0, keep_charset, &c->restore, err);
	return status == DUNLIN_OK && c->restore.is_failed ? drv_nomem(err) : status;
}

static int refuse_open_tx(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int32_t state = DUNLIN_TX_NONE;
	int status = my_tx_state(c, &state, err);

	if (status != DUNLIN_OK || state == DUNLIN_TX_NONE)
		return status;
	drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "the connection has a transaction open");
	drv_hint(err, "Commit it or roll it back before you hand the connection over.");
	return DUNLIN_ERROR;
}

int my_adopt(void *handle, const struct dunlin_control *ctl, struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	struct dunlin_conn *c = drv_zalloc(sizeof *c);
	int status;

	*out = NULL;
	if (!c)
		return drv_nomem(err);
	if (ctl)
		memcpy(&c->ctl, ctl, ctl->struct_size < sizeof c->ctl ? ctl->struct_size : sizeof c->ctl);
	c->my = handle;
	c->is_adopted = 1;
	c->opt.lock_timeout_ms = 5000;
	/* A second stack: the library's calls come back while they wait. */
	status = mysql_options(c->my, MYSQL_OPT_NONBLOCK, 0) ? drv_nomem(err) : refuse_open_tx(c, err);
	c->is_multi = MY_MULTI_UNKNOWN;
	if (status == DUNLIN_OK)
		status = keep(c, err);
	if (status == DUNLIN_OK)
		status = my_set_up(c, err);
	if (status == DUNLIN_OK)
		status = my_do(c, "SET NAMES utf8mb4", err);
	if (status != DUNLIN_OK) {
		my_close(c);
		return status;
	}
	*out = c;
	return DUNLIN_OK;
}

/* The character set is left as it was; whether several statements may share a
 * packet, as the client's flags say. */
void my_give_back(struct dunlin_conn *c)
{
	if (!c->is_lost && c->restore.len) {
		c->is_ignoring_stop++;
		if (c->is_begun || c->is_user_tx)
			my_do(c, "ROLLBACK", NULL);
		if (my_multi(c, 1, NULL) == DUNLIN_OK)
			my_do(c, c->restore.p, NULL);
		if (!(c->my->client_flag & CLIENT_MULTI_STATEMENTS))
			my_multi(c, 0, NULL);
		c->is_ignoring_stop--;
	}
	c->my = NULL;
}
