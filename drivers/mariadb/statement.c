/*
 * statement.c - what the driver must know of a file's statement before it sends
 * it: can it share a packet, and may it change the session?
 *
 * Both answers err on the safe side: what is not known to be harmless goes alone
 * and costs a new session.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "my_packet.h"

static int is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_string(const char *p, const char *end, char quote, int has_backslash)
{
	for (; p < end; p++) {
		if (*p == '\\' && has_backslash && p + 1 < end)
			p++;
		else if (*p == quote)
			return p + 1; /* a doubled one begins the next string */
	}
	return end;
}

static const char *skip_line(const char *p, const char *end)
{
	while (p < end && *p != '\n')
		p++;
	return p;
}

/* The end of the comment at p; NULL where the server runs what is in it. */
static const char *skip_comment(const char *p, const char *end)
{
	if (end - p >= 3 && (p[2] == '!' || (end - p >= 4 && p[2] == 'M' && p[3] == '!')))
		return NULL;
	for (p += 2; end - p >= 2; p++)
		if (p[0] == '*' && p[1] == '/')
			return p + 2;
	return end;
}

int my_is_single(const char *sql, size_t len, unsigned server_status)
{
	int has_backslash = !(server_status & SERVER_STATUS_NO_BACKSLASH_ESCAPES);
	int is_ansi = (server_status & SERVER_STATUS_ANSI_QUOTES) != 0;
	const char *p = sql, *end = sql + len;

	while (p && p < end) {
		if (*p == '\'')
			p = skip_string(p + 1, end, '\'', has_backslash);
		else if (*p == '"')
			p = skip_string(p + 1, end, '"', has_backslash && !is_ansi);
		else if (*p == '`')
			p = skip_string(p + 1, end, '`', 0);
		else if (*p == '#')
			p = skip_line(p, end);
		else if (*p == '-' && end - p >= 2 && p[1] == '-' && (end - p == 2 || is_space(p[2])))
			p = skip_line(p, end);
		else if (*p == '/' && end - p >= 2 && p[1] == '*')
			p = skip_comment(p, end);
		else if (*p == ';' || *p == '\0')
			return 0;
		else
			p++;
	}
	return p != NULL;
}

/* Statements that give one result and leave the session alone. */
static const char *const plain[] = {
	"insert", "update", "delete", "replace", "create", "alter", "drop", "rename", "truncate", "grant", "revoke",
	"with", "analyze", "optimize", "check", "repair", "select", "values", "show", "explain", "describe", "checksum",
	"savepoint", "release", NULL
};

static int is_one_of(const struct drv_token *t, const char *const *words)
{
	for (; *words; words++)
		if (drv_token_is(t, *words))
			return 1;
	return 0;
}

static void locks_of(struct my_statement *s, const struct drv_token *t, const char *p, const char *end)
{
	struct drv_token next = drv_token_next(MY_LEX, &p, end);

	s->is_unlock = drv_token_is(t, "unlock");
	s->takes_tables = drv_token_is(t, "lock");
	s->takes_backup = drv_token_is(t, "backup");
	if (drv_token_is(t, "flush"))
		for (; next.kind != DRV_TOKEN_END; next = drv_token_next(MY_LEX, &p, end))
			if (drv_token_is(&next, "read") || drv_token_is(&next, "export"))
				s->takes_read_lock = 1;
	s->is_temporary = drv_token_is(t, "create") && (drv_token_is(&next, "temporary") || drv_token_is(&next, "or"));
}

/* SET GLOBAL and SET STATEMENT .. FOR leave the session alone, SET PASSWORD and
 * SET DEFAULT ROLE change accounts.  p: behind SET. */
static int is_set_elsewhere(const char *p, const char *end)
{
	static const char *const words[] = { "global", "statement", "password", "default", NULL };
	struct drv_token t = drv_token_next(MY_LEX, &p, end);

	return is_one_of(&t, words);
}

void my_statement_read(struct my_statement *s, const char *sql, size_t len, uint32_t traits, unsigned server_status)
{
	const uint32_t tx = DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK | DUNLIN_ST_SAVEPOINT;
	const char *p = sql, *end = sql + len;
	struct drv_token first;

	*s = (struct my_statement){ .is_single = (unsigned)my_is_single(sql, len, server_status) };
	first = drv_token_next(MY_LEX, &p, end);
	while (first.kind == DRV_TOKEN_PUNCT && first.p[0] == '(')
		first = drv_token_next(MY_LEX, &p, end);
	s->is_plain = is_one_of(&first, plain) || (traits & tx);
	s->is_dirty = !s->is_plain || (traits & DUNLIN_ST_SESSION);
	if (drv_token_is(&first, "set"))
		s->is_dirty = !is_set_elsewhere(p, end) || (traits & DUNLIN_ST_SESSION);
	if (drv_token_is(&first, "load") || (drv_token_is(&first, "flush") && !(traits & DUNLIN_ST_SESSION)))
		s->is_dirty = 0;
	if (!s->is_dirty && (memchr(sql, '@', len) || drv_contains_word(sql, len, "_lock")) &&
	    (drv_contains_word(sql, len, ":=") || drv_contains_word(sql, len, "into") || drv_contains_word(sql, len, "get_lock") ||
	     drv_contains_word(sql, len, "release_")) && !drv_token_is(&first, "create"))
		s->is_dirty = 1;
	locks_of(s, &first, p, end);
	s->is_alone = !s->is_single || !s->is_plain || s->is_dirty;
}
