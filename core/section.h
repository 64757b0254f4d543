/*
 * section.h - one section of a file as a stream of statements, with what its
 * directive lines do to it.  Loading, running and keeping a section all read it
 * through this, so that they cannot see different statements.
 */
#ifndef DUNLIN_CORE_SECTION_H
#define DUNLIN_CORE_SECTION_H

#include "directive.h"
#include "feed.h"
#include "script.h"

struct section_scan {
	/* Set by the caller before section_scan_open(). */
	const struct script_env *env;
	const char *file;
	struct feed *feed;
	struct sha256 *norm;         /* as in struct split_options, or NULL             */
	int is_traitless;            /* as in struct split_options                      */
	/* Where properties go, and the arena they live in; NULL: they are known, and a
	 * section that starts here is an error. */
	struct directive_list *properties;
	struct arena *arena;
	/* Told about each directive line, or NULL.  0, or -1 with err. */
	int (*seen)(void *arg, enum directive_kind kind, int is_skip, uint32_t line, struct dunlin_error *err);
	void *seen_arg;

	/* Found while reading. */
	int      next;               /* the section that starts where this ends; -1: none */
	uint32_t next_line;          /* of the directive                                */
	uint64_t next_off;           /* of its line, and of the line after it           */
	uint64_t next_body;
	size_t   n_properties;
	int      needs_mask;         /* `placeholders` was found: read again, MASKed    */

	/* Private. */
	struct splitter *splitter;
	int      mode;
	uint32_t block_line;         /* of an open only or except for this driver       */
	const char *block_name;
	size_t   n_skips;
};

/* Reads bytes off..end; mode as for feed_restart(). */
int  section_scan_open(struct section_scan *sc, uint64_t off, uint64_t end, uint32_t line, int mode,
                       struct dunlin_error *err);
/* As splitter_next(). */
int  section_scan_next(struct section_scan *sc, struct split_statement *st, struct dunlin_error *err);
void section_scan_close(struct section_scan *sc);

/* How placeholders are treated when the section runs, or is only looked at. */
int section_mode(const struct script_env *env, const struct script_section *sec);

/* The text has a directive where the text with placeholders has none, or the
 * other way round.  Returns -1. */
int section_unclear(const char *file, uint32_t line, struct dunlin_error *err);

/* "changed while it was being VERB".  Returns -1. */
int section_changed(const char *file, const char *verb, struct dunlin_error *err);

#endif
