/* state.h - what the files of this directory share. */
#ifndef PATCH_SIGNAL_STATE_H
#define PATCH_SIGNAL_STATE_H

#include "patch/hook.h"
#include "patch/signal/signal.h"

enum { SIGNALS = 64 };

/* ---- sets: what the kernel has of a sigset_t ----------------------------- */

static inline uint64_t sigset_bits(const sigset_t *set)
{
	return set->__val[0];
}

static inline void sigset_assign(sigset_t *set, uint64_t bits)
{
	set->__val[0] = bits;
}

static inline uint64_t sigset_bit(int sig)
{
	return UINT64_C(1) << (sig - 1);
}

/* What cannot be blocked, and what libc keeps for itself. */
#define NEVER_BLOCKED                                                          \
	(sigset_bit(SIGKILL) | sigset_bit(SIGSTOP) | sigset_bit(32) |          \
	 sigset_bit(33))

/* ---- who and where (mask.c) --------------------------------------------- */

/* The loop whose threads have masks; NULL: none yet. */
extern struct loop *ramet__signals_home;

/* The caller as far as signals are concerned, main for a ramet that is no
 * pthread; NULL: an OS thread to which all this does not apply. */
static inline struct thread *signal_thread(void)
{
	struct loop *l = ramet__this_loop;

	if (!l || l != ramet__signals_home || ramet__vforked)
		return NULL;
	return l->current->cold->thread ? l->current->cold->thread
					: ramet__threads;
}

/* Set t's mask, and the kernel's accordingly. */
void ramet__signal_mask(struct thread *t, uint64_t mask);

/* The kernel's mask as it should be, whatever it is; after a jump. */
void ramet__signal_mask_again(void);

/* What that is. */
uint64_t ramet__kernel_mask_known(void);

/* Set the kernel's own.  Returns the one before. */
uint64_t ramet__kernel_mask(uint64_t mask);

/* ---- what was sent (pending.c) ------------------------------------------ */

struct pending {
	uint32_t state; /* atomic: SLOT_... */
	int sig;
	bool caught; /* by the kernel, with this action: */
	struct sigaction action;
	struct thread *to; /* NULL: the process */
	uint64_t order;
	siginfo_t info;
};

/* Remember it; from anywhere.  action is NULL for what is looked up when the
 * handler is to run. */
void ramet__pending_add(struct thread *to, int sig, const siginfo_t *info,
			const struct sigaction *action);

/* Take what is in `set` and was sent to t or to the process, the lowest number
 * first.  Returns whether there was one. */
bool ramet__pending_take(struct thread *t, uint64_t set, struct pending *out);

/* The numbers of all that. */
uint64_t ramet__pending_bits(const struct thread *t);

/* Whether t is to run a handler. */
static inline bool signal_is_due(const struct thread *t)
{
	return ramet__pending_bits(t) & ~sigset_bits(&t->mask);
}

/* Forget all of a number, of a thread that ends, of everybody. */
void ramet__pending_drop(int sig);
void ramet__pending_drop_of(const struct thread *t);
void ramet__pending_drop_all(void);

/* ---- handlers (action.c, deliver.c, jump.c) ----------------------------- */

/* What the program has set for sig. */
void ramet__signal_action(int sig, struct sigaction *out);

/* Its handler was to be called once. */
void ramet__signal_reset(int sig);

/* Called by the kernel in place of every handler of the program. */
void ramet__on_signal(int sig, siginfo_t *info, void *ucontext);

/* An occasion at which the program's handler runs wherever the OS thread is:
 * what has to be put right when the handler ends, or jumps away. */
struct interruption {
	struct interruption *outer;
	struct loop *loop;
	struct ramet *current;
	void *tls;
	uint32_t hooks;
	struct thread *thread;
	uint64_t mask;
};

extern struct interruption *ramet__interruptions; /* the innermost */

/* The handler is over: what it has interrupted goes on. */
void ramet__interruption_end(struct interruption *i);

/* Send sig to t, which lives. */
void ramet__signal_send(struct thread *t, int sig, const siginfo_t *info);

/* What the kernel does where there is no handler. */
void ramet__signal_default(int sig);

/* In the child of a fork: nothing is under way. */
void ramet__deliver_after_fork(void);

#endif
