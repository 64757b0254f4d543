/*
 * text.c - single values as people read them: characters that are safe on a
 * terminal with the columns they take, durations, sizes, times.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "output.h"

#include <inttypes.h>
#include <string.h>

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t utf8_next(const char *s, size_t len, uint32_t *cp)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
	uint32_t c;

	*cp = UINT32_MAX;
	if (n == 0 || n > len)
		return 1;
	c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 1;
	*cp = c;
	return n;
}

int is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) ||
	       cp == 0x61c || cp == 0x200e || cp == 0x200f || /* direction marks        */
	       (cp >= 0x2028 && cp <= 0x202e) ||              /* separators, embeddings */
	       (cp >= 0x2066 && cp <= 0x2069) ||              /* isolates               */
	       cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb);
}

struct range { uint32_t first, last; };

/* The blocks of combining marks and joiners that take no column. */
static const struct range zero_width[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f },
	{ 0x06d6, 0x06dc }, { 0x0900, 0x0902 }, { 0x093c, 0x093c }, { 0x0941, 0x0948 }, { 0x094d, 0x094d },
	{ 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
	{ 0x200b, 0x200d }, { 0x20d0, 0x20ff }, { 0x302a, 0x302d }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	{ 0xe0100, 0xe01ef },
};

/* East Asian Wide and Fullwidth (UAX #11), and emoji. */
static const struct range double_width[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x23e9, 0x23ec }, { 0x2614, 0x2615 }, { 0x26aa, 0x26ab },
	{ 0x2705, 0x2705 }, { 0x270a, 0x270b }, { 0x274c, 0x274c }, { 0x2753, 0x2755 }, { 0x2b1b, 0x2b1c },
	{ 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xa000, 0xa4cf },
	{ 0xa960, 0xa97f }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd },
};

static int is_in(uint32_t cp, const struct range *r, size_t n)
{
	size_t from = 0;

	while (from < n) {
		size_t mid = from + (n - from) / 2;

		if (cp < r[mid].first)
			n = mid;
		else if (cp > r[mid].last)
			from = mid + 1;
		else
			return 1;
	}
	return 0;
}

static size_t char_width(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (is_in(cp, zero_width, sizeof zero_width / sizeof *zero_width))
		return 0;
	return is_in(cp, double_width, sizeof double_width / sizeof *double_width) ? 2 : 1;
}

size_t plain_prefix(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (unsigned char)s[n] >= 0x20 && (unsigned char)s[n] < 0x7f)
		n++;
	return n;
}

size_t escape_next(const char *s, size_t len, char out[16], size_t *out_len, size_t *width)
{
	static const char *const named[] = { ['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r" };
	uint32_t cp;
	size_t n;

	n = utf8_next(s, len, &cp);
	if (cp == UINT32_MAX)
		*out_len = (size_t)snprintf(out, 16, "\\x%02x", (unsigned)(unsigned char)*s);
	else if (cp < sizeof named / sizeof *named && named[cp])
		*out_len = (size_t)snprintf(out, 16, "%s", named[cp]);
	else if (cp < 0x80 && is_control(cp))
		*out_len = (size_t)snprintf(out, 16, "\\x%02x", (unsigned)cp);
	else if (is_control(cp))
		*out_len = (size_t)snprintf(out, 16, "\\u%04x", (unsigned)cp);
	else {
		memcpy(out, s, n);
		*out_len = n;
		*width = char_width(cp);
		return n;
	}
	*width = *out_len;
	return n;
}

size_t safe_width(const char *s, size_t len)
{
	char piece[16];
	size_t total = 0, n, width;

	for (size_t i = 0; i < len;) {
		size_t plain = plain_prefix(s + i, len - i);

		total += plain;
		i += plain;
		if (i == len)
			break;
		i += escape_next(s + i, len - i, piece, &n, &width);
		total += width;
	}
	return total;
}

char *text_duration(int64_t ms, char buf[32])
{
	if (ms < 0)
		ms = 0;
	if (ms < 1000)
		snprintf(buf, 32, "%" PRId64 " ms", ms);
	else if (ms < 60000)
		snprintf(buf, 32, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
	else if (ms < 3600000)
		snprintf(buf, 32, "%" PRId64 " min %" PRId64 " s", ms / 60000, ms % 60000 / 1000);
	else
		snprintf(buf, 32, "%" PRId64 " h %" PRId64 " min", ms / 3600000, ms % 3600000 / 60000);
	return buf;
}

char *text_bytes(int64_t n, char buf[32])
{
	static const char *const unit[] = { "kB", "MB", "GB", "TB" };
	size_t u = 0;

	if (n < 1000) {
		snprintf(buf, 32, "%" PRId64 " B", n);
		return buf;
	}
	for (n = n / 100; n >= 10000 && u + 1 < sizeof unit / sizeof *unit; u++)
		n /= 1000;
	snprintf(buf, 32, "%" PRId64 ".%" PRId64 " %s", n / 10, n % 10, unit[u]);
	return buf;
}

/* Shown as it is where it has another form. */
char *text_time(const char *t, char buf[32])
{
	size_t n = strlen(t);

	if (n >= 20 && t[10] == 'T' && t[n - 1] == 'Z') { /* without the fraction */
		memcpy(buf, t, 19);
		buf[10] = ' ';
		memcpy(buf + 19, "Z", 2);
	} else {
		snprintf(buf, 32, "%.31s", t);
	}
	return buf;
}
