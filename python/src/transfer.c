/* transfer.c - switching to a greenlet by name, its first function, and whom it
 * hands its result. */
#include "green.h"

#include <errno.h>

size_t greenlet_stack_size = 1 << 20;
bool greenlet_own_locals;

static PyObjectArenaAllocator arenas;

/* ---- what a switch returns ------------------------------------------------
 */

static void give(struct greenlet *to, PyObject *value, PyObject *kwargs,
		 PyObject *exc)
{
	Py_XSETREF(to->value, value);
	Py_XSETREF(to->kwargs, kwargs);
	Py_XSETREF(to->pending, exc);
}

/* As greenlet documents it: one argument is itself, several are a tuple, named
 * ones a dict. */
static PyObject *shape(PyObject *value, PyObject *kwargs)
{
	PyObject *one;

	if (kwargs && PyDict_GET_SIZE(kwargs) == 0)
		Py_CLEAR(kwargs);
	if (kwargs && PyTuple_GET_SIZE(value) == 0) {
		Py_DECREF(value);
		return kwargs;
	}
	if (kwargs) {
		one = PyTuple_Pack(2, value, kwargs);
		Py_DECREF(kwargs);
	} else if (PyTuple_GET_SIZE(value) == 1) {
		one = Py_NewRef(PyTuple_GET_ITEM(value, 0));
	} else {
		return value;
	}
	Py_DECREF(value);
	return one;
}

static PyObject *received(struct greenlet *me)
{
	PyObject *value = me->value, *kwargs = me->kwargs, *exc = me->pending;

	me->value = me->kwargs = me->pending = NULL;
	if (exc) {
		Py_XDECREF(value);
		Py_XDECREF(kwargs);
		exception_raise(exc);
		return NULL;
	}
	if (!value) /* the hub, which goes on by itself */
		value = PyTuple_New(0);
	return value ? shape(value, kwargs) : NULL;
}

/* ---- a greenlet's life ------------------------------------------------------
 */

static struct greenlet *living_parent(const struct greenlet *g)
{
	struct greenlet *p = g->parent;

	while (p && p->phase == PHASE_DEAD)
		p = p->parent;
	return p;
}

/* Hand `value` (a tuple) or `exc` to the parent, which runs next.  The hub
 * takes no values, and reports errors. */
static void hand_over(struct greenlet *g, PyObject *value, PyObject *exc)
{
	struct greenlet *p = living_parent(g);

	if (p->is_hub) {
		Py_XDECREF(value);
		if (exc) {
			exception_raise(exc);
			hub_handle_error((PyObject *)g);
		}
		return;
	}
	if (p->phase == PHASE_NEW && greenlet_begin(p) < 0) {
		PyErr_WriteUnraisable((PyObject *)p);
		p = g->thread->main;
	}
	give(p, value, NULL, exc);
	ramet_host_wake_first(p->ramet);
}

static PyObject *call_run(struct greenlet *g)
{
	PyObject *args = g->value, *kwargs = g->kwargs;
	PyObject *run, *result = NULL;

	g->value = g->kwargs = NULL;
	if (g->pending) {
		exception_raise(g->pending);
		g->pending = NULL;
	} else {
		run = PyObject_GetAttrString((PyObject *)g, "run");
		if (!args)
			args = PyTuple_New(0);
		Py_CLEAR(g->run);
		if (run && args)
			result = PyObject_Call(run, args, kwargs);
		Py_XDECREF(run);
	}
	Py_XDECREF(args);
	Py_XDECREF(kwargs);
	return result;
}

/* The exception that is set as a result, if it is one. */
static PyObject *exit_value(PyObject **exc)
{
	PyObject *value = NULL;

	*exc = exception_take();
	if (PyObject_TypeCheck(*exc, (PyTypeObject *)exc_greenlet_exit)) {
		value = *exc;
		*exc = NULL;
	}
	return value;
}

static void end(struct greenlet *g, PyObject *result)
{
	PyObject *exc = NULL, *value;

	if (!result)
		result = exit_value(&exc);
	g->phase = PHASE_DEAD;
	value = result ? PyTuple_Pack(1, result) : NULL;
	Py_XDECREF(result);
	if (!value && !exc)
		exc = exception_take();
	pystate_clear(&g->state, g->thread->ts);
	hand_over(g, value, exc);
}

static void *greenlet_main(void *arg)
{
	_Alignas(16) char chunk[FIRST_CHUNK];
	struct greenlet *g = arg;
	struct thread *t = g->thread;

	pystate_begin(t->ts, chunk);
	Py_DECREF(g); /* the ready queue's */
	greenlet_arrive(t);
	end(g, call_run(g));
	g->ramet = NULL;
	pystate_end(t->ts, &arenas, chunk);
	greenlet_depart(t);
	return NULL;
}

int greenlet_begin(struct greenlet *g)
{
	struct thread *t = g->thread;

	if (!arenas.free)
		PyObject_GetArenaAllocator(&arenas);
	g->ramet = ramet_host_spawn(greenlet_main, g, g, greenlet_stack_size);
	if (!g->ramet) {
		PyErr_NoMemory();
		return -1;
	}
	pystate_init(&g->state, t->ts, greenlet_stack_size,
		     greenlet_own_locals);
	g->phase = PHASE_STARTED;
	Py_INCREF(g); /* the ready queue's */
	return 0;
}

/* ---- switch -----------------------------------------------------------------
 */

/* Until somebody switches back: returns 0, or -1 with an exception. */
static int park(struct thread *t)
{
	struct greenlet *me = t->current;
	int err;

	do {
		err = ramet_host_park("a switch to it", RAMET_NEVER) < 0 ? errno
									 : 0;
		greenlet_arrive(t);
		if (me->value || me->pending)
			return 0;
		if (err == EINTR && PyErr_CheckSignals() < 0)
			return -1;
	} while (err == EINTR);
	if (err == EDEADLK)
		hub_set_loop_exit(t);
	return err == EDEADLK ? -1 : 0;
}

/* Let `to` run, and the caller when somebody switches back to it.  The hub does
 * not wait for that: what it has called goes on. */
static int jump(struct thread *t, struct greenlet *to)
{
	if (!ramet_host_wake_first(to->ramet)) {
		ramet_host_end(to->ramet,
			       ECANCELED); /* whatever it waits for */
		ramet_host_wake_first(to->ramet);
	}
	if (!t->current->is_hub)
		return park(t);
	ramet_host_run(to->ramet);
	greenlet_arrive(t);
	return 0;
}

/* The hub runs when it has something to do, unless it is in a callback. */
static int leave_to_hub(struct thread *t, struct greenlet *hub)
{
	give(hub, NULL, NULL, NULL);
	if (!ramet_host_waits_for(hub->ramet))
		ramet_host_wake_first(hub->ramet);
	return park(t);
}

static bool check_target(struct thread *t, struct greenlet *to)
{
	if (to->thread != t || t->closed) {
		PyErr_SetString(exc_greenlet_error,
				to->thread && !to->thread->closed
					? "cannot switch to a different thread"
					: "cannot switch to a different thread "
					  "(which happens to have exited)");
		return false;
	}
	return true;
}

PyObject *greenlet_transfer(struct greenlet *to, PyObject *value,
			    PyObject *kwargs, PyObject *exc)
{
	struct thread *t = thread_get();
	struct greenlet *me = t ? t->current : NULL;
	int err;

	while (to->phase == PHASE_DEAD && to->parent)
		to = to->parent;
	if (!me || !check_target(t, to) ||
	    (to->phase == PHASE_NEW && greenlet_begin(to) < 0)) {
		Py_XDECREF(value);
		Py_XDECREF(kwargs);
		Py_XDECREF(exc);
		return NULL;
	}
	if (to->is_hub && to != me) {
		Py_XDECREF(value);
		Py_XDECREF(kwargs);
		Py_XDECREF(exc);
		err = leave_to_hub(t, to);
	} else {
		give(to, value, kwargs, exc);
		err = to == me ? 0 : jump(t, to);
	}
	return err < 0 ? NULL : received(me);
}
