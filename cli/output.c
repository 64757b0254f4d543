/*
 * output.c - a stream that text is safe to be written to.
 *
 * A failed write is remembered and nothing more: whoever reads the output must
 * not be able to stop a migration by closing a pipe.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void out_init(struct output *o, FILE *file)
{
	const char *term = getenv("TERM");

	o->file = file;
	o->is_tty = isatty(fileno(file)) && !(term && strcmp(term, "dumb") == 0);
	o->is_color = 0;
	o->error = 0;
}

/* no-color.org and bixense.com/clicolors: set and not empty, set and not "0". */
static int color_wanted(const struct output *o)
{
	const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE");

	if (no && *no)
		return 0;
	if (force && *force && strcmp(force, "0") != 0)
		return 1;
	return o->is_tty;
}

void out_set_color(struct output *o, const char *mode)
{
	if (mode && strcmp(mode, "always") == 0)
		o->is_color = 1;
	else if (mode && strcmp(mode, "never") == 0)
		o->is_color = 0;
	else
		o->is_color = color_wanted(o);
}

static void note_error(struct output *o)
{
	if (!o->error)
		o->error = errno ? errno : EIO;
}

void out_raw(struct output *o, const char *s, size_t len)
{
	if (len > 0 && fwrite(s, 1, len, o->file) != len)
		note_error(o);
}

void out_printf(struct output *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vfprintf(o->file, fmt, ap) < 0)
		note_error(o);
	va_end(ap);
}

void out_safe_len(struct output *o, const char *s, size_t len)
{
	char piece[16];
	size_t n, width;

	for (size_t i = 0; i < len;) {
		size_t plain = plain_prefix(s + i, len - i);

		out_raw(o, s + i, plain);
		i += plain;
		if (i == len)
			return;
		i += escape_next(s + i, len - i, piece, &n, &width);
		out_raw(o, piece, n);
	}
}

void out_safe(struct output *o, const char *s)
{
	out_safe_len(o, s, strlen(s));
}

void out_safe_lines(struct output *o, const char *s, size_t len, int indent)
{
	while (len > 0 && (s[len - 1] == '\n' || s[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++) {
		size_t from = i;

		while (i < len && s[i] != '\n' && s[i] != '\t')
			i++;
		/* CRLF is one line break, not a control character to show. */
		out_safe_len(o, s + from, i - from - (i < len && s[i] == '\n' && i > from && s[i - 1] == '\r'));
		if (i == len)
			return;
		out_raw(o, s + i, 1);
		if (s[i] == '\n')
			out_pad(o, (size_t)indent);
	}
}

void out_style(struct output *o, enum style s)
{
	static const char *const code[] = {
		[STYLE_PLAIN] = "\x1b[0m",  [STYLE_GOOD] = "\x1b[32m", [STYLE_WARN] = "\x1b[33m",
		[STYLE_BAD]   = "\x1b[31m", [STYLE_DIM]  = "\x1b[2m",  [STYLE_BOLD] = "\x1b[1m",
	};

	if (o->is_color)
		out_raw(o, code[s], strlen(code[s]));
}

void out_pad(struct output *o, size_t n)
{
	static const char spaces[] = "                                ";

	while (n > 0) {
		size_t k = n < sizeof spaces - 1 ? n : sizeof spaces - 1;

		out_raw(o, spaces, k);
		n -= k;
	}
}

int out_flush(struct output *o)
{
	if (fflush(o->file) != 0)
		note_error(o);
	return o->error ? -1 : 0;
}
