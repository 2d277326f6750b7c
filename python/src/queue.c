/* queue.c - who puts items into a queue and takes them out, and waits for it.
 *
 * An item stays in the queue until its getter runs: a greenlet that blocked in
 * get is promised one, and what is promised no longer counts for others.  So
 * getters are served in the order in which they came, a queue's own order
 * (_get) decides as late as possible, and nothing is lost with a getter that is
 * killed.
 */
#include "queue.h"

enum { WAITS, PROMISED, TAKEN, FAILED, SHUT }; /* kinds of waiters */

Py_ssize_t queue_available(struct queue *q)
{
	Py_ssize_t n = queue_length(q);

	return n < 0 ? -1 : n > q->promised ? n - q->promised : 0;
}

/* ---- serving those who wait ----------------------------------------------
 */

static void offer(struct queue *q)
{
	Py_ssize_t n;
	struct waiter *w;

	if (!q->getters.first)
		return;
	n = queue_available(q);
	if (n < 0)
		PyErr_WriteUnraisable((PyObject *)q);
	for (; n > 0 && (w = q->getters.first); n--) {
		q->promised++;
		w->kind = PROMISED;
		waiter_wake(w);
	}
}

/* offer, whatever exception is set. */
static void pass_on(struct queue *q)
{
	PyObject *exc = exception_take();

	offer(q);
	if (exc)
		exception_raise(exc);
}

/* The putter may be gone by the time its item is refused: putting may run code
 * that lets others run. */
static void admit_one(struct queue *q, struct waiter *w)
{
	PyObject *item = Py_NewRef(w->item);

	w->kind = TAKEN;
	q->admitting = w;
	waiter_wake(w);
	if (queue_add(q, item) == 0) {
		q->unfinished += q->counts_tasks;
	} else if (q->admitting == w) {
		w->kind = FAILED;
		w->item = exception_take();
	} else {
		PyErr_WriteUnraisable((PyObject *)q);
	}
	q->admitting = NULL;
	Py_DECREF(item);
}

void queue_admit(struct queue *q)
{
	while (q->putters.first) {
		Py_ssize_t n = queue_available(q);

		if (n < 0)
			PyErr_WriteUnraisable((PyObject *)q);
		if (n < 0 || !queue_has_room(q, n))
			return;
		if (q->putters.first)
			admit_one(q, q->putters.first);
		offer(q);
	}
}

/* ---- put -----------------------------------------------------------------
 */

static PyObject *wait_to_put(struct queue *q, PyObject *item, int64_t when)
{
	struct waiter w = {.kind = WAITS, .item = item};
	int end = waiters_wait(&q->putters, &w, "room in a queue", when);

	if (q->admitting == &w)
		q->admitting = NULL;
	if (w.kind == FAILED && end > 0)
		exception_raise(w.item);
	else if (w.kind == FAILED)
		Py_DECREF(w.item); /* being killed comes first */
	if (w.kind == FAILED)
		return NULL;
	if (end <= 0)
		return end < 0 ? NULL : queue_raise(exc_full);
	if (w.kind == SHUT)
		return queue_raise(exc_shut_down);
	Py_RETURN_NONE;
}

PyObject *queue_put(struct queue *q, PyObject *item, int64_t when)
{
	Py_ssize_t n;

	if (q->shut)
		return queue_raise(exc_shut_down);
	if (q->maxsize > 0) {
		n = queue_available(q);
		if (n < 0)
			return NULL;
		if (!queue_has_room(q, n))
			return when == 0 ? queue_raise(exc_full)
					 : wait_to_put(q, item, when);
	}
	if (queue_add(q, item) < 0)
		return NULL;
	q->unfinished += q->counts_tasks;
	offer(q);
	Py_RETURN_NONE;
}

/* ---- get -----------------------------------------------------------------
 */

/* Until something is available: returns 0, or -1 with an exception. */
static int wait_for_item(struct queue *q, int64_t when)
{
	struct waiter w;
	Py_ssize_t n;
	int end;

	do {
		w.kind = WAITS;
		end = waiters_wait(&q->getters, &w, "an item of a queue", when);
		if (w.kind == PROMISED)
			q->promised--;
		if (end <= 0) {
			if (end == 0)
				queue_raise(exc_empty);
			else if (w.kind == PROMISED)
				pass_on(q);
			return -1;
		}
		n = queue_available(q);
		if (n == 0 && q->shut)
			queue_raise(exc_shut_down);
		if (PyErr_Occurred())
			return -1;
	} while (n == 0); /* it has been emptied by other means */
	return 0;
}

/* Returns 0 once something is available, or -1 with an exception. */
static int expect_item(struct queue *q, int64_t when)
{
	Py_ssize_t n = queue_available(q);

	if (n != 0)
		return n < 0 ? -1 : 0;
	if (q->shut)
		queue_raise(exc_shut_down);
	else if (when == 0)
		queue_raise(exc_empty);
	else
		return wait_for_item(q, when);
	return -1;
}

PyObject *queue_get(struct queue *q, int64_t when)
{
	PyObject *item;

	if (expect_item(q, when) < 0)
		return NULL;
	item = queue_remove(q);
	if (item && q->putters.first)
		queue_admit(q);
	return item;
}

PyObject *queue_peek(struct queue *q, int64_t when)
{
	PyObject *item;

	if (expect_item(q, when) < 0)
		return NULL;
	item = queue_first(q);
	pass_on(q); /* it may have been promised this one */
	return item;
}

/* ---- ends ----------------------------------------------------------------
 */

void queue_finish(struct queue *q, Py_ssize_t n)
{
	q->unfinished -= n < q->unfinished ? n : q->unfinished;
	if (q->unfinished == 0)
		waiters_wake_all(&q->joiners);
}

static void turn_away(struct waiters *ws)
{
	while (ws->first) {
		ws->first->kind = SHUT;
		waiter_wake(ws->first);
	}
}

static int drain(struct queue *q)
{
	for (;;) {
		Py_ssize_t n = queue_length(q);
		PyObject *item = n > 0 ? queue_remove(q) : NULL;

		if (!item)
			return n == 0 ? 0 : -1;
		Py_DECREF(item);
		if (q->counts_tasks)
			queue_finish(q, 1);
	}
}

int queue_shut(struct queue *q, bool at_once)
{
	q->shut = true;
	turn_away(&q->putters);
	if (at_once && drain(q) < 0)
		return -1;
	turn_away(&q->getters);
	return 0;
}
