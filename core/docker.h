/*
 * docker.h - the database of a container: docker://NAME, and docker: for the
 * only one that runs.
 */
#ifndef DUNLIN_CORE_DOCKER_H
#define DUNLIN_CORE_DOCKER_H

#include "command.h"
#include "mem.h"

/* What a container is, of what `docker inspect` or `podman inspect` says. */
struct docker_container {
	const char *id, *name, *image;
	const char *status;   /* NULL: it runs; else "exited", ...               */
	const char *scheme;   /* NULL: there is no database in it that we know   */
	const char *user, *password, *database; /* of its environment, or NULL   */
	const char *host, *port;                /* host NULL: it has no address  */
};

/*
 * Reads such a JSON document, an array of one or its only element.  engine_host:
 * where ports are published if the engine runs elsewhere, NULL: here.  What *out
 * points at lives in the arena.  is_named: the caller says that it is a database,
 * and its port is proof enough of which.  Errors: USAGE.
 */
int docker_read(struct arena *a, const char *json, size_t len, const char *engine_host, int is_named,
                struct docker_container *out, struct dunlin_error *err);

/* What a found database is told by. */
struct docker_found {
	struct buf *url;    /* with its password: to be wiped */
	struct buf *origin; /* "container 'NAME' (IMAGE), asked by docker" */
	int is_local;       /* the container runs on this machine */
};

int docker_is_url(const char *text);

/* Asks docker and podman for what the URL names.  Errors: USAGE, TIMEOUT, STOPPED. */
int docker_find(const char *text, const struct command_limits *limits, struct docker_found *out,
                struct dunlin_error *err);

#endif
