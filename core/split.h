/*
 * split.h - a stream of SQL text cut into statements, for any dialect.
 *
 * Text comes in through a read callback and is held only from the start of the
 * current statement on, so memory is bounded by the largest statement.
 *
 * A statement is the text between terminators, without the terminator, trimmed
 * of white space (space \t \r \n \f); comments stay inside it, one that holds
 * only comments is dropped (but MariaDB's executable comments are code).
 * A NUL byte, invalid UTF-8, an unterminated quote, comment or body, and a
 * client's command (\connect, source, .read) are errors with line and column.
 * One UTF-8 BOM at the very start is skipped; UTF-16 is refused.
 *
 * Directives: a line that begins with "-- dunlin:" outside quotes and comments
 * goes to the directive callback, wherever it stands, also inside a statement.
 * What the callback returns decides what follows.  It runs when the line is
 * met, so before splitter_next() returns the statement that the line ends.
 * Lines taken out stay in a statement's text as empty lines, so that positions
 * keep their line; before a statement's first token nothing stays of them.
 * At SPLIT_CUT the text starts afresh: DELIMITER, sql_mode and the like are
 * what they were at the beginning.
 */
#ifndef DUNLIN_CORE_SPLIT_H
#define DUNLIN_CORE_SPLIT_H

#include <dunlin/dunlin.h>

struct splitter;
struct sha256;

/* Reads up to n bytes; returns how many, 0 at the end, -1 with *err filled. */
typedef long split_read_fn(void *arg, char *p, size_t n, struct dunlin_error *err);

enum split_directive_action {
	SPLIT_ERROR = -1,  /* *err is filled                                                 */
	SPLIT_GO_ON = 0,   /* the line is taken out, nothing else                            */
	SPLIT_CUT,         /* the statement before it ends here (a section starts)           */
	SPLIT_SKIP,        /* the lines up to "-- dunlin:end" are skipped unread             */
	SPLIT_RAW,         /* the lines up to "-- dunlin:statement-end" are one statement    */
	SPLIT_END          /* the statement before it ends here, and so does the input: what
	                      follows is not looked at, splitter_next() returns 0 from here  */
};

/* text: what follows "-- dunlin:" up to the line's end, trimmed.  off: byte
 * offset of the line in the input, next_off: of the line after it. */
typedef int split_directive_fn(void *arg, const char *text, size_t len, uint64_t off,
                               uint64_t next_off, uint32_t line, struct dunlin_error *err);

struct split_statement {
	const char *text;   /* as it goes to the server; borrowed until the next call */
	size_t      len;
	uint64_t    off;    /* byte offset of its first byte in the input             */
	uint64_t    raw_len; /* bytes of the input it spans: len, but for lines taken
	                        out and COPY data, which is not in it                 */
	uint32_t    line, column; /* of its first byte                                */
	uint32_t    traits; /* DUNLIN_ST_*                                            */
	int         has_data; /* COPY: read the data by splitter_copy_data()          */
};

struct split_options {
	const struct dunlin_dialect *dialect;
	split_read_fn      *read;
	void               *read_arg;
	split_directive_fn *directive;  /* NULL: directives are plain comments        */
	void               *directive_arg;
	struct sha256      *norm;       /* NULL, or gets each statement's text without
	                                   comments and spacing, and "\x1e" after it  */
	const char         *file;       /* for errors; borrowed                       */
	uint64_t            off;        /* of the first byte that read() gives        */
	uint32_t            line;       /* of that byte; 0 means 1                    */
	size_t              max_statement; /* bytes; 0: no limit                      */
	int                 is_traitless;  /* nobody will look at traits: they stay 0  */
	size_t              window; /* bytes held before it must grow; 0: what is fast.
	                               Tests make it small                            */
	int                 is_strict;  /* a comment left open behind the last statement
	                                   is an error, where the database's own client
	                                   takes it for the end (SQLite), too         */
};

int  splitter_open(struct splitter **out, const struct split_options *o, struct dunlin_error *err);
void splitter_close(struct splitter *s);

/* 1: *st is the next statement; 0: the end; -1: error. */
int splitter_next(struct splitter *s, struct split_statement *st, struct dunlin_error *err);

/* After a statement with has_data: a piece of its data, whole lines, without
 * the final "\." line.  1: a piece; 0: the end; -1: error.  Not reading it skips it. */
int splitter_copy_data(struct splitter *s, const char **p, size_t *n, struct dunlin_error *err);

/* Line and column (in characters) of byte `pos` of a statement. */
void split_position(const struct split_statement *st, size_t pos, uint32_t *line, uint32_t *column);

/* Traits of one statement's text by the dialect's rules. */
uint32_t split_traits(const struct dunlin_dialect *d, const char *sql, size_t len);

/* The dialects that the library carries, so that a file can be parsed without
 * a plugin: "postgresql", "sqlite", "mariadb".  NULL: not one of them. */
const struct dunlin_dialect *dialect_find(const char *name);
extern const struct dunlin_dialect dunlin_dialect_postgresql, dunlin_dialect_sqlite, dunlin_dialect_mariadb;

#endif
