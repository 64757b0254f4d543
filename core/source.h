/*
 * source.h - folders and bundles of migration files as one ordered set.
 */
#ifndef DUNLIN_CORE_SOURCE_H
#define DUNLIN_CORE_SOURCE_H

#include "finding.h"
#include "script.h"
#include "version.h"

enum migration_kind { MIGRATION_VERSIONED = 0, MIGRATION_REPEATABLE, MIGRATION_BASELINE };
const char *migration_kind_name(int kind); /* "versioned", "repeatable", "baseline" */

struct migration {
	const char *component; /* ""                                                */
	const char *version;   /* as the file has it: "1.0.6-001", "R-refresh_views" */
	const char *name;      /* "add_inbox_retry"                                 */
	int         kind;
	struct version key;    /* slices of version; not for repeatables            */
	size_t      source;    /* index of its source, in --dir order               */
	const char *file;      /* of its up, as shown to people                     */
	const char *down_file, *verify_file; /* or NULL                             */
	struct script script;
	int         is_bad;    /* a finding says why; the script is not to be used  */
	int         is_unread; /* applied as it is: the script has its sums alone   */
};

struct source {
	const char *component;
	const char *dir;               /* NULL: memory                              */
	const struct dunlin_file *file;
	size_t      n_file;
};

/* Ordered: by source, versioned by version, then that source's repeatables by name. */
struct migration_set {
	struct arena arena;
	struct migration *m;
	size_t n, cap;
	enum scheme *scheme;           /* one a source                              */
	const struct source *source; size_t n_source; /* borrowed                   */
	struct finding_list findings;  /* bad, duplicate, unfitting files; dunlin.sum */
	struct set_part *part;         /* source.c's own: one a source                */
};

/* "[migration VERSION]" of the config: directives for that version, or NULL. */
typedef const char *const *migration_extra_fn(void *arg, const char *component, const char *version);

struct source_options {
	const struct source *source; size_t n_source;
	enum scheme scheme;            /* SCHEME_AUTO: try                          */
	struct script_env env;         /* extra and is_repeatable are set per file  */
	migration_extra_fn *extra; void *extra_arg;
	/* The sums that the ledger has of an applied migration, or 0.  A versioned
	 * file whose content still has that sum is not parsed.  NULL: all are. */
	int (*recorded)(void *arg, const char *component, const char *version,
	                const char **checksum, const char **statements_checksum);
	void *recorded_arg;
	int is_names_only;             /* do not read the files                     */
	int is_sum_unchecked;          /* hash: do not compare with dunlin.sum      */
	int is_folder_optional;        /* rollback: one that is not there is empty  */
};

/* What is wrong with single files lands in set->findings and loading goes on;
 * -1 only for a folder that cannot be read, out of memory, and the like. */
int  migration_set_load(struct migration_set *set, const struct source_options *o, struct dunlin_error *err);
void migration_set_clear(struct migration_set *set);
/* Component and version as equal versions of its scheme; NULL: none. */
const struct migration *migration_set_find(const struct migration_set *set, const char *component, const char *version);
enum scheme migration_set_scheme(const struct migration_set *set, const char *component);

/* --- dunlin.sum (sum.c) --------------------------------------------------------- */

/* Where DIR/dunlin.sum is, compares it with the folder's files and adds a
 * finding (kind "sum") for each file added, removed or changed. */
int sum_check(const struct source *src, struct finding_list *findings, struct dunlin_error *err);
/* Writes DIR/dunlin.sum anew, atomically; *n_files counts its lines. */
int sum_write(const char *dir, int64_t *n_files, struct dunlin_error *err);
int sum_exists(const char *dir);
/* Parses the text of a dunlin.sum; fn gets each line's file and digest; for the fuzzer too. */
int sum_parse(const char *text, size_t len, const char *name,
	int (*fn)(void *arg, const char *file, size_t file_len, const char *digest, size_t digest_len),
	void *arg, struct dunlin_error *err);

/* --- new files (newfile.c) -------------------------------------------------------- */

/* The next version of a source: bump NULL (next in the scheme), "patch",
 * "minor", "major".  now: UTC seconds, for timestamps. */
int version_next(const struct migration_set *set, const char *component, const char *bump, int64_t now,
                 char *out, size_t out_size, struct dunlin_error *err);

#endif
