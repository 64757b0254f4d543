/*
 * error.c - filling the error struct; text that does not fit is cut between
 * two characters.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/common.h"

void drv_error_clear(struct dunlin_driver_error *err)
{
	uint32_t size;

	if (!err)
		return;
	size = err->struct_size;
	memset(err, 0, sizeof *err);
	err->struct_size = size;
	err->position = -1;
}

static void fill(struct dunlin_driver_error *err, char *p, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(p, size, fmt, ap);

	if (n < 0 || (size_t)n < size)
		return;
	err->is_truncated = 1;
	/* Not in the middle of a character. */
	for (n = (int)size - 1; n > 0 && ((unsigned char)p[n - 1] & 0xc0) == 0x80; n--)
		;
	if (n > 0 && (unsigned char)p[n - 1] >= 0xc0)
		p[n - 1] = '\0';
}

int drv_error(struct dunlin_driver_error *err, int status, int errclass, int native, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return status;
	drv_error_clear(err);
	err->errclass = errclass;
	err->native = native;
	va_start(ap, fmt);
	fill(err, err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	return status;
}

void drv_hint(struct dunlin_driver_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	fill(err, err->hint, sizeof err->hint, fmt, ap);
	va_end(ap);
}

void drv_detail(struct dunlin_driver_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	fill(err, err->detail, sizeof err->detail, fmt, ap);
	va_end(ap);
}

int drv_nomem(struct dunlin_driver_error *err)
{
	return drv_error(err, DUNLIN_ENOMEM, DUNLIN_CLASS_UNKNOWN, 0, "out of memory");
}
