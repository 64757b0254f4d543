/*
 * config_priv.h - what the config_*.c files share: the options' table and the
 * values in force.
 */
#ifndef DUNLIN_CORE_CONFIG_PRIV_H
#define DUNLIN_CORE_CONFIG_PRIV_H

#include "config.h"
#include "inifile.h"

enum option_kind { OPTION_TEXT = 0, OPTION_BOOL, OPTION_DURATION, OPTION_CHOICE };

#define OPTION_NOT_IN_FILE (1u << 0) /* a file of the project may not say it      */
#define OPTION_NOT_IN_ENV  (1u << 1) /* not in [env.NAME]                         */
#define OPTION_SECRET      (1u << 2)
#define OPTION_LIST        (1u << 3) /* every one adds to those before            */

struct option_def {
	const char *name;
	int         kind;
	unsigned    flags;
	const char *fallback;  /* NULL: none                                        */
	const char *env[3];    /* variables that give the value as it is, in order  */
	const char *choices[6];
};

/* Sorted by name. */
extern const struct option_def config_options[];
extern const size_t config_n_options;

/* Index in the table; -1 with err: USAGE, naming the nearest. */
int config_option_find(const char *name, struct dunlin_error *err);

/* Where a value comes from; a higher one goes before a lower one. */
enum config_rank {
	RANK_NONE = 0, RANK_DEFAULT, RANK_DOTENV, RANK_FILE, RANK_FILE_ENV, RANK_ENVIRONMENT, RANK_OPTION
};

struct config_value { char *text, *origin; enum config_rank rank; };

struct config_pair { char *name, *value, *origin; enum config_rank rank; };

/* [migration VERSION] */
struct config_migration_entry {
	char *component, *version;
	char **directive; size_t n, cap; /* the array ends in NULL */
};

enum { HOOK_BEFORE_UP, HOOK_AFTER_UP, HOOK_ON_FAILURE, N_HOOKS };
extern const char *const config_hook_names[N_HOOKS];

struct config {
	struct config_value *value;     /* config_n_options of them                 */
	struct config_source *source; size_t n_source, source_cap;
	enum config_rank source_rank;   /* of all the sources                       */
	char *source_text;              /* of the first one: "[NAME=]PATH"          */
	struct config_pair *placeholder; size_t n_placeholder, placeholder_cap;
	char *hook[N_HOOKS];
	struct config_migration_entry *migration; size_t n_migration, migration_cap;
	char *file, *folder;            /* dunlin.ini and where it stands: "", ".." */
	struct dunlin_error *no_url;    /* why the search for a database failed     */
};

/* Checks the value and keeps it unless one of a higher rank is there.  what:
 * how an error calls it ("--timeout", "timeout", "MIGRATION_TIMEOUT"). */
int config_put(struct config *c, int option, const char *value, enum config_rank rank,
               const char *origin, const char *what, struct dunlin_error *err);
/* "[NAME=]PATH"; relative paths start at `folder`, "" is the working directory. */
int config_put_source(struct config *c, const char *text, const char *folder, enum config_rank rank,
                      const char *origin, const char *what, struct dunlin_error *err);
int config_put_placeholder(struct config *c, const char *name, size_t name_len, const char *value,
                           enum config_rank rank, const char *origin, const char *what, struct dunlin_error *err);
typedef int config_option_fn(void *arg, const char *name, const char *value, const char *origin);
int  config_each_source(const struct config *c, config_option_fn *fn, void *arg);
int  config_each_placeholder(const struct config *c, config_option_fn *fn, void *arg);
void config_sources_clear(struct config *c);
void config_placeholders_forget(struct config *c, enum config_rank rank);
/* Adds to the section of an equal version; made where there is none. */
struct config_migration_entry *config_migration_add(struct config *c, const char *component, const char *version);
int config_directive_add(struct config_migration_entry *m, const char *text, size_t len, const char *argument,
                         size_t argument_len);
void config_migration_clear(struct config *c);

/* Wipes and frees; NULL is fine. */
void config_wipe(char *s);

/* Drops what was loaded with a rank up to this one. */
void config_forget(struct config *c, enum config_rank rank);

/* config_url.c: the URL with a relative file's path put behind the folder that
 * it starts at.  Wipe it; NULL: out of memory. */
char *config_place_url(const char *folder, const char *url);
int   config_url_has_password(const char *text);

/* config_file.c: takes over what a parsed dunlin.ini says; c->file and
 * c->folder are set.  *has_password: one of its URLs holds one. */
int config_apply_file(struct config *c, const struct ini_file *f, int *has_password, struct dunlin_error *err);

#endif
