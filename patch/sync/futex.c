/* futex.c - futex(2) on the parking lot.
 *
 * A futex that is not marked private may be in memory that another process
 * shares, or may only not be marked (C++ guards, for one).  Who waits at such a
 * word looks at it again from time to time, and who wakes there wakes in the
 * kernel, too.  Those with priority inheritance are the kernel's alone.
 */
#include "patch/sync/futex.h"
#include "patch/sync/sync.h"
#include "patch/timespec.h"

#include "kernel/calls.h"

#include <linux/futex.h>

enum { COMMAND = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME) };

struct futex {
	uint32_t *word, *other;
	int command;
	bool private, realtime;
	uint32_t value, value3;
	const struct timespec *at;
	int second; /* in the place of at, where that is a number */
};

static struct futex decode(const long arg[6])
{
	int op = (int)arg[1];

	return (struct futex){
		.word = (uint32_t *)arg[0],
		.command = op & COMMAND,
		.private = op & FUTEX_PRIVATE_FLAG,
		.realtime = op & FUTEX_CLOCK_REALTIME,
		.value = (uint32_t)arg[2],
		.at = (const struct timespec *)arg[3],
		.second = (int)arg[3],
		.other = (uint32_t *)arg[4],
		.value3 = (uint32_t)arg[5],
	};
}

/* ---- waiting ------------------------------------------------------------ */

/* FUTEX_WAIT's time is how long, on the monotonic clock; others' is until
 * when. */
static struct timespec until(const struct futex *f)
{
	if (f->command != FUTEX_WAIT)
		return *f->at;
	return timespec_of(time_add(kernel_now(), timespec_ns(f->at)));
}

static int64_t earlier(int64_t slice, const struct limit *limit)
{
	int64_t left = limit ? ramet__sync_left(limit) : INT64_MAX;

	return left < slice ? left : slice;
}

/* A wake without a change, from another process, is not seen.  */
static int wait_between(const struct futex *f, uint32_t mask, int mode,
			const struct limit *limit,
			const struct lot_reason *reason)
{
	int64_t slice = 50 * 1000;
	int err;

	for (;;) {
		int64_t nap = earlier(slice, limit);

		err = ramet__lot_wait(f->word, f->value, mask,
				      time_add(kernel_now(), nap), mode,
				      reason);
		if (err == -EAGAIN && slice > 50 * 1000)
			return 0; /* changed since: as if woken */
		if (err != -ETIMEDOUT || nap < slice)
			return err == LOT_MOVED ? 0 : err;
		if (slice < 20 * RAMET_MS)
			slice *= 2;
	}
}

static int wait_futex(const struct futex *f, uint32_t mask)
{
	struct lot_reason reason = {"for futex", f->word, 0, NULL};
	struct timespec at;
	struct limit limit = {f->realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC,
			      &at};
	int mode = LOT_EINTR | LOT_OPEN, err;

	if (!mask || (uintptr_t)f->word % sizeof *f->word)
		return -EINVAL;
	if (f->at) {
		if (f->at->tv_sec < 0)
			return -EINVAL;
		at = *f->at;
		if (ramet__sync_check(&limit))
			return -EINVAL;
		at = until(f);
	}
	if (!f->private)
		return wait_between(f, mask, mode, f->at ? &limit : NULL,
				    &reason);
	err = ramet__lot_wait(f->word, f->value, mask,
			      f->at ? ramet__sync_instant(&limit) : RAMET_NEVER,
			      mode, &reason);
	if (err == -ECANCELED)
		return -ETIMEDOUT;
	return err == LOT_MOVED ? 0 : err;
}

/* Calls by number are no cancellation points, but handlers run. */
static long wait_interruptibly(const struct futex *f, uint32_t mask)
{
	struct loop *l = hook_loop(RAMET_THREAD);
	struct thread *t = l ? thread_self(l) : NULL;
	bool disabled;
	long err;

	if (!t)
		return wait_futex(f, mask);
	disabled = t->cancel_disabled;
	t->cancel_disabled = true;
	hook_begin(l);
	do
		err = wait_futex(f, mask);
	while (err == -EINTR && hook_restarts(l) && !f->at);
	hook_end(l, 0);
	t->cancel_disabled = disabled;
	return err;
}

/* ---- waking ------------------------------------------------------------- */

/* Those of other processes come after our own. */
static long wake_at(const struct futex *f, uint32_t *word, int n, uint32_t mask)
{
	long woken = ramet__lot_wake(word, n < 1 ? 1 : n, mask), others;

	if (f->private || woken >= n)
		return woken;
	others = kernel_call(SYS_futex, KERNEL_ARG(word), FUTEX_WAKE_BITSET,
			     n - woken, 0, 0, (long)mask);
	return others > 0 ? woken + others : woken;
}

static int sign_extended(uint32_t bits)
{
	return (int)(bits << 20) >> 20;
}

/* Do to the other word what value3 says: futex(2), FUTEX_WAKE_OP.  Returns
 * whether what it held compares as asked, or -ENOSYS. */
static int operate(const struct futex *f)
{
	uint32_t code = f->value3;
	int operand = sign_extended(code >> 12), against = sign_extended(code);
	int before;

	if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
		operand = (int)(1u << (operand & 31));
	switch (code >> 28 & 7) {
	case FUTEX_OP_SET:
		before = (int)__atomic_exchange_n(f->other, operand,
						  __ATOMIC_SEQ_CST);
		break;
	case FUTEX_OP_ADD:
		before = (int)__atomic_fetch_add(f->other, operand,
						 __ATOMIC_SEQ_CST);
		break;
	case FUTEX_OP_OR:
		before = (int)__atomic_fetch_or(f->other, operand,
						__ATOMIC_SEQ_CST);
		break;
	case FUTEX_OP_ANDN:
		before = (int)__atomic_fetch_and(f->other, ~operand,
						 __ATOMIC_SEQ_CST);
		break;
	case FUTEX_OP_XOR:
		before = (int)__atomic_fetch_xor(f->other, operand,
						 __ATOMIC_SEQ_CST);
		break;
	default:
		return -ENOSYS;
	}
	switch (code >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return before == against;
	case FUTEX_OP_CMP_NE:
		return before != against;
	case FUTEX_OP_CMP_LT:
		return before < against;
	case FUTEX_OP_CMP_LE:
		return before <= against;
	case FUTEX_OP_CMP_GT:
		return before > against;
	case FUTEX_OP_CMP_GE:
		return before >= against;
	default:
		return -ENOSYS;
	}
}

static long wake_op(const struct futex *f)
{
	int both = operate(f);
	long woken;

	if (both < 0)
		return both;
	woken = wake_at(f, f->word, (int)f->value, UINT32_MAX);
	if (both)
		woken += wake_at(f, f->other, f->second, UINT32_MAX);
	return woken;
}

/* Of those who wait in the kernel all are woken that would be moved. */
static long requeue(const struct futex *f)
{
	bool any = f->command == FUTEX_REQUEUE;
	long n;

	if ((int)f->value < 0 || f->second < 0)
		return -EINVAL;
	n = ramet__lot_requeue(f->word, (int)f->value, f->second, f->other, any,
			       f->value3);
	if (n >= 0 && !f->private)
		kernel_call(SYS_futex, KERNEL_ARG(f->word), FUTEX_WAKE, INT_MAX,
			    0, 0, 0);
	return n;
}

long ramet__futex(const long arg[6])
{
	struct futex f = decode(arg);

	switch (f.command) {
	case FUTEX_WAIT:
		return wait_interruptibly(&f, UINT32_MAX);
	case FUTEX_WAIT_BITSET:
		return wait_interruptibly(&f, f.value3);
	case FUTEX_WAKE:
		return wake_at(&f, f.word, (int)f.value, UINT32_MAX);
	case FUTEX_WAKE_BITSET:
		return f.value3 ? wake_at(&f, f.word, (int)f.value, f.value3)
				: -EINVAL;
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return requeue(&f);
	case FUTEX_WAKE_OP:
		return wake_op(&f);
	default:
		return kernel_call(SYS_futex, arg[0], arg[1], arg[2], arg[3],
				   arg[4], arg[5]);
	}
}
