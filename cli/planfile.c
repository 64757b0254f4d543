/*
 * planfile.c - a plan that was looked at, kept so that just this one is run.
 *
 *     {"dunlin_plan":1,"request":{"op":"up","to":"1.0.6-001"},"digest":"sha256:...","actions":[...]}
 *
 * The actions are for people: what counts is that the same request leads to
 * the same digest again.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "json.h"
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAYOUT 1

static const char *const op_name[] = {
	[DUNLIN_OP_UP] = "up", [DUNLIN_OP_ROLLBACK] = "rollback",
};

static const char *op_word(int op)
{
	return op > 0 && (size_t)op < sizeof op_name / sizeof *op_name && op_name[op] ? op_name[op] : "";
}

/* The request's members by kind; bit-fields have no address, so they go
 * through struct flags. */
static const struct { const char *name; size_t offset; } texts[] = {
	{ "to", offsetof(struct dunlin_request, to) },
	{ "release", offsetof(struct dunlin_request, release) },
	{ "only", offsetof(struct dunlin_request, only) },
};

enum { FLAG_ALL, FLAG_FORCE, FLAG_OUT_OF_ORDER, FLAG_EXISTING, FLAG_STRICT, FLAG_DOWN_FILES, FLAG_HAS_BATCH, N_FLAG };
static const char *const flag_name[N_FLAG] = {
	"all", "force", "allow_out_of_order", "existing_schema", "strict", "down_from_files", "has_batch",
};

static void get_flags(const struct dunlin_request *r, int flag[N_FLAG])
{
	flag[FLAG_ALL] = r->all;
	flag[FLAG_FORCE] = r->force;
	flag[FLAG_OUT_OF_ORDER] = r->allow_out_of_order;
	flag[FLAG_EXISTING] = r->existing_schema;
	flag[FLAG_STRICT] = r->strict;
	flag[FLAG_DOWN_FILES] = r->down_from_files;
	flag[FLAG_HAS_BATCH] = r->has_batch;
}

static void set_flags(struct dunlin_request *r, const int flag[N_FLAG])
{
	r->all = flag[FLAG_ALL] != 0;
	r->force = flag[FLAG_FORCE] != 0;
	r->allow_out_of_order = flag[FLAG_OUT_OF_ORDER] != 0;
	r->existing_schema = flag[FLAG_EXISTING] != 0;
	r->strict = flag[FLAG_STRICT] != 0;
	r->down_from_files = flag[FLAG_DOWN_FILES] != 0;
	r->has_batch = flag[FLAG_HAS_BATCH] != 0;
}

static const char *text_at(const struct dunlin_request *r, size_t offset)
{
	const char *s;

	memcpy(&s, (const char *)r + offset, sizeof s);
	return s;
}

/* --- writing ------------------------------------------------------------------- */

static json_t *request_to_json(const struct dunlin_request *r)
{
	json_t *doc = json_pack("{s:s, s:i, s:I, s:I}", "op", op_word(r->op), "transaction", (int)r->transaction,
	                        "count", (json_int_t)r->count, "batch", (json_int_t)r->batch);
	int flag[N_FLAG], rc = doc ? 0 : -1;

	get_flags(r, flag);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *s = text_at(r, texts[i].offset);

		if (s)
			rc |= json_object_set_new(doc, texts[i].name, json_text(s));
	}
	for (size_t i = 0; i < N_FLAG; i++)
		if (flag[i])
			rc |= json_object_set_new(doc, flag_name[i], json_true());
	if (rc == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

static int write_all(int fd, const char *s, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

static int cannot_write(const char *path, struct dunlin_error *err)
{
	return usage_error(err, "can't write '%.500s': %s", path, strerror(errno));
}

/* To a file beside it first; a device such as /dev/stdout is written as it is. */
static int write_file(const char *path, const char *text, struct dunlin_error *err)
{
	size_t len = strlen(text);
	int is_device = strncmp(path, "/dev/", 5) == 0, fd, rc;
	char temp[4096];

	if ((size_t)snprintf(temp, sizeof temp, "%s%s", path, is_device ? "" : ".part") >= sizeof temp) {
		errno = ENAMETOOLONG;
		return cannot_write(path, err);
	}
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (is_device ? 0 : O_NOFOLLOW), 0666);
	if (fd < 0)
		return cannot_write(path, err);
	rc = write_all(fd, text, len);
	if (!is_device && rc == 0)
		rc = fsync(fd);
	if (close(fd) < 0)
		rc = -1;
	if (!is_device && rc == 0)
		rc = rename(temp, path);
	if (rc < 0) {
		cannot_write(path, err);
		if (!is_device)
			unlink(temp);
	}
	return rc < 0 ? -1 : 0;
}

int plan_file_write(const char *path, const struct dunlin_request *req, const struct dunlin_plan *p,
                    struct dunlin_error *err)
{
	json_t *plan = json_plan(p), *doc = NULL;
	char *text = NULL;
	int rc = -1;

	if (plan)
		doc = json_pack("{s:i, s:o, s:O, s:O}", "dunlin_plan", LAYOUT, "request", request_to_json(req),
		                "digest", json_object_get(plan, "digest"), "actions", json_object_get(plan, "actions"));
	text = json_safe_dump(doc, JSON_INDENT(2));
	if (text)
		rc = write_file(path, text, err);
	else
		usage_error(err, "out of memory");
	free(text);
	json_decref(doc);
	json_decref(plan);
	return rc;
}

/* --- reading --------------------------------------------------------------------- */

static int bad_plan(const char *path, const char *why, struct dunlin_error *err)
{
	usage_error(err, "'%.500s' is no plan: %.200s", path, why);
	usage_hint(err, "`dunlin plan --out FILE` writes one.");
	return -1;
}

static int request_from_json(const json_t *doc, struct dunlin_request *r)
{
	int flag[N_FLAG];

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *s = json_string_value(json_object_get(doc, texts[i].name));

		memcpy((char *)r + texts[i].offset, &s, sizeof s);
	}
	for (size_t i = 0; i < N_FLAG; i++)
		flag[i] = json_is_true(json_object_get(doc, flag_name[i]));
	set_flags(r, flag);
	r->count = json_integer_value(json_object_get(doc, "count"));
	r->batch = json_integer_value(json_object_get(doc, "batch"));
	r->transaction = (int32_t)json_integer_value(json_object_get(doc, "transaction"));
	return r->count < 0 || r->batch < 0 || r->transaction < DUNLIN_TX_PER_MIGRATION ||
	       r->transaction > DUNLIN_TX_OFF ? -1 : 0;
}

int plan_file_read(const char *path, int op, struct dunlin_request *req, json_t **owner, struct dunlin_error *err)
{
	json_error_t why;
	json_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, &why), *request;
	const char *word;

	memset(req, 0, sizeof *req);
	*owner = NULL;
	if (!doc)
		return bad_plan(path, why.text, err);
	*owner = doc;
	if (json_integer_value(json_object_get(doc, "dunlin_plan")) != LAYOUT)
		return bad_plan(path, "it has no 'dunlin_plan' of 1", err);
	request = json_object_get(doc, "request");
	word = json_string_value(json_object_get(request, "op"));
	req->digest = json_string_value(json_object_get(doc, "digest"));
	if (!word || !req->digest || !*req->digest || request_from_json(request, req) < 0)
		return bad_plan(path, "its request or digest is missing or damaged", err);
	if (strcmp(word, op_word(op)) != 0) {
		usage_error(err, "the plan in '%.500s' is one of '%.20s'", path, word);
		usage_hint(err, "`dunlin %s --plan FILE` runs it.", strcmp(word, "rollback") == 0 ? "rollback" : "up");
		return -1;
	}
	req->op = op;
	return 0;
}
