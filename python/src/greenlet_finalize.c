/* greenlet_finalize.c - what becomes of a greenlet that nobody refers to: none
 * can switch to it any more, so it ends where it is suspended. */
#include "greenlet.h"
#include "thread.h"

/* One that lives on comes back to whom it belonged, even if that has ended. */
static void restore_parent(struct greenlet *g, struct greenlet *parent,
			   const struct greenlet *killer)
{
	if (g->phase != PHASE_DEAD && g->parent == killer)
		Py_SETREF(g->parent, parent);
	else
		Py_XDECREF(parent);
}

/* What the caller has been given, and what it is about to raise, outlast it. */
void greenlet_kill(struct greenlet *g)
{
	struct greenlet *me = g->thread->current, *parent = g->parent;
	struct greenlet_mail mail = greenlet_set_aside(me);
	PyObject *saved = exception_take();
	PyObject *exc = PyObject_CallNoArgs(exc_greenlet_exit), *result;

	Py_INCREF(me);
	g->parent = me;
	result = exc ? greenlet_transfer(g, NULL, NULL, exc) : NULL;
	if (!result)
		PyErr_WriteUnraisable((PyObject *)g);
	Py_XDECREF(result);
	restore_parent(g, parent, me);
	if (saved)
		exception_raise(saved);
	greenlet_take_back(me, mail);
}

/* Where it runs wakes up, if it sleeps, and lets go of it at its next switch.
 */
static void on_left(struct ramet_host_call *call)
{
	struct greenlet *g =
		(struct greenlet *)((char *)call -
				    offsetof(struct greenlet, call));
	struct thread *t = g->thread;
	bool taken;

	if (t->closed)
		return;
	taken = thread_take_gil(t);
	g->posted = false;
	greenlet_let_go(t, g);
	if (t->hub && t->hub->ramet)
		ramet_host_wake(t->hub->ramet);
	thread_give_gil(taken);
}

/* One that is posted already is referred to by that. */
static void leave_to_its_thread(struct greenlet *g)
{
	if (g->posted)
		return;
	Py_INCREF(g);
	g->posted = true;
	g->call.fn = on_left;
	ramet_host_post(g->ramet, &g->call);
}

/* Nobody can switch to it any more: it ends by GreenletExit, in its own thread,
 * and comes back to whoever dropped it.  With the interpreter it just stops. */
void greenlet_finalize(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;

	if (!greenlet_is_suspended(g) || g->is_hub || pystate_finalizing())
		return;
	if (greenlet_is_ours(g))
		greenlet_kill(g);
	else
		leave_to_its_thread(g);
}

/* tp_finalize is called once, and not at all if a subclass has a __del__; it
 * may be suspended all the same. */
static bool survives(PyObject *self)
{
	if (!greenlet_is_suspended((struct greenlet *)self))
		return false;
	Py_SET_REFCNT(self, 1);
	greenlet_finalize(self);
	Py_SET_REFCNT(self, Py_REFCNT(self) - 1);
	if (Py_REFCNT(self) == 0)
		return false;
	if (!PyObject_GC_IsTracked(self)) /* a subclass's dealloc did that */
		PyObject_GC_Track(self);
	return true;
}

bool greenlet_survives(PyObject *self)
{
	return PyObject_CallFinalizerFromDealloc(self) < 0 || survives(self);
}

void greenlet_dealloc(PyObject *self)
{
	struct greenlet *g = (struct greenlet *)self;
	PyTypeObject *type = Py_TYPE(self);

	if (greenlet_survives(self))
		return;
	PyObject_GC_UnTrack(self);
	if (g->weakrefs)
		PyObject_ClearWeakRefs(self);
	local_forget(g);
	greenlet_clear(self);
	Py_CLEAR(g->parent);
	pystate_drop(&g->state);
	if (g->link) {
		*g->link = g->next;
		if (g->next)
			g->next->link = g->link;
	}
	thread_put(g->thread);
	type->tp_free(self);
	Py_DECREF(type);
}
