/* pthread.c - the echo server with a kernel thread for each connection. */
#include "listen.h"

#include <alloca.h>
#include <pthread.h>
#include <stdint.h>

static size_t buffer_size;

static void *echo(void *p)
{
	int fd = (int)(intptr_t)p;
	/* cppcheck-suppress allocaCalled; small where idle ones are counted */
	char *buf = alloca(buffer_size);

	for (ssize_t n; (n = recv(fd, buf, buffer_size, 0)) > 0;)
		if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) < 0)
			break;
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	int ls = listen_here(SOCK_STREAM);
	pthread_attr_t attr;

	buffer_size = buffer_size_of(argc, argv);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int fd; (fd = accept(ls, NULL, NULL)) >= 0;) {
		pthread_t t;

		if (pthread_create(&t, &attr, echo, (void *)(intptr_t)fd))
			close(fd);
	}
	return 1;
}
