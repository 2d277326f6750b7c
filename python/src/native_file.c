/* native_file.c - the interpreter's buffered files, used by several greenlets.
 *
 * Such a file has a lock whose owner is an OS thread: what another greenlet of
 * the same does with it while one waits in it is an error, "reentrant call".
 * So its methods are replaced: greenlets come to the original in turn.  A call
 * from within a call of the same greenlet is let through, to be told the error.
 * Greenlets and OS threads that are none wait for each other at the file's own
 * lock.
 */
#include "native.h"

enum { KINDS = 3, BUCKETS = 1024 };

/* Who uses a file, or wants to: on the C stack.  Of those for one file in one
 * OS thread the first uses it, and the others wait. */
struct turn {
	PyObject *file; /* NULL: it is in no bucket */
	struct greenlet *greenlet;
	bool waits;
	struct turn *next, **link;
};

static struct turn *buckets[BUCKETS];
static PyTypeObject *kinds[KINDS]; /* NULL: they are not to be replaced */

static struct turn **bucket_of(const PyObject *file)
{
	return &buckets[((uintptr_t)file >> 4) * UINT64_C(0x9e3779b97f4a7c15) >>
			54];
}

static bool is_like(const struct turn *a, const struct turn *b)
{
	return a->file == b->file && a->greenlet->thread == b->greenlet->thread;
}

/* ---- turns --------------------------------------------------------------- */

static void take_out(struct turn *me)
{
	*me->link = me->next;
	if (me->next)
		me->next->link = me->link;
}

static void leave(struct turn *me)
{
	struct turn *t = me->next;

	if (!me->file)
		return;
	take_out(me);
	while (!me->waits && t && !is_like(t, me))
		t = t->next;
	if (me->waits || !t)
		return;
	t->waits = false;
	greenlet_wake(t->greenlet);
}

/* Behind all others.  Returns whether to go on: the caller is in it already. */
static bool line_up(struct turn *me)
{
	struct turn **link = bucket_of(me->file), *t;

	for (; (t = *link); link = &t->next) {
		if (!is_like(t, me))
			continue;
		if (t->greenlet == me->greenlet)
			return false;
		me->waits = true;
	}
	me->link = link;
	*link = me;
	return true;
}

/* Returns 0, or -1 with an exception. */
static int enter(struct turn *me, PyObject *file)
{
	*me = (struct turn){.file = this_thread ? file : NULL};
	if (!me->file)
		return 0;
	me->greenlet = this_thread->current;
	if (!line_up(me))
		me->file = NULL;
	while (me->file && me->waits) {
		if (greenlet_wait("a file that another greenlet uses",
				  RAMET_NEVER) >= 0)
			continue;
		leave(me);
		return -1;
	}
	return 0;
}

void native_file_forget(struct thread *t)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct turn *turn = buckets[i]; turn; turn = turn->next)
			if (turn->greenlet->thread == t)
				take_out(turn);
}

/* ---- methods ------------------------------------------------------------- */

static int kind_of(PyObject *self)
{
	int kind = 0;

	while (kind < KINDS - 1 && !PyObject_TypeCheck(self, kinds[kind]))
		kind++;
	return kind;
}

/* All functions are kept as this, and called as what they are. */
typedef void (*function)(void);

/* One for each, since methods do not know which they are: the original by the
 * type of file, and what comes in its place. */
#define REPLACED(name, type, parameters, arguments)                            \
	static function original_##name[KINDS];                                \
                                                                               \
	static PyObject *turn_##name parameters                                \
	{                                                                      \
		PyObject *result;                                              \
		struct turn me;                                                \
                                                                               \
		if (enter(&me, self) < 0)                                      \
			return NULL;                                           \
		result = ((type)original_##name[kind_of(self)])arguments;      \
		leave(&me);                                                    \
		return result;                                                 \
	}

#define PLAIN(name)                                                            \
	REPLACED(name, PyCFunction, (PyObject * self, PyObject * arg),         \
		 (self, arg))
#define FAST(name)                                                             \
	REPLACED(name, _PyCFunctionFast,                                       \
		 (PyObject * self, PyObject *const *args, Py_ssize_t n),       \
		 (self, args, n))
#define METHOD(name)                                                           \
	REPLACED(name, PyCMethod,                                              \
		 (PyObject * self, PyTypeObject * type, PyObject *const *args, \
		  size_t n, PyObject *names),                                  \
		 (self, type, args, n, names))

PLAIN(close)
PLAIN(detach)
PLAIN(flush)
FAST(peek)
FAST(read)
FAST(read1)
PLAIN(readinto)
PLAIN(readinto1)
FAST(readline)
FAST(seek)
PLAIN(tell)
#if SINCE(12)
METHOD(truncate)
enum { TRUNCATE_FLAGS = METH_METHOD | METH_FASTCALL | METH_KEYWORDS };
#else
FAST(truncate)
enum { TRUNCATE_FLAGS = METH_FASTCALL };
#endif
PLAIN(write)

#define ROW(name, flags)                                                       \
	{                                                                      \
#name, flags, original_##name, (function)turn_##name           \
	}

static const struct replacement {
	const char *name;
	int flags;
	function *originals, function;
} replacements[] = {
	ROW(close, METH_NOARGS),      ROW(detach, METH_NOARGS),
	ROW(flush, METH_NOARGS),      ROW(peek, METH_FASTCALL),
	ROW(read, METH_FASTCALL),     ROW(read1, METH_FASTCALL),
	ROW(readinto, METH_O),        ROW(readinto1, METH_O),
	ROW(readline, METH_FASTCALL), ROW(seek, METH_FASTCALL),
	ROW(tell, METH_NOARGS),       ROW(truncate, TRUNCATE_FLAGS),
	ROW(write, METH_O),
};

enum { REPLACEMENTS = sizeof replacements / sizeof *replacements };

static void replace(const struct replacement *r, int kind)
{
	PyMethodDef *def = native_method(kinds[kind], r->name, r->flags);

	if (!def)
		return;
	r->originals[kind] = (function)def->ml_meth;
	def->ml_meth = (PyCFunction)r->function;
}

/* ---- the slot, which is a method, too ------------------------------------ */

static iternextfunc original_next[KINDS];

static PyObject *turn_next(PyObject *self)
{
	PyObject *result;
	struct turn me;

	if (enter(&me, self) < 0)
		return NULL;
	result = original_next[kind_of(self)](self);
	leave(&me);
	return result;
}

/* Types that are derived already have a copy. */
static void replace_in_derived(PyTypeObject *type, iternextfunc original)
{
	PyObject *derived =
		PyObject_CallMethod((PyObject *)type, "__subclasses__", NULL);

	for (Py_ssize_t i = 0; derived && i < PyList_GET_SIZE(derived); i++) {
		PyTypeObject *d = (PyTypeObject *)PyList_GET_ITEM(derived, i);

		if (d->tp_iternext != original)
			continue;
		d->tp_iternext = turn_next;
		replace_in_derived(d, original);
	}
	PyErr_Clear();
	Py_XDECREF(derived);
}

static void replace_next(int kind)
{
	PyTypeObject *type = kinds[kind];
	PyObject *o = PyObject_GetAttrString((PyObject *)type, "__next__");
	iternextfunc original = type->tp_iternext;

	PyErr_Clear();
	if (o && Py_IS_TYPE(o, &PyWrapperDescr_Type) &&
	    PyDescr_TYPE(o) == type && original) {
		original_next[kind] = original;
		((PyWrapperDescrObject *)o)->d_wrapped =
			(void *)(uintptr_t)turn_next;
		type->tp_iternext = turn_next;
		PyType_Modified(type);
		replace_in_derived(type, original);
	}
	Py_XDECREF(o);
}

/* ---- the module ---------------------------------------------------------- */

/* All, or none with an exception. */
static int find_kinds(void)
{
	static const char *const names[KINDS] = {"BufferedReader",
						 "BufferedWriter",
						 "BufferedRandom"};
	PyObject *io = PyImport_ImportModule("_io"), *found[KINDS] = {NULL};
	int n = 0;

	while (io && n < KINDS &&
	       (found[n] = PyObject_GetAttrString(io, names[n])))
		n++;
	Py_XDECREF(io);
	for (int i = 0; i < n && n < KINDS; i++)
		Py_DECREF(found[i]);
	for (int i = 0; i < KINDS && n == KINDS; i++)
		kinds[i] = (PyTypeObject *)found[i];
	return n == KINDS ? 0 : -1;
}

static PyObject *share(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	if (kinds[0])
		Py_RETURN_NONE;
	if (find_kinds() < 0)
		return NULL;
	for (int kind = 0; kind < KINDS; kind++) {
		for (size_t i = 0; i < REPLACEMENTS; i++)
			replace(&replacements[i], kind);
		replace_next(kind);
	}
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"share_native_files", share, METH_NOARGS,
	 "share_native_files($module, /)\n--\n\n"
	 "Let greenlets that use one buffered file wait for each other."},
	{NULL, NULL, 0, NULL},
};

int native_file_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
