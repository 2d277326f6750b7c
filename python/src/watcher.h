/* watcher.h - what all watchers have: a callback that the hub calls for each
 * event.
 *
 * A watcher that is active, or whose event is on its way, is kept alive by
 * that.
 */
#ifndef WATCHER_H
#define WATCHER_H

#include "hub.h"

struct watcher {
	PyObject_HEAD PyObject *dict, *weakrefs;
	PyObject *loop;            /* owned; NULL: it is closed */
	struct thread *thread;     /* whose hub calls it */
	PyObject *callback, *args; /* owned; NULL: it is stopped */
	struct hub_call call;      /* an event is on its way */
	bool active, unref;
	bool closed;
	signed char priority;
	int revents;                /* io: what came */
	struct watcher *next, **at; /* in its list of struct hub */
};

/* How a kind of watchers begins to look, and ends it. */
struct watcher_kind {
	int (*begin)(struct watcher *); /* -1 with an exception */
	void (*end)(struct watcher *);
};

extern PyTypeObject *watcher_type;

/* Make a type of them; `kind` is found by it. */
PyTypeObject *watcher_make_type(PyObject *module, PyType_Spec *spec,
				const struct watcher_kind *kind);

/* n more of those that keep the loop alive, if w does. */
void watcher_count(struct watcher *w, int n);

/* Its attributes (watcher_attributes.c). */
extern PyGetSetDef watcher_attributes[];
int watcher_set_priority(PyObject *self, PyObject *value, void *unused);

/* The options of every watcher: ref=True, priority=None. */
int watcher_init(struct watcher *w, PyObject *loop, int ref,
		 PyObject *priority);

/* An event: call the callback, in the hub, now. */
void watcher_fire(struct watcher *w);

/* The same soon; from any thread. */
void watcher_feed(struct watcher *w);

void watcher_stop(struct watcher *w);

/* start(callback, *args): returns 0, or -1 with an exception. */
int watcher_start(struct watcher *w, PyObject *callback, PyObject *args);

/* callback and args out of (callback, *args): a new reference in *args. */
int watcher_parse_start(PyObject *given, PyObject **callback, PyObject **args);

/* The thread ends: signals are none of its any more. */
void watcher_signals_end(struct thread *t);

void watcher_dealloc(PyObject *self);
int watcher_traverse(PyObject *self, visitproc visit, void *arg);
int watcher_clear(PyObject *self);

#endif
