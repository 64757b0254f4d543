/*
 * sockets.c - what of the proxy knows addresses.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die(const char *what)
{
	fprintf(stderr, "proxy: %s: %s\n", what, strerror(errno));
	exit(1);
}

void usage(const char *what)
{
	fprintf(stderr, "proxy: %s; see the head of proxy.c\n", what);
	exit(2);
}

long long number(const char *text, long long max)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < 0 || n > max)
		usage("a number is not one");
	return n;
}

struct address parse_address(const char *text)
{
	struct address a = { .len = 0 };
	const char *colon = strrchr(text, ':');
	char host[64];
	uint16_t port;

	if (text[0] == '/') {
		if (strlen(text) >= sizeof a.u.un.sun_path)
			usage("a socket's path is too long");
		a.u.un.sun_family = AF_UNIX;
		memcpy(a.u.un.sun_path, text, strlen(text) + 1);
		a.len = sizeof a.u.un;
		return a;
	}
	if (!colon || (size_t)(colon - text) >= sizeof host)
		usage("an address is neither HOST:PORT nor a path");
	snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	port = htons((uint16_t)number(colon + 1, 65535));
	if (inet_pton(AF_INET, host, &a.u.in.sin_addr) == 1) {
		a.u.in.sin_family = AF_INET;
		a.u.in.sin_port = port;
		a.len = sizeof a.u.in;
	} else if (inet_pton(AF_INET6, host, &a.u.in6.sin6_addr) == 1) {
		a.u.in6.sin6_family = AF_INET6;
		a.u.in6.sin6_port = port;
		a.len = sizeof a.u.in6;
	} else {
		usage("a host is not a numeric address");
	}
	return a;
}

void prepare_socket(int fd)
{
	int on = 1, flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		die("fcntl");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* not of Unix sockets */
}

int start_to_listen(struct address a)
{
	int fd = socket(a.u.any.sa_family, SOCK_STREAM, 0), on = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a.u.any.sa_family == AF_UNIX)
		unlink(a.u.un.sun_path);
	if (bind(fd, &a.u.any, a.len) < 0 || listen(fd, 128) < 0)
		die("listen");
	prepare_socket(fd);
	if (a.u.any.sa_family == AF_UNIX) {
		puts(a.u.un.sun_path);
	} else {
		if (getsockname(fd, &a.u.any, &a.len) < 0)
			die("getsockname");
		printf("%d\n", ntohs(a.u.any.sa_family == AF_INET ? a.u.in.sin_port : a.u.in6.sin6_port));
	}
	if (fflush(stdout) != 0)
		die("standard output");
	return fd;
}
