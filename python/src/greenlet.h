/* greenlet.h - the parts of the type greenlet: making one, switch() and throw()
 * (greenlet.c), its attributes (greenlet_attributes.c), what becomes of one
 * that nobody refers to (greenlet_finalize.c), and the functions of the package
 * of that name (greenlet_functions.c). */
#ifndef GREENLET_H
#define GREENLET_H

#include "green.h"

/* ---- slots of the type --------------------------------------------------- */

int greenlet_init(PyObject *self, PyObject *args, PyObject *kwargs);
int greenlet_clear(PyObject *self);
void greenlet_finalize(PyObject *self);
void greenlet_dealloc(PyObject *self);
int greenlet_is_true(PyObject *self);
PyObject *greenlet_repr(PyObject *self);

extern PyGetSetDef greenlet_attributes[];

/* ---- the module's part --------------------------------------------------- */

/* Add the functions to the module, and some to the type, which is there.
 * Returns 0, or -1 with an exception. */
int greenlet_add_functions(PyObject *module);

#endif
