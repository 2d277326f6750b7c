/* open.c - what reports need is made when a loop starts: when they are due it
 * is too late. */
#include "debug/aside.h"
#include "debug/recording.h"
#include "debug/registry.h"
#include "debug/report.h"
#include "debug/trace.h"

#include <string.h>

bool ramet__reports_json;

static void read_form(void)
{
	const char *form = kernel_getenv("RAMET_REPORTS");

	ramet__reports_json = form && strcmp(form, "json") == 0;
}

static void open_once(void)
{
	static int done;

	if (__atomic_exchange_n(&done, 1, __ATOMIC_RELAXED))
		return;
	read_form();
	ramet__trace_prime();
	ramet__misuse_install();
	ramet__give_up_install();
	ramet__lock_cycles_install();
	ramet__overflow_install();
	ramet__quit_install();
	ramet__recording_install();
}

int ramet__debug_open(struct loop *l)
{
	int err = ramet__aside_open();

	if (err < 0)
		return err;
	err = ramet__registry_open(l);
	if (err < 0) {
		ramet__aside_close();
		return err;
	}
	open_once();
	ramet__recording_mind(l);
	return 0;
}

void ramet__debug_close(struct loop *l)
{
	ramet__recording_leave(l);
	ramet__registry_close(l);
	ramet__aside_close();
}
