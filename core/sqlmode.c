/*
 * sqlmode.c - reading SET statements for what they do to quoting.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sqlmode.h"

#include <string.h>

struct scan {
	struct lexbuf b;
	struct lex lx;
	enum lex_kind kind;
	const char *p;
	size_t n;
};

void sqlmode_default(struct sqlmode *m, const struct lex_table *t)
{
	memset(m, 0, sizeof *m);
	m->is_single_escaped = m->is_double_escaped = (t->bits & DUNLIN_LEX_BACKSLASH) != 0;
}

/* The next token that is neither space nor comment; 0: none. */
static int next(struct scan *s)
{
	do
		s->kind = lex_next(&s->lx);
	while (s->kind == LEX_SPACE || s->kind == LEX_COMMENT || s->kind == LEX_LINE_COMMENT ||
	       s->kind == LEX_COND_OPEN || s->kind == LEX_COND_CLOSE || s->kind == LEX_COND_SKIP);
	s->p = s->b.p + s->b.tok;
	s->n = s->b.pos - s->b.tok;
	return s->kind != LEX_END && s->kind != LEX_BAD;
}

static int is_word(const struct scan *s, const char *upper)
{
	return s->kind == LEX_WORD && lex_word_is(s->p, s->n, upper);
}

static int is_punct(const struct scan *s, char c)
{
	return s->kind == LEX_PUNCT && *s->p == c;
}

/* Is the upper-case name in this text, as a word of its own? */
static int mentions(const char *p, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i + len <= n; i++) {
		if (!lex_word_is(p + i, len, name))
			continue;
		if ((i == 0 || p[i - 1] == ',' || p[i - 1] == '\'' || p[i - 1] == '"' || p[i - 1] == ' ') &&
		    (i + len == n || p[i + len] == ',' || p[i + len] == '\'' || p[i + len] == '"' ||
		     p[i + len] == ' '))
			return 1;
	}
	return 0;
}

/* --- PostgreSQL ---------------------------------------------------------------------- */

static const char scs[] = "STANDARD_CONFORMING_STRINGS";

/* A boolean as PostgreSQL reads it, from a word or string: off, no, false, 0
 * and what they may be cut to. */
static int is_off(const struct scan *s)
{
	const char *p = s->p;
	size_t n = s->n;

	if (s->kind == LEX_STRING && n >= 2) {
		p++;
		n -= 2;
	}
	return n > 0 && ((n == 1 && *p == '0') || (n == 1 && (*p | 0x20) == 'f') || lex_word_is(p, n, "OF") ||
	                 lex_word_is(p, n, "OFF") || lex_word_is(p, n, "FALSE") || lex_word_is(p, n, "FALS") ||
	                 lex_word_is(p, n, "FAL") || lex_word_is(p, n, "FA") || lex_word_is(p, n, "NO") ||
	                 lex_word_is(p, n, "N"));
}

static void postgresql(struct sqlmode *m, const struct lex_table *t, struct scan *s)
{
	if (is_word(s, "SET")) {
		if (!next(s) || ((is_word(s, "SESSION") || is_word(s, "LOCAL")) && !next(s)))
			return;
		if (is_word(s, scs) && next(s) && (is_punct(s, '=') || is_word(s, "TO")) && next(s))
			m->is_single_escaped = is_off(s) != 0;
	} else if (is_word(s, "RESET")) {
		if (next(s) && (is_word(s, scs) || is_word(s, "ALL")))
			sqlmode_default(m, t);
	} else if (is_word(s, "DISCARD")) {
		if (next(s) && is_word(s, "ALL"))
			sqlmode_default(m, t);
	} else if (is_word(s, "SELECT")) {
		if (!next(s))
			return;
		if (is_word(s, "PG_CATALOG") && (!next(s) || !is_punct(s, '.') || !next(s)))
			return;
		if (is_word(s, "SET_CONFIG") && next(s) && is_punct(s, '(') && next(s) &&
		    s->kind == LEX_STRING && s->n > 2 && lex_word_is(s->p + 1, s->n - 2, scs) && next(s) &&
		    is_punct(s, ',') && next(s))
			m->is_single_escaped = is_off(s) != 0;
	}
}

/* --- MariaDB -------------------------------------------------------------------------- */

static const char *const ansi[] = { "ANSI_QUOTES", "ANSI", "ORACLE", "MSSQL", "DB2", "POSTGRESQL", "MAXDB" };

struct value {
	int is_kept;    /* begins with what it was      */
	int is_removal; /* REPLACE(@@sql_mode, .., '')  */
	int is_saved;   /* a user variable, or DEFAULT  */
	int has_no_escapes, has_ansi, has_oracle;
};

/* The tokens of one assigned value, up to ',' outside parentheses; 0: no more. */
static int read_value(struct scan *s, struct value *v)
{
	unsigned depth = 0;
	int n_at = 0, more;

	memset(v, 0, sizeof *v);
	while ((more = next(s)) && !(depth == 0 && is_punct(s, ','))) {
		if (is_punct(s, '('))
			depth++;
		else if (is_punct(s, ')') && depth)
			depth--;
		if (s->kind == LEX_WORD && n_at == 0) {
			v->is_removal |= lex_word_is(s->p, s->n, "REPLACE");
			v->is_saved |= lex_word_is(s->p, s->n, "DEFAULT");
		}
		v->is_saved |= n_at == 1 && !is_punct(s, '@');
		v->is_kept |= n_at == 2;
		n_at = is_punct(s, '@') ? n_at + 1 : 0;
		if (s->kind != LEX_WORD && s->kind != LEX_STRING)
			continue;
		v->has_no_escapes |= mentions(s->p, s->n, "NO_BACKSLASH_ESCAPES");
		v->has_oracle |= mentions(s->p, s->n, "ORACLE");
		for (size_t i = 0; i < sizeof ansi / sizeof *ansi; i++)
			v->has_ansi |= mentions(s->p, s->n, ansi[i]);
	}
	return more;
}

static void assign(struct sqlmode *m, const struct lex_table *t, const struct value *v)
{
	int no_escapes = !m->is_single_escaped;

	if (v->is_removal) {
		no_escapes &= !v->has_no_escapes;
		m->is_ansi &= !v->has_ansi;
		m->is_oracle &= !v->has_oracle;
	} else if (v->is_kept) {
		no_escapes |= v->has_no_escapes;
		m->is_ansi |= v->has_ansi;
		m->is_oracle |= v->has_oracle;
	} else if (v->is_saved) {
		sqlmode_default(m, t);
		return;
	} else {
		no_escapes = v->has_no_escapes;
		m->is_ansi = (unsigned char)v->has_ansi;
		m->is_oracle = (unsigned char)v->has_oracle;
	}
	m->is_single_escaped = !no_escapes;
	m->is_double_escaped = !no_escapes && !m->is_ansi;
}

static void mariadb(struct sqlmode *m, const struct lex_table *t, struct scan *s)
{
	int is_global = 0;

	if (!is_word(s, "SET") || !next(s) || is_word(s, "STATEMENT"))
		return;
	for (;;) {
		int n_at = 0, is_mode;
		struct value v;

		while (is_punct(s, '@') || is_punct(s, '.') || is_word(s, "SESSION") || is_word(s, "LOCAL") ||
		       is_word(s, "GLOBAL")) {
			n_at += is_punct(s, '@');
			if (s->kind == LEX_WORD)
				is_global = is_word(s, "GLOBAL");
			if (!next(s))
				return;
		}
		is_mode = n_at != 1 && is_word(s, "SQL_MODE") && !is_global;
		if (!next(s))
			return;
		if (is_punct(s, ':') && !next(s))
			return;
		if (!read_value(s, &v)) {
			if (is_mode)
				assign(m, t, &v);
			return;
		}
		if (is_mode)
			assign(m, t, &v);
		if (!next(s))
			return;
	}
}

void sqlmode_statement(struct sqlmode *m, const struct lex_table *t, const char *sql, size_t len)
{
	struct scan s;

	/* Nearly all statements begin with a letter that none of these has. */
	if (len == 0 || !strchr("SsRrDd/-#", *sql))
		return;
	lexbuf_memory(&s.b, sql, len);
	lex_init(&s.lx, t, &s.b);
	s.lx.is_single_escaped = m->is_single_escaped;
	s.lx.is_double_escaped = m->is_double_escaped;
	if (!next(&s))
		return;
	if (t->bits & DUNLIN_LEX_E_STRING)
		postgresql(m, t, &s);
	else if (t->bits & DUNLIN_LEX_BACKSLASH)
		mariadb(m, t, &s);
}
