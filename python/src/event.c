/* event.c - Event: a flag to wait for. */
#include "linkable.h"

#include "arguments.h"

struct event {
	struct linkable linkable;
	bool is_set;
};

static PyObject *set(PyObject *self, PyObject *unused)
{
	struct event *e = (struct event *)self;

	(void)unused;
	if (!e->is_set) {
		e->is_set = true;
		waiters_wake_all(&e->linkable.waiters);
		linkable_notify(&e->linkable);
	}
	Py_RETURN_NONE;
}

static PyObject *clear_(PyObject *self, PyObject *unused)
{
	(void)unused;
	((struct event *)self)->is_set = false;
	Py_RETURN_NONE;
}

static PyObject *is_set(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct event *)self)->is_set);
}

static PyObject *wait(PyObject *self, PyObject *const *args, Py_ssize_t n,
		      PyObject *names)
{
	static const char *const parameters[] = {"timeout", NULL};
	struct event *e = (struct event *)self;
	struct call call = {args, n, names};
	PyObject *timeout = Py_None;
	struct waiter w;
	int64_t when;
	int end = 1;

	if (arguments_take(&call, "wait", parameters, &timeout) < 0)
		return NULL;
	if (!e->is_set) {
		if (greenlet_deadline(timeout, &when) < 0)
			return NULL;
		end = waiters_wait(&e->linkable.waiters, &w, "an event", when);
	}
	return end < 0 ? NULL : PyBool_FromLong(end);
}

static PyObject *repr(PyObject *self)
{
	return PyUnicode_FromFormat("<%s %s _links[%zd]>",
				    _PyType_Name(Py_TYPE(self)),
				    ((struct event *)self)->is_set ? "set"
								   : "clear",
				    linkable_count((struct linkable *)self));
}

/* Those who waited are not in the child; what it says stays. */
static PyObject *reset_locks(PyObject *self, PyObject *unused)
{
	(void)unused;
	return CALL_METHOD(self, "_at_fork_reinit", NULL);
}

static PyMethodDef methods[] = {
	{"set", set, METH_NOARGS,
	 "set($self, /)\n--\n\n"
	 "Wake all who wait; nobody waits until clear()."},
	{"clear", clear_, METH_NOARGS,
	 "clear($self, /)\n--\n\n"
	 "Whoever comes now waits."},
	{"is_set", is_set, METH_NOARGS,
	 "is_set($self, /)\n--\n\n"
	 "Whether nobody would wait now."},
	{"isSet", is_set, METH_NOARGS,
	 "isSet($self, /)\n--\n\n"
	 "is_set()"},
	{"ready", is_set, METH_NOARGS,
	 "ready($self, /)\n--\n\n"
	 "is_set()"},
	{"wait", METHOD(wait), METH_FASTCALL | METH_KEYWORDS,
	 "wait($self, /, timeout=None)\n--\n\n"
	 "Wait until it is set.  Returns whether it was before the time\n"
	 "was over."},
	{"_reset_internal_locks", reset_locks, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int event_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"Event()\n--\n\n"
				    "A flag: greenlets of any thread wait "
				    "until it is set."},
		{Py_tp_dealloc, linkable_dealloc},
		{Py_tp_traverse, linkable_traverse},
		{Py_tp_clear, linkable_clear},
		{Py_tp_methods, methods},
		{Py_tp_repr, repr},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.event.Event", sizeof(struct event), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	return linkable_add_type(module, &spec, NULL) ? 0 : -1;
}
