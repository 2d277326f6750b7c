/* patch.c - C libraries, and the interpreter itself, made cooperative: what
 * they call of libc parks the greenlet, if its caller has released the GIL. */
#include "green.h"

#include <ramet/patch.h>

#include <errno.h>

static PyObject *failed(void)
{
	if (errno == ENOMEM)
		return PyErr_NoMemory();
	PyErr_SetString(errno == EINVAL ? PyExc_ValueError : PyExc_OSError,
			ramet_patch_reason());
	return NULL;
}

static int groups_of(PyObject *args, const char **pattern, unsigned *groups)
{
	const char *names;

	if (!PyArg_ParseTuple(args, "ss", pattern, &names))
		return -1;
	*groups = ramet_patch_groups(names);
	if (*groups)
		return 0;
	PyErr_Format(PyExc_ValueError, "'%s' names no groups of functions",
		     names);
	return -1;
}

static PyObject *change(PyObject *args, int (*how)(unsigned, const char *))
{
	const char *pattern;
	unsigned groups;
	int n;

	if (!thread_get() || groups_of(args, &pattern, &groups) < 0)
		return NULL;
	n = how(groups, pattern);
	return n < 0 ? failed() : PyLong_FromLong(n);
}

static PyObject *patch_library(PyObject *module, PyObject *args)
{
	(void)module;
	return change(args, ramet_patch);
}

static PyObject *unpatch_library(PyObject *module, PyObject *args)
{
	(void)module;
	return change(args, ramet_unpatch);
}

static PyObject *patched(PyObject *module, PyObject *name)
{
	const char *symbol = PyUnicode_AsUTF8(name);

	(void)module;
	return symbol ? PyLong_FromLong(ramet_patched(symbol)) : NULL;
}

static PyObject *set_own_locals(PyObject *module, PyObject *on)
{
	int own = PyObject_IsTrue(on);

	(void)module;
	if (own < 0)
		return NULL;
	greenlet_own_locals = own;
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"patch_library", patch_library, METH_VARARGS,
	 "patch_library($module, pattern, groups, /)\n--\n\n"
	 "Replace what the library calls of libc.  Returns how many\n"
	 "entries were changed."},
	{"unpatch_library", unpatch_library, METH_VARARGS,
	 "unpatch_library($module, pattern, groups, /)\n--\n\n"
	 "Undo it.  Returns how many entries were restored."},
	{"patched", patched, METH_O,
	 "patched($module, name, /)\n--\n\n"
	 "In how many places a function of libc is replaced."},
	{"set_own_locals", set_own_locals, METH_O,
	 "set_own_locals($module, on, /)\n--\n\n"
	 "Whether greenlets that start from now on have thread-local\n"
	 "values of their own, as C code and locals made before any\n"
	 "patch see them."},
	{NULL, NULL, 0, NULL},
};

int patch_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
