/* semaphore.c - Semaphore, the bounded one, and the lock of module thread.
 *
 * Who releases hands its unit to the one that has waited longest: a greenlet
 * that takes it back at once starves nobody.
 */
#include "linkable.h"

#include "arguments.h"

#include <structmember.h>

enum { TAKES, LOOKS }; /* kinds of waiters: acquire and wait */

struct semaphore {
	struct linkable linkable;
	Py_ssize_t counter, initial;
	bool excludes;   /* one at a time: it is as good as a lock */
	uint32_t holder; /* who took it last, where it excludes: for tools */
};

static PyTypeObject *bounded_type, *lock_type;

static bool has_some(struct linkable *l)
{
	return ((struct semaphore *)l)->counter > 0;
}

static bool is_bounded(PyObject *self)
{
	return PyObject_TypeCheck(self, bounded_type);
}

static bool is_lock(PyObject *self)
{
	return PyObject_TypeCheck(self, lock_type);
}

/* ---- release -------------------------------------------------------------
 */

/* One more: returns how many there were for a moment. */
static Py_ssize_t give(struct semaphore *s)
{
	Py_ssize_t most = ++s->counter;
	struct waiter *w;

	s->holder = 0;
	while (s->counter > 0 && (w = s->linkable.waiters.first)) {
		w->value = s->counter;
		if (w->kind == TAKES) {
			s->counter--;
			s->holder = w->number;
		}
		waiter_wake(w);
	}
	if (s->counter > 0)
		linkable_notify(&s->linkable);
	return most;
}

static PyObject *refuse(PyObject *self)
{
	PyErr_SetString(is_lock(self) ? PyExc_RuntimeError : PyExc_ValueError,
			"Semaphore released too many times");
	return NULL;
}

static PyObject *release(PyObject *self, PyObject *unused)
{
	struct semaphore *s = (struct semaphore *)self;

	(void)unused;
	if (s->counter >= s->initial && is_bounded(self))
		return refuse(self);
	return PyLong_FromSsize_t(give(s));
}

/* ---- acquire -------------------------------------------------------------
 */

static int take_one(struct semaphore *s)
{
	s->counter--;
	if (s->excludes)
		s->holder = ramet_host_self();
	return 1;
}

/* Who waits for what it has taken itself waits for a signal: conditions and
 * queues do so, and another greenlet will release it. */
static int wait_turn(struct semaphore *s, struct waiter *w, int64_t when)
{
	static const uint32_t nobody;

	if (!s->excludes)
		return waiters_wait(&s->linkable.waiters, w, "a semaphore",
				    when);
	return waiters_wait_lock(&s->linkable.waiters, w, s,
				 s->holder == ramet_host_self() ? &nobody
								: &s->holder,
				 when);
}

/* Returns as greenlet_wait. */
static int take(struct semaphore *s, int64_t when)
{
	struct waiter w = {.kind = TAKES};
	int end;

	if (s->counter > 0)
		return take_one(s);
	end = wait_turn(s, &w, when);
	if (end < 0 && waiter_is_woken(&w))
		give(s);
	return end;
}

/* A loop that tries until it succeeds must let the holder run. */
static int try(PyObject *self)
{
	struct semaphore *s = (struct semaphore *)self;
	struct thread *t;

	if (s->counter > 0)
		return take_one(s);
	if (!is_lock(self))
		return 0;
	t = thread_get();
	if (!t)
		return -1;
	return t->current->is_hub ? 0 : waiters_yield();
}

int lock_check_timeout(int blocking, PyObject **timeout)
{
	double s;

	if (*timeout == Py_None)
		return 0;
	s = PyFloat_AsDouble(*timeout);
	if (s == -1) {
		*timeout = Py_None;
		return PyErr_Occurred() ? -1 : 0;
	}
	if (!blocking) {
		PyErr_SetString(PyExc_ValueError,
				"can't specify a timeout for a non-blocking "
				"call");
		return -1;
	}
	if (s < 0) {
		PyErr_SetString(PyExc_ValueError,
				"timeout value must be strictly positive");
		return -1;
	}
	if (s > (double)PY_TIMEOUT_MAX / 1e6) {
		PyErr_SetString(PyExc_OverflowError,
				"timeout value is too large");
		return -1;
	}
	return 0;
}

static PyObject *acquire(PyObject *self, PyObject *const *args, Py_ssize_t n,
			 PyObject *names)
{
	static const char *const parameters[] = {"blocking", "timeout", NULL};
	struct call call = {args, n, names};
	PyObject *into[] = {Py_True, Py_None};
	int64_t when;
	int blocking, end;

	if (arguments_take(&call, "acquire", parameters, into) < 0)
		return NULL;
	blocking = PyObject_IsTrue(into[0]);
	if (blocking < 0 ||
	    (is_lock(self) && lock_check_timeout(blocking, &into[1]) < 0))
		return NULL;
	if (!blocking)
		end = try(self);
	else if (greenlet_deadline(into[1], &when) < 0)
		end = -1;
	else
		end = take((struct semaphore *)self, when);
	return end < 0 ? NULL : PyBool_FromLong(end);
}

static PyObject *enter(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (take((struct semaphore *)self, RAMET_NEVER) < 0)
		return NULL;
	if (is_lock(self))
		Py_RETURN_TRUE;
	Py_RETURN_NONE;
}

static PyObject *leave(PyObject *self, PyObject *args)
{
	PyObject *result = release(self, NULL);

	(void)args;
	if (!result)
		return NULL;
	Py_DECREF(result);
	Py_RETURN_NONE;
}

/* ---- wait ----------------------------------------------------------------
 */

static PyObject *wait(PyObject *self, PyObject *const *args, Py_ssize_t n,
		      PyObject *names)
{
	static const char *const parameters[] = {"timeout", NULL};
	struct semaphore *s = (struct semaphore *)self;
	struct waiter w = {.kind = LOOKS};
	struct call call = {args, n, names};
	PyObject *timeout = Py_None;
	int64_t when;
	int end;

	if (arguments_take(&call, "wait", parameters, &timeout) < 0 ||
	    greenlet_deadline(timeout, &when) < 0)
		return NULL;
	if (s->counter > 0)
		return PyLong_FromSsize_t(s->counter);
	end = waiters_wait(&s->linkable.waiters, &w, "a semaphore", when);
	return end < 0 ? NULL : PyLong_FromSsize_t(end ? w.value : s->counter);
}

static PyObject *locked(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct semaphore *)self)->counter <= 0);
}

static PyObject *ready(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct semaphore *)self)->counter > 0);
}

/* Locks that somebody held are free in the child. */
static PyObject *at_fork_reinit(PyObject *self, PyObject *unused)
{
	struct semaphore *s = (struct semaphore *)self;

	(void)unused;
	waiters_drop(&s->linkable.waiters);
	linkable_clear(self);
	s->holder = 0;
	if (is_bounded(self))
		s->counter = s->initial;
	Py_RETURN_NONE;
}

static PyObject *repr(PyObject *self)
{
	struct semaphore *s = (struct semaphore *)self;

	if (is_lock(self))
		return PyUnicode_FromFormat("<%s %s object at %p>",
					    s->counter ? "unlocked" : "locked",
					    Py_TYPE(self)->tp_name,
					    (void *)self);
	return PyUnicode_FromFormat("<%s at %p counter=%zd _links[%zd]>",
				    _PyType_Name(Py_TYPE(self)), (void *)self,
				    s->counter, linkable_count(&s->linkable));
}

/* ---- the types -----------------------------------------------------------
 */

static PyObject *new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct semaphore *s = (struct semaphore *)type->tp_alloc(type, 0);

	(void)args;
	(void)kwargs;
	if (s) {
		s->linkable.is_ready = has_some;
		s->counter = s->initial = 1;
		s->excludes = is_bounded((PyObject *)s);
	}
	return (PyObject *)s;
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"value", (char *)"hub", NULL};
	struct semaphore *s = (struct semaphore *)self;
	Py_ssize_t value = 1;
	PyObject *hub = NULL;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|nO:Semaphore", names,
					 &value, &hub))
		return -1;
	if (value < 0) {
		PyErr_SetString(PyExc_ValueError,
				"semaphore initial value must be >= 0");
		return -1;
	}
	s->counter = s->initial = value;
	s->excludes = value == 1 && is_bounded(self);
	return 0;
}

static PyMethodDef methods[] = {
	{"acquire", METHOD(acquire), METH_FASTCALL | METH_KEYWORDS,
	 "acquire($self, /, blocking=True, timeout=None)\n--\n\n"
	 "Wait until the counter is not 0, and take one.  Returns\n"
	 "whether it did."},
	{"release", release, METH_NOARGS,
	 "release($self, /)\n--\n\n"
	 "Add one, and let the next who waits have it.  Returns the\n"
	 "counter."},
	{"wait", METHOD(wait), METH_FASTCALL | METH_KEYWORDS,
	 "wait($self, /, timeout=None)\n--\n\n"
	 "Wait until acquire would not block; it acquires nothing.\n"
	 "Returns the counter."},
	{"locked", locked, METH_NOARGS,
	 "locked($self, /)\n--\n\n"
	 "Whether acquire would block."},
	{"ready", ready, METH_NOARGS,
	 "ready($self, /)\n--\n\n"
	 "Whether acquire would not block."},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", leave, METH_VARARGS, NULL},
	{"_at_fork_reinit", at_fork_reinit, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
	{"counter", T_PYSSIZET, offsetof(struct semaphore, counter), 0,
	 "How many may acquire it before anyone blocks."},
	{NULL, 0, 0, 0, NULL},
};

/* The interpreter's locks have these names as well. */
static PyMethodDef lock_methods[] = {
	{"acquire_lock", METHOD(acquire), METH_FASTCALL | METH_KEYWORDS,
	 "acquire_lock($self, /, blocking=True, timeout=None)\n--\n\n"
	 "acquire()"},
	{"release_lock", release, METH_NOARGS,
	 "release_lock($self, /)\n--\n\n"
	 "release()"},
	{"locked_lock", locked, METH_NOARGS,
	 "locked_lock($self, /)\n--\n\n"
	 "locked()"},
	{NULL, NULL, 0, NULL},
};

static int add_derived(PyObject *module, PyTypeObject *base)
{
	static PyType_Slot bounded_slots[] = {
		{Py_tp_doc,
		 (char *)"BoundedSemaphore(value=1, hub=None)\n--\n\n"
			 "A Semaphore that is not released more often than it "
			 "was acquired."},
		{0, NULL},
	};
	static PyType_Slot lock_slots[] = {
		{Py_tp_doc, (char *)"LockType(value=1, hub=None)\n--\n\n"
				    "threading.Lock"},
		{Py_tp_methods, lock_methods},
		{0, NULL},
	};
	static PyType_Spec bounded = {"ramet.lock.BoundedSemaphore",
				      sizeof(struct semaphore), 0,
				      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				      bounded_slots};
	static PyType_Spec lock = {"ramet.thread.LockType",
				   sizeof(struct semaphore), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   lock_slots};

	bounded_type = linkable_add_type(module, &bounded, base);
	lock_type = bounded_type
			    ? linkable_add_type(module, &lock, bounded_type)
			    : NULL;
	return lock_type ? 0 : -1;
}

int semaphore_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"Semaphore(value=1, hub=None)\n--\n\n"
				    "A counter that greenlets of any thread "
				    "take from, first come first served."},
		{Py_tp_new, new},
		{Py_tp_init, init},
		{Py_tp_dealloc, linkable_dealloc},
		{Py_tp_traverse, linkable_traverse},
		{Py_tp_clear, linkable_clear},
		{Py_tp_methods, methods},
		{Py_tp_members, members},
		{Py_tp_repr, repr},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.lock.Semaphore",
				   sizeof(struct semaphore), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};
	PyTypeObject *type = linkable_add_type(module, &spec, NULL);

	return type ? add_derived(module, type) : -1;
}
