/*
 * plan_case.h - planner cases as text: files, history, facts and a request, and
 * the plan that they must give.  tests/golden/plan/README.md has the format.
 */
#ifndef DUNLIN_TESTS_PLAN_CASE_H
#define DUNLIN_TESTS_PLAN_CASE_H

#include "buf.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASE_SOURCES = 8, CASE_WORDS = 40 };

struct plan_case {
	struct arena arena;
	const char *name;
	struct migration_set set;
	struct source source[CASE_SOURCES];
	enum scheme scheme[CASE_SOURCES];
	struct history h;
	struct plan_facts facts;
	int settled, same;             /* what the callbacks answer         */
	int64_t down_start;
	struct dunlin_request req;
	int shows_states, shows_current, shows_hints;
	struct buf expect;
};

/* --- reading ---------------------------------------------------------------------- */

struct case_words { char *v[CASE_WORDS]; size_t n; };

__attribute__((noreturn)) static void case_die(const struct plan_case *c, const char *what, const char *word)
{
	fprintf(stderr, "case '%s': %s '%s'\n", c->name ? c->name : "", what, word);
	abort();
}

static void case_split(struct plan_case *c, char *line, struct case_words *w)
{
	char *save = NULL;

	w->n = 0;
	for (char *p = strtok_r(line, " \t", &save); p; p = strtok_r(NULL, " \t", &save)) {
		if (w->n == CASE_WORDS)
			case_die(c, "too many words, at", p);
		w->v[w->n++] = p;
	}
}

/* The value of "key=value", or NULL. */
static const char *case_value(const struct case_words *w, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->v[i], key, len) == 0 && w->v[i][len] == '=')
			return w->v[i] + len + 1;
	return NULL;
}

static long case_number(const struct case_words *w, const char *key, long otherwise)
{
	const char *s = case_value(w, key);

	return s ? strtol(s, NULL, 10) : otherwise;
}

static int case_flag(const struct case_words *w, const char *flag)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i], flag) == 0)
			return 1;
	return 0;
}

/* "COMPONENT@VERSION" or "VERSION". */
static void case_ref(struct plan_case *c, const char *word, const char **component, const char **version)
{
	const char *at = strchr(word, '@');

	*component = arena_strndup(&c->arena, word, at ? (size_t)(at - word) : 0);
	*version = arena_strdup(&c->arena, at ? at + 1 : word);
}

static size_t case_source(struct plan_case *c, const char *component, int must_be_new)
{
	for (size_t i = 0; i < c->set.n_source && !must_be_new; i++)
		if (strcmp(c->source[i].component, component) == 0)
			return i;
	if (c->set.n_source == CASE_SOURCES)
		case_die(c, "too many sources, at", component);
	c->source[c->set.n_source] = (struct source){ .component = component, .dir = "migrations" };
	c->scheme[c->set.n_source] = SCHEME_SEMVER;
	return c->set.n_source++;
}

static void case_requires(struct plan_case *c, struct directives *d, const char *list)
{
	char *copy = arena_strdup(&c->arena, list ? list : ""), *save = NULL;

	d->require = arena_alloc(&c->arena, 16 * sizeof *d->require);
	d->text = arena_alloc(&c->arena, 16 * sizeof *d->text);
	for (char *p = strtok_r(copy, ",", &save); p && d->n_require < 16; p = strtok_r(NULL, ",", &save)) {
		d->text[d->n_text++] = arena_printf(&c->arena, "requires %s", p);
		d->require[d->n_require++] = p;
	}
}

static const struct dunlin_error case_refused = {
	.code = DUNLIN_EXIT_INVALID, .errclass = DUNLIN_CLASS_VALIDATION,
	.message = "cannot run", .hint = "Mend it.", .file = "the file", .line = 3, .column = 1,
};

/* n statements, with the traits that the flags PREFIXddl, ... name. */
static void case_section(struct plan_case *c, struct script_section *s, const struct case_words *w,
                         const char *prefix, long n, const char *requires)
{
	static const struct { const char *name; uint32_t trait; } traits[] = {
		{ "ddl", DUNLIN_ST_DDL }, { "commits", DUNLIN_ST_COMMITS }, { "copy", DUNLIN_ST_COPY },
		{ "edge", DUNLIN_ST_EDGE },
	};
	char flag[32];

	*s = (struct script_section){ .is_present = 1, .n_statements = (uint64_t)n, .n_split = (uint64_t)n,
	                              .begin_index = -1, .commit_index = -1 };
	for (size_t i = 0; i < sizeof traits / sizeof *traits; i++) {
		snprintf(flag, sizeof flag, "%s%s", prefix, traits[i].name);
		if (case_flag(w, flag))
			s->body_traits = s->traits |= traits[i].trait;
	}
	snprintf(flag, sizeof flag, "%snotx", prefix);
	s->d.is_no_transaction = case_flag(w, flag);
	snprintf(flag, sizeof flag, "%srefused", prefix);
	if (case_flag(w, flag))
		s->refused = &case_refused;
	snprintf(s->body_sum, sizeof s->body_sum, "%s%ld", prefix, n);
	snprintf(flag, sizeof flag, "%slongest", prefix);
	s->longest = (uint64_t)case_number(w, flag, 0);
	snprintf(flag, sizeof flag, "%slongest-at", prefix);
	s->longest_index = case_number(w, flag, 1) - 1;
	if (requires)
		case_requires(c, &s->d, requires);
}

/* file [COMPONENT@]VERSION NAME [up=N] [down=N] [FLAG...] */
static void case_file(struct plan_case *c, const struct case_words *w)
{
	struct script_section *section = arena_alloc(&c->arena, N_SECTIONS * sizeof *section);
	struct script_section *up = &section[SECTION_UP];
	struct migration *m;
	const char *sum = case_value(w, "sum"), *stmts = case_value(w, "stmts");
	long down = case_number(w, "down", -1);

	if (w->n < 3 || mem_grow(&c->set.m, &c->set.cap, c->set.n, sizeof *c->set.m) < 0)
		case_die(c, "a file needs version and name, at", w->v[w->n - 1]);
	m = &c->set.m[c->set.n++];
	*m = (struct migration){ .name = arena_strdup(&c->arena, w->v[2]) };
	case_ref(c, w->v[1], &m->component, &m->version);
	m->source = case_source(c, m->component, 0);
	m->kind = strncmp(m->version, "R-", 2) == 0 ? MIGRATION_REPEATABLE : MIGRATION_VERSIONED;
	if (m->kind == MIGRATION_VERSIONED &&
	    version_parse(&m->key, c->scheme[m->source], m->version, strlen(m->version)) < 0)
		case_die(c, "not a version", m->version);
	m->file = arena_printf(&c->arena, "%s%s%s-%s.sql", m->component, *m->component ? "/" : "", m->version, m->name);
	m->is_bad = case_flag(w, "bad");
	snprintf(m->script.checksum, SHA256_TEXT, "%s", sum ? sum : "c");
	snprintf(m->script.statements_checksum, SHA256_TEXT, "%s", stmts ? stmts : sum ? sum : "c");
	m->script.section = section;
	case_section(c, up, w, "", case_number(w, "up", 1), case_value(w, "requires"));
	if (down >= 0)
		case_section(c, &section[SECTION_DOWN], w, "down-", down, NULL);
	up->d.is_irreversible = case_flag(w, "irreversible");
	if (case_flag(w, "own-tx")) {
		up->begin_index = 0;
		up->commit_index = (int64_t)up->n_split - 1 - case_flag(w, "trailing");
		up->n_statements -= 2;
	}
}

/* row [COMPONENT@]VERSION STATE [KEY=VALUE...] [FLAG...] */
static void case_row(struct plan_case *c, const struct case_words *w)
{
	struct ledger_row *row = history_add(&c->h);
	const char *done = case_value(w, "done"), *sum = case_value(w, "sum"), *stmts = case_value(w, "stmts");
	const char *dir = case_value(w, "dir"), *error = case_value(w, "down-error");
	long keeps = case_number(w, "keeps", -1), flight = case_number(w, "flight", 0);

	if (w->n < 3 || !row)
		case_die(c, "a row needs version and state, at", w->v[w->n - 1]);
	case_ref(c, w->v[1], &row->component, &row->version);
	row->name = arena_printf(&c->arena, "of_%s", row->version);
	row->state = row_state_parse(w->v[2]);
	if (row->state < 0)
		case_die(c, "unknown state", w->v[2]);
	row->kind = strncmp(row->version, "R-", 2) == 0 ? MIGRATION_REPEATABLE
		: row->state == ROW_BASELINE ? MIGRATION_BASELINE : MIGRATION_VERSIONED;
	row->direction = dir && strcmp(dir, "down") == 0 ? DIRECTION_DOWN : DIRECTION_UP;
	row->batch = case_number(w, "batch", row->state == ROW_BASELINE ? 0 : 1);
	row->apply_order = case_number(w, "order", (long)c->h.n);
	row->checksum = arena_strdup(&c->arena, sum ? sum : "c");
	row->statements_checksum = arena_strdup(&c->arena, stmts ? stmts : sum ? sum : "c");
	if (done) {
		row->statements_done = strtol(done, NULL, 10);
		row->statements_total = strchr(done, '/') ? strtol(strchr(done, '/') + 1, NULL, 10) : 0;
	}
	if (flight > 0)
		row->intent = arena_printf(&c->arena, "{\"n\":%ld,\"last\":%ld,\"hash\":\"h\"}", flight,
		                           case_number(w, "last", flight));
	else if (flight < 0)
		row->intent = "not json";
	else if (row->statements_done)
		row->intent = "{\"prefix\":\"p\"}";
	row->has_down = keeps >= 0 || case_flag(w, "unread") || error;
	if (keeps >= 0) {
		struct script_section *section = arena_alloc(&c->arena, N_SECTIONS * sizeof *section);
		struct script *s = arena_alloc(&c->arena, sizeof *s);

		case_section(c, &section[SECTION_DOWN], w, "keeps-", keeps, case_value(w, "requires"));
		s->section = section;
		row->down = s;
	}
	row->is_down_different = case_flag(w, "differs");
	row->down_error = error ? arena_strdup(&c->arena, error) : NULL;
	if (row->batch > c->h.batch_max)
		c->h.batch_max = row->batch;
	if (row->apply_order > c->h.apply_order_max)
		c->h.apply_order_max = row->apply_order;
	c->h.has_ledger = 1;
}

static int case_settled(void *arg, const struct ledger_row *row)
{
	(void)row;
	return ((struct plan_case *)arg)->settled;
}

static int case_same(void *arg, const struct migration *m, const struct ledger_row *row)
{
	(void)m, (void)row;
	return ((struct plan_case *)arg)->same;
}

static int64_t case_down_start(void *arg, const struct migration *m, const struct script_section *down, int is_kept,
                               int64_t k, char why[COUNTERPART_WHY])
{
	int64_t at = ((struct plan_case *)arg)->down_start;

	(void)m, (void)down, (void)is_kept, (void)k;
	if (at < 0)
		snprintf(why, COUNTERPART_WHY, "it is no mirror");
	return at;
}

/* facts WORD...: what a connection knows, other than the usual. */
static void case_facts(struct plan_case *c, const struct case_words *w)
{
	static const struct { const char *name; uint64_t cap; } caps[] = {
		{ "tx", DUNLIN_CAP_TX }, { "tx-ddl", DUNLIN_CAP_TX_DDL }, { "lock", DUNLIN_CAP_LOCK },
		{ "copy-in", DUNLIN_CAP_COPY_IN }, { "ddl-commits", DUNLIN_CAP_DDL_COMMITS },
		{ "read-only", DUNLIN_CAP_READ_ONLY },
	};
	static const struct { const char *name; int answer; } answers[] = {
		{ "ran", SETTLED_RAN }, { "not-run", SETTLED_NOT_RUN }, { "unknown", SETTLED_UNKNOWN },
	};
	const char *settled = case_value(w, "settled"), *same = case_value(w, "same"), *list = case_value(w, "tables");
	const char *start = case_value(w, "down-start");

	for (size_t i = 1; i < w->n; i++)
		for (size_t k = 0; k < sizeof caps / sizeof *caps; k++) {
			if (w->v[i][0] == '+' && strcmp(w->v[i] + 1, caps[k].name) == 0)
				c->facts.caps |= caps[k].cap;
			if (w->v[i][0] == '-' && strcmp(w->v[i] + 1, caps[k].name) == 0)
				c->facts.caps &= ~caps[k].cap;
		}
	for (size_t k = 0; settled && k < sizeof answers / sizeof *answers; k++)
		if (strcmp(settled, answers[k].name) == 0) {
			c->settled = answers[k].answer;
			c->facts.settled = case_settled;
			c->facts.settled_arg = c;
		}
	if (same) {
		c->same = strcmp(same, "yes") == 0;
		c->facts.prefix_same = case_same;
		c->facts.prefix_arg = c;
	}
	if (start) {
		c->down_start = strcmp(start, "no") == 0 ? -1 : strtol(start, NULL, 10);
		c->facts.down_start = case_down_start;
		c->facts.down_arg = c;
	}
	if (list) {
		const char **v = arena_alloc(&c->arena, 16 * sizeof *v);
		char *copy = arena_strdup(&c->arena, list), *save = NULL;

		for (char *p = strtok_r(copy, ",", &save); p && c->facts.n_foreign < 16; p = strtok_r(NULL, ",", &save))
			v[c->facts.n_foreign++] = p;
		c->facts.foreign_table = v;
	}
	c->facts.statement_max = (uint64_t)case_number(w, "statement-max", 0);
	c->facts.is_lock_held |= case_flag(w, "locked");
	c->facts.is_looking |= case_flag(w, "looking");
	c->facts.is_connected &= !case_flag(w, "offline");
}

/* request COMMAND [--OPTION [VALUE]]... */
static void case_request(struct plan_case *c, const struct case_words *w)
{
	static const char *const ops[] = { "", "up", "rollback", "down", "redo", "reset", "baseline" };
	static const char *const modes[] = { "migration", "all", "none" };
	struct dunlin_request *r = &c->req;

	for (size_t i = 1; i < sizeof ops / sizeof *ops; i++)
		if (w->n > 1 && strcmp(w->v[1], ops[i]) == 0)
			r->op = (int32_t)i;
	for (size_t i = 2; i < w->n; i++) {
		const char *o = w->v[i], *v = i + 1 < w->n ? arena_strdup(&c->arena, w->v[i + 1]) : "";

		if (strcmp(o, "--all") == 0)
			r->all = 1;
		else if (strcmp(o, "--force") == 0)
			r->force = 1;
		else if (strcmp(o, "--allow-out-of-order") == 0)
			r->allow_out_of_order = 1;
		else if (strcmp(o, "--existing-schema") == 0)
			r->existing_schema = 1;
		else if (strcmp(o, "--from-empty") == 0)
			r->from_empty = 1;
		else if (strcmp(o, "--drop") == 0)
			r->drop = 1;
		else if (strcmp(o, "--no-lock") == 0)
			r->no_lock = 1;
		else if (strcmp(o, "--down-from-files") == 0)
			r->down_from_files = 1;
		else if (++i && strcmp(o, "--to") == 0)
			r->to = v;
		else if (strcmp(o, "--release") == 0)
			r->release = v;
		else if (strcmp(o, "--only") == 0)
			r->only = v;
		else if (strcmp(o, "--count") == 0)
			r->count = strtol(v, NULL, 10);
		else if (strcmp(o, "--batch") == 0)
			r->batch = strtol(v, NULL, 10), r->has_batch = 1;
		else if (strcmp(o, "--transaction") == 0)
			for (int k = 0; k < 3; k++)
				r->transaction = strcmp(modes[k], v) == 0 ? k : r->transaction;
		else
			case_die(c, "unknown option", o);
	}
}

static void case_line(struct plan_case *c, char *line)
{
	struct case_words w;
	char *copy = arena_strdup(&c->arena, line);

	case_split(c, copy, &w);
	if (w.n == 0 || w.v[0][0] == '#')
		return;
	if (strcmp(w.v[0], "file") == 0) {
		case_file(c, &w);
	} else if (strcmp(w.v[0], "row") == 0) {
		case_row(c, &w);
	} else if (strcmp(w.v[0], "facts") == 0) {
		case_facts(c, &w);
	} else if (strcmp(w.v[0], "request") == 0) {
		case_request(c, &w);
	} else if (strcmp(w.v[0], "source") == 0 && w.n == 3) {
		size_t i = case_source(c, strcmp(w.v[1], "-") == 0 ? "" : arena_strdup(&c->arena, w.v[1]), 1);

		if (scheme_parse(w.v[2], &c->scheme[i]) < 0)
			case_die(c, "unknown scheme", w.v[2]);
	} else if (strcmp(w.v[0], "batch-max") == 0 && w.n == 2) {
		c->h.batch_max = strtol(w.v[1], NULL, 10);
	} else if (strcmp(w.v[0], "finding") == 0 && w.n == 3) {
		if (!finding_add(&c->set.findings, (int)strtol(w.v[1], NULL, 10), w.v[2], "", "", "", "of the folder"))
			case_die(c, "out of memory at", line);
	} else if (strcmp(w.v[0], "show") == 0) {
		c->shows_states = case_flag(&w, "states");
		c->shows_current = case_flag(&w, "current");
		c->shows_hints = case_flag(&w, "hints");
	} else {
		buf_adds(&c->expect, line);
		buf_addc(&c->expect, '\n');
	}
}

static void plan_case_clear(struct plan_case *c)
{
	mem_free(c->set.m);
	finding_clear(&c->set.findings);
	history_clear(&c->h);
	buf_clear(&c->expect);
	arena_clear(&c->arena);
	memset(c, 0, sizeof *c);
}

/* Reads one case from *text, which moves behind it; 0: there is none left.
 * Aborts on a line that it does not understand. */
static int plan_case_read(struct plan_case *c, const char **text)
{
	const char *p = *text;

	memset(c, 0, sizeof *c);
	c->facts.caps = DUNLIN_CAP_TX | DUNLIN_CAP_TX_DDL | DUNLIN_CAP_LOCK | DUNLIN_CAP_COPY_IN;
	c->facts.driver = "test";
	c->facts.is_connected = 1;
	buf_reserve(&c->expect, 1);
	while (*p) {
		size_t len = strcspn(p, "\n");
		char *line;

		if (strncmp(p, "case ", 5) == 0) {
			if (c->name)
				break;
			c->name = arena_strndup(&c->arena, p + 5, len - 5);
		} else if (c->name) {
			line = arena_strndup(&c->arena, p, len);
			case_line(c, line + strspn(line, " \t"));
		}
		p += len + (p[len] == '\n');
	}
	*text = p;
	if (c->set.n_source == 0)
		case_source(c, "", 1);
	c->set.source = c->source;
	c->set.scheme = c->scheme;
	if (!c->name)
		plan_case_clear(c);
	return c->name != NULL;
}

/* --- showing -------------------------------------------------------------------------- */

static void case_show_ref(struct buf *out, const char *component, const char *version)
{
	buf_addf(out, " %s%s%s", component, *component ? "@" : "", version);
}

static void case_show_action(struct buf *out, const struct plan_action *a)
{
	buf_addf(out, "%s", a->pub.kind_name);
	case_show_ref(out, a->pub.component, a->pub.version);
	buf_addf(out, " %s", a->pub.transaction);
	if (a->shared_group)
		buf_addf(out, "/%d", a->shared_group);
	buf_addf(out, " n=%lld batch=%lld", (long long)a->pub.statements, (long long)a->pub.batch);
	if (a->pub.resume_at != 1)
		buf_addf(out, " at=%lld", (long long)a->pub.resume_at);
	if (a->is_from_ledger)
		buf_adds(out, " ledger");
	else if (a->section && a->pub.file[0] && a->pub.kind == DUNLIN_ACTION_REVERT)
		buf_adds(out, " file");
	if (a->is_redo)
		buf_adds(out, " redo");
	buf_addf(out, " (%s)\n", a->pub.reason);
}

static void plan_case_show(const struct plan_case *c, const struct dunlin_plan *p, struct buf *out)
{
	for (size_t i = 0; i < p->n_entry && c->shows_states; i++) {
		const struct plan_entry *e = &p->entry[i];

		buf_adds(out, "state");
		case_show_ref(out, e->m ? e->m->component : e->row->component, e->m ? e->m->version : e->row->version);
		buf_addf(out, " %s%s%s%s\n", migration_state_name(e->state), e->note[0] ? " (" : "", e->note,
		         e->note[0] ? ")" : "");
	}
	if (c->shows_current)
		buf_addf(out, "current '%s' batch %lld code %d\n", p->current, (long long)p->batch, finding_code(&p->findings));
	for (size_t i = 0; i < p->findings.n; i++) {
		const struct dunlin_finding *f = &p->findings.v[i];

		buf_addf(out, "%s %d %s: %s\n", f->code ? "refused" : "warning", f->code, f->kind, f->message);
		if (c->shows_hints && f->hint[0])
			buf_addf(out, "hint %s\n", f->hint);
	}
	for (size_t i = 0; i < p->n_action; i++)
		case_show_action(out, &p->action[i]);
	if (p->n_action == 0 && p->findings.n == 0)
		buf_adds(out, "nothing\n");
}

/* Plans it and writes the plan, or the error, in the format of `expect`. */
static void plan_case_run(struct plan_case *c, struct buf *out)
{
	struct dunlin_plan p = { 0 };
	struct dunlin_error err;

	if (plan_build(&p, &c->set, &c->h, &c->facts, &c->req, &err) == 0) {
		plan_case_show(c, &p, out);
	} else {
		buf_addf(out, "error %d: %s\n", err.code, err.message);
		if (c->shows_hints && err.hint[0])
			buf_addf(out, "hint %s\n", err.hint);
	}
	plan_clear(&p);
}

#endif
