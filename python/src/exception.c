/* exception.c - exceptions as instances, whatever the version of CPython; and
 * the module's own. */
#include "green.h"

PyObject *exc_greenlet_exit, *exc_greenlet_error, *exc_loop_exit,
	*exc_blocking_switch_out, *exc_invalid_switch, *exc_invalid_thread_use,
	*exc_concurrent_use, *exc_hub_destroyed;

PyObject *exception_take(void)
{
#if SINCE(12)
	return PyErr_GetRaisedException();
#else
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	if (!type)
		return NULL;
	PyErr_NormalizeException(&type, &value, &traceback);
	if (traceback) {
		PyException_SetTraceback(value, traceback);
		Py_DECREF(traceback);
	}
	Py_DECREF(type);
	return value;
#endif
}

void exception_raise(PyObject *exc)
{
#if SINCE(12)
	PyErr_SetRaisedException(exc);
#else
	PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exc)), exc,
		      PyException_GetTraceback(exc));
#endif
}

static int set_traceback(PyObject *exc, PyObject *traceback)
{
	if (!traceback || traceback == Py_None)
		return 0;
	if (!PyTraceBack_Check(traceback)) {
		PyErr_SetString(PyExc_TypeError, "throw() third argument must "
						 "be a traceback object");
		return -1;
	}
	return PyException_SetTraceback(exc, traceback);
}

/* type(value) as a raise statement of Python 2 had it. */
static PyObject *instance_of(PyObject *type, PyObject *value)
{
	if (!value || value == Py_None)
		return PyObject_CallNoArgs(type);
	if (PyObject_TypeCheck(value, (PyTypeObject *)type))
		return Py_NewRef(value);
	if (PyTuple_Check(value))
		return PyObject_Call(type, value, NULL);
	return PyObject_CallOneArg(type, value);
}

PyObject *exception_make(PyObject *type, PyObject *value, PyObject *traceback)
{
	PyObject *exc = NULL;

	if (PyExceptionInstance_Check(type)) {
		if (value && value != Py_None) {
			PyErr_SetString(PyExc_TypeError,
					"instance exception may not have a "
					"separate value");
			return NULL;
		}
		exc = Py_NewRef(type);
	} else if (PyExceptionClass_Check(type)) {
		exc = instance_of(type, value);
		if (exc && !PyExceptionInstance_Check(exc)) {
			PyErr_Format(PyExc_TypeError,
				     "calling %R should have returned an "
				     "instance of BaseException, not %R",
				     type, (PyObject *)Py_TYPE(exc));
			Py_CLEAR(exc);
		}
	} else {
		PyErr_Format(PyExc_TypeError,
			     "exceptions must be classes, or instances, not %s",
			     Py_TYPE(type)->tp_name);
	}
	if (exc && set_traceback(exc, traceback) < 0)
		Py_CLEAR(exc);
	return exc;
}

static PyObject *make(PyObject *module, const char *name, PyObject *base,
		      const char *doc)
{
	PyObject *exc = PyErr_NewExceptionWithDoc(name, doc, base, NULL);

	if (exc &&
	    PyModule_AddObjectRef(module, strrchr(name, '.') + 1, exc) < 0)
		Py_CLEAR(exc);
	return exc;
}

/* As the interpreter does it for what nobody can catch. */
static PyObject *unraisable_in_thread(PyObject *module, PyObject *args)
{
	PyObject *exc, *function;

	(void)module;
	if (!PyArg_ParseTuple(args, "OO", &exc, &function))
		return NULL;
	exception_raise(Py_NewRef(exc));
#if SINCE(13)
	PyErr_FormatUnraisable("Exception ignored in thread started by %R",
			       function);
#else
	_PyErr_WriteUnraisableMsg("in thread started by", function);
#endif
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"unraisable_in_thread", unraisable_in_thread, METH_VARARGS,
	 "unraisable_in_thread($module, exception, function, /)\n--\n\n"
	 "Tell sys.unraisablehook."},
	{NULL, NULL, 0, NULL},
};

int exception_ready(PyObject *m)
{
	exc_greenlet_exit =
		make(m, "greenlet.GreenletExit", PyExc_BaseException,
		     "Ends a greenlet without an error.");
	exc_greenlet_error = make(m, "greenlet.error", PyExc_Exception,
				  "A switch that cannot be.");
	exc_loop_exit = make(m, "gevent.exceptions.LoopExit", PyExc_Exception,
			     "Nothing can ever wake the caller.");
	exc_blocking_switch_out =
		make(m, "gevent.exceptions.BlockingSwitchOutError",
		     PyExc_AssertionError,
		     "A callback of the event loop tried to block.");
	exc_invalid_switch =
		make(m, "gevent.exceptions.InvalidSwitchError",
		     PyExc_AssertionError,
		     "Somebody switched to a greenlet that waits for "
		     "something else.");
	exc_invalid_thread_use =
		make(m, "gevent.exceptions.InvalidThreadUseError",
		     PyExc_RuntimeError, "An object of another thread.");
	exc_concurrent_use =
		make(m, "gevent.exceptions.ConcurrentObjectUseError",
		     PyExc_AssertionError,
		     "Two greenlets at once where there may be one.");
	exc_hub_destroyed = make(m, "gevent.exceptions.HubDestroyed",
				 exc_greenlet_exit, "The hub has ended.");
	return exc_concurrent_use && exc_hub_destroyed && exc_greenlet_exit &&
			       exc_greenlet_error && exc_loop_exit &&
			       exc_blocking_switch_out && exc_invalid_switch &&
			       exc_invalid_thread_use
		       ? PyModule_AddFunctions(m, functions)
		       : -1;
}
