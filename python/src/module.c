/* module.c - ramet._core: what the Python package is built on. */
#include "green.h"
#include "origin.h"
#include "runtime.h"
#include "sock.h"
#include "spawned.h"
#include "timeout.h"
#include "wsgi.h"

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, .m_name = "ramet._core",
	.m_doc = "Green threads: the part that is written in C.",
	.m_size = 0, /* so that other interpreters ask, and do not get a copy */
};

/* Those that others derive from come first. */
static int (*const parts[])(PyObject *) = {
	exception_ready,   thread_ready,         greenlet_ready,
	frames_ready,      label_ready,          capsule_ready,
	hub_ready,         hub_functions_ready,  loop_ready,
	watcher_ready,     watcher_turns_ready,  watcher_async_ready,
	watcher_io_ready,  watcher_signal_ready, watcher_timer_ready,
	waiter_ready,      spawned_ready,        raw_ready,
	gather_ready,      sleep_ready,          timeout_ready,
	linkable_ready,    event_ready,          result_ready,
	semaphore_ready,   rlock_ready,          queue_ready,
	channel_ready,     local_ready,          sock_ready,
	ready_ready,       getaddrinfo_ready,    gethostby_ready,
	getnameinfo_ready, descriptor_ready,     patch_ready,
	metrics_ready,     wsgi_environ_ready,   wsgi_ready,
	wsgi_serve_ready,  wsgi_slow_ready,      native_rlock_ready,
	native_file_ready, signal_fd_ready,      chunks_ready,
};

PyMODINIT_FUNC PyInit__core(void); /* by its name */

static PyObject *make(void)
{
	PyObject *m = runtime_check() < 0 ? NULL : PyModule_Create(&definition);

	for (size_t i = 0; m && i < sizeof parts / sizeof *parts; i++)
		if (parts[i](m) < 0)
			Py_CLEAR(m);
	if (m && PyModule_AddStringConstant(m, "version", RAMET_VERSION) < 0)
		Py_CLEAR(m);
	return m;
}

/* There is one, of the main interpreter: what it has is the process's. */
PyMODINIT_FUNC PyInit__core(void)
{
	static PyObject *made;

	if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
		PyErr_SetString(PyExc_ImportError,
				"ramet works in the main interpreter only");
		return NULL;
	}
	if (!made)
		made = make();
	return Py_XNewRef(made);
}
