/* children.h - a supervisor's children, in the order of starting. */
#ifndef TASK_ACTOR_CHILDREN_H
#define TASK_ACTOR_CHILDREN_H

#include "task/actor/supervisor.h"

/* Places of children that have gone are empty until they are many. */
struct children {
	struct care **place;
	size_t end, room, empty;
};

/* Returns 0 or -ENOMEM. */
int ramet__children_add(struct children *c, struct care *care);
void ramet__children_remove(struct children *c, const struct care *care);

/* The i-th of those there are; NULL. */
struct care *ramet__children_at(struct children *c, size_t i);

/* The care of an actor; NULL: it is none of them. */
struct care *ramet__children_find(const struct children *c,
				  const struct ramet_actor *a);

/* ---- restarts, not too many in a time ----------------------------------- */

/* When they were, oldest first, in a ring. */
struct restarts {
	int64_t *times;
	size_t first, count, room;
};

/* Count one more, now.  Returns whether there were more than `most` within that
 * time. */
bool ramet__restarts_count(struct restarts *r, int64_t now, unsigned most,
			   int64_t within);

#endif
