/* System calls by number: futex(2), and others that block. */
#include "posix.h"

#include <linux/futex.h>
#include <poll.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static uint32_t word, other;
static int passed;

static long futex(uint32_t *w, int op, uint32_t value, const void *arg,
		  uint32_t *w2, uint32_t value3)
{
	return syscall(SYS_futex, w, op, value, arg, w2, value3);
}

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

static int op_wait = FUTEX_WAIT_PRIVATE;

static void *wait_zero(void *w)
{
	while (__atomic_load_n((uint32_t *)w, __ATOMIC_SEQ_CST) == 0)
		if (futex(w, op_wait, 0, NULL, NULL, 0) < 0)
			CHECK(errno == EAGAIN || errno == EINTR);
	__atomic_add_fetch(&passed, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(a_word_that_has_changed_is_not_waited_for)
{
	word = 1;
	CHECK_ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EAGAIN);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
}

static void wake_all(int op)
{
	pthread_t t[5];

	for (int i = 0; i < 5; i++)
		t[i] = start(wait_zero, &word);
	sleep_ms(20);
	CHECK_EQ(passed, 0);
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&passed, __ATOMIC_SEQ_CST) < 5) {
		CHECK(futex(&word, op, 100, NULL, NULL, 0) >= 0);
		sched_yield();
	}
	join_all(t, 5);
}

TEST(wakes_reach_who_waits)
{
	wake_all(FUTEX_WAKE_PRIVATE);
}

TEST(words_not_marked_private_work_too)
{
	op_wait = FUTEX_WAIT;
	wake_all(FUTEX_WAKE);
}

static void *wait_any(void *w)
{
	CHECK_EQ(futex(w, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	__atomic_add_fetch(&passed, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(a_wake_counts_whom_it_wakes)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		t[i] = start(wait_any, &word);
	sleep_ms(50);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 2);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 0);
	join_all(t, 3);
}

TEST(a_wait_takes_how_long)
{
	struct timespec ts = {0, 30000000}, wrong = {0, 1000000000};
	long start_ms = now_ms();

	CHECK_ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 59);
	CHECK_ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &wrong, NULL, 0), EINVAL);
}

TEST(a_wait_with_bits_takes_until_when)
{
	int op = FUTEX_WAIT_BITSET_PRIVATE;
	struct timespec at = in_ms(CLOCK_MONOTONIC, 30);
	long start_ms = now_ms();

	CHECK_ERR(futex(&word, op, 0, &at, NULL, ~0u), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 29);
	at = in_ms(CLOCK_REALTIME, 30);
	CHECK_ERR(futex(&word, op | FUTEX_CLOCK_REALTIME, 0, &at, NULL, ~0u),
		  ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 59);
	CHECK_ERR(futex(&word, op, 0, &at, NULL, 0), EINVAL);
}

static void *wait_bit(void *bit)
{
	CHECK_EQ(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL,
		       (uint32_t)(long)bit),
		 0);
	__atomic_or_fetch(&passed, (int)(long)bit, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(bits_choose_whom_to_wake)
{
	int op = FUTEX_WAKE_BITSET_PRIVATE;
	pthread_t t[2];

	t[0] = start(wait_bit, (void *)1);
	sleep_ms(20);
	t[1] = start(wait_bit, (void *)2);
	sleep_ms(20);
	CHECK_EQ(futex(&word, op, 9, NULL, NULL, 4), 0);
	CHECK_EQ(futex(&word, op, 9, NULL, NULL, 2), 1);
	join_all(&t[1], 1);
	CHECK_EQ(passed, 2);
	CHECK_EQ(futex(&word, op, 9, NULL, NULL, 3), 1);
	join_all(t, 1);
	CHECK_ERR(futex(&word, op, 9, NULL, NULL, 0), EINVAL);
}

TEST(requeue_moves_who_waits)
{
	int op = FUTEX_CMP_REQUEUE_PRIVATE;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = start(wait_any, &word);
	sleep_ms(50);
	CHECK_ERR(futex(&word, op, 1, (void *)9, &other, 1), EAGAIN);
	CHECK_EQ(futex(&word, op, 1, (void *)2, &other, 0), 3);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
	CHECK_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2);
	join_all(t, 4);
}

TEST(requeue_need_not_compare)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		t[i] = start(wait_any, &word);
	sleep_ms(50);
	CHECK_EQ(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)9, &other, 0),
		 3);
	CHECK_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2);
	join_all(t, 3);
}

TEST(wake_op_changes_and_wakes_both)
{
	uint32_t code = FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0);
	pthread_t t[2];

	t[0] = start(wait_any, &word);
	t[1] = start(wait_any, &other);
	sleep_ms(50);
	CHECK_EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other,
		       code),
		 2);
	CHECK_EQ(other, 5);
	join_all(t, 2);
	CHECK_EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other,
		       FUTEX_OP(FUTEX_OP_ANDN, 4, FUTEX_OP_CMP_LT, -1)),
		 0);
	CHECK_EQ(other, 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other,
		       FUTEX_OP((FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT), 4,
				FUTEX_OP_CMP_NE, 1)),
		 0);
	CHECK_EQ(other, 16);
}

TEST(processes_wake_each_other)
{
	uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (child == 0) {
		sleep_ms(20);
		__atomic_store_n(shared, 1, __ATOMIC_SEQ_CST);
		futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0);
		while (__atomic_load_n(&shared[1], __ATOMIC_SEQ_CST) == 0)
			futex(&shared[1], FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(0);
	}
	while (__atomic_load_n(shared, __ATOMIC_SEQ_CST) == 0)
		if (futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) < 0)
			CHECK(errno == EAGAIN || errno == EINTR);
	sleep_ms(20);
	__atomic_store_n(&shared[1], 1, __ATOMIC_SEQ_CST);
	CHECK(futex(&shared[1], FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
	CHECK_EQ(posix_wait(child), 0);
}

/* ---- others ------------------------------------------------------------- */

static int fds[2];

static void *write_late(void *arg)
{
	sleep_ms(20);
	CHECK_EQ(syscall(SYS_write, fds[1], "x", 1), 1);
	return arg;
}

TEST(a_read_by_number_lets_others_run)
{
	pthread_t t;
	char c;

	CHECK_EQ(pipe(fds), 0);
	t = start(write_late, NULL);
	CHECK_EQ(syscall(SYS_read, fds[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
	join_all(&t, 1);
}

TEST(a_poll_by_number_lets_others_run)
{
	struct pollfd p = {.events = POLLIN};
	pthread_t t;

	CHECK_EQ(pipe(fds), 0);
	p.fd = fds[0];
	t = start(write_late, NULL);
	CHECK_EQ(syscall(SYS_poll, &p, 1, -1), 1);
	join_all(&t, 1);
}

TEST(errors_come_as_usual)
{
	struct timespec wrong = {0, -1};

	CHECK_ERR(syscall(SYS_read, -1, NULL, 0), EBADF);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wrong,
			  NULL),
		  EINVAL);
	CHECK_ERR(syscall(-1), ENOSYS);
	CHECK_EQ(syscall(SYS_getpid), getpid());
	CHECK_EQ(syscall(SYS_gettid), gettid());
}
