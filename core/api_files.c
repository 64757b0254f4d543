/*
 * api_files.c - what concerns files alone: new migrations, dunlin.sum, parse.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "handle.h"

#include "buf.h"
#include "loader.h"
#include "name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of the dialects that the library carries, so of the drivers known by name. */
static const struct name_rules rules = {
	.dialect = { &dunlin_dialect_postgresql, &dunlin_dialect_sqlite, &dunlin_dialect_mariadb }, .n_dialect = 3,
};

int dunlin_hash(struct dunlin *d, int64_t *n_files, struct dunlin_error *err)
{
	int64_t total = 0;

	for (size_t i = 0; i < d->n_source; i++) {
		int64_t n = 0;

		if (d->source[i].dir && sum_write(d->source[i].dir, &n, err) < 0)
			return -1;
		total += n;
	}
	if (n_files)
		*n_files = total;
	return 0;
}

/* --- new --------------------------------------------------------------------------- */

static const struct source *first_folder(const struct dunlin *d)
{
	for (size_t i = 0; i < d->n_source; i++)
		if (d->source[i].dir)
			return &d->source[i];
	return NULL;
}

static int write_new(const char *path, const char *text, size_t len, struct dunlin_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	size_t done = 0;

	if (fd < 0)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "cannot create '%s': %s", path, strerror(errno));
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_UNKNOWN, "cannot write '%s': %s", path, strerror(errno));
			close(fd);
			unlink(path);
			return -1;
		}
		done += (size_t)n;
	}
	close(fd);
	return 0;
}

/* The down of a migration as the folder has it, else as the ledger kept it. */
static int read_revert(struct dunlin *d, const char *ref, const char *driver, char **out, size_t *len,
                       struct dunlin_error *err)
{
	const struct dunlin_dialect *dialect = driver ? dialect_find(driver) : NULL;
	char component[128], version[256];
	struct work w = { 0 };
	const struct migration *m;
	struct ledger_row *row;
	int rc = -1;

	*out = NULL;
	if (version_ref(ref, component, sizeof component, version, sizeof version, err) < 0 ||
	    (!dialect && handle_driver(d, err) < 0))
		return -1;
	if (work_env(d, &w, dialect ? dialect : d->drv->dialect, dialect ? driver : d->drv->name, err) < 0 ||
	    work_load_files(d, &w, FILES_ALL, err) < 0)
		goto out;
	m = migration_set_find(&w.set, component, version);
	if (m && !m->is_bad && m->script.section[SECTION_DOWN].is_present) {
		rc = script_down_text(&w.env, &m->script, out, len, err);
		goto out;
	}
	if (handle_open(d, OPEN_EXISTING, err) < 0 || ledger_read(&d->ledger, &d->session, &w.history, err) < 0)
		goto out;
	row = history_find(&w.history, component, version);
	if (row && ledger_read_down(&d->ledger, &d->session, row, out, len, err) < 0)
		goto out;
	rc = 0;
	if (!*out) {
		rc = error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "%s '%s' has no down",
		               m || row ? "migration" : "there is no migration", ref);
		if (!m && !row)
			error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "there is no migration '%s'", ref);
	}
out:
	work_clear(&w);
	return rc;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What is made must be a name that is read again: no driver's alias in it. */
static int check_name(const char *path, enum scheme scheme, struct dunlin_error *err)
{
	const char *base = base_of(path);
	struct name_problem why;
	struct name_parts parts;

	if (name_parse(&parts, scheme, &rules, base, strlen(base), &why) != NAME_BAD)
		return 0;
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s", why.message);
	error_hint(err, "%s", why.hint);
	return -1;
}

static int create_files(struct dunlin *d, const struct dunlin_new_request *req, const struct source *src,
                        enum scheme scheme, const char *version, char *path, size_t path_size,
                        struct dunlin_error *err)
{
	static const char single[] = "-- dunlin:up\n\n\n-- dunlin:down\n\n";
	const char *separator = scheme == SCHEME_SEMVER ? "-" : "_";
	struct buf stem = BUF_INIT, b = BUF_INIT, text = BUF_INIT;
	char *revert = NULL;
	size_t len = 0;
	int rc = -1;

	buf_addf(&stem, "%s/%s%s%s%s%s", src->dir, version, *req->name ? separator : "", req->name,
	         req->driver ? "." : "", req->driver ? req->driver : "");
	buf_addf(&b, "%s%s.sql", stem.p ? stem.p : "", req->is_pair ? ".up" : "");
	if (stem.is_failed || b.is_failed) {
		error_nomem(err);
		goto out;
	}
	if (b.len >= path_size) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the name '%s' is too long", req->name);
		goto out;
	}
	memcpy(path, b.p, b.len + 1);
	if (check_name(path, scheme, err) < 0)
		goto out;
	if (req->revert) {
		if (read_revert(d, req->revert, req->driver, &revert, &len, err) < 0)
			goto out;
		if (!req->is_pair)
			buf_adds(&text, "-- dunlin:up\n");
		buf_add(&text, revert, len);
		if (!req->is_pair)
			buf_addf(&text, "%s\n-- dunlin:down\n\n", len && revert[len - 1] == '\n' ? "" : "\n");
	} else if (!req->is_pair) {
		buf_adds(&text, single);
	}
	if (text.is_failed) {
		error_nomem(err);
		goto out;
	}
	if (write_new(path, text.p ? text.p : "", text.len, err) < 0)
		goto out;
	if (req->is_pair) {
		buf_reset(&b);
		buf_addf(&b, "%s.down.sql", stem.p);
		if (b.is_failed ? error_nomem(err) < 0 : write_new(b.p, "", 0, err) < 0) {
			unlink(path);
			goto out;
		}
	}
	rc = sum_exists(src->dir) ? sum_write(src->dir, NULL, err) : 0;
out:
	mem_free(revert);
	buf_clear(&stem);
	buf_clear(&b);
	buf_clear(&text);
	return rc;
}

/* Writing dunlin.sum anew vouches for all that is in the folder, so that must
 * be what the old one lists. */
static int check_sum(const struct source *src, struct dunlin_error *err)
{
	struct finding_list found = { 0 };
	int rc = sum_check(src, &found, err);

	if (rc == 0 && finding_code(&found))
		rc = finding_to_error(&found, err);
	finding_clear(&found);
	return rc;
}

int dunlin_new_migration(struct dunlin *d, const struct dunlin_new_request *req, char *path, size_t path_size,
                         struct dunlin_error *err)
{
	const struct source *src = first_folder(d);
	const char *wanted = handle_option(d, "scheme");
	struct source_options o = { .source = src, .n_source = 1, .is_names_only = 1, .is_sum_unchecked = 1,
	                            .env = { .dialect = dialect_find("sqlite"), .driver = "" } };
	struct migration_set set = { 0 };
	struct loader_log was;
	char version[256];
	int rc = -1;

	if (!src)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "there is no folder to put a migration in");
	if (wanted && scheme_parse(wanted, &o.scheme) < 0)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' is not a scheme", wanted);
	was = handle_enter(d);
	if (migration_set_load(&set, &o, err) < 0 || check_sum(src, err) < 0)
		goto out;
	if (req->version) {
		struct version v;

		if (version_parse(&v, migration_set_scheme(&set, src->component), req->version, strlen(req->version)) < 0) {
			error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' is not a version of the scheme '%s'",
			          req->version, scheme_name(migration_set_scheme(&set, src->component)));
			goto out;
		}
		if (migration_set_find(&set, src->component, req->version)) {
			error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "version '%s' is there already", req->version);
			goto out;
		}
		snprintf(version, sizeof version, "%s", req->version);
	} else if (version_next(&set, src->component, req->bump, (int64_t)time(NULL), version, sizeof version, err) < 0) {
		goto out;
	}
	rc = create_files(d, req, src, migration_set_scheme(&set, src->component), version, path, path_size, err);
out:
	migration_set_clear(&set);
	return handle_leave(d, was, rc < 0 ? handle_fail(d, err) : 0);
}

/* --- parse --------------------------------------------------------------------------- */

struct parsed_box {
	struct dunlin_parsed pub;
	struct arena a;
	struct script script;
};

void dunlin_parsed_free(struct dunlin_parsed *p)
{
	struct parsed_box *b = (struct parsed_box *)(void *)p;

	if (!b)
		return;
	arena_clear(&b->a);
	for (int i = 0; i < 3; i++)
		mem_free((void *)(uintptr_t)b->pub.section[i].statement);
	mem_free(b);
}

static int ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* "x.up.sql" and "up.sql" are an up whole, and so on. */
static enum script_role role_of(const char *path)
{
	const char *base = base_of(path);

	if (ends_with(base, ".up.sql") || strcmp(base, "up.sql") == 0)
		return SCRIPT_UP;
	if (ends_with(base, ".down.sql") || strcmp(base, "down.sql") == 0)
		return SCRIPT_DOWN;
	if (ends_with(base, ".verify.sql") || strcmp(base, "verify.sql") == 0)
		return SCRIPT_VERIFY;
	return SCRIPT_SINGLE;
}

static int fill_section(struct parsed_box *b, int k, const struct script_env *env, struct dunlin_error *err)
{
	const struct script_section *sec = &b->script.section[k];
	struct dunlin_parsed_section *out = &b->pub.section[k];
	struct dunlin_parsed_statement *v = NULL;
	struct script_reader *r = NULL;
	struct script_statement st;
	size_t n = 0, cap = 0;
	int rc = 0;

	out->name = section_names[k];
	out->is_present = sec->is_present;
	out->n_directive = sec->d.n_text;
	out->directive = sec->d.text;
	if (!sec->is_present)
		return 0;
	if (script_reader_open(&r, env, sec, err) < 0)
		return -1;
	while ((rc = script_reader_next(r, &st, err)) > 0) {
		if (mem_grow(&v, &cap, n, sizeof *v) < 0) {
			rc = error_nomem(err);
			break;
		}
		v[n++] = (struct dunlin_parsed_statement){
			.offset = st.st.off, .length = st.st.raw_len, .line = st.st.line, .column = st.st.column,
			.traits = st.st.traits,
		};
	}
	script_reader_close(r);
	out->statement = v;
	out->n_statement = n;
	return rc;
}

/* The driver whose alias it is, or NULL. */
static const char *alias_of(const char *word)
{
	for (size_t i = 0; i < rules.n_dialect; i++)
		for (const char *const *a = rules.dialect[i]->aliases; a && *a; a++)
			if (strcmp(*a, word) == 0)
				return rules.dialect[i]->name;
	return NULL;
}

const struct dunlin_dialect *handle_dialect(struct dunlin *d, const char *driver, struct dunlin_error *err)
{
	const struct dunlin_dialect *found;
	const struct dunlin_driver *drv;

	if (!driver)
		driver = handle_option(d, "driver");
	if (!driver && handle_option(d, "url"))
		return handle_driver(d, err) < 0 ? NULL : d->drv->dialect;
	if (!driver)
		driver = "sqlite";
	found = dialect_find(driver);
	if (found)
		return found;
	if (alias_of(driver)) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "'%s' is not the name of a driver, '%s' is",
		          driver, alias_of(driver));
		error_hint(err, "Write --driver %s.", alias_of(driver));
		return NULL;
	}
	return loader_find(driver, handle_option(d, "driver-path"), &drv, err) < 0 ? NULL : drv->dialect;
}

int dunlin_parse(struct dunlin *d, const char *path, const char *driver, struct dunlin_parsed **out,
                 struct dunlin_error *err)
{
	const struct dunlin_dialect *dialect = handle_dialect(d, driver, err);
	struct script_env env = { .dialect = dialect, .driver = dialect ? dialect->name : "", .is_kept_raw = 1,
	                          .placeholder = config_placeholder, .placeholder_arg = d->config };
	struct input in = { .dirfd = AT_FDCWD };
	struct parsed_box *b;
	int rc;

	*out = NULL;
	if (!dialect)
		return handle_fail(d, err);
	b = mem_zalloc(sizeof *b);
	if (!b)
		return error_nomem(err);
	in.name = in.path = b->pub.file = arena_strdup(&b->a, path);
	rc = in.path ? script_load(&b->script, &b->a, &env, &in, role_of(path), err) : error_nomem(err);
	for (int k = 0; rc == 0 && k < N_SECTIONS; k++)
		rc = fill_section(b, k, &env, err);
	if (rc < 0) {
		dunlin_parsed_free(&b->pub);
		return -1;
	}
	*out = &b->pub;
	return 0;
}
