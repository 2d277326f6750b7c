/* aside.c - one mapping for each OS thread that has a loop: a guard page, the
 * stack for reports, and above it the one for signal handlers, which a fault in
 * a report needs free. */
#include "debug/aside.h"

#include "kernel/calls.h"

#include <signal.h>
#include <sys/mman.h>

#define GUARD ((size_t)4096)
#define REPORT_STACK ((size_t)64 << 10)
#define SIGNAL_STACK ((size_t)64 << 10)
#define ALL (GUARD + REPORT_STACK + SIGNAL_STACK)

/* Read by signal handlers: where compilers see all files at once they drop the
 * store before a report otherwise, since nothing that it calls looks at it. */
static __thread char *stacks __attribute__((tls_model("initial-exec")));
static __thread volatile int busy __attribute__((tls_model("initial-exec")));

char **ramet__aside_stacks(void)
{
	return &stacks;
}

/* A stack that the program has set stays; so does having none, if the system
 * refuses ours: then an overflow kills without a word. */
static void give_signals_a_stack(void)
{
	stack_t ours = {.ss_sp = stacks + GUARD + REPORT_STACK,
			.ss_size = SIGNAL_STACK};
	stack_t now;

	if (kernel_call(SYS_sigaltstack, 0, KERNEL_ARG(&now), 0, 0, 0, 0) ==
		    0 &&
	    now.ss_flags & SS_DISABLE)
		kernel_call(SYS_sigaltstack, KERNEL_ARG(&ours), 0, 0, 0, 0, 0);
}

static void take_signals_stack(void)
{
	stack_t none = {.ss_flags = SS_DISABLE}, now;

	if (kernel_call(SYS_sigaltstack, 0, KERNEL_ARG(&now), 0, 0, 0, 0) ==
		    0 &&
	    now.ss_sp == stacks + GUARD + REPORT_STACK)
		kernel_call(SYS_sigaltstack, KERNEL_ARG(&none), 0, 0, 0, 0, 0);
}

int ramet__aside_open(void)
{
	int err = -ENOMEM;

	stacks = kernel_mmap(ALL, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, &err);
	if (!stacks)
		return err;
	kernel_mprotect(stacks, GUARD, PROT_NONE);
	give_signals_a_stack();
	return 0;
}

void ramet__aside_close(void)
{
	take_signals_stack();
	kernel_munmap(stacks, ALL);
	stacks = NULL;
}

struct visit {
	struct context here, there;
	void (*fn)(const struct context *, void *);
	void *arg;
	struct sanitizer sanitizer, *back;
};

static void enter(void *visit)
{
	struct visit *v = visit;

	sanitizer_arrive(NULL, v->back);
	v->fn(&v->here, v->arg);
	sanitizer_leave(NULL, v->back);
	arch_switch(&v->there, &v->here);
	__builtin_unreachable();
}

/* Not inlined: the frame that the unwinder finds. */
static __attribute__((noinline)) void go(struct visit *v)
{
	void *fake = NULL;

	sanitizer_start(&v->sanitizer, stacks + GUARD, REPORT_STACK);
	arch_prepare(&v->there, stacks + GUARD + REPORT_STACK, enter, v);
	sanitizer_leave(&fake, &v->sanitizer);
	arch_switch(&v->here, &v->there);
	sanitizer_arrive(fake, NULL);
	sanitizer_end(&v->sanitizer);
}

bool ramet__aside(void (*fn)(const struct context *here, void *arg), void *arg)
{
	struct visit v = {.fn = fn, .arg = arg};

	if (busy || !stacks)
		return false;
	v.back = &ramet__this_loop->current->cold->sanitizer;
	busy = 1;
	go(&v);
	busy = 0;
	return true;
}
