/* owners.h - ramets by the number as which they own locks: sync/lot.h. */
#ifndef DEBUG_OWNERS_H
#define DEBUG_OWNERS_H

#include "core/core.h"

/* The ramet of loop l with that number; NULL: there is none.  Between two calls
 * of ramet__owners_forget no ramet may come or go. */
struct ramet *ramet__owner(struct loop *l, uint32_t number);

/* At the start of each report of the calling OS thread, and at its end. */
void ramet__owners_forget(void);

#endif
