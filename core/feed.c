/*
 * feed.c - reading, with two hashes that are computed as one for as long as
 * they agree: a file without CR and byte order mark is its own content.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "feed.h"

#include "error.h"

#include <string.h>

int feed_open(struct feed *f, const struct input *in, uint64_t off, struct dunlin_error *err)
{
	memset(f, 0, sizeof *f);
	f->end = FEED_NO_END;
	f->pos = off;
	return input_open(in, off, &f->in, NULL, err);
}

void feed_close(struct feed *f)
{
	placeholder_filter_close(f->filter);
	input_close(f->in);
	f->filter = NULL;
	f->in = NULL;
}

void feed_hash_file(struct feed *f)
{
	content_hash_start(&f->content);
	f->has_content = 1;
}

void feed_hash_raw(struct feed *f)
{
	sha256_start(&f->raw);
	f->is_raw_apart = 1;
}

static void hash(struct feed *f, const char *p, size_t n)
{
	if (f->has_content && f->pos + n > f->content_end) {
		size_t seen = (size_t)(f->content_end - f->pos);
		const char *fresh = p + seen;
		size_t n_fresh = n - seen;

		/* Fewer than three bytes at the start are too few to tell a mark: then
		 * the two go apart at once, so that content never holds any back here. */
		if (!f->is_raw_apart &&
		    (memchr(fresh, '\r', n_fresh) || (f->content_end < 3 && (n_fresh < 3 || *fresh == '\xef')))) {
			f->raw = f->content.h;
			f->is_raw_apart = 1;
		}
		content_hash_add(&f->content, fresh, n_fresh);
		f->content_end += n_fresh;
		if (f->is_raw_apart)
			sha256_add(&f->raw, fresh, n_fresh);
	} else if (!f->has_content && f->is_raw_apart) {
		sha256_add(&f->raw, p, n);
	}
}

/* Bytes of the file itself. */
static long read_plain(void *feed, char *p, size_t n, struct dunlin_error *err)
{
	struct feed *f = feed;
	long got;

	if (n > f->end - f->pos)
		n = (size_t)(f->end - f->pos);
	if (n == 0)
		return 0;
	got = input_read(f->in, p, n, err);
	if (got > 0) {
		hash(f, p, (size_t)got);
		f->pos += (uint64_t)got;
	}
	return got;
}

int feed_restart(struct feed *f, const struct script_env *env, const char *file, uint64_t off, uint64_t end,
                 uint32_t line, int mode, struct dunlin_error *err)
{
	placeholder_filter_close(f->filter);
	f->filter = NULL;
	if (off != f->pos && input_seek(f->in, off, err) < 0)
		return -1;
	f->pos = off;
	f->end = end;
	if (mode == FEED_PLAIN)
		return 0;
	return placeholder_filter_open(&f->filter, &(struct placeholder_options){
		.env = env, .mode = (enum placeholder_mode)mode, .file = file, .off = off, .line = line,
		.read = read_plain, .read_arg = f }, err);
}

long feed_read(void *feed, char *p, size_t n, struct dunlin_error *err)
{
	struct feed *f = feed;

	return f->filter ? placeholder_filter_read(f->filter, p, n, err) : read_plain(f, p, n, err);
}

int feed_drain(struct feed *f, struct dunlin_error *err)
{
	char p[16384];
	long got;

	while ((got = read_plain(f, p, sizeof p, err)) > 0)
		;
	return got < 0 ? -1 : 0;
}

void feed_content_text(struct feed *f, char out[SHA256_TEXT])
{
	content_hash_text(&f->content, out);
}

void feed_raw_text(struct feed *f, char out[SHA256_TEXT])
{
	if (f->is_raw_apart)
		sha256_text(&f->raw, out);
	else
		content_hash_text(&f->content, out);
}
