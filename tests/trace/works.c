/* works.c - ramets that do a little of everything.
 *
 *	works [FILE]    once; recorded into FILE
 *	works --stay    again and again, until its standard input ends
 */
#include <ramet.h>
#include <ramet/debug.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct ramet_chan *channel;
static struct ramet_mutex mutex;
static int fds[2];

static void *produces(void *unused)
{
	for (int i = 0; i < 20; i++)
		ramet_chan_send(channel, &i);
	return unused;
}

static void *consumes(void *unused)
{
	for (int i = 0, got; i < 20; i++)
		ramet_chan_recv(channel, &got);
	return unused;
}

static void *locks(void *unused)
{
	for (int i = 0; i < 10; i++) {
		ramet_mutex_lock(&mutex);
		ramet_yield();
		ramet_mutex_unlock(&mutex);
	}
	return unused;
}

static void *computes(void *unused)
{
	for (volatile int i = 0; i < 3000000; i++)
		;
	return unused;
}

static void *sleeps(void *unused)
{
	ramet_sleep(20 * RAMET_MS);
	ramet_offload(computes, NULL, NULL);
	return unused;
}

static void *echoes(void *unused)
{
	char byte;

	if (ramet_read(fds[1], &byte, 1) == 1)
		ramet_write(fds[1], &byte, 1);
	return unused;
}

static void *talks(void *unused)
{
	char byte = 'x';

	ramet_write(fds[0], &byte, 1);
	ramet_read(fds[0], &byte, 1);
	return unused;
}

static void work(void)
{
	static void *(*const all[])(void *) = {produces, consumes, locks,
					       locks,    computes, sleeps,
					       echoes,   talks};
	enum { ALL = sizeof all / sizeof *all };
	struct ramet *t[ALL];

	for (int i = 0; i < ALL; i++)
		t[i] = ramet_spawn_opts(all[i], NULL,
					&(struct ramet_opts){
						.name = all[i] == locks
								? "locker"
								: NULL});
	for (int i = 0; i < ALL; i++)
		ramet_join(t[i], NULL);
}

static void *listens(void *ended)
{
	char byte;

	while (ramet_read(0, &byte, 1) > 0)
		;
	*(int *)ended = 1;
	return NULL;
}

int main(int argc, char **argv)
{
	int ended = argc < 2 || strcmp(argv[1], "--stay") != 0;

	channel = ramet_chan_new(sizeof(int), 2);
	if (!channel || ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return 1;
	if (ended && argc > 1 && ramet_trace_start(argv[1]) < 0) {
		perror(argv[1]);
		return 1;
	}
	if (!ended) {
		ramet_detach(ramet_spawn(listens, &ended));
		puts("ready");
		fflush(stdout);
		while (!ended)
			work();
		return 0;
	}
	work();
	if (argc > 1 && ramet_trace_stop() < 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
