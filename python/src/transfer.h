/* transfer.h - what a switch (transfer.c) and the run of a greenlet
 * (greenlet_run.c) know of each other. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "green.h"

/* What its next switch returns or raises.  An exception that is on its way
 * already is not lost. */
static inline void transfer_give(struct greenlet *to, PyObject *value,
				 PyObject *kwargs, PyObject *exc)
{
	Py_XSETREF(to->value, value);
	Py_XSETREF(to->kwargs, kwargs);
	if (exc)
		Py_XSETREF(to->pending, exc);
}

/* Who a switch to *to goes to: a dead one stands for its parent, and one that
 * is new is started.  Returns 0, or -1 with an exception. */
int transfer_prepare(struct thread *t, struct greenlet **to);

/* A result as what p is given: run's arguments are a tuple.  Takes value; NULL
 * with *exc if that fails. */
PyObject *transfer_fit(const struct greenlet *p, PyObject *value,
		       PyObject **exc);

#endif
