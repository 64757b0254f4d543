/*
 * placeholder.c - the filter behind placeholder.h: a line at a time where lines
 * matter (directives, blocks for other drivers), else from "$" to "$".
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "placeholder.h"

#include "buf.h"
#include "directive.h"
#include "error.h"
#include "nearest.h"

#include <string.h>

#define ROOM ((size_t)16 * 1024)
/* A directive line and a placeholder fit into this; it is read ahead. */
#define AHEAD ((size_t)4 * 1024)

static const char lead[] = "-- dunlin:";
#define LEAD (sizeof lead - 1)

struct placeholder_filter {
	struct placeholder_options o;
	size_t   at, len;       /* of in                                          */
	int      is_end;        /* read() has no more                             */
	struct buf out;
	size_t   out_at;
	uint32_t line, column;  /* of in[at]                                      */
	int      is_line_start;
	int      is_passing;    /* the rest of this line goes through             */
	int      is_skipping;   /* in a block for other drivers                   */
	size_t   n_skips;
	uint32_t skip_line;
	int      n_lead;        /* the line that was written begins with so much
	                           of `lead`; -1: it does not                     */
	char     last;          /* byte written                                   */
	int      is_last_value; /* and it came from a value                       */
	char     in[ROOM];
};

int placeholder_filter_open(struct placeholder_filter **out, const struct placeholder_options *o,
                            struct dunlin_error *err)
{
	struct placeholder_filter *f = mem_alloc(sizeof *f);

	*out = f;
	if (!f)
		return error_nomem(err);
	/* Not `in`: clearing it would cost more than reading a small file. */
	memset(f, 0, offsetof(struct placeholder_filter, in));
	f->o = *o;
	f->line = o->line ? o->line : 1;
	f->column = 1;
	f->is_line_start = 1;
	return 0;
}

void placeholder_filter_close(struct placeholder_filter *f)
{
	if (!f)
		return;
	buf_clear(&f->out);
	mem_free(f);
}

size_t placeholder_filter_skips(const struct placeholder_filter *f, uint32_t *line)
{
	*line = f->skip_line;
	return f->n_skips;
}

static int fail(const struct placeholder_filter *f, struct dunlin_error *err)
{
	error_at(err, f->o.file, f->line, f->column);
	return -1;
}

/* Reads until AHEAD bytes lie before us, or all there is. */
static int fill(struct placeholder_filter *f, struct dunlin_error *err)
{
	while (!f->is_end && f->len - f->at < AHEAD) {
		long got;

		if (f->at > 0) {
			memmove(f->in, f->in + f->at, f->len - f->at);
			f->len -= f->at;
			f->at = 0;
		}
		got = f->o.read(f->o.read_arg, f->in + f->len, ROOM - f->len, err);
		if (got < 0)
			return -1;
		f->is_end = got == 0;
		f->len += (size_t)got;
	}
	return 0;
}

/* --- writing -------------------------------------------------------------------- */

/* A value may not make a directive out of a line that was none. */
static int check_lead(struct placeholder_filter *f, const char *p, size_t n, struct dunlin_error *err)
{
	for (size_t i = 0; i < n && f->n_lead >= 0; i++) {
		f->n_lead = p[i] == lead[f->n_lead] ? f->n_lead + 1 : -1;
		if (f->n_lead == (int)LEAD) {
			error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
			          "the value of a placeholder makes this line a directive");
			error_hint(err, "Write directives into the file itself.");
			return fail(f, err);
		}
	}
	return 0;
}

/* Text that means itself. */
static int write_text(struct placeholder_filter *f, const char *p, size_t n, int is_value, struct dunlin_error *err)
{
	if (n == 0)
		return 0;
	if (f->n_lead >= 0 && check_lead(f, p, n, err) < 0)
		return -1;
	if (f->o.mode != PLACEHOLDER_KEEP_ENV) {
		buf_add(&f->out, p, n);
	} else {
		char before = f->last;

		for (size_t i = 0; i < n; before = p[i++]) {
			if (p[i] == '{' && before == '$')
				buf_addc(&f->out, '$');
			buf_addc(&f->out, p[i]);
		}
	}
	f->last = p[n - 1];
	f->is_last_value = is_value;
	return f->out.is_failed ? error_nomem(err) : 0;
}

/* Bytes of the file as they are. */
static int write_raw(struct placeholder_filter *f, const char *p, size_t n, struct dunlin_error *err)
{
	f->n_lead = -1;
	if (n == 0)
		return 0;
	f->last = p[n - 1];
	f->is_last_value = 0;
	return buf_add(&f->out, p, n) < 0 ? error_nomem(err) : 0;
}

/* Steps over n bytes of `in` that hold no line end. */
static void advance(struct placeholder_filter *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		f->column += ((unsigned char)f->in[f->at + i] & 0xc0) != 0x80;
	f->at += n;
}

static void advance_line(struct placeholder_filter *f)
{
	f->at++;
	f->line++;
	f->column = 1;
	f->is_line_start = 1;
	f->is_passing = 0;
}

/* --- values -------------------------------------------------------------------- */

static int is_env(const char *name, size_t len)
{
	return len > 4 && memcmp(name, "env.", 4) == 0;
}

static const struct dunlin_word *find_word(const struct dunlin_dialect *d, const char *name, size_t len)
{
	const struct dunlin_word *w = d ? d->vocabulary : NULL;

	for (; w && w->name; w++)
		if (strlen(w->name) == len && memcmp(w->name, name, len) == 0)
			return w;
	return NULL;
}

/* A word of the vocabulary, with its argument for each "%s". */
static int write_word(struct placeholder_filter *f, const struct dunlin_word *w,
                      const char *arg, size_t len, struct dunlin_error *err)
{
	const char *p = w->text, *slot = strstr(p, "%s");

	if (!slot != !arg || (arg && len == 0)) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          slot ? "'${%s}' needs an argument" : "'${%s}' takes no argument", w->name);
		error_hint(err, slot ? "Write it as in '${%s:80}'." : "Write '${%s}'.", w->name);
		return fail(f, err);
	}
	for (; slot; slot = strstr(p, "%s")) {
		if (write_text(f, p, (size_t)(slot - p), 1, err) < 0 || write_text(f, arg, len, 1, err) < 0)
			return -1;
		p = slot + 2;
	}
	return write_text(f, p, strlen(p), 1, err);
}

static int refuse_unknown(const struct placeholder_filter *f, const char *name, size_t len, struct dunlin_error *err)
{
	const struct dunlin_dialect *d = f->o.env->dialect;
	const char *names[65];
	char word[PLACEHOLDER_NAME_MAX + 1];
	const char *near;
	size_t n = 0;

	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "unknown placeholder '${%.*s}'", (int)len, name);
	if (is_env(name, len)) {
		error_hint(err, "Set the environment variable %.*s.", (int)len - 4, name + 4);
		return fail(f, err);
	}
	for (const struct dunlin_word *w = d ? d->vocabulary : NULL; w && w->name && n + 1 < sizeof names / sizeof *names; w++)
		names[n++] = w->name;
	names[n] = NULL;
	memcpy(word, name, len);
	word[len] = '\0';
	word[strcspn(word, ":")] = '\0';
	near = nearest(word, names);
	if (near)
		error_hint(err, "Did you mean '${%s}'? Your own are given with --set %s=VALUE or in [placeholders] of dunlin.ini; '$${' is a literal '${'.",
		           near, word);
	else
		error_hint(err, "Give it with --set %s=VALUE or in [placeholders] of dunlin.ini; '$${' is a literal '${'.", word);
	return fail(f, err);
}

/* The bytes of in[at..], n of them, are ${name}. */
static int write_placeholder(struct placeholder_filter *f, size_t n, struct dunlin_error *err)
{
	const struct script_env *env = f->o.env;
	const char *name = f->in + f->at + 2, *value = NULL, *colon;
	size_t len = n - 3, word_len;
	const struct dunlin_word *w;

	colon = memchr(name, ':', len);
	word_len = colon ? (size_t)(colon - name) : len;
	w = find_word(env->dialect, name, word_len);
	if (w)
		return write_word(f, w, colon ? colon + 1 : NULL, colon ? len - word_len - 1 : 0, err);
	if (is_env(name, len) && f->last == '$' && f->is_last_value) {
		/* "$" and "${env.X}" side by side would read as a literal "${". */
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "a value that ends in '$' cannot stand right before '${%.*s}'", (int)len, name);
		return fail(f, err);
	}
	if (!(is_env(name, len) && f->o.mode == PLACEHOLDER_KEEP_ENV) && env->placeholder)
		value = env->placeholder(env->placeholder_arg, name, len);
	if (!value) {
		if (is_env(name, len) && f->o.mode != PLACEHOLDER_REPLACE)
			return write_raw(f, name - 2, n, err);
		return refuse_unknown(f, name, len, err);
	}
	if (value[strcspn(value, "\r\n")]) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "the value of '${%.*s}' has a line break in it", (int)len, name);
		error_hint(err, "A value is part of one line; text of several lines belongs into the file.");
		return fail(f, err);
	}
	return write_text(f, value, strlen(value), 1, err);
}

/* Bytes of ${name}, or 0 and an error. */
static size_t placeholder_len(const struct placeholder_filter *f, struct dunlin_error *err)
{
	const char *p = f->in + f->at;
	size_t left = f->len - f->at, i = 2;

	while (i < left && i - 2 <= PLACEHOLDER_NAME_MAX && p[i] != '}' && p[i] != '\n' && p[i] != '\r' && p[i] != '\0')
		i++;
	if (i == left || p[i] != '}' || i - 2 > PLACEHOLDER_NAME_MAX) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'${' without a '}' in reach");
		error_hint(err, "Write '${name}', or '$${' for a literal '${'.");
		fail(f, err);
		return 0;
	}
	if (i == 2) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'${}' names no placeholder");
		error_hint(err, "Write '${name}', or '$${' for a literal '${'.");
		fail(f, err);
		return 0;
	}
	return i + 1;
}

/* --- the pieces of a text --------------------------------------------------------- */

static int take_dollar(struct placeholder_filter *f, struct dunlin_error *err)
{
	static const char masked[] = { '$', PLACEHOLDER_MARK, '{' };
	const char *p = f->in + f->at;
	size_t left = f->len - f->at, n = 1;
	int is_mask = f->o.mode == PLACEHOLDER_MASK, rc;

	if (left > 2 && p[1] == '$' && p[2] == '{') {
		n = 3;
		rc = is_mask ? write_raw(f, masked, 3, err) : write_text(f, "${", 2, 0, err);
	} else if (left > 1 && p[1] == '{') {
		n = is_mask ? 2 : placeholder_len(f, err);
		if (n == 0)
			return -1;
		rc = is_mask ? write_raw(f, masked + 1, 2, err) : write_placeholder(f, n, err);
	} else {
		rc = write_text(f, p, 1, 0, err);
	}
	advance(f, n);
	return rc;
}

/* The directive line of n bytes before us may begin or end a block for others. */
static void look_at_directive(struct placeholder_filter *f, size_t n)
{
	const char *text = f->in + f->at + LEAD;
	struct directive d;

	if (f->is_skipping) {
		f->is_skipping = !directive_is_end(text, n - LEAD);
		return;
	}
	if (directive_parse(&d, text, n - LEAD, NULL) < 0)
		return; /* the splitter's reader refuses it */
	if ((d.kind == DIRECTIVE_ONLY || d.kind == DIRECTIVE_EXCEPT) &&
	    directive_selects(&d, f->o.env, NULL) == 0) {
		f->is_skipping = 1;
		f->n_skips++;
		f->skip_line = f->line;
	}
}

static int begin_line(struct placeholder_filter *f, struct dunlin_error *err)
{
	const char *p = f->in + f->at;
	size_t left = f->len - f->at;

	f->is_line_start = 0;
	if (f->line <= 1 && f->column == 1 && f->o.off == 0 && left >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		if (write_raw(f, p, 3, err) < 0)
			return -1;
		f->at += 3;
		p += 3;
		left -= 3;
	}
	f->n_lead = 0;
	if (left >= LEAD && memcmp(p, lead, LEAD) == 0) {
		const char *nl = memchr(p, '\n', left);

		if (nl || f->is_end)
			look_at_directive(f, nl ? (size_t)(nl - p) : left);
		f->is_passing = 1;
	} else if (f->is_skipping) {
		f->is_passing = 1;
	}
	return 0;
}

/* Takes what lies before us up to the next "$" or line's end, or the "$" itself. */
static int take_text(struct placeholder_filter *f, struct dunlin_error *err)
{
	const char *p = f->in + f->at;
	size_t left = f->len - f->at, n = 0;

	while (n < left && p[n] != '\n' && (p[n] != '$' || f->is_passing))
		n++;
	if (n == 0 && p[0] == '$')
		return take_dollar(f, err);
	if ((f->is_passing ? write_raw(f, p, n, err) : write_text(f, p, n, 0, err)) < 0)
		return -1;
	advance(f, n);
	/* A "$" waits until what follows it has been read too. */
	if (n == left || p[n] == '$')
		return 0;
	if (write_raw(f, "\n", 1, err) < 0)
		return -1;
	advance_line(f);
	return 0;
}

long placeholder_filter_read(void *filter, char *p, size_t n, struct dunlin_error *err)
{
	struct placeholder_filter *f = filter;

	if (f->out_at == f->out.len) {
		buf_reset(&f->out);
		f->out_at = 0;
		while (f->out.len < ROOM / 2) {
			if (fill(f, err) < 0)
				return -1;
			if (f->at == f->len)
				break;
			if (f->is_line_start && begin_line(f, err) < 0)
				return -1;
			if (take_text(f, err) < 0)
				return -1;
		}
	}
	if (n > f->out.len - f->out_at)
		n = f->out.len - f->out_at;
	if (n)
		memcpy(p, f->out.p + f->out_at, n);
	f->out_at += n;
	return (long)n;
}

void placeholder_unmask(char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (p[i] == PLACEHOLDER_MARK && p[i + 1] == '{')
			p[i] = '$';
}
