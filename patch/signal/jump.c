/* jump.c - leaving a handler by siglongjmp.
 *
 * A jump out of an interruption ends it.  sigsetjmp saves the kernel's mask,
 * which is not the thread's: the thread's is put behind it, where libc has room
 * for more signals than there are. */
#include "patch/signal/state.h"

enum { PLACE_MASK = 1, PLACE_MARK = 2 };
#define MARK UINT64_C(0x72616d65746d61)

RAMET_API void ramet__sigsetjmp_mask(struct __jmp_buf_tag *env);

__attribute__((used)) void ramet__sigsetjmp_mask(struct __jmp_buf_tag *env)
{
	struct thread *t = signal_thread();

	env->__saved_mask.__val[PLACE_MARK] = t ? MARK : 0;
	if (t)
		env->__saved_mask.__val[PLACE_MASK] = sigset_bits(&t->mask);
}

/* libc's must see the caller's frame, so this jumps there. */
__attribute__((naked, returns_twice)) int HOOK(__sigsetjmp)(
	struct __jmp_buf_tag *env __attribute__((unused)),
	int with_mask __attribute__((unused)))
{
	__asm__("test %%esi, %%esi\n\t"
		"jz 1f\n\t"
		"push %%rdi\n\t"
		"push %%rsi\n\t"
		"sub $8, %%rsp\n\t"
		"call ramet__sigsetjmp_mask\n\t"
		"add $8, %%rsp\n\t"
		"pop %%rsi\n\t"
		"pop %%rdi\n"
		"1:	lea ramet__patch_libc(%%rip), %%rax\n\t"
		"jmp *%c0(%%rax)"
		:
		: "i"(offsetof(struct libc_functions, __sigsetjmp)));
}

/* The stack pointer in a jmp_buf, as glibc hides it. */
static uintptr_t target(const struct __jmp_buf_tag *env)
{
	enum { RSP = 6 };
	uintptr_t sp = (uintptr_t)env->__jmpbuf[RSP], guard;

	__asm__("mov %%fs:0x30, %0" : "=r"(guard));
	return (sp >> 17 | sp << 47) ^ guard;
}

/* Jumps within a handler end nothing. */
static void end_interruptions(uintptr_t sp)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	bool ended = false;

	while (ramet__interruptions &&
	       !(sp > here && sp < (uintptr_t)ramet__interruptions)) {
		ramet__interruption_end(ramet__interruptions);
		ended = true;
	}
	if (!ended)
		return;
	ramet__this_loop->current->flags &= (uint16_t)~FLAG_EINTR;
	ramet__signal_mask_again();
}

/* libc sets the kernel's mask from what is saved. */
static void restore_mask(struct __jmp_buf_tag *env)
{
	struct thread *t = signal_thread();
	unsigned long *saved = env->__saved_mask.__val;

	if (!t || !env->__mask_was_saved)
		return;
	if (saved[PLACE_MARK] != MARK)
		saved[PLACE_MASK] = saved[0];
	saved[PLACE_MARK] = MARK;
	ramet__signal_mask(t, saved[PLACE_MASK]);
	saved[0] = ramet__kernel_mask_known();
}

static void jump(struct __jmp_buf_tag *env)
{
	struct loop *l = ramet__this_loop;

	if (!l || l != ramet__signals_home || ramet__vforked)
		return;
	end_interruptions(target(env));
	restore_mask(env);
}

void HOOK(longjmp)(struct __jmp_buf_tag *env, int value)
{
	jump(env);
	libc.longjmp(env, value);
}

void HOOK(_longjmp)(struct __jmp_buf_tag *env, int value)
{
	jump(env);
	libc._longjmp(env, value);
}

void HOOK(siglongjmp)(struct __jmp_buf_tag *env, int value)
{
	jump(env);
	libc.siglongjmp(env, value);
}

void HOOK(__longjmp_chk)(struct __jmp_buf_tag *env, int value)
{
	jump(env);
	libc.__longjmp_chk(env, value);
}
