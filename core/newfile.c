/*
 * newfile.c - the version that comes next.
 *
 * Versions are texts of any length, so counting is done on the digits.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "source.h"

#include "buf.h"
#include "error.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SEQUENCE_WIDTH = 3 };

/* The newest version of a component over all its sources, or NULL. */
static const struct migration *newest(const struct migration_set *set, const char *component)
{
	const struct migration *best = NULL;

	for (size_t i = 0; i < set->n; i++) {
		const struct migration *m = &set->m[i];

		if (m->kind == MIGRATION_VERSIONED && strcmp(m->component, component) == 0 &&
		    (!best || (m->key.scheme == best->key.scheme && version_cmp(&m->key, &best->key) > 0)))
			best = m;
	}
	return best;
}

/* Appends the decimal number plus one, at its width where it fits. */
static void add_next(struct buf *out, const char *p, size_t len)
{
	size_t start = out->len, i;

	buf_add(out, p, len);
	if (out->is_failed)
		return;
	for (i = out->len; i > start && out->p[i - 1] == '9'; i--)
		out->p[i - 1] = '0';
	if (i > start) {
		out->p[i - 1]++;
		return;
	}
	/* All were nines: a one goes before them. */
	if (buf_addc(out, '0') == 0)
		out->p[start] = '1';
}

/* "1" at a width. */
static void add_first(struct buf *out, size_t width)
{
	for (size_t i = 1; i < width; i++)
		buf_addc(out, '0');
	buf_addc(out, '1');
}

static int next_semver(struct buf *out, const struct version *last, const char *bump, struct dunlin_error *err)
{
	static const char *const bumps[] = { "major", "minor", "patch" };
	static const struct version zero = { .part = { { "0", 1 }, { "0", 1 }, { "0", 1 }, { "000", SEQUENCE_WIDTH } } };
	size_t at = 3;

	for (size_t i = 0; bump && i < 3; i++)
		if (strcmp(bump, bumps[i]) == 0)
			at = i;
	if (bump && at == 3)
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		                 "'%s' is none of patch, minor and major", bump);
	if (!last) {
		last = &zero;
		if (!bump)
			at = 0; /* a new project starts at 1.0.0-001 */
	}
	for (size_t i = 0; i < 4; i++) {
		const char *p = last->part[i].p;
		size_t len = last->part[i].len;

		if (i > 0)
			buf_addc(out, i == 3 ? '-' : '.');
		if (i < at)
			buf_add(out, p, len);
		else if (i == at)
			add_next(out, p, len);
		else if (i == 3)
			add_first(out, len);
		else
			buf_addc(out, '0');
	}
	return 0;
}

/* UTC now, but always after the last: two calls in one second, or a folder that
 * counts milliseconds, must not meet. */
static void next_timestamp(struct buf *out, const struct version *last, const struct tm *tm)
{
	char text[64];
	struct version v;

	snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02d", tm->tm_year + 1900, tm->tm_mon + 1,
	         tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec);
	buf_adds(out, text);
	if (!last)
		return;
	while (out->len < last->part[0].len && !out->is_failed)
		buf_addc(out, '0');
	if (out->is_failed || version_parse(&v, SCHEME_TIMESTAMP, out->p, out->len) < 0 || version_cmp(&v, last) > 0)
		return;
	buf_reset(out);
	add_next(out, last->part[0].p, last->part[0].len);
}

int version_next(const struct migration_set *set, const char *component, const char *bump, int64_t now,
                 char *out, size_t out_size, struct dunlin_error *err)
{
	const struct migration *m = newest(set, component);
	enum scheme scheme = m ? m->key.scheme : migration_set_scheme(set, component);
	const struct version *last = m ? &m->key : NULL;
	struct buf text = BUF_INIT;
	time_t t = (time_t)now;
	struct tm tm;
	int rc = 0;

	if (bump && scheme != SCHEME_SEMVER) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		          "--%s needs the scheme 'semver', and the folder's is '%s'", bump, scheme_name(scheme));
		error_hint(err, "Leave it out: `dunlin new` takes the next version, or --version the one you name.");
		return -1;
	}
	if (!gmtime_r(&t, &tm)) /* uncovered: a year beyond an int */
		return error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the clock's time is not a date");
	switch (scheme) {
	case SCHEME_AUTO:
	case SCHEME_SEMVER:
		rc = next_semver(&text, last, bump, err);
		break;
	case SCHEME_TIMESTAMP:
		next_timestamp(&text, last, &tm);
		break;
	case SCHEME_SEQUENCE:
		if (last)
			add_next(&text, last->part[0].p, last->part[0].len);
		else
			add_first(&text, SEQUENCE_WIDTH);
		break;
	case SCHEME_FILENAME:
		buf_addf(&text, "%04d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
		break;
	}
	if (rc == 0 && text.is_failed)
		rc = error_nomem(err);
	else if (rc == 0 && text.len >= out_size)
		rc = error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
		               "the next version has more than %zu bytes", out_size - 1);
	else if (rc == 0)
		memcpy(out, text.p, text.len + 1);
	buf_clear(&text);
	return rc;
}
