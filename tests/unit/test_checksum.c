/*
 * test_checksum.c - SHA-256 as text, and the content hash that line ends and a
 * byte order mark do not change.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "checksum.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void sha256_gives_the_digests_of_the_standard(void)
{
	static const struct { const char *text; int times; const char *want; } cases[] = {
		{ "", 1, EMPTY },
		{ "abc", 1, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "aaaaaaaaaa", 100000, "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sha256 h;
		char text[SHA256_TEXT];

		sha256_start(&h);
		for (int n = 0; n < cases[i].times; n++)
			sha256_add(&h, cases[i].text, strlen(cases[i].text));
		sha256_text(&h, text);
		TAP_EQ_STR(text, cases[i].want);
	}
}

static void sha256_goes_on_after_its_text_was_asked_for(void)
{
	struct sha256 h;
	char text[SHA256_TEXT];

	sha256_start(&h);
	sha256_add(&h, "a", 1);
	sha256_text(&h, text);
	TAP_EQ_STR(text, "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
	sha256_add(&h, "bc", 2);
	sha256_text(&h, text);
	TAP_EQ_STR(text, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void content_of(const char *p, size_t len, size_t piece, char out[SHA256_TEXT])
{
	struct content_hash h;

	content_hash_start(&h);
	for (size_t i = 0; i < len; i += piece)
		content_hash_add(&h, p + i, len - i < piece ? len - i : piece);
	content_hash_text(&h, out);
}

#define BOM "\xef\xbb\xbf"

static void content_hash_reads_crlf_as_lf_and_leaves_the_mark_out(void)
{
	/* is the content hash of `text` the plain hash of `same`, whatever the pieces? */
	static const struct { const char *text; size_t len; const char *same; size_t same_len; } cases[] = {
		{ "", 0, "", 0 },
		{ "a", 1, "a", 1 },
		{ "a\r\nb\r\n", 6, "a\nb\n", 4 },
		{ "\r\n", 2, "\n", 1 },
		{ "\r\n\r\n\r\n", 6, "\n\n\n", 3 },
		{ "\r", 1, "\r", 1 },
		{ "a\rb\r", 4, "a\rb\r", 4 },
		{ "\r\r\n", 3, "\r\n", 2 },
		{ "\r\r\r\n\n", 5, "\r\r\n\n", 4 },
		{ BOM, 3, "", 0 },
		{ BOM "a\r\n", 6, "a\n", 2 },
		{ BOM "\r\n", 5, "\n", 1 },
		{ BOM BOM, 6, BOM, 3 },
		{ "a" BOM, 4, "a" BOM, 4 },
		{ "\xef\xbb", 2, "\xef\xbb", 2 },
		{ "\xef", 1, "\xef", 1 },
		{ "\xef\xbb" "a", 3, "\xef\xbb" "a", 3 },
		{ "ab\r\n", 4, "ab\n", 3 },
		{ "abc\r\n", 5, "abc\n", 4 },
		{ "a\0\r\nb", 5, "a\0\nb", 4 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sha256 h;
		char want[SHA256_TEXT], got[SHA256_TEXT];

		sha256_start(&h);
		sha256_add(&h, cases[i].same, cases[i].same_len);
		sha256_text(&h, want);
		for (size_t piece = 1; piece <= 7; piece++) {
			content_of(cases[i].text, cases[i].len, piece, got);
			if (!TAP_EQ_STR(got, want))
				tap_note("case %zu in pieces of %zu", i, piece);
		}
	}
}

static void content_hash_sees_every_other_change(void)
{
	static const char *const texts[] = { "a\nb\n", "a\nb", "a\n\nb\n", "a b\n", "a\rb\n", " a\nb\n", "A\nb\n" };
	char sum[sizeof texts / sizeof *texts][SHA256_TEXT];

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		content_of(texts[i], strlen(texts[i]), 100, sum[i]);
		for (size_t j = 0; j < i; j++)
			TAP_OK(strcmp(sum[i], sum[j]) != 0);
	}
}

static void content_hash_is_the_same_for_a_long_file_in_any_pieces(void)
{
	enum { LEN = 70000 };
	char *dos = malloc(2 * LEN), want[SHA256_TEXT], got[SHA256_TEXT];
	struct sha256 h;
	size_t n = 0;

	if (!TAP_OK(dos != NULL))
		return;
	sha256_start(&h);
	for (int i = 0; i < LEN; i++) {
		char c = (char)(i % 37 == 0 ? '\n' : 'a' + i % 26);

		sha256_add(&h, &c, 1);
		if (c == '\n')
			dos[n++] = '\r';
		dos[n++] = c;
	}
	sha256_text(&h, want);
	for (size_t piece = 1; piece < 2 * LEN; piece = piece * 7 + 3) {
		content_of(dos, n, piece, got);
		TAP_EQ_STR(got, want);
	}
	free(dos);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "sha256_gives_the_digests_of_the_standard", sha256_gives_the_digests_of_the_standard },
		{ "sha256_goes_on_after_its_text_was_asked_for", sha256_goes_on_after_its_text_was_asked_for },
		{ "content_hash_reads_crlf_as_lf_and_leaves_the_mark_out",
		  content_hash_reads_crlf_as_lf_and_leaves_the_mark_out },
		{ "content_hash_sees_every_other_change", content_hash_sees_every_other_change },
		{ "content_hash_is_the_same_for_a_long_file_in_any_pieces",
		  content_hash_is_the_same_for_a_long_file_in_any_pieces },
	};

	return tap_main("checksum", tests, sizeof tests / sizeof *tests);
}
