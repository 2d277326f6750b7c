/* watchdog.c - an OS thread that looks, twice within the threshold, whether
 * each loop that is awake has turned.
 *
 * When all have slept for a while it sleeps as well, until a loop that wakes
 * calls it (ramet__watchdog_mind): an idle process stays idle.
 */
#include "debug/watchdog.h"
#include "debug/borrow.h"
#include "debug/out.h"
#include "debug/report.h"
#include "debug/stall.h"

#include "kernel/calls.h"
#include "ramet/debug.h"

#include <linux/futex.h>
#include <stdlib.h>

enum {
	THRESHOLD_MS = 100,
	LEAST_MS = 10,
	LONGEST_MS = 1 << 30, /* 12 days */
	STACK = 256 * 1024,
	REPORTS = 5, /* in a minute */
	AGAIN = 10,  /* a stall that goes on is reported when it is so many
			times as long */
};

enum { UNSET = -1, OFF = 0 };

uint64_t ramet__stalls;

static int64_t threshold = UNSET; /* atomic; ns */

/* Of the thread: none, awake, or asleep. */
enum { NONE, AWAKE, ASLEEP };
static int state; /* atomic, a futex */

/* ---- how long a loop may take ------------------------------------------- */

static int64_t from_environment(void)
{
	const char *text = kernel_getenv("RAMET_WATCHDOG");
	long ms = text ? atol(text) : THRESHOLD_MS;

	if (ms <= 0)
		return OFF;
	if (ms > LONGEST_MS)
		ms = LONGEST_MS;
	return (ms < LEAST_MS ? LEAST_MS : ms) * RAMET_MS;
}

static int64_t limit(void)
{
	int64_t now = __atomic_load_n(&threshold, __ATOMIC_RELAXED);

	if (now != UNSET)
		return now;
	now = from_environment();
	__atomic_store_n(&threshold, now, __ATOMIC_RELAXED);
	return now;
}

int ramet_set_watchdog(int64_t ns)
{
	struct loop *l = ramet__loop();

	if (!l || (ns && ns < LEAST_MS * RAMET_MS))
		return (int)ramet__fail(l ? -EINVAL : -ENOMEM);
	__atomic_store_n(&threshold, ns, __ATOMIC_RELAXED);
	ramet__watchdog_mind(l);
	return 0;
}

/* ---- a look ------------------------------------------------------------- */

struct round {
	int64_t now, limit;
	int64_t lost; /* while the watchdog itself, or the machine, stood still
		       */
	bool active;  /* some loop is awake, or was since */
};

/* What the loop's own thread writes without regard to us; a value that is torn
 * or old is another one at the next look. */
SANITIZER_BLIND static int64_t turn_of(const struct loop *l)
{
	return *(const volatile int64_t *)&l->looked;
}

SANITIZER_BLIND static bool is_alone(const struct loop *l)
{
	return *(const volatile uint64_t *)&l->stats.live <
	       2 + *(const volatile size_t *)&l->tools_outside;
}

static bool sleeps(const struct loop *l)
{
	return __atomic_load_n(&l->sleeping, __ATOMIC_SEQ_CST);
}

static int64_t cpu_time(int tid)
{
	/* Linux's number for the clock of a thread, all that it has used. */
	clockid_t clock = (clockid_t)(~(unsigned)tid << 3 | 6);
	struct timespec ts = {0};

	kernel_real_call(SYS_clock_gettime, clock, KERNEL_ARG(&ts), 0, 0, 0, 0);
	return (int64_t)ts.tv_sec * RAMET_SEC + ts.tv_nsec;
}

static unsigned long process(void)
{
	return (unsigned long)kernel_real_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/* A stall that has been reported is over. */
static void say_end(const struct seen *s, int64_t now)
{
	struct out o;

	ramet__borrow(s->tid, 2);
	ramet__out_open(&o, 2);
	if (ramet__reports_json) {
		ramet__print(&o,
			     "{\"report\": \"stall end\", \"process\": %lu, "
			     "\"thread\": %d, \"length_ns\": %lu}\n",
			     process(), s->tid,
			     (unsigned long)(now - s->since));
	} else {
		ramet__print(&o,
			     "ramet: thread %d turns its loop again, after ",
			     s->tid);
		ramet__put_duration(&o, now - s->since);
		ramet__print(&o, "\n");
	}
	ramet__out_close(&o);
	ramet__borrow_end();
}

static void say_left_out(const struct seen *s, int count)
{
	struct out o;

	ramet__borrow(s->tid, 2);
	ramet__out_open(&o, 2);
	if (ramet__reports_json)
		ramet__print(&o,
			     "{\"report\": \"stalls left out\", \"process\": "
			     "%lu, \"count\": %d}\n",
			     process(), count);
	else
		ramet__print(&o, "ramet: %d stalls were not reported\n", count);
	ramet__out_close(&o);
	ramet__borrow_end();
}

/* So many in a minute; how many were left out is said with the next. */
static bool may_say(const struct seen *s, int64_t now)
{
	static int64_t minute;
	static int said, left_out;

	if (now - minute >= 60 * RAMET_SEC) {
		minute = now;
		said = 0;
	}
	if (said++ >= REPORTS) {
		left_out++;
		return false;
	}
	if (left_out)
		say_left_out(s, left_out);
	left_out = 0;
	return true;
}

/* A thread that the machine does not let run is nobody's fault. */
static bool starves(const struct seen *s, int64_t limit)
{
	return cpu_time(s->tid) - s->cpu < limit / 2;
}

static void report(struct seen *s, const struct round *r,
		   enum stall_report what)
{
	int64_t length = r->now - s->since;
	struct task task;

	if (!ramet__task_look(&task, s->tid))
		return;
	if (what == STALL_SAY) {
		if (!task.at.pc && starves(s, r->limit))
			return;
		if (!s->said)
			__atomic_add_fetch(&ramet__stalls, 1, __ATOMIC_SEQ_CST);
		s->said = length;
		if (!may_say(s, r->now))
			return;
	}
	if (task.at.pc)
		ramet__stall_blocked(s, length, what, &task);
	else
		ramet__stall_running(s, length, what);
}

static void look_at(struct seen *s, void *round)
{
	struct round *r = round;
	int64_t turn = turn_of(s->loop);

	/* Who keeps a loop that is his alone keeps nobody waiting. */
	if (sleeps(s->loop) || is_alone(s->loop) || turn != s->looked) {
		if (s->said)
			say_end(s, r->now);
		r->active |= turn != s->looked;
		s->looked = turn;
		s->since = r->now;
		s->said = 0;
		s->cpu = cpu_time(s->tid);
		return;
	}
	r->active = true;
	s->since += r->lost;
	if (r->now - s->since < r->limit)
		return;
	/* SIGQUIT's mail is for its next turn. */
	if (__atomic_exchange_n(&s->posted, 0, __ATOMIC_SEQ_CST))
		report(s, r, STALL_DUMP);
	else if (r->now - s->since >= AGAIN * s->said)
		report(s, r, STALL_SAY);
}

/* ---- the thread --------------------------------------------------------- */

/* Until it is called, or for ns. */
static void wait_while(int value, int64_t ns)
{
	struct timespec ts = {ns / RAMET_SEC, ns % RAMET_SEC};

	kernel_real_call(SYS_futex, KERNEL_ARG(&state),
			 FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value,
			 ns == RAMET_NEVER ? 0 : KERNEL_ARG(&ts), 0, 0);
}

/* All loops have slept for so long that each calls when it wakes. */
static void sleep_too(void)
{
	struct round r = {.now = kernel_real_now(), .limit = RAMET_NEVER};

	__atomic_store_n(&state, ASLEEP, __ATOMIC_SEQ_CST);
	ramet__registry_each(look_at, &r);
	while (!r.active && __atomic_load_n(&state, __ATOMIC_SEQ_CST) == ASLEEP)
		wait_while(ASLEEP, RAMET_NEVER);
	__atomic_store_n(&state, AWAKE, __ATOMIC_SEQ_CST);
}

static void *watch(void *unused)
{
	int64_t before = kernel_real_now(), active = before;

	kernel_thread_name("ramet watchdog");
	ramet__borrow_leave();
	for (int64_t ns; (ns = limit() / 2);) {
		struct round r = {.limit = 2 * ns};

		wait_while(AWAKE, ns);
		r.now = kernel_real_now();
		if (r.now - before >= 2 * ns)
			r.lost = r.now - before;
		before = r.now;
		ramet__registry_each(look_at, &r);
		if (r.active)
			active = r.now;
		if (r.now - active >= 2 * AWAKE_NS) {
			sleep_too();
			before = active = kernel_real_now();
		}
	}
	__atomic_sub_fetch(&ramet__service_threads, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&state, NONE, __ATOMIC_SEQ_CST);
	return unused;
}

/* Without a thread to be had nobody watches. */
static void start(void)
{
	__atomic_add_fetch(&ramet__service_threads, 1, __ATOMIC_RELAXED);
	ramet__borrow_try();
	if (kernel_thread(watch, NULL, STACK) == 0)
		return;
	__atomic_sub_fetch(&ramet__service_threads, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&state, NONE, __ATOMIC_SEQ_CST);
}

void ramet__watchdog_mind(struct loop *l)
{
	int now = NONE;

	(void)l;
	/* A simulation has its own time. */
	if (limit() == OFF || kernel_picks() || SANITIZER_FINDS_RACES)
		return;
	if (__atomic_compare_exchange_n(&state, &now, AWAKE, false,
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		ramet__stall_install();
		start();
	} else if (now == ASLEEP &&
		   __atomic_exchange_n(&state, AWAKE, __ATOMIC_SEQ_CST) ==
			   ASLEEP) {
		kernel_call(SYS_futex, KERNEL_ARG(&state),
			    FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
	}
}

void ramet__watchdog_after_fork(void)
{
	__atomic_store_n(&state, NONE, __ATOMIC_SEQ_CST);
	__atomic_store_n(&ramet__service_threads, 0, __ATOMIC_RELAXED);
}
