/* lookup.h - how every replacement of this group waits: for somebody else, who
 * does the asking.
 *
 * A signal or pthread_cancel ends the wait at any point, while the look-up
 *knows only scopes and cancel.  So what is asked belongs to whoever asks for
 *the thread, and goes on or is freed without it.
 *
 *	hook_begin(l);
 *	q = query_new(...);
 *	err = q ? ramet__lookup(l, &q->lookup) : -ENOMEM;
 *	hook_end(l, 0);
 */
#ifndef PATCH_DNS_LOOKUP_H
#define PATCH_DNS_LOOKUP_H

#include "patch/hook.h"
#include "task/lane.h"

/* By a ramet of its own, with the library's look-ups (net/names). */
struct lookup {
	/* The maker's: what that ramet calls, and how to free it. */
	void (*run)(struct loop *, struct lookup *);
	void (*free)(struct lookup *);
	/* The rest is ours. */
	struct ramet_waitq waiter;
	bool back, left;
};

/* Returns 0: it is back, to be read and freed; or -errno, and it is gone:
 * -ETIMEDOUT, -ECANCELED, -ENOMEM.  Between hook_begin and hook_end; handlers
 * of signals run, and do not end it. */
int ramet__lookup(struct loop *l, struct lookup *u);

/* Whether a look-up that returned these had no thread for its files, so that
 * libc must do it, in the loop. */
static inline bool lookup_is_libcs(int error, int err)
{
	return error == EAI_SYSTEM && err == -EAGAIN;
}

/* By a helper, with libc's own: also -EAGAIN (no thread). */
int ramet__lookup_libc(struct loop *l, struct lane_call *c);

/* The same for what uses the caller's memory: nothing ends it. */
int ramet__lookup_firm(struct loop *l, struct lane_call *c);

/* Whether nobody has to be asked. */
bool ramet__name_is_address(const char *name);

/* A copy at *place, which goes on behind it. */
char *ramet__lookup_copy(char **place, const char *text);

static inline size_t lookup_room(const char *text)
{
	return text ? __builtin_strlen(text) + 1 : 0;
}

#endif
