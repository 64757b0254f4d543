/*
 * common.h - what every driver of ours needs and no client library brings:
 * the host's memory, growing text, the error struct, the clock, options, SQL
 * tokens.  Linked into each plugin; a plugin shares no code at run time.
 *
 * Functions that take `err` fill it when they fail and return an enum
 * dunlin_status; err may be NULL.  All may be called from any thread.
 */
#ifndef DUNLIN_DRIVERS_COMMON_H
#define DUNLIN_DRIVERS_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include <dunlin/driver.h>

/* --- memory and text (text.c) ------------------------------------------------ */

void *drv_alloc(size_t n); /* from the host; NULL: out of memory */
void *drv_zalloc(size_t n);
void  drv_free(void *p);
char *drv_strndup(const char *s, size_t n);
char *drv_strdup(const char *s);
void  drv_set_host(const struct dunlin_host *host);
void  drv_log(int level, const char *text); /* never a secret */

/* Makes room for n elements in an array that the caller keeps; 0 or -1. */
int drv_grow(void *p_ptr, size_t *cap, size_t n, size_t size);

/* A growing text, NUL-ended when p is not NULL; a failed append sticks. */
struct drv_text {
	char  *p;
	size_t len, cap;
	int    is_failed;
};
void drv_text_add(struct drv_text *t, const char *s, size_t n);
void drv_text_adds(struct drv_text *t, const char *s);
void drv_text_addf(struct drv_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void drv_text_quote(struct drv_text *t, const char *name); /* "name" as an identifier */
void drv_text_reset(struct drv_text *t);
void drv_text_clear(struct drv_text *t);

/* --- errors (error.c) ---------------------------------------------------------- */

void drv_error_clear(struct dunlin_driver_error *err);
/* Fills err, returns status. */
int  drv_error(struct dunlin_driver_error *err, int status, int errclass, int native, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void drv_hint(struct dunlin_driver_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void drv_detail(struct dunlin_driver_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int  drv_nomem(struct dunlin_driver_error *err);

/* --- steps, options, the clock (util.c) ------------------------------------------ */

struct dunlin_step drv_step_load(const struct dunlin_step *s); /* min(theirs, ours) bytes */
/* The last value of a key, or NULL. */
const char *drv_option(const struct dunlin_kv *kv, size_t n, const char *key);
/* Milliseconds; *ms stays as it is where the key is not there. */
int     drv_option_ms(const struct dunlin_kv *kv, size_t n, const char *key, int64_t *ms,
                      struct dunlin_driver_error *err);
int64_t drv_now_ms(void); /* monotonic */
void    drv_sleep_ms(int64_t ms);

/* --- SQL tokens (token.c) ------------------------------------------------------ */

enum drv_token_kind {
	DRV_TOKEN_END = 0,
	DRV_TOKEN_WORD,   /* keyword or bare name, number, variable */
	DRV_TOKEN_NAME,   /* "x" `x` [x]                            */
	DRV_TOKEN_STRING, /* 'x' x'00'                              */
	DRV_TOKEN_PUNCT
};
struct drv_token {
	int         kind;
	const char *p;
	size_t      len;
};
/* Reads the next token of [*p, end), comments and white space skipped.  lex:
 * the DUNLIN_LEX_* of the dialect; those about quotes and comments count. */
struct drv_token drv_token_next(uint32_t lex, const char **p, const char *end);
int  drv_token_is(const struct drv_token *t, const char *word); /* ASCII case ignored */
/* The name that a WORD, NAME or STRING token stands for, quotes taken off. */
void drv_token_name(const struct drv_token *t, struct drv_text *out);
/* Text that is the same for statements that differ in case, spacing, comments
 * and quotes of names only. */
void drv_normalise(uint32_t lex, const char *sql, size_t len, struct drv_text *out);
void drv_normalise_token(const struct drv_token *t, struct drv_text *out, char *prev);
int  drv_contains_word(const char *sql, size_t len, const char *lower); /* case ignored */

#endif
