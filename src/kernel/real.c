/* real.c - what the back ends on a real kernel share: system calls, the clock,
 * memory, and the ends of OS threads. */
#include "kernel/kernel.h"
#include "kernel/libc.h"
#include "arch/sanitizer.h"
#include "base/syscall.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

__thread uint64_t ramet__calls;

long kernel_real_call(long nr, long a, long b, long c, long d, long e, long f)
{
	if (unlikely(!sanitizer_knows_syscall(nr)))
		return -ENOSYS;
	return raw_syscall(nr, a, b, c, d, e, f);
}

/* libc's, because it reads the clock without a system call. */
int64_t kernel_real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void *kernel_real_alloc(size_t size)
{
	return calloc(1, size);
}

void kernel_real_free(void *mem)
{
	free(mem);
}

const char *kernel_getenv(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

int kernel_sigaction(int sig, const struct sigaction *action,
		     struct sigaction *before)
{
	return ramet__libc.sigaction(sig, action, before) < 0 ? -errno : 0;
}

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;
static void (*key_end)(void *);

static void run_end(void *value)
{
	__atomic_load_n(&key_end, __ATOMIC_RELAXED)(value);
}

static void make_key(void)
{
	key_error = ramet__libc.pthread_key_create(&key, run_end);
}

int kernel_at_thread_exit(void (*end)(void *), void *value)
{
	__atomic_store_n(&key_end, end, __ATOMIC_RELAXED); /* always the same */
	ramet__libc.pthread_once(&key_once, make_key);
	return key_error ? -key_error : -pthread_setspecific(key, value);
}

void kernel_not_at_thread_exit(void)
{
	pthread_setspecific(key, NULL); /* there is one: a loop was made */
}
