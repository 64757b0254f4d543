/*
 * quirks.c - the words in which the suite speaks to a database, and the file
 * that gives others: lines "key = value", '#' comments, \n \t \\ in values.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "suite.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static const struct { const char *key, *value; } defaults[N_QUIRKS] = {
	[QUIRK_CREATE] = { "create_table", "CREATE TABLE %s (id integer NOT NULL PRIMARY KEY, name varchar(200))" },
	[QUIRK_SYNTAX] = { "syntax_error", "SELEKT 1" },
	/* Five times a table with itself: 200 to the fifth rows, none of which may be left out. */
	[QUIRK_SLOW] = { "slow", "SELECT count(*) FROM %s a, %s b, %s c, %s d, %s e "
	                         "WHERE a.id * b.id + c.id * d.id * e.id <> 0" },
	[QUIRK_COPY] = { "copy", "COPY %s (id, name) FROM stdin" },
	[QUIRK_DATA] = { "copy_data", "1\tone\n2\ttwo\n" },
	[QUIRK_COMMIT] = { "commit", "COMMIT" },
};

const char *quirk(const struct suite *s, enum quirk q)
{
	return s->quirk[q] ? s->quirk[q] : defaults[q].value;
}

static char *unescape(const char *value)
{
	char *out = strdup(value), *p = out;

	for (const char *q = value; out && *q; q++) {
		if (*q == '\\' && q[1]) {
			q++;
			*p++ = (char)(*q == 'n' ? '\n' : *q == 't' ? '\t' : *q);
		} else {
			*p++ = *q;
		}
	}
	if (out)
		*p = '\0';
	return out;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static int wrong(struct dunlin_error *err, const char *file, unsigned line, const char *what, const char *name)
{
	memset(err, 0, sizeof *err);
	err->code = DUNLIN_EXIT_USAGE;
	err->errclass = DUNLIN_CLASS_VALIDATION;
	err->line = line;
	snprintf(err->file, sizeof err->file, "%s", file);
	snprintf(err->message, sizeof err->message, "%s%s%s%s", what, *name ? " '" : "", name, *name ? "'" : "");
	snprintf(err->hint, sizeof err->hint, "A line is KEY = VALUE with one of the keys %s, %s, %s, %s, %s, %s.",
	         defaults[0].key, defaults[1].key, defaults[2].key, defaults[3].key, defaults[4].key, defaults[5].key);
	return -1;
}

static int read_line(struct suite *s, const char *file, unsigned n, char *line, struct dunlin_error *err)
{
	char *key = trim(line), *value = strchr(key, '=');

	if (!*key || *key == '#')
		return 0;
	if (!value)
		return wrong(err, file, n, "a line without '='", "");
	*value++ = '\0';
	key = trim(key);
	for (int q = 0; q < N_QUIRKS; q++)
		if (strcmp(defaults[q].key, key) == 0) {
			free(s->quirk[q]);
			s->quirk[q] = unescape(trim(value));
			return s->quirk[q] ? 0 : wrong(err, file, n, "out of memory", "");
		}
	return wrong(err, file, n, "there is no quirk", key);
}

int quirks_read(struct suite *s, const char *file, struct dunlin_error *err)
{
	char line[4096];
	unsigned n = 0;
	FILE *f;
	int rc = 0;

	if (!file)
		return 0;
	f = fopen(file, "re");
	if (!f)
		return wrong(err, file, 0, strerror(errno), "");
	while (rc == 0 && fgets(line, sizeof line, f))
		rc = read_line(s, file, ++n, line, err);
	fclose(f);
	return rc;
}

void quirks_clear(struct suite *s)
{
	for (int q = 0; q < N_QUIRKS; q++)
		free(s->quirk[q]);
}
