/* timeout.h - Timeouts: what they do (timeout.c), the type (timeout_type.c),
 * and what keeps time when a greenlet does not let the hub do so (watchdog.c).
 */
#ifndef TIMEOUT_H
#define TIMEOUT_H

#include "hub.h"

struct timeout {
	PyBaseExceptionObject base;
	PyObject *seconds, *exception; /* owned; NULL: None */
	struct greenlet *greenlet;     /* owned; whose it is, while armed */
	struct thread *thread;         /* the same */
	struct hub_timer timer;
};

extern PyTypeObject *timeout_type;

/* Begin, for the calling greenlet, and end it.  Return 0, or -1 with an
 * exception. */
int timeout_arm(struct timeout *to);
int timeout_stop(struct timeout *to);

/* _on_expiration(greenlet, exception): for subclasses to override. */
PyObject *timeout_on_expiration(PyObject *self, PyObject *args);

/* Once the type is there.  Returns 0, or -1 with an exception. */
int timeout_expiry_ready(void);

/* A Timeout of t is armed: look after it.  Cheap; fails silently. */
void watchdog_expect(struct thread *t, int64_t when);

int watchdog_ready(PyObject *module);

/* The exception of a Timeout that `g` started and whose time is over: a new
 * reference, NULL if there is none.  It is armed no more. */
PyObject *timeout_overdue(struct thread *t, struct greenlet *g, int64_t now);

#endif
