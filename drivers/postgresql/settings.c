/*
 * settings.c - what every session of ours is set to, and how that gets there.
 *
 * In the startup packet a setting becomes the session's default, and RESET ALL
 * keeps it.  A session pooler takes no startup options: there they are set
 * afterwards, and again after each reset.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "pg_driver.h"

/* A dead run's statement ends, and its locks go, within seconds; a run that
 * waits for a person or a lock is not hung up on. */
static const struct {
	const char *name, *value;
	int since; /* server version */
} settings[] = {
	{ "standard_conforming_strings", "on", 0 },
	{ "default_transaction_read_only", "off", 0 },
	{ "idle_in_transaction_session_timeout", "0", 0 },
	{ "tcp_keepalives_idle", "15", 0 },
	{ "tcp_keepalives_interval", "5", 0 },
	{ "tcp_keepalives_count", "3", 0 },
	{ "tcp_user_timeout", "30000", 120000 },
	{ "idle_session_timeout", "0", 140000 },
	{ "client_connection_check_interval", "2s", 140000 },
};

#define N_SETTINGS (sizeof settings / sizeof *settings)
#define OLD_VERSION 120000

static int is_in(size_t i, int way)
{
	return way != PG_SETTINGS_OLD || settings[i].since < OLD_VERSION;
}

void pg_settings_startup(const struct pg_options *o, int way, struct drv_text *t)
{
	size_t i;

	for (i = 0; i < N_SETTINGS; i++)
		if (is_in(i, way))
			drv_text_addf(t, "%s-c %s=%s", t->len ? " " : "", settings[i].name, settings[i].value);
	if (o->lock_timeout_ms > 0)
		drv_text_addf(t, " -c lock_timeout=%lld", (long long)o->lock_timeout_ms);
	if (o->statement_timeout_ms >= 0)
		drv_text_addf(t, " -c statement_timeout=%lld", (long long)o->statement_timeout_ms);
}

/* Joined with pg_settings, so that a server that lacks one does not fail. */
void pg_settings_query(const struct pg_options *o, struct drv_text *t)
{
	size_t i;

	drv_text_adds(t, "SELECT pg_catalog.count(pg_catalog.set_config(s.name, v.value, false)) FROM (VALUES ");
	for (i = 0; i < N_SETTINGS; i++)
		drv_text_addf(t, "%s('%s', '%s')", i ? ", " : "", settings[i].name, settings[i].value);
	if (o->lock_timeout_ms > 0)
		drv_text_addf(t, ", ('lock_timeout', '%lld')", (long long)o->lock_timeout_ms);
	if (o->statement_timeout_ms >= 0)
		drv_text_addf(t, ", ('statement_timeout', '%lld')", (long long)o->statement_timeout_ms);
	drv_text_adds(t, ") v (name, value) JOIN pg_catalog.pg_settings s ON s.name OPERATOR(pg_catalog.=) v.name");
}
