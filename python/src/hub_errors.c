/* hub_errors.c - the errors of the hub: of what runs for nobody, and LoopExit,
 * when nothing is left that could run. */
#include "hub.h"

/* hub.loop.debug(), or None: a new reference. */
static PyObject *debug_of(PyObject *hub)
{
	PyObject *loop = GET_ATTRIBUTE(hub, "loop");
	PyObject *debug = loop ? CALL_METHOD(loop, "debug", NULL) : NULL;

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
