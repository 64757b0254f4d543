/*
 * script.c - what is to go wrong, and the record of what was asked.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum action { FAIL, LOST, BUSY, SLOW, NOTICE };

struct mock_fault {
	struct mock_fault *next;
	enum action action;
	enum mock_point at;
	long from, to;   /* times it strikes; to 0: for ever    */
	char match[64];  /* or the text to look for             */
	int  is_after, status, errclass, native, is_retryable, is_unsafe;
	long position, ms;
	char sqlstate[6], message[256], hint[128], holder[64];
};

static const char *const points[MOCK_N_POINTS] = {
	"open", "begin", "statement", "ledger", "seal", "commit", "rollback", "savepoint", "query", "lock",
	"unlock", "tx_state", "reset", "probe", "snapshot",
};
static const char *const actions[] = { "fail", "lost", "busy", "slow", "notice" };
static const char *const classes[] = {
	"UNKNOWN", "CONNECTION", "SCHEMA", "DEPENDENCY", "CONSTRAINT", "SYNTAX", "PERMISSION", "LOCK", "TIMEOUT",
	"VALIDATION", "DRIVER", "INTERRUPTED",
};
static const char *const statuses[] = { "ok", "error", "nomem", "enotsup", "busy", "timeout", "cancelled" };
static const char *const caps[] = {
	"tx", "tx_ddl", "ddl_commits", "savepoint", "lock", "copy_in", "exec_many", "reset_session", "cancel",
	"snapshot", "probe", "blockers", "create_database", "drop_database", "scratch", "lint", "adopt", "read_only",
	"mixed_tables", "probe_sql",
};

/* Index of a name in a list, or -1. */
#define FIND(list, name) find(list, sizeof list / sizeof *list, name)

static int find(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return (int)i;
	return -1;
}

static void copy(char *out, size_t size, const char *value)
{
	size_t n = strlen(value);

	n = n < size ? n : size - 1;
	memcpy(out, value, n);
	out[n] = '\0';
}

/* The next word of a line, its "quotes" taken off; 0: none is left. */
static int next_word(const char **line, char *out, size_t size)
{
	const char *p = *line + strspn(*line, " \t\r");
	size_t n = 0;
	int is_quoted = 0;

	for (; *p && (is_quoted || !strchr(" \t\r", *p)); p++) {
		if (*p == '"')
			is_quoted = !is_quoted;
		else if (n + 1 < size)
			out[n++] = *p;
	}
	out[n] = '\0';
	*line = p;
	return n > 0;
}

static int read_caps(struct mock_script *s, const char *list)
{
	char name[32];

	for (; *list; list += *list == ',') {
		size_t n = strcspn(list, ",");
		int bit;

		if (n < 2 || n > sizeof name || !strchr("+-", *list))
			return -1;
		memcpy(name, list + 1, n - 1);
		name[n - 1] = '\0';
		bit = FIND(caps, name);
		if (bit < 0)
			return -1;
		*(*list == '+' ? &s->caps_on : &s->caps_off) |= UINT64_C(1) << bit;
		list += n;
	}
	return 0;
}

static int read_which(struct mock_fault *f, const char *word)
{
	char *end;

	f->from = 1;
	if (strcmp(word, "*") == 0)
		return 0;
	if (*word == '~') {
		copy(f->match, sizeof f->match, word + 1);
		return f->match[0] ? 0 : -1;
	}
	f->from = f->to = strtol(word, &end, 10);
	if (*end == '-')
		f->to = end[1] ? strtol(end + 1, &end, 10) : 0;
	if (*end == '-' && end[1] == '\0')
		end++;
	return f->from > 0 && *end == '\0' ? 0 : -1;
}

static int read_fault_word(struct mock_fault *f, char *word)
{
	char *value = strchr(word, '=');

	if (!value) {
		if (strcmp(word, "after") == 0)
			f->is_after = 1;
		else if (strcmp(word, "retryable") == 0)
			f->is_retryable = 1;
		else if (strcmp(word, "unsafe") == 0)
			f->is_unsafe = 1;
		else
			return -1;
		return 0;
	}
	*value++ = '\0';
	if (strcmp(word, "status") == 0)
		return (f->status = -FIND(statuses, value)) < 0 ? 0 : -1;
	if (strcmp(word, "class") == 0)
		return (f->errclass = FIND(classes, value)) >= 0 ? 0 : -1;
	if (strcmp(word, "native") == 0)
		f->native = (int)strtol(value, NULL, 10);
	else if (strcmp(word, "position") == 0)
		f->position = strtol(value, NULL, 10);
	else if (strcmp(word, "ms") == 0 || strcmp(word, "linger") == 0)
		f->ms = strtol(value, NULL, 10);
	else if (strcmp(word, "sqlstate") == 0)
		copy(f->sqlstate, sizeof f->sqlstate, value);
	else if (strcmp(word, "message") == 0)
		copy(f->message, sizeof f->message, value);
	else if (strcmp(word, "hint") == 0)
		copy(f->hint, sizeof f->hint, value);
	else if (strcmp(word, "holder") == 0)
		copy(f->holder, sizeof f->holder, value);
	else
		return -1;
	return 0;
}

static int read_fault(struct mock_script *s, enum action action, const char *line)
{
	struct mock_fault *f = mock_zalloc(sizeof *f), **end = &s->fault;
	char word[512];
	int at;

	if (!f)
		return -1;
	while (*end)
		end = &(*end)->next;
	*end = f;
	*f = (struct mock_fault){ .action = action, .status = DUNLIN_ERROR, .position = -1 };
	at = next_word(&line, word, sizeof word) ? FIND(points, word) : -1;
	if (at < 0 || !next_word(&line, word, sizeof word) || read_which(f, word) < 0)
		return -1;
	f->at = (enum mock_point)at;
	while (next_word(&line, word, sizeof word))
		if (read_fault_word(f, word) < 0)
			return -1;
	return 0;
}

static int read_blocker(struct mock_script *s, const char *line)
{
	char word[512];

	s->has_blocker = 1;
	while (next_word(&line, word, sizeof word)) {
		char *value = strchr(word, '=');

		if (!value)
			return -1;
		*value++ = '\0';
		if (strcmp(word, "pid") == 0)
			s->blocker_pid = strtol(value, NULL, 10);
		else if (strcmp(word, "user") == 0)
			copy(s->blocker_user, sizeof s->blocker_user, value);
		else if (strcmp(word, "application") == 0)
			copy(s->blocker_application, sizeof s->blocker_application, value);
		else if (strcmp(word, "query") == 0)
			copy(s->blocker_query, sizeof s->blocker_query, value);
		else if (strcmp(word, "since") == 0)
			copy(s->blocker_since, sizeof s->blocker_since, value);
		else
			return -1;
	}
	return 0;
}

static int read_probe(struct mock_script *s, const char *line)
{
	char word[16];

	if (!next_word(&line, word, sizeof word))
		return -1;
	s->is_probe_enotsup = strcmp(word, "enotsup") == 0;
	s->is_probe_same = strcmp(word, "same") == 0;
	return s->is_probe_enotsup || s->is_probe_same ? 0 : -1;
}

static int read_line(struct mock_script *s, const char *line)
{
	char word[512];
	int action;

	if (!next_word(&line, word, sizeof word) || word[0] == '#')
		return 0;
	if (strncmp(word, "caps=", 5) == 0)
		return read_caps(s, word + 5);
	action = FIND(actions, word);
	if (action >= 0)
		return read_fault(s, (enum action)action, line);
	if (strcmp(word, "blocker") == 0)
		return read_blocker(s, line);
	if (strcmp(word, "failed_tx") == 0)
		s->is_failed_tx = 1;
	else if (strcmp(word, "clock") == 0)
		s->is_clock_still = 1;
	else if (strcmp(word, "probe") == 0)
		return read_probe(s, line);
	else
		return -1;
	return 0;
}

struct mock_script *mock_script_read(const char *text, struct dunlin_driver_error *err)
{
	struct mock_script *s = mock_zalloc(sizeof *s);
	char line[1024];

	if (!s)
		return NULL;
	while (*text) {
		size_t n = strcspn(text, "\n;");

		snprintf(line, sizeof line, "%.*s", (int)n, text);
		if (n >= sizeof line || read_line(s, line) < 0) {
			mock_fail(err, DUNLIN_CLASS_VALIDATION, "the mock's script is wrong at '%s'", line);
			mock_script_free(s);
			return NULL;
		}
		text += n + (text[n] != '\0');
	}
	return s;
}

void mock_script_free(struct mock_script *s)
{
	while (s && s->fault) {
		struct mock_fault *next = s->fault->next;

		mock_free(s->fault);
		s->fault = next;
	}
	mock_free(s);
}

/* --- faults ------------------------------------------------------------------- */

static int contains(const char *sql, size_t len, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; sql && i + n <= len; i++)
		if (memcmp(sql + i, text, n) == 0)
			return 1;
	return 0;
}

static int strikes(const struct mock_fault *f, const struct mock_pass *p)
{
	if (f->at != p->at)
		return 0;
	if (f->match[0])
		return contains(p->sql, p->len, f->match);
	return p->n >= f->from && (f->to == 0 || p->n <= f->to);
}

static int fail_as_told(const struct mock_fault *f, struct dunlin_driver_error *err)
{
	mock_fail(err, f->errclass, "%s", f->message[0] ? f->message : "it fails as its script says");
	if (err) {
		err->native = f->native;
		err->position = f->position;
		err->is_retryable = (uint8_t)f->is_retryable;
		err->is_unsafe = (uint8_t)f->is_unsafe;
		copy(err->sqlstate, sizeof err->sqlstate, f->sqlstate);
		copy(err->hint, sizeof err->hint, f->hint);
	}
	return f->status;
}

static int be_slow(struct mock_conn *c, long ms, struct dunlin_driver_error *err)
{
	int64_t end = mock_now_ms() + ms;

	while (mock_now_ms() < end) {
		int rc = mock_check_stop(c, err);

		if (rc != DUNLIN_OK)
			return rc;
		mock_sleep_ms(2);
	}
	return DUNLIN_OK;
}

static int strike(struct mock_conn *c, const struct mock_fault *f, const struct dunlin_exec_observer *obs,
                  size_t index, struct dunlin_driver_error *err)
{
	switch (f->action) {
	case FAIL:
		return fail_as_told(f, err);
	case LOST:
		mock_disconnect(c, f->ms);
		c->is_dead = 1;
		return mock_fail(err, DUNLIN_CLASS_CONNECTION, "the connection is lost");
	case BUSY:
		mock_fail(err, DUNLIN_CLASS_LOCK, "%s%s", f->holder[0] ? "held by " : "", f->holder);
		return DUNLIN_EBUSY;
	case SLOW:
		return be_slow(c, f->ms, err);
	case NOTICE:
		if (obs && obs->notice)
			obs->notice(obs->arg, index, DUNLIN_LOG_WARN, f->message);
		return DUNLIN_OK;
	}
	return DUNLIN_OK;
}

static int strike_all(struct mock_conn *c, const struct mock_pass *p, int is_after,
                      const struct dunlin_exec_observer *obs, size_t index, struct dunlin_driver_error *err)
{
	const struct mock_script *s = c->db->script;

	for (const struct mock_fault *f = s ? s->fault : NULL; f; f = f->next) {
		int rc = f->is_after == is_after && strikes(f, p) ? strike(c, f, obs, index, err) : DUNLIN_OK;

		if (rc != DUNLIN_OK)
			return rc;
	}
	return DUNLIN_OK;
}

int mock_before(struct mock_conn *c, struct mock_pass *p, enum mock_point at, const char *sql, size_t len,
                const struct dunlin_exec_observer *obs, size_t index, struct dunlin_driver_error *err)
{
	*p = (struct mock_pass){ .at = at, .sql = sql, .len = len };
	if (c->is_dead)
		return mock_fail(err, DUNLIN_CLASS_CONNECTION, "the connection is lost");
	pthread_mutex_lock(&mock_lock_all);
	p->n = ++c->db->passes[at];
	pthread_mutex_unlock(&mock_lock_all);
	return strike_all(c, p, 0, obs, index, err);
}

int mock_after(struct mock_conn *c, const struct mock_pass *p, struct dunlin_driver_error *err)
{
	return strike_all(c, p, 1, NULL, 0, err);
}

/* --- the trace -------------------------------------------------------------------- */

static void add(char *line, size_t size, const char *text, size_t len)
{
	size_t n = strlen(line);

	for (size_t i = 0; i < len && n + 4 < size; i++) {
		if (text[i] == '\n') {
			line[n++] = '\\';
			line[n++] = 'n';
		} else {
			line[n++] = text[i];
		}
	}
	line[n] = '\0';
}

void mock_trace(struct mock_conn *c, int is_step, int status, const char *what, const char *sql, size_t len,
                const struct dunlin_param *param, size_t n_param)
{
	char line[4096];
	int fd;

	if (!c->trace)
		return;
	snprintf(line, sizeof line - 64, "%s%s%s", is_step ? "\t" : "", what, sql ? " " : "");
	add(line, sizeof line - 64, sql ? sql : "", sql ? len : 0);
	for (size_t i = 0; i < n_param; i++) {
		add(line, sizeof line - 64, i ? ", " : " [", 2);
		add(line, sizeof line - 64, param[i].value ? param[i].value : "NULL", param[i].value ? param[i].len : 4);
	}
	if (n_param)
		add(line, sizeof line - 60, "]", 1);
	if (status < 0 && -status < (int)(sizeof statuses / sizeof *statuses)) {
		add(line, sizeof line - 40, " -> ", 4);
		add(line, sizeof line - 20, statuses[-status], strlen(statuses[-status]));
	}
	snprintf(line + strlen(line), 2, "\n");
	fd = open(c->trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	/* A trace that cannot be written shows in the test that reads it. */
	if (write(fd, line, strlen(line)) < 0)
		mock_host->log(mock_host->ctx, DUNLIN_LOG_WARN, "the mock cannot write its trace");
	close(fd);
}
