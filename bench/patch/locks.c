/* locks.c - what pthread's locks cost, in a plain program: run it by itself and
 * under `ramet run`.
 *
 * Prints ns per operation, the least of five rounds.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 5, ALONE = 5000000, TURNS = 200000, THREADS = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond[2] = {PTHREAD_COND_INITIALIZER,
				 PTHREAD_COND_INITIALIZER};
static pthread_spinlock_t spin;
static sem_t sem, sems[2];
static int turn;
static volatile long shared;

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void measure(const char *name, void (*run)(void), double operations)
{
	double least = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ns(), took;

		run();
		took = (now_ns() - start) / operations;
		if (!least || took < least)
			least = took;
	}
	printf("%-28s %8.1f ns\n", name, least);
	fflush(stdout);
}

/* ---- alone -------------------------------------------------------------- */

#define ALONE_LOOP(name, take, give)                                           \
	static void name(void)                                                 \
	{                                                                      \
		for (int i = 0; i < ALONE; i++) {                              \
			take;                                                  \
			give;                                                  \
		}                                                              \
	}

ALONE_LOOP(alone_mutex, pthread_mutex_lock(&mutex),
	   pthread_mutex_unlock(&mutex))
ALONE_LOOP(alone_recursive, pthread_mutex_lock(&recursive),
	   pthread_mutex_unlock(&recursive))
ALONE_LOOP(alone_read, pthread_rwlock_rdlock(&rwlock),
	   pthread_rwlock_unlock(&rwlock))
ALONE_LOOP(alone_write, pthread_rwlock_wrlock(&rwlock),
	   pthread_rwlock_unlock(&rwlock))
ALONE_LOOP(alone_spin, pthread_spin_lock(&spin), pthread_spin_unlock(&spin))
ALONE_LOOP(alone_sem, sem_post(&sem), sem_wait(&sem))
ALONE_LOOP(alone_signal, pthread_cond_signal(&cond[0]), (void)0)

/* ---- together ----------------------------------------------------------- */

static void together(void *(*fn)(void *), int n)
{
	pthread_t t[THREADS];

	for (long i = 0; i < n; i++)
		pthread_create(&t[i], NULL, fn, (void *)i);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

/* Others are let run while it is held, so that they wait for it. */
static void *contend(void *arg)
{
	for (int i = 0; i < TURNS / THREADS; i++) {
		pthread_mutex_lock(&mutex);
		shared++;
		if (i % 4 == 0)
			sched_yield();
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void contended(void)
{
	together(contend, THREADS);
}

static void *take_turns(void *arg)
{
	int me = (int)(long)arg;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < TURNS / 2; i++) {
		while (turn != me)
			pthread_cond_wait(&cond[me], &mutex);
		turn = !me;
		pthread_cond_signal(&cond[!me]);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void cond_ping_pong(void)
{
	together(take_turns, 2);
}

static void *take_turns_sem(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < TURNS / 2; i++) {
		sem_wait(&sems[me]);
		sem_post(&sems[!me]);
	}
	return NULL;
}

static void sem_ping_pong(void)
{
	sem_init(&sems[0], 0, 1);
	sem_init(&sems[1], 0, 0);
	together(take_turns_sem, 2);
}

static void *nothing(void *arg)
{
	return arg;
}

/* Natively there are two OS threads from here on, as in any threaded program;
 * before, libc takes short cuts. */
int main(void)
{
	pthread_mutexattr_t a;
	pthread_t other;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&recursive, &a);
	pthread_create(&other, NULL, nothing, NULL);
	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	sem_init(&sem, 0, 0);
	measure("mutex, alone", alone_mutex, ALONE);
	measure("recursive mutex, alone", alone_recursive, ALONE);
	measure("read lock, alone", alone_read, ALONE);
	measure("write lock, alone", alone_write, ALONE);
	measure("spin lock, alone", alone_spin, ALONE);
	measure("semaphore, alone", alone_sem, ALONE);
	measure("signal to nobody", alone_signal, ALONE);
	measure("mutex, 8 threads", contended, TURNS);
	measure("condition variable, turns", cond_ping_pong, TURNS);
	measure("semaphore, turns", sem_ping_pong, TURNS);
	pthread_join(other, NULL);
	return 0;
}
