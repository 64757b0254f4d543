/*
 * measure.c - times several commands side by side.
 *
 *     measure ROUNDS LABEL SETUP COMMAND [LABEL SETUP COMMAND ...]
 *
 * Each round runs every command once, in order, after its setup, so that what
 * else the machine does hits all of them alike.  Prints a line per command:
 * label, median and least wall time in ms, median CPU time in ms, greatest
 * resident size in kB (of the command and its children), tab-separated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct sample { double wall, cpu; long rss; };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int run(const char *command, struct sample *s)
{
	struct rusage ru;
	double start = now();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid)
		return -1;
	s->wall = now() - start;
	s->cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e3 +
	         (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e3;
	s->rss = ru.ru_maxrss;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0, n = (argc - 2) / 3;
	struct sample *s;
	double *v;

	if (rounds < 1 || n < 1 || (argc - 2) % 3 != 0) {
		fprintf(stderr, "usage: measure ROUNDS LABEL SETUP COMMAND ...\n");
		return 2;
	}
	s = calloc((size_t)rounds * (size_t)n, sizeof *s);
	v = calloc((size_t)rounds, sizeof *v);
	if (!s || !v)
		return 1;
	for (int r = 0; r < rounds; r++) {
		for (int i = 0; i < n; i++) {
			struct sample ignored;
			const char *setup = argv[3 + 3 * i], *command = argv[4 + 3 * i];
			int rc = *setup ? run(setup, &ignored) : 0;

			if (rc == 0)
				rc = run(command, &s[r * n + i]);
			if (rc != 0) {
				fprintf(stderr, "measure: '%s' ended with %d\n", argv[2 + 3 * i], rc);
				return 1;
			}
		}
	}
	for (int i = 0; i < n; i++) {
		double wall, least, cpu;
		long rss = 0;

		for (int r = 0; r < rounds; r++) {
			v[r] = s[r * n + i].wall;
			rss = s[r * n + i].rss > rss ? s[r * n + i].rss : rss;
		}
		qsort(v, (size_t)rounds, sizeof *v, by_size);
		wall = v[rounds / 2];
		least = v[0];
		for (int r = 0; r < rounds; r++)
			v[r] = s[r * n + i].cpu;
		qsort(v, (size_t)rounds, sizeof *v, by_size);
		cpu = v[rounds / 2];
		printf("%s\t%.2f\t%.2f\t%.2f\t%ld\n", argv[2 + 3 * i], wall, least, cpu, rss);
	}
	free(s);
	free(v);
	return 0;
}
