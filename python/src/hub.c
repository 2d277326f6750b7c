/* hub.c - the greenlet in which an OS thread's callbacks run. */
#include "hub.h"

PyObject *hub_class;
static PyTypeObject *hub_base;

static void park(struct thread *t, struct hub *h)
{
	int64_t when = h->timer_count ? h->timers[1]->when : RAMET_NEVER;

	ramet_host_park("callbacks", when);
	greenlet_arrive(t);
}

static void give_way(struct thread *t)
{
	ramet_yield();
	greenlet_arrive(t);
}

/* Idle watchers run when all others have had a turn and nothing came. */
static void wait_turn(struct thread *t, struct hub *h)
{
	watchers_turn(h, TURN_PREPARE);
	if (h->calls || h->now || h->turns[TURN_IDLE])
		give_way(t);
	else
		park(t, h);
	watchers_turn(h, TURN_CHECK);
	if (!h->calls && h->turns[TURN_IDLE])
		watchers_turn(h, TURN_IDLE);
}

/* The next hub_get makes another one, which takes over what is to be called. */
static void leave_thread(struct thread *t, struct greenlet *hub)
{
	if (t->hub != hub)
		return;
	t->hub = NULL;
	Py_DECREF(hub);
}

static PyObject *run(PyObject *self, PyObject *unused)
{
	struct greenlet *me = (struct greenlet *)self;
	struct thread *t = me->thread;
	struct hub *h = t->hub_state;

	(void)unused;
	if (me->is_hub && me == t->current && me != t->hub)
		Py_RETURN_NONE; /* destroyed before it could begin */
	if (me != t->hub || me != t->current) {
		PyErr_SetString(PyExc_RuntimeError,
				"a hub runs by itself, once");
		return NULL;
	}
	while (t->hub == me) {
		h->iteration++;
		hub_run_timers(t, h);
		hub_run_calls(h);
		if (t->hub != me)
			break;
		wait_turn(t, h);
		if (greenlet_raise(me) < 0) {
			leave_thread(t, me);
			return NULL;
		}
	}
	Py_RETURN_NONE;
}

bool hub_is_stuck(struct thread *t)
{
	struct hub *h = t->hub_state;

	if (!h || !t->hub)
		return !ramet_host_outside() && !ramet_host_timed(NULL);
	return h->refs <= 0 && !h->timer_refs &&
	       ramet_host_outside() <= h->pollers &&
	       !ramet_host_timed(t->hub->ramet);
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
	if (!t->hub_state->loop && !(t->hub_state->loop = loop_new(t)))
		return NULL;
	hub = (struct greenlet *)PyObject_CallNoArgs(hub_class);
	if (!hub)
		return NULL;
	if (t->hub) { /* its constructor needed one, and that is it */
		Py_DECREF(hub);
		return t->hub;
	}
	if (!PyObject_TypeCheck(hub, hub_base) || hub->phase != PHASE_NEW ||
	    hub->thread != t) {
		PyErr_SetString(PyExc_TypeError, "the class makes no new Hub");
		Py_DECREF(hub);
		return NULL;
	}
	Py_INCREF(t->main);
	Py_XSETREF(hub->parent, t->main);
	hub->is_hub = true;
	if (greenlet_begin(hub, NULL) < 0) {
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
	struct hub *h = t->hub_state;

	if (!h)
		return;
	while (!pystate_finalizing() && (h->now || h->calls))
		hub_run_calls(h);
	while (!pystate_finalizing() && h->timer_count) {
		struct hub_timer *timer = h->timers[h->timer_count];

		hub_timer_stop(t, timer);
		if (!timer->lent)
			timer->fn(timer);
	}
	Py_CLEAR(h->loop);
	PyMem_Free(h->timers);
	PyMem_Free(h);
	t->hub_state = NULL;
}

static PyObject *handle_error(PyObject *self, PyObject *args)
{
	PyObject *context, *type, *value, *traceback, *exc;

	(void)self;
	if (!PyArg_ParseTuple(args, "OOOO", &context, &type, &value,
			      &traceback))
		return NULL;
	exc = exception_make(type, value, traceback);
	if (!exc)
		return NULL;
	exception_raise(exc);
	PyErr_WriteUnraisable(context);
	Py_RETURN_NONE;
}

static PyObject *switch_to_hub(PyObject *self, PyObject *unused)
{
	(void)unused;
	return greenlet_transfer((struct greenlet *)self, NULL, NULL, NULL);
}

static PyObject *get_loop(PyObject *self, void *unused)
{
	struct greenlet *hub = (struct greenlet *)self;
	struct thread *t = hub->thread;

	(void)unused;
	if (hub->is_hub && (!t || t->hub != hub)) /* it has ended */
		Py_RETURN_NONE;
	if (t && t->hub_state && t->hub_state->loop)
		return Py_NewRef(t->hub_state->loop);
	Py_RETURN_NONE;
}

/* The hub ends; the next get_hub makes another, with another object for the
 * loop if that is to be forgotten. */
static PyObject *end_hub(PyObject *self, PyObject *forget)
{
	struct greenlet *hub = (struct greenlet *)self;
	struct thread *t = hub->thread;
	int forgets = PyObject_IsTrue(forget);

	if (forgets < 0)
		return NULL;
	if (t != this_thread || t->hub != hub)
		Py_RETURN_FALSE;
	if (forgets)
		Py_CLEAR(t->hub_state->loop);
	ramet_host_wake(hub->ramet);
	leave_thread(t, hub);
	Py_RETURN_TRUE;
}

static PyMethodDef methods[] = {
	{"run", run, METH_NOARGS,
	 "run($self, /)\n--\n\n"
	 "What the hub does; it calls this by itself, once."},
	{"switch", switch_to_hub, METH_NOARGS,
	 "switch($self, /)\n--\n\n"
	 "Let others run until somebody switches back; returns what that\n"
	 "passes."},
	{"handle_error", handle_error, METH_VARARGS,
	 "handle_error($self, context, type, value, traceback, /)\n--\n\n"
	 "What becomes of an error of something that runs for nobody."},
	{"join", (PyCFunction)(void (*)(void))hub_join,
	 METH_VARARGS | METH_KEYWORDS,
	 "join($self, /, timeout=None)\n--\n\n"
	 "Wait until nothing is left to do: True; False when the time is\n"
	 "over."},
	{"_end", end_hub, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"loop", get_loop, NULL, "What calls its callbacks.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

int hub_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"Where an OS thread's callbacks run."},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet._core.Hub", 0, 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};

	hub_class = PyType_FromSpecWithBases(&spec, (PyObject *)greenlet_type);
	if (!hub_class)
		return -1;
	hub_base = (PyTypeObject *)hub_class;
	return PyModule_AddObjectRef(module, "Hub", hub_class);
}
