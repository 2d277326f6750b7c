/* gate.h - a loop's handle, and the gate in it.
 *
 * Handles are never freed, so whoever still has one of a loop that was stopped
 * is told so.  The gate is one word: who goes in counts himself and learns in
 * the same step whether it is open, and the loop does not end before he is out
 * again.
 */
#ifndef TASK_GATE_H
#define TASK_GATE_H

#include <pthread.h>

#include "core/core.h"
#include "kernel/calls.h"
#include "ramet/loop.h"

struct outlet;

enum { LOOPS_MAX = 1024 };

/* Of a handle. */
enum { LOOP_NEW, LOOP_FAILED, LOOP_UP, LOOP_GONE };

/* The gate's word: who is inside, whether it is open, and how many requests
 * have been sent since it is. */
#define GATE_INSIDE UINT64_C(0x3fffffff)
#define GATE_OPEN (UINT64_C(1) << 31)
#define GATE_SENT (UINT64_C(1) << 32)

struct ramet_loop {
	/* What those touch who send. */
	uint64_t gate; /* atomic */
	struct loop *loop;
	struct outlet *outlet;
	unsigned index;
	uint32_t state; /* atomic; the starter waits here */

	/* What the loop writes. */
	__attribute__((aligned(64)))
	uint64_t running; /* atomic: by its turns */
	uint32_t taken;   /* atomic: how many of those sent have arrived */
	bool stop;
	struct mail stop_mail;

	/* loop_go.c's requests: those to use again, those that others have sent
	 * home (atomic, newest first), and others' that are to go home. */
	struct request *spare, *homecome, *homebound;
	unsigned requests, together;

	/* The starter's. */
	bool used;
	int error;
	pthread_t thread;
} __attribute__((aligned(64)));

/* Returns whether it is open; leave in either case. */
static inline bool gate_enter(struct ramet_loop *h)
{
	return __atomic_fetch_add(&h->gate, 1, __ATOMIC_ACQ_REL) & GATE_OPEN;
}

static inline void gate_leave(struct ramet_loop *h)
{
	__atomic_fetch_sub(&h->gate, 1, __ATOMIC_RELEASE);
}

/* A request goes in, if it is open. */
static inline bool gate_send(struct ramet_loop *h)
{
	if (__atomic_fetch_add(&h->gate, GATE_SENT + 1, __ATOMIC_ACQ_REL) &
	    GATE_OPEN)
		return true;
	__atomic_fetch_sub(&h->gate, GATE_SENT, __ATOMIC_RELEASE);
	return false;
}

static inline void gate_open(struct ramet_loop *h)
{
	__atomic_fetch_or(&h->gate, GATE_OPEN, __ATOMIC_RELEASE);
}

static inline void gate_close(struct ramet_loop *h)
{
	__atomic_fetch_and(&h->gate, ~GATE_OPEN, __ATOMIC_ACQ_REL);
}

static inline bool gate_is_open(const struct ramet_loop *h)
{
	return __atomic_load_n(&h->gate, __ATOMIC_ACQUIRE) & GATE_OPEN;
}

static inline void gate_wait_empty(struct ramet_loop *h)
{
	while (__atomic_load_n(&h->gate, __ATOMIC_ACQUIRE) & GATE_INSIDE)
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* In the child of a fork: nobody is inside, and what was sent is gone. */
static inline void gate_reset(struct ramet_loop *h, bool open)
{
	h->gate = open ? GATE_OPEN : 0;
	h->taken = 0;
}

static inline uint32_t gate_sent(const struct ramet_loop *h)
{
	return (uint32_t)(__atomic_load_n(&h->gate, __ATOMIC_ACQUIRE) /
			  GATE_SENT);
}

/* By the loop: one of those has arrived. */
static inline void gate_took(struct ramet_loop *h)
{
	__atomic_store_n(&h->taken, h->taken + 1, __ATOMIC_RELAXED);
}

static inline bool gate_took_all(const struct ramet_loop *h)
{
	return h->taken == gate_sent(h);
}

static inline uint64_t running(const struct loop *l)
{
	return l->stats.spawned - l->ended;
}

/* How many ramets it has, or will have; `mine` if it is the caller's. */
static inline uint64_t gate_load(const struct ramet_loop *h, bool mine)
{
	uint32_t taken = __atomic_load_n(&h->taken, __ATOMIC_RELAXED);
	uint64_t now = mine ? running(h->loop)
			    : __atomic_load_n(&h->running, __ATOMIC_RELAXED);

	return now + (uint32_t)(gate_sent(h) - taken);
}

#endif
