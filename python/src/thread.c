/* thread.c - an OS thread's loop under the interpreter: how it begins and ends.
 */
#include "linkable.h"
#include "native.h"
#include "thread.h"
#include "watcher.h"

#include <errno.h>

__thread struct thread *this_thread;

static PyTypeObject *key_type; /* whose only use is its address */

int thread_idle_workers;

static struct thread *all_threads;

size_t thread_count(void)
{
	size_t n = 0;

	for (struct thread *t = all_threads; t; t = t->next)
		n++;
	return n;
}

void thread_put(struct thread *t)
{
	if (--t->users == 0)
		PyMem_RawFree(t);
}

/* Each ends by GreenletExit; the hub, which was there first, is last. */
static void end_greenlets(struct thread *t)
{
	struct greenlet *g = t->started, *next;

	t->closing = true;
	for (; g; g = next) {
		Py_INCREF(g);
		if (greenlet_is_suspended(g))
			greenlet_kill(g);
		for (next = t->started; next && next->refused;)
			next = next->next;
		g->refused = true; /* once is enough */
		Py_DECREF(g);
	}
}

static void forget(struct thread *t)
{
	struct thread **link = &all_threads;

	while (*link && *link != t)
		link = &(*link)->next;
	if (*link)
		*link = t->next;
	t->closed = true;
	while (t->started) {
		t->started->link = NULL;
		t->started = t->started->next;
	}
}

/* The thread ends, or the interpreter does, or this is the child of a fork and
 * the thread was left behind: its greenlets will never run again. */
static void thread_close(struct thread *t)
{
	bool ours = this_thread == t;

	watchdog_watch(t, false);
	watcher_signals_end(t);
	Py_CLEAR(t->tracer);
	if (ours && !pystate_finalizing())
		end_greenlets(t);
	forget(t);
	waiters_forget(t);
	native_file_forget(t);
	local_forget(t->main);
	if (ours) {
		ramet_host_close();
		this_thread = NULL;
	}
	thread_let_go(t);
	hub_close(t);
	Py_CLEAR(t->origin);
	Py_CLEAR(t->hub);
	Py_CLEAR(t->current);
	Py_CLEAR(t->main);
	thread_put(t);
}

static void on_end(PyObject *capsule)
{
	thread_close(PyCapsule_GetPointer(capsule, NULL));
}

/* With the thread's dict the capsule goes, and closes t; as it does at once if
 * this fails. */
static int remember(struct thread *t)
{
	PyObject *dict = PyThreadState_GetDict();
	PyObject *capsule = PyCapsule_New(t, NULL, on_end);
	int err = -1;

	if (!capsule)
		thread_close(t);
	else if (dict)
		err = PyDict_SetItem(dict, (PyObject *)key_type, capsule);
	if (err < 0 && !PyErr_Occurred())
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
	if (ramet_host_open(&thread_host, t->main) < 0) {
		if (errno == ENOMEM)
			PyErr_NoMemory();
		else
			PyErr_SetFromErrno(PyExc_RuntimeError);
		return -1;
	}
	t->main->ramet = ramet_self();
	t->hub_due = RAMET_NEVER;
	watchdog_watch(t, true);
	t->next = all_threads;
	all_threads = t;
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
	return remember(t) < 0 ? NULL : t;
}

static PyObject *add_idle_workers(PyObject *module, PyObject *number)
{
	long n = PyLong_AsLong(number);

	(void)module;
	if (n == -1 && PyErr_Occurred())
		return NULL;
	thread_idle_workers += (int)n;
	Py_RETURN_NONE;
}

static bool has_greenlet(const struct thread *t, const void *g)
{
	const struct greenlet *each = t->started;

	while (each && each != g)
		each = each->next;
	return each || g == t->main;
}

static PyObject *os_thread_of(PyObject *module, PyObject *ident)
{
	const struct thread *t = all_threads;
	void *g = PyLong_AsVoidPtr(ident);

	(void)module;
	if (!g && PyErr_Occurred())
		return NULL;
	while (t && !has_greenlet(t, g))
		t = t->next;
	if (!t)
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLong(t->ts->thread_id);
}

static PyMethodDef functions[] = {
	{"_os_thread_of", os_thread_of, METH_O,
	 "_os_thread_of(ident): the identity of the OS thread in which the "
	 "greenlet of that identity runs; None if there is none."},
	{"_add_idle_workers", add_idle_workers, METH_O,
	 "_add_idle_workers($module, n, /)\n--\n\n"
	 "So many more OS threads will wake nobody."},
	{NULL, NULL, 0, NULL},
};

int thread_ready(PyObject *module)
{
	static PyType_Slot slots[] = {{0, NULL}};
	static PyType_Spec spec = {"ramet._core._thread_key", 0, 0,
				   Py_TPFLAGS_DEFAULT, slots};

	key_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return key_type ? PyModule_AddFunctions(module, functions) : -1;
}
