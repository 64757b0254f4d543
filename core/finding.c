/*
 * finding.c - the list of findings, and the one error that sums it up.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "finding.h"

#include "buf.h"
#include "error.h"

#include <stdarg.h>
#include <string.h>

/* A zeroed element whose texts are all ""; NULL: out of memory. */
static struct dunlin_finding *add(struct finding_list *l)
{
	struct dunlin_finding *f;

	if (mem_grow(&l->v, &l->cap, l->n, sizeof *l->v) < 0)
		return NULL;
	f = &l->v[l->n];
	*f = (struct dunlin_finding){
		.errclass = DUNLIN_CLASS_VALIDATION,
		.kind = "", .component = "", .version = "", .file = "", .message = "", .hint = "",
	};
	return f;
}

/* Copies into the list's arena; NULL and "" need no copy. */
static int copy(struct finding_list *l, const char **out, const char *s)
{
	if (!s || !*s) {
		*out = "";
		return 0;
	}
	*out = arena_strdup(&l->arena, s);
	return *out ? 0 : -1;
}

/* The copied texts of one element: of an error, or of another list's. */
static int fill(struct finding_list *l, struct dunlin_finding *f, const struct dunlin_finding *from)
{
	*f = *from;
	if (copy(l, &f->kind, from->kind) < 0 || copy(l, &f->component, from->component) < 0 ||
	    copy(l, &f->version, from->version) < 0 || copy(l, &f->file, from->file) < 0 ||
	    copy(l, &f->message, from->message) < 0 || copy(l, &f->hint, from->hint) < 0)
		return -1;
	l->n++;
	return 0;
}

struct dunlin_finding *finding_add(struct finding_list *l, int code, const char *kind,
	const char *component, const char *version, const char *file, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	struct dunlin_finding *f = NULL;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	if (!text.is_failed)
		f = add(l);
	if (f && fill(l, f, &(struct dunlin_finding){
			.errclass = DUNLIN_CLASS_VALIDATION, .code = code, .kind = kind,
			.component = component, .version = version, .file = file, .message = text.p }) < 0)
		f = NULL;
	buf_clear(&text);
	return f;
}

int finding_add_error(struct finding_list *l, const char *kind, const struct dunlin_error *e)
{
	struct dunlin_finding *f = add(l);

	return f ? fill(l, f, &(struct dunlin_finding){
		.errclass = e->errclass, .code = e->code, .kind = kind,
		.component = e->component, .version = e->version, .file = e->file,
		.line = e->line, .column = e->column, .message = e->message, .hint = e->hint }) : -1;
}

void finding_hint(struct finding_list *l, struct dunlin_finding *f, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	/* A finding without its hint is still a finding. */
	if (text.is_failed || copy(l, &f->hint, text.p) < 0)
		f->hint = "";
	buf_clear(&text);
}

int finding_copy(struct finding_list *to, const struct finding_list *from)
{
	for (size_t i = 0; i < from->n; i++) {
		struct dunlin_finding *f = add(to);

		if (!f || fill(to, f, &from->v[i]) < 0)
			return -1;
	}
	return 0;
}

int finding_code(const struct finding_list *l)
{
	int code = 0;

	for (size_t i = 0; i < l->n; i++)
		code = error_code_max(code, l->v[i].code);
	return code;
}

/* Joins the message to err's; 0 where it does not fit whole. */
static int join_message(struct dunlin_error *err, const char *message)
{
	size_t used, len = strlen(message);

	if (!err)
		return 0;
	used = strlen(err->message);
	if (used + 2 + len >= sizeof err->message)
		return 0;
	memcpy(err->message + used, "; ", 2);
	memcpy(err->message + used + 2, message, len + 1);
	return 1;
}

int finding_to_error(const struct finding_list *l, struct dunlin_error *err)
{
	int code = finding_code(l);
	const struct dunlin_finding *first = NULL;
	size_t n = 0; /* that are not told yet */

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].code != 0)
			n++;
		if (!first && l->v[i].code == code && code != 0)
			first = &l->v[i];
	}
	if (!first)
		return error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "nothing is known to be wrong");
	error_set(err, code, first->errclass, "%s", first->message);
	n--;
	/* What has no line of its own names its subject in the message. */
	for (const struct dunlin_finding *f = first + 1; f < l->v + l->n && first->line == 0; f++)
		if (f->code == code && f->line == 0 && strcmp(f->kind, first->kind) == 0)
			n -= (size_t)join_message(err, f->message);
	error_migration(err, first->component, first->version);
	if (first->file[0])
		error_at(err, first->file, first->line, first->column);
	if (n > 0)
		error_hint(err, "%s%sThere %s %zu more: `dunlin validate` shows all.", first->hint,
		           first->hint[0] ? " " : "", n == 1 ? "is" : "are", n);
	else if (first->hint[0])
		error_hint(err, "%s", first->hint);
	return -1;
}

void finding_clear(struct finding_list *l)
{
	mem_free(l->v);
	arena_clear(&l->arena);
	*l = (struct finding_list){ 0 };
}
