/* pthread.c - the echo server with a kernel thread for each connection.
 *
 * It prints its port, and at each SIGUSR1 the context switches so far: the
 * kernel counts those of all threads at one time, the ended ones' too.
 */
#include "listen.h"

#include <alloca.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>

static size_t buffer_size;

static void say_switches(int sig)
{
	int before = errno;
	struct rusage usage;
	char text[32];
	int n;

	(void)sig;
	getrusage(RUSAGE_SELF, &usage);
	n = snprintf(text, sizeof text, "%ld\n",
		     usage.ru_nvcsw + usage.ru_nivcsw);
	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(1);
	errno = before;
}

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
	pthread_attr_t attr;
	int ls;

	signal(SIGUSR1, say_switches);
	ls = listen_here(SOCK_STREAM);
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
