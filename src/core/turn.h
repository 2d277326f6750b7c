/* turn.h - when a loop looks at what has happened outside. */
#ifndef CORE_TURN_H
#define CORE_TURN_H

struct loop;

/* Take in events, mail and timers; sleeps only if nothing is ready. */
void ramet__turn(struct loop *l);

/* Called each l->until_look switches while ramets are ready: a turn if it is
 * time for one, or the mail alone. */
void ramet__turn_maybe(struct loop *l);

#endif
