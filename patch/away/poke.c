/* poke.c - interrupt a helper thread's system call.
 *
 * By the signal that glibc keeps for pthread_cancel: no program has a handler
 * for it, nor can it be blocked through libc.  Where glibc's own handler is in
 * place already it is still called; it does nothing in threads that are not
 * cancelled.
 */
#include "patch/away/away.h"

#include "kernel/calls.h"

#include <signal.h>

enum { SIGNAL = 32, MASK_SIZE = 8 };

#define RESTORER 0x04000000ul /* SA_RESTORER */

typedef void handler(int sig, siginfo_t *info, void *context);

/* As the kernel has it. */
struct action {
	handler *handler;
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static handler *next; /* atomic */

static void on_signal(int sig, siginfo_t *info, void *context)
{
	handler *other = __atomic_load_n(&next, __ATOMIC_ACQUIRE);

	if (other)
		other(sig, info, context);
}

/* What unwinders know as the end of a handler is these very instructions. */
void ramet__poke_return(void);
__asm__(".pushsection .text\n"
	".type ramet__poke_return, @function\n"
	".hidden ramet__poke_return\n"
	".globl ramet__poke_return\n"
	"	nop\n"
	"ramet__poke_return:\n"
	"	.byte 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0\n" /* mov $15, %rax */
	"	syscall\n"
	".size ramet__poke_return, . - ramet__poke_return\n"
	".popsection");

/* Without SA_RESTART.  Others may have put theirs in place since. */
static void install(void)
{
	struct action old, ours = {.handler = on_signal,
				   .flags = SA_SIGINFO | RESTORER,
				   .restorer = ramet__poke_return};

	if (kernel_call(SYS_rt_sigaction, SIGNAL, 0, KERNEL_ARG(&old),
			MASK_SIZE, 0, 0) < 0 ||
	    old.handler == on_signal)
		return;
	if (old.flags & SA_SIGINFO)
		__atomic_store_n(&next, old.handler, __ATOMIC_RELEASE);
	kernel_call(SYS_rt_sigaction, SIGNAL, KERNEL_ARG(&ours), 0, MASK_SIZE,
		    0, 0);
}

void ramet__poke(int tid)
{
	long pid = kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);

	install();
	kernel_call(SYS_tgkill, pid, tid, SIGNAL, 0, 0, 0);
}
