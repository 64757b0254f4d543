/*
 * script_down.c - a down section as the ledger keeps it, so that it can be
 * rolled back without the folder: what has been decided (driver, values of
 * placeholders) is in the text, what is decided when it runs (${env.NAME}) is
 * not.
 *
 * Lines that go become empty ones: a statement that they stood in keeps its
 * text to the byte, and an error in it the line that it had in the file.
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

/* A line that goes, or the first of a block that does. */
struct gap { uint32_t line; int is_block; };

struct keeper {
	const struct script_env *env;
	const struct script_section *sec;
	struct feed feed;
	struct gap *gap;
	size_t n_gap, cap_gap;
	struct buf body;
};

/* Directives are either in the head of what is kept, or decided.  Those around
 * a statement stay. */
static int on_directive(void *arg, enum directive_kind kind, int is_skip, uint32_t line, struct dunlin_error *err)
{
	struct keeper *k = arg;

	if (kind == DIRECTIVE_STATEMENT_BEGIN)
		return 0;
	if (mem_grow(&k->gap, &k->cap_gap, k->n_gap, sizeof *k->gap) < 0)
		return error_nomem(err);
	k->gap[k->n_gap++] = (struct gap){ line, is_skip };
	return 0;
}

static int check_bytes(struct keeper *k, struct dunlin_error *err)
{
	char sum[SHA256_TEXT];

	if (feed_drain(&k->feed, err) < 0)
		return -1;
	feed_raw_text(&k->feed, sum);
	if (strcmp(sum, k->sec->body_sum) != 0)
		return section_changed(k->sec->in.name, "read", err);
	return 0;
}

/* Which lines are directives only the splitter knows, and it knows it of the
 * text as it runs: "$${" would open a quote. */
static int find_gaps(struct keeper *k, struct dunlin_error *err)
{
	int mode = k->sec->d.has_placeholders ? PLACEHOLDER_REPLACE_KNOWN : FEED_PLAIN, rc;
	struct section_scan scan = {
		.env = k->env, .file = k->sec->in.name, .feed = &k->feed, .seen = on_directive, .seen_arg = k };
	struct split_statement st;

	feed_hash_raw(&k->feed);
	rc = section_scan_open(&scan, k->sec->off, k->sec->end, k->sec->line, mode, err);
	while (rc >= 0 && (rc = section_scan_next(&scan, &st, err)) > 0)
		;
	section_scan_close(&scan);
	return rc < 0 ? -1 : check_bytes(k, err);
}

/* The same lines as they are kept. */
static int read_body(struct keeper *k, struct dunlin_error *err)
{
	int mode = k->sec->d.has_placeholders ? PLACEHOLDER_KEEP_ENV : FEED_PLAIN;
	char p[16384];
	long got;

	if (feed_restart(&k->feed, k->env, k->sec->in.name, k->sec->off, k->sec->end, k->sec->line, mode, err) < 0)
		return -1;
	feed_hash_raw(&k->feed);
	while ((got = feed_read(&k->feed, p, sizeof p, err)) > 0)
		if (buf_add(&k->body, p, (size_t)got) < 0)
			return error_nomem(err);
	return got < 0 ? -1 : check_bytes(k, err);
}

static int is_end_line(const char *p, size_t len)
{
	static const char lead[] = "-- dunlin:";
	size_t n = sizeof lead - 1;

	return len > n && memcmp(p, lead, n) == 0 && directive_is_end(p + n, len - n);
}

static int has_mark(const char *p, const char *end)
{
	return end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0;
}

static void assemble(const struct keeper *k, struct buf *out)
{
	const struct directives *d = &k->sec->d;
	const char *p = k->body.p ? k->body.p : "", *end = p + k->body.len;
	uint32_t line = k->sec->line;
	int is_in_block = 0;
	size_t g = 0;

	for (size_t i = 0; i < d->n_text; i++)
		buf_addf(out, "-- dunlin:%s\n", d->text[i]);
	/* A byte order mark belongs to the file, not to its text; one in the text
	 * must not become the file's. */
	if (k->sec->off == 0 && has_mark(p, end))
		p += 3;
	if (d->n_text == 0 && has_mark(p, end))
		buf_addc(out, '\n');
	for (; p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *next = nl ? nl + 1 : end;
		int is_gap = g < k->n_gap && k->gap[g].line == line;

		if (is_gap)
			is_in_block = k->gap[g++].is_block;
		if (!is_gap && !is_in_block)
			buf_add(out, p, (size_t)(next - p));
		else if (nl)
			buf_addc(out, '\n');
		if (!is_gap && is_in_block)
			is_in_block = !is_end_line(p, (size_t)(next - p));
		p = next;
	}
}

int script_down_text(const struct script_env *env, const struct script *s, char **out, size_t *len,
                     struct dunlin_error *err)
{
	struct keeper k = { .env = env, .sec = &s->section[SECTION_DOWN] };
	struct buf text = BUF_INIT;
	int rc;

	*out = NULL;
	*len = 0;
	if (!k.sec->is_present)
		return 0;
	if (feed_open(&k.feed, &k.sec->in, k.sec->off, err) < 0)
		return -1;
	rc = find_gaps(&k, err);
	if (rc == 0)
		rc = read_body(&k, err);
	if (rc == 0) {
		assemble(&k, &text);
		*len = text.len;
		*out = buf_take(&text);
		if (!*out) {
			*len = 0;
			rc = error_nomem(err);
		}
	}
	mem_free(k.gap);
	buf_clear(&k.body);
	feed_close(&k.feed);
	return rc;
}
