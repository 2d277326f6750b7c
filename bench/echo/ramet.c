/* ramet.c - the echo server, on ramet.
 *
 *     ramet [BUFFER_SIZE]
 *
 * It prints its port.  At each SIGUSR1 it prints the system calls it has made
 * and the messages it has answered so far.
 */
#include <alloca.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <ramet.h>

static size_t buffer_size = 8192;
static unsigned long messages;
static struct ramet_waker *asked;

static void *echo(void *p)
{
	int fd = (int)(intptr_t)p;
	/* cppcheck-suppress allocaCalled; small where idle ones are counted */
	char *buf = alloca(buffer_size);

	for (ssize_t n = 1; n > 0;)
		RAMET_WITHIN(30 * RAMET_SEC)
		{
			n = ramet_read(fd, buf, buffer_size);
			if (n > 0) {
				messages++;
				n = ramet_write(fd, buf, (size_t)n);
			}
		}
	ramet_close(fd);
	return NULL;
}

static void ask(int sig)
{
	(void)sig;
	ramet_waker_wake(asked);
}

static void *answer(void *p)
{
	struct ramet_stats stats;

	while (ramet_waker_wait(asked) == 0 && ramet_get_stats(&stats) == 0) {
		printf("%lu %lu\n", (unsigned long)stats.system_calls,
		       messages);
		fflush(stdout);
	}
	return p;
}

int main(int argc, char **argv)
{
	int ls = ramet_listen("tcp://127.0.0.1:0");

	if (argc > 1)
		buffer_size = strtoul(argv[1], NULL, 10);
	asked = ramet_waker_new();
	if (ls < 0 || !asked || !ramet_go(NULL, answer, NULL)) {
		perror("ramet");
		return 1;
	}
	signal(SIGUSR1, ask);
	alarm(600);
	printf("%d\n", ramet_port(ls));
	fflush(stdout);
	for (int fd; (fd = ramet_accept(ls, NULL, NULL)) >= 0;)
		if (!ramet_go(NULL, echo, (void *)(intptr_t)fd))
			ramet_close(fd); /* out of memory: this client only */
	return 1;
}
