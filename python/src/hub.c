/* hub.c - the greenlet in which an OS thread's callbacks run: what was called
 * soon, and what was called for a time. */
#include "green.h"

#include <errno.h>

struct hub {
	struct hub_call *calls, **calls_end;
	struct hub_timer **timers; /* a heap, from 1: the earliest first */
	size_t timer_count, timer_room;
};

/* The class of new hubs: _core.Hub or what ramet.hub makes of it. */
static PyObject *hub_class;

/* ---- calls
 * --------------------------------------------------------------------- */

static void run_calls(struct hub *h)
{
	struct hub_call *last = NULL, *call;

	/* What is called meanwhile is for the next turn. */
	if (h->calls)
		last = (struct hub_call *)((char *)h->calls_end -
					   offsetof(struct hub_call, next));
	while ((call = h->calls)) {
		h->calls = call->next;
		if (!h->calls)
			h->calls_end = &h->calls;
		call->queued = false;
		call->fn(call);
		if (call == last)
			break;
	}
}

int hub_call(struct thread *t, struct hub_call *call)
{
	struct greenlet *hub = hub_get(t);
	struct hub *h = t->hub_state;

	if (!hub)
		return -1;
	if (call->queued)
		return 0;
	call->queued = true;
	call->next = NULL;
	*h->calls_end = call;
	h->calls_end = &call->next;
	ramet_host_wake(hub->ramet);
	return 0;
}

void hub_uncall(struct thread *t, struct hub_call *call)
{
	struct hub *h = t->hub_state;
	struct hub_call **link = &h->calls;

	if (!call->queued)
		return;
	while (*link != call)
		link = &(*link)->next;
	*link = call->next;
	if (!call->next)
		h->calls_end = link;
	call->queued = false;
}

/* ---- timers: a binary heap
 * ------------------------------------------------------- */

static void put(struct hub *h, size_t place, struct hub_timer *timer)
{
	h->timers[place] = timer;
	timer->place = place;
}

static void rise(struct hub *h, size_t i)
{
	struct hub_timer *timer = h->timers[i];

	for (; i > 1 && h->timers[i / 2]->when > timer->when; i /= 2)
		put(h, i, h->timers[i / 2]);
	put(h, i, timer);
}

static void sink(struct hub *h, size_t i)
{
	struct hub_timer *timer = h->timers[i];

	for (size_t child = 2 * i; child <= h->timer_count; child = 2 * i) {
		if (child < h->timer_count &&
		    h->timers[child + 1]->when < h->timers[child]->when)
			child++;
		if (h->timers[child]->when >= timer->when)
			break;
		put(h, i, h->timers[child]);
		i = child;
	}
	put(h, i, timer);
}

static int make_room(struct hub *h)
{
	size_t room = h->timer_room ? 2 * h->timer_room : 64;
	struct hub_timer **more;

	if (h->timer_count + 1 < h->timer_room)
		return 0;
	more = PyMem_Realloc(h->timers, room * sizeof *more);
	if (!more) {
		PyErr_NoMemory();
		return -1;
	}
	h->timers = more;
	h->timer_room = room;
	return 0;
}

int hub_timer_start(struct thread *t, struct hub_timer *timer, int64_t when)
{
	struct greenlet *hub = hub_get(t);
	struct hub *h = t->hub_state;

	if (!hub || make_room(h) < 0)
		return -1;
	hub_timer_stop(t, timer);
	timer->when = when;
	put(h, ++h->timer_count, timer);
	rise(h, timer->place);
	if (timer->place == 1)
		ramet_host_wake(hub->ramet); /* it waits for a later one */
	return 0;
}

void hub_timer_stop(struct thread *t, struct hub_timer *timer)
{
	struct hub *h = t->hub_state;
	size_t place = timer->place;
	struct hub_timer *last;

	if (!place)
		return;
	timer->place = 0;
	last = h->timers[h->timer_count--];
	if (last == timer)
		return;
	put(h, place, last);
	rise(h, place);
	sink(h, last->place);
}

static void run_timers(struct thread *t, struct hub *h)
{
	size_t most = h->timer_count; /* some may be started again at once */
	int64_t now;

	if (!most)
		return;
	now = ramet_now();
	while (most-- && h->timer_count && h->timers[1]->when <= now) {
		struct hub_timer *timer = h->timers[1];

		hub_timer_stop(t, timer);
		timer->fn(timer);
	}
}

/* ---- the hub
 * ------------------------------------------------------------------------ */

static void park(struct thread *t, struct hub *h)
{
	int64_t when = h->timer_count ? h->timers[1]->when : RAMET_NEVER;

	ramet_host_park("callbacks", when);
	greenlet_arrive(t);
}

/* Nobody asks it to end. */
static PyObject *run(PyObject *self, PyObject *unused)
{
	struct greenlet *me = (struct greenlet *)self;
	struct thread *t = me->thread;
	struct hub *h = t->hub_state;

	(void)unused;
	for (;;) {
		run_timers(t, h);
		run_calls(h);
		if (!h->calls)
			park(t, h);
		else
			ramet_yield();
		if (me->pending) {
			exception_raise(me->pending);
			me->pending = NULL;
			return NULL;
		}
	}
}

static struct greenlet *make(struct thread *t)
{
	struct greenlet *hub;

	if (!t->hub_state)
		t->hub_state = PyMem_Calloc(1, sizeof *t->hub_state);
	if (!t->hub_state) {
		PyErr_NoMemory();
		return NULL;
	}
	if (!t->hub_state->calls_end)
		t->hub_state->calls_end = &t->hub_state->calls;
	hub = (struct greenlet *)PyObject_CallNoArgs(hub_class);
	if (!hub)
		return NULL;
	Py_INCREF(t->main);
	Py_XSETREF(hub->parent, t->main);
	hub->is_hub = true;
	if (greenlet_begin(hub) < 0) {
		Py_DECREF(hub);
		return NULL;
	}
	ramet_host_wake(hub->ramet);
	t->hub = hub;
	return hub;
}

struct greenlet *hub_get(struct thread *t)
{
	return t->hub ? t->hub : make(t);
}

void hub_close(struct thread *t)
{
	if (t->hub_state)
		PyMem_Free(t->hub_state->timers);
	PyMem_Free(t->hub_state);
	t->hub_state = NULL;
}

void hub_set_loop_exit(struct thread *t)
{
	PyObject *hub = (PyObject *)hub_get(t);
	PyObject *args;

	if (!hub)
		return;
	args = Py_BuildValue("(sO)", "This operation would block forever", hub);
	if (args)
		PyErr_SetObject(exc_loop_exit, args);
	Py_XDECREF(args);
}

/* The exception that is set as three arguments. */
static PyObject *handler_arguments(PyObject *context, PyObject *exc)
{
	PyObject *traceback = PyException_GetTraceback(exc);
	PyObject *args =
		Py_BuildValue("(OOOO)", context, (PyObject *)Py_TYPE(exc), exc,
			      traceback ? traceback : Py_None);

	Py_XDECREF(traceback);
	return args;
}

void hub_handle_error(PyObject *context)
{
	PyObject *exc = exception_take();
	PyObject *hub = (PyObject *)hub_get(this_thread);
	PyObject *handle =
		hub ? PyObject_GetAttrString(hub, "handle_error") : NULL;
	PyObject *args = handle ? handler_arguments(context, exc) : NULL;
	PyObject *result = args ? PyObject_Call(handle, args, NULL) : NULL;

	if (!result)
		PyErr_WriteUnraisable(context);
	Py_XDECREF(result);
	Py_XDECREF(args);
	Py_XDECREF(handle);
	Py_DECREF(exc);
}

/* ---- Python's view
 * -------------------------------------------------------------------- */

static PyObject *handle_error(PyObject *self, PyObject *args)
{
	PyObject *context, *type, *value, *traceback;

	(void)self;
	if (!PyArg_ParseTuple(args, "OOOO", &context, &type, &value,
			      &traceback))
		return NULL;
	PyErr_Restore(Py_NewRef(type), Py_NewRef(value),
		      traceback == Py_None ? NULL : Py_NewRef(traceback));
	PyErr_WriteUnraisable(context);
	Py_RETURN_NONE;
}

static PyObject *switch_to_hub(PyObject *self, PyObject *unused)
{
	(void)unused;
	return greenlet_transfer((struct greenlet *)self, NULL, NULL, NULL);
}

static PyObject *get_hub(PyObject *module, PyObject *unused)
{
	struct thread *t = thread_get();
	struct greenlet *hub = t ? hub_get(t) : NULL;

	(void)module;
	(void)unused;
	return (PyObject *)Py_XNewRef(hub);
}

static PyObject *set_hub_class(PyObject *module, PyObject *class)
{
	(void)module;
	Py_XSETREF(hub_class, Py_NewRef(class));
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"run", run, METH_NOARGS, NULL},
	{"switch", switch_to_hub, METH_NOARGS,
	 "switch() -> what the caller is switched back with"},
	{"handle_error", handle_error, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyMethodDef functions[] = {
	{"get_hub", get_hub, METH_NOARGS, "The calling thread's hub."},
	{"set_hub_class", set_hub_class, METH_O, "The class of new hubs."},
	{NULL, NULL, 0, NULL},
};

int hub_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_methods, methods},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet._core.Hub", 0, 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};

	hub_class = PyType_FromSpecWithBases(&spec, (PyObject *)greenlet_type);
	if (!hub_class || PyModule_AddFunctions(module, functions) < 0)
		return -1;
	return PyModule_AddObjectRef(module, "Hub", hub_class);
}
