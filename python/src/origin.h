/* origin.h - who spawned a greenlet, and where. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "green.h"

struct place {
	PyCodeObject *code; /* owned */
	int instruction;
};

enum { PLACES = 10 };

struct origin {
	PyObject *spawner; /* a weak reference; NULL: not known */
	PyObject *locals;  /* a dict that all of a tree share */
	struct place *places;
	int depth;
};

/* The caller, of t, spawns g: who, its dict, and if `stack` where.  Returns 0,
 * or -1 with an exception. */
int origin_set(struct greenlet *g, struct thread *t, bool stack);

void origin_clear(struct origin *o);

#define ORIGIN_VISIT(o)                                                        \
	do {                                                                   \
		Py_VISIT((o)->spawner);                                        \
		Py_VISIT((o)->locals);                                         \
	} while (0)

/* A list of (code, line), the innermost first: a new reference. */
PyObject *origin_stack(const struct origin *o);

/* Of a greenlet that has one; else NULL. */
struct origin *origin_of(struct greenlet *g);

int raw_ready(PyObject *module);

#endif
