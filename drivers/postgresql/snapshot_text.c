/*
 * snapshot_text.c - the server's text of an expression, made the same for all
 * ways in which it can have come to be.
 *
 * The server prints what it stores in one form, with two exceptions.  White
 * space is laid out for readers.  And a list such as `status IN ('a', 'b')` on a
 * varchar is stored as a cast of the array, `(ARRAY[..])::text[]`; read back
 * from a dump it is an array of casts, `ARRAY[('a'::..)::text, ..]`.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "snapshot.h"

#define DEPTH_MAX 32 /* of array constructors in each other */

static int is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One space where there was white space or a comment, none where there was none. */
static void squeeze(const char *sql, size_t len, struct drv_text *out)
{
	const char *p = sql, *end = sql + len, *last = sql;
	struct drv_token t;

	while ((t = drv_token_next(PG_LEX, &p, end)).kind != DRV_TOKEN_END) {
		if (t.p > last && out->len)
			drv_text_add(out, " ", 1);
		drv_text_add(out, t.p, t.len);
		last = p;
	}
	if (!out->p)
		drv_text_add(out, "", 0);
}

/* --- arrays -------------------------------------------------------------------------- */

struct slice {
	const char *p, *end;
};

static int opens(const struct drv_token *t)
{
	return drv_token_is(t, "(") || drv_token_is(t, "[");
}

static int closes(const struct drv_token *t)
{
	return drv_token_is(t, ")") || drv_token_is(t, "]");
}

/* *p stands behind an opening bracket: what is before the one that closes it,
 * and *p behind that one.  0: it never closes. */
static int read_inside(const char **p, const char *end, struct slice *inside)
{
	struct drv_token t;
	int depth = 1;

	inside->p = *p;
	while ((t = drv_token_next(PG_LEX, p, end)).kind != DRV_TOKEN_END) {
		depth += opens(&t) - closes(&t);
		if (depth == 0) {
			inside->end = t.p;
			return 1;
		}
	}
	return 0;
}

static int expect(const char **p, const char *end, const char *word)
{
	struct drv_token t = drv_token_next(PG_LEX, p, end);

	return drv_token_is(&t, word);
}

/* A type's name that ends in []: without these two. */
static int read_array_type(const char **p, const char *end, struct slice *type)
{
	const char *q = *p;
	struct drv_token t;
	struct slice inside;

	type->p = *p;
	for (;;) {
		q = *p;
		t = drv_token_next(PG_LEX, &q, end);
		if (drv_token_is(&t, "["))
			break;
		if (drv_token_is(&t, "(")) { /* numeric(10,2)[] */
			if (!read_inside(&q, end, &inside))
				return 0;
		} else if (t.kind != DRV_TOKEN_WORD && t.kind != DRV_TOKEN_NAME && !drv_token_is(&t, ".")) {
			return 0;
		}
		*p = q;
	}
	type->end = t.p;
	while (type->p < type->end && is_space(*type->p))
		type->p++;
	*p = q;
	return type->end > type->p && expect(p, end, "]");
}

/* (ARRAY[ elements ])::type[]; *p stands behind the first parenthesis. */
static int read_cast(const char **p, const char *end, struct slice *elements, struct slice *type)
{
	return expect(p, end, "ARRAY") && expect(p, end, "[") && read_inside(p, end, elements) && expect(p, end, ")") &&
	       expect(p, end, ":") && expect(p, end, ":") && read_array_type(p, end, type);
}

static void add_arrays(const char *sql, const char *end, int depth, struct drv_text *out);

static void add_element(const struct slice *e, const struct slice *type, int depth, struct drv_text *out)
{
	const char *p = e->p;

	while (p < e->end && is_space(*p))
		p++;
	if (p == e->end) /* of an empty array */
		return;
	drv_text_add(out, "(", 1);
	add_arrays(p, e->end, depth, out);
	drv_text_add(out, ")::", 3);
	drv_text_add(out, type->p, (size_t)(type->end - type->p));
}

static void add_elements(const struct slice *all, const struct slice *type, int depth, struct drv_text *out)
{
	const char *p = all->p;
	struct slice e = { all->p, all->end };
	struct drv_token t;
	int n = 0;

	drv_text_adds(out, "ARRAY[");
	while ((t = drv_token_next(PG_LEX, &p, all->end)).kind != DRV_TOKEN_END) {
		n += opens(&t) - closes(&t);
		if (n == 0 && drv_token_is(&t, ",")) {
			e.end = t.p;
			add_element(&e, type, depth, out);
			drv_text_adds(out, ", ");
			e = (struct slice){ p, all->end };
		}
	}
	add_element(&e, type, depth, out);
	drv_text_add(out, "]", 1);
}

static void add_arrays(const char *sql, const char *end, int depth, struct drv_text *out)
{
	const char *p = sql, *kept = sql, *q;
	struct slice elements, type;
	struct drv_token t;

	while (depth < DEPTH_MAX && (t = drv_token_next(PG_LEX, &p, end)).kind != DRV_TOKEN_END) {
		if (!drv_token_is(&t, "("))
			continue;
		q = p;
		if (!read_cast(&q, end, &elements, &type))
			continue;
		drv_text_add(out, kept, (size_t)(t.p - kept));
		add_elements(&elements, &type, depth + 1, out);
		kept = p = q;
	}
	drv_text_add(out, kept, (size_t)(end - kept));
}

void pg_fact_canonical(const char *sql, size_t len, struct drv_text *out)
{
	struct drv_text text = { 0 };

	squeeze(sql, len, &text);
	if (text.is_failed)
		out->is_failed = 1;
	else if (strstr(text.p, "(ARRAY["))
		add_arrays(text.p, text.p + text.len, 0, out);
	else
		drv_text_add(out, text.p, text.len);
	drv_text_clear(&text);
}

/* --- the rest ---------------------------------------------------------------------------- */

int pg_fact_is_enclosed(const char *sql, size_t len)
{
	const char *p = sql, *end = sql + len;
	struct slice inside;

	return expect(&p, end, "(") && read_inside(&p, end, &inside) && drv_token_next(PG_LEX, &p, end).kind == DRV_TOKEN_END;
}

void pg_fact_escape(const char *s, size_t len, struct drv_text *out)
{
	static const char letters[] = "\nn\tt\rr\\\\";
	size_t i, from = 0;
	const char *l;

	for (i = 0; i < len; i++) {
		if ((unsigned char)s[i] >= 0x20 && s[i] != '\\' && s[i] != 0x7f)
			continue;
		drv_text_add(out, s + from, i - from);
		from = i + 1;
		for (l = letters; *l && *l != s[i]; l += 2)
			;
		if (*l)
			drv_text_addf(out, "\\%c", l[1]);
		else
			drv_text_addf(out, "\\x%02x", (unsigned)(unsigned char)s[i]);
	}
	drv_text_add(out, s + from, len - from);
}
