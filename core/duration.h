/*
 * duration.h - lengths of time as people write and read them.
 */
#ifndef DUNLIN_CORE_DURATION_H
#define DUNLIN_CORE_DURATION_H

#include <dunlin/dunlin.h>

/*
 * Reads a number with its unit, "500ms" "5s" "1.5s" "10min" "1h", or a plain
 * "0", into whole milliseconds; what is finer is dropped.  `what` names the
 * option in errors, as "--timeout".  Errors: USAGE.
 */
int duration_parse(const char *text, const char *what, int64_t *ms, struct dunlin_error *err);

/* The same, but a number without a unit is milliseconds (MIGRATION_TIMEOUT). */
int duration_parse_ms(const char *text, const char *what, int64_t *ms, struct dunlin_error *err);

#define DURATION_TEXT 48

/* "12 ms", "1.2 s", "3 min 04 s", "2 h 05 min"; "" for a negative one. */
const char *duration_format(int64_t ms, char out[DURATION_TEXT]);

#endif
