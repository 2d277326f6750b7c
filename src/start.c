/* start.c - makes and ends an OS thread's loop: the one place that knows all
 * the layers, and hands the upper ones to the lower. */
#include "core/errand.h"
#include "core/outlet.h"
#include "debug/console.h"
#include "debug/recording.h"
#include "debug/registry.h"
#include "debug/report.h"
#include "debug/watchdog.h"
#include "http/client/loop.h"
#include "io/mode.h"
#include "sync/claim.h"
#include "kernel/guard.h"
#include "net/names/state.h"
#include "sync/lot.h"
#include "sync/outside.h"
#include "task/actor/actor.h"
#include "task/child.h"
#include "task/loops.h"

#include <pthread.h>

/* The loop's thread has ended; what its ramets held stays as it is. */
static void end(void *loop)
{
	struct loop *l = loop;
	struct ramet_loop *handle;

	ramet__this_loop = l;
	ramet__end_main(l);
	ramet__console_close(l);
	ramet__http_close(l);
	ramet__loops_end(l);
	handle = l->handle;
	ramet__actors_close(l);
	lookups_close(l);
	ramet__debug_close(l);
	ramet__this_loop = NULL;
	ramet__lot_leave(l);
	ramet__claims_leave(l);
	ramet__gate_close(l);
	ramet__outlet_close(l);
	ramet__io_close(l);
	ramet__loop_free(l);
	ramet__loops_left(handle);
}

/* What seems to be one is none as long as OS threads may send messages. */
static void on_deadlock(struct loop *l)
{
	if (!ramet__actors_open(l))
		ramet__deadlock(l);
}

/* ---- fork --------------------------------------------------------------- */

void ramet__after_fork(struct loop *l)
{
	kernel_guard_after_fork();
	ramet__io_after_fork(l);
	ramet__http_after_fork(l);
	ramet__lot_after_fork();
	ramet__actors_after_fork(l);
	lookups_after_fork(l);
	ramet__claims_after_fork(l);
	ramet__gate_after_fork(l);
	ramet__core_after_fork(l);
	ramet__children_after_fork(l);
	ramet__loops_after_fork(l);
	ramet__recording_after_fork(l);
	ramet__registry_after_fork(l);
	ramet__console_after_fork();
	ramet__watchdog_after_fork();
	if (l->on_fork)
		l->on_fork(l);
}

/* Runs before the program's own handlers of pthread_atfork if those were set
 * after the first loop was made; they may unlock what ramets use. */
static void in_child(void)
{
	if (ramet__this_loop)
		ramet__after_fork(ramet__this_loop);
}

static void mind_forks(void)
{
	static int minded;

	if (!__atomic_exchange_n(&minded, 1, __ATOMIC_RELAXED))
		pthread_atfork(ramet__mode_fork, NULL, in_child);
}

/* ---- start -------------------------------------------------------------- */

struct loop *ramet__start(void)
{
	struct loop *l;

	kernel_choose();
	l = ramet__loop_new();
	if (!l)
		return NULL;
	if (ramet__io_open(l) < 0)
		goto free_loop;
	l->on_deadlock = on_deadlock;
	l->on_awake = ramet__watchdog_mind;
	l->on_record = ramet__recording_mind;
	if (ramet__debug_open(l) < 0)
		goto close_io;
	if (ramet__gate_open(l) < 0)
		goto close_debug;
	if (kernel_at_thread_exit(end, l) < 0)
		goto close_gate;
	ramet__this_loop = l;
	mind_forks();
	ramet__console_start(l);
	return l;

close_gate:
	ramet__gate_close(l);
close_debug:
	ramet__debug_close(l);
close_io:
	ramet__io_close(l);
free_loop:
	ramet__loop_free(l);
	return NULL;
}
