/* blocking.c - times the calls in which an OS thread may sleep, and remembers
 * who made those that did.
 *
 * Sleeping is what counts, not time: on a busy machine a call that only
 * computes may also take long.  The kernel counts how often a thread gave up
 * the processor by itself.
 *
 * Called by one OS thread, the loop's, in the handler of SIGSYS as well:
 * nothing here allocates, and nothing is kept on the stack that need not be.
 */
#include "patch/trace/trace.h"

#include "base/syscall.h"
#include "debug/symbol.h"
#include "debug/trace.h"
#include "kernel/calls.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/resource.h>

enum { SITES = 256 };

struct site {
	long nr;
	const void *caller;
	struct blocked blocked;
	int64_t longest;
};

static struct loop *loop;
static int64_t threshold;
static struct site sites[SITES];
static size_t site_count;
static struct blocked all;
static bool busy; /* here: a signal handler may come back */
static struct trace trace;
static struct out out;

static bool may_sleep(long nr, const long arg[6])
{
	int op = (int)arg[1] & FUTEX_CMD_MASK;

	if (nr == SYS_futex)
		return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET ||
		       op == FUTEX_LOCK_PI || op == FUTEX_WAIT_REQUEUE_PI;
	if (nr == SYS_fcntl)
		return arg[1] == F_SETLKW || arg[1] == F_OFD_SETLKW;
	return ramet__sleeping_call(nr);
}

/* ---- who ---------------------------------------------------------------- */

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* libc and the runtime make calls for others. */
static bool is_caller(const void *pc)
{
	const char *module = ramet__symbol(pc).module;

	return module && !starts_with(module, "libc.so") &&
	       !starts_with(module, "ld-linux") &&
	       !starts_with(module, "libramet");
}

static const void *caller(void)
{
	for (size_t i = 0; i < trace.count; i++)
		if (is_caller(trace.frames[i].pc))
			return trace.frames[i].pc;
	return trace.count ? trace.frames[0].pc : NULL;
}

static struct site *site(long nr, const void *pc)
{
	for (size_t i = 0; i < site_count; i++)
		if (sites[i].nr == nr && sites[i].caller == pc)
			return &sites[i];
	if (site_count == SITES)
		return NULL;
	sites[site_count] = (struct site){.nr = nr, .caller = pc};
	return &sites[site_count++];
}

/* ---- in words ----------------------------------------------------------- */

/* "12.3 ms" */
static void put_ms(struct out *o, int64_t ns)
{
	unsigned long us = (unsigned long)ns / 1000;

	ramet__print(o, "%lu.%lu ms", us / 1000, us % 1000 / 100);
}

static void put_where(struct out *o, const struct site *s)
{
	struct symbol symbol = ramet__symbol(s->caller);

	ramet__print(o, "%s called from %s: ", ramet__sleeping_call(s->nr),
		     symbol.module ? symbol.module : "code of no file");
	if (symbol.function)
		ramet__print(o, "%s+", symbol.function);
	ramet__print(o, "0x%lx", symbol.offset);
}

static void report_new(const struct site *s, int64_t time)
{
	ramet__out_open(&out, ramet__report_error_fd());
	ramet__print(&out, "ramet: blocked ");
	put_ms(&out, time);
	ramet__print(&out, " in ");
	put_where(&out, s);
	ramet__print(&out, "\n");
	ramet__put_trace(&out, &trace, 0);
	ramet__out_close(&out);
}

static void swap(struct site *a, struct site *b)
{
	struct site c = *a;

	*a = *b;
	*b = c;
}

static void sort_by_time(void)
{
	for (size_t i = 1; i < site_count; i++)
		for (size_t j = i;
		     j && sites[j - 1].blocked.time < sites[j].blocked.time;
		     j--)
			swap(&sites[j - 1], &sites[j]);
}

void ramet__put_blocked(struct out *o)
{
	sort_by_time();
	for (size_t i = 0; i < site_count; i++) {
		const struct site *s = &sites[i];

		ramet__print(o, "ramet: blocked %lu times, ", s->blocked.calls);
		put_ms(o, s->blocked.time);
		ramet__print(o, " in all, ");
		put_ms(o, s->longest);
		ramet__print(o, " at most, in ");
		put_where(o, s);
		ramet__print(o, "\n");
	}
}

/* ---- timing ------------------------------------------------------------- */

static long sleeps(void)
{
	struct rusage usage;

	raw_syscall(SYS_getrusage, RUSAGE_THREAD, KERNEL_ARG(&usage), 0, 0, 0,
		    0);
	return usage.ru_nvcsw;
}

static void add(struct site *s, int64_t time)
{
	s->blocked.time += time;
	if (time > s->longest)
		s->longest = time;
	if (s->blocked.calls++ == 0)
		report_new(s, time);
}

static __attribute__((noinline)) void remember(long nr, int64_t time,
					       const struct context *where)
{
	struct site *s;

	all.calls++;
	all.time += time;
	if (busy)
		return;
	busy = true;
	ramet__trace(&trace, where, where->pc);
	s = site(nr, caller());
	if (s)
		add(s, time);
	busy = false;
}

long ramet__timed_call(long nr, const long arg[6], const struct context *where)
{
	int64_t start, time;
	long before, result;

	if (loop->stats.live < 2 || !may_sleep(nr, arg))
		return ramet__dispatch_call(nr, arg);
	before = sleeps();
	start = kernel_now();
	result = ramet__dispatch_call(nr, arg);
	time = kernel_now() - start;
	if (time >= threshold && sleeps() != before)
		remember(nr, time, where);
	return result;
}

void ramet__blocking_start(struct loop *l, int64_t at_least)
{
	loop = l;
	threshold = at_least;
}

struct blocked ramet__blocked(void)
{
	return all;
}

void ramet__blocking_forget(void)
{
	site_count = 0;
	all = (struct blocked){0};
}
