/* hub.c - the greenlet in which an OS thread's callbacks run. */
#include "hub.h"

#include <errno.h>

/* The class of new hubs: _core.Hub or what ramet.hub makes of it. */
static PyObject *hub_class;
static PyTypeObject *hub_base;

/* ---- calls --------------------------------------------------------------- */

/* What is called meanwhile is for the next turn. */
static void run_calls(struct hub *h)
{
	struct hub_call *call;

	if (!h->now) { /* else a hub has ended amid them */
		h->now = h->calls;
		h->calls = NULL;
		h->calls_end = &h->calls;
	}
	while ((call = h->now)) {
		h->now = call->next;
		call->queued = false;
		call->fn(call);
	}
}

/* A hub that has been destroyed leaves its successor the calls. */
void hub_take_in(struct thread *t, struct hub_call *call)
{
	struct hub *h = t->hub_state;

	call->queued = true;
	call->next = NULL;
	*h->calls_end = call;
	h->calls_end = &call->next;
	if (t->hub)
		ramet_host_wake(t->hub->ramet);
}

/* What another OS thread sends. */
struct post {
	struct ramet_host_call call;
	struct hub_call *what;
	struct thread *thread; /* used */
};

/* In the loop of the thread, which may be in foreign code without the GIL, or
 * have ended. */
static void on_post(struct ramet_host_call *call)
{
	struct post *p = (struct post *)call;
	struct thread *t = p->thread;
	bool had;

	if (t->closed)
		return;
	had = pystate_holds_gil(t->ts);
	if (!had)
		PyEval_RestoreThread(t->ts);
	hub_take_in(t, p->what);
	thread_put(t);
	PyMem_RawFree(p);
	if (!had)
		PyEval_SaveThread();
}

static int post(struct thread *t, struct hub_call *call)
{
	struct post *p;

	if (t->closed) {
		PyErr_SetString(exc_invalid_thread_use,
				"the OS thread of that has ended");
		return -1;
	}
	p = PyMem_RawCalloc(1, sizeof *p);
	if (!p) {
		PyErr_NoMemory();
		return -1;
	}
	p->call.fn = on_post;
	p->what = call;
	p->thread = t;
	t->users++;
	call->queued = true;
	ramet_host_post(t->main->ramet, &p->call);
	return 0;
}

int hub_call(struct thread *t, struct hub_call *call)
{
	if (call->queued)
		return 0;
	if (t != this_thread)
		return post(t, call);
	if (!hub_get(t))
		return -1;
	hub_take_in(t, call);
	return 0;
}

static bool take_out(struct hub_call **link, struct hub_call *call)
{
	while (*link && *link != call)
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = call->next;
	call->queued = false;
	return true;
}

void hub_uncall(struct thread *t, struct hub_call *call)
{
	struct hub *h = t->hub_state;

	if (!call->queued || !h || take_out(&h->now, call) ||
	    !take_out(&h->calls, call))
		return; /* it may be on its way from another thread */
	h->calls_end = &h->calls;
	while (*h->calls_end)
		h->calls_end = &(*h->calls_end)->next;
}

/* ---- the hub ------------------------------------------------------------- */

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
		run_calls(h);
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
	struct hub *h = t->hub_state;

	if (!h)
		return;
	while (!pystate_finalizing() && (h->now || h->calls))
		run_calls(h);
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

/* hub.loop.debug(), or None: a new reference. */
static PyObject *debug_of(PyObject *hub)
{
	PyObject *loop = GET_ATTRIBUTE(hub, "loop");
	PyObject *debug =
		loop ? PyObject_CallMethod(loop, "debug", NULL) : NULL;

	Py_XDECREF(loop);
	if (debug)
		return debug;
	PyErr_Clear();
	return Py_NewRef(Py_None);
}

void hub_set_loop_exit(struct thread *t)
{
	PyObject *hub = (PyObject *)hub_get(t);
	PyObject *args;

	if (!hub)
		return;
	args = Py_BuildValue("(sON)", "This operation would block forever", hub,
			     debug_of(hub));
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
	struct thread *t = thread_get();
	PyObject *hub = t ? (PyObject *)hub_get(t) : NULL;
	PyObject *handle = hub ? GET_ATTRIBUTE(hub, "handle_error") : NULL;
	PyObject *args = handle ? handler_arguments(context, exc) : NULL;
	PyObject *result = args ? PyObject_Call(handle, args, NULL) : NULL;

	if (!result)
		PyErr_WriteUnraisable(context);
	Py_XDECREF(result);
	Py_XDECREF(args);
	Py_XDECREF(handle);
	Py_DECREF(exc);
}

/* ---- Python's view ------------------------------------------------------- */

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

/* Its own time limit must not keep the loop alive. */
struct join_limit {
	struct hub_timer timer;
	struct greenlet *main;
};

static void on_join_limit(struct hub_timer *timer)
{
	struct join_limit *l = (struct join_limit *)timer;

	ramet_host_end(l->main->ramet, ETIMEDOUT);
}

static int start_limit(struct thread *t, struct join_limit *l, int64_t when)
{
	*l = (struct join_limit){.main = t->main};
	l->timer.fn = on_join_limit;
	l->timer.unref = l->timer.lent = true;
	return when == RAMET_NEVER ? 0 : hub_timer_start(t, &l->timer, when);
}

/* 0: until nothing is left to do; 1: the time is over. */
static int join_loop(struct thread *t, struct hub *h, int64_t when)
{
	struct greenlet *me = t->current;
	struct join_limit limit;
	int err;

	if (start_limit(t, &limit, when) < 0)
		return -1;
	h->joined = true;
	do {
		err = me->pending || ramet_host_park("the end of the loop",
						     RAMET_NEVER) == 0
			      ? 0
			      : errno;
		greenlet_arrive(t);
		if (greenlet_raise(me) < 0 ||
		    (err == EINTR && PyErr_CheckSignals() < 0))
			err = -1;
	} while (err == 0 || err == EINTR || err == ECANCELED);
	h->joined = false;
	hub_timer_stop(t, &limit.timer);
	if (err < 0)
		return -1;
	return err == ETIMEDOUT;
}

static PyObject *join(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"timeout", NULL};
	struct thread *t = ((struct greenlet *)self)->thread;
	PyObject *timeout = NULL;
	int64_t when;
	int over;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:join", names,
					 &timeout) ||
	    greenlet_deadline(timeout, &when) < 0)
		return NULL;
	if (t != this_thread || t->current != t->main) {
		PyErr_SetString(PyExc_AssertionError,
				"only possible from the MAIN greenlet");
		return NULL;
	}
	if ((struct greenlet *)self != t->hub)
		Py_RETURN_TRUE;
	over = join_loop(t, t->hub_state, when);
	return over < 0 ? NULL : PyBool_FromLong(!over);
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

	if (t != this_thread || t->hub != hub)
		Py_RETURN_FALSE;
	if (PyObject_IsTrue(forget) == 1)
		Py_CLEAR(t->hub_state->loop);
	ramet_host_wake(hub->ramet);
	leave_thread(t, hub);
	Py_RETURN_TRUE;
}

static PyObject *get_hub_if_exists(PyObject *module, PyObject *unused)
{
	struct greenlet *hub = this_thread ? this_thread->hub : NULL;

	(void)module;
	(void)unused;
	return Py_NewRef(hub ? (PyObject *)hub : Py_None);
}

static PyObject *get_hub_class(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return Py_NewRef(hub_class);
}

/* What a greenlet of this thread waits for: a text, or None. */
static PyObject *waits_for(PyObject *module, PyObject *g)
{
	struct greenlet *it = (struct greenlet *)g;
	const char *what = NULL;

	(void)module;
	if (greenlet_check(g) && greenlet_is_ours(it) && it->ramet)
		what = ramet_host_waits_for(it->ramet);
	if (!what)
		Py_RETURN_NONE;
	return PyUnicode_FromString(what);
}

static PyObject *throw_later(PyObject *module, PyObject *args)
{
	PyObject *g, *exception, *exc;
	int err;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!O:throw_later", greenlet_type, &g,
			      &exception))
		return NULL;
	exc = exception_make(exception, NULL, NULL);
	if (!exc)
		return NULL;
	err = greenlet_throw_any((struct greenlet *)g, exc);
	Py_DECREF(exc);
	if (err < 0)
		return NULL;
	Py_RETURN_NONE;
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
	{"join", (PyCFunction)(void (*)(void))join,
	 METH_VARARGS | METH_KEYWORDS,
	 "join($self, /, timeout=None)\n--\n\n"
	 "Wait until nothing is left to do: True; False when the time is\n"
	 "over."},
	{"_end", end_hub, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

static PyMethodDef functions[] = {
	{"get_hub", get_hub, METH_NOARGS,
	 "get_hub($module, /)\n--\n\n"
	 "The calling thread's hub, made when first asked for."},
	{"get_hub_if_exists", get_hub_if_exists, METH_NOARGS,
	 "get_hub_if_exists($module, /)\n--\n\n"
	 "The calling thread's hub, or None."},
	{"get_hub_class", get_hub_class, METH_NOARGS,
	 "get_hub_class($module, /)\n--\n\n"
	 "The class of new hubs."},
	{"waits_for", waits_for, METH_O,
	 "waits_for($module, greenlet, /)\n--\n\n"
	 "What it waits for, in words; or None."},
	{"throw_later", throw_later, METH_VARARGS,
	 "throw_later($module, greenlet, exception, /)\n--\n\n"
	 "Raise it there, soon."},
	{"set_hub_class", set_hub_class, METH_O,
	 "set_hub_class($module, cls, /)\n--\n\n"
	 "The class of hubs that are made from now on."},
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
	if (!hub_class || PyModule_AddFunctions(module, functions) < 0)
		return -1;
	hub_base = (PyTypeObject *)hub_class;
	return PyModule_AddObjectRef(module, "Hub", hub_class);
}
