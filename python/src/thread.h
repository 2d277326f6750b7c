/* thread.h - the parts of an OS thread's loop under the interpreter: its life
 * (thread.c), what the library asks of it (thread_host.c), and what happens to
 * its state at a switch (thread_switch.c). */
#ifndef THREAD_H
#define THREAD_H

#include "green.h"

extern const struct ramet_host thread_host;

/* A ramet may park, and so enter the loop, inside foreign C code that has
 * released the GIL: whether it had to be taken. */
static inline bool thread_take_gil(struct thread *t)
{
	if (pystate_holds_gil(t->ts))
		return false;
	PyEval_RestoreThread(t->ts);
	return true;
}

static inline void thread_give_gil(bool taken)
{
	if (taken)
		PyEval_SaveThread();
}

/* Of struct ramet_host. */
void thread_on_switch(void *from, void *to);

/* Let go of those in t->left: any code may run. */
void thread_let_go(struct thread *t);

#endif
