/*
 * script.c - loading: the sections of a file one after the other, each with its
 * directives, its transaction and its sums.
 *
 * A file is read once.  A section is read a second time where `placeholders` is
 * in force (statements are counted as they will run) or where it is not the
 * whole file (its bytes have a digest of their own).
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "script.h"

#include "directive.h"
#include "error.h"
#include "feed.h"
#include "section.h"
#include "txcontrol.h"

#include <string.h>

/* A stretch of the file: what stands before the first section, or a section. */
struct stretch {
	int      kind;      /* enum section_kind; -1: before the first section */
	uint64_t off, end;  /* of its body                                     */
	uint64_t next;      /* where the next stretch's body begins            */
	uint32_t line;
};

struct loader {
	const struct script_env *env;
	enum script_role role;
	struct arena *arena;
	struct feed feed;
	struct script s;              /* becomes the caller's                    */
	struct script_section *section;
	struct input in;
	struct directive_list extra, common, own;
	struct stretch stretch[1 + N_SECTIONS];
	size_t n_stretch;
	uint32_t section_line[N_SECTIONS]; /* of its directive; 0: not in this file */
	int is_twice_read;            /* not only from the first to the last byte */
	char norm[SHA256_TEXT];       /* of the up statements                     */
	int has_norm;
};

const struct script_section script_no_sections[N_SECTIONS];

/* What one reading of a stretch yields. */
struct reading {
	struct section_scan scan;
	struct txcontrol tx;
	struct sha256 norm;
	uint32_t first_line, first_column; /* of the first statement; 0: none */
};

static int invalid_at(struct loader *l, uint32_t line, struct dunlin_error *err)
{
	error_at(err, l->in.name, line, 1);
	return -1;
}

/* --- reading a stretch ----------------------------------------------------------- */

static void reading_clear(struct reading *r)
{
	section_scan_close(&r->scan);
	txcontrol_clear(&r->tx);
}

static void note_first(struct reading *r, const struct script_env *env, const struct split_statement *st)
{
	size_t skip = statement_lead(env->dialect, st->text, st->len);

	split_position(st, skip < st->len ? skip : 0, &r->first_line, &r->first_column);
}

/* properties NULL: they are known.  r is to be cleared whatever comes back. */
static int read_once(struct loader *l, struct reading *r, const struct stretch *t, uint64_t end, int mode,
                     struct directive_list *properties, struct dunlin_error *err)
{
	struct split_statement st;
	int rc;

	r->first_line = 0;
	txcontrol_init(&r->tx, l->env->dialect);
	sha256_start(&r->norm);
	/* Of the up statements alone; what is before the first section may be up. */
	r->scan = (struct section_scan){
		.env = l->env, .file = l->in.name, .feed = &l->feed,
		.norm = t->kind == SECTION_UP ? &r->norm : NULL,
		.properties = properties, .arena = l->arena };
	if (section_scan_open(&r->scan, t->off, end, t->line, mode, err) < 0)
		return -1;
	while ((rc = section_scan_next(&r->scan, &st, err)) > 0) {
		if (!r->first_line)
			note_first(r, l->env, &st);
		txcontrol_add(&r->tx, &st);
	}
	return rc;
}

static int has_placeholders(const struct directive_list *list)
{
	for (const struct directive_item *item = list->head; item; item = item->next)
		if (item->d.kind == DIRECTIVE_PLACEHOLDERS)
			return 1;
	return 0;
}

/* Reads from t->off to the next section or the end of the file. */
static int read_stretch(struct loader *l, struct reading *r, struct stretch *t,
                        struct directive_list *properties, struct dunlin_error *err)
{
	int is_known = has_placeholders(&l->extra) || (properties != &l->common && has_placeholders(&l->common));
	int mode = is_known ? PLACEHOLDER_MASK : FEED_PLAIN;

	directive_list_init(properties);
	if (read_once(l, r, t, FEED_NO_END, mode, properties, err) < 0)
		return -1;
	if (r->scan.needs_mask) {
		reading_clear(r);
		directive_list_init(properties);
		if (read_once(l, r, t, FEED_NO_END, PLACEHOLDER_MASK, properties, err) < 0)
			return -1;
	}
	if (r->scan.next >= 0) {
		t->end = r->scan.next_off;
		t->next = r->scan.next_body;
		return 0;
	}
	if (feed_drain(&l->feed, err) < 0)
		return -1;
	t->end = t->next = l->feed.pos;
	return 0;
}

/* --- a section ----------------------------------------------------------------------- */

/* How placeholders are treated to count statements: a down from a file runs
 * later and maybe elsewhere, with an environment of its own. */
static int counting_mode(const struct loader *l, const struct script_section *sec, int kind)
{
	int mode = section_mode(l->env, sec);

	if (mode == PLACEHOLDER_REPLACE && kind == SECTION_DOWN && !l->env->is_from_ledger)
		return PLACEHOLDER_REPLACE_KNOWN;
	return mode;
}

static void keep_norm(struct loader *l, const struct reading *r, int kind)
{
	if (kind != SECTION_UP)
		return;
	sha256_text(&r->norm, l->norm);
	l->has_norm = 1;
}

/* What is wrong with a down's transaction stops only those who run it. */
static int finish_control(struct loader *l, struct txcontrol *t, struct script_section *sec, int kind, struct dunlin_error *err)
{
	struct dunlin_error own, *kept;
	int rc = txcontrol_finish(t, sec, l->arena, !l->env->is_kept_raw, &own);

	if (rc < 0 && kind == SECTION_DOWN && own.errclass == DUNLIN_CLASS_VALIDATION) {
		kept = arena_alloc(l->arena, sizeof *kept);
		if (!kept)
			return error_nomem(err);
		*kept = own;
		sec->refused = kept;
		return 0;
	}
	if (rc < 0 && err)
		*err = own;
	return rc;
}

/* Reads the section as it will run, and keeps what that yields. */
static int recount(struct loader *l, struct script_section *sec, const struct stretch *t, int kind,
                   size_t n_properties, struct dunlin_error *err)
{
	struct reading r;
	int rc;

	l->is_twice_read = 1;
	rc = read_once(l, &r, t, t->end, counting_mode(l, sec, kind), NULL, err);
	/* A value with a quote in it may hide a directive, or uncover one. */
	if (rc == 0 && r.scan.n_properties != n_properties)
		rc = section_unclear(l->in.name, t->line, err);
	if (rc == 0)
		rc = finish_control(l, &r.tx, sec, kind, err);
	if (rc == 0 && l->env->is_repeatable)
		keep_norm(l, &r, kind);
	reading_clear(&r);
	return rc;
}

static int finish_section(struct loader *l, struct reading *r, const struct stretch *t, int kind, struct dunlin_error *err)
{
	const struct directive_list *lists[] = { &l->extra, &l->common, &l->own };
	struct script_section *sec = &l->section[kind];

	memset(sec, 0, sizeof *sec);
	sec->is_present = 1;
	sec->in = l->in;
	sec->off = t->off;
	sec->end = t->end;
	sec->line = t->line;
	sec->bytes = t->end - t->off;
	if (directives_collect(&sec->d, l->arena, lists, sizeof lists / sizeof *lists, err) < 0)
		return -1;
	keep_norm(l, r, kind);
	if (sec->d.has_placeholders && !l->env->is_kept_raw)
		return recount(l, sec, t, kind, r->scan.n_properties, err);
	return finish_control(l, &r->tx, sec, kind, err);
}

static int default_kind(const struct loader *l)
{
	if (l->env->is_from_ledger || l->role == SCRIPT_DOWN)
		return SECTION_DOWN;
	return l->role == SCRIPT_VERIFY ? SECTION_VERIFY : SECTION_UP;
}

/* May a section of this kind start here? */
static int check_section(struct loader *l, const struct reading *r, struct dunlin_error *err)
{
	int kind = r->scan.next;
	uint32_t line = r->scan.next_line;

	if ((l->role != SCRIPT_SINGLE || l->env->is_from_ledger) && kind != default_kind(l)) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "a section '%s' in a file that is all '%s'",
		          section_names[kind], section_names[default_kind(l)]);
		error_hint(err, "Move it to the file of its own, or put all sections into one file.");
		return invalid_at(l, line, err);
	}
	if (l->section_line[kind]) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "a second section '%s'", section_names[kind]);
		error_hint(err, "The first is on line %u: make one of the two.", l->section_line[kind]);
		return invalid_at(l, line, err);
	}
	l->section_line[kind] = line;
	return 0;
}

/* What stands before the first section is directives for all, and no SQL. */
static int check_head(struct loader *l, const struct reading *r, struct dunlin_error *err)
{
	if (!r->first_line)
		return 0;
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
	          "SQL before the first section belongs to none and would never run");
	error_hint(err, "Move '-- dunlin:%s' of line %u before it.", section_names[r->scan.next], r->scan.next_line);
	error_at(err, l->in.name, r->first_line, r->first_column);
	return -1;
}

static int load_stretches(struct loader *l, struct dunlin_error *err)
{
	struct stretch *t = &l->stretch[0];
	struct reading r;
	int is_head = 1, rc;

	*t = (struct stretch){ .kind = default_kind(l), .line = 1 };
	l->n_stretch = 1;
	for (;;) {
		struct stretch *next = &l->stretch[l->n_stretch];
		int follows = -1;

		rc = read_stretch(l, &r, t, is_head ? &l->common : &l->own, err);
		if (rc == 0 && r.scan.next >= 0) {
			follows = r.scan.next;
			rc = is_head ? check_head(l, &r, err) : 0;
			rc = rc == 0 ? check_section(l, &r, err) : rc;
		}
		if (rc == 0 && is_head && follows >= 0)
			t->kind = -1;
		else if (rc == 0)
			rc = finish_section(l, &r, t, t->kind, err);
		if (rc == 0 && follows >= 0)
			*next = (struct stretch){ .kind = follows, .off = t->next, .line = r.scan.next_line + 1 };
		reading_clear(&r);
		if (rc < 0 || follows < 0)
			return rc;
		t = next;
		l->n_stretch++;
		is_head = 0;
	}
}

/* --- sums --------------------------------------------------------------------------- */

/* Adds bytes off..end, placeholders treated as `mode` says. */
static int add_content(struct loader *l, struct content_hash *h, uint64_t off, uint64_t end, uint32_t line, int mode,
                       struct dunlin_error *err)
{
	char p[16384];
	long got;

	if (feed_restart(&l->feed, l->env, l->in.name, off, end, line, mode, err) < 0)
		return -1;
	while ((got = feed_read(&l->feed, p, sizeof p, err)) > 0)
		content_hash_add(h, p, (size_t)got);
	return got < 0 ? -1 : 0;
}

/* The content of a repeatable after placeholders. */
static int sum_replaced(struct loader *l, char out[SHA256_TEXT], struct dunlin_error *err)
{
	struct content_hash h;

	l->is_twice_read = 1;
	content_hash_start(&h);
	for (size_t i = 0; i < l->n_stretch; i++) {
		const struct stretch *t = &l->stretch[i];
		int mode = t->kind >= 0 ? counting_mode(l, &l->section[t->kind], t->kind)
			: has_placeholders(&l->extra) || has_placeholders(&l->common) ? PLACEHOLDER_REPLACE : FEED_PLAIN;

		if (add_content(l, &h, t->off, t->end, t->line, mode, err) < 0 ||
		    add_content(l, &h, t->end, t->next, 0, FEED_PLAIN, err) < 0)
			return -1;
	}
	content_hash_text(&h, out);
	return 0;
}

/* Frozen: a line for each directive in the order of their bytes, an empty line,
 * the digest of the statements. */
static int sum_statements(struct loader *l, char out[SHA256_TEXT], struct dunlin_error *err)
{
	struct sha256 h;

	sha256_start(&h);
	if (directives_hash(&l->section[SECTION_UP].d, &h, err) < 0)
		return -1;
	sha256_add(&h, "\n", 1);
	sha256_add(&h, l->norm, strlen(l->norm));
	sha256_text(&h, out);
	return 0;
}

static int sum_file(struct loader *l, struct dunlin_error *err)
{
	int is_replaced = 0;

	for (size_t i = 0; i < l->n_stretch; i++)
		if (l->stretch[i].kind >= 0)
			is_replaced |= l->section[l->stretch[i].kind].d.has_placeholders;
	is_replaced = is_replaced && l->env->is_repeatable && !l->env->is_kept_raw;
	if (is_replaced && sum_replaced(l, l->s.checksum, err) < 0)
		return -1;
	if (!is_replaced)
		feed_content_text(&l->feed, l->s.checksum);
	return l->has_norm ? sum_statements(l, l->s.statements_checksum, err) : 0;
}

/* Digests of the bytes that each section will be read from again. */
static int sum_bodies(struct loader *l, struct dunlin_error *err)
{
	if (l->n_stretch == 1) {
		feed_raw_text(&l->feed, l->section[l->stretch[0].kind].body_sum);
		return 0;
	}
	l->is_twice_read = 1;
	for (size_t i = 0; i < l->n_stretch; i++) {
		const struct stretch *t = &l->stretch[i];

		if (t->kind < 0)
			continue;
		if (feed_restart(&l->feed, l->env, l->in.name, t->off, t->end, t->line, FEED_PLAIN, err) < 0)
			return -1;
		feed_hash_raw(&l->feed);
		if (feed_drain(&l->feed, err) < 0)
			return -1;
		feed_raw_text(&l->feed, l->section[t->kind].body_sum);
	}
	return 0;
}

/* --- the file --------------------------------------------------------------------------- */

/* dunlin.ini's directives for this migration.  A kept down has them in itself. */
static int add_extra(struct loader *l, struct dunlin_error *err)
{
	const char *file = l->env->extra_file ? l->env->extra_file : l->in.name;

	directive_list_init(&l->extra);
	directive_list_init(&l->common);
	directive_list_init(&l->own);
	if (l->env->is_from_ledger || !l->env->extra)
		return 0;
	for (const char *const *text = l->env->extra; *text; text++) {
		struct directive d;
		int rc = directive_parse(&d, *text, strlen(*text), err);

		if (rc == 0 && !directive_is_property(d.kind)) {
			rc = error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
			               "'%s' can only stand in the migration itself", d.name);
			error_hint(err, "Of the directives, those that are true of a whole migration can be given from outside: "
			           "no-transaction, requires, irreversible, lock-timeout, statement-timeout, placeholders, allow.");
		}
		if (rc < 0) {
			error_at(err, file, 0, 0);
			return -1;
		}
		if (directive_list_add(&l->extra, l->arena, &d, 0, err) < 0)
			return -1;
	}
	return 0;
}

/* Copies what names the file; root and data stay the caller's. */
static int keep_input(struct loader *l, const struct input *in, struct dunlin_error *err)
{
	size_t n_name = strlen(in->name), n_path = in->path ? strlen(in->path) : 0;

	l->in = *in;
	l->in.name = arena_strdup(l->arena, in->name);
	if (!l->in.name)
		return error_nomem(err);
	if (!in->path)
		return 0;
	/* The path mostly is the end of the name. */
	if (n_path <= n_name && memcmp(in->name + n_name - n_path, in->path, n_path) == 0)
		l->in.path = l->in.name + n_name - n_path;
	else
		l->in.path = arena_strdup(l->arena, in->path);
	return l->in.path ? 0 : error_nomem(err);
}

static int check_whole(struct loader *l, struct dunlin_error *err)
{
	if (l->is_twice_read && input_is_changed(l->feed.in))
		return section_changed(l->in.name, "read", err);
	if (l->n_stretch == 1 || l->section_line[SECTION_UP] || l->role != SCRIPT_SINGLE ||
	    l->env->is_from_ledger || l->env->is_kept_raw)
		return 0;
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "a file with sections and no section 'up'");
	error_hint(err, "Put '-- dunlin:up' before the statements that apply the migration.");
	return invalid_at(l, l->stretch[1].line - 1, err);
}

int script_load(struct script *s, struct arena *a, const struct script_env *env,
                const struct input *in, enum script_role role, struct dunlin_error *err)
{
	struct loader l;
	int rc;

	l.env = env;
	l.role = role;
	l.arena = a;
	l.s = *s;
	l.section = arena_alloc(a, N_SECTIONS * sizeof *l.section);
	if (!l.section)
		return error_nomem(err);
	if (s->section)
		memcpy(l.section, s->section, N_SECTIONS * sizeof *l.section);
	l.s.section = l.section;
	l.n_stretch = 0;
	memset(l.section_line, 0, sizeof l.section_line);
	l.is_twice_read = 0;
	l.has_norm = 0;
	if (keep_input(&l, in, err) < 0 || feed_open(&l.feed, in, 0, err) < 0)
		return -1;
	feed_hash_file(&l.feed);
	rc = add_extra(&l, err);
	if (rc == 0)
		rc = load_stretches(&l, err);
	/* Everything has been hashed now; reading again must not add to it. */
	if (rc == 0 && (role == SCRIPT_SINGLE || role == SCRIPT_UP) && !env->is_from_ledger)
		rc = sum_file(&l, err);
	l.feed.has_content = l.n_stretch == 1;
	if (rc == 0)
		rc = sum_bodies(&l, err);
	if (rc == 0)
		rc = check_whole(&l, err);
	if (rc == 0)
		*s = l.s;
	feed_close(&l.feed);
	return rc;
}
