/*
 * test_buf.c - the growing buffer.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "mem.h"
#include "tap.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

static void buf_grows_and_stays_ended(void)
{
	struct buf b = BUF_INIT;
	size_t want = 0;

	for (int i = 0; i < 1000; i++) {
		buf_adds(&b, "abc");
		buf_addc(&b, 'd');
		buf_addf(&b, "%d", i % 10);
		want += 5;
		if (b.len != want || b.p[b.len] != '\0' || b.cap <= b.len)
			TAP_EQ_INT(b.len, want);
	}
	TAP_EQ_INT(b.is_failed, 0);
	TAP_EQ_MEM(b.p, 10, "abcd0abcd1", 10);
	TAP_EQ_MEM(b.p + b.len - 5, 5, "abcd9", 5);
	TAP_EQ_INT(strlen(b.p), b.len);
	buf_clear(&b);
	TAP_OK(b.p == NULL && b.len == 0 && b.cap == 0);
}

static void buf_never_holds_more_than_its_maximum(void)
{
	struct buf b = { .max = 10 };

	TAP_EQ_INT(buf_adds(&b, "0123456789"), 0);
	TAP_EQ_INT(buf_addc(&b, 'x'), -1);
	TAP_EQ_INT(b.is_failed, 1);
	TAP_EQ_STR(b.p, "0123456789");
	/* nothing more is added, not even what would fit */
	TAP_EQ_INT(buf_add(&b, "", 0), -1);
	TAP_OK(buf_take(&b) == NULL);
	TAP_EQ_INT(b.max, 10);
	TAP_EQ_INT(buf_addf(&b, "%s", "01234567890"), -1);
	buf_reset(&b);
	TAP_EQ_INT(buf_addf(&b, "%s", "0123"), 0);
	TAP_EQ_STR(b.p, "0123");
	TAP_EQ_INT(buf_reserve(&b, SIZE_MAX), -1);
	buf_clear(&b);
}

static void buf_reset_empties_and_keeps_the_memory(void)
{
	struct buf b = BUF_INIT;
	size_t cap;

	buf_reset(&b);
	TAP_OK(b.p == NULL);
	buf_adds(&b, "some text");
	cap = b.cap;
	buf_reset(&b);
	TAP_EQ_INT(b.len, 0);
	TAP_EQ_INT(b.cap, cap);
	TAP_EQ_STR(b.p, "");
	buf_clear(&b);
}

static void buf_take_gives_the_text_away(void)
{
	struct buf b = BUF_INIT;
	char *p;

	p = buf_take(&b);
	TAP_EQ_STR(p, "");
	mem_free(p);
	buf_add(&b, "a\0b", 3);
	p = buf_take(&b);
	TAP_EQ_MEM(p, 4, "a\0b", 4);
	mem_free(p);
	TAP_OK(b.p == NULL && b.len == 0);
}

static void buf_remembers_an_allocation_that_failed(void)
{
	struct buf b = BUF_INIT;

	mem_fail_at(1, 0);
	TAP_EQ_INT(buf_adds(&b, "lost"), -1);
	mem_fail_at(0, 0);
	TAP_EQ_INT(buf_adds(&b, "not added"), -1);
	TAP_EQ_INT(b.is_failed, 1);
	TAP_OK(buf_take(&b) == NULL);
	TAP_EQ_INT(b.is_failed, 0);
	mem_fail_at(1, 0);
	TAP_OK(buf_take(&b) == NULL);
	mem_fail_at(0, 0);
	/* what is there stays when growing fails */
	buf_adds(&b, "kept");
	mem_fail_at(1, 0);
	TAP_EQ_INT(buf_reserve(&b, 1000), -1);
	mem_fail_at(0, 0);
	TAP_EQ_STR(b.p, "kept");
	buf_clear(&b);
}

static void buf_quotes_json_that_a_reader_reads_back(void)
{
	static const struct { const char *text; size_t len; } cases[] = {
		{ "", 0 }, { "plain", 5 }, { "\"quoted\\\"", 9 }, { "a\nb\tc\rd", 7 }, { "\x01\x1f\x7f", 3 },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac", 10 }, { "a\0b", 3 }, { "</script>", 9 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT;
		json_t *value;

		TAP_EQ_INT(buf_add_json(&b, cases[i].text, cases[i].len), 0);
		value = json_loadb(b.p, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		if (TAP_OK(value != NULL))
			TAP_EQ_MEM(json_string_value(value), json_string_length(value), cases[i].text, cases[i].len);
		/* no control character passes */
		for (size_t j = 0; j < b.len; j++)
			if ((unsigned char)b.p[j] < 0x20 || b.p[j] == 0x7f)
				TAP_EQ_INT(b.p[j], ' ');
		json_decref(value);
		buf_clear(&b);
	}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "buf_grows_and_stays_ended", buf_grows_and_stays_ended },
		{ "buf_never_holds_more_than_its_maximum", buf_never_holds_more_than_its_maximum },
		{ "buf_reset_empties_and_keeps_the_memory", buf_reset_empties_and_keeps_the_memory },
		{ "buf_take_gives_the_text_away", buf_take_gives_the_text_away },
		{ "buf_remembers_an_allocation_that_failed", buf_remembers_an_allocation_that_failed },
		{ "buf_quotes_json_that_a_reader_reads_back", buf_quotes_json_that_a_reader_reads_back },
	};

	return tap_main("buf", tests, sizeof tests / sizeof *tests);
}
