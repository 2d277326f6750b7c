/* threads.c - a plain program with threads, which knows nothing of ramet.
 *
 *	threads [--stay]    again and again
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *dozes(void *unused)
{
	pthread_mutex_lock(&mutex);
	usleep(2000);
	pthread_mutex_unlock(&mutex);
	return unused;
}

static int work(void)
{
	pthread_t threads[5];

	for (int i = 0; i < 5; i++)
		if (pthread_create(&threads[i], NULL, dozes, NULL) != 0)
			return 1;
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = work();

	(void)argv;
	if (argc > 1) {
		puts("ready");
		fflush(stdout);
		while (!failed)
			failed = work();
	}
	return failed;
}
