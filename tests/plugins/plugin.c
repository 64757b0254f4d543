/*
 * plugin.c - the plugins of test_loader: a driver that does nothing well, and,
 * by a macro each, one that is wrong in one way.
 *
 *   PLUGIN         its name
 *   WRONG_NAME     calls itself something else
 *   WRONG_MAGIC    another magic number
 *   WRONG_SIZE     a struct too small for the required functions
 *   WRONG_SLOT     no close()
 *   WRONG_CAPS     promises a lock and has no unlock()
 *   WRONG_ENTRY    the entry refuses
 *   WRONG_ABI      only an entry of ABI 2
 *   WRONG_SYMBOL   no entry at all
 *   WRONG_LINK     needs a function that nobody has
 *   NEWER, OLDER   of an ABI with more, with fewer members; both are right
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <dunlin/driver.h>

#include <string.h>

#define TEXT2(x) #x
#define TEXT(x)  TEXT2(x)

#ifdef WRONG_SYMBOL
/* Keeps the file from being empty. */
DUNLIN_DRIVER_EXPORT int dunlin_test_other(void);
int dunlin_test_other(void)
{
	return 1;
}
#else

static const struct dunlin_host *host;

#ifdef WRONG_LINK
void dunlin_test_no_such_function(void);
#endif

static int nothing_open(const struct dunlin_kv *opt, size_t n_opt, const struct dunlin_control *ctl,
                        struct dunlin_conn **out, struct dunlin_driver_error *err)
{
	(void)opt;
	(void)n_opt;
	(void)ctl;
	*out = NULL;
	host->log(host->ctx, DUNLIN_LOG_INFO, "open of " TEXT(PLUGIN));
	memcpy(err->message, "nothing to open", sizeof "nothing to open");
#ifdef WRONG_LINK
	dunlin_test_no_such_function();
#endif
	return DUNLIN_ERROR;
}

#ifndef WRONG_SLOT
static void nothing_close(struct dunlin_conn *c)
{
	(void)c;
}
#endif

static uint64_t nothing_caps(struct dunlin_conn *c)
{
	(void)c;
	return 0;
}

static int nothing_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	(void)c;
	(void)step;
	(void)err;
	return DUNLIN_ENOTSUP;
}

static int nothing_query(struct dunlin_conn *c, const char *sql, size_t sql_len, const struct dunlin_param *param,
                         size_t n_param, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{
	(void)c;
	(void)sql;
	(void)sql_len;
	(void)param;
	(void)n_param;
	(void)row;
	(void)arg;
	(void)err;
	return DUNLIN_ENOTSUP;
}

static int nothing_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{
	(void)c;
	(void)err;
	*state = DUNLIN_TX_NONE;
	return DUNLIN_OK;
}

#if defined WRONG_CAPS || defined OLDER
static int nothing_lock(struct dunlin_conn *c, const char *key, const char *holder, struct dunlin_driver_error *err)
{
	(void)c;
	(void)key;
	(void)holder;
	(void)err;
	return DUNLIN_OK;
}
#endif

static const char *const ddl[] = { "CREATE TABLE %M (a)", NULL };
static const char *const schemes[] = { TEXT(PLUGIN), TEXT(PLUGIN) "+other", NULL };
static const struct dunlin_rule rules[] = { { NULL, 0 } };
static const struct dunlin_word words[] = { { NULL, NULL } };

static const struct dunlin_dialect dialect = {
	.struct_size = sizeof dialect,
	.rules = rules,
	.vocabulary = words,
	.quote_open = '"',
	.quote_close = '"',
	.ledger_ddl = ddl,
	.ledger_exists = "",
	.foreign_tables = "",
	.now = "",
	.elapsed_ms = "",
};

/* How often the entry was called. */
static char calls[] = "0";

static struct {
	struct dunlin_driver d;
	void (*later)(void); /* what a newer ABI may have */
} plugin = {
	.d = {
#ifdef WRONG_MAGIC
		.magic = DUNLIN_DRIVER_MAGIC + 1,
#else
		.magic = DUNLIN_DRIVER_MAGIC,
#endif
#if defined WRONG_SIZE
		.struct_size = offsetof(struct dunlin_driver, tx_state),
#elif defined OLDER
		.struct_size = offsetof(struct dunlin_driver, begin),
		/* Beyond its size, so no promise and not to be looked at. */
		.lock = nothing_lock,
#elif defined NEWER
		.struct_size = sizeof plugin,
#else
		.struct_size = sizeof(struct dunlin_driver),
#endif
#ifdef NEWER
		.abi_minor = DUNLIN_DRIVER_ABI_MINOR + 7,
		.possible_caps = UINT64_C(1) << 60 | DUNLIN_CAP_READ_ONLY,
#endif
		.flags = DUNLIN_DRIVER_FILE,
#ifdef WRONG_NAME
		.name = "somebody",
#else
		.name = TEXT(PLUGIN),
#endif
		.version = "1.2.3",
		.client = calls,
		.schemes = schemes,
		.dialect = &dialect,
		.open = nothing_open,
#ifndef WRONG_SLOT
		.close = nothing_close,
#endif
		.caps = nothing_caps,
		.exec = nothing_exec,
		.query = nothing_query,
		.tx_state = nothing_tx_state,
#ifdef WRONG_CAPS
		.possible_caps = DUNLIN_CAP_LOCK,
		.lock = nothing_lock,
#endif
	},
};

#ifdef WRONG_ABI
#define ENTRY dunlin_driver_entry_v2
#else
#define ENTRY dunlin_driver_entry_v1
#endif

DUNLIN_DRIVER_EXPORT const struct dunlin_driver *ENTRY(const struct dunlin_host *h, struct dunlin_driver_error *err);

const struct dunlin_driver *ENTRY(const struct dunlin_host *h, struct dunlin_driver_error *err)
{
	host = h;
	if (calls[0] < '9')
		calls[0]++;
#ifdef WRONG_ENTRY
	if (calls[0] > '0') {
		memcpy(err->message, "the client library is too old", sizeof "the client library is too old");
		memcpy(err->hint, "Update it.", sizeof "Update it.");
		return NULL;
	}
#endif
	(void)err;
	return &plugin.d;
}
#endif
