/* thread_switch.c - what happens to the interpreter's state of an OS thread
 * when another greenlet goes on, and after that. */
#include "thread.h"

/* Letting go of one may run any code, which must not happen halfway. */
void greenlet_let_go(struct thread *t, struct greenlet *g)
{
	if (g->is_left) {
		Py_DECREF(g);
		return;
	}
	g->is_left = true;
	g->next_left = t->left;
	t->left = g;
}

void greenlet_depart(struct thread *t)
{
	struct greenlet *g = t->current;

	t->current = NULL;
	if (t->tracer && !t->origin)
		t->origin = (struct greenlet *)Py_NewRef((PyObject *)g);
	if (Py_REFCNT(g) > 1)
		Py_DECREF(g);
	else
		greenlet_let_go(t, g);
}

/* Tell of the switch.  A tracer that fails is told of no more, and its error is
 * raised in the one that has been switched to. */
static PyObject *trace(struct thread *t, struct greenlet *origin, bool throws)
{
	PyObject *tracer = Py_XNewRef(t->tracer), *result = NULL, *exc;
	PyObject *args;

	if (!tracer)
		return NULL;
	args = Py_BuildValue("s(OO)", throws ? "throw" : "switch",
			     (PyObject *)origin, (PyObject *)t->current);
	pystate_stop_tracing(t->ts);
	if (args)
		result = PyObject_Call(tracer, args, NULL);
	pystate_go_on_tracing(t->ts);
	exc = result ? NULL : exception_take();
	if (exc)
		Py_CLEAR(t->tracer);
	Py_XDECREF(args);
	Py_XDECREF(result);
	Py_DECREF(tracer);
	return exc;
}

void thread_let_go(struct thread *t)
{
	while (t->left) {
		struct greenlet *g = t->left;

		t->left = g->next_left;
		g->is_left = false;
		Py_DECREF(g);
	}
}

void greenlet_settle(struct thread *t)
{
	struct greenlet *me = t->current, *origin = t->origin;
	struct greenlet_mail mail = greenlet_set_aside(me);
	PyObject *exc = NULL;

	t->origin = NULL;
	thread_let_go(t);
	if (origin)
		exc = trace(t, origin, mail.pending != NULL);
	Py_XDECREF(origin);
	if (exc)
		Py_XSETREF(mail.pending, exc);
	greenlet_take_back(me, mail);
}

static void leave(struct thread *t, struct greenlet *g, bool taken)
{
	g->detached = taken;
	if (taken)
		Py_INCREF(g); /* C code knows nothing of references */
	pystate_save(&g->state, t->ts, &t->locals);
	greenlet_depart(t);
}

static void enter(struct thread *t, struct greenlet *g)
{
	t->switches++;
	if (!g->detached)
		Py_INCREF(g);
	t->current = g;
	pystate_load(&g->state, t->ts, &t->locals);
	if (g->detached) {
		if (g->pending)
			greenlet_remind();
		PyEval_SaveThread();
	}
}

static __attribute__((noinline)) void switch_slowly(struct thread *t,
						    struct greenlet *from,
						    struct greenlet *to)
{
	bool taken = !t->has_gil && thread_take_gil(t);

	t->has_gil = false;
	if (from)
		leave(t, from, taken);
	if (to)
		enter(t, to);
}

/* Both in Python code, and without values of their own for what the interpreter
 * keeps for each thread: as leave and enter, in half the time. */
static inline void switch_quickly(struct thread *t, struct greenlet *from,
				  struct greenlet *to)
{
	t->has_gil = false;
	from->detached = false;
	pystate_save(&from->state, t->ts, NULL);
	greenlet_depart(t);
	t->switches++;
	Py_INCREF(to);
	t->current = to;
	pystate_load(&to->state, t->ts, NULL);
}

void thread_on_switch(void *from, void *to)
{
	struct thread *t = this_thread;
	struct greenlet *f = from, *g = to;

	if (t->has_gil && f && g && !g->detached && !f->state.own_locals &&
	    !g->state.own_locals)
		switch_quickly(t, f, g);
	else
		switch_slowly(t, f, g);
}
