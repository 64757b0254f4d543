/*
 * directive.h - the lines "-- dunlin:NAME ARGUMENT": their names, what may
 * follow them, and what they add up to for a section.
 *
 * Errors here have message and hint; whoever knows the place adds it.
 */
#ifndef DUNLIN_CORE_DIRECTIVE_H
#define DUNLIN_CORE_DIRECTIVE_H

#include "script.h"

enum directive_kind {
	/* As in enum section_kind. */
	DIRECTIVE_UP = 0, DIRECTIVE_DOWN, DIRECTIVE_VERIFY,
	/* Lines that shape the text around them. */
	DIRECTIVE_ONLY, DIRECTIVE_EXCEPT, DIRECTIVE_END,
	DIRECTIVE_STATEMENT_BEGIN, DIRECTIVE_STATEMENT_END,
	/* Properties of a section. */
	DIRECTIVE_NO_TRANSACTION, DIRECTIVE_REQUIRES, DIRECTIVE_IRREVERSIBLE, DIRECTIVE_REPLACES,
	DIRECTIVE_LOCK_TIMEOUT, DIRECTIVE_STATEMENT_TIMEOUT, DIRECTIVE_PLACEHOLDERS, DIRECTIVE_ALLOW
};

struct directive {
	enum directive_kind kind;
	const char *name; /* static                              */
	const char *arg;  /* trimmed, borrowed from what was parsed */
	size_t      len;
	int64_t     ms;   /* of the timeouts                     */
};

/* Parses what follows "-- dunlin:".  Allocates nothing. */
int directive_parse(struct directive *d, const char *text, size_t len, struct dunlin_error *err);
int directive_is_property(enum directive_kind kind);
/* Does this line, of which only the text behind "-- dunlin:" is given, close a
 * block that is skipped?  Nothing else of such a block is read. */
int directive_is_end(const char *text, size_t len);

/* For `only` and `except`: 1 if the lines that follow are for env's driver, 0 if
 * not, -1 with err if a name is another name of one of our own drivers. */
int directive_selects(const struct directive *d, const struct script_env *env, struct dunlin_error *err);

/* A list of properties, in an arena. */
struct directive_item {
	struct directive_item *next;
	struct directive d;   /* arg is copied, lists with ", " between names */
	const char *text;     /* "requires 1.0.5-002"                         */
	uint32_t line;
};
struct directive_list { struct directive_item *head, **tail; size_t n; };

void directive_list_init(struct directive_list *l);
int  directive_list_add(struct directive_list *l, struct arena *a, const struct directive *d,
                        uint32_t line, struct dunlin_error *err);

/* What the lists, in this order, say for a section; the latest timeout counts. */
int directives_collect(struct directives *out, struct arena *a, const struct directive_list *const *list,
                       size_t n_list, struct dunlin_error *err);

/* Adds to h what decides how statements run: every directive but `allow`, in an
 * order of its own, so that moving a line changes nothing. */
int directives_hash(const struct directives *d, struct sha256 *h, struct dunlin_error *err);

#endif
