/*
 * docker.c - asks the docker program, or podman, or both.
 *
 * Where both are there a container may be of either; where one is the other
 * under its name, a container has the same id twice and counts once.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "docker.h"

#include "buf.h"
#include "error.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ANSWER_MAX = 8 << 20, ERRORS_MAX = 4096, CONTAINERS_MAX = 200 };

static const char how_hint[] = "Write docker://CONTAINER, or docker: for the only running container that has a database.";

/* The engines, and the variable that says where each runs. */
static const struct engine { const char *program, *host_variable; } engines[] = {
	{ "docker", "DOCKER_HOST" },
	{ "podman", "CONTAINER_HOST" },
};

struct candidate { struct docker_container c; const struct engine *engine; };

struct search {
	const struct command_limits *limits;
	struct arena arena;
	struct candidate *found;
	size_t n_found, cap;
	int n_programs;         /* that are there                       */
	struct buf complaints;  /* what they said when they did not do it */
	int is_missing;         /* one of them knows of no such container */
};

int docker_is_url(const char *text)
{
	return strncasecmp(text, "docker:", 7) == 0;
}

/* "docker://NAME", "docker:NAME" or "docker:"; NULL: it is no name. */
static const char *name_of(const char *text)
{
	const char *name = text + 7;

	if (strncmp(name, "//", 2) == 0)
		name += 2;
	/* Such a name is not an option either. */
	if (*name == '.' || *name == '-' ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
		return NULL;
	return name;
}

/* The host in "ssh://me@host:22" or "tcp://host:2376"; NULL: the engine is here. */
static const char *host_of(struct search *s, const struct engine *e)
{
	const char *text = getenv(e->host_variable), *host, *at, *end;
	char *out;

	if (!text || (strncmp(text, "tcp://", 6) != 0 && strncmp(text, "ssh://", 6) != 0))
		return NULL;
	host = text + 6;
	end = host + strcspn(host, "/");
	for (at = host; at < end; at++)
		if (*at == '@')
			host = at + 1;
	if (*host == '[')
		out = arena_strndup(&s->arena, host + 1, strcspn(host + 1, "]"));
	else
		out = arena_strndup(&s->arena, host, strcspn(host, ":/"));
	if (!out || strcmp(out, "localhost") == 0 || strncmp(out, "127.", 4) == 0 || strcmp(out, "::1") == 0)
		return NULL;
	return out;
}

/* --- asking ------------------------------------------------------------------- */

/* What an engine's refusal says, on one line. */
static void complain(struct search *s, const struct engine *e, const struct buf *errors, int status)
{
	const char *p = errors->p ? errors->p : "";
	size_t n;

	p += strspn(p, " \t\r\n");
	n = strcspn(p, "\r\n");
	if (s->complaints.len)
		buf_adds(&s->complaints, "; ");
	if (n)
		buf_addf(&s->complaints, "%s: %.*s", e->program, (int)(n > 300 ? 300 : n), p);
	else
		buf_addf(&s->complaints, "%s: exit status %d", e->program, status);
}

static int says_missing(const struct buf *errors)
{
	return errors->p && strcasestr(errors->p, "no such") != NULL;
}

/* Its answer in out.  1: it answered; 0: it is not there, or refused; -1: error. */
static int ask(struct search *s, const struct engine *e, const char *verb, const char *word, struct buf *out,
               struct dunlin_error *err)
{
	const char *const argv[] = { e->program, verb, word, NULL };
	struct buf errors = { .max = ERRORS_MAX };
	int status = 0, rc;

	rc = command_run(argv, s->limits, out, &errors, &status, err);
	if (rc == COMMAND_RAN) {
		s->n_programs++;
		if (status != 0) {
			s->is_missing |= says_missing(&errors);
			complain(s, e, &errors, status);
		}
	}
	buf_clear(&errors);
	return rc == COMMAND_FAILED ? -1 : rc == COMMAND_RAN && status == 0;
}

static void wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->len);
	buf_clear(b);
}

static int is_known(const struct search *s, const struct docker_container *c)
{
	for (size_t i = 0; i < s->n_found; i++)
		if (c->id && s->found[i].c.id && strcmp(c->id, s->found[i].c.id) == 0)
			return 1;
	return 0;
}

/* Adds the container of that name, if there is one.  0 or -1. */
static int inspect(struct search *s, const struct engine *e, const char *name, int is_named, struct dunlin_error *err)
{
	struct buf out = { .max = ANSWER_MAX };
	struct docker_container c;
	int rc = ask(s, e, "inspect", name, &out, err);

	if (rc > 0) {
		rc = docker_read(&s->arena, out.p ? out.p : "", out.len, host_of(s, e), is_named, &c, err);
		if (rc < 0) {
			if (err && err->code == DUNLIN_EXIT_USAGE)
				error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION,
				          "what '%s inspect %s' answers is not the JSON of a container", e->program, name);
		} else if (!is_known(s, &c)) {
			rc = mem_grow(&s->found, &s->cap, s->n_found, sizeof *s->found);
			if (rc < 0)
				error_nomem(err);
			else
				s->found[s->n_found++] = (struct candidate){ c, e };
		}
	}
	wipe(&out);
	return rc;
}

/* Adds those of an engine's running containers that have a database. */
static int list(struct search *s, const struct engine *e, struct dunlin_error *err)
{
	struct buf out = { .max = 1 << 20 };
	int rc = ask(s, e, "ps", "-q", &out, err), n = 0;

	for (char *p = rc > 0 && out.p ? out.p : NULL; p && *p && rc >= 0;) {
		size_t len;
		char *id;

		p += strspn(p, " \t\r\n");
		len = strcspn(p, " \t\r\n");
		if (!len)
			break;
		id = arena_strndup(&s->arena, p, len);
		p += strcspn(p, "\n");
		if (!id)
			rc = error_nomem(err);
		else if (++n > CONTAINERS_MAX)
			rc = error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "more than %d containers are running", CONTAINERS_MAX);
		else if (inspect(s, e, id, 0, err) < 0)
			rc = -1;
	}
	buf_clear(&out);
	return rc < 0 ? -1 : 0;
}

/* --- choosing -------------------------------------------------------------------- */

static int refuse(struct dunlin_error *err, const char *hint, const char *message)
{
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "%s", message);
	error_hint(err, "%s", hint);
	return -1;
}

static int fail(struct search *s, const char *name, struct dunlin_error *err)
{
	if (s->n_programs == 0)
		return refuse(err, "Install one of them, or give the database's own URL.",
		              "there is neither a 'docker' nor a 'podman' program on PATH to ask for the container");
	if (s->is_missing && *name) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "there is no container '%s'", name);
		error_hint(err, "See `docker ps -a` for their names. What was said: %s.", s->complaints.p ? s->complaints.p : "");
		return -1;
	}
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the containers cannot be asked for: %s",
	          s->complaints.p ? s->complaints.p : "no answer");
	error_hint(err, "See whether its service runs, and whether you may use it.");
	return -1;
}

/* Keeps of a list what may be meant: the running ones with a database. */
static void keep_databases(struct search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_found; i++)
		if (s->found[i].c.scheme && !s->found[i].c.status)
			s->found[n++] = s->found[i];
	s->n_found = n;
}

static int refuse_several(struct search *s, struct dunlin_error *err)
{
	struct buf names = { .max = 900 };

	for (size_t i = 0; i < s->n_found; i++)
		buf_addf(&names, "%s'%s' (%s)", i ? ", " : "", s->found[i].c.name ? s->found[i].c.name : s->found[i].c.id,
		         s->found[i].c.image);
	error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "several running containers have a database: %s",
	          names.p ? names.p : "");
	error_hint(err, "Name one, as in docker://%s.", s->found[0].c.name ? s->found[0].c.name : s->found[0].c.id);
	buf_clear(&names);
	return -1;
}

static int check(const struct candidate *f, const char *name, struct dunlin_error *err)
{
	const struct docker_container *c = &f->c;
	const char *program = f->engine->program;

	if (c->status) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the container '%s' is not running: it is %s", name, c->status);
		error_hint(err, "Start it by `%s %s %s`.", program, strcmp(c->status, "paused") == 0 ? "unpause" : "start", name);
		return -1;
	}
	if (!c->scheme) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "there is no database that dunlin knows in the container '%s' (%s)",
		          name, c->image);
		error_hint(err, "It is known by its image, by POSTGRES_..., MARIADB_... or MYSQL_... in its environment, and by port 5432 or 3306.");
		return -1;
	}
	if (!c->host) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "the container '%s' publishes no port and has no address of its own",
		          name);
		error_hint(err, "Publish the port where the container is made: `%s run -p 127.0.0.1::%s ...`.", program, c->port);
		return -1;
	}
	return 0;
}

static int tell(struct search *s, const struct candidate *f, struct docker_found *out, struct dunlin_error *err)
{
	const struct docker_container *c = &f->c;

	url_add_server(out->url, c->scheme, c->user, c->password, c->host, c->port, c->database);
	buf_addf(out->origin, "container '%s' (%s), asked by %s", c->name ? c->name : c->id ? c->id : "", c->image,
	         f->engine->program);
	out->is_local = host_of(s, f->engine) == NULL;
	return out->url->is_failed || out->origin->is_failed ? error_nomem(err) : 0;
}

static int search_for(struct search *s, const char *name, struct docker_found *out, struct dunlin_error *err)
{
	for (size_t i = 0; i < sizeof engines / sizeof *engines && (!*name || !s->n_found); i++)
		if ((*name ? inspect(s, &engines[i], name, 1, err) : list(s, &engines[i], err)) < 0)
			return -1;
	if (!*name) {
		keep_databases(s);
		if (s->n_found > 1)
			return refuse_several(s, err);
		if (!s->n_found && s->n_programs && !s->complaints.len)
			return refuse(err, "Start one, name it by docker://CONTAINER, or give the database's own URL.",
			              "no running container has a database that dunlin knows");
	}
	if (!s->n_found)
		return fail(s, name, err);
	if (check(&s->found[0], *name ? name : s->found[0].c.name ? s->found[0].c.name : "", err) < 0)
		return -1;
	return tell(s, &s->found[0], out, err);
}

int docker_find(const char *text, const struct command_limits *limits, struct docker_found *out,
                struct dunlin_error *err)
{
	struct search s = { .limits = limits, .complaints = { .max = 900 } };
	const char *name = name_of(text);
	int rc;

	if (!name)
		return refuse(err, how_hint, "what follows 'docker:' in the URL is not the name of a container");
	rc = search_for(&s, name, out, err);
	for (size_t i = 0; i < s.n_found; i++)
		if (s.found[i].c.password)
			explicit_bzero((char *)s.found[i].c.password, strlen(s.found[i].c.password));
	mem_free(s.found);
	buf_clear(&s.complaints);
	arena_clear(&s.arena);
	return rc;
}
