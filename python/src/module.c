/* module.c - ramet._core: what the Python package is built on. */
#include "green.h"

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "ramet._core",
	.m_doc = "Green threads: the part that is written in C.",
	.m_size = -1,
};

PyMODINIT_FUNC PyInit__core(void); /* by its name */

PyMODINIT_FUNC PyInit__core(void)
{
	PyObject *m = PyModule_Create(&definition);

	if (m && exception_ready(m) == 0 && thread_ready(m) == 0 &&
	    greenlet_ready(m) == 0 && hub_ready(m) == 0 &&
	    spawned_ready(m) == 0)
		return m;
	Py_XDECREF(m);
	return NULL;
}
