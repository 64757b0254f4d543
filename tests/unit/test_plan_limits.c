/*
 * test_plan_limits.c - the planner without memory, with a hundred thousand
 * migrations, and the digest that tells plans apart.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "plan_case.h"
#include "tap.h"

#include <nettle/sha2.h>
#include <string.h>
#include <time.h>

/* --- memory ------------------------------------------------------------------------- */

/* Between them these take every path that allocates. */
static const char *const starving[] = {
	"case up over components\n"
	"source - semver\nsource pkg semver\n"
	"finding 4 sum\n"
	"file 1.0.5-001 a up=3 notx\nfile 1.0.5-002 b requires=pkg@1.0.0-002\nfile 1.0.5-003 c sum=c2\n"
	"file 1.0.5-004 d requires=pkg@9.0.0-001\nfile 1.0.5-005 e requires=pkg@1.0.0-003\n"
	"file pkg@1.0.0-001 p\nfile pkg@1.0.0-002 q\nfile pkg@1.0.0-003 r requires=1.0.5-006\nfile 1.0.5-006 f\n"
	"file R-v v requires=R-w\nfile R-w w copy\n"
	"row 1.0.5-001 failed done=1/3 flight=2\nrow 1.0.5-003 applied\nrow 1.0.4-001 applied\nrow zoo@1 applied\n"
	"row pkg@0.1.0-001 failed dir=down done=1/2\nrow 1.0.4-002 running done=1/2\n"
	"facts same=no settled=unknown +read-only -lock -copy-in\n"
	"request up\n",
	"case nothing of it fits one transaction\n"
	"file 1.0.5-001 a up=3 notx\nfile 1.0.5-002 b up=2\nrow 1.0.5-001 failed done=1/3\n"
	"facts same=yes tables=users\nrequest up --transaction all\n",
	"case an existing schema\nfile 1.0.5-001 a\nfacts tables=users,goose_db_version\nrequest up --to 1.0.5-001\n",
	"case an unknown version\nsource - semver\nsource pkg semver\nfile 1.0.5-001 a\nfile pkg@1.0.5-003 p\n"
	"request up --to 1.0.5-003\n",
	"case an unknown component\nsource - semver\nsource pkg semver\nrequest up --to nope@1.0.5-003\n",
	"case a release\nfile 1.0.5-001 a\nrequest up --release 1.0.5\n",
	"case no release\nfile 1.0.5-001 a\nrequest up --release five\n",
	"case a baseline\nfile 1.0.5-001 a requires=pkg@1.0.0-001\nfile pkg@1.0.0-001 p\nfile 1.0.5-002 b\n"
	"row 1.0.5-002 applied\nrequest baseline --to 1.0.5-001\n",
	"case a rollback with dependants\n"
	"source - semver\nsource pkg semver\n"
	"file 1.0.5-001 a down=1\nfile 1.0.5-002 b down=1\n"
	"file pkg@1.0.0-001 p down=1 requires=1.0.5-002\nfile pkg@1.0.0-002 q\n"
	"row 1.0.5-001 applied\nrow 1.0.5-002 applied keeps=2 differs\nrow pkg@1.0.0-001 applied\n"
	"row pkg@1.0.0-002 baseline\nrow 1.0.6-001 applied\nrow 1.0.6-002 failed\nrow 1.0.6-003 failed done=1/2\n"
	"request rollback --to 1.0.5-001\n",
	"case the last batch\nfile 1.0.5-001 a down=1\nfile 1.0.5-002 b down=2 down-notx\nrow 1.0.5-001 applied\n"
	"row 1.0.5-002 failed dir=down done=1/2\nfacts same=yes\nrequest rollback\n",
	"case a batch that is required\nfile 1.0.5-001 a down=1\nfile 1.0.6-001 b down=1 requires=1.0.5-001\n"
	"row 1.0.5-001 applied batch=1\nrow 1.0.6-001 applied batch=2\nrequest rollback --batch 1\n",
	"case a reset\nfile 1.0.5-001 a down=1\nfile R-v v\nrow 1.0.5-001 applied\nrow R-v applied\nrow 1.0.4-001 applied\n"
	"request reset --transaction all\n",
	"case a redo\nfile 1.0.5-001 a down=1\nrow 1.0.5-001 applied\nrequest redo\n",
	"case a release to go back to\nfile 1.0.5-001 a down=1\nfile 1.0.6-001 b down=1\nrow 1.0.5-001 applied\n"
	"row 1.0.6-001 applied\nrequest rollback --release 1.0.5\n",
	"case only one\nfile 1.0.5-001 a down=1\nrow 1.0.5-001 applied\nrequest rollback --only 1.0.5-001\n",
};

/* Leaves room for `left` more pieces in the arena's block, so that any later
 * one may be what needs a new block. */
static void fill_arena(struct arena *a, size_t left)
{
	static size_t fits; /* pieces in a block */

	if (fits == 0) {
		struct arena probe = { 0 };

		mem_fail_at(2, 1);
		while (arena_alloc(&probe, 1))
			fits++;
		mem_fail_at(0, 0);
		arena_clear(&probe);
	}
	for (size_t i = left; i < fits; i++)
		arena_alloc(a, 1);
}

/* The outcome with the k-th allocation failing: as without, or out of memory. */
static int outcome_holds(struct plan_case *c, const char *want, unsigned long k, int forever, size_t left)
{
	struct dunlin_plan p = { 0 };
	struct dunlin_error err = { 0 };
	struct buf got = BUF_INIT;
	unsigned long used;
	int rc;

	if (left)
		fill_arena(&p.arena, left);

	mem_fail_at(k, forever);
	rc = plan_build(&p, &c->set, &c->h, &c->facts, &c->req, &err);
	used = mem_count();
	mem_fail_at(0, 0);
	if (rc == 0)
		plan_case_show(c, &p, &got);
	else
		buf_addf(&got, "error %d: %s\n", err.code, err.message);
	if (rc == 0 || strcmp(err.message, "out of memory") != 0)
		TAP_EQ_STR(got.p, want);
	else
		TAP_OK(used >= k);
	buf_clear(&got);
	plan_clear(&p);
	return used >= k; /* it got so far as to fail */
}

static void without_memory(void)
{
	unsigned long n = 0;

	for (size_t i = 0; i < sizeof starving / sizeof *starving; i++) {
		const char *at = starving[i];
		struct buf want = BUF_INIT;
		struct plan_case c;
		unsigned long k;

		if (!TAP_OK(plan_case_read(&c, &at)))
			return;
		plan_case_run(&c, &want);
		for (int forever = 0; forever < 2; forever++, n += k) {
			for (k = 1; outcome_holds(&c, want.p, k, forever, 0); k++)
				;
			TAP_OK(k > 1);
		}
		for (size_t left = 1; left < 200; left += 3, n += k)
			for (k = 1; outcome_holds(&c, want.p, k, 0, left); k++)
				;
		buf_clear(&want);
		plan_case_clear(&c);
	}
	tap_note("%lu allocations failed in turn", n);
}

static void select_without_memory(void)
{
	for (size_t i = 0; i < sizeof starving / sizeof *starving; i++) {
		const char *at = starving[i];
		struct plan_case c;
		struct ledger_row **row = NULL;
		struct dunlin_error err;
		size_t n = 0, want_n;
		int rc, want;
		unsigned long k = 1, used;

		if (!TAP_OK(plan_case_read(&c, &at)))
			return;
		want = plan_select_reverts(&c.set, &c.h, &c.req, &row, &want_n, &err);
		mem_free(row);
		do {
			mem_fail_at(k, 0);
			rc = plan_select_reverts(&c.set, &c.h, &c.req, &row, &n, &err);
			used = mem_count();
			mem_fail_at(0, 0);
			if (rc == 0)
				TAP_EQ_INT(n, want_n);
			else
				TAP_OK(row == NULL && n == 0 && (want < 0 || strcmp(err.message, "out of memory") == 0));
			mem_free(row);
		} while (used >= k++);
		TAP_EQ_INT(rc, want);
		plan_case_clear(&c);
	}
}

/* --- which downs to read --------------------------------------------------------------- */

static void show_reverts(const char *text, const char *want)
{
	struct plan_case c;
	struct ledger_row **row;
	struct buf got = BUF_INIT;
	struct dunlin_error err;
	size_t n;

	if (!TAP_OK(plan_case_read(&c, &text)) ||
	    !TAP_EQ_INT(plan_select_reverts(&c.set, &c.h, &c.req, &row, &n, &err), 0))
		return;
	buf_reserve(&got, 1);
	for (size_t i = 0; i < n; i++)
		buf_addf(&got, "%s%s", i ? " " : "", row[i]->version);
	TAP_EQ_STR(got.p, want);
	mem_free(row);
	buf_clear(&got);
	plan_case_clear(&c);
}

static void selects_reverts(void)
{
	static const char rows[] =
		"case rows\nfile 1.0.5-001 a\nfile 1.0.5-002 b\nfile 1.0.6-001 c\n"
		"row 1.0.5-001 applied batch=1 order=1\nrow 1.0.6-001 applied batch=2 order=2\n"
		"row 1.0.5-002 applied batch=2 order=3\n";
	static const struct { const char *more, *want; } cases[] = {
		{ "request rollback\n", "1.0.5-002 1.0.6-001" },
		{ "request down\n", "1.0.5-002" },
		{ "request rollback --all\n", "1.0.5-002 1.0.6-001 1.0.5-001" },
		{ "request reset\n", "1.0.5-002 1.0.6-001 1.0.5-001" },
		{ "request reset --drop\n", "" },
		{ "request redo\n", "1.0.5-002" },
		{ "request up\n", "" },
		{ "request rollback --only 1.0.5-001\n", "1.0.5-001" },
		/* A row without a file may require it: its kept down tells. */
		{ "row pkg@1.0.0-001 applied batch=1 order=9\nrequest rollback --only 1.0.5-001\n",
		  "1.0.0-001 1.0.5-002 1.0.6-001 1.0.5-001" },
		{ "row pkg@1.0.0-001 applied batch=1 order=9\nrequest rollback\n", "1.0.5-002 1.0.6-001" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf text = BUF_INIT;

		buf_addf(&text, "%s%s", rows, cases[i].more);
		show_reverts(text.p, cases[i].want);
		buf_clear(&text);
	}
}

/* --- the digest -------------------------------------------------------------------------- */

static void digest_of(const char *text, char out[SHA256_TEXT])
{
	struct dunlin_plan p = { 0 };
	struct plan_case c;
	struct dunlin_error err;

	out[0] = '\0';
	if (TAP_OK(plan_case_read(&c, &text)) && TAP_EQ_INT(plan_build(&p, &c.set, &c.h, &c.facts, &c.req, &err), 0))
		memcpy(out, p.digest, SHA256_TEXT);
	plan_clear(&p);
	plan_case_clear(&c);
}

/* The text under the digest, from the outside: a plan that somebody kept must
 * still be recognised by the next version. */
static void digest_is_frozen(void)
{
	static const char empty[] = "dunlin plan 1\n";
	static const char one[] = "dunlin plan 1\n5:apply0:9:1.0.5-0012:c22:s20:3:own3,1,0\n";
	static const char down[] = "dunlin plan 1\n6:revert0:9:1.0.5-0010:0:7:keeps-23:own2,1,0\n";
	const struct { const char *text, *content; } cases[] = {
		{ "case empty\nrequest up\n", empty },
		{ "case one\nfile 1.0.5-001 a up=3 sum=c2 stmts=s2\nrequest up\n", one },
		{ "case down\nrow 1.0.5-001 applied keeps=2\nrequest down\n", down },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sha256_ctx ctx;
		uint8_t raw[SHA256_DIGEST_SIZE];
		char got[SHA256_TEXT], want[SHA256_TEXT] = "sha256:";

		sha256_init(&ctx);
		sha256_update(&ctx, strlen(cases[i].content), (const uint8_t *)cases[i].content);
		nettle_sha256_digest(&ctx, sizeof raw, raw);
		for (size_t k = 0; k < sizeof raw; k++)
			snprintf(want + 7 + 2 * k, 3, "%02x", raw[k]);
		digest_of(cases[i].text, got);
		TAP_EQ_STR(got, want);
	}
}

static void digest_tells(void)
{
	static const char base[] = "case base\nfile 1.0.5-001 a up=3\nfile 1.0.5-002 b notx\nrequest up\n";
	static const struct { const char *text; int same; } cases[] = {
		{ base, 1 },
		{ "case another batch\nfile 1.0.5-001 a up=3\nfile 1.0.5-002 b notx\nbatch-max 7\nrequest up\n", 1 },
		{ "case another name and reason\nfile 1.0.5-001 z up=3\nfile 1.0.5-002 b notx\nrequest up --to 1.0.5-002\n", 1 },
		{ "case content\nfile 1.0.5-001 a up=3 sum=c2\nfile 1.0.5-002 b notx\nrequest up\n", 0 },
		{ "case comments\nfile 1.0.5-001 a up=3 sum=c2 stmts=c\nfile 1.0.5-002 b notx\nrequest up\n", 0 },
		{ "case fewer\nfile 1.0.5-001 a up=3\nfile 1.0.5-002 b notx\nrequest up --count 1\n", 0 },
		{ "case transaction\nfile 1.0.5-001 a up=3\nfile 1.0.5-002 b\nrequest up\n", 0 },
		{ "case statements\nfile 1.0.5-001 a up=4\nfile 1.0.5-002 b notx\nrequest up\n", 0 },
		{ "case resumed\nfile 1.0.5-001 a up=3\nfile 1.0.5-002 b notx\nrow 1.0.5-001 failed done=1/3\nrequest up\n", 0 },
		{ "case baseline\nfile 1.0.5-001 a up=3\nfile 1.0.5-002 b notx\nrequest baseline --to 1.0.5-002\n", 0 },
		{ "case elsewhere\nfile p@1.0.5-001 a up=3\nfile p@1.0.5-002 b notx\nrequest up\n", 0 },
	};
	char want[SHA256_TEXT], got[SHA256_TEXT];

	digest_of(base, want);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		digest_of(cases[i].text, got);
		if (!TAP_EQ_INT(strcmp(got, want) == 0, cases[i].same))
			tap_note("in case %zu", i);
	}
}

/* --- very many ---------------------------------------------------------------------------- */

enum { MANY = 100000 };

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* n files, in order or backwards; each but the first requires the one before. */
static void make_many(struct plan_case *c, size_t n, int is_backwards)
{
	static const char start[] = "case many\nrequest up\n";
	const char *at = start;

	plan_case_read(c, &at);
	c->set.m = mem_zalloc(n * sizeof *c->set.m);
	for (size_t i = 0; i < n; i++) {
		struct migration *m = &c->set.m[is_backwards ? n - 1 - i : i];
		struct script_section *section = arena_alloc(&c->arena, N_SECTIONS * sizeof *section);
		struct script_section *up = &section[SECTION_UP];

		m->script.section = section;
		m->component = "";
		m->version = arena_printf(&c->arena, "1.%zu.%zu-%zu", i / 10000, i / 100 % 100, i % 100);
		m->name = m->file = "many";
		version_parse(&m->key, SCHEME_SEMVER, m->version, strlen(m->version));
		snprintf(m->script.checksum, SHA256_TEXT, "sha256:%064zu", i);
		snprintf(m->script.statements_checksum, SHA256_TEXT, "sha256:%064zu", i);
		*up = (struct script_section){ .is_present = 1, .n_statements = 1, .n_split = 1,
		                               .begin_index = -1, .commit_index = -1 };
		section[SECTION_DOWN] = *up;
		if (i > 0) {
			up->d.require = arena_alloc(&c->arena, sizeof *up->d.require);
			up->d.require[0] = arena_printf(&c->arena, "1.%zu.%zu-%zu", (i - 1) / 10000, (i - 1) / 100 % 100,
			                                (i - 1) % 100);
			up->d.n_require = 1;
		}
	}
	c->set.n = c->set.cap = n;
}

static void apply_many(struct plan_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ledger_row *row = history_add(&c->h);

		row->version = c->set.m[i].version;
		row->checksum = c->set.m[i].script.checksum;
		row->statements_checksum = c->set.m[i].script.statements_checksum;
		row->batch = 1;
		row->apply_order = (int64_t)i + 1;
	}
	c->h.has_ledger = 1;
	c->h.batch_max = 1;
}

static void plan_many(struct plan_case *c, const char *what, size_t want)
{
	struct dunlin_plan p = { 0 };
	struct dunlin_error err;
	double start = seconds(), took;

	if (!TAP_EQ_INT(plan_build(&p, &c->set, &c->h, &c->facts, &c->req, &err), 0))
		tap_note("%s", err.message);
	took = seconds() - start;
	tap_note("%s: %.0f ms", what, took * 1000);
	TAP_EQ_INT(p.n_action, want);
	TAP_EQ_INT(p.findings.n, 0);
	TAP_OK(took < 5); /* a search for each would take minutes */
	plan_clear(&p);
}

static void many(void)
{
	struct plan_case c;

	make_many(&c, MANY, 0);
	plan_many(&c, "up, nothing applied", MANY);
	apply_many(&c, MANY);
	plan_many(&c, "up, all applied", 0);
	c.req = (struct dunlin_request){ .op = DUNLIN_OP_ROLLBACK, .to = c.set.m[9].version };
	plan_many(&c, "rollback to the tenth", MANY - 10);
	c.req = (struct dunlin_request){ .op = DUNLIN_OP_RESET };
	plan_many(&c, "reset", 2 * MANY);
	plan_case_clear(&c);
	make_many(&c, MANY, 1);
	plan_many(&c, "up, files in the wrong order", MANY);
	plan_case_clear(&c);
}

/* So many that each of the planner's tables has an allocation of its own. */
static void many_without_memory(void)
{
	enum { N = 9000 };
	static const struct { size_t n_applied; struct dunlin_request req; } cases[] = {
		{ 0, { .op = DUNLIN_OP_UP } },
		{ N, { .op = DUNLIN_OP_UP } },
		{ 0, { .op = DUNLIN_OP_BASELINE, .to = "1.0.0-5" } },
		{ N, { .op = DUNLIN_OP_ROLLBACK } },
		{ N, { .op = DUNLIN_OP_REDO } },
		{ N, { .op = DUNLIN_OP_RESET } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct plan_case c;
		unsigned long k = 0;
		size_t want;
		int rc;

		make_many(&c, N, 0);
		apply_many(&c, cases[i].n_applied);
		c.req = cases[i].req;
		for (want = 0, rc = -1; rc < 0 && k < 2000; k++) {
			struct dunlin_plan p = { 0 };
			struct dunlin_error err = { 0 };

			mem_fail_at(k + 1, 1);
			rc = plan_build(&p, &c.set, &c.h, &c.facts, &c.req, &err);
			mem_fail_at(0, 0);
			if (rc < 0)
				TAP_EQ_STR(err.message, "out of memory");
			want = p.n_action;
			plan_clear(&p);
		}
		TAP_EQ_INT(rc, 0);
		TAP_OK(k > 10);
		TAP_EQ_INT(want, cases[i].req.op == DUNLIN_OP_RESET ? 2 * N : cases[i].req.op == DUNLIN_OP_REDO ? 2 :
		           cases[i].req.op == DUNLIN_OP_BASELINE ? 6 : cases[i].n_applied && i == 1 ? 0 : N);
		plan_case_clear(&c);
	}
}

/* Deeper than any stack would bear. */
static void deep(void)
{
	static const char start[] = "case deep\nrequest up\n";
	struct dunlin_plan p = { 0 };
	struct dunlin_error err;
	struct plan_case c;
	const char *at = start;

	plan_case_read(&c, &at);
	c.set.m = mem_zalloc(MANY * sizeof *c.set.m);
	for (size_t i = 0; i < MANY; i++) {
		struct migration *m = &c.set.m[i];
		struct script_section *section = arena_alloc(&c.arena, N_SECTIONS * sizeof *section);
		struct script_section *up = &section[SECTION_UP];

		m->script.section = section;
		m->component = "";
		m->kind = MIGRATION_REPEATABLE;
		m->version = arena_printf(&c.arena, "R-%06zu", i);
		m->name = m->file = "deep";
		up->d.require = arena_alloc(&c.arena, sizeof *up->d.require);
		up->d.require[0] = arena_printf(&c.arena, "R-%06zu", i + 1);
		up->d.n_require = i + 1 < MANY;
	}
	c.set.n = c.set.cap = MANY;
	TAP_EQ_INT(plan_build(&p, &c.set, &c.h, &c.facts, &c.req, &err), 0);
	TAP_EQ_INT(finding_code(&p.findings), DUNLIN_EXIT_INVALID);
	TAP_EQ_STR(p.findings.n ? p.findings.v[0].kind : "", "requires");
	plan_clear(&p);
	plan_case_clear(&c);
}

static void requires_has_place(void)
{
	static const uint32_t lines[] = { 0, 7 };
	static const char text[] = "case place\nfile 1.0.5-001 a requires=x@1,y@2\nrequest up\n";
	struct dunlin_plan p = { 0 };
	struct dunlin_error err;
	struct plan_case c;
	const char *at = text;

	plan_case_read(&c, &at);
	((struct script_section *)(uintptr_t)c.set.m[0].script.section)[SECTION_UP].d.line = lines;
	TAP_EQ_INT(plan_build(&p, &c.set, &c.h, &c.facts, &c.req, &err), 0);
	if (TAP_EQ_INT(p.findings.n, 2)) {
		TAP_EQ_STR(p.findings.v[1].file, "1.0.5-001-a.sql");
		TAP_EQ_INT(p.findings.v[0].line, 0);
		TAP_EQ_INT(p.findings.v[1].line, 7);
		TAP_EQ_STR(p.findings.v[1].version, "1.0.5-001");
	}
	plan_clear(&p);
	plan_case_clear(&c);
}

/* The revert before it has removed the row by then. */
static void redo_has_no_row(void)
{
	static const char text[] = "case redo\nfile 1.0.5-001 a down=1\nrow 1.0.5-001 applied batch=4\nrequest redo\n";
	struct dunlin_plan p = { 0 };
	struct dunlin_error err;
	struct plan_case c;
	const char *at = text;

	plan_case_read(&c, &at);
	TAP_EQ_INT(plan_build(&p, &c.set, &c.h, &c.facts, &c.req, &err), 0);
	if (TAP_EQ_INT(p.n_action, 2)) {
		TAP_OK(p.action[0].row == &c.h.row[0]);
		TAP_OK(p.action[1].row == NULL);
		TAP_EQ_INT(p.action[1].is_redo, 1);
		TAP_EQ_INT(p.action[1].pub.batch, 4);
	}
	plan_clear(&p);
	plan_case_clear(&c);
}

static void request_is_copied(void)
{
	static const char text[] = "case copy\nfile 1.0.5-001 a\nrequest up\n";
	char to[] = "1.0.5-001";
	struct dunlin_plan p = { 0 };
	struct dunlin_error err;
	struct plan_case c;
	const char *at = text;

	plan_case_read(&c, &at);
	c.req.to = to;
	TAP_EQ_INT(plan_build(&p, &c.set, &c.h, &c.facts, &c.req, &err), 0);
	memset(to, 'x', sizeof to - 1);
	TAP_EQ_STR(p.req.to, "1.0.5-001");
	plan_clear(&p);
	plan_case_clear(&c);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "plan_build_bears_every_failed_allocation", without_memory },
		{ "plan_select_reverts_bears_every_failed_allocation", select_without_memory },
		{ "plan_select_reverts_names_the_rows_whose_down_is_read", selects_reverts },
		{ "plan_digest_is_that_of_a_frozen_text", digest_is_frozen },
		{ "plan_digest_tells_plans_apart_and_ignores_what_does_not_run", digest_tells },
		{ "plan_takes_a_hundred_thousand_migrations_in_its_stride", many },
		{ "plan_of_many_bears_every_failed_allocation", many_without_memory },
		{ "plan_refuses_requirements_that_nest_too_deep", deep },
		{ "plan_names_file_and_line_of_an_unmet_requirement", requires_has_place },
		{ "plan_applies_again_what_has_no_row_any_more", redo_has_no_row },
		{ "plan_keeps_its_own_copy_of_the_request", request_is_copied },
	};

	return tap_main("plan_limits", tests, sizeof tests / sizeof *tests);
}
