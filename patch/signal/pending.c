/* pending.c - what was sent and is not yet handled.
 *
 * Written by signal handlers, at any instruction of whoever reads: each slot is
 * taken with one exchange and published with another.  When none is free, the
 * number alone is remembered. */
#include "patch/signal/state.h"

enum { SLOT_FREE, SLOT_TAKEN, SLOT_FULL };
enum { SLOTS = 128, SIGRT_FIRST = 32 };

static struct pending slots[SLOTS];
static uint64_t orders;    /* atomic */
static uint64_t unslotted; /* atomic: numbers without a slot, for the process */
static uint64_t of_process; /* atomic: those sent to no thread in particular */

static void set_bits(uint64_t *bits, uint64_t more)
{
	__atomic_fetch_or(bits, more, __ATOMIC_SEQ_CST);
}

static uint64_t *bits_of(const struct thread *t)
{
	return t ? (uint64_t *)(uintptr_t)&t->pending.__val[0] : &of_process;
}

static struct pending *free_slot(void)
{
	for (int i = 0; i < SLOTS; i++) {
		uint32_t none = SLOT_FREE;

		if (__atomic_compare_exchange_n(&slots[i].state, &none,
						SLOT_TAKEN, false,
						__ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return &slots[i];
	}
	return NULL;
}

void ramet__pending_add(struct thread *to, int sig, const siginfo_t *info,
			const struct sigaction *action)
{
	uint64_t *bits = bits_of(to), bit = sigset_bit(sig);
	struct pending *p;

	/* Only real-time signals queue. */
	if (sig < SIGRT_FIRST && __atomic_load_n(bits, __ATOMIC_SEQ_CST) & bit)
		return;
	p = free_slot();
	if (p) {
		p->sig = sig;
		p->to = to;
		p->caught = action != NULL;
		if (action)
			p->action = *action;
		p->info = *info;
		p->order = __atomic_add_fetch(&orders, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&p->state, SLOT_FULL, __ATOMIC_SEQ_CST);
	} else {
		set_bits(&unslotted, bit);
	}
	set_bits(bits, bit);
}

uint64_t ramet__pending_bits(const struct thread *t)
{
	return __atomic_load_n(bits_of(t), __ATOMIC_SEQ_CST) |
	       __atomic_load_n(&of_process, __ATOMIC_SEQ_CST);
}

static bool is_for(const struct pending *p, const struct thread *t, int sig)
{
	return __atomic_load_n(&p->state, __ATOMIC_SEQ_CST) == SLOT_FULL &&
	       p->sig == sig && (p->to == t || !p->to);
}

/* The oldest of a number; *more: there are others. */
static struct pending *oldest(const struct thread *t, int sig, bool *more)
{
	struct pending *found = NULL;

	*more = false;
	for (int i = 0; i < SLOTS; i++) {
		if (!is_for(&slots[i], t, sig))
			continue;
		*more = found != NULL;
		if (!found || slots[i].order < found->order)
			found = &slots[i];
	}
	return found;
}

/* One whose slot was not to be had. */
static void make_up(struct pending *out, int sig)
{
	*out = (struct pending){.sig = sig, .info.si_signo = sig};
}

bool ramet__pending_take(struct thread *t, uint64_t set, struct pending *out)
{
	uint64_t bits = ramet__pending_bits(t) & set;
	struct pending *p;
	bool more;
	int sig;

	if (!bits)
		return false;
	sig = __builtin_ctzll(bits) + 1;
	p = oldest(t, sig, &more);
	if (p)
		*out = *p;
	else
		make_up(out, sig);
	if (!more) {
		/* First, so that one that comes now sets it again. */
		__atomic_fetch_and(bits_of(t), ~sigset_bit(sig),
				   __ATOMIC_SEQ_CST);
		__atomic_fetch_and(&of_process, ~sigset_bit(sig),
				   __ATOMIC_SEQ_CST);
		__atomic_fetch_and(&unslotted, ~sigset_bit(sig),
				   __ATOMIC_SEQ_CST);
	}
	if (p)
		__atomic_store_n(&p->state, SLOT_FREE, __ATOMIC_SEQ_CST);
	return true;
}

void ramet__pending_drop(int sig)
{
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].state == SLOT_FULL && slots[i].sig == sig)
			slots[i].state = SLOT_FREE;
	for (struct thread *t = ramet__threads; t; t = t->next)
		*bits_of(t) &= ~sigset_bit(sig);
	of_process &= ~sigset_bit(sig);
}

void ramet__pending_drop_of(const struct thread *t)
{
	if (!*bits_of(t))
		return;
	*bits_of(t) = 0;
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].state == SLOT_FULL && slots[i].to == t)
			slots[i].state = SLOT_FREE;
}

void ramet__pending_drop_all(void)
{
	for (int i = 0; i < SLOTS; i++)
		slots[i].state = SLOT_FREE;
	for (struct thread *t = ramet__threads; t; t = t->next)
		*bits_of(t) = 0;
	of_process = unslotted = 0;
}
