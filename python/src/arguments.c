/* arguments.c - see arguments.h. */
#include "arguments.h"

#include "pystate.h"

static int take_named(PyObject *name, PyObject *value, Py_ssize_t n,
		      const char *function, const char *const *parameters,
		      PyObject **into)
{
	for (Py_ssize_t i = 0; parameters[i]; i++) {
		if (PyUnicode_CompareWithASCIIString(name, parameters[i]) != 0)
			continue;
		if (i < n) {
			PyErr_Format(PyExc_TypeError,
				     "%s() got multiple values for argument %R",
				     function, name);
			return -1;
		}
		into[i] = value;
		return 0;
	}
	PyErr_Format(PyExc_TypeError,
		     "%s() got an unexpected keyword argument %R", function,
		     name);
	return -1;
}

int arguments_take(const struct call *call, const char *function,
		   const char *const *parameters, PyObject **into)
{
	Py_ssize_t i = 0,
		   named = call->names ? PyTuple_GET_SIZE(call->names) : 0;

	for (; i < call->n && parameters[i]; i++)
		into[i] = call->args[i];
	if (i < call->n) {
		PyErr_Format(PyExc_TypeError,
			     "%s() takes at most %zd arguments (%zd given)",
			     function, i, call->n);
		return -1;
	}
	for (i = 0; i < named; i++)
		if (take_named(PyTuple_GET_ITEM(call->names, i),
			       call->args[call->n + i], call->n, function,
			       parameters, into) < 0)
			return -1;
	return 0;
}

int arguments_need(const struct call *call, const char *function,
		   const char *const *parameters, size_t needed,
		   PyObject **into)
{
	for (size_t i = 0; parameters[i]; i++)
		into[i] = NULL;
	if (arguments_take(call, function, parameters, into) < 0)
		return -1;
	for (size_t i = 0; i < needed; i++) {
		if (into[i])
			continue;
		PyErr_Format(PyExc_TypeError,
			     "%s() missing required argument '%s' (pos %zu)",
			     function, parameters[i], i + 1);
		return -1;
	}
	return 0;
}

int arguments_int(PyObject *value, int missing, int *result)
{
	*result = missing;
	if (!value)
		return 0;
#if SINCE(13)
	*result = PyLong_AsInt(value);
#else
	*result = _PyLong_AsInt(value);
#endif
	return *result == -1 && PyErr_Occurred() ? -1 : 0;
}
