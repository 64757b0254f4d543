/*
 * feed.h - the bytes of a file, or of a piece of it, on their way to a
 * splitter: counted, hashed, and with placeholders replaced where asked for.
 */
#ifndef DUNLIN_CORE_FEED_H
#define DUNLIN_CORE_FEED_H

#include "placeholder.h"
#include "script.h"

#define FEED_NO_END UINT64_MAX

struct feed {
	struct input_stream *in;
	uint64_t pos, end;              /* next byte to be given, and the limit       */
	struct placeholder_filter *filter;
	/* Content of the file, hashed once however often it is read. */
	struct content_hash content;
	uint64_t content_end;           /* bytes in it                                */
	int      has_content;
	/* The same bytes as they are: content.h itself while both agree. */
	struct sha256 raw;
	int      is_raw_apart;
};

/* Opens the file; nothing is hashed yet, the feed gives all of it. */
int  feed_open(struct feed *f, const struct input *in, uint64_t off, struct dunlin_error *err);
void feed_close(struct feed *f);
/* Starts to hash content and raw bytes, from the start of the file. */
void feed_hash_file(struct feed *f);
/* Starts to hash the raw bytes alone, from here on. */
void feed_hash_raw(struct feed *f);
/* Goes to `off` and gives bytes up to `end`.  mode: how placeholders are treated,
 * FEED_PLAIN: as text. */
#define FEED_PLAIN (-1)
int  feed_restart(struct feed *f, const struct script_env *env, const char *file, uint64_t off, uint64_t end,
                  uint32_t line, int mode, struct dunlin_error *err);
/* A split_read_fn: arg is the feed. */
long feed_read(void *feed, char *p, size_t n, struct dunlin_error *err);
/* Reads what is left, so that all of it is hashed. */
int  feed_drain(struct feed *f, struct dunlin_error *err);
void feed_content_text(struct feed *f, char out[SHA256_TEXT]);
void feed_raw_text(struct feed *f, char out[SHA256_TEXT]);

#endif
