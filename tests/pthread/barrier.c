/* Barriers: pthread_barrier_*(3). */
#include "posix.h"

#include <sys/mman.h>

static pthread_barrier_t barrier, *heap_barrier;
static int come, serial;

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void join_all(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

static void *rounds(void *arg)
{
	for (int round = 1; round <= 50; round++) {
		int err;

		__atomic_add_fetch(&come, 1, __ATOMIC_SEQ_CST);
		err = pthread_barrier_wait(&barrier);
		CHECK(__atomic_load_n(&come, __ATOMIC_SEQ_CST) >= 8 * round);
		if (err == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
		else
			CHECK_EQ(err, 0);
	}
	return arg;
}

TEST(nobody_passes_before_all_have_come)
{
	pthread_t t[8];

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 8), 0);
	for (int i = 0; i < 8; i++)
		t[i] = start(rounds, NULL);
	join_all(t, 8);
	CHECK_EQ(come, 400);
	CHECK_EQ(serial, 50);
	CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

TEST(one_alone_is_always_the_last)
{
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 1), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_barrier_wait(&barrier),
			 PTHREAD_BARRIER_SERIAL_THREAD);
	CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

TEST(a_barrier_for_nobody_is_invalid)
{
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 0), EINVAL);
}

static void *come_once(void *arg)
{
	int err = pthread_barrier_wait(&barrier);

	CHECK(err == 0 || err == PTHREAD_BARRIER_SERIAL_THREAD);
	if (err)
		__atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
	return arg;
}

TEST(who_comes_too_many_is_of_the_next_round)
{
	pthread_t t[12];

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
	for (int i = 0; i < 12; i++)
		t[i] = start(come_once, NULL);
	join_all(t, 12);
	CHECK_EQ(serial, 3);
}

static void *pass_heap(void *arg)
{
	int err = pthread_barrier_wait(heap_barrier);

	if (err == PTHREAD_BARRIER_SERIAL_THREAD) {
		pthread_barrier_t *b = heap_barrier;

		CHECK_EQ(pthread_barrier_destroy(b), 0);
		memset(b, 0xee, sizeof *b);
		free(b);
	}
	return arg;
}

TEST(the_last_may_destroy_it_while_others_leave)
{
	pthread_t t[5];

	for (int round = 0; round < 100; round++) {
		heap_barrier = malloc(sizeof *heap_barrier);
		CHECK_EQ(pthread_barrier_init(heap_barrier, NULL, 5), 0);
		for (int i = 0; i < 5; i++)
			t[i] = start(pass_heap, NULL);
		join_all(t, 5);
	}
}

TEST(one_between_processes_works)
{
	pthread_barrier_t *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t a;
	pid_t child;
	int err;

	CHECK_EQ(pthread_barrierattr_init(&a), 0);
	CHECK_EQ(pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_barrier_init(b, &a, 2), 0);
	child = fork();
	for (int i = 0; i < 10; i++) {
		err = pthread_barrier_wait(b);
		CHECK(err == 0 || err == PTHREAD_BARRIER_SERIAL_THREAD);
	}
	if (child == 0)
		_exit(0);
	CHECK_EQ(posix_wait(child), 0);
}
