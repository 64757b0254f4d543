/*
 * request.c - options turned into a request.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "request.h"

#include <string.h>

/* Each of a group says where to stop or what to take; two of them contradict. */
static int check_one_of(const struct cli *c, const char *const *name, struct dunlin_error *err)
{
	const char *first = NULL;

	for (; *name; name++) {
		if (!option_given(c, *name))
			continue;
		if (first) {
			usage_error(err, "'--%s' and '--%s' don't go together", first, *name);
			usage_hint(err, "Give one of them.");
			return -1;
		}
		first = *name;
	}
	return 0;
}

static int check_conflicts(const struct cli *c, int op, struct dunlin_error *err)
{
	static const char *const up[] = { "to", "release", NULL };
	static const char *const back[] = { "count", "to", "release", "batch", "only", "all", NULL };

	return check_one_of(c, op == DUNLIN_OP_UP ? up : back, err);
}

static int transaction_of(struct cli *c, int32_t *out, struct dunlin_error *err)
{
	static const char *const word[] = {
		[DUNLIN_TX_PER_MIGRATION] = "migration", [DUNLIN_TX_ALL] = "all", [DUNLIN_TX_OFF] = "none",
	};
	const char *value = dunlin_get(c->d, "transaction", NULL);

	*out = DUNLIN_TX_PER_MIGRATION;
	for (size_t i = 0; value && i < sizeof word / sizeof *word; i++) {
		if (strcmp(value, word[i]) == 0) {
			*out = (int32_t)i;
			return 0;
		}
	}
	return value ? usage_error(err, "'%.60s' is no value of 'transaction'", value) : 0;
}

int request_fill(struct cli *c, int op, struct dunlin_request *req, struct dunlin_error *err)
{
	const char *down_from = dunlin_get(c->d, "down-from", NULL);

	memset(req, 0, sizeof *req);
	req->op = op;
	req->to = option_value(c, "to");
	req->release = option_value(c, "release");
	req->only = option_value(c, "only");
	req->all = option_given(c, "all");
	req->force = option_given(c, "force");
	req->allow_out_of_order = setting_is_true(c, "allow-out-of-order");
	req->existing_schema = option_given(c, "existing-schema");
	req->strict = setting_is_true(c, "strict");
	req->from_empty = option_given(c, "from-empty");
	req->drop = option_given(c, "drop");
	req->no_lock = setting_is_true(c, "no-lock");
	req->has_batch = option_given(c, "batch");
	req->down_from_files = down_from && strcmp(down_from, "files") == 0;
	if (check_conflicts(c, op, err) < 0 || transaction_of(c, &req->transaction, err) < 0 ||
	    option_count(c, "count", 1, &req->count, err) < 0 ||
	    option_count(c, "batch", 0, &req->batch, err) < 0)
		return -1;
	return 0;
}
