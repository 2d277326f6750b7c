/* lock.c - a gate before the dynamic linker's lock: it counts who is inside,
 * and a fork closes it. */
#include "patch/engine/lock.h"

#include "arch/sanitizer.h"
#include "kernel/calls.h"
#include "kernel/libc.h"

#include <linux/futex.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>

#define CLOSED 0x80000000u

static uint32_t gate;      /* atomic: how many are inside, and CLOSED */
static uint64_t fork_mask; /* signals of who has closed it */
static __thread bool forking __attribute__((tls_model("initial-exec")));

static void wait_while(uint32_t is)
{
	kernel_call(SYS_futex, KERNEL_ARG(&gate), FUTEX_WAIT_PRIVATE, is, 0, 0,
		    0);
}

static void wake_all(void)
{
	kernel_call(SYS_futex, KERNEL_ARG(&gate), FUTEX_WAKE_PRIVATE, INT_MAX,
		    0, 0, 0);
}

/* Add to the open gate. */
static void pass(uint32_t what)
{
	uint32_t is = __atomic_load_n(&gate, __ATOMIC_RELAXED);

	for (;;) {
		if (is & CLOSED) {
			wait_while(is);
			is = __atomic_load_n(&gate, __ATOMIC_RELAXED);
		} else if (__atomic_compare_exchange_n(&gate, &is, is + what,
						       true, __ATOMIC_ACQUIRE,
						       __ATOMIC_RELAXED)) {
			return;
		}
	}
}

static void leave(void)
{
	if (__atomic_sub_fetch(&gate, 1, __ATOMIC_RELEASE) == CLOSED)
		wake_all();
}

/* The kernel's mask, of 64 signals.  A handler that forks would wait for the
 * thread that it has interrupted. */
static void mask_signals(uint64_t mask, uint64_t *before)
{
	kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&mask),
		    KERNEL_ARG(before), sizeof mask, 0, 0);
}

/* ---- with the linker's list --------------------------------------------- */

struct call {
	void (*fn)(struct lock_seen, void *);
	void *arg;
};

/* At the first object, for all. */
static int once_listed(struct dl_phdr_info *info, size_t size, void *call)
{
	const struct call *c = call;

	(void)size;
	sanitizer_locked(&gate);
	c->fn((struct lock_seen){info->dlpi_adds, info->dlpi_subs}, c->arg);
	sanitizer_unlocks(&gate);
	return 1;
}

void lock_with(void (*fn)(struct lock_seen, void *), void *arg)
{
	struct call c = {fn, arg};
	uint64_t mask = 0;

	mask_signals(UINT64_MAX, &mask);
	if (!forking)
		pass(1);
	dl_iterate_phdr(once_listed, &c);
	if (!forking)
		leave();
	mask_signals(mask, NULL);
}

/* ---- fork --------------------------------------------------------------- */

static void before_fork(void)
{
	uint64_t mask = 0;
	uint32_t is;

	mask_signals(UINT64_MAX, &mask);
	pass(CLOSED);
	while ((is = __atomic_load_n(&gate, __ATOMIC_ACQUIRE)) != CLOSED)
		wait_while(is);
	fork_mask = mask;
	forking = true;
}

static void after_fork(void)
{
	uint64_t mask = fork_mask;

	forking = false;
	__atomic_store_n(&gate, 0, __ATOMIC_RELEASE);
	wake_all();
	mask_signals(mask, NULL);
}

bool lock_forking(void)
{
	return forking;
}

static int start_result;

static void start(void)
{
	start_result = -pthread_atfork(before_fork, after_fork, after_fork);
}

int lock_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	kernel_libc_find();
	ramet__libc.pthread_once(&once, start);
	return start_result;
}
