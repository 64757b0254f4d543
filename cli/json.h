/*
 * json.h - the documents and lines of --format json.
 *
 * jansson counts references; the helpers here that take a json_t * steal it,
 * as json_object_set_new() does, and a NULL (no memory) makes the whole
 * document NULL when it is printed.
 */
#ifndef DUNLIN_CLI_JSON_H
#define DUNLIN_CLI_JSON_H

#include "cli.h"

#include <jansson.h>

/* A string that may hold anything: bytes that are not UTF-8 become U+FFFD. */
json_t *json_text(const char *s);
/* The same; null for "" and NULL. */
json_t *json_text_or_null(const char *s);
/* null for a negative number. */
json_t *json_count(int64_t n);

json_t *json_action(const struct dunlin_action *a);
json_t *json_finding(const struct dunlin_finding *f);
json_t *json_findings(const struct dunlin_finding *f, size_t n);
json_t *json_plan(const struct dunlin_plan *p);
json_t *json_event(const struct dunlin_event *e);

/* One document on standard output, indented on a terminal.  Steals doc; returns
 * code, or the exit code of the error where there was no memory for doc. */
int json_print(struct cli *c, json_t *doc, int code);
/* One line, flushed: for event after event.  Steals doc. */
void json_print_line(struct cli *c, json_t *doc);
/* Text of doc that is safe to print; free() it.  Borrows doc. */
char *json_safe_dump(const json_t *doc, size_t flags);

/* {"error":{...}}; nothing where one was printed before. */
void json_print_error(struct cli *c, const struct dunlin_error *err);
json_t *json_error(const struct dunlin_error *err);

#endif
