/* arch.c - a context that has not run yet: entry and its argument wait on its
 * stack for ramet__boot to take them. */
#include "arch/arch.h"
#include "arch/sanitizer.h"

#include <stddef.h>
#include <ucontext.h>

void arch_prepare(struct context *context, void *top, void (*entry)(void *),
		  void *arg)
{
	/* After boot has popped both words the stack is 16-byte aligned. */
	uintptr_t *sp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15) - 2;

	sp[0] = (uintptr_t)entry;
	sp[1] = (uintptr_t)arg;
	*context = (struct context){sp, NULL, (void *)ramet__boot};
}

bool ramet__on_valgrind;

#if defined __x86_64__
enum { DIRECTION = 0x400 }; /* the flag, which functions expect to be clear */

void arch_interrupted(const void *ucontext, struct context *context)
{
	const greg_t *r = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;

	*context = (struct context){(void *)r[REG_RSP], (void *)r[REG_RBP],
				    (void *)r[REG_RIP]};
}

/* The call has pushed the return address. */
void arch_interrupted_caller(const void *ucontext, struct context *context)
{
	arch_interrupted(ucontext, context);
	context->pc = *(void **)context->sp;
	context->sp = (void **)context->sp + 1;
}

void arch_divert(void *ucontext, void *top, void (*entry)(void *), void *arg)
{
	greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;

	r[REG_RIP] = (greg_t)ramet__restart;
	r[REG_RSP] = (greg_t)((uintptr_t)top & ~(uintptr_t)15);
	r[REG_RDI] = (greg_t)top;
	r[REG_RSI] = (greg_t)entry;
	r[REG_RDX] = (greg_t)arg;
	r[REG_EFL] &= ~(greg_t)DIRECTION;
}
#elif defined __aarch64__
void arch_interrupted(const void *ucontext, struct context *context)
{
	const mcontext_t *m = &((const ucontext_t *)ucontext)->uc_mcontext;

	*context = (struct context){(void *)m->sp, (void *)m->regs[29],
				    (void *)m->pc};
}

/* The return address is still in the link register. */
void arch_interrupted_caller(const void *ucontext, struct context *context)
{
	const mcontext_t *m = &((const ucontext_t *)ucontext)->uc_mcontext;

	arch_interrupted(ucontext, context);
	context->pc = (void *)m->regs[30];
}

void arch_divert(void *ucontext, void *top, void (*entry)(void *), void *arg)
{
	mcontext_t *m = &((ucontext_t *)ucontext)->uc_mcontext;

	m->pc = (uintptr_t)ramet__restart;
	m->sp = (uintptr_t)top & ~(uintptr_t)15;
	m->regs[0] = (uintptr_t)top;
	m->regs[1] = (uintptr_t)entry;
	m->regs[2] = (uintptr_t)arg;
}
#endif
