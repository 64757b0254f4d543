/*
 * source.c - the sources' files to one ordered set of migrations.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "source.h"

#include "entry.h"
#include "error.h"
#include "pick.h"
#include "scan.h"
#include "sum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* One source's share of the set; its folder stays open for later reads. */
struct set_part {
	struct scan scan;
	struct entry_list list; /* empty once loaded                       */
	size_t first, n_versioned, n;
};

struct loading {
	struct migration_set *set;
	const struct source_options *o;
	struct name_rules rules;
	struct dunlin_error *err;
	/* The source at work. */
	struct set_part *part;
	size_t source;
	struct pick_context pick;
};

const char *migration_kind_name(int kind)
{
	static const char *const names[] = {
		[MIGRATION_VERSIONED] = "versioned", [MIGRATION_REPEATABLE] = "repeatable",
		[MIGRATION_BASELINE] = "baseline",
	};

	return names[kind];
}

/* --- migrations ------------------------------------------------------------- */

/* What script_load() found wrong is a finding; what went wrong around it is not. */
static int take_error(struct loading *l, struct migration *m, struct dunlin_error *e)
{
	m->is_bad = 1;
	if (e->errclass == DUNLIN_CLASS_UNKNOWN) {
		if (l->err)
			*l->err = *e;
		return -1;
	}
	error_migration(e, m->component, m->version);
	return finding_add_error(&l->set->findings, "file", e) < 0 ? error_nomem(l->err) : 0;
}

/* Is it applied, with the very content that its file has?  Whatever is wrong
 * with the file, reading it in full will tell. */
static int is_as_recorded(struct loading *l, struct migration *m, const struct pick *p)
{
	const struct entry *up = p->use[SCRIPT_SINGLE] ? p->use[SCRIPT_SINGLE] : p->use[SCRIPT_UP];
	const char *checksum, *statements;
	char sum[SHA256_TEXT];
	struct input in;

	if (!l->o->recorded || m->kind != MIGRATION_VERSIONED || !up ||
	    !l->o->recorded(l->o->recorded_arg, m->component, m->version, &checksum, &statements) ||
	    strlen(statements) >= SHA256_TEXT)
		return 0;
	in = scan_input(&l->part->scan, up->file, m->file);
	if (sum_content(&in, sum, NULL) < 0 || strcmp(sum, checksum) != 0)
		return 0;
	memcpy(m->script.checksum, sum, sizeof sum);
	memcpy(m->script.statements_checksum, statements, strlen(statements) + 1);
	m->is_unread = 1;
	return 1;
}

/* A down that could not run as it is written: a warning, since no up needs it. */
static int warn_of_down(struct loading *l, const struct migration *m)
{
	struct finding_list *out = &l->set->findings;
	const struct dunlin_error *why = m->is_bad || !m->script.section ? NULL : m->script.section[SECTION_DOWN].refused;
	struct dunlin_finding *f;

	if (!why)
		return 0;
	f = finding_add(out, 0, "down", m->component, m->version, why->file, "the down of '%s%s%s' could not run: %s",
	                m->component, m->component[0] ? "@" : "", m->version, why->message);
	if (!f)
		return error_nomem(l->err);
	f->line = why->line;
	f->column = why->column;
	finding_hint(out, f, "%s", why->hint);
	return 0;
}

static int load_scripts(struct loading *l, struct migration *m, const struct pick *p)
{
	struct script_env env = l->o->env;
	struct dunlin_error e;

	if (is_as_recorded(l, m, p))
		return 0;
	env.is_repeatable = m->kind == MIGRATION_REPEATABLE;
	if (l->o->extra)
		env.extra = l->o->extra(l->o->extra_arg, m->component, m->version);
	for (int r = 0; r < PICK_ROLES && !m->is_bad; r++) {
		struct input in;

		if (!p->use[r])
			continue;
		in = scan_input(&l->part->scan, p->use[r]->file,
		                r == SCRIPT_DOWN ? m->down_file : r == SCRIPT_VERIFY ? m->verify_file : m->file);
		if (script_load(&m->script, &l->set->arena, &env, &in, (enum script_role)r, &e) < 0 &&
		    take_error(l, m, &e) < 0)
			return -1;
	}
	return warn_of_down(l, m);
}

static const char *slice_dup(struct loading *l, struct slice s)
{
	return arena_strndup(&l->set->arena, s.p, s.len);
}

static const char *file_of(struct loading *l, const struct entry *e)
{
	return scan_show(&l->set->arena, l->part->scan.dir, e->file->path, e->file->len);
}

static int fill_migration(struct loading *l, struct migration *m, const struct pick *p)
{
	const struct entry *up = p->use[SCRIPT_SINGLE] ? p->use[SCRIPT_SINGLE]
		: p->use[SCRIPT_UP] ? p->use[SCRIPT_UP] : p->first;

	m->component = l->part->scan.component;
	m->version = p->version;
	m->name = slice_dup(l, up->p.name);
	m->kind = up->p.is_repeatable ? MIGRATION_REPEATABLE : MIGRATION_VERSIONED;
	m->source = l->source;
	m->is_bad = p->is_bad;
	m->script.section = script_no_sections;
	m->file = file_of(l, up);
	if (!m->name || !m->file)
		return error_nomem(l->err);
	if (m->kind == MIGRATION_VERSIONED)
		version_parse(&m->key, l->part->list.scheme, m->version, strlen(m->version));
	if (p->use[SCRIPT_DOWN] && !(m->down_file = file_of(l, p->use[SCRIPT_DOWN])))
		return error_nomem(l->err);
	if (p->use[SCRIPT_VERIFY] && !(m->verify_file = file_of(l, p->use[SCRIPT_VERIFY])))
		return error_nomem(l->err);
	return l->o->is_names_only || m->is_bad ? 0 : load_scripts(l, m, p);
}

static const struct entry *group_end(const struct entry *e, const struct entry *end)
{
	const struct entry *first = e;

	while (e < end && entry_is_same(first, e))
		e++;
	return e;
}

/* Migrations of other names that have the version of p: all but the first are
 * left out, and none may run.  Returns where the next version begins. */
static const struct entry *check_duplicates(struct loading *l, struct pick *p, const struct entry *end)
{
	const struct entry *e = p->end;

	while (e < end && entry_is_equal_version(p->first, e)) {
		int is_sequence = l->part->list.is_guessed && l->part->list.scheme == SCHEME_SEQUENCE;

		p->is_bad = 1;
		if (pick_complain(&l->pick, "duplicate", p->version, p->first, e, "have the same version", is_sequence
				? "Give one of them another number, or use `--scheme filename`, which orders by the bytes of the file name."
				: "Give one of them another version.") < 0)
			return NULL;
		e = group_end(e, end);
	}
	return e;
}

static int load_part(struct loading *l)
{
	struct set_part *part = l->part;
	const struct entry *e = part->list.v, *end = e + part->list.n;

	part->first = l->set->n;
	while (e < end) {
		struct pick p = { .first = e, .end = group_end(e, end) };
		struct migration *m = &l->set->m[l->set->n];

		p.version = slice_dup(l, e->p.version);
		if (!p.version)
			return error_nomem(l->err);
		e = check_duplicates(l, &p, end);
		if (!e || pick_files(&l->pick, &p) < 0 || fill_migration(l, m, &p) < 0)
			return -1;
		l->set->n++;
		part->n++;
		part->n_versioned += m->kind == MIGRATION_VERSIONED;
	}
	return 0;
}

/* --- what only shows when all are there --------------------------------------- */

static int cmp_folded(const void *a, const void *b)
{
	const struct migration *const *ma = a, *const *mb = b;
	int c = strcasecmp((*ma)->version, (*mb)->version);

	return c ? c : strcmp((*ma)->version, (*mb)->version);
}

static int complain_pair(struct loading *l, struct migration *a, struct migration *b, const char *what)
{
	struct dunlin_finding *f = finding_add(&l->set->findings, DUNLIN_EXIT_INVALID, "duplicate",
		b->component, b->version, b->file, "'%s' and '%s' %s", a->file, b->file, what);

	a->is_bad = b->is_bad = 1;
	if (!f)
		return error_nomem(l->err);
	finding_hint(&l->set->findings, f, "Rename one of them.");
	return 0;
}

/* Versions that are text and differ in letter case alone are one file on other
 * systems. */
static int check_case(struct loading *l)
{
	struct set_part *part = l->part;
	size_t from = part->list.scheme == SCHEME_FILENAME ? 0 : part->n_versioned;
	size_t n = part->n - from;
	struct migration **v;
	int rc = 0;

	if (n < 2)
		return 0;
	v = mem_alloc(n * sizeof *v);
	if (!v)
		return error_nomem(l->err);
	for (size_t i = 0; i < n; i++)
		v[i] = &l->set->m[part->first + from + i];
	qsort(v, n, sizeof *v, cmp_folded);
	for (size_t i = 1; i < n && rc == 0; i++)
		if (strcasecmp(v[i - 1]->version, v[i]->version) == 0)
			rc = complain_pair(l, v[i - 1], v[i], "have names that differ in letter case alone");
	mem_free(v);
	return rc;
}

/* Among the migrations [low, high) of one source. */
static const struct migration *find_in(const struct migration_set *set, size_t low, size_t high, const char *version)
{
	int is_repeatable = strncmp(version, "R-", 2) == 0;
	struct version key = { 0 };

	if (low < high && !is_repeatable && set->m[low].kind == MIGRATION_VERSIONED &&
	    version_parse(&key, set->m[low].key.scheme, version, strlen(version)) < 0)
		return NULL;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct migration *m = &set->m[mid];
		int c;

		if (m->kind != MIGRATION_VERSIONED)
			c = is_repeatable ? strcmp(version, m->version) : -1;
		else
			c = is_repeatable ? 1 : version_cmp(&key, &m->key);
		if (c == 0)
			return m;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* Where the source of migration `first` ends. */
static size_t source_end(const struct migration_set *set, size_t first)
{
	size_t low = first, high = set->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->m[mid].source == set->m[first].source)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Two sources may serve one component; no version may be in both. */
static int check_sources(struct loading *l)
{
	struct migration_set *set = l->set;

	for (size_t i = 1; i < set->n_source; i++)
		for (size_t j = 0; j < i; j++) {
			const struct set_part *a = &set->part[j], *b = &set->part[i];

			if (strcmp(a->scan.component, b->scan.component) != 0)
				continue;
			for (size_t k = b->first; k < b->first + b->n; k++) {
				const struct migration *other = find_in(set, a->first, a->first + a->n, set->m[k].version);

				if (other && complain_pair(l, &set->m[other - set->m], &set->m[k], "have the same version") < 0)
					return -1;
			}
		}
	return 0;
}

/* --- the set ------------------------------------------------------------------ */

static void add_rule(struct name_rules *r, const struct dunlin_dialect *d)
{
	for (size_t i = 0; d && i < r->n_dialect; i++)
		if (strcmp(r->dialect[i]->name, d->name) == 0)
			return;
	if (d)
		r->dialect[r->n_dialect++] = d;
}

static int is_absent(const struct source *src)
{
	return src->dir && access(src->dir, F_OK) < 0 && errno == ENOENT;
}

/* Lists every source; *n_entries is how many files have a place. */
static int list_all(struct loading *l, size_t *n_entries)
{
	struct migration_set *set = l->set;

	*n_entries = 0;
	for (size_t i = 0; i < set->n_source; i++) {
		const struct source *src = &set->source[i];
		struct set_part *part = &set->part[i];

		const struct source empty = { .component = src->component };
		int is_empty = l->o->is_folder_optional && is_absent(src);

		if (scan_open(&part->scan, &set->arena, is_empty ? &empty : src, &set->findings, l->err) < 0)
			return -1;
		if (!l->o->is_sum_unchecked && src->dir && !is_empty &&
		    sum_check_scan(&part->scan, &set->findings, l->err) < 0)
			return -1;
		if (entry_list_fill(&part->list, &part->scan, &set->arena, l->o->scheme, &l->rules,
		                    &set->findings, l->err) < 0)
			return -1;
		set->scheme[i] = part->list.scheme;
		*n_entries += part->list.n;
	}
	return 0;
}

static int load_all(struct loading *l)
{
	struct migration_set *set = l->set;

	for (size_t i = 0; i < set->n_source; i++) {
		l->part = &set->part[i];
		l->source = i;
		l->pick = (struct pick_context){
			.scan = &l->part->scan, .rules = &l->rules, .driver = l->o->env.driver,
			.arena = &set->arena, .findings = &set->findings, .err = l->err,
		};
		if (load_part(l) < 0 || check_case(l) < 0)
			return -1;
		entry_list_clear(&l->part->list);
	}
	return check_sources(l);
}

int migration_set_load(struct migration_set *set, const struct source_options *o, struct dunlin_error *err)
{
	struct loading l = { .set = set, .o = o, .err = err };
	size_t n;

	*set = (struct migration_set){ .source = o->source, .n_source = o->n_source };
	add_rule(&l.rules, o->env.dialect);
	add_rule(&l.rules, dialect_find("sqlite"));
	add_rule(&l.rules, dialect_find("postgresql"));
	add_rule(&l.rules, dialect_find("mariadb"));
	set->part = mem_zalloc((set->n_source + 1) * sizeof *set->part);
	set->scheme = mem_zalloc((set->n_source + 1) * sizeof *set->scheme);
	for (size_t i = 0; set->part && i < set->n_source; i++)
		set->part[i].scan.dirfd = -1;
	if (!set->part || !set->scheme) {
		error_nomem(err);
		goto fail;
	}
	if (list_all(&l, &n) < 0)
		goto fail;
	/* No more migrations than files; they must not move once loaded. */
	set->cap = n + 1;
	set->m = mem_zalloc(set->cap * sizeof *set->m);
	if (!set->m) {
		error_nomem(err);
		goto fail;
	}
	if (load_all(&l) < 0)
		goto fail;
	return 0;
fail:
	migration_set_clear(set);
	return -1;
}

void migration_set_clear(struct migration_set *set)
{
	for (size_t i = 0; set->part && i < set->n_source; i++) {
		entry_list_clear(&set->part[i].list);
		scan_close(&set->part[i].scan);
	}
	mem_free(set->part);
	mem_free(set->scheme);
	mem_free(set->m);
	finding_clear(&set->findings);
	arena_clear(&set->arena);
	*set = (struct migration_set){ 0 };
}

const struct migration *migration_set_find(const struct migration_set *set, const char *component, const char *version)
{
	for (size_t first = 0, end; first < set->n; first = end) {
		const struct migration *m = NULL;

		end = source_end(set, first);
		if (strcmp(set->m[first].component, component) == 0)
			m = find_in(set, first, end, version);
		if (m)
			return m;
	}
	return NULL;
}

enum scheme migration_set_scheme(const struct migration_set *set, const char *component)
{
	for (size_t i = 0; i < set->n_source; i++) {
		const char *name = set->source[i].component;

		if (strcmp(name ? name : "", component) == 0)
			return set->scheme[i];
	}
	return SCHEME_SEMVER;
}
