/* arch.h - the switch, and what else depends on the processor.
 *
 * A context is three words: everything else is on the stack, because the
 * switch tells the compiler that it destroys every register, so the compiler
 * saves those (and only those) that are live.  Its CFI then describes them all,
 * and a suspended stack can be unwound from the three words.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdint.h>

struct context {
	void *sp, *fp, *pc;
};

#if defined __x86_64__
#include "arch/x86_64.h"
#elif defined __aarch64__
#include "arch/aarch64.h"
#endif

/* Where a new context starts: calls its first argument's entry function (see
 * arch_prepare); the outermost frame of every stack, marked so for unwinders. */
void ramet__boot(void);

/* Make `context` start entry(arg) on the stack that ends at `top` when it is
 * switched to.  entry must not return. */
void arch_prepare(struct context *context, void *top, void (*entry)(void *),
		  void *arg);

/* Leave the present frame for good: run entry(arg) on the stack that ends at
 * `top`, which may be the current one. */
_Noreturn void ramet__restart(void *top, void (*entry)(void *), void *arg);

/* Run fn(arg) with call frame information that says it was called where
 * `context` was suspended: an unwinder started in fn walks fn's frames and then
 * the suspended stack. */
void ramet__call_as(const struct context *context, void (*fn)(void *),
		    void *arg);

/* Where a signal interrupted the thread; ucontext is its handler's third
 * argument. */
void arch_interrupted(const void *ucontext, struct context *context);

/* The same after a call to what is no code: where the call was. */
void arch_interrupted_caller(const void *ucontext, struct context *context);

/* Have the thread, when the handler returns, leave for good what the signal
 * interrupted: it runs entry(arg) on the stack that ends at `top`. */
void arch_divert(void *ucontext, void *top, void (*entry)(void *), void *arg);

#endif
