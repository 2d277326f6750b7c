/* request.h - what a supervisor is asked to do, from any loop. */
#ifndef TASK_ACTOR_REQUEST_H
#define TASK_ACTOR_REQUEST_H

#include "task/actor/actor.h"

enum what { REQUEST_ADD, REQUEST_REMOVE, REQUEST_CHILD };

/* Freed by who is last, the one who asks or the supervisor. */
struct request {
	uint32_t users; /* atomic */
	struct call call;
	struct request *next;
	struct ramet_actor *to; /* kept */
	enum what what;
	size_t index;
	struct ramet_actor *actor; /* asked for, or found; kept */
	struct ramet_child spec;   /* to be added */
	const void *site;
	char name[];
};

/* The oldest; there is one. */
struct request *ramet__request_take(struct ramet_actor *supervisor);

/* The result is 0, and r->actor the answer, or -errno. */
void ramet__request_end(struct request *r, long result);

void ramet__requests_refuse(struct ramet_actor *supervisor, int err);

/* There is one more. */
void ramet__supervisor_wake(struct ramet_actor *a);

#endif
