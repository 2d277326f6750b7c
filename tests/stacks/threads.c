/* threads.c - a plain program with threads that wait, which knows nothing of
 * ramet.  It says "ready" and stays until its standard input ends. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 20 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t cond_mutex = PTHREAD_MUTEX_INITIALIZER;
static int fds[2];

static void *holds(void *unused)
{
	pthread_mutex_lock(&mutex);
	sleep(3600);
	return unused;
}

static void *waits_mutex(void *unused)
{
	pthread_mutex_lock(&mutex);
	return unused;
}

static void *waits_cond(void *unused)
{
	pthread_mutex_lock(&cond_mutex);
	for (;;)
		pthread_cond_wait(&cond, &cond_mutex);
	return unused;
}

static void *waits_read(void *unused)
{
	char byte;

	if (read(fds[0], &byte, 1) < 0)
		perror("read");
	return unused;
}

static void start(void *(*fn)(void *))
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, NULL) != 0)
		exit(1);
}

int main(void)
{
	char byte;

	alarm(120);
	if (pipe(fds) < 0)
		return 1;
	start(holds);
	usleep(50000);
	start(waits_mutex);
	start(waits_cond);
	start(waits_read);
	for (int i = 0; i < THREADS; i++)
		start(waits_cond);
	usleep(100000);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	_exit(0);
}
