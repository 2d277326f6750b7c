/* native.h - types of the interpreter whose methods are replaced. */
#ifndef NATIVE_H
#define NATIVE_H

#include "green.h"

/* The type's own definition of a method with these flags, which may be changed;
 * NULL if it has none. */
PyMethodDef *native_method(PyTypeObject *type, const char *name, int flags);

/* The thread's greenlets will never run again. */
void native_file_forget(struct thread *t);

#endif
