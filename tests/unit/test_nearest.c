/*
 * test_nearest.c - guessing what was meant.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "nearest.h"
#include "tap.h"

static const char *const words[] = {
	"sslmode", "sslrootcert", "connect_timeout", "host", "up", "a-word-that-is-far-too-long-to-be-"
	"looked-at-because-it-has-more-than-63-bytes", NULL,
};

static void nearest_finds_the_word_with_the_fewest_edits(void)
{
	static const struct { const char *word, *meant; } cases[] = {
		{ "sslmod", "sslmode" }, { "SSLMODE", "sslmode" }, { "ssl_mode", "sslmode" },
		{ "sslrootcrt", "sslrootcert" }, { "hots", "host" }, { "connecttimeout", "connect_timeout" },
		{ "u", "up" }, { "upp", "up" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		TAP_EQ_STR(nearest(cases[i].word, words), cases[i].meant);
}

static void nearest_does_not_guess_what_is_far(void)
{
	static const char *const far[] = {
		"", "colour", "xyz", "a-word-that-is-far-too-long-to-be-looked-at-because-it-has-more-than-63-bytes",
	};

	for (size_t i = 0; i < sizeof far / sizeof *far; i++)
		TAP_EQ_STR(nearest(far[i], words), NULL);
	TAP_EQ_STR(nearest("host", NULL), NULL);
	TAP_EQ_STR(nearest("host", words + 6), NULL);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "nearest_finds_the_word_with_the_fewest_edits", nearest_finds_the_word_with_the_fewest_edits },
		{ "nearest_does_not_guess_what_is_far", nearest_does_not_guess_what_is_far },
	};

	return tap_main("nearest", tests, sizeof tests / sizeof *tests);
}
