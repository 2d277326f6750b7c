/* transfer.c - switching to a greenlet by name, its first function, and whom it
 * hands its result. */
#include "green.h"

#include <errno.h>

size_t greenlet_stack_size = 4 << 20;
bool greenlet_own_locals;

static PyObjectArenaAllocator arenas;

/* ---- what a switch returns ----------------------------------------------- */

/* An exception that is on its way already is not lost. */
static void give(struct greenlet *to, PyObject *value, PyObject *kwargs,
		 PyObject *exc)
{
	Py_XSETREF(to->value, value);
	Py_XSETREF(to->kwargs, kwargs);
	if (exc)
		Py_XSETREF(to->pending, exc);
}

static void drop(PyObject *value, PyObject *kwargs, PyObject *exc)
{
	Py_XDECREF(value);
	Py_XDECREF(kwargs);
	Py_XDECREF(exc);
}

/* As greenlet documents it: one argument is itself, several are a tuple, named
 * ones a dict.  Takes both. */
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
	PyObject *value = me->value;

	me->value = NULL;
	if (me->pending) {
		Py_XDECREF(value);
		greenlet_raise(me);
		return NULL;
	}
	return value ? value : PyTuple_New(0); /* the hub goes on by itself */
}

/* ---- the end ------------------------------------------------------------- */

static int prepare(struct thread *t, struct greenlet **to);

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

/* Who goes on after g, ready to run; it is given the exception of its own start
 * if that fails.  The hub takes no values, and reports errors. */
static struct greenlet *heir(struct greenlet *g, PyObject **value,
			     PyObject **exc)
{
	struct thread *t = g->thread;
	struct greenlet *p = g->parent;

	if (g->is_hub && *value == Py_None) { /* it was destroyed */
		Py_CLEAR(*value);
		return NULL;
	}
	while (!p->is_hub && prepare(t, &p) < 0) {
		Py_CLEAR(*value);
		Py_XSETREF(*exc, exception_take());
		p = p->parent && greenlet_home(p) == t ? p->parent : t->main;
	}
	if (!p->is_hub)
		return p;
	Py_CLEAR(*value);
	if (*exc) {
		exception_raise(*exc);
		*exc = NULL;
		hub_handle_error((PyObject *)g);
	}
	return NULL;
}

/* Run's arguments are a tuple. */
static PyObject *fit(const struct greenlet *p, PyObject *value, PyObject **exc)
{
	PyObject *args;

	if (!value || p->entered)
		return value;
	args = PyTuple_Pack(1, value);
	Py_DECREF(value);
	if (!args)
		*exc = exception_take();
	return args;
}

/* Everything that may run code comes before the greenlet counts as dead: such
 * code may switch, and must find back. */
static void end(struct greenlet *g, PyObject *result)
{
	struct thread *t = g->thread;
	PyObject *exc = NULL;
	struct greenlet *p;

	if (!result)
		result = exit_value(&exc);
	local_forget(g);
	pystate_clear(&g->state, t->ts);
	p = heir(g, &result, &exc);
	if (p)
		result = fit(p, result, &exc);
	pystate_clear(&g->state, t->ts);
	g->phase = PHASE_DEAD;
	if (p) {
		give(p, result, NULL, exc);
		ramet_host_wake_first(p->ramet);
	}
}

/* ---- the beginning ------------------------------------------------------- */

static PyObject *call_run(struct greenlet *g)
{
	PyObject *args = g->value, *kwargs = g->kwargs, *run = g->run;
	PyObject *result = NULL;

	if (g->body) {
		g->body(g);
		return Py_NewRef(Py_None);
	}
	g->value = g->kwargs = g->run = NULL;
	if (greenlet_raise(g) == 0) {
		if (!run)
			run = GET_ATTRIBUTE((PyObject *)g, "run");
		if (run && !args)
			result = PyObject_CallNoArgs(run);
		else if (run)
			result = PyObject_Call(run, args, kwargs);
	}
	Py_XDECREF(run);
	drop(args, kwargs, NULL);
	return result;
}

static void unlist(struct greenlet *g)
{
	*g->link = g->next;
	if (g->next)
		g->next->link = g->link;
	g->link = NULL;
}

static void list(struct greenlet *g)
{
	struct thread *t = g->thread;

	g->next = t->started;
	g->link = &t->started;
	if (g->next)
		g->next->link = &g->next;
	t->started = g;
}

static void *greenlet_main(void *arg)
{
	_Alignas(16) char chunk[FIRST_CHUNK];
	struct greenlet *g = arg;
	struct thread *t = g->thread;

	pystate_begin(t->ts, chunk);
	Py_DECREF(g); /* the ready queue's */
	greenlet_arrive(t);
	g->entered = true;
	end(g, call_run(g));
	g->ramet = NULL;
	unlist(g);
	pystate_end(t->ts, &arenas, chunk);
	greenlet_depart(t);
	return NULL;
}

int greenlet_begin(struct greenlet *g)
{
	struct thread *t = g->thread;
	size_t size = pystate_stack_size(greenlet_stack_size);

	if (!arenas.free)
		PyObject_GetArenaAllocator(&arenas);
	g->ramet = ramet_host_spawn(greenlet_main, g, g, size);
	if (!g->ramet) {
		PyErr_NoMemory();
		return -1;
	}
	pystate_init(&g->state, t->ts, size, greenlet_own_locals);
	g->phase = PHASE_STARTED;
	list(g);
	Py_INCREF(g); /* the ready queue's */
	return 0;
}

/* ---- switch -------------------------------------------------------------- */

static int refuse_thread(const struct thread *home)
{
	PyErr_SetString(exc_greenlet_error,
			!home->closed ? "cannot switch to a different thread"
				      : "cannot switch to a different thread "
					"(which happens to have exited)");
	return -1;
}

/* `run` may be anything that attributes can be: its look-up runs code, which
 * may start the greenlet, or end it. */
static int start(struct thread *t, struct greenlet *g)
{
	PyObject *run = GET_ATTRIBUTE((PyObject *)g, "run");

	if (!run)
		return -1;
	if (g->phase != PHASE_NEW) {
		Py_DECREF(run);
		return 0;
	}
	Py_XSETREF(g->run, run);
	greenlet_move(g, t);
	return greenlet_begin(g);
}

/* Who a switch to *to goes to: a dead one stands for its parent, and one that
 * is new is started.  Returns 0, or -1 with an exception. */
static int prepare(struct thread *t, struct greenlet **to)
{
	for (;;) {
		struct thread *home;

		while ((*to)->phase == PHASE_DEAD && (*to)->parent)
			*to = (*to)->parent;
		home = greenlet_home(*to);
		if (home != t || t->closed)
			return refuse_thread(home);
		if ((*to)->phase == PHASE_STARTED)
			return 0;
		if (start(t, *to) < 0)
			return -1;
	}
}

static inline bool is_running_in(const struct greenlet *g,
				 const struct thread *t)
{
	return g->phase == PHASE_STARTED && g->thread == t && !t->closed;
}

/* In front of a jump few functions may lie: see ramet__park_for. */
#define HOT static inline __attribute__((always_inline))

/* Nobody has switched here: why it runs.  Returns 0 if it is to wait on, or -1
 * with an exception. */
static int called_by_nobody(struct thread *t, int err)
{
	if (err == EINTR)
		return PyErr_CheckSignals();
	if (err != EDEADLK)
		return 0;
	hub_set_loop_exit(t);
	return -1;
}

/* Until somebody switches back, and `to`, if there is one, runs: returns 0, or
 * -1 with an exception. */
HOT int park(struct thread *t, struct greenlet *me, struct greenlet *to)
{
	static const char what[] = "a switch to it";
	int end = GREENLET_AWAY(t, to ? ramet_host_switch(to->ramet, what)
				      : ramet_host_park(what, RAMET_NEVER));

	for (;;) {
		int err = end < 0 ? errno : 0;

		greenlet_arrive(t);
		if (me->value || me->pending)
			return 0;
		if (called_by_nobody(t, err) < 0)
			return -1;
		end = GREENLET_AWAY(t, ramet_host_park(what, RAMET_NEVER));
	}
}

/* The hub does not wait for whom it has switched to: what it has called goes
 * on. */
static int jump_from_hub(struct thread *t, struct greenlet *to)
{
	if (!ramet_host_wake_first(to->ramet))
		greenlet_break_off(to);
	ramet_host_run(to->ramet);
	greenlet_arrive(t);
	return 0;
}

/* The hub runs when it has something to do, unless it is in a callback. */
static int leave_to_hub(struct thread *t, struct greenlet *hub)
{
	if (!ramet_host_waits_for(hub->ramet))
		ramet_host_wake_first(hub->ramet);
	return park(t, t->current, NULL);
}

/* In foreign C code nobody looks at what is pending. */
HOT int tell_detached(struct greenlet *to, PyObject *exc)
{
	return exc && to->detached ? greenlet_raise_soon(to, exc) : 0;
}

HOT PyObject *go(struct thread *t, struct greenlet *to, PyObject *value,
		 PyObject *kwargs, PyObject *exc)
{
	struct greenlet *me = t->current;
	int err;

	if (to->is_hub && to != me && !exc) {
		drop(value, kwargs, exc);
		err = leave_to_hub(t, to);
	} else {
		give(to, value, kwargs, exc);
		err = tell_detached(to, exc);
		if (err == 0 && to != me)
			err = me->is_hub ? jump_from_hub(t, to)
					 : park(t, me, to);
	}
	return err < 0 ? NULL : received(me);
}

PyObject *greenlet_transfer(struct greenlet *to, PyObject *value,
			    PyObject *kwargs, PyObject *exc)
{
	struct thread *t = thread_get();

	if (!t || (!is_running_in(to, t) && prepare(t, &to) < 0)) {
		drop(value, kwargs, exc);
		return NULL;
	}
	if (to->entered && value) {
		value = shape(value, kwargs);
		kwargs = NULL;
		if (!value) {
			drop(NULL, NULL, exc);
			return NULL;
		}
	}
	return go(t, to, value, kwargs, exc);
}

/* Not to one that runs already. */
static PyObject *send_slowly(struct greenlet *to, PyObject *value)
{
	struct thread *t = thread_get();
	PyObject *exc = NULL;

	if (!t || prepare(t, &to) < 0) {
		Py_DECREF(value);
		return NULL;
	}
	if (!to->entered && !(value = fit(to, value, &exc))) {
		exception_raise(exc);
		return NULL;
	}
	return go(t, to, value, NULL, NULL);
}

PyObject *greenlet_send(struct greenlet *to, PyObject *value)
{
	struct thread *t = this_thread;

	if (!t || !to->entered || !is_running_in(to, t))
		return send_slowly(to, value);
	return go(t, to, value, NULL, NULL);
}

/* ---- forgotten ----------------------------------------------------------- */

/* What the caller has been given, and what it is about to raise, outlast it. */
void greenlet_kill(struct greenlet *g)
{
	struct greenlet *me = g->thread->current;
	struct greenlet_mail mail = greenlet_set_aside(me);
	PyObject *saved = exception_take();
	PyObject *exc = PyObject_CallNoArgs(exc_greenlet_exit), *result;

	Py_INCREF(me);
	Py_XSETREF(g->parent, me);
	result = exc ? greenlet_transfer(g, NULL, NULL, exc) : NULL;
	if (!result)
		PyErr_WriteUnraisable((PyObject *)g);
	Py_XDECREF(result);
	if (saved)
		exception_raise(saved);
	greenlet_take_back(me, mail);
}
