/* future.h - a future, as select sees it. */
#ifndef SYNC_FUTURE_H
#define SYNC_FUTURE_H

#include "sync/claim.h"

struct ramet_future;

bool ramet__future_settled(const struct ramet_future *f);

/* Queue p unless it is settled.  Returns whether. */
bool ramet__future_queue(struct ramet_future *f, struct place *p);

#endif
