/* rlock.c - RLock: a lock that its greenlet may acquire again. */
#include "linkable.h"

#include "arguments.h"

struct rlock {
	struct linkable linkable;
	PyObject *owner; /* owned; NULL: it is free */
	uint32_t holder; /* the owner, for tools */
	Py_ssize_t count;
};

static PyTypeObject *thread_type; /* module thread's */

static bool is_threads(PyObject *self)
{
	return PyObject_TypeCheck(self, thread_type);
}

static bool is_free(struct linkable *l)
{
	return !((struct rlock *)l)->owner;
}

static PyObject *caller(void)
{
	struct thread *t = thread_get();

	return t ? (PyObject *)t->current : NULL;
}

/* To the one that has waited longest, or to nobody. */
static void hand_on(struct rlock *r)
{
	struct waiter *w = r->linkable.waiters.first;
	PyObject *old = r->owner;

	if (w) {
		r->owner = Py_NewRef((PyObject *)w->greenlet);
		r->holder = w->number;
		r->count = 1;
		waiter_wake(w);
	} else {
		r->owner = NULL;
		r->count = 0;
		linkable_notify(&r->linkable);
	}
	Py_XDECREF(old);
}

/* Returns as greenlet_wait. */
static int take(struct rlock *r, bool blocking, PyObject *timeout)
{
	PyObject *me = caller();
	struct waiter w;
	int64_t when;
	int end;

	if (!me)
		return -1;
	if (r->owner == me) {
		r->count++;
		return 1;
	}
	if (!r->owner) {
		r->owner = Py_NewRef(me);
		r->holder = ramet_host_self();
		r->count = 1;
		return 1;
	}
	if (!blocking)
		return 0;
	if (greenlet_deadline(timeout, &when) < 0)
		return -1;
	end = waiters_wait_lock(&r->linkable.waiters, &w, r, &r->holder, when);
	if (end < 0 && waiter_is_woken(&w))
		hand_on(r);
	return end;
}

static PyObject *acquire(PyObject *self, PyObject *const *args, Py_ssize_t n,
			 PyObject *names)
{
	static const char *const parameters[] = {"blocking", "timeout", NULL};
	struct call call = {args, n, names};
	PyObject *into[] = {Py_True, Py_None};
	int blocking, end;

	if (arguments_take(&call, "acquire", parameters, into) < 0)
		return NULL;
	blocking = PyObject_IsTrue(into[0]);
	if (blocking < 0 ||
	    (is_threads(self) && lock_check_timeout(blocking, &into[1]) < 0))
		return NULL;
	/* The interpreter's own takes -1 for no limit. */
	if (PyLong_Check(into[1]) && PyLong_AsLong(into[1]) == -1)
		into[1] = Py_None;
	if (PyErr_Occurred())
		return NULL;
	end = take((struct rlock *)self, blocking, into[1]);
	return end < 0 ? NULL : PyBool_FromLong(end);
}

static PyObject *enter(PyObject *self, PyObject *unused)
{
	(void)unused;
	return take((struct rlock *)self, true, Py_None) < 0
		       ? NULL
		       : Py_NewRef(Py_True);
}

static PyObject *release(PyObject *self, PyObject *unused)
{
	struct rlock *r = (struct rlock *)self;
	PyObject *me = caller();

	(void)unused;
	if (!me)
		return NULL;
	if (r->owner != me) {
		PyErr_Format(PyExc_RuntimeError,
			     "cannot release un-acquired lock. Owner: %R "
			     "Current: %R",
			     r->owner ? r->owner : Py_None, me);
		return NULL;
	}
	if (--r->count == 0)
		hand_on(r);
	Py_RETURN_NONE;
}

static PyObject *leave(PyObject *self, PyObject *args)
{
	(void)args;
	return release(self, NULL);
}

/* ---- what threading.Condition asks for -----------------------------------
 */

static PyObject *is_owned(PyObject *self, PyObject *unused)
{
	PyObject *me = caller();

	(void)unused;
	return me ? PyBool_FromLong(((struct rlock *)self)->owner == me) : NULL;
}

static PyObject *release_save(PyObject *self, PyObject *unused)
{
	struct rlock *r = (struct rlock *)self;
	PyObject *state;

	(void)unused;
	if (!r->owner && is_threads(self)) {
		PyErr_SetString(PyExc_RuntimeError,
				"cannot release un-acquired lock");
		return NULL;
	}
	state = Py_BuildValue("(nO)", r->count, r->owner ? r->owner : Py_None);
	if (state && r->owner)
		hand_on(r);
	return state;
}

static PyObject *acquire_restore(PyObject *self, PyObject *state)
{
	struct rlock *r = (struct rlock *)self;
	PyObject *owner;
	Py_ssize_t count;

	if (!PyArg_ParseTuple(state, "nO:_acquire_restore", &count, &owner) ||
	    take(r, true, Py_None) < 0)
		return NULL;
	r->count = count;
	Py_XSETREF(r->owner, owner == Py_None ? NULL : Py_NewRef(owner));
	Py_RETURN_NONE;
}

static PyObject *recursion_count(PyObject *self, PyObject *unused)
{
	struct rlock *r = (struct rlock *)self;

	(void)unused;
	return PyLong_FromSsize_t(r->owner == caller() ? r->count : 0);
}

/* ---- the type ------------------------------------------------------------
 */

static PyObject *ready(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(!((struct rlock *)self)->owner);
}

static PyObject *locked(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct rlock *)self)->owner != NULL);
}

static PyObject *at_fork_reinit(PyObject *self, PyObject *unused)
{
	struct rlock *r = (struct rlock *)self;

	(void)unused;
	waiters_drop(&r->linkable.waiters);
	r->count = 0;
	Py_CLEAR(r->owner);
	linkable_clear(self);
	Py_RETURN_NONE;
}

static PyObject *get_owner(PyObject *self, void *unused)
{
	PyObject *owner = ((struct rlock *)self)->owner;

	(void)unused;
	return Py_NewRef(owner ? owner : Py_None);
}

static PyObject *get_count(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromSsize_t(((struct rlock *)self)->count);
}

static PyObject *repr(PyObject *self)
{
	struct rlock *r = (struct rlock *)self;

	if (is_threads(self))
		return PyUnicode_FromFormat("<%s %s object owner=%zu count=%zd "
					    "at %p>",
					    r->owner ? "locked" : "unlocked",
					    Py_TYPE(self)->tp_name,
					    (size_t)r->owner, r->count,
					    (void *)self);
	return PyUnicode_FromFormat("<%s at %p _count=%zd _owner=%R>",
				    _PyType_Name(Py_TYPE(self)), (void *)self,
				    r->count, r->owner ? r->owner : Py_None);
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(((struct rlock *)self)->owner);
	return linkable_traverse(self, visit, arg);
}

static int clear(PyObject *self)
{
	Py_CLEAR(((struct rlock *)self)->owner);
	return linkable_clear(self);
}

static PyObject *new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct rlock *r = (struct rlock *)type->tp_alloc(type, 0);

	(void)args;
	(void)kwargs;
	if (r)
		r->linkable.is_ready = is_free;
	return (PyObject *)r;
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"hub", NULL};
	PyObject *hub;

	(void)self;
	return PyArg_ParseTupleAndKeywords(args, kwargs, "|O:RLock", names,
					   &hub)
		       ? 0
		       : -1;
}

static PyMethodDef methods[] = {
	{"acquire", METHOD(acquire), METH_FASTCALL | METH_KEYWORDS,
	 "acquire($self, /, blocking=True, timeout=None)\n--\n\n"
	 "Wait until no other greenlet has it.  Returns whether it was\n"
	 "acquired."},
	{"release", release, METH_NOARGS,
	 "release($self, /)\n--\n\n"
	 "As often as it was acquired; by the greenlet that did."},
	{"locked", locked, METH_NOARGS,
	 "locked($self, /)\n--\n\n"
	 "Whether a greenlet has it."},
	{"ready", ready, METH_NOARGS,
	 "ready($self, /)\n--\n\n"
	 "Whether no greenlet has it."},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", leave, METH_VARARGS, NULL},
	{"_is_owned", is_owned, METH_NOARGS, NULL},
	{"_release_save", release_save, METH_NOARGS, NULL},
	{"_acquire_restore", acquire_restore, METH_O, NULL},
	{"_recursion_count", recursion_count, METH_NOARGS, NULL},
	{"_at_fork_reinit", at_fork_reinit, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"_owner", get_owner, NULL, NULL, NULL},
	{"_count", get_count, NULL, NULL, NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static int add_threads(PyObject *module, PyTypeObject *base)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"The lock of that name of module threading."},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.thread.RLock", sizeof(struct rlock),
				   0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};

	thread_type =
		(PyTypeObject *)PyType_FromSpecWithBases(&spec,
							 (PyObject *)base);
	return PyModule_AddObjectRef(module, "ThreadRLock",
				     (PyObject *)thread_type);
}

int rlock_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"RLock(hub=None)\n--\n\n"
				    "A lock that the greenlet which has it may "
				    "acquire again."},
		{Py_tp_new, new},
		{Py_tp_init, init},
		{Py_tp_dealloc, linkable_dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_repr, repr},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.lock.RLock", sizeof(struct rlock), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	PyTypeObject *type = linkable_add_type(module, &spec, NULL);

	return type ? add_threads(module, type) : -1;
}
