/*
 * driver_check.c - a driver's struct against the rules of driver.h.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "driver_check.h"

#include "error.h"

#include <string.h>

/* What the first release of the ABI had; later members may be missing. */
#define DRIVER_MIN  offsetof(struct dunlin_driver, begin)
#define DIALECT_MIN (offsetof(struct dunlin_dialect, elapsed_ms) + sizeof(const char *))

/* The capabilities that this core knows. */
#define KNOWN_CAPS ((DUNLIN_CAP_PROBE_SQL << 1) - 1)

#define SLOT(cap, member) { cap, #member, offsetof(struct dunlin_driver, member) }

/* Which slots a capability promises; 0: required of every driver. */
static const struct { uint64_t cap; const char *name; size_t offset; } slots[] = {
	SLOT(0, open), SLOT(0, close), SLOT(0, caps), SLOT(0, exec), SLOT(0, query), SLOT(0, tx_state),
	SLOT(DUNLIN_CAP_TX, begin), SLOT(DUNLIN_CAP_TX, commit), SLOT(DUNLIN_CAP_TX, rollback),
	SLOT(DUNLIN_CAP_SAVEPOINT, savepoint),
	SLOT(DUNLIN_CAP_LOCK, lock), SLOT(DUNLIN_CAP_LOCK, unlock),
	SLOT(DUNLIN_CAP_EXEC_MANY, exec_many),
	SLOT(DUNLIN_CAP_RESET_SESSION, reset_session),
	SLOT(DUNLIN_CAP_CANCEL, cancel),
	SLOT(DUNLIN_CAP_SNAPSHOT, snapshot),
	SLOT(DUNLIN_CAP_PROBE, probe),
	SLOT(DUNLIN_CAP_PROBE_SQL, probe_sql),
	SLOT(DUNLIN_CAP_BLOCKERS, blockers),
	SLOT(DUNLIN_CAP_CREATE_DATABASE, create_database),
	SLOT(DUNLIN_CAP_DROP_DATABASE, drop_database),
	SLOT(DUNLIN_CAP_SCRATCH, scratch),
	SLOT(DUNLIN_CAP_LINT, lint),
	SLOT(DUNLIN_CAP_ADOPT, adopt_handle),
};

/* A capability that makes sense only with another one. */
static const struct { uint64_t cap, needs; } needs[] = {
	{ DUNLIN_CAP_TX_DDL, DUNLIN_CAP_TX },
	{ DUNLIN_CAP_SAVEPOINT, DUNLIN_CAP_TX },
	{ DUNLIN_CAP_PROBE_SQL, DUNLIN_CAP_PROBE },
};

#define refuse(err, ...) error_set(err, DUNLIN_EXIT_DRIVER, DUNLIN_CLASS_DRIVER, __VA_ARGS__)

static int refuse_build(struct dunlin_error *err)
{
	error_hint(err, "Build the driver again with the headers of this dunlin, or tell its author.");
	return -1;
}

static const char *name_of(uint64_t cap)
{
	const char *name;
	unsigned bit = 0;

	while (cap >>= 1)
		bit++;
	name = dunlin_cap_name(bit);
	return name ? name : "?";
}

int driver_name_is_valid(const char *name)
{
	if (name[0] < 'a' || name[0] > 'z')
		return 0;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int is_scheme(const char *s)
{
	return s[0] >= 'a' && s[0] <= 'z' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+._-")] == '\0';
}

static int has_slot(const struct dunlin_driver *d, size_t offset)
{
	void (*slot)(void);

	memcpy(&slot, (const char *)d + offset, sizeof slot);
	return slot != NULL;
}

static int check_identity(const struct dunlin_driver *d, const char *file_name, struct dunlin_error *err)
{
	const uint32_t kinds = DUNLIN_DRIVER_FILE | DUNLIN_DRIVER_SERVER;

	if (!d->name || !driver_name_is_valid(d->name))
		return refuse(err, "the driver has no name of the form [a-z][a-z0-9_]*");
	if (file_name && strcmp(d->name, file_name) != 0)
		return refuse(err, "the driver calls itself '%.64s', which is not the file's name", d->name);
	if (!(d->flags & kinds))
		return refuse(err, "the driver's flags say neither that it works on files nor on servers");
	if (!d->schemes || !d->schemes[0])
		return refuse(err, "the driver serves no URL scheme");
	for (const char *const *s = d->schemes; *s; s++)
		if (!is_scheme(*s))
			return refuse(err, "the driver's URL scheme '%.64s' is not of the form [a-z][a-z0-9+._-]*", *s);
	return 0;
}

static int check_slots(const struct dunlin_driver *d, struct dunlin_error *err)
{
	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
		if (has_slot(d, slots[i].offset))
			continue;
		if (slots[i].cap == 0)
			return refuse(err, "the driver has no function '%s', which is required", slots[i].name);
		if (d->possible_caps & slots[i].cap)
			return refuse(err, "the driver promises '%s' and has no function '%s'",
			              name_of(slots[i].cap), slots[i].name);
	}
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
		if ((d->possible_caps & needs[i].cap) && !(d->possible_caps & needs[i].needs))
			return refuse(err, "the driver promises '%s' without '%s'",
			              name_of(needs[i].cap), name_of(needs[i].needs));
	return 0;
}

static int check_dialect(const struct dunlin_driver *d, struct dunlin_dialect *out, struct dunlin_error *err)
{
	const struct dunlin_dialect *theirs = d->dialect;

	if (!theirs)
		return refuse(err, "the driver has no dialect");
	if (theirs->struct_size < DIALECT_MIN)
		return refuse(err, "the driver's dialect has %u bytes, at least %zu are needed",
		              (unsigned)theirs->struct_size, DIALECT_MIN);
	memset(out, 0, sizeof *out);
	memcpy(out, theirs, theirs->struct_size < sizeof *out ? theirs->struct_size : sizeof *out);
	out->struct_size = sizeof *out;
	if (!out->name)
		out->name = d->name;
	if (strcmp(out->name, d->name) != 0)
		return refuse(err, "the driver's dialect is called '%.64s', the driver '%s'", out->name, d->name);
	if (!out->quote_open || !out->quote_close)
		return refuse(err, "the driver's dialect has no quotes for identifiers");
	if (out->param_style > DUNLIN_PARAM_DOLLAR || out->concat_style > DUNLIN_CONCAT_FUNCTION)
		return refuse(err, "the driver's dialect has a style of parameters or of concatenation that is not known");
	if (!out->ledger_ddl || !out->ledger_ddl[0] || !out->ledger_exists || !out->foreign_tables ||
	    !out->now || !out->elapsed_ms)
		return refuse(err, "the driver's dialect lacks one of ledger_ddl, ledger_exists, foreign_tables, now, elapsed_ms");
	return 0;
}

int driver_check(const struct dunlin_driver *theirs, const char *file_name, struct dunlin_driver *out,
                 struct dunlin_dialect *dialect, struct dunlin_error *err)
{
	if (theirs->magic != DUNLIN_DRIVER_MAGIC) {
		refuse(err, "what its entry returned is not a driver: magic number %08x instead of %08x",
		       (unsigned)theirs->magic, (unsigned)DUNLIN_DRIVER_MAGIC);
		return refuse_build(err);
	}
	if (theirs->struct_size < DRIVER_MIN) {
		refuse(err, "the driver's struct has %u bytes, at least %zu are needed",
		       (unsigned)theirs->struct_size, DRIVER_MIN);
		return refuse_build(err);
	}
	memset(out, 0, sizeof *out);
	memcpy(out, theirs, theirs->struct_size < sizeof *out ? theirs->struct_size : sizeof *out);
	out->struct_size = sizeof *out;
	out->possible_caps &= KNOWN_CAPS;
	out->version = out->version ? out->version : "";
	out->client = out->client ? out->client : "";
	if (check_identity(out, file_name, err) < 0 || check_slots(out, err) < 0 ||
	    check_dialect(out, dialect, err) < 0)
		return refuse_build(err);
	out->dialect = dialect;
	return 0;
}
