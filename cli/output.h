/*
 * output.h - text on a stream: escaping, display width, colour, tables.
 *
 * Text that came from files, servers or arguments goes through out_safe() or a
 * table cell; only the program's own literals go through out_printf().
 */
#ifndef DUNLIN_CLI_OUTPUT_H
#define DUNLIN_CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum style { STYLE_PLAIN = 0, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_DIM, STYLE_BOLD };

struct output {
	FILE *file;
	int is_tty, is_color;
	int error; /* errno of the first failed write, 0: none */
};

void out_init(struct output *o, FILE *file);
/* mode: "auto", "always", "never", or NULL: what the environment says. */
void out_set_color(struct output *o, const char *mode);

void out_printf(struct output *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Bytes as they are: JSON, SQL for another program. */
void out_raw(struct output *o, const char *s, size_t len);
/* On one line: every control character becomes \n, \x1b or \u202e. */
void out_safe(struct output *o, const char *s);
void out_safe_len(struct output *o, const char *s, size_t len);
/* Keeps line breaks and tabs; each further line is indented by `indent`. */
void out_safe_lines(struct output *o, const char *s, size_t len, int indent);
void out_style(struct output *o, enum style s);
void out_pad(struct output *o, size_t n);
/* Flushes; 0, or -1 once writing has failed (o->error). */
int out_flush(struct output *o);

/* --- text.c: single values as people read them --- */

/* Decodes one character; returns its bytes, *cp UINT32_MAX where invalid. */
size_t utf8_next(const char *s, size_t len, uint32_t *cp);
/* 1 for what may not reach a terminal: C0, DEL, C1, bidi controls, separators. */
int is_control(uint32_t cp);
/* How many bytes s begins with that are printable ASCII. */
size_t plain_prefix(const char *s, size_t len);
/* One character, escaped where needed: bytes eaten, *out (16 bytes) filled. */
size_t escape_next(const char *s, size_t len, char out[16], size_t *out_len, size_t *width);
/* Columns that s takes after escaping. */
size_t safe_width(const char *s, size_t len);

char *text_duration(int64_t ms, char buf[32]);       /* "12 ms", "1.2 s", "3 min 5 s" */
char *text_bytes(int64_t n, char buf[32]);           /* "1.2 MB"                      */
char *text_time(const char *rfc3339, char buf[32]);  /* "2026-11-20 10:15:02Z"        */

/* --- table.c --- */

struct table;
struct column {
	const char *title;
	size_t min_width;
	int is_right;     /* cells to the right; the title stays left */
};
struct table *table_new(const struct column *col, size_t n_col); /* NULL: no memory */
/* A row of n_col cells (NULL: empty), with the style of the first.  0 or -1. */
int table_row(struct table *t, enum style style, const char *const *cell);
/* A line under the last row, indented.  0 or -1. */
int table_note(struct table *t, const char *label, const char *text);
void table_print(struct table *t, struct output *o);
void table_free(struct table *t);

#endif
