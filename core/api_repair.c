/*
 * api_repair.c - decisions that only a person can take, recorded with who took them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "run.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct repair {
	struct dunlin *d;
	struct work *w;
	struct dunlin_plan *p;
	struct window win;
	struct finding_list *out;
	const char *component, *version; /* NULL: all */
	int n;
};

static int is_meant(const struct repair *r, const char *component, const char *version)
{
	enum scheme scheme = migration_set_scheme(&r->w->set, component);

	return !r->version || (strcmp(component, r->component) == 0 && version_cmp_text(scheme, version, r->version) == 0);
}

static int say(struct repair *r, const char *kind, const struct plan_entry *e, const char *text, const char *hint)
{
	const char *component = e->m ? e->m->component : e->row->component;
	const char *version = e->m ? e->m->version : e->row->version;
	struct dunlin_finding *f = finding_add(r->out, 0, kind, component, version,
	                                       e->m && e->m->file ? e->m->file : "", "%s", text);

	r->n++;
	if (f && hint)
		finding_hint(r->out, f, "%s", hint);
	return f ? 0 : -1;
}

/* Was it changed within the part that has run?  The plan has found it then. */
static int is_half_changed(const struct repair *r, const struct plan_entry *e)
{
	for (size_t i = 0; e->m && i < r->p->findings.n; i++) {
		const struct dunlin_finding *f = &r->p->findings.v[i];

		if (f->code == DUNLIN_EXIT_REPAIR && strcmp(f->kind, "changed") == 0 &&
		    strcmp(f->component, e->m->component) == 0 && strcmp(f->version, e->m->version) == 0)
			return 1;
	}
	return 0;
}

static int show_half_changed(struct repair *r, const struct plan_entry *e)
{
	char text[160];

	snprintf(text, sizeof text, "has run up to statement %lld, and what has run was changed in the file since",
	         (long long)e->row->statements_done);
	return say(r, "changed", e, text, "Put those statements back as they were and run `dunlin up`; or, where the database "
	           "is as the file now says, --accept-checksums; or decide by --mark-applied or --mark-reverted.");
}

/* The first line of the statement that was in flight, and where it stands; "" where
 * there is none, or its file no longer has it. */
static int64_t statement_in_flight(struct repair *r, const struct plan_entry *e, struct dunlin_error *out)
{
	int is_down = e->row->direction == DIRECTION_DOWN;
	const struct script_section *sec = e->m && !e->m->is_bad ? &e->m->script.section[is_down ? SECTION_DOWN : SECTION_UP] : NULL;
	struct script_reader *reader = NULL;
	struct script_statement st;
	int64_t n = 0;

	error_clear(out);
	if (row_in_flight(e->row, &n, NULL) != 1 || !sec || !sec->is_present ||
	    script_reader_open(&reader, &r->w->env, sec, NULL) < 0)
		return 0;
	while (script_reader_next(reader, &st, NULL) > 0)
		if (st.index + 1 == n) {
			error_statement(out, st.st.text, st.st.len);
			out->line = st.st.line;
			break;
		}
	script_reader_close(reader);
	return out->statement[0] ? n : 0;
}

static int show_stuck(struct repair *r, const struct plan_entry *e)
{
	struct dunlin_error at;
	char text[640];
	int64_t n = statement_in_flight(r, e, &at);
	int len = snprintf(text, sizeof text, "stuck: its run died after statement %lld of %lld",
	                   (long long)e->row->statements_done, (long long)e->row->statements_total);

	if (n > 0)
		snprintf(text + len, sizeof text - (size_t)len, "; in flight was statement %lld: %.400s", (long long)n, at.statement);
	if (say(r, "stuck", e, text, "`dunlin up` settles it where the database can tell; else look whether the "
	        "statement has run, and decide by --retry, --mark-applied or --mark-reverted.") < 0)
		return -1;
	r->out->v[r->out->n - 1].line = at.line;
	return 0;
}

/* Can the folder's down revert just what stands? */
static int is_undoable(const struct repair *r, const struct plan_entry *e)
{
	char why[COUNTERPART_WHY];

	return e->row->direction == DIRECTION_UP && e->row->statements_done > 0 && e->m && !e->m->is_bad &&
	       e->row->kind != MIGRATION_REPEATABLE && e->m->script.section[SECTION_DOWN].is_present &&
	       step_down_start(&r->w->env, &e->m->script.section[SECTION_UP], &e->m->script.section[SECTION_DOWN], 0,
	                       e->row->statements_done, why) >= 0;
}

static int show_one(struct repair *r, const struct plan_entry *e)
{
	const struct ledger_row *row = e->row;
	char text[640];

	if (is_half_changed(r, e))
		return show_half_changed(r, e);
	switch (e->state) {
	case STATE_FAILED:
		snprintf(text, sizeof text, "failed at statement %lld of %lld: %.400s", (long long)row->statements_done + 1,
		         (long long)row->statements_total, row->error_message);
		return say(r, "failed", e, text, row->direction == DIRECTION_DOWN
			? "`dunlin rollback` goes on with its down; `repair --retry` forgets the failure."
			: is_undoable(r, e)
			? "Mend the file and run `dunlin up`, or `dunlin rollback`, which reverts what stands; or decide by --retry, "
			  "--mark-applied or --mark-reverted."
			: "Mend the file and run `dunlin up`; or decide by --retry, --mark-applied or --mark-reverted.");
	case STATE_STUCK:
		return show_stuck(r, e);
	case STATE_CHANGED:
		return say(r, "changed", e, "its statements are not those that were applied",
			"Restore the file, or accept it as it is by `dunlin repair --accept-checksums`.");
	default:
		return 0;
	}
}

/* What stands keeps its digest; what was in flight is forgotten. */
static const char *settled_intent(struct repair *r, const struct ledger_row *row)
{
	json_t *intent = json_loads(row->intent, 0, NULL);
	const char *prefix = json_string_value(json_object_get(intent, "prefix"));
	const char *out = prefix ? arena_printf(&r->w->arena, "{\"prefix\":\"%s\"}", prefix) : "";

	json_decref(intent);
	return out;
}

static int retry_one(struct repair *r, const struct plan_entry *e)
{
	struct ledger_row row;

	if (e->state != STATE_FAILED && e->state != STATE_STUCK)
		return 0;
	if (is_half_changed(r, e)) /* it would be refused all the same */
		return show_half_changed(r, e);
	row = *e->row;
	if (row.statements_done == 0 && row.direction == DIRECTION_UP) {
		ledger_put_delete(&r->d->ledger, &r->win, &row, "migration.repaired", "\"op\":\"retry\",");
		return say(r, "repaired", e, "will be run again from its first statement", NULL);
	}
	row.intent = settled_intent(r, &row);
	if (!row.intent)
		return -1;
	row.state = row.direction == DIRECTION_DOWN && row.statements_done == 0 ? ROW_APPLIED : ROW_FAILED;
	if (row.state == ROW_APPLIED)
		row.direction = DIRECTION_UP;
	ledger_put_update(&r->d->ledger, &r->win, &row, "migration.repaired", "\"op\":\"retry\",");
	return say(r, "repaired", e, "will go on after the statements that have run", NULL);
}

static void fill_new_row(const struct repair *r, const struct migration *m, struct ledger_row *row)
{
	*row = (struct ledger_row){
		.component = m->component, .version = m->version, .name = m->name, .kind = m->kind,
		.batch = r->w->history.batch_max + 1, .apply_order = r->w->history.apply_order_max + 1,
		.checksum = m->script.checksum, .statements_checksum = m->script.statements_checksum,
		.intent = "", .applied_at = "", .applied_by = "", .run_id = "", .tool_version = dunlin_version_string(),
		.error_class = "", .error_message = "",
	};
}

static int mark_applied(struct repair *r, const struct plan_entry *e, struct dunlin_error *err)
{
	struct ledger_row row;
	char *down = NULL;
	size_t len = 0;

	if (e->row && (e->row->state == ROW_APPLIED || e->row->state == ROW_BASELINE))
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' is applied already", e->row->version);
	if (e->row)
		row = *e->row;
	else
		fill_new_row(r, e->m, &row);
	row.state = ROW_APPLIED;
	row.direction = DIRECTION_UP;
	row.intent = row.error_class = row.error_message = "";
	if (e->m && !e->m->is_bad) {
		row.checksum = e->m->script.checksum;
		row.statements_checksum = e->m->script.statements_checksum;
		row.statements_total = (int64_t)e->m->script.section[SECTION_UP].n_statements;
		if (script_down_text(&r->w->env, &e->m->script, &down, &len, err) < 0)
			return -1;
	}
	row.statements_done = row.statements_total;
	if (e->row && !(e->m && !e->m->is_bad)) { /* the file is gone, its kept down stays */
		ledger_put_update(&r->d->ledger, &r->win, &row, "migration.repaired", "\"op\":\"mark-applied\",");
	} else {
		if (e->row)
			ledger_put_delete(&r->d->ledger, &r->win, e->row, NULL, "");
		ledger_put_row(&r->d->ledger, &r->win, &row, LEDGER_GIVEN, down, len, "migration.repaired",
		               "\"op\":\"mark-applied\",");
	}
	mem_free(down);
	return say(r, "repaired", e, "is recorded as applied; nothing was run", NULL);
}

static int mark_reverted(struct repair *r, const struct plan_entry *e, struct dunlin_error *err)
{
	if (!e->row)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' is not recorded as applied", r->version);
	ledger_put_delete(&r->d->ledger, &r->win, e->row, "migration.repaired", "\"op\":\"mark-reverted\",");
	return say(r, "repaired", e, "is recorded as reverted; nothing was run", NULL);
}

/* What has run of it is from now on what the file has there. */
static int accept_half(struct repair *r, const struct plan_entry *e, struct dunlin_error *err)
{
	const struct script_section *sec = &e->m->script.section[SECTION_UP];
	struct ledger_row row = *e->row;
	char sum[SHA256_TEXT];

	if (row.direction != DIRECTION_UP || e->state != STATE_FAILED || (uint64_t)row.statements_done > sec->n_split)
		return show_half_changed(r, e);
	if (step_prefix(&r->w->env, sec, row.statements_done, sum, err) < 0)
		return -1;
	row.intent = arena_printf(&r->w->arena, "{\"prefix\":\"%s\"}", sum);
	if (!row.intent)
		return error_nomem(err);
	row.checksum = e->m->script.checksum;
	row.statements_checksum = e->m->script.statements_checksum;
	row.statements_total = (int64_t)sec->n_statements;
	ledger_put_update(&r->d->ledger, &r->win, &row, "migration.repaired", "\"op\":\"accept-checksums\",");
	return say(r, "repaired", e, "what has run is accepted as the file has it now", NULL);
}

static int accept_one(struct repair *r, const struct plan_entry *e, struct dunlin_error *err)
{
	struct ledger_row row;
	char *down = NULL;
	size_t len = 0;

	if (is_half_changed(r, e) && !e->m->is_bad)
		return accept_half(r, e, err);
	if (!e->m || e->m->is_bad || !e->row || e->row->state != ROW_APPLIED)
		return 0;
	row = *e->row;
	row.checksum = e->m->script.checksum;
	row.statements_checksum = e->m->script.statements_checksum;
	if (script_down_text(&r->w->env, &e->m->script, &down, &len, err) < 0)
		return -1;
	ledger_put_sums(&r->d->ledger, &r->win, &row, down, len, "migration.repaired", "\"op\":\"accept-checksums\",");
	mem_free(down);
	if (strcmp(e->row->checksum, row.checksum) == 0)
		return 0;
	return say(r, "repaired", e, "the file as it is now is accepted", NULL);
}

static int repair_one(struct repair *r, int op, const struct plan_entry *e, struct dunlin_error *err)
{
	switch (op) {
	case DUNLIN_REPAIR_RETRY: return retry_one(r, e);
	case DUNLIN_REPAIR_MARK_APPLIED: return mark_applied(r, e, err);
	case DUNLIN_REPAIR_MARK_REVERTED: return mark_reverted(r, e, err);
	case DUNLIN_REPAIR_ACCEPT_CHECKSUMS: return accept_one(r, e, err);
	default: return show_one(r, e);
	}
}

static int repair_all(struct repair *r, int op, struct dunlin_error *err)
{
	struct dunlin_exec_result res;
	int n_meant = 0;

	window_add(&r->win, DUNLIN_STEP_BEGIN, NULL, NULL, 0);
	for (size_t i = 0; i < r->p->n_entry; i++) {
		const struct plan_entry *e = &r->p->entry[i];
		const char *component = e->m ? e->m->component : e->row->component;

		if (!is_meant(r, component, e->m ? e->m->version : e->row->version))
			continue;
		n_meant++;
		error_clear(err);
		if (repair_one(r, op, e, err) < 0)
			return err->code ? -1 : error_nomem(err);
	}
	if (r->version && n_meant == 0)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "there is no migration '%s'", r->version);
	if (r->win.n == 1 || op == DUNLIN_REPAIR_SHOW)
		return 0;
	window_add(&r->win, DUNLIN_STEP_COMMIT, NULL, NULL, 0);
	if (r->win.is_failed)
		return error_nomem(err);
	return session_exec_many(&r->d->session, r->win.step, r->win.n, NULL, &res, err) == DUNLIN_OK ? 0 : -1;
}

int dunlin_repair(struct dunlin *d, int op, const char *version, struct dunlin_findings **out, struct dunlin_error *err)
{
	struct findings_box *b = findings_box_new(err);
	char component[128] = "", text[256] = "";
	struct dunlin_plan p = { 0 };
	struct work w = { 0 };
	struct repair r = { .d = d, .w = &w, .p = &p, .component = component, .version = version ? text : NULL };
	struct dunlin_error own;
	const struct dunlin_request up = { .op = DUNLIN_OP_UP, .existing_schema = 1 };
	struct loader_log was;
	int rc = -1;

	*out = NULL;
	if (!err)
		err = &own;
	if (!b)
		return -1;
	was = handle_enter(d);
	r.out = &b->list;
	if (version && version_ref(version, component, sizeof component, text, sizeof text, err) < 0)
		goto out;
	if (!version && (op == DUNLIN_REPAIR_MARK_APPLIED || op == DUNLIN_REPAIR_MARK_REVERTED)) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "which version is meant");
		goto out;
	}
	if (handle_driver(d, err) < 0)
		goto out;
	work_env(d, &w, d->drv->dialect, d->drv->name, err);
	if (work_load_files(d, &w, FILES_ALL, err) < 0 || work_check_sum(&w, err) < 0 ||
	    handle_open(d, OPEN_EXISTING, err) < 0)
		goto out;
	if (op != DUNLIN_REPAIR_SHOW && (handle_lock(d, err) < 0 || ledger_new_run(&d->ledger, handle_actor(d), err) < 0))
		goto out;
	if (ledger_read(&d->ledger, &d->session, &w.history, err) < 0 || work_plan(d, &w, &up, WORK_LOOK, &p, err) < 0)
		goto out;
	if (!w.history.has_ledger && op != DUNLIN_REPAIR_SHOW) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the database has no ledger, so there is nothing to repair");
		goto out;
	}
	rc = repair_all(&r, op, err);
	if (rc == 0)
		*out = findings_box_close(b);
out:
	handle_unlock(d);
	window_clear(&r.win);
	plan_clear(&p);
	work_clear(&w);
	if (rc < 0) {
		dunlin_findings_free(&b->pub);
		handle_fail(d, err);
	}
	return handle_leave(d, was, rc);
}
