/* overflow.c - faults: which ramet it was, and whether its stack was too small.
 *
 * A fault in a guard, with the stack pointer at the stack's end, is an
 * overflow: the end of the process, or of a ramet that asked for it and whose
 * frames can be abandoned. Everything else goes to the handler that the program
 * had, or kills as it would have; where the process dies the instruction is run
 * again, so that the core file and the exit status are those of the fault.
 */
#include "core/stack.h"
#include "debug/aside.h"
#include "debug/report.h"
#include "debug/symbol.h"
#include "debug/trace.h"
#include "debug/words.h"

#include "kernel/calls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* How far beyond the guard a frame may reach that was not probed. */
#define JUMP ((size_t)1 << 20)
#define PAGE ((size_t)4096)

static struct sigaction earlier_segv, earlier_bus;

struct fault {
	struct ramet *t;
	int sig;
	const siginfo_t *info;
	void *ucontext;
	size_t below;  /* the stack's end, in bytes */
	bool survived; /* by all but the ramet */
	struct trace trace;
};

/* ---- overflow? ---------------------------------------------------------- */

static bool is_overflow(struct fault *f)
{
	uintptr_t addr = (uintptr_t)f->info->si_addr;
	struct context at;
	char *low;
	size_t size;

	if (f->info->si_code <= 0 || !f->t->cold->class)
		return false;
	ramet__stack_bounds(f->t, &low, &size);
	f->below = (uintptr_t)low - addr;
	arch_interrupted(f->ucontext, &at);
	return f->below - 1 <
		       stack_guard_size(f->t->cold->class->size) + JUMP &&
	       (uintptr_t)at.sp < (uintptr_t)low + PAGE;
}

/* ---- reports ------------------------------------------------------------ */

static void put_overflow(struct out *o, const struct ramet *t)
{
	char *low;
	size_t size;

	ramet__stack_bounds(t, &low, &size);
	ramet__print(o, "ramet: stack overflow in ");
	ramet__put_ramet(o, t);
	ramet__put_origin(o, t);
	ramet__print(o, ": stack %lu KiB usable, %lu KiB of it ever used, ",
		     (size + 1023) / 1024, (ramet_stack_used(t) + 1023) / 1024);
}

static const char remedy[] = "; give it more with ramet_opts.stack_size or "
			     "RAMET_STACK\n";

/* Where code is no code, it was called from somewhere. */
static void trace_fault(struct fault *f)
{
	struct context at;

	arch_interrupted(f->ucontext, &at);
	if (ramet__is_code(at.pc)) {
		ramet__trace_interrupted(&f->trace, at.pc);
		return;
	}
	arch_interrupted_caller(f->ucontext, &at);
	ramet__trace(&f->trace, &at, at.pc);
}

static void put_backtrace(const struct context *here, void *fault)
{
	const struct fault *f = fault;
	struct out o;

	(void)here;
	ramet__out_open(&o, 2);
	ramet__put_trace(&o, &f->trace, 0);
	if (f->survived)
		ramet__print(&o, "ramet: it ends, and nothing else\n");
	ramet__out_close(&o);
}

static void say_overflow(const struct context *here, void *fault)
{
	const struct fault *f = fault;
	struct out o;

	(void)here;
	ramet__out_open(&o, 2);
	put_overflow(&o, f->t);
	ramet__print(&o, "fault %lu bytes below its end%s", f->below, remedy);
	ramet__out_close(&o);
}

static void say_fault(const struct context *here, void *fault)
{
	const struct fault *f = fault;
	struct out o;

	(void)here;
	ramet__out_open(&o, 2);
	ramet__print(&o, "ramet: %s ", f->sig == SIGBUS ? "SIGBUS" : "SIGSEGV");
	if (f->info->si_code > 0)
		ramet__print(&o, "at address 0x%lx",
			     (uintptr_t)f->info->si_addr);
	else
		ramet__print(&o, "sent by process %d", f->info->si_pid);
	ramet__print(&o, " in ");
	ramet__put_ramet(&o, f->t);
	ramet__put_origin(&o, f->t);
	ramet__print(&o, "\n");
	ramet__out_close(&o);
}

static void say_nested(void)
{
	static const char text[] = "ramet: a fault while reporting, perhaps of "
				   "a broken stack\n";

	kernel_write(2, text, sizeof text - 1);
}

static const void *pc_of(const struct fault *f)
{
	struct context at;

	arch_interrupted(f->ucontext, &at);
	return at.pc;
}

/* What is said first does not depend on a stack that may be broken. */
static void report(struct fault *f, bool overflow)
{
	if (!ramet__aside(overflow ? say_overflow : say_fault, f)) {
		say_nested();
		return;
	}
	trace_fault(f);
	f->survived = overflow && ramet__can_abandon(f->t, pc_of(f));
	ramet__aside(put_backtrace, f);
}

/* ---- the handler -------------------------------------------------------- */

/* By the default action, when the handler returns: a fault happens again, a
 * signal that was sent is sent again. */
static void die(const struct fault *f)
{
	struct sigaction none = {.sa_handler = SIG_DFL};

	kernel_sigaction(f->sig, &none, NULL);
	if (f->info->si_code <= 0)
		kernel_call(SYS_tgkill,
			    kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
			    kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0), f->sig,
			    0, 0, 0);
}

/* Whether the program's own handler, from before ours, took it. */
static bool passed_on(int sig, siginfo_t *info, void *ucontext)
{
	struct sigaction *a = sig == SIGBUS ? &earlier_bus : &earlier_segv;

	if (a->sa_flags & SA_SIGINFO)
		a->sa_sigaction(sig, info, ucontext);
	else if (a->sa_handler == SIG_IGN)
		return info->si_code <=
		       0; /* the kernel does not ignore faults */
	else if (a->sa_handler != SIG_DFL)
		a->sa_handler(sig);
	else
		return false;
	return true;
}

static void on_fault(int sig, siginfo_t *info, void *ucontext)
{
	struct loop *l = ramet__this_loop;
	struct fault f = {.t = l ? l->current : NULL,
			  .sig = sig,
			  .info = info,
			  .ucontext = ucontext};

	if (f.t && is_overflow(&f)) {
		report(&f, true);
		if (f.survived)
			arch_divert(ucontext, f.t->cold, ramet__abandon, f.t);
		else
			die(&f);
	} else if (!passed_on(sig, info, ucontext)) {
		if (f.t)
			report(&f, false);
		die(&f);
	}
}

void ramet__overflow_install(void)
{
	struct sigaction ours = {.sa_sigaction = on_fault,
				 .sa_flags = SA_SIGINFO | SA_ONSTACK};

	kernel_sigaction(SIGSEGV, &ours, &earlier_segv);
	kernel_sigaction(SIGBUS, &ours, &earlier_bus);
}

/* ---- without a guard ---------------------------------------------------- */

static void report_canary(const struct context *here, void *ramet)
{
	struct trace trace;
	struct out o;

	ramet__out_open(&o, 2);
	put_overflow(&o, ramet);
	ramet__print(&o, "found at a switch: what lies below may be damaged%s",
		     remedy);
	ramet__trace(&trace, here, here->pc);
	ramet__put_trace(&o, &trace, ramet__trace_head(&trace));
	ramet__out_close(&o);
}

_Noreturn void ramet__die_of_overflow(struct ramet *t)
{
	ramet__aside(report_canary, t);
	abort();
}
