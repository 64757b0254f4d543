/*
 * optfile.c - MariaDB's option files: where to connect, as whom, and how safe.
 *
 * Only that is taken from them.  What a client program may be told besides
 * (init-command, local-infile, plugin-dir) is passed over.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "my_driver.h"

#define MAX_DEPTH 8
#define MAX_FILE  (1 << 20)

struct reader {
	struct my_options *o;
	const char *group;        /* besides the usual ones; or NULL */
	int is_wanted;            /* the group that the lines are in */
	int has_password;
	struct dunlin_driver_error *err;
};

static int read_file(struct reader *r, const char *path, int is_named, int depth);

static char *trim(char *s)
{
	size_t n;

	while (*s == ' ' || *s == '\t')
		s++;
	n = strlen(s);
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		s[--n] = '\0';
	return s;
}

static int is_wanted(const struct reader *r, const char *group)
{
	static const char *const usual[] = { "client", "client-server", "client-mariadb", "dunlin" };
	size_t i;

	for (i = 0; i < sizeof usual / sizeof *usual; i++)
		if (strcmp(usual[i], group) == 0)
			return 1;
	return r->group && strcmp(r->group, group) == 0;
}

/* The value's quotes and escapes: \b \t \n \r \\ \s. */
static void unquote(char *s)
{
	size_t n = strlen(s);
	char *to = s, *from = s;
	const char *map = "b\bt\tn\nr\r\\\\s ", *at;

	if (n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n - 1] == s[0]) {
		s[n - 1] = '\0';
		from++;
	}
	for (; *from; from++) {
		if (*from == '\\' && from[1] && (at = strchr(map, from[1])) && (at - map) % 2 == 0) {
			*to++ = at[1];
			from++;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/* A comment behind the value, outside its quotes. */
static void cut_comment(char *s)
{
	char quote = 0;

	for (; *s; s++) {
		if (quote) {
			if (*s == '\\' && s[1])
				s++;
			else if (*s == quote)
				quote = 0;
		} else if (*s == '\'' || *s == '"') {
			quote = *s;
		} else if (*s == '#') {
			*s = '\0';
			return;
		}
	}
}

static int read_option(struct reader *r, char *line)
{
	char *eq, *key, *value, none[1] = "";
	int status;

	cut_comment(line);
	eq = strchr(line, '=');
	if (eq)
		*eq = '\0';
	key = trim(line);
	if (strncmp(key, "loose-", 6) == 0 || strncmp(key, "loose_", 6) == 0)
		key += 6;
	value = eq ? trim(eq + 1) : none;
	unquote(value);
	if (strcmp(key, "password") == 0 && *value)
		r->has_password = 1;
	/* A value that we cannot take is the file's affair with other programs. */
	status = my_option_set(r->o, key, value, NULL);
	return status == DUNLIN_ENOMEM ? drv_nomem(r->err) : DUNLIN_OK;
}

static int read_folder(struct reader *r, const char *path, int depth)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, NULL, alphasort), i, status = DUNLIN_OK;
	struct drv_text t = { 0 };

	for (i = 0; i < n; i++) {
		size_t len = strlen(list[i]->d_name);

		if (status == DUNLIN_OK && len > 4 && strcmp(list[i]->d_name + len - 4, ".cnf") == 0) {
			drv_text_reset(&t);
			drv_text_addf(&t, "%s/%s", path, list[i]->d_name);
			status = t.is_failed ? drv_nomem(r->err) : read_file(r, t.p, 0, depth);
		}
		free(list[i]);
	}
	free(list);
	drv_text_clear(&t);
	return status;
}

static int read_line(struct reader *r, char *line, int depth)
{
	char *s = trim(line), *end;

	if (*s == '\0' || *s == '#' || *s == ';')
		return DUNLIN_OK;
	if (strncmp(s, "!includedir", 11) == 0)
		return read_folder(r, trim(s + 11), depth - 1);
	if (strncmp(s, "!include", 8) == 0)
		return read_file(r, trim(s + 8), 0, depth - 1);
	if (*s == '[') {
		end = strchr(s, ']');
		if (end)
			*end = '\0';
		r->is_wanted = end && is_wanted(r, trim(s + 1));
		return DUNLIN_OK;
	}
	return r->is_wanted ? read_option(r, s) : DUNLIN_OK;
}

static int read_lines(struct reader *r, char *text, int depth)
{
	char *line = text, *next;
	int status = DUNLIN_OK;

	for (; line && status == DUNLIN_OK; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		status = read_line(r, line, depth);
	}
	return status;
}

/* A password that others may read is none. */
static int check_mode(const struct reader *r, const char *path, const struct stat *st)
{
	if (!r->has_password || (st->st_mode & (S_IRWXG | S_IRWXO)) == 0 || st->st_uid != geteuid())
		return DUNLIN_OK;
	drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_PERMISSION, 0, "'%s' holds a password, and others may read it", path);
	drv_hint(r->err, "Take their rights away: chmod 600 %s", path);
	if (r->err)
		r->err->is_unsafe = 1;
	return DUNLIN_ERROR;
}

static int cannot_read(const struct reader *r, const char *path, const char *why)
{
	return drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "cannot read the option file '%s': %s", path, why);
}

static int read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n = 0;

	while (len + 1 < size && ((n = read(fd, text + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	text[len] = '\0';
	return n < 0 ? -1 : 0;
}

static int read_file(struct reader *r, const char *path, int is_named, int depth)
{
	int fd = depth > 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1, status, had_password = r->has_password;
	char *text = NULL;
	struct stat st;

	if (fd < 0)
		return is_named ? cannot_read(r, path, strerror(errno)) : DUNLIN_OK;
	/* As the server's own programs do: what everybody may write says nothing. */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_FILE || (st.st_mode & S_IWOTH)) {
		close(fd);
		return is_named ? cannot_read(r, path, "it is not a file, or everybody may write it") : DUNLIN_OK;
	}
	text = drv_alloc((size_t)st.st_size + 1);
	r->is_wanted = r->has_password = 0;
	if (!text)
		status = drv_nomem(r->err);
	else if (read_all(fd, text, (size_t)st.st_size + 1) < 0)
		status = is_named ? cannot_read(r, path, strerror(errno)) : DUNLIN_OK;
	else
		status = read_lines(r, text, depth);
	close(fd);
	if (status == DUNLIN_OK)
		status = check_mode(r, path, &st);
	r->has_password |= had_password;
	if (text)
		explicit_bzero(text, (size_t)st.st_size);
	drv_free(text);
	return status;
}

int my_optfile_read(struct my_options *o, const char *file, const char *group, struct dunlin_driver_error *err)
{
	static const char *const usual[] = { "/etc/my.cnf", "/etc/mysql/my.cnf" };
	struct reader r = { .o = o, .group = group, .err = err };
	const char *home = secure_getenv("HOME");
	struct drv_text t = { 0 };
	int status = DUNLIN_OK;
	size_t i;

	if (file)
		return read_file(&r, file, 1, MAX_DEPTH);
	for (i = 0; i < sizeof usual / sizeof *usual && status == DUNLIN_OK; i++)
		status = read_file(&r, usual[i], 0, MAX_DEPTH);
	if (status == DUNLIN_OK && home && home[0] == '/') {
		drv_text_addf(&t, "%s/.my.cnf", home);
		status = t.is_failed ? drv_nomem(err) : read_file(&r, t.p, 0, MAX_DEPTH);
	}
	drv_text_clear(&t);
	return status;
}
