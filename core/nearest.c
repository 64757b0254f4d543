/*
 * nearest.c - which known word somebody may have meant: Levenshtein distance,
 * over words of up to LONGEST bytes, by one row of its table.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "nearest.h"

#include <stddef.h>
#include <string.h>

#define LONGEST 63

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[LONGEST + 1];

	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[nb];
}

const char *nearest(const char *word, const char *const *known)
{
	size_t n = strlen(word);
	const char *found = NULL;
	/* A third of the word may differ; more is a guess. */
	unsigned best = (unsigned)(n / 3 + 1);

	if (n == 0 || n > LONGEST || !known)
		return NULL;
	for (; *known; known++) {
		size_t nk = strlen(*known);
		unsigned d;

		if (nk > LONGEST)
			continue;
		d = distance(word, n, *known, nk);
		if (d < best || (d == best && !found)) {
			best = d;
			found = *known;
		}
	}
	return found;
}
