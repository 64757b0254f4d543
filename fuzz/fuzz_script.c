/*
 * fuzz_script.c - migration files from anywhere: whatever is loaded is read
 * again as it was counted, is kept as it was meant, and has sums that a
 * checkout on another system does not change.
 *
 * The input's first byte chooses: bits 0-1 the dialect, 2-3 the role, 4 parse,
 * 5 repeatable.  The rest is the file.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "script.h"
#include "txcontrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hold(int held, const char *what, const struct dunlin_error *err)
{
	if (held)
		return;
	fprintf(stderr, "%s: %s\n", what, err ? err->message : "");
	abort();
}

static const char *value_of(void *arg, const char *name, size_t len)
{
	static const struct { const char *name, *value; } values[] = {
		{ "a", "anna" }, { "two", "SELECT 1; SELECT 2" }, { "looks", "${a}" }, { "dollar", "$" },
		{ "env.A", "/home" }, { "env.B", "SELECT 3; SELECT 4" }, { "none", "" },
	};

	(void)arg;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (strlen(values[i].name) == len && memcmp(values[i].name, name, len) == 0)
			return values[i].value;
	return NULL;
}

static struct input memory(const char *p, size_t len)
{
	return (struct input){ .name = "a.sql", .data = p, .len = len };
}

/* The statements as text; -1 where a down waits for an environment. */
static int read_section(const struct script_env *env, const struct script_section *sec, struct buf *b)
{
	struct dunlin_error err = { 0 };
	struct script_reader *r;
	struct script_statement st;
	uint64_t n = 0, n_own = 0;
	uint32_t traits = 0;
	const char *p;
	size_t len, skip;
	int rc = script_reader_open(&r, env, sec, &err);

	while (rc >= 0 && (rc = script_reader_next(r, &st, &err)) > 0) {
		must_hold(st.index == (int64_t)n, "index", NULL);
		must_hold(st.st.line >= sec->line, "line", NULL);
		/* Comments before a directive are not part of the statement behind it;
		 * where the line has become an empty one they are. */
		skip = statement_lead(env->dialect, st.st.text, st.st.len);
		buf_addf(b, "%d%d[", st.is_own_tx, st.is_edge);
		buf_add(b, st.st.text + skip, st.st.len - skip);
		buf_adds(b, "]");
		if (st.st.has_data && n % 2 == 0)
			while ((rc = script_reader_copy_data(r, &p, &len, &err)) > 0)
				buf_add(b, p, len);
		n++;
		n_own += (uint64_t)st.is_own_tx;
		traits |= st.st.traits;
	}
	script_reader_close(r);
	if (rc < 0 && strncmp(err.message, "unknown placeholder '${env.", 27) == 0)
		return -1;
	/* A value that splits a statement, known when it runs and not before. */
	if (rc < 0 && sec->d.has_placeholders && strstr(err.message, "changed while"))
		return -1;
	must_hold(rc == 0, "reading again", &err);
	must_hold(n == sec->n_split && n - n_own == sec->n_statements, "counts", NULL);
	must_hold(traits == sec->traits, "traits", NULL);
	return 0;
}

static void check_section(const struct script_env *env, const struct script_section *sec, size_t size)
{
	struct buf b = BUF_INIT;
	struct dunlin_error err = { 0 };
	char sum[SHA256_TEXT];
	int rc;

	must_hold(sec->off <= sec->end && sec->end <= size && sec->line > 0, "place", NULL);
	must_hold(sec->lead_end <= (int64_t)sec->n_split && sec->trail_start <= (int64_t)sec->n_split, "edges", NULL);
	rc = read_section(env, sec, &b);
	if (rc == 0)
		must_hold(script_prefix_sum(env, sec, (int64_t)sec->n_split, sum, &err) == 0, "prefix", &err);
	buf_clear(&b);
}

/* A kept down reads as the file's does. */
static void check_down(const struct script_env *env, const struct script *s, struct arena *a)
{
	const struct script_section *sec = &s->section[SECTION_DOWN], *again;
	struct script_env from_ledger = *env;
	struct dunlin_error err = { 0 };
	struct script reread = { 0 };
	struct buf want = BUF_INIT, got = BUF_INIT;
	char *kept = NULL;
	struct input in;
	size_t len;

	if (read_section(env, sec, &want) < 0)
		goto out;
	must_hold(script_down_text(env, s, &kept, &len, &err) == 0, "keeping", &err);
	from_ledger.is_from_ledger = 1;
	in = memory(kept, len);
	must_hold(script_load(&reread, a, &from_ledger, &in, SCRIPT_SINGLE, &err) == 0, "loading what was kept", &err);
	again = &reread.section[SECTION_DOWN];
	must_hold(read_section(&from_ledger, again, &got) == 0, "reading what was kept", NULL);
	must_hold(got.len == want.len && (got.len == 0 || memcmp(got.p, want.p, got.len) == 0), "statements kept", NULL);
	must_hold(again->d.n_text == sec->d.n_text, "directives kept", NULL);
	for (size_t i = 0; i < sec->d.n_text; i++)
		must_hold(strcmp(again->d.text[i], sec->d.text[i]) == 0, "a directive kept", NULL);
	must_hold(again->begin_index == sec->begin_index && again->commit_index == sec->commit_index, "transaction kept", NULL);
out:
	mem_free(kept);
	buf_clear(&want);
	buf_clear(&got);
}

/* A DELIMITER may hold a quote that is never closed, and then the CR is in it. */
static int has_delimiter(const struct script_env *env, const char *text, size_t size)
{
	if (!(env->dialect->lex & DUNLIN_LEX_DELIMITER))
		return 0;
	for (size_t i = 0; i + 9 <= size; i++)
		if (strncasecmp(text + i, "delimiter", 9) == 0)
			return 1;
	return 0;
}

/* The same file with CRLF has the same sums. */
static void check_line_ends(const struct script_env *env, const struct script *s, struct arena *a,
                            const char *text, size_t size, enum script_role role)
{
	struct dunlin_error err = { 0 };
	struct script other = { 0 };
	struct buf b = BUF_INIT;
	struct input in;

	if (memchr(text, '\r', size) || has_delimiter(env, text, size))
		return;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			buf_addc(&b, '\r');
		buf_addc(&b, text[i]);
	}
	in = memory(b.p, b.len);
	must_hold(script_load(&other, a, env, &in, role, &err) == 0, "with CRLF", &err);
	must_hold(strcmp(other.checksum, s->checksum) == 0, "content with CRLF", NULL);
	must_hold(strcmp(other.statements_checksum, s->statements_checksum) == 0, "statements with CRLF", NULL);
	buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dunlin_dialect *const dialects[] = {
		&dunlin_dialect_sqlite, &dunlin_dialect_postgresql, &dunlin_dialect_mariadb, &dunlin_dialect_postgresql };
	struct dunlin_error err = { 0 };
	struct script_env env = { .placeholder = value_of };
	struct arena a = { 0 };
	struct script s = { 0 };
	enum script_role role;
	struct input in;

	if (size == 0)
		return 0;
	env.dialect = dialects[data[0] & 3];
	env.driver = env.dialect->name;
	role = (enum script_role)(data[0] >> 2 & 3);
	env.is_kept_raw = data[0] >> 4 & 1;
	env.is_repeatable = data[0] >> 5 & 1;
	in = memory((const char *)data + 1, size - 1);
	if (script_load(&s, &a, &env, &in, role, &err) == 0) {
		for (int k = 0; k < N_SECTIONS; k++)
			if (s.section[k].is_present)
				check_section(&env, &s.section[k], size - 1);
		if (s.section[SECTION_DOWN].is_present && !env.is_kept_raw)
			check_down(&env, &s, &a);
		check_line_ends(&env, &s, &a, (const char *)data + 1, size - 1, role);
	} else {
		must_hold(err.message[0] != '\0' && err.code == DUNLIN_EXIT_INVALID, "an error says why", &err);
	}
	arena_clear(&a);
	return 0;
}
