/*
 * placeholder.h - ${name} in a stream of text, replaced on its way from the
 * file to the splitter.
 *
 * A name is looked up in the dialect's vocabulary (${pk}, ${varchar:80}), then
 * by env->placeholder.  "$${" is a literal "${".  A value has no line break, so
 * lines keep their numbers.  Directive lines, and the lines between `only` or
 * `except` and `end` that are for other drivers, pass through as they are.
 */
#ifndef DUNLIN_CORE_PLACEHOLDER_H
#define DUNLIN_CORE_PLACEHOLDER_H

#include "script.h"

#define PLACEHOLDER_NAME_MAX 256

enum placeholder_mode {
	/* Each value in its place.  Errors: VALIDATION with file, line, column. */
	PLACEHOLDER_REPLACE,
	/* As REPLACE, but an unknown ${env.NAME} stays: a down that runs elsewhere. */
	PLACEHOLDER_REPLACE_KNOWN,
	/* As the ledger keeps it: ${env.NAME} stays, and a "${" that is text is
	 * written so that reading it again gives the same text. */
	PLACEHOLDER_KEEP_ENV,
	/* Nothing is replaced and every byte keeps its offset.  The "$" before a "{"
	 * becomes PLACEHOLDER_MARK: "$${", which stands for "${", opens no dollar
	 * quote then, just as the text that will run. */
	PLACEHOLDER_MASK
};
#define PLACEHOLDER_MARK '\x01'

struct placeholder_options {
	const struct script_env *env;
	enum placeholder_mode mode;
	const char    *file;     /* for errors                              */
	uint64_t       off;      /* of the first byte that read() gives     */
	uint32_t       line;     /* of that byte                            */
	split_read_fn *read;
	void          *read_arg;
};

struct placeholder_filter;

int  placeholder_filter_open(struct placeholder_filter **out, const struct placeholder_options *o,
                             struct dunlin_error *err);
/* A split_read_fn: arg is the filter. */
long placeholder_filter_read(void *filter, char *p, size_t n, struct dunlin_error *err);
/* How many blocks for other drivers it passed, and the line of the last.  It
 * finds them by lines alone; the splitter knows about quotes and comments. */
size_t placeholder_filter_skips(const struct placeholder_filter *f, uint32_t *line);
void placeholder_filter_close(struct placeholder_filter *f);

/* Turns MASKed text back, in place. */
void placeholder_unmask(char *p, size_t n);

#endif
