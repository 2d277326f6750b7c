/* gather.c - waiting for the ends of many Greenlets at once. */
#include "spawned.h"

/* On the stack of who waits.  What has ended is noted without any memory, which
 * could be lacking. */
struct gather {
	struct greenlet *greenlet;
	Py_ssize_t wanted, count;
	struct part *ended, **ended_end; /* in the order of their ends */
};

/* One for each Greenlet. */
struct part {
	struct link link;
	struct gather *gather;
	struct spawned *spawned;
	struct part *next; /* of those that have ended */
};

/* One more has ended. */
static void on_end(struct link *l)
{
	struct part *p = (struct part *)l;
	struct gather *g = p->gather;

	*g->ended_end = p;
	g->ended_end = &p->next;
	g->count++;
	if (--g->wanted == 0)
		greenlet_wake(g->greenlet);
}

static int await_all(struct gather *g, int64_t when)
{
	int err = 1;

	while (g->wanted > 0 && err == 1)
		err = greenlet_wait("the ends of greenlets", when);
	return err < 0 ? -1 : 0;
}

static PyObject *list_of(const struct gather *g)
{
	PyObject *list = PyList_New(g->count);
	const struct part *p = list ? g->ended : NULL;

	for (Py_ssize_t i = 0; p; p = p->next)
		PyList_SET_ITEM(list, i++, Py_NewRef((PyObject *)p->spawned));
	return list;
}

static bool have_ended(PyObject *const *objects, Py_ssize_t n)
{
	for (Py_ssize_t i = 0; i < n; i++)
		if (!((struct spawned *)objects[i])->ended)
			return false;
	return true;
}

/* `wanted` of the n objects that all are Greenlets. */
static PyObject *gather(PyObject **objects, Py_ssize_t n, Py_ssize_t wanted,
			int64_t when)
{
	struct part *parts = PyMem_Calloc((size_t)n + 1, sizeof *parts);
	struct gather g = {.greenlet = thread_get()->current, .wanted = wanted};
	PyObject *list;
	int err;

	if (!parts)
		return PyErr_NoMemory();
	if (!have_ended(objects, n) && greenlet_may_wait(g.greenlet->thread)) {
		PyMem_Free(parts);
		return NULL;
	}
	g.ended_end = &g.ended;
	for (Py_ssize_t i = 0; i < n && g.wanted > 0; i++) {
		struct part *p = &parts[i];

		p->link.tell = on_end;
		p->gather = &g;
		p->spawned = (struct spawned *)objects[i];
		if (p->spawned->ended && !p->spawned->links)
			on_end(&p->link);
		else
			spawned_link(p->spawned, &p->link);
	}
	err = await_all(&g, when);
	for (Py_ssize_t i = 0; i < n; i++)
		if (parts[i].link.at)
			spawned_unlink(parts[i].spawned, &parts[i].link);
	list = err < 0 ? NULL : list_of(&g);
	PyMem_Free(parts);
	return list;
}

static bool are_ours(PyObject *const *objects, Py_ssize_t n)
{
	for (Py_ssize_t i = 0; i < n; i++)
		if (!PyObject_TypeCheck(objects[i], spawned_type) ||
		    !greenlet_is_ours((struct greenlet *)objects[i]))
			return false;
	return true;
}

static PyObject *wait_greenlets(PyObject *module, PyObject *args)
{
	PyObject *list, *timeout, *count, *copy, *result;
	Py_ssize_t n, wanted;
	int64_t when;

	(void)module;
	if (!thread_get() ||
	    !PyArg_ParseTuple(args, "O!OO:wait_greenlets", &PyList_Type, &list,
			      &timeout, &count) ||
	    greenlet_deadline(timeout, &when) < 0)
		return NULL;
	n = wanted = PyList_GET_SIZE(list);
	if (count != Py_None) {
		wanted = PyNumber_AsSsize_t(count, NULL);
		if (wanted == -1 && PyErr_Occurred())
			return NULL;
		if (wanted > n)
			wanted = n;
	}
	if (!are_ours(PySequence_Fast_ITEMS(list), n))
		Py_RETURN_NONE;
	copy = PyList_AsTuple(list);
	if (!copy)
		return NULL;
	result = gather(PySequence_Fast_ITEMS(copy), n, wanted, when);
	Py_DECREF(copy);
	return result;
}

static PyMethodDef functions[] = {
	{"wait_greenlets", wait_greenlets, METH_VARARGS,
	 "wait_greenlets($module, greenlets, timeout, count, /)\n--\n\n"
	 "Those that have ended, in that order; None if not all in the\n"
	 "list are Greenlets of this thread."},
	{NULL, NULL, 0, NULL},
};

int gather_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
