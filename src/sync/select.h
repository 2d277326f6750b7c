/* select.h - one call of ramet_select, for its files. */
#ifndef SYNC_SELECT_H
#define SYNC_SELECT_H

#include "io/poll.h"
#include "sync/chan.h"
#include "sync/future.h"
#include "sync/queue.h"

enum { SELECT_CASES = 256, SELECT_FEW = 8 };

struct selection {
	struct loop *loop;
	struct ramet_case *cases;
	int count, otherwise; /* the default's index, -1 if there is none */
	bool timed;           /* there are deadlines: */
	int64_t when;         /* the first of them */
	bool shared;          /* others may complete a case at any time */
	int set;              /* an event that was set while it waited, or -1 */
	struct place *places;
	struct claim claim;
	struct joiner joiner;

	/* select_fd.c's: one for each case, of whatever kind. */
	int fd_count;
	struct pollfd *fds;
	struct poll_place *fd_places;
	struct poll_wait poll;
	bool looked;  /* at the descriptors, since the last wait */
	int fd_error; /* why that could not be done, or 0 */
};

/* A waiter's result until it has another. */
enum { SELECT_EVENT_QUEUED = 1 << 20 };

/* ---- select_case.c ------------------------------------------------------ */

/* Look at the cases.  0 if all is well, and there is something to choose. */
int ramet__select_read(struct selection *s);

/* Do case i if that can be done now.  Returns its result, or -EAGAIN. */
int ramet__select_try(struct selection *s, int i);

/* Queue where case i is waited for.  Returns false if it has become ready. */
bool ramet__select_queue(struct selection *s, int i);

/* ---- select_fd.c -------------------------------------------------------- */

/* Call choose(s) with room for descriptors.  Returns what it does, or -ENOMEM.
 */
int ramet__select_with_fds(struct selection *s,
			   int (*choose)(struct selection *));

/* The result of case i, or -EAGAIN. */
int ramet__select_fd(struct selection *s, int i);

/* After a wait. */
void ramet__select_leave_fds(struct selection *s);

#endif
