/*
 * group_load.c - what the driver says of itself: the struct, capabilities
 * against slots, and the dialect's tables.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

static int is_text(const char *p)
{
	return p && *p;
}

static void says_who_it_is(struct suite *s)
{
	const struct dunlin_driver *d = s->drv;

	expect(s, is_text(d->version), "no version");
	expect(s, is_text(d->client), "no client library");
	expect(s, d->schemes && is_text(d->schemes[0]), "no URL scheme");
	expect(s, (d->flags & (DUNLIN_DRIVER_FILE | DUNLIN_DRIVER_SERVER)) != 0, "neither FILE nor SERVER in flags");
	for (size_t i = 0; d->schemes && d->schemes[i]; i++)
		for (const char *p = d->schemes[i]; *p; p++)
			expect(s, (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("+.-", *p) != NULL,
			       "scheme '%s' is not in small letters", d->schemes[i]);
}

static void caps_are_possible(struct suite *s)
{
	uint64_t other = s->caps & ~s->drv->possible_caps;

	expect(s, other == 0, "caps() returned bits %#llx that possible_caps has not", (unsigned long long)other);
	expect(s, !can(s, DUNLIN_CAP_TX_DDL | DUNLIN_CAP_DDL_COMMITS), "DDL cannot both roll back and commit");
	expect(s, !can(s, DUNLIN_CAP_TX_DDL) || can(s, DUNLIN_CAP_TX), "TX_DDL without TX");
	expect(s, !can(s, DUNLIN_CAP_SAVEPOINT) || can(s, DUNLIN_CAP_TX), "SAVEPOINT without TX");
	expect(s, can(s, DUNLIN_CAP_TX) == (s->drv->begin != NULL), "TX and begin() do not belong together");
}

static void caps_have_slots(struct suite *s)
{
	const struct dunlin_driver *d = s->drv;
	const struct { uint64_t cap; int has; const char *name; } slots[] = {
		{ DUNLIN_CAP_TX, d->begin && d->commit && d->rollback, "begin, commit, rollback" },
		{ DUNLIN_CAP_SAVEPOINT, d->savepoint != NULL, "savepoint" },
		{ DUNLIN_CAP_LOCK, d->lock && d->unlock, "lock, unlock" },
		{ DUNLIN_CAP_EXEC_MANY, d->exec_many != NULL, "exec_many" },
		{ DUNLIN_CAP_RESET_SESSION, d->reset_session != NULL, "reset_session" },
		{ DUNLIN_CAP_CANCEL, d->cancel != NULL, "cancel" },
		{ DUNLIN_CAP_SNAPSHOT, d->snapshot != NULL, "snapshot" },
		{ DUNLIN_CAP_PROBE, d->probe != NULL, "probe" },
		{ DUNLIN_CAP_BLOCKERS, d->blockers != NULL, "blockers" },
		{ DUNLIN_CAP_CREATE_DATABASE, d->create_database != NULL, "create_database" },
		{ DUNLIN_CAP_DROP_DATABASE, d->drop_database != NULL, "drop_database" },
		{ DUNLIN_CAP_SCRATCH, d->scratch != NULL, "scratch" },
		{ DUNLIN_CAP_ADOPT, d->adopt_handle != NULL, "adopt_handle" },
	};

	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
		expect(s, !(d->possible_caps & slots[i].cap) || slots[i].has, "a capability without its slot: %s", slots[i].name);
}

static void the_entry_answers_again(struct suite *s)
{
	const struct dunlin_driver *again = NULL;
	struct dunlin_error err;
	struct { struct dunlin_host host; char more[64]; } newer = { .host = s->host };

	newer.host.struct_size = sizeof newer;
	newer.host.abi_minor = DUNLIN_DRIVER_ABI_MINOR + 1;
	expect(s, dunlin_driver_load(s->plugin, &newer.host, &again, &err) == 0, "with a newer host: %.300s", err.message);
	expect(s, dunlin_driver_load(s->plugin, &s->host, &again, &err) == 0, "once more: %.300s", err.message);
}

static void load(struct suite *s)
{
	check(s, "it says who it is", says_who_it_is);
	check(s, "its capabilities are possible together", caps_are_possible);
	check(s, "each capability has its slot", caps_have_slots);
	check(s, "a host that is newer than it gets an answer, too", the_entry_answers_again);
}
const struct group group_load = { "load", load };

/* --- dialect ------------------------------------------------------------------------ */

static const char *word(const struct suite *s, const char *name)
{
	for (const struct dunlin_word *w = s->drv->dialect->vocabulary; w && w->name; w++)
		if (strcmp(w->name, name) == 0)
			return w->text;
	return NULL;
}

static void it_has_every_word(struct suite *s)
{
	static const char *const all[] = { "pk", "bool", "true", "false", "int64", "float64", "text", "varchar", "blob",
	                                   "json", "uuid", "timestamp", "now" };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		expect(s, is_text(word(s, all[i])), "${%s} is missing", all[i]);
	expect(s, word(s, "varchar") && strstr(word(s, "varchar"), "%s"), "${varchar} has no %%s for its length");
}

static void every_word_is_its_sql(struct suite *s)
{
	static const char *const types[] = { "bool", "int64", "float64", "text", "blob", "json", "uuid", "timestamp" };
	struct conn c;
	char sql[2048];
	const char *table;
	size_t n = 0;

	if (conn_open(s, &c) < 0)
		return;
	table = make_table(&c);
	must_run(&c, "DROP TABLE %s", table);
	n = (size_t)snprintf(sql, sizeof sql, "CREATE TABLE %s (id %s", table, word(s, "pk") ? word(s, "pk") : "");
	for (size_t i = 0; i < sizeof types / sizeof *types && n < sizeof sql; i++)
		n += (size_t)snprintf(sql + n, sizeof sql - n, ", c%zu %s", i, word(s, types[i]) ? word(s, types[i]) : "");
	snprintf(sql + n, sizeof sql - n, ")");
	if (must_run(&c, "%s", sql) == 0) {
		must_run(&c, "INSERT INTO %s (c0, c7) VALUES (%s, %s)", table, word(s, "true"), word(s, "now"));
		must_run(&c, "INSERT INTO %s (c0, c7) VALUES (%s, %s)", table, word(s, "false"), word(s, "now"));
		expect(s, conn_int(&c, "SELECT count(DISTINCT id) FROM %s", table) == 2, "${pk} does not count on by itself");
		expect(s, conn_int(&c, "SELECT count(*) FROM %s WHERE c0 = %s", table, word(s, "true")) == 1,
		       "${true} and ${false} are the same");
	}
	conn_close(&c);
}

static void now_is_utc_to_the_millisecond(struct suite *s)
{
	struct conn c;
	char a[64] = "", want[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	/* The core fills names in wherever these stand. */
	for (const char *p = s->drv->dialect->now; *p; p++)
		expect(s, *p != '?' && !(*p == '%' && p[1] && strchr("MESmes", p[1])), "'%.2s' in %s", p, s->drv->dialect->now);
	if (conn_open(s, &c) < 0)
		return;
	if (conn_text(&c, a, sizeof a, "SELECT %s", s->drv->dialect->now) == 0) {
		int is_same = strlen(a) == strlen(want);

		for (size_t i = 0; is_same && want[i]; i++)
			is_same = want[i] == 'd' ? a[i] >= '0' && a[i] <= '9' : a[i] == want[i];
		expect(s, is_same, "'%s' is not like 2026-01-31T10:15:02.123Z", a);
	}
	conn_close(&c);
}

static void quotes_make_any_name(struct suite *s)
{
	const struct dunlin_dialect *d = s->drv->dialect;
	char name[80], o = d->quote_open, q = d->quote_close;
	struct conn c;

	if (!expect(s, o && q, "no quotes for names") || conn_open(s, &c) < 0)
		return;
	snprintf(name, sizeof name, "%cdunlin check %c%c Select%c", o, q, q, q);
	conn_runf(&c, "DROP TABLE %s", name);
	if (must_run(&c, "CREATE TABLE %s (id integer)", name) == 0) {
		expect(s, conn_count(&c, name) == 0, "%s has rows", name);
		must_run(&c, "DROP TABLE %s", name);
	}
	conn_close(&c);
}

static void dialect(struct suite *s)
{
	check(s, "the portable vocabulary is whole", it_has_every_word);
	check(s, "each of its words is what it says", every_word_is_its_sql);
	check(s, "`now` is RFC 3339 in UTC", now_is_utc_to_the_millisecond);
	check(s, "quotes make any name a name", quotes_make_any_name);
}
const struct group group_dialect = { "dialect", dialect };
