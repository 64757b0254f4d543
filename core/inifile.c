/*
 * inifile.c - inih with what its line buffer cannot hold.
 *
 * As packaged, inih reads lines of up to 200 bytes and sections of up to 50,
 * cuts longer ones silently, takes an indented line for more of the value
 * before it, and tells no line numbers.  So each line is handed to it by a
 * reader that counts them, takes the indentation away, and keeps the text of
 * sections and of values that are too long aside, giving inih a stand-in.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "inifile.h"

#include "error.h"

#include <ini.h>

#include <string.h>

struct reading {
	struct ini_file *file;
	const char *p, *end;        /* what is left of the text           */
	uint32_t line;
	const char *section;
	const char *raw;            /* the line at work, trimmed          */
	size_t raw_len;
	int is_long;                /* inih got a stand-in for its value  */
	const char *name;
	struct dunlin_error *err;
	int rc;
};

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static int refuse(struct reading *r, const char *what)
{
	if (r->rc == 0) {
		error_set(r->err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s", what);
		error_at(r->err, r->name, r->line, 0);
	}
	r->rc = -1;
	return 0;
}

/* Where a comment begins after other text, or len. */
static size_t comment_at(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (s[i] == ';' && is_space(s[i - 1]))
			return i;
	return len;
}

static size_t trim_end(const char *s, size_t len)
{
	while (len > 0 && is_space(s[len - 1]))
		len--;
	return len;
}

static int add(struct reading *r, const char *key, const char *value, size_t value_len)
{
	struct ini_file *f = r->file;
	struct ini_entry *e;

	if (mem_grow(&f->v, &f->cap, f->n, sizeof *f->v) < 0)
		goto nomem;
	e = &f->v[f->n];
	*e = (struct ini_entry){
		.section = r->section, .line = r->line,
		.key = key ? arena_strdup(&f->arena, key) : NULL,
		.value = arena_strndup(&f->arena, value, value_len),
		.is_cut = comment_at(r->raw, r->raw_len) < r->raw_len,
	};
	if (!e->value || (key && !e->key))
		goto nomem;
	f->n++;
	return 1;
nomem:
	if (r->rc == 0)
		error_nomem(r->err);
	r->rc = -1;
	return 0;
}

/* "[NAME]" starts a section; what follows it may only be a comment. */
static int take_section(struct reading *r)
{
	const char *close = memchr(r->raw, ']', r->raw_len);
	const char *from = r->raw + 1, *rest;
	size_t n;

	if (!close)
		return refuse(r, "the section's name has no ']' after it");
	rest = close + 1;
	while (rest < r->raw + r->raw_len && is_space(*rest))
		rest++;
	if (rest < r->raw + r->raw_len && *rest != ';' && *rest != '#')
		return refuse(r, "text stands after the section's name");
	while (from < close && is_space(*from))
		from++;
	n = trim_end(from, (size_t)(close - from));
	if (n == 0)
		return refuse(r, "the section has no name");
	r->section = arena_strndup(&r->file->arena, from, n);
	if (!r->section) {
		error_nomem(r->err);
		r->rc = -1;
		return 0;
	}
	return add(r, NULL, "", 0);
}

/* The next line into r->raw; 0 at the end. */
static int next_raw(struct reading *r)
{
	const char *nl;

	if (r->rc < 0 || r->p == r->end)
		return 0;
	nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
	r->raw = r->p;
	r->raw_len = (size_t)((nl ? nl : r->end) - r->p);
	r->p = nl ? nl + 1 : r->end;
	r->line++;
	while (r->raw_len > 0 && is_space(*r->raw))
		r->raw++, r->raw_len--;
	r->raw_len = trim_end(r->raw, r->raw_len);
	return 1;
}

static const char *separator_of(const struct reading *r)
{
	for (size_t i = 0; i < r->raw_len; i++)
		if (r->raw[i] == '=' || r->raw[i] == ':')
			return r->raw + i;
	return NULL;
}

/* inih's fgets(). */
static char *read_line(char *str, int num, void *arg)
{
	struct reading *r = arg;
	const char *sep;
	size_t room = num > 2 ? (size_t)num - 2 : 0, n;

	if (!next_raw(r))
		return NULL;
	r->is_long = 0;
	n = r->raw_len;
	if (n == 0 || *r->raw == ';' || *r->raw == '#') {
		n = 0;
	} else if (*r->raw == '[') {
		take_section(r);
		n = 0;
	} else if (n > room) {
		sep = separator_of(r);
		if (!sep || (size_t)(sep - r->raw) + 2 > room) {
			refuse(r, "the line is not 'key = value'");
			n = 0;
		} else {
			r->is_long = 1;
			n = (size_t)(sep - r->raw) + 1;
		}
	}
	/* An empty line is no line's end to inih. */
	memcpy(str, r->raw, n);
	str[n] = r->is_long ? 'x' : '\n';
	str[n + 1] = '\0';
	return str;
}

static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	const char *p;
	size_t n;

	(void)section;
	if (r->rc < 0)
		return 0;
	if (!*name)
		return refuse(r, "a key is missing before '='");
	if (!r->is_long)
		return add(r, name, value, strlen(value));
	p = separator_of(r) + 1;
	n = r->raw_len - (size_t)(p - r->raw);
	n = trim_end(p, comment_at(p, n));
	while (n > 0 && is_space(*p))
		p++, n--;
	return add(r, name, p, n);
}

int ini_file_parse(struct ini_file *f, const char *text, size_t len, const char *name, struct dunlin_error *err)
{
	struct reading r = { .file = f, .p = text, .end = text + len, .section = "", .name = name, .err = err };
	int bad;

	*f = (struct ini_file){ 0 };
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.p += 3;
	bad = ini_parse_stream(read_line, &r, take_pair, &r);
	/* What inih alone found wrong, if nothing was before it. */
	if (r.rc == 0 && bad != 0) {
		r.line = bad > 0 ? (uint32_t)bad : 0;
		refuse(&r, bad > 0 ? "the line is neither '[section]' nor 'key = value'" : "cannot be read");
	}
	if (r.rc < 0)
		ini_file_clear(f);
	return r.rc;
}

void ini_file_clear(struct ini_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		explicit_bzero(f->v[i].value, strlen(f->v[i].value));
	mem_free(f->v);
	arena_clear(&f->arena);
	*f = (struct ini_file){ 0 };
}
