/* threads.c - a plain program with threads that wait, which knows nothing of
 * ramet.  It says "ready" and stays until its standard input ends.
 *
 * usage: threads [busy|deadlock]
 *
 * busy: a thread computes from then on; deadlock: two take two locks crosswise,
 * and nothing else. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 20 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t cond_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t relay = PTHREAD_MUTEX_INITIALIZER;
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

static void *passes_on(void *unused)
{
	pthread_mutex_lock(&relay);
	usleep(50000);
	pthread_mutex_unlock(&relay);
	sleep(3600);
	return unused;
}

static void *takes_over(void *unused)
{
	pthread_mutex_lock(&relay);
	sleep(3600);
	return unused;
}

static void *comes_last(void *unused)
{
	pthread_mutex_lock(&relay);
	return unused;
}

static void *computes(void *unused)
{
	for (volatile unsigned n = 0;; n++)
		;
	return unused;
}

static void *crosswise(void *first)
{
	pthread_mutex_t *second = first == &mutex ? &cond_mutex : &mutex;

	pthread_mutex_lock(first);
	usleep(20000);
	pthread_mutex_lock(second);
	return NULL;
}

static pthread_t start_with(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg) != 0)
		exit(1);
	return t;
}

static void start(void *(*fn)(void *))
{
	start_with(fn, NULL);
}

static int be_stuck(void)
{
	pthread_t t = start_with(crosswise, &mutex);

	start_with(crosswise, &cond_mutex);
	return pthread_join(t, NULL);
}

int main(int argc, char **argv)
{
	char byte;

	alarm(120);
	if (argc > 1 && strcmp(argv[1], "deadlock") == 0)
		return be_stuck();
	if (pipe(fds) < 0)
		return 1;
	start(holds);
	usleep(50000);
	start(waits_mutex);
	start(waits_cond);
	start(waits_read);
	for (int i = 0; i < THREADS; i++)
		start(waits_cond);
	start(passes_on);
	start(takes_over);
	start(comes_last);
	usleep(100000);
	printf("ready\n");
	fflush(stdout);
	if (argc > 1 && strcmp(argv[1], "busy") == 0)
		start(computes);
	while (read(0, &byte, 1) > 0)
		;
	_exit(0);
}
