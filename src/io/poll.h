/* poll.h - wait for several descriptors at once. */
#ifndef IO_POLL_H
#define IO_POLL_H

#include "io/fd.h"

/* After a look at fds, as poll(2) at once, that has found nothing: wait until
 * another look may find something, at most until `when` by the clock
 * (RAMET_NEVER).  A caller who `takes` what it finds passes the wake-up on, by
 * ramet__fd_wake_next, when it has found something; those that only look are
 * all woken. Returns 0 (look again), 1 (look once more: it is `when`), or
 * -errno: -EBADF (one of the numbers means something else now), -ENOMEM,
 * -EINTR, -ETIMEDOUT (the scope's end), -ECANCELED. */
struct poll_wait {
	const struct pollfd *fds;
	size_t count;
	bool takes;
	unsigned vain; /* 0 at first: how often in a row it was for nothing */
	bool rested; /* false at first: that has made it wait, without events */
	int64_t start; /* of this wait */
};

int ramet__poll_wait(struct loop *l, struct poll_wait *w, int64_t when);

/* The same by parts, for a caller that also waits for other things: begin, park
 * until *until, which is made less if it has to be, then end.  A place for each
 * descriptor. */
struct poll_place {
	struct ramet_waiter in, out;
	uint32_t generation; /* of the number when the wait began; or 0 */
};

/* Returns 0, or -ENOMEM; end is to be called in any case. */
int ramet__poll_begin(struct loop *l, struct poll_wait *w,
		      struct poll_place *places, int64_t *until);

/* Whether `number` means something else than when the wait began. */
bool ramet__poll_closed(int number, const struct poll_place *place);

/* Returns whether any number does. */
bool ramet__poll_end(struct loop *l, struct poll_wait *w,
		     struct poll_place *places);

#endif
