/*
 * split_run.h - a splitter over text in memory, for the tests of it.
 */
#ifndef DUNLIN_TESTS_SPLIT_RUN_H
#define DUNLIN_TESTS_SPLIT_RUN_H

#include "buf.h"
#include "checksum.h"
#include "split.h"

#include <stdio.h>
#include <string.h>

struct text_reader {
	const char *p;
	size_t n, at;
	size_t chunk; /* bytes a read gives and the window holds; 0: as many as fit */
};

static inline long text_read(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	struct text_reader *r = arg;

	(void)err;
	if (n > r->n - r->at)
		n = r->n - r->at;
	if (r->chunk && n > r->chunk)
		n = r->chunk;
	memcpy(p, r->p + r->at, n);
	r->at += n;
	return (long)n;
}

/* Everything that splitting a text gives, one line each, as text:
 *     0+8 1:1 [select 1]            offset+raw length, line:column
 *     data [...]                    a COPY's, pieces put together
 *     directive 3 20..33 [up]       line, offsets
 *     error 4:2 SYNTAX message
 * `action` answers directives: "down" cuts, "only" skips, "statement-begin" is
 * raw, "stop" ends, "bad" fails, all others go on. */
struct split_run {
	struct buf out;
	struct dunlin_error err;
	const char *sql; /* for the callback's own use */
};

static inline int run_directive(void *arg, const char *text, size_t len, uint64_t off, uint64_t next_off,
                                uint32_t line, struct dunlin_error *err)
{
	static const struct { const char *name; int action; } actions[] = {
		{ "up", SPLIT_CUT }, { "down", SPLIT_CUT }, { "only", SPLIT_SKIP },
		{ "statement-begin", SPLIT_RAW }, { "stop", SPLIT_END }, { "bad", SPLIT_ERROR },
	};
	struct split_run *r = arg;

	buf_addf(&r->out, "directive %u %lu..%lu [%.*s]\n", (unsigned)line, (unsigned long)off,
	         (unsigned long)next_off, (int)len, text);
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (len < strlen(actions[i].name) || memcmp(text, actions[i].name, strlen(actions[i].name)) != 0)
			continue;
		if (actions[i].action == SPLIT_ERROR && err)
			snprintf(err->message, sizeof err->message, "refused by the callback");
		return actions[i].action;
	}
	return SPLIT_GO_ON;
}

static inline void run_data(struct split_run *r, struct splitter *s)
{
	const char *p;
	size_t n;

	buf_adds(&r->out, "data [");
	while (splitter_copy_data(s, &p, &n, &r->err) > 0)
		buf_add(&r->out, p, n);
	buf_adds(&r->out, "]\n");
}

/* The result is in r->out.p; buf_clear() it.  norm may be NULL. */
static inline void split_run(struct split_run *r, const struct split_options *base, const char *sql, size_t n,
                             size_t chunk)
{
	struct text_reader reader = { sql, n, 0, chunk };
	struct split_options o = *base;
	struct split_statement st;
	struct splitter *s = NULL;
	int rc;

	memset(r, 0, sizeof *r);
	o.read = text_read;
	o.read_arg = &reader;
	o.window = chunk;
	o.file = "f.sql";
	if (!o.directive) {
		o.directive = run_directive;
		o.directive_arg = r;
	}
	buf_adds(&r->out, "");
	rc = splitter_open(&s, &o, &r->err);
	while (rc == 0 && (rc = splitter_next(s, &st, &r->err)) > 0) {
		rc = 0;
		buf_addf(&r->out, "%lu+%lu %u:%u [", (unsigned long)st.off, (unsigned long)st.raw_len,
		         (unsigned)st.line, (unsigned)st.column);
		buf_add(&r->out, st.text, st.len);
		buf_adds(&r->out, "]\n");
		if (st.has_data)
			run_data(r, s);
	}
	if (rc < 0)
		buf_addf(&r->out, "error %u:%u %s %s\n", (unsigned)r->err.line, (unsigned)r->err.column,
		         dunlin_class_name(r->err.errclass), r->err.message);
	splitter_close(s);
}

#endif
