/*
 * duration.c - lengths of time as people write and read them.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "duration.h"

#include "error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct { const char *name; int64_t ms; } units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 },
};

static int refuse(struct dunlin_error *err, const char *what, const char *text, const char *why)
{
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s: '%.64s' %s", what, text, why);
	error_hint(err, "Write a number with its unit: 500ms, 5s, 10min or 1h.");
	return -1;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* unit 0: the number may only be zero without one. */
static int parse(const char *text, const char *what, int64_t unit, int64_t *ms, struct dunlin_error *err)
{
	const char *p = text;
	int64_t whole = 0, fraction = 0, scale = 1;

	if (*p == '-')
		return refuse(err, what, text, "is negative");
	if (!is_digit(*p))
		return refuse(err, what, text, "is not a duration");
	for (; is_digit(*p); p++) {
		if (whole > (INT64_MAX - 9) / 10)
			return refuse(err, what, text, "is too long");
		whole = whole * 10 + (*p - '0');
	}
	if (*p == '.') {
		if (!is_digit(*++p))
			return refuse(err, what, text, "is not a duration");
		/* Nine digits are finer than a millisecond of an hour. */
		for (; is_digit(*p); p++) {
			if (scale < 1000000000) {
				fraction = fraction * 10 + (*p - '0');
				scale *= 10;
			}
		}
	}
	if (*p == '\0') {
		if (unit == 0 && (whole || fraction))
			return refuse(err, what, text, "has no unit");
		unit = unit ? unit : 1;
	} else {
		unit = 0;
		for (size_t i = 0; i < sizeof units / sizeof *units; i++)
			if (strcmp(p, units[i].name) == 0)
				unit = units[i].ms;
		if (unit == 0)
			return refuse(err, what, text, "has a unit that is not ms, s, min or h");
	}
	if (whole > INT64_MAX / unit - 1)
		return refuse(err, what, text, "is too long");
	*ms = whole * unit + fraction * unit / scale;
	return 0;
}

int duration_parse(const char *text, const char *what, int64_t *ms, struct dunlin_error *err)
{
	return parse(text, what, 0, ms, err);
}

int duration_parse_ms(const char *text, const char *what, int64_t *ms, struct dunlin_error *err)
{
	return parse(text, what, 1, ms, err);
}

const char *duration_format(int64_t ms, char out[DURATION_TEXT])
{
	int64_t s, min;

	if (ms < 0) {
		out[0] = '\0';
		return out;
	}
	/* 59950 and more would round up to "60.0 s". */
	s = ms / 1000 + (ms % 1000 >= 500);
	min = s / 60;
	if (ms < 1000)
		snprintf(out, DURATION_TEXT, "%" PRId64 " ms", ms);
	else if (ms < 59950)
		snprintf(out, DURATION_TEXT, "%" PRId64 ".%" PRId64 " s", (ms + 50) / 1000, (ms + 50) / 100 % 10);
	else if (min < 60)
		snprintf(out, DURATION_TEXT, "%" PRId64 " min %02" PRId64 " s", min, s % 60);
	else
		snprintf(out, DURATION_TEXT, "%" PRId64 " h %02" PRId64 " min", min / 60, min % 60);
	return out;
}
