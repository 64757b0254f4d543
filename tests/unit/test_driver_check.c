/*
 * test_driver_check.c - a sound driver's struct, made wrong in one way at a
 * time.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "driver_check.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* Never called: only that they are there is looked at. */
static int f_open(const struct dunlin_kv *o, size_t n, const struct dunlin_control *ctl,
                  struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	(void)o, (void)n, (void)ctl, (void)out, (void)err;
	return DUNLIN_ENOTSUP;
}
static void f_close(struct dunlin_conn *c)
{
	(void)c;
}
static uint64_t f_caps(struct dunlin_conn *c)
{
	(void)c;
	return 0;
}
static int f_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	(void)c, (void)step, (void)err;
	return DUNLIN_ENOTSUP;
}
static int f_query(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *p, size_t n,
                   dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	(void)c, (void)sql, (void)len, (void)p, (void)n, (void)row, (void)arg, (void)err;
	return DUNLIN_ENOTSUP;
}
static int f_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{
	(void)c, (void)state, (void)err;
	return DUNLIN_ENOTSUP;
}

static const char *const ddl[] = { "CREATE", NULL };
static const char *const schemes[] = { "some", "some+ssl.v2-x_y", NULL };

static const struct dunlin_dialect good_dialect = {
	.struct_size = sizeof good_dialect, .name = "some", .quote_open = '"', .quote_close = '"',
	.ledger_ddl = ddl, .ledger_exists = "x", .foreign_tables = "x", .now = "x", .elapsed_ms = "x",
};

static const struct dunlin_driver good = {
	.magic = DUNLIN_DRIVER_MAGIC, .struct_size = sizeof good, .flags = DUNLIN_DRIVER_SERVER,
	.name = "some", .schemes = schemes, .dialect = &good_dialect,
	.open = f_open, .close = f_close, .caps = f_caps, .exec = f_exec, .query = f_query, .tx_state = f_state,
};

static struct dunlin_driver d, out;
static struct dunlin_dialect dialect, out_dialect;
static struct dunlin_error err;

static void reset(void)
{
	d = good;
	dialect = good_dialect;
	d.dialect = &dialect;
	memset(&err, 0, sizeof err);
}

static void refused(const char *message)
{
	TAP_EQ_INT(driver_check(&d, "some", &out, &out_dialect, &err), -1);
	TAP_EQ_STR(err.message, message);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_DRIVER);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_DRIVER);
	TAP_OK(err.hint[0] != '\0');
	reset();
}

static void driver_check_copies_a_sound_driver(void)
{
	reset();
	TAP_EQ_INT(driver_check(&d, "some", &out, &out_dialect, &err), 0);
	TAP_EQ_STR(out.name, "some");
	TAP_EQ_STR(out.version, "");
	TAP_EQ_STR(out.client, "");
	TAP_OK(out.dialect == &out_dialect);
	TAP_OK(out.open == f_open && out.tx_state == f_state && out.drop_objects == NULL);
	TAP_EQ_INT(driver_check(&d, NULL, &out, &out_dialect, NULL), 0);
	/* a dialect without a name has the driver's */
	dialect.name = NULL;
	TAP_EQ_INT(driver_check(&d, "some", &out, &out_dialect, &err), 0);
	TAP_EQ_STR(out_dialect.name, "some");
	d.flags |= DUNLIN_DRIVER_FILE | UINT32_C(1) << 30;
	TAP_EQ_INT(driver_check(&d, "some", &out, &out_dialect, &err), 0);
}

static void driver_check_takes_an_older_and_a_newer_struct(void)
{
	struct { struct dunlin_driver d; void *more[4]; } newer;
	struct { struct dunlin_dialect d; void *more[4]; } newer_dialect;

	reset();
	/* what lies beyond its size is not read as its own */
	d.struct_size = offsetof(struct dunlin_driver, begin);
	d.drop_objects = (int (*)(struct dunlin_conn *, struct dunlin_driver_error *))(void (*)(void))f_close;
	TAP_EQ_INT(driver_check(&d, "some", &out, &out_dialect, &err), 0);
	TAP_OK(out.drop_objects == NULL);
	TAP_EQ_INT(out.struct_size, sizeof out);

	reset();
	memset(&newer, 0xff, sizeof newer);
	memset(&newer_dialect, 0xff, sizeof newer_dialect);
	newer.d = d;
	newer_dialect.d = dialect;
	newer_dialect.d.struct_size = sizeof newer_dialect;
	newer.d.dialect = &newer_dialect.d;
	newer.d.struct_size = sizeof newer;
	newer.d.abi_minor = 99;
	newer.d.possible_caps = UINT64_C(1) << 63 | DUNLIN_CAP_READ_ONLY;
	TAP_EQ_INT(driver_check(&newer.d, "some", &out, &out_dialect, &err), 0);
	TAP_EQ_INT(out.struct_size, sizeof out);
	TAP_EQ_INT(out_dialect.struct_size, sizeof out_dialect);
	TAP_EQ_INT(out.abi_minor, 99);
	TAP_OK(out.possible_caps == DUNLIN_CAP_READ_ONLY);
}

static void driver_check_refuses_a_wrong_identity(void)
{
	static const char *const none[] = { NULL };
	static const char *const upper[] = { "some", "Some", NULL };
	static const char *const empty[] = { "", NULL };
	static char message[128];

	reset();
	d.magic = 0x12345678;
	refused("what its entry returned is not a driver: magic number 12345678 instead of 44554e4c");
	d.struct_size = offsetof(struct dunlin_driver, begin) - 1;
	snprintf(message, sizeof message, "the driver's struct has %zu bytes, at least %zu are needed",
	         offsetof(struct dunlin_driver, begin) - 1, offsetof(struct dunlin_driver, begin));
	refused(message);
	d.name = NULL;
	refused("the driver has no name of the form [a-z][a-z0-9_]*");
	d.name = "Some";
	refused("the driver has no name of the form [a-z][a-z0-9_]*");
	d.name = "other";
	refused("the driver calls itself 'other', which is not the file's name");
	d.flags = UINT32_C(1) << 5;
	refused("the driver's flags say neither that it works on files nor on servers");
	d.schemes = NULL;
	refused("the driver serves no URL scheme");
	d.schemes = none;
	refused("the driver serves no URL scheme");
	d.schemes = upper;
	refused("the driver's URL scheme 'Some' is not of the form [a-z][a-z0-9+._-]*");
	d.schemes = empty;
	refused("the driver's URL scheme '' is not of the form [a-z][a-z0-9+._-]*");
}

static void driver_check_refuses_a_missing_function(void)
{
	reset();
	d.open = NULL;
	refused("the driver has no function 'open', which is required");
	d.close = NULL;
	refused("the driver has no function 'close', which is required");
	d.caps = NULL;
	refused("the driver has no function 'caps', which is required");
	d.exec = NULL;
	refused("the driver has no function 'exec', which is required");
	d.query = NULL;
	refused("the driver has no function 'query', which is required");
	d.tx_state = NULL;
	refused("the driver has no function 'tx_state', which is required");
}

static void driver_check_refuses_a_promise_without_its_function(void)
{
	static const struct { uint64_t caps; const char *message; } cases[] = {
		{ DUNLIN_CAP_TX, "the driver promises 'transactions' and has no function 'begin'" },
		{ DUNLIN_CAP_SAVEPOINT, "the driver promises 'savepoints' and has no function 'savepoint'" },
		{ DUNLIN_CAP_LOCK, "the driver promises 'lock' and has no function 'lock'" },
		{ DUNLIN_CAP_EXEC_MANY, "the driver promises 'pipeline' and has no function 'exec_many'" },
		{ DUNLIN_CAP_RESET_SESSION, "the driver promises 'reset-session' and has no function 'reset_session'" },
		{ DUNLIN_CAP_CANCEL, "the driver promises 'cancel' and has no function 'cancel'" },
		{ DUNLIN_CAP_SNAPSHOT, "the driver promises 'snapshot' and has no function 'snapshot'" },
		{ DUNLIN_CAP_PROBE, "the driver promises 'probe' and has no function 'probe'" },
		{ DUNLIN_CAP_BLOCKERS, "the driver promises 'blockers' and has no function 'blockers'" },
		{ DUNLIN_CAP_CREATE_DATABASE, "the driver promises 'create-database' and has no function 'create_database'" },
		{ DUNLIN_CAP_DROP_DATABASE, "the driver promises 'drop-database' and has no function 'drop_database'" },
		{ DUNLIN_CAP_SCRATCH, "the driver promises 'scratch' and has no function 'scratch'" },
		{ DUNLIN_CAP_LINT, "the driver promises 'lint' and has no function 'lint'" },
		{ DUNLIN_CAP_ADOPT, "the driver promises 'adopt' and has no function 'adopt_handle'" },
		{ DUNLIN_CAP_TX_DDL, "the driver promises 'transactional-ddl' without 'transactions'" },
	};

	reset();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		d.possible_caps = cases[i].caps;
		refused(cases[i].message);
	}
	/* each function of a capability counts */
	d.possible_caps = DUNLIN_CAP_TX;
	d.begin = f_exec;
	refused("the driver promises 'transactions' and has no function 'commit'");
	d.possible_caps = DUNLIN_CAP_DDL_COMMITS | DUNLIN_CAP_COPY_IN | DUNLIN_CAP_READ_ONLY;
	TAP_EQ_INT(driver_check(&d, "some", &out, &out_dialect, &err), 0);
}

static void driver_check_refuses_a_wrong_dialect(void)
{
	static const char *const none[] = { NULL };
	static const char lacks[] =
		"the driver's dialect lacks one of ledger_ddl, ledger_exists, foreign_tables, now, elapsed_ms";
	static char message[128];

	reset();
	d.dialect = NULL;
	refused("the driver has no dialect");
	dialect.struct_size = 8;
	snprintf(message, sizeof message, "the driver's dialect has 8 bytes, at least %zu are needed",
	         offsetof(struct dunlin_dialect, elapsed_ms) + sizeof(char *));
	refused(message);
	dialect.name = "other";
	refused("the driver's dialect is called 'other', the driver 'some'");
	dialect.quote_close = 0;
	refused("the driver's dialect has no quotes for identifiers");
	dialect.param_style = 2;
	refused("the driver's dialect has a style of parameters or of concatenation that is not known");
	dialect.concat_style = 2;
	refused("the driver's dialect has a style of parameters or of concatenation that is not known");
	dialect.ledger_ddl = NULL;
	refused(lacks);
	dialect.ledger_ddl = none;
	refused(lacks);
	dialect.ledger_exists = NULL;
	refused(lacks);
	dialect.foreign_tables = NULL;
	refused(lacks);
	dialect.now = NULL;
	refused(lacks);
	dialect.elapsed_ms = NULL;
	refused(lacks);
}

static void cap_names_are_all_there_and_differ(void)
{
	unsigned n = 0;

	for (; dunlin_cap_name(n); n++)
		for (unsigned i = 0; i < n; i++)
			TAP_OK(strcmp(dunlin_cap_name(i), dunlin_cap_name(n)) != 0);
	TAP_EQ_INT(UINT64_C(1) << (n - 1), DUNLIN_CAP_PROBE_SQL);
	TAP_EQ_STR(dunlin_cap_name(1), "transactional-ddl");
	TAP_OK(dunlin_cap_name(63) == NULL && dunlin_cap_name(64) == NULL);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "driver_check_copies_a_sound_driver", driver_check_copies_a_sound_driver },
		{ "driver_check_takes_an_older_and_a_newer_struct", driver_check_takes_an_older_and_a_newer_struct },
		{ "driver_check_refuses_a_wrong_identity", driver_check_refuses_a_wrong_identity },
		{ "driver_check_refuses_a_missing_function", driver_check_refuses_a_missing_function },
		{ "driver_check_refuses_a_promise_without_its_function", driver_check_refuses_a_promise_without_its_function },
		{ "driver_check_refuses_a_wrong_dialect", driver_check_refuses_a_wrong_dialect },
		{ "cap_names_are_all_there_and_differ", cap_names_are_all_there_and_differ },
	};

	return tap_main("driver_check", tests, sizeof tests / sizeof *tests);
}
