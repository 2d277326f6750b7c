/* child.h - waiting for a child process without reaping it. */
#ifndef TASK_CHILD_H
#define TASK_CHILD_H

#include <sys/wait.h>

#include "core/core.h"

/* Children may be traced by this process: then each stop of theirs ends a wait,
 * whatever the options, and a pidfd does not tell. */
extern bool ramet__children_traced;

/* Wait until a waitid(2) with these arguments, WNOHANG left out, may find
 * something: the caller looks for himself, for another may have been quicker.
 * Returns 0, -EINTR, -ETIMEDOUT, -ECANCELED, -ENOMEM, -EAGAIN (no thread). */
int ramet__child_wait(struct loop *l, idtype_t type, id_t id, int options);

/* In the child of a fork: the children were the parent's. */
void ramet__children_after_fork(struct loop *l);

#endif
