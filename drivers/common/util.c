/*
 * util.c - steps of any age, options, the clock.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/common.h"

struct dunlin_step drv_step_load(const struct dunlin_step *s)
{
	struct dunlin_step step = { .struct_size = sizeof step };
	size_t n = s->struct_size < sizeof step ? s->struct_size : sizeof step;

	memcpy(&step, s, n);
	return step;
}

const char *drv_option(const struct dunlin_kv *kv, size_t n, const char *key)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(kv[i].key, key) == 0 && kv[i].value)
			value = kv[i].value;
	return value;
}

int drv_option_ms(const struct dunlin_kv *kv, size_t n, const char *key, int64_t *ms, struct dunlin_driver_error *err)
{
	const char *value = drv_option(kv, n, key);
	long long v;
	char *end;

	if (!value)
		return DUNLIN_OK;
	errno = 0;
	v = strtoll(value, &end, 10);
	if (end == value || *end || errno || v < -1 || v > INT32_MAX)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0,
		                 "'%s' is not a number of milliseconds for '%s'", value, key);
	*ms = v;
	return DUNLIN_OK;
}

int64_t drv_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void drv_sleep_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (ms > 0 && nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}
