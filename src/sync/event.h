/* event.h - events, for those who wait for more than one thing. */
#ifndef SYNC_EVENT_H
#define SYNC_EVENT_H

#include "sync/outside.h"
#include "sync/sync.h"

/* To be called before anyone looks at e->on or queues in e->waiters: the event
 * is the loop's, and what was set from outside so far is seen.  Returns whether
 * it is on, or -EPERM.  A wait that queues is ended with 0 when it is set. */
int ramet__event_use(struct loop *l, struct ramet_event *e);

#endif
