/*
 * api_look.c - status, history, validate, verify, health: nothing here writes.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "duration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct dunlin_request plain_up = { .op = DUNLIN_OP_UP, .existing_schema = 1 };

struct status_box {
	struct dunlin_status_report pub; /* first: what the caller frees */
	struct work w;
	struct dunlin_plan p;
	struct arena a;
	char holder[256], since[64];
};

static void count_state(struct dunlin_status_report *r, int state)
{
	switch (state) {
	case STATE_APPLIED: case STATE_BASELINE: r->applied++; break;
	case STATE_PENDING: r->pending++; break;
	case STATE_OUT_OF_ORDER: r->pending++; r->out_of_order++; break;
	case STATE_FAILED: r->failed++; break;
	case STATE_RUNNING: break;
	case STATE_STUCK: r->stuck++; break;
	case STATE_CHANGED: r->applied++; r->changed++; break;
	case STATE_MISSING: r->applied++; r->missing++; break;
	case STATE_FUTURE: r->applied++; r->future++; break;
	default: break;
	}
	r->total++;
}

static void fill_entry(struct dunlin_migration_status *s, const struct plan_entry *e)
{
	const struct ledger_row *row = e->row;
	const struct migration *m = e->m;

	*s = (struct dunlin_migration_status){
		.component = m ? m->component : row->component,
		.version = m ? m->version : row->version,
		.name = m ? m->name : row->name,
		.kind = migration_kind_name(row && row->kind == MIGRATION_BASELINE ? MIGRATION_BASELINE : m ? m->kind : row->kind),
		.state = migration_state_name(e->state),
		.applied_at = row ? row->applied_at : "",
		.checksum = m && !m->is_bad ? m->script.checksum : row ? row->checksum : "",
		.applied_by = row ? row->applied_by : "",
		.note = e->note ? e->note : "",
		.error = row ? row->error_message : "",
		.file = m && m->file ? m->file : "",
		.batch = row ? row->batch : -1,
		.execution_ms = row ? row->execution_ms : -1,
		.statements_done = row ? row->statements_done : -1,
		.statements_total = row ? row->statements_total : -1,
	};
}

static int fill_status(struct dunlin *d, struct status_box *b, struct dunlin_error *err)
{
	struct dunlin_status_report *r = &b->pub;
	struct dunlin_migration_status *s;
	int held = 0;

	if (work_open_all(d, &b->w, FILES_NEW, err) < 0 || work_plan(d, &b->w, &plain_up, WORK_LOOK, &b->p, err) < 0)
		return -1;
	work_lock_info(d, &held, b->holder, sizeof b->holder, b->since, sizeof b->since);
	s = arena_alloc(&b->a, (b->p.n_entry + 1) * sizeof *s);
	r->driver = d->drv->name;
	r->url = arena_strdup(&b->a, d->url.masked ? url_masked(&d->url) : "");
	if (!s || !r->url)
		return error_nomem(err);
	for (size_t i = 0; i < b->p.n_entry; i++) {
		fill_entry(&s[i], &b->p.entry[i]);
		count_state(r, b->p.entry[i].state);
	}
	r->n = b->p.n_entry;
	r->migration = s;
	r->current = b->p.current ? b->p.current : "";
	r->batch = 0;
	for (size_t i = 0; i < b->w.history.n; i++)
		if (b->w.history.row[i].batch > r->batch)
			r->batch = b->w.history.row[i].batch;
	r->has_ledger = b->w.history.has_ledger;
	r->is_locked = held;
	r->lock_holder = b->holder;
	r->lock_since = b->since;
	r->code = finding_code(&b->p.findings);
	r->finding = b->p.findings.v;
	r->n_finding = b->p.findings.n;
	return 0;
}

int dunlin_status(struct dunlin *d, struct dunlin_status_report **out, struct dunlin_error *err)
{
	struct status_box *b = mem_zalloc(sizeof *b);
	struct loader_log was;
	int rc;

	*out = NULL;
	if (!b)
		return error_nomem(err);
	was = handle_enter(d);
	rc = fill_status(d, b, err);
	if (rc == 0) {
		*out = &b->pub;
	} else {
		dunlin_status_free(&b->pub);
		handle_fail(d, err);
	}
	return handle_leave(d, was, rc);
}

void dunlin_status_free(struct dunlin_status_report *r)
{
	struct status_box *b = (struct status_box *)(void *)r;

	if (!b)
		return;
	plan_clear(&b->p);
	work_clear(&b->w);
	arena_clear(&b->a);
	mem_free(b);
}

int dunlin_history(struct dunlin *d, int64_t limit,
	int (*fn)(void *arg, const struct dunlin_event *e), void *arg, struct dunlin_error *err)
{
	struct loader_log was = handle_enter(d);
	struct history h = { 0 };
	int rc = handle_open(d, OPEN_EXISTING, err);

	if (rc == 0)
		rc = ledger_read(&d->ledger, &d->session, &h, err);
	if (rc == 0 && h.has_ledger)
		rc = ledger_events(&d->ledger, &d->session, limit, NULL, 0, fn, arg, err);
	history_clear(&h);
	if (rc < 0)
		handle_fail(d, err);
	return handle_leave(d, was, rc);
}

/* --- findings given to the caller ------------------------------------------------ */

struct findings_box *findings_box_new(struct dunlin_error *err)
{
	struct findings_box *b = mem_zalloc(sizeof *b);

	if (!b)
		error_nomem(err);
	return b;
}

struct dunlin_findings *findings_box_close(struct findings_box *b)
{
	b->pub.n = b->list.n;
	b->pub.finding = b->list.v;
	b->pub.code = finding_code(&b->list);
	return &b->pub;
}

void dunlin_findings_free(struct dunlin_findings *f)
{
	struct findings_box *b = (struct findings_box *)(void *)f;

	if (!b)
		return;
	finding_clear(&b->list);
	mem_free(b);
}

struct folding { struct history *h; struct dunlin_error *err; };

static int fold_one(void *arg, const struct dunlin_event *e)
{
	struct folding *f = arg;

	return history_fold(f->h, e, f->err);
}

/* Is the state table what the event log makes of it? */
static int check_ledger(struct dunlin *d, const struct work *w, struct finding_list *out, struct dunlin_error *err)
{
	struct history folded = { 0 };
	struct dunlin_error bad;
	struct folding f = { &folded, &bad };
	int rc = 0;

	if (!w->history.has_ledger)
		return 0;
	error_clear(&bad);
	rc = ledger_events(&d->ledger, &d->session, 0, NULL, 0, fold_one, &f, err);
	if (rc < 0 && bad.code) {
		rc = finding_add(out, DUNLIN_EXIT_INVALID, "ledger", bad.component, bad.version, NULL,
		                 "the event log cannot be replayed: %s", bad.message) ? 0 : error_nomem(err);
	} else if (rc == 0 && history_compare(&w->history, &folded, out) < 0) {
		rc = error_nomem(err);
	}
	history_clear(&folded);
	return rc;
}

int dunlin_validate(struct dunlin *d, struct dunlin_findings **out, struct dunlin_error *err)
{
	struct findings_box *b = findings_box_new(err);
	struct dunlin_plan p = { 0 };
	struct loader_log was;
	struct work w = { 0 };
	int rc = -1;

	*out = NULL;
	if (!b)
		return -1;
	was = handle_enter(d);
	if (work_open_all(d, &w, FILES_ALL, err) < 0 || work_plan(d, &w, &plain_up, WORK_LOOK, &p, err) < 0)
		goto out;
	if (finding_copy(&b->list, &p.findings) < 0) {
		error_nomem(err);
		goto out;
	}
	/* `up` goes on with a down that cannot run; whoever asks should hear of it now. */
	for (size_t i = 0; i < b->list.n; i++)
		if (strcmp(b->list.v[i].kind, "down") == 0)
			b->list.v[i].code = DUNLIN_EXIT_INVALID;
	if (check_ledger(d, &w, &b->list, err) < 0)
		goto out;
	*out = findings_box_close(b);
	rc = 0;
out:
	if (rc < 0) {
		dunlin_findings_free(&b->pub);
		handle_fail(d, err);
	}
	plan_clear(&p);
	work_clear(&w);
	return handle_leave(d, was, rc);
}

/* --- verify ------------------------------------------------------------------------ */

struct judging { int column; const char *why; };

static int judge_row(void *arg, int ncol, const char *const *v, const size_t *len, const int32_t *type)
{
	struct judging *j = arg;

	(void)len;
	for (int i = 0; i < ncol && !j->why; i++) {
		if (!v[i])
			j->why = "NULL";
		else if (type[i] == DUNLIN_TYPE_NUMBER && strtod(v[i], NULL) == 0.0)
			j->why = "0";
		else if (type[i] == DUNLIN_TYPE_BOOLEAN && strcmp(v[i], "1") != 0)
			j->why = "false";
		if (j->why)
			j->column = i + 1;
	}
	return 0;
}

static int verify_one(struct dunlin *d, const struct work *w, const struct migration *m, struct finding_list *out,
                      struct dunlin_error *err)
{
	const struct script_section *sec = &m->script.section[SECTION_VERIFY];
	struct script_reader *r = NULL;
	struct script_statement st;
	int rc;

	if (script_reader_open(&r, &w->env, sec, err) < 0)
		return -1;
	while ((rc = script_reader_next(r, &st, err)) > 0) {
		struct judging j = { 0 };
		struct dunlin_error failed;
		struct dunlin_finding *f = NULL;

		if (session_query(&d->session, st.st.text, st.st.len, NULL, 0, judge_row, &j, &failed) < 0) {
			url_scrub_error(&d->url, &failed);
			f = finding_add(out, DUNLIN_EXIT_INVALID, "verify", m->component, m->version, sec->in.name,
			                "a verify query fails: %s", failed.message);
		} else if (j.why) {
			f = finding_add(out, DUNLIN_EXIT_INVALID, "verify", m->component, m->version, sec->in.name,
			                "a verify query answers %s in column %d", j.why, j.column);
		} else {
			continue;
		}
		if (!f) {
			rc = error_nomem(err);
			break;
		}
		f->line = st.st.line;
		f->column = st.st.column;
		finding_hint(out, f, "The schema is not as the migration left it; look at what has changed since.");
	}
	script_reader_close(r);
	return rc;
}

static int verify_all(struct dunlin *d, struct work *w, const struct dunlin_plan *p, int64_t *n,
                      struct finding_list *out, struct dunlin_error *err)
{
	struct dunlin_step begin = { .struct_size = sizeof begin, .kind = DUNLIN_STEP_BEGIN, .expect_rows = -1,
	                             .lock_timeout_ms = -1, .statement_timeout_ms = -1 };
	int has_tx = session_has(&d->session, DUNLIN_CAP_TX), rc = 0;

	if (has_tx && (rc = d->drv->begin(d->session.conn, &begin, session_error(&d->session))) != DUNLIN_OK)
		return session_fail(&d->session, rc, err);
	for (size_t i = 0; rc == 0 && i < p->n_entry; i++) {
		const struct plan_entry *e = &p->entry[i];

		if (!e->m || e->m->is_bad || !e->row || e->row->state != ROW_APPLIED ||
		    !e->m->script.section[SECTION_VERIFY].is_present)
			continue;
		++*n;
		rc = verify_one(d, w, e->m, out, err);
	}
	if (has_tx)
		d->drv->rollback(d->session.conn, session_error(&d->session));
	return rc;
}

int dunlin_verify(struct dunlin *d, int64_t *n_checked, struct dunlin_findings **out, struct dunlin_error *err)
{
	struct findings_box *b = findings_box_new(err);
	struct dunlin_plan p = { 0 };
	struct loader_log was;
	struct work w = { 0 };
	int64_t n = 0;
	int rc = -1;

	*out = NULL;
	if (!b)
		return -1;
	was = handle_enter(d);
	if (work_open_all(d, &w, FILES_ALL, err) == 0 && work_check_sum(&w, err) == 0 &&
	    work_plan(d, &w, &plain_up, WORK_LOOK, &p, err) == 0)
		rc = verify_all(d, &w, &p, &n, &b->list, err);
	if (rc == 0) {
		*out = findings_box_close(b);
		if (n_checked)
			*n_checked = n;
	} else {
		dunlin_findings_free(&b->pub);
		handle_fail(d, err);
	}
	plan_clear(&p);
	work_clear(&w);
	return handle_leave(d, was, rc);
}

/* --- health -------------------------------------------------------------------------- */

static void add_reason(struct dunlin_health *h, const char *text)
{
	size_t max = sizeof h->reason / sizeof *h->reason, len = strlen(text);

	if (h->n_reason == max)
		return;
	if (len >= sizeof *h->reason)
		len = sizeof *h->reason - 1;
	memcpy(h->reason[h->n_reason], text, len);
	h->reason[h->n_reason++][len] = '\0';
}

static void judge_health(struct dunlin_health *h, const struct dunlin_status_report *r)
{
	const struct { int64_t n; const char *what; } counts[] = {
		{ r->failed, "failed" }, { r->stuck, "stuck" }, { r->changed, "changed" },
		{ r->missing, "missing" }, { r->pending, "pending" },
	};
	char text[64];

	if (!r->has_ledger)
		add_reason(h, "no migration was ever applied here");
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (counts[i].n) {
			snprintf(text, sizeof text, "%lld %s", (long long)counts[i].n, counts[i].what);
			add_reason(h, text);
		}
	for (size_t i = 0; i < r->n_finding && h->n_reason < 8; i++)
		if (r->finding[i].code && strcmp(r->finding[i].kind, "changed") != 0 &&
		    strcmp(r->finding[i].kind, "missing") != 0 && strcmp(r->finding[i].kind, "stuck") != 0)
			add_reason(h, r->finding[i].message);
	if (h->n_reason) {
		h->status = "degraded";
		h->code = DUNLIN_EXIT_INVALID;
	}
}

/* The folder is not looked at. */
static int read_current(struct dunlin *d, char *out, size_t size, struct dunlin_error *err)
{
	struct dunlin_plan p = { 0 };
	struct work w = { 0 };
	int rc = -1;

	if (handle_driver(d, err) == 0 && work_env(d, &w, d->drv->dialect, d->drv->name, err) == 0 &&
	    handle_open(d, OPEN_EXISTING, err) == 0 && ledger_read(&d->ledger, &d->session, &w.history, err) == 0 &&
	    work_plan(d, &w, &plain_up, WORK_LOOK, &p, err) == 0) {
		snprintf(out, size, "%s", p.current);
		rc = 0;
	}
	plan_clear(&p);
	work_clear(&w);
	return rc;
}

int dunlin_current(struct dunlin *d, char *out, size_t size, struct dunlin_error *err)
{
	struct loader_log was = handle_enter(d);
	int rc = read_current(d, out, size, err);

	return handle_leave(d, was, rc < 0 ? handle_fail(d, err) : 0);
}

static int is_folder_there(struct dunlin *d, struct dunlin_error *err)
{
	const struct work nothing = { 0 };

	return work_check_folders(d, &nothing, err) == 0;
}

/* Database and ledger answered; what is pending the folder knows. */
static int look_at_files(struct dunlin *d, struct dunlin_health *out, struct dunlin_error *err)
{
	struct dunlin_status_report *r = NULL;
	int is_there = is_folder_there(d, err);

	if (is_there && dunlin_status(d, &r, err) == 0) {
		out->pending = r->pending;
		judge_health(out, r);
		dunlin_status_free(r);
		return 0;
	}
	if (is_there && (err->errclass != DUNLIN_CLASS_VALIDATION || err->code == DUNLIN_EXIT_USAGE))
		return -1;
	out->status = "degraded";
	out->code = DUNLIN_EXIT_INVALID;
	add_reason(out, err->message);
	return 0;
}

int dunlin_health_check(struct dunlin *d, struct dunlin_health *out, struct dunlin_error *err)
{
	struct dunlin_error own;
	struct tm tm;
	time_t now = time(NULL);
	const char *url;
	int rc;

	if (!err)
		err = &own;
	memset(out, 0, sizeof *out);
	out->status = "ok";
	out->pending = -1;
	gmtime_r(&now, &tm);
	strftime(out->timestamp, sizeof out->timestamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
	rc = dunlin_current(d, out->current, sizeof out->current, err);
	if (rc == 0)
		rc = look_at_files(d, out, err);
	if (rc < 0 && (err->code == DUNLIN_EXIT_USAGE || err->code == DUNLIN_EXIT_DRIVER))
		return -1;
	url = d->url.masked ? url_masked(&d->url) : dunlin_get(d, "url", NULL);
	snprintf(out->database, sizeof out->database, "%s", url ? url : "");
	if (rc < 0) {
		out->status = err->errclass == DUNLIN_CLASS_VALIDATION ? "degraded" : "down";
		out->code = err->errclass == DUNLIN_CLASS_VALIDATION ? DUNLIN_EXIT_INVALID : DUNLIN_EXIT_CONNECT;
		add_reason(out, err->message);
	}
	error_clear(err);
	return 0;
}
