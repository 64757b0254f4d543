/*
 * plan_view.c - files and history merged into one ordered list.
 *
 * Both sides are sorted by (repeatable, component, version) and merged, so a
 * hundred thousand files need no search for each; files mostly arrive in order
 * and are then not sorted at all.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "plan_priv.h"

#include <stdlib.h>
#include <string.h>

struct item {
	struct view_key key;
	const struct migration *m;
	const struct ledger_row *row;
};

struct building {
	struct planner *pl;
	struct view *v;
	size_t last_line;   /* neighbours are mostly of one component     */
	unsigned *refused;  /* of each line: schemes that a row of it breaks */
};

static int key_cmp(const struct view_key *a, const struct view_key *b)
{
	if (!a->v != !b->v)
		return a->v ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (!a->v)
		return strcmp(a->version, b->version);
	/* What does not parse comes first: it is older than every file. */
	if (a->v->scheme != b->v->scheme)
		return a->v->scheme < b->v->scheme ? -1 : 1;
	return a->v->scheme == SCHEME_AUTO ? strcmp(a->version, b->version) : version_cmp(a->v, b->v);
}

static int item_cmp(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = key_cmp(&x->key, &y->key);

	/* qsort() is not stable: the same version twice stays in a fixed order. */
	return c ? c : strcmp(x->key.version, y->key.version);
}

static void sort_items(struct item *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (item_cmp(&v[i - 1], &v[i]) > 0) {
			qsort(v, n, sizeof *v, item_cmp);
			return;
		}
}

size_t view_line(const struct view *v, const char *component)
{
	for (size_t i = 0; i < v->n_line; i++)
		if (strcmp(v->line[i].component, component) == 0)
			return i;
	return NO_ENTRY;
}

static size_t line_of(struct building *b, const char *component)
{
	const struct view *v = b->v;

	if (b->last_line >= v->n_line || strcmp(v->line[b->last_line].component, component) != 0)
		b->last_line = view_line(v, component);
	return b->last_line;
}

static void add_line(struct view *v, const char *component, enum scheme scheme, int has_source)
{
	size_t i = view_line(v, component);

	if (i == NO_ENTRY) {
		i = v->n_line++;
		v->line[i] = (struct line){ .component = component, .newest_applied = NO_ENTRY, .newest_file = NO_ENTRY };
	}
	v->line[i].has_source |= has_source;
	if (v->line[i].scheme == SCHEME_AUTO)
		v->line[i].scheme = scheme;
}

static int line_cmp(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->component, ((const struct line *)b)->component);
}

static int is_repeatable(const struct ledger_row *row)
{
	return row->kind == MIGRATION_REPEATABLE;
}

static const enum scheme guesses[] = { SCHEME_SEMVER, SCHEME_TIMESTAMP, SCHEME_SEQUENCE };
enum { N_GUESS = sizeof guesses / sizeof *guesses };

/* A component without files has the first scheme that all its rows fit, so
 * that it can be rolled back without a folder. */
static int guess_schemes(struct building *b, const struct item *row, size_t n)
{
	struct view *v = b->v;
	struct version ignored;

	b->refused = arena_alloc(&b->pl->scratch, (v->n_line + 1) * sizeof *b->refused);
	if (!b->refused)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct line *l = &v->line[row[i].key.line];

		if (l->scheme != SCHEME_AUTO || is_repeatable(row[i].row))
			continue;
		for (size_t g = 0; g < N_GUESS; g++)
			if (version_parse(&ignored, guesses[g], row[i].key.version, strlen(row[i].key.version)) < 0)
				b->refused[row[i].key.line] |= 1u << g;
	}
	for (size_t i = 0; i < v->n_line; i++) {
		size_t g = 0;

		while (g < N_GUESS && (b->refused[i] & 1u << g))
			g++;
		if (v->line[i].scheme == SCHEME_AUTO)
			v->line[i].scheme = g < N_GUESS ? guesses[g] : SCHEME_FILENAME;
	}
	return 0;
}

/* Lines: the sources' components in their order, then those that only the
 * history knows, by name. */
static int make_lines(struct building *b, struct item *row, size_t n)
{
	const struct migration_set *set = b->pl->set;
	struct view *v = b->v;
	size_t n_known, n_unknown = 0;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(row[i].row->component, row[i - 1].row->component) != 0)
			n_unknown++;
	v->line = arena_alloc(&b->pl->scratch, (set->n_source + n_unknown + 1) * sizeof *v->line);
	if (!v->line)
		return -1;
	for (size_t i = 0; i < set->n_source; i++)
		add_line(v, set->source[i].component, set->scheme ? set->scheme[i] : SCHEME_AUTO, 1);
	n_known = v->n_line;
	for (size_t i = 0; i < n; i++)
		if (line_of(b, row[i].row->component) == NO_ENTRY)
			add_line(v, row[i].row->component, SCHEME_AUTO, 0);
	qsort(v->line + n_known, v->n_line - n_known, sizeof *v->line, line_cmp);
	b->last_line = 0;
	for (size_t i = 0; i < n; i++)
		row[i].key.line = line_of(b, row[i].row->component);
	return guess_schemes(b, row, n);
}

/* Sets key.v of a versioned item; what does not parse gets scheme AUTO. */
static int parse_key(struct building *b, struct item *it)
{
	struct version *own;

	if (it->m && it->m->key.scheme != SCHEME_AUTO) {
		it->key.v = &it->m->key;
		return 0;
	}
	own = arena_alloc(&b->pl->scratch, sizeof *own);
	if (!own)
		return -1;
	if (version_parse(own, b->v->line[it->key.line].scheme, it->key.version, strlen(it->key.version)) < 0)
		memset(own, 0, sizeof *own);
	it->key.v = own;
	return 0;
}

static int make_rows(struct building *b, const unsigned char *is_gone, struct item **out, size_t *n)
{
	const struct history *h = b->pl->h;
	struct item *it;

	*n = 0;
	it = *out = arena_alloc(&b->pl->scratch, (h->n + 1) * sizeof *it);
	if (!it)
		return -1;
	if (!b->pl->req->from_empty)
		for (size_t i = 0; i < h->n; i++)
			if (!is_gone || !is_gone[i])
				it[(*n)++] = (struct item){ .row = &h->row[i], .key.version = h->row[i].version };
	if (make_lines(b, it, *n) < 0)
		return -1;
	for (size_t i = 0; i < *n; i++)
		if (!is_repeatable(it[i].row) && parse_key(b, &it[i]) < 0)
			return -1;
	sort_items(it, *n);
	return 0;
}

static int make_files(struct building *b, struct item **out, size_t *n)
{
	const struct migration_set *set = b->pl->set;
	struct item *it = *out = arena_alloc(&b->pl->scratch, (set->n + 1) * sizeof *it);

	if (!it)
		return -1;
	*n = set->n;
	for (size_t i = 0; i < set->n; i++) {
		it[i] = (struct item){ .m = &set->m[i], .key.version = set->m[i].version };
		it[i].key.line = line_of(b, set->m[i].component);
		if (set->m[i].kind != MIGRATION_REPEATABLE && parse_key(b, &it[i]) < 0)
			return -1;
	}
	sort_items(it, set->n);
	return 0;
}

/* Equal keys become one entry; of the same version twice on one side, the first. */
static void merge(struct view *v, const struct item *file, size_t n_file, const struct item *row, size_t n_row)
{
	size_t f = 0, r = 0;

	while (f < n_file || r < n_row) {
		int c = f == n_file ? 1 : r == n_row ? -1 : key_cmp(&file[f].key, &row[r].key);
		struct plan_entry *e = &v->entry[v->n];
		const struct item *it = c <= 0 ? &file[f] : &row[r];

		v->key[v->n] = it->key;
		*e = (struct plan_entry){ .note = "" };
		if (c <= 0)
			e->m = file[f++].m;
		if (c >= 0)
			e->row = row[r++].row;
		if (it->key.v) {
			struct line *l = &v->line[it->key.line];

			if (l->first == l->end)
				l->first = v->n;
			l->end = v->n + 1;
			v->n_versioned = v->n + 1;
			if (e->m)
				l->newest_file = v->n;
			if (e->row && (row_is_applied(e->row) || row_is_half_reverted(e->row)))
				l->newest_applied = v->n;
		}
		v->n++;
	}
}

int view_build(struct planner *pl, struct view *v, const unsigned char *is_gone)
{
	struct building b = { .pl = pl, .v = v };
	struct item *file, *row;
	size_t n_file, n_row;

	*v = (struct view){ 0 };
	if (make_rows(&b, is_gone, &row, &n_row) < 0 || make_files(&b, &file, &n_file) < 0)
		return error_nomem(pl->err);
	v->entry = arena_alloc(&pl->p->arena, (n_file + n_row + 1) * sizeof *v->entry);
	v->key = arena_alloc(&pl->scratch, (n_file + n_row + 1) * sizeof *v->key);
	if (!v->entry || !v->key)
		return error_nomem(pl->err);
	merge(v, file, n_file, row, n_row);
	return 0;
}

/* First entry of from..end that is not before key. */
static size_t lower(const struct view *v, size_t from, size_t end, const struct view_key *key)
{
	while (from < end) {
		size_t mid = from + (end - from) / 2;

		if (key_cmp(&v->key[mid], key) < 0)
			from = mid + 1;
		else
			end = mid;
	}
	return from;
}

static struct view_key key_of(const struct view *v, size_t line, const char *version, struct version *own)
{
	if (version_parse(own, v->line[line].scheme, version, strlen(version)) < 0)
		memset(own, 0, sizeof *own);
	return (struct view_key){ .line = line, .v = own, .version = version };
}

size_t view_lower(const struct view *v, size_t line, const char *version)
{
	struct version own;
	struct view_key key = key_of(v, line, version, &own);

	return lower(v, v->line[line].first, v->line[line].end, &key);
}

size_t view_find(const struct view *v, size_t line, const char *version)
{
	struct version own;
	struct view_key key;
	size_t i;

	if (line == NO_ENTRY)
		return NO_ENTRY;
	key = key_of(v, line, version, &own);
	i = lower(v, 0, v->n_versioned, &key);
	if (i < v->n_versioned && key_cmp(&v->key[i], &key) == 0)
		return i;
	key.v = NULL;
	i = lower(v, v->n_versioned, v->n, &key);
	return i < v->n && key_cmp(&v->key[i], &key) == 0 ? i : NO_ENTRY;
}
