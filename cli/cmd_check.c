/*
 * cmd_check.c - validate, verify and health: three answers to "is it all right?"
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <inttypes.h>

/* --- validate -------------------------------------------------------------------- */

static int run_validate(struct cli *c)
{
	struct dunlin_findings *f = NULL;
	struct dunlin_error err;
	int code;

	OPEN_OR_RETURN(c);
	if (dunlin_validate(c->d, &f, &err) < 0)
		return fail(c, &err);
	code = f->code;
	if (c->format == FORMAT_JSON) {
		code = json_print(c, json_pack("{s:o, s:b}", "findings", json_findings(f->finding, f->n), "ok", code == 0), code);
	} else {
		print_findings(c, f->finding, f->n);
		if (f->n == 0 && !c->is_quiet)
			out_printf(&c->out, "Valid\n");
	}
	dunlin_findings_free(f);
	return code;
}

const struct command cmd_validate = {
	.name = "validate", .group = GROUP_LOOK, .run = run_validate,
	.summary = "compare the files with what was applied",
	.description =
		"Files against history: changed, missing, duplicate, out of order, unmet requirements,\n"
		"dunlin.sum, directives; and the ledger against its own events. Writes nothing. Exits 4\n"
		"if `up` would be refused.\n",
	.example =
		"$ dunlin validate\n"
		"Valid\n",
};

/* --- verify ---------------------------------------------------------------------- */

static int run_verify(struct cli *c)
{
	struct dunlin_findings *f = NULL;
	struct dunlin_error err;
	int64_t n = 0;
	int code;

	OPEN_OR_RETURN(c);
	if (dunlin_verify(c->d, &n, &f, &err) < 0)
		return fail(c, &err);
	code = f->code;
	if (c->format == FORMAT_JSON) {
		code = json_print(c, json_pack("{s:I, s:o, s:b}", "checked", (json_int_t)n, "findings",
		                               json_findings(f->finding, f->n), "ok", code == 0), code);
	} else {
		print_findings(c, f->finding, f->n);
		if (code == 0 && !c->is_quiet)
			out_printf(&c->out, "Verified %" PRId64 " migrations\n", n);
	}
	dunlin_findings_free(f);
	return code;
}

const struct command cmd_verify = {
	.name = "verify", .group = GROUP_LOOK, .run = run_verify,
	.summary = "run the verify sections of what is applied",
	.description =
		"Runs the queries of the verify sections of the applied migrations, in a transaction\n"
		"that is rolled back. Exits 4 if one fails.\n",
	.example =
		"$ dunlin verify\n"
		"Verified 12 migrations\n",
};

/* --- health ---------------------------------------------------------------------- */

static int print_health_json(struct cli *c, const struct dunlin_health *h)
{
	json_t *reasons = json_array();

	for (size_t i = 0; i < h->n_reason; i++)
		json_array_append_new(reasons, json_text(h->reason[i]));
	return json_print(c, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}",
		"status", json_text(h->status),
		"database", json_text(h->database),
		"current", json_text_or_null(h->current),
		"pending", json_count(h->pending),
		"timestamp", json_text(h->timestamp),
		"reasons", reasons), h->code);
}

static int run_health(struct cli *c)
{
	struct dunlin_health h = { 0 };
	struct dunlin_error err;

	OPEN_OR_RETURN(c);
	if (dunlin_health_check(c->d, &h, &err) < 0)
		return fail(c, &err);
	if (c->format == FORMAT_JSON)
		return print_health_json(c, &h);
	out_style(&c->out, h.code == 0 ? STYLE_GOOD : STYLE_BAD);
	out_safe(&c->out, h.status);
	out_style(&c->out, STYLE_PLAIN);
	out_printf(&c->out, "  ");
	out_safe(&c->out, h.database);
	if (h.current[0]) {
		out_printf(&c->out, "  at ");
		out_safe(&c->out, h.current);
	}
	if (h.pending > 0)
		out_printf(&c->out, "  %" PRId64 " pending", h.pending);
	out_printf(&c->out, "\n");
	for (size_t i = 0; i < h.n_reason; i++) {
		out_printf(&c->out, "  ");
		out_safe(&c->out, h.reason[i]);
		out_printf(&c->out, "\n");
	}
	return h.code;
}

const struct command cmd_health = {
	.name = "health", .group = GROUP_LOOK, .run = run_health,
	.summary = "answer ok, degraded or down",
	.description = "Connects and reads the ledger: ok (exit 0), degraded (4) or down (3), with the reasons.\n"
		"Where the migrations folder is not there it is degraded: what is pending is not known.\n",
	.example =
		"$ dunlin health\n"
		"ok  sqlite:app.db  at 1.0.6-001\n",
};
