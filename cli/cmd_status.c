/*
 * cmd_status.c - status and version: where the database stands.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "commands.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------ */

static enum style style_of(const char *state)
{
	static const struct { const char *state; enum style style; } styles[] = {
		{ "applied", STYLE_GOOD }, { "baseline", STYLE_GOOD }, { "pending", STYLE_WARN },
		{ "running", STYLE_WARN }, { "future", STYLE_WARN },
	};

	for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
		if (strcmp(state, styles[i].state) == 0)
			return styles[i].style;
	return STYLE_BAD;
}

static int add_notes(struct table *t, const struct dunlin_migration_status *m)
{
	const struct { const char *label, *text; } notes[] = {
		{ "file", m->file }, { "checksum", m->checksum }, { "applied by", m->applied_by },
		{ "note", m->note }, { "error", m->error },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof notes / sizeof *notes; i++)
		if (notes[i].text && *notes[i].text)
			rc = table_note(t, notes[i].label, notes[i].text);
	return rc;
}

static int add_migration(struct table *t, const struct dunlin_migration_status *m, int with_component, int is_verbose)
{
	char batch[24] = "", at[32] = "", time[32] = "";
	const char *cell[7];
	size_t n = 0;

	if (m->batch >= 0)
		snprintf(batch, sizeof batch, "%" PRId64, m->batch);
	if (m->applied_at && *m->applied_at)
		text_time(m->applied_at, at);
	if (m->execution_ms > (strcmp(m->state, "failed") == 0 ? 0 : -1))
		text_duration(m->execution_ms, time);
	cell[n++] = m->state;
	if (with_component)
		cell[n++] = *m->component ? m->component : "-";
	cell[n++] = m->version;
	cell[n++] = m->name;
	cell[n++] = batch;
	cell[n++] = at;
	cell[n++] = time;
	if (table_row(t, style_of(m->state), cell) < 0)
		return -1;
	return is_verbose ? add_notes(t, m) : 0;
}

static int print_migrations(struct cli *c, const struct dunlin_status_report *r)
{
	static const struct column plain[] = {
		{ "State", 0, 0 }, { "Version", 0, 0 }, { "Name", 18, 0 }, { "Batch", 0, 1 },
		{ "Applied at", 0, 0 }, { "Time", 0, 1 },
	}, with[] = {
		{ "State", 0, 0 }, { "Component", 0, 0 }, { "Version", 0, 0 }, { "Name", 18, 0 }, { "Batch", 0, 1 },
		{ "Applied at", 0, 0 }, { "Time", 0, 1 },
	};
	int with_component = 0, rc = 0;
	struct table *t;

	for (size_t i = 0; i < r->n && !with_component; i++)
		with_component = *r->migration[i].component != '\0';
	t = with_component ? table_new(with, 7) : table_new(plain, 6);
	for (size_t i = 0; t && rc == 0 && i < r->n; i++)
		rc = add_migration(t, &r->migration[i], with_component, c->is_verbose);
	if (t && rc == 0)
		table_print(t, &c->out);
	table_free(t);
	return t ? rc : -1;
}

static void print_totals(struct output *o, const struct dunlin_status_report *r)
{
	const struct { const char *label; int64_t n; } rest[] = {
		{ "Failed", r->failed }, { "Stuck", r->stuck }, { "Changed", r->changed }, { "Missing", r->missing },
		{ "Future", r->future }, { "Out of order", r->out_of_order },
	};

	out_printf(o, "\nTotal: %" PRId64 " | Applied: %" PRId64 " | Pending: %" PRId64, r->total, r->applied, r->pending);
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
		if (rest[i].n > 0)
			out_printf(o, " | %s: %" PRId64, rest[i].label, rest[i].n);
	out_printf(o, "\n");
}

static void print_lock(struct output *o, const struct dunlin_status_report *r)
{
	char since[32];

	if (!r->is_locked)
		return;
	out_style(o, STYLE_WARN);
	out_printf(o, "Locked");
	out_style(o, STYLE_PLAIN);
	if (*r->lock_holder) {
		out_printf(o, " by ");
		out_safe(o, r->lock_holder);
	}
	if (*r->lock_since) {
		out_printf(o, " since ");
		out_safe(o, text_time(r->lock_since, since));
	}
	out_printf(o, ": a run is on\n");
}

/* --- JSON ------------------------------------------------------------------------ */

static json_t *migration_to_json(const struct dunlin_migration_status *m)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"component", json_text(m->component),
		"version", json_text(m->version),
		"name", json_text(m->name),
		"kind", json_text(m->kind),
		"state", json_text(m->state),
		"batch", json_count(m->batch),
		"applied_at", json_text_or_null(m->applied_at),
		"execution_ms", json_count(m->execution_ms),
		"checksum", json_text_or_null(m->checksum),
		"applied_by", json_text_or_null(m->applied_by),
		"note", json_text_or_null(m->note),
		"error", json_text_or_null(m->error));
}

static json_t *totals_to_json(const struct dunlin_status_report *r)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"total", (json_int_t)r->total, "applied", (json_int_t)r->applied, "pending", (json_int_t)r->pending,
		"failed", (json_int_t)r->failed, "stuck", (json_int_t)r->stuck, "changed", (json_int_t)r->changed,
		"missing", (json_int_t)r->missing, "future", (json_int_t)r->future,
		"out_of_order", (json_int_t)r->out_of_order);
}

static json_t *report_to_json(const struct dunlin_status_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n; i++) {
		if (json_array_append_new(list, migration_to_json(&r->migration[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:{s:o, s:o}, s:o, s:I, s:{s:b, s:o, s:o}, s:o, s:o, s:o}",
		"database", "driver", json_text(r->driver), "url", json_text(r->url),
		"current", json_text_or_null(r->current),
		"batch", (json_int_t)r->batch,
		"lock", "held", (int)r->is_locked, "holder", json_text_or_null(r->lock_holder),
		"since", json_text_or_null(r->lock_since),
		"migrations", list,
		"totals", totals_to_json(r),
		"findings", json_findings(r->finding, r->n_finding));
}

/* --- status ---------------------------------------------------------------------- */

static int exit_code(const struct cli *c, const struct dunlin_status_report *r)
{
	int64_t n_waiting = r->pending + r->failed + r->out_of_order;

	if (r->code)
		return r->code;
	return option_given(c, "exit-code") && n_waiting > 0 ? DUNLIN_EXIT_PENDING : DUNLIN_EXIT_OK;
}

static int print_status(struct cli *c, const struct dunlin_status_report *r)
{
	if (c->format == FORMAT_JSON)
		return json_print(c, report_to_json(r), exit_code(c, r));
	if (print_migrations(c, r) < 0)
		return fail_nomem(c);
	print_totals(&c->out, r);
	print_lock(&c->out, r);
	print_findings(c, r->finding, r->n_finding);
	return exit_code(c, r);
}

static int run_status(struct cli *c)
{
	struct dunlin_status_report *r = NULL;
	struct dunlin_error err;
	int code;

	OPEN_OR_RETURN(c);
	if (dunlin_status(c->d, &r, &err) < 0)
		return fail(c, &err);
	code = print_status(c, r);
	dunlin_status_free(r);
	return code;
}

static const struct option_spec options[] = {
	{ "exit-code", 0, ARG_NONE, NULL, "exit 10 if migrations are pending", NULL },
	{ 0 },
};

const struct command cmd_status = {
	.name = "status", .group = GROUP_LOOK, .options = options, .run = run_status,
	.summary = "show every migration with its state",
	.description =
		"Shows every migration with its state, and who holds the lock if a run is on. With\n"
		"--verbose also files, checksums, who applied it, notes and errors. Writes nothing.\n",
	.example =
		"$ dunlin status\n"
		"State    Version    Name                Batch  Applied at            Time\n"
		"applied  1.0.5-001  initial_schema          1  2026-11-20 10:15:02Z  12 ms\n"
		"pending  1.0.6-001  add_inbox_retry\n"
		"\n"
		"Total: 2 | Applied: 1 | Pending: 1\n",
};

/* --- version ---------------------------------------------------------------------- */

static int run_version(struct cli *c)
{
	char current[1024];
	struct dunlin_error err;

	OPEN_OR_RETURN(c);
	if (dunlin_current(c->d, current, sizeof current, &err) < 0)
		return fail(c, &err);
	if (c->format == FORMAT_JSON)
		return json_print(c, json_pack("{s:o}", "version", json_text_or_null(current)), DUNLIN_EXIT_OK);
	if (*current) {
		out_safe(&c->out, current);
		out_printf(&c->out, "\n");
	}
	return DUNLIN_EXIT_OK;
}

const struct command cmd_version = {
	.name = "version", .group = GROUP_LOOK, .run = run_version,
	.summary = "print the database's current version alone",
	.description =
		"Prints the newest applied version of the default component, and nothing where none is\n"
		"applied. It needs no migrations folder. The program's own version: dunlin --version.\n",
	.example =
		"$ dunlin version\n"
		"1.0.6-001\n",
};
