/* thread.c - an OS thread's loop under the interpreter: what happens to its
 * state at a switch, and to the GIL while the loop sleeps. */
#include "green.h"

#include <errno.h>

__thread struct thread *this_thread;

enum { ASK_AGAIN_NS = 20 * 1000 * 1000 };

static PyTypeObject *key_type; /* whose only use is its address */

/* ---- the GIL ------------------------------------------------------------- */

/* A ramet may park, and so enter the loop, inside foreign C code that has
 * released the GIL. */
static bool take_gil(struct thread *t)
{
	if (pystate_holds_gil(t->ts))
		return false;
	PyEval_RestoreThread(t->ts);
	return true;
}

static void give_gil(bool taken)
{
	if (taken)
		PyEval_SaveThread();
}

static void on_sleep(void)
{
	struct thread *t = this_thread;

	t->gave_gil = pystate_holds_gil(t->ts);
	if (t->gave_gil)
		PyEval_SaveThread();
}

/* Python runs handlers of signals in the main greenlet: whatever that waits for
 * says EINTR. */
static void on_wake(int interrupted)
{
	struct thread *t = this_thread;

	if (t->gave_gil)
		PyEval_RestoreThread(t->ts);
	if (interrupted)
		ramet_host_end(t->main->ramet, EINTR);
}

/* Who calls a patched function with the GIL relies on it; other threads' calls
 * are none of ours. */
static int may_park(void)
{
	return !pystate_holds_gil(this_thread->ts);
}

/* ---- switches ------------------------------------------------------------ */

/* Letting go of one may run any code, which must not happen halfway. */
static void leave(struct thread *t, struct greenlet *g)
{
	if (g->is_left) {
		Py_DECREF(g);
		return;
	}
	g->is_left = true;
	g->next_left = t->left;
	t->left = g;
}

void greenlet_arrive(struct thread *t)
{
	while (t->left) {
		struct greenlet *g = t->left;

		t->left = g->next_left;
		g->is_left = false;
		Py_DECREF(g);
	}
}

void greenlet_depart(struct thread *t)
{
	struct greenlet *g = t->current;

	t->current = NULL;
	leave(t, g);
}

static void on_switch(void *from, void *to)
{
	struct thread *t = this_thread;
	struct greenlet *g = from;
	bool taken = take_gil(t);

	if (g) {
		g->detached = taken;
		pystate_save(&g->state, t->ts, &t->locals);
		greenlet_depart(t);
	}
	g = to;
	if (!g)
		return;
	t->switches++;
	Py_INCREF(g);
	t->current = g;
	pystate_load(&g->state, t->ts, &t->locals);
	if (g->detached)
		PyEval_SaveThread();
}

/* ---- a deadlock -----------------------------------------------------------
 */

/* Other threads of Python may wake us yet. */
static bool is_alone(const struct thread *t)
{
	PyThreadState *ts = PyInterpreterState_ThreadHead(t->ts->interp);
	int n = 0;

	for (; ts; ts = PyThreadState_Next(ts))
		n++;
	return n <= 1 + thread_idle_workers;
}

int thread_idle_workers;

static int64_t on_deadlock(void)
{
	struct thread *t = this_thread;
	bool taken = take_gil(t);

	if (is_alone(t))
		ramet_host_end(t->main->ramet, EDEADLK);
	give_gil(taken);
	return ASK_AGAIN_NS;
}

/* ---- life ---------------------------------------------------------------- */

static const struct ramet_host host = {on_switch, on_sleep, on_wake, may_park,
				       on_deadlock};

void thread_put(struct thread *t)
{
	if (--t->users == 0)
		PyMem_RawFree(t);
}

/* The thread ends: its greenlets will never run again. */
static void thread_close(PyObject *capsule)
{
	struct thread *t = PyCapsule_GetPointer(capsule, NULL);

	ramet_host_close();
	t->closed = true;
	if (this_thread == t)
		this_thread = NULL;
	greenlet_arrive(t);
	hub_close(t);
	Py_CLEAR(t->hub);
	Py_CLEAR(t->current);
	Py_CLEAR(t->main);
	thread_put(t);
}

static int remember(struct thread *t)
{
	PyObject *dict = PyThreadState_GetDict();
	PyObject *capsule = PyCapsule_New(t, NULL, thread_close);
	int err = -1;

	if (capsule && dict)
		err = PyDict_SetItem(dict, (PyObject *)key_type, capsule);
	else if (!PyErr_Occurred())
		PyErr_NoMemory();
	Py_XDECREF(capsule);
	return err;
}

static int thread_open(struct thread *t)
{
	t->users = 1;
	t->ts = PyThreadState_Get();
	t->main = greenlet_new_main(t);
	if (!t->main)
		return -1;
	t->current = (struct greenlet *)Py_NewRef((PyObject *)t->main);
	if (ramet_host_open(&host, t->main) < 0) {
		PyErr_SetFromErrno(PyExc_RuntimeError);
		return -1;
	}
	t->main->ramet = ramet_self();
	return 0;
}

struct thread *thread_make(void)
{
	struct thread *t = PyMem_RawCalloc(1, sizeof *t);

	if (!t) {
		PyErr_NoMemory();
		return NULL;
	}
	if (thread_open(t) < 0) {
		Py_CLEAR(t->current);
		Py_CLEAR(t->main);
		thread_put(t);
		return NULL;
	}
	this_thread = t;
	if (remember(t) < 0) {
		/* The capsule's destructor has closed it, if there was one. */
		return NULL;
	}
	return t;
}

int thread_ready(PyObject *module)
{
	static PyType_Slot slots[] = {{0, NULL}};
	static PyType_Spec spec = {"ramet._core._thread_key", 0, 0,
				   Py_TPFLAGS_DEFAULT, slots};

	(void)module;
	key_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return key_type ? 0 : -1;
}
