/*
 * docker_read.c - which database a container is, and how it is reached.
 *
 * The format is that of `docker inspect` (Docker Engine API, ContainerInspect);
 * podman's differs in that a name has no '/' before it, and that ports which
 * are exposed only may stand in NetworkSettings.Ports alone.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "docker.h"

#include "error.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What the images of one database have in common. */
static const struct kind {
	const char *scheme, *port;
	const char *images[12];  /* last part of an image's name                    */
	const char *in_image;    /* or it has this in it, and the port              */
	const char *marks[6];    /* or, with the port, one of these is set          */
	const char *port_name;   /* moves the server's port                         */
	const char *user[5], *password[5], *database[5];
	const char *root, *root_password[4]; /* where no user is named              */
	int is_root_alone;       /* a user other than root comes without its password: that is root's */
} kinds[] = {
	{ .scheme = "postgresql", .port = "5432",
	  .images = { "postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha", "timescaledb-postgis", "pgvector",
	              "pgrouting", "supabase-postgres", "edb-postgres" },
	  .in_image = "postgres",
	  .marks = { "POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB", "POSTGRESQL_PASSWORD", "PG_MAJOR" },
	  .port_name = "PGPORT",
	  .user = { "POSTGRES_USER", "POSTGRESQL_USERNAME", "POSTGRESQL_USER" },
	  .password = { "POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD" },
	  .database = { "POSTGRES_DB", "POSTGRESQL_DATABASE" },
	  .root = "postgres", .root_password = { "POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD" } },
	{ .scheme = "mariadb", .port = "3306",
	  .images = { "mariadb", "mysql", "mysql-server", "percona", "percona-server", "mariadb-server" },
	  .in_image = "mariadb",
	  .marks = { "MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD", "MARIADB_DATABASE", "MYSQL_DATABASE", "MARIADB_VERSION",
	             "MYSQL_VERSION" },
	  .port_name = "MYSQL_TCP_PORT",
	  .user = { "MARIADB_USER", "MYSQL_USER" },
	  .password = { "MARIADB_PASSWORD", "MYSQL_PASSWORD" },
	  .database = { "MARIADB_DATABASE", "MYSQL_DATABASE" },
	  .root = "root", .root_password = { "MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD" }, .is_root_alone = 1 },
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* --- what JSON has ------------------------------------------------------------ */

/* The member at a path such as "Config.Env", or NULL. */
static const json_t *at(const json_t *from, const char *path)
{
	while (from && *path) {
		size_t n = strcspn(path, ".");
		char key[64];

		snprintf(key, sizeof key, "%.*s", (int)n, path);
		from = json_object_get(from, key);
		path += n + (path[n] == '.');
	}
	return from;
}

/* A text there that is not empty, or NULL. */
static const char *text_at(const json_t *from, const char *path)
{
	const char *s = json_string_value(at(from, path));

	return s && *s ? s : NULL;
}

/* The value of an environment variable of the container; "" counts as not set. */
static const char *variable(const json_t *c, const char *name)
{
	const json_t *env = at(c, "Config.Env");
	size_t n = strlen(name), i;
	const json_t *item;

	json_array_foreach(env, i, item) {
		const char *s = json_string_value(item);

		if (s && strncmp(s, name, n) == 0 && s[n] == '=' && s[n + 1])
			return s + n + 1;
	}
	return NULL;
}

static const char *first_variable(const json_t *c, const char *const *names)
{
	const char *value = NULL;

	for (size_t i = 0; names[i] && !value; i++)
		value = variable(c, names[i]);
	return value;
}

/* --- which database ------------------------------------------------------------- */

static int has_port(const json_t *c, const char *port)
{
	static const char *const lists[] = { "Config.ExposedPorts", "NetworkSettings.Ports", "HostConfig.PortBindings" };
	char key[32];

	snprintf(key, sizeof key, "%s/tcp", port);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (json_object_get(at(c, lists[i]), key))
			return 1;
	return 0;
}

/* The last part of "registry:5000/folder/NAME:tag@sha256:...". */
static int is_image(const char *image, const char *name)
{
	size_t n = strcspn(image, "@"), from = 0, len;

	for (size_t i = 0; i < n; i++)
		if (image[i] == '/')
			from = i + 1;
	len = strcspn(image + from, ":@");
	return len == strlen(name) && memcmp(image + from, name, len) == 0;
}

static const char *port_of(const json_t *c, const struct kind *k)
{
	const char *moved = variable(c, k->port_name);

	return moved && strspn(moved, "0123456789") == strlen(moved) && strlen(moved) <= 5 ? moved : k->port;
}

static int is_kind(const json_t *c, const char *image, const struct kind *k, int is_named)
{
	for (size_t i = 0; k->images[i]; i++)
		if (is_image(image, k->images[i]))
			return 1;
	if (!has_port(c, port_of(c, k)))
		return 0;
	if (is_named || strstr(image, k->in_image))
		return 1;
	for (size_t i = 0; i < sizeof k->marks / sizeof *k->marks && k->marks[i]; i++)
		if (variable(c, k->marks[i]))
			return 1;
	return 0;
}

static const struct kind *find_kind(const json_t *c, const char *image, int is_named)
{
	/* What the image or the environment says goes before a mere port. */
	for (int named = 0; named <= is_named; named++)
		for (size_t i = 0; i < N_KINDS; i++)
			if (is_kind(c, image, &kinds[i], named))
				return &kinds[i];
	return NULL;
}

/* --- where it is ------------------------------------------------------------------ */

static int is_any(const char *ip)
{
	return !*ip || strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

/* The published port: that of IPv4 where there are several. */
static const json_t *find_binding(const json_t *c, const char *port)
{
	const json_t *item, *found = NULL;
	char key[32];
	size_t i;

	snprintf(key, sizeof key, "%s/tcp", port);
	json_array_foreach(json_object_get(at(c, "NetworkSettings.Ports"), key), i, item) {
		const char *ip = text_at(item, "HostIp");

		if (!text_at(item, "HostPort"))
			continue;
		if (!found)
			found = item;
		if (!ip || !strchr(ip, ':'))
			return item;
	}
	return found;
}

static const char *own_address(const json_t *c)
{
	const char *ip = text_at(c, "NetworkSettings.IPAddress");
	const char *key;
	const json_t *network;

	if (ip)
		return ip;
	json_object_foreach((json_t *)at(c, "NetworkSettings.Networks"), key, network) {
		ip = text_at(network, "IPAddress");
		if (ip)
			return ip;
	}
	return NULL;
}

static void find_address(const json_t *c, const char *port, const char *engine_host, struct docker_container *out)
{
	const json_t *binding = find_binding(c, port);
	const char *mode = text_at(c, "HostConfig.NetworkMode");

	out->port = port;
	if (binding) {
		const char *ip = text_at(binding, "HostIp");

		out->host = engine_host ? engine_host : !ip || is_any(ip) ? "127.0.0.1" : ip;
		out->port = text_at(binding, "HostPort");
	} else if (mode && strcmp(mode, "host") == 0) {
		out->host = engine_host ? engine_host : "127.0.0.1";
	} else if (!engine_host) {
		out->host = own_address(c);
	}
}

/* --- the whole ---------------------------------------------------------------------- */

static const char *status_of(const json_t *c)
{
	const char *status = text_at(c, "State.Status");

	if (json_is_true(at(c, "State.Paused")))
		return "paused";
	if (json_is_true(at(c, "State.Running")))
		return NULL;
	if (!at(c, "State.Running") && status && strcmp(status, "running") == 0)
		return NULL;
	return status ? status : "stopped";
}

static void find_credentials(const json_t *c, const struct kind *k, struct docker_container *out)
{
	out->user = first_variable(c, k->user);
	out->password = first_variable(c, k->password);
	out->database = first_variable(c, k->database);
	if (!out->user || (k->is_root_alone && !out->password)) {
		out->user = k->root;
		out->password = first_variable(c, k->root_password);
	}
	if (!out->database && strcmp(k->scheme, "postgresql") == 0)
		out->database = out->user;
}

/* Its texts are the JSON's own: the arena takes them over. */
static int keep(struct arena *a, struct docker_container *out)
{
	const char **text[] = { &out->id, &out->name, &out->image, &out->status, &out->user, &out->password, &out->database,
	                        &out->host, &out->port };

	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		if (!*text[i])
			continue;
		*text[i] = arena_strdup(a, *text[i]);
		if (!*text[i])
			return -1;
	}
	return 0;
}

int docker_read(struct arena *a, const char *json, size_t len, const char *engine_host, int is_named,
                struct docker_container *out, struct dunlin_error *err)
{
	json_t *root = json_loadb(json, len, 0, NULL);
	const json_t *c = json_is_array(root) ? json_array_get(root, 0) : root;
	const struct kind *k;
	int rc = -1;

	memset(out, 0, sizeof *out);
	if (!json_is_object(c) || !json_is_object(at(c, "Config"))) {
		error_set(err, DUNLIN_EXIT_USAGE, DUNLIN_CLASS_VALIDATION, "it is not JSON of a container");
		goto out;
	}
	out->id = text_at(c, "Id");
	out->name = text_at(c, "Name");
	if (out->name && out->name[0] == '/')
		out->name++;
	out->image = text_at(c, "Config.Image");
	if (!out->image)
		out->image = text_at(c, "ImageName");
	if (!out->image)
		out->image = "";
	out->status = status_of(c);
	k = find_kind(c, out->image, is_named);
	if (k) {
		find_credentials(c, k, out);
		find_address(c, port_of(c, k), engine_host, out);
	}
	rc = keep(a, out) < 0 ? error_nomem(err) : 0;
	out->scheme = k ? k->scheme : NULL;
out:
	json_decref(root);
	return rc;
}
