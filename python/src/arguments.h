/* arguments.h - arguments of methods that are called too often for
 * PyArg_ParseTupleAndKeywords. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* What a method of METH_FASTCALL | METH_KEYWORDS is called with. */
struct call {
	PyObject *const *args;
	Py_ssize_t n;
	PyObject *names; /* a tuple or NULL */
};

/* Put the arguments into `into`, which has their defaults, by the names of the
 * parameters (the last one is NULL).  Returns 0, or -1 with an exception. */
int arguments_take(const struct call *call, const char *function,
		   const char *const *parameters, PyObject **into);

/* The same where the first `needed` must be given; the others are NULL if they
 * are not. */
int arguments_need(const struct call *call, const char *function,
		   const char *const *parameters, size_t needed,
		   PyObject **into);

/* An int, `missing` if there is none: 0, or -1 with an exception. */
int arguments_int(PyObject *value, int missing, int *result);

/* The C function as PyMethodDef wants it. */
#define METHOD(f) ((PyCFunction)(void (*)(void))(f))

#endif
