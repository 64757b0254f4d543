/*
 * pick.c - one migration's files, checked and chosen for a driver.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "pick.h"

#include "error.h"

#include <string.h>

static const char *show(const struct pick_context *c, const struct entry *e)
{
	return scan_show(c->arena, c->scan->dir, e->file->path, e->file->len);
}

int pick_complain(const struct pick_context *c, const char *kind, const char *version,
                  const struct entry *a, const struct entry *b, const char *what, const char *hint)
{
	const char *file = show(c, b), *other = a ? show(c, a) : "";
	struct dunlin_finding *f = NULL;

	if (file && other)
		f = finding_add(c->findings, DUNLIN_EXIT_INVALID, kind, c->scan->component, version, file,
		                "%s%s%s'%s' %s", a ? "'" : "", other, a ? "' and " : "", file, what);
	if (!f)
		return error_nomem(c->err);
	finding_hint(c->findings, f, "%s", hint);
	return 0;
}

static int is_common(const struct entry *e)
{
	return e->p.driver.len == 0;
}

static int is_for(const struct entry *e, const char *driver)
{
	return driver && !is_common(e) && bytes_cmp(driver, strlen(driver), e->p.driver.p, e->p.driver.len) == 0;
}

static int is_same_driver(const struct entry *a, const struct entry *b)
{
	return bytes_cmp(a->p.driver.p, a->p.driver.len, b->p.driver.p, b->p.driver.len) == 0;
}

/* Is there an up that e, a down or verify, can belong to? */
static int has_up(const struct pick *p, const struct entry *e)
{
	for (const struct entry *i = p->first; i < p->end; i++)
		if (i->p.role <= SCRIPT_UP && (is_common(i) || is_common(e) || is_same_driver(i, e)))
			return 1;
	return 0;
}

/* Entries are sorted by driver and role. */
static int check(const struct pick_context *c, struct pick *p)
{
	const struct entry *single = NULL;

	for (const struct entry *e = p->first; e < p->end; e++) {
		const struct entry *before = e > p->first && is_same_driver(e - 1, e) ? e - 1 : NULL;
		int rc;

		if (!before)
			single = e->p.role == SCRIPT_SINGLE ? e : NULL;
		if (before && before->p.role == e->p.role)
			rc = pick_complain(c, "duplicate", p->version, before, e, "are the same part of one migration",
			                   "Remove one of them.");
		else if (before && single)
			rc = pick_complain(c, "duplicate", p->version, single, e,
			                   "are one migration, and the first of them is whole by itself",
			                   "Rename it to end in .up.sql, or move the other's SQL into a section of it.");
		else if (e->p.role > SCRIPT_UP && !has_up(p, e))
			rc = pick_complain(c, "name", p->version, NULL, e, "has no up beside it",
			                   "Add the file that ends in .up.sql, or remove this one.");
		else
			continue;
		p->is_bad = 1;
		if (rc < 0)
			return -1;
	}
	return 0;
}

static void choose(struct pick *p, const char *driver)
{
	const struct entry *common[PICK_ROLES] = { NULL }, *own[PICK_ROLES] = { NULL };

	for (const struct entry *e = p->first; e < p->end; e++) {
		if (is_common(e))
			common[e->p.role] = e;
		else if (is_for(e, driver))
			own[e->p.role] = e;
	}
	if (own[SCRIPT_SINGLE]) {
		p->use[SCRIPT_SINGLE] = own[SCRIPT_SINGLE];
		return;
	}
	if (!own[SCRIPT_UP] && common[SCRIPT_SINGLE])
		p->use[SCRIPT_SINGLE] = common[SCRIPT_SINGLE];
	for (int r = SCRIPT_UP; r < PICK_ROLES; r++)
		p->use[r] = own[r] ? own[r] : common[r];
}

static int is_asked(const char *driver)
{
	return driver && *driver;
}

static int has_body(const struct pick *p)
{
	return p->use[SCRIPT_SINGLE] || p->use[SCRIPT_UP];
}

/* A word that is not a known driver's name may be a slip, and nothing else
 * would say so where a common file serves the driver in use. */
static int warn_misspelt(const struct pick_context *c, const struct pick *p)
{
	for (const struct entry *e = p->first; e < p->end; e++) {
		const char *meant = is_common(e) || is_for(e, c->driver)
			? NULL : name_misspelt_driver(c->rules, e->p.driver);
		const char *file = meant ? show(c, e) : NULL;

		if (!meant)
			continue;
		if (!file || !finding_add(c->findings, 0, "driver", c->scan->component, p->version, file,
				"'%s' is for a driver '%.*s'; '%s' may be meant", file,
				(int)e->p.driver.len, e->p.driver.p, meant))
			return error_nomem(c->err);
	}
	return 0;
}

static int complain_no_body(const struct pick_context *c, const struct pick *p)
{
	const char *file = show(c, p->first);
	struct dunlin_finding *f = file ? finding_add(c->findings, DUNLIN_EXIT_INVALID, "driver",
		c->scan->component, p->version, file, "migration '%s' has no body for driver '%s'",
		p->version, c->driver) : NULL;

	if (!f)
		return error_nomem(c->err);
	finding_hint(c->findings, f,
	             "The word '%.*s' in '%s' is a driver's name; add the file for '%s', or a common one without a driver's name.",
	             (int)p->first->p.driver.len, p->first->p.driver.p, file, c->driver);
	return 0;
}

int pick_files(const struct pick_context *c, struct pick *p)
{
	if (check(c, p) < 0 || warn_misspelt(c, p) < 0)
		return -1;
	choose(p, c->driver);
	/* Without a driver in use the first file that has a body stands for all. */
	for (const struct entry *e = p->first; !is_asked(c->driver) && !has_body(p) && e < p->end; e++)
		if (e->p.role <= SCRIPT_UP)
			p->use[e->p.role] = e;
	if (has_body(p))
		return 0;
	p->use[p->first->p.role] = p->first;
	if (p->is_bad)
		return 0;
	p->is_bad = 1;
	return complain_no_body(c, p);
}
