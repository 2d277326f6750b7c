/* queues.c - queues of all kinds and futures: whoever gives up or is cancelled
 * has got and put nothing, and all else arrives once. */
#include "world.h"

/* ---- queues ------------------------------------------------------------- */

enum { PUTTERS = 6, EACH = 6 };

struct item {
	int putter, number;
};

struct queues {
	struct ramet_queue *queue, *other; /* nothing comes on the other */
	int putters, getters;
	bool in_order; /* one getter, and first in first out */
	int put[PUTTERS][EACH], got[PUTTERS][EACH], next[PUTTERS];
};

static int by_number(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->number - y->number;
}

static struct ramet_queue *new_queue(enum ramet_queue_order order)
{
	struct ramet_queue_opts opts = {.item_size = sizeof(struct item),
					.capacity = roll(4),
					.order = order,
					.compare = by_number,
					.shared = (int)roll(2)};

	return ramet_queue_new(&opts);
}

/* Often by a select that could also do other things.  1, 0 or -1; 2: it has
 * given up. */
static int select_item(struct queues *q, struct item *item,
		       enum ramet_select_op op)
{
	struct item none;
	struct ramet_case cases[] = {
		{.op = RAMET_SELECT_GET, .queue = q->other, .item = &none},
		{.op = op, .queue = q->queue, .item = item},
		{.op = RAMET_SELECT_AT, .deadline = ramet_after(RAMET_MS / 2)},
	};
	int i = ramet_select(cases, 3);

	REQUIRE(i != 0, "something came that nobody put");
	return i == 1 ? cases[1].result : i;
}

static int pass_item(struct queues *q, struct item *item,
		     enum ramet_select_op op)
{
	bool hasty = !roll(4);
	int r = -1;

	if (roll(2))
		return select_item(q, item, op);
	RAMET_WITHIN(hasty ? roll(RAMET_MS) : PATIENCE)
		r = op == RAMET_SELECT_PUT ? ramet_queue_put(q->queue, item)
					   : ramet_queue_get(q->queue, item);
	return r < 0 && errno == ETIMEDOUT && hasty ? 2 : r;
}

static void *put_items(void *arg)
{
	struct queues *q = arg;
	struct item item = {q->putters++, 0};
	int r = 1;

	for (; item.number < EACH; item.number++) {
		do
			r = pass_item(q, &item, RAMET_SELECT_PUT);
		while (r == 2);
		if (!good(r, "putting"))
			break;
		q->put[item.putter][item.number]++;
		if (!roll(4))
			nap(RAMET_MS);
	}
	return NULL;
}

static void take_note(struct queues *q, const struct item *item)
{
	REQUIRE(item->putter >= 0 && item->putter < q->putters &&
			item->number >= 0 && item->number < EACH,
		"an item came that nobody put");
	q->got[item->putter][item->number]++;
	REQUIRE(!q->in_order || item->number >= q->next[item->putter],
		"items came out of order");
	q->next[item->putter] = item->number;
	good(ramet_queue_done(q->queue), "done");
}

static void *get_items(void *arg)
{
	struct queues *q = arg;
	struct item item;
	int r;

	while ((r = pass_item(q, &item, RAMET_SELECT_GET)) > 0) {
		if (r == 1)
			take_note(q, &item);
		if (!roll(4))
			nap(RAMET_MS);
	}
	good(r, "getting");
	return NULL;
}

static void *peek_items(void *arg)
{
	struct queues *q = arg;
	struct item item;
	int r = 1;

	RAMET_WITHIN(PATIENCE)
		while ((r = ramet_queue_peek(q->queue, &item)) > 0) {
			REQUIRE(item.putter >= 0 && item.putter < q->putters,
				"a peek saw what nobody put");
			nap(RAMET_MS);
		}
	good(r, "peeking");
	return NULL;
}

static void check_items(const struct queues *q)
{
	for (int p = 0; p < q->putters; p++)
		for (int n = 0; n < EACH; n++) {
			REQUIRE(q->put[p][n] >= q->got[p][n],
				"an item came twice, or was refused and came");
			REQUIRE(q->put[p][n] <= q->got[p][n],
				"an item was lost");
		}
	REQUIRE(ramet_queue_count(q->queue) == 0, "an item is left");
}

/* Some are cancelled in the middle of it. */
static void pass_items(struct queues *q)
{
	ramet_auto_group putters, getters, doomed;

	ramet_group_open(&putters, RAMET_ALL);
	ramet_group_open(&getters, RAMET_ALL);
	ramet_group_open(&doomed, RAMET_ALL);
	q->getters = q->in_order ? 1 : 1 + (int)roll(3);
	for (int n = q->getters; n; n--)
		go(&getters, get_items, q);
	for (int n = 1 + (int)roll(3); n; n--)
		go(&putters, put_items, q);
	for (int n = (int)roll(4); n; n--)
		go(&doomed, q->in_order || roll(2) ? put_items : get_items, q);
	if (roll(2))
		go(&doomed, peek_items, q);
	nap(3 * RAMET_MS);
	ramet_group_cancel(&doomed);
	wait_for_all(&doomed);
	if (!getters.running)
		ramet_group_cancel(&putters);
	wait_for_all(&putters);
	RAMET_WITHIN(PATIENCE)
		if (getters.running)
			good(ramet_queue_join(q->queue), "joining");
	good(ramet_queue_shutdown(q->queue, !getters.running), "shutdown");
	wait_for_all(&getters);
	if (q->getters && !sim_counts()->errors)
		check_items(q);
}

void *scene_queues(void *unused)
{
	enum ramet_queue_order order = (enum ramet_queue_order)roll(3);
	struct queues q = {.in_order = order == RAMET_FIFO && roll(2)};

	(void)unused;
	q.queue = new_queue(order);
	q.other = new_queue(RAMET_FIFO);
	if (made(q.queue, "queue") && made(q.other, "queue"))
		pass_items(&q);
	ramet_queue_free(q.queue);
	ramet_queue_free(q.other);
	return NULL;
}

/* ---- futures ------------------------------------------------------------ */

struct futures {
	struct ramet_future *future;
	struct ramet_event event; /* never set */
	int asked, told;
	int error; /* what it will be settled with */
};

static void note(struct ramet_future *f, void *arg)
{
	struct futures *s = arg;

	REQUIRE(ramet_future_error(f) == s->error, "told of another error");
	s->told++;
}

static int wait_in_select(struct futures *s)
{
	struct ramet_case cases[] = {
		{.op = RAMET_SELECT_EVENT, .event = &s->event},
		{.op = RAMET_SELECT_FUTURE, .future = s->future},
	};
	int i = -1;

	RAMET_WITHIN(PATIENCE)
		i = ramet_select(cases, 2);
	REQUIRE(i != 0, "an event was on that nobody set");
	return i;
}

static void *wait_for_it(void *arg)
{
	struct futures *s = arg;
	int r = 0;

	if (roll(2) && good(ramet_future_then(s->future, note, s), "then"))
		s->asked++;
	if (roll(2))
		r = wait_in_select(s);
	if (!good(r, "waiting for a future"))
		return NULL;
	RAMET_WITHIN(PATIENCE)
		r = ramet_future_get(s->future, NULL);
	if (ramet_cancelled())
		return NULL;
	REQUIRE(s->error ? r < 0 && errno == s->error : r == 0,
		"a future has another's value");
	return NULL;
}

void *scene_futures(void *unused)
{
	struct futures s = {.error = roll(2) ? EILSEQ : 0};
	ramet_auto_group g, doomed;

	(void)unused;
	ramet_group_open(&g, RAMET_ALL);
	ramet_group_open(&doomed, RAMET_ALL);
	s.future = ramet_future_new();
	if (!made(s.future, "future"))
		return NULL;
	for (int n = (int)roll(5); n; n--)
		go(&g, wait_for_it, &s);
	for (int n = (int)roll(3); n; n--)
		go(&doomed, wait_for_it, &s);
	nap(RAMET_MS);
	if (roll(2))
		ramet_group_cancel(&doomed);
	good(s.error ? ramet_future_fail(s.future, s.error)
		     : ramet_future_set(s.future, NULL),
	     "settling");
	wait_for_all(&g);
	wait_for_all(&doomed);
	nap(RAMET_MS); /* what was posted has come by then */
	REQUIRE(s.told == s.asked, "somebody was not told, or told twice");
	ramet_future_release(s.future);
	return NULL;
}
