/* inject.c - exceptions for greenlets that are in foreign C code, and so do not
 * look at what is pending.
 *
 * Its call ends with EINTR first.  The interpreter's own functions then ask
 * whether a signal's handler raises something: a signal that nobody sends is
 * said to have come, and its handler raises what was thrown.  Libraries try
 * again: their call fails with ECANCELED, and what was thrown is raised at the
 * greenlet's next bytecode.  The interpreter raises such exceptions by class;
 * so each gets a class of its own, whose call returns the instance that was
 * meant.
 */
#include "green.h"
#include "hub.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How long C code may take to come back. */
#define PATIENCE_NS (10 * 1000 * 1000)

/* Of (greenlet, exception).  Called once more with the instance by versions of
 * the interpreter that find it to be none of the class. */
static PyObject *deliver(PyObject *pair, PyObject *args)
{
	struct greenlet *g = (struct greenlet *)PyTuple_GET_ITEM(pair, 0);
	PyObject *exc = PyTuple_GET_ITEM(pair, 1);

	(void)args;
	if (g->pending != exc)
		return Py_NewRef(exc);
	greenlet_raise(g);
	return exception_take();
}

static PyMethodDef new_method = {"__new__", deliver, METH_VARARGS, NULL};

static PyObject *class_for(struct greenlet *g, PyObject *exc)
{
	PyObject *pair = PyTuple_Pack(2, (PyObject *)g, exc);
	PyObject *new = pair ? PyCFunction_New(&new_method, pair) : NULL;
	PyObject *class = NULL;

	if (new)
		class = PyObject_CallFunction((PyObject *)&PyType_Type,
					      "s(O){sO}", Py_TYPE(exc)->tp_name,
					      PyExc_BaseException, "__new__",
					      new);
	Py_XDECREF(new);
	Py_XDECREF(pair);
	return class;
}

/* ---- a signal that nobody sends ------------------------------------------ */

static int signal_number; /* 0: none yet */

static PyObject *raise_pending(PyObject *module, PyObject *args)
{
	struct greenlet *me = this_thread ? this_thread->current : NULL;

	(void)module;
	(void)args;
	if (me && me->pending && greenlet_raise(me) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyMethodDef handler_method = {"raise_pending", raise_pending,
				     METH_VARARGS, NULL};

/* Where the interpreter runs handlers of signals. */
static bool is_main_thread(void)
{
	return syscall(SYS_gettid) == getpid();
}

static bool is_unused(PyObject *module, int number)
{
	PyObject *was = PyObject_CallMethod(module, "getsignal", "i", number);
	bool unused = was && PyLong_Check(was) && PyLong_AsLong(was) == 0;

	PyErr_Clear(); /* then it is none that can be had */
	Py_XDECREF(was);
	return unused;
}

/* The highest that has no handler.  Returns 0, or -1 with an exception. */
static int take_signal(void)
{
	PyObject *module = PyImport_ImportModule("_signal");
	PyObject *handler = PyCFunction_New(&handler_method, NULL), *was = NULL;
	int number = SIGRTMAX;

	while (module && number > SIGRTMIN && !is_unused(module, number))
		number--;
	if (module && handler)
		was = PyObject_CallMethod(module, "signal", "iO", number,
					  handler);
	Py_XDECREF(handler);
	Py_XDECREF(module);
	if (!was)
		return -1;
	Py_DECREF(was);
	signal_number = number;
	return 0;
}

void greenlet_remind(void)
{
#if SINCE(10)
	if (signal_number && is_main_thread())
		PyErr_SetInterruptEx(signal_number);
#endif
}

/* ---- in foreign C code --------------------------------------------------- */

int greenlet_raise_soon(struct greenlet *g, PyObject *exc)
{
	PyObject *class = class_for(g, exc);

	if (!class)
		return -1;
	if (!signal_number && SINCE(10) && is_main_thread() &&
	    take_signal() < 0)
		PyErr_Clear(); /* then at its next bytecode */
	if (g == g->thread->current) {
		PyThreadState_SetAsyncExc(g->thread->ts->thread_id, class);
		Py_DECREF(class);
	} else {
		Py_XSETREF(g->state.async_exc, class);
	}
	return 0;
}

/* Until C code has come back with what was thrown. */
struct insistence {
	struct hub_timer timer;
	struct greenlet *greenlet; /* owned */
};

static void insist(struct hub_timer *timer)
{
	struct insistence *i = (struct insistence *)(void *)timer;
	struct greenlet *g = i->greenlet;

	if (!g->thread->closed && g->pending && g->detached && g->ramet &&
	    g != g->thread->current) {
		ramet_host_end(g->ramet, ECANCELED);
		if (hub_timer_start(g->thread, timer,
				    ramet_after(PATIENCE_NS).ns) == 0)
			return;
		PyErr_Clear();
	}
	Py_DECREF(g);
	PyMem_Free(i);
}

static int insist_later(struct greenlet *g)
{
	struct insistence *i = PyMem_Calloc(1, sizeof *i);

	if (!i)
		return -1;
	i->timer.fn = insist;
	i->greenlet = (struct greenlet *)Py_NewRef((PyObject *)g);
	if (hub_timer_start(g->thread, &i->timer,
			    ramet_after(PATIENCE_NS).ns) == 0)
		return 0;
	PyErr_Clear();
	Py_DECREF(g);
	PyMem_Free(i);
	return -1;
}

void greenlet_break_off(struct greenlet *g)
{
	bool asks = g->detached && g->pending && signal_number &&
		    insist_later(g) == 0;

	ramet_host_end(g->ramet, asks ? EINTR : ECANCELED);
}

void greenlet_raised(struct greenlet *g)
{
	if (g->thread->ts->async_exc)
		PyThreadState_SetAsyncExc(g->thread->ts->thread_id, NULL);
}
