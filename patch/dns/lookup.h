/* lookup.h - how every replacement of this group waits. */
#ifndef PATCH_DNS_LOOKUP_H
#define PATCH_DNS_LOOKUP_H

#include "patch/hook.h"
#include "task/lane.h"

/* Have c run by a helper.  Returns 0: it is back, to be read and freed; or
 * -errno, and c is gone: -ETIMEDOUT, -ECANCELED, -ENOMEM, -EAGAIN (no thread).
 * A point of cancellation; handlers of signals run, and do not end it. */
int ramet__lookup(struct loop *l, struct lane_call *c);

/* The same for what uses the caller's memory: nothing ends it. */
int ramet__lookup_firm(struct loop *l, struct lane_call *c);

/* Whether libc will not ask anybody. */
bool ramet__name_is_address(const char *name);

/* A copy at *place, which goes on behind it. */
char *ramet__lookup_copy(char **place, const char *text);

static inline size_t lookup_room(const char *text)
{
	return text ? __builtin_strlen(text) + 1 : 0;
}

#endif
