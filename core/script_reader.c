/*
 * script_reader.c - a loaded section's statements again, for running, and the
 * proof at the end that they are the bytes that were planned with.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "script.h"

#include "buf.h"
#include "error.h"
#include "feed.h"
#include "section.h"

#include <string.h>

struct script_reader {
	const struct script_section *sec;
	struct script_env env;
	struct feed feed;
	struct section_scan scan;
	int64_t n;         /* statements given                       */
	int     is_masked;
	struct buf text;   /* a statement of is_kept_raw, unmasked   */
};

int script_reader_open(struct script_reader **out, const struct script_env *env,
                       const struct script_section *sec, struct dunlin_error *err)
{
	struct script_reader *r = mem_zalloc(sizeof *r);
	int mode = section_mode(env, sec);

	*out = NULL;
	if (!r)
		return error_nomem(err);
	r->sec = sec;
	r->env = *env;
	r->is_masked = mode == PLACEHOLDER_MASK;
	if (feed_open(&r->feed, &sec->in, sec->off, err) < 0)
		goto fail;
	feed_hash_raw(&r->feed);
	r->scan = (struct section_scan){ .env = &r->env, .file = sec->in.name, .feed = &r->feed };
	/* In a long file of plain statements that is a good part of the work. */
	r->scan.is_traitless = env->is_plain_untold &&
		!(sec->traits & ~(DUNLIN_ST_DDL | DUNLIN_ST_DML | DUNLIN_ST_REPEATABLE));
	if (section_scan_open(&r->scan, sec->off, sec->end, sec->line, mode, err) < 0)
		goto fail;
	*out = r;
	return 0;
fail:
	script_reader_close(r);
	return -1;
}

/* Are the bytes off..end those that were loaded?  -1: cannot be read. */
static int is_same(struct script_reader *r, struct dunlin_error *err)
{
	char sum[SHA256_TEXT];

	if (feed_drain(&r->feed, err) < 0)
		return -1;
	feed_raw_text(&r->feed, sum);
	return strcmp(sum, r->sec->body_sum) == 0;
}

/* An error in a file that was loaded without one: did it change meanwhile?  err
 * keeps what it says unless that is proven. */
static int fail(struct script_reader *r, struct dunlin_error *err)
{
	if (is_same(r, NULL) == 0)
		section_changed(r->sec->in.name, "applied", err);
	return -1;
}

static int finish(struct script_reader *r, struct dunlin_error *err)
{
	int same = is_same(r, err);

	if (same < 0)
		return -1;
	/* The bytes may be the same and a placeholder's value not. */
	if (!same || (uint64_t)r->n != r->sec->n_split)
		return section_changed(r->sec->in.name, "applied", err);
	return 0;
}

static int unmask(struct script_reader *r, struct split_statement *st, struct dunlin_error *err)
{
	buf_reset(&r->text);
	if (buf_add(&r->text, st->text, st->len) < 0)
		return error_nomem(err);
	placeholder_unmask(r->text.p, r->text.len);
	st->text = r->text.p;
	return 0;
}

int script_reader_next(struct script_reader *r, struct script_statement *st, struct dunlin_error *err)
{
	const struct script_section *sec = r->sec;
	int rc;

	memset(st, 0, sizeof *st);
	rc = section_scan_next(&r->scan, &st->st, err);
	if (rc < 0)
		return fail(r, err);
	if (rc == 0)
		return finish(r, err);
	st->index = r->n++;
	st->is_own_tx = st->index == sec->begin_index || st->index == sec->commit_index;
	st->is_edge = (st->st.traits & DUNLIN_ST_EDGE) &&
	              (st->index < sec->lead_end || st->index >= sec->trail_start);
	if (r->is_masked && unmask(r, &st->st, err) < 0)
		return -1;
	return 1;
}

int script_reader_copy_data(struct script_reader *r, const char **p, size_t *n, struct dunlin_error *err)
{
	int rc = splitter_copy_data(r->scan.splitter, p, n, err);

	return rc < 0 ? fail(r, err) : rc;
}

void script_reader_close(struct script_reader *r)
{
	if (!r)
		return;
	section_scan_close(&r->scan);
	feed_close(&r->feed);
	buf_clear(&r->text);
	mem_free(r);
}

int script_prefix_sum(const struct script_env *env, const struct script_section *sec, int64_t k,
                      char out[SHA256_TEXT], struct dunlin_error *err)
{
	struct section_scan scan = { .env = env, .file = sec->in.name };
	struct split_statement st;
	struct sha256 norm;
	struct feed feed;
	int rc = feed_open(&feed, &sec->in, sec->off, err);

	if (rc < 0)
		return -1;
	sha256_start(&norm);
	scan.feed = &feed;
	scan.norm = &norm;
	rc = section_scan_open(&scan, sec->off, sec->end, sec->line, section_mode(env, sec), err);
	/* A file that has fewer than k has another digest than one with k. */
	for (int64_t i = 0; rc >= 0 && i < k; i++) {
		rc = section_scan_next(&scan, &st, err);
		if (rc == 0)
			break;
	}
	if (rc >= 0)
		sha256_text(&norm, out);
	section_scan_close(&scan);
	feed_close(&feed);
	return rc < 0 ? -1 : 0;
}
