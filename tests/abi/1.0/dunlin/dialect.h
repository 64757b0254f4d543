/*
 * dunlin/dialect.h - what differs between databases, as data.
 *
 * A driver hands the core one struct dunlin_dialect.  From it the core splits
 * files into statements, tells which of them may stand in a transaction,
 * fills the portable vocabulary and keeps its ledger, so that a driver author
 * writes tables and no parser.
 *
 * Everything here is constant data that lives as long as the process.  The
 * struct grows at the end only; a reader takes min(theirs, ours) bytes and
 * treats the rest as zero.
 */
#ifndef DUNLIN_DIALECT_H
#define DUNLIN_DIALECT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lexer bits (dunlin_dialect.lex): which constructs this SQL knows. */
#define DUNLIN_LEX_DOLLAR       (UINT32_C(1) << 0)  /* $tag$ ... $tag$                            */
#define DUNLIN_LEX_NEST_COMMENT (UINT32_C(1) << 1)  /* block comments nest                        */
#define DUNLIN_LEX_E_STRING     (UINT32_C(1) << 2)  /* E'..' takes backslash escapes              */
#define DUNLIN_LEX_BACKSLASH    (UINT32_C(1) << 3)  /* '..' and ".." take backslash escapes       */
#define DUNLIN_LEX_BACKTICK     (UINT32_C(1) << 4)  /* `..` quotes an identifier                  */
#define DUNLIN_LEX_BRACKET      (UINT32_C(1) << 5)  /* [..] quotes an identifier                  */
#define DUNLIN_LEX_HASH_COMMENT (UINT32_C(1) << 6)  /* # starts a line comment                    */
#define DUNLIN_LEX_COND_COMMENT (UINT32_C(1) << 7)  /* a slash-star-bang comment is code, as in MariaDB */
#define DUNLIN_LEX_DASH_SPACE   (UINT32_C(1) << 8)  /* -- is a comment only before white space    */
#define DUNLIN_LEX_DELIMITER    (UINT32_C(1) << 9)  /* DELIMITER lines, client commands: MariaDB  */
#define DUNLIN_LEX_STORED_BLOCK (UINT32_C(1) << 10) /* CREATE PROCEDURE .. BEGIN .. END: MariaDB  */
#define DUNLIN_LEX_BEGIN_ATOMIC (UINT32_C(1) << 11) /* BEGIN ATOMIC .. END bodies: PostgreSQL     */
#define DUNLIN_LEX_TRIGGER_END  (UINT32_C(1) << 12) /* CREATE TRIGGER ends at ;END;: SQLite       */
#define DUNLIN_LEX_COPY_STDIN   (UINT32_C(1) << 13) /* COPY .. FROM stdin carries its data        */
#define DUNLIN_LEX_PSQL         (UINT32_C(1) << 14) /* \restrict skipped, other \commands refused */
#define DUNLIN_LEX_DOT_COMMAND  (UINT32_C(1) << 15) /* .read and the like at a line start refused */
#define DUNLIN_LEX_PAREN        (UINT32_C(1) << 16) /* ; inside ( ) does not end a statement      */
#define DUNLIN_LEX_OPEN_COMMENT (UINT32_C(1) << 17) /* a block comment may run to the end: SQLite */

/*
 * Statement traits, given by the rules below.  The first five have names in
 * `dunlin parse`: ddl, no-transaction, commits, session, copy.
 */
#define DUNLIN_ST_DDL        (UINT32_C(1) << 0)  /* changes the schema                          */
#define DUNLIN_ST_NO_TX      (UINT32_C(1) << 1)  /* the server refuses it in a transaction      */
#define DUNLIN_ST_COMMITS    (UINT32_C(1) << 2)  /* ends the open transaction                   */
#define DUNLIN_ST_SESSION    (UINT32_C(1) << 3)  /* changes the session, not the data           */
#define DUNLIN_ST_COPY       (UINT32_C(1) << 4)  /* takes data from the file                    */
#define DUNLIN_ST_BEGIN      (UINT32_C(1) << 5)  /* opens a transaction                         */
#define DUNLIN_ST_COMMIT     (UINT32_C(1) << 6)  /* plain COMMIT or END                         */
#define DUNLIN_ST_ROLLBACK   (UINT32_C(1) << 7)  /* plain ROLLBACK or ABORT                     */
#define DUNLIN_ST_SAVEPOINT  (UINT32_C(1) << 8)  /* SAVEPOINT, RELEASE, ROLLBACK TO: allowed    */
#define DUNLIN_ST_TX_OTHER   (UINT32_C(1) << 9)  /* other transaction control (PREPARE
                                                    TRANSACTION, COMMIT AND CHAIN): refused     */
#define DUNLIN_ST_PREAMBLE   (UINT32_C(1) << 10) /* SET or PRAGMA: may stand before BEGIN       */
#define DUNLIN_ST_EDGE       (UINT32_C(1) << 11) /* has no effect inside a transaction: taken
                                                    out where it leads or trails, else refused  */
#define DUNLIN_ST_REPEATABLE (UINT32_C(1) << 12) /* running it twice is running it once         */
#define DUNLIN_ST_DML        (UINT32_C(1) << 13) /* plain INSERT, UPDATE, DELETE, REPLACE       */
#define DUNLIN_ST_CONCURRENT (UINT32_C(1) << 14) /* long by nature: no lock timeout by default  */
#define DUNLIN_ST_LOSES_LOCK (UINT32_C(1) << 15) /* would let go of dunlin's lock: refused      */

/*
 * Leading words of a statement -> its traits.  The pattern is a list of
 * upper-case words separated by one space, matched against the statement's
 * words with comments skipped and letters folded; quoted names, strings,
 * numbers and variables (@x, but @@x is x) count as a word that only ? and *
 * match.  "A|B" matches either,
 * "?" any one word, "*" any number of words, also none; a pattern matches a
 * statement that begins with it.  Only the first 16 words are looked at, and
 * "(" ")" "," "=" count as words of their own.  The first rule that matches
 * decides; no match: no traits.
 */
struct dunlin_rule {
	const char *pattern;
	uint32_t    traits;
};

/* One word of the portable vocabulary: ${pk} and so on.  In text, "%s" stands
 * for what follows a colon in the placeholder (${varchar:80}). */
struct dunlin_word {
	const char *name;
	const char *text;
};

#define DUNLIN_PARAM_QUESTION 0 /* ?  ?  ?  */
#define DUNLIN_PARAM_DOLLAR   1 /* $1 $2 $3 */

#define DUNLIN_CONCAT_PIPES    0 /* a || b       */
#define DUNLIN_CONCAT_FUNCTION 1 /* concat(a, b) */

struct dunlin_dialect {
	uint32_t struct_size;
	uint32_t lex;                   /* DUNLIN_LEX_*                                   */
	const char *name;               /* the driver's name, as in file names            */
	const char *const *aliases;     /* names that people mistake for it, NULL-ended:
	                                   an error with a hint at the right one          */
	const struct dunlin_rule *rules;      /* ended by a NULL pattern                  */
	const struct dunlin_word *vocabulary; /* ended by a NULL name                     */
	char    quote_open, quote_close;      /* identifier quotes; doubled inside        */
	uint8_t param_style;            /* DUNLIN_PARAM_*                                 */
	uint8_t concat_style;           /* DUNLIN_CONCAT_*                                */
	const char *default_schema;     /* of the ledger when --table names none; or NULL */
	const char *const *ledger_ddl;  /* NULL-ended statements that create the tables;
	                                   %M the quoted ledger, %E the quoted event log,
	                                   %S the quoted schema, %m and %e the bare names
	                                   for index names (still quoted), %s the schema
	                                   as a string literal; where there are schemas,
	                                   the ledger's is made if it is not there        */
	const char *ledger_exists;      /* query with no parameters: one row (n) per
	                                   table of the two that exists; %m %e %s as string
	                                   literals                                       */
	const char *foreign_tables;     /* query: a row (name) for each table that is
	                                   neither the ledger's nor an extension's        */
	const char *now;                /* expression: this moment in UTC as RFC 3339 text
	                                   with milliseconds and Z; none of the % names
	                                   above in it, and no ?                          */
	const char *elapsed_ms;         /* expression: whole ms since the BEGIN step      */
	/* Of a driver with probe_sql(): how the answer is kept for the statements
	 * that follow in the session. */
	const char *probe_set;          /* statement; %s the expression                   */
	const char *probe_get;          /* expression: the answer                         */
	const char *row_ms;             /* expression in an UPDATE of the ledger: whole ms
	                                   since the row's applied_at; or NULL            */
};

#ifdef __cplusplus
}
#endif
#endif
