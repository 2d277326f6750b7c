/* sync.c - locks exclude, conditions and semaphores lose no wake-up, channels
 * lose nothing and keep each sender's order. */
#include "world.h"

/* ---- mutex, semaphore --------------------------------------------------- */

struct locks {
	struct ramet_mutex mutex;
	struct ramet_sem sem;
	struct ramet_wg wg;
	struct ramet_event start;
	int permits, inside_mutex, inside_sem;
};

static void pause_inside(void)
{
	if (roll(2))
		good(ramet_yield(), "yielding");
	else if (roll(2))
		nap(RAMET_MS / 10);
}

/* Some have little time: they may give up, and then do not hold it. */
static bool taken(int r, int64_t patience, const char *what)
{
	return r == 0 ||
	       ((patience == PATIENCE || errno != ETIMEDOUT) && good(r, what));
}

static void use_mutex(struct locks *l, int64_t patience)
{
	int r = -1;

	RAMET_WITHIN(patience)
		r = ramet_mutex_lock(&l->mutex);
	if (!taken(r, patience, "locking"))
		return;
	REQUIRE(l->inside_mutex++ == 0, "two hold the mutex");
	pause_inside();
	l->inside_mutex--;
	good(ramet_mutex_unlock(&l->mutex), "unlocking");
}

static void use_sem(struct locks *l, int64_t patience)
{
	int r = -1;

	RAMET_WITHIN(patience)
		r = ramet_sem_wait(&l->sem);
	if (!taken(r, patience, "waiting for the semaphore"))
		return;
	REQUIRE(l->inside_sem++ < l->permits,
		"more hold the semaphore than it has");
	pause_inside();
	l->inside_sem--;
	good(ramet_sem_post(&l->sem), "posting");
}

static void *locker(void *arg)
{
	struct locks *l = arg;

	RAMET_WITHIN(PATIENCE)
		good(ramet_event_wait(&l->start), "waiting for the start");
	for (int rounds = 1 + (int)roll(4); rounds; rounds--) {
		int64_t patience = roll(4) ? PATIENCE : roll(RAMET_MS);

		if (roll(2))
			use_mutex(l, patience);
		else
			use_sem(l, patience);
	}
	good(ramet_wg_done(&l->wg), "done");
	return NULL;
}

void *scene_locks(void *unused)
{
	struct locks l = {.permits = 1 + (int)roll(3)};
	ramet_auto_group g;

	(void)unused;
	ramet_group_open(&g, RAMET_ALL);
	ramet_sem_init(&l.sem, (size_t)l.permits);
	for (int n = 2 + (int)roll(6); n; n--)
		if (go(&g, locker, &l))
			ramet_wg_add(&l.wg, 1);
	ramet_event_set(&l.start);
	RAMET_WITHIN(PATIENCE)
		good(ramet_wg_wait(&l.wg), "waiting for the locks' users");
	wait_for_all(&g);
	REQUIRE(!l.mutex.owner && l.sem.value == (size_t)l.permits,
		"a lock is still held");
	return NULL;
}

/* ---- condition: a queue of bounded length ------------------------------- */

struct queue {
	struct ramet_mutex mutex;
	struct ramet_cond room, items;
	int length, most, left;
};

static bool produce(struct queue *q)
{
	bool ok = good(ramet_mutex_lock(&q->mutex), "locking");

	if (!ok)
		return false;
	while (ok && q->length == q->most)
		ok = good(ramet_cond_wait(&q->room, &q->mutex),
			  "waiting for room");
	q->length += ok;
	ramet_cond_signal(&q->items);
	good(ramet_mutex_unlock(&q->mutex), "unlocking");
	return ok;
}

static void *producer(void *arg)
{
	struct queue *q = arg;

	RAMET_WITHIN(PATIENCE)
		for (int i = 0; i < 5; i++)
			if (!produce(q))
				break;
	return NULL;
}

static void take_item(struct queue *q)
{
	REQUIRE(q->length-- > 0, "the queue is empty");
	if (--q->left == 0)
		ramet_cond_broadcast(&q->items);
	ramet_cond_signal(&q->room);
}

static void *consumer(void *arg)
{
	struct queue *q = arg;
	bool more = true;

	RAMET_WITHIN(PATIENCE)
		while (more) {
			good(ramet_mutex_lock(&q->mutex), "locking");
			while (!q->length && q->left)
				good(ramet_cond_wait(&q->items, &q->mutex),
				     "waiting for items");
			more = q->left > 0;
			if (more)
				take_item(q);
			good(ramet_mutex_unlock(&q->mutex), "unlocking");
		}
	return NULL;
}

void *scene_conds(void *unused)
{
	struct queue q = {.most = 1 + (int)roll(3)};
	ramet_auto_group producers, consumers;

	(void)unused;
	ramet_group_open(&producers, RAMET_ALL);
	ramet_group_open(&consumers, RAMET_ALL);
	for (int n = 1 + (int)roll(3); n; n--)
		if (go(&producers, producer, &q))
			q.left += 5;
	for (int n = 1 + (int)roll(3); n; n--)
		go(&consumers, consumer, &q);
	if (!consumers.running && q.left)
		ramet_group_cancel(&producers);
	wait_for_all(&producers);
	wait_for_all(&consumers);
	return NULL;
}

/* ---- channels ----------------------------------------------------------- */

enum { SENDERS = 4, ITEMS = 6 };

struct item {
	int sender, number;
};

struct chans {
	struct ramet_chan *chan, *other; /* nothing comes on the other */
	int id, next[SENDERS], received;
};

static void *send_items(void *arg)
{
	struct chans *c = arg;
	struct item item = {c->id++, 0};

	RAMET_WITHIN(PATIENCE)
		for (; item.number < ITEMS; item.number++) {
			if (!good(ramet_chan_send(c->chan, &item), "sending"))
				break;
			if (!roll(4))
				nap(RAMET_MS);
		}
	return NULL;
}

/* 1, 0 at the end, or -1; often by a select that could also do other things. */
static int receive(struct chans *c, struct item *item)
{
	struct item none;
	struct ramet_case cases[] = {
		{.op = RAMET_SELECT_RECV, .chan = c->other, .item = &none},
		{.op = RAMET_SELECT_RECV, .chan = c->chan, .item = item},
		{.op = RAMET_SELECT_AT},
	};
	int i;

	if (roll(2))
		return ramet_chan_recv(c->chan, item);
	do {
		cases[2].deadline = ramet_after(RAMET_MS);
		i = ramet_select(cases, 3);
	} while (i == 2);
	REQUIRE(i != 0, "something came that nobody sent");
	return i < 0 ? i : cases[i].result;
}

static void *receive_items(void *arg)
{
	struct chans *c = arg;
	struct item item;
	int r = 1;

	RAMET_WITHIN(PATIENCE)
		while ((r = receive(c, &item)) == 1) {
			REQUIRE(item.number >= 0 && item.number < ITEMS,
				"an item came that nobody sent");
			c->received++;
			if (!roll(4))
				nap(RAMET_MS);
		}
	good(r, "receiving");
	return NULL;
}

/* A single receiver sees each sender's items in order. */
static void *receive_in_order(void *arg)
{
	struct chans *c = arg;
	struct item item;
	int r = 1;

	RAMET_WITHIN(PATIENCE)
		while ((r = receive(c, &item)) == 1) {
			REQUIRE(item.number == c->next[item.sender]++,
				"items came out of order");
			c->received++;
		}
	good(r, "receiving");
	return NULL;
}

static void pass_items(struct chans *c)
{
	ramet_auto_group senders, receivers;
	int sent = 0;

	ramet_group_open(&senders, RAMET_ALL);
	ramet_group_open(&receivers, RAMET_ALL);
	if (roll(2))
		go(&receivers, receive_in_order, c);
	else
		for (int n = 2 + (int)roll(2); n; n--)
			go(&receivers, receive_items, c);
	for (int n = 1 + (int)roll(SENDERS); n && receivers.running; n--)
		if (go(&senders, send_items, c))
			sent += ITEMS;
	wait_for_all(&senders);
	ramet_chan_close(c->chan);
	wait_for_all(&receivers);
	REQUIRE(c->received == sent, "items were lost");
}

void *scene_chans(void *unused)
{
	struct chans c = {.id = 0};

	(void)unused;
	c.chan = ramet_chan_new(sizeof(struct item), roll(4));
	c.other = ramet_chan_new(sizeof(struct item), 1);
	if (made(c.chan, "channel") && made(c.other, "channel"))
		pass_items(&c);
	ramet_chan_free(c.chan);
	ramet_chan_free(c.other);
	return NULL;
}
