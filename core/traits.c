/*
 * traits.c - what a statement is, told from its leading words by the dialect's
 * rules.  The pattern language is in dunlin/dialect.h.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "traits.h"

#include "mem.h"
#include "sqlmode.h"

#include <string.h>

#define MAX_WORDS 16
#define N_BUCKETS 27 /* A..Z, and what begins otherwise */

#define N_BEFORE_SORTING 64 /* statements: most files have fewer, and go without */

struct traits {
	const struct dunlin_dialect *d;
	const struct lex_table *table;
	unsigned n_asked;
	uint16_t *rule;                /* sorted by bucket; NULL: not yet                 */
	uint16_t first[N_BUCKETS + 1]; /* of each bucket in `rule`; one more for the end */
};

struct word {
	const char *p; /* NULL: opaque, for ? and * only */
	size_t n;
};

/* The words so far; more are read when a pattern asks for them. */
struct words {
	struct lexbuf b;
	struct lex lx;
	unsigned n_at; /* '@' right before: @x is opaque, @@x is x */
	size_t n;
	int is_end;
	struct word w[MAX_WORDS];
};

static unsigned bucket(char c)
{
	c &= ~0x20;
	return c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A') : N_BUCKETS - 1;
}

static void words_start(struct words *ws, const struct lex_table *t, const struct sqlmode *m,
                        const char *sql, size_t len)
{
	lexbuf_memory(&ws->b, sql, len);
	lex_init(&ws->lx, t, &ws->b);
	if (m) {
		ws->lx.is_single_escaped = m->is_single_escaped;
		ws->lx.is_double_escaped = m->is_double_escaped;
	}
	ws->n_at = 0;
	ws->n = 0;
	ws->is_end = 0;
}

static void words_add(struct words *ws, const char *p, size_t n)
{
	ws->w[ws->n++] = (struct word){ ws->n_at == 1 ? NULL : p, n };
	ws->n_at = 0;
}

/* Is there an i-th word? */
static int words_has(struct words *ws, size_t i)
{
	while (i >= ws->n && !ws->is_end) {
		enum lex_kind kind = lex_next(&ws->lx);
		const char *p = ws->b.p + ws->b.tok;
		size_t n = ws->b.pos - ws->b.tok;

		if (kind == LEX_END || kind == LEX_BAD)
			ws->is_end = 1;
		else if (kind == LEX_WORD)
			words_add(ws, p, n);
		else if (kind == LEX_STRING || kind == LEX_NUMBER)
			words_add(ws, NULL, n);
		else if (kind == LEX_PUNCT && *p == '@')
			ws->n_at++;
		else if (kind == LEX_PUNCT && memchr("(),=", *p, 4))
			words_add(ws, p, n);
		if (ws->n == MAX_WORDS)
			ws->is_end = 1;
	}
	return i < ws->n;
}

/* Does one word of a pattern, up to `end`, match? */
static int word_matches(const struct word *w, const char *p, const char *end)
{
	if (end - p == 1 && *p == '?')
		return 1;
	while (w->p) {
		size_t i = 0;

		while (i < w->n && p + i < end && p[i] != '|' &&
		       (w->p[i] >= 'a' && w->p[i] <= 'z' ? w->p[i] - 'a' + 'A' : w->p[i]) == p[i])
			i++;
		if (i == w->n && (p + i == end || p[i] == '|'))
			return 1;
		p = memchr(p, '|', (size_t)(end - p));
		if (!p)
			break;
		p++;
	}
	return 0;
}

/* Matches from the i-th word on.  Recurses once per *, of which there are few. */
static int pattern_matches(struct words *ws, size_t i, const char *p)
{
	while (*p) {
		const char *end = p, *next;

		while (*end && *end != ' ')
			end++;
		next = *end ? end + 1 : end;

		if (end - p == 1 && *p == '*') {
			do
				if (pattern_matches(ws, i, next))
					return 1;
			while (words_has(ws, i++));
			return 0;
		}
		if (!words_has(ws, i) || !word_matches(&ws->w[i], p, end))
			return 0;
		i++;
		p = next;
	}
	return 1;
}

/* COPY's column list may be longer than the words that rules look at. */
static int is_copy_stdin(const struct lex_table *t, const struct sqlmode *m, const char *sql, size_t len)
{
	struct words ws;
	unsigned depth = 0;
	int was_from = 0;
	enum lex_kind kind;

	words_start(&ws, t, m, sql, len);
	if (!words_has(&ws, 0) || !ws.w[0].p || !lex_word_is(ws.w[0].p, ws.w[0].n, "COPY"))
		return 0;
	while ((kind = lex_next(&ws.lx)) != LEX_END && kind != LEX_BAD) {
		const char *p = ws.b.p + ws.b.tok;
		size_t n = ws.b.pos - ws.b.tok;

		if (kind == LEX_SPACE || kind == LEX_COMMENT || kind == LEX_LINE_COMMENT)
			continue;
		if (kind == LEX_PUNCT && *p == '(')
			depth++;
		else if (kind == LEX_PUNCT && *p == ')' && depth)
			depth--;
		if (was_from)
			return kind == LEX_WORD && lex_word_is(p, n, "STDIN");
		was_from = depth == 0 && kind == LEX_WORD && lex_word_is(p, n, "FROM");
	}
	return 0;
}

static uint32_t finish(const struct lex_table *t, const struct sqlmode *m, uint32_t traits,
                       const char *sql, size_t len)
{
	if (!(t->bits & DUNLIN_LEX_COPY_STDIN) || len == 0 || !strchr("Cc-/", *sql))
		return traits;
	return is_copy_stdin(t, m, sql, len) ? traits | DUNLIN_ST_COPY : traits;
}

/* May a rule apply to statements of this bucket? */
static int is_in_bucket(const char *pattern, unsigned k)
{
	if (*pattern == '?' || *pattern == '*')
		return 1;
	for (const char *p = pattern;; p++) {
		if (bucket(*p) == k)
			return 1;
		p += strcspn(p, " |");
		if (*p != '|')
			return 0;
	}
}

struct traits *traits_new(const struct dunlin_dialect *d, const struct lex_table *t)
{
	struct traits *tr = mem_zalloc(sizeof *tr);

	if (tr) {
		tr->d = d;
		tr->table = t;
	}
	return tr;
}

void traits_free(struct traits *tr)
{
	if (tr)
		mem_free(tr->rule);
	mem_free(tr);
}

/* Sorts the rules by what their first word may begin with.  Without the memory
 * for it, all of them are tried as before. */
static void sort_rules(struct traits *tr)
{
	size_t n = 0;

	for (unsigned k = 0; k < N_BUCKETS; k++)
		for (const struct dunlin_rule *r = tr->d->rules; r->pattern; r++)
			n += (size_t)is_in_bucket(r->pattern, k);
	tr->rule = n <= UINT16_MAX ? mem_alloc((n + 1) * sizeof *tr->rule) : NULL;
	if (!tr->rule)
		return;
	n = 0;
	for (unsigned k = 0; k < N_BUCKETS; k++) {
		tr->first[k] = (uint16_t)n;
		for (const struct dunlin_rule *r = tr->d->rules; r->pattern; r++)
			if (is_in_bucket(r->pattern, k))
				tr->rule[n++] = (uint16_t)(r - tr->d->rules);
	}
	tr->first[N_BUCKETS] = (uint16_t)n;
}

static uint32_t match_all(const struct dunlin_rule *r, struct words *ws)
{
	for (; r && r->pattern; r++)
		if (pattern_matches(ws, 0, r->pattern))
			return r->traits;
	return 0;
}

static uint32_t match_sorted(const struct traits *tr, struct words *ws)
{
	unsigned k = words_has(ws, 0) && ws->w[0].p ? bucket(*ws->w[0].p) : N_BUCKETS - 1;

	for (unsigned i = tr->first[k]; i < tr->first[k + 1]; i++)
		if (pattern_matches(ws, 0, tr->d->rules[tr->rule[i]].pattern))
			return tr->d->rules[tr->rule[i]].traits;
	return 0;
}

uint32_t traits_of(struct traits *tr, const struct sqlmode *m, const char *sql, size_t len)
{
	struct words ws;
	uint32_t traits;

	words_start(&ws, tr->table, m, sql, len);
	if (tr->n_asked < N_BEFORE_SORTING && ++tr->n_asked == N_BEFORE_SORTING && tr->d->rules)
		sort_rules(tr);
	traits = tr->rule ? match_sorted(tr, &ws) : match_all(tr->d->rules, &ws);
	return finish(tr->table, m, traits, sql, len);
}

uint32_t split_traits(const struct dunlin_dialect *d, const char *sql, size_t len)
{
	struct lex_table t;
	struct words ws;

	lex_table_init(&t, d->lex);
	words_start(&ws, &t, NULL, sql, len);
	return finish(&t, NULL, match_all(d->rules, &ws), sql, len);
}
