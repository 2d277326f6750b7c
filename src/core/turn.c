/* turn.c - a turn: what has happened outside is taken in, that is events, mail
 * and timers.  If nothing is ready the loop sleeps till something has; if
 * nothing can happen any more that is a deadlock.
 */
#include "core/turn.h"

#include "core/record.h"
#include "core/stack.h"
#include "core/valid.h"

#include "kernel/calls.h"
#include "ramet/host.h"

enum {
	LOOK_NS = 200 * 1000, /* events are asked for this often at least */
	LOOK_EVERY_MAX = 256, /* switches between two looks at the clock */
	NO_POLLER_NS = 10 * 1000 * 1000,
};

int ramet__poller(struct loop *l)
{
	return l->poller ? 0 : ramet__kernel->open(&l->poller);
}

/* ---- sleep -------------------------------------------------------------- */

/* Without a poller (descriptors are short) sleep a little and look again. */
static void doze(int64_t timeout)
{
	struct timespec ts = {0,
			      timeout < NO_POLLER_NS ? timeout : NO_POLLER_NS};

	kernel_ppoll(NULL, 0, &ts);
}

/* Announce the sleep first and look at the mail after: whoever posts does it
 * the other way round, so one of the two sees the other.  An exchange, because
 * qemu 7.2 lets a load overtake an aarch64 store-release. */
static int wait_events(struct loop *l, int64_t timeout)
{
	int n;

	l->stats.kernel_waits++;
	if (timeout) {
		l->sleeps++;
		__atomic_exchange_n(&l->sleeping, 1, __ATOMIC_SEQ_CST);
		if (loop_has_mail(l))
			timeout = 0;
	}
	record(l, RECORD_WAIT, 0, 0, (uint64_t)timeout);
	n = ramet__kernel->wait(l->poller, timeout, l->events);
	__atomic_store_n(&l->sleeping, 0, __ATOMIC_RELAXED);
	record(l, RECORD_WAITED, 0, 0, (uint64_t)n);
	return n;
}

static int64_t until(const struct loop *l, int64_t when)
{
	return when > l->now ? when - l->now : 0;
}

/* The host may know better than we. */
static bool is_stuck(const struct loop *l, int64_t next)
{
	if (l->host && l->host->is_stuck)
		return l->host->is_stuck();
	return next == INT64_MAX && !loop_outside(l) && !l->reachable;
}

static int64_t ask_host(struct loop *l, int64_t next)
{
	int64_t again = l->host->on_deadlock();

	if (l->ready || loop_has_mail(l))
		return 0;
	return until(l, next) < again ? until(l, next) : again;
}

/* How long to wait when nothing is ready: till the next timer.  If nothing at
 * all can happen, that is a deadlock: main is made ready, if it can be told. As
 * long as that is in doubt, look again. */
static int64_t patience(struct loop *l)
{
	int64_t next = ramet__timers_next(&l->timers);

	if (loop_has_mail(l))
		return 0;
	if (is_stuck(l, next)) {
		if (l->host)
			return ask_host(l, next);
		if (ramet__doubt(l))
			return l->doubt;
		l->on_deadlock(l);
		return l->ready ? 0 : RAMET_NEVER; /* a signal may help */
	}
	return next == INT64_MAX ? RAMET_NEVER : until(l, next);
}

static void tidy(struct loop *l)
{
	if (l->now < l->trim_at)
		return;
	ramet__stacks_trim(l, false);
	l->trim_at = time_add(l->now, RAMET_SEC);
}

static void look(struct loop *l, int64_t timeout)
{
	int64_t before = l->now;
	int n = 0;

	if (!timeout && !l->outside)
		return;
	if (timeout && l->host)
		l->host->on_sleep();
	if (ramet__poller(l) < 0)
		doze(timeout);
	else
		n = wait_events(l, timeout);
	if (timeout && l->host)
		l->host->on_wake(n == -EINTR);
	l->now = kernel_now();
	if (timeout && (l->now - before >= AWAKE_NS || unlikely(l->forked))) {
		l->forked = false;
		l->on_awake(l);
	}
	if (n > 0)
		l->on_events(l, l->events, n);
}

/* ---- a turn ------------------------------------------------------------- */

/* The timer may be of an earlier park: only `until` counts. */
static void on_timer(struct loop *l, struct ramet *t)
{
	if (t->state != STATE_PARKED)
		return;
	if (t->until <= l->now) {
		record(l, RECORD_TIMER, 0, t->id, 0);
		ramet__wake(t, -ETIMEDOUT);
	} else {
		ramet__timer_arm(&l->timers, &t->timer, t->until);
	}
}

/* Ramets have run since the last turn: for how long. */
static inline void count_lag(struct lag *lag, int64_t ns)
{
	int bits = 64 - __builtin_clzll((uint64_t)ns | 1) - LAG_BITS;

	lag->sum += (uint64_t)ns;
	lag->bucket[bits < 0             ? 0
		    : bits < LAG_BUCKETS ? bits
					 : LAG_BUCKETS - 1]++;
}

/* Events, mail and timers; waits only if nothing is ready. */
void ramet__turn(struct loop *l)
{
	int64_t timeout = 0;
	struct timer *t;

	l->now = kernel_now();
	count_lag(&l->lag, l->now - l->looked);
	if (!l->ready) {
		timeout = patience(l);
		if (timeout)
			tidy(l);
	}
	look(l, timeout);
	l->looked = l->now;
	if (record_wanted_changed(l))
		l->on_record(l);
	record(l, RECORD_TURN, 0, 0, 0);
	ramet__deliver(l);
	if (l->load_at)
		__atomic_store_n(l->load_at, l->stats.spawned - l->ended,
				 __ATOMIC_RELAXED);
	while ((t = ramet__timer_pop(&l->timers, l->now)))
		on_timer(l, container_of(t, struct ramet, timer));
	check(ramet__loop_changed(l));
}

/* Reading the clock at each switch would cost more than the switch, so count
 * switches, more of them as long as they prove short.  Mail costs nothing to
 * look for, so it is taken in more often than there are turns. */
void ramet__turn_maybe(struct loop *l)
{
	int64_t passed = kernel_now() - l->looked;

	if (passed >= LOOK_NS)
		ramet__turn(l);
	else
		ramet__deliver(l);
	if (passed > 2 * LOOK_NS && l->look_every > 1)
		l->look_every /= 2;
	else if (passed < LOOK_NS / 2 && l->look_every < LOOK_EVERY_MAX)
		l->look_every *= 2;
	l->until_look = l->look_every;
}
