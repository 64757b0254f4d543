/*
 * proxy.c - a line between a client and a server that counts, delays and cuts.
 *
 *     proxy --to HOST:PORT|SOCKET [--listen HOST:PORT|SOCKET] [--rtt MS] [--stats FILE]
 *           [--cut-before WORD | --cut-after WORD | --cut-answer WORD | --cut-unheard WORD |
 *            --cut-to-server BYTES | --cut-to-client BYTES] [--nth N] [--times N]
 *
 * Prints the port that it listens on (or the socket's path) and serves until it
 * gets SIGTERM.  Addresses are numbers; the default is --listen 127.0.0.1:0.
 *
 * --rtt delivers every piece half of that time after it came, however many are
 * on their way: what is pipelined is not serialised.  The handshake of TCP is
 * neither delayed nor counted.
 *
 * A round trip is what a client sends first, or after something was delivered to
 * it, and gets an answer to.
 *
 * The cuts, the N-th time (1) that WORD comes along on a connection, N times (1)
 * in all, 0: without end.  Both sides are closed at once.
 *     --cut-before     what the client sends before the word still goes to the server
 *     --cut-after      the whole piece with the word in it does
 *     --cut-answer     it does, and the server has begun to answer, which nobody hears
 *     --cut-unheard    the server sends the word, and nobody hears it
 *     --cut-to-server  of a connection's bytes that many go to the server
 *     --cut-to-client  of a connection's bytes that many come from the server
 *
 * --stats writes "NAME NUMBER" lines (connections, open, roundtrips, to_server,
 * to_client, cuts) whenever a connection begins or ends, by renaming.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "sockets.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 400, PIECE = 65536 };

enum cut { CUT_NEVER, CUT_BEFORE, CUT_AFTER, CUT_ANSWER, CUT_UNHEARD, CUT_TO_SERVER, CUT_TO_CLIENT };

/* What came and is to be delivered when it is due. */
struct piece {
	struct piece *next;
	int64_t due_us;
	size_t len, sent; /* len 0: the end of the stream */
	char data[];
};

struct flow {
	struct piece *head, **tail;
	int is_ended;     /* nothing more comes  */
	int is_delivered; /* and the end is told */
	int64_t n;        /* bytes that were let through */
	int seen;         /* the word, so often */
	char kept[256];   /* of what came, a word less a byte */
	size_t n_kept;
};

struct line {
	int client, server;       /* -1: this line is free */
	struct flow up, down;     /* to the server, to the client */
	int has_asked;            /* the client sent, and got nothing since  */
	int is_unanswered;        /* nor did the server send anything        */
	int is_answer_cut;        /* the next answer ends it */
};

static struct {
	struct address to;
	int64_t rtt_us;
	const char *stats, *word;
	enum cut cut;
	int64_t cut_bytes;
	int nth, times;
} option = { .nth = 1, .times = 1 };

static struct { int64_t connections, open, roundtrips, to_server, to_client, cuts; } count;
static struct line lines[LINES_MAX];
static volatile sig_atomic_t is_over;

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void write_stats(void)
{
	char name[4096];
	FILE *f;

	if (!option.stats)
		return;
	snprintf(name, sizeof name, "%s.new", option.stats);
	f = fopen(name, "w");
	if (!f)
		die(name);
	fprintf(f, "connections %" PRId64 "\nopen %" PRId64 "\nroundtrips %" PRId64 "\nto_server %" PRId64
	        "\nto_client %" PRId64 "\ncuts %" PRId64 "\n",
	        count.connections, count.open, count.roundtrips, count.to_server, count.to_client, count.cuts);
	if (fclose(f) != 0 || rename(name, option.stats) != 0)
		die(option.stats);
}

/* --- lines ----------------------------------------------------------------- */

static void open_line(int client)
{
	struct line *l = lines;
	int server;

	while (l < lines + LINES_MAX && l->client >= 0)
		l++;
	server = l < lines + LINES_MAX ? socket(option.to.u.any.sa_family, SOCK_STREAM, 0) : -1;
	/* The server is near: this does not wait. */
	if (server < 0 || connect(server, &option.to.u.any, option.to.len) < 0) {
		if (server >= 0)
			close(server);
		close(client);
		return;
	}
	prepare_socket(client);
	prepare_socket(server);
	*l = (struct line){ .client = client, .server = server };
	l->up.tail = &l->up.head;
	l->down.tail = &l->down.head;
	count.connections++;
	count.open++;
	write_stats();
}

static void drop_pieces(struct flow *f)
{
	while (f->head) {
		struct piece *next = f->head->next;

		free(f->head);
		f->head = next;
	}
}

static void close_line(struct line *l)
{
	close(l->client);
	close(l->server);
	drop_pieces(&l->up);
	drop_pieces(&l->down);
	l->client = l->server = -1;
	count.open--;
	write_stats();
}

static void cut_line(struct line *l)
{
	count.cuts++;
	close_line(l);
}

/* --- the flow of bytes ------------------------------------------------------------ */

static void add_piece(struct flow *f, const char *data, size_t len)
{
	struct piece *p = malloc(sizeof *p + len);

	if (!p)
		die("out of memory");
	*p = (struct piece){ .due_us = now_us() + option.rtt_us / 2, .len = len };
	if (len)
		memcpy(p->data, data, len);
	*f->tail = p;
	f->tail = &p->next;
}

/* 0: all that is due was taken; -1: the other side is gone. */
static int deliver(struct flow *f, int fd, int64_t now, int64_t *total)
{
	struct piece *p;

	while ((p = f->head) && p->due_us <= now) {
		ssize_t n = p->len ? send(fd, p->data + p->sent, p->len - p->sent, MSG_NOSIGNAL) : 0;

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		*total += n;
		p->sent += (size_t)n;
		if (p->sent < p->len)
			return 0;
		if (!p->len) {
			shutdown(fd, SHUT_WR);
			f->is_delivered = 1;
		}
		f->head = p->next;
		if (!f->head)
			f->tail = &f->head;
		free(p);
	}
	return 0;
}

static int is_armed(enum cut cut)
{
	return option.cut == cut && (option.times == 0 || count.cuts < option.times);
}

/* Where in data the word begins, for the n-th time; before it where it began in
 * the piece before.  PTRDIFF_MAX: not here. */
static ptrdiff_t find_word(struct flow *f, const char *data, size_t len)
{
	size_t n = strlen(option.word), all = f->n_kept + len, keep;
	char *text = malloc(all);
	ptrdiff_t at = PTRDIFF_MAX;

	if (!text)
		die("out of memory");
	memcpy(text, f->kept, f->n_kept);
	memcpy(text + f->n_kept, data, len);
	for (size_t i = 0; i + n <= all && at == PTRDIFF_MAX; i++)
		if (memcmp(text + i, option.word, n) == 0 && ++f->seen == option.nth)
			at = (ptrdiff_t)i - (ptrdiff_t)f->n_kept;
	keep = all < n - 1 ? all : n - 1;
	memmove(f->kept, text + all - keep, keep);
	f->n_kept = keep;
	free(text);
	return at;
}

/* Something from the client.  -1: the line is cut. */
static int take_up(struct line *l, const char *data, size_t len)
{
	int is_last = 0;

	l->is_unanswered |= !l->has_asked;
	l->has_asked = 1;
	if (is_armed(CUT_TO_SERVER) && l->up.n + (int64_t)len >= option.cut_bytes) {
		len = (size_t)(option.cut_bytes - l->up.n);
		is_last = 1;
	} else if (option.word && option.cut != CUT_UNHEARD) {
		ptrdiff_t at = find_word(&l->up, data, len);

		if (at != PTRDIFF_MAX && is_armed(CUT_BEFORE)) {
			len = at > 0 ? (size_t)at : 0;
			is_last = 1;
		} else if (at != PTRDIFF_MAX && is_armed(CUT_AFTER)) {
			is_last = 1;
		} else if (at != PTRDIFF_MAX && is_armed(CUT_ANSWER)) {
			l->is_answer_cut = 1;
		}
	}
	l->up.n += (int64_t)len;
	if (len)
		add_piece(&l->up, data, len);
	if (!is_last)
		return 0;
	/* What is still let through goes at once: nobody is there to wait for. */
	deliver(&l->up, l->server, INT64_MAX, &count.to_server);
	cut_line(l);
	return -1;
}

/* Something from the server.  -1: the line is cut. */
static int take_down(struct line *l, const char *data, size_t len)
{
	int is_last = is_armed(CUT_TO_CLIENT) && l->down.n + (int64_t)len >= option.cut_bytes;

	/* Pieces to the server that wait for their time have no answer yet. */
	if ((l->is_answer_cut && !l->up.head) ||
	    (is_armed(CUT_UNHEARD) && find_word(&l->down, data, len) != PTRDIFF_MAX)) {
		cut_line(l);
		return -1;
	}
	count.roundtrips += l->is_unanswered;
	l->is_unanswered = 0;
	if (is_last)
		len = (size_t)(option.cut_bytes - l->down.n);
	l->down.n += (int64_t)len;
	if (len)
		add_piece(&l->down, data, len);
	if (!is_last)
		return 0;
	deliver(&l->down, l->client, INT64_MAX, &count.to_client);
	cut_line(l);
	return -1;
}

/* Reads what is there.  -1: the line is no more. */
static int receive(struct line *l, int is_up)
{
	static char data[PIECE];
	struct flow *f = is_up ? &l->up : &l->down;
	ssize_t n = recv(is_up ? l->client : l->server, data, sizeof data, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		close_line(l);
		return -1;
	}
	if (n == 0) {
		f->is_ended = 1;
		add_piece(f, NULL, 0);
		return 0;
	}
	return is_up ? take_up(l, data, (size_t)n) : take_down(l, data, (size_t)n);
}

/* Delivers what is due.  -1: the line is no more. */
static int serve(struct line *l, int64_t now)
{
	int64_t before = count.to_client;

	if (deliver(&l->up, l->server, now, &count.to_server) < 0 ||
	    deliver(&l->down, l->client, now, &count.to_client) < 0 ||
	    (l->up.is_delivered && l->down.is_delivered)) {
		close_line(l);
		return -1;
	}
	if (count.to_client != before)
		l->has_asked = 0;
	return 0;
}

/* --- the loop ---------------------------------------------------------------------- */

static void on_signal(int signo)
{
	(void)signo;
	is_over = 1;
}

/* What to wait for on the two sockets; *wait_us shrinks to the next due time. */
static void want(const struct line *l, struct pollfd *client, struct pollfd *server, int64_t now, int64_t *wait_us)
{
	const struct flow *flow[] = { &l->up, &l->down };
	struct pollfd *to[] = { server, client }, *from[] = { client, server };

	*client = (struct pollfd){ .fd = l->client };
	*server = (struct pollfd){ .fd = l->server };
	for (int i = 0; i < 2; i++) {
		const struct piece *p = flow[i]->head;

		if (!flow[i]->is_ended)
			from[i]->events |= POLLIN;
		if (p && p->due_us <= now)
			to[i]->events |= POLLOUT;
		else if (p && (*wait_us < 0 || p->due_us - now < *wait_us))
			*wait_us = p->due_us - now;
	}
	/* A socket of which nothing is wanted would report its end for ever. */
	for (int i = 0; i < 2; i++)
		if (!from[i]->events)
			from[i]->fd = -1;
}

static void serve_until_over(int listener)
{
	static struct pollfd fds[1 + 2 * LINES_MAX];
	static struct line *of[1 + 2 * LINES_MAX];
	sigset_t blocked, open;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	while (!is_over) {
		int64_t now = now_us(), wait_us = -1;
		struct timespec t;
		nfds_t n = 1;

		fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
		for (struct line *l = lines; l < lines + LINES_MAX; l++) {
			if (l->client < 0)
				continue;
			want(l, &fds[n], &fds[n + 1], now, &wait_us);
			of[n] = of[n + 1] = l;
			n += 2;
		}
		t = (struct timespec){ .tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000 };
		if (ppoll(fds, n, wait_us < 0 ? NULL : &t, &open) < 0) {
			if (errno != EINTR)
				die("poll");
			continue;
		}
		now = now_us();
		for (nfds_t i = 1; i < n; i += 2) {
			const short in = POLLIN | POLLHUP | POLLERR;
			struct line *l = of[i];

			if ((fds[i].revents & in) && (!l->up.is_ended || (fds[i].revents & POLLERR)) && receive(l, 1) < 0)
				continue;
			if ((fds[i + 1].revents & in) && (!l->down.is_ended || (fds[i + 1].revents & POLLERR)) &&
			    receive(l, 0) < 0)
				continue;
			serve(l, now);
		}
		if (fds[0].revents & POLLIN) {
			int fd = accept(listener, NULL, NULL);

			if (fd >= 0)
				open_line(fd);
		}
	}
}

static struct address parse_options(int argc, char **argv)
{
	static const struct { const char *name; enum cut cut; } cuts[] = {
		{ "--cut-before", CUT_BEFORE },       { "--cut-after", CUT_AFTER },         { "--cut-answer", CUT_ANSWER },
		{ "--cut-unheard", CUT_UNHEARD },
		{ "--cut-to-server", CUT_TO_SERVER }, { "--cut-to-client", CUT_TO_CLIENT },
	};
	struct address listen_on = parse_address("127.0.0.1:0");

	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];

		if (!value)
			usage("an option lacks its value");
		for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++)
			if (strcmp(name, cuts[k].name) == 0)
				option.cut = cuts[k].cut;
		if (strcmp(name, "--listen") == 0)
			listen_on = parse_address(value);
		else if (strcmp(name, "--to") == 0)
			option.to = parse_address(value);
		else if (strcmp(name, "--rtt") == 0)
			option.rtt_us = (int64_t)number(value, 100000) * 1000;
		else if (strcmp(name, "--stats") == 0)
			option.stats = value;
		else if (strcmp(name, "--nth") == 0)
			option.nth = (int)number(value, 1000000);
		else if (strcmp(name, "--times") == 0)
			option.times = (int)number(value, 1000000);
		else if (strncmp(name, "--cut-to-", 9) == 0 && option.cut)
			option.cut_bytes = number(value, INT64_MAX / 2);
		else if (strncmp(name, "--cut-", 6) == 0 && option.cut)
			option.word = value;
		else
			usage("there is no such option");
	}
	if (!option.to.len)
		usage("--to is missing");
	if (option.word && (!*option.word || strlen(option.word) > sizeof lines->up.kept))
		usage("a word is empty or too long");
	return listen_on;
}

int main(int argc, char **argv)
{
	struct address listen_on = parse_options(argc, argv);
	struct sigaction on = { .sa_handler = on_signal };

	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGINT, &on, NULL);
	for (size_t i = 0; i < LINES_MAX; i++)
		lines[i].client = lines[i].server = -1;
	write_stats();
	serve_until_over(start_to_listen(listen_on));
	for (size_t i = 0; i < LINES_MAX; i++)
		if (lines[i].client >= 0)
			close_line(&lines[i]);
	write_stats();
	if (listen_on.u.any.sa_family == AF_UNIX)
		unlink(listen_on.u.un.sun_path);
	return 0;
}
