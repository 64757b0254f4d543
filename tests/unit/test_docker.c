/*
 * test_docker.c - what `docker inspect` says, read as a database.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "docker.h"
#include "handle.h"
#include "tap.h"
#include "tree.h"
#include "url.h"

#include <string.h>
#include <sys/stat.h>

/* A container, of its image, environment, ports and address. */
#define CONTAINER(image, env, ports, ip) \
	"[{\"Id\":\"a1\",\"Name\":\"/c\",\"State\":{\"Status\":\"running\",\"Running\":true}," \
	"\"Config\":{\"Image\":\"" image "\",\"Env\":[" env "]}," \
	"\"NetworkSettings\":{\"Ports\":" ports ",\"IPAddress\":\"" ip "\"}}]"

#define HERE "{\"5432/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"7000\"}]}"
#define MARIA "{\"3306/tcp\":null}"

/* The URL of a container, or "none", "nowhere", or its status. */
static const char *read_one(struct buf *out, const char *json, const char *engine_host, int is_named)
{
	struct docker_container c;
	struct arena a = { 0 };
	struct dunlin_error err;

	buf_reset(out);
	if (docker_read(&a, json, strlen(json), engine_host, is_named, &c, &err) < 0) {
		TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		buf_addf(out, "error: %s", err.message);
	} else if (c.status) {
		buf_adds(out, c.status);
	} else if (!c.scheme || !c.host) {
		buf_adds(out, c.scheme ? "nowhere" : "none");
	} else {
		url_add_server(out, c.scheme, c.user, c.password, c.host, c.port, c.database);
	}
	arena_clear(&a);
	return out->p;
}

static void a_container_is_read_as_a_url(void)
{
	static const struct { const char *json, *want; } cases[] = {
		/* Which database, and who may use it. */
		{ CONTAINER("postgres:15", "\"POSTGRES_PASSWORD=p/w d\"", HERE, ""), "postgresql://postgres:p%2Fw%20d@127.0.0.1:7000/postgres" },
		{ CONTAINER("postgres", "\"POSTGRES_USER=u\",\"POSTGRES_PASSWORD=p\"", HERE, ""), "postgresql://u:p@127.0.0.1:7000/u" },
		{ CONTAINER("postgres", "\"POSTGRES_USER=u\",\"POSTGRES_DB=d\"", HERE, ""), "postgresql://u@127.0.0.1:7000/d" },
		{ CONTAINER("postgres", "\"POSTGRES_USER=\",\"POSTGRES_DB=d\"", HERE, ""), "postgresql://postgres@127.0.0.1:7000/d" },
		{ CONTAINER("bitnami/postgresql:15", "\"POSTGRESQL_USERNAME=u\",\"POSTGRESQL_PASSWORD=p\",\"POSTGRESQL_DATABASE=d\"", HERE, ""),
		  "postgresql://u:p@127.0.0.1:7000/d" },
		{ CONTAINER("localhost:5000/x/my-postgres-fork:1", "", HERE, ""), "postgresql://postgres@127.0.0.1:7000/postgres" },
		{ CONTAINER("mariadb:11", "\"MARIADB_USER=u\",\"MARIADB_PASSWORD=p\",\"MARIADB_DATABASE=d\"", MARIA, "172.17.0.2"),
		  "mariadb://u:p@172.17.0.2:3306/d" },
		{ CONTAINER("mariadb:11", "\"MARIADB_USER=u\",\"MARIADB_ROOT_PASSWORD=r\"", MARIA, "172.17.0.2"), "mariadb://root:r@172.17.0.2:3306" },
		{ CONTAINER("mysql", "\"MYSQL_USER=u\",\"MYSQL_PASSWORD=p\",\"MYSQL_ROOT_PASSWORD=r\"", MARIA, "172.17.0.2"),
		  "mariadb://u:p@172.17.0.2:3306" },
		{ CONTAINER("mariadb:11", "\"MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1\"", MARIA, "172.17.0.2"), "mariadb://root@172.17.0.2:3306" },
		/* By its environment and port, but not by one of them alone. */
		{ CONTAINER("our/own", "\"POSTGRES_DB=d\"", HERE, ""), "postgresql://postgres@127.0.0.1:7000/d" },
		{ CONTAINER("our/own", "\"MYSQL_DATABASE=d\"", MARIA, "172.17.0.2"), "mariadb://root@172.17.0.2:3306/d" },
		{ CONTAINER("our/web", "\"POSTGRES_PASSWORD=p\"", "{\"80/tcp\":null}", "172.17.0.2"), "none" },
		{ CONTAINER("our/own", "", HERE, ""), "none" },
		{ CONTAINER("x/postgres-exporter", "\"POSTGRES_USER=u\"", "{\"9187/tcp\":null}", "172.17.0.2"), "none" },
		{ CONTAINER("postgrest/postgrest", "", "{\"3000/tcp\":null}", "172.17.0.2"), "none" },
		/* Where. */
		{ CONTAINER("postgres", "", "{\"5432/tcp\":[{\"HostIp\":\"::\",\"HostPort\":\"1\"},{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"2\"}]}", "172.17.0.2"),
		  "postgresql://postgres@127.0.0.1:2/postgres" },
		{ CONTAINER("postgres", "", "{\"5432/tcp\":[{\"HostIp\":\"fd00::1\",\"HostPort\":\"1\"}]}", "172.17.0.2"),
		  "postgresql://postgres@[fd00::1]:1/postgres" },
		{ CONTAINER("postgres", "", "{\"5432/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}", "172.17.0.2"), "postgresql://postgres@172.17.0.2:5432/postgres" },
		{ CONTAINER("postgres", "", "{\"5432/tcp\":[]}", ""), "nowhere" },
		{ CONTAINER("postgres", "", "null", ""), "nowhere" },
		{ CONTAINER("postgres", "\"PGPORT=5433\"", "{\"5432/tcp\":[{\"HostPort\":\"1\"}],\"5433/tcp\":[{\"HostPort\":\"2\"}]}", ""),
		  "postgresql://postgres@127.0.0.1:2/postgres" },
		/* Not as documented. */
		{ "", "error: it is not JSON of a container" },
		{ "[]", "error: it is not JSON of a container" },
		{ "{\"Config\":7}", "error: it is not JSON of a container" },
		{ "{\"Config\":{\"Env\":[7,null,{}],\"Image\":[]},\"State\":{\"Running\":true}}", "none" },
		{ "{\"Config\":{\"Image\":\"postgres\",\"Env\":\"x\"},\"State\":{\"Running\":true},\"NetworkSettings\":{\"Ports\":{\"5432/tcp\":[7]}}}", "nowhere" },
		{ "{\"Config\":{\"Image\":\"postgres\"},\"State\":{\"Running\":true,\"Paused\":true}}", "paused" },
		{ "{\"Config\":{\"Image\":\"postgres\"},\"State\":{\"Status\":\"created\",\"Running\":false}}", "created" },
		{ "{\"Config\":{\"Image\":\"postgres\"}}", "stopped" },
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		TAP_EQ_STR(read_one(&b, cases[i].json, NULL, 0), cases[i].want);
	buf_clear(&b);
}

static void a_container_that_was_named_needs_no_more_than_a_port(void)
{
	struct buf b = BUF_INIT;

	TAP_EQ_STR(read_one(&b, CONTAINER("our/own", "", HERE, ""), NULL, 1), "postgresql://postgres@127.0.0.1:7000/postgres");
	TAP_EQ_STR(read_one(&b, CONTAINER("our/own", "\"MYSQL_DATABASE=d\"", "{\"5432/tcp\":null,\"3306/tcp\":null}", "1.2.3.4"), NULL, 1),
	           "mariadb://root@1.2.3.4:3306/d");
	TAP_EQ_STR(read_one(&b, CONTAINER("redis", "", "{\"6379/tcp\":null}", "1.2.3.4"), NULL, 1), "none");
	buf_clear(&b);
}

static void an_engine_elsewhere_publishes_its_ports_there(void)
{
	struct buf b = BUF_INIT;

	TAP_EQ_STR(read_one(&b, CONTAINER("postgres", "", HERE, "172.17.0.2"), "far", 1), "postgresql://postgres@far:7000/postgres");
	TAP_EQ_STR(read_one(&b, CONTAINER("postgres", "", "{}", "172.17.0.2"), "far", 1), "nowhere");
	buf_clear(&b);
}

/* A docker program in the folder bin, which PATH has alone. */
static void make_docker(const char *json)
{
	FILE *f;

	TAP_OK(mkdir("bin", 0777) == 0);
	f = fopen("bin/docker", "w");
	if (!TAP_OK(f != NULL))
		return;
	fprintf(f, "#!/bin/sh\nPATH=/usr/bin:/bin\n[ \"$1\" = ps ] && { echo c; exit; }\ncat <<'END'\n%s\nEND\n", json);
	TAP_OK(fclose(f) == 0 && chmod("bin/docker", 0755) == 0);
}

static void what_is_found_counts_as_this_machine(void)
{
	const struct command_limits limits = { .ms = 10000 };
	struct buf url = BUF_INIT, origin = BUF_INIT;
	struct docker_found found = { .url = &url, .origin = &origin };
	struct dunlin d = { 0 };
	struct dunlin_kv *kv = NULL;
	struct dunlin_error err;
	char text[96], *path = strdup(getenv("PATH"));
	size_t n = 0, n_local = 0;

	tree_enter();
	make_docker(CONTAINER("postgres", "\"POSTGRES_PASSWORD=p\"", "null", "172.17.0.2"));
	setenv("PATH", "bin", 1);
	unsetenv("DOCKER_HOST");
	TAP_EQ_INT(docker_find("docker:", &limits, &found, &err), 0);
	TAP_EQ_STR(url.p, "postgresql://postgres:p@172.17.0.2:5432/postgres");
	TAP_EQ_STR(origin.p, "container 'c' (postgres), asked by docker");
	TAP_EQ_INT(found.is_local, 1);
	buf_reset(&url);
	buf_reset(&origin);
	setenv("DOCKER_HOST", "tcp://[fd00::1]:2376", 1);
	TAP_EQ_INT(docker_find("docker://c", &limits, &found, &err), -1);
	TAP_EQ_STR(err.message, "the container 'c' publishes no port and has no address of its own");
	unsetenv("DOCKER_HOST");
	setenv("PATH", path, 1);

	/* And the driver is told. */
	TAP_EQ_INT(config_new(&d.config, &err), 0);
	d.is_local = 1;
	TAP_EQ_INT(handle_options(&d, 0, &kv, &n, text, sizeof text, &err), 0);
	for (size_t i = 0; i < n; i++)
		n_local += strcmp(kv[i].key, "is_local") == 0 && strcmp(kv[i].value, "1") == 0;
	TAP_EQ_INT(n_local, 1);
	mem_free(kv);
	d.is_local = 0;
	TAP_EQ_INT(handle_options(&d, 0, &kv, &n, text, sizeof text, &err), 0);
	for (size_t i = 0; i < n; i++)
		TAP_OK(strcmp(kv[i].key, "is_local") != 0);
	mem_free(kv);
	config_free(d.config);
	buf_clear(&url);
	buf_clear(&origin);
	free(path);
	tree_leave();
}

static void out_of_memory_is_an_error_like_others(void)
{
	const struct command_limits limits = { .ms = 10000 };
	char *path = strdup(getenv("PATH"));
	unsigned long nth;
	int rc = -1;

	tree_enter();
	make_docker(CONTAINER("postgres", "\"POSTGRES_PASSWORD=p\"", HERE, ""));
	setenv("PATH", "bin", 1);
	for (nth = 1; nth < 60 && rc < 0; nth++) {
		struct buf url = BUF_INIT, origin = BUF_INIT;
		struct docker_found found = { .url = &url, .origin = &origin };
		struct dunlin_error err = { 0 };

		mem_fail_at(nth, 0);
		rc = docker_find("docker:", &limits, &found, &err);
		mem_fail_at(0, 0);
		TAP_OK(rc == 0 || err.message[0]);
		buf_clear(&url);
		buf_clear(&origin);
	}
	TAP_EQ_INT(rc, 0);
	TAP_OK(nth > 6);
	setenv("PATH", path, 1);
	free(path);
	tree_leave();
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "a container is read as a URL", a_container_is_read_as_a_url },
		{ "a container that was named needs no more than a port", a_container_that_was_named_needs_no_more_than_a_port },
		{ "an engine elsewhere publishes its ports there", an_engine_elsewhere_publishes_its_ports_there },
		{ "what is found counts as this machine", what_is_found_counts_as_this_machine },
		{ "out of memory is an error like others", out_of_memory_is_an_error_like_others },
	};

	return tap_main("docker", tests, sizeof tests / sizeof *tests);
}
