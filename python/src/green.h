/* green.h - greenlets: coroutines of Python on stacks of their own, each a
 * ramet while it lives.
 *
 * A greenlet runs until it switches to another one, by name (switch, throw) or
 * by waiting for something (wait_until).  Everything here is called with the
 * GIL held, and what is said to belong to a thread only by that thread.
 */
#ifndef GREEN_H
#define GREEN_H

#include "pystate.h"

#include <ramet/host.h>

struct thread;

enum phase { PHASE_NEW, PHASE_STARTED, PHASE_DEAD };

struct greenlet {
	PyObject_HEAD PyObject *dict, *weakrefs;
	struct thread
		*thread; /* where it was made, and runs; NULL: that is gone */
	struct greenlet *parent; /* owned; NULL: a main */
	PyObject *run;           /* owned; until it starts */
	enum phase phase;
	bool detached; /* suspended without the GIL: in foreign C code */
	bool is_hub;
	bool woken;          /* its wait has been ended by greenlet_wake */
	bool posted;         /* `call` is on its way to its loop */
	bool is_left;        /* in its thread's list `left` */
	struct ramet *ramet; /* while it is started */
	/* What its switch or wait is to return or raise: owned. */
	PyObject *value;   /* arguments of switch(): a tuple */
	PyObject *kwargs;  /* of the same; NULL if there are none */
	PyObject *pending; /* an exception */
	struct greenlet *next_left;
	struct ramet_host_call call; /* other threads wake it by this */
	struct pystate state;        /* while it is suspended */
};

extern PyTypeObject *greenlet_type;

#define greenlet_check(o) PyObject_TypeCheck(o, greenlet_type)

/* What an OS thread has: its loop, and who runs. */
struct thread {
	PyThreadState *ts;
	struct greenlet *main, *current; /* owned */
	struct greenlet *hub;            /* owned; NULL until needed */
	struct greenlet *left; /* owned: to be let go of, see greenlet_arrive */
	struct pylocals locals; /* of greenlets without their own */
	bool gave_gil;          /* the loop sleeps without it */
	bool closed;            /* the OS thread has ended */
	size_t users;           /* its greenlets, and itself */
	struct hub *hub_state;  /* hub.c's; NULL until needed */
	uint64_t switches;
};

extern __thread struct thread *this_thread
	__attribute__((tls_model("initial-exec")));

/* Make the calling thread's.  NULL with an exception. */
struct thread *thread_make(void);

/* The calling thread's, made at its first use.  NULL with an exception. */
static inline struct thread *thread_get(void)
{
	return this_thread ? this_thread : thread_make();
}

/* One user less. */
void thread_put(struct thread *t);

/* OS threads of the interpreter that are idle, and so will wake nobody. */
extern int thread_idle_workers;

/* Whether the greenlets of g's thread can run still. */
static inline bool greenlet_is_ours(const struct greenlet *g)
{
	return g->thread && g->thread == this_thread;
}

/* New greenlets have thread-local values of their own; those of the past keep
 * what they have. */
extern bool greenlet_own_locals;

/* Bytes of stack of new greenlets. */
extern size_t greenlet_stack_size;

/* ---- switching by name (transfer.c) -------------------------------------- */

/* Switch to `to`, which returns `value` (a tuple) and kwargs from its own
 * switch, or raises `exc` there; takes all three.  Returns what whoever
 * switches back passes, or NULL with an exception. */
PyObject *greenlet_transfer(struct greenlet *to, PyObject *value,
			    PyObject *kwargs, PyObject *exc);

/* Give a greenlet that has not started a ramet: it starts when that is woken,
 * by calling its run with g->value and g->kwargs.  Returns 0, or -1 with an
 * exception. */
int greenlet_begin(struct greenlet *g);

/* First thing after anything that may have run others. */
void greenlet_arrive(struct thread *t);

/* The current greenlet stops being that. */
void greenlet_depart(struct thread *t);

/* The one that an OS thread begins with.  NULL with an exception. */
struct greenlet *greenlet_new_main(struct thread *t);

/* ---- waiting (wait.c) ---------------------------------------------------- */

/* Block the calling greenlet until greenlet_wake, at most until `when` in ns of
 * ramet_now (RAMET_NEVER: no limit).  `what` is what tools say it waits for: "a
 * queue's item".  In the hub it raises instead: callbacks must not block.
 * Returns 1 when woken, 0 when the time is over, -1 with an exception: it was
 * thrown one, or nothing can ever wake it (LoopExit).  It may have been woken,
 * too, before -1: what it was given is passed on by whoever asked. */
int greenlet_wait(const char *what, int64_t when);

/* End g's greenlet_wait.  From any thread.  `g` may have been thrown an
 * exception meanwhile: then this does nothing. */
void greenlet_wake(struct greenlet *g);

/* Raise `exc`, an instance, in g at once or, if it is not waiting, at its next
 * wait; start it if it has not.  Does not block.  From g's thread. */
int greenlet_throw_later(struct greenlet *g, PyObject *exc);

/* The time limit of a Python call: None or a number of seconds, as a point in
 * time.  Returns 0, or -1 with an exception. */
int greenlet_deadline(PyObject *seconds, int64_t *when);

/* ---- exceptions (exception.c) -------------------------------------------- */

/* The exception that is set, normalised and with its traceback; a new
 * reference, none is set any more. */
PyObject *exception_take(void);

/* Set it; takes the reference. */
void exception_raise(PyObject *exc);

/* The instance that throw(type, value, traceback) means: a new reference, or
 * NULL with an exception.  value and traceback may be NULL. */
PyObject *exception_make(PyObject *type, PyObject *value, PyObject *traceback);

/* ramet.exceptions and greenlet's: owned by the module. */
extern PyObject *exc_greenlet_exit, *exc_greenlet_error, *exc_loop_exit,
	*exc_blocking_switch_out, *exc_invalid_switch, *exc_invalid_thread_use;

/* ---- the hub (hub.c) ----------------------------------------------------- */

/* The calling thread's hub; borrowed.  NULL with an exception. */
struct greenlet *hub_get(struct thread *t);

/* What runs in the hub, one after the other, in the order of hub_call. Embedded
 * in whatever it is for, which keeps itself alive until then. */
struct hub_call {
	struct hub_call *next;
	void (*fn)(struct hub_call *);
	bool queued;
};

/* Call call->fn(call) in the hub soon.  Does nothing if it is queued.  Returns
 * 0, or -1 with an exception.  For the hub's own thread. */
int hub_call(struct thread *t, struct hub_call *call);

/* LoopExit, with the hub as one of its arguments, is set. */
void hub_set_loop_exit(struct thread *t);

/* The thread ends. */
void hub_close(struct thread *t);

/* Take it back. */
void hub_uncall(struct thread *t, struct hub_call *call);

/* A point in time at which the hub calls fn. */
struct hub_timer {
	int64_t when;
	size_t place; /* in the heap, from 1; 0: it is not there */
	void (*fn)(struct hub_timer *);
};

int hub_timer_start(struct thread *t, struct hub_timer *timer, int64_t when);
void hub_timer_stop(struct thread *t, struct hub_timer *timer);

/* The error of something that runs for nobody: hub.handle_error(context, *exc);
 * takes the exception that is set.  Never fails. */
void hub_handle_error(PyObject *context);

/* ---- types, each added to the module by the file that has it --------------
 */

int greenlet_ready(PyObject *module);
int thread_ready(PyObject *module);
int exception_ready(PyObject *module);
int hub_ready(PyObject *module);
int spawned_ready(PyObject *module);

#endif
