/*
 * api_work.c - one look at the world: files, ledger, facts, and the plan that
 * follows from them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "run.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int work_env(struct dunlin *d, struct work *w, const struct dunlin_dialect *dialect, const char *driver,
             struct dunlin_error *err)
{
	(void)err;
	w->env = (struct script_env){
		.dialect = dialect, .driver = driver,
		.placeholder = config_placeholder, .placeholder_arg = d->config,
		.extra_file = config_file(d->config),
	};
	return 0;
}

static const struct ledger_row *applied_row(const struct work *w, const char *component, const char *version)
{
	const struct ledger_row *row = history_find(&w->history, component, version);

	return row && row->state == ROW_APPLIED && row->direction == DIRECTION_UP &&
	       row->kind == MIGRATION_VERSIONED ? row : NULL;
}

static int recorded(void *arg, const char *component, const char *version,
                    const char **checksum, const char **statements_checksum)
{
	const struct ledger_row *row = applied_row(arg, component, version);

	if (!row)
		return 0;
	*checksum = row->checksum;
	*statements_checksum = row->statements_checksum;
	return 1;
}

int work_load_files(struct dunlin *d, struct work *w, enum work_files which, struct dunlin_error *err)
{
	const char *scheme = handle_option(d, "scheme");
	struct source_options o = {
		.source = d->source, .n_source = d->n_source, .scheme = SCHEME_AUTO, .env = w->env,
		.extra = config_migration, .extra_arg = d->config,
		.recorded = which == FILES_NEW ? recorded : NULL, .recorded_arg = w,
		.is_folder_optional = w->is_folder_optional,
	};

	if (scheme && scheme_parse(scheme, &o.scheme) < 0)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		                 "'%s' is not a scheme: semver, timestamp, sequence and filename are", scheme);
	return migration_set_load(&w->set, &o, err);
}

int work_reread_files(struct dunlin *d, struct work *w, struct dunlin_error *err)
{
	for (size_t i = 0; i < w->set.n; i++) {
		const struct migration *m = &w->set.m[i];
		const struct ledger_row *row = m->is_unread ? applied_row(w, m->component, m->version) : NULL;

		if (m->is_unread && (!row || strcmp(row->checksum, m->script.checksum) != 0)) {
			migration_set_clear(&w->set);
			return work_load_files(d, w, FILES_ALL, err);
		}
	}
	return 0;
}

int request_is_from_ledger(const struct dunlin_request *req)
{
	return (req->op == DUNLIN_OP_ROLLBACK || req->op == DUNLIN_OP_DOWN) && !req->down_from_files;
}

int work_check_folders(struct dunlin *d, const struct work *w, struct dunlin_error *err)
{
	for (size_t i = 0; i < d->n_source; i++) {
		struct source_options o = { .source = &d->source[i], .n_source = 1, .is_names_only = 1, .is_sum_unchecked = 1,
		                            .is_folder_optional = w->is_folder_optional, .env = { .driver = "" } };
		struct migration_set set;

		if (!d->source[i].dir || access(d->source[i].dir, R_OK | X_OK) == 0)
			continue;
		if (migration_set_load(&set, &o, err) < 0) /* it says what is wrong */
			return -1;
		migration_set_clear(&set);
	}
	return 0;
}

/* For those who take no plan's refusal for an answer. */
int work_check_sum(const struct work *w, struct dunlin_error *err)
{
	struct finding_list sums = { 0 };
	int rc = 0;

	for (size_t i = 0; i < w->set.findings.n && rc == 0; i++) {
		const struct dunlin_finding *f = &w->set.findings.v[i];
		struct dunlin_finding *own;

		if (f->code == 0 || strcmp(f->kind, "sum") != 0)
			continue;
		own = finding_add(&sums, f->code, f->kind, f->component, f->version, f->file, "%s", f->message);
		if (own) {
			own->line = f->line;
			finding_hint(&sums, own, "%s", f->hint);
		} else {
			rc = error_nomem(err);
		}
	}
	if (rc == 0 && sums.n)
		rc = finding_to_error(&sums, err);
	finding_clear(&sums);
	return rc;
}

void work_forget_downs(struct work *w)
{
	for (size_t i = 0; i < w->n_down; i++)
		mem_free(w->down_text[i]);
	mem_free(w->down_text);
	mem_free(w->downs);
	w->down_text = NULL;
	w->downs = NULL;
	w->n_down = 0;
	for (size_t i = 0; i < w->history.n; i++)
		w->history.row[i].down = NULL;
}

void work_forget_history(struct work *w)
{
	work_forget_downs(w);
	history_clear(&w->history);
}

void work_clear(struct work *w)
{
	work_forget_history(w);
	migration_set_clear(&w->set);
	arena_clear(&w->arena);
}

/* Compares the folder's down with the kept one, as texts of the same making. */
static int is_down_different(const struct work *w, const struct ledger_row *row, const char *kept, size_t len)
{
	const struct migration *m = migration_set_find(&w->set, row->component, row->version);
	char *now = NULL;
	size_t now_len = 0;
	int is_different;

	if (!m || m->is_bad || script_down_text(&w->env, &m->script, &now, &now_len, NULL) < 0)
		return 0;
	is_different = now ? now_len != len || memcmp(now, kept, len) != 0 : 1;
	mem_free(now);
	return is_different;
}

static int load_down(struct dunlin *d, struct work *w, struct ledger_row *row, struct dunlin_error *err)
{
	struct script_env env = w->env;
	struct script *s = &w->downs[w->n_down];
	struct dunlin_error bad;
	struct input in = { .dirfd = AT_FDCWD };
	size_t len = 0;

	if (ledger_read_down(&d->ledger, &d->session, row, &w->down_text[w->n_down], &len, err) < 0)
		return -1;
	if (!w->down_text[w->n_down])
		return 0;
	w->n_down++;
	in.data = w->down_text[w->n_down - 1];
	in.len = len;
	in.name = arena_printf(&w->arena, "the ledger's down of %s", row->version);
	if (!in.name)
		return error_nomem(err);
	env.is_from_ledger = 1;
	if (script_load(s, &w->arena, &env, &in, SCRIPT_DOWN, &bad) < 0) {
		if (bad.errclass == DUNLIN_CLASS_UNKNOWN) /* no memory: nothing is wrong with it */
			return error_nomem(err);
		row->down_error = arena_strdup(&w->arena, bad.message);
		return row->down_error ? 0 : error_nomem(err);
	}
	row->down = s;
	row->is_down_different = is_down_different(w, row, in.data, len);
	return 0;
}

/* The kept downs of the rows that a request would revert. */
int work_load_downs(struct dunlin *d, struct work *w, const struct dunlin_request *req, struct dunlin_error *err)
{
	struct ledger_row **row = NULL;
	size_t n = 0;
	int rc = 0;

	if (req->op == DUNLIN_OP_UP || req->op == DUNLIN_OP_BASELINE || req->down_from_files)
		return 0;
	if (plan_select_reverts(&w->set, &w->history, req, &row, &n, err) < 0)
		return -1;
	w->downs = mem_zalloc((n + 1) * sizeof *w->downs);
	w->down_text = mem_zalloc((n + 1) * sizeof *w->down_text);
	if (!w->downs || !w->down_text)
		rc = error_nomem(err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (row[i]->has_down)
			rc = load_down(d, w, row[i], err);
	mem_free(row);
	return rc;
}

int work_lock_info(struct dunlin *d, int *held, char *holder, size_t holder_size, char *since, size_t since_size)
{
	int32_t is_held = 0;

	*held = 0;
	holder[0] = since[0] = '\0';
	if (d->is_locked || !d->session.conn || !d->drv->lock_info)
		return 0;
	if (d->drv->lock_info(d->session.conn, d->ledger.key, &is_held, holder, holder_size, since, since_size,
	                      session_error(&d->session)) != DUNLIN_OK)
		return -1;
	*held = is_held;
	return 0;
}

struct settling { struct dunlin *d; struct work *w; };

static const struct script_section *section_in_flight(const struct work *w, const struct ledger_row *row)
{
	const struct migration *m = migration_set_find(&w->set, row->component, row->version);

	if (row->direction == DIRECTION_DOWN) {
		if (row->down)
			return &row->down->section[SECTION_DOWN];
		return m && m->script.section[SECTION_DOWN].is_present ? &m->script.section[SECTION_DOWN] : NULL;
	}
	return m && !m->is_bad ? &m->script.section[SECTION_UP] : NULL;
}

static int settled(void *arg, const struct ledger_row *row)
{
	struct settling *g = arg;
	const struct script_section *sec = section_in_flight(g->w, row);
	struct script_env env = g->w->env;

	env.is_from_ledger = row->direction == DIRECTION_DOWN && row->down;
	return sec ? step_settle(&g->d->session, &env, sec, row) : SETTLED_UNKNOWN;
}

static int prefix_same(void *arg, const struct migration *m, const struct ledger_row *row)
{
	struct settling *g = arg;
	const struct script_section *sec = section_in_flight(g->w, row);
	struct script_env env = g->w->env;

	(void)m;
	env.is_from_ledger = row->direction == DIRECTION_DOWN && row->down;
	return sec ? step_unchanged(&env, sec, row) : 0;
}

static int64_t down_start(void *arg, const struct migration *m, const struct script_section *down, int is_kept,
                          int64_t k, char why[COUNTERPART_WHY])
{
	struct settling *g = arg;

	return step_down_start(&g->w->env, &m->script.section[SECTION_UP], down, is_kept, k, why);
}

/* What a driver that nobody asked yet may be able to do. */
static uint64_t likely_caps(const struct dunlin *d)
{
	const uint64_t usual = DUNLIN_CAP_TX | DUNLIN_CAP_TX_DDL | DUNLIN_CAP_LOCK | DUNLIN_CAP_COPY_IN;

	return d->drv ? d->drv->possible_caps & ~(uint64_t)(DUNLIN_CAP_READ_ONLY | DUNLIN_CAP_MIXED_TABLES) : usual;
}

static int has_running(const struct history *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->row[i].state == ROW_RUNNING)
			return 1;
	return 0;
}

int work_plan(struct dunlin *d, struct work *w, const struct dunlin_request *req, enum work_for purpose,
              struct dunlin_plan *p, struct dunlin_error *err)
{
	struct settling g = { d, w };
	struct plan_facts facts = {
		.driver = w->env.driver, .foreign_table = w->history.foreign, .n_foreign = w->history.n_foreign,
		.prefix_same = prefix_same, .prefix_arg = &g, .settled_arg = &g,
		.down_start = down_start, .down_arg = &g,
		.is_connected = d->session.conn != NULL, .is_looking = purpose == WORK_LOOK,
	};
	char holder[256], since[64];
	int held = 0;

	facts.caps = d->session.conn ? d->session.caps : likely_caps(d);
	if (d->session.conn && d->drv->statement_max)
		facts.statement_max = d->drv->statement_max(d->session.conn);
	/* A round trip, and only rows in the state `running` are told apart by it. */
	if (has_running(&w->history))
		work_lock_info(d, &held, holder, sizeof holder, since, sizeof since);
	facts.is_lock_held = held;
	if (purpose == WORK_RUN)
		facts.settled = settled;
	return plan_build(p, &w->set, &w->history, &facts, req, err);
}

int work_open_all(struct dunlin *d, struct work *w, enum work_files which, struct dunlin_error *err)
{
	if (handle_driver(d, err) < 0)
		return -1;
	work_env(d, w, d->drv->dialect, d->drv->name, err);
	if (work_check_folders(d, w, err) < 0 || handle_open(d, OPEN_EXISTING, err) < 0 ||
	    ledger_read(&d->ledger, &d->session, &w->history, err) < 0)
		return -1;
	return work_load_files(d, w, which, err);
}
