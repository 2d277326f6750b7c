/* watchdog.c - Timeouts of greenlets that compute without ever letting the hub
 * run.
 *
 * An OS thread without Python sleeps until the earliest Timeout should have
 * been raised.  If the hub is late by then, and the same greenlet is still
 * running a while later, the interpreter is asked to call us between two
 * bytecodes: there the greenlet is named, and its own Timeout is raised.  The
 * interpreter does that for the main OS thread only, and so do we.
 */
#include "timeout.h"

#include <pthread.h>
#include <ramet/debug.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	MS = 1000 * 1000,
	GRACE_NS = 40 * MS,  /* how late the hub may be */
	WINDOW_NS = 40 * MS, /* how long one greenlet may run then */
	STACK = 64 * 1024
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static bool running, refused;  /* the OS thread: it is there; it cannot be */
static struct thread *watched; /* the main OS thread's */

/* Atomic: when the thread looks next; and whether the interpreter will call. */
static int64_t target = RAMET_NEVER;
static int asked;

static bool report = true;

/* ---- between two bytecodes, with the GIL ----------------------------------
 */

static int64_t lateness(struct thread *t, int64_t now)
{
	struct hub *h = t->hub_state;

	return h && h->timer_count ? now - h->timers[1]->when : -1;
}

static void report_hog(struct thread *t, int64_t late)
{
	PyFrameObject *frame = PyThreadState_GetFrame(t->ts);
	PyCodeObject *code = frame ? PyFrame_GetCode(frame) : NULL;
	PyObject *name = t->current == t->main
				 ? PyUnicode_FromString("the main greenlet")
				 : PyObject_Repr((PyObject *)t->current);

	if (name && code)
		PySys_FormatStderr("ramet: %S keeps all others waiting, and "
				   "what is due %d ms ago, at %S:%d in %S\n",
				   name, (int)(late / MS), code->co_filename,
				   PyFrame_GetLineNumber(frame), code->co_name);
	PyErr_Clear();
	Py_XDECREF(name);
	Py_XDECREF(code);
	Py_XDECREF(frame);
}

static int on_bytecode(void *unused)
{
	struct thread *t = this_thread;
	int64_t now = ramet_now(), late;
	PyObject *exc;

	(void)unused;
	__atomic_store_n(&asked, 0, __ATOMIC_RELEASE);
	if (!t || t != watched || !t->hub || t->closed)
		return 0;
	late = lateness(t, now);
	if (late < GRACE_NS)
		return 0;
	if (report)
		report_hog(t, late);
	exc = timeout_overdue(t, t->current, now);
	if (!exc)
		return 0;
	exception_raise(exc);
	return -1;
}

/* ---- the OS thread, without the GIL ---------------------------------------
 */

static struct timespec as_timespec(int64_t ns)
{
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

/* The count of switches is read without the GIL: a wrong one is a late look. */
static uint64_t switches(void)
{
	return watched ? __atomic_load_n(&watched->switches, __ATOMIC_RELAXED)
		       : 0;
}

static int64_t due(void)
{
	if (!watched || !__atomic_load_n(&watched->timeouts, __ATOMIC_RELAXED))
		return RAMET_NEVER;
	return __atomic_load_n(&watched->hub_due, __ATOMIC_RELAXED);
}

/* Wait until `when`, with the lock; false: there is something earlier. */
static bool sleep_until(int64_t when)
{
	struct timespec ts = as_timespec(when);

	while (ramet_now() < when) {
		if (__atomic_load_n(&target, __ATOMIC_RELAXED) < when)
			return false;
		pthread_cond_timedwait(&changed, &lock, &ts);
	}
	return true;
}

static void aim(int64_t when)
{
	if (when < __atomic_load_n(&target, __ATOMIC_RELAXED))
		__atomic_store_n(&target, when, __ATOMIC_RELAXED);
}

/* Until 3.12 the main thread does not see a call that another one adds: but it
 * looks when somebody wants the GIL.  At the interpreter's end this thread may
 * never come back from that. */
static void ask(void)
{
	PyGILState_STATE state;

	if (__atomic_exchange_n(&asked, 1, __ATOMIC_ACQ_REL))
		return;
	if (Py_AddPendingCall(on_bytecode, NULL) < 0) {
		__atomic_store_n(&asked, 0, __ATOMIC_RELEASE);
		return;
	}
	pthread_mutex_unlock(&lock);
	state = PyGILState_Ensure();
	PyGILState_Release(state);
	pthread_mutex_lock(&lock);
}

/* The hub is late.  It may be that there is just much to do. */
static void suspect(void)
{
	uint64_t before = switches();
	int64_t late = due();

	if (!sleep_until(ramet_now() + WINDOW_NS))
		return;
	if (due() == RAMET_NEVER)
		return;
	if (switches() == before && due() == late) {
		ask();
		aim(ramet_now() + 1000 * (int64_t)MS);
	} else {
		aim(ramet_now() + GRACE_NS);
	}
}

static void *watch(void *unused)
{
	pthread_mutex_lock(&lock);
	for (;;) {
		int64_t when = __atomic_load_n(&target, __ATOMIC_RELAXED);

		if (when == RAMET_NEVER) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		if (!sleep_until(when))
			continue;
		__atomic_store_n(&target, RAMET_NEVER, __ATOMIC_RELAXED);
		when = due();
		if (when == RAMET_NEVER)
			continue;
		if (when + GRACE_NS > ramet_now())
			aim(when + GRACE_NS);
		else
			suspect();
	}
	return unused;
}

/* ---- from the greenlets' side ---------------------------------------------
 */

static void after_fork(void)
{
	running = false;
	pthread_mutex_init(&lock, NULL);
	__atomic_store_n(&target, RAMET_NEVER, __ATOMIC_RELAXED);
	__atomic_store_n(&asked, 0, __ATOMIC_RELAXED);
}

static bool start_thread(void)
{
	pthread_condattr_t clock;
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t id;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &clock);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	running = pthread_create(&id, &attr, watch, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	refused = !running;
	return running;
}

void watchdog_expect(struct thread *t, int64_t when)
{
	int64_t look =
		when > RAMET_NEVER - GRACE_NS ? RAMET_NEVER : when + GRACE_NS;

	if (t != watched || refused ||
	    look >= __atomic_load_n(&target, __ATOMIC_RELAXED))
		return;
	if (!running && !start_thread())
		return;
	pthread_mutex_lock(&lock);
	aim(look);
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

void watchdog_watch(struct thread *t, bool on)
{
	pthread_mutex_lock(&lock);
	if (on && syscall(SYS_gettid) == getpid())
		watched = t;
	else if (!on && watched == t)
		watched = NULL;
	pthread_mutex_unlock(&lock);
}

static PyObject *report_hogs(PyObject *module, PyObject *value)
{
	int on = PyObject_IsTrue(value);
	bool before = report;

	(void)module;
	if (on < 0)
		return NULL;
	report = on;
	return PyBool_FromLong(before);
}

static PyMethodDef functions[] = {
	{"report_hogs", report_hogs, METH_O,
	 "report_hogs($module, on, /)\n--\n\n"
	 "Whether greenlets that make Timeouts late are to be named on\n"
	 "stderr. Returns what it was until now."},
	{NULL, NULL, 0, NULL},
};

/* The interpreter frees all that there is without a turn of the loop, for which
 * nobody waits any more: that is no stall. */
static PyObject *at_exit(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	if (this_thread)
		ramet_set_watchdog(0);
	Py_RETURN_NONE;
}

static int mind_exit(void)
{
	static PyMethodDef method = {"_at_exit", at_exit, METH_NOARGS, NULL};
	PyObject *module = PyImport_ImportModule("atexit"), *result = NULL;

	if (module)
		result = PyObject_CallMethod(module, "register", "N",
					     PyCFunction_New(&method, NULL));
	Py_XDECREF(module);
	Py_XDECREF(result);
	return result ? 0 : -1;
}

int watchdog_ready(PyObject *module)
{
	const char *set = getenv("RAMET_REPORT_HOGS");

	report = !set || strcmp(set, "0") != 0;
	pthread_atfork(NULL, NULL, after_fork);
	if (mind_exit() < 0)
		return -1;
	return PyModule_AddFunctions(module, functions);
}
