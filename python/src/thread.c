/* thread.c - an OS thread's loop under the interpreter: what happens to its
 * state at a switch, and to the GIL while the loop sleeps. */
#include "linkable.h"
#include "native.h"
#include "watcher.h"

#include <errno.h>

__thread struct thread *this_thread;

enum { ASK_AGAIN_NS = 20 * 1000 * 1000 };

static PyTypeObject *key_type; /* whose only use is its address */

/* ---- the GIL ------------------------------------------------------------- */

/* A ramet may park, and so enter the loop, inside foreign C code that has
 * released the GIL. */
static bool take_gil(struct thread *t)
{
	if (pystate_holds_gil(t->ts))
		return false;
	PyEval_RestoreThread(t->ts);
	return true;
}

static void give_gil(bool taken)
{
	if (taken)
		PyEval_SaveThread();
}

static void on_sleep(void)
{
	struct thread *t = this_thread;

	t->gave_gil = pystate_holds_gil(t->ts);
	if (t->gave_gil)
		PyEval_SaveThread();
}

/* Python runs handlers of signals in the main greenlet: whatever that waits for
 * says EINTR. */
static void on_wake(int interrupted)
{
	struct thread *t = this_thread;

	if (t->gave_gil)
		PyEval_RestoreThread(t->ts);
	if (interrupted)
		ramet_host_end(t->main->ramet, EINTR);
}

/* Who calls a patched function with the GIL relies on it; other threads' calls
 * are none of ours. */
static int may_park(void)
{
	return !pystate_holds_gil(this_thread->ts);
}

/* ---- switches ------------------------------------------------------------ */

/* Letting go of one may run any code, which must not happen halfway. */
void greenlet_let_go(struct thread *t, struct greenlet *g)
{
	if (g->is_left) {
		Py_DECREF(g);
		return;
	}
	g->is_left = true;
	g->next_left = t->left;
	t->left = g;
}

void greenlet_depart(struct thread *t)
{
	struct greenlet *g = t->current;

	t->current = NULL;
	if (t->tracer && !t->origin)
		t->origin = (struct greenlet *)Py_NewRef((PyObject *)g);
	if (Py_REFCNT(g) > 1)
		Py_DECREF(g);
	else
		greenlet_let_go(t, g);
}

/* Tell of the switch.  A tracer that fails is told of no more, and its error is
 * raised in the one that has been switched to. */
static PyObject *trace(struct thread *t, struct greenlet *origin, bool throws)
{
	PyObject *tracer = Py_XNewRef(t->tracer), *result = NULL, *exc;
	PyObject *args;

	if (!tracer)
		return NULL;
	args = Py_BuildValue("s(OO)", throws ? "throw" : "switch",
			     (PyObject *)origin, (PyObject *)t->current);
	pystate_stop_tracing(t->ts);
	if (args)
		result = PyObject_Call(tracer, args, NULL);
	pystate_go_on_tracing(t->ts);
	exc = result ? NULL : exception_take();
	if (exc)
		Py_CLEAR(t->tracer);
	Py_XDECREF(args);
	Py_XDECREF(result);
	Py_DECREF(tracer);
	return exc;
}

static void let_go(struct thread *t)
{
	while (t->left) {
		struct greenlet *g = t->left;

		t->left = g->next_left;
		g->is_left = false;
		Py_DECREF(g);
	}
}

void greenlet_settle(struct thread *t)
{
	struct greenlet *me = t->current, *origin = t->origin;
	struct greenlet_mail mail = greenlet_set_aside(me);
	PyObject *exc = NULL;

	t->origin = NULL;
	let_go(t);
	if (origin)
		exc = trace(t, origin, mail.pending != NULL);
	Py_XDECREF(origin);
	if (exc)
		Py_XSETREF(mail.pending, exc);
	greenlet_take_back(me, mail);
}

static void leave(struct thread *t, struct greenlet *g, bool taken)
{
	g->detached = taken;
	if (taken)
		Py_INCREF(g); /* C code knows nothing of references */
	pystate_save(&g->state, t->ts, &t->locals);
	greenlet_depart(t);
}

static void enter(struct thread *t, struct greenlet *g)
{
	t->switches++;
	if (!g->detached)
		Py_INCREF(g);
	t->current = g;
	pystate_load(&g->state, t->ts, &t->locals);
	if (g->detached) {
		if (g->pending)
			greenlet_remind();
		PyEval_SaveThread();
	}
}

static __attribute__((noinline)) void switch_slowly(struct thread *t,
						    struct greenlet *from,
						    struct greenlet *to)
{
	bool taken = !t->has_gil && take_gil(t);

	t->has_gil = false;
	if (from)
		leave(t, from, taken);
	if (to)
		enter(t, to);
}

/* Both in Python code, and without values of their own for what the interpreter
 * keeps for each thread: as leave and enter, in half the time. */
static inline void switch_quickly(struct thread *t, struct greenlet *from,
				  struct greenlet *to)
{
	t->has_gil = false;
	from->detached = false;
	pystate_save(&from->state, t->ts, NULL);
	greenlet_depart(t);
	t->switches++;
	Py_INCREF(to);
	t->current = to;
	pystate_load(&to->state, t->ts, NULL);
}

static void on_switch(void *from, void *to)
{
	struct thread *t = this_thread;
	struct greenlet *f = from, *g = to;

	if (t->has_gil && f && g && !g->detached && !f->state.own_locals &&
	    !g->state.own_locals)
		switch_quickly(t, f, g);
	else
		switch_slowly(t, f, g);
}

/* ---- a deadlock -----------------------------------------------------------
 */

/* Other threads of Python may wake us yet. */
static bool is_alone(const struct thread *t)
{
	PyThreadState *ts = PyInterpreterState_ThreadHead(t->ts->interp);
	int n = 0;

	for (; ts; ts = PyThreadState_Next(ts))
		n++;
	return n <= 1 + thread_idle_workers;
}

int thread_idle_workers;

static int is_stuck(void)
{
	return hub_is_stuck(this_thread);
}

/* Who waits for the end of the loop does not care about other threads. */
static int64_t on_deadlock(void)
{
	struct thread *t = this_thread;
	bool taken = take_gil(t);

	if (t->mails == 0 &&
	    ((t->hub_state && t->hub_state->joined) || is_alone(t)))
		ramet_host_end(t->main->ramet, EDEADLK);
	give_gil(taken);
	return ASK_AGAIN_NS;
}

/* ---- life ---------------------------------------------------------------- */

static const struct ramet_host host = {on_switch,        on_sleep, on_wake,
				       may_park,         is_stuck, on_deadlock,
				       greenlet_describe};

static struct thread *all_threads;

size_t thread_count(void)
{
	size_t n = 0;

	for (struct thread *t = all_threads; t; t = t->next)
		n++;
	return n;
}

void thread_put(struct thread *t)
{
	if (--t->users == 0)
		PyMem_RawFree(t);
}

/* Each ends by GreenletExit; the hub, which was there first, is last. */
static void end_greenlets(struct thread *t)
{
	struct greenlet *g = t->started, *next;

	t->closing = true;
	for (; g; g = next) {
		Py_INCREF(g);
		if (greenlet_is_suspended(g))
			greenlet_kill(g);
		for (next = t->started; next && next->refused;)
			next = next->next;
		g->refused = true; /* once is enough */
		Py_DECREF(g);
	}
}

static void forget(struct thread *t)
{
	struct thread **link = &all_threads;

	while (*link && *link != t)
		link = &(*link)->next;
	if (*link)
		*link = t->next;
	t->closed = true;
	while (t->started) {
		t->started->link = NULL;
		t->started = t->started->next;
	}
}

/* The thread ends, or the interpreter does, or this is the child of a fork and
 * the thread was left behind: its greenlets will never run again. */
static void thread_close(struct thread *t)
{
	bool ours = this_thread == t;

	watchdog_watch(t, false);
	watcher_signals_end(t);
	Py_CLEAR(t->tracer);
	if (ours && !pystate_finalizing())
		end_greenlets(t);
	forget(t);
	waiters_forget(t);
	native_file_forget(t);
	local_forget(t->main);
	if (ours) {
		ramet_host_close();
		this_thread = NULL;
	}
	let_go(t);
	hub_close(t);
	Py_CLEAR(t->origin);
	Py_CLEAR(t->hub);
	Py_CLEAR(t->current);
	Py_CLEAR(t->main);
	thread_put(t);
}

static void on_end(PyObject *capsule)
{
	thread_close(PyCapsule_GetPointer(capsule, NULL));
}

/* With the thread's dict the capsule goes, and closes t; as it does at once if
 * this fails. */
static int remember(struct thread *t)
{
	PyObject *dict = PyThreadState_GetDict();
	PyObject *capsule = PyCapsule_New(t, NULL, on_end);
	int err = -1;

	if (!capsule)
		thread_close(t);
	else if (dict)
		err = PyDict_SetItem(dict, (PyObject *)key_type, capsule);
	if (err < 0 && !PyErr_Occurred())
		PyErr_NoMemory();
	Py_XDECREF(capsule);
	return err;
}

static int thread_open(struct thread *t)
{
	t->users = 1;
	t->ts = PyThreadState_Get();
	t->main = greenlet_new_main(t);
	if (!t->main)
		return -1;
	t->current = (struct greenlet *)Py_NewRef((PyObject *)t->main);
	if (ramet_host_open(&host, t->main) < 0) {
		if (errno == ENOMEM)
			PyErr_NoMemory();
		else
			PyErr_SetFromErrno(PyExc_RuntimeError);
		return -1;
	}
	t->main->ramet = ramet_self();
	t->hub_due = RAMET_NEVER;
	watchdog_watch(t, true);
	t->next = all_threads;
	all_threads = t;
	return 0;
}

struct thread *thread_make(void)
{
	struct thread *t = PyMem_RawCalloc(1, sizeof *t);

	if (!t) {
		PyErr_NoMemory();
		return NULL;
	}
	if (thread_open(t) < 0) {
		Py_CLEAR(t->current);
		Py_CLEAR(t->main);
		thread_put(t);
		return NULL;
	}
	this_thread = t;
	return remember(t) < 0 ? NULL : t;
}

static PyObject *add_idle_workers(PyObject *module, PyObject *number)
{
	long n = PyLong_AsLong(number);

	(void)module;
	if (n == -1 && PyErr_Occurred())
		return NULL;
	thread_idle_workers += (int)n;
	Py_RETURN_NONE;
}

static bool has_greenlet(const struct thread *t, const void *g)
{
	const struct greenlet *each = t->started;

	while (each && each != g)
		each = each->next;
	return each || g == t->main;
}

static PyObject *os_thread_of(PyObject *module, PyObject *ident)
{
	const struct thread *t = all_threads;
	void *g = PyLong_AsVoidPtr(ident);

	(void)module;
	if (!g && PyErr_Occurred())
		return NULL;
	while (t && !has_greenlet(t, g))
		t = t->next;
	if (!t)
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLong(t->ts->thread_id);
}

static PyMethodDef functions[] = {
	{"_os_thread_of", os_thread_of, METH_O,
	 "_os_thread_of(ident): the identity of the OS thread in which the "
	 "greenlet of that identity runs; None if there is none."},
	{"_add_idle_workers", add_idle_workers, METH_O,
	 "_add_idle_workers($module, n, /)\n--\n\n"
	 "So many more OS threads will wake nobody."},
	{NULL, NULL, 0, NULL},
};

int thread_ready(PyObject *module)
{
	static PyType_Slot slots[] = {{0, NULL}};
	static PyType_Spec spec = {"ramet._core._thread_key", 0, 0,
				   Py_TPFLAGS_DEFAULT, slots};

	key_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return key_type ? PyModule_AddFunctions(module, functions) : -1;
}
