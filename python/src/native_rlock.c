/* native_rlock.c - the interpreter's own RLock, owned by greenlets.
 *
 * It knows its owner by the OS thread, so that all greenlets of one were a
 * single owner.  Its methods are replaced by some that let the original see
 * that number only while it works on a lock that the calling greenlet owns;
 * else the lock says the greenlet's.  They are replaced where the type has
 * them, so that locks, and methods of locks, that were there before are meant
 * as well.  What the thread owned before is its main greenlet's.
 */
#include "native.h"

#include <pythread.h>
#include <structmember.h>

/* As in CPython's Modules/_threadmodule.c. */
struct native_rlock {
	PyObject_HEAD PyThread_type_lock lock;
	unsigned long owner, count;
	PyObject *weakrefs;
};

static PyTypeObject *rlock_type;

static unsigned long number_of(const struct greenlet *g)
{
	return (unsigned long)(uintptr_t)g;
}

/* Before the original: what is the caller's is the OS thread's. */
static void show(struct native_rlock *r)
{
	struct thread *t = this_thread;
	unsigned long native = PyThread_get_thread_ident();

	if (!t || !r->count)
		return;
	if (r->owner == native)
		r->owner = number_of(t->main);
	if (r->owner == number_of(t->current))
		r->owner = native;
}

/* After it: the other way round. */
static void hide(struct native_rlock *r)
{
	struct thread *t = this_thread;

	if (t && r->count && r->owner == PyThread_get_thread_ident())
		r->owner = number_of(t->current);
}

/* One for each method, since methods do not know which they are. */
#define REPLACED(name)                                                         \
	static PyCFunction original_##name;                                    \
                                                                               \
	static PyObject *name(PyObject *self, PyObject *arg)                   \
	{                                                                      \
		struct native_rlock *r = (struct native_rlock *)self;          \
		PyObject *result;                                              \
                                                                               \
		show(r);                                                       \
		result = original_##name(self, arg);                           \
		hide(r);                                                       \
		return result;                                                 \
	}

#define KEYWORDS(f) ((PyCFunctionWithKeywords)(void (*)(void))(f))

#define REPLACED_KEYWORDS(name)                                                \
	static PyCFunction original_##name;                                    \
                                                                               \
	static PyObject *name(PyObject *self, PyObject *args,                  \
			      PyObject *kwargs)                                \
	{                                                                      \
		struct native_rlock *r = (struct native_rlock *)self;          \
		PyObject *result;                                              \
                                                                               \
		show(r);                                                       \
		result = KEYWORDS(original_##name)(self, args, kwargs);        \
		hide(r);                                                       \
		return result;                                                 \
	}

REPLACED_KEYWORDS(acquire)
REPLACED_KEYWORDS(enter)
REPLACED(release)
REPLACED(leave)
REPLACED(is_owned)
REPLACED(release_save)
REPLACED(acquire_restore)
REPLACED(recursion_count)

#define PLAIN(f) ((PyCFunction)(void (*)(void))(f))

static const struct replacement {
	const char *name;
	int flags;
	PyCFunction *original, function;
} replacements[] = {
	{"acquire", METH_VARARGS | METH_KEYWORDS, &original_acquire,
	 PLAIN(acquire)},
	{"__enter__", METH_VARARGS | METH_KEYWORDS, &original_enter,
	 PLAIN(enter)},
	{"release", METH_NOARGS, &original_release, release},
	{"__exit__", METH_VARARGS, &original_leave, leave},
	{"_is_owned", METH_NOARGS, &original_is_owned, is_owned},
	{"_release_save", METH_NOARGS, &original_release_save, release_save},
	{"_acquire_restore", METH_VARARGS, &original_acquire_restore,
	 acquire_restore},
	{"_recursion_count", METH_NOARGS, &original_recursion_count,
	 recursion_count},
};

enum { REPLACEMENTS = sizeof replacements / sizeof *replacements };

PyMethodDef *native_method(PyTypeObject *type, const char *name, int flags)
{
	PyObject *o = PyObject_GetAttrString((PyObject *)type, name);
	PyMethodDef *def = NULL;

	if (o && Py_IS_TYPE(o, &PyMethodDescr_Type) && PyDescr_TYPE(o) == type)
		def = ((PyMethodDescrObject *)o)->d_method;
	Py_XDECREF(o); /* the type has it */
	PyErr_Clear();
	return def && def->ml_flags == flags ? def : NULL;
}

/* Whether the type is as we think it is. */
static bool is_known(void)
{
	return rlock_type &&
	       rlock_type->tp_basicsize == sizeof(struct native_rlock) &&
	       rlock_type->tp_weaklistoffset ==
		       offsetof(struct native_rlock, weakrefs);
}

static bool find(PyMethodDef **defs)
{
	for (size_t i = 0; i < REPLACEMENTS; i++) {
		const struct replacement *r = &replacements[i];

		defs[i] = native_method(rlock_type, r->name, r->flags);
		/* _recursion_count came late. */
		if (!defs[i] && r->function != recursion_count)
			return false;
	}
	return true;
}

static PyObject *own(PyObject *module, PyObject *unused)
{
	PyMethodDef *defs[REPLACEMENTS];

	(void)module;
	(void)unused;
	if (original_acquire)
		Py_RETURN_TRUE;
	if (!is_known() || !find(defs))
		Py_RETURN_FALSE;
	for (size_t i = 0; i < REPLACEMENTS; i++) {
		if (!defs[i])
			continue;
		*replacements[i].original = defs[i]->ml_meth;
		defs[i]->ml_meth = replacements[i].function;
	}
	Py_RETURN_TRUE;
}

static PyMethodDef functions[] = {
	{"own_native_rlocks", own, METH_NOARGS,
	 "own_native_rlocks($module, /)\n--\n\n"
	 "Let greenlets own the interpreter's RLocks: whether that can be."},
	{NULL, NULL, 0, NULL},
};

int native_rlock_ready(PyObject *module)
{
	PyObject *threads = PyImport_ImportModule("_thread");

	if (!threads)
		return -1;
	rlock_type = (PyTypeObject *)PyObject_GetAttrString(threads, "RLock");
	Py_DECREF(threads);
	return rlock_type ? PyModule_AddFunctions(module, functions) : -1;
}
