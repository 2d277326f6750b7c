/* arguments.c - see arguments.h. */
#include "arguments.h"

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
