/* signal_fd.c - a descriptor that can be read from when a signal has come. */
#include "green.h"

#include <signal.h>
#include <sys/signalfd.h>

static int add(sigset_t *set, PyObject *number)
{
	long n = PyLong_AsLong(number);

	if (n == -1 && PyErr_Occurred())
		return -1;
	if (n != (int)n || sigaddset(set, (int)n) < 0) {
		PyErr_Format(PyExc_ValueError, "%ld is no signal", n);
		return -1;
	}
	return 0;
}

static int fill(sigset_t *set, PyObject *numbers)
{
	PyObject *list = PySequence_Fast(numbers, "signals are a sequence");
	int err = list ? 0 : -1;

	sigemptyset(set);
	for (Py_ssize_t i = 0; err == 0 && i < PySequence_Fast_GET_SIZE(list);
	     i++)
		err = add(set, PySequence_Fast_GET_ITEM(list, i));
	Py_XDECREF(list);
	return err;
}

static PyObject *signal_fd(PyObject *module, PyObject *numbers)
{
	sigset_t set;
	int fd;

	(void)module;
	if (fill(&set, numbers) < 0)
		return NULL;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(fd);
}

static PyMethodDef functions[] = {
	{"signal_fd", signal_fd, METH_O,
	 "signal_fd($module, signals, /)\n--\n\n"
	 "A descriptor that is readable when one of them, which are "
	 "blocked, has come."},
	{NULL, NULL, 0, NULL},
};

int signal_fd_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
