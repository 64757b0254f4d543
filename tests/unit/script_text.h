/*
 * script_text.h - migrations given as text, and what was read from them as text.
 */
#ifndef DUNLIN_TESTS_SCRIPT_TEXT_H
#define DUNLIN_TESTS_SCRIPT_TEXT_H

#include "buf.h"
#include "script.h"

#include <string.h>

/* What --set and the environment would give; the tests change it. */
struct script_value { const char *name, *value; };
static struct script_value script_values[] = {
	{ "owner", "anna" }, { "two", "SELECT 1; SELECT 2" }, { "looks", "${owner}" },
	{ "env.HOME", "/home" }, { "quote", "'" }, { NULL, NULL },
};

static inline const char *script_value(void *arg, const char *name, size_t len)
{
	(void)arg;
	for (const struct script_value *v = script_values; v->name; v++)
		if (strlen(v->name) == len && memcmp(v->name, name, len) == 0)
			return v->value;
	return NULL;
}

static inline struct script_env script_env_of(const char *driver)
{
	return (struct script_env){ .dialect = dialect_find(driver), .driver = driver, .placeholder = script_value };
}

static inline struct input script_input(const char *text, size_t len)
{
	return (struct input){ .name = "a.sql", .data = text, .len = len };
}

/* "LINE:COLUMN: MESSAGE" */
static inline void script_error_text(struct buf *b, const struct dunlin_error *err)
{
	buf_addf(b, "%u:%u: %s", err->line, err->column, err->message);
}

/* A section on a line: "up 0..22 line 1: no-transaction; allow a | 3 of 4 begin 0 commit 3 lead 1 trail 3 sql BEGIN X";
 * what has its usual value is left out. */
static inline void script_section_text(struct buf *b, const struct script_section *sec, const char *name)
{
	int64_t n = (int64_t)sec->n_split;

	buf_addf(b, "%s %llu..%llu line %u:", name, (unsigned long long)sec->off, (unsigned long long)sec->end, sec->line);
	for (size_t i = 0; i < sec->d.n_text; i++)
		buf_addf(b, "%s %s", i ? ";" : "", sec->d.text[i]);
	buf_addf(b, " | %llu", (unsigned long long)sec->n_statements);
	if (sec->n_split != sec->n_statements)
		buf_addf(b, " of %llu", (unsigned long long)sec->n_split);
	if (sec->begin_index >= 0)
		buf_addf(b, " begin %lld", (long long)sec->begin_index);
	if (sec->commit_index >= 0)
		buf_addf(b, " commit %lld", (long long)sec->commit_index);
	if (sec->lead_end > 0)
		buf_addf(b, " lead %lld", (long long)sec->lead_end);
	if (sec->trail_start != n)
		buf_addf(b, " trail %lld", (long long)sec->trail_start);
	if (sec->begin_sql)
		buf_addf(b, " sql %s", sec->begin_sql);
	buf_addc(b, '\n');
}

static inline void script_all_text(struct buf *b, const struct script *s)
{
	for (int k = 0; k < N_SECTIONS; k++)
		if (s->section[k].is_present)
			script_section_text(b, &s->section[k], section_names[k]);
}

/* Each statement of a section: "OFF+LEN LINE:COLUMN [TEXT]", with marks for own
 * transaction and edge, and a COPY's data; or the error. */
static inline int script_statements_text(struct buf *b, const struct script_env *env,
                                         const struct script_section *sec, int has_place)
{
	struct dunlin_error err = { 0 };
	struct script_reader *r;
	struct script_statement st;
	const char *p;
	size_t n;
	int rc = script_reader_open(&r, env, sec, &err);

	while (rc >= 0 && (rc = script_reader_next(r, &st, &err)) > 0) {
		if (has_place)
			buf_addf(b, "%llu+%zu %u:%u ", (unsigned long long)st.st.off, st.st.len, st.st.line, st.st.column);
		buf_addf(b, "%s%s[", st.is_own_tx ? "own " : "", st.is_edge ? "edge " : "");
		buf_add(b, st.st.text, st.st.len);
		buf_adds(b, "]");
		if (st.st.has_data) {
			buf_adds(b, " data [");
			while ((rc = script_reader_copy_data(r, &p, &n, &err)) > 0)
				buf_add(b, p, n);
			buf_adds(b, "]");
			if (rc < 0)
				break;
		}
		buf_adds(b, "\n");
	}
	if (rc < 0)
		script_error_text(b, &err);
	script_reader_close(r);
	return rc;
}

#endif
