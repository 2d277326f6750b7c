/* dispatch.c - sees every system call that the loop's OS thread makes outside
 * of this library, by syscall user dispatch: the kernel delivers SIGSYS instead
 * of making the call, and the handler makes it.  Source: Linux's documentation,
 * admin-guide/syscall-user-dispatch.
 *
 * Calls made in this library's text are allowed: the runtime's own, those of
 * the handler, and its return.  Three kinds of call cannot simply be made in a
 * handler.  What the handler's return would undo (the signal mask, the
 * alternate stack) is also changed in what it returns to.  A return from
 * another handler is made on that handler's frame.  And a clone that shares
 * memory must not come back twice on this stack: it is let through by the
 * selector, which is set again when the runtime is entered next.
 *
 * SIGSYS stays ours: were it blocked or given to somebody else the kernel would
 * kill the process.
 */
#include "patch/trace/trace.h"

#include "base/syscall.h"
#include "kernel/calls.h"

#include <link.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2 /* si_code */
#endif
#define KERNEL_SA_RESTORER 0x04000000

enum { LET_THROUGH, SHOW };
enum { SYSCALL_SIZE = 2, SIGSET_SIZE = 8 };

static char selector; /* read by the kernel: one of the above */
static struct loop *watched;
static uintptr_t text, text_size;

/* As the kernel has it. */
struct action {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* What the program believes of SIGSYS. */
static struct action programs;

static uint64_t without_sigsys(uint64_t set)
{
	return set & ~(UINT64_C(1) << (SIGSYS - 1));
}

/* ---- calls with signal masks -------------------------------------------- */

/* Which argument points to a mask that holds during the call or from then on;
 * -1: none. */
static int mask_argument(long nr, const long arg[6])
{
	switch (nr) {
	case SYS_rt_sigsuspend:
		return 0;
	case SYS_rt_sigprocmask:
		return arg[0] == SIG_UNBLOCK ? -1 : 1;
	case SYS_ppoll:
		return 3;
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		return 4;
	default:
		return -1;
	}
}

static long raw(long nr, const long arg[6])
{
	return raw_syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static long with_mask(long nr, const long arg[6], int which)
{
	long changed[6];
	uint64_t mask;

	memcpy(changed, arg, sizeof changed);
	if (arg[which]) {
		memcpy(&mask, (void *)arg[which], sizeof mask);
		mask = without_sigsys(mask);
		changed[which] = KERNEL_ARG(&mask);
	}
	return raw(nr, changed);
}

/* Its sixth argument points to a pointer to the mask and its size. */
static long with_packed_mask(const long arg[6])
{
	long changed[6], pack[2];
	uint64_t mask;

	memcpy(changed, arg, sizeof changed);
	if (arg[5]) {
		memcpy(pack, (void *)arg[5], sizeof pack);
		if (pack[0]) {
			memcpy(&mask, (void *)pack[0], sizeof mask);
			mask = without_sigsys(mask);
			pack[0] = KERNEL_ARG(&mask);
		}
		changed[5] = KERNEL_ARG(pack);
	}
	return raw(SYS_pselect6, changed);
}

static long sigaction_call(const long arg[6])
{
	const struct action *wanted = (const struct action *)arg[1];
	struct action *before = (struct action *)arg[2], was = programs;
	struct action changed;

	if (arg[0] == SIGSYS) {
		if (wanted)
			programs = *wanted;
		if (before)
			*before = was;
		return 0;
	}
	if (!wanted)
		return raw(SYS_rt_sigaction, arg);
	changed = *wanted;
	changed.mask = without_sigsys(changed.mask);
	return raw_syscall(SYS_rt_sigaction, arg[0], KERNEL_ARG(&changed),
			   arg[2], arg[3], arg[4], arg[5]);
}

long ramet__dispatch_call(long nr, const long arg[6])
{
	int mask = mask_argument(nr, arg);

	if (mask >= 0)
		return with_mask(nr, arg, mask);
	if (nr == SYS_pselect6)
		return with_packed_mask(arg);
	if (nr == SYS_rt_sigaction)
		return sigaction_call(arg);
	return raw(nr, arg);
}

/* ---- the handler -------------------------------------------------------- */

/* detour.S */
#define HIDDEN __attribute__((visibility("hidden")))
enum { DETOURS = 16, DETOUR_SIZE = 16 };

HIDDEN void ramet__dispatch_return(void);
extern HIDDEN const char ramet__dispatch_detours[DETOURS][DETOUR_SIZE];
extern HIDDEN uintptr_t ramet__dispatch_back[DETOURS];

/* Another handler's return, on its frame; ours is dropped. */
static _Noreturn void return_for(uintptr_t sp)
{
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "jmp ramet__dispatch_return"
			 :
			 : "r"(sp)
			 : "memory");
	__builtin_unreachable();
}

/* Make the call there instead.  A place is given to one caller for ever: a new
 * thread may be slow to come out of it.  If there is none left, let the call
 * and what follows through until the runtime is entered next. */
static void detour(greg_t *r)
{
	uintptr_t after = (uintptr_t)r[REG_RIP];
	int i = 0;

	while (i < DETOURS && ramet__dispatch_back[i] &&
	       ramet__dispatch_back[i] != after)
		i++;
	if (i < DETOURS) {
		ramet__dispatch_back[i] = after;
		r[REG_RIP] = (greg_t)(uintptr_t)ramet__dispatch_detours[i];
	} else {
		selector = LET_THROUGH;
		r[REG_RIP] -= SYSCALL_SIZE;
	}
}

static bool shares_memory(long nr, const long arg[6])
{
	const struct clone_args *args = (const struct clone_args *)arg[0];

	return nr == SYS_vfork || (nr == SYS_clone && arg[0] & CLONE_VM) ||
	       (nr == SYS_clone3 && args->flags & CLONE_VM);
}

/* What the return from this handler puts in force. */
static void keep_change(long nr, ucontext_t *uc)
{
	if (nr == SYS_rt_sigprocmask)
		raw_syscall(SYS_rt_sigprocmask, 0, 0,
			    KERNEL_ARG(&uc->uc_sigmask), SIGSET_SIZE, 0, 0);
	else if (nr == SYS_sigaltstack)
		raw_syscall(SYS_sigaltstack, 0, KERNEL_ARG(&uc->uc_stack), 0, 0,
			    0, 0);
}

/* A SIGSYS of another kind kills, unless the program has a handler. */
static void not_ours(int sig, siginfo_t *info, void *ucontext)
{
	struct action none = {0};

	if ((uintptr_t)programs.handler > 1) {
		programs.handler(sig, info, ucontext);
		return;
	}
	raw_syscall(SYS_rt_sigaction, SIGSYS, KERNEL_ARG(&none), 0, SIGSET_SIZE,
		    0, 0);
	raw_syscall(SYS_tgkill, raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0),
		    raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0), SIGSYS, 0, 0, 0);
}

static void on_call(int sig, siginfo_t *info, void *ucontext)
{
	ucontext_t *uc = ucontext;
	greg_t *r = uc->uc_mcontext.gregs;
	const long arg[6] = {r[REG_RDI], r[REG_RSI], r[REG_RDX],
			     r[REG_R10], r[REG_R8],  r[REG_R9]};
	struct context where;
	long nr = r[REG_RAX], result;

	if (info->si_code != SYS_USER_DISPATCH) {
		not_ours(sig, info, ucontext);
		return;
	}
	if (nr == SYS_rt_sigreturn)
		return_for((uintptr_t)r[REG_RSP]);
	if (shares_memory(nr, arg)) {
		detour(r);
		return;
	}
	arch_interrupted(uc, &where);
	result = ramet__timed_call(nr, arg, &where);
	if (result == 0 &&
	    (nr == SYS_fork || nr == SYS_clone || nr == SYS_clone3))
		ramet__dispatch_again();
	keep_change(nr, uc);
	r[REG_RAX] = result;
}

/* ---- on and off --------------------------------------------------------- */

bool ramet__dispatch_on(void)
{
	return watched;
}

bool ramet__dispatch_here(void)
{
	return watched && ramet__this_loop == watched;
}

char ramet__dispatch_pause(void)
{
	char before = selector;

	if (ramet__dispatch_here())
		selector = LET_THROUGH;
	return before;
}

/* While calls were let through, SIGSYS may have been blocked. */
void ramet__dispatch_go_on(char before)
{
	const uint64_t ours = UINT64_C(1) << (SIGSYS - 1);

	if (!ramet__dispatch_here() || selector == before)
		return;
	if (before == SHOW)
		raw_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, KERNEL_ARG(&ours),
			    0, SIGSET_SIZE, 0, 0);
	selector = before;
}

static long switch_on(void)
{
	return raw_syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1,
			   (long)text, (long)text_size, KERNEL_ARG(&selector),
			   0);
}

void ramet__dispatch_again(void)
{
	ramet__blocking_forget();
	selector = switch_on() == 0 ? SHOW : LET_THROUGH;
}

/* The segment of this library that holds code. */
static int find_text(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t here = (uintptr_t)ramet__dispatch_return;

	(void)size, (void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && p->p_flags & PF_X &&
		    here - start < p->p_memsz) {
			text = start;
			text_size = p->p_memsz;
			return 1;
		}
	}
	return 0;
}

int ramet__dispatch_start(struct loop *l, const char **reason)
{
	const struct action ours = {
		.handler = on_call,
		.flags = SA_SIGINFO | SA_NODEFER | KERNEL_SA_RESTORER,
		.restorer = ramet__dispatch_return,
	};
	long err;

	*reason = "the kernel has no syscall user dispatch (Linux 5.11), or "
		  "forbids it";
	if (!dl_iterate_phdr(find_text, NULL))
		return -ENOENT;
	err = raw_syscall(SYS_rt_sigaction, SIGSYS, KERNEL_ARG(&ours),
			  KERNEL_ARG(&programs), SIGSET_SIZE, 0, 0);
	if (err == 0)
		err = switch_on();
	if (err < 0)
		return (int)err;
	ramet__door_start();
	watched = l;
	ramet__dispatch_go_on(SHOW);
	return 0;
}
