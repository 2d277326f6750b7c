/* watcher_signal.c - the watcher `signal`: signals of the process, as events of
 * the loop that began to watch last. */
#include "watcher.h"

#include <signal.h>

enum { SIGNALS = 65 };

struct sig {
	struct watcher watcher;
	int number;
};

/* What the handler has: no Python. */
static struct source {
	struct ramet_host_call post;
	struct watcher *first; /* a list by next */
	struct thread *thread;
	struct sigaction before;
	int posted; /* atomic */
	bool installed;
} sources[SIGNALS];

static void tell(struct source *s)
{
	for (struct watcher *w = s->first; w; w = w->next)
		watcher_feed(w);
}

/* In the loop, which may be in foreign code without the GIL. */
static void on_post(struct ramet_host_call *call)
{
	struct source *s = (struct source *)call;
	PyThreadState *ts;
	bool had;

	if (!s->thread)
		return;
	ts = s->thread->ts;
	had = pystate_holds_gil(ts);
	if (!had)
		PyEval_RestoreThread(ts);
	__atomic_store_n(&s->posted, 0, __ATOMIC_RELEASE);
	tell(s);
	if (!had)
		PyEval_SaveThread();
}

static void on_signal(int number)
{
	struct source *s = &sources[number];
	struct thread *t = s->thread;
	int expected = 0;

	if (t &&
	    __atomic_compare_exchange_n(&s->posted, &expected, 1, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		ramet_host_post(t->main->ramet, &s->post);
}

static int install(struct source *s, int number)
{
	struct sigaction action = {.sa_flags = SA_RESTART};

	if (s->installed)
		return 0;
	action.sa_handler = on_signal;
	sigfillset(&action.sa_mask);
	if (sigaction(number, &action, &s->before) < 0) {
		PyErr_SetFromErrno(PyExc_OSError);
		return -1;
	}
	s->installed = true;
	return 0;
}

static int begin(struct watcher *w)
{
	int number = ((struct sig *)w)->number;
	struct source *s = &sources[number];
	struct watcher **at = &s->first;

	s->post.fn = on_post;
	if (!s->thread || !s->first)
		s->thread = w->thread;
	if (install(s, number) < 0)
		return -1;
	while (*at)
		at = &(*at)->next;
	*at = w;
	w->at = at;
	w->next = NULL;
	return 0;
}

/* What was there before it comes back with the last one. */
static void end(struct watcher *w)
{
	int number = ((struct sig *)w)->number;
	struct source *s = &sources[number];

	if (!w->at)
		return;
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	w->at = NULL;
	if (s->first || !s->installed)
		return;
	sigaction(number, &s->before, NULL);
	s->installed = false;
}

/* The handler must not find what is gone. */
void watcher_signals_end(struct thread *t)
{
	for (int number = 1; number < SIGNALS; number++) {
		struct source *s = &sources[number];

		if (s->thread != t)
			continue;
		if (s->installed)
			sigaction(number, &s->before, NULL);
		s->installed = false;
		s->first = NULL;
		s->thread = NULL;
		__atomic_store_n(&s->posted, 0, __ATOMIC_RELEASE);
	}
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"loop", (char *)"signum", (char *)"ref",
				(char *)"priority", NULL};
	PyObject *loop, *priority = Py_None;
	struct sig *s = (struct sig *)self;
	int ref = 1, number;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oi|pO:signal", names,
					 &loop, &number, &ref, &priority))
		return -1;
	if (number < 1 || number >= SIGNALS) {
		PyErr_Format(PyExc_ValueError, "illegal signal number: %d",
			     number);
		return -1;
	}
	s->number = number;
	return watcher_init(&s->watcher, loop, ref, priority);
}

int watcher_signal_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"signal(loop, signum, ref=True, priority=None)\n--\n\n"
			 "Calls at each signal of that number."},
		{Py_tp_init, init},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.core.signal", sizeof(struct sig), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};
	static const struct watcher_kind kind = {begin, end};

	return watcher_make_type(module, &spec, &kind) ? 0 : -1;
}
