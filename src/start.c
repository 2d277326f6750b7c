/* start.c - makes and ends an OS thread's loop: the one place that knows all
 * the layers, and hands the upper ones to the lower. */
#include "core/errand.h"
#include "debug/report.h"
#include "io/fd.h"

/* The loop's thread has ended; what its ramets held stays as it is. */
static void end(void *loop)
{
	struct loop *l = loop;

	ramet__this_loop = l;
	ramet__end_main(l);
	ramet__debug_close(l);
	ramet__this_loop = NULL;
	ramet__errands_end(l);
	ramet__io_close(l);
	ramet__loop_free(l);
}

struct loop *ramet__start(void)
{
	struct loop *l;

	kernel_choose();
	l = ramet__loop_new();
	if (!l)
		return NULL;
	if (ramet__io_open(l) < 0)
		goto free_loop;
	l->on_deadlock = ramet__deadlock;
	if (ramet__debug_open(l) < 0)
		goto close_io;
	if (kernel_at_thread_exit(end, l) < 0)
		goto close_debug;
	ramet__this_loop = l;
	return l;

close_debug:
	ramet__debug_close(l);
close_io:
	ramet__io_close(l);
free_loop:
	ramet__loop_free(l);
	return NULL;
}
