/* switch.h - leaving one ramet and arriving at another, on both sides of the
 * jump. */
#ifndef CORE_SWITCH_H
#define CORE_SWITCH_H

#include "core/record.h"

/* The next to run, however long it takes until there is one. */
struct ramet *ramet__next(struct loop *l);

/* What only some ramets need: a floating point environment, thread-local
 * storage or a host's state of their own, or a look at the canary that guards
 * the stack. */
void ramet__leave_slowly(struct ramet *from, struct ramet *to);

/* arrive and depart are part of the switch: TSan counts entries and exits of
 * functions per stack, so it must not happen inside a function of its own. */
#define SWITCHING static inline __attribute__((always_inline)) void

/* First thing on any stack that is switched to. */
SWITCHING arrive(struct loop *l, void *fake)
{
	sanitizer_arrive(fake, &l->left->cold->sanitizer);
	if (unlikely(l->zombie != NULL)) {
		struct ramet *t = l->zombie;

		l->zombie = NULL;
		ramet__release(t);
	}
}

SWITCHING depart(struct loop *l, struct ramet *from, struct ramet *to,
		 void **fake)
{
	if (unlikely((from->flags | to->flags) &
		     (FLAG_FENV | FLAG_CANARY | FLAG_TLS | FLAG_GUEST)))
		ramet__leave_slowly(from, to);
	record_switch(l, from, to);
	l->left = from;
	l->current = to;
	l->stats.switches++;
	if (unlikely(++to->switches == 0))
		to->cold->switches_high++;
	to->state = STATE_RUNNING;
	sanitizer_leave(fake, &to->cold->sanitizer);
}

#endif
