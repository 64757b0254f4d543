/*
 * name.c - file names taken apart, scheme by scheme.
 *
 *     VERSION SEPARATOR name [.DRIVER] [.up|.down|.verify] .sql
 *     VERSION SEPARATOR name / up|down|verify [.DRIVER] .sql
 *
 * A name has no dot, so what follows its first one are words.  The filename
 * scheme is for folders that grew without rules: there only a role, and before
 * it a driver that is known, are taken off the end.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "name.h"

#include "nearest.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const roles[] = {
	[SCRIPT_UP] = "up", [SCRIPT_DOWN] = "down", [SCRIPT_VERIFY] = "verify",
};

enum { WORD_MAX = 64 }; /* longer than any driver's name */

const char *name_pattern(enum scheme s)
{
	switch (s) {
	case SCHEME_TIMESTAMP: return "YYYYMMDDHHMMSS_name.sql";
	case SCHEME_SEQUENCE:  return "NUMBER_name.sql";
	case SCHEME_FILENAME: /* every name fits */
	case SCHEME_SEMVER:
	case SCHEME_AUTO:      break;
	}
	return "MAJOR.MINOR.PATCH-SEQUENCE-name.sql";
}

size_t name_text_prefix(const char *s, size_t len)
{
	enum utf8_verdict why;
	size_t n, ascii = 0;

	while (ascii < len && s[ascii] >= 0x20 && s[ascii] < 0x7f)
		ascii++;
	if (ascii == len)
		return len;
	n = utf8_check(s, len, &why);
	for (size_t i = ascii; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		/* C1 controls are the two bytes c2 80 to c2 9f. */
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[i + 1] < 0xa0))
			return i;
	}
	return n;
}

static enum name_fit bad(struct name_problem *why, const char *message, const char *hint, ...)
	__attribute__((format(printf, 3, 4)));

static enum name_fit bad(struct name_problem *why, const char *message, const char *hint, ...)
{
	va_list ap;

	snprintf(why->message, sizeof why->message, "%s", message);
	va_start(ap, hint);
	vsnprintf(why->hint, sizeof why->hint, hint, ap);
	va_end(ap);
	return NAME_BAD;
}

static int is_word(struct slice s, const char *word)
{
	return strlen(word) == s.len && memcmp(s.p, word, s.len) == 0;
}

/* SCRIPT_SINGLE: not a role's word. */
static enum script_role role_of(struct slice s)
{
	for (size_t i = SCRIPT_UP; i < sizeof roles / sizeof *roles; i++)
		if (is_word(s, roles[i]))
			return (enum script_role)i;
	return SCRIPT_SINGLE;
}

static int is_plain(struct slice s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	for (size_t i = 0; i < s.len; i++)
		if (!memchr(allowed, s.p[i], sizeof allowed - 1))
			return 0;
	return s.len > 0 && s.len <= WORD_MAX;
}

/* The driver that a word names, aliases and letter case aside; NULL: unknown. */
static const char *known_driver(const struct name_rules *rules, struct slice s)
{
	for (size_t i = 0; i < rules->n_dialect; i++) {
		const struct dunlin_dialect *d = rules->dialect[i];

		if (strlen(d->name) == s.len && strncasecmp(d->name, s.p, s.len) == 0)
			return d->name;
		for (const char *const *a = d->aliases; a && *a; a++)
			if (strlen(*a) == s.len && strncasecmp(*a, s.p, s.len) == 0)
				return d->name;
	}
	return NULL;
}

/* Takes the word as the driver's name. */
static enum name_fit take_driver(struct name_parts *p, const struct name_rules *rules,
                                 struct slice s, struct name_problem *why)
{
	const char *name = known_driver(rules, s);

	if (!is_plain(s))
		return bad(why, "what follows the name's dot is not a driver's name",
		           "A name has no dots; a word after a dot is a driver's name, then up, down or verify.");
	if (name && !is_word(s, name)) {
		bad(why, "", "Write it as '.%s.'.", name);
		snprintf(why->message, sizeof why->message, "'%.*s' is not the name of a driver, '%s' is",
		         (int)s.len, s.p, name);
		return NAME_BAD;
	}
	p->driver = s;
	return NAME_FITS;
}

/* Cuts the next word off: what stands before a dot or the end. */
static struct slice next_word(struct slice *rest)
{
	const char *dot = rest->len ? memchr(rest->p, '.', rest->len) : NULL;
	struct slice w = { rest->p, dot ? (size_t)(dot - rest->p) : rest->len };
	size_t skip = w.len + (dot ? 1 : 0);

	rest->p += skip;
	rest->len -= skip;
	return w;
}

/* "[DRIVER.][ROLE]", after the name's dot. */
static enum name_fit take_words(struct name_parts *p, const struct name_rules *rules,
                                struct slice rest, struct name_problem *why)
{
	struct slice word = next_word(&rest);
	enum name_fit fit;

	p->role = role_of(word);
	if (p->role == SCRIPT_SINGLE) {
		fit = take_driver(p, rules, word, why);
		if (fit != NAME_FITS || rest.len == 0)
			return fit;
		p->role = role_of(next_word(&rest));
	} else if (rest.len > 0 && is_plain(rest)) {
		return bad(why, "the role stands before the driver's name", "Write it as '.%.*s.%s.sql'.",
		           (int)rest.len, rest.p, roles[p->role]);
	}
	if (p->role == SCRIPT_SINGLE || rest.len > 0)
		return bad(why, "the words after the name's dot are not a driver's name and a role",
		           "A name has no dots; after one stand a driver's name, then up, down or verify.");
	return NAME_FITS;
}

/* "ROLE[.DRIVER]", in a migration's folder. */
static enum name_fit take_inner(struct name_parts *p, const struct name_rules *rules,
                                struct slice rest, struct name_problem *why)
{
	struct slice word = next_word(&rest);

	p->role = role_of(word);
	if (p->role == SCRIPT_SINGLE)
		return bad(why, "a file in a migration's folder is named for none of its roles",
		           "There are up.sql, down.sql and verify.sql, and for one driver up.DRIVER.sql and so on.");
	return rest.len ? take_driver(p, rules, rest, why) : NAME_FITS;
}

/* The filename scheme: takes off the end what can only be a role and a driver. */
static enum name_fit take_suffixes(struct name_parts *p, const struct name_rules *rules,
                                   struct slice *stem, struct name_problem *why)
{
	for (int is_driver = 0; is_driver < 2; is_driver++) {
		size_t dot = stem->len;
		struct slice word;

		while (dot > 0 && stem->p[dot - 1] != '.')
			dot--;
		if (dot < 2)
			continue;
		word = (struct slice){ stem->p + dot, stem->len - dot };
		if (is_driver && known_driver(rules, word)) {
			if (take_driver(p, rules, word, why) != NAME_FITS)
				return NAME_BAD;
			stem->len = dot - 1;
		} else if (!is_driver && role_of(word) != SCRIPT_SINGLE) {
			p->role = role_of(word);
			stem->len = dot - 1;
		}
	}
	return NAME_FITS;
}

/* The version, and the separator after it; the rest is left in *rest. */
static enum name_fit take_version(struct name_parts *p, enum scheme s, struct slice *rest,
                                  struct name_problem *why)
{
	size_t n = version_prefix(&p->key, s, rest->p, rest->len);
	char c = n < rest->len ? rest->p[n] : '\0';

	if (n == 0)
		return NAME_UNFIT;
	p->version = (struct slice){ rest->p, n };
	if (c == '-' || (c == '_' && s != SCHEME_SEMVER)) {
		rest->p += n + 1;
		rest->len -= n + 1;
		return NAME_FITS;
	}
	/* "1.0.6-001.sql" is meant well; "001.5.sql" may be anything. */
	if (s == SCHEME_SEMVER && (c == '\0' || c == '.'))
		return bad(why, "a name is missing after the version", "Write it as %s.", name_pattern(s));
	return NAME_UNFIT;
}

static enum name_fit parse(struct name_parts *p, enum scheme s, const struct name_rules *rules,
                           struct slice stem, int is_folder, struct name_problem *why)
{
	struct slice rest = stem;
	enum name_fit fit = NAME_FITS;

	p->is_repeatable = stem.len >= 2 && memcmp(stem.p, "R-", 2) == 0;
	if (p->is_repeatable) {
		rest.p += 2;
		rest.len -= 2;
	} else if (s == SCHEME_FILENAME) {
		if (!is_folder)
			fit = take_suffixes(p, rules, &stem, why);
		p->base = p->version = stem;
		p->name = (struct slice){ stem.p + stem.len, 0 };
		version_prefix(&p->key, s, stem.p, stem.len);
		return fit;
	} else {
		fit = take_version(p, s, &rest, why);
		if (fit != NAME_FITS)
			return fit;
	}
	p->name = next_word(&rest);
	p->base = (struct slice){ stem.p, (size_t)(p->name.p + p->name.len - stem.p) };
	if (p->is_repeatable)
		p->version = p->base;
	if (p->name.len == 0)
		return bad(why, "a name is missing", "Write it as %s.",
		           p->is_repeatable ? "R-name.sql" : name_pattern(s));
	if (p->base.len == stem.len)
		return NAME_FITS;
	if (is_folder)
		return bad(why, "the name of a migration's folder has a dot in it",
		           "A folder is for all drivers; one driver's files are up.DRIVER.sql and so on inside it.");
	return take_words(p, rules, rest, why);
}

enum name_fit name_parse(struct name_parts *p, enum scheme s, const struct name_rules *rules,
                         const char *path, size_t len, struct name_problem *why)
{
	const char *slash = memchr(path, '/', len);
	struct slice stem = { path, slash ? (size_t)(slash - path) : len - 4 };
	enum name_fit fit;

	memset(p, 0, sizeof *p);
	fit = parse(p, s, rules, stem, slash != NULL, why);
	if (fit == NAME_FITS && slash)
		fit = take_inner(p, rules, (struct slice){ slash + 1, len - stem.len - 1 - 4 }, why);
	if (fit == NAME_FITS && len >= 5 && path[len - 5] == '.')
		fit = bad(why, "two dots stand before 'sql'", "Leave one out.");
	if (fit == NAME_FITS && name_text_prefix(path, len) < len)
		fit = bad(why, "the name holds a control character or is not valid UTF-8", "Rename the file.");
	return fit;
}

const char *name_misspelt_driver(const struct name_rules *rules, struct slice word)
{
	const char *names[sizeof rules->dialect / sizeof *rules->dialect + 1] = { NULL };
	char text[WORD_MAX + 1];

	if (word.len == 0 || word.len > WORD_MAX || known_driver(rules, word))
		return NULL;
	for (size_t i = 0; i < rules->n_dialect; i++)
		names[i] = rules->dialect[i]->name;
	memcpy(text, word.p, word.len);
	text[word.len] = '\0';
	return nearest(text, names);
}
