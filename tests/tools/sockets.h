/*
 * sockets.h - addresses from the command line, and sockets that do not block.
 * What goes wrong ends the program: 2 for how it was called, else 1.
 */
#ifndef DUNLIN_TESTS_SOCKETS_H
#define DUNLIN_TESTS_SOCKETS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
	union { struct sockaddr any; struct sockaddr_in in; struct sockaddr_in6 in6; struct sockaddr_un un; } u;
	socklen_t len;
};

_Noreturn void die(const char *what); /* with errno's text */
_Noreturn void usage(const char *what);

long long number(const char *text, long long max); /* 0 to max */
struct address parse_address(const char *text);    /* NUMERIC-HOST:PORT or /PATH */
void prepare_socket(int fd);
/* Prints the port, or the path, on standard output. */
int start_to_listen(struct address a);

#endif
