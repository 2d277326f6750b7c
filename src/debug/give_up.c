/* give_up.c - says when a supervisor gives up: what failed again and again is
 * otherwise seen only by who watches it. */
#include "debug/out.h"
#include "debug/report.h"
#include "task/actor/supervisor.h"

#include <string.h>

static void put_actor(struct out *o, const struct ramet_actor *a)
{
	if (a->name[0]) {
		ramet__print(o, "\"");
		ramet__put_name(o, a->name, strlen(a->name));
		ramet__print(o, "\"");
	} else {
		ramet__print(o, "0x%lx", (uintptr_t)a);
	}
}

static void on_give_up(const struct give_up *g)
{
	struct out o;

	ramet__out_open(&o, 2);
	ramet__print(&o, "ramet: supervisor ");
	put_actor(&o, g->supervisor);
	ramet__print(&o, " gives up: more than %lu restarts within ",
		     (unsigned long)g->restarts);
	ramet__put_duration(&o, g->within);
	ramet__print(&o, "; the last to end was actor ");
	put_actor(&o, g->child);
	ramet__print(&o, ", with status %d\n", g->child->status);
	ramet__out_close(&o);
}

void ramet__give_up_install(void)
{
	ramet__on_give_up = on_give_up;
}
