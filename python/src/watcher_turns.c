/* watcher_turns.c - what is called at each turn of the hub: prepare, check,
 * idle and fork. */
#include "watcher.h"

enum { FEW = 64 };

/* Those that are there now, each once; a callback may stop any of them. */
void watchers_turn(struct hub *h, enum turn turn)
{
	struct watcher *few[FEW], **all = few, *w;
	size_t count = 0, n = 0;

	for (w = h->turns[turn]; w; w = w->next)
		count++;
	if (count > FEW)
		all = PyMem_Malloc(count * sizeof *all);
	if (!all) { /* the others have to wait */
		all = few;
		count = FEW;
	}
	for (w = h->turns[turn]; n < count; w = w->next)
		all[n++] = (struct watcher *)Py_NewRef((PyObject *)w);
	for (size_t i = 0; i < n; i++) {
		if (all[i]->active)
			watcher_fire(all[i]);
		Py_DECREF(all[i]);
	}
	if (all != few)
		PyMem_Free(all);
}

static int enlist(struct watcher *w, enum turn turn)
{
	struct watcher **at = &w->thread->hub_state->turns[turn];

	while (*at)
		at = &(*at)->next;
	*at = w;
	w->at = at;
	w->next = NULL;
	return 0;
}

static void delist(struct watcher *w)
{
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	w->at = NULL;
}

static int begin_prepare(struct watcher *w)
{
	return enlist(w, TURN_PREPARE);
}

static int begin_check(struct watcher *w)
{
	return enlist(w, TURN_CHECK);
}

/* Only a hub that is awake sees that it is to be so. */
static int begin_idle(struct watcher *w)
{
	ramet_host_wake(w->thread->hub->ramet);
	return enlist(w, TURN_IDLE);
}

static int begin_fork(struct watcher *w)
{
	return enlist(w, TURN_FORK);
}

#define ARGUMENTS "(loop, ref=True, priority=None)\n--\n\n"

static int make_simple(PyObject *module, const char *name, const char *doc,
		       const struct watcher_kind *kind)
{
	PyType_Slot slots[] = {{Py_tp_doc, (char *)doc}, {0, NULL}};
	PyType_Spec spec = {name, sizeof(struct watcher), 0,
			    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

	return watcher_make_type(module, &spec, kind) ? 0 : -1;
}

int watcher_turns_ready(PyObject *module)
{
	static const struct watcher_kind prepare = {begin_prepare, delist},
					 check = {begin_check, delist},
					 idle = {begin_idle, delist},
					 at_fork = {begin_fork, delist};

	if (make_simple(module, "ramet.core.prepare",
			"prepare" ARGUMENTS "Calls before the loop waits.",
			&prepare) < 0 ||
	    make_simple(module, "ramet.core.check",
			"check" ARGUMENTS "Calls after the loop has waited.",
			&check) < 0 ||
	    make_simple(module, "ramet.core.idle",
			"idle" ARGUMENTS "Calls when nothing else is to do.",
			&idle) < 0)
		return -1;
	return make_simple(module, "ramet.core.fork",
			   "fork" ARGUMENTS "Calls in the child after a fork.",
			   &at_fork);
}
