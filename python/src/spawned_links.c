/* spawned_links.c - who is told of a Greenlet's end, in the order in which they
 * came.
 *
 * A greenlet that waits for another's end is a link too.  Those ahead of every
 * callback are woken at once, the rest is told in the hub.
 */
#include "spawned.h"

/* ---- links --------------------------------------------------------------- */

void spawned_append(struct spawned *s, struct link *l)
{
	if (!s->links)
		s->links_end = &s->links;
	l->next = NULL;
	l->at = s->links_end;
	*l->at = l;
	s->links_end = &l->next;
}

void spawned_unlink(struct spawned *s, struct link *l)
{
	*l->at = l->next;
	if (l->next)
		l->next->at = l->at;
	else
		s->links_end = l->at;
	l->at = NULL;
}

static void forget(struct spawned *s, struct link *l)
{
	PyObject *callback = l->callback;

	spawned_unlink(s, l);
	PyMem_Free(l);
	Py_DECREF(callback);
}

static void tell(struct spawned *s, struct link *l)
{
	PyObject *callback = l->callback, *result;

	spawned_unlink(s, l);
	if (l->tell) {
		l->tell(l);
		return;
	}
	if (!callback) {
		greenlet_wake(l->greenlet);
		return;
	}
	PyMem_Free(l);
	result = PyObject_CallOneArg(callback, (PyObject *)s);
	if (!result) {
		PyObject *context = PyTuple_Pack(2, callback, (PyObject *)s);

		if (context)
			hub_handle_error(context);
		else
			PyErr_WriteUnraisable(callback);
		Py_XDECREF(context);
	}
	Py_XDECREF(result);
	Py_DECREF(callback);
}

/* In the hub. */
static void tell_all(struct hub_call *call)
{
	struct spawned *s = spawned_of_call(call);

	while (s->links)
		if (s->links->callback && s->greenlet.thread->closed)
			forget(s, s->links);
		else
			tell(s, s->links);
	Py_DECREF(s);
}

int spawned_tell(struct spawned *s)
{
	struct thread *t = s->greenlet.thread;

	while (s->links && !s->links->callback)
		tell(s, s->links);
	if (!s->links || s->call.queued)
		return 0;
	s->call.fn = tell_all;
	if (hub_call(t, &s->call) < 0)
		return -1;
	Py_INCREF(s);
	return 0;
}

void spawned_link(struct spawned *s, struct link *l)
{
	spawned_append(s, l);
	if (s->ended && spawned_tell(s) < 0)
		PyErr_WriteUnraisable((PyObject *)s);
}

/* ---- links, from Python -------------------------------------------------- */

PyObject *spawned_rawlink(PyObject *self, PyObject *callback)
{
	struct spawned *s = (struct spawned *)self;
	struct link *l;

	if (!PyCallable_Check(callback)) {
		PyErr_Format(PyExc_TypeError, "Expected callable: %R",
			     callback);
		return NULL;
	}
	l = PyMem_Calloc(1, sizeof *l);
	if (!l)
		return PyErr_NoMemory();
	l->callback = Py_NewRef(callback);
	spawned_append(s, l);
	if (s->ended && spawned_tell(s) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static void nothing(struct link *l)
{
	(void)l;
}

static void insert(struct spawned *s, struct link *l, struct link *before)
{
	l->next = before;
	l->at = before->at;
	*l->at = l;
	before->at = &l->next;
	(void)s;
}

/* 1: it is equal; -1: an exception.  To compare may run code, which may take
 * links out: `here`, before l, tells what is left. */
static int is_equal(struct link *l, PyObject *callback)
{
	PyObject *mine = l->callback;
	int same;

	Py_INCREF(mine);
	same = PyObject_RichCompareBool(mine, callback, Py_EQ);
	Py_DECREF(mine);
	return same;
}

/* The first that is equal; none is no error. */
PyObject *spawned_unlink_method(PyObject *self, PyObject *callback)
{
	struct spawned *s = (struct spawned *)self;
	struct link here = {.tell = nothing}, *l = s->links;
	int same = 0;

	while (l && !same) {
		struct link *next;

		if (!l->callback) {
			l = l->next;
			continue;
		}
		insert(s, &here, l);
		same = is_equal(l, callback);
		if (!here.at) /* all have been told */
			break;
		next = here.next;
		spawned_unlink(s, &here);
		if (next != l) { /* it is gone */
			l = next;
			same = same < 0 ? same : 0;
		} else if (same > 0) {
			forget(s, l);
		} else {
			l = l->next;
		}
	}
	if (same < 0)
		return NULL;
	Py_RETURN_NONE;
}

void spawned_forget_links(struct spawned *s)
{
	struct link *l = s->links;

	while (l)
		if (l->callback) {
			forget(s, l);
			l = s->links; /* the callback's end may do anything */
		} else {
			l = l->next;
		}
}

PyObject *spawned_unlink_all(PyObject *self, PyObject *unused)
{
	(void)unused;
	spawned_forget_links((struct spawned *)self);
	Py_RETURN_NONE;
}

PyObject *spawned_has_links(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct spawned *)self)->links != NULL);
}
