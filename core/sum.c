/*
 * sum.c - the format of dunlin.sum, which says what files a folder has and
 * what is in them.
 *
 *     dunlin.sum 1 sha256:HEX
 *     sha256:HEX  1.0.5-001-initial_schema.sql
 *     sha256:HEX  1.0.6-001-add_inbox_retry/up.sql
 *
 * The first line's digest is over all that follows it, so that two branches
 * that both add a migration conflict there.  A file's digest is over its
 * content with CRLF read as LF and without BOM (checksum.h).  The lines are in
 * the order of their paths' bytes, a path is in it once; of a path '\' is
 * written as "\\", control characters and what is not UTF-8 as \xHH.  CRLF in
 * dunlin.sum itself counts as LF.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sum.h"

#include "buf.h"
#include "error.h"
#include "name.h"

#include <string.h>

#define SUM_HEAD "dunlin.sum 1 "

enum { DIGEST_LEN = SHA256_TEXT - 1 };

static int refuse(struct dunlin_error *err, const char *name, uint32_t line, const char *what)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%s': %s", name, what);
	error_at(err, name, line, 0);
	error_hint(err, "%s", SUM_HINT);
	return -1;
}

static int is_digest(const char *s, size_t len)
{
	if (len != DIGEST_LEN || memcmp(s, "sha256:", 7) != 0)
		return 0;
	for (size_t i = 7; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return 0;
	return 1;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path as it is on disk; -1: not as escape() writes it. */
static int unescape(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] == '\0')
			return -1;
		if (s[i] != '\\') {
			buf_addc(out, s[i]);
		} else if (i + 1 < len && s[i + 1] == '\\') {
			buf_addc(out, '\\');
			i++;
		} else {
			high = i + 3 < len && s[i + 1] == 'x' ? hex(s[i + 2]) : -1;
			low = high >= 0 ? hex(s[i + 3]) : -1;
			if (low < 0 || (high | low) == 0)
				return -1;
			buf_addc(out, (char)(high << 4 | low));
			i += 3;
		}
	}
	return 0;
}

static void escape(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *stop = memchr(s + i, '\\', len - i);
		size_t n = name_text_prefix(s + i, stop ? (size_t)(stop - s) - i : len - i);

		buf_add(out, s + i, n);
		i += n;
		if (i < len && s[i] == '\\')
			buf_adds(out, "\\\\");
		else if (i < len)
			buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s[i]);
	}
}

/* The line at *p without its end, which is cut off; NULL: there is none. */
static const char *next_line(const char **p, const char *end, size_t *len)
{
	const char *line = *p, *nl;

	if (line == end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(end - line));
	*p = nl ? nl + 1 : end;
	*len = (size_t)((nl ? nl : end) - line);
	if (*len > 0 && line[*len - 1] == '\r')
		(*len)--;
	return line;
}

/* Lines of files, after the first; `total` gets their digest. */
static int parse_files(const char *p, const char *end, const char *name, sum_line_fn *fn, void *arg,
                       char total[SHA256_TEXT], struct dunlin_error *err)
{
	struct buf file = BUF_INIT, before = BUF_INIT;
	struct sha256 h;
	const char *line;
	size_t len;
	uint32_t n = 1;
	int rc = -1;

	sha256_start(&h);
	while ((line = next_line(&p, end, &len))) {
		n++;
		buf_reset(&file);
		if (len < DIGEST_LEN + 3 || !is_digest(line, DIGEST_LEN) || memcmp(line + DIGEST_LEN, "  ", 2) != 0 ||
		    unescape(&file, line + DIGEST_LEN + 2, len - DIGEST_LEN - 2) < 0) {
			refuse(err, name, n, "the line is not a digest, two spaces and a path");
			goto out;
		}
		if (file.is_failed || before.is_failed) {
			error_nomem(err);
			goto out;
		}
		if (before.len > 0 && bytes_cmp(before.p, before.len, file.p, file.len) >= 0) {
			refuse(err, name, n, "the line is not in the order of the paths");
			goto out;
		}
		sha256_add(&h, line, len);
		sha256_add(&h, "\n", 1);
		if (fn && fn(arg, file.p, file.len, line, DIGEST_LEN) != 0) {
			error_nomem(err);
			goto out;
		}
		buf_reset(&before);
		buf_add(&before, file.p, file.len);
	}
	sha256_text(&h, total);
	rc = 0;
out:
	buf_clear(&file);
	buf_clear(&before);
	return rc;
}

int sum_parse_lines(const char *text, size_t len, const char *name, sum_line_fn *fn, void *arg,
                    int *is_total_wrong, struct dunlin_error *err)
{
	const char *p = text, *end = text + len, *line;
	char total[SHA256_TEXT];
	size_t n;

	*is_total_wrong = 0;
	line = next_line(&p, end, &n);
	if (line && n > strlen(SUM_HEAD) && memcmp(line, SUM_HEAD, strlen("dunlin.sum ")) == 0 &&
	    memcmp(line, SUM_HEAD, strlen(SUM_HEAD)) != 0)
		return refuse(err, name, 1, "the format is not one that this dunlin knows");
	if (!line || n != strlen(SUM_HEAD) + DIGEST_LEN || memcmp(line, SUM_HEAD, strlen(SUM_HEAD)) != 0 ||
	    !is_digest(line + strlen(SUM_HEAD), DIGEST_LEN))
		return refuse(err, name, 1, "the first line is not that of a dunlin.sum");
	if (parse_files(p, end, name, fn, arg, total, err) < 0)
		return -1;
	if (memcmp(total, line + strlen(SUM_HEAD), DIGEST_LEN) == 0)
		return 0;
	*is_total_wrong = 1;
	return refuse(err, name, 1, "the first line does not go with the lines below it");
}

int sum_parse(const char *text, size_t len, const char *name,
	int (*fn)(void *arg, const char *file, size_t file_len, const char *digest, size_t digest_len),
	void *arg, struct dunlin_error *err)
{
	int is_total_wrong;

	return sum_parse_lines(text, len, name, fn, arg, &is_total_wrong, err);
}

void sum_add_line(struct buf *lines, const char *path, size_t len, const char *digest)
{
	buf_addf(lines, "%s  ", digest);
	escape(lines, path, len);
	buf_addc(lines, '\n');
}

void sum_add_whole(struct buf *text, const struct buf *lines)
{
	const char *p = lines->p ? lines->p : "";
	char total[SHA256_TEXT];
	struct sha256 h;

	sha256_start(&h);
	sha256_add(&h, p, lines->len);
	sha256_text(&h, total);
	buf_addf(text, SUM_HEAD "%s\n", total);
	buf_add(text, p, lines->len);
}
