/* spawned.h - what a Greenlet is made of. */
#ifndef SPAWNED_H
#define SPAWNED_H

#include "origin.h"

/* Who is to be told of the end. */
struct link {
	struct link *next, **at; /* NULL: it has been told, or taken out */
	/* Neither: a greenlet to wake. */
	void (*tell)(struct link *);
	PyObject *callback; /* owned */
	struct greenlet *greenlet;
};

struct spawned {
	struct greenlet greenlet;
	PyObject *function, *args, *kwargs; /* until it ends */
	PyObject *value;                    /* NULL: None */
	PyObject *exception, *traceback;    /* what it ended by */
	struct link *links, **links_end;
	struct origin origin;
	struct hub_call call;   /* tells the links */
	struct hub_timer timer; /* starts it */
	bool started;           /* start() has been called */
	bool begun;             /* its function has been called */
	bool ended;
};

extern PyTypeObject *spawned_type;

/* Add a link, which stays until it is told in the order of all, or taken out.
 * One that comes after the end is told soon. */
void spawned_link(struct spawned *s, struct link *l);
void spawned_unlink(struct spawned *s, struct link *l);

/* As spawned_link for one that has not ended. */
void spawned_append(struct spawned *s, struct link *l);

/* Tell those whose turn it is; the others in the hub, soon. */
int spawned_tell(struct spawned *s);
void spawned_forget_links(struct spawned *s);

/* Called with each Greenlet that is started: a set, or NULL. */
extern PyObject *spawned_callbacks;

/* The names `run` and `_run`, and what Greenlet itself has by them: borrowed.
 */
extern PyObject *spawned_str_run, *spawned_str__run, *spawned_base_run,
	*spawned_base__run;

/* Whether type has its own `name`. */
bool spawned_overrides(PyTypeObject *type, PyObject *name, PyObject *base);

/* These return 0, or -1 with an exception. */
int spawned_start(struct spawned *s);
int spawned_start_at(struct spawned *s, int64_t when);
int spawned_kill(struct spawned *s, PyObject *exception);

/* Wait for the end.  1: it has ended; 0: time is over; -1: an exception. */
int spawned_await(struct spawned *s, int64_t when);

/* What its ramet does, and the default of its method `run`. */
void spawned_body(struct greenlet *g);
void spawned_run(struct spawned *s);

/* It never runs, and has ended. */
void spawned_end_unbegun(struct spawned *s, PyObject *exc);
void spawned_drop_arguments(struct spawned *s);

/* Arguments by place or name, at most `most` of them. */
int spawned_parse(PyObject *const *args, Py_ssize_t n, PyObject *names,
		  const char *const *known, PyObject **values, int most);

#define FAST(f) ((PyCFunction)(void (*)(void))(f))

/* ---- methods ------------------------------------------------------------- */

int spawned_init(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *spawned_spawn(PyObject *class, PyObject *const *args, Py_ssize_t n,
			PyObject *names);
PyObject *spawned_spawn_later(PyObject *class, PyObject *const *args,
			      Py_ssize_t n, PyObject *names);
PyObject *spawned_start_method(PyObject *self, PyObject *unused);
PyObject *spawned_start_later(PyObject *self, PyObject *seconds);
PyObject *spawned_rawlink(PyObject *self, PyObject *callback);
PyObject *spawned_unlink_method(PyObject *self, PyObject *callback);
PyObject *spawned_unlink_all(PyObject *self, PyObject *unused);
PyObject *spawned_has_links(PyObject *self, PyObject *unused);
PyObject *spawned_add_callback(PyObject *unused, PyObject *callback);
PyObject *spawned_remove_callback(PyObject *unused, PyObject *callback);

int gather_ready(PyObject *module);
int sleep_ready(PyObject *module);

static inline struct spawned *spawned_of_call(struct hub_call *call)
{
	return (struct spawned *)((char *)call -
				  offsetof(struct spawned, call));
}

static inline struct spawned *spawned_of_timer(struct hub_timer *timer)
{
	return (struct spawned *)((char *)timer -
				  offsetof(struct spawned, timer));
}

#endif
