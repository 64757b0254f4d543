/*
 * suggest.c - the word that was probably meant.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "cli.h"

#include <string.h>

#define MAX_WORD 40

static size_t min3(size_t a, size_t b, size_t c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Edits from a to b, a swap of neighbours being one (optimal string alignment). */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t d[MAX_WORD + 1][MAX_WORD + 1];

	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[n][m];
}

const char *suggest(const char *word, const char *(*next)(void *arg, size_t i), void *arg)
{
	const char *best = NULL, *c;
	size_t n = strlen(word), best_distance = n <= 3 ? 2 : n <= 6 ? 3 : 4; /* must be below */

	if (n == 0 || n > MAX_WORD)
		return NULL;
	for (size_t i = 0; (c = next(arg, i)) != NULL; i++) {
		size_t m = strlen(c), d;

		if (m > MAX_WORD)
			continue;
		/* What was typed may be a shortened word. */
		d = n >= 2 && m > n && memcmp(c, word, n) == 0 ? 1 : distance(word, n, c, m);
		if (d < best_distance) {
			best_distance = d;
			best = c;
		}
	}
	return best;
}
