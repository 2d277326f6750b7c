/* queue_text.c - what a queue looks like. */
#include "queue.h"

static PyObject *append(PyObject *text, const char *format, PyObject *value)
{
	PyObject *part, *both;

	if (!text)
		return NULL;
	part = PyUnicode_FromFormat(format, value);
	both = part ? PyUnicode_Concat(text, part) : NULL;
	Py_XDECREF(part);
	Py_DECREF(text);
	return both;
}

static PyObject *append_number(PyObject *text, const char *format, size_t n)
{
	PyObject *value = text && n ? PyLong_FromSize_t(n) : NULL;

	if (!value)
		return text;
	text = append(text, format, value);
	Py_DECREF(value);
	return text;
}

static PyObject *describe(struct queue *q, PyObject *text)
{
	if (q->maxsize > 0)
		text = append_number(text, " maxsize=%S", (size_t)q->maxsize);
	if (text && PySequence_Check(q->items) && PyObject_Size(q->items))
		text = PyErr_Occurred() ? (Py_DECREF(text), NULL)
					: append(text, " queue=%R", q->items);
	text = append_number(text, " getters[%S]", waiters_count(&q->getters));
	text = append_number(text, " putters[%S]", waiters_count(&q->putters));
	if (q->unfinished > 0)
		text = append_number(text, " tasks=%S", (size_t)q->unfinished);
	return append(text, ">", NULL);
}

PyObject *queue_repr(PyObject *self)
{
	PyObject *text;
	int again = Py_ReprEnter(self);

	if (again)
		return again < 0 ? NULL : PyUnicode_FromString("<...>");
	text = PyUnicode_FromFormat("<%s at %p", _PyType_Name(Py_TYPE(self)),
				    (void *)self);
	text = describe((struct queue *)self, text);
	Py_ReprLeave(self);
	return text;
}

PyObject *queue_str(PyObject *self)
{
	PyObject *text;
	int again = Py_ReprEnter(self);

	if (again)
		return again < 0 ? NULL : PyUnicode_FromString("<...>");
	text = PyUnicode_FromFormat("<%s", _PyType_Name(Py_TYPE(self)));
	text = describe((struct queue *)self, text);
	Py_ReprLeave(self);
	return text;
}
