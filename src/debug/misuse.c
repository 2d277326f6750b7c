/* misuse.c - RAMET_STRICT=1: a mistake in the program ends it on the spot, with
 * who made it and where, instead of an error that may be overlooked. */
#include "debug/aside.h"
#include "debug/report.h"
#include "debug/trace.h"
#include "debug/words.h"

#include <stdlib.h>
#include <string.h>

static void report(const struct context *here, void *err)
{
	struct trace trace;
	struct out o;

	ramet__out_open(&o, 2);
	ramet__print(&o, "ramet: misuse (%s) by ",
		     strerrorname_np((int)-(intptr_t)err));
	ramet__put_ramet(&o, ramet__this_loop->current);
	ramet__put_origin(&o, ramet__this_loop->current);
	ramet__print(&o, "\n");
	ramet__trace(&trace, here, here->pc);
	ramet__put_trace(&o, &trace, ramet__trace_head(&trace));
	ramet__out_close(&o);
}

static void on_misuse(long err)
{
	ramet__aside(report, (void *)(intptr_t)err);
	abort();
}

void ramet__misuse_install(void)
{
	const char *strict = kernel_getenv("RAMET_STRICT");

	if (strict && strcmp(strict, "0") != 0)
		ramet__on_misuse = on_misuse;
}
