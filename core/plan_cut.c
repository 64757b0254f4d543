/*
 * plan_cut.c - the parts of a migration outside a transaction: which of its
 * statements commit by themselves, and which with the record of them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "error.h"
#include "plan_priv.h"

#include <string.h>

static const char together[] = "together", alone[] = "alone", block[] = "block", session[] = "session";

/* Does the BEGIN in run i hold up to its end?  Then *end is the run of that. */
static int is_block(const struct script_section *sec, uint64_t caps, size_t i, size_t *end)
{
	for (*end = i + 1; *end < sec->n_run; (*end)++) {
		int kind = sec->run[*end].kind;

		if (kind == TX_KIND_END)
			return (caps & DUNLIN_CAP_TX) != 0;
		if ((kind == TX_KIND_DDL || kind == TX_KIND_OTHER) && !(caps & DUNLIN_CAP_TX_DDL))
			return 0;
	}
	return 0;
}

static const char *commits(uint64_t caps, int kind)
{
	switch (kind) {
	case TX_KIND_DML:
		return (caps & DUNLIN_CAP_TX) && !(caps & DUNLIN_CAP_MIXED_TABLES) ? together : alone;
	case TX_KIND_DDL:
		return (caps & DUNLIN_CAP_TX) && (caps & DUNLIN_CAP_TX_DDL) ? together : alone;
	case TX_KIND_SETTING:
	case TX_KIND_BEGIN: /* of a block that cannot be kept: not sent */
	case TX_KIND_END:
		return session;
	default:
		return alone;
	}
}

/* Those of first..last that will run; one that goes on is made longer. */
static void add(struct plan_action *a, struct dunlin_segment *out, int64_t first, int64_t last, const char *how)
{
	struct dunlin_segment *before = a->pub.n_segment ? &out[a->pub.n_segment - 1] : NULL;

	if (first <= a->resume_index)
		first = a->resume_index + 1;
	if (last < first)
		return;
	if (before && before->commits == how && how != block)
		before->last = last;
	else
		out[a->pub.n_segment++] = (struct dunlin_segment){ first, last, how };
}

int plan_cut(struct planner *pl, struct plan_action *a)
{
	const struct script_section *sec = a->section;
	uint64_t caps = pl->facts->caps;
	struct dunlin_segment *out;
	int64_t n = 0;

	a->pub.segment = NULL;
	a->pub.n_segment = 0;
	if (!sec || a->pub.is_in_transaction || sec->n_run == 0)
		return 0;
	out = arena_alloc(&pl->p->arena, 2 * sec->n_run * sizeof *out); /* a block may leave a rest */
	if (!out)
		return error_nomem(pl->err);
	for (size_t i = 0, end; i < sec->n_run; i++) {
		int64_t first = n + 1;

		n += sec->run[i].n;
		if (sec->run[i].kind == TX_KIND_BEGIN && sec->run[i].n == 1 && is_block(sec, caps, i, &end)) {
			for (; i < end; n += sec->run[i].n)
				i++;
			/* END; END: the second is none of the block's */
			add(a, out, first, n - sec->run[i].n + 1, block);
			add(a, out, n - sec->run[i].n + 2, n, session);
			continue;
		}
		add(a, out, first, n, commits(caps, sec->run[i].kind));
	}
	a->pub.segment = out;
	return 0;
}
