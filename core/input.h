/*
 * input.h - the bytes of a migration file, wherever they are: a regular file,
 * or memory (a bundle, the ledger's down).  May be opened many times.
 */
#ifndef DUNLIN_CORE_INPUT_H
#define DUNLIN_CORE_INPUT_H

#include <dunlin/dunlin.h>

struct input {
	const char *name; /* for messages: the path as the user knows it       */
	int         dirfd; /* path is relative to it; AT_FDCWD                  */
	const char *path; /* NULL: memory                                      */
	const char *data;
	size_t      len;
	int         is_listed; /* the folder's listing had it as a regular file  */
	const char *root; /* real path of the source folder that a link must
	                     not leave, or NULL: no check                       */
};

struct input_stream;

/* Refuses folders, FIFOs and devices without blocking, and links that leave
 * root.  size: bytes, may be NULL. */
int  input_open(const struct input *in, uint64_t off, struct input_stream **out,
                uint64_t *size, struct dunlin_error *err);
/* A split_read_fn: arg is the stream. */
long input_read(void *stream, char *p, size_t n, struct dunlin_error *err);
/* Reads on from byte `off`, which must not lie behind the end. */
int  input_seek(struct input_stream *s, uint64_t off, struct dunlin_error *err);
/* The file was written to since it was opened.  What was read whole cannot change. */
int  input_is_changed(const struct input_stream *s);
void input_close(struct input_stream *s);

#endif
