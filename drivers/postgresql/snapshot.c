/*
 * snapshot.c - the schema as a sorted list of facts.
 *
 * The words are those of the other databases' facts where they say the same
 * thing; docs/schema-facts.md has them all.  One query asks for everything
 * (snapshot_sql.c), in a transaction of its own or, inside of one, in a
 * savepoint: the settings that its texts depend on go with it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdlib.h>
#include <string.h>

#include "snapshot.h"
#include "words.h"

struct facts {
	char **fact;
	size_t n, cap;
	struct drv_text line, text; /* being built */
	struct drv_text def;
	struct dunlin_driver_error *err;
};

/* --- keeping facts ------------------------------------------------------------------ */

static int keep(struct facts *f)
{
	char *s = NULL;

	drv_text_reset(&f->text);
	if (!f->line.is_failed)
		pg_fact_escape(f->line.p ? f->line.p : "", f->line.len, &f->text);
	if (!f->text.is_failed)
		s = drv_strndup(f->text.p ? f->text.p : "", f->text.len);
	drv_text_reset(&f->line);
	if (!s || drv_grow(&f->fact, &f->cap, f->n + 1, sizeof *f->fact) < 0) {
		drv_free(s);
		return drv_nomem(f->err);
	}
	f->fact[f->n++] = s;
	return DUNLIN_OK;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An expression with just one pair of parentheses around it, or with none. */
static void add_expression(struct facts *f, const char *sql, size_t len, int has_parens)
{
	const char *p;
	size_t n;

	drv_text_reset(&f->def);
	pg_fact_canonical(sql, len, &f->def);
	f->line.is_failed |= f->def.is_failed;
	p = f->def.p ? f->def.p : "";
	n = f->def.p ? f->def.len : 0;
	if (n >= 2 && pg_fact_is_enclosed(p, n)) {
		p++;
		n -= 2;
	}
	drv_text_addf(&f->line, has_parens ? "(%.*s)" : "%.*s", (int)n, p);
}

static void add_type(struct facts *f, const char *type, size_t len)
{
	static const char own[] = "public.";
	size_t skip = len > sizeof own - 1 && strncmp(type, own, sizeof own - 1) == 0 ? sizeof own - 1 : 0;

	drv_text_add(&f->line, type + skip, len - skip);
}

/* head, def, mode, tail; len[] of what is not there is 0 */
static int row(struct facts *f, const char *const v[4], const size_t len[4])
{
	char mode = v[2] ? *v[2] : 0;

	if (!v[0] || (mode && !v[1])) /* of an object that went while it was read */
		return DUNLIN_OK;
	drv_text_add(&f->line, v[0], len[0]);
	switch (mode) {
	case PG_FACT_EXPR:
	case PG_FACT_WHERE:
		pg_fact_canonical(v[1], len[1], &f->line);
		break;
	case PG_FACT_PARENS:
	case PG_FACT_STRIP:
		add_expression(f, v[1], len[1], mode == PG_FACT_PARENS);
		break;
	case PG_FACT_TYPE:
		add_type(f, v[1], len[1]);
		break;
	case PG_FACT_RAW:
		drv_text_add(&f->line, v[1], len[1]);
		break;
	default:
		break;
	}
	if (v[3] && mode == PG_FACT_WHERE) {
		drv_text_adds(&f->line, " where ");
		add_expression(f, v[3], len[3], 0);
	} else if (v[3]) {
		drv_text_add(&f->line, v[3], len[3]);
	}
	return keep(f);
}

static int result(void *arg, const PGresult *res)
{
	int n = PQntuples(res), i, k, status = DUNLIN_OK;
	const char *v[4];
	size_t len[4];

	if (PQnfields(res) != 4) /* the settings */
		return DUNLIN_OK;
	for (i = 0; i < n && status == DUNLIN_OK; i++) {
		for (k = 0; k < 4; k++) {
			v[k] = PQgetisnull(res, i, k) ? NULL : PQgetvalue(res, i, k);
			len[k] = (size_t)PQgetlength(res, i, k);
		}
		status = row(arg, v, len);
	}
	return status;
}

/* --- asking --------------------------------------------------------------------------- */

/* What the texts would otherwise depend on; JIT would take longer than the query. */
static const char settings_sql[] =
	"SELECT pg_catalog.set_config('search_path', '', true), pg_catalog.set_config('quote_all_identifiers', 'off', true),"
	" pg_catalog.set_config('DateStyle', 'ISO, YMD', true), pg_catalog.set_config('IntervalStyle', 'postgres', true),"
	" pg_catalog.set_config('TimeZone', 'UTC', true), pg_catalog.set_config('extra_float_digits', '1', true),"
	" pg_catalog.set_config('bytea_output', 'hex', true), pg_catalog.set_config('lc_monetary', 'C', true),"
	" pg_catalog.set_config('jit', 'off', true)";

static void query_text(int version, const char *const *ignore, size_t n_ignore, struct drv_text *sql)
{
	struct drv_text list = { 0 };
	const char *glue = "";
	size_t i;

	for (i = 0; i < n_ignore; i++)
		pg_array_item(&list, ignore[i], strlen(ignore[i]));
	drv_text_adds(&list, n_ignore ? "}" : "{}");
	drv_text_adds(sql, "WITH ign AS (SELECT");
	if (list.is_failed)
		sql->is_failed = 1;
	else
		pg_text_literal(sql, list.p);
	drv_text_adds(sql, "::text[] AS names)");
	drv_text_adds(sql, pg_snapshot_with);
	for (i = 0; i < pg_snapshot_n_part; i++) {
		if (version < pg_snapshot_parts[i].min_version)
			continue;
		drv_text_adds(sql, glue);
		drv_text_adds(sql, pg_snapshot_parts[i].sql);
		glue = " UNION ALL ";
	}
	drv_text_clear(&list);
}

/* All of it in one message: one round trip. */
static int collect(struct dunlin_conn *c, struct facts *f, const char *const *ignore, size_t n_ignore)
{
	int is_own = PQtransactionStatus(c->pg) == PQTRANS_IDLE, status;
	const char *end = is_own ? "ROLLBACK" : "ROLLBACK TO SAVEPOINT dunlin_snapshot; RELEASE SAVEPOINT dunlin_snapshot";
	struct drv_text sql = { 0 };

	drv_text_adds(&sql, is_own ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "SAVEPOINT dunlin_snapshot");
	drv_text_addf(&sql, "; %s; ", settings_sql);
	query_text(PQserverVersion(c->pg), ignore, n_ignore, &sql);
	drv_text_addf(&sql, "; %s", end);
	status = sql.is_failed ? drv_nomem(f->err) : pg_simple(c, sql.p, result, f, f->err);
	/* An error is where the server stopped reading. */
	if (status != DUNLIN_OK && !c->is_lost && PQtransactionStatus(c->pg) == PQTRANS_INERROR)
		pg_simple(c, end, NULL, NULL, NULL);
	drv_text_clear(&sql);
	return status;
}

int pg_snapshot(struct dunlin_conn *c, const char *const *ignore, size_t n_ignore, dunlin_fact_fn *fact, void *arg,
                struct dunlin_driver_error *err)
{
	struct facts f = { .err = err };
	int status = pg_enter(c, err);
	size_t i;

	if (status == DUNLIN_OK)
		status = collect(c, &f, ignore, n_ignore);
	if (f.n)
		qsort(f.fact, f.n, sizeof *f.fact, compare);
	for (i = 0; i < f.n && status == DUNLIN_OK; i++)
		if (i == 0 || strcmp(f.fact[i - 1], f.fact[i]) != 0)
			status = fact(arg, f.fact[i], strlen(f.fact[i]));
	for (i = 0; i < f.n; i++)
		drv_free(f.fact[i]);
	drv_free(f.fact);
	drv_text_clear(&f.line);
	drv_text_clear(&f.text);
	drv_text_clear(&f.def);
	return status;
}
