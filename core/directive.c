/*
 * directive.c - directives as a table: name, what may follow, where it belongs.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "directive.h"

#include "buf.h"
#include "duration.h"
#include "error.h"
#include "nearest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const section_names[N_SECTIONS] = { "up", "down", "verify" };

enum argument { NO_ARGUMENT, ONE_VERSION, RANGE, DURATION, NAMES };

static const struct { const char *name; enum argument argument; } known[] = {
	[DIRECTIVE_UP]                = { "up", NO_ARGUMENT },
	[DIRECTIVE_DOWN]              = { "down", NO_ARGUMENT },
	[DIRECTIVE_VERIFY]            = { "verify", NO_ARGUMENT },
	[DIRECTIVE_ONLY]              = { "only", NAMES },
	[DIRECTIVE_EXCEPT]            = { "except", NAMES },
	[DIRECTIVE_END]               = { "end", NO_ARGUMENT },
	[DIRECTIVE_STATEMENT_BEGIN]   = { "statement-begin", NO_ARGUMENT },
	[DIRECTIVE_STATEMENT_END]     = { "statement-end", NO_ARGUMENT },
	[DIRECTIVE_NO_TRANSACTION]    = { "no-transaction", NO_ARGUMENT },
	[DIRECTIVE_REQUIRES]          = { "requires", ONE_VERSION },
	[DIRECTIVE_IRREVERSIBLE]      = { "irreversible", NO_ARGUMENT },
	[DIRECTIVE_REPLACES]          = { "replaces", RANGE },
	[DIRECTIVE_LOCK_TIMEOUT]      = { "lock-timeout", DURATION },
	[DIRECTIVE_STATEMENT_TIMEOUT] = { "statement-timeout", DURATION },
	[DIRECTIVE_PLACEHOLDERS]      = { "placeholders", NO_ARGUMENT },
	[DIRECTIVE_ALLOW]             = { "allow", NAMES },
};
#define N_KNOWN (sizeof known / sizeof *known)

/* Names by which people call the three databases.  A driver's dialect knows its
 * own, but a file that is read for one driver may name another. */
static const struct { const char *alias, *name; } aliases[] = {
	{ "postgres", "postgresql" }, { "pg", "postgresql" }, { "pgsql", "postgresql" },
	{ "psql", "postgresql" }, { "postgre", "postgresql" },
	{ "sqlite3", "sqlite" },
	{ "mysql", "mariadb" }, { "maria", "mariadb" },
};

/* As the splitter has it. */
static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void trim(const char **p, size_t *len)
{
	while (*len > 0 && is_space(**p)) {
		(*p)++;
		(*len)--;
	}
	while (*len > 0 && is_space((*p)[*len - 1]))
		(*len)--;
}

/* Cuts the next name off a list "a, b"; 0 at its end. */
static int next_name(const char **p, size_t *len, const char **name, size_t *name_len)
{
	const char *comma;

	if (!*p)
		return 0;
	comma = memchr(*p, ',', *len);
	*name = *p;
	*name_len = comma ? (size_t)(comma - *p) : *len;
	*p = comma ? comma + 1 : NULL;
	*len = comma ? *len - *name_len - 1 : 0;
	trim(name, name_len);
	return 1;
}

static int is_name(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return 0;
	}
	return len > 0;
}

static int check_names(const struct directive *d, struct dunlin_error *err)
{
	const char *p = d->arg, *name;
	size_t len = d->len, name_len;

	while (next_name(&p, &len, &name, &name_len)) {
		if (is_name(name, name_len))
			continue;
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%.*s' is not a name, in '%s'",
		          (int)(name_len < 80 ? name_len : 80), name, d->name);
		error_hint(err, "Names have letters, digits, '-' and '_', and a comma stands between two.");
		return -1;
	}
	return 0;
}

static int check_duration(struct directive *d, struct dunlin_error *err)
{
	char text[48];

	if (d->len >= sizeof text) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "the duration of '%s' is too long", d->name);
		return -1;
	}
	memcpy(text, d->arg, d->len);
	text[d->len] = '\0';
	if (duration_parse(text, d->name, &d->ms, err) == 0)
		return 0;
	/* Here it is not the command line that is wrong, but a file. */
	if (err) {
		err->code = DUNLIN_EXIT_INVALID;
		err->errclass = DUNLIN_CLASS_VALIDATION;
	}
	return -1;
}

static int check_argument(struct directive *d, struct dunlin_error *err)
{
	static const char *const wanted[] = {
		[ONE_VERSION] = "a version", [RANGE] = "two versions", [DURATION] = "a duration", [NAMES] = "a name",
	};
	static const char *const examples[] = {
		[ONE_VERSION] = "1.0.5-002", [RANGE] = "1.0.0-001..1.0.5-002", [DURATION] = "5s",
	};
	enum argument a = known[d->kind].argument;

	if (a == NO_ARGUMENT) {
		if (d->len == 0)
			return 0;
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%s' takes nothing after it, here is '%.*s'",
		          d->name, (int)(d->len < 80 ? d->len : 80), d->arg);
		error_hint(err, "Write the line as '-- dunlin:%s'.", d->name);
		return -1;
	}
	if (d->len == 0) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%s' needs %s after it", d->name, wanted[a]);
		error_hint(err, "Write it as in '-- dunlin:%s %s'.", d->name,
		           a != NAMES ? examples[a] : d->kind == DIRECTIVE_ALLOW ? "drop-column" : "postgresql, mariadb");
		return -1;
	}
	return a == DURATION ? check_duration(d, err) : a == NAMES ? check_names(d, err) : 0;
}

static int refuse_unknown(const char *name, size_t len, struct dunlin_error *err)
{
	const char *names[N_KNOWN + 1];
	char word[64] = "";
	const char *near;

	for (size_t i = 0; i < N_KNOWN; i++)
		names[i] = known[i].name;
	names[N_KNOWN] = NULL;
	if (len < sizeof word)
		memcpy(word, name, len);
	near = nearest(word, names);
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "unknown directive '%.*s'",
	          (int)(len < 80 ? len : 80), name);
	if (near)
		error_hint(err, "Did you mean '-- dunlin:%s'?", near);
	else
		error_hint(err, "The directives are up, down, verify, no-transaction, only, except, end, requires, "
		           "irreversible, statement-begin, statement-end, lock-timeout, statement-timeout, placeholders, allow.");
	return -1;
}

int directive_parse(struct directive *d, const char *text, size_t len, struct dunlin_error *err)
{
	size_t n = 0, k = 0;

	trim(&text, &len);
	while (n < len && !is_space(text[n]))
		n++;
	while (k < N_KNOWN && (strlen(known[k].name) != n || memcmp(known[k].name, text, n) != 0))
		k++;
	if (k == N_KNOWN)
		return refuse_unknown(text, n, err);
	*d = (struct directive){ .kind = (enum directive_kind)k, .name = known[k].name, .arg = text + n, .len = len - n };
	trim(&d->arg, &d->len);
	if (d->kind == DIRECTIVE_REPLACES) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'replaces' is not supported yet");
		error_hint(err, "Leave the replaced migrations in the folder as they are, and take this one out.");
		return -1;
	}
	return check_argument(d, err);
}

int directive_is_property(enum directive_kind kind)
{
	return kind >= DIRECTIVE_NO_TRANSACTION;
}

int directive_is_end(const char *text, size_t len)
{
	trim(&text, &len);
	return len >= 3 && memcmp(text, "end", 3) == 0 && (len == 3 || is_space(text[3]));
}

static int is_equal(const char *name, size_t len, const char *other)
{
	return strlen(other) == len && memcmp(name, other, len) == 0;
}

static int is_alike(const char *name, size_t len, const char *other)
{
	return strlen(other) == len && strncasecmp(name, other, len) == 0;
}

/* The driver that is meant by another name; NULL: it is not such a name, and
 * may be that of somebody's own driver. */
static const char *meant(const char *name, size_t len, const struct script_env *env)
{
	const struct dunlin_dialect *dialect = env->dialect;

	if (env->driver && is_alike(name, len, env->driver))
		return env->driver;
	for (const char *const *a = dialect ? dialect->aliases : NULL; a && *a; a++)
		if (is_alike(name, len, *a))
			return dialect->name;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (is_alike(name, len, aliases[i].alias) ||
		    (is_alike(name, len, aliases[i].name) && !is_equal(name, len, aliases[i].name)))
			return aliases[i].name;
	return NULL;
}

int directive_selects(const struct directive *d, const struct script_env *env, struct dunlin_error *err)
{
	const char *p = d->arg, *name;
	size_t len = d->len, name_len;
	int is_named = 0;

	while (next_name(&p, &len, &name, &name_len)) {
		const char *right;

		if (env->driver && is_equal(name, name_len, env->driver)) {
			is_named = 1;
		} else if ((right = meant(name, name_len, env))) {
			error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%.*s' is not the name of a driver",
			          (int)name_len, name);
			error_hint(err, "Write '%s'.", right);
			return -1;
		}
	}
	return d->kind == DIRECTIVE_ONLY ? is_named : !is_named;
}

/* --- lists ------------------------------------------------------------------- */

void directive_list_init(struct directive_list *l)
{
	*l = (struct directive_list){ .tail = &l->head };
}

/* "requires 1.0.5-002", "allow a, b", "no-transaction" */
static char *normal_text(struct arena *a, const struct directive *d)
{
	struct buf b = BUF_INIT;
	const char *p = d->arg, *name;
	size_t len = d->len, name_len;
	char *text = NULL;

	buf_adds(&b, d->name);
	if (known[d->kind].argument == NAMES)
		for (const char *sep = " "; next_name(&p, &len, &name, &name_len); sep = ", ") {
			buf_adds(&b, sep);
			buf_add(&b, name, name_len);
		}
	else if (d->len) {
		buf_addc(&b, ' ');
		buf_add(&b, d->arg, d->len);
	}
	if (!b.is_failed)
		text = arena_strndup(a, b.p, b.len);
	buf_clear(&b);
	return text;
}

int directive_list_add(struct directive_list *l, struct arena *a, const struct directive *d,
                       uint32_t line, struct dunlin_error *err)
{
	struct directive_item *item = arena_alloc(a, sizeof *item);

	if (!item)
		return error_nomem(err);
	item->d = *d;
	item->line = line;
	item->text = normal_text(a, d);
	if (!item->text)
		return error_nomem(err);
	item->d.arg = item->text + strlen(d->name) + (d->len > 0);
	item->d.len = strlen(item->d.arg);
	*l->tail = item;
	l->tail = &item->next;
	l->n++;
	return 0;
}

static size_t count_names(const struct directive *d)
{
	const char *p = d->arg, *name;
	size_t len = d->len, name_len, n = 0;

	while (next_name(&p, &len, &name, &name_len))
		n++;
	return n;
}

static int collect_one(struct directives *out, struct arena *a, const struct directive_item *item)
{
	const char *p = item->d.arg, *name;
	size_t len = item->d.len, name_len;

	switch (item->d.kind) {
	case DIRECTIVE_NO_TRANSACTION:
		out->is_no_transaction = 1;
		return 0;
	case DIRECTIVE_IRREVERSIBLE:
		out->is_irreversible = 1;
		return 0;
	case DIRECTIVE_PLACEHOLDERS:
		out->has_placeholders = 1;
		return 0;
	case DIRECTIVE_LOCK_TIMEOUT:
		out->lock_timeout_ms = item->d.ms;
		return 0;
	case DIRECTIVE_STATEMENT_TIMEOUT:
		out->statement_timeout_ms = item->d.ms;
		return 0;
	case DIRECTIVE_REQUIRES:
		out->require[out->n_require++] = item->d.arg;
		return 0;
	case DIRECTIVE_ALLOW:
		while (next_name(&p, &len, &name, &name_len)) {
			char *rule = arena_strndup(a, name, name_len);

			if (!rule)
				return -1;
			out->allow[out->n_allow++] = rule;
		}
		return 0;
	default:
		return 0;
	}
}

int directives_collect(struct directives *out, struct arena *a, const struct directive_list *const *list,
                       size_t n_list, struct dunlin_error *err)
{
	size_t n = 0, n_require = 0, n_allow = 0;
	uint32_t *line;

	*out = (struct directives){ .lock_timeout_ms = -1, .statement_timeout_ms = -1 };
	for (size_t i = 0; i < n_list; i++)
		for (const struct directive_item *item = list[i]->head; item; item = item->next) {
			n++;
			n_require += item->d.kind == DIRECTIVE_REQUIRES;
			if (item->d.kind == DIRECTIVE_ALLOW)
				n_allow += count_names(&item->d);
		}
	if (n == 0)
		return 0;
	out->text = arena_alloc(a, n * sizeof *out->text);
	line = arena_alloc(a, n * sizeof *line);
	out->require = arena_alloc(a, n_require * sizeof *out->require);
	out->allow = arena_alloc(a, n_allow * sizeof *out->allow);
	if (!out->text || !line || !out->require || !out->allow)
		return error_nomem(err);
	out->line = line;
	for (size_t i = 0; i < n_list; i++)
		for (const struct directive_item *item = list[i]->head; item; item = item->next) {
			line[out->n_text] = item->line;
			out->text[out->n_text++] = item->text;
			if (collect_one(out, a, item) < 0)
				return error_nomem(err);
		}
	return 0;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int begins(const char *text, const char *name)
{
	size_t n = strlen(name);

	return strncmp(text, name, n) == 0 && (text[n] == ' ' || text[n] == '\0');
}

/* Is there a later timeout of the same name, which alone counts? */
static int is_overridden(const struct directives *d, size_t i)
{
	static const char *const timeouts[] = { "lock-timeout", "statement-timeout" };

	for (size_t t = 0; t < sizeof timeouts / sizeof *timeouts; t++)
		if (begins(d->text[i], timeouts[t]))
			for (size_t j = i + 1; j < d->n_text; j++)
				if (begins(d->text[j], timeouts[t]))
					return 1;
	return 0;
}

int directives_hash(const struct directives *d, struct sha256 *h, struct dunlin_error *err)
{
	const char **text;
	size_t n = 0;

	if (d->n_text == 0)
		return 0;
	text = mem_alloc(d->n_text * sizeof *text);
	if (!text)
		return error_nomem(err);
	for (size_t i = 0; i < d->n_text; i++)
		if (!begins(d->text[i], "allow") && !is_overridden(d, i))
			text[n++] = d->text[i];
	if (n)
		qsort(text, n, sizeof *text, compare_texts);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(text[i], text[i - 1]) == 0)
			continue;
		sha256_add(h, text[i], strlen(text[i]));
		sha256_add(h, "\n", 1);
	}
	mem_free(text);
	return 0;
}
