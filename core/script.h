/*
 * script.h - one migration file as sections, directives and statements.
 *
 * script_load() reads a file once and keeps what planning needs: where each
 * section stands, its directives, how many statements, how its transaction
 * goes, and the checksums.  The text is not kept; script_reader streams a
 * section's statements when it runs, and proves that they are still the bytes
 * that were loaded.
 */
#ifndef DUNLIN_CORE_SCRIPT_H
#define DUNLIN_CORE_SCRIPT_H

#include "checksum.h"
#include "input.h"
#include "mem.h"
#include "split.h"

enum section_kind { SECTION_UP = 0, SECTION_DOWN, SECTION_VERIFY, N_SECTIONS };
extern const char *const section_names[N_SECTIONS]; /* "up", "down", "verify" */

/* Directives in force in a section: its own and those before the first section. */
struct directives {
	int is_no_transaction, is_irreversible, has_placeholders;
	int64_t lock_timeout_ms, statement_timeout_ms; /* -1: not given               */
	const char **require; size_t n_require;        /* "[COMPONENT@]VERSION"       */
	const char **allow;   size_t n_allow;
	const char **text;    size_t n_text;           /* each as written, normalised
	                                                  spacing: "requires 1.0.5-002" */
	const uint32_t *line;                          /* of each text                */
};

/* What a statement is to a transaction; equal neighbours are one run. */
enum script_kind {
	TX_KIND_DML = 0,  /* rows: can go with their record                        */
	TX_KIND_DDL,      /* the schema: can where that rolls back                 */
	TX_KIND_SETTING,  /* SET and the like: nothing that a rollback would undo  */
	TX_KIND_BEGIN, TX_KIND_END,
	TX_KIND_OTHER     /* by itself, whatever the database                      */
};
struct script_run { int64_t n; int kind; };

struct script_section {
	int         is_present;
	struct input in;       /* where it stands; name and path live in the arena,
	                          root and data stay the caller's                     */
	uint64_t    off, end;  /* bytes of its body                                   */
	uint32_t    line;      /* of the body's first byte                            */
	struct directives d;
	uint64_t    n_statements; /* that reach the server (BEGIN/COMMIT of its own
	                             transaction are not counted)                     */
	uint64_t    bytes;
	uint32_t    traits;    /* of all statements, or-ed                            */
	uint32_t    body_traits; /* the same without BEGIN and COMMIT                 */
	uint64_t    longest;   /* bytes of the longest statement, and where it stands */
	int64_t     longest_index;
	uint32_t    longest_line, longest_column;
	const struct script_run *run; size_t n_run; /* all statements as split        */
	/* The file's own transaction, in a section that runs in one; statement
	 * indexes count from 0 over all statements as split, -1: none. */
	int64_t     begin_index, commit_index;
	const char *begin_sql; /* BEGIN with its options, or NULL                     */
	/* Statements with DUNLIN_ST_EDGE before lead_end or from trail_start on run
	 * outside the transaction. */
	int64_t     lead_end, trail_start;
	uint64_t    n_split;   /* statements as split                                 */
	char        body_sum[SHA256_TEXT]; /* over the raw bytes off..end             */
	/* Of a down section that could not run as it is written: why.  Else NULL. */
	const struct dunlin_error *refused;
};

struct script {
	const struct script_section *section;  /* N_SECTIONS of them; never NULL in a set */
	char checksum[SHA256_TEXT];            /* content; of a repeatable: after placeholders */
	char statements_checksum[SHA256_TEXT]; /* up statements and directives        */
};

extern const struct script_section script_no_sections[N_SECTIONS]; /* of a file not read */

/* What reading a script depends on.  All borrowed. */
struct script_env {
	const struct dunlin_dialect *dialect;
	const char *driver;       /* for only/except                                  */
	/* Value of a placeholder, or NULL: unknown.  name as in ${name}, without the
	 * vocabulary, which script.c looks up itself ("env.HOME" arrives here). */
	const char *(*placeholder)(void *arg, const char *name, size_t len);
	void *placeholder_arg;
	/* Directives from outside, in the order of dunlin.ini: "no-transaction",
	 * "requires 1.0.5-002"; NULL-ended, or NULL. */
	const char *const *extra;
	const char *extra_file;   /* for their errors                                 */
	int is_repeatable;
	int is_kept_raw;          /* parse: leave placeholders as they stand, and do not
	                             check transaction control                        */
	int is_from_ledger;       /* a kept down: the whole input is a down section   */
	int is_plain_untold;      /* reading a section of plain DDL and DML, its
	                             statements' traits are not asked for             */
};

/* What a file is: SINGLE has sections; the others are that section whole. */
enum script_role { SCRIPT_SINGLE = 0, SCRIPT_UP, SCRIPT_DOWN, SCRIPT_VERIFY };

/*
 * Reads one file into *s, whose other sections stay as they are, so that a
 * pair or folder is loaded by several calls (UP first: it sets the checksums).
 * Strings live in the arena.  *s must be zeroed before the first call.
 * Errors: VALIDATION or SYNTAX with file, line, column; nothing else is kept.
 * In a section that runs in a transaction, transaction control is checked as
 * SPEC section 1 says, and statements with DUNLIN_ST_NO_TX are refused with a
 * hint at no-transaction; of a down that is section.refused, for whoever would
 * run it: the up does not depend on it.
 * Where `placeholders` is in force, statements are counted and checked with the
 * values in their places; an unknown ${env.NAME} in a down section of a file is
 * an error only when it runs.
 */
int script_load(struct script *s, struct arena *a, const struct script_env *env,
                const struct input *in, enum script_role role, struct dunlin_error *err);

struct script_reader;
struct script_statement {
	struct split_statement st; /* its offset, and the column, are those of the text
	                              with placeholders replaced; the line is the file's */
	int64_t index;  /* from 0, over all as split                              */
	int is_own_tx;  /* the BEGIN or COMMIT that dunlin's own replaces: skip it */
	int is_edge;    /* runs outside the transaction                           */
};

int  script_reader_open(struct script_reader **out, const struct script_env *env,
                        const struct script_section *sec, struct dunlin_error *err);
/* 1, 0 at the end, -1.  The end also proves that the bytes are those loaded. */
int  script_reader_next(struct script_reader *r, struct script_statement *st, struct dunlin_error *err);
int  script_reader_copy_data(struct script_reader *r, const char **p, size_t *n, struct dunlin_error *err);
void script_reader_close(struct script_reader *r);
/* Digest over the statements 0..k-1 without comments and spacing: what a
 * resumed migration must still begin with. */
int  script_prefix_sum(const struct script_env *env, const struct script_section *sec, int64_t k,
                       char out[SHA256_TEXT], struct dunlin_error *err);

/* The down section as the ledger keeps it: the directives in force, then the
 * body with lines for other drivers dropped and placeholders replaced
 * (${env.*} stays).  Given away by mem_alloc; NULL-ended; *out NULL: no down. */
int  script_down_text(const struct script_env *env, const struct script *s, char **out, size_t *len,
                      struct dunlin_error *err);

#endif
