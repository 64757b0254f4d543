/*
 * plan_request.c - what is asked for: which options go together, and what their
 * references mean.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "error.h"
#include "plan_priv.h"

#include <string.h>

int plan_usage(struct planner *pl, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	if (b.is_failed)
		error_nomem(pl->err);
	else
		error_set(pl->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s", b.p);
	buf_clear(&b);
	return -1;
}

enum { OPT_TO = 1, OPT_RELEASE = 2, OPT_COUNT = 4, OPT_BATCH = 8, OPT_ONLY = 16, OPT_ALL = 32 };

static const struct { int op, allowed; const char *name; } operations[] = {
	{ DUNLIN_OP_UP, OPT_TO | OPT_RELEASE | OPT_COUNT, "up" },
	{ DUNLIN_OP_ROLLBACK, OPT_TO | OPT_RELEASE | OPT_COUNT | OPT_BATCH | OPT_ONLY | OPT_ALL, "rollback" },
	{ DUNLIN_OP_DOWN, OPT_COUNT, "down" },
	{ DUNLIN_OP_REDO, 0, "redo" },
	{ DUNLIN_OP_RESET, 0, "reset" },
	{ DUNLIN_OP_BASELINE, OPT_TO, "baseline" },
};
static const char *const option_names[] = { "--to", "--release", "--count", "--batch", "--only", "--all" };

static int given_options(const struct dunlin_request *r)
{
	return (r->to ? OPT_TO : 0) | (r->release ? OPT_RELEASE : 0) | (r->count ? OPT_COUNT : 0) |
	       (r->has_batch || r->batch ? OPT_BATCH : 0) | (r->only ? OPT_ONLY : 0) | (r->all ? OPT_ALL : 0);
}

int plan_check_request(struct planner *pl)
{
	const struct dunlin_request *r = pl->req;
	const char *first = NULL, *name = NULL;
	int given = given_options(r), allowed = 0;

	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (operations[i].op == r->op) {
			name = operations[i].name;
			allowed = operations[i].allowed;
		}
	if (!name)
		return plan_usage(pl, "%d is not an operation", (int)r->op);
	for (size_t i = 0; i < sizeof option_names / sizeof *option_names; i++) {
		if (!(given & 1 << i))
			continue;
		if (!(allowed & 1 << i))
			return plan_usage(pl, "%s takes no %s", name, option_names[i]);
		if (first)
			return plan_usage(pl, "%s and %s exclude each other", first, option_names[i]);
		first = option_names[i];
	}
	if (r->count < 0 || r->batch < 0)
		return plan_usage(pl, "%s %lld is below zero", r->count < 0 ? "--count" : "--batch",
		                  (long long)(r->count < 0 ? r->count : r->batch));
	if (r->op == DUNLIN_OP_BASELINE && !r->to)
		return plan_usage(pl, "baseline needs a version");
	if (r->transaction < DUNLIN_TX_PER_MIGRATION || r->transaction > DUNLIN_TX_OFF)
		return plan_usage(pl, "%d is not a transaction mode", (int)r->transaction);
	return 0;
}

int plan_copy_request(struct planner *pl, const struct dunlin_request *req)
{
	struct dunlin_request *r = &pl->p->req;
	const char **own[] = { &r->to, &r->release, &r->only, &r->digest };

	*r = *req;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (*own[i] && !(*own[i] = arena_strdup(&pl->p->arena, *own[i])))
			return error_nomem(pl->err);
	pl->req = r;
	return 0;
}

/* --- references --------------------------------------------------------------------- */

static void add_near(struct planner *pl, struct buf *b, const struct view *v, size_t i)
{
	buf_addf(b, "%s'%s'", b->len ? " and " : "", entry_label(pl, &v->entry[i]));
}

const char *plan_near(struct planner *pl, const struct view *v, const char *component, const char *version,
                      size_t but)
{
	struct buf b = BUF_INIT;
	size_t line = view_line(v, component);
	const char *out = "";

	if (line != NO_ENTRY && v->line[line].first < v->line[line].end) {
		size_t at = view_lower(v, line, version);

		if (at > v->line[line].first && at - 1 != but)
			add_near(pl, &b, v, at - 1);
		if (at < v->line[line].end && at != but)
			add_near(pl, &b, v, at);
	}
	/* It may be there, but in another component. */
	for (size_t l = 0; l < v->n_line; l++) {
		size_t i = l == line ? NO_ENTRY : view_find(v, l, version);

		if (i != NO_ENTRY) {
			buf_reset(&b);
			add_near(pl, &b, v, i);
			break;
		}
	}
	if (b.len)
		out = arena_printf(&pl->p->arena, "The nearest known: %s.", b.p);
	if (b.is_failed || !out) {
		pl->is_nomem = 1;
		out = "";
	}
	buf_clear(&b);
	return out;
}

static int unknown_component(struct planner *pl, const struct view *v, const char *option, const char *component)
{
	struct buf b = BUF_INIT;

	plan_usage(pl, "%s: no component '%s' is known", option, component);
	for (size_t i = 0; i < v->n_line; i++)
		if (v->line[i].component[0])
			buf_addf(&b, "%s'%s'", b.len ? ", " : "", v->line[i].component);
	if (b.len && !b.is_failed)
		error_hint(pl->err, "Known: %s.", b.p);
	else if (!b.is_failed)
		error_hint(pl->err, "There is only the default component: give the version alone.");
	buf_clear(&b);
	return -1;
}

int plan_resolve(struct planner *pl, const struct view *v, const char *option, const char *text, size_t *out)
{
	char component[COMPONENT_MAX + 1], version[256];
	const char *near;
	struct version release = { .scheme = SCHEME_SEMVER };
	size_t line;

	if (version_ref(text, component, sizeof component, version, sizeof version, pl->err) < 0)
		return -1;
	line = view_line(v, component);
	if (line == NO_ENTRY && component[0])
		return unknown_component(pl, v, option, component);
	*out = view_find(v, line, version);
	if (*out != NO_ENTRY)
		return 0;
	near = plan_near(pl, v, component, version, NO_ENTRY);
	plan_usage(pl, "%s: there is no migration '%s'", option, text);
	if (line != NO_ENTRY && v->line[line].scheme == SCHEME_SEMVER &&
	    version_parse(&release, SCHEME_SEMVER, "0.0.0-0", 7) == 0 && version_cmp_release(&release, version) != -2)
		error_hint(pl->err, "'%s' is a release: --release takes it.", version);
	else if (near[0])
		error_hint(pl->err, "%s", near);
	return -1;
}

int plan_check_release(struct planner *pl, const struct view *v)
{
	size_t line = view_line(v, "");
	enum scheme scheme = line == NO_ENTRY ? SCHEME_SEMVER : v->line[line].scheme;
	struct version any = { 0 };

	/* A line without any version has no scheme to differ from. */
	if (line != NO_ENTRY && v->line[line].first == v->line[line].end)
		scheme = SCHEME_SEMVER;
	if (scheme != SCHEME_SEMVER) {
		plan_usage(pl, "--release needs versions such as 1.0.6-001, and these are of the scheme '%s'",
		           scheme_name(scheme));
		error_hint(pl->err, "Name a version by --to.");
		return -1;
	}
	if (version_parse(&any, SCHEME_SEMVER, "0.0.0-0", 7) == 0 && version_cmp_release(&any, pl->req->release) != -2)
		return 0;
	plan_usage(pl, "'%s' is not a release", pl->req->release);
	error_hint(pl->err, "Give it as MAJOR.MINOR.PATCH, for example --release 1.0.6.");
	return -1;
}
