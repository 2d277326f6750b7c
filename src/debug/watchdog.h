/* watchdog.h - notices a loop that does not turn, and says why. */
#ifndef DEBUG_WATCHDOG_H
#define DEBUG_WATCHDOG_H

#include "core/core.h"

/* See that the watchdog is there and awake: l's ramets will run. */
void ramet__watchdog_mind(struct loop *l);

/* How many stalls there were; atomic. */
extern uint64_t ramet__stalls;

/* In the child of a fork, which has none. */
void ramet__watchdog_after_fork(void);

#endif
