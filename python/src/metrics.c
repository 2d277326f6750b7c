/* metrics.c - the loops' figures, for module metrics. */
#include "green.h"

#include "ramet/debug.h"

#include <string.h>

struct text {
	char *bytes; /* by PyMem_Malloc */
	size_t used, room;
};

static int add(void *arg, const char *text, size_t size)
{
	struct text *t = arg;
	char *bytes;

	if (size > t->room - t->used) {
		size_t room = 2 * t->room + size;

		bytes = PyMem_Realloc(t->bytes, room);
		if (!bytes)
			return -1;
		t->bytes = bytes;
		t->room = room;
	}
	memcpy(t->bytes + t->used, text, size);
	t->used += size;
	return 0;
}

static PyObject *metrics(PyObject *module, PyObject *unused)
{
	struct text t = {0};
	PyObject *result = NULL;

	(void)module;
	(void)unused;
	if (ramet_write_metrics(add, &t) < 0)
		PyErr_NoMemory();
	else
		result = PyBytes_FromStringAndSize(t.bytes, (Py_ssize_t)t.used);
	PyMem_Free(t.bytes);
	return result;
}

static PyMethodDef functions[] = {
	{"metrics", metrics, METH_NOARGS,
	 "metrics($module, /)\n--\n\n"
	 "The loops' figures, and those of libraries in C, in Prometheus'\n"
	 "text format: bytes."},
	{NULL, NULL, 0, NULL},
};

int metrics_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
