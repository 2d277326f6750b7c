/* hub.h - what the parts of the hub share: its calls (hub_calls.c), timers
 * (hub_timer.c) and watchers (loop.c and watcher*.c). */
#ifndef HUB_H
#define HUB_H

#include "green.h"

struct watcher;

/* Those that are called at each turn of the hub. */
enum turn { TURN_PREPARE, TURN_CHECK, TURN_IDLE, TURN_FORK, TURNS };

struct hub {
	struct hub_call *calls, **calls_end;
	struct hub_call *now;      /* those whose turn it is */
	struct hub_timer **timers; /* a heap, from 1: the earliest first */
	size_t timer_count, timer_room;
	size_t timer_refs; /* how many of them keep the loop alive */
	long refs;         /* watchers that do, and loop.ref() */
	size_t pollers;    /* ramets that wait for descriptors for watchers */
	bool joined;       /* main waits for the loop to have nothing to do */
	struct watcher *turns[TURNS];
	PyObject *loop; /* owned */
	uint64_t iteration;
};

/* The calling thread's, made with its hub.  NULL with an exception. */
static inline struct hub *hub_state(struct thread *t)
{
	return hub_get(t) ? t->hub_state : NULL;
}

/* Whether nothing that counts can happen any more. */
bool hub_is_stuck(struct thread *t);

/* The class of new hubs: _core.Hub or what ramet.hub makes of it. */
extern PyObject *hub_class;

/* Call what is to be called; what is to be so meanwhile is for the next turn.
 */
void hub_run_calls(struct hub *h);

/* Call the timers that are due. */
void hub_run_timers(struct thread *t, struct hub *h);

/* Call the watchers of a turn. */
void watchers_turn(struct hub *h, enum turn turn);

/* hub.join(). */
PyObject *hub_join(PyObject *self, PyObject *args, PyObject *kwargs);

/* A loop object for t's hub. */
PyObject *loop_new(struct thread *t);

#endif
