/*
 * test_config.c - options: who goes first, what dunlin.ini may say, where the
 * database is found, and whose file is trusted.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "config.h"
#include "tap.h"
#include "tree.h"
#include "url.h"

static const char *const variables[] = {
	"DUNLIN_URL", "DATABASE_URL", "DUNLIN_ENV", "DUNLIN_CONFIG", "DUNLIN_DIR", "DUNLIN_DRIVER_PATH", "NO_COLOR",
	"CLICOLOR_FORCE", "DEBUG", "MIGRATION_TIMEOUT", "POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER",
	"POSTGRES_PASSWORD", "POSTGRES_DB", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE",
	"PGHOSTADDR", "PGSSLMODE", "PGSSLROOTCERT", "PGPASSFILE", "PGOPTIONS", "MARIADB_HOST", "MARIADB_PORT",
	"MARIADB_TCP_PORT", "MARIADB_USER", "MARIADB_PASSWORD", "MARIADB_DATABASE", "MYSQL_HOST", "MYSQL_PORT",
	"MYSQL_TCP_PORT", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE",
};

/* An empty folder, and nothing around that says anything. */
static void begin(void)
{
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		unsetenv(variables[i]);
	tree_enter();
}

static struct config *make(void)
{
	struct config *c;

	if (config_new(&c, NULL) < 0)
		tree_die("no memory for", "config");
	return c;
}

static struct config *load(void)
{
	struct config *c = make();
	struct dunlin_error err;

	if (!TAP_EQ_INT(config_load(c, &err), 0))
		tap_note("%s", err.message);
	return c;
}

static void has(const struct config *c, const char *name, const char *value, const char *origin)
{
	const char *from = NULL;
	int held = TAP_EQ_STR(config_get(c, name, &from), value);

	if (!TAP_EQ_STR(from, origin) || !held)
		tap_note("of %s", name);
}

/* What loading this dunlin.ini says: "CODE:LINE: MESSAGE | HINT", or "". */
static const char *load_text(const char *text)
{
	static char said[2000];
	struct config *c = make();
	struct dunlin_error err;

	said[0] = '\0';
	tree_write("dunlin.ini", text);
	if (config_load(c, &err) < 0)
		snprintf(said, sizeof said, "%d:%u: %.900s | %.900s", (int)err.code, (unsigned)err.line, err.message, err.hint);
	config_free(c);
	return said;
}

/* --- options ------------------------------------------------------------------- */

static void without_loading_there_are_options_and_defaults(void)
{
	struct config *c;

	begin();
	setenv("DUNLIN_URL", "sqlite:env.db", 1);
	c = make();
	has(c, "url", NULL, NULL);
	has(c, "lock-timeout", "5s", "default");
	has(c, "table", "dunlin_migrations", "default");
	TAP_EQ_INT(config_duration(c, "lock-wait"), 60000);
	TAP_EQ_INT(config_duration(c, "timeout"), -1);
	TAP_EQ_INT(config_is_on(c, "quiet"), 0);
	TAP_EQ_INT(config_set(c, "timeout", "2min", "--timeout", NULL), 0);
	TAP_EQ_INT(config_set(c, "quiet", "Yes", "--quiet", NULL), 0);
	has(c, "timeout", "2min", "--timeout");
	/* The last one holds. */
	TAP_EQ_INT(config_set(c, "timeout", "1h", "--timeout", NULL), 0);
	TAP_EQ_INT(config_set(c, "timeout", "2min", "the program", NULL), 0);
	has(c, "timeout", "2min", "the program");
	TAP_EQ_INT(config_duration(c, "timeout"), 120000);
	TAP_EQ_INT(config_is_on(c, "quiet"), 1);
	TAP_EQ_INT(config_n_sources(c), 0);
	has(c, "nonsense", NULL, NULL);
	config_free(c);
	config_free(NULL);
	tree_leave();
}

static void a_wrong_option_is_refused(void)
{
	static const struct { const char *name, *value, *message, *hint; } cases[] = {
		{ "tabel", "x", "there is no option 'tabel'", "Did you mean 'table'?" },
		{ "zzzzzz", "x", "there is no option 'zzzzzz'", "" },
		{ "timeout", "5", "--timeout: '5' has no unit", "Write a number with its unit: 500ms, 5s, 10min or 1h." },
		{ "yes", "perhaps", "--yes: 'perhaps' is neither yes nor no", "" },
		{ "scheme", "semantic", "--scheme: 'semantic' is not a value it can have",
		  "It is auto, semver, timestamp, sequence or filename." },
		{ "color", "", "--color: '' is not a value it can have", "It is auto, always or never." },
		{ "url", "", "--url: it has no value", "" },
		{ "set", "x", "--set: its value has no '='", "Write it as --set NAME=VALUE." },
		{ "set", "a b=x", "--set: 'a b' is not a placeholder's name",
		  "A name has letters, digits, '_', '-' and '.', and does not begin with 'env.'." },
		{ "set", "env.X=x", "--set: 'env.X' is not a placeholder's name",
		  "A name has letters, digits, '_', '-' and '.', and does not begin with 'env.'." },
		{ "dir", "pkg=", "--dir: no folder in 'pkg='", "" },
		{ "dir", "a b=x", "--dir: 'a b' is not a component's name",
		  "A component's name has letters, digits, '_', '-' and '.'; for a path with '=' in it write ./PATH." },
	};
	struct config *c = make();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err;

		TAP_EQ_INT(config_set(c, cases[i].name, cases[i].value, "o", &err), -1);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_EQ_STR(err.hint, cases[i].hint);
	}
	TAP_EQ_INT(config_set(c, "tabel", "x", "o", NULL), -1);
	config_free(c);
}

static void the_option_goes_before_the_environment_before_the_file(void)
{
	struct config *c;
	struct dunlin_error err;

	begin();
	tree_write("dunlin.ini", "table = global\nlock-wait = 1s\nurl = sqlite:global.db\nenv = dev\n"
	           "[env.dev]\ntable = dev\nprotected = yes\n[env.prod]\ntable = prod\nlock-wait = 3s\n");
	c = load();
	has(c, "env", "dev", "dunlin.ini:4");
	has(c, "table", "dev", "dunlin.ini:6");
	has(c, "lock-wait", "1s", "dunlin.ini:2");
	has(c, "url", "sqlite:global.db", "dunlin.ini:3");
	has(c, "config", "dunlin.ini", "found");
	TAP_EQ_INT(config_is_on(c, "protected"), 1);
	TAP_EQ_STR(config_file(c), "dunlin.ini");
	config_free(c);

	setenv("DUNLIN_ENV", "prod", 1);
	setenv("DATABASE_URL", "sqlite:two.db", 1);
	c = load();
	has(c, "env", "prod", "DUNLIN_ENV");
	has(c, "table", "prod", "dunlin.ini:9");
	has(c, "lock-wait", "3s", "dunlin.ini:10");
	has(c, "url", "sqlite:two.db", "DATABASE_URL");
	TAP_EQ_INT(config_is_on(c, "protected"), 0);
	config_free(c);

	setenv("DUNLIN_URL", "sqlite:one.db", 1);
	c = make();
	TAP_EQ_INT(config_set(c, "env", "dev", "--env", &err), 0);
	TAP_EQ_INT(config_set(c, "table", "mine", "--table", &err), 0);
	TAP_EQ_INT(config_load(c, &err), 0);
	has(c, "env", "dev", "--env");
	has(c, "table", "mine", "--table");
	has(c, "url", "sqlite:one.db", "DUNLIN_URL");
	/* Said later, it still goes first. */
	TAP_EQ_INT(config_set(c, "url", "sqlite:zero.db", "--url", &err), 0);
	has(c, "url", "sqlite:zero.db", "--url");
	/* Loading again is loading anew. */
	tree_write("dunlin.ini", "[env.dev]\nlock-wait = 9s\n");
	TAP_EQ_INT(config_load(c, &err), 0);
	has(c, "lock-wait", "9s", "dunlin.ini:2");
	has(c, "url", "sqlite:zero.db", "--url");
	has(c, "table", "mine", "--table");
	config_free(c);
	tree_leave();
}

static void variables_of_other_shapes_are_understood(void)
{
	struct config *c;
	struct dunlin_error err;

	begin();
	setenv("MIGRATION_TIMEOUT", "1500", 1);
	setenv("DEBUG", "migration", 1);
	setenv("NO_COLOR", "1", 1);
	setenv("DUNLIN_DRIVER_PATH", "/opt/drivers", 1);
	setenv("DUNLIN_URL", "", 1);
	c = load();
	TAP_EQ_INT(config_duration(c, "timeout"), 1500);
	has(c, "timeout", "1500ms", "MIGRATION_TIMEOUT");
	has(c, "debug", "yes", "DEBUG");
	has(c, "color", "never", "NO_COLOR");
	has(c, "driver-path", "/opt/drivers", "DUNLIN_DRIVER_PATH");
	has(c, "url", NULL, NULL);
	config_free(c);
	unsetenv("NO_COLOR");
	setenv("CLICOLOR_FORCE", "1", 1);
	setenv("DEBUG", "other", 1);
	c = load();
	has(c, "color", "always", "CLICOLOR_FORCE");
	has(c, "debug", NULL, NULL);
	config_free(c);
	setenv("MIGRATION_TIMEOUT", "soon", 1);
	c = make();
	TAP_EQ_INT(config_load(c, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "MIGRATION_TIMEOUT: 'soon' is not a duration");
	config_free(c);
	tree_leave();
}

struct listing { struct buf b; };

static int list(void *arg, const char *name, const char *value, const char *origin)
{
	struct listing *l = arg;

	return buf_addf(&l->b, "%s=%s (%s)\n", name, value, origin);
}

static int stop(void *arg, const char *name, const char *value, const char *origin)
{
	(void)name, (void)value, (void)origin;
	return ++*(int *)arg == 2 ? 7 : 0;
}

static void every_option_is_told_in_order_and_without_secrets(void)
{
	struct listing l = { BUF_INIT };
	struct config *c;
	int n = 0;

	begin();
	tree_write("dunlin.ini", "dir = pkg=vendor, migrations\n[placeholders]\ntenant = S3cret\n");
	setenv("DUNLIN_URL", "postgresql://me:S3cret@db/app", 1);
	c = load();
	TAP_EQ_INT(config_set(c, "set", "pw=S3cret", "--set", NULL), 0);
	TAP_EQ_INT(config_each(c, list, &l), 0);
	TAP_EQ_STR(l.b.p, "color=auto (default)\nconfig=dunlin.ini (found)\ndir=pkg=vendor (dunlin.ini:1)\n"
	           "dir=migrations (dunlin.ini:1)\nformat=text (default)\nlock-timeout=5s (default)\nlock-wait=60s (default)\n"
	           "set=tenant=*** (dunlin.ini:3)\nset=pw=*** (--set)\ntable=dunlin_migrations (default)\n"
	           "url=postgresql://me:***@db/app (DUNLIN_URL)\n");
	TAP_EQ_INT(config_each(c, stop, &n), 7);
	TAP_EQ_INT(n, 2);
	buf_clear(&l.b);
	config_free(c);
	tree_leave();
}

/* --- dunlin.ini ------------------------------------------------------------------ */

static void a_wrong_file_is_refused_with_its_line(void)
{
	static const struct { const char *text, *said; } cases[] = {
		{ "tabel = x\n", "2:1: there is no option 'tabel' | Did you mean 'table'?" },
		{ "\n[env.x]\ntabel = x\n", "2:3: there is no option 'tabel' | Did you mean 'table'?" },
		{ "[placeholder]\na = b\n", "2:1: unknown section 'placeholder' | Did you mean 'placeholders'?" },
		{ "[hooks]\nbefore_up = x\n", "2:2: unknown hook 'before_up' | Did you mean 'before-up'?" },
		{ "[hooks]\nbefore-up = a ; b\n", "2:2: ' ;' starts a comment here and would cut the command short | "
		  "Write ';' right behind the word before it, or use && or a script." },
		{ "[hooks]\nbefore-up =\n", "2:2: the hook has no command | " },
		{ "[hooks]\nbefore-up = a\nbefore-up = b\n", "2:3: the hook is set twice | " },
		{ "driver-path = x\n", "2:1: 'driver-path' may not stand in a file of the project | "
		  "It says which code is loaded: give it by --driver-path or DUNLIN_DRIVER_PATH." },
		{ "[env.x]\ndriver-path = x\n", "2:2: 'driver-path' may not stand in a file of the project | "
		  "It says which code is loaded: give it by --driver-path or DUNLIN_DRIVER_PATH." },
		{ "yes = yes\n", "2:1: 'yes' may not stand in a file of the project | Give it on the command line, as --yes." },
		{ "set = a=b\n", "2:1: 'set' may not stand in a file of the project | "
		  "Placeholders stand in the section [placeholders], as name = value." },
		{ "[env.x]\nenv = y\n", "2:2: 'env' cannot stand in the section of an environment | " },
		{ "[env.]\n", "2:1: the environment has no name | " },
		{ "table = a\ntable = b\n", "2:2: 'table' is set twice, at dunlin.ini:1 too | " },
		{ "lock-wait = 5\n", "2:1: lock-wait: '5' has no unit | Write a number with its unit: 500ms, 5s, 10min or 1h." },
		{ "[env.unused]\nlock-wait = 5\n",
		  "2:2: lock-wait: '5' has no unit | Write a number with its unit: 500ms, 5s, 10min or 1h." },
		{ "env = gone\n", "2:0: no environment 'gone' (from dunlin.ini:1) in 'dunlin.ini' | Add a section [env.gone]." },
		{ "env = gone\n[env.dev]\n[env.prod]\ntable = x\n",
		  "2:0: no environment 'gone' (from dunlin.ini:1) in 'dunlin.ini' | It has: dev, prod." },
		{ "[migration]\n", "2:1: the section names no version: it is [migration VERSION] | " },
		{ "[database]\n", "2:1: unknown section 'database' | There are [env.NAME], [placeholders], [hooks] and "
		  "[migration VERSION]." },
		{ "[migration 1.0.0-001]\nno-transactions = yes\n",
		  "2:2: unknown directive 'no-transactions' | Did you mean 'no-transaction'?" },
		{ "[migration 1.0.0-001]\nno-transaction = maybe\n", "2:2: the directive takes yes or no | " },
		{ "[migration 1.0.0-001]\nrequires =\n", "2:2: the directive needs a value | " },
		{ "[migration 1.0.0-001]\nlock-timeout = 3\n",
		  "2:2: lock-timeout: '3' has no unit | Write a number with its unit: 500ms, 5s, 10min or 1h." },
		{ "[migration a/b@1]\n", "2:1: 'a/b' is not a component's name | " },
		{ "[placeholders]\na b = c\n", "2:2: [placeholders]: 'a b' is not a placeholder's name | "
		  "A name has letters, digits, '_', '-' and '.', and does not begin with 'env.'." },
		{ "dir = ,\n", "2:1: dir: no folder in '' | " },
		{ "table\n", "2:1: the line is neither '[section]' nor 'key = value' | " },
		{ "", "" },
		{ "[placeholders]\n[hooks]\n[env.x]\n[migration 1.0.0-001]\n", "" },
	};

	begin();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *said = load_text(cases[i].text);

		if (!TAP_EQ_STR(said, cases[i].said))
			tap_note("%s", cases[i].text);
	}
	tree_leave();
}

static void an_environment_without_a_file_is_refused(void)
{
	struct config *c = make();
	struct dunlin_error err;

	begin();
	setenv("DUNLIN_ENV", "prod", 1);
	TAP_EQ_INT(config_load(c, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "no environment 'prod' (from DUNLIN_ENV): there is no dunlin.ini here or in a parent folder");
	config_free(c);
	tree_leave();
}

static void a_file_that_was_asked_for_must_be_there(void)
{
	static const struct { const char *path, *message; } cases[] = {
		{ "gone.ini", "no configuration file 'gone.ini'" },
		{ "gone/x.ini", "no configuration file 'gone/x.ini'" },
		{ "folder", "'folder' is not a file" },
		{ "fifo", "'fifo' is not a file" },
		{ "nul.ini", "'nul.ini' is not UTF-8 text" },
		{ "latin1.ini", "'latin1.ini' is not UTF-8 text" },
		{ "large.ini", "'large.ini' is larger than a megabyte" },
	};
	static char large[(1 << 20) + 2];

	begin();
	tree_folders("folder/x");
	tree_write_bytes("nul.ini", "a = \0b\n", 7);
	tree_write("latin1.ini", "a = \xfc\n");
	memset(large, '\n', sizeof large - 1);
	tree_write("large.ini", large);
	if (mkfifo("fifo", 0600) < 0)
		tree_die("mkfifo", "fifo");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct config *c = make();
		struct dunlin_error err;

		TAP_EQ_INT(config_set(c, "config", cases[i].path, "--config", NULL), 0);
		TAP_EQ_INT(config_load(c, &err), -1);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		TAP_EQ_STR(err.message, cases[i].message);
		config_free(c);
	}
	tree_leave();
}

static void a_file_that_may_not_be_read_is_refused(void)
{
	struct config *c = make();
	struct dunlin_error err;

	begin();
	tree_write("dunlin.ini", "");
	tree_mode("dunlin.ini", 0);
	tree_as_nobody();
	TAP_EQ_INT(config_load(c, &err), -1);
	tree_as_before();
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_PERMISSION);
	TAP_EQ_STR(err.message, "cannot read 'dunlin.ini': Permission denied");
	config_free(c);
	tree_leave();
}

static void in_dir(const char *path)
{
	if (chdir(path) < 0)
		tree_die("cannot enter", path);
}

static void relative_paths_start_at_the_files_folder(void)
{
	static const struct { const char *url, *want; } urls[] = {
		{ "sqlite:app.db", "sqlite:../../app.db" },
		{ "sqlite3:db/app.db?mode=ro", "sqlite3:../../db/app.db?mode=ro" },
		{ "sqlite:///abs/app.db", "sqlite:///abs/app.db" },
		{ "sqlite:/abs/app.db", "sqlite:/abs/app.db" },
		{ "sqlite::memory:", "sqlite::memory:" },
		{ "postgresql://db/app", "postgresql://db/app" },
	};
	struct config *c;

	begin();
	tree_folders("a/b/x");
	tree_folders("odd%?dir/x");
	tree_write("dunlin.ini", "dir = pkg=vendor/sql, migrations, /abs\n");
	in_dir("a/b");
	c = load();
	has(c, "config", "../../dunlin.ini", "found");
	if (TAP_EQ_INT(config_n_sources(c), 3)) {
		TAP_EQ_STR(config_source(c, 0)->component, "pkg");
		TAP_EQ_STR(config_source(c, 0)->path, "../../vendor/sql");
		TAP_EQ_STR(config_source(c, 0)->origin, "../../dunlin.ini:1");
		TAP_EQ_STR(config_source(c, 1)->component, "");
		TAP_EQ_STR(config_source(c, 1)->path, "../../migrations");
		TAP_EQ_STR(config_source(c, 2)->path, "/abs");
	}
	has(c, "dir", "pkg=../../vendor/sql", "../../dunlin.ini:1");
	config_free(c);
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		char text[200];

		snprintf(text, sizeof text, "url = %s\n", urls[i].url);
		tree_write("../../dunlin.ini", text);
		c = load();
		has(c, "url", urls[i].want, "../../dunlin.ini:1");
		has(c, "dir", "../../migrations", "default");
		config_free(c);
	}
	in_dir("../..");
	tree_write("odd%?dir/x.ini", "url = sqlite:app.db\n");
	c = make();
	TAP_EQ_INT(config_set(c, "config", "odd%?dir/x.ini", "--config", NULL), 0);
	TAP_EQ_INT(config_load(c, NULL), 0);
	has(c, "url", "sqlite:odd%25%3Fdir/app.db", "odd%?dir/x.ini:1");
	config_free(c);
	tree_leave();
}

static void sources_of_a_higher_rank_replace_all_others(void)
{
	struct config *c;

	begin();
	c = load();
	TAP_EQ_INT(config_n_sources(c), 1);
	TAP_EQ_STR(config_source(c, 0)->path, "migrations");
	TAP_EQ_STR(config_source(c, 0)->origin, "default");
	config_free(c);
	tree_write("dunlin.ini", "dir = one\ndir = x=two\n[env.e]\ndir = three\n");
	c = load();
	if (TAP_EQ_INT(config_n_sources(c), 2))
		TAP_EQ_STR(config_source(c, 1)->path, "two");
	config_free(c);
	setenv("DUNLIN_ENV", "e", 1);
	c = load();
	if (TAP_EQ_INT(config_n_sources(c), 1))
		TAP_EQ_STR(config_source(c, 0)->path, "three");
	config_free(c);
	setenv("DUNLIN_DIR", "y=four", 1);
	c = load();
	if (TAP_EQ_INT(config_n_sources(c), 1)) {
		TAP_EQ_STR(config_source(c, 0)->component, "y");
		TAP_EQ_STR(config_source(c, 0)->origin, "DUNLIN_DIR");
	}
	TAP_EQ_INT(config_set(c, "dir", "./a=b", "--dir", NULL), 0);
	TAP_EQ_INT(config_set(c, "dir", "z=five", "--dir", NULL), 0);
	if (TAP_EQ_INT(config_n_sources(c), 2)) {
		TAP_EQ_STR(config_source(c, 0)->component, "");
		TAP_EQ_STR(config_source(c, 0)->path, "./a=b");
		TAP_EQ_STR(config_source(c, 1)->component, "z");
		TAP_EQ_STR(config_source(c, 1)->path, "five");
	}
	config_free(c);
	tree_leave();
}

static void placeholders_come_from_options_file_and_environment(void)
{
	struct config *c;

	begin();
	tree_write("dunlin.ini", "[placeholders]\ntenant = main\nurl = a=b\nempty =\n");
	setenv("DUNLIN_TEST_NAME", "from outside", 1);
	c = load();
	TAP_EQ_STR(config_placeholder(c, "tenantXX", 6), "main");
	TAP_EQ_STR(config_placeholder(c, "url", 3), "a=b");
	TAP_EQ_STR(config_placeholder(c, "empty", 5), "");
	TAP_EQ_STR(config_placeholder(c, "gone", 4), NULL);
	TAP_EQ_STR(config_placeholder(c, "env.DUNLIN_TEST_NAME", 20), "from outside");
	TAP_EQ_STR(config_placeholder(c, "env.DUNLIN_TEST_NONE", 20), NULL);
	TAP_EQ_STR(config_placeholder(c, "env.", 4), NULL);
	TAP_EQ_INT(config_set(c, "set", "tenant=x=y", "--set", NULL), 0);
	TAP_EQ_STR(config_placeholder(c, "tenant", 6), "x=y");
	TAP_EQ_INT(config_load(c, NULL), 0);
	TAP_EQ_STR(config_placeholder(c, "tenant", 6), "x=y");
	TAP_EQ_STR(config_placeholder(c, "empty", 5), "");
	config_free(c);
	unsetenv("DUNLIN_TEST_NAME");
	tree_leave();
}

/* The directives of a version, a '|' after each. */
static const char *directives(struct config *c, struct buf *b, const char *component, const char *version)
{
	const char *const *d = config_migration(c, component, version);

	buf_reset(b);
	buf_adds(b, "");
	for (; d && *d; d++)
		buf_addf(b, "%s|", *d);
	return b->p;
}

static void hooks_and_directives_are_kept(void)
{
	struct buf b = BUF_INIT;
	struct config *c;

	begin();
	tree_write("dunlin.ini",
	           "[hooks]\nbefore-up = pg_dump -f x; echo \"a = b\"\non-failure = ./tell.sh\n"
	           "[migration 1.0.6-001]\nno-transaction = yes\nirreversible = no\nrequires = 1.0.5-002, auth@1.0.0-001\n"
	           "lock-timeout = 2s\nallow = rule-a, rule-b\n"
	           "[migration auth@1.0.6-001]\nplaceholders = on\n"
	           "[migration 1.0.6-1]\nstatement-timeout = 1min\n"
	           "[migration 003]\nirreversible = yes\n[migration R-views]\nno-transaction = yes\n"
	           "[migration 20251018_c]\nno-transaction = no\n");
	c = load();
	TAP_EQ_STR(config_hook(c, "before-up"), "pg_dump -f x; echo \"a = b\"");
	TAP_EQ_STR(config_hook(c, "on-failure"), "./tell.sh");
	TAP_EQ_STR(config_hook(c, "after-up"), NULL);
	TAP_EQ_STR(config_hook(c, "gone"), NULL);
	TAP_EQ_STR(directives(c, &b, "", "1.0.6-001"), "no-transaction|requires 1.0.5-002|requires auth@1.0.0-001|"
	           "lock-timeout 2s|allow rule-a, rule-b|statement-timeout 1min|");
	TAP_EQ_STR(directives(c, &b, "", "1.0.06-0001"), b.p);
	TAP_EQ_STR(directives(c, &b, "auth", "1.0.6-001"), "placeholders|");
	TAP_EQ_STR(directives(c, &b, "", "3"), "irreversible|");
	TAP_EQ_STR(directives(c, &b, "", "R-views"), "no-transaction|");
	TAP_OK(config_migration(c, "", "1.0.6-002") == NULL);
	TAP_OK(config_migration(c, "", "20251018_c") == NULL);
	TAP_OK(config_migration(c, "auth", "3") == NULL);
	buf_clear(&b);
	config_free(c);
	tree_leave();
}

/* --- whose file ------------------------------------------------------------------- */

static void a_file_with_a_password_must_be_private(void)
{
	static const char *const texts[] = {
		"url = postgresql://me:pw@db/app\n",
		"[env.unused]\nurl = postgresql://me:pw@db/app\n",
		"url = postgresql://db/app?password=pw\n",
		"url = postgresql://me:p%zzw@db/app\n",
	};
	static const mode_t modes[] = { 0644, 0640, 0604, 0660 };

	begin();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (size_t k = 0; k < sizeof modes / sizeof *modes; k++) {
			struct config *c = make();
			struct dunlin_error err;

			tree_write("dunlin.ini", texts[i]);
			tree_mode("dunlin.ini", modes[k]);
			TAP_EQ_INT(config_load(c, &err), -1);
			TAP_EQ_INT(err.code, DUNLIN_EXIT_UNSAFE);
			TAP_EQ_INT(err.errclass, DUNLIN_CLASS_PERMISSION);
			TAP_EQ_STR(err.message, "'dunlin.ini' holds a password and is open to other users");
			TAP_OK(strstr(err.hint, "chmod 600 dunlin.ini") != NULL);
			tree_mode("dunlin.ini", 0600);
			TAP_EQ_INT(config_load(c, &err), 0);
			config_free(c);
		}
	tree_write("dunlin.ini", "url = postgresql://me@db/app\n");
	tree_mode("dunlin.ini", 0644);
	config_free(load());
	tree_leave();
}

static void another_users_file_is_not_obeyed(void)
{
	struct config *c = make();
	struct dunlin_error err;

	begin();
	tree_write("dunlin.ini", "table = x\n");
	tree_folders("a/x");
	if (chown("dunlin.ini", 12345, (gid_t)-1) < 0) {
		tap_skip("only root can give a file away");
	} else {
		/* In the working directory it is the project's. */
		TAP_EQ_INT(config_load(c, &err), 0);
		in_dir("a");
		TAP_EQ_INT(config_load(c, &err), -1);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_UNSAFE);
		TAP_EQ_STR(err.message, "'../dunlin.ini' belongs to another user");
		TAP_EQ_INT(config_set(c, "config", "../dunlin.ini", "--config", NULL), 0);
		TAP_EQ_INT(config_load(c, &err), 0);
		/* But a password in it is another's. */
		tree_write("../dunlin.ini", "url = postgresql://me:pw@db/app\n");
		tree_mode("../dunlin.ini", 0600);
		TAP_EQ_INT(config_load(c, &err), -1);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_UNSAFE);
		TAP_EQ_STR(err.message, "'../dunlin.ini' holds a password and belongs to another user");
	}
	config_free(c);
	tree_leave();
}

/* --- the database ------------------------------------------------------------------- */

static void a_database_is_found_around(void)
{
	struct config *c;
	struct url u;

	begin();
	setenv("POSTGRES_HOST", "db", 1);
	setenv("POSTGRES_DB", "app", 1);
	setenv("PGPASSWORD", "pw", 1);
	tree_write(".env", "DATABASE_URL=sqlite:dot.db\n");
	c = load();
	has(c, "url", "postgresql://:pw@db/app", "PGPASSWORD, POSTGRES_HOST, POSTGRES_DB");
	TAP_EQ_INT(url_parse(config_get(c, "url", NULL), &u, NULL), 0);
	TAP_EQ_STR(url_get(&u, "database"), "app");
	TAP_EQ_STR(url_masked(&u), "postgresql://:***@db/app");
	url_clear(&u);
	config_free(c);

	/* A configured one goes before what is lying about. */
	tree_write("dunlin.ini", "url = sqlite:ini.db\n");
	c = load();
	has(c, "url", "sqlite:ini.db", "dunlin.ini:1");
	config_free(c);

	/* .env stands beside the configuration, and comes last. */
	tree_write("dunlin.ini", "");
	unsetenv("POSTGRES_HOST");
	unsetenv("POSTGRES_DB");
	tree_folders("a/x");
	in_dir("a");
	tree_write(".env", "DATABASE_URL=sqlite:wrong.db\n");
	c = load();
	has(c, "url", "sqlite:../dot.db", "../.env: DATABASE_URL");
	config_free(c);
	tree_write("../.env", "export PGHOST='db'\nPGDATABASE=\"app\"\n");
	c = load();
	has(c, "url", "postgresql://db/app", "../.env: PGHOST, PGDATABASE");
	config_free(c);
	tree_write("../.env", "PGSERVICE=prod\n");
	c = load();
	has(c, "url", "postgresql://?service=prod", "../.env: PGSERVICE");
	TAP_EQ_INT(url_parse(config_get(c, "url", NULL), &u, NULL), 0);
	TAP_EQ_STR(url_get(&u, "service"), "prod");
	url_clear(&u);
	config_free(c);
	in_dir("..");
	tree_leave();
}

static void what_stops_the_search_is_told_to_who_needs_a_database(void)
{
	struct config *c;
	struct dunlin_error err;

	begin();
	c = load();
	TAP_EQ_INT(config_no_url(c, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "no database is named");
	config_free(c);

	setenv("PGHOST", "a", 1);
	setenv("MYSQL_HOST", "b", 1);
	c = load();
	has(c, "url", NULL, NULL);
	TAP_EQ_INT(config_no_url(c, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(err.message, "the environment names two databases: PostgreSQL by PGHOST, and MariaDB by MYSQL_HOST");
	config_free(c);
	unsetenv("PGHOST");
	unsetenv("MYSQL_HOST");

	tree_write(".env", "MYSQL_HOST=db\nMYSQL_PASSWORD=pw\n");
	tree_mode(".env", 0644);
	c = load();
	has(c, "url", NULL, NULL);
	TAP_EQ_INT(config_no_url(c, &err), -1);
	TAP_EQ_INT(err.code, DUNLIN_EXIT_UNSAFE);
	TAP_EQ_STR(err.message, "'.env' holds a password and is open to other users");
	TAP_EQ_INT(config_no_url(c, NULL), -1);
	tree_mode(".env", 0600);
	TAP_EQ_INT(config_load(c, &err), 0);
	has(c, "url", "mariadb://:pw@db", ".env: MYSQL_PASSWORD, MYSQL_HOST");
	config_free(c);

	/* Nobody looks there when the database is known. */
	tree_mode(".env", 0644);
	setenv("DUNLIN_URL", "sqlite:x.db", 1);
	config_free(load());
	tree_leave();
}

static void every_failed_allocation_is_reported(void)
{
	int done = 0;
	unsigned long i;

	begin();
	tree_write("dunlin.ini", "table = x\ndir = a=b, c\nenv = e\n[env.e]\nlock-wait = 1s\n[env.f]\nlock-wait = 2s\n"
	           "url = sqlite:x.db\n[placeholders]\np = q\n[hooks]\nafter-up = x\n"
	           "[migration 1.0.0-001]\nrequires = 1, 2\nno-transaction = yes\n");
	tree_write(".env", "PGHOST=x\nPGDATABASE=y\n");
	setenv("DUNLIN_DRIVER_PATH", "/x", 1);
	setenv("MIGRATION_TIMEOUT", "5", 1);
	for (i = 1; !done && i < 2000; i++) {
		struct config *c = NULL;
		struct dunlin_error err;
		int rc;

		mem_fail_at(i, 0);
		rc = config_new(&c, &err) < 0 || config_set(c, "set", "a=b", "o", &err) < 0 ||
			config_set(c, "actor", "me", "o", &err) < 0 || config_load(c, &err) < 0 ? -1 : 0;
		done = mem_count() < i;
		mem_fail_at(0, 0);
		if (rc < 0) {
			if (!TAP_EQ_STR(err.message, "out of memory"))
				tap_note("allocation %lu", i);
		} else if (done) {
			has(c, "url", "postgresql://x/y", ".env: PGHOST, PGDATABASE");
			has(c, "lock-wait", "1s", "dunlin.ini:5");
		} else {
			/* The search for a database keeps its trouble for later; what is
			 * wrong with the URL of an environment not in use nobody needs. */
			if (!config_get(c, "url", NULL)) {
				TAP_EQ_INT(config_no_url(c, &err), -1);
				TAP_EQ_STR(err.message, "out of memory");
			}
		}
		config_free(c);
	}
	TAP_OK(done && i > 30);
	tree_leave();
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "without_loading_there_are_options_and_defaults", without_loading_there_are_options_and_defaults },
		{ "a_wrong_option_is_refused", a_wrong_option_is_refused },
		{ "the_option_goes_before_the_environment_before_the_file",
		  the_option_goes_before_the_environment_before_the_file },
		{ "variables_of_other_shapes_are_understood", variables_of_other_shapes_are_understood },
		{ "every_option_is_told_in_order_and_without_secrets", every_option_is_told_in_order_and_without_secrets },
		{ "a_wrong_file_is_refused_with_its_line", a_wrong_file_is_refused_with_its_line },
		{ "an_environment_without_a_file_is_refused", an_environment_without_a_file_is_refused },
		{ "a_file_that_was_asked_for_must_be_there", a_file_that_was_asked_for_must_be_there },
		{ "a_file_that_may_not_be_read_is_refused", a_file_that_may_not_be_read_is_refused },
		{ "relative_paths_start_at_the_files_folder", relative_paths_start_at_the_files_folder },
		{ "sources_of_a_higher_rank_replace_all_others", sources_of_a_higher_rank_replace_all_others },
		{ "placeholders_come_from_options_file_and_environment", placeholders_come_from_options_file_and_environment },
		{ "hooks_and_directives_are_kept", hooks_and_directives_are_kept },
		{ "a_file_with_a_password_must_be_private", a_file_with_a_password_must_be_private },
		{ "another_users_file_is_not_obeyed", another_users_file_is_not_obeyed },
		{ "a_database_is_found_around", a_database_is_found_around },
		{ "what_stops_the_search_is_told_to_who_needs_a_database",
		  what_stops_the_search_is_told_to_who_needs_a_database },
		{ "every_failed_allocation_is_reported", every_failed_allocation_is_reported },
	};

	return tap_main("config", tests, sizeof tests / sizeof *tests);
}
