/* sock_layout.c - what the standard library's classes of sockets keep in an
 * object: looked at before it is relied on. */
#include "sock.h"

#include <structmember.h>

/* The offsets of the slots of that name. */
static Py_ssize_t io_refs, closed;

/* What a parent's __init__ sets behind what we know of, for all the same. */
enum { TAIL_MOST = 64 };
static char tail[TAIL_MOST];
static Py_ssize_t tail_size;
static bool tail_known;

static PyObject **slot(PyObject *self, Py_ssize_t offset)
{
	return (PyObject **)(void *)((char *)self + offset);
}

void sock_set_open(PyObject *self)
{
	PyObject *zero = PyLong_FromLong(0); /* never fails: it is there */

	Py_XSETREF(*slot(self, io_refs), zero);
	Py_XSETREF(*slot(self, closed), Py_NewRef(Py_False));
}

void sock_set_closed(PyObject *self)
{
	Py_XSETREF(*slot(self, closed), Py_NewRef(Py_True));
}

static char *tail_of(PyObject *self)
{
	return (char *)self + sizeof(struct sock_base);
}

bool sock_knows_tail(void)
{
	return !tail_size || tail_known;
}

void sock_learn_tail(PyObject *self)
{
	if (!tail_known)
		memcpy(tail, tail_of(self), (size_t)tail_size);
	tail_known = true;
}

void sock_set_tail(PyObject *self)
{
	memcpy(tail_of(self), tail, (size_t)tail_size);
}

/* The offset of a slot or member of a class; -1 if it is none. */
static Py_ssize_t member_offset(PyObject *class, const char *name)
{
	PyObject *dict = ((PyTypeObject *)class)->tp_dict;
	PyObject *d = PyDict_GetItemString(dict, name); /* borrowed */

	return d && Py_IS_TYPE(d, &PyMemberDescr_Type)
		       ? ((PyMemberDescrObject *)d)->d_member->offset
		       : -1;
}

int sock_check_layout(PyTypeObject *base)
{
	io_refs = member_offset((PyObject *)base, "_io_refs");
	closed = member_offset((PyObject *)base, "_closed");
	tail_size = sock_parent->tp_basicsize -
		    (Py_ssize_t)sizeof(struct sock_base);
	if (io_refs >= 0 && closed >= 0 && tail_size >= 0 &&
	    tail_size <= TAIL_MOST &&
	    member_offset((PyObject *)sock_parent, "proto") ==
		    offsetof(struct sock_base, protocol))
		return 0;
	PyErr_SetString(PyExc_ImportError,
			"this version of socket.socket is not known");
	return -1;
}
