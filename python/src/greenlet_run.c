/* greenlet_run.c - a greenlet from its first function to its end, and whom it
 * hands its result. */
#include "transfer.h"

size_t greenlet_stack_size = 4 << 20;
bool greenlet_own_locals;

static PyObjectArenaAllocator arenas;

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
	while (!p->is_hub && transfer_prepare(t, &p) < 0) {
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
		result = transfer_fit(p, result, &exc);
	pystate_clear(&g->state, t->ts);
	g->phase = PHASE_DEAD;
	if (p) {
		transfer_give(p, result, NULL, exc);
		ramet_host_wake_first(p->ramet);
	}
}

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
	Py_XDECREF(args);
	Py_XDECREF(kwargs);
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
	if (!g->state.own_locals) /* who comes next takes them from there */
		pystate_save_locals(&t->locals, t->ts);
	greenlet_depart(t);
	return NULL;
}

int greenlet_begin(struct greenlet *g, PyObject *function)
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
	greenlet_name(g, function);
	Py_INCREF(g); /* the ready queue's */
	return 0;
}
