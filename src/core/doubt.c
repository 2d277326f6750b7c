/* doubt.c - whether a loop in which nobody can wake anyone is a deadlock, if
 * there are other OS threads. */
#include "core/stack.h"

#include <sys/single_threaded.h>

enum { DOUBT_NS_MIN = 10 * 1000 * 1000, DOUBT_NS_MAX = 1000 * 1000 * 1000 };

static void look_for_shared(struct ramet *t, void *found)
{
	if (t->state == STATE_PARKED && WAITS_SHARED >> t->wait & 1)
		*(bool *)found = true;
}

/* What the last of the others did before it ended is mail. */
static bool is_certain(struct loop *l)
{
	bool shared = false;

	if (__libc_single_threaded)
		return true;
	if (!l->doubt)
		return false;
	if (ramet__kernel->alone())
		return !loop_has_mail(l);
	ramet__each(l, look_for_shared, &shared);
	return !shared;
}

/* Loops wait for each other all the time, so the first time it is put off. */
bool ramet__doubt(struct loop *l)
{
	if (is_certain(l))
		return false;
	l->doubt = l->doubt ? 2 * l->doubt : DOUBT_NS_MIN;
	if (l->doubt > DOUBT_NS_MAX)
		l->doubt = DOUBT_NS_MAX;
	return true;
}
