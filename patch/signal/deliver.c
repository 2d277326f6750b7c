/* deliver.c - to which thread a signal goes, and where its handler runs. */
#include "patch/signal/state.h"

#include "core/switch.h"
#include "kernel/calls.h"

#include <ucontext.h>

struct interruption *ramet__interruptions;

/* ---- calling a handler -------------------------------------------------- */

/* Not inlined: the thread-local storage changes around it. */
static __attribute__((noinline)) void call(const struct sigaction *a, int sig,
					   siginfo_t *info, void *ucontext)
{
	int saved = errno;

	if (a->sa_flags & SA_SIGINFO)
		a->sa_sigaction(sig, info, ucontext);
	else
		a->sa_handler(sig);
	errno = saved;
}

static __attribute__((noinline)) void call_with_context(
	const struct sigaction *a, struct pending *p)
{
	ucontext_t here;

	getcontext(&here);
	call(a, p->sig, &p->info, &here);
}

static bool has_handler(const struct sigaction *a)
{
	return a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN;
}

static uint64_t mask_during(uint64_t mask, int sig, const struct sigaction *a)
{
	mask |= sigset_bits(&a->sa_mask);
	if (!(a->sa_flags & SA_NODEFER))
		mask |= sigset_bit(sig);
	return mask & ~NEVER_BLOCKED;
}

void ramet__signal_default(int sig)
{
	uint64_t bit = sigset_bit(sig), before = 0;
	long pid, tid;

	if (sig == SIGCHLD || sig == SIGCONT || sig == SIGURG ||
	    sig == SIGWINCH)
		return;
	pid = kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	tid = kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
	kernel_call(SYS_rt_sigprocmask, SIG_UNBLOCK, KERNEL_ARG(&bit),
		    KERNEL_ARG(&before), sizeof bit, 0, 0);
	kernel_call(SYS_tgkill, pid, tid, sig, 0, 0, 0);
	ramet__kernel_mask(before);
}

/* The action for p, if there is a handler; else do what is to be done. */
static bool find_handler(struct pending *p)
{
	if (!p->caught) {
		ramet__signal_action(p->sig, &p->action);
		if (p->action.sa_flags & (int)SA_RESETHAND)
			ramet__signal_reset(p->sig);
	}
	if (p->action.sa_handler == SIG_DFL)
		ramet__signal_default(p->sig);
	return has_handler(&p->action);
}

static void note(struct thread *t, const struct sigaction *a)
{
	if (a->sa_flags & SA_RESTART)
		t->handled_restarts = true;
	else
		t->handled_fails = true;
}

/* ---- wherever the OS thread is ------------------------------------------ */

static void interruption_begin(struct interruption *i, struct loop *l,
			       struct thread *t)
{
	struct ramet *as = t ? t->ramet : l->current;

	*i = (struct interruption){.outer = ramet__interruptions,
				   .loop = l,
				   .current = l->current,
				   .tls = arch_tls(),
				   .hooks = l->hooks,
				   .thread = t,
				   .mask = t ? sigset_bits(&t->mask) : 0};
	ramet__interruptions = i;
	l->hooks = 0;
	l->current = as;
	if (t && as != i->current)
		arch_set_tls(as->flags & FLAG_TLS ? as->cold->tls : l->tls);
}

void ramet__interruption_end(struct interruption *i)
{
	if (i->current != i->loop->current)
		arch_set_tls(i->tls);
	i->loop->current = i->current;
	i->loop->hooks = i->hooks;
	ramet__interruptions = i->outer;
}

/* Run a handler in t's name (NULL: whoever is running), on this stack. */
static void interrupt(struct loop *l, struct thread *t, struct pending *p,
		      void *ucontext)
{
	struct interruption i;
	uint64_t during;

	interruption_begin(&i, l, t);
	during = mask_during(i.mask, p->sig, &p->action);
	if (t)
		sigset_assign(&t->mask, during);
	if (ucontext)
		call(&p->action, p->sig, &p->info, ucontext);
	else
		call_with_context(&p->action, p);
	if (t && sigset_bits(&t->mask) != during)
		ramet__signal_mask(t, i.mask);
	else if (t)
		sigset_assign(&t->mask, i.mask);
	ramet__interruption_end(&i);
}

/* ---- in the thread itself ----------------------------------------------- */

/* Between two waits, or at the end of one: nothing is halfway done, so the
 * handler may park, and may jump out of here. */
static void run_here(struct thread *t, struct pending *p)
{
	struct ramet *me = t->ramet;
	uint64_t mask = sigset_bits(&t->mask);

	me->flags &= (uint16_t)~FLAG_EINTR;
	ramet__signal_mask(t, mask_during(mask, p->sig, &p->action));
	call_with_context(&p->action, p);
	ramet__signal_mask(t, mask);
	note(t, &p->action);
}

void ramet__signals_run(struct thread *t)
{
	uint16_t waits = t->ramet->flags & FLAG_EINTR;
	struct pending p;

	if (!ramet__signals_home)
		return;
	while (ramet__pending_take(t, ~sigset_bits(&t->mask), &p))
		if (find_handler(&p))
			run_here(t, &p);
	t->ramet->flags |= waits;
	if (!waits) /* there was no call that they could end */
		t->handled_fails = t->handled_restarts = false;
}

/* ---- in a thread that is ready ------------------------------------------ */

/* As the kernel does it: a frame on the thread's stack, which is where it goes
 * on, and which leads back to where it was. */
struct visit {
	struct context back, gone;
	struct ramet *ramet;
	struct thread *thread;
};

enum { RED_ZONE = 256 };

static void enter_visit(void *visit)
{
	struct visit *v = visit;
	struct ramet *me = v->ramet;
	int16_t result = me->result;
	uint8_t wait = me->wait;

	arrive(me->loop, NULL);
	me->wait = WAIT_NONE;
	ramet__signals_run(v->thread);
	v->thread->asked = true; /* what has run ended no call */
	me->wait = wait;
	me->result = result;
	arch_switch(&v->gone, &v->back);
}

static void visit(struct thread *t)
{
	struct ramet *r = t->ramet;
	struct visit *v;

	if (!(r->flags & FLAG_STARTED) || r->context.pc == (void *)ramet__boot)
		return; /* it will look when it starts; or is visited */
	v = (struct visit *)(((uintptr_t)r->context.sp - RED_ZONE - sizeof *v) &
			     ~(uintptr_t)63);
	v->back = r->context;
	v->ramet = r;
	v->thread = t;
	arch_prepare(&r->context, v, enter_visit, v);
}

/* ---- to a thread -------------------------------------------------------- */

/* In the name of one that waits for what a signal does not end, or whose stack
 * this is. */
static void run_for(struct loop *l, struct thread *t)
{
	struct pending p;

	while (ramet__pending_take(t, ~sigset_bits(&t->mask), &p))
		if (find_handler(&p))
			interrupt(l, t, &p, NULL);
}

/* Something was sent to t, or a handler has run in its name. */
static void poke(struct loop *l, struct thread *t)
{
	struct ramet *r = t->ramet;
	bool due = signal_is_due(t);

	if (t->life != THREAD_LIVES || r->state == STATE_RUNNING ||
	    (!due && !t->handled_fails && !t->handled_restarts &&
	     r->wait != WAIT_SIGNAL))
		return;
	if (ramet__interrupt(r) || !due)
		return;
	if (r->state == STATE_READY && r != l->current)
		visit(t);
	else if (r->state == STATE_PARKED || r->state == STATE_READY)
		run_for(l, t);
}

static struct mail mail;
static int posted; /* atomic: the mail is on its way */

static void deliver(struct loop *l, struct mail *m)
{
	(void)m;
	__atomic_store_n(&posted, 0, __ATOMIC_SEQ_CST);
	for (struct thread *t = ramet__threads; t; t = t->next)
		if (t->asked)
			poke(l, t);
}

static void poke_later(void)
{
	mail.deliver = deliver;
	if (!__atomic_exchange_n(&posted, 1, __ATOMIC_SEQ_CST))
		ramet__post(ramet__signals_home, &mail);
}

void ramet__deliver_after_fork(void)
{
	__atomic_store_n(&posted, 0, __ATOMIC_SEQ_CST);
}

/* To ignore is done when it is sent, unless it is blocked. */
static bool is_ignored(const struct thread *t, int sig)
{
	struct sigaction a;

	if (sigset_bits(&t->mask) & sigset_bit(sig))
		return false;
	HOOK(sigaction)(sig, NULL, &a);
	return a.sa_handler == SIG_IGN;
}

void ramet__signal_send(struct thread *t, int sig, const siginfo_t *info)
{
	struct loop *l = ramet__this_loop;

	if (is_ignored(t, sig))
		return;
	ramet__pending_add(t, sig, info, NULL);
	t->asked = true;
	if (l != ramet__signals_home) {
		poke_later();
	} else if (t == signal_thread() && l->current->state == STATE_RUNNING) {
		if (signal_is_due(t))
			ramet__signals_run(t);
	} else if (ramet__interruptions && ramet__interruptions->thread == t) {
		run_for(l, t); /* raise in a handler: before it returns */
	} else if (ramet__interruptions) {
		poke_later();
	} else {
		poke(l, t);
	}
}

/* ---- to the process ----------------------------------------------------- */

/* Main first, as in the kernel. */
static struct thread *choose(int sig)
{
	for (struct thread *t = ramet__threads; t; t = t->next)
		if (t->life == THREAD_LIVES &&
		    !(sigset_bits(&t->mask) & sigset_bit(sig)))
			return t;
	return NULL;
}

/* Caused by the instruction that was interrupted. */
static bool is_fault(int sig, const siginfo_t *info)
{
	return info->si_code > 0 &&
	       (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
		sig == SIGILL || sig == SIGTRAP || sig == SIGSYS);
}

static void take_in(struct loop *l, struct pending *p, void *ucontext)
{
	struct thread *t = choose(p->sig);

	if (!t) { /* all have blocked it meanwhile */
		ramet__pending_add(NULL, p->sig, &p->info, &p->action);
		return;
	}
	if (l->current->state != STATE_RUNNING) {
		ramet__pending_add(t, p->sig, &p->info, &p->action);
		t->asked = true;
		poke_later();
		return;
	}
	if (t->ramet->flags & FLAG_EINTR) { /* first: it may jump away */
		note(t, &p->action);
		t->asked = true;
		poke_later();
	}
	interrupt(l, t, p, ucontext);
}

void ramet__on_signal(int sig, siginfo_t *info, void *ucontext)
{
	struct loop *l = ramet__this_loop;
	struct pending p = {.sig = sig, .caught = true, .info = *info};
	int saved = errno;

	ramet__signal_action(sig, &p.action);
	if (p.action.sa_flags & (int)SA_RESETHAND)
		ramet__signal_reset(sig);
	if (!has_handler(&p.action))
		; /* changed meanwhile */
	else if (!l || ramet__vforked)
		call(&p.action, sig, info, ucontext);
	else if (l != ramet__signals_home)
		interrupt(l, NULL, &p, ucontext);
	else if (is_fault(sig, info))
		interrupt(l, thread_self(l), &p, ucontext);
	else
		take_in(l, &p, ucontext);
	errno = saved;
}
