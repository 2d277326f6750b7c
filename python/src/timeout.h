/* timeout.h - what keeps time when a greenlet does not let the hub do so. */
#ifndef TIMEOUT_H
#define TIMEOUT_H

#include "hub.h"

/* A Timeout of t is armed: look after it.  Cheap; fails silently. */
void watchdog_expect(struct thread *t, int64_t when);

int watchdog_ready(PyObject *module);

/* The exception of a Timeout that `g` started and whose time is over: a new
 * reference, NULL if there is none.  It is armed no more. */
PyObject *timeout_overdue(struct thread *t, struct greenlet *g, int64_t now);

#endif
