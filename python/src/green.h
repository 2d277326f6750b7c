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
struct local_entry;

enum phase { PHASE_NEW, PHASE_STARTED, PHASE_DEAD };

/* Its first members are what users of the C API know (capsule.c). */
struct greenlet {
	PyObject_HEAD PyObject *weakrefs, *dict;
	struct thread *thread;   /* where it was made, and runs */
	struct greenlet *parent; /* owned; NULL: a main */
	PyObject *run;           /* owned; until it starts */
	enum phase phase;
	bool detached; /* suspended without the GIL: in foreign C code */
	bool is_hub;
	bool woken;          /* its wait has been ended by greenlet_wake */
	bool posted;         /* `call` is on its way to its loop */
	bool is_left;        /* in its thread's list `left` */
	bool entered;        /* it has run; before that `value` is a tuple */
	bool refused;        /* a wait, because its thread ends */
	struct ramet *ramet; /* while it is started */
	/* What its switch or wait is to return or raise: owned. */
	PyObject *value;   /* what switch() returns; its run's arguments */
	PyObject *kwargs;  /* of its run; NULL if there are none */
	PyObject *pending; /* an exception */
	PyObject *later;   /* a list of those to come after it; NULL: none */
	/* What it does instead of calling its run; it takes `pending` itself.
	 */
	void (*body)(struct greenlet *);
	struct local_entry *locals;  /* local.c's: its own values */
	const struct origin *origin; /* where it was spawned; NULL: not known */
	struct greenlet *next_left;
	struct greenlet *next, **link; /* of those of its thread with a ramet */
	struct ramet_host_call call;   /* other threads wake it by this */
	struct pystate state;          /* while it is suspended */
};

extern PyTypeObject *greenlet_type;

#define greenlet_check(o) PyObject_TypeCheck(o, greenlet_type)

/* What an OS thread has: its loop, and who runs. */
struct thread {
	PyThreadState *ts;
	struct greenlet *main, *current; /* owned */
	struct greenlet *hub;            /* owned; NULL until needed */
	struct greenlet *left; /* owned: to be let go of, see greenlet_arrive */
	struct greenlet *started; /* all that have a ramet, newest first */
	struct greenlet *origin;  /* owned: who ran before, for the tracer */
	PyObject *tracer;         /* owned: greenlet.settrace's; or NULL */
	struct pylocals locals;   /* of greenlets without their own */
	bool gave_gil;            /* the loop sleeps without it */
	bool has_gil;             /* known of who is about to wait */
	bool closing;             /* its greenlets are being ended */
	bool closed;              /* the OS thread has ended */
	struct thread *next;      /* all of them */
	size_t users;             /* its greenlets, and itself */
	size_t mails; /* what other threads have sent and it not received */
	struct hub *hub_state; /* hub.c's; NULL until needed */
	uint64_t switches;
	/* For the watchdog, which reads them without the GIL: when the hub's
	 * first timer is due, and how many Timeouts are armed. */
	int64_t hub_due;
	size_t timeouts;
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

/* How many OS threads have one. */
size_t thread_count(void);

/* One user less. */
void thread_put(struct thread *t);

/* OS threads of the interpreter that are idle, and so will wake nobody. */
extern int thread_idle_workers;

/* Whether g belongs to the calling thread, and can run still. */
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

/* The same with `value` as it is to be returned; takes it. */
PyObject *greenlet_send(struct greenlet *to, PyObject *value);

/* What a greenlet has been told and has not seen yet, while it runs code that
 * may wait in between. */
struct greenlet_mail {
	PyObject *value, *kwargs, *pending;
	bool woken;
};

static inline struct greenlet_mail greenlet_set_aside(struct greenlet *g)
{
	struct greenlet_mail m = {g->value, g->kwargs, g->pending, g->woken};

	g->value = g->kwargs = g->pending = NULL;
	return m;
}

static inline void greenlet_take_back(struct greenlet *g,
				      struct greenlet_mail m)
{
	g->woken |= m.woken;
	if (m.value)
		Py_XSETREF(g->value, m.value);
	if (m.kwargs)
		Py_XSETREF(g->kwargs, m.kwargs);
	if (m.pending)
		Py_XSETREF(g->pending, m.pending);
}

/* One that is suspended ends, by GreenletExit; it comes back to the caller. */
void greenlet_kill(struct greenlet *g);

/* greenlet.throw. */
PyObject *greenlet_throw(struct greenlet *g, PyObject *type, PyObject *value,
			 PyObject *traceback);

/* Returns 0, or -1 with an exception. */
int greenlet_set_parent(struct greenlet *g, struct greenlet *parent);

/* Whether it has begun and stands still, and can go on. */
bool greenlet_is_suspended(const struct greenlet *g);

/* Where it runs: one that has not begun does so where its parent is. */
struct thread *greenlet_home(const struct greenlet *g);

/* It runs in t from now on. */
void greenlet_move(struct greenlet *g, struct thread *t);

/* Give a greenlet that has not started a ramet: it starts when that is woken,
 * by calling its run with g->value and g->kwargs.  Tools call it by the name of
 * `function`, or if that is NULL of its type.  Returns 0, or -1 with an
 * exception. */
int greenlet_begin(struct greenlet *g, PyObject *function);

/* First thing after anything that may have run others. */
void greenlet_settle(struct thread *t);
static inline void greenlet_arrive(struct thread *t)
{
	if (t->left || t->origin)
		greenlet_settle(t);
}

/* The functions that let others run, for callers who have the GIL: on_switch
 * need not ask, which costs as much as a tenth of a switch. */
#define GREENLET_AWAY(t, call)                                                 \
	({                                                                     \
		int end_;                                                      \
		(t)->has_gil = true;                                           \
		end_ = (call);                                                 \
		(t)->has_gil = false;                                          \
		end_;                                                          \
	})

/* The current greenlet stops being that. */
void greenlet_depart(struct thread *t);

/* One of the type greenlet or derived, as its __new__ makes it.  NULL with an
 * exception. */
struct greenlet *greenlet_new(PyTypeObject *type);

/* For the tp_dealloc of derived types, first of all: whether the object lives
 * on, because what it does at its end has made a reference to it. */
bool greenlet_survives(PyObject *self);

/* Let go of a reference to g in its own thread, at its next switch.  From any
 * thread. */
void greenlet_let_go(struct thread *t, struct greenlet *g);

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

/* The same for a lock that one greenlet holds, whom *holder tells, and tools to
 * others: a number of ramet_host_self, 0 where nobody knows. */
int greenlet_wait_lock(const void *lock, const uint32_t *holder, int64_t when);

/* The same for the end of g, which wakes the caller. */
int greenlet_wait_end(const struct greenlet *g, int64_t when);

/* End g's greenlet_wait.  From any thread.  `g` may have been thrown an
 * exception meanwhile: then this does nothing. */
void greenlet_wake(struct greenlet *g);

/* Raise `exc`, an instance, in g at once or, if it is not waiting, at its next
 * wait; start it if it has not.  Several are raised one after the other.  Does
 * not block.  From g's thread. */
int greenlet_throw_later(struct greenlet *g, PyObject *exc);

/* Around a function of libramet's that blocks the caller (ramet_recv): first
 * whether it may be called, 0 or -1 with an exception; then what its errno, 0
 * if it did not fail, means: -1 with an exception, 1: call it again, 0: what it
 * says. */
int greenlet_enter(struct thread *t);
int greenlet_leave(struct thread *t, const char *what, int err);

/* Whether the caller may block: 0, or -1 with an exception, in the hub and
 * where the thread ends.  Before it is put into any list by which others would
 * find it: who does not heed the exception never comes back from here. */
int greenlet_may_wait(struct thread *t);

/* The same from any thread of Python. */
int greenlet_throw_any(struct greenlet *g, PyObject *exc);

/* Raise what was thrown into `me`, the caller: returns -1, or 0 if nothing was.
 */
int greenlet_raise(struct greenlet *me);

/* Raise `exc` in g, which runs or is suspended in foreign C code, at its next
 * bytecode, unless g->pending is raised before that.  From g's thread.  Returns
 * 0, or -1 with an exception. */
int greenlet_raise_soon(struct greenlet *g, PyObject *exc);

/* End whatever g, which is not waiting in greenlet_wait, waits for: something
 * is pending for it. */
void greenlet_break_off(struct greenlet *g);

/* Who is about to go on in foreign C code has something pending. */
void greenlet_remind(void);

/* The caller, g, raises what is pending: not once more. */
void greenlet_raised(struct greenlet *g);

/* The time limit of a Python call: None or a number of seconds, as a point in
 * time.  Returns 0, or -1 with an exception. */
int greenlet_deadline(PyObject *seconds, int64_t *when);

/* ---- reports (frames.c, label.c) ----------------------------------------- */

/* As describe of struct ramet_host: allocates nothing, takes no lock, and looks
 * at references without counting them. */
void greenlet_describe(void *greenlet,
		       void (*put)(void *arg, const char *function,
				   const char *file, int line),
		       void *arg);

/* The same of where it was spawned: the function outside of the package. */
void greenlet_describe_spawn(void *greenlet,
			     void (*put)(void *arg, const char *function,
					 const char *file, int line),
			     void *arg);

/* The folder that the package is in, with a slash; "": not known. */
extern char greenlet_package[];

/* A string's UTF-8, or what fits of it; "?" for what is none.  Allocates
 * nothing. */
const char *greenlet_text(PyObject *string, char *text, size_t size);

/* What tools call g, which has a ramet: as its attribute `name` says, or after
 * what it runs.  Never fails. */
void greenlet_name(struct greenlet *g, PyObject *function);

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
	*exc_blocking_switch_out, *exc_invalid_switch, *exc_invalid_thread_use,
	*exc_concurrent_use, *exc_hub_destroyed;

/* ---- time limits (timeout.c) --------------------------------------------- */

/* Raise Timeout(seconds); NULL: none.  Returns NULL. */
PyObject *timeout_raise(PyObject *seconds);

/* Whether o is a Timeout: its seconds, borrowed, and when it is due, -1 if it
 * is not started. */
bool timeout_as_limit(PyObject *o, PyObject **seconds, int64_t *when);

/* t, which is the caller's, begins, or ends. */
void watchdog_watch(struct thread *t, bool on);

/* ---- the hub (hub*.c) ---------------------------------------------------- */

/* The calling thread's hub; borrowed.  NULL with an exception. */
struct greenlet *hub_get(struct thread *t);

/* What runs in the hub, one after the other, in the order of hub_call. Embedded
 * in whatever it is for, which keeps itself alive until then. */
struct hub_call {
	struct hub_call *next;
	void (*fn)(struct hub_call *);
	bool queued;
};

/* Call call->fn(call) in t's hub soon.  Does nothing if it is queued.  Returns
 * 0, or -1 with an exception.  From any thread of Python. */
int hub_call(struct thread *t, struct hub_call *call);

/* What hub_call has sent from another thread has come: without running any
 * code.  t has had a hub. */
void hub_take_in(struct thread *t, struct hub_call *call);

/* LoopExit, with the hub as one of its arguments, is set. */
void hub_set_loop_exit(struct thread *t);

/* The thread has ended (t->closed): what is to be called is called a last time,
 * to let go of what it is for, and nothing else. */
void hub_close(struct thread *t);

/* Take it back, in the hub's own thread. */
void hub_uncall(struct thread *t, struct hub_call *call);

/* A point in time at which the hub calls fn. */
struct hub_timer {
	int64_t when;
	size_t place; /* in the heap, from 1; 0: it is not there */
	bool unref;   /* it does not keep the loop alive */
	bool lent;    /* there is nothing that it holds when its thread ends */
	void (*fn)(struct hub_timer *);
};

int hub_timer_start(struct thread *t, struct hub_timer *timer, int64_t when);
void hub_timer_stop(struct thread *t, struct hub_timer *timer);

/* The error of something that runs for nobody: hub.handle_error(context, *exc);
 * takes the exception that is set.  Never fails. */
void hub_handle_error(PyObject *context);

/* ---- values of local objects (local.c) ----------------------------------- */

/* g has ended: let go of what local objects hold for it. */
void local_forget(struct greenlet *g);

/* ---- types, each added to the module by the file that has it --------------
 */

int greenlet_ready(PyObject *module);
int frames_ready(PyObject *module);
int label_ready(PyObject *module);
int metrics_ready(PyObject *module);
int capsule_ready(PyObject *module);
int chunks_ready(PyObject *module);
int thread_ready(PyObject *module);
int exception_ready(PyObject *module);
int hub_ready(PyObject *module);
int hub_functions_ready(PyObject *module);
int patch_ready(PyObject *module);
int native_rlock_ready(PyObject *module);
int native_file_ready(PyObject *module);
int signal_fd_ready(PyObject *module);
int loop_ready(PyObject *module);
int watcher_ready(PyObject *module);
int watcher_turns_ready(PyObject *module);
int watcher_async_ready(PyObject *module);
int watcher_io_ready(PyObject *module);
int watcher_signal_ready(PyObject *module);
int watcher_timer_ready(PyObject *module);
int waiter_ready(PyObject *module);
int spawned_ready(PyObject *module);
int linkable_ready(PyObject *module);
int event_ready(PyObject *module);
int result_ready(PyObject *module);
int semaphore_ready(PyObject *module);
int rlock_ready(PyObject *module);
int queue_ready(PyObject *module);
int channel_ready(PyObject *module);
int local_ready(PyObject *module);
int timeout_ready(PyObject *module);

/* o.NAME.  The name's object is kept: the interpreter remembers look-ups by the
 * name's address, and one made for each call would drive all others out.  NULL
 * with an exception. */
#define GET_ATTRIBUTE(o, text)                                                 \
	__extension__({                                                        \
		static PyObject *name_;                                        \
		get_attribute(o, &name_, text);                                \
	})

static inline PyObject *get_attribute(PyObject *o, PyObject **name,
				      const char *text)
{
	if (!*name && !(*name = PyUnicode_InternFromString(text)))
		return NULL;
	return PyObject_GetAttr(o, *name);
}

/* o.NAME(...), likewise; the arguments are objects, and NULL after the last. */
#define CALL_METHOD(o, text, ...)                                              \
	__extension__({                                                        \
		static PyObject *name_;                                        \
		if (!name_)                                                    \
			name_ = PyUnicode_InternFromString(text);              \
		name_ ? PyObject_CallMethodObjArgs(o, name_, __VA_ARGS__)      \
		      : NULL;                                                  \
	})

#endif
