/*
 * plan_digest.c - one digest over all that a plan will do, so that a plan that
 * somebody read can be told from another.
 *
 * Each text is written with its length before it, so no two plans give the
 * same text.  What does not change what runs is left out: batch, reasons,
 * files' names.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "plan_priv.h"

#include <string.h>

/* printf() would be most of the time that a large plan takes. */
static void add_number(struct buf *b, uint64_t n, char end)
{
	char text[24];
	size_t at = sizeof text;

	text[--at] = end;
	do
		text[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	buf_add(b, text + at, sizeof text - at);
}

static void add_text(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	add_number(b, n, ':');
	buf_add(b, s, n);
}

static void add_action(struct buf *b, const struct plan_action *a)
{
	int runs_down = a->pub.kind == DUNLIN_ACTION_REVERT;
	const struct script *script = a->m && !runs_down ? &a->m->script : NULL;

	/* Where a statement was in flight, a look without the lock cannot tell what
	 * became of it: the plan is the same once it is settled. */
	int is_unsettled = a->row && row_in_flight(a->row, NULL, NULL) != 0;

	add_text(b, is_unsettled && !runs_down ? "resume" : a->pub.kind_name);
	add_text(b, a->pub.component);
	add_text(b, a->pub.version);
	add_text(b, script ? script->checksum : "");
	add_text(b, script ? script->statements_checksum : "");
	add_text(b, runs_down && a->section ? a->section->body_sum : "");
	add_text(b, is_unsettled ? "none" : a->pub.transaction);
	add_number(b, is_unsettled ? 0 : (uint64_t)a->pub.statements, ',');
	add_number(b, is_unsettled ? (uint64_t)a->row->statements_done + 1 : (uint64_t)a->pub.resume_at, ',');
	add_number(b, (uint64_t)a->shared_group, '\n');
}

int plan_digest(struct dunlin_plan *p)
{
	static const char title[] = "dunlin plan 1\n";
	struct buf b = BUF_INIT;
	struct sha256 h;
	int rc = 0;

	sha256_start(&h);
	sha256_add(&h, title, sizeof title - 1);
	for (size_t i = 0; i < p->n_action && rc == 0; i++) {
		buf_reset(&b);
		add_action(&b, &p->action[i]);
		rc = b.is_failed ? -1 : 0;
		if (rc == 0)
			sha256_add(&h, b.p, b.len);
	}
	if (rc == 0)
		sha256_text(&h, p->digest);
	buf_clear(&b);
	return rc;
}
