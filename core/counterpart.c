/*
 * counterpart.c - what statements make and take away, as far as their heads say
 * it, and whether a down is the mirror of its up.
 *
 * Names are compared as they are written.  A quoted one equals an unquoted one
 * only where no database would fold either; what is written otherwise is
 * another object, and the down then stays whole.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "counterpart.h"

#include "lex.h"

#include <stdio.h>
#include <string.h>

enum verb { MAKES = 1, REMOVES, RENAMES };

enum object_class {
	C_NONE = 0, C_TABLE, C_VIEW, C_MATERIALIZED, C_INDEX, C_SEQUENCE, C_TRIGGER, C_PROCEDURE, C_FUNCTION, C_EVENT,
	C_TYPE, C_DOMAIN, C_SCHEMA, C_DATABASE, C_EXTENSION, C_COLUMN, C_CONSTRAINT, C_PRIMARY, C_ROWS
};

struct effect {
	int verb, class;
	int is_replacing;       /* OR REPLACE: what was there before may be put back so */
	const char *object, *in, *to; /* in: its table, "" where it is not said         */
};

enum { MAX_EFFECTS = 32, MAX_STATEMENTS = 2000 };

struct reading {
	struct lexbuf b;
	struct lex lx;
	struct arena *arena;
	char quote;
	enum lex_kind kind;     /* of the token in hand  */
	const char *p;
	size_t n;
	int is_nomem;
	struct effect e[MAX_EFFECTS];
	size_t n_effect;
};

/* --- tokens -------------------------------------------------------------------------- */

static void advance(struct reading *r)
{
	do
		r->kind = lex_next(&r->lx);
	while (r->kind == LEX_SPACE || r->kind == LEX_COMMENT || r->kind == LEX_LINE_COMMENT);
	r->p = r->b.p + r->b.tok;
	r->n = r->b.pos - r->b.tok;
}

static int is_word(const struct reading *r, const char *word)
{
	return r->kind == LEX_WORD && lex_word_is(r->p, r->n, word);
}

static int is_punct(const struct reading *r, char c)
{
	return r->kind == LEX_PUNCT && *r->p == c;
}

static int take(struct reading *r, const char *word)
{
	if (!is_word(r, word))
		return 0;
	advance(r);
	return 1;
}

/* One of a NULL-ended list. */
static int is_among(const struct reading *r, const char *const *words)
{
	for (; *words; words++)
		if (is_word(r, *words))
			return 1;
	return 0;
}

static int is_end(const struct reading *r)
{
	return r->kind == LEX_END || is_punct(r, ';');
}

/* To the next comma that is not in brackets, or the end: 1, 0; -1: it cannot be read. */
static int skip_to_comma(struct reading *r)
{
	for (int depth = 0;; advance(r)) {
		if (is_end(r))
			return depth == 0 ? 0 : -1;
		if (r->kind == LEX_BAD || r->kind == LEX_COND_OPEN || r->kind == LEX_COND_CLOSE || r->kind == LEX_BACKSLASH)
			return -1;
		if (depth == 0 && is_punct(r, ','))
			return 1;
		if (is_punct(r, '(') || is_punct(r, '['))
			depth++;
		else if (is_punct(r, ')') || is_punct(r, ']'))
			depth--;
		if (depth < 0)
			return -1;
	}
}

static int is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(p[i] == '_' || (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9')))
			return 0;
	return n > 0;
}

/* One part of a name, as it compares; NULL: this is none. */
static const char *read_part(struct reading *r)
{
	const char *s;

	if (r->kind == LEX_WORD)
		s = arena_strndup(r->arena, r->p, r->n);
	else if (r->kind == LEX_STRING && r->n > 2 && (*r->p == '`' || *r->p == '[' || *r->p == r->quote))
		s = is_plain(r->p + 1, r->n - 2) ? arena_strndup(r->arena, r->p + 1, r->n - 2)
			: arena_printf(r->arena, "\"%.*s\"", (int)(r->n - 2), r->p + 1);
	else
		return NULL;
	r->is_nomem |= !s;
	advance(r);
	return s;
}

static const char *read_name(struct reading *r)
{
	static const char *const none[] = { "ON", "TO", "AS", "USING", "AUTHORIZATION", "PRIMARY", "UNIQUE", "FOREIGN",
		"CHECK", "EXCLUDE", "PARTITION", "PERIOD", "SYSTEM", "VALUES", "SELECT", "WAIT", "NOWAIT", NULL };
	const char *s, *part;

	if (is_among(r, none))
		return NULL;
	s = read_part(r);
	while (s && is_punct(r, '.')) {
		advance(r);
		part = read_part(r);
		s = part ? arena_printf(r->arena, "%s.%s", s, part) : NULL;
		r->is_nomem |= part && !s;
	}
	return s;
}

static int take_if_exists(struct reading *r)
{
	if (!take(r, "IF"))
		return 1;
	take(r, "NOT");
	return take(r, "EXISTS");
}

/* --- effects ---------------------------------------------------------------------------- */

static int add(struct reading *r, int verb, int class, const char *object, const char *in, const char *to)
{
	if (!object || !in || !to || r->n_effect == MAX_EFFECTS)
		return 0;
	r->e[r->n_effect++] = (struct effect){ .verb = verb, .class = class, .object = object, .in = in, .to = to };
	return 1;
}

static int read_class(struct reading *r)
{
	static const struct { const char *word; int class; } classes[] = {
		{ "TABLE", C_TABLE }, { "VIEW", C_VIEW }, { "INDEX", C_INDEX }, { "SEQUENCE", C_SEQUENCE },
		{ "TRIGGER", C_TRIGGER }, { "PROCEDURE", C_PROCEDURE }, { "FUNCTION", C_FUNCTION }, { "EVENT", C_EVENT },
		{ "TYPE", C_TYPE }, { "DOMAIN", C_DOMAIN }, { "SCHEMA", C_SCHEMA }, { "DATABASE", C_DATABASE },
		{ "EXTENSION", C_EXTENSION },
	};

	if (take(r, "MATERIALIZED"))
		return take(r, "VIEW") ? C_MATERIALIZED : C_NONE;
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (take(r, classes[i].word))
			return classes[i].class;
	return C_NONE;
}

/* The table after the first ON that follows. */
static const char *read_on(struct reading *r)
{
	for (int i = 0; i < 64 && !is_end(r) && r->kind != LEX_BAD; i++, advance(r))
		if (take(r, "ON")) {
			take(r, "ONLY");
			return read_name(r);
		}
	return NULL;
}

static int read_create(struct reading *r)
{
	static const char *const heads[] = { "ALGORITHM", "DEFINER", "SQL", "AGGREGATE", NULL };
	static const char *const owners[] = { "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", NULL };
	static const char *const kinds[] = { "UNIQUE", "FULLTEXT", "SPATIAL", "UNLOGGED", "VIRTUAL", "CONSTRAINT", NULL };
	int is_replacing = take(r, "OR"), class;
	const char *name;

	if (is_replacing && !take(r, "REPLACE"))
		return 0;
	if (is_among(r, heads))
		for (int i = 0; i < 32 && !is_among(r, owners) && !is_end(r); i++)
			advance(r);
	if (is_among(r, kinds))
		advance(r);
	class = read_class(r);
	if (class == C_INDEX)
		take(r, "CONCURRENTLY");
	if (class == C_NONE || !take_if_exists(r))
		return 0;
	name = read_name(r);
	if (!add(r, MAKES, class, name, class == C_INDEX || class == C_TRIGGER ? read_on(r) : "", ""))
		return 0;
	r->e[r->n_effect - 1].is_replacing = is_replacing;
	return 1;
}

static int read_drop(struct reading *r)
{
	int class = read_class(r);
	const char *name, *on = "";

	if (class == C_INDEX)
		take(r, "CONCURRENTLY");
	if (class == C_NONE || !take_if_exists(r))
		return 0;
	name = read_name(r);
	if ((class == C_INDEX || class == C_TRIGGER) && is_word(r, "ON"))
		on = read_on(r);
	return skip_to_comma(r) == 0 && add(r, REMOVES, class, name, on, "");
}

/* a TO b */
static int read_rename(struct reading *r, int class, const char *object, const char *in)
{
	return (take(r, "TO") || (class == C_TABLE && take(r, "AS"))) && add(r, RENAMES, class, object, in, read_name(r));
}

static int read_added(struct reading *r, const char *table)
{
	static const char *const kinds[] = { "UNIQUE", "FULLTEXT", "SPATIAL", NULL };
	int class = C_COLUMN, is_index = 0;

	if (take(r, "PRIMARY"))
		return take(r, "KEY") && add(r, MAKES, C_PRIMARY, "", table, "");
	if (is_among(r, kinds)) {
		is_index = 1;
		advance(r);
	}
	if (take(r, "INDEX") || take(r, "KEY") || is_index)
		class = C_INDEX;
	else if (take(r, "CONSTRAINT"))
		class = C_CONSTRAINT;
	else
		take(r, "COLUMN");
	return take_if_exists(r) && add(r, MAKES, class, read_name(r), table, "");
}

static int read_dropped(struct reading *r, const char *table)
{
	int class = C_COLUMN;

	if (take(r, "PRIMARY"))
		return take(r, "KEY") && add(r, REMOVES, C_PRIMARY, "", table, "");
	if (take(r, "INDEX") || take(r, "KEY"))
		class = C_INDEX;
	else if (take(r, "CONSTRAINT") || take(r, "CHECK"))
		class = C_CONSTRAINT;
	else if (take(r, "FOREIGN"))
		class = take(r, "KEY") ? C_CONSTRAINT : C_NONE;
	else
		take(r, "COLUMN");
	return class != C_NONE && take_if_exists(r) && add(r, REMOVES, class, read_name(r), table, "");
}

static int read_renamed(struct reading *r, const char *table)
{
	int class = C_COLUMN;
	const char *object;

	if (is_word(r, "TO") || is_word(r, "AS"))
		return read_rename(r, C_TABLE, table, "");
	if (take(r, "INDEX") || take(r, "KEY"))
		class = C_INDEX;
	else if (take(r, "CONSTRAINT"))
		class = C_CONSTRAINT;
	else
		take(r, "COLUMN");
	object = take_if_exists(r) ? read_name(r) : NULL;
	return read_rename(r, class, object, table);
}

static int read_alter(struct reading *r)
{
	const char *name;
	int class, rc;

	take(r, "ONLINE");
	take(r, "IGNORE");
	class = read_class(r);
	if (class == C_NONE || !take_if_exists(r))
		return 0;
	take(r, "ONLY");
	name = read_name(r);
	if (!name)
		return 0;
	if (class != C_TABLE)
		return take(r, "RENAME") && read_rename(r, class, name, "") && is_end(r);
	do {
		if (is_word(r, "ALGORITHM") || is_word(r, "LOCK")) /* how, not what */
			advance(r);
		else if (!(take(r, "ADD") ? read_added(r, name) : take(r, "DROP") ? read_dropped(r, name)
		           : take(r, "RENAME") ? read_renamed(r, name) : 0))
			return 0;
		rc = skip_to_comma(r);
		if (rc > 0)
			advance(r);
	} while (rc > 0);
	return rc == 0;
}

static int read_rows(struct reading *r, int verb)
{
	static const char *const words[] = { "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK", "IGNORE", "OR", NULL };
	const char *name;

	for (int i = 0; i < 3 && is_among(r, words); i++) {
		int is_or = is_word(r, "OR"); /* OR IGNORE and the like */

		advance(r);
		if (is_or)
			advance(r);
	}
	if (!take(r, verb == MAKES ? "INTO" : "FROM"))
		return 0;
	take(r, "ONLY");
	name = read_name(r);
	return !is_punct(r, ',') && add(r, verb, C_ROWS, name, "", "");
}

/* 1: it is known what the statement does. */
static int read_statement(struct reading *r)
{
	advance(r);
	if (take(r, "CREATE"))
		return read_create(r);
	if (take(r, "DROP"))
		return read_drop(r);
	if (take(r, "ALTER"))
		return read_alter(r);
	if (take(r, "INSERT"))
		return read_rows(r, MAKES);
	if (take(r, "DELETE"))
		return read_rows(r, REMOVES);
	if (take(r, "RENAME") && take(r, "TABLE")) {
		const char *name = take_if_exists(r) ? read_name(r) : NULL;

		return read_rename(r, C_TABLE, name, "") && is_end(r);
	}
	return 0;
}

int counterpart_add(struct counterpart *c, struct counterpart_side *side, uint32_t traits, const char *sql, size_t len)
{
	const uint32_t setting = DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE;
	struct counterpart_statement *st;
	struct reading r = { .arena = &c->arena, .quote = c->dialect->quote_open };
	struct lex_table table;
	int is_known;

	side->n_split++;
	if ((traits & setting) == setting) /* in force from its place on, whatever has run */
		return 0;
	if (mem_grow(&side->v, &side->cap, side->n, sizeof *side->v) < 0)
		return -1;
	lex_table_init(&table, c->dialect->lex);
	lexbuf_memory(&r.b, sql, len);
	lex_init(&r.lx, &table, &r.b);
	is_known = read_statement(&r);
	if (r.is_nomem)
		return -1;
	st = &side->v[side->n++];
	*st = (struct counterpart_statement){ .index = side->n_split - 1, .n_effect = is_known ? r.n_effect : 0 };
	if (st->n_effect == 0)
		return 0;
	st->effect = arena_alloc(&c->arena, st->n_effect * sizeof *st->effect);
	if (!st->effect)
		return -1;
	memcpy(st->effect, r.e, st->n_effect * sizeof *st->effect);
	return 0;
}

/* --- comparing --------------------------------------------------------------------------- */

static int is_same_place(const struct effect *a, const struct effect *b)
{
	/* Where an index has its name to itself, its table need not be said. */
	return strcmp(a->in, b->in) == 0 || ((a->class == C_INDEX || a->class == C_TRIGGER) && (!a->in[0] || !b->in[0]));
}

static int undoes(const struct effect *a, const struct effect *b)
{
	if (a->class != b->class || !is_same_place(a, b))
		return 0;
	if (a->verb == RENAMES || b->verb == RENAMES)
		return a->verb == b->verb && strcmp(a->object, b->to) == 0 && strcmp(a->to, b->object) == 0;
	return strcmp(a->object, b->object) == 0 && (a->verb != b->verb || (a->is_replacing && b->is_replacing));
}

/* Each effect of the one has its opposite in the other, in any order. */
static int are_opposite(const struct counterpart_statement *a, const struct counterpart_statement *b)
{
	unsigned char is_used[MAX_EFFECTS] = { 0 };

	if (a->n_effect == 0 || a->n_effect != b->n_effect)
		return 0;
	for (size_t i = 0; i < a->n_effect; i++) {
		size_t k = 0;

		while (k < b->n_effect && (is_used[k] || !undoes(&a->effect[i], &b->effect[k])))
			k++;
		if (k == b->n_effect)
			return 0;
		is_used[k] = 1;
	}
	return 1;
}

/* Which of the down undoes which of the up must be beyond doubt. */
static int have_same(const struct counterpart_statement *a, const struct counterpart_statement *b)
{
	for (size_t i = 0; i < a->n_effect; i++)
		for (size_t k = 0; k < b->n_effect; k++) {
			const struct effect *e = &a->effect[i], *f = &b->effect[k];

			if (e->class == f->class && e->verb == f->verb && strcmp(e->object, f->object) == 0 &&
			    strcmp(e->in, f->in) == 0)
				return 1;
		}
	return 0;
}

int64_t counterpart_start(const struct counterpart *c, int64_t k, char why[COUNTERPART_WHY])
{
	size_t n = c->up.n, kept = 0;

	if (n != c->down.n || n > MAX_STATEMENTS) {
		snprintf(why, COUNTERPART_WHY, "its down has %zu statements for the %zu of its up", c->down.n, n);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const struct counterpart_statement *u = &c->up.v[i], *d = &c->down.v[n - 1 - i];

		if (!are_opposite(u, d)) {
			snprintf(why, COUNTERPART_WHY, "statement %lld of its down is not the opposite of statement %lld",
			         (long long)d->index + 1, (long long)u->index + 1);
			return -1;
		}
		for (size_t j = 0; j < i; j++)
			if (have_same(&c->up.v[j], u)) {
				snprintf(why, COUNTERPART_WHY, "statements %lld and %lld are undone by the same kind of statement",
				         (long long)c->up.v[j].index + 1, (long long)u->index + 1);
				return -1;
			}
		kept += u->index < k;
	}
	return kept == 0 ? c->down.n_split : c->down.v[n - kept].index;
}

void counterpart_clear(struct counterpart *c)
{
	mem_free(c->up.v);
	mem_free(c->down.v);
	arena_clear(&c->arena);
	*c = (struct counterpart){ 0 };
}
