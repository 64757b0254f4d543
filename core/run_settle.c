/*
 * run_settle.c - what became of a statement that was in flight when its run, or
 * the line, went: outside a transaction only the database itself can tell.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run.h"

#include <jansson.h>
#include <string.h>

struct memory { const char *p; size_t len, at; };

static long read_memory(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	struct memory *m = arg;
	size_t left = m->len - m->at;

	(void)err;
	if (n > left)
		n = left;
	if (n)
		memcpy(p, m->p + m->at, n);
	m->at += n;
	return (long)n;
}

int step_norm(struct sha256 *h, const struct dunlin_dialect *d, const char *sql, size_t len, struct dunlin_error *err)
{
	struct memory m = { sql, len, 0 };
	struct split_options o = { .dialect = d, .read = read_memory, .read_arg = &m, .norm = h, .file = "" };
	struct splitter *s = NULL;
	struct split_statement st;
	struct dunlin_error own;
	int rc = splitter_open(&s, &o, &own);

	if (rc == 0)
		while ((rc = splitter_next(s, &st, &own)) > 0)
			;
	splitter_close(s);
	/* A setting of the file's lets its text be read otherwise (a backslash that
	 * escapes nothing): it counts as it is. */
	if (rc < 0 && own.errclass == DUNLIN_CLASS_SYNTAX) {
		sha256_add(h, sql, len);
		rc = 0;
	}
	if (rc < 0 && err)
		*err = own;
	return rc;
}

int step_prefix(const struct script_env *env, const struct script_section *sec, int64_t n, char out[SHA256_TEXT],
                struct dunlin_error *err)
{
	struct script_reader *reader = NULL;
	struct script_statement st;
	struct sha256 h;
	int rc;

	if (script_reader_open(&reader, env, sec, err) < 0)
		return -1;
	sha256_start(&h);
	while ((rc = script_reader_next(reader, &st, err)) > 0 && st.index < n)
		if ((rc = step_norm(&h, env->dialect, st.st.text, st.st.len, err)) < 0)
			break;
	sha256_text(&h, out);
	script_reader_close(reader);
	return rc < 0 ? -1 : 0;
}

/* Are the statements that have run, and the one in flight, still what they were? */
int step_unchanged(const struct script_env *env, const struct script_section *sec, const struct ledger_row *row)
{
	json_t *intent = json_loads(row->intent, 0, NULL);
	const char *want = json_string_value(json_object_get(intent, "prefix"));
	const char *hash = json_string_value(json_object_get(intent, "hash"));
	int64_t n = json_integer_value(json_object_get(intent, "n"));
	struct script_reader *reader = NULL;
	struct script_statement st;
	char sum[SHA256_TEXT];
	struct sha256 h, one;
	int rc = want ? script_reader_open(&reader, env, sec, NULL) : -1;
	int is_same = rc == 0;

	if (json_is_true(json_object_get(intent, "repeatable")))
		hash = NULL; /* it runs again, as the file has it now */
	sha256_start(&h);
	while (is_same && (rc = script_reader_next(reader, &st, NULL)) > 0 &&
	       (st.index < row->statements_done || (hash && st.index < n))) {
		if (st.index < row->statements_done) {
			is_same = step_norm(&h, env->dialect, st.st.text, st.st.len, NULL) == 0;
		} else if (st.index == n - 1) {
			sha256_start(&one);
			is_same = step_norm(&one, env->dialect, st.st.text, st.st.len, NULL) == 0;
			sha256_text(&one, sum);
			is_same = is_same && strcmp(sum, hash) == 0;
		}
	}
	sha256_text(&h, sum);
	is_same = is_same && rc >= 0 && strcmp(sum, want) == 0;
	script_reader_close(reader);
	json_decref(intent);
	return is_same;
}

/* "a1b2:": where the answer was seen.  The length of that, 0 where it is not told. */
static size_t context_of(const char *answer)
{
	size_t n = strspn(answer, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return answer[n] == ':' ? n : 0;
}

/* An answer that is empty is none; those of different contexts say nothing about
 * each other. */
static int is_comparable(const char *a, const char *b)
{
	size_t n = context_of(a);

	return a[0] && n == context_of(b) && memcmp(a, b, n) == 0;
}

/* What the file had set by then decides which object a name means. */
static int replay(struct session *s, const struct split_statement *st)
{
	const struct dunlin_step step = {
		.struct_size = sizeof step, .kind = DUNLIN_STEP_STATEMENT, .traits = st->traits, .sql = st->text,
		.sql_len = st->len, .expect_rows = -1, .lock_timeout_ms = -1, .statement_timeout_ms = -1,
	};

	return s->drv->exec(s->conn, &step, session_error(s)) == DUNLIN_OK;
}

static int is_setting(const struct session *s, const struct split_statement *st)
{
	const uint32_t setting = DUNLIN_ST_SESSION | DUNLIN_ST_PREAMBLE;

	return (st->traits & (setting | DUNLIN_ST_NO_TX)) == setting && session_has(s, DUNLIN_CAP_RESET_SESSION);
}

/* The session as it was before; what the probe said of the line stays. */
static int reset(struct session *s, int out)
{
	struct dunlin_driver_error keep = s->de;

	if (s->drv->reset_session(s->conn, session_error(s)) != DUNLIN_OK)
		return SETTLED_UNKNOWN;
	s->de = keep;
	return out;
}

int step_settle(struct session *s, const struct script_env *env, const struct script_section *sec,
                const struct ledger_row *row)
{
	json_t *intent = json_loads(row->intent, 0, NULL);
	int64_t n = json_integer_value(json_object_get(intent, "n"));
	const char *hash = json_string_value(json_object_get(intent, "hash"));
	const char *before = json_string_value(json_object_get(intent, "probe"));
	int is_repeatable = json_is_true(json_object_get(intent, "repeatable"));
	struct script_reader *reader = NULL;
	struct script_statement st;
	char sum[SHA256_TEXT], answer[STEP_PROBE_SIZE];
	struct sha256 h;
	int rc, is_replayed = 0, out = SETTLED_UNKNOWN;

	if (!hash)
		out = SETTLED_NOT_RUN; /* nothing was in flight */
	else if (is_repeatable)
		out = SETTLED_NOT_RUN; /* running it twice is running it once */
	if (!hash || is_repeatable || !before || !before[0] || !session_has(s, DUNLIN_CAP_PROBE) ||
	    script_reader_open(&reader, env, sec, NULL) < 0)
		goto out;
	while ((rc = script_reader_next(reader, &st, NULL)) > 0 && st.index + 1 < n) {
		if (!is_setting(s, &st.st))
			continue;
		is_replayed = 1;
		if (!replay(s, &st.st))
			goto out;
	}
	if (rc <= 0)
		goto out;
	sha256_start(&h);
	if (step_norm(&h, env->dialect, st.st.text, st.st.len, NULL) < 0)
		goto out;
	sha256_text(&h, sum);
	if (strcmp(sum, hash) != 0)
		goto out;
	if (s->drv->probe(s->conn, st.st.text, st.st.len, answer, sizeof answer, session_error(s)) == DUNLIN_OK &&
	    is_comparable(answer, before))
		out = strcmp(answer, before) == 0 ? SETTLED_NOT_RUN : SETTLED_RAN;
out:
	if (is_replayed)
		out = reset(s, out);
	script_reader_close(reader);
	json_decref(intent);
	return out;
}
