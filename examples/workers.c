/* workers.c - a pool of worker processes, each fed through its pipes by a green
 * thread and started anew when it dies, of a 7 here.  Run: workers [JOBS] */
#include <ramet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static char work[] = "while read n; do case $n in *7) exit 1; esac; "
		     "echo $((n + n)); done";

static struct ramet_process *start_worker(void)
{
	char sh[] = "sh", c[] = "-c", *argv[] = {sh, c, work, NULL};
	struct ramet_process_opts opts = {.in = RAMET_PIPE, .out = RAMET_PIPE};

	return ramet_process_start(argv, &opts);
}

/* The answer, or -1 if the worker has died of it. */
static int ask(struct ramet_process *p, int n)
{
	char line[32];
	ssize_t got, size = snprintf(line, sizeof line, "%d\n", n);

	got = ramet_write_all(ramet_process_in(p), line, (size_t)size);
	if (got == size)
		got = ramet_read(ramet_process_out(p), line, sizeof line - 1);
	line[got > 0 ? got : 0] = 0;
	return got > 0 ? atoi(line) : -1;
}

static void *keep_worker(void *jobs)
{
	struct ramet_process *p = start_worker();

	for (int n, twice; p && ramet_chan_recv(jobs, &n) > 0;)
		if ((twice = ask(p, n)) < 0) {
			printf("%d has killed its worker\n", n);
			ramet_process_free(p);
			p = start_worker();
		} else
			printf("%d doubled is %d\n", n, twice);
	ramet_process_free(p);
	return NULL;
}

int main(int argc, char **argv)
{
	struct ramet_chan *jobs = ramet_chan_new(sizeof(int), 0);
	struct ramet *workers[4];

	signal(SIGPIPE, SIG_IGN); /* EPIPE tells as much */
	for (int i = 0; i < 4; i++)
		workers[i] = ramet_spawn(keep_worker, jobs);
	for (int n = 0; n < (argc > 1 ? atoi(argv[1]) : 20); n++)
		ramet_chan_send(jobs, &n);
	ramet_chan_close(jobs);
	ramet_joinall(workers, 4, 4);
}
