/*
 * split_line.c - lines of a script that are not SQL: dunlin's directives, and
 * the commands of psql, the mariadb client and the sqlite3 shell.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_priv.h"

#include "error.h"

#include <string.h>

static const char prefix[] = "-- dunlin:";
#define PREFIX_LEN (sizeof prefix - 1)

/* --- directives ------------------------------------------------------------------------ */

int split_is_directive(const struct splitter *s)
{
	const struct lexbuf *b = &s->b;

	return s->o.directive && !s->lx.in_cond && token_len(s) >= PREFIX_LEN &&
	       memcmp(b->p + b->tok, prefix, PREFIX_LEN) == 0 && lexbuf_before(b, b->tok) == '\n';
}

/* What stands behind the prefix in the line from tok up to pos, trimmed. */
static const char *directive_text(const struct lexbuf *b, size_t *n)
{
	const char *p = b->p + b->tok + PREFIX_LEN, *end = b->p + b->pos;

	while (p < end && lex_is_space(*p))
		p++;
	while (end > p && lex_is_space(end[-1]))
		end--;
	*n = (size_t)(end - p);
	return p;
}

static int first_word_is(const char *p, size_t n, const char *want)
{
	size_t len = strlen(want);

	return n >= len && memcmp(p, want, len) == 0 && (n == len || lex_is_space(p[len]));
}

/*
 * Steps over whole lines up to the directive `until`.  A section that starts
 * before it shows that it was forgotten, and would be swallowed.  tok is left
 * at the closing line.
 */
static int lines_until(struct splitter *s, const char *opener, const char *until, int is_kept)
{
	struct lexbuf *b = &s->b;

	for (;;) {
		static const char *const sections[] = { "up", "down", "verify" };
		const char *p;
		size_t n;

		b->tok = b->pos;
		if (!is_kept)
			b->keep = b->pos;
		if (split_to_next_line(s) < 0)
			return -1;
		if (b->tok == b->pos)
			return split_fail_line(s, DUNLIN_CLASS_SYNTAX, s->open_line,
			                       "Each opening directive needs its closing one.",
			                       "'%s' without '-- dunlin:%s'", opener, until);
		if (b->pos - b->tok < PREFIX_LEN || memcmp(b->p + b->tok, prefix, PREFIX_LEN) != 0)
			continue;
		p = directive_text(b, &n);
		if (first_word_is(p, n, until))
			return 0;
		for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
			if (first_word_is(p, n, sections[i]))
				return split_fail(s, DUNLIN_CLASS_SYNTAX, b->tok, "Close the block before the section ends.",
				                  "section '%s' starts before '-- dunlin:%s' has closed '%s' of line %u",
				                  sections[i], until, opener, (unsigned)s->open_line);
	}
}

/* The directive's line number, counted on from the one before it. */
static uint32_t directive_line(struct splitter *s)
{
	struct lexbuf *b = &s->b;
	uint32_t line, column;

	if (!s->has_text) {
		lexbuf_position(b, b->tok, &line, &column);
		return line;
	}
	lexbuf_advance(b->p + b->keep + s->seen, b->tok - b->keep - s->seen, &s->seen_line, &s->seen_column);
	s->seen = b->tok - b->keep;
	return s->seen_line;
}

int split_directive(struct splitter *s)
{
	struct lexbuf *b = &s->b;
	char opener[32] = "";
	const char *p;
	size_t n, from;
	int action;

	if (split_to_next_line(s) < 0)
		return LINE_ERROR;
	p = directive_text(b, &n);
	s->open_line = directive_line(s);
	action = s->o.directive(s->o.directive_arg, p, n, b->base + b->tok, b->base + b->pos, s->open_line, b->err);
	switch (action) {
	case SPLIT_GO_ON:
		return split_take_out(s, b->tok) < 0 ? LINE_ERROR : LINE_TAKEN;
	case SPLIT_SKIP:
		for (size_t i = 0; i < n && i < sizeof opener - 1 && !lex_is_space(p[i]); i++)
			opener[i] = p[i];
		from = b->tok - b->keep;
		if (!s->has_code)
			s->has_text = 0;
		if (lines_until(s, opener, "end", s->has_code) < 0)
			return LINE_ERROR;
		return split_take_out(s, s->has_code ? b->keep + from : b->pos) < 0 ? LINE_ERROR : LINE_TAKEN;
	case SPLIT_CUT:
		s->after = AFTER_CUT;
		break;
	case SPLIT_RAW:
		s->after = AFTER_RAW;
		break;
	case SPLIT_END:
		s->after = AFTER_END;
		break;
	default:
		return LINE_ERROR;
	}
	s->is_line_start = 1;
	return LINE_ENDS_STATEMENT;
}

int split_raw_lines(struct splitter *s, size_t *end)
{
	if (lines_until(s, "statement-begin", "statement-end", 1) < 0)
		return -1;
	*end = s->b.tok;
	s->is_line_start = 1;
	return 0;
}

/* --- clients' commands ---------------------------------------------------------------- */

static int refuse_command(struct splitter *s, size_t n, const char *hint)
{
	const struct lexbuf *b = &s->b;

	return split_fail(s, DUNLIN_CLASS_VALIDATION, b->tok, hint, "client command '%.*s'",
	                  (int)(n < 64 ? n : 64), b->p + b->tok);
}

static int is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_visible(int c)
{
	return c > ' ' && c < 0x7f;
}

/* The byte n after pos, -1 at the end. */
static int peek(struct splitter *s, size_t n)
{
	struct lexbuf *b = &s->b;
	size_t at = b->pos;

	return lexbuf_has(b, &at, n + 1) ? (unsigned char)b->p[b->pos + n] : -1;
}

/* DELIMITER: the rest of the line, up to a space, is the new one. */
static int delimiter_line(struct splitter *s)
{
	static const char usage[] = "Write it as 'DELIMITER //' on a line of its own.";
	struct lexbuf *b = &s->b;
	const char *p, *end;
	char quote;
	size_t n, skip = token_len(s);

	if (!s->is_line_start)
		return split_fail(s, DUNLIN_CLASS_SYNTAX, b->tok, usage, "DELIMITER must stand at the start of a line");
	if (split_to_next_line(s) < 0)
		return LINE_ERROR;
	p = b->p + b->tok + skip;
	end = b->p + b->pos;
	if (p < end && !lex_is_space(*p))
		return split_fail(s, DUNLIN_CLASS_SYNTAX, b->tok, usage, "DELIMITER must be followed by a space");
	while (p < end && lex_is_space(*p))
		p++;
	quote = p < end && strchr("'\"`", *p) ? *p++ : '\0';
	for (n = 0; p + n < end && p[n] != '\n' && (quote ? p[n] != quote : !lex_is_space(p[n])); n++)
		;
	if (n == 0)
		return split_fail(s, DUNLIN_CLASS_SYNTAX, b->tok, usage, "DELIMITER must be followed by a delimiter");
	if (n >= LEX_MAX_DELIM || memchr(p, '\\', n))
		return split_fail(s, DUNLIN_CLASS_SYNTAX, b->tok, usage,
		                  "a delimiter has at most %d bytes and no backslash", LEX_MAX_DELIM - 1);
	memcpy(s->lx.delim, p, n);
	s->lx.n_delim = n == 1 && *p == ';' ? 0 : n;
	if (split_take_out(s, b->tok) < 0)
		return LINE_ERROR;
	block_start(&s->blk, s->lx.n_delim ? s->table.bits & ~(DUNLIN_LEX_STORED_BLOCK | DUNLIN_LEX_PAREN) :
	                                     s->table.bits, s->mode.is_oracle);
	return LINE_TAKEN;
}

/* `use db` needs no delimiter: for the client the line is the command.  With
 * one on the line it is SQL like any other. */
static int use_line(struct splitter *s)
{
	struct lexbuf *b = &s->b;
	size_t at = b->pos - b->keep, n;
	const char *p;

	if (!s->is_line_start || peek(s, 0) < 0 || !lex_is_space(b->p[b->pos]))
		return LINE_SQL;
	if (split_to_next_line(s) < 0)
		return LINE_ERROR;
	p = b->p + b->keep + at;
	n = b->pos - (b->keep + at);
	while (n > 0 && lex_is_space(p[n - 1]))
		n--;
	if (n == 0 || memmem(p, n, s->lx.n_delim ? s->lx.delim : ";", s->lx.n_delim ? s->lx.n_delim : 1)) {
		b->pos = b->keep + at;
		return LINE_SQL;
	}
	split_begin_text(s);
	s->has_code = 1;
	if (s->o.norm)
		norm_code(&s->norm, b->p + b->tok, b->pos - b->tok);
	b->tok = b->pos;
	s->is_line_start = 1;
	return LINE_ENDS_STATEMENT;
}

static const char *const mariadb_commands[] = {
	"CHARSET", "CLEAR", "CONNECT", "EDIT", "EGO", "EXIT", "GO", "HELP", "NOPAGER", "NOTEE", "NOWARNING",
	"PAGER", "PRINT", "PROMPT", "QUIT", "REHASH", "SOURCE", "STATUS", "SYSTEM", "TEE", "WARNINGS",
};

int split_client_word(struct splitter *s)
{
	struct lexbuf *b = &s->b;
	const char *p = b->p + b->tok;
	size_t n = token_len(s);
	int c;

	if (!(s->table.bits & DUNLIN_LEX_DELIMITER) || s->lx.in_cond || !strchr("cdeghnpqrstuwCDEGHNPQRSTUW", *p))
		return LINE_SQL;
	if (lex_word_is(p, n, "DELIMITER"))
		return delimiter_line(s);
	if (lex_word_is(p, n, "USE"))
		return use_line(s);
	for (size_t i = 0; i < sizeof mariadb_commands / sizeof *mariadb_commands; i++) {
		if (!lex_word_is(p, n, mariadb_commands[i]))
			continue;
		c = peek(s, 0);
		if (c < 0 || c == ';' || lex_is_space((char)c) || (s->lx.n_delim && c == (unsigned char)*s->lx.delim))
			return refuse_command(s, n, "It is the mariadb client's; a migration holds what the server runs. "
			                            "Put the SQL here itself.");
	}
	return LINE_SQL;
}

int split_client_punct(struct splitter *s)
{
	struct lexbuf *b = &s->b;
	char c = b->p[b->tok];

	if (c == '.' && s->table.bits & DUNLIN_LEX_DOT_COMMAND && is_letter(peek(s, 0))) {
		size_t n = 0;

		while (n < 32 && is_letter(peek(s, n)))
			n++;
		return refuse_command(s, n + 1, "Dot commands are the sqlite3 shell's; a migration holds SQL only. "
		                                "Put the SQL here itself.");
	}
	/* Where a statement would begin, the mariadb client takes -- for a comment
	 * even if no space follows. */
	if (c == '-' && s->table.bits & DUNLIN_LEX_DELIMITER && !s->lx.in_cond && peek(s, 0) == '-') {
		if (split_to_next_line(s) < 0 || split_take_out(s, b->tok) < 0)
			return LINE_ERROR;
		return LINE_TAKEN;
	}
	return b->is_failed ? LINE_ERROR : LINE_SQL;
}

/* Do only blanks stand before the token on its line? */
static int starts_line(const struct splitter *s)
{
	const struct lexbuf *b = &s->b;
	size_t i = b->tok;

	if (!s->has_text)
		return s->is_line_start;
	while (i > b->keep && (b->p[i - 1] == ' ' || b->p[i - 1] == '\t'))
		i--;
	return lexbuf_before(b, i) == '\n';
}

int split_client_backslash(struct splitter *s)
{
	struct lexbuf *b = &s->b;
	size_t n = 0;

	while (n < 32 && is_letter(peek(s, n)))
		n++;
	if (b->is_failed)
		return LINE_ERROR;
	if (!(s->table.bits & DUNLIN_LEX_PSQL)) {
		if (peek(s, 0) == 'N') /* \N is NULL */
			return LINE_SQL;
		return refuse_command(s, is_visible(peek(s, 0)) ? 2 : 1,
		                      "A backslash outside quotes calls the mariadb client; a migration holds what "
		                      "the server runs.");
	}
	/* pg_dump's guard against commands in the data: nothing to run. */
	if (((n == 8 && memcmp(b->p + b->pos, "restrict", n) == 0) ||
	     (n == 10 && memcmp(b->p + b->pos, "unrestrict", n) == 0)) && starts_line(s)) {
		if (split_to_next_line(s) < 0 || split_take_out(s, b->tok) < 0)
			return LINE_ERROR;
		return LINE_TAKEN;
	}
	if (n == 0 && is_visible(peek(s, 0)))
		n = 1;
	return refuse_command(s, n + 1, "Commands with a backslash are psql's; a migration holds what the server "
	                                "runs. Remove the line or put its SQL here itself.");
}
