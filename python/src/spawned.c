/* spawned.c - Greenlet: one that the hub starts, with a result to wait for. */
#include "green.h"

struct spawned {
	struct greenlet greenlet;
	PyObject *function, *args, *kwargs;
	PyObject *value, *exception;
	struct waiter *waiters, **waiters_end;
};

/* Somebody in join. */
struct waiter {
	struct waiter *next;
	struct greenlet *greenlet;
	bool listed;
};

static PyObject *sleep_(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
	int64_t when = 0;

	(void)module;
	if (n > 0 && greenlet_deadline(args[0], &when) < 0)
		return NULL;
	if (when <= ramet_now()) {
		struct thread *t = thread_get();
		struct greenlet *me = t ? t->current : NULL;

		if (!me)
			return NULL;
		Py_INCREF(me);
		ramet_yield();
		greenlet_arrive(t);
		Py_DECREF(me);
		if (!me->pending)
			Py_RETURN_NONE;
		exception_raise(me->pending);
		me->pending = NULL;
		return NULL;
	}
	if (greenlet_wait("its sleep", when) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"sleep", (PyCFunction)(void (*)(void))sleep_, METH_FASTCALL, NULL},
	{NULL, NULL, 0, NULL},
};

int spawned_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
