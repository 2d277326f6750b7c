/* supervisor.h - how an actor and its supervisor reach each other. */
#ifndef TASK_ACTOR_SUPERVISOR_H
#define TASK_ACTOR_SUPERVISOR_H

#include "task/actor/actor.h"

/* What a supervisor knows of one child.  The child's home has it as long as the
 * child has a ramet; then it goes back, by mail if need be. */
struct care {
	struct supervisor *supervisor;
	struct ramet_actor *child; /* kept */
	struct care *next, **link; /* of those that have ended */
	size_t at;                 /* its place in the order of starting */
	bool runs;
	bool lost; /* its home has ended */
	struct mail mail;
	enum ramet_child_kind kind;
	int64_t shutdown;
};

/* At the child's home: its ramet has ended.  Returns false if it has nobody any
 * more who would start another. */
bool ramet__child_ended(struct loop *l, struct ramet_actor *child);

/* There is no home where it could be started again. */
void ramet__child_lost(struct loop *l, struct ramet_actor *child);

/* a's ramet has ended: if it was a supervisor, those who asked it for something
 * are told, and if it had no time to end its children they are killed. */
void ramet__supervisor_abandon(struct loop *l, struct ramet_actor *a);

/* Called when a supervisor gives up; NULL: not at all.  For the debug layer. */
struct give_up {
	const struct ramet_actor *supervisor, *child;
	unsigned restarts; /* were allowed */
	int64_t within;
};
extern void (*ramet__on_give_up)(const struct give_up *g);

#endif
