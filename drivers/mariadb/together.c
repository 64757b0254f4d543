/*
 * together.c - may a statement commit together with its progress?
 *
 * Only if all that it changes rolls back: rows of a table that is not InnoDB's
 * stay.  The tables of the database are looked at once; after that, statements
 * that may bring in another kind of table end the certainty.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "my_catalog.h"

int my_all_innodb(struct dunlin_conn *c, int *is_all, struct dunlin_driver_error *err)
{
	static const char sql[] =
		"SELECT upper(@@default_storage_engine) = 'INNODB' AND NOT EXISTS (SELECT 1 FROM information_schema.tables"
		" WHERE table_schema = database() AND table_type NOT IN ('VIEW', 'SYSTEM VIEW', 'SEQUENCE')"
		" AND coalesce(engine, '') <> 'InnoDB')";
	char answer[8];
	int status = my_scalar(c, sql, NULL, 0, answer, sizeof answer, err);

	*is_all = status == DUNLIN_OK && strcmp(answer, "1") == 0;
	return status;
}

struct cursor { const char *p, *end; };

static struct drv_token next(struct cursor *c)
{
	return drv_token_next(MY_LEX, &c->p, c->end);
}

/* ENGINE [=] something else, or a table like one of another database. */
static int may_bring_other_tables(const char *sql, size_t len)
{
	struct cursor c = { sql, sql + len };
	struct drv_token t = next(&c), u;

	if (drv_token_is(&t, "RENAME")) {
		while ((t = next(&c)).kind != DRV_TOKEN_END)
			if (drv_token_is(&t, ".")) /* perhaps from another database */
				return 1;
		return 0;
	}
	if (!drv_token_is(&t, "CREATE") && !drv_token_is(&t, "ALTER"))
		return drv_token_is(&t, "SET"); /* SET STATEMENT .. FOR */
	for (t = next(&c); t.kind != DRV_TOKEN_END; t = u) {
		u = next(&c);
		if (drv_token_is(&t, "ENGINE") || drv_token_is(&t, "TYPE")) {
			if (drv_token_is(&u, "="))
				u = next(&c);
			if (!drv_token_is(&u, "InnoDB") && !(u.len == 8 && strncasecmp(u.p + 1, "innodb", 6) == 0))
				return 1;
		} else if (drv_token_is(&t, "LIKE") || drv_token_is(&t, "RENAME")) {
			struct cursor ahead = c;
			struct drv_token dot = next(&ahead);

			if (drv_token_is(&dot, "."))
				return 1;
		}
	}
	return 0;
}

/* INSERT INTO other.t: its tables were not looked at. */
static int is_elsewhere(const struct dunlin_conn *c, const char *sql, size_t len)
{
	static const char *const skipped[] = {
		"INSERT", "REPLACE", "UPDATE", "DELETE", "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "QUICK", "IGNORE", "INTO", "FROM",
	};
	struct cursor at = { sql, sql + len };
	struct drv_token t = next(&at), dot;
	struct drv_text name = { 0 };
	size_t i;
	int is_other;

	for (i = 0; i < sizeof skipped / sizeof *skipped; i++)
		if (drv_token_is(&t, skipped[i])) {
			t = next(&at);
			i = (size_t)-1;
		}
	dot = next(&at);
	if (!drv_token_is(&dot, "."))
		return 0;
	drv_token_name(&t, &name);
	is_other = name.is_failed || !name.p || strcmp(name.p, c->server.database) != 0;
	drv_text_clear(&name);
	return is_other;
}

/* Would the ledger be found, and commit, in the session as the file has made it? */
static int is_at_home(struct dunlin_conn *c)
{
	char answer[sizeof c->server.database + 8] = "";

	if (!c->session.is_dirty)
		return 1;
	return !c->session.has_role &&
	       my_scalar(c, "SELECT concat(@@autocommit, database())", NULL, 0, answer, sizeof answer, NULL) == DUNLIN_OK &&
	       answer[0] == '1' && strcmp(answer + 1, c->server.database) == 0;
}

int my_is_mixed(struct dunlin_conn *c)
{
	int is_all = 0;

	if (c->all_innodb == 0 && my_all_innodb(c, &is_all, NULL) == DUNLIN_OK)
		c->all_innodb = is_all ? 1 : -1;
	return c->all_innodb < 0;
}

int my_goes_together(struct dunlin_conn *c, const char *sql, size_t sql_len, uint32_t traits)
{
	const uint32_t plain = DUNLIN_ST_DDL | DUNLIN_ST_DML | DUNLIN_ST_REPEATABLE;

	if (my_is_mixed(c))
		return 0;
	if (traits & DUNLIN_ST_DML)
		return c->all_innodb > 0 && is_at_home(c) && !is_elsewhere(c, sql, sql_len);
	/* From here on other tables may be there; what cannot be read may make them. */
	if (!(traits & plain) || ((traits & DUNLIN_ST_DDL) && may_bring_other_tables(sql, sql_len)))
		c->all_innodb = -1;
	return 0;
}
