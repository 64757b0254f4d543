/*
 * table.c - rows that are kept until the widths of their columns are known.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "output.h"

#include <stdlib.h>
#include <string.h>

#define WIDEST 64      /* a longer cell moves its own line */
#define GAP 2          /* spaces between columns           */
#define NOTE_INDENT 9  /* below the second column, mostly  */

struct line {
	enum style style;
	int is_note;  /* text[0] is the label, text[1] the text  */
	char *text[]; /* n_col of them, or 2; they stand behind  */
};

struct table {
	const struct column *col;
	size_t n_col;
	size_t *width;
	struct line **line;
	size_t n_line, cap;
};

struct table *table_new(const struct column *col, size_t n_col)
{
	struct table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->col = col;
	t->n_col = n_col;
	t->width = calloc(n_col, sizeof *t->width);
	if (!t->width) {
		free(t);
		return NULL;
	}
	for (size_t i = 0; i < n_col; i++) {
		size_t w = strlen(col[i].title);

		t->width[i] = w > col[i].min_width ? w : col[i].min_width;
	}
	return t;
}

static int add_line(struct table *t, enum style style, int is_note, const char *const *text, size_t n)
{
	size_t size = sizeof(struct line) + n * sizeof(char *);
	struct line *l;
	char *p;

	if (t->n_line == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct line **grown = realloc(t->line, cap * sizeof *grown);

		if (!grown)
			return -1;
		t->line = grown;
		t->cap = cap;
	}
	for (size_t i = 0; i < n; i++)
		size += text[i] ? strlen(text[i]) + 1 : 1;
	l = malloc(size);
	if (!l)
		return -1;
	l->style = style;
	l->is_note = is_note;
	p = (char *)&l->text[n];
	for (size_t i = 0; i < n; i++) {
		size_t len = text[i] ? strlen(text[i]) : 0;

		l->text[i] = p;
		if (len)
			memcpy(p, text[i], len);
		p[len] = '\0';
		p += len + 1;
	}
	t->line[t->n_line++] = l;
	return 0;
}

int table_row(struct table *t, enum style style, const char *const *cell)
{
	if (add_line(t, style, 0, cell, t->n_col) < 0)
		return -1;
	for (size_t i = 0; i < t->n_col; i++) {
		size_t w = cell[i] ? safe_width(cell[i], strlen(cell[i])) : 0;

		if (w > t->width[i] && w <= WIDEST)
			t->width[i] = w;
	}
	return 0;
}

int table_note(struct table *t, const char *label, const char *text)
{
	return add_line(t, STYLE_DIM, 1, (const char *const[]){ label, text }, 2);
}

static void print_title(const struct table *t, struct output *o)
{
	out_style(o, STYLE_BOLD);
	for (size_t i = 0; i < t->n_col; i++) {
		out_printf(o, "%s", t->col[i].title);
		if (i + 1 < t->n_col)
			out_pad(o, t->width[i] - strlen(t->col[i].title) + GAP);
	}
	out_style(o, STYLE_PLAIN);
	out_printf(o, "\n");
}

/* Spaces are owed, and paid only before text: no line ends in one. */
static void print_row(const struct table *t, const struct line *l, struct output *o)
{
	size_t owed = 0;

	for (size_t i = 0; i < t->n_col; i++) {
		const char *s = l->text[i];
		size_t w = safe_width(s, strlen(s)), room = w < t->width[i] ? t->width[i] - w : 0;

		if (w == 0) {
			owed += t->width[i] + GAP;
			continue;
		}
		out_pad(o, owed + (t->col[i].is_right ? room : 0));
		if (i == 0)
			out_style(o, l->style);
		out_safe(o, s);
		if (i == 0)
			out_style(o, STYLE_PLAIN);
		owed = GAP + (t->col[i].is_right ? 0 : room);
	}
	out_raw(o, "\n", 1);
}

static void print_note(const struct line *l, struct output *o)
{
	out_pad(o, NOTE_INDENT);
	out_style(o, l->style);
	out_printf(o, "%s: ", l->text[0]);
	out_safe_lines(o, l->text[1], strlen(l->text[1]), NOTE_INDENT + 2);
	out_style(o, STYLE_PLAIN);
	out_printf(o, "\n");
}

void table_print(struct table *t, struct output *o)
{
	print_title(t, o);
	for (size_t i = 0; i < t->n_line; i++) {
		if (t->line[i]->is_note)
			print_note(t->line[i], o);
		else
			print_row(t, t->line[i], o);
	}
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_line; i++)
		free(t->line[i]);
	free(t->line);
	free(t->width);
	free(t);
}
