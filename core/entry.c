/*
 * entry.c - chooses the scheme for a source's files and sorts them.
 *
 * A scheme is taken only if it fits every file, for a file that is silently
 * left out is a migration that never runs.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "entry.h"

#include "buf.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 10, DIGITS_MAX = 19 /* of a uint64_t */ };

struct filling {
	struct entry_list *list;
	struct scan *scan;
	struct arena *arena;
	const struct name_rules *rules;
	struct finding_list *findings;
	struct dunlin_error *err;
	size_t n_odd;
};

static int slice_cmp(struct slice a, struct slice b)
{
	return bytes_cmp(a.p, a.len, b.p, b.len);
}

/* Versioned files that the scheme does not fit; *n_fit counts the others. */
static size_t count_odd(const struct filling *f, enum scheme s, size_t *n_fit)
{
	struct name_problem why;
	struct name_parts p;
	size_t n_odd = 0;

	*n_fit = 0;
	for (size_t i = 0; i < f->scan->n; i++) {
		const struct scan_file *file = &f->scan->file[i];
		enum name_fit fit = name_parse(&p, s, f->rules, file->path, file->len, &why);

		if (fit == NAME_UNFIT)
			n_odd++;
		else if (!p.is_repeatable)
			(*n_fit)++;
	}
	return n_odd;
}

struct number { const char *p; size_t len; struct slice base; };

static int number_cmp(const void *pa, const void *pb)
{
	const struct number *a = pa, *b = pb;
	int c = decimal_cmp(a->p, a->len, b->p, b->len);

	return c ? c : slice_cmp(a->base, b->base);
}

/* Numbers that several migrations have do not make a sequence: leaves in
 * *n_fit the files with a number of their own. */
static int count_sequence(const struct filling *f, size_t *n_fit)
{
	struct number *v = mem_alloc((*n_fit + 1) * sizeof *v);
	struct name_problem why;
	struct name_parts p;
	size_t n = 0;

	if (!v)
		return error_nomem(f->err);
	for (size_t i = 0; i < f->scan->n; i++) {
		const struct scan_file *file = &f->scan->file[i];

		if (name_parse(&p, SCHEME_SEQUENCE, f->rules, file->path, file->len, &why) != NAME_UNFIT && !p.is_repeatable)
			v[n++] = (struct number){ p.key.part[0].p, p.key.part[0].len, p.base };
	}
	if (n > 1)
		qsort(v, n, sizeof *v, number_cmp);
	*n_fit = 0;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && decimal_cmp(v[i].p, v[i].len, v[end].p, v[end].len) == 0; end++)
			;
		/* Sorted by base too: equal ends are equal throughout. */
		if (slice_cmp(v[i].base, v[end - 1].base) == 0)
			*n_fit += end - i;
	}
	mem_free(v);
	return 0;
}

static void choose(struct filling *f, enum scheme s, size_t n_odd)
{
	f->list->scheme = s;
	f->n_odd = n_odd;
}

/* The first scheme that fits all, else the one that fits most. */
static int guess(struct filling *f, size_t *n_fit)
{
	size_t n, n_odd = count_odd(f, SCHEME_SEMVER, n_fit);

	choose(f, SCHEME_SEMVER, n_odd);
	if (n_odd == 0)
		return 0;
	n_odd = count_odd(f, SCHEME_TIMESTAMP, &n);
	if (n_odd == 0 || n > *n_fit) {
		choose(f, SCHEME_TIMESTAMP, n_odd);
		*n_fit = n;
	}
	if (n_odd == 0)
		return 0;
	n_odd = count_odd(f, SCHEME_SEQUENCE, &n);
	if (n_odd > 0 && n <= *n_fit)
		return 0;
	if (count_sequence(f, &n) < 0)
		return -1;
	/* All digits, but not all different: still a sequence, with duplicates,
	 * unless it looks more like something else. */
	if (n > *n_fit || (n_odd == 0 && *n_fit == 0)) {
		choose(f, SCHEME_SEQUENCE, n_odd);
		*n_fit = n;
	}
	return 0;
}

/* --- what does not fit ------------------------------------------------------ */

/* What people call it: the file, or the folder that it stands in. */
static size_t head_length(const struct scan_file *f)
{
	const char *slash = memchr(f->path, '/', f->len);

	return slash ? (size_t)(slash - f->path) : f->len;
}

static int is_same_head(const struct scan_file *a, const struct scan_file *b)
{
	size_t n = head_length(a);

	return n == head_length(b) && memcmp(a->path, b->path, n) == 0;
}

/* One finding that lists the odd ones, by then in order, once each. */
static int complain_guessed(struct filling *f, const struct scan_file *const *odd, size_t n, size_t n_fit)
{
	enum scheme s = f->list->scheme;
	struct buf names = BUF_INIT;
	struct dunlin_finding *found = NULL;
	const char *first;

	for (size_t i = 0; i < n && i < LISTED_MAX; i++) {
		const char *shown = scan_show(f->arena, NULL, odd[i]->path, head_length(odd[i]));

		buf_addf(&names, "%s'%s'", i ? ", " : "", shown ? shown : "");
	}
	if (n > LISTED_MAX)
		buf_addf(&names, " and %zu more", n - LISTED_MAX);
	first = scan_show(f->arena, f->scan->dir, odd[0]->path, head_length(odd[0]));
	if (!names.is_failed && first)
		found = n_fit == 0
			? finding_add(f->findings, DUNLIN_EXIT_INVALID, "name", f->scan->component, NULL, first,
			              "the names fit none of the schemes semver, timestamp and sequence: %s", names.p)
			: finding_add(f->findings, DUNLIN_EXIT_INVALID, "name", f->scan->component, NULL, first,
			              "%s %s not fit the scheme '%s' of the other files", names.p,
			              n == 1 ? "does" : "do", scheme_name(s));
	buf_clear(&names);
	if (!found)
		return error_nomem(f->err);
	finding_hint(f->findings, found, "Name %s %s, or use `--scheme filename`, which orders by the bytes of the file name.",
	             n == 1 ? "it" : "them", name_pattern(s));
	return 0;
}

/* The scheme was asked for: a finding each. */
static int complain_each(struct filling *f, const struct scan_file *const *odd, size_t n)
{
	enum scheme s = f->list->scheme;

	for (size_t i = 0; i < n; i++) {
		const char *shown = scan_show(f->arena, f->scan->dir, odd[i]->path, head_length(odd[i]));
		struct dunlin_finding *found = shown ? finding_add(f->findings, DUNLIN_EXIT_INVALID, "name",
			f->scan->component, NULL, shown, "'%s' does not fit the scheme '%s'", shown, scheme_name(s)) : NULL;

		if (!found)
			return error_nomem(f->err);
		finding_hint(f->findings, found, "Name it %s.", name_pattern(s));
	}
	return 0;
}

static int complain_bad(struct filling *f, const struct scan_file *file, const struct name_problem *why)
{
	const char *shown = scan_show(f->arena, f->scan->dir, file->path, file->len);
	struct dunlin_finding *found = shown ? finding_add(f->findings, DUNLIN_EXIT_INVALID, "name",
		f->scan->component, NULL, shown, "'%s': %s", shown, why->message) : NULL;

	if (!found)
		return error_nomem(f->err);
	finding_hint(f->findings, found, "%s", why->hint);
	return 0;
}

/* --- parsing and order ------------------------------------------------------ */

static void fill_numbers(struct entry *e)
{
	size_t n = e->p.key.scheme == SCHEME_SEMVER ? 4 : 1;

	e->is_big = e->p.key.scheme == SCHEME_FILENAME;
	for (size_t i = 0; i < n && !e->is_big && !e->p.is_repeatable; i++) {
		const char *p = e->p.key.part[i].p;
		size_t len = e->p.key.part[i].len;

		while (len > 0 && *p == '0')
			p++, len--;
		e->is_big = len > DIGITS_MAX;
		for (size_t k = 0; k < len && !e->is_big; k++)
			e->num[i] = e->num[i] * 10 + (uint64_t)(p[k] - '0');
	}
}

static int cmp_version(const struct entry *a, const struct entry *b)
{
	if (a->p.is_repeatable != b->p.is_repeatable)
		return a->p.is_repeatable ? 1 : -1;
	if (a->p.is_repeatable)
		return slice_cmp(a->p.base, b->p.base);
	if (a->is_big || b->is_big)
		return version_cmp(&a->p.key, &b->p.key);
	for (size_t i = 0; i < 4; i++)
		if (a->num[i] != b->num[i])
			return a->num[i] < b->num[i] ? -1 : 1;
	return 0;
}

/* By version, then so that a migration's files stand together, common first. */
static int entry_cmp(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int c = cmp_version(a, b);

	if (!c)
		c = slice_cmp(a->p.base, b->p.base);
	if (!c)
		c = slice_cmp(a->p.driver, b->p.driver);
	if (!c)
		c = (a->p.role > b->p.role) - (a->p.role < b->p.role);
	return c ? c : strcmp(a->file->path, b->file->path);
}

int entry_is_same(const struct entry *a, const struct entry *b)
{
	return a->p.is_repeatable == b->p.is_repeatable && slice_cmp(a->p.base, b->p.base) == 0;
}

int entry_is_equal_version(const struct entry *a, const struct entry *b)
{
	return cmp_version(a, b) == 0;
}

/* Parses every name; the odd ones' files go into `odd`, which holds f->n_odd. */
static int parse_all(struct filling *f, const struct scan_file **odd, size_t *n_odd)
{
	struct entry_list *l = f->list;
	struct name_problem why;

	*n_odd = 0;
	for (size_t i = 0; i < f->scan->n; i++) {
		const struct scan_file *file = &f->scan->file[i];
		struct entry *e = &l->v[l->n];

		switch (name_parse(&e->p, l->scheme, f->rules, file->path, file->len, &why)) {
		case NAME_FITS:
			e->file = file;
			memset(e->num, 0, sizeof e->num);
			fill_numbers(e);
			l->n++;
			break;
		case NAME_BAD:
			if (complain_bad(f, file, &why) < 0)
				return -1;
			break;
		case NAME_UNFIT:
			if (*n_odd == 0 || !is_same_head(odd[*n_odd - 1], file))
				odd[(*n_odd)++] = file;
			break;
		}
	}
	return 0;
}

int entry_list_fill(struct entry_list *l, struct scan *s, struct arena *a, enum scheme scheme,
                    const struct name_rules *rules, struct finding_list *findings,
                    struct dunlin_error *err)
{
	struct filling f = { l, s, a, rules, findings, err, 0 };
	const struct scan_file **odd = NULL;
	size_t n_fit, n_odd;
	int rc = -1;

	*l = (struct entry_list){ .scheme = scheme, .is_guessed = scheme == SCHEME_AUTO };
	if (!l->is_guessed)
		f.n_odd = count_odd(&f, scheme, &n_fit);
	else if (guess(&f, &n_fit) < 0)
		return -1;
	l->v = mem_alloc((s->n + 1) * sizeof *l->v);
	odd = mem_alloc((f.n_odd + 1) * sizeof *odd);
	if (!l->v || !odd) {
		error_nomem(err);
		goto out;
	}
	if (f.n_odd > 0)
		scan_sort(s); /* they are listed in order */
	if (parse_all(&f, odd, &n_odd) < 0)
		goto out;
	if (n_odd > 0 && (l->is_guessed ? complain_guessed(&f, odd, n_odd, n_fit)
	                                : complain_each(&f, odd, n_odd)) < 0)
		goto out;
	if (l->n > 1)
		qsort(l->v, l->n, sizeof *l->v, entry_cmp);
	rc = 0;
out:
	mem_free(odd);
	if (rc < 0)
		entry_list_clear(l);
	return rc;
}

void entry_list_clear(struct entry_list *l)
{
	mem_free(l->v);
	l->v = NULL;
	l->n = 0;
}
